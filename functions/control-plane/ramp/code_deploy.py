"""A code deploy asks before it moves traffic on the alias that a ramp may be moving too."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from ramp.world import World

logger = Logger(child=True)


def before_code_deploy(event: Mapping[str, Any], world: World) -> dict[str, Any]:
    """CodeDeploy's BeforeAllowTraffic hook: no while a ramp has the lock, or nobody could tell whose fault it was.

    Source: AWS CodeDeploy user guide, AppSpec 'hooks' section for a Lambda deployment.
    """
    locks = (world.table.lock(each.flags.adapter) for each in world.listed())
    lock = next((lock for lock in locks if lock), None)
    world.stack.answer_code_deploy(event["DeploymentId"], event["LifecycleEventHookExecutionId"], go=lock is None)
    if lock is None:
        return {"outcome": "allowed", "reason": "no ramp is moving traffic"}
    reason = f"the ramp {lock.ramp} is moving traffic: wait for its end or abort it, then deploy again"
    logger.warning("[ERROR] code deploy refused", extra={"deployment": event["DeploymentId"], "reason": reason})
    world.notices.tell(f"Code deploy {event['DeploymentId']} refused", f"{reason}.")
    return {"outcome": "refused", "reason": reason}
