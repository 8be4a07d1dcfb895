"""The wording of a nudge: what is likely to be chosen, what is learnt from a log, and what it brings."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from bot import wording
from bot.wording import (
    EXPLORED,
    GAMMA,
    HALF_LIFE,
    LEARNT_FROM,
    PRIOR,
    RECOVERY,
    TRIED,
    Choice,
    Policy,
    Score,
    Scores,
    Sent,
    held_out,
    lift,
    penalty,
    probabilities,
    scores,
)

NOW = datetime(2026, 3, 1, 18, tzinfo=UTC)
ARMS = ("plain", "goal", "question", "streak")
ELIGIBLE = st.lists(st.sampled_from(ARMS), min_size=1, unique=True)
KNOWN = st.dictionaries(
    st.sampled_from(ARMS), st.builds(Score, st.floats(-1, 5), st.floats(0, 10_000, allow_subnormal=False))
)
LAST_GOT = st.dictionaries(st.sampled_from(ARMS), st.floats(-1, 400))
CHANCE = st.floats(0, 1, exclude_max=True)
EVEN = Scores(by_kind={}, sends=LEARNT_FROM)


def sent(
    arm: str = "plain",
    *,
    reward: bool = False,
    at: datetime = NOW,
    student: str = "s1",
    kind: str = "stage",
    eligible: tuple[str, ...] = ("plain", "goal"),
    probability: float = 0.5,
    policy: Policy = "uniform",
) -> Sent:
    return Sent(
        student=student,
        kind=kind,
        arm=arm,
        eligible=eligible,
        probability=probability,
        policy=policy,
        reward=reward,
        at=at,
    )


def followed(arm: str, completed: int, of: int, at: datetime = NOW) -> list[Sent]:
    return [sent(arm, reward=number < completed, at=at) for number in range(of)]


def choose(
    scores: Scores = EVEN,
    *,
    eligible: tuple[str, ...] = ARMS,
    last_got: dict[str, float] | None = None,
    held_out: bool = False,
    chance: float = 0.5,
) -> Choice:
    return wording.chosen(
        kind="stage",
        eligible=eligible,
        scores=scores,
        last_got=last_got or {},
        held_out=held_out,
        chance=chance,
    )


def known(**values: float) -> dict[str, Score]:
    return {arm: Score(value, 1_000) for arm, value in values.items()}


# What is likely.


@given(ELIGIBLE, KNOWN, LAST_GOT)
def test_the_awake_share_one(
    eligible: list[str], known: dict[str, Score], last_got: dict[str, float]
) -> None:
    """Whatever is known, the eligible and nobody else have probabilities, and these add up to 1. None is left out."""
    odds = probabilities(eligible, known, last_got)
    assert list(odds) == eligible
    assert sum(odds.values()) == pytest.approx(1)
    assert min(odds.values()) >= EXPLORED / len(eligible) * 0.999


@given(ELIGIBLE, KNOWN, LAST_GOT, CHANCE, st.integers(0, 5_000))
def test_what_is_logged_is_what_it_was_chosen_with(
    eligible: list[str], known: dict[str, Score], last_got: dict[str, float], chance: float, sends: int
) -> None:
    """The choice is awake, its probability the one it had, and its policy says where that came from."""
    choice = choose(
        Scores(by_kind={"stage": known}, sends=sends),
        eligible=tuple(eligible),
        last_got=last_got,
        chance=chance,
    )
    learnt = sends >= LEARNT_FROM
    odds = probabilities(eligible, known, last_got) if learnt else dict.fromkeys(eligible, 1 / len(eligible))
    assert choice == Choice(
        arm=choice.arm, policy="learnt" if learnt else "uniform", probability=odds[choice.arm]
    )


def test_chance_is_spread_as_the_probabilities_say() -> None:
    """A thousand evenly spaced chances give each arm its share, to within one."""
    scores = Scores(by_kind={"stage": known(plain=0, goal=0.06, question=0.03, streak=-0.2)}, sends=5_000)
    got = [choose(scores, chance=number / 1_000).arm for number in range(1_000)]
    for arm, odd in probabilities(ARMS, scores.by_kind["stage"], {}).items():
        assert got.count(arm) == pytest.approx(1_000 * odd, abs=1)


@given(KNOWN, LAST_GOT, CHANCE, st.integers(0, 5_000))
def test_the_held_out_get_the_plain_wording(
    known: dict[str, Score], last_got: dict[str, float], chance: float, sends: int
) -> None:
    """Always, whatever was learnt, from the first day on."""
    choice = choose(
        Scores(by_kind={"stage": known}, sends=sends), last_got=last_got, chance=chance, held_out=True
    )
    assert choice == Choice(arm="plain", policy="plain", probability=1.0)


@given(CHANCE, LAST_GOT)
def test_evenly_before_a_thousand_sends(chance: float, last_got: dict[str, float]) -> None:
    """However clear the scores look: one send short of it, all arms are alike; with it, they are not."""
    by_kind = {"stage": known(plain=-0.5, goal=3, question=0, streak=0)}
    before = choose(
        Scores(by_kind=by_kind, sends=LEARNT_FROM - 1), chance=chance, last_got=last_got, eligible=ARMS
    )
    assert (before.policy, before.probability) == ("uniform", 0.25)
    after = choose(Scores(by_kind=by_kind, sends=LEARNT_FROM), chance=chance, last_got=last_got)
    assert after.policy == "learnt"
    assert after.probability == pytest.approx(0.925 if after.arm == "goal" else 0.025)


@given(KNOWN, LAST_GOT, st.floats(0, 2))
def test_a_better_score_is_never_less_likely(
    known: dict[str, Score], last_got: dict[str, float], more: float
) -> None:
    """And takes nothing from itself by becoming better."""
    score = known.get("goal", Score(0.0, 500))
    low = probabilities(ARMS, {**known, "goal": score}, last_got)
    high = probabilities(ARMS, {**known, "goal": Score(score.value + more, score.sends)}, last_got)
    assert high["goal"] >= low["goal"] - 1e-12


@given(st.floats(0, 400), st.floats(0, 400))
def test_a_wording_recovers_with_the_days(one: float, two: float) -> None:
    """The longer ago, the smaller the penalty; half of it is gone after RECOVERY days; never got, no penalty."""
    early, late = sorted((one, two))
    assert GAMMA >= penalty(early) >= penalty(late) > penalty(None) == 0
    assert penalty(early + RECOVERY) == pytest.approx(penalty(early) / 2)


def test_what_was_just_got_gives_way() -> None:
    """Of two equals the one got yesterday is less likely, and nearly equal again after three months. A clock that
    jumped back does no harm."""
    two = known(plain=0.1, goal=0.1)

    def odds(days: float) -> float:
        return probabilities(("plain", "goal"), two, {"goal": days})["goal"]

    assert odds(1) < odds(10) < odds(90) < 0.5
    assert odds(90) == pytest.approx(0.5, abs=0.01)
    assert odds(-3) == odds(0)


def test_a_new_wording_has_its_even_share() -> None:
    """Until TRIED sends tell something of it, however good the others are; so has one that nobody got of late."""
    old = known(plain=0, goal=4, question=0)
    for streak in ({}, {"streak": Score(-0.9, TRIED - 1)}):
        odds = probabilities(ARMS, {**old, **streak}, {})
        assert odds["streak"] == 0.25
        assert odds["goal"] > 0.65
    assert probabilities(ARMS, {**old, "streak": Score(-0.9, TRIED)}, {})["streak"] < 0.03


# What is learnt.


def test_a_score_by_hand() -> None:
    """50 of 100 against 30 of 100, each drawn towards 40 % by PRIOR."""
    found = scores(followed("plain", 30, 100) + followed("goal", 50, 100))
    goal, plain = (50 + 0.4 * PRIOR) / (100 + PRIOR), (30 + 0.4 * PRIOR) / (100 + PRIOR)
    assert found.sends == 200
    assert found.by_kind["stage"]["goal"] == pytest.approx((goal / plain - 1, 100))
    assert found.by_kind["stage"]["plain"] == pytest.approx((plain / goal - 1, 100))


def test_little_teaches_little() -> None:
    """The same rates from more sends make a clearer score; kinds learn apart."""
    few = scores(followed("plain", 3, 10) + followed("goal", 5, 10)).by_kind["stage"]["goal"].value
    many = scores(followed("plain", 300, 1_000) + followed("goal", 500, 1_000)).by_kind["stage"]["goal"].value
    assert 0 < few < 0.06
    assert many == pytest.approx(2 / 3, abs=0.15)
    assert scores([sent(kind="review")]).by_kind.keys() == {"review"}


@pytest.mark.parametrize("reward", [False, True])
def test_where_all_is_alike_nothing_is_learnt(*, reward: bool) -> None:
    """Nobody ever completes, or everybody does: all scores are 0."""
    log = [sent(arm, reward=reward) for arm in ("plain", "goal")] * 100
    assert [score.value for score in scores(log).by_kind["stage"].values()] == [0, 0]
    assert scores([]) == Scores(by_kind={}, sends=0)
    assert scores([sent(reward=reward)]).by_kind["stage"]["plain"].value == 0  # nothing else was ever sent


def crowd(seed: int, sends: int = 20_000) -> Iterator[Sent]:
    """No wording changes anything. "streak" is awake for diligent students only, who complete 60 % instead of 20 %;
    and they get "goal" four times out of five, the others once."""
    chance = random.Random(seed)
    for number in range(sends):
        diligent = chance.random() < 0.5
        others = ("plain", "streak") if diligent else ("plain",)
        goal = 0.8 if diligent else 0.2
        arm = "goal" if chance.random() < goal else chance.choice(others)
        yield sent(
            arm,
            reward=chance.random() < (0.6 if diligent else 0.2),
            eligible=("goal", *others),
            probability=goal if arm == "goal" else (1 - goal) / len(others),
            student=str(number),
            policy="learnt",
        )


def test_good_company_makes_no_good_wording() -> None:
    """A wording is compared where it was awake, and each send weighs as much as it was unlikely. By their bare rates
    "streak" (60 %) and "goal" (52 %) would look far better than "plain" (below 30 %)."""
    log = list(crowd(1))
    rates = {
        arm: sum(each.reward for each in log if each.arm == arm) / sum(each.arm == arm for each in log)
        for arm in ("plain", "goal", "streak")
    }
    assert rates["plain"] < 0.3
    assert 0.5 < rates["goal"] < rates["streak"]
    found = scores(log).by_kind["stage"]
    assert found["goal"].value == pytest.approx(0, abs=0.05)
    assert found["streak"].value == pytest.approx(0, abs=0.05)


def test_old_outcomes_fade() -> None:
    """What was best last year is not any more: two half-lives later, as many contrary outcomes outweigh the old ones by
    four to one. And of a wording nobody got since then, few sends are remembered."""
    then = NOW - 2 * HALF_LIFE
    old = followed("goal", 50, 100, then) + followed("plain", 30, 100, then)
    new = followed("goal", 30, 100) + followed("plain", 50, 100)
    found = scores(old + new).by_kind["stage"]
    assert found["goal"].value < 0 < found["plain"].value
    assert found["goal"].sends == pytest.approx(125)
    assert scores(new + old).by_kind["stage"]["goal"] == pytest.approx(found["goal"])  # in any order
    assert scores(old + followed("plain", 50, 100)).by_kind["stage"]["goal"].sends == pytest.approx(25)
    kept = scores(old + new, half_life=timedelta(days=1_000_000)).by_kind["stage"]["goal"]
    assert kept == pytest.approx((0, 200), abs=0.01)


def test_the_hold_out_is_counted_and_not_learnt_from() -> None:
    """Nor is a send that had no other wording to be compared with."""
    log = followed("plain", 30, 100) + followed("goal", 50, 100)
    more = [sent(reward=True, policy="plain", probability=1.0)] * 50
    more += [sent(reward=True, eligible=("plain",), probability=1.0)] * 50
    assert scores(log + more) == Scores(by_kind=scores(log).by_kind, sends=300)


# What it brings.


def test_one_student_in_ten_is_held_out() -> None:
    """The same ones in every process and for ever: five of these forty."""
    assert sum(held_out(f"student-{number}") for number in range(10_000)) == pytest.approx(1_000, abs=100)
    assert [number for number in range(40) if held_out(f"student-{number}")] == [2, 3, 4, 6, 25]


def logged(ours: tuple[int, int], theirs: tuple[int, int]) -> list[Sent]:
    """LEARNT_FROM sends that all were completed, then `(completed, sends)` of either side, each to another student."""
    first = [sent(reward=True, at=NOW - timedelta(days=1), student=f"f{n}") for n in range(LEARNT_FROM)]
    chosen = [sent(reward=n < ours[0], policy="learnt", student=f"c{n}") for n in range(ours[1])]
    plain = [sent(reward=n < theirs[0], policy="plain", student=f"p{n}") for n in range(theirs[1])]
    return [*plain, *chosen, *first]


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_the_interval_is_newcombes(
    ours: tuple[int, int], theirs: tuple[int, int], low: float, high: float
) -> None:
    """His own examples (Statistics in Medicine 17, 1998, table II, method 10), one send a student."""
    found = lift(logged(ours, theirs))
    assert found is not None
    assert (found.chosen.completed, found.chosen.sends) == ours
    assert (found.plain.completed, found.plain.sends) == theirs
    assert found.difference == pytest.approx(ours[0] / ours[1] - theirs[0] / theirs[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00006)


def test_no_lift_without_both_sides() -> None:
    """Nor from the first sends, nor where there was nothing to choose."""
    assert lift([]) is None
    assert lift(logged((5, 10), (0, 0))) is None
    assert lift(logged((0, 0), (5, 10))) is None
    assert lift(logged((5, 10), (5, 10))[:LEARNT_FROM]) is None
    alone = [
        sent(eligible=("plain",), probability=1.0, policy=policy)
        for policy in ("plain", "uniform")
        for _ in "12"
    ]
    assert lift(logged((0, 0), (0, 0)) + alone) is None


def test_many_sends_to_few_students_say_less() -> None:
    """The same rates, but ten students get ten sends each and half of them complete all: the interval is as wide as ten
    sends make it. Where students do not differ, a hundred sends stay a hundred."""
    first = logged((0, 0), (60, 200))
    apart = lift(logged((50, 100), (60, 200)))
    habit = lift(first + [sent(reward=n < 50, policy="learnt", student=f"c{n // 10}") for n in range(100)])
    alike = lift(first + [sent(reward=n < 50, policy="learnt", student=f"c{n % 10}") for n in range(100)])
    assert apart is not None
    assert habit is not None
    assert alike is not None
    assert (habit.difference, habit.chosen.students) == (apart.difference, 10)
    assert (alike.low, alike.high) == (apart.low, apart.high)
    ten = lift(logged((5, 10), (60, 200)))
    assert ten is not None
    assert habit.low == pytest.approx(ten.low, abs=0.03)
    assert habit.high == pytest.approx(ten.high, abs=0.03)


def test_a_student_who_always_completes_is_one_voice() -> None:
    """A side of one student, or without any difference, is as sure as it has students."""
    one = lift([*logged((0, 0), (60, 200)), *[sent(reward=True, policy="learnt")] * 100])
    single = lift(logged((1, 1), (60, 200)))
    assert one is not None
    assert single is not None
    assert (one.low, one.high) == (single.low, single.high)
