"""MiniStack with its answers corrected where AWS documents other ones and the product relies on them.

`python -m local_stack.ministack` runs it. Each correction names AWS's word; tests/emulator fails when MiniStack gives
the right answer by itself, so that this file shrinks.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.services import appconfig, lambda_svc, sns

from local_stack import authorization, drift, keeping, metric_math, metrics, sandbox, tokens

PAGE = 50

_list_as_shipped = appconfig._list_deployments  # noqa: SLF001 - the place of the wrong answer
_handle_as_shipped = appconfig.handle_request
_concurrency_as_shipped = lambda_svc._sqs_esm_concurrency  # noqa: SLF001 - as above


def list_deployments(application: str, environment: str, query: Mapping[str, str]) -> Any:
    """Newest first, whole, in pages, each with its profile.

    MiniStack gives the oldest 50. Source: AWS AppConfig API reference, ListDeployments ("in descending deployment
    number order"; NextToken; DeploymentSummary.ConfigurationProfileId).
    """
    status, headers, body = _list_as_shipped(application, environment, {"max_results": str(2**31)})
    if status != 200:  # noqa: PLR2004 - HTTP's own word for yes
        return status, headers, body
    items = sorted(json.loads(body)["Items"], key=lambda item: -int(item["DeploymentNumber"]))
    for item in items:
        key = f"{application}/{environment}/{item['DeploymentNumber']}"
        item["ConfigurationProfileId"] = appconfig._deployments[key]["ConfigurationProfileId"]  # noqa: SLF001 - as above
    start, size = int(query.get("next_token") or 0), int(query.get("max_results") or PAGE)
    page: dict[str, Any] = {"Items": items[start : start + size]}
    if start + size < len(items):
        page["NextToken"] = str(start + size)
    return appconfig._json(200, page)  # noqa: SLF001 - as above


async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
    """Keep the description of a hosted configuration version, which travels as a header.

    MiniStack drops it. Source: AWS AppConfig API reference, CreateHostedConfigurationVersion (header Description).
    """
    answer = await _handle_as_shipped(method, path, headers, body, query)
    if method == "POST" and path.endswith("/hostedconfigurationversions") and "Version-Number" in answer[1]:
        _, _, application, _, profile, _ = path.split("/")
        key = f"{application}/{profile}/{answer[1]['Version-Number']}"
        appconfig._hosted_versions[key]["Description"] = headers.get("description", "")  # noqa: SLF001 - as above
    return answer


def queue_concurrency(mapping: Mapping[str, Any], *more: Any) -> int:
    """Take a mapping's MaximumConcurrency for the number that it is.

    MiniStack compares the string that a template's parameter gives it, fails, and polls no queue at all. Source: AWS
    CloudFormation, AWS::Lambda::EventSourceMapping ScalingConfig (MaximumConcurrency: Integer).
    """
    scaling = {name: int(value) for name, value in (mapping.get("ScalingConfig") or {}).items()}
    allowed: int = _concurrency_as_shipped({**mapping, "ScalingConfig": scaling}, *more)
    return allowed


def deliver_to_lambda(endpoint: str, envelope: str, topic_arn: str, sub_arn: str, *_: Any) -> None:
    """Invoke a topic's function as Lambda invokes asynchronously: an error is tried again, twice.

    MiniStack tries once. Source: AWS Lambda developer guide, "Invoking Lambda functions with Amazon SNS notifications"
    ("Amazon SNS invokes your function asynchronously"); asynchronous invocation (two more attempts).
    """
    function, config, _name = lambda_svc._get_func_record_for_ref(endpoint)  # noqa: SLF001 - as above
    if not function or not config:
        return
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": sub_arn,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    invoked = lambda_svc._execution_record_for_config(function, config)  # noqa: SLF001 - as above
    lambda_svc.invoke_async_with_retry(invoked, {"Records": [record]})


def main() -> None:
    """MiniStack's own main, corrected."""
    appconfig._list_deployments = list_deployments  # noqa: SLF001 - as above
    appconfig.handle_request = handle_request
    lambda_svc._sqs_esm_concurrency = queue_concurrency  # noqa: SLF001 - as above
    sns._deliver_to_lambda = deliver_to_lambda  # noqa: SLF001 - as above
    keeping.install()
    metrics.install()
    metric_math.install()
    drift.install()
    sandbox.install()
    authorization.install(authorization.from_environment())
    tokens.install()
    app.main()


if __name__ == "__main__":
    main()
