"""discord.py, held to what we need: its connection without its caches, its errors in our words, its log without texts."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.ports import ChatUnreachable, MaybeTaken, NotTaken, Refused, Rendered

LONGEST_FLOOD_WAIT = 30.0  # s; the least discord.py can be told; what is longer, the outbox waits for
REFUSED_TOKEN_PAUSE = 60.0  # s; the connection finds out by itself that the token is gone
ACKNOWLEDGED_ALREADY, CHATS_OPENED_TOO_FAST = 40060, 40003  # Discord's JSON error codes

# What a request may raise beside NotTaken; none of their texts is logged, they quote what was sent.
FAILURES = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)

log = logging.getLogger("viva.discord")


class Listener(Protocol):
    """Who is told. Each call returns at once."""

    def connected(self) -> None:
        """A new session began; what came before it was not heard."""

    def heard(self, update: discord.Message | discord.Interaction) -> None: ...

    def edited(self, message: discord.Message) -> None:
        """A message was written anew."""

    def in_server(self, guild: discord.Guild) -> None:
        """A server was joined, or is there after a start."""


class Client(discord.Client):
    """One connection, made anew after it broke for good."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, dm_messages=True),  # none of them privileged
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_ratelimit_timeout=LONGEST_FLOOD_WAIT,
        )
        self._listener = listener
        # An event the library cannot read would end the connection, and come again with the next one.
        parsers = self._connection.parsers
        for name in set(parsers) - {"READY", "RESUMED"}:
            parsers[name] = _survived(name, parsers[name])

    async def on_connect(self) -> None:
        self._listener.connected()

    async def on_message(self, message: discord.Message) -> None:
        self._listener.heard(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        if payload.message.edited_at is not None:  # else only a link's preview came
            self._listener.edited(payload.message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self._listener.heard(interaction)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self._listener.in_server(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        self._listener.in_server(guild)

    async def call(
        self, method: str, path: str, body: Any = None, *, files: Sequence[Rendered] = (), **ids: str
    ) -> Any:
        """One request. Names in `ids` fill `path`; channel_id, webhook_id and webhook_token also tell the library which
        rate limit it counts for."""
        extra: dict[str, Any] = {} if body is None else {"json": body}
        if files:
            extra = {"form": _form(body, files)}
        return await self.http.request(Route(method, path, **ids), **extra)


def _form(body: Any, files: Sequence[Rendered]) -> list[dict[str, Any]]:
    """The fields of a request with files: Discord API, uploading files."""
    payload = {"name": "payload_json", "value": json.dumps(body), "content_type": "application/json"}
    return [
        payload,
        *(
            {
                "name": f"files[{place}]",
                "value": each.content,
                "filename": each.name,
                "content_type": each.media_type,
            }
            for place, each in enumerate(files)
        ),
    ]


def speak_to(api_url: str, gateway_url: str) -> None:
    """Other addresses than Discord's own, for the whole process: the library keeps them in its classes."""
    if api_url:
        Route.BASE = api_url.rstrip("/")
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def keep_quiet() -> None:
    """The library logs payloads at DEBUG, and addresses with interaction tokens in them at WARNING."""
    logging.getLogger("discord").setLevel(logging.WARNING)
    logging.getLogger("discord.client").addFilter(_without_traceback)
    for name in ("discord.http", "discord.webhook.async_"):
        logging.getLogger(name).setLevel(logging.ERROR)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # we make no sound


def _without_traceback(record: logging.LogRecord) -> bool:
    """A page of it for every attempt to reconnect, and errors that quote payloads."""
    if record.exc_info and record.exc_info[1]:
        record.msg, record.args = f"{record.getMessage()} ({described(record.exc_info[1])})", ()
        record.exc_info = None
    return True


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the library and of the line in the words of `bot.ports`."""
    try:
        yield
    except discord.RateLimited as error:
        raise NotTaken("rate limited", retry_after=error.retry_after) from error
    except discord.HTTPException as error:
        raise _meaning(error) from error
    except aiohttp.ClientConnectorError as error:
        raise NotTaken("no connection to Discord") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise MaybeTaken(type(error).__name__) from error
    except RuntimeError as error:
        if "closed" not in str(error):  # aiohttp: "Session is closed"
            raise
        raise NotTaken("the connection is being made anew") from error


def _meaning(error: discord.HTTPException) -> Exception:
    what = f"{error.status} {error.code}"
    if error.status == 429:
        return NotTaken(what, retry_after=float(error.response.headers.get("Retry-After", 0)))
    if error.status >= 500:
        return MaybeTaken(what)
    if error.status == 401 or error.code == CHATS_OPENED_TOO_FAST:
        return NotTaken(what, retry_after=REFUSED_TOKEN_PAUSE)
    if error.status in (403, 404):
        return ChatUnreachable(what)
    # The library names faults as "In components.0.label: …"; the rest of the line may quote the message.
    return Refused(" ".join([what, *re.findall(r"^In ([\w.]+):", error.text, re.MULTILINE)]))


def described(error: BaseException) -> str:
    """An error by its kind and place: its text may quote a student."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    code = f" {error.status} {error.code}" if isinstance(error, discord.HTTPException) else ""
    return f"{type(error).__name__}{code}{place}"


def _survived(name: str, parse: Callable[[Any], Any]) -> Callable[[Any], None]:
    def guarded(data: Any) -> None:
        try:
            parse(data)
        except Exception as error:  # noqa: BLE001  # an unreadable event is left out, whatever is wrong with it
            log.warning("gateway event %s left out: %s", name, described(error))

    return guarded


async def logged(work: Awaitable[None]) -> None:
    """Await work that nobody waits for."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # what nobody waits for must not vanish silently
        log.warning("failed: %s", described(error))
