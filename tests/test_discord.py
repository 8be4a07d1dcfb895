"""Discord over real HTTP and WebSocket, against a Discord on loopback (see discord_server)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.discord import DiscordAdapter, words
from adapters.discord.words import Slot
from adapters.errors import WrongToken
from adapters.files import Files
from adapters.papers.reader import PaperReader
from bot.commands import COMMANDS
from bot.events import FromStudent, Pressed, Said, Shared
from bot.grading import EmbeddedGrader
from bot.messages import Address, Choice, Delivery, DeliveryKind, Message
from bot.ports import ChatUnreachable, MaybeTaken, NotTaken, Refused, StoreUnavailable
from bot.shell import Receipt, Shell
from storage.sqlite import SqliteStore
from tests.discord_driver import DrivenServer
from tests.discord_people import CannotDo, Person
from tests.discord_server import DiscordServer
from tests.discord_spec import Call, load_spec, violations
from tests.drawings import CHART, PAPER, PNG, Renderer
from tests.papers import WORDS, Listener, pdf
from tests.talk import content


class Marks:
    """Bookmarks in memory; `away`: as if the database did not answer."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.away = False

    async def get(self, key: str) -> str | None:
        self._check()
        return self.kept.get(key)

    async def set(self, key: str, value: str | None) -> None:
        self._check()
        if value is None:
            self.kept.pop(key, None)
        else:
            self.kept[key] = value

    async def all(self, prefix: str) -> dict[str, str]:
        self._check()
        return {key: value for key, value in self.kept.items() if key.startswith(prefix)}

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable


class Bot:
    """The adapter under a shell that notes what it hears and answers as it is told."""

    def __init__(
        self,
        server: DiscordServer,
        marks: Marks | None = None,
        *,
        token: str = "",
        allowed: str = "",
        renderer: Renderer | None = None,
        files: Files | None = None,
    ) -> None:
        self.server = server
        self.marks = marks or Marks()
        self.heard: list[FromStudent] = []
        self.answer: Callable[[FromStudent], list[Message]] = lambda _: []
        self.edits = False
        self.gate = asyncio.Event()  # closed, a turn is not committed
        self.gate.set()
        self.adapter = DiscordAdapter(
            token or server.token,
            bookmarks=self.marks,
            allowed=frozenset(filter(None, [allowed])),
            api_url=server.api_url,
            gateway_url=server.gateway_url,
            renderer=renderer,
            files=files,
        )
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> "Bot":
        logins = len(self.server.logins)
        self.task = asyncio.create_task(self.adapter.run(self.receive))
        await self.server.until(lambda: len(self.server.logins) > logins)
        return self

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task

    async def receive(self, event: FromStudent) -> Receipt:
        self.heard.append(event)
        await self.gate.wait()
        for place, message in enumerate(self.answer(event)):
            edit = event.message if isinstance(event, Pressed) and self.edits else ""
            await self.adapter.send(delivery(message, event.address, name=f"{event.id}{place}", edit=edit))
        return Receipt(student="s", forgotten=isinstance(event, Said) and event.text == "forget")

    @property
    def said(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, Said)]


def delivery(
    message: Message | str, to: Address, *, name: str = "x", edit: str = "", kind: DeliveryKind = "reply"
) -> Delivery:
    shown = Message(text=message) if isinstance(message, str) else message
    number = f"{abs(hash(name)):024x}"[:24]
    return Delivery(id=number, to=to, kind=kind, message=shown, at=datetime.now(UTC), edit=edit)


def dm(person: Person) -> Address:
    return Address(platform="discord", chat=str(person.dm.id))


def echo(event: FromStudent) -> list[Message]:
    words = (
        event.text if isinstance(event, Said) else event.choice if isinstance(event, Pressed) else event.kind
    )
    return [
        Message(
            text=f"You: {words[:200]}",
            choices=(Choice(id="hint:q1", label="Hint"), Choice(id="skip:q1", label="Skip")),
        )
    ]


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    """Every request made to it must be one Discord knows (where the document is at hand)."""
    async with DiscordServer() as running:
        yield running
    assert not [str(call) for call in running.requests if call.status == 501], "the test server lacks these"
    if spec := load_spec():
        assert violations(running.requests, spec) == []


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Bot]:
    running = await Bot(server).start()
    running.answer = echo
    yield running
    await running.stop()


# Direct messages


async def test_a_direct_message_is_heard_and_answered(server: DiscordServer, bot: Bot) -> None:
    """Words arrive as written, under an id that is the same whenever they come again; the first button stands out."""
    ann = server.person("ann")
    message = ann.say("ein *Mutex* \u05e9\u05dc\u05d5\u05dd 🙂")
    await server.until(lambda: ann.screen)
    event = bot.heard[0]
    assert isinstance(event, Said)
    assert (event.id, event.text) == (f"d:{message.id}", "ein *Mutex* \u05e9\u05dc\u05d5\u05dd 🙂")
    assert (event.sender.user, event.address) == (str(ann.id), dm(ann))
    assert ann.last.buttons == {"Hint": "hint:q1", "Skip": "skip:q1"}
    styles = [
        each["style"]
        for each in server.asked("POST", "/channels/*/messages")[0].body["components"][0]["components"]
    ]
    assert styles == [1, 2]


def test_of_answers_to_choose_from_none_stands_out() -> None:
    """A coloured A would look like a hint."""
    choices = tuple(Choice(id=f"pick:row.q1-0.0.{n}", label=each) for n, each in enumerate("ABC"))
    rows = words.to_message(Message(text="Which?", choices=choices))[-1]["components"]
    assert {each["style"] for row in rows for each in row["components"]} == {2}


async def test_an_edited_message_is_told_as_one(server: DiscordServer, bot: Bot) -> None:
    """With its words as they stand now, and an id of its own."""
    bot.answer = lambda _: []
    ann = server.person("ann")
    message = ann.say("def f() pass")
    await server.until(lambda: len(bot.heard) == 1)
    ann.edit(message, "def f(): pass")
    await server.until(lambda: len(bot.heard) == 2)
    first, edited = bot.heard
    assert isinstance(edited, Said)
    assert (edited.edited, edited.text, edited.address) == (True, "def f(): pass", dm(ann))
    assert edited.id.startswith(f"{first.id}:e")


async def test_ten_messages_at_once_are_heard_in_order(server: DiscordServer, bot: Bot) -> None:
    bot.answer = lambda _: []
    ann = server.person("ann")
    for number in range(10):
        ann.say(str(number))
    await server.until(lambda: len(bot.said) == 10)
    assert bot.said == [str(number) for number in range(10)]


async def test_a_command_in_direct_messages_says_the_same_words(server: DiscordServer, bot: Bot) -> None:
    """The answer takes the place of "thinking …", and everybody may see it."""
    ann = server.person("ann")
    ann.slash("interview", "google")
    await server.until(lambda: ann.screen and not ann.last.thinking)
    assert bot.said == ["/interview google"]
    assert [(seen.text, seen.ephemeral) for seen in ann.screen] == [("You: /interview google", False)]


async def test_a_button_works_after_a_restart_and_edits_its_message(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    ann.say("hi")
    await server.until(lambda: ann.screen)
    await bot.stop()
    again = await Bot(server, bot.marks).start()
    again.answer, again.edits = echo, True
    ann.press("Hint")
    await server.until(lambda: ann.last.text == "You: hint:q1")
    assert len(ann.screen) == 1
    press = again.heard[-1]
    assert isinstance(press, Pressed)
    assert (press.choice, press.message) == ("hint:q1", str(ann.last.message.id))
    await again.stop()


async def test_what_cannot_be_edited_is_sent_anew(server: DiscordServer, bot: Bot) -> None:
    bot.edits = True
    ann = server.person("ann")
    ann.say("hi")
    await server.until(lambda: ann.screen)
    old = ann.last.message
    server.backend.delete_message(old.channel_id, old.id)
    ann.press("Skip", under=old)
    await server.until(lambda: ann.screen)
    assert ann.last.text == "You: skip:q1"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"files": [("resume.txt", "Zoë".encode())]}, [Shared, "document", "Zoë"]),
        ({"files": [("resume.pdf", b"%PDF\x00\xff")]}, [Shared, "document", None]),
        ({"files": [("a.bin", b"nul \x00")]}, [Shared, "document", None]),
        ({"files": [("big.txt", b"x" * 100_001)]}, [Shared, "document", None]),
        ({"files": [("me.png", b"\x89PNG")]}, [Shared, "photo", None]),
        ({"files": [("a.ogg", b"Ogg")], "voice": True}, [Shared, "voice", None]),
        ({"sticker": "wave"}, [Shared, "sticker", None]),
        ({"files": [("message.txt", b"a long paste")]}, [Said, "a long paste"]),
        ({"text": "see", "files": [("a.py", b"x = 1")]}, [Shared, "document", "see\n\nx = 1"]),
        ({"text": "see", "files": [("me.png", b"\x89PNG")]}, [Shared, "photo", None, Said, "see"]),
    ],
)
async def test_files(server: DiscordServer, bot: Bot, said: dict[str, Any], heard: list[object]) -> None:
    """Small text files come with their words; a long paste is a message; nothing of a message is lost."""
    message = server.person("ann").say(said.pop("text", ""), **said)
    fields: list[object] = []
    await server.until(lambda: len(bot.heard) == heard.count(Shared) + heard.count(Said))
    for event in bot.heard:
        fields += [
            type(event),
            *([event.kind, event.text] if isinstance(event, Shared) else [getattr(event, "text", "")]),
        ]
    assert fields == heard
    assert [event.id for event in bot.heard] == [f"d:{message.id}", f"d:{message.id}:1"][: len(bot.heard)]


async def test_a_file_that_cannot_be_fetched_is_still_told_of(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    files = server.backend.store_attachments(ann.dm.id, [("resume.txt", b"Zoe")])
    server.backend.cdn._blobs.clear()
    server.backend.create_message(ann.dm.id, ann.id, "", attachments=files)
    await server.until(lambda: bot.heard)
    assert isinstance(event := bot.heard[0], Shared)
    assert (event.kind, event.text, event.unread) == ("document", None, "not_fetched")


async def test_a_file_at_another_address_is_not_fetched(server: DiscordServer, bot: Bot) -> None:
    """An attachment lies with Discord, or where its API was said to be; nothing else is asked for a file."""
    ann = server.person("ann")
    files = server.backend.store_attachments(ann.dm.id, [("resume.txt", b"Zoe")])
    for each in files:
        each["url"] = f"http://localhost:{server.port}/cdn/elsewhere.txt"
    server.backend.create_message(ann.dm.id, ann.id, "", attachments=files)
    await server.until(lambda: bot.heard)
    assert isinstance(event := bot.heard[0], Shared)
    assert event.unread == "not_fetched"


async def test_a_pdf_and_a_voice_message_come_with_their_words(server: DiscordServer) -> None:
    """What stands beside a file belongs to it, so that it is not taken for the next answer."""
    reader = PaperReader()
    running = await Bot(server, files=Files(reader, Listener())).start()
    ann = server.person("ann")
    ann.say("here it is", files=[("cv.pdf", pdf(WORDS))])
    await server.until(lambda: running.heard)
    ann.say("", files=[("voice-message.ogg", b"OggS")], voice=True)
    await server.until(lambda: len(running.heard) == 2)
    paper, voice = running.heard
    assert isinstance(paper, Shared)
    assert isinstance(voice, Shared)
    assert (paper.name, paper.read, paper.text, paper.unread) == ("cv.pdf", WORDS, "here it is", "")
    assert (voice.kind, voice.read) == ("voice", "voice-message.ogg has 4 bytes")
    await running.stop()
    await reader.close()


async def test_long_messages_come_in_parts_with_the_buttons_last(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    long = "\n\n".join(f"{number} " + "word " * 60 for number in range(12))
    choices = tuple(Choice(id=f"goal:{number}", label=str(number)) for number in range(6))
    await bot.adapter.send(delivery(Message(text=long, choices=choices), dm(ann)))
    assert len(ann.screen) > 1
    assert [len(seen.buttons) for seen in ann.screen] == [0] * (len(ann.screen) - 1) + [6]
    assert [len(row["components"]) for row in ann.last.message.components] == [5, 1]


async def test_nobody_is_pinged_by_a_quotation(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    ann.say("@everyone <@1>")
    await server.until(lambda: ann.screen)
    assert server.asked("POST", "/channels/*/messages")[0].body["allowed_mentions"] == {"parse": []}


async def test_only_those_allowed(server: DiscordServer) -> None:
    """Others get one sentence, wherever they write; nothing of theirs reaches the shell."""
    ann, eve = server.person("ann"), server.person("eve")
    bot = await Bot(server, allowed=str(ann.id)).start()
    place = server.place("team", eve)
    ann.say("hi")
    eve.say("hi")
    await server.until(lambda: bot.heard and eve.screen)
    eve.slash("interview", at=place.channel)
    await server.until(lambda: len(eve.screen) == 2)
    assert [event.sender.user for event in bot.heard] == [str(ann.id)]
    assert [seen.ephemeral for seen in eve.screen] == [False, True]
    assert all("set up for" in seen.text for seen in eve.screen)
    await bot.stop()


async def test_typing_is_shown_when_the_answer_takes_its_time(server: DiscordServer, bot: Bot) -> None:
    """And whether that works is of no matter."""
    server.fault("status", "POST", "*/typing", value=403)
    bot.gate.clear()
    ann = server.person("ann")
    ann.say("hi")
    await server.until(lambda: server.asked("POST", f"/channels/{ann.dm.id}/typing"))
    bot.gate.set()
    await server.until(lambda: ann.screen)


# Servers


async def test_every_command_is_there_and_four_of_them_in_servers(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    place = server.place("team", ann)
    offered = {
        where.id: {
            each["name"] for each in server.backend.visible_commands(user_id=ann.id, channel_id=where.id)
        }
        for where in (ann.dm, place.channel)
    }
    assert offered == {ann.dm.id: set(COMMANDS), place.channel.id: {"interview", "learn", "progress", "help"}}
    with pytest.raises(CannotDo):
        ann.slash("forget", at=place.channel)


async def test_in_a_server_only_the_student_sees_the_answers(server: DiscordServer, bot: Bot) -> None:
    """Buttons there lead on there, and a window takes the words; the channel stays empty."""
    bot.edits = True
    ann = server.person("ann")
    place = server.place("team", ann)
    ann.slash("learn", "sql", at=place.channel)
    await server.until(lambda: ann.screen and ann.last.text == "You: /learn sql")
    assert (ann.last.ephemeral, list(ann.last.buttons)) == (True, ["Hint", "Skip", "Write"])
    ann.press("Hint")
    await server.until(lambda: ann.last.text == "You: hint:q1")
    assert len(ann.screen) == 1
    ann.press("Write")
    await server.until(lambda: ann.window)
    ann.write("because " * 400)
    await server.until(lambda: len(ann.screen) == 2 and not ann.last.thinking)
    assert bot.said[-1] == "because " * 400
    assert place.posts() == []


async def test_an_interview_begun_in_a_server_goes_on_in_direct_messages(
    server: DiscordServer, bot: Bot
) -> None:
    ann = server.person("ann")
    place = server.place("team", ann)
    ann.slash("interview", at=place.channel)
    await server.until(lambda: len(ann.screen) == 2 and not any(seen.thinking for seen in ann.screen))
    there, here = sorted(ann.screen, key=lambda seen: seen.message.channel_id == ann.dm.id)
    assert here.text == "You: /interview"
    assert there.text.endswith(f"https://discord.com/channels/@me/{ann.dm.id}")
    assert (there.ephemeral, there.buttons) == (True, {})
    # What she writes there while no process runs will be read.
    await server.until(lambda: f"discord:seen:{ann.dm.id}" in bot.marks.kept)


async def test_where_direct_messages_are_closed_it_goes_on_in_the_server(
    server: DiscordServer, bot: Bot
) -> None:
    """By buttons and the window, for her eyes only; the log of the channel stays empty."""
    ann = server.person("ann")
    ann.close_dms()
    place = server.place("team", ann)
    ann.slash("interview", at=place.channel)
    await server.until(lambda: ann.screen and not ann.last.thinking)
    assert (ann.last.text, ann.last.ephemeral) == ("You: /interview", True)
    ann.press("Write")
    await server.until(lambda: ann.window)
    ann.write("my answer")
    await server.until(lambda: bot.said[-1] == "my answer" and not ann.last.thinking)
    assert ann.last.text == "You: my answer"
    assert place.posts() == []


async def test_joining_posts_one_card_once_ever(server: DiscordServer, bot: Bot) -> None:
    """To the first channel it may write to; its button answers only the one who pressed."""
    ann = server.person("ann")
    place = server.place("team", ann, channels=("rules", "general"), mute=("rules",), new=True)
    await server.until(lambda: place.posts("general"))
    assert place.posts("rules") == []
    await bot.stop()
    again = await Bot(server, bot.marks).start()
    again.answer, again.edits = echo, True
    ann.press("Interview")
    await server.until(lambda: any(seen.message.channel_id == ann.dm.id for seen in ann.screen))
    assert len(place.posts("general")) == 1
    assert "/interview" in place.posts("general")[0].text
    await again.stop()


async def test_no_card_in_a_server_joined_long_ago(server: DiscordServer, bot: Bot) -> None:
    old, new = server.place("old"), server.place("new", new=True)
    await server.until(new.posts)
    assert old.posts() == []


# Interactions and their time


async def test_a_late_acknowledgement_is_answered_in_direct_messages(server: DiscordServer, bot: Bot) -> None:
    server.fault("slow", "POST", "/interactions/*", value=0.2)
    ann = server.person("ann")
    ann.slash("help")
    server.backend.advance_clock(4)
    await server.until(lambda: ann.screen)
    assert (ann.last.text, bot.heard[0].address) == ("You: /help", dm(ann))
    assert server.asked("POST", "/interactions/*")[0].status == 404


async def test_an_answer_after_its_slot_has_closed_goes_to_direct_messages(
    server: DiscordServer, bot: Bot
) -> None:
    """By the clock without asking, and by Discord's word; a nudge goes there in any case."""
    ann = server.person("ann")
    soon = int(datetime.now(UTC).timestamp()) + 60
    application = str(server.backend.application_id)
    for number, (until, kind) in enumerate([(1, "reply"), (soon, "reply"), (soon, "nudge")]):
        slot = Slot(kind="server", until=until, application=application, token="gone")
        to = Address(platform="discord", chat=f"user:{ann.id}", via=str(slot))
        await bot.adapter.send(delivery(f"{number}", to, name=f"{number}", kind=kind))  # type: ignore[arg-type]
    assert [seen.text for seen in ann.screen] == ["0", "1", "2"]
    assert len(server.asked("POST", "/webhooks/*")) == 1


async def test_the_same_interaction_twice_is_acknowledged_once(server: DiscordServer, bot: Bot) -> None:
    """The engine knows the second by its id; its answer finds its place."""
    ann = server.person("ann")
    ann.slash("help")
    await server.until(lambda: ann.screen and not ann.last.thinking)
    assert server.session is not None
    again = next(each for each in server.session.events if each["t"] == "INTERACTION_CREATE")
    server.push("INTERACTION_CREATE", again["d"])
    await server.until(lambda: len(bot.heard) == 2)
    assert bot.heard[0].id == bot.heard[1].id


# Restarts and broken connections


async def test_what_was_written_meanwhile_is_read_on_in_order(server: DiscordServer, bot: Bot) -> None:
    ann, ben = server.person("ann"), server.person("ben")
    ann.say("before")
    ben.say("before")
    await server.until(lambda: ann.screen and ben.screen)
    await server.until(lambda: len(bot.marks.kept) == 2)
    await bot.stop()
    for number in range(120):
        ann.say(str(number))
    again = Bot(server, bot.marks)
    await again.start()
    ann.say("after")
    await server.until(lambda: "after" in again.said)
    assert again.said == [*map(str, range(120)), "after"]
    await again.stop()


async def test_no_bookmark_is_kept_of_who_was_erased(server: DiscordServer, bot: Bot) -> None:
    """Their next word begins anew, and what they write later while nobody listens is read on again."""
    ann = server.person("ann")
    ann.say("one")
    await server.until(lambda: bot.marks.kept)
    ann.say("forget")
    await server.until(lambda: not bot.marks.kept)
    ann.say("hello")
    await server.until(lambda: bot.marks.kept)
    await bot.stop()
    ann.say("still there?")
    again = await Bot(server, bot.marks).start()
    await server.until(lambda: again.said == ["still there?"])
    await again.stop()


async def test_a_bookmark_moves_only_when_the_turn_is_committed(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    first = ann.say("one")
    await server.until(lambda: bot.marks.kept)
    bot.gate.clear()
    ann.say("two")
    await server.until(lambda: bot.said[-1] == "two")
    await bot.stop()
    assert bot.marks.kept == {f"discord:seen:{ann.dm.id}": str(first.id)}
    again = await Bot(server, bot.marks).start()
    await server.until(lambda: again.said == ["two"])
    await again.stop()


async def test_a_history_that_is_not_shown_is_asked_for_again(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    ann.say("one")
    await server.until(lambda: bot.marks.kept)
    await bot.stop()
    ann.say("two")
    server.fault("status", "GET", "/channels/*/messages", value=503)
    again = await Bot(server, bot.marks).start()
    await server.until(lambda: again.said == ["two"])
    await again.stop()


async def test_a_database_that_is_away_at_the_start_is_waited_for(server: DiscordServer) -> None:
    bot = Bot(server)
    bot.marks.away = True
    bot.task = asyncio.create_task(bot.adapter.run(bot.receive))
    await asyncio.sleep(0.1)
    assert server.requests == []
    bot.marks.away = False
    await server.until(lambda: server.logins)
    await bot.stop()


@pytest.mark.parametrize("code", [None, 1000, 4000, 4009])
async def test_a_dropped_connection_is_resumed_and_nothing_is_missed(
    server: DiscordServer, bot: Bot, code: int | None
) -> None:
    ann = server.person("ann")
    ann.say("one")
    await server.until(lambda: ann.screen)
    await server.hang_up(code)
    ann.say("two")
    await server.until(lambda: bot.said == ["one", "two"])
    assert server.logins == ["IDENTIFY", "RESUME"]


async def test_a_session_that_is_gone_begins_anew_and_reads_on(server: DiscordServer, bot: Bot) -> None:
    ann = server.person("ann")
    ann.say("one")
    await server.until(lambda: bot.marks.kept)
    await server.hang_up(4000)
    server.forget_session()
    ann.say("two")
    await server.until(lambda: bot.said == ["one", "two"])
    assert server.logins == ["IDENTIFY", "RESUME", "IDENTIFY"]


async def test_asked_to_reconnect_it_resumes(server: DiscordServer, bot: Bot) -> None:
    server.push_text('{"op": 7, "d": null, "s": null, "t": null}')
    await server.until(lambda: server.logins == ["IDENTIFY", "RESUME"])
    server.push_text('{"op": 1, "d": null, "s": null, "t": null}')
    beats = server.beats
    await server.until(lambda: server.beats > beats)


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("MESSAGE_CREATE", {}),
        ("MESSAGE_CREATE", None),
        ("MESSAGE_CREATE", {"id": "x", "channel_id": [], "author": 7}),
        ("INTERACTION_CREATE", {"type": 3}),
        ("INTERACTION_CREATE", {"id": "1", "type": 99, "token": "t", "application_id": "1", "version": 1}),
        ("GUILD_CREATE", {"id": "1"}),
        ("GUILD_DELETE", {}),
        ("NEVER_HEARD_OF", {"a": 1}),
    ],
)
async def test_broken_and_unknown_events_do_no_harm(
    server: DiscordServer, bot: Bot, event: str, data: Any
) -> None:
    server.push(event, data)
    ann = server.person("ann")
    ann.say("still there?")
    await server.until(lambda: ann.screen)
    assert server.logins == ["IDENTIFY"]


@pytest.mark.parametrize(
    "frame", ["no json", "[]", '{"op": 10, "d": {}}', '{"op": 0, "s": 1, "t": "READY", "d": {}}']
)
async def test_a_frame_nobody_can_read_makes_a_new_connection(
    server: DiscordServer, bot: Bot, frame: str
) -> None:
    server.push_text(frame)
    await server.until(lambda: server.logins == ["IDENTIFY", "IDENTIFY"])
    ann = server.person("ann")
    ann.say("still there?")
    await server.until(lambda: ann.screen)


async def test_a_server_that_is_down_at_the_start_is_tried_again(server: DiscordServer) -> None:
    server.fault("drop", "GET", "/users/@me")
    bot = await Bot(server).start()
    assert server.logins == ["IDENTIFY"]
    await bot.stop()


@pytest.mark.parametrize("when", ["login", "gateway"])
async def test_a_wrong_token_says_so(server: DiscordServer, when: str) -> None:
    """Refused at login, or withdrawn later. The token itself is not in the words."""
    bot = Bot(server, token="wrong" if when == "login" else "")
    if when == "gateway":
        await bot.start()
        await server.hang_up(4004)
    with pytest.raises(WrongToken, match="DISCORD_TOKEN") as caught:
        await (bot.task or bot.adapter.run(bot.receive))
    assert "wrong" not in str(caught.value)
    assert server.token not in str(caught.value)


# Sending, and how it fails


@pytest.mark.parametrize(
    ("fault", "value", "times", "raised"),
    [
        ("flood", 0.1, 1, None),
        ("status", 502, 1, None),
        ("flood", 45, 1, NotTaken),
        ("status", 503, 1, MaybeTaken),
        ("drop", 0, 1, MaybeTaken),
        ("lost", 0, 1, MaybeTaken),
        ("status", 401, 1, NotTaken),
        ("status", 400, 1, Refused),
        ("refuse", 50007, 1, ChatUnreachable),
        ("refuse", 40003, 1, NotTaken),
        ("status", 404, 1, ChatUnreachable),
    ],
)
async def test_how_sending_ends(
    server: DiscordServer, bot: Bot, fault: Any, value: float, times: int, raised: type[Exception] | None
) -> None:
    """A short flood wait and a passing error are the library's affair; all else is told in the words of our ports.
    Sent again after any of it, a message stands there once."""
    ann = server.person("ann")
    server.fault(fault, "POST", "/channels/*/messages", value=value, times=times)
    if raised is None:
        await bot.adapter.send(delivery("hello", dm(ann)))
    else:
        with pytest.raises(raised) as caught:
            await bot.adapter.send(delivery("hello", dm(ann)))
        assert "hello" not in str(caught.value)
        if isinstance(caught.value, NotTaken) and fault == "flood":
            assert caught.value.retry_after == 45
        await bot.adapter.send(delivery("hello", dm(ann)))
    assert [seen.text for seen in ann.screen] == ["hello"]


async def test_what_shows_nothing_is_refused(server: DiscordServer, bot: Bot) -> None:
    with pytest.raises(Refused):
        await bot.adapter.send(delivery(" ", dm(server.person("ann"))))


async def test_unconnected_nothing_is_taken(server: DiscordServer) -> None:
    with pytest.raises(NotTaken):
        await Bot(server).adapter.send(delivery("hello", dm(server.person("ann"))))


async def test_commands_that_cannot_be_registered_keep_nobody_away(server: DiscordServer) -> None:
    server.fault("status", "PUT", "/applications/*", value=400)
    bot = await Bot(server).start()
    bot.answer = echo
    ann = server.person("ann")
    ann.say("hi")
    await server.until(lambda: ann.screen)
    await bot.stop()


async def test_neither_texts_nor_tokens_are_logged(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at DEBUG, with everything going wrong."""
    caplog.set_level(logging.DEBUG)
    bot = await Bot(server).start()
    bot.answer = echo
    ann = server.person("ann")
    ann.say("my secret answer")
    await server.until(lambda: ann.screen)
    server.fault("flood", "POST", "/webhooks/*", value=0.1)
    server.fault("status", "POST", "/webhooks/*", value=400)
    ann.slash("learn", "secret wish")
    await server.until(lambda: len(bot.heard) == 2)
    server.push("MESSAGE_CREATE", {"content": "my secret answer", "id": "my secret answer"})
    server.push_text("my secret answer")
    await server.until(lambda: len(server.logins) == 2)
    await bot.stop()
    assert "viva.discord" in {record.name for record in caplog.records}
    for word in ("secret", server.token, "simcord_interaction_"):
        assert word not in caplog.text


# The whole of it


class Whole:
    """All of Viva behind one database, as one process after the other."""

    def __init__(self, server: DiscordServer, store: SqliteStore) -> None:
        self.server = server
        self.marks = Marks()
        self.store = store
        self.content = content()

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """One process; at its end nothing is tidied up."""
        server = self.server
        adapter = DiscordAdapter(
            server.token, bookmarks=self.marks, api_url=server.api_url, gateway_url=server.gateway_url
        )
        shell = Shell(store=self.store, content=self.content, grader=EmbeddedGrader(), messengers=[adapter])
        logins = len(server.logins)
        task = asyncio.create_task(adapter.run(shell.receive))
        await server.until(lambda: len(server.logins) > logins)
        await shell.sweep()
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await shell.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_an_interview_over_the_wire(server: DiscordServer, store: SqliteStore) -> None:
    """From /start to a report, the first question two presses away: begun in a server, gone on with in direct messages,
    with a process that ends under every question and answers that are written while none runs."""
    viva, ann = Whole(server, store), server.person("ann")
    place = server.place("team", ann)

    def shown(words: str) -> bool:
        return any(words in seen.text for seen in ann.screen if not seen.thinking)

    async def press(*labels: str) -> None:
        """The first of these that comes up."""
        await server.until(lambda: any(label in name for label in labels for name in ann.last.buttons))
        name = next(name for name in ann.last.buttons for label in labels if label in name)
        known = str(ann.last)
        ann.press(name)
        await server.until(lambda: str(ann.last) != known)

    async with viva.process():
        ann.slash("start")
        await server.until(lambda: ann.screen and not ann.last.thinking)
        await press("Backend")
        assert "Skip" in ann.last.buttons
    ann.say("Every insert has to update every index, and each of them takes disk space.")
    async with viva.process():
        await server.until(lambda: shown("estimate"))
        ann.slash("interview", "google", at=place.channel)
        await server.until(lambda: shown("We go on in your direct messages"))
        await server.until(lambda: any("Short" in name for name in ann.last.buttons))
        await press("Short")
        await press("Backend Engineer")
        await press("Go without")
        await press("Go without")
        await server.until(lambda: shown("1 of 3"))
    for number in (1, 2, 3):
        ann.say("I keep what I saw in a hash map, so that every lookup takes constant time.")
        async with viva.process():
            if number == 1:  # the coding problem, where words are talked about once
                await server.until(lambda: shown("I follow you"))
                await press("Take it as it is")
            await server.until(lambda: ann.last.text.count("estimate") or shown("Interview report"))
            if number < 3:
                await press("Next")
                assert shown(f"{number + 1} of 3")
            else:
                await server.until(lambda: shown("Improvement plan"))
    assert [len(ann.screen), place.posts()] == [len({seen.text for seen in ann.screen}), []], "said once each"
    assert {call.status for call in server.requests} <= {200, 204}


async def test_the_line_driver(server: DiscordServer) -> None:
    """A person or a script can do by lines what these tests do; a bad line gets its fault named."""
    async with DrivenServer(token="t", port=0) as driven, ClientSession() as http:
        bot = await Bot(driven).start()
        bot.answer = echo
        lines = (
            "ann say hi\\nthere\nann wait 5\nann press Hint\nann wait\nann dance\nfault no POST\nrequests 1"
        )
        async with http.post(f"{driven.url}/driver", data=lines) as response:
            shown = (await response.text()).splitlines()
        await bot.stop()
    assert shown[:3] == ["ok", "You: hi", "there [Hint] [Skip]"]
    assert "You: hint:q1 [Hint] [Skip]" in shown
    assert any("no act 'dance'" in line for line in shown)


async def test_pictures_and_files_come_with_the_last_part(server: DiscordServer) -> None:
    """Sent again after a broken connection they are shown once, as words are."""
    bot = await Bot(server, renderer=Renderer()).start()
    ann = server.person("ann")
    message = Message(
        text="W" * 2001, choices=(Choice(id="pdf:1", label="Share as PDF"),), picture=CHART, file=PAPER
    )
    server.fault("lost", "POST", "/channels/*/messages", times=2)
    sent = delivery(message, dm(ann))
    for _ in range(3):
        with suppress(MaybeTaken):
            await bot.adapter.send(sent)
    await bot.stop()
    first, last = ann.screen
    assert (first.message.attachments, list(last.buttons)) == ([], ["Share as PDF"])
    assert [each["filename"] for each in last.message.attachments] == ["report.png", "viva-report.pdf"]
    with_files = [call for call in server.requests if call.files]
    assert {each: part[1] for each, part in with_files[0].files.items()} == {
        "files[0]": PNG,
        "files[1]": b"%PDF-1.7",
    }
    assert len({call.body["nonce"] for call in with_files}) == 1


async def test_a_slash_command_is_answered_with_its_picture(server: DiscordServer) -> None:
    """Through the interaction; where nothing can be drawn, the words come with a sentence."""
    bot = await Bot(server, renderer=Renderer()).start()
    bot.answer = lambda _: [Message(text="Your report", picture=CHART)]
    ann = server.person("ann")
    ann.slash("report")
    await server.until(lambda: ann.screen and not ann.last.thinking)
    assert (ann.last.text, [each["filename"] for each in ann.last.message.attachments]) == (
        "Your report",
        ["report.png"],
    )
    await bot.stop()
    plain = await Bot(server, renderer=Renderer(broken=True)).start()
    await plain.adapter.send(delivery(Message(text="Your report", picture=CHART), dm(ann)))
    assert ann.last.text.startswith("Your report\n\n(I could not draw")
    assert ann.last.message.attachments == []
    await plain.stop()


def test_every_request_is_one_discord_knows() -> None:
    """Where the document is at hand, each test above checks each request; here, that the check finds faults."""
    spec = load_spec()
    if spec is None:
        pytest.skip("VIVA_SPECS names no folder with discord-openapi.json")
    bad = [
        Call(method="POST", path="/channels/1/messages", body={"content": "x" * 2001, "nonce": "n" * 26}),
        Call(method="POST", path="/channels/1/messages", body={"content": 7}),
        Call(method="POST", path="/channels/1/messages", body={"contents": "x"}),
        Call(method="POST", path="/chanels/1/messages", body={"content": "x"}),
        Call(method="GET", path="/channels/1/messages", query={"after": "1", "since": "2"}),
    ]
    assert [len(violations([call], spec)) > 0 for call in bad] == [True] * len(bad)
