"""Every command and every file that the README names is there, and takes what the README gives it."""

import re
import shlex
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer.main
from rampctl.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.removesuffix(" &") for block in BLOCKS for line in block.splitlines()]
NOT_PARAMETERS = {"cli-binary-format"}


def starting_with(*words: str) -> list[str]:
    """The commands that begin with `words`."""
    found = [command for command in COMMANDS if shlex.split(command)[: len(words)] == list(words)]
    assert found, f"the README has no command {' '.join(words)} any more"
    return found


def test_every_command_is_of_a_program_that_is_tested_here() -> None:
    """A new program in the README needs a test of its own."""
    assert {shlex.split(command)[0] for command in COMMANDS} == {"make", "ramp", "aws", "sam"}


@pytest.mark.parametrize("command", starting_with("make"))
def test_make_targets_exist_and_know_their_variables(command: str) -> None:
    """`make demo CANDIDATE=errors`: the target is there, and somebody reads the variable."""
    makefile = (ROOT / "Makefile").read_text()
    readers = makefile + (ROOT / "cli" / "rampctl" / "main.py").read_text()
    _, target, *variables = shlex.split(command)
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for variable in variables:
        assert variable.partition("=")[0] in readers


@pytest.mark.parametrize("command", starting_with("ramp"))
def test_ramp_commands_parse(command: str) -> None:
    """Each option exists and takes the value; nothing is run."""
    words = shlex.split(command)[1:]
    found: Any = typer.main.get_command(app)
    context: Any = found.context_class(found, info_name="ramp")
    while hasattr(found, "resolve_command"):
        name, found, words = found.resolve_command(context, words)
        context = found.context_class(found, info_name=name, parent=context)
    found.parse_args(context, words)


@pytest.mark.parametrize("command", starting_with("aws"))
def test_aws_commands_are_in_the_apis_own_model(command: str) -> None:
    """Service, operation, and each parameter, after botocore."""
    _, service, operation, *rest = shlex.split(command)
    model = botocore.session.get_session().get_service_model(service)
    wanted = "".join(word.title() for word in operation.split("-"))
    shape = model.operation_model(wanted).input_shape
    assert shape is not None
    options = {option.removeprefix("--") for option in rest if option.startswith("--")} - NOT_PARAMETERS
    known = {re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower() for name in shape.members}
    renamed = {"task-output": "output"}  # the AWS CLI keeps --output for itself
    assert {renamed.get(option, option) for option in options} <= known


@pytest.mark.parametrize("file", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_every_file_it_links_to_exists(file: str) -> None:
    """Pictures and rows of the table alike."""
    assert file.startswith("https://") or (ROOT / file).exists()
