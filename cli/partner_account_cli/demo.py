"""`partner-account demo`: the life of a partner account, told and checked step by step on a local AWS."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from partner_account_cli.cdk import Cdk
from partner_account_cli.local_aws import ACCOUNT, REGION, LocalAws, local_aws
from partner_account_cli.narration import Narrator
from partner_account_cli.processes import ProcessError

CATALOG = "AWS"
EMAIL = "jane.doe@example.com"
SECRET = "partner-account/email-verification-code"  # noqa: S105 - the name of one
CONTEXT = {
    "catalog": CATALOG,
    "legal_name": "Example Corp",
    "primary_solution_type": "SOFTWARE_PRODUCTS",
    "first_name": "Jane",
    "last_name": "Doe",
    "email": EMAIL,
    "business_title": "Alliance Lead",
    "verification_code_secret": SECRET,
}
PROMOTED = CONTEXT | {"business_title": "Head of Alliances"}

Outputs = Mapping[str, Mapping[str, str]]


class DemoError(Exception):
    """A step failed, or did something else than the demo promises."""


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Attributes:
        title: what it does, in plain words.
        act: does it, or raises DemoError.
        writes: the requests by which it changes something at Partner Central; there may be no others.
    """

    title: str
    act: Callable[[], None]
    writes: Sequence[str] = ()


@click.command()
@click.option("--keep", is_flag=True, help="Leave the local AWS running in the end, and tell how to use it.")
def demo(*, keep: bool) -> None:
    """Deploy the example app in this directory, on a simulated AWS on this machine."""
    if not Path("cdk.json").exists():
        raise click.ClickException("there is no cdk.json here: run this in the directory of the example app")
    try:
        tell(Path.cwd(), keep=keep)
    except (DemoError, ProcessError) as error:
        raise click.ClickException(str(error)) from error


def tell(app: Path, *, keep: bool) -> None:
    """Tell the whole story with the app in the directory `app`; `keep` leaves its local AWS running.

    Raises:
        DemoError: a step failed, or did something else than it should.
        ProcessError: a program is missing or did not start.
    """
    narrator = Narrator()
    with ExitStack() as running:
        with narrator.step("Start AWS and Partner Central on this machine"):
            aws = running.enter_context(local_aws())
        Demo(aws, app, narrator).run()
        narrator.conclude("One partner account was created, and never a second one.")
        if keep:
            aws.keep()
            narrator.dictate("To use this AWS in a terminal:", aws.directions())
            narrator.dictate("To end it:", [aws.farewell()])


class Demo:
    """The story of one partner account, from the e-mail with the code to the partner found again."""

    def __init__(self, aws: LocalAws, app: Path, narrator: Narrator) -> None:
        """Prepare to deploy the app in the directory `app` to `aws`."""
        self._aws = aws
        self._cdk = Cdk(app, aws.folder, aws.environment)
        self._narrator = narrator
        self._created: Outputs = {}

    def run(self) -> None:
        """Tell the story.

        Raises:
            DemoError: a step failed, or did something else than it should.
        """
        steps = self._steps()
        for number, step in enumerate(steps, 1):
            with self._narrator.step(f"{number}/{len(steps)} {step.title}"):
                self._perform(step)

    def _steps(self) -> list[Step]:
        return [
            Step("Ask Partner Central for a verification code", self._request_code, ["SendEmailVerificationCode"]),
            Step("Store the code in Secrets Manager", self._store_code),
            Step("Prepare the account for CDK (cdk bootstrap)", self._bootstrap),
            Step("Create the partner account (cdk deploy)", self._create, ["CreatePartner"]),
            Step("Deploy again, with nothing changed", self._repeat),
            Step("Give the contact a new business title (cdk deploy)", self._promote, ["PutAllianceLeadContact"]),
            Step("Destroy both stacks (cdk destroy)", self._destroy),
            Step("Look for the partner: nobody can delete one, so it is still there", self._look),
            Step("Deploy once more: the same partner is found, and no second one created", self._recreate),
        ]

    def _perform(self, step: Step) -> None:
        already = len(self._aws.partner_central.requests())
        step.act()
        received = self._aws.partner_central.requests(since=already)
        self._narrator.tell(f"Partner Central received: {', '.join(map(str, received)) or 'nothing'}", "cyan")
        expect_equal(
            "the requests that change something", [r.operation for r in received if r.writes], list(step.writes)
        )

    def _request_code(self) -> None:
        self._partner_central().send_email_verification_code(Catalog=CATALOG, Email=EMAIL)
        mail = self._aws.partner_central.outbox()[-1]
        self._narrator.quote(f"To: {mail.email}")
        self._narrator.quote(f"Your verification code is {mail.code}.")

    def _store_code(self) -> None:
        code = self._aws.partner_central.outbox()[-1].code
        self._aws.client("secretsmanager").create_secret(Name=SECRET, SecretString=code)
        self._narrator.tell(f"The secret {SECRET} holds it; the app is told its name alone.")

    def _bootstrap(self) -> None:
        self._run_cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def _create(self) -> None:
        self._created = self._deploy(CONTEXT)
        partner = {
            name.removeprefix("Partner"): value for name, value in self._created.get("PartnerAccount", {}).items()
        }
        for name, value in partner.items():
            self._narrator.tell(f"{name}: {value}", "bold")
        expect_equal("what the second stack read", self._created.get("PartnerReader"), partner)

    def _repeat(self) -> None:
        expect_equal("the outputs", self._deploy(CONTEXT), self._created)

    def _promote(self) -> None:
        expect_equal("the outputs", self._deploy(PROMOTED), self._created)

    def _destroy(self) -> None:
        self._run_cdk("destroy", "--all", "--force", context=PROMOTED)

    def _look(self) -> None:
        partners = self._partner_central().list_partners(Catalog=CATALOG)["PartnerSummaryList"]
        arns = [partner["Arn"] for partner in partners]
        self._narrator.tell(", ".join(arns))
        expect_equal("the partners of the account", arns, [self._created["PartnerAccount"]["PartnerArn"]])

    def _recreate(self) -> None:
        expect_equal("the outputs", self._deploy(PROMOTED), self._created)

    def _deploy(self, context: Mapping[str, str]) -> Outputs:
        """Deploy both stacks, and return the outputs of each."""
        outputs = self._aws.folder / "outputs.json"
        options = ("--all", "--require-approval", "never", "--outputs-file", str(outputs))
        self._run_cdk("deploy", *options, context=context)
        read: Outputs = json.loads(outputs.read_text())
        return read

    def _run_cdk(self, *arguments: str, context: Mapping[str, str] | None = None) -> None:
        result = self._cdk.run(*arguments, context=context, echo=self._narrator.quote)
        if result.exit_code:
            raise DemoError(f"cdk {arguments[0]} failed with exit code {result.exit_code}")

    def _partner_central(self) -> Any:
        return self._aws.client("partnercentral-account")


def expect_equal(what: str, found: object, expected: object) -> None:
    """Refuse to go on with a story that isn't true."""
    if found != expected:
        raise DemoError(f"{what} should be {expected}, but are {found}")
