"""A promise of one's own: "stage 2 by Friday". Kept in the student's words, brought up the day before (`nudging`), and told
kindly when it was kept. Decides only."""

from datetime import date, timedelta

from msgspec.structs import replace

from bot import paths
from bot.clock import day_month, local_day
from bot.conversation import Commitment, Conversation, Setting
from bot.days import day_in
from bot.documents import LearningPath
from bot.effects import Effect, Outcome, Turn, button, reply
from bot.messages import plain
from bot.sentences import say
from bot.stages import lessons, nudging, settings

FURTHEST = timedelta(days=366)  # a promise lies at most so far ahead


def commit(conversation: Conversation, words: str, turn: Turn) -> Outcome:
    """ "stage 2 by Friday": kept in the student's words, and brought up the day before."""
    path = lessons.at_hand(conversation, turn)
    stage = paths.current(path) if path else None
    if path is None or stage is None:
        return conversation, [reply(say("commitment.no_path"), button("learn", "", "learn"))]
    today = local_day(conversation, turn.at)
    by, number = day_in(words, today), lessons.stage_number_in(words)
    number = stage.stage_number if number is None else number
    if not words:
        return settings.ask(conversation, "commitment", turn)
    if by is None:  # the question, if it was asked, stays open
        return conversation, [reply(say("commitment.no_day"))]
    return _committed(conversation, path, number, by, words, turn)


def commit_pressed(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """The buttons: by a day, or letting go of it."""
    if subject.endswith(".ask"):
        return commit(conversation, "", turn)
    if subject in ("off", ""):
        gone = conversation.commitment
        conversation = replace(conversation, commitment=None)
        key = "commitment.let_go" if gone else "general.declined"
        told = reply(say(key), button("next", "", "next_path"))
        return conversation, [*(nudging.waiting(conversation, turn) if gone else ()), told]
    path_id, _, rest = subject.partition(".")
    number, _, day = rest.partition(".")
    path = turn.path(path_id)
    by = day_in(day, turn.at.date())
    if path is None or by is None or not number.isdecimal():
        return conversation, [reply(say("general.old_button"))]
    words = say("commitment.words", number=number, day=f"{by:%A} {day_month(by)}")
    return _committed(conversation, path, int(number), by, words, turn)


def _committed(
    conversation: Conversation, path: LearningPath, number: int, by: date, words: str, turn: Turn
) -> Outcome:
    today = local_day(conversation, turn.at)
    stage = paths.numbered(path, number)
    if stage is None:
        return conversation, [reply(say("commitment.no_stage", number=number, total=len(path.stages)))]
    if stage.status == "completed":
        return conversation, [reply(say("commitment.done_already", number=number))]
    if by < today:
        return conversation, [reply(say("commitment.past"))]
    if by > today + FURTHEST:
        return conversation, [reply(say("commitment.far"))]
    promise = Commitment(path=path.id, stage=number, by=by, words=" ".join(words.split())[:80])
    conversation = replace(conversation.without(Setting), commitment=promise)
    text = say(
        "commitment.noted" if by > today + timedelta(days=1) else "commitment.noted_near",
        words=plain(promise.words),
        left=lessons.minutes(sum(map(paths.stage_minutes, path.stages[:number]))),
        by=f"{by:%A} {day_month(by)}",
    )
    told = reply(text, button("next", "", "next_path"), button("commit", "off", "let_go"))
    return conversation, [*nudging.waiting(conversation, turn), told]


def closed(
    conversation: Conversation, path: LearningPath, turn: Turn
) -> tuple[Conversation, list[Effect], str]:
    """After a stage of a path was closed by a retest: what is planned, and word of a promise."""
    conversation, promise = kept(conversation, path, turn)
    return conversation, nudging.waiting(conversation, turn.knowing(path)), promise


def kept(conversation: Conversation, path: LearningPath, turn: Turn) -> tuple[Conversation, str]:
    """Word of a promise whose stage is complete; empty when there is none. One whose stage was passed over, or that
    another service has taken away, is over without a word."""
    promise = conversation.commitment
    if promise is None or promise.path != path.id:
        return conversation, ""
    stage = paths.numbered(path, promise.stage)
    if stage is None or stage.passed_over:
        return replace(conversation, commitment=None), ""
    if stage.status != "completed":
        return conversation, ""
    today = local_day(conversation, turn.at)
    key = "commitment.kept" if today <= promise.by else "commitment.kept_late"
    return replace(conversation, commitment=None), say(key, words=plain(promise.words))
