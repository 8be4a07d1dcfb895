"""How ready a student is, as a range that narrows with evidence. Pure arithmetic over the scores of rounds."""

from collections.abc import Sequence
from math import sqrt

import msgspec

FEWEST = 2  # rounds; one says nothing about the next
PRIOR_MEAN, PRIOR_SPREAD = 50, 20  # points: what is known of someone who was never asked
PRIOR_WEIGHT = 1.0  # rounds; it counts as much as one
FADING = 0.85  # of a round's weight with each newer one: four rounds ago it counts half
WIDTH = 1.28  # standard errors to each side: the mean lies within in 8 of 10 cases, were scores normal


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Points 0-100, from `rounds` scored rounds."""

    low: int
    high: int
    rounds: int


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
