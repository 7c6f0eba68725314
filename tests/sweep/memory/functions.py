"""Lambda: one function with two published versions and one alias, whose moves name the revision they saw."""

# ruff: noqa: N803 - arguments are named as AWS names them

from __future__ import annotations

from typing import Any

from tests.sweep.memory.errors import refusal


class Functions:
    """The read function and its alias `live`."""

    def __init__(self) -> None:
        self.published = {"1", "2"}
        self.version = "1"
        self.weights: dict[str, float] = {}
        self._revision = 1

    def get_alias(self, FunctionName: str, Name: str) -> Any:
        routing = {"RoutingConfig": {"AdditionalVersionWeights": dict(self.weights)}} if self.weights else {}
        return {"Name": Name, "FunctionVersion": self.version, "RevisionId": f"revision-{self._revision}", **routing}

    def get_function_configuration(self, FunctionName: str, Qualifier: str) -> Any:
        if Qualifier not in self.published:
            raise refusal("lambda", "GetFunctionConfiguration", "ResourceNotFoundException")
        return {"FunctionName": FunctionName, "Version": Qualifier}

    def list_provisioned_concurrency_configs(self, FunctionName: str, **_: Any) -> Any:
        return {"ProvisionedConcurrencyConfigs": []}

    def get_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> Any:
        raise refusal("lambda", "GetProvisionedConcurrencyConfig", "ProvisionedConcurrencyConfigNotFoundException")

    def update_alias(
        self, FunctionName: str, Name: str, FunctionVersion: str, RoutingConfig: Any, RevisionId: str
    ) -> Any:
        if RevisionId != f"revision-{self._revision}":
            raise refusal("lambda", "UpdateAlias", "PreconditionFailedException")
        self.version = FunctionVersion
        self.weights = dict(RoutingConfig["AdditionalVersionWeights"])
        self._revision += 1
        return self.get_alias(FunctionName, Name)
