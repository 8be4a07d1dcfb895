"""Where everything is kept: one port (`bot.ports.Store`), two stores behind it. The address names which."""

from bot.ports import Store


def store_for(url: str) -> Store:
    """The store of a DATABASE_URL, not yet opened: `sqlite:///viva.db` (relative), `sqlite:////var/lib/viva.db`,
    `mongodb://…`, `mongodb+srv://…`. Raises ValueError naming what is wrong, never the password in it."""
    # Each store is imported only when it is chosen: motor alone takes 0.15 s of CPU.
    if url.startswith("sqlite:///"):
        from storage.sqlite import SqliteStore

        return SqliteStore.at(url)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        from storage.mongodb import MongoStore

        return MongoStore(url)
    raise ValueError(
        "DATABASE_URL begins neither with sqlite:/// nor with mongodb://; "
        "for example sqlite:///viva.db or mongodb://127.0.0.1/viva"
    )
