"""Quizzes: what is drawn and shown, how an answer is read, and whether their content is whole."""

import itertools
import math
import random

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from adapters.judge.printed import CannotTry, faults, prints
from bot import quizzes
from bot.quizzes import CodeLanguage, QuizQuestion, WrongOption
from bot.stages import choosing
from tests.talk import content

BANK = [each for questions in content().quizzes.values() for each in questions]
PREDICTED = [each for each in BANK if each.kind == "output"]
MESSAGE = 600  # characters: as every message but code; a question's code, at most 420, comes on top
LINES = 30  # of 40 characters: what a phone shows at once above its keyboard of buttons
WIDTH = 40  # characters of a line on a phone

SINGLE = QuizQuestion(
    key="sql/having",
    stage="Foundation",
    topic="Grouping",
    resource_id="4c4e26f0-9a3f-5a58-9a3c-0f2e6a51ad5e",
    kind="single",
    question="What filters groups?",
    right=("HAVING",),
    wrong=tuple(WrongOption(option=each, why=f"{each} does not.") for each in ("WHERE", "ON", "GROUP BY")),
    why="HAVING sees the groups.",
)
MULTIPLE = replace(SINGLE, kind="multiple", right=("HAVING", "QUALIFY"))
FILL = replace(SINGLE, kind="fill", right=("HAVING", "the having clause"))


def shown(question: QuizQuestion, *letters: str, seed: str = "s") -> tuple[str, ...]:
    """The options that stand at these letters."""
    options = quizzes.options(question, seed)
    return tuple(options[quizzes.LETTERS.index(each)] for each in letters)


# Drawing


@given(st.sampled_from(sorted(content().quizzes)), st.integers(0, 10), st.text(max_size=8))
def test_a_retry_asks_other_questions(skill: str, place: int, seed: str) -> None:
    """Of every stage there is: none of the attempt before, each question once, as many topics as there can be."""
    stages = content().paths[skill].stages
    stage = stages[place % len(stages)]
    bank = [each for each in content().quizzes[skill] if each.stage == stage.stage_name]
    count = stage.assessment.questions_count
    first = quizzes.drawn(bank, count, {}, f"{seed}/1")
    second = quizzes.drawn(bank, count, dict.fromkeys(first, 1), f"{seed}/2")
    assert len({*first, *second}) == 2 * count
    topics = {each.key: each.topic for each in bank}
    assert len({topics[key] for key in first}) == min(count, len(set(topics.values())))
    assert quizzes.drawn(bank, count, {}, f"{seed}/1") == first


def test_a_small_bank_asks_again_what_it_must() -> None:
    """Others first, then those of before, never the same one twice, never more than there are."""
    bank = [replace(SINGLE, key=f"sql/{n}") for n in range(5)]
    first = quizzes.drawn(bank, 3, {}, "1")
    second = quizzes.drawn(bank, 3, dict.fromkeys(first, 1), "2")
    assert len(set(second)) == 3
    assert len(set(second) & set(first)) == 1
    assert second[2] in first
    assert len(quizzes.drawn(bank, 9, dict.fromkeys(first, 1), "3")) == 5
    assert quizzes.drawn([], 3, {}, "1") == ()
    third = quizzes.drawn(bank[:4], 2, {"sql/0": 1, "sql/1": 2, "sql/2": 1, "sql/3": 2}, "3")
    assert set(third) == {"sql/0", "sql/2"}, "the longest ago first"


@given(st.text(max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_options_follows_from_the_seed_alone(seed: str, chance: random.Random) -> None:
    """An author who sorts the file anew does not change what a button of yesterday means."""
    wrong = list(SINGLE.wrong)
    chance.shuffle(wrong)
    assert quizzes.options(replace(SINGLE, wrong=tuple(wrong)), seed) == quizzes.options(SINGLE, seed)


def test_no_place_is_the_right_one_more_often() -> None:
    """Over many seeds every place has the right option about as often."""
    places = [quizzes.options(SINGLE, str(n)).index("HAVING") for n in range(2000)]
    assert all(400 < places.count(place) < 600 for place in range(4))


# Answering


@pytest.mark.parametrize(
    "text",
    ["b", "B", " b ", "B)", "(b)", "b.", "B!", "b:", "**B**", "✓ B", "Ｂ", "option b", "Answer: B", "it's b", "The answer is B."],
)  # fmt: skip
def test_one_letter_in_every_way_it_is_typed(text: str) -> None:
    """Of a question with one right option and of one with several."""
    assert choosing.said(SINGLE, "s", text) == shown(SINGLE, "B")
    assert choosing.said(MULTIPLE, "s", text) == shown(MULTIPLE, "B")


@pytest.mark.parametrize(
    "text",
    ["a and c", "A, C", "ac", "AC", "CA", "c a", "a,c", "a & c", "a + c", "a/c", "A) and C)", "(a), (c)", "both A and C", "a; c.", "a c a"],
)  # fmt: skip
def test_several_letters_in_every_way_they_are_typed(text: str) -> None:
    """They answer a question with several right options; one with a single right option asks for one."""
    assert choosing.said(MULTIPLE, "s", text) == shown(MULTIPLE, "A", "C")
    assert choosing.said(SINGLE, "s", text) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "?", "bad", "cab", "dead", "abe", "e", "F", "not b", "b or c", "2", "because a group", "the answer", "a list", "ß"],
)  # fmt: skip
def test_words_that_are_no_letters_are_no_answer(text: str) -> None:
    """Nor are letters of options there are not; the question is asked again."""
    assert choosing.said(SINGLE, "s", text) is None


def test_an_option_can_be_typed_out() -> None:
    """As it stands there, whatever the case; one that looks like letters is meant as it stands."""
    assert choosing.said(SINGLE, "s", "having") == ("HAVING",)
    assert choosing.said(SINGLE, "s", "`Group  by`.") == ("GROUP BY",)
    printed = replace(SINGLE, kind="output", right=("a b",), code="print('a b')", language="python")
    assert choosing.said(printed, "s", "a b") == ("a b",)


@pytest.mark.parametrize(
    "text", ["HAVING", " having. ", "`HAVING`", "“Having”", "Hávíng", "the HAVING clause"]
)
def test_what_is_filled_in_counts_in_any_spelling(text: str) -> None:
    """Case, accents, quotation marks and a full stop are nobody's mistake."""
    answer = choosing.said(FILL, "s", text)
    assert answer is not None
    assert quizzes.is_right(FILL, answer)
    assert not quizzes.is_right(FILL, ("where",))
    assert quizzes.reasons(FILL, ("Where!",)) == ["WHERE does not."]


def test_a_dash_that_a_phone_made_of_two_is_two() -> None:
    """ "—amend" is "--amend"."""
    amend = replace(FILL, right=("--amend",))
    assert quizzes.is_right(amend, ("—amend",))
    assert quizzes.is_right(replace(FILL, right=("-4",)), ("\N{MINUS SIGN}4",))
    assert not quizzes.is_right(amend, ("",))


def test_all_right_options_and_no_other() -> None:
    """One of two is not enough, three are too many; why is told for what was wrong."""
    assert quizzes.is_right(MULTIPLE, ("QUALIFY", "HAVING"))
    assert not quizzes.is_right(MULTIPLE, ("HAVING",))
    assert not quizzes.is_right(MULTIPLE, ("QUALIFY", "HAVING", "ON"))
    assert quizzes.reasons(MULTIPLE, ("HAVING", "ON")) == ["ON does not."]


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("row.q1-0.0.3", (0, 3)),
        ("row.q1-0.5.ok", (5, None)),
        ("row.q1-0.0", None),
        ("", None),
        ("row.q1-0.²..", None),
        ("row.q1-0.0.99999999999999", None),
        ("row.q1-0.99999999999999.1", None),
        ("row.q1-0.-1.1", None),
    ],
)
def test_a_button_that_is_none_of_ours_is_recognised(
    subject: str, read: tuple[int, int | None] | None
) -> None:
    """Anybody can send any word as a button."""
    pick = choosing.read(subject)
    assert (pick and (pick.mask, pick.place)) == read


def test_a_press_answers_or_marks() -> None:
    """One right option: the press is the answer; several: [Check] is, with what is marked."""
    press = choosing.Pick(row="r", turn="q1-0", mask=0b101, place=1)
    assert choosing.chosen(SINGLE, "s", press, typed=True) == shown(SINGLE, "B")
    assert choosing.chosen(MULTIPLE, "s", press, typed=True) is None
    check = replace(press, place=None)
    assert choosing.chosen(MULTIPLE, "s", check, typed=True) == shown(MULTIPLE, "A", "C")
    assert choosing.chosen(SINGLE, "s", replace(press, place=7), typed=True) is None
    chosen = choosing.chosen(FILL, "s", press, typed=False)
    assert chosen is not None
    assert set(chosen) < {"HAVING", "WHERE", "ON", "GROUP BY"}


def test_a_gap_that_is_shown_with_options_takes_letters_and_words() -> None:
    """Where words are not asked for, a letter is the option it stands at; the words themselves count all the same."""
    options = choosing.options_of(FILL, "s", typed=False)
    assert choosing.said(FILL, "s", "b)", typed=False) == (options[1],)
    assert choosing.said(FILL, "s", "having", typed=False) == ("HAVING",)
    assert choosing.said(FILL, "s", "hm", typed=False) is None, "no wrong answer, where it would have stood"
    assert choosing.said(FILL, "s", "b") == ("b",)


# The content


def test_every_path_has_a_quiz_with_every_stage_in_it() -> None:
    """Enough for an attempt and a retry, of more than one kind; no key twice."""
    assert set(content().quizzes) == set(content().paths)
    assert len({each.key for each in BANK}) == len(BANK)
    for skill, path in content().paths.items():
        for stage in path.stages:
            bank = [each for each in content().quizzes[skill] if each.stage == stage.stage_name]
            assert len(bank) >= max(quizzes.FEWEST, 2 * stage.assessment.questions_count)
            assert len({each.kind for each in bank}) >= 2, (skill, stage.stage_name)


@pytest.mark.once
@pytest.mark.parametrize("question", PREDICTED, ids=lambda each: each.key)
async def test_the_right_output_is_what_the_code_prints(question: QuizQuestion) -> None:
    """Found by running it."""
    try:
        assert await faults(question) == []
    except CannotTry as reason:
        pytest.skip(str(reason))


@pytest.mark.once
@pytest.mark.parametrize(
    ("language", "code", "printed"),
    [
        ("python", "print(1 is 1)\nprint('b')", "True b"),  # a warning goes to the same place as an error
        ("python", "print('a')\nraise ValueError('no: no')", "a ValueError"),
        ("python", "import json\njson.loads('')", "JSONDecodeError"),
        ("sql", "CREATE TABLE t (n); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); ROLLBACK; SELECT * FROM t", "1"),
        ("sql", "SELECT 'a;b', NULL UNION SELECT 'c', 2.5; -- done", "a;b, NULL; c, 2.5"),
        ("sql", "SELECT nothing", "OperationalError"),
        ("javascript", "const timers = [1, 'a', []], said = -0; console.log(timers, said, {a: 1})", "[ 1, 'a', [] ] -0 {\"a\":1}"),
        ("javascript", "setTimeout(() => { console.log(1); setTimeout(() => console.log(3), 5) }, 10); setTimeout(() => console.log(2), 12)", "1 2 3"),
        ("javascript", "setTimeout(() => console.log('t')); Promise.resolve().then(() => console.log('p')); console.log('s')", "s p t"),
        ("javascript", "console.log('a'); null.b", "a TypeError"),
        ("java", 'System.out.println("é"); int[] a = {}; System.out.println(a[0]);', "é ArrayIndexOutOfBoundsException"),
        ("java", 'int a = "";', "compile error"),
        ("shell", "git init -q; git config user.name; echo 'a  b'\necho lost >&2", "Ann a b"),
    ],
)  # fmt: skip
async def test_code_is_run_as_its_language_would(language: CodeLanguage, code: str, printed: str) -> None:
    """Lines joined, an uncaught error by its name."""
    try:
        assert await prints(language, code) == printed
    except CannotTry as reason:
        pytest.skip(str(reason))


async def test_text_does_not_run() -> None:
    """And that is said."""
    with pytest.raises(CannotTry, match="text does not run"):
        await prints("text", "anything")


@pytest.mark.parametrize("kind", ["single", "output", "multiple"])
def test_the_right_option_is_no_more_often_the_longest_than_chance_has_it(kind: str) -> None:
    """Over the whole bank; the margin is two standard deviations of a fair draw."""
    asked = [each for each in BANK if each.kind == kind]
    expected = variance = 0.0
    longest = 0
    for each in asked:
        wrong = max(len(one.option) for one in each.wrong)
        longest += max(map(len, each.right)) > wrong
        fair = len(each.right) / (len(each.right) + len(each.wrong))
        expected, variance = expected + fair, variance + fair * (1 - fair)
    assert longest <= expected + 2 * math.sqrt(variance)


def lines(text: str) -> int:
    """As many as a phone needs, wrapped."""
    return sum(max(1, math.ceil(len(line) / WIDTH)) for line in text.splitlines())


@pytest.mark.parametrize("question", BANK, ids=lambda each: each.key)
def test_a_question_and_what_is_said_of_it_fit_a_phone(question: QuizQuestion) -> None:
    """Heading, question and options; and for any answer, what is told. At most 600 characters without the code."""
    path = content().paths[question.key.partition("/")[0]]
    heading = f"**{path.title} · Quiz of stage {len(path.stages)} · 6 of 6**"
    address = f"{'a' * 24}.q10-5"
    asked = [choosing.message(question, heading, "s", address, typed=typed) for typed in (True, False)]
    for message in asked:
        assert len(message.text) - len(question.code) <= MESSAGE
        assert lines(message.text) <= LINES
        assert len(message.choices) <= 6
        assert all(len(each.id.encode()) <= 64 for each in message.choices)
    options = quizzes.options(question, "s") or tuple(each.option for each in question.wrong)
    most = len(options) if question.kind == "multiple" else 1
    answers = [one for size in range(1, most + 1) for one in itertools.combinations(options, size)]
    for answer in answers:
        told = "\n\n".join([heading, question.question, choosing.verdict(question, answer)])
        assert len(told) <= MESSAGE, (answer, len(told))
