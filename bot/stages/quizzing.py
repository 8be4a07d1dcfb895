"""The quiz of a stage, which closes it: asks, tells why, sums up. Decides only.

An answered question is edited in place. What was answered is on the row of `learning_progress`, so a quiz can be left and
gone on with, and a button of it answers once.
"""

from datetime import datetime, timedelta
from math import ceil

from msgspec.structs import replace

from bot import paths, quizzes
from bot.conversation import Conversation, Placing, Quizzing, Recalling
from bot.documents import LearningPath, LearningProgress, PathStage, QuizAttempt, insert, update
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.quizzes import QuizQuestion
from bot.sentences import counted, say
from bot.stages import choosing, committing, lessons, nudging, reviewing

ATTEMPTS_KEPT = 10  # of a quiz; what was missed is in its cards
MOST_LINKS = 2  # resources offered after a failed quiz
WORDS_COUNT = timedelta(days=1)  # after the question: later ones are hardly an answer to it


def pressed(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """[Start the quiz], [Next]: `<path>.<stage>`."""
    path, stage = lessons.addressed(subject, turn)
    if path is None or stage is None:
        return conversation, [reply(say("general.old_button"))]
    return start(conversation, path, stage, turn, edit=True)


def start(
    conversation: Conversation, path: LearningPath, stage: PathStage, turn: Turn, *, edit: bool = False
) -> Outcome:
    """A new attempt, or the one that is open; its question is asked. `edit`: in the place of what was pressed, but for what
    a failed attempt was told."""
    bank = lessons.questions_of(path, stage, turn)
    if not bank:
        conversation = conversation.without(Quizzing)
        return conversation, [reply(say("quiz.none"), button("next", "", "next_path"))]
    row, effects = _row(conversation, path, stage, turn)
    if stage.status == "completed" or row.status == "completed":
        return conversation.without(Quizzing), [_not_needed(path, stage, turn)]
    if open_ := lessons.open_attempt(row):
        attempt = _mended(open_, bank, turn)
        note = say("quiz.withdrawn") if attempt is not open_ else ""
        edit = edit and (attempt.number == 1 or bool(attempt.answers))  # what a failed one came to stays
        row = replace(row, attempts=(*row.attempts[:-1], attempt))
    else:
        edit = edit and not row.attempts
        note, row = "", _with_attempt(row, bank, stage, turn)
    last = row.attempts[-1]
    if last is not open_:
        effects.append(_kept(row, turn.at))
    conversation = replace(conversation, chosen_path=path.id).without(Quizzing, Placing, Recalling)
    if len(last.answers) == len(last.questions):
        conversation, ended = _ended(conversation, path, stage, row, turn)
        return conversation, [*effects, reply(note, edit=edit), *ended]
    conversation = conversation.pushed(Quizzing(path=path.id, row=row.id, number=stage.stage_number))
    shown = _question(path, stage, row, turn, note=note)
    return conversation, [*effects, replace(shown, edit=edit)]


def _not_needed(path: LearningPath, stage: PathStage, turn: Turn) -> Reply:
    """It is passed, or the stage is passed over."""
    values = {"number": stage.stage_number, "skill": lessons.title_of(path.skill, turn)}
    if stage.status == "completed":
        text = say("quiz.not_needed", **values)
    else:
        text = f"{say('quiz.is_passed')} {say('quiz.closes_later', **values)}"
    return reply(text, button("next", "", "next_path"))


def _mended(open_: QuizAttempt, bank: list[QuizQuestion], turn: Turn) -> QuizAttempt:
    """With other questions in the place of those that were withdrawn and not answered yet, as far as there are any."""
    number = len(open_.answers)
    left = [key for key in open_.questions[number:] if turn.content.quiz_question(key) is not None]
    gone = len(open_.questions) - number - len(left)
    if not gone:
        return open_
    spare = [each for each in bank if each.key not in open_.questions]
    more = quizzes.drawn(spare, gone, {}, f"{open_.seed}/{number}")
    return replace(open_, questions=(*open_.questions[:number], *left, *more))


def noted(conversation: Conversation, effects: list[Effect], at: datetime) -> Conversation:
    """Whether the open question is the last thing said; only then words are an answer to it."""
    said_ = [each for each in effects if isinstance(each, Reply)]
    for stage in conversation.stages if said_ else ():
        if isinstance(stage, Quizzing | Placing):
            mine = f"pick:{stage.row if isinstance(stage, Quizzing) else stage.path}."
            asks = any(each.id.startswith(mine) for each in said_[-1].message.choices)
            conversation = conversation.swapped(stage, replace(stage, asked_at=at if asks else None))
    return conversation


def is_asked(stage: Quizzing | Placing, at: datetime) -> bool:
    """Whether words are an answer to it."""
    return stage.asked_at is not None and at - stage.asked_at <= WORDS_COUNT


def again(stage: Quizzing, turn: Turn) -> Reply:
    """The open question, asked once more; [Go on] where it is not at hand."""
    found = _at(stage, turn)
    if found is None:
        return reply(say("quiz.waits"), back_to(stage))
    path, on_path, row, _ = found
    return _question(path, on_path, row, turn)


def picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under a quiz question: an answer, or one more option marked. An old one counts for nothing."""
    row = turn.row(pick.row)
    path = turn.path(row.path_id) if row else None
    open_ = lessons.open_attempt(row)
    stage = paths.numbered(path, row.stage_number) if row is not None else None
    if row is None or path is None or stage is None:
        return conversation, [reply(say("general.old_button"), button("next", "", "next_path"))]
    if open_ is None or pick.turn != _turn_of(open_):
        if open_ is not None and _is_repeated(pick, open_, turn):
            return conversation, []
        on = button("quiz", f"{path.id}.{stage.stage_number}", "quiz_on")
        return conversation, [reply(say("quiz.old"), on if open_ else button("next", "", "next_path"))]
    asked = _asked(open_, turn)
    if asked is None:
        return start(conversation, path, stage, turn, edit=True)
    answer = choosing.chosen(asked, open_.seed, pick, typed=True)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        return conversation, [replace(_question(path, stage, row, turn, mask=mask), edit=True)]
    if not answer and not pick.no_idea:
        return conversation, [reply(say("quiz.none_marked")), _question(path, stage, row, turn)]
    return _answered(conversation, path, stage, row, asked, answer, turn, edit=True)


def _is_repeated(pick: choosing.Pick, open_: QuizAttempt, turn: Turn) -> bool:
    """Whether it is the press that has just been counted, once more."""
    before = replace(open_, answers=open_.answers[:-1])
    if not open_.answers or pick.turn != _turn_of(before):
        return False
    asked = _asked(before, turn)
    return asked is None or choosing.chosen(asked, open_.seed, pick, typed=True) in (None, open_.answers[-1])


def said(conversation: Conversation, stage: Quizzing, text: str | None, turn: Turn) -> Outcome:
    """An answer in words or letters; None skips it, which counts as missed. After anything else was said, the question
    comes again first."""
    found = _at(stage, turn)
    if found is None:
        return conversation.swapped(stage, None), [reply(say("quiz.gone"), button("next", "", "next_path"))]
    path, on_path, row, open_ = found
    asked = _asked(open_, turn)
    if asked is None or not is_asked(stage, turn.at):
        conversation, effects = start(conversation, path, on_path, turn)
        return conversation, [*([reply(say("quiz.here_again"))] if asked and text else []), *effects]
    answer = choosing.said(asked, open_.seed, text) if text is not None else ()
    if answer is None:
        return conversation, [reply(say("quiz.press")), _question(path, on_path, row, turn)]
    return _answered(conversation, path, on_path, row, asked, answer, turn)


def left(conversation: Conversation, stage: Quizzing) -> Outcome:
    """Gone away from; what was answered of it is kept."""
    return conversation.swapped(stage, None), [reply(say("quiz.left"), back_to(stage))]


def back_to(stage: Quizzing) -> Choice:
    """[Go on with the quiz]."""
    return button("quiz", f"{stage.path}.{stage.number}", "quiz_on")


def _answered(
    conversation: Conversation,
    path: LearningPath,
    stage: PathStage,
    row: LearningProgress,
    asked: QuizQuestion,
    answer: tuple[str, ...],
    turn: Turn,
    *,
    edit: bool = False,
) -> Outcome:
    """Keep the answer, say what it comes to; after the last one, what all come to."""
    open_ = row.attempts[-1]
    heading = _heading(path, stage, open_, turn)
    after = replace(open_, answers=(*open_.answers, answer))
    row = replace(row, attempts=(*row.attempts[:-1], after))
    text = choosing.answered(asked, heading, answer)
    if len(after.answers) < len(after.questions):
        number = len(after.answers) + 1
        following = button(
            "quiz",
            f"{path.id}.{stage.stage_number}",
            "next_question",
            number=number,
            total=len(after.questions),
        )
        return conversation, [_kept(row, turn.at), reply(text, following, edit=edit)]
    conversation, effects = _ended(conversation, path, stage, row, turn)
    return conversation, [reply(text, edit=edit), *effects]


def _ended(
    conversation: Conversation, path: LearningPath, stage: PathStage, row: LearningProgress, turn: Turn
) -> Outcome:
    """The last question is answered: passed or not, what was missed, and the one thing to do next."""
    last = replace(row.attempts[-1], ended_at=turn.at)
    conversation = conversation.without(Quizzing)
    asked = [turn.content.quiz_question(key) for key in last.questions]
    pairs = [(each, given) for each, given in zip(asked, last.answers, strict=True) if each is not None]
    wrong = [each for each, given in pairs if not quizzes.is_right(each, given)]
    right = len(pairs) - len(wrong)
    score, passing = round(100 * right / len(pairs)), lessons.passing_of(stage)
    last = replace(last, score=score)
    minutes = lessons.attempt_minutes(last)
    row = replace(
        row, attempts=(*row.attempts[:-1], last), time_spent_minutes=row.time_spent_minutes + minutes
    )
    cards = reviewing.missed(conversation, [reviewing.of_question(each, path, turn) for each in wrong], turn)
    counts = {"right": right, "total": len(pairs), "needed": ceil(passing * len(pairs) / 100)}
    spent = replace(paths.with_spent(path, minutes), updated_at=turn.at)
    if score < passing:
        text, choices = _failed(path, stage, wrong, counts, retry=_retry(path, stage, row, turn))
        kept = [_kept(row, turn.at), paths.changes(path, spent)]
        return conversation, [*kept, *cards, reply(text, *choices)]
    plan = lessons.plan_of(path, conversation, turn)
    after = paths.with_assessed(spent, stage.stage_number, plan=plan, at=turn.at)
    row = replace(row, status="completed", completed_at=turn.at)
    lines = [say("quiz.passed", **counts)]
    closed = paths.stage_of(after, stage.stage_number).status == "completed"
    key = "quiz.closes" if closed else "quiz.closes_later"
    lines.append(say(key, number=stage.stage_number, skill=lessons.title_of(path.skill, turn)))
    if wrong:
        lines.append(say("quiz.comes_back", questions=counted(len(wrong), "question")))
    turn = turn.knowing(after, row)
    conversation, promise = committing.kept(conversation, after, turn)
    lines += [each for each in (promise, lessons.slipped(path, after, turn)) if each]
    step = paths.step(after)
    if step is None:
        lines.append(lessons.finished(after, turn))
    choices = [button("next", "", "next_path"), button("progress", "", "progress")]
    if step is not None and closed and conversation.commitment is None:
        lines.append(say("commitment.offer", number=step.stage.stage_number))
        choices.insert(1, button("commit", f"{after.id}.ask", "commit"))
    effects: list[Effect] = [_kept(row, turn.at), *cards, paths.changes(path, after)]
    effects += nudging.waiting(conversation, turn)
    return conversation, [*effects, reply("\n\n".join(lines), *choices)]


def _failed(
    path: LearningPath, stage: PathStage, wrong: list[QuizQuestion], counts: dict[str, int], *, retry: str
) -> tuple[str, list[Choice]]:
    """The topics missed, what explains them, and what the next try asks (`retry`)."""
    topics = ", ".join(dict.fromkeys(plain(each.topic) for each in wrong))
    lines = [say("quiz.failed", **counts), say("quiz.missed", topics=topics)]
    wanted_ = dict.fromkeys(each.resource_id for each in wrong)
    links = [each for uuid in wanted_ for each in stage.resources if each.resource_id == uuid]
    shown = [say("quiz.link", title=plain(each.title), url=each.url) for each in links[:MOST_LINKS]]
    if shown:
        lines.append("  \n".join([say("quiz.explained"), *shown]))
    lines.append(retry)
    again_ = button("quiz", f"{path.id}.{stage.stage_number}", "quiz_again")
    return "\n\n".join(lines), [again_, button("snooze", "", "snooze")]


def _retry(path: LearningPath, stage: PathStage, row: LearningProgress, turn: Turn) -> str:
    """Whether the next try can ask what none has asked yet."""
    bank = lessons.questions_of(path, stage, turn)
    fresh = len({each.key for each in bank} - _last_asked(row).keys())
    return say("quiz.retry_other" if fresh >= lessons.asked_of(stage, len(bank)) else "quiz.retry_known")


def _question(
    path: LearningPath,
    stage: PathStage,
    row: LearningProgress,
    turn: Turn,
    *,
    mask: int = 0,
    note: str = "",
) -> Reply:
    open_ = row.attempts[-1]
    asked = _asked(open_, turn)
    if asked is None:  # the catalogue has let go of it: [Go on] brings another
        return reply(say("quiz.waits"), button("quiz", f"{path.id}.{stage.stage_number}", "quiz_on"))
    heading = "\n\n".join(part for part in (note, _heading(path, stage, open_, turn)) if part)
    address = f"{row.id}.{_turn_of(open_)}"
    message = choosing.message(asked, heading, open_.seed, address, mask=mask, can_skip=True)
    return Reply(message=replace(message, poll=None))  # several in a row are quicker edited in place


def _heading(path: LearningPath, stage: PathStage, open_: QuizAttempt, turn: Turn) -> str:
    return say(
        "quiz.heading",
        skill=lessons.title_of(path.skill, turn),
        stage=stage.stage_number,
        number=len(open_.answers) + 1,
        total=len(open_.questions),
    )


def _row(
    conversation: Conversation, path: LearningPath, stage: PathStage, turn: Turn
) -> tuple[LearningProgress, list[Effect]]:
    """The row of this stage's quiz, made when it is first wanted."""
    step = paths.Step(kind="quiz", stage=stage)
    row, uuid = lessons.row_of(path, step, turn), lessons.step_id(path, step)
    if row is not None:
        return row, []
    made = lessons.new_row(conversation, uuid, "quiz", path.id, turn, stage=stage.stage_number)
    return made, [insert(made)]


def _with_attempt(
    row: LearningProgress, bank: list[QuizQuestion], stage: PathStage, turn: Turn
) -> LearningProgress:
    """With a new attempt, whose questions are others than before as far as there are any."""
    number = row.attempts[-1].number + 1 if row.attempts else 1
    seed = f"{row.id}/{number}"
    keys = quizzes.drawn(bank, lessons.asked_of(stage, len(bank)), _last_asked(row), seed)
    attempt = QuizAttempt(number=number, seed=seed, questions=keys, begun_at=turn.at)
    kept = (*row.attempts, attempt)[-ATTEMPTS_KEPT:]
    return replace(row, attempts=kept, status="in_progress")


def _last_asked(row: LearningProgress) -> dict[str, int]:
    """The number of the last attempt that asked each question."""
    return {key: each.number for each in row.attempts for key in each.questions}


def _kept(row: LearningProgress, at: datetime) -> Effect:
    kept: dict[str, object] = {"attempts": row.attempts, "status": row.status, "updated_at": at}
    if row.attempts and row.attempts[-1].ended_at is not None:
        kept |= {"completed_at": row.completed_at, "time_spent_minutes": row.time_spent_minutes}
    return update(LearningProgress, row.id, **kept)


def _at(stage: Quizzing, turn: Turn) -> tuple[LearningPath, PathStage, LearningProgress, QuizAttempt] | None:
    row = turn.row(stage.row)
    path = turn.path(stage.path)
    on_path = paths.numbered(path, stage.number)
    open_ = lessons.open_attempt(row)
    if row is None or path is None or on_path is None or open_ is None:
        return None
    return path, on_path, row, open_


def _asked(open_: QuizAttempt, turn: Turn) -> QuizQuestion | None:
    """The open question; None where the content has let go of it."""
    return turn.content.quiz_question(open_.questions[len(open_.answers)])


def _turn_of(open_: QuizAttempt) -> str:
    return f"q{open_.number}-{len(open_.answers)}"
