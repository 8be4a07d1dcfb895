"""What a student meets in Telegram, over HTTP on loopback; and what the adapter promises the shell and Telegram."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from telegram.error import BadRequest

from adapters.errors import WrongSetting, WrongToken
from adapters.telegram import TelegramAdapter, adapter as module, wire
from adapters.telegram.words import keyboard
from bot.commands import COMMANDS
from bot.events import FromStudent, Pressed, Said, Shared
from bot.grading import EmbeddedGrader
from bot.messages import Address, Choice, Delivery, Message
from bot.ports import ChatUnreachable, MaybeTaken, NotTaken, Refused
from bot.shell import Shell
from storage.sqlite import SqliteStore
from tests.drawings import CHART, PAPER, PNG, Renderer
from tests.talk import content
from tests.telegram_people import User
from tests.telegram_server import TelegramServer
from tests.telegram_spec import load_spec, violations
from tests.waiting import WITHIN, until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "no-one-else"
Receive = Callable[[FromStudent], Awaitable[object]]
Run = Callable[[Receive], AbstractAsyncContextManager[TelegramAdapter]]


class Listener:
    """A shell that only listens. `hold`: ids of users whose turns do not commit until `let_go`."""

    def __init__(self) -> None:
        self.events: list[FromStudent] = []
        self.begun = 0
        self.hold: set[str] = set()
        self.let_go = asyncio.Event()
        self.arrived = asyncio.Event()

    async def receive(self, event: FromStudent) -> None:
        self.begun += 1
        if event.sender.user in self.hold:
            await self.let_go.wait()
        await asyncio.sleep(0)
        self.events.append(event)
        self.arrived.set()

    async def heard(self, number: int) -> list[FromStudent]:
        async with asyncio.timeout(WITHIN):
            while len(self.events) < number:
                self.arrived.clear()
                await self.arrived.wait()
        return self.events


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    """Whatever a test made the bot ask for is held against the Bot API's own description, where that is at hand."""
    async with TelegramServer() as running:
        yield running
    if spec := load_spec():
        assert violations(running.requests, spec) == []


@pytest.fixture
def ann(server: TelegramServer) -> User:
    return server.user(7, "Ann")


@pytest.fixture
def shell() -> Listener:
    return Listener()


@asynccontextmanager
async def polling(server: TelegramServer, receive: Receive, **options: Any) -> AsyncIterator[TelegramAdapter]:
    adapter = TelegramAdapter(server.token, api_url=server.url, clock=lambda: NOW, **options)
    async with running(server, adapter.run_polling(receive), "getUpdates"):
        yield adapter


@asynccontextmanager
async def webhook(
    server: TelegramServer, receive: Receive, *, port: int, healthy: bool = True, **options: Any
) -> AsyncIterator[TelegramAdapter]:
    async def health() -> bool:
        return healthy

    adapter = TelegramAdapter(server.token, api_url=server.url, clock=lambda: NOW, **options)
    url = f"http://127.0.0.1:{port}/telegram"
    run = adapter.run_webhook(receive, url=url, secret=SECRET, port=port, health=health)
    async with running(server, run, "setWebhook"):
        yield adapter


@asynccontextmanager
async def running(server: TelegramServer, run: Any, until: str) -> AsyncIterator[None]:
    before = len(server.calls(until))
    task = asyncio.create_task(run)
    try:
        await server.until(
            lambda: task.done() or len(server.calls(until)) > before, hope=f"{until} is called"
        )
        yield
    finally:
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError), ended


@asynccontextmanager
async def viva(server: TelegramServer, folder: Path, run: Run) -> AsyncIterator[Shell]:
    """All of Viva: shell, engine, grader, a SQLite store, and the adapter as its messenger."""
    store = SqliteStore.at(f"sqlite:///{folder}/viva.db")
    await store.open()
    shells: list[Shell] = []

    async def receive(event: FromStudent) -> None:
        await shells[0].receive(event)

    try:
        async with run(receive) as adapter:
            shell = Shell(
                store=store,
                content=content(),
                grader=EmbeddedGrader(),
                messengers=[adapter],
                clock=lambda: NOW,
            )
            shells.append(shell)
            yield shell
            await shell.close()
    finally:
        await store.close()


def delivery(text: str, *choices: Choice, to: int = 7, edit: str = "", name: str = "d1") -> Delivery:
    return Delivery(
        id=name,
        to=Address(platform="telegram", chat=str(to)),
        kind="reply",
        message=Message(text=text, choices=choices),
        at=NOW,
        edit=edit,
    )


# A whole conversation


@pytest.mark.parametrize("way", ["polling", "webhook"])
async def test_a_student_goes_from_hello_to_the_feedback_on_an_interview_answer(
    way: str, server: TelegramServer, ann: User, tmp_path: Path, unused_tcp_port: int
) -> None:
    """Two presses to the first question; buttons edit their message; every press is acknowledged."""

    def run(receive: Receive) -> AbstractAsyncContextManager[TelegramAdapter]:
        return (
            polling(server, receive) if way == "polling" else webhook(server, receive, port=unused_tcp_port)
        )

    async with viva(server, tmp_path, run):
        hello = await ann.ask("/start")
        assert list(hello.buttons) == ["Backend", "Frontend", "Data", "Just ask me"]
        first = await ann.tap("Backend")
        assert first.edited
        assert first.id == hello.id
        assert list(first.buttons) == ["Hint", "Skip"]
        assert first.spans("bold")
        feedback = await ann.ask("every insert has to update them all and they eat disk")
        assert "Automatic estimate" in feedback.text
        old = await ann.tap("hint:" + first.buttons["Hint"].partition(":")[2])
        assert old.text.startswith("That button belongs to something that is over")
        await ann.ask("mock interview at Google")
        while "1 of 3" not in ann.screen[-1].text:
            await ann.tap(next(iter(ann.screen[-1].buttons)))
            await server.until(
                lambda: bool(ann.screen[-1].buttons) and "Against the clock" not in ann.screen[-1].buttons,
                hope="the next step, or the question",
            )
        ann.chat.news.clear()
        ann.send_sticker()
        assert "I can only work with words" in (await ann.next()).text
        await server.handled()
    commands = server.commands[('{"type": "default"}', "")]
    assert [each["command"] for each in commands] == list(COMMANDS)
    assert server.queries == {}


async def test_after_a_kill_the_redelivered_batch_changes_nothing(
    server: TelegramServer, ann: User, tmp_path: Path
) -> None:
    """What was committed and not yet confirmed comes again with the same ids, and is known."""
    async with viva(server, tmp_path, lambda receive: polling(server, receive)):
        await ann.ask("/start")
        await ann.tap("Backend")
        server.fault("html", method="getUpdates", times=None)  # nothing can be confirmed from now on
        before = [*server.updates]
        ann.say("an index slows every insert down and takes space on the disk")
        await server.until(lambda: len(server.updates) > len(before))
    server.faults.clear()
    said = len(ann.screen)
    async with viva(server, tmp_path, lambda receive: polling(server, receive)):
        await server.handled()
        feedback = await ann.next() if len(ann.screen) == said else ann.screen[-1]
        assert "Automatic estimate" in feedback.text
        assert sum("Automatic estimate" in each.text for each in ann.screen) == 1


# Pictures and files


async def test_a_short_text_is_the_caption_of_its_picture(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """One request; buttons and bold words stand beneath the picture."""
    ann.say("/start")
    async with polling(server, shell.receive, renderer=Renderer()) as adapter:
        sent = delivery("**Report** a < b", Choice(id="pdf:1", label="Share as PDF"))
        await adapter.send(replace(sent, message=replace(sent.message, picture=CHART)))
        shown = await ann.next()
    assert (shown.text, list(shown.buttons)) == ("Report a < b", ["Share as PDF"])
    assert shown.spans("bold")
    [call] = server.calls("sendPhoto")
    assert (call.files["photo"].name, call.files["photo"].content) == ("report.png", PNG)
    assert server.calls("sendMessage") == []


async def test_a_long_text_follows_its_picture_and_file(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """A caption has 1024 characters: more of them, or two files, and the words come after, with the buttons."""
    ann.say("/start")
    async with polling(server, shell.receive, renderer=Renderer()) as adapter:
        sent = delivery("W" * 1025, Choice(id="x:", label="Go on"))
        await adapter.send(replace(sent, message=replace(sent.message, picture=CHART)))
        picture, words = await ann.next(), await ann.next()
        await adapter.send(replace(delivery("short"), message=Message(text="s", picture=CHART, file=PAPER)))
        both = [await ann.next() for _ in range(3)]
    assert (picture.text, picture.buttons, words.text, list(words.buttons)) == ("", {}, "W" * 1025, ["Go on"])
    assert [each.text for each in both] == ["", "", "s"]
    assert [call.method for call in server.requests if call.method.startswith("send")] == [
        "sendPhoto",
        "sendMessage",
        "sendPhoto",
        "sendDocument",
        "sendMessage",
    ]


@pytest.mark.parametrize("what", ["not drawn", "not taken"])
async def test_the_words_go_without_their_picture(
    what: str, server: TelegramServer, ann: User, shell: Listener
) -> None:
    """Where it cannot be drawn, or Telegram does not take it."""
    ann.say("/start")
    async with polling(server, shell.receive, renderer=Renderer(broken=what == "not drawn")) as adapter:
        if what == "not taken":
            server.fault("refuse", method="sendPhoto", status=400, words="PHOTO_INVALID_DIMENSIONS")
        await adapter.send(replace(delivery("x"), message=Message(text="The words.", picture=CHART)))
        shown = await ann.next()
    assert shown.text.startswith("The words.")


async def test_a_picture_that_did_not_get_through_is_told_by_who_can_act(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """As with words; and nothing of it is sent a second time as words."""
    ann.say("/start")
    async with polling(server, shell.receive, renderer=Renderer()) as adapter:
        sent = replace(delivery("x"), message=Message(text="The words.", picture=CHART))
        for fault, expected in (
            ({"kind": "flood", "seconds": 3}, NotTaken),
            ({"kind": "reset"}, MaybeTaken),
            ({"kind": "refuse", "status": 400, "words": "chat not found"}, ChatUnreachable),
        ):
            server.fault(method="sendPhoto", **fault)
            with pytest.raises(expected):
                await adapter.send(sent)
    assert server.calls("sendMessage") == []


# What comes in


async def test_updates_become_events_with_the_students_own_words(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """Ids name the update, the address the private chat, `at` the time of receiving."""
    async with polling(server, shell.receive) as adapter:
        ann.say("/interview at Google")
        await shell.heard(1)
        await adapter.send(delivery("Which?", Choice(id="interview:short", label="Short")))
        shown = await ann.next()
        press = ann.press("Short")
        said, pressed = await shell.heard(2)
        await server.until(lambda: press.answer is not None)
    where = Address(platform="telegram", chat="7")
    assert isinstance(said, Said)
    assert (said.text, said.at, said.address, said.sender.user) == ("/interview at Google", NOW, where, "7")
    assert said.id.startswith("t:")
    assert isinstance(pressed, Pressed)
    assert (pressed.choice, pressed.message, pressed.address) == ("interview:short", str(shown.id), where)
    assert int(pressed.id[2:]) == int(said.id[2:]) + 1


async def test_an_edited_message_is_told_as_one(server: TelegramServer, ann: User, shell: Listener) -> None:
    """With its words as they stand now, and an id of its own."""
    async with polling(server, shell.receive):
        ann.say("def f() pass")
        (first,) = await shell.heard(1)
        ann.edit("def f(): pass")
        _, edited = await shell.heard(2)
    assert isinstance(first, Said)
    assert isinstance(edited, Said)
    assert (first.edited, edited.edited, edited.text) == (False, True, "def f(): pass")
    assert first.id != edited.id


SENT: dict[str, tuple[Callable[[User], object], dict[str, Any]]] = {
    "sticker": (lambda user: user.send_sticker(), {"kind": "sticker"}),
    "photo": (lambda user: user.send_photo(PNG, caption="my answer"), {"kind": "photo"}),
    "voice": (lambda user: user.send_voice(), {"kind": "voice"}),
    "text file": (
        lambda user: user.send_document("cv.txt", "\ufeffPython, SQL – naïve".encode()),
        {"kind": "document", "name": "cv.txt", "size": 25, "text": "Python, SQL – naïve"},
    ),
    "binary file": (
        lambda user: user.send_document("cv.pdf", b"MZ\x90\0\xe2\xe3"),
        {"kind": "document", "name": "cv.pdf", "size": 6, "text": None, "unread": "not_a_document"},
    ),
    "empty file": (lambda user: user.send_document("cv.txt", b""), {"kind": "document", "text": ""}),
    "long text": (
        lambda user: user.send_document("book.txt", b"a" * 100_001),
        {"kind": "document", "size": 100_001, "text": None, "unread": "too_large"},
    ),
    "large file": (
        lambda user: user.send_document("film.pdf", b"a", size=50_000_000),
        {"kind": "document", "size": 50_000_000, "text": None, "unread": "too_large"},
    ),
    "wrongly sized file": (
        lambda user: user.send_document("film.pdf", b"a" * 5_000_001, size=9),
        {"kind": "document", "text": None, "unread": "too_large"},
    ),
}


@pytest.mark.parametrize("what", SENT)
async def test_what_is_no_text_is_shared(
    what: str, server: TelegramServer, ann: User, shell: Listener
) -> None:
    """A small text file is read; of anything else the kind is told."""
    send, expected = SENT[what]
    async with polling(server, shell.receive):
        send(ann)
        [event] = await shell.heard(1)
    assert isinstance(event, Shared)
    assert {name: getattr(event, name) for name in expected} == expected


async def test_ten_messages_at_once_come_in_their_order(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """One student's line is never overtaken; other students do not wait for it."""
    bob = server.user(8, "Bob")
    shell.hold = {"7"}
    for number in range(10):
        ann.say(f"message {number}")
    bob.say("hello")
    async with polling(server, shell.receive):
        [first] = await shell.heard(1)
        assert first.sender.user == "8"
        shell.let_go.set()
        events = await shell.heard(11)
    assert [each.text for each in events[1:] if isinstance(each, Said)] == [f"message {n}" for n in range(10)]


async def test_the_offset_never_passes_what_is_not_committed(
    server: TelegramServer, ann: User, shell: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one turn hangs others go on; a process that dies then loses nothing."""
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(module, "FAREWELL", 0.1)
    bob = server.user(8, "Bob")
    shell.hold = {"7"}
    async with polling(server, shell.receive):
        ann.say("the answer that must not be lost")
        bob.say("one")
        await shell.heard(1)
        bob.say("two")
        await shell.heard(2)
        waiting = server.updates[0]["update_id"]
    assert all(int(call.value("offset")) <= waiting for call in server.calls("getUpdates"))
    assert [each.sender.user for each in shell.events] == ["8", "8"]
    shell.hold.clear()
    async with polling(server, shell.receive):
        events = await shell.heard(5)
        await server.handled()
    assert {each.id for each in events} == {f"t:{waiting + n}" for n in range(3)}
    assert [each.text for each in events if isinstance(each, Said) and each.sender.user == "7"] == [
        "the answer that must not be lost"
    ]


async def test_20000_characters_arrive_whole(server: TelegramServer, ann: User, shell: Listener) -> None:
    """A client sends them in pieces; none is lost or overtakes another."""
    text = "0123456789" * 2_000
    async with polling(server, shell.receive):
        ann.say(text)
        events = await shell.heard(5)
    assert "".join(each.text for each in events if isinstance(each, Said)) == text


async def test_a_group_is_pointed_to_the_private_chat(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """One sentence with a link, when it joins, is asked or is named; silence otherwise; nothing for the engine."""
    server.me["can_read_all_group_messages"] = True
    team = server.group("team", ann, threads={5})
    async with polling(server, shell.receive):
        team.add_bot(ann)
        joined = await team.next()
        ann.say("/interview google", chat=team, thread=5)
        asked = await team.next()
        ann.say("/interview@other_bot", chat=team)
        ann.say("nice weather", chat=team)
        ann.say("ask @Viva_Test_Bot", chat=team)
        named = await team.next()
        await server.handled()
    assert len(server.calls("sendMessage")) == 3
    assert joined.text == asked.text == named.text == "I work in private, so that your answers stay yours."
    assert list(asked.buttons.values()) == ["https://t.me/viva_test_bot"]
    assert asked.raw["message_thread_id"] == 5
    assert shell.events == []


async def test_only_the_users_allowed_are_heard(server: TelegramServer, ann: User, shell: Listener) -> None:
    """Anybody else gets one sentence."""
    eve = server.user(9, "Eve")
    async with polling(server, shell.receive, allowed=frozenset({"7"})):
        told = await eve.ask("/start")
        ann.say("hello")
        [event] = await shell.heard(1)
    assert told.text.startswith("I only work with the people I was set up for")
    assert event.sender.user == "7"


async def test_what_cannot_be_read_is_passed_over(
    server: TelegramServer, ann: User, shell: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """One broken update in a batch does not hold up the others, and its words are not logged."""
    server.update("message", {"message_id": "x", "chat": 5, "text": "sesame"}, queue=0)
    ann.say("hello")
    ann.edit("hello again")
    async with polling(server, shell.receive):
        [event] = await shell.heard(1)
        await server.handled()
    assert isinstance(event, Said)
    assert "passed over update" in caplog.text
    assert "sesame" not in caplog.text


# Webhook


async def post(port: int, body: bytes, secret: str = SECRET, path: str = "telegram") -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    url = f"http://127.0.0.1:{port}/{path}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        return response.status


def update(text: str, number: int = 1) -> bytes:
    person = '{"id": 7, "is_bot": false, "first_name": "Ann"}'
    message = f'"message_id": 1, "date": 1, "chat": {{"id": 7, "type": "private"}}, "from": {person}'
    return f'{{"update_id": {number}, "message": {{{message}, "text": "{text}"}}}}'.encode()


async def test_a_webhook_takes_only_what_telegram_brings(
    server: TelegramServer, shell: Listener, unused_tcp_port: int
) -> None:
    """Without the secret nothing is heard; a NUL and a lone surrogate are; rubbish is passed over, not asked for again."""
    async with webhook(server, shell.receive, port=unused_tcp_port):
        assert await post(unused_tcp_port, update("hello"), secret="guessed") == 403
        assert await post(unused_tcp_port, update("hello"), secret="ünicode") == 403
        assert await post(unused_tcp_port, update("hello"), path="elsewhere") == 404
        assert shell.events == []
        assert await post(unused_tcp_port, update(r"a\ud800\u0000b")) == 200
        assert await post(unused_tcp_port, b"\xff{") == 200
        assert await post(unused_tcp_port, b"[]") == 200
    assert [each.text for each in shell.events if isinstance(each, Said)] == ["a\ud800\0b"]


async def test_a_webhook_answers_when_the_turn_is_committed(
    server: TelegramServer, ann: User, shell: Listener, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then Telegram keeps the update; what it brings again meanwhile joins the turn that is under way."""
    monkeypatch.setattr(module, "COMMIT_WITHIN", 0.05)
    shell.hold = {"7"}
    async with webhook(server, shell.receive, port=unused_tcp_port):
        ann.say("hello")
        ann.say("are you there?")
        await until(lambda: "last_error_message" in server.webhook)
        assert server.webhook["last_error_message"].startswith("Wrong response from the webhook: 503")
        assert len(server.updates) == 2
        assert shell.begun == 1
        shell.let_go.set()
        await server.handled()
    texts = [each.text for each in shell.events if isinstance(each, Said)]
    assert list(dict.fromkeys(texts)) == ["hello", "are you there?"]


@pytest.mark.parametrize("status", [200, 503])
async def test_healthz_tells_how_it_goes(
    status: int, server: TelegramServer, shell: Listener, unused_tcp_port: int
) -> None:
    """What a host asks to know whether to send us anything."""
    url = f"http://127.0.0.1:{unused_tcp_port}/healthz"
    async with (
        webhook(server, shell.receive, port=unused_tcp_port, healthy=status == 200),
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.status == status


# What goes out


async def test_a_button_changes_its_own_message(server: TelegramServer, ann: User, shell: Listener) -> None:
    """Edited in place; the same again is fine; what is gone is sent anew."""
    ann.say("/start")
    async with polling(server, shell.receive) as adapter:
        await adapter.send(delivery("One", Choice(id="a:", label="A")))
        shown = await ann.next()
        await adapter.send(delivery("**Two**", edit=str(shown.id)))
        edited = await ann.next()
        await adapter.send(delivery("**Two**", edit=str(shown.id)))
        await adapter.send(delivery("Three", edit="4711"))
        anew = await ann.next()
    assert (edited.id, edited.text, edited.spans("bold"), edited.buttons) == (shown.id, "Two", ["Two"], {})
    assert (anew.edited, anew.text) == (False, "Three")
    assert not ann.chat.news


def test_short_labels_stand_two_in_a_row() -> None:
    """A long one has a row to itself, where a phone does not cut it."""
    labels = ["Hint", "Skip", "Short interview · 12 min", "Pause", "Stop and report", "Undo", "Help", "Yes"]
    shown = keyboard(tuple(Choice(id=label, label=label) for label in labels))["inline_keyboard"]
    assert [[button["text"] for button in row] for row in shown] == [
        ["Hint", "Skip"],
        ["Short interview · 12 min"],
        ["Pause"],
        ["Stop and report"],
        ["Undo", "Help"],
        ["Yes"],
    ]


async def test_after_a_first_part_the_next_try_goes_on_with_the_second(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """Nothing of a long message is read twice; its buttons stand under the end; addresses bring no preview."""
    ann.say("/start")
    long = delivery("first " * 600 + "\n\n" + "second " * 500, Choice(id="next:", label="Next"))
    async with polling(server, shell.receive) as adapter:
        await shell.heard(1)
        await adapter.send(delivery("https://docs.python.org"))
        await _fail_second(server, adapter, long)
        await adapter.send(long)
    texts = [each.text for each in ann.screen if each.by_bot][1:]
    assert [text.split()[0] for text in texts] == ["first", "second"]
    assert [list(each.buttons) for each in ann.screen if each.by_bot][1:] == [[], ["Next"]]
    assert server.calls("sendMessage")[0].value("link_preview_options") == {"is_disabled": True}


async def _fail_second(server: TelegramServer, adapter: TelegramAdapter, long: Delivery) -> None:
    """Send, and let Telegram break off after the first part."""

    async def flood() -> None:
        sent = len(server.calls("sendMessage"))
        await server.until(lambda: len(server.calls("sendMessage")) > sent)
        server.fault("flood", method="sendMessage", seconds=9)

    breaking = asyncio.create_task(flood())
    with pytest.raises(NotTaken):
        await adapter.send(long)
    await breaking


TROUBLE: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "429": ({"kind": "flood", "seconds": 3}, NotTaken),
    "502": ({"kind": "html"}, MaybeTaken),
    "500": ({"kind": "refuse", "status": 500, "words": "Internal Server Error"}, MaybeTaken),
    "dropped before it was taken": ({"kind": "reset"}, MaybeTaken),
    "dropped after it was taken": ({"kind": "reset", "taken": True}, MaybeTaken),
    "no answer in time": ({"kind": "hang", "seconds": 2}, MaybeTaken),
    "no such chat": ({"kind": "refuse", "status": 400, "words": "chat not found"}, ChatUnreachable),
    "deactivated": ({"kind": "refuse", "status": 403, "words": "user is deactivated"}, ChatUnreachable),
    "a mistake of ours": ({"kind": "refuse", "status": 400, "words": "BUTTON_DATA_INVALID"}, Refused),
    "token withdrawn": ({"kind": "unauthorized"}, NotTaken),
}


@pytest.mark.parametrize("what", TROUBLE)
async def test_trouble_in_sending_is_told_by_who_can_act(
    what: str,
    server: TelegramServer,
    ann: User,
    shell: Listener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is known or unknown whether a message went; the token and the words are in no error and no log."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(wire.AiohttpRequest.call, "__kwdefaults__", {"within": 0.3, "files": None})
    fault, kind = TROUBLE[what]
    ann.say("/start")
    async with polling(server, shell.receive) as adapter:
        server.fault(method="sendMessage", **fault)
        with pytest.raises(kind) as trouble:
            await adapter.send(delivery("a sentence of ours"))
        if isinstance(trouble.value, NotTaken):
            assert trouble.value.retry_after == (3 if what == "429" else 0)
    said = caplog.text + repr(trouble.getrepr(style="long"))
    assert server.token not in said
    assert "a sentence of ours" not in caplog.text


async def test_who_blocks_the_bot_is_unreachable(server: TelegramServer, ann: User, shell: Listener) -> None:
    """And reachable again as soon as they come back."""
    ann.say("/start")
    async with polling(server, shell.receive) as adapter:
        await shell.heard(1)
        ann.block()
        with pytest.raises(ChatUnreachable):
            await adapter.send(delivery("hello?"))
        ann.unblock()
        await adapter.send(delivery("hello!"))
        assert (await ann.next()).text == "hello!"


async def test_nothing_is_sent_without_a_connection(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """Before it runs and while Telegram is away a message is certainly not taken; then it comes back by itself."""
    ann.say("/start")
    with pytest.raises(NotTaken):
        await TelegramAdapter(server.token, api_url=server.url).send(delivery("too early"))
    async with polling(server, shell.receive) as adapter:
        await shell.heard(1)
        await server.stop()
        with pytest.raises(NotTaken):
            await adapter.send(delivery("nobody listens"))
        await server.start()
        ann.say("are you back?")
        await shell.heard(2)
        await adapter.send(delivery("I am"))
        assert (await ann.next()).text == "I am"


async def test_typing_is_shown_only_when_an_answer_takes_its_time(
    server: TelegramServer, ann: User, shell: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quick answer costs no request beside its own."""
    monkeypatch.setattr(module, "TYPING_AFTER", 0.5)
    async with polling(server, shell.receive) as adapter:
        ann.say("an answer that is graded at once")
        await shell.heard(1)
        await adapter.send(delivery("Good"))
        ann.say("no")
        await shell.heard(2)
        await asyncio.sleep(0.8)
        assert server.calls("sendChatAction") == []
        ann.say("an answer that takes its time")
        await server.until(lambda: bool(server.calls("sendChatAction")))


# Running


@pytest.mark.parametrize("token", ["4242:another", "no token at all"])
async def test_a_wrong_token_is_said_at_once(token: str, server: TelegramServer, shell: Listener) -> None:
    """The error names the setting, not the token."""
    adapter = TelegramAdapter(token, api_url=server.url)
    with pytest.raises(WrongToken, match="TELEGRAM_TOKEN") as error:
        await adapter.run_polling(shell.receive)
    assert token not in str(error.value)


async def test_an_address_telegram_does_not_take_is_said_at_once(
    server: TelegramServer, shell: Listener, unused_tcp_port: int
) -> None:
    """Plain http on the open net, for example."""

    async def health() -> bool:
        return True

    adapter = TelegramAdapter(server.token, api_url=server.url)
    with pytest.raises(WrongSetting, match="https url must be provided"):
        await adapter.run_webhook(
            shell.receive, url="http://viva.example/t", secret=SECRET, port=unused_tcp_port, health=health
        )


@pytest.mark.parametrize("kind", ["conflict", "html", "reset", "flood"])
async def test_polling_lives_through_trouble(
    kind: Any,
    server: TelegramServer,
    ann: User,
    shell: Listener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second process with the same token, a bad gateway, a dropped connection: said in the log, tried again."""
    monkeypatch.setattr(module, "CONFLICT_PAUSE", 0.05)
    caplog.set_level(logging.INFO)
    server.fault("html", method="getMe")
    server.fault(kind, method="getUpdates", seconds=0.05)
    ann.say("hello")
    async with polling(server, shell.receive):
        await shell.heard(1)
    expected = {"conflict": "another process takes this bot's updates", "flood": "Telegram asks to wait"}
    assert expected.get(kind, "trying again") in caplog.text
    assert server.token not in caplog.text


@pytest.mark.skipif(
    not os.environ.get("VIVA_SPECS"), reason="VIVA_SPECS names no folder with the Bot API's spec"
)
async def test_the_requests_of_this_file_are_held_against_the_spec(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """The check after each test sees what is wrong."""
    spec = load_spec()
    assert spec is not None
    async with polling(server, shell.receive) as adapter:
        with pytest.raises(BadRequest):
            await adapter._http.call("sendMessage", {"text": "hello", "chat": 7})
    assert any("unknown parameter" in each for each in violations(server.requests, spec))
    server.requests.clear()
