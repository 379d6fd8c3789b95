"""One delivery of an event to the real handler, call by call, with the faults that strike it.

How CloudFormation and humans go about it is told in `tests/handler/life.py`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from botocore.exceptions import ClientError

from partner_account_handler import log as handler_log
from partner_account_handler.delivery import REACH_SECONDS
from partner_account_handler.errors import HandlerError
from partner_account_handler.identity import OWNER_TAG, Owner
from partner_account_handler.outcome import Answer
from partner_account_handler.request import read_request
from tests.handler.life_profiles import PROFILES, check_write
from tests.handler.stepping import (
    CONNECT,
    FAILURES,
    PROFILE_WRITES,
    AwsCall,
    Failure,
    StackState,
    StepClock,
    client_error,
    failure,
    made_up_by,
    stepping,
)

if TYPE_CHECKING:
    from tests.handler.life import Life

STACKS = ("Alpha", "Beta", "Gamma", PROFILES)
FOR_EVER = 1000
FUNCTION_SECONDS = 180.0
LAG_SECONDS = 90.0
STALE_SECONDS = 2.0

_CREATING = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
_UPDATING = {"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED", None}
figures: Counter[str] = Counter()
"""What has happened in all lives of this process."""


class CallFault(NamedTuple):
    """The next `times` calls of an operation (`*`: of any) end in this way."""

    operation: str
    kind: str
    times: int = 1


@dataclass(kw_only=True)
class LifeStack(StackState):
    """A stack, and its one partner resource."""

    name: str
    id: str
    former_status: str = "REVIEW_IN_PROGRESS"
    arn: str = ""
    deployed: dict[str, Any] = field(default_factory=dict)
    attempted: dict[str, Any] = field(default_factory=dict)
    """What the last Update asked for, if it failed and was not rolled back."""
    template: dict[str, Any] = field(default_factory=dict)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "status":
            super().__setattr__("former_status", getattr(self, "status", self.former_status))
        super().__setattr__(name, value)

    @property
    def owner(self) -> Owner:
        """Whose the partner is by the template."""
        return Owner.of(self.id, self.name, self.template["path"])


class LifeDelivery:
    """One delivery of an event to the handler, as far as it has come."""

    def __init__(
        self, life: Life, event: dict[str, Any], faults: Sequence[CallFault] = (), *, spared: str = ""
    ) -> None:
        self.event = event
        self.answer: Answer | None = None
        self.error: HandlerError | None = None
        self.told: str | None = None
        self.first_told: str | None = None
        self.outputs: dict[str, str] = {}
        self.just_asked = self._asked_before = False
        self.rightful: set[str] = set()
        self.shown: list[str] = []
        self._life, self._spared = life, spared
        self._faults = list(faults)
        self.is_shaken = bool(faults)
        """Whether what it sees may not be what there is."""
        self._time = StepClock(FUNCTION_SECONDS, lambda: life.now)
        self._greenlet = stepping(read_request(event), self._time)
        self._may_answer = False
        self.pending: AwsCall | None = None
        figures["deliveries"] += 1
        self._note_rights()
        self._resume(self._greenlet.switch)

    def _note_rights(self) -> None:
        """Between a look and an act rights may change hands, which no handler could see."""
        self.rightful |= {partner.arn for partner in self._life.partners if self._life.may_write(self.event, partner)}

    def go_on(self) -> None:
        """Ends the pending call, well or badly, and lets the handler go on to its next."""
        call = self.pending
        assert call is not None
        self._time.seconds -= 0.1
        figures["calls"] += 1
        self.just_asked, self._asked_before = False, self.just_asked
        try:
            answer = self._performed(call)
        except Failure as error:
            failed = error
            self._resume(lambda: self._greenlet.throw(failed))
        else:
            self._resume(lambda: self._greenlet.switch(answer))

    def _resume(self, resume: Callable[[], Any]) -> None:
        self.pending = None
        try:
            stopped_at = resume()
        except HandlerError as error:
            self.error = error
        else:
            if not self._greenlet.dead:
                self.pending = stopped_at
                return
            self.answer = stopped_at
        assert self._time.seconds > 0, "an answer after the function's deadline"
        self._life.check_answer(self)

    def _performed(self, call: AwsCall) -> dict[str, Any]:
        kind = self._due(call)
        if call.operation == CONNECT:
            self._may_answer = not kind
            if kind:
                self._time.seconds -= REACH_SECONDS
                raise failure(call, "unreachable")
            return {}
        if kind in {"answer lost", "500 after it"}:
            with suppress(ClientError):
                self._life.perform(self, call)
        kind = {"answer lost": "lost", "500 after it": "500"}.get(kind, kind)
        if kind in FAILURES:
            self._time.seconds -= 20 if kind == "hang" else 0
            raise failure(call, kind)
        answer = self._life.perform(self, call)
        if call.operation == "DescribeStacks" and kind != "garbled":
            (described,) = answer["Stacks"]
            if kind == "stale":
                stack = self._life.stacks[call.members["StackName"]]
                described["StackStatus"] = stack.former_status
            self.told = described["StackStatus"]
            self.first_told = self.first_told or self.told
            self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
            self.just_asked = True
        seen = _VIEWS[kind](self, call, answer) if kind in _VIEWS else answer
        if call.operation == "ListPartners":
            self.shown = [partner["Arn"] for partner in seen.get("PartnerSummaryList", [])]
        return seen

    def _due(self, call: AwsCall) -> str:
        for number, fault in enumerate(self._faults):
            if fault.times and not self._is_spared(fault, call) and _strikes(fault, call):
                self._faults[number] = fault._replace(times=fault.times - 1)
                figures["faults"] += 1
                return fault.kind
        return ""

    def _is_spared(self, fault: CallFault, call: AwsCall) -> bool:
        """A rollback bears old answers of DescribeStacks for a few seconds, and no silence for ever."""
        is_early = FUNCTION_SECONDS - self._time.seconds < STALE_SECONDS
        return call.operation == self._spared and not (fault.kind == "stale" and is_early)

    def hides(self, arn: str) -> bool:
        """Whether a list that lags behind may not have that partner yet; see the module."""
        return self._life.readings.one_partner_per_catalog or self._life.made_by.get(arn) == self.event["RequestId"]

    def hides_tags(self, arn: str) -> bool:
        """Whether the tags of a partner may not be seen yet: they may lag behind for so long."""
        partner = self._life.partner(arn)
        age = (self._life.now - partner.created_at).total_seconds() + FUNCTION_SECONDS - self._time.seconds
        is_new = self.event["RequestType"] == "Create" and age < LAG_SECONDS
        return bool(is_new and partner.catalog == "AWS")

    def before_write(self, call: AwsCall) -> None:
        """Holds a changing call against what this event may change."""
        self._note_rights()
        assert self._may_answer, f"{call.operation} though no answer can be sent"
        if self.event["RequestType"] == "Create":
            assert self.told in _CREATING, f"{call.operation} though the stack is in {self.told}"
        else:
            assert self.told in _UPDATING, f"late {call.operation}"
        assert self._asked_before or self.told is None, f"{call.operation} without asking right before it"
        if call.operation == "CreatePartner":
            self._check_permission()
        if call.operation in PROFILE_WRITES:
            check_write(self._life, self, call)
        target = call.members.get("ResourceArn") or call.members.get("Identifier")
        assert target is None or target in self.rightful, f"{call.operation} on a partner of others"
        assert not self._is_shown_as_ours(target), f"{call.operation} by a Create that was answered long ago"

    def _is_shown_as_ours(self, target: str | None) -> bool:
        """Whether this is a Create of a partner that the stack shows already, and whose tag is its own."""
        partner = self._life.partner(target) if target and self.event["RequestType"] == "Create" else None
        if partner is None or target not in self.outputs.values() or OWNER_TAG not in partner.tags:
            return False
        owner = self.event["ResourceProperties"]["Owner"]
        ours = Owner.of(self.event["StackId"], owner["StackName"], owner["ConstructPath"])
        return Owner.from_tag(partner.tags[OWNER_TAG]).is_same_construct(ours)

    def _check_permission(self) -> None:
        """In catalog AWS no partner is created beside one that was seen."""
        wanted = self.event["ResourceProperties"]
        assert not wanted["ExistingPartnerId"], "a partner is created though one was to be adopted"
        if wanted["Catalog"] == "AWS":
            assert not self.shown, "a partner is created beside one that was seen"


def _strikes(fault: CallFault, call: AwsCall) -> bool:
    if fault.kind == "lagging list":
        return call.operation == "ListPartners"
    if fault.kind == "stale":
        return call.operation == "DescribeStacks"
    if fault.kind == "not found":
        return call.operation in {"GetPartner", "GetAllianceLeadContact", "ListTagsForResource"}
    if fault.kind == "no tags":
        return call.operation == "ListTagsForResource"
    if fault.kind == "no ProfileId":
        return call.operation in {"CreatePartner", "GetPartner", "GetProfileVisibility"}
    return fault.operation in {"*", call.operation}


def _lagging(delivery: LifeDelivery, _call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    seen = [partner for partner in answer["PartnerSummaryList"] if not delivery.hides(partner["Arn"])]
    return {**answer, "PartnerSummaryList": seen}


def _without_profile_id(_delivery: LifeDelivery, call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    if call.operation == "GetProfileVisibility":
        raise client_error(call, "ResourceNotFoundException", 400, Reason="PARTNER_PROFILE_NOT_FOUND")
    return {**answer, "Profile": {name: value for name, value in answer["Profile"].items() if name != "ProfileId"}}


def _without_tags(delivery: LifeDelivery, call: AwsCall, answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "Tags": []} if delivery.hides_tags(call.members["ResourceArn"]) else answer


def _garbled(_delivery: LifeDelivery, _call: AwsCall, _answer: dict[str, Any]) -> dict[str, Any]:
    return {}


_VIEWS = {
    "lagging list": _lagging,
    "no tags": _without_tags,
    "no ProfileId": _without_profile_id,
    "garbled": _garbled,
}


class Records:
    """Keeps what the handler logs."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def keep(self, level: str, message: str, fields: Mapping[str, object]) -> None:
        """Keeps a line, which must be fit for JSON."""
        self.texts.append(json.dumps({"level": level, "message": message, **fields}))


@contextmanager
def closed_world() -> Iterator[Records]:
    """The same ids and codes in each replay, clients that stop at each call, and all that is logged."""
    chance, records = random.Random(0), Records()  # noqa: S311 - repeatable, not secret
    made_up = SimpleNamespace(
        choice=chance.choice, randbelow=chance.randrange, token_urlsafe=lambda _length: str(chance.random())
    )
    with made_up_by(made_up), mock.patch.object(handler_log, "_say", records.keep):
        yield records
