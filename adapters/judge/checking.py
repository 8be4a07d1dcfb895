"""A problem of the bank tried out: every reference passes, every wrong solution gets its verdict. For authors and tests."""

import asyncio

from adapters.judge.judge import CodeJudge, judged
from bot.bank import Content
from bot.documents import InterviewQuestion
from bot.judging import Language, Problem, ProblemError
from bot.problems import ProblemFile, Wrong

QUARTER = 0.25  # of the time limit: what a reference may take, so that a slower right way passes too
UNHURRIED = 300.0  # s for all cases of a submission


async def faults(file: ProblemFile, content: Content, judge: CodeJudge, *, growth: bool = True) -> list[str]:
    """What is wrong with it, a sentence each. Without `growth` its complexity is taken as stated. Raises CannotRun,
    EngineDown."""
    questions = content.documents["interview_questions"]
    found = (each for each in questions if isinstance(each, InterviewQuestion) and each.round == "dsa")
    question = next((each for each in found if (each.topic, each.slug) == (file.topic, file.slug)), None)
    if question is None:
        return [f"dsa/{file.topic}.toml has no question {file.slug!r}"]
    try:
        problem = await judge.whole(file)
    except ProblemError as error:
        return [str(error)]
    public = sum(not each.hidden for each in file.problem.cases)
    told = [f"{public} public cases beside {len(question.examples)} examples"]
    checks = [
        *(_of_reference(language, source, problem, judge) for language, source in file.solutions.items()),
        *(_of_wrong(wrong, problem, judge) for wrong in file.wrong),
        *([_of_growth(file, question.complexity, judge)] if growth else []),
    ]
    found_wrong = [fault for faults in await asyncio.gather(*checks) for fault in faults]
    return [*(told if public != len(question.examples) else []), *found_wrong]


async def _of_reference(language: Language, source: str, problem: Problem, judge: CodeJudge) -> list[str]:
    engine = await judge.engine(language)
    result = await judged(
        engine, language=language, source=source, problem=problem, stops=3, budget=UNHURRIED
    )
    told = []
    for number, (case, each) in enumerate(zip(problem.cases, result.cases, strict=True), 1):
        if each.verdict != "accepted":
            seen = "" if case.hidden else f" (gave {each.value!r}, error {each.error})"
            told.append(
                f"the {language} solution: case {number} ({case.category}): {each.verdict}{seen} {result.message}"
            )
    slowest = max((each.time_ms or 0.0 for each in result.cases), default=0.0)
    allowed = 1000 * problem.time_limit_s * QUARTER
    if engine.name == "eryx" and slowest > allowed:  # the one engine whose times do not vary
        told.append(
            f"the {language} solution takes {slowest:.0f} ms on a case, {allowed:.0f} ms are a quarter"
        )
    return told


async def _of_wrong(wrong: Wrong, problem: Problem, judge: CodeJudge) -> list[str]:
    engine = await judge.engine(wrong.language)
    result = await judged(
        engine, language=wrong.language, source=wrong.source, problem=problem, stops=1, budget=UNHURRIED
    )
    caught = next((each for each in result.cases if each.verdict not in ("accepted", None)), None)
    if caught is not None and (caught.verdict, caught.category) == (wrong.verdict, wrong.category):
        return []
    told = f"{caught.verdict} in {caught.category!r}" if caught else result.verdict
    return [
        f"the wrong solution ({wrong.why}) gets {told}, not {wrong.verdict} in {wrong.category!r} {result.message}"
    ]


async def _of_growth(file: ProblemFile, stated: str, judge: CodeJudge) -> list[str]:
    """The stated complexity must not be contradicted by the reference's own curve."""
    try:
        growth = await judge.growth_of(file, language="python", source=file.solutions["python"])
    except ProblemError as error:
        return [str(error)]
    return (
        [f"complexity {stated} is contradicted by {growth.points}"]
        if growth.agrees_with(stated) is False
        else []
    )
