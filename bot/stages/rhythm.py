"""How often nudges come, as the student wants it: why one came, fewer, silence for a while, none. Decides only."""

import re
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot import paths, times
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
from bot.days import WEEKDAY, ahead, end_in, fault, in_figures
from bot.documents import LearningProgress, Nudge, update
from bot.effects import Effect, Outcome, Turn, button, reply
from bot.sentences import say
from bot.stages import lessons, nudging, settings

_EVERY = (1, 2, 4, 7)  # days from nudge to nudge, rarer with each "fewer of these"
_SPAN = re.compile(
    r"(?P<number>\d{1,3}|an?|(?:a )?couple of) ?(?P<unit>min(?:ute)?s?|hours?|hrs?|h|days?|d|weeks?|w|months?)"
)
_ONE_DAY = re.compile(  # "on Fridays" and "every Friday" are a rhythm
    rf"\bremind me (?:again )?(?:on |this |next )?(?:{WEEKDAY})(?: (?:at|in) .+| \d.*)?\Z", re.IGNORECASE
)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_OPENING = re.compile(
    r"\A(?:(?:please|can you|could you|and|(?P<no>don'?t|do not|no(?: more)?|stop))\s+)*(?:remind(?:ing|ers?)?|nudg(?:e|es|ing))(?: me)?\s+",
    re.IGNORECASE,
)
_ONCE = re.compile(
    rf"\Afor\b|\b(?:tomorrow|tonight|today|until|till|in \w+ (?:min|hour|day|week|month)\w*|this (?:week|month)|next (?:week|month|{WEEKDAY}))\b",
    re.IGNORECASE,
)
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
    ends = _ends(conversation, argument, turn.at) if argument else ""
    if not conversation.profile.reminders:
        return conversation.without(Setting), [settings.are_off()]
    if isinstance(ends, str):
        spans = ("1h", "snooze_hour"), ("tonight", "snooze_tonight"), ("tomorrow", "snooze_day")
        choices = [button("snooze", span, name) for span, name in spans]
        more = button("snooze", "1w", "snooze_week"), button("snooze", "date", "snooze_date")
        text = say(ends or "reminders.snooze")
        return conversation, [reply(text, *choices, *more, button("fewer", "", "fewer"))]
    conversation = conversation.without(Setting)
    until = after_quiet(conversation, ends)
    if nudged_enough(conversation, turn.at):  # they ask for today's nudge once more, later
        conversation, due = conversation.with_profile(nudged_on=None), until
    elif times.clock_in(argument) is not None:
        due = until
    else:
        due = max(until, nudging.planned(conversation, until - SOONEST_REMINDER, turn))
    conversation = conversation.with_profile(snoozed_until=until)
    conversation, answered = _answered(conversation, "snoozed")
    rows = [row for row in turn.known.progress if row.next_nudge_at is not None]
    moved: list[Effect] = [update(LearningProgress, row.id, next_nudge_at=due) for row in rows]
    when = shown(zone_of(conversation), until, turn.at)
    return conversation, [*moved, *answered, reply(say("reminders.snoozed", when=when))]


def is_span(words: str) -> bool:
    """Whether these words are the span of a silence and no more: "1h", "2 days"."""
    return _SPAN.fullmatch(in_figures(words.lower().strip(" .!"))) is not None


def is_silence(words: str, at: datetime) -> bool:
    """Whether these words can say for how long to be silent, or leave it open."""
    if words in ("", "date", "until", "tonight") or is_span(re.sub(r"\Afor\s+", "", words.lower())):
        return True
    rest = re.sub(
        r"\A(?:for|until|till|til|on)\s+", "", (times.clock_in(words) or (0, words))[1].lower().strip()
    )
    if len(rest.split()) > 4 or re.search(r"\b(?:until|till)\b", rest):  # "the replica until tomorrow"
        return False
    return end_in(rest, at.date()) is not None or fault(rest) is not None


def _ends(conversation: Conversation, words: str, at: datetime) -> datetime | str:
    """The end of a silence in words; where none is meant that can be, the key of a sentence that says so."""
    zone, profile = zone_of(conversation), conversation.profile
    local = at.astimezone(zone)
    hour, rest = times.clock_in(words) or (None, words)
    word = re.sub(r"\A(?:for|until|till|til|in|by|on)\s+|[\s.!?]+\Z", "", in_figures(rest.lower().strip()))
    if hour is None and (found := _SPAN.fullmatch(word)) is not None:
        span = _after(found, at, zone)
        return span if at < span <= at + _LONGEST_SNOOZE else "reminders.snooze_bad"
    if hour is None and word == "tonight":
        evening = at_local(zone, datetime.combine(local.date(), time(max(0, profile.quiet_from - 2))))
        return evening if evening > at else at + timedelta(hours=1)
    if hour is not None and word in ("", "today", "tonight", "this"):
        due = at_local(zone, datetime.combine(local.date(), time(hour)))
        return (
            due
            if due > at
            else at_local(zone, datetime.combine(local.date() + timedelta(days=1), time(hour)))
        )
    day = end_in(rest, local.date())
    if day is None:
        wrong = fault(rest)
        return f"days.{wrong}" if wrong is not None else "reminders.snooze_bad"
    if not local.date() < day <= local.date() + _LONGEST_SNOOZE:
        return "reminders.snooze_past"
    return at_local(zone, datetime.combine(day, time(profile.reminder_hour if hour is None else hour)))


def _after(span: re.Match[str], at: datetime, zone: ZoneInfo) -> datetime:
    """So much later."""
    number = int(span["number"]) if span["number"].isdecimal() else 2 if "couple" in span["number"] else 1
    if not span["unit"].startswith("month"):
        return at + number * _UNITS[span["unit"][0]]
    local = at.astimezone(zone)
    return at_local(zone, datetime.combine(ahead(local.date(), number, "month"), local.time()))


def reminders(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`reminders`, `reminders off`, `reminders 20:00`, `reminders twice`, `reminders weekdays`: show or change when
    nudges come; "remind me tomorrow at 6 pm" is meant for once, so it is a silence until then."""
    before = conversation.profile
    if argument == "back":
        return _back(conversation, turn)
    if (once := _once(conversation, argument, turn.at)) is not None:
        conversation, effects = snooze(conversation, once, turn)
        if times.clock_in(once) is None or not conversation.profile.reminders:
            return conversation, effects
        told = say("reminders.hour_stays", hour=conversation.profile.reminder_hour)
        return conversation, [*effects, reply(told)]
    conversation, effects = settings.reminders(conversation, argument, turn)
    answered: list[Effect] = []
    if before.reminders and not conversation.profile.reminders:
        conversation, answered = _answered(conversation, "off")
    if not argument:
        return conversation, effects
    return conversation, [*answered, *nudging.waiting(conversation, turn), *effects]


def _back(conversation: Conversation, turn: Turn) -> Outcome:
    """ "I'm back": a silence is over; reminders that are off stay off."""
    conversation = conversation.with_profile(snoozed_until=None)
    coming = nudging.coming_text(conversation, turn) if conversation.profile.reminders else ""
    told = reply(" ".join(filter(None, [say("reminders.back"), coming])), button("next", "", "next_path"))
    return conversation, [*nudging.waiting(conversation, turn), told]


def _once(conversation: Conversation, words: str, at: datetime) -> str | None:
    """The silence meant by a reminder for one day, or by none until a day; None where neither is."""
    rhythm = times.wanted(words) is not None or _ONCE.search(words) is None
    if rhythm and _ONE_DAY.search(words) is None:
        return None
    opening = _OPENING.match(words)
    rest = words[opening.end() :] if opening is not None else words
    if opening is not None and opening["no"]:  # not today: silent until tomorrow
        rest = _NOT_THEN.get(rest.lower().strip(" .!?"), rest)
    return rest if isinstance(_ends(conversation, rest, at), datetime) else None


_NOT_THEN = {
    "today": "tomorrow",
    "tonight": "tomorrow",
    "tomorrow": "day after tomorrow",
    "this week": "next week",
    "this month": "next month",
}


def _answered(
    conversation: Conversation, answer: Literal["snoozed", "fewer", "off"]
) -> tuple[Conversation, list[Effect]]:
    """What they made of being nudged, on the record of the last one."""
    last = conversation.nudge
    return conversation, [update(Nudge, last.id, answer=answer)] if last is not None else []
