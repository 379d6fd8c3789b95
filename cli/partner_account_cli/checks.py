"""What `doctor` checks, in this order; each check only reads. How findings look, and what follows, is not here."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from partner_account_cli import code_store, iam, partners, verification
from partner_account_cli.aws import PARTNER_CENTRAL_REGION, Access
from partner_account_cli.code_store import CodeStore, Content
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import allow, explain, is_denied, reason_of
from partner_account_handler.identity import OWNER_TAG

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
    """It could not be found out."""


@dataclass(frozen=True)
class Finding:
    """What a check found out.

    Attributes:
        status: passed, failed or unknown.
        text: what was seen.
        remedy: what to do about it, or what to be careful of.
        link: where a human goes on.
    """

    status: CheckStatus
    text: str
    remedy: str = ""
    link: str = ""


_passed = partial(Finding, CheckStatus.PASSED)
_failed = partial(Finding, CheckStatus.FAILED)
_unknown = partial(Finding, CheckStatus.UNKNOWN)


class DoctorRun:
    """One account, checked for one caller. Later checks use what the earlier ones have read."""

    def __init__(self, access: Access, catalog: str, store: CodeStore | None, email: str | None) -> None:
        """Prepare; nothing is asked yet."""
        self.blocked_by = ""
        self._access = access
        self._catalog = catalog
        self._store = store
        self._email = email
        self._caller = ""
        self._account = ""
        self._read: dict[str, Any] = {}

    def checks(self) -> Iterator[tuple[str, Callable[[], Finding]]]:
        """The checks by their names, in order."""
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
            ("contact's address", self._contact_address, in_aws),
            ("existing partner", self._existing_partner, True),
            ("verification code", self._verification_code, True),
        ):
            if is_needed:
                yield name, partial(_unknown, self.blocked_by) if self.blocked_by else check

    def questions(self) -> Iterator[str]:
        """What no call tells, and a human must answer before a partner is created: docs/what-it-means.md."""
        if self._catalog == "Sandbox":
            return
        account = self._account or "this AWS account"
        yield (
            "Is the company an AWS Partner already, perhaps with an account that was never migrated? Then migrate it: "
            "a new registration replaces its historical partner data, and ListPartners may not show it."
        )
        yield "May you accept the AWS Partner Central and ACE terms for the company? Creating the partner accepts them."
        yield (
            f"Is {account} the company's account for good, and nobody's own, nor for development or tests? It pays the "
            "yearly APN fee, its billing address becomes the headquarters, and all Partner Central users get into it."
        )
        yield "Does the contact's address outlive its owner's job? AWS recommends a shared alias."

    def _credentials(self) -> Finding:
        try:
            identity = self._access.client("sts", PARTNER_CENTRAL_REGION).get_caller_identity()
        except _ERRORS as error:
            problem = explain(error)
            if isinstance(error, NoConnectionError | HTTPClientError):
                return _unknown(str(problem), problem.remedy)
            self.blocked_by = "can't be asked without credentials"
            return _failed(str(problem), problem.remedy)
        self._caller, self._account = identity["Arn"], identity["Account"]
        return _passed(f"account {self._account}, as {self._caller}")

    def _endpoint(self) -> Finding:
        called: list[str] = []
        try:
            client = self._access.partner_central()
            # `meta.endpoint_url` is another address than the one that botocore sends the call to.
            client.meta.events.register("before-call", lambda params, **_: called.append(params["url"].rstrip("/")))
            self._try("ListPartners", lambda: partners.list_arns(client, self._catalog))
        except (BotoCoreError, ValueError) as error:
            problem = explain(error)
            self.blocked_by = "can't be asked, since the endpoint was not reached"
            return _failed(str(problem), problem.remedy)
        return _passed(f"{called[0]} answers")

    def _permissions_to_read(self) -> Finding:
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

    def _permissions_to_act(self) -> Finding:
        """What the caller itself has to do. What a deployment does, the function's role is allowed by the construct."""
        region = {"aws:RequestedRegion": PARTNER_CENTRAL_REGION}
        requests: list[iam.SimulatedRequest] = [
            ("partnercentral:SendEmailVerificationCode", {**region, "partnercentral:Catalog": "AWS"})
        ]
        requests += [  # they name no catalog
            ("partnercentral:StartVerification", {**region, "partnercentral:VerificationType": name})
            for kind, name in verification.TYPES.items()
            if self._verification_status(kind) != "SUCCEEDED"
        ]
        operations = ", ".join(dict.fromkeys(action.partition(":")[2] for action, _ in requests))
        client = self._access.client("iam", PARTNER_CENTRAL_REGION)
        simulated = iam.simulate(client, self._caller, requests) if self._caller else None
        if simulated is None:
            return _unknown(
                f"only doing it would tell of {operations}",
                "With iam:SimulatePrincipalPolicy (and iam:GetRole) allowed, IAM would be asked.",
            )
        denied, undecided = simulated
        if denied:
            return _failed(f"IAM denies {', '.join(denied)}", allow(", ".join(denied)))
        if undecided:
            keys = ", ".join(dict.fromkeys(key for missing in undecided.values() for key in missing))
            return _unknown(
                f"IAM can't tell of {', '.join(undecided)}: the policies ask for {keys}",
                "Which value a real request has is not known here: only doing it would tell.",
            )
        return _passed(f"IAM allows {operations}; CreatePartner is called by the function's role, not by you")

    def _verification_status(self, kind: str) -> str:
        seen = self._read.get(f"GetVerification {kind}")
        return str(seen["VerificationStatus"]) if isinstance(seen, dict) else ""

    def _verification(self, kind: str) -> Finding:
        status = self._verification_status(kind)
        if not status:
            return _unknown("could not be read")
        seen = self._read[f"GetVerification {kind}"]
        text = ", ".join(filter(None, (status, seen.get("VerificationStatusReason", ""))))
        if status == "SUCCEEDED":
            return _passed(text)
        if self._catalog == "Sandbox":
            return _unknown(f"{text}; it is documented nowhere whether the Sandbox asks for it")
        return _failed(text, *verification.next_step(kind, seen))

    def _account_plan(self) -> Finding:
        try:
            plan = self._access.client("freetier", PARTNER_CENTRAL_REGION).get_account_plan_state()
        except _ERRORS as error:
            return _unknown(
                f"AWS doesn't tell ({explain(error)})",
                "A paid plan in good standing is needed: see Billing, or allow freetier:GetAccountPlanState.",
            )
        text = f"{plan['accountPlanType']}, {plan['accountPlanStatus']}"
        if plan["accountPlanType"] != "PAID":
            return _failed(text, "Move the AWS account to a paid plan.")
        return _passed(text)

    def _organization(self) -> Finding:
        try:
            organization = self._access.client("organizations", PARTNER_CENTRAL_REGION).describe_organization()
        except _ERRORS as error:
            if reason_of(error) == "AWSOrganizationsNotInUseException":
                return _passed("the account is in no organization")
            return _unknown(
                f"AWS doesn't tell ({explain(error)})",
                "AWS recommends a member account, not the management account: see AWS Organizations, or allow "
                "organizations:DescribeOrganization.",
            )
        if organization["Organization"].get("MasterAccountId") == self._account:
            return _unknown(
                "this is the management account of the organization",
                "AWS recommends a member account, since every Partner Central user gets into it. Is it meant?",
            )
        return _passed("a member account of the organization")

    def _contact_address(self) -> Finding:
        if not self._email:
            return _unknown("no address is named", "Add --email.")
        if _SHARED_ALIAS.fullmatch(self._email.partition("@")[0].lower()):
            return _passed("looks like a shared alias")
        return _unknown(
            "looks like a person's",
            "AWS recommends a shared alias, such as alliances@example.com: it stays when the person leaves.",
        )

    def _existing_partner(self) -> Finding:
        found = [seen for seen in self._read.values() if isinstance(seen, partners.PartnerRecord)]
        listed = self._read["ListPartners"]
        if isinstance(listed, Exception) or len(found) < len(listed):
            return _unknown("could not be read")
        if not found and self._catalog == "Sandbox":
            return _passed("none in catalog Sandbox: a deployment creates it")
        if not found:
            return _unknown(
                "none is listed in catalog AWS; an account that was never migrated may not be listed",
                "A company that is an AWS Partner already must migrate it. If it has none, a deployment creates one.",
            )
        text = ", ".join(f"{seen.members['Id']} ({self._whose(seen)})" for seen in found)
        if all(OWNER_TAG in seen.members.get("Tags", {}) for seen in found):
            return _passed(f"{text}: a deployment of that stack finds it")
        if self._catalog == "Sandbox" or any("Tags" in seen.unread for seen in found):
            return _unknown(f"{text}; a deployment takes it if it is its own")
        return _failed(
            f"{text}: a deployment refuses to create beside it",
            "Set existing_partner_id to adopt it.",
        )

    def _whose(self, partner: partners.PartnerRecord) -> str:
        if OWNER_TAG in partner.members.get("Tags", {}):
            return "of a stack"
        if self._catalog == "Sandbox" or "Tags" in partner.unread:
            return str(partner.members["LegalName"])
        return "not of a stack"

    def _verification_code(self) -> Finding:
        if self._catalog == "Sandbox":
            return _passed("the Sandbox takes any six digits")
        if self._store is None:
            return _unknown("no store is named", "Add --secret-id or --parameter.")
        try:
            stored = code_store.read(self._access.client, self._store)
        except _ERRORS as error:
            return self._unread_code(self._store, error)
        if stored.content is Content.NOTHING:
            return _failed(f"{self._store} holds nothing", self._how_to_store(self._store))
        if stored.content is not Content.CODE:
            # Never by overwriting it: a mistyped name may have led to somebody's password.
            return _failed(f"{self._store} holds {stored.content}", f"{self._store.instead_of(stored.content)}.")
        return _passed(
            f"{self._store} holds six digits, stored {_ago(stored.since)}; only a call tells whether they are valid",
            stored.caution,
        )

    def _unread_code(self, store: CodeStore, error: Exception) -> Finding:
        problem = explain(error)
        if is_denied(error):
            return _unknown(f"{store} can't be read by this identity, but perhaps by the function")
        if reason_of(error) not in code_store.NOT_THERE:
            return _failed(str(problem), problem.remedy)
        create = "" if store.is_arn else " --create"
        return _failed(str(problem), f"{self._how_to_store(store)}{create}. {store.caution}".removesuffix(". "))

    def _how_to_store(self, store: CodeStore) -> str:
        return f"Store it: partner-account store-code {store.option}{self._access.options}"


def _ago(since: datetime) -> str:
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}{'s' * (minutes // length > 1)} ago"
    return "within the last hour" if minutes else "just now"
