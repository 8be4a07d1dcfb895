"""What goes out: a message in our small markup, its buttons, and the delivery that carries it to an address.

The markup is CommonMark; each adapter renders it for its platform. Text that is not ours (a student's words, a company's
name) goes through `plain` or `code_block` before it stands in a message.
"""

import re
from datetime import datetime
from typing import Literal

import msgspec

CHOICE_ID_LIMIT = (
    64  # bytes: Telegram Bot API, InlineKeyboardButton.callback_data (Discord's custom_id: 100 characters)
)

LOST_CHOICE = "lost:"  # what an adapter says was pressed when it cannot know any more what the answer was to

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_RUN_OF_BACKTICKS = re.compile(r"`+")


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a message goes. `chat`: the platform's own id of a chat in which only the student reads.
    `via`: an answer slot the platform opened for a short time (a Discord interaction); empty elsewhere."""

    platform: str
    chat: str
    via: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A button. `id`: `verb:subject`, at most 64 bytes; it says what it acts on, so nothing is kept per button."""

    id: str
    label: str


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A value from 0 to `top`."""

    label: str
    value: float
    top: int


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a line over time, 0-100."""

    label: str
    value: int


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a paper. `mark`: found, not found, or a numbered step."""

    text: str
    mark: Literal["", "found", "open", "step"] = ""


class Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a drawing. `note` stands small beneath its bars."""

    title: str
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    note: str = ""


class Chart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A picture of bars and of a line over time, as its words and numbers. `name`: of its file, without an ending."""

    name: str
    title: str
    sections: tuple[Section, ...] = ()
    trend: str = ""
    spots: tuple[Spot, ...] = ()


class Paper(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A typeset document, as its words. None of it is markup. `lead`: lines beneath the title, the first one stands out."""

    name: str
    title: str
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    foot: str = ""


class RouteStop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage of a path on its map. `passed`: left out, being below the student's level. `note`: stands small beside it,
    and says so where a stop was passed."""

    label: str
    state: Literal["done", "passed", "now", "ahead"]
    note: str = ""


class Route(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A picture of learning: each path, with its title, as stops on a line, then weeks as bars (hours; `top` is what was
    planned; the running week is the last) and a line at the foot. `name`: of its file, without an ending."""

    name: str
    title: str
    paths: tuple[tuple[str, tuple[RouteStop, ...]], ...]
    weeks_title: str = ""
    weeks: tuple[Bar, ...] = ()
    foot: str = ""


class Poll(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question with one right option, for platforms that have quizzes of their own; elsewhere the message's text and
    buttons say the same. `choices`: an option each, with the ids that an answer comes back with; `right`: the place of
    the right one; `why`: shown to whoever is wrong."""

    question: str
    choices: tuple[Choice, ...]
    right: int
    why: str


Drawing = Chart | Paper | Route


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Markup and buttons, for any platform. A picture and a file are data here; whoever sends has them rendered
    (`ports.Renderer`), and without them the text still goes."""

    text: str
    choices: tuple[Choice, ...] = ()
    picture: Chart | Route | None = None
    file: Paper | None = None
    poll: Poll | None = None


DeliveryKind = Literal["reply", "nudge"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message on its way. `id` is unique for ever. `edit`: the platform's id of the message to put this one in the
    place of. `tries`: how often sending was begun without knowing how it ended; a nudge is not tried twice."""

    id: str
    to: Address
    kind: DeliveryKind
    message: Message
    at: datetime
    edit: str = ""
    tries: int = 0


def plain(text: str) -> str:
    """Text that is not ours, made safe to stand within a line of markup."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def code_block(text: str, language: str = "") -> str:
    """Text as a fenced block; the fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in _RUN_OF_BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
