"""The renderer: one worker thread, and libraries that are imported when the first drawing is wanted.

One thread, for matplotlib is not made for several; the event loop goes on beside it. What it draws is in `chart`,
`route` and `paper`.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from bot.messages import Chart, Drawing, Paper
from bot.ports import NotRendered, Rendered

RENDER_WITHIN = (
    20.0  # s; the first one takes two, more where matplotlib looks for fonts; a sending has 40 at most
)

log = logging.getLogger("viva.drawing")


class Drawer:
    """See `bot.ports.Renderer`."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None

    async def render(self, drawing: Drawing) -> Rendered:
        """The picture or document. Raises NotRendered."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")
        try:
            async with asyncio.timeout(RENDER_WITHIN):
                return await asyncio.get_running_loop().run_in_executor(self._thread, _rendered, drawing)
        except Exception as error:
            # Its text may quote a student: only the kind is told.
            log.warning("could not draw %s: %s", type(drawing).__name__, type(error).__name__)
            raise NotRendered(type(drawing).__name__) from error

    def close(self) -> None:
        """Let the thread end once it has nothing left to do."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None


def _rendered(drawing: Drawing) -> Rendered:
    if isinstance(drawing, Paper):
        from adapters.drawing.paper import pdf

        return Rendered(name=f"{drawing.name}.pdf", media_type="application/pdf", content=pdf(drawing))
    from adapters.drawing import chart, page, route

    figure = chart.draw(drawing) if isinstance(drawing, Chart) else route.draw(drawing)
    return Rendered(name=f"{drawing.name}.png", media_type="image/png", content=page.png(figure))
