"""Documents: each is read, or says why not; whatever is in one, the bot's process and the next student are unharmed."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import get_args

import pytest

from adapters.papers import reader as module
from adapters.papers.reader import PaperReader, PlainReader
from bot.files import (
    LARGEST_DOCUMENT,
    LARGEST_TEXT_FILE,
    LONGEST_READ,
    MOST_PAGES,
    NotFetched,
    Unheard,
    Unread,
)
from bot.judging import Outcome
from bot.ports import Paper
from bot.sentences import SENTENCES
from tests.papers import WORDS, docx, flate, locked_pdf, paragraph, pdf, pdf_of, zipped


@pytest.fixture
async def reader() -> AsyncIterator[PaperReader]:
    running = PaperReader()
    yield running
    await running.close()


READ: dict[str, tuple[Callable[[], bytes], str]] = {
    "pdf": (lambda: pdf(WORDS), WORDS),
    "pages in order": (lambda: pdf(WORDS, "Second page"), f"{WORDS}\nSecond page"),
    "as many pages as may be": (lambda: pdf(*[WORDS] * MOST_PAGES), "\n".join([WORDS] * MOST_PAGES)),
    "packed": (
        lambda: pdf(streams=[flate(f"BT /F 12 Tf ({WORDS}) Tj ET".encode())], filters="/Filter/FlateDecode"),
        WORDS,
    ),
    "something before it": (lambda: b"\r\n\r\n" + pdf(WORDS), WORDS),
    "only printing is forbidden": (lambda: locked_pdf(""), WORDS),
    "its table of objects is wrong": (lambda: pdf(WORDS).replace(b"startxref\n", b"startxref\n9"), WORDS),
    "word": (lambda: docx(paragraph(WORDS) + paragraph("Berlin")), f"{WORDS}\nBerlin"),
    "word, its part named otherwise": (lambda: docx(paragraph(WORDS), main="word/document2.xml"), WORDS),
    "a table": (
        lambda: docx(
            f"<w:tbl><w:tr><w:tc>{paragraph(WORDS)}</w:tc><w:tc>{paragraph('2019')}</w:tc></w:tr></w:tbl>"
        ),
        f"{WORDS}\n2019",
    ),
    "a text box, there twice for old programs": (
        lambda: docx(
            f"<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>{paragraph(WORDS)}</w:txbxContent></mc:Choice>"
            f"<mc:Fallback>{paragraph(WORDS)}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        ),
        WORDS,
    ),
    "what was deleted in it stays deleted": (
        lambda: docx(f"{paragraph(WORDS)}<w:p><w:del><w:r><w:delText>fired</w:delText></w:r></w:del></w:p>"),
        WORDS,
    ),
    "ligatures and steering characters": (
        lambda: docx(paragraph("proﬁled and re\u202efactored Django code")),
        "profiled and refactored Django code",
    ),
}


@pytest.mark.parametrize("name", READ)
async def test_a_document_is_read(name: str, reader: PaperReader) -> None:
    """The words of a PDF or Word file, in their order."""
    make, words = READ[name]
    paper = await reader.read(make())
    assert (paper.text, paper.unread) == (words, "")


def scan() -> bytes:
    return pdf(streams=[b"q 600 0 0 800 0 0 cm /Im0 Do Q BT /F 9 Tf (1) Tj ET"])


def many_parts() -> bytes:
    return docx(paragraph(WORDS), others={f"word/media/{n}.png": b"" for n in range(3_000)})


@cache
def zip_bomb(*, main: bool) -> bytes:
    """210 MB of zeros in 200 kB; `main`: in the part that is read."""
    zeros = bytes(SWOLLEN)
    if main:
        return zipped({"[Content_Types].xml": _TYPES, "word/document.xml": zeros})
    return docx(paragraph(WORDS), others={"word/media/1.png": zeros})


def lying_zip() -> bytes:
    """The bomb again, and its entry claims a hundred bytes."""
    bomb = zip_bomb(main=True)
    size = SWOLLEN.to_bytes(4, "little")
    assert bomb.count(size) == 2
    return bomb.replace(size, (100).to_bytes(4, "little"))


SWOLLEN = 210_000_000  # bytes
_TYPES = (
    b'<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    b'wordprocessingml.document.main+xml"/></Types>'
)


def laughs() -> bytes:
    """Ten entities, each ten of the one before."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE d [<!ENTITY e0 "Django and Postgres">{entities}]><d><p><t>&e9;</t></p></d>'
    return zipped({"[Content_Types].xml": _TYPES, "word/document.xml": text.encode()})


def deep_word() -> bytes:
    return docx("<w:p>" * 1_000_000 + "</w:p>" * 1_000_000)


def swelling_stream(times: int) -> bytes:
    """210 MB of content, packed over and over into a few kB."""
    return pdf(streams=[flate(bytes(SWOLLEN), times)], filters=f"/Filter[{'/FlateDecode' * times}]")


def deep_arrays() -> bytes:
    return pdf(streams=[b"[" * 400_000 + b"BT /F 9 Tf (x) Tj ET"])


def endless_pages() -> bytes:
    """A tree of pages whose nodes have each other as children."""
    nodes = [f"<</Type/Pages/Count 1/Kids[{' '.join(['2 0 R', '3 0 R'] * 50)}]>>".encode()] * 2
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", *nodes])


def doubling_pages() -> bytes:
    """Forty levels, each twice the one below: 2^40 pages, and it claims one."""
    levels = [f"<</Type/Pages/Count 1/Kids[{n} 0 R {n} 0 R]>>".encode() for n in range(3, 43)]
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", *levels, b"<</Type/Page/MediaBox[0 0 9 9]>>"])


def doubling_forms() -> bytes:
    """A page that draws a form twice, which draws another twice, thirty deep."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R/Resources<</XObject<</F 6 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length 11>>stream\n/F Do /F Do\nendstream",
    ]
    for n in range(6, 36):
        below = f"/Resources<</XObject<</F {n + 1} 0 R>>>>"
        head = f"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]{below}/Length 11>>stream\n/F Do /F Do\nendstream"
        objects.append(head.encode())
    objects.append(
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F 4 0 R>>>>/Length 70>>stream\n"
        b"BT /F 9 Tf (Django, Postgres, and quite a few words of a resume) Tj ET      \nendstream"
    )
    return pdf_of(objects)


def deep_object_stream() -> bytes:
    """An object stream that claims a million objects of nothing but opening brackets."""
    body = flate(b"1 0 " * 200_000 + b"[" * 2_000_000)
    packed = b"<</Type/ObjStm/N 1000000/First 800000/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    return pdf_of([b"<</Type/Catalog/Pages 3 0 R>>", packed % (len(body), body)], "/Prev 0")


UNREAD: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "a locked PDF": (lambda: locked_pdf("secret"), {"encrypted"}),
    "a locked Word file": (
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        {"encrypted"},
    ),
    "a locked zip": (lambda: _flagged(docx(paragraph(WORDS))), {"encrypted"}),
    "a PDF of 6 MB": (lambda: pdf(WORDS) + bytes(LARGEST_DOCUMENT), {"too_large"}),
    "a long text": (lambda: b"a" * (LARGEST_TEXT_FILE + 1), {"too_large"}),
    "a program": (lambda: b"MZ\x90\0\x03\0\0\0\x04" + bytes(200), {"not_a_document"}),
    "a program for Linux": (lambda: b"\x7fELF\x02\x01\x01" + bytes(200), {"not_a_document"}),
    "an old Word file": (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), {"not_a_document"}),
    "rich text": (lambda: b"{\\rtf1\\ansi Four years of Django}", {"not_a_document"}),
    "PostScript": (lambda: b"%!PS-Adobe-3.0\n(Four years) show", {"not_a_document"}),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), {"not_a_document"}),
    "a zip of something": (lambda: zipped({"a.txt": b"Four years of Django"}), {"not_a_document"}),
    "a spreadsheet": (
        lambda: zipped(
            {"[Content_Types].xml": _TYPES.replace(b"word", b"spreadsheet"), "xl/workbook.xml": b"<w/>"}
        ),
        {"not_a_document"},
    ),
    "text with a NUL": (lambda: b"four\0years", {"not_a_document"}),
    "a scan": (scan, {"no_text"}),
    "an empty Word file": (lambda: docx(paragraph("")), {"no_text"}),
    "a page too many": (lambda: pdf(*[WORDS] * (MOST_PAGES + 1)), {"too_many_pages"}),
    "a claim of a million pages": (
        lambda: pdf(WORDS).replace(b"/Count 1>>", b"/Count 1000000>>"),
        {"too_many_pages"},
    ),
    "half a PDF": (lambda: pdf(WORDS)[:40], {"failed"}),
    "half a Word file": (lambda: docx(paragraph(WORDS))[:200], {"failed"}),
    "a Word file of broken XML": (lambda: docx("<w:p>"), {"failed"}),
    "a zip bomb": (lambda: zip_bomb(main=True), {"swells"}),
    "a zip bomb beside the text": (lambda: zip_bomb(main=False), {"swells"}),
    "a zip bomb that lies": (lying_zip, {"failed", "swells"}),
    "a zip of three thousand parts": (many_parts, {"swells"}),
    "a billion laughs": (laughs, {"failed", "swells"}),
    "Word, a million levels deep": (deep_word, {"no_text", "swells", "failed", "too_slow"}),
    "Word, seven million elements": (lambda: docx("<a/>" * 7_000_000), {"swells", "too_slow"}),
    "a stream that swells": (lambda: swelling_stream(1), {"swells"}),
    "a stream packed thrice": (lambda: swelling_stream(3), {"swells"}),
    "arrays, 400,000 deep": (deep_arrays, {"failed", "no_text", "swells", "too_slow"}),
    "pages in a circle": (endless_pages, {"failed", "too_many_pages", "no_text", "too_slow"}),
    "2^40 pages": (doubling_pages, {"too_slow", "too_many_pages", "swells", "failed"}),
    "an object stream of brackets": (deep_object_stream, {"failed", "swells", "too_slow", "no_text"}),
}


def _flagged(archive: bytes) -> bytes:
    """Every entry says that it is encrypted."""
    out = bytearray(archive)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), archive):
            out[found.start() + place] |= 1
    return bytes(out)


@pytest.mark.parametrize("name", UNREAD)
async def test_what_cannot_be_read_says_why_and_the_next_file_is_read(
    name: str, reader: PaperReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bombs end within the worker's bounds, with no memory of the bot's taken; who comes next notices nothing."""
    monkeypatch.setattr(module, "TIME", 2.0)
    make, reasons = UNREAD[name]
    paper = await reader.read(make())
    assert paper.unread in reasons
    assert paper.text == ""
    assert (await reader.read(pdf(WORDS))).text == WORDS


async def test_drawings_without_end_are_left_in_time(
    reader: PaperReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2^30 of them: as many words as anybody needs, or none; and the next file is read."""
    monkeypatch.setattr(module, "TIME", 2.0)
    paper = await reader.read(doubling_forms())
    assert (paper.unread == "") == bool(paper.text)
    assert len(paper.text) <= LONGEST_READ
    assert (await reader.read(pdf(WORDS))).text == WORDS


async def test_reading_stops_where_nobody_needs_more(reader: PaperReader) -> None:
    paper = await reader.read(docx(paragraph("word " * 50_000)))
    assert len(paper.text) <= LONGEST_READ
    assert len(paper.text) > LONGEST_READ - 10


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Zoë\nSQL".encode(), "Zoë\nSQL"),
        ("\ufeffZoë".encode(), "Zoë"),
        ("Zoë, SQL".encode("utf-16"), "Zoë, SQL"),
        (b"", ""),
    ],
)
async def test_plain_text_needs_no_worker(file: bytes, text: str) -> None:
    """Text is what decodes, whatever its name; nothing is opened for it."""
    for reader in (PlainReader(), PaperReader()):
        assert await reader.read(file) == Paper(kind="text", text=text)


async def test_files_at_once_are_all_read(reader: PaperReader) -> None:
    papers = await asyncio.gather(*(reader.read(pdf(f"{WORDS} {n}")) for n in range(5)))
    assert [each.text for each in papers] == [f"{WORDS} {n}" for n in range(5)]


async def test_a_worker_that_is_killed_is_replaced(reader: PaperReader) -> None:
    await reader.read(pdf(WORDS))
    assert reader._workers is not None
    for worker in reader._workers._all:
        worker._process.kill()
        await worker._process.wait()
    assert (await reader.read(pdf(WORDS))).text == WORDS


async def test_where_no_worker_starts_the_reason_is_told(
    reader: PaperReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_command", lambda: ["/bin/false"])
    assert (await reader.read(pdf(WORDS))).unread == "failed"
    fine, line = await reader.line()
    assert not fine
    assert "cannot be read here" in line


def test_a_worker_that_was_taken_over_is_not_believed() -> None:
    """What is no well-formed answer is none: no text beside a reason, no other reason, nothing endless."""
    for frame in ("", "[]", '{"text": 5}', '{"unread": "because"}', '{"text": "a", "unread": "failed"}', "{}",
                  '{"kind": "text", "text": "an answer"}'):  # fmt: skip
        assert module._paper(Outcome(frame=frame, stop="")) == Paper(unread="failed")


async def test_the_worker_starts_with_nothing_of_ours_and_leaves_nothing(
    reader: PaperReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No token in its environment; doctor names the walls; its folder goes with it."""
    monkeypatch.setenv("TELEGRAM_TOKEN", "42:secret")
    fine, line = await reader.line()
    assert fine
    assert "PDF, Word" in line
    assert reader._workers is not None
    [worker] = reader._workers._all
    environment = f"/proc/{worker._process.pid}/environ"
    if os.access(environment, os.R_OK):  # Linux
        with open(environment, "rb") as file:  # noqa: ASYNC230, PTH123  # a line
            assert b"secret" not in file.read()
    await reader.close()
    assert not os.path.exists(reader._scratch)  # noqa: ASYNC240, PTH110
    assert not worker.alive


def test_every_reason_has_its_sentence() -> None:
    """And every sentence says what to do next, and that nothing is lost."""
    assert set(SENTENCES["unread"]) == {*get_args(Unread), *get_args(NotFetched)}
    assert set(SENTENCES["unheard"]) == {*get_args(Unheard), *get_args(NotFetched)}
    for sentence in [*SENTENCES["unread"].values(), *SENTENCES["unheard"].values()]:
        assert "nothing has changed" in sentence
