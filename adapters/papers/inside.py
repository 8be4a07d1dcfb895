# ruff: noqa: BLE001
"""Runs in the worker: opens a PDF or a Word file and gives its text, or why there is none, as JSON.

Nothing here is trusted by the bot. Time, memory and output are bounded from outside; the limits here only let most bad
files end with a reason of their own.
"""

import base64
import importlib
import io
import json
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from adapters.judge.inside import fork_worker
from bot.files import LONGEST_READ, MOST_PAGES

MOST_PARTS = 2_000  # entries of a Word file; one with a hundred pictures has 150
LARGEST_PART = 30_000_000  # bytes unpacked of what is read; the text of a long book takes 10
LARGEST_ALL = 200_000_000  # bytes unpacked of everything in it; pictures count, too
SHORTEST = 20  # letters and digits; a scan with a page number has fewer

_MAIN = ".main+xml"  # ends the content type of what is read, be it a document, a template or one with macros

# What pypdf would use if it happens to be installed: native code for pictures and fonts, of which we want nothing.
_WITHOUT = "PIL fontTools cryptography Crypto brotli".split()
# Read before the walls stand. cp437: names in old zip files.
_NEEDED = "encodings.cp437 pyexpat zlib pypdf pypdf._text_extraction pypdf.filters pypdf.generic".split()


class Unreadable(Exception):
    """There is no text. The argument is the reason, as in bot/files.py."""


def main(readable: list[str]) -> None:
    """Serve until the bot goes away."""
    fork_worker.serve(_guest, readable)


def _guest() -> fork_worker.Run:
    for name in _WITHOUT:
        sys.modules[name] = None  # type: ignore[assignment]  # it cannot be imported
    for name in _NEEDED:
        importlib.import_module(name)
    return run


def run(job: dict[str, Any], begun: Callable[[], None]) -> tuple[str | None, str]:
    """One file."""
    file = base64.b64decode(job["file"])
    begun()
    try:
        kind, text = ("pdf", _pdf(file)) if job["kind"] == "pdf" else ("docx", _docx(file))
        words = sum(each.isalnum() for each in text) >= SHORTEST
        paper = {"kind": kind, "text": text} if words else {"unread": "no_text"}
    except MemoryError:
        return None, "memory"
    except Unreadable as reason:
        paper = {"unread": str(reason)}
    except Exception:  # whatever a broken file breaks
        paper = {"unread": "failed"}
    return json.dumps(paper), ""


def _pdf(file: bytes) -> str:
    import pypdf
    from pypdf.errors import DependencyError, LimitReachedError

    try:
        reader = pypdf.PdfReader(io.BytesIO(file))
        # Many can be read by anyone and only forbid printing: those open without a password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("encrypted")
        if _claimed_pages(reader) > MOST_PAGES or len(reader.pages) > MOST_PAGES:
            raise Unreadable("too_many_pages")
        return _joined(f"{page.extract_text()}\n" for page in reader.pages)
    except DependencyError:  # AES; the library that knows it is not here
        raise Unreadable("encrypted") from None
    except LimitReachedError:
        raise Unreadable("swells") from None


def _claimed_pages(reader: Any) -> int:
    """As the file says, without walking through them."""
    claimed = reader.root_object["/Pages"].get_object().get("/Count", 0)
    return int(claimed)


def _docx(file: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        parts = {each.filename: each for each in archive.infolist()}
        if any(each.flag_bits & 1 for each in parts.values()):
            raise Unreadable("encrypted")
        # zipfile gives no more of a part than its entry claims, so claims are enough.
        if len(archive.infolist()) > MOST_PARTS or sum(e.file_size for e in parts.values()) > LARGEST_ALL:
            raise Unreadable("swells")
        main = _main_part(archive, parts)
        if parts[main].file_size > LARGEST_PART:
            raise Unreadable("swells")
        with archive.open(main) as part:
            return _joined(_words(part))


def _main_part(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> str:
    """The name of the part that is the document: mostly word/document.xml, but some programs count."""
    kinds = parts.get("[Content_Types].xml")
    if kinds is None or kinds.file_size > LARGEST_PART:
        raise Unreadable("not_a_document")
    for each in ET.fromstring(archive.read(kinds)):  # noqa: S314  # bounded, walled; expat stops entities
        name, kind = each.get("PartName", "").lstrip("/"), each.get("ContentType", "")
        if kind.endswith(_MAIN) and "word" in kind and name in parts:
            return name
    raise Unreadable("not_a_document")


def _words(part: Any) -> Iterator[str]:
    """The text in its order, tables and text boxes too. What is deleted in it, and what is there a second time for
    old programs (Fallback), is left out."""
    skipped = 0
    for event, element in ET.iterparse(part, events=("start", "end")):  # noqa: S314  # as above
        name = element.tag.rpartition("}")[2]
        if name == "Fallback":
            skipped += 1 if event == "start" else -1
        if event == "start":
            continue
        if not skipped:
            if name == "t":
                yield element.text or ""
            else:
                yield _SPACES.get(name, "")
        if name in ("p", "tbl", "sectPr"):
            element.clear()


_SPACES = {"tab": "\t", "br": "\n", "cr": "\n", "p": "\n", "tc": "\t"}


def _joined(pieces: Iterator[str]) -> str:
    """Text up to its limit: ligatures taken apart, no characters that steer, no runs of empty lines."""
    kept, length = [], 0
    for each in pieces:
        kept.append(each)
        length += len(each)
        if length > LONGEST_READ:
            break
    text = unicodedata.normalize("NFKC", "".join(kept)[:LONGEST_READ])
    seen = "".join(each for each in text if each.isprintable() or each in "\n\t")
    lines: list[str] = []
    for line in seen.splitlines():
        stripped = " ".join(line.split())
        if stripped or (lines and lines[-1]):
            lines.append(stripped)
    return "\n".join(lines).strip()[:LONGEST_READ]
