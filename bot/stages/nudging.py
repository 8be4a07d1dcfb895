"""Nudges: when one may come, what it is about, how it is worded, and what follows it. Decides only.

A student has one nudge waiting at most: a row of `learning_progress` with a time. What it says is decided when it is due.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from bot import paths, reviews, streaks, wording
from bot.clock import (
    SOONEST_REMINDER,
    after_quiet,
    at_local,
    day_month,
    knows_zone,
    local_day,
    next_reminder,
    nudged_enough,
    shown,
    zone_of,
)
from bot.conversation import Commitment, Conversation, Nudged, Placing, Quizzing, Recalling, Setting
from bot.documents import (
    Insert,
    LearningPath,
    LearningProgress,
    Nudge,
    NudgeKind,
    ReviewCard,
    Update,
    insert,
    new_id,
    update,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import NudgeDue, Unreachable
from bot.messages import Choice, Message, plain
from bot.sentences import counted, say
from bot.stages import lessons, reviewing
from bot.stages.choosing import MOST_BUTTONS

BACKOFF = (1, 2, 4, 7)  # days until the next one, after so many unanswered
FAREWELL = len(BACKOFF)  # unanswered: the next one is a goodbye, then silence
OPENED_WITHIN = timedelta(hours=24)  # a word after a nudge that counts as its answer
LONG_STREAK = 3  # days: fewer are no habit to lose
ONE_SITTING = 60  # minutes: more is not "now"
LIGHTER = 3  # hours a week that are offered for a plan that was too much
SEVERAL = 7  # days a commitment ahead of one's own choosing lies
_SUNDAY = 6

WORDINGS: Mapping[str, tuple[str, ...]] = {
    "stage": ("plain", "minutes", "streak", "company", "left"),
    "quiz": ("plain", "ready", "streak"),
    "review": ("plain", "missed", "minute", "company"),
    "streak": ("plain", "count"),
    "week": ("plain",),
    "commitment": ("plain",),
    "farewell": ("plain",),
}
"""Each kind's openings, `nudge.<kind>_<wording>` of the sentences; which of them are true today: `_is_true`."""


class _Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a nudge is about: `body` after its opening, `values` for that. `floor`: the question that takes the floor;
    `promise`: what is left of one once it has been brought up."""

    kind: NudgeKind
    row: str
    body: str
    values: dict[str, Any] = {}
    choices: tuple[Choice, ...] = ()
    floor: Any = None
    promise: Commitment | None = None
    extra: tuple[Effect, ...] = ()
    message: Message | None = None


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The step that a nudge shows, begun and as the catalogue has it today. `notes`: what has changed in that; `writes`:
    what is kept of it."""

    path: LearningPath
    step: paths.Step
    notes: tuple[str, ...]
    writes: tuple[Effect, ...]


# When one is due


def nudge(conversation: Conversation, event: NudgeDue, turn: Turn) -> Outcome:
    """A row's time has come: bring the student back, or put it off; only here does its time move by itself."""
    row = turn.row(event.row)
    if row is None or row.next_nudge_at is None or row.next_nudge_at > turn.at:
        return conversation, []
    conversation = replace(conversation, waiting=row.id)
    if not conversation.profile.reminders or conversation.unreachable or conversation.ignored > FAREWELL:
        return conversation, [update(LearningProgress, row.id, next_nudge_at=None)]
    put_off = _not_now(conversation, turn.at)
    if put_off is not None:
        return conversation, [update(LearningProgress, row.id, next_nudge_at=put_off)]
    subject = _subject(conversation, row, turn)
    if subject is None:  # nothing to do today: the next card or the next path brings one
        return conversation, waiting(conversation, turn)
    return _told(conversation, subject, turn)


def _told(conversation: Conversation, subject: _Subject, turn: Turn) -> Outcome:
    """Say it, log it, plan the next one."""
    choice, eligible = _worded(conversation, subject, turn)
    opening = say(f"nudge.{subject.kind}_{choice.arm}", **subject.values)
    logged = Nudge(
        id=new_id(turn.at, conversation.student, turn.event.id, "nudge"),
        student_id=conversation.student,
        row=subject.row,
        kind=subject.kind,
        wording=choice.arm,
        eligible=eligible,
        policy=choice.policy,
        probability=choice.probability,
        at=turn.at,
    )
    conversation = _counted(conversation, subject, choice.arm, logged.id, turn.at)
    if subject.kind == "commitment":
        conversation = replace(conversation, commitment=subject.promise)
    if subject.kind == "week":
        conversation = replace(conversation, week_told=conversation.profile.nudged_on)
    if isinstance(floor := conversation.floor, Recalling) and not reviewing.is_open(
        floor, turn.at, asked=False
    ):
        conversation = conversation.swapped(floor, None)  # nobody answered it: it makes room
    if isinstance(floor, Setting) and floor.field in ("zone", "city"):  # asked in passing, and not answered
        conversation = conversation.swapped(floor, None)
    own = subject.choices
    if subject.floor is not None and isinstance(conversation.floor, Quizzing | Placing | None):
        conversation = conversation.pushed(subject.floor)  # so words answer it, and [Answer] is not needed
        own = tuple(each for each in own if not each.id.startswith("answer:"))
    text = "\n\n".join(part for part in (opening, subject.body) if part)
    base = subject.message or Message(text="")
    told = Reply(message=replace(base, text=text, choices=_with_asides(own, subject)), kind="nudge")
    if subject.kind == "farewell":
        following: list[Effect] = [update(LearningProgress, subject.row, next_nudge_at=None)]
    else:
        following = waiting(conversation, turn)
    return conversation, [*subject.extra, *following, insert(logged), told]


def _with_asides(own: tuple[Choice, ...], subject: _Subject) -> tuple[Choice, ...]:
    """With what can be said to being nudged, as far as there is room; the other two are also under [Why this?]."""
    if len(own) == MOST_BUTTONS:
        own = (button("answer", subject.row, "answer"),)
    why_ = button("why", f"{subject.kind}.{subject.row}", "why")
    asides = [button("snooze", "", "snooze"), button("fewer", "", "fewer")]
    if subject.kind == "farewell":  # there are no fewer than none
        asides.pop()
    return (*own, *asides[: MOST_BUTTONS - 1 - len(own)], why_)


def _counted(
    conversation: Conversation, subject: _Subject, arm: str, logged: str, at: datetime
) -> Conversation:
    """One more nudge today, and one more that nobody has answered yet."""
    today = local_day(conversation, at)
    profile = conversation.profile
    times = profile.nudged + 1 if profile.nudged_on == today else 1
    conversation = conversation.with_profile(nudged_on=today, nudged=times, snoozed_until=None)
    return replace(
        conversation,
        nudge=Nudged(id=logged, row=subject.row, kind=subject.kind, at=at),
        ignored=conversation.ignored + 1,
        waiting=subject.row,
        wordings=conversation.wordings | {f"{subject.kind}/{arm}": today},
    )


def _not_now(conversation: Conversation, at: datetime) -> datetime | None:
    """When a due nudge should come instead: not in quiet hours, not while snoozed, not more often than wanted."""
    profile = conversation.profile
    if profile.snoozed_until is not None and profile.snoozed_until > at:
        return profile.snoozed_until
    if nudged_enough(conversation, at):
        return next_reminder(conversation, at)
    awake = after_quiet(conversation, at)
    return awake if awake != at else None


def waiting(conversation: Conversation, turn: Turn) -> list[Effect]:
    """The one nudge of a student gets its row and its time: where they are on a path, else the card that is due first.
    With nothing to do, or told to be silent, none waits."""
    target, _ = anchor(conversation, turn)
    effects: list[Effect] = [
        update(LearningProgress, row.id, next_nudge_at=None)
        for row in turn.known.progress
        if row.id != target and (row.next_nudge_at is not None or row.id == conversation.waiting)
    ]
    if not target:
        return effects
    return [*effects, update(LearningProgress, target, next_nudge_at=coming(conversation, turn))]


def coming(conversation: Conversation, turn: Turn) -> datetime | None:
    """When the next nudge comes, for every sentence that names a time; None where none does."""
    target, soonest = anchor(conversation, turn)
    if not target or not conversation.profile.reminders or conversation.unreachable:
        return None
    return planned(conversation, soonest, turn)


def coming_text(conversation: Conversation, turn: Turn) -> str:
    """ "Next: today at 19:00.", or that nothing waits."""
    when = coming(conversation, turn)
    if when is None:
        return say("reminders.next_none")
    key = "reminders.next" if knows_zone(conversation) else "reminders.next_utc"
    return say(key, when=shown(zone_of(conversation), when, turn.at))


def planned(conversation: Conversation, at: datetime, turn: Turn) -> datetime:
    """When the next nudge comes, the more unanswered ones the later."""
    unanswered = conversation.ignored
    gap = BACKOFF[min(unanswered, FAREWELL) - 1] if unanswered else 1
    snoozed = conversation.profile.snoozed_until
    silent_until = max(at, snoozed - SOONEST_REMINDER) if snoozed is not None else at
    due = next_reminder(conversation, silent_until, gap=gap)
    promised = (
        _promised(conversation, turn) if unanswered < FAREWELL else None
    )  # the goodbye keeps to its day
    return promised if promised is not None and silent_until < promised < due else due


def _promised(conversation: Conversation, turn: Turn) -> datetime | None:
    """When a promise of theirs is to be brought up: on the day before. They asked for it, whatever the rhythm."""
    promise, zone = conversation.commitment, zone_of(conversation)
    if promise is None or promise.reminded or not lessons.stands(promise, turn):
        return None
    eve = datetime.combine(promise.by - timedelta(days=1), time(conversation.profile.reminder_hour))
    return after_quiet(conversation, at_local(zone, eve))


def brings_up(conversation: Conversation, turn: Turn) -> bool:
    """Whether the promise will be brought up on its eve: reminders are on, and that day is still to come, is one of
    theirs and not within a silence."""
    profile = conversation.profile
    eve = _promised(conversation, turn)
    if eve is None or not profile.reminders or conversation.unreachable:
        return False
    return max(turn.at, profile.snoozed_until or turn.at) < eve and not nudged_enough(conversation, eve)


def anchor(conversation: Conversation, turn: Turn) -> tuple[str, datetime]:
    """The row the next nudge hangs on, empty where there is none; and when it may come at the soonest."""
    for path in lessons.open_paths(conversation, turn):  # one of another service may have no row yet
        step = paths.step(path)
        own = [each for each in turn.known.progress if each.path_id == path.id]
        row = lessons.row_of(path, step, turn) if step is not None else None
        if row is not None or own:
            return (row or own[-1]).id, turn.at  # a quiz not begun has none
    rows = reviewing.there(lessons.not_resting(turn), turn)
    cards = [(row.card.due, row.id) for row in rows if row.card is not None]
    if not cards:
        return "", turn.at
    due, first = min(cards)
    return first, max(turn.at, due - SOONEST_REMINDER)


# What it is about


def _subject(conversation: Conversation, row: LearningProgress, turn: Turn) -> _Subject | None:
    if conversation.ignored >= FAREWELL:
        return _Subject(kind="farewell", row=row.id, body="", choices=(button("next", "", "next_path"),))
    looks: tuple[Callable[[Conversation, LearningProgress, Turn], _Subject | None], ...] = (
        _commitment,
        _week,
        _review,
        _streak,
        _stage,
    )
    return next((found for look in looks if (found := look(conversation, row, turn))), None)


def _commitment(conversation: Conversation, row: LearningProgress, turn: Turn) -> _Subject | None:
    """The day before it is due, or when it was missed."""
    promise = conversation.commitment
    today = local_day(conversation, turn.at)
    path = turn.path(promise.path) if promise else None
    if promise is None or path is None or (promise.reminded and today <= promise.by):
        return None
    if today < promise.by - timedelta(days=1):
        return None
    stage = paths.numbered(path, promise.stage)
    if stage is None or stage.status == "completed":
        return None
    left = lessons.minutes(paths.minutes_until(path, stage.stage_number))
    words = plain(promise.words)
    if today > promise.by:
        again = (today + timedelta(days=SEVERAL)).isoformat()
        choices = (
            button("commit", f"{path.id}.{stage.stage_number}.{again}", "in_a_week"),
            button("commit", f"{path.id}.ask", "commit"),
            button("commit", "off", "let_go"),
        )
        body = say("nudge.missed", words=words, left=left)
        return _Subject(kind="commitment", row=row.id, body=body, choices=choices)
    when = say("nudge.today") if today == promise.by else say("nudge.tomorrow")
    body = say("nudge.promised", words=words, when=when, left=left)
    told = replace(promise, reminded=True)
    to_it = (lessons.to_step(path),)
    return _Subject(kind="commitment", row=row.id, body=body, choices=to_it, promise=told)


def _week(conversation: Conversation, row: LearningProgress, turn: Turn) -> _Subject | None:
    """On Sundays, after a week in which something was learnt; with the plan made anew where the week differed."""
    today = local_day(conversation, turn.at)
    if today.weekday() != _SUNDAY or conversation.week_told == today:
        return None
    week = lessons.week(turn.known.progress, turn.at, zone_of(conversation))
    if not week.minutes and not week.reviews:
        return None
    lines = [
        say(
            "nudge.week",
            spent=lessons.minutes(week.minutes),
            hours=conversation.profile.hours_a_week,
            done=counted(week.done, "resource"),
            quizzes=counted(week.quizzes, "quiz", "quizzes"),
            reviews=counted(week.reviews, "review"),
        )
    ]
    days = streaks.running(conversation.streak, turn.at, zone_of(conversation))
    if days >= LONG_STREAK and streaks.ends_today(conversation.streak, turn.at, zone_of(conversation)):
        lines.append(say("nudge.week_streak_ends", days=days))
    elif days > 1:
        lines.append(say("nudge.week_streak", days=days))
    extra: list[Effect] = []
    if (found := lessons.at_step(conversation, turn)) is not None:
        path, _ = found
        moved = lessons.replanned(path, turn.known.progress, conversation, turn)
        if moved is not None:
            after, reason = moved
            lines.append(reason)
            extra.append(paths.changes(path, after))
    return _Subject(
        kind="week",
        row=row.id,
        body="\n\n".join(lines),
        choices=(button("next", "", "next_path"), button("progress", "", "progress")),
        extra=tuple(extra),
        message=Message(text="", picture=lessons.picture(conversation, turn)),
    )


def _review(conversation: Conversation, _row: LearningProgress, turn: Turn) -> _Subject | None:
    """The question itself, answerable in place."""
    last = conversation.nudge.row if conversation.nudge is not None else ""
    due_ = reviews.due(lessons.not_resting(turn), turn.at)
    for due in sorted(due_, key=lambda each: each.id == last):  # another one, where there is one
        asked = reviewing.asked(due, turn)
        if asked is not None and due.card is not None:
            missed = day_month(local_day(conversation, due.card.missed_at))
            values: dict[str, Any] = {"date": missed}
            if due.card.source != "problem":  # code takes longer
                values["minute"] = 1
            company = _company(conversation, (asked.topic,), turn)
            return _Subject(
                kind="review",
                row=due.id,
                body=asked.message.text,
                values=values | ({"company": company} if company else {}),
                choices=asked.message.choices,
                floor=asked.floor,
                message=asked.message,
            )
    return None


def _streak(conversation: Conversation, row: LearningProgress, turn: Turn) -> _Subject | None:
    """A streak that ends tonight."""
    zone = zone_of(conversation)
    days = streaks.running(conversation.streak, turn.at, zone)
    if days < LONG_STREAK or not streaks.ends_today(conversation.streak, turn.at, zone):
        return None
    if (shown_ := _shown(conversation, turn)) is None:
        return None
    text, choices = _step_lines(conversation, shown_, turn)
    values = {"days": days}
    return _Subject(kind="streak", row=row.id, body=text, values=values, choices=choices, extra=shown_.writes)


def _stage(conversation: Conversation, row: LearningProgress, turn: Turn) -> _Subject | None:
    """Back to the stage they left: its beginning, its middle, its quiz, or that it is late."""
    if (shown_ := _shown(conversation, turn)) is None:
        return None
    path, step = shown_.path, shown_.step
    text, choices = _step_lines(conversation, shown_, turn)
    asks = step.kind == "quiz" and not lessons.is_bare(path, step, turn)
    kind: Literal["stage", "quiz"] = "quiz" if asks else "stage"
    target = lessons.row_of(path, step, turn) or row
    days = streaks.running(conversation.streak, turn.at, zone_of(conversation))
    values: dict[str, Any] = {
        "left": lessons.minutes(paths.stage_minutes(step.stage)),
        "number": step.stage.stage_number,
    }
    company = _company(conversation, _topics(path, turn), turn)
    minutes = step.resource.duration_minutes if step.resource else paths.QUIZ_MINUTES
    if minutes <= ONE_SITTING:
        values["minutes"] = minutes
    if days >= LONG_STREAK:
        values["days"] = days
    if company:
        values["company"] = company
    return _Subject(kind=kind, row=target.id, body=text, values=values, choices=choices, extra=shown_.writes)


def _shown(conversation: Conversation, turn: Turn) -> _Shown | None:
    """The step of the path at hand; of the next one where the catalogue has let go of all that was left in it. What they
    were told stays: the planned end moves when they learn, and is said then."""
    notes: list[str] = []
    writes: list[Effect] = []
    while (found := lessons.at_step(conversation, turn)) is not None:
        stored, _ = found
        path, more = lessons.as_it_is_now(conversation, stored, turn)
        notes += more
        step = paths.step(path)
        if step is not None:
            path = paths.with_begun(path, step.stage.stage_number, turn.at)
        end = stored.progress.estimated_completion_date
        progress = replace(path.progress, estimated_completion_date=end)
        path = replace(path, progress=progress, updated_at=stored.updated_at)
        writes.append(paths.changes(stored, path))
        if step is not None:
            row = lessons.row_of(path, step, turn)
            if row is not None and step.kind == "resource" and row.status == "not_started":
                writes.append(update(LearningProgress, row.id, status="in_progress", updated_at=turn.at))
            return _Shown(path=path, step=step, notes=tuple(notes), writes=tuple(writes))
        notes.append(lessons.finished(path, turn))
        turn = turn.knowing(path)
    return None


def _step_lines(conversation: Conversation, shown_: _Shown, turn: Turn) -> tuple[str, tuple[Choice, ...]]:
    """A step with where it stands in its stage, and its buttons."""
    path, step = shown_.path, shown_.step
    text, choices = lessons.step_text(path, step, turn, nudging=True)
    where = _where(conversation, path, step, turn)
    return "\n\n".join(part for part in (*shown_.notes, text, where) if part), choices[:2]


def _where(conversation: Conversation, path: LearningPath, step: paths.Step, turn: Turn) -> str:
    stage = step.stage
    rested = turn.at - lessons.last_step(path, stage, turn)
    if stage.status == "in_progress" and rested / timedelta(weeks=1) > stage.duration_weeks:
        weeks, days = counted(stage.duration_weeks, "week"), counted(rested.days, "day")
        text = say("nudge.overdue", weeks=weeks, days=days)
        heavy = lessons.hours_of(path, conversation) > LIGHTER
        return f"{text} {say('nudge.lighter', hours=LIGHTER)}" if heavy else text
    counts = [each for each in stage.resources if each.completed or not each.withdrawn]
    done = sum(each.completed for each in counts)
    if done and step.resource is not None and 2 * done >= len(counts):
        return say("nudge.half_way", done=done, total=len(counts))
    return ""


def _topics(path: LearningPath, turn: Turn) -> tuple[str, ...]:
    template = turn.content.path(path.skill)
    return template.topics if template else ()


def _company(conversation: Conversation, topics: tuple[str, ...], turn: Turn) -> str:
    """The company they aim at, if it asks about one of these topics."""
    company = turn.content.company(conversation.profile.company)
    asked = {topic for each in company.rounds for topic in each.topics} if company else set[str]()
    return plain(company.company) if company and asked.intersection(topics) else ""


# How it is worded


def _worded(
    conversation: Conversation, subject: _Subject, turn: Turn
) -> tuple[wording.Choice, tuple[str, ...]]:
    eligible = tuple(each for each in WORDINGS[subject.kind] if _is_true(each, subject))
    today = local_day(conversation, turn.at)
    last_got = {
        arm: (today - day).days
        for arm in eligible
        if (day := conversation.wordings.get(f"{subject.kind}/{arm}")) is not None
    }
    choice = wording.chosen(
        kind=subject.kind,
        eligible=eligible,
        scores=turn.content.wordings,
        last_got=last_got,
        held_out=wording.held_out(conversation.student),
        chance=_chance(turn.event.id),
    )
    return choice, eligible


_NEEDS_VALUE = {"minutes": "minutes", "streak": "days", "company": "company", "minute": "minute"}


def _is_true(arm: str, subject: _Subject) -> bool:
    """Whether what this opening says holds today."""
    needed = _NEEDS_VALUE.get(arm)
    return needed is None or needed in subject.values


def _chance(event_id: str) -> float:
    """A number in [0, 1) for this event, the same whenever it is decided again."""
    return int.from_bytes(blake2b(event_id.encode(), digest_size=6).digest()) / 2**48


# What follows


def followed(before: Conversation, conversation: Conversation, effects: list[Effect], turn: Turn) -> Outcome:
    """After every event: the last nudge was opened, or did what it was for; the day counts; who is back is planned for."""
    learnt = _learnt(effects)
    zone = zone_of(conversation)
    if learnt:
        conversation = replace(conversation, streak=streaks.learnt(conversation.streak, turn.at, zone))
    conversation, noted = _noted(conversation, turn, learnt=learnt)
    if turn.event_is_students and (before.unreachable or before.ignored):
        effects = _planned_again(conversation, effects, turn, told=before.unreachable)
    conversation, effects = _first_planned(conversation, effects, turn)
    return conversation, [*effects, *noted]


def _planned_again(
    conversation: Conversation, effects: list[Effect], turn: Turn, *, told: bool
) -> list[Effect]:
    """Who is back is written to again, if there is something to bring. `told`: nothing had reached them, so it is said."""
    plans = [_fields(each)["next_nudge_at"] for each in effects if _plans(each)]
    if not plans:
        effects = [*effects, *waiting(conversation, turn)]
        plans = [_fields(each)["next_nudge_at"] for each in effects if _plans(each)]
    due = next((datetime.fromisoformat(each) for each in plans if each), None)
    if not told or due is None:
        return effects
    when = shown(zone_of(conversation), due, turn.at)
    return [*effects, reply(say("nudge.back", when=when))]


def _plans(effect: Effect) -> bool:
    """Whether it says of a row that there was before when its nudge comes, be it never."""
    return isinstance(effect, Update) and bool(_row_of(effect)) and "next_nudge_at" in effect.fields


def _first_planned(conversation: Conversation, effects: list[Effect], turn: Turn) -> Outcome:
    """Something missed became a card while nothing was planned: it gets a time, and the student is told."""
    cards = [(row, card) for each in effects if (row := _row_of(each)) and (card := _card_in(each))]
    if not cards or not conversation.profile.reminders:
        return conversation, effects
    timed = {row.id for row in turn.known.progress if row.next_nudge_at is not None}
    for each in effects:
        if (row := _row_of(each)) and "next_nudge_at" in _fields(each):
            timed = timed | {row} if _gives_time(each) else timed - {row}
    if timed:
        return conversation, effects
    row, card = min(cards, key=lambda pair: pair[1].due)
    due = planned(conversation, max(turn.at, card.due - SOONEST_REMINDER), turn)
    given: list[Effect] = [update(LearningProgress, row, next_nudge_at=due)]
    place = max((n for n, each in enumerate(effects) if isinstance(each, Reply)), default=None)
    told = say("review.first", when=shown(zone_of(conversation), due, turn.at))
    if place is not None and isinstance(last := effects[place], Reply):
        whole = replace(last.message, text=f"{last.message.text}\n\n{told}")
        effects = [*effects[:place], replace(last, message=whole), *effects[place + 1 :]]
    return replace(conversation, waiting=row), [*effects, *given]


def _row_of(effect: Effect) -> str:
    """The row of `learning_progress` that is written; empty for anything else."""
    if not isinstance(effect, Insert | Update) or effect.collection != "learning_progress":
        return ""
    return str(effect.document["_id"]) if isinstance(effect, Insert) else effect.id


def _fields(effect: Effect) -> dict[str, Any]:
    if isinstance(effect, Insert):
        return effect.document
    return effect.fields if isinstance(effect, Update) else {}


def _card_in(effect: Effect) -> ReviewCard | None:
    card = _fields(effect).get("card")
    return msgspec.convert(card, ReviewCard) if card else None


def _noted(conversation: Conversation, turn: Turn, *, learnt: bool) -> tuple[Conversation, list[Effect]]:
    """On the record of the last nudge, once each: they wrote, and they learnt something."""
    last = conversation.nudge
    if last is None or not timedelta(0) <= turn.at - last.at <= OPENED_WITHIN:
        return conversation, []
    opened = last.opened or turn.event_is_students
    fields: dict[str, Any] = {}
    if opened and not last.opened:
        fields["opened_at"] = turn.at
    if learnt and not last.completed:
        fields["completed_at"] = turn.at
    if not fields:
        return conversation, []
    last = replace(last, opened=opened, completed=last.completed or learnt)
    return replace(conversation, nudge=last), [update(Nudge, last.id, **fields)]


def _learnt(effects: Sequence[Effect]) -> bool:
    """Whether something was learnt in this turn: a resource done, a quiz ended, a review or an interview answer graded."""
    return any(_is_learning(each) for each in effects if isinstance(each, Update))


def _is_learning(write: Update) -> bool:
    fields = write.fields
    if write.collection == "interview_attempts":
        return fields.get("status") == "graded"
    if write.collection != "learning_progress":
        return False
    ended = any(each["ended_at"] for each in fields.get("attempts", ())[-1:])
    return fields.get("status") == "completed" or "card" in fields or ended


def _gives_time(effect: Effect) -> bool:
    return bool(_row_of(effect)) and _fields(effect).get("next_nudge_at") is not None


def lost(conversation: Conversation, event: Unreachable) -> Outcome:
    """The chat they are in takes no messages: the other platform, else silence until they write. Word of an older chat
    changes nothing."""
    to = conversation.address
    if to is None or (to.platform, to.chat) != (event.address.platform, event.address.chat):
        return conversation, []
    last = conversation.nudge
    if last is not None and (last.opened or event.at - last.at > OPENED_WITHIN):
        last = None  # something else was not taken
    lost: list[Effect] = []
    if last is not None:  # what they write next does not follow from it
        conversation, lost = replace(conversation, nudge=None), [update(Nudge, last.id, answer="lost")]
    if not conversation.elsewhere:
        return replace(conversation, unreachable=True), lost
    other, *rest = conversation.elsewhere
    conversation = replace(conversation, address=other, elsewhere=tuple(rest))
    if last is None:
        return conversation, []
    # What did not arrive there comes here, and does not count as unanswered.
    conversation = conversation.with_profile(nudged_on=None)
    conversation = replace(conversation, ignored=max(0, conversation.ignored - 1))
    at_once = event.at + timedelta(seconds=1)  # a due time that has not been heard of yet
    return conversation, [*lost, update(LearningProgress, last.row, next_nudge_at=at_once)]
