"""The shell around the engine: it owns a turn. Lock, load, decide, commit, send; grading happens outside the lock.

It decides nothing about interviews: that is the engine's. What must be sent or graded is in the committed conversation,
so `sweep` can take up what a process that died has left.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from bot import engine, wording
from bot.bank import Content
from bot.clock import next_reminder, nudge_may_go
from bot.conversation import Conversation, Stage
from bot.documents import (
    AsideEvent,
    Insert,
    InterviewAttempt,
    LearningProgress,
    Observed,
    Student,
    Update,
    Write,
    insert,
    new_id,
    update,
)
from bot.effects import Effect, Forget, Reply
from bot.engine import GradeJob, Job, JudgeJob
from bot.events import (
    Event,
    FromStudent,
    Graded,
    Identity,
    Judged,
    NudgeDue,
    Pressed,
    Said,
    SetAside,
    Shared,
    Unreachable,
    Woke,
)
from bot.judging import CannotRun, Judge, JudgeBusy
from bot.lane import Lane
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
JUDGE_TIMEOUT = timedelta(seconds=55)  # within the lease; the cases of one submission end after 30 s
LEASE = timedelta(seconds=60)  # longer than sending or grading takes; after it another process takes over
FAILURES = 3  # of one event before it is set aside
WAKE_AGAIN = timedelta(days=1)  # after a wake that could not be heard
STALE_TRIES = 20  # of one turn; each lost race means that another process got on
AWAY_PAUSE = 0.5, 15.0  # seconds between tries while the database is away: first, longest
RETRY_PAUSE = 2.0, 300.0  # seconds before a message is tried again: first, longest
CLAIMS = 100  # leased at once by a sweep: done within the lease even where a platform takes seconds
AT_ONCE = 32  # conversations of one sweep taken up together
PACED_AT_ONCE = 8  # the same in a lane: so many may go in a bunch after a slow disk held them up
PLACE_WITHIN = timedelta(seconds=20)  # else the lane stands still: what was claimed waits for a later sweep
CHAT_GAP = 1.0  # s between two nudges in one chat: Telegram asks for it
CACHED_RECORDS = 2_000  # conversations remembered, some kB each: those who are talking now
CACHED_STUDENTS = 10_000  # identities remembered, so that a turn does not ask for them

log = logging.getLogger("viva.turn")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event. `attempt`: the interview answer it was kept as, or joined. `forgotten`: the student was
    erased by it."""

    student: str
    attempt: str | None = None
    forgotten: bool = False


class Swept(msgspec.Struct, kw_only=True):
    """What one sweep did. `sent`: nudges committed for delivery; `delivered`: messages handed to a platform that
    another turn had left."""

    due: int = 0
    claimed: int = 0
    sent: int = 0
    failed: int = 0
    delivered: int = 0


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn committed. `heard`: the event had been committed before, so nothing was done."""

    heard: bool = False
    forgotten: bool = False
    before: Conversation | None = None
    after: Conversation | None = None
    writes: Sequence[Write] = ()
    deliveries: Sequence[Delivery] = ()
    sending: asyncio.Task[None] | None = None


class Shell:
    """One process's way from an event to its committed, sent answer. `messengers`: the platforms it sends to.
    `lanes`: by platform, the pace of what sweeps cause, also where another process sends it; without one there is none.
    `patience`: seconds an answer waits for a second message before it is graded."""

    def __init__(
        self,
        *,
        store: Store,
        content: Content,
        grader: Grader,
        judge: Judge | None = None,
        messengers: Sequence[Messenger] = (),
        lanes: Mapping[str, Lane] | None = None,
        patience: float = 0.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._content = content
        self._grader = grader
        self._judge = judge
        self._patience = patience
        self._messengers: Mapping[str, Messenger] = {each.platform: each for each in messengers}
        self._lanes = lanes or {}
        self._clock = clock
        # Lock before load: aiogram #1317, ten quick messages all saw the first stage. Weak, or the tables grow for ever.
        self._turn_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._send_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._run_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._students: dict[Identity, str] = {}
        self._records: dict[str, Record] = {}
        self._at_work: dict[str, int] = {}  # the newest number under way of each job's key
        self._working_for: Counter[str] = Counter()  # jobs under way, by student
        self._away: set[Address] = set()
        self._busy: Counter[str] = (
            Counter()
        )  # turns and sendings under way or waiting for their lock, by student
        self._held: dict[str, datetime] = {}
        self._failures: Counter[str] = Counter()  # of events of our own, by id
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, event: FromStudent) -> Receipt:
        """Answer an event of a student. Returns when its turn is committed; sending and grading go on beside.

        While the database is away it waits, and says so once. An event that fails three times is set aside.
        """
        event = _cleaned(event)
        failures: list[Exception] = []
        pause, longest = AWAY_PAUSE
        unsure = False
        while True:
            try:
                if len(failures) == FAILURES:
                    return await self._set_aside(event, failures[-1])
                receipt = await self._received(event, unsure=unsure)
            except StoreUnavailable:
                unsure = True
                await self._say_away(event)
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
            except Exception as error:
                failures.append(error)
                log.exception("turn failed event=%s id=%s", type(event).__name__, event.id)
            else:
                await self._say_back(event)
                return receipt

    async def sweep(self, at: datetime | None = None) -> Swept:
        """Do what has fallen due, then what was left undone. Raises StoreUnavailable."""
        swept = await self.sweep_due(at)
        swept.delivered = await self.sweep_left() + await self.sweep_nudges()
        return swept

    async def sweep_due(self, at: datetime | None = None) -> Swept:
        """Nudges and everything else whose time has come: decided, committed and sent, no faster than their lanes go.
        Raises StoreUnavailable."""
        swept = Swept()
        while claims := await self._store.due(at=at or self._clock(), lease=LEASE, limit=CLAIMS):
            swept.due += len(claims)
            room = asyncio.Semaphore(PACED_AT_ONCE)
            await asyncio.gather(*(self._claimed(claim, at, swept, room) for claim in claims))
            if len(claims) < CLAIMS:
                break
        return swept

    async def sweep_left(self) -> int:
        """Send the replies and grade what another process, or an earlier try, left. Gives the number of messages that
        went. Raises StoreUnavailable."""
        went, platforms = 0, tuple(self._messengers)
        while left := await self._store.pending(
            platforms, work=True, nudges=False, at=self._clock(), lease=LEASE, limit=CLAIMS
        ):
            room = asyncio.Semaphore(AT_ONCE)
            went += sum(await asyncio.gather(*(self._taken_up(*each, room) for each in left)))
            if len(left) < CLAIMS:
                break
        return went

    async def sweep_nudges(self) -> int:
        """Send the nudges that another process, or an earlier try, left, as fast as their lanes go. Gives the number of
        messages that went. Raises StoreUnavailable."""
        return sum(await asyncio.gather(*(self._drained(platform) for platform in self._messengers)))

    def rate(self, ratings: Mapping[str, int]) -> None:
        """From now on questions are as hard as this says, by id."""
        self._content = replace(self._content, ratings=dict(ratings))

    def word(self, scores: wording.Scores) -> None:
        """From now on nudges are worded by what followed earlier ones."""
        self._content = replace(self._content, wordings=scores)

    async def settled(self) -> None:
        """Wait until everything that is under way has been graded and sent."""
        while self._tasks:  # not gather: of done tasks it returns at once, before the set has let go of them
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop what is under way; the next process takes it up from the committed conversation."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def learn(self, observed: Mapping[str, tuple[Observed, ...]]) -> None:
        """From the next turn on companies are what students say of them now, by slug."""
        self._content = self._content.learnt(observed)

    # A turn

    async def _received(self, event: FromStudent, *, unsure: bool) -> Receipt:
        """One try. `unsure`: an earlier one may have been committed before the database went away."""
        student = self._students.get(event.sender) or await self._resolve(event)
        taken = await self._turn(student, event)
        if taken is None:  # forgotten through another process or platform: this identity leads to someone new
            return await self._received(event, unsure=False)
        if taken.heard and unsure:  # it was: what it left to send and to grade is taken up at once
            await self._store.settle(student)
            await self.sweep_left()
        return Receipt(student=student, attempt=_attempt_in(taken.writes), forgotten=taken.forgotten)

    async def _turn(self, student: str, event: Event) -> _Taken | None:
        """Lock, load, decide, commit; then send and grade. None when the student has been forgotten meanwhile."""
        began = time.perf_counter()
        self._busy[student] += (
            1  # before the commit: a sending that ends meanwhile then leaves the lease to us
        )
        try:
            async with self._lock(self._turn_locks, student):
                taken = await self._decided(student, event)
                if taken is not None:
                    settle = taken.after is not None
                    taken = replace(
                        taken, sending=self._begin_sending(student, taken.deliveries, settle=settle)
                    )
        finally:
            self._no_longer_busy(student)
        if taken is not None and taken.after is not None:
            self._begin_work(student, taken.after)
            _log_turn(taken, event, time.perf_counter() - began)
        return taken

    async def _decided(self, student: str, event: Event) -> _Taken | None:
        """Decide on what is stored now, and commit; decide anew when another process was faster."""
        for _ in range(STALE_TRIES):
            record = self._records.pop(student, None) or await self._store.load(student)
            if record is None:
                if not await self._is_new(student, event):
                    return None
                record = Record(conversation=Conversation(student=student, created_at=event.at), version=0)
            before = record.conversation
            if before.has_heard(event.id):
                self._remember(record)
                return _Taken(heard=True)
            needs = engine.needs(before, event)
            known = await self._store.known(student, needs, at=event.at) if needs else Known()
            after, effects = engine.handle(before, event, known, self._content)
            deliveries = self._deliveries(after, event, effects)
            if any(isinstance(effect, Forget) for effect in effects):
                await self._forget(student)
                return _Taken(deliveries=deliveries, forgotten=True)
            writes: list[Write] = [effect for effect in effects if isinstance(effect, Insert | Update)]
            if record.version == 0:
                writes.insert(0, _student_document(after))
            with suppress(StaleConversation):
                version = await self._commit(after, record.version, writes, deliveries)
                self._remember(Record(conversation=after, version=version))
                return _Taken(before=before, after=after, writes=writes, deliveries=deliveries)
        raise StaleConversation(f"lost {STALE_TRIES} races")

    async def _commit(
        self, after: Conversation, version: int, writes: Sequence[Write], deliveries: Sequence[Delivery]
    ) -> int:
        work = engine.work(after, self._content) is not None
        held = self._held_back(after.student)
        ours = work or any(each.to.platform in self._messengers for each in deliveries)
        return await self._store.commit(
            after.student,
            after,
            expected=version,
            writes=writes,
            deliveries=deliveries,
            wake_at=engine.wake_at(after),
            work=work,
            lease_until=held or (self._clock() + LEASE if ours else None),
        )

    def _remember(self, record: Record) -> None:
        """Spare the next turn its load. Should another process commit meanwhile, the version check refuses what was
        decided on this, and it is loaded after all."""
        self._records[record.conversation.student] = record
        if len(self._records) > CACHED_RECORDS:
            del self._records[next(iter(self._records))]

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

    async def _forget(self, student: str) -> None:
        """Erase; the last word goes straight to the platform, since no outbox is left to keep it."""
        await self._store.erase(student)
        self._students = {who: known for who, known in self._students.items() if known != student}

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
                tries=1 if to.platform in self._messengers and not self._held_back(after.student) else 0,
            )
            for place, effect in enumerate(replies)
        ]

    # Sending

    def _begin_sending(
        self, student: str, deliveries: Sequence[Delivery], *, settle: bool
    ) -> asyncio.Task[None] | None:
        mine = [each for each in deliveries if each.to.platform in self._messengers]
        if not mine or self._held_back(student):  # they wait in the outbox behind what is held back
            return None
        self._busy[student] += 1
        return self._beside(partial(self._send_all, student, mine, settle=settle))

    async def _send_all(self, student: str, deliveries: Sequence[Delivery], *, settle: bool = True) -> int:
        """Hand messages over in their order, and take them out of the outbox. Gives how many went. The caller has
        counted this sending among what is busy."""
        try:
            async with self._lock(self._send_locks, student):
                if self._held_back(student):  # by a message before these: they keep their place behind it
                    waiting = [each.id for each in deliveries]
                    sent, untaken, hold, gone = list[str](), waiting, 0.0, set[Address]()
                else:
                    sent, untaken, hold, gone = await self._handed_over(deliveries)
                if hold:
                    self._held[student] = self._clock() + timedelta(seconds=hold)
        finally:
            self._no_longer_busy(student)
        if settle:
            until = self._leased_until(student)
            await self._store.settle(student, sent=sent, untaken=untaken, lease_until=until)
        for address in gone:
            lost = Unreachable(id=f"gone:{deliveries[0].id}", at=_now(self._clock), address=address)
            await self._turn(student, lost)
        return len(sent)

    def _held_back(self, student: str) -> datetime | None:
        """Until when nothing is sent to this student: a message could not go yet, and none may overtake it."""
        until = self._held.get(student)
        if until is not None and until <= self._clock():
            del self._held[student]
            return None
        return until

    def _no_longer_busy(self, student: str) -> None:
        self._busy[student] -= 1
        if not self._busy[student]:
            del self._busy[student]

    def _leased_until(self, student: str) -> datetime | None:
        """How long the sweeps leave this student's outbox and work alone: while it is held back, sent or graded."""
        busy = self._busy[student] > 0 or self._working_for[student] > 0
        return self._held_back(student) or (self._clock() + LEASE if busy else None)

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
            lane = self._lanes.get(each.to.platform)
            if lane is not None and each.kind == "reply":
                lane.give_way()
            elif lane is not None and place:  # for the first one there was a place
                await lane.place(after=CHAT_GAP)
            try:
                await self._messengers[each.to.platform].send(each)
            except NotTaken as error:
                log.warning("not taken chat=%s:%s: %s", each.to.platform, each.to.chat, error)
                hold = error.retry_after or _backoff(each.tries)
                if lane is not None and each.kind == "nudge":  # so would the next ones be
                    lane.hold(hold)
                return sent, [each.id, *rest], hold, gone
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

    # Grading and running code

    def _begin_work(self, student: str, conversation: Conversation) -> None:
        job = engine.work(conversation, self._content)
        if job is not None and self._at_work.get(job.key, -1) < job.number:
            self._at_work[job.key] = job.number
            self._working_for[student] += 1
            self._beside(partial(self._work, student, job))

    async def _work(self, student: str, job: Job) -> None:
        try:
            await asyncio.sleep(self._patience)
            if self._at_work.get(job.key, -1) > job.number:
                return  # more was said meanwhile: all of it is done together
            await self._tried(student, await self._done(student, job))
        finally:
            if self._at_work.get(job.key) == job.number:
                del self._at_work[job.key]
            self._working_for[student] -= 1
            if not self._working_for[student]:
                del self._working_for[student]

    async def _done(self, student: str, job: Job) -> Graded | Judged:
        if isinstance(job, JudgeJob):
            return await self._judged(student, job)
        grade = await self._graded(job)
        name = f"graded:{job.attempt}:{job.parts}"
        return Graded(id=name, at=_now(self._clock), attempt=job.attempt, parts=job.parts, grade=grade)

    async def _judged(self, student: str, job: JudgeJob) -> Judged:
        """What became of it in any case. Whoever sends code once more gets another number, and waits for what still
        runs."""
        told = Judged(
            id=f"judged:{job.key}:{job.number}", at=_now(self._clock), attempt=job.attempt, number=job.number
        )
        if self._judge is None:
            return replace(told, refused="cannot_run")
        try:
            async with asyncio.timeout(JUDGE_TIMEOUT.total_seconds()), self._lock(self._run_locks, student):
                if job.measure:
                    told = replace(
                        told,
                        growth=await self._judge.measure(
                            problem=job.problem, language=job.language, source=job.source
                        ),
                    )
                else:
                    told = replace(
                        told,
                        judgement=await self._judge.submit(
                            student=student, problem=job.problem, language=job.language, source=job.source
                        ),
                    )
        except CannotRun as error:
            log.warning("cannot run code: %s", error)
            told = replace(told, refused="cannot_run")
        except JudgeBusy as error:
            log.warning("%s student=%s", error, student)
            told = replace(told, refused="busy")
        except TimeoutError:
            log.warning("judging took more than %s attempt=%s", JUDGE_TIMEOUT, job.attempt)
            told = replace(told, refused="timeout")
        except Exception:
            log.exception("judging failed attempt=%s problem=%s", job.attempt, job.problem)
            told = replace(told, refused="failed")
        return replace(told, at=_now(self._clock))

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

    async def _claimed(
        self, claim: Claimed, at: datetime | None, swept: Swept, room: asyncio.Semaphore
    ) -> None:
        """Its place comes before its turn: what is decided goes at once, as the hour is then, and whoever dies waiting
        has decided nothing."""
        if await self._has_place(await self._platform_of(claim.student)):
            async with room:
                await self._due(claim, at or self._clock(), swept)

    async def _due(self, claim: Claimed, at: datetime, swept: Swept) -> None:
        when = claim.due.isoformat(timespec="milliseconds")
        event: Event
        if claim.row:
            event = NudgeDue(id=f"nudge:{claim.row}:{when}", at=_whole(at), row=claim.row)
        else:
            event = Woke(id=f"wake:{claim.student}:{when}", at=_whole(at))
        swept.claimed += 1
        try:
            taken = await self._tried(claim.student, event)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("sweep: %s failed", event.id)
            swept.failed += 1
            return
        if taken is not None and taken.heard:  # a clock that jumped back made an old time due again
            await self._stilled(claim.student, event)
        if taken is not None and any(each.kind == "nudge" for each in taken.deliveries):
            swept.sent += 1
        if taken is not None and taken.sending is not None:
            await asyncio.wait([taken.sending])

    async def _platform_of(self, student: str) -> str:
        """Where a student is written to, empty when nowhere."""
        if not self._lanes:
            return ""
        try:
            record = self._records.get(student) or await self._store.load(student)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("cannot load student=%s", student)
            return ""  # its turn fails for the same reason, and counts it
        return record.conversation.address.platform if record and record.conversation.address else ""

    async def _has_place(self, platform: str) -> bool:
        """Wait for a place in a platform's lane. False when it stands still."""
        lane = self._lanes.get(platform)
        if lane is None:
            return True
        try:
            async with asyncio.timeout(PLACE_WITHIN.total_seconds()):
                await lane.place()
        except TimeoutError:
            return False
        return True

    async def _drained(self, platform: str) -> int:
        """Send a platform's nudges one by one, a place each. The place comes before the claim: a nudge is tried once,
        so whoever dies between the two would lose it."""
        room = asyncio.Semaphore(PACED_AT_ONCE)
        sending: list[asyncio.Task[int]] = []
        while await self._has_place(platform):
            async with room:
                left = await self._store.pending(
                    [platform], work=False, at=self._clock(), lease=LEASE, limit=1
                )
            if not left:
                break
            sending.append(asyncio.create_task(self._taken_up(*left[0], room)))
        return sum(await asyncio.gather(*sending))

    async def _taken_up(self, student: str, deliveries: Sequence[Delivery], room: asyncio.Semaphore) -> int:
        """What one conversation had left. Gives how many messages went; a failure is logged, and leaves the others be."""
        async with room:
            return await self._again(student, deliveries)

    async def _again(self, student: str, deliveries: Sequence[Delivery]) -> int:
        if self._busy[student]:  # what it had left comes after what it does now; a nudge is not begun by that
            untaken = [each.id for each in deliveries if each.kind == "nudge" and not each.tries]
            if untaken:
                await self._store.settle(student, untaken=untaken, lease_until=self._leased_until(student))
            return 0
        try:
            record = await self._store.load(student)
            if record is None:
                return 0
            went = await self._sent_again(record.conversation, deliveries)
            self._begin_work(student, record.conversation)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("sweep: cannot take up what student=%s had left", student)
            return 0
        return went

    async def _sent_again(self, conversation: Conversation, deliveries: Sequence[Delivery]) -> int:
        """Replies go whatever the hour; a nudge only once, on its own day, outside quiet hours."""
        student, now = conversation.student, self._clock()
        dropped: list[str] = []
        waiting: dict[str, datetime] = {}
        timely: list[Delivery] = []
        for each in deliveries:
            when = nudge_may_go(conversation, each.at, now) if each.kind == "nudge" else now
            if when is None or (each.kind == "nudge" and each.tries):
                dropped.append(each.id)
            elif when > now:
                waiting[each.id] = when
            else:
                timely.append(replace(each, tries=each.tries + 1))
        if dropped or waiting:
            until = now + LEASE if timely or not waiting else min(waiting.values())
            await self._store.settle(student, sent=dropped, untaken=waiting, lease_until=until)
        for each in timely:
            if each.tries > 1:
                log.info("sent again chat=%s:%s try=%d", each.to.platform, each.to.chat, each.tries)
        if not timely:
            return 0
        self._busy[student] += 1
        return await self._send_all(student, timely)

    # What fails

    async def _set_aside(self, event: FromStudent, error: Exception) -> Receipt:
        """Keep the reason, tell the student in a sentence, go on with the line."""
        student = await self._resolve(event)
        await self._keep_aside(student, event, error)
        told = SetAside(id=f"aside:{event.id}", at=event.at, event=event.id, address=event.address)
        try:
            await self._turn(student, told)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("could not tell by a turn that an event was set aside student=%s", student)
            await self._say_straight(event, "general.aside")
        return Receipt(student=student)

    async def _keep_aside(self, student: str, event: Event, error: Exception) -> None:
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

    async def _tried(self, student: str, event: Graded | Judged | NudgeDue | Woke) -> _Taken | None:
        """The turn of an event of our own. One that fails three times is set aside, and what asks for it is stilled."""
        try:
            taken = await self._turn(student, event)
        except StoreUnavailable:
            raise
        except Exception as error:
            self._failures[event.id] += 1
            if self._failures[event.id] < FAILURES:
                raise
            del self._failures[event.id]
            await self._keep_aside(student, event, error)
            await self._stilled(student, event)
            raise
        self._failures.pop(event.id, None)
        return taken

    async def _stilled(self, student: str, event: Graded | Judged | NudgeDue | Woke) -> None:
        """Without the engine, which cannot: the row or the conversation asks again later, the answer stays ungraded."""
        record = await self._store.load(student)
        if record is None:
            return
        conversation, writes, work = (
            record.conversation,
            list[Write](),
            engine.work(record.conversation, self._content) is not None,
        )
        if isinstance(event, NudgeDue):
            later = next_reminder(conversation, event.at)
            writes.append(update(LearningProgress, event.row, next_nudge_at=later))
        elif isinstance(event, Graded | Judged):
            conversation, work = replace(conversation, stages=()), False
            writes.append(update(InterviewAttempt, event.attempt, status="not_graded", reason="failed"))
        deliveries = []
        if isinstance(event, Graded | Judged) and conversation.address is not None:
            told = Message(text=say("general.aside"))
            deliveries.append(
                Delivery(
                    id=new_id(event.at, "aside", event.id),
                    to=conversation.address,
                    kind="reply",
                    message=told,
                    at=event.at,
                )
            )
        wake_at = event.at + WAKE_AGAIN if isinstance(event, Woke) else engine.wake_at(conversation)
        await self._store.commit(
            student,
            conversation,
            expected=record.version,
            writes=writes,
            deliveries=deliveries,
            wake_at=wake_at,
            work=work,
        )

    # Tasks and locks

    def _beside(self, work: Callable[[], Coroutine[Any, Any, object]]) -> asyncio.Task[None]:
        """Run something beside the turn; its failure is logged, and a sweep takes up what it left."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

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
            event,
            name=_clean(event.name),
            text=None if event.text is None else _clean(event.text),
            read=None if event.read is None else _clean(event.read),
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


_ANSWERS = {"student_answer", "complexity_answer", "follow_up_answer", "hints_used"}


def _attempt_in(writes: Sequence[Write]) -> str | None:
    """The interview attempt a turn wrote an answer to."""
    for write in writes:
        if write.collection == "interview_attempts":
            if isinstance(write, Insert):
                return str(write.document["_id"])
            if _ANSWERS & write.fields.keys():
                return write.id
    return None


def _log_turn(taken: _Taken, event: Event, took: float) -> None:
    if taken.before is None or taken.after is None:
        return
    to = taken.after.address
    chat = f"{to.platform}:{to.chat}" if to else "-"
    stages = f"{_name(taken.before.floor)}->{_name(taken.after.floor)}"
    log.info("turn chat=%s event=%s stage=%s %.0f ms", chat, type(event).__name__, stages, 1000 * took)


def _name(stage: Stage | None) -> str:
    return "Idle" if stage is None else type(stage).__name__
