"""What is known of companies: sources that age, real interviews asked about, and nobody's answer seen by others."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot import companies
from bot.companies import ENOUGH, about, aggregate, believed, decayed, says, topics_fact
from bot.conversation import Expected
from bot.days import day_in
from bot.documents import CompanyKnowledge, insert
from bot.events import Said
from bot.observing import observed, renewed
from bot.questions import ROUNDS
from bot.schedule import sweeping
from tests.documents import an_id, observation
from tests.talk import START, Talk, content, texts

TODAY = date(2026, 11, 23)  # the day the files were looked over
USUAL = content().default_company
GOOGLE = content().companies["google"]


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def met(talk: Talk) -> None:
    """Past the first hello and its question."""
    await talk.say("/start")
    await talk.press("Backend")
    await talk.say("/stop")
    talk.new()


async def documents(talk: Talk, collection: str) -> list[dict[str, Any]]:
    return [each async for each in talk.store.export(collection)]


# -- facts that age


@pytest.mark.parametrize("company", content().companies.values(), ids=lambda each: each.slug)
def test_a_company_is_said_on_one_screen_and_can_be_gone_by(company: CompanyKnowledge) -> None:
    """Each of its facts holds on the day it was looked at; the usual pattern takes nothing over."""
    assert believed(company, USUAL, TODAY) == company
    assert {each.fact for each in company.facts} == set(companies_facts())
    text = about(company, USUAL, TODAY) + "\n\nWhich role? Type it, or press one."
    assert len(text) <= 600
    assert "looked at in Nov 2026" in text


def companies_facts() -> tuple[str, ...]:
    return ("roles", "rounds", "topics", "themes", "difficulty", "preparation_weeks", "tips")


def test_confidence_halves_in_a_year() -> None:
    """And a clock that is behind takes nothing."""
    assert decayed(0.6, TODAY, TODAY) == 0.6
    assert decayed(0.6, TODAY, TODAY + timedelta(days=365)) == pytest.approx(0.3)
    assert decayed(0.6, TODAY, TODAY + timedelta(days=730)) == pytest.approx(0.15)
    assert decayed(0.6, TODAY, TODAY - timedelta(days=30)) == 0.6


def test_facts_grow_old_one_by_one() -> None:
    """Google's weeks are a guess and fall first, then its rounds are said with care, then the usual pattern stands."""
    assert "Fairly sure" in about(GOOGLE, USUAL, TODAY)
    later = TODAY + timedelta(days=300)
    known = believed(GOOGLE, USUAL, later)
    assert known.preparation_weeks == USUAL.preparation_weeks
    assert known.rounds == GOOGLE.rounds
    said = about(GOOGLE, USUAL, later)
    assert "Not very sure" in said
    assert "People prepare" not in said
    at_last = TODAY + timedelta(days=3 * 365)
    assert believed(GOOGLE, USUAL, at_last).rounds == USUAL.rounds
    assert "too old to go by" in about(GOOGLE, USUAL, at_last)
    assert "Tip:" not in about(GOOGLE, USUAL, at_last)


def test_an_unknown_company_is_the_usual_one() -> None:
    assert believed(None, USUAL, TODAY) is USUAL


# -- what students say


def answers(number: int, fact: str, *, seen: int, at: datetime = START) -> list[dict[str, Any]]:
    """The answers of `number` students, the first `seen` of them yes."""
    made = (observation(an_id(str(n)), fact, seen=n < seen, at=at) for n in range(number))
    return [insert(each).document | {"created_at": at} for each in made]


def test_fewer_than_five_students_change_nothing() -> None:
    """Nor does one student who answers many times, nor answers of long ago."""
    day = START.date()
    assert aggregate(answers(4, "round/dsa", seen=4), day) == {}
    assert aggregate(answers(1, "round/dsa", seen=1) * 9, day) == {}
    assert aggregate(answers(5, "round/dsa", seen=5), day + timedelta(days=731)) == {}
    four_and_four = answers(4, "round/dsa", seen=4) + answers(4, "round/behavioral", seen=4)
    assert aggregate(four_and_four, day) == {}


@pytest.mark.parametrize(
    ("students", "seen", "word", "shown"),
    [(5, 5, "usual", 5), (5, 3, "usual", 5), (5, 2, "mixed", 5), (5, 0, "seldom", 5), (9, 9, "usual", 5), (11, 3, "seldom", 10)],
)  # fmt: skip
def test_five_students_make_a_word(students: int, seen: int, word: str, shown: int) -> None:
    """A word and a rounded number: the ninth answer shows nothing of itself."""
    (found,) = aggregate(answers(students, "round/dsa", seen=seen), START.date())["google"]
    assert (found.fact, found.says, found.students) == ("round/dsa", word, shown)


def test_what_students_say_changes_what_is_asked() -> None:
    """A round they seldom had comes last; topics they did not meet give way; topics they met outlive the page."""
    dsa = next(each for each in GOOGLE.rounds if each.round == "dsa")
    denied = [*answers(5, "round/dsa", seen=0), *answers(5, topics_fact(dsa), seen=0)]
    known = companies.learnt(GOOGLE, aggregate(denied, TODAY)["google"])
    now = believed(known, USUAL, TODAY)
    assert [each.round for each in now.rounds] == ["technical_qa", "behavioral", "dsa"]
    assert now.rounds[-1].topics == USUAL.rounds[0].topics
    assert "seldom had: coding" in about(known, USUAL, TODAY)
    confirmed = companies.learnt(GOOGLE, aggregate(answers(5, topics_fact(dsa), seen=5), TODAY)["google"])
    at_last = TODAY + timedelta(days=3 * 365)
    assert believed(confirmed, USUAL, at_last).rounds[0].topics == dsa.topics
    assert believed(GOOGLE, USUAL, at_last).rounds[0].topics == USUAL.rounds[0].topics


def test_answers_about_other_topics_do_not_count() -> None:
    """When the listed topics change, what was said of the old ones is not said of the new."""
    dsa = next(each for each in GOOGLE.rounds if each.round == "dsa")
    found = aggregate(answers(5, topics_fact(dsa), seen=5), TODAY)["google"]
    rounds = tuple(replace(each, topics=each.topics[::-1]) for each in GOOGLE.rounds)
    assert says(replace(GOOGLE, rounds=rounds, observed=found), topics_fact(rounds[0])) == ""


def test_content_says_what_students_say_now() -> None:
    """Learning anew replaces what was learnt; without answers the content is as it was read."""
    told = content().learnt(aggregate(answers(5, "round/dsa", seen=5), START.date()))
    assert told.companies["google"].observed
    assert told.companies["google"].content_version.startswith(GOOGLE.content_version + "+")
    assert told.learnt({}).companies == content().companies


async def test_the_fifth_student_shows_and_the_forgotten_one_no_longer(talk: Talk) -> None:
    """Through the store: what is told to a student and what other services read."""
    students = [an_id(str(number)) for number in range(ENOUGH)]
    for number, student in enumerate(students, 1):
        record = await talk.store.load(student)
        assert record is None
        await talk.store.commit(
            student,
            replace(await _fresh(talk), student=student),
            expected=0,
            writes=[insert(observation(student))],
        )
        found = await renewed(talk.store, content(), START.date())
        assert list(found) == (["google"] if number == ENOUGH else [])
    stored = {each["slug"]: each for each in await documents(talk, "company_interview_knowledge")}
    assert stored["google"]["observed"] == [{"fact": "round/dsa", "says": "usual", "students": 5}]
    assert stored["amazon"]["observed"] == []
    await talk.store.erase(students[0])
    assert await observed(talk.store, START.date()) == {}


async def _fresh(talk: Talk) -> Any:
    await talk.say("/help")
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation


async def test_a_running_process_learns_every_day(talk: Talk) -> None:
    """What the scheduler takes from the store is said from the next turn on."""
    await met(talk)
    told = aggregate(answers(5, "round/dsa", seen=5), START.date())
    shell, renewed = talk.shell(), asyncio.Event()

    async def renew() -> None:
        shell.learn(told)
        renewed.set()

    async with sweeping(daily=[renew]):
        await asyncio.wait_for(renewed.wait(), 10)
    for text in ("/interview short", "Google"):
        await shell.receive(Said(text=text, **talk.common()))
    await shell.settled()
    assert "Students who were there mostly had: coding." in texts(talk.new())[-1]


# -- asked about a real interview


async def test_a_real_interview_is_asked_about_in_six_presses(talk: Talk) -> None:
    """Rounds first, then the topics of those there were; each answer is a document, "don't know" is none."""
    await met(talk)
    await talk.play("""
        user: I had my interview at Google
        bot: How was it at Google? ... Was there a coding round at Google? [Yes] [No] [Don't know] [Cancel]
        press: Yes
        bot: Was there a technical round at Google? [Yes] [No] [Don't know] [Cancel]
        press: No
        bot: Was there a behavioral round at Google? ...
        user: yes
        bot: Did the coding round touch Graphs, Arrays or Trees? ...
        press: Don't know
        bot: Did the behavioral round touch ...? ...
        press: No
        bot: Thank you. It shows to others once 5 students have answered, and never who said what. [Interview] [Learn]
    """)
    kept = {each["fact"]: each["seen"] for each in await documents(talk, "company_observations")}
    assert kept == {
        "round/dsa": True,
        "round/technical_qa": False,
        "round/behavioral": True,
        topics_fact(GOOGLE.rounds[2]): False,
    }


async def test_who_answers_again_says_it_in_the_place_of_what_they_said(talk: Talk) -> None:
    """A student counts once for a fact."""
    await met(talk)
    for word in ("yes", "no"):
        await talk.say("I had my interview at google today")
        await talk.say(word)
        await talk.say("/cancel")
    (kept,) = await documents(talk, "company_observations")
    assert (kept["fact"], kept["seen"]) == ("round/dsa", False)


async def test_every_question_can_be_skipped_and_an_old_button_is_known(talk: Talk) -> None:
    await met(talk)
    await talk.play("""
        user: I interviewed at Zoho yesterday
        bot: How was it at Zoho? ...
        user: what do you mean
        bot: Yes, no or don't know is all I need.
        bot: Was there a coding round at Zoho? ...
        user: skip
        bot: Was there a technical round at Zoho? ...
        press: seen:zoho/round/dsa/yes
        bot: That button belongs to something that is over. ...
        bot: Was there a technical round at Zoho? ...
        user: don't know
        bot: Was there a behavioral round at Zoho? ...
        user: skip
        bot: Thank you. ...
    """)
    assert await documents(talk, "company_observations") == []


async def test_the_company_is_asked_for_when_none_is_named(talk: Talk) -> None:
    """From the button among the settings; an unknown one is counted and not asked about."""
    await met(talk)
    await talk.play("""
        user: /settings company
        bot: Which company? Type its name. [I have a date] [I had a real interview] [Cancel]
        press: I had a real interview
        bot: Which company was it? Type its name. [Cancel]
        user: Zyxcorp Ltd.
        bot: I have no pattern for Zyxcorp Ltd yet, so there is nothing to compare. I noted that it is wanted. ...
        user: I had an interview with Google
        bot: How was it at Google? ...
    """)
    (wish,) = await documents(talk, "company_wishes")
    assert wish["company"] == "zyxcorp ltd"


async def test_viva_asks_once_the_day_after(talk: Talk) -> None:
    """At the reminder hour, and never again."""
    await met(talk)
    await talk.play("""
        user: My interview at Google is on Friday
        bot: Noted: Google. I will ask you once how it was, Sat 7 Mar at 19:00. Good luck. [Practise for it]
        after: 120 h
        after: 10 h
        nudge: How was it at Google? ... [Yes] [No] [Don't know] [Cancel]
        press: Cancel
        bot: Cancelled. ...
        after: 30 d
    """)


async def test_what_lacks_of_the_date_is_asked_for(talk: Talk) -> None:
    await met(talk)
    await talk.play("""
        user: /settings company
        bot: ...
        press: I have a date
        bot: Which company, and on which day? For example: Google on Friday. [Cancel]
        user: Amazon
        bot: On which day is it at Amazon? ... [Cancel]
        user: tomorrow
        bot: Noted: Amazon. I will ask you once how it was, Wed 4 Mar at 19:00. ...
        user: my interview at Amazon was yesterday
        bot: How was it at Amazon? ...
        press: Cancel
        bot: Cancelled. ...
        after: 10 d
    """)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Zyxcorp on Friday", "I have no pattern for Zyxcorp yet"),
        ("Friday", "Which company, and on which day?"),
        ("my interview with AWS at Uber is on friday at 3 pm", "Noted: Amazon."),
        ("google, 31 November", "On which day is it at Google?"),
        ("Zyxcorp", "I have no pattern for Zyxcorp yet"),
    ],
)
async def test_a_date_is_understood_or_asked_for_again(talk: Talk, text: str, answer: str) -> None:
    """What was understood stays; a day is no company."""
    await met(talk)
    await talk.say("/settings company")
    await talk.press("I have a date")
    talk.new()
    await talk.say(text)
    assert texts(talk.new())[0].startswith(answer)


async def test_a_time_of_day_is_no_company(talk: Talk) -> None:
    """ "at 3 pm" names nobody; then it is asked."""
    await met(talk)
    await talk.play("""
        user: I had my interview at 3 pm
        bot: Which company was it? Type its name. [Cancel]
    """)
    assert await documents(talk, "company_wishes") == []


async def test_a_late_sweep_does_not_ask_at_night(tmp_path: Path) -> None:
    """In quiet hours the question waits for their end."""
    talk = await Talk.open(tmp_path)
    await met(talk)
    await talk.say("my interview at Google is tomorrow")
    talk.new()
    talk.now = START + timedelta(days=2, hours=16)  # 1 am, the scheduler was away
    await talk.shell().sweep()
    assert talk.new() == []
    await talk.wait(timedelta(hours=8))
    assert texts(talk.new())[0].startswith("How was it at Google?")
    await talk.store.close()


async def test_a_set_up_left_open_waits_beneath_the_question(talk: Talk) -> None:
    """And nobody has to answer: another wish puts the question away."""
    await met(talk)
    await talk.say("my interview at Google is tomorrow")
    await talk.say("/interview short")
    talk.new()
    await talk.play("""
        after: 60 h
        nudge: How was it at Google? ...
        user: skip
        bot: Was there a technical round at Google? ...
        user: skip
        bot: Was there a behavioral round at Google? ...
        user: skip
        bot: Thank you. ...
        bot: Which company? Type its name, or go on without one. ...
        user: /cancel
        bot: Cancelled. ...
        user: I had my interview at Google
        bot: How was it at Google? ...
        user: how am I doing?
        bot: No path yet and no interview. ...
        user: yes
        bot: I did not understand that. ...
    """)


async def test_with_reminders_off_nothing_is_asked_unbidden(talk: Talk) -> None:
    await met(talk)
    await talk.play("""
        user: /reminders off
        bot: ...
        user: my interview at Google is tomorrow
        bot: Good luck at Google. Reminders are off, so I will not ask how it was; ...
        after: 10 d
    """)
    assert (await _fresh(talk)).expected is None


async def test_an_open_question_is_not_disturbed(talk: Talk) -> None:
    """Asked while an interview of ours runs: after it, not in it. A wish in words leaves the interview open."""
    await met(talk)
    await talk.say("my interview at Google is today")
    due = (await _fresh(talk)).expected
    assert due == Expected(company="google", due=datetime(2026, 3, 3, 19, tzinfo=UTC))
    await talk.wait(due.due - talk.now - timedelta(minutes=30))
    await talk.say("/interview one")
    talk.new()
    await talk.wait(timedelta(minutes=45))
    assert talk.new() == []
    await talk.say("/stop")
    talk.new()
    await talk.wait(timedelta(hours=1, minutes=5))
    assert texts(talk.new())[0].startswith("How was it at Google?")


async def test_a_chosen_company_is_said_with_how_sure_that_is(talk: Talk) -> None:
    """Known: rounds with their minutes, source and month. Unknown: the usual pattern, counted once a student."""
    await met(talk)
    for _ in range(2):
        await talk.play("""
            user: /interview short
            bot: Which company? ...
            user: zyxcorp
            bot: I have no pattern for zyxcorp yet, ...
            user: /cancel
            bot: Cancelled. ...
        """)
    await talk.play("""
        user: /interview short
        bot: Which company? ...
        user: goldman
        bot: Goldman Sachs: coding 60, technical 60, behavioral 30 min. People prepare about 8 weeks. Not very sure:
             from a few public pages, looked at in Nov 2026. Tip: ... Which role? Type it, or press one. ...
    """)
    wishes = await documents(talk, "company_wishes")
    assert companies.wanted(wishes) == [("zyxcorp", 1)]


def test_wanted_companies_are_counted_by_their_folded_name() -> None:
    """Most wanted first; nobody's id comes along."""
    names = ["Acme", "ACME", "acme!", "Zyx", "Zyx"]
    numbers = itertools.count()
    wishes = [companies.wish(an_id(str(next(numbers))), name, START).document for name in names]
    assert companies.wanted(wishes) == [("acme", 3), ("zyx", 2)]


# -- days


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on Friday", "2026-11-27"),
        ("on monday", "2026-11-30"),
        ("last Friday", "2026-11-20"),
        ("last monday", "2026-11-16"),
        ("tomorrow morning", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25"),
        ("was yesterday", "2026-11-22"),
        ("in 3 days", "2026-11-26"),
        ("in a week", "2026-11-30"),
        ("5 December", "2026-12-05"),
        ("on the 5th of Dec", "2026-12-05"),
        ("Jan 7th", "2027-01-07"),
        ("20 nov", "2026-11-20"),
        ("3 March 2027", "2027-03-03"),
        ("2026-12-01", "2026-12-01"),
    ],
)
def test_a_day_is_understood(text: str, day: str) -> None:
    """As people write it on a Monday, the 23rd of November."""
    assert day_in(text, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text", ["", "soon", "next week", "31 November", "2026-13-40", "round 2", "maybe 5", "in 2 hours"]
)
def test_no_day_is_guessed(text: str) -> None:
    assert day_in(text, TODAY) is None


def test_every_round_is_asked_about() -> None:
    """The six presses: three rounds and their topics."""
    for company in content().companies.values():
        assert sorted(each.round for each in company.rounds) == sorted(ROUNDS)
        assert all(each.topics for each in company.rounds)
