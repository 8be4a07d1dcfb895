"""Talking to the bot by hand: one line, one act of a person, on stdin or POSTed to /driver.

    python -m tests.telegram_server --port 8081

    7 say /start                  person 7 writes ("\\n" in the line is a line break)
    7 press Backend               presses a button by its label or callback data
    7 vote 2                      answers the newest poll with its second option
    7 document resume.pdf         also: photo FILE, voice FILE, sticker 🙂
    7 edit a better answer        changes their last message
    7 block | 7 unblock
    7 wait 5                      the bot's next message or edit, within 5 seconds
    7 screen                      everything on the screen
    7@team say /interview         in the group "team", made when first named, the bot in it
    fault flood sendMessage 3 2   kind, method or *, seconds, times (kinds: telegram_server.FaultKind)
    requests 10                   the bot's last requests

At a terminal, what the bot says is printed as it comes; elsewhere `wait` fetches it. curl --data '7 say hi' http://127.0.0.1:8081/driver
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import cast, get_args

from aiohttp import web

from tests.telegram_people import Chat, User
from tests.telegram_server import FaultKind, TelegramServer


class DrivenServer(TelegramServer):
    """The server with a line-based driver."""

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/driver", self._driven)

    async def _driven(self, request: web.Request) -> web.Response:
        lines = (await request.text()).splitlines()
        return web.Response(text="\n".join([await self.drive(line) for line in lines if line.strip()]) + "\n")

    async def drive(self, line: str) -> str:
        """Does what the line says and returns what there is to show; a bad line gets its fault named."""
        try:
            who, act, *rest = [*line.split(maxsplit=2), ""]
            if who == "fault":
                return self._fault(act, *rest[0].split())
            if who == "requests":
                return "\n".join(
                    f"{call.method} {call.status} {call.params}" for call in self.requests[-int(act) :]
                )
            number, _, group = who.partition("@")
            user, place = self.user(int(number)), self._group(group)
            if act == "wait":
                return str(await (place or user.chat).next(float(rest[0] or 5)))
            return self._act(user, place, act, rest[0].rstrip("\n"))
        except (AssertionError, LookupError, OSError, TypeError, ValueError) as error:
            return f"? {error} (line: {line.strip()!r})"

    def _fault(self, kind: str, method: str = "*", seconds: str = "1", times: str = "1") -> str:
        if kind not in get_args(FaultKind):
            raise ValueError(f"no fault {kind!r}, only {', '.join(get_args(FaultKind))}")
        wanted = None if method == "*" else method
        return str(
            self.fault(cast("FaultKind", kind), method=wanted, seconds=float(seconds), times=int(times))
        )

    def _group(self, title: str) -> Chat | None:
        if not title:
            return None
        for chat in self.chats.values():
            if chat.info.get("title") == title:
                return chat
        group = self.group(title)
        group.add_bot(self.user(1))
        return group

    def _act(self, user: User, group: Chat | None, act: str, words: str) -> str:
        chat = group or user.chat
        match act:
            case "say":
                user.say(words.replace("\\n", "\n"), chat=group)
            case "press":
                user.press(words, chat=group)
            case "vote":
                user.vote(int(words) - 1)
            case "document":
                user.send_document(Path(words).name, Path(words).read_bytes(), chat=group)
            case "photo":
                user.send_photo(Path(words).read_bytes(), chat=group)
            case "voice":
                user.send_voice(Path(words).read_bytes(), chat=group)
            case "sticker":
                user.send_sticker(words or "👍", chat=group)
            case "edit":
                user.edit(words.replace("\\n", "\n"), chat=group)
            case "block":
                user.block()
            case "unblock":
                user.unblock()
            case "screen":
                return chat.transcript
            case _:
                raise ValueError(f"no act {act!r}")
        return "ok"


async def serve(server: DrivenServer, *, quiet: bool) -> None:
    """Serves until stdin ends; with `quiet` for ever, driven over HTTP alone."""
    async with server:
        print(f"TELEGRAM_API_URL={server.url} TELEGRAM_TOKEN={server.token}", flush=True)  # noqa: T201
        if quiet:
            await asyncio.Event().wait()
        printer = asyncio.create_task(_print_news(server)) if sys.stdin.isatty() else None
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() and (shown := await server.drive(line)) != "ok":
                print(shown, flush=True)  # noqa: T201
        if printer:
            printer.cancel()


async def _print_news(server: DrivenServer) -> None:
    while True:
        await server.until(lambda: any(chat.news for chat in server.chats.values()), within=10**9)
        for chat in server.chats.values():
            while chat.news:
                news = chat.news.popleft()
                print(f"-> {chat.info['id']}{' (edited)' if news.edited else ''}\n{news}", flush=True)  # noqa: T201


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default="4242:local-server-token")
    parser.add_argument(
        "--quiet", action="store_true", help="do not read stdin; the driver answers on /driver"
    )
    settings = parser.parse_args()
    server = DrivenServer(token=settings.token, port=settings.port)
    try:
        asyncio.run(serve(server, quiet=settings.quiet))
    except KeyboardInterrupt:
        return
