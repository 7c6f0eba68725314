"""The brake as page and command pull it: a sentence when traffic is back, an error that says why when it is not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ramp.adapters.brake import Brake, NotTakenBack, Unsettled
from rampctl import answers
from rampctl.exits import USAGE, CommandError, Exit

WHO = {"by": "ada", "reason": "enough", "via": "page"}


class Functions:
    """Lambda with one function, whose answer is known beforehand."""

    def __init__(self, answer: Any, **fields: str) -> None:
        self.answer, self.fields = answer, fields
        self.called: list[tuple[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: str) -> Any:  # noqa: N803  # as AWS names them
        self.called.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **self.fields}


def brake(functions: Any) -> Brake:
    return Brake(functions, "the-brake", "the-clean-up")


DEEDS: dict[str, tuple[Callable[[Brake], str], str, dict[str, Any]]] = {
    "braked": (lambda pulled: pulled.pull("ramp-1", **WHO), "the-brake", {"ramp": "ramp-1"}),
    "undone": (lambda pulled: pulled.undo("ramp-1", **WHO), "the-clean-up", {"undo_of": "ramp-1"}),
}


@pytest.mark.parametrize("done", DEEDS)
def test_what_reads_back_is_told(done: str) -> None:
    """By the function that may."""
    deed, function, event = DEEDS[done]
    functions = Functions({done: True, "reason": "it reads back at 0 %"})
    assert deed(brake(functions)) == "it reads back at 0 %"
    assert functions.called == [(function, {**WHO, **event})]


@pytest.mark.parametrize("done", DEEDS)
def test_what_is_not_done_is_an_error_that_says_why(done: str) -> None:
    """And one that broke off says that nobody knows where traffic is."""
    deed, function, _ = DEEDS[done]
    with pytest.raises(NotTakenBack, match=r"^no such ramp$") as refused:
        deed(brake(Functions({done: False, "reason": "no such ramp"})))
    assert not isinstance(refused.value, Unsettled)
    with pytest.raises(Unsettled, match=f"^{function} failed, traffic may still be on the candidate: boom$"):
        deed(brake(Functions({"errorMessage": "boom"}, FunctionError="Unhandled")))


@pytest.mark.parametrize(
    ("deed", "refused"), [(answers.abort, "ramp-1: was not aborted, not now"), (answers.undo, "not now")]
)
def test_the_command_ends_with_a_code_for_each(deed: Callable[..., str], refused: str) -> None:
    """A script tells a wrong word from traffic that is not back."""
    no = {"braked": False, "undone": False, "reason": "not now"}
    session: Any = SimpleNamespace(functions=Functions(no))
    with pytest.raises(CommandError) as error:
        deed(session, "ramp-1", "ada", "enough")
    assert (str(error.value), error.value.code) == (refused, USAGE)
    session = SimpleNamespace(functions=Functions({"errorMessage": "boom"}, FunctionError="Unhandled"))
    with pytest.raises(CommandError, match=r"traffic may still be on the candidate: boom\. Try again") as error:
        deed(session, "ramp-1", "ada", "enough")
    assert error.value.code == Exit.ROLLBACK_FAILED
