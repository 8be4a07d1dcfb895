"""Questions and grades: what is asked, what it is graded on, and what a grade shows.

Shapes only. Grading is in `grader`, choosing questions in `interview`.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

RoundName = Literal["dsa", "technical_qa", "behavioral"]
Difficulty = Literal["easy", "medium", "hard"]
Verdict = Literal["covered", "partial", "missed", "contradicted"]
Band = Literal["weak", "partial", "good", "strong"]

ROUNDS: tuple[RoundName, ...] = ("dsa", "technical_qa", "behavioral")


class KeyPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a good answer says. `alternatives` are other wordings of `point`; `wrong_if` and `signals`
    are regular expressions (ignoring case): the first turn the point round, the second show it by themselves."""

    slug: str
    label: str
    point: str
    alternatives: tuple[str, ...] = ()
    wrong_if: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()

    def bare(self) -> "KeyPoint":
        """What it says, without the wordings it is found by."""
        return KeyPoint(slug=self.slug, label=self.label, point=self.point)


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One worked example of a coding problem, as it is shown."""

    input: str
    output: str
    why: str = ""


class Clarification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of a coding problem when it is asked for. `keywords`: beginnings of words or phrases, one is enough."""

    keywords: tuple[str, ...]
    answer: str


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question as asked. `id`: 24 hex digits, derived from its slug; `topic_title` is what the student reads.
    `complexity`: of the reference solution's time ("O(n log n)"); `problem`: the slug under which its code is judged,
    empty when an explanation is all there is to grade."""

    id: str
    round: RoundName
    topic: str
    topic_title: str
    difficulty: Difficulty
    minutes: int
    question: str
    reference_answer: str
    key_points: tuple[KeyPoint, ...]
    hints: tuple[str, ...] = ()
    title: str = ""
    examples: tuple[Example, ...] = ()
    constraints: tuple[str, ...] = ()
    clarifications: tuple[Clarification, ...] = ()
    complexity: str = ""
    follow_up: str = ""
    follow_up_answer: str = ""
    follow_up_points: tuple[KeyPoint, ...] = ()
    problem: str = ""

    def lean(self) -> "Question":
        """As it is kept once asked: key points without the wordings they are found by, which are most of its size."""
        bare = tuple(each.bare() for each in self.key_points)
        return replace(self, key_points=bare, follow_up_points=tuple(e.bare() for e in self.follow_up_points))


class PointGrade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found of one key point. `quote`: the student's own words, verbatim; empty only when missed.
    `disputed`: the student says that they said it; the verdict stays until an author has looked."""

    slug: str
    label: str
    verdict: Verdict
    quote: str = ""
    disputed: bool = False


class Dimension(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One side of an answer ("correctness"). `score`: 0-5 by the anchors of docs/model.md, None when not judged."""

    name: str
    score: int | None


class Grade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`score`: whole points 0-100; None when it could not be given, and then `reason` says why.
    `flags`: what the grader noticed ("dont_know", "question_copied", "instructions_removed", ...); "fallback": a
    language model should have graded and did not."""

    score: int | None
    points: tuple[PointGrade, ...]
    grader: str
    flags: tuple[str, ...] = ()
    reason: str = ""
    dimensions: tuple[Dimension, ...] = ()


def band(score: int) -> Band:
    """The word for a score; borders are a product choice, not fitted to any grader."""
    if score < 35:
        return "weak"
    if score < 65:
        return "partial"
    return "good" if score < 85 else "strong"
