"""What happens to an AWS account outside the API: its humans in the console, AWS support, the yearly Sandbox refresh.

For tests and rehearsals. None of the service's rules hold here, as none of them bind AWS itself.
"""

import copy
from collections.abc import Mapping, Sequence
from datetime import timedelta

from partner_central_simulator import verifications
from partner_central_simulator.models import DAY, Account, Partner, TaskPlan, new_partner
from partner_central_simulator.service import Service

_A_CONTACT = {
    "FirstName": "Ann",
    "LastName": "Operator",
    "Email": "ann@example.com",
    "BusinessTitle": "Alliance Lead",
}


class AccountDesk:
    """One AWS account, seen and changed from outside. What it returns are copies."""

    def __init__(self, service: Service, account_id: str) -> None:
        """Sit at the desk for that account."""
        self._service = service
        self._id = account_id

    @property
    def partners(self) -> list[Partner]:
        """All partners of the account in all catalogs, oldest first."""
        with self._service.transaction():
            return copy.deepcopy(self._account().partners)

    def partner(self, partner_id: str) -> Partner:
        """The partner of that id; KeyError if there is none."""
        with self._service.transaction():
            return copy.deepcopy(self._partner(partner_id))

    @property
    def verifications(self) -> dict[str, str]:
        """The status of each verification that exists, by its type."""
        with self._service.transaction():
            return {kind: found.status for kind, found in self._account().verifications.items()}

    def set_verification(self, kind: str, status: str) -> None:
        """Decide a verification (`BUSINESS_VERIFICATION`, ...) as `SUCCEEDED`, `FAILED` and so on, started or not."""
        with self._service.transaction():
            verifications.decide(self._account(), kind, status, self._service.now())

    def add_partner(
        self,
        legal_name: str,
        *,
        catalog: str = "AWS",
        primary_solution_type: str = "SOFTWARE_PRODUCTS",
        contact: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        age: timedelta = DAY,
    ) -> Partner:
        """A human has created a partner in the console, a day ago if nothing else is said."""
        partner = new_partner(
            self._id,
            self._service.now() - age,
            catalog=catalog,
            legal_name=legal_name,
            primary_solution_type=primary_solution_type,
            contact=contact or _A_CONTACT,
            tags=tags or {},
        )
        with self._service.transaction():
            self._account().partners.append(partner)
            return copy.deepcopy(partner)

    def rename_partner(self, partner_id: str, legal_name: str) -> None:
        """AWS support renames the company."""
        with self._service.transaction():
            self._partner(partner_id).legal_name = legal_name

    def change_contact(self, partner_id: str, **members: str) -> None:
        """A human changes members of the contact in the console, such as `BusinessTitle="CTO"`."""
        with self._service.transaction():
            self._partner(partner_id).contact.update(members)

    def tag_partner(self, partner_id: str, tags: Mapping[str, str]) -> None:
        """A human adds or changes tags."""
        with self._service.transaction():
            self._partner(partner_id).tags.update(tags)

    def untag_partner(self, partner_id: str, *keys: str) -> None:
        """A human removes tags."""
        with self._service.transaction():
            for key in keys:
                self._partner(partner_id).tags.pop(key, None)

    def delete_partner(self, partner_id: str) -> None:
        """The yearly Sandbox refresh, or a support case, removes the partner and all memory of its tokens."""
        with self._service.transaction():
            account = self._account()
            account.partners.remove(self._partner(partner_id))
            account.tokens = {key: use for key, use in account.tokens.items() if use.made != partner_id}

    def plan_profile_tasks(self, *, reads: int | None = 1, errors: Sequence[Mapping[str, str]] = ()) -> None:
        """Decide how profile tasks that are started from now on will end; see `TaskPlan`."""
        with self._service.transaction():
            self._account().task_plan = TaskPlan(reads, [dict(error) for error in errors])

    def _account(self) -> Account:
        return self._service.account(self._id)

    def _partner(self, partner_id: str) -> Partner:
        for partner in self._account().partners:
            if partner.id == partner_id:
                return partner
        raise KeyError(partner_id)
