"""The people in a test Telegram: what they see on their screens and what they do with their clients.

No test logic here and no HTTP; the server in tests/telegram_server.py carries what they do to the bot.
"""

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.telegram_spec import MESSAGE_UNITS, Upload
from tests.telegram_text import Json, clean, formatted, utf16_slice

if TYPE_CHECKING:
    from tests.telegram_messages import Messages


class Shown:
    """A message as it stood on the screen when it was looked at."""

    def __init__(self, raw: Json, *, edited: bool = False, upload: Upload | None = None) -> None:
        self.raw, self.edited, self.upload = copy.deepcopy(raw), edited, upload
        self.id: int = raw["message_id"]
        self.by_bot: bool = raw["from"]["is_bot"]
        self.text: str = raw.get("text") or raw.get("caption") or ""
        rows = raw.get("reply_markup", {}).get("inline_keyboard", [])
        self.buttons: dict[str, str] = {
            b["text"]: b.get("callback_data") or b.get("url", "") for r in rows for b in r
        }

    def spans(self, kind: str) -> list[str]:
        """The parts of the text that carry an entity of this type ("bold", "code", "text_link")."""
        entities = self.raw.get("entities") or self.raw.get("caption_entities") or []
        return [utf16_slice(self.text, e["offset"], e["length"]) for e in entities if e["type"] == kind]

    def __str__(self) -> str:
        kinds = ("photo", "document", "voice", "sticker", "poll")
        held = [f"<{k} {_name(self.raw[k])}>".replace(" >", ">") for k in kinds if k in self.raw]
        text = " ".join([*held, self.text]).strip()
        lines = [f"{self.raw['from']['first_name']}: {text}".replace("\n", "\n      ")]
        if self.buttons:
            lines.append("      " + " ".join(f"[{label}]" for label in self.buttons))
        return "\n".join(lines)


@dataclass(slots=True)
class Press:
    """A pressed button; `answer` is what the bot told the client with answerCallbackQuery, None so far."""

    id: str
    data: str
    answer: Json | None = None


@dataclass(slots=True)
class Chat:
    """A private chat or a group. `news`: what the bot sent or edited and nobody has looked at yet."""

    server: "Messages"
    info: Json
    ids: Iterator[int]
    members: dict[int, str] = field(default_factory=dict)  # the bot's and people's status
    messages: dict[int, Json] = field(default_factory=dict)
    news: deque[Shown] = field(default_factory=deque)
    threads: set[int] = field(default_factory=set)

    @property
    def screen(self) -> list[Shown]:
        return [Shown(raw, upload=self.server.upload_of(raw)) for raw in self.messages.values()]

    @property
    def transcript(self) -> str:
        return "\n".join(map(str, self.screen))

    async def next(self, within: float = 5.0) -> Shown:
        """The oldest message or edit of the bot not looked at yet; waits for it."""
        await self.server.until(
            lambda: bool(self.news), within, f"the bot says something in\n{self.transcript}"
        )
        return self.news.popleft()

    def add_bot(self, by: "User") -> None:
        self._bot_becomes("member", by)

    def remove_bot(self, by: "User") -> None:
        self._bot_becomes("kicked", by)

    def _bot_becomes(self, status: str, by: "User") -> None:
        server = self.server
        before = self.members.get(server.me["id"], "left")
        self.members[server.me["id"]] = status
        change: Json = {"chat": self.info, "from": by.info, "date": server.date()}
        change["old_chat_member"] = member(server.bot_user, before)
        change["new_chat_member"] = member(server.bot_user, status)
        server.update("my_chat_member", change, queue=self.info["id"])


class User:
    """A person with a Telegram client. Without `chat`, what they do is in their private chat with the bot."""

    def __init__(self, server: "Messages", info: Json) -> None:
        self.server, self.info, self.id = server, info, int(info["id"])
        self.chat = Chat(
            server,
            {"id": self.id, "type": "private", **without(info, "id", "is_bot", "language_code")},
            server.common_ids,
            {self.id: "member", server.me["id"]: "member"},
        )
        self.deactivated = False

    @property
    def screen(self) -> list[Shown]:
        return self.chat.screen

    @property
    def transcript(self) -> str:
        return self.chat.transcript

    async def next(self, within: float = 5.0) -> Shown:
        return await self.chat.next(within)

    async def ask(self, text: str, within: float = 5.0) -> Shown:
        """Says it and returns the bot's next message; what came before counts as read."""
        self.chat.news.clear()
        self.say(text)
        return await self.next(within)

    async def tap(self, label: str, within: float = 5.0) -> Shown:
        """Presses and returns the bot's next message or edit; what came before counts as read."""
        self.chat.news.clear()
        self.press(label)
        return await self.next(within)

    def say(
        self, text: str, *, chat: Chat | None = None, reply_to: int | None = None, thread: int | None = None
    ) -> int:
        """The id of the message; a text over the limit goes out in pieces, as clients do it."""
        rest = clean(text).strip(" \n")
        assert rest, "a client does not send an empty message"
        sent = 0
        while rest:
            piece = rest.encode("utf-16-le")[: 2 * MESSAGE_UNITS].decode("utf-16-le", errors="ignore")
            rest = rest[len(piece) :]
            words, entities = formatted(piece)
            sent = self._send(present(text=words, entities=entities), chat, reply_to, thread)
        return sent

    def send_document(
        self,
        name: str,
        content: bytes,
        *,
        mime: str = "application/octet-stream",
        caption: str = "",
        size: int | None = None,
        chat: Chat | None = None,
    ) -> int:
        """`size`: what the file claims to weigh, for files too big to make."""
        document = self.server.store("document", Upload(name=name, mime=mime, content=content), size)
        return self._send(present(document=document, caption=caption), chat)

    def send_photo(self, content: bytes, *, caption: str = "", chat: Chat | None = None) -> int:
        sizes = self.server.store("photo", Upload(name="photo.jpg", mime="image/jpeg", content=content))
        return self._send(present(photo=sizes, caption=caption), chat)

    def send_voice(self, content: bytes = b"OggS", *, seconds: int = 3, chat: Chat | None = None) -> int:
        voice = self.server.store("voice", Upload(name="voice.oga", mime="audio/ogg", content=content))
        return self._send({"voice": {**without(voice, "file_name"), "duration": seconds}}, chat)

    def send_sticker(self, emoji: str = "👍", *, chat: Chat | None = None) -> int:
        sticker = self.server.store(
            "sticker", Upload(name="sticker.webp", mime="image/webp", content=b"RIFF")
        )
        flags = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return self._send(
            {"sticker": {**without(sticker, "file_name", "mime_type"), **flags, "emoji": emoji}}, chat
        )

    def edit(self, text: str, *, message: int | None = None, chat: Chat | None = None) -> None:
        """Changes a text of one's own, by default the last one."""
        place = chat or self.chat
        mine = [m for m in place.messages.values() if m["from"]["id"] == self.id and "text" in m]
        raw = place.messages[message] if message is not None else mine[-1]
        raw["text"], raw["entities"] = formatted(text)
        raw["edit_date"] = self.server.date()
        if not raw["entities"]:
            del raw["entities"]
        self.server.update("edited_message", raw, queue=place.info["id"])

    def press(
        self, button: str, *, message: int | None = None, chat: Chat | None = None, deleted: bool = False
    ) -> Press:
        """Presses a button by its label or callback data, on the newest message that has it.

        `deleted`: the update tells of the message only that it exists no more.
        """
        place = chat or self.chat
        candidates = (
            [place.messages[message]] if message is not None else list(reversed(place.messages.values()))
        )
        for raw in candidates:
            for label, data in Shown(raw).buttons.items():
                if button in (label, data):
                    return self._pressed(place, raw, data, deleted=deleted)
        raise AssertionError(f"no button {button!r} on the screen:\n{place.transcript}")

    def vote(self, *options: int, message: int | None = None) -> None:
        """Answers a poll, by default the newest in the private chat. A quiz takes one answer."""
        polls = [m for m in self.chat.messages.values() if "poll" in m and message in (None, m["message_id"])]
        poll = polls[-1]["poll"]
        assert poll["allows_revoting"] or not poll["total_voter_count"], "answered already, and for good"
        assert poll["allows_multiple_answers"] or len(options) == 1, "one option"
        for option in options:
            poll["options"][option]["voter_count"] += 1
        poll["total_voter_count"] += 1
        self.server.update("poll", poll, queue=0)
        if not poll["is_anonymous"]:
            chosen = [poll["options"][i]["persistent_id"] for i in options]
            answer = {"poll_id": poll["id"], "user": self.info, "option_ids": list(options)}
            self.server.update("poll_answer", {**answer, "option_persistent_ids": chosen}, queue=self.id)

    def block(self) -> None:
        self.chat._bot_becomes("kicked", self)

    def unblock(self) -> None:
        self.chat._bot_becomes("member", self)

    def _pressed(self, place: Chat, raw: Json, data: str, *, deleted: bool) -> Press:
        server = self.server
        press = Press(str(next(server.serial) + 10**17), data)
        server.queries[press.id] = press
        gone = {"chat": raw["chat"], "message_id": raw["message_id"], "date": 0}
        query = {"id": press.id, "from": self.info, "message": gone if deleted else raw, "data": data}
        server.update("callback_query", {**query, "chat_instance": str(place.info["id"])}, queue=self.id)
        return press

    def _send(
        self, content: Json, chat: Chat | None, reply_to: int | None = None, thread: int | None = None
    ) -> int:
        place, server = chat or self.chat, self.server
        bot_status = place.members.get(server.me["id"], "left")
        assert place is not self.chat or bot_status == "member", "who has blocked the bot cannot write to it"
        server.chats[place.info["id"]] = place
        raw: Json = {
            "message_id": next(place.ids),
            "from": self.info,
            "chat": place.info,
            "date": server.date(),
        }
        if thread is not None:
            raw |= {"message_thread_id": thread, "is_topic_message": True}
        if reply_to is not None:
            raw["reply_to_message"] = without(place.messages[reply_to], "reply_to_message")
        place.messages[raw["message_id"]] = raw | content
        if bot_status == "member" and server.hears(place, raw | content):
            server.update("message", raw | content, queue=place.info["id"])
        return int(raw["message_id"])


def member(info: Json, status: str) -> Json:
    return {"status": status, "user": info} | ({"until_date": 0} if status == "kicked" else {})


def _name(held: Any) -> str:
    if isinstance(held, list):
        return f"{held[-1]['width']}x{held[-1]['height']}"
    if "options" in held:
        options = [f"{number} {option['text']}" for number, option in enumerate(held["options"], 1)]
        return " | ".join([held["question"], *options])
    return str(held.get("file_name") or held.get("emoji") or "")


def present(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value}


def without(values: Json, *names: str) -> Json:
    return {name: value for name, value in values.items() if name not in names}
