"""Drawings for tests of what carries them, and a renderer that draws nothing but files of a known size."""

from bot.messages import Bar, Chart, Drawing, Paper, Section
from bot.ports import NotRendered, Rendered

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x20" + bytes(9)
CHART = Chart(
    name="report", title="t", sections=(Section(title="s", bars=(Bar(label="b", value=1, top=5),)),)
)
PAPER = Paper(name="viva-report", title="t")


class Renderer:
    """`broken`: nothing can be drawn; `drawn`: what was asked for."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.drawn: list[Drawing] = []

    async def render(self, drawing: Drawing) -> Rendered:
        self.drawn.append(drawing)
        if self.broken:
            raise NotRendered
        if isinstance(drawing, Paper):
            return Rendered(name=f"{drawing.name}.pdf", media_type="application/pdf", content=b"%PDF-1.7")
        return Rendered(name=f"{drawing.name}.png", media_type="image/png", content=PNG)
