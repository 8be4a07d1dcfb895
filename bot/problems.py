"""Problems: what runs beside a coding question (cases, generator, solutions), read from `bot/content/problems/`.

Read when a submission comes, one file at a time; the words of the question are in the bank. docs/content.md has the
format. Nothing of it runs here.
"""

import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from bot.bank import FOLDER, ContentError, reactions
from bot.judging import Case, Kind, Language, Method, Problem, ProblemError, problem_of

PROBLEMS = FOLDER / "problems"
REMEMBERED = 64  # problems, some 20 kB each; the bank has about 80
HIDDEN = 12  # cases at least, the large ones among them
CLASSES = 5  # of hidden cases at least


class Large(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hidden case that is generated: `generate(n, seed)` gives its arguments, the reference solution its result."""

    category: str = msgspec.field(name="class")
    n: int
    seed: int


class Generator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Python with a function `generate(n, seed)` that gives a call's arguments; `sizes`: n at which growth is measured."""

    source: str
    sizes: tuple[int, ...]


class Wrong(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What candidates write. `verdict`: the first that is not accepted; `category`: of the first case that catches it."""

    language: Language
    verdict: Literal["wrong_answer", "time_limit", "runtime_error", "memory_limit"]
    category: str = msgspec.field(name="class")
    why: str
    source: str


class ProblemFile(msgspec.Struct, frozen=True, kw_only=True):
    """One problem as written. `problem`: its handwritten cases only."""

    slug: str
    topic: str
    problem: Problem
    large: tuple[Large, ...]
    generator: Generator
    solutions: dict[Language, str]
    wrong: tuple[Wrong, ...]


class _CaseEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    category: str = msgspec.field(name="class")
    args: str
    expected: str
    public: bool = False


class _Entry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    topic: str
    entry: str | Method
    time_limit_s: float
    cases: tuple[_CaseEntry, ...]
    large: tuple[Large, ...]
    generate: Generator
    solutions: dict[Language, str]
    wrong: tuple[Wrong, ...]
    compare: str = "exact"
    memory_limit_mb: int = 256
    kinds: tuple[Kind, ...] = ()
    returns: Kind = ""


@lru_cache(maxsize=REMEMBERED)
def problem_file(slug: str, folder: Path = PROBLEMS) -> ProblemFile | None:
    """The problem of a question; None when its code cannot be judged. Raises ContentError with all faults."""
    path = folder / f"{slug}.toml"
    where = f"problems/{slug}.toml"
    if not path.is_file():
        return None
    try:
        entry = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Entry)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ContentError([f"{where}: {error}"]) from None
    faults: list[str] = []
    cases = tuple(_case(where, number, each, faults) for number, each in enumerate(entry.cases, 1))
    try:
        problem = problem_of(
            msgspec.to_builtins(
                Problem(
                    entry=entry.entry,
                    cases=cases,
                    time_limit_s=entry.time_limit_s,
                    memory_limit_mb=entry.memory_limit_mb,
                    compare=entry.compare,
                    kinds=entry.kinds,
                    returns=entry.returns,
                )
            )
        )
    except ProblemError as error:
        raise ContentError([*faults, f"{where}: {error}"]) from None
    faults += [f"{where}: {fault}" for fault in _faults(entry)]
    if faults:
        raise ContentError(faults)
    return ProblemFile(
        slug=slug,
        topic=entry.topic,
        problem=problem,
        large=entry.large,
        generator=entry.generate,
        solutions=entry.solutions,
        wrong=entry.wrong,
    )


def slugs(folder: Path = PROBLEMS) -> tuple[str, ...]:
    """The problems there are."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml") if path.stem != "classes"))


def _case(where: str, number: int, entry: _CaseEntry, faults: list[str]) -> Case:
    args, expected = (_json(where, number, text, faults) for text in (entry.args, entry.expected))
    if not isinstance(args, list):
        faults.append(f"{where}, case {number}: args is not a list")
        args = []
    return Case(args=tuple(args), expected=expected, category=entry.category, hidden=not entry.public)


def _json(where: str, number: int, text: str, faults: list[str]) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        faults.append(f"{where}, case {number}: {error}")
        return None


def _faults(entry: _Entry) -> list[str]:
    hidden = [each.category for each in entry.cases if not each.public] + [
        each.category for each in entry.large
    ]
    named = {
        *hidden,
        *(each.category for each in entry.cases),
        *(each.category for each in entry.wrong),
    }
    unknown = sorted(named - set(reactions()))
    holds = {
        f"unknown classes {unknown}": not unknown,
        f"{len(hidden)} hidden cases, {HIDDEN} are needed": len(hidden) >= HIDDEN,
        f"hidden cases of {len(set(hidden))} classes, {CLASSES} are needed": len(set(hidden)) >= CLASSES,
        "fewer than 2 public cases": sum(each.public for each in entry.cases) >= 2,
        "fewer than 2 large cases": len(entry.large) >= 2,
        "fewer than 2 wrong solutions": len(entry.wrong) >= 2,
        "needs a solution in python and in javascript": set(entry.solutions) == {"python", "javascript"},
        "sizes must rise, 5 of them or more": list(entry.generate.sizes) == sorted(set(entry.generate.sizes))
        and len(entry.generate.sizes) >= 5,
    }
    return [fault for fault, right in holds.items() if not right]
