"""Hostile requests at the simulator's HTTP border: always an answer, never a failure of its own, healthy afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from botocore.model import ListShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_central_simulator import FaultKind, Simulator
from partner_central_simulator.api import LARGEST_BODY
from partner_central_simulator.service import OPERATIONS
from tests.simulator.calls import ACCOUNT, authorization, client_of, post

pytestmark = pytest.mark.slow

fuzz = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SERVICE_MODEL = client_of(Simulator()).meta.service_model
OWN_FAILURE = "The simulator failed"

texts = st.text(max_size=60) | st.sampled_from(
    ["", " ", "\ud7ff\ue000", "\u0000", "\U0001f600", "x" * 3000, "NaN", "#"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for all that is done to it."""
    with Simulator(verified=True) as running:
        yield running
        check_health(running)


def check_health(simulator: Simulator) -> None:
    """It still answers, the service and its own endpoints."""
    outbox = urllib3.request("GET", f"{simulator.url}/_simulator/outbox", timeout=5, retries=False)
    assert "outbox" in outbox.json()
    assert "PartnerSummaryList" in client_of(simulator).list_partners(Catalog="AWS")


def check_answer(answer: Any) -> None:
    """An answer as AWS would give one: JSON, a known status, no traceback, and no failure of the simulator's own."""
    assert answer.status in {200, 400, 403, 404, 413, 501}
    body = json.loads(answer.data)
    assert answer.status == 200 or body["__type"]
    assert OWN_FAILURE not in answer.data.decode()
    assert "Traceback" not in answer.data.decode()


def of_shape(shape: Shape | None) -> st.SearchStrategy[Any]:
    """Values of a shape, sound ones and such as only just are not; any value may have a wrong type."""
    if isinstance(shape, StructureShape):
        members = {name: of_shape(member) for name, member in shape.members.items()}
        required = {name: value for name, value in members.items() if name in shape.required_members}
        optional = {name: value for name, value in members.items() if name not in shape.required_members}
        return st.fixed_dictionaries(required, optional=optional) | st.fixed_dictionaries({}, optional=members)
    if isinstance(shape, ListShape):
        return st.lists(of_shape(shape.member), max_size=4) | anything
    if isinstance(shape, StringShape):
        return _of_text(shape) | anything
    return anything


def _of_text(shape: StringShape) -> st.SearchStrategy[Any]:
    if shape.enum:
        return st.sampled_from([*shape.enum, "OTHER", shape.enum[0].lower()])
    known = {"Catalog": ["AWS", "Sandbox", "Other"], "Email": ["jane@example.com", "@", "a@b"]}.get(shape.name, [])
    lengths = (shape.metadata.get("min", 0), shape.metadata.get("max", 100))
    edges = [character * length for length in lengths if length <= 400 for character in "a0 \ud7ff\uffff"]
    return st.sampled_from([*known, *edges, "123456", "partner-0123456789abc"])


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_any_body_of_any_operation_is_answered_as_by_aws(simulator: Simulator, operation: str) -> None:
    """Valid, almost valid and senseless requests, made from the service model."""

    @settings(fuzz, max_examples=25)
    @given(body=of_shape(SERVICE_MODEL.operation_model(operation).input_shape) | anything)
    def send(body: Any) -> None:
        check_answer(post(simulator, json.dumps(body).encode(), operation))

    send()


def sound(shape: Shape | None) -> Any:
    """A value of the shape with all members, of the right types at least."""
    if isinstance(shape, StructureShape):
        return {name: sound(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [sound(shape.member)]
    return shape.enum[0] if isinstance(shape, StringShape) and shape.enum else "AWS"


def with_one_wrong(value: Any) -> Iterator[Any]:
    """The value, with each part of it in turn replaced by each wrong type."""
    yield from (None, True, 7, "", "x", [None], {"a": 1})
    if isinstance(value, dict):
        yield from ({**value, name: wrong} for name, part in value.items() for wrong in with_one_wrong(part))
    if isinstance(value, list):
        yield from ([wrong] for wrong in with_one_wrong(value[0]))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_wrong_type_of_any_member_is_answered_as_by_aws(simulator: Simulator, operation: str) -> None:
    """Each member of each operation in turn, however deep."""
    for body in with_one_wrong(sound(SERVICE_MODEL.operation_model(operation).input_shape)):
        check_answer(post(simulator, json.dumps(body).encode(), operation))


@fuzz
@given(body=st.binary(max_size=200) | texts.map(lambda text: text.encode("utf-16", "surrogatepass")))
def test_body_that_is_not_a_json_object_is_a_client_error(simulator: Simulator, body: bytes) -> None:
    """As AWS refuses them."""
    answer = post(simulator, body)
    check_answer(answer)
    assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"Catalog": 1e999}',
        b'\xef\xbb\xbf{"Catalog": "AWS"}',
        b'{"Catalog": "\\ud800"}',
        b'{"Catalog": "AWS", "Catalog": 7}',
        json.dumps({"Catalog": "AWS", "NextToken": "x" * 500_000}).encode(),
        json.dumps({f"k{number}": None for number in range(50_000)}).encode(),
        b" " * LARGEST_BODY,
    ],
    ids=lambda body: f"{len(body)} bytes of {body[:12]!r}",
)
def test_odd_or_long_body_is_answered_as_by_aws(simulator: Simulator, body: bytes) -> None:
    """Refused with an error of the client's, if not understood."""
    check_answer(post(simulator, body, "ListPartners"))


headers = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80)
targets = (
    headers
    | st.sampled_from(["PartnerCentralAccount.", ".", "PartnerCentralAccount.__class__", "PartnerCentralAccount.a.b"])
    | st.sampled_from(sorted(OPERATIONS)).map(lambda name: f"partnercentralaccount.{name}")
)


@fuzz
@given(target=targets, kind=headers, authorization=headers | st.just(authorization()))
def test_invalid_target_content_type_or_signature_is_rejected(
    simulator: Simulator, target: str, kind: str, authorization: str
) -> None:
    """Before anything happens."""
    sent = {"X-Amz-Target": target, "Content-Type": kind, "Authorization": authorization}
    latin = {name: value.strip().encode("latin-1") for name, value in sent.items()}
    answer = urllib3.request("POST", simulator.url, body=b"{}", headers=latin, timeout=5, retries=False)  # type: ignore[arg-type]
    check_answer(answer)
    assert answer.status in {403, 404}


numbers = st.none() | st.sampled_from([1, 2, 0, -1, 0.001, 1e300, float("inf"), float("nan"), "x", True])


@fuzz
@given(
    order=anything
    | st.fixed_dictionaries(
        {"operation": st.sampled_from(["ListPartners", "ListTagsForResource", "*", "Other"]) | anything},
        optional={
            "kind": st.sampled_from([kind.value for kind in FaultKind if kind not in {"cut", "hang"}]) | anything,
            "times": numbers,
            "seconds": numbers.filter(lambda number: not isinstance(number, float | int) or number < 1),
            "lasting": numbers,
            "after_commit": st.booleans() | anything,
        },
    )
)
def test_any_fault_is_rejected_or_injected_cleanly(simulator: Simulator, order: Any) -> None:
    """Whatever its numbers are, nothing breaks, and it is shown and cleared again."""
    url = f"{simulator.url}/_simulator/faults"
    posted = urllib3.request("POST", url, body=json.dumps(order).encode(), timeout=5, retries=False)
    assert posted.status in {200, 400}
    for _ in range(3):
        answer = post(simulator, b'{"Catalog": "AWS"}', "ListPartners")
        assert b"Traceback" not in answer.data
        assert OWN_FAILURE.encode() not in answer.data
    assert urllib3.request("GET", url, timeout=5, retries=False).status == 200
    assert urllib3.request("DELETE", url, timeout=5, retries=False).json() == {"faults": []}


def test_stored_values_are_valid_by_the_service_model(simulator: Simulator) -> None:
    """Whatever came before."""
    for partner in simulator.account(ACCOUNT).partners:
        assert set(partner.contact) == {"FirstName", "LastName", "Email", "BusinessTitle"}
