"""The shell around the engine: it owns a turn. Lock, load, decide, commit, send; grading happens outside the lock.

It decides nothing about interviews: that is the engine's. What must be sent or graded is in the committed conversation,
so `sweep` can take up what a process that died has left.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from bot import engine
from bot.bank import Content
from bot.conversation import Conversation
from bot.documents import AsideEvent, Insert, Student, Update, Write, insert, merged, new_id
from bot.effects import Effect, Forget, Reply
from bot.engine import GradeJob
from bot.events import (
    Event,
    FromStudent,
    Graded,
    Identity,
    NudgeDue,
    Pressed,
    Said,
    SetAside,
    Shared,
    Unreachable,
    Woke,
)
from bot.messages import Address, Delivery, Message
from bot.ports import (
    ChatUnreachable,
    Claimed,
    Grader,
    Known,
    MaybeTaken,
    Messenger,
    NotTaken,
    Record,
    Refused,
    StaleConversation,
    Store,
    StoreUnavailable,
)
from bot.questions import Grade
from bot.sentences import say

GRADE_TIMEOUT = timedelta(seconds=60)  # the slowest grader seen took 20 s
LEASE = timedelta(seconds=60)  # longer than sending or grading takes; after it another process takes over
FAILURES = 3  # of one event before it is set aside
STALE_TRIES = 20  # of one turn; each lost race means that another process got on
AWAY_PAUSE = 0.5, 15.0  # seconds between tries while the database is away: first, longest
RETRY_PAUSE = 2.0, 300.0  # seconds before a message is tried again: first, longest
CLAIMS = 500  # leased at once by a sweep: a few seconds of work
AT_ONCE = 32  # turns of one sweep under way together
CACHED_STUDENTS = 10_000  # identities remembered, so that a turn does not ask for them

T = TypeVar("T")

log = logging.getLogger("viva.turn")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event. `attempt`: the interview answer it was kept as, or joined."""

    student: str
    attempt: str | None = None


class Swept(msgspec.Struct, kw_only=True):
    """What one sweep did. `sent`: nudges committed for delivery; `delivered`: messages handed to a platform that
    another turn had left."""

    due: int = 0
    claimed: int = 0
    sent: int = 0
    failed: int = 0
    delivered: int = 0


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn committed; empty for an event heard before."""

    writes: Sequence[Write] = ()
    deliveries: Sequence[Delivery] = ()


class Shell:
    """One process's way from an event to its committed, sent answer. `messengers`: the platforms it sends to."""

    def __init__(
        self,
        *,
        store: Store,
        content: Content,
        grader: Grader,
        messengers: Sequence[Messenger] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._content = content
        self._grader = grader
        self._messengers: Mapping[str, Messenger] = {each.platform: each for each in messengers}
        self._clock = clock
        # Lock before load: aiogram #1317, ten quick messages all saw the first stage. Weak, or the tables grow for ever.
        self._turn_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._send_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._students: dict[Identity, str] = {}
        self._grading: dict[tuple[str, int], str] = {}  # (attempt, parts) -> whose
        self._away: set[Address] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, event: FromStudent) -> Receipt:
        """Answer an event of a student. Returns when its turn is committed; sending and grading go on beside.

        While the database is away it waits, and says so once. An event that fails three times is set aside.
        """
        event = _cleaned(event)
        failures = 0
        pause, longest = AWAY_PAUSE
        while True:
            try:
                receipt = await self._received(event)
            except StoreUnavailable:
                await self._say_away(event)
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
            except Exception as error:
                failures += 1
                log.exception("turn failed event=%s id=%s", type(event).__name__, event.id)
                if failures == FAILURES:
                    return await self._set_aside(event, error)
            else:
                await self._say_back(event)
                return receipt

    async def sweep(self, at: datetime | None = None) -> Swept:
        """Do what has fallen due, then what was left undone. Raises StoreUnavailable."""
        swept = await self.sweep_due(at)
        swept.delivered = await self.sweep_left()
        return swept

    async def sweep_due(self, at: datetime | None = None) -> Swept:
        """Nudges and everything else whose time has come: decided and committed. Raises StoreUnavailable."""
        swept = Swept()
        while claims := await self._store.due(at=at or self._clock(), lease=LEASE, limit=CLAIMS):
            swept.due += len(claims)
            await self._in_lanes([self._claimed(claim, at or self._clock(), swept) for claim in claims])
            if len(claims) < CLAIMS:
                break
        return swept

    async def sweep_left(self) -> int:
        """Send and grade what another process, or an earlier try, left. Gives the number of messages that went.
        Raises StoreUnavailable."""
        platforms = tuple(self._messengers)
        left = await self._store.pending(platforms, work=True, at=self._clock(), lease=LEASE, limit=CLAIMS)
        return sum(
            await self._in_lanes([self._taken_up(student, deliveries) for student, deliveries in left])
        )

    async def settled(self) -> None:
        """Wait until everything that is under way has been graded and sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop what is under way; the next process takes it up from the committed conversation."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # A turn

    async def _received(self, event: FromStudent) -> Receipt:
        student = self._students.get(event.sender) or await self._resolve(event)
        taken = await self._turn(student, event)
        if taken is None:  # forgotten through another process or platform: this identity leads to someone new
            return await self._received(event)
        return Receipt(student=student, attempt=_attempt_in(taken.writes))

    async def _turn(self, student: str, event: Event) -> _Taken | None:
        """Lock, load, decide, commit; then send and grade. None when the student has been forgotten meanwhile."""
        began = time.perf_counter()
        async with self._lock(self._turn_locks, student):
            for _ in range(STALE_TRIES):
                record = await self._store.load(student)
                if record is None:
                    if not await self._is_new(student, event):
                        return None
                    record = Record(
                        conversation=Conversation(student=student, created_at=event.at), version=0
                    )
                before = record.conversation
                if event.id in before.recent:
                    return _Taken()
                needs = engine.needs(before, event)
                known = await self._store.known(student, needs, at=event.at) if needs else Known()
                after, effects = engine.handle(before, event, known, self._content)
                if any(isinstance(effect, Forget) for effect in effects):
                    await self._forget(after, event, effects)
                    return _Taken()
                writes = merged(effect for effect in effects if isinstance(effect, Insert | Update))
                if record.version == 0:
                    writes = (_student_document(after), *writes)
                deliveries = self._deliveries(after, event, effects)
                try:
                    await self._commit(after, record.version, writes, deliveries)
                except StaleConversation:
                    continue
                break
            else:
                raise StaleConversation(f"lost {STALE_TRIES} races")
            self._begin_sending(student, deliveries)
        self._begin_grading(student, after)
        _log_turn(before, after, event, time.perf_counter() - began)
        return _Taken(writes=writes, deliveries=deliveries)

    async def _commit(
        self, after: Conversation, version: int, writes: Sequence[Write], deliveries: Sequence[Delivery]
    ) -> None:
        work = engine.work(after) is not None
        ours = work or any(each.to.platform in self._messengers for each in deliveries)
        await self._store.commit(
            after.student,
            after,
            expected=version,
            writes=writes,
            deliveries=deliveries,
            wake_at=engine.wake_at(after),
            work=work,
            lease_until=self._clock() + LEASE if ours else None,
        )

    async def _resolve(self, event: FromStudent) -> str:
        new = new_id(event.at, event.sender.platform, event.sender.user, event.id)
        student = await self._store.student(event.sender, new=new, at=event.at)
        if len(self._students) >= CACHED_STUDENTS:
            self._students.clear()
        self._students[event.sender] = student
        return student

    async def _is_new(self, student: str, event: Event) -> bool:
        """Whether the event's identity still leads to this student, who just has no conversation yet."""
        if isinstance(event, SetAside):  # of a first message: whom it leads to was asked a moment ago
            return True
        if not isinstance(event, Said | Pressed | Shared):
            return False
        self._students.pop(event.sender, None)
        return await self._resolve(event) == student

    async def _forget(self, conversation: Conversation, event: Event, effects: Sequence[Effect]) -> None:
        """Erase first, then say so: nothing of it is kept in an outbox."""
        await self._store.erase(conversation.student)
        self._students = {
            who: student for who, student in self._students.items() if student != conversation.student
        }
        self._begin_sending(
            conversation.student, self._deliveries(conversation, event, effects), settle=False
        )

    def _deliveries(self, after: Conversation, event: Event, effects: Sequence[Effect]) -> list[Delivery]:
        replies = [effect for effect in effects if isinstance(effect, Reply)]
        to = event.address if isinstance(event, SetAside) else after.address
        if to is None:
            return []
        under = event.message if isinstance(event, Pressed) else ""
        return [
            Delivery(
                id=new_id(event.at, after.student, event.id, str(place)),
                to=to,
                kind=effect.kind,
                message=effect.message,
                at=event.at,
                edit=under if effect.edit else "",
                tries=1 if to.platform in self._messengers else 0,
            )
            for place, effect in enumerate(replies)
        ]

    # Sending

    def _begin_sending(self, student: str, deliveries: Sequence[Delivery], *, settle: bool = True) -> None:
        mine = [each for each in deliveries if each.to.platform in self._messengers]
        if mine:
            self._beside(partial(self._send_all, student, mine, settle=settle))

    async def _send_all(self, student: str, deliveries: Sequence[Delivery], *, settle: bool = True) -> int:
        """Hand messages over in their order, and take them out of the outbox. Gives how many went."""
        async with self._lock(self._send_locks, student):
            sent, untaken, hold, gone = await self._handed_over(deliveries)
        if settle:
            until = self._held_until(student, hold)
            await self._store.settle(student, sent=sent, untaken=untaken, lease_until=until)
        for address in gone:
            lost = Unreachable(id=f"gone:{deliveries[0].id}", at=_now(self._clock), address=address)
            await self._turn(student, lost)
        return len(sent)

    def _held_until(self, student: str, hold: float) -> datetime | None:
        """How long other processes leave this student's outbox and work to us: while we wait, or still grade."""
        if hold:
            return self._clock() + timedelta(seconds=hold)
        return self._clock() + LEASE if student in self._grading.values() else None

    async def _handed_over(
        self, deliveries: Sequence[Delivery]
    ) -> tuple[list[str], list[str], float, set[Address]]:
        """What went (or is dropped), what certainly did not, seconds to hold the rest back, addresses that are gone."""
        sent: list[str] = []
        gone: set[Address] = set()
        for place, each in enumerate(deliveries):
            if each.to in gone:
                sent.append(each.id)
                continue
            rest = [later.id for later in deliveries[place + 1 :]]
            try:
                await self._messengers[each.to.platform].send(each)
            except NotTaken as error:
                log.warning("not taken chat=%s:%s: %s", each.to.platform, each.to.chat, error)
                return sent, [each.id, *rest], error.retry_after or _backoff(each.tries), gone
            except MaybeTaken as error:
                log.warning("maybe taken chat=%s:%s: %s", each.to.platform, each.to.chat, error)
                if each.kind == "reply":  # again, and counted; a nudge is not said twice
                    return sent, rest, _backoff(each.tries), gone
            except Refused:
                log.exception("refused chat=%s:%s", each.to.platform, each.to.chat)
            except ChatUnreachable:
                gone.add(each.to)
            sent.append(each.id)
        return sent, [], 0.0, gone

    async def _say_away(self, event: FromStudent) -> None:
        """Straight to the platform, once an outage: there is no database to keep it in."""
        if event.address not in self._away:
            self._away.add(event.address)
            await self._say_straight(event, "general.store_away")

    async def _say_back(self, event: FromStudent) -> None:
        if event.address in self._away:
            self._away.discard(event.address)
            await self._say_straight(event, "general.store_back")

    async def _say_straight(self, event: FromStudent, key: str) -> None:
        messenger = self._messengers.get(event.address.platform)
        if messenger is None:
            return
        told = Delivery(
            id=new_id(event.at, key, event.id),
            to=event.address,
            kind="reply",
            message=Message(text=say(key)),
            at=event.at,
        )
        try:
            await messenger.send(told)
        except (NotTaken, MaybeTaken, Refused, ChatUnreachable) as error:
            log.warning("could not say %s: %s", key, error)

    # Grading

    def _begin_grading(self, student: str, conversation: Conversation) -> None:
        job = engine.work(conversation)
        if job is not None and (job.attempt, job.parts) not in self._grading:
            self._grading[job.attempt, job.parts] = student
            self._beside(partial(self._grade, student, job))

    async def _grade(self, student: str, job: GradeJob) -> None:
        try:
            grade = await self._graded(job)
            event = Graded(
                id=f"graded:{job.attempt}:{job.parts}",
                at=_now(self._clock),
                attempt=job.attempt,
                parts=job.parts,
                grade=grade,
            )
            await self._turn(student, event)
        finally:
            self._grading.pop((job.attempt, job.parts), None)

    async def _graded(self, job: GradeJob) -> Grade:
        """A grade in any case; one that could not be given says why."""
        try:
            async with asyncio.timeout(GRADE_TIMEOUT.total_seconds()):
                return await self._grader.grade(
                    question=job.question,
                    reference_answer=job.reference_answer,
                    key_points=job.key_points,
                    answer=job.answer,
                )
        except TimeoutError:
            log.warning("grading took more than %s attempt=%s", GRADE_TIMEOUT, job.attempt)
            return Grade(score=None, points=(), grader="none", reason="timeout")
        except Exception:
            log.exception("grading failed attempt=%s", job.attempt)
            return Grade(score=None, points=(), grader="none", reason="failed")

    # Sweeping

    async def _claimed(self, claim: Claimed, at: datetime, swept: Swept) -> None:
        when = claim.due.isoformat(timespec="milliseconds")
        event: Event
        if claim.row:
            event = NudgeDue(id=f"nudge:{claim.row}:{when}", at=_whole(at), row=claim.row)
        else:
            event = Woke(id=f"wake:{claim.student}:{when}", at=_whole(at))
        swept.claimed += 1
        try:
            taken = await self._turn(claim.student, event)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("sweep: %s failed", event.id)
            swept.failed += 1
            return
        if taken is not None and any(each.kind == "nudge" for each in taken.deliveries):
            swept.sent += 1

    async def _taken_up(self, student: str, deliveries: Sequence[Delivery]) -> int:
        doubtful = [each.id for each in deliveries if each.kind == "nudge" and each.tries]
        again = [replace(each, tries=each.tries + 1) for each in deliveries if each.id not in doubtful]
        for each in again:
            if each.tries > 1:
                log.info("sent again chat=%s:%s try=%d", each.to.platform, each.to.chat, each.tries)
        if doubtful:
            await self._store.settle(student, sent=doubtful, lease_until=self._clock() + LEASE)
        went = await self._send_all(student, again) if again else 0
        record = await self._store.load(student)
        if record is not None and engine.work(record.conversation) is not None:
            self._begin_grading(student, record.conversation)
        return went

    async def _set_aside(self, event: FromStudent, error: Exception) -> Receipt:
        """Keep the reason, tell the student in a sentence, go on with the line."""
        student = await self._resolve(event)
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "?"
        await self._store.set_aside(
            AsideEvent(
                id=new_id(event.at, "aside", event.id),
                student_id=student,
                event_id=event.id,
                event_type=type(event).__name__,
                error=f"{type(error).__name__} in {place}",
                created_at=event.at,
            )
        )
        told = SetAside(id=f"aside:{event.id}", at=event.at, event=event.id, address=event.address)
        try:
            await self._turn(student, told)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("could not tell that an event was set aside student=%s", student)
        return Receipt(student=student)

    # Tasks and locks

    def _beside(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run something beside the turn; its failure is logged, and a sweep takes up what it left."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _in_lanes(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        lanes = asyncio.Semaphore(AT_ONCE)

        async def one(each: Coroutine[Any, Any, T]) -> T:
            async with lanes:
                return await each

        return await asyncio.gather(*(one(each) for each in work))

    @staticmethod
    def _lock(table: WeakValueDictionary[str, asyncio.Lock], student: str) -> asyncio.Lock:
        lock = table.get(student)
        if lock is None:
            lock = table[student] = asyncio.Lock()
        return lock


async def _logged(work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    try:
        await work()
    except StoreUnavailable:
        log.warning("the database is away; what was under way is taken up by the next sweep")
    except Exception:
        log.exception("failed beside a turn; the next sweep takes it up")


def _cleaned(event: FromStudent) -> FromStudent:
    """Whole milliseconds, and text that every store and platform can hold (no NUL, no lone surrogate)."""
    event = replace(event, at=_whole(event.at))
    if isinstance(event, Said):
        return replace(event, text=_clean(event.text))
    if isinstance(event, Shared):
        return replace(
            event, name=_clean(event.name), text=None if event.text is None else _clean(event.text)
        )
    return replace(event, choice=_clean(event.choice))


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _now(clock: Callable[[], datetime]) -> datetime:
    return _whole(clock())


def _backoff(tries: int) -> float:
    first, longest = RETRY_PAUSE
    return float(min(first * 2 ** min(tries, 10), longest))


def _student_document(conversation: Conversation) -> Insert:
    profile = conversation.profile
    return insert(
        Student(
            id=conversation.student,
            goal=profile.goal,
            zone=profile.zone,
            reminder_hour=profile.reminder_hour,
            created_at=conversation.created_at,
            updated_at=conversation.created_at,
        )
    )


def _attempt_in(writes: Sequence[Write]) -> str | None:
    """The interview attempt a turn wrote an answer to."""
    for write in writes:
        if write.collection == "interview_attempts":
            if isinstance(write, Insert):
                return str(write.document["_id"])
            if "student_answer" in write.fields:
                return write.id
    return None


def _log_turn(before: Conversation, after: Conversation, event: Event, took: float) -> None:
    to = after.address
    chat = f"{to.platform}:{to.chat}" if to else "-"
    stages = f"{type(before.floor).__name__}->{type(after.floor).__name__}"
    log.info("turn chat=%s event=%s stage=%s %.0f ms", chat, type(event).__name__, stages, 1000 * took)
