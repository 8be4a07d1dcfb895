"""The log of nudges: what wordings are learnt from, and what the operator is shown."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import nudge_log, wording
from bot.documents import Nudge, insert
from bot.wording import Sent
from storage.sqlite import SqliteStore
from tests.documents import ANN, AT, BEN, conversation, nudged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")
    await store.open()
    yield store
    await store.close()


async def keep(store: SqliteStore, *nudges: Nudge) -> None:
    record = await store.load(ANN)
    version = record.version if record else 0
    await store.commit(ANN, conversation(), expected=version, writes=[insert(each) for each in nudges])


async def test_a_send_is_learnt_from_once_its_day_is_over(store: SqliteStore) -> None:
    """What follows within 24 hours counts as its outcome; before they are over nothing is known."""
    done = replace(nudged(at=AT), completed_at=AT + 23 * HOUR)
    late = replace(nudged(at=AT + HOUR), completed_at=AT + 30 * HOUR)
    fresh = nudged(at=AT + 2 * DAY)
    await keep(store, done, late, fresh, replace(nudged(at=AT + 2 * HOUR), answer="lost"))
    log = [
        Sent(
            student=ANN,
            kind="stage",
            arm="plain",
            eligible=("plain", "minutes"),
            probability=done.probability,
            policy="uniform",
            reward=reward,
            at=at,
        )
        for at, reward in ((AT, True), (AT + HOUR, False))
    ]
    assert await nudge_log.scores(store, AT + 2 * DAY + HOUR) == wording.scores(log)
    assert (await nudge_log.scores(store, AT + nudge_log.REMEMBERED + 2 * DAY)).sends == 1, (
        "the rest is too old"
    )


async def test_operator_sees_what_became_of_each_kind_and_wording(store: SqliteStore) -> None:
    """Sends, opens and completions, what students made of being nudged; no lift is claimed from a handful."""
    opened = replace(nudged(at=AT), opened_at=AT + HOUR, answer="fewer")
    review = replace(nudged(at=AT + DAY), kind="review", completed_at=AT + DAY + HOUR)
    await keep(store, opened, review, replace(nudged(at=AT + HOUR), answer="lost"))
    *lines, lift = await nudge_log.stats(store, AT + 3 * DAY)
    by_name = {(each["kind"], each["wording"]): each for each in lines}
    assert by_name["all", "all"] == {
        "kind": "all",
        "wording": "all",
        "sends": 2,
        "opened": 1,
        "completed": 1,
        "snoozed": 0,
        "fewer": 1,
        "off": 0,
        "lost": 1,
    }
    assert by_name["review", "plain"]["completed"] == 1
    assert by_name["stage", "all"]["opened"] == 1
    assert lift["lift"] is None


async def test_lift_is_told_with_its_interval(store: SqliteStore) -> None:
    """Past the first thousand sends, chosen wordings are compared with the plain ones of those held out."""
    nudges = []
    for number in range(wording.LEARNT_FROM + 400):
        plain, at = number % 4 == 0, AT + number * timedelta(minutes=1)
        student = f"{number % 40:024x}"
        done = at + HOUR if (number % 3 == 0 if plain else number % 2 == 0) else None
        one = replace(nudged(student, at=at), completed_at=done, policy="plain" if plain else "learnt")
        nudges.append(replace(one, probability=1.0 if plain else 0.5))
    await keep(store, *nudges)
    lift = (await nudge_log.stats(store, AT + 9 * DAY))[-1]
    assert lift["plain"]["sends"] == 100
    assert lift["chosen"]["sends"] == 300
    assert lift["low"] < lift["lift"] < lift["high"]
    assert BEN not in str(lift)
