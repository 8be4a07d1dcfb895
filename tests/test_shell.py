"""The turn: locks, lost races, failures, outages, and what a process that died has left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import engine
from bot.events import Graded, Identity, Said
from bot.messages import Address, Delivery
from bot.ports import ChatUnreachable, MaybeTaken, NotTaken, Refused, StoreUnavailable
from bot.questions import Grade, KeyPoint
from bot.shell import Shell
from tests.talk import Screen, Slow, Talk, texts
from tests.waiting import WITHIN


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


class Broken:
    """A grader that fails."""

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        raise RuntimeError("no")


async def question_open(talk: Talk) -> None:
    await talk.say("/interview one")
    talk.new()


async def attempts(talk: Talk) -> list[dict[str, Any]]:
    return [each async for each in talk.store.export("interview_attempts")]


async def test_ten_messages_at_once_are_one_answer_in_their_order(talk: Talk) -> None:
    """The lock is taken before loading: each message sees what the one before it did."""
    await question_open(talk)
    shell = talk.shell()
    said = [Said(text=f"part {n}", **talk.common()) for n in range(10)]
    await asyncio.gather(*(shell.receive(each) for each in said))
    await shell.settled()
    kept = await attempts(talk)
    assert [each["student_answer"] for each in kept] == ["\n".join(f"part {n}" for n in range(10))]
    assert len(talk.new()) == 1


async def test_two_processes_never_interleave_one_student(talk: Talk) -> None:
    """Two shells on one store: a lost race is decided anew; no answer is lost, none kept twice."""
    await question_open(talk)
    shells = [talk.shell(), talk.shell()]
    said = [Said(text=f"part {n}", **talk.common()) for n in range(8)]
    await asyncio.gather(*(shells[n % 2].receive(each) for n, each in enumerate(said)))
    for shell in shells:
        await shell.settled()
    parts = [part for each in await attempts(talk) for part in each["student_answer"].split("\n")]
    assert len(set(parts)) == len(parts)
    assert parts[0] == "part 0"
    assert {each["status"] for each in await attempts(talk)} == {"graded"}


async def test_outdated_grade_is_ignored(talk: Talk) -> None:
    """A grade of the first part does not count once a second part has joined."""
    await question_open(talk)
    slow = talk.grader = Slow()
    shell = talk.shell()
    for text in ("first", "second"):
        await shell.receive(Said(text=text, **talk.common()))
        await asyncio.sleep(0)
    slow.go.set()
    await shell.settled()
    assert sorted(slow.answers) == ["first", "first\nsecond"]
    assert len([each for each in texts(talk.new()) if "Automatic estimate" in each]) == 1


async def test_failing_grader_gives_no_score_and_says_so(talk: Talk) -> None:
    """A score that cannot be given is null, with its reason; never invented."""
    await question_open(talk)
    talk.grader = Broken()
    await talk.say("an answer")
    assert texts(talk.new())[0].startswith("Not scored")
    kept = (await attempts(talk))[0]
    assert (kept["score"], kept["status"], kept["reason"]) == (None, "not_graded", "failed")


async def test_grading_left_by_a_dead_process_is_taken_up(talk: Talk) -> None:
    """Killed between the answer and its grade: the next sweep grades it, once."""
    await question_open(talk)
    talk.grader = Slow()
    dying = talk.shell()
    await dying.receive(Said(text="no idea", **talk.common()))
    await dying.close()
    talk.grader = Broken()
    talk.now += timedelta(minutes=5)
    for _ in range(2):
        shell = talk.shell()
        await shell.sweep()
        await shell.settled()
    assert len(talk.new()) == 1


async def test_reply_left_by_a_dead_process_is_sent(talk: Talk) -> None:
    """Killed between commit and send: the next sweep sends what the outbox holds, in its order."""
    talk.screen.platform = "elsewhere"
    await talk.say("/start")
    assert talk.new() == []
    talk.screen = Screen()
    talk.now += timedelta(minutes=5)
    await talk.shell().sweep()
    assert texts(talk.new())[0].startswith("Hi.")
    talk.now += timedelta(minutes=5)
    await talk.shell().sweep()
    assert talk.new() == []


@pytest.mark.parametrize(
    "lost", [NotTaken("flood", retry_after=30), MaybeTaken("reset")], ids=["not", "maybe"]
)
async def test_reply_that_did_not_go_is_sent_again(talk: Talk, lost: Exception) -> None:
    """Refused for now, or unknown: a reply goes again after the wait, and then no more."""
    talk.screen.fail = [lost]
    await talk.say("/start")
    assert talk.new() == []
    await talk.shell().sweep()
    assert talk.new() == []
    talk.now += timedelta(minutes=2)
    for _ in range(2):
        await talk.shell().sweep()
    assert [text[:3] for text in texts(talk.new())] == ["Hi."]


async def test_nudge_of_unknown_fate_is_not_said_twice(talk: Talk) -> None:
    """A nudge that may have arrived is dropped; one that certainly did not is sent again."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.new()
    talk.screen.fail = [MaybeTaken("reset")]
    await talk.wait(timedelta(hours=12))
    talk.now += timedelta(minutes=10)
    await talk.shell().sweep()
    assert talk.new() == []
    talk.screen.fail = [NotTaken("flood", retry_after=1)]
    await talk.wait(timedelta(hours=24))
    talk.now += timedelta(minutes=10)
    await talk.shell().sweep()
    assert [each.kind for each in talk.new()] == ["nudge"]


async def test_message_the_platform_refuses_does_not_block_the_next(talk: Talk) -> None:
    """A mistake of ours is dropped and logged."""
    talk.screen.fail = [Refused("can't parse")]
    await talk.say("/start")
    await talk.say("/help")
    assert [text[:9] for text in texts(talk.new())] == ["interview", "One press"]


async def test_unreachable_chat_pauses_the_nudges(talk: Talk) -> None:
    """Blocked by the student: no nudge is tried until they write again."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.screen.fail = [ChatUnreachable("blocked")]
    await talk.wait(timedelta(hours=24))
    talk.new()
    await talk.wait(timedelta(days=5))
    assert talk.new() == []
    await talk.say("next")
    talk.new()
    await talk.wait(timedelta(hours=24))
    assert [each.kind for each in talk.new()] == ["nudge"]


async def test_event_that_fails_three_times_is_set_aside(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The student is told in a sentence, the reason is kept without their words, and the line goes on."""
    real = engine.handle

    def failing(conversation: Any, event: Any, *rest: Any) -> Any:
        if isinstance(event, Said) and event.text == "poison":
            raise RuntimeError("cannot")
        return real(conversation, event, *rest)

    monkeypatch.setattr(engine, "handle", failing)
    with caplog.at_level(logging.CRITICAL, logger="viva.turn"):
        await talk.say("poison")
    assert "put it aside" in texts(talk.new())[0]
    aside = [each async for each in talk.store.export("aside_events")]
    assert len(aside) == 1
    assert aside[0]["error"].startswith("RuntimeError in ")
    await talk.say("/start")
    assert texts(talk.new())[0].startswith("Hi.")


async def test_database_away_and_back_loses_nothing(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The student is told once, the message waits, and is answered when the database is back."""
    await question_open(talk)
    real, away = talk.store.load, [StoreUnavailable("gone")] * 3

    async def load(student: str) -> Any:
        if away:
            raise away.pop()
        return await real(student)

    monkeypatch.setattr(talk.store, "load", load)
    monkeypatch.setattr("bot.shell.AWAY_PAUSE", (0.001, 0.001))
    await talk.say("no idea")
    read = texts(talk.new())
    assert [text.startswith("I can't reach my notebook") for text in read].count(True) == 1
    assert "I'm back." in read
    assert any("Automatic estimate" in text for text in read)
    assert len(await attempts(talk)) == 1


async def test_no_answer_text_in_the_log(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    """A turn is one line of facts about it, never of words."""
    with caplog.at_level(logging.DEBUG):
        await question_open(talk)
        await talk.say("my secret words")
    turns = [each.getMessage() for each in caplog.records if each.name == "viva.turn"]
    assert any("event=Said stage=Answering->AwaitingGrade" in each for each in turns)
    assert "secret" not in caplog.text


async def test_one_student_is_not_held_up_by_another(talk: Talk) -> None:
    """The lock is a student's own: a slow grading of one does not delay the other's turn."""
    await question_open(talk)
    slow = talk.grader = Slow()
    shell = talk.shell()
    await shell.receive(Said(text="slow one", **talk.common()))
    other = {**talk.common(), "sender": Identity(platform="terminal", user="bob")}
    other["address"] = Address(platform="terminal", chat="bob")
    await asyncio.wait_for(shell.receive(Said(text="/start", **other)), timeout=WITHIN)
    slow.go.set()
    await shell.settled()
    assert {each.to.chat for each in talk.new()} == {"ann", "bob"}


def test_lock_tables_do_not_grow(talk: Talk) -> None:
    """A lock nobody holds is forgotten."""
    shell = talk.shell()
    Shell._lock(shell._turn_locks, "a")
    assert len(shell._turn_locks) == 0


async def test_slow_platform_gets_each_message_once_and_in_order(talk: Talk) -> None:
    """Sweeps that run while messages wait for their turn send nothing a second time."""

    class Unhurried(Screen):
        async def send(self, delivery: Delivery) -> None:
            await asyncio.sleep(0.05)
            await super().send(delivery)

    talk.screen = Unhurried()
    shell = talk.shell()
    events = [Said(text=word, **talk.common()) for word in ("/start", "/help", "/progress", "/reminders")]
    for event in events:
        await shell.receive(event)
        await shell.sweep()
    while shell._tasks:
        await shell.sweep()
        await asyncio.sleep(0.01)
    sent = [each.id for each in talk.new()]
    assert len(sent) == len(set(sent))
    talk.now += timedelta(minutes=5)
    await talk.shell().sweep()
    assert talk.new() == []


async def test_nothing_overtakes_a_message_that_is_held_back(talk: Talk) -> None:
    """After a 429 everything waits as told, and then comes in its order."""
    talk.screen.fail = [NotTaken("flood", retry_after=30)]
    shell = talk.shell()
    for word in ("/start", "/progress"):
        await shell.receive(Said(text=word, **talk.common()))
        await shell.settled()
    await shell.sweep()
    assert talk.new() == []
    talk.now += timedelta(seconds=31)
    await shell.sweep()
    assert [text[:7] for text in texts(talk.new())] == ["Hi. I a", "No path", "One pre"]


async def test_grading_that_cannot_be_heard_is_set_aside(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A grade whose turn fails three times does not hold the student for ever."""
    await question_open(talk)
    real = engine.handle

    def failing(conversation: Any, event: Any, *rest: Any) -> Any:
        if type(event) is Graded:
            raise RuntimeError("cannot")
        return real(conversation, event, *rest)

    monkeypatch.setattr(engine, "handle", failing)
    shell = talk.shell()
    with caplog.at_level(logging.CRITICAL, logger="viva.turn"):
        await shell.receive(Said(text="an answer", **talk.common()))
        for _ in range(4):
            await shell.settled()
            talk.now += timedelta(minutes=2)
            await shell.sweep()
    assert len([each async for each in talk.store.export("aside_events")]) == 1
    assert any("put it aside" in text for text in texts(talk.new()))
    assert [each["status"] for each in await attempts(talk)] == ["not_graded"]


async def test_commit_of_unknown_outcome_is_answered_at_once(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away after it had taken the turn: the answer comes as soon as it is back."""
    await question_open(talk)
    real, lost = talk.store.commit, [StoreUnavailable("gone")]

    async def commit(*args: Any, **values: Any) -> int:
        version = await real(*args, **values)
        if lost:
            raise lost.pop()
        return version

    monkeypatch.setattr(talk.store, "commit", commit)
    monkeypatch.setattr("bot.shell.AWAY_PAUSE", (0.001, 0.001))
    await talk.say("no idea")
    assert any("Automatic estimate" in text for text in texts(talk.new()))
    assert len(await attempts(talk)) == 1


async def test_answer_in_two_messages_is_graded_once_and_whole(talk: Talk) -> None:
    """Where grading waits a moment, what follows at once belongs to the answer and costs no second grading."""
    await question_open(talk)
    talk.grader = slow = Slow()
    slow.go.set()
    shell = Shell(
        store=talk.store,
        content=talk.content,
        grader=slow,
        messengers=[talk.screen],
        patience=0.05,
        clock=lambda: talk.now,
    )
    for text in ("first", "second"):
        await shell.receive(Said(text=text, **talk.common()))
    await shell.settled()
    assert slow.answers == ["first\nsecond"]
