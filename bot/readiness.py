"""How ready a student is, as a range that narrows with evidence. Pure arithmetic over the scores of rounds."""

from collections.abc import Sequence
from math import sqrt

import msgspec

FEWEST = 2  # rounds; one says nothing about the next
FEWEST_OF_EACH = 2  # interviews by the clock and without; one of a kind may be a bad day
PRIOR_MEAN, PRIOR_SPREAD = 50, 20  # points: what is known of someone who was never asked
PRIOR_WEIGHT = 1.0  # rounds; it counts as much as one
FADING = 0.85  # of a round's weight with each newer one: four rounds ago it counts half
WIDTH = 1.28  # standard errors to each side: the mean lies within in 8 of 10 cases, were scores normal


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Points 0-100, from `rounds` scored rounds."""

    low: int
    high: int
    rounds: int


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """What the clock does to the scores. `gap`: points, below zero when they are lower by the clock; of so many
    interviews with it (`timed`) and without."""

    gap: int
    timed: int
    relaxed: int


def pressure(scores: Sequence[tuple[int, bool]]) -> Pressure | None:
    """From overall scores and whether they were by the clock; None below two interviews of each kind."""
    timed = [score for score, by_clock in scores if by_clock]
    relaxed = [score for score, by_clock in scores if not by_clock]
    if min(len(timed), len(relaxed)) < FEWEST_OF_EACH:
        return None
    gap = round(sum(timed) / len(timed) - sum(relaxed) / len(relaxed))
    return Pressure(gap=gap, timed=len(timed), relaxed=len(relaxed))


def readiness(scores: Sequence[int]) -> Readiness | None:
    """From the scores of rounds, newest first; None below two. The range is the weighted mean, the prior counted in,
    plus and minus its error: many rounds narrow it, rounds that differ widen it."""
    if len(scores) < FEWEST:
        return None
    weighted = [(FADING**age, score) for age, score in enumerate(scores)]
    weighted.append((PRIOR_WEIGHT, PRIOR_MEAN))
    whole = sum(weight for weight, _ in weighted)
    mean = sum(weight * score for weight, score in weighted) / whole
    spread = sum(weight * (score - mean) ** 2 for weight, score in weighted) + PRIOR_WEIGHT * PRIOR_SPREAD**2
    error = sqrt(spread / whole / whole)
    return Readiness(
        low=max(0, round(mean - WIDTH * error)),
        high=min(100, round(mean + WIDTH * error)),
        rounds=len(scores),
    )
