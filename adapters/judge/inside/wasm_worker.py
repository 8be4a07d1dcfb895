"""A worker around CPython in WebAssembly (eryx): every case in an instance of its own.

The guest has no descriptor, no network, no environment and no clock but its own; fuel, memory and time are the
engine's. A guest that overflows the engine's own stack ends this process: the bot starts another.
"""

import json
import os
import re
from typing import Any

from adapters.judge.inside import confine, shallow
from adapters.judge.inside.wire import Wire

FUEL_PER_MS = 6_000_000  # instructions; measured 5.7-7 on the machines this was written on
OUTPUT = 4 << 20  # bytes past the driver's own limit on what is printed (os.write goes around that)
PLAIN_INPUT = 32_768  # characters of arguments; decoding more is measured for itself
FUEL_PER_CHARACTER = 450  # of arguments that are decoded; 380-540 were seen


def main(driver: str, patches: str, scratch: str, readable: list[str]) -> None:
    """Serve until the bot goes away."""
    wire = Wire()
    confine.die_with_parent()
    import eryx  # before the walls: afterwards its folder cannot be listed

    if confine.LINUX:
        _unpack(eryx, scratch)
    seccomp = confine.broad_filter()
    walls = []
    if confine.LINUX:
        confine.limits(files=256)
        if confine.landlock(read=[*readable, scratch]):
            walls.append("landlock")
        if seccomp is not None:
            seccomp.load()
            walls.append("seccomp")
    worker = _Worker(wire, driver, patches)
    wire.write({"ready": walls})
    while (job := wire.read()) is not None:
        wire.write(worker.case(job) | {"id": job["id"]})


def _unpack(eryx: Any, scratch: str) -> None:
    """Let the engine write its machine code where it will look for it; a process of its own does, before any guest:
    the engine trusts what it finds there, so no worker may ever write to it."""
    if os.path.isdir(os.path.join(scratch, "eryx-embedded")):  # noqa: PTH112, PTH118  # pathlib costs 5 ms of a start
        return
    child = os.fork()
    if child == 0:
        try:
            eryx.Sandbox().execute("")
        finally:
            os._exit(0)
    os.waitpid(child, 0)


class _Worker:
    def __init__(self, wire: Wire, driver: str, patches: str) -> None:
        self._wire = wire
        self._bytes, self._job = 0, 0
        self._driver, self._patches = self._compiled(driver), self._compiled(patches)
        self._before_by_prefix: dict[str, int] = {}

    def case(self, job: dict[str, Any]) -> dict[str, Any]:
        """The outcome of one case: frame, stop, time_ms, memory_mb."""
        self._job, self._bytes = job["id"], 0
        memory = max(job["memory_mb"], 32) << 20  # the interpreter alone takes 16
        wall = int(job["wall_s"] * 1000)
        before = self._before(job, wall, memory)
        if isinstance(before, str):
            return _outcome(None, before)
        fuel = before + int(job["time_limit_s"] * 1000 * FUEL_PER_MS)
        result, stop = self._run(self._program(job), fuel, wall, memory)
        if result is None:
            return _outcome(None, stop, job["time_limit_s"] * 1000 if stop == "time" else None)
        spent = max(0, (result.fuel_consumed or before) - before) / FUEL_PER_MS
        peak = result.peak_memory_bytes / (1 << 20) if result.peak_memory_bytes else None
        frame = result.result
        return _outcome(frame if isinstance(frame, str) else None, "", spent, peak)

    def _before(self, job: dict[str, Any], wall: int, memory: int) -> int | str:
        """The fuel that goes by before the student's code begins; why it could not be found out, if so."""
        if len(job["args"]) > PLAIN_INPUT or job["spec"].get("kinds"):
            return self._dry(job, wall, memory)
        prefix = self._prefix(job["source"])
        if prefix not in self._before_by_prefix:
            empty = self._dry({**job, "args": "[]"}, wall, memory)
            if isinstance(empty, str):
                return empty
            self._before_by_prefix[prefix] = empty
        return self._before_by_prefix[prefix] + FUEL_PER_CHARACTER * len(job["args"])

    def _dry(self, job: dict[str, Any], wall: int, memory: int) -> int | str:
        result, stop = self._run(
            self._program({**job, "spec": {**job["spec"], "dry": True}}), 1 << 36, wall, memory
        )
        return stop if result is None else int(result.fuel_consumed)

    def _prefix(self, source: str) -> str:
        """Which calls make recursion shallow, where the code has need of them."""
        return "".join(f"{name}()\n" for name in shallow.needed(source))

    def _program(self, job: dict[str, Any]) -> str:
        prefix = self._prefix(job["source"])
        spec = {"class": "", "method": "", "entry": ""} | {
            key: value for key, value in job["spec"].items() if value
        }
        return (
            "import binascii, json, marshal, sys\n"
            f"{self._driver}{self._patches if prefix else ''}{prefix}"
            "sys.setrecursionlimit(200000)\n"
            f"result = case({job['source']!r}, json.loads({json.dumps(spec)!r}), {job['args']!r})\n"
        )

    def _compiled(self, text: str) -> str:
        """A line that executes a text of ours which the guest's own CPython has compiled once: a tenth of the time."""
        program = (
            "import binascii, marshal\n"
            f"code = compile({text!r}, 'driver', 'exec', optimize=2)\n"
            "result = binascii.b2a_base64(marshal.dumps(code), newline=False).decode()\n"
        )
        result, _ = self._run(program, 1 << 36, 60_000, 256 << 20)
        return f"exec(marshal.loads(binascii.a2b_base64({result.result!r})))\n"

    def _run(self, program: str, fuel: int, wall: int, memory: int) -> tuple[Any, str]:
        import eryx

        limits = eryx.ResourceLimits(
            execution_timeout_ms=wall,
            max_memory_bytes=memory,
            max_fuel=fuel,
            max_vfs_bytes=1 << 20,
            max_callback_invocations=0,
        )
        sandbox = eryx.Sandbox(resource_limits=limits, on_stdout=self._flood, on_stderr=self._flood)
        try:
            return sandbox.execute(program), ""
        except eryx.ResourceLimitError as error:
            return None, "time" if "fuel" in str(error) else "memory"
        except eryx.TimeoutError:
            return None, "time"
        except eryx.EryxError as error:
            return None, "memory" if re.search(
                r"MemoryError|memory allocation|out of memory", str(error)
            ) else "crash"

    def _flood(self, chunk: bytes) -> None:
        """The engine gives no way to stop from here, so this process goes."""
        self._bytes += len(chunk)
        if self._bytes > OUTPUT:
            self._wire.write(_outcome(None, "output") | {"id": self._job, "last": True})
            os._exit(0)


def _outcome(
    frame: str | None, stop: str, time_ms: float | None = None, memory_mb: float | None = None
) -> dict[str, Any]:
    return {"frame": frame, "stop": stop, "time_ms": time_ms, "memory_mb": memory_mb}
