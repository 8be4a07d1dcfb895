"""Pictures and papers: what is drawn, what a student's words cannot do there, and what happens when drawing fails."""

import asyncio
import io
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from adapters.drawing import Drawer, attached
from adapters.drawing.chart import GROUND
from bot.messages import Address, Bar, Chart, Delivery, Drawing, Line, Message, Paper, Section, Spot
from bot.ports import NotRendered, Rendered
from bot.sentences import SENTENCES

ROOT = Path(__file__).parent.parent
HOSTILE = (
    '#panic("x") #read("/etc/passwd") #import "x.typ": * ] [ } { $x^$ *b* _i_ `c` ``` \\u{41} <label> @ref // /* " \\ '
    "\x00\x07 नमस्ते 漢字 😀 \u202e"
)
BARS = (Bar(label="Correctness", value=5, top=5), Bar(label="$Completeness$ \\frac", value=2.5, top=5))
CHART = Chart(
    name="report",
    title="Interview report · 71/100",
    sections=(Section(title="Technical · 71", bars=BARS, note="Not judged: clarity, depth"),),
    trend="Overall score",
    spots=(Spot(label="2 Mar", value=40), Spot(label="5 Mar", value=95)),
)
PAPER = Paper(
    name="viva-report",
    title=HOSTILE,
    lead=(HOSTILE, HOSTILE),
    sections=(
        Section(title=HOSTILE, bars=BARS, note=HOSTILE, lines=(Line(text=HOSTILE, mark="found"),)),
        Section(title="Plan", lines=(Line(text=HOSTILE, mark="step"), Line(text=HOSTILE, mark="open"))),
    ),
    foot=HOSTILE,
)


async def drawn(drawing: Drawing) -> Rendered:
    drawer = Drawer()
    try:
        return await drawer.render(drawing)
    finally:
        drawer.close()


async def test_picture_fits_a_phone_and_brings_its_own_ground() -> None:
    """1080 wide, taller with more bars, opaque everywhere: a dark chat does not shine through."""
    made = await drawn(CHART)
    assert (made.name, made.media_type) == ("report.png", "image/png")
    picture = Image.open(io.BytesIO(made.content))
    assert picture.width == 1080
    assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    corners = [(0, 0), (1079, 0), (0, picture.height - 1), (1079, picture.height - 1)]
    ground = tuple(bytes.fromhex(GROUND[1:]))
    assert {picture.convert("RGB").getpixel(each) for each in corners} == {ground}
    short = Image.open(io.BytesIO((await drawn(Chart(name="x", title="x", sections=CHART.sections))).content))
    assert short.height < picture.height


async def test_same_data_same_picture() -> None:
    """Twice drawn is twice the same, so that a message sent again looks the same."""
    assert await drawn(CHART) == await drawn(CHART)


async def test_students_words_are_never_markup() -> None:
    """Words that would fail, read a file or change the page as Typst markup are only set."""
    made = await drawn(PAPER)
    assert (made.name, made.media_type) == ("viva-report.pdf", "application/pdf")
    assert made.content.startswith(b"%PDF-")
    template = (ROOT / "adapters" / "drawing" / "paper.typ").read_text(encoding="utf-8")
    assert "eval" not in template
    assert "read(" not in template


async def test_paper_of_nothing_is_a_paper() -> None:
    assert (await drawn(Paper(name="x", title=""))).content.startswith(b"%PDF-")


class Broken:
    """Draws nothing."""

    async def render(self, drawing: Drawing) -> Rendered:
        raise NotRendered


@pytest.mark.parametrize("renderer", [Broken(), None], ids=["broken", "none"])
async def test_without_its_picture_a_message_still_says_everything(renderer: Broken | None) -> None:
    """And says that something is missing."""
    message = Message(text="The words.", picture=CHART, file=PAPER)
    sent, files = await attached(message, renderer)
    assert files == ()
    assert sent == Message(text=f"The words.\n\n{SENTENCES['general']['no_drawing']}")
    assert await attached(Message(text="x"), renderer) == (Message(text="x"), ())


async def test_a_fault_in_drawing_is_told_apart_from_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """It is a failed drawing to whoever sends, and no word of the student's is logged."""
    caplog.set_level(logging.INFO)
    nonsense = Chart(
        name="x", title="a secret", sections=(Section(title="s", bars=(Bar(label="b", value=1, top=0),)),)
    )
    with pytest.raises(NotRendered):
        await drawn(nonsense)
    assert "could not draw Chart" in caplog.text
    assert "secret" not in caplog.text


async def test_the_loop_goes_on_while_a_drawing_is_made() -> None:
    """Other students are answered meanwhile."""
    drawer = Drawer()
    turns = 0
    making = asyncio.create_task(drawer.render(CHART))
    while not making.done():
        turns += 1
        await asyncio.sleep(0.001)
    drawer.close()
    assert making.result().content
    assert turns > 3


def test_libraries_are_loaded_when_something_is_drawn() -> None:
    """Starting a chat pays for none of them."""
    code = (
        "import sys, bot.__main__, adapters.jsonl, adapters.terminal, adapters.drawing as d; d.Drawer();"
        "print([name for name in ('matplotlib', 'numpy', 'typst', 'PIL') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_a_drawing_waits_in_the_outbox_as_data() -> None:
    """Stored and read again it is the same, and small."""
    waiting = Delivery(
        id="d",
        to=Address(platform="terminal", chat="u"),
        kind="reply",
        message=Message(text="t", picture=CHART, file=PAPER),
        at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    kept = msgspec.json.encode(waiting)
    assert msgspec.json.decode(kept, type=Delivery) == waiting
    assert len(kept) < 5_000
