"""A headless Chromium, where one is installed: what a page looks like at some width can be measured in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), "")
"""The program; empty if there is none, neither on the PATH nor named by the environment variable of this name."""

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is on the PATH, nor named by CHROMIUM")
"""For tests of what a page looks like: no browser can be installed by the lock files."""

OVERFLOWING = """
[...document.querySelectorAll("body *")].filter(one =>
  one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(one => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 40)}`)
"""
"""An expression: the elements that reach over the right edge of the page."""


class Browser:
    """A running browser, controlled by the DevTools protocol through pipes."""

    def __init__(self, sent: IO[bytes], received: IO[bytes]) -> None:
        """Take both pipes, and open one page."""
        self._sent, self._received = sent, received
        self._number, self._rest, self._session = 0, b"", ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def measure(self, page: Path, width: int, expression: str, *, dark: bool = False) -> Any:
        """What a JavaScript expression is in a page of that width in CSS pixels, once it has loaded."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=page.as_uri())
        loaded = "new Promise(ready => document.readyState == 'complete' ? ready() : onload = ready)"
        asked = {"expression": f"{loaded}.then(() => {expression})", "awaitPromise": True, "returnByValue": True}
        return self._call("Runtime.evaluate", **asked)["result"]["value"]

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        self._sent.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                read = self._received.read(1 << 16)
                assert read, "the browser has ended"
                self._rest += read
            one, _, self._rest = self._rest.partition(b"\0")
            if (answer := json.loads(one)).get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-zygote", "--remote-debugging-pipe"]
    # The browser reads its third and writes its fourth file descriptor.
    command = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", CHROMIUM, *options]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs_in)
        os.close(theirs_out)
        with os.fdopen(ours_out, "wb", 0) as sent, os.fdopen(ours_in, "rb", 0) as received:
            try:
                yield Browser(sent, received)
            finally:
                process.kill()
