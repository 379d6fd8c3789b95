"""Networks that a function may live in: with a proxy, and with servers that are slow, silent or not trusted."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import trustme


def server_context(ca_file: Path, host: str) -> ssl.SSLContext:
    """The TLS of a host, whose certificate is by an authority of its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


class _Listener(ABC):
    """A server on this machine whose connections are served in threads of their own."""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._served, args=(client,), daemon=True).start()

    def _served(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            self.serve(client)

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Serves one connection."""


@dataclass
class Proxy(_Listener):
    """An HTTP proxy that supports only CONNECT, and connects every host to this machine."""

    credentials: str = ""
    """The credentials that it requires, as `user:password`."""
    authority: Path | None = None
    """Where the certificate of its authority goes, if it speaks TLS itself."""
    connected: list[str] = field(default_factory=list)
    """The hosts and ports that were requested."""

    def __post_init__(self) -> None:
        """A certificate, where one is wanted."""
        self._context = server_context(self.authority, "localhost") if self.authority else None

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY."""
        scheme = "https" if self.authority else "http"
        return f"{scheme}://{quote(self.credentials, safe=':')}{'@' * bool(self.credentials)}localhost:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """Answers one CONNECT, and then passes on what comes from either side."""
        with self._context.wrap_socket(client, server_side=True) if self._context else client as spoken_to:
            self._tunnel(spoken_to)

    def _tunnel(self, client: socket.socket) -> None:
        request = client.makefile("rb")
        method, target, _ = request.readline().decode().split()
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(request.readline, b"\r\n"))
        assert method == "CONNECT"
        self.connected.append(target)
        wanted = f"Basic {base64.b64encode(self.credentials.encode()).decode()}"
        if self.credentials and headers.get("Proxy-Authorization") != wanted:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2]))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
            _pass_on(client, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def ok(connection: ssl.SSLSocket) -> None:
    """Takes the answer."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def drip(connection: ssl.SSLSocket) -> None:
    """Sends a byte of a header now and then, for ever, so that no time-out of a socket ends it."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b".")
        time.sleep(0.05)


@dataclass
class TlsServer(_Listener):
    """A server of `localhost`, told by its certificate, that keeps what comes on each connection.

    Attributes:
        folder: where the certificate of its authority is kept.
        answer: what it does when a request has come.
        idle: how many seconds it waits for a request before it closes a connection.
        connections: what came on each connection.
    """

    folder: Path
    answer: Callable[[ssl.SSLSocket], None] = ok
    idle: float | None = None
    connections: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """An authority of its own."""
        self.ca_file = self.folder / "authority.pem"
        self._context = server_context(self.ca_file, "localhost")

    @property
    def url(self) -> str:
        """A presigned URL."""
        return f"https://localhost:{self.port}/bucket/key?X-Amz-Signature=presigned-canary"

    def serve(self, client: socket.socket) -> None:
        """Waits for a request, and answers it."""
        with self._context.wrap_socket(client, server_side=True) as connection:
            number = len(self.connections)
            self.connections.append(b"")
            connection.settimeout(self.idle)
            while data := connection.recv(65536):
                self.connections[number] += data
                if data.endswith(b"}"):
                    self.answer(connection)


@contextmanager
def full_addresses(count: int) -> Iterator[int]:
    """A port at which so many addresses of this machine, from 127.0.0.1 on, accept no connection: they time out."""
    listeners, clients = [], []
    port = 0
    for number in range(1, count + 1):
        listener = socket.create_server((f"127.0.0.{number}", port), backlog=0)
        port = listener.getsockname()[1]
        listeners.append(listener)
        for _ in range(2):  # the queue of those who wait is full then
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            clients.append(client)
    try:
        yield port
    finally:
        for one in (*clients, *listeners):
            one.close()
