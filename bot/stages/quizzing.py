"""Quizzes: of a stage, which closes it, and of a path, which finds where to start. Asks, tells why, sums up. Decides only.

An answered question is edited in place. What was answered is on the row of `learning_progress`, so a quiz can be left and
gone on with, and a button of it answers once.
"""

from datetime import datetime

from msgspec.structs import replace

from bot import paths, quizzes
from bot.conversation import Conversation, Placing, Quizzing
from bot.documents import LearningPath, LearningProgress, PathStage, QuizAttempt, insert, slug_uuid, update
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.ports import Known
from bot.quizzes import QuizQuestion
from bot.sentences import counted, say
from bot.stages import choosing, lessons, nudging, reviewing

ATTEMPTS_KEPT = 10  # of a quiz; what was missed is in its cards
MOST_LINKS = 2  # resources offered after a failed quiz
PLACED_BY = 2  # questions of a stage, and one more when these disagree


def wanted(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`quiz`, `quiz sql`: of the stage at hand; a quiz that was begun goes on."""
    path = lessons.at_hand(conversation, turn, argument)
    stage = paths.current(path) if path else None
    if path is None:
        return conversation, [reply(say("quiz.no_path"), button("learn", "", "learn"))]
    if stage is None:
        return conversation, [
            reply(
                say("learn.path_done", skill=lessons.title_of(path.skill, turn)), button("learn", "", "learn")
            )
        ]
    return start(conversation, path, stage, turn)


def pressed(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """[Start the quiz], [Next]: `<path>.<stage>`."""
    path_id, _, number = subject.partition(".")
    path = next((each for each in turn.known.paths if each.id == path_id), None)
    stage = next((each for each in path.stages if str(each.stage_number) == number), None) if path else None
    if path is None or stage is None:
        return conversation, [reply(say("general.old_button"))]
    return start(conversation, path, stage, turn, edit=True)


def start(
    conversation: Conversation, path: LearningPath, stage: PathStage, turn: Turn, *, edit: bool = False
) -> Outcome:
    """A new attempt, or the one that is open; its question is asked."""
    bank = lessons.questions_of(path, stage, turn)
    if not bank:
        return conversation, [reply(say("quiz.none"), button("next", "", "next_path"))]
    row, effects = _row(conversation, path, stage, turn)
    open_ = lessons.open_attempt(row)
    if open_ is None and stage.status == "completed":
        return conversation, [
            reply(say("quiz.passed_already", number=stage.stage_number), button("next", "", "next_path"))
        ]
    if open_ is None:
        row = _with_attempt(row, bank, stage, turn)
        effects.append(_kept(row, turn.at))
    conversation = conversation.without(Quizzing, Placing).pushed(
        Quizzing(path=path.id, row=row.id, number=stage.stage_number)
    )
    shown = _question(path, stage, row, turn)
    return conversation, [*effects, replace(shown, edit=edit)]


def again(stage: Quizzing | Placing, turn: Turn) -> Reply:
    """The open question, asked once more; [Go on] where its path is not at hand."""
    if isinstance(stage, Placing):
        return _placing(stage, turn)
    found = _at(stage, turn)
    if found is None:
        return reply(say("quiz.waits"), button("quiz", f"{stage.path}.{stage.number}", "quiz_on"))
    path, number, row = found
    return _question(path, number, row, turn)


def picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under a quiz question: an answer, or one more option marked. An old one counts for nothing."""
    if isinstance(floor := conversation.floor, Placing) and pick.row == floor.path:
        return _place_picked(conversation, floor, pick, turn)
    row = next((each for each in turn.known.progress if each.id == pick.row), None)
    path = next((each for each in turn.known.paths if row is not None and each.id == row.path_id), None)
    open_ = lessons.open_attempt(row)
    if row is None or path is None:
        return conversation, [reply(say("general.old_button"))]
    stage = paths.stage_of(path, row.stage_number)
    if open_ is None or pick.turn != _turn_of(open_):
        if open_ is not None and pick.turn == _turn_of(replace(open_, answers=open_.answers[:-1])):
            return conversation, []  # the same press twice
        on = button("quiz", f"{path.id}.{stage.stage_number}", "quiz_on")
        return conversation, [reply(say("quiz.old"), *([on] if open_ else [button("next", "", "next_path")]))]
    asked = turn.content.quiz_question(open_.questions[len(open_.answers)])
    if asked is None:
        return _answered(conversation, path, stage, row, None, (), turn, edit=True)
    answer = choosing.chosen(asked, _seed(open_), pick, typed=True)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        return conversation, [replace(_question(path, stage, row, turn, mask=mask), edit=True)]
    if not answer:
        return conversation, [reply(say("quiz.none_marked"))]
    return _answered(conversation, path, stage, row, asked, answer, turn, edit=True)


def said(conversation: Conversation, stage: Quizzing | Placing, text: str, turn: Turn) -> Outcome:
    """An answer in words or letters."""
    if isinstance(stage, Placing):
        return _place_said(conversation, stage, text, turn)
    found = _at(stage, turn)
    if found is None:
        return conversation.swapped(stage, None), [reply(say("quiz.gone"), button("next", "", "next_path"))]
    path, on_path, row = found
    open_ = lessons.open_attempt(row)
    assert open_ is not None
    asked = turn.content.quiz_question(open_.questions[len(open_.answers)])
    answer = choosing.said(asked, _seed(open_), text) if asked else ()
    if answer is None:
        return conversation, [reply(say("quiz.press")), _question(path, on_path, row, turn)]
    return _answered(conversation, path, on_path, row, asked, answer, turn)


def skipped(
    conversation: Conversation, stage: Quizzing | Placing, turn: Turn, *, edit: bool = False
) -> Outcome:
    """ "Don't know": it counts as missed, and what is right is told."""
    if isinstance(stage, Placing):
        return _placed(conversation, stage, turn, right=False, edit=edit)
    found = _at(stage, turn)
    if found is None:
        return conversation.swapped(stage, None), [reply(say("quiz.gone"), button("next", "", "next_path"))]
    path, on_path, row = found
    open_ = lessons.open_attempt(row)
    assert open_ is not None
    asked = turn.content.quiz_question(open_.questions[len(open_.answers)])
    return _answered(conversation, path, on_path, row, asked, (), turn, edit=edit)


def left(conversation: Conversation, stage: Quizzing | Placing) -> Outcome:
    """Gone away from; what was answered is kept."""
    if isinstance(stage, Placing):
        return conversation.swapped(stage, None), [
            reply(say("quiz.placement_left"), button("next", "", "next_path"))
        ]
    on = button("quiz", f"{stage.path}.{stage.number}", "quiz_on")
    return conversation.swapped(stage, None), [reply(say("quiz.left"), on)]


def _answered(
    conversation: Conversation,
    path: LearningPath,
    stage: PathStage,
    row: LearningProgress,
    asked: QuizQuestion | None,
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
    told = choosing.verdict(asked, answer) if asked else say("quiz.withdrawn")
    parts = [heading, plain(asked.question), told] if asked else [heading, told]
    text = "\n\n".join(parts)
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
    last = row.attempts[-1]
    asked = [turn.content.quiz_question(key) for key in last.questions]
    pairs = [(each, given) for each, given in zip(asked, last.answers, strict=True) if each is not None]
    wrong = [each for each, given in pairs if not choosing.is_right(each, given)]
    right = len(pairs) - len(wrong)
    score = round(100 * right / len(pairs)) if pairs else 0
    passing = stage.assessment.passing_score
    last = replace(last, score=score, ended_at=turn.at)
    passed = score >= passing
    row = replace(row, attempts=(*row.attempts[:-1], last))
    cards = reviewing.missed(conversation, [reviewing.of_question(each, path, turn) for each in wrong], turn)
    conversation = conversation.without(Quizzing)
    counts = {"right": right, "total": len(pairs), "score": score, "passing": passing}
    if not passed:
        text, choices = _failed(path, stage, wrong, counts)
        return conversation, [_kept(row, turn.at, ended=True), *cards, reply(text, *choices)]
    hours = conversation.profile.hours_a_week
    after = paths.with_assessed(path, stage.stage_number, hours=hours, at=turn.at)
    row = replace(row, status="completed", completed_at=turn.at)
    lines = [say("quiz.passed", **counts)]
    closed = paths.stage_of(after, stage.stage_number).status == "completed"
    key = "quiz.closes" if closed else "quiz.closes_later"
    lines.append(say(key, number=stage.stage_number, skill=lessons.title_of(path.skill, turn)))
    if wrong:
        lines.append(say("quiz.comes_back", questions=counted(len(wrong), "question")))
    known = _with_path(replace(turn.known, progress=_with_row(turn.known.progress, row)), after)
    turn = replace(turn, known=known)
    conversation, promise = nudging.kept(conversation, after, turn)
    lines += [promise] if promise else []
    step = paths.step(after)
    if step is None:
        lines.append(say("learn.path_done", skill=lessons.title_of(path.skill, turn)))
    choices = [button("next", "", "next_path"), button("progress", "", "progress")]
    if step is not None and closed and conversation.commitment is None:
        lines.append(say("commitment.offer", number=step.stage.stage_number))
        choices.insert(1, button("commit", f"{after.id}.ask", "commit"))
    effects: list[Effect] = [_kept(row, turn.at, ended=True), *cards, paths.changes(path, after)]
    effects += nudging.waiting(conversation, turn)
    return conversation, [*effects, reply("\n\n".join(lines), *choices)]


def _failed(
    path: LearningPath, stage: PathStage, wrong: list[QuizQuestion], counts: dict[str, int]
) -> tuple[str, list[Choice]]:
    """The topics missed, and what explains them."""
    topics = ", ".join(dict.fromkeys(plain(each.topic) for each in wrong))
    lines = [say("quiz.failed", **counts), say("quiz.missed", topics=topics)]
    wanted_ = dict.fromkeys(each.resource_id for each in wrong)
    links = [each for uuid in wanted_ for each in stage.resources if each.resource_id == uuid]
    shown = [say("quiz.link", title=plain(each.title), url=each.url) for each in links[:MOST_LINKS]]
    if shown:
        lines.append("  \n".join(shown))
    lines.append(say("quiz.retry_other"))
    again_ = button("quiz", f"{path.id}.{stage.stage_number}", "quiz_again")
    return "\n\n".join(lines), [again_, button("snooze", "", "snooze")]


def _question(
    path: LearningPath, stage: PathStage, row: LearningProgress, turn: Turn, *, mask: int = 0
) -> Reply:
    open_ = row.attempts[-1]
    heading = _heading(path, stage, open_, turn)
    asked = turn.content.quiz_question(open_.questions[len(open_.answers)])
    if asked is None:  # the catalogue has let go of it: it counts neither way
        return reply(f"{heading}\n\n{say('quiz.withdrawn')}", button("skip", row.id, "skip"))
    address = f"{row.id}.{_turn_of(open_)}"
    more = (button("skip", row.id, "no_idea"),) if asked.kind == "fill" else ()
    message = choosing.message(asked, heading, _seed(open_), address, mask=mask, more=more)
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
    uuid = slug_uuid("quiz", path.skill, stage.stage_name)
    rows = (each for each in turn.known.progress if each.path_id == path.id)
    row = next((each for each in rows if each.resource_id == uuid), None)
    if row is not None:
        return row, []
    made = reviewing.new_row(conversation, uuid, "quiz", path.id, turn, stage=stage.stage_number)
    return made, [insert(made)]


def _with_attempt(
    row: LearningProgress, bank: list[QuizQuestion], stage: PathStage, turn: Turn
) -> LearningProgress:
    """With a new attempt, whose questions are others than before as far as there are any."""
    number = row.attempts[-1].number + 1 if row.attempts else 1
    seed = f"{row.id}/{number}"
    earlier = row.attempts[-1].questions if row.attempts else ()
    keys = quizzes.drawn(bank, stage.assessment.questions_count, earlier, seed)
    attempt = QuizAttempt(number=number, seed=seed, questions=keys, begun_at=turn.at)
    kept = (*row.attempts, attempt)[-ATTEMPTS_KEPT:]
    return replace(row, attempts=kept, status="in_progress")


def _kept(row: LearningProgress, at: datetime, *, ended: bool = False) -> Effect:
    fields: dict[str, object] = {"attempts": row.attempts, "updated_at": at}
    if row.status == "completed":
        fields |= {"status": row.status, "completed_at": row.completed_at}
    elif ended or len(row.attempts[-1].answers) == 0:
        fields["status"] = row.status
    return update(LearningProgress, row.id, **fields)


def _at(stage: Quizzing, turn: Turn) -> tuple[LearningPath, PathStage, LearningProgress] | None:
    row = next((each for each in turn.known.progress if each.id == stage.row), None)
    path = next((each for each in turn.known.paths if each.id == stage.path), None)
    if row is None or path is None or lessons.open_attempt(row) is None:
        return None
    return path, paths.stage_of(path, stage.number), row


def _turn_of(open_: QuizAttempt) -> str:
    return f"q{open_.number}-{len(open_.answers)}"


def _seed(open_: QuizAttempt) -> str:
    return open_.seed


def _with_row(rows: tuple[LearningProgress, ...], row: LearningProgress) -> tuple[LearningProgress, ...]:
    return (*(each for each in rows if each.id != row.id), row)


def _with_path(known: Known, after: LearningPath) -> Known:
    return replace(known, paths=tuple(after if each.id == after.id else each for each in known.paths))


# Where on a path to start


def place(conversation: Conversation, path: LearningPath, turn: Turn, *, edit: bool = False) -> Outcome:
    """Begin the questions that find somebody's level."""
    stage = Placing(path=path.id, seed=turn.event.id)
    conversation = conversation.without(Quizzing, Placing).pushed(stage)
    shown = _placing(stage, turn)
    return conversation, [replace(shown, edit=edit)]


def _placing(stage: Placing, turn: Turn) -> Reply:
    """The open question of a placement."""
    asked = _placing_question(stage, turn)
    if asked is None:
        return reply(say("quiz.waits"), button("next", "", "next_path"))
    heading = _placing_heading(stage, turn)
    address = f"{stage.path}.p{_count(stage)}"
    message = choosing.message(asked, heading, stage.seed, address, typed=False)
    more = (*message.choices, button("skip", stage.path, "no_idea"))
    return Reply(message=replace(message, choices=more, poll=None))


def _place_picked(conversation: Conversation, stage: Placing, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under a question of the placement."""
    asked = _placing_question(stage, turn)
    if asked is None or pick.turn != f"p{_count(stage)}":
        return conversation, []
    answer = choosing.chosen(asked, stage.seed, pick, typed=False)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        heading = _placing_heading(stage, turn)
        address = f"{stage.path}.p{_count(stage)}"
        message = choosing.message(asked, heading, stage.seed, address, mask=mask, typed=False)
        return conversation, [Reply(message=message, edit=True)]
    right = choosing.is_right(asked, answer)
    return _placed(conversation, stage, turn, right=right, edit=True)


def _place_said(conversation: Conversation, stage: Placing, text: str, turn: Turn) -> Outcome:
    """The same in words or letters."""
    asked = _placing_question(stage, turn)
    answer = choosing.said(asked, stage.seed, text, typed=False) if asked else None
    if answer is None or asked is None:
        return conversation, [reply(say("quiz.press")), _placing(stage, turn)]
    return _placed(conversation, stage, turn, right=choosing.is_right(asked, answer))


def _placed(
    conversation: Conversation, stage: Placing, turn: Turn, *, right: bool, edit: bool = False
) -> Outcome:
    """On to the next question; the first stage that is not known is where to start."""
    from bot.stages import learning  # the path's own words follow; it imports this module

    path = next((each for each in turn.known.paths if each.id == stage.path), None)
    template = turn.content.path(path.skill) if path else None
    if path is None or template is None:
        return conversation.swapped(stage, None), [reply(say("general.old_button"))]
    answers = (*stage.answers[-1], right)
    verdict = knows(answers)
    after = replace(stage, answers=(*stage.answers[:-1], answers))
    stages = len(template.stages)
    if verdict is True and len(after.answers) < stages:
        after = replace(after, answers=(*after.answers, ()))
        verdict = None
    if verdict is None and _placing_question(after, turn) is not None:
        return conversation.swapped(stage, after), [replace(_placing(after, turn), edit=edit)]
    known = sum(knows(each) is True for each in after.answers)
    level = paths.level_after(known, stages)
    return learning.level_set(conversation.swapped(stage, None), path, level, turn, edit=edit)


def knows(answers: tuple[bool, ...]) -> bool | None:
    """Whether somebody knows a stage by these answers; None while that is open. Two alike decide."""
    if answers.count(True) == PLACED_BY:
        return True
    return False if answers.count(False) == PLACED_BY else None


def _placing_question(stage: Placing, turn: Turn) -> QuizQuestion | None:
    path = next((each for each in turn.known.paths if each.id == stage.path), None)
    template = turn.content.path(path.skill) if path else None
    if path is None or template is None or len(stage.answers) > len(template.stages):
        return None
    name = template.stages[len(stage.answers) - 1].stage_name
    bank = [each for each in turn.content.quizzes.get(path.skill, ()) if each.stage == name]
    keys = quizzes.drawn(bank, 2 * PLACED_BY - 1, (), f"{stage.seed}/{name}")
    place_ = len(stage.answers[-1])
    return turn.content.quiz_question(keys[place_]) if place_ < len(keys) else None


def _placing_heading(stage: Placing, turn: Turn) -> str:
    path = next(each for each in turn.known.paths if each.id == stage.path)
    return say("quiz.placement", skill=lessons.title_of(path.skill, turn), number=_count(stage) + 1)


def _count(stage: Placing) -> int:
    return sum(len(each) for each in stage.answers)
