"""Where an adapter has read to, and what it did once and must never do again. A small port; storage/ implements it."""

from typing import Protocol


class Bookmarks(Protocol):
    """Short texts under short keys, durable once `set` returns. Every member raises StoreUnavailable."""

    async def get(self, key: str) -> str | None:
        """What was set last under this key."""

    async def set(self, key: str, value: str | None) -> None:
        """Put `value` there, in the place of what was; None takes it away."""

    async def all(self, prefix: str) -> dict[str, str]:
        """Everything whose key begins with `prefix`, under whole keys."""
