"""The clock of an interview that the student wants timed: five minutes left, time. Decides only.

Times stand in the state, so that a restart changes nothing; `wake_at` has them fall due. A pause stops the clock.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.conversation import Answering, Coding, Conversation, session_of, with_session
from bot.documents import InterviewAttempt, InterviewSession, update
from bot.effects import Effect, Outcome, Reply, Turn, reply
from bot.sentences import say
from bot.stages import coding, interview

WARNED = timedelta(minutes=5)  # before the end
WARNED_FROM = timedelta(minutes=10)  # shorter questions are not interrupted
GRACE = timedelta(seconds=3)  # an answer on its way when the time ends still counts
MOST_MISSED = 2  # questions in a row without a word, then the interview rests


def chosen(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """With the clock or without: from the first question on if nothing was answered yet, else from the next interview."""
    session_id, _, word = subject.rpartition(".")
    timed = word == "timed"
    conversation = conversation.with_profile(pace="timed" if timed else "relaxed")
    stage = conversation.interview
    key = "timed" if timed else "relaxed"
    untouched = isinstance(stage, Coding) and not stage.attempt
    if not isinstance(stage, Answering) and not untouched:
        return conversation, [reply(say(f"pace.later_{key}"))]
    assert isinstance(stage, Answering | Coding)
    if stage.session.id != session_id or stage.session.position or stage.session.results:
        return conversation, [reply(say(f"pace.later_{key}"))]
    session = interview.round_begun(replace(stage.session, timed=timed), turn)
    again = replace(stage, session=session, asked_at=turn.at, spent=0)
    write = update(InterviewSession, session.id, timed=timed)
    said = say(f"pace.now_{key}", minutes=stage.question.minutes)
    return conversation.swapped(stage, again), [write, reply(said)]


def ends(conversation: Conversation) -> datetime | None:
    """When the time of the open question ends: its own, or its round's."""
    stage = conversation.interview
    if not isinstance(stage, Answering | Coding) or not stage.session.timed:
        return None
    own = stage.asked_at + timedelta(minutes=stage.question.minutes) - timedelta(seconds=stage.spent)
    return min(own, stage.session.round_ends or own)


def wake_at(conversation: Conversation) -> datetime | None:
    """When the clock has something to say."""
    end, stage = ends(conversation), conversation.interview
    if end is None or not isinstance(stage, Answering | Coding):
        return None
    long = timedelta(minutes=stage.question.minutes) >= WARNED_FROM
    return end - WARNED if long and not stage.session.warned else end + GRACE


def is_over(conversation: Conversation, at: datetime) -> bool:
    """Whether what comes now comes too late."""
    end = ends(conversation)
    return end is not None and at > end + GRACE


def woke(conversation: Conversation, turn: Turn) -> Outcome:
    """Five minutes left, or time."""
    due, end, stage = wake_at(conversation), ends(conversation), conversation.interview
    if due is None or end is None or stage is None or turn.at < due:
        return conversation, []
    if turn.at >= end:
        return over(conversation, turn)
    warned = with_session(stage, replace(session_of(stage), warned=True))
    minutes = max(1, round((end - turn.at) / timedelta(minutes=1)))
    return conversation.swapped(stage, warned), [reply(say("pace.left", minutes=minutes))]


def over(conversation: Conversation, turn: Turn, *, late: bool = False) -> Outcome:
    """Time: what was sent counts, and on to the next question. `late`: something came after it."""
    stage = conversation.interview
    assert isinstance(stage, Answering | Coding)
    sent = isinstance(stage, Coding) and bool(stage.best or stage.explained)
    said: list[Effect] = [reply(say("pace.late" if late else "pace.time" if sent else "pace.time_none"))]
    if isinstance(stage, Coding) and stage.best:
        conversation, effects = coding.finished(conversation, stage, turn)
        return conversation, [*said, *effects]
    if isinstance(stage, Coding) and stage.explained:
        conversation, effects = coding.explained(conversation, stage, turn)
        return conversation, [*said, *effects]
    if isinstance(stage, Coding) and stage.attempt:
        said.insert(0, update(InterviewAttempt, stage.attempt, status="withdrawn"))
    missed = replace(stage, session=replace(stage.session, missed=0 if late else stage.session.missed + 1))
    conversation, effects = interview.go_on(conversation.swapped(stage, missed), missed, turn)
    following = conversation.interview
    if missed.session.missed < MOST_MISSED or not isinstance(following, Answering | Coding):
        return conversation, [*said, *effects]
    writes = [
        each for each in effects if not isinstance(each, Reply)
    ]  # nobody is there to read the next question
    conversation, resting = interview.pause(conversation, following, turn)
    return conversation, [*said, *writes, reply(say("pace.rests")), *resting]
