"""The tasks, one a state, in the order of `statemachine/ramp.asl.json`: gather, decide, act.

Each may be delivered twice: what it writes, it writes the same again. Each gets plain JSON and the `World`, and gives
plain JSON: `ramp` is the state for the next task, `verdict` the word the machine routes on with its reason for people.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from aws_lambda_powertools import Logger

from ramp import answers, asking, ending
from ramp.adapters.table import Lock
from ramp.core.feasibility import measured_traffic, suited
from ramp.core.judge import judge
from ramp.core.judgement import duration
from ramp.core.message import Kind, channels
from ramp.core.outlook import outlook
from ramp.core.plan import Plan, PlanInvalid, format_percent
from ramp.core.sequential_gate import GateState
from ramp.core.state import RampState
from ramp.core.verdict import Action, Command, Decision, Verb, decide
from ramp.ending import clear, is_nobodys, let_go
from ramp.errors import TrafficMoved
from ramp.gauges import gauges
from ramp.ledger import LEASE_SECONDS, hold, lock_of, record
from ramp.preconditions import moved_by, moved_meanwhile, unmet
from ramp.traffic import Position
from ramp.world import World

Json = dict[str, Any]

RETIRE_THE_MOCK = (
    "Retire the mock when you no longer need the way back:",
    "1. keep the flag at 100 % for a release cycle and watch huntaze-candidate-error-rate-gt-2pct;",
    "2. route in code straight to the candidate and deploy;",
    "3. delete the control source and the flags prismaAdapter and prismaShadow;",
    "4. remove huntaze-shadow-compare, its permissions, and this state machine if no other route needs it.",
)

NOTHING_TOUCHED = "nothing was touched"

logger = Logger(child=True, level="INFO")  # the line of a look carries the dashboard's metrics, whatever LogLevel says


def prepare(event: Mapping[str, Any], world: World) -> Json:
    """Validate the plan, check preconditions, take the lock, remember where traffic was, set the deadline.

    It sends nobody to the candidate. What a ramp that nobody runs any more has left on the flag is settled first, which
    may take users back to control.
    """
    ramp, execution_arn, now = event["ramp"], event["execution_arn"], world.now()
    try:
        plan = Plan.parse(event["plan"])
    except PlanInvalid as invalid:
        return _refused(f"the plan has faults, and {NOTHING_TOUCHED}:\n" + "\n".join(invalid.faults))
    if (of_flag := world.of(plan.flag)) is None:
        known = ", ".join(each.flags.adapter for each in world.listed())
        return _refused(f"flag: is none that this stack moves, got {plan.flag!r}, expected {known}")
    world = of_flag
    mine = Lock(ramp, execution_arn)
    touched = _settled(plan.flag, mine, world)
    history = world.metrics.history(now)
    if faults := unmet(plan, ramp, world, history):
        return _refused(f"the ramp cannot start, and {touched}:\n" + "\n".join(faults))
    try:
        raw_plan = suited(event["plan"], history.buckets, now)
    except PlanInvalid as invalid:
        return _refused(f"the plan does not suit the traffic, and {touched}:\n" + "\n".join(invalid.faults))
    plan = Plan.parse(raw_plan)
    position = _taken(plan, mine, world)
    if isinstance(position, str):
        return _refused(f"{position}\n({touched})")
    began = ending.state_of(world.table.ramp(ramp))  # delivered twice, it began once
    state = RampState(
        ramp=ramp,
        execution_arn=execution_arn,
        raw_plan=raw_plan,
        alias_version=position.alias.version,
        started_at=began.started_at if began else now,
        control_p95_ms=history.p95_ms if history.requests >= plan.gates.min_requests else None,
        shadow_flag=world.flags.shadow,
    )
    world.table.put_gate(ramp, GateState.begin(history.buckets).to_wire(), now)
    world.deadline.set(ramp, now + plan.deadline_seconds)
    record(world, state, "running", "prepared")
    return _started(state, world, outlook(plan, measured_traffic(history.buckets, now)))


def _settled(flag: str, mine: Lock, world: World) -> str:
    """Settle what a ramp that nobody runs any more has left on the flag. What was touched, for a refusal.

    Held by this execution meanwhile: so it is nobody's as soon as this one has ended, and its own when tried again.
    """
    left = world.table.lock(flag)
    if left is None or left == mine or not (left.execution_arn == mine.execution_arn or is_nobodys(world, left)):
        return NOTHING_TOUCHED
    cleared = clear(world, flag, left, replace(mine, ramp=left.ramp))
    return f"nothing was touched but what was left: {cleared}" if cleared else NOTHING_TOUCHED


def _taken(plan: Plan, mine: Lock, world: World) -> Position | str:
    """Where traffic is once the lock is ours, or why it is not: another ramp may have come and gone meanwhile."""
    holder = world.table.acquire(plan.flag, mine, world.now(), LEASE_SECONDS)
    if holder is not None:
        return moved_by(plan, holder)
    position = world.traffic.read()
    if faults := [*moved_meanwhile(mine.ramp, world, position)]:
        world.table.release(plan.flag, mine)
        return "the ramp cannot start:\n" + "\n".join(faults)
    return position


def _started(state: RampState, world: World, expected: str) -> Json:
    """The end of Prepare Ramp, unless its execution has been ended meanwhile: then the net has come and gone.

    `expected` is the outlook, in sentences.
    """
    ramp, plan = state.ramp, state.plan
    if world.executions.status(state.execution_arn) not in {"RUNNING", None}:
        clear(world, plan.flag, lock_of(state), lock_of(state))
        return _refused("the execution was ended while the ramp was being prepared")
    steps = ", ".join(step.title for step in plan.steps)
    reason = f"the plan is sound, the lock is taken, and the steps are {steps}"
    told = f"The ramp {ramp} on {plan.flag} starts: {reason}.\n\n{expected}"
    _tell(world, state, Kind.STARTED, f"Ramp {ramp} started", told)
    return {"ramp": state.to_wire(), "verdict": {"action": Action.START, "reason": f"{reason}. {expected}"}}


def shift(event: Mapping[str, Any], world: World) -> Json:
    """Set the present step's share and read it back."""
    state, world = _found(event, world)
    hold(world, state)
    world.traffic.shift(state, lambda: _refuse_after_brake(state, world))
    _undo_after_brake(state, world)
    state = state.shifted(world.now())
    summary = f"{state.current.title} is set and reads back"
    record(world, state, "running", summary)
    return {"ramp": state.to_wire(), "summary": summary}


def measure(event: Mapping[str, Any], world: World) -> Json:
    """Evidence, checks, verdict, and one action word."""
    state, world = _found(event, world)
    now = world.now()
    plan = state.plan
    hold(world, state)
    evidence = world.metrics.evidence(state.ramp, state.step, state.step_started_at, now, plan.evidence)
    found = judge(state, evidence, world.table.gate(state.ramp), now)
    enough = evidence.control.requests >= plan.gates.min_requests
    looked = state.looked(now, evidence.control.p95_ms if enough else None)
    handed, command = event.get("decision") or {}, _command(state.ramp, world)
    decision, answer = answers.decided(
        handed, looked, world, lambda said: decide(looked, found.checks, now=now, answer=said, command=command)
    )
    document = {
        "step": state.step,
        "percent": format_percent(state.current.share_ppm),
        "look": looked.look,
        "evidence": evidence.totals(),
        "checks": [check.to_wire() for check in found.checks],
        "verdict": decision.verdict,
        "action": decision.action,
        "reason": decision.reason,
        "answer": asdict(answer) if answer else None,
    }
    world.table.put_gate(state.ramp, found.left if decision.action is Action.ADVANCE else found.kept, now)
    world.table.put_look(state.ramp, state.step, looked.look, now, document)
    record(world, decision.state, "running", decision.reason)
    if decision.action is Action.ADVANCE:
        _tell(world, state, Kind.ADVANCED, f"Ramp {state.ramp} goes on", f"{decision.reason}.")
    told = {name: document[name] for name in ("look", "action", "reason")}
    here = gauges(plan.flag, state.current.share_ppm, state.step, decision.verdict, now)
    logger.info("look", extra={"ramp": state.ramp, **told, **here})
    return _next(decision)


def ask(event: Mapping[str, Any], world: World) -> Json:
    """Put the question to people, once, and keep the token; an answer that is already there is handed over at once."""
    state, world = _found(event, world)
    token = event["token"]
    question = state.question
    hold(world, state)
    if question is None:
        raise TrafficMoved("question: is missing from the state, got none, expected what Measure asked")
    fields = {"step": state.step, "question": question.text, "causes": list(question.causes)}
    look = state.step, state.look
    if not world.table.ask(state.ramp, question.request_id, token, world.now(), look=look, **fields):
        return {}  # the execution has gone on without this attempt
    try:
        hold(world, state)
    except TrafficMoved:  # the net came in between, and nobody else is left to forget the question
        world.table.close_request(state.ramp)
        raise
    request = world.table.request(state.ramp) or {}
    if "answer" in request:
        world.executions.answer(token, {name: str(request[name]) for name in ("answer", "by", "reason")})
    else:
        asking.tell(world, state, question, request)
    _explain(state, world)
    return {}


def promote(event: Mapping[str, Any], world: World) -> Json:
    """Verify that every user is on the candidate, and stop comparing."""
    state, world = _found(event, world)
    hold(world, state)
    world.traffic.promote(state, lambda: _refuse_after_brake(state, world))
    try:
        record(world, state, "promoted", event["verdict"]["reason"])
    finally:
        _undo_after_brake(state, world)  # after the record: the brake leaves word first and then looks at it
    summary = "every user is on the candidate, read back; shadow is off"
    return {"ramp": state.to_wire(), "summary": summary}


def clean_up(event: Mapping[str, Any], world: World) -> Json:
    """Remove what a promoted ramp made, and say how to retire the mock."""
    state, world = _begun(event, world)
    pruned = world.traffic.prune(state.ramp)
    let_go(world, state.plan.flag, lock_of(state))
    checklist = "\n".join(RETIRE_THE_MOCK)
    reason = event["verdict"]["reason"]
    told = f"Every user is on the candidate: {reason}.\n\n{checklist}"
    _tell(world, state, Kind.PROMOTED, f"Ramp {state.ramp} promoted", told)
    summary = {
        "outcome": "promoted",
        "ramp": state.ramp,
        "flag": state.plan.flag,
        "reason": reason,
        "took": duration(world.now() - state.started_at),
        "steps": [
            {"step": step.title, "looks": looks}
            for step, looks in zip(state.plan.steps, (*state.past_looks, state.look), strict=False)
        ],
        "superseded_flag_versions_deleted": pruned,
        "retire_the_mock": list(RETIRE_THE_MOCK),
    }
    return {"summary": summary}


def roll_back(event: Mapping[str, Any], world: World) -> Json:
    """Traffic first, then everything else; the reason is the verdict's, or what went wrong."""
    state, world = _begun(event, world)
    reason = _why(event)
    where = ending.roll_back(world, state, "the ramp", reason).describe()
    _tell(world, state, Kind.ROLLED_BACK, f"Ramp {state.ramp} rolled back", f"{reason}.\n\n{where}.")
    _explain(state, world)
    return {"verdict": {"action": Action.ROLL_BACK, "reason": f"{reason}. {where}."}}


def _found(event: Mapping[str, Any], world: World) -> tuple[RampState, World]:
    """The state that the execution carries, and the world of its flag, which the stack still moves."""
    state, of_flag = _begun(event, world)
    if world.of(state.plan.flag) is None:  # Prepare Ramp has seen it; somebody has taken it out of the stack since
        raise TrafficMoved(f"flag: is none that this stack moves any more, got {state.plan.flag!r}")
    return state, of_flag


def _begun(event: Mapping[str, Any], world: World) -> tuple[RampState, World]:
    """The same for what takes traffic back or tidies up, which it does whatever the stack moves now."""
    state = RampState.from_wire(event["ramp"])
    of_flag = world.of_ramp(state)
    if of_flag is None:
        raise TrafficMoved(f"flag: is none that this stack moves, got {state.plan.flag!r}")
    return state, of_flag


def _tell(world: World, state: RampState, kind: Kind, subject: str, text: str) -> None:
    world.notices.tell(subject, text, kind, channels(state.plan.notify, kind))


def _explain(state: RampState, world: World) -> None:
    """Traffic first, people next, explanations last: a trace for each check of the last look that does not pass."""
    world.exemplars.note(state.ramp, state.step, state.look, state.step_started_at)


def _refused(reason: str) -> Json:
    return {"ramp": {}, "verdict": {"action": Action.REFUSE, "reason": reason}}


def _next(decision: Decision) -> Json:
    state = decision.state.at_next_step() if decision.action is Action.ADVANCE else decision.state
    verdict = {"action": decision.action, "verdict": decision.verdict, "reason": decision.reason}
    return {"ramp": state.to_wire(), "verdict": verdict}


def _command(ramp: str, world: World) -> Command | None:
    said = world.table.command(ramp)
    return Command.parse(said) if said else None


def _refuse_after_brake(state: RampState, world: World) -> None:
    """After a brake nothing raises traffic again in that ramp."""
    command = _command(state.ramp, world)
    if command is not None and command.verb is Verb.ABORT:
        raise TrafficMoved(command.said("aborted"))


def _undo_after_brake(state: RampState, world: World) -> None:
    """A brake that was pulled while traffic was being set has settled too early, and nobody else may be left to."""
    try:
        _refuse_after_brake(state, world)
    except TrafficMoved:
        world.traffic.settle(state.ramp, state.alias_to_restore)
        raise


def _why(event: Mapping[str, Any]) -> str:
    """The reason of a rollback: what went wrong on the way here, else the last verdict."""
    trouble, verdict = event.get("trouble") or {}, event.get("verdict") or {}
    if not trouble:
        return str(verdict.get("reason") or "the ramp was told to roll back")
    cause = str(trouble.get("Cause") or trouble.get("Error"))
    with suppress(ValueError, KeyError, TypeError):  # else a cause in plain words, as send-task-failure gives it
        cause = json.loads(cause)["errorMessage"]
    return cause
