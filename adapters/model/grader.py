"""Grading by a language model: what it claims is checked against the answer, and the score is ours.

The model gives verdicts, quotes and dimensions. A verdict without words of the student is dropped, the score follows
from what is left, and where the model fails the embedded grader's grade stands, flagged "fallback". How, and how far
to trust it: docs/model.md.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from statistics import fmean, median_low
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from adapters.model import prompt
from adapters.model.client import Client, ModelError
from bot import text
from bot.grader import MAX_ANSWER, is_story, sentences_as_points, without_instructions
from bot.matching import MAX_QUOTE
from bot.ports import Grader
from bot.questions import Dimension, Grade, KeyPoint, PointGrade, Verdict

DEADLINE = 45.0  # s for all samples of an answer: the shell gives up after 60
NAME = "model-1"  # changes with the prompt and with the figures below

_WORTH: dict[Verdict, float] = {"covered": 1.0, "partial": 0.5, "missed": 0.0, "contradicted": 0.0}
_POINTS = 0.7  # of the score rests on the key points, for they are quoted; the rest on the dimensions
_WEIGHTS = {"correctness": 5, "completeness": 3}  # every other dimension: 1
_UNSHOWN = 0.1  # the most without a single quote: fluency alone earns nothing
_WRONG = (0.25, 0.4, 0.6, 0.8, 1.0, 1.0)  # the most by correctness: right words do not outweigh wrong ones
_DOUBTED = (
    10  # points: an answer to which the embedded grader gives fewer has nearly nothing of the reference,
)
_GAIN = 40  # so that the model may add at most these
_HEAP = 40  # the most for terms in a row or words in a heap, as with the embedded grader
_HEAPED = ("keyword_list", "shuffled_words")
_CERTAIN = ("empty", "dont_know")  # nothing to ask a model about
_KEPT = (
    "too_long",
    "instructions_removed",
    "repeated",
    *_HEAPED,
)  # of the embedded grader's flags; the rest it judges

_AROUND = " \t\r\n\"'“”‘’«»…,;:."  # what models put around a quotation; ours are found without it
_RANKS: tuple[Verdict, ...] = ("contradicted", "missed", "partial", "covered")

log = logging.getLogger("viva.model")


class ModelGrader:
    """Asks one model twice, three times when it disagrees with itself."""

    def __init__(self, client: Client, *, model: str, embedded: Grader) -> None:
        self._client = client
        self._model = model
        self._embedded = embedded

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        """See `bot.ports.Grader`."""
        embedded = await self._embedded.grade(
            question=question, reference_answer=reference_answer, key_points=key_points, answer=answer
        )
        if embedded.score is None or any(flag in embedded.flags for flag in _CERTAIN):
            return embedded
        points = tuple(key_points) or tuple(sentences_as_points(reference_answer))
        job = _Job(question, reference_answer, points, answer[:MAX_ANSWER])
        try:
            async with asyncio.timeout(DEADLINE):
                samples = await self._samples(job)
        except (ModelError, TimeoutError) as error:
            cause = error.kind if isinstance(error, ModelError) else "deadline"
            log.warning("embedded grade in place of the model's cause=%s", cause)
            return replace(embedded, flags=(*embedded.flags, "fallback"))
        return _grade(job, samples, embedded, f"{NAME}/{self._model}")

    async def _samples(self, job: "_Job") -> list["_Sample"]:
        """Two that agree, or what three tries gave, at least two. Raises ModelError."""
        first = await asyncio.gather(self._tried(job, 0), self._tried(job, 1))
        samples = [each for each in first if not isinstance(each, ModelError)]
        if not samples:
            raise next(each for each in first if isinstance(each, ModelError))
        if len(samples) == 1 or _disagree(*samples):
            samples.append(await self._asked(job, 2))
        return samples

    async def _tried(self, job: "_Job", turn: int) -> "_Sample | ModelError":
        try:
            return await self._asked(job, turn)
        except ModelError as error:
            return error

    async def _asked(self, job: "_Job", turn: int) -> "_Sample":
        content = await self._client.complete(
            model=self._model,
            system=prompt.system(job.dimensions),
            user=prompt.task(
                question=job.question,
                reference_answer=job.reference,
                key_points=_ordered(job.points, turn),
                answer=job.evidence.kept,
            ),
            schema=prompt.schema(job.dimensions),
        )
        return _sample(content, job)


class _Job:
    """One answer with what it is examined on."""

    def __init__(self, question: str, reference: str, points: tuple[KeyPoint, ...], answer: str) -> None:
        self.question = question
        self.reference = reference
        self.points = points
        self.story = is_story(points)
        self.dimensions = prompt.BEHAVIORAL if self.story else prompt.TECHNICAL
        self.evidence = _Evidence(answer)


class _Evidence:
    """Finds quotes in an answer, less what in it is said to the grader. Case, accents, look-alikes, invisible
    characters and the width of gaps do not matter; words and their order do."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.kept = without_instructions(answer)
        # No quote reaches over what was taken out.
        cut = "".join(k if k == a else "\0" for k, a in zip(self.kept, answer, strict=True))
        self._folded, self._at = text.fold(cut)

    def find(self, quote: str) -> str:
        """The student's own words that `quote` repeats, at most MAX_QUOTE characters; empty when they did not say it."""
        words = text.fold(quote)[0].strip(_AROUND).split()
        if not words or not text.content_stems(text.tokens(quote)):  # "the" shows nothing
            return ""
        pattern = r"\s+".join(re.escape(word) for word in words)
        before = r"(?<!\w)" if _is_letter(words[0][0]) else ""
        after = r"(?!\w)" if _is_letter(words[-1][-1]) else ""
        match = re.search(before + pattern + after, self._folded)
        if match is None:
            return ""
        return text.cut(self._answer[self._at[match.start()] : self._at[match.end() - 1] + 1], MAX_QUOTE)


def _is_letter(char: str) -> bool:
    return char == "_" or char.isalnum()


def _ordered(points: tuple[KeyPoint, ...], turn: int) -> tuple[KeyPoint, ...]:
    """Another order every turn: at temperature 0 the same request gets the same reply, and what stands first is
    judged more kindly."""
    half = len(points) // 2
    return (points, points[::-1], points[half:] + points[:half])[turn]


# What the model says, checked.


class _SaidPoint(msgspec.Struct, frozen=True):
    slug: str
    verdict: Literal["covered", "half", "missed", "contradicted"]
    quote: str | None = None


class _Said(msgspec.Struct, frozen=True):
    """Any further field, a score among them, is not read."""

    key_points: list[_SaidPoint]
    dimensions: dict[str, Annotated[int, msgspec.Meta(ge=0, le=5)]]


class _Sample(NamedTuple):
    """One reply, as far as it holds: a quote of the student for every verdict but "missed"."""

    points: Mapping[str, PointGrade]
    dimensions: Mapping[str, int]


def _sample(content: str, job: _Job) -> _Sample:
    """Raises ModelError for a reply that is not what was asked for."""
    bare = content[content.find("{") : content.rfind("}") + 1]  # a fence or a sentence around it does no harm
    try:
        said = msgspec.json.decode(bare, type=_Said)
    except (msgspec.DecodeError, UnicodeError):  # its text may quote the answer
        raise ModelError("bad output") from None
    by_slug = {point.slug: point for point in said.key_points}
    asked = [point.slug for point in job.points]
    if sorted(point.slug for point in said.key_points) != sorted(asked):
        raise ModelError("bad output")
    if said.dimensions.keys() != job.dimensions.keys():
        raise ModelError("bad output")
    points = {point.slug: _held(point, by_slug[point.slug], job.evidence) for point in job.points}
    return _Sample(points, said.dimensions)


def _held(point: KeyPoint, said: _SaidPoint, evidence: _Evidence) -> PointGrade:
    quote = evidence.find(said.quote or "") if said.verdict != "missed" else ""
    if not quote:
        return PointGrade(slug=point.slug, label=point.label, verdict="missed")
    verdict: Verdict = "partial" if said.verdict == "half" else said.verdict
    return PointGrade(slug=point.slug, label=point.label, verdict=verdict, quote=quote)


def _disagree(a: _Sample, b: _Sample) -> bool:
    """By more than one point on a dimension, or by more than one step on a key point."""
    return any(abs(a.dimensions[name] - b.dimensions[name]) > 1 for name in a.dimensions) or any(
        abs(_rank(a.points[slug]) - _rank(b.points[slug])) > 1 for slug in a.points
    )


def _rank(point: PointGrade) -> int:
    return _RANKS.index(point.verdict)


# The grade.


def _grade(job: _Job, samples: Sequence[_Sample], embedded: Grade, grader: str) -> Grade:
    points = tuple(_middle([sample.points[point.slug] for sample in samples]) for point in job.points)
    dimensions = {name: median_low(sample.dimensions[name] for sample in samples) for name in job.dimensions}
    flags = [flag for flag in embedded.flags if flag in _KEPT]
    flags += ["contradictions"] * any(point.verdict == "contradicted" for point in points)
    flags += ["samples_disagreed"] * (len(samples) > 2)
    score, most = _score(points, dimensions, story=job.story), _most(embedded)
    shown = any(point.quote for point in points)
    return Grade(
        score=min(score, most),
        points=points,
        grader=grader,
        flags=(*flags, "capped") if most < score else tuple(flags),
        # What rests on nothing that was said is not passed on.
        dimensions=tuple(
            Dimension(name=name, score=value if shown else None) for name, value in dimensions.items()
        ),
    )


def _middle(samples: Sequence[PointGrade]) -> PointGrade:
    """The middle verdict with its own quote; of two the stricter one."""
    middle = median_low(_rank(point) for point in samples)
    return next(point for point in samples if _rank(point) == middle)


def _score(points: Sequence[PointGrade], dimensions: Mapping[str, int], *, story: bool) -> int:
    shown = fmean(_WORTH[point.verdict] for point in points)
    weights = {name: 1 if story else _WEIGHTS.get(name, 1) for name in dimensions}
    sides = sum(weights[name] * value for name, value in dimensions.items()) / (5 * sum(weights.values()))
    share = _POINTS * shown + (1 - _POINTS) * sides
    if not story:
        share = min(share, _WRONG[dimensions["correctness"]])
    if not any(point.quote for point in points):
        share = min(share, _UNSHOWN)
    return round(100 * share)


def _most(embedded: Grade) -> int:
    """The limit that the embedded grader sets, for it cannot be talked into anything."""
    most = _HEAP if any(flag in embedded.flags for flag in _HEAPED) else 100
    if embedded.score is not None and embedded.score < _DOUBTED:
        most = min(most, embedded.score + _GAIN)
    return most
