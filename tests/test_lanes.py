"""Two lanes: what sweeps cause goes at a platform's pace, what people wait for goes at once. No test waits for a clock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.events import Identity, Pressed, Said
from bot.lane import Lane
from bot.messages import Address, Delivery
from bot.ports import NotTaken, Record
from bot.shell import CLAIMS, Shell
from tests.talk import Talk


class Time:
    """A clock that goes on only while somebody sleeps. `gate`: closed, nobody wakes; `slept`: called after each sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.gate, self.asleep = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.slept: Callable[[], object] = lambda: None

    def lane(self, per_second: float) -> Lane:
        return Lane(per_second, clock=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.gate.wait()
        await asyncio.sleep(0)
        self.now += seconds
        self.slept()


class Crowd(Talk):
    """Several students, and the time at which each nudge went."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.time = Time()
        self.lanes = {"terminal": self.time.lane(10)}
        self.nudged: list[tuple[float, str]] = []
        shown = self.screen.send

        async def send(delivery: Delivery) -> None:
            await shown(delivery)
            if delivery.kind == "nudge":
                self.nudged.append((self.time.now, delivery.to.chat))

        self.screen.send = send  # type: ignore[method-assign]  # the same, and it is noted

    def paced(self, *, sends: bool = True) -> Shell:
        return Shell(
            store=self.store,
            content=self.content,
            grader=self.grader,
            messengers=[self.screen] if sends else [],
            lanes=self.lanes,
            clock=lambda: self.now,
        )

    def be(self, name: str) -> None:
        """Whoever speaks from now on."""
        self.who = Identity(platform="terminal", user=name)
        self.address = Address(platform="terminal", chat=name)

    async def learning(self, count: int) -> None:
        """So many students, each with a nudge due at 19:00, which it is now."""
        for number in range(count):
            self.be(f"student {number}")
            shell = self.shell()
            for act in (
                {"kind": Said, "text": "learn sql"},
                {"kind": Pressed, "choice": "zone:UTC", "message": ""},
            ):
                kind: Any = act.pop("kind")
                await shell.receive(kind(**act, **self.common()))
            await shell.settled()
        self.now = self.now.replace(hour=19, minute=0, second=0, microsecond=0)
        self.new()

    def once_each(self, count: int) -> bool:
        return Counter(chat for _, chat in self.nudged) == Counter(
            f"student {number}" for number in range(count)
        )


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    crowd = await Crowd.open(tmp_path)
    assert isinstance(crowd, Crowd)
    yield crowd
    await crowd.store.close()


async def times(time: Time, lane: Lane, count: int) -> list[float]:
    """When each of so many places came."""
    came = []
    for _ in range(count):
        await lane.place()
        came.append(round(time.now, 6))
    return came


async def test_places_come_one_gap_apart() -> None:
    """However long none was asked for: one is made up for, more would be a burst."""
    time = Time()
    lane = time.lane(20)
    assert await times(time, lane, 3) == [0.0, 0.05, 0.1]
    time.now = 9.0
    assert await times(time, lane, 4) == [9.0, 9.0, 9.05, 9.1]


async def test_places_are_given_in_the_order_they_were_asked_for() -> None:
    time = Time()
    lane = time.lane(20)
    order: list[int] = []

    async def one(number: int) -> None:
        await lane.place()
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(10)))
    assert order == list(range(10))
    assert time.now == pytest.approx(0.45)


async def test_what_passes_without_waiting_is_taken_from_the_lane() -> None:
    """Also while somebody waits in it: all together never go faster than the lane alone."""
    time = Time()
    lane = time.lane(10)
    await times(time, lane, 2)
    for _ in range(5):
        lane.give_way()
    assert await times(time, lane, 1) == [0.7]
    time.gate.clear()
    waiting = asyncio.create_task(lane.place())
    await asyncio.sleep(0)
    lane.give_way()
    time.gate.set()
    await waiting
    assert time.now == pytest.approx(0.9)


async def test_a_rush_of_replies_does_not_close_the_lane_for_long() -> None:
    """A thousand went past: nudges stand back for a second, and a hold that was asked for stays."""
    time = Time()
    lane = time.lane(10)
    for _ in range(1000):
        lane.give_way()
    assert await times(time, lane, 2) == [1.0, 1.1]
    lane.hold(30)
    lane.give_way()
    assert await times(time, lane, 1) == [pytest.approx(31.1)]


async def test_lane_that_is_held_gives_no_place_until_then() -> None:
    time = Time()
    lane = time.lane(10)
    lane.hold(30)
    assert await times(time, lane, 2) == [30.0, 30.1]


async def test_nudges_of_one_minute_go_one_a_place(crowd: Crowd) -> None:
    """More of them than a sweep claims at once, and in one sweep: none lost, none doubled."""
    count = CLAIMS + 5
    await crowd.learning(count)
    swept = await crowd.paced().sweep()
    assert (swept.due, swept.sent) == (count, count)
    assert crowd.once_each(count)
    assert crowd.time.now == pytest.approx(count / 10)  # and a place to look whether one was left
    assert all(
        at >= before / 10 - 1e-6 for before, (at, _) in enumerate(crowd.nudged)
    )  # none before its place


async def test_reply_passes_the_nudges(crowd: Crowd) -> None:
    """Whoever talks is answered while they wait; also a student whose own nudge is among them."""
    await crowd.learning(5)
    shell = crowd.paced()
    crowd.time.gate.clear()
    sweep = asyncio.create_task(shell.sweep())
    await crowd.time.asleep.wait()
    for name in ("ann", "student 4"):
        crowd.be(name)
        await shell.receive(Said(text="/help", **crowd.common()))
        await asyncio.wait(shell._tasks)
        assert [each.kind for each in crowd.screen.shown if each.to.chat == name][-1] == "reply"
    assert len(crowd.nudged) < 5
    crowd.time.gate.set()
    await sweep
    assert crowd.once_each(5)


async def test_nudge_is_decided_when_its_place_comes(crowd: Crowd) -> None:
    """Quiet hours have begun meanwhile: it is not sent, and comes on another day."""
    await crowd.learning(4)

    def late() -> None:
        crowd.now = crowd.now.replace(hour=22, minute=30)

    crowd.time.slept = late
    await crowd.paced().sweep()
    assert len(crowd.nudged) == 1  # the one that had not to wait
    await crowd.wait(timedelta(hours=24))
    assert {chat for _, chat in crowd.nudged} == {f"student {number}" for number in range(4)}


async def test_nudges_another_process_decided_drain_in_one_sweep(crowd: Crowd) -> None:
    """It decides no faster than they can go, either."""
    await crowd.learning(40)
    swept = await crowd.paced(sends=False).sweep_due()
    assert (swept.sent, crowd.nudged) == (40, [])
    assert crowd.time.now == pytest.approx(3.9)
    crowd.lanes = {"terminal": crowd.time.lane(10)}
    assert await crowd.paced().sweep_nudges() == 40
    assert crowd.once_each(40)
    assert crowd.time.now == pytest.approx(3.9 + 4.0)


async def test_reply_left_over_goes_before_nudges_left_over(crowd: Crowd) -> None:
    await crowd.learning(3)
    await crowd.paced(sends=False).sweep_due()
    crowd.be("ann")
    await crowd.paced(sends=False).receive(Said(text="/help", **crowd.common()))
    shell = crowd.paced()
    assert await shell.sweep_left() == 1
    assert [each.to.chat for each in crowd.new()] == ["ann"]
    assert await shell.sweep_nudges() == 3


async def test_platform_that_is_flooded_is_left_alone_for_as_long_as_it_says(crowd: Crowd) -> None:
    """No nudge is tried meanwhile, and the one that was refused comes after all."""
    await crowd.learning(1)
    crowd.screen.fail = [NotTaken("flood", retry_after=30)]
    await crowd.paced().sweep()
    assert (crowd.nudged, crowd.time.now) == ([], 30)
    crowd.now += timedelta(minutes=1)
    await crowd.paced().sweep()
    assert crowd.once_each(1)


async def test_lane_that_stands_still_loses_nothing(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was claimed is left undecided, and is due again when the lease lapses."""
    monkeypatch.setattr("bot.shell.PLACE_WITHIN", timedelta(0))
    await crowd.learning(5)
    crowd.time.gate.clear()
    assert (await crowd.paced().sweep()).sent < 5
    crowd.time.gate.set()
    monkeypatch.undo()
    crowd.now += timedelta(seconds=61)
    await crowd.paced().sweep()
    assert crowd.once_each(5)


async def test_nudge_found_while_its_student_is_talked_to_is_not_lost(crowd: Crowd) -> None:
    """It was not begun, so it still has its one try."""
    await crowd.learning(1)
    await crowd.paced(sends=False).sweep_due()
    shell = crowd.paced()
    student = await crowd.store.student(crowd.who, new="0" * 24, at=crowd.now)
    shell._busy[student] += 1
    assert await shell.sweep_nudges() == 0
    shell._no_longer_busy(student)
    crowd.now += timedelta(minutes=2)
    assert await shell.sweep_nudges() == 1
    assert crowd.once_each(1)


async def test_conversation_that_cannot_be_read_keeps_no_other_nudge_back(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowd.learning(3)
    broken = await crowd.store.student(crowd.who, new="0" * 24, at=crowd.now)
    load = crowd.store.load

    async def failing(student: str) -> Record | None:
        if student == broken:
            raise ValueError("unreadable")
        return await load(student)

    monkeypatch.setattr(crowd.store, "load", failing)
    swept = await crowd.paced().sweep_due()
    assert (swept.due, swept.sent, swept.failed) == (3, 2, 1)
    assert crowd.once_each(2)


async def test_two_nudges_in_one_chat_keep_their_distance(crowd: Crowd) -> None:
    """At most one a second, whatever one turn has to say."""
    await crowd.learning(1)
    await crowd.paced(sends=False).sweep_due()
    ((student, (nudge,)),) = await crowd.store.pending(
        ["terminal"], work=False, at=crowd.now, lease=timedelta(0), limit=1
    )
    record = await crowd.store.load(student)
    assert record is not None
    await crowd.store.settle(student, untaken=[nudge.id])
    second = Delivery(id="f" * 24, to=nudge.to, kind="nudge", message=nudge.message, at=nudge.at)
    await crowd.store.commit(student, record.conversation, expected=record.version, deliveries=[second])
    assert await crowd.paced().sweep_nudges() == 2
    (first, _), (then, _) = crowd.nudged
    assert then - first >= 1.0
