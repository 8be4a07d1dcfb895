"""A chart as PNG: 1080 pixels wide for a phone, on a ground of its own, so that it reads alike in light and dark chats.

No pyplot: its state is global and outlives a drawing.
"""

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bot.messages import Bar, Chart, Section

WIDTH, DPI = 1080, 150  # pixels; the phones that show it are 1080 to 1440 wide
BAR, TITLE, HEAD, NOTE, TREND = (
    58,
    92,
    84,
    40,
    400,
)  # pixels in height: a row, the title, a heading, a note, the line
MARGIN, VALUES = 48, 372  # pixels from the left: words, and where bars begin
GROUND, INK, FAINT, TRACK = "#f6f5f1", "#1d2330", "#5d6575", "#dfe1e6"
LOW, MIDDLE, HIGH = (
    "#c4552d",
    "#c08a1e",
    "#2f7d5b",
)  # told apart by brightness too; the value stands beside each bar
WEAK, GOOD = 0.4, 0.7  # shares of the top where the colour changes


def png(chart: Chart) -> bytes:
    """The picture."""
    height = _height(chart)
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    page.set_axis_off()
    page.text(MARGIN, 62, chart.title, size=19, weight="bold", color=INK, va="center", parse_math=False)
    top: float = TITLE
    for section in chart.sections:
        top = _section(page, section, top)
    if chart.spots:
        _trend(figure, page, chart, top, height)
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor=GROUND)
    return out.getvalue()


def _height(chart: Chart) -> int:
    rows = sum(HEAD + BAR * len(each.bars) + (NOTE if each.note else 0) for each in chart.sections)
    return TITLE + rows + (HEAD + TREND if chart.spots else 0) + MARGIN


def _section(page: Axes, section: Section, top: float) -> float:
    """Draws it from `top` on; gives where it ends."""
    page.text(
        MARGIN, top + 50, section.title, size=14, weight="bold", color=INK, va="center", parse_math=False
    )
    top += HEAD
    for bar in section.bars:
        _bar(page, bar, top + BAR / 2)
        top += BAR
    if section.note:
        page.text(MARGIN, top + 14, section.note, size=10.5, color=FAINT, va="center", parse_math=False)
        top += NOTE
    return top


def _bar(page: Axes, bar: Bar, middle: float) -> None:
    whole = WIDTH - VALUES - 175  # beside it "2.5 / 5"
    share = max(0.0, min(1.0, bar.value / bar.top))
    color = LOW if share < WEAK else MIDDLE if share < GOOD else HIGH
    page.text(MARGIN, middle, bar.label, size=12, color=INK, va="center", parse_math=False)
    page.barh(middle, whole, height=26, left=VALUES, color=TRACK)
    page.barh(middle, whole * share, height=26, left=VALUES, color=color)
    page.text(
        WIDTH - MARGIN,
        middle,
        f"{bar.value:g} / {bar.top}",
        size=12,
        weight="bold",
        color=INK,
        va="center",
        ha="right",
    )


def _trend(figure: Figure, page: Axes, chart: Chart, top: float, height: int) -> None:
    page.text(MARGIN, top + 50, chart.trend, size=14, weight="bold", color=INK, va="center", parse_math=False)
    top += HEAD
    box = (
        (MARGIN + 40) / WIDTH,
        1 - (top + TREND - 70) / height,
        (WIDTH - 2 * MARGIN - 60) / WIDTH,
        (TREND - 90) / height,
    )
    axes = figure.add_axes(box, facecolor=GROUND, ylim=(0, 100), xlim=(-0.4, len(chart.spots) - 0.6))
    values = [spot.value for spot in chart.spots]
    axes.plot(range(len(values)), values, color=HIGH, linewidth=3, marker="o", markersize=9, clip_on=False)
    for place, value in enumerate(values):
        below = value > 88
        axes.annotate(
            str(value),
            (place, value),
            xytext=(0, -12 if below else 12),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
            size=12,
            weight="bold",
            color=INK,
        )
    axes.set_xticks(range(len(values)), [spot.label for spot in chart.spots], size=11, color=FAINT)
    axes.set_yticks([0, 50, 100], ["0", "50", "100"], size=11, color=FAINT)
    axes.grid(axis="y", color=TRACK, linewidth=1.5)
    axes.tick_params(length=0, pad=8)
    axes.spines[:].set_visible(False)
