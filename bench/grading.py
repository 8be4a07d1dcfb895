"""How well the embedded grader agrees with human grades, zero-shot: `python -m bench.grading --data FOLDER`.

Each CSV file of the folder is a set with the columns question_id, question, reference_answer, student_answer and
score (0-1). `<name>_keypoints.json` beside `<name>_*.csv` gives key points by question id. Nothing is fitted here.
"""

import argparse
import csv
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import StatisticsError, correlation, fmean

import msgspec

from bot.grader import NAME, grade
from bot.questions import Grade, KeyPoint

STRANGERS = 300  # good answers a set that are graded against another question of the set


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with the grade that a person gave it, 0-1."""

    question_id: str
    question: str
    reference_answer: str
    student_answer: str
    score: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A set's figures. `rmse`: of 0-1. `strangers`: mean score of good answers to another question, 0-100."""

    name: str
    answers: int
    not_graded: int
    r: float
    rho: float
    rmse: float
    ms: float
    strangers: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("VIVA_GRADING_DATA"))
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    if not arguments.data or not (files := sorted(arguments.data.glob("*.csv"))):
        parser.error("a folder with CSV files is needed: --data or VIVA_GRADING_DATA")
    results = [measured(file) for file in files]
    print(
        f"{NAME}\n{'set':<24}{'answers':>8}{'none':>6}{'r':>7}{'rho':>7}{'RMSE':>7}{'ms':>7}{'strangers':>11}"
    )
    for x in results:
        print(
            f"{x.name:<24}{x.answers:>8}{x.not_graded:>6}{x.r:>7.3f}{x.rho:>7.3f}{x.rmse:>7.3f}{x.ms:>7.2f}{x.strangers:>11.1f}"
        )
    if arguments.json:
        arguments.json.write_bytes(
            msgspec.json.format(msgspec.json.encode({"grader": NAME, "sets": results}))
        )


def measured(file: Path) -> Result:
    """The figures of one set."""
    rows = list(_rows(file))
    points = _key_points(file)
    started = time.process_time()
    grades = [_graded(row, row.student_answer, points) for row in rows]
    spent = time.process_time() - started
    both = [(g.score / 100, row.score) for g, row in zip(grades, rows, strict=True) if g.score is not None]
    ours, theirs = [x for x, _ in both], [y for _, y in both]
    return Result(
        name=file.stem,
        answers=len(rows),
        not_graded=len(rows) - len(both),
        r=_correlation(ours, theirs),
        rho=_correlation(_ranks(ours), _ranks(theirs)),
        rmse=sqrt(fmean((x - y) ** 2 for x, y in both)),
        ms=1000 * spent / len(rows),
        strangers=_strangers(rows, points),
    )


def _rows(file: Path) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            if line["score"] and line["reference_answer"]:
                yield msgspec.convert(line, Row, strict=False)


def _key_points(file: Path) -> dict[str, tuple[KeyPoint, ...]]:
    beside = file.with_name(f"{file.stem.split('_')[0]}_keypoints.json")
    written: dict[str, list[str]] = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    return {
        question: tuple(
            KeyPoint(slug=f"point-{n}", label=point[:32], point=point) for n, point in enumerate(points, 1)
        )
        for question, points in written.items()
    }


def _graded(row: Row, answer: str, points: dict[str, tuple[KeyPoint, ...]]) -> Grade:
    return grade(
        question=row.question,
        reference_answer=row.reference_answer,
        key_points=points.get(row.question_id, ()),
        answer=answer,
    )


def _strangers(rows: Sequence[Row], points: dict[str, tuple[KeyPoint, ...]]) -> float:
    chance = random.Random(1)
    good = [row for row in rows if row.score >= 0.5]
    pairs = [(chance.choice(rows), chance.choice(good)) for _ in range(STRANGERS)]
    scores = [_graded(a, b.student_answer, points).score for a, b in pairs if a.question_id != b.question_id]
    return fmean(score for score in scores if score is not None)


def _correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    try:
        return correlation(xs, ys)
    except StatisticsError:  # one of them is constant
        return 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Equal values share the mean of their places."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values)):
        places.setdefault(value, []).append(place)
    return [fmean(places[value]) for value in values]


if __name__ == "__main__":
    main()
