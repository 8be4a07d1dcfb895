"""Reports: what they compare, how ready they call a student, what is done with them, and that they can be made anew."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

import adapters.markup
from bot import rubric
from bot.documents import InterviewAttempt, InterviewReport, InterviewSession
from bot.messages import Chart, Message, Paper
from bot.questions import Grade, KeyPoint, PointGrade, Verdict
from bot.readiness import Pressure, pressure, readiness
from bot.sentences import SENTENCES
from bot.stages import reporting
from bot.submissions import Submission, composed, score_of
from storage.schema import from_bson
from tests.talk import START, Talk, content, texts
from tests.test_interview import documents, reference, set_up

ROOT = Path(__file__).parent.parent
PHONE = 600  # characters


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def interviewed(talk: Talk, *, well: bool) -> Message:
    """A short interview, and its report; badly is "no idea" in every round but the first."""
    await set_up(talk)
    for number in (1, 2, 3):
        await talk.say(await reference(talk) if well or number == 1 else "no idea")
        if number < 3:
            await talk.press(talk.last().choices[0].label)
    return next(
        each.message for each in talk.new() if each.message.text.startswith(SENTENCES["report"]["title"])
    )


async def stored(talk: Talk) -> list[InterviewReport]:
    """Newest first."""
    found = [
        msgspec.convert(from_bson(each), InterviewReport)
        for each in await documents(talk, "interview_reports")
    ]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


async def test_report_shows_words_sides_and_what_to_do(talk: Talk) -> None:
    """The student's own words stand beside a strength, sides out of five, and each step has a place on a path or a review."""
    message = await interviewed(talk, well=False)
    read = adapters.markup.plain(message.text)
    assert "✓ " in read
    assert ': "' in read
    assert "Out of 5: correctness 5, completeness 5" in read
    (report,) = await stored(talk)
    assert 0 < len(report.improvement_plan) <= reporting.LONGEST_PLAN
    for step in report.improvement_plan:
        assert step.kind in ("path", "review")
        if step.kind == "path":
            path = content().paths[step.skill]
            assert path.stages[step.stage_number - 1].stage_name == step.stage_name
    assert isinstance(message.picture, Chart)
    assert [each.title.split(" · ")[0] for each in message.picture.sections] == [
        "Coding",
        "Technical",
        "Behavioral",
    ]
    ids = [choice.id.partition(":")[0] for choice in message.choices]
    assert ids[0] == "retry"
    assert "pdf" in ids


async def test_what_was_turned_round_is_quoted_as_a_weakness(tmp_path: Path) -> None:
    """The words that were held against the student stand in the report."""

    class Grader:
        async def grade(self, **_: object) -> Grade:
            wrong = PointGrade(
                slug="a", label="Order", verdict="contradicted", quote="a stack is first in first out"
            )
            missed = PointGrade(slug="b", label="Cost", verdict="missed")
            return Grade(score=10, points=(wrong, missed), grader="test")

    talk = await Talk.open(tmp_path, grader=Grader())
    await set_up(talk)
    await talk.say("a stack is first in first out")
    await talk.say("/stop")
    (report,) = await stored(talk)
    turned, missed = report.rounds[0].weaknesses
    assert turned.endswith(': Order, turned round: "a stack is first in first out"')
    assert missed.endswith(": Cost")
    assert turned in "\n".join(texts(talk.new()))
    await talk.store.close()


async def test_report_is_compared_with_the_one_before(talk: Talk) -> None:
    """Per round the change since the last report; the range of readiness counts the rounds of both."""
    first = await interviewed(talk, well=False)
    assert "last time" not in first.text
    await talk.wait(timedelta(days=2))
    second = await interviewed(talk, well=True)
    new, old = await stored(talk)
    assert new.compared_with == old.id
    assert [each.before for each in new.rounds] == [each.score for each in old.rounds]
    technical = new.rounds[1]
    assert technical.score is not None
    assert f", +{technical.score} (last time 0)" in second.text
    assert new.readiness is not None
    assert new.readiness.rounds == 6
    assert f"Readiness {new.readiness.low}-{new.readiness.high} from 6 rounds." in second.text
    assert isinstance(second.picture, Chart)
    assert [spot.value for spot in second.picture.spots] == [old.score, new.score]


async def test_history_lists_reports_and_opens_them(talk: Talk) -> None:
    """`report all`: newest first, each with date, company and score; a button opens that very report, also later."""
    await interviewed(talk, well=False)
    await talk.wait(timedelta(days=2))
    await interviewed(talk, well=True)
    new, old = await stored(talk)
    await talk.say("report all")
    (listed,) = talk.new()
    assert texts([listed])[0].splitlines()[2:] == [
        f"1: 4 Mar 2026 · General practice · {new.score}",
        f"2: 2 Mar 2026 · General practice · {old.score}",
    ]
    await talk.press("Report of 2 Mar")
    assert f"Overall {old.score}/100" in texts(talk.new())[0]


async def test_share_gives_the_whole_report_as_a_paper(talk: Talk) -> None:
    """Every strength and step is in it, as words; an unknown report is an old button."""
    await interviewed(talk, well=False)
    (report,) = await stored(talk)
    await talk.say("/report")
    await talk.press("Share as PDF")
    sent = talk.new()[-1].message
    assert isinstance(sent.file, Paper)
    lines = [line.text for section in sent.file.sections for line in section.lines]
    assert set(lines) >= {*report.rounds[0].strengths, *(step.text for step in report.improvement_plan)}
    await talk.press(f"pdf:{'0' * 24}")
    assert texts(talk.new()) == [SENTENCES["general"]["old_button"]]


async def test_retry_shows_the_difference(talk: Talk) -> None:
    """The weakest question again; afterwards both scores, and the points that came."""
    await interviewed(talk, well=False)
    await talk.say("/report")
    await talk.press("Retry the weakest")
    talk.new()
    await talk.say(await reference(talk))
    read = texts(talk.new())[0]
    (attempt,) = [
        each
        for each in await documents(talk, "interview_attempts")
        if each["session_id"] != (await stored(talk))[0].session_id
    ][-1:]
    assert f"Then 0, now {attempt['score']} (+{attempt['score']})" in read
    assert "New: " in read
    assert len(read) <= PHONE
    assert len(await stored(talk)) == 1, "a retry makes no report"


async def test_retry_of_what_is_in_no_report_is_an_old_button(talk: Talk) -> None:
    await interviewed(talk, well=True)
    for subject in ("0" * 24, next(iter(content().questions)), ""):
        await talk.press(f"retry:{subject}")
        assert texts(talk.new()) == [SENTENCES["general"]["old_button"]]


async def test_report_made_anew_is_the_same(talk: Talk, tmp_path: Path) -> None:
    """From what is stored, as often as one likes: the same id, the same words, field by field."""
    await interviewed(talk, well=False)
    await talk.wait(timedelta(days=2))
    await interviewed(talk, well=True)
    before = await stored(talk)
    sessions = [
        msgspec.convert(from_bson(each), InterviewSession)
        for each in await documents(talk, "interview_sessions")
    ]
    attempts = [
        msgspec.convert(from_bson(each), InterviewAttempt)
        for each in await documents(talk, "interview_attempts")
    ]
    for report in before:
        (session,) = [each for each in sessions if each.id == report.session_id]
        mine = [each for each in attempts if each.session_id == session.id]
        made = reporting.remade(session, mine, before, content())
        assert made is not None
        assert msgspec.structs.replace(made, rev=report.rev) == report
        lost = [each for each in before if each.id != report.id]
        again = reporting.remade(session, mine, lost, content())
        assert again is not None
        assert (again.id, again.rounds, again.questions) == (report.id, report.rounds, report.questions)
    await talk.store.close()
    run = _command(tmp_path, before[0].session_id)
    assert json.loads(run.stdout)["_id"] == before[0].id, run.stderr
    await talk.store.open()
    after = await stored(talk)
    assert [msgspec.structs.replace(each, rev=0) for each in after] == [
        msgspec.structs.replace(each, rev=0) for each in before
    ]
    missing = _command(tmp_path, "0" * 24)
    assert (missing.returncode, missing.stderr) == (1, f"There is no session {'0' * 24!r}.\n")


def test_code_that_ran_is_reported_by_its_cases_and_parts() -> None:
    """Made anew from the stored submissions: the best one counts, its parts are the sides of the round."""
    asked = next(each for each in content().questions.values() if each.round == "dsa")
    runs = tuple(
        Submission(
            number=number,
            language="python",
            verdict="time_limit",
            passed=passed,
            total=10,
            fast=0,
            large=2,
            engine="test",
            at=START,
            failed="large input",
        )
        for number, passed in ((1, 4), (2, 10), (3, 10))
    )
    parts = composed(runs[1], agreed="right", follow_up=None, talked=False, hints=1)
    session = InterviewSession(
        id="a" * 24,
        student_id="b" * 24,
        company="Google",
        role="SDE",
        resume_text=None,
        jd_text=None,
        status="completed",
        current_round=1,
        rounds=("dsa",),
        created_at=START,
        completed_at=START,
    )
    attempt = InterviewAttempt(
        id="c" * 24,
        session_id=session.id,
        round="dsa",
        question_id=asked.id,
        student_answer="def f(): ...",
        score=score_of(parts),
        feedback="",
        time_taken_seconds=1,
        created_at=START,
        student_id=session.student_id,
        asked=asked,
        status="graded",
        submissions=runs,
        parts=parts,
    )
    report = reporting.remade(session, [attempt], [], content())
    assert report is not None
    (coding,) = report.rounds
    assert (coding.score, coding.weaknesses) == (score_of(parts), (f"{asked.topic_title}: large input",))
    assert {each.name: each.score for each in coding.dimensions} == {
        "correctness": 5, "efficiency": 0, "complexity": 5, "communication": 0,
    }  # fmt: skip


def _command(folder: Path, session: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "report", "--session", session],
        cwd=ROOT,
        env={"DATABASE_URL": f"sqlite:///{folder}/viva.db", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


# Readiness

SCORES = st.lists(st.integers(0, 100), min_size=2, max_size=40)


@given(SCORES)
def test_readiness_is_a_range_within_the_points(scores: list[int]) -> None:
    ready = readiness(scores)
    assert ready is not None
    assert 0 <= ready.low < ready.high <= 100
    assert ready.rounds == len(scores)


@given(st.integers(0, 100), st.integers(2, 30))
def test_readiness_narrows_with_rounds_that_agree(score: int, rounds: int) -> None:
    """One more round with the same score never widens the range by more than rounding does."""
    fewer, more = readiness([score] * rounds), readiness([score] * (rounds + 1))
    assert fewer is not None
    assert more is not None
    assert more.high - more.low <= fewer.high - fewer.low + 1 or fewer.low == 0 or fewer.high == 100


def test_readiness_needs_two_rounds_and_trusts_newer_ones() -> None:
    assert readiness([]) is readiness([90]) is None
    rising, falling = readiness([90, 60, 30]), readiness([30, 60, 90])
    assert rising is not None
    assert falling is not None
    assert rising.low > falling.low
    assert rising.high > falling.high
    alike, apart = readiness([60] * 6), readiness([90, 30] * 3)
    assert alike is not None
    assert apart is not None
    assert alike.high - alike.low < apart.high - apart.low


# Sides


def points(*verdicts: Verdict) -> tuple[PointGrade, ...]:
    return tuple(
        PointGrade(slug=str(n), label="x", verdict=verdict, quote="x" if verdict != "missed" else "")
        for n, verdict in enumerate(verdicts)
    )


@pytest.mark.parametrize(
    ("verdicts", "correctness", "completeness"),
    [
        (("covered", "covered", "covered"), 5, 5),
        (("covered", "covered", "covered", "missed"), 5, 4),
        (("covered", "covered", "contradicted"), 3, 3),
        (("covered", "contradicted"), 2, 3),
        (("partial", "contradicted", "missed"), 1, 1),
        (("contradicted", "missed", "missed"), 0, 0),
        (("missed", "missed", "missed"), None, 0),
    ],
)
def test_sides_of_a_technical_answer(
    verdicts: tuple[Verdict, ...], correctness: int | None, completeness: int
) -> None:
    """Correctness from what was claimed, completeness from what was found; clarity and depth are left open."""
    judged = {each.name: each.score for each in rubric.judged(points(*verdicts), (), story=False)}
    assert judged == {
        "correctness": correctness,
        "completeness": completeness,
        "clarity": None,
        "depth": None,
    }


def test_sides_of_a_story_are_those_its_points_show() -> None:
    """A side shown, shown twice, asked for and not shown, and one that no point asks for."""
    shows = (("situation",), ("action",), ("action",), ("result",), ())
    given = [KeyPoint(slug=str(n), label="x", point="x", shows=each) for n, each in enumerate(shows)]
    found = points("covered", "covered", "covered", "missed", "covered")
    judged = {each.name: each.score for each in rubric.judged(found, given, story=True)}
    assert judged == {
        "situation": 3, "task": None, "action": 4, "result": 1, "ownership": None, "measurable_result": None,
    }  # fmt: skip


def test_every_story_in_the_bank_shows_some_side() -> None:
    """The families of behavioral/rubric.toml lead from each question to sides; silence is a zero on all of them."""
    for question in content().questions.values():
        if question.round == "behavioral":
            shown = {side for point in question.key_points for side in point.shows}
            assert len(shown) >= 2, question.question
            assert shown <= rubric.BEHAVIORAL.keys()
    assert {each.score for each in rubric.judged((), (), story=True, silent=True)} == {0}


# How it is scored


def test_the_measured_figures_are_the_documented_ones() -> None:
    """docs/grading.md and `how_scored` cannot drift apart."""
    page = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    for each in rubric.MEASURED:
        figures = [f"{value:.2f}".lstrip("0") for value in (each.r, each.rho, each.rmse)]
        row = [each.name, str(each.answers), str(each.none), *figures, f"{each.ms:g}", str(each.strangers)]
        assert f"| {' | '.join(row)} |" in page


async def test_how_scored_explains_itself_on_small_screens(talk: Talk) -> None:
    """Figures first, then each side and its six anchors, a button away; an open question is not lost."""
    await set_up(talk)
    open_ = await reference(talk)
    await talk.say("how scored")
    (general,) = talk.new()
    assert all(f"{each.r:.2f} ({each.answers} answers)" in texts([general])[0] for each in rubric.MEASURED)
    assert general.message.choices[-1].label.startswith("Back to question")
    shown: list[Any] = [general]
    for table, sides in (("technical", rubric.TECHNICAL), ("behavioral", rubric.BEHAVIORAL)):
        await talk.press(f"how_scored:{table}")
        for name in sides:
            await talk.press(f"how_scored:{name}")
        shown += (fresh := talk.new())
        for name, message in zip(sides, texts(fresh[1:]), strict=True):
            assert all(anchor in message for anchor in sides[name].anchors)
    assert all(len(each) <= PHONE for each in texts(shown))
    assert await reference(talk) == open_


def test_the_clock_is_judged_by_two_interviews_of_each_kind() -> None:
    """The gap of their means; one of a kind says nothing."""
    assert pressure([(60, True), (70, False), (72, False)]) is None
    assert pressure([(60, True), (62, True), (70, False), (72, False)]) == Pressure(
        gap=-10, timed=2, relaxed=2
    )
