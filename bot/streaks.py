"""Days in a row on which a student learnt something. Pure; days are local, an hour after midnight still counts back."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

GRACE = timedelta(hours=1)  # after midnight: who finishes at 00:40 has not lost the day
AHEAD = timedelta(weeks=2)  # of a turn that comes late; a last day further ahead is a clock's that was wrong
FREEZES = 2  # a calendar month: a day missed without losing the streak


class Streak(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`days`: in a row up to `last`, a local date. `at`, `zone`: of the last learning. `frozen`: days missed that a
    freeze took, of this month and the last."""

    days: int
    last: date
    at: datetime
    best: int = 0
    frozen: tuple[date, ...] = ()
    zone: str = ""


def learnt(streak: Streak | None, at: datetime, zone: ZoneInfo) -> Streak:
    """After something was learnt at `at`."""
    today = at.astimezone(zone).date()
    if streak is None:
        return Streak(days=1, last=today, at=at, best=1, zone=zone.key)
    if streak.last > today + AHEAD:
        return replace(streak, last=today, at=at, zone=zone.key)
    early = (at - GRACE).astimezone(zone).date()  # in the first hour: yesterday, if that day is still open
    day = early if streak.last < early < today else today
    if day <= streak.last:  # the same day, or a clock or a flight that goes back
        return replace(streak, at=max(at, streak.at), zone=zone.key)
    alive = kept(streak, day - timedelta(days=1), at)
    now = replace(alive or replace(streak, days=0), last=day, at=at, zone=zone.key)
    return replace(now, days=now.days + 1, best=max(now.days + 1, now.best), frozen=_recent(now.frozen, day))


def kept(streak: Streak, until: date, at: datetime) -> Streak | None:
    """The streak with freezes taken for the days missed up to `until`; None when they do not suffice. Missed is what
    has passed at `at` on the clock they had, too: a date skipped by flying over the date line is not."""
    if streak.zone:
        until = min(until, (at - GRACE).astimezone(ZoneInfo(streak.zone)).date() - timedelta(days=1))
    missed = [streak.last + timedelta(days=n) for n in range(1, (until - streak.last).days + 1)]
    if len(missed) > 2 * FREEZES:  # spares counting a year's days
        return None
    frozen = [*streak.frozen]
    for day in missed:
        if _of_month(frozen, day) >= FREEZES:
            return None
        frozen.append(day)
    return replace(streak, frozen=tuple(frozen))


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
    tomorrow = at + timedelta(days=1) + 2 * GRACE  # and past its grace, even if today has 25 hours
    return streak.last < today and kept(streak, today, tomorrow) is None


def freezes_left(streak: Streak | None, at: datetime, zone: ZoneInfo) -> int:
    """Of this calendar month; one that yesterday needs counts as taken."""
    if streak is None:
        return FREEZES
    yesterday = (at - GRACE).astimezone(zone).date() - timedelta(days=1)
    taken = (kept(streak, yesterday, at) or streak).frozen
    return FREEZES - _of_month(taken, at.astimezone(zone).date())


def _of_month(days: Iterable[date], day: date) -> int:
    return sum((each.year, each.month) == (day.year, day.month) for each in days)


def _recent(days: tuple[date, ...], today: date) -> tuple[date, ...]:
    return tuple(each for each in days if today - each <= timedelta(days=62))
