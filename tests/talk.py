"""Conversations as tests: a transcript is played through the real shell, engine, grader and an SQLite store.

    user: /start
    bot: Hi. ... Aiming for? [Backend] [Frontend] [Data] [Just ask me]
    press: Backend
    after: 24 h
    nudge: ...

`bot:` and `nudge:` lines must come in this order and be all that comes; `...` stands for any text. Buttons are checked
when the line names some. Every line runs in a new shell over the stored bytes, so each of them is a restart.
"""

import asyncio
import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import adapters.markup
from bot import bank
from bot.bank import Content
from bot.events import FromStudent, Identity, Pressed, Said, Shared
from bot.grading import EmbeddedGrader
from bot.growth import Growth
from bot.judging import Judge, Judgement, Language
from bot.messages import Address, Delivery, Message
from bot.ports import Grader, Store
from bot.questions import Grade, KeyPoint
from bot.shell import Receipt, Shell
from storage.sqlite import SqliteStore

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday morning
_LINE = re.compile(r"(user|press|after|share|bot|nudge):\s*(.*)", re.DOTALL)
_BUTTONS = re.compile(r"(?:\s*\[[^\[\]]+\])+\s*\Z")
_STEP = {"min": "minutes", "h": "hours", "d": "days"}


@cache
def content() -> Content:
    """The bank, read once for all tests: it never changes."""
    return bank.load()


@cache
def spoken() -> Content:
    """The same where coding problems are explained in words: what is asked and answered then is as in other rounds."""
    bank = content()
    questions = {key: replace(each, problem="") for key, each in bank.questions.items()}
    return replace(bank, questions=questions)


class Screen:
    """A messenger that keeps what the student sees. `fail`: raised for the next sends, one each."""

    def __init__(self, platform: str = "terminal") -> None:
        self.platform = platform
        self.shown: list[Delivery] = []
        self.fail: list[Exception] = []

    async def send(self, delivery: Delivery) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self.shown.append(delivery)


class Slow:
    """A grader that waits until it is told to go on."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.answers: list[str] = []

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        self.answers.append(answer)
        await self.go.wait()
        return Grade(score=50, points=(), grader="slow")


class Verdicts:
    """A judge that runs nothing: what it says is set beforehand. `sources`: what it was given."""

    def __init__(self, *verdicts: Judgement | Exception, growth: Growth | Exception | None = None) -> None:
        self.verdicts = list(verdicts)
        self.grows = growth or Growth(points=(), allowed=("linear", "linearithmic"))
        self.sources: list[str] = []

    async def submit(self, *, student: str, problem: str, language: Language, source: str) -> Judgement:
        self.sources.append(source)
        told = self.verdicts.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    async def measure(self, *, problem: str, language: Language, source: str) -> Growth:
        if isinstance(self.grows, Exception):
            raise self.grows
        return self.grows


class Talk:
    """One student, a clock that stands still until it is moved, and the whole of Viva but the platform."""

    def __init__(
        self,
        store: Store,
        content: Content,
        grader: Grader | None = None,
        zone: str = "UTC",
        judge: Judge | None = None,
    ) -> None:
        self.store = store
        self.content = content
        self.grader = grader or EmbeddedGrader()
        self.judge = judge
        self.now = START
        self.screen = Screen()
        self.zone = zone
        self.read = 0
        self.numbers = itertools.count(1)
        self.who = Identity(platform="terminal", user="ann")
        self.address = Address(platform="terminal", chat="ann")

    @classmethod
    async def open(cls, folder: Path, **options: Any) -> "Talk":
        store = SqliteStore.at(f"sqlite:///{folder}/viva.db")
        await store.open()
        return cls(store, options.pop("content", None) or spoken(), **options)

    def shell(self) -> Shell:
        return Shell(
            store=self.store,
            content=self.content,
            grader=self.grader,
            judge=self.judge,
            messengers=[self.screen],
            clock=lambda: self.now,
        )

    async def hear(self, event: FromStudent) -> Receipt:
        shell = self.shell()
        receipt = await shell.receive(event)
        await shell.settled()
        return receipt

    async def say(self, text: str, *, event: str = "") -> Receipt:
        self.now += timedelta(seconds=10)
        return await self.hear(Said(text=text, **self.common(event)))

    async def press(self, choice: str) -> Receipt:
        """By label if it is among the last shown, else by id."""
        self.now += timedelta(seconds=2)
        labels = {each.label: each.id for each in self.last().choices}
        return await self.hear(Pressed(choice=labels.get(choice, choice), message="m1", **self.common()))

    async def share(self, kind: str, text: str | None = None, **more: Any) -> Receipt:
        return await self.hear(Shared(kind=kind, text=text, **more, **self.common()))  # type: ignore[arg-type]  # a test's word

    async def wait(self, span: timedelta) -> None:
        """Let time pass, visiting each instant at which something falls due."""
        end = self.now + span
        while due := await self.store.due(at=end, lease=timedelta(0), limit=1, claim=False):
            self.now = max(self.now, due[0].due)
            shell = self.shell()
            await shell.sweep()
            await shell.settled()
        self.now = end

    def last(self) -> Message:
        """The newest message with buttons."""
        return next(each.message for each in reversed(self.screen.shown) if each.message.choices)

    def new(self) -> list[Delivery]:
        """What came since the last look."""
        fresh = self.screen.shown[self.read :]
        self.read = len(self.screen.shown)
        return fresh

    async def play(self, transcript: str) -> None:
        """Play a transcript; what the bot says must be what stands there."""
        waiting: list[Delivery] = []
        for kind, said in _lines(transcript):
            if kind in ("bot", "nudge"):
                assert waiting, f"nothing more was said; expected {kind}: {said}"
                _check(kind, said, waiting.pop(0))
                continue
            assert not waiting, f"before {kind}: {said}\nunexpected: {_shown(waiting[0])}"
            await self._do(kind, said)
            waiting = self.new()
        assert not waiting, f"unexpected at the end: {_shown(waiting[0])}"

    async def _do(self, kind: str, said: str) -> None:
        if kind == "after":
            number, unit = said.split()
            await self.wait(timedelta(**{_STEP[unit]: float(number)}))
        elif kind == "press":
            await self.press(said)
        elif kind == "share":
            await self.share(said)
        else:
            await self.say(said)

    def common(self, event: str = "") -> dict[str, Any]:
        """What every event of the student carries."""
        name = event or f"e{next(self.numbers)}"
        return {
            "id": name,
            "at": self.now,
            "sender": self.who,
            "address": self.address,
            "zone_hint": self.zone,
        }


def _lines(transcript: str) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for raw in transcript.strip().splitlines():
        text = raw.strip()
        match = _LINE.match(text)
        if match:
            lines.append((match[1], match[2]))
        elif text:
            kind, said = lines[-1]
            lines[-1] = (kind, f"{said} {text}")
    return lines


def _check(kind: str, expected: str, delivery: Delivery) -> None:
    shown = _shown(delivery)
    buttons = _BUTTONS.search(expected)
    text = expected[: buttons.start()] if buttons else expected
    assert (kind == "nudge") == (delivery.kind == "nudge"), f"expected a {kind}, got {shown}"
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in text.split("..."))
    plain = " ".join(adapters.markup.plain(delivery.message.text).split())
    assert re.fullmatch(pattern, plain, re.DOTALL), f"expected {text}\ngot {shown}"
    if buttons:
        labels = [each.label for each in delivery.message.choices]
        assert re.findall(r"\[([^\[\]]+)\]", buttons[0]) == labels, (
            f"expected {buttons[0].strip()}\ngot {shown}"
        )


def _shown(delivery: Delivery) -> str:
    buttons = " ".join(f"[{each.label}]" for each in delivery.message.choices)
    return f"{delivery.kind}: {adapters.markup.plain(delivery.message.text)} {buttons}"


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    """What was read, without markup."""
    return [adapters.markup.plain(each.message.text) for each in deliveries]
