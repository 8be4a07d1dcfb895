"""The judge: which engine runs what, who waits, and the way of a submission through its cases.

Decisions are in bot/judging.py, engines in engines.py and remote.py.
"""

import asyncio
import json
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from msgspec.structs import replace

from adapters.judge import engines, remote
from adapters.judge.engines import Engine, EngineDown, job_of
from adapters.judge.preparing import generated, whole
from bot.growth import Growth, estimated
from bot.judging import (
    LANGUAGES,
    SOURCE_LIMIT,
    CannotRun,
    Case,
    CaseResult,
    JudgeBusy,
    Judgement,
    Language,
    Problem,
    compile_message,
    judged_case,
    overall,
)
from bot.problems import ProblemFile, problem_file

QUEUE = 32  # submissions running or waiting; with 2 s a submission the last waits a minute
STOPS = 3  # cases stopped for time, memory or a crash until the rest is left: it will not end well any more
BUDGET = 30.0  # s for all cases of a submission
AGAIN = 30.0  # s until a remote engine that was not there is looked for anew
GROWTH_SEED = 7  # of the inputs that growth is measured on
GROWTH_LIMIT = 4.0  # s for one of them; a curve ends where one takes longer
REMEMBERED = 24  # problems with their large cases: some MB each
ENOUGH = 300.0  # ms; a growth curve that reached this has shown itself

log = logging.getLogger(__name__)


class CodeJudge:
    """`url`: the setting JUDGE_URL, empty for the engines of this machine. `workers`: processes a language.
    `chosen`: these engines and no others."""

    def __init__(
        self,
        *,
        url: str = "",
        workers: int = 1,
        queue: int = QUEUE,
        chosen: dict[Language, Engine] | None = None,
    ) -> None:
        self._url = url
        self._workers = workers
        self._queue = queue
        self._inside: set[str] = set()
        self._engines = chosen
        self._scratch = ""
        self._again = 0.0
        self._choosing = asyncio.Lock()
        self._preparing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._whole: dict[str, Problem] = {}

    async def judge(self, *, student: str, language: Language, source: str, problem: Problem) -> Judgement:
        """Every case, judged. Raises CannotRun, JudgeBusy."""
        with self._place(student):
            return await self._judged(language=language, source=source, problem=problem)

    async def _judged(self, *, language: Language, source: str, problem: Problem) -> Judgement:
        try:
            engine = await self.engine(language)
            return await judged(engine, language=language, source=source, problem=problem)
        except EngineDown as error:
            raise CannotRun(str(error)) from error

    @contextmanager
    def _place(self, student: str) -> Iterator[None]:
        """A place in the queue, one a student. Raises JudgeBusy."""
        if student in self._inside:
            raise JudgeBusy(running=True)
        if len(self._inside) >= self._queue:
            raise JudgeBusy(running=False)
        self._inside.add(student)
        try:
            yield
        finally:
            self._inside.discard(student)

    async def whole(self, file: ProblemFile) -> Problem:
        """The problem with its large cases; made once there is an engine to make them. Raises ProblemError, CannotRun."""
        lock = self._preparing.setdefault(file.slug, asyncio.Lock())
        async with lock:
            if file.slug not in self._whole:
                chosen = await self._chosen()
                try:
                    made = await whole(file, chosen)
                except EngineDown as error:
                    raise CannotRun(str(error)) from error
                if "python" not in chosen:  # without its large cases; a remote engine may come later
                    return made
                if len(self._whole) >= REMEMBERED:
                    del self._whole[next(iter(self._whole))]
                self._whole[file.slug] = made
            return self._whole[file.slug]

    async def submit(self, *, student: str, problem: str, language: Language, source: str) -> Judgement:
        """A submission to a problem of the bank. Raises CannotRun, JudgeBusy."""
        with self._place(student):
            whole = await self.whole(await _file(problem))
            return await self._judged(language=language, source=source, problem=whole)

    async def measure(self, *, problem: str, language: Language, source: str) -> Growth:
        """How a solution's time grows. Raises CannotRun."""
        return await self.growth_of(await _file(problem), language=language, source=source)

    async def growth_of(self, file: ProblemFile, *, language: Language, source: str) -> Growth:
        """How a solution's time grows with the size of its problem's input. Raises ProblemError, CannotRun."""
        python = await self.engine("python")

        async def generate(n: int) -> Sequence[Any]:
            return await generated(file, n, GROWTH_SEED, python)

        problem = replace(file.problem, time_limit_s=GROWTH_LIMIT)
        return await self.growth(
            language=language, source=source, problem=problem, generate=generate, sizes=file.generator.sizes
        )

    async def growth(
        self,
        *,
        language: Language,
        source: str,
        problem: Problem,
        generate: Callable[[int], Awaitable[Sequence[Any]]],
        sizes: Sequence[int],
    ) -> Growth:
        """How the time grows with the size of the input: `generate(n)` gives a call's arguments. Sizes ascend; it
        ends early when one takes too long. Raises CannotRun."""
        engine = await self.engine(language)
        points: list[tuple[int, float]] = []
        try:
            for n in sizes:
                spent = await _least_ms(
                    engine, language=language, source=source, problem=problem, args=await generate(n)
                )
                if spent is None:
                    break
                points.append((n, spent))
                if spent > ENOUGH and len(points) >= 5:
                    break
        except EngineDown as error:
            raise CannotRun(str(error)) from error
        return estimated(points)

    async def languages(self) -> frozenset[Language]:
        """What can be run here."""
        return frozenset(await self._chosen())

    async def lines(self) -> list[tuple[bool, str]]:
        """For operators: a line a language, which engine is active and what it protects against."""
        chosen = await self._chosen()
        return [
            (True, f"code ({language}): {chosen[language].name}: {chosen[language].protects()}")
            if language in chosen
            else (False, f"code ({language}): cannot be run. {self._mend(language)}")
            for language in LANGUAGES
        ]

    async def close(self) -> None:
        """End every process and connection."""
        for engine in set((self._engines or {}).values()):
            await engine.close()
        self._engines = None
        if self._scratch:
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)
            self._scratch = ""

    async def engine(self, language: Language) -> Engine:
        """The engine in use for a language. Raises CannotRun."""
        chosen = await self._chosen()
        if language not in chosen:
            raise CannotRun(self._mend(language))
        return chosen[language]

    async def _chosen(self) -> dict[Language, Engine]:
        """The engines, chosen and tried out when first asked for."""
        async with self._choosing:
            if self._engines is None or (self._url and not self._engines and time.monotonic() > self._again):
                self._again = time.monotonic() + AGAIN
                self._engines = await (self._remote() if self._url else self._local())
            return self._engines

    async def _remote(self) -> dict[Language, Engine]:
        try:
            engine = remote.engine_for(self._url)
        except ValueError as error:
            log.error("JUDGE_URL %s", error)  # noqa: TRY400  # the address may carry a token, and so its trace
            return {}
        if await engine.holds():
            return dict.fromkeys(engine.languages, engine)
        await engine.close()
        return {}

    async def _local(self) -> dict[Language, Engine]:
        self._scratch = self._scratch or await asyncio.to_thread(engines.private_folder)
        bwrap = engines.found_bwrap()
        # In WebAssembly behind the system's walls first: two protections of different kinds.
        for_python = [
            engines.eryx(self._scratch, self._workers),
            engines.native(self._scratch, self._workers, bwrap=bwrap) if bwrap else None,
            engines.native(self._scratch, self._workers),
        ]
        found: dict[Language, Engine] = {}
        for language, candidates in (
            ("python", for_python),
            ("javascript", [engines.quickjs(self._scratch, self._workers)]),
        ):
            held = await _first_that_holds([each for each in candidates if each is not None])
            if held is not None:
                found[language] = held  # type: ignore[index]  # the two literals above
        return found

    def _mend(self, language: Language) -> str:
        if self._url:
            return "JUDGE_URL does not answer as it should; is the engine up, and does it have this language?"
        if language == "javascript":
            return "Install quickjs-ng (pip), or set JUDGE_URL."
        return "Python 3.12 or newer with pyeryx, or Linux with Landlock or bubblewrap and libseccomp, or JUDGE_URL is needed."


async def _file(problem: str) -> ProblemFile:
    found = await asyncio.to_thread(problem_file, problem)
    if found is None:
        raise CannotRun(f"there is no problem {problem}")
    return found


async def judged(
    engine: Engine,
    *,
    language: Language,
    source: str,
    problem: Problem,
    stops: int = STOPS,
    budget: float = BUDGET,
) -> Judgement:
    """Every case through an engine, in order; each in a run of its own. Raises EngineDown, and TimeoutError when the time
    for all was up before anything failed: what was not run is not accepted."""
    if len(source.encode()) > SOURCE_LIMIT:
        why = f"the source is longer than {SOURCE_LIMIT // 1024} kB"
        return Judgement(
            verdict="compile_error", cases=_all("compile_error", problem), engine=engine.name, message=why
        )
    ends = time.monotonic() + budget
    results: list[CaseResult] = []
    for case in problem.cases:
        if stops <= 0 or time.monotonic() > ends:
            results.append(CaseResult(verdict=None, category=case.category, hidden=case.hidden))
            continue
        outcome = await engine.run(job_of(problem, case, language=language, source=source))
        message = compile_message(outcome.frame)
        if message is not None and not outcome.stop:
            return Judgement(
                verdict="compile_error",
                cases=_all("compile_error", problem),
                engine=engine.name,
                message=message,
            )
        stops -= bool(outcome.stop)
        results.append(judged_case(case, problem.compare, outcome))
    verdict = overall(results)
    if verdict == "accepted" and any(each.verdict is None for each in results):
        raise TimeoutError(f"{budget:.0f} s were not enough for all cases")
    return Judgement(verdict=verdict, cases=tuple(results), engine=engine.name)


def _all(verdict: Any, problem: Problem) -> tuple[CaseResult, ...]:
    return tuple(
        CaseResult(verdict=verdict, category=each.category, hidden=each.hidden) for each in problem.cases
    )


async def _least_ms(
    engine: Engine, *, language: Language, source: str, problem: Problem, args: Sequence[Any]
) -> float | None:
    """The least time of a few runs; one where it is counted in fuel, which does not vary."""
    case = Case(args=tuple(args))
    job = job_of(problem, case, language=language, source=source)
    times: list[float] = []
    for _ in range(1 if engine.name == "eryx" else 3):
        outcome = await engine.run(job)
        said = json.loads(outcome.frame) if outcome.frame and not outcome.stop else {}
        if not isinstance(said, dict) or "ok" not in said or outcome.time_ms is None:
            return None
        times.append(outcome.time_ms)
    return min(times)


async def _first_that_holds(candidates: Sequence[Engine]) -> Engine | None:
    for each in candidates:
        if await each.holds():
            return each
        await each.close()
    return None
