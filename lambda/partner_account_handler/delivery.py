"""The connection for the answer to CloudFormation: opened before anything is changed, and then used for the answer.

It is configured as for botocore's own calls: the same proxy, and the same trusted certificate authorities. No part of
the presigned URL leaves this module, and of an exception only its type.
"""

import json
import os
import re
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from threading import Thread
from typing import Any

import urllib3

from partner_account_handler.calls import ca_bundle
from partner_account_handler.clock import pauses
from partner_account_handler.errors import AnswerUnreachableError

SEND_SECONDS = 16.0  # all tries to send the answer end after this time, whatever they wait for

REACH_SECONDS = 5.0
"""How long one `require_reachable` waits. A slower connection is still opened, and the next call finds it."""

_CONNECT_SECONDS = 3.0
"""For each address of the host; S3 has about eight. The same as for calls to AWS, so what they reach is reached."""

_READ_SECONDS = 3.0
_HEADERS = {"content-type": ""}  # as the URL was signed
_TEMPORARY = {403, 408, 429, 500, 502, 503, 504}
"""How S3 may reject a URL that it accepts a moment later. Its `Retry-After` is longer than CloudFormation waits."""


class Delivery:
    """How one invocation's answer gets to its ResponseURL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connections: deque[Any] = deque()
        self._connecting: _Attempt | None = None
        self._by_proxy = ""

    def require_reachable(self) -> None:
        """Makes sure that an answer could be sent: a TLS connection to the URL's host, on which nothing is sent yet.

        An AnswerUnreachableError means that there is none, or not yet.
        """
        if self._connecting is None or not self._connecting.is_alive():
            self._connecting = _Attempt(self._keep_connection)
        if failure := self._connecting.failure_within(REACH_SECONDS):
            raise AnswerUnreachableError(failure + self._by_proxy)

    def send(self, body: Mapping[str, Any], seconds: float = SEND_SECONDS) -> str:
        """Sends the answer to the URL, with retries if necessary; starts none after so many seconds.

        Returns how it failed, and nothing if the answer was accepted.
        """
        content, until = json.dumps(body).encode(), time.monotonic() + seconds
        failure = _Attempt(lambda: self._put_until(content, until)).failure_within(seconds)
        return failure and failure + self._by_proxy

    def _put_until(self, content: bytes, until: float) -> str:
        for pause in pauses():
            try:
                status = self._put(content, until)
            except Exception as error:  # noqa: BLE001 - another try may succeed, and its text must stay hidden
                failure, may_pass = _kind(error), True
            else:
                failure, may_pass = "" if status < 300 else f"HTTP{status}", status in _TEMPORARY  # noqa: PLR2004
            if not may_pass or time.monotonic() + pause > until:
                return failure
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def _put(self, content: bytes, until: float) -> int:
        try:
            connection = self._connection()
        except (AttributeError, ImportError, TypeError):
            return self._put_plainly(content)
        try:
            if time.monotonic() > until:
                raise TimeoutError  # connecting took so long that nobody waits for this any more
            connection.timeout = _READ_SECONDS
            connection.sock.settimeout(_READ_SECONDS)
            target = urllib3.util.parse_url(self._url).request_uri
            connection.request("PUT", target, body=content, headers=_HEADERS)
            return int(connection.getresponse().status)
        finally:
            connection.close()

    def _put_plainly(self, content: bytes) -> int:
        """With urllib3's public API only: AWS updates the runtime, and no answer may depend on urllib3's internals."""
        with urllib3.PoolManager(timeout=_READ_SECONDS, retries=False) as pool:
            return int(pool.request("PUT", self._url, body=content, headers=_HEADERS).status)

    def _keep_connection(self) -> str:
        self._connections.append(self._connection())
        return ""

    def _connection(self) -> Any:
        """A connection on which nothing was sent: the one that was kept, if it is still open, or a new one."""
        if self._connections:
            kept = self._connections.pop()
            if _stands(kept):
                return kept
            kept.close()
        # urllib3 has no public way to connect without a request; these two are the same in 1.26 and all of 2.
        pool: Any = self._pool
        connection = pool._new_conn()  # noqa: SLF001
        try:
            if pool.proxy:
                pool._prepare_proxy(connection)  # noqa: SLF001
            else:
                connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    @cached_property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        # Only now: a botocore without them must not keep the function from loading.
        from botocore.httpsession import (  # noqa: PLC0415
            ProxyConfiguration,
            create_urllib3_context,
            get_cert_path,
        )
        from botocore.utils import get_environ_proxies  # noqa: PLC0415

        proxies = ProxyConfiguration(get_environ_proxies(self._url))
        proxy = proxies.proxy_url_for(self._url)
        trusted: Any = ca_bundle() or os.environ.get("REQUESTS_CA_BUNDLE") or True
        settings: dict[str, Any] = {
            "ssl_context": create_urllib3_context(),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": get_cert_path(trusted),
            "timeout": urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        }
        if not proxy:
            return urllib3.PoolManager(**settings).connection_from_url(self._url)
        self._by_proxy = ", through the proxy"
        headers = proxies.proxy_headers_for(proxy)
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **settings).connection_from_url(self._url)


class _Attempt(Thread):
    """A task that may take too long: no time-out ends the resolution of a name, or bytes that arrive slowly."""

    def __init__(self, act: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self._failure = TimeoutError.__name__
        self.start()

    def run(self) -> None:
        """Runs it, and keeps how it failed."""
        try:
            self._failure = self._act()
        except Exception as error:  # noqa: BLE001 - Python would print the text of it, which may hold the URL
            self._failure = _kind(error)

    def failure_within(self, seconds: float) -> str:
        """How it failed, or nothing; a `TimeoutError` if it has not ended after so many seconds."""
        self.join(seconds)
        return self._failure


def _stands(connection: Any) -> bool:
    """Whether a connection on which nothing was sent is still open; reads the tickets that TLS 1.3 sends unasked."""
    connection.sock.settimeout(0)
    try:
        connection.sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


def _kind(error: Exception) -> str:
    """The type of an exception, or the status with which a proxy refused the connection."""
    refused = re.search(r"Tunnel connection failed: (\d{3})\b", str(error))
    return f"HTTP{refused[1]}" if refused else type(error).__name__
