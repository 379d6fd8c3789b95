"""What the function's log shows: outcomes and names, and no value of the user's but a former profile's.

One JSON object per line, which goes to stdout as it is: a metric filter of CloudWatch reads only log events that are
JSON from the first character to the last, and Lambda puts a prefix before each record of `logging`.

Records of other libraries are dropped: botocore's DEBUG shows request bodies, crhelper's the whole event, and
urllib3 warns with the URL that it tries again.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone

_bound: dict[str, object] = {}


def bind(**fields: object) -> None:
    """Sets fields of all lines from now on; without any, such lines have none."""
    _bound.clear()
    _bound.update(fields)


def info(message: str, **fields: object) -> None:
    """Logs what happened."""
    _say("INFO", message, fields)


def warning(message: str, **fields: object) -> None:
    """Logs what a human should look at some day."""
    _say("WARNING", message, fields)


def error(message: str, **fields: object) -> None:
    """Logs what a human should look at."""
    _say("ERROR", message, fields)


def _say(level: str, message: str, fields: Mapping[str, object]) -> None:
    # With the log format JSON, Lambda's filter takes lines without a timestamp for INFO, whatever their level.
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    line = json.dumps({"timestamp": now, "level": level, "message": message, **_bound, **fields})
    with suppress(OSError, ValueError):  # a log that can't be written must not stop what it tells of
        sys.stdout.write(f"{line}\n")  # at once, since the thread of crhelper's timer may write too
        sys.stdout.flush()


def suppress_library_logs() -> None:
    """Lets no record of `logging` reach the log: none is this package's."""
    for handler in (*logging.getLogger().handlers, logging.lastResort):
        if handler is not None and _drop not in handler.filters:
            handler.addFilter(_drop)


def _drop(_record: logging.LogRecord) -> bool:
    return False
