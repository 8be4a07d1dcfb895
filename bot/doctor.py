"""`python -m bot doctor`: what is set up, what is not, and how to mend it; one line each."""

import asyncio
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot import bank, config
from bot.config import Settings
from bot.ports import Store, StoreUnavailable

TIMEOUT = 5  # seconds for one answer; a bot that takes longer to greet is down
LINK_TIMEOUT = 20  # seconds for one page; some are slow and fine
LINKS_AT_ONCE = 8  # a handful of hosts has most of them
SKEW = 30  # seconds the clock may be off before reminders look late

Line = tuple[bool, str]


async def examine(
    tell: Callable[[str], None],
    store_for: Callable[[str], Store],
    code: Callable[[str], Awaitable[list[Line]]],
) -> None:
    """Print a line for each thing looked at. Raises SystemExit(1) when something needed is wrong."""
    try:
        settings = config.load()
    except config.SettingsError as error:
        for fault in str(error).splitlines():
            tell(f"wrong  settings: {fault}. Mend it in the environment or in .env.")
        raise SystemExit(1) from None
    tell("ok     settings")
    url = settings.database_url.get_secret_value()
    platforms = [*await _telegram(settings), *await _discord(settings)]
    if not any(text.startswith("clock") for _, text in platforms):
        platforms.append((True, "clock: not compared (no platform answered)"))
    # Without an engine coding answers are graded on their explanation: worth knowing, nothing is broken.
    engines = [(True, text) for _, text in await code(settings.judge_url.get_secret_value())]
    lines = [*_content(), *await _database(url, store_for), *engines, *platforms, *await _model(settings)]
    for fine, text in lines:
        tell(f"{'ok    ' if fine else 'wrong '} {text}")
    if not all(fine for fine, _ in lines):
        raise SystemExit(1)


async def follow(tell: Callable[[str], None], content: bank.Content | None = None) -> None:
    """Ask for each address of the learning paths, and print a line for each that does not answer as it should. Raises
    SystemExit(1) when one is gone; an answer that only shuts out programs (403, 429) is no fault of the address."""
    import aiohttp

    paths = (content or bank.load()).paths.values()
    wanted = {
        resource.url: f"{path.skill}: {resource.title}"
        for path in paths
        for stage in path.stages
        for resource in stage.resources
    }
    lanes, gone, unsure = asyncio.Semaphore(LINKS_AT_ONCE), list[str](), list[str]()
    timeout = aiohttp.ClientTimeout(total=LINK_TIMEOUT)

    async def ask(session: aiohttp.ClientSession, url: str, what: str) -> None:
        try:
            async with lanes, session.get(url, allow_redirects=True) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            unsure.append(f"no answer ({type(error).__name__})  {what}  {url}")
            return
        if status in (404, 410):
            gone.append(f"{status}  {what}  {url}")
        elif status >= 400:
            unsure.append(f"{status}  {what}  {url}")

    async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "viva/0.1.0"}) as session:
        await asyncio.gather(*(ask(session, url, what) for url, what in wanted.items()))
    for line in sorted(unsure):
        tell(f"unsure {line}")
    for line in sorted(gone):
        tell(f"gone   {line}")
    if len(unsure) == len(wanted):
        tell("No address answered at all: is there a network here?")
    tell(f"{len(wanted)} addresses: {len(gone)} gone, {len(unsure)} unsure")
    if gone:
        raise SystemExit(1)


def _content() -> list[Line]:
    try:
        content = bank.load()
    except bank.ContentError as error:
        return [(False, f"content: {fault}") for fault in error.faults]
    numbers = (
        f"{len(content.questions)} questions, {len(content.paths)} paths, {len(content.companies)} companies"
    )
    return [(True, f"content: {numbers}")]


async def _database(url: str, store_for: Callable[[str], Store]) -> list[Line]:
    kind = url.split(":", 1)[0]
    try:
        store = store_for(url)
    except ValueError as error:
        return [(False, f"database ({kind}): {error}")]
    try:
        differences = await store.open()
    except StoreUnavailable as error:
        return [(False, f"database ({kind}): {error}. Check DATABASE_URL and that the server runs.")]
    finally:
        await store.close()
    return [
        (True, f"database ({kind})"),
        *((True, f"database, worth a look: {each}") for each in differences),
    ]


async def _telegram(settings: Settings) -> list[Line]:
    if settings.telegram_token is None:
        return [(True, "telegram: off (TELEGRAM_TOKEN is not set)")]
    base = settings.telegram_api_url or "https://api.telegram.org"
    token = settings.telegram_token.get_secret_value()
    return await asyncio.to_thread(_asked, "telegram", "TELEGRAM_TOKEN", f"{base}/bot{token}/getMe", {})


async def _discord(settings: Settings) -> list[Line]:
    if settings.discord_token is None:
        return [(True, "discord: off (DISCORD_TOKEN is not set)")]
    base = settings.discord_api_url or "https://discord.com/api/v10"
    token = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    return await asyncio.to_thread(_asked, "discord", "DISCORD_TOKEN", f"{base}/users/@me", token)


async def _model(settings: Settings) -> list[Line]:
    wanted = (
        ("model", "MODEL_NAME", settings.model_name),
        ("voice answers", "TRANSCRIPTION_MODEL", settings.transcription_model),
    )
    lines = [(True, f"{use}: off ({setting} is not set)") for use, setting, model in wanted if not model]
    if len(lines) == len(wanted):
        return lines
    known = await asyncio.to_thread(_models, settings)
    if isinstance(known, str):
        return [*lines, (False, f"model: {known}")]
    for use, setting, model in wanted:
        if model and known and model not in known:
            lines.append((False, f"{use}: the provider has no {model}. Check {setting}."))
        elif model:
            lines.append((True, f"{use}: {model}"))
    return lines


def _models(settings: Settings) -> set[str] | str:
    """The models the provider has, empty when it does not list them; or what is wrong with it."""
    headers = {"User-Agent": "viva/0.1.0"}
    if settings.model_api_key is not None:
        headers["Authorization"] = f"Bearer {settings.model_api_key.get_secret_value()}"
    request = urllib.request.Request(f"{settings.model_base_url}/models", headers=headers)  # noqa: S310  # http(s) by config
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            listed = json.load(answer)["data"]
            return {str(each["id"]).removeprefix("models/") for each in listed}  # Gemini's have the prefix
    except urllib.error.HTTPError as error:
        if error.code in (404, 405):
            return set()
        mend = "MODEL_API_KEY is not accepted" if error.code in (400, 401, 403) else "try again later"
        return f"answers {error.code}: {mend}."
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return f"no usable answer within {TIMEOUT} s. Check the network and MODEL_BASE_URL."


def _asked(platform: str, setting: str, url: str, headers: dict[str, str]) -> list[Line]:
    """Who the platform says we are, and how far its clock is from ours. The address holds the token: it is not shown."""
    request = urllib.request.Request(url, headers={**headers, "User-Agent": "DiscordBot (viva, 0.1.0)"})  # noqa: S310  # http(s) by config
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            me = json.load(answer)
            sent = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        mend = f"{setting} is not accepted" if error.code in (401, 404) else "try again later"
        return [(False, f"{platform}: answers {error.code}: {mend}.")]
    except (urllib.error.URLError, TimeoutError, ssl.SSLError, ValueError):
        return [
            (False, f"{platform}: no answer within {TIMEOUT} s. Check the network and the address setting.")
        ]
    name = (me.get("result") or me).get("username", "?")
    return [(True, f"{platform}: @{name}"), *_clock(sent)]


def _clock(sent: str | None) -> list[Line]:
    if sent is None:
        return []
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(sent)).total_seconds())
    if skew > SKEW:
        return [(False, f"clock: {skew:.0f} s off. Switch on time synchronisation (NTP).")]
    return [(True, "clock")]
