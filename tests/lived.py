"""Hands for the tests of paths and quizzes: read what is stored, answer what is asked, let another service write."""

from datetime import date
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import replace

from bot import paths, quizzes
from bot.bank import Content
from bot.documents import Insert, LearningPath, LearningProgress, QuizAttempt, Write
from bot.messages import Choice
from bot.quizzes import LETTERS, QuizQuestion
from tests.talk import Talk

DAY_ONE = date(2026, 3, 2)


async def documents(talk: Talk, collection: str) -> list[dict[str, Any]]:
    return [each async for each in talk.store.export(collection)]


async def path_of(talk: Talk, skill: str = "") -> LearningPath:
    """The student's path for a skill, else the first one."""
    found = await documents(talk, "learning_paths")
    document = next(each for each in found if skill in ("", each["skill"]))
    return msgspec.convert(_plain(document), LearningPath)


async def rows(talk: Talk, kind: str = "") -> list[LearningProgress]:
    found = [
        msgspec.convert(_plain(each), LearningProgress) for each in await documents(talk, "learning_progress")
    ]
    return [each for each in found if kind in ("", each.kind)]


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    ids = ("_id", "student_id", "path_id")
    return document | {name: str(document[name]) for name in ids if document.get(name) is not None}


def hold_true(path: LearningPath) -> None:
    """What the path says of itself follows from its stages and resources."""
    counted = [stage for stage in path.stages if not stage.passed_over]
    asked = [each for stage in counted for each in stage.resources if each.completed or not each.withdrawn]
    finished = sum(each.completed for each in asked) + sum(s.status == "completed" for s in counted)
    everything = len(asked) + len(counted)
    assert path.progress.completion_percentage == (100 * finished // everything if everything else 100)
    step = paths.step(path)
    at_hand = step.stage.stage_number if step else path.stages[-1].stage_number
    begun = any(stage.status != "not_started" for stage in path.stages)
    assert path.progress.current_stage == (at_hand if begun else 0)
    assert [stage.stage_number for stage in path.stages] == list(range(1, len(path.stages) + 1))
    assert 0 <= path.current_level <= path.target_level <= 100
    for stage in path.stages:
        through = all(each.completed or each.withdrawn for each in stage.resources)
        assert through or stage.passed_over or stage.status != "completed"
        assert (stage.completed_at is not None) == (stage.status == "completed")
        assert all((each.completed_at is not None) == each.completed for each in stage.resources)
    assert date.fromisoformat(path.progress.estimated_completion_date) >= DAY_ONE


async def open_attempt(talk: Talk) -> QuizAttempt:
    """The quiz that is begun and not ended."""
    return next(
        each.attempts[-1] for each in await rows(talk) if each.attempts and each.attempts[-1].score is None
    )


async def open_question(talk: Talk) -> tuple[QuizQuestion, str]:
    """Its question at hand, and the seed of its options."""
    attempt = await open_attempt(talk)
    question = talk.content.quiz_question(attempt.questions[len(attempt.answers)])
    assert question is not None
    return question, attempt.seed


def letters(question: QuizQuestion, seed: str, *, right: bool) -> list[str]:
    """The letters of its right options, or of one that is wrong."""
    shown = quizzes.options(question, seed)
    wrong = next(place for place, each in enumerate(shown) if each not in question.right)
    return [LETTERS[shown.index(each)] for each in question.right] if right else [LETTERS[wrong]]


def starting(talk: Talk, opening: str) -> Choice:
    """The newest button whose id begins so."""
    return next(
        choice
        for each in reversed(talk.screen.shown)
        for choice in each.message.choices
        if choice.id.startswith(opening)
    )


async def answer(talk: Talk, *, right: bool = True, typed: bool = False) -> None:
    """Answer the open question of a quiz, by its buttons where it has some."""
    question, seed = await open_question(talk)
    if question.kind == "fill":
        await talk.say(question.right[0] if right else "no such thing")
        return
    marks = letters(question, seed, right=right)
    if typed:
        await talk.say(" and ".join(marks).lower())
        return
    for mark in marks:
        await talk.press(mark)
    if question.kind == "multiple":
        await talk.press("Check")


async def take_quiz(talk: Talk, *, wrong: int = 0, typed: bool = False) -> None:
    """From where it is, or the button that begins it, to its end; the first `wrong` answers are not right."""
    if not any(each.id.startswith("pick:") for each in talk.last().choices):
        await talk.press(starting(talk, "quiz:").id)
    attempt = await open_attempt(talk)
    for number in range(len(attempt.answers), len(attempt.questions)):
        await answer(talk, right=number >= wrong, typed=typed)
        if number + 1 < len(attempt.questions):
            await talk.press(starting(talk, "quiz:").id)


async def begun(talk: Talk, skill: str) -> None:
    """A new path, the zone confirmed, nothing left unread."""
    await talk.say(f"learn {skill}")
    if any(each.label == "Yes" for each in talk.last().choices):
        await talk.press("Yes")
    talk.new()


async def read_stage(talk: Talk) -> None:
    """Through the resources of the stage at hand, without their recall questions."""
    while True:
        await talk.say("next")
        if not any(each.label == "Done" for each in talk.last().choices):
            break
        await talk.press("Done")
        await talk.say("skip")
    talk.new()


async def written_elsewhere(talk: Talk, *writes: Write) -> None:
    """Another service writes into the shared collections."""
    student = await talk.store.student(talk.who, new="0" * 24, at=talk.now)
    record = await talk.store.load(student)
    assert record is not None
    await talk.store.commit(student, record.conversation, expected=record.version, writes=writes)


async def foreign_path(talk: Talk, skill: str, *stages: dict[str, Any]) -> None:
    """A path as another service writes it: without any field of ours, and without rows of progress."""
    student = await talk.store.student(talk.who, new="0" * 24, at=talk.now)
    document = {
        "_id": "5" * 24,
        "student_id": student,
        "skill": skill,
        "current_level": 10,
        "target_level": 90,
        "gap_priority": "HIGH",
        "stages": [
            {
                "stage_number": number,
                "stage_name": f"Part {number}",
                "duration_weeks": 2,
                "topics": ["Ownership", "Borrowing"],
                "resources": [],
                "assessment": {"type": "quiz", "questions_count": 10, "passing_score": 70},
                "status": "not_started",
                "completed_at": None,
                **stage,
            }
            for number, stage in enumerate(stages, 1)
        ],
        "progress": {
            "current_stage": 0,
            "completion_percentage": 0,
            "time_spent_minutes": 0,
            "estimated_completion_date": "2026-06-01",
        },
        "created_at": talk.now.isoformat(),
        "updated_at": talk.now.isoformat(),
    }
    await written_elsewhere(talk, Insert(collection="learning_paths", document=document))


def page(name: str, minutes: int = 30) -> dict[str, Any]:
    """A resource of another service."""
    return {
        "resource_id": f"00000000-0000-4000-8000-{crc32(name.encode()):012}",
        "type": "article",
        "title": name,
        "url": "https://doc.rust-lang.org/book/",
        "duration_minutes": minutes,
        "source": "The Rust book",
        "completed": False,
        "completed_at": None,
    }


def without_questions(content: Content, *keys: str) -> Content:
    """The content once these quiz questions are withdrawn."""
    left = {
        skill: tuple(each for each in bank if each.key not in keys) for skill, bank in content.quizzes.items()
    }
    by_key = {each.key: each for bank in left.values() for each in bank}
    return replace(content, quizzes=left, _quiz_questions=by_key)


def without_resource(content: Content, skill: str, resource_id: str) -> Content:
    """The content once a resource is withdrawn."""
    template = content.paths[skill]
    stages = tuple(
        replace(stage, resources=tuple(e for e in stage.resources if e.resource_id != resource_id))
        for stage in template.stages
    )
    return replace(content, paths=content.paths | {skill: replace(template, stages=stages)})
