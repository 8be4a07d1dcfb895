"""What every picture stands on: a page 1080 pixels wide for a phone, on a ground of its own, so that it reads alike in light
and dark chats. Its coordinates are pixels from the top left.

No pyplot: its state is global and outlives a drawing.
"""

import io
from functools import cache
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

WIDTH, DPI = 1080, 150  # pixels; the phones that show it are 1080 to 1440 wide
MARGIN, TITLE, HEAD = 48, 92, 84  # pixels: beside everything, the title's height, a heading's
GROUND, INK, FAINT, TRACK = "#f6f5f1", "#1d2330", "#5d6575", "#dfe1e6"
LOW, MIDDLE, HIGH = "#c4552d", "#c08a1e", "#2f7d5b"  # told apart by brightness too; words always say the same

Weight = Literal["normal", "bold"]


def blank(height: int, title: str) -> tuple[Figure, Axes]:
    """A page with its title."""
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    page.set_axis_off()
    write(page, MARGIN, 62, title, size=19, weight="bold")
    return figure, page


def heading(page: Axes, top: float, words: str) -> float:
    """Gives where it ends."""
    write(page, MARGIN, top + 50, words, size=14, weight="bold")
    return top + HEAD


def write(  # noqa: PLR0913  # the looks of a word
    page: Axes,
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    weight: Weight = "normal",
    color: str = INK,
    ha: Literal["left", "center", "right"] = "left",
    width: float | None = None,
) -> Text:
    """Words in one line around the height `y`, shortened to `width` pixels (else to what the page leaves)."""
    if width is None:
        room = {"left": WIDTH - MARGIN - x, "right": x - MARGIN, "center": 2 * min(x, WIDTH - x)}
        width = room[ha]
    words = _drawable(words, weight)
    text = page.text(
        x, y, words, size=size, weight=weight, color=color, ha=ha, family="DejaVu Sans", parse_math=False
    )
    # Around the middle of a line of small letters: whether a word has a tail does not move it.
    text.set_verticalalignment("center_baseline")
    while words and (wide := text.get_window_extent().width) > width:
        words = words[: min(len(words) - 1, int(len(words) * width / wide))].rstrip()
        text.set_text(f"{words}…")
    return text


def png(figure: Figure) -> bytes:
    """The finished page, as a file."""
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor=GROUND)
    return out.getvalue()


def _drawable(words: str, weight: Weight) -> str:
    """In one line, with a sign in the place of what the font lacks: matplotlib would print a warning that quotes it."""
    known = _letters(weight)
    return "".join(
        each if ord(each) in known else "\N{REPLACEMENT CHARACTER}" for each in " ".join(words.split())
    )


@cache
def _letters(weight: Weight) -> frozenset[int]:
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    return frozenset(font.get_charmap())
