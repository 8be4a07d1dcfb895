"""What a student says they said: the line an author reads, with the place of the key point whose wordings may grow."""

from collections.abc import Mapping
from typing import Any

from bot.documents import Document, InterviewQuestion

_FOLDERS = {"dsa": "dsa", "technical_qa": "technical", "behavioral": "behavioral"}


def disputed_point(
    attempt: Mapping[str, Any], point: Mapping[str, Any], asked: Document | None
) -> dict[str, Any]:
    """One disputed point of a stored attempt. `place` is where to add a wording; empty when the question is gone."""
    place = ""
    if isinstance(asked, InterviewQuestion):
        folder = _FOLDERS[asked.round]
        place = f"{folder}/{asked.topic}.toml, question {asked.slug!r}, key point {point['slug']!r}"
    return {
        "attempt": str(attempt["_id"]),
        "place": place,
        "point": point["label"],
        "verdict": point["verdict"],
        "question": attempt["asked"]["question"],
        "answer": attempt["student_answer"],
        "score": attempt["score"],
        "disputed_at": attempt["disputed_at"].isoformat() if attempt.get("disputed_at") else None,
    }
