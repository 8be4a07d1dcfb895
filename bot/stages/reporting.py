"""The report of an interview: made from its results, shown as a message, followed by one thing to do."""

from datetime import datetime
from itertools import groupby
from statistics import mean

from bot.bank import Content
from bot.clock import next_reminder, shown, zone_of
from bot.conversation import Conversation, Result, Session
from bot.documents import InterviewReport, PlanStep, RoundReport, slug_id
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.questions import ROUNDS, band
from bot.sentences import counted, label, say
from bot.stages import planning

WEAK_BELOW = 65  # points: the border between "partial" and "good"
LONGEST_PLAN = 5  # steps: more is a wish list
SHOWN_LINES = 2  # strengths and weaknesses of a round in the message; the document holds all


def make(session: Session, student: str, at: datetime, content: Content, *, partial: bool) -> InterviewReport:
    """The report document of a session that ended. Its id derives from the session's: there is one."""
    scores = [result.score for result in session.results if result.score is not None]
    taken = {result.round for result in session.results}
    return InterviewReport(
        id=slug_id("report", session.id),
        session_id=session.id,
        student_id=student,
        company=session.company,
        role=session.role,
        score=round(mean(scores)) if scores else None,
        partial=partial,
        answered=len(session.results),
        questions=len(session.plan),
        rounds=tuple(_round_report(list(results)) for results in _by_round(session.results)),
        rounds_not_taken=tuple(name for name in ROUNDS if name not in taken),
        improvement_plan=_improvement_plan(session, content),
        created_at=at,
    )


def message(report: InterviewReport) -> str:
    """The report as it is read: scores by round, evidence, what was not taken, the plan."""
    lines = [say("report.title"), say("report.line", company=plain(report.company), role=plain(report.role))]
    if report.partial:
        lines.append(say("report.partial", answered=report.answered, total=report.questions))
    if report.score is None:
        lines.append(say("report.no_overall"))
    else:
        lines.append(
            say("report.overall", score=report.score, band=say(f"bands.{band(report.score)}").lower())
        )
    lines += [_round_lines(each) for each in report.rounds]
    if report.rounds_not_taken:
        names = ", ".join(say(f"rounds.{name}").lower() for name in report.rounds_not_taken)
        lines.append(say("report.not_taken", rounds=names))
    lines.append(say("report.plan"))
    lines.append("\n".join(f"{n}. {step.text}" for n, step in enumerate(report.improvement_plan, 1)))
    return "\n\n".join(lines)


def replies(report: InterviewReport, conversation: Conversation, turn: Turn) -> list[Effect]:
    """The report, and after it the one thing to do next."""
    weakest = next((step for step in report.improvement_plan if step.skill), None)
    if weakest is None:
        return [reply(message(report), button("interview", "", "interview"), button("learn", "", "learn"))]
    return [reply(message(report)), _offer(weakest, conversation, turn)]


def show(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`report` and `report 2`: the last one, or an earlier one (1 is the newest)."""
    reports = turn.known.reports
    if not reports:
        minutes = planning.minutes_in("short", turn.content)
        offer = button("interview", "short", "short_interview", minutes=minutes)
        return conversation, [reply(say("report.none", minutes=minutes), offer)]
    if argument and argument not in map(str, range(1, len(reports) + 1)):
        text = say("report.rubbish", reports=counted(len(reports), "report"), number=len(reports))
        return conversation, [reply(text)]
    report = reports[int(argument or 1) - 1]
    return conversation, [
        reply(message(report), button("interview", "", "interview"), button("learn", "", "learn"))
    ]


def _offer(step: PlanStep, conversation: Conversation, turn: Turn) -> Reply:
    path = turn.content.paths[step.skill]
    first = path.stages[0].resources[0]
    when = shown(zone_of(conversation), next_reminder(conversation, turn.at), turn.at)
    text = say(
        "report.weakest",
        topic=step.topic,
        skill=path.title,
        title=plain(first.title),
        minutes=first.duration_minutes,
        when=when,
    )
    yes = Choice(id=f"learn:{step.skill}", label=label("yes"))
    return reply(text, yes, button("later", step.skill, "other_time"), button("no", "", "no"))


def _by_round(results: tuple[Result, ...]) -> list[list[Result]]:
    ordered = sorted(results, key=lambda result: ROUNDS.index(result.round))
    return [list(group) for _, group in groupby(ordered, key=lambda result: result.round)]


def _round_report(results: list[Result]) -> RoundReport:
    scores = [result.score for result in results if result.score is not None]
    return RoundReport(
        round=results[0].round,
        score=round(mean(scores)) if scores else None,
        questions=len(results),
        strengths=tuple(f"{each.topic_title}: {point}" for each in results for point in each.found),
        weaknesses=tuple(f"{each.topic_title}: {point}" for each in results for point in each.not_detected),
    )


def _round_lines(report: RoundReport) -> str:
    name, questions = say(f"rounds.{report.round}"), counted(report.questions, "question")
    if report.score is None:
        return say("report.round_no_score", round=name, questions=questions)
    word = say(f"bands.{band(report.score)}").lower()
    lines = [say("report.round", round=name, score=report.score, band=word, questions=questions)]
    lines += [say("report.strength", text=plain(each)) for each in report.strengths[:SHOWN_LINES]]
    lines += [say("report.weakness", text=plain(each)) for each in report.weaknesses[:SHOWN_LINES]]
    return "  \n".join(lines)


def _improvement_plan(session: Session, content: Content) -> tuple[PlanStep, ...]:
    """Weakest topics first, then rounds that were not taken."""
    scored = [(result.score, result) for result in session.results if result.score is not None]
    weak = [result for score, result in sorted(scored, key=lambda pair: pair[0]) if score < WEAK_BELOW]
    steps = [_topic_step(result, content) for result in weak]
    taken = {result.round for result in session.results}
    planned = {each.round for each in session.plan}
    for name in ROUNDS:
        if name not in taken:
            title = say(f"rounds.{name}")
            key = "report.step_skipped" if name in planned else "report.step_round"
            steps.append(PlanStep(topic=title, text=say(key, round=title.lower())))
    return tuple(steps[:LONGEST_PLAN]) or (PlanStep(topic="", text=say("report.step_keep")),)


def _topic_step(result: Result, content: Content) -> PlanStep:
    path = content.path_for_topic(result.topic)
    missed = "; ".join(plain(point) for point in result.not_detected[:2])
    text = say("report.step_topic", topic=result.topic_title, score=result.score, missed=missed)
    return PlanStep(topic=result.topic_title, text=text, skill=path.skill if path else "")
