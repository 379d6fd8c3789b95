"""The contenders as CDK apps: each declares the same partners, with the same outputs, in its own way."""

from collections.abc import Callable
from dataclasses import dataclass

import aws_cdk as cdk

CATALOG = "AWS"
SOLUTION_TYPE = "SOFTWARE_PRODUCTS"
SECRET = "code"  # noqa: S105 - the name of one
ATTRIBUTES = ("Arn", "Id", "ProfileId")


@dataclass(frozen=True)
class Declared:
    """The values of one partner, in every app."""

    legal_name: str
    business_title: str
    first_name: str = "Jane"
    last_name: str = "Doe"
    email: str = "jane.doe@example.com"

    @property
    def contact(self) -> dict[str, str]:
        """The alliance lead contact in the service's member names."""
        return {
            "FirstName": self.first_name,
            "LastName": self.last_name,
            "Email": self.email,
            "BusinessTitle": self.business_title,
        }


def synthesize(*declare: Callable[[cdk.Stack, str, Declared], None]) -> None:
    """Synthesize an app with as many stacks, of one partner each, as its context says; else one."""
    app = cdk.App()
    title = str(app.node.try_get_context("business_title") or "Alliance Lead")
    company = str(app.node.try_get_context("company") or "Example Corp")
    for number in range(int(app.node.try_get_context("stacks") or 1)):
        stack = cdk.Stack(app, f"Bench{number}")
        for declare_partner in declare:
            declare_partner(stack, "Partner0", Declared(f"{company} {number}", title))
    if app.node.try_get_context("node_path"):
        import benchmarks.apps.local_node  # noqa: PLC0415 - only local deployments pay for it

        cdk.Aspects.of(app).add(benchmarks.apps.local_node.LocalNode())
    app.synth()


def add_outputs(stack: cdk.Stack, name: str, values: dict[str, str]) -> None:
    """Add the outputs that PartnerAccount adds by itself."""
    for attribute in ATTRIBUTES:
        output = cdk.CfnOutput(
            stack,
            f"{name}{attribute}",
            value=values[attribute],
            export_name=f"{stack.stack_name}-{name}-{attribute}",
        )
        output.override_logical_id(f"{name}{attribute}")


def asset_folder(stack: cdk.Stack) -> str:
    """The folder with a function's code, boto3 included, as installed by pip before."""
    return str(stack.node.get_context("asset"))
