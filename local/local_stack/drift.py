"""Drift of what guards a ramp, which MiniStack does not compare, or by existence alone.

Source: AWS CloudFormation, "Resource type support for imports and drift detection"; user guide, "What is drift?" (only
properties that the template sets are compared).
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch, eventbridge, lambda_svc, sns
from ministack.services.cloudformation import drift

ALARM = frozenset(
    {
        "ActionsEnabled", "AlarmActions", "ComparisonOperator", "DatapointsToAlarm", "Dimensions", "EvaluationPeriods",
        "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Threshold", "TreatMissingData",
    }
)  # fmt: skip
SUBSCRIPTION = frozenset({"Endpoint", "FilterPolicy", "Protocol"})
RULE = frozenset({"EventPattern", "ScheduleExpression", "State", "Targets"})


def alarm(name: str, _: Mapping[str, Any]) -> dict[str, Any] | None:
    """An alarm as it is now, None when it is gone; a whole number of a template is no fraction."""
    found = cloudwatch._alarms.get(name)  # noqa: SLF001 - where the emulator keeps them
    if found is None:
        return None
    threshold = found["Threshold"]
    return {**found, "Threshold": int(threshold) if threshold == int(threshold) else threshold}


def rule(name: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """A rule as it is now, with its targets."""
    key = eventbridge._rule_key(name, properties.get("EventBusName") or "default")  # noqa: SLF001 - as above
    found = eventbridge._rules.get(key)  # noqa: SLF001 - as above
    if found is None:
        return None
    pattern = found["EventPattern"]
    targets = list(eventbridge._targets.get(key) or ())  # noqa: SLF001 - as above
    return {**found, "EventPattern": json.loads(pattern) if pattern else {}, "Targets": targets}


def permission(statement_id: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """A permission's statement, which is there or is not: whoever wants another one adds another one."""
    name, _ = lambda_svc._resolve_name_and_qualifier(properties["FunctionName"])  # noqa: SLF001 - as above
    function = lambda_svc._functions.get(name) or {"policy": {"Statement": []}}  # noqa: SLF001 - as above
    return {} if statement_id in {each.get("Sid") for each in function["policy"]["Statement"]} else None


def subscription(arn: str, _: Mapping[str, Any]) -> dict[str, Any] | None:
    """A subscription as it is now: who is told of what."""
    topic = sns._sub_arn_to_topic.get(arn)  # noqa: SLF001 - as above
    found = sns._find_subscription(topic, arn) if topic else None  # noqa: SLF001 - as above
    if not found:
        return None
    policy = found["attributes"].get("FilterPolicy")
    who = {"Endpoint": found["endpoint"], "Protocol": found["protocol"]}
    return who | ({"FilterPolicy": json.loads(policy)} if policy else {})


def install() -> None:
    """Have the emulator compare them too."""
    drift._DRIFT_READERS |= {  # noqa: SLF001 - as above
        "AWS::CloudWatch::Alarm": (alarm, ALARM),
        "AWS::Events::Rule": (rule, RULE),
        "AWS::Lambda::Permission": (permission, frozenset()),
        "AWS::SNS::Subscription": (subscription, SUBSCRIPTION),
    }
