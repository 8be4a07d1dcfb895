"""A paper as PDF, typeset by Typst: in this process, offline, with the fonts that come with the package.

The words go in as one JSON value and are shown as text, so that no word of a student's can become markup.
"""

from functools import cache
from importlib.resources import files

import msgspec
import typst

from bot.messages import Paper, Section

_TEMPLATE = (files("adapters.drawing") / "paper.typ").read_bytes()


def pdf(paper: Paper) -> bytes:
    """The document."""
    made: bytes = typst.compile(_TEMPLATE, format="pdf", sys_inputs=inputs(paper), font_paths=_fonts())
    return made


@cache
def _fonts() -> typst.Fonts:
    """The package's own, and the system's for scripts that those lack; looked for once."""
    return typst.Fonts()


def inputs(paper: Paper) -> dict[str, str]:
    """Every field written out, for the template knows no defaults."""
    data = {name: getattr(paper, name) for name in ("title", "lead", "foot")}
    data["sections"] = [_written_out(each) for each in paper.sections]
    return {"paper": msgspec.json.encode(data).decode()}


def _written_out(section: Section) -> dict[str, object]:
    lines = [{"text": each.text, "mark": each.mark} for each in section.lines]
    return {"title": section.title, "note": section.note, "bars": section.bars, "lines": lines}
