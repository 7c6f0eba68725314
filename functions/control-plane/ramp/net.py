"""The brake and the safety net: the two ways to safe traffic that do not wait for the state machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from ramp.core.flag_document import OFF
from ramp.ending import CLEANER, clear, is_nobodys, leave_word, state_of
from ramp.world import World

Json = dict[str, Any]


@dataclass(frozen=True)
class Puller:
    """Who pulls the brake, why, `via` what (docs/wire.md), and when the alarm went off, in epoch seconds."""

    by: str
    reason: str
    via: str
    alarmed_at: float | None = None

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """From an alarm over SNS, or from `{"by", "reason", "via"}`."""
        if "Records" not in event:
            by, reason = event.get("by") or "somebody", event.get("reason") or "no reason given"
            return cls(str(by), str(reason), str(event.get("via") or "cli"))
        alarm = json.loads(event["Records"][0]["Sns"]["Message"])
        changed_at = alarm.get("StateChangeTime")
        return cls(
            f"alarm {alarm['AlarmName']}",
            str(alarm.get("NewStateReason", "no reason given")),
            "alarm",
            datetime.fromisoformat(changed_at).timestamp() if changed_at else None,
        )


def brake(event: Mapping[str, Any], world: World) -> Json:
    """Traffic to zero at once, whatever the state machine is doing, and word for it to roll back.

    `event` is as `Puller` reads it, with an optional `"ramp"` that must be the running one. A ramp that has been
    promoted is not braked: nobody watches its control any more.
    """
    began_at, puller = world.now(), Puller.parse(event)
    lock = world.table.lock(world.flags.adapter)
    if lock is None or event.get("ramp", lock.ramp) != lock.ramp:
        return {"braked": False, "reason": "no such ramp is running"}
    found = world.table.ramp(lock.ramp)
    position = None
    if not _is_promoted(found):
        state = state_of(found)
        try:
            leave_word(world, state, lock.ramp, puller.by, puller.reason)
            found = world.table.ramp(lock.ramp)  # anew: a promotion records itself and then looks for the word
        finally:
            if not _is_promoted(found):
                position = world.traffic.settle(lock.ramp, state.alias_to_restore if state else None)
    if position is None:
        return {"braked": False, "reason": f"{lock.ramp} has been promoted"}
    safe_at = world.now()
    times = {"began_at_ms": round(began_at * 1000), "safe_at_ms": round(safe_at * 1000)}
    if puller.alarmed_at is not None:
        times["alarmed_at_ms"] = round(puller.alarmed_at * 1000)
    word = {"step": state.step if state else 0, "by": puller.by, "reason": puller.reason, "via": puller.via}
    world.table.put_word(lock.ramp, "abort", began_at, **word, **times)
    request = world.table.request(lock.ramp)
    if request and "token" in request:
        world.executions.fail(str(request["token"]), "Aborted", f"{puller.by} aborted the ramp: {puller.reason}")
    since = "the alarm" if puller.alarmed_at else "the word"
    took = f"safe {safe_at - (puller.alarmed_at or began_at):.1f} s after {since}"
    where = f"{position.describe()}; {took}"
    world.notices.tell(f"Ramp {lock.ramp}: brake", f"{puller.by} pulled the brake: {puller.reason}.\n\n{where}.")
    return {"braked": True, "ramp": lock.ramp, "reason": f"{puller.by}: {puller.reason}. {where}."}


def _is_promoted(found: Mapping[str, Any] | None) -> bool:
    return found is not None and found["status"] == "promoted"


def cleanup(event: Mapping[str, Any], world: World) -> Json:
    """Settle what nobody runs any more, and leave alone what runs or was promoted.

    `event` is EventBridge's status change of an execution, its daily schedule, or `{"deadline_of": ramp}`.
    """
    flag = world.flags.adapter
    position, lock = world.traffic.read(), world.table.lock(flag)
    if lock and lock.execution_arn != CLEANER and not is_nobodys(world, lock):
        if event.get("deadline_of") == lock.ramp:
            pull = {"by": "the deadline", "reason": "the ramp's time is over", "via": "deadline", "ramp": lock.ramp}
            return brake(pull, world)
        return {"outcome": "left", "reason": f"{lock.ramp} is running"}
    if lock is None and position.setting == OFF:
        return {"outcome": "left", "reason": "nothing is on and nothing is locked"}
    done = clear(world, flag, lock, lock.ramp if lock else position.ramp)
    if done is None:
        return {"outcome": "left", "reason": "another ramp has taken the lock"}
    return {"outcome": "left" if "was promoted" in done else "settled", "reason": done}
