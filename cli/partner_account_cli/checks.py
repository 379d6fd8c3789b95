"""What `doctor` examines, in this order; each check only reads. How findings look, and what follows, is not here."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from partner_account_cli import iam, partners, remedies, store_content, verification
from partner_account_cli.aws import PARTNER_CENTRAL_REGION, Access
from partner_account_cli.code_store import CodeStore
from partner_account_cli.errors import CommandError
from partner_account_cli.explanations import explain, is_denied, reason_of
from partner_account_cli.findings import Finding, failed, passed, unknown
from partner_account_cli.store_content import Content

_SHARED_ALIAS = re.compile(
    r"(^|[^a-z])(alliances?|apn|aws|business|cloud|contact|hello|info|it|legal|marketplace|office|partners?(hips?)?"
    r"|sales|team)([^a-z]|$)"
)
"""Local parts of addresses that look like those of several people."""

Errors = (ClientError, BotoCoreError, ResponseParserError, CommandError, ValueError)


class Examination:
    """One account, examined by one caller. Later checks use what the earlier ones have read."""

    def __init__(self, access: Access, catalog: str, store: CodeStore | None, email: str | None) -> None:
        """Prepare; nothing is asked yet."""
        self._access = access
        self._catalog = catalog
        self._store = store
        self._email = email
        self._caller = ""
        self._account = ""
        self._hindrance = ""
        self._read: dict[str, Any] = {}

    def checks(self) -> Iterator[tuple[str, Callable[[], Finding]]]:
        """The checks by their names, in order."""
        yield "credentials", self._credentials
        for name, check in self._later_checks():
            yield name, partial(self._unhindered, check)

    def _later_checks(self) -> Iterator[tuple[str, Callable[[], Finding]]]:
        yield "endpoint", self._endpoint
        yield "permissions to read", self._reading
        yield "permissions to act", self._acting
        yield "business verification", partial(self._verification, "business")
        yield "registrant verification", partial(self._verification, "registrant")
        yield "account plan", self._plan
        if self._catalog != "Sandbox":
            yield "organization", self._organization
            yield "contact's address", self._address
        yield "existing partner", self._partner
        yield "verification code", self._code

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

    def _unhindered(self, check: Callable[[], Finding]) -> Finding:
        return unknown(self._hindrance) if self._hindrance else check()

    def _credentials(self) -> Finding:
        try:
            identity = self._access.client("sts", PARTNER_CENTRAL_REGION).get_caller_identity()
        except (NoConnectionError, HTTPClientError) as error:
            problem = explain(error)
            return unknown(str(problem), problem.remedy)
        except Errors as error:
            problem = explain(error)
            self._hindrance = "can't be asked without credentials"
            return failed(str(problem), problem.remedy)
        self._caller, self._account = identity["Arn"], identity["Account"]
        return passed(f"account {identity['Account']}, as {self._caller}")

    def _endpoint(self) -> Finding:
        try:
            client = self._access.partner_central()
            self._try("ListPartners", lambda: partners.arns(client, self._catalog))
        except (BotoCoreError, ValueError) as error:
            problem = explain(error)
            self._hindrance = "can't be asked, since the endpoint was not reached"
            return failed(str(problem), problem.remedy)
        return passed(f"{client.meta.endpoint_url} answers")

    def _reading(self) -> Finding:
        client = self._access.partner_central()
        for kind in verification.TYPES:
            self._try(f"GetVerification {kind}", partial(verification.describe, client, kind))
        for arn in self._read["ListPartners"] if isinstance(self._read["ListPartners"], list) else []:
            self._try(f"GetPartner {arn}", partial(partners.partner, client, self._catalog, arn))
        failures = {name.partition(" ")[0]: error for name, error in self._errors()}
        if not failures:
            return passed(", ".join(dict.fromkeys(name.partition(" ")[0] for name in self._read)))
        problems = [explain(error) for error in failures.values()]
        remedy = problems[0].remedy
        if all(is_denied(error) for error in failures.values()):
            remedy = remedies.allow(", ".join(f"partnercentral:{name}" for name in failures))
        return failed("; ".join(map(str, problems)), remedy)

    def _errors(self) -> Iterator[tuple[str, Exception]]:
        for name, result in self._read.items():
            if isinstance(result, Exception):
                yield name, result
            elif isinstance(result, partners.Partner):
                yield from ((str(getattr(error, "operation_name", name)), error) for error in result.unread.values())

    def _try(self, name: str, read: Callable[[], Any]) -> None:
        try:
            self._read[name] = read()
        except ClientError as error:
            self._read[name] = error

    def _acting(self) -> Finding:
        requests = list(self._requests())
        told = ", ".join(dict.fromkeys(action.partition(":")[2] for one in requests for action in one.actions))
        client = self._access.client("iam", PARTNER_CENTRAL_REGION)
        judged = iam.judge(client, self._caller, requests) if self._caller else None
        if judged is None:
            return unknown(
                f"only doing it would tell of {told}",
                "With iam:SimulatePrincipalPolicy (and iam:GetRole) allowed, IAM would be asked.",
            )
        if judged.denied:
            return failed(f"IAM denies {', '.join(judged.denied)}", remedies.allow(", ".join(judged.denied)))
        if judged.undecided:
            keys = ", ".join(dict.fromkeys(key for missing in judged.undecided.values() for key in missing))
            return unknown(
                f"IAM can't tell of {', '.join(judged.undecided)}: the policies ask for {keys}",
                "Which value a real request has is not known here: only doing it would tell.",
            )
        return passed(f"IAM allows {told}")

    def _requests(self) -> Iterator[iam.Request]:
        """The requests that a deployment and its preparation make, and that can't be tried."""
        anywhere = {"aws:RequestedRegion": PARTNER_CENTRAL_REGION}
        in_catalog = {**anywhere, "partnercentral:Catalog": self._catalog}
        partner = f"arn:aws:partnercentral:{PARTNER_CENTRAL_REGION}:{self._account}:catalog/{self._catalog}/partner/"
        partner += f"partner-{'0' * 13}"  # the one that will be: its id is not known yet
        owner = {f"aws:RequestTag/{partners.OWNER_TAG}": "owner", "aws:TagKeys": partners.OWNER_TAG}
        with_tags = in_catalog | owner
        # In the Sandbox CreatePartner takes no tags: the ownership tag is set afterwards.
        creating = in_catalog if self._catalog == "Sandbox" else with_tags
        yield iam.Request(actions=["partnercentral:CreatePartner"], context=creating)
        yield iam.Request(actions=["partnercentral:PutAllianceLeadContact"], context=in_catalog, resource=partner)
        yield iam.Request(actions=["partnercentral:SendEmailVerificationCode"], context=in_catalog)
        for kind in verification.TYPES.values():  # these requests name no catalog
            context = {**anywhere, "partnercentral:VerificationType": kind}
            yield iam.Request(actions=["partnercentral:StartVerification"], context=context)
        yield iam.Request(actions=["partnercentral:TagResource"], context=with_tags, resource=partner)

    def _verification(self, kind: str) -> Finding:
        seen = self._read.get(f"GetVerification {kind}")
        if not isinstance(seen, dict):
            return unknown("could not be read")
        status = seen["VerificationStatus"]
        told = ", ".join(filter(None, (status, seen.get("VerificationStatusReason", ""))))
        if status == "SUCCEEDED":
            return passed(told)
        if self._catalog == "Sandbox":
            return unknown(f"{told}; it is documented nowhere whether the Sandbox asks for it")
        place = verification.completion(seen)
        if place and not verification.has_expired(place):
            return failed(told, f"A human completes it at this address{verification.until(place)}.", place[0])
        if status == "IN_PROGRESS":
            return failed(
                told, f"Wait for it: {verification.DURATIONS[kind]}. partner-account verification status {kind} --watch"
            )
        return failed(
            told,
            f"Start it{' again' * (status != verification.NOT_STARTED)}: partner-account verification start {kind}",
        )

    def _plan(self) -> Finding:
        try:
            plan = self._access.client("freetier", PARTNER_CENTRAL_REGION).get_account_plan_state()
        except Errors as error:
            return unknown(
                f"AWS doesn't tell ({explain(error)})",
                "A paid plan in good standing is needed: see Billing, or allow freetier:GetAccountPlanState.",
            )
        told = f"{plan['accountPlanType']}, {plan['accountPlanStatus']}"
        if plan["accountPlanType"] != "PAID":
            return failed(told, "Move the AWS account to a paid plan.")
        return passed(told)

    def _organization(self) -> Finding:
        try:
            organization = self._access.client("organizations", PARTNER_CENTRAL_REGION).describe_organization()
        except Errors as error:
            if reason_of(error) == "AWSOrganizationsNotInUseException":
                return passed("the account is in no organization")
            return unknown(
                f"AWS doesn't tell ({explain(error)})",
                "AWS recommends a member account, not the management account: see AWS Organizations, or allow "
                "organizations:DescribeOrganization.",
            )
        if organization["Organization"].get("MasterAccountId") == self._account:
            return unknown(
                "this is the management account of the organization",
                "AWS recommends a member account, since every Partner Central user gets into it. Is it meant?",
            )
        return passed("a member account of the organization")

    def _address(self) -> Finding:
        if not self._email:
            return unknown("no address is named", "Add --email.")
        if _SHARED_ALIAS.search(self._email.partition("@")[0].lower()):
            return passed("looks like a shared alias")
        return unknown(
            "looks like a person's",
            "AWS recommends a shared alias, such as alliances@example.com: it stays when the person leaves.",
        )

    def _partner(self) -> Finding:
        found = [seen for seen in self._read.values() if isinstance(seen, partners.Partner)]
        listed = self._read["ListPartners"]
        if isinstance(listed, Exception) or len(found) < len(listed):
            return unknown("could not be read")
        if not found:
            return self._no_partner()
        told = ", ".join(f"{seen.members['Id']} ({_whose(seen)})" for seen in found)
        if all(partners.OWNER_TAG in seen.members.get("Tags", {}) for seen in found):
            return passed(f"{told}: a deployment of that stack finds it")
        if self._catalog == "Sandbox" or any("Tags" in seen.unread for seen in found):
            return unknown(f"{told}; a deployment takes it if it is its own")
        return failed(
            f"{told}: a deployment refuses to create beside it",
            'Manage it by ExistingPartner.adopt("partner-…"), or say ExistingPartner.allow_another().',
        )

    def _no_partner(self) -> Finding:
        if self._catalog == "Sandbox":
            return passed("none in catalog Sandbox: a deployment creates it")
        return unknown(
            "none is listed in catalog AWS; an account that was never migrated may not be listed",
            "A company that is an AWS Partner already must migrate it. If it has none, a deployment creates one.",
        )

    def _code(self) -> Finding:
        if self._catalog == "Sandbox":
            return passed("the Sandbox takes any six digits")
        if self._store is None:
            return unknown("no store is named", "Add --secret-id or --parameter.")
        try:
            stored = store_content.read(self._access.client, self._store)
        except Errors as error:
            return self._unread_code(self._store, error)
        if stored.content is Content.NOTHING:
            return failed(f"{self._store} holds nothing", self._storing(self._store))
        if stored.content is not Content.CODE:
            # Never by overwriting it: a mistyped name may have led to somebody's password.
            return failed(
                f"{self._store} holds {stored.content}", f"{store_content.elsewhere(self._store, stored.content)}."
            )
        told = f"{self._store} holds six digits, stored {_ago(stored.since)}; only a call tells whether they are valid"
        return passed(told, stored.caution)

    def _unread_code(self, store: CodeStore, error: Exception) -> Finding:
        problem = explain(error)
        if is_denied(error):
            return unknown(f"{store} can't be read by this identity, but perhaps by the function")
        if reason_of(error) not in store_content.NOT_THERE:
            return failed(str(problem), problem.remedy)
        create = "" if store.is_arn else " --create"
        return failed(str(problem), " ".join(filter(None, (self._storing(store, create), store.caution))))

    def _storing(self, store: CodeStore, create: str = "") -> str:
        return f"Store it: partner-account store-code {store.option}{create}{self._access.options}"


def _whose(seen: partners.Partner) -> str:
    if partners.OWNER_TAG in seen.members.get("Tags", {}):
        return "of a stack"
    if seen.members["Catalog"] == "Sandbox" or "Tags" in seen.unread:
        return str(seen.members["LegalName"])
    return "not of a stack"


def _ago(since: datetime) -> str:
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}{'s' * (minutes // length > 1)} ago"
    return "within the last hour" if minutes else "just now"
