"""The chat in a terminal: a prompt with history, rendered Markdown, choices by number, a clock that can be moved.

With a pipe for input it is the same chat, line by line, without a prompt. For scripts there is adapters/jsonl.py.
"""

import asyncio
import logging
import os
import re
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import tzlocal
from prompt_toolkit import PromptSession
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.patch_stdout import patch_stdout
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.padding import Padding
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

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
from bot.messages import Address, Choice, Delivery
from bot.ports import NotTaken, Store, StoreUnavailable
from bot.schedule import sweeping
from bot.sentences import say
from bot.shell import Shell

USER = "you"
WIDEST = 92  # columns of a message: longer lines are hard to read
INDENT = 6  # columns in which "Viva" and "You" stand
PATIENCE = 0.3  # seconds without an answer before three dots say that it is being worked on
GRACE = 5.0  # seconds a piped line may still take after a signal
LONGEST_PATH = 200  # characters of a path that is named back
HELD_BACK = 60.0  # seconds until a message to another user of this platform is tried again

_ADVANCE = re.compile(r"/advance(?:\s+(?P<span>.*))?", re.IGNORECASE | re.DOTALL)
_FILE = re.compile(r"/file(?:\s+(?P<path>.*))?", re.IGNORECASE | re.DOTALL)
_STEPS = re.compile(
    r"(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?", re.ASCII
)


class Terminal:
    """One student, "you", at this terminal. `console`: where it is shown; `lines`: read when there is no keyboard;
    `files`: who reads what is sent; without, text files alone are read."""

    platform = PLATFORM

    def __init__(
        self,
        *,
        clock: MovableClock,
        console: Console | None = None,
        lines: Lines | None = None,
        files: Files | None = None,
    ) -> None:
        self._clock = clock
        self._files = files or Files()
        self._console = console or Console(highlight=False)
        self._lines = lines
        self._zone = machine_zone()
        self._last: Delivery | None = None  # its choices are the ones a number presses
        self._hint = ""  # still to be given
        self._dots = False
        self._unheard = False  # a message is being taken

    async def run(self, shell: Shell, store: Store) -> None:
        """Chat until Ctrl-C, Ctrl-D, a signal or the end of the input; then say how to come back."""
        if self._lines is None and sys.stdin.isatty() and sys.stdout.isatty():
            try:
                await until_signal(self._typed(shell, store))
            finally:  # libuv's polling makes the terminal non-blocking, and whoever started us shares it
                os.set_blocking(sys.stdin.fileno(), True)
        else:
            lines = self._lines or Lines()
            await until_signal(self._piped(lines, shell, store), stop=lines.stop, grace=GRACE)
        self._console.print()
        self._note(say("terminal.unheard") if self._unheard else say("terminal.farewell"))

    async def send(self, delivery: Delivery) -> None:
        """Print it. An edited message is printed anew: what has scrolled away cannot change."""
        if delivery.to.chat != USER:  # a script's user on the same database
            raise NotTaken("somebody else sits here", retry_after=HELD_BACK)
        self._last = delivery
        self._print(
            "Viva", "bold yellow" if delivery.kind == "nudge" else "bold magenta", self.to_message(delivery)
        )

    def to_message(self, delivery: Delivery) -> RenderableType:
        """The time of a nudge, the text, the choices with their numbers."""
        shown: list[RenderableType] = [markup.terminal(delivery.message.text)]
        if delivery.kind == "nudge":
            shown.insert(0, Text(self._time(delivery.at), "yellow"))
        if delivery.message.choices:
            shown += [
                Text(),
                _buttons(delivery.message.choices),
                *([Text(self._hint, "dim")] if self._hint else []),
            ]
            self._hint = ""
        return Group(*shown)

    def to_event(self, text: str) -> FromStudent:
        """A number that stands at a choice of the last message presses it; anything else is said."""
        common = self._common()
        chosen = self._chosen(text)
        if self._last is None or chosen is None:
            return Said(text=text, **common)
        return Pressed(choice=chosen.id, message=self._last.id, **common)

    def _common(self) -> dict[str, Any]:
        return {
            "id": uuid4().hex,
            "at": self._clock(),
            "sender": Identity(platform=PLATFORM, user=USER),
            "address": Address(platform=PLATFORM, chat=USER),
            "zone_hint": self._zone,
        }

    # Two ways to sit here

    async def _typed(self, shell: Shell, store: Store) -> None:
        prompt, self._hint = _prompt(), say("terminal.hint")
        with _logged_aside(), patch_stdout(raw=True):
            await self._greet(shell, store)
            async with sweeping(shell.sweep):
                with suppress(EOFError, KeyboardInterrupt):
                    while True:
                        # Ctrl-C is a key here; the signal, from another process, belongs to `until_signal`.
                        await self._hear(await prompt.prompt_async(handle_sigint=False), shell, store)

    async def _piped(self, lines: Lines, shell: Shell, store: Store) -> None:
        await self._greet(shell, store)
        async for line in lines:
            await catch_up(self._clock, shell, store)
            self._print("You", "bold cyan", Text(_printable(line)))
            await self._hear(line, shell, store)

    async def _greet(self, shell: Shell, store: Store) -> None:
        """What fell due meanwhile, then where the student is."""
        await take_over(self._clock, store)
        await catch_up(self._clock, shell, store)
        await self._hear("/start", shell, store)

    async def _hear(self, text: str, shell: Shell, store: Store) -> None:
        """Answer what was typed, all the way: graded and shown. A bare Enter is nothing."""
        if not text.strip():
            return
        if wanted := _ADVANCE.fullmatch(text.strip()):
            await self._advance(wanted["span"] or "", shell, store)
            return
        sent = _FILE.fullmatch(text.strip())
        if chosen := self._chosen(text):
            self._note(f"[{_printable(chosen.label)}]")
        with self._patience():
            self._unheard = True
            event = await self._shared(sent["path"] or "") if sent else self.to_event(text)
            if event is not None:
                await shell.receive(event)
            self._unheard = False
            await shell.settled()

    async def _shared(self, wanted: str) -> FromStudent | None:
        """A file by its path, as typed or as a terminal writes one that is dropped on it. None, and a note, when it
        cannot be read."""
        try:
            path = _path(wanted)
            return await shared(path, self._common(), self._files)
        except (OSError, ValueError, RuntimeError):  # RuntimeError: ~ of somebody who is not there
            self._note(
                say("terminal.no_file", file=wanted[:LONGEST_PATH]) if wanted else say("terminal.which_file")
            )
        return None

    async def _advance(self, wanted: str, shell: Shell, store: Store) -> None:
        try:
            by = _span(wanted)
        except ValueError as error:
            self._note(f"{error}. " + say("terminal.how_far"))
            return
        try:
            with self._patience():
                await advance(by, clock=self._clock, shell=shell, store=store)
        except SharedDatabase as error:
            self._note(str(error))
        except StoreUnavailable:
            self._note(say("terminal.away"))
        self._console.print()
        self._note(say("terminal.now", now=self._time(self._clock())))

    def _chosen(self, text: str) -> Choice | None:
        choices = self._last.message.choices if self._last else ()
        return next((each for number, each in enumerate(choices, 1) if text.strip() == str(number)), None)

    # The screen

    def _print(self, who: str, style: str, shown: RenderableType) -> None:
        self._erase_dots()
        row = Table.grid()
        row.add_column(width=INDENT)
        row.add_column()
        row.add_row(Text(who, style), shown)
        self._console.print()
        self._console.print(row, width=min(WIDEST, self._console.width))

    def _note(self, words: str) -> None:
        self._erase_dots()
        self._console.print(Padding(Text(words, "dim"), (0, 0, 0, INDENT)))

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Three dots while it takes its time."""
        waiting = asyncio.get_running_loop().call_later(PATIENCE, self._show_dots)
        try:
            yield
        finally:
            waiting.cancel()
            self._erase_dots()

    def _show_dots(self) -> None:
        if self._console.is_terminal:
            self._dots = True
            self._console.print(Text(" " * INDENT + "…", "dim"), end="")

    def _erase_dots(self) -> None:
        if self._dots:
            self._dots = False
            self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))

    def _time(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self._zone) if self._zone else UTC)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def machine_zone() -> str:
    """The IANA zone this machine is set to; empty when it does not say."""
    with warnings.catch_warnings(action="ignore"), suppress(LookupError, ValueError, OSError):
        name = tzlocal.get_localzone_name()
        return ZoneInfo(name).key if name else ""
    return ""


def _span(wanted: str) -> timedelta:
    match = _STEPS.fullmatch(re.sub(r"\s", "", wanted.lower()))
    if match is None or not any(match.groups()):
        raise ValueError(f"I cannot read {wanted!r} as a time" if wanted else "That names no time")
    return span(**{unit: float(number) for unit, number in match.groupdict().items() if number})


def _path(wanted: str) -> Path:
    """Without the quotes or backslashes that a dropped path comes with. Raises ValueError."""
    if Path(wanted).expanduser().is_file():
        return Path(wanted).expanduser()
    words = shlex.split(wanted, posix=os.name == "posix")
    if len(words) != 1:
        raise ValueError("not one path")
    return Path(words[0].strip("\"'")).expanduser()


def _prompt() -> PromptSession[str]:
    keys = KeyBindings()

    @keys.add("enter", filter=~is_searching)
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add(
        Keys.Vt100MouseEvent
    )  # the library fails at a colour code that looks like the report of a mouse
    def ignore(event: KeyPressEvent) -> None:
        """We use no mouse."""

    return PromptSession(
        message=[("", "\n"), ("ansicyan bold", "You".ljust(INDENT))],
        prompt_continuation=" " * INDENT,
        multiline=True,  # so that a paste stays one message
        key_bindings=keys,
        history=_history(),
        enable_suspend=True,
    )


def _history() -> History:
    """What was typed before; of this session only where no file can be kept."""
    file = _kept("history")
    return FileHistory(file) if file else InMemoryHistory()


@contextmanager
def _logged_aside() -> Iterator[None]:
    """What is logged goes to a file: it would stand in the middle of the chat."""
    file = _kept("log")
    aside = logging.FileHandler(file, encoding="utf-8") if file else logging.NullHandler()
    aside.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, [aside]
    try:
        yield
    finally:
        root.handlers = handlers
        aside.close()


def _kept(name: str) -> Path | None:
    """A file in the user's state folder that only its owner can read; None where it cannot be written."""
    try:
        state = Path(os.environ.get("XDG_STATE_HOME", ""))
        folder = (state if state.is_absolute() else Path.home() / ".local" / "state") / "viva"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / name
        file.touch(mode=0o600)
        file.chmod(0o600)
    except (OSError, RuntimeError):  # RuntimeError: no home
        return None
    return file


def _buttons(choices: Sequence[Choice]) -> RenderableType:
    words = [
        Text.assemble((str(number), "bold cyan"), f" {_printable(each.label)}")
        for number, each in enumerate(choices, 1)
    ]
    return Columns(words, padding=(0, 3))


def _printable(text: str) -> str:
    """Without what would steer the terminal."""
    return "".join(each for each in text if each.isprintable() or each == "\n")
