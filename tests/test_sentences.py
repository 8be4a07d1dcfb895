"""Every sentence, with its longest values, fits a phone; and every key the code asks for is there."""

import ast
import string
from pathlib import Path

import pytest

import adapters.markup
from bot import bank
from bot.commands import COMMANDS
from bot.messages import plain
from bot.questions import Grade, PointGrade
from bot.sentences import SENTENCES, counted
from bot.stages import feedback
from bot.stages.planning import LONGEST_WHAT
from bot.stages.settings import FIELDS
from bot.stages.setup import LONGEST_NAME, MOST_GAPS

ROOT = Path(__file__).parent.parent
CONTENT = bank.load()
LONGEST_MESSAGE = 600  # characters a phone shows without scrolling
LONGEST_BUTTON = 24
WHOLE = {"interview.model", "learn.recall"}  # model answers may be long; recall questions are measured below

NAME = "W" * LONGEST_NAME
LONGEST = {
    "anchors": "W" * 400, "change": "+100", "figures": "W" * 150, "name": "W" * 40, "others": "W" * 60, "point": "", "r": "0.71",
    "side": "Measurable result", "sides": "W" * 150, "answers": 5199,
    "path": "/tmp/viva-x/" + "W" * 60,
    "at": ", line 9999", "category": "repeated characters", "cost": 15, "error": "W" * 160, "growth": "constant or logarithmic",
    "line": 9999, "mb": 1024, "message": "W" * 160, "most": 100, "ms": 30_000, "note": ": 99 of 99 large inputs",
    "gap": 100, "relaxed": 20, "timed": "20 interviews", "pace": "against the clock", "passed": 99, "points": 60, "reaction": max(CONTENT.reactions.values(), key=len), "stated": "W" * 60, "value": "W" * 160,
    "verdict": "Runtime error",
    "answer": "", "answered": 8, "band": "Partial", "before": 100, "high": 100, "low": 100, "city": "W" * 40, "company": NAME, "date": "2026-12-31",
    "example": "", "feedback": "", "file": NAME, "found": "7½", "full_minutes": 199, "full_questions": "12 questions",
    "goal": "Just ask me", "heard": "W" * 200, "hint": "W" * 200, "hour": 23, "input": "", "jd": "none", "label": "W" * 32, "labels": "",
    "length": 999_999, "limit": 20_000, "minutes": 600, "missed": "W" * 70, "now": "Wed 30 Sep 23:59",
    "month": "Nov 2026", "number": 12, "one_minutes": 99,
    "output": "", "pages": 50, "percent": 100, "plan": "", "question": "", "questions": "12 questions", "quiet_from": 22,
    "quiet_to": 8, "quote": "", "reason": max(SENTENCES["reasons"].values(), key=len), "reminders": "23:00",
    "reports": counted(20, "report"), "resources": counted(99, "resource"), "resume": "none", "role": NAME,
    "round": "Behavioral", "rounds": "coding, technical, behavioral", "score": 100, "short_minutes": 99,
    "short_questions": "3 questions", "skill": max((path.title for path in CONTENT.paths.values()), key=len),
    "skills": ", ".join(sorted((s.title for s in CONTENT.taxonomy.skills.values()), key=len)[-MOST_GAPS:]) + " and 99 more",
    "source": max((r.source for p in CONTENT.paths.values() for s in p.stages for r in s.resources), key=len),
    "stage": max((s.stage_name for p in CONTENT.paths.values() for s in p.stages), key=len), "stages": "6 stages",
    "students": 5, "text": "W" * 80, "tip": "W" * 160, "topics": "W" * 60, "time": "23:59", "title": max((r.title for p in CONTENT.paths.values() for s in p.stages for r in s.resources), key=len),
    "text_limit": 100,
    "topic": max((q.topic_title for q in CONTENT.questions.values()), key=len), "total": 12,
    "url": max((r.url for p in CONTENT.paths.values() for s in p.stages for r in s.resources), key=len),
    "weeks": counted(52, "week"), "what": "W" * LONGEST_WHAT, "when": "Wed 30 Sep at 23:59", "why": "W", "zone": "America/Argentina/ComodRivadavia",
}  # fmt: skip
LONGEST |= {
    "by": "Wednesday 30 Sep", "day": "Wednesday 30 Sep", "days": "Mon, Tue, Wed, Thu, Fri, Sat", "done": "99 resources",
    "due": 999, "hours": "9:00 and 13:00 and 19:00", "left": "99 h 59 min", "numbers": "1, 2, 3, 4, 5",
    "often": "at most every 7 days", "quizzes": "99 quizzes", "reviews": "999 reviews", "spent": "99 h 59 min", "times": 3,
    "words": "W" * 80, "freezes": 2, "instead": ' instead of "' + "W" * 80 + '"',
}  # fmt: skip # of nudges and reviews
SHORT = {
    "company": "W" * 24,
    "role": "W" * 24,
    "minutes": 99,
    "date": "31 Dec",
}  # the code cuts them for buttons
LONGEST |= {
    "end": "30 Sep", "fewest": 1, "last": 6, "level": 100, "link": f"{LONGEST['title']}: {LONGEST['url']}",
    "others": ", ".join(path.title for path in CONTENT.paths.values()), "passing": 100, "priority": "medium",
    "required": LONGEST["skill"], "right": 12, "needed": 12, "stages": "Stages 1, 2, 3, 4, 5 and 6 are", "target": 100,
    "titles": ", ".join(sorted((r.title for p in CONTENT.paths.values() for s in p.stages for r in s.resources), key=len)[-4:]), "was": "30 Sep",
}  # fmt: skip # of paths and quizzes
LONGEST = {"days": "99 days", "hours": 60, "numbers": "1, 2, 3, 4, 5", "spent": "99 h 59 min"} | LONGEST

KEYS = [(section, name) for section, names in SENTENCES.items() for name in names]


@pytest.mark.parametrize(("section", "name"), KEYS, ids=lambda part: part)
def test_sentence_fits(section: str, name: str) -> None:
    """At most 600 characters as read, 24 on a button, with the longest values there are."""
    template = SENTENCES[section][name]
    fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
    assert fields <= set(LONGEST), f"no longest value for {fields - set(LONGEST)}"
    values = {field: LONGEST[field] for field in fields}
    if section == "labels":
        text = template.format(**{**values, **{k: v for k, v in SHORT.items() if k in fields}})
        assert len(text) <= LONGEST_BUTTON, text
    else:
        read = adapters.markup.plain(template.format(**values))
        assert read.strip()
        assert len(read) <= LONGEST_MESSAGE, len(read)


def test_every_sentence_is_said_and_every_said_one_exists() -> None:
    """No key without a sentence, no sentence nobody says."""
    asked: set[str] = set()
    said: set[str] = set()
    families = {"commands.", "reasons.", "arguments.", "labels.setting_", "labels.pace_", "labels.level_"}
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                asked.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                said |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}  # type: ignore[misc]  # keys are text
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                opening = str(node.values[0].value)  # f"bands.{band(score)}"
                families |= {opening} if "." in opening and opening.partition(".")[0] in SENTENCES else set()
    unsaid = []
    families -= {"labels.", "general."}  # their names stand alone in the code
    for section, name in KEYS:
        key = f"{section}.{name}"
        alone = (
            name if section in ("labels", "general") else key
        )  # button("hint", ...), a table of "no_photo"
        if not {key, alone} & asked and not any(key.startswith(family) for family in families):
            unsaid.append(key)
    assert unsaid == []
    for key in said:
        section, _, name = key.partition(".")
        assert name in SENTENCES[section], f"{key} has no sentence"


def test_setting_buttons_have_labels() -> None:
    """Each setting that is shown has words for its button."""
    asked_within = {f"setting_{each}" for each in ("city", "until", "commitment")}  # where they are wanted
    assert {f"setting_{field}" for field in FIELDS} - asked_within <= set(SENTENCES["labels"])


def test_every_command_has_a_description() -> None:
    """The command menus of the platforms are complete."""
    assert set(SENTENCES["commands"]) == set(COMMANDS)


@pytest.mark.parametrize("found", range(8))
def test_feedback_fits_whatever_was_found(found: int) -> None:
    """Seven points with the longest labels and quotes, found or not, are one phone screen."""
    words = "every *insert* has to update_them all, `and` they eat (disk) " * 5
    points = tuple(
        PointGrade(
            slug=str(n),
            label="W" * 32,
            verdict="covered" if n < found else "missed",
            quote=words if n < found else "",
        )
        for n in range(7)
    )
    flags = ("instructions_removed",) if found else ("dont_know", "instructions_removed")
    for grade in (
        Grade(score=100, points=points, grader="g", flags=flags),
        Grade(score=None, points=points, grader="g", reason="other_script"),
    ):
        assert len(adapters.markup.plain(feedback.message(grade, code=True))) <= LONGEST_MESSAGE


def test_questions_fit_with_their_place() -> None:
    """A question, its place line and the first greeting are one screen; coding problems are exempt."""
    for question in CONTENT.questions.values():
        if question.round != "dsa":
            whole = f"One question, no clock, two sentences will do.\n\n12 of 12 · {question.topic_title}\n\n{question.question}"
            assert len(whole) <= LONGEST_MESSAGE, question.question
        assert all(len(hint) <= 200 for hint in question.hints), question.question
    for path in CONTENT.paths.values():
        for stage in path.stages:
            for each in stage.resources:
                done = f"Done: {each.title}. 100 % of {path.title}. Stage 6 of {path.title} is complete. The {path.title} path is complete. Well done. One question about it: "
                assert len(done) + len(each.recall.question) <= LONGEST_MESSAGE


def test_a_students_words_cannot_break_the_markup() -> None:
    """Quotes read exactly as they were written."""
    for words in (
        "a *b* _c_ `d`",
        "<b>x</b> & [y](z)",
        "# no heading",
        "1. no list",
        "back\\slash",
        "~~x~~ ||y|| @everyone",
    ):
        assert adapters.markup.plain(f"You said {plain(words)}") == f"You said {words}"
