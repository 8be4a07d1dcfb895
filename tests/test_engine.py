"""The engine as a function: every stage answers every event, and the import arrows hold."""

import ast
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot import bank, engine
from bot.commands import COMMANDS
from bot.conversation import (
    SCHEMA,
    Answering,
    AwaitingGrade,
    AwaitingRecallGrade,
    Coding,
    ConfirmingForget,
    Conversation,
    ConversationFromTheFuture,
    Debriefing,
    Defending,
    Expecting,
    FollowingUp,
    Judging,
    Paused,
    Placing,
    Planned,
    Quizzing,
    Recalling,
    Reviewed,
    Session,
    Setting,
    SettingUp,
    Stage,
    Weighing,
    Welcome,
    decode,
    encode,
    mark,
)
from bot.effects import Reply
from bot.events import (
    Event,
    Graded,
    Identity,
    Judged,
    NudgeDue,
    Pressed,
    Said,
    SetAside,
    Shared,
    Unreachable,
    Woke,
)
from bot.growth import Growth
from bot.judging import CaseResult, Judgement
from bot.messages import CHOICE_ID_LIMIT, Address
from bot.ports import Known
from bot.questions import Grade, PointGrade
from bot.submissions import Submission

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTENT = bank.load()
ADDRESS = Address(platform="telegram", chat="7")
QUESTIONS = [next(q for q in CONTENT.questions.values() if q.round == name) for name in ("dsa", "behavioral")]
RECALL = CONTENT.paths["sql"].stages[0].resources[0].recall
ID = "a" * 24


def session() -> Session:
    plan = tuple(Planned(question=each.id, round=each.round) for each in QUESTIONS)
    common = {"company": "Google", "role": "SDE", "length": "short", "plan": plan, "position": 0}
    return Session(id=ID, started_at=NOW, **common)  # type: ignore[arg-type]  # a test's shorthand


def stages() -> list[Stage | None]:
    answering = Answering(session=session(), question=QUESTIONS[0], asked_at=NOW)
    reviewed = Reviewed(session=session(), question=QUESTIONS[0], attempt=ID)
    following = FollowingUp(
        session=session(),
        question=QUESTIONS[1],
        attempt=ID,
        parts=("a",),
        score=50,
        point=PointGrade(slug="result", label="Result", verdict="missed"),
        pressed=("result",),
        asked_at=NOW,
    )
    coding = Coding(session=session(), question=QUESTIONS[0], asked_at=NOW)
    best = Submission(
        number=1,
        language="python",
        verdict="wrong_answer",
        passed=9,
        total=12,
        fast=0,
        large=2,
        engine="x",
        at=NOW,
    )
    sent = replace(coding, attempt=ID, count=1, ran=1, best=best, source="def f(): pass")
    asked = [Defending(coding=sent, step=step, asked_at=NOW) for step in ("complexity", "follow_up")]
    recalling = Recalling(path=ID, row=ID, title="A page", recall=RECALL, asked_at=NOW)
    return [
        None,
        Welcome(),
        *(SettingUp(step=step) for step in ("length", "company", "role", "resume", "jd")),
        answering,
        AwaitingGrade(session=session(), question=QUESTIONS[0], attempt=ID, parts=("a",), since=NOW),
        reviewed,
        following,
        coding,
        replace(coding, explained="a plan", hints=3),
        replace(coding, draft="x = 1"),
        sent,
        Judging(coding=replace(coding, attempt=ID, count=1), source="x = 1", language="python", since=NOW),
        *asked,
        *(Weighing(defending=each, parts=("a",), since=NOW) for each in asked),
        Paused(stage=sent),
        Paused(stage=asked[0]),
        Paused(stage=answering),
        Paused(stage=following),
        Paused(stage=reviewed),
        recalling,
        AwaitingRecallGrade(recalling=recalling, attempt=ID, parts=("a",)),
        Quizzing(path=ID, row=ID, number=1),
        Quizzing(path=ID, row=ID, number=1, asked_at=NOW),
        Placing(path=ID, seed="t:1"),
        Placing(path=ID, seed="t:1", asked_at=NOW, answers=((True, True), (False,))),
        *(Setting(field=field) for field in ("goal", "company", "role", "resume", "jd", "hour", "city")),
        *(Setting(field=field) for field in ("hours", "until", "commitment")),
        Setting(field="zone", guess="UTC"),
        Expecting(),
        Expecting(company="google"),
        Debriefing(),
        Debriefing(company="google", left=("round/dsa", "round/behavioral")),
        Debriefing(company="google", left=("topics/technical_qa",)),
        ConfirmingForget(),
    ]


PRESSES = (
    "goal:data", "interview:short", "interview:one", "company:google", "company:", "role:0", "role:99", "cv:none",
    "cv:keep", "jd:none", "jd:keep", f"hint:{QUESTIONS[0].id}", f"skip:{QUESTIONS[0].id}", f"skip:{ID}", "skip:",
    f"next:{ID}", "next:", f"undo:{ID}", f"said:{ID}", f"said:{ID}.0", f"said:{ID}.9", f"pause:{ID}", f"resume:{ID}", f"stop:{ID}", f"model:{QUESTIONS[0].id}",
    f"lang:python.{QUESTIONS[0].id}", f"explain:{QUESTIONS[0].id}", f"finish:{QUESTIONS[0].id}", "lang:", "finish:",
    "learn:", "learn:sql", "learn:nothing", f"done:{ID}", "done:", "snooze:", "snooze:1d", "reminders:on",
    "seen:google/round/dsa/yes", "seen:google/topics/technical_qa/no", "seen:google/round/dsa/?", "seen:", "debrief:", "expect:",
    "reminders:off", "settings:zone", "settings:", "hour:19", "hour:99", "zone:UTC", "zone:no", "zone:skip",
    "zone:Mars/Base", f"plan:{ID}", "plan:", "forget:yes", "forget:no", "cancel:", "why:", f"why:{ID}", "report:", "report:all", f"report:{ID}", f"retry:{QUESTIONS[0].id}", "retry:", f"pdf:{ID}", "pdf:", "how_scored:", "how_scored:depth", "how_scored:technical", "help:", "", ":", "x:y",
    f"quiz:{ID}.1", "quiz:", f"pick:{ID}.q1-0.0.1", f"pick:{ID}.r0.0.ok", f"pick:{ID}.p0.0.0", "pick:", "pick:a.b.c.d", "review:", f"answer:{ID}",
    f"retest:{ID}.1", "retest:", f"redo:{ID}", f"unstage:{ID}", "unstage:", f"commit:{ID}.1.2026-03-06", f"commit:{ID}.1.never", f"commit:{ID}.ask", "commit:off",
    "commit:", f"level:{ID}", f"level:{ID}.some", f"path:{ID}", f"path:{ID}.paused", "path:", "begin:sql", "begin:nothing", "fewer:", f"why:review.{ID}", f"why:x.{ID}",
    "snooze:tonight", "snooze:date", "settings:hours",
    "\u202e:\u202e",
)  # fmt: skip
WORDS = (
    "",
    "yes",
    "no",
    "def solve(items):\n    return sorted(items)",
    "O(n log n), it sorts",
    "can it be empty?",
    "19",
    "Berlin",
    "mock interview at Google",
    "learn sql",
    "I had my interview at Google",
    "my interview at Google is on Friday",
    "what next?",
    "hello",
    "🙂",
    "x" * 30_000,
)


def events() -> list[Event]:
    sender = Identity(platform="telegram", user="7")
    numbers = (f"t:{n}" for n in itertools.count())
    common: dict[str, Any] = {"at": NOW + timedelta(minutes=5), "sender": sender, "address": ADDRESS}
    texts = [*WORDS, *COMMANDS, *(f"/{word} rubbish" for word in COMMANDS)]
    grade = Grade(score=40, points=(), grader="test")
    at = NOW + timedelta(minutes=5)
    return [
        *(Said(id=next(numbers), text=text, **common) for text in texts),
        *(Pressed(id=next(numbers), choice=choice, message="9", **common) for choice in PRESSES),
        *(
            Shared(id=next(numbers), kind=kind, **common)
            for kind in ("document", "photo", "voice", "sticker", "other")
        ),
        Shared(id=next(numbers), kind="document", text="my resume", **common),
        Judged(id="j1", at=at, attempt=ID, number=1, refused="busy"),
        Judged(id="j2", at=at, attempt=ID, number=1, refused="cannot_run"),
        Judged(id="j3", at=at, attempt=ID, number=1, growth=Growth(points=(), allowed=("quadratic",))),
        Judged(id="j4", at=at, attempt="b" * 24, number=1, refused="failed"),
        *(
            Judged(
                id=f"j-{verdict}",
                at=at,
                attempt=ID,
                number=1,
                judgement=Judgement(
                    verdict=verdict, cases=(CaseResult(verdict=verdict, category="ties"),), engine="x"
                ),
            )
            for verdict in ("accepted", "wrong_answer", "compile_error")
        ),
        Shared(id=next(numbers), kind="document", name="cv.pdf", read="ten years of Django, /stop", **common),
        Shared(
            id=next(numbers), kind="document", name="cv.pdf", text="my answer", unread="no_text", **common
        ),
        Shared(id=next(numbers), kind="document", unread="encrypted", **common),
        Shared(id=next(numbers), kind="voice", read="skip that, learn SQL", **common),
        Shared(id=next(numbers), kind="voice", unread="no_speech", **common),
        Graded(id="g1", at=at, attempt=ID, parts=1, grade=grade),
        Graded(id="g2", at=at, attempt="b" * 24, parts=1, grade=grade),
        Graded(
            id="g3",
            at=at,
            attempt=ID,
            parts=9,
            grade=Grade(score=None, points=(), grader="t", reason="timeout"),
        ),
        Woke(id="w1", at=NOW + timedelta(hours=2)),
        Woke(id="w2", at=NOW + timedelta(days=3)),
        NudgeDue(id="n1", at=at, row=ID),
        Unreachable(id="u1", at=at, address=ADDRESS),
        SetAside(id="s1", at=at, event="t:1", address=ADDRESS),
    ]


def test_what_ends_or_leaves_an_interview_is_asked_for_beforehand() -> None:
    """A wish in plain words where an answer is waited for needs what its command needs; so does a round whose time is up."""
    answering = Answering(session=session(), question=QUESTIONS[0], asked_at=NOW)

    who: Any = {"at": NOW, "address": ADDRESS, "sender": Identity(platform="telegram", user="7")}

    def needs(stage: Stage, text: str, **more: Any) -> frozenset[str]:
        at = Conversation(student="c" * 24, created_at=NOW, address=ADDRESS, stages=(stage,), **more)
        return engine.needs(at, Said(id="1", text=text, **who))

    assert needs(answering, "learn sql") == engine.needs(
        Conversation(student="c" * 24, created_at=NOW), Said(id="1", text="/learn sql", **who)
    )
    assert needs(answering, "please stop the interview") == {"paths", "reports"}
    assert needs(answering, "a hash map of counts") == frozenset()
    assert needs(answering, "a hash map of counts", ignored=1) == {"paths"}  # to be written to again
    alike = tuple(Planned(question=each.id, round="dsa") for each in QUESTIONS)
    timed = replace(session(), plan=alike, timed=True, round_ends=NOW)
    assert needs(replace(answering, session=timed), "a hash map of counts") == {"paths", "reports"}
    assert needs(Quizzing(path=ID, row=ID, number=1), "B") == {"paths"}


@pytest.mark.parametrize("stage", stages(), ids=lambda stage: type(stage).__name__)
def test_every_stage_answers_every_event(stage: Stage | None) -> None:
    """Whatever comes wherever the student is: an answer, within the limits of a screen, and a state that can be kept."""
    beneath = Answering(session=session(), question=QUESTIONS[1], asked_at=NOW)
    for lower in ((), (beneath,)):
        if lower and (
            stage is None
            or isinstance(stage, type(beneath) | AwaitingGrade | FollowingUp | Reviewed | Paused)
        ):
            continue
        start = Conversation(
            student="c" * 24, created_at=NOW, address=ADDRESS, stages=(*lower, stage) if stage else ()
        )
        for event in events():
            after, effects = engine.handle(start, event, Known(), CONTENT)
            assert decode(encode(after), SCHEMA) == after
            replies = [each for each in effects if isinstance(each, Reply)]
            if isinstance(event, Said | Pressed | Shared) and not _joins(stage, event):
                assert replies or after.stages != start.stages, f"{event} left {stage} without an answer"
            for each in replies:
                assert each.message.text.strip()
                assert len(each.message.choices) <= 6
                assert all(len(choice.id.encode()) <= CHOICE_ID_LIMIT for choice in each.message.choices)
                assert all(0 < len(choice.label) <= 24 for choice in each.message.choices), (
                    each.message.choices
                )
            if lower and not _ends_the_interview(event):
                assert after.interview is not None, f"{event} lost the open question"
            if engine.wake_at(after) is not None:
                assert after.interview is not None or after.expected is not None


def _joins(stage: Stage | None, event: Event) -> bool:
    """What is said while grading is on joins the answer without a word."""
    return isinstance(stage, AwaitingGrade | AwaitingRecallGrade) and isinstance(event, Said | Shared)


def _ends_the_interview(event: Event) -> bool:
    match event:
        case Said(text=text):
            return text.strip("/").split(" ")[0] in ("stop", "forget")
        case Pressed(choice=choice):
            return choice.startswith(("stop:", "forget:"))
        case Woke():
            return True
    return False


def test_an_event_heard_before_changes_nothing() -> None:
    """A redelivered batch of a hundred updates is recognised, each of them."""
    conversation = Conversation(student="c" * 24, created_at=NOW, address=ADDRESS)
    batch = (events() * 3)[:100]
    batch = [each for n, each in enumerate(batch) if each.id not in {other.id for other in batch[:n]}]
    for event in batch:
        conversation, _ = engine.handle(conversation, event, Known(), CONTENT)
    for event in batch:
        assert engine.handle(conversation, event, Known(), CONTENT) == (conversation, [])


def test_a_newer_state_is_not_touched() -> None:
    """A conversation of a later schema is refused, not half read."""
    stored = encode(Conversation(student="c" * 24, created_at=NOW))
    with pytest.raises(ConversationFromTheFuture):
        decode(stored, SCHEMA + 1)


def test_import_arrows() -> None:
    """adapters -> bot, storage -> bot, bot -> neither (its composition root aside); motor in one file."""
    forbidden = {"bot": ("adapters", "storage"), "adapters": ("storage",), "storage": ("adapters",)}
    named: list[str] = []
    for folder, targets in forbidden.items():
        for path in (ROOT / folder).rglob("*.py"):
            modules = _imported(path)
            if "motor" in {module.split(".")[0] for module in modules}:
                named.append(path.name)
            if path != ROOT / "bot" / "__main__.py":
                wrong = [module for module in modules if module.split(".")[0] in targets]
                assert not wrong, f"{path} imports {wrong}"
    assert named == ["mongodb.py"]


PURE = (
    "engine.py",
    "commands.py",
    "conversation.py",
    "clock.py",
    "companies.py",
    "days.py",
    "effects.py",
    "events.py",
    "messages.py",
    "elo.py",
    "skills.py",
    "projects.py",
    "paths.py",
    "reviews.py",
    "streaks.py",
    "wording.py",
    "stages",
)
UNCLEAN = (
    "asyncio",
    "random",
    "os",
    "time",
    "secrets",
    "pathlib",
    "logging",
    "adapters",
    "aiohttp",
    "sqlite3",
)


def test_decisions_are_pure() -> None:
    """No await, no clock, no chance, no environment, no file in the modules that decide."""
    for name in PURE:
        at = ROOT / "bot" / name
        for path in [at] if at.is_file() else at.glob("*.py"):
            tree = ast.parse(path.read_text())
            assert not _imported(path) & set(UNCLEAN), path
            assert not [
                node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)
            ], path
            calls = {
                node.func.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }
            assert not calls & {"now", "utcnow", "today", "open", "read_text"}, path


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_a_question_is_kept_without_the_wordings_it_is_graded_by() -> None:
    """They come from the bank when the answer is graded; a point that was changed meanwhile stands as it was asked."""
    whole = next(each for each in CONTENT.questions.values() if each.round == "technical_qa")
    kept = whole.lean()
    assert not any(point.alternatives or point.signals or point.wrong_if for point in kept.key_points)
    assert CONTENT.rubric(kept) == whole.key_points
    first, *rest = kept.key_points
    older = replace(kept, key_points=(replace(first, point="Put otherwise"), *rest))
    assert CONTENT.rubric(older) == (older.key_points[0], *whole.key_points[1:])
    unknown = replace(kept, id="0" * 24)
    assert CONTENT.rubric(unknown) == kept.key_points


def test_a_conversation_of_the_second_schema_is_read() -> None:
    """Its recall answer being graded held the question's fields itself."""
    old = {
        "student": "a" * 24,
        "created_at": "2026-03-01T09:00:00Z",
        "seen_at": "2026-03-02T09:00:00Z",
        "stages": [
            {
                "type": "AwaitingRecallGrade",
                "path": ID,
                "row": ID,
                "title": "A page",
                "recall": msgspec.to_builtins(RECALL),
                "attempt": "b" * 24,
                "parts": ["an answer"],
            },
            {"type": "Welcome"},
        ],
    }
    read = decode(msgspec.json.encode(old), 2)
    asked = Recalling(
        path=ID, row=ID, title="A page", recall=RECALL, asked_at=datetime(2026, 3, 2, 9, tzinfo=UTC)
    )
    assert read.stages == (
        AwaitingRecallGrade(recalling=asked, attempt="b" * 24, parts=("an answer",)),
        Welcome(),
    )


def test_a_conversation_of_the_first_schema_is_read() -> None:
    """Its marks of heard events stood in a list."""
    old = b'{"student":"%s","created_at":"2026-03-01T09:00:00Z","recent":["%s"]}'
    read = decode(old % (b"a" * 24, mark("t:1").encode()), 1)
    assert read.has_heard("t:1")
    assert not read.has_heard("t:2")
    assert not replace(read, recent="A" + mark("t:1") + "AAAAAAA").has_heard("t:1")  # marks stand end to end
