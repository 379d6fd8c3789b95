"""Partner Central: the calls that read it, and those that change it. Nothing is decided here.

Each change requires the stack state on which it relies, and goes through the stack's gate before each try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from partner_account_handler import log
from partner_account_handler.calls import INCOMPLETE, LAG_SECONDS, Calls, client, constant, locale
from partner_account_handler.clock import Clock, pauses
from partner_account_handler.errors import CallError, CallFailure, CallOutcome, HandlerError, RequestError
from partner_account_handler.identity import OWNER_TAG, Owner, catalog_of, partner_id
from partner_account_handler.partner_properties import Contact
from partner_account_handler.service import SERVICE, SERVICE_REGION
from partner_account_handler.shapes import shape_errors
from partner_account_handler.stack_gate import ObservedStack, StackGate

_SANDBOX_TAGS_SECONDS = 30.0  # how long to try to read tags, which the Sandbox may not return at all

_TAG_KEYS_PER_CALL = 50


@dataclass(frozen=True)
class Partner:
    """What a call returned about one partner; None where it returned nothing."""

    arn: str
    legal_name: str = field(repr=False)
    primary_solution_type: str | None = None
    profile_id: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    told_id: str | None = None
    told_catalog: str | None = None
    has_profile: bool = False

    @classmethod
    def told(cls, members: Mapping[str, Any]) -> Partner:
        """From an answer of the service."""
        profile = members.get("Profile") or {}
        return cls(
            arn=members["Arn"],
            legal_name=members.get("LegalName", ""),
            primary_solution_type=profile.get("PrimarySolutionType"),
            profile_id=profile.get("ProfileId") or None,
            created_at=members.get("CreatedAt"),
            told_id=members.get("Id"),
            told_catalog=members.get("Catalog"),
            has_profile=bool(profile.get("DisplayName")),
        )

    @property
    def id(self) -> str:
        """The partner's id, ``partner-`` and 13 characters so far; its ARN ends with it."""
        return self.told_id or partner_id(self.arn)

    @property
    def catalog(self) -> str | None:
        """The catalog it is in; None if neither the service nor the ARN names it."""
        return self.told_catalog or catalog_of(self.arn)

    @property
    def owner(self) -> Owner | None:
        """The owner in the partner's ownership tag; None without the tag."""
        value = self.tags.get(OWNER_TAG)
        return None if value is None else Owner.from_tag(value)


@dataclass(frozen=True)
class ProfileTask:
    """A profile task: while one is in progress, AWS validates the new profile, perhaps by human review."""

    id: str
    status: str  # `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `CANCELED`
    details: Mapping[str, Any] = field(repr=False)
    errors: Sequence[tuple[str, str]] = ()  # reason and locale

    @classmethod
    def told(cls, members: Mapping[str, Any]) -> ProfileTask:
        """From an answer of the service."""
        told = members.get("ErrorDetailList") or []
        errors = [(constant(error.get("Reason")), locale(error.get("Locale"))) for error in told]
        return cls(members.get("TaskId", ""), members.get("Status", "IN_PROGRESS"), members["TaskDetails"], errors)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.status == "IN_PROGRESS"


class PartnerCentral:
    """The service as one invocation sees it."""

    def __init__(self, calls: Calls, gate: StackGate) -> None:
        self._calls = calls
        self._gate = gate

    # Reading

    def partners(self, catalog: str) -> list[Partner]:
        """All pages of the account's partners in a catalog, each partner once, though pages may shift.

        A partner that is listed without its ARN is an error; one without its name is read again.
        """
        found: dict[str, Partner] = {}
        page: dict[str, Any] = {}
        while True:
            answer = self._call("list_partners", needs="PartnerSummaryList", Catalog=catalog, **page)
            for listed in answer["PartnerSummaryList"]:
                if not listed.get("Arn"):
                    raise CallError(CallFailure("ListPartners", CallOutcome.UNKNOWN, INCOMPLETE))
                legal_name = listed.get("LegalName") or self.partner(listed["Arn"], listed.get("Catalog")).legal_name
                found[listed["Arn"]] = Partner.told({**listed, "LegalName": legal_name})
            if not answer.get("NextToken"):
                return list(found.values())
            page = {"NextToken": answer["NextToken"]}

    def partner(self, arn: str, catalog: str | None) -> Partner:
        """One partner by its ARN."""
        return Partner.told(self._call("get_partner", needs="Arn", Catalog=catalog, Identifier=arn))

    def tags(self, arn: str, *, repeat: bool = True) -> dict[str, str]:
        """The tags of a partner. An answer without `ResourceArn` is malformed, and must not be read as "no tags"."""
        answer = self._call("list_tags_for_resource", needs="ResourceArn", repeat=repeat, ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def sandbox_tags(self, arn: str) -> dict[str, str] | None:
        """The tags of a partner in the Sandbox; None if it doesn't return them in half a minute, or refuses to."""
        try:
            return self._calls.repeated(lambda: self.tags(arn, repeat=False), _SANDBOX_TAGS_SECONDS)
        except HandlerError:
            return None

    def contact(self, partner: Partner, *, repeat: bool = True) -> Contact:
        """The alliance lead contact of a partner."""
        members = {"Catalog": partner.catalog, "Identifier": partner.arn}
        answer = self._call("get_alliance_lead_contact", needs="AllianceLeadContact", repeat=repeat, **members)
        return Contact.from_service(answer["AllianceLeadContact"])

    def profile_id(self, partner: Partner) -> str | None:
        """The profile id, requested once: it is required in the answer of GetProfileVisibility, not of GetPartner.

        A CallError means that neither returned one, nor that there is none.
        """
        named: dict[str, Any] = {"Catalog": partner.catalog, "Identifier": partner.arn}
        try:
            seen = self._call("get_profile_visibility", needs="ProfileId", repeat=False, **named)
            return seen["ProfileId"] or None
        except CallError as error:
            found = Partner.told(self._call("get_partner", needs="Arn", repeat=False, **named))
            if not found.profile_id and error.failure.reason != "PARTNER_PROFILE_NOT_FOUND":
                raise
            return found.profile_id

    def profile(self, arn: str) -> Mapping[str, Any]:
        """The approved profile; for a partner without one, its primary solution type."""
        return self._call("get_partner", needs="Arn", **_named(arn)).get("Profile") or {}

    def profile_task(self, arn: str, *, repeat: bool = True) -> ProfileTask | None:
        """The latest profile task; None if there was none."""
        with _none_if("PARTNER_PROFILE_TASK_NOT_FOUND", "PARTNER_PROFILE_NOT_FOUND"):
            return ProfileTask.told(
                self._call("get_profile_update_task", needs="TaskDetails", repeat=repeat, **_named(arn))
            )
        return None

    def visibility(self, arn: str) -> tuple[str, str] | None:
        """Whether the profile is `PUBLIC` or `PRIVATE`, and its id; None while there is no profile."""
        with _none_if("PARTNER_PROFILE_NOT_FOUND"):
            seen = self._call("get_profile_visibility", needs="Visibility", **_named(arn))
            return seen["Visibility"], seen.get("ProfileId", "")
        return None

    # Changing

    def validate(self, operation: str, body: Mapping[str, Any]) -> None:
        """Validates a request against the service model before anything is sent: all errors in one RequestError."""
        model = self._calls.clients(SERVICE, SERVICE_REGION).meta.service_model
        if found := list(shape_errors(model.operation_model(operation).input_shape, body)):
            raise RequestError(found)

    def create_partner(self, body: Mapping[str, Any], stack: ObservedStack) -> Partner:
        """CreatePartner, once, after the gate, once: the caller's last listing must not become stale.

        The caller decides what follows from an error of either.
        """
        gate = partial(self._gate.require_open, stack, once=True)
        return Partner.told(self._call("create_partner", before=gate, needs="Arn", repeat=False, **body))

    def put_contact(self, partner: Partner, contact: Contact, code: str | None, stack: ObservedStack) -> None:
        """Replaces the alliance lead contact."""
        members: dict[str, Any] = {"Catalog": partner.catalog, "Identifier": partner.arn}
        members["AllianceLeadContact"] = contact.to_service()
        if code is not None:
            members["EmailVerificationCode"] = code
        self._change("put_alliance_lead_contact", stack, **members)

    def start_profile_task(self, arn: str, details: Mapping[str, Any], token: str, stack: ObservedStack) -> ProfileTask:
        """Starts to replace the whole profile."""
        members = {**_named(arn), "ClientToken": token, "TaskDetails": details}
        return ProfileTask.told(self._change("start_profile_update_task", stack, needs="TaskDetails", **members))

    def cancel_profile_task(self, arn: str, task: ProfileTask, stack: ObservedStack) -> None:
        """Stops a profile task, or finds that it has ended: a lost answer may have been a success."""
        try:
            self._change("cancel_profile_update_task", stack, **_named(arn), TaskId=task.id)
        except CallError:
            latest = self.profile_task(arn)
            if latest and latest.id == task.id and latest.runs:
                raise

    def put_visibility(self, arn: str, visibility: str, stack: ObservedStack) -> None:
        """Shows or hides the profile. It checks before it retries, since AWS allows five changes a day."""
        until = self._calls.clock.spent() + LAG_SECONDS
        for pause in pauses():
            try:
                self._change("put_profile_visibility", stack, repeat=False, **_named(arn), Visibility=visibility)
            except CallError as error:
                seen = self.visibility(arn)
                if seen and seen[0] == visibility:
                    return  # the lost answer was a success
                is_lagging = error.failure.reason == "PARTNER_PROFILE_NOT_FOUND" and self._calls.clock.spent() < until
                may_pass = is_lagging or self._calls.may_pass(error)
                if not (may_pass and self._calls.clock.pause(pause)):
                    raise
            else:
                return

    def tag(self, arn: str, tags: Mapping[str, str], stack: ObservedStack) -> None:
        """Sets tags."""
        self._change("tag_resource", stack, ResourceArn=arn, Tags=tag_list(tags))

    def tag_in_sandbox(self, arn: str, tags: Mapping[str, str], stack: ObservedStack) -> bool:
        """Sets tags in the Sandbox, and returns whether it accepted them. Tried once, and raises nothing."""
        gate = partial(self._gate.require_open, stack, once=True)
        try:
            self._call("tag_resource", before=gate, repeat=False, ResourceArn=arn, Tags=tag_list(tags))
        except Exception as error:  # noqa: BLE001 - after CreatePartner's answer nothing may make the Create fail
            log.info(
                "the partner has no ownership tag in the Sandbox, so its legal name identifies it",
                partner=partner_id(arn),
                error=type(error).__name__,
            )
            return False
        return True

    def untag(self, arn: str, keys: Sequence[str], stack: ObservedStack) -> None:
        """Removes tags."""
        for start in range(0, len(keys), _TAG_KEYS_PER_CALL):
            chunk = list(keys[start : start + _TAG_KEYS_PER_CALL])
            self._change("untag_resource", stack, ResourceArn=arn, TagKeys=chunk)

    def _change(self, operation: str, stack: ObservedStack, **members: Any) -> Mapping[str, Any]:
        return self._call(operation, before=partial(self._gate.require_open, stack), **members)

    def _call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        return self._calls.call(SERVICE, operation, region=SERVICE_REGION, **members)


def _named(arn: str) -> dict[str, Any]:
    return {"Catalog": catalog_of(arn), "Identifier": arn}


@contextmanager
def _none_if(*reasons: str) -> Iterator[None]:
    """Suppresses the error of a call that fails for such a reason: what it requests doesn't exist."""
    try:
        yield
    except CallError as error:
        if error.failure.reason not in reasons:
            raise


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the service accepts them, in one order, so that a repeated request has the same body."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


class Aws:
    """AWS as one invocation sees it; `require_reachable` raises a CallError if no answer could be sent."""

    def __init__(
        self,
        stack_id: str,
        clock: Clock,
        require_reachable: Callable[[], None],
        clients: Callable[[str, str], Any] = client,
    ) -> None:
        self.clock = clock
        self.calls = Calls(stack_id.split(":")[3], clock, clients)
        self.gate = StackGate(stack_id, self.calls, require_reachable)
        self.partner_central = PartnerCentral(self.calls, self.gate)
