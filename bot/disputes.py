"""What a student says they said: the line an author reads, with the place whose wordings may grow."""

from collections.abc import Mapping
from typing import Any

from bot.bank import Content
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


def disputed_recall(row: Mapping[str, Any], content: Content) -> dict[str, Any]:
    """The same of an answer to a recall question, or of a review in words: the place is the whole question's."""
    card, disputed = row.get("card"), row["disputed"]
    item = card["item"] if row["kind"] == "review" and card else row["resource_id"]
    place, question = _recall(item, content)
    return {
        "row": str(row["_id"]),
        "place": place,
        "question": question,
        "answer": disputed["answer"],
        "score": disputed["score"],
        "disputed_at": disputed["at"].isoformat(),
    }


def _recall(item: str, content: Content) -> tuple[str, str]:
    """Where its question stands, and how it reads; empty when it is gone."""
    for skill, path in content.paths.items():
        for stage in path.stages:
            for each in stage.resources:
                if each.resource_id == item:
                    return f"paths/{skill}.toml, resource {each.title!r}", each.recall.question
    asked = content.question(item)
    if asked is None:
        return "", ""
    return f"{_FOLDERS[asked.round]}/{asked.topic}.toml", asked.question
