"""The AppConfig document of docs/wire.md, read and written as values; other teams' flags in it are left as they are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ramp.core import flag_attributes
from ramp.core.state import RampState
from ramp.core.units import WHOLE_PPM


@dataclass(frozen=True)
class FlagNames:
    """The two flags that a ramp owns in the document."""

    adapter: str
    shadow: str


@dataclass(frozen=True)
class Setting:
    """Where the flags put traffic; `adapter` and `shadow` are the attributes of each flag, None when it is off."""

    adapter: Mapping[str, Any] | None
    shadow: Mapping[str, Any] | None

    @property
    def share_ppm(self) -> int:
        """Users on the candidate through the flag, in parts per million."""
        return _ppm(self.adapter, "share_ppm")

    @property
    def is_whole(self) -> bool:
        """Every user is on the candidate, whichever version of the function serves."""
        return self.share_ppm == WHOLE_PPM and not (self.adapter or {}).get("candidate_version")

    @property
    def reads_promoted(self) -> bool:
        """As a promotion leaves it: everybody on the candidate, and nothing compared any more."""
        return self.is_whole and self.shadow is None

    @property
    def ramp(self) -> str:
        """The ramp that set the flags, as they say themselves."""
        attributes = self.adapter or self.shadow or {}
        return str(attributes.get("ramp", "unknown"))

    @property
    def sample_ppm(self) -> int:
        """Control's answers that are also sent to the comparator, in parts per million."""
        return _ppm(self.shadow, "sample_ppm")


def _ppm(flag: Mapping[str, Any] | None, attribute: str) -> int:
    """0 for a share that is none: the router takes such a document for no document."""
    value: Any = (flag or {}).get(attribute)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= WHOLE_PPM else 0


OFF = Setting(adapter=None, shadow=None)


def setting_for(state: RampState) -> Setting:
    """The setting of the state's present step."""
    plan, step = state.plan, state.current
    key = {"ramp": state.ramp, "step": state.step, **_slow_limits(state)}
    by_alias = plan.lever == "alias"
    adapter = {
        **key,
        "share_ppm": 0 if by_alias else step.share_ppm,
        "salt": plan.routing.salt or state.ramp,
        "deadline_ms": plan.routing.deadline_ms,
        "fallback": plan.routing.fallback,
    }
    lists = {"allow_users": list(plan.routing.allow_users), "deny_users": list(plan.routing.deny_users)}
    adapter |= {name: users for name, users in lists.items() if users}
    if by_alias:
        adapter["candidate_version"] = plan.candidate_version
    shadow = {**key, "sample_ppm": plan.shadow.sample_ppm, "budget_ms": plan.shadow.budget_ms}
    return Setting(None if step.is_shadow else adapter, shadow if plan.shadow.sample_ppm else None)


def _slow_limits(state: RampState) -> dict[str, float]:
    """From where on a read counts as slow: control's p95, and what the plan allows the candidate on top of it.

    Source: counts over a threshold can be added up and tested, percentiles can not.
    """
    base_ms, gates = state.control_p95_ms, state.plan.gates
    if base_ms is None:
        return {}
    allowed_ms = max(gates.latency_allowance_ms, base_ms * gates.latency_go_percent / 100)
    return {"control_slow_ms": round(base_ms, 3), "candidate_slow_ms": round(base_ms + allowed_ms, 3)}


def promoted_setting(state: RampState) -> Setting:
    """What stays after a promotion: the last step without comparison, and with either lever every user by the flag.

    The alias belongs to code deploys again: a version to come must serve the candidate without being named here.
    """
    adapter = {**(setting_for(state).adapter or {}), "share_ppm": WHOLE_PPM}
    adapter.pop("candidate_version", None)
    return Setting(adapter, None)


def write_setting(document: Mapping[str, Any], names: FlagNames, setting: Setting) -> dict[str, Any]:
    """`document` with the two flags at `setting` and everything else as it was."""
    flags = {name: dict(flag) for name, flag in document.get("flags", {}).items()}
    values = {name: dict(value) for name, value in document.get("values", {}).items()}
    for name, attributes, known in (
        (names.adapter, setting.adapter, flag_attributes.ADAPTER),
        (names.shadow, setting.shadow, flag_attributes.SHADOW),
    ):
        flag = flags.setdefault(name, {"name": name})
        if attributes is None:
            values[name] = {**values.get(name, {}), "enabled": False}
            continue
        flag["attributes"] = {attribute: {"constraints": known[attribute].constraint} for attribute in attributes}
        values[name] = {"enabled": True, **attributes}
    return {**document, "version": document.get("version", "1"), "flags": flags, "values": values}


def read_setting(served: Mapping[str, Any], names: FlagNames) -> Setting:
    """The setting in what AppConfig serves, which leaves out the attributes of a disabled flag.

    Raises:
        ValueError: it serves something else than an object.
    """
    if not isinstance(served, Mapping):
        raise ValueError(f"flag document: is no object, got {type(served).__name__}, expected two flags")  # noqa: TRY004 - as JSON that does not read
    return Setting(_attributes(served.get(names.adapter)), _attributes(served.get(names.shadow)))


def faults_of(document: object, names: FlagNames) -> list[str]:
    """Why routers refuse a document, as AppConfig serves it or as it stores it; without a fault every router reads it.

    A flag that is absent is off.
    """
    served = document["values"] if isinstance(document, Mapping) and {"flags", "values"} <= {*document} else document
    if not isinstance(served, Mapping):
        return [f"document: is no object, got {flag_attributes.told(served)}, expected an object of flags"]
    pairs = ((names.adapter, flag_attributes.ADAPTER), (names.shadow, flag_attributes.SHADOW))
    return [fault for name, known in pairs for fault in flag_attributes.faults_of(name, served.get(name, {}), known)]


def ramps_beside(served: Mapping[str, Any], known: Collection[str]) -> set[str]:
    """The ramps that have set flags other than `known`, by what AppConfig serves of those that are on."""
    others = [_attributes(value) or {} for name, value in served.items() if name not in known]
    return {ramp for attributes in others if isinstance(ramp := attributes.get("ramp"), str)}


def _attributes(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping) or value.get("enabled") is not True:
        return None
    return {name: item for name, item in value.items() if name != "enabled"}
