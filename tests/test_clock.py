"""Local time: quiet hours, reminder hours, and the two nights a year when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from bot.clock import (
    SOONEST_REMINDER,
    after_quiet,
    at_local,
    is_quiet,
    knows_zone,
    next_reminder,
    nudge_may_go,
    nudged_enough,
    reminder_hours,
    shown,
    zone_of,
)
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
    conversation = student(zone, quiet_from=hours[0], quiet_to=hours[1])
    at = utc("2026-01-01T00:30")
    for _ in range(366 * 24):
        due = after_quiet(conversation, at)
        assert not is_quiet(conversation.profile, ZoneInfo(zone), due)
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
    """Then they are awake, whatever UTC says: eight hours from it, its quiet hours end at their midnight."""
    conversation = student("")
    assert next_reminder(conversation, utc("2026-03-02T12:00")) == utc("2026-03-03T12:00")
    assert next_reminder(conversation, utc("2026-03-02T05:00")) == utc("2026-03-03T05:00")
    assert date(2026, 3, 3) == next_reminder(conversation, utc("2026-03-02T23:59")).date()


ZONES = ["", "UTC", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "America/Santiago", "Pacific/Apia", "Australia/Lord_Howe"]  # fmt: skip


@st.composite
def students(draw: st.DrawFn) -> Conversation:
    """Any settings a student can have."""
    days = draw(st.sets(st.sampled_from("0123456"), min_size=1))
    return student(
        draw(st.sampled_from(ZONES)),
        reminder_hour=draw(st.integers(0, 23)),
        quiet_from=draw(st.integers(0, 23)),
        quiet_to=draw(st.integers(0, 23)),
        nudge_every=draw(st.integers(1, 7)),
        nudges_a_day=draw(st.integers(1, 3)),
        nudge_days="".join(sorted(days)),
    )


@given(students(), st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(1, 7))  # noqa: DTZ001 its zone follows
@settings(max_examples=300)
def test_nudges_keep_to_what_is_wanted(conversation: Conversation, start: datetime, gap: int) -> None:
    """Ten in a row, each planned when the one before was told: never in quiet hours, never on a day not wanted, never
    closer than wanted, never more a day than wanted, and each is found."""
    at, told = start.replace(tzinfo=UTC), list[date]()
    profile, zone = conversation.profile, zone_of(conversation)
    for _ in range(10):
        due = next_reminder(conversation, at, gap=gap)
        day = due.astimezone(zone).date()
        assert due >= at + SOONEST_REMINDER
        assert not knows_zone(conversation) or not is_quiet(profile, zone, due)
        assert str(day.weekday()) in profile.nudge_days
        assert not nudged_enough(conversation, due)
        assert due - at <= timedelta(days=15)  # seven from the last one, and up to seven more to a weekday
        every = max(gap, profile.nudge_every)
        if told and day == told[-1]:
            assert every == 1
        elif told:
            assert day >= told[-1] + timedelta(days=every)
        told.append(day)
        assert told.count(day) <= profile.nudges_a_day
        times = profile.nudged + 1 if profile.nudged_on == day else 1
        conversation = conversation.with_profile(nudged_on=day, nudged=times)
        profile, at = conversation.profile, due


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("hour", [7, 19, 23])
def test_daily_means_every_day(zone: str, hour: int) -> None:
    """Even when the reminder hour lies in quiet hours and the nudge comes at their end, on the day after."""
    conversation, at = student(zone, reminder_hour=hour), utc("2026-03-01T12:00")
    days = []
    for _ in range(40):
        at = next_reminder(conversation, at)
        days.append(at.astimezone(ZoneInfo(zone)).date())
        conversation = conversation.with_profile(nudged_on=days[-1])
    assert days == [days[0] + timedelta(days=n) for n in range(40)]


def test_an_hour_in_quiet_hours_does_not_lead_to_a_day_that_is_not_wanted() -> None:
    """23:00 on Friday would be 08:00 on Saturday: of someone with weekdays alone it is Monday."""
    conversation = student("UTC", reminder_hour=23, nudge_days="01234")
    assert next_reminder(conversation, utc("2026-03-06T12:00")) == utc("2026-03-09T08:00")


def test_weekdays_hold_without_a_known_zone() -> None:
    """Friday noon plus a day is Saturday: the next one comes on Monday, at the hour they write at."""
    conversation = student("", nudge_days="01234")
    assert next_reminder(conversation, utc("2026-03-06T12:00")) == utc("2026-03-09T12:00")


def test_several_a_day_share_the_time_before_the_reminder_hour() -> None:
    """In equal parts from the end of the quiet hours on; the last one is the reminder hour."""
    assert reminder_hours(Profile(reminder_hour=20, nudges_a_day=3)) == [12, 16, 20]
    assert reminder_hours(Profile(reminder_hour=20, nudges_a_day=2)) == [14, 20]
    assert reminder_hours(Profile(reminder_hour=7, nudges_a_day=2)) == [7]  # before the quiet hours end: one
    assert reminder_hours(Profile(reminder_hour=9, nudges_a_day=2)) == [9, 15]  # 8:00 is too close
    assert reminder_hours(Profile(reminder_hour=12, nudges_a_day=3)) == [12, 15, 18]
    assert reminder_hours(Profile(reminder_hour=8, nudges_a_day=2)) == [8, 15]
    twice = student("UTC", reminder_hour=20, nudges_a_day=2)
    first = next_reminder(twice, utc("2026-03-02T09:00"))
    assert first == utc("2026-03-02T14:00")
    told = twice.with_profile(nudged_on=first.date(), nudged=1)
    assert next_reminder(told, first) == utc("2026-03-02T20:00")
    told = twice.with_profile(nudged_on=first.date(), nudged=2)
    assert next_reminder(told, utc("2026-03-02T20:00")) == utc("2026-03-03T14:00")


def test_a_day_that_has_had_its_nudges_has_had_enough() -> None:
    """So has a day that is none of theirs; a day ahead of the clock was a mistake and does not count."""
    now = utc("2026-03-02T12:00")  # a Monday
    assert nudged_enough(student("UTC", nudged_on=now.date()), now)
    assert not nudged_enough(student("UTC", nudged_on=now.date(), nudges_a_day=2), now)
    assert not nudged_enough(student("UTC", nudged_on=now.date() + timedelta(days=3)), now)
    assert nudged_enough(student("UTC", nudge_days="123456"), now)
    ahead = student("UTC", nudged_on=now.date() + timedelta(days=300))
    assert next_reminder(ahead, now) == utc("2026-03-02T19:00")


def test_no_weekday_left_means_no_nudge() -> None:
    """Whenever it is planned, that day has had enough."""
    conversation = student("UTC", nudge_days="")
    due = next_reminder(conversation, utc("2026-03-02T12:00"))
    assert due > utc("2026-03-23T00:00")
    assert nudged_enough(conversation, due)


def test_a_nudge_that_was_held_up_goes_only_on_its_own_day() -> None:
    """Later that day, after quiet hours that end that day; never the day after, never once they are off."""
    conversation = student("Europe/Berlin")
    decided = utc("2026-03-02T18:00")
    assert nudge_may_go(conversation, decided, utc("2026-03-02T20:30")) == utc("2026-03-02T20:30")
    assert nudge_may_go(conversation, decided, utc("2026-03-02T21:30")) is None  # 22:30, quiet until the 3rd
    assert nudge_may_go(conversation, utc("2026-03-03T01:00"), utc("2026-03-03T02:00")) == utc(
        "2026-03-03T07:00"
    )
    off = conversation.with_profile(reminders=False)
    assert nudge_may_go(off, decided, decided) is None
    snoozed = conversation.with_profile(snoozed_until=utc("2026-03-09T18:00"))
    assert nudge_may_go(snoozed, decided, utc("2026-03-02T18:02")) is None
    assert nudge_may_go(snoozed, utc("2026-03-09T18:00"), utc("2026-03-09T18:01")) == utc("2026-03-09T18:01")
