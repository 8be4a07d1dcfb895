"""A student's learning path: how the document is made, what each step changes in it, and when it is planned to end.

Pure arithmetic on `LearningPath`; what is said about it is in `bot/stages/learning.py`. A level is 0-100; the stages of
a catalogue path lead from 0 to `TARGET` in equal parts.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import takewhile
from math import ceil
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from bot.documents import (
    Assessment,
    LearningPath,
    PathProgress,
    PathStage,
    PathTemplate,
    Priority,
    Resource,
    StageStatus,
    TemplateResource,
    TemplateStage,
    Update,
    update,
)

TARGET = 80  # the level at the end of a path: ready for an interview, not an expert
QUIZ_MINUTES = 10  # of one time through a stage's quiz
FEWEST_HOURS, MOST_HOURS = 1, 60  # a week: beyond that it is a typing error, or a promise nobody keeps
LONGEST_PLAN = 3650  # days: another service's minutes may be anything
RETEST = Assessment(type="quiz", questions_count=1, passing_score=65)  # another question on the topic

_RANK: dict[Priority, int] = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing to do now: a resource, or the stage's quiz or retest once its resources are done."""

    kind: Literal["resource", "quiz", "retest"]
    stage: PathStage
    resource: Resource | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """At how many hours a week, from which local day on."""

    hours: int
    today: date


def made(
    template: PathTemplate,
    *,
    path_id: str,
    student: str,
    level: int,
    target: int,
    plan: Plan,
    priority: Priority,
    at: datetime,
) -> LearningPath:
    """A path of a student's own. Stages below `level` or beyond `target` are passed over."""
    path = bare(template, path_id=path_id, student=student, priority=priority, at=at)
    path = replace(path, current_level=level, target_level=target)
    return with_catalogue(path, template, plan=plan, at=at)


def bare(
    template: PathTemplate, *, path_id: str, student: str, priority: Priority, at: datetime
) -> LearningPath:
    """A path without stages as yet."""
    return LearningPath(
        id=path_id,
        student_id=student,
        skill=template.skill,
        current_level=0,
        target_level=TARGET,
        gap_priority=priority,
        stages=(),
        progress=PathProgress(
            current_stage=0, completion_percentage=0, time_spent_minutes=0, estimated_completion_date=""
        ),
        created_at=at,
        updated_at=at,
    )


def with_catalogue(path: LearningPath, template: PathTemplate, *, plan: Plan, at: datetime) -> LearningPath:
    """With the catalogue's stages after those it has; what is completed already stays as it is."""
    known = {stage.stage_name for stage in path.stages if not stage.topic}
    steps = list(path.stages)
    for each in template.stages:
        if each.stage_name not in known:
            steps.append(_stage(each, len(steps) + 1, plan.hours))
    return at_level(replace(path, stages=tuple(steps)), template, path.current_level, plan=plan, at=at)


def at_level(
    path: LearningPath, template: PathTemplate, level: int, *, plan: Plan, at: datetime
) -> LearningPath:
    """With its stages below a level passed over, and those beyond the target as long as nobody began them. Those for
    which that no longer holds are there again; what is completed stays so, and is the least level there is."""
    size = len(template.stages)
    level = max(level, _earned(path, size))
    ends = {each.stage_name: level_after(place, size) for place, each in enumerate(template.stages, 1)}
    starts = {each.stage_name: level_after(place, size) for place, each in enumerate(template.stages)}

    def aimed(stage: PathStage) -> PathStage:
        name = stage.stage_name
        if stage.topic or name not in ends or (stage.status == "completed" and not stage.passed_over):
            return stage
        begun = any(each.completed for each in stage.resources)
        over = ends[name] <= level or (starts[name] >= path.target_level and not begun)
        if over == stage.passed_over:
            return stage
        if over:
            return replace(stage, status="completed", completed_at=at, passed_over=True)
        status: StageStatus = "in_progress" if begun else "not_started"
        return replace(stage, status=status, completed_at=None, passed_over=False)

    stages = tuple(map(aimed, path.stages))
    return planned(replace(path, stages=stages, current_level=level), plan=plan, at=at)


def _earned(path: LearningPath, size: int) -> int:
    """The level of the stages completed by learning from the first one on."""
    usual = (stage for stage in path.stages if not stage.topic)
    learnt = [*takewhile(lambda stage: stage.status == "completed" and not stage.passed_over, usual)]
    return min(path.target_level, level_after(len(learnt), size))


def highest_start(path: LearningPath, size: int) -> int:
    """The level at which one stage is left: who knows it all still takes the last quiz."""
    used = sum(level_after(place, size) < path.target_level for place in range(size))
    return level_after(max(0, used - 1), size)


def with_target(
    path: LearningPath, template: PathTemplate, target: int, *, plan: Plan, at: datetime
) -> LearningPath:
    """With another level to reach: stages it does not need are passed over, those it needs are there (again)."""
    return with_catalogue(replace(path, target_level=target), template, plan=plan, at=at)


def with_topic(
    path: LearningPath,
    *,
    topic: str,
    title: str,
    question: str,
    resources: tuple[Resource, ...],
    requires: tuple[int, ...],
    plan: Plan,
    at: datetime,
) -> LearningPath:
    """With a stage of its own for a topic that an interview showed to be weak. `title`: of the stage."""
    stage = PathStage(
        stage_number=len(path.stages) + 1,
        stage_name=title,
        duration_weeks=_weeks(sum(each.duration_minutes for each in resources), plan.hours),
        topics=(title,),
        resources=resources,
        assessment=RETEST,
        topic=topic,
        question_id=question,
        requires=requires,
    )
    return planned(replace(path, stages=(*path.stages, stage)), plan=plan, at=at)


def with_begun(path: LearningPath, number: int, at: datetime) -> LearningPath:
    """With a stage in progress, if it was not; this is the path touched last."""

    def begun(stage: PathStage) -> PathStage:
        return replace(stage, status="in_progress") if stage.status == "not_started" else stage

    return _with_stage(path, number, begun, at)


def with_end_ahead(path: LearningPath, plan: Plan) -> LearningPath:
    """With its end planned anew, if that has passed."""
    if path.progress.estimated_completion_date >= plan.today.isoformat():
        return path
    end = planned_end(path, plan).isoformat()
    return replace(path, progress=replace(path.progress, estimated_completion_date=end))


def with_done(
    path: LearningPath, resource_id: str, minutes: int, *, assessed: bool, plan: Plan, at: datetime
) -> LearningPath:
    """With one more resource done after `minutes`. `assessed`: its stage has a quiz or retest, and waits for it."""

    def done(stage: PathStage) -> PathStage:
        resources = tuple(
            replace(each, completed=True, completed_at=at) if each.resource_id == resource_id else each
            for each in stage.resources
        )
        if stage.status == "completed":  # passed over, and read all the same
            return replace(stage, resources=resources)
        stage = replace(stage, resources=resources)
        if stage.stage_number != number:  # another service named the page twice: read is read
            return stage
        stage = replace(stage, status="in_progress")
        return stage if assessed or _open(stage) else replace(stage, status="completed", completed_at=at)

    number = next(
        stage.stage_number
        for stage in path.stages
        if any(each.resource_id == resource_id for each in stage.resources)
    )
    after = replace(path, stages=tuple(map(done, path.stages)))
    return planned(with_spent(after, minutes), plan=plan, at=at, closed=number)


def with_assessed(path: LearningPath, number: int, *, plan: Plan, at: datetime) -> LearningPath:
    """With the quiz or retest of a stage passed: it closes if its resources are done, too."""

    def passed(stage: PathStage) -> PathStage:
        if _open(stage) or stage.status == "completed":
            return stage
        return replace(stage, status="completed", completed_at=at)

    return planned(_with_stage(path, number, passed, at), plan=plan, at=at, closed=number)


def with_declined(path: LearningPath, number: int, *, plan: Plan, at: datetime) -> LearningPath:
    """With a stage the student does not want: completed, and passed over."""

    def declined(stage: PathStage) -> PathStage:
        if stage.status == "completed":
            return stage
        return replace(stage, status="completed", completed_at=at, passed_over=True)

    return planned(_with_stage(path, number, declined, at), plan=plan, at=at)


def with_withdrawn(path: LearningPath, gone: frozenset[str], *, plan: Plan, at: datetime) -> LearningPath:
    """Without the resources the catalogue has let go of, as far as they are still to be done."""

    def lighter(stage: PathStage) -> PathStage:
        resources = tuple(
            replace(each, withdrawn=True) if each.resource_id in gone and not each.completed else each
            for each in stage.resources
        )
        return replace(stage, resources=resources)

    return planned(replace(path, stages=tuple(map(lighter, path.stages))), plan=plan, at=at)


def with_spent(path: LearningPath, minutes: int) -> LearningPath:
    """With time spent on it."""
    spent = path.progress.time_spent_minutes + minutes
    return replace(path, progress=replace(path.progress, time_spent_minutes=spent))


def planned(path: LearningPath, *, plan: Plan, at: datetime, closed: int = 0) -> LearningPath:
    """With its progress counted and its weeks planned anew, at so many hours a week. `closed`: the stage that may just
    have been completed, and then lifts the level."""
    stages = tuple(
        stage
        if stage.status == "completed"
        else replace(
            stage, duration_weeks=_weeks(sum(e.duration_minutes for e in _counted(stage)), plan.hours)
        )
        for stage in path.stages
    )
    path = replace(path, stages=stages)
    progress = replace(
        path.progress,
        current_stage=_number_at_hand(path),
        completion_percentage=_percentage(stages),
        estimated_completion_date=planned_end(path, plan).isoformat(),
    )
    level = path.current_level
    if closed and stage_of(path, closed).status == "completed" and not stage_of(path, closed).topic:
        # Counted up to the first open one: behind it may be stages beyond the target, passed over.
        catalogue = [stage.status == "completed" for stage in stages if not stage.topic]
        done = len([*takewhile(bool, catalogue)])
        level = max(level, min(path.target_level, level_after(done, len(catalogue))))
    return replace(path, progress=progress, current_level=level, updated_at=at)


def planned_end(path: LearningPath, plan: Plan) -> date:
    """Its first day plus what is left, at so many hours a week."""
    return plan.today + _days(ceil(7 * minutes_left(path) / (60 * plan.hours)))


def minutes_left(path: LearningPath) -> int:
    """Of the resources and quizzes that are still to be done."""
    return sum(stage_minutes(stage) for stage in path.stages)


def minutes_until(path: LearningPath, number: int) -> int:
    """What must still be done until a stage is complete: of it and of the open ones before it."""
    return sum(stage_minutes(stage) for stage in path.stages if stage.stage_number <= number)


def stage_minutes(stage: PathStage) -> int:
    """What is left of one stage."""
    if stage.status == "completed":
        return 0
    return sum(each.duration_minutes for each in _open(stage)) + QUIZ_MINUTES


def level_after(stages: int, of: int) -> int:
    """The level after so many stages of a path."""
    return TARGET * stages // of


def step(path: LearningPath) -> Step | None:
    """The one thing to do now; None when the path is complete. A topic's own stage comes first, once what it requires is
    done."""
    stage = current(path)
    if stage is None:
        return None
    resource = next(iter(_open(stage)), None)
    if resource is not None:
        return Step(kind="resource", stage=stage, resource=resource)
    return Step(kind="retest" if stage.topic else "quiz", stage=stage)


def current(path: LearningPath) -> PathStage | None:
    """The stage at hand."""
    left = [stage for stage in path.stages if stage.status != "completed"]
    done = {stage.stage_number for stage in path.stages if stage.status == "completed"}
    ready = (stage for stage in left if stage.topic and done.issuperset(stage.requires))
    usual = (stage for stage in left if not stage.topic)
    return next(ready, None) or next(usual, None) or next(iter(left), None)


def is_left_out(path: LearningPath) -> bool:
    """Whether it holds nothing but topics of interviews that the student did not want."""
    return bool(path.stages) and all(each.topic and each.passed_over for each in path.stages)


def stage_of(path: LearningPath, number: int) -> PathStage:
    """A stage by its number."""
    return next(stage for stage in path.stages if stage.stage_number == number)


def numbered(path: LearningPath | None, number: int) -> PathStage | None:
    """The same of a path and a number that may not be there."""
    return next((stage for stage in path.stages if stage.stage_number == number), None) if path else None


def own(resource: TemplateResource, resource_id: str) -> Resource:
    """A resource of the catalogue, as it stands in a student's path."""
    return Resource(
        resource_id=resource_id,
        type=resource.type,
        title=resource.title,
        url=resource.url,
        duration_minutes=resource.duration_minutes,
        source=resource.source,
    )


def by_priority(path: LearningPath) -> tuple[bool, int, float]:
    """The order of several paths: those with something to do, the widest gap first, then the one touched last."""
    return step(path) is None, _RANK[path.gap_priority], -path.updated_at.timestamp()


def priority(gap: int, wanted: int) -> Priority:
    """How much a gap (points of level) matters; `wanted`: by how many of goal, company and job description."""
    if wanted >= 2 or (wanted and gap >= TARGET // 2):
        return "HIGH"
    return "MEDIUM" if wanted or gap >= TARGET // 2 else "LOW"


def changes(before: LearningPath, after: LearningPath) -> Update:
    """The write that makes one of the other: the fields that differ one by one, for other services write here, too."""
    fields = dict(_differences(msgspec.to_builtins(before), msgspec.to_builtins(after), ""))
    return update(
        LearningPath, before.id, **{path.replace(".", "__"): value for path, value in fields.items()}
    )


def _differences(was: Any, now: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name, value in now.items():
            yield from _differences(was.get(name), value, f"{where}.{name}" if where else name)
    elif isinstance(was, tuple) and isinstance(now, tuple) and was and len(now) >= len(was):
        for place, value in enumerate(now):
            old = was[place] if place < len(was) else None
            yield from _differences(old, value, f"{where}.{place}")
    elif was != now:
        yield where, now


def _with_stage(
    path: LearningPath, number: int, change: Callable[[PathStage], PathStage], at: datetime
) -> LearningPath:
    stages = tuple(change(each) if each.stage_number == number else each for each in path.stages)
    path = replace(path, stages=stages, updated_at=at)
    return replace(path, progress=replace(path.progress, current_stage=_number_at_hand(path)))


def _number_at_hand(path: LearningPath) -> int:
    """0 as long as no stage is begun, the last one's when all are complete."""
    if all(stage.status == "not_started" for stage in path.stages):
        return 0
    stage = current(path) or path.stages[-1]
    return stage.stage_number


def _stage(template: TemplateStage, number: int, hours: int) -> PathStage:
    resources = tuple(own(each, each.resource_id) for each in template.resources)
    return PathStage(
        stage_number=number,
        stage_name=template.stage_name,
        duration_weeks=_weeks(sum(each.duration_minutes for each in resources), hours),
        topics=template.topics,
        resources=resources,
        assessment=template.assessment,
    )


def _days(count: int) -> timedelta:
    return timedelta(days=max(0, min(LONGEST_PLAN, count)))


def _weeks(minutes: int, hours: int) -> int:
    return max(1, ceil((minutes + QUIZ_MINUTES) / (60 * hours)))


def _counted(stage: PathStage) -> list[Resource]:
    return [each for each in stage.resources if not each.withdrawn or each.completed]


def _open(stage: PathStage) -> list[Resource]:
    return [each for each in _counted(stage) if not each.completed]


def _percentage(stages: tuple[PathStage, ...]) -> int:
    """Of resources and assessments; what was passed over counts neither way."""
    counted = [stage for stage in stages if not stage.passed_over]
    everything = sum(len(_counted(stage)) + 1 for stage in counted)
    left = sum(len(_open(stage)) + 1 for stage in counted if stage.status != "completed")
    return 100 * (everything - left) // everything if everything else 100
