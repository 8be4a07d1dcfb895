"""The same conversations on SQLite and on MongoDB: an interview, a path with its nudge, and being forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import store_for
from tests.talk import Talk, content


@pytest.fixture(params=["sqlite", "mongodb"])
async def talk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talk]:
    url = f"sqlite:///{tmp_path}/viva.db"
    if request.param == "mongodb":
        url = request.getfixturevalue("mongodb_database")
    store = store_for(url)
    await store.open()
    yield Talk(store, content())
    await store.close()


async def test_interview_reads_the_same(talk: Talk) -> None:
    """From the hello to a partial report, with an answer taken back on the way."""
    await talk.play("""
        user: /start
        bot: Hi. ... [Backend] [Frontend] [Data] [Just ask me]
        press: Data
        bot: One question, no clock, two sentences will do. ...
        user: no idea
        bot: Weak · 0 of 3 points ...
        user: /interview short
        bot: Which company? ...
        press: No company in mind
        bot: Which role? ...
        user: skip
        bot: Send your resume ...
        press: Go without
        bot: Last one: ...
        press: Go without
        bot: General practice · ...
        bot: 1 of 3 · ...
        user: no idea
        bot: Weak ...
        press: Take it back
        bot: Taken back. ...
        bot: 1 of 3 · ...
        user: no idea at all
        bot: Weak ...
        user: /stop
        bot: Stopped. ...
        bot: Interview report ... Improvement plan ...
        bot: Weakest: ...
        user: /report
        bot: Interview report ...
    """)
    attempts = [each async for each in talk.store.export("interview_attempts")]
    assert sorted(each["status"] for each in attempts) == ["graded", "graded", "withdrawn"]


async def test_path_and_nudge_read_the_same(talk: Talk) -> None:
    """A new path, a resource done, a nudge the next evening, none twice."""
    await talk.play("""
        user: learn sql
        bot: SQL · ...
        bot: SQL · Stage 1 of 4: ...
        bot: ... is it 09:00 for you? ...
        press: Yes
        bot: Time zone set: UTC.
        bot: I remind you ... Next: today at 19:00. ...
        user: done
        bot: Done: ...
        user: skip
        bot: Fine. ...
        after: 34 h
        nudge: ... SQL · Stage 1 of 4: ...
        nudge: ... SQL · Stage 1 of 4: ...
    """)


async def test_forgetting_reads_the_same(talk: Talk) -> None:
    """Nothing of the student is left in any collection."""
    for text in ("/interview one", "no idea", "learn sql", "/forget", "/forget"):
        await talk.say(text)
    for name in (
        "interview_sessions",
        "interview_attempts",
        "learning_paths",
        "learning_progress",
        "students",
        "identities",
        "conversations",
    ):
        assert [each async for each in talk.store.export(name)] == [], name
