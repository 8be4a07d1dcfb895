"""Where on a path to start: a rating of one's own, or a few questions that find out. Decides only."""

from hashlib import blake2b

from msgspec.structs import replace

from bot import paths, quizzes
from bot.conversation import Conversation, Placing, Quizzing, Recalling
from bot.documents import LearningPath
from bot.effects import Outcome, Reply, Turn, button, reply
from bot.messages import Choice
from bot.quizzes import QuizQuestion
from bot.sentences import label, say
from bot.stages import choosing, learning, lessons, quizzing

RATINGS = {"new": 0, "some": 30, "well": 55}  # levels of one's own rating; the last stages always remain
PLACED_BY = 2  # questions of a stage, and one more when these disagree


def ask(conversation: Conversation, path_id: str, turn: Turn) -> Outcome:
    """[I know some of it]: a rating of one's own, or questions that find out."""
    path = turn.path(path_id)
    if path is None:
        return conversation, [learning.choose("choose", conversation, turn)]
    if turn.content.path(path.skill) is None:
        return learning.show_next(conversation, path, turn)
    choices = [
        Choice(id=f"level:{path.id}.{each}", label=label(f"level_{each}")) for each in ("new", "some", "well")
    ]
    if _has_questions(path, turn):
        choices.append(Choice(id=f"level:{path.id}.quiz", label=label("level_quiz")))
    return conversation, [reply(say("learn.level", skill=lessons.title_of(path.skill, turn)), *choices)]


def pressed(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """`<path>`: ask; `<path>.some`: that rating; `<path>.quiz`: find out."""
    path_id, _, rating = subject.partition(".")
    path = turn.path(path_id)
    if path is None or not rating:
        return ask(conversation, path_id, turn)
    if rating == "quiz":
        return begin(conversation, path, turn, edit=True)
    return set_to(conversation, path, RATINGS.get(rating, 0), turn, edit=True)


def set_to(
    conversation: Conversation, path: LearningPath, level: int, turn: Turn, *, edit: bool = False
) -> Outcome:
    """Stages below the level are passed over, which is said, and those above it are there again; then the step at hand."""
    template = turn.content.path(path.skill)
    if template is None:
        return learning.show_next(conversation, path, turn)
    level = min(level, paths.highest_start(path, len(template.stages)))
    plan = lessons.plan_of(path, conversation, turn)
    after = paths.at_level(path, template, level, plan=plan, at=turn.at)
    conversation = lessons.not_asked(replace(conversation, chosen_path=path.id), path, Quizzing, Placing)
    text = _placed_line(path, after)
    conversation, effects = learning.show_next(conversation, after, turn.knowing(after), before=path)
    return conversation, [reply(text, edit=edit), *effects]


def _placed_line(before: LearningPath, after: LearningPath) -> str:
    """What a new level makes of the stages."""
    was, over = ({s.stage_number for s in each.stages if s.passed_over} for each in (before, after))
    end = lessons.day_text(after.progress.estimated_completion_date)
    if was - over:
        return say("learn.there_again", stages=_stages(was - over), end=end)
    if over - was:
        return say("learn.passed_over", stages=_stages(over - was), end=end)
    stage = paths.current(after)
    if stage is None or stage.stage_number == 1:
        return say("learn.from_the_start")
    return say("learn.level_stays", number=stage.stage_number)


def _stages(numbers: set[int]) -> str:
    """ "Stage 1", "Stages 1, 2 and 3"."""
    words = [str(each) for each in sorted(numbers)]
    if len(words) == 1:
        return say("learn.one_stage", number=words[0])
    return say("learn.many_stages", numbers=", ".join(words[:-1]), last=words[-1])


# By questions


def begin(conversation: Conversation, path: LearningPath, turn: Turn, *, edit: bool = False) -> Outcome:
    """Begin the questions that find somebody's level."""
    stage = Placing(path=path.id, seed=turn.event.id)
    conversation = conversation.without(Quizzing, Placing, Recalling).pushed(stage)
    return conversation, [replace(again(stage, turn), edit=edit)]


def _has_questions(path: LearningPath, turn: Turn) -> bool:
    """Whether there are questions to find a level by."""
    template = turn.content.path(path.skill)
    return template is not None and bool(turn.content.quizzes.get(template.skill))


def again(stage: Placing, turn: Turn, *, mask: int = 0) -> Reply:
    """The open question."""
    asked = _question(stage, turn)
    if asked is None:
        return reply(say("quiz.waits"), button("level", f"{stage.path}.quiz", "level_quiz"))
    heading = _heading(stage, turn)
    address = f"{stage.path}.{_turn_of(stage)}"
    message = choosing.message(asked, heading, stage.seed, address, mask=mask, typed=False, can_skip=True)
    return Reply(message=replace(message, poll=None))


def picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under its question: an answer, or one more option marked. An old one counts for nothing."""
    stage = next((s for s in conversation.stages if isinstance(s, Placing) and s.path == pick.row), None)
    if stage is None:
        return conversation, [reply(say("general.old_button"), button("next", "", "next_path"))]
    asked = _question(stage, turn)
    if asked is None:
        return conversation, [again(stage, turn)]
    if pick.turn == _turn_of(stage, before=1):
        return conversation, []  # the same press twice
    if pick.turn != _turn_of(stage):
        return conversation, [reply(say("quiz.old")), again(stage, turn)]
    answer = choosing.chosen(asked, stage.seed, pick, typed=False)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        return conversation, [replace(again(stage, turn, mask=mask), edit=True)]
    if not answer and not pick.no_idea:
        return conversation, [reply(say("quiz.none_marked")), again(stage, turn)]
    return _answered(conversation, stage, turn, right=quizzes.is_right(asked, answer), edit=True)


def said(conversation: Conversation, stage: Placing, text: str | None, turn: Turn) -> Outcome:
    """The same in words or letters; None skips it."""
    asked = _question(stage, turn)
    if asked is None or not quizzing.is_asked(stage, turn.at):
        return conversation, [again(stage, turn)]
    answer = choosing.said(asked, stage.seed, text, typed=False) if text is not None else ()
    if answer is None:
        return conversation, [reply(say("quiz.press")), again(stage, turn)]
    return _answered(conversation, stage, turn, right=quizzes.is_right(asked, answer))


def left(conversation: Conversation, stage: Placing) -> Outcome:
    """Gone away from; nothing of it is kept."""
    choices = button("next", "", "next_path"), button("level", stage.path, "level")
    return conversation.swapped(stage, None), [reply(say("quiz.placement_left"), *choices)]


def _answered(
    conversation: Conversation, stage: Placing, turn: Turn, *, right: bool, edit: bool = False
) -> Outcome:
    """On to the next question; the first stage that is not known is where to start."""
    path = turn.path(stage.path)
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
    if verdict is None and _question(after, turn) is not None:
        return conversation.swapped(stage, after), [replace(again(after, turn), edit=edit)]
    known = sum(knows(each) is True for each in after.answers)
    level = paths.level_after(known, stages)
    return set_to(conversation.swapped(stage, None), path, level, turn, edit=edit)


def knows(answers: tuple[bool, ...]) -> bool | None:
    """Whether somebody knows a stage by these answers; None while that is open. Two alike decide."""
    if answers.count(True) == PLACED_BY:
        return True
    return False if answers.count(False) == PLACED_BY else None


def _question(stage: Placing, turn: Turn) -> QuizQuestion | None:
    path = turn.path(stage.path)
    template = turn.content.path(path.skill) if path else None
    if path is None or template is None or len(stage.answers) > len(template.stages):
        return None
    name = template.stages[len(stage.answers) - 1].stage_name
    bank = [each for each in turn.content.quizzes.get(template.skill, ()) if each.stage == name]
    keys = quizzes.drawn(bank, 2 * PLACED_BY - 1, {}, f"{stage.seed}/{name}")
    place_ = len(stage.answers[-1])
    return turn.content.quiz_question(keys[place_]) if place_ < len(keys) else None


def _heading(stage: Placing, turn: Turn) -> str:
    path = next(each for each in turn.known.paths if each.id == stage.path)
    return say("quiz.placement", skill=lessons.title_of(path.skill, turn), number=_count(stage) + 1)


def _turn_of(stage: Placing, *, before: int = 0) -> str:
    """Which question of which placement: a button of an earlier one (`before`: by how many) is none of this."""
    return f"p{blake2b(stage.seed.encode(), digest_size=3).hexdigest()}-{_count(stage) - before}"


def _count(stage: Placing) -> int:
    return sum(len(each) for each in stage.answers)
