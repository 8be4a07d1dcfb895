"""Local time: quiet hours, reminder hours, and the two nights a year when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import after_quiet, at_local, is_quiet, next_reminder, shown
from bot.conversation import Conversation, Profile

HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def student(zone: str, **profile: object) -> Conversation:
    return Conversation(
        student="a" * 24,
        created_at=utc("2026-01-01T00:00"),
        profile=Profile(zone=zone, **profile),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("UTC", "2026-03-02T09:00", "2026-03-02T19:00"),
        ("UTC", "2026-03-02T17:30", "2026-03-03T19:00"),  # less than two hours off: they are still at it
        ("Asia/Kolkata", "2026-03-02T09:00", "2026-03-02T13:30"),
        ("Asia/Kathmandu", "2026-03-02T09:00", "2026-03-02T13:15"),
        ("Pacific/Kiritimati", "2026-03-02T09:00", "2026-03-03T05:00"),
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T23:00"),  # across the change: 19:00 EDT
        (
            "America/New_York",
            "2026-03-07T23:30",
            "2026-03-08T23:00",
        ),  # 23 hours and a half later, same wall hour
        ("Europe/Berlin", "2026-03-28T18:30", "2026-03-29T17:00"),  # spring: 18:00Z becomes 17:00Z
        ("Europe/Berlin", "2026-10-24T17:30", "2026-10-25T18:00"),  # autumn: and back
        ("Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-05T08:30"),  # a change of half an hour
    ],
)
def test_reminder_keeps_its_wall_clock_hour(zone: str, now: str, due: str) -> None:
    """19:00 is 19:00 on the student's own clock, before and after a change."""
    assert next_reminder(student(zone), utc(now)) == utc(due)


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30"),  # left out in spring: past the gap
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice in autumn: the first
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30"),
    ],
)
def test_wall_times_that_do_not_exist_or_come_twice(zone: str, wall: str, instant: str) -> None:
    """There is always exactly one instant."""
    assert at_local(ZoneInfo(zone), datetime.fromisoformat(wall)) == utc(instant)


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("hours", [(22, 8), (1, 6), (0, 0), (23, 7)])
def test_nothing_planned_lies_in_quiet_hours(zone: str, hours: tuple[int, int]) -> None:
    """For every hour of the year: what is put off ends up outside the quiet hours, within a day."""
    profile = Profile(zone=zone, quiet_from=hours[0], quiet_to=hours[1])
    at = utc("2026-01-01T00:30")
    for _ in range(366 * 24):
        due = after_quiet(profile, ZoneInfo(zone), at)
        assert not is_quiet(profile, ZoneInfo(zone), due)
        assert timedelta(0) <= due - at <= timedelta(hours=25)
        at += HOUR


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Apia"])
def test_no_second_nudge_on_a_day_that_had_one(zone: str) -> None:
    """After a nudge the next one lies on a later local day, through both changes of the year."""
    at = utc("2026-01-01T12:00")
    for _ in range(365):
        today = at.astimezone(ZoneInfo(zone)).date()
        due = next_reminder(student(zone, nudged_on=today), at)
        assert due.astimezone(ZoneInfo(zone)).date() > today
        assert due - at < timedelta(days=2, hours=3)
        at += timedelta(days=1)


def test_reminder_hour_inside_quiet_hours_moves_to_their_end() -> None:
    """A reminder at 23:00 with quiet hours from 22:00 comes at 08:00."""
    assert next_reminder(student("UTC", reminder_hour=23), utc("2026-03-02T09:00")) == utc("2026-03-03T08:00")


def test_a_time_is_said_as_a_person_says_it() -> None:
    """Today, tomorrow, else the day."""
    now = utc("2026-03-02T09:00")
    zone = ZoneInfo("Asia/Kolkata")
    assert shown(zone, utc("2026-03-02T13:30"), now) == "today at 19:00"
    assert shown(zone, utc("2026-03-02T20:00"), now) == "tomorrow at 01:30"
    assert shown(zone, utc("2026-03-06T13:30"), now) == "Fri 6 Mar at 19:00"


def test_no_zone_means_the_time_of_day_they_write_at() -> None:
    """A student without a zone, writing at 05:00 UTC, is reminded when their morning and ours both allow."""
    conversation = student("")
    assert next_reminder(conversation, utc("2026-03-02T12:00")) == utc("2026-03-03T12:00")
    assert next_reminder(conversation, utc("2026-03-02T05:00")) == utc("2026-03-03T08:00")
    assert date(2026, 3, 3) == next_reminder(conversation, utc("2026-03-02T23:59")).date() - timedelta(days=1)
