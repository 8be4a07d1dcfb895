"""People on a test Discord: they write, press, use slash commands, fill in windows, close their direct messages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simcord.backend import serializers
from simcord.backend.models import Channel, Guild, Interaction, Message, MessageSticker
from simcord.backend.permissions import flag
from simcord.components import walk_components
from simcord.interactions import base_payload

if TYPE_CHECKING:
    from tests.discord_server import DiscordServer

VOICE = 1 << 13  # message flag
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
COMMAND, PRESS, WINDOW = 2, 3, 5  # interaction types


class CannotDo(Exception):
    """What no client would let a person do: a button that is not there, a command not registered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot as one person sees it."""

    message: Message

    @property
    def text(self) -> str:
        """As read: a backslash before a mark is not shown."""
        return _ESCAPED.sub(r"\1", self.message.content)

    @property
    def buttons(self) -> dict[str, str]:
        """Label to custom_id."""
        found = [each for each in walk_components(self.message.components) if each.get("type") == 2]
        return {str(each["label"]): str(each["custom_id"]) for each in found}

    @property
    def ephemeral(self) -> bool:
        return self.message.is_ephemeral

    @property
    def thinking(self) -> bool:
        return bool(self.message.flags & (1 << 7))

    def __str__(self) -> str:
        buttons = "".join(f" [{name}]" for name in self.buttons)
        return f"{self.text or '(thinking …)'}{buttons}{' (only you see this)' if self.ephemeral else ''}"


class Person:
    """Somebody with the bot's direct messages open, and perhaps a server."""

    def __init__(self, server: "DiscordServer", name: str) -> None:
        self._server = server
        self._backend = server.backend
        self.name = name
        self.id = server.backend.make_user(name).id
        self.dm = server.backend.get_dm_channel(self.id)
        self.window: Interaction | None = None

    def say(
        self, text: str, *, files: Sequence[tuple[str, bytes]] = (), voice: bool = False, sticker: str = ""
    ) -> Message:
        """In direct messages."""
        stickers = [MessageSticker(id=1, name=sticker, format_type=1, guild_id=0)] if sticker else []
        return self._backend.create_message(
            self.dm.id,
            self.id,
            text,
            attachments=self._backend.store_attachments(self.dm.id, files),
            stickers=stickers,
            flags=VOICE if voice else 0,
        )

    def edit(self, message: Message, text: str) -> Message:
        """Words of one's own, written anew."""
        return self._backend.edit_message(message.channel_id, message.id, {"content": text})

    def slash(self, name: str, text: str = "", *, at: Channel | None = None) -> Interaction:
        """In direct messages, or in a channel of a server."""
        channel = at or self.dm
        offered = self._backend.visible_commands(user_id=self.id, channel_id=channel.id)
        command = next((each for each in offered if each["name"] == name), None)
        if command is None:
            raise CannotDo(f"/{name} is not offered here")
        options = [
            {"type": 3, "name": option["name"], "value": text} for option in command["options"] if text
        ]
        data = {"id": command["id"], "name": name, "type": 1, "options": options}
        return self._interact(COMMAND, channel, data)

    def press(self, label: str, *, under: Message | None = None) -> Interaction:
        """The newest button of that name (or custom_id) this person sees, or the one under a message of any age."""
        for seen in [Seen(under)] if under else reversed(self.screen):
            choice = seen.buttons.get(label, label if label in seen.buttons.values() else "")
            if choice:
                return self.press_id(choice, under=seen.message)
        raise CannotDo(f"no button {label!r}")

    def press_id(self, choice: str, *, under: Message) -> Interaction:
        """A button by its custom_id, also one of long ago."""
        channel = self._backend.get_channel(under.channel_id)
        shown = dict(serializers.message_payload(self._backend, under))
        data = {"custom_id": choice, "component_type": 2}
        return self._interact(PRESS, channel, data, message=shown, source=under.id)

    def write(self, text: str) -> Interaction:
        """Fill in the window that stands open, and send it."""
        opener = self.window
        if opener is None or opener.modal is None:
            raise CannotDo("no window is open")
        self.window = None
        label = opener.modal["components"][0]
        field = {"type": 4, "custom_id": label["component"]["custom_id"], "value": text}
        data = {"custom_id": opener.modal["custom_id"], "components": [{"type": 18, "component": field}]}
        channel = self._backend.get_channel(opener.channel_id)
        return self._interact(WINDOW, channel, data, source=opener.source_message_id)

    def close_dms(self) -> None:
        self._server.closed_to_bot.add(self.dm.id)

    def open_dms(self) -> None:
        self._server.closed_to_bot.discard(self.dm.id)

    @property
    def screen(self) -> list[Seen]:
        """What the bot showed this person, oldest first, wherever."""
        bot = self._backend.bot_user.id
        return sorted(
            (
                Seen(message)
                for channel in self._channels()
                for message in self._backend.messages[channel].values()
                if message.author_id == bot and message.visible_to(self.id)
            ),
            key=lambda seen: seen.message.id,
        )

    @property
    def last(self) -> Seen:
        return self.screen[-1]

    def _channels(self) -> list[int]:
        guilds = [guild for guild in self._backend.guilds.values() if self.id in guild.members]
        return [self.dm.id, *(channel for guild in guilds for channel in guild.channel_ids)]

    def _interact(
        self,
        kind: int,
        channel: Channel,
        data: dict[str, Any],
        *,
        message: Any = None,
        source: int | None = None,
    ) -> Interaction:
        record, payload = base_payload(
            self._backend,
            type=kind,
            channel_id=channel.id,
            guild_id=channel.guild_id,
            user_id=self.id,
            data=data,
        )
        record.source_message_id = source
        if message is not None:
            payload["message"] = message
        self._server.shown_to[record.id] = self
        self._backend.emit("INTERACTION_CREATE", payload)
        return record


class Place:
    """A server with one channel, the bot in it."""

    def __init__(
        self,
        server: "DiscordServer",
        name: str,
        *,
        channels: Sequence[str] = ("general",),
        mute: Sequence[str] = (),
        new: bool = False,
    ) -> None:
        """The first of `channels` is the system channel; in those of `mute` the bot may not write. `new`: the bot was
        invited just now, else long ago."""
        backend = server.backend
        with server.silence():
            self.guild: Guild = backend.create_guild(name)
            self.channels = {each: backend.create_channel(self.guild.id, each) for each in channels}
            self.guild.system_channel_id = self.channel.id
            for each in mute:
                server.forbid(self.channels[each], flag("send_messages"))
        if not new:
            self.guild.members[backend.bot_user.id].joined_at = "2020-01-01T00:00:00+00:00"
        self._backend = backend
        backend.emit("GUILD_CREATE", serializers.guild_create_payload(backend, self.guild))

    @property
    def channel(self) -> Channel:
        return next(iter(self.channels.values()))

    def admit(self, person: Person) -> None:
        self._backend.add_member(self.guild.id, person.id)

    def posts(self, channel: str = "") -> list[Seen]:
        """What everybody sees in a channel."""
        where = self.channels[channel] if channel else self.channel
        return [Seen(each) for each in self._backend.messages[where.id].values() if not each.is_ephemeral]
