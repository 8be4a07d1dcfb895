"""Days in a row on which a student learnt something. Pure; days are local, an hour after midnight still counts back."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

GRACE = timedelta(hours=1)  # after midnight: who finishes at 00:40 has not lost the day
FREEZES = 2  # a calendar month: a day missed without losing the streak
_TRAVEL = timedelta(hours=36)  # between two days' learning; a date skipped by flying east is no day missed


class Streak(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`days`: in a row up to `last`, a local date. `at`: the instant of the last one. `frozen`: days missed that a
    freeze took, of this month and the last."""

    days: int
    last: date
    at: datetime
    best: int = 0
    frozen: tuple[date, ...] = ()


def learnt(streak: Streak | None, at: datetime, zone: ZoneInfo) -> Streak:
    """After something was learnt at `at`."""
    today = at.astimezone(zone).date()
    if streak is None:
        return Streak(days=1, last=today, at=at, best=1)
    early = (at - GRACE).astimezone(zone).date()  # in the first hour: yesterday, if that day is still open
    day = early if streak.last < early < today else today
    if day <= streak.last:  # the same day, or a clock or a flight that goes back
        return replace(streak, at=max(at, streak.at))
    alive = kept(streak, day - timedelta(days=1), at)
    if alive is None:
        return replace(streak, days=1, last=day, at=at, frozen=_recent(streak.frozen, day))
    days = alive.days + 1
    return replace(alive, days=days, last=day, at=at, best=max(days, alive.best))


def kept(streak: Streak, until: date, at: datetime) -> Streak | None:
    """The streak with freezes taken for the days missed up to `until`; None when they do not suffice."""
    missed = [streak.last + timedelta(days=n) for n in range(1, (until - streak.last).days + 1)]
    if not missed or at - streak.at < _TRAVEL:
        return streak
    if len(missed) > 2 * FREEZES:  # spares counting a year's days
        return None
    frozen = [*streak.frozen]
    for day in missed:
        if sum((each.year, each.month) == (day.year, day.month) for each in frozen) >= FREEZES:
            return None
        frozen.append(day)
    return replace(streak, frozen=_recent(frozen, until))


def running(streak: Streak | None, at: datetime, zone: ZoneInfo) -> int:
    """Days in a row as they stand now: 0 once a day was missed that no freeze takes."""
    if streak is None:
        return 0
    yesterday = (at - GRACE).astimezone(zone).date() - timedelta(days=1)
    return streak.days if kept(streak, yesterday, at) is not None else 0


def ends_today(streak: Streak | None, at: datetime, zone: ZoneInfo) -> bool:
    """Whether it runs, nothing was learnt today, and no freeze is left to take the day."""
    if streak is None or not running(streak, at, zone):
        return False
    today = at.astimezone(zone).date()
    return streak.last < today and kept(streak, today, at + _TRAVEL) is None


def freezes_left(streak: Streak | None, at: datetime, zone: ZoneInfo) -> int:
    """Of this calendar month."""
    today = at.astimezone(zone).date()
    taken = streak.frozen if streak else ()
    return FREEZES - sum((each.year, each.month) == (today.year, today.month) for each in taken)


def _recent(days: tuple[date, ...] | list[date], today: date) -> tuple[date, ...]:
    return tuple(each for each in days if today - each <= timedelta(days=62))
