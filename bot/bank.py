"""The bank: questions, paths, companies and goals, read from the TOML files of `bot/content/` and checked.

`load` is the only place that reads files; what it gives is immutable. docs/content.md describes the format.
"""

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import force_setattr, replace

from bot import companies, elo, rubric, wording
from bot.companies import folded as _folded
from bot.conversation import Goal
from bot.documents import (
    Assessment,
    CompanyFact,
    CompanyKnowledge,
    CompanyRound,
    Document,
    Fact,
    InterviewQuestion,
    Observed,
    PathTemplate,
    Recall,
    ResourceType,
    TemplateResource,
    TemplateStage,
    slug_id,
    slug_uuid,
)
from bot.questions import ROUNDS, Clarification, Difficulty, Example, KeyPoint, Question, RoundName
from bot.quizzes import FEWEST, CodeLanguage, Kind, QuizQuestion, WrongOption, faults as quiz_faults
from bot.skills import Skill, Taxonomy, tokens_of

FOLDER = Path(__file__).parent / "content"
LONGEST_TIP = 160  # characters: it stands under what else is said of a company
LONGEST_TITLE = 24  # characters: a topic's title stands on buttons
LONGEST_LABEL = 32  # characters: a key point's label stands before a quote, several to a message
LONGEST_PROBLEM_TITLE = 40  # characters
LONGEST_CLARIFICATION = 160  # characters: a reply while the problem is open, several at once
LONGEST_QUESTION = 450  # characters: with its place and hint line it stays under 600
PROJECT = "{project}"  # in a question: where the words of the student's own project go

FACTS: tuple[Fact, ...] = get_args(Fact)

T = TypeVar("T")


class ContentError(Exception):
    """Faults in the content files, all of them: "technical/python.toml, question 'gil': no key points"."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class GoalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a student can aim for; `topics` are technical topics, most likely first, `skills` what is usual for it."""

    slug: Goal
    label: str
    role: str
    topics: tuple[str, ...]
    skills: tuple[str, ...] = ()


@cache
def reactions(folder: Path = FOLDER) -> dict[str, str]:
    """The classes of a coding problem's cases, and what the interviewer asks when one of them fails."""
    read = tomllib.loads((folder / "problems" / "classes.toml").read_text(encoding="utf-8"))
    return msgspec.convert(read["classes"], dict[str, str])


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to ask and to recommend. `questions` and `paths` leave retired entries out; `retired` are
    the questions that a plan made earlier may still name. `forms`: questions about a project of the student's, asked
    with its words filled in. `ratings`: of the questions that enough answers were given to (`bot/calibration.py`)."""

    questions: dict[str, Question]
    retired: dict[str, Question]
    openers: dict[str, tuple[str, ...]]
    companies: dict[str, CompanyKnowledge]
    default_company: CompanyKnowledge
    paths: dict[str, PathTemplate]
    quizzes: dict[str, tuple[QuizQuestion, ...]]
    goals: dict[str, GoalEntry]
    reactions: dict[str, str]
    mean_minutes: dict[RoundName, float]
    documents: dict[str, tuple[Document, ...]]
    forms: dict[str, Question] = {}
    taxonomy: Taxonomy = Taxonomy()
    wordings: wording.Scores = wording.Scores(by_kind={}, sends=0)
    ratings: dict[str, int] = {}
    _aliases: dict[str, str] = {}
    _skills: dict[str, str] = {}
    _quiz_questions: dict[str, QuizQuestion] = {}
    _recalls: dict[str, Recall] = {}
    _topics: dict[RoundName, frozenset[str]] = {}

    def __post_init__(self) -> None:
        found: dict[RoundName, set[str]] = {}
        for each in self.questions.values():
            found.setdefault(each.round, set()).add(each.topic)
        force_setattr(self, "_topics", {name: frozenset(topics) for name, topics in found.items()})

    def question(self, question_id: str) -> Question | None:
        """A question by its id, retired or not; None when its file no longer has it."""
        return self.questions.get(question_id) or self.forms.get(question_id) or self.retired.get(question_id)

    def topics(self, name: RoundName) -> frozenset[str]:
        """The topics a round asks about."""
        return self._topics.get(name, frozenset())

    def rating(self, question: Question) -> int:
        """How hard a question is, in Elo points: learnt from answers, or by its difficulty."""
        return self.ratings.get(question.id, elo.PRIOR[question.difficulty])

    def rubric(self, asked: Question) -> tuple[KeyPoint, ...]:
        """The key points of a question as asked, with the wordings they are found by. A point that its file has
        changed since, or no longer has, stands as it was asked."""
        ours = self.question(asked.id)
        return _with_wordings(asked.key_points, ours.key_points if ours else ())

    def follow_up_rubric(self, asked: Question) -> tuple[KeyPoint, ...]:
        """The same of a coding problem's follow-up."""
        ours = self.question(asked.id)
        return _with_wordings(asked.follow_up_points, ours.follow_up_points if ours else ())

    def company(self, name: str) -> CompanyKnowledge | None:
        """The company a person means by `name` (its name, slug or an alias, whatever the case)."""
        slug = self._aliases.get(_folded(name))
        return self.companies[slug] if slug else None

    def company_in(self, words: str) -> CompanyKnowledge | None:
        """The company that `words` begin with: "Google for frontend"."""
        parts = words.split()
        return next(
            (found for end in range(len(parts), 0, -1) if (found := self.company(" ".join(parts[:end])))),
            None,
        )

    def path(self, skill: str) -> PathTemplate | None:
        """The path for a skill as a person names it."""
        slug = self._skills.get(_folded(skill))
        return self.paths[slug] if slug else None

    def quiz_question(self, key: str) -> QuizQuestion | None:
        """A question of a quiz by its key; None when its file has let go of it."""
        return self._quiz_questions.get(key)

    def recall(self, resource_id: str) -> Recall | None:
        """The recall question of a resource; None when the catalogue has no such resource (any more)."""
        return self._recalls.get(resource_id)

    def path_for_topic(self, topic: str, begun: Collection[str] = ()) -> PathTemplate | None:
        """The path that closes a gap in a question topic; of several one of those `begun`."""
        found = [path for path in self.paths.values() if topic in path.topics]
        return next((path for path in found if path.skill in begun), next(iter(found), None))

    def learnt(self, observed: Mapping[str, tuple[Observed, ...]]) -> "Content":
        """With what students say of the companies now, by slug, in the place of what they said."""
        knowledge = tuple(
            companies.learnt(each, observed.get(each.slug, ()))
            for each in self.documents["company_interview_knowledge"]
            if isinstance(each, CompanyKnowledge)
        )
        current = {each.slug: each for each in knowledge if each.slug in self.companies}
        documents = self.documents | {"company_interview_knowledge": knowledge}
        return replace(self, companies=current, documents=documents)

    def skill_names(self) -> dict[str, str]:
        """Every name of every skill, folded, and the skill it stands for."""
        return self._skills


class _QuestionEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    slug: str
    difficulty: Difficulty
    minutes: int
    question: str
    reference_answer: str
    key_points: list[dict[str, Any]]
    hints: tuple[str, ...]
    misconception: str
    opener_for: tuple[str, ...] = ()
    title: str = ""
    examples: tuple[Example, ...] = ()
    constraints: tuple[str, ...] = ()
    clarifications: tuple[Clarification, ...] = ()
    complexity: dict[str, str] = {}
    follow_up: str = ""
    follow_up_answer: str = ""
    follow_up_points: list[dict[str, Any]] = []
    retired: bool = False


class _ResourceEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    slug: str
    type: ResourceType
    title: str
    url: str
    duration_minutes: int
    source: str
    recall: Recall


class _StageEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    stage_name: str
    duration_weeks: int
    topics: tuple[str, ...]
    assessment: Assessment
    resources: tuple[_ResourceEntry, ...]


class _PathEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    skill: str
    title: str
    aliases: tuple[str, ...]
    topics: tuple[str, ...]
    requires: tuple[str, ...] = ()
    stages: tuple[_StageEntry, ...]
    retired: bool = False


class _QuizEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    slug: str
    stage: str
    topic: str
    resource: str
    kind: Kind
    question: str
    code: str = ""
    language: CodeLanguage = "text"
    right: tuple[str, ...]
    wrong: tuple[WrongOption, ...]
    why: str


class _Source(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    url: str
    date: date
    confidence: float


class _From(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    source: str
    confidence: float


class _CompanyEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    roles: tuple[str, ...]
    rounds: tuple[CompanyRound, ...]
    themes: tuple[str, ...]
    difficulty: Difficulty
    preparation_weeks: int
    tips: tuple[str, ...]
    sources: dict[str, _Source] = {}
    facts: dict[Fact, str | _From] = msgspec.field(name="from", default_factory=dict)
    slug: str = "default"
    name: str = ""
    aliases: tuple[str, ...] = ()
    retired: bool = False


def load(folder: Path = FOLDER, *, patterns: bool = True) -> Content:
    """Read and check every file. Raises ContentError with all faults at once. Without `patterns` their regular
    expressions are not tried, which is half of the time it takes: they are when content is checked."""
    return _Loader(folder, patterns=patterns).content()


class _Loader:
    """Collects entries and faults, file by file."""

    def __init__(self, folder: Path, *, patterns: bool) -> None:
        self.folder = folder
        self.patterns = patterns
        self.faults: list[str] = []
        self.questions: list[InterviewQuestion] = []
        self.shown: dict[str, Question] = {}
        self.retired: dict[str, Question] = {}
        self.forms: dict[str, Question] = {}
        self.openers: dict[str, list[str]] = {}
        self.skills: list[Skill] = []
        self.paths: list[PathTemplate] = []
        self.quizzes: dict[str, list[QuizQuestion]] = {}
        self.companies: list[CompanyKnowledge] = []
        self.goals: list[GoalEntry] = []
        self.signals: dict[str, tuple[str, ...]] = {}

    def content(self) -> Content:
        for name, raw in self._files("behavioral/rubric.toml"):
            self.signals = self._entry(raw.get("signals"), dict[str, tuple[str, ...]], name) or {}
        for kind in ("dsa", "technical", "behavioral"):
            for name, raw in self._files(f"{kind}/*.toml"):
                if not name.endswith("rubric.toml"):
                    self._questions(name, raw)
        for name, raw in self._files("paths/*.toml"):
            self._path(name, raw)
        for name, raw in self._files("quizzes/*.toml"):
            self._quiz(name, raw)
        for name, raw in self._files("companies/*.toml"):
            self._companies(name, raw)
        for name, raw in self._files("goals.toml"):
            self.goals = self._entry(raw.get("goals"), list[GoalEntry], name) or []
        for name, raw in self._files("skills.toml"):
            self.skills = self._entry(raw.get("skills"), list[Skill], name) or []
        self._across()
        if self.faults:
            raise ContentError(self.faults)
        return self._assembled()

    def _files(self, pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in sorted(self.folder.glob(pattern)):
            name = path.relative_to(self.folder).as_posix()
            try:
                yield name, tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                self.faults.append(f"{name}: {error}")

    def _entry(self, raw: object, kind: type[T], where: str) -> T | None:
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            self.faults.append(f"{where}: {error}")
            return None

    def _check(self, where: str, holds: object, fault: str) -> None:
        if not holds:
            self.faults.append(f"{where}: {fault}")

    def _questions(self, name: str, raw: dict[str, Any]) -> None:
        round_, topic, title = raw.get("round"), raw.get("topic"), raw.get("title", "")
        self._check(name, round_ in ROUNDS, f"round {round_!r} is none of {', '.join(ROUNDS)}")
        self._check(name, topic == Path(name).stem, f"topic {topic!r} is not the file's name")
        self._check(
            name, 0 < len(title) <= LONGEST_TITLE, f"title has {len(title)} characters, 1-{LONGEST_TITLE} fit"
        )
        for number, entry in enumerate(raw.get("questions", []), 1):
            where = f"{name}, question {entry.get('slug', number)!r}"
            read = self._entry(entry, _QuestionEntry, where)
            if read is not None and round_ in ROUNDS:
                self._question(where, round_, str(topic), title, read, entry)

    def _question(
        self,
        where: str,
        round_: RoundName,
        topic: str,
        title: str,
        entry: _QuestionEntry,
        raw: dict[str, Any],
    ) -> None:
        points = self._key_points(where, entry.key_points)
        self._check(where, len(points) >= 3, "fewer than 3 key points")
        self._check(
            where, len({point.slug for point in points}) == len(points), "two key points share a slug"
        )
        self._check(where, entry.minutes > 0, "minutes must be above 0")
        self._check(where, bool(entry.hints), "no hints")
        if round_ != "dsa":
            size = len(entry.question)
            self._check(
                where, size <= LONGEST_QUESTION, f"question has {size} characters, {LONGEST_QUESTION} fit"
            )
        else:
            self._coding(where, entry)
        document = InterviewQuestion(
            id=slug_id("question", round_, topic, entry.slug),
            round=round_,
            topic=topic,
            difficulty=entry.difficulty,
            question=entry.question,
            slug=entry.slug,
            title=entry.title,
            minutes=entry.minutes,
            reference_answer=entry.reference_answer.strip(),
            key_points=points,
            hints=entry.hints,
            examples=entry.examples,
            constraints=entry.constraints,
            clarifications=entry.clarifications,
            complexity=entry.complexity.get("time", ""),
            follow_up=entry.follow_up,
            follow_up_answer=entry.follow_up_answer.strip(),
            follow_up_points=self._key_points(where, entry.follow_up_points),
            problem=entry.slug if (self.folder / "problems" / f"{entry.slug}.toml").is_file() else "",
            misconception=entry.misconception,
            content_version=_version(raw, title),
            retired=entry.retired,
            rating=elo.PRIOR[entry.difficulty],
        )
        self.questions.append(document)
        if entry.retired:
            self.retired[document.id] = _as_asked(document, title)
            return
        if PROJECT in entry.question:
            self._check(where, round_ == "behavioral", "only behavioral questions are about a project")
            self.forms[document.id] = _as_asked(document, title)
            return
        self.shown[document.id] = _as_asked(document, title)
        for goal in entry.opener_for:
            self.openers.setdefault(goal, []).append(document.id)

    def _coding(self, where: str, entry: _QuestionEntry) -> None:
        """What a coding problem has beside other questions."""
        self._check(where, 0 < len(entry.title) <= LONGEST_PROBLEM_TITLE, "no title, or too long a one")
        self._check(where, len(entry.examples) >= 2, "fewer than two examples")
        self._check(where, entry.constraints, "no constraints")
        self._check(where, len(entry.hints) == 3, "needs three hints")
        self._check(where, entry.complexity.get("time"), "no complexity.time")
        self._check(where, len(entry.clarifications) >= 3, "fewer than three clarifications")
        self._check(where, entry.follow_up and entry.follow_up_answer, "no follow_up with its answer")
        self._check(where, len(entry.follow_up_points) >= 2, "fewer than two follow_up_points")
        for each in entry.clarifications:
            size = len(each.answer)
            self._check(where, 0 < size <= LONGEST_CLARIFICATION, f"a clarification has {size} characters")
            self._check(where, each.keywords, "a clarification without keywords")

    def _key_points(self, where: str, entries: list[dict[str, Any]]) -> tuple[KeyPoint, ...]:
        return tuple(point for each in entries if (point := self._key_point(where, each)) is not None)

    def _key_point(self, where: str, raw: dict[str, Any]) -> KeyPoint | None:
        raw = dict(raw)
        family = raw.pop("signals_from", "")
        names = [family] if isinstance(family, str) and family else list(family)
        for name in names:
            self._check(
                where, name in self.signals, f"signals_from {name!r} is not in behavioral/rubric.toml"
            )
            raw["signals"] = [*raw.get("signals", ()), *self.signals.get(name, ())]
        raw["shows"] = rubric.shown_by(names)
        point = self._entry(raw, KeyPoint, f"{where}, key point {raw.get('slug')!r}")
        if point is None:
            return None
        size = len(point.label)
        self._check(
            where,
            0 < size <= LONGEST_LABEL,
            f"label {point.label!r} has {size} characters, {LONGEST_LABEL} fit",
        )
        for pattern in (*point.wrong_if, *point.signals) if self.patterns else ():
            try:
                re.compile(pattern, re.IGNORECASE)
            except re.error as error:
                self.faults.append(f"{where}, key point {point.slug!r}: pattern {pattern!r}: {error}")
        return point

    def _path(self, name: str, raw: dict[str, Any]) -> None:
        entry = self._entry(raw, _PathEntry, name)
        if entry is None:
            return
        self._check(name, entry.skill == Path(name).stem, f"skill {entry.skill!r} is not the file's name")
        self._check(
            name, len(entry.title) <= LONGEST_TITLE, f"title has more than {LONGEST_TITLE} characters"
        )
        self._check(name, len(entry.stages) >= 3, "fewer than 3 stages")
        slugs = [resource.slug for stage in entry.stages for resource in stage.resources]
        self._check(name, len(set(slugs)) == len(slugs), "two resources share a slug")
        for stage in entry.stages:
            self._check(name, bool(stage.resources), f"stage {stage.stage_name!r} has no resources")
        self.paths.append(
            PathTemplate(
                id=slug_id("path", entry.skill),
                skill=entry.skill,
                title=entry.title,
                aliases=entry.aliases,
                topics=entry.topics,
                requires=entry.requires,
                stages=tuple(self._stage(name, entry.skill, stage) for stage in entry.stages),
                content_version=_version(raw),
                retired=entry.retired,
            )
        )

    def _stage(self, name: str, skill: str, stage: _StageEntry) -> TemplateStage:
        for each in stage.resources:
            where = f"{name}, resource {each.slug!r}"
            self._check(where, each.url.startswith("https://"), "its address does not begin with https://")
            self._check(where, each.duration_minutes > 0, "duration_minutes must be above 0")
            size = len(each.recall.question)
            self._check(where, size <= LONGEST_QUESTION, f"recall question has {size} characters")
        return TemplateStage(
            stage_name=stage.stage_name,
            duration_weeks=stage.duration_weeks,
            topics=stage.topics,
            assessment=stage.assessment,
            resources=tuple(
                TemplateResource(
                    resource_id=slug_uuid("resource", skill, each.slug),
                    type=each.type,
                    title=each.title,
                    url=each.url,
                    duration_minutes=each.duration_minutes,
                    source=each.source,
                    recall=each.recall,
                )
                for each in stage.resources
            ),
        )

    def _quiz(self, name: str, raw: dict[str, Any]) -> None:
        skill = Path(name).stem
        path = next((each for each in self.paths if each.skill == skill), None)
        if path is None:
            self.faults.append(f"{name}: there is no path {skill!r}")
            return
        entries = self._entry(raw.get("questions"), list[_QuizEntry], name) or []
        found = self.quizzes.setdefault(skill, [])
        for each in entries:
            where = f"{name}, question {each.slug!r}"
            stage = next((one for one in path.stages if one.stage_name == each.stage), None)
            self._check(where, stage, f"unknown stage {each.stage!r}")
            self._check(where, stage is None or each.topic in stage.topics, f"unknown topic {each.topic!r}")
            resource = slug_uuid("resource", skill, each.resource)
            known = {one.resource_id for one in stage.resources} if stage else {resource}
            self._check(where, resource in known, f"its stage has no resource {each.resource!r}")
            question = QuizQuestion(
                key=f"{skill}/{each.slug}",
                stage=each.stage,
                topic=each.topic,
                resource_id=resource,
                kind=each.kind,
                question=each.question.strip(),
                right=each.right,
                wrong=each.wrong,
                why=each.why,
                code=each.code.strip("\n"),
                language=each.language,
            )
            self.faults += [f"{where}: {fault}" for fault in quiz_faults(question)]
            found.append(question)
        self._check(name, len({each.key for each in found}) == len(found), "two questions share a slug")
        for one in path.stages:
            there = sum(each.stage == one.stage_name for each in found)
            fewest = max(FEWEST, 2 * one.assessment.questions_count)
            self._check(
                name, there >= fewest, f"stage {one.stage_name!r} has {there} questions, {fewest} are needed"
            )

    def _companies(self, name: str, raw: dict[str, Any]) -> None:
        entries = [*raw.get("companies", []), *([raw["default"]] if "default" in raw else [])]
        for number, each in enumerate(entries, 1):
            where = f"{name}, company {each.get('slug', 'default' if 'default' in raw else number)!r}"
            entry = self._entry(each, _CompanyEntry, where)
            if entry is None:
                continue
            rounds = [pattern.round for pattern in entry.rounds]
            self._check(
                where, sorted(rounds) == sorted(ROUNDS), "its pattern must hold each of the three rounds once"
            )
            self._check(where, bool(entry.roles), "no roles")
            self._check(where, entry.preparation_weeks > 0, "preparation_weeks must be above 0")
            self._check(where, 2 <= len(entry.tips) <= 3, "2 or 3 tips")
            for tip in entry.tips:
                self._check(
                    where, len(tip) <= LONGEST_TIP, f"tip {tip[:20]!r} is over {LONGEST_TIP} characters"
                )
            self.companies.append(
                CompanyKnowledge(
                    id=slug_id("company", entry.slug),
                    slug=entry.slug,
                    company=entry.name,
                    aliases=entry.aliases,
                    roles=entry.roles,
                    rounds=entry.rounds,
                    themes=entry.themes,
                    difficulty=entry.difficulty,
                    preparation_weeks=entry.preparation_weeks,
                    tips=entry.tips,
                    facts=self._facts(where, entry) if entry.slug != "default" else (),
                    content_version=_version(each),
                    retired=entry.retired,
                )
            )

    def _facts(self, where: str, entry: _CompanyEntry) -> tuple[CompanyFact, ...]:
        """Each fact with the page it is from, the day that was looked at, and a confidence."""
        found: list[CompanyFact] = []
        for name, source in entry.sources.items():
            self._check(
                where, source.url.startswith("https://"), f"source {name!r} does not begin with https://"
            )
        for fact in FACTS:
            named = entry.facts.get(fact, "")
            origin = entry.sources.get(named.source if isinstance(named, _From) else named)
            if origin is None:
                self.faults.append(f"{where}: no source for {fact}")
                continue
            confidence = named.confidence if isinstance(named, _From) else origin.confidence
            told = f"confidence of {fact} lies between {companies.DOUBT} (else leave it out) and 1"
            self._check(where, companies.DOUBT < confidence <= 1, told)
            found.append(
                CompanyFact(fact=fact, source=origin.url, date=origin.date.isoformat(), confidence=confidence)
            )
        used = {each.source if isinstance(each, _From) else each for each in entry.facts.values()}
        self._check(
            where, set(entry.sources) <= used, f"sources not used: {sorted(set(entry.sources) - used)}"
        )
        return tuple(found)

    def _across(self) -> None:
        """What no single file can show: names taken twice, topics nobody asks about."""
        topics = {question.topic for question in self.questions}
        for ids, what in (
            ([each.id for each in self.questions], "question"),
            ([each.slug for each in self.companies], "company"),
        ):
            self._check("content", len(set(ids)) == len(ids), f"two entries share a {what} slug")
        self._check(
            "companies", any(each.slug == "default" for each in self.companies), "no [default] pattern"
        )
        of_round = {name: {each.topic for each in self.questions if each.round == name} for name in ROUNDS}
        for company in self.companies:
            where = f"companies, {company.slug!r}"
            patterns: list[tuple[RoundName, set[str]]] = [
                *((pattern.round, set(pattern.topics)) for pattern in company.rounds),
                ("behavioral", set(company.themes)),
            ]
            for round_, asked in patterns:
                self._check(where, asked, f"no {round_} topics")
                unknown = sorted(asked - of_round[round_])
                self._check(where, not unknown, f"unknown {round_} topics {unknown}")
        for goal in self.goals:
            self._check(f"goals.toml, {goal.slug!r}", set(goal.topics) <= topics, "unknown topics")
            self._check(
                f"goals.toml, {goal.slug!r}", bool(self.openers.get(goal.slug)), "no question opens for it"
            )
        for path in self.paths:
            where = f"paths/{path.skill}.toml"
            self._check(where, set(path.topics) <= topics, "unknown question topics")
            others = {each.skill for each in self.paths} - {path.skill}
            self._check(where, set(path.requires) <= others, "it requires a path there is not")
        self._skills_hold(topics)
        for what, names in (("company", _company_names(self.companies)), ("skill", _skill_names(self.paths))):
            taken: dict[str, str] = {}
            for name, slug in names:
                owner = taken.setdefault(name, slug)
                self._check(
                    "content", owner == slug, f"the {what} name {name!r} belongs to {owner!r} and {slug!r}"
                )

    def _skills_hold(self, topics: set[str]) -> None:
        """Every skill leads to questions, and no name belongs to two skills."""
        by_slug = {skill.slug: skill for skill in self.skills}
        self._check("skills.toml", len(by_slug) == len(self.skills), "two skills share a slug")
        paths = {path.skill for path in self.paths}
        owners: dict[tuple[str, ...], str] = {}
        for skill in self.skills:
            where = f"skills.toml, {skill.slug!r}"
            line = [skill]
            while line[-1].parent in by_slug and len(line) <= len(by_slug):
                line.append(by_slug[line[-1].parent])
            self._check(where, not line[-1].parent, f"parent {line[-1].parent!r} is no skill, or its own")
            self._check(where, any(each.topics for each in line), "neither topics nor a parent with topics")
            unknown = set(skill.topics) - topics
            self._check(where, not unknown, f"unknown topics {sorted(unknown)}")
            self._check(where, not skill.path or skill.path in paths, f"unknown path {skill.path!r}")
            for name in (skill.title, *skill.aliases, *skill.listed):
                tokens = tokens_of(name)
                self._check(where, tokens, f"the name {name!r} has no word in it")
                owner = owners.setdefault(tokens, skill.slug)
                self._check(where, owner == skill.slug, f"the name {name!r} belongs to {owner!r}, too")
        for goal in self.goals:
            self._check(f"goals.toml, {goal.slug!r}", set(goal.skills) <= by_slug.keys(), "unknown skills")

    def _assembled(self) -> Content:
        current = [each for each in self.companies if not each.retired and each.slug != "default"]
        paths = {each.skill: each for each in self.paths if not each.retired}
        return Content(
            questions=self.shown,
            retired=self.retired,
            openers={goal: tuple(ids) for goal, ids in self.openers.items()},
            companies={each.slug: each for each in current},
            default_company=next(each for each in self.companies if each.slug == "default"),
            paths=paths,
            quizzes={skill: tuple(self.quizzes.get(skill, ())) for skill in paths},
            _quiz_questions={each.key: each for skill in paths for each in self.quizzes.get(skill, ())},
            _recalls={
                each.resource_id: each.recall
                for path in paths.values()
                for stage in path.stages
                for each in stage.resources
            },
            goals={str(each.slug): each for each in self.goals},
            reactions=reactions(self.folder),
            mean_minutes={
                name: mean(each.minutes for each in self.shown.values() if each.round == name)
                for name in {each.round for each in self.shown.values()}
            },
            documents={
                "interview_questions": tuple(self.questions),
                "company_interview_knowledge": tuple(self.companies),
                "path_templates": tuple(self.paths),
            },
            forms=self.forms,
            taxonomy=Taxonomy(self.skills),
            _aliases=dict(_company_names(current)),
            _skills=dict(_skill_names(list(paths.values()))),
        )


def _as_asked(document: InterviewQuestion, topic_title: str) -> Question:
    return Question(
        id=document.id,
        round=document.round,
        topic=document.topic,
        topic_title=topic_title,
        difficulty=document.difficulty,
        minutes=document.minutes,
        question=document.question,
        reference_answer=document.reference_answer,
        key_points=document.key_points,
        hints=document.hints,
        title=document.title,
        examples=document.examples,
        constraints=document.constraints,
        clarifications=document.clarifications,
        complexity=document.complexity,
        follow_up=document.follow_up,
        follow_up_answer=document.follow_up_answer,
        follow_up_points=document.follow_up_points,
        problem=document.problem,
    )


def _with_wordings(asked: tuple[KeyPoint, ...], ours: tuple[KeyPoint, ...]) -> tuple[KeyPoint, ...]:
    known = {(each.slug, each.point): each for each in ours}
    return tuple(known.get((each.slug, each.point), each) for each in asked)


def _company_names(companies: list[CompanyKnowledge]) -> list[tuple[str, str]]:
    return [
        (_folded(name), each.slug)
        for each in companies
        if each.slug != "default"
        for name in (each.slug, each.company, *each.aliases)
    ]


def _skill_names(paths: list[PathTemplate]) -> list[tuple[str, str]]:
    return [(_folded(name), each.skill) for each in paths for name in (each.skill, each.title, *each.aliases)]


def _version(raw: object, *more: str) -> str:
    """A hash of an entry as it stands in its file."""
    return hashlib.sha256(msgspec.json.encode([raw, more], order="deterministic")).hexdigest()[:16]
