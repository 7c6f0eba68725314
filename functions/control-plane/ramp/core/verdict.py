"""The decision: checks, people's words and the clock in, one action word and its sentence out.

Order: an operator's abort, proven harm, a person's no, questions, patience, an operator's pause. Roll-backs outrank
questions, questions outrank patience, and a person is asked last and once per cause. An operator's advance ends the
patience, and answers no question about a proven doubt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from ramp.core.check import Check, Consequence, Verdict, worst
from ramp.core.judgement import duration
from ramp.core.state import Question, RampState

APPROVAL = "approval"


class Action(StrEnum):
    """The word that the state machine routes on; anything else would lead to Roll Back."""

    START = "START"
    REFUSE = "REFUSE"
    EXTEND = "EXTEND"
    ADVANCE = "ADVANCE"
    CALIBRATE = "CALIBRATE"
    ASK = "ASK"
    PROMOTE = "PROMOTE"
    ROLL_BACK = "ROLL_BACK"


@dataclass(frozen=True)
class Answer:
    """What a person said to a question: approve or reject, with name and reason."""

    approves: bool
    by: str
    reason: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self | None:
        """The answer in a task token's output, `{"answer": "approve" | "reject", "by": …, "reason": …}`.

        None when it is neither, however malformed: an answer that cannot be read is no yes.
        """
        word = raw.get("answer")
        if word not in ("approve", "reject"):
            return None
        return cls(word == "approve", str(raw.get("by") or "somebody"), str(raw.get("reason") or "no reason given"))


class Verb(StrEnum):
    """What an operator may say to a running ramp. The latest word holds, and nothing follows an abort."""

    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    ADVANCE = "advance"


@dataclass(frozen=True)
class Command:
    """An operator's word, said while the ramp was at `step`; an advance holds for that step alone."""

    verb: Verb
    step: int
    by: str
    reason: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The word as the ramp table keeps it."""
        return cls(Verb(raw["verb"]), int(raw["step"]), str(raw["by"]), str(raw["reason"]))

    def said(self, doing: str) -> str:
        """`ada paused the ramp: reason`."""
        return f"{self.by} {doing} the ramp: {self.reason}"


@dataclass(frozen=True)
class Decision:
    """What happens next and why, in one sentence for people."""

    action: Action
    verdict: Verdict
    reason: str
    state: RampState


def decide(
    state: RampState,
    checks: Sequence[Check],
    *,
    now: float,
    answer: Answer | None = None,
    command: Command | None = None,
) -> Decision:
    """The next action for a ramp in `state`, `now` in epoch seconds.

    The returned state carries what people accepted and what they are still asked; it stays at the same step.
    """
    acting = _acting(state, checks)
    verdict = worst(check.verdict for check in acting)
    if command is not None and command.verb is Verb.ABORT:
        return Decision(Action.ROLL_BACK, verdict, command.said("aborted"), state)
    harm = [check for check in acting if check.verdict is Verdict.FAIL and check.consequence is Consequence.ROLL_BACK]
    if harm:
        return Decision(Action.ROLL_BACK, verdict, _sentence(state, harm), state)
    if answer is not None and not answer.approves:
        asked = f" ({state.question.text})" if state.question else ""
        return Decision(Action.ROLL_BACK, verdict, f"{answer.by} said no: {answer.reason}{asked}", state)
    if answer is not None and state.question is not None:
        accepted = (*state.acknowledged, *state.question.causes)
        state = replace(state, acknowledged=accepted, question=None)
    is_go = command is not None and command.verb is Verb.ADVANCE and command.step == state.step
    decision = _without_harm(state, checks, verdict, now, command if is_go else None)
    if command is not None and command.verb is Verb.PAUSE and decision.action in {Action.ADVANCE, Action.PROMOTE}:
        return _extend(state.slowed(now), verdict, f"{command.said('paused')}; {decision.reason}")
    return decision


def _without_harm(
    state: RampState, checks: Sequence[Check], verdict: Verdict, now: float, go: Command | None
) -> Decision:
    step, baked_seconds = state.current, now - state.step_started_at
    open_checks = [check for check in _acting(state, checks) if not _is_accepted(check, state)]
    doubts = [check for check in open_checks if check.verdict is Verdict.FAIL]
    # A night without traffic is waited out; that the metrics may have died is asked about when patience is over, too.
    silent = [check for check in open_checks if 0 < (check.numbers.silent_seconds or 0) <= step.patience_seconds]
    unknown = [check for check in open_checks if check.verdict is Verdict.INCONCLUSIVE and check not in silent]
    bakes = baked_seconds < step.bake_seconds and go is None
    # A proof holds whenever it is found. A plain threshold, crossed early, may be crossed back by the end of the bake,
    # unless it is nought.
    if bakes and state.plan.gate == "fixed":
        doubts = [check for check in doubts if check.numbers.limit == 0]
    if doubts and state.plan.gates.on_investigate == "roll_back":
        reason = f"{_sentence(state, doubts)}; the plan rolls back instead of asking"
        return Decision(Action.ROLL_BACK, verdict, reason, state)
    if doubts:
        return _ask(state, verdict, tuple(_cause(check) for check in doubts), _sentence(state, doubts), now)
    if bakes:
        left = f"{duration(step.bake_seconds - baked_seconds)} of the bake are left"
        return _extend(state, verdict, f"at {step.title} {left}; so far {_tally(checks)}")
    if unknown and go is None:
        limit_seconds = step.bake_seconds + step.patience_seconds
        if baked_seconds < limit_seconds:
            return _extend(state, verdict, f"more evidence is needed: {_sentence(state, unknown)}")
        reason = f"the evidence did not suffice within {duration(limit_seconds)}: {_sentence(state, unknown)}"
        return _out_of_patience(state, unknown, verdict, reason, now)
    return _passed(state, checks, verdict, now, go, silent)


def _out_of_patience(state: RampState, unknown: Sequence[Check], verdict: Verdict, reason: str, now: float) -> Decision:
    """What the plan makes of evidence that did not suffice."""
    match state.plan.gates.on_patience:
        case "roll_back":
            return Decision(Action.ROLL_BACK, verdict, f"{reason}; the plan rolls back then", state)
        case "hold":
            return _extend(state.slowed(now), verdict, f"{reason}; the plan holds the share until it does")
    # One yes answers both: the bake is over, so going on is all that is left to ask.
    is_go_asked = state.current.approval and APPROVAL not in state.acknowledged
    causes = (*(_cause(check) for check in unknown), *((APPROVAL,) if is_go_asked else ()))
    return _ask(state, verdict, causes, reason, now)


def _passed(
    state: RampState,
    checks: Sequence[Check],
    verdict: Verdict,
    now: float,
    go: Command | None,
    silent: Sequence[Check],
) -> Decision:
    step, plan = state.current, state.plan
    how = f"{step.title} passed" if go is None else f"{go.said('advanced')}; {step.title}"
    reason = f"{how}: {_tally(checks)}"
    accepted = [name for name in state.acknowledged if name != APPROVAL]
    if accepted:
        reason += f"; accepted by a person: {', '.join(accepted)}"
    if step.approval and go is None and APPROVAL not in state.acknowledged:
        return _ask(state, verdict, (APPROVAL,), f"{reason}; the plan asks for go or no-go", now)
    if silent and go is None:
        return _extend(state, verdict, f"{reason}; the ramp waits for the next request")
    state = replace(state, question=None)  # what was asked has settled by itself
    if state.step == len(plan.steps) - 1:
        return Decision(Action.PROMOTE, verdict, reason, state)
    return Decision(Action.ADVANCE, verdict, f"{reason}; next is {plan.steps[state.step + 1].title}", state)


def _extend(state: RampState, verdict: Verdict, reason: str) -> Decision:
    """Look again later; when control's p95 has just become known, the limits that slow reads are counted by come first.

    The fixed gate reads percentiles and needs no limits.
    """
    calibrates = state.plan.gate == "sequential" and state.control_p95_ms is not None and not state.limited
    action = Action.CALIBRATE if calibrates else Action.EXTEND
    return Decision(action, verdict, reason, replace(state, question=None))


def _ask(state: RampState, verdict: Verdict, causes: tuple[str, ...], text: str, now: float) -> Decision:
    """Ask, or go on asking; after the plan's time-out silence means what the plan says."""
    question, approvals = _question(state, causes, text, now), state.plan.approvals
    waited_seconds = now - question.asked_at
    if waited_seconds >= approvals.timeout_seconds and approvals.on_timeout == "roll_back":
        reason = f"nobody answered within {duration(approvals.timeout_seconds)}: {text}"
        return Decision(Action.ROLL_BACK, verdict, reason, state)
    return Decision(Action.ASK, verdict, text, replace(state, question=question))


def _question(state: RampState, causes: tuple[str, ...], text: str, now: float) -> Question:
    """The question that stands, while it covers every cause of now; else a new one, which people hear of.

    Causes that come and go are asked about once, and a cause that is added buys no time: silence is counted from when
    people were first asked.
    """
    stands, request_id = state.question, f"{state.step}-{state.look}"
    if stands is None:
        return Question(request_id, causes, text, now)
    added = tuple(cause for cause in causes if not _is_covered(cause, stands.causes))
    if not added:
        return stands
    text = f"{text}; asked before: {', '.join(stands.causes)}"
    return Question(request_id, (*stands.causes, *added), text, stands.asked_at)


def _acting(state: RampState, checks: Sequence[Check]) -> Sequence[Check]:
    """The checks that may decide; where none is left, that itself is not enough to go on."""
    acting = [check for check in checks if check.name not in state.plan.gates.warn_only]
    if all(check.numbers.state for check in acting):  # alarms guard, and are no evidence to go on
        return [*acting, Check("evidence", Verdict.INCONCLUSIVE, Consequence.ASK, "no check is there to decide")]
    return acting


def _cause(check: Check) -> str:
    """What a person accepts by name: a yes to "we do not know" is no yes to "it is wrong"."""
    return f"{check.name} {check.verdict}"


def _is_accepted(check: Check, state: RampState) -> bool:
    """Accepted by a person, or by the plan beforehand; what rolls back cannot be accepted."""
    return _is_known(check, state) or _is_covered(_cause(check), state.acknowledged)


def _is_known(check: Check, state: RampState) -> bool:
    """Whether the plan knows the cause, and it is seen: of what nobody counts now there is nothing to be known."""
    numbers = check.numbers
    is_counted = bool(numbers.trials) and numbers.missing is None and not numbers.silent_seconds
    is_seen = check.verdict is Verdict.FAIL or is_counted
    return is_seen and check.name in state.plan.gates.acknowledged


def _is_covered(cause: str, causes: Sequence[str]) -> bool:
    """Among `causes` as it is, or as worse than it is."""
    return cause in causes or cause.replace(Verdict.INCONCLUSIVE, Verdict.FAIL) in causes


def _sentence(state: RampState, checks: Sequence[Check]) -> str:
    return f"at {state.current.title} " + "; ".join(_by_reason(checks))


def _tally(checks: Sequence[Check]) -> str:
    """`5 of 6 checks pass; mismatches: 3 of 40 …`: the count, and the ones that do not pass, with their numbers."""
    passing = sum(check.verdict is Verdict.PASS for check in checks)
    rest = _by_reason(check for check in checks if check.verdict is not Verdict.PASS)
    told = [f"{', '.join(names)}: {reason}" for reason, names in rest.items()]
    return "; ".join([f"{passing} of {len(checks)} checks pass", *told])


def _by_reason(checks: Iterable[Check]) -> Mapping[str, Sequence[str]]:
    """The names of the checks that say the same, as those without data do: it is said once."""
    names: dict[str, list[str]] = {}
    for check in checks:
        names.setdefault(check.reason, []).append(check.name)
    return names
