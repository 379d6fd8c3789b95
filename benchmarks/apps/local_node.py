"""What functions in Node.js need in a local deployment; on AWS the runtime includes it."""

import jsii
from aws_cdk import IAspect
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct


@jsii.implements(IAspect)
class LocalNode:
    """Lets functions in Node.js find the AWS SDK for JavaScript."""

    def visit(self, node: IConstruct) -> None:
        """Set the variable by which Node.js finds packages."""
        if isinstance(node, lambda_.CfnFunction) and not str(node.runtime).startswith("python"):
            node.add_property_override("Environment.Variables.NODE_PATH", node.node.get_context("node_path"))
