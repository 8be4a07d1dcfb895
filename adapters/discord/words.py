"""The dictionary itself: what came from Discord becomes events, a message becomes payloads. Nothing is sent here.

Payloads are as in Discord's documentation. No view or callback is kept for a button: its custom_id is the choice's id,
so each one works after any restart.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

import discord
import msgspec

from adapters import markup
from adapters.files import NOTHING, Reading
from bot.commands import COMMANDS
from bot.events import FromStudent, Identity, Pressed, Said, Shared
from bot.messages import Address, Choice, Message
from bot.sentences import SENTENCES, label, say

PLATFORM = "discord"
IN_SERVERS = ("interview", "learn", "progress", "help")  # registered there; all else in direct messages only
MOVES = "interview"  # begun in a server, it goes on in direct messages
WRITE, WRITTEN = (
    "discord:write",
    "discord:written",
)  # the button that opens the text window; what the window sends
PASTE = "message.txt"  # what Discord's client makes of a paste over its length limit

BUTTONS_A_ROW = 5  # Discord API, action row
WINDOW_TEXT = 4000  # characters: Discord API, text input
EPHEMERAL = 1 << 6  # message flag: only the one who asked sees it

Json = dict[str, Any]
Kind = Literal["document", "photo", "voice", "sticker", "other"]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """The answer slot of an interaction, as it stands in `Address.via`. `kind`: "private" in direct messages, "server"
    where only the student may see it, "moving" where the answer goes to direct messages if those are open."""

    kind: Literal["private", "server", "moving"]
    until: int  # Unix time
    application: str
    token: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.until}:{self.application}:{self.token}"

    @classmethod
    def of(cls, address: Address) -> "Slot | None":
        """The slot of an address; None when it has none."""
        if not address.via:
            return None
        kind, until, application, token = address.via.split(":", 3)
        fields = {"kind": kind, "until": until, "application": application, "token": token}
        return msgspec.convert(fields, cls, strict=False)


class File(NamedTuple):
    """Something that came with a message."""

    kind: Kind
    name: str = ""
    size: int = 0
    reading: Reading = NOTHING

    @property
    def text(self) -> str | None:
        return self.reading.text


class Heard(NamedTuple):
    """What every event of one update shares. `id`: the snowflake of the message or interaction."""

    id: int
    at: datetime
    user: int
    address: Address

    def common(self, place: int = 0) -> Json:
        """The fields; `place` tells the events of one update apart."""
        return {
            "id": f"d:{self.id}:{place}" if place else f"d:{self.id}",
            "at": self.at,
            "sender": Identity(platform=PLATFORM, user=str(self.user)),
            "address": self.address,
        }


def to_event(heard: Heard, update: "Interaction | str", files: Sequence[File] = ()) -> list[FromStudent]:
    """What an interaction, or the words and files of one message, say: at least one event."""
    if isinstance(update, Interaction):
        return [update.event(heard)]
    words, kept = _words_and_files(update, files)
    events: list[FromStudent] = [
        Shared(
            **heard.common(place), kind=each.kind, name=each.name, size=each.size, **each.reading._asdict()
        )
        for place, each in enumerate(kept)
    ]
    if words or not kept:
        events.append(Said(**heard.common(len(kept)), text=words))
    return events


def _words_and_files(words: str, files: Sequence[File]) -> tuple[str, list[File]]:
    """A paste is words; words beside a file that was read, or should have been, belong to it."""
    pasted = [each.text for each in files if each.name == PASTE and each.text]
    kept = [each for each in files if not (each.name == PASTE and each.text)]
    words = "\n".join(filter(None, [words, *pasted]))
    for place, each in enumerate(kept):
        reading = each.reading
        if words and any(reading):
            both = "\n\n".join(filter(None, [words, reading.text]))
            kept[place] = each._replace(reading=reading._replace(text=both))
            return "", kept
    return words, kept


class Interaction(NamedTuple):
    """A slash command, a pressed button or a sent window. `own`: the message pressed is for the student's eyes only."""

    kind: Literal["command", "press", "window"]
    data: Mapping[str, Any]
    in_server: bool
    message: int | None = None
    own: bool = False

    @classmethod
    def of(cls, given: discord.Interaction) -> "Interaction | None":
        """None for a kind nobody asked for (a ping, a completion of options)."""
        kinds: dict[discord.InteractionType, Literal["command", "press", "window"]] = {
            discord.InteractionType.application_command: "command",
            discord.InteractionType.component: "press",
            discord.InteractionType.modal_submit: "window",
        }
        if given.type not in kinds:
            return None
        in_server, message = given.guild_id is not None, given.message
        return cls(
            kind=kinds[given.type],
            data=cast("Mapping[str, Any]", given.data or {}),
            in_server=in_server,
            message=message.id if message else None,
            own=message is not None and (not in_server or message.flags.ephemeral),
        )

    @property
    def opens_window(self) -> bool:
        return self.kind == "press" and self.data["custom_id"] == WRITE

    @property
    def moves(self) -> bool:
        """Begun in a server, to be gone on with in direct messages."""
        verb = self.data["name"] if self.kind == "command" else str(self.data["custom_id"]).partition(":")[0]
        return self.in_server and verb == MOVES

    @property
    def acknowledgement(self) -> Json:
        """The press of a message of one's own leaves it; anything else shows "thinking …" until it is answered."""
        if self.kind == "press" and self.own:
            return {"type": 6}
        return {"type": 5, "data": {"flags": EPHEMERAL}} if self.in_server else {"type": 5}

    @property
    def slot_kind(self) -> Literal["private", "server", "moving"] | None:
        """None where plain messages answer better: they cannot come twice (`nonce`)."""
        if self.moves:
            return "moving"
        if self.in_server:
            return "server"
        return None if self.kind == "press" else "private"

    def event(self, heard: Heard) -> FromStudent:
        common = heard.common()
        match self.kind:
            case "press":
                # A card for everybody is not edited: the answer is for the one who pressed.
                message = str(self.message) if self.message and self.own else ""
                return Pressed(**common, choice=str(self.data["custom_id"]), message=message)
            case "window":
                return Said(**common, text=_written(self.data))
            case "command":
                words = [str(option.get("value", "")) for option in self.data.get("options", ())]
                return Said(**common, text=" ".join([f"/{self.data['name']}", *words]).strip())


def _written(data: Mapping[str, Any]) -> str:
    inputs = (row["component"] for row in data.get("components", ()) if "component" in row)
    return "\n".join(str(each.get("value", "")) for each in inputs)


def to_message(message: Message, *, window: bool = False) -> list[Json]:
    """Parts, the buttons under the last; none for a text that shows nothing. `window`: with a button that opens the
    text window."""
    choices = (*message.choices, Choice(id=WRITE, label=label("write"))) if window else message.choices
    texts = markup.discord(message.text)
    return [
        {
            "content": text,
            "components": _rows(choices) if place == len(texts) else [],
            "allowed_mentions": {"parse": []},
        }
        for place, text in enumerate(texts, start=1)
    ]


def _rows(choices: tuple[Choice, ...]) -> list[Json]:
    """The first button, the one to press next, stands out; of answers to choose from none does."""
    leads = bool(choices) and choices[0].id.partition(":")[0] not in ("pick", "skip")
    buttons = [
        {"type": 2, "style": 1 if leads and place == 0 else 2, "label": choice.label, "custom_id": choice.id}
        for place, choice in enumerate(choices)
    ]
    starts = range(0, len(buttons), BUTTONS_A_ROW)
    return [{"type": 1, "components": buttons[start : start + BUTTONS_A_ROW]} for start in starts]


def window() -> Json:
    """The text window: one field, in its label."""
    field = {"type": 4, "custom_id": "text", "style": 2, "required": True, "max_length": WINDOW_TEXT}
    labelled = {"type": 18, "label": say("discord.writing"), "component": field}
    return {"custom_id": WRITTEN, "title": label("write"), "components": [labelled]}


def commands() -> list[Json]:
    """Every command word. Contexts: 0 a server, 1 the bot's direct messages; installed in servers only."""
    return [
        {
            "name": word,
            "description": say(f"commands.{word}"),
            "type": 1,
            "contexts": [0, 1] if word in IN_SERVERS else [1],
            "integration_types": [0],
            "options": [
                {"type": 3, "name": "text", "description": argument, "required": False}
                for argument in filter(None, [SENTENCES["arguments"].get(word)])
            ],
        }
        for word in COMMANDS
    ]


def card() -> Message:
    """What a server sees of us, once."""
    return Message(text=say("discord.card"), choices=(Choice(id=f"{MOVES}:", label=label("interview")),))
