"""`ramp local`: the local stack, for hands-on use."""

from collections.abc import Iterator
from pathlib import Path

from local_stack import stack
from rich.console import Console

from rampctl.exits import DONE, Exit
from rampctl.session import Session


def up(repository: Path, console: Console) -> Exit:
    """Start it, and print how to talk to it."""
    running = stack.up(repository, lambda line: _print(console, line))
    for line in how_to_talk_to(running):
        _print(console, line)
    return DONE


def down(repository: Path, console: Console) -> Exit:
    """Stop it and leave nothing behind."""
    stack.down(repository, lambda line: _print(console, line))
    return DONE


def status(repository: Path, console: Console) -> Exit:
    """What is there and whether it answers; UNKNOWN when it is not all there."""
    found = stack.status(repository)
    for part in found.parts:
        pid = f", pid {part.pid}" if part.pid else ""
        _print(console, f"{part.name}: {'answers' if part.healthy else 'does not answer'}{pid}")
    where = f"up at {found.stack.endpoint_url}" if found.stack else "not up; start it with: ramp local up"
    _print(console, f"the local stack is {where}")
    return DONE if found.healthy else Exit.UNKNOWN


def how_to_talk_to(running: stack.Stack) -> Iterator[str]:
    """The environment to export and four commands, ready to paste."""
    session = Session.of_stack(running)
    settings, aws = session.settings, f"aws --endpoint-url {running.endpoint_url}"
    deployments = running.client("appconfig").list_deployments(
        ApplicationId=settings.application, EnvironmentId=settings.environment
    )
    number = deployments["Items"][0]["DeploymentNumber"]  # newest first; template.yaml makes one
    yield "\nTo talk to it from this terminal:\n"
    yield from (f"  export {name}={value}" for name, value in running.environment.items())
    yield "\nThen, for example, from here:\n"
    # A payload from a file means the same to both major versions of the AWS CLI; one on the command line does not.
    yield (
        f"  {aws} lambda invoke --function-name {settings.read_function}:{settings.read_alias} "
        "--payload fileb://events/read/direct.json /dev/stdout"
    )
    yield (
        f"  {aws} stepfunctions start-execution --state-machine-arn {session.state_machine_arn} "
        "--input file://events/plans/demo.json"
    )
    yield (
        f"  {aws} appconfig get-deployment --application-id {settings.application} "
        f"--environment-id {settings.environment} --deployment-number {number}"
    )
    yield f"  {aws} lambda get-alias --function-name {settings.read_function} --name {settings.read_alias}"
    yield f"\nThe ramp page: {running.page_url}"
    yield "\nOr: ramp status --local, ramp traffic --local, ramp start events/plans/demo.json --local --watch\n"


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
