"""Questions as Telegram's own quizzes, over HTTP on loopback: how they look, and where an answer leads."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.telegram import TelegramAdapter, adapter as module
from adapters.telegram.polls import KEPT, PREFIX
from bot import reviews
from bot.documents import LearningProgress, insert
from bot.events import Identity, Pressed
from bot.messages import LOST_CHOICE, Choice, Delivery, Message, Poll, plain
from bot.ports import ChatUnreachable, NotTaken
from bot.quizzes import QuizQuestion
from storage.sqlite import SqliteStore
from tests.drawings import CHART, Renderer
from tests.talk import content
from tests.telegram_people import Shown, User
from tests.telegram_server import TelegramServer
from tests.telegram_spec import Call, load_spec, violations
from tests.test_discord import Marks
from tests.test_telegram import NOW, Listener, Receive, delivery, polling, viva, webhook

ROW = "69a40200c1d2e3f40516273e"
OPTIONS = ("A list", "A *tuple*", "A dict")
ASIDES = (Choice(id="snooze:", label="Snooze"), Choice(id=f"why:review.{ROW}", label="Why this?"))


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    """Whatever a test made the bot ask for is held against the Bot API's own description, where that is at hand."""
    async with TelegramServer() as running:
        yield running
    if spec := load_spec():
        assert violations(running.requests, spec) == []


@pytest.fixture
def ann(server: TelegramServer) -> User:
    person = server.user(70_007, "Ann")
    person.say("/start")
    return person


@pytest.fixture
def shell() -> Listener:
    return Listener()


def question(
    words: str = "Which of `these` can be changed < in place >?",
    *,
    opening: str = "You missed this one on 1 Mar. And now?\n\n**Review · Python\\: types**",
    options: tuple[str, ...] = OPTIONS,
    why: str = "Lists are mutable.",
    end: str = "",
    name: str = "d1",
) -> Delivery:
    """As the engine makes it: the words say what the poll says."""
    choices = tuple(
        Choice(id=f"pick:{ROW}.r2.0.{place}", label=option) for place, option in enumerate(options)
    )
    letters = tuple(
        Choice(id=each.id, label=letter) for each, letter in zip(choices, "ABCDEFGHIJKLM", strict=False)
    )
    lines = "  \n".join(
        f"**{letter.label}** {plain(each.label)}" for letter, each in zip(letters, choices, strict=True)
    )
    text = "\n\n".join(filter(None, [opening, plain(words), lines, end]))
    poll = Poll(question=words, choices=choices, right=0, why=why)
    made = Message(text=text, choices=(*letters, *ASIDES), poll=poll)
    return replace(delivery("", to=70_007, name=name), message=made)


def shown_poll(shown: Shown) -> tuple[str, list[str]]:
    poll = shown.raw["poll"]
    return poll["question"], [option["text"] for option in poll["options"]]


# What goes out


async def test_a_question_is_a_quiz_with_what_is_no_option_beneath(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """What stands before the question is not lost; nothing in it is taken for formatting; nobody else can answer it."""
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        await adapter.send(question())
        shown = await ann.next()
    words, options = shown_poll(shown)
    assert words == (
        "You missed this one on 1 Mar. And now?\n\nReview · Python: types\n\n"
        "Which of `these` can be changed < in place >?"
    )
    assert options == list(OPTIONS)
    assert list(shown.buttons) == ["Snooze", "Why this?"]
    poll = shown.raw["poll"]
    assert (poll["type"], poll["correct_option_ids"], poll["explanation"]) == (
        "quiz",
        [0],
        "Lists are mutable.",
    )
    assert not poll["is_anonymous"]
    assert not poll["allows_revoting"]
    assert shown.raw["has_protected_content"]
    assert server.calls("sendMessage") == []


async def test_a_quiz_without_other_choices_has_no_buttons(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    sent = question(opening="", why="")
    sent = replace(sent, message=replace(sent.message, choices=sent.message.choices[: -len(ASIDES)]))
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        await adapter.send(sent)
        shown = await ann.next()
    assert (shown_poll(shown)[0], shown.buttons) == ("Which of `these` can be changed < in place >?", {})
    assert "explanation" not in shown.raw["poll"]


FITS = {
    "question": question("W" * 300, opening=""),
    "question with its opening": question("W" * 288, opening="**Review**  \nnow"),
    "option": question(options=("W" * 100, "X")),
    "explanation": question(why="W" * 200),
    "twelve options": question(options=tuple(f"option {number}" for number in range(12))),
}
NO_FIT = {
    "question": question("W" * 301, opening=""),
    "question of wide characters": question("😀" * 151, opening=""),
    "question with its opening": question("W" * 289, opening="**Review**  \nnow"),
    "option": question(options=("W" * 101, "X")),
    "empty option": question(options=(" ", "X")),
    "explanation": question(why="W" * 201),
    "one option": question(options=("X",)),
    "thirteen options": question(options=tuple(f"option {number}" for number in range(13))),
    "words after the options": question(end="It ends at midnight."),
    "other words": replace(question(), message=replace(question().message, text="Something else")),
}


@pytest.mark.parametrize("sent", FITS.values(), ids=FITS)
async def test_up_to_telegrams_limits_it_is_a_quiz(
    sent: Delivery, server: TelegramServer, ann: User, shell: Listener
) -> None:
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        await adapter.send(sent)
        assert "poll" in (await ann.next()).raw


@pytest.mark.parametrize("sent", NO_FIT.values(), ids=NO_FIT)
async def test_what_does_not_fit_has_buttons(
    sent: Delivery, server: TelegramServer, ann: User, shell: Listener
) -> None:
    """The same words, every choice a button."""
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        await adapter.send(sent)
        shown = await ann.next()
    assert list(shown.buttons.values()) == [choice.id for choice in sent.message.choices]
    assert server.calls("sendPoll") == []


async def test_a_question_with_a_picture_has_buttons(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    sent = question()
    async with polling(server, shell.receive, bookmarks=Marks(), renderer=Renderer()) as adapter:
        await adapter.send(replace(sent, message=replace(sent.message, picture=CHART)))
        shown = await ann.next()
    assert "photo" in shown.raw
    assert len(shown.buttons) == len(OPTIONS) + len(ASIDES)


async def test_where_nothing_can_be_kept_questions_have_buttons(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    async with polling(server, shell.receive) as adapter:
        await adapter.send(question())
        assert len((await ann.next()).buttons) == len(OPTIONS) + len(ASIDES)


async def test_a_quiz_that_telegram_refuses_has_buttons(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """As a Bot API server from before 9.6 does, which knows no list of right options."""
    server.fault("refuse", method="sendPoll", status=400, words="wrong correct option ID specified")
    async with polling(server, shell.receive, bookmarks=(marks := Marks())) as adapter:
        await adapter.send(question())
        assert len((await ann.next()).buttons) == len(OPTIONS) + len(ASIDES)
    assert marks.kept == {}


async def test_trouble_in_sending_a_quiz_is_told_by_who_can_act(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        server.fault("flood", method="sendPoll", seconds=3)
        with pytest.raises(NotTaken) as refused:
            await adapter.send(question())
        assert refused.value.retry_after == 3.0
        ann.block()
        with pytest.raises(ChatUnreachable):
            await adapter.send(question())
        nobody = replace(question(), to=replace(question().to, chat="404"))
        with pytest.raises(ChatUnreachable):
            await adapter.send(nobody)
    assert server.calls("sendMessage") == []


# What comes back


@pytest.mark.parametrize("way", ["polling", "webhook"])
async def test_an_answer_is_the_press_of_its_choice(
    way: str, server: TelegramServer, ann: User, shell: Listener, unused_tcp_port: int
) -> None:
    """In the student's private chat, once; then nothing is kept of the poll."""
    marks = Marks()
    run: AbstractAsyncContextManager[TelegramAdapter] = polling(server, shell.receive, bookmarks=marks)
    if way == "webhook":
        run = webhook(server, shell.receive, port=unused_tcp_port, bookmarks=marks)
    async with run as adapter:
        await shell.heard(1)
        await adapter.send(question())
        await ann.next()
        [(key, kept)] = marks.kept.items()
        ann.vote(1)
        await server.handled()
        pressed = shell.events[-1]
    assert isinstance(pressed, Pressed)
    assert pressed.choice == f"pick:{ROW}.r2.0.1"
    assert pressed.sender == Identity(platform="telegram", user="70007")
    assert pressed.address == question().to
    assert (pressed.message, pressed.at) == ("", NOW)
    assert pressed.id != shell.events[0].id
    assert key.startswith(PREFIX)
    assert set(json.loads(kept)) == {"choices", "at"}
    assert "70007" not in key + kept
    assert marks.kept == {}


async def test_a_button_under_a_quiz_is_a_press_like_any_other(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """What answers it is a new message: a poll is not changed in place, and can be answered still."""
    async with polling(server, shell.receive, bookmarks=(marks := Marks())) as adapter:
        await adapter.send(question())
        asked = await ann.next()
        ann.press("Snooze")
        await server.handled()
        pressed = shell.events[-1]
        assert isinstance(pressed, Pressed)
        assert (pressed.choice, pressed.message) == ("snooze:", str(asked.id))
        await adapter.send(delivery("Until when?", to=70_007, edit=pressed.message, name="d2"))
        told = await ann.next()
    assert (told.text, told.edited) == ("Until when?", False)
    assert len(marks.kept) == 1


async def test_an_answer_taken_back_is_none(server: TelegramServer, ann: User, shell: Listener) -> None:
    async with polling(server, shell.receive, bookmarks=(marks := Marks())) as adapter:
        await adapter.send(question())
        poll = (await ann.next()).raw["poll"]["id"]
        back = {"poll_id": poll, "user": ann.info, "option_ids": [], "option_persistent_ids": []}
        server.update("poll_answer", back, queue=ann.id)
        await server.handled()
    assert not any(isinstance(event, Pressed) for event in shell.events)
    assert len(marks.kept) == 1


async def test_an_answer_that_leads_nowhere_is_said_to_be_lost(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """What the poll asked could not be kept, be it that the process died or that the database was away."""
    marks = Marks()
    async with polling(server, shell.receive, bookmarks=marks) as adapter:
        marks.away = True
        await adapter.send(question())
        await ann.next()
        marks.away = False
        ann.vote(0)
        await server.handled()
    assert isinstance(shell.events[-1], Pressed)
    assert shell.events[-1].choice == LOST_CHOICE
    assert len(server.calls("sendPoll")) == 1


async def test_an_answer_does_not_overtake_what_it_answers(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """It is there before Telegram's own answer to the poll, without which nothing can be kept."""
    async with polling(server, shell.receive, bookmarks=Marks()) as adapter:
        await shell.heard(1)
        server.fault("hang", method="sendPoll", seconds=0.2, taken=True)
        sending = asyncio.create_task(adapter.send(question()))
        await ann.next()
        ann.vote(1)
        await sending
        await server.handled()
    assert isinstance(shell.events[-1], Pressed)
    assert shell.events[-1].choice == f"pick:{ROW}.r2.0.1"


async def test_what_a_poll_asked_is_known_until_its_answer_is_committed(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    """A process that dies in the middle of the turn has lost nothing: the answer comes again."""
    marks = Marks()
    async with polling(server, shell.receive, bookmarks=marks) as adapter:
        await shell.heard(1)
        await adapter.send(question())
        await ann.next()
        shell.hold.add("70007")
        ann.vote(1)
        await server.until(lambda: shell.begun == 2)
    assert (len(shell.events), len(marks.kept)) == (1, 1)
    shell.hold.clear()
    async with polling(server, shell.receive, bookmarks=marks):
        await server.handled()
    assert isinstance(shell.events[-1], Pressed)
    assert shell.events[-1].choice == f"pick:{ROW}.r2.0.1"


async def test_an_answer_waits_for_the_database(
    server: TelegramServer, ann: User, shell: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.01)
    marks = Marks()
    async with polling(server, shell.receive, bookmarks=marks) as adapter:
        await shell.heard(1)
        await adapter.send(question())
        await ann.next()
        marks.away = True
        ann.vote(2)
        polls = len(server.calls("getUpdates"))
        await server.until(lambda: len(server.calls("getUpdates")) > polls + 2)
        assert (len(shell.events), len(server.updates)) == (1, 1)
        marks.away = False
        await server.handled()
    assert isinstance(shell.events[-1], Pressed)
    assert shell.events[-1].choice == f"pick:{ROW}.r2.0.2"


async def test_only_the_users_allowed_can_answer(server: TelegramServer, ann: User, shell: Listener) -> None:
    async with polling(
        server, shell.receive, bookmarks=(marks := Marks()), allowed=frozenset({"1"})
    ) as adapter:
        await adapter.send(question())
        await ann.next()
        ann.vote(0)
        await server.handled()
    assert shell.events == []
    assert len(marks.kept) == 1


async def test_polls_nobody_answered_for_long_are_forgotten(
    server: TelegramServer, ann: User, shell: Listener
) -> None:
    marks, now = Marks(), NOW
    marks.kept["discord:seen:1"] = "2"
    adapter = TelegramAdapter(server.token, api_url=server.url, bookmarks=marks, clock=lambda: now)
    async with polling(server, shell.receive, bookmarks=marks) as sending:
        await sending.send(question())
    now = NOW + KEPT
    await adapter.tidy()
    assert len(marks.kept) == 2
    now += timedelta(seconds=1)
    await adapter.tidy()
    assert marks.kept == {"discord:seen:1": "2"}


# All of Viva


async def test_a_review_is_answered_in_its_quiz(server: TelegramServer, ann: User, tmp_path: Path) -> None:
    """From the due card to what was right. An answer that comes again after a crash changes nothing; one to a poll
    that nobody remembers is answered with a sentence."""
    store = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")

    def run(receive: Receive) -> AbstractAsyncContextManager[TelegramAdapter]:
        return polling(server, receive, bookmarks=store)

    async with viva(server, tmp_path, run):
        await store.open()
        await ann.next()
        asked = await due_question(store)
        shown = await ann.ask("/review")
        assert shown_poll(shown)[0].endswith(" ".join(asked.question.split()))
        ann.vote(shown_poll(shown)[1].index(asked.right[0]))
        answer = server.updates[-1]
        told = await ann.next()
        assert " ".join(asked.why.split()) in told.text
        await server.handled()
        assert await store.all(PREFIX) == {}
    server.updates.append(answer)  # as if its confirmation had been lost in a crash
    said = len(ann.screen)
    async with viva(server, tmp_path, run):
        await server.handled()
        assert len(ann.screen) == said
        unknown = {"poll_id": "1", "user": ann.info, "option_ids": [0], "option_persistent_ids": ["0"]}
        server.update("poll_answer", unknown, queue=ann.id)
        assert (await ann.next()).text.startswith("That question is over, so your answer moved nothing.")
    await store.close()


async def due_question(store: SqliteStore) -> QuizQuestion:
    """A quiz question that Ann missed two weeks ago, put into the store as a card."""
    asked = next(each for each in content().quizzes["python"] if each.kind == "single" and not each.code)
    student = await store.student(Identity(platform="telegram", user="70007"), new=ROW, at=NOW)
    before = await store.load(student)
    assert before is not None
    missed = NOW - timedelta(days=14)
    row = LearningProgress(
        id=ROW,
        student_id=student,
        path_id=None,
        kind="review",
        resource_id="3b0f5a0e-6f0d-5c7e-9a55-2d6b6a1e0c11",
        stage_number=0,
        status="not_started",
        completed_at=None,
        time_spent_minutes=0,
        next_nudge_at=None,
        created_at=missed,
        updated_at=missed,
        card=reviews.new(source="quiz", item=asked.key, title="Python", points=(), at=missed),
    )
    await store.commit(student, before.conversation, expected=before.version, writes=[insert(row)])
    return asked


# The tools of these tests


@pytest.mark.skipif(load_spec() is None, reason="VIVA_SPECS names no folder with the Bot API's spec")
async def test_the_checker_finds_what_a_quiz_must_not_be() -> None:
    spec = load_spec()
    assert spec
    quiz = {"chat_id": 7, "question": "Which?", "options": [{"text": "A"}, {"text": "B"}], "type": "quiz"}
    bad = [
        Call(method="sendPoll", params=quiz),
        Call(method="sendPoll", params=quiz | {"correct_option_ids": [2]}),
        Call(method="sendPoll", params=quiz | {"correct_option_ids": [0], "explanation": "a\nb\nc\nd"}),
        Call(method="sendPoll", params=quiz | {"correct_option_ids": [0], "options": [{"text": "W" * 101}]}),
    ]
    assert violations(bad, spec) == [
        "sendPoll (request 1): correct_option_ids: a quiz needs one",
        "sendPoll (request 2): correct_option_ids: [2] are not places of options in their order",
        "sendPoll (request 3): explanation: 3 line feeds are more than 2",
        "sendPoll (request 4): options: text: 101 UTF-16 units are not within 1 to 100",
    ]
