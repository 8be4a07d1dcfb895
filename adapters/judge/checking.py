"""A problem of the bank tried out: every reference passes, every wrong solution gets its verdict. For authors and tests."""

from collections.abc import AsyncIterator

from adapters.judge.engines import Engine
from adapters.judge.judge import CodeJudge, judged
from bot.bank import Content
from bot.judging import Judgement, Language, Problem, ProblemError
from bot.problems import ProblemFile, Wrong

QUARTER = 0.25  # of the time limit: what a reference may take, so that a slower right way passes too
UNHURRIED = 300.0  # s for all cases of a submission


async def faults(file: ProblemFile, content: Content, judge: CodeJudge) -> AsyncIterator[str]:
    """What is wrong with it, a sentence each. Raises CannotRun, EngineDown."""
    question = next(
        (
            each
            for each in content.documents["interview_questions"]
            if (each.round, each.topic, each.slug) == ("dsa", file.topic, file.slug)  # type: ignore[attr-defined]
        ),
        None,
    )
    if question is None:
        yield f"dsa/{file.topic}.toml has no question {file.slug!r}"
        return
    public = sum(not each.hidden for each in file.problem.cases)
    if public != len(question.examples):  # type: ignore[attr-defined]
        yield f"{public} public cases beside {len(question.examples)} examples"  # type: ignore[attr-defined]
    try:
        problem = await judge.whole(file)
    except ProblemError as error:
        yield str(error)
        return
    for language, source in file.solutions.items():
        engine = await judge.engine(language)
        async for fault in _of_reference(language, source, problem, engine):
            yield fault
    for wrong in file.wrong:
        engine = await judge.engine(wrong.language)
        result = await judged(
            engine, language=wrong.language, source=wrong.source, problem=problem, stops=1, budget=UNHURRIED
        )
        if fault := _of_wrong(wrong, result):
            yield fault
    async for fault in _of_growth(file, question.complexity, judge):  # type: ignore[attr-defined]
        yield fault


async def _of_reference(
    language: Language, source: str, problem: Problem, engine: Engine
) -> AsyncIterator[str]:
    result = await judged(
        engine, language=language, source=source, problem=problem, stops=3, budget=UNHURRIED
    )
    for number, (case, told) in enumerate(zip(problem.cases, result.cases, strict=True), 1):
        if told.verdict != "accepted":
            seen = "" if case.hidden else f" (gave {told.value!r}, error {told.error})"
            yield (
                f"the {language} solution: case {number} ({case.category}): {told.verdict}{seen} {result.message}"
            )
    slowest = max((each.time_ms or 0.0 for each in result.cases), default=0.0)
    allowed = 1000 * problem.time_limit_s * QUARTER
    if engine.name == "eryx" and slowest > allowed:  # the one engine whose times do not vary
        yield f"the {language} solution takes {slowest:.0f} ms on a case, {allowed:.0f} ms are a quarter of the limit"


def _of_wrong(wrong: Wrong, result: Judgement) -> str:
    caught = next(
        (each for each in result.cases if each.verdict not in ("accepted", None)),
        None,
    )
    if caught is not None and (caught.verdict, caught.category) == (wrong.verdict, wrong.category):
        return ""
    told = f"{caught.verdict} in {caught.category!r}" if caught else result.verdict
    return f"the wrong solution ({wrong.why}) gets {told}, not {wrong.verdict} in {wrong.category!r} {result.message}"


async def _of_growth(file: ProblemFile, stated: str, judge: CodeJudge) -> AsyncIterator[str]:
    """The stated complexity must not be contradicted by the reference's own curve."""
    try:
        growth = await judge.growth_of(file, language="python", source=file.solutions["python"])
    except ProblemError as error:
        yield str(error)
        return
    if growth.agrees_with(stated) is False:
        yield f"complexity {stated} is contradicted by {growth.points}"
