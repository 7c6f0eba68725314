"""What `ramp preflight` and `ramp verify` look at: each look says what it found, or raises UnsoundError."""

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from ramp.adapters.functions import FunctionFailed, call
from ramp.core import flag_document
from ramp.core.flag_document import FlagNames

from rampctl.comparing import SCHEMA
from rampctl.inspection import UnsoundError
from rampctl.session import Session

CANDIDATE_GROUP_PREFIX = "/aws/lambda/"
KNOWN_USER = "user-1"
LOG_SECONDS, POLL_SECONDS = 8.0, 0.5
NOT_MIGRATED = frozenset({"42P01", "42703", "3F000"})  # Source: PostgreSQL, Appendix A: undefined table, column, schema
SECRET_FIELDS = ("host", "port", "database", "username", "password")
SERVED, SERVER_ERROR = 200, 500
# What an unchanged `sam deploy` does not do: it compares templates, and sees nothing of what was changed by hand.
PUT_BACK = (
    "aws cloudformation create-change-set --stack-name huntaze-prisma-skeleton --change-set-name put-back "
    "--use-previous-template --deployment-mode REVERT_DRIFT --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
)
DETECT = "aws cloudformation detect-stack-drift --stack-name huntaze-prisma-skeleton"
COMPARE = "ramp compare"
MENDS = (PUT_BACK, DETECT, COMPARE)
USER_FIELDS = {"id", "email", "name", "plan", "createdAt"}
PUBLISHED = ("Layers", "Timeout", "MemorySize", "TracingConfig", "Runtime", "Handler")


def environment_of(session: Session, function: str) -> Mapping[str, str]:
    """A function's variables."""
    found = session.functions.get_function_configuration(FunctionName=function)
    return found.get("Environment", {}).get("Variables", {})


def read_functions(session: Session) -> tuple[str, str, str]:
    """Router, candidate, comparator, by name."""
    router = session.settings.read_function
    variables = environment_of(session, router)
    return router, variables["CANDIDATE_FUNCTION"], variables["SHADOW_FUNCTION"]


def secret(session: Session) -> str:
    """Present, and a connection can be made of it; its values are never told."""
    _, candidate, _ = read_functions(session)
    name = environment_of(session, candidate)["DATABASE_SECRET"]
    client = session.client("secretsmanager")
    try:
        text = client.get_secret_value(SecretId=name).get("SecretString", "")
    except client.exceptions.ResourceNotFoundException:
        raise UnsoundError(f"no secret {name}") from None
    try:
        document = json.loads(text)
    except ValueError:
        raise UnsoundError(f"{name} is no JSON") from None
    if not isinstance(document, dict):
        raise UnsoundError(f"{name} is no JSON object")
    if document.get("DATABASE_URL"):
        return f"{name} has DATABASE_URL"
    missing = [field for field in SECRET_FIELDS if not document.get(field)]
    if missing:
        raise UnsoundError(f"{name} has no DATABASE_URL, and lacks {', '.join(missing)}")
    return f"{name} has {', '.join(SECRET_FIELDS)}"


def functions(session: Session) -> str:
    """Every function of the stack is ready to be invoked: the read path's, and those that move and watch traffic."""
    listing = session.client("cloudformation").get_paginator("list_stack_resources")
    pages = listing.paginate(StackName=session.settings.stack)
    resources = (resource for page in pages for resource in page["StackResourceSummaries"])
    names = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Lambda::Function"]
    unready = []
    for name in names:
        found = session.functions.get_function_configuration(FunctionName=name)
        state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        if (state, update) != ("Active", "Successful"):
            unready.append(f"{name} is {state}, its last update {update}")
    if unready:
        raise UnsoundError("; ".join(unready))
    return f"all {len(names)} are active"


def alias(session: Session) -> str:
    """Whole, on a published version with the settings that were deployed last."""
    settings = session.settings
    position = session.levers.read().alias
    name = f"{settings.read_function}:{settings.read_alias}"
    if not position.is_whole:
        shares = ", ".join(f"{ppm / 10_000:g} % on {version}" for version, ppm in position.weights.items())
        raise UnsoundError(f"{name} is split: {shares}, the rest on {position.version}")
    if not position.version.isdecimal():
        raise UnsoundError(f"{name} is on {position.version}, which is no published version")
    _assert_deployed(session, name, position.version)
    return f"{name} is whole on version {position.version}"


def _assert_deployed(session: Session, name: str, version: str) -> None:
    """A version keeps the settings that it was published with, whatever becomes of the function's.

    Settings of a version published later are fine: it waits for a ramp that moves the alias.
    """
    function = session.settings.read_function
    pages = session.functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions: dict[str, Mapping[str, Any]] = {each["Version"]: each for page in pages for each in page["Versions"]}
    newest = max(filter(str.isdecimal, versions), key=int, default=version)
    if not _differing(versions["$LATEST"], versions[newest]):
        return
    if differing := _differing(versions["$LATEST"], versions[version]):
        raise UnsoundError(
            f"{name} is on version {version}, and what was deployed since reaches no user: {', '.join(differing)}; "
            f"publish it (aws lambda publish-version --function-name {function}), and put the alias on that version"
        )


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The settings that differ; variables by their names."""
    names = [name for name in PUBLISHED if one.get(name) != other.get(name)]
    here, there = (each.get("Environment", {}).get("Variables", {}) for each in (one, other))
    return names + sorted(name for name in {*here, *there} if here.get(name) != there.get(name))


def appconfig(session: Session) -> str:
    """Application, environment and profile are there, and the environment is ready."""
    settings, client = session.settings, session.client("appconfig")
    where = {"ApplicationId": settings.application}
    application = client.get_application(**where)["Name"]
    environment = client.get_environment(**where, EnvironmentId=settings.environment)
    profile = client.get_configuration_profile(**where, ConfigurationProfileId=settings.profile)["Name"]
    monitors = len(environment.get("Monitors") or [])
    if environment.get("State") == "ROLLED_BACK":
        raise UnsoundError(f"{application}/{environment['Name']} has rolled its last deployment back")
    return f"{application}/{environment['Name']}/{profile}, {monitors} monitors"


def served_document(session: Session) -> dict[str, Any]:
    """What AppConfig serves, as the router gets it."""
    settings, client = session.settings, session.client("appconfigdata")
    token = client.start_configuration_session(
        ApplicationIdentifier=settings.application,
        EnvironmentIdentifier=settings.environment,
        ConfigurationProfileIdentifier=settings.profile,
    )["InitialConfigurationToken"]
    content = client.get_latest_configuration(ConfigurationToken=token)["Configuration"].read()
    try:
        document = json.loads(content)
    except ValueError:
        raise UnsoundError("the flag document is no JSON") from None
    if not isinstance(document, dict):
        raise UnsoundError("the flag document is no JSON object")
    return document


def flag(session: Session) -> str:
    """No router refuses the document, whichever of the stack's flags it goes by."""
    document, pairs = served_document(session), [FlagNames(*pair) for pair in session.settings.flags]
    if faults := [fault for names in pairs for fault in flag_document.faults_of(document, names)]:
        raise UnsoundError("; ".join(faults))
    settings = [(names, flag_document.read_setting(document, names)) for names in pairs]
    flags = [each for names, at in settings for each in ((names.adapter, at.adapter), (names.shadow, at.shadow))]
    return ", ".join(f"{name} is {'off' if attributes is None else 'on'}" for name, attributes in flags)


def flag_off(session: Session) -> str:
    """A deployment moves nobody, on any route."""
    document, pairs = served_document(session), [FlagNames(*pair) for pair in session.settings.flags]
    left = [names.adapter for names in pairs if flag_document.read_setting(document, names).adapter is not None]
    if left:
        raise UnsoundError(", ".join(f"{name} is on" for name in left))
    return ", ".join(f"{names.adapter} is off" for names in pairs)


def guards(session: Session) -> str:
    """There, not red, armed, and as the template has them."""
    bad: list[str] = []
    waiting: list[str] = []
    for guard in session.world.guards.read(time.time()):
        if guard.state == "INSUFFICIENT_DATA":
            waiting.append(guard.name)
        elif guard.state != "OK":
            bad.append(f"{guard.name} is {guard.state}")
        if guard.state not in {"ALARM", "MISSING"} and not guard.acts:
            bad.append(f"{guard.name} pulls no brake: its actions are off or none")
    drift = session.world.stack.drift()
    if drift.found:
        bad.append(f"not as deployed: {', '.join(f'{guard} {how}' for guard, how in drift.found.items())}")
    if drift.unknown:
        bad.append(f"whether they are as deployed cannot be told: {drift.unknown}")
    if bad:
        raise UnsoundError("; ".join(bad), _put_back(session) if drift.found else DETECT if drift.unknown else "")
    healthy = [name for name in session.settings.alarms if name not in waiting]
    states = [f"{', '.join(names)} {state}" for names, state in ((healthy, "OK"), (waiting, "without data")) if names]
    return f"{'; '.join(states)}; armed, and as deployed"


def _put_back(session: Session) -> str:
    """With every parameter of the stack: one that is not named goes to its default."""
    stacks = session.client("cloudformation").describe_stacks(StackName=session.settings.stack)["Stacks"]
    names = [parameter["ParameterKey"] for parameter in stacks[0].get("Parameters", ())]
    kept = "".join(f" ParameterKey={name},UsePreviousValue=true" for name in names)
    return f"{PUT_BACK} --parameters{kept}" if names else PUT_BACK


def guards_report(session: Session) -> str:
    """Their metrics report under the very dimensions that they watch."""
    now = time.time()
    requests = session.world.metrics.history(now).requests
    silent = {guard.name: guard.silent for guard in session.world.guards.read(now) if guard.silent}
    if silent and requests:
        told = "; ".join(f"{name} hears nothing of {' and '.join(metrics)}" for name, metrics in silent.items())
        raise UnsoundError(f"{told}, in a day with {requests:,} requests")
    if silent:
        return "nobody has read for a day, so nothing reports; look again with traffic"
    return f"what they watch reports, {requests:,} requests in a day"


def dashboard(session: Session) -> str:
    """There, with widgets."""
    name = "huntaze-prisma-migration"
    client = session.client("cloudwatch")
    try:
        body = json.loads(client.get_dashboard(DashboardName=name)["DashboardBody"])
    except ClientError as error:
        raise UnsoundError(f"no dashboard {name}: {error.response['Error']['Code']}") from None
    return f"{name} has {len(body['widgets'])} widgets"


def tracing(session: Session) -> str:
    """On for every function of the read path."""
    names = read_functions(session)
    off = [
        name
        for name in names
        if session.functions.get_function_configuration(FunctionName=name).get("TracingConfig", {}).get("Mode")
        != "Active"
    ]
    if off:
        raise UnsoundError(f"tracing is off for {', '.join(off)}")
    return f"active for {', '.join(names)}"


def invoke(session: Session, function: str, qualifier: str | None, user: str) -> tuple[int, Any]:
    """Read one user: status, and the body decoded. Raises UnsoundError for what is no answer."""
    payload = _payload(session, f"{function}:{qualifier}" if qualifier else function, {"userId": user})
    try:
        return int(payload["statusCode"]), json.loads(payload["body"])
    except (KeyError, TypeError, ValueError):
        raise UnsoundError(f"{function} gives no proxy answer") from None


def _payload(session: Session, function: str, event: Mapping[str, Any]) -> Any:
    try:
        return call(session.functions, function, event)
    except FunctionFailed as failed:
        raise UnsoundError(f"{function} fails: {failed.kind}") from None


def control(session: Session) -> str:
    """What users read through the alias is there and well-formed."""
    settings = session.settings
    status, body = invoke(session, settings.read_function, settings.read_alias, KNOWN_USER)
    if status != SERVED:
        raise UnsoundError(f"{settings.read_function}:{settings.read_alias} answers {status} for {KNOWN_USER}")
    return f"{settings.read_function}:{settings.read_alias} answers {status} for {body.get('id')}"


def control_data(session: Session) -> str:
    """Every user of control has every field, as text."""
    settings = session.settings
    for number in (1, 25, 50):
        _, body = invoke(session, settings.read_function, settings.read_alias, f"user-{number}")
        if set(body) != USER_FIELDS or not all(isinstance(value, str) and value for value in body.values()):
            raise UnsoundError(f"user-{number} has the fields {', '.join(sorted(body))}")
    return f"users 1, 25 and 50 have {', '.join(sorted(USER_FIELDS))}"


def candidate(session: Session) -> str:
    """The database is reachable, has the schema that the candidate reads, and users whom control has too."""
    _, name, _ = read_functions(session)
    began_ms = int(time.time() * 1000) - 1000
    status, _ = invoke(session, name, None, KNOWN_USER)
    if status >= SERVER_ERROR:
        raise UnsoundError(f"{name} answers {status}: {_why(session, name, began_ms)}")
    census = _payload(session, name, {"census": True})
    users, schema = census.get("users"), census.get("schema")
    if schema != SCHEMA:
        raise UnsoundError(f"the database has the schema {schema}, expected {SCHEMA}")
    if status != SERVED:
        raise UnsoundError(f"{name} answers {status} for {KNOWN_USER}, whom control has; it has {users} users", COMPARE)
    return f"{name} answers {status} for {KNOWN_USER}; {users} users, schema {schema}"


def _why(session: Session, function: str, since_ms: int) -> str:
    """What the candidate logged; its answer tells nothing on purpose."""
    logs, until = session.client("logs"), time.monotonic() + LOG_SECONDS
    while time.monotonic() < until:
        for event in logs.filter_log_events(
            logGroupName=f"{CANDIDATE_GROUP_PREFIX}{function}", startTime=since_ms, filterPattern='"PRISMA-ERROR"'
        )["events"]:
            line = json.loads(event["message"])
            state = line.get("sqlstate")
            if state in NOT_MIGRATED:
                return f"the database is not migrated ({line.get('failure')}, SQLSTATE {state})"
            return f"the database cannot be read ({line.get('failure')}, SQLSTATE {state or 'none'})"
        time.sleep(POLL_SECONDS)
    return "its log does not say why yet"
