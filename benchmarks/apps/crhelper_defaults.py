"""The same with crhelper and its defaults, as in its README and tutorials: one function that includes boto3."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

from benchmarks.apps import Declared, synthesize
from benchmarks.apps.own_function import FUNCTION, declare_partner, own_function


def declare(stack: cdk.Stack, name: str, declared: Declared) -> None:
    """Declare one partner."""
    declare_partner(stack, name, declared, lambda secret: _function(stack, secret).function_arn)


def _function(stack: cdk.Stack, secret: secretsmanager.ISecret) -> lambda_.Function:
    found = stack.node.try_find_child(FUNCTION)
    if found:
        return cast("lambda_.Function", found)
    return own_function(stack, "crhelper_defaults.handler", secret)


if __name__ == "__main__":
    synthesize(declare)
