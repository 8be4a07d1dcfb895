"""A Discord on loopback: its HTTP API and its gateway on real sockets, around the model of Discord that simcord is.

simcord knows objects, permissions, error codes and what an interaction allows. Here are the sockets: login, heartbeats,
IDENTIFY and RESUME, compression, nonces, closed direct messages, and everything that goes wrong with a connection.

    python -m tests.discord_server --port 8090      to talk to a bot by hand (see discord_driver)
"""

import asyncio
import contextlib
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, Self, cast

import discord
from aiohttp import WSMsgType, web
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.cdn import CDN_BASE
from simcord.backend.errors import BackendError
from simcord.backend.models import Channel, Overwrite
from simcord.enums import OverwriteType
from simcord.gateway import FakeGateway
from simcord.http import routes as _routes  # noqa: F401  # registers every route
from simcord.http.router import dispatch

from tests.discord_people import Person, Place
from tests.discord_spec import Call, Json
from tests.waiting import WITHIN

API = "/api/v10"
HEARTBEAT = 41_250  # ms, as Discord has it

# flood: 429, `value` seconds. status: `value` as the HTTP status. refuse: `value` as the JSON error code of a 403.
# drop: the connection breaks before the request is carried out; lost: after it was. slow: `value` seconds.
FaultKind = Literal["flood", "status", "refuse", "drop", "lost", "slow"]


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next `times` requests that fit."""

    kind: FaultKind
    method: str
    path: str
    value: float
    times: int


class _RunningClock(Clock):
    """Real time, and what a test lets pass."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class Session:
    """A gateway session: every event of it is kept, so that it can be resumed."""

    def __init__(self, name: str, backend: Backend, intents: int) -> None:
        self.name = name
        self.events: list[Json] = []
        self.link: Link | None = None
        # simcord's gateway leaves out what the intents do not cover; what remains goes onto the wire.
        state = SimpleNamespace(intents=discord.Intents._from_value(intents), parsers=_Parsers(self.dispatch))
        self.gateway = FakeGateway(backend, state)

    def dispatch(self, name: str, data: Any) -> None:
        event = {"op": 0, "s": len(self.events) + 1, "t": name, "d": data}
        self.events.append(event)
        if self.link is not None:
            self.link.send(event)


class _Parsers(dict[str, Callable[[Any], None]]):
    def __init__(self, out: Callable[[str, Any], None]) -> None:
        super().__init__()
        self._out = out

    def __missing__(self, event: str) -> Callable[[Any], None]:
        return partial(self._out, event)


class Link:
    """One WebSocket, compressed as the client asked."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, url: str) -> None:
        self.ws = ws
        self.request = request
        self._url = url
        self._deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def send(self, payload: Json) -> None:
        self.send_text(json.dumps(payload).replace(CDN_BASE, f"{self._url}/cdn"))

    def send_text(self, text: str) -> None:
        self._queue.put_nowait(text)

    async def write(self) -> None:
        """Hand over what was sent, in order."""
        with contextlib.suppress(ConnectionError):
            while True:
                text = await self._queue.get()
                if self._deflate is None:
                    await self.ws.send_str(text)
                else:
                    data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.ws.send_bytes(data)


class DiscordServer:
    """`requests`: what the bot asked; `logins`: "IDENTIFY" and "RESUME" as they came; `beats`: heartbeats."""

    def __init__(self, *, token: str = "local-discord-token", port: int = 0) -> None:
        self.token = token
        self.port = port
        self.backend = Backend(clock=_RunningClock())
        self.backend.subscribers.append(self._emitted)
        self.requests: list[Call] = []
        self.faults: list[Fault] = []
        self.logins: list[str] = []
        self.beats = 0
        self.session: Session | None = None
        self.closed_to_bot: set[int] = set()  # direct-message channels
        self.shown_to: dict[int, Person] = {}  # who made an interaction
        self.people: dict[str, Person] = {}
        self._nonces: dict[tuple[str, str], Any] = {}
        self._silent = False
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", API + "/{path:.*}", self._request)
        app.router.add_get("/cdn/{path:.*}", self._file)
        app.router.add_get("/gateway{end:/?}", self._gateway)
        self.routes(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = cast("Any", self._runner.addresses[0])[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()
        if self._runner is not None:
            await self._runner.cleanup()

    def routes(self, app: web.Application) -> None:
        """Further addresses of a server built on this one."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return self.url + API

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    # What happens in the world

    def person(self, name: str) -> Person:
        """Somebody, made when first named."""
        if name not in self.people:
            self.people[name] = Person(self, name)
        return self.people[name]

    def place(self, name: str, *people: Person, **options: Any) -> Place:
        """A server the bot and these people are in."""
        place = Place(self, name, **options)
        for person in people:
            place.admit(person)
        return place

    def forbid(self, channel: Channel, rights: int) -> None:
        """Take rights in a channel from the bot."""
        overwrite = Overwrite(
            target_id=self.backend.bot_user.id, type=OverwriteType.MEMBER, allow=0, deny=rights
        )
        self.backend.set_overwrite(channel.id, overwrite)

    def fault(
        self, kind: FaultKind, method: str = "*", path: str = "*", *, value: float = 0, times: int = 1
    ) -> None:
        self.faults.append(Fault(kind, method, path, value, times))

    def push(self, event: str, data: Any) -> None:
        """An event as it stands, however broken."""
        if self.session is not None:
            self.session.dispatch(event, data)

    def push_text(self, text: str) -> None:
        """A frame as it stands."""
        if self.session is not None and self.session.link is not None:
            self.session.link.send_text(text)

    async def hang_up(self, code: int | None = None) -> None:
        """Close the gateway connection with a code, or break it without a word."""
        session = self.session
        link = session.link if session else None
        if session is None or link is None:
            return
        session.link = None
        if code is not None:
            await link.ws.close(code=code)
        elif link.request.transport is not None:
            link.request.transport.abort()

    def forget_session(self) -> None:
        """It cannot be resumed any more."""
        self.session = None

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Nothing of what is done is told to the bot."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def asked(self, method: str, path: str) -> list[Call]:
        """The requests that fit a pattern."""
        return [each for each in self.requests if each.method == method and fnmatch(each.path, path)]

    async def until(self, fits: Callable[[], object], *, within: float = WITHIN) -> None:
        """Wait until something is so. Fails with what there is."""
        deadline = asyncio.get_running_loop().time() + within
        while not fits():
            if asyncio.get_running_loop().time() > deadline:
                screens = {
                    name: [str(each) for each in person.screen] for name, person in self.people.items()
                }
                raise AssertionError(
                    f"not so within {within} s; screens: {screens}; requests: {[*map(str, self.requests)]}"
                )
            await asyncio.sleep(0.01)

    # The HTTP API

    async def _request(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        body, files = await _read(request)
        call = Call(method=request.method, path=path, query=dict(request.query), body=body, files=files)
        self.requests.append(call)
        fault = self._next_fault(call)
        if fault is not None and fault.kind in ("drop", "slow"):
            await asyncio.sleep(fault.value)
            if fault.kind == "drop":
                return _broken(request)
        if fault is not None and fault.kind in ("flood", "status", "refuse"):
            return self._answer(call, *_refusal(fault))
        status, answer = self._carry_out(call, request.headers.get("Authorization"))
        if fault is not None and fault.kind == "lost":
            return _broken(request)
        return self._answer(call, status, answer)

    def _next_fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method in (call.method, "*") and fnmatch(call.path, fault.path):
                fault.times -= 1
                return fault
        return None

    def _carry_out(self, call: Call, authorization: str | None) -> tuple[int, Any]:
        by_token = call.path.startswith(("/interactions/", "/webhooks/"))
        if authorization != f"Bot {self.token}" and not (by_token and authorization is None):
            return 401, {"message": "401: Unauthorized", "code": 0}
        channel = (
            call.path.split("/")[2]
            if call.method == "POST" and fnmatch(call.path, "/channels/*/messages")
            else ""
        )
        if channel.isdigit() and int(channel) in self.closed_to_bot:
            return 403, {"message": "Cannot send messages to this user", "code": 50007}
        body = call.body if isinstance(call.body, dict) else {}
        once = (call.path, str(body.get("nonce"))) if body.get("enforce_nonce") else None
        if once in self._nonces:
            return 200, self._nonces[once]
        try:
            answer = self._dispatched(call)
        except BackendError as error:
            return error.status, error.to_json()
        if once is not None:
            self._nonces[once] = answer
        if call.path.endswith("/callback"):
            self._open_window(call)
            return 204, None
        return (204, None) if answer is None else (200, answer)

    def _dispatched(self, call: Call) -> Any:
        """By simcord, save for its one fault met here: of a history `after`, Discord gives the oldest page."""
        oldest = call.method == "GET" and "after" in call.query and call.path.endswith("/messages")
        params = call.query | {"limit": "1000000"} if oldest else call.query
        answer = dispatch(
            self.backend,
            call.method,
            call.path,
            json=call.body,
            params=params,
            files=[discord.File(io.BytesIO(content), name) for name, content in call.files.values()],
            message_content_access=False,
        )
        return answer[-int(call.query.get("limit", 50)) :] if oldest else answer

    def _open_window(self, call: Call) -> None:
        record = self.backend.interactions[int(call.path.split("/")[2])]
        if record.modal is not None:
            self.shown_to[record.id].window = record

    def _answer(self, call: Call, status: int, answer: Any) -> web.Response:
        call.status = status
        if answer is None:
            return web.Response(status=status)
        headers = {"Content-Type": "application/json", "Via": "1.1 local"}  # aiohttp's own adds a charset
        return web.Response(
            status=status,
            body=json.dumps(answer).replace(CDN_BASE, f"{self.url}/cdn").encode(),
            headers=headers,
        )

    async def _file(self, request: web.Request) -> web.Response:
        blob = self.backend.cdn.get(f"{CDN_BASE}/{request.match_info['path']}")
        return web.Response(status=404) if blob is None else web.Response(body=blob)

    # The gateway

    def _emitted(self, event: str, payload: Any) -> None:
        if self.session is not None and not self._silent:
            self.session.gateway.feed(event, payload)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        link = Link(ws, request, self.url)
        writer = asyncio.create_task(link.write())
        link.send({"op": 10, "d": {"heartbeat_interval": HEARTBEAT}, "s": None, "t": None})
        try:
            async for frame in ws:
                if frame.type is WSMsgType.TEXT:
                    await self._command(json.loads(frame.data), link)
        finally:
            writer.cancel()
            if self.session is not None and self.session.link is link:
                self.session.link = None
        return ws

    async def _command(self, command: Json, link: Link) -> None:
        match command["op"]:
            case 1:
                self.beats += 1
                link.send({"op": 11, "d": None, "s": None, "t": None})
            case 2 | 6 if command["d"]["token"] != self.token:
                await link.ws.close(code=4004)
            case 2:
                self.logins.append("IDENTIFY")
                self._identify(command["d"]["intents"], link)
            case 6:
                self.logins.append("RESUME")
                self._resume(command["d"], link)
            case _:
                await link.ws.close(code=4001)

    def _identify(self, intents: int, link: Link) -> None:
        self.session = Session(f"session-{len(self.logins)}", self.backend, intents)
        self.session.link = link
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self.backend.bot_user)),
            "guilds": [{"id": str(each), "unavailable": True} for each in self.backend.guilds],
            "session_id": self.session.name,
            "resume_gateway_url": self.gateway_url,
            "application": {"id": str(self.backend.application_id), "flags": 0},
        }
        self.session.dispatch("READY", ready)
        for guild in self.backend.guilds.values():
            self.session.gateway.feed("GUILD_CREATE", serializers.guild_create_payload(self.backend, guild))

    def _resume(self, data: Json, link: Link) -> None:
        session = self.session
        if session is None or session.name != data["session_id"]:
            link.send({"op": 9, "d": False, "s": None, "t": None})
            return
        for event in session.events[data["seq"] :]:
            link.send(event)
        session.link = link
        session.dispatch("RESUMED", {})


async def _read(request: web.Request) -> tuple[Any, dict[str, tuple[str, bytes]]]:
    """The JSON of a request, and its files by field: name and content."""
    if request.content_type == "application/json":
        return json.loads(await request.text()), {}
    if request.content_type != "multipart/form-data":
        return None, {}
    form = await request.post()
    files = {
        field: (part.filename, part.file.read())
        for field, part in form.items()
        if isinstance(part, web.FileField)
    }
    return json.loads(cast("bytearray", form["payload_json"])), files


def _refusal(fault: Fault) -> tuple[int, Any]:
    if fault.kind == "flood":
        return 429, {"message": "You are being rate limited.", "retry_after": fault.value, "global": False}
    if fault.kind == "refuse":
        return 403, {"message": "Refused", "code": int(fault.value)}
    return int(fault.value), {"message": "Server error", "code": 0}


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


if __name__ == "__main__":
    from tests.discord_driver import main

    main()
