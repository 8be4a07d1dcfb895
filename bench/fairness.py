"""How fair the embedded grader is to answers by people who never saw the rubrics: `python -m bench.fairness`.

`bench/answers/recall` and `bench/answers/technical`: for each question three right answers, one that leaves a part out and two
mistaken ones, by writers who saw the question alone. The rubrics' authors have read two right answers, the half and one
mistaken one of each; the rest is held out.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Literal

import msgspec

from bot import bank
from bot.bank import Content
from bot.documents import Recall
from bot.grader import NAME, grade
from bot.questions import Question
from bot.stages.reviewing import WEAK_BELOW

ANSWERS = Path(__file__).parent / "answers"
KINDS = ("right", "half", "wrong")
Kind = Literal["right", "half", "wrong"]
Folder = Literal["recall", "technical"]
FOLDERS: tuple[Folder, ...] = ("recall", "technical")


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """To one question. `id`: of the question, or of the resource whose recall question it is."""

    id: str
    right: tuple[str, str, str]
    half: str
    wrong: tuple[str, str]


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with its score, 0-100; 0 as well for what could not be graded. `seen`: by the author of its rubric."""

    subject: str
    kind: Kind
    seen: bool
    score: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Of one subject: shares of answers with enough points (65: less makes a review of it), 0-1, and mean scores."""

    subject: str
    answers: int
    enough: dict[str, float]
    mean: dict[str, float]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    content = bank.load()
    tables = {}
    for folder in FOLDERS:
        answers = list(scored(content, folder))
        tables[f"{folder}, seen by the rubrics' authors"] = table(each for each in answers if each.seen)
        tables[f"{folder}, held out"] = table(each for each in answers if not each.seen)
    for name, rows in tables.items():
        print(f"{NAME}: {name}\n")
        head = "".join(f"{f'{kind} >= {WEAK_BELOW}':>14}{'mean':>6}" for kind in KINDS)
        print(f"{'subject':<20}{'answers':>8}{head}")
        for row in rows:
            told = "".join(
                f"{row.enough[kind]:>14.0%}{row.mean[kind]:>6.0f}" if kind in row.mean else f"{'':>20}"
                for kind in KINDS
            )
            print(f"{row.subject:<20}{row.answers:>8}{told}")
        print()
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        found = {"grader": NAME, "tables": tables}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def table(answers: Iterable[Scored]) -> list[Row]:
    """A row for each subject and one for all."""
    given = list(answers)
    subjects = sorted({each.subject for each in given})
    return [_row(each, [one for one in given if one.subject == each]) for each in subjects] + [
        _row("all", given)
    ]


def _row(subject: str, given: list[Scored]) -> Row:
    kinds = {kind: [each.score for each in given if each.kind == kind] for kind in KINDS}
    present = {kind: scores for kind, scores in kinds.items() if scores}
    return Row(
        subject=subject,
        answers=len(given),
        enough={kind: fmean(score >= WEAK_BELOW for score in scores) for kind, scores in present.items()},
        mean={kind: fmean(scores) for kind, scores in present.items()},
    )


def scored(content: Content, folder: Folder) -> Iterator[Scored]:
    """Every answer of a folder, graded. Raises LookupError for one to a question that is gone."""
    find = content.recall if folder == "recall" else content.question
    for file in sorted((ANSWERS / folder).glob("*.json")):
        for place, answers in enumerate(msgspec.json.decode(file.read_bytes(), type=list[Answers])):
            asked = find(answers.id)
            if asked is None:
                raise LookupError(f"{file.name}: nothing is asked by {answers.id}")
            for kind, seen, answer in _labelled(answers, place):
                yield Scored(
                    subject=file.stem,
                    kind=kind,
                    seen=seen,
                    score=_score(asked, answer),
                )


def _labelled(answers: Answers, place: int) -> Iterator[tuple[Kind, bool, str]]:
    """Which are held out goes by the question's place, for the first is always terse and the last careful."""
    for n, answer in enumerate(answers.right):
        yield "right", n != place % len(answers.right), answer
    yield "half", True, answers.half
    for n, answer in enumerate(answers.wrong):
        yield "wrong", n != place % len(answers.wrong), answer


def _score(asked: Question | Recall, answer: str) -> int:
    given = grade(
        question=asked.question,
        reference_answer=asked.reference_answer,
        key_points=asked.key_points,
        answer=answer,
    )
    return given.score or 0


if __name__ == "__main__":
    main()
