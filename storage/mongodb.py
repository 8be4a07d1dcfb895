"""The store in MongoDB, standalone or replica set; the only module that names motor.

A standalone has no transactions, so the conversation document is the commit point: one guarded update makes a turn, and
holds in `writes` what the other collections must still be told. That is applied at once, in order, and again by whoever
loads the conversation next (or opens the database, or sweeps) if the first one died. Each document carries in `rev` the
turn that wrote it last, so applying twice, or late, changes nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import groupby
from operator import itemgetter
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import msgspec
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from msgspec.structs import replace
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.uri_parser import parse_uri

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
from storage.schema import INDEXES, IS_DATE, field_to_bson, from_bson, to_bson, validator
from storage.writes import LAST, NUDGED, SEEDED_BY, gives_time, prepare, seeding

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=Document)

PATIENCE: dict[str, Any] = {  # ms, unless the address says otherwise
    "serverSelectionTimeoutMS": 3_000,  # a student waits in a chat
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 10_000,  # without a byte; an election takes no longer
}
LEFTOVERS = 100  # conversations of a dead process mended in one sweep
REFUSED = 20  # writes kept for a look that a collection's own rules do not admit

_NO_RIGHT = {13, 18, 8000}  # Unauthorized, AuthenticationFailed, Atlas's own
_AWAY = _NO_RIGHT | {
    50,
    64,
    91,
    100,
    262,
    14031,
}  # time limits, write concern, shutdown, no majority, disk full
NAMESPACE_EXISTS = 48

_log = logging.getLogger("viva.storage")


def _answering(
    call: Callable[Concatenate["MongoStore", P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["MongoStore", P], Coroutine[Any, Any, T]]:
    """Driver errors that mean the database is away become StoreUnavailable."""

    @wraps(call)
    async def answered(self: "MongoStore", /, *args: P.args, **kwargs: P.kwargs) -> T:
        with _reaching():
            return await call(self, *args, **kwargs)

    return answered


class MongoStore:
    """`url`: a MongoDB connection string; the database it names, else `viva`."""

    def __init__(self, url: str) -> None:
        if url.startswith("mongodb://"):  # mongodb+srv:// asks the DNS, which can wait until `open`
            try:
                parse_uri(url)
            except (InvalidURI, ConfigurationError, ValueError) as error:
                raise ValueError(f"DATABASE_URL: {error}") from error
        self._url = url
        self._client: AsyncIOMotorClient[dict[str, Any]] | None = None

    @_answering
    async def open(self) -> list[str]:
        if self._client is None:
            self._client = _connect(self._url)
        await self._client.admin.command("ping")
        remarks = await self._make_all()
        await self._mend()
        return remarks

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @_answering
    async def student(self, identity: Identity, *, new: str, at: datetime) -> str:
        identities = self._of("identities")
        who = {"platform": identity.platform, "user_id": identity.user}
        found = await identities.find_one(who, {"student_id": 1})
        if found is None:
            # The id is derived, so that two processes meet at one document even where the unique index lacks.
            key = slug_id("identity", identity.platform, identity.user)
            document = StudentIdentity(
                id=key, platform=identity.platform, user_id=identity.user, student_id=new, created_at=at
            )
            with suppress(DuplicateKeyError):
                await identities.update_one(
                    *_inserting("identities", msgspec.to_builtins(document)), upsert=True
                )
            found = await identities.find_one(who, {"student_id": 1})
            if found is None:
                raise StoreUnavailable("a new identity cannot be read back")
        return str(found["student_id"])

    @_answering
    async def load(self, student: str) -> Record | None:
        found = await self._of("conversations").find_one(
            {"_id": _key(student)}, {"state": 1, "v": 1, "version": 1, "writes": 1}
        )
        if found is None:
            return None
        if found.get("writes"):
            await self._apply(student, found["writes"])
        return Record(
            conversation=decode(found["state"].encode(), int(found["v"])), version=int(found["version"])
        )

    @_answering
    async def known(self, student: str, needs: frozenset[str], *, at: datetime) -> Known:
        mine = {"student_id": ObjectId(student)}
        known = Known()
        if "paths" in needs:
            known = replace(
                known,
                paths=tuple(await self._read("learning_paths", LearningPath, mine, order=1)),
                progress=tuple(await self._read(NUDGED, LearningProgress, mine, order=1)),
            )
        if "reports" in needs:
            reports = await self._read(
                "interview_reports", InterviewReport, mine, order=-1, limit=REPORTS_KNOWN
            )
            known = replace(known, reports=tuple(reports))
        if "asked" in needs:
            lately = mine | {"created_at": {"$gte": at - ASKED_WITHIN}}
            asked = await self._of("interview_attempts").find(lately, {"question_id": 1}).to_list(None)
            planned = await self._of("interview_sessions").find(lately, {"plan": 1}).to_list(None)
            ids = [attempt["question_id"] for attempt in asked]
            ids += [question for session in planned for question in session.get("plan", ())]
            known = replace(known, asked=frozenset(map(str, ids)))
        return known

    @_answering
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
        fields: dict[str, Any] = {"v": SCHEMA, "version": version, "state": encode(conversation).decode()}
        fields |= {"wake_at": wake_at} if wake_at else {}
        fields |= {"work": True} if work else {}
        fields |= {"lease": {"until": lease_until}} if lease_until else {}
        # Each write is kept as JSON text: a dotted path is no good as a field's name.
        later = [
            {"rev": version, "write": msgspec.json.encode(one).decode()}
            for one in prepare(writes, version=version)
        ]
        outgoing = [msgspec.to_builtins(delivery) for delivery in deliveries]
        if expected == 0:
            await self._begin(student, fields | {"outbox": outgoing, "writes": later})
        else:
            gone = {"wake_lease": ""} | {name: "" for name in ("wake_at", "work") if name not in fields}
            pushed = {"outbox": {"$each": outgoing}, "writes": {"$each": later}}
            found = await self._of("conversations").find_one_and_update(
                {"_id": _key(student), "version": expected},
                {"$set": fields, "$unset": gone, "$push": pushed},
                projection={"writes": 1},
                return_document=ReturnDocument.AFTER,
            )
            if found is None:
                raise StaleConversation(f"not at version {expected} any more")
            later = found["writes"]
        if later:
            await self._apply_now(student, later)
        return version

    @_answering
    async def settle(
        self,
        student: str,
        *,
        sent: Iterable[str] = (),
        untaken: Iterable[str] = (),
        lease_until: datetime | None = None,
    ) -> None:
        conversations, mine = self._of("conversations"), {"_id": _key(student)}
        again = list(untaken)
        if again:
            await conversations.update_one(
                mine, {"$set": {"outbox.$[again].tries": 0}}, array_filters=[{"again.id": {"$in": again}}]
            )
        lease = {"$set": {"lease": {"until": lease_until}}} if lease_until else {"$unset": {"lease": ""}}
        await conversations.update_one(mine, {"$pull": {"outbox": {"id": {"$in": list(sent)}}}, **lease})

    @_answering
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
        here = {"outbox.to.platform": {"$in": list(platforms)}}
        reply = {"outbox": {"$elemMatch": {"to.platform": {"$in": list(platforms)}, "kind": "reply"}}}
        kinds: list[dict[str, Any]] = [{"work": True}] * work + [reply] + [here] * nudges
        found: dict[Any, None] = {}
        for one in kinds:
            if len(found) < limit:
                wanted = _free(one, "lease", at)
                some = await self._of("conversations").find(wanted, {"_id": 1}).limit(limit).to_list(limit)
                found |= dict.fromkeys(each["_id"] for each in some)
        claimed = await self._claim(
            "conversations",
            list(found)[:limit],
            _free({"$or": kinds}, "lease", at),
            lease=("lease", at + lease),
            also={"$inc": {"outbox.$[here].tries": 1}},
            array_filters=[{"here.to.platform": {"$in": list(platforms)}}],
        )
        return [
            (
                str(one["student_id"]),
                [_before(out) for out in one["outbox"] if out["to"]["platform"] in platforms],
            )
            for one in claimed
        ]

    @_answering
    async def due(self, *, at: datetime, lease: timedelta, limit: int, claim: bool = True) -> list[Claimed]:
        if claim:
            await self._mend()
        found: list[Claimed] = []
        for timed in (_ROWS, _WAKES):
            wanted = timed.wanted(at)
            soonest = self._of(timed.collection).find(wanted, timed.fields).sort(timed.field, 1).limit(limit)
            found += [timed.claimed(one) for one in await soonest.to_list(limit)]
        if not claim:
            return sorted(found, key=_by_time)[:limit]
        chosen = sorted(found, key=_wakes_first)[:limit]
        taken: list[Claimed] = []
        for timed in (_ROWS, _WAKES):
            ids = [timed.id(one) for one in chosen if bool(one.row) == (timed is _ROWS)]
            mine = await self._claim(timed.collection, ids, timed.wanted(at), lease=(timed.lease, at + lease))
            taken += [timed.claimed(one) for one in mine]
        return sorted(taken, key=_wakes_first)

    @_answering
    async def set_aside(self, document: Document) -> None:
        await self._of("aside_events").update_one(
            *_inserting("aside_events", msgspec.to_builtins(document)), upsert=True
        )

    @_answering
    async def erase(self, student: str) -> None:
        # The conversation goes between two rounds: a turn stored during the first is swept up by the second, and a
        # process that applies one later still finds no conversation to cross it off in (see _apply).
        await self._erase_documents(student)
        await self._of("conversations").delete_one({"_id": _key(student)})
        await self._erase_documents(student)
        await self._of("students").delete_one({"_id": ObjectId(student)})
        await self._of("identities").delete_many({"student_id": ObjectId(student)})

    @_answering
    async def seed(self, collection: str, documents: Sequence[Document]) -> int:
        content = self._of(collection)
        stored = await content.find({}, dict.fromkeys(SEEDED_BY, 1)).to_list(None)
        given = {document.id: msgspec.to_builtins(document) for document in documents}
        changes = seeding({str(one["_id"]): one for one in stored}, given)
        if changes:
            await content.bulk_write(
                [
                    UpdateOne(
                        {"_id": ObjectId(key)},
                        {"$set": _but_id(to_bson(collection, fields))},
                        upsert=key in given,
                    )
                    for key, fields in changes.items()
                ],
                ordered=False,
            )
        return len(changes)

    @_answering
    async def revise(self, updates: Sequence[Update]) -> None:
        for name in {each.collection for each in updates}:
            await self._of(name).bulk_write(
                [
                    UpdateOne(
                        {"_id": ObjectId(each.id)},
                        {"$set": {path: field_to_bson(name, path, to) for path, to in each.fields.items()}},
                    )
                    for each in updates
                    if each.collection == name
                ],
                ordered=False,
            )

    @_answering
    async def get(self, key: str) -> str | None:
        found = await self._of("bookmarks").find_one({"_id": key})
        return found["value"] if found else None

    @_answering
    async def set(self, key: str, value: str | None) -> None:
        if value is None:
            await self._of("bookmarks").delete_one({"_id": key})
        else:
            await self._of("bookmarks").update_one({"_id": key}, {"$set": {"value": value}}, upsert=True)

    @_answering
    async def all(self, prefix: str) -> dict[str, str]:
        found = self._of("bookmarks").find({"_id": {"$gte": prefix, "$lt": prefix + LAST}})
        return {one["_id"]: one["value"] for one in await found.to_list(None)}

    async def export(
        self, collection: str, *, since: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        if collection != "conversations" and collection not in COLLECTIONS:
            raise ValueError(f"there is no collection {collection}")
        with _reaching():
            wanted = {"_id": {"$gte": ObjectId.from_datetime(since)}} if since is not None else {}
            async for document in self._of(collection).find(wanted).sort("_id", 1):
                yield document

    # -- what a turn still has to tell the other collections ---------------------------------------------------------

    async def _begin(self, student: str, fields: dict[str, Any]) -> None:
        try:
            await self._of("conversations").insert_one(
                {"_id": _key(student), "student_id": ObjectId(student), **fields}
            )
        except DuplicateKeyError as error:
            raise StaleConversation("there is a conversation already") from error

    async def _apply_now(self, student: str, leftovers: list[dict[str, Any]]) -> None:
        """The turn is stored by now; if the database goes away here, the next load goes on where we stopped."""
        try:
            await self._apply(student, leftovers)
        except PyMongoError as error:
            if not _away(error):
                raise
            _log.warning("turn %s of %s is stored, its documents follow later", leftovers[-1]["rev"], student)

    async def _apply(self, student: str, leftovers: list[dict[str, Any]]) -> None:
        """Tell the other collections, then cross it off. May be done twice, at the same time, or late."""
        for rev, turn in groupby(leftovers, key=itemgetter("rev")):
            writes = [_write_decoder.decode(one["write"]) for one in turn]
            for name in dict.fromkeys(write.collection for write in writes):
                await self._apply_to(name, [one for one in writes if one.collection == name], student, rev)
        done = await self._of("conversations").update_one(
            {"_id": _key(student)}, {"$pull": {"writes": {"rev": {"$lte": leftovers[-1]["rev"]}}}}
        )
        if not done.matched_count:  # the student was erased meanwhile; nothing may come back
            await self._erase_documents(student)

    async def _apply_to(self, name: str, writes: list[Write], student: str, rev: int) -> None:
        collection = self._of(name)
        try:
            await collection.bulk_write(
                [UpdateOne(*_step(one), upsert=isinstance(one, Insert)) for one in writes]
            )
        except BulkWriteError as error:
            if not (error.details or {}).get("writeErrors"):
                raise
            for one in writes:
                await self._apply_one(one, student, rev)

    async def _apply_one(self, write: Write, student: str, rev: int) -> None:
        """The slow way, for a write that some rule of the collection objects to."""
        collection = self._of(write.collection)
        try:
            try:
                await collection.update_one(*_step(write), upsert=isinstance(write, Insert))
            except DuplicateKeyError:
                if gives_time(write):
                    await self._take_time(write, student, rev)
                # An upsert that met another one of the same id finds the document there now.
                await collection.update_one(*_step(write), upsert=isinstance(write, Insert))
        except OperationFailure as error:
            if _away(error):
                raise
            await self._refuse(write, student, rev, error)

    async def _take_time(self, write: Write, student: str, rev: int) -> None:
        row = write.document["_id"] if isinstance(write, Insert) else write.id
        others = {"student_id": ObjectId(student), "_id": {"$ne": ObjectId(row)}, "next_nudge_at": IS_DATE}
        await self._of(NUDGED).update_many(
            others | {"rev": {"$not": {"$gt": rev}}},
            {"$set": {"next_nudge_at": None, "rev": rev}, "$unset": {"lease": ""}},
        )

    async def _refuse(self, write: Write, student: str, rev: int, error: OperationFailure) -> None:
        """A collection with stricter rules than ours must not stop the student: the write is kept for a look."""
        _log.error(
            "%s does not admit a write of turn %s of %s (code %s)", write.collection, rev, student, error.code
        )
        kept = {"rev": rev, "code": error.code, "write": msgspec.json.encode(write).decode()}
        await self._of("conversations").update_one(
            {"_id": _key(student)}, {"$push": {"refused": {"$each": [kept], "$slice": -REFUSED}}}
        )

    async def _mend(self) -> None:
        """Finish the turns of processes that died after their commit."""
        found = self._of("conversations").find({"writes.rev": {"$gt": 0}}, {"student_id": 1, "writes": 1})
        for one in await found.limit(LEFTOVERS).to_list(LEFTOVERS):
            try:
                await self._apply(str(one["student_id"]), one["writes"])
            except (KeyError, TypeError, ValueError):  # a shape nobody here wrote
                _log.exception("cannot finish a turn of student %s; the others go on", one["student_id"])

    async def _erase_documents(self, student: str) -> None:
        mine = {"student_id": ObjectId(student)}
        sessions = await self._of("interview_sessions").find(mine, {"_id": 1}).to_list(None)
        # Another service's attempts name only their session.
        theirs = {"session_id": {"$in": [one["_id"] for one in sessions]}}
        await self._of("interview_attempts").delete_many({"$or": [mine, theirs]})
        for name, kind in COLLECTIONS.items():
            if name != "identities" and "student_id" in kind.__struct_fields__:
                await self._of(name).delete_many(mine)

    # -- finding and claiming ----------------------------------------------------------------------------------------

    def _of(self, name: str) -> "AsyncIOMotorCollection[dict[str, Any]]":
        if self._client is None:
            raise StoreUnavailable("the database is not open")
        return self._client.get_default_database("viva")[name]

    async def _read(
        self, name: str, kind: type[D], wanted: dict[str, Any], *, order: int, limit: int = 0
    ) -> list[D]:
        """Documents by age. One that another service wrote in a shape of its own is passed over."""
        found = self._of(name).find(wanted).sort([("created_at", order), ("_id", order)]).limit(limit)
        documents = []
        for one in await found.to_list(None):
            try:
                documents.append(msgspec.convert(from_bson(one), kind))
            except msgspec.ValidationError as error:
                _log.warning("%s %s is passed over: %s", name, one["_id"], error)
        return documents

    async def _claim(
        self,
        name: str,
        ids: list[Any],
        wanted: dict[str, Any],
        *,
        lease: tuple[str, datetime],
        also: dict[str, Any] | None = None,
        array_filters: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """Those of `ids` that are still `wanted`, leased to a name drawn for this claim: three calls for any number."""
        if not ids:
            return []
        field, until = lease
        who = ObjectId()
        await self._of(name).update_many(
            {"_id": {"$in": ids}, **wanted},
            {"$set": {field: {"until": until, "by": who}}, **(also or {})},
            array_filters=array_filters,
        )
        return (
            await self._of(name).find({"_id": {"$in": ids}, f"{field}.by": who}, {"state": 0}).to_list(None)
        )

    # -- collections and indexes -------------------------------------------------------------------------------------

    async def _make_all(self) -> list[str]:
        try:
            listed = await (await self._of("conversations").database.list_collections()).to_list(None)
        except OperationFailure as error:
            return [f"The collections cannot be listed ({_why(error)}); their rules are left as they are."]
        there = {one["name"]: one.get("options", {}).get("validator") for one in listed}
        remarks = await asyncio.gather(*(self._make(name, there) for name in INDEXES))
        return [remark for of_one in remarks for remark in of_one]

    async def _make(self, name: str, there: dict[str, Any]) -> list[str]:
        """A collection with its rules and indexes; what is there stays as it is."""
        remarks = []
        rules = validator(name)
        if name in there:
            if there[name] != rules:
                remarks.append(
                    f"{name} exists with {'other' if there[name] else 'no'} rules; it is left as it is."
                )
        else:
            try:
                await self._of(name).database.create_collection(name, validator=rules)
            except CollectionInvalid:
                pass  # another process was quicker, with the same rules
            except OperationFailure as error:
                if error.code != NAMESPACE_EXISTS:
                    remarks.append(f"{name} cannot be created with its rules ({_why(error)}).")
        for index in INDEXES[name]:
            try:
                await self._of(name).create_index(list(index.keys), **index.options())
            except OperationFailure as error:
                remarks.append(f"{name} lacks its index {index.name} ({_why(error)}).")
        return remarks


class _Timed(NamedTuple):
    """Something that waits for a time: where it stands, which field says when, which one who has it."""

    collection: str
    field: str
    lease: str

    @property
    def fields(self) -> dict[str, int]:
        return {"student_id": 1, self.field: 1}

    def wanted(self, at: datetime) -> dict[str, Any]:
        return _free({self.field: {"$lte": at} | IS_DATE}, self.lease, at)

    def claimed(self, found: dict[str, Any]) -> Claimed:
        row = str(found["_id"]) if self.collection == NUDGED else ""
        return Claimed(student=str(found["student_id"]), due=found[self.field], row=row)

    def id(self, one: Claimed) -> Any:
        return ObjectId(one.row) if one.row else _key(one.student)


_ROWS = _Timed(NUDGED, "next_nudge_at", "lease")
_WAKES = _Timed("conversations", "wake_at", "wake_lease")

_write_decoder = msgspec.json.Decoder(Insert | Update)


def _connect(url: str) -> "AsyncIOMotorClient[dict[str, Any]]":
    try:
        return AsyncIOMotorClient(
            url,
            appname="viva",
            tz_aware=True,
            tzinfo=UTC,
            **{name: wait for name, wait in PATIENCE.items() if f"{name}=".lower() not in url.lower()},
            w="majority",
            journal=True,  # without it a standalone lost 49 of 2,000 acknowledged writes at SIGKILL
        )
    except ConfigurationError as error:  # mongodb+srv:// and the DNS has no answer
        raise StoreUnavailable(f"MongoDB: {error}") from error


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        if not _away(error):
            raise
        raise StoreUnavailable(f"MongoDB: {_why(error)}") from error


def _away(error: PyMongoError) -> bool:
    if isinstance(error, BulkWriteError):
        details = error.details or {}
        return not details.get("writeErrors") or any(
            one.get("code") in _AWAY for one in details["writeErrors"]
        )
    if isinstance(error, OperationFailure):
        return (
            isinstance(error, WTimeoutError)
            or error.code in _AWAY
            or error.has_error_label("RetryableWriteError")
        )
    return isinstance(error, ConnectionFailure)


def _why(error: PyMongoError) -> str:
    """In a few words; never a document, which the server likes to quote."""
    if isinstance(error, OperationFailure):
        if error.code in _NO_RIGHT:
            return "this user lacks the right" if error.code == 13 else "user or password is refused"
        name = (error.details or {}).get("codeName", type(error).__name__)
        return f"{name}, code {error.code}"
    return str(error).partition(" (configured")[0].partition(", Timeout:")[0][:200]


def _key(student: str) -> str:
    return f"student:{student}"


def _by_time(one: Claimed) -> tuple[datetime, str, str]:
    return one.due, one.row, one.student


def _wakes_first(one: Claimed) -> tuple[bool, tuple[datetime, str, str]]:
    return bool(one.row), _by_time(one)


def _free(wanted: dict[str, Any], lease: str, at: datetime) -> dict[str, Any]:
    return wanted | {f"{lease}.until": {"$not": {"$gt": at}}}


def _step(write: Write) -> tuple[dict[str, Any], dict[str, Any]]:
    """Filter and update of a prepared write."""
    if isinstance(write, Insert):
        return _inserting(write.collection, write.document)
    fields = {path: field_to_bson(write.collection, path, value) for path, value in write.fields.items()}
    change: dict[str, Any] = {"$set": fields}
    if write.collection == NUDGED and "next_nudge_at" in fields:
        change["$unset"] = {"lease": ""}
    return {"_id": ObjectId(write.id), "rev": {"$not": {"$gte": fields["rev"]}}}, change


def _inserting(name: str, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """For an upsert that leaves a document alone which is there already."""
    stored = to_bson(name, document)
    return {"_id": stored["_id"]}, {"$setOnInsert": _but_id(stored)}


def _but_id(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_id"}


def _before(stored: dict[str, Any]) -> Delivery:
    """As it was before the claim that counted one more."""
    return msgspec.convert(stored | {"tries": stored["tries"] - 1}, Delivery)
