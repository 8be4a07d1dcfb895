"""A worker that forks for every case: the child goes behind the operating system's walls, runs it, and is gone.

Two guests: QuickJS in process, which has no door to the outside of its own, and this very CPython, which has all of
them: there the walls are the protection, and without them the worker refuses to start. The parent never runs a line of
the student's; it measures and kills. Other programs bring their own guest to `serve` (adapters/papers).
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from adapters.judge.inside import confine
from adapters.judge.inside.wire import Wire

ANSWER = 4 << 20  # bytes of one answer; more is a flood
STACK = (
    96 << 20
)  # bytes; recursion of 20,000 levels in QuickJS takes 70 MB. Linux keeps 128 MB free below the stack
ROOM = 96 << 20  # bytes of address space beside what the guest may use
TICK = 0.01  # s between two looks at the child's clock

Run = Callable[[dict[str, Any], Callable[[], None]], tuple[str | None, str]]
"""A case run: frame and stop. The second argument is called when the inputs stand ready."""


def main(guest: str, driver: str, readable: list[str]) -> None:
    """Serve until the bot goes away. `guest`: "python" or "javascript"; `driver`: the JavaScript driver's text."""
    serve(lambda: _quickjs(driver) if guest == "javascript" else _python(), readable)


def serve(guest: Callable[[], Run], readable: list[str]) -> None:
    """Serve until the bot goes away. `guest` imports all it will need: behind the walls only `readable` can be read."""
    wire = Wire()
    confine.die_with_parent()
    if hasattr(os, "fork"):
        import resource  # noqa: F401  # wait4 wants it, and behind the walls it could not be read
    run = guest()
    size = _address_space()
    seccomp = confine.strict_filter()
    walls = ["seccomp"] if seccomp is not None else []
    if confine.landlock(read=readable):
        walls.append("landlock")
    wire.write({"ready": walls})
    while (job := wire.read()) is not None:
        wire.write(_case(job, run, seccomp, size) | {"id": job["id"]})


def _case(job: dict[str, Any], run: Run, seccomp: Any, size: int) -> dict[str, Any]:
    if not hasattr(
        os, "fork"
    ):  # Windows: no CPython of the student's, in this process; the bot's watchdog kills it
        frame, stop = run(job, lambda: None)
        return {"frame": frame, "stop": stop, "time_ms": None, "memory_mb": None}
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        _be_the_child(job, run, seccomp, size, ours)
    os.close(ours)
    answer, stop = _watch(child, theirs, job["time_limit_s"], job["wall_s"])
    os.close(theirs)
    _, status, used = os.wait4(child, 0)
    memory = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    before, _, said = answer.partition(b"\n")
    spent = max(0.0, (used.ru_utime + used.ru_stime - _seconds(before)) * 1000)
    if not stop and os.WIFSIGNALED(status):
        stop = _signalled(os.WTERMSIG(status), spent, job["time_limit_s"])
    frame = None
    if not stop:
        frame, stop = _said(said)
    return {"frame": frame, "stop": stop, "time_ms": spent, "memory_mb": memory}


def _signalled(number: int, spent: float, limit: float) -> str:
    if number == signal.SIGXCPU:
        return "time"
    if number == signal.SIGKILL:  # the hard CPU limit, or the kernel out of memory
        return "time" if spent >= limit * 1000 else "memory"
    return "crash"


def _watch(child: int, pipe: int, limit: float, wall: float) -> tuple[bytes, str]:
    """What the child wrote until it closed the pipe, and what it had to be stopped for."""
    answer = b""
    ends = time.monotonic() + wall
    while True:
        if select.select([pipe], [], [], TICK)[0]:
            chunk = os.read(pipe, 1 << 16)
            if not chunk:
                return answer, ""
            answer += chunk
        stop = "output" if len(answer) > ANSWER else ""
        before = _seconds(answer[:40].partition(b"\n")[0])
        if time.monotonic() > ends or _cpu(child) > limit + before:
            stop = "time"
        if stop:
            os.kill(child, signal.SIGKILL)
            return answer, stop


def _seconds(line: bytes) -> float:
    """CPU seconds that the child had used when the student's code began: its first line, written before that."""
    try:
        return float(line)
    except ValueError:
        return 0.0


def _cpu(child: int) -> float:
    """CPU seconds of a process, by its own clock (clock_getcpuclockid in C); 0 where there is none."""
    try:
        return time.clock_gettime((~child << 3) | 2)
    except (OSError, AttributeError):
        return 0.0


def _be_the_child(job: dict[str, Any], run: Run, seccomp: Any, size: int, pipe: int) -> None:
    """Never returns."""
    try:
        os.dup2(pipe, 3)
        os.closerange(4, 65536)
        confine.die_with_parent()
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        memory = job["memory_mb"] << 20
        confine.limits(
            address_space=size + memory + ROOM if size else 0,
            seconds=int(job["time_limit_s"]) + 2,
            files=16,
            stack=STACK,
        )
        if seccomp is not None:
            seccomp.load()
        frame, stop = run(job, _begun)
        answer = json.dumps([frame, stop]).encode()
        while answer:
            answer = answer[os.write(3, answer) :]
    finally:
        os._exit(0)


def _begun() -> None:
    """The inputs stand ready, the student's code comes next."""
    os.write(3, f"{time.process_time()}\n".encode())


def _said(answer: bytes) -> tuple[str | None, str]:
    """A child's answer. It may come from the student's hand: only its shape is believed."""
    try:
        frame, stop = json.loads(answer)
    except (ValueError, TypeError, RecursionError):
        return None, "crash"
    if not isinstance(frame, str | None) or stop not in ("", "time", "memory", "output", "crash"):
        return None, "crash"
    return frame, stop


def _address_space() -> int:
    """Bytes this process has reserved; 0 where it cannot be known, and is not limited then."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib costs 5 ms of a start
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + (64 << 20) if confine.LINUX else 0


# Guests


def _python() -> Run:
    from adapters.judge.inside import driver, shallow

    for module in driver.COMMON[0]:
        __import__(module)  # once, before the fork
    import encodings.idna
    import traceback
    import typing

    kept: list[ModuleType] = [encodings.idna, traceback, typing]

    def run(job: dict[str, Any], begun: Callable[[], None]) -> tuple[str | None, str]:
        sys.setrecursionlimit(60_000)  # 96 MB of stack hold them, through C too
        kept.clear()
        patches = {"caches": shallow.caches, "aggregates": shallow.aggregates}
        for name in shallow.needed(job["source"]):
            patches[name]()
        spec = {"class": "", "method": "", "entry": "", **job["spec"]}
        return driver.case(job["source"], spec, job["args"], begun), ""

    return run


def _quickjs(driver: str) -> Run:
    import _quickjs as quickjs  # the package around it starts a thread, and a fork wants none

    def run(job: dict[str, Any], begun: Callable[[], None]) -> tuple[str | None, str]:
        context = quickjs.Context()
        context.set_max_stack_size(STACK - (16 << 20))
        context.eval(driver)
        context.set_memory_limit(job["memory_mb"] << 20)
        context.set_time_limit(job["time_limit_s"])
        context.eval(f"__given({json.dumps(json.dumps(job['spec']))}, {json.dumps(job['args'])})")
        begun()
        return _evaluate(context, job, quickjs.JSException)

    return run


def _evaluate(context: Any, job: dict[str, Any], exception: type[Exception]) -> tuple[str | None, str]:
    try:
        context.eval("globalThis.__begun = 0")
        context.eval("__begun = 1;" + job["source"])
        frame = context.eval("__case()")
        if frame is None:
            while context.execute_pending_job():
                pass
            frame = context.eval("__settled()")
    except exception as error:
        return _failed(context, str(error))
    return (frame if isinstance(frame, str) else None), ""


def _failed(context: Any, text: str) -> tuple[str | None, str]:
    """An exception that went through to us, as a frame."""
    head = text.splitlines()[0] if text else ""
    name, _, message = head.partition(": ")
    place = text.rpartition("<input>:")[2].split(":")[0] if "<input>:" in text else ""
    line = int(place) if place.isdecimal() else None
    if name == "InternalError" and message.startswith("interrupted"):
        return None, "time"
    if "out of memory" in head:
        return None, "memory"
    if name == "SyntaxError" and context.get("__begun") == 0:
        return json.dumps({"compile": [message, line]}), ""
    return json.dumps({"error": [name, message, line]}), ""
