"""`doctor --links`: which addresses of the learning paths still answer, asked of a real server."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.bank import Content
from bot.doctor import follow
from tests.talk import content


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_get("/{status}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def linked(*urls: str) -> Content:
    """A content whose one path has these addresses."""
    path = content().paths["sql"]
    stage = path.stages[0]
    resources = tuple(replace(each, url=url) for each, url in zip(stage.resources, urls, strict=False))
    return replace(content(), paths={"sql": replace(path, stages=(replace(stage, resources=resources),))})


async def test_an_address_that_is_gone_is_told_and_fails_the_check(server: str) -> None:
    """404 and 410 are gone; what shuts out programs or does not answer is only said to be unsure."""
    told: list[str] = []
    with pytest.raises(SystemExit):
        await follow(told.append, linked(f"{server}/200", f"{server}/404", f"{server}/403"))
    assert [line.split()[:2] for line in told[:2]] == [["unsure", "403"], ["gone", "404"]]
    assert told[-1] == "3 addresses: 1 gone, 1 unsure"


async def test_without_a_network_nothing_is_called_gone() -> None:
    """No answer at all says so, and is no fault of the content."""
    told: list[str] = []
    await follow(told.append, linked("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
    assert told[-2:] == [
        "No address answered at all: is there a network here?",
        "2 addresses: 0 gone, 2 unsure",
    ]
