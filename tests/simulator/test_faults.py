"""The faults that can be ordered from the simulator, as an unmodified boto3 client meets them."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError

from partner_central_simulator import FaultKind, Simulator
from tests.simulator.calls import ACCOUNT, ManualClock, client_of, partner_request, post, refusal


def create(simulator: Simulator, **changes: Any) -> Any:
    """An attempt to create a Sandbox partner, with a patience of 0.3 seconds."""
    return client_of(simulator, read_timeout=0.3).create_partner(**partner_request(ClientToken="once", **changes))


def listed(simulator: Simulator) -> list[str]:
    """The ids in ListPartners."""
    answer = client_of(simulator).list_partners(Catalog="Sandbox")
    return [partner["Id"] for partner in answer["PartnerSummaryList"]]


def wait_until(condition: Callable[[], object]) -> None:
    """It will be true; the test's timeout is the bound."""
    while not condition():
        time.sleep(0.01)


# --- Before and after the commit


@pytest.mark.versions
@pytest.mark.parametrize(
    ("kind", "after_commit", "seen"),
    [
        ("throttle", False, "400 ThrottlingException"),
        ("access-denied", False, "400 AccessDeniedException"),
        *(
            (kind, after_commit, seen)
            for after_commit in (False, True)
            for kind, seen in {
                "internal-error": "500 InternalServerException",
                "unavailable": "503 503",
                "cut": ConnectionClosedError,
                "hang": ReadTimeoutError,
                "delay": ReadTimeoutError,
            }.items()
        ),
    ],
)
def test_fault_before_the_commit_changes_nothing_and_after_it_the_same_token_finds_the_partner(
    simulator: Simulator, kind: str, seen: str | type[Exception], *, after_commit: bool
) -> None:
    """Each as botocore reports it; a delayed request takes effect, and is answered, when its client has gone."""
    seconds = 0.6 if kind == "delay" else None
    simulator.faults.add("CreatePartner", kind, after_commit=after_commit, seconds=seconds)
    with pytest.raises((ClientError, HTTPClientError)) as failure:
        create(simulator)
    if isinstance(failure.value, ClientError):
        response: Any = failure.value.response
        assert f"{response['ResponseMetadata']['HTTPStatusCode']} {response['Error']['Code']}" == seen
    else:
        assert type(failure.value) is seen
    assert len(simulator.account(ACCOUNT).partners) == int(after_commit)
    if kind == "delay":
        wait_until(lambda: simulator.requests[0].status == 200)
    made = create(simulator)["Id"]
    assert [partner.id for partner in simulator.account(ACCOUNT).partners] == [made]


def test_other_requests_are_answered_while_one_hangs(simulator: Simulator) -> None:
    """Also by the state that it left."""
    simulator.faults.add("CreatePartner", "hang", after_commit=True)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(create, simulator)
        wait_until(lambda: simulator.account(ACCOUNT).partners)
        assert listed(simulator)
        assert isinstance(hanging.exception(), ReadTimeoutError)


def test_stop_releases_hanging_requests(simulator: Simulator) -> None:
    """Their connections are closed."""
    simulator.faults.add("ListPartners", "hang")
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(client_of(simulator, read_timeout=30).list_partners, Catalog="AWS")
        wait_until(lambda: simulator.requests and simulator.requests[0].faults)
        simulator.stop()
        assert isinstance(hanging.exception(), ConnectionClosedError)


# --- What an answer tells


def test_denial_names_the_permission_that_is_missing(simulator: Simulator) -> None:
    """And has the service's Reason."""
    simulator.faults.add("ListPartners", "access-denied")
    response = refusal(client_of(simulator).list_partners, Catalog="AWS")
    assert "partnercentral:ListPartners" in response["Error"]["Message"]
    assert response["Reason"] == "ACCESS_DENIED"


def test_echo_repeats_the_request_in_the_message_of_the_next_error(simulator: Simulator) -> None:
    """As a careless service might, also of an error that is a fault itself; successes don't use it up."""
    simulator.faults.add("CreatePartner", "echo")
    create(simulator)
    message = refusal(create, simulator=simulator, EmailVerificationCode="987654")["Error"]["Message"]
    assert "Example Corp" in message
    assert "987654" in message
    assert simulator.faults.pending == []
    simulator.faults.add("CreatePartner", "internal-error")
    simulator.faults.add("*", "echo")
    assert "123456" in refusal(create, simulator=simulator)["Error"]["Message"]


def test_echo_waits_for_an_error_of_the_service_itself(simulator: Simulator) -> None:
    """What AWS's gateway refuses never got there."""
    simulator.faults.add("*", "echo")
    assert b"secret" not in post(simulator, b'{"Catalog": "secret"}', Authorization=None).data
    assert len(simulator.faults.pending) == 1


# --- Lags


def test_lagging_list_omits_new_partners_for_the_configured_number_of_lists(simulator: Simulator) -> None:
    """Lists in which nothing is missing don't count."""
    simulator.faults.add("ListPartners", "lagging-list", times=2)
    assert listed(simulator) == []
    made = create(simulator)["Id"]
    assert [listed(simulator) for _ in range(3)] == [[], [], [made]]


def test_lagging_list_shows_partners_that_are_older_than_the_fault(simulator: Simulator, clock: ManualClock) -> None:
    """And omits those created afterwards."""
    old = simulator.account(ACCOUNT).add_partner("Old Corp", catalog="Sandbox").id
    clock.advance(seconds=1)
    simulator.faults.add("ListPartners", "lagging-list", times=None)
    simulator.account(ACCOUNT).add_partner("New Corp", catalog="Sandbox", age=timedelta(0))
    assert listed(simulator) == [old]


def test_lagging_list_omits_partners_younger_than_its_seconds(simulator: Simulator, clock: ManualClock) -> None:
    """However old the fault is."""
    simulator.faults.add("ListPartners", "lagging-list", times=None, seconds=5)
    made = create(simulator)["Id"]
    clock.advance(seconds=4)
    assert listed(simulator) == []
    clock.advance(seconds=1)
    assert listed(simulator) == [made]


def test_profile_id_is_missing_from_the_configured_number_of_answers_only(simulator: Simulator) -> None:
    """The visibility operations, whose answers require it, say so."""
    client = client_of(simulator)
    which = {"Catalog": "Sandbox", "Identifier": create(simulator)["Id"]}
    simulator.faults.add("GetProfileVisibility", "no-profile-id", times=2)
    for _ in range(2):
        assert refusal(client.get_profile_visibility, **which)["Reason"] == "PARTNER_PROFILE_NOT_FOUND"
    assert client.get_profile_visibility(**which)["ProfileId"]


def test_tags_are_missing_from_the_configured_number_of_answers(simulator: Simulator) -> None:
    """Answers in which none are missing don't count."""
    admin = simulator.account(ACCOUNT)
    bare, tagged = (admin.add_partner(name, tags=tags).arn for name, tags in (("A", {}), ("B", {"team": "x"})))
    simulator.faults.add("ListTagsForResource", "no-tags")
    seen = [client_of(simulator).list_tags_for_resource(ResourceArn=arn)["Tags"] for arn in (bare, tagged, tagged)]
    assert seen == [[], [], [{"Key": "team", "Value": "x"}]]


# --- How faults are ordered, counted, shown and refused


def test_fault_affects_its_own_operation_as_often_as_configured_and_is_recorded(simulator: Simulator) -> None:
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


def test_several_faults_affect_one_request_in_the_order_of_their_addition(simulator: Simulator) -> None:
    """A request that was cut has no status."""
    simulator.faults.add("CreatePartner", "delay", seconds=0)
    simulator.faults.add("CreatePartner", "cut", after_commit=True)
    with pytest.raises(ConnectionClosedError):
        create(simulator)
    assert simulator.requests[0].faults == [FaultKind.DELAY, FaultKind.CUT]
    assert simulator.requests[0].status is None


@pytest.mark.parametrize("kind", ["access-denied", "cut"])
def test_lasting_fault_expires(simulator: Simulator, clock: ManualClock, kind: str) -> None:
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
        ({"operation": "DeletePartner", "kind": "cut"}, "specify an operation"),
        ({"operation": "CreatePartner", "kind": "lagging-list"}, "specify an operation"),
        ({"operation": "CreatePartner", "kind": "plague"}, "no fault plague: use one of throttle, "),
        ({"operation": "CreatePartner", "kind": "cut", "times": 0}, "times=1"),
        ({"operation": "CreatePartner", "kind": "throttle", "after_commit": True}, "after_commit"),
        ({"operation": "CreatePartner", "kind": "delay"}, "set seconds"),
        ({"operation": "CreatePartner", "kind": "delay", "seconds": -1}, "negative"),
        ({"operation": "CreatePartner", "kind": "delay", "seconds": 1e300}, "more than a year"),
        ({"operation": "CreatePartner", "kind": "cut", "seconds": 1}, "omit seconds"),
        ({"operation": "CreatePartner", "kind": "cut", "lasting": -1}, "lasting must not be negative"),
        (
            {"operation": "CreatePartner", "kind": "delay", "times": 0},
            "times=1.* set seconds|set seconds.*times=1",
        ),
    ],
)
def test_impossible_fault_is_rejected_with_a_remedy_in_process_and_over_http(
    simulator: Simulator, order: dict[str, Any], words: str
) -> None:
    """One that could never strike as ordered."""
    with pytest.raises(ValueError, match=words):
        simulator.faults.add(**order)
    response = urllib3.request("POST", f"{simulator.url}/_simulator/faults", json=order)
    assert response.status == 400
    assert re.search(words, response.json()["error"])
    assert simulator.faults.pending == []


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
def test_invalid_fault_is_rejected_over_http(simulator: Simulator, body: bytes) -> None:
    """And nothing breaks."""
    assert urllib3.request("POST", f"{simulator.url}/_simulator/faults", body=body).status == 400
