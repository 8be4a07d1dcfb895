"""A turn's writes made ready: at most one insert and one update a document, in an order no unique index objects to.

Both stores apply the same list. Nothing here touches a database.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bot.documents import Insert, Update, Write

NUDGED = "learning_progress"
"""The collection of which a student may have one row with a `next_nudge_at`."""


LAST = "\U0010ffff"  # sorts after every character a key has: the end of a range by prefix

SEEDED_BY = ("content_version", "retired", "v")
"""The fields that tell whether a stored entry of the content is the one we have."""


def prepare(writes: Iterable[Write], *, version: int) -> list[Write]:
    """The same changes, stamped with `rev`. A document's updates become one, for the second would find its `rev` taken
    by the first; an update also goes into the insert of the same turn. Rows that get a `next_nudge_at` come last, so
    that the row which loses it lets go first."""
    inserts: dict[tuple[str, str], dict[str, Any]] = {}
    updates: dict[tuple[str, str], dict[str, Any]] = {}
    for write in writes:
        if isinstance(write, Insert):
            inserts.setdefault((write.collection, write.document["_id"]), write.document | {"rev": version})
        else:
            _merge(updates.setdefault((write.collection, write.id), {"rev": version}), write.fields)
    for key in inserts.keys() & updates.keys():
        inserts[key] = _copy(inserts[key])
        for path, value in updates[key].items():
            set_path(inserts[key], path, value)
    ready: list[Write] = [
        Insert(collection=name, document=document) for (name, _), document in inserts.items()
    ]
    ready += [Update(collection=name, id=row, fields=fields) for (name, row), fields in updates.items()]
    return sorted(ready, key=gives_time)


def gives_time(write: Write) -> bool:
    """It gives a row a `next_nudge_at`."""
    fields = write.document if isinstance(write, Insert) else write.fields
    return write.collection == NUDGED and fields.get("next_nudge_at") is not None


def set_path(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a field as MongoDB's $set does: dots lead inside, a number is an index of a list, what lacks is made."""
    *way, last = path.split(".")
    here: Any = document
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    if isinstance(here, list) and int(last) == len(here):
        here.append(value)
    elif isinstance(here, list):
        here[int(last)] = value
    else:
        here[last] = value


def seeding(
    stored: Mapping[str, Mapping[str, Any]], given: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The fields to set, by id, so that `stored` content becomes `given`; equal entries are left out. What another
    service put there has no `content_version` and is not retired."""
    changes = {
        key: entry
        for key, entry in given.items()
        if any(stored.get(key, {}).get(field) != entry[field] for field in SEEDED_BY)
    }
    for key, entry in stored.items():
        if key not in given and "content_version" in entry and not entry.get("retired"):
            changes[key] = {"retired": True}
    return changes


def _merge(fields: dict[str, Any], more: dict[str, Any]) -> None:
    """Later over earlier. MongoDB refuses a path together with one that leads inside it, so none of these is left."""
    if not any("." in path for path in (*fields, *more)):
        fields.update(more)
        return
    for path, value in more.items():
        for earlier in [known for known in fields if known.startswith(path + ".")]:
            del fields[earlier]
        outer = next((known for known in fields if path.startswith(known + ".")), None)
        if outer is None:
            fields[path] = value
        else:
            fields[outer] = _copy(fields[outer])
            set_path(fields[outer], path[len(outer) + 1 :], value)


def _copy(value: Any) -> Any:
    """To be changed without touching what the engine made; tuples become lists."""
    return msgspec.json.decode(msgspec.json.encode(value))
