"""go-judge and Piston on loopback: their HTTP protocols in front of a plain child process, for tests of our own code.

What they are asked is kept; `fault` makes the next answers wrong in the ways that servers are.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

NODE = shutil.which("node")


class Ran:
    """How a program ended."""

    def __init__(self, *, stdout: bytes, code: int, timed_out: bool, seconds: float, too_much: bool) -> None:
        self.stdout = stdout
        self.code = code
        self.timed_out = timed_out
        self.seconds = seconds
        self.too_much = too_much


async def ran(program: str, *, name: str, stdin: str, seconds: float, output: int) -> Ran:
    """Run a program of ours, trusted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(program, encoding="utf-8")  # noqa: ASYNC240
        command = [sys.executable, "-I", "-S"] if name.endswith(".py") else [str(NODE)]
        process = await asyncio.create_subprocess_exec(
            *command, str(file), stdin=-1, stdout=-1, stderr=-3, env={"PATH": os.defpath}, cwd=folder
        )
        begun = time.monotonic()
        try:
            out, _ = await asyncio.wait_for(
                process.communicate(stdin.encode()), seconds + 0.3
            )  # a start takes a while
            timed_out = False
        except TimeoutError:
            process.kill()
            await process.wait()
            out, timed_out = b"", True
        return Ran(
            stdout=out[:output],
            code=process.returncode or 0,
            timed_out=timed_out,
            seconds=time.monotonic() - begun,
            too_much=len(out) > output,
        )


class Server:
    """What both servers keep."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.fault = ""
        self.output = 1 << 22
        app = web.Application(client_max_size=1 << 24)
        self.routes(app)
        self._server = TestServer(app)

    def routes(self, app: web.Application) -> None:
        """Where it answers."""
        raise NotImplementedError

    async def start(self) -> str:
        """Its address."""
        await self._server.start_server()
        return str(self._server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        """Go down."""
        await self._server.close()

    async def heard(self, request: web.Request) -> dict[str, Any] | web.Response:
        """The request, or the answer of a server at fault."""
        self.tokens.append(request.headers.get("Authorization", ""))
        body: dict[str, Any] = await request.json()
        self.asked.append(body)
        match self.fault:
            case "500 once":
                self.fault = ""
                return web.Response(status=500)
            case "500":
                return web.Response(status=500)
            case "401":
                return web.Response(status=401, text="wrong token")
            case "429":
                return web.Response(status=429)
            case "garbage":
                return web.Response(text="<html>")
            case "empty":
                return web.json_response([])
            case "list":
                return web.json_response([[1]])
        return body


class GoJudgeServer(Server):
    """POST /run, as github.com/criyle/go-judge answers it."""

    def routes(self, app: web.Application) -> None:
        """One is enough."""
        app.router.add_post("/run", self._run)

    async def _run(self, request: web.Request) -> web.Response:
        body = await self.heard(request)
        if isinstance(body, web.Response):
            return body
        if self.fault == "internal":
            return web.json_response([{"status": "Internal Error", "error": "no container", "exitStatus": 0}])
        (command,) = body["cmd"]
        ((name, file),) = command["copyIn"].items()
        assert command["args"][-1] == name
        limit = command["cpuLimit"] / 1e9
        done = await ran(
            file["content"],
            name=name,
            stdin=command["files"][0]["content"],
            seconds=limit,
            output=min(self.output, command["files"][1]["max"]),
        )
        status = "Accepted" if done.code == 0 else "Nonzero Exit Status"
        if done.timed_out:
            status = "Time Limit Exceeded"
        elif done.too_much:
            status = "Output Limit Exceeded"
        elif done.code == -signal.SIGSEGV:
            status = "Signalled"
        if self.fault == "memory":
            status = "Memory Limit Exceeded"
        files = {"stdout": done.stdout.decode("utf-8", "replace"), "stderr": ""}
        result = {
            "status": status,
            "exitStatus": done.code,
            "time": int(done.seconds * 1e9),
            "memory": 12 << 20,
            "runTime": int(done.seconds * 1e9),
            "files": files,
        }
        return web.json_response([result])


class PistonServer(Server):
    """POST /api/v2/execute, as github.com/engineer-man/piston answers it."""

    def __init__(self, *, most_ms: int = 3000, status: bool = True) -> None:
        super().__init__()
        self.most_ms = most_ms
        self.status = status

    def routes(self, app: web.Application) -> None:
        """One is enough."""
        app.router.add_post("/api/v2/execute", self._execute)

    async def _execute(self, request: web.Request) -> web.Response:
        body = await self.heard(request)
        if isinstance(body, web.Response):
            return body
        if body["run_timeout"] > self.most_ms:
            message = f"run_timeout cannot exceed the configured limit of {self.most_ms}"
            return web.json_response({"message": message}, status=400)
        if body["language"] not in ("python", *(["javascript"] if NODE else [])):
            return web.json_response({"message": f"{body['language']}-* runtime is unknown"}, status=400)
        (file,) = body["files"]
        done = await ran(
            file["content"],
            name=file["name"],
            stdin=body["stdin"],
            seconds=body["run_timeout"] / 1000,
            output=self.output,
        )
        killed = done.timed_out or done.too_much
        run: dict[str, Any] = {
            "stdout": done.stdout.decode("utf-8", "replace"),
            "stderr": "",
            "code": None if killed else done.code,
            "signal": "SIGKILL" if killed else None,
        }
        if self.status:
            run |= {"status": "TO" if done.timed_out else "OL" if done.too_much else None}
            run |= {
                "memory": 12 << 20,
                "cpu_time": int(done.seconds * 1000),
                "wall_time": int(done.seconds * 1000),
            }
        return web.json_response({"language": body["language"], "version": "3", "run": run})
