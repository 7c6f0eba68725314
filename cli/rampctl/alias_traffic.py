"""User traffic on AWS, where Lambda itself applies the alias's weights."""

from typing import TYPE_CHECKING

from local_stack.traffic import Traffic

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class AliasTraffic(Traffic):
    """Reads through the alias by its name, so that Lambda's own metrics of the alias count them too."""

    def __init__(
        self,
        functions: "LambdaClient",
        rate_per_second: float,
        users: int,
        max_seconds: float,
        function: str,
        alias: str,
    ) -> None:
        super().__init__(functions.meta.endpoint_url, rate_per_second, users, max_seconds, function, alias)
        self._client = functions

    def _send(self, user: str, version: str) -> str | None:  # the version is for Lambda to pick
        return super()._send(user, self._alias)
