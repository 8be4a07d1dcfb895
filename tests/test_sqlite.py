"""What only the SQLite store has: the file, its locks, the one writer."""

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.documents import COLLECTIONS, insert
from bot.events import Identity
from bot.ports import StaleConversation, StoreUnavailable
from storage.sqlite import LAYOUT, RIDE, SqliteStore
from tests.documents import ANN, AT, HOUR, an_id, attempt, conversation, delivery, row, session
from tests.turns import STUDENTS, audit, turns
from tests.waiting import until

ROOT = Path(__file__).parent.parent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "viva.db"


@pytest_asyncio.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(file, patience=0.2)
    await store.open()
    yield store
    await store.close()


def a_process(file: Path) -> subprocess.Popen[str]:
    """One that does turns until it is killed, saying which were acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.turns", f"sqlite:///{file}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed(process: subprocess.Popen[str]) -> dict[str, int]:
    process.kill()
    said, _ = process.communicate()
    lines = [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]
    return {student: int(version) for student, version in lines}


async def test_a_process_killed_at_any_instant_loses_nothing_it_acknowledged(file: Path) -> None:
    """kill -9 in the middle of turns, again and again on one file: no turn lost, none half there, none twice."""
    chance = random.Random(4)
    found = 0
    for _ in range(5):
        process = a_process(file)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)  # it has begun
        time.sleep(chance.uniform(0.0, 0.3))  # noqa: ASYNC251 nothing else runs here
        acknowledged = killed(process)
        store = SqliteStore(file)
        await store.open()
        now = await audit(store, acknowledged)
        await store.close()
        assert now > found
        found = now


async def test_two_processes_on_one_file_do_not_disturb_each_other(file: Path, store: SqliteStore) -> None:
    process = a_process(file)
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)
    acknowledged: dict[str, int] = {}
    stop = asyncio.Event()
    ours = asyncio.gather(*(turns(store, student, acknowledged, stop) for student in STUDENTS))
    await until(lambda: len(acknowledged) >= len(STUDENTS) // 2)
    stop.set()
    await ours
    theirs = killed(process)
    assert theirs
    either = {one: max(acknowledged.get(one, 0), theirs.get(one, 0)) for one in STUDENTS}
    assert await audit(store, either) > 0


async def test_a_file_somebody_else_holds_is_unavailable_until_they_let_go(
    file: Path, store: SqliteStore
) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.commit(ANN, conversation(), expected=0)
    assert await store.load(ANN) is None  # reading goes on meanwhile
    other.execute("ROLLBACK")
    other.close()
    assert await store.commit(ANN, conversation(), expected=0) == 1


async def test_a_file_taken_away_is_noticed_before_a_turn_is_acknowledged(
    file: Path, store: SqliteStore
) -> None:
    """The open file would still take turns, and they would be gone at the next start."""
    away = file.rename(file.with_suffix(".away"))  # noqa: ASYNC240 takes no time
    with pytest.raises(StoreUnavailable, match="No such file"):
        await store.commit(ANN, conversation(), expected=0)
    file.touch()  # noqa: ASYNC240 as above
    with pytest.raises(StoreUnavailable, match="another file"):
        await store.commit(ANN, conversation(), expected=0)
    away.rename(file)
    assert await store.commit(ANN, conversation(), expected=0) == 1


async def test_a_full_disk_refuses_turns_and_breaks_none(store: SqliteStore) -> None:
    """Turns that do not fit are unavailable, those before stay, and those after go through once there is room."""
    await store.commit(ANN, conversation(note="kept"), expected=0)

    def allow(pages: int) -> Any:
        return lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    (pages,) = await store._write(lambda db: db.execute("PRAGMA page_count").fetchone())
    await store._write(allow(pages))
    answer = insert(attempt("a", answer="x" * 100_000))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="full"):
            await store.commit(ANN, conversation(), expected=1, writes=[answer])
    record = await store.load(ANN)
    assert record is not None
    assert (record.version, record.conversation.zone_hint) == (1, "kept")
    await store._write(allow(1_000_000))
    assert await store.commit(ANN, conversation(), expected=1, writes=[answer]) == 2


async def test_what_is_no_database_of_ours_is_left_alone(tmp_path: Path) -> None:
    """A text file, a folder, a file of a newer Viva: said, not touched."""
    text = tmp_path / "notes.txt"
    text.write_text("Dear diary, " * 100)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as db:
        db.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    db.close()
    for path, reason in ((text, "not a database"), (tmp_path, "unable to open"), (newer, "newer Viva")):
        store = SqliteStore(path)
        with pytest.raises(StoreUnavailable, match=reason):
            await store.open()
        await store.close()
    assert text.read_text() == "Dear diary, " * 100


async def test_a_file_of_the_first_layout_is_taken_over(file: Path) -> None:
    """What was looked up in the documents' JSON stands in columns now; nothing is lost, and turns go on."""
    answered = insert(attempt("a1", ANN)).document
    with sqlite3.connect(file) as old:
        old.executescript(f"""
            CREATE TABLE conversations (student TEXT PRIMARY KEY, v INTEGER NOT NULL, version INTEGER NOT NULL,
                state TEXT NOT NULL, work INTEGER NOT NULL, wake_at INTEGER);
            CREATE TABLE interview_attempts (id TEXT PRIMARY KEY, document TEXT NOT NULL);
            CREATE INDEX interview_attempts_student ON interview_attempts
                (json_extract(document, '$.student_id'), json_extract(document, '$.created_at'));
            CREATE TABLE learning_progress (id TEXT PRIMARY KEY, document TEXT NOT NULL);
            CREATE UNIQUE INDEX one_nudge_a_student ON learning_progress (json_extract(document, '$.student_id'))
                WHERE json_extract(document, '$.next_nudge_at') IS NOT NULL;
            INSERT INTO conversations VALUES ('{ANN}', 1, 4, '{{"student":"{ANN}","created_at":
                "2026-03-01T09:00:00Z","recent":["AAAAAAAA","BBBBBBBB"]}}', 0, NULL);
            PRAGMA user_version = 1;""")
        old.execute("INSERT INTO interview_attempts VALUES (?, ?)", (answered["_id"], json.dumps(answered)))
    old.close()
    for version in (4, 5):
        store = SqliteStore(file)
        await store.open()
        record = await store.load(ANN)
        assert record is not None
        assert (record.version, record.conversation.recent) == (version, "AAAAAAAABBBBBBBB")
        known = await store.known(ANN, frozenset({"asked"}), at=AT)
        assert known.asked == {answered["question_id"]}
        await store.commit(ANN, record.conversation, expected=version, wake_at=AT)
        await store.close()


async def test_only_the_owner_may_read_what_students_wrote(file: Path, store: SqliteStore) -> None:
    await store.commit(ANN, conversation(), expected=0)
    for suffix in ("", "-wal", "-shm"):
        assert stat.S_IMODE(os.stat(f"{file}{suffix}").st_mode) == 0o600  # noqa: PTH116 a suffix of a suffix


async def test_an_erased_student_cannot_be_found_in_the_bytes_of_the_file(
    file: Path, store: SqliteStore
) -> None:
    """Not in free pages, not in the write-ahead log."""
    for version in range(30):
        answer = insert(attempt(f"a{version}", answer=f"my secret answer {version} " * 50))
        note = f"my secret note {version}"
        await store.commit(ANN, conversation(note=note), expected=version, writes=[answer])

    def bytes_with(words: bytes) -> list[str]:
        return [one.name for one in file.parent.iterdir() if words in one.read_bytes()]

    assert bytes_with(b"my secret")
    await store.erase(ANN)
    assert bytes_with(b"my secret") == bytes_with(ANN.encode()) == []


async def test_closing_finishes_what_was_asked_before_and_tells_who_comes_after(store: SqliteStore) -> None:
    asked = [asyncio.ensure_future(store.commit(one, conversation(one), expected=0)) for one in STUDENTS]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await store.commit(ANN, conversation(), expected=0)
    assert await asyncio.gather(*asked) == [1] * len(STUDENTS)
    await closing


async def test_a_mistake_in_a_statement_is_not_called_unavailable(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await store._write(lambda db: db.execute("SELECT * FROM nonsense"))
    assert await store.commit(ANN, conversation(), expected=0) == 1


async def test_turns_that_wait_together_share_one_commit(store: SqliteStore) -> None:
    said: list[str] = []
    await store._write(lambda db: db.connection.set_trace_callback(said.append))
    students = [an_id(str(number)) for number in range(200)]
    await asyncio.gather(*(store.commit(one, conversation(one), expected=0) for one in students))
    assert 1 <= said.count("COMMIT") <= 20


async def test_a_mistake_takes_back_its_own_job_and_no_other(store: SqliteStore) -> None:
    """Jobs that share its transaction are done, before it and after it; what it had written is gone."""

    def mistaken(db: Any) -> None:
        db.execute("INSERT INTO bookmarks VALUES ('half', 'done')")
        raise RuntimeError("in the middle")

    def one(student: str) -> Any:
        return store.commit(student, conversation(student), expected=0)

    jobs = [one(STUDENTS[0]), store._write(mistaken), one(STUDENTS[1]), one(STUDENTS[0])]
    first, error, second, stale = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, second) == (1, 1)
    assert isinstance(error, RuntimeError)
    assert isinstance(stale, StaleConversation)
    assert await store.get("half") is None


async def test_what_is_settled_rides_with_the_next_turn_and_with_none_goes_soon(
    file: Path, store: SqliteStore
) -> None:
    """It takes no transaction of its own while turns come; closing leaves none behind."""
    said: list[str] = []

    def outbox() -> list[str]:
        with contextlib.closing(sqlite3.connect(file)) as other:
            return [found for (found,) in other.execute("SELECT id FROM outbox ORDER BY position")]

    deliveries = [delivery("d1"), delivery("d2"), delivery("d3")]
    await store.commit(ANN, conversation(), expected=0, deliveries=deliveries)
    await store._write(lambda db: db.connection.set_trace_callback(said.append))
    await store.settle(ANN, sent=["d1"])
    await store.commit(ANN, conversation(), expected=1)
    assert outbox() == ["d2", "d3"]
    assert said.count("BEGIN IMMEDIATE") == 1
    await store.settle(ANN, sent=["d2"])
    await until(lambda: outbox() == ["d3"], every=RIDE / 5)
    await store.settle(ANN, sent=["d3"])
    await store.close()
    assert outbox() == []


async def test_a_settling_that_fails_is_logged_and_stops_nobody(
    file: Path, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.commit(ANN, conversation(), expected=0, deliveries=[delivery("d1")])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await store.settle(ANN, sent=["d1"])
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.set("key", "value")
    other.execute("ROLLBACK")
    other.close()
    assert "will be sent again" in caplog.text
    ((_, left),) = await store.pending(["telegram"], work=False, at=AT, lease=HOUR, limit=10)
    assert [each.id for each in left] == ["d1"]


async def test_a_caller_who_stops_waiting_does_not_stop_the_others(store: SqliteStore) -> None:
    """The turn itself is stored all the same."""
    waiting = [asyncio.ensure_future(store.commit(one, conversation(one), expected=0)) for one in STUDENTS]
    await asyncio.sleep(0)
    waiting[0].cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert outcomes[1:] == [1] * (len(STUDENTS) - 1)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert await store.load(STUDENTS[0]) is not None


async def test_no_statement_of_a_turn_or_a_sweep_walks_a_whole_table(store: SqliteStore) -> None:
    """What costs nothing with ten students must cost nothing with a million."""
    said: list[str] = []
    await store._write(lambda db: db.connection.set_trace_callback(said.append))
    assert store._reader is not None
    store._reader.set_trace_callback(said.append)
    await store.student(Identity(platform="telegram", user="81"), new=ANN, at=AT)
    for version in range(2):
        writes = [insert(session()), insert(row("r1", nudge=AT)), insert(row("r2", nudge=AT))]
        await store.commit(
            ANN,
            conversation(),
            expected=version,
            writes=writes,
            deliveries=[delivery(str(version))],
            wake_at=AT,
            work=True,
        )
    await store.load(ANN)
    await store.known(ANN, frozenset({"paths", "reports", "asked"}), at=AT)
    for at in (AT, AT + HOUR):
        await store.due(at=at, lease=HOUR / 2, limit=10)
        await store.pending(["telegram"], work=True, at=at, lease=HOUR / 2, limit=10)
    await store.settle(ANN, sent=["0"], untaken=["1"])
    await store.erase(ANN)
    store._reader.set_trace_callback(None)
    await store._write(lambda db: db.connection.set_trace_callback(None))

    statements = {one for one in said if one.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))}
    assert len(statements) > 30
    large = {*COLLECTIONS, "conversations", "due", "leased"}
    for statement in statements:
        for *_, step in store._reader.execute("EXPLAIN QUERY PLAN " + statement):
            walks = step.startswith("SCAN") and "USING" not in step
            assert not (walks and step.split()[1] in large), (statement, step)


def test_sqlite_alone_imports_no_mongodb(file: Path) -> None:
    """Motor and bson are a fifth of a second that a chat in the terminal does not pay."""
    program = (
        "import asyncio, sys; from storage import store_for; store = store_for(sys.argv[1]);"
        "asyncio.run(store.open()); asyncio.run(store.close());"
        "print(sorted({'motor', 'pymongo', 'bson'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{file}"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
