"""The bot's side of a worker: started with nothing, asked one case at a time, watched, killed with its whole tree.

Knows processes and the private line; what a worker runs is its program's business (engines.py, inside/).
"""

import asyncio
import json
import logging
import os
import secrets
import signal
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from bot.judging import FRAME_LIMIT, Outcome, Stop

START = 60.0  # s until a worker must be ready; the slowest start seen on a busy machine took 9
GRACE = 2.0  # s past a case's own wall limit before the watchdog ends the worker
IDLE = 600.0  # s until a worker that nobody needs is ended: one around CPython in WebAssembly holds 140 MB
CASES = 1000  # cases until a worker is replaced by a new one, whatever it may have gathered
REPLY_LIMIT = 8 * FRAME_LIMIT  # bytes of one reply: escapes make text up to six times as long

log = logging.getLogger(__name__)

_HEADER = struct.Struct(">I")
_STOPS: tuple[Stop, ...] = ("", "time", "memory", "output", "crash")


class WorkerGone(Exception):
    """The worker ended or was ended. `timed_out`: by the watchdog."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__("out of time" if timed_out else "the worker ended")
        self.timed_out = timed_out


class Worker:
    """One child process."""

    def __init__(self, process: asyncio.subprocess.Process, walls: tuple[str, ...]) -> None:
        self._process = process
        self.walls = walls
        self.cases = 0

    @classmethod
    async def start(cls, command: Sequence[str], *, scratch: str) -> "Worker":
        """A worker that said it is ready. Raises WorkerGone. Nothing of our environment goes with it."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(scratch),
            cwd=scratch,
            start_new_session=True,
            close_fds=True,
        )
        worker = cls(process, ())
        try:
            async with asyncio.timeout(START):
                ready = await worker._read()
        except (TimeoutError, WorkerGone):
            await worker.kill()
            raise WorkerGone from None
        except asyncio.CancelledError:
            await worker.kill()
            raise
        worker.walls = tuple(str(each) for each in ready.get("ready", ()))
        return worker

    @property
    def alive(self) -> bool:
        """Whether it may be asked."""
        return self._process.returncode is None and self.cases < CASES

    async def ask(self, job: dict[str, Any], *, wall_s: float) -> Outcome:
        """The outcome of one case. Raises WorkerGone; the process is gone then, too."""
        self.cases += 1
        number = secrets.randbits(62)
        try:
            async with asyncio.timeout(wall_s + GRACE):
                self._write({**job, "id": number, "wall_s": wall_s})
                reply = await self._read()
        except TimeoutError:
            await self.kill()
            raise WorkerGone(timed_out=True) from None
        except (WorkerGone, OSError):
            await self.kill()
            raise WorkerGone from None
        except asyncio.CancelledError:
            await self.kill()
            raise
        if reply.get("id") != number or reply.get(
            "last"
        ):  # an answer to something else: it cannot be trusted again
            await self.kill()
            if reply.get("id") != number:
                raise WorkerGone
        return _outcome(reply)

    async def kill(self) -> None:
        """End it and everything that it started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
            # Cancelled while waiting: the signal is sent, the loop's watcher collects the process.
            await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        self._process.stdin.write(_HEADER.pack(len(body)) + body)

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            (size,) = _HEADER.unpack(await self._process.stdout.readexactly(_HEADER.size))
            if size > REPLY_LIMIT:
                raise WorkerGone
            message = json.loads(await self._process.stdout.readexactly(size))
        except (asyncio.IncompleteReadError, ValueError, RecursionError):
            raise WorkerGone from None
        if not isinstance(message, dict):
            raise WorkerGone
        return message


class Workers:
    """Up to `count` workers of one command, started when they are first needed."""

    def __init__(self, command: Sequence[str], *, scratch: str, count: int) -> None:
        self._command = command
        self._scratch = scratch
        self._free: list[Worker] = []
        self._turn = asyncio.Semaphore(count)
        self._all: set[Worker] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self.walls: tuple[str, ...] = ()

    async def ask(self, job: dict[str, Any], *, wall_s: float) -> Outcome:
        """The outcome of one case, on a worker that has nothing else to do. A worker that ends without an answer is
        replaced and the case is tried once more: it may have been another's fault. Raises WorkerGone when none starts."""
        async with self._turn:
            for last in (False, True):
                worker = await self._take()
                try:
                    return await worker.ask(job, wall_s=wall_s)
                except WorkerGone as gone:
                    if gone.timed_out:
                        return Outcome(frame=None, stop="time", time_ms=job["time_limit_s"] * 1000)
                    if last:
                        return Outcome(frame=None, stop="crash")
                    log.info("judge: a worker ended without an answer; one more try")
                finally:
                    self._give_back(worker)
            raise AssertionError("the second try answers or raises")

    @property
    def running(self) -> int:
        """How many processes there are."""
        return len(self._all)

    async def close(self) -> None:
        """End them all."""
        if self._timer is not None:
            self._timer.cancel()
        for worker in list(self._all):
            await self._drop(worker)
        self._free.clear()

    async def _take(self) -> Worker:
        while self._free:
            worker = self._free.pop()
            if worker.alive:
                return worker
            await self._drop(worker)
        worker = await Worker.start(self._command, scratch=self._scratch)
        self._all.add(worker)
        self.walls = worker.walls
        return worker

    def _give_back(self, worker: Worker) -> None:
        self._free.append(worker)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._send_home)

    def _send_home(self) -> None:
        idle, self._free = self._free, []
        self._ending = asyncio.get_running_loop().create_task(self._drop(*idle))

    async def _drop(self, *workers: Worker) -> None:
        for worker in workers:
            self._all.discard(worker)
            await worker.kill()


class _Reply(msgspec.Struct, kw_only=True):
    frame: str | None = None
    stop: Stop = ""
    time_ms: float | None = None
    memory_mb: float | None = None


def _outcome(reply: dict[str, Any]) -> Outcome:
    try:
        read = msgspec.convert(reply, _Reply)
    except msgspec.ValidationError:
        return Outcome(frame=None, stop="crash")
    return Outcome(frame=read.frame, stop=read.stop, time_ms=read.time_ms, memory_mb=read.memory_mb)


def _environment(scratch: str) -> dict[str, str]:
    """What a worker cannot do without: no token, no path, no home."""
    bare = {"TMPDIR": scratch, "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0", "LC_ALL": "C.UTF-8"}
    if sys.platform == "win32":
        bare |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ} | {
            "TEMP": scratch,
            "TMP": scratch,
        }
    return bare
