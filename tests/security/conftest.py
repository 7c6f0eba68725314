"""What the fuzzing found, told when the run is over, from whichever process it ran in."""

from typing import Any

BAD_INPUT = "bad input"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a door, and how many cases in all."""
    reports = terminalreporter.stats.get("passed", [])
    lines = [value for report in reports for name, value in report.user_properties if name == BAD_INPUT]
    if lines:
        terminalreporter.section("bad input")
        for line in sorted(lines):
            terminalreporter.write_line(line)
        cases = sum(int(line.split("|")[1].replace(",", "")) for line in lines)
        terminalreporter.write_line(f"{cases:,} cases through {len(lines)} doors")
