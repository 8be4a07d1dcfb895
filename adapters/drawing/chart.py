"""A chart: bars in sections, and a line over time."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adapters.drawing.page import (
    FAINT,
    GROUND,
    HEAD,
    HIGH,
    INK,
    LOW,
    MARGIN,
    MIDDLE,
    TITLE,
    TRACK,
    WIDTH,
    blank,
    heading,
    write,
)
from bot.messages import Bar, Chart, Section

BAR, NOTE, TREND = 58, 40, 400  # pixels in height: a row, a note, the line
VALUES = 372  # pixels from the left: where bars begin
WEAK, GOOD = 0.4, 0.7  # shares of the top where the colour changes


def draw(chart: Chart) -> Figure:
    """The picture."""
    height = _height(chart)
    figure, page = blank(height, chart.title)
    top: float = TITLE
    for section in chart.sections:
        top = _section(page, section, top)
    if chart.spots:
        _trend(figure, page, chart, top, height)
    return figure


def _height(chart: Chart) -> int:
    rows = sum(HEAD + BAR * len(each.bars) + (NOTE if each.note else 0) for each in chart.sections)
    return TITLE + rows + (HEAD + TREND if chart.spots else 0) + MARGIN


def _section(page: Axes, section: Section, top: float) -> float:
    """Draws it from `top` on; gives where it ends."""
    top = heading(page, top, section.title)
    for bar in section.bars:
        _bar(page, bar, top + BAR / 2)
        top += BAR
    if section.note:
        write(page, MARGIN, top + 14, section.note, size=10.5, color=FAINT)
        top += NOTE
    return top


def _bar(page: Axes, bar: Bar, middle: float) -> None:
    whole = WIDTH - VALUES - 175  # beside it "2.5 / 5"
    share = max(0.0, min(1.0, bar.value / bar.top))
    color = LOW if share < WEAK else MIDDLE if share < GOOD else HIGH
    write(page, MARGIN, middle, bar.label, size=12, width=VALUES - MARGIN - 12)
    page.barh(middle, whole, height=26, left=VALUES, color=TRACK)
    page.barh(middle, whole * share, height=26, left=VALUES, color=color)
    write(page, WIDTH - MARGIN, middle, f"{bar.value:g} / {bar.top}", size=12, weight="bold", ha="right")


def _trend(figure: Figure, page: Axes, chart: Chart, top: float, height: int) -> None:
    top = heading(page, top, chart.trend)
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
