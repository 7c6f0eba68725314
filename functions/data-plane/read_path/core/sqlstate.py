"""What a failure of the database means for whoever asked."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """transient: may well work a moment later. overload: it cannot take more now. permanent: it will fail again."""

    TRANSIENT = "transient"
    OVERLOAD = "overload"
    PERMANENT = "permanent"


# By the whole code, else by its class, the first two characters.
# Source: PostgreSQL documentation, Appendix A, error codes.
_KINDS = {
    "53": Trouble.OVERLOAD,  # insufficient resources: connections, memory, disk
    "57014": Trouble.OVERLOAD,  # the statement's own timeout
    "55P03": Trouble.OVERLOAD,  # a lock that is not to be had
    "08": Trouble.TRANSIENT,  # the connection
    "40": Trouble.TRANSIENT,  # serialisation, deadlock
    "57P": Trouble.TRANSIENT,  # shutdown, crash, starting up
    "58": Trouble.TRANSIENT,  # the server's own system, as a failover shows it
}


def kind_of(sqlstate: str | None) -> Trouble:
    """Classify a SQLSTATE. None is a connection that never came to one, so it is transient."""
    if sqlstate is None:
        return Trouble.TRANSIENT
    known = (_KINDS[part] for part in (sqlstate, sqlstate[:3], sqlstate[:2]) if part in _KINDS)
    return next(known, Trouble.PERMANENT)
