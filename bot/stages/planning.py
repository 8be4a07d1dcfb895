"""Which questions an interview asks. Pure: the same session id gives the same plan."""

import hashlib

from bot.bank import Content
from bot.conversation import Length, Planned
from bot.documents import CompanyKnowledge
from bot.questions import Question, RoundName

COUNTS: dict[Length, dict[RoundName, int]] = {
    "short": {"dsa": 1, "technical_qa": 1, "behavioral": 1},
    "full": {"dsa": 2, "technical_qa": 4, "behavioral": 2},
    "one": {"technical_qa": 1},
}
_LEVELS = ("easy", "medium", "hard")


def questions_in(length: Length) -> int:
    """How many questions an interview of this length asks."""
    return sum(COUNTS[length].values())


def minutes_in(length: Length, content: Content) -> int:
    """About how many minutes it takes: the bank's mean time of each round's questions."""
    return sum(round(count * content.mean_minutes[name]) for name, count in COUNTS[length].items())


def plan(
    *,
    seed: str,
    length: Length,
    company: CompanyKnowledge,
    goal: str,
    asked: frozenset[str],
    content: Content,
) -> tuple[Planned, ...]:
    """The questions, in the order of the company's rounds. Those of `asked` come only when nothing else is left."""
    chosen: list[Planned] = []
    for pattern in company.rounds:
        count = COUNTS[length].get(pattern.round, 0)
        topics = _topics(pattern.round, pattern.topics, company, goal, content)
        questions = _choose(pattern.round, count, topics, company.difficulty, seed, asked, content)
        chosen += [Planned(question=question.id, round=pattern.round) for question in questions]
    return tuple(chosen)


def opener(*, goal: str, seed: str, asked: frozenset[str], content: Content) -> str:
    """The id of a first question for a goal: two sentences answer it."""
    fitting = content.openers.get(goal) or content.openers["any"]
    fresh = [each for each in fitting if each not in asked] or list(fitting)
    return min(fresh, key=lambda each: _shuffled(seed, each))


def _choose(
    name: RoundName,
    count: int,
    topics: list[str],
    level: str,
    seed: str,
    asked: frozenset[str],
    content: Content,
) -> list[Question]:
    """Best first: not asked before, of a wanted topic, of the right level; a topic comes twice only when it must."""
    rank = {topic: place for place, topic in enumerate(topics)}

    def worth(question: Question) -> tuple[bool, int, int, str]:
        wanted = min(
            rank.get(question.topic, len(rank)) // 3, 3
        )  # topics in groups of three, so that rounds differ
        off = abs(_LEVELS.index(question.difficulty) - _LEVELS.index(level))
        return (question.id in asked, wanted, off, _shuffled(seed, question.id))

    left = sorted((each for each in content.questions.values() if each.round == name), key=worth)
    chosen: list[Question] = []
    while left and len(chosen) < count:
        used = {question.topic for question in chosen}
        best = next((each for each in left if each.topic not in used and each.id not in asked), left[0])
        left.remove(best)
        chosen.append(best)
    return chosen


def _topics(
    name: RoundName, pattern: tuple[str, ...], company: CompanyKnowledge, goal: str, content: Content
) -> list[str]:
    if name == "behavioral":
        return [*company.themes, *pattern]
    if name == "technical_qa" and goal in content.goals:
        return [*content.goals[goal].topics, *pattern]
    return list(pattern)


def _shuffled(seed: str, item: str) -> str:
    return hashlib.sha256(f"{seed}/{item}".encode()).hexdigest()
