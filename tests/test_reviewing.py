"""What was missed comes back as questions, and weak topics become stages, as a student lives them."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fsrs import Card, Rating, Scheduler
from msgspec.structs import replace

from bot.bank import Content
from bot.conversation import Answering, Conversation, FollowingUp, Setting
from bot.messages import Address, Choice
from bot.questions import Grade, KeyPoint
from bot.stages import choosing
from tests.lived import foreign_path
from tests.talk import START, Talk, content, spoken, texts
from tests.test_coding import ALL, RIGHT, TIES, to_code
from tests.test_learning import documents, pass_quiz


@cache
def narrow() -> Content:
    """The bank with one topic a round, so that what an interview asks about is certain."""
    bank = spoken()
    topics = {"dsa": "hashing", "technical_qa": "databases"}
    questions = {k: q for k, q in bank.questions.items() if topics.get(q.round, q.topic) == q.topic}
    return replace(bank, questions=questions)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path, content=narrow())
    yield talk
    await talk.store.close()


async def conversation(talk: Talk) -> Conversation:
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation


async def cards(talk: Talk) -> list[dict[str, Any]]:
    return [each["card"] for each in await documents(talk, "learning_progress") if each["card"]]


async def missed_one(talk: Talk) -> None:
    """One question, not known: the first card."""
    await talk.say("/start")
    await talk.press("Backend")
    await talk.say("dunno")
    talk.new()


async def interview(talk: Talk, *answers: str) -> None:
    """A short interview without a company; `answers` one by one, "skip" among them."""
    await talk.say("/interview short")
    for label in ("No company in mind", "Software Engineer", "Go without", "Go without"):
        await talk.press(label)
    for answer in answers:
        await talk.say(answer)
        if answer != "skip":
            await talk.say("next")


async def answer_well(talk: Talk) -> None:
    """With the model answer of what is asked; follow-ups are skipped."""
    stage = (await conversation(talk)).interview
    assert isinstance(stage, Answering)
    await talk.say(stage.question.reference_answer)
    while isinstance((await conversation(talk)).interview, FollowingUp):
        await talk.say("skip")


async def through_resources(talk: Talk) -> None:
    """`done` until the step at hand is no resource."""
    await talk.say("next")
    while any(each.label == "Done" for each in talk.last().choices):
        await talk.say("done")
        await talk.say("next")


def place_in_catalogue(talk: Talk, stage: dict[str, Any]) -> int:
    """Number of the catalogue's stage that a topic's resources are from."""
    url = stage["resources"][0]["url"]
    stages = talk.content.paths["databases"].stages
    return next(n for n, each in enumerate(stages, 1) if url in [r.url for r in each.resources])


def label_id(talk: Talk, label: str) -> str:
    return next(each.id for each in talk.last().choices if each.label == label)


# What becomes a card


async def test_missed_key_points_become_one_card_that_is_told_of(talk: Talk) -> None:
    """A lone question not known is a card, due when FSRS says; the student reads when it comes back."""
    await talk.say("/start")
    await talk.press("Backend")
    talk.new()
    await talk.play("""
        user: dunno
        bot: Weak · ... What you missed comes back as a question, the first time tomorrow at 19:00. [Short interview · 31 min] [One question] [Model answer]
    """)
    (card,) = await cards(talk)
    assert (card["source"], card["reviews"], card["points"]) == (
        "question",
        0,
        ["Slower writes", "Space", "Often not used"],
    )
    scheduler = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    wanted, _ = scheduler.review_card(Card(), Rating.Again, card["missed_at"].replace(tzinfo=UTC))
    assert card["due"].replace(tzinfo=UTC) == wanted.due


async def test_the_same_miss_again_is_the_same_card(talk: Talk) -> None:
    """Missed a second time, it is rated once more and stays one."""
    await missed_one(talk)
    asked = (await cards(talk))[0]["item"]
    for _ in range(40):
        await talk.say("/interview one")
        stage = (await conversation(talk)).interview
        assert isinstance(stage, Answering)
        talk.now += timedelta(days=100)  # so that questions come again
        await talk.say("dunno")
        if stage.question.id == asked:
            break
    every = await cards(talk)
    assert len({card["item"] for card in every}) == len(every)
    again = next(card for card in every if card["item"] == asked)
    assert (again["reviews"], again["lapses"]) == (1, 1)


async def test_wrong_quiz_answers_become_cards(talk: Talk) -> None:
    """Six wrong answers are six cards of the quiz's questions; right ones are none."""
    await talk.say("learn git")
    await talk.say("skip")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk, wrong=4)
    row = next(each for each in await documents(talk, "learning_progress") if each["kind"] == "quiz")
    asked = row["attempts"][-1]["questions"]
    assert {card["item"] for card in await cards(talk)} == set(asked[:4])
    assert {card["source"] for card in await cards(talk)} == {"quiz"}


async def test_a_weak_recall_answer_becomes_a_card(talk: Talk) -> None:
    """What a resource left behind too little of comes back."""
    for text in ("learn sql", "skip", "done"):
        await talk.say(text)
    talk.new()
    await talk.play("""
        user: something about tables
        bot: Weak · 0 of 2 points ... Model answer DISTINCT removes ... It will come back as a review. [Next step] [I said that]
    """)
    assert [card["source"] for card in await cards(talk)] == ["recall"]


async def test_a_recall_grade_can_be_objected_to(talk: Talk) -> None:
    """What was written is kept for an author, once; score and card stay."""
    for text in ("learn sql", "skip", "done"):
        await talk.say(text)
    talk.new()
    await talk.play("""
        user: something about tables
        bot: Weak · ... [Next step] [I said that]
        press: I said that
        bot: Noted: what you wrote goes to the author of this question. Until an author has looked, the score stays 0 ... [Next step]
    """)
    (row,) = [each for each in await documents(talk, "learning_progress") if each["disputed"]]
    assert row["disputed"]["answer"] == "something about tables"
    assert row["disputed"]["score"] == row["recall_score"]
    assert row["disputed"]["at"] == row["updated_at"]
    before = await documents(talk, "learning_progress")
    await talk.press(f"object:{row['_id']}")
    assert texts(talk.new())[0].startswith("Noted: what you wrote goes to the author")
    assert await documents(talk, "learning_progress") == before
    others = [each for each in before if not each["recall_answer"]]
    await talk.press(f"object:{others[0]['_id']}")
    assert texts(talk.new())[0].startswith("That button belongs to something that is over.")


async def test_who_did_not_know_has_nothing_to_object_to(talk: Talk) -> None:
    """[I said that] is for what was said."""
    for text in ("learn sql", "skip", "done", "no idea"):
        await talk.say(text)
    assert [each.label for each in talk.last().choices] == ["Next step"]


async def test_what_the_path_does_not_plan_is_planned_by_its_first_card(talk: Talk) -> None:
    """The last quiz of a path leaves misses: their reviews come although nothing else is left to do."""
    await talk.say("learn git")
    await talk.say("skip")
    for _ in range(40):
        await talk.say("next")
        if any(each.label == "Start the quiz" for each in talk.last().choices):
            path = (await documents(talk, "learning_paths"))[0]
            last = path["stages"][-1]["status"] == "in_progress"
            await pass_quiz(talk, wrong=1 if last else 0)
            if last:
                break
        else:
            await talk.say("done")
            await talk.say("skip")
    talk.new()
    await talk.wait(timedelta(days=4))
    told = [each for each in talk.new() if each.kind == "nudge"]
    assert "Review · Git: " in texts(told)[0]


# Answering in place


async def test_the_nudge_is_the_question_and_words_answer_it(talk: Talk) -> None:
    """With nothing else open, what is said is the answer; its points decide when it comes again."""
    await missed_one(talk)
    await talk.play("""
        after: 34 h
        nudge: ... Review · Databases ... every column? [Don't know] [Snooze] [Fewer of these] [Why this?]
        press: Why this?
        bot: You missed this on 2 Mar. It comes back each time one in ten would have forgotten it by then, and that day had come. I write at most once a day, around 19:00 your time, ... [Fewer of these] [Snooze] [No reminders]
        user: every insert has to update all of them, they eat disk, and the planner may not even use them
        bot: ... 3 of 3 points ... It comes again ... [Next step]
        user: every insert has to update all of them
        bot: I did not understand that. ...
    """)
    (card,) = await cards(talk)
    assert (card["reviews"], card["lapses"]) == (1, 0)


async def test_a_late_answer_is_one_and_a_greeting_is_none(talk: Talk) -> None:
    """Three days after the question words still answer it; "hi" does not."""
    await missed_one(talk)
    await talk.wait(timedelta(hours=34))
    await talk.wait(timedelta(hours=20))
    talk.new()
    await talk.say("hi")
    assert (await cards(talk))[0]["reviews"] == 0
    talk.new()
    await talk.play("""
        user: they eat disk
        bot: ... 1 of 3 points ... It comes again ...
    """)


@pytest.mark.parametrize(
    "words",
    [
        *("ok", "later", "not now", "busy now", "?", "hmm", "wait what", "remind me tomorrow"),
        *("give me a hint", "I dont understand the question", "what is an index?", "ok thanks"),
    ],
)
async def test_what_is_said_to_us_is_no_answer_to_a_review(talk: Talk, words: str) -> None:
    """Nothing is graded, the question waits; what was meant as an answer can still be graded, and counts then."""
    await missed_one(talk)
    await talk.wait(timedelta(hours=34))
    talk.new()
    await talk.say(words)
    assert texts(talk.new())[0].startswith("I did not take that for an answer, so nothing is graded.")
    assert (await cards(talk))[0]["reviews"] == 0
    await talk.say(words)
    assert "0 of 3 points" in texts(talk.new())[0]
    assert (await cards(talk))[0]["reviews"] == 1


async def test_a_doubted_answer_is_graded_by_its_button(talk: Talk) -> None:
    """[Grade it anyway] takes the words as they were."""
    await missed_one(talk)
    await talk.wait(timedelta(hours=34))
    talk.new()
    await talk.play("""
        user: can i say that they eat disk?
        bot: I did not take that for an answer, ... [Grade it anyway] [Don't know] [Snooze]
        press: Grade it anyway
        bot: ... 1 of 3 points ... It comes again ...
    """)


async def test_a_city_asked_for_days_ago_does_not_take_the_answer(tmp_path: Path) -> None:
    """What was asked in passing makes room for the question that comes."""
    talk = await Talk.open(tmp_path, zone="")
    await missed_one(talk)
    await talk.say("learn sql")
    assert isinstance((await conversation(talk)).floor, Setting)
    await talk.wait(timedelta(days=3))
    talk.new()
    await talk.say("they eat disk")
    assert "1 of 3 points" in texts(talk.new())[0]
    await talk.store.close()


async def test_words_after_a_review_are_no_answer_to_an_older_quiz(talk: Talk) -> None:
    """A quiz left at its second question: the review that came since is what is answered, then the way back is shown."""
    await missed_one(talk)
    await talk.say("learn sql")
    await talk.say("skip")
    await talk.say("quiz")
    await talk.wait(timedelta(hours=34))
    talk.new()
    await talk.say("they eat disk")
    assert "1 of 3 points" in texts(talk.new())[0]
    assert [each.label for each in talk.last().choices][-1] == "Go on with the quiz"


async def test_the_newest_question_is_the_one_that_words_answer(talk: Talk) -> None:
    """An unanswered review makes room for the next nudge's question."""
    await missed_one(talk)
    await talk.wait(timedelta(days=3))
    assert len([each for each in talk.new() if each.kind == "nudge"]) == 2
    assert len((await conversation(talk)).stages) == 1
    await talk.say("they eat disk")
    assert "1 of 3 points" in texts(talk.new())[0]


async def test_dont_know_is_an_answer_and_counts_once(talk: Talk) -> None:
    """The model answer is shown, the card comes soon; a second press counts nothing."""
    await missed_one(talk)
    await talk.wait(timedelta(hours=34))
    talk.new()
    pressed = label_id(talk, "Don't know")
    await talk.press(pressed)
    assert texts(talk.new())[0].startswith("Model answer")
    await talk.press(pressed)
    assert texts(talk.new()) == ["You have answered that one. It comes again tomorrow at 19:00."]
    assert (await cards(talk))[0]["reviews"] == 1


async def test_review_in_an_interview_is_opened_by_answer_and_leads_back(talk: Talk) -> None:
    """A question that is open keeps the floor; [Answer] gives it to the review, and then it comes back."""
    await missed_one(talk)
    talk.now += timedelta(hours=33, minutes=50)
    await talk.say("/interview one")
    talk.new()
    await talk.play("""
        after: 10 min
        nudge: ... Review · Databases ... [Answer] [Don't know] [Snooze] [Fewer of these] [Why this?]
    """)
    open_ = (await conversation(talk)).interview
    await talk.press("Answer")
    await talk.say("they eat disk")
    assert [each.label for each in talk.last().choices] == ["Next step", "I said that", "Back to question 1"]
    assert (await conversation(talk)).interview == open_
    assert (await cards(talk))[0]["reviews"] == 1
    await talk.press("Back to question 1")
    assert isinstance((await conversation(talk)).floor, Answering)


async def test_words_in_an_interview_are_never_taken_for_a_review(talk: Talk) -> None:
    """The nudge in between changes nothing of what is being answered."""
    await missed_one(talk)
    talk.now += timedelta(hours=33, minutes=50)
    await talk.say("/interview one")
    await talk.wait(timedelta(minutes=15))
    await talk.say("they eat disk")
    reviewed = [card for card in await cards(talk) if card["reviews"]]
    assert reviewed == []


async def test_quiz_card_is_answered_by_its_buttons_once(talk: Talk) -> None:
    """The options stand under the nudge, with the right one a step further away; the second press counts nothing."""
    await talk.say("learn git")
    await talk.say("skip")
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk, wrong=6)
    talk.new()
    for _ in range(6):
        await talk.wait(timedelta(days=1))
        nudge = talk.last()
        picks = [each for each in nudge.choices if each.id.startswith("pick:")]
        if not picks:  # of the path
            continue
        assert len(nudge.choices) <= 6
        assert nudge.choices[-1].label == "Why this?"
        pick = choosing.read(picks[0].id.partition(":")[2])
        assert pick is not None
        row = next(r for r in await documents(talk, "learning_progress") if str(r["_id"]) == pick.row)
        question = talk.content.quiz_question(row["card"]["item"])
        assert question is not None
        if question.kind == "multiple":
            await talk.press("Check")
            continue
        options = choosing.options_of(question, f"{pick.row}/{row['card']['reviews']}", typed=False)
        right = picks[options.index(question.right[0])].id
        talk.new()
        await talk.press(right)
        told = talk.new()
        assert "✓ " in texts(told)[0]
        assert told[0].edit
        await talk.press(right)
        assert texts(talk.new())[0].startswith("You have answered that one. It comes again ")
        after = next(r for r in await documents(talk, "learning_progress") if str(r["_id"]) == pick.row)
        assert after["card"]["reviews"] == 1
        assert after["card"]["due"] > row["card"]["due"]
        return
    raise AssertionError("no question with one right option came in six days")


async def test_a_quiz_card_is_answered_by_letters_while_it_is_the_last_thing_said(talk: Talk) -> None:
    """A letter right after the question is its answer; a second one, after the verdict, answers nothing."""
    await talk.say("/start")
    await talk.press("Backend")
    for text in ("skip", "learn git", "skip"):
        await talk.say(text)
    while not any(each.label == "Start the quiz" for each in talk.last().choices):
        for text in ("done", "skip", "next"):
            await talk.say(text)
    await pass_quiz(talk, wrong=6)
    await talk.wait(timedelta(days=1, hours=12))
    await talk.say("progress")
    talk.new()
    await talk.say("b")
    assert texts(talk.new())[0].startswith("I did not understand that.")
    before = sum(card["reviews"] for card in await cards(talk))
    await talk.say("/review")
    asked = texts(talk.new())
    card = (
        next(each.id for each in talk.last().choices if each.id.startswith("pick:"))
        .split(":")[1]
        .split(".")[0]
    )
    await talk.press(f"why:review.{card}")
    assert (await conversation(talk)).card_asked == card, "it is the question still"
    talk.new()
    await talk.say("hm")
    assert texts(talk.new()) == ["Press a letter, or type it.", *asked]
    assert sum(card["reviews"] for card in await cards(talk)) == before
    here, talk.address = talk.address, Address(platform="terminal", chat="another")
    await talk.say("b")
    assert texts(talk.new())[0].startswith("I did not understand that."), "it was not asked here"
    talk.address = here
    await talk.say("/review")
    talk.new()
    await talk.say("b")
    told = texts(talk.new())[0]
    assert told.startswith("Review · Git")
    assert "It comes again" in told
    assert sum(card["reviews"] for card in await cards(talk)) == before + 1
    await talk.say("b")
    assert sum(card["reviews"] for card in await cards(talk)) == before + 1


async def test_a_review_shows_what_is_right_or_that_it_is_known_now(talk: Talk) -> None:
    """What was missed before decides, not what was known then: missed again it is told, found it is said."""
    await missed_one(talk)
    await talk.play("""
        after: 25 h
        user: /review
        bot: Review · Databases ... [Don't know]
        user: something about tables
        bot: Weak · 0 of 3 points ... Model answer ... It comes again ... [Next step] [I said that]
        after: 25 h
        user: /review
        bot: Review · Databases ... [Don't know]
        user: every insert has to update all of them, they eat disk, and the planner may not even use them
        bot: Strong · 3 of 3 points ... That is what you missed last time. ... It comes again ... [Next step]
    """)


async def test_nothing_comes_unasked_of_a_path_that_rests(talk: Talk) -> None:
    """Paused, its reviews wait with it; asked for, they are there."""
    for text in ("learn sql", "skip", "done", "something about tables", "path sql"):
        await talk.say(text)
    await talk.press("Pause this path")
    assert texts(talk.new())[-1].startswith("SQL is paused.")
    await talk.wait(timedelta(days=6))
    assert talk.new() == []
    await talk.say("/review")
    assert texts(talk.new())[0].startswith("Review · Querying a table")


class Silent:
    """A grader that cannot grade."""

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        return Grade(score=None, points=(), grader="silent", reason="failed")


async def test_what_could_not_be_graded_moves_nothing(talk: Talk) -> None:
    """The card stays due."""
    await missed_one(talk)
    before = await cards(talk)
    await talk.wait(timedelta(hours=34))
    talk.grader = Silent()
    await talk.say("they eat disk")
    assert await cards(talk) == before


async def test_review_asks_the_due_ones_then_says_when_the_next_comes(talk: Talk) -> None:
    """`review` is there any time."""
    await talk.play("""
        user: /review
        bot: There is nothing to review yet. What you miss in interviews and quizzes will come back here. [Next step]
    """)
    await missed_one(talk)
    await talk.play("""
        user: /review
        bot: Nothing is due. The next review is tomorrow at 09:00. [Next step]
        after: 25 h
        user: /review
        bot: Review · Databases ... [Don't know]
    """)


async def test_a_card_whose_question_is_gone_is_neither_counted_nor_waited_for(talk: Talk) -> None:
    """The content has let go of it: the other card is the next one, and without another there is none."""
    await missed_one(talk)
    gone = (await cards(talk))[0]["item"]
    await talk.wait(timedelta(days=2))
    await talk.say("/interview one")
    await talk.say("dunno")
    whole, talk.content = talk.content, without(talk.content, gone)
    talk.new()
    await talk.play("""
        user: review
        bot: Nothing is due. The next review is ...
        user: progress
        bot: ... Reviews: 0 due of 1 question. ...
    """)
    other = next(each["item"] for each in await cards(talk) if each["item"] != gone)
    talk.content = without(without(whole, gone), other)
    await talk.wait(timedelta(days=9))
    assert not [each for each in talk.new() if each.kind == "nudge"]
    assert not [each for each in await documents(talk, "learning_progress") if each["next_nudge_at"]]
    await talk.say("review")
    assert texts(talk.new())[0].startswith("There is nothing to review yet.")


def without(bank: Content, question: str) -> Content:
    """The content without a question, retired or not."""
    left = {key: each for key, each in bank.questions.items() if key != question}
    return replace(bank, questions=left, retired={})


async def test_done_in_front_of_a_review_is_about_the_resource(talk: Talk) -> None:
    """A review that came unasked does not stand in the way of the path."""
    await missed_one(talk)
    await talk.say("learn sql")
    await talk.say("skip")
    await talk.wait(timedelta(hours=34))
    talk.new()
    await talk.say("done")
    assert texts(talk.new())[0].startswith("Done: Querying a table.")


# A weak topic becomes a stage


async def test_weak_topic_becomes_a_stage_that_closes_by_another_question(talk: Talk) -> None:
    """Resources, then a question that was not asked before; failed it stays open and asks another, passed it closes."""
    await missed_one(talk)
    await interview(talk, "skip", "dunno", "skip")
    told = texts(talk.new())[-1]
    assert told.startswith("Weakest: Databases. It is now a stage of your Databases path: 2 resources")
    assert re.search(r"another question on it, (\d h )?\d\d? min in all", told)
    assert [each.label for each in talk.last().choices] == ["Yes", "Other time", "No"]
    await talk.press("Yes")
    stage = (await documents(talk, "learning_paths"))[0]["stages"][0]
    assert stage["topic"] == "databases"
    await through_resources(talk)
    assert next(each.label for each in talk.last().choices) == "Ask me"
    await talk.press("Ask me")
    asked = (await conversation(talk)).interview
    assert isinstance(asked, Answering)
    assert asked.question.topic == "databases"
    assert asked.question.id != str(stage["question_id"])
    talk.new()
    await talk.say("dunno")
    assert "65 are needed, so the stage stays open." in texts(talk.new())[-1]
    assert asked.question.id in {card["item"] for card in await cards(talk)}
    stage = (await documents(talk, "learning_paths"))[0]["stages"][0]
    assert stage["status"] == "in_progress"
    await talk.press("Another question")
    other = (await conversation(talk)).interview
    assert isinstance(other, Answering)
    assert other.question.id != asked.question.id
    await answer_well(talk)
    assert "65 were needed. Stage 1 is complete." in texts(talk.new())[-1]
    await talk.say("progress")
    assert texts(talk.new())[0].startswith("Databases: what was weak is done.")
    stage = (await documents(talk, "learning_paths"))[0]["stages"][0]
    assert stage["status"] == "completed"


async def test_the_retest_that_was_announced_is_begun_past_a_review(talk: Talk) -> None:
    """The button under a stage's last resource leads on to what it says, whatever else is due."""
    await missed_one(talk)
    await interview(talk, "skip", "dunno", "skip")
    await talk.press("Yes")
    await talk.wait(timedelta(days=3))
    for _ in range(2):
        await talk.say("next")
        await talk.press(next(each.id for each in (await shown_step(talk)) if each.id.startswith("done:")))
    assert "Now another question on it closes the stage." in texts(talk.new())[-1]
    assert talk.last().choices[0].label == "Ask me"


async def shown_step(talk: Talk) -> tuple[Choice, ...]:
    """The buttons of the path's step; reviews that come before it are not known."""
    for _ in range(8):
        if any(each.id.startswith("done:") for each in talk.last().choices):
            return talk.last().choices
        await talk.press("Don't know")
        await talk.say("next")
    raise AssertionError("no resource came")


async def test_a_skipped_retest_waits(talk: Talk) -> None:
    """It counts neither way, and can be asked for again."""
    await missed_one(talk)
    await interview(talk, "skip", "dunno", "skip")
    await talk.press("Yes")
    await through_resources(talk)
    await talk.press("Ask me")
    talk.new()
    await talk.say("skip")
    assert texts(talk.new())[0] == "Skipped; it counts neither way."
    assert [each.label for each in talk.last().choices] == ["Ask me", "Next step"]
    assert (await documents(talk, "learning_paths"))[0]["stages"][0]["status"] == "in_progress"


async def test_several_topics_are_several_stages_and_no_leaves_them_out(talk: Talk) -> None:
    """The report names them all; "No" passes them over, and nothing is called complete by that."""
    await missed_one(talk)
    await interview(talk, "dunno", "dunno", "skip")
    told = texts(talk.new())[-1]
    assert 'Databases got one, too. "No" leaves them all out. Begin now, and a reminder' in told
    stages = [stage for path in await documents(talk, "learning_paths") for stage in path["stages"]]
    assert sorted(stage["topic"] for stage in stages) == ["databases", "hashing"]
    declined = label_id(talk, "No")
    await talk.say("stage 1 by Friday")
    talk.new()
    await talk.press(declined)
    assert texts(talk.new()) == ["Fine, left out. Your answers and the report stay."]
    assert (await conversation(talk)).commitment is None
    await talk.press(declined)
    assert len(texts(talk.new())) == 1
    await talk.say("/progress")
    assert "Databases" not in texts(talk.new())[0]
    stages = [stage for path in await documents(talk, "learning_paths") for stage in path["stages"]]
    assert [stage["passed_over"] for stage in stages] == [True, True]


async def test_the_same_topic_twice_is_one_stage_until_it_is_closed(talk: Talk) -> None:
    """An open stage is not doubled; once passed, the topic may become weak again, and that one closes, too."""
    await missed_one(talk)
    for _ in range(2):
        await interview(talk, "skip", "dunno", "skip")
    stages = (await documents(talk, "learning_paths"))[0]["stages"]
    assert [stage["topic"] for stage in stages].count("databases") == 1
    for closed in (1, 2):
        if closed == 2:
            await interview(talk, "skip", "dunno", "skip")
        await through_resources(talk)
        await talk.press("Ask me")
        await answer_well(talk)
        stages = (await documents(talk, "learning_paths"))[0]["stages"]
        own = [stage for stage in stages if stage["topic"] == "databases"]
        assert [stage["status"] for stage in own] == ["completed"] * closed


async def test_topic_joins_the_path_that_is_there_after_what_it_builds_on(talk: Talk) -> None:
    """A path of the catalogue keeps its stages; the topic's own comes when those before it are done."""
    await talk.say("learn databases")
    await talk.press("Begin all the same")
    await talk.say("skip")
    before = (await documents(talk, "learning_paths"))[0]
    await interview(talk, "skip", "dunno", "skip")
    told = texts(talk.new())[-1]
    path = (await documents(talk, "learning_paths"))[0]
    stage = path["stages"][-1]
    assert len(path["stages"]) == len(before["stages"]) + 1
    place = place_in_catalogue(talk, stage)
    assert stage["requires"] == list(range(1, place))
    assert ("It builds on stage 1" in told) == (place > 1)


async def test_a_paused_path_stays_paused_until_it_is_taken_up(talk: Talk) -> None:
    """What was promised at the pause holds: nothing is written about it, unless the student says yes."""
    await talk.say("learn databases")
    await talk.press("Begin all the same")
    await talk.say("skip")
    await talk.say("/path databases")
    await talk.press("Pause this path")
    await interview(talk, "skip", "dunno", "skip")
    told = texts(talk.new())[-1]
    assert "That path rests. Take it up again?" in told
    assert (await documents(talk, "learning_paths"))[0]["state"] == "paused"
    await talk.press("Yes")
    assert (await documents(talk, "learning_paths"))[0]["state"] == "active"


async def test_nudge_to_a_topic_says_truly_where_it_is_from(talk: Talk) -> None:
    """Nobody started that path: an interview did."""
    await missed_one(talk)
    await interview(talk, "skip", "dunno", "skip")
    talk.new()
    await talk.play("""
        after: 10 h
        nudge: ... Databases · Stage 1 of 1: Databases, once more ... [Done] [Snooze] [Fewer of these] [Why this?]
        press: Why this?
        bot: An interview showed this topic to be weak, so it became a stage of your Databases path; this was its next open step. ...
    """)
    assert talk.now.date() == START.date()


# Code


async def missed_code(talk: Talk) -> None:
    """A solution that fails on ties, and the card that comes of it."""
    tram = next(each for each in content().questions.values() if each.problem == "fullest-tram-stop")
    talk.content = replace(narrow(), questions=dict(narrow().questions) | {tram.id: tram})
    talk.content = replace(
        talk.content,
        questions={k: q for k, q in talk.content.questions.items() if q.round != "dsa" or k == tram.id},
    )
    await to_code(talk, TIES, ALL)
    for text in (RIGHT, "/skip", "next", "skip", "skip"):
        await talk.say(text)
    await talk.press("No")


@pytest.mark.parametrize("how", ["button", "/skip", "idk", "no idea"])
async def test_a_coding_card_can_be_given_up(talk: Talk, how: str) -> None:
    """The model answer is shown and it comes again tomorrow; a second press counts nothing."""
    await missed_code(talk)
    await talk.wait(timedelta(hours=34))
    pressed = label_id(talk, "Don't know")
    talk.new()
    await (talk.press(pressed) if how == "button" else talk.say(how))
    told = texts(talk.new())[0]
    assert told.startswith("Model answer")
    assert "It comes again tomorrow." in told
    (card,) = await cards(talk)
    assert (card["reviews"], card["lapses"]) == (1, 1)
    await talk.press(pressed)
    assert texts(talk.new())[0].startswith("You have answered that one.")
    assert (await cards(talk))[0]["reviews"] == 1


async def test_next_goes_on_past_a_coding_card(talk: Talk) -> None:
    """It takes an evening, so it does not stand in the way; words that are none bring it once more."""
    await missed_code(talk)
    await talk.say("learn git")
    await talk.say("skip")
    await talk.wait(timedelta(hours=34))
    for text, begins in (
        ("next", "Git · Stage 1"),  # the nudge has just brought the card
        ("next", "Review · "),
        ("hm so", "Open the problem to write it"),
        ("next", "Git · Stage 1"),
    ):
        talk.new()
        await talk.say(text)
        assert texts(talk.new())[0].startswith(begins), text


async def test_another_card_comes_after_one_that_was_not_answered(talk: Talk) -> None:
    """Two are due, one was brought yesterday: today it is the other one."""
    await missed_one(talk)
    await talk.say("learn sql")
    for text in ("skip", "done", "something about tables"):
        await talk.say(text)
    await talk.wait(timedelta(days=4))
    asked = [texts([each])[0] for each in talk.new() if "Review · " in texts([each])[0]]
    titles = [re.search(r"Review · (.*)", each)[1] for each in asked]  # type: ignore[index]
    assert len(titles) >= 2
    assert titles[0] != titles[1]


async def test_the_failing_class_of_code_comes_back_as_the_problem(talk: Talk) -> None:
    """What failed is named; the problem is opened in place, and what it comes to then decides when it comes again. The
    button answers once."""
    await missed_code(talk)
    (card,) = await cards(talk)
    assert (card["source"], card["points"]) == ("problem", ["ties"])
    talk.new()
    await talk.play("""
        after: 34 h
        nudge: ... Review · ... where "ties" failed: write it once more. [Open the problem] [Don't know] [Snooze] [Fewer of these] [Why this?]
        press: Why this?
        bot: You missed this on 2 Mar. ...
    """)
    redo = next(
        each.id for d in talk.screen.shown for each in d.message.choices if each.label == "Open the problem"
    )
    await talk.press(redo)
    for text in (RIGHT, "/skip", "/skip"):
        await talk.say(text)
    (card,) = await cards(talk)
    assert (card["reviews"], card["lapses"]) == (1, 0)
    talk.new()
    await talk.press(redo)
    assert texts(talk.new())[0].startswith("You have answered that one. It comes again ")
    assert (await conversation(talk)).interview is None


async def test_a_weak_topic_joins_the_path_of_another_service(talk: Talk) -> None:
    """A path stored under the skill's title is that path: it gets no twin."""
    await missed_one(talk)
    await foreign_path(talk, "Databases", {"resources": []})
    await interview(talk, "skip", "dunno", "skip")
    (path,) = await documents(talk, "learning_paths")
    assert path["skill"] == "Databases"
    assert [stage["topic"] for stage in path["stages"] if stage.get("topic")] == ["databases"]
