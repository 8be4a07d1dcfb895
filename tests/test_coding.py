"""The coding round as a student lives it: asking, talking, sending code, verdicts, and what is asked about them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.conversation import Conversation
from bot.events import Said
from bot.growth import Growth
from bot.judging import CannotRun, CaseResult, JudgeBusy, Judgement, Language
from bot.stages.coding import MOST_RUNS
from bot.submissions import HINT_COSTS, composed, score_of, submission
from tests.talk import START, Talk, Verdicts, content, texts

RIGHT = "def fullest_stop(boarded, left):\n    return 2"


def judgement(*verdicts: tuple[Any, str], **more: Any) -> Judgement:
    """Hidden cases with these verdicts and classes."""
    cases = tuple(CaseResult(verdict=each, category=category, hidden=True) for each, category in verdicts)
    first: Any = next((each for each, _ in verdicts if each != "accepted"), "accepted")
    return Judgement(verdict=first, cases=cases, engine="test", **more)


ALL = judgement(*[("accepted", "typical")] * 10, *[("accepted", "large input")] * 2)
TIES = judgement(*[("accepted", "typical")] * 9, ("wrong_answer", "ties"), *[("accepted", "large input")] * 2)
SLOW = judgement(*[("accepted", "typical")] * 10, *[("time_limit", "large input")] * 2)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """Where the tram is the only problem there is."""
    talk = await Talk.open(tmp_path)
    asked = {each.id: each for each in content().questions.values() if each.round != "dsa"}
    tram = next(each for each in content().questions.values() if each.problem == "fullest-tram-stop")
    talk.content = replace(content(), questions=asked | {tram.id: tram})
    yield talk
    await talk.store.close()


async def to_code(talk: Talk, *verdicts: Judgement | Exception, growth: Any = None) -> Verdicts:
    """A short interview up to its coding problem."""
    judge = talk.judge = Verdicts(*verdicts, growth=growth)
    await talk.say("/interview")
    for _ in range(5):
        await talk.press(talk.last().choices[0].label)
    assert "Ask me about sizes and odd cases." in texts(talk.new())[-1]
    return judge


async def attempt(talk: Talk) -> dict[str, Any]:
    return [each async for each in talk.store.export("interview_attempts")][-1]


async def state(talk: Talk) -> Conversation:
    record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
    assert record is not None
    return record.conversation


async def test_code_runs_and_is_defended(talk: Talk) -> None:
    """A hidden failure tells its class alone; then the right code, its complexity, a follow-up, a score in parts."""
    await to_code(talk, TIES, ALL)
    await talk.play("""
        user: def fullest_stop(boarded, left): return 2
        bot: Wrong answer · 11 of 12 cases A hidden case fails: ties. Two candidates are equally good. ...
             [Hint · −5] [Take my best]
        user: def fullest_stop(boarded, left): return 2
        bot: Accepted · 12 of 12 cases What is its time complexity in the size of the input, and why? [Skip follow-up]
        user: O(n), one pass over it
        bot: ✓ "O(n), one pass over it": measured over growing inputs, it does grow like that. Follow-up: ... [Skip follow-up]
        press: Skip follow-up
        bot: ... · 85/100, an automatic estimate
             Correctness 60 of 60: 10 of 10 cases
             Efficiency 15 of 15: 2 of 2 large inputs
             Complexity 10 of 10
             Communication 0 of 15 [Next · 2 of 3] [Model answer] [Take it back]
    """)
    kept = await attempt(talk)
    assert (kept["status"], kept["score"], kept["grader"]) == ("graded", 85, "judge")
    assert kept["student_answer"] == "def fullest_stop(boarded, left): return 2\n"
    assert [each["verdict"] for each in kept["submissions"]] == ["wrong_answer", "accepted"]
    assert kept["complexity_answer"] == "O(n), one pass over it"
    assert len([1 async for _ in talk.store.export("interview_attempts")]) == 1


async def test_what_the_statement_leaves_open_is_told_when_it_is_asked(talk: Talk) -> None:
    """One thing at a time, or all constraints at once; what is nobody's concern is said to be that."""
    await to_code(talk)
    await talk.play("""
        user: Can the lists be empty?
        bot: • There is at least one stop and at most 100,000; both lists have the same length.
        user: what are the constraints?
        bot: Constraints • ...
        user: Is the tram red?
        bot: That does not matter here, ...
    """)


async def test_a_plan_in_words_is_talked_about_once_and_then_is_the_answer(talk: Talk) -> None:
    """It brings at most 60 points, and says so beforehand."""
    await to_code(talk)
    await talk.play("""
        user: I keep a running count and remember its maximum and index
        bot: I follow you. Now write it as code and send it. Or I take these words as your answer, for at most 60 points.
             [Take it as it is] [Hint · −5]
        user: Only a strictly greater count replaces the best, so the earliest stop wins. O(n) time, O(1) space, one stop gives 0.
        bot: ... /100 I graded the explanation only. ...
    """)
    kept = await attempt(talk)
    assert 40 <= kept["score"] <= 60
    assert kept["submissions"] == []


async def test_not_knowing_is_an_answer_at_once(talk: Talk) -> None:
    await to_code(talk)
    await talk.play("""
        user: I don't know
        bot: Weak · 0 of 5 points ... Saying so is fine. ...
    """)
    assert (await attempt(talk))["score"] == 0


async def test_hints_tell_their_cost_before_and_take_it_off(talk: Talk) -> None:
    await to_code(talk, ALL)
    for cost, following in zip(HINT_COSTS, (*HINT_COSTS[1:], None), strict=True):
        assert talk.last().choices[0].label == f"Hint · −{cost}"
        await talk.press(f"Hint · −{cost}")
        labels = [each.label for each in talk.last().choices]
        assert (f"Hint · −{following}" in labels) == (following is not None)
    await talk.say(RIGHT)
    await talk.say("O(n)")
    await talk.press("Skip follow-up")
    assert (await attempt(talk))["score"] == 85 - sum(HINT_COSTS)


async def test_the_best_submission_counts_whatever_came_after(talk: Talk) -> None:
    """Slow but right beats a later attempt that is worse; leaving takes the best."""
    judge = await to_code(talk, SLOW, judgement(*[("wrong_answer", "typical")] * 12))
    await talk.say(RIGHT)
    await talk.say("def fullest_stop(boarded, left):\n    return 0")
    await talk.press("Take my best")
    kept = await attempt(talk)
    assert kept["student_answer"] == judge.sources[0] == f"{RIGHT}\n"
    assert kept["score"] == 60
    assert "Efficiency 0 of 15: 0 of 2 large inputs" in kept["feedback"]


async def test_a_wrong_complexity_is_told_what_was_measured(talk: Talk) -> None:
    await to_code(talk, ALL, growth=Growth(points=(), allowed=("quadratic",)))
    await talk.say(RIGHT)
    await talk.say("it is linear")
    assert (
        'You said "it is linear". Measured over growing inputs, its time is quadratic.'
        in texts(talk.new())[-1]
    )


async def test_what_cannot_be_measured_is_left_out_of_the_score(talk: Talk) -> None:
    """Unknown is not wrong."""
    await to_code(talk, ALL, growth=CannotRun("away"))
    await talk.say(RIGHT)
    await talk.say("O(n)")
    await talk.press("Skip follow-up")
    kept = await attempt(talk)
    assert "Complexity: not judged, so left out" in kept["feedback"]
    assert kept["score"] == round(100 * 75 / 90)


async def test_a_broken_message_is_mended_by_the_next(talk: Talk) -> None:
    """A long paste in pieces: what does not compile waits for its other half; a new version stands alone."""
    broken = judgement(message="line 1: unexpected end")
    broken = Judgement(verdict="compile_error", cases=TIES.cases, engine="test", message=broken.message)
    judge = await to_code(talk, broken, TIES, ALL)
    await talk.say("def fullest_stop(boarded, left):\n    best = (")
    assert texts(talk.new())[-1].startswith("Compile error · line 1: unexpected end")
    await talk.say("    1 + 1)\n    return best\n    # the end")
    assert judge.sources[1].startswith(
        "def fullest_stop(boarded, left):\n    best = (\n    1 + 1)\n    return best\n"
    )
    await talk.say(RIGHT)
    assert judge.sources[2].strip() == RIGHT


PIECES = (
    "def fullest_stop(boarded, left):\n    best = at = 0\n    for i in range(len(boarded)):",
    "        if boarded[i] > best:\n            best = boarded[i]\n            at = i",
    "    return at",
)


@pytest.mark.parametrize("first", ["compile_error", "wrong_answer"])
@pytest.mark.parametrize("trimmed", [False, True])
async def test_python_in_pieces_keeps_its_blocks(talk: Talk, first: Any, *, trimmed: bool) -> None:
    """Platforms trim a message's first line, and the first piece may run by itself."""
    broken = Judgement(
        verdict="compile_error", cases=TIES.cases, engine="test", message="line 3: expected a block"
    )
    begun = [broken, broken] if first == "compile_error" else [TIES]
    judge = await to_code(talk, *begun, ALL)
    pieces: tuple[str, ...] = PIECES
    if first == "wrong_answer":
        pieces = (
            "\n".join(PIECES[:2]),
            "    at = min(at, len(boarded))\n    if at:\n        at += 0\n" + PIECES[2],
        )
    for piece in pieces:
        await talk.say(piece.strip() if trimmed else piece)
    assert judge.sources[-1] == "\n".join(pieces) + "\n"
    compile(judge.sources[-1], "whole", "exec")


async def edit(talk: Talk, text: str) -> None:
    await talk.hear(Said(text=text, edited=True, **talk.common()))


async def test_editing_the_message_runs_it_again(talk: Talk) -> None:
    """Only code: words that are changed stand as they were read."""
    judge = await to_code(talk, TIES, ALL, ALL)
    await edit(talk, "I would keep a running count")
    assert texts(talk.new())[-1].startswith("I read that as you wrote it first.")
    await talk.say(RIGHT)
    await edit(talk, RIGHT.replace("2", "3"))
    assert judge.sources[-1].strip() == RIGHT.replace("2", "3")
    assert texts(talk.new())[-1].startswith("Accepted")
    await edit(talk, RIGHT)
    assert len(judge.sources) == 3
    assert [each["verdict"] for each in (await attempt(talk))["submissions"]] == [
        "wrong_answer",
        "accepted",
        "accepted",
    ]


async def test_an_edit_where_nothing_is_open_says_nothing(talk: Talk) -> None:
    await edit(talk, "hello")
    assert talk.new() == []


async def test_code_sent_while_code_runs_takes_its_place(talk: Talk) -> None:
    """It waits for what runs, whose verdict nobody hears any more; nobody is told that many people are there."""
    await to_code(talk)
    running = talk.judge = OneAtATime(ALL)
    shell = talk.shell()
    await shell.receive(Said(text=RIGHT, **talk.common()))
    await running.begun.wait()
    await shell.receive(Said(text=RIGHT.replace("2", "3"), **talk.common()))
    await asyncio.sleep(0)
    running.go.set()
    await shell.settled()
    assert [each.strip()[-1] for each in running.sources] == ["2", "3"]
    (verdict,) = texts(talk.new())
    assert verdict.startswith("Accepted")


class OneAtATime(Verdicts):
    """Like the real judge it turns away who has something running; it runs when it is let."""

    def __init__(self, verdict: Judgement) -> None:
        super().__init__(verdict, verdict)
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def submit(self, *, student: str, problem: str, language: Language, source: str) -> Judgement:
        if self.begun.is_set() and not self.go.is_set():
            raise JudgeBusy(running=True)
        self.begun.set()
        await self.go.wait()
        return await super().submit(student=student, problem=problem, language=language, source=source)


async def test_another_language_and_a_doubtful_one(talk: Talk) -> None:
    judge = await to_code(talk, ALL)
    await talk.say("```java\npublic int fullest(int[] a) { return 1; }\n```")
    assert texts(talk.new())[-1].startswith("That is neither Python nor JavaScript")
    await talk.say("```\nx = 1\n```")
    assert [each.label for each in talk.last().choices] == ["Python", "JavaScript"]
    await talk.press("JavaScript")
    assert judge.sources == ["x = 1\n"]


async def test_where_nothing_can_run_the_explanation_is_graded_in_full(talk: Talk) -> None:
    """It says so, keeps the code, and takes no points off for it."""
    await to_code(talk, CannotRun("nothing holds here"))
    await talk.say(RIGHT)
    assert texts(talk.new())[-1].startswith(
        "I cannot run code here right now, so I grade an explanation instead"
    )
    await talk.say(
        "Keep a running count and remember its maximum and index; only a strictly greater count replaces the best, "
        "so the earliest wins. O(n) time in one pass, O(1) space, a single stop gives 0."
    )
    assert (await attempt(talk))["score"] > 60


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (JudgeBusy(running=False), "Many people are running code right now."),
        (TimeoutError(), "It did not get its turn in time."),
        (RuntimeError("a fault"), "Running it failed on my side, not on yours."),
    ],
)
async def test_code_that_did_not_get_to_run_is_kept(talk: Talk, error: Exception, told: str) -> None:
    """One press runs it again."""
    judge = await to_code(talk, error, ALL)
    await talk.say(RIGHT)
    assert texts(talk.new())[-1].startswith(told)
    await talk.press("Run it again")
    assert texts(talk.new())[-1].startswith("Accepted")
    assert judge.sources[0] == judge.sources[1]


async def test_there_is_a_most_a_day(talk: Talk) -> None:
    await to_code(talk, *[TIES] * (MOST_RUNS + 1))
    for _ in range(MOST_RUNS):
        await talk.say(RIGHT)
    await talk.say(RIGHT)
    assert texts(talk.new())[-1].startswith(f"That is {MOST_RUNS} runs today")


async def test_stopping_scores_the_best_so_far(talk: Talk) -> None:
    """The report has it; nothing was taken back."""
    await to_code(talk, TIES)
    await talk.say(RIGHT)
    await talk.say("/stop")
    kept = await attempt(talk)
    assert (kept["status"], kept["score"]) == ("graded", 69)
    assert (await state(talk)).ratings  # it tells as much as an answer of an interview that went on
    assert "Coding" in texts(talk.new())[-1] or "Interview report" in "".join(texts(talk.screen.shown))


async def test_stopping_keeps_what_the_defence_brought(talk: Talk) -> None:
    """A complexity that was measured to be right counts, whether the follow-up is skipped or the interview stopped."""
    await to_code(talk, ALL)
    await talk.say(RIGHT)
    await talk.say("O(n), one pass over it")
    await talk.say("/stop")
    assert (await attempt(talk))["score"] == 85


async def test_an_old_skip_button_takes_nothing_away(talk: Talk) -> None:
    """The button under the problem was there before the code: it leaves with the best submission, like the word."""
    await to_code(talk, TIES)
    skip = next(each.id for each in talk.last().choices if each.id.startswith("skip:"))
    await talk.say(RIGHT)
    await talk.press(skip)
    kept = await attempt(talk)
    assert (kept["status"], kept["score"]) == ("graded", 69)


async def test_words_told_before_do_not_take_the_place_of_code(talk: Talk) -> None:
    """[Take it as it is] stays on the screen; once there is a submission it is the answer."""
    await to_code(talk, TIES)
    await talk.say("I would keep a running count and remember where it was largest")
    take = next(each.id for each in talk.last().choices if each.id.startswith("explain:"))
    await talk.say(RIGHT)
    talk.new()
    await talk.press(take)
    assert texts(talk.new())[0].startswith("That button belongs to something that is over.")
    assert (await attempt(talk))["student_answer"].endswith(f"{RIGHT}\n")


async def test_a_result_too_long_to_write_is_left_out(talk: Talk) -> None:
    """An integer that has no decimal form does not stop the verdict."""
    case = CaseResult(verdict="wrong_answer", category="typical", value=[10**5000])
    await to_code(talk, Judgement(verdict="wrong_answer", cases=(case,), engine="test"))
    await talk.say(RIGHT)
    assert texts(talk.new())[-1].startswith("Wrong answer")


async def test_undo_takes_the_whole_attempt_back(talk: Talk) -> None:
    await to_code(talk, TIES)
    await talk.say(RIGHT)
    await talk.say("/undo")
    assert (await attempt(talk))["status"] == "withdrawn"
    assert "Ask me about sizes" in texts(talk.new())[-1]


async def test_undo_gives_no_hint_back(talk: Talk) -> None:
    """What was read stays read: before a grade and after it the hints keep their price."""
    await to_code(talk, TIES, ALL)
    await talk.press("Hint · −5")
    await talk.say(RIGHT)
    await talk.say("/undo")
    assert talk.last().choices[0].label == "Hint · −10"
    await talk.press("Hint · −10")
    await talk.say(RIGHT)
    for _ in range(2):
        await talk.press("Skip follow-up")
    await talk.press("Take it back")
    assert talk.last().choices[0].label == "Hint · −15"


async def test_hints_after_code_that_did_not_compile_are_noted(talk: Talk) -> None:
    """They cost the explanation that follows, and the attempt says how many there were."""
    await to_code(talk, Judgement(verdict="compile_error", cases=TIES.cases, engine="test", message="line 1"))
    await talk.say("def fullest_stop(boarded, left)")
    await talk.press("Hint · −5")
    await talk.say("I don't know")
    assert (await attempt(talk))["hints_used"] == 1


async def test_not_knowing_the_complexity_is_not_measured(talk: Talk) -> None:
    """It brings no points, and is not told to be the measurement's fault; a question is no answer."""
    await to_code(talk, ALL)
    await talk.play("""
        user: def fullest_stop(boarded, left): return 2
        bot: Accepted · ...
        user: what do you mean by size?
        bot: What is its time complexity in the size of the input, and why? [Skip follow-up]
        user: I don't know
        bot: Follow-up: ... [Skip follow-up]
        press: Skip follow-up
        bot: ... Complexity 0 of 10 ...
    """)


async def test_a_short_word_does_not_end_the_problem(talk: Talk) -> None:
    """Only an explanation is taken for one without a press."""
    await to_code(talk, ALL)
    await talk.say("I keep a running count and remember its maximum and index")
    await talk.say("ok, give me a minute")
    assert texts(talk.new())[-1].startswith("I follow you.")
    await talk.say(RIGHT)
    assert texts(talk.new())[-1].startswith("Accepted")


async def test_a_run_that_died_silently_is_not_left_unexplained(talk: Talk) -> None:
    dead = CaseResult(verdict="runtime_error", category="typical")
    await to_code(talk, Judgement(verdict="runtime_error", cases=(dead,), engine="test"))
    await talk.say(RIGHT)
    assert "recursion that goes too deep" in texts(talk.new())[-1]


def test_the_score_leaves_out_what_was_not_judged() -> None:
    """Without large inputs or a clear curve the rest is what there is to get; hints come off at the end."""
    best = submission(judgement(*[("accepted", "typical")] * 4), number=1, language="python", at=START)
    parts = composed(best, agreed="unknown", follow_up=100, talked=True, hints=1)
    assert [each.points for each in parts] == [60, None, None, 15, -5]
    assert score_of(parts) == 95
