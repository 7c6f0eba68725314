"""Everything the deployed product ever does, done once on the local stack, so that every role uses every permission.

Executions run without traffic: they ask at each step, since nothing is known, and people say yes or no. What no
execution gets to by itself (a deployment of somebody else in flight, an answer between two tokens, a ramp that nobody
runs any more) is set up by the account's root.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from local_stack.stack import Stack

from tests.template import page_requests

PLAN = {
    "steps": [{"percent": share, "bake_seconds": 1, "patience_seconds": 1} for share in (0, 40, 100)],
    "look_seconds": 1,
    "gate": "fixed",
    "deadline_seconds": 10_800,
    "evidence": {"period_seconds": 1, "delay_seconds": 1},
    "approvals": {"timeout_seconds": 900},
}
ENDS_SECONDS = 60.0
READS = 12


class Deeds:
    """One stack and what is done to it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._states, self._lambda = stack.client("stepfunctions"), stack.client("lambda")
        self._table = stack.client("dynamodb")
        self._machine: str = self._states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        brake = self._lambda.get_function_configuration(FunctionName="huntaze-ramp-brake")
        self._names = brake["Environment"]["Variables"]

    def all(self) -> None:
        """Do everything, and leave traffic on control."""
        second = self._lambda.publish_version(FunctionName="huntaze-mock-read")["Version"]
        by_alias = {**PLAN, "lever": "alias", "candidate_version": second}
        self._follow("deeds-promoted", PLAN, "approve", self._read)
        self._settle("deeds-promoted")
        self._follow("deeds-alias-promoted", by_alias, "approve")
        self._settle("deeds-alias-promoted")
        self._answered_between_tokens()
        with self._deployment_of_somebody_else():
            self._follow("deeds-rejected", by_alias, "reject", self._begin_deployment)
        self._braked(by_alias)
        self._past_deadline(by_alias)
        self._left_behind(by_alias)
        self._orphaned(by_alias)
        self._at_the_page()
        self._scheduled()

    def _follow(self, name: str, plan: Any, word: str, at_question: Callable[[], None] = lambda: None) -> None:
        """A whole execution, in which every question gets the same answer; `at_question` is done at the second."""
        self._start(name, plan)
        answered: list[str] = []
        for request in self._questions(name):
            if len(answered) == 1:
                at_question()
            said = word if answered else "approve"
            answer = json.dumps({"answer": said, "by": "deeds", "reason": "on purpose"})
            with contextlib.suppress(self._states.exceptions.TaskTimedOut, self._states.exceptions.TaskDoesNotExist):
                self._states.send_task_success(taskToken=request["token"]["S"], output=answer)
            answered.append(request["request_id"]["S"])

    def _start(self, name: str, plan: Any) -> str:
        started = self._states.start_execution(stateMachineArn=self._machine, name=name, input=json.dumps(plan))
        return str(started["executionArn"])

    def _questions(self, name: str) -> Iterator[dict[str, Any]]:
        """Each question of an execution, once, until it has ended."""
        seen: set[str] = set()
        until = time.monotonic() + ENDS_SECONDS
        while time.monotonic() < until:
            execution = self._states.describe_execution(executionArn=self._execution(name))
            if execution["status"] != "RUNNING":
                assert seen, execution
                return
            request = self._item(name, "request")
            if "token" in request and request["token"]["S"] not in seen:
                seen.add(request["token"]["S"])
                yield request
            time.sleep(0.1)
        raise AssertionError(f"{name} has not ended after {ENDS_SECONDS:.0f} s")

    def _execution(self, name: str) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"

    def _item(self, ramp: str, kind: str) -> dict[str, Any]:
        key = {"pk": {"S": f"ramp#{ramp}"}, "sk": {"S": kind}}
        found: dict[str, Any] = self._table.get_item(TableName="huntaze-ramps", Key=key).get("Item", {})
        return found

    def _invoke(self, function: str, event: Any, qualifier: str = "$LATEST") -> Any:
        answer = self._lambda.invoke(FunctionName=function, Qualifier=qualifier, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    def _read(self) -> None:
        """Users on both arms: the router asks flag, candidate and comparator, the comparator the candidate."""
        time.sleep(1.1)  # FLAG_STALENESS_SECONDS of the local stack
        for number in range(1, READS):
            self._invoke("huntaze-mock-read", {"userId": f"user-{number}"}, "live")

    def _settle(self, ramp: str) -> None:
        """Take a promotion back, as a person would who wants another ramp."""
        state = json.loads(self._item(ramp, "ramp")["document"]["S"])
        self._invoke("huntaze-ramp-roll-back", {"ramp": state, "verdict": {"reason": "deeds go on"}, "trouble": {}})

    def _answered_between_tokens(self) -> None:
        """The token ran out, a person answered, and Ask For Decision comes again."""
        self._start("deeds-answered", PLAN)
        for request in self._questions("deeds-answered"):
            state = json.loads(self._item("deeds-answered", "ramp")["document"]["S"])
            self._table.update_item(
                TableName="huntaze-ramps",
                Key={"pk": request["pk"], "sk": request["sk"]},
                UpdateExpression="SET answer = :no, #by = :by, reason = :by",
                ExpressionAttributeNames={"#by": "by"},
                ExpressionAttributeValues={":no": {"S": "reject"}, ":by": {"S": "deeds"}},
            )
            self._invoke("huntaze-ramp-ask", {"ramp": state, "verdict": {}, "token": request["token"]["S"]})

    @contextlib.contextmanager
    def _deployment_of_somebody_else(self) -> Iterator[None]:
        """A strategy that takes ten minutes, for `_begin_deployment`."""
        appconfig = self._stack.client("appconfig")
        self._slow = appconfig.create_deployment_strategy(
            Name="deeds", DeploymentDurationInMinutes=10, GrowthFactor=10, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
        )["Id"]
        yield

    def _begin_deployment(self, description: str = "somebody else's") -> None:
        self._stack.client("appconfig").start_deployment(
            ApplicationId=self._names["APPCONFIG_APPLICATION"],
            EnvironmentId=self._names["APPCONFIG_ENVIRONMENT"],
            ConfigurationProfileId=self._names["APPCONFIG_PROFILE"],
            DeploymentStrategyId=self._slow,
            ConfigurationVersion="1",
            Description=description,
        )

    def _braked(self, plan: Any) -> None:
        self._start("deeds-braked", plan)
        for asked, _ in enumerate(self._questions("deeds-braked")):
            if asked == 0:
                self._approve("deeds-braked")
            else:
                self._begin_deployment()
                self._invoke("huntaze-ramp-brake", {"by": "deeds", "reason": "on purpose"})

    def _past_deadline(self, plan: Any) -> None:
        self._start("deeds-late", plan)
        for asked, _ in enumerate(self._questions("deeds-late")):
            if asked == 0:
                self._approve("deeds-late")
            else:
                self._begin_deployment()
                self._invoke("huntaze-cleanup", {"deadline_of": "deeds-late"})

    def _approve(self, ramp: str) -> None:
        answer = json.dumps({"answer": "approve", "by": "deeds", "reason": "on purpose"})
        self._states.send_task_success(taskToken=self._item(ramp, "request")["token"]["S"], output=answer)

    def _left_behind(self, plan: Any) -> None:
        """An execution that is stopped rolls nothing back; its end, or the next ramp, does."""
        execution = self._start("deeds-stopped", plan)
        for asked, _ in enumerate(self._questions("deeds-stopped")):
            if asked == 0:
                self._approve("deeds-stopped")
            else:
                self._states.stop_execution(executionArn=execution)
        self._invoke("huntaze-cleanup", {})

    def _orphaned(self, plan: Any) -> None:
        """A ramp whose execution was stopped while nobody heard of it: the next one to start settles it, first."""
        events = self._stack.client("events")
        nets = [rule["Name"] for rule in events.list_rules()["Rules"] if "EventPattern" in rule]
        execution = self._start("deeds-orphan", plan)
        for asked, _ in enumerate(self._questions("deeds-orphan")):
            if asked == 0:
                for net in nets:  # only now: a ramp does not start without its guards
                    events.disable_rule(Name=net)
                self._approve("deeds-orphan")
            else:
                self._begin_deployment("ramp deeds-orphan")
                self._states.stop_execution(executionArn=execution)
        for net in nets:
            events.enable_rule(Name=net)
        self._follow("deeds-after-orphan", PLAN, "reject")

    def _at_the_page(self) -> None:
        """The first question is answered on the page, the second through a link, and then somebody aborts."""
        name = "deeds-paged"
        page, link = partial(self._invoke, "huntaze-ramp-page"), partial(self._invoke, "huntaze-ramp-link")
        self._start(name, PLAN)
        for asked, question in enumerate(self._questions(name)):
            if asked == 0:
                for path in ("/", f"/ramps/{name}", f"/ramps/{name}/differences"):
                    page(page_requests.request(path))
                page_requests.approve(page, f"/ramps/{name}/decide")
            elif asked == 1:
                self._put_link("deeds", name, question["request_id"]["S"])
                page_requests.approve(link, "/link/deeds")
            else:
                for verb in ("pause", "undo", "abort"):
                    page(page_requests.post(f"/ramps/{name}/{verb}"))

    def _put_link(self, link_id: str, ramp: str, request_id: str) -> None:
        key = {"pk": {"S": f"link#{sha256(link_id.encode()).hexdigest()}"}, "sk": {"S": "link"}}
        where = {"ramp": {"S": ramp}, "request_id": {"S": request_id}}
        times = {"created_at": {"N": str(int(time.time()))}, "expires_at": {"N": str(int(time.time()) + 600)}}
        self._table.put_item(TableName="huntaze-ramps", Item={**key, **where, **times})

    def _scheduled(self) -> None:
        """A schedule invokes huntaze-cleanup with the role that ramps hand to it."""
        self._stack.client("scheduler").create_schedule(
            Name="deeds",
            GroupName=self._names["DEADLINE_GROUP"],
            ScheduleExpression=f"at({datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": self._names["CLEANUP_FUNCTION_ARN"], "RoleArn": self._names["DEADLINE_ROLE_ARN"]},
        )
        time.sleep(11)  # MiniStack looks for due schedules every ten seconds
