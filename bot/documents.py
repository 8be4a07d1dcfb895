"""The stored documents: the seven collections shared with other services, and ours beside them.

One struct a collection is the single source of its fields and types: the stores derive the conversion to BSON, the
`$jsonSchema` validator and the export from it. Names, types and values of the shared seven are fixed; fields below a
"ours" comment stand beside them. docs/schema.md shows an example of each.
"""

import hashlib
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from bot.questions import (
    Clarification,
    Difficulty,
    Dimension,
    Example,
    KeyPoint,
    PointGrade,
    Question,
    RoundName,
)
from bot.readiness import Pressure, Readiness
from bot.submissions import ScorePart, Submission

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{24}$", extra_json_schema={"bsonType": "objectId"})]
"""24 hex digits inside Viva, an ObjectId in MongoDB."""

When = Annotated[datetime, msgspec.Meta(tz=True)]
"""Aware UTC, whole milliseconds; a BSON date in MongoDB."""

VERSION = 1  # `v` of every document written by this code

Priority = Literal["HIGH", "MEDIUM", "LOW"]
StageStatus = Literal["not_started", "in_progress", "completed"]
SessionStatus = Literal["in_progress", "completed", "abandoned"]
ResourceType = Literal["video", "article", "documentation", "course", "exercise"]

_NAMESPACE = uuid.UUID("6f2a3c1e-8a55-5d0e-9c53-5f0d5f1b7a10")  # of every id derived from a content slug


def slug_id(*parts: str) -> str:
    """The ObjectId of a content entry, derived from its slugs: the same on every machine, for ever."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]


def slug_uuid(*parts: str) -> str:
    """The uuid of a content entry (`resource_id`), derived from its slugs."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def new_id(at: datetime, *parts: str) -> str:
    """An ObjectId for something that begins at `at` because of `parts` (event id and purpose); opens with the time."""
    return (
        f"{int(at.timestamp()) & 0xFFFFFFFF:08x}" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    )


class Document(msgspec.Struct, kw_only=True, frozen=True):
    """`rev`: the version of the conversation whose turn wrote last; a late repetition of an older turn changes nothing."""

    id: Id = msgspec.field(name="_id")
    v: int = VERSION
    rev: int = 0


class Resource(msgspec.Struct, kw_only=True, frozen=True):
    """`withdrawn`: the catalogue has let go of it; the stage closes without it."""

    resource_id: str
    type: ResourceType
    title: str
    url: str
    duration_minutes: int
    source: str
    completed: bool = False
    completed_at: When | None = None
    # ours
    withdrawn: bool = False


class Assessment(msgspec.Struct, kw_only=True, frozen=True):
    type: str
    questions_count: int
    passing_score: int


class PathStage(msgspec.Struct, kw_only=True, frozen=True):
    """`passed_over`: below the student's level, or declined; it is completed without its resources. `topic`: the
    question topic of an interview it was made from, with the question that was answered too weakly (`question_id`); its
    assessment is then one other question on that topic, and `requires` are the stages that come before it."""

    stage_number: int
    stage_name: str
    duration_weeks: int
    topics: tuple[str, ...]
    resources: tuple[Resource, ...]
    assessment: Assessment
    status: StageStatus = "not_started"
    completed_at: When | None = None
    # ours
    passed_over: bool = False
    topic: str = ""
    question_id: Id | None = None
    requires: tuple[int, ...] = ()


class PathProgress(msgspec.Struct, kw_only=True, frozen=True):
    """`current_stage`: number of the stage at hand, 0 before the first, the last one's in the end. `estimated_completion_date`: an ISO date string."""

    current_stage: int
    completion_percentage: int
    time_spent_minutes: int
    estimated_completion_date: str


class LearningPath(Document, kw_only=True, frozen=True):
    """`current_level`, `target_level`: 0-100. `state`: paused and abandoned ones are not asked for, and lose nothing.
    `pace`: hours a week it is planned with where those of the student's own plan proved far off; 0 while they hold."""

    student_id: Id
    skill: str
    current_level: int
    target_level: int
    gap_priority: Priority
    stages: tuple[PathStage, ...]
    progress: PathProgress
    created_at: When
    updated_at: When
    # ours
    state: Literal["active", "paused", "abandoned"] = "active"
    pace: int = 0


class QuizAttempt(msgspec.Struct, kw_only=True, frozen=True):
    """One time through a quiz. `seed`: of its questions' choice and of the order of their options; `questions`: keys of
    the content; `answers`: what was chosen, one for each question answered so far; `score`: 0-100, None until the end."""

    number: int
    seed: str
    questions: tuple[str, ...]
    begun_at: When
    answers: tuple[tuple[str, ...], ...] = ()
    score: int | None = None
    ended_at: When | None = None


class ReviewCard(msgspec.Struct, kw_only=True, frozen=True):
    """What was missed, and when FSRS wants it asked again. `item`: a quiz question's key, or the id of an interview
    question or a resource; `points`: labels of the key points, or the failing class of a problem's cases. `stability`:
    days until recall falls to 90 %; `difficulty`: 1-10; `reviews`: how often it was answered."""

    source: Literal["quiz", "question", "problem", "recall"]
    item: str
    title: str
    points: tuple[str, ...]
    missed_at: When
    due: When
    last_review: When
    stability: float
    difficulty: float
    reviews: int = 0
    lapses: int = 0


class DisputedRecall(msgspec.Struct, kw_only=True, frozen=True):
    """An answer that was right, says the student; for the author of its question."""

    answer: str
    score: int
    at: When


class LearningProgress(Document, kw_only=True, frozen=True):
    """One row a student and thing to learn. At most one row of a student has a `next_nudge_at`. `path_id`: None of a
    review that belongs to no path. `resource_id`: of a quiz, retest or review a uuid of its own. `disputed`: the last one
    they objected to."""

    student_id: Id
    path_id: Id | None
    kind: Literal["resource", "quiz", "review", "retest"]
    resource_id: str
    stage_number: int
    status: StageStatus
    completed_at: When | None
    time_spent_minutes: int
    next_nudge_at: When | None
    recall_answer: str | None = None
    recall_score: int | None = None
    created_at: When
    updated_at: When
    attempts: tuple[QuizAttempt, ...] = ()
    card: ReviewCard | None = None
    disputed: DisputedRecall | None = None


class InterviewSession(Document, kw_only=True, frozen=True):
    """`plan`: its questions in their order. It was drawn by the session's id: the same id, texts, ratings and questions
    asked before give the same plan again."""

    student_id: Id
    company: str
    role: str
    resume_text: str | None
    jd_text: str | None
    status: SessionStatus
    current_round: int
    rounds: tuple[RoundName, ...]
    created_at: When
    completed_at: When | None
    # ours
    length: Literal["short", "full", "one"] = "short"
    timed: bool = False
    plan: tuple[Id, ...] = ()


class InterviewAttempt(Document, kw_only=True, frozen=True):
    session_id: Id
    round: RoundName
    question_id: Id
    student_answer: str
    score: int | None
    feedback: str
    time_taken_seconds: int
    created_at: When
    # ours
    student_id: Id
    asked: Question
    status: Literal["awaiting_grade", "graded", "not_graded", "withdrawn"]
    points: tuple[PointGrade, ...] = ()
    flags: tuple[str, ...] = ()
    grader: str = ""
    reason: str = ""
    hints_used: int = 0
    disputed_at: When | None = None
    dimensions: tuple[Dimension, ...] = ()
    submissions: tuple[Submission, ...] = ()
    complexity_answer: str = ""
    follow_up_answer: str = ""
    parts: tuple[ScorePart, ...] = ()


class SideReport(msgspec.Struct, kw_only=True, frozen=True):
    """A side of the answers of a round. `score`: their mean, 0-5, to one decimal; None when none was judged on it."""

    name: str
    score: float | None


class RoundReport(msgspec.Struct, kw_only=True, frozen=True):
    """`score`: the mean of the round's scores, None when none could be given. Strengths stand with the student's own
    words. `before`: the round's score in the report it is compared with, None where there is none."""

    round: RoundName
    score: int | None
    questions: int
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    dimensions: tuple[SideReport, ...] = ()
    before: int | None = None


class AnswerReport(msgspec.Struct, kw_only=True, frozen=True):
    """What one answer came to, so that a retry can be compared with it. `found`: labels of points."""

    question_id: Id
    topic: str
    score: int | None
    found: tuple[str, ...]


class PlanStep(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to do. `path`: a stage of the learning path `skill`; `review`: an answer to go over and try again;
    `interview`: a round to take."""

    topic: str
    text: str
    skill: str = ""
    kind: Literal["path", "review", "interview"] = "interview"
    stage_number: int = 0
    stage_name: str = ""


class InterviewReport(Document, kw_only=True, frozen=True):
    """One a session; the same session always has the same report id. `readiness`: over this and the earlier reports,
    None below two rounds. `compared_with`: the last earlier report, None where no round is in both.
    `timed`: by the clock; `pressure`: what that does, None without interviews of both kinds."""

    session_id: Id
    student_id: Id
    company: str
    role: str
    score: int | None
    partial: bool
    answered: int
    questions: int
    rounds: tuple[RoundReport, ...]
    rounds_not_taken: tuple[RoundName, ...]
    improvement_plan: tuple[PlanStep, ...]
    created_at: When
    answers: tuple[AnswerReport, ...] = ()
    readiness: Readiness | None = None
    timed: bool = False
    pressure: Pressure | None = None
    compared_with: Id | None = None


class InterviewQuestion(Document, kw_only=True, frozen=True):
    """An entry of the bank. `content_version`: a hash of the entry as it stands in its file. `rating`: how hard it is,
    in Elo points, learnt from `rated` graded answers; what its difficulty says, as long as there are none."""

    round: RoundName
    topic: str
    difficulty: Difficulty
    question: str
    slug: str
    title: str
    minutes: int
    reference_answer: str
    key_points: tuple[KeyPoint, ...]
    hints: tuple[str, ...]
    examples: tuple[Example, ...]
    constraints: tuple[str, ...]
    clarifications: tuple[Clarification, ...] = ()
    complexity: str = ""
    follow_up: str
    follow_up_answer: str = ""
    follow_up_points: tuple[KeyPoint, ...] = ()
    problem: str = ""
    misconception: str
    content_version: str
    retired: bool
    rating: int = 1200
    rated: int = 0


class CompanyRound(msgspec.Struct, kw_only=True, frozen=True):
    round: RoundName
    minutes: int
    topics: tuple[str, ...]


Fact = Literal["roles", "rounds", "topics", "themes", "difficulty", "preparation_weeks", "tips"]
"""What is known of a company, each with a source of its own; `rounds` are their kinds, order and minutes."""


class CompanyFact(msgspec.Struct, kw_only=True, frozen=True):
    """Where a fact is from. `source`: a public page; `date`: the day it was looked at, an ISO date; `confidence`: how
    far it was to be trusted on that day, 0-1."""

    fact: Fact
    source: str
    date: str
    confidence: float


Says = Literal["usual", "mixed", "seldom"]


class Observed(msgspec.Struct, kw_only=True, frozen=True):
    """What students who were there make of "round/dsa" or "topics/dsa/arrays,graphs,trees". `students`: in steps of
    `companies.ENOUGH`, rounded down; with fewer there is no entry."""

    fact: str
    says: Says
    students: int


class CompanyKnowledge(Document, kw_only=True, frozen=True):
    """How a company interviews; `facts` say where each part is from. `observed`: what students reported."""

    slug: str
    company: str
    aliases: tuple[str, ...]
    roles: tuple[str, ...]
    rounds: tuple[CompanyRound, ...]
    themes: tuple[str, ...]
    difficulty: Difficulty
    preparation_weeks: int
    tips: tuple[str, ...]
    facts: tuple[CompanyFact, ...]
    observed: tuple[Observed, ...] = ()
    content_version: str
    retired: bool


class CompanyObservation(Document, kw_only=True, frozen=True):
    """What one student says of a real interview; one a student, company (its slug) and fact (see `Observed`)."""

    student_id: Id
    company: str
    fact: str
    seen: bool
    created_at: When


class CompanyWish(Document, kw_only=True, frozen=True):
    """A company (its name, folded) that a student named and nobody has looked at; one a student and name."""

    student_id: Id
    company: str
    created_at: When


class Recall(msgspec.Struct, kw_only=True, frozen=True):
    """The one question asked when a resource is done."""

    question: str
    reference_answer: str
    key_points: tuple[KeyPoint, ...]


class TemplateResource(msgspec.Struct, kw_only=True, frozen=True):
    resource_id: str
    type: ResourceType
    title: str
    url: str
    duration_minutes: int
    source: str
    recall: Recall


class TemplateStage(msgspec.Struct, kw_only=True, frozen=True):
    stage_name: str
    duration_weeks: int
    topics: tuple[str, ...]
    assessment: Assessment
    resources: tuple[TemplateResource, ...]


class PathTemplate(Document, kw_only=True, frozen=True):
    """A path of the catalogue, from which a student's own path is made. `requires`: skills that come before it."""

    skill: str
    title: str
    aliases: tuple[str, ...]
    topics: tuple[str, ...]
    requires: tuple[str, ...] = ()
    stages: tuple[TemplateStage, ...]
    content_version: str
    retired: bool


class SkillWish(Document, kw_only=True, frozen=True):
    """A skill (its name, folded) that a student asked to learn and the catalogue does not have; one a student and name."""

    student_id: Id
    skill: str
    created_at: When


NudgeKind = Literal["stage", "quiz", "review", "streak", "week", "commitment", "farewell"]


class Nudge(Document, kw_only=True, frozen=True):
    """One nudge: what it was, how its wording was chosen, and what followed. `eligible`: wordings that could have been
    taken; `probability`: of the one that was, under `policy`. `opened_at`: the student's first word after it, within a
    day; `completed_at`: when they learnt something, within 24 hours. `answer`: what they made of being nudged; "lost" when the
    platform did not take it."""

    student_id: Id
    row: Id
    kind: NudgeKind
    wording: str
    eligible: tuple[str, ...]
    policy: Literal["uniform", "learnt", "plain"]
    probability: float
    at: When
    opened_at: When | None = None
    completed_at: When | None = None
    answer: Literal["", "snoozed", "fewer", "off", "lost"] = ""


class Student(Document, kw_only=True, frozen=True):
    """The student as other services may read it; the settings in force are in the conversation."""

    goal: str
    zone: str
    reminder_hour: int
    created_at: When
    updated_at: When


class StudentIdentity(Document, kw_only=True, frozen=True):
    """A platform's account; `(platform, user_id)` is unique and leads to one student."""

    platform: str
    user_id: str
    student_id: Id
    created_at: When


class AsideEvent(Document, kw_only=True, frozen=True):
    """An event that failed three times. `error`: the exception's type and place, never the event's text."""

    student_id: Id
    event_id: str
    event_type: str
    error: str
    created_at: When


COLLECTIONS: dict[str, type[Document]] = {
    "learning_paths": LearningPath,
    "learning_progress": LearningProgress,
    "interview_sessions": InterviewSession,
    "interview_questions": InterviewQuestion,
    "interview_attempts": InterviewAttempt,
    "company_interview_knowledge": CompanyKnowledge,
    "interview_reports": InterviewReport,
    "company_observations": CompanyObservation,
    "company_wishes": CompanyWish,
    "skill_wishes": SkillWish,
    "nudges": Nudge,
    "path_templates": PathTemplate,
    "students": Student,
    "identities": StudentIdentity,
    "aside_events": AsideEvent,
}
"""Every collection whose documents have a struct here; `conversations` is the store's own (see `ports`)."""


class Insert(msgspec.Struct, kw_only=True, frozen=True, tag=True):
    """Put a document there unless one with its id is there already. `document`: JSON-like, ids as hex, dates ISO."""

    collection: str
    document: dict[str, Any]


class Update(msgspec.Struct, kw_only=True, frozen=True, tag=True):
    """Set fields of one document (dotted paths reach inside, as in MongoDB); all others stay. Values JSON-like."""

    collection: str
    id: Id
    fields: dict[str, Any]


Write = Insert | Update


def insert(document: Document) -> Insert:
    """The write that stores a new document."""
    return Insert(collection=_NAMES[type(document)], document=msgspec.to_builtins(document))


def update(kind: type[Document], document_id: str, **fields: object) -> Update:
    """The write that sets `fields` of a document; a double underscore stands for the dot of a path."""
    values = msgspec.to_builtins({name.replace("__", "."): value for name, value in fields.items()})
    return Update(collection=_NAMES[kind], id=document_id, fields=values)


_NAMES = {kind: name for name, kind in COLLECTIONS.items()}
