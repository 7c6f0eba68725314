"""What holds however a ramp went: seven promises, each a function from the stage to the ways in which it is broken.

They read AWS itself and what happened on it, not what the tasks say about it. Used by the sweep of faults and by the
random sequences alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.sweep.faults import Fault
from tests.sweep.memory.appconfig import MONITORS
from tests.sweep.stage import FLAG, SHADOW, WHOLE_PPM, Moment, Stage, steps_of

FLAG_OFF = {
    "StartConfigurationSession",
    "GetLatestConfiguration",
    "ListDeployments",
    "GetDeployment",
    "StopDeployment",
    "GetHostedConfigurationVersion",
    "CreateHostedConfigurationVersion",
    "StartDeployment",
}
ALIAS_BACK = {"GetAlias", "UpdateAlias"}
ENDED = {"promoted", "rolled_back", "undone", "rollback_failed"}


def traffic_is_at_zero_or_at_a_promoted_whole(stage: Stage) -> list[str]:
    """1. Everybody on control or, promoted, everybody on the candidate; alias whole, nothing compared or in flight."""
    broken, aws = [], stage.aws
    status = _status(stage, stage.adapter.get("ramp", stage.ramp))
    whole = status == "promoted"
    if stage.share_ppm != (WHOLE_PPM if whole else 0):
        broken.append(f"the candidate's share reads back at {stage.share_ppm} ppm, and the ramp is {status}")
    if stage.adapter and not whole:
        broken.append(f"the flag is on, and the ramp is {status}")
    if aws.appconfig.served[SHADOW]["enabled"]:
        broken.append("the comparator is still sent reads")
    if aws.functions.weights:
        broken.append(f"the alias is split: {aws.functions.weights}")
    if aws.functions.version != ("2" if whole and stage.script.plan.get("lever") == "alias" else "1"):
        broken.append(f"the alias is on version {aws.functions.version}, and the ramp is {status}")
    if (deployment := aws.appconfig.in_flight) is not None:
        broken.append(f"deployment {deployment.number} is in flight")
    if aws.appconfig.served_version not in aws.appconfig.versions:
        broken.append("the version that is served was deleted, so the next document cannot be built on it")
    return broken


def traffic_rises_by_a_pass_or_a_yes_only(stage: Stage) -> list[str]:
    """2. Each rise is to a step whose predecessor baked on sound evidence, or that a person said yes to."""
    broken, steps = [], steps_of(stage.script.plan)
    since: dict[tuple[str, int], float] = {}
    yes: set[tuple[str, int]] = set()
    for moment, rises in _with_rises(stage):
        before = moment.ramp, moment.step - 1
        if moment.what == "step":
            since.setdefault((moment.ramp, moment.step), moment.at)
        elif moment.what == "yes":
            yes.add((moment.ramp, moment.step))
        elif rises:
            if moment.share_ppm > steps[moment.step].share_ppm:
                broken.append(f"step {moment.step} was set to {moment.share_ppm} ppm")
            if moment.step and before not in yes and (why := _no_pass(stage, steps, since.get(before), moment)):
                broken.append(f"traffic rose to step {moment.step}: {why}")
    return broken


def nothing_rises_after_a_brake(stage: Stage) -> list[str]:
    """3. Once a brake has come back, or traffic has been taken back at all, it stays down in that ramp."""
    broken, down, served = [], dict[str, str](), ""
    for moment, rises in _with_rises(stage):
        if moment.what == "brake":
            down[moment.ramp] = "the brake"
        elif rises and moment.ramp in down:
            broken.append(f"traffic rose to {moment.share_ppm} ppm after {down[moment.ramp]}")
        elif moment.what == "traffic" and not rises:
            down.setdefault(served, "it had been taken back")
        if moment.what == "traffic":
            served = moment.ramp
    return broken


def traffic_is_safe_before_anything_else(stage: Stage) -> list[str]:
    """Nobody is told of a rollback, and no lock is let go, while users are on the candidate (unless all stay there)."""
    over = [moment for moment in stage.history if moment.what in {"told", "released"}]
    return [f"{moment.what} at {moment.share_ppm} ppm" for moment in over if 0 < moment.share_ppm < WHOLE_PPM]


def _with_rises(stage: Stage) -> Iterator[tuple[Moment, bool]]:
    """Each moment, and whether traffic to the candidate rose at it."""
    share_ppm = 0
    for moment in stage.history:
        yield moment, moment.what == "traffic" and moment.share_ppm > share_ppm
        if moment.what == "traffic":
            share_ppm = moment.share_ppm


def nothing_of_the_ramp_is_left(stage: Stage) -> list[str]:
    """4. Lock free, schedule gone, no question and no token pending, one final record in the history."""
    broken, aws = [], stage.aws
    if lock := stage.item(f"flag#{FLAG}", "lock"):
        broken.append(f"the lock is held by {lock['ramp']}")
    if aws.scheduler.schedules:
        broken.append(f"schedules are left: {sorted(aws.scheduler.schedules)}")
    if stage.item(f"ramp#{stage.ramp}", "request"):
        broken.append("a question is pending")
    if aws.stepfunctions.waiting:
        broken.append(f"tokens are pending: {sorted(aws.stepfunctions.waiting)}")
    if _record(stage, stage.ramp) and _status(stage, stage.ramp) not in ENDED:
        broken.append(f"the ramp's record says {_status(stage, stage.ramp)}")
    return broken + _history(stage)


def a_failed_rollback_is_paged(stage: Stage) -> list[str]:
    """5. Rollback Failed only where a call that settles fails for good, and then people are told."""
    execution = stage.executions.get(stage.ramp)
    if execution is None or execution.error != "RollbackFailed":
        return []
    broken, fault = [], stage.fault
    if fault is None or not fault.kind.stays:
        broken.append("Rollback Failed, though no call fails for good")
    elif not _settles(stage, fault):
        broken.append(f"Rollback Failed, though {fault.struck} moves no traffic")
    elif str(fault.struck) != "sns:Publish" and not _paged(stage):
        broken.append("Rollback Failed, and nobody was told")
    return broken


def users_are_safe_whatever_else_fails(stage: Stage) -> list[str]:
    """6. Once the net was told, users are split only where a call that moves traffic fails for good.

    Or where the process of a person's own call died, who sees it, and calls again.
    """
    fault, share_ppm = stage.fault, stage.share_ppm
    stays = fault is not None and fault.kind.stays
    if (fault and stays and _settles(stage, fault)) or (stage.unfinished and not stays):
        return []
    if share_ppm not in {0, WHOLE_PPM}:
        return [f"the candidate's share is {share_ppm} ppm"]
    compared = stage.aws.appconfig.served[SHADOW]["enabled"]
    return ["everybody is on the candidate, and the ramp is not promoted"] if share_ppm and compared else []


def an_answer_that_was_taken_is_acted_on(stage: Stage) -> list[str]:
    """7. After a no nothing rises or is promoted; after a yes that is not asked again, nor is it taken for silence."""
    broken = []
    moments = list(_with_rises(stage))
    for at, (answer, _) in enumerate(moments):
        after = [(moment, rises) for moment, rises in moments[at + 1 :] if moment.ramp == answer.ramp]
        if answer.what == "reject":
            broken += [f"traffic rose to {moment.share_ppm} ppm after a no" for moment, rises in after if rises]
            if _status(stage, answer.ramp) == "promoted":
                broken.append("the ramp is promoted in spite of a no")
        elif answer.what == "approve":
            asked = [moment for moment, _ in after if moment.what == "asked"]
            known = stage.item(f"ramp#{answer.ramp}", f"question#{answer.about}") or {"causes": ()}
            again = [m for m in asked if m.step == answer.step and not set(m.causes).isdisjoint(known["causes"])]
            broken += [f"{moment.causes} is asked again after a yes to question {answer.about}" for moment in again]
            reason = str((_record(stage, answer.ramp) or {}).get("reason"))
            if reason.startswith("nobody answered") and all(moment.about == answer.about for moment in asked):
                broken.append(f"question {answer.about} was answered: {reason}")
    return broken


def _settles(stage: Stage, fault: Fault) -> bool:
    """Whether the flag cannot be put off, or the alias of a ramp that moves it, while this call fails."""
    if fault.struck is None:
        return False
    by_alias = stage.script.plan.get("lever") == "alias"
    return fault.struck.operation in (FLAG_OFF | ALIAS_BACK if by_alias else FLAG_OFF)


ALWAYS = (
    traffic_rises_by_a_pass_or_a_yes_only,
    nothing_rises_after_a_brake,
    traffic_is_safe_before_anything_else,
    an_answer_that_was_taken_is_acted_on,
)
ONCE_THE_NET_WAS_TOLD = (a_failed_rollback_is_paged, users_are_safe_whatever_else_fails)
AT_AN_ENDING = (traffic_is_at_zero_or_at_a_promoted_whole, nothing_of_the_ramp_is_left)


def violations(stage: Stage, promises: Iterable[Any]) -> list[str]:
    """Every broken promise, with the number of its sentence."""
    return [f"{promise.__name__}: {how}" for promise in promises for how in promise(stage)]


def _record(stage: Stage, ramp: str) -> dict[str, Any] | None:
    return stage.item(f"ramp#{ramp}", "ramp")


def _status(stage: Stage, ramp: str) -> str:
    return str((_record(stage, ramp) or {}).get("status", "unknown"))


def _no_pass(stage: Stage, steps: Any, since: float | None, moment: Moment) -> str:
    """Why the step before, set at `since`, is no pass at the moment of a rise; empty when it is one."""
    step = moment.step - 1
    if step in stage.script.unsound:
        return f"the evidence of step {step} is not sound, and nobody said yes"
    if steps[step].approval:
        return f"step {step} takes a person's yes"
    if since is None:
        return f"step {step} never was"
    if (baked := moment.at - since) < steps[step].bake_seconds:
        return f"step {step} baked for {baked:.0f} s only"
    return ""


def _paged(stage: Stage) -> bool:
    subjects = [subject for subject, _ in stage.aws.sns.told]
    return any(word in subject for subject in subjects for word in ("failed", "settled", "rolled back"))


def _history(stage: Stage) -> list[str]:
    """The list of ramps names each that was prepared once, with its end."""
    listed = [
        item for (pk, sk), item in stage.aws.dynamodb.items.items() if pk == f"flag#{FLAG}" and sk.startswith("ramp#")
    ]
    mine = [item for item in listed if item["ramp"] == stage.ramp]
    if not _record(stage, stage.ramp):
        return []
    status = _status(stage, stage.ramp)
    if [item["status"] for item in mine] != [status]:
        return [f"the list of ramps says {[item['status'] for item in mine]}, and the record {status}"]
    return [] if "ended_at" in mine[0] else ["the list of ramps does not say when the ramp ended"]


def monitors_are_as_they_were(stage: Stage) -> list[str]:
    """AppConfig watches the alarms that it watched before the ramp."""
    monitors = stage.aws.appconfig.monitors
    return [] if tuple(monitors) == MONITORS else [f"AppConfig's monitors are {monitors}"]
