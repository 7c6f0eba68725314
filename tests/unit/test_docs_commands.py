"""Every fenced command of README.md and docs/ exists, and takes what it is given there; links lead somewhere.

What needs an account (`aws`, `sam deploy`) is held to the models of botocore and the options of the SAM CLI. `ramp`
commands are run on the local stack, by tests/emulator/test_docs_run.py or where RUN_ELSEWHERE says.
"""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
import typer.main
from rampctl.inspection import Check
from rampctl.main import app
from rampctl.preflight import CHECKS as PREFLIGHT
from rampctl.preflight import MENDS
from rampctl.verifying import CHECKS as VERIFY

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
FENCES = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINKS = re.compile(r"\]\(([^)\s]+)\)")
OF_THE_CLI = {"cli-binary-format", "output", "region", "query", "debug", "endpoint-url"}
# The AWS CLI keeps --output and --endpoint-url for itself. Source: awscli/customizations/argrename.py
RENAMED = {("stepfunctions", "task-output"): "output", ("sns", "notification-endpoint"): "endpoint"}
OWN_COMMANDS = {"aws configure"}  # of the AWS CLI, in no model
WAITERS = "wait"
BEFORE = ("preflight", "verify", "check", "compare", "doctor")
DURING = ("pause", "resume", "abort")
RUN_ELSEWHERE = {
    "approve": "emulator/test_cli_words.py",
    "backtest": "unit/test_rehearsal_commands.py",
    "monitor": "emulator/test_preflight.py",
    "rehearse": "unit/test_rehearsal_commands.py",
    "reject": "emulator/test_cli_words.py",
    "retire": "emulator/test_retire.py",
    "start": "emulator/test_cli_verbs.py",
    "traffic": "emulator/test_cli_verbs.py",
    "undo": "emulator/test_cli_verbs.py",
}
SAM_OPTIONS = {"--guided", "--stack-name", "--capabilities", "--config-env", "--parameter-overrides", "--use-container"}


def commands() -> list[tuple[str, str]]:
    """Page and command, each once; then those that checks tell people to use."""
    found = {
        (str(page.relative_to(ROOT)), line.strip().removesuffix("&").strip()): None
        for page in PAGES
        for block in FENCES.findall(page.read_text())
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    }
    mends = [*(check.mends for check in every_check()), *MENDS]
    return [*found, *(("a check", part.strip()) for each in mends for part in each.split("&&"))]


def every_check() -> tuple[Check, ...]:
    return (*PREFLIGHT, *VERIFY)


def of(program: str) -> list[str]:
    found = [command for _, command in commands() if shlex.split(command)[0] == program]
    assert found, f"no page uses {program} any more"
    return list(dict.fromkeys(found))


def verb_of(command: str) -> str:
    """The word after `ramp`."""
    return shlex.split(command)[1]


def after() -> set[str]:
    """Verbs of the docs that look at a ramp."""
    return {verb_of(command) for command in of("ramp")} - {*BEFORE, *DURING, *RUN_ELSEWHERE}


def test_what_looks_at_a_ramp_is_run_after_one() -> None:
    """A verb that is new in the docs is run there, unless it says where else."""
    assert after() == {"cost", "explain", "history", "report", "status"}


def test_every_command_is_of_a_program_that_is_tested_here() -> None:
    """A new program in the docs needs a test of its own."""
    assert {shlex.split(command)[0] for _, command in commands()} <= {
        *("make", "ramp", "aws", "sam", "psql"),
        *("export", "pip"),  # of checks: the shell's own, and an installer
    }


@pytest.mark.parametrize("command", of("make"))
def test_make_targets_exist_and_know_their_variables(command: str) -> None:
    """`make demo CANDIDATE=errors`: the target is there, and somebody reads the variable."""
    makefile = (ROOT / "Makefile").read_text()
    readers = makefile + (ROOT / "cli" / "rampctl" / "main.py").read_text()
    _, target, *variables = shlex.split(command)
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for variable in variables:
        assert variable.partition("=")[0] in readers


@pytest.mark.parametrize("command", of("ramp"))
def test_ramp_commands_parse_and_their_files_exist(command: str) -> None:
    """Each option exists and takes the value; nothing is run."""
    words = shlex.split(command)[1:]
    found: Any = typer.main.get_command(app)
    context: Any = found.context_class(found, info_name="ramp")
    while hasattr(found, "resolve_command"):
        name, found, words = found.resolve_command(context, words)
        context = found.context_class(found, info_name=name, parent=context)
    found.parse_args(context, words)
    assert all((ROOT / word).exists() for word in words if word.startswith("events/"))


@pytest.mark.parametrize("command", sorted(set(of("aws")) - OWN_COMMANDS))
def test_aws_commands_are_in_the_apis_own_model(command: str) -> None:
    """Service, operation or waiter, each parameter, and none that is required left out."""
    _, service, operation, *rest = shlex.split(command)
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    if operation == WAITERS:
        waiters = session.get_waiter_model(service)
        operation = _dashed(waiters.get_waiter("".join(word.title() for word in rest.pop(0).split("-"))).operation)
    operations = {_dashed(name): name for name in model.operation_names}
    shape = model.operation_model(operations[operation]).input_shape
    given = {option.removeprefix("--").partition("=")[0] for option in rest if option.startswith("--")} - OF_THE_CLI
    options = {RENAMED.get((service, option), option) for option in given}
    known = {_dashed(name) for name in shape.members} if shape else set()
    assert options <= known, options - known
    required = {_dashed(name) for name in shape.required_members} if shape else set()
    assert required <= options, required - options


@pytest.mark.parametrize("command", of("sam"))
def test_sam_commands_use_options_that_sam_has(command: str) -> None:
    """And a configuration environment that samconfig.toml has."""
    _, verb, *rest = shlex.split(command)
    assert verb in {"build", "deploy", "delete"}
    assert {word for word in rest if word.startswith("--")} <= SAM_OPTIONS
    if "--config-env" in rest:
        assert f"[{rest[rest.index('--config-env') + 1]}.deploy.parameters]" in (ROOT / "samconfig.toml").read_text()
    overrides = [word.partition("=")[0] for word in rest if "=" in word]
    assert all(f"\n  {name}:\n" in (ROOT / "template.yaml").read_text() for name in overrides)


@pytest.mark.parametrize("command", of("psql"))
def test_files_for_psql_exist(command: str) -> None:
    words = shlex.split(command)
    assert (ROOT / words[words.index("--file") + 1]).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    """Pictures and rows of tables alike, from where the page stands."""
    for link in LINKS.findall(page.read_text()):
        if urlsplit(link).scheme in {"", "file"} and not link.startswith("#"):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_the_runbooks_name_checks_queries_and_alarms_that_there_are() -> None:
    """Names in backticks that look like ours."""
    template = (ROOT / "template.yaml").read_text()
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        for name in re.findall(r"`(huntaze[/-][\w/-]+)`", page.read_text()):
            assert name in template or name == "huntaze/database", f"{page.name}: {name}"


def _dashed(name: str) -> str:
    """As the AWS CLI spells it: `DescribeStacks` → `describe-stacks`."""
    return botocore.xform_name(name, "-")
