"""Each function may do what its task does: the calls of whole ramps, held against the template's policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from ramp import code_deploy, net
from ramp.adapters.brake import Brake, NotTakenBack
from ramp.adapters.comparisons import Comparisons
from ramp.adapters.table import Lock
from ramp.page.desk import Desk
from ramp.page.routes import link_app, page_app
from ramp.world import World
from rampctl.rehearsal.fakes import House
from rampctl.rehearsal.machine import Task

from tests.statemachine.ramp_run import ARN, FLAG, RAMP, Run, answering, asking_plan
from tests.template.document import FUNCTIONS, RESOURCES
from tests.template.page_requests import approve, post, request

OK, SEE_OTHER = 200, 303
# Source: the read handlers of the guards' types in the CloudFormation registry, which act in the caller's name.
READ_GUARDS = {
    "cloudformation:BatchDescribeTypeConfigurations",
    "cloudformation:DetectStackResourceDrift",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "lambda:GetPolicy",
    "sns:GetDataProtectionPolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
}
READ_FLAG = {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}
# What each method of an adapter asks of AWS. PutItem under a condition answers a refusal with GetItem.
NEEDS: Mapping[tuple[str, str], set[str]] = {
    ("FlagLever", "read"): READ_FLAG,
    ("FlagLever", "ramps_beside"): READ_FLAG,
    ("FlagLever", "in_flight"): {"appconfig:ListDeployments", "appconfig:GetDeployment"},
    ("FlagLever", "stop"): {"appconfig:ListDeployments", "appconfig:GetDeployment", "appconfig:StopDeployment"},
    ("FlagLever", "put"): READ_FLAG
    | {
        "appconfig:ListDeployments",
        "appconfig:GetHostedConfigurationVersion",
        "appconfig:CreateHostedConfigurationVersion",
        "appconfig:StartDeployment",
        "appconfig:GetDeployment",
    },
    ("FlagLever", "prune"): {
        "appconfig:ListDeployments",
        "appconfig:ListHostedConfigurationVersions",
        "appconfig:DeleteHostedConfigurationVersion",
    },
    ("Monitors", "off"): {"appconfig:GetEnvironment", "appconfig:UpdateEnvironment", "iam:PassRole"},
    ("Monitors", "are_left_off"): {"appconfig:GetEnvironment"},
    ("Monitors", "put_back"): {"appconfig:GetEnvironment", "appconfig:UpdateEnvironment", "iam:PassRole"},
    ("AliasLever", "read"): {"lambda:GetAlias"},
    ("AliasLever", "provisioned"): {"lambda:GetProvisionedConcurrencyConfig"},
    ("AliasLever", "has_version"): {"lambda:GetFunctionConfiguration"},
    ("AliasLever", "put"): {"lambda:GetAlias", "lambda:UpdateAlias"},
    ("AliasLever", "restore"): {"lambda:GetAlias", "lambda:UpdateAlias"},
    ("Metrics", "evidence"): {"cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"},
    ("Metrics", "history"): {"cloudwatch:GetMetricData"},
    ("Metrics", "alarms"): {"cloudwatch:DescribeAlarms"},
    ("Guards", "read"): {"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"},
    ("Stack", "status"): {"cloudformation:DescribeStacks"},
    ("Stack", "drift"): {
        "cloudformation:DescribeStacks",
        "cloudformation:ListStackResources",
        "cloudformation:DetectStackDrift",
        "cloudformation:DescribeStackDriftDetectionStatus",
        "cloudformation:DescribeStackResourceDrifts",
    }
    | READ_GUARDS,
    ("Stack", "code_deploy"): {"codedeploy:ListDeployments"},
    ("Stack", "answer_code_deploy"): {"codedeploy:PutLifecycleEventHookExecutionStatus"},
    ("RampTable", "acquire"): {"dynamodb:PutItem", "dynamodb:GetItem"},
    ("RampTable", "renew"): {"dynamodb:UpdateItem"},
    ("RampTable", "lock"): {"dynamodb:GetItem"},
    ("RampTable", "release"): {"dynamodb:DeleteItem"},
    ("RampTable", "put_ramp"): {"dynamodb:PutItem"},
    ("RampTable", "ramp"): {"dynamodb:GetItem"},
    ("RampTable", "put_look"): {"dynamodb:PutItem"},
    ("RampTable", "put_gate"): {"dynamodb:PutItem"},
    ("RampTable", "gate"): {"dynamodb:GetItem"},
    ("RampTable", "ask"): {"dynamodb:UpdateItem", "dynamodb:PutItem"},
    ("RampTable", "withdraw"): {"dynamodb:PutItem", "dynamodb:GetItem"},
    ("RampTable", "request"): {"dynamodb:GetItem"},
    ("RampTable", "close_request"): {"dynamodb:DeleteItem"},
    ("RampTable", "put_command"): {"dynamodb:PutItem"},
    ("RampTable", "put_word"): {"dynamodb:PutItem"},
    ("RampTable", "enlist"): {"dynamodb:PutItem"},
    ("RampTable", "listed"): {"dynamodb:Query"},
    ("RampTable", "command"): {"dynamodb:GetItem"},
    ("RampTable", "answer"): {"dynamodb:UpdateItem"},
    ("RampTable", "note"): {"dynamodb:UpdateItem"},
    ("RampTable", "put_link"): {"dynamodb:PutItem"},
    ("RampTable", "link"): {"dynamodb:GetItem"},
    ("RampTable", "look"): {"dynamodb:GetItem"},
    ("RampTable", "looks_at"): {"dynamodb:BatchGetItem"},
    ("RampTable", "people"): {"dynamodb:Query"},
    ("Brake", "pull"): {"lambda:InvokeFunction"},
    ("Brake", "undo"): {"lambda:InvokeFunction"},
    ("Brake", "reject"): {"lambda:InvokeFunction"},
    ("Comparisons", "differing"): {"logs:FilterLogEvents"},
    ("Exemplars", "note"): {"dynamodb:GetItem", "dynamodb:UpdateItem", "logs:FilterLogEvents"},
    ("Notices", "tell"): {"sns:Publish"},
    ("Deadline", "set"): {"scheduler:CreateSchedule", "iam:PassRole"},
    ("Deadline", "names"): {"scheduler:ListSchedules"},
    ("Deadline", "name"): set(),
    ("Deadline", "remove"): {"scheduler:DeleteSchedule"},
    ("Executions", "status"): {"states:DescribeExecution"},
    ("Executions", "answer"): {"states:SendTaskSuccess"},
    ("Executions", "fail"): {"states:SendTaskFailure"},
}


class Recorder:
    """Notes which function needs which actions."""

    def __init__(self) -> None:
        self.function = ""
        self.needed: defaultdict[str, set[str]] = defaultdict(set)

    def guard(self, adapter: Any) -> Any:
        recorder, kind = self, type(adapter).__bases__[0].__name__

        class Recorded:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                recorder.needed[recorder.function] |= NEEDS[kind, name]
                method: Callable[..., Any] = getattr(adapter, name)
                return method

        return Recorded()

    def wrap(self, placeholder: str, task: Task) -> Task:
        def invoke(payload: Any) -> Any:
            self.function = placeholder.removeprefix("${").removesuffix("Arn}")
            return task(payload)

        return invoke


@pytest.fixture(scope="module")
def needed() -> Mapping[str, set[str]]:
    """What every function needed, by its logical name."""
    return needs_of_ramps()


def needs_of_ramps() -> Mapping[str, set[str]]:
    """The actions of every function in ramps promoted, rolled back, braked, past their deadline, and left behind."""
    recorder = Recorder()

    def as_function(name: str, handler: Callable[[Mapping[str, Any], World], Any], event: dict[str, Any]) -> Any:
        def act(house: House, world: World) -> None:
            recorder.function = name
            handler(event, house.world(recorder.guard))

        return act

    def late(house: House, world: World) -> None:
        request = world.table.request(RAMP)
        assert request is not None
        world.table.answer(RAMP, request["request_id"], "approve", "ada", "late", world.now())

    brake = as_function("BrakeFunction", net.brake, {"by": "ada", "reason": "x"})
    deadline = as_function("CleanupFunction", net.cleanup, {"deadline_of": RAMP})
    for people in (late, answering("reject"), brake, deadline):
        for plan in (asking_plan(), asking_plan(lever="alias", candidate_version="2")):
            Run(people=people, guard=recorder.guard, wrap=recorder.wrap).go(plan)
    left = Run(wrap=lambda named, task: _failing if "RollBack" in named or "Measure" in named else task)
    left.go(asking_plan(lever="alias", candidate_version="2"))
    asked = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}
    as_function("CodeDeployHookFunction", code_deploy.before_code_deploy, asked)(left.house, left.house.world())
    as_function("CleanupFunction", net.cleanup, {})(left.house, left.house.world())
    again = Run(guard=recorder.guard, wrap=recorder.wrap)
    again.house.table.acquire(FLAG, Lock("ramp-0", f"{ARN}-0"), 0, 0)
    again.go(asking_plan())
    for braked in ("Shift", "Promote"):
        meanwhile = Run(guard=recorder.guard, people=answering("approve"))
        meanwhile.wrap = _braking_within(meanwhile, recorder, braked)
        meanwhile.go(asking_plan(lever="alias", candidate_version="2"))
    for page, path in (("PageFunction", f"/ramps/{RAMP}/decide"), ("LinkFunction", "/link/an-id")):
        Run(people=_at_the_page(recorder, page, path)).go(asking_plan())
    recorder.needed["WebhookFunction"] = {"secretsmanager:GetSecretValue"}
    return recorder.needed


class _Brake(Brake):
    def __init__(self) -> None:
        """Calls nobody."""

    def pull(self, ramp: str, by: str, reason: str, via: str) -> str:
        raise NotTakenBack("not in this test")


class _Comparisons(Comparisons):
    def __init__(self) -> None:
        """Reads no log."""

    def differing(self, ramp: str, since: float) -> tuple[list[str], bool]:
        return [], True


def _at_the_page(recorder: Recorder, function: str, path: str) -> Callable[[House, World], None]:
    """Everything that one of the page's functions does; its question is answered there."""

    def act(house: House, world: World) -> None:
        world.table.put_link("an-id", RAMP, str((world.table.request(RAMP) or {})["request_id"]), 0, house.clock() + 60)
        guard = recorder.guard
        desk = Desk(
            flags=(FLAG,),
            table=guard(house.table),
            metrics=guard(house.metrics),
            executions=guard(house.executions),
            brake=guard(_Brake()),
            comparisons=guard(_Comparisons()),
            now=house.clock,
            random_id=lambda: "an-id",
        )
        app = (page_app if function == "PageFunction" else link_app)(desk)
        recorder.function = function
        answer = partial(app.resolve, context=LambdaContext())
        if function == "PageFunction":
            for shown in ("/", "/live", f"/ramps/{RAMP}", f"/ramps/{RAMP}/live", f"/ramps/{RAMP}/differences"):
                assert answer(request(shown))["statusCode"] == OK
            for verb in ("abort", "pause", "resume"):
                answer(post(f"/ramps/{RAMP}/{verb}"))
        assert approve(answer, path)["statusCode"] == SEE_OTHER

    return act


def _braking_within(run: Run, recorder: Recorder, within: str) -> Callable[[str, Task], Task]:
    """The brake is pulled while traffic is being set."""
    put, guarded = run.house.alias.put, recorder.wrap

    def wrap(named: str, task: Task) -> Task:
        def invoke(payload: Any) -> Any:
            def pull(version: str, weights: dict[str, int], _: Callable[[], None] = lambda: None) -> None:
                run.house.table.put_command(RAMP, "abort", 0, "ada", "enough", run.house.clock())
                put(version, weights)

            # A method is replaced: the moment between cannot be had otherwise.
            run.house.alias.put = pull if within in named else put  # type: ignore[method-assign, assignment]
            return guarded(named, task)(payload)

        return invoke

    return wrap


def _failing(payload: Any) -> Any:
    raise RuntimeError("on purpose")


def granted(function: str) -> set[str]:
    """The actions that the policies of a function allow."""
    actions: set[str] = set()
    for policy in FUNCTIONS[function]["Policies"]:
        document = RESOURCES[policy["Ref"]]["Properties"]["PolicyDocument"] if "Ref" in policy else policy
        for statement in document["Statement"]:
            allowed = statement["Action"]
            actions |= {allowed} if isinstance(allowed, str) else set(allowed)
    return actions


CONTROL = [name for name, properties in FUNCTIONS.items() if properties["Handler"].startswith("ramp.")]


@pytest.mark.parametrize("function", CONTROL)
def test_a_function_may_do_what_its_task_does(function: str, needed: Mapping[str, set[str]]) -> None:
    """A missing permission shows in the worst moment otherwise: at the deadline, in a rollback."""
    assert needed[function]
    assert needed[function] - granted(function) == set()
