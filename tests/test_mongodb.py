"""What only the MongoDB store has: kills, elections, turns applied late, rules and rights, other services' documents."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId
from msgspec.structs import replace
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import WriteError

from bot.documents import LearningPath, LearningProgress, insert, update
from bot.events import Identity
from bot.ports import Claimed, StoreUnavailable
from storage.mongodb import MongoStore
from storage.schema import INDEXES
from tests.conftest import with_database
from tests.documents import (
    ANN,
    AT,
    BEN,
    HOUR,
    MINUTE,
    an_id,
    attempt,
    conversation,
    delivery,
    path,
    row,
    session,
)
from tests.mongod import Mongod, ReplicaSet
from tests.turns import STUDENTS, audit, turns
from tests.waiting import until

Documents = dict[str, list[dict[str, Any]]]


class Dying(MongoStore):
    """A process that is killed between the commit of a turn and the writes that follow from it."""

    async def _apply_now(self, student: str, leftovers: list[dict[str, Any]]) -> None:
        pass


@pytest.fixture
def raw(mongodb_database: str) -> Iterator[Database[dict[str, Any]]]:
    """The database as another service has it."""
    with MongoClient[dict[str, Any]](mongodb_database, tz_aware=True) as client:
        yield client.get_default_database()


@pytest_asyncio.fixture
async def store(mongodb_database: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(mongodb_database)
    await store.open()
    yield store
    await store.close()


@pytest_asyncio.fixture
async def dying(mongodb_database: str, store: MongoStore) -> AsyncIterator[MongoStore]:
    dying = Dying(mongodb_database)
    await dying.open()
    yield dying
    await dying.close()


@pytest.fixture
def own_server(mongod: Path) -> Iterator[Mongod]:
    """A server that may be killed."""
    server = Mongod(mongod)
    yield server
    server.end()


@contextlib.asynccontextmanager
async def a_store(url: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(url)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def _all_went_on(acknowledged: dict[str, int], *, since: dict[str, int]) -> bool:
    return all(acknowledged[one] > since[one] for one in STUDENTS)


def everything(raw: Database[dict[str, Any]]) -> Documents:
    return {name: sorted(raw[name].find(), key=lambda one: str(one["_id"])) for name in INDEXES}


# -- a server that dies ----------------------------------------------------------------------------------------------


async def test_a_server_killed_in_the_middle_of_turns_loses_none_it_acknowledged(own_server: Mongod) -> None:
    """SIGKILL twice; the same process goes on when the server is back."""
    async with a_store(with_database(own_server.url, "viva")) as store:
        acknowledged: dict[str, int] = {}
        stop = asyncio.Event()
        busy = [asyncio.ensure_future(turns(store, one, acknowledged, stop)) for one in STUDENTS]
        for _ in range(2):
            await until(lambda: len(acknowledged) == len(STUDENTS))
            await asyncio.to_thread(own_server.kill)
            before = dict(acknowledged)
            await asyncio.to_thread(own_server.start)
            await until(partial(_all_went_on, acknowledged, since=before))
        stop.set()
        await asyncio.gather(*busy)
        assert await audit(store, acknowledged) >= sum(acknowledged.values())


@pytest.mark.parametrize("accident", ["step-down", "killed primary"])
async def test_an_election_in_the_middle_of_turns_loses_none_acknowledged(
    replica_set: ReplicaSet, accident: str
) -> None:
    url = with_database(replica_set.url, "viva_" + accident.replace(" ", "_"))
    async with a_store(url) as store:
        acknowledged: dict[str, int] = {}
        stop = asyncio.Event()
        busy = [asyncio.ensure_future(turns(store, one, acknowledged, stop)) for one in STUDENTS]
        await until(lambda: len(acknowledged) == len(STUDENTS))
        primary = await asyncio.to_thread(replica_set.primary)
        await asyncio.to_thread(replica_set.step_down if accident == "step-down" else primary.kill)
        before = dict(acknowledged)
        await asyncio.to_thread(replica_set.primary)
        await until(partial(_all_went_on, acknowledged, since=before))
        stop.set()
        await asyncio.gather(*busy)
        assert await audit(store, acknowledged) >= sum(acknowledged.values())
        if accident == "killed primary":
            await asyncio.to_thread(primary.start)


async def loads_for_ever(store: MongoStore) -> None:
    """Until it fails: a thread of a server that was just stopped may still answer the first."""
    async with asyncio.timeout(30):
        while True:
            await store.load(ANN)


async def test_a_server_that_hangs_is_unavailable_and_then_back(own_server: Mongod) -> None:
    """It holds the connection and says nothing; nobody waits for it for ever."""
    url = with_database(own_server.url, "viva")
    async with a_store(url) as patient:  # making collections takes as long as the disk likes
        await patient.commit(ANN, conversation(), expected=0)
    async with a_store(url + "&socketTimeoutMS=2000") as store:
        own_server.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable):
            await loads_for_ever(store)
        own_server.signal(signal.SIGCONT)
        assert await store.load(ANN) is not None


# -- turns applied later, twice, too late ----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["the next turn", "the next start", "the next sweep"])
async def test_what_a_killed_process_left_to_write_is_written_by(
    who: str, dying: MongoStore, store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Once the turn is committed it counts: whoever comes next finishes it."""
    await dying.commit(
        ANN, conversation(), expected=0, writes=[insert(session()), insert(row("r1", nudge=AT))]
    )
    assert raw.interview_sessions.find_one() is None
    if who == "the next turn":
        assert await store.load(ANN) is not None
    elif who == "the next start":
        await store.open()
    else:
        assert await store.due(at=AT, lease=MINUTE, limit=10) == [
            Claimed(student=ANN, due=AT, row=an_id("r1"))
        ]
    assert raw.interview_sessions.count_documents({"rev": 1}) == 1
    assert raw.learning_progress.count_documents({"next_nudge_at": AT}) == 1
    assert raw.conversations.find_one({"writes.rev": 1}) is None


async def test_writes_of_several_turns_left_behind_are_written_in_their_order(
    dying: MongoStore, store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Also by a process that goes on from the version it had, without loading again."""
    await dying.commit(ANN, conversation(), expected=0, writes=[insert(row("r1"))])
    for version in (1, 2):
        moved = update(
            LearningProgress, an_id("r1"), next_nudge_at=AT + version * HOUR, time_spent_minutes=version
        )
        await dying.commit(ANN, conversation(), expected=version, writes=[moved])
    await store.commit(
        ANN, conversation(), expected=3, writes=[update(LearningProgress, an_id("r1"), stage_number=9)]
    )
    (stored,) = raw.learning_progress.find()
    assert (stored["stage_number"], stored["time_spent_minutes"], stored["rev"]) == (9, 2, 4)
    assert stored["next_nudge_at"] == AT + 2 * HOUR


async def test_a_turn_written_again_by_a_slow_process_changes_nothing(
    dying: MongoStore, store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Neither after later turns nor at the same moment as another process, nor over what another service set."""
    writes = [insert(path()), insert(row("r1", nudge=AT)), insert(row("r2")), insert(attempt("a"))]
    await dying.commit(ANN, conversation(), expected=0, writes=writes)
    moved = [
        update(LearningProgress, an_id("r2"), next_nudge_at=AT + HOUR),
        update(LearningProgress, an_id("r1"), next_nudge_at=None),
        update(LearningPath, an_id("path"), current_level=1),
    ]
    await dying.commit(ANN, conversation(), expected=1, writes=moved)
    (left,) = raw.conversations.find({}, {"writes": 1})
    await asyncio.gather(*(store._apply(ANN, left["writes"]) for _ in range(8)))
    await store.commit(
        ANN,
        conversation(),
        expected=2,
        writes=[
            update(LearningProgress, an_id("r2"), next_nudge_at=None),
            update(LearningProgress, an_id("r1"), next_nudge_at=AT + 2 * HOUR),
        ],
    )
    raw.learning_paths.update_one({}, {"$set": {"current_level": 50, "theirs": True}})
    before = everything(raw)
    await asyncio.gather(*(store._apply(ANN, left["writes"]) for _ in range(8)))
    await store._apply(ANN, left["writes"][:4])
    assert everything(raw) == before
    assert [one["next_nudge_at"] for one in before["learning_progress"] if one["next_nudge_at"]] == [
        AT + 2 * HOUR
    ]


async def test_a_turn_written_after_its_student_was_erased_leaves_no_trace(
    dying: MongoStore, store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    await dying.commit(ANN, conversation(), expected=0, writes=[insert(session()), insert(attempt("a"))])
    (left,) = raw.conversations.find({}, {"writes": 1})
    await store.erase(ANN)
    await store._apply(ANN, left["writes"])
    assert not any(everything(raw).values())


async def test_the_database_going_away_after_the_commit_does_not_undo_the_turn(own_server: Mongod) -> None:
    """The turn is acknowledged, for it is stored; its documents follow."""

    class Unlucky(MongoStore):
        async def _apply(self, student: str, leftovers: list[dict[str, Any]]) -> None:
            await asyncio.to_thread(own_server.kill)
            await super()._apply(student, leftovers)

    url = with_database(own_server.url, "viva") + "&serverSelectionTimeoutMS=2000"
    unlucky = Unlucky(url)
    await unlucky.open()
    assert await unlucky.commit(ANN, conversation(), expected=0, writes=[insert(session())]) == 1
    with pytest.raises(StoreUnavailable):
        await unlucky.load(ANN)
    await unlucky.close()
    await asyncio.to_thread(own_server.start)
    async with a_store(url) as store:
        assert [one["_id"] async for one in store.export("interview_sessions")] == [
            ObjectId(an_id("session"))
        ]


# -- rules, indexes, rights ------------------------------------------------------------------------------------------


async def test_a_collection_we_make_refuses_wrong_types_and_takes_further_fields(
    store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Null only where a value may still be to come; company and role are never null."""
    await store.commit(ANN, conversation(), expected=0, writes=[insert(session()), insert(attempt("a"))])
    for name, field, value in [
        ("interview_sessions", "company", None),
        ("interview_sessions", "role", None),
        ("interview_sessions", "status", "done"),
        ("interview_sessions", "created_at", "2026-03-01"),
        ("interview_sessions", "student_id", ANN),
        ("interview_sessions", "rounds", ["dsa", "chess"]),
        ("interview_attempts", "score", "85"),
        ("interview_attempts", "student_answer", None),
        ("interview_attempts", "time_taken_seconds", 1.5),
    ]:
        with pytest.raises(WriteError) as refused:
            raw[name].update_one({}, {"$set": {field: value}})
        assert refused.value.code == 121
    raw.interview_sessions.update_one(
        {}, {"$set": {"resume_text": None, "completed_at": AT, "theirs": {"any": 1}}}
    )
    raw.interview_attempts.update_one({}, {"$set": {"score": 85}})


async def test_documents_of_another_service_are_taken_as_the_shared_schema_has_them(
    store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Without any field of ours, with fields of theirs, numbers as a shell writes them."""
    stored = raw.learning_paths.insert_one(shared_path()).inserted_id
    raw.interview_attempts.insert_one(shared_attempt())
    raw.interview_questions.insert_one({"round": "dsa", "topic": "x", "difficulty": "easy", "question": "?"})
    raw.company_interview_knowledge.insert_one({"company": "Acme"})
    known = await store.known(ANN, frozenset({"paths", "asked"}), at=AT)
    assert known.paths == (replace(known.paths[0], id=str(stored), skill="aws", current_level=0, rev=0),)
    await store.commit(
        ANN,
        conversation(),
        expected=0,
        writes=[update(LearningPath, str(stored), stages__0__status="in_progress", current_level=5)],
    )
    expected = shared_path() | {"_id": stored, "current_level": 5, "rev": 1}
    expected["stages"][0]["status"] = "in_progress"
    assert raw.learning_paths.find_one() == expected
    await store.erase(ANN)
    assert raw.learning_paths.find_one() is None


async def test_a_document_nobody_can_read_does_not_stop_the_student(
    store: MongoStore, raw: Database[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """It is passed over, and the log names its place."""
    raw.command("collMod", "learning_paths", validationLevel="off")
    broken = raw.learning_paths.insert_one({"student_id": ObjectId(ANN), "skill": 7}).inserted_id
    raw.learning_paths.insert_one(shared_path())
    known = await store.known(ANN, frozenset({"paths"}), at=AT)
    assert [one.skill for one in known.paths] == ["aws"]
    assert str(broken) in caplog.text


async def test_a_collection_that_exists_keeps_its_rules_and_the_difference_is_told(
    mongodb_database: str, raw: Database[dict[str, Any]]
) -> None:
    raw.create_collection("learning_paths", validator={"skill": {"$type": "string"}})
    raw.create_collection("interview_sessions")
    raw.interview_attempts.create_index([("session_id", 1)], name="session", unique=True)
    raw.identities.insert_many(
        [{"platform": "telegram", "user_id": "81"}] * 1 + [{"platform": "telegram", "user_id": "81"}]
    )
    before = list(raw.list_collections(filter={"name": {"$in": ["learning_paths", "interview_sessions"]}}))
    store = MongoStore(mongodb_database)
    for _ in range(2):
        remarks = "\n".join(await store.open())
        assert "learning_paths exists with other rules" in remarks
        assert "interview_sessions exists with no rules" in remarks
        assert "interview_attempts lacks its index session" in remarks
        assert "identities lacks its index platform_user (DuplicateKey" in remarks
        assert "interview_questions" not in remarks
    await store.close()
    after = list(raw.list_collections(filter={"name": {"$in": ["learning_paths", "interview_sessions"]}}))
    assert after == before
    assert {"one_nudge_a_student", "due"} <= raw.learning_progress.index_information().keys()


async def test_a_write_that_stricter_rules_refuse_is_kept_and_the_student_goes_on(
    mongodb_database: str, raw: Database[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """A rule of another service must not lock a conversation; what it refused can be looked at."""
    raw.create_collection("interview_attempts", validator={"student_answer": {"$ne": "rude"}})
    async with a_store(mongodb_database) as store:
        writes = [insert(attempt("a", answer="rude")), insert(attempt("b", answer="polite"))]
        assert await store.commit(ANN, conversation(), expected=0, writes=writes) == 1
        record = await store.load(ANN)
        assert record is not None
        assert await store.commit(ANN, conversation(), expected=1, writes=[insert(session())]) == 2
    assert [one["student_answer"] for one in raw.interview_attempts.find()] == ["polite"]
    (stored,) = raw.conversations.find()
    assert [(one["rev"], one["code"], "rude" in one["write"]) for one in stored["refused"]] == [
        (1, 121, True)
    ]
    assert stored["writes"] == []
    assert "rude" not in caplog.text


async def test_a_user_with_few_rights_is_told_and_still_served(mongod: Path) -> None:
    """Reading and writing is enough for turns; what could not be made is named. A wrong password is no crash."""
    server = Mongod(mongod, "--auth")
    try:
        with MongoClient[dict[str, Any]](server.url) as client:
            client.admin.command("createUser", "root", pwd="secret-1", roles=["root"])
        with MongoClient[dict[str, Any]](server.url, username="root", password="secret-1") as client:
            actions = ["find", "insert", "update", "remove"]
            client.viva.command(
                "createRole",
                "writer",
                privileges=[
                    {"resource": {"db": "viva", "collection": ""}, "actions": [*actions, "listCollections"]}
                ],
                roles=[],
            )
            client.viva.command("createUser", "few", pwd="secret-2", roles=["writer"])
        address = with_database(server.url, "viva").replace("://", "://few:secret-2@")
        async with a_store(address) as store:
            remarks = await store.open()
            assert (
                "learning_progress lacks its index one_nudge_a_student (this user lacks the right)."
                in remarks
            )
            assert await store.commit(ANN, conversation(), expected=0, writes=[insert(session())]) == 1
            assert await store.load(ANN) is not None
        wrong = MongoStore(address.replace("secret-2", "secret-3"))
        with pytest.raises(StoreUnavailable, match="password") as refused:
            await wrong.open()
        assert "secret-3" not in str(refused.value)
        await wrong.close()
    finally:
        server.end()


async def test_every_query_of_turns_and_sweeps_uses_an_index(
    store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Read from the server's own profile: what is quick with ten students stays so with a million."""
    for number in range(50):
        other = an_id(str(number))
        await store.commit(
            other,
            conversation(other),
            expected=0,
            writes=[insert(row(other, other)), insert(replace(attempt(other, other), session_id=other))],
        )
    raw.command("profile", 2)
    await store.student(Identity(platform="telegram", user="81"), new=ANN, at=AT)
    for version in range(2):
        await store.commit(
            ANN,
            conversation(),
            expected=version,
            writes=[insert(session()), insert(row("r1", nudge=AT)), insert(row("r2", nudge=AT))],
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
    raw.command("profile", 0)
    plans = [
        (one["ns"], one.get("planSummary", ""), one.get("docsExamined", 0))
        for one in raw["system.profile"].find()
    ]
    plans = [plan for plan in plans if plan[0].split(".", 1)[1] in INDEXES]
    assert len(plans) > 30
    assert [plan for plan in plans if "COLLSCAN" in plan[1] or plan[2] > 5] == []


async def test_the_database_itself_holds_that_a_student_has_one_nudge(
    store: MongoStore, raw: Database[dict[str, Any]]
) -> None:
    """Whoever writes the second one, another service included, is refused."""
    writes = [insert(row("r1", nudge=AT)), insert(row("r2")), insert(row("r3", BEN, nudge=AT))]
    await store.commit(ANN, conversation(), expected=0, writes=writes)
    with pytest.raises(WriteError, match="one_nudge_a_student"):
        raw.learning_progress.update_one(
            {"_id": ObjectId(an_id("r2"))}, {"$set": {"next_nudge_at": AT + HOUR}}
        )


def shared_path() -> dict[str, Any]:
    """As the shared schema has it, numbers as doubles, with a field nobody told us of."""
    at = datetime(2026, 2, 1, tzinfo=UTC)
    resource = {
        "resource_id": "0b7c5f0e-7a2a-4d39-9a0e-5d5f6e1c2a34",
        "type": "video",
        "title": "AWS in 10 Minutes",
        "url": "https://www.youtube.com/watch?v=aws",
        "duration_minutes": 10,
        "source": "YouTube",
        "completed": False,
        "completed_at": None,
    }
    stage = {
        "stage_number": 1,
        "stage_name": "Foundation",
        "duration_weeks": 2,
        "topics": ["What is AWS?"],
        "resources": [resource],
        "assessment": {"type": "quiz", "questions_count": 10, "passing_score": 70},
        "status": "not_started",
        "completed_at": None,
    }
    progress = {
        "current_stage": 0,
        "completion_percentage": 0,
        "time_spent_minutes": 0,
        "estimated_completion_date": "2026-03-01",
    }
    return {
        "student_id": ObjectId(ANN),
        "skill": "aws",
        "current_level": 0,
        "target_level": 80,
        "gap_priority": "HIGH",
        "stages": [stage],
        "progress": progress,
        "created_at": at,
        "updated_at": at + timedelta(days=1),
        "recommended_by": "skills-service",
    }


def shared_attempt() -> dict[str, Any]:
    return {
        "session_id": ObjectId(),
        "round": "dsa",
        "question_id": ObjectId(),
        "student_answer": "...",
        "score": 85,
        "feedback": "Good approach, but consider edge cases...",
        "time_taken_seconds": 1200,
        "created_at": AT,
    }
