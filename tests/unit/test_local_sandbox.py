"""What sandboxes of the local stack do not see is what sandboxes on AWS do not have."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

from local_stack.sandbox import NOT_SHIPPED

FUNCTIONS = Path(__file__).parents[2] / "functions"


def test_what_is_hidden_ships_with_no_function() -> None:
    locks = [lock.read_text() for lock in FUNCTIONS.glob("*/requirements.txt")]
    shipped = {name for lock in locks for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    hidden = {name.lower() for module in NOT_SHIPPED for name in packages_distributions()[module]}
    assert "boto3" in shipped
    assert hidden
    assert not hidden & shipped
