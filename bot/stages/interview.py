"""Interview rounds: ask, hint, answer, review, skip, pause, undo, stop. Decides only; sending is in the shell."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot import elo, rubric
from bot.clock import after_quiet, knows_zone, shown, zone_of
from bot.conversation import (
    CODING_STAGES,
    INTERVIEW_STAGES,
    Answering,
    AwaitingGrade,
    Coding,
    CodingStage,
    Conversation,
    Defending,
    Earlier,
    FollowingUp,
    InterviewStage,
    Judging,
    Length,
    Paused,
    Planned,
    Result,
    Review,
    Reviewed,
    Session,
    Weighing,
    coding_of,
    session_of,
    with_session,
)
from bot.documents import InterviewAttempt, InterviewSession, insert, new_id, update
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded
from bot.messages import Choice, plain
from bot.questions import Dimension, Grade, PointGrade, Question, RoundName, Verdict
from bot.sentences import label, say
from bot.stages import (
    committing,
    feedback,
    nudging,
    planning,
    problem,
    reporting,
    reviewing,
    scoring,
    weak_topics,
)
from bot.submissions import hint_cost

LONGEST_ANSWER = 20_000  # characters; an answer spoken for ten minutes has about 8,000
MOST_FOLLOW_UPS = 2  # to a question; more is an interrogation
PRESS_FROM = 20  # points; below that there is nothing to follow up
MOST_OBJECTIONS = 6  # buttons to a message
REMIND_AFTER = timedelta(hours=1)  # of silence: a break, not yet a goodbye
GRACE = timedelta(hours=12)  # from the reminder to the closing at least, however late the reminder came
CLOSE_AFTER = timedelta(hours=24)  # of silence: whoever comes back the next evening still finds it open


def begin(
    conversation: Conversation,
    turn: Turn,
    *,
    length: Length,
    company: str,
    role: str,
    plan: tuple[Planned, ...],
    earlier: Earlier | None = None,
    row: str = "",
) -> Outcome:
    """Open a session with its first question. `company`, `role`: as stored, never empty. `earlier`: of a retry; `row`: of
    `learning_progress`, whose retest or review it is."""
    session = Session(
        id=session_id(conversation, turn),
        company=company,
        role=role,
        length=length,
        plan=plan,
        position=0,
        started_at=turn.at,
        timed=length != "one" and conversation.profile.pace == "timed",
        earlier=earlier,
        row=row,
    )
    opened = InterviewSession(
        id=session.id,
        student_id=conversation.student,
        company=company,
        role=role,
        resume_text=conversation.profile.resume_text,
        jd_text=conversation.profile.jd_text,
        status="in_progress",
        current_round=1,
        rounds=_rounds(session),
        created_at=turn.at,
        completed_at=None,
        length=length,
        timed=session.timed,
        plan=tuple(planned.question for planned in plan),
    )
    conversation, effects = ask(conversation, session, turn)
    return conversation, [insert(opened), *effects]


def session_id(conversation: Conversation, turn: Turn) -> str:
    """The id of a session that this turn opens; it is also the seed of its plan."""
    return new_id(turn.at, conversation.student, turn.event.id, "session")


def ask(conversation: Conversation, session: Session, turn: Turn, *, hints: int = 0) -> Outcome:
    """Put the question at the session's position; one that its file no longer has is passed over. `hints`: it was asked
    before, and these were given."""
    conversation = conversation.without(*INTERVIEW_STAGES)
    question = planning.as_asked(session.plan[session.position], turn.content)
    if question is None:
        kept = session.plan[: session.position] + session.plan[session.position + 1 :]
        left = replace(session, plan=kept)
        if left.position < len(kept):
            return ask(conversation, left, turn)
        return close(conversation, left, turn, completed=True)
    before = session.plan[session.position - 1].round if session.position else None
    if before != session.plan[session.position].round:
        session = round_begun(session, turn)
    session = replace(session, warned=False)
    kind = Coding if question.problem else Answering
    stage = kind(session=session, question=question.lean(), asked_at=turn.at, hints=hints)
    return conversation.pushed(stage), [question_message(stage)]


def round_begun(session: Session, turn: Turn) -> Session:
    """With the time its round has, if it goes by the clock: that of its questions together."""
    name = session.plan[session.position].round
    asked = (planning.as_asked(each, turn.content) for each in session.plan if each.round == name)
    minutes = sum(question.minutes for question in asked if question)
    return replace(session, round_ends=turn.at + timedelta(minutes=minutes) if session.timed else None)


def question_message(stage: Answering | CodingStage) -> Reply:
    """The open question, with its place and its buttons."""
    question, session = stage.question, stage.session
    place = say("interview.place", **_place(session), topic=question.topic_title)
    if session.timed:
        place += say("pace.minutes", minutes=question.minutes)
    if not isinstance(stage, Answering):
        buttons = problem.buttons(coding_of(stage), pausable=session.length != "one")
        return problem.again(stage, place, buttons)
    choices = [button("hint", question.id, "hint"), button("skip", question.id, "skip")]
    if session.length != "one":
        choices.append(button("pause", session.id, "pause"))
    text = problem.statement(question) if question.round == "dsa" else question.question
    return reply(f"{place}\n\n{text}", *choices)


def again(stage: InterviewStage) -> Reply:
    """What this stage waits for, said once more: the question asked is never lost."""
    match stage:
        case Answering() | Coding() | Judging() | Defending() | Weighing():
            return question_message(stage)
        case AwaitingGrade():
            return reply(say("interview.grading"))
        case FollowingUp():
            return reply(_follow_up(stage.point), _skip_follow_up(stage))
        case Reviewed():
            return reply(say("interview.running", **_place(stage.session)), *after_feedback(stage))
        case Paused():
            session = session_of(stage)
            return reply(say("interview.is_paused", **_place(session)), *_return_buttons(session))


def answered(
    conversation: Conversation, stage: Answering | Coding, text: str, turn: Turn, *, most: int = 100
) -> Outcome:
    """Keep an answer; its grading is work for the shell. `most`: points there are to get."""
    if len(text) > LONGEST_ANSWER:
        return conversation, [reply(say("interview.too_long", length=len(text), limit=LONGEST_ANSWER))]
    spent = seconds_at(stage, turn.at)
    attempt = stage.attempt if isinstance(stage, Coding) else ""
    if attempt:  # code was sent before, and did not get to run
        kept: Effect = update(
            InterviewAttempt, attempt, student_answer=text, time_taken_seconds=spent, hints_used=stage.hints
        )
    else:
        attempt = new_id(turn.at, conversation.student, turn.event.id, "attempt")
        kept = insert(first_answer(conversation, stage, attempt, text, turn))
    waiting = AwaitingGrade(
        session=stage.session,
        question=stage.question,
        attempt=attempt,
        parts=(text,),
        since=turn.at,
        spent=spent,
        hints=stage.hints,
        most=most,
    )
    return conversation.swapped(stage, waiting), [kept]


def first_answer(
    conversation: Conversation, stage: Answering | Coding, attempt: str, text: str, turn: Turn
) -> InterviewAttempt:
    """The attempt that a question's first answer makes."""
    return InterviewAttempt(
        id=attempt,
        session_id=stage.session.id,
        round=stage.question.round,
        question_id=stage.question.id,
        student_answer=text,
        score=None,
        feedback="",
        time_taken_seconds=seconds_at(stage, turn.at),
        created_at=turn.at,
        student_id=conversation.student,
        asked=stage.question,
        status="awaiting_grade",
        hints_used=stage.hints,
    )


def doubted(conversation: Conversation, stage: Answering, text: str) -> Outcome:
    """Words that read like a question to us are not graded unless the student wants it."""
    question = stage.question.id
    choices = (
        button("hint", question, "hint"),
        button("answer", question, "answer_anyway"),
        button("skip", question, "skip"),
    )
    return conversation.swapped(stage, replace(stage, doubted=text)), [
        reply(say("interview.doubted"), *choices)
    ]


def held(conversation: Conversation, stage: Answering, text: str, told: str) -> Outcome:
    """An answer that waits for a press before it counts; other words take its place."""
    question = stage.question.id
    choices = (button("answer", question, "answer_heard"), button("skip", question, "skip"))
    return conversation.swapped(stage, replace(stage, doubted=text)), [reply(told, *choices)]


def followed_up(conversation: Conversation, stage: FollowingUp, text: str, turn: Turn) -> Outcome:
    """The answer to a follow-up counts: it joins what was said and all of it is graded anew."""
    parts = (*stage.parts, text)
    whole = "\n".join(parts)
    if len(whole) > LONGEST_ANSWER:
        return conversation, [reply(say("interview.too_long", length=len(whole), limit=LONGEST_ANSWER))]
    spent = stage.spent + _seconds(stage.asked_at, turn.at)
    waiting = AwaitingGrade(
        session=stage.session,
        question=stage.question,
        attempt=stage.attempt,
        parts=parts,
        since=turn.at,
        spent=spent,
        hints=stage.hints,
        before=stage.score,
        pressed=stage.pressed,
    )
    changed = update(InterviewAttempt, stage.attempt, student_answer=whole, time_taken_seconds=spent)
    return conversation.swapped(stage, waiting), [changed]


def joined(conversation: Conversation, stage: AwaitingGrade, text: str) -> Outcome:
    """What is said while an answer is being graded belongs to that answer."""
    parts = (*stage.parts, text)
    whole = "\n".join(parts)
    if len(whole) > LONGEST_ANSWER:
        return conversation, [reply(say("interview.too_long", length=len(whole), limit=LONGEST_ANSWER))]
    changed = update(InterviewAttempt, stage.attempt, student_answer=whole)
    return conversation.swapped(stage, replace(stage, parts=parts)), [changed]


def graded(conversation: Conversation, event: Graded, turn: Turn) -> Outcome:
    """Feedback for the answer that waits for it; a repeated or outdated grade changes nothing."""
    stage = conversation.interview
    waited_for = isinstance(stage, AwaitingGrade) and (stage.attempt, len(stage.parts)) == (
        event.attempt,
        event.parts,
    )
    if not isinstance(stage, AwaitingGrade) or not waited_for:
        return conversation, []
    grade = _with_theme(_capped(event.grade, stage), stage, turn)
    if (
        stage.before is not None
        and (grade.score is None or grade.score < stage.before)
        and not _newly_wrong(grade)
    ):
        kept = feedback.message(
            replace(grade, score=stage.before), before=stage.before
        )  # it takes nothing away
        return reviewed(conversation, stage, stage.session, stage.attempt, [], kept, turn)
    stored = update(
        InterviewAttempt,
        stage.attempt,
        score=grade.score,
        feedback=feedback.stored(grade),
        status="graded" if grade.score is not None else "not_graded",
        points=grade.points,
        flags=grade.flags,
        grader=grade.grader,
        reason=grade.reason,
        dimensions=grade.dimensions,
    )
    conversation = _unrated(conversation, stage.session, stage.attempt)  # it counts once, as it stands now
    result = replace(feedback.result(stage.question, stage.attempt, grade), hints=stage.hints)
    conversation, result = rated(conversation, stage.question, result, turn)
    earlier = tuple(each for each in stage.session.results if each.attempt != stage.attempt)
    session = replace(stage.session, results=(*earlier, result))
    conversation = replace(conversation, review=_review(stage.attempt, grade))
    point = _to_press(stage, grade)
    if point is not None and grade.score is not None:
        following = FollowingUp(
            session=session,
            question=stage.question,
            attempt=stage.attempt,
            parts=stage.parts,
            score=grade.score,
            point=point,
            pressed=(*stage.pressed, point.slug),
            asked_at=turn.at,
            spent=stage.spent,
            hints=stage.hints,
        )
        text = feedback.message(grade, before=stage.before, following=_follow_up(point))
        return conversation.swapped(stage, following), [stored, reply(text, _skip_follow_up(following))]
    change = feedback.difference(result, session.earlier) if session.earlier else ""
    text = feedback.message(grade, before=stage.before, code=stage.question.round == "dsa", following=change)
    return reviewed(conversation, stage, session, stage.attempt, [stored], text, turn)


def rated(
    conversation: Conversation, question: Question, result: Result, turn: Turn
) -> tuple[Conversation, Result]:
    """The student's rating in the topic learns from the answer; the result keeps by how much, to take it back."""
    if result.score is None:
        return conversation, result
    was = elo.rating(conversation.ratings, question.topic, turn.content.topics(question.round))
    by = elo.moved(was, turn.content.rating(question), result.score)
    ratings = elo.learnt(conversation.ratings, question.topic, was, by)
    return replace(conversation, ratings=ratings), replace(result, moved=by)


def _unrated(conversation: Conversation, session: Session, attempt: str) -> Conversation:
    """The rating as if this answer had not been given."""
    was = next((each for each in session.results if each.attempt == attempt), None)
    if was is None or was.moved is None:
        return conversation
    return replace(conversation, ratings=elo.unlearnt(conversation.ratings, was.topic, was.moved))


def _capped(grade: Grade, stage: AwaitingGrade) -> Grade:
    """Of a coding problem: what hints cost is taken off, and an explanation brings at most so much."""
    if grade.score is None or stage.question.round != "dsa":
        return grade
    return replace(grade, score=max(0, min(grade.score, stage.most) - hint_cost(stage.hints)))


def reviewed(
    conversation: Conversation,
    stage: AwaitingGrade | CodingStage,
    session: Session,
    attempt: str,
    writes: list[Effect],
    text: str,
    turn: Turn,
) -> Outcome:
    """Feedback, and what can be done next; after the last question the report."""
    session = replace(session, missed=0)
    reviewed = Reviewed(session=session, question=stage.question, attempt=attempt)
    objection = _objection(conversation.review)
    if session.position + 1 < len(session.plan):
        buttons = (*after_feedback(reviewed), *objection)
        return conversation.swapped(stage, reviewed), [*writes, reply(text, *buttons)]
    closing: tuple[Choice, ...] = (button("model", stage.question.id, "model"), *objection)
    if session.length == "one":
        closing = (short_interview(turn), button("interview", "one", "one"), *closing)
    conversation, effects = close(conversation, session, turn, completed=True)
    return conversation, [*writes, reply(text, *closing), *effects]


def _with_theme(grade: Grade, stage: AwaitingGrade, turn: Turn) -> Grade:
    """A topic that the company cares for is a side of its own: the score of the answer, out of five."""
    question, company = stage.question, turn.content.company(stage.session.company)
    if grade.score is None or company is None or question.topic not in company.themes:
        return grade
    theme = Dimension(name=rubric.THEME + question.topic_title, score=round(grade.score / 20))
    return replace(grade, dimensions=(*grade.dimensions, theme))


def may_close(stage: InterviewStage | None) -> bool:
    """Whether the next turn may end an interview, with a report or a card: it is at its last question, or in its last round with a
    clock that may have run out."""
    if stage is None:
        return False
    session = session_of(stage)
    rest = session.plan[session.position + 1 :]
    if session.round_ends is not None:
        rest = tuple(each for each in rest if each.round != session.plan[session.position].round)
    return not rest


def _review(attempt: str, grade: Grade) -> Review | None:
    """What can be objected to; who does not know has claimed nothing."""
    if grade.score is None or "dont_know" in grade.flags:
        return None
    return Review(attempt=attempt, score=grade.score, points=grade.points)


def _to_press(stage: AwaitingGrade, grade: Grade) -> PointGrade | None:
    """The point a follow-up asks about: first what was claimed wrongly, then what was not detected, in its order.

    None in a lone question, in coding, after two follow-ups, and for who does not know: they are not pressed.
    """
    if (
        stage.session.length == "one"
        or stage.question.round == "dsa"
        or len(stage.pressed) >= MOST_FOLLOW_UPS
    ):
        return None
    if grade.score is None or grade.score < PRESS_FROM or "dont_know" in grade.flags:
        return None
    open_ = [each for each in grade.points if each.verdict != "covered" and each.slug not in stage.pressed]
    order: dict[Verdict, int] = {"contradicted": 0, "missed": 1, "partial": 2, "covered": 3}
    return min(open_, key=lambda each: order[each.verdict], default=None)


def _follow_up(point: PointGrade) -> str:
    if point.verdict == "contradicted":
        return say("interview.follow_up_claim", label=plain(point.label))
    return say("interview.follow_up", label=plain(point.label))


def _skip_follow_up(stage: FollowingUp) -> Choice:
    return button("skip", stage.attempt, "skip_follow_up")


def _newly_wrong(grade: Grade) -> bool:
    return any(point.verdict == "contradicted" for point in grade.points)


def _objection(review: Review | None) -> tuple[Choice, ...]:
    """[I said that], when there is something not detected to object to."""
    if review is None or all(point.verdict == "covered" or point.disputed for point in review.points):
        return ()
    return (button("said", review.attempt, "said"),)


def objected(conversation: Conversation, place: str, turn: Turn) -> Outcome:
    """[I said that]: the point is marked disputed, the stored score stays, and is shown as a range.

    `place`: the point's index among the review's, empty when it was not chosen yet.
    """
    review = conversation.review
    assert review is not None
    open_ = {
        str(index): point
        for index, point in enumerate(review.points)
        if point.verdict != "covered" and not point.disputed
    }
    if place not in open_ and len(open_) > 1:
        choices = [
            Choice(id=f"said:{review.attempt}.{index}", label=point.label[:24])
            for index, point in open_.items()
        ]
        return conversation, [reply(say("interview.said_which"), *choices[:MOST_OBJECTIONS])]
    place = place if place in open_ else next(iter(open_), "")
    if not place:
        return conversation, [reply(say("interview.said_nothing"))]
    points = tuple(
        replace(point, disputed=True) if str(index) == place else point
        for index, point in enumerate(review.points)
    )
    disputed = replace(review, points=points)
    write = update(InterviewAttempt, review.attempt, points=points, disputed_at=turn.at)
    text = say("interview.said", label=plain(open_[place].label), low=review.score, high=_if_right(disputed))
    return replace(conversation, review=disputed), [write, reply(text)]


def _if_right(review: Review) -> int:
    """The score if every objection is right: each point is an equal share, one found in part half of it."""
    share = 100 / len(review.points)
    gained = sum(
        share * (0.5 if point.verdict == "partial" else 1) for point in review.points if point.disputed
    )
    return min(100, round(review.score + gained))


def after_feedback(stage: Reviewed) -> tuple[Choice, ...]:
    """What can be done with a graded answer while the interview goes on."""
    session = stage.session
    following = button(
        "next", stage.attempt, "next_question", number=session.position + 2, total=len(session.plan)
    )
    return following, button("model", stage.question.id, "model"), button("undo", stage.attempt, "undo")


def short_interview(turn: Turn) -> Choice:
    """The button that offers a short interview, with its minutes."""
    minutes = planning.minutes_in("short", turn.content)
    return button("interview", "short", "short_interview", minutes=minutes)


def go_on(
    conversation: Conversation, stage: Answering | Coding | FollowingUp | Reviewed, turn: Turn
) -> Outcome:
    """The next question, or the end."""
    session = replace(stage.session, position=_next_position(stage.session, turn.at))
    if session.position < len(session.plan):
        conversation, effects = ask(conversation, session, turn)
        moved = _round_number(session) != _round_number(stage.session)
        write = update(InterviewSession, session.id, current_round=_round_number(session))
        return conversation, [write, *effects] if moved else effects
    return close(conversation, stage.session, turn, completed=True)


def _next_position(session: Session, at: datetime) -> int:
    """The next question's place; what is left of a round whose time is over is not asked any more."""
    following = session.position + 1
    if session.round_ends is not None and at >= session.round_ends:
        name = session.plan[session.position].round
        while following < len(session.plan) and session.plan[following].round == name:
            following += 1
    return following


def hint(conversation: Conversation, stage: Answering | Coding) -> Outcome:
    """The next hint, or word that there is none left. It is noted on the attempt."""
    hints = stage.question.hints
    if stage.hints >= len(hints):
        return conversation, [
            reply(say("interview.no_more_hints"), button("skip", stage.question.id, "skip"))
        ]
    given = replace(stage, hints=stage.hints + 1)
    text = say("interview.hint", number=given.hints, total=len(hints), hint=hints[stage.hints])
    if isinstance(given, Coding):
        return conversation.swapped(stage, given), [reply(text, *problem.buttons(given, pausable=False))]
    more = [button("hint", stage.question.id, "hint")] if given.hints < len(hints) else []
    return conversation.swapped(stage, given), [reply(text, *more, button("skip", stage.question.id, "skip"))]


def skip(conversation: Conversation, stage: Answering | Coding, turn: Turn) -> Outcome:
    """Past the question without an attempt; code that never ran leaves none either."""
    conversation, effects = go_on(conversation, stage, turn)
    if isinstance(stage, Coding) and stage.attempt:
        effects = [update(InterviewAttempt, stage.attempt, status="withdrawn"), *effects]
    return conversation, [reply(say("interview.skipped")), *effects]


def pause(
    conversation: Conversation, stage: Answering | FollowingUp | Reviewed | Coding | Defending, turn: Turn
) -> Outcome:
    """Rest; the question's clock stands still."""
    rested = stage
    if isinstance(stage, Answering | FollowingUp | Coding):
        rested = replace(stage, spent=seconds_at(stage, turn.at))
    return conversation.swapped(stage, Paused(stage=rested, since=turn.at)), [
        reply(say("interview.paused"), *_return_buttons(stage.session))
    ]


def resume(conversation: Conversation, stage: Paused, turn: Turn) -> Outcome:
    """Back to where it was, in front of everything else."""
    back = stage.stage
    session = session_of(stage)
    if session.round_ends is not None and stage.since is not None:
        later = replace(session, round_ends=session.round_ends + (turn.at - stage.since))
        back = with_session(back, later)  # type: ignore[assignment]  # of the same kind
    if isinstance(back, Answering | FollowingUp | Coding):
        back = replace(back, asked_at=turn.at)
    return conversation.swapped(stage, None).pushed(back), [again(back)]


def undo(conversation: Conversation, stage: InterviewStage, turn: Turn) -> Outcome:
    """Take back the last answer of the running round and ask its question again."""
    if isinstance(stage, Paused):
        return conversation, [again(stage)]
    session = session_of(stage)
    sent, hints = (stage.attempt, stage.hints) if isinstance(stage, AwaitingGrade) else ("", 0)
    if isinstance(stage, CODING_STAGES):
        sent, hints = coding_of(stage).attempt, coding_of(stage).hints
    if sent:
        withdrawn, position = sent, session.position
        results = tuple(each for each in session.results if each.attempt != withdrawn)
    else:
        last = _last_of_round(session)
        if last is None:
            return conversation, [reply(say("interview.nothing_to_undo")), again(stage)]
        position = next(i for i, planned in enumerate(session.plan) if planned.question == last.question)
        withdrawn, results, hints = last.attempt, session.results[:-1], last.hints
    write = update(InterviewAttempt, withdrawn, status="withdrawn")
    conversation = _unrated(replace(conversation, review=None), session, withdrawn)
    session = replace(session, position=position, results=results)
    conversation, effects = ask(conversation, session, turn, hints=hints)
    return conversation, [write, reply(say("interview.undone")), *effects]


def stop(conversation: Conversation, stage: InterviewStage, turn: Turn) -> Outcome:
    """End it here; what was answered makes a partial report."""
    conversation, effects = _ended_early(conversation, stage, turn)
    return conversation, [reply(say("interview.stopped")), *effects]


def _ended_early(conversation: Conversation, stage: InterviewStage, turn: Turn) -> Outcome:
    """Close it as abandoned; an answer still being graded is kept, and says that it was not graded."""
    session, settled = session_of(stage), list[Effect]()
    open_ = stage.stage if isinstance(stage, Paused) else stage
    if isinstance(open_, CODING_STAGES):
        scored, settled = scoring.closed_early(open_)
        if scored is not None:
            conversation, scored = rated(conversation, open_.question, scored, turn)
            session = replace(session, results=(*session.results, scored))
    conversation, effects = close(conversation, session, turn, completed=False)
    effects = [*settled, *effects]
    if isinstance(stage, AwaitingGrade) and stage.before is None:
        effects = [update(InterviewAttempt, stage.attempt, status="not_graded", reason="stopped"), *effects]
    return conversation, effects


def close(conversation: Conversation, session: Session, turn: Turn, *, completed: bool) -> Outcome:
    """End a session: its status, its report, and what to do next."""
    status = "completed" if completed else "abandoned"
    effects: list[Effect] = [update(InterviewSession, session.id, status=status, completed_at=turn.at)]
    conversation = conversation.without(*INTERVIEW_STAGES)
    if session.row:
        told, closed = weak_topics.concluded(conversation, session, turn)
        if closed is None:
            return conversation, [*effects, *told]
        conversation, waits, promise = committing.closed(conversation, closed, turn)
        return conversation, [*effects, *told, *waits, *([reply(promise)] if promise else [])]
    cards = reviewing.missed(conversation, reviewing.of_results(session.results, turn), turn)
    effects += cards
    if session.length == "one":
        return conversation, effects
    if not session.results:
        return conversation, [*effects, reply(say("interview.nothing_answered"), short_interview(turn))]
    report = reporting.make(
        session,
        conversation.student,
        turn.at,
        turn.content,
        partial=not completed,
        earlier=turn.known.reports,
    )
    written, stages, known = weak_topics.with_weak_topics(conversation, session.results, turn)
    turn = replace(turn, known=known)
    waits = nudging.waiting(conversation, turn) if stages or cards else []
    told = reporting.replies(report, stages, conversation, turn)
    return conversation, [*effects, insert(report), *written, *waits, *told]


def wake_at(conversation: Conversation) -> datetime | None:
    """When a silent session is reminded, then closed; never in quiet hours. A paused one rests for as long as it likes.

    Without a known zone both come at the hour of day at which the student last wrote: then they were awake.
    """
    stage = conversation.interview
    if stage is None or isinstance(stage, Paused) or conversation.seen_at is None:
        return None
    session = stage.session
    known = knows_zone(conversation)
    remind, closing = (REMIND_AFTER, CLOSE_AFTER) if known else (CLOSE_AFTER, 2 * CLOSE_AFTER)
    due = conversation.seen_at + remind
    if session.reminded_at is not None and _reminded(session, conversation):
        due = max(conversation.seen_at + closing, session.reminded_at + GRACE)  # a late reminder is no joke
    if session.not_before is not None:
        due = max(due, session.not_before)
    return after_quiet(conversation, due)


def woke(conversation: Conversation, turn: Turn) -> Outcome:
    """The silence has lasted: remind once, then close with notice. In quiet hours (the sweep was late) it waits on."""
    stage, due = conversation.interview, wake_at(conversation)
    if stage is None or due is None or turn.at < due:
        return conversation, []
    session = session_of(stage)
    awake = after_quiet(conversation, turn.at)
    if awake > turn.at:
        waiting = with_session(stage, replace(session, not_before=awake))
        return conversation.swapped(stage, waiting), []
    if _reminded(session, conversation):
        conversation, effects = _ended_early(conversation, stage, turn)
        notice = "interview.abandoned_one" if session.length == "one" else "interview.abandoned"
        return conversation, [reply(say(notice)), *effects]
    waiting = with_session(stage, replace(session, reminded_at=turn.at, not_before=None))
    conversation = conversation.swapped(stage, waiting)
    closes = wake_at(conversation)
    assert closes is not None
    when = shown(zone_of(conversation), closes, turn.at)
    if session.length == "one":
        return conversation, [reply(say("interview.reminder_one", when=when), *_return_buttons(session))]
    text = say("interview.reminder", **_place(session), when=when)
    return conversation, [reply(text, *_return_buttons(session))]


def _reminded(session: Session, conversation: Conversation) -> bool:
    """Whether this silence was mentioned; a word of the student ends it."""
    seen = conversation.seen_at
    return session.reminded_at is not None and seen is not None and session.reminded_at > seen


def _return_buttons(session: Session) -> tuple[Choice, Choice]:
    leave = "stop_one" if session.length == "one" else "stop"
    return button("resume", session.id, "resume"), button("stop", session.id, leave)


def back_to(stage: InterviewStage) -> Choice:
    """The button under a side answer that leads back to the question."""
    session = session_of(stage)
    return Choice(id=f"resume:{session.id}", label=label("again", number=session.position + 1))


def _last_of_round(session: Session) -> Result | None:
    current = session.plan[session.position].round
    return session.results[-1] if session.results and session.results[-1].round == current else None


def _place(session: Session) -> dict[str, int]:
    return {"number": session.position + 1, "total": len(session.plan)}


def _rounds(session: Session) -> tuple[RoundName, ...]:
    return tuple(dict.fromkeys(planned.round for planned in session.plan))


def _round_number(session: Session) -> int:
    """Counts from 1."""
    return _rounds(session).index(session.plan[session.position].round) + 1


def seconds_at(stage: Answering | FollowingUp | Coding, at: datetime) -> int:
    """Time on a question, pauses left out."""
    return stage.spent + _seconds(stage.asked_at, at)


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, round((until - since).total_seconds()))  # a clock that jumps back takes no time away
