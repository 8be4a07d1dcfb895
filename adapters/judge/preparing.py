"""A problem made whole: its large cases generated, and their results taken from the reference solution.

Both run in the sandbox like everything else, once a process and problem; what they give never goes back into it.
"""

import asyncio
from typing import Any

from msgspec.structs import replace

from adapters.judge.engines import Engine, job_of
from bot.judging import LANGUAGES, Case, Language, Problem, ProblemError, returned
from bot.problems import Large, ProblemFile

GENERATOR_SECONDS = 20.0  # of the engine; the slowest generator of the bank takes 2
REFERENCE_SLACK = 4.0  # times a case's limit for the reference, so that a busy machine is no fault of it
LONGEST_INPUT = 1_500_000  # characters of JSON: the way into a sandbox and out of it holds 2 MB


async def whole(file: ProblemFile, engines: dict[Language, Engine]) -> Problem:
    """The problem with its large cases; without them where no engine can generate them (they are Python).
    Raises ProblemError for a fault of its author, EngineDown."""
    python = engines.get("python")
    if python is None:
        return file.problem
    cases = [await _large_case(file, each, python) for each in file.large]
    return replace(file.problem, cases=(*file.problem.cases, *cases))


async def generated(file: ProblemFile, n: int, seed: int, engine: Engine) -> tuple[Any, ...]:
    """A call's arguments of size n. Raises ProblemError, EngineDown."""
    call = Case(args=(n, seed))
    problem = Problem(entry="generate", cases=(call,), time_limit_s=GENERATOR_SECONDS, memory_limit_mb=1024)
    job = job_of(problem, call, language="python", source=file.generator.source)
    args = await asyncio.to_thread(_returned, f"{file.slug}: generate({n}, {seed})", await engine.run(job))
    if not isinstance(args, list):
        raise ProblemError(f"{file.slug}: generate({n}, {seed}) gave no list of arguments")
    return tuple(args)


async def _large_case(file: ProblemFile, large: Large, engine: Engine) -> Case:
    args = await generated(file, large.n, large.seed, engine)
    call = Case(args=args, category=large.category, hidden=True)
    problem = replace(file.problem, time_limit_s=REFERENCE_SLACK * file.problem.time_limit_s)
    language: Language = next(each for each in LANGUAGES if each in engine.languages)
    job = job_of(problem, call, language=language, source=file.solutions[language])
    if len(job.args) > LONGEST_INPUT:
        raise ProblemError(f"{file.slug}: the input of size {large.n} has {len(job.args)} characters of JSON")
    expected = await asyncio.to_thread(_returned, f"{file.slug}: its reference", await engine.run(job))
    return replace(call, expected=expected)


def _returned(what: str, outcome: Any) -> Any:
    try:
        return returned(outcome)
    except ProblemError as error:
        raise ProblemError(f"{what} {error}") from None
