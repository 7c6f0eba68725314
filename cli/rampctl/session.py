"""What commands talk to: AWS as the environment says, or the local stack.

Ids and names of the deployed product come from the environment of its own brake function, so that a stack whose
template was adapted needs no settings here.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from local_stack import stack, state, traces
from local_stack.ports import LOOPBACK
from local_stack.traffic import Traffic
from ramp.adapters.comparisons import Comparisons
from ramp.adapters.executions import Executions
from ramp.adapters.log_lines import search
from ramp.adapters.metrics import Metrics
from ramp.adapters.table import RampTable
from ramp.caller import said_by
from ramp.settings import Settings
from ramp.traffic import Traffic as Levers
from ramp.world import World

from rampctl import repository
from rampctl.alias_traffic import AliasTraffic
from rampctl.exits import CommandError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_stepfunctions import SFNClient

# Source: requirements §1, names that operators already type.
REGION = "us-east-1"
STATE_MACHINE = "huntaze-ramp"
BRAKE = "huntaze-ramp-brake"
CLEANUP = "huntaze-cleanup"

USERS_AT_ONCE = 64
BRAKE_SECONDS = 120  # its Timeout in template.yaml
CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


class Session:
    """Clients and adapters, each made when it is first used."""

    def __init__(self, boto: boto3.Session, segments: Path | None = None) -> None:
        self._boto = boto
        self.segments = segments  # where the local stack keeps X-Ray's segments, None on AWS

    @classmethod
    def open(cls, *, local: bool) -> Self:
        """The local stack of this checkout, or whatever the environment names. Raises CommandError."""
        if not local:
            region = boto3.Session().region_name or REGION
            return cls(boto3.Session(region_name=region))
        checkout = repository.find(Path.cwd())
        running = stack.status(checkout).stack
        if running is None:
            raise CommandError("local stack: is not up; start it with: ramp local up")
        return cls.of_stack(running, checkout / state.FOLDER / traces.FILE_NAME)

    @classmethod
    def of_stack(cls, running: stack.Stack, segments: Path | None = None) -> Self:
        """A session with a local stack, whatever the user's own AWS_* variables say."""
        core = botocore.session.Session()
        core.get_component("config_store").set_config_variable("endpoint_url", running.endpoint_url)
        environment = running.environment
        return cls(
            boto3.Session(
                botocore_session=core,
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                region_name=environment["AWS_DEFAULT_REGION"],
            ),
            segments,
        )

    def client(self, service: str) -> Any:
        """A client of any service of AWS, for what no adapter asks."""
        return self._boto.client(service, config=CONFIG)  # type: ignore[call-overload]  # by name, so Any comes back

    @property
    def is_local(self) -> bool:
        """Whether commands go to an emulator on this machine."""
        return urlsplit(self.functions.meta.endpoint_url).hostname == LOOPBACK

    @property
    def region(self) -> str:
        """The region that commands go to."""
        return self._boto.region_name or REGION

    @cached_property
    def functions(self) -> "LambdaClient":
        """A Lambda client that waits for the longest function there is to call, the brake."""
        return self._boto.client("lambda", config=CONFIG.merge(Config(read_timeout=BRAKE_SECONDS + 10)))

    @cached_property
    def states(self) -> "SFNClient":
        """A Step Functions client."""
        return self._boto.client("stepfunctions", config=CONFIG)

    @cached_property
    def settings(self) -> Settings:
        """Ids and names of the deployed product. Raises CommandError when it is not deployed here."""
        try:
            found = self.functions.get_function_configuration(FunctionName=BRAKE)
        except self.functions.exceptions.ResourceNotFoundException:
            raise self._missing("function", BRAKE) from None
        return Settings.from_environment(found["Environment"]["Variables"])

    @cached_property
    def state_machine_arn(self) -> str:
        """The state machine's ARN, found by its name. Raises CommandError when it is not deployed here."""
        for page in self.states.get_paginator("list_state_machines").paginate():
            for machine in page["stateMachines"]:
                if machine["name"] == STATE_MACHINE:
                    return machine["stateMachineArn"]
        raise self._missing("state machine", STATE_MACHINE)

    def said_by(self, name: str | None) -> str:
        """Who says a word: see `ramp.caller`."""
        return said_by(name, self.caller_arn)

    @cached_property
    def caller_arn(self) -> str:
        """Whose credentials these are."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    @property
    def table(self) -> RampTable:
        """The ramp table."""
        return self.world.table

    @cached_property
    def metrics(self) -> Metrics:
        """What CloudWatch counted, also for those who may read nothing else of the stack."""
        return Metrics(self._boto.client("cloudwatch", config=CONFIG), ())

    @cached_property
    def comparisons(self) -> Comparisons:
        """The comparator's log."""
        return Comparisons(self._boto.client("logs", config=CONFIG), self.settings.comparator_logs)

    def router_lines(self, words: tuple[str, ...], since: float) -> tuple[list[str], bool]:
        """The router's log lines with all of `words` since `since` (epoch seconds), and whether these are all."""
        return search(self.client("logs"), self.settings.router_logs, words, since)

    @property
    def executions(self) -> Executions:
        """Task tokens."""
        return self.world.executions

    @property
    def levers(self) -> Levers:
        """Both levers as one."""
        return self.world.traffic

    @cached_property
    def world(self) -> World:
        """What the ramp's own tasks see."""
        return World.on_aws(self.settings, self._boto)

    def user_traffic(self, rate_per_second: float, users: int, max_seconds: float) -> Traffic:
        """Reads as users make them, through the alias; not started yet."""
        function, alias = self.settings.read_function, self.settings.read_alias
        endpoint_url = self.functions.meta.endpoint_url
        if self.is_local:
            return Traffic(endpoint_url, rate_per_second, users, max_seconds, function, alias)
        # No retries: what fails here has failed for a user.
        single = Config(retries={"total_max_attempts": 1}, max_pool_connections=USERS_AT_ONCE)
        functions = self._boto.client("lambda", config=CONFIG.merge(single))
        return AliasTraffic(functions, rate_per_second, users, max_seconds, function, alias)

    def _missing(self, kind: str, name: str) -> CommandError:
        return CommandError(
            f"{kind} {name}: is not there, got none in {self.region}, expected a deployed stack; "
            "deploy it, name its region in AWS_DEFAULT_REGION, or use --local"
        )
