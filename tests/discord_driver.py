"""Talking to the bot by hand: one line, one act of a person, on stdin or POSTed to /driver.

    python -m tests.discord_server --port 8090

    ann say /start                    ann writes in direct messages ("\\n" in the line is a line break)
    ann slash interview google        a slash command, with what stands in its field
    ann@team slash interview          in the server "team", made when first named, the bot and ann in it
    ann press Backend                 presses the newest button of that label or custom_id
    ann write a long answer           fills in the window that a button opened
    ann file resume.txt               also: voice FILE, sticker 🙂
    ann close | ann open              her direct messages, for the bot
    ann wait 5                        what is new on her screen, within 5 seconds
    ann screen                        everything on her screen
    fault flood POST /channels/* 3 2  kind, method, path, value, times (kinds: discord_server.FaultKind)
    drop 4000                         the gateway closes with this code; without one the connection breaks
    requests 10                       the bot's last requests

At a terminal, what the bot says is printed as it comes; elsewhere `wait` fetches it. curl --data 'ann say hi' http://127.0.0.1:8090/driver
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import cast, get_args

from aiohttp import web

from tests.discord_people import CannotDo, Person, Place, Seen
from tests.discord_server import DiscordServer, FaultKind


class DrivenServer(DiscordServer):
    """The server with a line-based driver."""

    def __init__(self, *, token: str, port: int) -> None:
        super().__init__(token=token, port=port)
        self._places: dict[str, Place] = {}
        self._shown: set[tuple[str, int, str]] = set()

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/driver", self._driven)

    async def _driven(self, request: web.Request) -> web.Response:
        lines = (await request.text()).splitlines()
        return web.Response(text="\n".join([await self.drive(line) for line in lines if line.strip()]) + "\n")

    async def drive(self, line: str) -> str:
        """Does what the line says and returns what there is to show; a bad line gets its fault named."""
        try:
            match line.split(maxsplit=2):
                case ["fault", kind, rest]:
                    return self._fault(kind, *rest.split())
                case ["drop", *code]:
                    await self.hang_up(int(code[0]) if code else None)
                    return "ok"
                case ["requests", number]:
                    return "\n".join(f"{call} {call.body or ''}" for call in self.requests[-int(number) :])
                case [who, "wait", *seconds]:
                    person = self.person(who.partition("@")[0])
                    await self.until(lambda: self._news(person), within=float(seconds[0]) if seconds else 5)
                    return self.news(person)
                case [who, act, *rest]:
                    return self._act(who, act, rest[0].rstrip("\n").replace("\\n", "\n") if rest else "")
                case _:
                    return f"? not a line: {line.strip()!r}"
        except (AssertionError, CannotDo, LookupError, OSError, TypeError, ValueError) as error:
            return f"? {error} (line: {line.strip()!r})"

    def news(self, person: Person) -> str:
        """What came or changed since the last look."""
        fresh = self._news(person)
        self._shown |= {(person.name, seen.message.id, str(seen)) for seen in fresh}
        return "\n".join(map(str, fresh))

    def _news(self, person: Person) -> list[Seen]:
        known = self._shown
        return [
            seen
            for seen in person.screen
            if not seen.thinking and (person.name, seen.message.id, str(seen)) not in known
        ]

    def _fault(
        self, kind: str, method: str = "*", path: str = "*", value: str = "1", times: str = "1"
    ) -> str:
        if kind not in get_args(FaultKind):
            return f"? kinds of fault: {', '.join(get_args(FaultKind))}"
        self.fault(cast("FaultKind", kind), method, path, value=float(value), times=int(times))
        return "ok"

    def _act(self, who: str, act: str, words: str) -> str:
        name, _, team = who.partition("@")
        person = self.person(name)
        if team and team not in self._places:
            self._places[team] = self.place(team)
        place = self._places.get(team)
        if place is not None:
            place.admit(person)
        match act:
            case "say":
                person.say(words)
            case "slash":
                command, _, text = words.partition(" ")
                person.slash(command, text, at=place.channel if place else None)
            case "press":
                person.press(words)
            case "write":
                person.write(words)
            case "file" | "voice":
                file = Path(words)
                person.say("", files=[(file.name, file.read_bytes())], voice=act == "voice")
            case "sticker":
                person.say("", sticker=words)
            case "close":
                person.close_dms()
            case "open":
                person.open_dms()
            case "screen":
                return "\n".join(map(str, person.screen))
            case _:
                raise ValueError(f"no act {act!r}")
        return "ok"


async def serve(server: DrivenServer, *, quiet: bool) -> None:
    """Serves until stdin ends; with `quiet` for ever, driven over HTTP alone."""
    async with server:
        print(  # noqa: T201
            f"DISCORD_API_URL={server.api_url} DISCORD_GATEWAY_URL={server.gateway_url} DISCORD_TOKEN={server.token}",
            flush=True,
        )
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
        await asyncio.sleep(0.2)
        for person in list(server.people.values()):
            if news := server.news(person):
                print(f"-> {person.name}\n{news}", flush=True)  # noqa: T201


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--token", default="local-discord-token")
    parser.add_argument(
        "--quiet", action="store_true", help="do not read stdin; the driver answers on /driver"
    )
    settings = parser.parse_args()
    server = DrivenServer(token=settings.token, port=settings.port)
    try:
        asyncio.run(serve(server, quiet=settings.quiet))
    except KeyboardInterrupt:
        return
