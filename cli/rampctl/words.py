"""Figures as people read them."""


def milliseconds(value: float | None) -> str:
    """Milliseconds for people, a dash for none."""
    return "–" if value is None else f"{value:.0f} ms"
