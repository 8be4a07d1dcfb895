"""Nudges as a student lives them: when one comes, what it says, what it leaves to them, and what is kept of it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import adapters.markup
from bot import bank, wording
from bot.clock import zone_of
from bot.conversation import Conversation
from bot.documents import NudgeKind
from bot.events import Identity
from bot.messages import Address, Delivery
from bot.ports import ChatUnreachable, NotTaken
from bot.sentences import SENTENCES
from bot.shell import Shell
from bot.stages import nudging
from tests.talk import Screen, Talk, spoken, texts
from tests.test_learning import documents, pass_quiz


class Both(Talk):
    """The same student in a terminal and on Telegram."""

    def shell(self) -> Shell:
        if not hasattr(self, "other"):
            self.other = Screen("telegram")
        return Shell(
            store=self.store,
            content=self.content,
            grader=self.grader,
            messengers=[self.screen, self.other],
            clock=lambda: self.now,
        )


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    talk = await Both.open(tmp_path)
    assert isinstance(talk, Both)
    yield talk
    await talk.store.close()


async def learning(talk: Talk, skill: str = "sql") -> None:
    """A path has been begun on Monday at 9:00, and the zone confirmed."""
    await talk.say(f"learn {skill}")
    await talk.press("Yes")
    talk.new()


async def conversation(talk: Talk) -> Conversation:
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation


def nudges(deliveries: list[Delivery]) -> list[Delivery]:
    return [each for each in deliveries if each.kind == "nudge"]


async def days_of(talk: Talk, days: int) -> list[str]:
    """When nudges come in the next days: "Tue 3 19:00", local."""
    await talk.wait(timedelta(days=days))
    zone = zone_of(await conversation(talk))
    return [f"{each.at.astimezone(zone):%a %-d %H:%M}" for each in nudges(talk.new())]


# When


async def test_without_a_zone_the_hour_of_writing_is_all_there_is(tmp_path: Path) -> None:
    """Five in the afternoon in Los Angeles is one at night by UTC: no quiet hours move it to their midnight."""
    talk = await Talk.open(tmp_path, zone="")
    talk.now = talk.now.replace(hour=1)
    await talk.say("learn sql")
    await talk.press("Skip")
    talk.new()
    assert [each.partition(" ")[2] for each in await days_of(talk, 3)] == ["3 01:00", "4 01:00"]
    await talk.store.close()


async def test_one_a_day_whatever_the_kind_unless_more_are_wanted(talk: Talk) -> None:
    """A due review, a stage and a week in review wait for one another; "twice" is obeyed, "daily" takes it back."""
    await learning(talk)
    await talk.say("done")
    await talk.say("something about tables")
    talk.new()
    assert await days_of(talk, 1) == ["Mon 2 19:00"]
    await talk.say("/reminders twice")
    assert texts(talk.new())[-1].startswith("I remind you at most 2 times a day around 13:00 and 19:00 (UTC)")
    assert await days_of(talk, 1) == ["Tue 3 13:00", "Tue 3 19:00"]
    await talk.say("/reminders daily")
    talk.new()
    assert await days_of(talk, 1) == ["Wed 4 19:00"]


async def test_only_on_the_days_they_named(talk: Talk) -> None:
    """Weekdays; then named ones."""
    await learning(talk)
    await talk.say("/reminders mon thu")
    assert texts(talk.new())[-1].endswith("On Mon, Thu only.")
    assert await days_of(talk, 6) == ["Mon 2 19:00", "Thu 5 19:00"]
    await talk.say("hi")
    await talk.say("/reminders weekends")
    talk.new()
    assert await days_of(talk, 7) == ["Sun 8 19:00", "Sat 14 19:00"]


async def test_days_hour_and_rhythm_are_set_by_one_phrase_or_not_at_all(talk: Talk) -> None:
    """Nothing of what was said is dropped in silence."""
    await learning(talk)
    await talk.play("""
        user: reminders 7 p.m. weekdays
        bot: I remind you at most once a day around 19:00 (...), never between ... On Mon, Tue, Wed, Thu, Fri only. ...
        user: dont remind me on fridays
        bot: I remind you at most once a day around 19:00 ... On Mon, Tue, Wed, Thu only. ...
        user: remind me at 9 on the moon
        bot: I did not understand all of that, so nothing has changed. ... [Reminder hour]
        user: remind me every day at 9 in the evening
        bot: I remind you at most once a day around 21:00 (...), never between 22:00 and 8:00. Next: today at 21:00. ...
        user: reminders half past 7
        bot: I write on the hour, so at 19:00. I remind you at most once a day around 19:00 ...
        user: reminders at 8 and 20
        bot: I keep your latest hour and spread the others over the day: 14:00 and 20:00. [Other time]
        bot: I remind you at most 2 times a day around 14:00 and 20:00 ...
        user: no reminders on weekdays
        bot: ... On Sat, Sun only. ...
        user: and no reminders at weekends
        bot: Reminders are off. ...
    """)


async def test_both_of_two_a_day_come_whatever_the_hour(talk: Talk) -> None:
    """At 9:00 the day has just begun: the second comes in the afternoon, not an hour before it."""
    await learning(talk)
    await talk.say("reminders twice a day, 9 am")
    assert "2 times a day around 9:00 and 15:00" in texts(talk.new())[-1]
    assert await days_of(talk, 1) == ["Mon 2 15:00", "Tue 3 09:00"]


async def test_an_hour_without_a_zone_asks_for_the_city(talk: Talk) -> None:
    """Each time: what hour it is there is not known. Without an hour nothing is asked."""
    talk.zone = ""
    await learning(talk)
    await talk.say("/cancel")
    talk.new()
    await talk.play("""
        user: reminders weekdays at 20:00
        bot: I remind you at most once a day. On Mon, Tue, Wed, Thu, Fri only. 20:00 is kept. To know when it is 20:00 for you: which city are you in? I keep only its time zone. [Skip]
        user: Pune
        bot: Is it 14:30 for you? ...
        press: Yes
        bot: Time zone set: Asia/Kolkata.
        bot: I remind you at most once a day around 20:00 (Asia/Kolkata) ...
    """)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("weekdays at 19:00", "On Mon, Tue, Wed, Thu, Fri only."),
        ("7 pm", "around 19:00"),
        ("twice a day", "at most 2 times a day"),
        ("every 2 days", "at most every 2 days"),
        ("not on Sundays", "On Mon, Tue, Wed, Thu, Fri, Sat only."),
        ("off", "Reminders are off."),
    ],
)
async def test_a_rhythm_not_understood_is_answered_by_the_next_words(
    talk: Talk, words: str, kept: str
) -> None:
    """With the word "reminders" as in the example, or without."""
    await learning(talk)
    for each in (words, f"reminders {words}"):
        await talk.say("remind me banana")
        assert "I did not understand all of that" in texts(talk.new())[-1]
        await talk.say(each)
        assert kept in texts(talk.new())[-1]
        assert (await conversation(talk)).floor is None


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("never mind", "Cancelled."),
        ("sql", "SQL · Stage 1 of 4"),
        ("stage 1 by friday", "Noted"),
    ],
)
async def test_another_wish_leaves_the_question_for_the_hour(talk: Talk, words: str, answer: str) -> None:
    """Nobody has to answer it."""
    await learning(talk)
    await talk.say("remind me banana")
    talk.new()
    await talk.say(words)
    assert texts(talk.new())[-1].startswith(answer)
    assert (await conversation(talk)).floor is None


async def test_a_rhythm_not_understood_takes_no_open_question_its_answer(talk: Talk) -> None:
    """What is said next is about the recall question."""
    await learning(talk)
    await talk.say("done")
    asked = (await conversation(talk)).floor
    await talk.say("reminders")
    await talk.say("/reminders banana")
    assert (await conversation(talk)).floor == asked


@pytest.mark.parametrize(
    ("words", "hour"),
    [("19:30", 19), ("half past 7 in the evening", 19), ("quarter to nine pm", 20), ("20:00", None)],
)
async def test_minutes_are_dropped_with_a_word(talk: Talk, words: str, hour: int | None) -> None:
    """Reminders come on the hour."""
    await learning(talk)
    await talk.say(f"remind me at {words}")
    told = texts(talk.new())[-1]
    assert told.startswith(f"I write on the hour, so at {hour}:00. I remind you" if hour else "I remind you")
    await talk.say("/settings hour")
    await talk.say(words)
    assert texts(talk.new())[-1] == told


async def test_days_without_reminders_are_named_alone(talk: Talk) -> None:
    """After `reminders`, or any time nothing is open."""
    await learning(talk)
    await talk.say("reminders")
    talk.new()
    await talk.say("not on sundays")
    assert texts(talk.new())[-1].endswith("On Mon, Tue, Wed, Thu, Fri, Sat only.")


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("pause until next week", "Mon 9 Mar"),
        ("pause everything for two weeks", "Mon 16 Mar"),
        ("pause for 2 days please", "Wed 4 Mar"),
        ("for two weeks", "Mon 16 Mar"),
        ("for a couple of days", "Wed 4 Mar"),
    ],
)
@pytest.mark.parametrize(
    "end", ["i'm back", "unsnooze", "stop snooze", "write to me again", "remind me again"]
)
async def test_a_silence_begins_and_ends_in_words(talk: Talk, words: str, until: str, end: str) -> None:
    """A pause that says until when is one of reminders, and no path's name."""
    await learning(talk)
    await talk.say(words)
    assert texts(talk.new())[-1].startswith(f"Silent until {until}")
    await talk.say(end)
    assert "Next: today at 19:00." in texts(talk.new())[-1]
    assert (await conversation(talk)).profile.snoozed_until is None


async def test_who_is_back_is_not_written_to_unasked(talk: Talk) -> None:
    """Reminders that are off are turned on by a wish for them alone."""
    await learning(talk)
    await talk.say("reminders off")
    talk.new()
    await talk.play("""
        user: i'm back
        bot: Welcome back. [Next step]
        user: write to me again
        bot: I remind you at most once a day around 19:00 ...
    """)


async def test_a_span_under_a_recall_question_silences_nothing(talk: Talk) -> None:
    """How long tokens hold is nobody's holiday: it is asked whether that is the answer."""
    await learning(talk)
    await talk.say("done")
    await talk.say("for two hours")
    assert texts(talk.new())[-1].startswith("I did not take that for an answer")
    assert (await conversation(talk)).profile.snoozed_until is None
    await talk.say("for two hours")
    assert "Model answer" in texts(talk.new())[-1]


async def test_a_rhythm_of_countless_days_is_asked_for_again(talk: Talk) -> None:
    """A number too long to be read changes nothing."""
    await learning(talk)
    await talk.say(f"/reminders every {'9' * 5000} days")
    assert "I did not understand all of that" in texts(talk.new())[0]
    assert (await conversation(talk)).profile.nudge_every == 1


async def test_hour_is_local_on_both_sides_of_a_clock_change(talk: Talk) -> None:
    """19:00 stays 19:00 when Berlin's clocks go forward on 29 March."""
    talk.zone = "Europe/Berlin"
    await learning(talk)
    await talk.say("/snooze until 28 March")
    talk.new()
    await talk.wait(timedelta(days=27))
    seen = nudges(talk.new())
    await talk.say("hi")
    await talk.wait(timedelta(days=2))
    seen += nudges(talk.new())
    hours = {each.at.astimezone(zone_of(await conversation(talk))).hour for each in seen}
    assert hours == {19}
    assert {each.at.hour for each in seen} == {18, 17}


async def test_hours_that_do_not_exist_or_are_quiet_are_answered(talk: Talk) -> None:
    """25:00 is none; 23:00 lies in the quiet hours, and what happens instead is said."""
    await learning(talk)
    await talk.play("""
        user: /reminders 25:00
        bot: 25:00 is no time of day, so nothing has changed. ... [Reminder hour]
        user: /reminders 23
        bot: 23:00 lies in your quiet hours (22:00 to 8:00), so I will write at 8:00. [Other time]
    """)
    assert await days_of(talk, 2) == ["Tue 3 08:00", "Wed 4 08:00"]


async def test_city_with_a_typo_is_offered_as_it_is_written(talk: Talk) -> None:
    """The nearest name, confirmed by its clock."""
    await learning(talk)
    await talk.play("""
        user: /settings zone
        bot: So that I write at a good hour: is it ... for you? [Yes] [No] [Skip]
        press: No
        bot: So that I write at a good hour: which city ...
        user: Mumbay
        bot: I do not know Mumbay. Did you mean one of these? ...
        press: Mumbai
        bot: Time zone set: Asia/Kolkata.
        bot: ... (Asia/Kolkata) ...
    """)


async def test_unanswered_ones_come_ever_rarer_and_the_fifth_says_goodbye(talk: Talk) -> None:
    """After 1, 2, 4 and 7 days; then silence for good, until a word brings them back."""
    await learning(talk)
    await talk.wait(timedelta(days=120))
    sent = nudges(talk.new())
    assert [each.at.date().isoformat() for each in sent] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-05",
        "2026-03-09",
        "2026-03-16",
    ]
    assert "this one says goodbye and I stop here" in texts(sent)[-1]
    assert [each.label for each in sent[-1].message.choices] == ["Next step", "Snooze", "Why this?"]
    await talk.say("hi")
    talk.new()
    assert len(await days_of(talk, 2)) == 2


async def test_any_word_ends_the_back_off(talk: Talk) -> None:
    """Three unanswered; a changed hour is a word, and the next one comes the day after."""
    await learning(talk)
    assert len(await days_of(talk, 4)) == 3
    await talk.say("/reminders 18")
    assert "Next: today at 18:00" in texts(talk.new())[-1]
    assert await days_of(talk, 2) == ["Fri 6 18:00", "Sat 7 18:00"]


async def test_an_outage_of_five_days_gives_one_nudge(talk: Talk) -> None:
    """Late is not lost, and not doubled."""
    await learning(talk)
    talk.now += timedelta(days=5)
    await talk.wait(timedelta(hours=1))
    assert len(nudges(talk.new())) == 1
    await talk.wait(timedelta(hours=8))
    assert nudges(talk.new()) == []


# Stopping


@pytest.mark.parametrize(
    "words", ["/reminders off", "stop reminding me", "no more nudges", "unsubscribe", "/stop"]
)
async def test_told_to_stop_it_stops_at_once(talk: Talk, words: str) -> None:
    """In a command or in words, also with a review open."""
    await learning(talk)
    await talk.wait(timedelta(days=1))
    await talk.say(words)
    assert texts(talk.new())[-1] == "Reminders are off. Your paths and interviews stay as they are."
    assert await days_of(talk, 30) == []
    assert (await documents(talk, "nudges"))[-1]["answer"] == "off"


async def test_what_waits_in_the_outbox_is_stopped_too(talk: Talk) -> None:
    """Decided, not yet taken by the platform, then told to stop: it is not sent."""
    await learning(talk)
    talk.screen.fail = [NotTaken("down", retry_after=60)]
    await talk.wait(timedelta(hours=10, minutes=1))
    assert talk.new() == []
    await talk.say("/reminders off")
    talk.screen.fail = []
    talk.now += timedelta(minutes=5)
    for _ in range(3):
        await talk.shell().sweep()
    assert nudges(talk.new()) == []


async def test_fewer_each_time_then_none(talk: Talk) -> None:
    """Every two, four, seven days; then the switch is offered, and the way back to once a day."""
    await learning(talk)
    await talk.wait(timedelta(days=1))
    talk.new()
    await talk.play("""
        press: Fewer of these
        bot: Fewer, then: at most every 2 days. Next: tomorrow at 19:00. [Fewer still] [Back to once a day] [No reminders]
        press: Fewer still
        bot: Fewer, then: at most every 4 days. Next: Fri 6 Mar at 19:00. ...
        press: Fewer still
        bot: Fewer, then: at most every 7 days. Next: Mon 9 Mar at 19:00. ...
        press: Fewer still
        bot: Once a week is the rarest I have. Shall I stop altogether? [No reminders]
    """)
    assert await days_of(talk, 8) == ["Mon 9 19:00"]
    await talk.say("/reminders daily")
    talk.new()
    assert len(await days_of(talk, 2)) == 2


async def test_fewer_and_snooze_say_when_reminders_are_off(talk: Talk) -> None:
    """An old button promises no nudge that will not come."""
    await learning(talk)
    await talk.wait(timedelta(days=1))
    await talk.say("/reminders off")
    talk.new()
    await talk.press("fewer:")
    await talk.press("snooze:1w")
    assert texts(talk.new()) == ["Reminders are off. I write only when you do."] * 2


# Snoozing


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("1h", "today at 20:00"),
        ("2 hours", "today at 21:00"),
        ("tonight", "today at 20:00"),
        ("tomorrow", "tomorrow at 19:00"),
        ("1w", "Mon 9 Mar at 19:00"),
        ("for 3 days", "Thu 5 Mar at 19:00"),
        ("until 20 March", "Fri 20 Mar at 19:00"),
        ("until Friday", "Fri 6 Mar at 19:00"),
        ("until tomorrow", "tomorrow at 19:00"),
        ("30 minutes", "today at 19:30"),
        ("two weeks", "Mon 16 Mar at 19:00"),
        ("until 13/3 at 6 pm", "Fri 13 Mar at 18:00"),
    ],
)
async def test_snooze_comes_back_when_it_said(talk: Talk, words: str, until: str) -> None:
    """An hour, tonight, days, a week, a date: silent until then, and the nudge comes then."""
    await learning(talk)
    await talk.wait(timedelta(hours=10))
    talk.now = talk.now.replace(hour=19, minute=0, second=0)
    talk.new()
    await talk.say(f"snooze {words}")
    (told,) = texts(talk.new())
    assert told == f"Silent until {until}."
    await talk.wait(timedelta(days=19))
    first = nudges(talk.new())[0]
    assert f"{first.at:%H:%M}" == until[-5:]
    assert first.at > talk.now - timedelta(days=19)
    assert (await documents(talk, "nudges"))[0]["answer"] == "snoozed"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("/snooze for a month", "Silent until Thu 2 Apr at 09:00."),
        ("until christmas", "Silent until Fri 25 Dec at 19:00."),
        ("until end of month", "Silent until Tue 31 Mar at 19:00."),
        ("until 1 March 2027", "Silent until Mon 1 Mar 2027 at 19:00."),
        ("until 12/12", "Silent until Sat 12 Dec at 19:00."),
        ("until the 5th", "Silent until Thu 5 Mar at 19:00."),
        ("until 5/12", "That may be two different days. Write its month as a word, such as 5 December."),
        ("until 31 feb", "The calendar has no such day. Name another one."),
        ("until 31.2.", "The calendar has no such day. Name another one."),
        ("until 9.3.", "Silent until Mon 9 Mar at 19:00."),
        ("i have exams until 5th may dont write", "Silent until Tue 5 May at 19:00."),
        ("im on vacation until 20 april", "Silent until Mon 20 Apr at 19:00."),
        ("dont remind me until friday", "Silent until Fri 6 Mar at 19:00."),
        ("remind me tomorrow at 6pm", "Silent until tomorrow at 18:00."),
        ("remind me on friday at 6pm", "Silent until Fri 6 Mar at 18:00."),
        ("remind me in two hours", "Silent until today at 11:00."),
        ("no reminders this week", "Silent until Mon 9 Mar at 19:00."),
        ("no reminders tomorrow", "Silent until Wed 4 Mar at 19:00."),
    ],
)
async def test_a_silence_as_people_say_it(talk: Talk, words: str, told: str) -> None:
    """Loose days, a year where it is another one, a date that is none or two; the hour for good stays."""
    await learning(talk)
    await talk.say(words)
    said = texts(talk.new())[0]
    assert re.sub(r"(?<=\d:0)\d", "0", said) == told
    profile = (await conversation(talk)).profile
    assert (profile.reminder_hour, profile.reminders, profile.nudge_days) == (19, True, "0123456")


async def test_tomorrow_is_the_next_day_also_late_at_night(talk: Talk) -> None:
    """Pressed at 22:30, not the day after it."""
    await learning(talk)
    await talk.wait(timedelta(hours=13, minutes=25))
    talk.new()
    await talk.press("snooze:tomorrow")
    assert texts(talk.new()) == ["Silent until tomorrow at 19:00."]
    assert await days_of(talk, 1) == ["Tue 3 19:00"]


@pytest.mark.parametrize("words", ["until Friday", "Until 6 March", "until next Friday"])
async def test_a_day_alone_answers_for_how_long(talk: Talk, words: str) -> None:
    """Typed after /snooze as people would; in an interview the same words are an answer."""
    await learning(talk)
    await talk.say("/snooze")
    talk.new()
    await talk.say(words)
    assert texts(talk.new())[0].startswith("Silent until Fri ")


async def test_snooze_until_a_date_asks_and_takes_no_nonsense(talk: Talk) -> None:
    """A day that is over, no day at all: said kindly, and the question stays; then the exam pause holds."""
    await learning(talk)
    await talk.wait(timedelta(days=1))
    talk.new()
    await talk.play("""
        press: Snooze
        bot: For how long shall I be silent? [One hour] [Tonight] [Tomorrow] [A week] [Until a date] [Fewer of these]
        press: Until a date
        bot: Until which day? For example: 12 December, or Friday. [Cancel]
        user: banana
        bot: Say /snooze 1h, tonight, 1d, 1w or "until 12 December", or press one. ...
        user: 1 February
        bot: That is no day of the year to come. Name one after today, or press one. ...
        user: yesterday
        bot: That is no day of the year to come. ...
        user: 20 March
        bot: Silent until Fri 20 Mar at 19:00.
    """)
    assert await days_of(talk, 17) == []
    assert await days_of(talk, 2) == ["Fri 20 19:00", "Sat 21 19:00"]


# What one is about


async def test_begin_half_way_overdue_and_quiz_are_told_as_they_are(talk: Talk) -> None:
    """Where a stage stands is in its nudge."""
    await learning(talk)
    first = (await days_of(talk, 1)) and texts(talk.screen.shown)[-1]
    assert "Stage 1 of 4: Foundation" in first
    assert "of this stage are done" not in first
    path = (await documents(talk, "learning_paths"))[0]
    total = len(path["stages"][0]["resources"])
    for _ in range((total + 1) // 2):
        await talk.say("done")
        await talk.say("skip")
        await talk.say("next")
    await talk.wait(timedelta(days=1))
    assert f"{(total + 1) // 2} of {total} of this stage are done." in texts(nudges(talk.new()))[-1]
    await talk.wait(timedelta(days=20))
    late = texts(nudges(talk.new()))
    assert any(
        "This stage was planned for 1 week and has waited 7 days. No harm done" in each for each in late
    )
    await talk.say("next")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    talk.new()
    await talk.wait(timedelta(days=1))
    (ready,) = nudges(talk.new())
    assert "Now the quiz: 6 questions" in texts([ready])[0]
    assert next(each.label for each in ready.message.choices) == "Start the quiz"
    await talk.press("Why this?")
    assert texts(talk.new())[0].startswith(
        "You are through the resources of this stage of SQL, and its quiz closes it."
    )


async def test_streak_about_to_end_is_told_when_no_freeze_is_left(talk: Talk) -> None:
    """Freezes take two days of a month; the day after that is the streak's last, and it says so, and why."""
    await learning(talk)
    await talk.wait(timedelta(days=1))
    for days in (1, 1, 3):  # Tuesday to Thursday; the freezes take Friday and Saturday
        await talk.say("done")
        await talk.say("skip")
        await talk.say("next")
        await talk.wait(timedelta(days=days))
    await talk.say("done")
    await talk.say("skip")
    await talk.wait(timedelta(days=1))
    talk.new()
    await talk.wait(timedelta(hours=11))
    (told,) = nudges(talk.new())
    assert "days in a row, and today is still open" in texts([told])[0] or "ends tonight" in texts([told])[0]
    await talk.press("Why this?")
    assert texts(talk.new())[0].startswith("When I wrote, you had learnt on several days in a row, ")


async def test_week_in_review_comes_on_sunday_once_with_its_picture_and_the_plan(talk: Talk) -> None:
    """What was done, the days, the plan made anew where the week was another than planned, with the reason."""
    await learning(talk)
    await talk.wait(timedelta(days=12))  # Saturday of the second week
    await talk.say("done 10")
    await talk.say("skip")
    await talk.wait(timedelta(days=1))
    await talk.say("/reminders twice")
    talk.new()
    await talk.wait(timedelta(days=6))
    sunday = [each for each in nudges(talk.new()) if each.at.day == 15]
    assert [f"{each.at:%H:%M}" for each in sunday] == ["13:00", "19:00"]
    told = [each for each in sunday if "Your week" in texts([each])[0]]
    assert told == sunday[:1]
    (week,) = told
    assert week.message.picture is not None
    assert "10 min of 5 h · 1 resource, 0 quizzes, 0 reviews." in texts(told)[0]
    assert "of the 5 h planned, so SQL ends on" in texts(told)[0]
    await talk.press(next(each.id for each in week.message.choices if each.label == "Why this?"))
    assert texts(talk.new())[0].startswith("On Sundays I sum up a week in which you learnt something.")


async def test_commitment_is_brought_up_the_day_before_in_their_words(talk: Talk) -> None:
    """Kept in their words, named on the eve, once."""
    await learning(talk)
    await talk.play("""
        user: stage 1 by Friday, promised
        bot: Noted: "stage 1 by Friday, promised". ... until Friday 6 Mar; I bring it up the day before. [Next step] [Let it go]
    """)
    await talk.wait(timedelta(days=4))
    about = [each for each in nudges(talk.new()) if "What you set out to do" in texts([each])[0]]
    assert [each.at.day for each in about] == [5]
    assert '"stage 1 by Friday, promised": that is tomorrow.' in texts(about)[0]
    await talk.press(next(each.id for each in about[0].message.choices if each.label == "Next step"))
    assert texts(talk.new())[0].startswith("SQL · Stage 1 of 4")
    await talk.press(next(each.id for each in about[0].message.choices if each.label == "Why this?"))
    assert texts(talk.new())[0].startswith("You told me by when you want to be done, so I bring it up ")


@pytest.mark.parametrize(
    ("words", "stage", "until"),
    [
        ("stage two by Friday", 2, "Friday 6 Mar"),
        ("I'll finish stage 1 tomorrow", 1, "Tuesday 3 Mar"),
        ("second stage by friday", 2, "Friday 6 Mar"),
        ("finish sql by 30 march", 4, "Monday 30 Mar"),
        ("i will finish the last stage by end of the month", 4, "Tuesday 31 Mar"),
        ("stage 2 in 2 weeks", 2, "Monday 16 Mar"),
        ("stage 3 may be done by Friday", 3, "Friday 6 Mar"),
        ("I sat down: stage 3 by Friday", 3, "Friday 6 Mar"),
        ("stage 1 by 1 jan 2027", 1, "Friday 1 Jan 2027"),
        ("stage 1 of my sql path until Friday", 1, "Friday 6 Mar"),
        ("finish this stage by friday", 1, "Friday 6 Mar"),
        ("finish the stage by friday", 1, "Friday 6 Mar"),
        ("the whole stage by friday", 1, "Friday 6 Mar"),
        ("i want to be done with sql in a month", 4, "Thursday 2 Apr"),
        ("finish my whole path by friday", 4, "Friday 6 Mar"),
        ("finish stage 2 by friday and stage 3 by sunday", 2, "Friday 6 Mar"),
    ],
)
async def test_commitment_names_its_stage_and_day_in_many_ways(
    talk: Talk, words: str, stage: int, until: str
) -> None:
    """Numbers in words, the whole path, a month's name that is none."""
    await learning(talk)
    await talk.say(words)
    assert f"to go until {until}" in texts(talk.new())[-1]
    promise = (await conversation(talk)).commitment
    assert promise is not None
    assert promise.stage == stage


async def test_commitment_is_of_the_path_it_names(talk: Talk) -> None:
    """Python is at hand, SQL is named; a skill without a path is offered, and one that rests is taken up first."""
    await learning(talk)
    await talk.say("learn python")
    talk.new()
    await talk.say("sql stage 2 by Friday")
    sql = (await conversation(talk)).commitment
    await talk.say("stage 1 by thursday")
    python = (await conversation(talk)).commitment
    assert sql is not None
    assert python is not None
    assert sql.path != python.path
    talk.new()
    await talk.play("""
        user: stage 1 of git by thursday
        bot: A promise is about a path of yours, and you have none in Git yet. Shall I begin it? [Git]
    """)
    await talk.press(f"path:{sql.path}.paused")
    talk.new()
    await talk.play("""
        user: finish sql by thursday
        bot: Your path in SQL is resting. Take it up again first, then name the day. [Take it up again]
    """)


@pytest.mark.parametrize(
    "words",
    ["i finish my homework by friday", "finish my thesis by 30 march", "I finish the query by friday"],
)
async def test_what_is_no_stage_and_no_path_is_no_promise(talk: Talk, words: str) -> None:
    """It replaces none; under a recall question it is the answer."""
    await learning(talk)
    await talk.say("stage 2 by Friday")
    promise = (await conversation(talk)).commitment
    await talk.say(words)
    assert texts(talk.new())[-1].startswith("I did not understand that.")
    await talk.say("done")
    await talk.say(words)
    assert "Model answer" in texts(talk.new())[-1]
    assert (await conversation(talk)).commitment == promise


async def test_commitment_is_shown_where_the_path_is(talk: Talk) -> None:
    """In `progress`, on its own path, and when it is asked for."""
    await learning(talk)
    await talk.play("""
        user: what did i promise?
        bot: You have promised nothing right now. Say "stage 2 by Friday" when you want to. [Next step]
        user: stage 2 by Friday
        bot: Noted: ...
        user: what did i promise?
        bot: Promised: "stage 2 by Friday", until Fri 6 Mar. [Next step] [Let it go]
    """)
    for words in ("progress", "path"):
        await talk.say(words)
        assert 'Promised: "stage 2 by Friday", until Fri 6 Mar.' in texts(talk.new())[-1]
    await talk.say("learn python")
    await talk.say("path")
    assert "Promised" not in texts(talk.new())[-1]


async def test_commitment_says_what_it_replaces_and_is_let_go_in_words(talk: Talk) -> None:
    """There is one at a time; "never mind" leaves the question."""
    await learning(talk)
    await talk.play("""
        user: stage 1 by Thursday
        bot: Noted: "stage 1 by Thursday". ...
        user: stage 2 by Friday
        bot: Noted: "stage 2 by Friday" instead of "stage 1 by Thursday". ...
        user: cancel my promise
        bot: Let go of. You can name another day whenever you like. ...
        user: stage 1 by 31 february
        bot: The calendar has no such day. Name another one.
        user: stage 1 by 5/12
        bot: That may be two different days. Write its month as a word, such as 5 December.
        user: stage 2 by
        bot: ...
    """)
    path = (await documents(talk, "learning_paths"))[0]["_id"]
    await talk.press(f"commit:{path}.ask")
    talk.new()
    await talk.say("never mind")
    assert (await conversation(talk)).floor is None


async def test_commitment_promises_its_eve_only_where_that_comes(talk: Talk) -> None:
    """Not with reminders off, nor in a silence, nor on a weekday without nudges."""
    await learning(talk)
    await talk.say("/reminders off")
    await talk.say("stage 1 by Friday")
    assert texts(talk.new())[-1].endswith("Reminders are off, so I do not bring it up.")
    await talk.say("/reminders on")
    await talk.say("/snooze until Saturday")
    await talk.say("stage 1 by Friday")
    assert texts(talk.new())[-1].endswith("to go until Friday 6 Mar.")
    await talk.say("/reminders on")
    await talk.say("/reminders mon wed")
    await talk.say("stage 1 by Friday")
    assert texts(talk.new())[-1].endswith("to go until Friday 6 Mar.")
    await talk.say("stage 1 by Thursday")
    assert texts(talk.new())[-1].endswith("I bring it up the day before.")


async def test_commitment_counts_what_lies_before_it_whenever_it_is_told(talk: Talk) -> None:
    """When it is noted and on its eve the same is left: all open stages up to it."""
    await learning(talk)
    await talk.say("stage 2 by Friday")
    left = texts(talk.new())[-1].partition(". ")[2].partition(" to go")[0]
    await talk.wait(timedelta(days=4))
    (about,) = (each for each in texts(nudges(talk.new())) if "What you set out to do" in each)
    assert left in about


async def test_commitment_comes_on_its_eve_however_rare_nudges_are(talk: Talk) -> None:
    """Once a week is the rhythm; what they asked to be reminded of comes in between."""
    await learning(talk)
    assert await days_of(talk, 1) == ["Mon 2 19:00"]
    await talk.say("/reminders every 7 days")
    await talk.say("stage 1 by Friday")
    talk.new()
    assert await days_of(talk, 5) == ["Thu 5 19:00"]


async def test_commitment_let_go_gives_the_next_nudge_its_old_day(talk: Talk) -> None:
    """Once a week is the rhythm again, as if nothing had been promised."""
    await learning(talk)
    assert await days_of(talk, 1) == ["Mon 2 19:00"]
    await talk.say("/reminders every 7 days")
    await talk.say("stage 1 by Friday")
    await talk.press("commit:off")
    talk.new()
    assert await days_of(talk, 7) == ["Mon 9 19:00"]


async def test_commitment_does_not_bring_the_goodbye_forward(talk: Talk) -> None:
    """Four unanswered, and the eve of a promise lies before the fifth: that one keeps to its day."""
    await learning(talk)
    await talk.say("stage 1 by 14 March")
    talk.new()
    assert (await days_of(talk, 20))[-2:] == ["Mon 9 19:00", "Mon 16 19:00"]


async def test_target_raised_on_a_complete_path_brings_nudges_again(talk: Talk) -> None:
    """Its new stages are something to come back for."""
    await learning(talk, "git")
    await talk.say("path git to 20")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk)
    assert await days_of(talk, 9) == []
    await talk.say("path git to 80")
    talk.new()
    assert len(await days_of(talk, 1)) == 1


async def test_missed_commitment_is_told_kindly_once_with_another_day(talk: Talk) -> None:
    """No harm done; in a week, another day, or let go of it."""
    await learning(talk)
    await talk.say("stage 1 by Wednesday")
    await talk.wait(timedelta(days=4))
    about = [each for each in nudges(talk.new()) if "not this time" in texts([each])[0]]
    assert [each.at.day for each in about] == [5]
    labels = [each.label for each in about[0].message.choices]
    assert labels == ["In a week", "By when?", "Let it go", "Snooze", "Fewer of these", "Why this?"]
    await talk.press("In a week")
    assert texts(talk.new())[0].startswith('Noted: "stage 1 by Thursday 12 Mar".')
    await talk.press("commit:off")
    assert texts(talk.new())[0].startswith("Let go of.")
    await talk.wait(timedelta(days=20))
    assert not any("set out to do" in each for each in texts(talk.new()))


async def test_kept_commitment_is_told_when_the_stage_closes(talk: Talk) -> None:
    """With the quiz that closes the stage; it is not brought up again."""
    await learning(talk, "git")
    await talk.say("stage 1 by Friday")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk)
    assert 'You said "stage 1 by Friday", and you kept it.' in texts(talk.new())[-1]
    await talk.wait(timedelta(days=6))
    assert not any("set out to do" in each for each in texts(talk.new()))


async def test_a_stage_passed_over_is_no_kept_commitment(talk: Talk) -> None:
    """Whoever says they know it has not done what they promised; nothing claims so later."""
    await learning(talk, "git")
    await talk.say("stage 1 by Friday")
    path = str((await documents(talk, "learning_paths"))[0]["_id"])
    await talk.press(f"level:{path}.some")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk)
    assert not any("you kept it" in each for each in texts(talk.new()))
    assert (await conversation(talk)).commitment is None


async def test_commitment_without_a_day_is_asked_again(talk: Talk) -> None:
    """No day, a past one, no such stage, no path: each has its sentence, and changes nothing."""
    await talk.play("""
        user: stage 2 by Friday
        bot: That is for a stage of a learning path, and you have none open. Which skill? [Learn]
    """)
    await learning(talk)
    path = str((await documents(talk, "learning_paths"))[0]["_id"])
    await talk.press(f"commit:{path}.ask")
    talk.new()
    await talk.play("""
        user: soon
        bot: I found no day in that. Say "stage 2 by Friday" or "stage 2 by 5 December".
        user: yesterday
        bot: That day is over. Name one to come.
        user: stage 9 by Friday
        bot: There is no stage 9; your path has 4. Nothing has changed.
        user: stage 0 by Friday
        bot: There is no stage 0; your path has 4. Nothing has changed.
        user: stage 100 by Friday
        bot: There is no stage 100; your path has 4. Nothing has changed.
        user: 2 May 2087
        bot: That is more than a year away. Name a nearer day.
        user: Friday
        bot: Noted: "Friday". ... until Friday 6 Mar; I bring it up the day before. ...
        user: stage 1 by tomorrow
        bot: Noted: "stage 1 by tomorrow" instead of "Friday". ... to go until Tuesday 3 Mar. [Next step] [Let it go]
    """)


# Elsewhere


async def test_closed_chat_means_the_other_linked_platform(both: Both) -> None:
    """403 on Telegram: the same nudge comes to the terminal, and the next ones, too; one a day all the same."""
    await learning(both)
    student = await both.store.student(both.who, new="0" * 24, at=both.now)
    both.who, both.address = (
        Identity(platform="telegram", user="7"),
        Address(platform="telegram", chat="7"),
    )
    assert await both.store.student(both.who, new=student, at=both.now) == student
    await both.say("next")
    assert both.other.shown
    both.other.fail = [ChatUnreachable("blocked")]
    both.new()
    await both.wait(timedelta(days=1))
    assert [each.to.platform for each in nudges(both.new())] == ["terminal"]
    await both.wait(timedelta(days=1))
    assert [each.to.platform for each in nudges(both.new())] == ["terminal"]
    assert nudges(both.other.shown) == []
    assert [each["answer"] for each in await documents(both, "nudges")] == ["lost", "", ""]


async def test_no_other_platform_pauses_them_and_says_so_on_return(talk: Talk) -> None:
    """Nothing is tried while the chat is closed; back again, the student reads what happened and when the next comes."""
    await learning(talk)
    talk.screen.fail = [ChatUnreachable("blocked")]
    assert await days_of(talk, 10) == []
    await talk.play("""
        user: /help
        bot: ...
        bot: My last messages did not reach you, so I had stopped. The next one comes today at 19:00.
    """)
    assert await days_of(talk, 1) == ["Thu 12 19:00"]


async def test_who_is_back_by_a_review_is_nudged_as_before(talk: Talk) -> None:
    """The review just answered is far off; the path is not, and what is said of the next one holds."""
    await learning(talk)
    await talk.say("done")
    await talk.say("something about tables")
    await talk.wait(timedelta(days=2))
    review = next(e.message.choices[0].id for e in reversed(nudges(talk.new())) if "Review" in e.message.text)
    talk.screen.fail = [ChatUnreachable("blocked")]
    assert await days_of(talk, 10) == []
    await talk.press(review)
    assert texts(talk.new())[-1].endswith("The next one comes today at 19:00.")
    assert await days_of(talk, 1) == ["Sat 14 19:00"]


# What is kept


async def test_every_nudge_is_logged_with_its_choice(talk: Talk) -> None:
    """Wording, what else could have been taken, by which policy and with what probability; nothing followed yet."""
    await learning(talk)
    await talk.wait(timedelta(hours=11))
    (logged,) = await documents(talk, "nudges")
    assert logged["kind"] == "stage"
    assert logged["wording"] in logged["eligible"]
    assert logged["eligible"][0] == "plain"
    held = wording.held_out(str(logged["student_id"]))
    assert logged["policy"] == ("plain" if held else "uniform")
    assert logged["probability"] == pytest.approx(1 if held else 1 / len(logged["eligible"]))
    assert (logged["opened_at"], logged["completed_at"], logged["answer"]) == (None, None, "")


async def test_what_followed_is_logged(talk: Talk) -> None:
    """Opened by the first word within a day, completed by something learnt within 24 hours; a later one counts for
    neither."""
    await learning(talk)
    await talk.wait(timedelta(hours=11))
    await talk.say("hm")
    (logged,) = await documents(talk, "nudges")
    assert logged["opened_at"] is not None
    assert logged["completed_at"] is None
    await talk.say("done")
    (logged,) = await documents(talk, "nudges")
    assert logged["completed_at"] > logged["opened_at"]
    await talk.wait(timedelta(days=1))
    talk.now += timedelta(hours=26)
    await talk.say("skip")
    await talk.say("next")
    await talk.say("done")
    second = (await documents(talk, "nudges"))[1]
    assert (second["opened_at"], second["completed_at"]) == (None, None)


async def test_unanswered_and_undelivered_ones_are_not_opened(talk: Talk) -> None:
    """Only a student opens a nudge: neither time nor the next one does."""
    await learning(talk)
    await talk.wait(timedelta(days=30))
    logged = await documents(talk, "nudges")
    assert len(logged) == 5
    assert all(each["opened_at"] is None for each in logged)


async def test_students_held_out_get_the_plain_wording(talk: Talk) -> None:
    """Always, and with certainty."""
    number = next(n for n in range(1000) if wording.held_out(f"{n:024x}"))
    held = f"{number:024x}"
    assert await talk.store.student(talk.who, new=held, at=talk.now) == held
    await learning(talk)
    await talk.wait(timedelta(days=30))
    logged = await documents(talk, "nudges")
    assert {(each["wording"], each["policy"], each["probability"]) for each in logged} == {
        ("plain", "plain", 1.0)
    }


# Wordings


@pytest.mark.parametrize("kind", nudging.WORDINGS)
def test_every_kind_has_its_wordings_and_its_reason(kind: NudgeKind) -> None:
    """The plain one comes first; each of them has a sentence, and the kind says why it comes."""
    arms = nudging.WORDINGS[kind]
    assert arms[0] == "plain"
    assert {f"{kind}_{arm}" for arm in arms} <= set(SENTENCES["nudge"])
    assert f"why_{kind}" in SENTENCES["nudge"]


def test_longest_nudges_fit_a_phone() -> None:
    """Opening, resource, and what is said of its stage."""
    content = spoken()
    for path in content.paths.values():
        for stage in path.stages:
            for each in stage.resources:
                body = SENTENCES["nudge"]["resource"].format(
                    skill=path.title,
                    number=6,
                    total=9,
                    stage=stage.stage_name,
                    title=each.title,
                    url=each.url,
                    minutes=999,
                )
                overdue = SENTENCES["nudge"]["overdue"].format(weeks="12 weeks", days="999 days")
                whole = f"{SENTENCES['nudge']['stage_plain']}\n\n{body}\n\n{overdue}"
                assert len(adapters.markup.plain(whole)) <= 600


async def test_company_is_named_only_if_it_asks_about_the_topic(talk: Talk) -> None:
    """ "Google asks about this" is true whenever it may be said."""
    await learning(talk, "git")
    await talk.say("/settings company")
    await talk.say("Google")
    talk.new()
    await talk.wait(timedelta(days=10))
    google = bank.load().company("Google")
    assert google is not None
    asked = {topic for each in google.rounds for topic in each.topics}
    git = talk.content.paths["git"]
    for each in await documents(talk, "nudges"):
        if each["kind"] == "stage":
            assert ("company" in each["eligible"]) == bool(asked & set(git.topics))


async def test_without_a_zone_no_hour_is_claimed(talk: Talk) -> None:
    """ "Why this?" says what the hour is taken from."""
    talk.zone = ""
    await talk.say("learn sql")
    await talk.press("Skip")
    await talk.wait(timedelta(days=1, minutes=5))
    await talk.press("Why this?")
    assert (
        "at about the hour of day you last wrote, as I do not know your time zone." in texts(talk.new())[-1]
    )


async def test_without_a_known_zone_no_hour_is_claimed(talk: Talk) -> None:
    """Who skipped the zone is told that nudges follow the time of day at which they write."""
    talk.zone = ""
    await talk.say("learn sql")
    await talk.say("skip")
    talk.new()
    await talk.say("/reminders")
    told = texts(talk.new())[0]
    assert "at about the time of day at which you write to me, until I know your time zone" in told
    assert "19:00" not in told
