"""Strangers' code finds every door shut, on every engine that runs here; each line names blocked or contained."""

import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.judge import engines
from adapters.judge.engines import Job, Local
from bot.judging import Case, Language, Outcome, judged_case
from tests.escapes import JAVASCRIPT, PYTHON, Attack

LIMIT = 0.3  # s; what loops is stopped after that
MEMORY = 64  # MB
CANARY = f"canary-{secrets.token_hex(8)}"  # stands for every secret: the token, the hidden tests
PRIZE = "the-door-was-open"
SOURCES: dict[Language, str] = {
    "python": "def attack(world):\n    return world['greeting'] + '!'\n",
    "javascript": "const attack = (world) => world.greeting + '!';",
}


class Outside:
    """What lies outside of the sandbox, and whether anybody came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.came: list[str] = []
        (folder / "secret.json").write_text(CANARY)
        self.abstract = f"viva-{secrets.token_hex(8)}"
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind("\0" + self.abstract)
        self._unix.listen()
        for name, server in (("tcp", self._tcp), ("unix", self._unix)):
            threading.Thread(target=self._accept, args=(name, server), daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def world(self) -> dict[str, Any]:
        """What an attack is told to aim at."""
        return {
            "secret": str(self.folder / "secret.json"),
            "folder": str(self.folder),
            "target": str(self.folder / "written"),
            "tcp": self._tcp.getsockname()[1],
            "udp": self._udp.getsockname()[1],
            "abstract": self.abstract,
            "bot": os.getpid(),
            "prize": PRIZE,
            "greeting": "hello",
        }

    def close(self) -> None:
        """Stop listening."""
        for server in (self._tcp, self._unix):
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        self._udp.close()

    def _accept(self, name: str, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.came.append(name)
            connection.close()

    def _receive(self) -> None:
        try:
            while self._udp.recv(64):
                self.came.append("udp")
        except OSError:
            return


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    if sys.platform != "linux":
        pytest.skip("the doors tried are those of Linux")
    os.environ["BOT_TOKEN"] = CANARY
    world = Outside(tmp_path_factory.mktemp("outside"))
    yield world
    world.close()
    del os.environ["BOT_TOKEN"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Local]:
    scratch = str(tmp_path_factory.mktemp("scratch"))
    bwrap = os.environ.get("VIVA_TEST_BWRAP") or engines.found_bwrap()
    made = {
        "eryx": lambda: engines.eryx(scratch, 1),
        "landlock": lambda: engines.native(scratch, 1),
        "bwrap": lambda: engines.native(scratch, 1, bwrap=bwrap) if bwrap else None,
        "quickjs": lambda: engines.quickjs(scratch, 1),
    }[request.param]()
    if made is None:
        why = (
            "bubblewrap is not installed"
            if request.param == "bwrap"
            else "its package is not for this Python"
        )
        pytest.skip(f"{request.param}: {why}")
    if not await made.holds():
        await made.close()
        pytest.skip(
            f"{request.param} does not hold on this machine, and would not be used: {made.protects()}"
        )
    yield made
    await made.close()


async def attacked(engine: Local, language: Language, source: str, world: dict[str, Any]) -> Outcome:
    spec = {"entry": "attack", "class": "", "method": "", "kinds": [], "returns": ""}
    job = Job(
        language=language,
        source=source,
        spec=spec,
        args=json.dumps([world]),
        time_limit_s=LIMIT,
        memory_limit_mb=MEMORY,
    )
    return await engine.run(job)


async def nothing_happened(engine: Local, language: Language, attack: Attack, outside: Outside) -> None:
    expected = secrets.token_hex()  # known here alone
    outcome = await attacked(engine, language, attack.source, outside.world())
    result = judged_case(Case(args=(), expected=expected), "exact", outcome)

    assert result.verdict != "accepted"
    if attack.verdicts:
        assert result.verdict in attack.verdicts, (result, outcome.stop)
    got = f"{outcome.frame} {result.value} {result.error} {result.printed}"
    assert CANARY not in got
    assert result.value != PRIZE
    assert expected not in got
    assert [each.name for each in outside.folder.iterdir()] == ["secret.json"]
    assert outside.came == []
    assert not Path("/tmp/viva-filler").exists()  # noqa: ASYNC240
    again = await attacked(engine, language, SOURCES[language], outside.world())
    assert judged_case(Case(args=(), expected="hello!"), "exact", again).verdict == "accepted"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("engine", ["eryx", "landlock", "bwrap"], indirect=True, scope="module")
@pytest.mark.parametrize("attack", PYTHON, ids=lambda each: f"{each.name}: {each.ends}")
async def test_python_stays_inside(engine: Local, attack: Attack, outside: Outside) -> None:
    """Nothing is read, sent, started or left behind; the verdict is not bought; the next student is judged as ever."""
    await nothing_happened(engine, "python", attack, outside)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("engine", ["quickjs"], indirect=True, scope="module")
@pytest.mark.parametrize("attack", JAVASCRIPT, ids=lambda each: f"{each.name}: {each.ends}")
async def test_javascript_stays_inside(engine: Local, attack: Attack, outside: Outside) -> None:
    """The same for JavaScript."""
    await nothing_happened(engine, "javascript", attack, outside)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("engine", ["eryx", "landlock", "bwrap", "quickjs"], indirect=True, scope="module")
async def test_nobody_is_left(engine: Local) -> None:
    """After closing, no process of ours is left behind, nor any that a student started."""
    await engine.close()
    here = Path("/proc")
    children = []
    for each in here.iterdir():  # noqa: ASYNC240
        if each.name.isdecimal():
            try:
                fields = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if (
                int(fields[1]) == os.getpid()
                and fields[0] != "Z"
                and b"adapters.judge" in (each / "cmdline").read_bytes()
            ):
                children.append(each.name)
    assert children == []


def test_the_list_is_long_enough() -> None:
    """No line was lost: every one has a name of its own, and names how it ends."""
    assert len({each.name for each in PYTHON}) >= 53
    assert len({each.name for each in JAVASCRIPT}) >= 20
    assert {each.ends for each in PYTHON} == {"blocked", "contained"}
