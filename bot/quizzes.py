"""Quizzes: what a question is, which are drawn, how their options stand, and what an answer comes to.

Pure. The questions are content (`content/quizzes/<skill>.toml`, read and checked by `bot/bank.py`); asking them is in
`bot/stages/quizzing.py`. Everything random follows from a seed that is kept with the attempt.
"""

import random
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

Kind = Literal["single", "multiple", "output", "fill"]
CodeLanguage = Literal["python", "javascript", "sql", "java", "shell", "text"]

LETTERS = "ABCDE"  # of the options, in their order on the screen
FEWEST = 12  # questions of a stage
LONGEST_QUESTION = 280  # characters: Telegram's polls take 300
LONGEST_OPTION = 90  # characters: Telegram's polls take 100
LONGEST_WHY = 190  # characters: the explanation of Telegram's quiz polls takes 200
LONGEST_CODE = 420  # characters: with its options it stays under 600 with the rest
LONGEST_FILL = 40  # characters of an answer that is typed
_DASHES = str.maketrans({"—": "--", "–": "-", "‐": "-", "‑": "-", "\N{MINUS SIGN}": "-"})


class WrongOption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An option that is not right, and why it is not."""

    option: str
    why: str


class QuizQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`key`: "sql/having", the same for ever. `right`: one option (single, output), two or more (multiple), or the
    spellings that are taken (fill; the first is shown). `wrong` of fill: answers that are often given.
    `resource_id`: what explains it. `why`: told with the right answer."""

    key: str
    stage: str
    topic: str
    resource_id: str
    kind: Kind
    question: str
    right: tuple[str, ...]
    wrong: tuple[WrongOption, ...]
    why: str
    code: str = ""
    language: CodeLanguage = "text"


def drawn(
    questions: Sequence[QuizQuestion], count: int, earlier: Mapping[str, int], seed: str
) -> tuple[str, ...]:
    """Keys of the questions of one attempt: topics in turn, and those asked in `earlier` attempts (key: the number of the
    last one) only when the others do not suffice, the longest ago first."""
    rng = random.Random(seed)  # noqa: S311 nothing secret depends on it, and it must come out the same again
    order = list(questions)
    rng.shuffle(order)
    order.sort(key=lambda each: earlier.get(each.key, 0))
    taken: list[QuizQuestion] = []
    while order and len(taken) < count:
        asked = [each.topic for each in taken]
        fresh = [each for each in order if earlier.get(each.key, 0) == earlier.get(order[0].key, 0)]
        one = min(fresh, key=lambda each: asked.count(each.topic))  # of equals the first: the shuffle decides
        taken.append(one)
        order.remove(one)
    return tuple(each.key for each in taken)


def options(question: QuizQuestion, seed: str) -> tuple[str, ...]:
    """Its options in the order they are shown in; none of a question that is answered in words."""
    if question.kind == "fill":
        return ()
    shown = sorted(
        [*question.right, *(each.option for each in question.wrong)]
    )  # their order in the file may change
    random.Random(f"{seed}/{question.key}").shuffle(shown)  # noqa: S311 the same again for the same seed
    return tuple(shown)


def is_right(question: QuizQuestion, chosen: Collection[str]) -> bool:
    """Whether the chosen options, or the one typed answer, are right: all of them and no other."""
    if question.kind == "fill":
        return any(folded(each) in {folded(right) for right in question.right} for each in chosen)
    return set(chosen) == set(question.right)


def reasons(question: QuizQuestion, chosen: Iterable[str]) -> list[str]:
    """Why what was chosen wrongly is wrong, a sentence each; nothing for what nobody foresaw."""
    if question.kind == "fill":
        given = {folded(each) for each in chosen}
        return [each.why for each in question.wrong if folded(each.option) in given]
    picked = set(chosen)
    return [each.why for each in question.wrong if each.option in picked]


def folded(answer: str) -> str:
    """A typed answer without case, accents, quotation marks and needless space: "  `GROUP  by`;" is "group by". Dashes
    are as they were before a phone made one of two."""
    letters = unicodedata.normalize("NFKD", answer.casefold().translate(_DASHES))
    text = "".join(each for each in letters if not unicodedata.combining(each))
    return " ".join(re.sub(r"[`'\"“”‘’]|[.;!?\s]+\Z", "", text).split())


def faults(question: QuizQuestion) -> list[str]:
    """What is wrong with a question, a sentence each."""
    found = []
    rights, wrongs = len(question.right), len(question.wrong)
    allowed = {
        "single": (1, 1, 2, 4),
        "output": (1, 1, 2, 4),
        "multiple": (2, 3, 1, 3),
        "fill": (1, 12, 1, 4),
    }
    least, most, least_wrong, most_wrong = allowed[question.kind]
    if not least <= rights <= most:
        found.append(f"{rights} right answers, {least}-{most} belong to {question.kind}")
    if not least_wrong <= wrongs <= most_wrong:
        found.append(f"{wrongs} wrong answers, {least_wrong}-{most_wrong} belong to {question.kind}")
    if question.kind != "fill" and rights + wrongs > len(LETTERS):
        found.append(f"more than {len(LETTERS)} options")
    everything = [folded(each) for each in (*question.right, *(each.option for each in question.wrong))]
    if question.kind == "fill" and set(everything[:rights]) & set(everything[rights:]):
        found.append("an answer is both right and wrong")
    if question.kind != "fill" and len(set(everything)) < len(everything):
        found.append("two options are the same")
    if question.kind == "fill" and not all(everything):
        found.append("an answer is nothing but quotation marks or a full stop")
    limit = LONGEST_FILL if question.kind == "fill" else LONGEST_OPTION
    found += [
        f"option {each!r}: 1-{limit} characters in one line"
        for each in (*question.right, *(each.option for each in question.wrong))
        if not 0 < len(each) <= limit or each != " ".join(each.split())
    ]
    found += [
        f"explanation {each!r} has {len(each)} characters, 20-{LONGEST_WHY} fit"
        for each in (question.why, *(each.why for each in question.wrong))
        if not 20 <= len(each) <= LONGEST_WHY
    ]
    if not 0 < len(question.question) <= LONGEST_QUESTION:
        found.append(f"the question has {len(question.question)} characters, {LONGEST_QUESTION} fit")
    if len(question.code) > LONGEST_CODE:
        found.append(f"the code has {len(question.code)} characters, {LONGEST_CODE} fit")
    if question.kind == "output" and not (question.code and question.language != "text"):
        found.append("there is no code whose output could be predicted")
    return found
