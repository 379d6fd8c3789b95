"""Hostile requests at the simulator's HTTP border: always an answer, never a failure of its own, healthy afterwards."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from botocore.model import ListShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_central_simulator import Simulator
from partner_central_simulator.journal import REMEMBERED_BYTES, Journal
from partner_central_simulator.responses import LARGEST_BODY
from partner_central_simulator.service import OPERATIONS
from tests.simulator.test_simulator import ACCOUNT, authorization, client_of
from tests.simulator.test_simulator import post as posted

pytestmark = pytest.mark.slow

fuzz = settings(
    max_examples=150,
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
    """It still answers, the service and its own endpoints, and has no thread left that is busy."""
    health = urllib3.request("GET", f"{simulator.url}/_simulator/health", timeout=5, retries=False)
    assert health.json()["status"] == "ok"
    assert "PartnerSummaryList" in client_of(simulator).list_partners(Catalog="AWS")


def check_answer(answer: Any) -> None:
    """An answer as AWS would give one: JSON, a known status, no traceback, and no failure of the simulator's own."""
    assert answer.status in {200, 400, 403, 404, 413, 501}
    body = json.loads(answer.data or b"{}")  # operations without an output answer nothing
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


@pytest.mark.parametrize("operation", sorted(SERVICE_MODEL.operation_names))
def test_any_body_of_any_operation(simulator: Simulator, operation: str) -> None:
    """Valid, almost valid and senseless requests, made from the service model; also those that are not simulated."""

    @settings(fuzz, max_examples=60 if operation in OPERATIONS else 5)
    @given(body=of_shape(SERVICE_MODEL.operation_model(operation).input_shape) | anything)
    def send(body: Any) -> None:
        answer = posted(simulator, json.dumps(body).encode(), operation)
        check_answer(answer)
        if operation not in OPERATIONS:
            assert answer.status == 501

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
    yield from (None, True, 7, 1.5, "", "x", [], [None], [[]], {}, {"a": 1})
    if isinstance(value, dict):
        yield from ({**value, name: wrong} for name, part in value.items() for wrong in with_one_wrong(part))
    if isinstance(value, list):
        yield from ([wrong] for wrong in with_one_wrong(value[0]))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_wrong_type_anywhere(simulator: Simulator, operation: str) -> None:
    """Each member of each operation in turn, however deep."""
    for body in with_one_wrong(sound(SERVICE_MODEL.operation_model(operation).input_shape)):
        check_answer(posted(simulator, json.dumps(body).encode(), operation))


@fuzz
@given(body=st.binary(max_size=200) | texts.map(lambda text: text.encode("utf-16", "surrogatepass")))
def test_any_bytes(simulator: Simulator, body: bytes) -> None:
    """A body that is no JSON object is refused as AWS refuses it."""
    answer = posted(simulator, body)
    check_answer(answer)
    assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"Catalog":' + b"9" * 5_000 + b"}",
        b'{"Catalog": 1e999}',
        b'{"Catalog": NaN}',
        b'\xef\xbb\xbf{"Catalog": "AWS"}',
        b'{"Catalog": "\\ud800"}',
        b'{"Catalog": "AWS", "Catalog": 7}',
        json.dumps({"Catalog": "AWS", "NextToken": "x" * 500_000}).encode(),
        json.dumps({f"k{number}": None for number in range(50_000)}).encode(),
        b" " * LARGEST_BODY,
        b" " * (LARGEST_BODY + 1),
    ],
    ids=lambda body: f"{len(body)} bytes of {body[:12]!r}",
)
def test_monstrous_bodies(simulator: Simulator, body: bytes) -> None:
    """Deep, long or odd: refused with an error of the client's, if not understood."""
    check_answer(posted(simulator, body, "ListPartners"))
    check_health(simulator)


headers = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80)
targets = (
    headers
    | st.sampled_from(["PartnerCentralAccount.", ".", "PartnerCentralAccount.__class__", "PartnerCentralAccount.a.b"])
    | st.sampled_from(sorted(OPERATIONS)).map(lambda name: f"partnercentralaccount.{name}")
)


@fuzz
@given(target=targets, kind=headers, authorization=headers | st.just(authorization()))
def test_any_headers(simulator: Simulator, target: str, kind: str, authorization: str) -> None:
    """A target, content type or signature of another kind is refused before anything happens."""
    sent = {"X-Amz-Target": target, "Content-Type": kind, "Authorization": authorization}
    latin = {name: value.strip().encode("latin-1") for name, value in sent.items()}
    answer = urllib3.request("POST", simulator.url, body=b"{}", headers=latin, timeout=5, retries=False)  # type: ignore[arg-type]
    check_answer(answer)
    assert answer.status in {403, 404}


@fuzz
@given(
    path=st.text(st.characters(codec="ascii", exclude_characters=" \r\n\t#\\"), max_size=60),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    own=st.booleans(),
)
def test_any_path_and_method(simulator: Simulator, path: str, method: str, own: bool) -> None:
    """Both at the service's address and at the simulator's own endpoints."""
    path = re.sub(r"[^!-~]", "x", path)
    answer = _raw(simulator, f"{method} /{'_simulator/' if own else ''}{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.[01] (200|30[128]|40[0-9]|41[0-9]) ", answer), answer[:200]
    assert b"Traceback" not in answer


@fuzz
@given(order=anything | st.fixed_dictionaries({}, optional=dict.fromkeys(("operation", "kind", "times"), anything)))
def test_any_order_of_a_fault(simulator: Simulator, order: Any) -> None:
    """An order that makes no sense is refused; one that does is shown and cleared again."""
    url = f"{simulator.url}/_simulator/faults"
    assert urllib3.request("POST", url, body=json.dumps(order).encode(), timeout=5, retries=False).status in {200, 400}
    assert urllib3.request("GET", url, timeout=5, retries=False).status == 200
    assert urllib3.request("DELETE", url, timeout=5, retries=False).json() == {"faults": []}


@fuzz
@given(
    kind=st.sampled_from(["throttle", "delay", "lagging-list", "no-profile-id", "no-tags", "echo"]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "times": st.none() | st.integers(-1, 3),
            "seconds": st.sampled_from([0, 0.001, -1, 1e300, float("inf"), float("nan")]),
            "lasting": st.sampled_from([60, 0, 1e300, float("nan")]),
            "probability": st.sampled_from([0.5, 1.0, 0, 2, float("nan")]),
            "seed": anything,
            "schedule": st.lists(st.integers(-1, 4), max_size=4),
            "after_commit": st.booleans(),
        },
    ),
)
def test_a_fault_that_was_accepted_strikes_cleanly(simulator: Simulator, kind: str, options: dict[str, Any]) -> None:
    """Whatever its numbers are, it does what it says, and nothing breaks."""
    operations = {"no-profile-id": "GetPartner", "no-tags": "ListTagsForResource"}
    order = {"operation": operations.get(kind, "ListPartners"), "kind": kind, **options}
    url = f"{simulator.url}/_simulator/faults"
    urllib3.request("POST", url, body=json.dumps(order).encode(), timeout=5, retries=False)
    for _ in range(3):
        check_answer(posted(simulator, b'{"Catalog": "AWS"}', "ListPartners"))
    simulator.faults.clear()


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /%ff%00%2e%2e/ HTTP/1.1\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\n\r\n",
        b"GET /_simulator/requests?since=%FF HTTP/1.1\r\n\r\n",
        b"GET /_simulator/verifications/../../etc/passwd HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: sent[:50].decode("latin-1"),
)
def test_what_is_hardly_http(simulator: Simulator, sent: bytes) -> None:
    """An error of the client's, or a closed connection; never a traceback or a hang."""
    answer = _raw(simulator, sent)
    assert b"Traceback" not in answer
    assert not re.match(rb"HTTP/1\.[01] 500", answer)
    check_health(simulator)


def test_a_caller_that_says_less_than_it_promised_blocks_nobody(simulator: Simulator) -> None:
    """It may keep its connection; others are served, and at its end nothing is left behind."""
    before = threading.active_count()
    head = f"POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.0\r\nAuthorization: {authorization()}\r\n"
    slow = f"{head}X-Amz-Target: PartnerCentralAccount.ListPartners\r\nContent-Length: 500\r\n\r\n{{"
    callers = [socket.create_connection(_address(simulator)) for _ in range(20)]
    for caller in callers:
        caller.sendall(slow.encode())
    check_health(simulator)
    for caller in callers:
        caller.close()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=5)
    assert threading.active_count() <= before


def test_the_record_is_bounded(simulator: Simulator) -> None:
    """In bytes: of a hundred huge requests the latest are kept, in about as much memory as their bodies had."""
    body = json.dumps({"Catalog": "AWS", "NextToken": "x" * (LARGEST_BODY - 100)}).encode()
    simulator.reset_requests()
    tracemalloc.start()
    for _ in range(100):
        posted(simulator, body, "ListPartners")
    deadline = time.monotonic() + 10
    # Threads that have answered may still be ending, on a busy machine.
    while (kept := tracemalloc.get_traced_memory()[0]) >= 80 * LARGEST_BODY and time.monotonic() < deadline:
        time.sleep(0.1)
        gc.collect()
    tracemalloc.stop()
    assert 20 < len(simulator.requests) < 40
    assert kept < 80 * LARGEST_BODY
    assert simulator.requests[-1].number == simulator.mark()


def test_the_record_is_bounded_in_number() -> None:
    """Requests without a body count too, the oldest are forgotten, and forgetting leaves room for new ones."""
    journal = Journal(lambda: datetime.now(UTC))
    for _ in range(10_002):
        journal.begin("ListPartners")
    assert [entry.number for entry in journal.since()] == list(range(3, 10_003))
    journal.begin("ListPartners", REMEMBERED_BYTES + 1)
    assert [entry.number for entry in journal.since()] == [10_003]
    journal.clear()
    for _ in range(2):
        journal.begin("ListPartners", REMEMBERED_BYTES // 2)
    assert len(journal.since()) == 2


def test_no_partner_has_anything_odd(simulator: Simulator) -> None:
    """Whatever came, only what the service model allows was kept."""
    for partner in simulator.account(ACCOUNT).partners:
        assert set(partner.contact) == {"FirstName", "LastName", "Email", "BusinessTitle"}


def _address(simulator: Simulator) -> tuple[str, int]:
    host, port = simulator.url.removeprefix("http://").split(":")
    return host, int(port)


def _raw(simulator: Simulator, sent: bytes) -> bytes:
    """Whatever comes back until the connection is closed."""
    with socket.create_connection(_address(simulator), timeout=5) as connection:
        with contextlib.suppress(OSError):  # a server may refuse before it has read all
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError):  # a time-out is none
            while chunk := connection.recv(65536):
                received += chunk
        return received
