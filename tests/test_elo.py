"""Ratings: what an answer says about a student, and many answers about a question."""

import random

import pytest
from hypothesis import given, strategies as st

from bot import elo
from bot.elo import PRIOR, START, Calibration, Rating, expected, learnt, moved, standing, unlearnt

POINTS = st.integers(600, 1800)
SCORES = st.integers(0, 100)


@given(POINTS, POINTS)
def test_expectations_of_both_sides_add_up(one: int, two: int) -> None:
    """And the stronger of two is expected to win."""
    assert expected(one, two) + expected(two, one) == pytest.approx(1)
    assert (expected(one, two) > 0.5) == (one > two)


@given(POINTS, POINTS, SCORES, SCORES, st.integers(0, 50))
def test_a_better_answer_never_lowers(value: int, question: int, low: int, high: int, answers: int) -> None:
    """More points, more rating; the full score never costs and no point never gains; a step has a limit."""
    low, high = sorted((low, high))
    rating = Rating(value, answers)
    assert moved(rating, question, low) <= moved(rating, question, high)
    assert moved(rating, question, 0) <= 0 <= moved(rating, question, 100)
    assert abs(moved(rating, question, high)) <= elo.FIRST_K


def test_early_answers_count_more() -> None:
    """120 points for the first surprise, 24 once much is known."""
    sizes = [moved(Rating(START, answers), START, 100) for answers in (0, 1, 4, 8, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (elo.FIRST_K // 2, elo.LEAST_K // 2)


@given(
    st.dictionaries(
        st.sampled_from(["sql", "git"]), st.tuples(POINTS, st.integers(1, 9)).map(lambda r: Rating(*r))
    ),
    st.integers(-120, 120),
)
def test_what_was_learnt_can_be_taken_back(ratings: dict[str, Rating], by: int) -> None:
    """As if the answer had not been given."""
    was = elo.rating(ratings, "sql", ["git"])
    assert unlearnt(learnt(ratings, "sql", was, by), "sql", by) == ratings


def test_a_topic_nobody_asked_about_starts_where_its_neighbours_are() -> None:
    """And is its own, the more answers there are."""
    strong = {"sql": Rating(1500, 6), "git": Rating(1500, 6)}
    assert standing({}, "java", ["sql", "git"]) == START
    assert START < standing(strong, "java", ["sql", "git"]) < 1500
    few = standing({**strong, "java": Rating(900, 1)}, "java", ["sql", "git"])
    many = standing({**strong, "java": Rating(900, 20)}, "java", ["sql", "git"])
    assert 900 < many < few < standing(strong, "java", ["sql", "git"])


def answers(truth: dict[str, int], students: int, seed: int = 1) -> list[tuple[str, str, int]]:
    """Students of all strengths answer every question; scores scatter around what is expected."""
    rng = random.Random(seed)
    told = []
    for number in range(students):
        strength = rng.gauss(START, 150)
        for question, rating in truth.items():
            score = 100 * expected(strength, rating) + rng.gauss(0, 15)
            told.append((f"s{number}", question, max(0, min(100, round(score)))))
    return told


def calibrated(told: list[tuple[str, str, int]]) -> dict[str, Rating]:
    learning = Calibration()
    for student, question, score in told:
        learning.add(
            student=student,
            question=question,
            round_="technical_qa",
            topic="sql",
            difficulty="medium",
            score=score,
        )
    return learning.ratings()


def test_a_hard_question_is_found_out_in_time() -> None:
    """Three questions called medium, of which one is easy and one hard: after 200 students the order is right and the
    difference clear; after ten nothing much has moved."""
    truth = {"easy": 1000, "medium": 1200, "hard": 1400}
    few, many = calibrated(answers(truth, 10)), calibrated(answers(truth, 200))
    assert all(abs(rating.value - PRIOR["medium"]) <= 40 for rating in few.values())
    assert many["easy"].value + 80 < many["medium"].value < many["hard"].value - 80
    assert {rating.answers for rating in many.values()} == {200}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["q", "r"]), SCORES), max_size=40))
def test_the_same_attempts_give_the_same_ratings(told: list[tuple[str, str, int]]) -> None:
    """And few of them leave a question near what its difficulty says."""
    once = calibrated(told)
    assert once == calibrated(told)
    for rating in once.values():
        limit = elo.QUESTION_K * rating.answers * rating.answers / (rating.answers + elo.TRUSTED)
        assert abs(rating.value - PRIOR["medium"]) <= limit + 1
