"""Whether choosing the wording finds the better one, and finds it anew when tastes change.

    python -m bench.wording --json bench/results/wording.json [--sweep 4]

Students get about four nudges a week for 32 weeks, of two kinds with five wordings each, two of which do not always fit.
How likely they complete is known here: their own habit, times what the wording brings, less what it has worn off (most
just after they got it). After 16 weeks tastes change. A tenth is held out. Scores are learnt anew once a week.

Shares of sends that got the best wording awake: while choosing evenly, in the 8 weeks before the change, in the 4 after
it, and in the last 8. "gain": expected completions, all weeks, against an even choice among the same; "at most": what
the best choice each time would gain. "lift": what the product itself would report. `--sweep` compares temperatures and
half-lives, the mean of so many seeds.
"""

import argparse
import json
import random
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from bot import wording
from bot.wording import Choice, Lift, Scores, Sent

START = datetime(2026, 3, 2, 18, tzinfo=UTC)
WEEKS, CHANGE = 32, 16  # the change: before this week
DAILY = 4 / 7  # chance of a nudge on a day
HABIT = (3.0, 7.0)  # of a beta distribution: students complete 30 % on average, most of them 15 to 45 %
WORN, WEARS = (
    0.06,
    10.0,
)  # what a wording brings less just after it was got; days in which half of that is gone.
# On purpose not the chooser's own figures.
AWAKE = {"streak": 0.5, "friend": 0.7}  # chance that a wording fits; the others always do
KINDS = ("stage", "review")
TASTES = {  # what a wording brings, as a share of the plain one's completions: before the change and after it
    "strong": (
        {"plain": 0.0, "goal": 0.25, "question": 0.1, "streak": 0.15, "friend": -0.1},
        {"plain": 0.0, "goal": -0.1, "question": 0.25, "streak": 0.05, "friend": 0.1},
    ),
    "slight": (
        {"plain": 0.0, "goal": 0.1, "question": 0.04, "streak": 0.06, "friend": -0.04},
        {"plain": 0.0, "goal": -0.04, "question": 0.1, "streak": 0.02, "friend": 0.04},
    ),
    "none": (dict.fromkeys(("plain", "goal", "question", "streak", "friend"), 0.0),) * 2,
}
SMALL = 200  # students
LOGS = 200  # whose intervals are looked at
CASES = (("strong", SMALL), ("strong", 1_000), ("slight", 1_000), ("none", 1_000))  # tastes, students
# In weeks:
SPANS = {"before": (CHANGE - 8, CHANGE), "4 after": (CHANGE, CHANGE + 4), "last 8": (WEEKS - 8, WEEKS)}
RISE = 1.5  # times the even share that the best wording must reach, both times, where tastes are strong
TEMPERATURES = (0.0025, 0.01, 0.02, 0.03, 0.05, 0.1)
HALF_LIVES = (1, 2, 4, 8, 16, 1_000)  # weeks; the last forgets nothing


class Told(NamedTuple):
    """A logged send, its week, and what chance and choice have to do with it. `even`: what an even choice would have
    completed on average, `best`: whether it got the best wording awake."""

    sent: Sent
    week: int
    expected: float
    even: float
    most: float
    best: bool


class Year(NamedTuple):
    told: list[Told]
    lift: Lift


def simulated(
    seed: int,
    taste: str,
    students: int,
    *,
    temperature: float = wording.TEMPERATURE,
    half_life: timedelta = wording.HALF_LIFE,
) -> Year:
    """What was sent. The same seed gives the same."""
    chance = random.Random(f"{taste} {students} {seed}")
    habits = {f"s{seed}-{number}": chance.betavariate(*HABIT) for number in range(students)}
    got: dict[tuple[str, str, str], int] = {}
    told: list[Told] = []
    scores = Scores(by_kind={}, sends=0)
    for day in range(7 * WEEKS):
        if day % 7 == 0:
            scores = wording.scores((each.sent for each in told), half_life=half_life)
        tastes = TASTES[taste][day >= 7 * CHANGE]
        for student, habit in habits.items():
            if chance.random() >= DAILY:
                continue
            kind = chance.choice(KINDS)
            eligible = tuple(arm for arm in tastes if chance.random() < AWAKE.get(arm, 1))
            since = {arm: day - got[key] for arm in eligible if (key := (student, kind, arm)) in got}
            rates = {
                arm: habit
                * (1 + tastes[arm])
                * (1 - (WORN * 0.5 ** (since[arm] / WEARS) if arm in since else 0))
                for arm in eligible
            }
            choice = wording.chosen(
                kind=kind,
                eligible=eligible,
                scores=scores,
                last_got=since,
                held_out=wording.held_out(student),
                chance=chance.random(),
                temperature=temperature,
            )
            got[student, kind, choice.arm] = day
            sent = _sent(student, kind, eligible, choice, day, reward=chance.random() < rates[choice.arm])
            told.append(
                Told(
                    sent=sent,
                    week=day // 7,
                    expected=rates[choice.arm],
                    even=statistics.fmean(rates.values()),
                    most=max(rates.values()),
                    best=tastes[choice.arm] == max(tastes[arm] for arm in eligible),
                )
            )
    lift = wording.lift(each.sent for each in told)
    assert lift is not None
    return Year(told, lift)


def _sent(
    student: str, kind: str, eligible: tuple[str, ...], choice: Choice, day: int, *, reward: bool
) -> Sent:
    return Sent(
        student=student,
        kind=kind,
        arm=choice.arm,
        eligible=eligible,
        probability=choice.probability,
        policy=choice.policy,
        reward=reward,
        at=START + timedelta(days=day),
    )


def measured(year: Year) -> dict[str, float]:
    """The row of the table."""
    ours = [each for each in year.told if each.sent.policy != "plain"]
    spans = {name: [each for each in ours if a <= each.week < b] for name, (a, b) in SPANS.items()}
    spans = {"evenly": [each for each in ours if each.sent.policy == "uniform"], **spans}
    even = sum(each.even for each in ours)
    return {
        **{name: statistics.fmean(each.best for each in those) for name, those in spans.items()},
        "gain": sum(each.expected for each in ours) / even - 1,
        "at most": sum(each.most for each in ours) / even - 1,
        "lift": year.lift.difference,
        "low": year.lift.low,
        "high": year.lift.high,
    }


def found(seeds: int) -> dict[str, list[dict[str, float]]]:
    """By case, one row a seed."""
    table: dict[str, list[dict[str, float]]] = {}
    head = "".join(f"{name:>9}" for name in ("evenly", *SPANS, "gain", "at most"))
    print(f"{'tastes, students':18}{'seed':>5}{head}  lift (95 %)")
    for taste, students in CASES:
        rows = table[f"{taste}, {students:,}"] = []
        for seed in range(seeds):
            row = measured(simulated(seed, taste, students))
            rows.append(row)
            shares = "".join(f"{row[name]:9.0%}" for name in ("evenly", *SPANS))
            gains = f"{row['gain']:+9.1%}{row['at most']:+9.1%}"
            interval = f"{row['lift']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
            print(f"{taste + ', ' + format(students, ','):18}{seed:5}{shares}{gains}  {interval}", flush=True)
    return table


def swept(seeds: int) -> dict[str, dict[str, float]]:
    """Gain by temperature and by half-life, the mean of so many seeds."""
    table: dict[str, dict[str, float]] = {}
    options = [(f"temperature {each}", each, wording.HALF_LIFE) for each in TEMPERATURES]
    options += [
        (f"half-life {each} weeks", wording.TEMPERATURE, timedelta(weeks=each)) for each in HALF_LIVES
    ]
    cases = {f"{taste}, {students:,}": (taste, students) for taste, students in CASES if taste != "none"}
    print(f"\n{'gain':24}" + "".join(f"{name:>16}" for name in cases))
    for name, temperature, half_life in options:
        table[name] = {
            case: statistics.fmean(
                measured(simulated(seed, *of, temperature=temperature, half_life=half_life))["gain"]
                for seed in range(seeds)
            )
            for case, of in cases.items()
        }
        print(f"{name:24}" + "".join(f"{each:+16.1%}" for each in table[name].values()), flush=True)
    return table


def covered(logs: int) -> dict[str, float]:
    """How many of so many logs have an interval that holds the truth, when nothing makes a difference: as it is, and if
    every send were taken for a student of its own, as the textbook's interval takes it."""
    held = {"as it is": 0, "textbook": 0}
    for seed in range(logs):
        chance = random.Random(f"covered {seed}")
        habits = {f"s{seed}-{number}": chance.betavariate(*HABIT) for number in range(SMALL)}
        log = [
            _sent(
                student,
                KINDS[0],
                ("plain", "goal"),
                Choice(arm="plain", policy="plain" if wording.held_out(student) else "learnt", probability=1),
                day,
                reward=chance.random() < habit,
            )
            for student, habit in habits.items()
            for day in range(7 * CHANGE)
            if chance.random() < DAILY
        ]
        apart = [msgspec.structs.replace(each, student=str(number)) for number, each in enumerate(log)]
        for name, those in (("as it is", log), ("textbook", apart)):
            lift = wording.lift(those)
            assert lift is not None
            held[name] += lift.low <= 0 <= lift.high
    return {name: number / logs for name, number in held.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print; 1 when the better wording is not found or not found again."""
    parser = argparse.ArgumentParser(prog="python -m bench.wording", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--sweep", type=int, default=0, help="seeds for other temperatures and half-lives; 0: none"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    table = found(given.seeds)
    sweeps = swept(given.sweep) if given.sweep else {}
    coverage = covered(LOGS)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in coverage.items())
    print(f"\nIntervals of 95 % that hold the truth, {LOGS} logs of {SMALL} students: {shares}")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {"seeds": table, "sweep": sweeps, "coverage": coverage}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    strong = {case: of for case, of in table.items() if case.startswith("strong")}
    passed = all(
        row[span] > RISE * row["evenly"]
        for of in strong.values()
        for row in of
        for span in ("before", "last 8")
    ) and all(row["low"] > 0 for row in strong["strong, 1,000"])  # two hundred students are too few for that
    print(
        f"The best wording found, and found again after the change, and seen in the lift: {'yes' if passed else 'NO'}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
