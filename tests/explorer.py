"""Runs the handler through every history of a small scope: each order of its calls, with faults at each point.

Each delivery is the real handler in a greenlet of its own. Whatever it asks AWS stops it, and the explorer decides
who goes on, and how the call ends; a history is the list of these decisions. Histories that lead to the same state
(of the service, of the stacks, and of what each delivery has seen) are gone on from once, and counted all.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.session
import greenlet
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionClosedError

from partner_account_handler import aws as handler_aws
from partner_account_handler import log as handler_log
from partner_account_handler.aws import Aws
from partner_account_handler.clock import Clock
from partner_account_handler.errors import HandlerError
from partner_central_simulator import Readings, models, verifications
from partner_central_simulator.exceptions import ServiceError
from partner_central_simulator.service import Service
from partner_central_simulator.store import Store

ACCOUNT = "123456789012"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_WRITES = {"CreatePartner", "PutAllianceLeadContact", "TagResource", "UntagResource"}


class HistoryError(AssertionError):
    """A history breaks an invariant."""


@dataclass(frozen=True)
class Call:
    """What a delivery asks of AWS."""

    operation: str
    members: dict[str, Any] = field(compare=False)


@dataclass
class Stack:
    """A stack of CloudFormation, as DescribeStacks shows it."""

    status: str
    began: str = "1"


class World:
    """Partner Central and CloudFormation, without HTTP and without time."""

    def __init__(self, readings: Readings) -> None:
        self.service = Service(store=Store(None), clock=lambda: _NOW, readings=readings, page_size=50, verified=True)
        self.stacks: dict[str, Stack] = {}

    def send_code(self, email: str) -> None:
        """Has a code sent to an address, and stored in the parameter that bears the address's name."""
        self.service.perform("SendEmailVerificationCode", ACCOUNT, {"Catalog": "AWS", "Email": email}, "")

    def code_for(self, email: str) -> str:
        """The code in the latest e-mail to an address."""
        with self.service.transaction() as state:
            return next(mail.code for mail in reversed(state.outbox) if mail.email == email)

    @property
    def partners(self) -> list[Any]:
        """All partners of the account."""
        with self.service.transaction():
            return list(self.service.account(ACCOUNT).partners)

    def perform(self, call: Call) -> dict[str, Any]:
        """Carries out a call."""
        if call.operation == "DescribeStacks":
            stack = self.stacks[call.members["StackName"]]
            return {"Stacks": [{"StackStatus": stack.status, "CreationTime": stack.began}]}
        if call.operation == "GetParameter":
            return {"Parameter": {"Value": self.code_for(call.members["Name"])}}
        try:
            return self.service.perform(call.operation, ACCOUNT, call.members, "")
        except ServiceError as error:
            raise _client_error(error, call.operation) from None

    def key(self) -> str:
        """All that can make a difference to what follows."""
        with self.service.transaction() as state:
            return repr((state, self.stacks))


def _client_error(error: ServiceError, operation: str) -> ClientError:
    response: Any = {"Error": {"Code": error.code, "Message": error.message}, **error.members}
    response["ResponseMetadata"] = {"HTTPStatusCode": error.status}
    return ClientError(response, operation)


_MODELS = {
    name: botocore.session.get_session().get_service_model(name)
    for name in ("partnercentral-account", "cloudformation", "ssm")
}


class _Client:
    """In the place of a botocore client: each call hands over to the explorer."""

    def __init__(self, service: str) -> None:
        model = _MODELS[service]
        names = {xform_name(operation): operation for operation in model.operation_names}
        self.meta = SimpleNamespace(service_model=model, method_to_api_mapping=names)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self.meta.method_to_api_mapping[method]
        return lambda **members: greenlet.getcurrent().parent.switch(Call(operation, members))


@dataclass(frozen=True)
class Event:
    """An event that CloudFormation sends as soon as so many of the things beside it have happened."""

    act: Callable[[Aws], Any]
    stack_id: str
    after: int = 0


class Delivery:
    """One delivery of an event to the handler, as far as it has come."""

    def __init__(self, event: Event) -> None:
        clock = _Clock()
        self.after = event.after
        self._greenlet = greenlet.greenlet(lambda: event.act(Aws(event.stack_id, Clock(clock.remaining, clock.sleep))))
        self.pending: Call | None = None
        self.result: Any = None
        self.seen: list[str] = []
        self._go_on(self._greenlet.switch)

    def answer(self, world: World, outcome: str) -> None:
        """Ends the pending call in one of the ways that `OUTCOMES` names."""
        call = self.pending
        assert call is not None
        try:
            answer = OUTCOMES[outcome](world, call)
        except (ClientError, ConnectionClosedError) as failure:
            self.seen.append(f"{call.operation} {outcome} {failure}")
            self._go_on(partial(self._greenlet.throw, type(failure), failure))
        else:
            self.seen.append(f"{call.operation} {outcome} {answer}")
            self._go_on(partial(self._greenlet.switch, answer))

    def _go_on(self, resume: Callable[[], Any]) -> None:
        self.pending = None
        try:
            stopped_at = resume()
        except HandlerError as error:
            self.result = error
            return
        if self._greenlet.dead:
            self.result = stopped_at
        else:
            self.pending = stopped_at


class _Clock:
    """Time enough for a handful of tries; only pauses take any."""

    def __init__(self) -> None:
        self._left = 56.0

    def remaining(self) -> float:
        return self._left

    def sleep(self, seconds: float) -> None:
        self._left -= seconds


def _lost(_world: World, call: Call) -> dict[str, Any]:
    raise ConnectionClosedError(endpoint_url=call.operation)


def _answer_lost(world: World, call: Call) -> dict[str, Any]:
    with suppress(ClientError):
        world.perform(call)
    return _lost(world, call)


def _throttled(_world: World, call: Call) -> dict[str, Any]:
    response: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(response, call.operation)


def _lagging(world: World, call: Call) -> dict[str, Any]:
    return {**world.perform(call), "PartnerSummaryList": []}


OUTCOMES: dict[str, Callable[[World, Call], dict[str, Any]]] = {
    "ok": World.perform,
    "lost": _lost,
    "answer lost": _answer_lost,
    "throttled": _throttled,
    "lagging": _lagging,
}


def _faults(call: Call, world: World) -> Iterator[str]:
    yield "lost"
    if call.operation in _WRITES:
        yield "answer lost"
        yield "throttled"
    if call.operation == "ListPartners" and world.partners:
        yield "lagging"


@dataclass(frozen=True)
class Scenario:
    """What happens beside each other: events, and what CloudFormation and humans do meanwhile, in this order."""

    prepare: Callable[[World], None]
    events: Sequence[Event]
    check: Callable[[History], None]
    meanwhile: Sequence[Callable[[World], None]] = ()
    faults: int = 2


Decision = tuple[str, int, str]


class History:
    """One history up to some point: the decisions taken so far, replayed."""

    def __init__(self, scenario: Scenario, readings: Readings, decisions: Sequence[Decision]) -> None:
        self.scenario = scenario
        self.world = World(readings)
        scenario.prepare(self.world)
        self.deliveries = [Delivery(event) for event in scenario.events]
        self.happened = 0
        self.faults = 0
        self.told: list[str] = []
        """What happened, in order: `0 CreatePartner ok` for the first event's call, `meanwhile 0` beside them."""
        for decision in decisions:
            self._take(decision)

    def _take(self, decision: Decision) -> None:
        kind, number, outcome = decision
        if kind == "meanwhile":
            self.scenario.meanwhile[number](self.world)
            self.happened += 1
            self.told.append(f"meanwhile {number}")
            return
        call = self.deliveries[number].pending
        assert call is not None
        self.told.append(f"{number} {call.operation} {outcome}")
        # A check may look at what came before what: histories that differ in it must not be taken for one.
        self.deliveries[number].seen.append(f"after {self.happened}")
        self.faults += outcome != "ok"
        self.deliveries[number].answer(self.world, outcome)

    def choices(self) -> list[Decision]:
        """What may happen next; nothing if the history is at its end."""
        found: list[Decision] = []
        if self.happened < len(self.scenario.meanwhile):
            found.append(("meanwhile", self.happened, "ok"))
        for number, delivery in enumerate(self.deliveries):
            if delivery.pending and delivery.after <= self.happened:
                found.append(("call", number, "ok"))
                if self.faults < self.scenario.faults:
                    found += [("call", number, fault) for fault in _faults(delivery.pending, self.world)]
        return found

    def key(self) -> bytes:
        """Equal for histories that can go on in the same ways only."""
        seen = [delivery.seen for delivery in self.deliveries]
        return hashlib.sha256(repr((self.world.key(), seen, self.happened, self.faults)).encode()).digest()

    @property
    def results(self) -> list[Any]:
        """How each delivery ended."""
        return [delivery.result for delivery in self.deliveries]

    def check(self) -> None:
        """Holds the end of the history against the scenario's invariants."""
        self.scenario.check(self)


def deliver(world: World, event: Event) -> Any:
    """Delivers an event alone and without faults, and returns how it ends."""
    delivery = Delivery(event)
    while delivery.pending:
        delivery.answer(world, "ok")
    return delivery.result


def explore(scenario: Scenario, readings: Readings) -> int:
    """Goes through all histories, and counts them.

    Raises:
        HistoryError: one breaks an invariant; it is told decision by decision.
    """
    counted: dict[bytes, int] = {}

    def count(decisions: tuple[Decision, ...]) -> int:
        with _deterministic():
            history = History(scenario, readings, decisions)
            key = history.key()
            if key in counted:
                return counted[key]
            choices = history.choices()
            if not choices:
                _check(history)
        counted[key] = sum(count((*decisions, choice)) for choice in choices) if choices else 1
        return counted[key]

    return count(())


def _check(history: History) -> None:
    try:
        history.check()
    except AssertionError as broken:
        raise HistoryError("\n".join([str(broken), *history.told, *map(repr, history.results)])) from broken


@contextmanager
def _deterministic() -> Iterator[None]:
    """The same ids and codes in each replay, and clients that stop at each call."""
    chance = random.Random(0)  # noqa: S311 - nothing is secret here
    made_up = SimpleNamespace(
        choice=chance.choice, randbelow=chance.randrange, token_urlsafe=lambda _length: str(chance.random())
    )
    with (
        mock.patch.object(models, "secrets", made_up),
        mock.patch.object(verifications, "secrets", made_up),
        mock.patch.object(handler_log, "_say"),  # a hundred thousand histories are better not told
        mock.patch.object(handler_aws, "_client", lambda service, _region: _Client(service)),
    ):
        yield
