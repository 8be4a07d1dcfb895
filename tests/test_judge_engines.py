"""Students' programs on every engine that runs here: the same promises for each."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.judge import engines
from adapters.judge.engines import Engine, Job, Local, job_of
from adapters.judge.judge import CodeJudge, judged
from adapters.judge.worker import Worker, WorkerGone
from bot.judging import CannotRun, Case, JudgeBusy, Judgement, Language, Outcome, Problem, problem_of
from bot.problems import problem_file, slugs
from tests.escapes import PYTHON
from tests.waiting import until

PYTHONS = ["eryx", "native"]
LIMIT = 0.5  # s


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Local]:
    """One engine for the whole module."""
    made = await _made(request.param, str(tmp_path_factory.mktemp("scratch")))
    yield made
    await made.close()


async def _made(name: str, scratch: str) -> Local:
    makers = {"eryx": engines.eryx, "native": engines.native, "quickjs": engines.quickjs}
    made = makers[name](scratch, 1)
    if made is None or not await made.holds():
        pytest.skip(f"{name} is not for this system or this Python")
    return made


async def on(
    engine: Engine, source: str, cases: Sequence[tuple[Sequence[Any], Any]], **more: Any
) -> Judgement:
    language: Language = "javascript" if engine.name == "quickjs" else "python"
    raw = {
        "entry": "f",
        "time_limit_s": LIMIT,
        "memory_limit_mb": 128,
        "cases": [{"args": args, "expected": expected} for args, expected in cases],
    }
    return await judged(engine, language=language, source=source, problem=problem_of(raw | more))


python = pytest.mark.parametrize("engine", PYTHONS, indirect=True, scope="module")
javascript = pytest.mark.parametrize("engine", ["quickjs"], indirect=True, scope="module")
module_loop = pytest.mark.asyncio(loop_scope="module")


@module_loop
@python
@pytest.mark.parametrize(
    ("source", "args", "expected"),
    [
        ("def f(a): return tuple(a)", [[1, 2]], [1, 2]),
        ("class Solution:\n    def f(self, a: List[int]) -> int:\n        return max(a)", [[1, 2]], 2),
        ("from typing import *\ndef f(a: List[int]) -> Optional[int]: return a and a[0]", [[1]], 1),
        ("def f(a): return deque(sorted(a))", [[2, 1]], [1, 2]),
        ("def f(a): return Counter(a)", ["aab"], {"a": 2, "b": 1}),
        ("def f(a):\n    h = []\n    for x in a: heapq.heappush(h, x)\n    return heappop(h)", [[3, 1]], 1),
        ("@lru_cache(None)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)", [90], 2880067194370816120),
        ("def f(n): return 2 ** n", [100], 2**100),
        ("def f(n): return n / 2", [3], 1.5),
        ("def f(a): return a.upper()", ["äß"], "ÄSS"),
        ("def f(a):\n    a.append(1)", [[0]], None),
        ("memo = {}\ndef f(a):\n    memo[a] = 1\n    return len(memo)", [1], 1),
    ],
)
async def test_python_as_students_write_it(
    engine: Local, source: str, args: list[Any], expected: Any
) -> None:
    """Functions and Solution classes; what every practice site has imported beforehand is there."""
    assert (await on(engine, source, [(args, expected)])).verdict == "accepted"


@module_loop
@javascript
@pytest.mark.parametrize(
    ("source", "args", "expected"),
    [
        ("var f = function(a) { return a.map((x) => x * 2); }", [[1, 2]], [2, 4]),
        ("class Solution { f(a) { return Math.max(...a); } }", [[1, 2]], 2),
        ("module.exports = { f: (a) => a };", ["x"], "x"),
        ("module.exports = (a) => a;", ["x"], "x"),
        ("async function f(a) { return await a; }", [3], 3),
        ("const f = (n) => 2n ** BigInt(n);", [100], 2**100),
        ("const f = (a) => new Set(a).size;", [[1, 1]], 1),
        ("const f = (a) => new Map(a);", [[["k", 1]]], {"k": 1}),
        ("const f = (a) => ({ a });", [1], {"a": 1}),
        ("function f() {}", [1], None),
        ("const f = (a) => [...a].reverse().join('');", ["häé"], "éäh"),
        ("const f = (n) => n / 2;", [3], 1.5),
        ("const memo = {};\nconst f = (a) => { memo[a] = 1; return Object.keys(memo).length; };", [1], 1),
    ],
)
async def test_javascript_as_students_write_it(
    engine: Local, source: str, args: list[Any], expected: Any
) -> None:
    """Functions however they are declared, classes, exports, promises."""
    assert (await on(engine, source, [(args, expected)])).verdict == "accepted"


FAILING: dict[str, list[tuple[str, str]]] = {
    "python": [
        ("wrong_answer", "def f(a): return a + 1"),
        ("time_limit", "def f(a):\n    while True: pass"),
        ("memory_limit", "def f(a):\n    x = []\n    while True: x.append([0] * 100000)"),
        ("runtime_error", "def f(a): return a[0]"),
        ("runtime_error", "def g(a): return a"),
        ("output_limit", "def f(a):\n    while True: print('debug', a)"),
        ("compile_error", "def f(a) return a"),
    ],
    "javascript": [
        ("wrong_answer", "const f = (a) => a + 1"),
        ("time_limit", "const f = (a) => { for (;;); }"),
        ("memory_limit", "const f = (a) => { const x = []; for (;;) x.push(new Array(1e5).fill(0)); }"),
        ("runtime_error", "const f = (a) => null.x"),
        ("runtime_error", "const g = (a) => a"),
        ("output_limit", "const f = (a) => { for (;;) console.log('debug', a); }"),
        ("compile_error", "const f = (a => a"),
    ],
}


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_every_verdict(engine: Local) -> None:
    """Each of the field's words, and the right one."""
    for verdict, source in FAILING[next(iter(engine.languages))]:
        result = await on(engine, source, [([1], 1)])
        assert (result.verdict, source) == (verdict, source)


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_time_and_memory_are_measured_from_outside(engine: Local) -> None:
    """Of a run that ended by itself."""
    loop = {
        "python": "def f(n):\n    s = 0\n    for i in range(n): s += i\n    return s",
        "javascript": "const f = (n) => { let s = 0; for (let i = 0; i < n; i++) s += i; return s; }",
    }[next(iter(engine.languages))]
    few, many = [(await on(engine, loop, [([n], n * (n - 1) // 2)])).cases[0] for n in (10, 400_000)]
    assert few.time_ms is not None
    assert many.time_ms is not None
    assert few.time_ms < many.time_ms < LIMIT * 1000
    assert many.memory_mb is not None
    assert 5 < many.memory_mb < 128


@module_loop
@python
async def test_python_recursion_is_deep_enough(engine: Local) -> None:
    """Top-down dynamic programming and depth-first search are daily work, through caches and aggregates, too."""
    for source in (
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)",
        "@cache\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)",
        "def f(n): return 0 if n == 0 else 1 + max(f(k) for k in [n - 1])",
    ):
        assert (await on(engine, source, [([5000], 5000)], time_limit_s=2)).verdict == "accepted", source


@module_loop
@javascript
async def test_javascript_recursion_is_deep_enough(engine: Local) -> None:
    """As deep as in a browser."""
    assert (
        await on(engine, "const f = (n) => n ? 1 + f(n - 1) : 0", [([10_000], 10_000)])
    ).verdict == "accepted"


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_lists_and_trees(engine: Local) -> None:
    """Arguments of these kinds are built, results taken apart again."""
    source = {
        "python": (
            "def f(head, root):\n    last = None\n    while head: head.next, last, head = last, head, head.next\n    return last",
            "def f(root):\n    if root: root.left, root.right = f(root.right), f(root.left)\n    return root",
        ),
        "javascript": (
            "function f(head) { let last = null; while (head) [head.next, last, head] = [last, head, head.next]; return last; }",
            "function f(r) { if (r) [r.left, r.right] = [f(r.right), f(r.left)]; return r; }",
        ),
    }[next(iter(engine.languages))]
    kinds = {"kinds": ["linked_list", "tree"], "returns": "linked_list"}
    cases: list[tuple[Sequence[Any], Any]] = [([[1, 2, 3], []], [3, 2, 1]), ([[], []], [])]
    assert (await on(engine, source[0], cases, **kinds)).verdict == "accepted"
    tree = [4, 2, 7, 1, None, 6, 9]
    turned = {"kinds": ["tree"], "returns": "tree"}
    assert (
        await on(engine, source[1], [([tree], [4, 7, 2, 9, 6, None, 1]), ([[]], [])], **turned)
    ).passed == 2


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_a_class_to_be_designed(engine: Local) -> None:
    """The names of the calls and their arguments; each call's result comes back."""
    source = {
        "python": "class Stack:\n    def __init__(self, a): self.a = a\n    def push_on(self, x): self.a.append(x)\n"
        "    def pop(self): return self.a.pop()",
        "javascript": "class Stack { constructor(a) { this.a = a; } pushOn(x) { this.a.push(x); } pop() { return this.a.pop(); } }",
    }[next(iter(engine.languages))]
    calls = [["Stack", "pushOn", "pop", "pop"], [[[7]], [8], [], []]]
    assert (
        await on(engine, source, [(calls, [None, None, 8, 7])], entry={"class": "Stack"})
    ).verdict == "accepted"


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_a_failure_names_its_line(engine: Local) -> None:
    """In the student's own numbering, with what was printed before it."""
    source = {
        "python": "def f(a):\n    print('here', a)\n    return {}[a]",
        "javascript": "function f(a) {\n  console.log('here', a);\n  return a.b.c;\n}",
    }[next(iter(engine.languages))]
    case = (await on(engine, source, [([1], 1)])).cases[0]
    assert case.error is not None
    assert (case.error[0] in ("KeyError", "TypeError"), case.error[2]) == (True, 3)
    assert case.printed == "here 1\n"
    broken = {"python": "x = 1\ndef f(a) return a", "javascript": "let x = 1;\nconst f = (a => a;"}
    result = await on(engine, broken[next(iter(engine.languages))], [([1], 1), ([2], 2)])
    assert result.message.startswith("line 2: ")
    assert [each.verdict for each in result.cases] == ["compile_error", "compile_error"]


@module_loop
@pytest.mark.parametrize("engine", [*PYTHONS, "quickjs"], indirect=True, scope="module")
async def test_large_inputs_and_answers(engine: Local) -> None:
    """A hundred thousand numbers there and back; decoding them is not the student's time."""
    same = {"python": "def f(a): return a", "javascript": "const f = (a) => a"}[next(iter(engine.languages))]
    items = list(range(100_000))
    assert (await on(engine, same, [([items], items)], time_limit_s=1)).verdict == "accepted"


@module_loop
@pytest.mark.parametrize("engine", ["eryx"], indirect=True, scope="module")
async def test_fuel_gives_the_same_time_each_time(engine: Local) -> None:
    """A verdict does not depend on how busy the machine is."""
    source = "def f(n): return sum(i * i for i in range(n))"
    times = {(await on(engine, source, [([5000], 41654167500)])).cases[0].time_ms for _ in range(4)}
    assert len(times) == 1


@module_loop
@pytest.mark.parametrize("engine", ["eryx"], indirect=True, scope="module")
async def test_a_worker_that_dies_is_replaced(engine: Local) -> None:
    """Its case is tried once more, and is a runtime error then; the next one finds a worker."""
    attack = next(each for each in PYTHON if each.name == "recurses through C")
    source = attack.source.replace("attack", "f")
    result = await on(engine, source, [([1], 1)])
    assert result.verdict == "runtime_error"
    assert (await on(engine, "def f(a): return a", [([1], 1)])).verdict == "accepted"


@pytest.mark.parametrize(
    "program", ["", "raise SystemExit(3)", "print('no frame')", "import time; time.sleep(60)"]
)
async def test_a_worker_that_does_not_start_is_no_worker(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended, and that it did not start is said."""
    monkeypatch.setattr("adapters.judge.worker.START", 0.5)
    with pytest.raises(WorkerGone):
        await Worker.start([sys.executable, "-c", program], scratch=str(tmp_path))


async def test_the_watchdog_ends_the_whole_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not answer is killed, and so is what it started."""
    monkeypatch.setattr("adapters.judge.worker.GRACE", 0.2)
    program = (
        "import os, struct, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "body = b'{\"ready\": []}'\nos.write(1, struct.pack('>I', len(body)) + body)\ntime.sleep(60)\n"
    )
    worker = await Worker.start([sys.executable, "-c", program], scratch=str(tmp_path))
    with pytest.raises(WorkerGone) as gone:
        await worker.ask({}, wall_s=0.1)
    assert gone.value.timed_out
    child = int((tmp_path / "pid").read_text())
    await until(lambda: not _runs(child), every=0.05)


async def test_the_list_of_attacks_is_sharp(tmp_path: Path) -> None:
    """Without a sandbox these doors do open: a list that nobody could fail would prove nothing."""
    (tmp_path / "secret").write_text("canary")
    world = {
        "secret": str(tmp_path / "secret"),
        "folder": str(tmp_path),
        "target": str(tmp_path / "written"),
        "bot": os.getpid(),
    }
    opened = []
    for attack in PYTHON:
        if attack.name.startswith(
            ("reads the hidden", "reads the token", "lists", "runs a", "goes round", "writes a file")
        ):
            program = f"{attack.source}\nprint(attack({world!r}))"
            run = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", program],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "BOT_TOKEN": "canary"},
            )
            written = tmp_path / "written"
            if "canary" in run.stdout or "secret" in run.stdout or written.exists():
                opened.append(attack.name)
            written.unlink(missing_ok=True)
    assert len(opened) == 8


# The queue


class Slow:
    """An engine of ours that answers when it is let."""

    name = "slow"
    languages: frozenset[Language] = frozenset({"python"})

    def __init__(self, frame: str = '{"ok": 1}') -> None:
        self.go = asyncio.Event()
        self.frame = frame
        self.jobs: list[Job] = []

    async def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        await self.go.wait()
        return Outcome(frame=self.frame)

    async def holds(self) -> bool:
        return True

    def protects(self) -> str:
        return "nothing is run"

    async def close(self) -> None:
        self.go.set()


ONE = Problem(entry="f", cases=(Case(args=(4,), expected=1, category="secret-class"),))


async def test_a_student_has_one_submission_running() -> None:
    """The second is told so; another student's goes on; afterwards the first may again."""
    engine = Slow()
    judge = CodeJudge(chosen={"python": engine})
    first = asyncio.create_task(judge.judge(student="a", language="python", source="", problem=ONE))
    await asyncio.sleep(0)
    with pytest.raises(JudgeBusy) as busy:
        await judge.judge(student="a", language="python", source="", problem=ONE)
    assert busy.value.running
    other = asyncio.create_task(judge.judge(student="b", language="python", source="", problem=ONE))
    engine.go.set()
    assert (await first).verdict == (await other).verdict == "accepted"
    assert (await judge.judge(student="a", language="python", source="", problem=ONE)).passed == 1


async def test_the_queue_is_bounded() -> None:
    """One too many is told so at once, not made to wait for ever."""
    engine = Slow()
    judge = CodeJudge(chosen={"python": engine}, queue=2)
    tasks = [
        asyncio.create_task(judge.judge(student=name, language="python", source="", problem=ONE))
        for name in "ab"
    ]
    await asyncio.sleep(0)
    with pytest.raises(JudgeBusy) as busy:
        await judge.judge(student="c", language="python", source="", problem=ONE)
    assert not busy.value.running
    engine.go.set()
    assert [each.verdict for each in await asyncio.gather(*tasks)] == ["accepted", "accepted"]


async def test_cases_that_nobody_had_time_for_are_not_accepted() -> None:
    """When the time for all is up and nothing failed there is no verdict."""
    engine = Slow()
    engine.go.set()
    with pytest.raises(TimeoutError):
        await judged(engine, language="python", source="", problem=ONE, budget=-1.0)


async def test_a_problem_without_its_large_cases_is_not_remembered() -> None:
    """An engine that comes later, as a remote one may, makes it whole."""
    file = problem_file(slugs()[0])
    assert file is not None
    judge = CodeJudge(chosen={})
    assert await judge.whole(file) == file.problem
    engine = Slow('{"ok": [1]}')
    engine.go.set()
    judge._engines = {"python": engine}
    assert len((await judge.whole(file)).cases) == len(file.problem.cases) + len(file.large)


async def test_a_cancelled_submission_leaves_its_place() -> None:
    """A process that goes down does not lock anybody out."""
    engine = Slow()
    judge = CodeJudge(chosen={"python": engine})
    task = asyncio.create_task(judge.judge(student="a", language="python", source="", problem=ONE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    engine.go.set()
    assert (await judge.judge(student="a", language="python", source="", problem=ONE)).verdict == "accepted"


async def test_without_an_engine_nothing_runs() -> None:
    """It is said how that is mended; unprotected execution is no choice."""
    judge = CodeJudge(chosen={})
    with pytest.raises(CannotRun, match="quickjs-ng"):
        await judge.judge(student="a", language="javascript", source="", problem=ONE)
    assert [fine for fine, _ in await judge.lines()] == [False, False]


async def test_an_engine_gets_no_expected_value() -> None:
    """Inputs, source, limits; neither what is right nor the class of the case."""
    engine = Slow()
    engine.go.set()
    await judged(engine, language="python", source="x", problem=ONE)
    (job,) = engine.jobs
    sent = json.dumps([job.source, job.spec, job.args])
    assert job.args == "[4]"
    assert "expected" not in sent
    assert "secret-class" not in sent
    assert job_of(ONE, ONE.cases[0], language="python", source="x") == job


async def test_what_is_hopeless_is_not_run_to_the_end() -> None:
    """After three cases that had to be stopped the rest stays without a verdict, and is not passed."""

    class Looping(Slow):
        async def run(self, job: Job) -> Outcome:
            self.jobs.append(job)
            return Outcome(frame=None, stop="time")

    engine = Looping()
    problem = Problem(entry="f", cases=(*ONE.cases,) * 9)
    result = await judged(engine, language="python", source="", problem=problem)
    assert len(engine.jobs) == 3
    assert [each.verdict for each in result.cases] == ["time_limit"] * 3 + [None] * 6
    assert (result.verdict, result.passed) == ("time_limit", 0)


async def test_source_without_end_is_not_sent() -> None:
    """64 kB are enough for every solution."""
    engine = Slow()
    result = await judged(engine, language="python", source="x" * 70_000, problem=ONE)
    assert (result.verdict, engine.jobs) == ("compile_error", [])
    assert "64 kB" in result.message


# What this machine has


@pytest.fixture
def judge_json(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`python -m bot judge`, as a process of its own."""

    def run(source: str, language: str, problem: dict[str, Any]) -> dict[str, Any]:
        file = tmp_path / "problem.json"
        file.write_text(json.dumps(problem))
        command = [sys.executable, "-m", "bot", "judge", "--language", language, "--problem", str(file)]
        environment = {key: value for key, value in os.environ.items() if key != "JUDGE_URL"}
        done = subprocess.run(
            command, input=source, capture_output=True, text=True, check=True, env=environment,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


PROBLEM = {
    "entry": "two_sum",
    "cases": [
        {"args": [[2, 7, 11], 9], "expected": [0, 1]},
        {"args": [[3, 3], 6], "expected": [0, 1], "class": "duplicates", "hidden": True},
    ],
    "time_limit_s": 1,
}


@pytest.mark.parametrize(
    ("language", "source", "engines_here"),
    [
        ("python", "def two_sum(a, t):\n    return (0, len(a) - 2)", {"eryx", "native"}),
        ("javascript", "const twoSum = (a, t) => [0, a.length - 2];", {"quickjs"}),
    ],
)
def test_the_command(
    judge_json: Callable[..., dict[str, Any]], language: str, source: str, engines_here: set[str]
) -> None:
    """One JSON object: verdict, counts, cases, engine; values of public cases alone."""
    answer = judge_json(source, language, PROBLEM)
    assert list(answer) == ["verdict", "passed", "total", "cases", "engine"]
    assert (answer["verdict"], answer["passed"], answer["total"]) == ("wrong_answer", 1, 2)
    assert answer["engine"] in engines_here
    public, hidden = answer["cases"]
    assert list(public) == ["verdict", "class", "value", "time_ms", "memory_mb"]
    assert (public["verdict"], public["value"]) == ("accepted", [0, 1])
    assert list(hidden) == ["verdict", "class", "time_ms", "memory_mb"]
    assert (hidden["verdict"], hidden["class"]) == ("wrong_answer", "duplicates")


async def test_growth_is_measured_and_read() -> None:
    """On this machine's own engine, whichever it is: a linear and a quadratic program are told apart."""
    judge = CodeJudge()
    try:
        name = (await judge.engine("python")).name
        problem = problem_of({"entry": "f", "cases": [{"args": []}], "time_limit_s": 3})
        pairs = "def f(a):\n    c = 0\n    for x in a:\n        for y in a: c += x == y\n    return c"
        single = "def f(a):\n    s = set()\n    for x in a: s.add(x * 7 % 1009)\n    return len(s)"

        async def growth(source: str, sizes: list[int]) -> Any:
            async def generate(n: int) -> list[list[int]]:
                return [list(range(n))]

            return await judge.growth(
                language="python", source=source, problem=problem, generate=generate, sizes=sizes
            )

        quadratic = await growth(pairs, [100, 200, 400, 800, 1600])
        linear = await growth(single, [4000 * 2**k for k in range(6)])
    finally:
        await judge.close()
    assert quadratic.agrees_with("O(n^2)") is not False
    assert quadratic.agrees_with("O(n)") is not True
    assert linear.agrees_with("O(n)") is not False
    assert linear.agrees_with("O(n^2)") is not True
    if name == "eryx":  # counted in fuel, the curve is as clean as the program
        assert quadratic.estimate == "quadratic"
        assert linear.agrees_with("O(n)") is True


async def test_idle_workers_go_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody codes, nothing is held; the next submission starts a new one."""
    monkeypatch.setattr("adapters.judge.worker.IDLE", 0.05)
    engine = await _made("quickjs", str(tmp_path))
    try:
        first = await on(engine, "const f = (a) => a", [([1], 1)])
        await until(lambda: engine.idle)
        assert (await on(engine, "const f = (a) => a", [([1], 1)])).verdict == first.verdict == "accepted"
    finally:
        await engine.close()


async def test_where_a_wall_is_missing_nothing_runs(tmp_path: Path) -> None:
    """An engine whose only protection is the system's walls is not used without one of them, though it would work."""
    engine = await _made("native", str(tmp_path))
    await engine.close()
    engine._held = None
    engine._needs = (*engine._needs, frozenset({"a wall that this kernel has not"}))
    assert not await engine.holds()
    await engine.close()


async def test_a_bot_that_is_killed_leaves_nobody(tmp_path: Path) -> None:
    """No time to say goodbye: its workers and the program they were running end with it."""
    program = (
        "import asyncio\nfrom adapters.judge.judge import CodeJudge\nfrom bot.judging import problem_of\n"
        "async def main():\n"
        "    problem = problem_of({'entry': 'f', 'time_limit_s': 30, 'cases': [{'args': []}]})\n"
        "    judge = CodeJudge()\n    await judge.languages()\n    print('ready', flush=True)\n"
        "    await judge.judge(student='a', language='javascript', source='const f = () => { for (;;); }', problem=problem)\n"
        "asyncio.run(main())\n"
    )
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdout=-1,
        cwd=Path(__file__).parent.parent,
        env={"TMPDIR": str(tmp_path)},
    )
    assert bot.stdout is not None
    assert await bot.stdout.readline() == b"ready\n"
    await asyncio.sleep(0.5)
    workers = _children(bot.pid)
    assert workers
    bot.kill()
    await bot.wait()
    await until(lambda: not any(_runs(each) for each in workers), every=0.05)


def _children(parent: int) -> list[int]:
    """A process's children and theirs, by /proc."""
    if sys.platform != "linux":
        pytest.skip("other systems have no parent's death signal")
    born: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                born.setdefault(int((each / "stat").read_text().rpartition(")")[2].split()[1]), []).append(
                    int(each.name)
                )
            except OSError:
                continue
    found = list(born.get(parent, ()))
    for each_found in found:
        found += born.get(each_found, ())
    return found


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
