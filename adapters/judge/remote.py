"""Engines on other machines, over HTTP: go-judge and Piston. They run; the comparison stays here.

A job is a program of ours with the student's source as data on its stdin; its frame comes back on stdout behind a
nonce. JUDGE_URL is gojudge+http://[token@]host:5050 or piston+http://[token@]host:2000.
"""

import asyncio
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from adapters.judge.engines import WALL, WALL_MORE, EngineDown, Job, guest_text, job_of
from bot.judging import FRAME_LIMIT, LANGUAGES, Case, Language, Outcome, Problem, Stop, judged_case

SLACK = 15.0  # s for the way there, the engine's own queue and the way back
AGAIN = 0.5  # s until the one second try
AT_ONCE = 4  # requests in flight; the engine has a queue of its own
PROCESSES = 16  # threads of node among them

_PYTHON = """
def _viva_main():
    nonce, source, spec, args = json.loads(sys.stdin.read())
    out = sys.stdout
    sys.setrecursionlimit(60000)
    frame = case(source, spec, args)
    out.write("\\n" + nonce + frame + "\\n")
    out.flush()
_viva_main()
"""
_JAVASCRIPT = """
(function () {
  const vm = require("vm"), fs = require("fs");
  const [nonce, source, spec, args] = JSON.parse(fs.readFileSync(0, "utf8"));
  const write = (frame) => fs.writeSync(1, "\\n" + nonce + frame + "\\n");
  globalThis.__given(JSON.stringify(spec), args);
  let script;
  try {
    script = new vm.Script(source, { filename: "<solution>" });
  } catch (error) {
    const at = /<solution>:(\\d+)/.exec(error.stack || "");
    return write(JSON.stringify({ compile: [String(error.message), at ? Number(at[1]) : null] }));
  }
  try {
    script.runInThisContext();
  } catch (error) {
    return write(globalThis.__told(error));
  }
  const frame = globalThis.__case();
  if (frame !== null) return write(frame);
  process.on("exit", () => write(globalThis.__settled()));
})();
"""


def engine_for(url: str) -> "Remote":
    """The engine that JUDGE_URL names. Raises ValueError."""
    kind, _, rest = url.partition("+")
    parts = urlsplit(rest)
    if kind not in _KINDS or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "must begin with gojudge+http://, gojudge+https://, piston+http:// or piston+https://"
        )
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
    return _KINDS[kind](base, token=parts.username or "")


class Remote:
    """What both have in common: a session, one second try, programs and frames."""

    name = ""

    def __init__(self, base: str, *, token: str) -> None:
        self.languages: frozenset[Language] = frozenset(LANGUAGES)
        self._base = base
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._held: bool | None = None

    async def run(self, job: Job) -> Outcome:
        """The outcome of one case. Raises EngineDown."""
        raise NotImplementedError

    async def holds(self) -> bool:
        """Tried once: a sum in each language, and an answer longer than the 1,024 bytes that Piston allows at first."""
        if self._held is None:
            self.languages = frozenset([each for each in LANGUAGES if await self._works(each)])
            self._held = bool(self.languages)
        return self._held

    def protects(self) -> str:
        """What is known of it from here."""
        return f"{urlsplit(self._base).netloc}; isolated as that machine is set up; no expected output goes there"

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _works(self, language: Language) -> bool:
        case = Case(args=("x" * 2000, "y"), expected="x" * 2000 + "y")
        source = {
            "python": "def add(a, b):\n    return a + b\n",
            "javascript": "const add = (a, b) => a + b;",
        }[language]
        job = job_of(Problem(entry="add", cases=(case,)), case, language=language, source=source)
        try:
            return judged_case(case, "exact", await self.run(job)).verdict == "accepted"
        except EngineDown:
            return False

    async def _ask(self, method: str, path: str, body: Any, *, wall_s: float) -> Any:
        """The engine's JSON. Raises EngineDown after a second try."""
        async with self._turn:
            for last in (False, True):
                try:
                    return await self._request(method, path, body, wall_s)
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    if last:
                        raise EngineDown(f"{self.name}: {type(error).__name__}") from error
                await asyncio.sleep(AGAIN)
        raise AssertionError("the second try answers or raises")

    async def _request(self, method: str, path: str, body: Any, wall_s: float) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers)
        timeout = aiohttp.ClientTimeout(total=wall_s + SLACK)
        async with self._session.request(method, self._base + path, json=body, timeout=timeout) as response:
            if response.status in (400, 401, 403, 404):  # asked again, it would say the same
                raise EngineDown(f"{self.name}: {response.status} {(await response.text())[:200]}")
            response.raise_for_status()
            raw = await response.content.read(4 * FRAME_LIMIT)
            return json.loads(raw)


class GoJudge(Remote):
    """go-judge (github.com/criyle/go-judge): namespaces and cgroups, time and memory of each run."""

    name = "go-judge"

    async def run(self, job: Job) -> Outcome:
        """The outcome of one case. Raises EngineDown."""
        nonce = secrets.token_hex(16)
        file = "main.py" if job.language == "python" else "main.js"
        stack = ["--stack-size=30000"] if job.language == "javascript" else ["-I", "-S", "-B"]
        command = {
            "args": ["/usr/bin/env", "python3" if job.language == "python" else "node", *stack, file],
            "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"],
            "files": [
                {"content": _stdin(job, nonce)},
                {"name": "stdout", "max": FRAME_LIMIT},
                {"name": "stderr", "max": 4096},
            ],
            "cpuLimit": int(job.time_limit_s * 1e9),
            "clockLimit": int((job.time_limit_s * WALL + WALL_MORE) * 1e9),
            "memoryLimit": job.memory_limit_mb << 20,
            "stackLimit": 96 << 20,
            "procLimit": PROCESSES,
            "copyIn": {file: {"content": _program(job.language)}},
        }
        said = await self._ask("POST", "/run", {"cmd": [command]}, wall_s=job.time_limit_s * WALL + WALL_MORE)
        result = said[0] if isinstance(said, list) and said and isinstance(said[0], dict) else {}
        status = result.get("status")
        if status in (None, "Internal Error"):
            raise EngineDown(f"{self.name}: {str(result.get('error'))[:200]}")
        stops: dict[str, Stop] = {
            "Time Limit Exceeded": "time",
            "Memory Limit Exceeded": "memory",
            "Output Limit Exceeded": "output",
        }
        files = result.get("files")
        frame = _framed(files.get("stdout") if isinstance(files, dict) else None, nonce)
        stop = stops.get(status, "" if frame is not None else "crash")
        return Outcome(
            frame=frame,
            stop="output" if status == "File Error" else stop,
            time_ms=_part(result.get("time"), 1e6),
            memory_mb=_part(result.get("memory"), 1 << 20),
        )


class Piston(Remote):
    """Piston (github.com/engineer-man/piston), self-hosted; PISTON_OUTPUT_MAX_SIZE must be raised from its 1,024."""

    name = "piston"

    async def run(self, job: Job) -> Outcome:
        """The outcome of one case. Raises EngineDown."""
        nonce = secrets.token_hex(16)
        body = {
            "language": job.language,
            "version": "*",
            "files": [
                {
                    "name": "main.py" if job.language == "python" else "main.js",
                    "content": _program(job.language),
                }
            ],
            "stdin": _stdin(job, nonce),
            "run_timeout": int(job.time_limit_s * 1000),
            "run_memory_limit": job.memory_limit_mb << 20,
        }
        said = await self._ask("POST", "/api/v2/execute", body, wall_s=job.time_limit_s * WALL + WALL_MORE)
        run = said.get("run") if isinstance(said, dict) else None
        if not isinstance(run, dict):
            raise EngineDown(f"{self.name}: an answer without a run")
        frame = _framed(run.get("stdout"), nonce)
        stops: dict[str, Stop] = {"TO": "time", "OL": "output", "EL": "output"}
        stop: Stop = stops.get(str(run.get("status")), "")
        memory = _part(run.get("memory"), 1 << 20)
        if not stop and frame is None:
            full = memory is not None and memory >= 0.95 * job.memory_limit_mb
            killed = (
                run.get("signal") == "SIGKILL"
            )  # older ones give no status: it was the clock, or the memory
            stop = "memory" if full else "time" if killed else "crash"
        spent = run.get("cpu_time")
        return Outcome(frame=frame, stop=stop, time_ms=_part(spent, 1), memory_mb=memory)


_KINDS: dict[str, type[Remote]] = {"gojudge": GoJudge, "piston": Piston}


def _program(language: Language) -> str:
    return (
        guest_text("driver.py") + _PYTHON if language == "python" else guest_text("driver.js") + _JAVASCRIPT
    )


def _stdin(job: Job, nonce: str) -> str:
    return json.dumps([nonce, job.source, job.spec, job.args])


def _framed(stdout: object, nonce: str) -> str | None:
    """The first line that begins with the nonce."""
    if not isinstance(stdout, str):
        return None
    return next((line[len(nonce) :] for line in stdout.split("\n") if line.startswith(nonce)), None)


def _part(value: object, unit: float) -> float | None:
    return value / unit if isinstance(value, int | float) and not isinstance(value, bool) else None
