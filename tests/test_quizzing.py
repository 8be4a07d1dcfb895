"""Quizzes as a student lives them: in place, once, left and gone on with, passed and failed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import adapters.markup
from bot import bank, quizzes
from bot.documents import QuizAttempt, Update
from bot.events import Said
from bot.messages import CHOICE_ID_LIMIT
from bot.quizzes import LETTERS, QuizQuestion
from bot.stages import choosing
from tests.lived import (
    answer,
    begun,
    documents,
    hold_true,
    letters,
    open_attempt,
    open_question,
    path_of,
    read_stage,
    rows,
    starting,
    take_quiz,
    without_questions,
    written_elsewhere,
)
from tests.talk import Talk, texts

CONTENT = bank.load()
EVERY = [each for bank_ in CONTENT.quizzes.values() for each in bank_]
LONGEST_MESSAGE = 600  # characters a phone shows without scrolling


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    await begun(talk, "sql")
    yield talk
    await talk.store.close()


async def until(talk: Talk, kind: str) -> QuizQuestion:
    """Answer rightly until a question of this kind is open; a quiz that ends is failed and begun anew."""
    for _ in range(60):
        question, _ = await open_question(talk)
        if question.kind == kind:
            return question
        attempt = await open_attempt(talk)
        await answer(talk, right=False)
        if len(attempt.answers) + 1 == len(attempt.questions):
            await talk.say("quiz")
        else:
            await talk.press(starting(talk, "quiz:").id)
    raise AssertionError(f"no {kind}")


# What is shown


@pytest.mark.parametrize("typed", [True, False])
def test_every_question_and_verdict_fits_a_phone(*, typed: bool) -> None:
    """Whatever is answered, what is read stays under 600 characters beside its code, with six short buttons at most."""
    heading = "Docker and Kubernetes · Quiz of stage 6 · 12 of 12"
    address = f"{'f' * 24}.q10-11"
    for question in EVERY:
        shown = choosing.message(question, heading, "seed", address, typed=typed, can_skip=True)
        assert len(adapters.markup.plain(shown.text)) - len(question.code) <= LONGEST_MESSAGE, question.key
        assert 1 <= len(shown.choices) <= 6, question.key
        assert all(len(each.id.encode()) <= CHOICE_ID_LIMIT for each in shown.choices)
        options = choosing.options_of(question, "seed", typed=typed)
        several = [options] if question.kind == "multiple" else []
        typed_in = [("W" * 40,)] if question.kind == "fill" and typed else []
        for given in ((), *((each,) for each in options), *several, *typed_in):
            told = f"{heading}\n\n{question.question}\n\n{choosing.verdict(question, given)}"
            assert len(adapters.markup.plain(told)) <= LONGEST_MESSAGE, (question.key, given)


@pytest.mark.parametrize("skill", CONTENT.quizzes)
def test_a_stage_that_fails_has_other_questions_for_its_next_try(skill: str) -> None:
    """A quiz asks at most half of its stage's bank, so the next try asks nothing of the last one."""
    for stage in CONTENT.paths[skill].stages:
        bank_ = [each for each in CONTENT.quizzes[skill] if each.stage == stage.stage_name]
        count = stage.assessment.questions_count
        first = quizzes.drawn(bank_, count, {}, "1")
        assert len(first) == count
        assert not set(first) & set(quizzes.drawn(bank_, count, dict.fromkeys(first, 1), "2"))


# Answering


async def test_a_quiz_goes_on_in_place(talk: Talk) -> None:
    """The question, what its answer comes to and the next question are one message, edited; the end is a new one."""
    await take_quiz_from_command(talk)
    shown = talk.new()
    assert [bool(each.edit) for each in shown].count(False) == 2  # the first question, and what all came to
    assert adapters.markup.plain(shown[0].message.text).startswith("SQL · Quiz of stage 1 · 1 of 6")
    assert not shown[-1].edit
    assert "of 6" in shown[-1].message.text


async def take_quiz_from_command(talk: Talk) -> None:
    await talk.say("quiz")
    for number in range(6):
        question, _ = await open_question(talk)
        if question.kind == "fill":  # typed answers are new messages
            await talk.press("Don't know")
        else:
            await answer(talk)
        if number < 5:
            await talk.press(starting(talk, "quiz:").id)


async def test_the_same_press_twice_counts_once(talk: Talk) -> None:
    """A double tap answers one question and says nothing; a button of an earlier question counts for nothing, kindly."""
    await talk.say("quiz")
    await until(talk, "single")
    first = len((await open_attempt(talk)).answers)
    pressed = starting(talk, "pick:").id
    await talk.press(pressed)
    talk.new()
    await talk.press(pressed)
    assert talk.new() == []
    await talk.press(starting(talk, "quiz:").id)
    if first + 2 < 6:
        await answer(talk)
        talk.new()
        await talk.press(pressed)
        assert texts(talk.new()) == ["That one is answered already. Nothing counted twice."]
    assert len((await open_attempt(talk)).answers) == min(first + 2, 6)


async def test_another_button_of_an_answered_question_says_so(talk: Talk) -> None:
    """Answered by a letter, its buttons still stand there: they count nothing, and are not silent."""
    await talk.say("quiz")
    await until(talk, "single")
    first = len((await open_attempt(talk)).answers)
    picks = [each for each in talk.last().choices if each.id.startswith("pick:") and each.label in LETTERS]
    await talk.say(picks[0].label)
    talk.new()
    await talk.press(picks[1].id)
    assert texts(talk.new()) == ["That one is answered already. Nothing counted twice."]
    assert len((await open_attempt(talk)).answers) == first + 1


async def test_dont_know_twice_leaves_out_one(talk: Talk) -> None:
    """A double tap on [Don't know] counts for one question alone."""
    await talk.say("quiz")
    question = await until(talk, "single")
    before = len((await open_attempt(talk)).answers)
    pressed = next(each.id for each in talk.last().choices if each.label == "Don't know")
    talk.new()
    await talk.press(pressed)
    told = talk.new()
    assert told[0].edit
    assert f"Right: {question.right[0]}" in " ".join(texts(told))
    await talk.press(pressed)
    assert talk.new() == [] or before == 5
    assert [each.answers for each in await attempts(talk)][-1][before] == ()


async def attempts(talk: Talk) -> list[QuizAttempt]:
    return [each for row in await rows(talk, "quiz") for each in row.attempts]


async def test_several_are_marked_in_place_and_checked_once(talk: Talk) -> None:
    """A mark shows at its letter, a second press takes it away, nothing marked is no answer."""
    await talk.say("quiz")
    question = await until(talk, "multiple")
    before = len((await open_attempt(talk)).answers)
    talk.new()
    await talk.press("Check")
    assert texts(talk.new())[0] == "Nothing is marked yet. Mark what is right, then press Check."
    await talk.press("A")
    marked = talk.new()[-1]
    assert marked.edit
    assert marked.message.choices[0].label == "✓ A"
    await talk.press("✓ A")
    assert talk.new()[-1].message.choices[0].label == "A"
    assert len((await open_attempt(talk)).answers) == before
    _, seed = await open_question(talk)
    for mark in letters(question, seed, right=True):
        await talk.press(mark)
    check = next(each.id for each in talk.last().choices if each.label == "Check")
    talk.new()
    await talk.press(check)
    assert "✓ " in texts(talk.new())[0]
    await talk.press(check)
    assert not any(each.edit for each in talk.new())
    kept = (await attempts(talk))[-1].answers[before]
    assert set(kept) == set(question.right)


@pytest.mark.parametrize("join", [" and ", ", ", " ", ""])
async def test_several_can_be_typed_as_letters(talk: Talk, join: str) -> None:
    """ "a and c", "a, c", "a c" and "ac" are the same answer."""
    await talk.say("quiz")
    question = await until(talk, "multiple")
    _, seed = await open_question(talk)
    talk.new()
    await talk.say(join.join(letters(question, seed, right=True)).lower())
    assert "✓ " in texts(talk.new())[0]


async def test_what_is_filled_in_is_read_kindly(talk: Talk) -> None:
    """Case, quotation marks and a full stop are no mistakes; what is foreseen as wrong is told why."""
    await talk.say("quiz")
    question = await until(talk, "fill")
    talk.new()
    await talk.say(f" `{question.right[0].upper()}` ")
    assert "✓ " in texts(talk.new())[0]


async def test_a_wrong_answer_is_told_why_and_what_is_right(talk: Talk) -> None:
    """The reason belongs to the option that was taken."""
    await talk.say("quiz")
    question = await until(talk, "single")
    _, seed = await open_question(talk)
    shown = quizzes.options(question, seed)
    wrong = question.wrong[0]
    talk.new()
    await talk.press(LETTERS[shown.index(wrong.option)])
    told = texts(talk.new())[0]
    assert wrong.why in told
    assert f"Right: {question.right[0]}" in told


async def test_an_answered_question_keeps_its_code(talk: Talk) -> None:
    """What the reason speaks of is still there to be looked at, and so is what was right."""
    await talk.say("quiz")
    for kind in ("output", "single"):
        question = await until(talk, kind)
        talk.new()
        await answer(talk, right=True)
        told = texts(talk.new())[-1]
        assert question.code.strip() in told
        assert f"✓ {question.right[0]}\n{question.why[:20]}" in told
        await talk.say("quiz")


@pytest.mark.parametrize("words", ["I don't know", "no idea", "skip"])
async def test_not_knowing_can_be_said(talk: Talk, words: str) -> None:
    """It counts as missed and shows what is right; it is no wrong word to be corrected."""
    await talk.say("quiz")
    question = await until(talk, "fill")
    talk.new()
    await talk.say(words)
    told = texts(talk.new())[0]
    assert "✗" not in told
    assert f"Right: {question.right[0]}" in told


async def test_words_answer_only_what_was_just_asked(talk: Talk) -> None:
    """After a verdict, a nudge or another errand a letter brings the question, and counts for nothing."""
    await talk.say("quiz")
    await talk.say("a")
    await answered(talk, 1)
    await talk.say("a")
    await answered(talk, 1)
    assert "Quiz of stage 1 · 2 of 6" in texts(talk.new())[-1]
    await talk.say("progress")
    await talk.say("b")
    await answered(talk, 1)
    await talk.wait(timedelta(hours=12))
    assert talk.new()[-1].kind == "nudge"
    await talk.say("b")
    await answered(talk, 1)
    assert "Quiz of stage 1 · 2 of 6" in texts(talk.new())[-1]
    await answer(talk)
    await answered(talk, 2)


async def answered(talk: Talk, count: int) -> None:
    assert len((await open_attempt(talk)).answers) == count


@pytest.mark.parametrize("words", ["banana", "z", "f", "🙂"])
async def test_what_is_no_answer_asks_again(talk: Talk, words: str) -> None:
    """Words that are none of the options count for nothing."""
    await talk.say("quiz")
    await until(talk, "single")
    before = len((await open_attempt(talk)).answers)
    talk.new()
    await talk.say(words)
    told = texts(talk.new())
    assert told[0] == "Press a letter, or type it."
    assert told[1].startswith("SQL · Quiz of stage 1")
    await answered(talk, before)


# Leaving and going on


@pytest.mark.parametrize("word", ["stop", "cancel"])
async def test_a_quiz_left_goes_on_where_it_was(talk: Talk, word: str) -> None:
    """What was answered is kept, days and restarts later; the same question is asked in the same order."""
    await talk.say("quiz")
    await answer(talk)
    before = await open_attempt(talk)
    await talk.say("next")
    asked = texts(talk.new())[-1]
    await talk.say(word)
    assert texts(talk.new()) == ["Your quiz waits; what you answered is kept."]
    await talk.say("b")
    await answered(talk, 1)
    await talk.wait(timedelta(days=3))
    talk.new()
    await talk.press(starting(talk, "quiz:").id)
    assert texts(talk.new())[-1] == asked
    assert (await open_attempt(talk)).questions == before.questions


async def test_start_says_the_open_question_again(talk: Talk) -> None:
    """`/start`, "hint" and "next" in the middle of a quiz lose nothing."""
    await talk.say("quiz")
    await until(talk, "single")
    before = len((await open_attempt(talk)).answers)
    asked = texts(talk.new())[-1]
    for word in ("/start", "hint", "next", "nothing in particular"):
        await talk.say(word)
        assert texts(talk.new())[-1] == asked
    await answered(talk, before)


async def test_an_interview_takes_the_floor_and_the_quiz_waits(talk: Talk) -> None:
    """It is said; answers count for the interview; afterwards the quiz goes on."""
    await talk.say("quiz")
    await answer(talk)
    talk.new()
    await talk.say("/interview one")
    told = talk.new()
    assert texts(told)[0] == "Your quiz waits; what you answered is kept."
    await talk.say("a")
    await answered(talk, 1)
    assert "Weak" in texts(talk.new())[0]
    await talk.say("a")
    await answered(talk, 1)
    await talk.say("quiz")
    assert "Quiz of stage 1 · 2 of 6" in texts(talk.new())[-1]


async def test_a_quiz_within_an_interview_leads_back_to_it(talk: Talk) -> None:
    """All its options have their buttons; what follows an answer has the way back."""
    await talk.say("/interview one")
    await talk.say("quiz")
    question, _ = await open_question(talk)
    letters_ = [each for each in talk.last().choices if each.label in LETTERS]
    assert len(letters_) == (0 if question.kind == "fill" else len(question.right) + len(question.wrong))
    await answer(talk)
    assert talk.last().choices[-1].label == "Back to question 1"
    await talk.press("Back to question 1")
    talk.new()
    await talk.say("no idea")
    assert "Weak" in texts(talk.new())[0]
    await answered(talk, 1)


async def test_an_answer_after_something_else_is_asked_for_again(talk: Talk) -> None:
    """What is typed after a look at the progress is not counted, and that is said."""
    await talk.say("quiz")
    await talk.say("progress")
    talk.new()
    await talk.say("b")
    assert texts(talk.new())[0].startswith("Something else came in between, so I did not count that.")
    await talk.say("b")
    await answered(talk, 1)


async def test_a_recall_question_is_left_by_a_quiz(talk: Talk) -> None:
    """What is said after the quiz is no late answer to it."""
    await talk.say("done")
    await take_quiz_from_command(talk)
    talk.new()
    await talk.say("well")
    assert (await rows(talk, "resource"))[0].recall_answer is None
    assert texts(talk.new())[0].startswith("I did not understand that."), "no stranger: they are learning"
    assert [each.label for each in talk.last().choices] == ["Next step", "Interview", "Help"]


# Passed and failed


async def test_a_stage_closes_with_its_quiz_after_its_resources(talk: Talk) -> None:
    """Resources, then the quiz: the stage is complete and the next one is offered."""
    await read_stage(talk)
    assert (await path_of(talk)).stages[0].status == "in_progress"
    await take_quiz(talk)
    told = texts(talk.new())[-1]
    assert "Passed · 6 of 6 right" in told
    assert "Stage 1 of SQL is complete." in told
    path = await path_of(talk)
    hold_true(path)
    assert path.stages[0].status == "completed"
    assert path.current_level == 20
    await talk.say("next")
    assert "Stage 2 of 4" in texts(talk.new())[-1]


async def test_the_quiz_that_was_announced_is_begun_past_a_review(talk: Talk) -> None:
    """After the last resource's recall question the button leads to the quiz, whatever else is due."""
    for text in ("done", "something about tables", *("next", "done", "skip") * 2, "next"):
        await talk.say(text)
    await talk.wait(timedelta(days=2))  # the first answer is due again
    await talk.say("done")
    assert "Its quiz is ready." in texts(talk.new())[-1]
    await talk.say("skip")
    assert [each.label for each in talk.last().choices] == ["Start the quiz"]


async def test_a_stage_closes_with_its_last_resource_after_its_quiz(talk: Talk) -> None:
    """The quiz first: it closes nothing yet, is not asked twice, and the last resource closes the stage."""
    await talk.say("quiz")
    await take_quiz(talk)
    assert "Stage 1 of SQL closes once its resources are done." in texts(talk.new())[-1]
    hold_true(await path_of(talk))
    await talk.play("""
        user: quiz
        bot: The quiz is passed already. Stage 1 of SQL closes once its resources are done. [Next step]
    """)
    for number, _ in enumerate((await path_of(talk)).stages[0].resources, 1):
        assert (await path_of(talk)).stages[0].status == "in_progress", number
        await talk.say("next")
        await talk.press("Done")
        await talk.say("skip")
    path = await path_of(talk)
    hold_true(path)
    assert path.stages[0].status == "completed"
    assert len(await attempts(talk)) == 1


async def test_a_failed_quiz_says_what_was_missed_and_asks_other_questions(talk: Talk) -> None:
    """Its topics and the resources that explain them; the summary stays when the next try begins."""
    await read_stage(talk)
    await take_quiz(talk, wrong=3)
    failed = talk.new()[-1]
    first = (await rows(talk, "quiz"))[0].attempts[-1]
    missed = [talk.content.quiz_question(key) for key in first.questions[:3]]
    stage = (await path_of(talk)).stages[0]
    text = failed.message.text
    assert "Not yet" in text
    assert "3 of 6 right; it takes 5." in text
    for each in missed:
        assert each is not None
        assert each.topic in adapters.markup.plain(text)
    matching = {each.resource_id for each in missed if each is not None}
    assert any(each.url in text for each in stage.resources if each.resource_id in matching)
    assert stage.status == "in_progress"
    assert len(await rows(talk, "review")) == 3
    assert "The next try asks other questions" in adapters.markup.plain(text)
    await talk.press("Try again")
    await talk.press("Try again")
    again = talk.new()
    assert not any(each.edit for each in again)
    second = await open_attempt(talk)
    assert not set(second.questions) & set(first.questions)
    for number in range(6):
        await answer(talk, typed=True)
        if number < 5:
            await talk.say("ok")
    hold_true(await path_of(talk))
    assert (await path_of(talk)).stages[0].status == "completed"


async def test_time_in_a_quiz_is_time_on_the_path(talk: Talk) -> None:
    """Minutes of a quiz are counted, but not those in which it lay."""
    await talk.say("quiz")
    await answer(talk)
    talk.now += timedelta(hours=5)
    await talk.press(starting(talk, "quiz:").id)
    attempt = await open_attempt(talk)
    for number in range(1, len(attempt.questions)):
        await answer(talk)
        if number < 5:
            await talk.press(starting(talk, "quiz:").id)
    assert (await path_of(talk)).progress.time_spent_minutes == 10
    assert (await rows(talk, "quiz"))[0].time_spent_minutes == 10


async def test_an_old_quiz_button_of_a_complete_stage_begins_nothing(talk: Talk) -> None:
    """The stage is complete; nothing is asked and nothing counts."""
    await read_stage(talk)
    begin = starting(talk, "quiz:").id
    question = ""
    await take_quiz(talk)
    question = next(
        choice.id for each in talk.screen.shown for choice in each.message.choices if "pick:" in choice.id
    )
    talk.new()
    await talk.press(begin)
    assert texts(talk.new()) == ["Stage 1 of SQL is complete; its quiz is not needed any more."]
    await talk.press(question)
    assert texts(talk.new()) == ["That one is answered already. Nothing counted twice."]
    assert len(await attempts(talk)) == 1


# Which quiz


async def test_a_quiz_is_asked_for_by_its_skill(talk: Talk) -> None:
    """Of several paths the named one; of a skill without a path, the path is offered; of an unknown one, the nearest."""
    await begun(talk, "git")
    await talk.play("""
        user: quiz sql
        bot: SQL · Quiz of stage 1 · 1 of 6 ...
        user: stop
        bot: Your quiz waits; ...
        user: quiz python
        bot: A quiz belongs to a learning path, and you have none in Python yet. Begin it? [Python]
        user: quiz gti
        bot: I have no path for gti yet, and noted that it is wanted. Closest: [Git]
        user: quiz banana
        bot: I have no path for banana yet, and noted that it is wanted. These I have: ...
    """)
    assert {each["skill"] for each in await documents(talk, "skill_wishes")} == {"gti", "banana"}
    assert len(await documents(talk, "learning_paths")) == 2


async def test_a_quiz_without_any_path_offers_them(tmp_path: Path) -> None:
    """Nobody is left without a next step."""
    talk = await Talk.open(tmp_path)
    await talk.play("""
        user: quiz
        bot: A quiz belongs to a learning path, and none of yours is open. Which skill? ...
    """)
    await talk.store.close()


# What the content lets go of


async def test_a_withdrawn_question_is_replaced_before_it_is_asked(talk: Talk) -> None:
    """Those still to come and withdrawn meanwhile make room for others of the stage; the quiz keeps its length."""
    await talk.say("quiz")
    await answer(talk)
    before = await open_attempt(talk)
    talk.content = without_questions(talk.content, before.questions[1], before.questions[3])
    talk.new()
    await talk.press(starting(talk, "quiz:").id)
    assert texts(talk.new())[0].startswith(
        "That question was withdrawn; it counts neither way. Here is another."
    )
    after = await open_attempt(talk)
    assert len(after.questions) == 6
    assert not {before.questions[1], before.questions[3]} & set(after.questions)
    assert after.questions[:1] == before.questions[:1]
    assert len(set(after.questions)) == 6


@pytest.mark.parametrize("how", ["press", "say", "skip", "/start"])
async def test_a_question_withdrawn_while_it_is_shown_counts_neither_way(talk: Talk, how: str) -> None:
    """Its buttons, its letters and "skip" bring another one."""
    await talk.say("quiz")
    before = await open_attempt(talk)
    pressed = starting(talk, "pick:").id
    talk.content = without_questions(talk.content, before.questions[0])
    talk.new()
    if how == "press":
        await talk.press(pressed)
    else:
        await talk.say({"say": "a"}.get(how, how))
    if how == "/start":
        assert texts(talk.new()) == ["Your quiz waits where you left it."]
        await talk.press("Go on with the quiz")
    assert texts(talk.new())[0].startswith("That question was withdrawn")
    after = await open_attempt(talk)
    assert after.answers == ()
    assert len(after.questions) == 6


async def test_an_answered_question_that_is_withdrawn_leaves_the_score(talk: Talk) -> None:
    """A wrong answer to it is forgotten: five of five."""
    await talk.say("quiz")
    await answer(talk, right=False)
    attempt = await open_attempt(talk)
    talk.content = without_questions(talk.content, attempt.questions[0])
    await take_quiz(talk)
    assert "5 of 5 right" in texts(talk.new())[-1]


async def test_a_bank_that_shrinks_shortens_the_quiz(talk: Talk) -> None:
    """One question is left to ask: it is asked, and the score is of what is left. Without any, the quiz is over and the
    stage closes without it."""
    await read_stage(talk)
    await talk.say("quiz")
    await answer(talk, right=False)
    keys = [each.key for each in talk.content.quizzes["sql"] if each.stage == "Foundation"]
    asked = (await open_attempt(talk)).questions
    left = next(each for each in keys if each not in asked)
    whole = talk.content
    talk.content = without_questions(whole, *(each for each in keys if each != left))
    await talk.press(starting(talk, "quiz:").id)
    assert (await open_attempt(talk)).questions == (asked[0], left)
    talk.new()
    talk.content = without_questions(whole, *keys)
    await talk.say("a")
    assert texts(talk.new()) == ["There is no quiz for this stage."]
    await talk.say("next")
    assert texts(talk.new())[0].startswith("Stage 1 of SQL is complete.\n\nSQL · Stage 2 of 4")
    hold_true(await path_of(talk))


@pytest.mark.parametrize("begin", ["quiz", "done"])
async def test_an_edited_message_is_no_second_answer_and_is_answered(talk: Talk, begin: str) -> None:
    """During a quiz or a recall question: what was read first stands, the question is asked again."""
    await begun(talk, "git")
    await talk.say(begin)
    question = texts(talk.new())[-1]
    before = await rows(talk)
    await talk.hear(Said(text="A", edited=True, **talk.common()))
    told = texts(talk.new())
    assert told[0].startswith("I read that as you wrote it first.")
    assert len(told) == 2
    assert told[1].splitlines()[-1] == question.splitlines()[-1]
    assert await rows(talk) == before


async def test_a_stage_taken_away_during_its_quiz_ends_it(talk: Talk) -> None:
    """By another service: words and old buttons are answered, and the path goes on."""
    await talk.say("quiz")
    pick = talk.last().choices[0].id
    path = await path_of(talk)
    fields = {"stages": msgspec.to_builtins(path.stages[1:])}
    await written_elsewhere(talk, Update(collection="learning_paths", id=path.id, fields=fields))
    talk.new()
    for act in (talk.press(pick), talk.say("A"), talk.press(pick), talk.say("next")):
        await act
        assert len(talk.new()) == 1
    assert talk.last().choices[0].label == "Done"
