"""The same with `custom_resources.Provider`: CDK's framework calls a custom function, which includes boto3."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import custom_resources as cr
from constructs import Construct

from benchmarks.apps import Declared, synthesize
from benchmarks.apps.own_function import declare_partner, own_function


class PartnerProvider(Construct):
    """One per stack."""

    def __init__(self, stack: cdk.Stack, secret: secretsmanager.ISecret) -> None:
        """Create the function behind the framework."""
        super().__init__(stack, "PartnerProvider")
        function = own_function(self, "provider_framework.handler", secret)
        self.service_token = cr.Provider(self, "Framework", on_event_handler=function).service_token


def declare(stack: cdk.Stack, name: str, declared: Declared) -> None:
    """Declare one partner."""
    declare_partner(stack, name, declared, lambda secret: _provider(stack, secret).service_token)


def _provider(stack: cdk.Stack, secret: secretsmanager.ISecret) -> PartnerProvider:
    found = stack.node.try_find_child("PartnerProvider")
    return cast("PartnerProvider", found) if found else PartnerProvider(stack, secret)


if __name__ == "__main__":
    synthesize(declare)
