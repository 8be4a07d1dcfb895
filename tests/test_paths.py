"""The document of a path: true to itself whatever is done in whatever order, and written field by field."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from bot import paths
from bot.documents import LearningPath, PathProgress, PathStage, PathTemplate, Resource, insert
from bot.ports import Store
from storage.schema import to_bson
from storage.writes import set_path
from tests.documents import ANN, an_id
from tests.talk import content
from tests.test_store import documents, turn

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SQL = content().paths["sql"]
HOURS = 5
MOST = 100  # of a level, also of another service's


def plan(at: datetime, hours: int = HOURS) -> paths.Plan:
    return paths.Plan(hours=hours, today=at.date())


PLAN = plan(AT)


def made(template: PathTemplate = SQL, *, level: int = 0, target: int = paths.TARGET) -> LearningPath:
    return paths.made(
        template,
        path_id=an_id("path"),
        student=ANN,
        level=level,
        target=target,
        plan=PLAN,
        priority="HIGH",
        at=AT,
    )


def bare() -> LearningPath:
    """As an interview makes it: no catalogue stage yet."""
    none = PathProgress(
        current_stage=0, completion_percentage=0, time_spent_minutes=0, estimated_completion_date=""
    )
    return with_topic(replace(made(), stages=(), progress=none))


def with_topic(path: LearningPath, *, requires: tuple[int, ...] = (), at: datetime = AT) -> LearningPath:
    number = len(path.stages) + 1
    resource = replace(
        made().stages[0].resources[0], resource_id=f"topic-{number}", completed=False, completed_at=None
    )
    return paths.with_topic(
        path,
        topic="databases",
        title=f"Databases again ({number})",
        question=an_id("question"),
        resources=(resource,),
        requires=requires,
        plan=plan(at),
        at=at,
    )


def with_stage_closed(path: LearningPath, number: int, at: datetime = AT) -> LearningPath:
    for each in paths.stage_of(path, number).resources:
        if not each.completed and not each.withdrawn:
            path = paths.with_done(path, each.resource_id, 20, assessed=True, plan=plan(at), at=at)
    return paths.with_assessed(path, number, plan=plan(at), at=at)


def hold_true(path: LearningPath, at: datetime) -> None:
    """What the document says in one place follows from what it says in others."""
    progress = path.progress
    assert [stage.stage_number for stage in path.stages] == [*range(1, len(path.stages) + 1)]
    assert 0 <= path.current_level <= path.target_level <= MOST
    for stage in path.stages:
        closed = stage.status == "completed"
        assert (stage.completed_at is not None) == closed
        assert closed or not stage.passed_over
        assert all((each.completed_at is not None) == each.completed for each in stage.resources)
        assert not closed or stage.passed_over or all(e.completed or e.withdrawn for e in stage.resources)
        assert stage.status != "not_started" or not any(each.completed for each in stage.resources)
        assert stage.duration_weeks >= 1
    step = paths.step(path)
    assert (progress.completion_percentage == 100) == (step is None)
    assert 0 <= progress.completion_percentage <= 100
    if step is None:
        assert progress.current_stage == path.stages[-1].stage_number
        assert paths.minutes_left(path) == 0
    else:
        assert step.stage.status != "completed"
        assert progress.current_stage in (0, step.stage.stage_number)
    assert (progress.current_stage == 0) == all(stage.status == "not_started" for stage in path.stages)
    assert date.fromisoformat(progress.estimated_completion_date) >= at.date()
    assert path.updated_at == at


def written(before: LearningPath, after: LearningPath) -> dict[str, Any]:
    """`before` as it is stored, with the changes applied."""
    stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(before))
    change = paths.changes(before, after)
    fields = msgspec.json.decode(msgspec.json.encode(change.fields))
    inside = [(one, other) for one in fields for other in fields if other.startswith(one + ".")]
    assert inside == []  # MongoDB refuses a path together with one inside it
    for place, value in fields.items():
        set_path(stored, place, value)
    return stored


Move = Callable[[LearningPath, datetime, int], LearningPath]


def _any_resource(path: LearningPath, pick: int) -> Resource:
    found = [each for stage in path.stages for each in stage.resources if not each.completed]
    return found[pick % len(found)] if found else path.stages[0].resources[0]


def _any_stage(path: LearningPath, pick: int) -> PathStage:
    return path.stages[pick % len(path.stages)]


def _next(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    step = paths.step(path)
    number = step.stage.stage_number if step else 1
    path = path if step is None else paths.with_begun(path, number, at)
    if step is not None and step.resource is not None:
        uuid = step.resource.resource_id
        return paths.with_done(path, uuid, 20, assessed=bool(pick % 2), plan=plan(at), at=at)
    return paths.with_assessed(path, number, plan=plan(at), at=at)


def _begun(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    number = (paths.current(path) or path.stages[0]).stage_number
    return paths.with_end_ahead(paths.with_begun(path, number, at), plan(at))


def _done_anywhere(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    resource = _any_resource(path, pick)
    if resource.completed:
        return paths.planned(path, plan=plan(at), at=at)
    return paths.with_done(path, resource.resource_id, 7, assessed=bool(pick % 2), plan=plan(at), at=at)


def _withdrawn(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    gone = frozenset({_any_resource(path, pick).resource_id})
    return paths.with_withdrawn(path, gone, plan=plan(at), at=at)


def _topic(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    requires = tuple(stage.stage_number for stage in path.stages[: pick % 3])
    return with_topic(path, requires=requires, at=at) if len(path.stages) < 9 else _next(path, at, pick)


def _target(path: LearningPath, at: datetime, pick: int) -> LearningPath:
    target = max(path.current_level + 1, pick % (MOST + 1))
    return paths.with_target(path, SQL, min(target, MOST), plan=plan(at), at=at)


MOVES: tuple[Move, ...] = (
    _next,
    _next,
    _done_anywhere,
    _withdrawn,
    _topic,
    _target,
    lambda path, at, pick: paths.at_level(path, SQL, pick % (path.target_level + 1), plan=plan(at), at=at),
    _begun,
    lambda path, at, pick: paths.with_assessed(
        path, _any_stage(path, pick).stage_number, plan=plan(at), at=at
    ),
    lambda path, at, pick: paths.with_declined(
        path, _any_stage(path, pick).stage_number, plan=plan(at), at=at
    ),
    lambda path, at, pick: paths.planned(path, plan=plan(at, pick % 60 + 1), at=at),
    lambda path, at, pick: paths.with_catalogue(path, SQL, plan=plan(at), at=at),
)


@given(
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from(MOVES), st.integers(0, 200), st.sampled_from([0, 1, 24, 24 * 90])),
        max_size=25,
    ),
)
@settings(max_examples=300)
def test_a_path_is_true_to_itself_whatever_the_order(
    from_interview: bool,  # noqa: FBT001 what hypothesis draws comes by place
    moves: list[tuple[Move, int, int]],
) -> None:
    """Percentage, stage, level, numbers, dates; and what is written gives just what was decided."""
    path, at = bare() if from_interview else made(), AT
    hold_true(path, at)
    for move, pick, hours in moves:
        at += timedelta(hours=hours)
        after = move(path, at, pick)
        hold_true(after, at)
        assert written(path, after) == msgspec.json.decode(msgspec.json.encode(after))
        path = after


def test_only_what_differs_is_written() -> None:
    """One resource done: fields inside one stage, so that what another service put beside them stays."""
    before = made()
    after = paths.with_done(
        before, before.stages[0].resources[0].resource_id, 20, assessed=True, plan=PLAN, at=AT
    )
    fields = paths.changes(before, after).fields
    assert set(fields) <= {
        "stages.0.resources.0.completed",
        "stages.0.resources.0.completed_at",
        "stages.0.status",
        "progress.completion_percentage",
        "progress.current_stage",
        "progress.time_spent_minutes",
        "progress.estimated_completion_date",
    }
    stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(before))
    stored["stages"][0]["theirs"] = "kept"
    for place, value in fields.items():
        set_path(stored, place, value)
    assert stored["stages"][0]["theirs"] == "kept"


async def test_changes_of_a_path_arrive_in_either_store(store: Store) -> None:
    """Stages that join, dates inside a list, a resource done: the stored document becomes the decided one."""
    first = bare()
    joined = paths.with_catalogue(first, SQL, plan=PLAN, at=AT)
    worked = with_stage_closed(with_topic(joined), 2, AT + timedelta(days=1))
    await turn(store, insert(first))
    await turn(store, paths.changes(first, joined))
    await turn(store, paths.changes(joined, worked))
    (stored,) = await documents(store, "learning_paths")
    assert stored == to_bson("learning_paths", msgspec.json.decode(msgspec.json.encode(worked))) | {
        "rev": stored["rev"]
    }


def test_stages_below_the_level_and_beyond_the_target_are_passed_over() -> None:
    """They count neither way, and are there again when level or target no longer say so."""
    path = made(level=20, target=60)
    assert [stage.passed_over for stage in path.stages] == [True, False, False, True]
    assert path.progress.completion_percentage == 0
    current = paths.current(path)
    assert current is not None
    assert current.stage_number == path.progress.current_stage == 2
    raised = paths.with_target(path, SQL, 80, plan=PLAN, at=AT)
    assert [stage.passed_over for stage in raised.stages] == [True, False, False, False]
    assert raised.stages[3].status == "not_started"
    assert raised.progress.estimated_completion_date > path.progress.estimated_completion_date
    lower = paths.at_level(raised, SQL, 0, plan=PLAN, at=AT)
    assert not any(stage.passed_over for stage in lower.stages)


def test_a_lower_target_leaves_what_was_begun() -> None:
    """A stage with a resource done stays on the path; what is complete stays complete."""
    path = made()
    last = path.stages[3].resources[0].resource_id
    path = paths.with_done(path, last, 20, assessed=True, plan=PLAN, at=AT)
    path = with_stage_closed(path, 1)
    lower = paths.with_target(path, SQL, 40, plan=PLAN, at=AT)
    assert [stage.status for stage in lower.stages] == [
        "completed",
        "not_started",
        "completed",
        "in_progress",
    ]
    assert [stage.passed_over for stage in lower.stages] == [False, False, True, False]


def test_the_level_rises_with_the_stages_that_were_learnt() -> None:
    """Stages beyond a lower target do not count for it, and the level never passes the target."""
    path = paths.with_target(made(), SQL, 50, plan=PLAN, at=AT)
    levels = []
    for number in (1, 2, 3):
        path = with_stage_closed(path, number)
        levels.append(path.current_level)
    assert levels == [20, 40, 50]
    assert paths.step(path) is None


def test_a_resource_read_of_a_stage_passed_over_changes_only_itself() -> None:
    """An old button: the stage stays complete, the step at hand stays."""
    path = made(level=20)
    after = paths.with_done(
        path, path.stages[0].resources[0].resource_id, 20, assessed=True, plan=PLAN, at=AT
    )
    assert after.stages[0].status == "completed"
    assert after.stages[0].resources[0].completed
    assert after.progress.time_spent_minutes == 20
    assert after.progress.current_stage == path.progress.current_stage == 2


def test_a_topic_comes_first_once_what_it_requires_is_done() -> None:
    """Before that the catalogue's stage; and with nothing else left, the topic all the same."""
    path = with_topic(made(), requires=(1,))
    first = paths.current(path)
    assert first is not None
    assert first.stage_number == 1
    path = with_stage_closed(path, 1)
    then = paths.current(path)
    assert then is not None
    assert (then.stage_number, path.progress.current_stage) == (5, 5)
    path = with_stage_closed(path, 5)
    assert path.progress.current_stage == 2
    assert path.current_level == 20  # a topic does not lift it
    left = with_topic(made(level=79), requires=(4,))
    only = replace(left, stages=tuple(s for s in left.stages if s.topic))
    topic = paths.current(only)
    assert topic is not None
    assert topic.topic == "databases"


def test_a_withdrawn_resource_is_not_waited_for() -> None:
    """Its stage closes without it; one that was done already stays done."""
    path = made()
    ids = [each.resource_id for each in path.stages[0].resources]
    path = paths.with_done(path, ids[0], 20, assessed=True, plan=PLAN, at=AT)
    path = paths.with_withdrawn(path, frozenset(ids), plan=PLAN, at=AT)
    step = paths.step(path)
    assert step is not None
    assert step.kind == "quiz"
    assert [each.withdrawn for each in path.stages[0].resources] == [False, *[True] * (len(ids) - 1)]
    assert paths.with_assessed(path, 1, plan=PLAN, at=AT).stages[0].status == "completed"


def test_a_quiz_passed_early_closes_the_stage_with_its_last_resource() -> None:
    """Not before."""
    path = paths.with_assessed(made(), 1, plan=PLAN, at=AT)
    assert paths.stage_of(path, 1).status == "not_started"
    for each in path.stages[0].resources:
        assert paths.stage_of(path, 1).status != "completed"
        path = paths.with_done(path, each.resource_id, 20, assessed=False, plan=PLAN, at=AT)
    assert path.stages[0].status == "completed"


def test_an_end_that_has_passed_is_planned_anew_by_what_is_left() -> None:
    """After a long pause the date lies ahead again, as the next step done would plan it; one to come stays."""
    path = made()
    later = AT + timedelta(days=400)
    touched = paths.with_end_ahead(path, plan(later))
    assert touched == replace(path, progress=paths.planned(path, plan=plan(later), at=later).progress)
    assert paths.with_end_ahead(path, plan(AT + timedelta(days=1))) == path


@pytest.mark.parametrize("hours", [paths.FEWEST_HOURS, 5, paths.MOST_HOURS])
def test_more_hours_a_week_end_it_sooner(hours: int) -> None:
    """The end is what is left, at that pace, rounded up to a day."""
    path = paths.planned(made(), plan=plan(AT, hours), at=AT)
    days = (date.fromisoformat(path.progress.estimated_completion_date) - AT.date()).days
    assert 60 * hours * (days - 1) < 7 * paths.minutes_left(path) <= 60 * hours * days


def test_several_paths_stand_in_the_order_of_their_gaps() -> None:
    """High before medium before low; of equals the one touched last."""

    def three() -> Iterator[LearningPath]:
        for priority, hours in (("LOW", 3), ("HIGH", 0), ("HIGH", 2), ("MEDIUM", 1)):
            yield replace(made(), gap_priority=priority, updated_at=AT + timedelta(hours=hours))

    ordered = sorted(three(), key=paths.by_priority)
    assert [(path.gap_priority, path.updated_at.hour) for path in ordered] == [
        ("HIGH", 11),
        ("HIGH", 9),
        ("MEDIUM", 10),
        ("LOW", 12),
    ]
    assert paths.priority(80, 2) == paths.priority(40, 1) == "HIGH"
    assert paths.priority(39, 1) == paths.priority(40, 0) == "MEDIUM"
    assert paths.priority(39, 0) == "LOW"
