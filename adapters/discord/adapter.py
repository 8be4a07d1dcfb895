"""Discord's way in and out: direct messages, slash commands, buttons, and a text window where typing is not heard.

An interaction is acknowledged at once (Discord gives it 3 s); a direct message is bookmarked when its turn is committed,
so that after a restart, or a session Discord ended, chats are read on from there.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import aiohttp
import discord
from msgspec.structs import replace

from adapters.bookmarks import Bookmarks
from adapters.discord import words
from adapters.discord.wire import (
    ACKNOWLEDGED_ALREADY,
    FAILURES,
    Client,
    described,
    keep_quiet,
    logged,
    speak_to,
    translated,
)
from adapters.discord.words import (
    EPHEMERAL,
    PLATFORM,
    File,
    Heard,
    Interaction,
    Json,
    Slot,
    to_event,
    to_message,
)
from adapters.download import downloaded
from adapters.drawing import attached
from adapters.errors import WrongToken
from adapters.files import FetchFailed, Files
from bot.events import FromStudent, Said
from bot.messages import Address, Delivery, Message
from bot.ports import (
    ChatUnreachable,
    MaybeTaken,
    NotTaken,
    Refused,
    Rendered,
    Renderer,
    StoreUnavailable,
)
from bot.sentences import say
from bot.shell import Receipt

SLOT_OPEN = timedelta(minutes=14)  # an interaction takes answers for 15; the rest is the way there
SEND_TIMEOUT = 40.0  # s; the library repeats a failed request for 25 s, the shell's lease is 60 s
FILE_HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")  # where Discord keeps attachments
TYPING_AFTER = 0.7  # s; most answers are there sooner
READ_AT_ONCE = 4  # chats read on together, well within Discord's 50 requests a second
PAUSE = 1.0, 60.0  # s between attempts: first, longest
CARD_WITHIN = timedelta(hours=1)  # of joining: a restart may lie between; an old server gets no card
CHATS_REMEMBERED = 10_000  # by user, to save a request each

Drawn = tuple[Rendered, ...]

log = logging.getLogger("viva.discord")


class DiscordAdapter:
    """One bot account. `allowed`: user ids, empty for everybody. `api_url` and `gateway_url`: empty for Discord's own;
    they count for the whole process. `files`: who reads what students send; without, text files alone are read.
    `clock`: aware UTC."""

    platform = PLATFORM

    def __init__(
        self,
        token: str,
        *,
        bookmarks: Bookmarks,
        allowed: frozenset[str] = frozenset(),
        api_url: str = "",
        gateway_url: str = "",
        renderer: Renderer | None = None,
        files: Files | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._token = token
        self._bookmarks = bookmarks
        self._allowed = allowed
        self._addresses = api_url, gateway_url
        self._renderer = renderer
        self._files = files or Files()
        self._file_hosts = {_origin(each) for each in (*FILE_HOSTS, api_url) if each}
        self._clock = clock
        self._receive: Callable[[FromStudent], Awaitable[Receipt]] | None = None
        self._client: Client | None = None  # only while logged in
        self._registered = False
        self._seen: dict[int, int] = {}  # by chat: the last message handled, as bookmarked
        self._stale: set[int] = set()  # chats in which messages may have been missed
        self._read_to: dict[int, int] = {}  # by chat: the last message that came from its history
        self._reading: asyncio.Task[None] | None = None
        self._lines: WeakValueDictionary[int, asyncio.Lock] = (
            WeakValueDictionary()
        )  # weak, or it grows for ever
        self._chats: dict[int, int] = {}  # by user: the channel of their direct messages
        self._typing: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, receive: Callable[[FromStudent], Awaitable[Receipt]]) -> None:
        """Listen until cancelled; a connection that breaks, or cannot be read, is made anew. Raises WrongToken."""
        keep_quiet()
        speak_to(*self._addresses)
        self._receive = receive
        first, longest = PAUSE
        pause = first / 2
        now = asyncio.get_running_loop().time
        try:
            await self._load_bookmarks()
            while True:
                began = now()
                await self._connection()
                pause = first if now() - began > longest else min(2 * pause, longest)
                await asyncio.sleep(pause)
        finally:
            await self._stop()

    async def send(self, delivery: Delivery) -> None:
        """Hand a message to Discord: to the interaction it answers while that is open, else to the chat."""
        if typing := self._typing.pop(delivery.to.chat, None):
            typing.cancel()
        message, files = await attached(delivery.message, self._renderer)
        delivery = replace(delivery, message=message, edit="" if files else delivery.edit)
        slot = Slot.of(delivery.to)
        is_open = slot is not None and self._clock().timestamp() < slot.until and delivery.kind == "reply"
        with translated():
            async with asyncio.timeout(SEND_TIMEOUT):
                if slot is None or not is_open:
                    await self._to_chat(delivery, files, edit="" if slot else delivery.edit)
                elif slot.kind == "moving":
                    await self._moved(slot, delivery, files)
                elif not await self._through(slot, delivery, files):
                    await self._to_chat(delivery, files)

    # In

    def connected(self) -> None:
        """A new session: what was written before it has to be asked for."""
        log.info("connected to Discord; %d chats to read on", len(self._seen))
        self._stale = set(self._seen)
        self._read_to.clear()
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self._beside(self._read_on_all())

    def heard(self, update: discord.Message | discord.Interaction) -> None:
        """Take what the gateway brought, in its order within a chat."""
        self._beside(self.receive(update))

    def edited(self, message: discord.Message) -> None:
        """Take a message of a person's that was written anew."""
        if message.guild is None and _is_from_person(message) and self._may(message.author):
            self._beside(self._edited_message(message))

    def in_server(self, guild: discord.Guild) -> None:
        """Introduce ourselves, if that was never done."""
        self._beside(self._introduced(guild))

    async def receive(self, update: discord.Message | discord.Interaction) -> None:
        """From what Discord says to the committed turn."""
        if isinstance(update, discord.Interaction):
            if interaction := Interaction.of(update):
                await self._interacted(update, interaction)
        elif update.guild is None and _is_from_person(update):
            channel = update.channel.id
            async with self._line(channel):
                caught_up = await self._read_on(channel)
                if update.id > self._read_to.get(channel, 0):
                    await self._said(update, bookmark=caught_up)

    async def _said(self, message: discord.Message, *, bookmark: bool) -> None:
        """One direct message. The bookmark moves once its turn is committed."""
        channel, forgotten = message.channel.id, False
        address = Address(platform=PLATFORM, chat=str(channel))
        if self._may(message.author):
            self._type_soon(channel)
            files = [await self._file(each, is_voice=message.flags.voice) for each in message.attachments]
            files += [File("sticker", each.name) for each in message.stickers]
            if message.message_snapshots or message.poll:
                files.append(File("other"))
            heard = Heard(message.id, self._clock(), message.author.id, address)
            forgotten = await self._received(to_event(heard, message.content, files))
        else:
            await self._tell(address, Message(text=say("general.not_allowed")), once=message.id)
        if forgotten:
            await self._unmark(channel)
        elif bookmark and message.id > self._seen.get(channel, 0):
            await self._bookmark(channel, message.id)

    async def _edited_message(self, message: discord.Message) -> None:
        assert message.edited_at is not None
        address = Address(platform=PLATFORM, chat=str(message.channel.id))
        heard = Heard(message.id, self._clock(), message.author.id, address)
        name = f"d:{message.id}:e{int(message.edited_at.timestamp() * 1000)}"
        async with self._line(message.channel.id):
            await self._received([Said(**(heard.common() | {"id": name}), text=message.content, edited=True)])

    async def _file(self, attachment: discord.Attachment, *, is_voice: bool) -> File:
        """A file, with its words where it has some."""
        media = (attachment.content_type or "").partition("/")[0]
        kinds: dict[str, words.Kind] = {"audio": "voice", "image": "photo", "video": "other"}
        kind = "voice" if is_voice else kinds.get(media, "document")

        async def fetch(most: int) -> bytes:
            if _origin(attachment.url) not in self._file_hosts:
                raise FetchFailed("an address that is not Discord's", again=False)
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                return await downloaded(session, attachment.url, most=most)

        name, size = attachment.filename, attachment.size
        return File(kind, name, size, await self._files.reading(kind, name=name, size=size, fetch=fetch))

    async def _interacted(self, given: discord.Interaction, interaction: Interaction) -> None:
        """Acknowledge, then answer in line with the chat's messages."""
        if not self._may(given.user):
            told = {"content": say("general.not_allowed"), "flags": EPHEMERAL}
            await self._respond(given, {"type": 4, "data": told})
            return
        if interaction.opens_window:
            await self._respond(given, {"type": 9, "data": words.window()})
            return
        slot = await self._acknowledged(given, interaction)
        channel = await self._chat_of(given.user.id) if interaction.in_server else given.channel_id
        chat = str(channel) if channel else f"user:{given.user.id}"
        address = Address(platform=PLATFORM, chat=chat, via=str(slot or ""))
        heard = Heard(given.id, self._clock(), given.user.id, address)
        async with self._line(channel or given.user.id):
            if channel:
                await self._read_on(channel)
            if await self._received(to_event(heard, interaction)) and channel:
                await self._unmark(channel)
            elif (
                channel and channel not in self._seen
            ):  # from now on, what is written while we are away is read
                await self._bookmark(channel, given.id)

    async def _acknowledged(self, given: discord.Interaction, interaction: Interaction) -> Slot | None:
        """Say that an answer comes. The slot for it, None where there is none."""
        kind = interaction.slot_kind
        if not await self._respond(given, interaction.acknowledgement) or kind is None:
            return None
        until = int((self._clock() + SLOT_OPEN).timestamp())
        return Slot(kind=kind, until=until, application=str(given.application_id), token=given.token)

    async def _received(self, events: list[FromStudent]) -> bool:
        """Whether the student was erased."""
        if self._receive is None:
            raise RuntimeError("not running")
        return [(await self._receive(event)).forgotten for event in events][-1:] == [True]

    def _may(self, user: discord.abc.Snowflake) -> bool:
        return not self._allowed or str(user.id) in self._allowed

    # Reading on

    async def _load_bookmarks(self) -> None:
        pause, longest = PAUSE
        while True:
            try:
                marks = await self._bookmarks.all("discord:seen:")
            except StoreUnavailable:
                log.warning("the database is away; Discord waits for it")
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
            else:
                self._seen = {int(key.rpartition(":")[2]): int(value) for key, value in marks.items()}
                return

    async def _read_on_all(self) -> None:
        """What was written while nobody listened, the chats last active first."""
        lanes = asyncio.Semaphore(READ_AT_ONCE)
        pause, longest = PAUSE

        async def one(channel: int) -> None:
            async with lanes, self._line(channel):
                await self._read_on(channel)

        while True:
            await asyncio.gather(*map(one, sorted(self._stale, key=lambda each: -self._seen[each])))
            if not self._stale:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _read_on(self, channel: int) -> bool:
        """Handle what was missed in a chat, oldest first. False when Discord does not show it just now. The caller holds
        the chat's line."""
        if channel not in self._stale:
            return True
        if self._client is None:
            return False
        chat = self._client.get_partial_messageable(channel, type=discord.ChannelType.private)
        after = discord.Object(self._seen[channel])
        try:
            async for message in chat.history(limit=None, after=after, oldest_first=True):
                if _is_from_person(message):
                    await self._said(message, bookmark=True)
                self._read_to[channel] = message.id
        except (discord.NotFound, discord.Forbidden):
            log.info("chat %s cannot be read any more", channel)
        except FAILURES as error:
            log.warning("chat %s could not be read on: %s", channel, described(error))
            return False
        self._stale.discard(channel)
        return True

    async def _bookmark(self, channel: int, message: int) -> None:
        self._seen[channel] = message
        try:
            await self._bookmarks.set(f"discord:seen:{channel}", str(message))
        except StoreUnavailable:  # read once more after a restart, and recognised by its id
            log.warning("no bookmark for chat %s: the database is away", channel)

    async def _unmark(self, channel: int) -> None:
        """Nothing is kept of who was erased; the next word begins anew."""
        self._seen.pop(channel, None)
        self._stale.discard(channel)
        try:
            await self._bookmarks.set(f"discord:seen:{channel}", None)
        except StoreUnavailable:
            log.warning("the bookmark of chat %s stays: the database is away", channel)

    @asynccontextmanager
    async def _line(self, channel: int) -> AsyncIterator[None]:
        """One at a time in a chat, in the order of coming."""
        lock = self._lines.get(channel)
        if lock is None:
            lock = self._lines[channel] = asyncio.Lock()
        async with lock:
            yield

    # Out

    async def _to_chat(self, delivery: Delivery, files: Drawn, *, edit: str = "") -> None:
        """To the chat, or into the place of a message there. A part that is sent twice is shown once (`nonce`). Files go
        with the last part."""
        channel = await self._channel(delivery.to.chat)
        parts = _parts(delivery)
        path = "/channels/{channel_id}/messages"
        with translated():
            place = 0
            if edit:
                path_of_one = f"{path}/{{message_id}}"
                place = int(await self._edited(path_of_one, parts[0], channel_id=channel, message_id=edit))
            for number, part in enumerate(parts[place:], start=place):
                once = {"nonce": f"{delivery.id}{_DIGITS[number]}", "enforce_nonce": True}
                with_it = files if number == len(parts) - 1 else ()
                await self._call("POST", path, part | once, files=with_it, channel_id=channel)

    async def _moved(self, slot: Slot, delivery: Delivery, files: Drawn) -> None:
        """To the chat, with a word in the server; where the chat is closed, it stays in the server."""
        try:
            await self._to_chat(delivery, files)
        except ChatUnreachable:
            if not await self._through(slot, delivery, files):
                raise
            return
        url = f"https://discord.com/channels/@me/{delivery.to.chat}"
        told = {"content": say("discord.moved", url=url), "components": []}
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        try:  # saying it a second time changes nothing
            await self._call("PATCH", path, told, webhook_id=slot.application, webhook_token=slot.token)
        except FAILURES as error:
            log.info("no word in the server of where it goes on: %s", described(error))

    async def _through(self, slot: Slot, delivery: Delivery, files: Drawn) -> bool:
        """As the answer to an interaction; the first takes the place of "thinking …". False when the slot is closed."""
        parts = _parts(delivery, window=slot.kind != "private")
        hook = {"webhook_id": slot.application, "webhook_token": slot.token}
        path = "/webhooks/{webhook_id}/{webhook_token}"
        flags = {} if slot.kind == "private" else {"flags": EPHEMERAL}
        # An edit is for the message that was pressed, and the slot is that press: its "@original".
        if delivery.edit and await self._edited(f"{path}/messages/@original", parts[0], **hook):
            parts = parts[1:]
        try:
            for number, part in enumerate(parts, start=1):
                with_it = files if number == len(parts) else ()
                await self._call("POST", path, part | flags, files=with_it, **hook)
        except discord.HTTPException as error:
            if error.status in (401, 403, 404):
                return False
            raise
        return True

    async def _edited(self, path: str, part: Json, **ids: str) -> bool:
        """False when there is no message of ours to be edited."""
        try:
            await self._call("PATCH", path, part, files=(), **ids)
        except discord.HTTPException as error:
            if error.status in (400, 403, 404):
                return False
            raise
        return True

    async def _respond(self, given: discord.Interaction, body: Json) -> bool:
        """Answer an interaction itself. False when it came too late, or Discord did not take it."""
        path = "/interactions/{interaction_id}/{webhook_token}/callback"  # its limit is counted by its token
        try:
            await self._call("POST", path, body, interaction_id=str(given.id), webhook_token=given.token)
        except (NotTaken, *FAILURES) as error:
            if isinstance(error, discord.HTTPException) and error.code == ACKNOWLEDGED_ALREADY:
                return True
            log.warning("interaction %s not acknowledged: %s", given.id, described(error))
            return False
        return True

    async def _tell(self, to: Address, message: Message, *, once: int) -> None:
        """Say something that no turn decided. `once`: the snowflake it answers; said twice, it is shown once."""
        told = Delivery(id=f"{once:024x}", to=to, kind="reply", message=message, at=self._clock())
        try:
            await self.send(told)
        except (NotTaken, MaybeTaken, Refused, ChatUnreachable) as error:
            log.warning("not told chat=%s:%s: %s", to.platform, to.chat, error)

    async def _channel(self, chat: str) -> str:
        """The channel of an address: its number, or "user:" and a user's for one that could not be opened."""
        if not chat.startswith("user:"):
            return chat
        channel = await self._chat_of(int(chat.removeprefix("user:")))
        if channel is None:
            raise NotTaken("the chat could not be opened")
        return str(channel)

    async def _chat_of(self, user: int) -> int | None:
        """The channel of a user's direct messages. It can be opened even where nothing may be sent to it."""
        if user not in self._chats:
            try:
                opened = await self._call("POST", "/users/@me/channels", {"recipient_id": str(user)})
            except (NotTaken, *FAILURES) as error:
                log.warning("no chat with user %s: %s", user, described(error))
                return None
            if len(self._chats) >= CHATS_REMEMBERED:
                self._chats.clear()
            self._chats[user] = int(opened["id"])
        return self._chats[user]

    async def _call(self, method: str, path: str, body: Any = None, *, files: Drawn = (), **ids: str) -> Any:
        if self._client is None:
            raise NotTaken("not connected")
        return await self._client.call(method, path, body, files=files, **ids)

    def _type_soon(self, channel: int) -> None:
        """Show "typing …" when the answer takes its time; whether that works is of no matter."""

        async def typed() -> None:
            try:
                await self._call("POST", "/channels/{channel_id}/typing", channel_id=str(channel))
            except (NotTaken, *FAILURES) as error:
                log.debug("no typing in %s: %s", channel, described(error))

        def begin() -> None:
            del self._typing[str(channel)]
            self._beside(typed())

        if str(channel) not in self._typing:
            self._typing[str(channel)] = asyncio.get_running_loop().call_later(TYPING_AFTER, begin)

    # The connection

    async def _connection(self) -> None:
        """From login to the end, however it ends. Raises WrongToken."""
        client = Client(self)
        try:
            await client.login(self._token)
            self._client = client
            await self._register(client)
            await client.connect()
        except discord.LoginFailure as error:
            raise WrongToken(
                "DISCORD_TOKEN: Discord does not know it; copy it anew from the portal, page Bot"
            ) from error
        except discord.ConnectionClosed as error:
            if error.code == 4004:
                raise WrongToken(
                    "DISCORD_TOKEN: Discord withdrew it; make a new one in the portal, page Bot"
                ) from error
            log.warning("Discord closed the connection: %s", error.code)
        except Exception as error:  # noqa: BLE001  # whatever the gateway sent, the process goes on
            log.warning("connection to Discord lost: %s", described(error))
        finally:
            self._client = None
            await client.close()

    async def _register(self, client: Client) -> None:
        """Put our commands into the place of all there are, once a process."""
        if self._registered:
            return
        path = "/applications/{application_id}/commands"
        try:
            await client.call("PUT", path, words.commands(), application_id=str(client.application_id))
        except FAILURES as error:  # those of an earlier start are still there
            log.warning("commands not registered: %s", described(error))
        else:
            self._registered = True

    async def _introduced(self, guild: discord.Guild) -> None:
        """One card in a server, once ever: it is remembered before it is posted."""
        key = f"discord:card:{guild.id}"
        since = guild.me.joined_at
        if since is None or self._clock() - since > CARD_WITHIN or await self._bookmarks.get(key):
            return
        channel = next(filter(_may_write, filter(None, [guild.system_channel, *guild.text_channels])), None)
        if channel is not None:
            await self._bookmarks.set(key, str(channel.id))
            await self._tell(Address(platform=PLATFORM, chat=str(channel.id)), words.card(), once=guild.id)

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _stop(self) -> None:
        for handle in self._typing.values():
            handle.cancel()
        self._typing.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"  # a nonce has 25 characters, a delivery's id 24 of them


def _parts(delivery: Delivery, *, window: bool = False) -> list[Json]:
    parts = to_message(delivery.message, window=window)
    if not 0 < len(parts) <= len(_DIGITS):
        raise Refused(f"delivery {delivery.id} has {len(parts)} parts")
    return parts


def _is_from_person(message: discord.Message) -> bool:
    return not message.author.bot and not message.is_system()


def _may_write(channel: discord.TextChannel) -> bool:
    rights = channel.permissions_for(channel.guild.me)
    return rights.view_channel and rights.send_messages


def _origin(url: str) -> tuple[str, str]:
    address = urlsplit(url)
    return address.scheme, address.netloc
