"""The JSON lines of docs/terminal.md: what goes in, what comes out, and that nothing is lost on the way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

from adapters.files import Files
from adapters.jsonl import BadLine, JsonLines, to_event
from adapters.local import Lines, MovableClock, advance
from adapters.papers.reader import PaperReader
from bot import bank
from bot.events import Said
from bot.grading import EmbeddedGrader
from bot.messages import Address, Delivery, Message
from bot.ports import Grader, NotTaken
from bot.questions import Grade
from bot.shell import Shell
from storage.sqlite import SqliteStore
from tests.papers import WORDS, Listener, pdf

Json = dict[str, Any]
content = cache(bank.load)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
ANSWER = "the call needs udp because low delay matters, the file needs tcp as every byte must arrive in order"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")
    await store.open()
    yield store
    await store.close()


async def session(
    store: SqliteStore,
    *lines: Json | str | bytes,
    clock: MovableClock | None = None,
    grader: Grader | None = None,
    files: Files | None = None,
) -> list[Json]:
    """A session of its own over these lines; what it wrote."""
    written: list[bytes] = []
    clock = clock or MovableClock(START)
    with given(*lines) as source:
        chat = JsonLines(clock=clock, lines=source, write=written.append, files=files)
        shell = shell_of(store, chat, clock, grader)
        await chat.run(shell, store)
        await shell.close()
    return [json.loads(line) for line in written]


def shell_of(store: SqliteStore, chat: JsonLines, clock: MovableClock, grader: Grader | None = None) -> Shell:
    return Shell(
        store=store, content=content(), grader=grader or EmbeddedGrader(), messengers=[chat], clock=clock
    )


@contextmanager
def given(*lines: Json | str | bytes) -> Iterator[Lines]:
    """These lines as input."""
    with TemporaryFile() as file:
        for line in lines:
            text = json.dumps(line) if isinstance(line, dict) else line
            file.write((text.encode() if isinstance(text, str) else text) + b"\n")
        file.seek(0)
        yield Lines(file.fileno())


def said(text: str, **more: Any) -> Json:
    return {"user": "u1", "text": text, **more}


def pressed(choice: str) -> Json:
    return {"user": "u1", "press": choice}


def messages(written: Sequence[Json]) -> list[Json]:
    return [line for line in written if "to" in line]


def dones(written: Sequence[Json]) -> list[Json]:
    return [line for line in written if "done" in line]


def texts(written: Sequence[Json]) -> list[str]:
    return [line["text"] for line in messages(written)]


async def test_a_message_out_has_exactly_the_documented_keys(store: SqliteStore) -> None:
    written = await session(store, said("/start"))
    assert written == [
        {
            "to": "u1",
            "kind": "reply",
            "at": "2026-03-02T09:00:00Z",
            "text": written[0]["text"],
            "choices": written[0]["choices"],
            "image": None,
            "file": None,
        },
        {"done": 1, "attempt": None},
    ]
    assert written[0]["choices"][0] == {"id": "goal:backend", "label": "Backend"}


async def test_done_comes_after_the_feedback_and_names_the_attempt(store: SqliteStore) -> None:
    written = await session(store, said("/start"), pressed("goal:backend"), said(ANSWER))
    feedback, done = written[-2:]
    assert "points" in feedback["text"]
    assert done["done"] == 3
    attempts = [document["_id"] async for document in store.export("interview_attempts")]
    assert [str(each) for each in attempts] == [done["attempt"]]


async def test_text_is_plain_words_without_markup(store: SqliteStore) -> None:
    written = await session(store, said("/start"), pressed("goal:backend"))
    assert not any("**" in text for text in texts(written))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ('{"user": "u1", "text": ', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected"),
        ("null", "expected"),
        ("{}", "expected"),
        ({"text": "hello"}, "expected"),
        ({"user": "u1"}, "expected"),
        ({"user": "u1", "text": "a", "press": "b"}, "expected"),
        ({"user": "u1", "text": "a", "mood": "good"}, "expected"),
        ({"user": "u1", "advance": "PT1H"}, "expected"),
        ({"user": "", "text": "a"}, '"user" must'),
        ({"user": 7, "text": "a"}, '"user" must'),
        ({"user": "a\nb", "text": "a"}, '"user" must'),
        ({"user": "\ud800", "text": "a"}, '"user" must'),
        ({"user": "u" * 129, "text": "a"}, '"user" must'),
        ({"user": "u1", "text": 5}, '"text" must'),
        ({"user": "u1", "text": None}, '"text" must'),
        ({"user": "u1", "press": ["hint"]}, '"press" must'),
        ({"user": "u1", "text": "a", "id": True}, '"id" must'),
        ({"user": "u1", "text": "a", "id": ""}, '"id" must'),
        ({"user": "u1", "file": "no-such-file.txt"}, "there is no file"),
        ({"user": "u1", "file": "."}, "there is no file"),
        ({"user": "u1", "file": "a\0b"}, "file"),
        ({"advance": "24h"}, '"advance" must'),
        ({"advance": "-PT1H"}, '"advance" must'),
        ({"advance": "P1Y"}, '"advance" must'),
        ({"advance": "P"}, '"advance" must'),
        ({"advance": "P1DT"}, '"advance" must'),
        ({"advance": 24}, '"advance" must'),
        ({"advance": "P9999W"}, "too far"),
        ({"advance": f"P{'9' * 400}D"}, "too far"),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(line: Json | str, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        to_event(json.dumps(line) if isinstance(line, dict) else line, at=START)


async def test_a_bad_line_gets_its_error_and_its_done_and_the_session_goes_on(store: SqliteStore) -> None:
    blank, done, *after = await session(store, "", said("/start"), {"user": "u1"})
    assert blank == {"error": blank["error"], "line": 1}
    assert done == {"done": 1, "attempt": None}
    greeting, second, error, third = after
    assert greeting["to"] == "u1"
    assert second["done"] == 2
    assert error == {"error": error["error"], "line": 3}
    assert third["done"] == 3


async def test_odd_text_is_answered_like_any_other(store: SqliteStore) -> None:
    odd = ["", " ", "😀" * 50, "مرحبا بكم", "a\0b", "\ud800", "x" * 20_000]
    written = await session(store, *(said(text) for text in odd), b'{"user": "u1", "text": "\xff\xfe"}')
    assert not [line for line in written if "error" in line]
    numbers = [line.get("done") for line in written]
    for n in range(1, len(odd) + 2):
        at = numbers.index(n)
        assert numbers[at - 1] is None, f"line {n} was answered with nothing"


async def test_the_same_id_is_the_same_event_also_in_a_later_session(store: SqliteStore) -> None:
    await session(store, said("/start"), pressed("goal:backend"))
    first = await session(store, said("no idea", id="a1"), said("no idea", id="a1"))
    again = await session(store, said("no idea", id="a1"))
    assert len(messages(first)) == 1
    assert messages(again) == []
    assert dones(again) == [{"done": 1, "attempt": None}]


async def test_an_id_counts_for_its_user_alone(store: SqliteStore) -> None:
    written = await session(store, said("/start", id=1), {"user": "u2", "text": "/start", "id": 1})
    assert [line["to"] for line in messages(written)] == ["u1", "u2"]


async def test_a_line_without_an_id_is_a_new_event_also_in_a_later_session(store: SqliteStore) -> None:
    await session(store, said("/start"))
    assert len(messages(await session(store, said("/start")))) == 1


async def learning(store: SqliteStore, clock: MovableClock) -> None:
    """Leave a student who learns, and whose next nudge waits."""
    await session(store, said("/start"), pressed("goal:backend"), said("/stop"), clock=clock)
    await session(store, said("learn sql"), said("/skip"), clock=clock)


async def test_advance_visits_each_due_instant_in_order(store: SqliteStore) -> None:
    clock = MovableClock(START)
    await learning(store, clock)
    written = await session(store, {"advance": "P9D"}, said("progress"), clock=clock)
    nudges = [line["at"] for line in written if line.get("kind") == "nudge"]
    assert len(nudges) > 1
    assert nudges == sorted(set(nudges))
    assert datetime.fromisoformat(nudges[0]) > START
    assert clock() == START + timedelta(days=9)
    assert messages(written)[-1]["at"] == "2026-03-11T09:00:00Z"


async def test_what_fell_due_meanwhile_is_said_once_when_a_session_opens(store: SqliteStore) -> None:
    await learning(store, MovableClock(START))
    later = MovableClock(START + timedelta(days=2))
    assert [line.get("kind") for line in await session(store, clock=later)] == ["nudge"]
    assert await session(store, clock=later) == []


async def test_a_nudge_that_another_process_decided_is_said_once_when_a_session_opens(
    store: SqliteStore,
) -> None:
    await learning(store, MovableClock(START))
    later = MovableClock(START + timedelta(days=2))
    scheduler = Shell(store=store, content=content(), grader=EmbeddedGrader(), clock=later)
    assert (await scheduler.sweep()).sent == 1
    assert [line.get("kind") for line in await session(store, clock=later)] == ["nudge"]
    assert await session(store, clock=later) == []


async def test_what_cannot_be_done_does_not_keep_an_advance_from_its_end(store: SqliteStore) -> None:
    """A row another process holds stays due; it is visited once."""
    clock = MovableClock(START)
    await learning(store, clock)
    await store.due(at=START + timedelta(days=3), lease=timedelta(days=300), limit=10)
    chat = JsonLines(clock=clock, write=lambda _: None)
    await advance(timedelta(days=5), clock=clock, shell=shell_of(store, chat, clock), store=store)
    assert clock() == START + timedelta(days=5)


class Stuck:
    """A grader that never comes back."""

    async def grade(self, **_: object) -> Grade:
        await asyncio.Event().wait()
        raise AssertionError("nobody ends the wait")


class Deaf:
    """A platform that takes no message."""

    platform = "terminal"

    async def send(self, delivery: Delivery) -> None:
        await asyncio.Event().wait()


async def test_what_a_killed_session_left_is_done_when_the_next_one_opens(store: SqliteStore) -> None:
    """Also on a clock that stands still: the dead session's lease would never end there."""
    await session(store, said("/start"), pressed("goal:backend"))
    clock = MovableClock(START)
    shell = Shell(store=store, content=content(), grader=Stuck(), messengers=[Deaf()], clock=clock)
    for line in (said("/hint"), said(ANSWER, id="a1")):
        event = to_event(json.dumps(line), at=START)
        assert isinstance(event, Said)
        await shell.receive(event)
    await shell.close()
    hint, feedback, done = await session(store, said(ANSWER, id="a1"))
    assert hint["text"].startswith("Hint 1")
    assert "points" in feedback["text"]
    assert done["done"] == 1


@pytest.mark.parametrize(
    ("name", "content", "answer"),
    [
        ("resume.txt", "\ufeffFour years of Django and Postgres.".encode(), "job description"),
        ("resume", b"Four years of Django and Postgres.", "job description"),
        ("resume.pdf", b"%PDF-1.4 all of it ASCII", "neither a PDF nor"),
        ("resume.doc", b"\xd0\xcf\x11\xe0", "neither a PDF nor"),
        ("resume.bin", b"text\0text", "neither a PDF nor"),
        ("resume.md", b"a" * 100_001, "too large"),
        ("me.PNG", b"\x89PNG", "cannot read pictures"),
        ("me.ogg", b"OggS", "cannot listen"),
        ("me.tgs", b"\x1f\x8b", "Nice one"),
    ],
)
async def test_a_file_is_read_as_text_or_refused_as_what_it_is(
    store: SqliteStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    answer: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    setting_up = [said("/start"), pressed("goal:any"), said("/stop"), said("/interview short"), said("/skip")]
    written = await session(store, *setting_up, said("Backend Engineer"), {"user": "u1", "file": name})
    before = next(at for at, line in enumerate(written) if line.get("done") == len(setting_up) + 1)
    assert answer in messages(written[before:])[0]["text"]


async def test_a_pdf_is_read_and_a_recording_is_heard(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a file is enough."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cv.pdf").write_bytes(pdf(WORDS))
    (tmp_path / "goal.ogg").write_bytes(b"OggS")
    reader = PaperReader()
    lines = [said("/settings resume"), {"user": "u1", "file": "cv.pdf"}, {"user": "u1", "file": "goal.ogg"}]
    written = texts(await session(store, *lines, files=Files(reader, Listener())))
    await reader.close()
    assert written[1] == f"I read {len(WORDS)} characters in cv.pdf."
    assert "Resume: kept" in written[2]
    assert written[3].startswith('I heard: "goal.ogg has 4 bytes".')


async def test_a_message_nobody_reads_is_kept_for_the_next_session(store: SqliteStore) -> None:
    def gone(_: bytes) -> None:
        raise BrokenPipeError

    clock = MovableClock(START)
    with given(said("/start"), said("/help")) as source:
        chat = JsonLines(clock=clock, lines=source, write=gone)
        await chat.run(shell_of(store, chat, clock), store)
        with pytest.raises(NotTaken):
            await chat.send(
                Delivery(
                    id="d1",
                    to=Address(platform="terminal", chat="u1"),
                    kind="reply",
                    message=Message(text="Hi"),
                    at=START,
                )
            )
    assert len(messages(await session(store))) == 1


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("PT24H", timedelta(days=1)),
        ("P1W2D", timedelta(days=9)),
        ("P1DT2H30M4S", timedelta(days=1, hours=2, minutes=30, seconds=4)),
        ("PT0.5H", timedelta(minutes=30)),
        ("PT0S", timedelta()),
    ],
)
def test_a_duration_is_iso_8601_from_weeks_to_seconds(text: str, by: timedelta) -> None:
    assert to_event(json.dumps({"advance": text}), at=START) == by


def test_a_number_in_an_id_is_the_same_as_its_digits() -> None:
    one, other = (to_event(json.dumps(said("a", id=id_)), at=START) for id_ in (7, "7"))
    assert one == other


def test_a_real_clock_moves_forward_only() -> None:
    clock = MovableClock()
    ahead = datetime.now(UTC) + timedelta(hours=3)
    clock.move_to(ahead)
    clock.move_to(START)
    assert timedelta() <= clock() - ahead < timedelta(minutes=1)


async def test_lines_are_whole_however_they_arrive() -> None:
    out, into = os.pipe()
    lines = Lines(out)
    for piece in (b"\xef\xbb\xbffirst\r\nsec", b"ond\n", b"\n" + "ä".encode()[:1], "ä".encode()[1:]):
        os.write(into, piece)
    os.close(into)
    assert [line async for line in lines] == ["first", "second", "", "ä"]
    os.close(out)


async def test_stopped_lines_give_no_more_though_the_pipe_stays_open() -> None:
    out, into = os.pipe()
    lines = Lines(out)
    os.write(into, b"first\n")
    assert await anext(lines) == "first"
    waiting = asyncio.create_task(anext(lines, None))
    await asyncio.sleep(0)
    lines.stop()
    assert await waiting is None
    os.close(into)
    os.close(out)


# The process


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "chat", "--jsonl", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{folder}/viva.db", "PYTHONPATH": str(ROOT)},
    )


def test_the_process_ends_with_its_input(tmp_path: Path) -> None:
    with start(tmp_path, "--now", "2026-03-02T09:00:00Z") as process:
        out, errors = process.communicate(json.dumps(said("/start")))
    written = [json.loads(line) for line in out.splitlines()]
    assert [line.get("at") for line in written] == ["2026-03-02T09:00:00Z", None]
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_line_is_answered_at_once_and_a_signal_ends_the_process_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(said("/start")) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["to"] == "u1"
        assert json.loads(process.stdout.readline()) == {"done": 1, "attempt": None}
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "", "")
