"""The first questions a student meets, graded on answers as students type them.

`data/openers.toml` was written and sorted into right, half right and wrong before any of it was graded.
"""

import tomllib
from pathlib import Path

import pytest

from bot import bank
from bot.documents import InterviewQuestion
from bot.grader import grade

pytestmark = pytest.mark.once

SORTS = {"right": range(65, 101), "half": range(35, 65), "wrong": range(35)}
ANSWERS = tomllib.loads((Path(__file__).parent / "data" / "openers.toml").read_text(encoding="utf-8"))[
    "openers"
]
QUESTIONS = {
    f"{entry.topic}:{entry.slug}": entry
    for kind in bank.load().documents.values()
    for entry in kind
    if isinstance(entry, InterviewQuestion)
}


def graded_as_meant(name: str, answers: dict[str, list[str]]) -> list[bool]:
    """Of each answer to a question, whether its score is that of its sort."""
    entry = QUESTIONS[name]
    return [
        grade(
            question=entry.question,
            reference_answer=entry.reference_answer,
            key_points=entry.key_points,
            answer=answer,
        ).score
        in scores
        for sort, scores in SORTS.items()
        for answer in answers[sort]
    ]


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda each: each["question"])
def test_each_opener_tells_right_from_wrong(answers: dict[str, list[str]]) -> None:
    """No opener grades more than one answer in five otherwise than its sort deserves."""
    meant = graded_as_meant(str(answers["question"]), answers)
    assert sum(meant) >= 0.8 * len(meant)


def test_openers_tell_right_half_right_and_wrong() -> None:
    """Of all answers to openers nine in ten get the score of their sort: right 65 or more, wrong less than 35."""
    meant = [fits for answers in ANSWERS for fits in graded_as_meant(answers["question"], answers)]
    assert sum(meant) >= 0.9 * len(meant)
