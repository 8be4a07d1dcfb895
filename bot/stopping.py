"""Running until told to stop: SIGTERM and Ctrl-C end everything in order, so that nothing is left half done."""

import asyncio
import signal
from collections.abc import Awaitable


async def until_stopped(*runs: Awaitable[None]) -> None:
    """Wait for a signal to stop, or for the first of `runs` that ends; then cancel the rest. Raises what one raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    stopping = asyncio.create_task(stop.wait())
    tasks = [asyncio.ensure_future(run) for run in runs]
    try:
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopping, *tasks):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
