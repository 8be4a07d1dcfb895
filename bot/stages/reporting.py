"""The report of an interview: made from its results or from stored attempts, shown as a message, a picture and a paper,
followed by one thing to do."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby, zip_longest
from statistics import mean

import msgspec

from bot import paths, rubric, text
from bot.bank import Content
from bot.clock import day_month, local_day, shown, zone_of
from bot.conversation import Conversation, Result, Session
from bot.documents import (
    AnswerReport,
    InterviewAttempt,
    InterviewReport,
    InterviewSession,
    PathTemplate,
    PlanStep,
    RoundReport,
    SideReport,
    slug_id,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Bar, Chart, Choice, Line, Message, Paper, Section, Spot, plain
from bot.questions import ROUNDS, Grade, Question, RoundName, band
from bot.readiness import FEWEST, pressure, readiness
from bot.sentences import counted, label, say
from bot.stages import feedback, lessons, nudging, planning, scoring
from bot.stages.reviewing import WEAK_BELOW
from bot.stages.weak_topics import TopicStage

LONGEST_PLAN = 5  # steps: more is a wish list
SHOWN_LINES = 2  # strengths and weaknesses of a round in the message; document and paper hold all
LONGEST_TREND = 8  # reports in the picture: more do not fit a phone
HISTORY_BUTTONS = 5  # of the newest reports


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What of an interview a report is made of. `questions`: how many were planned, in `planned` rounds."""

    session: str
    student: str
    company: str
    role: str
    results: tuple[Result, ...]
    questions: int
    planned: frozenset[RoundName]
    partial: bool
    timed: bool
    at: datetime


def make(
    session: Session,
    student: str,
    at: datetime,
    content: Content,
    *,
    partial: bool,
    earlier: Sequence[InterviewReport] = (),
) -> InterviewReport:
    """The report document of a session that ended. Its id derives from the session's: there is one. `earlier`: the
    student's other reports, in any order."""
    taken = _Taken(
        session=session.id,
        student=student,
        company=session.company,
        role=session.role,
        results=session.results,
        questions=len(session.plan),
        planned=frozenset(each.round for each in session.plan),
        partial=partial,
        timed=session.timed,
        at=at,
    )
    return _made(taken, earlier, content)


def remade(
    session: InterviewSession,
    attempts: Iterable[InterviewAttempt],
    reports: Iterable[InterviewReport],
    content: Content,
) -> InterviewReport | None:
    """The same report from what is stored; None where nothing was answered. `attempts`: of the session; `reports`: all
    of the student's, this one's former self among them if there is one."""
    mine = slug_id("report", session.id)
    known = {each.id: each for each in reports}
    former = known.pop(mine, None)
    kept = [each for each in attempts if each.status in ("graded", "not_graded") and each.reason != "stopped"]
    kept.sort(key=lambda each: (each.created_at, each.id))
    if not kept:
        return None
    taken = _Taken(
        session=session.id,
        student=session.student_id,
        company=session.company,
        role=session.role,
        results=tuple(_result_of(each) for each in kept),
        questions=former.questions if former else max(len(kept), planning.questions_in(session.length)),
        planned=frozenset(session.rounds),
        partial=session.status != "completed",
        timed=session.timed,
        at=former.created_at if former else session.completed_at or kept[-1].created_at,
    )
    return _made(taken, known.values(), content)


def message(report: InterviewReport) -> str:
    """The report as it is read: scores by round, evidence, what was not taken, the plan."""
    lines = [say("report.title"), say("report.line", company=plain(report.company), role=plain(report.role))]
    lines.append("  \n".join(_summary(report)))
    lines += [_round_lines(each) for each in report.rounds]
    if report.rounds_not_taken:
        lines.append(_not_taken(report))
    lines.append(say("report.plan"))
    lines.append("\n".join(f"{n}. {plain(step.text)}" for n, step in enumerate(report.improvement_plan, 1)))
    return "\n\n".join(lines)


def replies(
    report: InterviewReport, stages: Sequence[TopicStage], conversation: Conversation, turn: Turn
) -> list[Effect]:
    """The report, and after it the one thing to do next. `stages`: that its weakest topics became."""
    told = _shown(report, conversation, turn)
    if not stages:
        return [told]
    plan = f"learn:{stages[0].path.skill}"
    choices = tuple(each for each in told.message.choices if each.id != plan)  # the offer has it
    told = msgspec.structs.replace(told, message=msgspec.structs.replace(told.message, choices=choices))
    return [told, _offer(report, stages, conversation, turn)]


def show(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`report`, `report 2` (1 is the newest), `report all`; a button names a report by its id."""
    reports = turn.known.reports
    if not reports:
        minutes = planning.minutes_in("short", turn.content)
        offer = button("interview", "short", "short_interview", minutes=minutes)
        return conversation, [reply(say("report.none", minutes=minutes), offer)]
    if argument.lower() == "all":
        return conversation, [_history(conversation, turn)]
    named = {each.id: each for each in reports} | {str(n): each for n, each in enumerate(reports, 1)}
    report = named.get(argument or "1")
    if report is None:
        words = say("report.rubbish", reports=counted(len(reports), "report"), number=len(reports))
        return conversation, [reply(words)]
    return conversation, [_shown(report, conversation, turn)]


def share(conversation: Conversation, report_id: str, turn: Turn) -> Outcome | None:
    """The report as a paper; None when it is not among those known."""
    report = next((each for each in turn.known.reports if each.id == report_id), None)
    if report is None:
        return None
    words = Message(text=say("report.paper"), file=paper(report, _day(report.created_at, conversation)))
    return conversation, [Reply(message=words)]


def answer_in(reports: Iterable[InterviewReport], question_id: str) -> AnswerReport | None:
    """What the newest report that has it says of a question."""
    answers = (each for report in reports for each in report.answers)
    return next((each for each in answers if each.question_id == question_id), None)


def chart(report: InterviewReport, earlier: Iterable[InterviewReport], conversation: Conversation) -> Chart:
    """The sides of each round, and the overall score over time. It holds no words of the student's."""
    sections = []
    for each in report.rounds:
        bars = _bars(each)
        if bars:
            note = _not_judged(each)
            title = f"{say(f'rounds.{each.round}')} · {each.score}" if each.score is not None else ""
            sections.append(Section(title=title or say(f"rounds.{each.round}"), bars=bars, note=note))
    line = sorted([report, *_before(report, earlier)], key=lambda each: each.created_at)[-LONGEST_TREND:]
    spots = tuple(
        Spot(label=_day(each.created_at, conversation, year=False), value=each.score)
        for each in line
        if each.score is not None
    )
    title = say("report.chart", score="–" if report.score is None else report.score)
    return Chart(
        name="report",
        title=title,
        sections=tuple(sections),
        trend=say("report.trend"),
        spots=spots if len(spots) > 1 else (),
    )


def paper(report: InterviewReport, day: str) -> Paper:
    """The whole report, to be printed or passed on."""
    lead = (f"{report.company} · {report.role}", day, *_summary(report))
    sections = [
        Section(
            title=_heading(each),
            bars=_bars(each),
            note=_not_judged(each),
            lines=(
                *(Line(text=point, mark="found") for point in each.strengths),
                *(Line(text=point, mark="open") for point in each.weaknesses),
            ),
        )
        for each in report.rounds
    ]
    if report.rounds_not_taken:
        sections[-1] = msgspec.structs.replace(
            sections[-1], lines=(*sections[-1].lines, Line(text=_not_taken(report)))
        )
    steps = tuple(Line(text=step.text, mark="step") for step in report.improvement_plan)
    sections.append(Section(title=say("report.plan_title"), lines=steps))
    return Paper(
        name=f"viva-report-{report.created_at:%Y-%m-%d}",
        title=say("report.paper_title"),
        lead=lead,
        sections=tuple(sections),
        foot=say("report.paper_foot"),
    )


# Making it


def _made(taken: _Taken, others: Iterable[InterviewReport], content: Content) -> InterviewReport:
    scores = [result.score for result in taken.results if result.score is not None]
    mine = slug_id("report", taken.session)
    earlier = sorted(
        (each for each in others if each.id != mine and each.created_at < taken.at),
        key=lambda each: each.created_at,
        reverse=True,
    )
    last = earlier[0] if earlier else None
    before = {each.round: each.score for each in last.rounds} if last else {}
    rounds = tuple(
        _round_report(list(results), before.get(results[0].round)) for results in _by_round(taken.results)
    )
    compared = last is not None and any(each.before is not None for each in rounds)
    seen = [each.score for each in (*rounds, *(old for report in earlier for old in reversed(report.rounds)))]
    score = round(mean(scores)) if scores else None
    overall = [(score, taken.timed), *((each.score, each.timed) for each in earlier)]
    return InterviewReport(
        id=mine,
        session_id=taken.session,
        student_id=taken.student,
        company=taken.company,
        role=taken.role,
        score=score,
        partial=taken.partial,
        timed=taken.timed,
        pressure=pressure([(each, timed) for each, timed in overall if each is not None]),
        answered=len(taken.results),
        questions=taken.questions,
        rounds=rounds,
        rounds_not_taken=tuple(name for name in ROUNDS if not any(each.round == name for each in rounds)),
        improvement_plan=_improvement_plan(taken, content),
        created_at=taken.at,
        answers=tuple(
            AnswerReport(question_id=each.question, topic=each.topic, score=each.score, found=each.found)
            for each in taken.results
        ),
        readiness=readiness([score for score in seen if score is not None]),
        compared_with=last.id if last and compared else None,
    )


def _result_of(attempt: InterviewAttempt) -> Result:
    if attempt.parts:  # code that ran; of submissions that are equal the earlier one counts
        best = max(attempt.submissions, key=lambda each: each.accepted)
        return scoring.of_submission(attempt.id, attempt.asked, best, attempt.parts)
    grade = Grade(
        score=attempt.score,
        points=attempt.points,
        grader=attempt.grader,
        reason=attempt.reason,
        dimensions=attempt.dimensions,
    )
    return feedback.result(attempt.asked, attempt.id, grade)


def _by_round(results: tuple[Result, ...]) -> list[list[Result]]:
    ordered = sorted(results, key=lambda result: ROUNDS.index(result.round))
    return [list(group) for _, group in groupby(ordered, key=lambda result: result.round)]


def _round_report(results: list[Result], before: int | None) -> RoundReport:
    scores = [result.score for result in results if result.score is not None]
    return RoundReport(
        round=results[0].round,
        score=round(mean(scores)) if scores else None,
        questions=len(results),
        strengths=tuple(
            _evidence(f"{each.topic_title}: {point}", quote)
            for each in results
            for point, quote in zip_longest(each.found, each.quotes, fillvalue="")
        ),
        weaknesses=tuple(
            _evidence(f"{each.topic_title}: {point}", each.turned.get(point, ""), key="report.turned")
            for each in results
            for point in each.not_detected
        ),
        dimensions=_sides(results),
        before=before if scores else None,
    )


def _evidence(point: str, quote: str, key: str = "report.evidence") -> str:
    return say(key, point=point, quote=quote) if quote else point


def _sides(results: list[Result]) -> tuple[SideReport, ...]:
    """The sides of the round's kind in their order, then others that were judged (a theme); of code that ran, its own."""
    judged = tuple(dict.fromkeys(name for each in results for name in each.sides))
    usual = tuple(rubric.BEHAVIORAL if results[0].round == "behavioral" else rubric.TECHNICAL)
    ran = results[0].round == "dsa" and not set(judged) <= set(usual)
    names = judged if ran else (*usual, *(each for each in judged if each not in usual))
    sides = []
    for name in names if judged else ():
        values = [each.sides[name] for each in results if name in each.sides]
        sides.append(SideReport(name=name, score=round(mean(values), 1) if values else None))
    return tuple(sides)


def _improvement_plan(taken: _Taken, content: Content) -> tuple[PlanStep, ...]:
    """Weakest topics first, each once, then rounds that were not taken."""
    scored = [(result.score, result) for result in taken.results if result.score is not None]
    weak: dict[str, Result] = {}
    for score, each in sorted(scored, key=lambda pair: pair[0]):
        if score < WEAK_BELOW:
            weak.setdefault(each.topic, each)
    steps = [_topic_step(result, content) for result in weak.values()]
    answered = {result.round for result in taken.results}
    for name in ROUNDS:
        if name not in answered:
            title = say(f"rounds.{name}")
            key = "report.step_skipped" if name in taken.planned else "report.step_round"
            steps.append(PlanStep(topic=title, text=say(key, round=title.lower())))
    return tuple(steps[:LONGEST_PLAN]) or (PlanStep(topic="", text=say("report.step_keep")),)


def _topic_step(result: Result, content: Content) -> PlanStep:
    """A stage of the path that covers the topic; where there is none, the answer is gone over and tried again."""
    path = content.path_for_topic(result.topic)
    missed = "; ".join(result.not_detected[:2])
    title = result.topic_title
    if path is None:
        words = say("report.step_review", topic=title, score=result.score, missed=missed)
        return PlanStep(topic=title, text=words, kind="review")
    number, name = _stage(path, result)
    words = say(
        "report.step_topic",
        topic=title,
        score=result.score,
        missed=missed,
        skill=path.title,
        number=number,
        stage=name,
    )
    return PlanStep(
        topic=title, text=words, skill=path.skill, kind="path", stage_number=number, stage_name=name
    )


def _stage(path: PathTemplate, result: Result) -> tuple[int, str]:
    """Number and name of the stage that shares most words with what was not detected; else the first."""
    wanted = set(text.content_stems(text.tokens(" ".join([result.topic_title, *result.not_detected]))))
    shared = [
        len(wanted & set(text.content_stems(text.tokens(" ".join([each.stage_name, *each.topics])))))
        for each in path.stages
    ]
    place = shared.index(max(shared))
    return place + 1, path.stages[place].stage_name


# Showing it


def _shown(report: InterviewReport, conversation: Conversation, turn: Turn) -> Reply:
    choices: list[Choice] = []
    if (weakest := _weakest(report, turn.content)) is not None:
        choices.append(button("retry", weakest.id, "retry"))
    if skill := next((step.skill for step in report.improvement_plan if step.skill), ""):
        choices.append(button("learn", skill, "begin_plan"))
    choices += [button("pdf", report.id, "pdf"), button("interview", "", "interview")]
    if not skill:
        choices.append(button("learn", "", "learn"))
    picture = chart(report, turn.known.reports, conversation)
    drawn = picture if picture.sections or picture.spots else None
    return Reply(message=Message(text=message(report), choices=tuple(choices), picture=drawn))


def _weakest(report: InterviewReport, content: Content) -> Question | None:
    """The question with the lowest score, as long as there is something to gain."""
    scored = [(each.score, each) for each in report.answers if each.score is not None and each.score < 100]
    lowest = min(scored, key=lambda pair: pair[0], default=None)
    return content.question(lowest[1].question_id) if lowest else None


def _history(conversation: Conversation, turn: Turn) -> Reply:
    reports = turn.known.reports
    lines = [
        say(
            "report.entry",
            number=number,
            date=_day(each.created_at, conversation),
            company=plain(each.company),
            score="–" if each.score is None else each.score,
        )
        for number, each in enumerate(reports, 1)
    ]
    choices = [
        button("report", each.id, "report_of", date=_day(each.created_at, conversation, year=False))
        for each in reports[:HISTORY_BUTTONS]
    ]
    return reply("\n\n".join([say("report.history"), "  \n".join(lines)]), *choices)


def _summary(report: InterviewReport) -> list[str]:
    lines = []
    if report.partial:
        lines.append(say("report.partial", answered=report.answered, total=report.questions))
    if report.score is None:
        lines.append(say("report.no_overall"))
    else:
        lines.append(
            say("report.overall", score=report.score, band=say(f"bands.{band(report.score)}").lower())
        )
    if (ready := report.readiness) is not None:
        rounds = counted(ready.rounds, "round")
        lines.append(say("report.readiness", low=ready.low, high=ready.high, rounds=rounds))
    else:
        lines.append(say("report.no_readiness", rounds=counted(FEWEST, "round")))
    if (clock := report.pressure) is not None:
        key = "report.pressure_lower" if clock.gap < 0 else "report.pressure_higher"
        counts = {"timed": counted(clock.timed, "interview"), "relaxed": clock.relaxed}
        lines.append(say(key, gap=abs(clock.gap), **counts))
    return lines


def _heading(report: RoundReport) -> str:
    """ "Technical 71/100 (good), 1 question, +12"."""
    name, questions = say(f"rounds.{report.round}"), counted(report.questions, "question")
    if report.score is None:
        return say("report.round_no_score", round=name, questions=questions)
    word = say(f"bands.{band(report.score)}").lower()
    line = say("report.round", round=name, score=report.score, band=word, questions=questions)
    if report.before is not None:
        line += say(
            "report.change", change=feedback.changed(report.score - report.before), before=report.before
        )
    return line


def _round_lines(report: RoundReport) -> str:
    lines = [f"**{_heading(report)}**"]
    judged = [each for each in report.dimensions if each.score is not None]
    if judged:
        sides = ", ".join(f"{rubric.title_of(each.name).lower()} {each.score:g}" for each in judged)
        lines.append(plain(say("report.sides", sides=sides)))
    lines += [say("report.strength", text=plain(each)) for each in report.strengths[:SHOWN_LINES]]
    lines += [say("report.weakness", text=plain(each)) for each in report.weaknesses[:SHOWN_LINES]]
    return "  \n".join(lines)


def _bars(report: RoundReport) -> tuple[Bar, ...]:
    return tuple(
        Bar(label=rubric.title_of(each.name), value=each.score, top=rubric.TOP)
        for each in report.dimensions
        if each.score is not None
    )


def _not_judged(report: RoundReport) -> str:
    names = [rubric.title_of(each.name).lower() for each in report.dimensions if each.score is None]
    return say("report.not_judged", sides=", ".join(names)) if names else ""


def _not_taken(report: InterviewReport) -> str:
    names = ", ".join(say(f"rounds.{name}").lower() for name in report.rounds_not_taken)
    return say("report.not_taken", rounds=names)


def _before(report: InterviewReport, reports: Iterable[InterviewReport]) -> list[InterviewReport]:
    return [each for each in reports if each.id != report.id and each.created_at < report.created_at]


def _day(at: datetime, conversation: Conversation, *, year: bool = True) -> str:
    day = local_day(conversation, at)
    return f"{day_month(day)} {day.year}" if year else day_month(day)


def _offer(
    report: InterviewReport, stages: Sequence[TopicStage], conversation: Conversation, turn: Turn
) -> Reply:
    """The weakest topics have become stages: which, how long they take, and that one can say no."""
    first, *others = stages
    due = nudging.coming(conversation, turn)
    paused = first.path.state != "active"
    words = say(
        "report.weakest",
        topic=first.topic,
        skill=lessons.title_of(first.path.skill, turn),
        resources=counted(len(first.stage.resources), "resource"),
        minutes=lessons.minutes(paths.stage_minutes(first.stage)),
    )
    if first.stage.requires:
        *before, last = map(str, first.stage.requires)
        numbers = f"{', '.join(before)} and {last}" if before else last
        words += " " + say("report.weakest_after", numbers=numbers)
    if others:
        words += " " + say("report.weakest_too", topics=", ".join(each.topic for each in others))
    if paused:
        words += " " + say("report.take_up")
    elif due is None:
        words += " " + say("report.begin_now")
    else:
        words += " " + say("report.begin", when=shown(zone_of(conversation), due, turn.at))
    yes = Choice(id=f"path:{first.path.id}.active", label=label("yes"))
    later = button("later", first.path.skill, "other_time")
    return reply(words, yes, *([] if paused else [later]), button("unstage", report.id, "no"))
