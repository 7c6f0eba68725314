"""The alias lever: percent of requests, by the weights of a Lambda alias between two published versions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ramp.adapters.flag_lever import nothing
from ramp.core.plan import format_percent
from ramp.core.state import WayBack
from ramp.core.units import WHOLE_PPM
from ramp.errors import TrafficNotShifted

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

logger = Logger(child=True, level="INFO")  # a saved query reads the changes, whatever LogLevel says


@dataclass(frozen=True)
class AliasPosition:
    """Where an alias points; `weights` maps further versions to parts per million."""

    version: str
    weights: dict[str, int]
    revision_id: str

    @property
    def is_whole(self) -> bool:
        """All requests go to one version."""
        return not self.weights


class AliasLever:
    """Reads and moves one alias of one function."""

    def __init__(self, lambda_client: "LambdaClient", function: str, alias: str) -> None:
        self._lambda = lambda_client
        self._function = function
        self._alias = alias

    def read(self) -> AliasPosition:
        """Where the alias points now.

        Raises:
            TrafficNotShifted: the answer names no version or no revision.
        """
        alias = self._lambda.get_alias(FunctionName=self._function, Name=self._alias)
        if not (alias.get("FunctionVersion") and alias.get("RevisionId")):
            raise TrafficNotShifted("the alias does not read: got no FunctionVersion or RevisionId, expected both")
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return AliasPosition(
            alias["FunctionVersion"],
            {version: round(weight * WHOLE_PPM) for version, weight in weights.items()},
            alias["RevisionId"],
        )

    def has_version(self, version: str) -> bool:
        """Whether `version` is published."""
        try:
            self._lambda.get_function_configuration(FunctionName=self._function, Qualifier=version)
        except self._lambda.exceptions.ResourceNotFoundException:
            return False
        return True

    def provisioned(self) -> int:
        """Provisioned concurrency that is asked for on the alias, 0 for none."""
        try:
            found = self._lambda.get_provisioned_concurrency_config(FunctionName=self._function, Qualifier=self._alias)
        except self._lambda.exceptions.ProvisionedConcurrencyConfigNotFoundException:
            return 0
        return found["RequestedProvisionedConcurrentExecutions"]

    def put(self, version: str, weights: dict[str, int], fence: Callable[[], None] = nothing) -> None:
        """Point the alias at `version` with `weights` beside it, and read it back.

        `fence` raises when it may not be moved; it is called once the revision is read, so that a move made since then
        is a conflict.

        Raises:
            TrafficNotShifted: the alias changed in between, or does not read back; try again.
        """
        before = self.read()
        if (before.version, before.weights) == (version, weights):
            return
        fence()
        self._move(before, version, weights)

    def restore(self, back: WayBack, fence: Callable[[], None] = nothing) -> None:
        """Point the alias at the version before the ramp alone, and read it back; left where the ramp is not on it.

        `fence` as in `put`.

        Raises:
            TrafficNotShifted: as `put`.
        """
        before = self.read()
        is_ours = not back.candidate or back.candidate in {before.version, *before.weights}
        if is_ours and (before.version, before.weights) != (back.version, {}):
            fence()
            self._move(before, back.version, {})

    def _move(self, before: AliasPosition, version: str, weights: dict[str, int]) -> None:
        try:
            self._lambda.update_alias(
                FunctionName=self._function,
                Name=self._alias,
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": {v: ppm / WHOLE_PPM for v, ppm in weights.items()}},
                RevisionId=before.revision_id,
            )
        except self._lambda.exceptions.PreconditionFailedException as changed:
            raise TrafficNotShifted("the alias changed while it was being moved") from changed
        except self._lambda.exceptions.ResourceConflictException as busy:
            raise TrafficNotShifted("another change of the function is in progress") from busy
        after = self.read()
        if (after.version, after.weights) != (version, weights):
            raise TrafficNotShifted(f"the alias does not read back: got {after}, expected {version} with {weights}")
        logger.info("alias changed", extra={"users_before": told(before), "users_after": told(after)})


def told(position: AliasPosition) -> str:
    """Where requests go, as the saved query huntaze/flag-changes tells it: `10 % to version 4, the rest to 3`."""
    shares = [f"{format_percent(ppm)} to version {version}" for version, ppm in sorted(position.weights.items())]
    return ", ".join([*shares, f"the rest to {position.version}"]) if shares else f"all to version {position.version}"
