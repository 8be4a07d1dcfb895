"""Which question a poll asked: of an answer Telegram tells the poll and the place of the option, nothing of ours.

It is kept as bookmarks, one a poll, in which nothing tells of the student. The words of a poll are in words.py.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import msgspec

from adapters.bookmarks import Bookmarks
from adapters.telegram.words import PollAnswer
from bot.messages import LOST_CHOICE

PREFIX = "telegram:poll:"
KEPT = timedelta(days=60)  # a review that is still due comes as a new poll long before


class _Sent(msgspec.Struct, frozen=True, kw_only=True):
    """`choices`: an id for each option, in their order."""

    choices: tuple[str, ...]
    at: datetime


class Polls:
    """The polls not answered yet. Whatever reads or writes raises StoreUnavailable."""

    def __init__(self, bookmarks: Bookmarks) -> None:
        self._bookmarks = bookmarks
        # By chat; weak, or it grows for ever.
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def asking(self, chat: str) -> asyncio.Lock:
        """To be held while a poll is sent and kept: a quick answer waits, for it may be there before the latter is."""
        lock = self._asking.get(chat)
        if lock is None:
            lock = self._asking[chat] = asyncio.Lock()
        return lock

    async def keep(self, poll: str, choices: Sequence[str], *, at: datetime) -> None:
        """What the options of a poll stand for."""
        sent = msgspec.json.encode(_Sent(choices=tuple(choices), at=at)).decode()
        await self._bookmarks.set(PREFIX + poll, sent)

    async def choice(self, answer: PollAnswer, *, chat: str) -> str:
        """The id of the choice that an answer is; LOST_CHOICE when nobody knows any more."""
        async with self.asking(chat):
            kept = await self._bookmarks.get(PREFIX + answer.poll_id)
        choices = msgspec.json.decode(kept, type=_Sent).choices if kept else ()
        place = next(iter(answer.option_ids), -1)
        return choices[place] if 0 <= place < len(choices) else LOST_CHOICE

    async def forget(self, poll: str) -> None:
        """It is answered, and takes no other answer."""
        await self._bookmarks.set(PREFIX + poll, None)

    async def forget_old(self, now: datetime) -> None:
        """Those that nobody has answered for long."""
        for key, kept in (await self._bookmarks.all(PREFIX)).items():
            if now - msgspec.json.decode(kept, type=_Sent).at > KEPT:
                await self._bookmarks.set(key, None)
