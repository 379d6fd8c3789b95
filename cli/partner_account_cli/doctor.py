"""`partner-account doctor`: whether a partner account can be deployed. It reads, and changes nothing."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from partner_account_cli import partners, rendering, verification
from partner_account_cli.aws import Access
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import allow, explain, is_denied, reason_of
from partner_account_cli.options import aws_options, catalog_option, email_option, output_option
from partner_account_cli.verification_code import (
    NOT_THERE,
    NamedStore,
    StoreContent,
    caution_of_name,
    read_store,
    store_options,
)
from partner_account_handler.identity import OWNER_TAG
from partner_account_handler.service import SERVICE_REGION

# Each word of an address's local part must be one of these, alone or joined: jane.sales@ is a person's.
_SHARED_ALIAS = re.compile(
    r"(?:[^a-z]*(?:alliances?|apn|aws|business|channel|cloud|contact|hello|info|it|legal|marketplace|office"
    r"|partners?(?:hips?)?|sales|team))+[^a-z]*"
)
_ERRORS = (ClientError, BotoCoreError, ResponseParserError, CommandError, ValueError)


class CheckStatus(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    """A deployment would fail."""
    UNKNOWN = "unknown"
    """It could not be determined."""


_STYLES = {CheckStatus.PASSED: rendering.GOOD, CheckStatus.FAILED: rendering.BAD, CheckStatus.UNKNOWN: rendering.OPEN}
_WIDTH = max(map(len, CheckStatus))


@dataclass(frozen=True)
class CheckResult:
    """What a check found, its remedy or a caution, and the URL where a human continues."""

    status: CheckStatus
    finding: str
    remedy: str = ""
    completion_url: str = ""


_passed = partial(CheckResult, CheckStatus.PASSED)
_failed = partial(CheckResult, CheckStatus.FAILED)
_unknown = partial(CheckResult, CheckStatus.UNKNOWN)


@click.command()
@catalog_option
@store_options
@email_option("The alliance lead contact's address, to check that it is a shared alias.")
@output_option
@aws_options("Partner Central")
def doctor(access: Access, *, catalog: str, store: NamedStore | None, email: str | None, output: str) -> int:
    """Check whether a partner account can be deployed.

    Each check passes, fails, or can't determine its result (unknown). Nothing is created or changed. The exit status
    is 1 if a check fails, otherwise 0. In catalog AWS, it ends with questions that no API call can answer.
    """
    run = DoctorRun(access, catalog, store, email)
    checks: list[dict[str, str]] = []
    for name, check in run.checks():
        with rendering.working(f"Checking {name}"):
            result = check()
        finding = access.without_secrets(result.finding)
        told = {"Id": name.replace(" ", "-"), "Status": result.status, "Finding": finding, "Remedy": result.remedy}
        checks.append({**told, "CompletionUrl": result.completion_url})
        if output == "text":
            style = _STYLES[result.status]
            rendering.say(f"{name}: {finding}", style, label=result.status, width=_WIDTH)
            for line in filter(None, (result.remedy, result.completion_url)):
                rendering.say(line, width=_WIDTH)
    questions = run.questions()
    if output == "json":
        asked = [{"Id": name, "Question": question} for name, question in questions.items()]
        rendering.document({"Catalog": catalog, "Checks": checks, "Questions": asked})
    elif questions:
        rendering.say("No API call answers these, and creating a partner can't be undone. Before you deploy:")
        for question in questions.values():
            rendering.say(question, rendering.OPEN, label="ask", width=_WIDTH)
    return 1 if any(check["Status"] == CheckStatus.FAILED for check in checks) else 0


class DoctorRun:
    """One account, checked for one caller. Later checks use what earlier ones have read."""

    def __init__(self, access: Access, catalog: str, store: NamedStore | None, email: str | None) -> None:
        """Prepare; nothing is called yet."""
        self._access = access
        self._catalog = catalog
        self._store = store
        self._email = email
        self._caller = ""
        self._account = "this AWS account"
        self._blocked_by = ""
        self._read: dict[str, Any] = {}

    def checks(self) -> Iterator[tuple[str, Callable[[], CheckResult]]]:
        """The checks by their names, in order; each only reads."""
        in_aws = self._catalog == "AWS"
        yield "credentials", self._credentials
        for name, check, is_needed in (
            ("endpoint", self._endpoint, True),
            ("permissions to read", self._permissions_to_read, True),
            ("permissions to act", self._permissions_to_act, in_aws),
            ("business verification", partial(self._verification, "business"), True),
            ("registrant verification", partial(self._verification, "registrant"), True),
            ("account plan", self._account_plan, True),
            ("organization", self._organization, in_aws),
            ("contact address", self._contact_address, in_aws or bool(self._email)),
            ("existing partner", self._existing_partner, True),
            ("verification code", self._verification_code, True),
        ):
            if is_needed:
                yield name, partial(_unknown, self._blocked_by) if self._blocked_by else check
        for seen in self._partners():
            if seen.members.get("ProfileTask", {}).get("Status") == "IN_PROGRESS":
                yield "profile task", partial(self._running_task, seen)

    def questions(self) -> dict[str, str]:
        """What only a human can answer before a partner is created: docs/what-it-means.md."""
        if self._catalog == "Sandbox":
            return {}
        return {
            "existing-partner": (
                "Is the company an AWS Partner already, perhaps with an account that was never migrated? Then migrate "
                "it: a new registration replaces its historical partner data, and ListPartners may not show it."
            ),
            "terms": (
                "Are you authorized to accept the AWS Partner Central and ACE terms for the company? Creating the "
                "partner accepts them."
            ),
            "account": (
                f"Is {self._account} the company's permanent account, and not a personal, development or test "
                "account? It pays the yearly APN fee, its billing address becomes the headquarters, and all Partner "
                "Central users get access to it."
            ),
            "contact-address": (
                "Does the contact's address stay valid if its owner leaves? AWS recommends a shared alias."
            ),
        }

    def _credentials(self) -> CheckResult:
        try:
            identity = self._access.client("sts", SERVICE_REGION).get_caller_identity()
        except _ERRORS as error:
            problem = explain(error)
            if isinstance(error, NoConnectionError | HTTPClientError):
                return _unknown(str(problem), problem.remedy)
            self._blocked_by = "can't be checked without credentials"
            return _failed(str(problem), problem.remedy)
        self._caller, self._account = identity["Arn"], identity["Account"]
        return _passed(f"account {self._account}, as {self._caller}")

    def _endpoint(self) -> CheckResult:
        called: list[str] = []
        try:
            client = self._access.partner_central()
            # `meta.endpoint_url` is not the address that botocore sends the call to.
            client.meta.events.register("before-call", lambda params, **_: called.append(params["url"].rstrip("/")))
            self._try("ListPartners", partial(partners.list_arns, client, self._catalog))
        except (BotoCoreError, ValueError) as error:
            problem = explain(error)
            self._blocked_by = "can't be checked: the endpoint was not reached"
            return _failed(str(problem), problem.remedy)
        return _passed(f"{called[0]} responds")

    def _permissions_to_read(self) -> CheckResult:
        client = self._access.partner_central()
        for kind in verification.TYPES:
            self._try(f"GetVerification {kind}", partial(verification.describe, client, kind))
        for arn in self._read["ListPartners"] if isinstance(self._read["ListPartners"], list) else []:
            self._try(f"GetPartner {arn}", partial(partners.read, client, self._catalog, arn))
        failures: dict[str, Exception] = {}
        for name, result in self._read.items():
            unread = result.unread.values() if isinstance(result, partners.PartnerRecord) else [result]
            for error in unread:
                if isinstance(error, Exception):
                    failures[getattr(error, "operation_name", name)] = error
        if not failures:
            return _passed(", ".join(dict.fromkeys(name.partition(" ")[0] for name in self._read)))
        problems = [explain(error) for error in failures.values()]
        remedy = problems[0].remedy
        if all(map(is_denied, failures.values())):
            remedy = allow(", ".join(f"partnercentral:{name}" for name in failures))
        return _failed("; ".join(map(str, problems)), remedy)

    def _try(self, name: str, read: Callable[[], Any]) -> None:
        try:
            self._read[name] = read()
        except ClientError as error:
            self._read[name] = error

    def _permissions_to_act(self) -> CheckResult:
        """What the caller itself must call. The construct allows the function's role what a deployment calls."""
        requests = [("SendEmailVerificationCode", "partnercentral:Catalog", "AWS")]
        requests += [  # they name no catalog
            ("StartVerification", "partnercentral:VerificationType", name)
            for kind, name in verification.TYPES.items()
            if self._verification_status(kind) != "SUCCEEDED"
        ]
        operations = ", ".join(dict.fromkeys(operation for operation, _, _ in requests))
        denied: list[str] = []
        undecided: dict[str, list[str]] = {}
        try:
            iam = self._access.client("iam", SERVICE_REGION)
            principal = principal_of(iam, self._caller)
            for operation, key, value in requests:
                action = f"partnercentral:{operation}"
                context = {"aws:RequestedRegion": SERVICE_REGION, key: value}
                entries = [
                    {"ContextKeyName": name, "ContextKeyValues": [known], "ContextKeyType": "string"}
                    for name, known in context.items()
                ]
                (result,) = iam.simulate_principal_policy(
                    PolicySourceArn=principal, ActionNames=[action], ContextEntries=entries
                )["EvaluationResults"]
                # A key that is missing here may be in the real request, where a condition on it may be met or not.
                if missing := result.get("MissingContextValues"):
                    undecided[action] = missing
                elif result["EvalDecision"] != "allowed":
                    denied.append(action)
        except _ERRORS:
            return _unknown(
                f"only a real call to {operations} would tell",
                "Allow iam:SimulatePrincipalPolicy (and iam:GetRole) to have IAM simulate it.",
            )
        if denied:
            actions = ", ".join(dict.fromkeys(denied))
            return _failed(f"IAM denies {actions}", allow(actions))
        if undecided:
            keys = ", ".join(dict.fromkeys(key for missing in undecided.values() for key in missing))
            return _unknown(
                f"IAM can't decide on {', '.join(undecided)}: the policies depend on {keys}",
                "Their values in a real request are unknown here: only a real call would tell.",
            )
        return _passed(f"IAM allows {operations}; CreatePartner is called by the function's role, not by you")

    def _verification_status(self, kind: str) -> str:
        seen = self._read.get(f"GetVerification {kind}")
        return str(seen["VerificationStatus"]) if isinstance(seen, dict) else ""

    def _verification(self, kind: str) -> CheckResult:
        status = self._verification_status(kind)
        if not status:
            return _unknown("could not be read")
        seen = self._read[f"GetVerification {kind}"]
        text = ", ".join(filter(None, (status, seen.get("VerificationStatusReason", ""))))
        if status == "SUCCEEDED":
            return _passed(text)
        if self._catalog == "Sandbox":
            return _unknown(f"{text}; AWS doesn't document whether the Sandbox requires it")
        return _failed(text, *verification.next_step(kind, seen))

    def _account_plan(self) -> CheckResult:
        try:
            plan = self._access.client("freetier", SERVICE_REGION).get_account_plan_state()
        except _ERRORS as error:
            return _unknown(
                f"could not be read ({explain(error)})",
                "A paid plan in good standing is required: see Billing, or allow freetier:GetAccountPlanState.",
            )
        text = f"{plan['accountPlanType']}, {plan['accountPlanStatus']}"
        if plan["accountPlanType"] != "PAID":
            return _failed(text, "Upgrade the AWS account to a paid plan.")
        return _passed(text)

    def _organization(self) -> CheckResult:
        try:
            organization = self._access.client("organizations", SERVICE_REGION).describe_organization()
        except _ERRORS as error:
            if reason_of(error) == "AWSOrganizationsNotInUseException":
                return _passed("the account is not in an organization")
            return _unknown(
                f"could not be read ({explain(error)})",
                "AWS recommends a member account, not the management account: see AWS Organizations, or allow "
                "organizations:DescribeOrganization.",
            )
        if organization["Organization"].get("MasterAccountId") == self._account:
            return _unknown(
                "this is the management account of the organization",
                "AWS recommends a member account: all Partner Central users get access to it. Is it intended?",
            )
        return _passed("a member account of the organization")

    def _contact_address(self) -> CheckResult:
        if not self._email:
            return _unknown("no address is given", "Add --email.")
        if self._catalog == "Sandbox":
            return _unknown("not checked: a partner in the Sandbox is for tests")
        if _SHARED_ALIAS.fullmatch(self._email.partition("@")[0].lower()):
            return _passed("looks like a shared alias")
        return _unknown(
            "looks like a personal address",
            "AWS recommends a shared alias, such as alliances@example.com: it stays when the person leaves.",
        )

    def _existing_partner(self) -> CheckResult:
        found = self._partners()
        listed, in_sandbox = self._read["ListPartners"], self._catalog == "Sandbox"
        if isinstance(listed, Exception) or len(found) < len(listed):
            return _unknown("could not be read")
        if not found and in_sandbox:
            return _passed("none in catalog Sandbox: a deployment creates one")
        if not found:
            return _unknown(
                "none is listed in catalog AWS; an account that was never migrated may not be listed",
                "A company that is an AWS Partner already must migrate its account. Otherwise, a deployment creates a "
                "partner.",
            )
        told, all_owned, are_tags_read = [], True, True
        for seen in found:
            is_owned, tags_read = OWNER_TAG in seen.members.get("Tags", {}), "Tags" not in seen.unread
            whose = "not owned by a stack" if tags_read and not in_sandbox else seen.members["LegalName"]
            told.append(f"{seen.members['Id']} ({'owned by a stack' if is_owned else whose})")
            all_owned, are_tags_read = all_owned and is_owned, are_tags_read and tags_read
        text = ", ".join(told)
        if all_owned:
            return _passed(f"{text}: a deployment of that stack reuses it")
        if in_sandbox or not are_tags_read:
            return _unknown(f"{text}; a deployment reuses it if it owns it")
        return _failed(f"{text}: a deployment refuses to create another", "Set existing_partner_id to adopt it.")

    def _partners(self) -> list[partners.PartnerRecord]:
        return [seen for seen in self._read.values() if isinstance(seen, partners.PartnerRecord)]

    def _running_task(self, partner: partners.PartnerRecord) -> CheckResult:
        return _unknown(
            f"{partner.members['ProfileTask']['TaskId']} of {partner.members['Id']} is in progress: a deployment of a "
            "PartnerProfile continues it, replaces it if its own stack started it, or else fails",
            " ".join(partners.next_steps_of_profile(self._access, partner)[:1]),
        )

    def _verification_code(self) -> CheckResult:  # noqa: PLR0911 - one for each ending
        store = self._store
        if self._catalog == "Sandbox":
            return _passed("the Sandbox accepts any six digits")
        if store is None:
            return _unknown("no store is given", "Add --secret-id or --parameter.")
        command = f"Store it: partner-account store-code {store.options}{self._access.options}"
        try:
            stored = read_store(self._access, store)
        except _ERRORS as error:
            problem = explain(error)
            if is_denied(error):
                return _unknown(f"this identity can't read {store}, but the function may be able to")
            if reason_of(error) not in NOT_THERE:
                return _failed(str(problem), problem.remedy)
            if store.is_arn:  # which can't create a secret, and doesn't show where its name ends
                return _failed(str(problem), command)
            return _failed(str(problem), f"{caution_of_name(store.secret_id or '')} {command} --create".lstrip())
        if stored.content is StoreContent.NOTHING:
            return _failed(f"{store} holds nothing", command)
        if stored.content is not StoreContent.CODE:
            # Never by overwriting it: a mistyped name may have led to somebody's password.
            return _failed(f"{store} holds {stored.content}", f"{store.instead_of(stored.content)}.")
        return _passed(
            f"{store} holds six digits, stored {_ago(stored.since)}; only a call shows whether they are valid",
            stored.caution,
        )


def _ago(since: datetime) -> str:
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}{'s' * (minutes // length > 1)} ago"
    return "within the last hour" if minutes else "just now"


def principal_of(iam: Any, caller: str) -> str:
    """The ARN of the user or role for IAM to simulate, from the caller's own ARN.

    Raises:
        ValueError: the caller is unknown, or the root user, which IAM can't simulate.
    """
    if not caller or caller.endswith(":root"):
        raise ValueError(caller)
    # The ARN of a role's session doesn't include the role's path.
    session = re.fullmatch(r"arn:[^:]+:sts::[0-9]+:assumed-role/([^/]+)/.*", caller)
    return str(iam.get_role(RoleName=session[1])["Role"]["Arn"] if session else caller)
