"""`ramp preflight`: 15 checks of account and stack before a ramp. Source: requirements §5."""

import shutil
import sys
from pathlib import Path

from ramp.adapters.stack import UNSETTLED

from rampctl import looks
from rampctl.inspection import Check, UnsoundError
from rampctl.session import Session

DEPLOY = "sam build && sam deploy --config-env prod"
ROLL_ON = "aws cloudformation continue-update-rollback --stack-name huntaze-prisma-skeleton"
MENDS = (ROLL_ON, DEPLOY, *looks.MENDS)  # of what one check finds in more than one way


def credentials(session: Session) -> str:
    """Somebody, in some account."""
    found = session.client("sts").get_caller_identity()
    return f"{found['Arn']} of account {found['Account']}"


def region(session: Session) -> str:
    """The stack is in the region that commands go to."""
    return f"{session.region} has the stack {session.settings.stack}: {session.world.stack.status()}"


def sam(_: Session) -> str:
    """The tool that builds and deploys."""
    found = shutil.which("sam") or shutil.which("sam", path=str(Path(sys.executable).parent))
    if found is None:
        raise UnsoundError("no sam on the PATH")
    return "the SAM CLI is installed"


def nothing_in_flight(session: Session) -> str:
    """Neither flags nor code nor stack are being deployed."""
    world = session.world
    moving = []
    if (deployment := world.traffic.in_flight()) is not None:
        moving.append(f"AppConfig deployment {deployment.number}")
    if code_deploy := world.stack.code_deploy():
        moving.append(f"code deploy {code_deploy}")
    if (status := world.stack.status()).endswith("_IN_PROGRESS"):
        moving.append(f"stack {world.stack.name}: {status}")
    if moving:
        raise UnsoundError(f"{', '.join(moving)} in flight")
    if status.endswith(UNSETTLED):
        raise UnsoundError(f"stack {world.stack.name}: {status}", ROLL_ON if "ROLLBACK" in status else DEPLOY)
    return "no flag, code or stack is being deployed"


def no_other_ramp(session: Session) -> str:
    """Nobody holds a lock of a flag, and no flag is on that nobody moves any more."""
    world = session.world
    held = [lock.ramp for each in world.each() if (lock := world.table.lock(each.flags.adapter)) is not None]
    if held:
        raise UnsoundError(f"{', '.join(held)} holds the lock")
    left = [each.flags.adapter for each in world.each() if each.traffic.read().setting.adapter is not None]
    if left:
        raise UnsoundError(f"no ramp runs, and {', '.join(left)} is on: it was promoted, or left behind")
    return "no ramp runs, and no flag is on"


CHECKS = (
    Check("credentials", "without them nothing can be asked or started", "aws configure", credentials),
    Check("region", "the stack must be where commands go", "export AWS_DEFAULT_REGION=us-east-1", region),
    Check("SAM", "mending most of what follows is a deploy", "pip install aws-sam-cli", sam),
    Check(
        "secret",
        "the candidate finds its database by it; without it every canary read fails",
        "aws secretsmanager create-secret --name huntaze/database --secret-string file://database.json",
        looks.secret,
    ),
    Check("functions", "a function that is not active answers nobody", DEPLOY, looks.functions),
    Check(
        "alias",
        "users on two versions at once spoil the evidence of a ramp, and the way back is not clear",
        "aws lambda update-alias --function-name huntaze-mock-read --name live "
        "--routing-config AdditionalVersionWeights={}",
        looks.alias,
    ),
    Check("AppConfig", "traffic is moved by it", DEPLOY, looks.appconfig),
    Check(
        "flag",
        "a router refuses a malformed document and keeps its last good one: the ramp would move nobody",
        "ramp doctor --repair",
        looks.flag,
    ),
    Check(
        "alarms",
        "they stop a ramp whatever it is doing; red, toothless or changed by hand they cannot",
        "aws cloudwatch describe-alarms --alarm-name-prefix huntaze- --state-value ALARM",
        looks.guards,
    ),
    Check(
        "alarm dimensions",
        "an alarm on dimensions that report nothing is green for ever; users must read through the alias",
        DEPLOY,
        looks.guards_report,
    ),
    Check("dashboard", "it is where people look while a ramp goes on", DEPLOY, looks.dashboard),
    Check("tracing", "without traces nobody finds out why a read was slow", DEPLOY, looks.tracing),
    Check(
        "database",
        "the candidate reads it; what it cannot read, canary users fall back from",
        'psql "$DATABASE_URL" --file database/001_users.sql',
        looks.candidate,
    ),
    Check(
        "deployments",
        "two changes at once, and nobody can say which one it was",
        "aws cloudformation wait stack-update-complete --stack-name huntaze-prisma-skeleton",
        nothing_in_flight,
    ),
    Check("ramps", "one ramp at a time for each flag, and it starts from off", "ramp doctor", no_other_ramp),
)
