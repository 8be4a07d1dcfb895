"""What is taken for a command and what is left as an answer."""

import pytest

from bot.commands import COMMANDS, bare_minutes, command, is_finished, meaning, shrugs


@pytest.mark.parametrize("word", COMMANDS)
def test_bare_word_is_a_command_only_alone(word: str) -> None:
    """ "skip" skips; "skip lists keep O(log n)" is an answer."""
    for text in (word, word.upper(), f"/{word}", f" {word}. ", f"/{word}@VivaBot"):
        found = command(text)
        assert found is not None
        assert found.verb == word
    assert command(f"{word} is what I would do first") is None


def test_slash_command_carries_its_argument() -> None:
    """ "/interview google" names the company; a Telegram deep link its payload."""
    found = command("/interview@VivaBot  Google India ")
    assert found is not None
    assert (found.verb, found.argument) == ("interview", "Google India")
    unknown = command("/dance")
    assert unknown is not None
    assert unknown.verb == "dance"


@pytest.mark.parametrize(
    ("text", "verb", "argument"),
    [
        ("mock interview at Google", "interview", "Google"),
        ("I'd like a practice interview with Tata please!", "interview", "Tata"),
        ("mock interview for SDE at Google tomorrow", "interview", "Google"),
        ("interview for Infosys", "interview", "Infosys"),
        ("learn about sql please", "learn", "sql"),
        ("stop the interview", "stop", ""),
        ("I want to learn sql", "learn", "sql"),
        ("teach me git.", "learn", "git"),
        ("remind me at 8 pm", "reminders", "remind me at 8 pm"),
        ("Reminders, please", "reminders", ""),
        ("set a reminder", "reminders", ""),
        ("when do you remind me?", "reminders", ""),
        ("reminders weekdays at 20:00", "reminders", "weekdays at 20:00"),
        ("stop reminding me", "reminders", "off"),
        ("no more nudges please", "reminders", "off"),
        ("dont remind me on sundays", "reminders", "dont remind me on sundays"),
        ("reminders off on sundays", "reminders", "reminders off on sundays"),
        ("no reminders at weekends", "reminders", "no reminders at weekends"),
        ("what's next?", "next", ""),
        ("how am i doing", "progress", ""),
        ("show my report", "report", ""),
        ("report 2", "report", "2"),
        ("done 25 min", "done", "25 min"),
        ("snooze 1d", "snooze", "1d"),
        ("2 hours a day on weekdays", "hours", "2 hours a day on weekdays"),
        ("i have 1 hour a day monday to friday", "hours", "1 hour a day monday to friday"),
        ("what did i learn this week", "progress", ""),
        ("what should i learn this week?", "learn", ""),
        ("i failed my interview :(", "failed", "i failed my interview :("),
        ("I've bombed my google interview", "failed", "I've bombed my google interview"),
        ("hello there", "start", ""),
        ("what can you do?", "help", ""),
    ],
)
def test_plain_words_mean_commands(text: str, verb: str, argument: str) -> None:
    """What a person would write."""
    found = meaning(text)
    assert found is not None
    assert (found.verb, found.argument) == (verb, argument)


@pytest.mark.parametrize(
    "text",
    [
        "stage 2 by Friday",
        "stage two by friday",
        "I'll finish stage 1 tomorrow",
        "finish sql by 30 march",
        "stage 1 by 31 feb",
        "stage 2 by soon",
        "the second stage in two weeks",
        "this stage by friday",
        "the whole stage by friday",
    ],
)
def test_a_promise_names_a_stage_or_a_path_and_a_day(text: str) -> None:
    """In many ways, and whole."""
    found = meaning(text)
    assert found is not None
    assert (found.verb, found.argument) == ("commit", text)


@pytest.mark.parametrize(
    ("text", "argument", "sure"),
    [
        ("snooze until tomorrow", "until tomorrow", True),
        ("snooze for two weeks please", "two weeks", True),
        ("until christmas", "until christmas", False),
        ("until 31 feb", "until 31 feb", True),
        ("snooze until 12.12.", "until 12.12.", True),
        ("snooze for 2 days.", "2 days", True),
        ("i have exams until 5th may dont write", "until 5th may dont write", False),
        ("im on vacation until 20 april", "until 20 april", False),
        ("I'm busy till Monday", "till Monday", False),
    ],
)
def test_a_silence_is_asked_for_or_told_of(text: str, argument: str, sure: bool) -> None:  # noqa: FBT001  # a table's column
    """Told of, it may still be an answer to what is open."""
    found = meaning(text)
    assert found is not None
    assert (found.verb, found.argument, found.sure) == ("snooze", argument, sure)


@pytest.mark.parametrize(
    "text",
    ["the lock is held until the write is done", "i have a lock held until friday", "it runs until 12"],
)
def test_an_answer_that_says_until_is_no_silence(text: str) -> None:
    """Nobody is away in it, or it names no day."""
    assert meaning(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "in stage 2 the compiler optimises the tree by inlining",
        "stage 1 decodes, stage 2 executes",
        "complete the write before you release the lock",
        "finish it before the commit",
        "in stage 2 half (1/2) of the keys are moved",
        "in stage 1 the sat solver simplifies",
        "stage 2 of http 1.1 is the request",
    ],
)
def test_an_answer_about_stages_is_no_promise(text: str) -> None:
    """A promise names a day."""
    assert meaning(text) is None


@pytest.mark.parametrize(
    "text", ["", "banana", "a mutex guards a section", "/", "//", "🙂", "hello " + "x" * 50]
)
def test_other_words_mean_nothing(text: str) -> None:
    """Nothing is guessed."""
    assert meaning(text) is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("25", 25), ("25 min", 25), ("1 h", 60), ("2 hours", 120), ("banana", None), ("", None), ("-5", None)],
)
def test_minutes_after_done(text: str, minutes: int | None) -> None:
    """ "done 25" took 25 minutes."""
    assert bare_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("I had my interview at Google", "debrief"),
        ("I've just had an interview with Zoho today", "debrief"),
        ("i interviewed at TCS yesterday", "debrief"),
        ("I gave my Infosys interview", "debrief"),
        ("My interview at Google is on Friday", "expect"),
        ("I have an interview with Amazon on 5 December", "expect"),
        ("my tcs interview is tomorrow", "expect"),
        ("I've got an interview at Uber in two days", "expect"),
        ("I have an interview at Google", "interview"),
        ("I had a mock interview at Google, again please", "interview"),
        ("practice interview at Google tomorrow", "interview"),
        ("stop my interview today", "stop"),
    ],
)
def test_a_real_interview_is_told_from_a_mock_one(text: str, verb: str) -> None:
    """Over, to come, or to practise; the first two carry the whole text."""
    found = meaning(text)
    assert found is not None
    assert found.verb == verb
    assert verb not in ("debrief", "expect") or found.argument == text


@pytest.mark.parametrize(
    "text",
    ["idk", "no idea", "No idea, man", "none", "i dont know", "i don't have one", "no company", "Any."],
)
def test_a_shrug_is_no_name(text: str) -> None:
    """Nor a resume."""
    assert shrugs(text)


@pytest.mark.parametrize(
    "text", ["Nokia", "None of Us Ltd", "Any.do", "ANZ", "no idea what a mutex is", "Data scientist"]
)
def test_a_name_is_no_shrug(text: str) -> None:
    """Although it may begin like one."""
    assert not shrugs(text)


@pytest.mark.parametrize(
    "text",
    [
        "finished",
        "i finished it",
        "i read it",
        "im done",
        "I'm done reading",
        "ok, done with the video",
        "just watched it",
    ],
)
def test_through_with_it(text: str) -> None:
    """In plain words."""
    assert is_finished(text)


@pytest.mark.parametrize(
    "text", ["finished states accept", "i read about b-trees", "I'm done with you", "read the docs"]
)
def test_not_through_with_it(text: str) -> None:
    """More is said."""
    assert not is_finished(text)
