"""The state of one student's conversation: who they are to us, where in the dialogue they are, what was heard.

A stack of stages; the last one has the floor, what lies beneath waits for its turn. Shapes and the codec only: what a
stage answers is decided in `bot/stages/`.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from bot.documents import NudgeKind, Recall
from bot.elo import Rating
from bot.judging import Language
from bot.messages import Address
from bot.questions import PointGrade, Question, RoundName
from bot.streaks import Streak
from bot.submissions import Agreed, Submission

SCHEMA = 3  # of the encoded conversation; a past number has its upgrade in `_UPGRADES`
RECENT = 220  # event ids kept: twice a redelivered Telegram batch (100), with the gradings between
MARK = 8  # characters an event id is remembered by

Goal = Literal["", "backend", "frontend", "data", "any"]
Length = Literal["short", "full", "one"]
Reason = Literal["", "jd", "resume", "company", "role", "goal", "usual", "project"]


def mark(event_id: str) -> str:
    """An event id as it is remembered: 48 bits of it, a fifth of its length; the state is written twice a turn."""
    return b64encode(blake2b(event_id.encode(), digest_size=6).digest()).decode()


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class _Stage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    pass


class Profile(_Value, frozen=True, kw_only=True):
    """What the student told us. `zone`: an IANA name, empty until confirmed. Hours are local, 0-23; quiet hours go from
    `quiet_from` to `quiet_to`. `nudged_on`, `nudged`: the local day of the last nudge, and how many it had;
    `nudge_every`: days from one to the next, `nudges_a_day`: on such a day; `nudge_days`: weekdays, "0" Monday to "6".
    `hours_a_week`: for learning. `ran_on`, `runs`: the day code was last run, and how often."""

    goal: Goal = ""
    company: str = ""
    role: str = ""
    resume_text: str | None = None
    jd_text: str | None = None
    zone: str = ""
    zone_asked: bool = False
    reminder_hour: int = 19
    quiet_from: int = 22
    quiet_to: int = 8
    reminders: bool = True
    snoozed_until: datetime | None = None
    nudged_on: date | None = None
    nudged: int = 1
    nudge_every: int = 1
    nudges_a_day: int = 1
    nudge_days: str = "0123456"
    hours_a_week: int = 5
    pace: Literal["relaxed", "timed"] = "relaxed"
    ran_on: date | None = None
    runs: int = 0


class Result(_Value, frozen=True, kw_only=True):
    """What one answered question came to; `score` None with a `reason` when it could not be given. `moved`: by how much
    it moved the student's rating, to be taken back with the answer. `quotes`: the student's words for the first of
    `found`, shortened; `turned`: the same for points they turned round, by label; `sides`: those judged, 0-5;
    `hints`: those given."""

    attempt: str
    question: str
    round: RoundName
    topic: str
    topic_title: str
    score: int | None = None
    reason: str = ""
    found: tuple[str, ...] = ()
    not_detected: tuple[str, ...] = ()
    moved: int | None = None
    quotes: tuple[str, ...] = ()
    turned: dict[str, str] = {}
    sides: dict[str, int] = {}
    hints: int = 0


class Earlier(_Value, frozen=True, kw_only=True):
    """The answer that a retry is compared with; `found`: labels of its points."""

    score: int | None
    found: tuple[str, ...]


class Planned(_Value, frozen=True, kw_only=True):
    """A place in the plan: which question of the bank stands there. `why` its topic is in the plan, and `what` that rests
    on: words of the job description or the resume, a company, a role; of a question about a project, its name."""

    question: str
    round: RoundName
    why: Reason = ""
    what: str = ""


class Session(_Value, frozen=True, kw_only=True):
    """A running interview. `position`: index in `plan` of the question at hand. `reminded_at`: when its silence was
    mentioned. `not_before`: what fell due in quiet hours waits for their end. `earlier`: of a retry. `timed`: by the
    clock; `round_ends`: then the round's time; `warned`: of the end of the question's; `missed`: questions in a row whose
    time ran out without a word. `row`: of `learning_progress`, whose retest or review this one question is."""

    id: str
    company: str
    role: str
    length: Length
    plan: tuple[Planned, ...]
    position: int
    results: tuple[Result, ...] = ()
    started_at: datetime
    reminded_at: datetime | None = None
    not_before: datetime | None = None
    earlier: Earlier | None = None
    timed: bool = False
    round_ends: datetime | None = None
    warned: bool = False
    missed: int = 0
    row: str = ""


class Welcome(_Stage, frozen=True, kw_only=True):
    """Asked what the student is aiming for."""


class SettingUp(_Stage, frozen=True, kw_only=True):
    """Setting an interview up; `step` is what was asked last."""

    step: Literal["length", "company", "role", "resume", "jd"]
    length: Length = "short"
    company: str = ""
    role: str = ""


class Review(_Value, frozen=True, kw_only=True):
    """The last graded answer, so that it can be objected to also after its interview."""

    attempt: str
    score: int
    points: tuple[PointGrade, ...]


class Answering(_Stage, frozen=True, kw_only=True):
    """A question is asked and open. `spent`: seconds counted before the last pause. `doubted`: words that read like a
    question to us; they count as the answer only if the student says so."""

    session: Session
    question: Question
    asked_at: datetime
    spent: int = 0
    hints: int = 0
    doubted: str = ""


class AwaitingGrade(_Stage, frozen=True, kw_only=True):
    """The answer is kept and being graded; what is said meanwhile joins `parts`. `before`: its score before the
    follow-up, `pressed`: the points that follow-ups asked about. `most`: points there are to get."""

    session: Session
    question: Question
    attempt: str
    parts: tuple[str, ...]
    since: datetime
    spent: int = 0
    hints: int = 0
    most: int = 100
    before: int | None = None
    pressed: tuple[str, ...] = ()


class FollowingUp(_Stage, frozen=True, kw_only=True):
    """Feedback was given and a follow-up asked about `point`. `parts`: all that was said to this question; `score`: of
    it so far; `pressed`: the slugs of the points asked about, this one among them."""

    session: Session
    question: Question
    attempt: str
    parts: tuple[str, ...]
    score: int
    point: PointGrade
    pressed: tuple[str, ...]
    asked_at: datetime
    spent: int = 0
    hints: int = 0


class Coding(_Stage, frozen=True, kw_only=True):
    """A coding problem is open. `attempt`: once code was sent. `best`, `source`: the submission that counts so far;
    `count`: of submissions, `ran`: of their verdicts. `broken`: code that did not compile, of which more may come; `draft`: code whose language is
    asked for. `language`: of the code sent last. `told`: places of the clarifications given; `explained`: what was said in words. `runs`: code can be run."""

    session: Session
    question: Question
    asked_at: datetime
    spent: int = 0
    hints: int = 0
    attempt: str = ""
    count: int = 0
    ran: int = 0
    best: Submission | None = None
    source: str = ""
    broken: str = ""
    draft: str = ""
    language: Language | None = None
    told: tuple[int, ...] = ()
    explained: str = ""
    runs: bool = True


class Judging(_Stage, frozen=True, kw_only=True):
    """A submission is running; code that comes meanwhile joins it or takes its place."""

    coding: Coding
    source: str
    language: Language
    since: datetime

    @property
    def session(self) -> Session:
        return self.coding.session

    @property
    def question(self) -> Question:
        return self.coding.question


class Defending(_Stage, frozen=True, kw_only=True):
    """The code is right; its complexity, then a follow-up is asked about. `stated`: the complexity in the student's words;
    `agreed`: what measuring said of it."""

    coding: Coding
    step: Literal["complexity", "follow_up"]
    asked_at: datetime
    stated: str = ""
    agreed: Agreed = "skipped"

    @property
    def session(self) -> Session:
        return self.coding.session

    @property
    def question(self) -> Question:
        return self.coding.question


class Weighing(_Stage, frozen=True, kw_only=True):
    """The stated complexity is measured, or the answer to the follow-up graded (`parts`: what was said to it)."""

    defending: Defending
    parts: tuple[str, ...]
    since: datetime

    @property
    def session(self) -> Session:
        return self.defending.session

    @property
    def question(self) -> Question:
        return self.defending.question

    @property
    def coding(self) -> Coding:
        return self.defending.coding


class Reviewed(_Stage, frozen=True, kw_only=True):
    """Feedback was given; the next question waits for the student."""

    session: Session
    question: Question
    attempt: str


class Paused(_Stage, frozen=True, kw_only=True):
    """The interview rests until `resume`."""

    stage: "Answering | FollowingUp | Reviewed | Coding | Defending"
    since: datetime | None = None


class Recalling(_Stage, frozen=True, kw_only=True):
    """A question to be answered in words is open: about a resource that is done, or a review of what was missed. `row`:
    the row of `learning_progress`; `points`: labels of the key points that a review is about; `doubted`: see `Answering`."""

    row: str
    title: str
    recall: Recall
    asked_at: datetime
    points: tuple[str, ...] = ()
    path: str = ""
    doubted: str = ""

    @property
    def is_review(self) -> bool:
        return not self.path


class AwaitingRecallGrade(_Stage, frozen=True, kw_only=True):
    """The answer to it is kept and being graded. `attempt`: names it, as for an interview answer."""

    recalling: Recalling
    attempt: str
    parts: tuple[str, ...]


class Quizzing(_Stage, frozen=True, kw_only=True):
    """A quiz is under way: the last attempt of `row` in `learning_progress`, of stage `number` of a path. `asked_at`: when
    its question was said, as long as nothing else was said after it."""

    path: str
    row: str
    number: int
    asked_at: datetime | None = None


class Placing(_Stage, frozen=True, kw_only=True):
    """A few questions to find out where on a path somebody starts. `answers`: whether each was right, by stage; the stage
    at hand is the last one. `asked_at`: as for a quiz."""

    path: str
    seed: str
    asked_at: datetime | None = None
    answers: tuple[tuple[bool, ...], ...] = ((),)


class Setting(_Stage, frozen=True, kw_only=True):
    """A setting is asked for in words or by button; `guess` is the zone whose clock was shown, `skill` the path that
    begins once the hour is known."""

    field: Literal[
        "goal", "company", "role", "resume", "jd", "hour", "zone", "city", "hours", "until", "commitment"
    ]
    guess: str = ""
    skill: str = ""


class Expected(_Value, frozen=True, kw_only=True):
    """A real interview at `company` (a slug) is over by `due`; then the student is asked about it, once."""

    company: str
    due: datetime


class Nudged(_Value, frozen=True, kw_only=True):
    """The last nudge, for what follows it to be noted on its record (`id`)."""

    id: str
    row: str
    kind: NudgeKind
    at: datetime
    opened: bool = False
    completed: bool = False


class Commitment(_Value, frozen=True, kw_only=True):
    """A stage of a path by a local day, in the student's own words. `reminded`: the day before."""

    path: str
    stage: int
    by: date
    words: str
    reminded: bool = False


class Expecting(_Stage, frozen=True, kw_only=True):
    """The day of a real interview is asked for, and where it is while `company` (a slug) is empty."""

    company: str = ""


class Debriefing(_Stage, frozen=True, kw_only=True):
    """Asked about a real interview at `company` (a slug; empty: where it was). `left`: "round/dsa" or "topics/dsa",
    what is still to be asked, the open one first."""

    company: str = ""
    left: tuple[str, ...] = ()


class ConfirmingForget(_Stage, frozen=True, kw_only=True):
    """`forget` was said once; the second time erases the student."""


Stage = (
    Welcome
    | SettingUp
    | Answering
    | AwaitingGrade
    | FollowingUp
    | Coding
    | Judging
    | Defending
    | Weighing
    | Reviewed
    | Paused
    | Recalling
    | AwaitingRecallGrade
    | Quizzing
    | Placing
    | Setting
    | Expecting
    | Debriefing
    | ConfirmingForget
)


class Conversation(_Value, frozen=True, kw_only=True):
    """All of it. `review`: the last graded answer. `expected`: a real interview they told of. `address`: where the student
    was last; nudges go there. `elsewhere`: the last one on each other platform. `unreachable`: none takes messages.
    `nudge`: the last one sent, `ignored`: how many since the student's last word, `waiting`: the row whose nudge is planned,
    or was last. `wordings`: the day each was last used; `week_told`: the last week in review. `chosen_path`: the one they
    asked for last. `card_asked`: the row of the quiz card that is the last thing said, as long as they stay in that chat.
    `ratings`: how far the student is, by topic. `seen_at`: their last message. `recent`: marks of the events heard, oldest
    first, end to end."""

    student: str
    profile: Profile = Profile()
    stages: tuple[Stage, ...] = ()
    address: Address | None = None
    elsewhere: tuple[Address, ...] = ()
    unreachable: bool = False
    nudge: Nudged | None = None
    ignored: int = 0
    waiting: str = ""
    wordings: dict[str, date] = {}
    week_told: date | None = None
    streak: Streak | None = None
    commitment: Commitment | None = None
    chosen_path: str = ""
    card_asked: str = ""
    review: Review | None = None
    ratings: dict[str, Rating] = {}
    expected: Expected | None = None
    zone_hint: str = ""
    created_at: datetime
    seen_at: datetime | None = None
    recent: str = ""

    @property
    def floor(self) -> Stage | None:
        """The stage that has the floor; None when nothing is going on."""
        return self.stages[-1] if self.stages else None

    @property
    def interview(self) -> "InterviewStage | None":
        """The running or paused interview, wherever it stands in the stack."""
        for stage in self.stages:  # asked many times a turn, where a generator costs twice as much
            if isinstance(stage, INTERVIEW_STAGES):
                return stage
        return None

    def has_heard(self, event_id: str) -> bool:
        """Whether this event was heard before, as far as is remembered."""
        found, place = mark(event_id), -1
        while (place := self.recent.find(found, place + 1)) >= 0:
            if place % MARK == 0:
                return True
        return False

    def hearing(self, event_id: str) -> str:
        """`recent` with one more."""
        return (self.recent + mark(event_id))[-RECENT * MARK :]

    def lifted(self) -> "Conversation":
        """With the interview on the floor, and no question of ours on the side."""
        stage = self.interview
        rest = self.without(*ASIDES, *INTERVIEW_STAGES)
        return rest.pushed(stage) if stage is not None else rest

    def pushed(self, stage: Stage) -> "Conversation":
        """With `stage` on the floor; what was there waits beneath."""
        return replace(self, stages=(*self.stages, stage))

    def swapped(self, old: Stage, new: Stage | None) -> "Conversation":
        """With `new` in the place of `old`, wherever that stands; None takes it away."""
        kept = tuple(new if stage is old else stage for stage in self.stages)
        return replace(self, stages=tuple(stage for stage in kept if stage is not None))

    def without(self, *kinds: type) -> "Conversation":
        """Without any stage of these kinds."""
        return replace(self, stages=tuple(s for s in self.stages if not isinstance(s, kinds)))

    def with_profile(self, **changes: Any) -> "Conversation":
        """With some of what the student told us changed."""
        return replace(self, profile=replace(self.profile, **changes))


CODING_STAGES = (Coding, Judging, Defending, Weighing)
INTERVIEW_STAGES = (Answering, AwaitingGrade, FollowingUp, *CODING_STAGES, Reviewed, Paused)
ASIDES = (
    Welcome,
    SettingUp,
    Setting,
    Expecting,
    Debriefing,
    ConfirmingForget,
)  # questions on the side: a new one replaces them


CodingStage = Coding | Judging | Defending | Weighing
InterviewStage = Answering | AwaitingGrade | FollowingUp | CodingStage | Reviewed | Paused


def session_of(stage: InterviewStage) -> Session:
    """The interview a stage belongs to."""
    return stage.stage.session if isinstance(stage, Paused) else stage.session


def coding_of(stage: CodingStage) -> Coding:
    """The open problem within a stage of it."""
    return stage if isinstance(stage, Coding) else stage.coding


def with_session(stage: InterviewStage, session: Session) -> InterviewStage:
    """The same stage of a changed session."""
    match stage:
        case Paused():
            return replace(stage, stage=with_session(stage.stage, session))
        case Judging() | Defending():
            return replace(stage, coding=replace(stage.coding, session=session))
        case Weighing():
            return replace(stage, defending=with_session(stage.defending, session))
        case _:
            return replace(stage, session=session)


class ConversationFromTheFuture(Exception):
    """Stored by a newer Viva than this one; it must not be touched."""


def _marks_end_to_end(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"recent": "".join(document.get("recent", ()))}


def _recall_within_its_grading(document: dict[str, Any]) -> dict[str, Any]:
    """The open question as a value of its own; when it was asked was not kept, so the last word stands for it."""
    asked_at = document.get("seen_at", document["created_at"])

    def upgraded(stage: dict[str, Any]) -> dict[str, Any]:
        if stage["type"] != "AwaitingRecallGrade":
            return stage
        grading = {name: stage.pop(name) for name in ("type", "attempt", "parts")}
        return grading | {"recalling": stage | {"type": "Recalling", "asked_at": asked_at}}

    return document | {"stages": [upgraded(stage) for stage in document.get("stages", ())]}


_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _marks_end_to_end,
    2: _recall_within_its_grading,
}
"""From schema n to the same conversation in n + 1."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Conversation)


def encode(conversation: Conversation) -> bytes:
    """JSON, to be stored beside `SCHEMA`."""
    return _encoder.encode(conversation)


def decode(stored: bytes, schema: int) -> Conversation:
    """The conversation, upgraded from any past schema. Raises ConversationFromTheFuture, or msgspec.ValidationError
    naming the place ("expected `int`, got `str` - at `$.stages[0].hints`")."""
    if schema > SCHEMA:
        raise ConversationFromTheFuture(f"schema {schema}, this Viva knows up to {SCHEMA}")
    if schema == SCHEMA:
        return _decoder.decode(stored)
    document: dict[str, Any] = msgspec.json.decode(stored)
    for number in range(schema, SCHEMA):
        document = _UPGRADES[number](document)
    return msgspec.convert(document, Conversation)
