"""A weak topic of an interview becomes a stage of its own, with resources and a retest. Decides only."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from bot import paths, text
from bot.conversation import Conversation, Result, Session
from bot.documents import (
    InterviewReport,
    LearningPath,
    LearningProgress,
    PathStage,
    PathTemplate,
    Resource,
    TemplateStage,
    insert,
    new_id,
    slug_uuid,
    update,
)
from bot.effects import Effect, Outcome, Turn, button, reply
from bot.messages import plain
from bot.ports import Known
from bot.sentences import say
from bot.stages import lessons, reviewing

MOST_TOPICS = 3  # that one interview makes stages of: more is a wish list
MOST_STAGES = 40  # of a path: a document must not grow without end
MOST_RESOURCES = 2  # of such a stage: it is a remedy, not a course


class TopicStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage made of a topic (its title) that an interview showed to be weak."""

    topic: str
    path: LearningPath
    stage: PathStage


def with_weak_topics(
    conversation: Conversation, results: Sequence[Result], turn: Turn
) -> tuple[list[Effect], list[TopicStage], Known]:
    """The weakest topics of an interview, each as a stage in its path. Gives what is written, the stages, and what is
    known then."""
    weak: dict[str, Result] = {}
    for each in sorted(results, key=lambda one: one.score if one.score is not None else 101):
        if each.score is not None and each.score < reviewing.WEAK_BELOW:
            weak.setdefault(each.topic, each)
    before = {_slug(path, turn): path for path in turn.known.paths}
    after, rows, made = dict(before), list[LearningProgress](), list[TopicStage]()
    for result in weak.values():
        template = turn.content.path_for_topic(result.topic, before)
        if template is None or len(made) == MOST_TOPICS:
            continue
        path = after.get(template.skill) or _bare(conversation, template, turn)
        open_ = any(stage.topic == result.topic and stage.status != "completed" for stage in path.stages)
        if open_ or len(path.stages) >= MOST_STAGES:
            continue
        path, more = _with_stage(conversation, path, template, result, turn)
        after[template.skill] = path
        made.append(TopicStage(topic=result.topic_title, path=path, stage=path.stages[-1]))
        rows += more
    writes: list[Effect] = []
    for skill, path in after.items():
        if skill not in before:
            writes.append(insert(path))
        elif path is not before[skill]:
            writes.append(paths.changes(before[skill], path))
    made = [replace(each, path=after[_slug(each.path, turn)]) for each in made]
    known = replace(turn.known, paths=tuple(after.values()), progress=(*turn.known.progress, *rows))
    return [*writes, *map(insert, rows)], made, known


def _slug(path: LearningPath, turn: Turn) -> str:
    """The skill as our catalogue writes it; another service may have written "SQL"."""
    template = turn.content.path(path.skill)
    return template.skill if template else path.skill


def _bare(conversation: Conversation, template: PathTemplate, turn: Turn) -> LearningPath:
    """A path of nothing yet; its catalogue stages join when the student wants to learn it."""
    path_id = new_id(turn.at, conversation.student, turn.event.id, "path", template.skill)
    return paths.bare(template, path_id=path_id, student=conversation.student, priority="HIGH", at=turn.at)


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
        plan=lessons.plan_of(before, conversation, turn),
        at=turn.at,
    )
    if paths.is_left_out(before):
        path = replace(path, state="active")
    number = path.stages[-1].stage_number
    ids = [each.resource_id for each in chosen]
    rows = [lessons.new_row(conversation, each, "resource", path.id, turn, stage=number) for each in ids]
    uuid = lessons.step_id(path, paths.Step(kind="retest", stage=path.stages[-1]))
    return path, [*rows, lessons.new_row(conversation, uuid, "retest", path.id, turn, stage=number)]


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
        paths.own(each, slug_uuid("topic", result.topic, str(again), each.resource_id))
        for each in ranked[:MOST_RESOURCES]
    )


def _stems(*words: str) -> set[str]:
    return set(text.content_stems(text.tokens(" ".join(words))))


def declined(conversation: Conversation, report_id: str, turn: Turn) -> Outcome:
    """ "No" under a report: its topics are no stages any more."""
    report = next((each for each in turn.known.reports if each.id == report_id), None)
    effects = list[Effect]()
    for path in turn.known.paths:
        after, plan = path, lessons.plan_of(path, conversation, turn)
        for stage in path.stages:
            if stage.status != "completed" and report is not None and _is_from(stage.question_id, report):
                after = paths.with_declined(after, stage.stage_number, plan=plan, at=turn.at)
        if after is not path:
            if paths.is_left_out(after):
                after = replace(after, state="abandoned")
            effects.append(paths.changes(path, after))
            turn = turn.knowing(after)
    if conversation.commitment is not None and not lessons.stands(conversation.commitment, turn):
        conversation = replace(conversation, commitment=None)
    key = "learn.topic_declined" if effects else "general.declined"
    return conversation, [*effects, reply(say(key), button("next", "", "next_path"))]


def _is_from(question: str | None, report: InterviewReport) -> bool:
    return any(each.question_id == question for each in report.answers)


# Its retest, or a problem to be coded again


def concluded(
    conversation: Conversation, session: Session, turn: Turn
) -> tuple[list[Effect], LearningPath | None]:
    """The question that was a retest or a review is over: the stage closes, or another one will be asked. Gives the path
    whose stage was closed, as it is then."""
    row = turn.row(session.row)
    result = session.results[-1] if session.results else None
    if row is None:
        return [], None
    if result is None or result.score is None:  # skipped, or not graded: it waits as it was
        return _still_open(row, turn), None
    if row.card is not None:
        return reviewing.redone(conversation, row, row.card, result, turn), None
    path = turn.path(row.path_id)
    stage = paths.numbered(path, row.stage_number)
    if path is None or stage is None or stage.status == "completed":
        return [], None
    values = {"topic": plain(result.topic_title), "score": result.score, "passing": reviewing.WEAK_BELOW}
    cards = reviewing.missed(conversation, reviewing.of_results([result], turn), turn)
    passed = result.score >= reviewing.WEAK_BELOW
    fields = {"status": "completed", "completed_at": turn.at} if passed else {"status": "in_progress"}
    kept = update(LearningProgress, row.id, recall_score=result.score, updated_at=turn.at, **fields)
    if not passed:
        again = button("retest", f"{path.id}.{stage.stage_number}", "retest_again")
        link = _first_link(stage.resources)
        told = reply(say("learn.retest_failed", link=link, **values), again, button("next", "", "next_path"))
        return [kept, *cards, told], None
    plan = lessons.plan_of(path, conversation, turn)
    after = paths.with_assessed(path, stage.stage_number, plan=plan, at=turn.at)
    words = say("learn.retest_passed", number=stage.stage_number, **values)
    if paths.step(after) is None:
        words += " " + lessons.finished(after, turn)
    told = reply(words, button("next", "", "next_path"))
    return [kept, *cards, paths.changes(path, after), told], after


def _still_open(row: LearningProgress, turn: Turn) -> list[Effect]:
    path = turn.path(row.path_id)
    step = paths.step(path) if path else None
    if path is None or step is None or lessons.row_of(path, step, turn) is not row:
        return []
    text_, choices = lessons.step_text(path, step, turn)
    return [reply(text_, *choices, button("next", "", "next_path"))]


def _first_link(resources: tuple[Resource, ...]) -> str:
    first = next(iter(resources), None)
    return say("quiz.link", title=plain(first.title), url=first.url) if first else ""
