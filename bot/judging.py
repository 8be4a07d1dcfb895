"""Judging code: what a problem is, what a run gives back, when an answer is right, and what a student may see of it.

Decides only. Running the code is in adapters/judge; there the expected outputs never arrive: a run gets inputs and gives
outputs, and the comparison is here.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from bot.growth import Growth

Language = Literal["python", "javascript"]
CaseVerdict = Literal[
    "accepted",
    "wrong_answer",
    "time_limit",
    "memory_limit",
    "runtime_error",
    "output_limit",
    "compile_error",
]
Stop = Literal["", "time", "memory", "output", "crash"]
Kind = Literal["linked_list", "tree", ""]

LANGUAGES: tuple[Language, ...] = ("python", "javascript")
SOURCE_LIMIT = 64 * 1024  # bytes of source; the longest solution in the bank has 4 kB
FRAME_LIMIT = 2 * 1024 * 1024  # characters of one answer; a list of 100,000 numbers has 700,000
PRINTED_LIMIT = 1000  # characters of what a student printed that are kept
MESSAGE_LIMIT = 300  # characters of an exception's text that are kept
SECONDS = (0.1, 30.0)  # a case's time limit: shorter measures the machine, longer holds up everybody
MEGABYTES = (16, 1024)

_COMPARE = re.compile(r"exact|unordered|unordered_deep|float:(?:\d+(?:\.\d*)?|\.\d+)(?:e-?\d+)?")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class ProblemError(ValueError):
    """A problem that cannot be judged; the message says where and why. The author mends it."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A method of a class made without arguments. Without `method`, a class to be designed: a case's arguments are
    the names of the calls, the constructor's first, and the arguments of each; it gives each call's result."""

    class_name: str = msgspec.field(name="class")
    method: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call. `category`: what a student learns of a hidden failure ("duplicates", "large input")."""

    args: tuple[Any, ...]
    expected: Any = None
    category: str = msgspec.field(name="class", default="")
    hidden: bool = False


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is run and what is right. `compare`: exact, unordered (the items of the outer list in any order),
    unordered_deep (of every list), float:1e-6. `kinds`: of each argument, "" for plain data; `returns`: of the result."""

    entry: str | Method
    cases: tuple[Case, ...]
    time_limit_s: float = 2.0
    memory_limit_mb: int = 256
    compare: str = "exact"
    kinds: tuple[Kind, ...] = ()
    returns: Kind = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine saw of one case. `frame`: the guest's answer as it came, unread, None when there was none;
    `stop`: what ended the run, "" for its own end. Time and memory as measured from outside, None where unknown."""

    frame: str | None
    stop: Stop = ""
    time_ms: float | None = None
    memory_mb: float | None = None


class CaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case, judged. `verdict`: None when it was not run, because too many before it had to be stopped.
    `value`, `error` (exception, text, line) and `printed` stay empty when the case is hidden."""

    verdict: CaseVerdict | None
    category: str = ""
    hidden: bool = False
    value: Any = None
    error: tuple[str, str, int | None] | None = None
    printed: str = ""
    time_ms: float | None = None
    memory_mb: float | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A submission, judged. `engine`: what ran it; `message`: why it could not be compiled, with its line."""

    verdict: CaseVerdict
    cases: tuple[CaseResult, ...]
    engine: str
    message: str = ""

    @property
    def passed(self) -> int:
        """How many cases were accepted."""
        return sum(each.verdict == "accepted" for each in self.cases)

    def as_json(self) -> dict[str, Any]:
        """The one object that `python -m bot judge` prints: `value` for public cases only."""
        return {
            "verdict": self.verdict,
            "passed": self.passed,
            "total": len(self.cases),
            "cases": [_case_json(each) for each in self.cases],
            "engine": self.engine,
        }


class CannotRun(Exception):
    """No engine that holds can run this language here. The round then grades the explanation."""


class JudgeBusy(Exception):
    """Not now. `running`: the student's own last submission still runs; else the queue is full."""

    def __init__(self, *, running: bool) -> None:
        super().__init__("this student's last submission still runs" if running else "the queue is full")
        self.running = running


class Judge(Protocol):
    """Runs strangers' code where it can do no harm, and says what came of it. `problem`: its slug in the bank."""

    async def submit(self, *, student: str, problem: str, language: Language, source: str) -> Judgement:
        """Every case, judged. Raises CannotRun, or JudgeBusy: one running submission a student, a bounded queue."""

    async def measure(self, *, problem: str, language: Language, source: str) -> Growth:
        """How its time grows with the input. Raises CannotRun."""


# Problems


def problem_from(text: str | bytes) -> Problem:
    """A problem from its JSON. Raises ProblemError."""
    try:
        raw = json.loads(text)  # msgspec's own reader would round integers beyond 64 bits
    except (ValueError, RecursionError) as error:
        raise ProblemError(f"not JSON: {error}") from None
    return problem_of(raw)


def problem_of(raw: Any) -> Problem:
    """A problem from plain data. Raises ProblemError."""
    try:
        problem = msgspec.convert(raw, Problem)
    except msgspec.ValidationError as error:
        raise ProblemError(str(error)) from None
    entry = problem.entry
    names = [entry] if isinstance(entry, str) else [entry.class_name, entry.method or "_"]
    low, high = SECONDS
    least, most = MEGABYTES
    faults = [
        *(f"{name!r} is not a name - at `$.entry`" for name in names if not _NAME.fullmatch(name)),
        *(["no case - at `$.cases`"] if not problem.cases else []),
        *([] if _COMPARE.fullmatch(problem.compare) else [f"unknown {problem.compare!r} - at `$.compare`"]),
        *([] if low <= problem.time_limit_s <= high else [f"not in {low}-{high} - at `$.time_limit_s`"]),
        *(
            []
            if least <= problem.memory_limit_mb <= most
            else [f"not in {least}-{most} - at `$.memory_limit_mb`"]
        ),
    ]
    if faults:
        raise ProblemError("; ".join(faults))
    return problem


# Verdicts


def judged_case(case: Case, compare: str, outcome: Outcome) -> CaseResult:
    """What an outcome means for its case. What a hidden case's run said is left out here, for good."""
    verdict, value, error, printed = _read(case, compare, outcome)
    shown = not case.hidden
    return CaseResult(
        verdict=verdict,
        category=case.category,
        hidden=case.hidden,
        value=presentable(value) if shown else None,
        error=error if shown else None,
        printed=printed if shown else "",
        time_ms=_rounded(outcome.time_ms),
        memory_mb=_rounded(outcome.memory_mb),
    )


def overall(cases: Sequence[CaseResult]) -> CaseVerdict:
    """Accepted, or the first failing verdict."""
    return next((each.verdict for each in cases if each.verdict not in ("accepted", None)), "accepted")


def compile_message(frame: str | None) -> str | None:
    """Why the source could not be compiled ("line 3: expected ':'"); None when it could."""
    said = _frame(frame)
    if said is None or not _is_pair(said.get("compile")):
        return None
    text, line = said["compile"]
    place = f"line {line}: " if isinstance(line, int) else ""
    return place + str(text)[:MESSAGE_LIMIT]


def returned(outcome: Outcome) -> Any:
    """What a run of our own (a generator, a reference solution) gave back. Raises ProblemError."""
    said = _frame(outcome.frame)
    if outcome.stop or said is None or "ok" not in said:
        told = {key: said[key] for key in ("compile", "error", "stop") if key in said} if said else {}
        raise ProblemError(f"gave nothing back: {outcome.stop or told or 'no answer'}")
    return presentable(decoded(said["ok"]))


_STOPPED: dict[str, CaseVerdict] = {
    "time": "time_limit",
    "memory": "memory_limit",
    "output": "output_limit",
    "crash": "runtime_error",
}
_Said = tuple[CaseVerdict, Any, tuple[str, str, int | None] | None, str]


def _read(case: Case, compare: str, outcome: Outcome) -> _Said:
    """Verdict, value, error and what was printed. A frame comes from the stranger's side: nothing in it is believed
    but that it is this run's answer."""
    said = _frame(outcome.frame)
    printed = str(said.get("out", ""))[:PRINTED_LIMIT] if said else ""
    if outcome.stop:
        return _STOPPED[outcome.stop], None, None, printed
    if said is None:
        return "runtime_error", None, ("Stopped", "the program ended without an answer", None), printed
    if _is_pair(said.get("compile")):
        return "compile_error", None, None, printed
    if said.get("stop") in ("memory", "output"):
        return _STOPPED[said["stop"]], None, None, printed
    error = said.get("error")
    if isinstance(error, list) and len(error) == 3:
        line = error[2] if isinstance(error[2], int) else None
        return "runtime_error", None, (str(error[0])[:80], str(error[1])[:MESSAGE_LIMIT], line), printed
    if "ok" not in said:
        return "runtime_error", None, ("Stopped", "the program ended without an answer", None), printed
    try:
        value = decoded(said["ok"])
        right = same(compare, case.expected, value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return "wrong_answer", Odd(name="unreadable"), None, printed
    return ("accepted" if right else "wrong_answer"), value, None, printed


def _frame(text: str | None) -> dict[str, Any] | None:
    if text is None or len(text) > FRAME_LIMIT:
        return None
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2


def _case_json(case: CaseResult) -> dict[str, Any]:
    shown = {} if case.hidden else {"value": case.value}
    measured = {"time_ms": case.time_ms, "memory_mb": case.memory_mb}
    return {"verdict": case.verdict, "class": case.category, **shown, **measured}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


# Values. JSON has no sets, no infinities and no keys but text; the guests tag these (adapters/judge/inside).


class Bag(msgspec.Struct, frozen=True):
    """A set: its items in no order."""

    items: list[Any]


class Odd(msgspec.Struct, frozen=True):
    """Something that has no place in an answer, by its type's name. Equal to nothing."""

    name: str


def decoded(value: Any) -> Any:
    """A value from its tagged form. Raises ValueError for a tag that there is not."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"int": str(digits)}:
            return int(digits, 16)  # hexadecimal: exempt from CPython's limit on digits, and linear
        case {"float": "nan" | "inf" | "-inf" as name}:
            return float(name)
        case {"set": list(items)}:
            return Bag([decoded(each) for each in items])
        case {"dict": list(pairs)}:
            return {_key(key): decoded(each) for key, each in pairs}
        case {"type": str(name)}:
            return Odd(name=name[:80])
    raise ValueError("unknown tag")


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key)


def presentable(value: Any) -> Any:
    """A value as JSON can show it."""
    match value:
        case Bag(items):
            return [presentable(each) for each in items]
        case Odd(name):
            return f"<{name}>"
        case list():
            return [presentable(each) for each in value]
        case dict():
            return {key: presentable(each) for key, each in value.items()}
        case float() if not math.isfinite(value):
            return str(value)
    return value


def same(compare: str, expected: Any, value: Any) -> bool:
    """Whether a value is the expected one. Integers exact, booleans strict; a float is expected where 2.0 stands,
    and 2 will do for it; a set equals a list only where the order does not matter."""
    if compare.startswith("float:"):
        return _equal(expected, value, float(compare.removeprefix("float:")))
    if not compare.startswith("unordered"):
        return _equal(expected, value, None)
    deep = compare == "unordered_deep"
    theirs = value.items if isinstance(value, Bag) else value
    if not isinstance(expected, list) or not isinstance(theirs, list) or len(expected) != len(theirs):
        return not isinstance(expected, list) and _equal(expected, value, None)
    loose = _has_float(expected)
    return Counter(_canonical(each, deep=deep, loose=loose) for each in expected) == Counter(
        _canonical(each, deep=deep, loose=loose) for each in theirs
    )


def _equal(expected: Any, value: Any, tolerance: float | None) -> bool:
    match expected:
        case bool() | None:
            return value is expected
        case int() | float():
            return _same_number(expected, value, tolerance)
        case str():
            return isinstance(value, str) and value == expected
        case list():
            return (
                isinstance(value, list)
                and len(value) == len(expected)
                and all(_equal(a, b, tolerance) for a, b in zip(expected, value, strict=True))
            )
        case dict():
            return (
                isinstance(value, dict)
                and value.keys() == expected.keys()
                and all(_equal(each, value[key], tolerance) for key, each in expected.items())
            )
    return False


def _same_number(expected: float, value: Any, tolerance: float | None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if tolerance is None:
        exact_type = isinstance(expected, float) or isinstance(value, int)
        return exact_type and (value == expected or (value != value and expected != expected))  # noqa: PLR0124  # NaN
    if math.isfinite(expected) and math.isfinite(value):
        return math.isclose(expected, value, rel_tol=tolerance, abs_tol=tolerance)
    return str(float(expected)) == str(float(value))


def _has_float(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_float(each) for each in value)
    return isinstance(value, float)


def _canonical(value: Any, *, deep: bool, loose: bool) -> Any:
    """A hashable stand-in: equal where the values are. `loose`: 2 and 2.0 are the same."""
    match value:
        case bool() | None | str():
            return (type(value).__name__, value)
        case int():
            return ("number", value)
        case float():
            return ("number" if loose else "float", str(value) if value != value else value)  # noqa: PLR0124  # NaN
        case list() | Bag():
            inner = value if isinstance(value, list) else value.items
            items = [_canonical(each, deep=deep, loose=loose) for each in inner]
            return ("list", tuple(sorted(items, key=repr) if deep or isinstance(value, Bag) else items))
        case dict():
            pairs = ((key, _canonical(each, deep=deep, loose=loose)) for key, each in value.items())
            return ("dict", frozenset(pairs))
    return ("odd", id(value))
