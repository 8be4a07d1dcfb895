"""Paths as a student lives them: placed, planned, paused, replanned, several at once, and made by others."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import bank, paths
from bot.documents import LearningPath, Update, update
from bot.messages import Route
from tests.lived import (
    begun,
    documents,
    foreign_path,
    hold_true,
    open_attempt,
    page,
    path_of,
    read_stage,
    rows,
    starting,
    take_quiz,
    without_resource,
    written_elsewhere,
)
from tests.talk import Talk, texts

CONTENT = bank.load()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


def end_of(path: LearningPath) -> date:
    return date.fromisoformat(path.progress.estimated_completion_date)


# Where to start


async def placed(talk: Talk, *, known: int, typed: bool = True) -> None:
    """Answer the questions that find a level: rightly in the first `known` stages, then "don't know"."""
    await talk.press(f"level:{(await path_of(talk, 'sql')).id}.quiz")
    stages = [stage.stage_name for stage in CONTENT.paths["sql"].stages]
    for _ in range(20):
        shown = talk.last()
        if not any(each.id.startswith("pick:") for each in shown.choices):
            return
        text = texts(talk.screen.shown[-1:])[0]
        lines = {line[2:]: line[0] for line in text.splitlines() if line[1:2] == " " and line[0] in "ABCDE"}
        asked = next(
            each
            for each in CONTENT.quizzes["sql"]
            if each.question in text and {e.option for e in each.wrong} <= set(lines)
        )
        if stages.index(asked.stage) >= known:
            await talk.say("don't know")
            continue
        marks = [lines[each] for each in (asked.right[:1] if asked.kind == "fill" else asked.right)]
        if typed:
            await talk.say(", ".join(marks))
            continue
        for mark in marks:
            await talk.press(mark)
        if asked.kind == "multiple":
            await talk.press("Check")


@pytest.mark.parametrize("typed", [True, False])
async def test_questions_find_where_to_start(talk: Talk, *, typed: bool) -> None:
    """Two stages known: they are passed over, which is said, and the third one's first resource is shown."""
    await begun(talk, "sql")
    before = end_of(await path_of(talk))
    await placed(talk, known=2, typed=typed)
    told = texts(talk.new())
    assert told[-2].startswith("Stages 1 and 2 are passed over.")
    assert "Stage 3 of 4" in told[-1]
    path = await path_of(talk)
    hold_true(path)
    assert path.current_level == 40
    assert [stage.passed_over for stage in path.stages] == [True, True, False, False]
    assert end_of(path) < before


@pytest.mark.parametrize(("known", "number"), [(0, 1), (4, 4)])
async def test_whoever_knows_nothing_or_all_still_has_a_stage(talk: Talk, known: int, number: int) -> None:
    """The beginning for the one; the last stage and its quiz for the other."""
    await begun(talk, "sql")
    await placed(talk, known=known)
    assert f"Stage {number} of 4" in texts(talk.new())[-1]
    hold_true(await path_of(talk))


@pytest.mark.parametrize(
    ("rating", "level", "stage"), [("New to it", 0, 1), ("Some of it", 30, 2), ("Most of it", 55, 3)]
)
async def test_a_rating_of_ones_own_sets_the_level(talk: Talk, rating: str, level: int, stage: int) -> None:
    """One press; what is known is passed over."""
    await begun(talk, "sql")
    await talk.say("path")
    await talk.press("I know some of it")
    assert [each.label for each in talk.last().choices] == ["New to it", "Some of it", "Most of it", "Ask me"]
    await talk.press(rating)
    assert f"Stage {stage} of 4" in texts(talk.new())[-1]
    path = await path_of(talk)
    hold_true(path)
    assert path.current_level == level
    assert len(await rows(talk, "resource")) == 15  # also of the stages passed over, should they come back


async def test_stages_passed_over_come_back(talk: Talk) -> None:
    """ "New to it" after "Most of it": the stages are there again, with what was done in them."""
    await begun(talk, "sql")
    await talk.say("done")
    await talk.say("skip")
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.well")
    talk.new()
    await talk.press(f"level:{path.id}.new")
    told = texts(talk.new())
    assert told[0].startswith("Stages 1 and 2 are back on your path.")
    assert "Stage 1 of 4" in told[1]
    after = await path_of(talk)
    hold_true(after)
    assert after.stages[0].status == "in_progress"
    assert sum(each.completed for each in after.stages[0].resources) == 1
    assert after.current_level == 0


async def test_a_rating_ends_the_questions_about_what_it_passes_over(talk: Talk) -> None:
    """A quiz or a placement that is open does not come back once the level is said."""
    await begun(talk, "sql")
    path = await path_of(talk)
    for opened in ("quiz:1", "level:quiz"):
        verb, _, rest = opened.partition(":")
        await talk.press(f"{verb}:{path.id}.{rest}")
        await talk.press(f"level:{path.id}.well")
        talk.new()
        await talk.say("next")
        assert texts(talk.new())[0].startswith("SQL · Stage 3 of 4")


async def test_a_placement_survives_a_setting(talk: Talk) -> None:
    """What was asked is there again after a look at the settings."""
    await begun(talk, "sql")
    await talk.press(f"level:{(await path_of(talk)).id}.quiz")
    asked = texts(talk.new())[-1]
    await talk.say("/settings hour")
    await talk.say("cancel")
    assert asked in texts(talk.new())


async def test_a_stage_learnt_stays_learnt_whatever_the_rating(talk: Talk) -> None:
    """A rating can pass over more; it takes nothing away that a quiz has shown."""
    await begun(talk, "sql")
    await read_stage(talk)
    await take_quiz(talk)
    path = await path_of(talk)
    assert path.current_level == 20
    talk.new()
    await talk.press(f"level:{path.id}.new")
    assert texts(talk.new())[0] == "That leaves you where you are, in stage 2."
    after = await path_of(talk)
    hold_true(after)
    assert after.current_level == 20
    assert not any(stage.passed_over for stage in after.stages)


async def test_an_old_done_button_of_a_stage_passed_over_changes_no_stage(talk: Talk) -> None:
    """What was done counts as time; the stage stays passed over."""
    await begun(talk, "sql")
    old = starting(talk, "done:").id
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.well")
    await talk.press(old)
    after = await path_of(talk)
    hold_true(after)
    assert after.stages[0].passed_over
    assert after.progress.time_spent_minutes == 20


async def test_leaving_the_placement_changes_nothing(talk: Talk) -> None:
    """ "stop" in the middle of it, and an interview that begins."""
    await begun(talk, "sql")
    before = await path_of(talk)
    for leave in ("stop", "/interview one"):
        await talk.press(f"level:{before.id}.quiz")
        talk.new()
        await talk.say(leave)
        assert texts(talk.new())[0] == "Then your level stays as it is. Nothing is lost."
    await talk.say("a")
    assert "Weak" in texts(talk.new())[0]
    assert (await path_of(talk)).stages == before.stages


async def test_the_same_press_twice_in_a_placement_counts_once(talk: Talk) -> None:
    """Also [Don't know]; and a button of an earlier placement is none of this one."""
    await begun(talk, "sql")
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.quiz")
    skip = talk.last().choices[-1]
    old = talk.last().choices[0].id
    if skip.label != "Don't know":  # five options and Check leave no room
        await talk.say("skip")
        skip = talk.last().choices[-1]
    assert skip.label == "Don't know"
    await talk.press(skip.id)
    talk.new()
    await talk.press(skip.id)
    assert talk.new() == []
    await talk.say("stop")
    await talk.press(f"level:{path.id}.quiz")
    talk.new()
    await talk.press(old)
    told = texts(talk.new())
    assert told[0] == "That one is answered already. Nothing counted twice."
    assert "where to start" in told[1]


# How much it matters


@pytest.mark.parametrize(
    ("goal", "company", "jd", "wanted"),
    [
        ("frontend", "", "", "MEDIUM"),
        ("backend", "", "", "HIGH"),
        ("frontend", "", "We need SQL and window functions in PostgreSQL, five years of it.", "HIGH"),
    ],
)
async def test_priority_is_of_the_gap_and_of_who_asks(
    talk: Talk, goal: str, company: str, jd: str, wanted: str
) -> None:
    """A wide gap is medium; asked for by the goal or the job description, it is high."""
    await talk.say("/start")
    await talk.press(f"goal:{goal}")
    await talk.say("skip")
    if jd:
        await talk.say("/settings jd")
        await talk.say(jd)
    await begun(talk, "sql")
    assert (await path_of(talk)).gap_priority == wanted


async def test_a_narrow_gap_that_nobody_asks_for_is_low(talk: Talk) -> None:
    """The priority follows the gap as the path is learnt, and the goal when it changes."""
    await talk.say("/start")
    await talk.press("goal:frontend")
    await talk.say("skip")
    await begun(talk, "sql")
    path = await path_of(talk)
    assert path.gap_priority == "MEDIUM"
    await talk.press(f"level:{path.id}.well")
    assert (await path_of(talk)).gap_priority == "LOW"
    await talk.say("/settings goal")
    await talk.press("Data")
    await talk.say("next")
    assert (await path_of(talk)).gap_priority == "HIGH" if path.target_level - 55 >= 40 else "MEDIUM"


async def test_a_company_that_asks_for_it_makes_it_matter(talk: Talk) -> None:
    """Companies aimed at count like the goal: two of them are high, whatever the gap."""
    name = next(
        each.company
        for each in CONTENT.companies.values()
        if any("sql" in topic for stage in each.rounds for topic in stage.topics)
    )
    await talk.say("/start")
    await talk.press("goal:backend")
    await talk.say("skip")
    await talk.say("/settings company")
    await talk.say(name)
    await begun(talk, "sql")
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.well")
    assert (await path_of(talk)).gap_priority == "HIGH"


# Hours and the planned end


async def test_hours_a_week_move_the_end(talk: Talk) -> None:
    """The plan follows the hours, in words or by the button; the reason is told."""
    await begun(talk, "sql")
    first = end_of(await path_of(talk))
    await talk.play("""
        user: hours 10
        bot: Noted: 10 h a week. SQL now ends on ..., not 20 Mar. [Next step]
    """)
    faster = await path_of(talk)
    hold_true(faster)
    assert end_of(faster) < first
    await talk.say("I have 2 hours a week")
    slower = await path_of(talk)
    assert end_of(slower) > first
    left = paths.minutes_left(slower)
    assert (end_of(slower) - date(2026, 3, 2)).days == -(-7 * left // 120)


@pytest.mark.parametrize("hours", ["0", "200", "-3", "0.4", "61"])
async def test_hours_nobody_can_plan_with_are_asked_for_again(talk: Talk, hours: str) -> None:
    """Nothing changes; the next number is taken."""
    await begun(talk, "sql")
    before = await path_of(talk)
    await talk.say(f"{hours} hours a week")
    assert texts(talk.new()) == [
        "I can plan with 1 to 60 hours a week. Which number is it? Nothing has changed."
    ]
    assert await path_of(talk) == before
    await talk.say("4")
    assert texts(talk.new())[0].startswith("Noted: 4 h a week.")


@pytest.mark.parametrize(
    "hours", ["1e9", "NaN", "inf", "9" * 400, "²"], ids=["1e9", "NaN", "inf", "long", "²"]
)
async def test_what_is_no_number_of_hours_is_asked_for_again(talk: Talk, hours: str) -> None:
    """Nothing is read into it, and nothing changes."""
    await begun(talk, "sql")
    before = await path_of(talk)
    await talk.say(f"/hours {hours}")
    assert texts(talk.new()) == [
        "I can plan with 1 to 60 hours a week. Which number is it? Nothing has changed."
    ]
    assert await path_of(talk) == before


async def test_a_done_button_of_no_stage_is_answered(talk: Talk) -> None:
    """Whatever stands where a stage's number does."""
    await begun(talk, "sql")
    for number in ("x", "²"):
        await talk.press(f"done:{(await path_of(talk)).id}.{number}")
        assert len(talk.new()) == 1


@pytest.mark.parametrize(
    ("words", "answer"), [("stage 9 by Friday", "There is no stage 9"), ("learn cobol", "I have no path")]
)
async def test_a_wish_is_not_taken_for_hours(talk: Talk, words: str, answer: str) -> None:
    """With the question for the hours open, a number that means something else is not one of them."""
    await begun(talk, "sql")
    await talk.say("hours 200")
    assert (await said_of(talk, words)).startswith(answer)
    assert (await said_of(talk, "path")).count("planned at 5 h a week") == 1


async def test_whoever_comes_back_is_offered_the_next_step_first(talk: Talk) -> None:
    """With a path begun, hello leads to it."""
    await talk.say("/start")
    await talk.press("Backend")
    await talk.say("skip")
    await begun(talk, "sql")
    await talk.say("hello")
    assert talk.last().choices[0].label == "Next step"


async def test_half_hours_are_rounded_down_and_said(talk: Talk) -> None:
    """2.5 is planned as 2, and not silently."""
    await begun(talk, "sql")
    await talk.say("2.5 hours a week")
    assert texts(talk.new())[0].startswith("Noted: 2 h a week; I plan in whole hours, and rather with less.")


async def test_a_pause_in_learning_moves_the_end_and_says_so(talk: Talk) -> None:
    """Three weeks later the end is another one, and why is told with what was done."""
    await begun(talk, "sql")
    await talk.say("reminders off")
    talk.now += timedelta(weeks=3)
    talk.new()
    await talk.say("done")
    told = texts(talk.new())[0]
    assert "The planned end of SQL moves from 20 Mar to" in told
    assert "slower than planned" in told
    hold_true(await path_of(talk))


async def test_a_plan_made_anew_holds_until_the_pace_changes(talk: Talk) -> None:
    """Two weeks with a fraction of the hours: Sunday tells the new end and why; the next `done` does not turn it back;
    hours of one's own plan anew."""
    await begun(talk, "sql")
    for _ in range(4):
        await talk.say("done 30")
        await talk.say("skip")
        await talk.say("next")
        await talk.wait(timedelta(days=3))
    talk.new()
    await talk.say("progress")
    await talk.wait(timedelta(days=2))
    week = next(text for text in texts(talk.new()) if "Your week" in text)
    assert "h planned, so SQL ends on" in week
    replanned = await path_of(talk)
    assert replanned.pace == 1
    assert (await documents(talk, "learning_paths"))[0]["pace"] == 1
    await talk.say("next")
    await talk.say("done")
    after = await path_of(talk)
    assert abs(end_of(after) - end_of(replanned)) < timedelta(days=14)
    assert "planned at 1 h a week" in await said_of(talk, "path")
    await talk.say("hours 5")
    assert (await path_of(talk)).pace == 0
    assert end_of(await path_of(talk)) < end_of(after)


async def said_of(talk: Talk, words: str) -> str:
    talk.new()
    await talk.say(words)
    return " ".join(texts(talk.new()))


# Targets


@pytest.mark.parametrize("words", ["path sql to -5", "path sql to banana", "path sql to 0", "path sql to 81"])
async def test_a_target_that_cannot_be_reached_changes_nothing(talk: Talk, words: str) -> None:
    """Below the level, beyond the path, no number: the sentence shows one that works."""
    await begun(talk, "sql")
    before = await path_of(talk)
    told = await said_of(talk, words)
    assert told == (
        'Your level in SQL is 0, so a target lies above that, up to 80: "path sql to 80". Nothing has changed.'
    )
    assert await path_of(talk) == before


async def test_a_target_below_the_level_is_refused(talk: Talk) -> None:
    """ "path sql to 20" at level 30, and any target at the end of the path."""
    await begun(talk, "sql")
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.some")
    told = await said_of(talk, "path sql to 20")
    assert told.startswith("Your level in SQL is 30, so a target lies above that, up to 80")
    hold_true(await path_of(talk))


async def test_a_lower_target_is_a_shorter_path_and_a_higher_one_brings_the_rest(talk: Talk) -> None:
    """Stages beyond it are passed over as long as nobody began them; they are back with the old target."""
    await begun(talk, "sql")
    await talk.say("path to 40")
    short = await path_of(talk)
    hold_true(short)
    assert [stage.passed_over for stage in short.stages] == [False, False, True, True]
    await read_stage(talk)
    await take_quiz(talk)
    halfway = await path_of(talk)
    hold_true(halfway)
    assert halfway.current_level == 20  # of 40: one of its two stages
    await talk.press(f"level:{short.id}.well")
    most = await path_of(talk)
    hold_true(most)
    assert most.current_level < most.target_level
    await talk.say("path sql to 80")
    whole = await path_of(talk)
    hold_true(whole)
    assert not any(stage.passed_over for stage in whole.stages)


# Several paths


async def test_next_gives_one_thing_of_the_path_that_matters_most(talk: Talk) -> None:
    """One message with one resource, its minutes and its address: of the path chosen last; when that rests, of the
    widest gap."""
    await talk.say("/start")
    await talk.press("goal:frontend")
    await talk.say("skip")
    for skill in ("git", "sql", "operating systems"):
        await begun(talk, skill)
    os_, git = await path_of(talk, "operating-systems"), await path_of(talk, "git")
    assert (git.gap_priority, os_.gap_priority) == ("HIGH", "MEDIUM")
    await talk.say("next")
    shown = talk.new()
    assert len(shown) == 1
    assert texts(shown)[0].startswith("Operating systems · Stage 1 of 4")
    assert " min. Say /done" in texts(shown)[0]
    await talk.press(f"path:{os_.id}.paused")
    assert (await said_of(talk, "next")).startswith("Git · Stage 1")
    ordered = await said_of(talk, "progress")
    assert (
        ordered.index("Git 0 %") < ordered.index("SQL 0 %") < ordered.index("Operating systems 0 %, paused.")
    )


async def test_the_picture_is_of_what_is_open_and_of_weeks_lived(talk: Talk) -> None:
    """A path that is complete does not take the place of an open one; weeks before the first one learnt in are no zeros."""
    for skill in ("git", "sql", "operating systems"):
        await begun(talk, skill)
    for skill in ("git", "operating-systems"):
        path = await path_of(talk, skill)
        stages = tuple(replace(each, status="completed", completed_at=talk.now) for each in path.stages)
        await written_elsewhere(talk, update(LearningPath, path.id, stages=stages, gap_priority="HIGH"))
    await talk.say("learn sql")
    await talk.say("done 30")
    await talk.say("skip")
    await talk.wait(timedelta(weeks=1))
    talk.new()
    await talk.say("progress")
    (standing,) = talk.new()
    drawn = standing.message.picture
    assert isinstance(drawn, Route)
    assert drawn.paths[0][0].startswith("SQL")
    assert [each.label for each in drawn.weeks] == ["2 Mar", "9 Mar"]
    assert texts([standing])[0].startswith("SQL 5 %, stage 1 of 4, 30 min so far.")


async def test_a_planned_end_that_has_passed_is_not_called_a_plan(talk: Talk) -> None:
    """After weeks away the standing says so; the next step plans anew."""
    await begun(talk, "git")
    await talk.wait(timedelta(weeks=8))
    talk.new()
    assert "It was planned until " in await said_of(talk, "progress")
    await talk.say("next")
    talk.new()
    assert "Planned end " in await said_of(talk, "progress")


@pytest.mark.parametrize(("button", "state"), [("Pause this path", "paused"), ("Give it up", "abandoned")])
async def test_a_path_rests_and_is_taken_up_again(talk: Talk, button: str, state: str) -> None:
    """No nudge comes for it, nothing is lost, and its own button or its name brings it back with an end that holds."""
    await begun(talk, "sql")
    await talk.say("done")
    await talk.say("skip")
    await talk.say("path sql")
    await talk.press(button)
    assert (await path_of(talk)).state == state
    back = starting(talk, "path:").id
    talk.new()
    await talk.wait(timedelta(days=10))
    assert talk.new() == []
    await talk.say("next")
    if state == "paused":
        assert texts(talk.new())[0].startswith("Your paths are paused.")
    await talk.say("/start")
    talk.new()
    await talk.press(back)
    told = texts(talk.new())
    assert told[0].startswith("SQL goes on where you left it. Planned end now ")
    assert "Joins between tables" in told[1]
    path = await path_of(talk)
    hold_true(path)
    assert path.state == "active"
    assert path.progress.completion_percentage == 5
    assert end_of(path) > date(2026, 3, 20)
    talk.new()
    await talk.press(back)
    assert texts(talk.new())[0].startswith("SQL · Stage 1 of 4")
    await talk.wait(timedelta(days=1))
    assert [each.kind for each in talk.new()] == ["nudge"]


async def test_pausing_a_path_puts_its_open_quiz_away(talk: Talk) -> None:
    """What is said next is no answer to it; it waits with the path."""
    await begun(talk, "sql")
    await talk.say("quiz")
    path = await path_of(talk)
    await talk.press(f"path:{path.id}.paused")
    await talk.say("a")
    assert (await open_attempt(talk)).answers == ()
    await talk.say("learn sql")
    await talk.say("quiz")
    assert "1 of 6" in texts(talk.new())[-1]


async def test_a_path_that_builds_on_another_says_so_once(talk: Talk) -> None:
    """The other one first, or begin all the same; with enough of the other there is no question."""
    await talk.play("""
        user: learn databases
        bot: Databases builds on SQL, and you have not come far there yet. Start with SQL? [SQL] [Begin all the same]
        press: Begin all the same
        bot: Databases · 4 stages, ...
        bot: Databases · Stage 1 of 4 ...
        bot: So that I write at a good hour ...
        press: Yes
        bot: ...
        bot: ...
        press: begin:databases
        bot: Databases · Stage 1 of 4 ...
        user: learn aws
        bot: AWS builds on Computer networks, ... [Computer networks] [Begin all the same]
        press: Computer networks
        bot: Computer networks · 4 stages, ...
        bot: ...
        bot: I will bring the next step ...
    """)
    path = await path_of(talk, "networks")
    await talk.press(f"level:{path.id}.some")
    talk.new()
    await talk.say("learn aws")
    assert texts(talk.new())[0].startswith("AWS · 4 stages")


# What is done


@pytest.mark.parametrize(
    ("said", "minutes"), [("done 25", 25), ("/done 1 h", 60), ("done", 20), ("done in 40 min", 40)]
)
async def test_done_takes_the_time_spent(talk: Talk, said: str, minutes: int) -> None:
    """As told, else what the resource is said to take."""
    await begun(talk, "sql")
    await talk.say(said)
    path = await path_of(talk)
    hold_true(path)
    assert path.progress.time_spent_minutes == minutes
    assert [each.time_spent_minutes for each in await rows(talk) if each.completed_at] == [minutes]


async def test_the_standing_on_twelve_paths_is_one_screen(talk: Talk) -> None:
    """The first five in full, the others by name."""
    await talk.say("learn")
    for skill in list(talk.content.paths)[:12]:
        await talk.press(f"begin:{skill}")
    talk.new()
    await talk.say("progress")
    told = texts(talk.new())[0]
    assert len(await documents(talk, "learning_paths")) == 12
    assert len(told) <= 600
    assert told.count("stage 1 of") == 5
    assert all(talk.content.paths[skill].title in told for skill in list(talk.content.paths)[:12])


async def test_an_unknown_skill_is_counted_once_a_student(talk: Talk) -> None:
    """The nearest ones are offered; asking twice counts once."""
    for words in ("learn pyhton", "learn Pyhton", "path pyhton", "learn cobol"):
        await talk.say(words)
    told = texts(talk.new())
    assert told[0] == "I have no path for pyhton yet, and noted that it is wanted. Closest:"
    assert sorted(each["skill"] for each in await documents(talk, "skill_wishes")) == ["cobol", "pyhton"]
    assert await documents(talk, "learning_paths") == []


# What the catalogue lets go of


async def test_a_withdrawn_resource_is_passed_by(talk: Talk) -> None:
    """It is said, the stage closes without it, and what was done of it counts."""
    await begun(talk, "sql")
    first = (await path_of(talk)).stages[0].resources[0]
    old = starting(talk, "done:").id
    talk.content = without_resource(talk.content, "sql", first.resource_id)
    await talk.say("next")
    told = texts(talk.new())[0]
    assert told.startswith(f"No longer good, so I took it out of this path: {first.title}.")
    assert "Joins between tables" in told
    path = await path_of(talk)
    hold_true(path)
    assert path.stages[0].resources[0].withdrawn
    await talk.press(old)
    hold_true(await path_of(talk))
    assert (await path_of(talk)).stages[0].resources[0].completed


async def test_done_of_a_resource_withdrawn_a_moment_ago_counts(talk: Talk) -> None:
    """They have been through it; there is no recall question any more."""
    await begun(talk, "sql")
    first = (await path_of(talk)).stages[0].resources[0]
    talk.content = without_resource(talk.content, "sql", first.resource_id)
    await talk.say("done 15")
    assert texts(talk.new())[0].startswith(f"Done: {first.title}.")
    path = await path_of(talk)
    hold_true(path)
    assert path.progress.time_spent_minutes == 15


async def test_a_stage_whose_last_resource_is_withdrawn_closes(talk: Talk) -> None:
    """Its quiz is passed and nothing is left to read: `next` closes it and goes on."""
    await begun(talk, "sql")
    await talk.say("quiz")
    await take_quiz(talk)
    stage = (await path_of(talk)).stages[0]
    for resource in stage.resources:
        talk.content = without_resource(talk.content, "sql", resource.resource_id)
    talk.new()
    await talk.say("next")
    told = texts(talk.new())[0]
    assert "Stage 1 of SQL is complete." in told
    assert "Stage 2 of 4" in told
    path = await path_of(talk)
    hold_true(path)
    assert path.current_level == 20


# Paths of other services


async def test_a_path_of_another_service_is_learnt_like_ours(talk: Talk) -> None:
    """A skill we do not know, no field of ours, no rows: shown, done by its button, closed without a quiz, nudged."""
    await begun(talk, "git")
    await foreign_path(
        talk, "Rust", {"resources": [page("Ownership"), page("Moves", 45)]}, {"resources": [page("Traits")]}
    )
    await talk.play("""
        user: learn rust
        bot: Rust · Stage 1 of 2: Part 1 Ownership: https://doc.rust-lang.org/book/ The Rust book, 30 min. ... [Done] [Snooze]
        press: Done
        bot: Done: Ownership. ... % of Rust. [Next step]
        press: Next step
        bot: Rust · Stage 1 of 2: Part 1 Moves: ... [Done] [Snooze]
        user: done 40
        bot: Done: Moves. ... % of Rust. Stage 1 of Rust is complete. [Next step]
        user: path rust
        bot: Rust ... % ... Level ... of 90, high priority, planned at 5 h a week. Each planned end holds if you follow that path alone. [Hours a week] [Pause this path] [Give it up] [Next step]
        press: Pause this path
        bot: Rust is paused. ...
        press: Take it up again
        bot: Rust goes on where you left it. ...
        bot: Rust · Stage 2 of 2: Part 2 Traits: ...
        user: quiz rust
        bot: There is no quiz for this stage. [Next step]
        user: path rust to 95
        bot: Your level in Rust is ..., so a target lies above that, up to 90: ...
        user: path rust to 85
        bot: Target in Rust now 85. ...
    """)
    path = await path_of(talk, "Rust")
    assert path.progress.time_spent_minutes == 70
    assert path.stages[0].status == "completed"
    talk.new()
    await talk.wait(timedelta(days=1))
    assert "Rust · Stage 2 of 2" in texts(talk.new())[-1]
    await talk.press("Done")
    assert "The Rust path is complete." in texts(talk.new())[-1]
    hold_true(await path_of(talk, "Rust"))


async def test_a_stage_without_resources_closes_with_a_word(talk: Talk) -> None:
    """Topics are all it has; nothing claims a quiz, and an old button closes nothing twice."""
    await talk.say("/help")
    talk.new()
    await foreign_path(talk, "rust", {}, {"topics": []})
    await talk.play("""
        user: learn rust
        bot: rust · Stage 1 of 2: Part 1 Ownership, Borrowing. I have no pages for it; say /done when you know it. [Done] [Snooze]
        bot: So that I write at a good hour: is it 09:00 for you? [Yes] [No] [Skip]
        press: Yes
        bot: Time zone set: UTC.
        bot: I remind you ...
        press: done:555555555555555555555555.1
        bot: Stage 1 of rust is complete. [Next step]
        press: Next step
        bot: rust · Stage 2 of 2: Part 2 Part 2. I have no pages for it; ...
        user: done
        bot: Stage 2 of rust is complete. The rust path is complete. Well done. [Next step]
        press: done:555555555555555555555555.1
        bot: That one is done already. Nothing counted twice. [Next step]
    """)
    hold_true(await path_of(talk, "rust"))


async def test_a_page_named_in_two_stages_is_read_once(talk: Talk) -> None:
    """Done in one it is done in the other, its minutes counted once."""
    await talk.say("/help")
    await foreign_path(
        talk, "rust", {"resources": [page("Traits")]}, {"resources": [page("Traits"), page("Moves")]}
    )
    await begun(talk, "rust")
    await talk.play("""
        user: done
        bot: Done: Traits. ... Stage 1 of rust is complete. ...
        user: next
        bot: rust · Stage 2 of 2: Part 2 Moves: ...
        user: done
        bot: Done: Moves. 100 % of rust. ... The rust path is complete. ...
    """)
    path = await path_of(talk, "rust")
    hold_true(path)
    assert path.progress.time_spent_minutes == 60


@pytest.mark.parametrize(
    ("skill", "shown"), [("C++", "C++"), ("", "Path without a name"), ("x" * 999, "x" * 24)]
)
async def test_a_skill_of_another_service_is_named_as_it_is(talk: Talk, skill: str, shown: str) -> None:
    """On its button, too: neither marked up, nor empty, nor longer than fits."""
    await talk.say("/help")
    await foreign_path(talk, skill, {"resources": [page("Traits")]})
    await talk.say("progress")
    assert shown in [each.label for each in talk.last().choices]
    assert texts(talk.new())[-1].startswith(f"{shown} 0 %")


@pytest.mark.parametrize("minutes", [10**12, -(10**12)])
async def test_minutes_beyond_reason_plan_all_the_same(talk: Talk, minutes: int) -> None:
    """Ten years at most, today at least."""
    await talk.say("/help")
    await foreign_path(
        talk, "rust", {"resources": [page("Traits"), page("Moves", minutes)], "duration_weeks": minutes}
    )
    await begun(talk, "rust")
    await talk.play("""
        user: done
        bot: Done: Traits. ...
        user: hours 2
        bot: Noted: 2 h a week. ...
    """)
    await talk.wait(timedelta(days=1))
    assert talk.new()[-1].kind == "nudge"


@pytest.mark.parametrize(("asks", "asked"), [(0, 1), (-3, 1), (1000, None)])
async def test_a_quiz_asks_what_there_is(talk: Talk, asks: int, asked: int | None) -> None:
    """Whatever number another service wrote, and whatever it wants to be right."""
    await talk.say("/help")
    name = talk.content.paths["sql"].stages[0].stage_name
    there = sum(each.stage == name for each in talk.content.quizzes["sql"])
    await foreign_path(
        talk,
        "sql",
        {"stage_name": name, "assessment": {"type": "quiz", "questions_count": asks, "passing_score": 500}},
    )
    await begun(talk, "sql")
    await talk.say("quiz")
    assert len((await open_attempt(talk)).questions) == (asked or there)
    await take_quiz(talk)
    assert "Stage 1 of SQL is complete." in texts(talk.new())[-1]


async def test_a_path_of_ours_that_another_service_made_has_our_quizzes(talk: Talk) -> None:
    """Named as we name it or by an alias, it is that path: no second one begins."""
    await talk.say("/help")
    talk.new()
    await foreign_path(talk, "PostgreSQL", {"stage_name": "Foundation", "resources": [page("Select")]})
    await talk.say("learn sql")
    assert texts(talk.new())[0].startswith("SQL · Stage 1 of 1: Foundation")
    await talk.say("skip")
    assert len(await documents(talk, "learning_paths")) == 1
    await talk.say("done")
    assert "Its quiz is ready." in texts(talk.new())[-1]
    await talk.say("quiz")
    assert "Quiz of stage 1 · 1 of 10" in texts(talk.new())[-1]
    await take_quiz(talk)
    hold_true(await path_of(talk))


async def test_an_end_that_is_no_date_is_shown_as_it_stands(talk: Talk) -> None:
    """Another service's date with a time is read; what is none is no fault of the student's."""
    await begun(talk, "sql")
    path = await path_of(talk)
    for written, read in (("2026-06-01T00:00:00Z", "1 Jun"), ("next summer", "next summer")):
        fields = {"progress.estimated_completion_date": written}
        await written_elsewhere(talk, Update(collection="learning_paths", id=path.id, fields=fields))
        assert read in await said_of(talk, "progress")
        assert await said_of(talk, "path")


async def test_the_last_quiz_ends_the_path(talk: Talk) -> None:
    """Complete is complete: nothing is left to do, the level is the target, and every word says so."""
    await begun(talk, "git")
    path = await path_of(talk)
    await talk.press(f"level:{path.id}.well")
    for _ in range(2):
        await read_stage(talk)
        await take_quiz(talk)
    assert "The Git path is complete. Well done." in texts(talk.new())[-1]
    path = await path_of(talk)
    hold_true(path)
    assert path.current_level == path.target_level == 80
    assert path.progress.completion_percentage == 100
    await talk.play("""
        user: path git
        bot: Git complete. [Next step] [Learn]
        user: path git to 90
        bot: Your level in Git is 80, which is as far as this path goes. Nothing has changed. [Next step]
        user: learn git
        bot: The Git path is complete. Well done. [Learn]
        user: quiz git
        bot: The Git path is complete. Well done. [Learn]
    """)
    await talk.wait(timedelta(days=5))
    assert not [each for each in talk.new() if "Stage" in each.message.text]
