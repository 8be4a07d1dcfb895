"""Turns without end for the tests that kill something in the middle, and the auditor who looks at what is left.

Turn n of a student writes n everywhere: into the conversation, a new attempt, the session, the outbox, and it moves the
student's one nudge from row to row. So whatever stands there must agree. As a program (`python -m tests.turns URL`) it
prints each turn once it is acknowledged.
"""

import asyncio
import sys
from datetime import timedelta
from typing import Any

from bot.documents import InterviewSession, LearningProgress, Write, insert, new_id, update
from bot.ports import StaleConversation, Store, StoreUnavailable
from storage import store_for
from tests.documents import AT, an_id, attempt, conversation, delivery, row, session

STUDENTS = [an_id(f"student {number}") for number in range(8)]
AFTER_ALL = AT + timedelta(days=36_500)


async def turns(store: Store, student: str, acknowledged: dict[str, int], stop: asyncio.Event) -> None:
    """One turn after the other; a database that is away is waited for, as the shell does."""
    while not stop.is_set():
        try:
            record = await store.load(student)
            version = (record.version if record else 0) + 1
            acknowledged[student] = await store.commit(
                student,
                conversation(student, note=str(version)),
                expected=version - 1,
                writes=_writes(student, version),
                deliveries=[delivery(str(version))],
                wake_at=AT + timedelta(seconds=version),
            )
        except StaleConversation:
            continue  # committed by somebody else, or by ourselves just before the answer was lost
        except StoreUnavailable:
            await asyncio.sleep(0.05)


async def audit(store: Store, acknowledged: dict[str, int]) -> int:
    """Nothing acknowledged is lost, nothing is half-written or written twice. Gives the number of turns found."""
    versions = {}
    for student in STUDENTS:
        record = await store.load(student)
        versions[student] = record.version if record else 0
        assert versions[student] >= acknowledged.get(student, 0)
        if record:
            assert record.conversation.zone_hint == str(record.version)
    attempts = await _by_student(store, "interview_attempts")
    sessions = await _by_student(store, "interview_sessions")
    rows = await _by_student(store, "learning_progress")
    outboxes = await _by_student(store, "conversations")
    for student, version in versions.items():
        everything = list(map(str, range(1, version + 1)))
        assert sorted(one["student_answer"] for one in attempts.get(student, [])) == sorted(everything)
        assert [one["current_round"] for one in sessions.get(student, [])] == [version] * bool(version)
        assert [out["id"] for one in outboxes.get(student, []) for out in one["outbox"]] == everything
        nudges = [one["next_nudge_at"] for one in rows.get(student, []) if one["next_nudge_at"]]
        assert nudges == [_nudge(version)] * bool(version)
    due = await store.due(at=AFTER_ALL, lease=timedelta(minutes=1), limit=100, claim=False)
    told = sorted((one.student, bool(one.row), one.due) for one in due)
    expected = [
        (student, is_row, _nudge(version) if is_row else AT + timedelta(seconds=version))
        for student, version in versions.items()
        for is_row in (False, True)
        if version
    ]
    assert told == sorted(expected)
    return sum(versions.values())


def _writes(student: str, version: int) -> list[Write]:
    mine = an_id("session " + student)
    rows = [an_id(f"{side} {student}") for side in "ab"]
    made = attempt("", student, answer=str(version))
    answered = insert(made)
    answered.document["_id"] = new_id(AT, student, str(version))
    if version == 1:
        started = [insert(session("session " + student, student))]
        started += [insert(row(f"{side} {student}", student)) for side in "ab"]
    else:
        started = []
    return [
        *started,
        answered,
        update(InterviewSession, mine, current_round=version),
        update(LearningProgress, rows[version % 2], next_nudge_at=_nudge(version)),
        update(LearningProgress, rows[1 - version % 2], next_nudge_at=None),
    ]


def _nudge(version: int) -> Any:
    return AT + timedelta(minutes=version)


async def _by_student(store: Store, collection: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    async for document in store.export(collection):
        found.setdefault(str(document["student_id"]), []).append(document)
    return found


class _Aloud(dict[str, int]):
    """Says each turn as soon as it is acknowledged."""

    def __setitem__(self, student: str, version: int) -> None:
        super().__setitem__(student, version)
        print(student, version, flush=True)  # noqa: T201 the parent reads it


async def _main(url: str) -> None:
    store = store_for(url)
    await store.open()
    aloud, never = _Aloud(), asyncio.Event()
    await asyncio.gather(*(turns(store, student, aloud, never) for student in STUDENTS))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
