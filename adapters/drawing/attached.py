"""A message with its picture and file made, just before it is sent; without them when they cannot be."""

from msgspec.structs import replace

from bot.messages import Message
from bot.ports import NotRendered, Rendered, Renderer
from bot.sentences import say


async def attached(message: Message, renderer: Renderer | None) -> tuple[Message, tuple[Rendered, ...]]:
    """The message as it can be sent, and what goes with it, the picture first. What could not be drawn is said."""
    made: list[Rendered] = []
    missing = False
    for drawing in (message.picture, message.file):
        if drawing is None:
            continue
        try:
            made += [await renderer.render(drawing)] if renderer else []
            missing = missing or renderer is None
        except NotRendered:
            missing = True
    text = f"{message.text}\n\n{say('general.no_drawing')}" if missing else message.text
    return replace(message, text=text, picture=None, file=None), tuple(made)
