"""Waiting for what has to happen, however busy the machine is; only what never happens takes the whole time."""

import asyncio
from collections.abc import Callable

WITHIN = 60.0  # s


async def until(fits: Callable[[], object], *, every: float = 0.01) -> None:
    """Looks again every so many seconds. Raises TimeoutError after `WITHIN`."""
    async with asyncio.timeout(WITHIN):
        while not fits():  # noqa: ASYNC110 what is waited for tells nobody
            await asyncio.sleep(every)
