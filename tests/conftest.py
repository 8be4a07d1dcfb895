"""Databases for the tests: a SQLite file or a real MongoDB, made when the first test asks and gone after the last."""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from pymongo import MongoClient

from bot.ports import Store
from storage import store_for
from tests.mongod import Mongod, ReplicaSet, program

OpenStore = Callable[[], Awaitable[Store]]
"""Another store on the same database, as another process would have it; closed after the test."""


@pytest.fixture(scope="session")
def mongod() -> Path:
    """The server's program. A test that needs it is skipped where there is none; VIVA_REQUIRE_MONGOD=1 forbids that."""
    found = program()
    if isinstance(found, Path):
        return found
    if os.environ.get("VIVA_REQUIRE_MONGOD") == "1":
        pytest.fail(f"VIVA_REQUIRE_MONGOD is set, but {found}")
    pytest.skip(found)


@pytest.fixture(scope="session")
def mongodb_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A standalone: the one VIVA_TEST_MONGODB_URL names, else one of our own."""
    url = os.environ.get("VIVA_TEST_MONGODB_URL")
    if url:
        yield url
        return
    server = Mongod(request.getfixturevalue("mongod"))
    yield server.url
    server.end()


@pytest.fixture(scope="session")
def replica_set(mongod: Path) -> Iterator[ReplicaSet]:
    members = ReplicaSet(mongod)
    yield members
    members.end()


@pytest.fixture
def mongodb_database(mongodb_url: str) -> Iterator[str]:
    """The address of an empty database on it."""
    url = with_database(mongodb_url, f"viva_{uuid.uuid4().hex[:12]}")
    yield url
    drop(url)


@pytest.fixture(scope="session")
def everyday_database(mongodb_url: str) -> Iterator[str]:
    """One that keeps its collections, as making them takes longer than most tests."""
    url = with_database(mongodb_url, f"viva_{uuid.uuid4().hex[:12]}")
    yield url
    drop(url)


@pytest.fixture(params=["sqlite", "mongodb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'viva.db'}"
        return
    url = request.getfixturevalue("everyday_database")
    yield url
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})


@pytest_asyncio.fixture
async def open_store(database_url: str) -> AsyncIterator[OpenStore]:
    opened: list[Store] = []

    async def another() -> Store:
        store = store_for(database_url)
        opened.append(store)
        await store.open()
        return store

    yield another
    for store in opened:
        await store.close()


@pytest_asyncio.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store()


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def drop(url: str) -> None:
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database(urlsplit(url).path.strip("/"))
