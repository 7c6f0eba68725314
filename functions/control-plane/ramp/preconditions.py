"""What must hold before a ramp may touch traffic, one sentence for each that does not. Reads only."""

from collections.abc import Iterator

from ramp import ending
from ramp.adapters.metrics import History
from ramp.adapters.stack import UNSETTLED
from ramp.adapters.table import Lock
from ramp.core.flag_attributes import RAMP_NAME
from ramp.core.plan import Plan, format_percent
from ramp.traffic import Position
from ramp.world import World


def unmet(plan: Plan, ramp: str, world: World, history: History) -> list[str]:
    """All that do not hold; `history` is control's day before: it tells a silent metric from a quiet night.

    Where another ramp has the flag, nothing else is said of the levers: that they are moved follows from it.
    """
    holder = world.table.lock(plan.flag)
    if holder is not None and holder.ramp != ramp:
        levers = [moved_by(plan, holder)]
    else:
        levers = [*_deploys(world), *_levers(plan, ramp, world)]
    return [*_names(plan, ramp, world), *levers, *_guards(world, history.requests), *_drift(plan, world)]


def moved_by(plan: Plan, holder: Lock) -> str:
    """What somebody who starts a second ramp on a flag is told."""
    return f"flag: {plan.flag} is moved by another ramp, got {holder.ramp}, expected none running"


def _names(plan: Plan, ramp: str, world: World) -> Iterator[str]:
    if not RAMP_NAME.fullmatch(ramp):
        yield f"execution name: names the ramp in metrics, got {ramp!r}, expected letters, digits, _ and -"
    if plan.lever == "alias" and not world.owns_alias:
        yield f"lever: alias moves another flag's function, got {plan.flag!r}, expected lever flag"


def _deploys(world: World) -> Iterator[str]:
    """Whatever else is changing what users meet: two changes at once, and nobody can say which one it was."""
    deployment = world.traffic.in_flight()
    if deployment is not None and not deployment.is_ours:  # for another ramp's, shifting waits
        yield f"AppConfig: a deployment is in flight, got deployment {deployment.number}, expected none"
    if (status := world.stack.status()).endswith(UNSETTLED):
        yield f"stack {world.stack.name}: is not settled, got {status}, expected a deploy that is complete"
    if code_deploy := world.stack.code_deploy():
        yield f"CodeDeploy: a code deploy is in flight on the alias, got deployment {code_deploy}, expected none"


def _levers(plan: Plan, ramp: str, world: World) -> Iterator[str]:
    yield from moved_meanwhile(ramp, world, world.traffic.read())
    if plan.lever == "alias":
        if not world.traffic.has_version(plan.candidate_version):
            yield f"candidate_version: is not published, got {plan.candidate_version!r}, expected a version"
        if provisioned := world.traffic.provisioned():
            # Source: AWS Lambda, "Alias with weights can not be used with Provisioned Concurrency".
            yield f"alias: has provisioned concurrency, got {provisioned}, expected none on an alias that is weighted"


def moved_meanwhile(ramp: str, world: World, position: Position) -> Iterator[str]:
    """Where traffic is no longer as a ramp may find it; asked again of the `position` that is read under the lock."""
    if world.owns_alias and not position.alias.is_whole:
        weights = {version: format_percent(ppm) for version, ppm in position.alias.weights.items()}
        yield f"alias: is split, got {weights} beside {position.alias.version}, expected one version"
    adapter = position.setting.adapter
    if adapter is not None and adapter.get("ramp") != ramp:
        whose = f"{format_percent(position.share_ppm)} by {position.ramp}"
        back = f"ramp undo {position.ramp}" if ending.was_promoted(world, position.ramp) else "ramp doctor --repair"
        yield f"flag: is on already, got {whose}, expected off before a ramp starts; {back} puts it off"


def _guards(world: World, requests: int) -> Iterator[str]:
    """A guard that is red, missing, toothless or deaf."""
    for guard in world.guards.read(world.now()):
        if guard.state in {"ALARM", "MISSING"}:
            yield f"alarm {guard.name}: guards the ramp, got {guard.state}, expected OK"
        if guard.state != "MISSING" and not guard.acts:
            yield f"alarm {guard.name}: pulls no brake, got actions that are off or none, expected its topic"
        if requests and guard.silent:
            silent = " and ".join(guard.silent)
            yield (
                f"alarm {guard.name}: watches what reports nothing, got no datapoint of {silent} in a day with "
                f"{requests:,} requests, expected dimensions that users' requests report"
            )


def _drift(plan: Plan, world: World) -> Iterator[str]:
    """A guard that is other than the template's, or that nobody can tell about, unless the plan lives with it."""
    drift = world.stack.drift()
    if drift.unknown:
        yield (
            f"stack {world.stack.name}: guards cannot be compared with the template, got {drift.unknown}, "
            "expected a comparison; start the ramp again"
        )
    if found := [f"{guard} {how}" for guard, how in drift.found.items() if guard not in plan.acknowledged_drift]:
        yield (
            f"stack {world.stack.name}: guards are not as the template has them, got {', '.join(found)}, expected no "
            "difference; ramp preflight names what puts them back, acknowledged_drift in the plan lives with them"
        )
