"""How Telegram reads a text: cleaning, HTML parse mode, entities in UTF-16 units, addresses.

Not here: Markdown parse modes and custom emoji checks, which nothing in this project uses.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")
REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
CHARACTER_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("tg-spoiler", "span"), "spoiler"),
    **{tag: tag for tag in ("code", "pre", "blockquote")},
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
ATTRIBUTE_VALUE = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9.-]*)(?=[\s>]))""")
# What Telegram marks by itself, in the order of precedence.
FOUND = {
    "url": re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]"),
    "mention": re.compile(r"(?<![\w/])@[A-Za-z]\w{3,31}"),
    "bot_command": re.compile(r"(?<![\w/<])/\w{1,64}(?:@\w{3,32})?(?![\w/])"),
}


class BadText(ValueError):
    """The words with which Telegram refuses the text."""


def utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def utf16_slice(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


def clean(text: str) -> str:
    """Control characters (tabs too) become spaces; carriage returns and direction overrides vanish."""
    return CONTROLS.sub(" ", REMOVED.sub("", text))


def formatted(text: str, parse_mode: str = "", entities: list[Json] | None = None) -> tuple[str, list[Json]]:
    """The text as it is shown, and its entities. Raises BadText."""
    text = clean(text)
    match parse_mode.lower():
        case "html":
            text, entities = parse_html(text)
        case "":
            entities = entities or []
        case "markdown" | "markdownv2":
            raise NotImplementedError(f"this server reads HTML only, not {parse_mode}")
        case _:
            raise BadText("unsupported parse_mode")
    return _trimmed(
        text, sorted(entities + _found(text, entities), key=lambda e: (e["offset"], -e["length"]))
    )


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    shown = text.strip(" \n")
    start = utf16_length(text[: len(text) - len(text.lstrip(" \n"))])
    end = start + utf16_length(shown)
    kept = []
    for entity in entities:
        first, last = max(entity["offset"], start), min(entity["offset"] + entity["length"], end)
        if first < last:
            kept.append({**entity, "offset": first - start, "length": last - first})
    return shown, kept


def _found(text: str, taken: list[Json]) -> list[Json]:
    """Addresses, mentions and commands outside code and links."""
    closed = [e for e in taken if e["type"] in ("code", "pre", "text_link", "text_mention")]
    found: list[Json] = []
    for kind, pattern in FOUND.items():
        for match in pattern.finditer(text):
            offset, length = utf16_length(text[: match.start()]), utf16_length(match[0])
            overlapping = (
                e["offset"] < offset + length and offset < e["offset"] + e["length"] for e in closed + found
            )
            if not any(overlapping):
                found.append({"type": kind, "offset": offset, "length": length})
    return found


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    index: int


def parse_html(html: str) -> tuple[str, list[Json]]:
    """The visible text and the entities of a text in HTML parse mode. Raises BadText with Telegram's reason."""
    shown: list[str] = []
    entities: list[Json] = []
    stack: list[_Open] = []
    offset = at = 0
    while at < len(html):
        if html[at] != "<":
            character, at = _character(html, at)
            shown.append(character)
            offset += utf16_length(character)
        elif html.startswith("</", at):
            tag, after = _end_tag(html, at, stack)
            if offset > tag.offset:
                _add(entities, tag, offset - tag.offset, "".join(shown[tag.index :]))
            at = after
        else:
            name, attributes, after = _start_tag(html, at)
            stack.append(_Open(name, attributes, offset, len(shown)))
            at = after
    if stack:
        raise BadText(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{stack[-1].tag}\""
        )
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)  # only a block of code has a language
    return "".join(shown), entities


def _character(html: str, at: int) -> tuple[str, int]:
    if (match := CHARACTER_REFERENCE.match(html, at)) is None:
        return html[at], at + 1
    hexadecimal, decimal, name = match.groups()
    if name:
        return NAMED[name], match.end()
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if code == 0 or code >= 0x10FFFF:
        return html[at], at + 1
    if 0xD800 <= code <= 0xDFFF:
        raise BadText(
            "can't parse entities: Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units"
        )
    return chr(code), match.end()


def _unescaped(value: str) -> str:
    out, at = "", 0
    while at < len(value):
        character, at = _character(value, at)
        out += character
    return out


def _refuse(reason: str, html: str, at: int, more: str = "") -> BadText:
    return BadText(f"can't parse entities: {reason} at byte offset {len(html[:at].encode())}{more}")


def _space(html: str, at: int) -> int:
    while at < len(html) and html[at].isspace():
        at += 1
    return at


def _start_tag(html: str, start: int) -> tuple[str, dict[str, str], int]:
    at = start + 1
    while at < len(html) and not html[at].isspace() and html[at] != ">":
        at += 1
    if at == len(html):
        raise _refuse("Unclosed start tag", html, start)
    tag = html[start + 1 : at].lower()
    if tag not in TAGS:
        raise _refuse(f'Unsupported start tag "{tag}"', html, start)
    attributes: dict[str, str] = {}
    while (at := _space(html, at)) < len(html) and html[at] != ">":
        name_at = at
        while at < len(html) and not html[at].isspace() and html[at] not in "=>":
            at += 1
        if not (name := html[name_at:at]):
            raise _refuse(f'Empty attribute name in the tag "{tag}"', html, start)
        at = _space(html, at)
        if (tag, name) == ("blockquote", "expandable") and not html.startswith("=", at):
            attributes[name] = ""
            continue
        if not html.startswith("=", at):
            raise _refuse(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}"', html, start
            )
        if (value := ATTRIBUTE_VALUE.match(html, at + 1)) is None:
            quoted = html[_space(html, at + 1) :][:1] in ("", '"', "'")
            raise _refuse("Unclosed start tag" if quoted else "Unexpected end of name token", html, start)
        attributes[name] = _unescaped(next(part for part in value.groups() if part is not None))
        at = value.end()
    if at == len(html):
        raise _refuse("Unclosed start tag", html, start)
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise _refuse('Tag "span" must have class "tg-spoiler"', html, start)
    return tag, attributes, at + 1


def _end_tag(html: str, start: int, stack: list[_Open]) -> tuple[_Open, int]:
    if not stack:
        raise _refuse("Unexpected end tag", html, start)
    end = html.find(">", start)
    name = html[start + 2 : end].rstrip().lower()
    if end < 0 or any(character.isspace() for character in name):
        raise _refuse("Unclosed end tag", html, start)
    expected = stack[-1].tag
    if name and name != expected:
        raise _refuse("Unmatched end tag", html, start, f', expected "</{expected}>", found "</{name}>"')
    return stack.pop(), end + 1


def _add(entities: list[Json], tag: _Open, length: int, inner: str) -> None:
    entity: Json = {"type": TAGS[tag.tag], "offset": tag.offset, "length": length}
    language = tag.attributes.get("class", "").removeprefix("language-")
    before = (
        entities[-1]
        if entities and (entities[-1]["offset"], entities[-1]["length"]) == (tag.offset, length)
        else {}
    )
    match tag.tag:
        case "a":
            url = tag.attributes.get("href") or inner
            if (user := re.fullmatch(r"tg://user\?id=(\d+)", url)) is not None:
                user_info = {"id": int(user[1]), "is_bot": False, "first_name": inner}
                entity = {**entity, "type": "text_mention", "user": user_info}
            elif checked_url(url):
                entity["url"] = url
            else:
                return  # Telegram keeps the words and drops the link.
        case "blockquote" if "expandable" in tag.attributes:
            entity["type"] = "expandable_blockquote"
        case "code" if language:
            entity["language"] = language
        case "pre" if before.get("type") == "code":
            entities.pop()
            if "language" in before:
                entity["language"] = before["language"]
        case "tg-emoji":
            entity["custom_emoji_id"] = tag.attributes.get("emoji-id", "")
        case "tg-time":
            entity["unix_time"] = int(tag.attributes.get("unix", 0))
    entities.append(entity)


def checked_url(url: str) -> bool:
    """Whether Telegram takes it as a link: it refuses hosts without a dot, localhost among them."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme in ("tg", "ton", "tonsite"):
        return True
    return parts.scheme in ("http", "https") and "." in host.strip(".") and not re.search(r"\s", url)
