"""What Partner Central remembers: accounts, partners, verifications, tasks, e-mails. No HTTP, and no rules."""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from partner_central_simulator.readings import Readings

Request: TypeAlias = Mapping[str, Any]
"""A validated request, in the member names of the service model."""

Answer: TypeAlias = dict[str, Any]
"""An answer in the member names of the service model; times are aware `datetime`s."""

Clock: TypeAlias = Callable[[], datetime]

DAY = timedelta(days=1)

_ALPHANUMERIC = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`<prefix>-` and 13 random letters and digits, the form of all ids of the service."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHANUMERIC) for _ in range(13))}"


def partner_arn(account: str, catalog: str, partner_id: str) -> str:
    """The ARN of a partner; the id may be a wildcard."""
    return f"arn:aws:partnercentral:us-east-1:{account}:catalog/{catalog}/partner/{partner_id}"


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
class TaskPlan:
    """How the next profile tasks of an account will end.

    `reads` is the number of the `GetProfileUpdateTask` that first sees the end: 0 for "at once, in the answer of the
    start", None for "never" (a manual review that nobody does). `errors` makes the task fail with these error details.
    """

    reads: int | None = 1
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass
class ProfileTask:
    """A profile update: what is asked for, and how far it has come."""

    id: str
    details: dict[str, Any]
    started_at: datetime
    plan: TaskPlan
    reads: int = 0
    status: str = "IN_PROGRESS"
    ended_at: datetime | None = None


@dataclass
class Partner:
    """A partner account in one catalog. `contact` and `profile` are in the wire's member names."""

    catalog: str
    id: str
    arn: str
    legal_name: str
    created_at: datetime
    contact: dict[str, str]
    profile: dict[str, Any]
    profile_id: str
    tags: dict[str, str] = field(default_factory=dict)
    visibility: str = "PRIVATE"
    tasks: list[ProfileTask] = field(default_factory=list)
    profile_updates: list[datetime] = field(default_factory=list)
    visibility_updates: list[datetime] = field(default_factory=list)

    @property
    def has_profile(self) -> bool:
        """Whether a profile task has ever succeeded; a newborn profile knows only its solution type."""
        return "DisplayName" in self.profile


def new_partner(
    account: str,
    now: datetime,
    *,
    catalog: str,
    legal_name: str,
    primary_solution_type: str,
    contact: Mapping[str, str],
    tags: Mapping[str, str],
) -> Partner:
    """A partner with fresh ids, and the little profile that a newborn one has."""
    partner_id = new_id("partner")
    return Partner(
        catalog=catalog,
        id=partner_id,
        arn=partner_arn(account, catalog, partner_id),
        legal_name=legal_name,
        created_at=now,
        contact=dict(contact),
        profile={"PrimarySolutionType": primary_solution_type},
        profile_id=new_id("pprofile"),
        tags=dict(tags),
    )


@dataclass
class Verification:
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
class TokenUse:
    """A client token that was seen: the body it belongs to, and the id of what came of it."""

    fingerprint: str
    made: str | None


@dataclass
class Account:
    """An AWS account as Partner Central knows it."""

    id: str
    partners: list[Partner] = field(default_factory=list)
    verifications: dict[str, Verification] = field(default_factory=dict)
    tokens: dict[str, TokenUse] = field(default_factory=dict)
    task_plan: TaskPlan = field(default_factory=TaskPlan)


@dataclass
class State:
    """Everything there is, in all accounts."""

    accounts: dict[str, Account] = field(default_factory=dict)
    outbox: list[Mail] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """One valid request, and all that a rule may look at to answer it."""

    operation: str
    request: Request
    account: Account
    state: State
    now: datetime
    readings: Readings
    page_size: int
    base_url: str
