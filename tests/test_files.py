"""From a file to an answer: what a student reads, and over HTTP how a file comes to us and why it may not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

import adapters.files
from adapters.files import NOTHING, FetchFailed, Files, Reading
from adapters.model import Client, ModelTranscriber
from adapters.model.client import Budget
from adapters.papers.reader import PaperReader
from bot.events import FromStudent, Shared
from bot.files import LARGEST_DOCUMENT, LARGEST_RECORDING, NotFetched, Unheard, Unread
from bot.grading import EmbeddedGrader
from bot.ports import Transcript
from bot.sentences import SENTENCES
from bot.shell import Shell
from tests.model_server import ModelServer
from tests.papers import WORDS, Listener, docx, paragraph, pdf
from tests.talk import Talk, content, texts
from tests.telegram_people import User
from tests.telegram_server import TelegramServer
from tests.telegram_spec import load_spec, violations
from tests.test_telegram import polling

SPOKEN = "every insert has to update all of the indexes, and they take up disk space"
SHORT_INTERVIEW = ("/start", "press goal:any", "/stop", "/interview short", "/skip", "Backend Engineer")


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def at_the_resume(talk: Talk) -> None:
    for line in SHORT_INTERVIEW:
        await (talk.press(line.removeprefix("press ")) if line.startswith("press ") else talk.say(line))
    talk.new()


async def at_a_question(talk: Talk) -> str:
    """The question that is open."""
    await talk.say("/start")
    await talk.press("goal:any")
    return texts(talk.new())[-1].split("\n\n", 1)[1]


# What a student reads


async def test_a_pdf_is_the_resume_where_one_is_asked_for(talk: Talk) -> None:
    """It is said what was read; its words are kept with the interview, whatever else they would mean."""
    await at_the_resume(talk)
    words = "/stop. Learn SQL. mock interview at Google. Four years of Django."
    await talk.share("document", "my resume", name="Ann *CV*.pdf", read=words)
    await talk.share("document", name="", read=WORDS)
    told = texts(talk.new())
    assert told[0] == f"I read {len(words)} characters in Ann *CV*.pdf."
    assert told[1].startswith("Last one: the job description")
    assert told[2] == f"I read {len(WORDS)} characters in your file."
    session = [document async for document in talk.store.export("interview_sessions")][-1]
    assert (session["resume_text"], session["jd_text"]) == (words, WORDS)


async def test_a_resume_that_is_too_long_or_too_short_is_told(talk: Talk) -> None:
    await at_the_resume(talk)
    await talk.share("document", name="cv.pdf", read="word " * 5_000)
    assert "has 25000 characters and I can keep 20000" in texts(talk.new())[1]
    await talk.share("document", name="cv.pdf", read="Ann")
    assert "too short" in texts(talk.new())[1]


async def test_a_pdf_in_the_settings_is_kept_and_leads_back(talk: Talk) -> None:
    await at_a_question(talk)
    await talk.say("/settings jd")
    talk.new()
    await talk.share("document", name="jd.docx", read=WORDS)
    shown = talk.new()
    assert "job description: kept" in texts(shown)[1]
    assert [each.label for each in shown[1].message.choices][-1].startswith("Back to question")


async def test_a_pdf_in_the_middle_of_a_question_is_no_answer(talk: Talk) -> None:
    """It is left aside with a way to where it belongs, and the question is said again; a text file is an answer."""
    question = await at_a_question(talk)
    await talk.share("document", name="cv.pdf", read=WORDS)
    aside, again = talk.new()
    assert texts([aside])[0].startswith("I can read cv.pdf, but nothing open asks for a file")
    assert [each.id for each in aside.message.choices] == ["settings:resume", "settings:jd"]
    assert texts([again]) == [question]
    receipt = await talk.share("document", SPOKEN, name="answer.txt")
    assert receipt.attempt


@pytest.mark.parametrize("reason", [*get_args(Unread), *get_args(NotFetched)])
@pytest.mark.parametrize("at", ["a question", "the resume"])
async def test_why_a_file_is_not_read_is_said_and_what_is_open_again(
    talk: Talk, reason: str, at: str
) -> None:
    await (at_a_question(talk) if at == "a question" else at_the_resume(talk))
    await talk.share("document", name="cv.pdf", unread=reason)
    why, again = texts(talk.new())
    assert why == SENTENCES["unread"][reason].format(limit=5, text_limit=100, pages=50)
    assert "**" not in again
    assert talk.last().choices


@pytest.mark.parametrize("reason", [*get_args(Unheard), *get_args(NotFetched)])
async def test_why_a_recording_is_not_heard_is_said_and_the_question_again(talk: Talk, reason: str) -> None:
    question = await at_a_question(talk)
    await talk.share("voice", unread=reason)
    assert texts(talk.new()) == [SENTENCES["unheard"][reason].format(limit=20), question]


async def test_words_beside_a_file_that_is_not_read_are_the_answer(talk: Talk) -> None:
    """Not so where a resume is asked for: "here it is" is none."""
    await at_a_question(talk)
    receipt = await talk.share("document", SPOKEN, name="sketch.pdf", unread="no_text")
    assert receipt.attempt
    told = texts(talk.new())
    assert told[0] == SENTENCES["unread"]["no_text"]
    assert "points" in told[1]
    await talk.say("/stop")
    await at_the_resume(talk)
    await talk.share("document", "Here is my resume, the newest one", name="cv.pdf", unread="encrypted")
    assert texts(talk.new())[1].startswith("Send your resume")


async def test_what_was_heard_is_shown_counts_and_can_be_taken_back(talk: Talk) -> None:
    await at_the_resume(talk)
    await talk.say("/skip")
    await talk.say("/skip")
    await talk.say("/skip")  # the coding problem, where words are talked about first
    question = texts(talk.new())[-1]
    receipt = await talk.share("voice", read=SPOKEN)
    heard, feedback = texts(talk.new())
    assert heard == f'I heard: "{SPOKEN}". That is your answer now; /undo takes it back.'
    assert "points" in feedback
    await talk.say("/undo")
    assert texts(talk.new())[-1] == question
    attempts = [document async for document in talk.store.export("interview_attempts")]
    assert [(str(each["_id"]), each["student_answer"], each["status"]) for each in attempts] == [
        (receipt.attempt, SPOKEN, "withdrawn")
    ]


async def test_the_last_answer_is_graded_only_when_it_was_heard_well(talk: Talk) -> None:
    """It could not be taken back: so it waits for a press, and other words take its place."""
    await at_a_question(talk)
    receipt = await talk.share("voice", read="every inset has to up date all")
    assert receipt.attempt is None
    assert talk.last().choices[0].label == "Grade it"
    await talk.share("voice", read=SPOKEN)
    assert texts(talk.new()) == [
        f'I heard: "{words}". Shall I grade it? If I misheard you, say it again or type it.'
        for words in ("every inset has to up date all", SPOKEN)
    ]
    receipt = await talk.press("Grade it")
    assert "points" in texts(talk.new())[0]
    attempts = [document async for document in talk.store.export("interview_attempts")]
    assert [(str(each["_id"]), each["student_answer"]) for each in attempts] == [(receipt.attempt, SPOKEN)]


async def test_a_spoken_word_does_what_it_would_if_typed(talk: Talk) -> None:
    """A long one is quoted shortly, and no word breaks the markup."""
    await talk.say("/settings company")
    talk.new()
    await talk.share("voice", read="Acme *& Sons*")
    heard, settings = texts(talk.new())
    assert heard == 'I heard: "Acme *& Sons*". If I misheard you, type it.'
    assert "Company: Acme *& Sons*" in settings
    await talk.share("voice", read="well " * 500)
    assert len(texts(talk.new())[0]) < 300


# Download, reader, transcriber


class Fetched:
    """A file somewhere: what each try gives."""

    def __init__(self, *tries: bytes | FetchFailed) -> None:
        self.tries = list(tries)

    async def __call__(self, most: int) -> bytes:
        given = self.tries.pop(0)
        if isinstance(given, FetchFailed):
            raise given
        return given[: most + 1]


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.files, "PAUSES", (0.0, 0.0))


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("tries", "reading"),
    [
        ((FetchFailed("reset"), FetchFailed("reset"), b"words"), Reading(text="words")),
        ((FetchFailed("reset"),) * 3, Reading(unread="not_fetched")),
        ((FetchFailed("gone", again=False),), Reading(unread="not_fetched")),
        ((b"a" * (LARGEST_DOCUMENT + 9),), Reading(unread="too_large")),
    ],
)
async def test_a_download_is_tried_again_then_told(tries: tuple[Any, ...], reading: Reading) -> None:
    """Three times where it may help, once where it cannot; more than may be is not read."""
    fetch = Fetched(*tries)
    assert await Files().reading("document", name="a", size=0, fetch=fetch) == reading
    assert fetch.tries == []


async def test_what_is_too_large_or_nobody_can_use_is_not_fetched() -> None:
    files, fetch = Files(transcriber=Listener()), Fetched()
    too_large = Reading(unread="too_large")
    assert await files.reading("document", name="a", size=LARGEST_DOCUMENT + 1, fetch=fetch) == too_large
    assert await files.reading("voice", name="a", size=LARGEST_RECORDING + 1, fetch=fetch) == too_large
    assert await files.reading("photo", name="a", size=9, fetch=fetch) == NOTHING
    assert await Files().reading("voice", name="a", size=9, fetch=fetch) == NOTHING


async def test_a_transcribers_reason_is_passed_on() -> None:
    class Deaf:
        async def transcribe(self, recording: bytes, *, name: str) -> Transcript:
            return Transcript(unheard="no_speech")

    files = Files(transcriber=Deaf())
    reading = await files.reading("voice", name="a.ogg", size=4, fetch=Fetched(b"OggS"))
    assert reading == Reading(unread="no_speech")


# Telegram, the model and the engine together, over HTTP


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running
    if spec := load_spec():
        assert violations(running.requests, spec) == []


@pytest.fixture
def ann(server: TelegramServer) -> User:
    return server.user(7, "Ann")


@pytest.fixture
async def provider() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        running.heard = SPOKEN
        yield running


@pytest.fixture
async def files(provider: ModelServer) -> AsyncIterator[Files]:
    budget = Budget(requests=2, tokens=1_000, clock=lambda: datetime.now(UTC))
    client, reader = Client(base_url=provider.url, api_key=provider.key, budget=budget), PaperReader()
    yield Files(reader, ModelTranscriber(client, model=provider.hearing))
    await client.close()
    await reader.close()


async def test_a_student_sends_a_resume_and_speaks_an_answer(
    server: TelegramServer, ann: User, provider: ModelServer, files: Files, talk: Talk
) -> None:
    """On Telegram: the PDF, a program that calls itself one, a voice message, and the day's budget used up."""
    shell: Shell

    async def receive(event: FromStudent) -> object:
        return await shell.receive(event)

    async with polling(server, receive, files=files) as adapter:
        shell = Shell(store=talk.store, content=content(), grader=EmbeddedGrader(), messengers=[adapter])
        assert "Aiming" in (await ann.ask("/start")).text
        await ann.tap("Backend")
        ann.chat.news.clear()
        ann.send_voice(b"OggS and so on")
        assert (await ann.next()).text.startswith(f'I heard: "{SPOKEN}". Shall I grade it?')
        assert "points" in (await ann.tap("Grade it")).text
        assert provider.uploads == [("answer.ogg", b"OggS and so on", provider.hearing)]
        await ann.ask("/settings resume")
        ann.send_document("resume.pdf", b"MZ\x90\0\x03" + bytes(99))
        assert "neither a PDF" in (await ann.next()).text
        assert "Send your resume" in (await ann.next()).text
        ann.send_document("resume.docx", docx(paragraph(WORDS)), caption="here it is")
        assert (await ann.next()).text == f"I read {len(WORDS)} characters in resume.docx."
        assert "Resume: kept" in (await ann.next()).text
        ann.send_voice()
        assert "I heard" in (await ann.next()).text
        ann.chat.news.clear()
        await asyncio.sleep(0)
        ann.send_voice()
        await server.until(lambda: SENTENCES["unheard"]["budget"] in ann.transcript)
        await shell.close()


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("fault", "times", "reading"),
    [
        ("html", 2, (WORDS, "")),
        ("reset", 2, (WORDS, "")),
        ("flood", 2, (WORDS, "")),
        ("html", 3, (None, "not_fetched")),
    ],
)
async def test_a_telegram_file_that_does_not_come_is_asked_for_again(
    server: TelegramServer, ann: User, fault: Any, times: int, reading: tuple[str | None, str]
) -> None:
    heard: list[FromStudent] = []

    async def receive(event: FromStudent) -> None:
        heard.append(event)

    reader = PaperReader()
    server.fault(fault, method="getFile", times=times)
    async with polling(server, receive, files=Files(reader)):
        ann.send_document("cv.pdf", pdf(WORDS))
        await server.until(lambda: bool(heard), 20)
    await reader.close()
    [event] = heard
    assert isinstance(event, Shared)
    assert (event.read, event.unread) == reading
    assert event.name == "cv.pdf"


@pytest.mark.usefixtures("no_pauses")
async def test_a_telegram_file_that_is_gone_is_told_at_once(server: TelegramServer, ann: User) -> None:
    heard: list[FromStudent] = []

    async def receive(event: FromStudent) -> None:
        heard.append(event)

    ann.send_document("cv.pdf", pdf(WORDS))
    server._files.clear()
    async with polling(server, receive):
        await server.until(lambda: bool(heard))
    assert isinstance(event := heard[0], Shared)
    assert (event.size, event.unread) == (len(pdf(WORDS)), "not_fetched")
    assert len(server.calls("getFile")) == 1
