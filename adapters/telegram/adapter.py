"""Telegram's way in and out: takes updates by polling or webhook, hands events to the shell, sends what it gives.

An update is acknowledged to Telegram only when its turn is committed. (The library's own updater confirms before it
handles, so that a crash loses up to 100 messages; that is why it is not used.)
"""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web
from telegram import Bot, BotCommand
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError

from adapters import markup
from adapters.bookmarks import Bookmarks
from adapters.drawing import attached
from adapters.errors import WrongSetting, WrongToken
from adapters.files import NOTHING, Files, Reading
from adapters.telegram.polls import Polls
from adapters.telegram.wire import ANSWER_WITHIN, AiohttpRequest, Flooded, NotConnected, from_json
from adapters.telegram.words import PLATFORM, Message, Part, Quiz, Update, asks_in_group, to_event, to_message
from bot.commands import COMMANDS
from bot.events import FromStudent, Said
from bot.messages import LOST_CHOICE, Delivery
from bot.ports import (
    ChatUnreachable,
    MaybeTaken,
    NotTaken,
    Refused,
    Rendered,
    Renderer,
    StoreUnavailable,
)
from bot.sentences import label, say

OFFICIAL = "https://api.telegram.org"
WANTED = ["message", "edited_message", "callback_query", "poll_answer", "my_chat_member"]
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 a header's name
LONG_POLL = 30  # s Telegram holds a getUpdates open while there is nothing
LOOK_AGAIN = (
    1.0  # s between looks while some turns take long: with these unconfirmed, getUpdates answers at once
)
COMMIT_WITHIN = 50.0  # s; Telegram waits 60 for a webhook's answer
RETRY_PAUSE = 0.5, 30.0  # s between tries while Telegram is away: first, longest
CONFLICT_PAUSE = 5.0  # s; the other process's long poll ends when ours begins, so somebody has to step back
FAREWELL = 3.0  # s for what is under way when we are stopped
TYPING_AFTER = 0.7  # s without an answer before "typing" is shown: most answers are there sooner
LONG_ANSWER = 15  # characters; what is longer may have to be graded
UPLOAD_WITHIN = 30.0  # s; a picture has 100 kB, and the shell's lease is 60 s
HALF_SENT = 1_000  # deliveries remembered of which a first part went and the next did not

T = TypeVar("T")
Receive = Callable[[FromStudent], Awaitable[object]]
log = logging.getLogger("viva.telegram")


class TelegramAdapter:
    """One bot of Telegram. `allowed`: ids of the users it talks to (empty: everybody). `api_url`: of a self-hosted
    Bot API server. `bookmarks`: where it is kept which question a poll asked; without, questions have buttons alone.
    `files`: who reads what students send; without, text files alone are read."""

    platform = PLATFORM

    def __init__(
        self,
        token: str,
        *,
        allowed: frozenset[str] = frozenset(),
        api_url: str = "",
        bookmarks: Bookmarks | None = None,
        renderer: Renderer | None = None,
        files: Files | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        server = (api_url or OFFICIAL).rstrip("/")
        self._http = AiohttpRequest(server, token)
        self._bot = Bot(
            token,
            base_url=f"{server}/bot",
            request=self._http,
            get_updates_request=self._http,
        )
        self._allowed = allowed
        self._polls = Polls(bookmarks) if bookmarks else None
        self._renderer = renderer
        self._files = files or Files()
        self._clock = clock
        self._shell: Receive
        self._username = ""
        self._in_hand: dict[int, asyncio.Task[None]] = {}  # by update id
        # One lock a user, so that what they did stays in order; weak, or it grows for ever.
        self._lines: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._typing: dict[str, asyncio.TimerHandle] = {}  # by chat
        self._half_sent: dict[str, int] = {}  # parts that went, by delivery
        self._tasks: set[asyncio.Task[None]] = set()

    # Run

    async def run_polling(self, receive: Receive) -> None:
        """Ask Telegram for updates until cancelled. Raises WrongToken."""
        async with self._started(receive):
            await self._introduced()
            await self._insisted(self._bot.delete_webhook)
            await self._poll()

    async def run_webhook(
        self, receive: Receive, *, url: str, secret: str, port: int, health: Callable[[], Awaitable[bool]]
    ) -> None:
        """Let Telegram bring updates to `url`, whose path is served on `port` (beside /healthz) until cancelled.
        Raises WrongToken, or WrongSetting for an address or a secret that Telegram does not take."""

        path = urlsplit(url).path or "/"

        async def answer(request: web.BaseRequest) -> web.Response:
            if request.path == "/healthz":
                well = await health()
                return web.Response(text="ok\n" if well else "not well\n", status=200 if well else 503)
            if request.path != path or request.method != "POST":
                return web.Response(status=404)
            if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), secret.encode()):
                return web.Response(status=403)
            return web.Response(status=200 if await self._brought(await request.read()) else 503)

        async with self._started(receive), _served(answer, port):
            await self._introduced()
            await self._insisted(
                lambda: self._bot.set_webhook(
                    url, allowed_updates=WANTED, secret_token=secret, max_connections=40
                )
            )
            log.info("waiting for updates at %s on port %d", url, port)
            await asyncio.Event().wait()

    @asynccontextmanager
    async def _started(self, receive: Receive) -> AsyncIterator[None]:
        self._shell = receive
        await self._http.initialize()
        try:
            yield
        finally:
            for timer in self._typing.values():
                timer.cancel()
            for task in (*self._in_hand.values(), *self._tasks):
                task.cancel()
            await asyncio.gather(*self._in_hand.values(), *self._tasks, return_exceptions=True)
            await self._http.shutdown()

    async def _introduced(self) -> None:
        self._username = (await self._insisted(self._bot.get_me)).username or ""
        menu = [BotCommand(word, say(f"commands.{word}")) for word in COMMANDS]
        await self._insisted(lambda: self._bot.set_my_commands(menu))
        log.info("connected as @%s", self._username)

    async def _insisted(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until Telegram answers. Raises WrongToken or WrongSetting: then it never will."""
        pause, longest = RETRY_PAUSE
        away = False
        while True:
            wait = pause
            try:
                answer = await call()
            except InvalidToken:
                raise WrongToken(
                    "TELEGRAM_TOKEN: Telegram does not know it; @BotFather shows yours"
                ) from None
            except BadRequest as error:
                raise WrongSetting(f"Telegram refuses a setting: {error}") from None
            except Conflict:
                wait = CONFLICT_PAUSE
                log.warning(
                    "another process takes this bot's updates (one more with the same token, or a webhook set by hand); "
                    "they come to one of us at a time, so stop the other. Trying again in %g s",
                    wait,
                )
            except Flooded as error:
                wait = error.seconds
                log.warning("Telegram asks to wait: %s", error)
            except TelegramError as error:
                log.log(logging.DEBUG if away else logging.WARNING, "trying again: %s", error)
                away, pause = True, min(2 * pause, longest)
            else:
                if away:
                    log.info("Telegram answers again")
                return answer
            await asyncio.sleep(wait)

    # Receive

    async def _poll(self) -> None:
        """Fetch updates for ever. The offset, with which Telegram forgets what lies before it, follows the oldest
        update still in hand; what is taken already and comes again is passed over."""
        following = 0
        taken: set[int] = set()
        try:
            while True:
                if self._in_hand:
                    await asyncio.wait(self._in_hand.values(), timeout=LOOK_AGAIN)
                offset = min(self._in_hand, default=following)
                taken = {number for number in taken if number >= offset}
                hold = 0 if self._in_hand else LONG_POLL
                for update in await self._insisted(partial(self._fetch, offset, hold)):
                    number = int(update["update_id"])
                    if number not in taken:
                        taken.add(number)
                        self._take(number, update)
                    following = max(following, number + 1)
        finally:  # what was committed is confirmed, so that the next process does not get it again
            with suppress(TelegramError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    if self._in_hand:
                        await asyncio.wait(self._in_hand.values(), timeout=FAREWELL / 2)
                    await self._fetch(min(self._in_hand, default=following), 0, limit=1)

    async def _fetch(self, offset: int, hold: int, *, limit: int = 100) -> list[dict[str, Any]]:
        # Not Bot.get_updates: one update in a batch that it cannot read, and it gives none of them, now or later.
        wanted = {"offset": offset, "timeout": hold, "limit": limit, "allowed_updates": WANTED}
        updates: list[dict[str, Any]] = await self._http.call(
            "getUpdates", wanted, within=hold + ANSWER_WITHIN
        )
        return updates

    async def _brought(self, body: bytes) -> bool:
        """Whether an update that came by webhook is done with; if not, Telegram brings it again."""
        try:
            update = from_json(body)
            number = int(update["update_id"])
        except (TelegramError, LookupError, TypeError, ValueError):
            log.warning("passed over something that is no update")
            return True
        task = self._take(number, update)
        await asyncio.wait({task}, timeout=COMMIT_WITHIN)
        return task.done() and not task.cancelled()

    def _take(self, number: int, update: dict[str, Any]) -> asyncio.Task[None]:
        """Have an update handled; one that is in hand already is joined."""
        task = self._in_hand.get(number)
        if task is None:
            task = self._in_hand[number] = asyncio.create_task(self.receive(update))
            task.add_done_callback(lambda _: self._in_hand.pop(number, None))
        return task

    async def receive(self, raw: dict[str, Any]) -> None:
        """Handle an update. Returns once it is committed, or is nothing to us."""
        try:
            await self._received(msgspec.convert(raw, Update))
        except msgspec.ValidationError as error:
            log.warning("passed over update %s, which cannot be read: %s", raw.get("update_id"), error)
        except (
            Exception
        ):  # set aside by the shell, or a fault of ours: again and again it would stop the line
            log.exception("passed over update %s", raw.get("update_id"))

    async def _received(self, update: Update) -> None:
        user, chat, query = update.user, update.chat, update.callback_query
        if query is not None:
            self._beside(self._http.call("answerCallbackQuery", {"callback_query_id": query.id}))
        if chat is not None and chat.type != "private":
            if self._username and asks_in_group(update, self._username):
                self._beside(self._point_to_private(update))
        elif user is None:
            return
        elif self._allowed and str(user.id) not in self._allowed:
            told = {"chat_id": user.id, "text": say("general.not_allowed")}
            self._beside(self._http.call("sendMessage", told))
        else:
            line = self._lines.get(user.id)
            if line is None:
                line = self._lines[user.id] = asyncio.Lock()
            async with line:
                await self._handed_in(update)

    async def _handed_in(self, update: Update) -> None:
        reading = await self._read(update.message) if update.message else NOTHING
        answer, choice = update.poll_answer, LOST_CHOICE
        if answer and update.chat and self._polls:
            asked_in = str(update.chat.id)
            choice = await self._stored(update, partial(self._polls.choice, answer, chat=asked_in))
        event = to_event(update, at=self._clock(), reading=reading, choice=choice)
        if event is None:
            return
        if isinstance(event, Said) and len(event.text) > LONG_ANSWER:
            self._type_later(event.address.chat)
        await self._stored(update, partial(self._shell, event))
        if answer and self._polls:  # only now: an answer that comes again after a crash is known by its id
            await self._stored(update, partial(self._polls.forget, answer.poll_id))

    async def _stored(self, update: Update, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the database is there."""
        while True:
            try:
                return await call()
            except StoreUnavailable:
                log.warning("update %d is not committed: the database is away", update.update_id)
                await asyncio.sleep(LOOK_AGAIN)

    async def _read(self, message: Message) -> Reading:
        file, kind = message.file, message.kind
        if file is None or kind is None:
            return NOTHING
        self._type_later(str(message.chat.id))

        async def fetch(most: int) -> bytes:
            return await self._http.download(file.file_id, most=most)

        return await self._files.reading(kind, name=file.file_name, size=file.file_size, fetch=fetch)

    async def _point_to_private(self, update: Update) -> None:
        """Where others read along: one sentence, and a link to the private chat."""
        assert update.chat is not None
        message = update.message
        thread = message.message_thread_id if message and message.is_topic_message else None
        link = {"text": label("in_private"), "url": f"https://t.me/{self._username}"}
        [text] = markup.telegram(say("general.group"))
        pointed = {
            "chat_id": update.chat.id,
            "text": text,
            "parse_mode": "HTML",
            "reply_markup": {"inline_keyboard": [[link]]},
            "message_thread_id": thread,
        }
        await self._http.call("sendMessage", pointed)

    async def tidy(self) -> None:
        """Forget the polls that nobody has answered for long; to be called once a day."""
        if self._polls:
            await self._polls.forget_old(self._clock())

    # Send

    async def send(self, delivery: Delivery) -> None:
        """Hand a message to Telegram. After a first part that went, the next try goes on with the second."""
        chat = delivery.to.chat
        if timer := self._typing.pop(chat, None):
            timer.cancel()
        message, files = await attached(delivery.message, self._renderer)
        parts = to_message(message, files)
        if not parts:
            raise Refused("a message with nothing to see in it")
        for place in range(self._half_sent.pop(delivery.id, 0), len(parts)):
            try:
                await self._put(chat, parts[place], edit=delivery.edit if place == 0 else "")
            except TelegramError as error:
                if place:
                    self._remember(delivery.id, place)
                raise _sorted(error) from error

    async def _put(self, chat: str, part: Part, *, edit: str) -> None:
        what = {
            "chat_id": chat,
            "text": part.html,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            "reply_markup": part.keyboard,
        }
        if part.file is not None and await self._put_file(chat, part, part.file):
            return
        if part.quiz is not None and self._polls and await self._put_quiz(chat, part.quiz, self._polls):
            return
        if edit and part.file is None:
            try:
                await self._http.call("editMessageText", what | {"message_id": int(edit)})
            except BadRequest as error:
                if "not modified" in error.message.lower():
                    return
                log.info("sends anew what it cannot edit: %s", error)
            else:
                return
        if part.html:
            await self._http.call("sendMessage", what)

    async def _put_file(self, chat: str, part: Part, file: Rendered) -> bool:
        """A picture or a document, the text as its caption. False when Telegram does not take it: the words go alone."""
        kind = "photo" if file.media_type == "image/png" else "document"
        what = {
            "chat_id": chat,
            "caption": part.html or None,
            "parse_mode": "HTML" if part.html else None,
            "reply_markup": part.keyboard,
        }
        try:
            await self._http.call(f"send{kind.capitalize()}", what, files={kind: file}, within=UPLOAD_WITHIN)
        except BadRequest as error:
            if "chat not found" in error.message.lower():
                raise
            log.warning("sends without the %s: %s", kind, error)
            return False
        return True

    async def _put_quiz(self, chat: str, quiz: Quiz, polls: Polls) -> bool:
        """A quiz of Telegram's own. False when Telegram does not take it: the question goes with buttons."""
        try:
            async with polls.asking(chat):
                sent = await self._http.call("sendPoll", {"chat_id": chat} | quiz.shown)
                await polls.keep(str(sent["poll"]["id"]), quiz.choices, at=self._clock())
        except BadRequest as error:
            if "chat not found" in error.message.lower():
                raise
            log.warning("sends with buttons what is no quiz to Telegram: %s", error)
            return False
        except StoreUnavailable:  # the student sees the poll; its answer is told to be lost
            log.warning("the answer to a poll will lead nowhere: the database is away")
        return True

    def _remember(self, delivery: str, place: int) -> None:
        while len(self._half_sent) >= HALF_SENT:
            del self._half_sent[next(iter(self._half_sent))]
        self._half_sent[delivery] = place

    def _type_later(self, chat: str) -> None:
        """Show that we are at it, unless the answer is there before."""

        def type_now() -> None:
            self._typing.pop(chat, None)
            self._beside(self._http.call("sendChatAction", {"chat_id": chat, "action": "typing"}))

        if chat not in self._typing:
            self._typing[chat] = asyncio.get_running_loop().call_later(TYPING_AFTER, type_now)

    def _beside(self, call: Coroutine[Any, Any, object]) -> None:
        """A request nothing depends on: it is made once, and its failure is only noted."""

        async def noted() -> None:
            try:
                await call
            except TelegramError as error:
                log.info("not done: %s", error)

        task = asyncio.create_task(noted())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def _served(
    answer: Callable[[web.BaseRequest], Awaitable[web.Response]], port: int
) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=FAREWELL)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()


def _sorted(error: TelegramError) -> Exception:
    """Telegram's error by who can act on it."""
    match error:
        case Flooded():
            return NotTaken(str(error), retry_after=error.seconds)
        case NotConnected() | InvalidToken() | Conflict():
            return NotTaken(str(error))
        case Forbidden() | ChatMigrated():
            return ChatUnreachable(str(error))
        case BadRequest() if "chat not found" in error.message.lower():
            return ChatUnreachable(str(error))
        case BadRequest():
            return Refused(str(error))
        case _:
            return MaybeTaken(str(error))
