"""docs/architecture.md: the times that it tells are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from partner_account import provider
from partner_account_handler.answering import SENDING_SECONDS
from partner_account_handler.clock import MARGIN_SECONDS

PAGE = (Path(__file__).parents[1] / "docs/architecture.md").read_text("utf-8")


def test_each_limit_ends_before_the_next_one() -> None:
    """In the order of the table, with the numbers of the code."""
    timeout = provider._TIMEOUT.to_seconds()  # noqa: SLF001
    oldest = provider._OLDEST_EVENT.to_seconds()  # noqa: SLF001
    limits = [timeout - MARGIN_SECONDS, timeout - SENDING_SECONDS, timeout, oldest + timeout]
    rows = re.findall(r"^\| [^|]+ \| (\d[^|]+) s \|$", PAGE, re.MULTILINE)
    told = [sum(int(number) for number in re.findall(r"\d+", row)) for row in rows]
    assert told == [*limits, provider.SERVICE_TIMEOUT_SECONDS]
    assert told == sorted(told)
