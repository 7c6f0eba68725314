"""The real handlers and adapters over AWS in memory, the real definition walked state by state, and what everybody else
does: people, alarms, EventBridge, the daily rule.
"""

from __future__ import annotations

import json
import pickle
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ramp import handlers, words
from ramp.adapters.brake import Brake
from ramp.adapters.functions import FunctionFailed
from ramp.core.evidence import Evidence
from ramp.core.plan import Plan
from ramp.core.verdict import Verb
from ramp.settings import Settings
from ramp.words import WordRefusedError
from ramp.world import World
from rampctl.rehearsal.fakes import GUARDS, Clock
from rampctl.rehearsal.machine import Execution, Machine, Run, TaskError, nothing

from tests.statemachine.ramp_run import DEFINITION, TASK_SECONDS
from tests.sweep.faults import DIED, Fault, Killed, Stopped
from tests.sweep.memory.appconfig import APPLICATION, ENVIRONMENT, PROFILE, STRATEGY
from tests.sweep.memory.aws import Aws, Call, Effect

MACHINE = "arn:aws:states:us-east-1:000000000000:execution:huntaze-ramp"
FLAG, SHADOW = "prismaAdapter", "prismaShadow"
SETTINGS = Settings(
    application=APPLICATION,
    environment=ENVIRONMENT,
    profile=PROFILE,
    strategy=STRATEGY,
    adapter_flag=FLAG,
    shadow_flag=SHADOW,
    read_function="huntaze-mock-read",
    read_alias="live",
    table="huntaze-ramps",
    notice_topic="arn:aws:sns:us-east-1:000000000000:huntaze-ramp-notices",
    alarms=GUARDS,
    deadline_group="huntaze-ramp-deadlines",
    deadline_role_arn="arn:aws:iam::000000000000:role/deadline",
    cleanup_function_arn="arn:aws:lambda:us-east-1:000000000000:function:huntaze-cleanup",
    link_url="https://page.invalid/",
    stack="huntaze-prisma-skeleton",
    code_deploy_application="huntaze",
    code_deploy_group="read",
    router_logs="/aws/lambda/huntaze-mock-read",
    comparator_logs="/aws/lambda/huntaze-shadow-compare",
)
CONTEXT: dict[str, Any] = {
    "function_name": "huntaze-ramp",
    "function_version": "1",
    "memory_limit_in_mb": 512,
    "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:huntaze-ramp",
}
MOVES = {"StartDeployment", "StopDeployment", "UpdateAlias"}  # what users can notice at once
BY_ADA: dict[str, Any] = {"by": "ada", "reason": "I looked at it", "via": "cli"}
ATTEMPTS = 3  # Source: Lambda developer guide, asynchronous invocation: two more attempts after an error
DAY_SECONDS = 86_400.0
WHOLE_PPM = 1_000_000
KEPT = (
    "clock",
    "history",
    "failures",
    "acted",
    "_told",
    "_seen",
    "_others",
    "_requests",
)  # of a stage that another goes on from


@dataclass(frozen=True)
class Moment:
    """Something that the invariants look at: `what` is traffic, step, brake, yes, told or released.

    Or, `about` a question: asked, with its causes; approve or reject, an answer that was taken and not refused.
    """

    at: float
    what: str
    ramp: str
    share_ppm: int = 0
    step: int = 0
    about: str = ""
    causes: tuple[str, ...] = ()


class Thread(threading.local):
    """What each thread has for itself."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.is_dead = False
        self.after_this: list[Callable[[], None]] = []


@dataclass(frozen=True)
class Saved:
    """A stage between two states of its ramp, when so many calls were made."""

    calls: int
    values: bytes


def quiet(stage: Stage) -> None:
    """Nobody does anything."""


@dataclass
class Script:
    """What the world around a ramp does: evidence, and people or alarms at each bake and at each question.

    `unsound` are steps whose evidence is no pass. The sweep begins at the first call of the function `swept_from`, or
    after what is done at a bake, since what comes before is another script's. `afterwards` is done when the execution
    is over.
    """

    name: str
    plan: dict[str, Any]
    observe: Callable[[int, float], Evidence]
    unsound: frozenset[int] = frozenset()
    baking: Callable[[Stage], None] = quiet
    asked: Callable[[Stage], None] = quiet
    afterwards: Callable[[Stage], None] = quiet
    swept_from: str = "prepare"


@dataclass
class Stage:
    """One flag on one AWS; `fault` strikes the calls of tasks, brake and net, and of nobody else.

    With `begin` it is another stage of the script from there on. `holds` are called where somebody else may act: before
    each call, at each bake, at each question. `acted` counts what the script has done at its bakes, since the call with
    number `acted_at`; `unfinished` is what a person asked for and got an error, `left_behind` what an undo told of.
    """

    script: Script
    fault: Fault | None = None
    definition: Any = field(default_factory=lambda: DEFINITION)
    begin: Saved | None = None
    clock: Clock = field(default_factory=Clock)
    history: list[Moment] = field(default_factory=list)
    calls: list[tuple[str, Call, Any]] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    holds: list[Callable[[str], None]] = field(default_factory=list)
    acted: int = 0
    acted_at: int = 0
    unfinished: bool = False
    left_behind: bool = False

    def __post_init__(self) -> None:
        self.ramp = "ramp-1"
        self.saved: list[Saved] = []
        self._told: set[str] = set()
        self._seen: tuple[int, int | None] = (0, None)
        self._others = 1
        self._requests = 0
        self._run: Run | None = None
        services = None
        if self.begin is not None:
            services, values = pickle.loads(self.begin.values)  # noqa: S301  # what `_save` has kept
            self.__dict__.update(values)
        self.aws = Aws(self.clock, self.clock.pass_seconds, services)
        self.aws.cloudwatch.observe = self.script.observe
        self.aws.around = self._around
        self.aws.validates = self.fault is None  # the same calls, and a fifth of the time
        session: Any = self.aws
        self.world = World.on_aws(SETTINGS, session, self.clock, self.clock.pass_seconds)
        self._thread = Thread()

    @property
    def after_this(self) -> list[Callable[[], None]]:
        """What goes on once the task or the delivery that runs on this thread is over."""
        return self._thread.after_this

    def _go_on(self) -> None:
        while self.after_this:
            self.after_this.pop()()

    @property
    def _inside(self) -> list[str]:
        """The functions that run on this thread, the outermost first."""
        return self._thread.inside

    # --- One ramp ---------------------------------------------------------------------------------------------------

    def run(self) -> Execution:
        """Start the ramp, or go on where it began, and walk it to its end."""
        return self._execute(self.ramp, self.script.plan, self._save if self.fault is None else nothing)

    def _save(self, run: Run) -> None:
        """Keep all that there is between two states."""
        kept = {name: self.__dict__[name] for name in KEPT}
        values = pickle.dumps((self.aws.services, {**kept, "_run": run}))
        self.saved.append(Saved(len(self.calls), values))

    def _execute(self, ramp: str, plan: Any, between_states: Callable[[Run], None] = nothing) -> Execution:
        arn = f"{MACHINE}:{ramp}"
        states = self.aws.stepfunctions
        states.executions[arn] = "RUNNING"
        machine = Machine(
            self.definition,
            {name: self._task(arn, name) for name in _functions(self.definition)},
            lambda seconds: self._wait(arn, seconds),
            lambda token, seconds: self._await_token(arn, token),
            lambda token: self._expect(arn, token),
            between_states,
        )
        execution = Execution()
        try:
            goes_on = self._run if ramp == self.ramp else None
            execution = machine.go_on(goes_on) if goes_on else machine.run(ramp, arn, json.loads(json.dumps(plan)))
        except Stopped:
            execution.status = "ABORTED"
        if states.executions[arn] != "RUNNING":  # stopped behind the task's back
            execution.status = states.executions[arn]
        states.end(arn, execution.status)
        self.executions[ramp] = execution
        return execution

    def tell_the_net(self, ramp: str, *, again: bool = False) -> None:
        """EventBridge's word that an execution ended badly: delivered once, and `again` only where a test says so."""
        if ramp in self._told and not again:
            return
        self._told.add(ramp)
        arn = f"{MACHINE}:{ramp}"
        status = self.aws.stepfunctions.executions[arn]
        if status != "SUCCEEDED":
            self.deliver("cleanup", {"detail": {"status": status, "executionArn": arn}})

    # --- Everybody else ---------------------------------------------------------------------------------------------

    def alarm(self) -> None:
        """The template's alarm goes off: SNS calls the brake."""
        alarm = {"AlarmName": GUARDS[0], "NewStateReason": "more than 2 % failed"}
        self.brake({"Records": [{"Sns": {"Message": json.dumps(alarm)}}]})

    def abort(self) -> None:
        """A person aborts the ramp."""
        self.brake({"by": "ada", "reason": "enough", "ramp": self.ramp})

    def brake(self, event: Any, attempts: int = ATTEMPTS) -> Any:
        """Pull the brake, and note that it has come back."""
        told = self.deliver("brake", event, attempts)
        if told and told.get("braked"):
            self.history.append(Moment(self.clock.now, "brake", told["ramp"]))
        return told

    def stop(self) -> None:
        """StopExecution on the running ramp, and what EventBridge makes of it at once."""
        arn = f"{MACHINE}:{self.ramp}"
        if self.aws.stepfunctions.executions.get(arn) == "RUNNING":
            self.aws.stepfunctions.end(arn, "ABORTED")
            self.tell_the_net(self.ramp)

    def stop_unheard(self) -> None:
        """StopExecution, and EventBridge's word of it is lost."""
        self._told.add(self.ramp)
        self.stop()

    def undo(self) -> None:
        """`ramp undo`."""
        self._ask_the_net({"undo_of": self.ramp, **BY_ADA})

    def doctor(self, *, repair: bool = True) -> None:
        """`ramp doctor`, which looks first, and mends what it found with --repair."""
        self._ask_the_net({"examine": True})
        if repair:
            self._ask_the_net({"repair": True})

    def _ask_the_net(self, event: Any) -> None:
        """A person's own call, once: an error is on their screen, and so is what an undo has left to the daily rule."""
        told = self.deliver("cleanup", event, attempts=1)
        self.unfinished |= told is None
        self.left_behind |= told is not None and "something is left" in told.get("reason", "")

    def start_another(self) -> None:
        """A second execution on the same flag, and its ending; it asks nobody for long."""
        self._others += 1
        ramp = f"ramp-{self._others}"
        with self._alone():
            self._execute(ramp, {**self.script.plan, "approvals": {"timeout_seconds": 900}})
            self.tell_the_net(ramp)

    def answer(self, word: str, via: str = "cli") -> None:
        """A person answers the question that stands; whoever does it through a link may pull no brake."""
        with self._alone(), suppress(WordRefusedError):
            request = self.world.table.request(self.ramp) or {}
            step, asked = int(request.get("step", 0)), str(request.get("request_id", ""))
            if word == "approve":
                self.history.append(Moment(self.clock.now, "yes", self.ramp, step=step))
            brake = None if via == "link" else Puller(self)
            told: dict[str, Any] = {**BY_ADA, "via": via, "now": self.clock(), "brake": brake}
            words.answer(self.world.table, self.world.executions, self.ramp, word, **told)
            self.history.append(Moment(self.clock.now, word, self.ramp, step=step, about=asked))

    def tokens_time_out(self) -> None:
        """Nobody waits on the ramp's token any more, and its next one is not there yet."""
        states = self.aws.stepfunctions
        states.waiting = {token: of for token, of in states.waiting.items() if of != f"{MACHINE}:{self.ramp}"}

    def say(self, verb: Verb) -> None:
        """A person pauses, resumes or advances the ramp; an advance is a yes to the step that it is said at."""
        with self._alone(), suppress(WordRefusedError):
            found = self.world.table.ramp(self.ramp) or {}
            if verb is Verb.ADVANCE and found.get("status") == "running":
                self.history.append(Moment(self.clock.now, "yes", self.ramp, step=int(found["step"])))
            words.say(self.world.table, self.world.executions, self.ramp, verb, now=self.clock(), **BY_ADA)

    def pass_seconds(self, seconds: float) -> None:
        """Time passes, and schedules whose time has come call the clean-up."""
        self.clock.pass_seconds(seconds)
        for name, schedule in list(self.aws.scheduler.schedules.items()):
            at = datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
            if at.timestamp() <= self.clock.now:
                del self.aws.scheduler.schedules[name]  # as ActionAfterCompletion says
                self.deliver("cleanup", json.loads(schedule["Target"]["Input"]))

    def a_day_passes(self) -> None:
        """The standing rule comes by."""
        self.pass_seconds(DAY_SECONDS)
        self.deliver("cleanup", {})

    # --- Functions --------------------------------------------------------------------------------------------------

    def deliver(self, name: str, event: Any, attempts: int = ATTEMPTS) -> Any:
        """Invoke a function asynchronously: an error is tried again, twice. None when no attempt came through.

        Every attempt has the same request id. Source: Lambda developer guide, "Using the Lambda context object".
        """
        request_id = self._request_id()
        try:
            for _ in range(attempts):
                try:
                    return self.invoke(name, json.loads(json.dumps(event)), request_id)
                except (Exception, Killed, Stopped) as error:  # noqa: BLE001  # Lambda's own door: every error is an error
                    self.failures.append(f"{name}: {type(error).__name__}: {error}")
            return None
        finally:
            if not self._inside:
                self._go_on()

    def _request_id(self) -> str:
        self._requests += 1
        return f"request-{self._requests}"

    def invoke(self, name: str, event: Any, request_id: str) -> Any:
        """Run one handler in this stage's world; it may keep what it is given."""
        self.clock.pass_seconds(TASK_SECONDS)
        usual, handlers.world = handlers.world, lambda: self.world  # type: ignore[assignment]  # cached there, not here
        self._inside.append(name)
        try:
            return getattr(handlers, name)(event, SimpleNamespace(**CONTEXT, aws_request_id=request_id))
        finally:
            self._inside.pop()
            self._thread.is_dead = False
            handlers.world = usual

    def _task(self, arn: str, placeholder: str) -> Callable[[Any], Any]:
        name = _handler_name(placeholder)

        def invoke(payload: Any) -> Any:
            try:
                return self.invoke(name, payload, self._request_id())
            except Killed as killed:
                raise TaskError(killed.seen_as, "the process is gone") from killed
            finally:
                self._go_on()
                self._check_runs(arn)  # of an execution that was stopped nobody hears what its task did

        return invoke

    def _check_runs(self, arn: str) -> None:
        if self.aws.stepfunctions.executions[arn] != "RUNNING":
            raise Stopped

    def _around(self, call: Call, effect: Effect) -> Any:
        if not self._inside:
            return effect()
        if self._thread.is_dead:
            raise Killed(DIED)  # at what a `finally` would still do
        self._hold("call")

        def watched() -> Any:
            answer = effect()
            if call.operation in MOVES:
                self._watch()
            elif asked := _asks(call, self.clock.now):
                self.history.append(asked)
            elif what := _says_it_is_over(call):
                self.history.append(Moment(self.clock.now, what, self.ramp, self.share_ppm))
            return answer

        if self.fault is None:
            answer = watched()
            self.calls.append((self._inside[-1], call, answer))
            return answer
        return self._befall(self.fault, call, watched) if self.fault.strikes(call) else watched()

    def _befall(self, fault: Fault, call: Call, effect: Effect) -> Any:
        try:
            with self._alone(*self._inside):
                return fault.kind.fate(self, call, effect)
        except (Killed, Stopped):
            self._thread.is_dead = True
            raise

    @contextmanager
    def _alone(self, *inside: str) -> Iterator[None]:
        """No fault strikes what happens inside; without the name of a function it is nobody's call either."""
        fault, was_inside, self.fault = self.fault, [*self._inside], None
        self._inside[:] = inside
        try:
            yield
        finally:
            self.fault = fault
            self._inside[:] = was_inside

    # --- The machine's surroundings ---------------------------------------------------------------------------------

    def _wait(self, arn: str, seconds: float) -> None:
        self.script.baking(self)
        self._hold("bake")
        self._check_runs(arn)
        self.clock.pass_seconds(seconds)

    def _hold(self, where: str) -> None:
        for hold in self.holds:
            hold(where)

    def _expect(self, arn: str, token: str) -> None:
        waiting = self.aws.stepfunctions.waiting
        self.aws.stepfunctions.waiting = {t: of for t, of in waiting.items() if of != arn} | {token: arn}

    def _await_token(self, arn: str, token: str) -> tuple[str, Any] | None:
        states = self.aws.stepfunctions
        if token not in states.outcomes:
            self.script.asked(self)
            self._hold("question")
            self._check_runs(arn)
        states.waiting.pop(token, None)
        return states.outcomes.get(token)

    # --- What users see ---------------------------------------------------------------------------------------------

    @property
    def adapter(self) -> dict[str, Any]:
        """The flag as readers get it, empty when it is off."""
        flag = self.aws.appconfig.served[FLAG]
        return flag if flag["enabled"] else {}

    @property
    def share_ppm(self) -> int:
        """Users, or requests with the alias lever, on the candidate."""
        flag, functions = self.adapter, self.aws.functions
        candidate = flag.get("candidate_version")
        if not candidate:
            return int(flag.get("share_ppm", 0))
        if functions.version == candidate:
            return WHOLE_PPM
        return round(functions.weights.get(candidate, 0) * WHOLE_PPM)

    def _watch(self) -> None:
        """Note what has changed for users: the step that the flags name, and the candidate's share."""
        served = self.aws.appconfig.served
        named: dict[str, Any] = next((flag for flag in (served[FLAG], served[SHADOW]) if flag["enabled"]), {})
        step = int(named["step"]) if named else None
        share_ppm, (share_before_ppm, step_before) = self.share_ppm, self._seen
        self._seen = share_ppm, step
        if step is not None and step != step_before:
            self.history.append(Moment(self.clock.now, "step", named["ramp"], share_ppm, step))
        if share_ppm != share_before_ppm:
            self.history.append(Moment(self.clock.now, "traffic", named.get("ramp", ""), share_ppm, step or 0))

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        """One item of the ramp table."""
        return self.aws.dynamodb.items.get((pk, sk))


class Puller(Brake):
    """The brake as command and page call it: once, and an error is theirs."""

    def __init__(self, stage: Stage) -> None:
        self._brake, self._stage = "brake", stage

    def _call(self, function: str, event: dict[str, Any]) -> Any:
        told = self._stage.brake(event, attempts=1)
        if told is None:
            raise FunctionFailed("its error is told to nobody else", "Error")
        return told


def steps_of(plan: Any) -> tuple[Any, ...]:
    """The plan's steps, checked."""
    return Plan.parse(plan).steps


def _says_it_is_over(call: Call) -> str:
    """What a call tells the world, if it is that the ramp is done with: `told` to people, `released` to other ramps."""
    if call.operation == "Publish" and "rolled back" in call.given["Subject"]:
        return "told"
    return "released" if call.operation == "DeleteItem" and call.given["Key"]["sk"] == "lock" else ""


def _asks(call: Call, now: float) -> Moment | None:
    """The question that a call puts to people."""
    item = call.given.get("Item", {})
    if item.get("sk") != "request" or "request_id" not in item:
        return None
    ramp, about, causes = item["pk"].removeprefix("ramp#"), str(item["request_id"]), tuple(item["causes"])
    return Moment(now, "asked", ramp, step=int(item["step"]), about=about, causes=causes)


def _functions(definition: Any) -> list[str]:
    return [state["Arguments"]["FunctionName"] for state in definition["States"].values() if state["Type"] == "Task"]


def _handler_name(placeholder: str) -> str:
    """`${CleanUpFunctionArn}` is `clean_up`, as template.yaml wires them."""
    words = re.findall("[A-Z][a-z]+", placeholder.removesuffix("FunctionArn}"))
    return "_".join(word.lower() for word in words)
