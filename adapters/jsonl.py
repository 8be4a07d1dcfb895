"""The chat for scripts: one JSON object a line in, one a line out. The protocol is docs/terminal.md; scripts rely on it.

It is the platform "terminal" with as many users as are named.
"""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from adapters import markup
from adapters.files import Files
from adapters.local import (
    PLATFORM,
    Lines,
    MovableClock,
    SharedDatabase,
    advance,
    catch_up,
    shared,
    span,
    take_over,
    until_signal,
)
from bot.events import FromStudent, Identity, Pressed, Said
from bot.messages import Address, Delivery
from bot.ports import NotTaken, Store, StoreUnavailable
from bot.shell import Shell

GRACE = 5.0  # seconds the line at hand may still take after a signal; process hosts kill after ten
LONGEST_NAME = 128  # characters of a user or an id: they become keys in the database

_SHAPE = 'expected "user" with one of "text", "press" and "file", or "advance" alone; each may have an "id"'
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_DURATION = re.compile(
    rf"P(?=\d|T\d)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII,
)


class BadLine(Exception):
    """A line that cannot be understood; the reason is for the script's author."""


class SharedFile(NamedTuple):
    """A file as a line names it. `common`: what every event of its student carries."""

    path: Path
    common: dict[str, Any]


class JsonLines:
    """`lines` is standard input, `write` takes a line with its end and raises BrokenPipeError when nobody reads.
    `files`: who reads what students send; without, text files alone are read."""

    platform = PLATFORM

    def __init__(
        self,
        *,
        clock: MovableClock,
        lines: Lines | None = None,
        write: Callable[[bytes], None] | None = None,
        files: Files | None = None,
    ) -> None:
        self._clock = clock
        self._files = files or Files()
        self._lines = lines or Lines()
        self._write = write or _to_stdout

    async def run(self, shell: Shell, store: Store) -> None:
        """Handle line after line to the end of the input, or to a signal; then everything is settled."""
        await until_signal(self._session(shell, store), stop=self._lines.stop, grace=GRACE)

    async def send(self, delivery: Delivery) -> None:
        """A reply or a nudge as a line."""
        if not self._say(to_message(delivery)):
            raise NotTaken("nobody reads standard output")

    async def _session(self, shell: Shell, store: Store) -> None:
        await take_over(self._clock, store)
        await catch_up(self._clock, shell, store)
        number = 0
        async for line in self._lines:
            number += 1
            await catch_up(self._clock, shell, store)
            attempt = await self._handled(line, number, shell, store)
            self._say({"done": number, "attempt": attempt})
        await shell.settled()

    async def _handled(self, line: str, number: int, shell: Shell, store: Store) -> str | None:
        """Do what a line asks for. Gives the attempt it became."""
        try:
            wanted = to_event(line, at=self._clock())
            if isinstance(wanted, timedelta):
                await advance(wanted, clock=self._clock, shell=shell, store=store)
                return None
            receipt = await shell.receive(await self._with_words(wanted))
            await shell.settled()
        except (BadLine, SharedDatabase) as error:
            self._say({"error": str(error), "line": number})
        except StoreUnavailable as error:
            self._say({"error": f"the database cannot be reached: {error}", "line": number})
        else:
            return receipt.attempt
        return None

    async def _with_words(self, wanted: "FromStudent | SharedFile") -> FromStudent:
        """A file is read. Raises BadLine."""
        if not isinstance(wanted, SharedFile):
            return wanted
        try:
            return await shared(wanted.path, wanted.common, self._files)
        except OSError as error:
            raise BadLine(f"the file {str(wanted.path)!r} cannot be read: {error}") from error

    def _say(self, line: dict[str, Any]) -> bool:
        """Write a line; False, and the end of the session, when nobody reads any more."""
        try:
            self._write(msgspec.json.encode(line) + b"\n")
        except BrokenPipeError:
            self._lines.stop()
            return False
        return True


def to_message(delivery: Delivery) -> dict[str, Any]:
    """A delivery as it is written out."""
    return {
        "to": delivery.to.chat,
        "kind": delivery.kind,
        "at": delivery.at,
        "text": markup.plain(delivery.message.text),
        "choices": delivery.message.choices,
        "image": None,
        "file": None,
    }


def to_event(line: str, *, at: datetime) -> FromStudent | SharedFile | timedelta:
    """What a line says, or how far it moves the clock. Raises BadLine."""
    try:
        given = json.loads(line)  # takes lone surrogates, as JSON does; the shell cleans them
    except ValueError as error:
        raise BadLine(f"not JSON: {error}") from error
    except RecursionError as error:
        raise BadLine("not JSON anyone means: nested too deeply") from error
    if not isinstance(given, dict):
        raise BadLine(_SHAPE)
    own = given.pop("id", None)
    own = None if own is None else _name(str(own) if type(own) is int else own, "id")
    if given.keys() == {"advance"}:
        return _duration(given["advance"])
    what = next((key for key in ("text", "press", "file") if given.keys() == {"user", key}), None)
    if what is None:
        raise BadLine(_SHAPE)
    user, value = _name(given["user"], "user"), given[what]
    if not isinstance(value, str):
        raise BadLine(f'"{what}" must be a string')
    common: dict[str, Any] = {
        "id": uuid4().hex if own is None else f"line:{user}:{own}",
        "at": at,
        "sender": Identity(platform=PLATFORM, user=user),
        "address": Address(platform=PLATFORM, chat=user),
    }
    match what:
        case "text":
            return Said(text=value, **common)
        case "press":
            return Pressed(choice=value, **common)
        case _:
            return SharedFile(_file(value), common)


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME or not value.isprintable():
        raise BadLine(f'"{key}" must be a string of 1 to {LONGEST_NAME} printable characters')
    return value


def _duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadLine(
            '"advance" must be an ISO 8601 duration of weeks, days, hours, minutes and seconds: "PT24H"'
        )
    units = ("weeks", "days", "hours", "minutes", "seconds")
    given = {
        unit: float(part.replace(",", ".")) for unit, part in zip(units, match.groups(), strict=True) if part
    }
    try:
        return span(**given)
    except ValueError as error:
        raise BadLine(f'"advance": {error}') from error


def _file(name: str) -> Path:
    with suppress(OSError, ValueError):  # ValueError: a NUL in the name
        if Path(name).is_file():
            return Path(name)
    raise BadLine(f"there is no file {name!r} in the working directory")


def _to_stdout(line: bytes) -> None:
    """Past Python's buffer: what is written is out, and nothing is left to fail at exit."""
    while line:
        line = line[os.write(1, line) :]
