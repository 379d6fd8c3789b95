"""Runs the handler through every history of a small scope: each order of its calls, with faults at each point.

Each delivery is the real handler in a greenlet of its own. Whatever it asks AWS stops it, and the explorer decides
who goes on, and how the call ends; a history is the list of these decisions. There are billions of histories, but
they lead to few points only (see `Point`): each point is gone on from once, and its histories are counted all. Nor is
anything computed twice: where a call leads to from a state of the world, and what a delivery does after some answers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

from botocore.exceptions import ClientError

from partner_account_handler import log as handler_log
from partner_account_handler.errors import HandlerError
from partner_account_handler.request import PartnerRequest, ProfileRequest
from partner_central_simulator import Readings, models, verifications
from partner_central_simulator.models import State
from partner_central_simulator.service import AccountAdmin, Service
from tests.handler.cloud import ACCOUNT
from tests.handler.stepping import (
    CONNECT,
    FAILURES,
    WRITES,
    AwsCall,
    Failure,
    StackState,
    StepClock,
    carried_out,
    failure,
    importing,
    made_up_by,
    stepping,
)

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class HistoryError(AssertionError):
    """A history breaks an invariant."""


# --- The world --------------------------------------------------------------------------------------------------


@dataclass
class _MadeUp:
    """Stands in for `secrets`: ids and codes that count up, so that equal worlds go on alike."""

    drawn: int = 0

    def randbelow(self, limit: int) -> int:
        self.drawn += 1
        return self.drawn % limit

    def choice(self, letters: str) -> str:
        return letters[self.randbelow(len(letters))]

    def token_urlsafe(self, _length: int) -> str:
        return str(self.randbelow(10**9))


@dataclass
class _Content:
    """All of a world that can make a difference to what follows."""

    state: State = field(default_factory=State)
    stacks: dict[str, StackState] = field(default_factory=dict)
    made_up: _MadeUp = field(default_factory=_MadeUp)


class ExploredWorld:
    """Partner Central and CloudFormation, without HTTP and without time."""

    def __init__(self, readings: Readings, content: _Content | None = None) -> None:
        self._readings = readings
        self._content = content or _Content()
        self._service = Service(clock=lambda: _NOW, readings=readings, verified=True, state=self._content.state)

    def copy(self) -> ExploredWorld:
        """A copy of the world; `copy.deepcopy` takes several times as long."""
        return ExploredWorld(self._readings, pickle.loads(pickle.dumps(self._content)))  # noqa: S301 - our own

    def key(self) -> str:
        """Equal for worlds that answer alike for ever."""
        return repr(self._content)

    @property
    def stacks(self) -> dict[str, StackState]:
        """The stacks by their ids."""
        return self._content.stacks

    @property
    def partners(self) -> list[models.SimulatedPartner]:
        """All partners of the account."""
        return [partner for account in self._accounts for partner in account.partners]

    @property
    def tokens(self) -> list[str]:
        """All client tokens that the service remembers."""
        return [token for account in self._accounts for token in account.tokens]

    @property
    def _accounts(self) -> Iterable[models.SimulatedAccount]:
        return self._content.state.accounts.values()

    def verify(self, legal_name: str) -> None:
        """Has the business be verified under that name."""
        with self._service.transaction():
            self._service.account(ACCOUNT).verifications[verifications.BUSINESS].details["LegalName"] = legal_name

    def plan_profile_tasks(self, reads: int) -> None:
        """Makes profile tasks end after so many reads."""
        AccountAdmin(self._service, ACCOUNT).plan_profile_tasks(reads=reads)

    def cancel_profile_task(self) -> None:
        """A person cancels the task that is in progress."""
        (partner,) = self.partners
        which = {"Catalog": partner.catalog, "Identifier": partner.arn, "TaskId": partner.tasks[-1].id}
        self.perform(AwsCall("CancelProfileUpdateTask", which))

    def send_code(self, email: str) -> None:
        """Has a code sent to an address, and stored in the parameter that bears the address's name."""
        self.perform(AwsCall("SendEmailVerificationCode", {"Catalog": "AWS", "Email": email}))

    def perform(self, call: AwsCall) -> dict[str, Any]:
        """Carries out a call."""
        if call.operation == CONNECT:
            return {}
        if call.operation == "DescribeStacks":
            return self.stacks[call.members["StackName"]].described()
        if call.operation == "ListImports":
            return importing(self.stacks.values(), call)
        if call.operation == "GetParameter":
            mails = reversed(self._content.state.outbox)
            return {"Parameter": {"Value": next(mail.code for mail in mails if mail.email == call.members["Name"])}}
        with made_up_by(self._content.made_up):
            return carried_out(self._service, call)


# --- How a call ends --------------------------------------------------------------------------------------------


def _faults(call: AwsCall, world: ExploredWorld) -> Iterator[str]:
    yield "unreachable" if call.operation == CONNECT else "lost"
    if call.operation in WRITES:
        yield "answer lost"
        yield "throttled"
    if call.operation == "ListPartners" and world.partners:
        yield "lagging"
    if call.operation == "ListTagsForResource":
        yield "without tags"


@dataclass(frozen=True)
class HeardAnswer:
    """What a delivery receives from a call: an answer or an exception, distinguished by its whole content."""

    text: str
    pickled: bytes = field(compare=False)
    """Each delivery that receives it gets a copy of its own."""

    @classmethod
    def of(cls, value: dict[str, Any] | Exception) -> HeardAnswer:
        """An exception's own text doesn't contain its reason."""
        text = f"{type(value)} {vars(value) if isinstance(value, Exception) else value}"
        return cls(text, pickle.dumps(value))


@dataclass(frozen=True)
class _Ending:
    """One of the ways for a call to end: `ok`, or one that `_faults` names."""

    call: AwsCall
    outcome: str

    def __call__(self, world: ExploredWorld) -> HeardAnswer:
        try:
            return HeardAnswer.of(self._heard(world))
        except Failure as failed:
            return HeardAnswer.of(failed.with_traceback(None))

    def _heard(self, world: ExploredWorld) -> dict[str, Any]:
        if self.outcome in FAILURES:
            raise failure(self.call, self.outcome)
        if self.outcome == "answer lost":
            with suppress(ClientError):
                world.perform(self.call)
            raise failure(self.call, "lost")
        hidden: dict[str, Any] = {"lagging": {"PartnerSummaryList": []}, "without tags": {"Tags": []}}
        return {**world.perform(self.call), **hidden.get(self.outcome, {})}


# --- A delivery -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ScheduledEvent:
    """A request that CloudFormation sends as soon as so many of the things beside it have happened."""

    request: PartnerRequest | ProfileRequest
    after: int = 0
    connects: bool = False
    """Whether the connection for the answer is one of its calls; it always stands otherwise."""


class ExploredDelivery:
    """One delivery of an event to the handler, as far as it has come; there is one object for each distance."""

    def __init__(
        self, event: ScheduledEvent, told: tuple[str, ...] = (), answers: tuple[HeardAnswer, ...] = ()
    ) -> None:
        self.event = event
        self.told = told
        """Its calls and what happened beside it, in this order: `CreatePartner ok`, `meanwhile 0`."""
        self._answers = answers
        self.pending, self.result = _run(event, answers)
        self._further: dict[tuple[str, HeardAnswer | None], ExploredDelivery] = {}

    def then(self, told: str, answer: HeardAnswer | None = None) -> ExploredDelivery:
        """This delivery after its pending call is answered, or something else has happened."""
        if (told, answer) not in self._further:
            answers = (*self._answers, answer) if answer else self._answers
            self._further[told, answer] = ExploredDelivery(self.event, (*self.told, told), answers)
        return self._further[told, answer]


@cache
def _run(event: ScheduledEvent, answers: tuple[HeardAnswer, ...]) -> tuple[AwsCall | None, Any]:
    """What the handler asks for next, or how it ends: nothing but the event and these answers decides on it."""
    running = stepping(event.request, StepClock(56.0, lambda: _NOW), connects=event.connects)
    with mock.patch.object(handler_log, "_say", _say_nothing):
        try:
            stopped_at = running.switch()
            for answer in answers:
                value = pickle.loads(answer.pickled)  # noqa: S301 - our own
                stopped_at = running.throw(value) if isinstance(value, Exception) else running.switch(value)
        except HandlerError as error:
            return None, error.with_traceback(None)
    return (None, stopped_at) if running.dead else (stopped_at, None)


def _say_nothing(*_told: object) -> None:
    """A million histories are better not logged."""


def deliver(world: ExploredWorld, event: ScheduledEvent) -> Any:
    """Delivers an event alone and without faults, and returns how it ends."""
    delivery = ExploredDelivery(event)
    while delivery.pending:
        delivery = delivery.then("", _Ending(delivery.pending, "ok")(world))
    return delivery.result


# --- The search -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """What happens beside each other: events, and what CloudFormation and humans do meanwhile, in this order."""

    prepare: Callable[[ExploredWorld], None]
    events: Sequence[ScheduledEvent]
    check: Callable[[History], None]
    meanwhile: Sequence[Callable[[ExploredWorld], None]] = ()
    faults: int = 2


@dataclass(frozen=True)
class History:
    """The end of a history, as far as a check may look at it: all that a `Point` tells, and no more.

    What happened is told for each delivery by itself; in which order two deliveries made their calls, only the world
    can tell. The world is a copy, with which a check may go on.
    """

    world: ExploredWorld
    told: list[tuple[str, ...]]
    results: list[Any]


class Point(NamedTuple):
    """Where histories meet. Those that come to the same point can go on in the same ways only, to the same ends.

    For what may happen next depends on this alone: the pending calls, how many things have happened meanwhile, how
    many faults are left, and whether there is a partner to be left out of a list. So does where it leads to. The
    world's answer and next state follow from the call and its present state, which holds even what its ids are made
    from, and its clock stands still. A delivery's next call follows from its event and answers: its only other input
    is its clock, which nothing moves but its own pauses. And checks see nothing else.
    """

    world: ExploredWorld
    deliveries: tuple[ExploredDelivery, ...]
    happened: int = 0
    faults: int = 0


@dataclass(slots=True)
class _Past:
    """How many histories lead to a point, and the last decision of one of them."""

    histories: int
    before: _Past | None = None
    decision: str = ""

    def told(self) -> list[str]:
        """The decisions of one history, in order."""
        return [*self.before.told(), self.decision] if self.before else []


class _Search:
    """All points of a scenario, beginning with the first."""

    def __init__(self, scenario: Scenario, readings: Readings) -> None:
        self._scenario = scenario
        self._worlds: dict[str, ExploredWorld] = {}
        self._moves: dict[tuple[ExploredWorld, Callable[[ExploredWorld], Any]], tuple[ExploredWorld, Any]] = {}
        world, _ = self._after(ExploredWorld(readings), scenario.prepare)
        self.begin = Point(world, tuple(map(ExploredDelivery, scenario.events)))

    def steps(self, point: Point) -> Iterator[tuple[str, Point]]:
        """What may happen next, and where it leads to; nothing if histories end here."""
        if point.happened < len(self._scenario.meanwhile):
            yield self._meanwhile(point)
        for number, delivery in enumerate(point.deliveries):
            if delivery.pending and delivery.event.after <= point.happened:
                for outcome in self._outcomes(point, delivery.pending):
                    yield self._call(point, number, _Ending(delivery.pending, outcome))

    def _meanwhile(self, point: Point) -> tuple[str, Point]:
        world, _ = self._after(point.world, self._scenario.meanwhile[point.happened])
        told = f"meanwhile {point.happened}"
        deliveries = tuple(delivery.then(told) for delivery in point.deliveries)
        return told, Point(world, deliveries, point.happened + 1, point.faults)

    def _outcomes(self, point: Point, call: AwsCall) -> list[str]:
        return ["ok", *(_faults(call, point.world) if point.faults < self._scenario.faults else [])]

    def _call(self, point: Point, number: int, ending: _Ending) -> tuple[str, Point]:
        world, answer = self._after(point.world, ending)
        told = f"{ending.call.operation} {ending.outcome}"
        deliveries = list(point.deliveries)
        deliveries[number] = deliveries[number].then(told, answer)
        faults = point.faults + (ending.outcome != "ok")
        return f"{number} {told}", Point(world, tuple(deliveries), point.happened, faults)

    def _after(self, world: ExploredWorld, act: Callable[[ExploredWorld], Any]) -> tuple[ExploredWorld, Any]:
        """The world after an act, and its answer. One object stands for all worlds that are equal."""
        if (world, act) not in self._moves:
            changed = world.copy()
            answer = act(changed)
            self._moves[world, act] = self._worlds.setdefault(changed.key(), changed), answer
        return self._moves[world, act]

    def check(self, point: Point, past: _Past) -> None:
        """Holds the end of histories against the scenario's invariants."""
        told, results = zip(*((delivery.told, delivery.result) for delivery in point.deliveries), strict=True)
        try:
            self._scenario.check(History(point.world.copy(), list(told), list(results)))
        except AssertionError as broken:
            raise HistoryError("\n".join([str(broken), *past.told(), *map(repr, results)])) from broken


def explore(scenario: Scenario, readings: Readings) -> int:
    """Goes through all histories, the shortest first, and counts them.

    Raises:
        HistoryError: one breaks an invariant; it is told decision by decision.
    """
    search = _Search(scenario, readings)
    histories = 0
    reached = {search.begin: _Past(1)}
    while reached:
        ended, reached = _one_decision_more(search, reached)
        histories += ended
    return histories


def _one_decision_more(search: _Search, reached: dict[Point, _Past]) -> tuple[int, dict[Point, _Past]]:
    """How many histories end at these points, and where the others lead to."""
    ended = 0
    further: dict[Point, _Past] = {}
    for point, past in reached.items():
        steps = list(search.steps(point))
        for decision, following in steps:
            further.setdefault(following, _Past(0, past, decision)).histories += past.histories
        if not steps:
            search.check(point, past)
            ended += past.histories
    return ended, further
