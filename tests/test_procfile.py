"""The Procfile's sets, started by honcho: both platforms answered, a nudge from the scheduler, an end without a trace."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.events import Identity, Pressed, Said
from bot.grading import EmbeddedGrader
from bot.messages import Address
from bot.shell import Shell
from storage import store_for
from tests.discord_server import DiscordServer
from tests.talk import Screen, content
from tests.telegram_server import TelegramServer

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
SETS = (("worker",), ("telegram", "discord", "scheduler"), ("web", "discord", "scheduler"))
ANN = 7


@pytest.fixture(params=["sqlite", "mongodb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/viva.db"
    return str(request.getfixturevalue("mongodb_database"))


async def overdue(database: str) -> None:
    """Ann began a path three days ago, in a zone where it is about noon now; nobody swept since."""
    now = datetime.now(UTC)
    offset = 13 - now.hour if now.hour > 1 else -now.hour  # whole hours that make it midday there
    zone = f"Etc/GMT{-offset:+d}"  # the names of these zones have their signs turned round
    store = store_for(database)
    await store.open()
    past = now - timedelta(days=3)
    shell = Shell(
        store=store,
        content=content(),
        grader=EmbeddedGrader(),
        messengers=[Screen("telegram")],
        clock=lambda: past,
    )
    common = {
        "at": past,
        "sender": Identity(platform="telegram", user=str(ANN)),
        "address": Address(platform="telegram", chat=str(ANN)),
    }
    await shell.receive(Said(id="old1", text="learn sql", zone_hint=zone, **common))  # type: ignore[arg-type]
    await shell.receive(Pressed(id="old2", choice=f"zone:{zone}", **common))  # type: ignore[arg-type]
    await shell.settled()
    await store.close()


@asynccontextmanager
async def started(
    names: tuple[str, ...], env: dict[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "honcho", "start", *names,
            cwd=ROOT, env={"PATH": path, "HOME": str(log.parent), **env}, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("names", SETS, ids="+".join)
async def test_set_serves_both_platforms_and_nudges(
    names: tuple[str, ...], database: str, tmp_path: Path
) -> None:
    """Started together on one database: a question on Telegram, one on Discord, and the overdue nudge, each once."""
    await overdue(database)
    log = tmp_path / "log"
    port = free_port()
    async with TelegramServer(token="81:telegram-token") as telegram, DiscordServer() as discord:
        ann, bob = telegram.user(ANN, "Ann"), discord.person("bob")
        ann.start() if hasattr(ann, "start") else ann.say("/help")
        env = {
            "DATABASE_URL": database,
            "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "DISCORD_TOKEN": "local-discord-token",
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "WEBHOOK_URL": f"http://127.0.0.1:{port}",
            "WEBHOOK_SECRET": "hook-secret",
            "PORT": str(port),
        }
        async with started(names, env, log):
            await telegram.until(
                lambda: any("Next:" in shown.text for shown in ann.screen), hope="the nudge comes"
            )
            ann.say("/interview one")
            await telegram.until(
                lambda: any("Skip" in shown.buttons for shown in ann.screen), hope="a question on Telegram"
            )
            await discord.until(lambda: discord.logins)
            bob.say("hello")
            await discord.until(lambda: any("Aiming for?" in seen.text for seen in bob.screen))
            await asyncio.sleep(6)  # a sweep more: nothing comes twice
        said = log.read_text()
    assert [("Next:" in shown.text) for shown in ann.screen].count(True) == 1
    assert len([seen for seen in bob.screen if "Aiming for?" in seen.text]) == 1
    assert "Traceback" not in said, said
    assert "telegram-token" not in said
    assert "local-discord-token" not in said
