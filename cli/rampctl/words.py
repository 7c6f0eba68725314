"""Figures as people read them."""

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """Seconds for people, its two largest units: 90000 → `1 d 1 h`, 8 → `8 s`."""
    left, parts = round(seconds), []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def milliseconds(value: float | None) -> str:
    """Milliseconds for people, a dash for none."""
    return "–" if value is None else f"{value:.0f} ms"
