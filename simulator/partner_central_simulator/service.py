"""The service without its wire: each operation's rule, run one at a time over the one state. No HTTP."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from partner_central_simulator import partners, profiles, verifications
from partner_central_simulator.authorization import Check, checks_of
from partner_central_simulator.exceptions import FieldProblem, ValidationFailedError
from partner_central_simulator.models import Account, Answer, Call, Clock, Request, State, Verification
from partner_central_simulator.readings import Readings
from partner_central_simulator.store import Store

CATALOGS = ("AWS", "Sandbox")

OPERATIONS: Final[dict[str, Callable[[Call], Answer]]] = {
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


class Service:
    """Partner Central for all accounts. Safe to use from several threads."""

    def __init__(self, *, store: Store, clock: Clock, readings: Readings, page_size: int, verified: bool) -> None:
        """Go on with the state in `store`; `verified` is how accounts begin that it does not know."""
        self._store = store
        self._clock = clock
        self._readings = readings
        self._page_size = page_size
        self._verified = verified
        self._lock = threading.RLock()
        self._state = store.load()

    @contextmanager
    def transaction(self) -> Iterator[State]:
        """The state for oneself; what was changed is saved at the end, also if an error ends it."""
        with self._lock:
            try:
                yield self._state
            finally:
                self._store.save(self._state)

    def now(self) -> datetime:
        """The service's time."""
        return self._clock()

    def account(self, account_id: str) -> Account:
        """That account; one that was never seen comes into being. Call it within a transaction."""
        known = self._state.accounts.get(account_id)
        return known or self._new_account(account_id)

    def _new_account(self, account_id: str) -> Account:
        account = self._state.accounts[account_id] = Account(account_id)
        if self._verified:
            for kind in (verifications.BUSINESS, verifications.REGISTRANT):
                verifications.decide(account, kind, "SUCCEEDED", self._clock())
        return account

    def perform(self, operation: str, account_id: str, request: Request, base_url: str) -> Answer:
        """Apply the rule of one operation to a request that the service model allows."""
        _check_catalog(request)
        with self.transaction() as state:
            call = Call(
                operation=operation,
                request=request,
                account=self.account(account_id),
                state=state,
                now=self._clock(),
                readings=self._readings,
                page_size=self._page_size,
                base_url=base_url,
            )
            return OPERATIONS[operation](call)

    def checks_of(self, operation: str, account_id: str, request: Request) -> list[Check]:
        """What IAM is asked before that operation is performed."""
        with self.transaction():
            return [*checks_of(operation, request, self.account(account_id), self._readings)]

    def complete_verification(self, completion_token: str, status: str) -> Verification | None:
        """What happens when a human follows a completion URL; None if nothing is pending behind it."""
        with self.transaction() as state:
            return verifications.complete(state, completion_token, status, self._clock())


def _check_catalog(request: Request) -> None:
    if request.get("Catalog", CATALOGS[0]) not in CATALOGS:
        problem = FieldProblem("Catalog", f"Must be one of {', '.join(CATALOGS)}.", "INVALID_VALUE")
        raise ValidationFailedError.of_fields([problem])
