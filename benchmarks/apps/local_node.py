"""What a local deployment needs so that functions in Node.js run; on AWS the runtime brings it."""

import jsii
from aws_cdk import IAspect
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct


@jsii.implements(IAspect)
class LocalNode:
    """Leads functions in Node.js to the AWS SDK for JavaScript, and to the local AWS's certificate."""

    def visit(self, node: IConstruct) -> None:
        """Set the variables, by the names that Node.js has for them."""
        if isinstance(node, lambda_.CfnFunction) and not str(node.runtime).startswith("python"):
            for variable, value in (("NODE_PATH", "node_path"), ("NODE_EXTRA_CA_CERTS", "node_ca")):
                node.add_property_override(f"Environment.Variables.{variable}", node.node.get_context(value))
