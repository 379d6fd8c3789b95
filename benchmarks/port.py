"""Port 443 of this machine, led to the local AWS: CDK's functions in Node.js drop the port of CloudFormation's URL."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_HTTPS = 443


@contextmanager
def https_port_leads_to(port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Pass on every connection to port 443 as it is, TLS included, for as long as the context lasts.

    Raises:
        OSError: this user may not open the port, or another program has it.
    """
    with socket.create_server((host, _HTTPS)) as listener:
        threading.Thread(target=_accept, args=(listener, host, port), daemon=True).start()
        yield


def _accept(listener: socket.socket, host: str, port: int) -> None:
    with suppress(OSError):  # the listener is closed when the context ends
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((host, port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
