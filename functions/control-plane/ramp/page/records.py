"""What the page knows of a ramp: its records, read once for each answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ramp.adapters.table import RampTable
from ramp.core.state import RampState
from ramp.page.looks import Looks


@dataclass(frozen=True)
class Records:
    """One ramp as the table has it (docs/wire.md, The ramp table); `looks` are a sample, each with `at`.

    `served_last_at` is when the candidate served its last user after a brake had read the flag back off, in epoch
    seconds: sandboxes go by what they read of the flag for a while. None where nobody was served, or nobody looked.
    """

    state: RampState
    status: str
    reason: str
    share_ppm: int
    updated_at: float
    looks: tuple[Mapping[str, Any], ...] = ()
    words: tuple[Mapping[str, Any], ...] = ()
    questions: tuple[Mapping[str, Any], ...] = ()
    request: Mapping[str, Any] | None = None
    command: Mapping[str, Any] | None = None
    served_last_at: float | None = None

    @property
    def brake(self) -> Mapping[str, Any] | None:
        """The word of the first brake that put users back on control, with its times."""
        return next((word for word in self.words if "safe_at_ms" in word), None)

    @property
    def is_running(self) -> bool:
        """Whether the ramp has not ended."""
        return self.status == "running"

    @property
    def open_request(self) -> Mapping[str, Any] | None:
        """The question that nobody has answered yet."""
        is_open = self.is_running and self.request and "request_id" in self.request and "answer" not in self.request
        return self.request if is_open else None

    @property
    def last_look(self) -> Mapping[str, Any] | None:
        """The latest look at the present step."""
        look = self.looks[-1] if self.looks else None
        return look if look and look["step"] == self.state.step else None


def read(table: RampTable, ramp: str, looks: Looks | None = None) -> Records | None:
    """Everything the page shows of `ramp`; None when there is none. `looks` are kept from reading to reading."""
    record = table.ramp(ramp)
    if record is None:
        return None
    state = RampState.from_wire(record["document"])
    people = [*table.people(ramp)]
    asked = (told for told in people if "verb" not in told)
    return Records(
        state=state,
        status=str(record["status"]),
        reason=str(record["reason"]),
        share_ppm=int(record["share_ppm"]),
        updated_at=float(record["updated_at"]),
        looks=(looks or Looks(table)).sample(ramp, (*state.past_looks, state.look)),
        words=tuple(told for told in people if "verb" in told),
        questions=tuple(sorted(asked, key=lambda question: float(question["asked_at"]))),
        request=table.request(ramp),
        command=table.command(ramp),
    )
