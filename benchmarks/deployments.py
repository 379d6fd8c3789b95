"""Time and Partner Central requests of each step in the life of a stack, with the real cdk CLI on a local AWS."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks.apps import ATTRIBUTES, CATALOG, SECRET
from benchmarks.contenders import ALL, AWS_CUSTOM_RESOURCE, CRHELPER, NODE_MODULES, ROOT, Contender, turned
from benchmarks.series import Results
from partner_account_rehearsal.cdk import Cdk, CommandResult
from partner_account_rehearsal.local_aws import REGION, LocalAws, local_aws

STACK = "Bench0"
EMAIL = "jane.doe@example.com"
_SLEEP = 140
"""Seconds of crhelper's Delete, which by default sleeps for 120 of them; so it is measured once."""
STEPS = ("deploy", "no-op deploy", "update", "destroy")

_accounts = count(300000000001)


@dataclass(frozen=True)
class ContenderAccount:
    """An AWS account of its own for one contender's app.

    Attributes:
        contender: whose app it is.
        aws: the local AWS as this account sees it.
        cdk: the CLI, on the app.
        context: the app's values.
    """

    contender: Contender
    aws: LocalAws
    cdk: Cdk
    context: Mapping[str, str]

    def run(self, step: str) -> CommandResult:
        """Run one step of the stack's life."""
        if step == "destroy":
            return self.cdk.run("destroy", "--all", "--force", context=self.context)
        changes = {"business_title": "Head of Alliances"} if step == "update" else {}
        arguments = ["deploy", "--all", "--require-approval", "never", *self._parameters(step)]
        return self.cdk.run(*arguments, context={**self.context, **changes})

    def _parameters(self, step: str) -> list[str]:
        if self.contender is not AWS_CUSTOM_RESOURCE or step != "deploy":
            return []
        return ["--parameters", f"Code={self.aws.partner_central.outbox()[-1].code}"]

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        stack = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@dataclass(frozen=True)
class Deployments:
    """Deploys, and records the cost.

    Attributes:
        results: where it is recorded.
        assets: the functions' code.
    """

    results: Results
    assets: Mapping[Contender, Path]

    def time_all(self, rounds: int, until: float) -> None:
        """Run each contender's whole life in each round, so that a slow minute of the machine affects them all.

        No round begins that might not end before the monotonic clock shows `until`.
        """
        with local_aws() as aws:
            sleepers: list[ContenderAccount] = []
            for number in range(rounds):
                began = time.monotonic()
                for contender in turned(ALL, number):
                    with self.results.attempt("life of a stack", contender.name):
                        sleepers += self._live(self._account(contender, aws), is_first=number == 0)
                now = time.monotonic()
                if now + (now - began) + _SLEEP > until:
                    break
            for account in sleepers:
                with self.results.attempt("destroy", account.contender.name):
                    self._step(account, "destroy", is_first=True)

    def _account(self, contender: Contender, aws: LocalAws) -> ContenderAccount:
        number = str(next(_accounts))
        folder = aws.folder / number
        folder.mkdir()
        programs = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{aws.environment['PATH']}"
        own = {"AWS_ACCESS_KEY_ID": number, "PATH": programs, "PYTHONPATH": str(ROOT)}
        here = replace(aws, environment={**aws.environment, **own})
        context = {
            "company": f"Example Corp {number}",
            "asset": str(self.assets.get(contender, "")),
            "node_path": str(NODE_MODULES),
        }
        account = ContenderAccount(contender, here, Cdk(folder, folder, here.environment), context)
        _require_success(account.cdk.run("bootstrap", f"aws://{number}/{REGION}"))  # as long as there is no app
        (folder / "cdk.json").write_text(json.dumps({"app": f"python -m benchmarks.apps.{contender.name}"}))
        here.client("partnercentral-account").send_email_verification_code(Catalog=CATALOG, Email=EMAIL)
        code = here.partner_central.outbox()[-1].code
        here.client("secretsmanager").create_secret(Name=SECRET, SecretString=code)
        return account

    def _live(self, account: ContenderAccount, *, is_first: bool) -> list[ContenderAccount]:
        """Measure all steps; returns what is still to be destroyed."""
        created: Mapping[str, str] = {}
        for step in STEPS:
            if step == "destroy" and account.contender is CRHELPER:
                return [account] if is_first else []
            self._step(account, step, is_first=is_first)
            if step == "deploy":
                created = account.outputs()
                _require_partner(created)
            elif step != "destroy" and account.outputs() != created:
                raise RuntimeError(f"after the {step} the outputs are {account.outputs()}")
        return []

    def _step(self, account: ContenderAccount, step: str, *, is_first: bool) -> None:
        name = account.contender.name
        seen = len(account.aws.partner_central.requests())
        began = time.monotonic()
        _require_success(account.run(step))
        self.results.add("wall", step, name, time.monotonic() - began)
        if is_first:
            asked = len(account.aws.partner_central.requests(since=seen))
            self.results.add("requests to Partner Central", step, name, asked)


def _require_success(result: CommandResult) -> None:
    if result.exit_code:
        raise RuntimeError(f"cdk failed: {result.output[-400:]}")


def _require_partner(outputs: Mapping[str, str]) -> None:
    if not outputs.get("Partner0Arn", "").endswith(outputs.get("Partner0Id", "?")) or len(outputs) != len(ATTRIBUTES):
        raise RuntimeError(f"the outputs are {outputs}")
