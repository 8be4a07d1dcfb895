"""The embedded grader as the shell and scripts use it: behind the port, and as JSON lines. How it grades is in `grader`."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from bot.grader import grade
from bot.questions import Grade, KeyPoint
from bot.stages import feedback


class EmbeddedGrader:
    """Grades in a worker thread: no network, no key, some milliseconds an answer."""

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        """See `bot.ports.Grader`."""
        return await asyncio.to_thread(
            grade, question=question, reference_answer=reference_answer, key_points=key_points, answer=answer
        )


class _Line(msgspec.Struct, kw_only=True):
    """One answer to grade. A key point is its wording, or a table as in the content files."""

    id: str | int
    question: str
    reference_answer: str
    answer: str
    key_points: list[str | dict[str, Any]] = []
    wrong_if: list[str] = []


def grade_lines(lines: Iterable[str]) -> Iterator[str]:
    """A JSON object for each line that is not empty. A bad line gives {"error", "line"} and the next goes on."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.encode(_graded(msgspec.json.decode(line, type=_Line))).decode()
        except (msgspec.DecodeError, UnicodeError, re.error) as error:
            yield msgspec.json.encode({"error": str(error), "line": number}).decode()


def _graded(line: _Line) -> dict[str, Any]:
    points = [_key_point(each, number) for number, each in enumerate(line.key_points, 1)]
    result = grade(
        question=line.question,
        reference_answer=line.reference_answer,
        key_points=points,
        answer=line.answer,
        wrong_if=line.wrong_if,
    )
    wording = {point.slug: point.point for point in points}
    named = [(wording.get(each.slug, each.label), each.verdict) for each in result.points]
    return {
        "id": line.id,
        "score": result.score,
        "covered": [point for point, verdict in named if verdict in ("covered", "partial")],
        "partial": [point for point, verdict in named if verdict == "partial"],
        "missed": [point for point, verdict in named if verdict in ("missed", "contradicted")],
        "feedback": feedback.stored(result),
        "evidence": {
            point: each.quote for (point, _), each in zip(named, result.points, strict=True) if each.quote
        },
        "flags": list(result.flags),
    }


def _key_point(raw: str | dict[str, Any], number: int) -> KeyPoint:
    if isinstance(raw, str):
        return KeyPoint(slug=str(number), label=raw, point=raw)
    return msgspec.convert({"slug": str(number), "label": raw.get("point", ""), **raw}, KeyPoint)
