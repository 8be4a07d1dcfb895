"""HTTP for python-telegram-bot: its own extension point, filled by aiohttp, which takes half the CPU of httpx.

`call` is the short way for what a turn needs: JSON in, JSON out, without the library's objects (a third of a turn's CPU).
What went wrong is told apart by what is known: not sent, unknown, or flooded. Files come in by `download`, and do not go
out this way.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData
from yarl import URL

from adapters.download import downloaded
from adapters.files import FetchFailed

ANSWER_WITHIN = 20.0  # s for an answer; Telegram's slowest seen took 10
CONNECT_WITHIN = 10.0  # s; shorter than ANSWER_WITHIN, so that it is known that nothing was sent
JSON = {"Content-Type": "application/json"}


class NotConnected(NetworkError):
    """Nothing was sent, for no connection came about."""


class Unanswered(NetworkError):
    """The request was sent and no answer came that says what became of it."""


class Flooded(TelegramError):
    """Too many requests. `seconds`: how long Telegram wants us to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many requests, to wait {seconds:g} s")
        self.seconds = seconds


class AiohttpRequest(BaseRequest):
    """One pool of connections for everything, long polls too. `server`: of the Bot API, without a slash at the end.
    Nothing it raises holds the token."""

    def __init__(self, server: str, token: str) -> None:
        self._base = f"{server}/bot{token}/"
        self._files = f"{server}/file/bot{token}/"
        self._token = token.encode()
        self._addresses: dict[str, URL] = {}  # by method: to read one is a tenth of a request
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return ANSWER_WITHIN

    async def initialize(self) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def shutdown(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def call(
        self, method: str, parameters: Mapping[str, object], *, within: float = ANSWER_WITHIN
    ) -> Any:
        """The result of a method of the Bot API. `within`: seconds. Raises the library's errors and those above."""
        given = {name: value for name, value in parameters.items() if value is not None}
        status, payload = await self._exchange(
            "POST", self._address(method), msgspec.json.encode(given), within
        )
        answer = from_json(payload)
        if not isinstance(answer, dict):
            raise Unanswered(f"something that is not Telegram answers {status}")
        if status < 300:
            return answer.get("result")
        raise _REFUSALS.get(status, NetworkError)(str(answer.get("description", status)))

    async def download(self, file_id: str, *, most: int) -> bytes:
        """A file, or so many bytes of it and one more when it is larger. Raises FetchFailed."""
        try:
            found = await self.call("getFile", {"file_id": file_id})
            path, size = str(found["file_path"]), int(found.get("file_size", 0))
        except (BadRequest, InvalidToken, Forbidden) as error:
            raise FetchFailed(type(error).__name__, again=False) from None
        except (TelegramError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise FetchFailed(type(error).__name__) from None
        if self._session is None:
            raise FetchFailed("Telegram is stopped", again=False)
        if size > most:  # known now at the latest; a server of one's own gives files of 2 GB
            return bytes(most + 1)
        return await downloaded(self._session, self._files + quote(path), most=most)

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = from_json(payload)
        return decoded

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        *_: Any,  # of the library's four kinds of time-out one is enough
        **__: Any,
    ) -> tuple[int, bytes]:
        body = msgspec.json.encode(request_data.parameters) if request_data else b""
        within = read_timeout if isinstance(read_timeout, int | float) else ANSWER_WITHIN
        return await self._exchange(method, url, body, within)

    def _address(self, method: str) -> URL:
        known = self._addresses.get(method)
        if known is None:
            known = self._addresses[method] = URL(self._base + method)
        return known

    async def _exchange(self, method: str, url: str | URL, body: bytes, within: float) -> tuple[int, bytes]:
        if self._session is None:
            raise NotConnected("Telegram is not started yet, or stopped already")
        timeout = aiohttp.ClientTimeout(total=within, sock_connect=CONNECT_WITHIN)
        # aiohttp's words can hold the address, and so the token: only the kind of its error is told, and no cause.
        try:
            async with self._session.request(
                method, url, data=body, headers=JSON, timeout=timeout, allow_redirects=False
            ) as response:
                status, payload = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotConnected(f"no connection to Telegram: {type(error).__name__}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unanswered(f"no answer from Telegram: {type(error).__name__}") from None
        if status < 400:
            return status, payload
        payload = payload.replace(
            self._token, b"<token>"
        )  # a web server's error page may name the path asked for
        if status == 429:
            raise Flooded(_wait(payload))
        if status >= 500:
            raise Unanswered(f"Telegram answers {status}")
        return status, payload


_REFUSALS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,
    409: Conflict,
}


def from_json(payload: bytes) -> Any:
    """The value in it. Lone surrogates and broken UTF-8 are let through. Raises TelegramError."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except ValueError:
        raise TelegramError("what came is not JSON") from None


def _wait(payload: bytes) -> float:
    """Seconds, from the answer to a request too many; 1 where it does not say."""
    try:
        return float(from_json(payload)["parameters"]["retry_after"])
    except (TelegramError, LookupError, TypeError, ValueError):
        return 1.0
