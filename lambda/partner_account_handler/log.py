"""What the function's log shows: outcomes and names, never a value of the user's, at whatever level.

Records of other libraries are dropped: botocore's DEBUG shows request bodies, crhelper's the whole event, and
urllib3 warns with the URL that it tries again.
"""

from __future__ import annotations

import json
import logging

_LOGGER = logging.getLogger("partner_account_handler")


def info(outcome: str, **fields: object) -> None:
    """Logs an outcome."""
    _say(logging.INFO, outcome, fields)


def warning(outcome: str, **fields: object) -> None:
    """Logs what a human should look at some day."""
    _say(logging.WARNING, outcome, fields)


def error(outcome: str, **fields: object) -> None:
    """Logs what a human should look at."""
    _say(logging.ERROR, outcome, fields)


def _say(level: int, outcome: str, fields: dict[str, object]) -> None:
    _LOGGER.log(level, json.dumps({"outcome": outcome, **fields}))


def silence_others() -> None:
    """Lets only this package's records reach the handlers that Lambda has given the root logger."""
    _LOGGER.setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        if _is_ours not in handler.filters:
            handler.addFilter(_is_ours)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == _LOGGER.name
