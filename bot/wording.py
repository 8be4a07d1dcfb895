"""Which wording a nudge gets: a sleeping, recovering bandit that learns from what followed earlier sends. Pure.

The difference softmax of Yancey and Settles, "A Sleeping, Recovering Bandit Algorithm for Optimizing Recurring
Notifications" (KDD 2020, doi 10.1145/3394486.3403351); where we differ and why: docs/decisions/0011-wording.md. An arm
is a wording. Which kind of nudge is due, when, and which wordings fit the student (are awake) is decided elsewhere.

"The paper's" below is what summaries and replications of it quote, in agreement; sigma is in one of them alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import accumulate
from math import exp, sqrt
from statistics import NormalDist, fmean
from typing import Annotated, Literal, NamedTuple

import msgspec

Policy = Literal["uniform", "learnt", "plain"]

LEARNT_FROM = 1_000  # sends of all kinds; before them every wording is as likely as the next
HELD_OUT = 0.1  # share of students who always get the plain wording, for the others to be compared with
GAMMA = 0.017  # the paper's: what a wording is worth less just after this student got it, as a share of the reward
RECOVERY = 15.0  # days in which half of that is gone; the paper's h
PRIOR = 105.0  # sends that weigh as much as "no different from the others"; the paper's sigma
TEMPERATURE = 0.03  # The paper's is 0.0025, with 88 million sends behind it. After a thousand a score is off by a tenth,
# and so small a temperature would take the luckiest wording for the best one: measured in bench/wording.py.
HALF_LIFE = timedelta(weeks=4)  # in which an outcome's weight halves; measured there, too
TRIED = 50  # remembered sends below which a wording has its even share: they know a rate to 0.07 at best
EXPLORED = 0.1  # share of learnt sends divided evenly: no probability, which weights are one over, gets near to 0, and a
# wording out of fashion is still asked after
CONFIDENCE = 0.95  # of the lift's interval


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One logged send. `eligible`: the wordings it was chosen from. `probability`: what `arm` had when it was chosen.
    `reward`: completed within 24 h, so a send belongs in a log once these are over. `at`: aware UTC."""

    student: str
    kind: str
    arm: str
    eligible: tuple[str, ...]
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)]
    policy: Policy
    reward: bool
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class Score(NamedTuple):
    """`value`: by which share a wording does better (or worse) than the others in its place; 0.1 is a tenth more
    completions. `sends`: those remembered; an outcome one half-life old counts half."""

    value: float
    sends: float


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """By kind, then arm; what was never sent is missing. `sends`: all that were logged, of every kind and policy."""

    by_kind: Mapping[str, Mapping[str, Score]]
    sends: int


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What to log with the send. `probability`: what `arm` had; 1 for the plain one of a student held out."""

    arm: str
    policy: Policy
    probability: float


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Completions within 24 h among `sends` to `students`."""

    sends: int
    completed: int
    students: int

    @property
    def value(self) -> float:
        return self.completed / self.sends


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """Chosen wordings against plain ones. `difference` of the rates, 0.02 being two more in a hundred sends; with
    CONFIDENCE it lies between `low` and `high`."""

    chosen: Rate
    plain: Rate
    difference: float
    low: float
    high: float


def held_out(student_id: str) -> bool:
    """Whether a student always gets the plain wording. The same answer for ever, in every process."""
    # Salted, so that another experiment's tenth are other students.
    digest = sha256(b"nudge wording:" + student_id.encode()).digest()
    return int.from_bytes(digest[:8]) < HELD_OUT * 2**64


def chosen(
    *,
    kind: str,
    eligible: Sequence[str],
    scores: Scores,
    last_got: Mapping[str, float],
    held_out: bool,
    chance: float,
    temperature: float = TEMPERATURE,
) -> Choice:
    """One of the eligible arms, of which there is at least one and the plain one is first. `last_got`: days since this
    student got an arm, absent: never. `chance`: in [0, 1)."""
    if held_out:
        return Choice(arm=eligible[0], policy="plain", probability=1.0)
    learnt = scores.sends >= LEARNT_FROM
    known = scores.by_kind.get(kind, {}) if learnt else {}
    odds = probabilities(eligible, known, last_got, temperature=temperature)
    upto = zip(odds, accumulate(odds.values()), strict=True)
    arm = next((arm for arm, sum_ in upto if chance < sum_), eligible[-1])  # the sums may end just short of 1
    return Choice(arm=arm, policy="learnt" if learnt else "uniform", probability=odds[arm])


def probabilities(
    eligible: Sequence[str],
    known: Mapping[str, Score],
    last_got: Mapping[str, float],
    *,
    temperature: float = TEMPERATURE,
) -> dict[str, float]:
    """Of each eligible arm, adding up to 1. What has hardly been tried, or not of late, has its even share. The others
    divide the rest: a tenth evenly, nine by the softmax of their scores, lowered where the student just got them."""
    tried = {arm: known[arm].value for arm in eligible if arm in known and known[arm].sends >= TRIED}
    now = {arm: value - penalty(last_got.get(arm)) for arm, value in tried.items()}
    best = max(now.values(), default=0.0)  # taken off first, so that nothing overflows
    weights = {arm: exp((value - best) / temperature) for arm, value in now.items()}
    even, total = 1 / len(eligible), sum(weights.values())
    share = len(tried) * even * (1 - EXPLORED)
    return {arm: weights[arm] / total * share + EXPLORED * even if arm in tried else even for arm in eligible}


def penalty(days: float | None) -> float:
    """What an arm's score loses, `days` after this student got it; None: never."""
    return 0.0 if days is None else GAMMA * 0.5 ** (max(0.0, days) / RECOVERY)


class _Sums:
    """What followed some sends. `sends` counts them by freshness; the others weigh them by one over their probability as
    well: all, those completed, and the squares for the effective size."""

    __slots__ = ("gained", "sends", "squares", "weight")

    def __init__(self) -> None:
        self.sends = self.weight = self.gained = self.squares = 0.0

    def hear(self, fresh: float, weight: float, *, reward: bool) -> None:
        self.sends += fresh
        self.weight += fresh * weight
        self.squares += fresh * weight * weight
        if reward:
            self.gained += fresh * weight

    def add(self, other: "_Sums", share: float = 1.0) -> None:
        """Those of `other` as well, with so much of their weight."""
        self.sends += other.sends
        self.weight += other.weight * share
        self.gained += other.gained * share
        self.squares += other.squares * share * share

    def size(self, now: float) -> float:
        """How many fresh sends of equal weight they are worth (Kish)."""
        return self.weight * self.weight / self.squares / now if self.squares else 0.0

    def mean(self, prior: float, now: float) -> float:
        """The weighted share of completions, nearer to the prior the fewer sends there are."""
        size = self.size(now)
        own = self.gained / self.weight if self.weight else 0.0
        return (own * size + prior * PRIOR) / (size + PRIOR)


class Heard:
    """What a log teaches, send by send and in any order. Learnt from are sends with a choice: those of the hold-out and
    those with one eligible wording are counted, and no more."""

    def __init__(self, *, half_life: timedelta = HALF_LIFE) -> None:
        self._half_life = half_life
        self._heard: defaultdict[tuple[str, tuple[str, ...]], dict[str, _Sums]] = defaultdict(dict)
        self._sends, self._now = 0, 1.0
        self._first: datetime | None = None

    def hear(self, each: Sent) -> None:
        """One more."""
        self._sends += 1
        self._first = self._first or each.at
        # Weights that grow instead of old ones that shrink: one pass. Doubled in a half-life, floats hold 1,000 of them.
        fresh = 2.0 ** ((each.at - self._first) / self._half_life)
        self._now = max(self._now, fresh)
        if each.policy != "plain" and len(each.eligible) > 1:
            arms = self._heard[each.kind, each.eligible]
            arms.setdefault(each.arm, _Sums()).hear(fresh, 1 / each.probability, reward=each.reward)

    def scores(self) -> Scores:
        """By kind and wording."""
        plus: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
        minus: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
        for (kind, eligible), arms in self._heard.items():
            for arm in eligible:
                for other, sums in arms.items():
                    if other == arm:
                        plus[kind, arm].add(sums)
                    else:  # as if the others had been equally likely: choosing well among them then raises no bar
                        minus[kind, arm].add(sums, 1 / (len(eligible) - 1))
        by_kind: defaultdict[str, dict[str, Score]] = defaultdict(dict)
        for kind, arm in plus:
            by_kind[kind][arm] = _score(plus[kind, arm], minus[kind, arm], self._now)
        return Scores(by_kind=dict(by_kind), sends=self._sends)


def scores(log: Iterable[Sent], *, half_life: timedelta = HALF_LIFE) -> Scores:
    """What a whole log teaches."""
    heard = Heard(half_life=half_life)
    for each in log:
        heard.hear(each)
    return heard.scores()


def _score(plus: _Sums, minus: _Sums, now: float) -> Score:
    prior = fmean(each.gained / each.weight for each in (plus, minus) if each.weight)
    chosen, others = plus.mean(prior, now), minus.mean(prior, now)
    return Score((chosen - others) / others if others else 0.0, plus.sends / now)


def lift(log: Iterable[Sent]) -> Lift | None:
    """What choosing brings, past the first LEARNT_FROM sends, where there was a choice. None while one side has no
    sends. The interval is Newcombe's hybrid score interval (1998, his method 10)."""
    past = sorted(log, key=lambda each: each.at)[LEARNT_FROM:]
    choice = [each for each in past if len(each.eligible) > 1]
    ours = [each for each in choice if each.policy != "plain"]
    theirs = [each for each in choice if each.policy == "plain"]
    if not ours or not theirs:
        return None
    one, two = _rate(ours), _rate(theirs)
    (low_1, high_1), (low_2, high_2) = _wilson(one.value, _size(ours)), _wilson(two.value, _size(theirs))
    difference = one.value - two.value
    return Lift(
        chosen=one,
        plain=two,
        difference=difference,
        low=difference - sqrt((one.value - low_1) ** 2 + (high_2 - two.value) ** 2),
        high=difference + sqrt((high_1 - one.value) ** 2 + (two.value - low_2) ** 2),
    )


def _rate(log: Sequence[Sent]) -> Rate:
    return Rate(
        sends=len(log),
        completed=sum(each.reward for each in log),
        students=len({each.student for each in log}),
    )


def _size(log: Sequence[Sent]) -> float:
    """How many independent sends these are worth. A student's sends resemble one another (habit), and a hundred to one
    student say less than one to each of a hundred: the design effect, from how students' own rates scatter."""
    by_student: defaultdict[str, list[bool]] = defaultdict(list)
    for each in log:
        by_student[each.student].append(each.reward)
    n, students = len(log), len(by_student)
    mean = sum(each.reward for each in log) / n
    if students == 1 or mean in (0, 1):  # nothing scatters, so nothing is known of it: one send a student
        return students
    between = (
        sum((sum(own) - mean * len(own)) ** 2 for own in by_student.values()) * students / (students - 1)
    )
    effect = between / n**2 / (mean * (1 - mean) / (n - 1))
    return n / max(1.0, effect)


def _wilson(rate: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a rate seen in `n` trials."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return centre - half, centre + half
