"""What every task that ends or moves a ramp writes down: the ramp's record, its place in the flag's list, the lease."""

from typing import Any

from ramp.adapters.table import Lock
from ramp.core.state import RampState
from ramp.core.units import WHOLE_PPM
from ramp.errors import TrafficMoved
from ramp.world import World

SETTLED_PPM = {"rolled_back": 0, "promoted": WHOLE_PPM, "undone": 0}
LEASE_SECONDS = 3_600  # renewed at every look, and looks are fifteen minutes apart at most


def record(world: World, state: RampState, status: str, reason: str) -> None:
    """Write the ramp's own record and its entry in the list: `status` as in docs/wire.md, `reason` for people.

    Raises:
        TrafficMoved: the ramp has ended already, so it neither runs nor is promoted.
    """
    now = world.now()
    entry: dict[str, Any] = {
        "step": state.step,
        "share_ppm": SETTLED_PPM.get(status, state.current.share_ppm),
        "reason": reason,
        **({} if status == "running" else {"ended_at": int(now)}),
    }
    listed = {**entry, "steps": len(state.plan.steps)}
    if not (
        world.table.put_ramp(state.ramp, status, now, state.to_wire(), **entry)
        and world.table.enlist(state.plan.flag, state.ramp, status, state.started_at, now, **listed)
    ):
        raise TrafficMoved(f"{state.ramp} has ended already, so it is not {status}")


def relist(world: World, ramp: str) -> None:
    """Enter what the ramp's record says in the list, for a task that died between the two."""
    if found := world.table.ramp(ramp):
        state, status = RampState.from_wire(found["document"]), str(found["status"])
        entry: dict[str, Any] = {
            name: found[name] for name in ("step", "share_ppm", "reason", "ended_at") if name in found
        }
        listed = {**entry, "steps": len(state.plan.steps)}
        world.table.enlist(state.plan.flag, ramp, status, state.started_at, world.now(), **listed)


def lock_of(state: RampState) -> Lock:
    """The lock as a running ramp holds it."""
    return Lock(state.ramp, state.execution_arn)


def hold(world: World, state: RampState) -> None:
    """Renew the lease of the ramp's lock.

    Raises:
        TrafficMoved: the lock is not this ramp's any more, so it moves nothing and asks nobody.
    """
    if not world.table.renew(state.plan.flag, lock_of(state), world.now(), LEASE_SECONDS):
        raise TrafficMoved(f"the lock of {state.plan.flag} is not held by {state.ramp} any more")
