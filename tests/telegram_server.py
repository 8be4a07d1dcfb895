"""A Telegram for tests: the Bot API over real HTTP on loopback, the people who talk to the bot, and faults to switch on.

It keeps Telegram's semantics and words of refusal. It is not Telegram: rate limits only where `pace` is set, no channels,
no inline mode, no Markdown parse modes; a method the Bot API has and this server lacks answers 501 and says so.

    async with TelegramServer() as server:          # the bot: base_url=f"{server.url}/bot", token=server.token
        ann = server.user(7, "Ann")
        reply = await ann.ask("/start")              # say, then the bot's next message
        await ann.tap("Backend")                     # press, then the bot's next message or edit
        server.fault("flood", method="sendMessage", seconds=3)

By hand: `python -m tests.telegram_server --port 8081`, then lines as in tests/telegram_driver.py.
"""

import asyncio
import copy
import itertools
import json
import re
import socket
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web

from tests import telegram_spec as limits
from tests.telegram_messages import Messages, Params, Refusal
from tests.telegram_spec import Call, Upload
from tests.telegram_text import BadText, Json
from tests.waiting import WITHIN

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
KINDS = {"message", "edited_message", "callback_query", "my_chat_member", "poll", "poll_answer"}
# Seconds before a refused update is sent again, doubled each time up to one; Telegram waits longer.
WEBHOOK_RETRY = 0.05
TWO_POLLS = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
FaultKind = Literal["flood", "html", "hang", "reset", "refuse", "unauthorized", "conflict"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """Trouble for the next `times` requests of a method (None: any, for ever)."""

    kind: FaultKind
    method: str | None = None
    chat: int | None = None
    times: int | None = 1
    seconds: float = 1.0  # flood: retry_after; hang: until the answer comes after all
    status: int = 502  # html, refuse
    words: str = ""  # refuse
    taken: bool = False  # hang, reset: the request is carried out, only its answer is late or lost


@dataclass(slots=True)
class Pace:
    """Telegram's limits (core.telegram.org/bots/faq): messages in any second over all chats, and one a second in a chat,
    where short bursts are let through. `refused`: how many were one too many."""

    a_second: int = 30
    burst: int = 5
    refused: int = 0
    _last: deque[float] = field(default_factory=deque)
    _full: dict[str, float] = field(
        default_factory=dict
    )  # by chat: when what it holds has run off, one a second

    def retry_after(self, chat: str, at: float) -> int:
        """Whole seconds a message has to wait, 0 for one that is taken."""
        while self._last and self._last[0] <= at - 1:
            self._last.popleft()
        full = max(self._full.get(chat, at), at) + 1
        if len(self._last) >= self.a_second or full > at + self.burst:
            self.refused += 1
            return max(1, int(full - at - self.burst))
        self._last.append(at)
        self._full[chat] = full
        return 0


class TelegramServer(Messages):
    """The server. `requests` holds every request of the bot in order, `faults` the troubles still to come."""

    def __init__(
        self,
        *,
        token: str = "4242:local-server-token",
        port: int = 0,
        name: str = "Viva",
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(bot_id=int(token.partition(":")[0]), name=name, now=now)
        self.token, self.port = token, port
        self.requests: list[Call] = []
        self.faults: list[Fault] = []
        self.pace: Pace | None = None
        self.updates: list[Json] = []  # not confirmed by the bot
        self.webhook: Json = {"url": ""}
        self._update_ids = itertools.count(700_000_001)
        self._queues: dict[int, tuple[str, int]] = {}  # by update: what keeps its order in a webhook
        self._allowed = KINDS
        self._polls = 0
        self._changed, self._stopping = asyncio.Event(), asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._delivery: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens; after a stop on the same port with everything remembered."""
        self._stopping.clear()
        app = web.Application(client_max_size=limits.UPLOAD_BYTES + 2**20)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._api)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        self.routes(app)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await (site := web.TCPSite(self._runner, "127.0.0.1", self.port)).start()
        self.port = int(site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]
        self._deliver_by_webhook()

    async def stop(self) -> None:
        self._stopping.set()
        self._pulse()
        if self._delivery:
            self._delivery.cancel()
            await asyncio.gather(self._delivery, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    def routes(self, app: web.Application) -> None:
        """For further addresses beside those of the Bot API."""

    def fault(self, kind: FaultKind, **settings: Any) -> Fault:
        """Switches a fault on; `server.faults.remove(fault)` or its `times` end it."""
        self.faults.append(Fault(kind=kind, **settings))
        return self.faults[-1]

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.requests if call.method.lower() == method.lower()]

    async def until(
        self, condition: Callable[[], bool], within: float = WITHIN, hope: str = "the condition"
    ) -> None:
        """Waits, looking again after each request and update. Raises AssertionError after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            recent = [(call.method, call.status) for call in self.requests[-8:]]
            raise AssertionError(f"not within {within} s: {hope}\nlast requests: {recent}") from None

    async def handled(self, within: float = WITHIN) -> None:
        """Waits until the bot has confirmed every update."""
        await self.until(lambda: not self.updates, within, "every update is confirmed")

    def update(self, kind: str, payload: Json, *, queue: int) -> None:
        """Makes an update for the bot, unless it does not want this kind."""
        if kind in self._allowed:
            number = next(self._update_ids)
            self._queues[number] = (kind, queue)
            self.updates.append({"update_id": number, kind: copy.deepcopy(payload)})
        self._pulse()

    def _pulse(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call = Call(method=request.match_info["method"], params=dict(request.query), at=self.now())
        try:
            if (token := request.match_info["token"]) != self.token:
                well_formed = re.fullmatch(r"\d+:[\w-]+", token)
                raise Refusal(401, "Unauthorized") if well_formed else Refusal(404, "Not Found")
            await self._read(request, call)
        except Refusal as refusal:
            return web.json_response(refusal.answer, status=refusal.answer["error_code"])
        self.requests.append(call)
        fault = self._fault_for(call)
        if fault is None or (fault.taken and fault.kind in ("hang", "reset")):
            call.status, call.answer = await self._carry_out(call)
        try:
            return await self._answer(request, call, fault)
        finally:
            self._pulse()

    async def _read(self, request: web.Request, call: Call) -> None:
        try:
            if request.content_type == "application/json":
                call.params |= await request.json()
            elif request.content_type == "multipart/form-data":
                for name, value in (await request.post()).items():
                    if isinstance(value, web.FileField):
                        with value.file as file:
                            content = file.read()
                        call.files[name] = Upload(
                            name=value.filename, mime=value.content_type, content=content
                        )
                    else:
                        call.params[name] = value
            else:
                body = (await request.read()).decode()
                call.params |= parse_qsl(body, keep_blank_values=True, errors="surrogateescape")
            json.dumps(call.params, ensure_ascii=False).encode()
        except UnicodeError as error:
            raise Refusal(400, "strings must be encoded in UTF-8") from error
        except ValueError as error:
            raise Refusal(400, "can't parse JSON object") from error
        except web.HTTPRequestEntityTooLarge as error:
            raise Refusal(413, "Request Entity Too Large") from error

    def _fault_for(self, call: Call) -> Fault | None:
        for fault in self.faults:
            same_chat = fault.chat is None or str(call.params.get("chat_id")) == str(fault.chat)
            if same_chat and fault.method in (None, call.method):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    async def _answer(self, request: web.Request, call: Call, fault: Fault | None) -> web.StreamResponse:
        match fault.kind if fault else None:
            case "html":
                assert fault
                call.status = fault.status
                page = f"<html><head><title>{fault.status}</title></head><body><h1>nginx</h1></body></html>"
                return web.Response(text=page, status=fault.status, content_type="text/html")
            case "reset":
                assert request.transport
                connection = request.transport.get_extra_info("socket")
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )  # RST, not FIN
                request.transport.abort()
                return web.Response()
            case "hang":
                assert fault
                try:
                    await asyncio.wait_for(self._stopping.wait(), fault.seconds)
                except TimeoutError:
                    if not fault.taken:
                        call.status, call.answer = await self._carry_out(call)
            case None:
                pass
            case _:
                assert fault
                call.answer = self._refusal(fault).answer
                call.status = call.answer["error_code"]
        return web.json_response(call.answer, status=call.status or 503)

    @staticmethod
    def _refusal(fault: Fault) -> Refusal:
        match fault.kind:
            case "flood":
                seconds = int(fault.seconds)
                return Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
            case "unauthorized":
                return Refusal(401, "Unauthorized")
            case "conflict":
                return Refusal(409, TWO_POLLS)
        return Refusal(fault.status, fault.words)

    async def _carry_out(self, call: Call) -> tuple[int, Json]:
        if self.pace and re.match("(send(?!chataction)|edit|forward|copy)", call.method.lower()):
            seconds = self.pace.retry_after(str(call.params.get("chat_id")), call.at)
            if seconds:
                refusal = Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
                return 429, refusal.answer
        method: Callable[[Params], Awaitable[Any]]
        method = getattr(self, f"_do_{call.method.lower()}", self._do_unknown)
        try:
            result = await method(Params(call))
        except Refusal as refusal:
            return refusal.answer["error_code"], refusal.answer
        except BadText as error:
            return 400, Refusal(400, str(error)).answer
        call.taken = True
        return 200, {"ok": True, "result": copy.deepcopy(result)}

    async def _download(self, request: web.Request) -> web.Response:
        kept = self._files.get(request.match_info["path"].split("/")[-1].split(".")[0])
        if request.match_info["token"] != self.token or kept is None:
            return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)
        return web.Response(body=kept[1].content, content_type="application/octet-stream")

    def _allow(self, kinds: list[str] | None) -> None:
        if kinds is not None:
            self._allowed = set(kinds) or KINDS

    async def _do_getupdates(self, p: Params) -> list[Json]:
        if self.webhook["url"]:
            raise Refusal(409, WEBHOOK_ACTIVE)
        self._allow(p.nested("allowed_updates") if "allowed_updates" in p.call.params else None)
        offset = p.number("offset")
        self.updates[:] = (
            self.updates[offset:] if offset < 0 else [u for u in self.updates if u["update_id"] >= offset]
        )
        self._polls += 1
        mine = self._polls
        self._pulse()  # tells an older long poll that it is over, and tests that updates are confirmed
        try:
            async with asyncio.timeout(min(p.number("timeout"), limits.RANGES["timeout"][1])):
                while not self.updates and not self._stopping.is_set():
                    await self._changed.wait()
                    if mine != self._polls:
                        raise Refusal(409, TWO_POLLS)
        except TimeoutError:
            pass
        return self.updates[: min(max(p.number("limit", 100), 1), 100)]

    async def _do_setwebhook(self, p: Params) -> bool:
        url, secret = p.text("url"), p.text("secret_token")
        address = urlsplit(url)
        if url and address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost"):
            raise Refusal(400, "bad webhook: An HTTPS URL must be provided for webhook")
        if secret and not limits.SECRET_TOKEN.fullmatch(secret):
            raise Refusal(400, "secret token contains unallowed characters")
        self._allow(p.nested("allowed_updates") if "allowed_updates" in p.call.params else None)
        if p.flag("drop_pending_updates"):
            self.updates.clear()
        self.webhook = {"url": url, "secret": secret, "max_connections": p.number("max_connections", 40)}
        self._deliver_by_webhook()
        return True

    async def _do_deletewebhook(self, p: Params) -> bool:
        p.call.params.pop("url", None)
        return await self._do_setwebhook(p)

    async def _do_getwebhookinfo(self, _: Params) -> Json:
        shown = {name: value for name, value in self.webhook.items() if name != "secret"}
        if not self.webhook["url"]:
            shown = {"url": ""}
        wanted = {"allowed_updates": sorted(self._allowed)} if self._allowed != KINDS else {}
        return {**shown, **wanted, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    def _deliver_by_webhook(self) -> None:
        if self._delivery:
            self._delivery.cancel()
        self._delivery = asyncio.create_task(self._deliver(self.webhook)) if self.webhook["url"] else None

    async def _deliver(self, hook: Json) -> None:
        """Several updates at once, but those of one chat (and those of one person's presses) in their order."""
        busy: set[tuple[str, int]] = set()
        under_way: set[int] = set()
        patience = aiohttp.ClientTimeout(total=60)  # seconds; Telegram's own
        async with aiohttp.ClientSession(timeout=patience) as session, asyncio.TaskGroup() as tasks:

            async def hand_over(update: Json) -> None:
                await self._hand_over(session, hook, update)
                busy.discard(self._queues[update["update_id"]])
                under_way.discard(update["update_id"])
                self._pulse()

            while not self._stopping.is_set():
                changed = self._changed
                for update in self.updates:
                    queue = self._queues[update["update_id"]]
                    if len(under_way) < hook["max_connections"] and queue not in busy:
                        busy.add(queue)
                        under_way.add(update["update_id"])
                        tasks.create_task(hand_over(update))
                await changed.wait()

    async def _hand_over(self, session: aiohttp.ClientSession, hook: Json, update: Json) -> None:
        """Sends one update until it is taken with a 2xx; a method call in the response is carried out."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook["secret"]} if hook["secret"] else {}
        pause, body = WEBHOOK_RETRY, b""
        while update in self.updates:
            try:
                async with session.post(hook["url"], json=update, headers=headers) as response:
                    body = await response.read()
                    if 200 <= response.status < 300:
                        self.updates.remove(update)
                        break
                    words = f"Wrong response from the webhook: {response.status} {response.reason}"
            except (aiohttp.ClientError, TimeoutError) as error:
                words = f"Connection failed: {type(error).__name__}"
            hook |= {"last_error_date": self.date(), "last_error_message": words}
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)
        else:
            return
        try:
            params = json.loads(body)
            call = Call(method=params.pop("method"), params=params, at=self.now())
        except (ValueError, KeyError, AttributeError):
            return  # most webhooks answer with nothing
        self.requests.append(call)
        call.status, call.answer = await self._carry_out(call)


if __name__ == "__main__":
    from tests.telegram_driver import main

    main()
