"""The brake and the safety net: the two ways to safe traffic that do not wait for the state machine."""

import json
from collections.abc import Mapping
from typing import Any

from ramp.core.flag_document import OFF
from ramp.core.state import RampState
from ramp.ledger import let_go, record
from ramp.traffic import Position
from ramp.world import World

Json = dict[str, Any]


def brake(event: Mapping[str, Any], world: World) -> Json:
    """Traffic to zero at once, whatever the state machine is doing, and word for it to roll back.

    `event` is an alarm over SNS, or `{"by", "reason"}` with an optional `"ramp"` that must be the running one. A ramp
    that has been promoted is not braked: nobody watches its control any more.
    """
    by, reason = _who_brakes(event)
    lock = world.table.lock(world.flags.adapter)
    if lock is None or event.get("ramp", lock.ramp) != lock.ramp:
        return {"braked": False, "reason": "no such ramp is running"}
    found = world.table.ramp(lock.ramp) or {}
    if found.get("status") == "promoted":
        return {"braked": False, "reason": f"{lock.ramp} has been promoted"}
    try:
        # Before traffic, so that a shift going on right now sees it when it is done, and undoes itself.
        world.table.put_command(lock.ramp, "abort", by, reason, world.now())
    finally:
        position = world.traffic.settle(lock.ramp, _alias_to_restore(found))
    request = world.table.request(lock.ramp)
    if request and "token" in request:
        world.executions.fail(request["token"], "Aborted", f"{by} aborted the ramp: {reason}")
    world.notices.tell(f"Ramp {lock.ramp}: brake", f"{by} pulled the brake: {reason}.\n\n{position.describe()}.")
    return {"braked": True, "ramp": lock.ramp, "reason": f"{by}: {reason}. {position.describe()}."}


def cleanup(event: Mapping[str, Any], world: World) -> Json:
    """Settle what nobody runs any more, and leave alone what runs or was promoted.

    `event` is EventBridge's status change of an execution, its daily schedule, or `{"deadline_of": ramp}`.
    """
    flag = world.flags.adapter
    lock, position = world.table.lock(flag), world.traffic.read()
    if lock and world.executions.is_running(lock.execution_arn):
        if event.get("deadline_of") == lock.ramp:
            return brake({"by": "the deadline", "reason": "the ramp's time is over", "ramp": lock.ramp}, world)
        return {"outcome": "left", "reason": f"{lock.ramp} is running"}
    if lock is None and position.setting == OFF:
        return {"outcome": "left", "reason": "nothing is on and nothing is locked"}
    ramp = lock.ramp if lock else position.ramp
    found = world.table.ramp(ramp) or {}
    if _was_promoted(found, position):
        let_go(world, ramp, flag)
        return {"outcome": "left", "reason": f"{ramp} was promoted; what it left behind is removed"}
    position = world.traffic.settle(ramp, _alias_to_restore(found))
    reason = f"{ramp} had ended without settling; {position.describe()}"
    if found:
        record(world, RampState.from_wire(found["document"]), "rolled_back", reason)
    let_go(world, ramp, flag)
    world.notices.tell(f"Ramp {ramp} settled by huntaze-cleanup", f"{reason}.")
    return {"outcome": "settled", "reason": reason}


def _was_promoted(found: Mapping[str, Any], position: Position) -> bool:
    """By its record; a record that has expired leaves only what users see: everybody on the candidate."""
    return found["status"] == "promoted" if found else position.is_promoted


def _alias_to_restore(found: Mapping[str, Any]) -> str | None:
    return RampState.from_wire(found["document"]).alias_to_restore if found else None


def _who_brakes(event: Mapping[str, Any]) -> tuple[str, str]:
    """Who pulled the brake and why: an alarm over SNS, or a person."""
    if "Records" in event:
        alarm = json.loads(event["Records"][0]["Sns"]["Message"])
        return f"alarm {alarm['AlarmName']}", str(alarm.get("NewStateReason", "no reason given"))
    return str(event.get("by") or "somebody"), str(event.get("reason") or "no reason given")
