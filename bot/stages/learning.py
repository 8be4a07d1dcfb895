"""Learning paths: start one, the next resource, done with a recall question, nudges back to it. Decides only."""

import difflib
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from bot.clock import after_quiet, next_reminder, nudged_on_day, shown, zone_of
from bot.commands import bare_minutes
from bot.conversation import (
    ASIDES,
    AwaitingRecallGrade,
    Conversation,
    Recalling,
)
from bot.documents import (
    LearningPath,
    LearningProgress,
    PathProgress,
    PathStage,
    PathTemplate,
    Resource,
    insert,
    new_id,
    update,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded, NudgeDue
from bot.messages import Choice, Message, plain
from bot.sentences import counted, label, say
from bot.stages import feedback, settings
from bot.stages.interview import LONGEST_ANSWER

MOST_BUTTONS = 6  # to a message: more do not fit a phone's screen
LONGEST_SITTING = 600  # minutes of `done 25`: ten hours is a typing error


def learn(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`learn`: the skills there are; `learn sql`: that path, from where it was left or new."""
    if not argument:
        return conversation, [reply(say("learn.choose"), *_skills(list(turn.content.paths), turn))]
    template = turn.content.path(argument)
    if template is None:
        return conversation, [_unknown_skill(argument, turn)]
    mine = next((path for path in turn.known.paths if path.skill == template.skill), None)
    if mine is None:
        return _new_path(conversation, template, turn)
    if _current(mine) is None:
        return conversation, [
            reply(say("learn.path_done", skill=template.title), button("learn", "", "learn"))
        ]
    return show_next(conversation, mine, turn)


def following(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`next`: the one thing to do now on the path touched last."""
    path = _path_at_hand(turn, argument)
    if path is None:
        return learn(conversation, "", turn)
    return show_next(conversation, path, turn)


def show_next(conversation: Conversation, path: LearningPath, turn: Turn) -> Outcome:
    """The open resource with its address; its stage is in progress from here on."""
    place = _current(path)
    if place is None:
        return conversation, [
            reply(say("learn.path_done", skill=title_of(path.skill, turn)), button("learn", "", "learn"))
        ]
    stage, resource = place
    row = _row(path, resource.resource_id, turn)
    effects: list[Effect] = [
        *_begun(path, stage, row, turn.at),
        *_nudge_moved(conversation, path, resource, turn),
    ]
    buttons = [button("done", row.id if row else "", "done"), button("snooze", "", "snooze")]
    return conversation, [*effects, reply(_resource_text(path, stage, resource, turn), *buttons)]


def done(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`done` and `done 25`: the open resource is complete; one recall question about it."""
    minutes = bare_minutes(argument) if argument else None
    if argument and (minutes is None or not 1 <= minutes <= LONGEST_SITTING):
        return conversation, [reply(say("learn.bad_minutes"))]
    if isinstance(conversation.floor, Recalling | AwaitingRecallGrade):
        return conversation, [again(conversation.floor)]
    path = _path_at_hand(turn)
    place = _current(path) if path else None
    if path is None or place is None:
        return following(conversation, "", turn)
    row = _row(path, place[1].resource_id, turn)
    if row is not None and row.status == "not_started":  # it was never shown: that comes first
        return show_next(conversation, path, turn)
    return _complete(conversation, path, place[1], minutes, turn)


def done_pressed(conversation: Conversation, row_id: str, turn: Turn) -> Outcome:
    """The button under a resource; an old one is recognised by its row."""
    row = next((each for each in turn.known.progress if each.id == row_id), None)
    path = next((each for each in turn.known.paths if row and each.id == row.path_id), None)
    if row is None or path is None:
        return done(conversation, "", turn)
    resource = next(
        (each for stage in path.stages for each in stage.resources if each.resource_id == row.resource_id),
        None,
    )
    if resource is None or resource.completed:
        return conversation, [reply(say("learn.done_already"), button("next", "", "next_path"))]
    return _complete(conversation, path, resource, None, turn)


def again(stage: Recalling | AwaitingRecallGrade) -> Reply:
    """The recall question, asked once more."""
    if isinstance(stage, AwaitingRecallGrade):
        return reply(say("interview.grading"))
    return reply(say("learn.recall", question=stage.recall.question), button("skip", stage.row, "skip"))


def recalled(conversation: Conversation, stage: Recalling, text: str, turn: Turn) -> Outcome:
    """Keep the answer to a recall question; its grading is work for the shell."""
    if len(text) > LONGEST_ANSWER:
        return conversation, [reply(say("interview.too_long", length=len(text), limit=LONGEST_ANSWER))]
    waiting = AwaitingRecallGrade(
        path=stage.path,
        row=stage.row,
        title=stage.title,
        recall=stage.recall,
        attempt=new_id(turn.at, conversation.student, turn.event.id, "recall"),
        parts=(text,),
    )
    kept = update(LearningProgress, stage.row, recall_answer=text, updated_at=turn.at)
    return conversation.swapped(stage, waiting), [kept]


def joined(conversation: Conversation, stage: AwaitingRecallGrade, text: str, turn: Turn) -> Outcome:
    """What is said while a recall answer is being graded belongs to it."""
    parts = (*stage.parts, text)
    kept = update(
        LearningProgress, stage.row, recall_answer="\n".join(parts)[:LONGEST_ANSWER], updated_at=turn.at
    )
    return conversation.swapped(stage, replace(stage, parts=parts)), [kept]


def skipped(conversation: Conversation, stage: Recalling) -> Outcome:
    """No recall this time; the resource stays done."""
    return conversation.swapped(stage, None), [
        reply(say("learn.recall_skipped"), button("next", "", "next_path"))
    ]


def graded(conversation: Conversation, event: Graded, turn: Turn) -> Outcome:
    """Feedback for the recall answer that waits for it; anything else changes nothing."""
    stage = next((each for each in conversation.stages if isinstance(each, AwaitingRecallGrade)), None)
    if stage is None or (stage.attempt, len(stage.parts)) != (event.attempt, event.parts):
        return conversation, []
    kept = update(LearningProgress, stage.row, recall_score=event.grade.score, updated_at=turn.at)
    text = feedback.message(replace(event.grade, dimensions=()))
    return conversation.swapped(stage, None), [kept, reply(text, button("next", "", "next_path"))]


def nudge(conversation: Conversation, event: NudgeDue, turn: Turn) -> Outcome:
    """A row is due: bring the student back to the stage they left, or put it off; only here does its time move."""
    row = next((each for each in turn.known.progress if each.id == event.row), None)
    if row is None or row.next_nudge_at is None or row.next_nudge_at > turn.at:
        return conversation, []
    profile = conversation.profile
    path = next((each for each in turn.known.paths if each.id == row.path_id), None)
    place = _current(path) if path else None
    if path is None or place is None or not profile.reminders:
        return conversation, [update(LearningProgress, row.id, next_nudge_at=None)]
    put_off = _not_now(conversation, turn.at)
    if put_off is not None:
        return conversation, [update(LearningProgress, row.id, next_nudge_at=put_off)]
    today = turn.at.astimezone(zone_of(conversation)).date()
    conversation = conversation.with_profile(nudged_on=today, snoozed_until=None)
    again_at = next_reminder(conversation, turn.at)
    stage, resource = place
    text = say(
        "nudge.stage",
        skill=title_of(path.skill, turn),
        number=stage.stage_number,
        total=len(path.stages),
        stage=plain(stage.stage_name),
        title=plain(resource.title),
        url=resource.url,
        minutes=resource.duration_minutes,
    )
    choices = (button("done", row.id, "done"), button("snooze", "", "snooze"), button("why", row.id, "why"))
    told = Reply(message=Message(text=text, choices=choices), kind="nudge")
    moved = update(LearningProgress, row.id, next_nudge_at=again_at)
    return conversation, [*_begun(path, stage, row, turn.at), moved, told]


def why(conversation: Conversation, row_id: str, turn: Turn) -> Outcome:
    """Why a nudge came, truthfully."""
    profile = conversation.profile
    row = next((each for each in turn.known.progress if each.id == row_id), None)
    path = next((each for each in turn.known.paths if row and each.id == row.path_id), None)
    hours = {"quiet_from": profile.quiet_from, "quiet_to": profile.quiet_to}
    if path is None:
        return conversation, [reply(say("nudge.why_none", **hours))]
    text = say("nudge.why", skill=title_of(path.skill, turn), hour=profile.reminder_hour, **hours)
    return conversation, [
        reply(text, button("reminders", "off", "reminders_off"), button("snooze", "", "snooze"))
    ]


def snooze(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`snooze 1d`: silence for a while; without a span, buttons."""
    spans = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "1w": timedelta(weeks=1)}
    span = spans.get(argument.lower().replace(" ", ""))
    if span is None:
        text = say("reminders.snooze_bad") if argument else say("reminders.snooze")
        choices = [button("snooze", "1h", "snooze_hour"), button("snooze", "1d", "snooze_day")]
        return conversation, [reply(text, *choices, button("snooze", "1w", "snooze_week"))]
    until = after_quiet(conversation.profile, zone_of(conversation), turn.at + span)
    if nudged_on_day(conversation, turn.at):  # they ask for today's nudge once more, later
        conversation, due = conversation.with_profile(nudged_on=None), until
    else:
        due = next_reminder(conversation, until)
    conversation = conversation.with_profile(snoozed_until=until)
    rows = [row for row in turn.known.progress if row.next_nudge_at is not None]
    moved: list[Effect] = [update(LearningProgress, row.id, next_nudge_at=due) for row in rows]
    when = shown(zone_of(conversation), until, turn.at)
    return conversation, [*moved, reply(say("reminders.snoozed", when=when))]


def reminders(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`reminders`, `reminders off`, `reminders 20:00`: show or change when nudges come."""
    conversation, effects = settings.reminders(conversation, argument, turn)
    return conversation, [*(nudges_planned_anew(conversation, turn) if argument else []), *effects]


def nudges_planned_anew(conversation: Conversation, turn: Turn) -> list[Effect]:
    """After a change of hour, zone or switch: the nudge that waits gets its new time."""
    path = _path_at_hand(turn)
    place = _current(path) if path else None
    return _nudge_moved(conversation, path, place[1], turn) if path and place else []


def progress(conversation: Conversation, turn: Turn) -> Outcome:
    """Where the student stands on every path, and the last interview."""
    lines = [_progress_line(path, turn) for path in turn.known.paths]
    if turn.known.reports:
        last = turn.known.reports[0]
        day = last.created_at.astimezone(zone_of(conversation)).date().isoformat()
        key = "learn.progress_report" if last.score is not None else "learn.progress_report_none"
        lines.append(say(key, company=plain(last.company), score=last.score, date=day))
    if not lines:
        lines = [say("learn.progress_none")]
    return conversation, [
        reply("\n\n".join(lines), button("next", "", "next_path"), button("interview", "", "interview"))
    ]


def title_of(skill: str, turn: Turn) -> str:
    """How a skill is written; a path another service made may have one we have no path for."""
    template = turn.content.path(skill)
    return template.title if template else plain(skill)


def _new_path(conversation: Conversation, template: PathTemplate, turn: Turn) -> Outcome:
    """The student's own path: the document, a row for each resource, the first resource shown."""
    path = _path_from(template, conversation.student, turn)
    rows = [
        LearningProgress(
            id=new_id(turn.at, conversation.student, turn.event.id, resource.resource_id),
            student_id=conversation.student,
            path_id=path.id,
            kind="resource",
            resource_id=resource.resource_id,
            stage_number=stage.stage_number,
            status="not_started",
            completed_at=None,
            time_spent_minutes=0,
            next_nudge_at=None,
            created_at=turn.at,
            updated_at=turn.at,
        )
        for stage in path.stages
        for resource in stage.resources
    ]
    known = replace(turn.known, paths=(path, *turn.known.paths), progress=(*turn.known.progress, *rows))
    turn = replace(turn, known=known)
    head = say(
        "learn.new",
        skill=template.title,
        stages=counted(len(path.stages), "stage"),
        resources=counted(len(rows), "resource"),
        weeks=counted(sum(stage.duration_weeks for stage in path.stages), "week"),
    )
    conversation, effects = show_next(conversation, path, turn)
    conversation, asked = settings.zone_needed(conversation, turn)
    writes: list[Effect] = [insert(path), *(insert(row) for row in rows)]
    when = shown(zone_of(conversation), next_reminder(conversation, turn.at), turn.at)
    told = [] if asked or not conversation.profile.reminders else [reply(say("learn.will_remind", when=when))]
    return conversation, [*writes, reply(head), *effects, *asked, *told]


def _path_from(template: PathTemplate, student: str, turn: Turn) -> LearningPath:
    stages = tuple(
        PathStage(
            stage_number=number,
            stage_name=stage.stage_name,
            duration_weeks=stage.duration_weeks,
            topics=stage.topics,
            resources=tuple(
                Resource(
                    resource_id=each.resource_id,
                    type=each.type,
                    title=each.title,
                    url=each.url,
                    duration_minutes=each.duration_minutes,
                    source=each.source,
                )
                for each in stage.resources
            ),
            assessment=stage.assessment,
        )
        for number, stage in enumerate(template.stages, 1)
    )
    return LearningPath(
        id=new_id(turn.at, student, turn.event.id, "path"),
        student_id=student,
        skill=template.skill,
        current_level=0,
        target_level=80,
        gap_priority="MEDIUM",
        stages=stages,
        progress=PathProgress(
            current_stage=0,
            completion_percentage=0,
            time_spent_minutes=0,
            estimated_completion_date=_planned_end(stages, turn.at.date()),
        ),
        created_at=turn.at,
        updated_at=turn.at,
    )


def _complete(
    conversation: Conversation, path: LearningPath, resource: Resource, minutes: int | None, turn: Turn
) -> Outcome:
    """Mark a resource done, keep stage and progress true, ask its recall question."""
    spent = minutes or resource.duration_minutes
    after = _with_done(path, resource.resource_id, spent, turn.at)
    effects: list[Effect] = [_path_update(path, after, turn.at)]
    row = _row(path, resource.resource_id, turn)
    if row is not None:
        changes = {
            "status": "completed",
            "completed_at": turn.at,
            "time_spent_minutes": spent,
            "updated_at": turn.at,
        }
        effects.append(update(LearningProgress, row.id, next_nudge_at=None, **changes))
    place = _current(after)
    if place is not None:
        known = replace(turn.known, progress=tuple(each for each in turn.known.progress if each is not row))
        effects += _nudge_moved(conversation, after, place[1], replace(turn, known=known))
    text = [
        say(
            "learn.done",
            title=plain(resource.title),
            percent=after.progress.completion_percentage,
            skill=title_of(path.skill, turn),
        )
    ]
    stage = next(
        each for each in after.stages if resource.resource_id in {r.resource_id for r in each.resources}
    )
    if stage.status == "completed":
        text.append(say("learn.stage_done", number=stage.stage_number, skill=title_of(path.skill, turn)))
    if place is None:
        text.append(say("learn.path_done", skill=title_of(path.skill, turn)))
    recalling = _recalling(path, resource, row, turn)
    if recalling is None:
        return conversation, [*effects, reply(" ".join(text), button("next", "", "next_path"))]
    conversation = conversation.without(Recalling, AwaitingRecallGrade, *ASIDES).pushed(recalling)
    asked = again(recalling)
    whole = replace(asked.message, text=" ".join(text) + "\n\n" + asked.message.text)
    return conversation, [*effects, Reply(message=whole)]


def _recalling(
    path: LearningPath, resource: Resource, row: LearningProgress | None, turn: Turn
) -> Recalling | None:
    """The recall question of a resource of ours; a resource another service chose has none."""
    template = turn.content.path(path.skill)
    resources = [each for stage in template.stages for each in stage.resources] if template else []
    ours = next((each for each in resources if each.resource_id == resource.resource_id), None)
    if ours is None or row is None:
        return None
    return Recalling(path=path.id, row=row.id, title=resource.title, recall=ours.recall, asked_at=turn.at)


def _with_done(path: LearningPath, resource_id: str, minutes: int, at: datetime) -> LearningPath:
    """The path with one more resource done: pure arithmetic on the document."""
    stages = tuple(_stage_with_done(stage, resource_id, at) for stage in path.stages)
    resources = [resource for stage in stages for resource in stage.resources]
    finished = sum(resource.completed for resource in resources)
    touched = [stage.stage_number for stage in stages if stage.status != "not_started"]
    progress = PathProgress(
        current_stage=max(touched, default=0),
        completion_percentage=100 * finished // len(resources),
        time_spent_minutes=path.progress.time_spent_minutes + minutes,
        estimated_completion_date=_planned_end(stages, at.date()),
    )
    return replace(path, stages=stages, progress=progress)


def _stage_with_done(stage: PathStage, resource_id: str, at: datetime) -> PathStage:
    if all(resource.resource_id != resource_id for resource in stage.resources):
        return stage
    resources = tuple(
        replace(resource, completed=True, completed_at=at)
        if resource.resource_id == resource_id
        else resource
        for resource in stage.resources
    )
    if all(resource.completed for resource in resources):
        return replace(stage, resources=resources, status="completed", completed_at=at)
    return replace(stage, resources=resources, status="in_progress")


def _planned_end(stages: tuple[PathStage, ...], today: date) -> str:
    """Today plus the weeks of what is left, by the share of each stage's resources still open."""
    weeks = sum(
        stage.duration_weeks * sum(not each.completed for each in stage.resources) / len(stage.resources)
        for stage in stages
    )
    return (today + timedelta(days=round(7 * weeks))).isoformat()


def _path_update(before: LearningPath, after: LearningPath, at: datetime) -> Effect:
    """The fields that differ, one by one: other services write this document too."""
    fields: dict[str, object] = {"progress": after.progress, "updated_at": at}
    for s, (old, new) in enumerate(zip(before.stages, after.stages, strict=True)):
        if old.status != new.status:
            fields[f"stages__{s}__status"] = new.status
            fields[f"stages__{s}__completed_at"] = new.completed_at
        for r, (was, now) in enumerate(zip(old.resources, new.resources, strict=True)):
            if was != now:
                fields[f"stages__{s}__resources__{r}__completed"] = now.completed
                fields[f"stages__{s}__resources__{r}__completed_at"] = now.completed_at
    return update(LearningPath, before.id, **fields)


def _begun(path: LearningPath, stage: PathStage, row: LearningProgress | None, at: datetime) -> list[Effect]:
    """A resource is shown: this is the path touched last, and its stage and row are in progress."""
    fields: dict[str, object] = {"updated_at": at}
    if stage.status == "not_started":
        fields[f"stages__{path.stages.index(stage)}__status"] = "in_progress"
        fields["progress__current_stage"] = stage.stage_number
    effects: list[Effect] = [update(LearningPath, path.id, **fields)]
    if row is not None and row.status == "not_started":
        effects.append(update(LearningProgress, row.id, status="in_progress", updated_at=at))
    return effects


def _nudge_moved(
    conversation: Conversation, path: LearningPath, resource: Resource, turn: Turn
) -> list[Effect]:
    """The one nudge of a student waits on the open resource of the path touched last."""
    target = _row(path, resource.resource_id, turn)
    others = [row for row in turn.known.progress if row.next_nudge_at is not None and row is not target]
    effects: list[Effect] = [update(LearningProgress, row.id, next_nudge_at=None) for row in others]
    if target is None:
        return effects
    due = None
    if conversation.profile.reminders:
        due = next_reminder(conversation, max(turn.at, conversation.profile.snoozed_until or turn.at))
    return [*effects, update(LearningProgress, target.id, next_nudge_at=due)]


def _not_now(conversation: Conversation, at: datetime) -> datetime | None:
    """When a due nudge should come instead: not in quiet hours, not while snoozed, not twice a day."""
    profile, zone = conversation.profile, zone_of(conversation)
    if profile.snoozed_until is not None and profile.snoozed_until > at:
        return profile.snoozed_until
    if conversation.unreachable or nudged_on_day(conversation, at):
        return next_reminder(conversation, at)
    awake = after_quiet(profile, zone, at)
    return awake if awake != at else None


def _current(path: LearningPath) -> tuple[PathStage, Resource] | None:
    """The first resource not done, with its stage."""
    for stage in path.stages:
        for resource in stage.resources:
            if not resource.completed:
                return stage, resource
    return None


def _path_at_hand(turn: Turn, skill: str = "") -> LearningPath | None:
    """The path named, else the open one touched last."""
    paths = sorted(turn.known.paths, key=lambda path: path.updated_at, reverse=True)
    template = turn.content.path(skill) if skill else None
    if template is not None:
        return next((path for path in paths if path.skill == template.skill), None)
    return next((path for path in paths if _current(path) is not None), paths[0] if paths else None)


def _row(path: LearningPath, resource_id: str, turn: Turn) -> LearningProgress | None:
    return next(
        (row for row in turn.known.progress if row.path_id == path.id and row.resource_id == resource_id),
        None,
    )


def _resource_text(path: LearningPath, stage: PathStage, resource: Resource, turn: Turn) -> str:
    return say(
        "learn.resource",
        skill=title_of(path.skill, turn),
        number=stage.stage_number,
        total=len(path.stages),
        stage=plain(stage.stage_name),
        title=plain(resource.title),
        url=resource.url,
        source=plain(resource.source),
        minutes=resource.duration_minutes,
    )


def _progress_line(path: LearningPath, turn: Turn) -> str:
    progress = path.progress
    return say(
        "learn.progress",
        skill=title_of(path.skill, turn),
        percent=progress.completion_percentage,
        stage=progress.current_stage,
        stages=len(path.stages),
        minutes=progress.time_spent_minutes,
        date=progress.estimated_completion_date,
    )


def _unknown_skill(asked: str, turn: Turn) -> Reply:
    names = turn.content.skill_names()
    close = dict.fromkeys(
        names[name] for name in difflib.get_close_matches(asked.casefold(), names, n=6, cutoff=0.5)
    )
    key = "learn.unknown" if close else "learn.unknown_plain"
    return reply(say(key, skill=plain(asked[:40])), *_skills(list(close) or list(turn.content.paths), turn))


def _skills(skills: list[str], turn: Turn) -> tuple[Choice, ...]:
    """The student's own open paths first."""
    mine = [path.skill for path in turn.known.paths if path.skill in skills]
    ordered = list(dict.fromkeys([*mine, *skills]))[:MOST_BUTTONS]
    return tuple(
        Choice(id=f"learn:{skill}", label=label("learn_skill", skill=turn.content.paths[skill].title))
        for skill in ordered
    )
