"""What comes in: the neutral events an engine turn answers. Time, ids and chance are values on them.

An adapter makes `Said`, `Pressed` and `Shared`; the shell makes the others.
"""

from datetime import datetime
from typing import Literal

import msgspec

from bot.files import NotFetched, Unheard, Unread
from bot.growth import Growth
from bot.judging import Judgement
from bot.messages import Address
from bot.questions import Grade


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a platform says this is; leads to one student."""

    platform: str
    user: str


class _FromStudent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`id`: the same for the same event whenever it is delivered again. `at`: aware UTC.
    `zone_hint`: an IANA zone the platform suggests (only the terminal knows one)."""

    id: str
    at: datetime
    sender: Identity
    address: Address
    zone_hint: str = ""


class Said(_FromStudent, frozen=True, kw_only=True):
    """Text, as written. Commands come as they were typed, with or without the slash. `edited`: in the place of what
    was written before; only code counts then."""

    text: str
    edited: bool = False


class Pressed(_FromStudent, frozen=True, kw_only=True):
    """A button. `choice` is its id; `message` the platform's id of the message it stands under."""

    choice: str
    message: str = ""


class Shared(_FromStudent, frozen=True, kw_only=True):
    """Something that is not text. `size`: bytes. `text`: the student's words as written, a small text file or what
    stands beside a file, else None. `read`: what was read out of a PDF or Word file, or heard in a recording; `unread`:
    why nothing was, empty also where nobody tried."""

    kind: Literal["document", "photo", "voice", "sticker", "other"]
    name: str = ""
    size: int = 0
    text: str | None = None
    read: str | None = None
    unread: Unread | Unheard | NotFetched | Literal[""] = ""


class Graded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The grader is done with the first `parts` messages of an answer. Later parts make it outdated."""

    id: str
    at: datetime
    attempt: str
    parts: int
    grade: Grade


class Judged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Submission `number` of an attempt has run (`judgement`), or its growth was measured (`growth`). Neither is there
    when it did not come to that: nothing can run it here, too many wait, it took too long, the judge failed."""

    id: str
    at: datetime
    attempt: str
    number: int
    judgement: Judgement | None = None
    growth: Growth | None = None
    refused: Literal["", "cannot_run", "busy", "timeout", "failed"] = ""


class Woke(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The time the conversation had set itself (`wake_at`) has come."""

    id: str
    at: datetime


class NudgeDue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A row of `learning_progress` is due. `id`: `nudge:<row>:<due>`."""

    id: str
    at: datetime
    row: str


class Unreachable(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The platform says for good that this address takes no message (blocked, closed)."""

    id: str
    at: datetime
    address: Address


class SetAside(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An event of the student failed three times and was put aside; it is told in a sentence."""

    id: str
    at: datetime
    event: str
    address: Address


FromStudent = Said | Pressed | Shared
Event = Said | Pressed | Shared | Graded | Judged | Woke | NudgeDue | Unreachable | SetAside
