"""A provider that speaks the OpenAI protocol: one request, the limits it is held to, and its failures by kind.

Knows nothing of grading. Neither prompts nor answers nor the key are logged: a failure is named by its kind alone.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar

import msgspec
import openai

from bot.config import Settings

TIMEOUT = 20.0  # s for a completion: whoever waits longer has put the phone away
AUDIO_TIMEOUT = 60.0  # s for a transcription: ten minutes of speech take about half of it
FAILURES = 5  # in a row, and the provider is left alone
PAUSE = 120.0  # s until it is tried again
CHARACTERS_A_TOKEN = 4  # of English; for requests whose price nobody told

# What is wrong with one request, not with the provider: no student can switch the model off for the others.
_OURS = (400, 413, 415, 422)

log = logging.getLogger("viva.model")

T = TypeVar("T")


class ModelError(Exception):
    """No usable answer. `kind`: "timeout", "budget", "resting", "http 429", "bad output", ... and safe to log;
    `about`: what the provider has against this very request, and not safe to log."""

    def __init__(self, kind: str, *, about: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.about = about


class Budget:
    """What may be spent in a day (UTC), counted in this process alone."""

    def __init__(self, *, requests: int, tokens: int, clock: Callable[[], datetime]) -> None:
        self._most_requests, self._most_tokens = requests, tokens
        self._clock = clock
        self._day = date.min
        self.requests = self.tokens = 0

    def take(self, tokens: int) -> None:
        """One request of about that many tokens. Raises ModelError when the day has none left."""
        today = self._clock().date()
        if today != self._day:
            self._day, self.requests, self.tokens = today, 0, 0
        if self.requests >= self._most_requests or self.tokens >= self._most_tokens:
            raise ModelError("budget")
        self.requests += 1
        self.tokens += tokens

    def correct(self, tokens: int) -> None:
        """The last estimate was that many tokens too low."""
        self.tokens += tokens


class Breaker:
    """Leaves a failing provider alone, then lets one request try."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._until = 0.0

    def allows(self) -> bool:
        """Whether a request may go now; when it is the one that tries, the others wait for what comes of it."""
        if self._failures < FAILURES:
            return True
        if self._now() < self._until:
            return False
        self._until = self._now() + PAUSE
        return True

    def succeeded(self) -> None:
        """The provider answers."""
        self._failures = 0

    def failed(self) -> None:
        """The provider does not answer, or will not."""
        self._failures += 1
        self._until = self._now() + PAUSE
        if self._failures == FAILURES:
            log.warning("model rests failures=%s seconds=%.0f", FAILURES, PAUSE)


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Usage(msgspec.Struct, frozen=True):
    total_tokens: int | None = None


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Heard(msgspec.Struct, frozen=True):
    text: str


class Client:
    """One provider with one key; its budget is shared by all that use it."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        budget: Budget,
        now: Callable[[], float] = time.monotonic,
        timeout: float = TIMEOUT,
        audio_timeout: float = AUDIO_TIMEOUT,
    ) -> None:
        # Its debug lines hold whole requests.
        logging.getLogger("openai").setLevel(logging.WARNING)
        # A provider of one's own needs no key, the SDK does. It must not try again by itself: the budget would not see it.
        self._sdk = openai.AsyncOpenAI(base_url=base_url, api_key=api_key or "none", max_retries=0)
        self._budget = budget
        self._chat, self._audio = Breaker(now), Breaker(now)
        self._timeout, self._audio_timeout = timeout, audio_timeout
        # What not every provider or model takes; it is left out once one has refused it.
        self._temperature = True
        self._format: Literal["json_schema", "json_object", ""] = "json_schema"

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> "Client":
        """The one that the settings name."""
        budget = Budget(
            requests=settings.model_daily_requests, tokens=settings.model_daily_tokens, clock=clock
        )
        key = settings.model_api_key.get_secret_value() if settings.model_api_key else ""
        return cls(base_url=settings.model_base_url, api_key=key, budget=budget)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._sdk.close()

    async def complete(self, *, model: str, system: str, user: str, schema: dict[str, Any]) -> str:
        """What the model says, meant to be JSON of this shape and not checked. Raises ModelError."""
        while True:
            options = self._options(schema)
            try:
                return await self._completed(model, system, user, options)
            except ModelError as error:
                # Unchanged options: nobody else has learnt it meanwhile.
                if not error.about or (self._options(schema) == options and not self._gives_in(error)):
                    raise

    async def transcribe(self, *, model: str, recording: bytes, name: str) -> str:
        """What is said in a recording. Raises ModelError."""
        async with self._request(self._audio, self._audio_timeout, tokens=0):
            raw = await self._sdk.audio.transcriptions.with_raw_response.create(
                model=model, file=(name, recording), response_format="json", timeout=self._audio_timeout
            )
        return _decoded(raw.content, _Heard).text

    async def _completed(self, model: str, system: str, user: str, options: dict[str, Any]) -> str:
        guess = (len(system) + len(user)) // CHARACTERS_A_TOKEN
        async with self._request(self._chat, self._timeout, tokens=guess):
            raw = await self._sdk.chat.completions.with_raw_response.create(
                model=model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
                timeout=self._timeout,
                **options,
            )
        completion = _decoded(raw.content, _Completion)
        content = completion.choices[0].message.content if completion.choices else None
        told = completion.usage.total_tokens if completion.usage else None
        self._budget.correct(len(content or "") // CHARACTERS_A_TOKEN if told is None else told - guess)
        if not content:  # it declined, or a filter did
            raise ModelError("bad output")
        return content

    def _options(self, schema: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {"temperature": 0} if self._temperature else {}
        if self._format == "json_schema":
            named = {"name": "grading", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self._format:
            options["response_format"] = {"type": self._format}
        return options

    def _gives_in(self, error: ModelError) -> bool:
        """Whether the request was refused for something that can be left out; from now on it is."""
        if self._temperature and "temperature" in error.about:
            self._temperature = False
        elif self._format and any(word in error.about for word in ("response_format", "json_", "schema")):
            self._format = "json_object" if self._format == "json_schema" else ""
        else:
            return False
        log.info("model takes less temperature=%s format=%s", self._temperature, self._format or "none")
        return True

    @asynccontextmanager
    async def _request(self, breaker: Breaker, seconds: float, *, tokens: int) -> AsyncIterator[None]:
        """Hold one request to its limits and translate what goes wrong with it."""
        if not breaker.allows():
            raise ModelError("resting")
        self._budget.take(tokens)
        try:
            async with asyncio.timeout(seconds):  # the SDK's own starts anew with every byte
                yield
        except openai.APIStatusError as error:
            kind = f"http {error.status_code}"
            if error.status_code in _OURS:
                breaker.succeeded()
                raise ModelError(kind, about=str(error.body).lower()) from None
            breaker.failed()
            raise ModelError(kind) from None
        except (TimeoutError, openai.APITimeoutError):
            breaker.failed()
            raise ModelError("timeout") from None
        except (openai.OpenAIError, ValueError) as error:
            breaker.failed()
            raise ModelError(type(error).__name__) from None
        breaker.succeeded()


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError:  # its text may quote what was sent
        raise ModelError("bad output") from None
