"""Explanations, later: what is noted here moves nothing, decides nothing, and is given up rather than waited for."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ramp.adapters.log_lines import search
from ramp.adapters.table import RampTable
from ramp.core.exemplar import Sign, Source, exemplar, signs

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

NOTE_SECONDS = 10.0  # for all checks of a look; a call that is under way then has another five
PAGES = 2
LATELY_SECONDS = 900.0  # where there is much traffic, the last quarter of an hour has failures enough
CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})

logger = Logger(child=True)


class Exemplars:
    """Searches the log groups of router and comparator, and writes what it finds into a look's document."""

    def __init__(
        self,
        logs: "CloudWatchLogsClient",
        groups: Mapping[Source, str],
        table: RampTable,
        now: Callable[[], float],
    ) -> None:
        self._logs = logs
        self._groups = groups
        self._table = table
        self._now = now

    def note(self, ramp: str, step: int, look: int, since: float) -> None:
        """Give each check of a look that does not pass the id of a trace that shows it, under `trace_id`.

        `since`: when the step began, in epoch seconds. Never raises what AWS says: the record stays as it is then.
        """
        try:
            self._note(ramp, step, look, since)
        except (ClientError, BotoCoreError) as error:
            logger.warning("[ERROR] no exemplar was noted", extra={"ramp": ramp, "cause": str(error)})

    def _note(self, ramp: str, step: int, look: int, since: float) -> None:
        until, document = self._now() + NOTE_SECONDS, self._table.look(ramp, step, look)
        found = False
        for check in (document or {}).get("checks", ()):
            for sign in signs(check):
                if trace_id := self._find(sign, ramp, step, since, until):
                    check["trace_id"], found = trace_id, True
                    break
        if document and found:
            self._table.amend_look(ramp, step, look, document)

    def _find(self, sign: Sign, ramp: str, step: int, since: float, until: float) -> str | None:
        """Lately first, then in the whole step: a log of days cannot be read through. None once it is `until`."""
        for start in dict.fromkeys((max(since, self._now() - LATELY_SECONDS), since)):
            if self._now() > until:
                return None
            words = (sign.prefix, ramp) if sign.prefix else (ramp,)
            if trace_id := exemplar(self.lines(sign.source, words, start), sign, ramp, step):
                return trace_id
        return None

    def lines(self, source: Source, words: tuple[str, ...], since: float) -> list[str]:
        """Lines of `source` with all of `words` since `since` (epoch seconds), oldest first, as many as are read."""
        return search(self._logs, self._groups[source], words, since, PAGES)[0]
