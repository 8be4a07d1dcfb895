"""How often nudges come, as the student wants it: why one came, fewer, silence for a while, none. Decides only."""

import re
from datetime import datetime, time, timedelta
from typing import Any, Literal

from bot import paths
from bot.clock import (
    SOONEST_REMINDER,
    after_quiet,
    at_local,
    day_month,
    local_day,
    nudged_enough,
    shown,
    zone_of,
)
from bot.conversation import Conversation, Setting
from bot.days import day_in
from bot.documents import LearningProgress, Nudge, update
from bot.effects import Effect, Outcome, Turn, button, reply
from bot.sentences import say
from bot.stages import lessons, nudging, settings

_EVERY = (1, 2, 4, 7)  # days from nudge to nudge, rarer with each "fewer of these"
_SPAN = re.compile(
    r"(?P<number>\d{1,3}|an?|one)\s*(?P<unit>h|d|w)(?:(?<=h)(?:ours?|rs?)?|(?<=d)(?:ays?)?|(?<=w)(?:eeks?)?)"
)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST_SNOOZE = timedelta(days=366)  # an exam, a semester abroad; beyond it "reminders off" is meant


def why(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """Why a nudge came, truthfully. `subject`: its kind and row, as on the button."""
    kind, _, row_id = subject.rpartition(".")
    kind = kind if kind in nudging.WORDINGS else "stage"
    row = turn.row(row_id)
    path = turn.path(row.path_id) if row else None
    values: dict[str, Any] = {"skill": lessons.title_of(path.skill, turn) if path else ""}
    stage = paths.numbered(path, row.stage_number) if row else None
    why_ = kind
    if kind == "review" and row is not None and row.card is not None:
        values = {"missed": day_month(local_day(conversation, row.card.missed_at))}
    elif kind == "stage" and stage is not None and stage.topic:
        why_ = "topic"
    elif kind not in ("streak", "week", "commitment", "farewell") and path is None:
        why_ = "none"
    reason = say(f"nudge.why_{why_}", **values)
    how_often = settings.when_i_write(conversation)
    worded = say("nudge.why_worded") if len(nudging.WORDINGS[kind]) > 1 else ""
    text = " ".join(part for part in (reason, how_often, worded) if part)
    choices = (
        button("fewer", "", "fewer"),
        button("snooze", "", "snooze"),
        button("reminders", "off", "reminders_off"),
    )
    return conversation, [reply(text, *choices)]


def fewer(conversation: Conversation, _subject: str, turn: Turn) -> Outcome:
    """ "Fewer of these": the next rarer rhythm; past the rarest, the switch is offered."""
    profile = conversation.profile
    if not profile.reminders:
        return conversation, [settings.are_off()]
    if profile.nudges_a_day > 1:
        conversation = conversation.with_profile(nudges_a_day=1)
    elif profile.nudge_every == _EVERY[-1]:
        return conversation, [reply(say("reminders.fewest"), button("reminders", "off", "reminders_off"))]
    else:
        rarer = next(each for each in _EVERY if each > profile.nudge_every)
        conversation = conversation.with_profile(nudge_every=rarer)
    conversation, answered = _answered(conversation, "fewer")
    text = say("reminders.fewer", often=settings.how_often(conversation))
    text = f"{text} {nudging.coming_text(conversation, turn)}"
    daily = (button("reminders", "daily", "daily"),) if conversation.profile.nudge_every > 1 else ()
    choices = (button("fewer", "", "fewer_still"), *daily, button("reminders", "off", "reminders_off"))
    return conversation, [*answered, *nudging.waiting(conversation, turn), reply(text, *choices)]


def snooze(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`snooze 1d`, `snooze tonight`, `snooze until 12 December`: silence for a while; without a span, buttons."""
    if argument in ("date", "until"):
        return settings.ask(conversation, "until", turn)
    until = _until(conversation, argument, turn.at) if argument else None
    if not conversation.profile.reminders:
        return conversation.without(Setting), [settings.are_off()]
    if until is None:
        past = bool(argument) and day_in(argument, local_day(conversation, turn.at))
        key = "snooze_past" if past else "snooze_bad"
        text = say(f"reminders.{key}") if argument else say("reminders.snooze")
        spans = ("1h", "snooze_hour"), ("tonight", "snooze_tonight"), ("tomorrow", "snooze_day")
        choices = [button("snooze", span, name) for span, name in spans]
        more = button("snooze", "1w", "snooze_week"), button("snooze", "date", "snooze_date")
        return conversation, [reply(text, *choices, *more, button("fewer", "", "fewer"))]
    conversation = conversation.without(Setting)
    until = after_quiet(conversation.profile, zone_of(conversation), until)
    if nudged_enough(conversation, turn.at):  # they ask for today's nudge once more, later
        conversation, due = conversation.with_profile(nudged_on=None), until
    else:
        due = max(until, nudging.planned(conversation, until - SOONEST_REMINDER, turn))
    conversation = conversation.with_profile(snoozed_until=until)
    conversation, answered = _answered(conversation, "snoozed")
    rows = [row for row in turn.known.progress if row.next_nudge_at is not None]
    moved: list[Effect] = [update(LearningProgress, row.id, next_nudge_at=due) for row in rows]
    when = shown(zone_of(conversation), until, turn.at)
    return conversation, [*moved, *answered, reply(say("reminders.snoozed", when=when))]


def _until(conversation: Conversation, words: str, at: datetime) -> datetime | None:
    """The end of a silence in words; None when none is meant."""
    zone, profile = zone_of(conversation), conversation.profile
    word = words.lower().strip()
    if word == "tomorrow":
        return at + timedelta(days=1)
    if (found := _SPAN.fullmatch(word)) is not None:
        number = 1 if found["number"] in ("a", "an", "one") else int(found["number"])
        span = number * _UNITS[found["unit"]]
        return at + span if timedelta(0) < span <= _LONGEST_SNOOZE else None
    local = at.astimezone(zone)
    if word == "tonight":
        evening = at_local(zone, datetime.combine(local.date(), time(max(0, profile.quiet_from - 2))))
        return evening if evening > at else at + timedelta(hours=1)
    day = day_in(word, local.date())
    if day is None or not local.date() < day <= local.date() + _LONGEST_SNOOZE:
        return None
    return at_local(zone, datetime.combine(day, time(profile.reminder_hour)))


def reminders(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`reminders`, `reminders off`, `reminders 20:00`, `reminders twice`, `reminders weekdays`: show or change when
    nudges come."""
    before = conversation.profile
    conversation, effects = settings.reminders(conversation, argument, turn)
    answered: list[Effect] = []
    if before.reminders and not conversation.profile.reminders:
        conversation, answered = _answered(conversation, "off")
    if not argument:
        return conversation, effects
    return conversation, [*answered, *nudging.waiting(conversation, turn), *effects]


def _answered(
    conversation: Conversation, answer: Literal["snoozed", "fewer", "off"]
) -> tuple[Conversation, list[Effect]]:
    """What they made of being nudged, on the record of the last one."""
    last = conversation.nudge
    return conversation, [update(Nudge, last.id, answer=answer)] if last is not None else []
