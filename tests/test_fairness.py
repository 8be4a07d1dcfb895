"""The answers that the grader's fairness is measured with: there for every question, and copied into no rubric."""

import msgspec
import pytest

from bench.fairness import ANSWERS, Answers
from tests.talk import content


def answers_in(folder: str) -> list[Answers]:
    files = sorted((ANSWERS / folder).glob("*.json"))
    return [each for file in files for each in msgspec.json.decode(file.read_bytes(), type=list[Answers])]


def test_every_recall_and_technical_question_has_answers() -> None:
    """Once each; a question that goes takes its answers along."""
    recalls = [r.resource_id for path in content().paths.values() for s in path.stages for r in s.resources]
    technical = [each.id for each in content().questions.values() if each.round == "technical_qa"]
    assert sorted(each.id for each in answers_in("recall")) == sorted(recalls)
    assert sorted(each.id for each in answers_in("technical")) == sorted(technical)


@pytest.mark.parametrize("folder", ["recall", "technical"])
def test_no_rubric_copies_an_answer(folder: str) -> None:
    """A wording found in the answers it is measured with measures nothing."""
    find = content().recall if folder == "recall" else content().question
    for each in answers_in(folder):
        asked = find(each.id)
        assert asked is not None
        written = {_plain(w) for point in asked.key_points for w in (point.point, *point.alternatives)}
        given = {_plain(answer) for answer in (*each.right, each.half, *each.wrong)}
        assert not written & given


def _plain(text: str) -> str:
    return " ".join(text.lower().replace(".", " ").split())
