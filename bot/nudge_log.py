"""What became of the nudges: what their wording is learnt from, and what an operator is shown. Reads the store only."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from bot import wording
from bot.ports import Store
from bot.wording import Heard, Scores, Sent

REMEMBERED = timedelta(weeks=26)  # six half-lives: what is older weighs next to nothing
WITHIN = timedelta(hours=24)  # after a nudge, in which what it was about counts as done because of it


async def scores(store: Store, now: datetime) -> Scores:
    """What the sends of the last half year teach, as far as their 24 hours are over."""
    heard = Heard()
    async for document in store.export("nudges", since=now - REMEMBERED):
        if _is_over(document, now) and _arrived(document):
            heard.hear(_sent(document))
    return heard.scores()


async def stats(store: Store, now: datetime) -> list[dict[str, Any]]:
    """A line for all nudges and one for each kind and wording: sends, opens and completions within 24 hours, what
    students made of them, how many no chat took (these are no sends); and the lift of choosing, with its interval, once there is one."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    over: list[Sent] = []
    async for document in store.export("nudges"):
        for key in (("", ""), (document["kind"], ""), (document["kind"], document["wording"])):
            seen = counts.setdefault(key, Counter())
            seen["sends"] += _arrived(document)
            seen["opened"] += _within(document, "opened_at")
            seen["completed"] += _within(document, "completed_at")
            if document["answer"]:
                seen[document["answer"]] += 1
        if _is_over(document, now) and _arrived(document):
            over.append(_sent(document))
    lines: list[dict[str, Any]] = [
        {"kind": kind or "all", "wording": arm or "all", **_line(seen)}
        for (kind, arm), seen in sorted(counts.items())
    ]
    lift = wording.lift(over)
    if lift is None:
        return [*lines, {"lift": None, "needs": f"{wording.LEARNT_FROM} sends, and some on both sides after"}]
    return [
        *lines,
        {
            "lift": round(lift.difference, 4),
            "low": round(lift.low, 4),
            "high": round(lift.high, 4),
            "chosen": {"sends": lift.chosen.sends, "completed": lift.chosen.completed},
            "plain": {"sends": lift.plain.sends, "completed": lift.plain.completed},
        },
    ]


def _line(seen: Counter[str]) -> dict[str, Any]:
    answers = {name: seen[name] for name in ("snoozed", "fewer", "off", "lost")}
    return {name: seen[name] for name in ("sends", "opened", "completed")} | answers


def _sent(document: dict[str, Any]) -> Sent:
    return Sent(
        student=str(document["student_id"]),
        kind=document["kind"],
        arm=document["wording"],
        eligible=tuple(document["eligible"]),
        probability=document["probability"],
        policy=document["policy"],
        reward=_within(document, "completed_at"),
        at=document["at"],
    )


def _is_over(document: dict[str, Any], now: datetime) -> bool:
    return bool(now - document["at"] >= WITHIN)


def _arrived(document: dict[str, Any]) -> bool:
    return bool(document["answer"] != "lost")


def _within(document: dict[str, Any], field: str) -> bool:
    at = document.get(field)
    return at is not None and at - document["at"] <= WITHIN
