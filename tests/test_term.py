"""The simulated term of the benchmarks, in small: it runs, it comes out the same again, and its checks can fail."""

import pytest

from bench import _checks
from bench._diary import Saw, Term
from bench._tamper import TAMPERS, tampered
from bench.term import figures, simulated
from tests.talk import content


@pytest.fixture(scope="module")
def term() -> Term:
    return simulated(content(), seed=2, students=8, weeks=2)


def test_two_weeks_of_eight_students_have_no_fault(term: Term) -> None:
    """Students learn, are nudged and review, and everything they saw is as it should be."""
    assert _checks.faults(term, content()) == []
    found = figures(term)
    assert (
        min(found[each] for each in ("nudges", "opened", "completed", "reviews answered", "quizzes ended"))
        > 0
    )


@pytest.mark.parametrize("name", TAMPERS)
def test_fault_in_the_diary_is_told_with_student_and_time(term: Term, name: str) -> None:
    """Each kind of fault, put into a diary, makes its check say so."""
    spoilt, expected = tampered(term, name)
    found = [each for each in _checks.faults(spoilt, content()) if expected in each]
    assert found
    assert all(each.startswith("student ") and " UTC: " in each for each in found)


def test_the_same_seed_gives_the_same_term() -> None:
    """What everybody saw, to the letter; another seed gives another."""
    first, second, other = (simulated(content(), seed=seed, students=3, weeks=1) for seed in (5, 5, 6))
    assert _seen(first) == _seen(second) != _seen(other)


def _seen(term: Term) -> list[list[tuple[str, str]]]:
    return [
        sorted((each.id, each.text) for each in diary.entries if isinstance(each, Saw))
        for diary in term.diaries
    ]
