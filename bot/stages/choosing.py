"""A quiz question on the screen: how it is shown, what its buttons carry, what is said of an answer. Decides only.

What is marked of a question with several right options stands in the buttons themselves, so nothing is kept per press.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from bot import grader, quizzes
from bot.messages import Choice, Message, Poll, code_block, plain
from bot.quizzes import LETTERS, LONGEST_OPTION, QuizQuestion
from bot.sentences import label, say

MOST_BUTTONS = 6  # to a message: more do not fit a phone's screen
ROOM = 520  # characters of a question and what is said of its answer: with heading and gaps a phone's screen (600)
CHECK = "ok"  # in the place of an option: what is marked is the answer
NO_IDEA = "no"  # in the place of an option: none of them

_EACH = frozenset(LETTERS)
_BESIDE = frozenset("and both option options answer answers letter letters is are its it s the".split())
"""Words said beside letters: "the answer is B", "both A and C"."""


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A button of a question: `pick:<row>.<turn>.<mask>.<place>`. `turn`: which asking of it; `mask`: bits of the options
    marked so far; `place`: of the option pressed, None for [Check] and for [Don't know] (`no_idea`)."""

    row: str
    turn: str
    mask: int
    place: int | None
    no_idea: bool = False


def read(subject: str) -> Pick | None:
    """What a button says; None when it is none of ours."""
    row, turn, mask, place = [*subject.split("."), "", "", ""][:4]
    if not re.fullmatch(r"[0-9]{1,2}", mask) or not re.fullmatch(rf"[0-9]|{CHECK}|{NO_IDEA}", place):
        return None
    number = int(place) if place.isdigit() else None
    return Pick(row=row, turn=turn, mask=int(mask), place=number, no_idea=place == NO_IDEA)


def options_of(question: QuizQuestion, seed: str, *, typed: bool) -> tuple[str, ...]:
    """The options in their order. `typed`: an answer in words can be taken; else what is to be filled in is chosen."""
    if question.kind == "fill" and not typed:
        as_choice = msgspec.structs.replace(question, kind="single", right=question.right[:1])
        return quizzes.options(as_choice, seed)
    return quizzes.options(question, seed)


def message(
    question: QuizQuestion,
    heading: str,
    seed: str,
    address: str,
    *,
    mask: int = 0,
    typed: bool = True,
    can_skip: bool = False,
) -> Message:
    """The question with its buttons. `address`: row and turn, as the buttons carry them. `can_skip`: with [Don't know]
    where there is room for it."""
    options = options_of(question, seed, typed=typed)
    text = "\n\n".join([heading, plain(question.question), *_code(question), *_lettered(options)])
    if question.kind == "multiple":
        text += "\n\n" + say("quiz.several")
    elif question.kind == "fill" and typed:
        text += "\n\n" + say("quiz.fill")
    choices = [
        Choice(
            id=f"pick:{address}.{mask}.{place}",
            label=f"✓ {LETTERS[place]}" if mask >> place & 1 else LETTERS[place],
        )
        for place in range(len(options))
    ]
    if question.kind == "multiple":
        choices.append(Choice(id=f"pick:{address}.{mask}.{CHECK}", label=label("check")))
    poll = _poll(question, options, choices, mask=mask)
    if can_skip and len(choices) < MOST_BUTTONS:
        choices.append(Choice(id=f"pick:{address}.{mask}.{NO_IDEA}", label=label("no_idea")))
    return Message(text=text, choices=tuple(choices), poll=poll)


def _code(question: QuizQuestion) -> list[str]:
    return [code_block(question.code, "" if question.language == "text" else question.language)] * bool(
        question.code
    )


def _lettered(options: Sequence[str]) -> list[str]:
    lines = [f"**{letter}** {plain(option)}" for letter, option in zip(LETTERS, options, strict=False)]
    return ["  \n".join(lines)] if lines else []


def _poll(
    question: QuizQuestion, options: Sequence[str], choices: Sequence[Choice], *, mask: int
) -> Poll | None:
    """As a quiz of the platform's own: one right option and nothing to lay out."""
    if question.code or not options or question.kind == "multiple" or mask:
        return None
    return Poll(
        question=question.question,
        choices=tuple(
            Choice(id=choice.id, label=option) for choice, option in zip(choices, options, strict=True)
        ),
        right=options.index(question.right[0]),
        why=question.why,
    )


def chosen(question: QuizQuestion, seed: str, pick: Pick, *, typed: bool) -> tuple[str, ...] | None:
    """The options that a press answers with; None while several are being marked, or when there is no such option."""
    if pick.no_idea:
        return ()
    options = options_of(question, seed, typed=typed)
    if pick.place is None:
        return tuple(option for place, option in enumerate(options) if pick.mask >> place & 1)
    if question.kind == "multiple" or pick.place >= len(options):
        return None
    return (options[pick.place],)


def said(question: QuizQuestion, seed: str, text: str, *, typed: bool = True) -> tuple[str, ...] | None:
    """An answer in words: letters ("B)", "a and c", "ac"), the option itself, what is to be filled in, or that there is none
    (empty); None when it is neither. Where options stand on the screen, "hm" is no wrong one."""
    is_right = quizzes.is_right(question, (text,))
    if not is_right and grader.says_dont_know(text):
        return ()
    filled = (text.strip(),)
    if question.kind == "fill" and typed:
        return filled
    options = options_of(question, seed, typed=typed)
    places = _places(text)
    same = tuple(each for each in options if quizzes.folded(each) == quizzes.folded(text))
    if not places or (same and len(places) > 1):  # "a b c" may be what the code prints
        return same or (filled if is_right else None)
    if places[-1] < len(options) and (question.kind == "multiple" or len(places) == 1):
        return tuple(options[place] for place in places)
    return None


def _places(text: str) -> list[int]:
    """The options whose letters are named, in their order; none when there is a word that is no letter."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text))
    named = [each for each in words if each.lower() not in _BESIDE]
    if len(named) == 1 and len(set(named[0])) == len(named[0]):
        run = named[0]
        if run.isupper() or list(run) == sorted(run):  # "ac" and "CA" are letters, "bad" is a word
            named = list(run)
    if not all(each.upper() in _EACH for each in named):
        return []
    return sorted({LETTERS.index(each.upper()) for each in named})


def answered(question: QuizQuestion, heading: str, answer: Sequence[str]) -> str:
    """The question once it is answered: with its code, which the reason speaks of, and without its options."""
    return "\n\n".join([heading, plain(question.question), *_code(question), verdict(question, answer)])


def verdict(question: QuizQuestion, answer: Sequence[str]) -> str:
    """What is said of an answer: right or not, why what was chosen is wrong, and what is right."""
    if quizzes.is_right(question, answer):
        return say("quiz.right", answer=_right(question), why=plain(question.why))
    closing = say("quiz.right_was", answer=_right(question), why=plain(question.why))
    room = ROOM - len(question.question) - len(closing)
    told: list[str] = []
    for each in _wrong(question, answer):
        if not told or sum(map(len, told)) + len(each) <= room:
            told.append(each)
    return "\n\n".join([*told, closing])


def _wrong(question: QuizQuestion, answer: Sequence[str]) -> list[str]:
    """What was chosen and is not right, each with its reason as far as it was foreseen."""
    right = [] if question.kind == "fill" else question.right
    wrong = [
        say(
            "quiz.wrong",
            answer=plain(each[:LONGEST_OPTION]),
            why=plain(" ".join(quizzes.reasons(question, [each]))),
        ).rstrip()
        for each in answer
        if each and each not in right
    ]
    return wrong or ([say("quiz.not_all")] if answer and question.kind == "multiple" else [])


def _right(question: QuizQuestion) -> str:
    shown = question.right[:1] if question.kind == "fill" else question.right
    return "  \n".join(
        f"**{plain(each)}**" for each in shown
    )  # a line each: options hold commas and semicolons
