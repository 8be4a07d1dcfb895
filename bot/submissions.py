"""What a student's code came to, and how the score of a coding problem is made of it. Pure; nothing runs here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from bot.judging import CaseVerdict, Judgement, Language
from bot.questions import Dimension

LARGE = frozenset({"large input", "worst case", "many queries"})  # classes of cases that ask for speed
HINT_COSTS = 5, 10, 15  # points off for the first, second and third hint
EXPLANATION_MOST = 60  # points of 100 for an explanation where code could have been run
CORRECTNESS, EFFICIENCY, COMPLEXITY, COMMUNICATION = 60, 15, 10, 15  # points each part can bring
TALKED = (
    5  # of communication: a question asked or a plan told before the first code; the rest is the follow-up
)

Agreed = Literal["right", "wrong", "unknown", "skipped"]
"""A stated complexity against the measured growth; "unknown": it could not be measured clearly."""


class Submission(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a student's code. `passed`, `total`: of the cases that ask for correctness; `fast`, `large`: of those
    that ask for speed. `failed`: the class of the first case that was not accepted."""

    number: int
    language: Language
    verdict: CaseVerdict
    passed: int
    total: int
    fast: int
    large: int
    engine: str
    at: datetime
    failed: str = ""

    @property
    def accepted(self) -> int:
        """How many cases of both kinds."""
        return self.passed + self.fast

    @property
    def cases(self) -> int:
        """How many there are."""
        return self.total + self.large


class ScorePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a score. `points`: None when it could not be judged; it is then left out of what there is to get."""

    name: Literal["correctness", "efficiency", "complexity", "communication", "hints"]
    points: int | None
    most: int = 0


def submission(judgement: Judgement, *, number: int, language: Language, at: datetime) -> Submission:
    """What is kept of a judgement."""
    speed = [each for each in judgement.cases if each.category in LARGE]
    rest = [each for each in judgement.cases if each.category not in LARGE]
    failed = next((each.category for each in judgement.cases if each.verdict not in ("accepted", None)), "")
    return Submission(
        number=number,
        language=language,
        verdict=judgement.verdict,
        passed=sum(each.verdict == "accepted" for each in rest),
        total=len(rest),
        fast=sum(each.verdict == "accepted" for each in speed),
        large=len(speed),
        engine=judgement.engine,
        at=at,
        failed=failed,
    )


def is_better(one: Submission, than: Submission | None) -> bool:
    """More cases accepted; of two that are equal the earlier one stays."""
    return than is None or one.accepted > than.accepted


def hint_cost(hints: int) -> int:
    """Points off for so many hints."""
    return sum(HINT_COSTS[:hints])


def composed(
    best: Submission, *, agreed: Agreed, follow_up: int | None, talked: bool, hints: int
) -> tuple[ScorePart, ...]:
    """The parts of a coding problem's score. `follow_up`: 0-100, None when it was not answered."""
    share = best.fast / best.large if best.large else None
    complexity = {"right": COMPLEXITY, "wrong": 0, "skipped": 0, "unknown": None}[agreed]
    talk = (TALKED if talked else 0) + round((COMMUNICATION - TALKED) * (follow_up or 0) / 100)
    parts = [
        ScorePart(
            name="correctness", points=round(CORRECTNESS * best.passed / max(1, best.total)), most=CORRECTNESS
        ),
        ScorePart(
            name="efficiency", points=None if share is None else round(EFFICIENCY * share), most=EFFICIENCY
        ),
        ScorePart(name="complexity", points=complexity, most=COMPLEXITY),
        ScorePart(name="communication", points=talk, most=COMMUNICATION),
    ]
    if hints:
        parts.append(ScorePart(name="hints", points=-hint_cost(hints)))
    return tuple(parts)


def score_of(parts: Sequence[ScorePart]) -> int:
    """Whole points 0-100: what was got of what could be judged, less the hints."""
    judged = [each for each in parts if each.points is not None and each.most]
    got = sum(each.points or 0 for each in judged)
    off = sum(each.points or 0 for each in parts if not each.most)
    return max(0, round(100 * got / max(1, sum(each.most for each in judged))) + off)


def dimensions_of(parts: Sequence[ScorePart]) -> tuple[Dimension, ...]:
    """The same parts on the scale of 0-5 that all rounds share."""
    return tuple(
        Dimension(name=each.name, score=None if each.points is None else round(5 * each.points / each.most))
        for each in parts
        if each.most
    )
