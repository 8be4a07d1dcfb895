"""What judging costs here, engine by engine: starts, verdicts a second, and how much slower than plain CPython.

    python -m bench.judge --json bench/results/judge.json

With VIVA_GRADING_DATA naming a folder that holds HumanEval.jsonl.gz, its solutions are judged too: their calls are
recorded outside of any sandbox first. Wall times on a shared machine say little; minimum and CPU time say more.
"""

import argparse
import asyncio
import contextlib
import copy
import gzip
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.judge import engines
from adapters.judge.engines import Local
from adapters.judge.judge import judged
from bot.judging import Language, Problem, problem_of

ROUNDS = 20  # of what is quick
CALLS = 8  # recorded of one HumanEval problem; most have fewer

TWO_SUM: dict[Language, str] = {
    "python": "def two_sum(a, t):\n    seen = {}\n    for i, x in enumerate(a):\n        if t - x in seen: return [seen[t - x], i]\n"
    "        seen[x] = i\n    return []\n",
    "javascript": "const twoSum = (a, t) => { const seen = new Map(); for (let i = 0; i < a.length; i++) {"
    " if (seen.has(t - a[i])) return [seen.get(t - a[i]), i]; seen.set(a[i], i); } return []; };",
}
PROGRAMS = {
    "int loop": "def f(n):\n    s = 0\n    for i in range(n * 20): s += i * i % 7\n    return s",
    "sieve": "def f(n):\n    a = bytearray([1]) * (n * 10)\n    for i in range(2, n):\n        if a[i]: a[i*i::i] = bytes(len(a[i*i::i]))\n    return sum(a)",
    "dict": "def f(n):\n    d = {}\n    for i in range(n * 5): d[i % 9973] = d.get(i % 9973, 0) + 1\n    return len(d)",
    "lcs": "def f(n):\n    m = n // 40\n    a, b = [i * 7 % 13 for i in range(m)], [i * 5 % 11 for i in range(m)]\n    r = [0] * (m + 1)\n"
    "    for x in a:\n        p = 0\n        for j, y in enumerate(b):\n            p, r[j + 1] = r[j + 1], p + 1 if x == y else max(r[j + 1], r[j])\n    return r[-1]",
    "sort": "def f(n): return sorted((i * 7919) % 100003 for i in range(n * 5))[n]",
    "fib": "def f(n):\n    def g(k): return k if k < 2 else g(k - 1) + g(k - 2)\n    return g(21)",
    "strings": "def f(n): return len(''.join(str(i)[::-1] for i in range(n * 4)).split('9'))",
    "bfs": "from collections import deque\ndef f(n):\n    m = 90\n    seen, q = {(0, 0)}, deque([(0, 0)])\n    while q:\n        x, y = q.popleft()\n"
    "        for p in ((x+1, y), (x, y+1), (x-1, y), (x, y-1)):\n            if 0 <= p[0] < m and 0 <= p[1] < m and p not in seen: seen.add(p); q.append(p)\n    return len(seen)",
    "heap": "import heapq\ndef f(n):\n    h = []\n    for i in range(n * 3): heapq.heappush(h, i * 7919 % 10007)\n    return sum(heapq.heappop(h) for _ in range(n * 3))",
    "memo": "from functools import cache\ndef f(n):\n    @cache\n    def g(i, j): return 1 if not (i and j) else g(i - 1, j) + g(i, j - 1)\n    return g(90, 90) % 1000007",
}  # fmt: skip
SIZE = 4000


async def main(args: argparse.Namespace) -> None:
    """Every engine that there is, one after another."""
    with tempfile.TemporaryDirectory(prefix="viva-bench-") as scratch:
        bwrap = engines.found_bwrap()
        makers: dict[str, Callable[[], Local | None]] = {
            "eryx": lambda: engines.eryx(scratch, 1),
            "landlock": lambda: engines.native(scratch, 1),
            "bwrap": lambda: engines.native(scratch, 1, bwrap=bwrap) if bwrap else None,
            "quickjs": lambda: engines.quickjs(scratch, 1),
        }
        plain = {name: _plain_ms(source) for name, source in PROGRAMS.items()}
        results: dict[str, dict[str, Any]] = {}
        for name, make in makers.items():
            engine = make()
            if engine is None or not await _holds(engine):
                print(f"{name}: not here")
                continue
            results[name] = await _measured(engine, make, plain)
            print(name, json.dumps(results[name]))
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1), encoding="utf-8")  # noqa: ASYNC240


async def _holds(engine: Local) -> bool:
    held = await engine.holds()
    await engine.close()
    return held


async def _measured(
    engine: Local, make: Callable[[], Local | None], plain: dict[str, float]
) -> dict[str, Any]:
    language = next(iter(engine.languages))
    source = TWO_SUM[language]
    small = problem_of({"entry": "two_sum", "cases": [{"args": [[2, 7], 9], "expected": [0, 1]}]})
    twenty = problem_of(
        {
            "entry": "two_sum",
            "cases": [
                {"args": [list(range(k, k + 1000)), 2 * k + 1997], "expected": [998, 999]} for k in range(20)
            ],
        }
    )
    starts = []
    for _ in range(5):
        fresh = make()
        assert fresh is not None
        starts.append(await _wall(fresh, language, source, small))
        await fresh.close()
    warm = [await _wall(engine, language, source, small) for _ in range(ROUNDS)]
    full = [await _wall(engine, language, source, twenty) for _ in range(5)]
    figures: dict[str, Any] = {
        "start_to_verdict_ms": [round(min(starts)), round(max(starts))],
        "small_verdict_ms": [round(min(warm), 1), round(statistics.median(warm), 1)],
        "twenty_cases_ms": [round(min(full)), round(statistics.median(full))],
        "verdicts_per_s": round(1000 / min(full), 1),
    }
    if language == "python":
        slower = await _slower(engine, plain)
        figures["times_slower"] = {key: round(value, 1) for key, value in slower.items()}
        figures["times_slower_mean"] = round(
            math.exp(statistics.mean(math.log(each) for each in slower.values())), 2
        )
        figures["humaneval"] = await _human_eval(engine)
    await engine.close()
    return figures


async def _wall(engine: Local, language: Language, source: str, problem: Problem) -> float:
    begun = time.perf_counter()
    result = await judged(engine, language=language, source=source, problem=problem)
    assert result.verdict == "accepted", result
    return (time.perf_counter() - begun) * 1000


async def _slower(engine: Local, plain: dict[str, float]) -> dict[str, float]:
    """CPU of the engine's process time over CPU of this CPython, the least of three each."""
    figures = {}
    for name, source in PROGRAMS.items():
        problem = problem_of({"entry": "f", "cases": [{"args": [SIZE]}], "time_limit_s": 10})
        times = []
        for _ in range(3):
            result = await judged(engine, language="python", source=source, problem=problem)
            assert result.cases[0].time_ms is not None, (name, result)
            times.append(result.cases[0].time_ms)
        figures[name] = max(min(times), 0.1) / plain[name]
    return figures


def _plain_ms(source: str) -> float:
    names: dict[str, Any] = {}
    times = []
    for _ in range(3):
        begun = time.process_time()
        exec(compile(source, "program", "exec"), names)
        names["f"](SIZE)
        times.append((time.process_time() - begun) * 1000)
    return min(times)


async def _human_eval(engine: Local) -> str:
    folder = os.environ.get("VIVA_GRADING_DATA")
    path = Path(folder or "", "HumanEval.jsonl.gz")
    if not folder or not path.exists():  # noqa: ASYNC240
        return "not here"
    right = total = cases = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        source = row["prompt"] + row["canonical_solution"]
        calls = _recorded(source, row["entry_point"], row["test"])
        if not calls:
            continue
        raw = {"entry": row["entry_point"], "compare": "float:1e-6", "cases": calls, "time_limit_s": 5}
        result = await judged(engine, language="python", source=source, problem=problem_of(raw))
        total, cases, right = total + 1, cases + len(calls), right + (result.verdict == "accepted")
    return f"{right} of {total} accepted, {cases} cases"


def _recorded(source: str, entry: str, test: str) -> list[dict[str, Any]]:
    """The calls of a problem's own test that JSON can say, with what the reference gives."""
    names: dict[str, Any] = {}
    exec(source, names)
    calls: list[dict[str, Any]] = []

    def candidate(*given: Any) -> Any:
        kept = copy.deepcopy(given)
        value = names[entry](*given)
        with contextlib.suppress(TypeError, ValueError):
            calls.append(json.loads(json.dumps({"args": kept, "expected": value})))
        return value

    tests: dict[str, Any] = dict(names)
    exec(test, tests)
    with contextlib.suppress(
        Exception
    ):  # four of the tests use more than the function; their first calls count
        tests["check"](candidate)
    return calls[:CALLS]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", default="")
    sys.exit(asyncio.run(main(parser.parse_args())))
