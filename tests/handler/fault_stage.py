"""One account and one stack for the cases of the fault table. The faults are defined elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from partner_account_handler.delivery import REACH_SECONDS, SEND_SECONDS
from partner_account_handler.errors import AnswerUnreachableError, HandlerError
from partner_account_handler.identity import OWNER_TAG
from tests.handler.cloud import ACCOUNT, EMAIL, Cloud, VirtualTime, contact, profile, properties
from tests.simulator.calls import ManualClock

READ_TIMEOUT = 20.0
"""The handler's patience with one call, in seconds."""

TIMEOUT = ReadTimeoutError(endpoint_url="https://example.com")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeStacks")
NEW_EMAIL = "ann@example.com"
OTHER_ACCOUNT = "999999999999"


def nothing(_: FaultStage) -> None:
    """What most faults begin or end with."""


@dataclass(frozen=True)
class FaultCase:
    """What goes wrong during one step, and how it ends."""

    name: str
    ends: str
    begin: Callable[[FaultStage], object]
    end: Callable[[FaultStage], object] = nothing
    each_call: float = 0.0
    """Seconds that each call to AWS takes."""
    hangs: bool = False
    """Whether a cut connection stands for one on which nothing ever arrives."""
    deaf: Exception | None = None
    """What CloudFormation answers to DescribeStacks."""
    email: bool = False
    """Whether the update changes the contact's address, which requires a code."""
    late: bool = False
    """Whether the stack waits no longer."""
    gone: bool = False
    """Whether the resource must be made anew afterwards."""
    stale: float = 0.0
    """For how many seconds of each invocation DescribeStacks returns UPDATE_COMPLETE."""
    unheard: float = 0.0
    """For how many seconds of each invocation no answer can be sent."""


NO_FAULT = FaultCase("none", "", nothing)


@dataclass(frozen=True)
class StepOutcome:
    """How CloudFormation was answered: success or not, and with what."""

    success: bool
    told: str
    reason: str = ""


class StoryTime(VirtualTime):
    """Virtual time that passes for Partner Central too."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self._at_start = self.seconds

    def today(self) -> datetime:
        """The date."""
        return self._clock()

    def spent(self) -> float:
        """Seconds since the beginning of the invocation."""
        return self._at_start - self.seconds

    def sleep(self, seconds: float) -> None:
        """Passes at once, everywhere."""
        super().sleep(seconds)
        self._clock.advance(seconds=seconds)


@dataclass
class FaultStage:
    """One account and one stack, on which case after case is run."""

    cloud: Cloud
    clock: ManualClock
    coming: FaultCase = field(init=False)
    fault: FaultCase = field(init=False)
    address: str = field(init=False)
    changes: dict[str, Any] = field(init=False)
    arn: str = field(init=False)
    resource: ClassVar[dict[str, str]] = {}
    """What its events have otherwise than those of a partner."""

    def begin(self, fault: FaultCase) -> None:
        """A new story: nothing there but a verified business and a code."""
        self.clock.advance(days=2)
        for account_id in (ACCOUNT, OTHER_ACCOUNT):
            account = self.cloud.simulator.account(account_id)
            for partner in account.partners:
                account.delete_partner(partner.id)
            account.set_verification("BUSINESS_VERIFICATION", "SUCCEEDED")
        self.cloud.recreate_stack()
        self.cloud.prepare()
        self.coming, self.fault, self.address, self.changes, self.arn = fault, NO_FAULT, EMAIL, {}, ""

    def strike(self) -> None:
        """The fault begins."""
        self.fault = self.coming
        self.fault.begin(self)

    def mend(self) -> None:
        """The fault ends, by itself or by a person."""
        self.cloud.simulator.faults.clear()
        self.coming.end(self)
        self.fault = NO_FAULT

    # What CloudFormation delivers

    def first(self) -> dict[str, Any]:
        """The properties of the first deployment."""
        return properties(**self.changes)

    def changed(self, title: str = "CEO") -> dict[str, Any]:
        """The properties of an update: a tag, and the contact's title, or its address where the code is the fault."""
        moved = contact(Email=NEW_EMAIL) if self.coming.email else contact(BusinessTitle=title)
        return {**self.first(), "AllianceLeadContact": moved, "Tags": [{"Key": "team", "Value": "sales"}]}

    def create(self, request_id: str = "first") -> StepOutcome:
        """A Create of the stack that is being created."""
        self.address = EMAIL
        outcome = self._answered("Create", self.first(), RequestId=f"{self.cloud.stack_id}/{request_id}")
        if outcome.success and not self.arn:
            self.show_outputs()
        self.arn = self.arn or self.arn_now()
        return outcome

    def show_outputs(self) -> None:
        """The outputs of the stack, with the id that the service returns at last."""
        partner = self._ours()[0]
        self.cloud.set_outputs(PartnerArn=partner.arn, PartnerId=partner.id, PartnerProfileId=partner.profile_id)

    def update(self, previous: dict[str, Any], wanted: dict[str, Any], status: str) -> StepOutcome:
        """An Update, or in a rollback its reverse."""
        self.address = wanted.get("AllianceLeadContact", contact())["Email"]
        if not self.fault.late:
            self.cloud.set_status(status)
        return self._answered("Update", wanted, previous, PhysicalResourceId=self.arn)

    def delete(self) -> StepOutcome:
        """A Delete."""
        return self._answered("Delete", self.first(), PhysicalResourceId=self.arn)

    def _answered(self, kind: str, wanted: dict[str, Any], previous: Any = None, **more: str) -> StepOutcome:
        event = self.cloud.event(kind, wanted, previous, **self.resource, **more)
        self._time = StoryTime(self.clock)
        self.cloud.between, self.cloud.require_reachable = self._between, self._connect
        outcome = self._ended(event)
        if self._time.spent() + SEND_SECONDS > self.fault.unheard:
            return outcome
        return StepOutcome(success=False, told=f"no response; in the log: AnswerNotDelivered: {outcome.told}")

    def _ended(self, event: dict[str, Any]) -> StepOutcome:
        try:
            data = self.cloud.deliver(event, self._time).data
        except HandlerError as error:
            return StepOutcome(success=False, told=_refusal(str(error), self._time.spent()), reason=str(error))
        unsettled = {f"{name} {value}" for name, value in data.items() if value in {"pending", "IN_PROGRESS"}}
        return StepOutcome(success=True, told=", ".join(["SUCCESS", *sorted(unsettled)]))

    def _connect(self) -> None:
        if self._time.spent() < self.fault.unheard:
            self._time.sleep(REACH_SECONDS)
            raise AnswerUnreachableError(TimeoutError.__name__)

    def _between(self, operation: str, call: Callable[..., Any], members: dict[str, Any]) -> Any:
        """Calls may be slow, and a connection that is cut can stand for one on which nothing ever comes."""
        self._time.sleep(self.fault.each_call)
        if operation == "describe_stacks" and self.fault.deaf:
            self._time.sleep(READ_TIMEOUT if isinstance(self.fault.deaf, ReadTimeoutError) else 0)
            raise self.fault.deaf
        try:
            answer = call(**members)
        except ConnectionClosedError:
            if not self.fault.hangs:
                raise
            self._time.sleep(READ_TIMEOUT)
            raise TIMEOUT from None
        if operation == "describe_stacks" and self._time.spent() < self.fault.stale:
            answer["Stacks"][0]["StackStatus"] = "UPDATE_COMPLETE"
        return answer

    # What there is

    def arn_now(self) -> str:
        """The ARN of the partner that is ours, if there is one."""
        ours = self._ours()
        return ours[0].arn if ours else ""

    def _ours(self) -> list[Any]:
        return [partner for partner in self.cloud.partners if OWNER_TAG in partner.tags]

    def left(self) -> str:
        """The partners, and which contact ours has."""
        ours, others = self._ours(), len(self.cloud.partners) - len(self._ours())
        words = [f"{len(ours)} partner" if len(ours) == 1 else f"{len(ours) or 'no'} partners"]
        words += ["former contact" if partner.contact == contact() else "new contact" for partner in ours]
        return ", ".join([*words, *([f"{others} of others"] if others else [])])


class ProfileStage(FaultStage):
    """The same for the profile of a partner that has none yet."""

    resource: ClassVar[dict[str, str]] = {"ResourceType": "Custom::PartnerProfile", "LogicalResourceId": "Profile"}

    def begin(self, fault: FaultCase) -> None:
        """A new story: a partner of whatever stack."""
        super().begin(fault)
        self.cloud.add_partner("Example Corp")

    @property
    def _partner(self) -> Any:
        return self.cloud.partners[0]

    def first(self) -> dict[str, Any]:
        """The properties of the first deployment."""
        return profile(self._partner.arn)

    def changed(self, title: str = "CEO") -> dict[str, Any]:
        """The properties of an update: another name, and the profile becomes public."""
        return {**self.first(), "DisplayName": f"Of the {title}", "Visibility": "PUBLIC"}

    def show_outputs(self) -> None:
        """The outputs of the stack."""
        self.cloud.set_outputs(ProfileProfileId=self._partner.profile_id, ProfileTaskStatus="SUCCEEDED")

    def arn_now(self) -> str:
        """The physical id."""
        return f"profile-of-{self._partner.id}"

    def left(self) -> str:
        """Whose profile there is, and its task."""
        name, tasks = self._partner.profile.get("DisplayName"), self._partner.tasks
        words = ["no profile" if name is None else "former profile" if name == "Example" else "new profile"]
        words += ["public"] if self._partner.visibility == "PUBLIC" else []
        words += ["a task in progress"] if tasks and tasks[-1].status == "IN_PROGRESS" else []
        return ", ".join(words)


def _refusal(reason: str, seconds: float) -> str:
    happened = re.split(r"\. (?=[A-Z])", reason)[0]
    happened = re.sub(r"\b(partner|pprofiletask)-[A-Za-z0-9]{13}", r"\1-…", happened)
    return f"FAILED {f'after {seconds:.0f} s' if seconds >= 1 else 'at once'}: {happened}"
