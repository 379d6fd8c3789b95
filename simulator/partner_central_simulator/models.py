"""The state of Partner Central: accounts, partners, verifications, tasks, e-mails, requests. No HTTP."""

import hashlib
import json
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.readings import ProfileIdAppears, ProfileIdComesWith, Readings

SERVICE = "partnercentral-account"
API_VERSION = "2025-04-04"
REGION = "us-east-1"
DAY = timedelta(days=1)

Output: TypeAlias = dict[str, Any]
"""An operation's output in the member names of the service model; times are aware `datetime`s."""

Clock: TypeAlias = Callable[[], datetime]

_ALPHANUMERIC = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`<prefix>-` and 13 random letters and digits, the form of all ids of the service."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHANUMERIC) for _ in range(13))}"


def partner_arn(account: str, catalog: str, partner_id: str) -> str:
    """The ARN of a partner; the id may be a wildcard."""
    return f"arn:aws:partnercentral:{REGION}:{account}:catalog/{catalog}/partner/{partner_id}"


@dataclass
class Mail:
    """One e-mail with a six-digit verification code, as it would have been sent."""

    catalog: str
    email: str
    code: str
    account: str
    sent_at: datetime
    spent: bool = False


@dataclass
class RecordedRequest:
    """One request as it arrived, and how it ended.

    `number` grows by one with each request, from 1. `input` has the keys that were sent; sensitive values (legal name,
    names, title, code) are replaced by `***`, while tags, client token and e-mail address stay. `status` is None
    until there is a response, and forever if the connection was cut. `faults` are the kinds of faults that it met.
    """

    number: int
    arrived_at: datetime
    operation: str | None
    account: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    error_code: str | None = None
    error_reason: str | None = None
    faults: list[str] = field(default_factory=list)
    size: int = 0
    """Bytes of its body."""

    def __str__(self) -> str:
        """One line for a log."""
        words = [f"#{self.number}", self.account or "-", self.operation or "-", str(self.status or "no answer")]
        words += [word for word in (self.error_code, self.error_reason) if word]
        return " ".join(words + [f"[{fault}]" for fault in self.faults])


@dataclass
class TaskPlan:
    """How the next profile tasks of an account will end.

    `reads` is the number of the `GetProfileUpdateTask` that first sees the end: 0 for "at once, in the response of
    the start", None for "never" (a manual review that nobody does). `errors` makes the task fail with these details.
    """

    reads: int | None = 1
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass
class SimulatedProfileTask:
    """A profile update: what was requested, and its progress."""

    id: str
    details: dict[str, Any]
    started_at: datetime
    plan: TaskPlan
    reads: int = 0
    status: str = "IN_PROGRESS"
    ended_at: datetime | None = None


@dataclass
class SimulatedPartner:
    """A partner account in one catalog. `contact` and `profile` are in the wire's member names."""

    account: str
    catalog: str
    legal_name: str
    created_at: datetime
    contact: dict[str, str]
    profile: dict[str, Any]
    id: str = field(default_factory=lambda: new_id("partner"))
    profile_id: str = field(default_factory=lambda: new_id("pprofile"))
    tags: dict[str, str] = field(default_factory=dict)
    visibility: str = "PRIVATE"
    was_public: bool = False
    tasks: list[SimulatedProfileTask] = field(default_factory=list)
    profile_updates: list[datetime] = field(default_factory=list)
    visibility_updates: list[datetime] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """Its ARN, which names account and catalog."""
        return partner_arn(self.account, self.catalog, self.id)

    @property
    def has_profile(self) -> bool:
        """Whether a profile task has ever succeeded; a new profile has only its solution type."""
        return "DisplayName" in self.profile

    def has_profile_id(self, readings: Readings) -> bool:
        """Whether every response includes the profile's id by now."""
        if readings.profile_id is ProfileIdAppears.AT_ONCE:
            return True
        return {
            ProfileIdComesWith.TASK: self.has_profile or bool(self.tasks),
            ProfileIdComesWith.PROFILE: self.has_profile,
            ProfileIdComesWith.PUBLICATION: self.was_public,
        }[readings.profile_id_comes_with]


@dataclass
class AccountVerification:
    """A business or registrant verification of an AWS account."""

    type: str
    status: str
    details: dict[str, str]
    completion_token: str
    completion_expires_at: datetime
    started_at: datetime
    completed_at: datetime | None = None
    reads_left: int | None = None
    """How many more times `GetVerification` sees it IN_PROGRESS; None if it doesn't end by itself."""


@dataclass
class SimulatedAccount:
    """An AWS account as Partner Central knows it."""

    id: str
    partners: list[SimulatedPartner] = field(default_factory=list)
    verifications: dict[str, AccountVerification] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """By operation and client token: a fingerprint of the body it belongs to, and the id of the result."""

    task_plan: TaskPlan = field(default_factory=TaskPlan)

    def partners_in(self, catalog: str) -> list[SimulatedPartner]:
        """Those of the catalog, oldest first."""
        return [partner for partner in self.partners if partner.catalog == catalog]


@dataclass
class State:
    """The state of all accounts."""

    accounts: dict[str, SimulatedAccount] = field(default_factory=dict)
    outbox: list[Mail] = field(default_factory=list)


@dataclass(frozen=True)
class ApiCall:
    """One valid request, and everything that a rule may use to respond to it."""

    operation: str
    request: Mapping[str, Any]
    account: SimulatedAccount
    state: State
    now: datetime
    readings: Readings
    page_size: int
    base_url: str
    task_plan: TaskPlan

    def once(self, act: Callable[[], str]) -> str:
        """Run `act` once per client token, and return the id of what it created, also for a repeated request.

        Tokens live as long as the state: how long AWS remembers them is not documented.
        """
        token = self.request.get("ClientToken")
        if token is None:
            return act()
        key = f"{self.operation}/{token}"
        body = {name: value for name, value in self.request.items() if name != "ClientToken"}
        fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        known, made = self.account.tokens.get(key, (fingerprint, None))
        if known != fingerprint and self.readings.reused_token_conflicts:
            raise ServiceError.of("CONFLICT_CLIENT_TOKEN")
        if made:
            return made
        try:
            made = act()
        except ServiceError:
            if self.readings.failed_request_keeps_token:
                self.account.tokens[key] = (fingerprint, None)
            raise
        self.account.tokens[key] = (fingerprint, made)
        return made
