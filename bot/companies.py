"""What is known of companies: how far each fact is still to be trusted, and what students who were there make of it.

Pure: the day and the observations are given. Files are read in `bank`, students are asked in `stages/debrief`.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.documents import (
    CompanyKnowledge,
    CompanyRound,
    CompanyWish,
    Fact,
    Insert,
    Observed,
    Says,
    SkillWish,
    insert,
    slug_id,
)
from bot.messages import plain
from bot.sentences import counted, say

HALF_LIFE = timedelta(
    days=365
)  # hiring goes by the season: last year's page tells half as much about this one
SURE = 0.5  # said without reserve from here on
DOUBT = 0.2  # below it a fact is not gone by: the usual pattern stands in its place
ENOUGH = 5  # students behind a fact before it shows (k-anonymity): nobody learns what one of them said
REMEMBERED = timedelta(days=730)  # of an answer about a real interview: two seasons
USUAL, SELDOM = 0.6, 0.3  # shares of students from which something is usual, up to which it is seldom
LONGEST_WISH = 60  # characters of a skill asked for: longer ones are sentences
NAMED_TOPICS = 3  # of a round are asked about: what a person can keep in mind


def folded(name: str) -> str:
    """A name as it is compared: whatever the case and the punctuation."""
    return " ".join(re.findall(r"[\w+#]+", name.casefold()))


def decayed(confidence: float, looked_at: date, today: date) -> float:
    """A confidence as it is worth today; a day to come (a clock was wrong) takes and gives nothing."""
    return float(confidence * 0.5 ** (max(today - looked_at, timedelta(0)) / HALF_LIFE))


def trust(company: CompanyKnowledge, fact: Fact, today: date) -> float:
    """How far a fact can be trusted today, 0-1; 0 when nobody says where it is from."""
    found = next((each for each in company.facts if each.fact == fact), None)
    return decayed(found.confidence, date.fromisoformat(found.date), today) if found else 0.0


def believed(company: CompanyKnowledge | None, usual: CompanyKnowledge, today: date) -> CompanyKnowledge:
    """The company as it can be gone by today: the usual pattern wherever its own facts are too old or refuted.
    Rounds that students seldom had come last."""
    if company is None:
        return usual
    own = company if trust(company, "rounds", today) >= DOUBT else usual
    rounds = [_believed_round(each, company, usual, today) for each in own.rounds]
    rounds.sort(key=lambda each: says(company, round_fact(each)) == "seldom")
    replaceable: tuple[Fact, ...] = ("roles", "themes", "difficulty", "preparation_weeks", "tips")
    weak = [name for name in replaceable if trust(company, name, today) < DOUBT]
    return replace(company, rounds=tuple(rounds), **{name: getattr(usual, name) for name in weak})


def _believed_round(
    pattern: CompanyRound, company: CompanyKnowledge, usual: CompanyKnowledge, today: date
) -> CompanyRound:
    theirs, others = (
        next(each.topics for each in known.rounds if each.round == pattern.round)
        for known in (company, usual)
    )
    said = says(company, topics_fact(replace(pattern, topics=theirs)))
    trusted = said == "usual" or (said != "seldom" and trust(company, "topics", today) >= DOUBT)
    return replace(pattern, topics=theirs if trusted else others)


def about(company: CompanyKnowledge, usual: CompanyKnowledge, today: date) -> str:
    """What a student reads who chose this company: rounds, weeks, how sure that is, what students say, a tip."""
    known = believed(company, usual, today)
    name = plain(company.company)
    lines = [_rounds_line(company, known, name, today)]
    for key, word in (("company.students_usual", "usual"), ("company.students_seldom", "seldom")):
        rounds = [each for each in known.rounds if says(company, round_fact(each)) == word]
        if rounds:
            lines.append(say(key, rounds=", ".join(_round_name(each) for each in rounds)))
    if trust(company, "tips", today) >= DOUBT:
        lines.append(say("company.tip", tip=known.tips[0]))
    return "\n\n".join(lines)


def _rounds_line(company: CompanyKnowledge, known: CompanyKnowledge, name: str, today: date) -> str:
    sure = trust(company, "rounds", today)
    if sure < DOUBT:
        return say("company.too_old", company=name)
    rounds = ", ".join(f"{_round_name(each)} {each.minutes}" for each in known.rounds)
    looked_at = min(date.fromisoformat(each.date) for each in company.facts)
    key = "company.sure" if sure >= SURE else "company.unsure"
    source = say(key, month=f"{looked_at:%b %Y}")
    if trust(company, "preparation_weeks", today) < DOUBT:
        return say("company.rounds", company=name, rounds=rounds) + " " + source
    weeks = counted(known.preparation_weeks, "week")
    return say("company.rounds_weeks", company=name, rounds=rounds, weeks=weeks) + " " + source


def _round_name(pattern: CompanyRound) -> str:
    return say(f"rounds.{pattern.round}").lower()


def round_fact(pattern: CompanyRound) -> str:
    """The name under which students say whether there was such a round."""
    return f"round/{pattern.round}"


def topics_fact(pattern: CompanyRound) -> str:
    """The name under which they say whether its topics came. It holds the topics: answers about others do not count."""
    return f"topics/{pattern.round}/{','.join(pattern.topics[:NAMED_TOPICS])}"


def says(company: CompanyKnowledge, fact: str) -> str:
    """What students who were there make of a fact; empty while fewer than `ENOUGH` have said anything."""
    return next((each.says for each in company.observed if each.fact == fact), "")


def aggregate(observations: Iterable[Mapping[str, Any]], today: date) -> dict[str, tuple[Observed, ...]]:
    """What the stored answers come to, by company. Only facts that `ENOUGH` students speak of; their number in steps
    of that, and a word for the share, so that one more answer does not show what it was."""
    answers: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for each in observations:
        if today - each["created_at"].date() <= REMEMBERED:
            answers[each["company"], each["fact"]][str(each["student_id"])] = each["seen"]
    found: dict[str, list[Observed]] = defaultdict(list)
    for (company, fact), seen in sorted(answers.items()):
        if len(seen) >= ENOUGH:
            students = len(seen) // ENOUGH * ENOUGH
            word = _word(sum(seen.values()) / len(seen))
            found[company].append(Observed(fact=fact, says=word, students=students))
    return {company: tuple(facts) for company, facts in found.items()}


def _word(share: float) -> Says:
    return "usual" if share >= USUAL else "seldom" if share <= SELDOM else "mixed"


def learnt(company: CompanyKnowledge, observed: tuple[Observed, ...]) -> CompanyKnowledge:
    """With what students say in the place of what they said; its `content_version` tells the difference."""
    version = company.content_version.partition("+")[0]
    if observed:
        version += "+" + hashlib.sha256(msgspec.json.encode(observed)).hexdigest()[:8]
    return replace(company, observed=observed, content_version=version)


def wish(student: str, name: str, at: datetime) -> Insert:
    """The write that counts a company nobody has looked at; a student counts once for a name."""
    key = folded(name)
    return insert(
        CompanyWish(id=slug_id("wish", student, key), student_id=student, company=key, created_at=at)
    )


def skill_wish(student: str, name: str, at: datetime) -> Insert:
    """The write that counts a skill the catalogue does not have."""
    key = folded(name)[:LONGEST_WISH]
    return insert(
        SkillWish(id=slug_id("skill wish", student, key), student_id=student, skill=key, created_at=at)
    )


def wanted(wishes: Iterable[Mapping[str, Any]], field: str = "company") -> list[tuple[str, int]]:
    """What is not there and how many students asked for each, most wanted first."""
    return sorted(Counter(each[field] for each in wishes).items(), key=lambda pair: (-pair[1], pair[0]))
