"""What a phrase says of when reminders are wanted."""

import pytest

from bot.times import Wanted, hours_a_week, no_hour, wanted


@pytest.mark.parametrize(
    ("words", "hour"),
    [
        ("19", 19),
        ("7 pm", 19),
        ("7 p.m.", 19),
        ("at 7pm", 19),
        ("seven pm", 19),
        ("12 am", 0),
        ("12pm", 12),
        ("noon", 12),
        ("0", 0),
        ("8 in the morning", 8),
        ("remind me at 9 in the evening", 21),
        ("in the evening at 9", 21),
        ("in the evening", 19),
        ("every evening", 19),
    ],
)
def test_an_hour_alone(words: str, hour: int) -> None:
    """Hours as people type and say them."""
    assert wanted(words) == Wanted(hours=(hour,))


@pytest.mark.parametrize(
    ("words", "hour"),
    [
        ("19:30", 19),
        ("19.30", 19),
        ("7.30 pm", 19),
        ("half past 7 pm", 19),
        ("half past 7 in the evening", 19),
        ("in the evening at 7:30", 19),
        ("quarter to 8 pm", 19),
        ("quarter to nine pm", 20),
    ],
)
def test_minutes_are_cut_and_it_shows(words: str, hour: int) -> None:
    """The full hour at or before."""
    assert wanted(words) == Wanted(hours=(hour,), cut=True)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("daily", Wanted(a_day=1, every=1)),
        ("twice", Wanted(a_day=2, every=1)),
        ("2 times a day", Wanted(a_day=2, every=1)),
        ("three times", Wanted(a_day=3, every=1)),
        ("no more than once a day", Wanted(a_day=1, every=1)),
        ("every two days", Wanted(a_day=1, every=2)),
        ("every other day", Wanted(a_day=1, every=2)),
        ("remind me every 3rd day", Wanted(a_day=1, every=3)),
        ("once every 3 days", Wanted(a_day=1, every=3)),
        ("once a week", Wanted(a_day=1, every=7, days="0123456")),
        ("weekly", Wanted(a_day=1, every=7)),
        ("every two weeks", Wanted(a_day=1, every=7)),
        ("twice a week", Wanted(a_day=1, every=1, days="03")),
        ("5 days a week", Wanted(a_day=1, every=1, days="01234")),
        ("on weekdays", Wanted(days="01234")),
        ("only on weekends", Wanted(days="56")),
        ("every monday", Wanted(days="0")),
        ("monday to friday", Wanted(days="01234")),
        ("dont remind me on sundays", Wanted(without="6")),
        ("off on sundays", Wanted(without="6")),
        ("sundays off", Wanted(without="6")),
        ("every day but sunday", Wanted(a_day=1, every=1, days="0123456", without="6")),
        ("never", Wanted(off=True)),
    ],
)
def test_how_often_and_on_which_days(words: str, found: Wanted) -> None:
    """A rhythm, weekdays, or which ones not."""
    assert wanted(words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("weekdays at 20:00", Wanted(hours=(20,), days="01234")),
        ("mon wed fri 20:00", Wanted(hours=(20,), days="024")),
        ("7pm weekdays", Wanted(hours=(19,), days="01234")),
        ("every 2 days at 6 pm", Wanted(hours=(18,), a_day=1, every=2)),
        ("weekdays at 8 pm, not on friday", Wanted(hours=(20,), days="01234", without="4")),
        ("reminders at 8 and 20", Wanted(hours=(8, 20), a_day=2, every=1)),
        ("half past 7", Wanted(hours=(7,), spoken=True, cut=True)),
    ],
)
def test_all_of_a_phrase_is_taken(words: str, found: Wanted) -> None:
    """Days, rhythm and hour out of one phrase."""
    assert wanted(words) == found


@pytest.mark.parametrize(
    "words",
    [
        "at 9 on the moon", "25:00", "24", "13 pm", "19:75", "99", "-", "", "19:000", "123", "10 times a day", "1:2:3",
        "every 9999 days", "dont remind me at 9", "not every day", "tomorrow at 6pm", "if you like", "twice at the moon", "0 times",
        "in 2 hours", "remind me in 1h",
    ],
)  # fmt: skip
def test_a_phrase_with_a_rest_is_not_taken_at_all(words: str) -> None:
    """What is not understood to its last word changes nothing."""
    assert wanted(words) is None


@pytest.mark.parametrize(
    ("words", "hour"),
    [
        ("25:00", "25:00"), ("weekdays at 25:00", "25:00"), ("13 pm", "13 pm"), ("at 19:75", "19:75"), ("31", "31"), ("at 31", "31"),
        ("at 9 on the moon", None), ("30 times a day", None), ("every 9999 days", None), ("at 19:00", None), ("-", None),
    ],
)  # fmt: skip
def test_a_time_no_clock_shows_is_named(words: str, hour: str | None) -> None:
    assert no_hour(words) == hour


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("5", 5),
        ("five hours a week", 5),
        ("7,5 h", 7.5),
        ("1,000", 1000),
        ("1,000 hours", 1000),
        ("2 hours a day", 14),
        ("2 hours a day on weekdays", 10),
        ("2 hours a day, only on weekdays", 10),
        ("1 hour every day monday to friday", 5),
        ("2 hours a day on weekends", 4),
        ("1 hour a day", 7),
        ("an hour a day", 7),
        ("half an hour a day", 3.5),
        ("30 min a day", 3.5),
        ("2h per day", 14),
        ("1 hour on weekdays", 5),
        ("2 hours daily", 14),
        ("1e9", None),
        ("many", None),
        ("-3", -3),
    ],
)
def test_hours_a_week_however_they_are_counted(words: str, hours: float | None) -> None:
    """A day has seven of them, a working day five; a comma may group thousands."""
    assert hours_a_week(words) == hours
