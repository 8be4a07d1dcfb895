"""A promise of one's own: "stage 2 by Friday". Kept in the student's words, brought up the day before (`nudging`), and told
kindly when it was kept. Decides only."""

import re
from datetime import date, timedelta

from msgspec.structs import replace

from bot import paths
from bot.clock import dated, local_day
from bot.commands import BY, LAST_STAGE, STAGE, THIS_STAGE, stage_in
from bot.conversation import Commitment, Conversation, Setting
from bot.days import day_in, end_in, fault
from bot.documents import LearningPath
from bot.effects import Effect, Outcome, Turn, button, reply
from bot.messages import Choice, plain
from bot.sentences import label, say
from bot.stages import lessons, nudging, settings

FURTHEST = timedelta(days=366)  # a promise lies at most so far ahead
_WHOLE_PATH = re.compile(r"\b(?:(?:my|the|this)(?: whole| entire)?(?: learning)? path)\b", re.IGNORECASE)
_TRAILS = re.compile(r"(?:[\s,;.]+|\b(?:and|then|plus)\b)+\Z", re.IGNORECASE)


def commit(conversation: Conversation, words: str, turn: Turn) -> Outcome:
    """ "stage 2 by Friday", "finish SQL by 30 March": kept in the student's words, and brought up the day before. Of the
    path named, else the one at hand; `off`: let go of."""
    if words == "off":
        return commit_pressed(conversation, words, turn)
    if words == "shown":
        return _shown(conversation, turn)
    words = _first_of(words, local_day(conversation, turn.at))
    skill = _skill_in(words, turn)
    path = lessons.at_hand(conversation, turn, skill)
    if path is None and skill:
        first = Choice(id=f"learn:{skill}", label=label("learn_skill", skill=lessons.title_of(skill, turn)))
        return conversation, [reply(say("commitment.no_path_in", skill=lessons.title_of(skill, turn)), first)]
    stage = paths.current(path) if path else None
    if path is None or stage is None:
        return conversation, [reply(say("commitment.no_path"), button("learn", "", "learn"))]
    if path.state != "active":
        back = Choice(id=f"path:{path.id}.active", label=label("take_up"))
        return conversation, [reply(say("commitment.rests", skill=lessons.title_of(path.skill, turn)), back)]
    if not words:
        return settings.ask(conversation, "commitment", turn)
    number = stage_in(words)
    if number is None:
        whole = not THIS_STAGE.search(words) and (skill or _WHOLE_PATH.search(words))
        number = LAST_STAGE if whole else stage.stage_number
    if number == LAST_STAGE:
        number = max(each.stage_number for each in path.stages if each.status != "completed")
    by = _day_of(words, local_day(conversation, turn.at))
    if not isinstance(by, date):  # the question, if it was asked, stays open
        return conversation, [reply(say(by))]
    return _committed(conversation, path, number, by, words, turn)


def is_promise(words: str, turn: Turn) -> bool:
    """Whether words that name a day are about a stage or a path: their thesis is theirs alone."""
    about = STAGE.search(words) or THIS_STAGE.search(words) or _WHOLE_PATH.search(words)
    return words in ("off", "shown") or about is not None or bool(_skill_in(words, turn))


def line(conversation: Conversation, turn: Turn, path: LearningPath | None = None) -> str:
    """What is promised, of a path or at all; empty where nothing is."""
    promise = conversation.commitment
    if promise is None or (path is not None and promise.path != path.id) or not lessons.stands(promise, turn):
        return ""
    by = dated(promise.by, local_day(conversation, turn.at))
    return say("commitment.line", words=plain(promise.words), by=f"{promise.by:%a} {by}")


def _shown(conversation: Conversation, turn: Turn) -> Outcome:
    if told := line(conversation, turn):
        return conversation, [reply(told, button("next", "", "next_path"), button("commit", "off", "let_go"))]
    return conversation, [reply(say("commitment.none"), button("next", "", "next_path"))]


def _first_of(words: str, today: date) -> str:
    """Of two promises in one text the first: one stage with its day."""
    for later in list(STAGE.finditer(words))[1:]:
        first = _TRAILS.sub("", words[: later.start()])
        if isinstance(_day_of(first, today), date):
            return first
    return words


def _skill_in(words: str, turn: Turn) -> str:
    """The skill a promise names, of their own paths or of ours; empty without one."""
    named = BY.split(STAGE.sub(" , ", words))[0].split()
    runs = (" ".join(named[at : at + size]) for size in (4, 3, 2, 1) for at in range(len(named) - size + 1))
    for run in runs:
        name = run.strip(".,!?:;")
        mine, template = lessons.named(name, turn) if name else None, turn.content.path(name)
        if mine is not None or template is not None:
            return template.skill if template is not None else name
    return ""


def _day_of(words: str, today: date) -> date | str:
    """The day after "by", else the one anywhere beside the stage; the key of a sentence where there is none."""
    rest = STAGE.sub(" , ", words)
    for part in (BY.split(rest)[-1], rest):
        if (day := end_in(part, today)) is not None:
            return day
        if (wrong := fault(part)) is not None:
            return f"days.{wrong}"
    return "commitment.no_day"


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
    day = f"{by:%A} {dated(by, local_day(conversation, turn.at))}"
    words = say("commitment.words", number=number, day=day)
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
    before = conversation.commitment
    conversation = replace(conversation.without(Setting), commitment=promise)
    other = before is not None and before.words != promise.words
    text = say(
        f"commitment.{_noted(conversation, turn, has_eve=by > today + timedelta(days=1))}",
        words=plain(promise.words),
        instead=say("commitment.instead", was=plain(before.words)) if before is not None and other else "",
        left=lessons.minutes(paths.minutes_until(path, number)),
        by=f"{by:%A} {dated(by, today)}",
    )
    told = reply(text, button("next", "", "next_path"), button("commit", "off", "let_go"))
    return conversation, [*nudging.waiting(conversation, turn), told]


def _noted(conversation: Conversation, turn: Turn, *, has_eve: bool) -> str:
    """Which sentence: it is brought up the day before only where that will come."""
    profile = conversation.profile
    if not profile.reminders:
        return "noted_off"
    return "noted" if has_eve and nudging.brings_up(conversation, turn) else "noted_near"


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
