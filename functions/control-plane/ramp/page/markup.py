"""Shown values into HTML: templates, assets, and the pictures' numbers as JSON. Everything is escaped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ramp.page.view import RampView

ASSETS: Mapping[str, str] = {
    "icon.svg": "image/svg+xml",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "uplot-1.6.32.css": "text/css; charset=utf-8",
    "uplot-1.6.32.js": "text/javascript; charset=utf-8",
}
SECTIONS = ("summary", "question", "checks", "actions", "story", "costs")  # what a living page puts in place anew
SHORT = 180
DIGITS = 6


def page(template: str, **values: Any) -> str:
    """A whole page, or one of its parts."""
    return _environment().get_template(template).render(**values)


def sections(view: RampView, links: Mapping[str, str]) -> dict[str, str]:
    """The parts of a ramp's page that change, by their id."""
    return {name: page(f"_{name}.html", ramp=view, links=links) for name in SECTIONS}


def chart_data(view: RampView) -> dict[str, Any]:
    """What the browser draws: seconds since the ramp began, rates as percent."""
    return {
        "began": view.started_at,
        "boundaries": [{"at": _short(each.at - view.started_at), "title": each.title} for each in view.boundaries],
        "charts": {
            chart.key: {
                "unit": chart.unit,
                "times": [_short(at - view.started_at) for at in chart.times],
                "lines": [
                    {
                        "role": line.role,
                        "values": _scaled(line.values, chart.unit),
                        "low": _scaled(line.low, chart.unit),
                        "high": _scaled(line.high, chart.unit),
                    }
                    for line in chart.lines
                ],
            }
            for chart in view.charts
        },
    }


@cache
def content(name: str) -> str:
    """The text of one of ASSETS."""
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def asset(name: str) -> str:
    """The address of one of ASSETS, another one when its content is another, so that browsers may keep it for good."""
    return f"/assets/{name}?{_digest(name)}"


@cache
def _digest(name: str) -> str:
    return sha256(content(name).encode()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ramp.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset, inline=_inline, links=None, alert=None, home=True, fields=None)
    environment.filters.update(iso=_iso, clock=_clock, shortened=_shortened)
    return environment


def _inline(name: str) -> Markup:
    """An asset inside of a report; what would end its element is an error rather than an opening."""
    text = content(name)
    if "</" in text:
        raise ValueError(f"{name}: cannot be inlined, it has an end tag in it")
    return Markup(text)  # noqa: S704  # our own file, checked above


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %b %H:%M} UTC"


def _shortened(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT].rsplit(' ', 1)[0]} …"


def _short(value: float) -> float:
    return round(value, 1)


def _scaled(values: tuple[float | None, ...], unit: str) -> list[float | None]:
    factor = 100 if unit == "%" else 1
    return [None if value is None else float(f"{value * factor:.{DIGITS}g}") for value in values]
