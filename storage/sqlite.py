# ruff: noqa: S608 tables and expressions are constants of this module and of bot.documents; values are always bound
"""The store in one SQLite file: a table a collection with its documents as JSON text, and small tables that are swept.

Everything is written by one thread, and turns that wait at the same moment share a transaction: one flush to the disk
for all of them. A call returns after the COMMIT; only `settle` does not wait, and rides with the next transaction. Short reads by key happen in the event loop itself (4 us, where a
thread costs 40). Other processes may use the same file: WAL, BEGIN IMMEDIATE and the version check keep them apart.
"""

import asyncio
import contextlib
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import unquote

import msgspec

from bot.conversation import SCHEMA, Conversation, decode, encode
from bot.documents import (
    COLLECTIONS,
    Document,
    Insert,
    InterviewReport,
    LearningPath,
    LearningProgress,
    StudentIdentity,
    Update,
    Write,
    slug_id,
)
from bot.events import Identity
from bot.messages import Delivery
from bot.ports import ASKED_WITHIN, REPORTS_KNOWN, Claimed, Known, Record, StaleConversation, StoreUnavailable
from storage.writes import LAST, NUDGED, prepare, seeding, set_path

T = TypeVar("T")

log = logging.getLogger("viva.store")

LAYOUT = 2  # PRAGMA user_version; of the tables, not of what is in them
BATCH = 256  # turns in one transaction at most; the flush costs as much as 100 turns' statements
RIDE = 0.05  # s what nobody waits for may wait for company; lost by a crash, it is done again
LOCKED = 5.0  # s the writer waits for another process's transaction
READ_LOCKED = 0.25  # s a read may hold the event loop; in WAL a reader only ever waits for recovery
CHUNK = 500  # documents an export reads at once, so that no snapshot keeps the WAL from being taken in

_NUDGE = "json_extract(document, '$.next_nudge_at')"
_KIND = "json_extract(delivery, '$.kind')"

_OF_STUDENT = [name for name, kind in COLLECTIONS.items() if "student_id" in kind.__struct_fields__]

# `due` and `leased` hold everything that has a time, keyed by it: rows of learning_progress (`row`) and wake-ups of
# conversations (`row` empty). A claim moves an entry from the large one to the small one, and touches no document.
_TABLES = [
    """CREATE TABLE IF NOT EXISTS conversations (student TEXT PRIMARY KEY, v INTEGER NOT NULL,
        version INTEGER NOT NULL, state TEXT NOT NULL, work INTEGER NOT NULL, wake_at INTEGER, slept INTEGER)""",
    "CREATE INDEX IF NOT EXISTS conversations_work ON conversations (student) WHERE work",
    """CREATE TABLE IF NOT EXISTS outbox (position INTEGER PRIMARY KEY, student TEXT NOT NULL, id TEXT NOT NULL,
        platform TEXT NOT NULL, tries INTEGER NOT NULL, delivery TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS outbox_student ON outbox (student)",
    "DROP INDEX IF EXISTS outbox_platform",  # until 2026-11
    f"CREATE INDEX IF NOT EXISTS outbox_lane ON outbox ({_KIND}, platform)",
    "CREATE TABLE IF NOT EXISTS leases (student TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS due (at INTEGER NOT NULL, row TEXT NOT NULL, student TEXT NOT NULL,
        PRIMARY KEY (at, row, student)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS leased (at INTEGER NOT NULL, row TEXT NOT NULL, student TEXT NOT NULL,
        until INTEGER NOT NULL, PRIMARY KEY (at, row, student)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS due_waking ON due (at, student) WHERE row = ''",
    "CREATE TABLE IF NOT EXISTS bookmarks (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS leased_until ON leased (until)",
    *(
        f"CREATE TABLE IF NOT EXISTS {name} (id TEXT PRIMARY KEY, document TEXT NOT NULL, student TEXT, created TEXT)"
        for name in COLLECTIONS
    ),
    *(f"CREATE INDEX IF NOT EXISTS {name}_by_student ON {name} (student, created)" for name in _OF_STUDENT),
    f"CREATE UNIQUE INDEX IF NOT EXISTS one_nudge ON {NUDGED} (student) WHERE {_NUDGE} IS NOT NULL",
]

# Each walks an index in its order and stops at the limit: ten thousand that wait cost no more than those that are taken.
_FREE = "NOT EXISTS (SELECT 1 FROM leases WHERE leases.student = waiting.student AND until > :at)"
_WORK = f"SELECT student FROM conversations AS waiting WHERE work AND {_FREE} LIMIT :limit"
_OUT_OF = f"""SELECT position, student FROM outbox AS waiting
    WHERE {_KIND} = :kind AND platform = :platform AND {_FREE} ORDER BY position LIMIT :limit"""

_DUE = "SELECT at, row, student FROM due WHERE at <= :at ORDER BY at, row, student LIMIT :limit"
_WAKING = "SELECT at, row, student FROM due WHERE row = '' AND at <= :at ORDER BY at, student LIMIT :limit"
_ROWS = "SELECT at, row, student FROM due WHERE row > '' AND at <= :at ORDER BY at, row, student LIMIT :limit"
# Without the hint the planner walks the whole table, for that saves it the sorting.
_LAPSED = """SELECT at, row, student FROM leased INDEXED BY leased_until
    WHERE until <= :at ORDER BY at, row, student LIMIT :limit"""
_LAPSED_WAKING = _LAPSED.replace("ORDER BY", "ORDER BY row > '',")

# Primary result codes that mean the file cannot be had now; a wrong statement (SQLITE_ERROR) is not among them.
_AWAY = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}

_paths = msgspec.json.Decoder(LearningPath)
_progress = msgspec.json.Decoder(LearningProgress)
_reports = msgspec.json.Decoder(InterviewReport)


class _Db:
    """A transaction of several jobs. What no job needs the answer of is put off, and done for all of them at once:
    a call costs more than what it does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._later: dict[str, list[tuple[Any, ...]]] = {}
        self._mine: list[tuple[str, tuple[Any, ...]]] = []

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Now, because the answer counts."""
        return self.connection.execute(statement, values)

    def later(self, statement: str, *values: Any) -> None:
        """With this job, before the commit: in order within a statement, in no order between statements."""
        self._mine.append((statement, values))

    def keep(self) -> None:
        """This job is through: what it put off will be done."""
        for statement, values in self._mine:
            self._later.setdefault(statement, []).append(values)
        self._mine.clear()

    def drop(self) -> None:
        """This job did nothing."""
        self._mine.clear()

    def flush(self) -> None:
        """Do what was put off: before the commit, and before a job that reads what others wrote."""
        for statement, values in self._later.items():
            self.connection.executemany(statement, values)
        self._later.clear()


class _Job(NamedTuple):
    run: Callable[[_Db], Any]
    future: asyncio.Future[Any] | None  # None: nobody waits for it


class SqliteStore:
    """`path`: the file; it is made when it is not there, readable by its owner only. `patience`: seconds to wait for
    another process's transaction."""

    def __init__(self, path: Path, *, patience: float = LOCKED) -> None:
        self._path = path.absolute()
        self._patience = patience
        self._reader: sqlite3.Connection | None = None
        self._writer: _Writer | None = None

    @classmethod
    def at(cls, url: str) -> Self:
        """`sqlite:///` and a path; a relative one is seen from the working directory."""
        path = unquote(url.removeprefix("sqlite:///"))
        if not path or path.startswith(":"):
            raise ValueError("DATABASE_URL names no file; for example sqlite:///viva.db")
        return cls(Path(path))

    async def open(self) -> list[str]:
        if self._writer is None:
            await asyncio.to_thread(self._prepare)
        return []

    async def close(self) -> None:
        # First: whoever comes now is told, and does not wait for ever.
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.finish().join)
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def student(self, identity: Identity, *, new: str, at: datetime) -> str:
        key = slug_id("identity", identity.platform, identity.user)
        known = self._read("SELECT student FROM identities WHERE id = ?", key)
        if known:
            return str(known[0][0])
        document = StudentIdentity(
            id=key, platform=identity.platform, user_id=identity.user, student_id=new, created_at=at
        )

        def join(db: _Db) -> str:
            _insert(db, "identities", msgspec.to_builtins(document))
            return str(db.execute("SELECT student FROM identities WHERE id = ?", (key,)).fetchone()[0])

        return await self._write(join)

    async def load(self, student: str) -> Record | None:
        found = self._read("SELECT state, v, version FROM conversations WHERE student = ?", student)
        if not found:
            return None
        state, schema, version = found[0]
        return Record(conversation=decode(state.encode(), schema), version=version)

    async def known(self, student: str, needs: frozenset[str], *, at: datetime) -> Known:
        known = Known()
        if "paths" in needs:
            known = msgspec.structs.replace(
                known,
                paths=tuple(self._of(student, "learning_paths", _paths)),
                progress=tuple(self._of(student, NUDGED, _progress)),
            )
        if "reports" in needs:
            reports = self._of(
                student, "interview_reports", _reports, f"ORDER BY created DESC LIMIT {REPORTS_KNOWN}"
            )
            known = msgspec.structs.replace(known, reports=tuple(reports))
        if "asked" in needs:
            since = msgspec.to_builtins(at - ASKED_WITHIN)
            lately = "WHERE student = ? AND created >= ?"
            asked = self._read(
                f"SELECT json_extract(document, '$.question_id') FROM interview_attempts {lately}",
                student,
                since,
            )
            asked += self._read(
                f"SELECT value FROM interview_sessions, json_each(document, '$.plan') {lately}",
                student,
                since,
            )
            known = msgspec.structs.replace(known, asked=frozenset(question for (question,) in asked))
        return known

    async def commit(
        self,
        student: str,
        conversation: Conversation,
        *,
        expected: int,
        writes: Sequence[Write] = (),
        deliveries: Sequence[Delivery] = (),
        wake_at: datetime | None = None,
        work: bool = False,
        lease_until: datetime | None = None,
    ) -> int:
        version = expected + 1
        state = encode(conversation).decode()
        prepared = prepare(writes, version=version)
        outgoing = [(student, out.id, out.to.platform, out.tries, _json(out)) for out in deliveries]
        wake = _ms(wake_at)

        def turn(db: _Db) -> int:
            slept = _stored(db, student, expected, (SCHEMA, version, state, work, wake))
            if slept is not None or wake is not None:
                _move(db, student, "", slept, wake)
            for each in outgoing:
                db.later(_OUT, *each)
            if lease_until is not None:
                db.later(_LEASED, student, _ms(lease_until))
            for write in prepared:
                _apply(db, write)
            return version

        return await self._write(turn)

    async def settle(
        self,
        student: str,
        *,
        sent: Iterable[str] = (),
        untaken: Iterable[str] = (),
        lease_until: datetime | None = None,
    ) -> None:
        gone, again, until = list(sent), list(untaken), _ms(lease_until) or 0

        def settled(db: _Db) -> None:
            for delivery in gone:
                db.later("DELETE FROM outbox WHERE student = ? AND id = ?", student, delivery)
            for delivery in again:
                db.later("UPDATE outbox SET tries = 0 WHERE student = ? AND id = ?", student, delivery)
            db.later(_LEASED, student, until)

        if self._writer is None:
            raise StoreUnavailable(f"{self._path} is not open")
        self._writer.ride(settled)

    async def pending(
        self,
        platforms: Sequence[str],
        *,
        work: bool,
        nudges: bool = True,
        at: datetime,
        lease: timedelta,
        limit: int,
    ) -> list[tuple[str, list[Delivery]]]:
        def waiting(read: Callable[[str, dict[str, Any]], Iterable[Any]]) -> list[str]:
            wanted = {"at": _ms(at), "limit": limit}
            found = [student for (student,) in read(_WORK, wanted)] if work else []
            for kind in ("reply", "nudge") if nudges else ("reply",):
                if len(found) < limit:
                    each = [wanted | {"kind": kind, "platform": platform} for platform in platforms]
                    found += [
                        student for _, student in sorted(out for one in each for out in read(_OUT_OF, one))
                    ]
            return list(dict.fromkeys(found))[:limit]

        riding = self._writer is not None and self._writer.riders  # they go before the claim
        if not riding and not waiting(self._read):
            return []

        def claim(db: _Db) -> list[tuple[str, list[Delivery]]]:
            db.flush()
            here = _json(platforms)
            return [(student, _take(db, student, here, _ms(at + lease))) for student in waiting(db.execute)]

        return await self._write(claim)

    async def due(self, *, at: datetime, lease: timedelta, limit: int, claim: bool = True) -> list[Claimed]:
        # Nothing due is the usual answer, and needs neither thread nor transaction.
        look = {"at": _ms(at), "limit": limit if not claim else 1}
        found = sorted(self._read(_DUE, look) + self._read(_LAPSED, look))[:limit]
        if claim and found:
            found = await self._write(lambda db: _lease(db, _ms(at), _ms(at + lease), limit))
        return [Claimed(student=student, due=_when(when), row=row) for when, row, student in found]

    async def set_aside(self, document: Document) -> None:
        await self._write(lambda db: _insert(db, "aside_events", msgspec.to_builtins(document)))

    async def erase(self, student: str) -> None:
        def forget(db: _Db) -> None:
            db.flush()
            found = db.execute("SELECT wake_at FROM conversations WHERE student = ?", (student,)).fetchone()
            _move(db, student, "", found[0] if found else None, None)
            for row, nudge in db.execute(
                f"SELECT id, {_NUDGE} FROM {NUDGED} WHERE student = ? AND {_NUDGE} IS NOT NULL", (student,)
            ).fetchall():
                _move(db, student, row, _iso_ms(nudge), None)
            for table in ("conversations", "outbox", "leases"):
                db.execute(f"DELETE FROM {table} WHERE student = ?", (student,))
            db.execute("DELETE FROM students WHERE id = ?", (student,))
            for name in _OF_STUDENT:
                db.execute(f"DELETE FROM {name} WHERE student = ?", (student,))

        await self._write(forget)
        await asyncio.to_thread(self._empty_wal)

    async def seed(self, collection: str, documents: Sequence[Document]) -> int:
        given = {document.id: msgspec.to_builtins(document) for document in documents}
        return await self._write(lambda db: _seed(db, collection, given))

    async def revise(self, updates: Sequence[Update]) -> None:
        def revised(db: _Db) -> None:
            for each in updates:
                _update(db, each)

        await self._write(revised)

    async def get(self, key: str) -> str | None:
        found = self._read("SELECT value FROM bookmarks WHERE key = ?", key)
        return str(found[0][0]) if found else None

    async def set(self, key: str, value: str | None) -> None:
        if value is None:
            await self._write(lambda db: db.execute("DELETE FROM bookmarks WHERE key = ?", (key,)))
        else:
            await self._write(
                lambda db: db.execute("INSERT OR REPLACE INTO bookmarks VALUES (?, ?)", (key, value))
            )

    async def all(self, prefix: str) -> dict[str, str]:
        return await asyncio.to_thread(self._bookmarks, prefix)

    async def export(
        self, collection: str, *, since: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        # bson is wanted here alone, and costs 0.04 s to import.
        from storage.schema import to_bson

        if collection != "conversations" and collection not in COLLECTIONS:
            raise ValueError(f"there is no collection {collection}")
        after = f"{int(since.timestamp()):08x}" if since is not None else ""
        while chunk := await asyncio.to_thread(self._chunk, collection, after):
            for after, document in chunk:
                yield (
                    _conversation(after, document)
                    if collection == "conversations"
                    else to_bson(collection, document)
                )

    # -- connections -------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with _reaching(self._path):
            # 0600: what students wrote is theirs and ours; SQLite gives its -wal and -shm files the same rights.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            db = self._connect(self._patience)
            try:
                _build(db)
                self._reader = self._connect(READ_LOCKED)
                self._writer = _Writer(db, self._path)
            except BaseException:
                db.close()
                raise

    def _connect(self, patience: float) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=patience, isolation_level=None, check_same_thread=False)

    def _read(self, statement: str, *values: Any) -> list[Any]:
        """In the event loop: only for what an index answers in microseconds."""
        if self._reader is None:
            raise StoreUnavailable(f"{self._path} is not open")
        with _reaching(self._path):
            named = values[0] if values and isinstance(values[0], dict) else values
            return self._reader.execute(statement, named).fetchall()

    def _of(self, student: str, name: str, decoder: msgspec.json.Decoder[T], more: str = "") -> list[T]:
        order = more or "ORDER BY created, id"
        found = self._read(f"SELECT document FROM {name} WHERE student = ? {order}", student)
        return [decoder.decode(document) for (document,) in found]

    async def _write(self, run: Callable[[_Db], T]) -> T:
        if self._writer is None:
            raise StoreUnavailable(f"{self._path} is not open")
        with _reaching(self._path):
            return await self._writer.add(run)

    def _empty_wal(self) -> None:
        """What was deleted is zeros in the file (secure_delete), but would stand in the WAL until that is full."""
        with _reaching(self._path), contextlib.closing(self._connect(self._patience)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _bookmarks(self, prefix: str) -> dict[str, str]:
        with _reaching(self._path), contextlib.closing(self._connect(self._patience)) as db:
            span = (prefix, prefix + LAST)
            return dict(db.execute("SELECT key, value FROM bookmarks WHERE key >= ? AND key < ?", span))

    def _chunk(self, collection: str, after: str) -> list[tuple[str, dict[str, Any]]]:
        with _reaching(self._path), contextlib.closing(self._connect(self._patience)) as db:
            if collection == "conversations":
                return _conversations(db, after)
            found = db.execute(
                f"SELECT id, document FROM {collection} WHERE id > ? ORDER BY id LIMIT {CHUNK}", (after,)
            ).fetchall()
            return [(key, msgspec.json.decode(document)) for key, document in found]


class _Writer:
    """The one thread that writes. Jobs that wait together share a transaction, each one whole or not at all."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._file = path.stat()
        self._jobs: queue.SimpleQueue[list[_Job]] = queue.SimpleQueue()  # an empty list ends it
        self.riders: list[_Job] = []
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def add(self, run: Callable[[_Db], T]) -> T:
        """Returns once the job is on the disk."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._go(_Job(run, future))
        return await future

    def ride(self, run: Callable[[_Db], object]) -> None:
        """Do it before the next job and in its transaction; after RIDE in one of its own."""
        if not self.riders:
            asyncio.get_running_loop().call_later(RIDE, self._go)
        self.riders.append(_Job(run, None))

    def finish(self) -> threading.Thread:
        """Do what was asked before, then end. Gives the thread, to be joined."""
        self._go()
        self._jobs.put([])
        return self._thread

    def _go(self, *job: _Job) -> None:
        riders, self.riders = self.riders, []
        if riders or job:
            self._jobs.put([*riders, *job])

    def _run(self) -> None:
        ended = False
        while not ended:
            given = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(given) < BATCH:
                    given.append(self._jobs.get_nowait())
            ended = [] in given
            if jobs := [job for each in given for job in each]:
                _answer(jobs, self._together(jobs))
        self._db.close()

    def _together(self, jobs: list[_Job]) -> list[Any]:
        """What each job came to: its result or its exception. A mistake among them makes the others begin anew, each by
        itself: dearer than a savepoint a job, but mistakes are rare and jobs are not."""
        outcomes: list[Any] = []
        db = _Db(self._db)
        try:
            self._look()
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                outcomes.append(self._tried(job, db))  # noqa: PERF401 their number tells how far it got
            db.flush()
            self._db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 everybody waits for an answer, and the thread must live on
            # Where SQLite itself took everything back (disk full, I/O error), nobody's job is done.
            mistaken = self._db.in_transaction and len(outcomes) < len(jobs)
            with contextlib.suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            if mistaken and len(jobs) > 1:
                return [outcome for job in jobs for outcome in self._together([job])]
            return [error] * len(jobs)
        return outcomes

    def _tried(self, job: _Job, db: _Db) -> Any:
        before = self._db.total_changes
        try:
            outcome = job.run(db)
        except Exception as error:  # whatever it is, it belongs to the caller who waits for this job
            if not self._db.in_transaction or self._db.total_changes != before:
                raise
            db.drop()
            return error  # a lost race: nothing was written, so nothing is to be taken back
        db.keep()
        return outcome

    def _look(self) -> None:
        """A file that was moved or deleted under us would take turns and lose them at the next start."""
        now = os.stat(self._path)  # noqa: PTH116 a third of the time, for every transaction
        if (now.st_ino, now.st_dev) != (self._file.st_ino, self._file.st_dev):
            raise StoreUnavailable(f"{self._path} is another file than the one that was opened")


def _answer(jobs: list[_Job], outcomes: list[Any]) -> None:
    answers: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, future), outcome in zip(jobs, outcomes, strict=True):
        if future is not None:
            answers.setdefault(future.get_loop(), []).append((future, outcome))
        elif isinstance(outcome, Exception):
            log.warning("a delivery is not settled, so it will be sent again: %s", outcome)
    for loop, mine in answers.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(outcomes: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in outcomes:
        if future.cancelled():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


@contextlib.contextmanager
def _reaching(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Python's own complaints (a closed connection) carry no code.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _AWAY:
            raise
        raise StoreUnavailable(f"{path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error


def _build(db: sqlite3.Connection) -> None:
    """What lacks of the tables. Two processes may start at once."""
    _to_wal(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("BEGIN IMMEDIATE")
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    if layout > LAYOUT:
        raise StoreUnavailable(f"the file was written by a newer Viva (layout {layout}, ours {LAYOUT})")
    if layout == 1:
        _with_columns(db)
    for statement in _TABLES:
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {LAYOUT}")
    db.execute("COMMIT")


def _to_wal(db: sqlite3.Connection) -> None:
    """The switch wants the file alone and does not wait for it, unlike every later statement."""
    for _ in range(50):  # 50 x 0.1 s = LOCKED
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.1)
        else:
            return
    raise StoreUnavailable("the database is locked by another process")


def _with_columns(db: sqlite3.Connection) -> None:
    """From layout 1: what is looked up stands in columns, not in indexes that read each document's JSON."""
    db.execute("ALTER TABLE conversations ADD COLUMN slept INTEGER")
    db.execute("DROP INDEX one_nudge_a_student")
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in found:
        if name in COLLECTIONS:
            db.execute(f"DROP INDEX IF EXISTS {name}_student")
            db.execute(f"ALTER TABLE {name} ADD COLUMN student TEXT")
            db.execute(f"ALTER TABLE {name} ADD COLUMN created TEXT")
            db.execute(
                f"""UPDATE {name} SET student = json_extract(document, '$.student_id'),
                created = json_extract(document, '$.created_at')"""
            )


_OUT = "INSERT INTO outbox (student, id, platform, tries, delivery) VALUES (?, ?, ?, ?, ?)"
# A lease that has ended stays as a row of the past: one statement for both, so that their order holds. Not for a
# student who was forgotten meanwhile.
_LEASED = """INSERT OR REPLACE INTO leases SELECT student, ?2 FROM conversations WHERE student = ?1"""


def _stored(db: _Db, student: str, expected: int, fields: tuple[Any, ...]) -> int | None:
    """Put the conversation there; gives its `wake_at` until now. Raises StaleConversation."""
    if expected:
        found = db.execute(
            """UPDATE conversations SET slept = wake_at, v = ?, version = ?, state = ?, work = ?, wake_at = ?
            WHERE student = ? AND version = ? RETURNING slept""",
            (*fields, student, expected),
        ).fetchone()
    else:
        found = db.execute(
            """INSERT INTO conversations (v, version, state, work, wake_at, student) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (student) DO NOTHING RETURNING slept""",
            (*fields, student),
        ).fetchone()
    if found is None:
        raise StaleConversation(f"the stored version is not {expected}")
    return found[0]  # type: ignore[no-any-return]  # a row of sqlite3


def _apply(db: _Db, write: Write) -> None:
    if isinstance(write, Insert):
        _insert(db, write.collection, write.document)
    else:
        _update(db, write)


def _insert(db: _Db, name: str, document: dict[str, Any]) -> None:
    nudge = document.get("next_nudge_at") if name == NUDGED else None
    if nudge is not None:
        _only(db, document["student_id"], document["_id"])
    added = db.execute(
        f"INSERT INTO {name} (id, document, student, created) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (document["_id"], _json(document), document.get("student_id"), document.get("created_at")),
    )
    if nudge is not None and added.rowcount:
        _move(db, document["student_id"], document["_id"], None, _iso_ms(nudge))


def _update(db: _Db, write: Update) -> None:
    found = db.execute(f"SELECT document FROM {write.collection} WHERE id = ?", (write.id,)).fetchone()
    if found is None:
        return
    document: dict[str, Any] = msgspec.json.decode(found[0])
    was = document.get("next_nudge_at")
    for path, value in write.fields.items():
        set_path(document, path, value)
    if write.collection == NUDGED and "next_nudge_at" in write.fields:
        nudge = document["next_nudge_at"]
        if nudge is not None:
            _only(db, document["student_id"], write.id)
        _move(db, document["student_id"], write.id, _iso_ms(was), _iso_ms(nudge))
    db.execute(f"UPDATE {write.collection} SET document = ? WHERE id = ?", (_json(document), write.id))


def _only(db: _Db, student: str, row: str) -> None:
    """The row about to get a `next_nudge_at` takes it from any other row of the student."""
    for (other,) in db.execute(
        f"SELECT id FROM {NUDGED} WHERE student = ? AND {_NUDGE} IS NOT NULL AND id <> ?", (student, row)
    ).fetchall():
        _update(db, Update(collection=NUDGED, id=other, fields={"next_nudge_at": None}))


def _move(db: _Db, student: str, row: str, was: int | None, at: int | None) -> None:
    """Give something another time (None: none any more); whoever had leased it has it no longer."""
    if was is not None:
        leased = db.execute(
            "DELETE FROM leased WHERE at = ? AND row = ? AND student = ?", (was, row, student)
        ).rowcount
        if was == at and not leased:
            return  # as in most turns: it stands in `due` already
        db.execute("DELETE FROM due WHERE at = ? AND row = ? AND student = ?", (was, row, student))
    if at is not None:
        db.execute("INSERT OR REPLACE INTO due (at, row, student) VALUES (?, ?, ?)", (at, row, student))


def _take(db: _Db, student: str, platforms: str, until: int) -> list[Delivery]:
    db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (student, until))
    found = db.execute(
        """SELECT position, tries, delivery FROM outbox
        WHERE student = ? AND platform IN (SELECT value FROM json_each(?)) ORDER BY position""",
        (student, platforms),
    ).fetchall()
    for position, *_ in found:
        db.later("UPDATE outbox SET tries = tries + 1 WHERE position = ?", position)
    return [
        msgspec.structs.replace(msgspec.json.decode(delivery, type=Delivery), tries=tries)
        for _, tries, delivery in found
    ]


def _lease(db: _Db, at: int, until: int, limit: int) -> list[Any]:
    """The first `limit` of both tables, leased: wake-ups, then rows. Rows from `due` are the first of it, so a range moves
    them; the others are few."""
    db.flush()
    look = {"at": at, "limit": limit}
    waking, rows, lapsed = (db.execute(query, look).fetchall() for query in (_WAKING, _ROWS, _LAPSED_WAKING))
    taken = sorted(waking + rows + lapsed, key=lambda one: (one[1] > "", one))[:limit]
    chosen = set(taken)
    singly = [one for one in waking + lapsed if one in chosen]
    last = next((one for one in reversed(rows) if one in chosen), None)
    db.connection.executemany(
        "INSERT OR REPLACE INTO leased VALUES (?, ?, ?, ?)", [(*one, until) for one in singly]
    )
    db.connection.executemany("DELETE FROM due WHERE at = ? AND row = ? AND student = ?", singly)
    if last is not None:  # then all wake-ups that are due are out of the range
        db.execute(
            """INSERT OR REPLACE INTO leased (at, row, student, until) SELECT at, row, student, ? FROM due
            WHERE (at, row, student) <= (?, ?, ?)""",
            (until, *last),
        )
        db.execute("DELETE FROM due WHERE (at, row, student) <= (?, ?, ?)", last)
    return taken


def _seed(db: _Db, name: str, given: dict[str, dict[str, Any]]) -> int:
    stored = {key: msgspec.json.decode(text) for key, text in db.execute(f"SELECT id, document FROM {name}")}
    changes = seeding(stored, given)
    for key, fields in changes.items():
        document = stored.get(key, {}) | fields
        db.execute(f"INSERT OR REPLACE INTO {name} (id, document) VALUES (?, ?)", (key, _json(document)))
    return len(changes)


def _conversations(db: sqlite3.Connection, after: str) -> list[tuple[str, dict[str, Any]]]:
    columns = ("v", "version", "state", "work", "wake_at")
    found = db.execute(
        f"""SELECT student, {", ".join(columns)} FROM conversations
        WHERE student > ? ORDER BY student LIMIT {CHUNK}""",
        (after,),
    ).fetchall()
    chunk = []
    for student, *values in found:
        outbox = db.execute(
            "SELECT delivery, tries FROM outbox WHERE student = ? ORDER BY position", (student,)
        )
        deliveries = [
            msgspec.json.decode(text) | ({"tries": tries} if tries else {}) for text, tries in outbox
        ]
        chunk.append((student, dict(zip(columns, values, strict=True)) | {"outbox": deliveries}))
    return chunk


def _conversation(student: str, row: dict[str, Any]) -> dict[str, Any]:
    """As MongoDB has it: what is not the case is not there."""
    from bson import ObjectId

    work, wake_at = row.pop("work"), row.pop("wake_at")
    document = {"_id": f"student:{student}", "student_id": ObjectId(student), **row}
    if work:
        document["work"] = True
    if wake_at is not None:
        document["wake_at"] = _when(wake_at)
    return document


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _ms(at: datetime | None) -> Any:
    """Whole milliseconds since 1970; integer arithmetic, for a float loses one now and then."""
    return None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)


def _iso_ms(at: str | None) -> int | None:
    return None if at is None else int(_ms(datetime.fromisoformat(at)))


def _when(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
