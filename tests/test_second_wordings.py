"""The promise that a wrong idea is found in other words too.

The wordings in `data/second_wordings.toml` are written without a look at the patterns of the bank. When one of them
is paid for, the content is mended, by a more general pattern of what is wrong; the wording stays as it is.
"""

import tomllib
from pathlib import Path

import pytest

from bot import bank
from bot.documents import InterviewQuestion
from bot.grader import grade
from bot.questions import ROUNDS

pytestmark = pytest.mark.once


WORDINGS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "data" / "second_wordings.toml").read_text(encoding="utf-8")
)
QUESTIONS = [d for d in bank.load().documents["interview_questions"] if isinstance(d, InterviewQuestion)]


def wordings(entry: InterviewQuestion) -> list[str]:
    key = f"{entry.topic}:{entry.slug}"
    return [WORDINGS[table][key] for table in (entry.round, "looked_at") if key in WORDINGS.get(table, {})]


@pytest.mark.parametrize(
    ("entry", "wording"),
    [
        pytest.param(q, w, id=f"{q.round}:{q.topic}:{q.slug}-{n}")
        for q in QUESTIONS
        for n, w in enumerate(wordings(q))
    ],
)
def test_the_same_wrong_idea_in_other_words_is_not_paid_for(entry: InterviewQuestion, wording: str) -> None:
    """A typical wrong answer stays below 50 as another student says it."""
    graded = grade(
        question=entry.question,
        reference_answer=entry.reference_answer,
        key_points=entry.key_points,
        answer=wording,
    )
    assert graded.score is not None
    assert graded.score < 50, {p.slug: (p.verdict, p.quote) for p in graded.points}


@pytest.mark.parametrize("round_name", ROUNDS)
def test_every_misconception_has_a_second_wording(round_name: str) -> None:
    """A question that joins the bank brings one along."""
    asked = {f"{q.topic}:{q.slug}" for q in QUESTIONS if q.round == round_name}
    assert asked - WORDINGS[round_name].keys() == set()


def test_no_second_wording_is_left_behind() -> None:
    """Each belongs to a question of the bank."""
    known = {f"{q.topic}:{q.slug}" for q in QUESTIONS}
    assert {key for table in WORDINGS.values() for key in table} <= known
