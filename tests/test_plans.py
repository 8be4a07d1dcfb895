"""What a path says of itself holds: `done` is for what was shown last, an end is kept or its change is told, and a time is
named only where something comes."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import paths
from bot.bank import Content
from bot.clock import day_month
from bot.documents import insert
from bot.events import Pressed, Said
from bot.ports import ChatUnreachable
from bot.shell import Shell
from bot.stages import nudging
from tests.talk import Slow, Talk, texts
from tests.test_learning import documents, path_of
from tests.test_nudging import conversation, days_of, learning
from tests.waiting import until


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def answered(talk: Talk) -> tuple[Slow, Shell]:
    """An answer about the first resource is being graded, and the second stands there."""
    slow = talk.grader = Slow()
    await learning(talk)
    await talk.say("done")
    shell = talk.shell()
    talk.now += timedelta(seconds=5)
    await shell.receive(Said(text="select names columns, from a table", **talk.common()))
    talk.new()
    await shell.receive(Pressed(choice="next:", message="m", **talk.common()))
    await until(lambda: slow.answers and talk.new())
    return slow, shell


# `done`


async def test_done_under_the_next_resource_keeps_an_answer_that_is_being_graded(talk: Talk) -> None:
    """Both answers are graded, one after the other, whichever resource was finished meanwhile."""
    slow, shell = await answered(talk)
    done = next(each.id for each in talk.last().choices if each.label == "Done")
    await shell.receive(Pressed(choice=done, message="m", **talk.common()))
    await shell.receive(Said(text="a join matches rows", **talk.common()))
    slow.go.set()
    talk.new()
    await shell.settled()
    assert [each.partition("\n")[0] for each in texts(talk.new())] == ["Partial · 0 of 0 points"] * 2
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


# Times that are named


NONE = "Right now there is nothing to bring, so nothing comes."


async def test_no_time_is_named_while_the_only_path_rests(talk: Talk) -> None:
    """Neither by `reminders` nor by [Fewer of these]; taken up again, the time that is named is kept."""
    await learning(talk)
    path = (await path_of(talk)).id
    await talk.press(f"path:{path}.paused")
    await talk.say("reminders 20:00")
    assert NONE in texts(talk.new())[-1]
    await talk.press("fewer:")
    assert texts(talk.new()) == [f"Fewer, then: at most every 2 days. {NONE}"]
    assert await days_of(talk, 9) == []
    await talk.press(f"path:{path}.active")
    await talk.say("reminders 20:00")
    assert "Next: today at 20:00." in texts(talk.new())[-1]
    assert await days_of(talk, 1) == ["Wed 11 20:00"]


async def test_pausing_after_an_absence_plans_nothing(talk: Talk) -> None:
    """Neither for who comes back by it, nor where messages did not arrive; nothing is promised then."""
    await learning(talk)
    path = (await path_of(talk)).id
    await talk.wait(timedelta(days=1))
    await talk.press(f"path:{path}.paused")
    assert not any(each["next_nudge_at"] for each in await documents(talk, "learning_progress"))
    await talk.press(f"path:{path}.active")
    talk.screen.fail = [ChatUnreachable("blocked")]
    await talk.wait(timedelta(days=2))
    talk.new()
    await talk.press(f"path:{path}.paused")
    assert not any("The next one comes" in each for each in texts(talk.new()))
    assert not any(each["next_nudge_at"] for each in await documents(talk, "learning_progress"))


async def test_a_new_path_in_a_silence_waits_for_its_end(talk: Talk) -> None:
    """Snoozed until a day, nothing is said to come before it."""
    await learning(talk)
    await talk.say("snooze until 12 March")
    await talk.say("learn git")
    assert texts(talk.new())[-1] == "I will bring the next step Thu 12 Mar at 19:00."
    assert await days_of(talk, 11) == ["Thu 12 19:00"]


# Resources, and the planned end


def without_first(talk: Talk, skill: str) -> Content:
    """The catalogue once it has let go of a path's first resource."""
    template = talk.content.paths[skill]
    first, *others = template.stages
    stages = (replace(first, resources=first.resources[1:]), *others)
    return replace(talk.content, paths={**talk.content.paths, skill: replace(template, stages=stages)})


async def test_a_nudge_does_not_link_to_what_was_withdrawn(talk: Talk) -> None:
    """It says what was taken out and shows the next resource, which [Done] then completes."""
    await learning(talk)
    first, second = (await path_of(talk)).stages[0].resources[:2]
    talk.content = without_first(talk, "sql")
    await talk.wait(timedelta(days=1))
    told = talk.new()[0]
    assert f"No longer good, so I took it out of this path: {first.title}." in texts([told])[0]
    assert first.url not in told.message.text
    assert second.url in told.message.text
    await talk.press("Done")
    resources = (await path_of(talk)).stages[0].resources
    assert (resources[0].withdrawn, resources[1].completed) == (True, True)


async def test_an_overdue_end_moves_once_with_a_word(talk: Talk) -> None:
    """To where the next step done leaves it, too; nudges in between move nothing."""
    await learning(talk)
    await talk.say("done")
    await talk.say("skip")
    await talk.say("next")
    first = (await path_of(talk)).progress.estimated_completion_date
    for _ in range(5):
        await talk.wait(timedelta(days=5))
        await talk.say("thanks")
    assert (await path_of(talk)).progress.estimated_completion_date == first
    talk.new()
    await talk.say("next")
    end = date.fromisoformat((await path_of(talk)).progress.estimated_completion_date)
    assert f"The planned end of SQL moves from 20 Mar to {day_month(end)}" in texts(talk.new())[0]
    await talk.say("done")
    after = date.fromisoformat((await path_of(talk)).progress.estimated_completion_date)
    assert end - timedelta(days=2) <= after <= end


async def test_the_end_is_a_day_of_their_own_calendar(talk: Talk) -> None:
    """In Los Angeles it is still Monday when it is Tuesday in London."""
    await talk.say("learn sql")
    at_nine = (await path_of(talk)).progress.estimated_completion_date
    await talk.say("/forget")
    await talk.say("/forget")
    talk.zone, talk.now = "America/Los_Angeles", talk.now.replace(day=3, hour=1)
    await talk.say("learn sql")
    assert (await path_of(talk)).progress.estimated_completion_date == at_nine


# Reviews of a path that rests


async def test_next_brings_no_review_of_a_path_that_rests_and_review_does(talk: Talk) -> None:
    """`next` shows the active path's step; `review` asks what they missed, or says when it is due."""
    await learning(talk)
    await talk.say("reminders off")
    await talk.say("done")
    await talk.say("something about tables")
    given_up = (await path_of(talk)).id
    await talk.say("learn git")
    await talk.press(f"path:{given_up}.abandoned")
    talk.new()
    await talk.say("review")
    assert texts(talk.new())[0].startswith("Nothing is due. The next review is ")
    await talk.wait(timedelta(days=3))
    await talk.say("next")
    assert texts(talk.new())[0].startswith("Git · Stage 1")
    await talk.say("review")
    assert texts(talk.new())[0].startswith("Review · ")


# Stages of another service, and promises


async def cobol(talk: Talk) -> None:
    """Another service's path: two stages that name topics alone."""
    mine = await path_of(talk)
    bare = replace(mine.stages[0], stage_name="Basics", topics=("divisions",), resources=(), duration_weeks=1)
    bare = replace(bare, status="not_started")
    stages = bare, replace(bare, stage_number=2, stage_name="More")
    path = replace(mine, id="a" * 24, skill="Cobol", stages=stages, gap_priority="HIGH")
    record = await talk.store.load(mine.student_id)
    assert record is not None
    await talk.store.commit(
        mine.student_id, record.conversation, expected=record.version, writes=[insert(path)]
    )


async def test_a_stage_with_topics_alone_is_written_about(talk: Talk) -> None:
    """Its step comes back, a promise about it is brought up and told when it was kept, and it counts as learnt."""
    await learning(talk)
    await cobol(talk)
    await talk.say("learn cobol")
    await talk.say("stage 1 by Wednesday")
    talk.new()
    assert await days_of(talk, 2) == ["Mon 2 19:00", "Tue 3 19:00"]
    await talk.say("done")
    assert 'You said "stage 1 by Wednesday", and you kept it.' in texts(talk.new())[0]
    at = await conversation(talk)
    assert at.commitment is None
    assert at.streak is not None


async def test_a_path_never_shown_does_not_silence_the_others(talk: Talk) -> None:
    """Another service put it first; the nudge hangs on what they began."""
    await learning(talk)
    await cobol(talk)
    await talk.say("hours 4")
    await talk.say("snooze 1h")
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    unchosen = replace(record.conversation, chosen_path="")
    await talk.store.commit(unchosen.student, unchosen, expected=record.version, writes=[])
    talk.new()
    await talk.say("reminders 20:00")
    assert "Next: today at 20:00." in texts(talk.new())[0]
    assert await days_of(talk, 1) == ["Mon 2 20:00"]


@pytest.mark.parametrize("closing", ["level:{path}.some", "path sql to 20"])
async def test_a_promise_goes_with_its_stage(talk: Talk, closing: str) -> None:
    """Passed over by a level, or left out by a target: no nudge comes for its eve."""
    await learning(talk)
    path = (await path_of(talk)).id
    number = 1 if closing.startswith("level") else 2
    await talk.say("reminders every 7 days")
    await talk.wait(timedelta(days=1))
    await talk.say(f"stage {number} by Saturday")
    talk.new()
    if closing.startswith("level"):
        await talk.press(closing.format(path=path))
    else:
        await talk.say(closing)
    assert (await conversation(talk)).commitment is None
    talk.new()
    assert await days_of(talk, 7) == ["Mon 9 19:00"]


# Hours, several paths, and what is said of them


async def test_hours_reach_a_path_that_rests(talk: Talk) -> None:
    """A pace that the weeks in review had found is over with a new number of hours."""
    await learning(talk)
    path = await path_of(talk)
    record = await talk.store.load(path.student_id)
    assert record is not None
    slow = paths.changes(path, replace(path, pace=1))
    await talk.store.commit(path.student_id, record.conversation, expected=record.version, writes=[slow])
    await talk.press(f"path:{path.id}.paused")
    await talk.say("hours 20")
    await talk.say("learn sql")
    talk.new()
    await talk.say("path sql")
    assert "planned at 20 h a week." in texts(talk.new())[0]


async def test_several_ends_are_said_to_hold_one_at_a_time(talk: Talk) -> None:
    """With the second path, and wherever ends are named together; of one alone nothing is said."""
    alone = "Each planned end holds if you follow that path alone."
    await talk.say("learn sql")
    await talk.press("Yes")
    await talk.say("progress")
    assert not any(alone in each for each in texts(talk.new()))
    for words in ("learn git", "progress", "path git", "hours 4"):
        await talk.say(words)
        assert sum(alone in each for each in texts(talk.new())) == 1


async def test_a_topic_that_becomes_a_whole_path_says_where_it_stands(talk: Talk) -> None:
    """What was 50 % of one stage is little of five; nothing fell in silence."""
    await learning(talk)
    path = await path_of(talk)
    record = await talk.store.load(path.student_id)
    assert record is not None
    topic = replace(path.stages[0], topic="databases", stage_name="Databases, once more")
    bare = replace(path, stages=(topic,))
    await talk.store.commit(
        path.student_id, record.conversation, expected=record.version, writes=[paths.changes(path, bare)]
    )
    await talk.say("learn sql")
    percent = (await path_of(talk)).progress.completion_percentage
    assert texts(talk.new())[0] == f"The path now has its 5 stages, so it stands at {percent} %."


async def test_progress_tells_of_freezes(talk: Talk) -> None:
    """What a missed day would cost is no secret."""
    await learning(talk)
    for _ in range(2):
        await talk.say("done")
        await talk.say("skip")
        await talk.say("next")
        await talk.wait(timedelta(days=1))
    talk.new()
    await talk.say("progress")
    told = texts(talk.new())[0]
    assert "2 days in a row. A missed day takes a freeze, not the streak; 2 of 2 are left this month." in told


async def test_next_step_under_a_path_is_its_own(talk: Talk) -> None:
    """Also while another path's review is due."""
    await learning(talk)
    await talk.say("reminders off")
    await talk.say("done")
    await talk.say("something about tables")
    await talk.say("learn git")
    await talk.wait(timedelta(days=3))
    await talk.say("path git")
    talk.new()
    await talk.press("Next step")
    assert texts(talk.new())[0].startswith("Git · Stage 1")


async def test_few_hours_are_not_called_too_many(talk: Talk) -> None:
    """ "hours 3" is offered where it makes the plan lighter."""
    for hours, offered in ((1, False), (10, True)):
        await learning(talk)
        await talk.say(f"hours {hours}")
        await talk.say("done")
        await talk.say("skip")
        await talk.say("next")
        for _ in range(40):
            await talk.wait(timedelta(days=1))
            await talk.say("thanks")
        told = [each for each in texts(talk.new()) if "No harm done." in each]
        assert told
        assert all(('"hours 3" makes the plan lighter.' in each) == offered for each in told)
        await talk.say("/forget")
        await talk.say("/forget")


async def test_a_long_resource_is_not_for_now() -> None:
    """An opening with minutes fits an hour at most."""
    subject = nudging._Subject(kind="stage", row="", body="")
    assert not nudging._is_true("minutes", subject)
    assert nudging._is_true("minutes", replace(subject, values={"minutes": nudging.ONE_SITTING}))


async def test_a_grade_beside_an_open_question_says_what_it_is_about(talk: Talk) -> None:
    """The answer about the first resource, while the question about the second is open."""
    slow, shell = await answered(talk)
    title = (await path_of(talk)).stages[0].resources[0].title
    await shell.receive(Said(text="/done", **talk.common()))
    slow.go.set()
    await shell.settled()
    assert texts(talk.new())[-1].startswith(f"Your answer about {title}:\n\nPartial")
