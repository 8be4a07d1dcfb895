"""The bank's coding problems: every reference passes, every wrong solution gets its verdict, nothing is asked twice."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.judge.checking import faults
from adapters.judge.judge import CodeJudge
from bot.grader import grade
from bot.problems import problem_file, slugs
from bot.questions import Question
from tests.talk import content

CODING = [each for each in content().questions.values() if each.round == "dsa"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def judge() -> AsyncIterator[CodeJudge]:
    judge = CodeJudge(workers=2)
    yield judge
    await judge.close()


def test_the_bank_is_large_enough() -> None:
    """80 problems over 15 topics, each topic with all three levels, each problem with its cases and solutions."""
    levels = Counter((each.topic, each.difficulty) for each in CODING)
    topics = {each.topic for each in CODING}
    assert len(CODING) >= 80
    assert len(topics) >= 15
    assert all(levels[topic, level] for topic in topics for level in ("easy", "medium", "hard"))
    assert {each.problem for each in CODING} == set(slugs())
    assert len({each.title for each in CODING}) == len(CODING)


@pytest.mark.once
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("slug", slugs())
async def test_references_pass_and_wrong_solutions_get_their_verdict(slug: str, judge: CodeJudge) -> None:
    """On this machine's own engines; the complexity curve is the author's to look at (python -m bot check)."""
    file = problem_file(slug)
    assert file is not None
    assert await faults(file, content(), judge, growth=False) == []


@pytest.mark.parametrize("question", CODING, ids=lambda each: each.problem)
def test_the_answer_to_the_follow_up_is_a_strong_one(question: Question) -> None:
    """What we would say ourselves is graded as such."""
    result = grade(
        question=question.follow_up,
        reference_answer=question.follow_up_answer,
        key_points=question.follow_up_points,
        answer=question.follow_up_answer,
    )
    assert (result.score or 0) >= 90
