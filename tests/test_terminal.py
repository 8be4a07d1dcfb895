"""The chat in a terminal: what is seen, what a key means, and how it is left. At a real pseudo-terminal and by a pipe."""

import asyncio
import io
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from zoneinfo import available_timezones

import pytest
from prompt_toolkit.history import InMemoryHistory
from rich.console import Console

from adapters import terminal
from adapters.local import Lines, MovableClock
from adapters.terminal import Terminal
from bot import bank
from bot.events import Pressed, Said
from bot.grading import EmbeddedGrader
from bot.messages import Address, Choice, Delivery, DeliveryKind, Message
from bot.ports import NotTaken
from bot.shell import Shell
from storage.sqlite import SqliteStore

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # s until a missing screen is a failure: machines are shared
content = cache(bank.load)


class Typist:
    """Somebody at a pseudo-terminal of 100 columns."""

    def __init__(self, folder: Path) -> None:
        self.keyboard, screen = pty.openpty()
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder}/viva.db",
            "XDG_STATE_HOME": f"{folder}/state",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody answers where the cursor is
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "chat"],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        os.close(screen)
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode("utf-8", "surrogateescape"))

    def sees(self, words: str) -> str:
        """Wait for words, and for the prompt after them; what was shown before and with them."""
        ending = re.compile(re.escape(words) + r"(?s:.*)\bYou {3}")
        end = time.monotonic() + PATIENCE
        while not (match := ending.search(self.seen)):
            assert time.monotonic() < end, f"no {words!r} in {self.seen!r}"
            self._look(1.0)
        shown, self.seen = self.seen[: match.end()], self.seen[match.end() :]
        return shown

    def leaves(self) -> tuple[int, str]:
        """The exit code and what was shown last."""
        while self._look(PATIENCE):
            pass
        return self.process.wait(PATIENCE), self.seen

    def _look(self, seconds: float) -> bool:
        if not select.select([self.keyboard], [], [], seconds)[0]:
            return False
        new = b""
        with suppress(OSError):  # EIO: the other side has left
            new = os.read(self.keyboard, 65_536)
        self.seen += re.sub(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[=>])", "", new.decode("utf-8", "replace"))
        return bool(new)


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    typist = Typist(tmp_path)
    yield typist
    typist.process.kill()
    typist.process.wait()
    os.close(typist.keyboard)


def test_a_new_student_presses_by_number_answers_and_leaves_with_ctrl_c(typist: Typist) -> None:
    """Two keys from the start to the first question; on leaving one line says how to come back."""
    assert "1 Backend" in typist.sees("Aiming for?")
    typist.type("1\r")
    assert "[Backend]" in typist.sees("1 Hint")
    typist.type("an answer in\x1b\rtwo lines\r")
    assert "points" in typist.sees("Automatic estimate")
    typist.type("half a sentence\x03")
    code, last = typist.leaves()
    assert code == 0
    assert last.rstrip().endswith("Everything is kept; `make chat` goes on where you are.")
    assert "Traceback" not in last


def test_a_paste_of_many_lines_is_one_message(typist: Typist, tmp_path: Path) -> None:
    typist.sees("Aiming for?")
    typist.type("1\r")
    typist.sees("1 Hint")
    typist.type("\x1b[200~first line\nsecond line\n\x1b[201~")
    typist.type("\r")
    assert typist.sees("Automatic estimate").count("points") == 1
    typist.type("\x04")
    assert typist.leaves()[0] == 0
    history = tmp_path / "state" / "viva" / "history"
    assert "+first line\n+second line\n" in history.read_text(encoding="utf-8")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_bytes_that_are_no_text_and_foreign_escape_sequences_are_survived(typist: Typist) -> None:
    typist.sees("Aiming for?")
    typist.type("\udcff\udcfe\x1b[31mhello\r")
    assert "Traceback" not in typist.sees("1 Backend")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_like_ctrl_c(typist: Typist, number: signal.Signals) -> None:
    typist.sees("Aiming for?")
    typist.process.send_signal(number)
    code, last = typist.leaves()
    assert (code, "Everything is kept" in last, "Traceback" in last) == (0, True, False)


# Without a keyboard


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")
    await store.open()
    yield store
    await store.close()


async def chat(store: SqliteStore, *lines: str, clock: MovableClock | None = None) -> str:
    """A session over these lines; all that was shown."""
    clock = clock or MovableClock(START)
    shown = io.StringIO()
    with TemporaryFile() as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.seek(0)
        seat = Terminal(clock=clock, console=Console(file=shown, width=100), lines=Lines(file.fileno()))
        shell = Shell(store=store, content=content(), grader=EmbeddedGrader(), messengers=[seat], clock=clock)
        await seat.run(shell, store)
        await shell.close()
    return shown.getvalue()


async def test_a_pipe_is_a_chat_line_by_line(store: SqliteStore) -> None:
    shown = await chat(store, "1", "no idea", "/help")
    places = [
        shown.index(words)
        for words in (
            "Aiming for?",
            "You   1",
            "[Backend]",
            "1 Hint",
            "You   no idea",
            "0 of",
            "/advance 24h moves",
        )
    ]
    assert places == sorted(places)
    assert "\x1b" not in shown


async def test_a_file_is_sent_by_its_path(store: SqliteStore, tmp_path: Path) -> None:
    """As it was typed, or as a terminal writes a file that is dropped on it; one that is not there is named."""
    (tmp_path / "my cv.txt").write_text("Four years of Django and Postgres.")
    typed, dropped = f"/file {tmp_path}/my cv.txt", f"/FILE '{tmp_path}/my cv.txt' "
    for line in (typed, dropped):
        shown = await chat(store, "/settings resume", line)
        assert "Resume: kept" in shown
    shown = await chat(store, "/file", "/file no such.txt", "/file 'half", f"/file {tmp_path}")
    assert "Which file?" in shown
    assert shown.count("I find no file I can read at") == 3


async def test_whoever_comes_back_sees_the_open_question(store: SqliteStore) -> None:
    first = await chat(store, "1")
    question = first.split("One question, no clock, two sentences will do.")[1].split("1 Hint")[0]
    assert question.strip() in await chat(store)


async def test_advance_shows_what_falls_due_and_the_time_it_is_then(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "machine_zone", lambda: "Asia/Karachi")
    clock = MovableClock(START)
    shown = await chat(store, "1", "/stop", "learn sql", "/skip", "/advance 2d", clock=clock)
    assert "Viva  Mon 2 Mar, 19:00" in shown
    assert "It is now Wed 4 Mar, 14:00." in shown
    assert clock() == START + timedelta(days=2)


async def test_what_fell_due_meanwhile_is_shown_once_on_reopening(store: SqliteStore) -> None:
    await chat(store, "1", "/stop", "learn sql", "/skip")
    later = MovableClock(START + timedelta(days=2))
    nudge = re.compile(r"Viva  Wed 4 Mar, \d\d:00")
    assert len(nudge.findall(await chat(store, clock=later))) == 1
    assert not nudge.search(await chat(store, clock=later))


@pytest.mark.parametrize("wanted", ["", " soon", " -1h", " 1h30", " 9999w", " 24"])
async def test_an_advance_that_names_no_time_moves_nothing_and_says_how(
    store: SqliteStore, wanted: str
) -> None:
    clock = MovableClock(START)
    assert "How far? Say /advance 24h, 30m, 2d or 1w." in await chat(store, f"/advance{wanted}", clock=clock)
    assert clock() == START


@pytest.mark.parametrize(
    ("wanted", "by"),
    [
        ("24h", timedelta(days=1)),
        ("30m", timedelta(minutes=30)),
        ("1W", timedelta(days=7)),
        ("1d 12h", timedelta(days=1.5)),
    ],
)
async def test_an_advance_is_said_in_weeks_days_hours_and_minutes(
    store: SqliteStore, wanted: str, by: timedelta
) -> None:
    clock = MovableClock(START)
    await chat(store, f"/advance {wanted}", clock=clock)
    assert clock() == START + by


# One message


def delivery(*labels: str, kind: DeliveryKind = "reply", to: str = "you", text: str = "Hello") -> Delivery:
    choices = tuple(Choice(id=f"verb:{label}", label=label) for label in labels)
    return Delivery(
        id="d1",
        to=Address(platform="terminal", chat=to),
        kind=kind,
        message=Message(text=text, choices=choices),
        at=START,
    )


def seated(width: int = 80) -> tuple[Terminal, io.StringIO]:
    shown = io.StringIO()
    return Terminal(clock=MovableClock(START), console=Console(file=shown, width=width)), shown


async def test_a_number_presses_only_a_choice_of_the_last_message() -> None:
    seat, _ = seated()
    await seat.send(delivery("Hint", "Skip"))
    assert [type(seat.to_event(text)) for text in ("1", " 2 ", "0", "3", "1.", "one", "²")] == [
        Pressed,
        Pressed,
        *[Said] * 5,
    ]
    event = seat.to_event("2")
    assert isinstance(event, Pressed)
    assert (event.choice, event.message) == ("verb:Skip", "d1")
    await seat.send(delivery())
    assert isinstance(seat.to_event("1"), Said)


async def test_an_edited_message_is_shown_anew() -> None:
    seat, shown = seated()
    for _ in range(2):
        await seat.send(delivery("Hint"))
    assert shown.getvalue().count("1 Hint") == 2


async def test_the_message_of_a_scripts_user_waits_for_them() -> None:
    seat, shown = seated()
    with pytest.raises(NotTaken) as refused:
        await seat.send(delivery(to="u1"))
    assert refused.value.retry_after > 0
    assert shown.getvalue() == ""


async def test_what_would_steer_the_terminal_is_not_printed() -> None:
    seat, shown = seated()
    await seat.send(delivery("Ro\x1b[31mle", text="your \x1b]0;title\x07 words"))
    assert "\x1b" not in shown.getvalue()


@pytest.mark.parametrize("width", [20, 40, 200])
async def test_no_line_is_wider_than_the_terminal_or_the_eye_likes(width: int) -> None:
    seat, shown = seated(width)
    await seat.send(delivery("Short interview · 28 min", "Learn", "Goal", text="word " * 100))
    assert max(map(len, shown.getvalue().splitlines())) <= min(width, terminal.WIDEST)


async def test_three_dots_stand_while_an_answer_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    shown = io.StringIO()
    seat = Terminal(clock=MovableClock(START), console=Console(file=shown, width=80, force_terminal=True))
    with seat._patience():
        await asyncio.sleep(0.01)
        assert "…" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[2K")


def test_the_zone_is_the_machines_whatever_stands_there() -> None:
    """In processes of their own: the library asks the machine only once."""
    asked = "from adapters.terminal import machine_zone; print(machine_zone())"
    berlin, nowhere = (
        subprocess.check_output(
            [sys.executable, "-c", asked], env={**os.environ, "TZ": zone}, cwd=ROOT, text=True
        )
        for zone in ("Europe/Berlin", "Nowhere/At_All")
    )
    assert berlin.strip() == "Europe/Berlin"
    assert nowhere.strip() in {"", *available_timezones()}


def test_where_no_history_can_be_kept_there_is_one_for_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "viva").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert isinstance(terminal._history(), InMemoryHistory)
