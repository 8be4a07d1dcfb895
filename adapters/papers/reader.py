"""The bot's side of reading: what a file is, limits before it is opened, and the worker that opens it.

No PDF and no Word file is ever opened in the bot's own process: inside.py does that, in a child that is bounded, walled
and killed by what the code judge uses for students' code.
"""

import asyncio
import base64
import codecs
import logging
import shutil

import msgspec

from adapters.judge.engines import command, libraries, package_path, private_folder
from adapters.judge.worker import WorkerGone, Workers
from bot.files import LARGEST_DOCUMENT, LARGEST_TEXT_FILE, Unread
from bot.judging import Outcome, Stop
from bot.ports import Paper

TIME = 8.0  # CPU seconds; fifty crowded pages took 3
WALL = 24.0  # s, for machines are shared; a webhook of Telegram's waits 60
MEMORY = 256  # MB beside the worker's own; the text of a 5 MB file took 60
WORKERS = (
    2  # processes, so that one bad file keeps nobody else waiting; a student's own files come one by one
)

# A PDF may have something before it: Adobe's readers look through the first kilobyte.
_PDF_WITHIN = 1024
# Readable as text, and not meant to be read so; then UTF-16's marks, which are no UTF-8.
_NO_TEXT = (b"{\\rtf", b"%!PS")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")  # .doc; and the wrapping of a .docx with a password
_LOCKED = "EncryptedPackage".encode("utf-16-le")

_STOPS: dict[Stop, Unread] = {"time": "too_slow", "memory": "swells", "output": "swells", "crash": "failed"}

log = logging.getLogger("viva.papers")


class PlainReader:
    """Reads plain text alone: nothing is opened, so no worker is needed."""

    async def read(self, file: bytes) -> Paper:
        """See `bot.ports.Reader`."""
        return plain_text(file)


class PaperReader:
    """Reads plain text, PDF and Word files. The worker starts with the first file and goes when nobody needs it."""

    def __init__(self) -> None:
        self._workers: Workers | None = None
        self._scratch = ""
        self._starting = asyncio.Lock()

    async def read(self, file: bytes) -> Paper:
        """See `bot.ports.Reader`."""
        kind = opened_as(file)
        if kind is None:
            return plain_text(file)
        if len(file) > LARGEST_DOCUMENT:
            return Paper(unread="too_large")
        workers = await self._started()
        job = {
            "kind": kind,
            "file": base64.b64encode(file).decode(),
            "time_limit_s": TIME,
            "memory_mb": MEMORY,
        }
        try:
            paper = _paper(await workers.ask(job, wall_s=WALL))
        except WorkerGone:
            log.warning("the worker that reads documents does not start")
            return Paper(unread="failed")
        log.info("document kind=%s bytes=%d unread=%s", kind, len(file), paper.unread or "-")
        return paper

    async def line(self) -> tuple[bool, str]:
        """For operators: whether documents can be read here, and behind which walls."""
        read = await self.read(_SAMPLE)
        walls = " + ".join(self._workers.walls if self._workers else ()) or "none from the operating system"
        if not read.text:
            return False, f"documents: PDF and Word files cannot be read here ({read.unread})"
        return True, f"documents: PDF, Word, text; a process a file, bounded; walls: {walls}"

    async def close(self) -> None:
        """End the worker."""
        if self._workers is not None:
            await self._workers.close()
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)
            self._workers = None

    async def _started(self) -> Workers:
        async with self._starting:
            if self._workers is None:
                self._scratch = await asyncio.to_thread(private_folder)
                self._workers = Workers(_command(), scratch=self._scratch, count=WORKERS)
            return self._workers


def opened_as(file: bytes) -> str | None:
    """What has to be opened to be read: "pdf" or "zip" (a Word file, or not), by its first bytes; None: nothing."""
    if b"%PDF-" in file[:_PDF_WITHIN]:
        return "pdf"
    return "zip" if file.startswith(b"PK\x03\x04") else None


def plain_text(file: bytes) -> Paper:
    """A file as the text it is. It need not end in .txt, nor does that ending make it one."""
    if file.startswith(_OLD_OFFICE):
        return Paper(unread="encrypted" if _LOCKED in file else "not_a_document")
    if opened_as(file) or file.startswith(_NO_TEXT):
        return Paper(unread="not_a_document")
    try:
        text = file.decode("utf-16" if file.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        return Paper(unread="not_a_document")
    if "\0" in text:
        return Paper(unread="not_a_document")
    if len(file) > LARGEST_TEXT_FILE:
        return Paper(unread="too_large")
    return Paper(kind="text", text=text)


def _paper(outcome: Outcome) -> Paper:
    """What the worker says. A file may have taken it over: its shape is checked, and nothing in it is trusted."""
    if outcome.stop or outcome.frame is None:
        return Paper(unread=_STOPS.get(outcome.stop, "failed"))
    try:
        paper = msgspec.json.decode(outcome.frame, type=Paper)
    except msgspec.DecodeError:
        return Paper(unread="failed")
    return (
        paper if bool(paper.text) != bool(paper.unread) and paper.kind != "text" else Paper(unread="failed")
    )


def _command() -> list[str]:
    pypdf, seccomp = package_path("pypdf"), package_path("pyseccomp")
    readable = [*libraries(), *map(str, [each for each in (pypdf, seccomp) if each])]
    beside = {each.parent: None for each in (pypdf, seccomp) if each}
    return command("adapters.papers.inside", [readable], beside=[*beside])


_SAMPLE = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 54>>stream
BT /F 12 Tf 9 9 Td (Four years of Django, Postgres) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R/Size 6>>
startxref
0
%%EOF
"""
