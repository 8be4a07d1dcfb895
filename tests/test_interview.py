"""Interviews as a student lives them, from the first hello to the report."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.conversation import Answering, Profile
from bot.events import Said
from bot.questions import ROUNDS, Grade, KeyPoint, PointGrade, Verdict
from tests.talk import Slow, Talk, texts


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    talk = await Talk.open(tmp_path)
    yield talk
    await talk.store.close()


async def set_up(talk: Talk) -> None:
    """A short interview, every step answered by its first button."""
    await talk.say("/interview")
    for _ in range(5):
        await talk.press(talk.last().choices[0].label)
    talk.new()


async def reference(talk: Talk) -> str:
    """A full answer to the open question."""
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    stage = record.conversation.floor
    assert isinstance(stage, Answering)
    return stage.question.reference_answer


async def profile(talk: Talk) -> Profile:
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation.profile


async def documents(talk: Talk, collection: str) -> list[dict[str, object]]:
    return [each async for each in talk.store.export(collection)]


async def test_first_question_is_two_presses_away(talk: Talk) -> None:
    """From `start` to a question: one press, no typing; the floor is two."""
    await talk.play("""
        user: /start
        bot: Hi. I ask interview questions and show what each score rests on. Aiming for?
             [Backend] [Frontend] [Data] [Just ask me]
        press: Backend
        bot: One question, no clock, two sentences will do. ... [Hint] [Skip]
    """)
    assert talk.screen.shown[-1].edit == "m1"


async def test_first_answer_is_graded_with_the_students_words(talk: Talk) -> None:
    """After the first answer: band, evidence, what was not detected, and three ways on."""
    await talk.play("""
        user: hello
        bot: Hi. ...
        press: Just ask me
        bot: One question, ...
    """)
    await talk.say(await reference(talk))
    feedback = talk.new()
    assert len(feedback) == 1
    read = texts(feedback)[0]
    assert read.startswith("Strong · 3 of 3 points")
    assert "✓" in read
    assert "Automatic estimate, " in read
    labels = [choice.label for choice in feedback[0].message.choices]
    assert labels[0].startswith("Short interview · ")
    assert labels[1:] == ["One question", "Model answer"]


async def test_whole_interview_ends_with_a_report_and_a_plan(talk: Talk) -> None:
    """Three rounds, feedback after each answer, a report that names them and an improvement plan."""
    await set_up(talk)
    for number in (1, 2, 3):
        await talk.say(await reference(talk) if number != 2 else "no idea")
        if number < 3:
            await talk.press(talk.last().choices[0].label)
    read = texts(talk.new())
    report = next(each for each in read if each.startswith("Interview report"))
    assert "Improvement plan" in report
    assert all(name in report for name in ("Coding", "Technical", "Behavioral"))
    assert "Not taken" not in report
    session = (await documents(talk, "interview_sessions"))[-1]
    assert session["status"] == "completed"
    assert session["completed_at"] is not None
    attempts = await documents(talk, "interview_attempts")
    assert [each["round"] for each in attempts] == list(ROUNDS)
    assert attempts[1]["score"] == 0
    assert attempts[0]["student_id"] == session["student_id"]


async def test_set_up_by_words_reaches_the_named_company(talk: Talk) -> None:
    """ "mock interview at Google" needs no press for the company; each further step has a first button."""
    await talk.play("""
        user: mock interview at Google
        bot: Which interview? ...
        press: One question
        bot: ...
        user: /stop
        bot: Stopped. What you answered is kept.
        user: mock interview at alphabet
        bot: Which interview? ...
        user: short
        bot: Google: ... Which role? Type it, or press one. ...
        user: SDE Intern
        bot: Send your resume as a PDF, Word or text file, ... [Go without]
        user: Python, SQL, two internships.
        bot: Last one: the job description, as a file or pasted. Or go without. [Go without]
        press: Go without
        bot: Google · SDE Intern. 3 questions, ...
        bot: 1 of 3 · ... [Hint] [Skip] [Pause]
    """)
    session = (await documents(talk, "interview_sessions"))[-1]
    assert (session["company"], session["role"]) == ("Google", "SDE Intern")
    assert session["resume_text"] == "Python, SQL, two internships."
    assert session["jd_text"] is None
    assert session["current_round"] == 1


async def test_unknown_company_gets_the_usual_pattern_and_is_told_so(talk: Talk) -> None:
    """Nothing is claimed about a company nobody has looked at."""
    await talk.play("""
        user: /interview Zyxcorp
        bot: Which interview? ...
        user: short
        bot: I have no pattern for Zyxcorp yet, so I will use the usual one: coding, technical, behavioral. ...
    """)


async def test_skip_writes_no_attempt_and_hints_run_out(talk: Talk) -> None:
    """Only `skip` skips; a question without an answer leaves nothing behind."""
    await set_up(talk)
    await talk.play("""
        user: hint
        bot: Hint 1 of 3: ... [Hint] [Skip]
        press: Hint
        bot: Hint 2 of 3: ...
        press: Hint
        bot: Hint 3 of 3: ... [Skip]
        user: hint
        bot: That was the last hint. ...
        press: Skip
        bot: Skipped; it counts neither way.
        bot: 2 of 3 · ...
    """)
    assert await documents(talk, "interview_attempts") == []
    assert (await documents(talk, "interview_sessions"))[0]["current_round"] == 2


async def test_undo_takes_back_the_last_answer_of_the_round(talk: Talk) -> None:
    """The attempt is withdrawn, not deleted, and its question is asked again."""
    await set_up(talk)
    await talk.play("""
        user: I have no idea about that
        bot: Weak · ... [Next · 2 of 3] [Model answer] [Take it back]
        press: Take it back
        bot: Taken back. Here is the question again.
        bot: 1 of 3 · ...
        user: undo
        bot: There is no answer of this round to take back.
        bot: 1 of 3 · ...
    """)
    assert [each["status"] for each in await documents(talk, "interview_attempts")] == ["withdrawn"]


async def test_pause_stops_the_clock(talk: Talk) -> None:
    """Time in a pause is not counted as time taken, and a paused session stays in progress for days."""
    await set_up(talk)
    await talk.play("""
        user: pause
        bot: Paused. ... [Go on] [Stop and report]
        user: some answer
        bot: Your interview is paused at question 1 of 3. ...
        after: 70 h
        press: Go on
        bot: 1 of 3 · ...
        user: no idea
        bot: Weak ...
    """)
    assert (await documents(talk, "interview_sessions"))[0]["status"] == "in_progress"
    taken = (await documents(talk, "interview_attempts"))[0]["time_taken_seconds"]
    assert isinstance(taken, int)
    assert taken < 60


async def test_silent_session_is_reminded_once_then_closed_with_a_report(talk: Talk) -> None:
    """One reminder, one notice; both outside quiet hours."""
    await set_up(talk)
    await talk.play("""
        user: no idea
        bot: Weak ...
        after: 2 h
        bot: Your interview waits at question 1 of 3. It closes tomorrow at ... [Go on] [Stop and report]
        after: 30 h
        bot: I closed your interview, as it was silent for a day. What you answered is kept.
        bot: Interview report ... Ended after 1 of 3 questions. ... Not taken: technical, behavioral ... Improvement plan ...
        bot: Weakest: ... [Yes] [Other time] [No]
        user: reminders off
        bot: Reminders are off. ...
        after: 200 h
    """)
    assert (await documents(talk, "interview_sessions"))[0]["status"] == "abandoned"


async def test_reminder_waits_for_the_end_of_quiet_hours(talk: Talk) -> None:
    """A session left at 21:30 is reminded at 08:00, not at 22:30."""
    talk.now = talk.now.replace(hour=21, minute=30)
    await set_up(talk)
    await talk.wait(timedelta(hours=10))
    assert talk.new() == []
    await talk.wait(timedelta(hours=2))
    assert [each.at.hour for each in talk.new()] == [8]


async def test_question_survives_everything_that_interrupts_it(talk: Talk) -> None:
    """Commands, stickers, old buttons and nonsense in the middle of a question lead back to it."""
    await set_up(talk)
    await talk.play("""
        user: /progress
        bot: No path yet ... [Next step] [Interview] [Back to question 1]
        press: Back to question 1
        bot: 1 of 3 · ...
        share: sticker
        bot: Nice one. ...
        bot: 1 of 3 · ...
        share: voice
        bot: I cannot listen ...
        bot: 1 of 3 · ...
        user: /dance
        bot: I do not know that command. ...
        bot: 1 of 3 · ...
        press: hint:000000000000000000000000
        bot: That button belongs to something that is over. Nothing has changed.
        bot: 1 of 3 · ...
        user: /settings
        bot: Goal: ... [Goal] [Company] [Role] [Resume and job] [When I write] [Back to question 1]
        press: Role
        bot: Which role? Type it. [Cancel]
        user: cancel
        bot: Cancelled.
        bot: 1 of 3 · ...
        user: /interview
        bot: One at a time: this one is still open. ...
        bot: 1 of 3 · ...
    """)


async def test_no_idea_goes_on_without(talk: Talk) -> None:
    """At each step of the set-up it is no name and no resume."""
    await talk.play("""
        user: /interview short
        bot: Which company? ...
        user: idk
        bot: Which role? Type it, or press one. ...
        user: no idea man
        bot: Send your resume as a PDF, Word or text file, ...
        user: none
        bot: Last one: the job description, ...
        user: I don't have one
        bot: General practice · ... 3 questions, ...
        bot: 1 of 3 · ...
    """)
    session = (await documents(talk, "interview_sessions"))[-1]
    assert (session["company"], session["resume_text"]) == ("General practice", None)
    assert "idea" not in str(session["role"])


async def test_parts_that_arrive_while_grading_join_the_answer(talk: Talk) -> None:
    """An answer in two messages is one attempt and is graded as a whole."""
    await set_up(talk)
    shell = talk.shell()
    events = [Said(text=text, **talk.common()) for text in ("first part", "second part")]
    receipts = await asyncio.gather(*(shell.receive(each) for each in events))
    await shell.settled()
    assert receipts[0].attempt == receipts[1].attempt
    attempts = await documents(talk, "interview_attempts")
    assert [each["student_answer"] for each in attempts] == ["first part\nsecond part"]
    assert len([each for each in texts(talk.new()) if "points" in each]) == 1


async def test_too_long_an_answer_is_not_lost_in_silence(talk: Talk) -> None:
    """20,001 characters get a sentence, and the question stays open."""
    await set_up(talk)
    await talk.say("x" * 20_001)
    assert "20001" in texts(talk.new())[0]
    assert await documents(talk, "interview_attempts") == []


@pytest.mark.parametrize(
    "text", ["🙂 ok? 🙂 no", "مرحبا بالعالم", "a\0b", "broken \ud800 surrogate", "x" * 20_000], ids=str
)
async def test_strange_answers_are_kept_and_answered(talk: Talk, text: str) -> None:
    """Whatever a phone can send becomes an attempt with feedback, never an error."""
    await set_up(talk)
    await talk.say(text)
    attempts = await documents(talk, "interview_attempts")
    assert len(attempts) == 1
    assert attempts[0]["status"] in ("graded", "not_graded")
    assert len(talk.new()) == 1


async def test_empty_message_changes_nothing(talk: Talk) -> None:
    """Blank text is said to be blank; the question is shown again."""
    await set_up(talk)
    await talk.play("""
        user:
        bot: That message arrived empty. Nothing has changed.
        bot: 1 of 3 · ...
    """)


async def test_stop_gives_a_partial_report(talk: Talk) -> None:
    """`stop` ends the session as abandoned and keeps what was answered."""
    await set_up(talk)
    await talk.play("""
        user: no idea
        bot: Weak ...
        user: stop
        bot: Stopped. What you answered is kept.
        bot: Interview report ... Ended after 1 of 3 questions. ...
        bot: Weakest: ...
        user: report 1
        bot: Interview report ...
        user: report 7
        bot: I have 1 report. Try /report or /report 1.
        user: stop
        bot: No question is open right now.
    """)


async def test_forget_is_asked_twice_and_erases_everything(talk: Talk) -> None:
    """After the second `forget` no document of the student is left; the next message meets a stranger."""
    await set_up(talk)
    await talk.say("no idea")
    await talk.say("/learn sql")
    talk.new()
    await talk.play("""
        user: forget
        bot: This erases ... [Erase me] [Keep everything]
        press: Keep everything
        bot: Nothing was erased.
        user: forget
        bot: This erases ...
        user: /forget
        bot: Erased. ...
        user: hi
        bot: Hi. I ask interview questions ...
    """)
    for name in ("interview_attempts", "interview_sessions", "learning_paths", "learning_progress"):
        assert await documents(talk, name) == []


async def test_same_event_twice_is_one_answer(talk: Talk) -> None:
    """A redelivered message changes nothing, also after other events came between."""
    await set_up(talk)
    await talk.say("no idea", event="update-7")
    await talk.say("next")
    await talk.say("no idea", event="update-7")
    assert len(await documents(talk, "interview_attempts")) == 1


async def test_model_answer_comes_only_after_ones_own(talk: Talk) -> None:
    """The button works from an old message, but not for the open question."""
    await set_up(talk)
    question = talk.last().choices[0].id.partition(":")[2]
    await talk.play(f"""
        press: model:{question}
        bot: First your own answer, then mine. ...
        user: no idea
        bot: Weak ...
        press: Model answer
        bot: Model answer ... [Next · 2 of 3] [Model answer] [Take it back]
        press: Next · 2 of 3
        bot: 2 of 3 · ...
        press: model:{question}
        bot: Model answer ... [Back to question 2]
    """)


async def test_single_question_that_waits_is_mentioned_once(talk: Talk) -> None:
    """A lone question promises no report."""
    await talk.play("""
        user: /start
        bot: ...
        press: Data
        bot: One question, ...
        after: 2 h
        bot: A question of mine is still open. It closes tomorrow at 09:00; until then it waits. [Go on] [Leave it]
        after: 30 h
        bot: I closed the question that was open since yesterday. There are others.
    """)


async def test_question_taken_out_of_the_bank_is_passed_over(talk: Talk) -> None:
    """A retired question that was planned is still asked; one whose file is gone is left out, and the interview goes on."""
    await set_up(talk)
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    stage = record.conversation.floor
    assert isinstance(stage, Answering)
    gone = stage.session.plan[1].question
    talk.content = replace(
        talk.content, questions={key: each for key, each in talk.content.questions.items() if key != gone}
    )
    await talk.play("""
        user: skip
        bot: Skipped; it counts neither way.
        bot: 2 of 2 · ...
    """)


class Scripted:
    """A grader that gives these grades one after another."""

    def __init__(self, *grades: Grade) -> None:
        self.grades = list(grades)
        self.answers: list[str] = []

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        self.answers.append(answer)
        return self.grades.pop(0)


def grade_of(score: int, **verdicts: Verdict) -> Grade:
    points = tuple(
        PointGrade(slug=name, label=name, verdict=verdict, quote="" if verdict == "missed" else "their words")
        for name, verdict in verdicts.items()
    )
    return Grade(score=score, points=points, grader="scripted")


async def at_the_technical_question(talk: Talk, *grades: Grade) -> Scripted:
    await set_up(talk)
    await talk.say("skip")
    talk.new()
    talk.grader = Scripted(*grades)
    return talk.grader


async def test_follow_up_asks_about_what_was_not_detected_and_counts(talk: Talk) -> None:
    """At most two; the answers join the first one, the score moves, there is one attempt."""
    grader = await at_the_technical_question(
        talk,
        grade_of(52, cause="covered", check="missed", cost="missed"),
        grade_of(74, cause="covered", check="covered", cost="missed"),
        grade_of(90, cause="covered", check="covered", cost="covered"),
    )
    await talk.play("""
        user: it is not cached
        bot: Partial · 1 of 3 points ✓ cause: ... ○ Not detected: check; cost ... Follow-up on check: what can you add? [Skip follow-up]
        user: with dig
        bot: Good · 52 → 74 ... Follow-up on cost: what can you add? [Skip follow-up]
        user: some milliseconds
        bot: Strong · 74 → 90 ... [Next · 3 of 3] [Model answer] [Take it back]
    """)
    assert grader.answers[-1] == "it is not cached\nwith dig\nsome milliseconds"
    attempts = await documents(talk, "interview_attempts")
    assert [(each["score"], each["student_answer"]) for each in attempts] == [(90, grader.answers[-1])]


async def test_wrong_claim_is_asked_about_first(talk: Talk) -> None:
    """A point turned round comes before one that is not there; the follow-up can be passed over."""
    await at_the_technical_question(talk, grade_of(40, cause="missed", check="contradicted"))
    await talk.play("""
        user: something wrong
        bot: Partial ... Follow-up on check: are you sure? Say it once more. [Skip follow-up]
        user: /progress
        bot: ... [Next step] [Interview] [Back to question 2]
        press: Back to question 2
        bot: Follow-up on check: are you sure? Say it once more. [Skip follow-up]
        press: Skip follow-up
        bot: 3 of 3 · ...
    """)


async def test_follow_up_that_adds_nothing_takes_nothing_away(talk: Talk) -> None:
    """A weak answer to a follow-up leaves the score where it was."""
    await at_the_technical_question(
        talk, grade_of(60, cause="covered", check="missed"), grade_of(45, cause="covered", check="missed")
    )
    await talk.play("""
        user: it is not cached
        bot: Partial · 1 of 2 points ... [Skip follow-up]
        user: hmm
        bot: Partial · 60 → 60 ... Automatic estimate, 60/100 [Next · 3 of 3] [Model answer] [Take it back] [I said that]
    """)
    assert [each["score"] for each in await documents(talk, "interview_attempts")] == [60]


async def test_i_said_that_marks_the_point_and_keeps_the_score(talk: Talk) -> None:
    """The stored score stays; it is shown as a range; an author finds the point among the disputes."""
    await at_the_technical_question(
        talk, grade_of(15, cause="covered", check="missed", cost="partial"), grade_of(1)
    )
    await talk.play("""
        user: it is not cached, dig shows it
        bot: Weak · ... [Next · 3 of 3] [Model answer] [Take it back] [I said that]
        press: I said that
        bot: Which point did you make? [check] [cost] [Back to question 2]
        press: check
        bot: Noted: you made the point check. The score stays 15 until an author has looked; if you are right it is 48, so take it as 15-48. ...
        press: Back to question 2
        bot: You are at question 2 of 3. [Next · 3 of 3] [Model answer] [Take it back]
    """)
    kept = (await documents(talk, "interview_attempts"))[0]
    assert kept["score"] == 15
    points = kept["points"]
    assert isinstance(points, list)
    assert [each.get("disputed", False) for each in points] == [False, True, False]
    assert kept["disputed_at"] is not None


async def test_late_sweep_does_not_wake_anybody(talk: Talk) -> None:
    """A reminder due in the evening whose sweep runs at night waits for the morning."""
    talk.now = talk.now.replace(hour=20)
    await set_up(talk)
    talk.now = talk.now.replace(hour=23, minute=30)
    await talk.wait(timedelta(hours=8))
    assert talk.new() == []
    await talk.wait(timedelta(hours=2))
    assert [(each.at.hour, each.at.minute) for each in talk.new()] == [(8, 0)]


async def test_a_sign_of_life_keeps_the_session_open(talk: Talk) -> None:
    """Whoever presses [Go on] or asks for a hint is not silent."""
    await set_up(talk)
    await talk.play("""
        after: 23 h
        bot: Your interview waits at question 1 of 3. ...
        press: Go on
        bot: 1 of 3 · ...
        user: hint
        bot: Hint 1 of 3: ...
        after: 50 min
        user: no idea
        bot: Weak ...
    """)


async def test_button_of_the_question_beneath_still_works(talk: Talk) -> None:
    """With a setting asked on top, the open question's own buttons lead back to it."""
    await set_up(talk)
    hint = talk.last().choices[0].id
    await talk.play(f"""
        user: /settings company
        bot: Which company? Type its name. [I have a date] [I had a real interview] [Cancel]
        press: {hint}
        bot: Hint 1 of 3: ...
        user: no idea
        bot: Weak ...
    """)


async def test_controls_while_an_answer_is_graded(talk: Talk) -> None:
    """Nothing false is said: the answer is being graded, and what is written joins it."""
    await set_up(talk)
    talk.grader = Slow()
    shell = talk.shell()
    await shell.receive(Said(text="an answer", **talk.common()))
    for word in ("skip", "hint", "next", "pause"):
        await shell.receive(Said(text=word, **talk.common()))
    talk.grader.go.set()
    await shell.settled()
    read = texts(talk.new())
    assert read.count("Your answer is being graded; what you write now joins it.") == 4


async def test_forget_must_be_said_twice_in_a_row(talk: Talk) -> None:
    """Anything in between takes the first one back."""
    await set_up(talk)
    await talk.play("""
        user: forget
        bot: This erases ...
        user: /help
        bot: interview ...
        user: forget
        bot: This erases ...
    """)


async def test_words_that_are_no_answer_are_not_graded(talk: Talk) -> None:
    """A question to the coach, a thank-you, or a plain wish costs nothing; what was meant as an answer still counts."""
    await set_up(talk)
    await talk.play("""
        user: can you explain the question?
        bot: I did not take that for an answer, so nothing is graded. ... [Hint] [Grade it anyway] [Skip]
        user: thanks
        bot: You are welcome.
        bot: 1 of 3 · ...
        user: mock interview at Google
        bot: One at a time: this one is still open. ...
        bot: 1 of 3 · ...
        user: what do you mean
        bot: I did not take that for an answer, ...
        press: Grade it anyway
        bot: Weak ...
    """)
    attempts = await documents(talk, "interview_attempts")
    assert [each["student_answer"] for each in attempts] == ["what do you mean"]


@pytest.mark.parametrize(
    "answer",
    [
        "path compression",
        "path traversal attack",
        "quiz the replica",
        "snooze the replica until tomorrow",
        "snooze until the lock is released",
        "use break and continue",
        "pause the thread, then resume it",
        "is it that a set hashes the item?",
        "what happens is the set hashes it, so it takes constant time?",
        "give up the lock",
        "it keeps the first and continues until tomorrow",
    ],
)
async def test_an_answer_is_not_eaten_by_a_wish_it_resembles(talk: Talk, answer: str) -> None:
    """It is graded, and nothing is set, begun or silenced by it."""
    await set_up(talk)
    before = await profile(talk)
    await talk.say(answer)
    assert [each["student_answer"] for each in await documents(talk, "interview_attempts")] == [answer]
    assert await profile(talk) == before
    assert await documents(talk, "learning_paths") == await documents(talk, "skill_wishes") == []


@pytest.mark.parametrize(
    "words",
    [
        "never mind",
        "learn sql and python",
        "2 hours a day",
        "finished it",
        "pause sql",
        "what is an index?",
        "1h",
    ],
)
async def test_a_wish_under_a_question_is_not_graded_unasked(talk: Talk, words: str) -> None:
    """[Grade it anyway], or the same words again, are the way to have it graded."""
    await set_up(talk)
    await talk.say(words)
    assert texts(talk.new())[0].startswith("I did not take that for an answer, so nothing is graded.")
    assert await documents(talk, "interview_attempts") == []


async def test_reminders_are_set_in_the_middle_of_a_question(talk: Talk) -> None:
    """A wish that can be nothing else is done, and nothing is graded."""
    await set_up(talk)
    await talk.say("remind me at 7 pm on weekdays")
    told = texts(talk.new())
    assert "around 19:00" in told[0]
    assert (await profile(talk)).nudge_days == "01234"
    assert await documents(talk, "interview_attempts") == []


async def test_offer_after_the_report_leads_somewhere(talk: Talk) -> None:
    """[No] is accepted, [Other time] asks the hour and then begins the path."""
    await set_up(talk)
    await talk.say("no idea")
    await talk.say("stop")
    talk.new()
    await talk.play("""
        press: No
        bot: Fine, left out. Your answers and the report stay. [Next step]
        press: later:sql
        bot: At what hour shall I write? ...
        user: 7 pm
        bot: SQL · ...
        bot: SQL · Stage 1 of 4: ...
        bot: So that I write at a good hour: is it ... [Yes] [No] [Skip]
    """)


async def test_skipped_round_is_called_skipped(talk: Talk) -> None:
    """The plan does not say that a round was no part of the interview when it was."""
    await set_up(talk)
    await talk.say("no idea")
    await talk.say("next")
    await talk.say("skip")
    await talk.say("skip")
    report = next(each for each in texts(talk.new()) if each.startswith("Interview report"))
    assert "You skipped the behavioral round. Take it next." in report


async def test_answer_typed_after_forget_is_not_lost(talk: Talk) -> None:
    """Whoever answers instead of confirming is answered; nothing was erased."""
    await set_up(talk)
    await talk.say("forget")
    await talk.say("my answer after all")
    assert [each["student_answer"] for each in await documents(talk, "interview_attempts")] == [
        "my answer after all"
    ]


async def test_late_reminder_leaves_time_to_come_back(talk: Talk) -> None:
    """After an outage of three days the reminder is the first word, and the closing is half a day off at least."""
    await set_up(talk)
    talk.now += timedelta(days=3)
    await talk.wait(timedelta(hours=1))
    read = texts(talk.new())
    assert len(read) == 1
    assert "waits at question 1 of 3" in read[0]
    await talk.wait(timedelta(hours=24))
    assert any("I closed your interview" in text for text in texts(talk.new()))


@pytest.mark.parametrize("command", ["/report ²", "/report 99999", "/report " + "9" * 5000])
async def test_rubbish_numbers_get_a_sentence(talk: Talk, command: str) -> None:
    """What looks like a digit to a computer is not one to us."""
    await set_up(talk)
    await talk.say("no idea")
    await talk.say("stop")
    talk.new()
    await talk.say(command)
    assert texts(talk.new()) == ["I have 1 report. Try /report or /report 1."]
