"""Ratings: how hard a question is and how far a student is, on one scale, learnt from graded answers. Pure.

Elo's formula with a graded outcome: an answer of 70 points is an outcome of 0.7, and the rating difference says which was
to be expected. Students' ratings move with each answer; questions' ratings are learnt by `Calibration`, which replays
every graded attempt. What is asked is decided in `bot/stages/planning.py`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bot.questions import Difficulty, RoundName

SCALE = 400  # points of difference for odds of ten to one: Elo's own unit, so that figures read as in chess
PRIOR: dict[Difficulty, int] = {"easy": 1000, "medium": 1200, "hard": 1400}
# 200 points apart: whoever is expected to get 60 of an easy question is expected to get 32 of a medium one.
START = 1200  # a student nobody knows: the middle of the bank, from where both ends are near
TARGET = 0.6  # expected score of a question that is worth asking. A score near one half tells most about the student;
# a little above it leaves more points found than missed, which is what keeps people going.
LEVEL: dict[Difficulty, int] = {"easy": -100, "medium": 0, "hard": 100}
# of a company, added to the wanted rating: half the way to the next difficulty, so that it is felt and nobody drowns.

FIRST_K = 120  # points a student's first answer to a topic can move: three answers cross from easy to hard
LEAST_K = 24  # and the least it ever moves, so that who learns is noticed
POOLED = 3  # answers that weigh as much as what was thought before them: of START, and of the other topics of the round

QUESTION_K = 24  # points; a question has many answers and no progress of its own
TRUSTED = 30  # attempts at which half of what was learnt about a question is believed: one class of students


class Rating(NamedTuple):
    """`value`: Elo points. `answers`: how many it rests on."""

    value: int
    answers: int


Ratings = Mapping[str, Rating]
"""A student's ratings by topic."""


def expected(student: float, question: float) -> float:
    """The share of the points this student is expected to get, 0-1."""
    return 1 / (1 + 10 ** ((question - student) / SCALE))


def standing(ratings: Ratings, topic: str, others: Iterable[str]) -> float:
    """Where a student stands in a topic: what is known of it, and as long as that is little, what `others` (the topics of
    the same round) say."""
    near = [ratings[each] for each in others if each in ratings and each != topic]
    start = (START * POOLED + sum(each.value * each.answers for each in near)) / (
        POOLED + sum(each.answers for each in near)
    )
    own = ratings.get(topic)
    return start if own is None else (start * POOLED + own.value * own.answers) / (POOLED + own.answers)


def rating(ratings: Ratings, topic: str, others: Iterable[str]) -> Rating:
    """What an answer to `topic` moves: its rating, or where the student stands in it before the first one."""
    return ratings.get(topic) or Rating(round(standing(ratings, topic, others)), 0)


def moved(rating: Rating, question: float, score: int) -> int:
    """By how many points an answer of `score` (0-100) moves a student's rating."""
    size = max(LEAST_K, FIRST_K / (1 + rating.answers / 2))
    return round(size * (score / 100 - expected(rating.value, question)))


def learnt(ratings: Ratings, topic: str, was: Rating, by: int) -> dict[str, Rating]:
    """With one more answer to `topic`, which moved it from `was` by so many points."""
    return {**ratings, topic: Rating(was.value + by, was.answers + 1)}


def unlearnt(ratings: Ratings, topic: str, by: int) -> dict[str, Rating]:
    """As before an answer that moved `topic` `by` so many points: it was withdrawn, or is graded anew."""
    was = ratings.get(topic)
    if was is None:
        return dict(ratings)
    rest = {name: rating for name, rating in ratings.items() if name != topic}
    return {**rest, topic: Rating(was.value - by, was.answers - 1)} if was.answers > 1 else rest


class Calibration:
    """Learns questions' ratings from graded attempts, told in the order in which they happened. The same attempts give
    the same ratings, so it may run again at any time."""

    def __init__(self) -> None:
        self._students: dict[tuple[str, RoundName], dict[str, Rating]] = {}
        self._raw: dict[str, tuple[float, int]] = {}
        self._prior: dict[str, int] = {}

    def add(
        self,
        *,
        student: str,
        question: str,
        round_: RoundName,
        topic: str,
        difficulty: Difficulty,
        score: int,
    ) -> None:
        """One graded answer, 0-100."""
        prior = self._prior.setdefault(question, PRIOR[difficulty])
        value, attempts = self._raw.get(question, (float(prior), 0))
        known = self._students.get((student, round_), {})
        them = rating(known, topic, known)
        surprise = score / 100 - expected(them.value, value)
        self._students[student, round_] = learnt(known, topic, them, moved(them, value, score))
        self._raw[question] = (value - QUESTION_K * surprise, attempts + 1)

    def ratings(self) -> dict[str, Rating]:
        """By question: between its prior and what was learnt, nearer to that the more attempts there are."""
        return {
            question: Rating(
                round(self._prior[question] + (value - self._prior[question]) * n / (n + TRUSTED)), n
            )
            for question, (value, n) in self._raw.items()
        }
