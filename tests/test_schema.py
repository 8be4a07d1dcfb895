"""docs/schema.md tells the truth: its examples are what the code reads and writes, and what MongoDB admits."""

import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from bson.json_util import JSONOptions, loads
from pymongo import MongoClient
from pymongo.database import Database

from bot.conversation import decode
from bot.documents import COLLECTIONS
from bot.messages import Delivery
from storage.mongodb import MongoStore
from storage.schema import INDEXES, from_bson, to_bson, validator

PAGE = (Path(__file__).parent.parent / "docs" / "schema.md").read_text(encoding="utf-8")
EXAMPLES: dict[str, dict[str, Any]] = {
    name: loads(text, json_options=JSONOptions(tz_aware=True, tzinfo=UTC))
    for name, text in re.findall(r"^### (\w+)\n.*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
}
NULLABLE = {
    *("score", "completed_at", "resume_text", "jd_text"),
    "points",  # of a part of a score that could not be judged
    *("next_nudge_at", "recall_answer", "recall_score", "disputed_at"),
    *("before", "readiness", "compared_with", "pressure"),
    *("path_id", "question_id", "card", "disputed", "ended_at", "opened_at"),
}


@pytest_asyncio.fixture
async def made(mongodb_database: str) -> None:
    store = MongoStore(mongodb_database)
    await store.open()
    await store.close()


@pytest.fixture
def raw(made: None, mongodb_database: str) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongodb_database) as client:
        yield client.get_default_database()


def test_every_collection_has_an_example() -> None:
    assert EXAMPLES.keys() == INDEXES.keys() == {*COLLECTIONS, "conversations", "bookmarks"}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_an_example_shows_every_field_and_no_other(name: str) -> None:
    """Read into the struct and written again it is the same, value for value."""
    example = {field: value for field, value in EXAMPLES[name].items() if field != "lease"}
    document = msgspec.convert(from_bson(example), COLLECTIONS[name])
    assert to_bson(name, msgspec.json.decode(msgspec.json.encode(document))) == example


def test_the_conversation_of_the_example_can_be_opened() -> None:
    example = EXAMPLES["conversations"]
    assert decode(example["state"].encode(), example["v"]).student == str(example["student_id"])
    (out,) = (msgspec.convert(one, Delivery) for one in example["outbox"])
    assert (out.to.platform, out.tries) == ("telegram", 1)


def test_the_examples_are_admitted_by_the_rules_we_make(raw: Database[dict[str, Any]]) -> None:
    for name, example in EXAMPLES.items():
        raw[name].insert_one(example)
        assert raw[name].count_documents({"_id": example["_id"]}) == 1


def test_null_is_admitted_only_where_it_has_a_meaning() -> None:
    nullable = {field for name in COLLECTIONS for field in _nullable(validator(name)["$jsonSchema"])}
    assert nullable == NULLABLE


def _nullable(schema: dict[str, Any]) -> Iterator[str]:
    for field, inside in schema.get("properties", {}).items():
        if "null" in inside.get("bsonType", ()) or None in inside.get("enum", ()):
            yield field
        yield from _nullable(inside)
        yield from _nullable(inside.get("items", {}))
