"""`ramp retire`: what ramps wrote into AppConfig goes, so that the stack can be deleted.

AppConfig deletes no profile that has hosted versions, and CloudFormation deletes its own version alone. Source: its
refusal, "Cannot delete configuration profile ... because there are still hosted configuration versions existing under
it", as told in aws/aws-cdk issue 26804.
"""

import time
from collections.abc import Callable
from typing import Any

from ramp.adapters.flag_lever import IN_FLIGHT, POLL_SECONDS, POLLS

from rampctl.exits import DONE, FOUND, CommandError, Exit
from rampctl.session import Session

STACKS_OWN = "Both flags off"  # the description of the version that template.yaml makes


def retire(session: Session, say: Callable[[str], None], *, sure: bool) -> Exit:
    """Deploy the stack's own version, both flags off, and delete every other; unless `sure`, say so and do nothing.

    The version that is deployed is never deleted, so that a ramp may still start if the stack stays after all.

    Raises:
        CommandError: a ramp runs, the stack's own version is gone, or it could not be deployed.
    """
    held = [lock.ramp for each in session.world.each() if (lock := each.table.lock(each.flags.adapter)) is not None]
    if held:
        raise CommandError(
            f"{', '.join(held)}: runs, or holds a lock. End it (ramp abort, ramp doctor), and try again."
        )
    versions = _versions(session)
    own = [number for number, description in versions.items() if description == STACKS_OWN]
    if not own:
        raise CommandError(f"AppConfig: has no version {STACKS_OWN!r}, which the stack made. Delete the rest by hand.")
    others = sorted(set(versions) - set(own))
    if not others:
        say("AppConfig has no version but the stack's own")
        return DONE
    if not sure:
        say(f"would switch both flags off for good, and delete the {len(others)} versions that the stack did not make")
        say("then the stack can be deleted; do it with: ramp retire --yes")
        return FOUND
    _deploy(session, max(own))
    for number in others:
        session.client("appconfig").delete_hosted_configuration_version(**_profile(session), VersionNumber=number)
    say(f"both flags are off, and {len(others)} versions are deleted; now: sam delete")
    return DONE


def _profile(session: Session) -> dict[str, str]:
    return {
        "ApplicationId": session.settings.application,
        "ConfigurationProfileId": session.settings.profile,
    }


def _versions(session: Session) -> dict[int, str]:
    pages = session.client("appconfig").get_paginator("list_hosted_configuration_versions")
    listed = pages.paginate(**_profile(session))
    return {item["VersionNumber"]: item.get("Description", "") for page in listed for item in page["Items"]}


def _deploy(session: Session, version: int) -> None:
    client, environment = session.client("appconfig"), session.settings.environment
    number: Any = client.start_deployment(
        **_profile(session),
        EnvironmentId=environment,
        DeploymentStrategyId=session.settings.strategy,
        ConfigurationVersion=str(version),
        Description=STACKS_OWN,
    )["DeploymentNumber"]
    where = {"ApplicationId": session.settings.application, "EnvironmentId": environment, "DeploymentNumber": number}
    for _ in range(POLLS):
        if (state := client.get_deployment(**where)["State"]) not in IN_FLIGHT:
            break
        time.sleep(POLL_SECONDS)
    if state != "COMPLETE":
        raise CommandError(
            f"AppConfig: deployment {number} is {state}, expected COMPLETE. Nothing is deleted; try again."
        )
