"""Documents and conversations for the tests of the stores, each whole, each as small as its type allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.conversation import Conversation
from bot.documents import (
    Assessment,
    CompanyObservation,
    InterviewAttempt,
    InterviewQuestion,
    InterviewReport,
    InterviewSession,
    LearningPath,
    LearningProgress,
    Nudge,
    PathProgress,
    PathStage,
    Resource,
    Student,
    new_id,
    slug_id,
)
from bot.messages import Address, Choice, Delivery, DeliveryKind, Message
from bot.questions import KeyPoint, Question

AT = datetime(2026, 3, 1, 9, 0, 0, 123000, tzinfo=UTC)
ANN, BEN = slug_id("test", "ann"), slug_id("test", "ben")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def an_id(name: str) -> str:
    return slug_id("test", name)


def conversation(student: str = ANN, *, note: str = "") -> Conversation:
    """`note` makes it different from others; it stands where a student's own words stand."""
    return Conversation(student=student, created_at=AT, zone_hint=note)


def delivery(
    name: str,
    *,
    platform: str = "telegram",
    text: str = "Hello",
    tries: int = 0,
    kind: DeliveryKind = "reply",
) -> Delivery:
    message = Message(text=text, choices=(Choice(id="next:1", label="Next"),))
    return Delivery(
        id=name, to=Address(platform=platform, chat="81"), kind=kind, message=message, at=AT, tries=tries
    )


def row(name: str, student: str = ANN, *, nudge: datetime | None = None, **fields: Any) -> LearningProgress:
    made = LearningProgress(
        id=an_id(name),
        student_id=student,
        path_id=an_id("path"),
        kind="resource",
        resource_id="4c4e26f0-9a3f-5a58-9a3c-0f2e6a51ad5e",
        stage_number=1,
        status="not_started",
        completed_at=None,
        time_spent_minutes=0,
        next_nudge_at=nudge,
        created_at=AT,
        updated_at=AT,
    )
    return replace(made, **fields)


def path(name: str = "path", student: str = ANN, *, at: datetime = AT) -> LearningPath:
    resource = Resource(
        resource_id="4c4e26f0-9a3f-5a58-9a3c-0f2e6a51ad5e",
        type="article",
        title="SELECT: reading rows",
        url="https://www.postgresql.org/docs/current/tutorial-select.html",
        duration_minutes=20,
        source="PostgreSQL documentation",
    )
    stage = PathStage(
        stage_number=1,
        stage_name="Foundation",
        duration_weeks=1,
        topics=("SELECT and WHERE",),
        resources=(resource, resource),
        assessment=Assessment(type="quiz", questions_count=6, passing_score=70),
    )
    return LearningPath(
        id=an_id(name),
        student_id=student,
        skill="sql",
        current_level=0,
        target_level=80,
        gap_priority="HIGH",
        stages=(stage,),
        progress=PathProgress(
            current_stage=1,
            completion_percentage=0,
            time_spent_minutes=0,
            estimated_completion_date="2026-04-01",
        ),
        created_at=at,
        updated_at=at,
    )


def session(
    name: str = "session", student: str = ANN, *, at: datetime = AT, plan: tuple[str, ...] = ()
) -> InterviewSession:
    return InterviewSession(
        id=an_id(name),
        student_id=student,
        company="Google",
        role="SDE Intern",
        resume_text=None,
        jd_text=None,
        status="in_progress",
        current_round=1,
        rounds=("dsa", "technical_qa", "behavioral"),
        created_at=at,
        completed_at=None,
        plan=plan,
    )


def attempt(
    name: str, student: str = ANN, *, answer: str = "a hash map", at: datetime = AT
) -> InterviewAttempt:
    asked = Question(
        id=an_id("question " + name),
        round="dsa",
        topic="hashing",
        topic_title="Hashing",
        difficulty="easy",
        minutes=10,
        question="Find the pair.",
        reference_answer="Keep the seen ones in a hash map.",
        key_points=(KeyPoint(slug="map", label="Hash map", point="a hash map of what was seen"),),
    )
    return InterviewAttempt(
        id=an_id(name),
        session_id=an_id("session"),
        round="dsa",
        question_id=asked.id,
        student_answer=answer,
        score=None,
        feedback="",
        time_taken_seconds=30,
        created_at=at,
        student_id=student,
        asked=asked,
        status="awaiting_grade",
    )


def report(name: str, student: str = ANN, *, at: datetime = AT) -> InterviewReport:
    return InterviewReport(
        id=an_id(name),
        session_id=an_id("session"),
        student_id=student,
        company="Google",
        role="SDE Intern",
        score=71,
        partial=False,
        answered=3,
        questions=3,
        rounds=(),
        rounds_not_taken=(),
        improvement_plan=(),
        created_at=at,
    )


def observation(
    student: str = ANN,
    fact: str = "round/dsa",
    *,
    company: str = "google",
    seen: bool = True,
    at: datetime = AT,
) -> CompanyObservation:
    return CompanyObservation(
        id=slug_id("observation", student, company, fact),
        student_id=student,
        company=company,
        fact=fact,
        seen=seen,
        created_at=at,
    )


def nudged(student: str = ANN, *, at: datetime = AT) -> Nudge:
    return Nudge(
        id=new_id(at, "nudge", student),
        student_id=student,
        row=an_id("row"),
        kind="stage",
        wording="plain",
        eligible=("plain", "minutes"),
        policy="uniform",
        probability=0.5,
        at=at,
    )


def student_document(student: str = ANN) -> Student:
    return Student(id=student, goal="backend", zone="UTC", reminder_hour=19, created_at=AT, updated_at=AT)


def bank_question(name: str, *, content_version: str = "1", retired: bool = False) -> InterviewQuestion:
    return InterviewQuestion(
        id=an_id(name),
        round="technical_qa",
        topic="databases",
        difficulty="easy",
        question=f"Why {name}? ({content_version})",
        slug=name,
        title="Databases",
        minutes=4,
        reference_answer="Because.",
        key_points=(),
        hints=(),
        examples=(),
        constraints=(),
        follow_up="",
        misconception="",
        content_version=content_version,
        retired=retired,
    )
