"""Checks of an account and a stack: each says what it found, why that matters, and the command that mends it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rampctl.exits import DONE, CommandError, Exit
from rampctl.session import Session
from rampctl.troubles import told_as


class UnsoundError(Exception):
    """What was found is not as it must be; the message says what it is, `mends` a command if not the check's."""

    def __init__(self, found: str, mends: str = "") -> None:
        super().__init__(found)
        self.mends = mends


@dataclass(frozen=True)
class Check:
    """`look` returns what it found, in words, or raises UnsoundError; `mends` is a command for a shell."""

    name: str
    why: str
    mends: str
    look: Callable[[Session], str]


@dataclass(frozen=True)
class Finding:
    """What one check found; `mends` is empty when nothing is to be mended."""

    name: str
    passed: bool
    found: str
    why: str
    mends: str


def inspect(session: Session, checks: Sequence[Check]) -> tuple[Finding, ...]:
    """Make every check, whatever the ones before found; what AWS refuses is a finding too."""
    return tuple(_finding(session, check) for check in checks)


def tell(findings: Sequence[Finding], console: Console, *, as_json: bool) -> Exit:
    """Print the findings; UNKNOWN unless all passed."""
    passed = all(finding.passed for finding in findings)
    if as_json:
        print(json.dumps({"passed": passed, "findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
        return DONE if passed else Exit.UNKNOWN
    table = Table("", "check", "found", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for finding in findings:
        mark = Text("✓", "green") if finding.passed else Text("✗", "red")
        table.add_row(mark, finding.name, Text(finding.found))
    console.print(table)
    for finding in findings:
        if not finding.passed:
            console.print(f"\n{finding.name}: {finding.why}\n  {finding.mends}", markup=False, highlight=False)
    bad = sum(not finding.passed for finding in findings)
    console.print(f"\n{len(findings) - bad} of {len(findings)} checks passed", highlight=False)
    return DONE if passed else Exit.UNKNOWN


def _finding(session: Session, check: Check) -> Finding:
    try:
        return Finding(check.name, True, check.look(session), check.why, "")
    except UnsoundError as unsound:
        return Finding(check.name, False, str(unsound), check.why, unsound.mends or check.mends)
    except CommandError as refused:
        found = str(refused)
    except (ClientError, BotoCoreError) as error:
        found, _ = told_as(error)
    return Finding(check.name, False, found, check.why, check.mends)
