"""Are the requests a bot made the requests the Bot API describes? The machine-readable spec, and the limits it lacks.

The spec is a file telegram-bot-api-*.json in the folder that the variable VIVA_SPECS names. It knows names and
types only; lengths, sizes and alphabets are from the descriptions at core.telegram.org/bots/api.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.telegram_text import BadText, Json, formatted, utf16_length

MESSAGE_UNITS, CAPTION_UNITS = 4096, 1024  # UTF-16 units, after entities are parsed
CALLBACK_BYTES = 64
BUTTONS_A_ROW, BUTTONS = 8, 100
UPLOAD_BYTES, PHOTO_BYTES, DOWNLOAD_BYTES = 50 * 2**20, 10 * 2**20, 20 * 2**20
SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
# Shortest and longest text in UTF-16 units, by lower-case method and parameter.
TEXT_LIMITS = {
    ("sendmessage", "text"): (1, MESSAGE_UNITS),
    ("editmessagetext", "text"): (1, MESSAGE_UNITS),
    ("answercallbackquery", "text"): (0, 200),
    ("sendpoll", "question"): (1, 300),
    ("sendpoll", "explanation"): (0, 200),
    ("setmyname", "name"): (0, 64),
    ("setmydescription", "description"): (0, 512),
    ("setmyshortdescription", "short_description"): (0, 120),
}
COUNTS = {"media": (2, 10), "options": (1, 12), "commands": (0, 100)}
RANGES = {"limit": (1, 100), "max_connections": (1, 100), "timeout": (0, 50)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with a request."""

    name: str
    mime: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Call:
    """One request of the bot and what became of it. `params` are as sent: text, or JSON values from a JSON body."""

    method: str
    params: Json
    files: dict[str, Upload] = field(default_factory=dict)
    at: float = 0.0  # Unix time
    status: int | None = None  # of the answer; None: never answered
    answer: Json = field(default_factory=dict)
    taken: bool = False  # carried out, whether or not the answer arrived

    def value(self, name: str) -> Any:
        """The parameter decoded; text that is not JSON stays text."""
        raw = self.params.get(name)
        try:
            return json.loads(raw) if isinstance(raw, str) and name not in ("text", "caption") else raw
        except ValueError:
            return raw


def load_spec() -> Json | None:
    """The newest Bot API spec in the folder VIVA_SPECS; None where the variable is not set."""
    if not (folder := os.environ.get("VIVA_SPECS")):
        return None
    files = sorted(Path(folder).glob("telegram-bot-api-*.json"))
    if not files:
        raise FileNotFoundError(f"VIVA_SPECS={folder} holds no telegram-bot-api-*.json")
    spec: Json = json.loads(files[-1].read_text(encoding="utf-8"))
    return spec


def violations(requests: Sequence[Call], spec: Json) -> list[str]:
    """Every way in which the requests differ from the spec and its limits; empty when all is well."""
    methods = {name.lower(): method for name, method in spec["methods"].items()}
    return [
        f"{call.method} (request {number}): {fault}"
        for number, call in enumerate(requests, 1)
        for fault in _faults(call, methods.get(call.method.lower()), spec)
    ]


def _faults(call: Call, method: Json | None, spec: Json) -> Iterator[str]:
    if method is None:
        yield "no such method"
        return
    known = {f["name"]: f for f in method.get("fields", [])}
    attached = set(re.findall(r"attach://([^\"\\\s]+)", json.dumps(list(call.params.values()))))
    yield from (f"file {name!r} is attached but not sent" for name in attached - call.files.keys())
    yield from (
        f"file {name!r} belongs to no parameter" for name in call.files.keys() - attached - known.keys()
    )
    yield from (f"unknown parameter {name!r}" for name in call.params.keys() - known.keys())
    for name, described in known.items():
        if name in call.params:
            yield from _parameter(call.params[name], name, described["types"], spec)
        elif described["required"] and name not in call.files:
            yield f"required parameter {name!r} is missing"
    yield from _limits(call)


def _parameter(raw: Any, name: str, types: list[str], spec: Json) -> list[str]:
    """Form values are text: numbers and flags in plain, everything nested as JSON."""
    if isinstance(raw, str):
        if "String" in types or ("InputFile" in types and raw.startswith("attach://")):
            return []
        try:
            raw = json.loads(raw)
        except ValueError:
            return [f"{name}: expected {' or '.join(types)}, got text that is not JSON"]
    return mismatches(raw, types, spec, name)


def mismatches(value: Any, types: list[str], spec: Json, where: str) -> list[str]:
    """How a decoded value differs from the nearest of the types; used for requests and for the server's own answers."""
    return min((_mismatch(value, kind, spec, where) for kind in types), key=len)


def _mismatch(value: Any, kind: str, spec: Json, where: str) -> list[str]:
    scalars: dict[str, tuple[type, ...]] = {
        "String": (str,),
        "Integer": (int,),
        "Float": (int, float),
        "Boolean": (bool,),
    }
    if kind in scalars:
        fits = isinstance(value, scalars[kind]) and (kind == "Boolean" or not isinstance(value, bool))
        return [] if fits else [f"{where}: expected {kind}, got {type(value).__name__}"]
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: expected {kind}, got {type(value).__name__}"]
        inner = [kind.removeprefix("Array of ")]
        return [
            fault for i, item in enumerate(value) for fault in mismatches(item, inner, spec, f"{where}[{i}]")
        ]
    described = spec["types"][kind]
    if described.get("subtypes"):
        return mismatches(value, described["subtypes"], spec, where)
    if not isinstance(value, dict):
        return [f"{where}: expected {kind}, got {type(value).__name__}"]
    return list(_object(value, {f["name"]: f for f in described.get("fields", [])}, spec, where))


def _object(value: Json, known: dict[str, Json], spec: Json, where: str) -> Iterator[str]:
    yield from (f"{where}: unknown field {name!r}" for name in value.keys() - known.keys())
    for name, described in known.items():
        if name not in value:
            if described["required"]:
                yield f"{where}: required field {name!r} is missing"
            continue
        yield from mismatches(value[name], described["types"], spec, f"{where}.{name}")
        constant = re.search(
            r"(?:, must be|, always) [“\"]?(\w+)[”\"]?$", described["description"].rstrip(".")
        )
        if constant and isinstance(value[name], str) and value[name] != constant[1]:
            yield f"{where}.{name}: expected {constant[1]!r}, got {value[name]!r}"


def _limits(call: Call) -> Iterator[str]:
    """Lengths, sizes and alphabets, which the spec has in prose only."""
    method = call.method.lower()
    for name, raw in call.params.items():
        low, high = (0, CAPTION_UNITS) if name == "caption" else TEXT_LIMITS.get((method, name), (0, None))
        if high and isinstance(raw, str):
            yield from _text_limit(raw, name, str(call.params.get("parse_mode", "")), low, high)
        value = call.value(name)
        if name in RANGES and isinstance(value, int) and not RANGES[name][0] <= value <= RANGES[name][1]:
            yield f"{name}: {value} is not within {RANGES[name]}"
        if (
            name in COUNTS
            and isinstance(value, list)
            and not COUNTS[name][0] <= len(value) <= COUNTS[name][1]
        ):
            yield f"{name}: {len(value)} items are not within {COUNTS[name]}"
        if name == "secret_token" and not SECRET_TOKEN.fullmatch(str(raw)):
            yield "secret_token: 1 to 256 of A-Z, a-z, 0-9, _ and -"
        if name == "reply_markup" and isinstance(value, dict):
            yield from _keyboard(value.get("inline_keyboard", []))
    for command in call.value("commands") or [] if method == "setmycommands" else []:
        if not COMMAND.fullmatch(str(command.get("command"))):
            yield f"commands: {command.get('command')!r} is not 1 to 32 of a-z, 0-9 and _"
        yield from _text_limit(str(command.get("description", "")), "commands: description", "", 1, 256)
    for item in call.value("media") or [] if method == "sendmediagroup" else []:
        yield from _text_limit(
            item.get("caption", ""), "media: caption", item.get("parse_mode", ""), 0, CAPTION_UNITS
        )
    if method == "sendpoll":
        yield from _poll(call)
    for name, upload in call.files.items():
        most = PHOTO_BYTES if name == "photo" else UPLOAD_BYTES
        if not 0 < len(upload.content) <= most:
            yield f"{name}: {len(upload.content)} bytes are not within 1 to {most}"


def _poll(call: Call) -> Iterator[str]:
    options = call.value("options") or []
    for option in options:
        yield from _text_limit(str(option.get("text", "")), "options: text", "", 1, 100)
    right = call.value("correct_option_ids") or []
    if call.params.get("type") == "quiz" and not right:
        yield "correct_option_ids: a quiz needs one"
    if right != sorted(set(right)) or not all(0 <= each < len(options) for each in right):
        yield f"correct_option_ids: {right} are not places of options in their order"
    if (lines := str(call.params.get("explanation", "")).count("\n")) > 2:
        yield f"explanation: {lines} line feeds are more than 2"


def _text_limit(raw: str, name: str, parse_mode: str, low: int, high: int) -> Iterator[str]:
    try:
        length = utf16_length(formatted(raw, parse_mode)[0])
    except BadText as refusal:
        yield f"{name}: {refusal}"
        return
    if not low <= length <= high:
        yield f"{name}: {length} UTF-16 units are not within {low} to {high}"


def _keyboard(rows: list[list[Json]]) -> Iterator[str]:
    if sum(map(len, rows)) > BUTTONS or any(len(row) > BUTTONS_A_ROW for row in rows):
        yield f"reply_markup: at most {BUTTONS} buttons, {BUTTONS_A_ROW} in a row"
    for button in (button for row in rows for button in row):
        if not str(button.get("text", "")).strip():
            yield "reply_markup: a button without a label"
        if len(button.keys() - {"text", "style", "icon_custom_emoji_id"}) != 1:
            yield f"reply_markup: button {button.get('text')!r} needs exactly one action"
        data = button.get("callback_data")
        if data is not None and not 0 < len(str(data).encode()) <= CALLBACK_BYTES:
            yield f"reply_markup: callback_data of {button.get('text')!r} has {len(str(data).encode())} bytes"
