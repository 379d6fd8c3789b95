"""Hostile events at the handler's boundary: any event gets one clean answer or none, soon, and in little memory."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_account_handler import index
from partner_account_handler.clock import Clock
from partner_account_handler.delivery import Delivery
from partner_account_handler.errors import REASON_LIMIT, RequestError
from partner_account_handler.identity import Owner, same_name
from partner_account_handler.partner_central import Aws
from partner_account_handler.partner_properties import PartnerProperties
from partner_account_handler.request import is_custom_resource_event
from tests.handler.cloud import ACCOUNT, LambdaContext, contact, properties
from tests.handler.log_lines import lines_of

fuzz = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Root/1-2"
SERVICE = Aws(ID, Clock(lambda: 180.0), lambda: None).partner_central
EDGES = "\u0000\u001f\u0020\u007e\u007f\u00a0\u0130\u200b\u202e\ud7ff\ud800\udfff\ue000\ufdfa\ufffd\ufffe\U0001f600"
"""Both sides of each limit in the service's patterns, and what Unicode has that is worse."""

texts = st.text(st.sampled_from(EDGES) | st.characters(), max_size=400)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=12
)


def mutated(sound: Any) -> st.SearchStrategy[Any]:
    """A sound value of which some part may be anything, or missing."""
    if not isinstance(sound, dict):
        return st.just(sound) | anything
    members = {name: mutated(value) for name, value in sound.items()}
    return (
        st.fixed_dictionaries(members)
        | st.fixed_dictionaries({}, optional=members)
        | st.sampled_from(sorted(sound)).flatmap(lambda name: anything.map(lambda value: {**sound, name: value}))
        | anything
    )


EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://localhost:1/presigned-canary",
    "StackId": ID,
    "RequestId": "r",
    "LogicalResourceId": "Partner",
    "PhysicalResourceId": "p",
    "ResourceProperties": properties(Tags=[{"Key": "team", "Value": "x"}]),
    "OldResourceProperties": properties(),
}
kinds = st.sampled_from(["Create", "Update", "Delete"])


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was put, and to which URL: crhelper's sender ends here, and AWS refuses every connection."""
    put: list[tuple[str, Any]] = []

    def send(delivery: Delivery, body: Any, _seconds: float) -> str:
        put.append((delivery._url, body))  # noqa: SLF001
        return ""

    monkeypatch.setattr(Delivery, "send", send)
    monkeypatch.setattr(Delivery, "require_reachable", lambda _: None)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_PARTNERCENTRAL_ACCOUNT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, ACCOUNT)
    monkeypatch.setattr(Clock, "pause", lambda *_: False)
    return put


def check_answer(event: Any, answer: Any) -> None:
    """What CloudFormation accepts: at most 4096 bytes, its own ids, a status, a reason if it failed."""
    assert len(json.dumps(answer).encode()) <= 4096 or len(json.dumps(event["RequestId"])) > 1000
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        assert answer[name] == event[name]
    assert answer["Status"] in {"SUCCESS", "FAILED"}
    assert isinstance(answer["PhysicalResourceId"], str)
    assert answer["PhysicalResourceId"]
    if answer["Status"] == "FAILED":
        assert 0 < len(answer["Reason"]) <= REASON_LIMIT
        assert "anary" not in answer["Reason"]


def check_log(log: str, answered: int) -> None:
    """A final line for each answer, whatever names the event has; no value of the properties, and no URL."""
    assert len([line for line in lines_of(log) if "outcome" in line]) == answered
    assert "anary" not in log


@fuzz
@given(event=anything | mutated(EVENT), kind=st.none() | kinds)
def test_any_event_is_answered_once_or_not_at_all(
    answers: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str], event: Any, kind: Any
) -> None:
    """Nothing is raised, since Lambda would deliver it again; what is no event of CloudFormation gets no answer."""
    answers.clear()
    if kind and isinstance(event, dict):
        event = {**event, "RequestType": kind}
    index.handler(event, LambdaContext())
    assert len(answers) == int(is_custom_resource_event(event))
    check_log(capsys.readouterr().out, len(answers))
    for url, answer in answers:
        assert url == event["ResponseURL"]
        check_answer(event, answer)


@fuzz
@given(wanted=mutated(properties()), previous=mutated(properties()), kind=kinds)
def test_any_properties_get_one_clean_answer(
    answers: list[tuple[str, Any]], capsys: pytest.CaptureFixture[str], wanted: Any, previous: Any, kind: str
) -> None:
    """An error is reported by name, never as a defect, and never with its value."""
    answers.clear()
    event = {**EVENT, "RequestType": kind, "ResourceProperties": wanted, "OldResourceProperties": previous}
    index.handler(event, LambdaContext())
    ((_, answer),) = answers
    check_answer(event, answer)
    check_log(capsys.readouterr().out, 1)
    assert not answer.get("Reason", "").startswith("Defect")
    assert (answer["Status"] == "SUCCESS") == (kind == "Delete")


ids = st.text(st.sampled_from(EDGES) | st.characters(), min_size=1, max_size=60)
stack_ids = st.from_regex(
    r"arn:[a-z-]{1,9}:cloudformation:[a-z0-9-]{1,20}:[0-9]{12}:stack/[^/]{1,9}/.{1,9}", fullmatch=True
)


@settings(fuzz, max_examples=40)
@given(stack_id=stack_ids, kind=kinds, request_id=ids, logical_id=ids, physical_id=ids)
def test_any_ids_are_answered_with_themselves(
    answers: list[tuple[str, Any]],
    capsys: pytest.CaptureFixture[str],
    stack_id: str,
    kind: str,
    request_id: str,
    logical_id: str,
    physical_id: str,
) -> None:
    """Also a region that is none, and characters that no URL bears."""
    answers.clear()
    named = {"StackId": stack_id, "RequestId": request_id, "LogicalResourceId": logical_id}
    event = {**EVENT, **named, "PhysicalResourceId": physical_id, "RequestType": kind}
    index.handler(event, LambdaContext())
    assert len(answers) == int(is_custom_resource_event(event))
    check_log(capsys.readouterr().out, len(answers))
    for _, answer in answers:
        check_answer(event, answer)


@fuzz
@given(raw=mutated(properties()))
def test_properties_are_read_or_refused(raw: Any) -> None:
    """There is no third outcome; what was read has the types that the rest of the handler relies on."""
    try:
        read = PartnerProperties.read(raw)
    except RequestError:
        return
    assert all(isinstance(text, str) and text for text in (read.catalog, read.legal_name, read.owner_path))
    assert all(isinstance(text, str) and text for text in vars(read.contact).values())
    assert all(isinstance(text, str) for tag in read.tags.items() for text in tag)


@fuzz
@given(
    name=texts, contact=st.fixed_dictionaries(dict.fromkeys(contact(), texts)), key=texts, value=texts, catalog=texts
)
def test_every_text_is_checked_against_the_service_model_without_a_crash(
    name: str, contact: dict[str, str], key: str, value: str, catalog: str
) -> None:
    """At the limits of each pattern and length; the errors name members, never values."""
    body = {
        "Catalog": catalog,
        "LegalName": name,
        "AllianceLeadContact": contact,
        "Tags": [{"Key": key, "Value": value}],
    }
    told = ""
    try:
        SERVICE.validate("CreatePartner", body)
    except RequestError as error:
        told = str(error)
    assert told == "" or told.startswith("InvalidProperties: ")
    assert not [text for text in (name, key, value, *contact.values()) if len(text) > 9 and text in told]


@pytest.mark.parametrize(("key", "told"), [("", "fewer than 1 characters"), ("k" * 129, "more than 128 characters")])
def test_text_outside_the_models_length_is_reported_with_the_limit(key: str, told: str) -> None:
    """By the member's path."""
    with pytest.raises(RequestError, match=rf"Tags\[0\]\.Key has {told}"):
        SERVICE.validate("CreatePartner", {"Tags": [{"Key": key, "Value": ""}]})


@pytest.mark.parametrize(
    ("character", "accepted"),
    [(c, c in "\u0020\u007e\u00a0\u0130\u200b\u202e\ud7ff\ue000\ufdfa\ufffd") for c in EDGES],
    ids=lambda value: f"U+{ord(value):04X}" if isinstance(value, str) else "",
)
def test_the_limits_of_the_name_pattern(character: str, accepted: bool) -> None:
    """A character is accepted exactly if AWS's own pattern has it."""
    if accepted:
        SERVICE.validate("CreatePartner", {"LegalName": f"a{character}b"})
    else:
        with pytest.raises(RequestError, match="LegalName has characters"):
            SERVICE.validate("CreatePartner", {"LegalName": f"a{character}b"})


@fuzz
@given(one=texts, other=texts)
def test_identity_accepts_any_text(one: str, other: str) -> None:
    """Lone surrogates, control characters, letters that grow when they are folded."""
    assert same_name(one, one)
    assert same_name(one, other) == same_name(other, one)
    owner = Owner.of(ID, one, other)
    assert Owner.from_tag(owner.to_tag()) == owner
    assert not Owner.from_tag(one).is_same_construct(owner)


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_huge_events_are_handled_quickly(answers: list[tuple[str, Any]], size: int) -> None:
    """Memory grows with the event and not faster; the answer stays small."""
    huge = "x" * size
    many = [{"Key": f"k{number}", "Value": 7} for number in range(size // 100)]
    deep: Any = "x"
    for _ in range(500):
        deep = {"Owner": deep}
    for wrong in (properties(LegalName=huge), properties(Tags=many), properties(Owner=deep), {huge: huge}):
        tracemalloc.start()
        index.handler({**EVENT, "ResourceProperties": wrong}, LambdaContext())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 30 * size + 10_000_000
    assert all(len(json.dumps(answer)) < 4096 for _, answer in answers)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """No invocation leaves its timer behind."""
    before = threading.active_count()
    yield
    deadline = time.monotonic() + 10  # a cancelled timer's thread still has to end
    while threading.active_count() > before + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 1
