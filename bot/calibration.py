"""Once a day: how hard the questions are, learnt from all graded attempts (`bot/elo.py`) and kept on the questions.

It replays everything from the beginning, so it may run at any time, twice or in two processes. Withdrawn attempts and
those without a score do not count.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from bot.documents import InterviewQuestion, update
from bot.elo import Calibration, Rating
from bot.ports import Store

EVERY = timedelta(days=1)  # ratings move slowly; the replay reads every attempt
LOOK_EVERY = timedelta(hours=1)  # until a process has what another one learnt
MARK = "calibrated"  # the bookmark that says when it was done last

log = logging.getLogger("viva.calibration")


async def calibrate(store: Store) -> int:
    """Learn anew and store what changed, by field. Gives the number of questions changed."""
    learning = Calibration()
    async for attempt in store.export("interview_attempts"):
        asked, score = attempt.get("asked"), attempt.get("score")
        if attempt.get("status") == "graded" and asked and score is not None:
            learning.add(
                student=str(attempt["student_id"]),
                question=str(attempt["question_id"]),
                round_=attempt["round"],
                topic=asked["topic"],
                difficulty=asked["difficulty"],
                score=int(score),
            )
    known = await _stored(store)
    changed = {each: rating for each, rating in learning.ratings().items() if known.get(each) != rating}
    if changed:
        await store.revise(
            [
                update(InterviewQuestion, each, rating=rating.value, rated=rating.answers)
                for each, rating in changed.items()
            ]
        )
    return len(changed)


async def ratings(store: Store) -> dict[str, int]:
    """What was learnt so far, by question."""
    return {each: rating.value for each, rating in (await _stored(store)).items()}


class Calibrator:
    """Keeps one process's content at what was learnt; with `learns` it does the learning, once a day over all processes.
    `tell` is given the ratings."""

    def __init__(
        self,
        store: Store,
        tell: Callable[[Mapping[str, int]], None],
        *,
        learns: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._tell = tell
        self._learns = learns
        self._clock = clock
        self._next: datetime | None = None

    async def sweep(self) -> None:
        """Nothing, most of the time."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return
        if self._learns and await self._is_due(now):
            changed = await calibrate(self._store)
            await self._store.set(MARK, now.isoformat())
            log.info("calibrated questions=%d", changed)
        self._tell(await ratings(self._store))
        self._next = now + LOOK_EVERY

    async def _is_due(self, now: datetime) -> bool:
        last = await self._store.get(MARK)
        return last is None or now - datetime.fromisoformat(last) >= EVERY


async def _stored(store: Store) -> dict[str, Rating]:
    return {
        str(document["_id"]): Rating(int(document["rating"]), int(document["rated"]))
        async for document in store.export("interview_questions")
        if document.get("rated")
    }
