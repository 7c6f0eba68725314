"""What goes wrong on the way to safety, and must not keep the rest from being done."""

from contextlib import AbstractContextManager
from types import TracebackType

from aws_lambda_powertools import Logger

logger = Logger(child=True)


class Troubles(AbstractContextManager["Troubles", bool]):
    """`with troubles:` around each part, and `raised()` at the end: every part is tried, and no error is lost.

    A part may fail by anything, a malformed answer or a bug included; the end of the process is not held up.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        logger.warning("goes on in spite of an error", exc_info=error)
        self.errors.append(error)
        return True

    def raised(self) -> None:
        """Raise the first error, if there was any."""
        if self.errors:
            raise self.errors[0]
