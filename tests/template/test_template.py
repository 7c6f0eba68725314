"""What the template says is what the code reads, what the wire names, and what operators type."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from local_stack.alarms import evaluate
from ramp import gauges
from ramp.adapters.metrics import COUNTS, NAMESPACE
from ramp.core import prices
from ramp.core.check import Verdict
from ramp.settings import PageSettings, Settings, WebhookSettings
from rampctl import dashboard
from read_path import settings as read_settings

from tests.template.document import FUNCTIONS, GLOBALS, RESOURCES, ROOT, TEMPLATE, actions, environment, of_type

POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
OPTIONAL: set[str] = set()  # read with a default, for those who need another
EXTENSION = {"AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS"}  # read by the layer that a parameter adds
GLOBAL = set(GLOBALS["Environment"]["Variables"])
WIRE = (ROOT / "docs" / "wire.md").read_text()
BUDGET_MS_MAX = 10_000  # docs/wire.md, The flag document


class Recorded(dict[str, str]):
    """An environment that has every variable and remembers which were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return "1"

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return "true" if default == "True" else "1"


READERS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "read_path.router": read_settings.router_settings,
    "read_path.candidate": read_settings.candidate_settings,
    "read_path.shadow": read_settings.shadow_settings,
    "ramp.handlers": Settings.from_environment,
    "ramp.webhook": WebhookSettings.from_environment,
    "ramp.page.handlers": PageSettings.from_environment,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_variables_are_those_its_settings_read(function: str) -> None:
    """None is missing, and none is set for nobody."""
    properties, recorded = FUNCTIONS[function], Recorded()
    READERS[properties["Handler"].rpartition(".")[0]](recorded)
    given = set(environment(properties))
    assert recorded.read - given - OPTIONAL == set()
    assert given - recorded.read - POWERTOOLS - GLOBAL - EXTENSION == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_handler_exists_where_its_code_is(function: str) -> None:
    """The module is in the CodeUri, the function in the module."""
    properties = FUNCTIONS[function]
    module_name, _, name = properties["Handler"].rpartition(".")
    assert (ROOT / properties["CodeUri"] / f"{module_name.replace('.', '/')}.py").is_file()
    assert callable(getattr(importlib.import_module(module_name), name))


def test_the_names_that_operators_type_are_kept() -> None:
    """Requirements, section 1."""
    names = {
        "FunctionName": {"huntaze-mock-read", "huntaze-prisma-read", "huntaze-cleanup"},
        "AlarmName": {"huntaze-lambda-error-rate-gt-2pct", "huntaze-candidate-error-rate-gt-2pct"},
        "DashboardName": {"huntaze-prisma-migration"},
        "Name": {"huntaze-flags", "production", "feature-flags", "huntaze-ramp"},
    }
    for key, expected in names.items():
        found = [resource.get("Properties", {}).get(key) for resource in RESOURCES.values()]
        assert all(name in found for name in expected), key
    read = RESOURCES["MockReadFunction"]["Properties"]
    assert (read["FunctionName"], read["AutoPublishAlias"]) == ("huntaze-mock-read", "live")
    assert TEMPLATE["Parameters"]["DatabaseSecretName"]["Default"] == "huntaze/database"
    assert RESOURCES["FlagsProfile"]["Properties"]["Type"] == "AWS.AppConfig.FeatureFlags"
    schedule = RESOURCES["CleanupFunction"]["Properties"]["Events"]["Standing"]["Properties"]
    assert schedule["Name"] == "huntaze-flag-cleanup"
    assert GLOBALS["Environment"]["Variables"]["ADAPTER_FLAG"] == "prismaAdapter"


def test_both_flags_are_off_at_first_deployment() -> None:
    """Deploying the stack moves nobody."""
    document = json.loads(RESOURCES["FlagsAtFirst"]["Properties"]["Content"])
    assert document["values"] == {"prismaAdapter": {"enabled": False}, "prismaShadow": {"enabled": False}}


def brakes() -> dict[str, Any]:
    """The alarms that pull the brake, by logical name."""
    return {
        name: alarm
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items()
        if alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    }


def test_the_guards_watch_metrics_that_exist() -> None:
    """Lambda's own for the whole function, the wire's for the candidate; both in M of N minutes with math."""
    assert len(brakes()) == 2
    for alarm in brakes().values():
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (0.02, 5, 3)
        assert alarm["Metrics"][0]["Expression"] in {
            "errors / FILL(invocations, 1)",
            "(errors - 2) / FILL(requests, 1)",
        }


# Source: AWS, "Working with Lambda metrics", "Monitoring Step Functions metrics", "Monitoring Amazon EventBridge",
# "Available CloudWatch metrics for Amazon SQS".
AWS_METRICS: Mapping[tuple[str, str], set[str]] = {
    ("AWS/Lambda", "Errors"): {"FunctionName", "Resource"},
    ("AWS/Lambda", "Invocations"): {"FunctionName", "Resource"},
    ("AWS/Lambda", "AsyncEventAge"): {"FunctionName"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn"},
    ("AWS/Events", "TriggeredRules"): {"RuleName"},
}


def chosen(value: Any, condition: str, *, holds: bool) -> Any:
    """A part of the template with the `Fn::If` of one condition resolved."""
    if isinstance(value, Mapping):
        if value.get("Fn::If", [None])[0] == condition:
            return chosen(value["Fn::If"][1 if holds else 2], condition, holds=holds)
        return {name: chosen(item, condition, holds=holds) for name, item in value.items()}
    return [chosen(item, condition, holds=holds) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("by_queue", [False, True], ids=["invoke", "queue"])
def test_every_alarm_watches_a_metric_under_dimensions_that_report_and_somebody_hears_it(by_queue: bool) -> None:
    """The wire's metrics by arm; AWS's own under dimensions that it documents for them."""
    for alarm in chosen(of_type("AWS::CloudWatch::Alarm"), "ShadowByQueue", holds=by_queue).values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"][0] in ({"Ref": "AlarmTopic"}, {"Ref": "GuardTopic"})
        metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
        for metric in metrics or [alarm]:
            if metric["Namespace"] == NAMESPACE:
                assert metric["Dimensions"] == [{"Name": "arm", "Value": "candidate"}]
                assert metric["MetricName"] in COUNTS["candidate"]
            else:
                names = {dimension["Name"] for dimension in metric["Dimensions"]}
                assert names == AWS_METRICS[metric["Namespace"], metric["MetricName"]]


def test_comparisons_that_wait_too_long_are_told_of_where_they_wait() -> None:
    """The comparator's own queue in Lambda, or the stack's; each counts its age in its own unit."""
    for by_queue, metric, threshold in (
        (False, "AsyncEventAge", 30_000),
        (True, "ApproximateAgeOfOldestMessage", 30),
    ):
        alarm = chosen(RESOURCES["ShadowQueueAlarm"]["Properties"], "ShadowByQueue", holds=by_queue)
        assert (alarm["MetricName"], alarm["Threshold"]) == (metric, threshold)
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": RESOURCES["ShadowQueue"]["Properties"]["QueueName"]}]


def test_a_comparison_that_failed_for_good_is_told_of() -> None:
    """It is no evidence, and what broke the comparator may be what the candidate answers."""
    alarm = RESOURCES["ShadowFailuresAlarm"]["Properties"]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["ShadowFailures", "QueueName"]}}]


def test_no_comparison_of_the_queue_is_lost_unseen() -> None:
    """A batch has time for every read that is in it; what is given back lives to be handed on to those that failed.

    Source: AWS Lambda, "Using Lambda with Amazon SQS" (six times the timeout); SQS hands a message on when it is
    received more often than maxReceiveCount, so it must outlive its visibility.
    """
    queue, batch = RESOURCES["ShadowQueue"]["Properties"], RESOURCES["ShadowQueueMapping"]["Properties"]["BatchSize"]
    seconds = chosen(FUNCTIONS["ShadowCompareFunction"]["Timeout"], "ShadowByQueue", holds=True)
    assert batch * BUDGET_MS_MAX / 1000 < seconds
    assert queue["VisibilityTimeout"] >= 6 * seconds
    assert queue["MessageRetentionPeriod"] >= 2 * queue["VisibilityTimeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 1


def test_the_extension_polls_as_often_as_its_copy_is_asked_for() -> None:
    """Its own 45 seconds would come on top of the flag's age, and nothing here would see them.

    Source: AWS AppConfig, "Configuring the AWS AppConfig Agent Lambda extension".
    """
    variables = environment(FUNCTIONS["MockReadFunction"])
    polls = chosen(variables, "HasFlagExtension", holds=True)["AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS"]
    assert polls == variables["FLAG_STALENESS_SECONDS"] == {"Ref": "FlagStalenessSeconds"}


def test_what_aws_tells_of_itself_reaches_people_past_filters_and_keys() -> None:
    """Its messages have no attributes, which no filter lets through, and it may not use the key of SNS.

    Source: Amazon SNS developer guide, "Amazon SNS message filtering"; AWS re:Post, "How do I configure a CloudWatch
    alarm with an encrypted SNS topic".
    """
    told = {"AlarmTopic", "GuardTopic"}
    for name in told:
        assert "KmsMasterKeyId" not in RESOURCES[name]["Properties"]
    (target,) = RESOURCES["RollbackFailedRule"]["Properties"]["Targets"]
    triggers = FUNCTIONS["MockReadFunction"]["DeploymentPreference"]["TriggerConfigurations"]
    assert {target["Arn"]["Ref"], *(trigger["TriggerTargetArn"]["Ref"] for trigger in triggers)} <= told
    mails = [mail for mail in of_type("AWS::SNS::Subscription").values() if mail["TopicArn"]["Ref"] in told]
    assert {mail["TopicArn"]["Ref"] for mail in mails} == told
    assert not any("FilterPolicy" in mail for mail in mails)
    chat = FUNCTIONS["WebhookFunction"]["Events"].values()
    assert {"Topic": {"Ref": "GuardTopic"}} in [event["Properties"] for event in chat]


def test_a_new_guard_is_no_reason_to_take_the_brakes_deployment_back() -> None:
    """AppConfig takes an alarm without data for a red one, so monitors come when the stack is there."""
    assert TEMPLATE["Parameters"]["MonitorFlags"]["Default"] == "false"
    switch, monitors, none = RESOURCES["FlagsEnvironment"]["Properties"]["Monitors"]["Fn::If"]
    assert (switch, none) == ("MonitorFlags", {"Ref": "AWS::NoValue"})
    monitored = {monitor["AlarmArn"]["Fn::Sub"].rpartition(":")[2] for monitor in monitors}
    assert monitored == {alarm["AlarmName"] for alarm in brakes().values()}


def test_code_deploys_go_in_steps_with_the_guard_and_ask_the_ramp_first() -> None:
    """Requirements, section 4; CodeDeploy's own role calls functions of one prefix only."""
    preference = FUNCTIONS["MockReadFunction"]["DeploymentPreference"]
    assert preference["Type"] == {"Fn::If": ["GradualCodeDeploys", "Canary10Percent5Minutes", "AllAtOnce"]}
    assert preference["Alarms"] == [{"Ref": "ErrorRateAlarm"}]
    hook = FUNCTIONS[preference["Hooks"]["PreTraffic"]["Ref"]]
    assert hook["FunctionName"].startswith("CodeDeployHook_")


def test_the_guards_that_tasks_look_at_are_the_templates_alarms() -> None:
    """A renamed alarm would read as MISSING and refuse every ramp."""
    alarms = {alarm["AlarmName"] for alarm in brakes().values()}
    for properties in FUNCTIONS.values():
        named = environment(properties).get("ALARM_NAMES")
        assert named is None or set(named.split(",")) == alarms


BODY: Mapping[str, Any] = json.loads(
    re.sub(r"\$\{[^}]*\}", "x", RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
)
CHARTS = [widget["properties"] for widget in BODY["widgets"] if widget["type"] == "metric"]
ALIAS = ("FunctionName", "huntaze-mock-read", "Resource", "huntaze-mock-read:live")
LOGGED = {"Invocations": "FunctionName", "Duration": "FunctionName", "IncomingBytes": "LogGroupName"}


def _is_emitted(namespace: str, name: str, *dimensions: str) -> bool:
    if namespace == NAMESPACE:
        return dimensions[0] == "arm" and name in {*COUNTS[dimensions[1]], "latency_ms"}
    if namespace == gauges.NAMESPACE:
        known = gauges.gauges("f", 0, 0, Verdict.PASS, 0)["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        return dimensions == ("flag", "prismaAdapter") and {"Name": name} in known
    if dimensions == ALIAS:
        return name in {"Errors", "Invocations"}
    names = {properties["FunctionName"] for properties in FUNCTIONS.values()}
    return LOGGED[name] == dimensions[0] and dimensions[1].removeprefix("/aws/lambda/") in names


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["title"])
def test_the_dashboard_shows_metrics_that_are_emitted(chart: Mapping[str, Any]) -> None:
    """Under the dimensions that they are emitted with; expressions name rows of their own widget."""
    lines = dashboard.lines_of(chart)
    assert [line for line in lines if line.visible]
    assert all(_is_emitted(*line.metric) for line in lines if line.metric)
    known = {line.id: 1.0 for line in lines if line.metric}
    assert all(evaluate(line.expression, known) is not None for line in lines if line.expression)


def test_the_dashboard_shows_the_rates_that_people_go_by() -> None:
    """Availability, the read function's error rate as its guard counts it, and how many answers differ."""
    rows = {line.id: line for chart in CHARTS for line in dashboard.lines_of(chart)}
    counted = {"u0": 1.0, "r0": 60.0, "r1": 40.0, "errors": 3.0, "invocations": 100.0, "differ": 1.0, "compared": 200.0}
    assert evaluate(rows["user_rate"].expression, counted | {"u1": None}) == pytest.approx(1.0)
    assert evaluate(rows["shadow_diff"].expression, counted) == pytest.approx(0.5)
    guard = RESOURCES["ErrorRateAlarm"]["Properties"]
    expression = f"100 * {guard['Metrics'][0]['Expression']}"
    assert evaluate(rows["guard_rate"].expression, counted) == evaluate(expression, counted) == 3.0
    (chart,) = [chart for chart in CHARTS if "guard_rate" in {line.id for line in dashboard.lines_of(chart)}]
    assert 100 * guard["Threshold"] in {mark["value"] for mark in chart["annotations"]["horizontal"]}


def test_the_dashboard_shows_every_alarm_and_charges_what_aws_charges() -> None:
    """Prices stand in one file, and the dashboard cannot import it."""
    (alarms,) = [widget["properties"]["alarms"] for widget in BODY["widgets"] if widget["type"] == "alarm"]
    assert len(alarms) == len(of_type("AWS::CloudWatch::Alarm"))
    rows = {line.id: line for chart in CHARTS for line in dashboard.lines_of(chart)}
    ids = {f"{kind}{index}": 0.0 for kind in "idb" for index in range(3)}
    assert evaluate(rows["requests_usd"].expression, ids | {"i0": 1}) == pytest.approx(prices.LAMBDA_REQUEST)
    gigabytes = GLOBALS["MemorySize"] / 1024
    assert evaluate(rows["time_usd"].expression, ids | {"d0": 1000}) == pytest.approx(
        gigabytes * prices.LAMBDA_GB_SECOND
    )
    assert evaluate(rows["logs_usd"].expression, ids | {"b0": 1e9}) == pytest.approx(prices.LOG_GB)


def test_the_namespace_is_one() -> None:
    """What the read path writes to is what the gate reads from."""
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == NAMESPACE
    assert f"namespace `{NAMESPACE}`" in WIRE


def test_every_ending_that_is_no_promotion_reaches_the_clean_up() -> None:
    """FAILED, TIMED_OUT and ABORTED of this very machine."""
    pattern = RESOURCES["CleanupFunction"]["Properties"]["Events"]["RampEnded"]["Properties"]["Pattern"]
    assert set(pattern["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    assert pattern["detail"]["stateMachineArn"][0]["Fn::Sub"].endswith(":stateMachine:huntaze-ramp")


def test_the_alarm_on_ramps_that_time_out_watches_what_can_happen() -> None:
    """The machine has an end of its own, and what ends it so wakes people."""
    machine = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
    assert machine["TimeoutSeconds"]
    assert RESOURCES["RampTimedOutAlarm"]["Properties"]["MetricName"] == "ExecutionsTimedOut"


def test_tasks_have_less_time_than_the_states_that_wait_for_them() -> None:
    """A function that is cut off says so itself, before Step Functions gives up on it."""
    machine = json.loads((ROOT / "statemachine" / "ramp.asl.json").read_text())
    substitutions = RESOURCES["RampStateMachine"]["Properties"]["DefinitionSubstitutions"]
    for state in machine["States"].values():
        if state["Type"] == "Task":
            placeholder = state["Arguments"]["FunctionName"].removeprefix("${").removesuffix("}")
            function = substitutions[placeholder]["Fn::GetAtt"]
            name = function[0] if isinstance(function, list) else function.partition(".")[0]
            assert FUNCTIONS[name]["Timeout"] < state["TimeoutSeconds"]


def test_no_policy_allows_everything() -> None:
    """Each action is named; resources are `*` only where a comment in the template says why."""
    assert not [action for action in actions(RESOURCES) if "*" in action]
    stars = re.findall(r"#[^\n]*\n\s+Resource: \"\*\"", (ROOT / "template.yaml").read_text())
    assert len(stars) == (ROOT / "template.yaml").read_text().count('Resource: "*"')


def test_every_functions_log_lines_expire_and_go_with_the_stack() -> None:
    """A group that Lambda makes by itself keeps its lines for ever, and stays when the stack goes."""
    for name, properties in FUNCTIONS.items():
        group = RESOURCES[properties["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
        assert group["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}", name
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_a_deleted_stack_leaves_nothing_behind() -> None:
    """What stays says so in docs/runbooks/quick-start.md, and the stack made none of it."""
    kept = {name for name, resource in RESOURCES.items() if "DeletionPolicy" in resource}
    assert kept == set()


def test_every_parameter_is_described_and_bounded() -> None:
    """By values or a range, or it is a name of yours; each has a default, so that `sam deploy` asks for none."""
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"].strip(), name
        assert "Default" in parameter, name
        if parameter["Type"] == "Number":
            assert "AllowedValues" in parameter or {"MinValue", "MaxValue"} <= set(parameter), name


def test_every_output_says_what_it_is_for() -> None:
    for name, output in TEMPLATE["Outputs"].items():
        assert output["Description"].strip(), name


def test_both_ways_to_deploy_the_stack_tag_it_alike() -> None:
    """A stack's tags are its resources', and an AppConfig deployment whose tags change is made anew: both flags off.

    Source: AWS::AppConfig::Deployment, Tags, "Update requires: Replacement".
    """
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    dev, prod = (config[name]["deploy"]["parameters"]["tags"] for name in ("default", "prod"))
    assert dev == prod


def test_samconfig_names_parameters_that_there_are() -> None:
    """For dev and prod alike."""
    configured = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage in ("default", "prod"):
        overrides = configured[stage]["deploy"]["parameters"]["parameter_overrides"]
        for override in overrides:
            name, _, value = override.partition("=")
            parameter = TEMPLATE["Parameters"][name]
            assert value in {str(allowed) for allowed in parameter["AllowedValues"]}
