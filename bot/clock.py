"""Local time: quiet hours and the next reminder. Pure; `at` is aware UTC and so is every result."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.conversation import Conversation, Profile

SOONEST_REMINDER = timedelta(hours=2)  # one that comes while the student is still at it is noise


def zone_of(conversation: Conversation) -> ZoneInfo:
    """The zone the student confirmed, else the one their platform suggests, else UTC."""
    return ZoneInfo(conversation.profile.zone or conversation.zone_hint or "UTC")


def is_quiet(profile: Profile, zone: ZoneInfo, at: datetime) -> bool:
    """Whether `at` lies in the student's quiet hours (which may pass midnight; equal ends mean none)."""
    hour = at.astimezone(zone).hour
    if profile.quiet_from <= profile.quiet_to:
        return profile.quiet_from <= hour < profile.quiet_to
    return hour >= profile.quiet_from or hour < profile.quiet_to


def after_quiet(profile: Profile, zone: ZoneInfo, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours it lies in."""
    if not is_quiet(profile, zone, at):
        return at
    return _next_hour(profile.quiet_to, zone, at)


def next_reminder(conversation: Conversation, at: datetime) -> datetime:
    """When the next nudge may come: the reminder hour, at least two hours from now, on a day without a nudge yet.

    Without a known zone the hour of day the student is writing at is taken: then they are awake for certain.
    """
    profile, zone = conversation.profile, zone_of(conversation)
    if not profile.zone and not conversation.zone_hint:
        return after_quiet(profile, zone, at + timedelta(days=1))
    due = _next_hour(profile.reminder_hour, zone, at + SOONEST_REMINDER)
    if nudged_on_day(conversation, due):
        following = due.astimezone(zone).date() + timedelta(days=1)
        due = at_local(zone, datetime.combine(following, time(profile.reminder_hour)))
    return after_quiet(profile, zone, due)


def nudged_on_day(conversation: Conversation, at: datetime) -> bool:
    """Whether the local day of `at` has had its nudge. A day ahead of it does not count: a clock was wrong."""
    return conversation.profile.nudged_on == at.astimezone(zone_of(conversation)).date()


def nudge_may_go(conversation: Conversation, decided: datetime, now: datetime) -> datetime | None:
    """From when a nudge that was decided earlier may still be sent: outside quiet hours, on the local day it was meant
    for. None: never, the next one comes in its turn."""
    zone = zone_of(conversation)
    when = after_quiet(conversation.profile, zone, now)
    return when if when.astimezone(zone).date() == decided.astimezone(zone).date() else None


def at_local(zone: ZoneInfo, wall: datetime) -> datetime:
    """The instant a wall clock shows `wall` (naive); a time that a spring change leaves out is moved past the gap."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def shown(zone: ZoneInfo, at: datetime, now: datetime) -> str:
    """A time as a person says it: "today at 19:00", "tomorrow at 08:00", "Fri 4 Dec at 19:00"."""
    local = at.astimezone(zone)
    days = (local.date() - now.astimezone(zone).date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"{local:%a} {local.day} {local:%b}")
    return f"{day} at {local:%H:%M}"


def _next_hour(hour: int, zone: ZoneInfo, at: datetime) -> datetime:
    local = at.astimezone(zone)
    wall = datetime.combine(local.date(), time(hour))
    due = at_local(zone, wall)
    return due if due >= at else at_local(zone, wall + timedelta(days=1))
