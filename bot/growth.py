"""From measured times to a complexity class: what the curve allows, and None when it does not say.

Decides only. The slope in doubly logarithmic paper speaks, where the curve has left the costs that do not grow: 1 for
linear and linearithmic, which a machine's caches blur into one another, 2, 3, and far more for exponential.
"""

import math
import re
from collections.abc import Sequence

import msgspec

FLAT = 3.0  # times the least one that the longest run must have taken, before there is growth to speak of
LARGE = 4096  # n up to which a flat curve says nothing: a linear scan hides in what does not grow
TAIL = 40.0  # times shorter than the longest run: those runs still belong to the curve's end
POINTS = 3  # on that end; fewer make no line
BENT = 0.35  # mean distance of the steps' slopes from the line's; above, the machine was busy with something else
BANDS = (
    ((0.72, 1.38), ("linear", "linearithmic")),
    ((1.65, 2.4), ("quadratic",)),
    ((2.65, 3.4), ("cubic",)),
    ((5.0, math.inf), ("exponential",)),
)  # slopes; between them lies n log^2 n, n^1.5 and what was disturbed


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """`points`: (n, milliseconds). `allowed`: the classes that the curve does not contradict, of constant,
    logarithmic, linear, linearithmic, quadratic, cubic, exponential; `estimate`: the one, where it is alone."""

    points: tuple[tuple[int, float], ...]
    allowed: tuple[str, ...] = ()
    estimate: str | None = None

    def agrees_with(self, stated: str) -> bool | None:
        """Whether a stated class ("O(n log n)", "linear") can be right; None when the curve or the words are unclear."""
        named = class_of(stated)
        if named is None or not self.allowed:
            return None
        return named in self.allowed


def estimated(points: Sequence[tuple[int, float]]) -> Growth:
    """What a curve says. Sizes ascend."""
    measured = tuple((n, ms) for n, ms in points if n > 0 and ms > 0)
    if len(measured) < POINTS:
        return Growth(points=tuple(points))
    times = [ms for _, ms in measured]
    longest = max(times)
    if longest < FLAT * min(times):
        flat = measured[-1][0] >= LARGE and measured[0][0] * 8 <= measured[-1][0]
        return Growth(points=measured, allowed=("constant", "logarithmic") if flat else ())
    least = min(times)
    tail = [(n, ms) for n, ms in measured if ms >= max(longest / TAIL, FLAT * least)]
    if len(tail) < POINTS:
        tail = list(measured[-POINTS:])
    slope, bent = _slope(tail)
    allowed = next((names for (low, high), names in BANDS if low <= slope <= high), ())
    if "exponential" not in allowed and bent > BENT:
        return Growth(points=measured)
    return Growth(points=measured, allowed=allowed, estimate=allowed[0] if len(allowed) == 1 else None)


def _slope(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The slope in doubly logarithmic paper, and how far the single steps' slopes lie from it on average."""
    xs = [math.log(n) for n, _ in points]
    ys = [math.log(ms) for _, ms in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)
    steps = [(ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) for i in range(len(xs) - 1)]
    return slope, sum(abs(each - slope) for each in steps) / len(steps)


_SUPER = str.maketrans("²³ⁿ·×", "23n**")
_STATED = (
    ("exponential", r"\d\^n|\d\*\*n|\bk\^n|exponential|n!|factorial|o\(2n\)(?=.*subset)"),
    ("cubic", r"n\^?3|n\*\*3|cubic|n\*n\*n"),
    ("quadratic", r"n\^?2(?!\d)|n\*\*2|quadratic|\b[nm]\*[nm]\b|nsquared|\b(?:nm|mn)\b"),
    ("linearithmic", r"#|linearithmic|log-?linear|quasilinear"),
    ("logarithmic", r"log|\blg\b"),
    ("linear", r"o\(\d?(?:n|m|k|v)(?:\+[a-z0-9]+)*\)|linear|^n$"),
    ("constant", r"o\(1\)|constant"),
)


def class_of(stated: str) -> str | None:
    """The class that words name: "O(N log N)", "n^2 time", "linear"; None when they name none."""
    lower = stated.lower().translate(_SUPER)
    # Of any size, edges and queries too; the n of "in log n time" stands for none.
    lower = re.sub(r"(?<![a-z])[nmekqv](?=\s*\*?\s*\(?\s*(?:log|lg|ln))", "#", lower)
    text = re.sub(r"\s+", "", lower)
    return next((name for name, pattern in _STATED if re.search(pattern, text)), None)
