"""Pictures and papers out of their data: bars and lines with matplotlib, documents with Typst."""

from adapters.drawing.attached import attached
from adapters.drawing.drawer import Drawer

__all__ = ["Drawer", "attached"]
