"""What is deployed: the CloudFormation stack, and code deploys by CodeDeploy on the alias that users read through."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ramp.adapters.drift import Drift, detect

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codedeploy import CodeDeployClient

UNSETTLED = ("_IN_PROGRESS", "_FAILED")  # how CloudFormation's words for a deploy that is not complete end


class Stack:
    """Asks about one stack; `application` and `group` are CodeDeploy's, empty where there is no CodeDeploy."""

    def __init__(
        self,
        cloudformation: "CloudFormationClient",
        codedeploy: "CodeDeployClient",
        name: str,
        application: str,
        group: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._cloudformation = cloudformation
        self._codedeploy = codedeploy
        self.name = name
        self._application = application
        self._group = group
        self._sleep = sleep

    def status(self) -> str:
        """CloudFormation's word, such as UPDATE_COMPLETE."""
        return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def drift(self) -> Drift:
        """How what guards a ramp differs from the template, by a comparison made now."""
        if (status := self.status()).endswith(UNSETTLED):  # which CloudFormation compares with nothing
            return Drift(unknown=f"the stack is {status}")
        return detect(self._cloudformation, self.name, self._sleep)

    def code_deploy(self) -> str | None:
        """The id of a code deploy that has not ended."""
        if not self._application:
            return None
        found = self._codedeploy.list_deployments(
            applicationName=self._application,
            deploymentGroupName=self._group,
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Baking", "Ready"],
        )["deployments"]
        return found[0] if found else None

    def answer_code_deploy(self, deployment: str, hook: str, *, go: bool) -> None:
        """Let a code deploy that asks before it moves traffic go on, or end it."""
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=hook, status="Succeeded" if go else "Failed"
        )
