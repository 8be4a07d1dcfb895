"""Once a day: how hard the questions are, learnt from all graded attempts (`bot/elo.py`) and kept on the questions.

It replays everything from the beginning, so it may run at any time, twice or in two processes. Withdrawn attempts and
those without a score do not count.
"""

from bot.documents import InterviewQuestion, update
from bot.elo import Calibration, Rating
from bot.ports import Store


async def calibrate(store: Store) -> int:
    """Learn anew and store what changed, by field. Gives the number of questions changed."""
    learning = Calibration()
    async for attempt in store.export("interview_attempts"):
        asked, score = attempt.get("asked"), attempt.get("score")
        if attempt.get("status") == "graded" and asked and score is not None:
            learning.add(
                student=str(attempt["student_id"]),
                question=str(attempt["question_id"]),
                round_=attempt["round"],
                topic=asked["topic"],
                difficulty=asked["difficulty"],
                score=int(score),
            )
    known = await _stored(store)
    changed = {each: rating for each, rating in learning.ratings().items() if known.get(each) != rating}
    if changed:
        await store.revise(
            [
                update(InterviewQuestion, each, rating=rating.value, rated=rating.answers)
                for each, rating in changed.items()
            ]
        )
    return len(changed)


async def ratings(store: Store) -> dict[str, int]:
    """What was learnt so far, by question."""
    return {each: rating.value for each, rating in (await _stored(store)).items()}


async def _stored(store: Store) -> dict[str, Rating]:
    return {
        str(document["_id"]): Rating(int(document["rating"]), int(document["rated"]))
        async for document in store.export("interview_questions")
        if document.get("rated")
    }
