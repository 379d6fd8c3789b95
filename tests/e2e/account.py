"""An AWS account of its own on the local AWS, in which the real cdk CLI deploys an app."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from partner_account_rehearsal.cdk import Cdk, CommandResult
from partner_account_rehearsal.local_aws import LocalAws

ROOT = Path(__file__).parents[2]
BOOTSTRAP = ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
EMAIL = "alliances@example.com"
SECRET = "code"
VALUES = {
    "catalog": "AWS",
    "primary_solution_type": "SOFTWARE_PRODUCTS",
    "first_name": "Jane",
    "last_name": "Doe",
    "email": EMAIL,
    "business_title": "Alliance Lead",
    "verification_code_secret": SECRET,
    "company_is_new_to_apn": "true",
}
"""Of the example app; the legal name is each account's own."""
CLI_CONTEXT = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:version-reporting": True,
    "aws:cdk:bundling-stacks": ["**"],
    "@aws-cdk/core:failSynthOnValidationErrors": False,
}
"""What the cdk CLI adds to an app's context; test_rehearse_own_app compares it."""

_LAMBDAS_LINES = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
_SECONDS = 10.0
_numbers = count(200000000001)


def path_with_locked_cdk(path: str) -> str:
    """The PATH with the cdk CLI of `package-lock.json` before all others."""
    return f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{path}"


class CdkAccount:
    """An AWS account of its own on the local AWS, in which an app is deployed."""

    def __init__(
        self, aws: LocalAws, add_stacks: Callable[[cdk.App], object], region: str = "us-east-1", **values: str
    ) -> None:
        """Bootstrap a new account for CDK; `add_stacks` makes the app, and `values` are its context."""
        self.number = str(next(_numbers))
        modules = os.pathsep.join(filter(None, (str(ROOT), aws.environment.get("PYTHONPATH"))))
        own = {"PATH": path_with_locked_cdk(aws.environment["PATH"]), "PYTHONPATH": modules}
        there = aws.at(region, self.number)
        self.aws = replace(there, environment={**there.environment, **own})
        self.values = values
        # A legal name is unique among all accounts.
        self.legal_name = f"Example Corp {self.number}"
        self.folder = aws.folder / self.number
        self.folder.mkdir()
        self._add_stacks = add_stacks
        self._cdk = Cdk(self.folder, self.folder, self.aws.environment)
        self._bootstrap()
        self._seen = len(aws.partner_central.requests())

    def _bootstrap(self) -> None:
        """Deploy what `cdk bootstrap` does, without its Node.js: rehearsals and the tutorial run the command."""
        cloudformation = self.aws.client("cloudformation")
        policies = "arn:aws:iam::aws:policy/AdministratorAccess"
        cloudformation.create_stack(
            StackName="CDKToolkit",
            TemplateBody=BOOTSTRAP.read_text(),
            Parameters=[{"ParameterKey": "CloudFormationExecutionPolicies", "ParameterValue": policies}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName="CDKToolkit", WaiterConfig={"Delay": 1})

    def store_code(self, code: str | None = None, email: str = EMAIL) -> str:
        """Keep a code in Secrets Manager; by default the one that Partner Central sends to the address."""
        if code is None:
            self.partner_central.send_email_verification_code(Catalog="AWS", Email=email)
            code = self.aws.partner_central.outbox()[-1].code
        secrets = self.aws.client("secretsmanager")
        if not secrets.list_secrets()["SecretList"]:
            secrets.create_secret(Name=SECRET)
        secrets.put_secret_value(SecretId=SECRET, SecretString=code)
        return code

    def synthesize(self, **context: str) -> None:
        """Write the app's cloud assembly with the account's values; `context` says what is different this time.

        In this process: for each `cdk synth` a Python and a Node.js would start. Rehearsals run the app by the CLI.
        """
        values = CLI_CONTEXT | {"legal_name": self.legal_name} | self.values | context
        app = cdk.App(outdir=str(self.folder / "cdk.out"), context=values)
        self._add_stacks(app)
        app.synth()

    def cdk(self, *arguments: str) -> CommandResult:
        """Run the CLI on the assembly; what Partner Central receives meanwhile is what `changes` returns."""
        self._seen = len(self.aws.partner_central.requests())
        return self._cdk.run(*arguments, "--app", str(self.folder / "cdk.out"))

    def deploy(self, *arguments: str, **context: str) -> CommandResult:
        """Synthesize the app and deploy it, by default all stacks; `arguments` are stacks and options of the CLI."""
        self.synthesize(**context)
        return self.cdk("deploy", *(arguments or ["--all"]), "--require-approval", "never")

    def deploy_successfully(self, *arguments: str, **context: str) -> CommandResult:
        """The same; it has to succeed."""
        result = self.deploy(*arguments, **context)
        assert result.exit_code == 0, result.output
        return result

    def requests(self) -> list[str]:
        """What Partner Central has received since the last command began."""
        return [str(request) for request in self.aws.partner_central.requests(since=self._seen)]

    def changes(self) -> list[str]:
        """The part of it that may have changed something."""
        return [str(request) for request in self.aws.partner_central.requests(since=self._seen) if request.writes]

    @property
    def partner_central(self) -> Any:
        """Partner Central as this account sees it."""
        return self.aws.client("partnercentral-account")

    def partners(self) -> list[str]:
        """The ARNs of all its partners in catalog AWS."""
        return [one["Arn"] for one in self.partner_central.list_partners(Catalog="AWS")["PartnerSummaryList"]]

    def contact(self) -> Mapping[str, str]:
        """Its only partner's contact."""
        (arn,) = self.partners()
        answer = self.partner_central.get_alliance_lead_contact(Catalog="AWS", Identifier=arn)
        contact: Mapping[str, str] = answer["AllianceLeadContact"]
        return contact

    def stack(self, name: str = "PartnerAccount") -> Mapping[str, Any]:
        """A stack as CloudFormation describes it."""
        described: Mapping[str, Any] = self.aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return described

    def outputs(self, stack: str = "PartnerAccount") -> dict[str, str]:
        """The outputs of a stack."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(stack)["Outputs"]}

    def resources(self, stack: str = "PartnerAccount") -> dict[str, str]:
        """The ARNs of a stack's partners by logical id."""
        client = self.aws.client("cloudformation")
        found = client.describe_stack_resources(StackName=stack)["StackResources"]
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in found
            if one["ResourceType"] == "Custom::PartnerAccount"
        }

    def log(self, requests: int) -> list[dict[str, Any]]:
        """What its function has logged, as soon as so many requests are over; Lambda's own lines left out.

        MiniStack empties the log, which AWS would retain, when the stack is created again.
        """
        logs = self.aws.client("logs")
        deadline = time.monotonic() + _SECONDS
        while True:
            groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
            events = [event for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
            messages = [event["message"] for event in sorted(events, key=lambda event: event["timestamp"])]
            # On a busy machine MiniStack may write Lambda's last line before the function's.
            if all(sum(mark in message for message in messages) >= requests for mark in ("REPORT ", '"outcome": ')):
                own = "\n".join(message for message in messages if not message.startswith(_LAMBDAS_LINES))
                return [json.loads(line) for line in own.splitlines()]
            assert time.monotonic() < deadline, f"only {messages} after {_SECONDS} s"
            time.sleep(0.1)
