"""What a simulated term leaves behind: for each student what they did, what was decided, and what they saw, in order.

`bench/term.py` writes it, `bench/_checks.py` reads it. Nothing in it is looked up later: whatever a check needs to know of
a moment was noted at that moment.
"""

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from bot.conversation import Commitment, Nudged, Profile
from bot.documents import Write
from bot.questions import Grade
from bot.streaks import Streak


class Did(msgspec.Struct, kw_only=True):
    """The student said or pressed something. `right`: whether it answers a quiz question rightly."""

    at: datetime
    mark: str
    text: str = ""
    choice: str = ""
    right: bool | None = None


class Standing(msgspec.Struct, kw_only=True):
    """How things stand after a turn. `zone`: the one the bot goes by; `floor`: the stage's name. `waiting`: row and time
    of each nudge that waits, `queued`: of each time the store would sweep."""

    profile: Profile
    zone: str
    ignored: int
    unreachable: bool
    nudge: Nudged | None
    streak: Streak | None
    commitment: Commitment | None
    floor: str
    waiting: tuple[tuple[str, datetime], ...]
    queued: tuple[tuple[str, datetime], ...]


class Turned(msgspec.Struct, kw_only=True):
    """A turn was committed. `mark`: of the event it answers; `writes`: of documents; `nudges`: ids of its deliveries that
    nobody asked for."""

    at: datetime
    mark: str
    standing: Standing
    writes: tuple[Write, ...]
    nudges: tuple[str, ...]


class Saw(msgspec.Struct, kw_only=True):
    """A message was shown; with `unseen` it went to a chat that takes none."""

    at: datetime
    platform: str
    id: str
    kind: str
    text: str
    choices: tuple[str, ...]
    unseen: bool = False


class Fell(msgspec.Struct, kw_only=True):
    """A sweep begins, and this row is due. `mark`: of the event that makes."""

    at: datetime
    row: str
    due: datetime
    mark: str


class Stored(msgspec.Struct, kw_only=True):
    """A document of `learning_paths` as it stands in the store after a turn that wrote to it."""

    at: datetime
    packed: bytes

    @classmethod
    def of(cls, at: datetime, text: str) -> "Stored":
        """From its JSON."""
        return cls(at=at, packed=zlib.compress(text.encode(), 1))

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = msgspec.json.decode(zlib.decompress(self.packed))
        return found


Entry = Did | Turned | Saw | Fell | Stored


class Diary(msgspec.Struct, kw_only=True):
    """Of one student. `final`: their documents at the end, by collection."""

    name: str
    student: str
    entries: list[Entry] = []
    final: dict[str, list[dict[str, Any]]] = {}

    def shown(self) -> Iterator[Saw]:
        """What they saw, without what reached nobody."""
        return (each for each in self.entries if isinstance(each, Saw) and not each.unseen)


class Term(msgspec.Struct, kw_only=True):
    """All of it. `outage`: from and until; `words`: the grade of an answer to a question; `left`: deliveries that still
    wait in an outbox at the end."""

    begin: datetime
    end: datetime
    outage: tuple[datetime, datetime]
    diaries: list[Diary]
    words: dict[tuple[str, str], Grade] = {}
    left: int = 0
    seconds: float = 0.0
