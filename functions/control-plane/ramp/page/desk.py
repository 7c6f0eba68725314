"""What the page works with: records, evidence, task tokens, the brake, the comparator's log. It moves no traffic."""

from collections.abc import Callable
from dataclasses import dataclass

from ramp.adapters.brake import Brake
from ramp.adapters.comparisons import Comparisons
from ramp.adapters.executions import Executions
from ramp.adapters.metrics import Metrics
from ramp.adapters.table import RampTable


@dataclass(frozen=True)
class Desk:
    """`now`: epoch seconds; `random_id`: ids that nobody guesses; `troubles`: what an AWS without answers raises."""

    flags: tuple[str, ...]
    table: RampTable
    metrics: Metrics
    executions: Executions
    brake: Brake
    comparisons: Comparisons
    now: Callable[[], float]
    random_id: Callable[[], str]
    troubles: tuple[type[Exception], ...] = ()
