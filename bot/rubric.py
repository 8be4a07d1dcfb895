"""The sides of an answer ("correctness"), what their numbers mean, and how well the embedded grader agrees with people.

One file says it all (`content/rubric.toml`), read once like the sentences. What numbers an answer gets is in the graders;
`judged` is the embedded one's part of it: only what key points can show, None for the rest.
"""

import tomllib
from collections.abc import Iterable, Sequence
from importlib.resources import files

import msgspec

from bot.questions import Dimension, KeyPoint, PointGrade

Anchors = tuple[str, str, str, str, str, str]


class Side(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`anchors`: what 0 to 5 mean. `signals`: the families of behavioral/rubric.toml whose points show it."""

    title: str
    anchors: Anchors
    signals: tuple[str, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agreement with human grades on one set. `r`, `rho`: correlations; `none`: answers without a score; `ms`: an
    answer; `strangers`: mean score of good answers to another question."""

    name: str
    answers: int
    none: int
    r: float
    rho: float
    rmse: float
    ms: float
    strangers: int


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    technical: dict[str, Side]
    behavioral: dict[str, Side]
    measured: tuple[Measured, ...]


_READ = msgspec.convert(
    tomllib.loads((files("bot") / "content" / "rubric.toml").read_text(encoding="utf-8")), _File
)
TECHNICAL, BEHAVIORAL, MEASURED = _READ.technical, _READ.behavioral, _READ.measured
SIDES = {**TECHNICAL, **BEHAVIORAL}

TOP = 5  # the highest anchor
_SHOWN, _TWICE = 3, 4  # a side that a point shows; that two or more points show, and none fails to
_COMPLETE = (
    (1.0, 5),
    (0.75, 4),
    (0.5, 3),
    (0.25, 2),
)  # share of the key points that were found, and its anchor
THEME = "theme: "  # before a topic's title: a side of its own where a company cares for the topic


def title_of(name: str) -> str:
    """How a side is called, a theme or one of another grader's too."""
    side = SIDES.get(name)
    return side.title if side else name.removeprefix(THEME).replace("_", " ").capitalize()


def shown_by(families: Iterable[str]) -> tuple[str, ...]:
    """The sides of a story that points of these families show."""
    wanted = set(families)
    return tuple(name for name, side in BEHAVIORAL.items() if wanted & set(side.signals))


def judged(
    points: Sequence[PointGrade], given: Sequence[KeyPoint], *, story: bool, silent: bool = False
) -> tuple[Dimension, ...]:
    """What the verdicts on the key points say of each side. `silent`: nothing was said, which is a 0 on every side.

    A side that no point can show is None. So is correctness where no claim was found: a right idea in words that nobody
    wrote down is not wrong.
    """
    if silent:
        return tuple(Dimension(name=name, score=0) for name in (BEHAVIORAL if story else TECHNICAL))
    if not story:
        known = {"correctness": _correctness(points), "completeness": _completeness(points)}
        return tuple(Dimension(name=name, score=known.get(name)) for name in TECHNICAL)
    shows = {each.slug: each.shows for each in given}
    sides = {name: [each for each in points if name in shows.get(each.slug, ())] for name in BEHAVIORAL}
    return tuple(Dimension(name=name, score=_of_story(about)) for name, about in sides.items())


def _weight(points: Sequence[PointGrade]) -> float:
    """What was found, a half for what was found in part."""
    return sum({"covered": 1.0, "partial": 0.5}.get(each.verdict, 0.0) for each in points)


def _correctness(points: Sequence[PointGrade]) -> int | None:
    right, wrong = _weight(points), sum(each.verdict == "contradicted" for each in points)
    if not wrong:
        return TOP if right else None
    share = wrong / (right + wrong)
    return 0 if share == 1 else 1 if share > 0.5 else 2 if share == 0.5 else 3


def _completeness(points: Sequence[PointGrade]) -> int | None:
    if not points:
        return None
    share = _weight(points) / len(points)
    return next((anchor for least, anchor in _COMPLETE if share >= least), int(share > 0))


def _of_story(about: Sequence[PointGrade]) -> int | None:
    """1 where a story was told and the side did not show: the lowest number that claims nothing about its absence."""
    if not about:
        return None
    found = _weight(about)
    if found < 1:
        return 2 if found else 1
    return _TWICE if len(about) > 1 and found == len(about) else _SHOWN
