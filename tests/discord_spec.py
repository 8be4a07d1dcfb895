"""Are the requests a bot made the requests Discord describes? By its own OpenAPI document, and the limits it lacks.

The document is discord-openapi.json in the folder that the variable VIVA_SPECS names.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Json = dict[str, Any]

CONTENT_CHARACTERS = 2000  # of a bot; the document has the 4000 of Nitro
BUTTONS_A_ROW, ROWS = 5, 5
NONCE_CHARACTERS = 25
FILE_BYTES = 10 * 2**20  # of one request, where the server is not boosted

# Faults that are the document's own, not ours. None is met: payloads are written by hand, the library only logs in.
KNOWN_NOISE: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Call:
    """One request of the bot and what became of it. `status` None: it was never answered."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


def load_spec() -> Json | None:
    """The document; None where VIVA_SPECS is not set."""
    if not (folder := os.environ.get("VIVA_SPECS")):
        return None
    spec: Json = json.loads((Path(folder) / "discord-openapi.json").read_text(encoding="utf-8"))
    return spec


def violations(calls: Sequence[Call], spec: Json) -> list[str]:
    """Every way in which the requests differ from the document and its limits; empty when all is well."""
    return [
        f"{call.method} {call.path} (request {number}): {fault}"
        for number, call in enumerate(calls, 1)
        for fault in _faults(call, spec)
        if not any(noise in fault for noise in KNOWN_NOISE)
    ]


def _faults(call: Call, spec: Json) -> Iterator[str]:
    path = _template(call.path, tuple(spec["paths"]))
    operation = spec["paths"].get(path, {}).get(call.method.lower())
    if operation is None:
        yield "no such request"
        return
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    yield from (f"unknown query parameter {name!r}" for name in call.query.keys() - known)
    content = operation.get("requestBody", {}).get("content", {})
    if call.files:
        known_fields = {f"files[{number}]" for number in range(10)}
        yield from (f"unknown file field {name!r}" for name in call.files.keys() - known_fields)
        if "multipart/form-data" not in content:
            yield "files that are not asked for"
        if sum(len(each) for _, each in call.files.values()) > FILE_BYTES:
            yield "files: too large"
    if call.body is None:
        if operation.get("requestBody", {}).get("required"):
            yield "a body is required"
    elif "application/json" not in content:
        yield "a body that is not asked for"
    else:
        schema = {**content["application/json"]["schema"], "components": spec["components"]}
        fault = best_match(Draft202012Validator(schema).iter_errors(call.body))
        if fault is not None:
            yield f"{fault.json_path}: {fault.message[:200]}"
    if isinstance(call.body, dict):
        yield from _unknown_fields(call.body, content["application/json"]["schema"], spec)
        yield from _limits(call.body)


@lru_cache
def _template(path: str, templates: tuple[str, ...]) -> str | None:
    """The path as the document writes it; the one with most literal parts wins."""
    parts = path.strip("/").split("/")
    found = [
        template
        for template in templates
        if len(names := template.strip("/").split("/")) == len(parts)
        and all(name.startswith("{") or name == part for name, part in zip(names, parts, strict=True))
    ]
    return min(found, key=lambda template: template.count("{"), default=None)


def _unknown_fields(body: Json, schema: Json, spec: Json) -> Iterator[str]:
    names: set[str] = set()
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if "$ref" in each:
            each = spec["components"]["schemas"][each["$ref"].rpartition("/")[2]]
        names |= each.get("properties", {}).keys()
        waiting += [*each.get("oneOf", ()), *each.get("anyOf", ()), *each.get("allOf", ())]
    yield from (f"unknown field {name!r}" for name in body.keys() - names)


def _limits(body: Json) -> Iterator[str]:
    """Lengths and counts, which the document has in prose, or not for bots."""
    content = body.get("content")
    if isinstance(content, str) and len(content) > CONTENT_CHARACTERS:
        yield f"content: {len(content)} characters"
    if len(str(body.get("nonce") or "")) > NONCE_CHARACTERS:
        yield f"nonce: {len(body['nonce'])} characters"
    rows = body.get("components") or []
    if len(rows) > ROWS or any(len(row.get("components", ())) > BUTTONS_A_ROW for row in rows):
        yield f"components: at most {ROWS} rows of {BUTTONS_A_ROW} buttons"
    ids = [each["custom_id"] for row in rows for each in row.get("components", ()) if "custom_id" in each]
    if len(ids) != len(set(ids)):
        yield "components: a custom_id stands there twice"
