"""The service without HTTP: the rules of its operations, run one at a time on one state.

`AccountAdmin` is what happens to an AWS account outside the API.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from partner_central_simulator import partners, profiles, verifications
from partner_central_simulator.authorization import AccessCheck, checks_of
from partner_central_simulator.exceptions import FieldProblem, ServiceError
from partner_central_simulator.models import (
    DAY,
    AccountVerification,
    ApiCall,
    Clock,
    Output,
    SimulatedAccount,
    SimulatedPartner,
    State,
    TaskPlan,
)
from partner_central_simulator.readings import Readings

CATALOGS = ("AWS", "Sandbox")

OPERATIONS: Final[dict[str, Callable[[ApiCall], Output]]] = {
    "CreatePartner": partners.create_partner,
    "GetPartner": partners.get_partner,
    "ListPartners": partners.list_partners,
    "GetAllianceLeadContact": partners.get_alliance_lead_contact,
    "PutAllianceLeadContact": partners.put_alliance_lead_contact,
    "TagResource": partners.tag_resource,
    "UntagResource": partners.untag_resource,
    "ListTagsForResource": partners.list_tags_for_resource,
    "SendEmailVerificationCode": verifications.send_email_verification_code,
    "StartVerification": verifications.start_verification,
    "GetVerification": verifications.get_verification,
    "GetProfileVisibility": profiles.get_profile_visibility,
    "PutProfileVisibility": profiles.put_profile_visibility,
    "StartProfileUpdateTask": profiles.start_profile_update_task,
    "GetProfileUpdateTask": profiles.get_profile_update_task,
    "CancelProfileUpdateTask": profiles.cancel_profile_update_task,
}

_DEFAULT_CONTACT = {
    "FirstName": "Ann",
    "LastName": "Operator",
    "Email": "ann@example.com",
    "BusinessTitle": "Alliance Lead",
}


class Service:
    """Partner Central for all accounts. Safe to use from several threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        readings: Readings,
        page_size: int = 50,
        verified: bool = False,
        state: State | None = None,
    ) -> None:
        """Serve what is in `state`, by default nothing; with `verified`, new accounts are verified."""
        self._clock = clock
        self._readings = readings
        self._page_size = page_size
        self._verified = verified
        self._lock = threading.RLock()
        self._state = state or State()

    @contextmanager
    def transaction(self) -> Iterator[State]:
        """Exclusive access to the state."""
        with self._lock:
            yield self._state

    def now(self) -> datetime:
        """The service's time."""
        return self._clock()

    def account(self, account_id: str) -> SimulatedAccount:
        """The account, created if it is new. Call it within a transaction."""
        if account_id not in self._state.accounts:
            account = self._state.accounts[account_id] = SimulatedAccount(account_id)
            if self._verified:
                for kind in (verifications.BUSINESS, verifications.REGISTRANT):
                    verifications.decide(account, kind, "SUCCEEDED", self._clock())
        return self._state.accounts[account_id]

    def perform(
        self,
        operation: str,
        account_id: str,
        request: Mapping[str, Any],
        base_url: str,
        task_plan: TaskPlan | None = None,
    ) -> Output:
        """Perform one operation on a request that the service model allows.

        A profile task that it starts follows `task_plan`, by default that of the account.
        """
        if request.get("Catalog", "AWS") not in CATALOGS:
            raise ServiceError.of_fields(
                FieldProblem("Catalog", f"Must be one of {', '.join(CATALOGS)}.", "INVALID_VALUE")
            )
        with self.transaction() as state:
            account = self.account(account_id)
            call = ApiCall(
                operation=operation,
                request=request,
                account=account,
                state=state,
                now=self._clock(),
                readings=self._readings,
                page_size=self._page_size,
                base_url=base_url,
                task_plan=task_plan or account.task_plan,
            )
            return OPERATIONS[operation](call)

    def checks_of(self, operation: str, account_id: str, request: Mapping[str, Any]) -> list[AccessCheck]:
        """The IAM checks before that operation is performed."""
        with self.transaction():
            return [*checks_of(operation, request, self.account(account_id), self._readings)]

    def complete_verification(self, completion_token: str, status: str) -> AccountVerification | None:
        """Complete a verification as a human does at its completion URL; None if none is pending there."""
        with self.transaction() as state:
            return verifications.complete(state, completion_token, status, self._clock())


class AccountAdmin:
    """One AWS account as users of the console, AWS support and the yearly Sandbox refresh see and change it.

    For tests and rehearsals. The service's rules don't apply here, as they don't bind AWS itself. It returns copies.
    """

    def __init__(self, service: Service, account_id: str) -> None:
        """Administer that account."""
        self._service = service
        self._id = account_id

    @property
    def partners(self) -> list[SimulatedPartner]:
        """All partners of the account in all catalogs, oldest first."""
        with self._account() as account:
            return copy.deepcopy(account.partners)

    def partner(self, partner_id: str) -> SimulatedPartner:
        """The partner of that id; KeyError if there is none."""
        with self._partner(partner_id) as partner:
            return copy.deepcopy(partner)

    def set_verification(self, kind: str, status: str) -> None:
        """Set a verification (`BUSINESS_VERIFICATION`, ...) to `SUCCEEDED`, `FAILED` and so on, started or not."""
        with self._account() as account:
            verifications.decide(account, kind, status, self._service.now())

    def add_partner(
        self,
        legal_name: str,
        *,
        catalog: str = "AWS",
        contact: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        age: timedelta = DAY,
    ) -> SimulatedPartner:
        """A human created a partner in the console, by default a day ago."""
        partner = SimulatedPartner(
            account=self._id,
            catalog=catalog,
            legal_name=legal_name,
            created_at=self._service.now() - age,
            contact=dict(contact or _DEFAULT_CONTACT),
            profile={"PrimarySolutionType": "SOFTWARE_PRODUCTS"},
            tags=dict(tags or {}),
        )
        with self._account() as account:
            account.partners.append(partner)
            return copy.deepcopy(partner)

    def rename_partner(self, partner_id: str, legal_name: str) -> None:
        """AWS support renames the company."""
        with self._partner(partner_id) as partner:
            partner.legal_name = legal_name

    def change_contact(self, partner_id: str, **members: str) -> None:
        """A human changes members of the contact in the console, such as `BusinessTitle="CTO"`."""
        with self._partner(partner_id) as partner:
            partner.contact.update(members)

    def tag_partner(self, partner_id: str, tags: Mapping[str, str]) -> None:
        """A human adds or changes tags."""
        with self._partner(partner_id) as partner:
            partner.tags.update(tags)

    def untag_partner(self, partner_id: str, *keys: str) -> None:
        """A human removes tags."""
        with self._partner(partner_id) as partner:
            for key in keys:
                partner.tags.pop(key, None)

    def delete_partner(self, partner_id: str) -> None:
        """The yearly Sandbox refresh, or a support case, removes the partner and its client tokens."""
        with self._account() as account, self._partner(partner_id) as partner:
            account.partners.remove(partner)
            made = {partner_id, *(task.id for task in partner.tasks)}
            account.tokens = {key: use for key, use in account.tokens.items() if use[1] not in made}

    def plan_profile_tasks(self, *, reads: int | None = 1, errors: Sequence[Mapping[str, str]] = ()) -> None:
        """Set how profile tasks started from now on will end; see `TaskPlan`."""
        with self._account() as account:
            account.task_plan = TaskPlan(reads, [dict(error) for error in errors])

    @contextmanager
    def _account(self) -> Iterator[SimulatedAccount]:
        with self._service.transaction():
            yield self._service.account(self._id)

    @contextmanager
    def _partner(self, partner_id: str) -> Iterator[SimulatedPartner]:
        with self._account() as account:
            for partner in account.partners:
                if partner.id == partner_id:
                    yield partner
                    return
            raise KeyError(partner_id)
