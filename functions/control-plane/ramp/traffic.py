"""Traffic: both levers as one. The one piece of code that shifts and settles, for every task that does either."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ramp.adapters.alias_lever import AliasLever, AliasPosition
from ramp.adapters.flag_lever import OURS, Deployment, FlagLever, nothing
from ramp.adapters.monitors import Monitors
from ramp.core.flag_document import OFF, FlagNames, Setting, promoted_setting, setting_for
from ramp.core.plan import format_percent
from ramp.core.state import RampState, WayBack
from ramp.core.units import WHOLE_PPM
from ramp.errors import TrafficNotShifted
from ramp.troubles import Troubles

SETTLE_ATTEMPTS = 4  # a lost race with another settling or shifting takes one; the task's retries come on top


UNREAD = AliasPosition("", {}, "")  # the alias of a ramp that does not move it


@dataclass(frozen=True)
class Position:
    """Where users are, as read back from the levers."""

    setting: Setting
    alias: AliasPosition

    @property
    def share_ppm(self) -> int:
        """Traffic on the candidate, in parts per million: users by the flag, or requests by the alias."""
        candidate = (self.setting.adapter or {}).get("candidate_version")
        if not candidate:
            return self.setting.share_ppm
        return WHOLE_PPM if candidate == self.alias.version else self.alias.weights.get(candidate, 0)

    @property
    def ramp(self) -> str:
        """The ramp that set the flags, as they say themselves."""
        return self.setting.ramp

    def describe(self) -> str:
        """In words, for people."""
        flag = "off" if self.setting == OFF else "on"
        alias = f"whole on version {self.alias.version}" if self.alias.is_whole else f"split: {self.alias.weights}"
        share = format_percent(self.share_ppm)
        told = f"Traffic to the candidate reads back at {share}: the flag is {flag}"
        return told if self.alias == UNREAD else f"{told}, the alias is {alias}"


class Traffic:
    """Moves users between control and candidate; every move is idempotent and verified by reading back."""

    def __init__(self, flag: FlagLever, alias: AliasLever, monitors: Monitors) -> None:
        self._flag = flag
        self._alias = alias
        self._monitors = monitors

    def of(self, names: FlagNames) -> "Traffic":
        """Traffic by two other flags of the same document; the alias is the same."""
        return Traffic(self._flag.of(names), self._alias, self._monitors)

    def ramps_beside(self, known: Collection[str]) -> set[str]:
        """The ramps that have flags on which are not `known`."""
        return self._flag.ramps_beside(known)

    def read(self) -> Position:
        """Where users are now."""
        return Position(self._flag.read(), self._alias.read())

    def setting(self) -> Setting:
        """Where the flags put users, which needs AppConfig alone."""
        return self._flag.read()

    def alias(self) -> AliasPosition:
        """Where the alias points."""
        return self._alias.read()

    def in_flight(self) -> Deployment | None:
        """The AppConfig deployment that has not ended."""
        return self._flag.in_flight()

    def stop(self, number: int) -> bool:
        """Stop this AppConfig deployment, if it still is in flight; the version before it is served then."""
        return self._flag.stop(number)

    def is_left_unmonitored(self) -> bool:
        """Whether AppConfig watches no alarm any more because somebody who settled has died."""
        return self._monitors.are_left_off()

    def monitor(self) -> None:
        """Let AppConfig watch again what it watched."""
        self._monitors.put_back()

    def has_version(self, version: str) -> bool:
        """Whether the read function has this published version."""
        return self._alias.has_version(version)

    def provisioned(self) -> int:
        """Provisioned concurrency that is asked for on the alias, 0 for none."""
        return self._alias.provisioned()

    def shift(self, state: RampState, fence: Callable[[], None]) -> None:
        """Set the state's present step. The flag first: it names the ramp and step that the metrics are keyed by.

        `fence` raises when traffic may not be moved; it is called just before, see `FlagLever.put`.
        """
        self._flag.put(setting_for(state), description(state.ramp), fence)
        if state.plan.lever == "alias":
            self._weigh(state, fence)

    def settle(self, ramp: str, back: WayBack | None, fence: Callable[[], None] = nothing) -> Position:
        """Everybody back on control: stop a deployment in flight, flag off, alias back, each although the other fails.

        `back` is None for a ramp that never touched the alias, and `fence` as in `shift`. Returns what reads back.
        Whoever comes in between, a shift of another ramp or another settling, is met by trying again.

        Raises:
            TrafficNotShifted: it does not read back settled yet; settling again is right.
        """
        for left in reversed(range(SETTLE_ATTEMPTS)):
            try:
                self._settle(ramp, back, fence)
                break
            except TrafficNotShifted:
                if not left:
                    raise
        return Position(self._flag.read(), self._alias.read() if back else UNREAD)

    def _settle(self, ramp: str, back: WayBack | None, fence: Callable[[], None]) -> None:
        troubles = Troubles()
        with troubles:
            self._flag.stop()
            with self._monitors.off():
                self._flag.put(OFF, description(ramp), fence)
        if back is not None:
            with troubles:
                self._alias.restore(back, fence)
        if passing := [error for error in troubles.errors if isinstance(error, TrafficNotShifted)]:
            raise passing[0]  # trying again may help this one, whatever befell the other
        troubles.raised()

    def join(self, back: WayBack, fence: Callable[[], None]) -> Position:
        """All requests to one version of the alias, and the flags as they are; `fence` as in `shift`."""
        self._alias.restore(back, fence)
        return self.read()

    def promote(self, state: RampState, fence: Callable[[], None]) -> Position:
        """Everybody on the candidate and no more comparison; `fence` as in `shift`. Returns what reads back."""
        self._flag.put(promoted_setting(state), description(state.ramp), fence)
        if state.plan.lever == "alias":
            self._weigh(state, fence)
        return self.read()

    def prune(self, ramp: str) -> int:
        """Delete the flag versions that are superseded, see `FlagLever.prune`; returns how many."""
        return self._flag.prune(description(ramp))

    def _weigh(self, state: RampState, fence: Callable[[], None]) -> None:
        share_ppm, candidate = state.current.share_ppm, state.plan.candidate_version
        if share_ppm == WHOLE_PPM:
            self._alias.put(candidate, {}, fence)
        else:
            self._alias.put(state.alias_version, {candidate: share_ppm} if share_ppm else {}, fence)


def description(ramp: str) -> str:
    """What flag versions and deployments of a ramp are marked with."""
    return f"{OURS}{ramp}"
