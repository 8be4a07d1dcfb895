"""What was missed, as cards that come back when FSRS says so. Pure; the algorithm is the package `fsrs`.

A card is rated by evidence: the verdicts on key points, a quiz's right option, a problem's cases. Nobody rates themselves.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from fsrs import Card, Rating, Scheduler, State
from msgspec.structs import replace

from bot.documents import LearningProgress, ReviewCard
from bot.questions import Grade

EASY_FROM = 85  # points: the border between "good" and "strong"

# Days and not minutes: whoever is nudged once a day has no use for a step of ten minutes. No fuzz: the same answers
# give the same days. The rest is the package's default, 90 % recall.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def new(
    *,
    source: str,
    item: str,
    title: str,
    points: Iterable[str],
    at: datetime,
    before: ReviewCard | None = None,
) -> ReviewCard:
    """The card of something missed at `at`; missed again, it is the same card, rated once more."""
    if before is not None:
        return replace(rated(before, Rating.Again, at), points=tuple(points), missed_at=at)
    card, _ = _SCHEDULER.review_card(Card(card_id=0, due=at), Rating.Again, at)
    return ReviewCard(
        source=source,  # type: ignore[arg-type]  # the caller's literal
        item=item,
        title=title,
        points=tuple(points),
        missed_at=at,
        due=card.due,
        last_review=at,
        stability=card.stability or 0.0,
        difficulty=card.difficulty or 0.0,
    )


def rated(card: ReviewCard, rating: Rating, at: datetime) -> ReviewCard:
    """The card after an answer."""
    known = Card(
        card_id=0,
        state=State.Review,
        stability=card.stability,
        difficulty=card.difficulty,
        due=card.due,
        last_review=card.last_review,
    )
    # A clock that jumps back must not make the time since the last review negative.
    after, _ = _SCHEDULER.review_card(known, rating, max(at, card.last_review))
    return replace(
        card,
        due=after.due,
        last_review=max(at, card.last_review),
        stability=after.stability or 0.0,
        difficulty=after.difficulty or 0.0,
        reviews=card.reviews + 1,
        lapses=card.lapses + (rating == Rating.Again),
    )


def of_choice(*, right: bool) -> Rating:
    """Of a quiz question or a run of code."""
    return Rating.Good if right else Rating.Again


def of_grade(grade: Grade, points: Collection[str]) -> Rating | None:
    """Of an answer in words: what counts are the points missed before, by their labels. None when it was not graded."""
    if grade.score is None or not grade.points:
        return None
    wanted = [each for each in grade.points if each.label in points] or grade.points
    covered = sum(each.verdict == "covered" for each in wanted)
    if covered == len(wanted):
        return Rating.Easy if grade.score >= EASY_FROM else Rating.Good
    touched = covered or any(each.verdict == "partial" for each in wanted)
    return Rating.Hard if touched else Rating.Again


def due(rows: Iterable[LearningProgress], at: datetime) -> list[LearningProgress]:
    """The rows whose card is due, the longest waiting first."""
    found = [(row.card.due, row.id, row) for row in rows if row.card is not None and row.card.due <= at]
    return [row for _, _, row in sorted(found, key=lambda each: each[:2])]


def next_due(rows: Iterable[LearningProgress]) -> datetime | None:
    """When the next card is due."""
    return min((row.card.due for row in rows if row.card is not None), default=None)
