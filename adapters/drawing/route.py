"""A route: learning paths as lines with stops, read downwards, and the weeks as bars beside what was planned.

What a stop is shows in its shape and brightness, not in its colour alone: done has a tick, passed is hollow, the present
one is ringed on a card of its own, and those ahead are small and faint.
"""

from itertools import pairwise
from math import inf

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from adapters.drawing.page import (
    FAINT,
    GROUND,
    HEAD,
    HIGH,
    INK,
    MARGIN,
    TITLE,
    TRACK,
    WIDTH,
    Weight,
    blank,
    heading,
    write,
)
from bot.messages import Bar, Route, RouteStop

STOP, WEEKS, FOOT = 68, 330, 76  # pixels in height: a stop, the bars with their dates, the line at the foot
LINE, NAMES = MARGIN + 22, MARGIN + 72  # pixels from the left: the line with its stops, their names
CARD, AHEAD, SHORT = "#ffffff", "#868d9a", "#a9cbbb"
HIGHEST = 210  # pixels: the tallest bar, or what was planned
CUT = 2.5  # times what was planned: a taller bar is cut, or one long day would leave the others no height


def draw(route: Route) -> Figure:
    """The picture."""
    figure, page = blank(_height(route), route.title)
    top: float = TITLE
    for title, stops in route.paths:
        top = _path(page, stops, heading(page, top, title))
    if route.weeks:
        top = _weeks(page, route.weeks, heading(page, top, route.weeks_title))
    if route.foot:
        page.plot((MARGIN, WIDTH - MARGIN), (top + 12, top + 12), color=TRACK, linewidth=1.5)
        write(page, MARGIN, top + 56, route.foot, size=13)
    return figure


def _height(route: Route) -> int:
    rows = sum(HEAD + STOP * len(stops) for _, stops in route.paths)
    return TITLE + rows + (HEAD + WEEKS if route.weeks else 0) + (FOOT if route.foot else 0) + MARGIN


def _path(page: Axes, stops: tuple[RouteStop, ...], top: float) -> float:
    """Draws it from `top` on; gives where it ends."""
    middles = [top + STOP * (place + 0.5) for place in range(len(stops))]
    for (upper, lower), stop in zip(pairwise(middles), stops, strict=False):
        behind = stop.state == "done"
        color, width = (HIGH, 4) if behind else (AHEAD, 2)
        page.plot((LINE, LINE), (upper, lower), color=color, linewidth=width, zorder=2)
    for stop, middle in zip(stops, middles, strict=True):
        _stop(page, stop, middle)
    return top + STOP * len(stops)


def _stop(page: Axes, stop: RouteStop, middle: float) -> None:
    here = stop.state == "now"
    if here:
        _card(page, middle)
    _dot(page, stop, middle)
    right = WIDTH - MARGIN
    if stop.note:
        color = INK if here else FAINT
        note = write(page, right, middle, stop.note, size=11.5, color=color, ha="right", width=300)
        right -= round(note.get_window_extent().width) + 24
    color = INK if stop.state in {"done", "now"} else FAINT
    weight: Weight = "bold" if here else "normal"
    write(page, NAMES, middle, stop.label, size=13, weight=weight, color=color, width=right - NAMES)


def _card(page: Axes, middle: float) -> None:
    corner, width, height = (MARGIN - 16, middle - STOP / 2), WIDTH - 2 * MARGIN + 32, STOP
    shape = "round,pad=0,rounding_size=16"
    page.add_patch(FancyBboxPatch(corner, width, height, shape, facecolor=CARD, edgecolor=TRACK, zorder=1))


def _dot(page: Axes, stop: RouteStop, middle: float) -> None:
    def ring(radius: float, fill: str, edge: str, line: float = 0) -> None:
        page.add_patch(
            Circle((LINE, middle), radius, facecolor=fill, edgecolor=edge, linewidth=line, zorder=3)
        )

    if stop.state == "done":
        ring(18, HIGH, HIGH)
        x, y = (LINE - 8, LINE - 2, LINE + 9), (middle + 1, middle + 7, middle - 7)
        page.plot(x, y, color=CARD, linewidth=2.5, solid_capstyle="round", solid_joinstyle="round", zorder=4)
    elif stop.state == "passed":
        ring(14, GROUND, FAINT, 2)
    elif stop.state == "now":
        ring(19, CARD, INK, 3)
        ring(9, INK, INK)
    else:
        ring(8, AHEAD, AHEAD)


def _weeks(page: Axes, weeks: tuple[Bar, ...], top: float) -> float:
    """Draws them from `top` on; gives where they end."""
    floor, left, right = top + HIGHEST + 50, MARGIN, WIDTH - MARGIN - 60  # beside them what was planned
    step = (right - left) / len(weeks)
    planned = max(week.top for week in weeks)
    highest = max(1, planned, min(max(week.value for week in weeks), CUT * planned or inf))
    scale = HIGHEST / highest
    for place, week in enumerate(weeks):
        x = left + step * (place + 0.5)
        _hours(page, week, x, floor, scale, min(96, step * 0.66))
        weight: Weight = "bold" if week is weeks[-1] else "normal"
        shade = INK if week is weeks[-1] else FAINT
        write(
            page, x, floor + 30, week.label, size=11, weight=weight, color=shade, ha="center", width=step - 8
        )
    page.plot((left, right), (floor, floor), color=AHEAD, linewidth=2)
    edges = [left + step * place for place in range(len(weeks) + 1)]
    line = [floor - week.top * scale for week in weeks]
    page.stairs(line, edges, baseline=None, color=INK, linewidth=2, linestyle="--")
    write(page, right + 14, line[-1], f"{weeks[-1].top}", size=12)
    return top + WEEKS


def _hours(page: Axes, week: Bar, x: float, floor: float, scale: float, width: float) -> None:
    top = floor - min(week.value * scale, HIGHEST)
    fill = HIGH if week.value >= week.top else SHORT  # the edge alone is dark enough to be seen
    page.bar(x, top - floor, width=width, bottom=floor, color=fill, edgecolor=HIGH, linewidth=2)
    if week.value * scale > HIGHEST + 1:
        for y in (top + 26, top + 40):
            page.plot((x - width / 2, x + width / 2), (y + 8, y - 8), color=GROUND, linewidth=3)
    line, above = floor - week.top * scale, top - 20
    if abs(above - line) < 18:  # the dashed line would go through the number
        above = line - 20
    write(page, x, above, f"{week.value:g}", size=12, weight="bold", ha="center")
