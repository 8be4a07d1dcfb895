"""Learning paths and the nudges that lead back to them, as a student lives them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot import paths, quizzes
from bot.clock import is_quiet, zone_of
from bot.documents import LearningPath
from bot.ports import ChatUnreachable, NotTaken
from bot.quizzes import QuizQuestion
from tests.talk import Talk, texts


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def documents(talk: Talk, collection: str) -> list[dict[str, Any]]:
    return [each async for each in talk.store.export(collection)]


async def path_of(talk: Talk) -> LearningPath:
    document = (await documents(talk, "learning_paths"))[0]
    return msgspec.convert({**document, **{k: str(document[k]) for k in ("_id", "student_id")}}, LearningPath)


def hold_true(path: LearningPath) -> None:
    """What the path says of itself follows from its resources."""
    counted = [stage for stage in path.stages if not stage.passed_over]
    finished = sum(each.completed for stage in counted for each in stage.resources)
    finished += sum(stage.status == "completed" for stage in counted)
    everything = sum(len(stage.resources) + 1 for stage in counted)
    assert path.progress.completion_percentage == 100 * finished // everything
    at_hand = paths.current(path) or path.stages[-1]
    begun = any(stage.status != "not_started" for stage in path.stages)
    assert path.progress.current_stage == (at_hand.stage_number if begun else 0)
    assert [stage.stage_number for stage in path.stages] == list(range(1, len(path.stages) + 1))
    assert 0 <= path.current_level <= path.target_level <= 100
    for stage in path.stages:
        resources_done = all(each.completed for each in stage.resources)
        assert resources_done or stage.passed_over or stage.status != "completed"
        assert (stage.completed_at is not None) == (stage.status == "completed")
        assert all((each.completed_at is not None) == each.completed for each in stage.resources)
    assert date.fromisoformat(path.progress.estimated_completion_date) >= date(2026, 3, 2)


async def pass_quiz(talk: Talk, *, wrong: int = 0) -> None:
    """Press through the quiz that is offered; the first `wrong` answers are not right."""
    await talk.press(next(each.id for each in talk.last().choices if each.id.startswith("quiz:")))
    for number in range(6):
        rows = await documents(talk, "learning_progress")
        open_ = next(
            each["attempts"][-1]
            for each in rows
            if each["attempts"] and each["attempts"][-1]["score"] is None
        )
        question = talk.content.quiz_question(open_["questions"][number])
        assert question is not None
        await answer(talk, question, open_["seed"], right=number >= wrong)
        if number < 5:
            await talk.press(next(each.id for each in talk.last().choices if each.id.startswith("quiz:")))


async def answer(talk: Talk, question: QuizQuestion, seed: str, *, right: bool) -> None:
    """Answer one question of a quiz in words."""
    if question.kind == "fill":
        await talk.say(question.right[0] if right else "no such thing")
        return
    shown = quizzes.options(question, seed)
    rights = [quizzes.LETTERS[shown.index(each)] for each in question.right]
    wrongs = [
        letter for letter, option in zip(quizzes.LETTERS, shown, strict=False) if option not in question.right
    ]
    await talk.say(", ".join(rights) if right else wrongs[0])


async def test_new_path_shows_its_first_resource_with_its_address(talk: Talk) -> None:
    """`learn sql` gives something to open at once; the zone is confirmed as a clock time."""
    await talk.play("""
        user: learn sql
        bot: SQL · 4 stages, 15 resources. At 5 h a week until 20 Mar. Know some of it? Press, or say "path". [I know some of it] [Hours a week]
        bot: SQL · Stage 1 of 4: Foundation ...: https://www.postgresql.org/... Say /done when you have been through it. [Done] [Snooze]
        bot: So that I write at a good hour: is it 09:00 for you? [Yes] [No] [Skip]
        press: Yes
        bot: Time zone set: UTC.
        bot: I remind you at most once a day around 19:00 (UTC), ... Next: today at 19:00. ...
    """)
    hold_true(await path_of(talk))


async def test_done_completes_a_resource_with_one_recall_question(talk: Talk) -> None:
    """`done` counts once, asks one question, and keeps the path document true."""
    await talk.play("""
        user: learn sql
        bot: ...
        bot: ...
        bot: ...
        press: Skip
        bot: Fine. I will go by the hours at which you write.
        user: /done 25
        bot: Done: ... One question about it: ... [Skip]
        user: distinct removes duplicate rows, and without order by the order is not guaranteed
        bot: ... of 2 points ... [Next step]
        press: Next step
        bot: SQL · Stage 1 of 4: ...
    """)
    path = await path_of(talk)
    hold_true(path)
    assert path.progress.time_spent_minutes == 25
    row = next(each for each in await documents(talk, "learning_progress") if each["status"] == "completed")
    assert row["recall_answer"].startswith("distinct removes")
    assert row["recall_score"] > 0


async def test_done_twice_counts_once(talk: Talk) -> None:
    """The button of a finished resource is recognised and answered kindly."""
    await talk.say("learn sql")
    button = next(each for each in talk.new()[1].message.choices if each.label == "Done")
    await talk.press(button.id)
    await talk.say("skip")
    talk.new()
    await talk.press(button.id)
    assert texts(talk.new()) == ["That one is done already. Nothing counted twice."]
    path = await path_of(talk)
    assert sum(each.completed for stage in path.stages for each in stage.resources) == 1


async def test_whole_path_stays_true_to_the_end(talk: Talk) -> None:
    """Every step of a path, from the first resource to 100 %, leaves a document whose numbers agree; each stage closes
    when its quiz is passed, not before."""
    await talk.say("learn git")
    await talk.say("skip")
    for _ in range(40):
        path = await path_of(talk)
        hold_true(path)
        if path.progress.completion_percentage == 100:
            break
        await talk.say("next")
        if any(each.label == "Start the quiz" for each in talk.last().choices):
            open_ = next(each for each in path.stages if each.status != "completed")
            assert all(each.completed for each in open_.resources)
            await pass_quiz(talk)
        else:
            await talk.say("done")
            await talk.say("skip")
    path = await path_of(talk)
    assert path.progress.completion_percentage == 100
    assert {stage.status for stage in path.stages} == {"completed"}
    assert path.current_level == path.target_level == 80
    assert [each["next_nudge_at"] for each in await documents(talk, "learning_progress")] == [None] * (
        len([each for stage in path.stages for each in stage.resources]) + 4
    )
    talk.new()
    await talk.play("""
        user: next
        bot: The Git path is complete. Well done. [Learn]
    """)


async def test_rubbish_after_a_command_gets_a_sentence(talk: Talk) -> None:
    """Arguments that mean nothing change nothing."""
    await talk.say("learn sql")
    await talk.say("skip")
    talk.new()
    await talk.play("""
        user: /done banana
        bot: Say /done alone, or /done 25 for 25 minutes (1 to 600).
        user: /done 100000
        bot: Say /done alone, ...
        user: done -5
        bot: Say /done alone, ...
        user: /learn pyhton
        bot: I have no path for pyhton yet, and noted that it is wanted. Closest: [Python]
        user: /learn quantum basket weaving
        bot: I have no path for quantum basket weaving yet, and noted that it is wanted. These I have: ...
        user: /reminders 25:00
        bot: 25:00 is no time of day, so nothing has changed. Which hour shall it be? Say it like "reminders at 19:00". [Reminder hour]
        user: never mind
        bot: Cancelled.
        user: /snooze banana
        bot: Say /snooze 1h, tonight, 1d, 1w or "until 12 December", or press one. [One hour] [Tonight] [Tomorrow] [A week] [Until a date] [Fewer of these]
    """)


async def test_nudge_comes_at_the_reminder_hour_once_a_day(talk: Talk) -> None:
    """At 19:00 local time, once; the next one a day later; it says why when asked."""
    talk.zone = "Asia/Kolkata"
    await talk.play("""
        user: learn sql
        bot: ...
        bot: ...
        bot: So that I write at a good hour: is it 14:30 for you? ...
        press: Yes
        bot: Time zone set: Asia/Kolkata.
        bot: ... Next: today at 19:00. ...
        after: 24 h
        nudge: ... SQL · Stage 1 of 4: Foundation Next: ... [Done] [Snooze] [Fewer of these] [Why this?]
        press: Why this?
        bot: You started the SQL path, and this is its next open step. I write at most once a day, around 19:00 your time, never between 22:00 and 8:00. ...
        after: 24 h
        nudge: ... SQL · Stage 1 of 4: ...
    """)
    sent = [each for each in talk.screen.shown if each.kind == "nudge"]
    assert [each.at for each in sent] == [datetime(2026, 3, day, 13, 30, tzinfo=UTC) for day in (2, 3)]


async def test_nudge_does_not_disturb_the_round(talk: Talk) -> None:
    """A nudge in the middle of a question is told once; the question stays open and the answer counts for it."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.now = talk.now.replace(hour=18, minute=50)
    await talk.say("/interview one")
    talk.new()
    await talk.play("""
        after: 20 min
        nudge: ... SQL ...
        user: no idea
        bot: Weak · ...
    """)


async def test_snooze_and_switch_are_obeyed(talk: Talk) -> None:
    """No nudge while snoozed or switched off; it comes back when switched on."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.new()
    await talk.play("""
        user: /snooze 1w
        bot: Silent until Mon 9 Mar at 09:00.
        after: 6 d
        user: /reminders off
        bot: Reminders are off. Your paths and interviews stay as they are. [Turn them on]
        after: 6 d
        press: Turn them on
        bot: I remind you at most once a day ...
        after: 24 h
        nudge: ... SQL ...
    """)


async def test_late_is_not_lost_and_not_doubled(talk: Talk) -> None:
    """After an outage of five days there is one nudge, not five, and none in quiet hours."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.new()
    talk.now += timedelta(days=5, hours=16)  # 01:00: nobody swept meanwhile
    await talk.wait(timedelta(hours=6))
    assert talk.new() == []
    await talk.wait(timedelta(hours=6))
    assert [each.kind for each in talk.new()] == ["nudge"]


async def test_second_path_takes_the_nudge_with_it(talk: Talk) -> None:
    """One row of a student at most has a time; it is that of the path touched last."""
    for skill in ("sql", "git"):
        await talk.say(f"learn {skill}")
        await talk.say("skip")
    rows = await documents(talk, "learning_progress")
    waiting = [each for each in rows if each["next_nudge_at"] is not None]
    assert len(waiting) == 1
    git = next(each for each in await documents(talk, "learning_paths") if each["skill"] == "git")
    assert waiting[0]["path_id"] == git["_id"]


@pytest.mark.parametrize(("city", "zone"), [("Bengaluru", "Asia/Kolkata"), ("berlin", "Europe/Berlin")])
async def test_zone_by_city_is_confirmed_by_its_clock(talk: Talk, city: str, zone: str) -> None:
    """A "no" asks for the city; its clock is shown before it is taken."""
    await talk.say("learn sql")
    await talk.press("No")
    assert texts(talk.new())[-1].startswith("So that I write at a good hour: which city")
    await talk.say(city)
    assert talk.last().choices[0].id == f"zone:{zone}"
    await talk.press("Yes")
    student = (await documents(talk, "students"))[0]
    assert student["zone"] == zone


async def test_unknown_zone_goes_by_the_hour_of_writing(talk: Talk) -> None:
    """Who skips the zone is reminded at the time of day they wrote at, never in the night of UTC."""
    talk.zone = ""
    await talk.say("learn sql")
    await talk.press("Skip")
    await talk.wait(timedelta(days=3))
    nudges = [each for each in talk.screen.shown if each.kind == "nudge"]
    assert len(nudges) >= 2
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    conversation = record.conversation
    assert not any(is_quiet(conversation.profile, zone_of(conversation), each.at) for each in nudges)


async def test_done_is_about_the_resource_shown_last(talk: Talk) -> None:
    """Between two paths, `done` completes what was shown last; twice in a row it asks the recall question again."""
    for text in ("learn sql", "skip", "learn git", "learn sql"):
        await talk.say(text)
    talk.new()
    await talk.play("""
        user: done
        bot: Done: Querying a table. 5 % of SQL. One question about it: ...
        user: done
        bot: One question about it: ...
        user: skip
        bot: Fine. It counts as done. [Next step]
        user: done
        bot: SQL · Stage 1 of 4: Foundation Joins between tables: ... [Done] [Snooze]
        user: done
        bot: Done: Joins between tables. ...
    """)
    rows = await documents(talk, "learning_progress")
    assert [each["status"] for each in rows].count("completed") == 2


async def test_snooze_only_puts_off(talk: Talk) -> None:
    """Before today's nudge, snoozing an hour does not bring it forward; after it, it asks for it once more."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.new()
    await talk.play("""
        user: /snooze 1h
        bot: Silent until today at 10:00.
        after: 9 h
        after: 2 h
        nudge: ... SQL ...
        user: /snooze 1h
        bot: Silent until today at 21:00.
        after: 70 min
        nudge: ... SQL ...
    """)


async def test_nudge_decided_while_its_platform_was_away_is_not_sent_at_night(talk: Talk) -> None:
    """Decided at 19:00, the messenger back at 23:00: nothing; the next day has its own."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.new()
    talk.screen.fail = [NotTaken("down", retry_after=1)] * 3
    await talk.wait(timedelta(hours=11))
    talk.screen.fail = []
    talk.now = talk.now.replace(hour=23)
    await talk.shell().sweep()
    assert talk.new() == []
    await talk.wait(timedelta(hours=24))
    assert [(each.kind, each.at.day, each.at.hour) for each in talk.new()] == [("nudge", 3, 19)]


async def test_coming_back_after_blocking_brings_the_nudges_back(talk: Talk) -> None:
    """A word is enough: the nudges go on without another command."""
    await talk.say("learn sql")
    await talk.press("Yes")
    talk.screen.fail = [ChatUnreachable("blocked")]
    await talk.wait(timedelta(days=3))
    talk.new()
    await talk.say("/help")
    talk.new()
    await talk.wait(timedelta(days=2))
    assert [each.kind for each in talk.new()] == ["nudge", "nudge"]


async def test_a_wish_is_not_taken_for_a_city(talk: Talk) -> None:
    """Free text that means something else is obeyed, whatever was asked on the side."""
    talk.zone = ""
    await talk.say("learn sql")
    talk.new()
    await talk.play("""
        user: mock interview at Google
        bot: Which interview? ...
        user: learn git
        bot: Git · ...
        bot: Git · Stage 1 of ...
        bot: I will bring the next step ...
        bot: Which interview? ...
    """)


async def test_a_file_that_says_learn_makes_no_second_path(talk: Talk) -> None:
    """A text file is read like words, and sees the paths there are."""
    for text in ("learn sql", "skip"):
        await talk.say(text)
    await talk.share("document", "learn sql")
    assert len(await documents(talk, "learning_paths")) == 1


async def test_words_after_an_old_recall_question_make_no_second_path(talk: Talk) -> None:
    """A recall question closes after a day; what is said then sees the paths there are."""
    for text in ("learn sql", "skip", "done"):
        await talk.say(text)
    talk.now += timedelta(days=2)
    await talk.say("learn sql")
    assert len(await documents(talk, "learning_paths")) == 1


async def test_clock_that_jumps_back_does_not_stop_the_nudges(talk: Talk) -> None:
    """A time that comes due a second time is moved on, not claimed for ever."""
    await talk.say("learn sql")
    await talk.press("Yes")
    await talk.wait(timedelta(hours=12))
    assert talk.new()[-1].kind == "nudge"
    talk.now -= timedelta(hours=12)
    await talk.say("/snooze 1h")
    await talk.say("/reminders 19")
    talk.new()
    await talk.wait(timedelta(days=3))
    assert [each.kind for each in talk.new()].count("nudge") >= 2


async def test_several_skills_at_once_begin_with_the_first(talk: Talk) -> None:
    """The others stand on buttons; what there is no path for is noted each by itself."""
    await talk.say("/start")
    await talk.press("Just ask me")
    await talk.say("/stop")
    talk.new()
    await talk.say("learn sql and python")
    said = talk.new()
    assert texts(said)[0] == "One at a time: SQL first. Press when you want to begin Python, too."
    assert [each.label for each in said[0].message.choices] == ["Python"]
    assert [each["skill"] for each in await documents(talk, "learning_paths")] == ["sql"]
    await talk.say("/cancel")
    talk.new()
    await talk.say("learn git + rust")
    assert texts(talk.new())[0] == "I have no path for rust yet, and noted that it is wanted."
    assert {each["skill"] for each in await documents(talk, "learning_paths")} == {"sql", "git"}
    await talk.say("learn haskell, prolog")
    assert {each["skill"] for each in await documents(talk, "skill_wishes")} == {"rust", "haskell", "prolog"}
    talk.new()
    await talk.say("java, javascript")
    assert texts(talk.new())[0].startswith("One at a time: Java first.")
    await talk.say("data structures and algorithms")
    assert "One at a time" not in texts(talk.new())[-1]


async def test_pause_resume_and_give_up_act_on_a_path_in_words(talk: Talk) -> None:
    """With nothing running, the one at hand; with its name, that one."""
    await talk.say("learn sql")
    await talk.say("/skip")
    talk.new()
    await talk.play("""
        user: pause
        bot: ... [Take it up again] [Next step]
        user: resume
        bot: ...
        bot: SQL · Stage 1 of 4 ...
        user: pause sql
        bot: ... [Take it up again] [Next step]
        user: resume sql
        bot: ...
        bot: SQL · Stage 1 of 4 ...
        user: give up sql
        bot: ... [Take it up again] [Next step]
        user: pause cobol
        bot: You have no path called cobol, so nothing has changed. [Progress]
        user: resume
        bot: ...
    """)
    assert (await documents(talk, "learning_paths"))[0]["state"] == "abandoned"


async def test_pause_in_an_interview_is_of_the_interview(talk: Talk) -> None:
    """A path stays as it is."""
    await talk.say("learn sql")
    await talk.say("/skip")
    talk.new()
    await talk.say("/interview one")
    await talk.say("pause")
    talk.new()
    assert (await documents(talk, "learning_paths"))[0]["state"] == "active"
    await talk.say("resume")
    assert (await documents(talk, "learning_paths"))[0]["state"] == "active"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("hours 1,000", "I can plan with 1 to 60 hours a week."),
        ("2 hours a day", "Noted: 14 h a week."),
        ("1 hour a day", "Noted: 7 h a week."),
        ("five hours a week", "Noted: 5 h a week."),
        ("30 min a day", "Noted: 3 h a week; I plan in whole hours"),
    ],
)
async def test_hours_are_taken_as_they_are_counted(talk: Talk, words: str, told: str) -> None:
    """A day's hours are seven times as many a week."""
    await talk.say("learn sql")
    await talk.say("/skip")
    talk.new()
    await talk.say(words)
    assert told in texts(talk.new())[0]


@pytest.mark.parametrize("words", ["finished", "i finished it", "I read it.", "im done"])
async def test_plain_words_say_done(talk: Talk, words: str) -> None:
    """Of the resource at hand; with its question open they are an answer."""
    await talk.say("learn sql")
    await talk.say("/skip")
    talk.new()
    await talk.say(words)
    done = [each["status"] for each in await documents(talk, "learning_progress")].count("completed")
    assert done == 1
    await talk.say(words)
    done = [each["status"] for each in await documents(talk, "learning_progress")].count("completed")
    assert done == 1


async def test_what_was_learnt_is_progress_and_a_lost_interview_gets_a_kind_word(talk: Talk) -> None:
    """Neither is a wish for a path or a set-up."""
    await talk.say("learn sql")
    await talk.say("/skip")
    talk.new()
    await talk.play("""
        user: what did i learn this week
        bot: SQL 0 %, stage 1 of 4, ...
        user: i failed my interview :(
        bot: I am sorry. One interview says little about the next one, ... [Interview] [I had a real interview]
    """)
    assert await documents(talk, "skill_wishes") == []


async def test_several_paths_are_paused_given_up_and_taken_up_at_once(talk: Talk) -> None:
    """By name, or all there are; what is not theirs changes nothing."""
    for words in ("learn sql", "learn python"):
        await talk.say(words)
    await talk.press("zone:skip")
    talk.new()
    await talk.play("""
        user: pause sql and python
        bot: Paused: SQL, Python. Nothing is lost, and I will not write about them. [Progress] [Next step]
        user: take up sql again
        bot: SQL goes on where you left it. ...
        bot: SQL · Stage 1 of 4...
        user: pause both
        bot: SQL is paused. ...
        user: resume both
        bot: Taken up as well: Python.
        bot: SQL goes on where you left it. ...
        bot: SQL · Stage 1 of 4...
        user: give up sql and cobol
        bot: You have no path called sql and cobol, so nothing has changed. [Progress]
        user: give up both
        bot: Given up: SQL, Python. What you did stays; you can take each up again. [Progress] [Next step]
        user: resume sql
        bot: SQL goes on where you left it. ...
        bot: SQL · Stage 1 of 4...
        user: pause the sql path until next week
        bot: SQL is paused. ...
        bot: It rests until you take it up again, not by itself on a day.
        user: give up sql
        bot: SQL is given up. ...
        user: take python up again
        bot: Python goes on where you left it. ...
        bot: Python · Stage 1 of 4...
    """)
    states = {each["skill"]: each["state"] for each in await documents(talk, "learning_paths")}
    assert states == {"sql": "abandoned", "python": "active"}
