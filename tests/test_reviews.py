"""Cards: due when FSRS says so, rated by evidence."""

from datetime import UTC, datetime, timedelta

import pytest
from fsrs import Card, Rating, Scheduler
from hypothesis import given, strategies as st
from msgspec.structs import replace

from bot import reviews
from bot.documents import ReviewCard
from bot.questions import Grade, PointGrade, Verdict
from tests.documents import row

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RATINGS = st.sampled_from(list(Rating))


def new(at: datetime = AT, *, before: ReviewCard | None = None, points: tuple[str, ...] = ()) -> ReviewCard:
    return reviews.new(source="quiz", item="sql/having", title="SQL", points=points, at=at, before=before)


@given(st.lists(st.tuples(RATINGS, st.floats(0, 400))))
def test_intervals_are_those_of_the_package(answers: list[tuple[Rating, float]]) -> None:
    """The same ratings at the same times give the same due dates as the package's own card, early or late."""
    scheduler = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    at = AT
    theirs, _ = scheduler.review_card(Card(card_id=1, due=at), Rating.Again, at)
    ours = new()
    assert (ours.due, ours.stability, ours.difficulty) == (theirs.due, theirs.stability, theirs.difficulty)
    for rating, days in answers:
        at += timedelta(days=days)
        theirs, _ = scheduler.review_card(theirs, rating, at)
        ours = reviews.rated(ours, rating, at)
        assert (ours.due, ours.stability, ours.difficulty) == (
            theirs.due,
            theirs.stability,
            theirs.difficulty,
        )
    assert ours.reviews == len(answers)
    assert ours.lapses == sum(rating == Rating.Again for rating, _ in answers)


@given(st.lists(st.tuples(RATINGS, st.floats(-400, 400))))
def test_no_card_is_due_in_less_than_a_day(answers: list[tuple[Rating, float]]) -> None:
    """Whatever the ratings, and with a clock that jumps back, too: it is as if no time had passed."""
    card, at = new(), AT
    assert card.due - at >= DAY
    for rating, days in answers:
        at += timedelta(days=days)
        before, card = card, reviews.rated(card, rating, at)
        assert card.last_review == max(at, before.last_review)
        assert card.due - card.last_review >= DAY
        assert card.stability > 0
        assert 1 <= card.difficulty <= 10


def test_missed_again_is_the_same_card_rated_once_more() -> None:
    """With the points missed this time, and harder than before."""
    first = reviews.rated(new(points=("NULLs",)), Rating.Good, AT + DAY)
    again = new(AT + 9 * DAY, before=first, points=("Order",))
    assert again.points == ("Order",)
    assert again.missed_at == again.last_review == AT + 9 * DAY
    assert (again.reviews, again.lapses) == (first.reviews + 1, first.lapses + 1)
    assert again.difficulty > first.difficulty
    assert again.due < again.missed_at + (first.due - first.last_review)


def test_better_answers_come_back_later() -> None:
    """Again, hard, good, easy: each at least as far off as the one before."""
    card = reviews.rated(new(), Rating.Good, AT + DAY)
    due = [reviews.rated(card, each, card.due).due for each in sorted(Rating)]
    assert due == sorted(due)
    assert due[0] < due[-1]


def graded(score: int | None, **points: Verdict) -> Grade:
    return Grade(
        score=score,
        grader="test",
        points=tuple(PointGrade(slug=name, label=name, verdict=each) for name, each in points.items()),
    )


@pytest.mark.parametrize(
    ("grade", "missed", "rating"),
    [
        (graded(95, nulls="covered", order="covered"), ("nulls",), Rating.Easy),
        (
            graded(70, nulls="covered", order="missed"),
            ("nulls",),
            Rating.Good,
        ),  # what counts was missed before
        (graded(70, nulls="missed", order="covered"), ("nulls",), Rating.Again),
        (graded(70, nulls="partial", order="covered"), ("nulls",), Rating.Hard),
        (graded(50, nulls="covered", order="missed"), ("nulls", "order"), Rating.Hard),
        (graded(50, nulls="covered", order="missed"), ("reworded since",), Rating.Hard),  # then all of them
        (graded(0, nulls="missed", order="missed"), (), Rating.Again),
        (graded(None, nulls="missed"), ("nulls",), None),
        (graded(20), ("nulls",), None),  # a score without evidence says nothing of a point
    ],
)
def test_an_answer_is_rated_by_its_evidence(
    grade: Grade, missed: tuple[str, ...], rating: Rating | None
) -> None:
    """By the points missed before; what was not graded moves nothing."""
    assert reviews.of_grade(grade, missed) == rating


def test_a_choice_is_right_or_not() -> None:
    """Nothing between."""
    assert reviews.of_choice(right=True) == Rating.Good
    assert reviews.of_choice(right=False) == Rating.Again


def test_what_is_due_comes_by_how_long_it_waits() -> None:
    """A card that is due this instant is due; one due later, and a row without a card, are not."""
    rows = [
        row(name, card=replace(new(), due=AT + timedelta(hours=hours)) if hours is not None else None)
        for name, hours in (("late", -1), ("latest", -5), ("now", 0), ("later", 2), ("none", None))
    ]
    assert [each.card.due for each in reviews.due(rows, AT) if each.card] == [
        AT - timedelta(hours=5),
        AT - timedelta(hours=1),
        AT,
    ]
    assert reviews.next_due(rows) == AT - timedelta(hours=5)
    assert reviews.next_due([row("none")]) is None
