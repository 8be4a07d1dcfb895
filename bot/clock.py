"""Local time: quiet hours and the next reminder. Pure; `at` is aware UTC and so is every result."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.conversation import Conversation, Profile

_FURTHEST = 22  # days ahead: three weeks cover the widest gap and the rarest weekday
_SAME_YEAR = timedelta(days=300)
SOONEST_REMINDER = timedelta(hours=2)  # one that comes while the student is still at it is noise
_TOO_CLOSE = SOONEST_REMINDER // timedelta(
    hours=1
)  # hours: the next is planned a moment after the one before it


def zone_of(conversation: Conversation) -> ZoneInfo:
    """The zone the student confirmed, else the one their platform suggests, else UTC."""
    return ZoneInfo(conversation.profile.zone or conversation.zone_hint or "UTC")


def local_day(conversation: Conversation, at: datetime) -> date:
    """The date on the student's calendar."""
    return at.astimezone(zone_of(conversation)).date()


def day_month(day: date) -> str:
    """ "29 Mar"."""
    return f"{day.day} {day:%b}"


def dated(day: date, today: date) -> str:
    """ "29 Mar", and "29 Mar 2027" where the year is another one, or the day so far away that it might be."""
    far = day.year != today.year or abs(day - today) > _SAME_YEAR
    return f"{day_month(day)} {day.year}" if far else day_month(day)


def is_quiet(profile: Profile, zone: ZoneInfo, at: datetime) -> bool:
    """Whether `at` lies in the student's quiet hours (which may pass midnight; equal ends mean none)."""
    hour = at.astimezone(zone).hour
    if profile.quiet_from <= profile.quiet_to:
        return profile.quiet_from <= hour < profile.quiet_to
    return hour >= profile.quiet_from or hour < profile.quiet_to


def knows_zone(conversation: Conversation) -> bool:
    """Whether their clock is known; else the hour at which they write is all there is to go by."""
    return bool(conversation.profile.zone or conversation.zone_hint)


def after_quiet(conversation: Conversation, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours it lies in; nobody knows those of a student whose zone is unknown."""
    profile, zone = conversation.profile, zone_of(conversation)
    if not knows_zone(conversation) or not is_quiet(profile, zone, at):
        return at
    return _next_hour(profile.quiet_to, zone, at)


def next_reminder(conversation: Conversation, at: datetime, *, gap: int = 1) -> datetime:
    """When the next nudge may come: at a reminder hour, at least two hours from now, on a day of theirs that has not had
    its nudges yet, and `gap` days after the last one.

    Without a known zone the hour of day the student is writing at is taken: then they are awake for certain.
    """
    profile, zone = conversation.profile, zone_of(conversation)
    gap, soonest = max(gap, profile.nudge_every), at + SOONEST_REMINDER
    for hour in _hours_ahead(conversation, at, gap):
        due = after_quiet(conversation, hour)  # which may be on the day after
        if due >= soonest and _is_free(profile, due.astimezone(zone).date(), gap):
            return due
    return after_quiet(conversation, soonest + timedelta(days=_FURTHEST))  # no weekday is left to write on


def _hours_ahead(conversation: Conversation, at: datetime, gap: int) -> Iterator[datetime]:
    profile, zone = conversation.profile, zone_of(conversation)
    if not knows_zone(conversation):
        yield from (at + timedelta(days=ahead) for ahead in range(gap, _FURTHEST))
        return
    today = at.astimezone(zone).date()
    for ahead in range(-1, _FURTHEST):  # yesterday's last hour may lie in quiet hours that end today
        for hour in reminder_hours(profile):
            yield at_local(zone, datetime.combine(today + timedelta(days=ahead), time(hour)))


def reminder_hours(profile: Profile) -> list[int]:
    """The hours at which nudges come: the reminder hour, and with more of them a day the time before it in equal parts;
    an early hour begins the day instead, as the second of two that are too close would never come."""
    first, last, count = profile.quiet_to, profile.reminder_hour, profile.nudges_a_day
    if first > last or count == 1:
        return [last]
    before = [first + (last - first) * part // count for part in range(1, count + 1)]
    if all(later - sooner > _TOO_CLOSE for sooner, later in pairwise(before)):
        return before
    evening = profile.quiet_from if profile.quiet_from > last else 24
    return [last + (evening - last) * part // count for part in range(count)]


def nudged_enough(conversation: Conversation, at: datetime) -> bool:
    """Whether the local day of `at` has had its nudges, or is none of theirs. A day ahead of it does not count: a clock
    was wrong."""
    profile, today = conversation.profile, local_day(conversation, at)
    full = profile.nudged_on == today and profile.nudged >= profile.nudges_a_day
    return full or str(today.weekday()) not in profile.nudge_days


def _is_free(profile: Profile, day: date, gap: int) -> bool:
    """Whether a nudge is wanted on a day: theirs, not had its nudges, and `gap` days after the last one."""
    if str(day.weekday()) not in profile.nudge_days:
        return False
    if profile.nudged_on is None or day < profile.nudged_on:
        return True
    if day == profile.nudged_on:
        return gap == 1 and profile.nudged < profile.nudges_a_day
    return day >= profile.nudged_on + timedelta(days=gap)


def nudge_may_go(conversation: Conversation, decided: datetime, now: datetime) -> datetime | None:
    """From when a nudge that was decided earlier may still be sent: outside quiet hours, on the local day it was meant
    for. None: never, the next one comes in its turn, or they said stop meanwhile."""
    profile, zone = conversation.profile, zone_of(conversation)
    if not profile.reminders or (profile.snoozed_until is not None and profile.snoozed_until > now):
        return None
    when = after_quiet(conversation, now)
    return when if when.astimezone(zone).date() == decided.astimezone(zone).date() else None


def at_local(zone: ZoneInfo, wall: datetime) -> datetime:
    """The instant a wall clock shows `wall` (naive); a time that a spring change leaves out is moved past the gap."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def shown(zone: ZoneInfo, at: datetime, now: datetime) -> str:
    """A time as a person says it: "today at 19:00", "tomorrow at 08:00", "Fri 4 Dec at 19:00"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"{local:%a} {dated(local.date(), today)}")
    return f"{day} at {local:%H:%M}"


def _next_hour(hour: int, zone: ZoneInfo, at: datetime) -> datetime:
    local = at.astimezone(zone)
    wall = datetime.combine(local.date(), time(hour))
    due = at_local(zone, wall)
    return due if due >= at else at_local(zone, wall + timedelta(days=1))
