"""`ramp rehearse`: a plan in a simulated world, once with its whole story, or many times for the distribution."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramp.core.judgement import duration
from ramp.core.plan import Plan
from ramp.core.planner import Traffic
from rich.console import Console
from rich.progress import track
from rich.status import Status

from rampctl import plans, repository
from rampctl.exits import DONE, USAGE, CommandError, Exit
from rampctl.rehearsal import distribution, drawing, many, scenario, timeline, units
from rampctl.rehearsal.arm import Arm
from rampctl.rehearsal.dealing import Setting
from rampctl.rehearsal.scene import Scene
from rampctl.rehearsal.stage import play


@dataclass(frozen=True)
class Options:
    """As typed; `users` None: as many as ask 20 times a day."""

    traffic: str
    users: int | None
    candidate: str
    control: str
    p95_ms: float
    answer: str
    answer_after: str
    alarms: bool
    seed: int
    runs: int
    jobs: int | None
    picture: Path | None


def rehearse(path: str, options: Options, console: Console, *, as_json: bool) -> Exit:
    """Rehearse the plan. Exits with the outcome of the ramp, or with 0 for a distribution.

    Raises:
        PlanInvalid, CommandError: with every fault of the plan, or of the options.
    """
    raw, plan = plans.read(path)
    scene = _scene(raw, options)
    if options.runs > 1:
        _distribution(scene, options, console, as_json=as_json)
        return DONE
    if options.picture:
        drawing.check(options.picture)
    with _progress(plan) as tell:
        played = play(scene, definition(), options.seed, tell)
    if options.picture and played.moves:  # a refused ramp has none
        drawing.save(played, options.picture)
    if as_json:
        moments = [moment._asdict() for moment in timeline.moments(played)]
        print(json.dumps({**timeline.facts(played), "timeline": moments}, ensure_ascii=False))
    else:
        console.print(timeline.told(played), highlight=False)
    return played.ramp.code


def definition() -> Mapping[str, Any]:
    """The state machine of the checkout that the command runs in. Raises CommandError outside of one."""
    found: Mapping[str, Any] = json.loads((repository.find(Path.cwd()) / repository.MARK).read_text("utf-8"))
    return found


def _scene(raw: Any, options: Options) -> Scene:
    """The scene of the options. Raises CommandError with the faults of both scenarios."""
    rate, season = units.traffic(options.traffic)
    traffic = Traffic.at(rate, options.users)
    candidate, control = _both(
        ("--candidate", options.candidate, scenario.KINDS), ("--control", options.control, scenario.OF_CONTROL)
    )
    return Scene(
        raw_plan=raw,
        traffic=traffic,
        season=season,
        control=Arm(options.p95_ms, control),
        candidate=Arm(options.p95_ms, candidate),
        answer=options.answer,
        answer_seconds=units.option_seconds("--answer-after", options.answer_after),
        guarded=options.alarms,
    )


def _both(*asked: tuple[str, str, tuple[str, ...]]) -> list[tuple[scenario.Fault, ...]]:
    found, wrong = [], []
    for each in asked:
        try:
            found.append(scenario.parse(*each))
        except CommandError as error:
            wrong.append(str(error))
    if wrong:
        raise CommandError("\n".join(wrong), USAGE)
    return found


def _distribution(scene: Scene, options: Options, console: Console, *, as_json: bool) -> None:
    if options.picture:
        raise CommandError("--picture: draws one ramp, got --runs beside it, expected one of the two", USAGE)
    seeds: Sequence[int] = range(options.seed, options.seed + options.runs)
    progress = Console(stderr=True)
    running = many.run(scene, seeds, definition(), options.jobs)
    endings = [*track(running, "rehearsing", total=options.runs, console=progress, disable=not progress.is_terminal)]
    if as_json:
        print(json.dumps(distribution.facts(endings), ensure_ascii=False))
    else:
        console.print(distribution.told(endings), highlight=False)


@contextmanager
def _progress(plan: Plan) -> Iterator[Callable[[float, Setting], None]]:
    """Says on a terminal how far one ramp is; a long one takes seconds."""
    console = Console(stderr=True)
    titles = [step.title for step in plan.steps]
    with Status("rehearsing", console=console) if console.is_terminal else nullcontext() as status:

        def tell(seconds: float, setting: Setting) -> None:
            if status is not None:
                at = titles[setting.step] if 0 <= setting.step < len(titles) else f"{100 * setting.share:g} %"
                status.update(f"rehearsing: {duration(seconds)}, at {at}")

        yield tell
