"""The score of a coding problem's best submission, as it is stored and as the report needs it."""

from msgspec.structs import replace

from bot.conversation import Coding, CodingStage, Defending, Result, Weighing, coding_of
from bot.documents import InterviewAttempt, update
from bot.effects import Effect
from bot.questions import Grade, Question
from bot.sentences import say
from bot.stages import problem
from bot.submissions import Agreed, ScorePart, Submission, composed, dimensions_of, score_of


def closed_early(stage: CodingStage) -> tuple[Result | None, list[Effect]]:
    """The interview ends here: the best submission counts, and the one that still runs does not."""
    coding = coding_of(stage)
    if coding.best is None:
        if not coding.attempt:
            return None, []
        return None, [update(InterviewAttempt, coding.attempt, status="not_graded", reason="stopped")]
    parts = composed(
        coding.best, agreed=agreed_in(stage), follow_up=None, talked=has_talked(coding), hints=coding.hints
    )
    scored, stored = result(coding, parts, None)
    return scored, [stored]


def result(coding: Coding, parts: tuple[ScorePart, ...], grade: Grade | None) -> tuple[Result, Effect]:
    best, question = coding.best, coding.question
    assert best is not None
    score = score_of(parts)
    stored = update(
        InterviewAttempt,
        coding.attempt,
        score=score,
        feedback=problem.composition(parts, score, best).replace("**", "").replace("  \n", " · "),
        status="graded",
        grader="judge",
        parts=parts,
        dimensions=dimensions_of(parts),
        hints_used=coding.hints,
        points=grade.points if grade else (),
        flags=grade.flags if grade else (),
    )
    return replace(of_submission(coding.attempt, question, best, parts), hints=coding.hints), stored


def of_submission(attempt: str, question: Question, best: Submission, parts: tuple[ScorePart, ...]) -> Result:
    """What the report needs of it."""
    found = say("coding.cases_right", passed=best.accepted, total=best.cases)
    return Result(
        attempt=attempt,
        question=question.id,
        round=question.round,
        topic=question.topic,
        topic_title=question.topic_title,
        score=score_of(parts),
        found=(found,) if best.accepted else (),
        not_detected=(best.failed,) if best.failed else (),
        sides={each.name: each.score for each in dimensions_of(parts) if each.score is not None},
    )


def agreed_in(stage: CodingStage) -> Agreed:
    """What measuring said of the stated complexity so far."""
    match stage:
        case Defending():
            return stage.agreed
        case Weighing():
            return stage.defending.agreed
    return "skipped"


def has_talked(coding: Coding) -> bool:
    return bool(coding.told or coding.explained)
