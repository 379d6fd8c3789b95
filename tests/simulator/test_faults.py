"""The faults that can be ordered from the simulator, as an unmodified boto3 client meets them."""

import contextlib
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from partner_central_simulator import Fault, FaultKind, Simulator
from tests.simulator.test_simulator import ACCOUNT, ManualClock, client_of, partner_request, refusal


@pytest.fixture
def clock() -> ManualClock:
    """Noon on a day in May."""
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[Simulator]:
    """A simulator without faults."""
    with Simulator(verified=True, clock=clock) as running:
        yield running


def create(simulator: Simulator, **changes: Any) -> Any:
    """An attempt to create a Sandbox partner, with a patience of 0.3 seconds."""
    return client_of(simulator, read_timeout=0.3).create_partner(**partner_request(ClientToken="once", **changes))


def listed(simulator: Simulator) -> list[str]:
    """The ids in ListPartners."""
    answer = client_of(simulator).list_partners(Catalog="Sandbox")
    return [partner["Id"] for partner in answer["PartnerSummaryList"]]


class TestErrors:
    """Faults that are answers."""

    @pytest.mark.parametrize(
        ("kind", "status", "code"),
        [
            ("throttle", 400, "ThrottlingException"),
            ("access-denied", 400, "AccessDeniedException"),
            ("internal-error", 500, "InternalServerException"),
            ("unavailable", 503, "503"),
        ],
    )
    def test_before_commit(self, simulator: Simulator, kind: str, status: int, code: str) -> None:
        """The client gets the error, nothing has happened, and the next attempt succeeds."""
        simulator.faults.add("CreatePartner", kind)
        response = refusal(create, simulator=simulator)
        assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (status, code)
        assert simulator.account(ACCOUNT).partners == []
        assert create(simulator)["Id"]

    @pytest.mark.parametrize("kind", ["internal-error", "unavailable"])
    def test_after_commit(self, simulator: Simulator, kind: str) -> None:
        """The client gets the error although the partner exists; the same token tells which."""
        simulator.faults.add("CreatePartner", kind, after_commit=True)
        refusal(create, simulator=simulator)
        partner = simulator.account(ACCOUNT).partners[0]
        assert create(simulator)["Id"] == partner.id

    def test_access_denied(self, simulator: Simulator) -> None:
        """The message names the permission that is missing, and the Reason is the service's."""
        simulator.faults.add("ListPartners", "access-denied")
        response = refusal(client_of(simulator).list_partners, Catalog="AWS")
        assert "partnercentral:ListPartners" in response["Error"]["Message"]
        assert response["Reason"] == "ACCESS_DENIED"

    def test_botocore_retries(self, simulator: Simulator) -> None:
        """A client with retries gets through by itself; the record shows every attempt."""
        simulator.faults.add("ListPartners", "unavailable")
        patient = client_of(simulator, retries={"mode": "standard", "total_max_attempts": 2})
        patient.list_partners(Catalog="AWS")
        assert [request.status for request in simulator.requests] == [503, 200]

    def test_echo(self, simulator: Simulator) -> None:
        """An error message repeats the input, as a careless service's might; successes don't use the fault up."""
        simulator.faults.add("CreatePartner", "echo")
        create(simulator)
        message = refusal(create, simulator=simulator, EmailVerificationCode="987654")["Error"]["Message"]
        assert "Example Corp" in message
        assert "987654" in message
        assert simulator.faults.pending == []

    def test_echo_of_a_fault(self, simulator: Simulator) -> None:
        """An ordered error can echo too."""
        simulator.faults.add("CreatePartner", "internal-error")
        simulator.faults.add("*", "echo")
        assert "123456" in refusal(create, simulator=simulator)["Error"]["Message"]


class TestConnections:
    """Faults that are no answers."""

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_cut(self, simulator: Simulator, *, after_commit: bool) -> None:
        """The connection closes without an answer, before the partner exists or when it does."""
        simulator.faults.add("CreatePartner", "cut", after_commit=after_commit)
        with pytest.raises(ConnectionClosedError):
            create(simulator)
        partners = simulator.account(ACCOUNT).partners
        assert len(partners) == int(after_commit)
        assert create(simulator)["Id"] == (partners or simulator.account(ACCOUNT).partners)[0].id

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_hang(self, simulator: Simulator, *, after_commit: bool) -> None:
        """There is no answer until the client gives up, before the partner exists or when it does."""
        simulator.faults.add("CreatePartner", "hang", after_commit=after_commit)
        with pytest.raises(ReadTimeoutError):
            create(simulator)
        assert len(simulator.account(ACCOUNT).partners) == int(after_commit)

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_delay(self, simulator: Simulator, *, after_commit: bool) -> None:
        """A delay longer than the client's patience is a timeout; the partner comes into being before it or after."""
        simulator.faults.add("CreatePartner", "delay", seconds=0.6, after_commit=after_commit)
        with pytest.raises(ReadTimeoutError):
            create(simulator)
        assert len(simulator.account(ACCOUNT).partners) == int(after_commit)
        _wait_until(lambda: simulator.requests[0].status == 200)
        assert len(simulator.account(ACCOUNT).partners) == 1

    def test_short_delay(self, simulator: Simulator) -> None:
        """A delay within the client's patience changes nothing."""
        simulator.faults.add("CreatePartner", "delay", seconds=0.05)
        assert create(simulator)["Id"]

    def test_others_go_on(self, simulator: Simulator) -> None:
        """While one request hangs, others are answered."""
        simulator.faults.add("CreatePartner", "hang", after_commit=True)
        with ThreadPoolExecutor() as pool:
            hanging = pool.submit(create, simulator)
            _wait_until(lambda: simulator.account(ACCOUNT).partners)
            assert listed(simulator)
            assert isinstance(hanging.exception(), ReadTimeoutError)

    def test_end(self, simulator: Simulator) -> None:
        """A simulator that stops lets go of requests that hang."""
        simulator.faults.add("ListPartners", "hang")
        with ThreadPoolExecutor() as pool:
            hanging = pool.submit(client_of(simulator, read_timeout=30).list_partners, Catalog="AWS")
            _wait_until(lambda: simulator.requests and simulator.requests[0].faults)
            simulator.stop()
            assert isinstance(hanging.exception(), ConnectionClosedError)


def _wait_until(condition: Any) -> None:
    while not condition():
        time.sleep(0.01)


class TestLags:
    """Faults that show less than there is."""

    def test_reads(self, simulator: Simulator) -> None:
        """New partners are missing in the next lists; lists in which nothing is missing don't count."""
        simulator.faults.add("ListPartners", "lagging-list", times=2)
        assert listed(simulator) == []
        made = create(simulator)["Id"]
        assert [listed(simulator) for _ in range(3)] == [[], [], [made]]

    def test_older_partners(self, simulator: Simulator, clock: ManualClock) -> None:
        """A lagging list shows what is older than the fault."""
        old = simulator.account(ACCOUNT).add_partner("Old Corp", catalog="Sandbox").id
        clock.advance(seconds=1)
        simulator.faults.add("ListPartners", "lagging-list", times=None)
        simulator.account(ACCOUNT).add_partner("New Corp", catalog="Sandbox", age=timedelta(0))
        assert listed(simulator) == [old]

    def test_seconds(self, simulator: Simulator, clock: ManualClock) -> None:
        """Partners are missing as long as they are younger than so many seconds."""
        simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=5)
        made = create(simulator)["Id"]
        clock.advance(seconds=4)
        assert listed(simulator) == []
        clock.advance(seconds=1)
        assert listed(simulator) == [made]

    def test_get_sees_it(self, simulator: Simulator) -> None:
        """Only the list lags: the partner itself can be read."""
        simulator.faults.add("ListPartners", "lagging-list", times=None)
        made = create(simulator)["Id"]
        assert client_of(simulator).get_partner(Catalog="Sandbox", Identifier=made)["Id"] == made

    def test_profile_id(self, simulator: Simulator) -> None:
        """The ProfileId is missing in so many answers, and there afterwards."""
        client = client_of(simulator)
        which = {"Catalog": "Sandbox", "Identifier": create(simulator)["Id"]}
        simulator.faults.add("GetProfileVisibility", "no-profile-id", times=2)
        for _ in range(2):
            assert refusal(client.get_profile_visibility, **which)["Reason"] == "PARTNER_PROFILE_NOT_FOUND"
        assert client.get_profile_visibility(**which)["ProfileId"]

    def test_tags(self, simulator: Simulator) -> None:
        """A partner's tags are missing in so many answers; answers in which none are missing don't count."""
        desk = simulator.account(ACCOUNT)
        bare, tagged = (desk.add_partner(name, tags=tags).arn for name, tags in (("A", {}), ("B", {"team": "x"})))
        simulator.faults.add("ListTagsForResource", "no-tags")
        seen = [client_of(simulator).list_tags_for_resource(ResourceArn=arn)["Tags"] for arn in (bare, tagged, tagged)]
        assert seen == [[], [], [{"Key": "team", "Value": "x"}]]


class TestChoice:
    """Which of the requests that it meets a fault strikes."""

    @staticmethod
    def struck(simulator: Simulator, requests: int) -> list[int]:
        """The numbers of those among so many lists that were throttled."""
        client, mark = client_of(simulator), simulator.mark()
        for _ in range(requests):
            with contextlib.suppress(ClientError):
                client.list_partners(Catalog="AWS")
        return [request.number - mark for request in simulator.requests_since(mark) if request.faults]

    def test_schedule(self, simulator: Simulator) -> None:
        """A schedule names the requests by their number, and is used up after the last; others don't count."""
        simulator.faults.add("ListPartners", "throttle", schedule=[2, 3, 5])
        refusal(client_of(simulator).get_partner, Catalog="AWS", Identifier="partner-0123456789abc")
        assert self.struck(simulator, 7) == [2, 3, 5]
        assert simulator.faults.pending == []

    def test_schedule_after_the_commit(self, simulator: Simulator) -> None:
        """The second attempt is the one that is lost, whatever the first has come to."""
        simulator.faults.add("CreatePartner", "cut", schedule=[2], after_commit=True)
        first = create(simulator)
        with pytest.raises(ConnectionClosedError):
            create(simulator)
        assert create(simulator)["Id"] == first["Id"]

    def test_probability(self, clock: ManualClock) -> None:
        """Chance strikes about as often as it is told to, the same requests each time, and others for another seed."""
        seen = []
        for seed in (1, 1, 2):
            with Simulator(clock=clock) as simulator:
                simulator.faults.add("*", "throttle", times=None, probability=0.3, seed=seed)
                seen.append(self.struck(simulator, 60))
        assert seen[0] == seen[1] != seen[2]
        assert all(8 <= len(struck) <= 30 for struck in seen)

    def test_probability_and_times(self, simulator: Simulator) -> None:
        """Only strikes count."""
        simulator.faults.add("ListPartners", "throttle", times=2, probability=0.5)
        assert len(self.struck(simulator, 40)) == 2

    def test_two_chances(self, simulator: Simulator) -> None:
        """Faults of one seed don't strike together for that."""
        for kind in ("throttle", "echo"):
            simulator.faults.add("ListPartners", kind, times=None, probability=0.5)
        draws = [[fault.strikes_next() for fault in self.met(simulator, number)] for number in range(20)]
        assert {tuple(draw) for draw in draws} == {(False, False), (False, True), (True, False), (True, True)}

    @staticmethod
    def met(simulator: Simulator, number: int) -> list[Fault]:
        """The faults as they are after so many requests."""
        return [replace(fault, met=number) for fault in simulator.faults.pending]

    @pytest.mark.parametrize("kind", ["access-denied", "cut"])
    def test_lasting(self, simulator: Simulator, clock: ManualClock, kind: str) -> None:
        """A fault of the first seconds, such as a policy that IAM has not spread yet, ends by itself."""
        simulator.faults.add("CreatePartner", kind, times=None, lasting=5)
        clock.advance(seconds=4)
        with pytest.raises((ClientError, ConnectionClosedError)):
            create(simulator)
        clock.advance(seconds=1)
        assert create(simulator)["Id"]
        assert simulator.faults.pending == []

    def test_over_http(self, simulator: Simulator) -> None:
        """Another process can order all of that."""
        order = {"operation": "ListPartners", "kind": "throttle", "schedule": [2], "lasting": 60}
        answer = urllib3.request("POST", f"{simulator.url}/_simulator/faults", json=order)
        assert (answer.status, answer.json()["schedule"], answer.json()["times"]) == (200, [2], 1)
        assert self.struck(simulator, 3) == [2]


class TestOrders:
    """How faults are ordered, counted, shown and refused."""

    def test_times(self, simulator: Simulator) -> None:
        """A fault strikes as often as ordered, its own operation only, and the record says so."""
        client = client_of(simulator)
        simulator.faults.add("GetPartner", "throttle", times=2)
        client.list_partners(Catalog="AWS")
        which = {"Catalog": "AWS", "Identifier": "partner-0123456789abc"}
        codes = [refusal(client.get_partner, **which)["Error"]["Code"] for _ in range(3)]
        assert codes == ["ThrottlingException", "ThrottlingException", "ResourceNotFoundException"]
        assert [request.faults for request in simulator.requests] == [
            [],
            [FaultKind.THROTTLE],
            [FaultKind.THROTTLE],
            [],
        ]

    def test_any_operation(self, simulator: Simulator) -> None:
        """A fault of all operations, for ever, lasts until the faults are cleared."""
        client = client_of(simulator)
        simulator.faults.add("*", "throttle", times=None)
        for _ in range(3):
            with pytest.raises(ClientError):
                client.list_partners(Catalog="AWS")
        simulator.faults.clear()
        client.list_partners(Catalog="AWS")

    def test_together(self, simulator: Simulator) -> None:
        """Several faults strike one request in the order in which they were added."""
        simulator.faults.add("CreatePartner", "delay", seconds=0)
        simulator.faults.add("CreatePartner", "cut", after_commit=True)
        with pytest.raises(ConnectionClosedError):
            create(simulator)
        assert simulator.requests[0].faults == [FaultKind.DELAY, FaultKind.CUT]
        assert simulator.requests[0].status is None

    @pytest.mark.parametrize(
        ("order", "words"),
        [
            ({"operation": "DeletePartner", "kind": "cut"}, "name an operation"),
            ({"operation": "CreatePartner", "kind": "lagging-list"}, "name an operation"),
            ({"operation": "CreatePartner", "kind": "plague"}, "plague"),
            ({"operation": "CreatePartner", "kind": "cut", "times": 0}, "times=1"),
            ({"operation": "CreatePartner", "kind": "throttle", "after_commit": True}, "after_commit"),
            ({"operation": "CreatePartner", "kind": "delay"}, "give seconds"),
            ({"operation": "CreatePartner", "kind": "delay", "seconds": -1}, "negative"),
            ({"operation": "CreatePartner", "kind": "delay", "seconds": 1e300}, "more than a year"),
            ({"operation": "CreatePartner", "kind": "cut", "seconds": 1}, "leave out seconds"),
            ({"operation": "CreatePartner", "kind": "cut", "lasting": -1}, "lasting must not be negative"),
            ({"operation": "CreatePartner", "kind": "cut", "probability": 0}, "more than 0"),
            ({"operation": "CreatePartner", "kind": "cut", "probability": 1.1}, "1 at most"),
            ({"operation": "CreatePartner", "kind": "cut", "schedule": []}, "from 1 on"),
            ({"operation": "CreatePartner", "kind": "cut", "schedule": [0]}, "from 1 on"),
            ({"operation": "CreatePartner", "kind": "cut", "schedule": [1], "probability": 0.5}, "nothing to chance"),
            (
                {"operation": "CreatePartner", "kind": "delay", "times": 0},
                "times=1.* give seconds|give seconds.*times=1",
            ),
        ],
    )
    def test_impossible(self, simulator: Simulator, order: dict[str, Any], words: str) -> None:
        """A fault that could never strike as ordered is refused with the remedy, in process and over HTTP."""
        with pytest.raises(ValueError, match=words):
            simulator.faults.add(**order)
        response = urllib3.request("POST", f"{simulator.url}/_simulator/faults", json=order)
        assert response.status == 400
        assert re.search(words, response.json()["error"])
        assert simulator.faults.pending == []

    def test_over_http(self, simulator: Simulator) -> None:
        """Another process orders faults, sees those that wait, and clears them."""
        url = f"{simulator.url}/_simulator/faults"
        order = {"operation": "ListPartners", "kind": "throttle", "times": 2}
        assert urllib3.request("POST", url, json=order).status == 200
        refusal(client_of(simulator).list_partners, Catalog="AWS")
        waiting = urllib3.request("GET", url).json()["faults"]
        assert [(fault["operation"], fault["kind"], fault["times"]) for fault in waiting] == [
            ("ListPartners", "throttle", 1)
        ]
        assert urllib3.request("DELETE", url).json() == {"faults": []}
        client_of(simulator).list_partners(Catalog="AWS")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b'{"colour": "red"}',
            b'{"operation": "*", "kind": "cut", "times": "x"}',
            b'{"operation": "*", "kind": "cut", "probability": "x"}',
            b'{"operation": "*", "kind": "cut", "schedule": ["x"]}',
            b'{"operation": "*", "kind": "cut", "schedule": 1}',
            b'{"operation": "*", "kind": "delay", "seconds": NaN}',
            b'{"operation": [], "kind": "cut"}',
        ],
    )
    def test_nonsense_over_http(self, simulator: Simulator, body: bytes) -> None:
        """An order that is none is refused, and nothing breaks."""
        assert urllib3.request("POST", f"{simulator.url}/_simulator/faults", body=body).status == 400
