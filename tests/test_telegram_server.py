"""The test Telegram keeps Telegram's promises: checked with python-telegram-bot's Bot and with bare HTTP."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.telegram_people import User
from tests.telegram_server import TelegramServer
from tests.telegram_spec import Call, Upload, load_spec, mismatches, violations
from tests.telegram_text import BadText, formatted

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x20" + bytes(9)
KEYBOARD = InlineKeyboardMarkup(
    [
        [
            InlineKeyboardButton("Hint", callback_data="hint:q1"),
            InlineKeyboardButton("Skip", callback_data="skip:q1"),
        ]
    ]
)


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    """A server whose every answer and update is checked against the spec when the test is over."""
    async with TelegramServer() as running:
        told: list[dict[str, Any]] = []
        inform = running.update

        def note(kind: str, payload: dict[str, Any], *, queue: int) -> None:
            inform(kind, payload, queue=queue)
            told.extend(running.updates[-1:])

        running.update = note  # type: ignore[method-assign]
        yield running
    if spec := load_spec():
        faults = [f for update in told for f in mismatches(update, ["Update"], spec, "update")]
        for call in running.requests:
            if call.answer.get("ok"):
                returns = spec["methods"][call.method]["returns"]
                faults += mismatches(call.answer["result"], returns, spec, call.method)
        assert faults == []


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(
        server.token, base_url=f"{server.url}/bot", base_file_url=f"{server.url}/file/bot"
    ) as running:
        yield running


@pytest.fixture
def ann(server: TelegramServer) -> User:
    """Somebody the bot may write to."""
    user = server.user(7, "Ann")
    user.say("/start")
    return user


async def text_refused(bot: Bot, text: str) -> str:
    with pytest.raises(BadRequest) as refusal:
        await bot.send_message(7, text, parse_mode="HTML")
    return refusal.value.message


async def test_updates_come_until_they_are_confirmed(server: TelegramServer, bot: Bot, ann: User) -> None:
    """getUpdates gives the same update again until an offset confirms it, and waits when there is none."""
    (first,) = await bot.get_updates(allowed_updates=["message"])
    (again,) = await bot.get_updates()
    assert first.update_id == again.update_id
    assert first.message
    assert first.message.text == "/start"
    assert first.message.entities[0].type == "bot_command"
    waiting = asyncio.create_task(bot.get_updates(offset=first.update_id + 1, timeout=5))
    await server.handled()
    ann.block()  # not among the updates asked for
    ann.unblock()
    ann.say("an index")
    (second,) = await waiting
    assert second.update_id == first.update_id + 1
    assert second.message
    assert second.message.text == "an index"


async def test_two_polls_and_a_webhook_exclude_each_other(server: TelegramServer, bot: Bot) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=5))
    await server.until(lambda: bool(server.calls("getUpdates")))
    async with Bot(server.token, base_url=f"{server.url}/bot") as second:
        await second.get_updates(timeout=0)
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await older
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(Conflict, match="while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""


async def test_a_webhook_gets_each_chat_in_order_and_again_until_taken(
    server: TelegramServer, bot: Bot
) -> None:
    seen: list[tuple[int, str, str | None]] = []

    async def hook(request: web.Request) -> web.Response:
        message = (await request.json())["message"]
        seen.append(
            (message["chat"]["id"], message["text"], request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        )
        if len(seen) == 1:
            return web.Response(status=500)
        return web.json_response({"method": "sendMessage", "chat_id": message["chat"]["id"], "text": "heard"})

    app = web.Application()
    app.router.add_post("/hook", hook)
    async with TestServer(app) as listener:
        await bot.set_webhook(str(listener.make_url("/hook")), secret_token="s-1")
        server.user(7).say("one")
        server.user(7).say("two")
        server.user(8).say("other")
        await server.handled()
        reply = await server.user(7).next()
        last_error = (await bot.get_webhook_info()).last_error_message
        await bot.delete_webhook()
    assert [text for chat, text, _ in seen if chat == 7] == ["one", "one", "two"]
    assert {secret for *_, secret in seen} == {"s-1"}
    assert reply.text == "heard"
    assert last_error == "Wrong response from the webhook: 500 Internal Server Error"


async def test_the_student_reads_text_without_markup(bot: Bot, ann: User) -> None:
    """HTML is parsed into visible text and entities counted in UTF-16 units."""
    html = '😀 <b>Good</b> &middot; 2 &lt; 3\n<pre><code class="language-python">x = 1</code></pre> <a href="https://x.org">doc</a>  '
    sent = await bot.send_message(7, html, parse_mode="HTML", reply_markup=KEYBOARD)
    shown = await ann.next()
    assert shown.text == "😀 Good &middot; 2 < 3\nx = 1 doc" == sent.text
    assert shown.spans("bold") == ["Good"]
    assert shown.spans("pre") == ["x = 1"]
    assert shown.spans("text_link") == ["doc"]
    assert sent.entities[0].offset == 3
    assert sent.entities[1].language == "python"
    assert ann.transcript.endswith("x = 1 doc\n      [Hint] [Skip]")


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("a <3 b", 'Unsupported start tag "3" at byte offset 2'),
        ("é <p>x</p>", 'Unsupported start tag "p" at byte offset 3'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href=x/y>k</a>", "Unexpected end of name token at byte offset 0"),
    ],
)
def test_bad_html_is_refused_in_telegrams_words(html: str, reason: str) -> None:
    with pytest.raises(BadText) as refusal:
        formatted(html, "HTML")
    assert str(refusal.value) == f"can't parse entities: {reason}"


async def test_messages_are_refused_in_telegrams_words(server: TelegramServer, bot: Bot, ann: User) -> None:
    assert (
        await text_refused(bot, "<b>x")
        == "Can't parse entities: can't find end tag corresponding to start tag \"b\""
    )
    assert await text_refused(bot, "😀" * 2049) == "Message is too long"
    assert await text_refused(bot, "<b>" + "x" * 4097 + "</b>") == "Message is too long"
    assert await text_refused(bot, "") == "Message text is empty"
    assert await text_refused(bot, "<b> </b>") == "Text must be non-empty"
    long = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="é" * 33)]])
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(7, "x", reply_markup=long)
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(99, "who never wrote")
    with pytest.raises(BadRequest, match="replied not found"):
        await bot.send_message(7, "x", reply_parameters=ReplyParameters(message_id=404))
    ann.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(7, "x")
    ann.unblock()
    assert (await bot.send_message(7, "x")).text == "x"
    assert (await bot.get_updates())[-1].my_chat_member is not None


async def test_an_edit_must_change_something_and_exist(bot: Bot, ann: User) -> None:
    sent = await bot.send_message(7, "Question", reply_markup=KEYBOARD)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("Question", reply_markup=KEYBOARD)
    edited = await sent.edit_text("Answered")  # without a keyboard the keyboard goes
    assert isinstance(edited, Message)
    assert edited.reply_markup is None
    assert edited.edit_date
    assert [shown.text for shown in ann.screen] == ["/start", "Answered"]
    with pytest.raises(BadRequest, match="Message_too_long"):
        await sent.edit_text("x" * 4097)
    await sent.delete()
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await sent.edit_text("gone")
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await sent.delete()


async def test_a_press_is_answered_once(server: TelegramServer, bot: Bot, ann: User) -> None:
    await bot.send_message(7, "Question", reply_markup=KEYBOARD)
    press = ann.press("Hint")
    update = (await bot.get_updates())[-1]
    query = update.callback_query
    assert query
    assert query.data == "hint:q1"
    assert query.message
    assert query.from_user.id == 7
    await query.answer("Think of writes")
    assert press.answer == {"text": "Think of writes", "show_alert": False}
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer()
    with pytest.raises(AssertionError, match="no button 'Nope'"):
        ann.press("Nope")


async def test_files_go_both_ways(server: TelegramServer, bot: Bot, ann: User) -> None:
    """Uploads, file ids, albums, downloads and their limits."""
    document = await bot.send_document(
        7, b"report", filename="report.md", caption="<i>Yours</i>", parse_mode="HTML"
    )
    assert document.document
    assert document.caption == "Yours"
    again = await bot.send_document(7, document.document.file_id)
    assert again.document
    assert again.document.file_name == "report.md"
    photo = await bot.send_photo(7, PNG)
    assert (photo.photo[-1].width, photo.photo[-1].height) == (64, 32)
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await bot.send_photo(7, b"no picture")
    album = await bot.send_media_group(
        7, [InputMediaDocument(b"a", filename="a.txt"), InputMediaDocument(b"b", filename="b.txt")]
    )
    assert len({message.media_group_id for message in album}) == 1
    assert [shown.upload.content for shown in ann.screen if shown.upload] == [
        b"report",
        b"report",
        PNG,
        b"a",
        b"b",
    ]
    ann.send_document("resume.pdf", b"%PDF", mime="application/pdf")
    ann.send_document("huge.pdf", b"", size=21 * 2**20)
    small, huge = (update.message.document for update in (await bot.get_updates())[-2:] if update.message)
    assert small
    assert huge
    assert bytes(await (await bot.get_file(small)).download_as_bytearray()) == b"%PDF"
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(huge)


async def test_groups_have_privacy_threads_and_their_own_counting(
    server: TelegramServer, bot: Bot, ann: User
) -> None:
    team = server.group("team", ann, threads={5})
    team.add_bot(ann)
    ann.say("nothing for the bot", chat=team)
    ann.say("/interview", chat=team, thread=5)
    *_, joined, command = await bot.get_updates()
    assert joined.my_chat_member
    assert joined.my_chat_member.new_chat_member.status == "member"
    assert command.message
    assert command.message.message_thread_id == 5
    assert command.message.message_id == 2
    sent = await bot.send_message(team.info["id"], "In private, please", message_thread_id=5)
    assert (await team.next()).text == "In private, please"
    assert sent.message_id == 3
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(team.info["id"], "x", message_thread_id=6)
    team.remove_bot(ann)
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(team.info["id"], "x")


async def test_people_can_do_all_that_clients_can(server: TelegramServer, bot: Bot, ann: User) -> None:
    ann.say("x" * 5000)
    ann.edit("an edited answer")
    ann.send_voice()
    ann.send_sticker("🙂")
    ann.send_photo(PNG, caption="my notes")
    ann.say("as I said", reply_to=1)
    await bot.send_poll(7, "Ready?", ["Yes", "No"], is_anonymous=False)
    ann.vote(0)
    updates = (await bot.get_updates())[1:]
    messages = [update.message for update in updates if update.message]
    assert [len(message.text or "") for message in messages] == [4096, 904, 0, 0, 0, 9]
    assert [bool(m.voice or m.sticker or m.photo or m.reply_to_message) for m in messages[2:]] == [True] * 4
    assert messages[4].caption == "my notes"
    edited, poll, vote = (update for update in updates if not update.message)
    assert edited.edited_message
    assert edited.edited_message.text == "an edited answer"
    assert poll.poll
    assert poll.poll.options[0].voter_count == 1
    assert vote.poll_answer
    assert vote.poll_answer.option_ids == (0,)
    assert (await bot.get_chat(7)).first_name == "Ann"
    assert (await bot.get_chat_member(7, 7)).status == "member"
    await bot.set_my_commands([("start", "Begin")])
    assert (await bot.get_my_commands())[0].command == "start"
    await bot.send_chat_action(7, "typing")


async def test_a_poll_is_refused_in_telegrams_words(bot: Bot, ann: User) -> None:
    async def refused(question: str = "Which?", options: Sequence[str] = ("A", "B"), **more: Any) -> str:
        with pytest.raises(BadRequest) as refusal:
            await bot.send_poll(7, question, options, **more)
        return refusal.value.message

    assert await refused("") == "Poll question must be non-empty"
    assert await refused("W" * 301) == "Poll question length must not exceed 300"
    assert await refused(options=["W" * 101]) == "Poll options length must not exceed 100"
    assert await refused(options=["A", ""]) == "Poll options must be non-empty"
    assert await refused(options=[]) == "Poll must have at least one answer option"
    assert await refused(options=["A"] * 13) == "Poll can't have more than 12 options"
    assert await refused(type="quiz") == "Correct quiz option list must be non-empty"
    assert await refused(type="quiz", correct_option_ids=[2]) == "Wrong quiz correct_option_id"
    for why in ("W" * 201, "a\nb\nc\nd"):
        too_long = await refused(type="quiz", correct_option_ids=[0], explanation=why)
        assert too_long == "Quiz explanation is too long"


async def test_faults_look_as_they_do_from_outside(
    server: TelegramServer, bot: Bot, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # else a RetryAfter is made with a deprecation warning
    server.fault("flood", method="sendMessage", seconds=3)
    with pytest.raises(RetryAfter, match="Retry in 0:00:03"):
        await bot.send_message(7, "x")
    assert server.requests[-1].answer["parameters"] == {"retry_after": 3}
    server.fault("html", status=502)
    with pytest.raises(NetworkError, match="Bad Gateway"):
        await bot.send_message(7, "x")
    server.fault("hang", seconds=60)
    with pytest.raises(NetworkError, match="Timed out"):
        await bot.send_message(7, "x", read_timeout=0.1)
    server.fault("reset")
    with pytest.raises(NetworkError):
        await bot.send_message(7, "lost")
    server.fault("reset", taken=True)
    with pytest.raises(NetworkError):
        await bot.send_message(7, "taken")
    server.fault("unauthorized")
    with pytest.raises(InvalidToken):
        await bot.get_me()
    server.fault("conflict", method="getUpdates")
    with pytest.raises(Conflict):
        await bot.get_updates()
    assert [shown.text for shown in ann.screen if shown.by_bot] == ["taken"]
    await server.stop()
    with pytest.raises(NetworkError):
        await bot.get_me()
    await server.start()
    assert (await bot.get_me()).id == 4242


async def test_plain_http_gets_plain_refusals(server: TelegramServer, ann: User) -> None:
    async with aiohttp.ClientSession() as http:

        async def post(path: str, **body: Any) -> tuple[int, str]:
            async with http.post(f"{server.url}/{path}", **body) as response:
                return response.status, (await response.json()).get("description", "")

        sound = f"bot{server.token}"
        assert await post("bot1:x/getMe") == (401, "Unauthorized")
        assert await post("botx/getMe") == (404, "Not Found")
        assert await post(f"{sound}/sendMessage", data={"text": "x"}) == (
            400,
            "Bad Request: chat_id is empty",
        )
        assert await post(f"{sound}/sendMessage", json={"chat_id": 7, "text": "x"}) == (200, "")
        surrogate = (400, "Bad Request: strings must be encoded in UTF-8")
        assert await post(f"{sound}/sendMessage", json={"chat_id": 7, "text": "\ud800"}) == surrogate
        assert await post(f"{sound}/sendMessage", data=b"chat_id=7&text=%ff") == surrogate
        assert (await post(f"{sound}/sendInvoice"))[0] == 501
        big = aiohttp.FormData({"chat_id": "7"})
        big.add_field("document", io.BytesIO(bytes(52 * 2**20)), filename="big.bin")
        assert await post(f"{sound}/sendDocument", data=big) == (413, "Request Entity Too Large")


@pytest.mark.skipif(
    not os.environ.get("VIVA_SPECS"), reason="VIVA_SPECS names no folder with the Bot API's spec"
)
async def test_the_checker_finds_what_the_spec_forbids(server: TelegramServer, bot: Bot, ann: User) -> None:
    spec = load_spec()
    assert spec
    sent = await bot.send_message(7, "<b>x</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    await sent.edit_reply_markup(None)
    await bot.send_media_group(7, [InputMediaDocument(b"a"), InputMediaDocument(b"b")])
    await bot.get_updates(timeout=0, allowed_updates=["message", "callback_query"])
    assert violations(server.requests, spec) == []
    button = {"text": "x", "callback_data": "y" * 65}
    bad = [
        Call(method="sendMesage", params={}),
        Call(method="sendMessage", params={"chat_id": "7", "txt": "x"}),
        Call(method="sendMessage", params={"chat_id": "7", "text": "x" * 4097, "protect_content": "perhaps"}),
        Call(method="sendMessage", params={"chat_id": "7", "text": "x", "reply_markup": json.dumps({"inline_keyboard": [[button]]})}),
        Call(method="sendMessage", params={"chat_id": "7", "text": "x", "reply_parameters": '{"message_id": "4"}'}),
        Call(method="sendDocument", params={"chat_id": "7"}, files={"f": Upload(name="f", mime="", content=b"x")}),
    ]  # fmt: skip
    assert sorted(violations(bad, spec)) == [
        "sendDocument (request 6): file 'f' belongs to no parameter",
        "sendDocument (request 6): required parameter 'document' is missing",
        "sendMesage (request 1): no such method",
        "sendMessage (request 2): required parameter 'text' is missing",
        "sendMessage (request 2): unknown parameter 'txt'",
        "sendMessage (request 3): protect_content: expected Boolean, got text that is not JSON",
        "sendMessage (request 3): text: 4097 UTF-16 units are not within 1 to 4096",
        "sendMessage (request 4): reply_markup: callback_data of 'x' has 65 bytes",
        "sendMessage (request 5): reply_parameters.message_id: expected Integer, got str",
    ]


async def test_it_can_be_driven_by_lines_as_a_process_of_its_own() -> None:
    """A script talks to the bot through stdin, and over HTTP at /driver."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.telegram_server", "--port", "0",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    url, token = (word.split("=")[1] for word in (await process.stdout.readline()).decode().split())
    process.stdin.write(b"7 say hello\\nworld\n7 screen\n")
    assert (await process.stdout.readline(), await process.stdout.readline()) == (
        b"User 7: hello\n",
        b"      world\n",
    )
    async with Bot(token, base_url=f"{url}/bot") as bot, aiohttp.ClientSession() as http:
        await bot.send_message(7, "Hi", reply_markup=KEYBOARD)
        async with http.post(f"{url}/driver", data="7 wait 1\n7 press Skip\n7 dance") as response:
            assert (
                await response.text()
                == "Viva: Hi\n      [Hint] [Skip]\nok\n? no act 'dance' (line: '7 dance')\n"
            )
        assert (await bot.get_updates())[-1].callback_query is not None
        options = ["Yes", "No"]
        await bot.send_poll(7, "Now?", options, type="quiz", correct_option_ids=[0], is_anonymous=False)
        async with http.post(f"{url}/driver", data="7 wait 1\n7 vote 2\n7 vote 1") as response:
            assert await response.text() == (
                "Viva: <poll Now? | 1 Yes | 2 No>\nok\n? answered already, and for good (line: '7 vote 1')\n"
            )
        answer = (await bot.get_updates())[-1].poll_answer
        assert answer
        assert answer.option_ids == (1,)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0
