"""An app with a function of CDK's that may read a secret, and no partner: the cost of any custom function."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from benchmarks.apps import SECRET, Declared, synthesize
from benchmarks.apps.own_function import own_function


def declare(stack: cdk.Stack, name: str, _declared: Declared) -> None:
    """Declare the function."""
    own_function(stack, "floor.handler", secretsmanager.Secret.from_secret_name_v2(stack, f"{name}Code", SECRET))


if __name__ == "__main__":
    synthesize(declare)
