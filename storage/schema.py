"""What MongoDB must know of the documents, derived from their structs: conversion, validators, indexes.

The structs in `bot.documents` stay the single source; here stand only what they cannot say (which fields another
service need not write, which queries want an index). No connection, no driver: bson values only.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from bson import ObjectId
from msgspec import inspect

from bot.documents import COLLECTIONS

REQUIRED: dict[str, list[str]] = {
    "interview_attempts": [
        "_id",
        "session_id",
        "round",
        "question_id",
        "student_answer",
        "score",
        "feedback",
        "time_taken_seconds",
        "created_at",
    ],
    "interview_questions": ["_id", "round", "topic", "difficulty", "question"],
    "company_interview_knowledge": ["_id", "company"],
}
"""Where another service may write less than our structs hold: what a validator asks of every document."""


class Shape(NamedTuple):
    """What lies at a place of a document, as far as BSON differs from JSON there."""

    kind: Literal["plain", "id", "date", "struct", "list"]
    fields: Mapping[str, "Shape"] = {}
    item: "Shape | None" = None


PLAIN = Shape("plain")


class Index(NamedTuple):
    """`only`: the partial filter, in words the query must repeat."""

    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    sparse: bool = False
    only: Mapping[str, Any] | None = None

    def options(self) -> dict[str, Any]:
        """As MongoDB lists them; without the keys."""
        found: dict[str, Any] = {"name": self.name}
        if self.unique:
            found["unique"] = True
        if self.sparse:
            found["sparse"] = True
        if self.only is not None:
            found["partialFilterExpression"] = dict(self.only)
        return found


IS_DATE = {"$type": "date"}

INDEXES: dict[str, tuple[Index, ...]] = {
    "learning_paths": (Index("student_skill", (("student_id", 1), ("skill", 1))),),
    "learning_progress": (
        Index("student", (("student_id", 1),)),
        Index("one_nudge_a_student", (("student_id", 1),), unique=True, only={"next_nudge_at": IS_DATE}),
        Index("due", (("next_nudge_at", 1), ("lease.until", 1)), only={"next_nudge_at": IS_DATE}),
    ),
    "interview_sessions": (Index("student_created", (("student_id", 1), ("created_at", 1))),),
    "interview_questions": (Index("round_topic", (("round", 1), ("topic", 1), ("difficulty", 1))),),
    "interview_attempts": (
        Index("student_created", (("student_id", 1), ("created_at", 1))),
        Index("session", (("session_id", 1),)),
    ),
    "company_interview_knowledge": (Index("slug", (("slug", 1),)),),
    "interview_reports": (Index("student_created", (("student_id", 1), ("created_at", 1))),),
    "company_observations": (Index("student", (("student_id", 1),)),),
    "company_wishes": (Index("student", (("student_id", 1),)),),
    "skill_wishes": (Index("student", (("student_id", 1),)),),
    "nudges": (Index("student_at", (("student_id", 1), ("at", 1))),),
    "path_templates": (Index("skill", (("skill", 1),)),),
    "students": (),
    "identities": (
        Index("platform_user", (("platform", 1), ("user_id", 1)), unique=True),
        Index("student", (("student_id", 1),)),
    ),
    "aside_events": (Index("student", (("student_id", 1),)),),
    "bookmarks": (),
    "conversations": (
        Index("pending", (("outbox.to.platform", 1),), sparse=True),  # an empty outbox has no entry
        Index("work", (("work", 1),), sparse=True),
        Index("unapplied", (("writes.rev", 1),), sparse=True),
        Index("wake", (("wake_at", 1), ("wake_lease.until", 1)), only={"wake_at": IS_DATE}),
    ),
}

_STORES_OWN: dict[str, dict[str, Any]] = {
    "conversations": {
        "bsonType": "object",
        "required": ["_id", "student_id", "v", "version", "state", "outbox"],
        "properties": {
            "_id": {"bsonType": "string"},
            "student_id": {"bsonType": "objectId"},
            "v": {"bsonType": ["int", "long"]},
            "version": {"bsonType": ["int", "long"]},
            "state": {"bsonType": "string"},
            "outbox": {"bsonType": "array"},
            "writes": {"bsonType": "array"},
            "wake_at": {"bsonType": "date"},
            "work": {"bsonType": "bool"},
        },
    },
    "bookmarks": {
        "bsonType": "object",
        "required": ["_id", "value"],
        "properties": {"_id": {"bsonType": "string"}, "value": {"bsonType": "string"}},
    },
}


def validator(collection: str) -> dict[str, Any]:
    """The `$jsonSchema` of a collection: types and words are held, further fields are open."""
    if collection in _STORES_OWN:
        return {"$jsonSchema": _STORES_OWN[collection]}
    schema = _schema(inspect.type_info(COLLECTIONS[collection]))
    schema["required"] = REQUIRED.get(collection, schema["required"])
    return {"$jsonSchema": schema}


def to_bson(collection: str, document: dict[str, Any]) -> dict[str, Any]:
    """A JSON-like document with its ids as ObjectId and its dates as datetime."""
    converted: dict[str, Any] = _convert(_SHAPES[collection], document)
    return converted


def field_to_bson(collection: str, path: str, value: Any) -> Any:
    """The same for the value at a dotted path."""
    shape = _SHAPES[collection]
    for step in path.split("."):
        shape = (shape.item or PLAIN) if shape.kind == "list" else shape.fields.get(step, PLAIN)
    return _convert(shape, value)


def from_bson(value: Any) -> Any:
    """What msgspec can convert: ObjectIds as hex, whole doubles (a shell writes 80 as 80.0) as int."""
    if isinstance(value, dict):
        return {key: from_bson(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_bson(item) for item in value]
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def milliseconds(at: datetime) -> datetime:
    """As BSON keeps it."""
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


def _convert(shape: Shape, value: Any) -> Any:
    if value is None:
        return None
    match shape.kind:
        case "id":
            return ObjectId(value)
        case "date":
            return milliseconds(datetime.fromisoformat(value))
        case "struct":
            return {key: _convert(shape.fields.get(key, PLAIN), item) for key, item in value.items()}
        case "list":
            return [_convert(shape.item or PLAIN, item) for item in value]
        case "plain":
            return value


def _shape(found: inspect.Type) -> Shape:
    match found:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return Shape("id") if (extra or {}).get("bsonType") == "objectId" else _shape(inner)
        case inspect.DateTimeType():
            return Shape("date")
        case inspect.UnionType(types=types):
            return next((shape for shape in map(_shape, types) if shape is not PLAIN), PLAIN)
        case inspect.VarTupleType(item_type=item):
            shape = _shape(item)
            return PLAIN if shape is PLAIN else Shape("list", item=shape)
        case inspect.StructType(fields=fields):
            special = dict(_special(fields))
            return Shape("struct", fields=special) if special else PLAIN
        case _:
            return PLAIN


def _special(fields: tuple[inspect.Field, ...]) -> Iterator[tuple[str, Shape]]:
    for field in fields:
        shape = _shape(field.type)
        if shape is not PLAIN:
            yield field.encode_name, shape


def _schema(found: inspect.Type) -> dict[str, Any]:
    match found:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return dict(extra) if extra and "bsonType" in extra else _schema(inner)
        case inspect.UnionType(types=types):
            (inner,) = (one for one in types if not isinstance(one, inspect.NoneType))
            return _or_null(_schema(inner))
        case inspect.StructType(fields=fields):
            return {
                "bsonType": "object",
                "required": [field.encode_name for field in fields if field.required],
                "properties": {field.encode_name: _schema(field.type) for field in fields},
            }
        case inspect.VarTupleType(item_type=item):
            return {"bsonType": "array", "items": _schema(item)}
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case _:
            return {"bsonType": _BSON_TYPES[type(found)]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    types = schema["bsonType"]
    return schema | {"bsonType": [*([types] if isinstance(types, str) else types), "null"]}


_BSON_TYPES: dict[type[inspect.Type], str | list[str]] = {
    inspect.StrType: "string",
    inspect.IntType: ["int", "long"],
    inspect.FloatType: ["double", "int", "long"],
    inspect.BoolType: "bool",
    inspect.DateTimeType: "date",
}

_SHAPES = {name: _shape(inspect.type_info(kind)) for name, kind in COLLECTIONS.items()}
