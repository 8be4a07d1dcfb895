"""Pictures and papers: what is drawn, what a student's words cannot do there, and what happens when drawing fails."""

import asyncio
import io
import logging
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.transforms import Bbox
from PIL import Image

from adapters.drawing import Drawer, attached, chart, route
from adapters.drawing.page import DPI, GROUND, INK, MARGIN, WIDTH
from bot.messages import (
    Address,
    Bar,
    Chart,
    Delivery,
    Drawing,
    Line,
    Message,
    Paper,
    Route,
    RouteStop,
    Section,
    Spot,
)
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
STOPS = (
    RouteStop(label="Foundation", state="passed", note="passed over"),
    RouteStop(label="Trees, heaps, recursion", state="done"),
    RouteStop(label="Graphs", state="now", note="2/5"),
    RouteStop(label="Practice", state="ahead", note="7 h 10 min"),
)
WEEKS = tuple(
    Bar(label=label, value=value, top=6)
    for label, value in (("16 Feb", 4.5), ("23 Feb", 6.0), ("2 Mar", 0.0), ("9 Mar", 2.4))
)
ROUTE = Route(
    name="progress",
    title="Your learning",
    paths=(("Data structures · 41 %", STOPS), ("Python · 0 %", STOPS[2:])),
    weeks_title="Hours a week (planned: 6)",
    weeks=WEEKS,
    foot="12 days in a row",
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


def image(made: Rendered) -> Image.Image:
    return Image.open(io.BytesIO(made.content))


@pytest.mark.parametrize(
    ("drawing", "shorter"),
    [
        (CHART, Chart(name="x", title="x", sections=CHART.sections)),
        (ROUTE, Route(name="x", title="x", paths=ROUTE.paths[:1])),
    ],
    ids=["chart", "route"],
)
async def test_picture_fits_a_phone_and_brings_its_own_ground(
    drawing: Chart | Route, shorter: Drawing
) -> None:
    """1080 wide, taller with more to show, opaque everywhere: it is the same in a dark chat and in a light one."""
    made = await drawn(drawing)
    assert (made.name, made.media_type) == (f"{drawing.name}.png", "image/png")
    picture = image(made)
    assert picture.width == 1080
    assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    corners = [(0, 0), (1079, 0), (0, picture.height - 1), (1079, picture.height - 1)]
    ground = tuple(bytes.fromhex(GROUND[1:]))
    assert {picture.convert("RGB").getpixel(each) for each in corners} == {ground}
    assert image(await drawn(shorter)).height < picture.height


@pytest.mark.parametrize("drawing", [CHART, ROUTE], ids=["chart", "route"])
async def test_same_data_same_picture(drawing: Drawing) -> None:
    """Twice drawn is twice the same, so that a message sent again looks the same."""
    assert await drawn(drawing) == await drawn(drawing)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Words on a page, and the pixels they take from its top left."""

    words: str
    box: Bbox
    weight: str
    color: str


def seen(figure: Figure) -> list[Seen]:
    """In the order of reading: down, then to the right."""
    height = figure.get_figheight() * DPI
    found = []
    for text in sorted(
        figure.axes[0].texts, key=lambda each: (each.get_position()[1], each.get_position()[0])
    ):
        box = text.get_window_extent()
        turned = Bbox.from_extents(box.x0, height - box.y1, box.x1, height - box.y0)
        color = str(text.get_color())
        found.append(Seen(words=text.get_text(), box=turned, weight=str(text.get_fontweight()), color=color))
    return found


def test_a_route_reads_downwards() -> None:
    """Title, paths with their stops and notes, weeks, the line at the foot: nothing is left out."""
    words = [each.words for each in seen(route.draw(ROUTE))]
    stops = "Foundation|passed over|Trees, heaps, recursion|Graphs|2/5|Practice|7 h 10 min".split("|")
    assert words[:10] == ["Your learning", "Data structures · 41 %", *stops, "Python · 0 %"]
    assert words[10:15] == [*stops[3:], "Hours a week (planned: 6)"]
    assert sorted(words[15:20]) == [
        "0",
        "2.4",
        "4.5",
        "6",
        "6",
    ]  # hours above their bars, one plan beside the line
    assert words[20:] == ["16 Feb", "23 Feb", "2 Mar", "9 Mar", "12 days in a row"]


def test_the_present_stop_stands_out() -> None:
    """It alone is bold among the stops; what is passed or ahead is faint."""
    looks = {each.words: (each.weight, each.color) for each in seen(route.draw(ROUTE))}
    names = [looks[stop.label] for stop in STOPS]
    assert [weight for weight, _ in names] == ["normal", "normal", "bold", "normal"]
    assert [color == INK for _, color in names] == [False, True, True, False]


async def test_stops_are_told_apart_without_colour() -> None:
    """In grey, the dots of the four states are four pictures."""
    dots = set()
    for state in ("done", "passed", "now", "ahead"):
        stop = RouteStop(label="", state=state)
        grey = image(await drawn(Route(name="x", title="", paths=(("", (stop,)),)))).convert("L")
        dots.add(grey.crop((MARGIN, 180, MARGIN + 60, 240)).tobytes())
    assert len(dots) == 4


LONG = (
    "Consistency, replication and consensus 2",
    "W" * 40,
    HOSTILE[:40],
    "$x^$ costs $5 and \\frac{1}{",
    "M\nW " * 20,
)


@pytest.mark.parametrize("name", LONG, ids=["usual", "widest", "hostile", "maths", "lines"])
def test_long_names_stay_on_the_page_and_apart(name: str) -> None:
    """Eight stops on each of two paths: no words over the edge of the page, none upon others."""
    note = "12 h 40 min"
    stops = tuple(
        RouteStop(label=name, state=state, note=note) for state in ("done", "passed", "now", "ahead") * 2
    )
    weeks = tuple(Bar(label="23 Sep", value=value, top=40) for value in (99.9, 40.0, 0.0, 39.5, 17.5, 12.5))
    big = Route(name="x", title=name, paths=((name, stops),) * 2, weeks_title=name, weeks=weeks, foot=name)
    bars = tuple(Bar(label=name, value=2.5, top=5) for _ in range(5))
    for figure in (
        route.draw(big),
        chart.draw(Chart(name="x", title=name, sections=(Section(title=name, bars=bars, note=name),))),
    ):
        shown, height = seen(figure), figure.get_figheight() * DPI
        for each in shown:
            assert each.box.x0 >= MARGIN - 2
            assert each.box.x1 <= WIDTH - MARGIN + 2, each.words
            assert 0 < each.box.y0 < each.box.y1 < height
        assert not [(a.words, b.words) for a, b in combinations(shown, 2) if a.box.overlaps(b.box)]


def test_forty_usual_letters_are_not_shortened() -> None:
    """Nor is the note beside them."""
    stop = RouteStop(label=LONG[0], state="now", note="12 h 40 min")
    words = {each.words for each in seen(route.draw(Route(name="x", title="", paths=(("", (stop,)),))))}
    assert {stop.label, stop.note} <= words


@pytest.mark.filterwarnings("error")
async def test_letters_without_a_picture_are_replaced_in_silence() -> None:
    """matplotlib would warn of each, and its warning quotes the student."""
    stop = RouteStop(label="SQL 漢字 à côté", state="now")
    asked = Route(name="x", title=HOSTILE, paths=((HOSTILE, (stop,)),))
    assert "SQL \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} à côté" in {
        each.words for each in seen(route.draw(asked))
    }
    assert (await drawn(asked)).content.startswith(b"\x89PNG")


@pytest.mark.parametrize("hours", [0.0, 4.5, 5.1, 5.5, 5.9, 6.0, 6.1, 7.0])
def test_no_number_stands_on_the_line_of_the_plan(hours: float) -> None:
    """However near to it a week came."""
    weeks = (Bar(label="a", value=hours, top=6), Bar(label="b", value=8, top=6))
    figure = route.draw(Route(name="x", title="", paths=(), weeks=weeks))
    (line,) = (each for each in figure.axes[0].patches if isinstance(each, StepPatch))
    number = min((each for each in seen(figure) if each.words == f"{hours:g}"), key=lambda each: each.box.x0)
    assert not number.box.y0 < line.get_data()[0][0] < number.box.y1


def test_one_long_week_leaves_the_others_their_height() -> None:
    """A bar far beyond the plan is cut; its number says the truth."""
    weeks = (Bar(label="a", value=5, top=6), Bar(label="b", value=60, top=6))
    figure = route.draw(Route(name="x", title="", paths=(), weeks=weeks))
    heights = [abs(bar.get_height()) for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]
    assert heights[0] > heights[1] / 4
    assert "60" in {each.words for each in seen(figure)}


@pytest.mark.parametrize(
    "nothing",
    [
        Route(name="x", title="", paths=()),
        Route(name="x", title="", paths=(("", ()),), weeks=(Bar(label="", value=0, top=0),)),
    ],
    ids=["empty", "zeros"],
)
async def test_route_of_nothing_is_a_picture(nothing: Route) -> None:
    assert image(await drawn(nothing)).width == WIDTH


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


@pytest.mark.parametrize("picture", [CHART, ROUTE], ids=["chart", "route"])
def test_a_drawing_waits_in_the_outbox_as_data(picture: Chart | Route) -> None:
    """Stored and read again it is the same, and small."""
    waiting = Delivery(
        id="d",
        to=Address(platform="terminal", chat="u"),
        kind="reply",
        message=Message(text="t", picture=picture, file=PAPER),
        at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    kept = msgspec.json.encode(waiting)
    assert msgspec.json.decode(kept, type=Delivery) == waiting
    assert len(kept) < 5_000
