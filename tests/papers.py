"""Files that students send, made here: PDF and Word files as programs write them, and the ones that bite."""

import io
import zipfile
import zlib

from pypdf import PdfWriter

from bot.ports import Transcript

WORDS = "Four years of Django and Postgres"


def pdf(*pages: str, streams: list[bytes] | None = None, filters: str = "") -> bytes:
    """A page for each text. `streams`: content streams as they are, instead; `filters`: how they are packed."""
    contents = streams or [f"BT /F 12 Tf 9 9 Td ({text}) Tj ET".encode() for text in pages]
    numbers = range(4, 4 + 2 * len(contents), 2)
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(contents)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, content in zip(numbers, contents, strict=True):
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {number + 1} 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        objects.append(page.encode())
        objects.append(b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), filters.encode(), content))
    return pdf_of(objects)


def pdf_of(objects: list[bytes], trailer: str = "") -> bytes:
    """These objects, numbered from 1 (the catalog), with the table that leads to them."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + each + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer<</Root 1 0 R/Size {len(objects) + 1}{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def locked_pdf(password: str) -> bytes:
    """With an empty password it opens for everybody and only forbids printing."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf(WORDS)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flate(content: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        content = zlib.compress(content, 9)
    return content


def docx(body: str, *, main: str = "word/document.xml", others: dict[str, bytes] | None = None) -> bytes:
    """`body`: WordprocessingML within w:body."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = f'<Types xmlns="t"><Override PartName="/{main}" ContentType="{kind}"/></Types>'
    document = f'<w:document xmlns:w="http://w" xmlns:mc="http://mc"><w:body>{body}</w:body></w:document>'
    return zipped({"[Content_Types].xml": types.encode(), main: document.encode(), **(others or {})})


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


class Listener:
    """A transcriber that hears how many bytes a recording has."""

    async def transcribe(self, recording: bytes, *, name: str) -> Transcript:
        return Transcript(text=f"{name} has {len(recording)} bytes")
