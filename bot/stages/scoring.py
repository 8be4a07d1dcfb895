"""The score of a coding problem's best submission, as it is stored and as the report needs it."""

from msgspec.structs import replace

from bot.conversation import Coding, CodingStage, Result, Session, coding_of
from bot.documents import InterviewAttempt, update
from bot.effects import Effect
from bot.questions import Grade
from bot.sentences import say
from bot.stages import problem
from bot.submissions import ScorePart, composed, dimensions_of, score_of


def closed_early(stage: CodingStage, session: Session) -> tuple[Session, list[Effect]]:
    """The interview ends here: the best submission counts, and the one that still runs does not."""
    coding = coding_of(stage)
    if coding.best is None:
        if not coding.attempt:
            return session, []
        return session, [update(InterviewAttempt, coding.attempt, status="not_graded", reason="stopped")]
    parts = composed(
        coding.best, agreed="skipped", follow_up=None, talked=has_talked(coding), hints=coding.hints
    )
    scored, stored = result(coding, parts, None)
    return replace(session, results=(*session.results, scored)), [stored]


def result(coding: Coding, parts: tuple[ScorePart, ...], grade: Grade | None) -> tuple[Result, Effect]:
    best, question = coding.best, coding.question
    assert best is not None
    score = score_of(parts)
    failed = (best.failed,) if best.failed else ()
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
    found = say("coding.cases_right", passed=best.accepted, total=best.cases)
    scored = Result(
        attempt=coding.attempt,
        question=question.id,
        round=question.round,
        topic=question.topic,
        topic_title=question.topic_title,
        score=score,
        found=(found,) if best.accepted else (),
        not_detected=failed,
    )
    return scored, stored


def has_talked(coding: Coding) -> bool:
    return bool(coding.told or coding.explained)
