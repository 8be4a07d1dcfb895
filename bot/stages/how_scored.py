"""`how_scored`: how a score comes about, what each number means, and how well the embedded grader agrees with people."""

from bot import rubric
from bot.conversation import Conversation
from bot.effects import Outcome, Turn, button, reply
from bot.messages import plain
from bot.sentences import say

_TABLES = {
    "technical": (rubric.TECHNICAL, "technical_sides"),
    "behavioral": (rubric.BEHAVIORAL, "behavioral_sides"),
}


def show(conversation: Conversation, argument: str, _turn: Turn) -> Outcome:
    """In general; with "technical" or "behavioral" their sides; with a side's name what its numbers mean."""
    wanted = argument.strip().lower().replace(" ", "_")
    if side := rubric.SIDES.get(wanted):
        anchors = "  \n".join(f"**{n}** {plain(words)}" for n, words in enumerate(side.anchors))
        back = next(
            button("how_scored", table, name) for table, (sides, name) in _TABLES.items() if wanted in sides
        )
        return conversation, [reply(say("scoring.side", side=side.title, anchors=anchors), back)]
    if wanted in _TABLES:
        sides, _ = _TABLES[wanted]
        buttons = [button("how_scored", name, "side", side=each.title) for name, each in sides.items()]
        return conversation, [reply(say(f"scoring.{wanted}"), *buttons)]
    figures = "  \n".join(
        say("scoring.figure", name=plain(each.name), answers=each.answers, r=f"{each.r:.2f}")
        for each in rubric.MEASURED
    )
    choices = [button("how_scored", table, name) for table, (_, name) in _TABLES.items()]
    return conversation, [reply(say("scoring.general", figures=figures), *choices)]
