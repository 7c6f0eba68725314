"""What the tasks work on, bundled: the adapters, the clock, and the names of the two flags."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config

from ramp.adapters.alias_lever import AliasLever
from ramp.adapters.deadline import Deadline
from ramp.adapters.executions import Executions
from ramp.adapters.exemplars import CONFIG as EXEMPLARS_CONFIG
from ramp.adapters.exemplars import Exemplars
from ramp.adapters.flag_lever import FlagLever, FlagLocation
from ramp.adapters.guards import Guards
from ramp.adapters.late import late
from ramp.adapters.metrics import Metrics
from ramp.adapters.monitors import Monitors
from ramp.adapters.notices import Notices
from ramp.adapters.stack import Stack
from ramp.adapters.table import RampTable
from ramp.core.exemplar import Source
from ramp.core.flag_document import FlagNames
from ramp.core.state import RampState
from ramp.settings import Settings
from ramp.traffic import Traffic
from ramp.troubles import Troubles

# One call that hangs must not outlast its task (52 s of 120): what is cut off says less than what gives up.
CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})


@dataclass(frozen=True)
class Route:
    """One more flag that this stack moves, with its shadow flag."""

    flags: FlagNames
    traffic: Traffic


@dataclass(frozen=True)
class World:
    """Everything outside the core; `now` gives epoch seconds, `random_id` ids that nobody guesses."""

    flags: FlagNames
    traffic: Traffic
    metrics: Metrics
    table: RampTable
    notices: Notices
    deadline: Deadline
    executions: Executions
    guards: Guards
    stack: Stack
    exemplars: Exemplars
    now: Callable[[], float]
    link_url: str = ""
    random_id: Callable[[], str] = secrets.token_urlsafe
    others: tuple[Route, ...] = ()
    owns_alias: bool = True  # the alias is the first flag's; ramps on the others move their flag alone
    invocation: str = ""  # Lambda's request id, the same when an event is delivered again

    def listed(self) -> Iterator["World"]:
        """The world of every flag that this stack moves, this one's first."""
        yield self
        for other in self.others:
            yield self._at(other)

    def each(self) -> Iterator["World"]:
        """The same, and last of every flag that one of its ramps has on though it was taken out of the stack since.

        These are found in the document, where what cannot be read of them keeps nobody from the others.
        """
        yield from self.listed()
        left: list[World] = []
        with Troubles():
            left = list(self._left_on())
        yield from left

    def of(self, flag: str) -> "World | None":
        """The world of another flag, None for one that this stack does not move."""
        return next((world for world in self.listed() if world.flags.adapter == flag), None)

    def of_ramp(self, state: RampState) -> "World | None":
        """The world of a ramp that has begun, whatever the stack moves now; None when it does not say its flags."""
        listed = self.of(state.plan.flag)
        if listed is not None or not state.shadow_flag:
            return listed
        names = FlagNames(state.plan.flag, state.shadow_flag)
        return self._at(Route(names, self.traffic.of(names)))

    def _left_on(self) -> Iterator["World"]:
        known = {name for world in self.listed() for name in (world.flags.adapter, world.flags.shadow)}
        for ramp in sorted(self.traffic.ramps_beside(known)):
            found = self.table.ramp(ramp)  # without a record it is another stack's
            world = self.of_ramp(RampState.from_wire(found["document"])) if found else None
            if world is not None and world.flags.adapter not in known:
                yield world

    def _at(self, route: Route) -> "World":
        return replace(self, flags=route.flags, traffic=route.traffic, others=(), owns_alias=False)

    @classmethod
    def on_aws(
        cls,
        settings: Settings,
        session: boto3.Session,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> "World":
        """The adapters on AWS, or on whatever endpoint the session's environment names."""
        make: Callable[..., Any] = session.client

        def client(service: str, config: Config = CONFIG) -> Any:
            return late(lambda: make(service, config=config))

        location = FlagLocation(settings.application, settings.environment, settings.profile, settings.strategy)
        appconfig = client("appconfig")
        appconfigdata = client("appconfigdata")
        names, *others = (FlagNames(adapter, shadow) for adapter, shadow in settings.flags)
        alias = AliasLever(client("lambda"), settings.read_function, settings.read_alias)
        monitors = Monitors(appconfig, location.application, location.environment)

        def traffic(names: FlagNames) -> Traffic:
            return Traffic(FlagLever(appconfig, appconfigdata, location, names, sleep), alias, monitors)

        table = RampTable(session.resource("dynamodb", config=CONFIG).Table(settings.table))
        log_groups = {Source.ROUTER: settings.router_logs, Source.COMPARATOR: settings.comparator_logs}
        return cls(
            flags=names,
            traffic=traffic(names),
            others=tuple(Route(other, traffic(other)) for other in others),
            metrics=Metrics(client("cloudwatch"), settings.alarms),
            table=table,
            notices=Notices(client("sns"), settings.notice_topic),
            deadline=Deadline(
                client("scheduler"),
                settings.deadline_group,
                settings.deadline_role_arn,
                settings.cleanup_function_arn,
            ),
            executions=Executions(client("stepfunctions")),
            guards=Guards(client("cloudwatch"), settings.alarms),
            stack=Stack(
                client("cloudformation"),
                client("codedeploy"),
                settings.stack,
                settings.code_deploy_application,
                settings.code_deploy_group,
                sleep,
            ),
            exemplars=Exemplars(client("logs", EXEMPLARS_CONFIG), log_groups, table, now),
            now=now,
            link_url=settings.link_url,
        )
