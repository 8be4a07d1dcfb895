"""The slow lane of a platform: places in time for what a sweep sends. What people wait for never queues here.

Times only: it knows no messages, and nothing in it is stored. aiolimiter, the field's library, has no way to wait longer
when the platform asks for it, nor to count what passes without waiting; both are what two lanes need.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

MOST_OWED = 1.0  # seconds that the lane stands back for what went past it


class Lane:
    """One place every `1 / per_second` seconds, first come, first served, and no bursts after a rest."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._gap = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._free = clock()  # when the next place begins
        self._line = asyncio.Lock()

    async def place(self, *, after: float = 0.0) -> None:
        """Wait for the next place, `after` so many seconds at the earliest."""
        if after:
            await self._sleep(after)
        async with self._line:
            while (wait := self._free - self._clock()) > 0:  # it may have been put off meanwhile
                await self._sleep(wait)
            # A timer that fires late costs no place, at most one is made up for.
            self._free = max(self._free, self._clock() - self._gap) + self._gap

    def give_way(self) -> None:
        """Something went without waiting: the next place comes later for it, by a second in all at most, which is what
        platforms count by."""
        now = self._clock()
        self._free = max(self._free, min(max(self._free, now) + self._gap, now + MOST_OWED))

    def hold(self, seconds: float) -> None:
        """No place for so long."""
        self._free = max(self._free, self._clock() + seconds)
