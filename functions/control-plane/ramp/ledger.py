"""What every task that ends or moves a ramp writes down, and what it lets go of."""

from ramp.core.plan import WHOLE_PPM
from ramp.core.state import RampState
from ramp.world import World

SETTLED_PPM = {"rolled_back": 0, "promoted": WHOLE_PPM}


def record(world: World, state: RampState, status: str, reason: str) -> None:
    """Write the ramp's own record: `status` is running, promoted or rolled_back, `reason` a sentence for people."""
    share_ppm = SETTLED_PPM.get(status, state.current.share_ppm)
    world.table.put_ramp(
        state.ramp, status, world.now(), state.to_wire(), step=state.step, share_ppm=share_ppm, reason=reason
    )


def let_go(world: World, ramp: str, flag: str) -> None:
    """Everything that is not traffic: schedule, question, lock. The lock last, so that a retry still owns the rest."""
    world.deadline.remove(ramp)
    world.table.close_request(ramp)
    world.table.release(flag, ramp)
