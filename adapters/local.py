"""What the chat in a terminal and its JSON lines share: a clock that can be moved, lines of input, files, and leaving.

Both are the platform "terminal". What a line or a screen looks like is their own affair.
"""

import asyncio
import errno
import os
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from adapters.drawing import attached
from adapters.files import Files
from bot.events import Shared
from bot.messages import Delivery, Message
from bot.ports import Claimed, Rendered, Renderer, Store, StoreUnavailable
from bot.sentences import say
from bot.shell import CLAIMS, LEASE, Shell

PLATFORM = "terminal"
FURTHEST = timedelta(days=3660)  # one advance: ten years, so that a slip of the finger does not run for ever
CHUNK = 65_536  # bytes read at once: a Linux pipe holds as many

PHOTOS = frozenset(".png .jpg .jpeg .gif .webp .bmp .heic .svg .tif .tiff".split())
VOICES = frozenset(".ogg .oga .opus .mp3 .m4a .wav .flac .aac .amr".split())
STICKERS = frozenset(".tgs".split())

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SharedDatabase(Exception):
    """The clock may not be moved: students of another platform are in this database."""

    def __init__(self) -> None:
        super().__init__(say("terminal.shared"))


class MovableClock:
    """The time: real, or standing still at `start` (aware); both can be moved on."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start.astimezone(UTC) if start else None
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return (self._start or datetime.now(UTC)) + self._ahead

    @property
    def real(self) -> bool:
        """Whether it shows the real time."""
        return self._start is None and not self._ahead

    def move_to(self, at: datetime) -> None:
        """Forward only."""
        self._ahead += max(at - self(), timedelta())


class Folder:
    """Where pictures and files are put for a student without a chat app: a folder of this process, made when the first
    one is written, and left there to be looked at."""

    def __init__(self, renderer: Renderer | None = None) -> None:
        self._renderer = renderer
        self._path: Path | None = None

    async def attached(self, delivery: Delivery) -> tuple[Message, dict[str, str]]:
        """The message, and the paths of its "image" and "file"."""
        message, made = await attached(delivery.message, self._renderer)
        return message, {
            "image" if each.media_type == "image/png" else "file": await asyncio.to_thread(
                self._written, delivery, each
            )
            for each in made
        }

    def _written(self, delivery: Delivery, made: Rendered) -> str:
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="viva-drawn-"))
        path = self._path / f"{delivery.id}-{made.name}"
        path.write_bytes(made.content)
        return str(path)


def span(**units: float) -> timedelta:
    """How far to advance. Raises ValueError when that is further than `FURTHEST`."""
    with suppress(OverflowError):
        if (by := timedelta(**units)) <= FURTHEST:
            return by
    raise ValueError(f"that is too far: at most {FURTHEST.days} days at once")


async def advance(by: timedelta, *, clock: MovableClock, shell: Shell, store: Store) -> None:
    """Move the clock, stopping at each instant at which something falls due. Raises StoreUnavailable, and
    SharedDatabase rather than let time fly for students of another platform."""
    if not await alone(store):
        raise SharedDatabase
    end = clock() + by
    visited: set[Claimed] = set()  # what fails, or is another process's, stays due: it is visited once, too
    while fresh := [claim for claim in await _due(store, end, len(visited) + 1) if claim not in visited]:
        visited.add(fresh[0])
        clock.move_to(fresh[0].due)
        await _swept(shell)
    clock.move_to(end)
    await _swept(shell)


async def take_over(clock: MovableClock, store: Store) -> None:
    """Free what a session that was killed held: its leases would end in a minute, on a clock that stands still never.

    Taken is everything held until long from now; given back is a lease that has ended.
    """
    now = clock()
    with suppress(StoreUnavailable):
        if not await alone(store):  # what is held there may be held by a process that lives
            return
        held = await store.pending([PLATFORM], work=True, at=now + FURTHEST, lease=-FURTHEST, limit=CLAIMS)
        for student, deliveries in held:  # begun by nobody goes back uncounted: a nudge is tried only once
            await store.settle(student, untaken=[each.id for each in deliveries if not each.tries])


async def catch_up(clock: MovableClock, shell: Shell, store: Store) -> None:
    """Do what has fallen due and what was left undone. While the database is away: nothing; the next line says so."""
    with suppress(StoreUnavailable):
        if clock.real or await alone(store):
            await _swept(shell)
        else:
            await shell.sweep_left()
            await shell.sweep_nudges()
            await shell.settled()


async def alone(store: Store) -> bool:
    """Whether nobody of another platform is in this database: only then may a moved clock decide what is due."""
    async for identity in store.export("identities"):
        if identity["platform"] != PLATFORM:
            return False
    return True


async def _swept(shell: Shell) -> None:
    await shell.sweep()
    await shell.settled()


async def _due(store: Store, at: datetime, limit: int) -> list[Claimed]:
    return await store.due(at=at, lease=LEASE, limit=limit, claim=False)


async def shared(path: Path, common: dict[str, Any], files: Files) -> Shared:
    """A file of this machine. `common`: what every event of the student carries. Raises OSError or ValueError (a NUL
    in the name) for one that is not there or cannot be read."""
    size = _size(path)
    kind = _kind(path.suffix.lower())

    async def fetch(most: int) -> bytes:
        with path.open("rb") as file:  # a few megabytes, for the one who waits for them
            return file.read(most + 1)

    reading = await files.reading(kind, name=path.name, size=size, fetch=fetch)
    return Shared(kind=kind, name=path.name, size=size, **reading._asdict(), **common)


def _size(path: Path) -> int:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "no file", str(path))
    return found.st_size


def _kind(suffix: str) -> Literal["document", "photo", "voice", "sticker"]:
    if suffix in PHOTOS:
        return "photo"
    if suffix in VOICES:
        return "voice"
    return "sticker" if suffix in STICKERS else "document"


class Lines:
    """Lines from a file descriptor, without their ends; bytes that are not UTF-8 become U+FFFD.

    A thread reads, so pipe, file and terminal are alike, and a read that waits keeps nobody from leaving.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def __aiter__(self) -> "Lines":
        return self

    async def __anext__(self) -> str:
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._read, args=[loop], name="lines", daemon=True)
            self._thread.start()
        line = None if self._stopped else await self._queue.get()
        if line is None or self._stopped:
            self._stopped = True
            raise StopAsyncIteration
        return line.decode("utf-8", "replace").removesuffix("\r").removeprefix("\ufeff")

    def stop(self) -> None:
        """No further line is given, whatever still comes."""
        self._stopped = True
        self._queue.put_nowait(None)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = b""
        with suppress(RuntimeError):  # the loop is closed: the session is over
            with suppress(OSError):  # the terminal is gone
                while chunk := os.read(self._descriptor, CHUNK):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        loop.call_soon_threadsafe(self._queue.put_nowait, line)
            for last in (rest, None) if rest else (None,):
                loop.call_soon_threadsafe(self._queue.put_nowait, last)


async def until_signal(
    session: Coroutine[Any, Any, None], *, stop: Callable[[], None] | None = None, grace: float = 0.0
) -> None:
    """Run a session to its end, or until SIGINT or SIGTERM: it is told to `stop`, and cancelled if it has not ended
    after `grace` seconds. Raises what it raised."""
    task = asyncio.create_task(session)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        if stop is not None:
            stop()
        loop.call_later(grace, task.cancel)

    with suppress(NotImplementedError):  # Windows has no signal handlers in asyncio; Ctrl-C still ends it
        for number in _SIGNALS:
            loop.add_signal_handler(number, leave)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
        with suppress(NotImplementedError):
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
    if not task.cancelled():
        task.result()
