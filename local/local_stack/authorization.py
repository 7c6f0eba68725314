"""Who may do what, as AWS authorises it, where MiniStack under AUTH=true asks for less, for other names, or not at all.

MiniStack checks every request of a function against the function's own role. For the services below it takes the
action or the resource from the wrong place (an alias is read under ListAliases, a schedule is always in the group
`default`, a deployment is its environment), leaves out what a request needs besides (a deployment's strategy,
iam:PassRole), or checks nothing (appconfigdata, and the roles that Step Functions and Scheduler invoke functions with).

Source: Service Authorization Reference, the tables "Actions defined by" of each service.

Every answer that a role got is kept in `authorizations.jsonl`, once: what the whole product needs, and nothing else.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import detect_service
from ministack.services import appconfig, eventbridge, stepfunctions

from local_stack.emulator import AUTHORIZATIONS_VARIABLE

# What a request is authorised on, by action. All of them count: a policy that lacks one is refused.
APPCONFIG_RESOURCES: Mapping[str, tuple[str, ...]] = {
    "ListDeployments": ("application", "environment"),
    "GetDeployment": ("application", "environment", "deployment"),
    "StopDeployment": ("application", "environment", "deployment"),
    "StartDeployment": ("application", "environment", "configurationprofile", "deploymentstrategy"),
    "ListHostedConfigurationVersions": ("application", "configurationprofile"),
    "CreateHostedConfigurationVersion": ("application", "configurationprofile"),
    "GetHostedConfigurationVersion": ("application", "configurationprofile", "hostedconfigurationversion"),
    "DeleteHostedConfigurationVersion": ("application", "configurationprofile", "hostedconfigurationversion"),
}
_PATH_NAMES = {
    "environments": "environment",
    "configurationprofiles": "configurationprofile",
    "deployments": "deployment",
    "hostedconfigurationversions": "hostedconfigurationversion",
}
_TOKEN_ACTIONS = frozenset({"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"})

_dispatch_as_shipped = app._dispatch_service_request  # noqa: SLF001 - where every request of an AWS API passes
_action_as_shipped = iam_actions.extract_iam_action
_enforce_as_shipped = iam_evaluator.enforce
_call_lambda_as_shipped = stepfunctions._call_lambda  # noqa: SLF001 - where every task state passes
_invoke_target_as_shipped = eventbridge._invoke_target  # noqa: SLF001 - where every schedule passes


@dataclass(frozen=True)
class Need:
    """One action on one resource that a request must be allowed; `context` holds condition keys of its own."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def needs(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> list[Need]:
    """Everything this request must be allowed, for the requests that MiniStack authorises wrongly; none for others."""
    if service in {"appconfig", "appconfigdata"}:
        return _appconfig(method, path, body, query)
    if service == "lambda":
        return _lambda(method, path, query)
    if service == "scheduler":
        return _scheduler(method, path, body, query)
    if service == "states" and (action := headers.get("x-amz-target", "").rpartition(".")[2]) in _TOKEN_ACTIONS:
        return [Need(f"states:{action}", machine) for machine in _machines()]
    return []


def _appconfig(method: str, path: str, body: bytes, query: Any) -> list[Need]:
    if path == "/configurationsessions":
        asked = json.loads(body)
        return [Need("appconfig:StartConfigurationSession", _configuration(asked))]
    if path == "/configuration":
        session = appconfig._sessions.get(_one(query, "configuration_token"))  # noqa: SLF001 - a token names nothing else
        return [Need("appconfig:GetLatestConfiguration", _configuration(session))] if session else []
    action = iam_actions._match_rest_action("appconfig", method, path, query)  # noqa: SLF001 - botocore's own routes
    if action not in APPCONFIG_RESOURCES:
        return []
    found = _named_in(path)
    if action == "StartDeployment":
        wanted = json.loads(body)
        found |= {
            "configurationprofile": f"{found['application']}/configurationprofile/{wanted['ConfigurationProfileId']}",
            "deploymentstrategy": f"deploymentstrategy/{wanted['DeploymentStrategyId']}",
        }
    return [Need(f"appconfig:{action}", _arn("appconfig", found[kind])) for kind in APPCONFIG_RESOURCES[action]]


def _named_in(path: str) -> dict[str, str]:
    """The resources that a path goes through, by kind: `/applications/a/environments/e` names a and a/e."""
    _, _, application, *rest = path.split("/")
    found = {"application": f"application/{application}"}
    reached = found["application"]
    for plural, name in zip(rest[::2], rest[1::2], strict=False):
        kind = _PATH_NAMES[plural]
        reached = found[kind] = f"{reached}/{kind}/{name}"
    return found


def _configuration(session: Mapping[str, Any]) -> str:
    application, environment, profile = (
        session[f"{kind}Identifier"] for kind in ("Application", "Environment", "ConfigurationProfile")
    )
    return _arn("appconfig", f"application/{application}/environment/{environment}/configuration/{profile}")


def _lambda(method: str, path: str, query: Any) -> list[Need]:
    """Reads and moves of an alias, and reads of a version.

    The reference names the function alone; a refusal of a qualified request names the alias or version. Both are asked
    for here, so that policies suffice either way.
    """
    parts, qualifier = [unquote(part) for part in path.split("/") if part], _one(query, "Qualifier")
    if parts[1:2] != ["functions"]:
        return []
    needed: list[Need] = []
    match method, parts[3:]:
        case "GET", ["aliases", name]:
            needed = _qualified("lambda:GetAlias", parts[2], name)
        case "PUT", ["aliases", name]:
            needed = _qualified("lambda:UpdateAlias", parts[2], name)
        case "GET", ["configuration"]:
            needed = _qualified("lambda:GetFunctionConfiguration", parts[2], qualifier)
        case "GET", ["provisioned-concurrency"]:  # the reference: on the alias or version
            needed = _qualified("lambda:GetProvisionedConcurrencyConfig", parts[2], qualifier)[1:]
        case "POST", ["invocations"] if qualifier:  # the reference: on the qualified one
            needed = _qualified("lambda:InvokeFunction", parts[2], qualifier)[1:]
    return needed


def _qualified(action: str, function: str, qualifier: str) -> list[Need]:
    arn = function if function.startswith("arn:") else _arn("lambda", f"function:{function}")
    return [Need(action, arn), *([Need(action, f"{arn}:{qualifier}")] if qualifier else [])]


def _scheduler(method: str, path: str, body: bytes, query: Any) -> list[Need]:
    parts = [unquote(part) for part in path.split("/") if part]
    if parts[:1] != ["schedules"] or method not in {"POST", "DELETE"}:
        return []
    if method == "DELETE":
        group = _one(query, "groupName") or "default"
        return [Need("scheduler:DeleteSchedule", _arn("scheduler", f"schedule/{group}/{parts[1]}"))]
    asked = json.loads(body)
    schedule = f"schedule/{asked.get('GroupName', 'default')}/{parts[1]}"
    passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
    return [
        Need("scheduler:CreateSchedule", _arn("scheduler", schedule)),
        Need("iam:PassRole", asked["Target"]["RoleArn"], passed),
    ]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _one(query: Any, name: str) -> str:
    value = query.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)


def _machines() -> list[str]:
    """Which machine a task token belongs to is not to be had; every machine of the stack is asked for."""
    return sorted(stepfunctions._state_machines)  # noqa: SLF001 - as above


async def dispatch(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
) -> Any:
    """Authorise what MiniStack would not, then let it go on."""
    service = detect_service(method, path, headers, query)
    for need in needs(service, method, path, headers, body, query):
        denied = app._enforce_data_plane(  # noqa: SLF001 - MiniStack's own question, with its own refusal
            service,
            need.action,
            headers,
            query,
            request_id,
            resource_arn=need.resource,
            service_context=dict(need.context),
        )
        if denied:
            return denied
    return await _dispatch_as_shipped(method, path, headers, body, query, request_id)


def extract_iam_action(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> str | None:
    """None, which MiniStack reads as `credentials are enough`, for a request that `dispatch` has authorised."""
    if needs(service, method, path, headers, body, query):
        return None
    action: str | None = _action_as_shipped(service, method, path, headers, body, query)
    return action


class Log:
    """Keeps each answer to a role once, as a line of JSON; answers to the root account are not kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: set[str] = set()

    def keep(self, role: str, need: Need, *, allowed: bool) -> None:
        """Write the answer down, unless it is there already."""
        line = json.dumps(
            {
                "role": role,
                "action": need.action,
                "resource": need.resource,
                "context": dict(need.context),
                "allowed": allowed,
            }
        )
        if line not in self._kept:
            self._kept.add(line)
            with self._path.open("a") as lines:
                lines.write(f"{line}\n")


class Authority:
    """MiniStack's questions, asked as AWS asks them and written down."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        """MiniStack's own check of a request by policies; None is yes."""
        denied = _enforce_as_shipped(access_key_id, iam_action, service, region, resource_arn, service_context)
        principal = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
        if ":assumed-role/" in getattr(principal, "arn", ""):
            context = {key: value for key, value in (service_context or {}).items() if key.startswith("iam:")}
            role = principal.arn.split("/")[1]
            self._log.keep(role, Need(iam_action, resource_arn, context), allowed=denied is None)
        return denied

    def call_lambda(self, function: str, event: Any) -> Any:
        """Invoke a function for a task state, if the machine's role may."""
        function_arn = function if function.startswith("arn:") else _arn("lambda", f"function:{function}")
        for machine in stepfunctions._state_machines.values():  # noqa: SLF001 - as above
            if not self._may_invoke(machine["roleArn"], function_arn):
                raise stepfunctions._ExecutionError(  # noqa: SLF001 - how a task state fails
                    "Lambda.AWSLambdaException", f"{machine['roleArn']} is not authorized to invoke {function_arn}"
                )
        return _call_lambda_as_shipped(function, event)

    def invoke_target(self, target: Mapping[str, Any], event: Any, rule: Any, *view: Any) -> Any:
        """Invoke the target of a rule or schedule; a schedule's own role must be allowed to.

        Rules hand over a view of the event besides, schedules do not.
        """
        role_arn = target.get("RoleArn")
        if role_arn and not self._may_invoke(role_arn, target["Arn"]):
            app.logger.warning("%s is not authorized to invoke %s", role_arn, target["Arn"])
            return None
        return _invoke_target_as_shipped(target, event, rule, *view)

    def _may_invoke(self, role_arn: str, function_arn: str) -> bool:
        role, need = role_arn.rpartition("/")[2], Need("lambda:InvokeFunction", function_arn)
        policies = iam_evaluator._gather_role_policies(role, get_account_id())  # noqa: SLF001 - as MiniStack gathers them
        allowed = is_allowed(policies, role, need)
        self._log.keep(role, need, allowed=allowed)
        return allowed


def install(log: Log) -> None:
    """Put all of it in the emulator's way."""
    authority = Authority(log)
    app._dispatch_service_request = dispatch  # noqa: SLF001 - as above
    iam_actions.extract_iam_action = extract_iam_action
    iam_evaluator.enforce = authority.enforce
    stepfunctions._call_lambda = authority.call_lambda  # noqa: SLF001 - as above
    eventbridge._invoke_target = authority.invoke_target  # noqa: SLF001 - as above


def is_allowed(policies: list[list[Any]], role: str, need: Need) -> bool:
    """Whether these policies (parsed documents) let `role` do it, by MiniStack's own evaluator."""
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/local",
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=need.action,
        resource_arn=need.resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in need.context.items()},
    )
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def from_environment() -> Log:
    """The log where LOCAL_STACK_AUTHORIZATIONS says."""
    return Log(Path(os.environ[AUTHORIZATIONS_VARIABLE]))
