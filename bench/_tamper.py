"""Faults put into the diaries of a term, one of each kind, so that it is known that the checks see them.

Each gives part of the sentence that has to come. Raises LookupError where a term is too short to have what it spoils.
"""

import copy
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bench._diary import Diary, Did, Fell, Saw, Stored, Term, Turned
from bot.documents import Insert

T = TypeVar("T")


def tampered(term: Term, name: str) -> tuple[Term, str]:
    """The term with this fault, and part of what has to be said of it."""
    spoilt = copy.deepcopy(term)
    return spoilt, TAMPERS[name](spoilt)


def _of(term: Term, kind: type[T]) -> Iterator[tuple[Diary, T]]:
    return ((diary, each) for diary in term.diaries for each in diary.entries if isinstance(each, kind))


def _first(found: Iterator[T]) -> T:
    one = next(found, None)
    if one is None:
        raise LookupError("nothing of this kind happened")
    return one


def _nudges(term: Term) -> Iterator[tuple[Diary, Saw]]:
    return ((diary, saw) for diary, saw in _of(term, Saw) if saw.kind == "nudge" and not saw.unseen)


def _deciding(diary: Diary, saw: Saw) -> Turned:
    return next(each for each in diary.entries if isinstance(each, Turned) and saw.id in each.nudges)


def in_quiet_hours(term: Term) -> str:
    """A nudge at half past three in the morning."""
    diary, saw = _first(_nudges(term))
    standing = _deciding(diary, saw).standing
    standing.profile = replace(standing.profile, zone=standing.zone)
    local = saw.at.astimezone(ZoneInfo(standing.zone))
    saw.at = local.replace(hour=3, minute=30).astimezone(saw.at.tzinfo)
    return "in quiet hours"


def on_a_wrong_day(term: Term) -> str:
    """A nudge to somebody who wants none on any day."""
    diary, saw = _first(_nudges(term))
    standing = _deciding(diary, saw).standing
    standing.profile = replace(standing.profile, nudge_days="")
    return "no day of theirs"


def too_many(term: Term) -> str:
    """A second nudge within a minute."""
    diary, saw = _first(_nudges(term))
    turned = _deciding(diary, saw)
    other = copy.deepcopy(saw)
    other.id = other.id[::-1]
    turned.nudges = (*turned.nudges, other.id)
    again = copy.deepcopy(turned)
    again.nudges = (other.id,)
    again.writes = tuple(
        Insert(collection=each.collection, document={**each.document, "_id": each.document["_id"][::-1]})
        for each in turned.writes
        if isinstance(each, Insert) and each.collection == "nudges"
    )
    place = diary.entries.index(saw)
    diary.entries[place + 1 : place + 1] = [again, other]
    return "a day are wanted"


def doubled(term: Term) -> str:
    """One nudge on the screen twice."""
    diary, saw = _first(_nudges(term))
    diary.entries.insert(diary.entries.index(saw), copy.deepcopy(saw))
    return "shown 2 times"


def lost(term: Term) -> str:
    """One that was decided on and never came."""
    diary, saw = _first(_nudges(term))
    diary.entries.remove(saw)
    return "shown 0 times"


def passed_over(term: Term) -> str:
    """A row that was due, and no turn for it."""
    diary, fell = _first(_of(term, Fell))
    diary.entries = [each for each in diary.entries if not isinstance(each, Turned) or each.mark != fell.mark]
    return "0 turns answered that"


def put_off_for_nothing(term: Term) -> str:
    """A row that was due, and its nudge left out of its turn."""
    diary, saw = _first(_nudges(term))
    _deciding(diary, saw).nudges = ()
    diary.entries.remove(saw)
    return "without any reason"


def never_again(term: Term) -> str:
    """Somebody on a path whom nothing waits for."""
    diary, saw = _first(_nudges(term))
    standing = _deciding(diary, saw).standing
    standing.waiting = standing.queued = ()
    return "no nudge waits"


def unswept(term: Term) -> str:
    """A row with a time that no sweep would find."""
    diary, saw = _first(_nudges(term))
    _deciding(diary, saw).standing.queued = ()
    return "rows have a time"


def no_backing_off(term: Term) -> str:
    """Nobody ever answers, and nudges come as if they did."""
    for diary in term.diaries:
        diary.entries = [each for each in diary.entries if not isinstance(each, Did)]
    return "unanswered"


def caught_up_twice(term: Term) -> str:
    """Two nudges right after the outage."""
    diary = _first(d for d in term.diaries if sum(each.kind == "nudge" for each in d.shown()) > 1)
    for place, saw in enumerate([each for each in diary.shown() if each.kind == "nudge"][:2]):
        saw.at = term.outage[1] + timedelta(minutes=place)
    return "to catch up"


def wrong_record(term: Term) -> str:
    """The log says that a nudge was opened when it was not."""
    diary, _ = _first(_nudges(term))
    diary.final["nudges"][0]["opened_at"] = term.end.isoformat()
    return "the log has opened_at"


def _path(term: Term, change: Callable[[dict[str, Any]], None]) -> None:
    """The last version of a path with something done, changed."""
    stored = [
        each
        for _, each in _of(term, Stored)
        if any(one["completed"] for stage in each.document()["stages"] for one in stage["resources"])
    ]
    if not stored:
        raise LookupError("no resource was done")
    document = stored[-1].document()
    change(document)
    stored[-1].packed = Stored.of(stored[-1].at, msgspec.json.encode(document).decode()).packed


def path_of_another_type(term: Term) -> str:
    """A percentage in words."""
    _path(term, lambda path: path["progress"].update(completion_percentage="12"))
    return "no int"


def path_that_counts_wrong(term: Term) -> str:
    """A percentage more."""
    _path(term, lambda path: path["progress"].update(completion_percentage=99))
    return "by its own word"


def path_that_forgets(term: Term) -> str:
    """What was done, and is not."""

    def change(path: dict[str, Any]) -> None:
        for stage in path["stages"]:
            for each in stage["resources"]:
                each.update(completed=False, completed_at=None)

    _path(term, change)
    return "was completed and is not any more"


def path_complete_without_a_date(term: Term) -> str:
    """A stage that is completed at no time."""
    _path(term, lambda path: path["stages"][0].update(status="completed", completed_at=None))
    return "with completed_at None"


def path_unlike_its_rows(term: Term) -> str:
    """Minutes that nobody spent."""
    _path(term, lambda path: path["progress"].update(time_spent_minutes=9_999))
    return "9999 minutes spent"


def card_due_too_late(term: Term) -> str:
    """A card a day later than FSRS has it."""
    cards = (
        fields["card"]
        for _, turned in _of(term, Turned)
        for write in turned.writes
        if (fields := write.document if isinstance(write, Insert) else write.fields).get("card")
    )
    card = _first(cards)
    card["due"] = (datetime.fromisoformat(card["due"]) + timedelta(days=1)).isoformat()
    return "FSRS says"


def card_asked_too_early(term: Term) -> str:
    """A review on the screen whose card was rescheduled just before."""
    for diary in term.diaries:
        places = [n for n, each in enumerate(diary.entries) if isinstance(each, Saw) and _is_review(each)]
        for place in places:
            answered = [
                n for n, e in enumerate(diary.entries[place:], place) if isinstance(e, Turned) and _rates(e)
            ]
            if answered:
                diary.entries.insert(answered[0] + 1, copy.deepcopy(diary.entries[place]))
                return "is asked, and not due"
    raise LookupError("no review was answered")


def _is_review(saw: Saw) -> bool:
    return any(each.startswith("pick:") and ".r" in each for each in saw.choices)


def _rates(turned: Turned) -> bool:
    return any(not isinstance(each, Insert) and "card" in each.fields for each in turned.writes)


def streak_of_a_day_more(term: Term) -> str:
    """A day in a row that nobody learnt on."""
    _, turned = _first((d, t) for d, t in _of(term, Turned) if t.standing.streak is not None)
    streak = turned.standing.streak
    assert streak is not None
    turned.standing.streak = replace(streak, days=streak.days + 1)
    return "counted again it is"


def _attempts(term: Term) -> Iterator[list[dict[str, Any]]]:
    return (
        write.fields["attempts"]
        for _, turned in _of(term, Turned)
        for write in turned.writes
        if not isinstance(write, Insert) and write.fields.get("attempts")
    )


def answered_twice(term: Term) -> str:
    """Two answers by one press."""
    attempts = _first(each for each in _attempts(term) if len(each[-1]["answers"]) == 1)
    attempts[-1]["answers"] *= 3
    return "was given twice"


def scored_wrong(term: Term) -> str:
    """A point more than was answered."""
    attempt = _first(each[-1] for each in _attempts(term) if each[-1]["score"] is not None)
    attempt["score"] += 1
    return "right and the score"


def retried_with_the_same(term: Term) -> str:
    """A second attempt that asks what the first did."""
    attempts = _first(_attempts(term))
    attempts.append({**attempts[-1], "number": attempts[-1]["number"] + 1})
    return "asks a question of the one before"


TAMPERS: dict[str, Callable[[Term], str]] = {
    each.__name__: each
    for each in (
        in_quiet_hours,
        on_a_wrong_day,
        too_many,
        doubled,
        lost,
        passed_over,
        put_off_for_nothing,
        never_again,
        unswept,
        no_backing_off,
        caught_up_twice,
        wrong_record,
        path_of_another_type,
        path_that_counts_wrong,
        path_that_forgets,
        path_complete_without_a_date,
        path_unlike_its_rows,
        card_due_too_late,
        card_asked_too_early,
        streak_of_a_day_more,
        answered_twice,
        scored_wrong,
        retried_with_the_same,
    )
}
