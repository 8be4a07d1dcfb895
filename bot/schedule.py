"""When sweeps run. APScheduler only calls them; what is due is in the database, so nothing is lost with a process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.ports import StoreUnavailable

EVERY = timedelta(seconds=5)  # a late nudge or a resent reply is noticed after some ten seconds
DAY = timedelta(days=1)  # for what counts over everybody

log = logging.getLogger("viva.sweep")


@asynccontextmanager
async def sweeping(
    *sweeps: Callable[[], Awaitable[object]], daily: Sequence[Callable[[], Awaitable[object]]] = ()
) -> AsyncIterator[None]:
    """Run each sweep at once and then every few seconds (`daily` ones every day), beside the block and never two of a kind
    at a time, until it is left. A sweep that has much to send goes on for minutes."""
    # A sweep that goes on for minutes is no news every five seconds.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = AsyncIOScheduler(timezone="UTC")
    now = datetime.now(UTC)
    for sweep, every in (*((each, EVERY) for each in sweeps), *((each, DAY) for each in daily)):
        # APScheduler's default misfire grace of 1 s drops late jobs without a word: None runs them, coalesced to one.
        scheduler.add_job(
            _told(sweep),
            "interval",
            seconds=every.total_seconds(),
            next_run_time=now,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _told(sweep: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    async def once() -> None:
        try:
            await sweep()
        except asyncio.CancelledError:  # the process is stopping; APScheduler would log a traceback
            return
        except StoreUnavailable as error:
            log.warning("the database is away, the next sweep tries again: %s", error)
        except Exception:
            log.exception("a sweep failed; the next one goes on")

    return once
