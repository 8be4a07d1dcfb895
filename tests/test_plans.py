"""What a path says of itself holds: `done` is for what was shown last, an end is kept or its change is told, and a time is
named only where something comes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.events import Pressed, Said
from tests.talk import Slow, Talk, texts
from tests.test_learning import documents, path_of
from tests.test_nudging import learning


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


# `done`


async def test_done_under_the_next_resource_keeps_an_answer_that_is_being_graded(talk: Talk) -> None:
    """Both answers are graded, one after the other, whichever resource was finished meanwhile."""
    slow = Slow()
    talk.grader = slow
    await learning(talk)
    await talk.say("done")
    shell = talk.shell()
    talk.now += timedelta(seconds=5)
    await shell.receive(Said(text="select names columns, from a table", **talk.common()))
    await shell.receive(Pressed(choice="next:", message="m", **talk.common()))
    await asyncio.sleep(0.05)
    done = next(each.id for each in talk.last().choices if each.label == "Done")
    await shell.receive(Pressed(choice=done, message="m", **talk.common()))
    await shell.receive(Said(text="a join matches rows", **talk.common()))
    slow.go.set()
    await shell.settled()
    rows = [each for each in await documents(talk, "learning_progress") if each["status"] == "completed"]
    assert [(each["recall_answer"], each["recall_score"]) for each in rows] == [
        ("select names columns, from a table", 50),
        ("a join matches rows", 50),
    ]


async def test_done_is_for_the_resource_shown_last(talk: Talk) -> None:
    """An old recall question does not hold it up, and the minutes count; before that it asks the question again."""
    await learning(talk)
    await talk.say("done")
    asked = texts(talk.new())[0].partition("\n\n")[2]
    await talk.say("done")
    assert texts(talk.new()) == [asked]
    await talk.say("next")
    talk.new()
    await talk.say("done 25")
    assert texts(talk.new())[0].startswith("Done: ")
    path = await path_of(talk)
    assert sum(each.completed for each in path.stages[0].resources) == 2
    assert path.progress.time_spent_minutes == path.stages[0].resources[0].duration_minutes + 25


async def test_done_days_after_a_recall_question_shows_what_is_next(talk: Talk) -> None:
    """A question of the day before yesterday is over; what was never shown comes first."""
    await learning(talk)
    await talk.say("reminders off")
    await talk.say("done")
    await talk.wait(timedelta(days=2))
    talk.new()
    await talk.say("done")
    assert "Say /done when you have been through it." in texts(talk.new())[0]
