"""The dictionary itself: an update becomes an event, a message becomes parts with a keyboard. Nothing is sent here.

Of an update only what is looked at is read. The library's own objects would take ten times as long to make.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from adapters import markup
from adapters.files import NOTHING, Reading
from bot.commands import COMMANDS
from bot.events import FromStudent, Identity, Pressed, Said, Shared
from bot.messages import Address, Choice, Message as Outgoing, plain
from bot.ports import Rendered

CAPTION_LIMIT = 1024  # UTF-16 units of visible text: Telegram Bot API, sendPhoto and sendDocument
# UTF-16 units, which are never fewer than the characters Telegram counts: Telegram Bot API, sendPoll and InputPollOption
QUESTION_LIMIT, OPTION_LIMIT, EXPLANATION_LIMIT = 300, 100, 200
OPTION_COUNT = 2, 12  # Telegram would take one, which is no question
SHORT_LABEL = 14  # characters; two such buttons stand side by side on a narrow phone
PLATFORM = "telegram"

Kind = Literal["document", "photo", "voice", "sticker", "other"]


class User(msgspec.Struct, frozen=True):
    id: int


class Chat(msgspec.Struct, frozen=True):
    id: int
    type: str


class File(msgspec.Struct, frozen=True):
    """A document or a recording. `file_size`: bytes."""

    file_id: str
    file_name: str = ""
    file_size: int = 0


class Message(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """What is none of these (a pinned message, a new title) is no act of a student."""

    message_id: int
    chat: Chat
    sender: User | None = None
    text: str | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    document: File | None = None
    photo: Any = None
    sticker: Any = None
    voice: File | None = None
    audio: File | None = None
    video_note: File | None = None
    animation: Any = None
    video: Any = None
    contact: Any = None
    location: Any = None
    caption: str = ""
    poll: Any = None
    dice: Any = None
    story: Any = None

    @property
    def kind(self) -> Kind | None:
        """What was sent instead of text."""
        if self.photo:
            return "photo"
        if self.voice or self.audio or self.video_note:
            return "voice"
        if self.sticker:
            return "sticker"
        if self.animation:  # comes as a document too, for old clients
            return "other"
        if self.document:
            return "document"
        return (
            "other"
            if any((self.video, self.contact, self.location, self.poll, self.dice, self.story))
            else None
        )

    @property
    def file(self) -> File | None:
        """What may hold words. Recordings made in the app have no name; what they are is fixed."""
        if self.kind == "document":
            return self.document
        for file, name in (
            (self.voice, "voice.oga"),
            (self.audio, "audio.mp3"),
            (self.video_note, "note.mp4"),
        ):
            if file is not None and self.kind == "voice":
                return replace(file, file_name=file.file_name or name)
        return None


class Query(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A pressed button."""

    id: str
    sender: User
    message: Message | None = None
    data: str = ""


class PollAnswer(msgspec.Struct, frozen=True, rename={"sender": "user"}):
    """An answer to a poll; without options it was taken back."""

    poll_id: str
    option_ids: tuple[int, ...]
    sender: User | None = None


class Member(msgspec.Struct, frozen=True):
    status: str

    @property
    def inside(self) -> bool:
        return self.status in ("member", "administrator", "restricted")


class MemberChange(msgspec.Struct, frozen=True):
    chat: Chat
    old_chat_member: Member
    new_chat_member: Member


class Update(msgspec.Struct, frozen=True):
    """One of these is there, unless it is of a kind that was not asked for."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Query | None = None
    poll_answer: PollAnswer | None = None
    my_chat_member: MemberChange | None = None

    @property
    def chat(self) -> Chat | None:
        if self.poll_answer is not None:  # polls go to private chats alone, which have their user's id
            return Chat(self.poll_answer.sender.id, "private") if self.poll_answer.sender else None
        place = (
            self.message
            or self.edited_message
            or self.my_chat_member
            or (self.callback_query and self.callback_query.message)
        )
        return place.chat if place else None

    @property
    def user(self) -> User | None:
        act = self.message or self.edited_message or self.callback_query or self.poll_answer
        return act.sender if act else None


class Quiz(NamedTuple):
    """`choices`: an id for each option. `shown`: parameters of sendPoll."""

    choices: tuple[str, ...]
    shown: dict[str, Any]


class Part(NamedTuple):
    """What one request carries: HTML of at most 4096 UTF-16 units to see, or a file with at most 1024 beneath it, and an
    inline keyboard. `quiz` says the same where Telegram takes it."""

    html: str
    keyboard: dict[str, Any] | None = None
    file: Rendered | None = None
    quiz: Quiz | None = None


def to_event(
    update: Update, *, at: datetime, reading: Reading = NOTHING, choice: str = ""
) -> FromStudent | None:
    """What a student did in their private chat; None for what is nothing to us.
    `reading`: of the update's file; `choice`: the id of what the update's poll was answered with."""
    user, chat = update.user, update.chat
    if user is None or chat is None:
        return None
    event_id = f"t:{update.update_id}"
    sender = Identity(platform=PLATFORM, user=str(user.id))
    address = Address(platform=PLATFORM, chat=str(chat.id))
    query, message = update.callback_query, update.message
    if query is not None and query.message is not None:
        under = str(query.message.message_id)
        return Pressed(id=event_id, at=at, sender=sender, address=address, choice=query.data, message=under)
    if update.poll_answer is not None:
        if not update.poll_answer.option_ids:
            return None
        return Pressed(id=event_id, at=at, sender=sender, address=address, choice=choice)
    if update.edited_message is not None and update.edited_message.text is not None:
        edited = update.edited_message.text
        return Said(id=event_id, at=at, sender=sender, address=address, text=edited, edited=True)
    if message is None:
        return None
    if message.text is not None:
        return Said(id=event_id, at=at, sender=sender, address=address, text=message.text)
    if message.kind is None:
        return None
    file = message.file
    words = "\n".join(part for part in (message.caption, reading.text) if part)
    return Shared(
        id=event_id,
        at=at,
        sender=sender,
        address=address,
        kind=message.kind,
        name=file.file_name if file else "",
        size=file.file_size if file else 0,
        text=words or reading.text,
        read=reading.read,
        unread=reading.unread,
    )


def to_message(message: Outgoing, files: Sequence[Rendered] = ()) -> list[Part]:
    """The parts to be sent one after the other; the buttons stand under the last. One file takes a short text as its
    caption, else files go first."""
    parts = [Part(html) for html in markup.telegram(message.text)]
    captions = markup.telegram(message.text, CAPTION_LIMIT) if len(files) == 1 else []
    if len(captions) == 1:
        parts = [Part(captions[0], file=files[0])]
    else:
        parts = [*(Part("", file=each) for each in files), *parts]
    if parts and message.choices:
        parts[-1] = parts[-1]._replace(keyboard=keyboard(message.choices))
    if len(parts) == 1 and not files:
        parts[0] = parts[0]._replace(quiz=_quiz(message))
    return parts


def _quiz(message: Outgoing) -> Quiz | None:
    """A question as Telegram's own quiz; None when there is none, it does not fit, or the text says more than it would.

    What stands before the question goes into the question, not into the poll's description: that came with Bot API 9.6,
    and an older app need not show it.
    """
    poll = message.poll
    if poll is None or not poll.choices:
        return None
    opening, found, rest = message.text.partition(plain(poll.question))
    if not found or not rest.endswith(plain(poll.choices[-1].label)):
        return None
    question = "\n\n".join(filter(None, [markup.plain(opening).strip(), _line(poll.question)]))
    options, why = [_line(choice.label) for choice in poll.choices], _line(poll.why)
    fewest, most = OPTION_COUNT
    if not (
        fewest <= len(options) <= most
        and 0 < _units(question) <= QUESTION_LIMIT
        and all(0 < _units(option) <= OPTION_LIMIT for option in options)
        and _units(why) <= EXPLANATION_LIMIT
    ):
        return None
    choices = tuple(choice.id for choice in poll.choices)
    beneath = tuple(choice for choice in message.choices if choice.id not in choices)
    shown = {
        "question": question,
        "options": [{"text": option} for option in options],
        "type": "quiz",
        "correct_option_ids": [poll.right],
        "explanation": why or None,
        "is_anonymous": False,  # of an anonymous poll no answer is told
        "allows_revoting": False,
        "protect_content": True,  # whoever gets a poll forwarded can answer it in the student's stead
        "reply_markup": keyboard(beneath) if beneath else None,
    }
    return Quiz(choices, shown)


def _line(text: str) -> str:
    return " ".join(text.split())


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def keyboard(choices: tuple[Choice, ...]) -> dict[str, Any]:
    """An inline keyboard: two short buttons a row, a long one by itself."""
    rows: list[list[dict[str, str]]] = []
    room = False
    for choice in choices:
        button = {"text": choice.label, "callback_data": choice.id}
        short = len(choice.label) <= SHORT_LABEL
        if short and room:
            rows[-1].append(button)
        else:
            rows.append([button])
        room = short and not room
    return {"inline_keyboard": rows}


def asks_in_group(update: Update, username: str) -> bool:
    """Whether somebody in a group means this bot: it was let in, mentioned, or given one of its commands."""
    if change := update.my_chat_member:
        return change.new_chat_member.inside and not change.old_chat_member.inside
    text = (update.message and update.message.text) or ""
    if f"@{username}".lower() in text.lower():
        return True
    words = text.split(maxsplit=1)
    return text.startswith("/") and words[0].removeprefix("/") in COMMANDS
