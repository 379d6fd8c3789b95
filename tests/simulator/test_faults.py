"""The faults that can be ordered from the simulator, as an unmodified boto3 client meets them."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from partner_central_simulator import FaultKind, Simulator
from tests.simulator.calls import ACCOUNT, ManualClock, client_of, partner_request, refusal


def create(simulator: Simulator, **changes: Any) -> Any:
    """An attempt to create a Sandbox partner, with a patience of 0.3 seconds."""
    return client_of(simulator, read_timeout=0.3).create_partner(**partner_request(ClientToken="once", **changes))


def listed(simulator: Simulator) -> list[str]:
    """The ids in ListPartners."""
    answer = client_of(simulator).list_partners(Catalog="Sandbox")
    return [partner["Id"] for partner in answer["PartnerSummaryList"]]


@pytest.mark.versions
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
    def test_error_before_the_commit_leaves_no_trace_and_the_next_attempt_succeeds(
        self, simulator: Simulator, kind: str, status: int, code: str
    ) -> None:
        """Each with its HTTP status and code."""
        simulator.faults.add("CreatePartner", kind)
        response = refusal(create, simulator=simulator)
        assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (status, code)
        assert simulator.account(ACCOUNT).partners == []
        assert create(simulator)["Id"]

    @pytest.mark.parametrize("kind", ["internal-error", "unavailable"])
    def test_error_after_the_commit_hides_a_partner_that_the_same_token_finds(
        self, simulator: Simulator, kind: str
    ) -> None:
        """Whether a write has taken effect is open."""
        simulator.faults.add("CreatePartner", kind, after_commit=True)
        refusal(create, simulator=simulator)
        partner = simulator.account(ACCOUNT).partners[0]
        assert create(simulator)["Id"] == partner.id

    def test_denial_names_the_permission_that_is_missing(self, simulator: Simulator) -> None:
        """And has the service's Reason."""
        simulator.faults.add("ListPartners", "access-denied")
        response = refusal(client_of(simulator).list_partners, Catalog="AWS")
        assert "partnercentral:ListPartners" in response["Error"]["Message"]
        assert response["Reason"] == "ACCESS_DENIED"

    def test_echo_puts_the_request_into_the_message_of_the_next_error(self, simulator: Simulator) -> None:
        """As a careless service might; successes don't use the fault up."""
        simulator.faults.add("CreatePartner", "echo")
        create(simulator)
        message = refusal(create, simulator=simulator, EmailVerificationCode="987654")["Error"]["Message"]
        assert "Example Corp" in message
        assert "987654" in message
        assert simulator.faults.pending == []

    def test_error_that_is_a_fault_itself_can_echo_the_request(self, simulator: Simulator) -> None:
        """Both are ordered."""
        simulator.faults.add("CreatePartner", "internal-error")
        simulator.faults.add("*", "echo")
        assert "123456" in refusal(create, simulator=simulator)["Error"]["Message"]


@pytest.mark.versions
class TestConnections:
    """Faults that are no answers."""

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_cut_closes_the_connection_without_an_answer_before_or_after_the_commit(
        self, simulator: Simulator, *, after_commit: bool
    ) -> None:
        """The same token finds the partner, or makes it."""
        simulator.faults.add("CreatePartner", "cut", after_commit=after_commit)
        with pytest.raises(ConnectionClosedError):
            create(simulator)
        partners = simulator.account(ACCOUNT).partners
        assert len(partners) == int(after_commit)
        assert create(simulator)["Id"] == (partners or simulator.account(ACCOUNT).partners)[0].id

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_hang_never_answers_before_or_after_the_commit(self, simulator: Simulator, *, after_commit: bool) -> None:
        """Until the client gives up."""
        simulator.faults.add("CreatePartner", "hang", after_commit=after_commit)
        with pytest.raises(ReadTimeoutError):
            create(simulator)
        assert len(simulator.account(ACCOUNT).partners) == int(after_commit)

    @pytest.mark.parametrize("after_commit", [False, True])
    def test_delay_beyond_the_client_timeout_is_a_timeout_before_or_after_the_commit(
        self, simulator: Simulator, *, after_commit: bool
    ) -> None:
        """The partner comes into being before it or after it."""
        simulator.faults.add("CreatePartner", "delay", seconds=0.6, after_commit=after_commit)
        with pytest.raises(ReadTimeoutError):
            create(simulator)
        assert len(simulator.account(ACCOUNT).partners) == int(after_commit)
        _wait_until(lambda: simulator.requests[0].status == 200)
        assert len(simulator.account(ACCOUNT).partners) == 1

    def test_requests_are_answered_while_another_one_hangs(self, simulator: Simulator) -> None:
        """Also by the state that it left."""
        simulator.faults.add("CreatePartner", "hang", after_commit=True)
        with ThreadPoolExecutor() as pool:
            hanging = pool.submit(create, simulator)
            _wait_until(lambda: simulator.account(ACCOUNT).partners)
            assert listed(simulator)
            assert isinstance(hanging.exception(), ReadTimeoutError)

    def test_stop_lets_go_of_requests_that_hang(self, simulator: Simulator) -> None:
        """Their connections are closed."""
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

    def test_lagging_list_omits_new_partners_in_so_many_lists_that_had_any(self, simulator: Simulator) -> None:
        """Lists in which nothing is missing don't count."""
        simulator.faults.add("ListPartners", "lagging-list", times=2)
        assert listed(simulator) == []
        made = create(simulator)["Id"]
        assert [listed(simulator) for _ in range(3)] == [[], [], [made]]

    def test_lagging_list_shows_partners_that_are_older_than_the_fault(
        self, simulator: Simulator, clock: ManualClock
    ) -> None:
        """And omits those created afterwards."""
        old = simulator.account(ACCOUNT).add_partner("Old Corp", catalog="Sandbox").id
        clock.advance(seconds=1)
        simulator.faults.add("ListPartners", "lagging-list", times=None)
        simulator.account(ACCOUNT).add_partner("New Corp", catalog="Sandbox", age=timedelta(0))
        assert listed(simulator) == [old]

    def test_lagging_list_omits_partners_younger_than_its_seconds(
        self, simulator: Simulator, clock: ManualClock
    ) -> None:
        """However old the fault is."""
        simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=5)
        made = create(simulator)["Id"]
        clock.advance(seconds=4)
        assert listed(simulator) == []
        clock.advance(seconds=1)
        assert listed(simulator) == [made]

    def test_profile_id_is_missing_in_so_many_answers_and_there_afterwards(self, simulator: Simulator) -> None:
        """The visibility operations, whose answers require it, say so."""
        client = client_of(simulator)
        which = {"Catalog": "Sandbox", "Identifier": create(simulator)["Id"]}
        simulator.faults.add("GetProfileVisibility", "no-profile-id", times=2)
        for _ in range(2):
            assert refusal(client.get_profile_visibility, **which)["Reason"] == "PARTNER_PROFILE_NOT_FOUND"
        assert client.get_profile_visibility(**which)["ProfileId"]

    def test_tags_are_missing_in_so_many_answers_that_had_any(self, simulator: Simulator) -> None:
        """Answers in which none are missing don't count."""
        admin = simulator.account(ACCOUNT)
        bare, tagged = (admin.add_partner(name, tags=tags).arn for name, tags in (("A", {}), ("B", {"team": "x"})))
        simulator.faults.add("ListTagsForResource", "no-tags")
        seen = [client_of(simulator).list_tags_for_resource(ResourceArn=arn)["Tags"] for arn in (bare, tagged, tagged)]
        assert seen == [[], [], [{"Key": "team", "Value": "x"}]]


class TestOrders:
    """How faults are ordered, counted, shown and refused."""

    def test_fault_strikes_its_own_operation_as_often_as_ordered_and_the_record_says_so(
        self, simulator: Simulator
    ) -> None:
        """And is used up."""
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

    def test_fault_of_any_operation_without_end_lasts_until_faults_are_cleared(self, simulator: Simulator) -> None:
        """`*`, and None for always."""
        client = client_of(simulator)
        simulator.faults.add("*", "throttle", times=None)
        for _ in range(3):
            with pytest.raises(ClientError):
                client.list_partners(Catalog="AWS")
        simulator.faults.clear()
        client.list_partners(Catalog="AWS")

    def test_several_faults_strike_one_request_in_the_order_of_their_addition(self, simulator: Simulator) -> None:
        """A request that was cut has no status."""
        simulator.faults.add("CreatePartner", "delay", seconds=0)
        simulator.faults.add("CreatePartner", "cut", after_commit=True)
        with pytest.raises(ConnectionClosedError):
            create(simulator)
        assert simulator.requests[0].faults == [FaultKind.DELAY, FaultKind.CUT]
        assert simulator.requests[0].status is None

    @pytest.mark.parametrize("kind", ["access-denied", "cut"])
    def test_lasting_fault_ends_by_itself(self, simulator: Simulator, clock: ManualClock, kind: str) -> None:
        """As a policy does that IAM has not spread yet."""
        simulator.faults.add("CreatePartner", kind, times=None, lasting=5)
        clock.advance(seconds=4)
        with pytest.raises((ClientError, ConnectionClosedError)):
            create(simulator)
        clock.advance(seconds=1)
        assert create(simulator)["Id"]
        assert simulator.faults.pending == []

    @pytest.mark.parametrize(
        ("order", "words"),
        [
            ({"operation": "DeletePartner", "kind": "cut"}, "name an operation"),
            ({"operation": "CreatePartner", "kind": "lagging-list"}, "name an operation"),
            ({"operation": "CreatePartner", "kind": "plague"}, "no fault plague: name one of throttle, "),
            ({"operation": "CreatePartner", "kind": "cut", "times": 0}, "times=1"),
            ({"operation": "CreatePartner", "kind": "throttle", "after_commit": True}, "after_commit"),
            ({"operation": "CreatePartner", "kind": "delay"}, "give seconds"),
            ({"operation": "CreatePartner", "kind": "delay", "seconds": -1}, "negative"),
            ({"operation": "CreatePartner", "kind": "delay", "seconds": 1e300}, "more than a year"),
            ({"operation": "CreatePartner", "kind": "cut", "seconds": 1}, "leave out seconds"),
            ({"operation": "CreatePartner", "kind": "cut", "lasting": -1}, "lasting must not be negative"),
            (
                {"operation": "CreatePartner", "kind": "delay", "times": 0},
                "times=1.* give seconds|give seconds.*times=1",
            ),
        ],
    )
    def test_impossible_fault_is_refused_with_the_remedy_in_process_and_over_http(
        self, simulator: Simulator, order: dict[str, Any], words: str
    ) -> None:
        """One that could never strike as ordered."""
        with pytest.raises(ValueError, match=words):
            simulator.faults.add(**order)
        response = urllib3.request("POST", f"{simulator.url}/_simulator/faults", json=order)
        assert response.status == 400
        assert re.search(words, response.json()["error"])
        assert simulator.faults.pending == []

    def test_faults_are_ordered_shown_and_cleared_over_http(self, simulator: Simulator) -> None:
        """By another process."""
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
            b'{"operation": "*", "kind": "delay", "seconds": NaN}',
            b'{"operation": [], "kind": "cut"}',
        ],
    )
    def test_order_of_a_fault_that_is_none_is_refused_over_http(self, simulator: Simulator, body: bytes) -> None:
        """And nothing breaks."""
        assert urllib3.request("POST", f"{simulator.url}/_simulator/faults", body=body).status == 400
