"""Ten thousand nudges due in the same minute, while people talk: how long they take, and what replies feel of it.

    python -m bench.drain --json bench/results/drain.json
    python -m bench.drain --students 1000            a quick run

The bot is `python -m bot all` as it is deployed, a process of its own with SQLite, asking the tests' Telegram over HTTP;
that one refuses what is over Telegram's limits. The students have set themselves up beforehand, through the shell.
The people who talk do so first without nudges, then until the last nudge is out; wall times, as people feel them.
"""

import argparse
import asyncio
import itertools
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.turn import in_lanes
from bot import bank
from bot.documents import LearningProgress, update
from bot.events import FromStudent, Identity, Pressed, Said
from bot.grading import EmbeddedGrader
from bot.messages import Address, Delivery
from bot.shell import Shell
from storage.sqlite import SqliteStore
from tests.telegram_people import User
from tests.telegram_server import Pace, TelegramServer

ROOT = Path(__file__).parent.parent
STUDENTS, PEOPLE = 10_000, 20
ALONE = 60.0  # s the people talk before the nudges are due
THINKING = 2.0, 8.0  # s between a reply and what is said next
WORDS = ("/help", "/progress", "/reminders", "/next")
PREPARED = 300  # students a second whose nudge is put to its time, at the least
START_UP = 20.0  # s until the bot talks on a busy machine
LOOKED_AFTER = 15.0  # s after the last nudge in which a second one would show
PATIENCE = 30.0  # s for one reply
WRONG = ("refused", "lost", "doubled", "left")  # with a 429, never sent, sent again, still in an outbox
SLOWEST = 8.0  # nudges a second; fewer and something is stuck


class Nowhere:
    """A messenger for what the students saw while they set themselves up."""

    platform = "telegram"

    async def send(self, delivery: Delivery) -> None:
        """It went."""


class Newcomer:
    """A student before the measurement."""

    def __init__(self, shell: Shell, number: int) -> None:
        self.shell, self.number, self.student = shell, number, ""
        self.ids = itertools.count(1)

    async def set_up(self) -> None:
        """Ask for a path and say what the time is."""
        await self._do(Said, text="learn sql")
        await self._do(Pressed, choice="zone:UTC", message="1")

    async def _do(self, kind: type[FromStudent], **what: Any) -> None:
        event: Any = kind(
            id=f"s:{self.number}:{next(self.ids)}",
            at=datetime.now(UTC),
            sender=Identity(platform="telegram", user=str(self.number)),
            address=Address(platform="telegram", chat=str(self.number)),
            zone_hint="UTC",
            **what,
        )
        self.student = (await self.shell.receive(event)).student


async def prepared(store: SqliteStore, students: int) -> datetime:
    """That many students whose nudge is due at the same moment, which it gives: soon, so hurry to start the bot."""
    content = bank.load()
    for name, documents in content.documents.items():
        await store.seed(name, documents)
    shell = Shell(store=store, content=content, grader=EmbeddedGrader(), messengers=[Nowhere()])
    people = [Newcomer(shell, number) for number in range(1, students + 1)]
    await in_lanes(people, Newcomer.set_up)
    await shell.settled()
    due = datetime.now(UTC) + timedelta(seconds=students / PREPARED + START_UP + ALONE)
    due = due.replace(microsecond=0)

    async def at_that_moment(each: Newcomer) -> None:
        """Whatever hour and day it is, it is a good one."""
        record = await store.load(each.student)
        assert record is not None
        rows = (await store.known(each.student, frozenset({"paths"}), at=due)).progress
        row = next(row for row in rows if row.next_nudge_at)
        always = record.conversation.with_profile(
            quiet_from=0, quiet_to=0, nudge_days="0123456", nudge_every=1, nudges_a_day=1
        )
        moved = update(LearningProgress, row.id, next_nudge_at=due)
        await store.commit(each.student, always, expected=record.version, writes=[moved])

    await in_lanes(people, at_that_moment)
    return due


@asynccontextmanager
async def running(server: TelegramServer, database: str) -> AsyncIterator[None]:
    """The bot, until it asks for updates and then until the block is left."""
    settings = {
        "DATABASE_URL": f"sqlite:///{database}",
        "TELEGRAM_TOKEN": server.token,
        "TELEGRAM_API_URL": server.url,
    }
    place = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "all", cwd=ROOT, env=place | settings, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await server.until(lambda: bool(server.calls("getUpdates")), 60, "the bot asks for updates")
        yield
    finally:
        bot.terminate()
        await bot.wait()


async def talk(person: User, chance: random.Random, took: list[tuple[float, float]]) -> None:
    """Say something, wait for the reply, think, and so on. Notes when it was said and the seconds it took."""
    await asyncio.sleep(chance.uniform(0, THINKING[1]))
    while True:
        began = time.time()
        await person.ask(chance.choice(WORDS), within=PATIENCE)
        took.append((began, time.time() - began))
        await asyncio.sleep(chance.uniform(*THINKING))


async def drained(students: int, seed: int) -> dict[str, Any]:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="viva-drain-") as folder:
        database = str(Path(folder) / "viva.db")
        store = SqliteStore(Path(database))
        await store.open()
        due = (await prepared(store, students)).timestamp()
        await store.close()
        async with TelegramServer() as server:
            server.pace = Pace()
            nudged = [server.user(number) for number in range(1, students + 1)]
            server.chats |= {each.id: each.chat for each in nudged}  # they wrote to the bot long ago
            people = [server.user(students + number) for number in range(1, PEOPLE + 1)]
            took: list[tuple[float, float]] = []
            async with running(server, database), asyncio.TaskGroup() as talking:
                late = time.time() + ALONE / 2 > due
                assert not late, "the machine is too busy: the nudges fell due before the people had talked"
                talks = [
                    talking.create_task(talk(each, random.Random(f"{seed} {each.id}"), took))
                    for each in people
                ]
                with suppress(TimeoutError):
                    async with asyncio.timeout(due - time.time() + students / SLOWEST + 60):
                        for each in nudged:
                            while not each.chat.messages:
                                await each.next(within=PATIENCE * 60)
                await asyncio.sleep(LOOKED_AFTER)
                for speaking in talks:
                    speaking.cancel()
            left = await _left(store)
            return _figures(server, due, nudged, took) | {"students": students, "left": left}


async def _left(store: SqliteStore) -> int:
    """Messages that still wait in an outbox."""
    await store.open()
    waiting = [len(each["outbox"]) async for each in store.export("conversations")]
    await store.close()
    return sum(waiting)


def _figures(
    server: TelegramServer, due: float, nudged: Sequence[User], took: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    sent = [
        each for each in server.requests if each.taken and each.method.lower().startswith(("sendm", "edit"))
    ]
    ids = {str(each.id) for each in nudged}
    nudges = [each.at for each in sent if str(each.params["chat_id"]) in ids]
    pairs = [(str(each.params["chat_id"]), each.at) for each in sent]
    counts = Counter(len(each.chat.messages) for each in nudged)
    assert server.pace is not None
    end = max(nudges)
    before = [seconds for began, seconds in took if began < due - PATIENCE / 10]
    during = [seconds for began, seconds in took if due <= began <= end]
    return {
        "minutes": (end - due) / 60,
        "nudges_a_second": len(nudges) / (end - due),
        "most_in_a_second": _most([at for _, at in pairs]),
        "most_nudges_in_a_second_and_chat": max(
            _most([at for who, at in pairs if who == one]) for one in _busiest(pairs, ids)
        ),
        "refused": server.pace.refused,
        "lost": counts[0],
        "doubled": sum(number for times, number in counts.items() if times > 1),
        "replies": {"without nudges": _spread(before), "while they go out": _spread(during)},
    }


def _busiest(pairs: Sequence[tuple[str, float]], ids: set[str]) -> list[str]:
    """The nudged chats with the most messages; one a chat is the rule."""
    return [who for who, _ in Counter(who for who, _ in pairs if who in ids).most_common(100)]


def _most(times: Sequence[float]) -> int:
    """In any second."""
    most, first, ordered = 0, 0, sorted(times)
    for place, at in enumerate(ordered):
        while ordered[first] <= at - 1:
            first += 1
        most = max(most, place - first + 1)
    return most


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Of reply times, in ms."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"count": len(seconds), "p50": 1000 * cuts[49], "p99": 1000 * cuts[98], "max": 1000 * max(seconds)}


def table(found: dict[str, Any]) -> str:
    """The figures for the eye."""
    lines = [f"{'reply, ms':<24}{'replies':>9}{'p50':>9}{'p99':>9}{'max':>9}"]
    for name, row in found["replies"].items():
        lines.append(f"{name:<24}{row['count']:9}{row['p50']:9.1f}{row['p99']:9.1f}{row['max']:9.1f}")
    went = f"{found['students']:,} nudges went in {found['minutes']:.1f} min, {found['nudges_a_second']:.1f} a second"
    most = f"most messages in any second: {found['most_in_a_second']} (30 are allowed)"
    chat = f"nudges in one chat: {found['most_nudges_in_a_second_and_chat']} (1)"
    wrong = ", ".join(f"{name} {found[name]}" for name in WRONG)
    lines += [f"{went}; {PEOPLE} people were talking", f"{most}, {chat}", wrong]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. 1 when a limit was passed, or a nudge lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--seed", type=int, default=1, help="of what the people say and when")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    found = asyncio.run(drained(given.students, given.seed))
    print(table(found))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    held = (
        not any(found[name] for name in WRONG)
        and found["most_in_a_second"] <= 30
        and found["most_nudges_in_a_second_and_chat"] <= 1
    )
    print("Limits: " + ("held" if held else "NOT held"))
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
