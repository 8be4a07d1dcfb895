"""From a file on a platform to words: size first, then the download, then the reader or the transcriber.

What every platform shares; where a file lies, and how it is asked for, is the platform's own affair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from adapters.papers.reader import PlainReader
from bot.files import LARGEST_DOCUMENT, LARGEST_RECORDING, NotFetched, Unheard, Unread
from bot.ports import Reader, Transcriber

PAUSES = 1.0, 3.0  # s between tries for a file; then it is told that it did not come

Fetch = Callable[[int], Awaitable[bytes]]
"""Gets a file, or so many bytes of it and one more when it is larger. Raises FetchFailed."""

log = logging.getLogger("viva.files")


class FetchFailed(Exception):
    """The file did not come. `again`: it may, at another try. The text is safe to log."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class Reading(NamedTuple):
    """The fields of `Shared` of the same names."""

    text: str | None = None
    read: str | None = None
    unread: Unread | Unheard | NotFetched | Literal[""] = ""


NOTHING = Reading()


class Files:
    """Without a `reader` plain text is read and nothing else, without a `transcriber` nothing is heard."""

    def __init__(self, reader: Reader | None = None, transcriber: Transcriber | None = None) -> None:
        self._reader = reader or PlainReader()
        self._transcriber = transcriber

    async def reading(self, kind: str, *, name: str, size: int, fetch: Fetch) -> Reading:
        """What a file says, or why that is not known. `kind`: as in `Shared`; `size`: bytes as the platform tells
        them, 0 when it does not."""
        if kind == "document":
            most = LARGEST_DOCUMENT
        elif kind == "voice" and self._transcriber is not None:
            most = LARGEST_RECORDING
        else:
            return NOTHING
        if size > most:
            return Reading(unread="too_large")
        try:
            file = await _insisted(fetch, most)
        except FetchFailed as error:
            log.warning("a file of %d bytes did not come: %s", size, error)
            return Reading(unread="not_fetched")
        if len(file) > most:
            return Reading(unread="too_large")
        if kind == "voice" and self._transcriber is not None:
            heard = await self._transcriber.transcribe(file, name=name)
            return Reading(read=heard.text or None, unread=heard.unheard)
        paper = await self._reader.read(file)
        if paper.kind == "text":
            return Reading(text=paper.text)
        return Reading(read=paper.text or None, unread=paper.unread)


async def _insisted(fetch: Fetch, most: int) -> bytes:
    for pause in PAUSES:
        try:
            return await fetch(most)
        except FetchFailed as error:
            if not error.again:
                raise
            log.info("trying again for a file: %s", error)
        await asyncio.sleep(pause)
    return await fetch(most)
