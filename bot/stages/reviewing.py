"""What was missed comes back: cards from interviews, quizzes and recall questions.

Decides only. When a card is due is FSRS's word (`bot/reviews.py`); the sweep that brings it is in `nudging`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from fsrs import Rating
from msgspec.structs import replace

from bot import grader, quizzes, reviews
from bot.clock import day_month, local_day, shown, zone_of
from bot.conversation import Conversation, Recalling, Result
from bot.documents import (
    DisputedRecall,
    LearningPath,
    LearningProgress,
    Recall,
    ReviewCard,
    insert,
    slug_uuid,
    update,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded
from bot.messages import Choice, Message, plain
from bot.questions import Grade
from bot.quizzes import QuizQuestion
from bot.sentences import say
from bot.stages import choosing, feedback, lessons

WEAK_BELOW = 65  # points: the border between "partial" and "good"; also what a retest has to reach
A_DAY = 5  # reviews that `next` brings before the path's own step
RECALL_OPEN = timedelta(days=1)  # later words are hardly an answer to what was asked about a resource
# The longest pause between nudges: an answer that comes late is one all the same.
REVIEW_OPEN = timedelta(days=7)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A card as a question. `topic`: of questions, for what is said of companies; `floor`: what waits for words."""

    message: Message
    topic: str = ""
    floor: Recalling | None = None


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """Something missed; see `ReviewCard`."""

    source: Literal["quiz", "question", "problem", "recall"]
    item: str
    title: str
    points: tuple[str, ...] = ()
    path: str | None = None


# Asking


def next_one(conversation: Conversation, turn: Turn) -> Asked | None:
    """The review that `next` brings: the longest due of paths that do not rest, but only so many a day."""
    today = local_day(conversation, turn.at)
    answered = sum(
        row.card is not None
        and row.card.reviews > 0
        and local_day(conversation, row.card.last_review) == today
        for row in turn.known.progress
    )
    if answered >= A_DAY:
        return None
    rows = lessons.not_resting(turn)
    shown_ = [row for row in rows if row.id == conversation.card_asked]  # code takes an evening: on past it
    past = shown_ and shown_[0].card is not None and shown_[0].card.source == "problem"
    return first_due((row for row in rows if not past or row.id != conversation.card_asked), turn)


def first_due(rows: Iterable[LearningProgress], turn: Turn) -> Asked | None:
    """The one that has been due longest, of those whose question is still there."""
    found = (asked(row, turn) for row in reviews.due(rows, turn.at))
    return next((each for each in found if each is not None), None)


def there(rows: Iterable[LearningProgress], turn: Turn) -> list[LearningProgress]:
    """Those with a card whose question the content still has."""
    find = {
        "quiz": turn.content.quiz_question,
        "problem": turn.content.question,
        "question": turn.content.question,
        "recall": turn.content.recall,
    }
    cards = ((row, row.card) for row in rows)
    return [row for row, card in cards if card is not None and find[card.source](card.item) is not None]


def asked(row: LearningProgress, turn: Turn) -> Asked | None:
    """The card's question, answerable in place; None when the content has let go of it."""
    card = row.card
    if card is None:
        return None
    heading = say("review.heading", title=plain(card.title))
    match card.source:
        case "quiz":
            question = turn.content.quiz_question(card.item)
            if question is None:
                return None
            shown_ = choosing.message(question, heading, _seed(row), _address(row), typed=False)
            return Asked(message=shown_)
        case "problem":
            problem = turn.content.question(card.item)
            if problem is None:
                return None
            failed = set(card.points) - {each.label for each in problem.key_points}  # those: told in words
            category = say("review.category", category=plain(", ".join(sorted(failed)))) if failed else ""
            body = say("review.problem", title=plain(problem.title or problem.topic_title), category=category)
            choices = (button("redo", row.id, "redo"), button("skip", row.id, "no_idea"))
            return Asked(message=Message(text=f"{heading}\n\n{body}", choices=choices), topic=problem.topic)
        case "question" | "recall":
            recall, topic = _recall(card, turn)
            if recall is None:
                return None
            floor = Recalling(
                row=row.id, title=card.title, recall=recall, asked_at=turn.at, points=card.points
            )
            choices = (button("answer", row.id, "answer"), button("skip", row.id, "no_idea"))
            return Asked(
                message=Message(text=f"{heading}\n\n{recall.question}", choices=choices),
                topic=topic,
                floor=floor,
            )


def ask(conversation: Conversation, one: Asked) -> Outcome:
    """On the student's own wish: the question has the floor."""
    if one.floor is not None:
        conversation = conversation.without(Recalling).pushed(one.floor)
    choices = tuple(each for each in one.message.choices if not each.id.startswith("answer:"))
    return conversation, [Reply(message=replace(one.message, choices=choices))]


def doubted(conversation: Conversation, stage: Recalling, text: str) -> Outcome:
    """What is hardly an answer is not graded unless the student wants it."""
    choices = (
        button("answer", stage.row, "answer_anyway"),
        button("skip", stage.row, "no_idea" if stage.is_review else "skip"),
        button("snooze", "", "snooze"),
    )
    return conversation.swapped(stage, replace(stage, doubted=text)), [reply(say("review.doubted"), *choices)]


def is_open(stage: Recalling, at: datetime, *, asked: bool = True) -> bool:
    """Whether words are still an answer to it. `asked` False: for a new question that wants its place, which one that
    came unasked gives up at once."""
    if stage.is_review and not asked:
        return False
    return at - stage.asked_at <= (REVIEW_OPEN if stage.is_review else RECALL_OPEN)


def wanted(conversation: Conversation, _argument: str, turn: Turn) -> Outcome:
    """`review`: the next card that is due, also of a path that rests; else when the next one is."""
    found = first_due(turn.known.progress, turn)
    if found is not None:
        return ask(conversation, found)
    soonest = reviews.next_due(there(turn.known.progress, turn))
    if soonest is None or soonest <= turn.at:
        return conversation, [reply(say("review.none"), button("next", "", "next_path"))]
    when = shown(zone_of(conversation), soonest, turn.at)
    return conversation, [reply(say("review.later", when=when), button("next", "", "next_path"))]


def opened(conversation: Conversation, row_id: str, turn: Turn) -> Outcome | None:
    """[Answer] under a question that came while something else was open: now it has the floor."""
    row = turn.row(row_id)
    one = asked(row, turn) if row is not None and row.card is not None else None
    if row is None or one is None or row.card is None:
        return None
    if row.card.due > turn.at:
        return conversation, [answered_already(conversation, row.card, turn)]
    return ask(conversation, one)


def _recall(card: ReviewCard, turn: Turn) -> tuple[Recall | None, str]:
    if card.source == "recall":
        return turn.content.recall(card.item), ""
    question = turn.content.question(card.item)
    if question is None:
        return None, ""
    points = question.key_points
    return (
        Recall(question=question.question, reference_answer=question.reference_answer, key_points=points),
        question.topic,
    )


def _address(row: LearningProgress) -> str:
    assert row.card is not None
    return f"{row.id}.r{row.card.reviews}"


def _seed(row: LearningProgress) -> str:
    assert row.card is not None
    return f"{row.id}/{row.card.reviews}"


# Answering


def picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A press under a review question: rated by whether it is right, once."""
    row = turn.row(pick.row)
    card = row.card if row is not None else None
    question = turn.content.quiz_question(card.item) if card is not None else None
    if row is None or card is None or question is None:
        return conversation, [reply(say("general.old_button"))]
    if pick.turn != f"r{card.reviews}":
        return conversation, [answered_already(conversation, card, turn)]
    heading = say("review.heading", title=plain(card.title))
    answer = choosing.chosen(question, _seed(row), pick, typed=False)
    if answer is None:
        mask = pick.mask ^ (1 << (pick.place or 0))
        shown_ = choosing.message(question, heading, _seed(row), _address(row), mask=mask, typed=False)
        return conversation, [Reply(message=shown_, edit=True)]
    if not answer:
        return conversation, [reply(say("quiz.none_marked"))]
    return _choice_rated(conversation, row, question, answer, turn, edit=True)


def noted(conversation: Conversation, effects: Iterable[Effect]) -> Conversation:
    """Which card of a quiz or of code is the last thing said; only then words are an answer to it."""
    said = [each for each in effects if isinstance(each, Reply)]
    if not said:
        return conversation
    shown_ = (_card_of(each.id) for each in said[-1].message.choices)
    return replace(conversation, card_asked=next(filter(None, shown_), ""))


def _card_of(choice: str) -> str:
    """The row of the card that a button answers; empty for any other."""
    verb, _, subject = choice.partition(":")
    if verb == "redo":
        return subject
    pick = choosing.read(subject) if verb == "pick" else None
    return pick.row if pick is not None and pick.turn.startswith("r") else ""


def lettered(conversation: Conversation, words: str, turn: Turn) -> Outcome | None:
    """What is typed when nothing but a card has been asked: its letters, an option, or that they do not know. None when it
    is none of these."""
    row = _card_asked(conversation, turn)
    if row is None or row.card is None:
        return None
    question = turn.content.quiz_question(row.card.item)
    if question is None:
        return given_up(conversation, row.id, turn) if grader.says_dont_know(words) else None
    answer = choosing.said(question, _seed(row), words, typed=False)
    return _choice_rated(conversation, row, question, answer, turn) if answer is not None else None


def given_up(conversation: Conversation, row_id: str, turn: Turn) -> Outcome | None:
    """[Don't know] under a card that waits for no words, or said to the last one (`row_id` empty): missed again."""
    row = turn.row(row_id or conversation.card_asked)
    card = row.card if row is not None else None
    if row is None or card is None or card.due > turn.at:
        return None
    if (question := turn.content.quiz_question(card.item)) is not None:
        return _choice_rated(conversation, row, question, (), turn)
    problem = turn.content.question(card.item) if card.source == "problem" else None
    if problem is None:
        return None
    words = say("interview.model", answer=problem.reference_answer)
    return _rated(conversation, row, Rating.Again, words, None, turn)


def not_answered(conversation: Conversation, turn: Turn) -> Outcome | None:
    """After words that nobody understands: the card they were hardly an answer to, once more. None when there is none."""
    row = _card_asked(conversation, turn)
    again = asked(row, turn) if row is not None else None
    if row is None or row.card is None or again is None:
        return None
    key = "review.press" if row.card.source == "problem" else "quiz.press"
    return conversation, [reply(say(key)), Reply(message=again.message)]


def _card_asked(conversation: Conversation, turn: Turn) -> LearningProgress | None:
    row = next((each for each in turn.known.progress if each.id == conversation.card_asked), None)
    return row if row is not None and row.card is not None and row.card.due <= turn.at else None


def _choice_rated(
    conversation: Conversation,
    row: LearningProgress,
    question: QuizQuestion,
    answer: tuple[str, ...],
    turn: Turn,
    *,
    edit: bool = False,
) -> Outcome:
    assert row.card is not None
    heading = say("review.heading", title=plain(row.card.title))
    right = quizzes.is_right(question, answer)
    after = reviews.rated(row.card, reviews.of_choice(right=right), turn.at)
    text_ = f"{choosing.answered(question, heading, answer)}\n\n{_again(after, conversation, turn)}"
    kept = update(LearningProgress, row.id, card=after, updated_at=turn.at)
    return conversation, [kept, reply(text_, button("next", "", "next_path"), edit=edit)]


def graded(conversation: Conversation, stage: Recalling, event: Graded, turn: Turn) -> Outcome:
    """The evidence for a review in words. What could not be graded moves nothing."""
    row = turn.row(stage.row)
    words = feedback.message(replace(event.grade, dimensions=()))
    rating = reviews.of_grade(event.grade, stage.points)
    if row is None or row.card is None or rating is None:
        return conversation, [reply(words, button("next", "", "next_path"))]
    if rating in (Rating.Again, Rating.Hard):
        words += "\n\n" + say("interview.model", answer=stage.recall.reference_answer)
    elif stage.points:
        words += "\n\n" + say("review.recovered")
    return _rated(conversation, row, rating, words, event.grade.score, turn, objection(stage, event.grade))


def objection(stage: Recalling, grade: Grade) -> tuple[Choice, ...]:
    """[I said that], when something was not found in what was said."""
    missing = any(each.verdict != "covered" for each in grade.points)
    open_ = grade.score is not None and missing and "dont_know" not in grade.flags
    return (button("object", stage.row, "said"),) if open_ else ()


def objected(conversation: Conversation, row_id: str, turn: Turn) -> Outcome:
    """[I said that]: kept for the author of the question. Score and card stay, as they rest on evidence."""
    row = turn.row(row_id)
    if row is None or not row.recall_answer or row.recall_score is None:
        return conversation, [reply(say("general.old_button"))]
    told = reply(say("review.objected", score=row.recall_score), button("next", "", "next_path"))
    if row.disputed is not None and row.disputed.answer == row.recall_answer:
        return conversation, [told]
    disputed = DisputedRecall(answer=row.recall_answer, score=row.recall_score, at=turn.at)
    return conversation, [update(LearningProgress, row.id, disputed=disputed, updated_at=turn.at), told]


def skipped(conversation: Conversation, stage: Recalling, turn: Turn) -> Outcome:
    """ "Don't know" is an answer: what is right is shown, and it comes again soon."""
    conversation = conversation.swapped(stage, None)
    row = turn.row(stage.row)
    if row is None or row.card is None:
        return conversation, [reply(say("learn.recall_skipped"), button("next", "", "next_path"))]
    words = say("interview.model", answer=stage.recall.reference_answer)
    return _rated(conversation, row, Rating.Again, words, None, turn)


def _rated(
    conversation: Conversation,
    row: LearningProgress,
    rating: Rating,
    words: str,
    score: int | None,
    turn: Turn,
    objection: tuple[Choice, ...] = (),
) -> Outcome:
    assert row.card is not None
    after = reviews.rated(row.card, rating, turn.at)
    kept = update(LearningProgress, row.id, card=after, recall_score=score, updated_at=turn.at)
    following = f"{words}\n\n{_again(after, conversation, turn)}"
    told = reply(following, button("next", "", "next_path"), *objection)
    return conversation, [kept, told]


def _again(card: ReviewCard, conversation: Conversation, turn: Turn) -> str:
    due = local_day(conversation, card.due)
    days = (due - local_day(conversation, turn.at)).days
    when = say("review.tomorrow") if days <= 1 else say("review.on", day=day_month(due))
    return say("review.again", when=when)


def answered_already(conversation: Conversation, card: ReviewCard, turn: Turn) -> Reply:
    """For a second answer: it counts nothing."""
    when = shown(zone_of(conversation), card.due, turn.at)
    return reply(say("review.answered", when=when), button("next", "", "next_path"))


def redone(
    conversation: Conversation, row: LearningProgress, card: ReviewCard, result: Result, turn: Turn
) -> list[Effect]:
    """A problem was coded again."""
    after = reviews.rated(card, _of_code(card, result), turn.at)
    kept = update(LearningProgress, row.id, card=after, updated_at=turn.at)
    return [kept, reply(_again(after, conversation, turn), button("next", "", "next_path"))]


def _of_code(card: ReviewCard, result: Result) -> Rating:
    if not result.not_detected:
        return Rating.Good
    return Rating.Again if set(card.points) & set(result.not_detected) else Rating.Hard


# What becomes a card


def missed(conversation: Conversation, misses: Iterable[Miss], turn: Turn) -> list[Effect]:
    """A card for each; one that is there already counts the miss as an answer."""
    effects: list[Effect] = []
    once = {(each.source, each.item): each for each in misses}
    for each in once.values():
        uuid = slug_uuid("review", each.source, each.item)
        row = next((one for one in turn.known.progress if one.resource_id == uuid), None)
        card = reviews.new(
            source=each.source,
            item=each.item,
            title=each.title,
            points=each.points,
            at=turn.at,
            before=row.card if row else None,
        )
        if row is not None:
            effects.append(update(LearningProgress, row.id, card=card, updated_at=turn.at))
        else:
            effects.append(insert(lessons.new_row(conversation, uuid, "review", each.path, turn, card=card)))
    return effects


def of_question(question: QuizQuestion, path: LearningPath, turn: Turn) -> Miss:
    """A quiz question answered wrongly."""
    title = say("review.quiz_title", skill=lessons.title_of(path.skill, turn), topic=question.topic)
    return Miss(source="quiz", item=question.key, title=title, path=path.id)


def of_results(results: Sequence[Result], turn: Turn) -> list[Miss]:
    """What an interview showed to be missing: key points not detected, and the failing class of code."""
    found = []
    for each in results:
        question = turn.content.question(each.question)
        if each.score is None or not each.not_detected or question is None or question.round == "behavioral":
            continue
        source: Literal["problem", "question"] = "problem" if question.round == "dsa" else "question"
        title = question.title if source == "problem" and question.title else each.topic_title
        path = _path_of_topic(each.topic, turn)
        found.append(
            Miss(
                source=source,
                item=question.id,
                title=title,
                points=each.not_detected,
                path=path.id if path else None,
            )
        )
    return found


def _path_of_topic(topic: str, turn: Turn) -> LearningPath | None:
    template = turn.content.path_for_topic(topic, [path.skill for path in turn.known.paths])
    return next((each for each in turn.known.paths if template and each.skill == template.skill), None)
