"""Quantities as people write them: `10m`, `5%`, `1000/day`."""

import re
from dataclasses import replace

from rampctl.exits import USAGE, CommandError
from rampctl.rehearsal.season import Season

SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "hour": 3_600.0, "d": 86_400.0, "day": 86_400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h|d)")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
TRAFFIC = re.compile(r"(\d+(?:\.\d+)?)/(s|m|min|h|hour|d|day)")
BURST = re.compile(r"\d+(?:\.\d+)?")
PERCENT_MAX, BURST_MAX = 100.0, 10.0


def seconds(text: str) -> float:
    """`10m` → 600.0, `1.5h` → 5400.0. Raises ValueError that says what was expected."""
    found = DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"is no duration, got {text!r}, expected a number with s, m, h or d, like 10m")
    return float(found[1]) * SECONDS[found[2]]


def share(text: str) -> float:
    """`5%` → 0.05. Raises ValueError that says what was expected."""
    found = PERCENT.fullmatch(text)
    if found is None or float(found[1]) > PERCENT_MAX:
        raise ValueError(f"is no rate, got {text!r}, expected 0% to 100%, like 5%")
    return float(found[1]) / PERCENT_MAX


def requests_per_second(text: str) -> float:
    """`1000/day` → 0.0116, `50/s` → 50.0. Raises CommandError."""
    found = TRAFFIC.fullmatch(text.replace(" ", ""))
    if found is None:
        raise CommandError(f"--traffic: is no rate, got {text!r}, expected for example 1000/day, 600/m or 50/s", USAGE)
    return float(found[1]) / SECONDS[found[2]]


def traffic(text: str) -> tuple[float, Season]:
    """`1000/day,diurnal=80%,burst=1` → requests a second and their season. Raises CommandError with every fault."""
    rate, *words = text.split(",")
    found, wrong, per_second = Season(), [], 0.0
    try:
        per_second = requests_per_second(rate)
    except CommandError as error:
        wrong.append(str(error))
    for word in (word.strip() for word in words):
        kind, _, value = word.partition("=")
        try:
            if kind == "diurnal":
                found = replace(found, diurnal=share(value))
            elif kind == "burst" and BURST.fullmatch(value) and float(value) <= BURST_MAX:
                found = replace(found, burst=float(value))
            else:
                wrong.append(f"--traffic: is no season, got {word!r}, expected diurnal=80% or burst=1 (at most 10)")
        except ValueError as error:
            wrong.append(f"--traffic: {kind} {error}")
    if wrong:
        raise CommandError("\n".join(wrong), USAGE)
    return per_second, found


def option_seconds(option: str, text: str) -> float:
    """Seconds of an option's value. Raises CommandError that names the option."""
    try:
        return seconds(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}", USAGE) from None
