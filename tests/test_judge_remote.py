"""Engines on other machines: against servers on loopback that speak go-judge's and Piston's protocols, and misbehave."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.judge import remote
from adapters.judge.engines import EngineDown
from adapters.judge.judge import CodeJudge, judged
from adapters.judge.remote import Remote, engine_for
from bot.judging import CannotRun, Problem, problem_of
from tests.judge_servers import NODE, GoJudgeServer, PistonServer, Server

PROBLEM = problem_of(
    {
        "entry": "two_sum",
        "time_limit_s": 0.7,
        "cases": [
            {"args": [[2, 7, 11], 9], "expected": [0, 1]},
            {"args": [[3, 3], 6], "expected": [0, 1], "class": "the-hidden-class", "hidden": True},
        ],
    }
)
PYTHON = "def two_sum(a, t):\n    print('looking')\n    return next((j, i) for i in range(len(a)) for j in range(i) if a[i] + a[j] == t)\n"
JAVASCRIPT = "const twoSum = (a, t) => { for (let i = 0; ; i++) for (let j = 0; j < i; j++) if (a[i] + a[j] === t) return [j, i]; };"


@pytest_asyncio.fixture(params=["gojudge", "piston"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """Each protocol in turn."""
    made: Server = GoJudgeServer() if request.param == "gojudge" else PistonServer()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def engine(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Remote]:
    """Our end of it."""
    monkeypatch.setattr(remote, "AGAIN", 0.01)
    base = await server.start()
    kind = "gojudge" if isinstance(server, GoJudgeServer) else "piston"
    made = engine_for(f"{kind}+{base.replace('://', '://s3cret@')}")
    yield made
    await made.close()


async def verdict(engine: Remote, source: str, problem: Problem = PROBLEM) -> str:
    return (await judged(engine, language="python", source=source, problem=problem)).verdict


async def test_python_is_judged(engine: Remote, server: Server) -> None:
    """With what was printed, time and memory; the comparison is ours."""
    result = await judged(engine, language="python", source=PYTHON, problem=PROBLEM)
    assert (result.verdict, result.passed, result.engine) == ("accepted", 2, engine.name)
    assert result.cases[0].printed == "looking\n"
    assert result.cases[0].memory_mb == 12
    assert result.cases[0].time_ms is not None


async def test_no_expected_value_leaves_us(engine: Remote, server: Server) -> None:
    """Nor a case's class, nor whether it is hidden; the token goes where it belongs."""
    secret = "expected-" + "e" * 16
    problem = problem_of(
        {
            "entry": "f",
            "cases": [{"args": [1], "expected": secret, "class": "the-hidden-class", "hidden": True}],
        }
    )
    await judged(engine, language="python", source="def f(a): return a", problem=problem)
    sent = json.dumps(server.asked)
    assert secret not in sent
    assert "the-hidden-class" not in sent
    assert set(server.tokens) == {"Bearer s3cret"}


@pytest.mark.skipif(NODE is None, reason="the servers here run JavaScript with node, and there is none")
async def test_javascript_is_judged(engine: Remote, server: Server) -> None:
    """By node, with every kind of failure."""
    for source, expected in (
        (JAVASCRIPT, "accepted"),
        ("async function twoSum() { return [0, 1]; }", "accepted"),
        ("const twoSum = (a => a;", "compile_error"),
        ("const twoSum = (a) => a;", "wrong_answer"),
        ("const twoSum = () => null.x;", "runtime_error"),
        ("const twoSum = () => new Promise(() => {});", "runtime_error"),
        ("const other = 1;", "runtime_error"),
        ("const twoSum = () => { for (;;) console.log('debug'); };", "output_limit"),
    ):
        result = await judged(engine, language="javascript", source=source, problem=PROBLEM)
        assert (result.verdict, source) == (expected, source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def two_sum(a, t): return [1, 0]", "wrong_answer"),
        ("def two_sum(a, t) return", "compile_error"),
        ("def two_sum(a, t): return a[9]", "runtime_error"),
        ("import os\nos._exit(0)", "runtime_error"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "runtime_error"),
        ("def two_sum(a, t):\n    while True: print('debug')", "output_limit"),
    ],
)
async def test_failures_have_their_words(engine: Remote, server: Server, source: str, expected: str) -> None:
    """The field's, whatever the engine calls them."""
    assert await verdict(engine, source) == expected


async def test_time_out_there_is_a_time_limit_here(engine: Remote, server: Server) -> None:
    """By the engine's own word."""
    one = problem_of({"entry": "f", "time_limit_s": 0.2, "cases": [{"args": []}]})
    assert await verdict(engine, "def f():\n    while True: pass", one) == "time_limit"


async def test_a_flood_past_the_driver_is_an_output_limit(engine: Remote, server: Server) -> None:
    """os.write goes around what counts; the engine's own limit does not."""
    server.output = 1 << 16
    source = (
        "import os\ndef two_sum(a, t):\n    for _ in range(99): os.write(1, b'x' * 4096)\n    return [0, 1]"
    )
    assert await verdict(engine, source) == "output_limit"


async def test_a_frame_needs_the_nonce(engine: Remote, server: Server) -> None:
    """What is printed cannot look like an answer, not even to a program that knows our form."""
    source = (
        "import os\ndef two_sum(a, t):\n"
        '    os.write(1, b\'\\n{"ok": [0, 1]}\\n\' + b"0" * 32 + b\'{"ok": [0, 1]}\\n\')\n    os._exit(0)'
    )
    assert await verdict(engine, source) == "runtime_error"


async def test_one_hiccup_is_survived(engine: Remote, server: Server) -> None:
    """The same request once more."""
    server.fault = "500 once"
    assert await verdict(engine, PYTHON) == "accepted"


@pytest.mark.parametrize("fault", ["500", "401", "429", "garbage", "empty", "list"])
async def test_an_engine_at_fault_is_no_verdict(engine: Remote, server: Server, fault: str) -> None:
    """Nothing is known about the code then, and nothing is said about it."""
    server.fault = fault
    with pytest.raises(EngineDown):
        await verdict(engine, PYTHON)


async def test_it_is_tried_before_it_is_used(engine: Remote, server: Server) -> None:
    """A sum in each language, with an answer longer than Piston's first limit on output."""
    assert await engine.holds()
    assert "python" in engine.languages
    assert ("javascript" in engine.languages) is (NODE is not None)


async def test_a_piston_with_its_first_output_limit_is_not_used() -> None:
    """1,024 bytes would make right answers wrong."""
    server = PistonServer()
    server.output = 1024
    engine = engine_for("piston+" + await server.start())
    try:
        assert not await engine.holds()
    finally:
        await engine.close()
        await server.stop()


async def test_an_older_piston_names_no_status() -> None:
    """A killed run without an answer ran out of time."""
    server = PistonServer(status=False)
    engine = engine_for("piston+" + await server.start())
    try:
        one = problem_of({"entry": "f", "time_limit_s": 0.2, "cases": [{"args": []}]})
        result = await judged(engine, language="python", source="def f():\n    while True: pass", problem=one)
        assert (result.verdict, result.cases[0].memory_mb) == ("time_limit", None)
    finally:
        await engine.close()
        await server.stop()


async def test_gojudge_tells_memory_and_its_own_faults() -> None:
    """Memory Limit Exceeded is a verdict, Internal Error is none."""
    server = GoJudgeServer()
    engine = engine_for("gojudge+" + await server.start())
    try:
        server.fault = "memory"
        assert await verdict(engine, PYTHON) == "memory_limit"
        server.fault = "internal"
        with pytest.raises(EngineDown, match="no container"):
            await verdict(engine, PYTHON)
    finally:
        await engine.close()
        await server.stop()


async def test_the_setting_chooses_and_nothing_falls_back() -> None:
    """JUDGE_URL names the engine; when it is down, code is not run somewhere else instead."""
    server = GoJudgeServer()
    url = "gojudge+" + await server.start()
    judge = CodeJudge(url=url)
    try:
        result = await judge.judge(student="a", language="python", source=PYTHON, problem=PROBLEM)
        assert result.engine == "go-judge"
        assert "go-judge" in dict(await judge.lines())[True]
    finally:
        await judge.close()
        await server.stop()
    judge = CodeJudge(url=url)
    try:
        with pytest.raises(CannotRun, match="JUDGE_URL"):
            await judge.judge(student="a", language="python", source=PYTHON, problem=PROBLEM)
        assert not any(fine for fine, _ in await judge.lines())
    finally:
        await judge.close()


@pytest.mark.parametrize(
    "url", ["http://x", "gojudge+ftp://x", "gojudge+http://", "judge0+http://x", "piston"]
)
def test_a_wrong_address_says_so(url: str) -> None:
    """With the forms there are."""
    with pytest.raises(ValueError, match=r"gojudge\+http"):
        engine_for(url)
