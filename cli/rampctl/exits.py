"""How a command ends. The exit codes are public: scripts and CI branch on them."""

from enum import IntEnum


class Exit(IntEnum):
    """The outcome of a ramp, or of a command; a command that did its work and follows no ramp ends with 0."""

    PROMOTED = 0
    ROLLED_BACK = 1
    BAD_PLAN = 2
    ROLLBACK_FAILED = 3
    UNKNOWN = 4


DONE = Exit.PROMOTED
FOUND = Exit.ROLLED_BACK  # of ramp doctor: something is left behind
USAGE = Exit.BAD_PLAN


class CommandError(Exception):
    """A command cannot do what it was asked; the message is a sentence for people, `code` the way it ends."""

    def __init__(self, message: str, code: Exit = Exit.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code
