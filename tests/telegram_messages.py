"""The bot's side of a test Telegram: chats, files and the Bot API's methods on them, with Telegram's refusals.

No HTTP and no updates; those are in tests/telegram_server.py, whose server this class becomes.
"""

import itertools
import json
import re
import struct
from collections.abc import Callable
from typing import Any, Literal

import aiohttp

from tests import telegram_spec as limits
from tests.telegram_people import Chat, Press, Shown, User, member, present, without
from tests.telegram_spec import Call, Upload
from tests.telegram_text import Json, checked_url, formatted, utf16_length
from tests.waiting import WITHIN

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
NO_ACTION = "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
LOOKS = {"text", "style", "icon_custom_emoji_id"}  # what is no action of a button
QUERY_GONE = "query is too old and response timeout expired or query ID is invalid"
ABILITIES = (
    "can_read_all_group_messages supports_guest_queries supports_inline_queries can_connect_to_business "
    "has_main_web_app has_topics_enabled allows_users_to_create_topics can_manage_bots supports_join_request_queries"
).split()
GIFTS = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels".split()
ACTIONS = re.compile(
    "typing|(upload|record)_(photo|video|voice|document|video_note)|choose_sticker|find_location"
)
# Settings of the bot that change nothing a test could see here: taken and answered with true.
TAKEN = {"setmydescription", "setmyshortdescription", "setmyname", "setchatmenubutton", "setmessagereaction"}


class Refusal(Exception):
    """An answer with ok=false. 400 gets Telegram's prefix."""

    def __init__(self, code: int, words: str, **parameters: Any) -> None:
        super().__init__(words)
        prefix = {400: "Bad Request: ", 403: "Forbidden: ", 409: "Conflict: "}.get(code, "")
        self.answer: Json = {"ok": False, "error_code": code, "description": prefix + words}
        if parameters:
            self.answer["parameters"] = parameters


class Params:
    """The parameters of one request, read as Telegram reads them."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def text(self, name: str) -> str:
        value = self.call.params.get(name, "")
        return value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, default: int = 0) -> int:
        try:
            return int(self.text(name) or default)
        except ValueError:
            return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.text(name).lower() in ("true", "1", "yes") if name in self.call.params else default

    def nested(self, name: str) -> Any:
        value = self.call.params.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refusal(400, f"can't parse {name.replace('_', ' ')} JSON object") from error


class Messages:
    """Chats, people, files, pressed buttons and commands; `_do_<method>` answers a method of the Bot API."""

    def __init__(self, *, bot_id: int, name: str, now: Callable[[], float]) -> None:
        self.now = now
        username = f"{name.lower()}_test_bot"
        self.bot_user: Json = {"id": bot_id, "is_bot": True, "first_name": name, "username": username}
        self.me: Json = {**self.bot_user, "can_join_groups": True, **dict.fromkeys(ABILITIES, False)}
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, Press] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}  # by scope and language
        self.serial, self.common_ids = itertools.count(1), itertools.count(1)
        self._files: dict[str, tuple[str, Upload, Any]] = {}  # kind, content, the object messages carry

    def update(self, kind: str, payload: Json, *, queue: int) -> None:
        """Makes an update for the bot."""
        raise NotImplementedError

    async def until(self, condition: Callable[[], bool], within: float = WITHIN, hope: str = "") -> None:
        """Waits for the condition."""
        raise NotImplementedError

    def user(self, number: int, first_name: str = "", *, language: str = "en") -> User:
        """The person with this id; made when first named. The bot cannot write to them before they write."""
        if number not in self.users:
            first_name = first_name or f"User {number}"
            info = {"id": number, "is_bot": False, "first_name": first_name, "language_code": language}
            self.users[number] = User(self, info)
        return self.users[number]

    def group(
        self,
        title: str,
        *people: User,
        kind: Literal["group", "supergroup"] = "supergroup",
        threads: set[int] | None = None,
    ) -> Chat:
        """A group without the bot yet (`add_bot`). `threads` makes it a forum with these message_thread_ids."""
        number = next(self.serial)
        info: Json = {"id": -number if kind == "group" else -(10**12 + number), "type": kind, "title": title}
        ids = self.common_ids if kind == "group" else itertools.count(1)  # a supergroup counts for itself
        if threads:
            info["is_forum"] = True
        chat = Chat(self, info, ids, {person.id: "member" for person in people}, threads=threads or set())
        self.chats[info["id"]] = chat
        return chat

    def expire_queries(self) -> None:
        """Presses not answered yet can no longer be answered."""
        self.queries.clear()

    def date(self) -> int:
        return int(self.now())

    def hears(self, chat: Chat, raw: Json) -> bool:
        """Privacy mode: in groups a bot gets commands, replies to it and mentions."""
        if chat.info["type"] == "private" or self.me["can_read_all_group_messages"]:
            return True
        text, me = raw.get("text", ""), f"@{self.me['username']}"
        to_me = raw.get("reply_to_message", {}).get("from", {}).get("id") == self.me["id"]
        return to_me or me in text or re.match(r"/\w+(?!\w*@)", text) is not None

    def store(self, kind: str, upload: Upload, size: int | None = None) -> Any:
        """Keeps a file and returns what a message shows of it: an object, for photos a list of sizes."""
        number = next(self.serial)
        shown: Any = {
            "file_id": f"{kind}-file-{number}",
            "file_unique_id": f"u{number}",
            "file_size": len(upload.content) if size is None else size,
        }
        if kind == "photo":
            width, height = image_size(upload.content) or (1280, 960)
            shown = [shown | {"width": width, "height": height}]
        else:
            shown |= {"file_name": upload.name, "mime_type": upload.mime}
        self._files[f"{kind}-file-{number}"] = (kind, upload, shown)
        return shown

    def upload_of(self, raw: Json) -> Upload | None:
        for kind in ("photo", "document", "voice", "sticker"):
            if kind in raw:
                shown = raw[kind][-1] if kind == "photo" else raw[kind]
                return self._files[shown["file_id"]][1]
        return None

    async def _do_unknown(self, p: Params) -> bool:
        if p.call.method.lower() in TAKEN:
            return True
        raise Refusal(501, f"the test server has no {p.call.method}")

    async def _do_getme(self, _: Params) -> Json:
        return self.me

    async def _do_setmycommands(self, p: Params) -> bool:
        commands = p.nested("commands") or []
        if any(not limits.COMMAND.fullmatch(c["command"]) for c in commands):
            raise Refusal(400, "BOT_COMMAND_INVALID")
        self.commands[_audience(p)] = commands
        return True

    async def _do_getmycommands(self, p: Params) -> list[Json]:
        return self.commands.get(_audience(p), [])

    async def _do_getchat(self, p: Params) -> Json:
        gifts = dict.fromkeys(GIFTS, True)
        full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
        return self._chat(p).info | full

    async def _do_getchatmember(self, p: Params) -> Json:
        chat, person = self._chat(p), p.number("user_id")
        info = self.bot_user if person == self.me["id"] else getattr(self.users.get(person), "info", None)
        if info is None:
            raise Refusal(400, "PARTICIPANT_ID_INVALID")
        return member(info, chat.members.get(person, "left"))

    async def _do_sendchataction(self, p: Params) -> bool:
        self._writable(p)
        if not ACTIONS.fullmatch(p.text("action")):
            raise Refusal(400, "wrong parameter action in request")
        return True

    async def _do_sendmessage(self, p: Params) -> Json:
        return self._post(p, self._text(p))

    async def _do_senddocument(self, p: Params) -> Json:
        return self._post(p, {"document": await self._media(p, "document"), **self._caption(p)})

    async def _do_sendphoto(self, p: Params) -> Json:
        return self._post(p, {"photo": await self._media(p, "photo"), **self._caption(p)})

    async def _do_sendmediagroup(self, p: Params) -> list[Json]:
        items = p.nested("media") or []
        if not 2 <= len(items) <= 10:
            raise Refusal(400, f"{'too few' if len(items) < 2 else 'too many'} messages to send as an album")
        kinds = {item["type"] for item in items}
        if len(kinds) > 1 or not kinds <= {"photo", "document"}:
            raise Refusal(400, "can't use the media of the specified type in the album")
        album, contents = str(10**16 + next(self.serial)), []
        for item in items:  # all are read before one is sent
            each = Params(Call(method=p.call.method, params={**p.call.params, **item}, files=p.call.files))
            media = await self._media(each, item["type"], "media")
            contents.append((each, {item["type"]: media, **self._caption(each), "media_group_id": album}))
        return [self._post(each, content) for each, content in contents]

    async def _do_sendpoll(self, p: Params) -> Json:
        question, _ = formatted(p.text("question"), p.text("question_parse_mode"))
        options = [formatted(o["text"])[0] for o in p.nested("options") or []]
        if not question:
            raise Refusal(400, "poll question must be non-empty")
        if utf16_length(question) > 300:
            raise Refusal(400, "poll question length must not exceed 300")
        if not options:
            raise Refusal(400, "poll must have at least one answer option")
        if len(options) > 12:
            raise Refusal(400, "poll can't have more than 12 options")
        if not all(options):
            raise Refusal(400, "poll options must be non-empty")
        if any(utf16_length(option) > 100 for option in options):
            raise Refusal(400, "poll options length must not exceed 100")
        poll: Json = {
            "id": str(10**16 + next(self.serial)),
            "question": question,
            "total_voter_count": 0,
            "options": [
                {"persistent_id": str(i), "text": o, "voter_count": 0} for i, o in enumerate(options)
            ],
            "is_closed": False,
            "is_anonymous": p.flag("is_anonymous", default=True),
            "members_only": False,
            "type": p.text("type") or "regular",
            "allows_multiple_answers": p.flag("allows_multiple_answers"),
            "allows_revoting": p.flag("allows_revoting", default=p.text("type") != "quiz"),
        }
        if poll["type"] == "quiz":
            poll |= self._answer_of_quiz(p, len(options))
        return self._post(p, {"poll": poll})

    @staticmethod
    def _answer_of_quiz(p: Params, options: int) -> Json:
        right = p.nested("correct_option_ids") or []
        if not right:
            raise Refusal(400, "correct quiz option list must be non-empty")
        if not all(0 <= each < options for each in right):
            raise Refusal(400, "wrong quiz correct_option_id")
        why, entities = formatted(p.text("explanation"), p.text("explanation_parse_mode"))
        if utf16_length(why) > 200 or why.count("\n") > 2:
            raise Refusal(400, "quiz explanation is too long")  # words of ours: Telegram's are not public
        return {"correct_option_ids": right, **present(explanation=why, explanation_entities=entities)}

    async def _do_editmessagetext(self, p: Params) -> Json:
        return self._edit(p, "text", self._text(p, "MESSAGE_TOO_LONG"))

    async def _do_editmessagecaption(self, p: Params) -> Json:
        return self._edit(p, "caption", self._caption(p))

    async def _do_editmessagereplymarkup(self, p: Params) -> Json:
        return self._edit(p, "reply_markup", {})

    async def _do_deletemessage(self, p: Params) -> bool:
        chat = self._chat(p)
        raw = chat.messages.get(p.number("message_id"))
        if raw is None:
            raise Refusal(400, "message to delete not found")
        if chat.info["type"] != "private" and raw["from"]["id"] != self.me["id"]:
            raise Refusal(400, "message can't be deleted")
        del chat.messages[raw["message_id"]]
        return True

    async def _do_answercallbackquery(self, p: Params) -> bool:
        if utf16_length(p.text("text")) > 200:
            raise Refusal(400, "MESSAGE_TOO_LONG")
        if (press := self.queries.pop(p.text("callback_query_id"), None)) is None:
            raise Refusal(400, QUERY_GONE)
        press.answer = {"text": p.text("text"), "show_alert": p.flag("show_alert")}
        return True

    async def _do_getfile(self, p: Params) -> Json:
        if (kept := self._files.get(p.text("file_id"))) is None:
            raise Refusal(400, "invalid file_id")
        kind, upload, shown = kept
        shown = shown[-1] if kind == "photo" else shown
        if shown["file_size"] > limits.DOWNLOAD_BYTES:
            raise Refusal(400, "file is too big")
        suffix = f".{upload.name.rsplit('.', 1)[-1]}" if "." in upload.name else ""
        plain = {name: shown[name] for name in ("file_id", "file_unique_id", "file_size")}
        return plain | {"file_path": f"{kind}s/{shown['file_id']}{suffix}"}

    def _chat(self, p: Params) -> Chat:
        if not (name := p.text("chat_id")):
            raise Refusal(400, "chat_id is empty")
        try:
            return self.chats[int(name)]
        except (KeyError, ValueError):
            raise Refusal(400, "chat not found") from None

    def _writable(self, p: Params) -> Chat:
        chat = self._chat(p)
        kind, status = chat.info["type"], chat.members.get(self.me["id"], "left")
        if kind == "private":
            if self.users[chat.info["id"]].deactivated:
                raise Refusal(403, "user is deactivated")
            if status != "member":
                raise Refusal(403, "bot was blocked by the user")
        elif status == "kicked":
            raise Refusal(403, f"bot was kicked from the {kind} chat")
        elif status == "left":
            raise Refusal(403, f"bot is not a member of the {kind} chat")
        thread = p.number("message_thread_id")
        if thread and thread not in chat.threads:
            raise Refusal(400, "message thread not found")
        return chat

    def _text(self, p: Params, too_long: str = "message is too long") -> Json:
        if not p.text("text"):
            raise Refusal(400, "message text is empty")
        text, entities = formatted(p.text("text"), p.text("parse_mode"), p.nested("entities"))
        if not text:
            raise Refusal(400, "text must be non-empty")
        if utf16_length(text) > limits.MESSAGE_UNITS:
            raise Refusal(400, too_long)
        preview = p.nested("link_preview_options")
        return present(text=text, entities=entities, link_preview_options=preview)

    def _caption(self, p: Params) -> Json:
        text, entities = formatted(p.text("caption"), p.text("parse_mode"), p.nested("caption_entities"))
        if utf16_length(text) > limits.CAPTION_UNITS:
            raise Refusal(400, "message caption is too long")
        return present(caption=text, caption_entities=entities)

    async def _media(self, p: Params, kind: str, parameter: str = "") -> Any:
        """What a message shows of the file that a request uploads, names by id or by address."""
        source = p.text(parameter or kind)
        upload = p.call.files.get(source.removeprefix("attach://") if source else kind)
        if upload is None and source.startswith(("http://", "https://")):
            upload = await self._fetch(source)
        if upload is None and source in self._files:
            if (stored := self._files[source][0]) != kind:
                raise Refusal(400, f"can't use file of type {stored.title()} as {kind.title()}")
            return self._files[source][2]
        if upload is None:
            words = (
                "wrong file identifier/HTTP URL specified" if source else f"there is no {kind} in the request"
            )
            raise Refusal(400, words)
        if not upload.content:
            raise Refusal(400, "file must be non-empty")
        most = limits.PHOTO_BYTES if kind == "photo" else limits.UPLOAD_BYTES
        if len(upload.content) > most:
            raise Refusal(413, "Request Entity Too Large")
        if kind == "photo":
            if (size := image_size(upload.content)) is None:
                raise Refusal(400, "IMAGE_PROCESS_FAILED")
            if sum(size) > 10_000 or max(size) > 20 * min(size):
                raise Refusal(400, "PHOTO_INVALID_DIMENSIONS")
        return self.store(kind, upload)

    @staticmethod
    async def _fetch(url: str) -> Upload:
        try:
            async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url) as response:
                name = url.rsplit("/", 1)[-1] or "file"
                return Upload(name=name, mime=response.content_type, content=await response.read())
        except aiohttp.ClientError as error:
            raise Refusal(400, "failed to get HTTP URL content") from error

    def _post(self, p: Params, content: Json) -> Json:
        chat = self._writable(p)
        raw: Json = {"from": self.bot_user, "chat": chat.info, "date": self.date(), **content}
        if thread := p.number("message_thread_id"):
            raw |= {"message_thread_id": thread, "is_topic_message": True}
        if reply := p.nested("reply_parameters"):
            if (original := chat.messages.get(reply["message_id"])) is not None:
                raw["reply_to_message"] = without(original, "reply_to_message")
            elif not reply.get("allow_sending_without_reply"):
                raise Refusal(400, "message to be replied not found")
        if p.flag("protect_content"):
            raw["has_protected_content"] = True
        if keyboard := self._keyboard(p):
            raw["reply_markup"] = keyboard
        raw["message_id"] = next(chat.ids)
        chat.messages[raw["message_id"]] = raw
        chat.news.append(Shown(raw, upload=self.upload_of(raw)))
        return raw

    def _edit(self, p: Params, part: str, content: Json) -> Json:
        chat = self._writable(p)
        if (raw := chat.messages.get(p.number("message_id"))) is None:
            raise Refusal(400, "message to edit not found")
        if raw["from"]["id"] != self.me["id"]:
            raise Refusal(400, "message can't be edited")
        if part == "text" and "text" not in raw:
            raise Refusal(400, "there is no text in the message to edit")
        if part == "caption" and "text" in raw:
            raise Refusal(400, "there is no caption in the message to edit")
        parts = {"text": ("text", "entities"), "caption": ("caption", "caption_entities")}.get(part, ())
        new = without(raw, *parts, "reply_markup") | content
        if keyboard := self._keyboard(p):
            new["reply_markup"] = keyboard
        if new == raw:
            raise Refusal(400, NOT_MODIFIED)
        chat.messages[raw["message_id"]] = new | {"edit_date": self.date()}
        chat.news.append(Shown(new, edited=True, upload=self.upload_of(new)))
        return chat.messages[raw["message_id"]]

    def _keyboard(self, p: Params) -> Json | None:
        """The inline keyboard of the request; other keyboards are the client's and not part of a message."""
        rows = (p.nested("reply_markup") or {}).get("inline_keyboard") or []
        for button in (button for row in rows for button in row):
            if not button.get("text", "").strip():
                raise Refusal(400, "inline keyboard button text must be non-empty")
            data, url = button.get("callback_data"), button.get("url")
            if not any(button[name] for name in button.keys() - LOOKS):
                raise Refusal(400, NO_ACTION)
            if data and len(data.encode()) > limits.CALLBACK_BYTES:
                raise Refusal(400, "BUTTON_DATA_INVALID")
            if url and not checked_url(url):
                raise Refusal(400, f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
        if sum(map(len, rows)) > limits.BUTTONS:
            raise Refusal(400, "reply markup is too long")
        return {"inline_keyboard": [row for row in rows if row]} if any(rows) else None


def _audience(p: Params) -> tuple[str, str]:
    return json.dumps(p.nested("scope") or {"type": "default"}), p.text("language_code")


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG in pixels; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    at = 2 if content.startswith(b"\xff\xd8") else len(content)
    while at + 9 < len(content) and content[at] == 0xFF:
        if 0xC0 <= content[at + 1] <= 0xCF and content[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None
