"""What is deployed: the CloudFormation stack, and code deploys by CodeDeploy on the alias that users read through."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codedeploy import CodeDeployClient

# What stops a ramp that goes wrong. An alias that CodeDeploy or a ramp moved is drift too, and as it should be.
GUARD_TYPES = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::Events::Rule",
        "AWS::Lambda::Permission",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
    }
)


class Stack:
    """Asks about one stack; `application` and `group` are CodeDeploy's, empty where there is no CodeDeploy."""

    def __init__(
        self,
        cloudformation: "CloudFormationClient",
        codedeploy: "CodeDeployClient",
        name: str,
        application: str,
        group: str,
    ) -> None:
        self._cloudformation = cloudformation
        self._codedeploy = codedeploy
        self.name = name
        self._application = application
        self._group = group

    def status(self) -> str:
        """CloudFormation's word, such as UPDATE_COMPLETE."""
        return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def drifted(self) -> tuple[str, ...]:
        """Guards that the last drift detection found to differ from the template; none, if it never ran."""
        drifts = self._cloudformation.describe_stack_resource_drifts(
            StackName=self.name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], MaxResults=100
        )["StackResourceDrifts"]
        return tuple(
            f"{drift['LogicalResourceId']} {drift['StackResourceDriftStatus']}"
            for drift in drifts
            if drift["ResourceType"] in GUARD_TYPES
        )

    def code_deploy(self) -> str | None:
        """The id of a code deploy that has not ended."""
        if not self._application:
            return None
        found = self._codedeploy.list_deployments(
            applicationName=self._application,
            deploymentGroupName=self._group,
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
        )["deployments"]
        return found[0] if found else None

    def answer_code_deploy(self, deployment: str, hook: str, *, go: bool) -> None:
        """Let a code deploy that asks before it moves traffic go on, or end it."""
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=hook, status="Succeeded" if go else "Failed"
        )
