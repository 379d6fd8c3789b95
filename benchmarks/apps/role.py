"""An app with one IAM role: the minimum that triggers CDK's check of the template."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from benchmarks.apps import Declared, synthesize


def declare(stack: cdk.Stack, name: str, _declared: Declared) -> None:
    """Declare a role for a function."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    iam.CfnRole(stack, name, assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]})


if __name__ == "__main__":
    synthesize(declare)
