"""Streaks: days in a row on the student's own clock, honest across zones and the two nights clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.streaks import FREEZES, Streak, ends_today, freezes_left, learnt, running

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
ANGELES = ZoneInfo("America/Los_Angeles")


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def after(*times: str, zone: ZoneInfo = BERLIN) -> Streak:
    streak = None
    for each in times:
        streak = learnt(streak, local(each, zone), zone)
    assert streak is not None
    return streak


def day_by_day(first: str, days: int, zone: ZoneInfo = BERLIN, hour: int = 19) -> Streak:
    start, streak = date.fromisoformat(first), None
    for n in range(days):
        streak = learnt(streak, local(f"{start + timedelta(days=n)}T{hour:02}:00", zone), zone)
    assert streak is not None
    return streak


def test_several_times_a_day_are_one_day() -> None:
    """Morning, evening and the next morning: two."""
    assert after("2026-03-02T08:00", "2026-03-02T22:00").days == 1
    assert after("2026-03-02T08:00", "2026-03-02T22:00", "2026-03-03T07:00").days == 2


def test_a_clock_a_year_ahead_stops_no_streak_for_a_year() -> None:
    """What it cost is lost; from the next day on days count again."""
    streak = after("2026-03-02T19:00", "2027-03-02T19:00", "2026-03-03T19:00", "2026-03-04T19:00")
    assert (streak.days, streak.last) == (2, date(2026, 3, 4))


@pytest.mark.parametrize(
    ("then", "days", "last"),
    [
        ("2026-03-04T00:40", 2, "2026-03-03"),  # in the hour of grace, and the 3rd was still open
        ("2026-03-04T01:10", 2, "2026-03-04"),  # after it: a freeze took the 3rd
        ("2026-03-03T00:40", 2, "2026-03-03"),  # the 2nd had its share already: this is the 3rd
    ],
)
def test_an_hour_after_midnight_counts_back(then: str, days: int, last: str) -> None:
    """Who finishes at 00:40 has not lost the day."""
    streak = after("2026-03-02T19:00", then)
    assert (streak.days, streak.last) == (days, date.fromisoformat(last))
    assert len(streak.frozen) == (then == "2026-03-04T01:10")


@pytest.mark.parametrize(("first", "then"), [("22:00", "09:00"), ("01:30", "12:00"), ("23:59", "01:01")])
def test_a_day_missed_between_a_late_and_an_early_one_takes_a_freeze(first: str, then: str) -> None:
    """However few hours lie between them: at home nobody skips a date."""
    streak = after(f"2026-03-02T{first}", f"2026-03-04T{then}")
    assert streak.frozen == (date(2026, 3, 3),)


def test_two_freezes_a_calendar_month_and_no_more() -> None:
    """Two days missed are taken, the third ends it; a new month has two of its own."""
    two = after("2026-03-02T19:00", "2026-03-04T19:00", "2026-03-06T19:00")
    assert (two.days, len(two.frozen)) == (3, FREEZES)
    at = local("2026-03-08T19:00")
    assert running(two, at, BERLIN) == 0
    ended = learnt(two, at, BERLIN)
    assert (ended.days, ended.best) == (1, 3)
    assert freezes_left(ended, at, BERLIN) == 0  # a new streak does not give them back
    over = after("2026-03-02T19:00", "2026-03-05T19:00", *[f"2026-03-{n:02}T19:00" for n in range(6, 31)])
    april = learnt(over, local("2026-04-03T19:00"), BERLIN)  # 31 March, and 1 and 2 April
    assert april.days == 1
    assert learnt(over, local("2026-04-01T19:00"), BERLIN).days == 1  # March has had its two
    fresh = day_by_day("2026-03-02", 28)  # up to the 29th
    assert learnt(fresh, local("2026-04-03T19:00"), BERLIN).days == 29  # two days of each month


def test_a_freeze_that_yesterday_needs_is_not_there_any_more() -> None:
    """Before anything is learnt today."""
    streak = day_by_day("2026-03-02", 3)
    assert freezes_left(streak, local("2026-03-05T09:00"), BERLIN) == 2
    assert freezes_left(streak, local("2026-03-06T09:00"), BERLIN) == 1
    assert freezes_left(None, local("2026-03-06T09:00"), BERLIN) == 2


def test_it_ends_today_only_when_no_freeze_takes_the_day() -> None:
    """Said on a day on which nothing was learnt yet, of a streak that runs, until its very end."""
    streak = after("2026-03-02T19:00", "2026-03-04T19:00", "2026-03-06T19:00")
    assert not ends_today(streak, local("2026-03-06T20:00"), BERLIN)
    for hour in range(24):
        assert ends_today(streak, local(f"2026-03-07T{hour:02}:30"), BERLIN)
    assert not ends_today(streak, local("2026-03-08T09:00"), BERLIN)
    assert not ends_today(day_by_day("2026-03-02", 3), local("2026-03-05T20:00"), BERLIN)
    assert not ends_today(None, local("2026-03-05T20:00"), BERLIN)


def test_a_flight_over_the_date_line_loses_nothing() -> None:
    """Westwards a date is skipped: Monday in Los Angeles, Wednesday in Tokyo, 20 hours later. Eastwards one comes
    twice, and counts once."""
    home = day_by_day("2026-03-05", 5, ANGELES)  # up to Monday the 9th
    landed = local("2026-03-11T08:00", TOKYO)
    assert running(home, landed, TOKYO) == 5
    west = learnt(home, landed, TOKYO)
    assert (west.days, west.frozen, west.last) == (6, (), date(2026, 3, 11))
    late = learnt(home, local("2026-03-12T08:00", TOKYO), TOKYO)  # a day more: one was missed on either clock
    assert (late.days, len(late.frozen)) == (6, 1)
    away = day_by_day("2026-03-05", 5, TOKYO)
    back = learnt(away, local("2026-03-09T15:00", ANGELES), ANGELES)
    assert (back.days, back.last) == (5, date(2026, 3, 9))
    assert running(back, local("2026-03-10T09:00", ANGELES), ANGELES) == 5
    assert learnt(back, local("2026-03-10T09:00", ANGELES), ANGELES).days == 6
    missed = learnt(back, local("2026-03-11T09:00", ANGELES), ANGELES)
    assert len(missed.frozen) == 1


def test_a_streak_that_would_end_on_a_skipped_date_does_not() -> None:
    """After the flight the warning comes for the new day, not for the one that never was."""
    home = after("2026-03-02T19:00", "2026-03-04T19:00", "2026-03-06T19:00", zone=ANGELES)
    landed = local("2026-03-08T10:00", TOKYO)
    assert running(home, landed, TOKYO) == 3
    assert ends_today(home, landed, TOKYO)
    assert not ends_today(learnt(home, landed, TOKYO), landed, TOKYO)


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Berlin", "2026-03-25"),
        ("Europe/Berlin", "2026-10-21"),
        ("America/New_York", "2026-03-04"),
        ("America/New_York", "2026-10-28"),
        ("America/Santiago", "2026-09-02"),  # the change is at midnight
        ("America/Santiago", "2026-04-01"),
        ("Australia/Lord_Howe", "2026-10-01"),
    ],
)
@pytest.mark.parametrize("hour", [0, 1, 2, 12, 23])
def test_clock_changes_neither_give_nor_take_a_day(zone: str, first: str, hour: int) -> None:
    """Ten days in a row, at any hour, are ten; no freeze is taken; one day left out takes one."""
    streak = day_by_day(first, 10, ZoneInfo(zone), hour)
    assert (streak.days, streak.frozen) == (10, ())
    start = date.fromisoformat(first)
    for gap in range(1, 9):
        left_out = None
        for n in range(10):
            if n != gap:
                at = local(f"{start + timedelta(days=n)}T{max(hour, 2):02}:30", ZoneInfo(zone))
                left_out = learnt(left_out, at, ZoneInfo(zone))
        assert left_out is not None
        assert (left_out.days, left_out.frozen) == (9, (start + timedelta(days=gap),))


def test_several_years_away_end_it_quickly_and_kindly() -> None:
    """The best one is kept."""
    streak = day_by_day("2026-03-02", 12)
    at = local("2031-05-01T12:00")
    assert running(streak, at, BERLIN) == 0
    assert not ends_today(streak, at, BERLIN)
    again = learnt(streak, at, BERLIN)
    assert (again.days, again.best, again.frozen) == (1, 12, ())


def test_a_clock_that_goes_back_changes_nothing() -> None:
    """A turn of last week that comes late neither counts nor ends anything."""
    streak = day_by_day("2026-03-02", 5)
    late = learnt(streak, local("2026-03-01T12:00"), BERLIN)
    assert (late.days, late.last, late.at) == (streak.days, streak.last, streak.at)


@given(st.lists(st.integers(0, 3 * 24 * 60), max_size=60), st.sampled_from([BERLIN, ANGELES, TOKYO]))
def test_days_frozen_and_days_learnt_never_overlap(minutes: list[int], zone: ZoneInfo) -> None:
    """At home: days learnt and days frozen in a row end today, at most two frozen a month, the best never falls."""
    at, streak = local("2026-01-01T12:00"), None
    for each in minutes:
        at += timedelta(minutes=each)
        before, streak = streak, learnt(streak, at, zone)
        today = at.astimezone(zone).date()
        assert 0 <= (today - streak.last).days <= 1
        assert streak.best >= streak.days >= 1
        assert before is None or streak.best >= before.best
        assert streak.last not in streak.frozen
        months = [(day.year, day.month) for day in streak.frozen]
        assert all(months.count(month) <= FREEZES for month in months)
        assert running(streak, at, zone) == streak.days
        assert 0 <= freezes_left(streak, at, zone) <= FREEZES
