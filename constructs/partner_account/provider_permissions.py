"""What the function itself needs, whatever partners it serves, and why.

Sources: the Service Authorization References of CloudWatch Logs and EC2; the Lambda Developer Guide on functions in a
VPC; the CloudWatch Logs User Guide on encryption.
"""

from aws_cdk import ArnFormat, Aws, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from partner_account.permissions import Permission


def write_log(log_group_arn: str) -> Permission:
    """Write the function's own log; `log_group_arn` ends with `:*`, as CloudFormation returns it."""
    return Permission(
        sid="WriteOwnLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resource=log_group_arn,
        reason="The log documents what was done to a partner; no other log group is reached.",
    )


# Calls by a function's code carry this key, Lambda's own calls with the function's role don't.
_BY_LAMBDA_ITSELF = {"Null": {"lambda:SourceFunctionArn": "true"}}


def join_vpc() -> list[Permission]:
    """What Lambda needs of the role to put the function into a VPC, and the function's code may not use.

    AWS's managed policy AWSLambdaVPCAccessExecutionRole allows the same to the code, and every log group besides.
    """
    return [
        Permission(
            sid="LookForNetworkInterfaces",
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            resource="*",
            conditions=_BY_LAMBDA_ITSELF,
            reason="Lambda finds the function's network interfaces; neither action has a resource type. "
            "The function's code can't use it.",
        ),
        Permission(
            sid="ConnectToVpc",
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resource=f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:*:*/*",
            conditions=_BY_LAMBDA_ITSELF,
            reason="Lambda makes and removes the function's network interfaces; their ids aren't known before, it "
            "doesn't work with fewer of the region's, and a shared subnet is another account's. "
            "The function's code can't use it.",
        ),
    ]


def encrypt_log(log_group: logs.LogGroup) -> iam.PolicyStatement:
    """For the key's own policy: CloudWatch Logs may use the key for this log group, and for no other."""
    return iam.PolicyStatement(
        sid="EncryptPartnerAccountLog",
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": _names_of(log_group)}},
    )


def _names_of(log_group: logs.LogGroup) -> str:
    # The group's own ARN would close a circle: the group needs the key. CloudFormation names a group after its stack.
    stack = Stack.of(log_group)
    known = not Token.is_unresolved(stack.stack_name)
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{stack.stack_name}-*" if known else "*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
