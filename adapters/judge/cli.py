"""`python -m bot judge`: one submission from a file and stdin, one JSON object; for authors and scripts."""

import asyncio
from pathlib import Path
from typing import Any

from adapters.judge.engines import EngineDown
from adapters.judge.judge import CodeJudge, judged
from bot.judging import LANGUAGES, CannotRun, Language, ProblemError, problem_from
from bot.sourcecode import found

UNHURRIED = 300.0  # s for all cases: an author wants every verdict


async def judge_file(
    problem: Path, language: str, source: str, *, judge: CodeJudge
) -> tuple[dict[str, Any], str]:
    """The JSON object, and why the source could not be compiled (empty when it could).
    Raises ProblemError, CannotRun."""
    try:
        asked = problem_from(await asyncio.to_thread(problem.read_bytes))
    except OSError as error:
        raise ProblemError(f"{problem}: {error.strerror}") from None
    engine = await judge.engine(_language(language))
    try:
        result = await judged(
            engine,
            language=_language(language),
            source=found(source, file_name=f"solution.{language}").source,
            problem=asked,
            stops=len(asked.cases),
            budget=UNHURRIED,
        )
    except EngineDown as error:
        raise CannotRun(str(error)) from error
    return result.as_json(), result.message


def _language(name: str) -> Language:
    for each in LANGUAGES:
        if name.lower() == each:
            return each
    raise ProblemError(f"--language {name}: there are {', '.join(LANGUAGES)}")
