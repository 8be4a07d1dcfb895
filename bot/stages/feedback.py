"""How a grade reads: as a message, as the stored sentence, and as the session's result."""

from bot.conversation import Result
from bot.messages import plain
from bot.questions import Grade, PointGrade, Question, band
from bot.sentences import SENTENCES, say

LONGEST_FEEDBACK = 560  # characters, so that the whole message stays under 600
LONGEST_EVIDENCE = 260  # characters, beside a score of 300
SHORTEST_QUOTE = 24  # characters: below that a quote shows nothing


def message(grade: Grade, *, code: bool = False, before: int | None = None, following: str = "") -> str:
    """The feedback to one answer: band, points with the student's words, what was not detected, the score.
    `before`: the score before a follow-up; `following`: the next follow-up."""
    head = [_head(grade, before)]
    tail = _notes(grade)
    tail += [following] if following else []
    if code and grade.score:
        tail.append(say("feedback.explanation_only"))
    missed = [point.label for point in grade.points if point.verdict == "missed"]
    if missed and grade.score is not None:
        tail.insert(0, say("feedback.not_detected", labels="; ".join(plain(each) for each in missed)))
    shown = [point for point in grade.points if point.verdict != "missed"] if grade.score is not None else []
    room = LONGEST_FEEDBACK - sum(len(line) + 1 for line in head + tail)
    return "\n".join(head + _points(shown, room) + tail).replace("\n", "  \n")


def evidence(grade: Grade) -> str:
    """The points alone: what was found, with the student's words, and what was not detected."""
    missed = [point.label for point in grade.points if point.verdict == "missed"]
    tail = [say("feedback.not_detected", labels="; ".join(plain(each) for each in missed))] if missed else []
    shown = [point for point in grade.points if point.verdict != "missed"]
    return "  \n".join(_points(shown, LONGEST_EVIDENCE) + tail)


def stored(grade: Grade) -> str:
    """The feedback as the attempt keeps it: one line, no markup."""
    if grade.score is None:
        return say("feedback.stored_no_score", reason=reason_of(grade))
    found = ", ".join(point.label for point in grade.points if point.verdict in ("covered", "partial"))
    missed = ", ".join(point.label for point in grade.points if point.verdict not in ("covered", "partial"))
    nothing = say("feedback.nothing")
    return say(
        "feedback.stored",
        band=say(f"bands.{band(grade.score)}"),
        score=grade.score,
        found=found or nothing,
        missed=missed or nothing,
    )


def result(question: Question, attempt: str, grade: Grade) -> Result:
    """What the report needs of it."""
    return Result(
        attempt=attempt,
        question=question.id,
        round=question.round,
        topic=question.topic,
        topic_title=question.topic_title,
        score=grade.score,
        reason=grade.reason,
        found=tuple(point.label for point in grade.points if point.verdict == "covered"),
        not_detected=tuple(point.label for point in grade.points if point.verdict != "covered"),
    )


def found_of(points: tuple[PointGrade, ...]) -> str:
    """How many points were found, a half for one found in part: "2", "2½"."""
    whole = sum(point.verdict == "covered" for point in points)
    halves = sum(point.verdict == "partial" for point in points)
    whole, half = whole + halves // 2, halves % 2
    return f"{whole or ''}½" if half else str(whole)


def reason_of(grade: Grade) -> str:
    """Why there is no score, in a sentence."""
    known = SENTENCES["reasons"]
    return known.get(grade.reason, known["failed"])


def _head(grade: Grade, before: int | None) -> str:
    if before is not None:
        after = max(before, grade.score or 0)
        return say("feedback.head_after", band=say(f"bands.{band(after)}"), before=before, score=after)
    if grade.score is None:
        return say("feedback.head_no_score")
    name = say(f"bands.{band(grade.score)}")
    return say("feedback.head", band=name, found=found_of(grade.points), total=len(grade.points))


def _notes(grade: Grade) -> list[str]:
    if grade.score is None:
        return [say("feedback.no_score", reason=reason_of(grade))]
    lines = [say("feedback.estimate", score=grade.score)]
    if "dont_know" in grade.flags:
        lines.append(say("feedback.dont_know"))
    if "fallback" in grade.flags:
        lines.append(say("feedback.fallback"))
    if "instructions_removed" in grade.flags:
        lines.append(say("feedback.injected"))
    return lines


def _points(points: list[PointGrade], room: int) -> list[str]:
    """A line a point; the quotes share the room there is."""
    bare = [say(f"feedback.{point.verdict}", label=plain(point.label), quote="") for point in points]
    each = (room - sum(len(line) + 1 for line in bare)) // max(1, len(points))
    lines = []
    for point in points:
        quote = _fitting(point.quote, max(SHORTEST_QUOTE, each))
        lines.append(say(f"feedback.{point.verdict}", label=plain(point.label), quote=quote))
    return lines


def _fitting(quote: str, limit: int) -> str:
    """A student's words made safe for the markup, cut at a word so that they take at most `limit` characters."""
    words = " ".join(quote.split())
    while len(plain(words)) > limit and " " in words:
        words = words.rsplit(" ", 1)[0]
    if len(plain(words)) > limit:
        words = words[: limit // 2]
    return plain(words)
