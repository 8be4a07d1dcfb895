"""The engines there are, which of them hold on this machine, and what each protects against.

An engine is used only after it has been tried here: it must get a sum right, and where the operating system's walls are
all that protects, a program that tries the doors must find every one of them shut. Nothing runs unprotected.
"""

import importlib.util
import json
import logging
import os
import secrets
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from adapters.judge.worker import WorkerGone, Workers
from bot.judging import Case, Language, Method, Outcome, Problem, judged_case

WALL = 3.0  # wall seconds for one CPU second: machines are shared
WALL_MORE = 1.0  # s besides
INSIDE = Path(__file__).parent / "inside"
ROOT = Path(__file__).parents[2]

log = logging.getLogger(__name__)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One case as an engine gets it: inputs, and no word of what is expected. `args`: JSON."""

    language: Language
    source: str
    spec: dict[str, Any]
    args: str
    time_limit_s: float
    memory_limit_mb: int


class Engine(Protocol):
    """Runs single cases of one language or more."""

    name: str
    languages: frozenset[Language]

    async def run(self, job: Job) -> Outcome:
        """The outcome. Raises EngineDown when the engine itself cannot be reached or started."""

    async def holds(self) -> bool:
        """Whether it works and protects here, tried out once."""

    def protects(self) -> str:
        """What it protects against, in a sentence for operators."""

    async def close(self) -> None:
        """Let go of processes and connections."""


class EngineDown(Exception):
    """The engine does not answer. Nothing is known about the code."""


def spec_of(problem: Problem) -> dict[str, Any]:
    """What a driver has to know of a problem."""
    entry = problem.entry
    method = entry if isinstance(entry, Method) else None
    return {
        "entry": entry if isinstance(entry, str) else "",
        "class": method.class_name if method else "",
        "method": method.method if method else "",
        "kinds": list(problem.kinds),
        "returns": problem.returns,
    }


def job_of(problem: Problem, case: Case, *, language: Language, source: str) -> Job:
    """The job of one case."""
    return Job(
        language=language,
        source=source,
        spec=spec_of(problem),
        args=json.dumps(case.args),
        time_limit_s=problem.time_limit_s,
        memory_limit_mb=problem.memory_limit_mb,
    )


_SUM = Problem(entry="add", cases=(Case(args=(19, 23), expected=42),))
_SUMS: dict[Language, str] = {
    "python": "def add(a, b):\n    return a + b\n",
    "javascript": "const add = (a, b) => a + b;",
}
# Gives the names of the doors that opened.
_DOORS = """
def doors(path, port):
    import ctypes, os, socket, subprocess
    def read():
        with open(path) as file: file.read()
    def write():
        with open(path + ".written", "w") as file: file.write("x")
    def ask():
        socket.create_connection(("127.0.0.1", port), timeout=0.2)
    def send():
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
    def attach():
        if ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0) != 0: raise OSError
    tried = {
        "read": read, "write": write, "list": lambda: os.listdir(os.path.dirname(path)), "connect": ask, "send": send,
        "fork": os.fork, "exec": lambda: subprocess.run(["/bin/true"]), "kill": lambda: os.kill(os.getppid(), 0),
        "ptrace": attach, "environ": lambda: open("/proc/self/environ").read(),
    }
    opened = []
    for name, door in tried.items():
        try: door()
        except Exception: continue
        opened.append(name)
    return opened
"""


class Local:
    """An engine in child processes of ours. `needs`: walls without which it does not hold (any one of each group)."""

    def __init__(
        self,
        *,
        name: str,
        language: Language,
        command: Sequence[str],
        scratch: str,
        workers: int,
        told: str,
        needs: Sequence[frozenset[str]] = (),
        outer: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.languages = frozenset({language})
        self._language = language
        self._told = told
        self._needs = needs
        self._outer = outer
        self._scratch = scratch
        self._workers = Workers(command, scratch=scratch, count=workers)
        self._held: bool | None = None

    async def run(self, job: Job) -> Outcome:
        """The outcome of one case. Raises EngineDown."""
        message = {
            "source": job.source,
            "spec": job.spec,
            "args": job.args,
            "time_limit_s": job.time_limit_s,
            "memory_mb": job.memory_limit_mb,
        }
        try:
            return await self._workers.ask(message, wall_s=job.time_limit_s * WALL + WALL_MORE)
        except WorkerGone:
            raise EngineDown(f"{self.name} does not start") from None

    async def holds(self) -> bool:
        """Tried once: a sum, and the doors where the walls are all there is."""
        if self._held is None:
            try:
                self._held = await self._adds_up() and (not self._needs or await self._keeps_shut())
            except EngineDown:
                self._held = False
        return self._held

    def walls(self) -> tuple[str, ...]:
        """The operating system's walls that stand around it."""
        return (*self._outer, *self._workers.walls)

    def protects(self) -> str:
        """What it protects against."""
        walls = " + ".join(self.walls()) or "none from the operating system"
        return f"{self._told}; walls: {walls}"

    @property
    def idle(self) -> bool:
        """Whether no process of it runs."""
        return not self._workers.running

    async def close(self) -> None:
        """End the workers."""
        await self._workers.close()

    async def _adds_up(self) -> bool:
        case = _SUM.cases[0]
        job = job_of(_SUM, case, language=self._language, source=_SUMS[self._language])
        return judged_case(case, "exact", await self.run(job)).verdict == "accepted"

    async def _keeps_shut(self) -> bool:
        walls = frozenset(self.walls())
        if not all(walls & group for group in self._needs):
            return False
        with tempfile.TemporaryDirectory(prefix="viva-door-") as folder:
            secret = Path(folder, "secret")
            secret.write_text(secrets.token_hex(), encoding="utf-8")  # noqa: ASYNC240  # 64 bytes
            case = Case(args=(str(secret), 9), expected=[])
            job = job_of(Problem(entry="doors", cases=(case,)), case, language="python", source=_DOORS)
            result = judged_case(case, "exact", await self.run(job))
        if result.verdict != "accepted":
            log.warning("judge: %s does not hold here: %s", self.name, result.value or result.verdict)
        return result.verdict == "accepted"


# The local engines


def eryx(scratch: str, workers: int) -> Local | None:
    """CPython in WebAssembly; None where its package is not installed (Python before 3.12)."""
    package = package_path("eryx")
    if package is None:
        return None
    # The texts go with the program: what reads them lies behind a wall later.
    arguments = [guest_text("driver.py"), guest_text("shallow.py"), scratch, [*libraries(), str(package)]]
    return Local(
        name="eryx",
        language="python",
        command=command("adapters.judge.inside.wasm_worker", arguments, beside=[package.parent]),
        scratch=scratch,
        workers=workers,
        told="CPython in WebAssembly, an instance a case: no network, no files, no environment, no processes; time by fuel",
    )


def quickjs(scratch: str, workers: int) -> Local | None:
    """QuickJS, a process a case; None where its package is not installed."""
    package = package_path("_quickjs")
    if package is None:
        return None
    return Local(
        name="quickjs",
        language="javascript",
        command=command(
            "adapters.judge.inside.fork_worker",
            ["javascript", guest_text("driver.js"), []],
            beside=[package.parent],
        ),
        scratch=scratch,
        workers=workers,
        told="QuickJS without a single door to the system, a process a case: bounded time, memory and stack",
    )


def native(scratch: str, workers: int, *, bwrap: str = "") -> Local | None:
    """This CPython behind the operating system's walls, a process a case; None on other systems than Linux.
    `bwrap`: the program, where namespaces are to stand around it, too."""
    if sys.platform != "linux":
        return None
    package = package_path("pyseccomp")
    if package is None:
        return None
    arguments = ["python", "", libraries()]
    started = command("adapters.judge.inside.fork_worker", arguments, beside=[package.parent])
    return Local(
        name="native",
        language="python",
        command=[*_namespaces(bwrap, package), *started] if bwrap else started,
        scratch=scratch,
        workers=workers,
        told="CPython of this machine, a process a case: it may compute and answer; bounded time, memory, output",
        needs=(frozenset({"seccomp"}), frozenset({"landlock", "bwrap"})),
        outer=("bwrap",) if bwrap else (),
    )


def found_bwrap() -> str:
    """The path of bubblewrap, empty where there is none."""
    return (shutil.which("bwrap") or "") if sys.platform == "linux" else ""


def private_folder() -> str:
    """A new folder of our own, for nobody else (0700): engines trust what they find in it. Those of processes that
    are gone are removed."""
    base = Path(tempfile.gettempdir())
    if hasattr(os, "getuid"):
        for left in base.glob(f"viva-judge-{os.getuid()}-*"):
            process = left.name.split("-")[3]
            if process.isdecimal() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
                shutil.rmtree(left, ignore_errors=True)
    owner = os.getuid() if hasattr(os, "getuid") else 0
    return tempfile.mkdtemp(prefix=f"viva-judge-{owner}-{os.getpid()}-")


def command(program: str, arguments: list[Any], *, beside: Sequence[Path]) -> list[str]:
    """A worker's command line: this Python, isolated, with nothing on its path but ours and `beside`. `program`: the
    module whose `main` gets the arguments."""
    paths = [str(ROOT), *(str(each) for each in beside)]
    code = (
        f"import sys, json; sys.path += {paths!r}; "
        f"import {program} as program; program.main(*json.loads(sys.argv[1]))"
    )
    return [sys.executable, "-I", "-S", "-B", "-c", code, json.dumps(arguments)]


def _namespaces(bwrap: str, package: Path) -> list[str]:
    """Bubblewrap around a worker. Its own environment is empty as well: its first process can be read from inside."""
    bound = [path for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64") if Path(path).exists()]
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    own = (*libraries(), sys.executable, str(Path(sys.executable).resolve()))
    within = tuple(f"{there}/" for there in bound)
    for path in (*bound, *(each for each in own if not each.startswith(within))):
        arguments += ["--ro-bind-try", path, path]
    for path in (
        str(package),
        str(ROOT / "adapters" / "__init__.py"),
        str(INSIDE.parent / "__init__.py"),
        str(INSIDE),
    ):
        arguments += ["--ro-bind", path, path]
    config = Path(sys.prefix, "pyvenv.cfg")
    if config.exists():
        arguments += ["--ro-bind", str(config), str(config)]
    return [bwrap, *arguments, "--dev", "/dev", "--chdir", "/", "--"]


def package_path(name: str) -> Path | None:
    """Where a module or package lies; None when it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _standard_library() -> list[str]:
    from adapters.judge.inside.confine import without_packages

    return without_packages(sysconfig.get_path("stdlib"))


def libraries() -> list[str]:
    """The standard library, and shared libraries of the system and of this Python."""
    base = Path(sys.base_prefix, "lib")
    own = [str(each) for each in base.glob("*.so*")]
    return ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", *own, *_standard_library()]


def guest_text(name: str) -> str:
    """A file of `inside`, as a program for a guest."""
    return (INSIDE / name).read_text(encoding="utf-8")
