"""Who says a word, as the records keep it."""


def said_by(name: str | None, arn: str) -> str:
    """The AWS identity behind `arn` (role and session, or user), after `name` where one is given: `Ada (Ops/ada)`.

    Source: IAM user guide, "IAM identifiers": arn:aws:iam::ACCOUNT:user/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/
    SESSION, arn:aws:iam::ACCOUNT:root.
    """
    identity = arn.rpartition(":")[2].partition("/")[2] or "root"
    return f"{name} ({identity})" if name else identity
