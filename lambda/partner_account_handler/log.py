"""The function's log: outcomes and names, and no value of the user's except a former profile.

One JSON object per line, written to stdout unchanged: a CloudWatch metric filter reads only log events that are JSON
from the first character to the last, and Lambda puts a prefix before each record of `logging`.

Records of other libraries are dropped: botocore's DEBUG shows request bodies, crhelper's the whole event, and
urllib3's warnings contain the URL of a retry.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone

_bound: dict[str, object] = {}


def bind(**fields: object) -> None:
    """Sets the fields of all lines from now on; without any, removes them."""
    _bound.clear()
    _bound.update(fields)


def info(message: str, **fields: object) -> None:
    """Logs what happened."""
    _say("INFO", message, fields)


def warning(message: str, **fields: object) -> None:
    """Logs what a person should check some day."""
    _say("WARNING", message, fields)


def error(message: str, **fields: object) -> None:
    """Logs what a person should check."""
    _say("ERROR", message, fields)


def _say(level: str, message: str, fields: Mapping[str, object]) -> None:
    # With the log format JSON, Lambda's filter treats lines without a timestamp as INFO, whatever their level.
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    line = json.dumps({"timestamp": now, "level": level, "message": message, **_bound, **fields})
    with suppress(OSError, ValueError):  # a log that can't be written must not stop what it records
        sys.stdout.write(f"{line}\n")  # at once, since the thread of crhelper's timer may write too
        sys.stdout.flush()


def suppress_library_logs() -> None:
    """Lets no record of `logging` reach the log: none is this package's."""
    for handler in (*logging.getLogger().handlers, logging.lastResort):
        if handler is not None and _drop not in handler.filters:
            handler.addFilter(_drop)


def _drop(_record: logging.LogRecord) -> bool:
    return False
