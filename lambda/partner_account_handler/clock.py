"""The time that one invocation has, and the pauses between tries."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

MARGIN_SECONDS = 52.0
"""Reserved at the end of an invocation: 23 s for a call that hangs (3 to connect, 20 to read), 7 s for the last
call to CloudFormation (2 and 5), 17 s for the answer; and 5 s.

The time-out to connect applies to each address of a host. A call to a host that can't be reached at nine addresses
(27 s) also fits. One that waits for several addresses, and then for an answer, does not: then `SingleResponse`'s
timer answers.
"""

IAM_SETTLING_SECONDS = 90.0
"""How long a denial may only mean that a new policy has not propagated yet. A rollback would delete the role, and the
next deployment would begin with another new one: so most of an invocation is spent waiting."""


class Clock:
    """The time left in an invocation. `remaining` returns the seconds until Lambda ends it, `today` the date."""

    def __init__(
        self,
        remaining: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        today: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._remaining = remaining
        self._sleep = sleep
        self._at_start = remaining()
        self.began = today()

    def left(self) -> float:
        """Seconds in which a call may still begin."""
        return self._remaining() - MARGIN_SECONDS

    def spent(self) -> float:
        """Seconds since the beginning of the invocation."""
        return self._at_start - self._remaining()

    def now(self) -> datetime:
        """The date and time, to compare AWS's own times with."""
        return self.began + timedelta(seconds=self.spent())

    def pause(self, seconds: float) -> bool:
        """Sleeps, and returns whether there is time for another try; doesn't sleep if there would be none."""
        if self.left() <= seconds:
            return False
        self._sleep(seconds)
        return True


def pauses() -> Iterator[float]:
    """Seconds between tries: 0.5, 1, 2, 4, then 8 for ever."""
    yield from (0.5, 1.0, 2.0, 4.0)
    while True:
        yield 8.0
