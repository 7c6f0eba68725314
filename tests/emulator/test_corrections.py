"""Each correction of MiniStack is needed still, and corrects.

When a test of the emulator as shipped fails, it has learned the right answer: take the correction out.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_stack import emulator, ports
from local_stack.clients import client
from local_stack.emulator import Emulator
from local_stack.process import spawn
from local_stack.sandbox import NOT_SHIPPED

from tests.emulator.stacks import made

DEPLOYMENTS = 3
RECORD = {
    "_aws": {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [{"Namespace": "Corrections", "Dimensions": [["arm"]], "Metrics": [{"Name": "requests"}]}],
    },
    "arm": "control",
    "requests": 1,
}


@pytest.fixture(scope="module")
def as_shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Clients by service name of MiniStack without the corrections."""
    folder: Path = tmp_path_factory.mktemp("shipped")
    port = ports.any_free()
    environment = emulator._environment(folder, port, 2000, 1.0)
    process = spawn("MiniStack", [sys.executable, "-m", "ministack.app"], folder / "log", environment, cwd=folder)
    running = Emulator(process, f"http://{ports.LOOPBACK}:{port}")
    emulator.wait_until_ready(running, folder / "log")
    yield lambda service: client(running.endpoint_url, service)
    process.stop()


def deployment_numbers(clients: Any) -> tuple[list[int], str]:
    """The order deployments are listed in, and the description a version was given."""
    appconfig = clients("appconfig")
    application = appconfig.create_application(Name="a")["Id"]
    environment = appconfig.create_environment(ApplicationId=application, Name="e")["Id"]
    profile = appconfig.create_configuration_profile(ApplicationId=application, Name="p", LocationUri="hosted")["Id"]
    strategy = appconfig.create_deployment_strategy(
        Name="now", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
    )["Id"]
    whole = {"ApplicationId": application, "ConfigurationProfileId": profile}
    for number in range(1, DEPLOYMENTS + 1):
        appconfig.create_hosted_configuration_version(
            **whole, Content=b"{}", ContentType="application/json", Description=f"version {number}"
        )
        wanted = {**whole, "EnvironmentId": environment, "DeploymentStrategyId": strategy}
        appconfig.start_deployment(**wanted, ConfigurationVersion=str(number))
        where = {"ApplicationId": application, "EnvironmentId": environment, "DeploymentNumber": number}
        while appconfig.get_deployment(**where)["State"] != "COMPLETE":
            time.sleep(0.05)
    listed = appconfig.list_deployments(ApplicationId=application, EnvironmentId=environment)["Items"]
    versions = appconfig.list_hosted_configuration_versions(**whole)["Items"]
    described = next(version.get("Description", "") for version in versions if version["VersionNumber"] == 1)
    return [item["DeploymentNumber"] for item in listed], described


def embedded_metrics(clients: Any) -> list[str]:
    """The metrics that one embedded record made."""
    logs = clients("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(RECORD)}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    return [metric["MetricName"] for metric in clients("cloudwatch").list_metrics(Namespace="Corrections")["Metrics"]]


def test_as_shipped_deployments_come_oldest_first_and_descriptions_are_lost(as_shipped: Any) -> None:
    assert deployment_numbers(as_shipped) == ([1, 2, 3], "")


def test_corrected_deployments_come_newest_first_and_descriptions_stay(bare_emulator: Any) -> None:
    assert deployment_numbers(bare_emulator) == ([3, 2, 1], "version 1")


def test_as_shipped_an_embedded_record_makes_no_metric(as_shipped: Any) -> None:
    assert embedded_metrics(as_shipped) == []


def test_corrected_an_embedded_record_makes_its_metric(bare_emulator: Any) -> None:
    assert embedded_metrics(bare_emulator) == ["requests"]


MATH: dict[str, Any] = {
    "AlarmName": "rate",
    "Metrics": [
        {"Id": "rate", "Expression": "m / 2", "ReturnData": True},
        {
            "Id": "m",
            "ReturnData": False,
            "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {"Namespace": "N", "MetricName": "m"}},
        },
    ],
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 1,
    "EvaluationPeriods": 1,
    "TreatMissingData": "notBreaching",
}


def expressions(clients: Any) -> list[str]:
    """The expressions of the alarms that a stack and PutMetricAlarm made."""
    cloudwatch = clients("cloudwatch")
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {**MATH, "AlarmName": "of the stack"}}
    made(clients, "math", {"Alarm": alarm})
    cloudwatch.put_metric_alarm(**MATH)
    found = cloudwatch.describe_alarms()["MetricAlarms"]
    return [f"{alarm['AlarmName']}: {query['Expression']}" for alarm in found for query in alarm.get("Metrics", ())[:1]]


def test_as_shipped_an_alarm_over_metric_math_is_refused_or_loses_it(as_shipped: Any) -> None:
    assert expressions(as_shipped) == []


def test_corrected_an_alarm_over_metric_math_keeps_it(bare_emulator: Any) -> None:
    assert expressions(bare_emulator) == ["of the stack: m / 2", "rate: m / 2"]


def left_in_queue(clients: Any) -> int:
    """Messages in a queue, five seconds after one was sent to it, whose mapping's concurrency is a parameter's."""
    function = {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": "def handler(event, _):\n    pass\n"}
    mapping = {
        "FunctionName": {"Ref": "F"},
        "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]},
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "AtOnce"}},
    }
    resources = {
        "F": {"Type": "AWS::Serverless::Function", "Properties": function},
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mapped"}},
        "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    made(clients, "mapped", resources, Parameters={"AtOnce": {"Type": "Number", "Default": 5}})
    queues = clients("sqs")
    url = queues.get_queue_url(QueueName="mapped")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody="{}")
    time.sleep(5)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_as_shipped_a_queue_whose_concurrency_is_a_parameter_is_not_polled(as_shipped: Any) -> None:
    assert left_in_queue(as_shipped) == 1


def test_corrected_it_is_polled(bare_emulator: Any) -> None:
    assert left_in_queue(bare_emulator) == 0


def attempts_at_a_notice(clients: Any) -> int:
    """How often a function on a topic was invoked, which failed each time; its first retry comes after a second."""
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "InlineCode": "def handler(event, _):\n    print('tried')\n    raise ValueError('on purpose')\n",
        "FunctionName": "told",
        "Events": {"Notice": {"Type": "SNS", "Properties": {"Topic": {"Ref": "T"}}}},
    }
    resources = {
        "T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "told"}},
        "F": {"Type": "AWS::Serverless::Function", "Properties": function},
    }
    made(clients, "told", resources)
    topics = clients("sns")
    topics.publish(TopicArn=topics.create_topic(Name="told")["TopicArn"], Message="x")
    time.sleep(6)
    lines = clients("logs").filter_log_events(logGroupName="/aws/lambda/told")["events"]
    return sum(event["message"].strip() == "tried" for event in lines)


def test_as_shipped_a_function_on_a_topic_that_fails_is_not_tried_again(as_shipped: Any) -> None:
    assert attempts_at_a_notice(as_shipped) == 1


def test_corrected_it_is_tried_twice_more(bare_emulator: Any) -> None:
    assert attempts_at_a_notice(bare_emulator) == 3


def loaded_in_a_sandbox(clients: Any) -> list[str]:
    """What a function finds loaded, of the tools' libraries that botocore takes."""
    code = f"import sys\nimport boto3\ndef handler(*_):\n    return [n for n in {NOT_SHIPPED} if sys.modules.get(n)]\n"
    function = {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": code, "FunctionName": "tells"}
    made(clients, "tells", {"F": {"Type": "AWS::Serverless::Function", "Properties": function}})
    found: list[str] = json.load(clients("lambda").invoke(FunctionName="tells")["Payload"])
    return found


def test_as_shipped_functions_load_libraries_of_the_tools_beside_them(as_shipped: Any) -> None:
    assert loaded_in_a_sandbox(as_shipped) == [*NOT_SHIPPED]


def test_corrected_they_load_none(bare_emulator: Any) -> None:
    assert loaded_in_a_sandbox(bare_emulator) == []


def how_a_question_ends(clients: Any) -> tuple[str, str]:
    """Status and error, three seconds on, of an execution whose function fails before anybody is asked."""
    code = "def handler(event, _):\n    raise ValueError('on purpose')\n"
    function = {"Runtime": "python3.13", "Handler": "index.handler", "InlineCode": code, "FunctionName": "asks"}
    made(clients, "asks", {"F": {"Type": "AWS::Serverless::Function", "Properties": function}})
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = clients("iam")
    role = iam.create_role(RoleName="asks", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName="asks", PolicyName="asks", PolicyDocument=policy)
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "asks", "Payload": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 60,
        "End": True,
    }
    states = clients("stepfunctions")
    machine = states.create_state_machine(
        name="asks",
        definition=json.dumps({"StartAt": "Ask", "States": {"Ask": state}}),
        roleArn=role,
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    time.sleep(3)
    found = states.describe_execution(executionArn=execution)
    return found["status"], found.get("error", "")


def test_as_shipped_a_question_that_could_not_be_put_waits_for_its_answer(as_shipped: Any) -> None:
    assert how_a_question_ends(as_shipped) == ("RUNNING", "")


def test_corrected_it_fails_with_the_functions_error(bare_emulator: Any) -> None:
    assert how_a_question_ends(bare_emulator) == ("FAILED", "Runtime.HandlerError")
