"""The connection for the answer: by botocore's proxy and authorities, made before any change, within one deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from partner_account_handler import calls, clock, delivery, index, response
from partner_account_handler.delivery import Delivery
from partner_account_handler.errors import AnswerUnreachableError, NotWaitingError
from partner_account_handler.outcome import Outcome
from partner_account_handler.response import SEND_RESERVE_SECONDS
from tests.handler.cloud import REGION, Cloud, LambdaContext, contact, properties
from tests.handler.log_lines import final_lines_of, lines_of
from tests.handler.network import Proxy, TlsServer, drip, full_addresses
from tests.handler.response_sink import ResponseSink

S3 = "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.test"
BODY = {"Status": "SUCCESS"}


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """A server that this process trusts."""
    with TlsServer(tmp_path) as server:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(server.ca_file))
        yield server


@pytest.fixture
def far_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponseSink]:
    """CloudFormation's bucket, whose name this machine can't resolve: only a proxy leads to it."""
    with ResponseSink(tmp_path, S3) as sink:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(sink.ca_file))
        yield sink


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until a server's thread has noticed something."""
    for _ in range(200):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


@pytest.mark.parametrize("lacks", ["botocore", "urllib3"])
def test_runtime_without_connection_internals_is_answered_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """AWS updates a runtime by itself; the public API is used without AWS_CA_BUNDLE and without a proxy."""
    with ResponseSink(tmp_path) as sink:
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.ca_file))
        if lacks == "botocore":
            monkeypatch.delattr("botocore.httpsession.get_cert_path")
        else:
            monkeypatch.setattr(Delivery, "_pool", object())
        changed = Delivery(sink.url("changed"))
        with pytest.raises(AnswerUnreachableError, match="ImportError|AttributeError"):
            changed.require_reachable()
        assert changed.send(BODY) == ""
        assert sink.answers("changed") == [BODY]


# The connection that is made before


@pytest.mark.versions
def test_answer_is_the_first_request_on_the_checked_connection(server: TlsServer) -> None:
    """However often it is checked, there is one connection, and no byte on it but those of TLS."""
    way = Delivery(server.url)
    for _ in range(3):
        way.require_reachable()
        time.sleep(0.05)
    assert server.connections == [b""]
    assert way.send(BODY) == ""
    (received,) = server.connections
    assert received.startswith(b"PUT /bucket/key?X-Amz-Signature=presigned-canary HTTP/1.1\r\n")
    assert received.endswith(b'\r\n\r\n{"Status": "SUCCESS"}')


@pytest.mark.versions
def test_connection_closed_by_the_server_is_replaced(server: TlsServer) -> None:
    """By the next question, and by the answer."""
    server.idle = 0.1
    way = Delivery(server.url)
    for _ in range(2):
        way.require_reachable()
        time.sleep(0.5)
    assert way.send(BODY) == ""
    assert [bool(received) for received in server.connections] == [False, False, True]


# Whom it trusts


@pytest.mark.versions
@pytest.mark.parametrize("bundle", [None, "", "another authority's"])
def test_untrusted_authority_gets_neither_connection_nor_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str | None
) -> None:
    """The certificate is rejected in TLS, before anything is sent. An old botocore treats an empty bundle as "any"."""
    (tmp_path / "other").mkdir()
    with TlsServer(tmp_path) as server, TlsServer(tmp_path / "other") as other:
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if bundle is not None else ():
            monkeypatch.setenv(name, str(other.ca_file) if bundle else "")
        way = Delivery(server.url)
        with pytest.raises(AnswerUnreachableError, match="SSLCertVerificationError") as error:
            way.require_reachable()
        assert way.send(BODY, seconds=0.4) == "SSLCertVerificationError"
        assert b"".join(server.connections) == b""
    assert "localhost" not in str(error.value)


@pytest.mark.versions
def test_certificate_of_another_host_is_refused(server: TlsServer) -> None:
    """The authority alone is not enough."""
    url = server.url.replace("localhost", "127.0.0.1")
    assert Delivery(url).send(BODY, seconds=0.4) in {"SSLCertVerificationError", "CertificateError"}
    assert b"".join(server.connections) == b""


@pytest.mark.versions
def test_requests_ca_bundle_applies_if_botocore_has_none(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for botocore's own calls."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
    monkeypatch.delenv("AWS_CA_BUNDLE")
    assert Delivery(server.url).send(BODY) == ""


# Which way it takes


@pytest.mark.versions
@pytest.mark.parametrize(
    ("name", "credentials", "by_tls"),
    [("HTTPS_PROXY", "", False), ("https_proxy", "user:pass word", False), ("HTTPS_PROXY", "user:password", True)],
)
def test_answer_goes_through_the_proxy(
    far_sink: ResponseSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, credentials: str, by_tls: bool
) -> None:
    """Over the one connection that was made before; the proxy may be spoken to by TLS, with the answer's in it."""
    with Proxy(credentials, authority=tmp_path / "proxy.pem" if by_tls else None) as proxy:
        if by_tls:
            far_sink.ca_file.write_text(far_sink.ca_file.read_text() + (tmp_path / "proxy.pem").read_text())
        monkeypatch.setenv(name, proxy.url)
        way = Delivery(far_sink.url("answer"))
        for _ in range(2):
            way.require_reachable()
        assert far_sink.received == []
        assert way.send(BODY) == ""
        assert proxy.connected == [f"{S3}:{far_sink.port}"]
    assert far_sink.answers("answer") == [BODY]


@pytest.mark.versions
def test_proxy_refusal_is_reported_with_its_status(far_sink: ResponseSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its credentials, which are in its URL."""
    with Proxy("user:right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("right", "wrong"))
        way = Delivery(far_sink.url("answer"))
        with pytest.raises(AnswerUnreachableError, match=r"\(HTTP407, through the proxy\)") as error:
            way.require_reachable()
        assert way.send(BODY, seconds=0.4) == "HTTP407, through the proxy"
    assert "wrong" not in str(error.value)


@pytest.mark.versions
def test_no_proxy_hosts_are_reached_directly(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By NO_PROXY, as botocore reads it."""
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "example.com,localhost")
        assert Delivery(server.url).send(BODY) == ""
        assert proxy.connected == []
        monkeypatch.setenv("NO_PROXY", "example.com")
        assert Delivery(server.url).send(BODY) == ""
        assert proxy.connected == [f"localhost:{server.port}"]


@pytest.mark.versions
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://[", "http://müller:ä@127.0.0.1:1"])
def test_invalid_proxy_url_makes_the_answer_unreachable(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Not an unexpected exception, which would leave the log without its last line."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    way = Delivery(server.url)
    with pytest.raises(AnswerUnreachableError):
        way.require_reachable()
    assert way.send(BODY, seconds=0.4)
    assert server.connections == []


# How long it takes


@pytest.fixture
def eight_addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a host with eight addresses, none of which accepts a connection."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != S3:
            return resolve(host, port, *args, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", port)) for number in range(1, 9)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with full_addresses(8) as port:
        yield f"https://{S3}:{port}/presigned-canary"


def test_connect_timeouts_do_not_add_up_across_addresses(eight_addresses: str) -> None:
    """Eight times two seconds, three times, would be 48 s; the deadline is one for all of it."""
    began = time.monotonic()
    assert Delivery(eight_addresses).send(BODY, seconds=3) == "TimeoutError"
    assert 2.9 < time.monotonic() - began < 4


def test_connection_check_time_is_independent_of_the_number_of_addresses(
    eight_addresses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the account's partners must not grow old meanwhile."""
    monkeypatch.setattr(delivery, "REACH_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(AnswerUnreachableError, match="TimeoutError"):
        Delivery(eight_addresses).require_reachable()
    assert time.monotonic() - began < 2


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A name server that takes half a second, and what it was asked; the resolver has no time-out in Python."""
    resolve, asked = socket.getaddrinfo, list[Any]()

    def slow(*args: Any, **options: Any) -> Any:
        asked.append(args)
        time.sleep(0.5)
        return resolve(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    return asked


def test_slow_connection_is_reused_by_the_next_check(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch, slow_names: list[Any]
) -> None:
    """A name server that is slower than the check doesn't make every deployment fail."""
    monkeypatch.setattr(delivery, "REACH_SECONDS", 0.2)
    way = Delivery(server.url)
    with pytest.raises(AnswerUnreachableError, match="TimeoutError"):
        way.require_reachable()
    time.sleep(0.6)
    way.require_reachable()
    assert way.send(BODY) == ""
    assert (len(server.connections), len(slow_names)) == (1, 1)


def test_late_name_resolution_ends_at_the_deadline_without_an_answer(server: TlsServer, slow_names: list[Any]) -> None:
    """By then the log says that the answer was not sent, and another delivery may have sent another one."""
    began = time.monotonic()
    assert Delivery(server.url).send(BODY, seconds=0.3) == "TimeoutError"
    assert time.monotonic() - began < 0.45
    eventually(lambda: server.connections == [b""])
    time.sleep(0.2)
    assert server.connections == [b""]
    assert len(slow_names) == 1


def test_response_sent_byte_by_byte_ends_at_the_deadline(server: TlsServer) -> None:
    """No time-out of a socket does."""
    server.answer = drip
    began = time.monotonic()
    assert Delivery(server.url).send(BODY, seconds=1) == "TimeoutError"
    assert time.monotonic() - began < 2
    assert len(server.connections) == 1


def test_unresponsive_server_is_retried_after_three_seconds(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a connection of its own each time; what was put twice is the same. Long enough for S3, with time for more."""
    server.answer = lambda _: None
    assert delivery._READ_SECONDS == 3  # noqa: SLF001
    monkeypatch.setattr(delivery, "_READ_SECONDS", 0.6)
    way = Delivery(server.url)
    assert way.send(BODY, seconds=0.8) == "TimeoutError"
    assert len(server.connections) == 1
    assert way.send(BODY, seconds=1.6) == "TimeoutError"
    assert len(server.connections) == 3
    assert len(set(server.connections)) == 1
    assert server.connections[0].endswith(b"}")


def test_reserved_times_add_up() -> None:
    """The last call, the last question and the answer fit into the margin, and the tries into what is kept for them."""
    call: Any = calls.CALL_CONFIG
    question: Any = calls.STACK_CONFIG
    afterwards = question.connect_timeout + question.read_timeout + SEND_RESERVE_SECONDS
    assert call.connect_timeout + call.read_timeout + afterwards <= clock.MARGIN_SECONDS
    assert 9 * call.connect_timeout + afterwards <= clock.MARGIN_SECONDS
    assert delivery.SEND_SECONDS < SEND_RESERVE_SECONDS


# What the handler makes of it


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_is_changed_if_no_answer_can_be_sent(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Neither by a Create nor by an Update; the log says why, and what to do."""
    monkeypatch.setattr(response, "SEND_SECONDS", 1.0)
    cloud.prepare()
    for service, region in (("partnercentral-account", "us-east-1"), ("cloudformation", REGION), ("ssm", REGION)):
        calls.client(service, region)  # to make them takes time that this test hasn't
    capsys.readouterr()
    with TlsServer(tmp_path) as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, so that no other test gets the port, and refusing
        nobody = f"https://localhost:{silent.getsockname()[1]}/presigned-canary"
        url = [server.url, nobody][number]  # one that isn't trusted, and none at all
        index.handler(cloud.event("Create", properties(), ResponseURL=url), LambdaContext(seconds=57))
        assert set(cloud.operations()) == {"ListPartners"}
        update = {"PhysicalResourceId": cloud.create(properties()).physical_id, "ResponseURL": url}
        cloud.set_status("UPDATE_IN_PROGRESS")
        before = len(cloud.simulator.requests)
        wanted = properties(AllianceLeadContact=contact(LastName="Roe"), Tags=[])
        index.handler(cloud.event("Update", wanted, properties(), **update), LambdaContext(seconds=57))
        assert cloud.operations(before) == ["GetPartner", "ListTagsForResource", "GetAllianceLeadContact"]
        assert b"".join(server.connections) == b""
    log = capsys.readouterr().out
    why = ["SSLCertVerificationError", "NewConnectionError"][number]
    failed = [line["code"] for line in lines_of(log) if line.get("operation") == "ConnectToResponseURL"]
    assert set(failed) == {why}
    for line in final_lines_of(log):
        assert (line["outcome"], line["reason"]) == ("Failed", "AnswerNotDelivered")
        assert (
            f"AnswerUnreachable: no connection to the host of CloudFormation's ResponseURL ({why})" in line["message"]
        )
        assert "AWS_CA_BUNDLE" in line["message"]
    assert len(final_lines_of(log)) == 2
    assert "presigned-canary" not in log
    assert "localhost" not in log


def test_rollback_that_cannot_write_succeeds_if_the_answer_is_delivered(cloud: Cloud) -> None:
    """As after every other failure: a failed rollback would leave a stack that only a person can repair."""
    cloud.prepare()
    arn = cloud.create(properties()).physical_id
    cloud.set_status("UPDATE_ROLLBACK_IN_PROGRESS")
    changed = properties(Tags=[])
    event = cloud.event("Update", changed, properties(), PhysicalResourceId=arn)
    cloud.require_reachable = unreachable
    answer = cloud.deliver(event)
    assert (answer.physical_id, answer.report.outcome) == (arn, Outcome.ROLLBACK_TOLERATED)
    assert answer.report.reason == "AnswerUnreachable"
    assert "TagResource" not in cloud.operations()
    assert "UntagResource" not in cloud.operations()


def unreachable() -> None:
    """The gate's result without a route to S3."""
    raise AnswerUnreachableError("ConnectTimeoutError")


def test_transient_failure_does_not_fail_the_deployment(cloud: Cloud) -> None:
    """Partners are listed again before the next CreatePartner, since the first listing may be stale."""
    cloud.prepare()
    failures = [unreachable, unreachable]
    event = cloud.event("Create", properties())
    cloud.require_reachable = lambda: failures.pop()() if failures else None
    answer = cloud.deliver(event)
    assert answer.report.outcome is Outcome.CREATED
    assert cloud.operations()[:4] == [*3 * ["ListPartners"], "CreatePartner"]

    cloud.set_status("UPDATE_IN_PROGRESS")
    failures[:] = [unreachable, unreachable]
    event = cloud.event("Update", properties(Tags=[]), properties(), PhysicalResourceId=answer.physical_id)
    assert cloud.deliver(event).report.outcome is Outcome.UPDATED


def test_stack_is_described_last(cloud: Cloud) -> None:
    """To connect may take long, and CloudFormation may give up meanwhile: then nothing is created."""
    cloud.prepare()
    event = cloud.event("Create", properties())

    def slow() -> None:
        cloud.set_status("ROLLBACK_IN_PROGRESS")

    cloud.require_reachable = slow
    with pytest.raises(NotWaitingError, match="ROLLBACK_IN_PROGRESS"):
        cloud.deliver(event)
    assert cloud.operations() == ["ListPartners"]


@pytest.mark.versions
@pytest.mark.parametrize(
    ("service", "connect", "read"),
    [("partnercentral-account", 3, 20), ("ssm", 3, 20), ("secretsmanager", 3, 20), ("cloudformation", 2, 5)],
)
def test_each_client_has_the_timeouts_that_the_margin_assumes(service: str, connect: int, read: int) -> None:
    """botocore's own are 60 seconds each, with four retries that no log would show."""
    config = calls.client(service, "us-east-1").meta.config
    assert (config.connect_timeout, config.read_timeout) == (connect, read)
    assert config.retries["total_max_attempts"] == 1
