"""What was missed comes back: cards from interviews, quizzes and recall questions, and weak topics as stages of their own.

Decides only. When a card is due is FSRS's word (`bot/reviews.py`); the sweep that brings it is in `nudging`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from fsrs import Rating
from msgspec.structs import replace

from bot import paths, reviews, text
from bot.clock import shown, zone_of
from bot.conversation import Conversation, Recalling, Result, Session
from bot.documents import (
    InterviewReport,
    LearningPath,
    LearningProgress,
    PathProgress,
    PathTemplate,
    Recall,
    Resource,
    ReviewCard,
    TemplateStage,
    insert,
    new_id,
    slug_uuid,
    update,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded
from bot.messages import Message, plain
from bot.ports import Known
from bot.quizzes import QuizQuestion
from bot.sentences import counted, say
from bot.stages import choosing, feedback, lessons

WEAK_BELOW = 65  # points: the border between "partial" and "good"; also what a retest has to reach
MOST_TOPICS = 3  # that one interview makes stages of: more is a wish list
MOST_RESOURCES = 2  # of such a stage: it is a remedy, not a course
A_DAY = 5  # reviews that `next` brings before the path's own step
RECALL_OPEN = timedelta(days=1)  # later words are hardly an answer to what was asked about a resource
REVIEW_OPEN = timedelta(
    days=7
)  # the longest pause between nudges: an answer that comes late is one all the same


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A card as a question. `topic`: of questions, for what is said of companies; `floor`: what waits for words."""

    message: Message
    topic: str = ""
    floor: Recalling | None = None


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """Something missed; see `ReviewCard`."""

    source: Literal["quiz", "question", "problem", "recall"]
    item: str
    title: str
    points: tuple[str, ...] = ()
    path: str | None = None


# Asking


def next_one(conversation: Conversation, turn: Turn) -> Asked | None:
    """The review that `next` brings: the longest due, but only so many a day."""
    today = turn.at.astimezone(zone_of(conversation)).date()
    answered = sum(
        row.card is not None
        and row.card.reviews > 0
        and row.card.last_review.astimezone(zone_of(conversation)).date() == today
        for row in turn.known.progress
    )
    if answered >= A_DAY:
        return None
    return first_due(turn)


def first_due(turn: Turn) -> Asked | None:
    """The one that has been due longest, of those whose question is still there."""
    found = (asked(row, turn) for row in reviews.due(turn.known.progress, turn.at))
    return next((each for each in found if each is not None), None)


def asked(row: LearningProgress, turn: Turn) -> Asked | None:
    """The card's question, answerable in place; None when the content has let go of it."""
    card = row.card
    if card is None:
        return None
    heading = say("review.heading", title=plain(card.title))
    match card.source:
        case "quiz":
            question = turn.content.quiz_question(card.item)
            if question is None:
                return None
            shown_ = choosing.message(question, heading, _seed(row), _address(row), typed=False)
            return Asked(message=shown_)
        case "problem":
            problem = turn.content.question(card.item)
            if problem is None:
                return None
            failed = set(card.points) - {each.label for each in problem.key_points}  # those: told in words
            category = say("review.category", category=plain(", ".join(sorted(failed)))) if failed else ""
            body = say("review.problem", title=plain(problem.title or problem.topic_title), category=category)
            redo = button("redo", row.id, "redo")
            return Asked(message=Message(text=f"{heading}\n\n{body}", choices=(redo,)), topic=problem.topic)
        case "question" | "recall":
            recall, topic = _recall(card, turn)
            if recall is None:
                return None
            floor = Recalling(
                row=row.id, title=card.title, recall=recall, asked_at=turn.at, points=card.points
            )
            choices = (button("answer", row.id, "answer"), button("skip", row.id, "no_idea"))
            return Asked(
                message=Message(text=f"{heading}\n\n{recall.question}", choices=choices),
                topic=topic,
                floor=floor,
            )


def ask(conversation: Conversation, one: Asked) -> Outcome:
    """On the student's own wish: the question has the floor."""
    if one.floor is not None:
        conversation = conversation.without(Recalling).pushed(one.floor)
    choices = tuple(each for each in one.message.choices if not each.id.startswith("answer:"))
    return conversation, [Reply(message=replace(one.message, choices=choices))]


def is_open(stage: Recalling, at: datetime, *, asked: bool = True) -> bool:
    """Whether words are still an answer to it. `asked` False: for a new question that wants its place, which one that
    came unasked gives up at once."""
    if stage.is_review and not asked:
        return False
    return at - stage.asked_at <= (REVIEW_OPEN if stage.is_review else RECALL_OPEN)


def wanted(conversation: Conversation, _argument: str, turn: Turn) -> Outcome:
    """`review`: the next card that is due, else when the next one is."""
    found = first_due(turn)
    if found is not None:
        return ask(conversation, found)
    soonest = reviews.next_due(turn.known.progress)
    if soonest is None or soonest <= turn.at:
        return conversation, [reply(say("review.none"), button("next", "", "next_path"))]
    when = shown(zone_of(conversation), soonest, turn.at)
    return conversation, [reply(say("review.later", when=when), button("next", "", "next_path"))]


def opened(conversation: Conversation, row_id: str, turn: Turn) -> Outcome | None:
    """[Answer] under a question that came while something else was open: now it has the floor."""
    row = next((each for each in turn.known.progress if each.id == row_id), None)
    one = asked(row, turn) if row is not None and row.card is not None else None
    if row is None or one is None or row.card is None:
        return None
    if row.card.due > turn.at:
        return conversation, [answered_already(conversation, row.card, turn)]
    return ask(conversation, one)


def _recall(card: ReviewCard, turn: Turn) -> tuple[Recall | None, str]:
    if card.source == "recall":
        return turn.content.recall(card.item), ""
    question = turn.content.question(card.item)
    if question is None:
        return None, ""
    points = question.key_points
    return (
        Recall(question=question.question, reference_answer=question.reference_answer, key_points=points),
        question.topic,
    )


def _address(row: LearningProgress) -> str:
    assert row.card is not None
    return f"{row.id}.r{row.card.reviews}"


def _seed(row: LearningProgress) -> str:
    assert row.card is not None
    return f"{row.id}/{row.card.reviews}"


# Answering


def picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under a review question: rated by whether it is right, once."""
    row = next((each for each in turn.known.progress if each.id == pick.row), None)
    card = row.card if row is not None else None
    question = turn.content.quiz_question(card.item) if card is not None else None
    if row is None or card is None or question is None:
        return conversation, [reply(say("general.old_button"))]
    if pick.turn != f"r{card.reviews}":
        return conversation, [answered_already(conversation, card, turn)]
    heading = say("review.heading", title=plain(card.title))
    answer = choosing.chosen(question, _seed(row), pick, typed=False)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        shown_ = choosing.message(question, heading, _seed(row), _address(row), mask=mask, typed=False)
        return conversation, [Reply(message=shown_, edit=True)]
    if not answer:
        return conversation, [reply(say("quiz.none_marked"))]
    return _choice_rated(conversation, row, question, answer, turn, edit=True)


def noted(conversation: Conversation, effects: Iterable[Effect]) -> Conversation:
    """Which quiz card is the last thing said; only then letters are an answer to it."""
    said = [each for each in effects if isinstance(each, Reply)]
    if not said:
        return conversation
    picks = (choosing.read(each.id.removeprefix("pick:")) for each in said[-1].message.choices)
    shown_ = next((each.row for each in picks if each is not None and each.turn.startswith("r")), "")
    return replace(conversation, card_asked=shown_)


def lettered(conversation: Conversation, words: str, turn: Turn) -> Outcome | None:
    """What is typed when nothing but a quiz card has been asked: its letters, or an option. None when it is neither."""
    row = next((each for each in turn.known.progress if each.id == conversation.card_asked), None)
    card = row.card if row is not None else None
    question = turn.content.quiz_question(card.item) if card is not None and card.due <= turn.at else None
    if row is None or question is None:
        return None
    answer = choosing.said(question, _seed(row), words, typed=False)
    return _choice_rated(conversation, row, question, answer, turn) if answer is not None else None


def _choice_rated(
    conversation: Conversation,
    row: LearningProgress,
    question: QuizQuestion,
    answer: tuple[str, ...],
    turn: Turn,
    *,
    edit: bool = False,
) -> Outcome:
    assert row.card is not None
    heading = say("review.heading", title=plain(row.card.title))
    right = choosing.is_right(question, answer)
    after = reviews.rated(row.card, reviews.of_choice(right=right), turn.at)
    text_ = f"{choosing.answered(question, heading, answer)}\n\n{_again(after, conversation, turn)}"
    kept = update(LearningProgress, row.id, card=after, updated_at=turn.at)
    return conversation, [kept, reply(text_, button("next", "", "next_path"), edit=edit)]


def graded(conversation: Conversation, stage: Recalling, event: Graded, turn: Turn) -> Outcome:
    """The evidence for a review in words. What could not be graded moves nothing."""
    row = next((each for each in turn.known.progress if each.id == stage.row), None)
    words = feedback.message(replace(event.grade, dimensions=()))
    rating = reviews.of_grade(event.grade, stage.points)
    if row is None or row.card is None or rating is None:
        return conversation, [reply(words, button("next", "", "next_path"))]
    if rating in (Rating.Again, Rating.Hard):
        words += "\n\n" + say("interview.model", answer=stage.recall.reference_answer)
    elif stage.points:
        words += "\n\n" + say("review.recovered")
    return _rated(conversation, row, rating, words, event.grade.score, turn)


def skipped(conversation: Conversation, stage: Recalling, turn: Turn) -> Outcome:
    """ "Don't know" is an answer: what is right is shown, and it comes again soon."""
    conversation = conversation.swapped(stage, None)
    row = next((each for each in turn.known.progress if each.id == stage.row), None)
    if row is None or row.card is None:
        return conversation, [reply(say("learn.recall_skipped"), button("next", "", "next_path"))]
    words = say("interview.model", answer=stage.recall.reference_answer)
    return _rated(conversation, row, Rating.Again, words, None, turn)


def _rated(
    conversation: Conversation,
    row: LearningProgress,
    rating: Rating,
    words: str,
    score: int | None,
    turn: Turn,
) -> Outcome:
    assert row.card is not None
    after = reviews.rated(row.card, rating, turn.at)
    kept = update(LearningProgress, row.id, card=after, recall_score=score, updated_at=turn.at)
    told = reply(f"{words}\n\n{_again(after, conversation, turn)}", button("next", "", "next_path"))
    return conversation, [kept, told]


def _again(card: ReviewCard, conversation: Conversation, turn: Turn) -> str:
    zone = zone_of(conversation)
    due = card.due.astimezone(zone)
    days = (due.date() - turn.at.astimezone(zone).date()).days
    when = say("review.tomorrow") if days <= 1 else say("review.on", day=f"{due.day} {due:%b}")
    return say("review.again", when=when)


def answered_already(conversation: Conversation, card: ReviewCard, turn: Turn) -> Reply:
    """For a second answer: it counts nothing."""
    when = shown(zone_of(conversation), card.due, turn.at)
    return reply(say("review.answered", when=when), button("next", "", "next_path"))


# What becomes a card


def missed(conversation: Conversation, misses: Iterable[Miss], turn: Turn) -> list[Effect]:
    """A card for each; one that is there already counts the miss as an answer."""
    effects: list[Effect] = []
    once = {(each.source, each.item): each for each in misses}
    for each in once.values():
        uuid = slug_uuid("review", each.source, each.item)
        row = next((one for one in turn.known.progress if one.resource_id == uuid), None)
        card = reviews.new(
            source=each.source,
            item=each.item,
            title=each.title,
            points=each.points,
            at=turn.at,
            before=row.card if row else None,
        )
        if row is not None:
            effects.append(update(LearningProgress, row.id, card=card, updated_at=turn.at))
        else:
            effects.append(insert(_row(conversation, uuid, "review", each.path, turn, card=card)))
    return effects


def of_question(question: QuizQuestion, path: LearningPath, turn: Turn) -> Miss:
    """A quiz question answered wrongly."""
    title = say("review.quiz_title", skill=lessons.title_of(path.skill, turn), topic=question.topic)
    return Miss(source="quiz", item=question.key, title=title, path=path.id)


def of_results(results: Sequence[Result], turn: Turn) -> list[Miss]:
    """What an interview showed to be missing: key points not detected, and the failing class of code."""
    found = []
    for each in results:
        question = turn.content.question(each.question)
        if each.score is None or not each.not_detected or question is None or question.round == "behavioral":
            continue
        source: Literal["problem", "question"] = "problem" if question.round == "dsa" else "question"
        title = question.title if source == "problem" and question.title else each.topic_title
        path = _path_of_topic(each.topic, turn)
        found.append(
            Miss(
                source=source,
                item=question.id,
                title=title,
                points=each.not_detected,
                path=path.id if path else None,
            )
        )
    return found


def _path_of_topic(topic: str, turn: Turn) -> LearningPath | None:
    template = turn.content.path_for_topic(topic, [path.skill for path in turn.known.paths])
    return next((each for each in turn.known.paths if template and each.skill == template.skill), None)


def _row(
    conversation: Conversation,
    resource_id: str,
    kind: Literal["resource", "quiz", "review", "retest"],
    path_id: str | None,
    turn: Turn,
    *,
    stage: int = 0,
    card: ReviewCard | None = None,
) -> LearningProgress:
    return LearningProgress(
        id=new_id(turn.at, conversation.student, turn.event.id, resource_id),
        student_id=conversation.student,
        path_id=path_id,
        kind=kind,
        resource_id=resource_id,
        stage_number=stage,
        status="not_started",
        completed_at=None,
        time_spent_minutes=0,
        next_nudge_at=None,
        created_at=turn.at,
        updated_at=turn.at,
        card=card,
    )


new_row = _row


# A weak topic becomes a stage of its own


class TopicStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage made of a topic that an interview showed to be weak."""

    path: LearningPath
    topic: str
    number: int
    minutes: int
    resources: int


def with_weak_topics(
    conversation: Conversation, results: Sequence[Result], turn: Turn
) -> tuple[list[Effect], list[TopicStage], Known]:
    """The weakest topics of an interview, each as a stage in its path. Gives what is written, the stages, and what is
    known then."""
    weak: dict[str, Result] = {}
    for each in sorted(results, key=lambda one: one.score if one.score is not None else 101):
        if each.score is not None and each.score < WEAK_BELOW:
            weak.setdefault(each.topic, each)
    before = {path.skill: path for path in turn.known.paths}
    after, rows, made = dict(before), list[LearningProgress](), list[TopicStage]()
    for result in weak.values():
        template = turn.content.path_for_topic(result.topic, before)
        if template is None or len(made) == MOST_TOPICS:
            continue
        path = after.get(template.skill) or _bare(conversation, template, turn)
        if any(stage.topic == result.topic and stage.status != "completed" for stage in path.stages):
            continue
        path, more = _with_stage(conversation, path, template, result, turn)
        after[template.skill] = path
        stage = path.stages[-1]
        made.append(
            TopicStage(
                path=path,
                topic=result.topic_title,
                number=stage.stage_number,
                minutes=paths.stage_minutes(stage),
                resources=len(stage.resources),
            )
        )
        rows += more
    writes: list[Effect] = []
    for skill, path in after.items():
        if skill not in before:
            writes.append(insert(path))
        elif path is not before[skill]:
            writes.append(paths.changes(before[skill], path))
    made = [replace(each, path=after[each.path.skill]) for each in made]
    known = replace(turn.known, paths=tuple(after.values()), progress=(*turn.known.progress, *rows))
    return [*writes, *map(insert, rows)], made, known


def _bare(conversation: Conversation, template: PathTemplate, turn: Turn) -> LearningPath:
    """A path of nothing yet; its catalogue stages join when the student wants to learn it."""
    return LearningPath(
        id=new_id(turn.at, conversation.student, turn.event.id, "path", template.skill),
        student_id=conversation.student,
        skill=template.skill,
        current_level=0,
        target_level=paths.TARGET,
        gap_priority="HIGH",
        stages=(),
        progress=PathProgress(
            current_stage=0, completion_percentage=0, time_spent_minutes=0, estimated_completion_date=""
        ),
        created_at=turn.at,
        updated_at=turn.at,
    )


def _with_stage(
    conversation: Conversation, before: LearningPath, template: PathTemplate, result: Result, turn: Turn
) -> tuple[LearningPath, list[LearningProgress]]:
    """A path that was paused or given up stays so until they take it up again."""
    place, stage = _nearest(template, result)
    chosen = _resources(stage, result, before)
    earlier = {each.stage_name for each in template.stages[:place]}
    requires = tuple(
        each.stage_number
        for each in before.stages
        if each.stage_name in earlier and each.status != "completed" and not each.topic
    )
    path = paths.with_topic(
        before,
        topic=result.topic,
        title=say("learn.topic_stage", topic=result.topic_title),
        question=result.question,
        resources=chosen,
        requires=requires,
        hours=lessons.hours_of(before, conversation),
        at=turn.at,
    )
    if paths.is_left_out(before):
        path = replace(path, state="active")
    number = path.stages[-1].stage_number
    ids = [each.resource_id for each in chosen]
    rows = [_row(conversation, each, "resource", path.id, turn, stage=number) for each in ids]
    uuid = lessons.step_id(path, paths.Step(kind="retest", stage=path.stages[-1]))
    return path, [*rows, _row(conversation, uuid, "retest", path.id, turn, stage=number)]


def _nearest(template: PathTemplate, result: Result) -> tuple[int, TemplateStage]:
    """The catalogue stage that shares most words with what was missed, and its place; else the first."""
    wanted_ = _stems(result.topic_title, *result.not_detected)
    shared = [len(wanted_ & _stems(each.stage_name, *each.topics)) for each in template.stages]
    place = shared.index(max(shared))
    return place, template.stages[place]


def _resources(stage: TemplateStage, result: Result, path: LearningPath) -> tuple[Resource, ...]:
    """Its resources that say most about what was missed, as the new stage's own."""
    wanted_ = _stems(result.topic_title, *result.not_detected)
    ranked = sorted(
        stage.resources,
        key=lambda each: (-len(wanted_ & _stems(each.title, each.recall.question)), each.duration_minutes),
    )
    again = sum(each.topic == result.topic for each in path.stages)
    return tuple(
        Resource(
            resource_id=slug_uuid("topic", result.topic, str(again), each.resource_id),
            type=each.type,
            title=each.title,
            url=each.url,
            duration_minutes=each.duration_minutes,
            source=each.source,
        )
        for each in ranked[:MOST_RESOURCES]
    )


def _stems(*words: str) -> set[str]:
    return set(text.content_stems(text.tokens(" ".join(words))))


def declined(conversation: Conversation, report_id: str, turn: Turn) -> Outcome:
    """ "No" under a report: its topics are no stages any more."""
    report = next((each for each in turn.known.reports if each.id == report_id), None)
    effects = list[Effect]()
    for path in turn.known.paths:
        after, hours = path, lessons.hours_of(path, conversation)
        for stage in path.stages:
            if stage.status != "completed" and report is not None and _is_from(stage.question_id, report):
                after = paths.with_declined(after, stage.stage_number, hours=hours, at=turn.at)
        if after is not path:
            if paths.is_left_out(after):
                after = replace(after, state="abandoned")
            effects.append(paths.changes(path, after))
    key = "learn.topic_declined" if effects else "general.declined"
    return conversation, [*effects, reply(say(key), button("next", "", "next_path"))]


def _is_from(question: str | None, report: InterviewReport) -> bool:
    return any(each.question_id == question for each in report.answers)


# The one question of a retest, or a problem to be coded again


def concluded(
    conversation: Conversation, session: Session, turn: Turn
) -> tuple[list[Effect], LearningPath | None]:
    """The question that was a retest or a review is over: the stage closes, or another one will be asked. Gives the path
    whose stage was closed, as it is then."""
    row = next((each for each in turn.known.progress if each.id == session.row), None)
    result = session.results[-1] if session.results else None
    if row is None:
        return [], None
    if result is None or result.score is None:  # skipped, or not graded: it waits as it was
        return _still_open(row, turn), None
    if row.card is not None:
        card = reviews.rated(row.card, _of_code(row.card, result), turn.at)
        kept = update(LearningProgress, row.id, card=card, updated_at=turn.at)
        return [kept, reply(_again(card, conversation, turn), button("next", "", "next_path"))], None
    path = next((each for each in turn.known.paths if each.id == row.path_id), None)
    stage = next((s for s in path.stages if s.stage_number == row.stage_number), None) if path else None
    if path is None or stage is None or stage.status == "completed":
        return [], None
    values = {"topic": plain(result.topic_title), "score": result.score, "passing": WEAK_BELOW}
    cards = missed(conversation, of_results([result], turn), turn)
    if result.score < WEAK_BELOW:
        kept = update(
            LearningProgress,
            row.id,
            status="in_progress",
            recall_score=result.score,
            updated_at=turn.at,
        )
        again = button("retest", f"{path.id}.{stage.stage_number}", "retest_again")
        link = _first_link(stage.resources)
        told = reply(say("learn.retest_failed", link=link, **values), again, button("next", "", "next_path"))
        return [kept, *cards, told], None
    hours = lessons.hours_of(path, conversation)
    after = paths.with_assessed(path, stage.stage_number, hours=hours, at=turn.at)
    kept = update(
        LearningProgress,
        row.id,
        status="completed",
        completed_at=turn.at,
        recall_score=result.score,
        updated_at=turn.at,
    )
    words = say("learn.retest_passed", number=stage.stage_number, **values)
    if paths.step(after) is None:
        words += " " + lessons.finished(after, turn)
    told = reply(words, button("next", "", "next_path"))
    return [kept, *cards, paths.changes(path, after), told], after


def _still_open(row: LearningProgress, turn: Turn) -> list[Effect]:
    path = next((each for each in turn.known.paths if each.id == row.path_id), None)
    step = paths.step(path) if path else None
    if path is None or step is None or lessons.row_of(path, step, turn) is not row:
        return []
    text_, choices = lessons.step_text(path, step, turn)
    return [reply(text_, *choices, button("next", "", "next_path"))]


def _first_link(resources: tuple[Resource, ...]) -> str:
    first = next(iter(resources), None)
    return say("quiz.link", title=plain(first.title), url=first.url) if first else ""


def _of_code(card: ReviewCard, result: Result) -> Rating:
    if not result.not_detected:
        return Rating.Good
    return Rating.Again if set(card.points) & set(result.not_detected) else Rating.Hard


def resources_line(made: Sequence[TopicStage]) -> str:
    """ "2 resources, 35 min"."""
    count = counted(sum(each.resources for each in made), "resource")
    return f"{count}, {lessons.minutes(sum(each.minutes for each in made))}"
