"""An AWS account in a closed world: what the service, its humans and AWS support do beside CloudFormation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from partner_account_handler.identity import OWNER_TAG, same_name
from partner_central_simulator import Readings
from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.service import AccountAdmin, Service
from partner_central_simulator.verifications import BUSINESS
from tests.handler.cloud import ACCOUNT
from tests.handler.life_deliveries import LifeStack
from tests.handler.stepping import AwsCall, client_error


class AwsAccount:
    """Partner Central, the verification codes, and humans who change both."""

    def __init__(self, readings: Readings, verified_name: str) -> None:
        """An account whose business is verified, under that name if one is given."""
        self.readings = readings
        self.verified_name = verified_name
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.service = Service(clock=lambda: self.now, readings=readings, page_size=2, verified=True)
        self.account = AccountAdmin(self.service, ACCOUNT)
        self.foreign: dict[str, Any] = {}
        self._codes: dict[str, str] = {}
        self.all_codes: set[str] = set()
        if verified_name:
            with self.service.transaction():
                self.service.account(ACCOUNT).verifications[BUSINESS].details["LegalName"] = verified_name

    @property
    def partners(self) -> list[Any]:
        """All partners of the account."""
        return self.service.account(ACCOUNT).partners

    def partner(self, arn: str) -> Any:
        """The partner of that ARN, or None."""
        return next((partner for partner in self.partners if partner.arn == arn), None)

    def stored_code(self, call: AwsCall) -> dict[str, Any]:
        """Answers a call that reads a code."""
        name = str(call.members.get("Name") or call.members["SecretId"]).rpartition("/")[2]
        if name not in self._codes:
            raise client_error(call, "ResourceNotFoundException", 400)
        code = self._codes[name]
        return {"Parameter": {"Value": code}, "SecretString": f'{{"code": "{code}"}}', "ARN": name}

    def request_code(self, stack: LifeStack) -> None:
        """A code for the template's address, stored where the template looks for it."""
        if stack.template.get("catalog") != "AWS":
            return
        email = stack.template["email"].format(stack.name)
        try:
            self._send_code(email)
        except ServiceError:  # five a day are sent to one address
            self.pass_a_day()
            self._send_code(email)
        with self.service.transaction() as state:
            self._codes[stack.name] = state.outbox[-1].code
        self.all_codes.add(self._codes[stack.name])

    def _send_code(self, email: str) -> None:
        self.human("SendEmailVerificationCode", Catalog="AWS", Email=email)

    def human(self, operation: str, **members: Any) -> None:
        """A call by a person."""
        self.service.perform(operation, ACCOUNT, members, "")

    def pass_a_day(self) -> None:
        """Nothing else happens."""
        self.now += timedelta(days=1)

    def lose_code(self, name: str) -> None:
        """The secret is deleted."""
        self._codes.pop(name, None)

    def add_partner(self, catalog: str, legal_name: str) -> None:
        """A human creates a partner in the console; names are unique there too."""
        if self._is_taken(catalog, legal_name):
            return
        made = self.account.add_partner(
            legal_name, catalog=catalog, contact=contact_of("canary@console.example", "Canary")
        )
        self.foreign[made.arn] = shown(made)

    def touch(self, number: int, kind: str, value: str) -> None:
        """A human, or AWS support, changes a partner."""
        partner = self.partners[number % len(self.partners)]
        if kind == "contact":
            self.account.change_contact(partner.id, BusinessTitle=value)
        elif kind == "name":
            if not self._is_taken(partner.catalog, value):
                self.account.rename_partner(partner.id, value)
        elif kind == "disown":
            self.account.untag_partner(partner.id, OWNER_TAG)
        elif partner.catalog == "AWS" or self.readings.sandbox_takes_tags_later:
            self.account.tag_partner(partner.id, {"foreign": value})
        if partner.arn in self.foreign:
            self.foreign[partner.arn] = shown(partner)

    def _is_taken(self, catalog: str, legal_name: str) -> bool:
        return any(
            partner.catalog == catalog and same_name(partner.legal_name, legal_name) for partner in self.partners
        )

    def wipe(self) -> None:
        """The Sandbox is refreshed."""
        for partner in [partner for partner in self.partners if partner.catalog == "Sandbox"]:
            self.account.delete_partner(partner.id)
            self.foreign.pop(partner.arn, None)


def contact_of(email: str, title: str) -> dict[str, str]:
    """A contact, each of whose values would be recognized in a log."""
    return {"FirstName": "Canary", "LastName": "Canary", "Email": email, "BusinessTitle": title}


def shown(partner: Any) -> Any:
    """What no stranger may change of a partner."""
    return dict(partner.contact), dict(partner.tags), partner.legal_name
