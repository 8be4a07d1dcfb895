"""What a sweep costs when many students wait: learning_progress with a million rows in SQLite.

    python -m bench.sweep --json bench/results/sweep.json

Two questions. Nothing is due: what does looking cost (every few seconds, for ever)? A thousand rows fall due at once:
what do finding and claiming them cost, until the claim is on the disk? CPU time of the whole process, its writing
thread included; ten thousand rows beside it show what the size adds.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.documents import LearningProgress, new_id
from storage.sqlite import SqliteStore, _Db, _insert

ROWS, SMALL = 1_000_000, 10_000
DUE = 1_000  # rows that fall due at the same time
LOOKS = 200  # calls timed together: one alone is shorter than the clock's grain
CHUNK = 10_000  # rows in one transaction while the file is made
IDLE_LIMIT, CLAIM_LIMIT = 0.1, 10.0  # ms of CPU; more would be felt between two sweeps
START = datetime(2026, 3, 1, tzinfo=UTC)
EVERY = timedelta(days=1)  # between one thousand and the next
EACH = timedelta(seconds=1)  # between one student's arrival and the next


async def measure(rows: int, rounds: int) -> dict[str, list[float]]:
    """CPU ms: of one look with nothing due, and of claiming a thousand; one figure a round."""
    with tempfile.TemporaryDirectory(prefix="viva-sweep-") as folder:
        store = SqliteStore(Path(folder) / "viva.db")
        await store.open()
        await _fill(store, rows)
        await store.close()
        await store.open()  # with the cache every store has
        idle, claimed = [], []
        for number in range(rounds):
            due = START + number * EVERY
            idle.append(await _cpu_ms(_look(store, due - timedelta(seconds=1))) / LOOKS)
            claimed.append(await _cpu_ms(_claim(store, due)))
        await store.close()
        return {"nothing due": idle, f"{DUE} due, claimed": claimed}


async def _look(store: SqliteStore, at: datetime) -> None:
    for _ in range(LOOKS):
        if await store.due(at=at, lease=10_000 * EVERY, limit=DUE):
            raise AssertionError("nothing should be due")


async def _claim(store: SqliteStore, at: datetime) -> None:
    claims = await store.due(at=at, lease=10_000 * EVERY, limit=DUE)  # no lease lapses while we measure
    if len(claims) != DUE:
        raise AssertionError(f"{len(claims)} claimed instead of {DUE}")


async def _cpu_ms(run: Awaitable[None]) -> float:
    began = time.process_time()
    await run
    return (time.process_time() - began) * 1000


async def _fill(store: SqliteStore, rows: int) -> None:
    """A row a student; a thousand fall due each day, spread over the file as students come."""
    days = max(1, rows // DUE)
    # Only while it is made: a million rows through a small cache and 100 flushes take three minutes.
    await store._write(lambda db: db.execute("PRAGMA cache_size = -500000"))  # noqa: SLF001 as below
    for first in range(0, rows, CHUNK):
        documents = [
            _row(number, START + number % days * EVERY) for number in range(first, min(rows, first + CHUNK))
        ]

        def insert(db: _Db, documents: list[dict[str, Any]] = documents) -> None:
            for document in documents:
                _insert(db, "learning_progress", document)

        await store._write(insert)  # noqa: SLF001 the quickest way to a million rows


def _row(number: int, due: datetime) -> dict[str, Any]:
    row = LearningProgress(
        id=new_id(START + number * EACH, "row", str(number)),
        student_id=new_id(START + number * EACH, "student", str(number)),
        path_id=new_id(START + number * EACH, "path", str(number)),
        kind="resource",
        resource_id="4c4e26f0-9a3f-5a58-9a3c-0f2e6a51ad5e",
        stage_number=1,
        status="in_progress",
        completed_at=None,
        time_spent_minutes=20,
        next_nudge_at=due,
        created_at=START,
        updated_at=START,
    )
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, compare with the limits; 1 when a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=9, help=f"at most rows / {DUE}")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    found = {rows: asyncio.run(measure(rows, min(given.rounds, rows // DUE))) for rows in (SMALL, given.rows)}
    medians = {rows: {name: statistics.median(ms) for name, ms in of.items()} for rows, of in found.items()}
    print(f"{'':22}{'rows':>12}{'median ms':>12}{'min':>10}{'max':>10}")
    for rows, of in found.items():
        for name, ms in of.items():
            print(f"{name:22}{rows:12,}{statistics.median(ms):12.4f}{min(ms):10.4f}{max(ms):10.4f}")
    for name, large in medians[given.rows].items():
        print(f"{name}: {given.rows:,} rows cost {large / medians[SMALL][name]:.2f} times {SMALL:,}")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {"unit": "CPU ms", "limits": [IDLE_LIMIT, CLAIM_LIMIT], "rounds": found, "median": medians}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    idle, claimed = medians[given.rows].values()
    passed = idle < IDLE_LIMIT and claimed <= CLAIM_LIMIT
    print(f"Limits ({IDLE_LIMIT} and {CLAIM_LIMIT} ms): {'held' if passed else 'NOT held'}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
