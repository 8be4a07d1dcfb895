"""A term with simulated students: the real engine, shell and SQLite store, under a clock that jumps to what comes next.

    python -m bench.term --json bench/results/term.json [--students 20 --weeks 4 --seed 1]

Students have habits (`bench/_students.py`) and live in several zones; clocks change in America (8 March), Europe (29 March)
and Australia (5 April). Some are linked on two messengers, block the bot, travel. On one day nothing runs. What everybody
did, saw and what was decided is kept (`bench/_diary.py`) and checked afterwards (`bench/_checks.py`): a fault is a sentence
with the student and the time, and makes the exit code 1. The same seed gives the same term.
"""

import argparse
import asyncio
import heapq
import itertools
import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bench import _checks
from bench._diary import Diary, Did, Fell, Saw, Standing, Stored, Term, Turned
from bench._students import PLATFORMS, Answers, Move, Screen, Student
from bench._tamper import TAMPERS, tampered
from bot import bank
from bot.bank import Content
from bot.conversation import MARK, Conversation, mark
from bot.documents import Insert, Write, new_id
from bot.events import FromStudent, Identity, Pressed, Said
from bot.grading import EmbeddedGrader
from bot.messages import Delivery
from bot.ports import ChatUnreachable, NotTaken
from bot.questions import Grade, KeyPoint
from bot.shell import Shell
from storage.sqlite import SqliteStore

BEGIN = datetime(2026, 2, 23, tzinfo=UTC)  # a Monday; clocks change within two, five and six weeks
TICK = timedelta(
    seconds=30
)  # sweeps and students move on this grid; what falls on the same tick happens at once
OUTAGE = timedelta(hours=24)
HICCUPS = 300  # one message of so many is not taken at first: a platform that is busy
DOUBLE_TAPS, REPEATS = 0.03, 0.01  # of presses; of events that a platform delivers twice
HICCUP = 4.0  # seconds it asks us to wait
STUCK = 20  # sweeps that leave something due; an event that fails is set aside after three
STUDENTS, WEEKS = 200, 16


class Keeping(SqliteStore):
    """The real store, which tells of each commit."""

    tell: Any = None

    async def commit(
        self,
        student: str,
        conversation: Conversation,
        *,
        expected: int,
        writes: Sequence[Write] = (),
        deliveries: Sequence[Delivery] = (),
        wake_at: datetime | None = None,
        work: bool = False,
        lease_until: datetime | None = None,
    ) -> int:
        version = await super().commit(
            student,
            conversation,
            expected=expected,
            writes=writes,
            deliveries=deliveries,
            wake_at=wake_at,
            work=work,
            lease_until=lease_until,
        )
        self.tell(student, conversation, tuple(writes), deliveries)
        return version

    def waiting(self, student: str) -> tuple[tuple[str, datetime], ...]:
        """The rows of a student that have a time."""
        at = "json_extract(document, '$.next_nudge_at')"
        found = self._read(
            f"SELECT id, {at} FROM learning_progress WHERE student = ? AND {at} IS NOT NULL", student
        )
        return tuple((row, datetime.fromisoformat(when)) for row, when in found)

    def queued(self, student: str) -> tuple[tuple[str, datetime], ...]:
        """The same as the sweeps would find it."""
        found = [
            each
            for table in ("due", "leased")
            for each in self._read(f"SELECT row, at FROM {table} WHERE student = ? AND row <> ''", student)
        ]
        return tuple((row, datetime.fromtimestamp(at / 1000, UTC)) for row, at in found)

    def documents(self, collection: str, student: str) -> list[str]:
        """A student's documents of a collection, as JSON."""
        found = self._read(
            f"SELECT document FROM {collection} WHERE student = ? ORDER BY created, id", student
        )
        return [text for (text,) in found]

    def document(self, collection: str, id_: str) -> str:
        """One document, as JSON."""
        return str(self._read(f"SELECT document FROM {collection} WHERE id = ?", id_)[0][0])

    def outbox(self) -> int:
        """Deliveries that wait."""
        return int(self._read("SELECT count(*) FROM outbox")[0][0])


class Remembering:
    """The embedded grader, which grades the same words once and tells what they came to."""

    def __init__(self) -> None:
        self._grader = EmbeddedGrader()
        self.grades: dict[tuple[str, str], Grade] = {}

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        """See `bot.ports.Grader`."""
        found = self.grades.get((question, answer))
        if found is None:
            found = await self._grader.grade(
                question=question, reference_answer=reference_answer, key_points=key_points, answer=answer
            )
            self.grades[question, answer] = found
        return found


class Phone:
    """A messenger: what it is given stands on the student's screen, unless they have blocked it."""

    def __init__(self, platform: str, world: "World") -> None:
        self.platform = platform
        self._world = world

    async def send(self, delivery: Delivery) -> None:
        """See `bot.ports.Messenger`."""
        self._world.show(delivery)


class World:
    """Everything that happens, in its order."""

    def __init__(self, store: Keeping, content: Content, *, seed: int, students: int, weeks: int) -> None:
        self.now = BEGIN
        self.end = BEGIN + timedelta(weeks=weeks)
        middle = BEGIN + timedelta(days=7 * weeks // 2 - 1, hours=5)
        self.outage = (middle, middle + OUTAGE)
        answers = Answers(content)
        self.people = [
            Student(number, seed, begin=BEGIN, weeks=weeks, answers=answers) for number in range(students)
        ]
        self.diaries = {each.number: Diary(name=each.name, student="") for each in self.people}
        self._by_chat = {(p, s.address(p).chat): s for s in self.people for p in s.platforms}
        self._by_id: dict[str, Student] = {}
        self._plan: list[tuple[datetime, int, int, str]] = []  # when, order, student, what
        self._order = itertools.count()
        self._events = itertools.count()
        self._hiccuped: set[str] = set()
        self._resend: datetime | None = None
        self._stuck: Counter[tuple[str, str, datetime]] = Counter()
        self._store = store
        store.tell = self._committed
        self.grader = Remembering()
        self.shell = Shell(
            store=store,
            content=content,
            grader=self.grader,
            messengers=[Phone(each, self) for each in PLATFORMS],
            clock=lambda: self.now,
        )

    async def live(self) -> Term:
        """The whole term."""
        began = time.perf_counter()
        for each in self.people:
            for at in each.own_sittings():
                self._later(at, each, "sit")
        while (following := await self._next()) is not None:
            self.now = following
            await self._tick()
        await self._store.set("term", "over")  # whatever rides with the next transaction is written
        term = Term(
            begin=BEGIN,
            end=self.end,
            outage=self.outage,
            diaries=[each for each in self.diaries.values() if each.student],
            words=self.grader.grades,
            left=self._store.outbox(),
            seconds=time.perf_counter() - began,
        )
        for diary in term.diaries:
            for name in ("learning_paths", "learning_progress", "nudges"):
                texts = self._store.documents(name, diary.student)
                diary.final[name] = [msgspec.json.decode(each) for each in texts]
        return term

    async def _next(self) -> datetime | None:
        """When something happens next; None when the term is over. In the outage nothing does."""
        times = [self._plan[0][0]] if self._plan else []
        due = await self._store.due(at=self.end, lease=timedelta(0), limit=1, claim=False)
        times += [each.due for each in due]
        if not times:
            return None
        at = max(min(times), self.now + TICK)
        at = BEGIN + -((BEGIN - at) // TICK) * TICK  # the next tick that is not before it
        from_, until = self.outage
        at = until if from_ <= at < until else at
        return at if at < self.end else None

    async def _tick(self) -> None:
        heard: dict[int, FromStudent] = {}
        again = []
        while self._plan and self._plan[0][0] <= self.now:
            planned = heapq.heappop(self._plan)
            if planned[2] in heard:  # one thing at a time
                again.append(planned)
            elif event := self._moved(self.people[planned[2]], planned[3]):
                heard[planned[2]] = event
        for _, _, number, what in again:
            self._later(self.now + TICK, self.people[number], what)
        await asyncio.gather(*(self._hear(number, event) for number, event in heard.items()))
        await self.shell.settled()
        fallen = await self._store.due(at=self.now, lease=timedelta(0), limit=10_000, claim=False)
        for each in fallen:
            self._stuck[each.student, each.row, each.due] += 1
            if self._stuck[each.student, each.row, each.due] > STUCK:
                raise AssertionError(f"at {self.now} this is due again and again: {each}")
            if each.row:
                when = each.due.isoformat(timespec="milliseconds")
                fell = Fell(at=self.now, row=each.row, due=each.due, mark=mark(f"nudge:{each.row}:{when}"))
                self.diaries[self._by_id[each.student].number].entries.append(fell)
        if fallen:
            await self.shell.sweep()
            await self.shell.settled()
        while self._resend is not None:  # the sweep after next takes up what was not taken
            self.now, self._resend = self._resend, None
            await self._store.set("term", "swept")  # seconds have passed: what rides is written
            await self.shell.sweep()
            await self.shell.settled()

    # What students do

    def _later(self, at: datetime, student: Student, what: str) -> None:
        heapq.heappush(self._plan, (at, next(self._order), student.number, what))

    def _moved(self, student: Student, what: str) -> FromStudent | None:
        """`what`: "sit", "sit:<platform>" (a nudge came there), "go:<sitting>", "again:<choice>" (a double tap)."""
        verb, _, subject = what.partition(":")
        if student.is_away(self.now):
            student.left = 0
            return None
        if verb == "again":
            return self._event(student, Move(choice=subject))
        if verb == "go" and int(subject) != student.sitting:
            return None
        if verb == "sit":
            if student.left > 0:
                return None  # they are at it
            student.sits_down(nudged_on=subject)
        move = student.move(self.now)
        if move is None:
            return None
        if move.leaves:
            student.left = 0
        self._later(self.now + max(move.after, TICK), student, f"go:{student.sitting}")
        if move.choice and student.chance.random() < DOUBLE_TAPS:
            self._later(self.now + TICK, student, f"again:{move.choice}")
        return self._event(student, move)

    def _event(self, student: Student, move: Move) -> FromStudent:
        common: dict[str, Any] = {
            "id": f"{student.here[0]}:{next(self._events)}",
            "at": self.now,
            "sender": Identity(platform=student.here, user=f"u{student.number}"),
            "address": student.address(student.here),
        }
        self.diaries[student.number].entries.append(
            Did(
                at=self.now,
                mark=mark(common["id"]),
                text=move.text,
                choice=move.choice,
                right=False if move.choice.startswith("skip:") else move.right,
            )
        )
        if not move.choice:
            return Said(text=move.text, **common)
        return Pressed(choice=move.choice, message="m", **common)

    async def _hear(self, number: int, event: FromStudent) -> None:
        student = self.people[number]
        twice = student.chance.random() < REPEATS  # the platform delivers it once more
        if not self.diaries[number].student:
            new = new_id(event.at, "term", student.name)
            self.diaries[number].student = new
            self._by_id[new] = student
            for each in student.platforms:
                identity = Identity(platform=each, user=f"u{number}")
                await self._store.student(identity, new=new, at=event.at)
        await self.shell.receive(event)
        if twice:
            await self.shell.receive(event)

    # What is seen and kept

    def show(self, delivery: Delivery) -> None:
        """On the student's screen. Raises ChatUnreachable, NotTaken."""
        student = self._by_chat[delivery.to.platform, delivery.to.chat]
        if (
            int(delivery.id[-6:], 16) % HICCUPS == 0
            and delivery.tries <= 1
            and delivery.id not in self._hiccuped
        ):
            self._hiccuped.add(delivery.id)
            self._resend = self.now + timedelta(seconds=HICCUP)
            raise NotTaken("busy", retry_after=HICCUP)
        screen = Screen.of(delivery, self.now)
        unseen = delivery.to.platform in student.blocked
        self.diaries[student.number].entries.append(
            Saw(
                at=self.now,
                platform=delivery.to.platform,
                id=delivery.id,
                kind=delivery.kind,
                text=screen.text,
                choices=screen.choices,
                unseen=unseen,
            )
        )
        if unseen:
            raise ChatUnreachable("blocked")
        delay = student.noticed(screen, delivery.to.platform)
        if delay is not None:
            self._later(self.now + delay, student, f"sit:{delivery.to.platform}")

    def _committed(
        self, id_: str, conversation: Conversation, writes: tuple[Write, ...], deliveries: Sequence[Delivery]
    ) -> None:
        entries = self.diaries[self._by_id[id_].number].entries
        profile = conversation.profile
        standing = Standing(
            profile=profile,
            zone=profile.zone or conversation.zone_hint or "UTC",
            ignored=conversation.ignored,
            unreachable=conversation.unreachable,
            nudge=conversation.nudge,
            streak=conversation.streak,
            commitment=conversation.commitment,
            floor=type(conversation.floor).__name__,
            waiting=self._store.waiting(id_),
            queued=self._store.queued(id_),
        )
        nudges = tuple(each.id for each in deliveries if each.kind == "nudge")
        entries.append(
            Turned(
                at=self.now,
                mark=conversation.recent[-MARK:],
                standing=standing,
                writes=_plain(writes),
                nudges=nudges,
            )
        )
        changed = {_id_of(each) for each in writes if each.collection == "learning_paths"}
        entries += [
            Stored.of(self.now, self._store.document("learning_paths", each)) for each in sorted(changed)
        ]


def simulated(content: Content, *, seed: int = 0, students: int = STUDENTS, weeks: int = WEEKS) -> Term:
    """A term, on a database of its own."""

    async def live(folder: str) -> Term:
        store = Keeping(Path(folder) / "viva.db")
        await store.open()
        world = World(store, content, seed=seed, students=students, weeks=weeks)
        try:
            return await world.live()
        finally:
            await store.close()

    # In memory where there is such a place: what a crash leaves is no question here, and a flush costs more than a turn.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="viva-term-", dir=memory if memory.is_dir() else None) as folder:
        return asyncio.run(live(folder))


def _plain(writes: tuple[Write, ...]) -> tuple[Write, ...]:
    """As they are stored: JSON knows no tuples."""
    return tuple(msgspec.json.decode(msgspec.json.encode(writes), type=tuple[Write, ...]))


def _id_of(write: Write) -> str:
    return str(write.document["_id"]) if isinstance(write, Insert) else write.id


def figures(term: Term) -> dict[str, Any]:
    """The table's numbers."""
    kinds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for diary in term.diaries:
        nudges = diary.final["nudges"]
        kinds.update(each["kind"] for each in nudges)
        counts["opened"] += sum(each["opened_at"] is not None for each in nudges)
        counts["completed"] += sum(each["completed_at"] is not None for each in nudges)
        rows = diary.final["learning_progress"]
        counts["reviews answered"] += sum(row["card"]["reviews"] for row in rows if row["card"])
        counts["quizzes ended"] += sum(each["score"] is not None for row in rows for each in row["attempts"])
        stages = [stage for path in diary.final["learning_paths"] for stage in path["stages"]]
        counts["stages passed"] += sum(e["status"] == "completed" and not e["passed_over"] for e in stages)
        counts["turns"] += sum(isinstance(each, Turned) for each in diary.entries)
    return {
        "students": len(term.diaries),
        "weeks": (term.end - term.begin).days // 7,
        **counts,
        "nudges": sum(kinds.values()),
        "by kind": dict(kinds.most_common()),
        "seconds": round(term.seconds, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Live, check, print; 1 at any fault."""
    parser = argparse.ArgumentParser(prog="python -m bench.term", description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tamper", choices=TAMPERS, help="put this fault into the diaries, to see it found")
    parser.add_argument("--most", type=int, default=40, help="faults printed; all are counted")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    content = bank.load()
    term = simulated(content, seed=given.seed, students=given.students, weeks=given.weeks)
    if given.tamper:
        term, _ = tampered(term, given.tamper)
    table = figures(term)
    began = time.perf_counter()
    found = _checks.faults(term, content)
    table |= {"seconds of checks": round(time.perf_counter() - began, 1), "faults": len(found)}
    for name, value in table.items():
        if isinstance(value, dict):
            print(f"  {name:18}" + ", ".join(f"{number:,} {kind}" for kind, number in value.items()))
        else:
            print(f"{name:20}{value:>10,}")
    for each in found[: given.most]:
        print(each)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(
            json.dumps({"seed": given.seed, **table, "told": found}, indent=1) + "\n", "utf-8"
        )
    print(f"No nudge out of place, every document true, every review in time: {'NO' if found else 'yes'}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
