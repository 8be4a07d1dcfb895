"""The daily run that learns how hard questions are: from graded attempts only, again and again the same."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot import calibration, elo
from bot.documents import InterviewAttempt, InterviewQuestion, insert, update
from bot.ports import Store
from tests.documents import ANN, AT, an_id, attempt, bank_question, conversation

ASKED = attempt("x").asked


def graded(number: int, score: int | None, **changes: Any) -> InterviewAttempt:
    """Another student's answer to the same question."""
    one = attempt(f"a{number}", student=an_id(f"student {number}"), at=AT + timedelta(minutes=number))
    status = "graded" if score is not None else "not_graded"
    return replace(one, asked=ASKED, question_id=ASKED.id, score=score, **{"status": status, **changes})


async def kept(store: Store, *attempts: InterviewAttempt) -> None:
    record = await store.load(ANN)
    expected = record.version if record else 0
    await store.commit(ANN, conversation(ANN), expected=expected, writes=[insert(each) for each in attempts])


async def stored(store: Store) -> dict[str, Any]:
    (question,) = [each async for each in store.export("interview_questions")]
    return question


async def seeded(store: Store) -> InterviewQuestion:
    question = replace(bank_question("x"), id=ASKED.id, rating=elo.PRIOR["easy"])
    await store.seed("interview_questions", [question])
    return question


async def test_questions_learn_from_graded_attempts(store: Store) -> None:
    """Sixty zeros make an easy question harder; the second run finds nothing to change."""
    await seeded(store)
    await kept(store, *(graded(n, 0) for n in range(60)))
    assert await calibration.calibrate(store) == 1
    question = await stored(store)
    assert question["rating"] > elo.PRIOR["easy"] + 100
    assert question["rated"] == 60
    assert question["question"] == "Why x? (1)"
    assert await calibration.ratings(store) == {ASKED.id: question["rating"]}
    assert await calibration.calibrate(store) == 0


async def test_what_was_taken_back_or_not_scored_does_not_count(store: Store) -> None:
    await seeded(store)
    await kept(store, graded(1, 0, status="withdrawn"), graded(2, None), graded(3, 40))
    await calibration.calibrate(store)
    assert (await stored(store))["rated"] == 1


async def test_a_question_the_bank_never_had_is_left_alone(store: Store) -> None:
    await kept(store, graded(1, 40))
    await calibration.calibrate(store)
    assert [each async for each in store.export("interview_questions")] == []


async def test_seeding_keeps_what_was_learnt(store: Store) -> None:
    """Until the entry itself is another."""
    question = await seeded(store)
    await store.revise([update(InterviewQuestion, question.id, rating=1300, rated=50)])
    await store.seed("interview_questions", [question])
    assert (await stored(store))["rating"] == 1300
    await store.seed("interview_questions", [replace(question, content_version="2")])
    assert (await stored(store))["rated"] == 0
