"""What every store promises, whichever database lies behind it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from bson import ObjectId
from msgspec.structs import replace

from bot.documents import (
    COLLECTIONS,
    AsideEvent,
    CompanyWish,
    InterviewAttempt,
    InterviewQuestion,
    LearningPath,
    LearningProgress,
    SkillWish,
    Write,
    insert,
    new_id,
    update,
)
from bot.events import Identity
from bot.ports import REPORTS_KNOWN, Claimed, StaleConversation, Store, StoreUnavailable
from storage import store_for
from tests.conftest import OpenStore
from tests.documents import (
    ANN,
    AT,
    BEN,
    HOUR,
    MINUTE,
    an_id,
    attempt,
    bank_question,
    conversation,
    delivery,
    nudged,
    observation,
    path,
    report,
    row,
    session,
    student_document,
)

TELEGRAM = ["telegram"]


async def turn(store: Store, *writes: Write, student: str = ANN, **more: Any) -> int:
    """One turn on top of whatever is stored."""
    record = await store.load(student)
    expected = record.version if record else 0
    return await store.commit(student, conversation(student), expected=expected, writes=writes, **more)


async def documents(store: Store, collection: str) -> list[dict[str, Any]]:
    return [document async for document in store.export(collection)]


async def claim(store: Store, at: Any = AT, *, limit: int = 10, **more: Any) -> list[Claimed]:
    return await store.due(at=at, lease=MINUTE, limit=limit, **more)


async def sweep(
    store: Store, at: Any = AT, *, platforms: Sequence[str] = TELEGRAM, work: bool = False, **more: Any
) -> dict[str, list[tuple[str, int]]]:
    """What a sweep leases: the deliveries of each student, with their tries."""
    wanted = {"limit": 10, **more}
    found = await store.pending(platforms, work=work, at=at, lease=MINUTE, **wanted)
    return {student: [(one.id, one.tries) for one in deliveries] for student, deliveries in found}


# -- identities ------------------------------------------------------------------------------------------------------


async def test_an_identity_leads_to_one_student_for_ever(store: Store) -> None:
    """The first id offered stays; another platform's account of the same name is somebody else."""
    ann = Identity(platform="telegram", user="81")
    assert await store.student(ann, new=ANN, at=AT) == ANN
    assert await store.student(ann, new=BEN, at=AT) == ANN
    assert await store.student(Identity(platform="discord", user="81"), new=BEN, at=AT) == BEN


async def test_two_processes_that_meet_a_newcomer_agree_who_it_is(open_store: OpenStore) -> None:
    one, two = await open_store(), await open_store()
    for number in range(20):
        who = Identity(platform="telegram", user=str(number))
        found = await asyncio.gather(
            *(
                store.student(who, new=an_id(f"{number} {place}"), at=AT)
                for place, store in enumerate([one, two] * 3)
            )
        )
        assert len(set(found)) == 1


# -- turns -----------------------------------------------------------------------------------------------------------


async def test_a_conversation_is_loaded_as_it_was_committed(open_store: OpenStore) -> None:
    """By any process; and there is none before the first turn."""
    one, two = await open_store(), await open_store()
    assert await one.load(ANN) is None
    assert await one.commit(ANN, conversation(note="first"), expected=0) == 1
    assert await two.commit(ANN, conversation(note="naïve 中文 \0 👩‍💻"), expected=1) == 2
    record = await one.load(ANN)
    assert record is not None
    assert (record.version, record.conversation) == (2, conversation(note="naïve 中文 \0 👩‍💻"))


async def test_a_turn_decided_on_an_old_version_changes_nothing(store: Store) -> None:
    await store.commit(ANN, conversation(note="kept"), expected=0)
    for expected in (0, 2):
        with pytest.raises(StaleConversation):
            await store.commit(
                ANN,
                conversation(note="lost"),
                expected=expected,
                writes=[insert(session())],
                deliveries=[delivery("d1")],
                wake_at=AT,
                work=True,
            )
    record = await store.load(ANN)
    assert record is not None
    assert (record.version, record.conversation.zone_hint) == (1, "kept")
    assert await documents(store, "interview_sessions") == []
    assert await sweep(store, work=True) == {}
    assert await claim(store) == []


async def test_of_two_processes_with_the_same_version_one_commits(open_store: OpenStore) -> None:
    stores = [await open_store(), await open_store()]
    for version in range(15):
        outcomes = await asyncio.gather(
            *(
                store.commit(ANN, conversation(note=f"{version} {number}"), expected=version)
                for number, store in enumerate(stores * 2)
            ),
            return_exceptions=True,
        )
        assert [type(one) for one in outcomes].count(int) == 1
        assert [type(one) for one in outcomes].count(StaleConversation) == 3


async def test_turns_of_many_students_at_once_are_all_kept(store: Store) -> None:
    students = [an_id(str(number)) for number in range(100)]
    await asyncio.gather(*(turn(store, insert(session(one, one)), student=one) for one in students))
    assert {str(one["student_id"]) for one in await documents(store, "interview_sessions")} == set(students)


async def test_a_turn_that_cannot_be_written_leaves_its_neighbours_alone(store: Store) -> None:
    """A text that is no text (a lone surrogate) is the caller's mistake, and nothing of its turn is there."""
    good, bad = (
        turn(store, insert(session()), student=ANN),
        turn(store, insert(attempt("bad", BEN, answer="\ud800")), student=BEN),
    )
    outcomes = await asyncio.gather(good, bad, return_exceptions=True)
    assert outcomes[0] == 1
    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert await store.load(BEN) is None
    assert await documents(store, "interview_attempts") == []


# -- documents -------------------------------------------------------------------------------------------------------


async def test_a_document_is_updated_by_field(store: Store) -> None:
    """Only what a turn names is set, also deep inside; fields of another service stay."""
    await turn(store, insert(path()))
    await turn(store, update(LearningPath, an_id("path"), theirs="kept"))
    await turn(
        store,
        update(
            LearningPath,
            an_id("path"),
            stages__0__resources__1__completed=True,
            stages__0__resources__1__completed_at=AT,
            progress__completion_percentage=50,
        ),
    )
    (stored,) = await documents(store, "learning_paths")
    resources = stored["stages"][0]["resources"]
    assert [one["completed"] for one in resources] == [False, True]
    assert [one["completed_at"] for one in resources] == [None, AT]
    assert stored["progress"] == {
        "current_stage": 1,
        "completion_percentage": 50,
        "time_spent_minutes": 0,
        "estimated_completion_date": "2026-04-01",
    }
    assert stored["theirs"] == "kept"
    assert stored["rev"] == 3


async def test_a_document_that_is_there_is_not_inserted_again(store: Store) -> None:
    await turn(store, insert(attempt("one", answer="first")))
    await turn(store, insert(attempt("one", answer="second")))
    assert [one["student_answer"] for one in await documents(store, "interview_attempts")] == ["first"]


async def test_every_change_a_turn_makes_to_one_document_counts(store: Store) -> None:
    """Inserted and updated at once, updated twice, and once at a place inside another."""
    await turn(
        store,
        insert(path()),
        update(LearningPath, an_id("path"), current_level=10),
        update(LearningPath, an_id("path"), target_level=90, progress__current_stage=2),
        update(LearningPath, an_id("path"), stages__0__topics__0="Joins"),
    )
    (stored,) = await documents(store, "learning_paths")
    assert (stored["current_level"], stored["target_level"], stored["progress"]["current_stage"]) == (
        10,
        90,
        2,
    )
    await turn(
        store,
        update(LearningPath, an_id("path"), progress__current_stage=3),
        update(LearningPath, an_id("path"), progress=replace(path().progress, current_stage=4)),
        update(LearningPath, an_id("path"), progress__time_spent_minutes=6, current_level=11),
    )
    (stored,) = await documents(store, "learning_paths")
    progress = replace(path().progress, current_stage=4, time_spent_minutes=6)
    assert (stored["progress"], stored["current_level"]) == (msgspec.to_builtins(progress), 11)


async def test_an_update_of_a_document_that_is_gone_does_nothing(store: Store) -> None:
    assert await turn(store, update(InterviewAttempt, an_id("gone"), score=5)) == 1
    assert await documents(store, "interview_attempts") == []


async def test_a_turn_knows_what_it_asked_for_and_no_more(store: Store) -> None:
    """Paths and rows oldest first, reports newest first, questions of the last 90 days; nobody else's."""
    old, new = AT - timedelta(days=91), AT - timedelta(days=89)
    await turn(store, insert(path("new")), insert(path("old", at=old)), insert(row("r1", nudge=AT)))
    await turn(store, insert(attempt("then", at=old)), insert(attempt("lately", at=new)))
    before, planned = (an_id("planned then"),), (an_id("planned lately"), an_id("question lately"))
    await turn(store, insert(session("s1", at=old, plan=before)), insert(session("s2", at=new, plan=planned)))
    await turn(store, *(insert(report(f"r{n}", at=AT + n * HOUR)) for n in range(REPORTS_KNOWN + 2)))
    await turn(store, insert(path("bens", BEN)), insert(report("bens", BEN)), student=BEN)

    known = await store.known(ANN, frozenset({"paths", "reports", "asked"}), at=AT)
    assert list(known.paths) == [replace(path("old", at=old), rev=1), replace(path("new"), rev=1)]
    assert [(one.id, one.next_nudge_at) for one in known.progress] == [(an_id("r1"), AT)]
    assert [one.created_at for one in known.reports] == [
        AT + n * HOUR for n in range(REPORTS_KNOWN + 1, 1, -1)
    ]
    assert known.asked == {an_id("question lately"), an_id("planned lately")}
    assert await store.known(ANN, frozenset(), at=AT) == type(known)()


# -- the outbox ------------------------------------------------------------------------------------------------------


async def test_a_sweep_leases_what_is_for_its_platforms(store: Store) -> None:
    """Oldest first, as it was written; what is for another platform stays for its own process."""
    await turn(store, deliveries=[delivery("d1", text="*one*"), delivery("d2", platform="discord")])
    await turn(store, deliveries=[delivery("d3")])
    await turn(store, student=BEN, deliveries=[delivery("d4", platform="discord")])
    ((student, found),) = await store.pending(TELEGRAM, work=False, at=AT, lease=MINUTE, limit=10)
    assert (student, found) == (ANN, [delivery("d1", text="*one*"), delivery("d3")])
    assert await sweep(store, AT + 2 * MINUTE, platforms=["discord"]) == {ANN: [("d2", 0)], BEN: [("d4", 0)]}


async def test_a_lease_holds_until_it_lapses_and_counts_the_tries(store: Store) -> None:
    await turn(store, deliveries=[delivery("d1")])
    assert await sweep(store) == {ANN: [("d1", 0)]}
    assert await sweep(store, AT + 0.9 * MINUTE) == {}
    assert await sweep(store, AT + 1.1 * MINUTE) == {ANN: [("d1", 1)]}
    assert await sweep(store, AT + 2.2 * MINUTE) == {ANN: [("d1", 2)]}


async def test_what_is_settled_is_not_sent_again(store: Store) -> None:
    """What was certainly not taken starts from no tries; settling never makes a turn stale."""
    await turn(store, deliveries=[delivery("d1"), delivery("d2"), delivery("d3")])
    await sweep(store)
    await store.settle(ANN, sent=["d1"], untaken=["d2"])
    assert await sweep(store) == {ANN: [("d2", 0), ("d3", 1)]}
    await store.settle(ANN, sent=["d2"], lease_until=AT + HOUR)
    assert await sweep(store, AT + 0.9 * HOUR) == {}
    assert await sweep(store, AT + 1.1 * HOUR) == {ANN: [("d3", 2)]}
    await store.settle(ANN, sent=["d3", "never heard of"])
    assert await sweep(store, AT + 3 * HOUR) == {}
    assert await store.commit(ANN, conversation(), expected=1) == 2
    await store.settle(BEN, sent=["d1"])  # erased meanwhile: nothing to do


async def test_a_turn_sends_its_own_replies_before_any_sweep(store: Store) -> None:
    """Its lease keeps the sweeps away until it settles or dies; a turn without one leaves a lease as it is."""
    await turn(store, deliveries=[delivery("d1", tries=1)], work=True, lease_until=AT + MINUTE)
    await turn(store, deliveries=[delivery("d2")], work=True)
    assert await sweep(store, work=True) == {}
    assert await sweep(store, AT + 1.1 * MINUTE, work=True) == {ANN: [("d1", 1), ("d2", 0)]}
    await store.settle(ANN, sent=["d1", "d2"])


async def test_work_is_found_until_a_turn_says_it_is_done(store: Store) -> None:
    """Only by a sweep that asks for work."""
    await turn(store, work=True)
    await turn(store, student=BEN, work=True, deliveries=[delivery("d1", platform="discord")])
    assert await sweep(store) == {}
    assert await sweep(store, work=True) == {ANN: [], BEN: []}
    assert await sweep(store, work=True) == {}
    await turn(store)
    assert await sweep(store, AT + HOUR, work=True) == {BEN: []}


async def test_replies_come_before_nudges_and_without_them_if_wanted(store: Store) -> None:
    """However much older the nudges are; where both wait, a student's messages keep their order."""
    for number in range(3):
        await turn(store, student=an_id(f"s{number}"), deliveries=[delivery(f"n{number}", kind="nudge")])
    await turn(store, student=BEN, deliveries=[delivery("n3", kind="nudge"), delivery("d1")])
    await turn(store, deliveries=[delivery("d2")])
    assert await sweep(store, AT - HOUR, nudges=False, limit=5) == {
        BEN: [("n3", 0), ("d1", 0)],
        ANN: [("d2", 0)],
    }
    first, then = await sweep(store, limit=3), await sweep(store)
    assert {ANN, BEN} < first.keys()
    assert len(then) == 2
    assert not first.keys() & then.keys()


async def test_a_sweep_takes_no_more_than_it_asked_for(store: Store) -> None:
    for number in range(5):
        await turn(store, student=an_id(str(number)), deliveries=[delivery(f"d{number}")])
    first, second = await sweep(store, limit=3), await sweep(store, limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert not first.keys() & second.keys()


async def test_two_processes_never_lease_the_same_conversation(open_store: OpenStore) -> None:
    one, two = await open_store(), await open_store()
    for number in range(30):
        await turn(one, student=an_id(str(number)), deliveries=[delivery(f"d{number}")])
    found = await asyncio.gather(*(sweep(store, limit=20) for store in (one, two, one, two)))
    students = [student for each in [*found, await sweep(one, limit=30)] for student in each]
    assert len(students) == len(set(students)) == 30


# -- time ------------------------------------------------------------------------------------------------------------


async def test_what_is_due_comes_earliest_first_rows_and_wake_ups_alike(store: Store) -> None:
    await turn(store, insert(row("later", nudge=AT)), wake_at=AT - 2 * HOUR)
    await turn(store, insert(row("earlier", BEN, nudge=AT - HOUR)), student=BEN, wake_at=AT + MINUTE)
    everything = [
        Claimed(student=ANN, due=AT - 2 * HOUR),
        Claimed(student=BEN, due=AT - HOUR, row=an_id("earlier")),
        Claimed(student=ANN, due=AT, row=an_id("later")),
    ]
    assert await claim(store, AT - 3 * HOUR) == []
    assert await claim(store, claim=False) == everything
    assert await claim(store, claim=False, limit=1) == everything[:1]
    assert await claim(store, limit=2) == everything[:2]
    assert await claim(store) == everything[2:]
    assert await claim(store) == await claim(store, claim=False) == []


async def test_what_was_claimed_and_never_moved_is_due_again_when_the_lease_lapses(store: Store) -> None:
    """At its own time still, so that the event it becomes has the same name."""
    await turn(store, insert(row("r1", nudge=AT - HOUR)), wake_at=AT)
    first = await claim(store)
    assert await claim(store, AT + 0.9 * MINUTE) == []
    await turn(store, insert(row("r2", BEN, nudge=AT - 2 * HOUR)), student=BEN)
    new = Claimed(student=BEN, due=AT - 2 * HOUR, row=an_id("r2"))
    assert await claim(store, AT + 1.1 * MINUTE, limit=2) == [first[0], new]
    assert await claim(store, AT + 1.1 * MINUTE) == first[1:]


async def test_wake_ups_are_claimed_before_nudges_that_are_due_longer(store: Store) -> None:
    """Somebody may be in the middle of what wakes; a look without a claim stays in the order of time."""
    await turn(store, insert(row("r1", nudge=AT - HOUR)), wake_at=AT)
    await turn(store, insert(row("r2", BEN, nudge=AT - 2 * HOUR)), student=BEN, wake_at=AT - MINUTE)
    seen = await claim(store, claim=False)
    assert [one.due for one in seen] == [AT - 2 * HOUR, AT - HOUR, AT - MINUTE, AT]
    assert await claim(store, limit=3) == [seen[2], seen[3], seen[0]]
    assert await claim(store) == [seen[1]]


async def test_a_turn_moves_a_nudge_and_ends_its_lease(store: Store) -> None:
    await turn(store, insert(row("r1", nudge=AT)))
    await claim(store)
    await turn(store, update(LearningProgress, an_id("r1"), next_nudge_at=AT + MINUTE, status="in_progress"))
    assert await claim(store) == []
    assert await claim(store, AT + MINUTE) == [Claimed(student=ANN, due=AT + MINUTE, row=an_id("r1"))]
    await turn(store, update(LearningProgress, an_id("r1"), next_nudge_at=None))
    assert await claim(store, AT + HOUR) == []


async def test_a_turn_sets_or_takes_away_the_time_to_wake(store: Store) -> None:
    await turn(store, wake_at=AT)
    assert await claim(store) == [Claimed(student=ANN, due=AT)]
    await turn(store, wake_at=AT + MINUTE)
    assert await claim(store, AT + MINUTE) == [Claimed(student=ANN, due=AT + MINUTE)]
    await turn(store)
    assert await claim(store, AT + HOUR) == []


async def test_a_student_has_one_nudge_at_a_time(store: Store) -> None:
    """The row that gets a time takes it from the other, in whatever order a turn says so, and unsaid as well."""
    await turn(store, insert(row("r1", nudge=AT)), insert(row("r2")))
    await turn(
        store,
        update(LearningProgress, an_id("r2"), next_nudge_at=AT + MINUTE),
        update(LearningProgress, an_id("r1"), next_nudge_at=None),
    )
    assert [one.row for one in await claim(store, AT + HOUR)] == [an_id("r2")]
    await turn(store, update(LearningProgress, an_id("r1"), next_nudge_at=AT + HOUR, status="in_progress"))
    await turn(store, insert(row("r3", nudge=AT + 2 * HOUR)))
    known = await store.known(ANN, frozenset({"paths"}), at=AT)
    times = {one.id: (one.next_nudge_at, one.status) for one in known.progress}
    assert times == {
        an_id("r1"): (None, "in_progress"),
        an_id("r2"): (None, "not_started"),
        an_id("r3"): (AT + 2 * HOUR, "not_started"),
    }
    assert [one.row for one in await claim(store, AT + 3 * HOUR)] == [an_id("r3")]


async def test_two_processes_never_claim_the_same_nudge(open_store: OpenStore) -> None:
    one, two = await open_store(), await open_store()
    for number in range(30):
        student = an_id(str(number))
        await turn(one, insert(row(student, student, nudge=AT)), student=student, wake_at=AT)
    claimed = await asyncio.gather(*(claim(store, limit=25) for store in (one, two, one, two)))
    everything = [(one.student, one.row) for each in claimed for one in each]
    assert len(everything) == len(set(everything))
    everything += [(left.student, left.row) for left in await claim(one, limit=100)]
    assert len(everything) == len(set(everything)) == 60


# -- the rest --------------------------------------------------------------------------------------------------------


async def test_erasing_a_student_leaves_no_trace_of_them_and_others_alone(store: Store) -> None:
    for student, user in ((ANN, "81"), (BEN, "82")):
        await store.student(Identity(platform="telegram", user=user), new=student, at=AT)
        mine: list[Any] = [
            session("s" + user, student),
            attempt("a" + user, student),
            report("r" + user, student),
            observation(student),
            CompanyWish(id=an_id("w" + user), student_id=student, company="zyxcorp", created_at=AT),
            SkillWish(id=an_id("s" + user), student_id=student, skill="cobol", created_at=AT),
            nudged(student),
        ]
        mine += [path("p" + user, student), row("n" + user, student, nudge=AT), student_document(student)]
        await turn(
            store,
            *map(insert, mine),
            student=student,
            deliveries=[delivery("d" + user)],
            work=True,
            wake_at=AT,
            lease_until=AT - HOUR,
        )
        aside = AsideEvent(
            id=an_id(user),
            student_id=student,
            event_id="e",
            event_type="Said",
            error="KeyError",
            created_at=AT,
        )
        await store.set_aside(aside)
    await claim(store, limit=2)
    for _ in range(2):
        await store.erase(ANN)
        kept = {name: repr(await documents(store, name)) for name in [*COLLECTIONS, "conversations"]}
        assert [name for name, text in kept.items() if ANN in text] == []
        content = {"interview_questions", "company_interview_knowledge", "path_templates"}
        assert {name for name, text in kept.items() if BEN not in text} == content
    assert await store.load(ANN) is None
    assert {one.student for one in await claim(store, AT + HOUR)} == {BEN}
    assert list(await sweep(store, AT + HOUR, work=True)) == [BEN]
    assert await store.student(Identity(platform="telegram", user="81"), new=an_id("new"), at=AT) == an_id(
        "new"
    )


async def test_content_is_seeded_once_updated_when_it_changed_and_retired_when_it_is_gone(
    store: Store,
) -> None:
    """Fields another service added stay, and so do its own entries; nothing is deleted."""
    assert await store.seed("interview_questions", [bank_question("a"), bank_question("b")]) == 2
    assert await store.seed("interview_questions", [bank_question("a"), bank_question("b")]) == 0
    theirs = {"_id": an_id("theirs"), "round": "dsa", "topic": "x", "difficulty": "easy", "question": "?"}
    added = insert(bank_question("theirs"))
    added.document.clear()
    added.document.update(theirs)
    await turn(store, added, update(InterviewQuestion, an_id("a"), votes=7))
    assert await store.seed("interview_questions", [bank_question("a", content_version="2")]) == 2
    assert await store.seed("interview_questions", [bank_question("a", content_version="2")]) == 0
    stored = {str(one["_id"]): one for one in await documents(store, "interview_questions")}
    assert stored[an_id("a")]["question"] == "Why a? (2)"
    assert stored[an_id("a")]["votes"] == 7
    assert [stored[an_id(name)]["retired"] for name in "ab"] == [False, True]
    assert "retired" not in stored[an_id("theirs")]
    assert (
        await store.seed("interview_questions", [bank_question("a", content_version="2"), bank_question("b")])
        == 1
    )


async def test_an_export_can_begin_at_a_time(store: Store) -> None:
    """Ids open with the time at which they were made."""
    made = [replace(attempt("a"), id=new_id(AT + timedelta(days=n), str(n))) for n in range(4)]
    await turn(store, *(insert(each) for each in made))
    since = AT + timedelta(days=2)
    exported = [str(one["_id"]) async for one in store.export("interview_attempts", since=since)]
    assert exported == [each.id for each in made[2:]]


async def test_an_export_gives_bson_values_in_the_order_of_ids(store: Store) -> None:
    names = [f"a{number}" for number in range(12)]
    await turn(
        store, *(insert(attempt(name)) for name in names), deliveries=[delivery("d1")], wake_at=AT, work=True
    )
    exported = await documents(store, "interview_attempts")
    assert [str(one["_id"]) for one in exported] == sorted(map(an_id, names))
    assert isinstance(exported[0]["_id"], ObjectId)
    assert exported[0]["question_id"] == ObjectId(exported[0]["asked"]["id"])
    assert exported[0]["created_at"] == AT
    assert exported[0]["created_at"].utcoffset() == timedelta(0)
    assert exported[0]["score"] is None
    (stored,) = await documents(store, "conversations")
    assert (stored["_id"], stored["student_id"], stored["version"]) == (f"student:{ANN}", ObjectId(ANN), 1)
    assert (stored["wake_at"], stored["work"], stored["outbox"][0]["id"]) == (AT, True, "d1")
    with pytest.raises(ValueError, match="no collection passwords"):
        await documents(store, "passwords")


async def test_a_bookmark_stays_where_it_was_put(store: Store, open_store: OpenStore) -> None:
    await store.set("discord:seen:81", "1")
    await store.set("discord:seen:81", "2")
    await store.set("discord:seen:9", "3")
    await store.set("discord:seeing", "4")
    another = await open_store()
    assert await another.get("discord:seen:81") == "2"
    assert await another.get("discord:seen:8") is None
    assert await another.all("discord:seen:") == {"discord:seen:81": "2", "discord:seen:9": "3"}
    assert await another.all("telegram:") == {}


async def test_a_bookmark_that_is_taken_away_is_gone_for_everybody(
    store: Store, open_store: OpenStore
) -> None:
    """Another one stays; to take it away again does nothing."""
    await store.set("telegram:poll:1", "a")
    await store.set("telegram:poll:12", "b")
    await store.set("telegram:poll:1", None)
    await store.set("telegram:poll:1", None)
    another = await open_store()
    assert await another.get("telegram:poll:1") is None
    assert await another.all("telegram:poll:") == {"telegram:poll:12": "b"}
    await another.set("telegram:poll:1", "c")
    assert await store.get("telegram:poll:1") == "c"


async def test_opening_again_says_nothing_and_loses_nothing(store: Store, open_store: OpenStore) -> None:
    await turn(store, insert(session()))
    assert await store.open() == []
    await store.close()
    again = await open_store()
    assert await again.open() == []
    assert await again.load(ANN) is not None
    assert len(await documents(again, "interview_sessions")) == 1


async def test_an_event_that_failed_is_put_on_record_once(store: Store) -> None:
    record = AsideEvent(
        id=an_id("e"),
        student_id=ANN,
        event_id="telegram:5",
        event_type="Said",
        error="KeyError",
        created_at=AT,
    )
    await store.set_aside(record)
    await store.set_aside(record)
    assert [one["event_id"] for one in await documents(store, "aside_events")] == ["telegram:5"]


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/viva.db", "mongodb://127.0.0.1:9/viva?serverSelectionTimeoutMS=300"]
)
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    """At the start and at every call, in words an operator can act on."""
    store = store_for(url)
    with pytest.raises(StoreUnavailable, match=r"viva\.db|127\.0\.0\.1:9"):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.load(ANN)
    with pytest.raises(StoreUnavailable):
        await turn(store)
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgres://viva",
        "sqlite://viva.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "mongodb://",
        "mongodb://a:b:c@d",
    ],
)
def test_an_address_that_names_no_database_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        store_for(url)
