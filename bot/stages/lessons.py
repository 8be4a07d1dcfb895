"""What the stages of learning share: which path is at hand, what its next step is called, how the week went. Decides only."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bot import paths, streaks
from bot.clock import day_month, local_day, zone_of
from bot.conversation import Commitment, Conversation, Placing, Quizzing, Recalling
from bot.documents import (
    LearningPath,
    LearningProgress,
    PathStage,
    PathTemplate,
    Priority,
    QuizAttempt,
    ReviewCard,
    new_id,
    slug_uuid,
)
from bot.effects import Turn, button
from bot.messages import Bar, Choice, Route, RouteStop, plain
from bot.quizzes import QuizQuestion
from bot.sentences import counted, label, say

WEEKS_SHOWN = 6  # in the picture
DIFFERS = 0.4  # of the hours planned: by less no plan is made anew
LONGEST_SKILL = 24  # characters of a name another service gave: a button's
SLIPPED = timedelta(days=3)  # of a planned end: less is the ordinary unevenness of weeks
LOOKED_BACK = timedelta(weeks=2)  # at what a week really has; one alone says little


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt since Monday."""

    minutes: int
    done: int
    quizzes: int
    reviews: int


def at_hand(conversation: Conversation, turn: Turn, skill: str = "") -> LearningPath | None:
    """The path named; else the open one chosen last, else by priority; else one that is complete."""
    if skill:
        return named(skill, turn)
    active = [path for path in turn.known.paths if path.state == "active"]
    return next(iter(open_paths(conversation, turn)), None) or min(
        active, key=paths.by_priority, default=None
    )


def open_paths(conversation: Conversation, turn: Turn) -> list[LearningPath]:
    """Those with something to do: the one chosen last, then by priority."""
    open_ = [path for path in turn.known.paths if path.state == "active" and paths.step(path) is not None]
    return sorted(open_, key=lambda path: (path.id != conversation.chosen_path, paths.by_priority(path)))


def stands(promise: Commitment, turn: Turn) -> bool:
    """Whether the stage of a promise is still to be done, as far as that is known."""
    path = turn.path(promise.path)
    stage = paths.numbered(path, promise.stage)
    return path is None or (stage is not None and stage.status != "completed")


def at_step(conversation: Conversation, turn: Turn) -> tuple[LearningPath, paths.Step] | None:
    """The path at hand and the one thing to do on it; None where nothing is left."""
    path = at_hand(conversation, turn)
    step = paths.step(path) if path else None
    return (path, step) if path is not None and step is not None else None


def addressed(subject: str, turn: Turn) -> tuple[LearningPath | None, PathStage | None]:
    """The path and the stage a button is about: `<path>.<stage>`."""
    path_id, _, number = subject.partition(".")
    path = turn.path(path_id)
    return path, paths.numbered(path, int(number)) if number.isdecimal() else None


def named(skill: str, turn: Turn) -> LearningPath | None:
    """The student's path for a skill, however it is called; also one that another service made for a skill of its own."""

    def slug(name: str) -> str:
        template = turn.content.path(name)
        return template.skill if template else " ".join(name.casefold().split())

    return next((path for path in turn.known.paths if slug(path.skill) == slug(skill)), None)


def hours_of(path: LearningPath, conversation: Conversation) -> int:
    """Hours a week it is planned with."""
    return path.pace or conversation.profile.hours_a_week


def plan_of(path: LearningPath, conversation: Conversation, turn: Turn) -> paths.Plan:
    """What its end is planned by."""
    return paths.Plan(hours=hours_of(path, conversation), today=local_day(conversation, turn.at))


def questions_of(path: LearningPath, stage: PathStage, turn: Turn) -> list[QuizQuestion]:
    """The quiz bank of a stage; empty for a topic's own stage, or one that another service made."""
    if stage.topic:
        return []
    template = turn.content.path(path.skill)
    bank = turn.content.quizzes.get(template.skill, ()) if template else ()
    return [each for each in bank if each.stage == stage.stage_name]


def asked_of(stage: PathStage, there: int) -> int:
    """How many of the questions there are a quiz asks; another service may want none, or more."""
    return max(1, min(stage.assessment.questions_count, there))


def passing_of(stage: PathStage) -> int:
    """The score that passes its quiz, one that can be reached."""
    return min(100, stage.assessment.passing_score)


def assessed(path: LearningPath, stage: PathStage, turn: Turn) -> bool:
    """Whether there is something to pass before it closes."""
    return bool(stage.topic) or bool(questions_of(path, stage, turn))


def is_bare(path: LearningPath, step: paths.Step, turn: Turn) -> bool:
    """A stage of another service that names topics alone: nothing to open, nothing to pass."""
    return not step.stage.resources and not assessed(path, step.stage, turn)


def settled(path: LearningPath, conversation: Conversation, turn: Turn) -> LearningPath:
    """With the stage at hand closed, as long as there is nothing left to do in it: its quiz was passed before its last
    resource was withdrawn, or another service made it and it has none."""
    while (step := paths.step(path)) is not None and step.kind == "quiz" and not is_bare(path, step, turn):
        row = row_of(path, step, turn)
        if assessed(path, step.stage, turn) and (row is None or row.status != "completed"):
            break
        path = paths.with_assessed(
            path, step.stage.stage_number, plan=plan_of(path, conversation, turn), at=turn.at
        )
    return path


def as_it_is_now(
    conversation: Conversation, path: LearningPath, turn: Turn
) -> tuple[LearningPath, list[str]]:
    """The path without what the catalogue has let go of, without stages in which nothing is left to do, its priority by
    what they aim for today; and what of it is to be said."""
    lighter, gone = _without_withdrawn(conversation, path, turn)
    after = settled(lighter, conversation, turn)
    skill = title_of(path.skill, turn)
    notes = [say("learn.withdrawn", titles=gone)] if gone else []
    notes += [
        say("learn.stage_done", number=now.stage_number, skill=skill)
        for was, now in zip(lighter.stages, after.stages, strict=True)
        if was.status != now.status == "completed"
    ]
    template = turn.content.path(path.skill)
    if template is not None and not any(s.topic and s.status != "completed" for s in after.stages):
        gap = after.target_level - after.current_level
        after = replace(after, gap_priority=priority_of(conversation, template, gap, turn))
    return after, notes


def _without_withdrawn(
    conversation: Conversation, path: LearningPath, turn: Turn
) -> tuple[LearningPath, str]:
    """The path without open resources that the catalogue has let go of, and their titles."""
    template = turn.content.path(path.skill)
    if template is None:
        return path, ""
    ours = {each.resource_id for stage in template.stages for each in stage.resources}
    if not any(each.resource_id in ours for stage in path.stages for each in stage.resources):
        return path, ""  # another service put it together of pages of its own
    names = {each.stage_name for each in template.stages}
    gone = [
        each
        for stage in path.stages
        if not stage.topic and stage.status != "completed" and stage.stage_name in names
        for each in stage.resources
        if not each.completed and not each.withdrawn and each.resource_id not in ours
    ]
    if not gone:
        return path, ""
    ids = frozenset(each.resource_id for each in gone)
    plan = plan_of(path, conversation, turn)
    after = paths.with_withdrawn(path, ids, plan=plan, at=turn.at)
    return after, plain(", ".join(each.title for each in gone))


def priority_of(conversation: Conversation, template: PathTemplate, gap: int, turn: Turn) -> Priority:
    """From the gap, and from who asks for the skill."""
    return paths.priority(gap, wanted(conversation, template, turn))


def wanted(conversation: Conversation, template: PathTemplate, turn: Turn) -> int:
    """How many ask for a skill: the goal's role, the company aimed at, the job description."""
    profile = conversation.profile
    goal = turn.content.goals.get(profile.goal or "any")
    company = turn.content.company(profile.company)
    asked = {topic for each in company.rounds for topic in each.topics} if company else set[str]()
    named = turn.content.taxonomy.find(profile.jd_text) if profile.jd_text else ()
    return sum(
        (
            bool(goal and (set(goal.topics) & set(template.topics) or template.skill in goal.skills)),
            bool(asked & set(template.topics)),
            any(turn.content.taxonomy.path(each.skill) == template.skill for each in named),
        )
    )


def step_id(path: LearningPath, step: paths.Step) -> str:
    """The `resource_id` of the row a step has: a resource's own, else one for the stage's quiz or retest."""
    if step.resource is not None:
        return step.resource.resource_id
    if step.stage.topic:  # the same topic may be weak again after its stage was passed
        return slug_uuid(step.kind, path.skill, step.stage.topic, str(step.stage.stage_number))
    return slug_uuid(step.kind, path.skill, step.stage.stage_name)


def row_of(path: LearningPath, step: paths.Step, turn: Turn) -> LearningProgress | None:
    """The row of a step; None where it has none yet, or another service made the path."""
    wanted = step_id(path, step)
    rows = (row for row in turn.known.progress if row.path_id == path.id)
    return next((row for row in rows if row.resource_id == wanted), None)


def new_row(
    conversation: Conversation,
    resource_id: str,
    kind: Literal["resource", "quiz", "review", "retest"],
    path_id: str | None,
    turn: Turn,
    *,
    stage: int = 0,
    card: ReviewCard | None = None,
) -> LearningProgress:
    """Of something nobody began yet."""
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


def last_step(path: LearningPath, stage: PathStage, turn: Turn) -> datetime:
    """When something of a path was finished last, else when its stage came to it."""
    rows = [row for row in turn.known.progress if row.path_id == path.id]
    times = [row.completed_at for row in rows]
    times += [row.created_at for row in rows if row.stage_number == stage.stage_number]
    times += [attempt.ended_at for row in rows for attempt in row.attempts]
    return max((each for each in times if each is not None), default=path.created_at)


def title_of(skill: str, turn: Turn) -> str:
    """How a skill is written in a message."""
    return plain(name_of(skill, turn))


def name_of(skill: str, turn: Turn) -> str:
    """The same on a button and in a picture; a path another service made may have one we have no path for."""
    template = turn.content.path(skill)
    return template.title if template else " ".join(skill.split())[:LONGEST_SKILL] or say("learn.no_name")


def finished(path: LearningPath, turn: Turn) -> str:
    """What is said of a path with nothing left to do: it is complete, or it was only ever about weak topics."""
    title = title_of(path.skill, turn)
    if only_topics(path, turn):
        return say("learn.topics_done", skill=title)
    return say("learn.path_done", skill=title)


def not_asked(
    conversation: Conversation, path: LearningPath, *kinds: type[Quizzing | Placing | Recalling]
) -> Conversation:
    """Without the questions of these kinds that are open about a path."""
    for stage in conversation.stages:
        if isinstance(stage, kinds) and stage.path == path.id:
            conversation = conversation.swapped(stage, None)
    return conversation


def not_resting(turn: Turn) -> tuple[LearningProgress, ...]:
    """Rows without those of paths that were paused or given up: of these nothing comes unasked."""
    resting = {path.id for path in turn.known.paths if path.state in ("paused", "abandoned")}
    return tuple(row for row in turn.known.progress if row.path_id not in resting)


def only_topics(path: LearningPath, turn: Turn) -> bool:
    """Whether it is a path of ours of which they have the weak topics alone."""
    return turn.content.path(path.skill) is not None and all(stage.topic for stage in path.stages)


def to_step(path: LearningPath) -> Choice:
    """[Next step] of this very path, past any review."""
    return Choice(id=f"path:{path.id}.active", label=label("next_path"))


def if_alone(turn: Turn) -> str:
    """That each planned end takes all the hours for its own path; empty while only one is open."""
    open_ = sum(path.state == "active" and paths.step(path) is not None for path in turn.known.paths)
    return say("learn.alone") if open_ > 1 else ""


def onward(path: LearningPath, turn: Turn) -> Choice:
    """The button after a resource: to the quiz or retest that was just announced, past any review; else [Next step]."""
    step = paths.step(path)
    if step is None or step.resource is not None or is_bare(path, step, turn):
        return button("next", "", "next_path")
    return step_text(path, step, turn)[1][0]


def step_text(
    path: LearningPath, step: paths.Step, turn: Turn, *, nudging: bool = False
) -> tuple[str, tuple[Choice, ...]]:
    """A step as it is shown, with its own buttons."""
    stage = step.stage
    where = {
        "skill": title_of(path.skill, turn),
        "number": stage.stage_number,
        "total": len(path.stages),
        "stage": plain(stage.stage_name),
    }
    row = row_of(path, step, turn)
    if step.resource is not None:
        resource = step.resource
        text = say(
            "nudge.resource" if nudging else "learn.resource",
            **where,
            title=plain(resource.title),
            url=resource.url,
            source=plain(resource.source),
            minutes=resource.duration_minutes,
        )
        return text, (button("done", row.id if row else "", "done"),)
    if is_bare(path, step, turn):
        topics = plain(", ".join(stage.topics)) or where["stage"]
        done = button("done", f"{path.id}.{stage.stage_number}", "done")
        return say("learn.bare", **where, topics=topics), (done,)
    if step.kind == "retest":
        return say("learn.retest", **where), (button("retest", f"{path.id}.{stage.stage_number}", "retest"),)
    open_quiz = open_attempt(row)
    key = "quiz.open" if open_quiz else "quiz.ready"
    text = say(
        key,
        **where,
        questions=counted(asked_of(stage, len(questions_of(path, stage, turn))), "question"),
        passing=passing_of(stage),
        answered=len(open_quiz.answers) if open_quiz else 0,
    )
    label = "quiz_on" if open_quiz else "quiz_start"
    return text, (button("quiz", f"{path.id}.{stage.stage_number}", label),)


def open_attempt(row: LearningProgress | None) -> QuizAttempt | None:
    """The quiz begun and not ended."""
    last = row.attempts[-1] if row is not None and row.attempts else None
    return last if last is not None and last.score is None else None


def minutes(count: int) -> str:
    """ "40 min", "2 h 10 min"."""
    hours, rest = divmod(count, 60)
    if not hours:
        return say("learn.minutes", minutes=rest)
    return say("learn.hours_minutes", hours=hours, minutes=rest) if rest else say("learn.hours", hours=hours)


def spent(rows: Iterable[LearningProgress], since: datetime, until: datetime) -> int:
    """Minutes in a span: of resources that were done in it, and of quizzes that ended."""
    total = 0
    for row in rows:
        if row.kind == "resource" and row.completed_at is not None and since <= row.completed_at < until:
            total += row.time_spent_minutes
        for attempt in row.attempts:
            if attempt.ended_at is not None and since <= attempt.ended_at < until:
                total += attempt_minutes(attempt)
    return total


def attempt_minutes(attempt: QuizAttempt) -> int:
    """From its beginning to its end, but no longer than one takes: people go away in between."""
    assert attempt.ended_at is not None
    return min(paths.QUIZ_MINUTES, max(1, round((attempt.ended_at - attempt.begun_at).total_seconds() / 60)))


def week(rows: tuple[LearningProgress, ...], at: datetime, zone: ZoneInfo) -> Week:
    """Since Monday morning, local time."""
    monday = monday_of(at.astimezone(zone).date())
    since = datetime.combine(monday, datetime.min.time(), tzinfo=zone)
    ended = [each for row in rows for each in row.attempts if each.ended_at and each.ended_at >= since]
    return Week(
        minutes=spent(rows, since, at),
        done=sum(
            r.kind == "resource" and r.completed_at is not None and r.completed_at >= since for r in rows
        ),
        quizzes=len(ended),
        reviews=sum(r.card is not None and r.card.reviews > 0 and r.card.last_review >= since for r in rows),
    )


def monday_of(day: date) -> date:
    """Of its week."""
    return day - timedelta(days=day.weekday())


def replanned(
    path: LearningPath, rows: tuple[LearningProgress, ...], conversation: Conversation, turn: Turn
) -> tuple[LearningPath, str] | None:
    """The path with its end planned by what the last two weeks really had, and the reason in words; None while that is
    near what was planned, or the path too young to say."""
    since = max(turn.at - LOOKED_BACK, path.created_at)
    weeks = (turn.at - since) / timedelta(weeks=1)
    if weeks < 1:
        return None
    hours = conversation.profile.hours_a_week
    real = spent(rows, since, turn.at) / 60 / weeks
    near = abs(real - hours) <= DIFFERS * hours
    pace = 0 if near else max(paths.FEWEST_HOURS, min(paths.MOST_HOURS, round(real)))
    after = replace(path, pace=pace)
    after = paths.planned(after, plan=plan_of(after, conversation, turn), at=turn.at)
    was, now = path.progress.estimated_completion_date, after.progress.estimated_completion_date
    if pace == path.pace or was == now:
        return None
    key = "near" if near else "slower" if real < hours else "faster"
    text = say(
        f"learn.replanned_{key}",
        skill=title_of(path.skill, turn),
        spent=minutes(round(real * 60)),
        hours=hours,
        was=day_text(was),
        now=day_text(now),
    )
    return after, text


def slipped(before: LearningPath, after: LearningPath, turn: Turn) -> str:
    """That the planned end has moved away, after a pause in learning; empty while it is near what was said."""
    was, now = (each.progress.estimated_completion_date for each in (before, after))
    first, then = _day(was), _day(now)
    if first is None or then is None or then - first < SLIPPED or paths.step(after) is None:
        return ""
    return say("learn.slipped", skill=title_of(after.skill, turn), was=day_text(was), now=day_text(now))


def day_text(iso: str) -> str:
    """ "29 Mar"; what is no date stands as another service wrote it."""
    day = _day(iso)
    return day_month(day) if day else plain(iso)


def is_over(iso: str, today: date) -> bool:
    """Whether a planned end has passed; what is no date has not."""
    day = _day(iso)
    return day is not None and day < today


def _day(iso: str) -> date | None:
    try:
        return date.fromisoformat(iso[:10])
    except ValueError:
        return None


def picture(conversation: Conversation, turn: Turn) -> Route | None:
    """The paths as a map, the weeks as bars, the streak; None where there is no path."""
    zone = zone_of(conversation)
    shown = sorted((path for path in turn.known.paths if path.state == "active"), key=paths.by_priority)[:2]
    if not shown:
        return None
    monday = monday_of(turn.at.astimezone(zone).date())
    weeks: list[Bar] = []
    for back in range(WEEKS_SHOWN - 1, -1, -1):
        first = monday - timedelta(weeks=back)
        since = datetime.combine(first, datetime.min.time(), tzinfo=zone)
        until = datetime.combine(first + timedelta(weeks=1), datetime.min.time(), tzinfo=zone)
        value = round(spent(turn.known.progress, since, until) / 60, 1)
        if value or weeks or not back:  # from the first week in which something was learnt
            top = conversation.profile.hours_a_week
            weeks.append(Bar(label=day_month(first), value=value, top=top))
    days = streaks.running(conversation.streak, turn.at, zone)
    return Route(
        name="progress",
        title=say("learn.picture"),
        paths=tuple((_route_title(path, turn), _stops(path)) for path in shown),
        weeks_title=say("learn.picture_weeks", hours=conversation.profile.hours_a_week),
        weeks=tuple(weeks) if any(each.value for each in weeks) else (),
        foot=say("learn.picture_streak", days=counted(days, "day")) if days > 1 else "",
    )


def _route_title(path: LearningPath, turn: Turn) -> str:
    return say(
        "learn.picture_path", skill=name_of(path.skill, turn), percent=path.progress.completion_percentage
    )


def _stops(path: LearningPath) -> tuple[RouteStop, ...]:
    now = paths.current(path)
    stops = []
    for stage in path.stages:
        done = sum(each.completed for each in stage.resources)
        if stage.passed_over:
            note = say("learn.picture_passed")
            stops.append(RouteStop(label=stage.stage_name, state="passed", note=note))
        elif stage.status == "completed":
            stops.append(RouteStop(label=stage.stage_name, state="done"))
        else:
            state = "now" if stage is now else "ahead"
            note = f"{done}/{len(stage.resources)}" if done else minutes(paths.stage_minutes(stage))
            stops.append(RouteStop(label=stage.stage_name, state=state, note=note))  # type: ignore[arg-type]  # two of its words
    return tuple(stops)
