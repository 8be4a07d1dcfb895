"""Which questions an interview asks, and why. Pure: the same seed, aim and content give the same plan.

Topics are weighed by who asks for them (job description, company, role, resume), questions within a topic by how likely
the student is to manage them.
"""

import hashlib
from math import log10
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from bot import elo
from bot.bank import PROJECT, Content
from bot.conversation import Length, Planned, Reason
from bot.documents import CompanyKnowledge
from bot.elo import Ratings
from bot.messages import plain
from bot.projects import projects
from bot.questions import Question, RoundName
from bot.skills import Found

COUNTS: dict[Length, dict[RoundName, int]] = {
    "short": {"dsa": 1, "technical_qa": 1, "behavioral": 1},
    "full": {"dsa": 2, "technical_qa": 4, "behavioral": 2},
    "one": {"technical_qa": 1},
}

# What a topic weighs because of who names it. What the job asks for beats what its company is said to ask, and that beats
# what is usual; a topic named by two of them beats either.
WEIGHT: dict[Reason, float] = {"jd": 4, "role": 4, "company": 3, "resume": 2, "goal": 2, "usual": 1.5}
SECOND = 0.5  # of it for the topics a skill leads to beside its first, for those of an area, and at the end of a list
CHANCE = 2.0  # of weight the seed adds at most: topics that are near to each other take turns
STEP = 200  # Elo points off that cost as much as 1 of weight: a difficulty, so that a topic used up but for hard ones waits
FIT_CHANCE = 60  # Elo points the seed adds at most: questions about as hard take turns
LONGEST_WHAT = 20  # characters of the words a reason shows: eight reasons are one phone screen


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is made from. `asked`: questions of the last 90 days; `ratings`: the student's, by topic."""

    company: CompanyKnowledge
    goal: str = ""
    role: str = ""
    resume: str = ""
    jd: str = ""
    asked: frozenset[str] = frozenset()
    ratings: Ratings = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`gaps`: skills that are asked for, in the words of the job description (`gaps_in` "jd"), or usual for the goal
    ("goal"), and not on the resume. `repeated`: how many questions come again within 90 days, as nothing else was left."""

    questions: tuple[Planned, ...]
    gaps: tuple[str, ...] = ()
    gaps_in: Literal["jd", "goal"] = "jd"
    repeated: int = 0


class _Why(NamedTuple):
    weight: float
    reason: Reason
    what: str


class _Texts(NamedTuple):
    """What the texts show, recognised once for a plan."""

    jd: tuple[Found, ...]
    resume: tuple[Found, ...]
    role: tuple[Found, ...]


def questions_in(length: Length) -> int:
    """How many questions an interview of this length asks."""
    return sum(COUNTS[length].values())


def minutes_in(length: Length, content: Content) -> int:
    """About how many minutes it takes: the bank's mean time of each round's questions."""
    return sum(round(count * content.mean_minutes[name]) for name, count in COUNTS[length].items())


def plan(*, seed: str, length: Length, aim: Aim, content: Content) -> Plan:
    """The questions, in the order of the company's rounds. Those of `asked` come only when nothing else is left."""
    find = content.taxonomy.find
    texts = _Texts(find(aim.jd), find(aim.resume), find(aim.role))
    chosen: list[Planned] = []
    for pattern in aim.company.rounds:
        count = COUNTS[length].get(pattern.round, 0)
        about = _about_a_project(seed, length, aim, content) if pattern.round == "behavioral" else None
        whys = _weighed(pattern.round, pattern.topics, aim, texts, content)
        questions = _choose(pattern.round, count - (about is not None), whys, seed, aim, content)
        chosen += [_planned(question, whys) for question in questions]
        chosen += [about] if about else []
    gaps_in, gaps = _gaps(aim, texts, content)
    again = sum(each.question in aim.asked for each in chosen)
    return Plan(questions=tuple(chosen), gaps=gaps, gaps_in=gaps_in, repeated=again)


def opener(*, goal: str, seed: str, asked: frozenset[str], content: Content) -> str:
    """The id of a first question for a goal: two sentences answer it."""
    fitting = content.openers.get(goal) or content.openers["any"]
    others = [each for ids in content.openers.values() for each in ids]
    fresh = [each for each in fitting if each not in asked] or [each for each in others if each not in asked]
    return min(fresh or fitting, key=lambda each: _chance(seed, each))


def as_asked(planned: Planned, content: Content) -> Question | None:
    """The question that stands there, about the student's own project where it is a form; None when its file no longer
    has it."""
    question = content.question(planned.question)
    if question is None or PROJECT not in question.question:
        return question
    return replace(question, question=question.question.replace(PROJECT, f'"{plain(planned.what)}"'))


def _planned(question: Question, whys: dict[str, _Why]) -> Planned:
    why = whys.get(question.topic)
    if why is None:
        return Planned(question=question.id, round=question.round)
    return Planned(question=question.id, round=question.round, why=why.reason, what=why.what)


def _choose(
    name: RoundName, count: int, whys: dict[str, _Why], seed: str, aim: Aim, content: Content
) -> list[Question]:
    """Best first: not asked before, of a topic not taken yet, of a weighty topic and the right difficulty."""
    there = [each for each in content.questions.values() if each.round == name]
    topics = content.topics(name)
    weight = {
        topic: (whys[topic].weight if topic in whys else 0) + CHANCE * _chance(seed, topic)
        for topic in topics
    }
    wanted = {topic: _wanted(topic, topics, aim) for topic in topics}

    def off(question: Question) -> float:
        return abs(content.rating(question) - wanted[question.topic]) + FIT_CHANCE * _chance(
            seed, question.id
        )

    chosen: list[Question] = []
    taken: set[str] = set()
    there.sort(key=lambda each: (each.id in aim.asked, off(each) / STEP - weight[each.topic], each.id))
    while there and len(chosen) < count:
        fresh = [each for each in there if each.id not in aim.asked] or there
        best = next((each for each in fresh if each.topic not in taken), fresh[0])
        there.remove(best)
        taken.add(best.topic)
        chosen.append(best)
    return chosen


def _wanted(topic: str, others: frozenset[str], aim: Aim) -> float:
    """The rating of the question this student should get: expected to bring `elo.TARGET` of its points, more where the
    company asks harder ones."""
    stands = elo.standing(aim.ratings, topic, others)
    return stands + elo.SCALE * log10(1 / elo.TARGET - 1) + elo.LEVEL[aim.company.difficulty]


def _weighed(
    name: RoundName, pattern: tuple[str, ...], aim: Aim, texts: _Texts, content: Content
) -> dict[str, _Why]:
    """Each topic that anybody names: its whole weight, and the reason that weighs most."""
    sources: list[dict[str, _Why]] = [
        _of_skills("jd", texts.jd, content),
        _of_skills("role", texts.role, content),
        _of_company(name, pattern, aim.company),
        _of_skills("resume", texts.resume, content),
    ]
    goal = _goal_slug(aim, content)
    if name == "technical_qa" and goal in content.goals:
        sources.append(_in_order("goal", content.goals[goal].topics, aim.role or content.goals[goal].role))
    whys: dict[str, _Why] = {}
    for topic in sorted({topic for source in sources for topic in source}):
        named = [source[topic] for source in sources if topic in source]
        best = max(named, key=lambda why: why.weight)
        whys[topic] = best._replace(weight=sum(why.weight for why in named))
    return whys


def _of_skills(reason: Reason, found: tuple[Found, ...], content: Content) -> dict[str, _Why]:
    whys: dict[str, _Why] = {}
    for skill, words in found:
        for place, topic in enumerate(content.taxonomy.topics(skill)):
            share = SECOND if place or content.taxonomy.skills[skill].area else 1
            why = _Why(WEIGHT[reason] * share, reason, _short(words))
            if topic not in whys or whys[topic].weight < why.weight:
                whys[topic] = why
    return whys


def _of_company(name: RoundName, pattern: tuple[str, ...], company: CompanyKnowledge) -> dict[str, _Why]:
    topics = (*company.themes, *pattern) if name == "behavioral" else pattern
    reason: Reason = "company" if company.company else "usual"
    return _in_order(reason, tuple(dict.fromkeys(topics)), company.company)


def _in_order(reason: Reason, topics: tuple[str, ...], what: str) -> dict[str, _Why]:
    """Most likely first: from the whole weight down to `SECOND` of it."""
    return {
        topic: _Why(WEIGHT[reason] * (1 - (1 - SECOND) * place / len(topics)), reason, _short(what))
        for place, topic in enumerate(topics)
    }


def _goal_slug(aim: Aim, content: Content) -> str:
    """What the role's own name says, else what the student told us: "Front-end Intern" is frontend."""
    squeezed = "".join(char for char in aim.role.casefold() if char.isalnum())
    return next((slug for slug in content.goals if slug != "any" and slug in squeezed), aim.goal)


def _about_a_project(seed: str, length: Length, aim: Aim, content: Content) -> Planned | None:
    """A question about one of the student's own projects; None where there is none, or every form was asked lately."""
    own = projects(aim.resume)
    fresh = [each for each in content.forms.values() if each.id not in aim.asked]
    if length == "one" or not own or not fresh:
        return None
    wanted = _wanted("projects", content.topics("behavioral"), aim)
    form = min(
        fresh,
        key=lambda each: abs(content.rating(each) - wanted) + 10 * FIT_CHANCE * _chance(seed, each.id),
    )  # a wide chance: there are few forms, and they differ in kind more than in difficulty
    what = min(own, key=lambda each: _chance(seed, each))
    return Planned(question=form.id, round=form.round, why="project", what=what)


def _gaps(aim: Aim, texts: _Texts, content: Content) -> tuple[Literal["jd", "goal"], tuple[str, ...]]:
    """Skills asked for, or usual for the goal where no job description names any, that the resume does not show. How
    people work together is left out: resumes seldom say."""
    taxonomy = content.taxonomy
    if not aim.resume:
        return "jd", ()
    shown = taxonomy.shown(found.skill for found in texts.resume)
    themes = content.topics("behavioral")
    asked = {
        found.skill: _short(found.words)
        for found in texts.jd
        if not (taxonomy.skills[found.skill].area or set(taxonomy.topics(found.skill)) <= themes)
    }
    goal = content.goals.get(_goal_slug(aim, content))
    usual = {skill: taxonomy.skills[skill].title for skill in goal.skills} if goal else {}
    missing = tuple(name for skill, name in (asked or usual).items() if skill not in shown)
    return ("jd" if asked else "goal"), missing


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_WHAT else words[: LONGEST_WHAT - 1].rstrip() + "…"


def _chance(seed: str, item: str) -> float:
    """A number from 0 to 1 that looks like chance and is always the same."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{item}".encode()).digest()[:6]) / 2**48
