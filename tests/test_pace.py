"""Interviews against the clock: five minutes left, time, what comes too late, pauses, and the gap it makes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.conversation import Answering, Coding, Conversation, Paused
from bot.stages.pace import GRACE
from tests.talk import Talk, content, texts


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path, content=content())
    yield talk
    await talk.store.close()


async def begin(talk: Talk) -> None:
    """A short interview whose student presses for the clock at once."""
    await talk.say("/interview")
    for _ in range(5):
        await talk.press(talk.last().choices[0].label)
    opening = next(
        each.message for each in reversed(talk.new()) if "Answer in your own words" in each.message.text
    )
    clock = next(each for each in opening.choices if each.label == "Against the clock")
    await talk.press(clock.id)
    assert texts(talk.new())[-1].startswith("Against the clock, then: ")


async def minutes(talk: Talk) -> int:
    """Of the open question."""
    stage = (await conversation(talk)).interview
    assert isinstance(stage, Answering | Coding)
    return stage.question.minutes


async def conversation(talk: Talk) -> Conversation:
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation


async def test_the_clock_warns_and_ends_a_question(talk: Talk) -> None:
    """Five minutes before, and when it is over; each line is a restart."""
    await begin(talk)
    whole = await minutes(talk)
    assert whole >= 10
    await talk.wait(timedelta(minutes=whole - 5, seconds=1))
    assert texts(talk.new()) == ["5 min left for this question."]
    await talk.wait(timedelta(minutes=5) + GRACE)
    told = texts(talk.new())
    assert told[0] == "Time. Nothing came, so this question stays without an answer."
    assert told[1].startswith("2 of 3 · ")
    assert " min" in told[1].splitlines()[0]


async def test_an_answer_on_its_way_still_counts_and_a_late_one_does_not(talk: Talk) -> None:
    """Three seconds of grace."""
    await begin(talk)
    await talk.say("/skip")
    talk.new()
    whole = await minutes(talk)
    talk.now += timedelta(minutes=whole) + GRACE - timedelta(seconds=10)  # `say` takes 10 s itself
    receipt = await talk.say("It is a matter of trade-offs")
    assert receipt.attempt
    await talk.press(talk.last().choices[0].label)
    while "3 of 3" not in "".join(texts(talk.new())):
        await talk.press(talk.last().choices[0].label)
    talk.now += timedelta(minutes=await minutes(talk)) + GRACE
    receipt = await talk.say("I once led a team of four and we shipped it in time")
    assert receipt.attempt is None
    assert texts(talk.new())[0] == "That came after the time, so it does not count. On we go."


async def test_a_pause_stops_the_clock(talk: Talk) -> None:
    await begin(talk)
    whole = await minutes(talk)
    await talk.wait(timedelta(minutes=1))
    await talk.say("/pause")
    await talk.wait(timedelta(hours=5))
    await talk.say("/resume")
    talk.new()
    await talk.wait(timedelta(minutes=whole - 5 - 2))
    assert texts(talk.new()) == []
    await talk.wait(timedelta(minutes=1))
    assert texts(talk.new()) == ["5 min left for this question."]


async def test_who_has_gone_is_not_asked_on_and_on(talk: Talk) -> None:
    """Two questions without a word, and the interview rests."""
    await begin(talk)
    await talk.wait(timedelta(hours=2))
    told = texts(talk.new())
    assert "Two questions went by without a word, so I stopped the clock." in told
    assert isinstance((await conversation(talk)).interview, Paused)


async def test_without_the_clock_nothing_is_timed(talk: Talk) -> None:
    """Relaxed is what an interview is unless the student says otherwise; the choice is kept for the next."""
    await talk.say("/interview")
    for _ in range(5):
        await talk.press(talk.last().choices[0].label)
    await talk.wait(timedelta(minutes=50))
    assert not any("left for this question" in each or each.startswith("Time") for each in texts(talk.new()))
    await talk.say("/stop")
    await talk.say("/settings")
    await talk.press("Against the clock")
    assert texts(talk.new())[-1] == "From the next interview on you have the clock."
