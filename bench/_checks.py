"""What must hold of a simulated term, read from its diaries. Nothing of the engine is asked again: days, hours, streaks,
percentages and due dates are counted here once more, naively. Every fault is a sentence with the student and the time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import fsrs
import msgspec

from bench._diary import Diary, Did, Fell, Saw, Standing, Stored, Term, Turned
from bot.bank import Content
from bot.documents import Insert, Nudge, ReviewCard
from bot.questions import Grade

BACKOFF = (1, 2, 4, 7)  # days after so many unanswered nudges; the fifth is a goodbye
GOODBYE = len(BACKOFF)
DAY = timedelta(days=1)
FREEZES = 2  # days of a calendar month that a streak survives
GRACE = 1  # hours after midnight that may count for the day before
A_DAY = 5  # reviews that `next` brings

Fault = tuple[datetime, str]
Check = Callable[["Reading"], Iterator[Fault]]


def faults(term: Term, content: Content) -> list[str]:
    """Everything that is wrong, a sentence each, by student and time."""
    found = []
    for diary in term.diaries:
        reading = Reading(diary, term, content)
        told = sorted({fault for check in CHECKS for fault in check(reading)})
        found += [f"{diary.name}, {at:%a %d %b %H:%M:%S} UTC: {sentence}" for at, sentence in told]
    if term.left:
        found.append(f"the outboxes: {term.left} messages were never sent")
    return found


class Told(msgspec.Struct, kw_only=True):
    """A nudge: its record as first written, the turn that decided it, the standing before, and when it was seen."""

    record: Nudge
    turned: Turned
    before: Standing | None
    saw: Saw | None

    @property
    def kind(self) -> str:
        return self.record.kind


class Reading:
    """A diary with what several checks look up in it."""

    def __init__(self, diary: Diary, term: Term, content: Content) -> None:
        self.diary, self.term, self.content = diary, term, content
        self.turns = [each for each in diary.entries if isinstance(each, Turned)]
        self.saws = [each for each in diary.entries if isinstance(each, Saw)]
        self.told = list(self._told())

    def _told(self) -> Iterator[Told]:
        seen: dict[str, Saw] = {}
        for saw in self.saws:
            if saw.kind == "nudge" and not saw.unseen:
                seen.setdefault(saw.id, saw)
        before: Standing | None = None
        for turned in self.turns:
            for write in turned.writes:
                if isinstance(write, Insert) and write.collection == "nudges":
                    shown = next((seen[each] for each in turned.nudges if each in seen), None)
                    record = msgspec.convert(write.document, Nudge, strict=False)
                    yield Told(record=record, turned=turned, before=before, saw=shown)
            before = turned.standing

    def standing_at(self, at: datetime) -> Standing | None:
        """After the last turn until then."""
        last = None
        for turned in self.turns:
            if turned.at > at:
                break
            last = turned.standing
        return last


# Nudges


def hours_and_days(reading: Reading) -> Iterator[Fault]:
    """None in quiet hours, on a day not theirs, while snoozed or switched off, as the settings stood when it came."""
    standing: Standing | None = None
    before: Standing | None = None
    for entry in reading.diary.entries:
        if isinstance(entry, Turned):
            standing, before = entry.standing, standing
        if not isinstance(entry, Saw) or entry.kind != "nudge" or entry.unseen or standing is None:
            continue
        profile, local = standing.profile, entry.at.astimezone(ZoneInfo(standing.zone))
        if is_quiet(standing, entry.at):
            yield entry.at, f"a nudge at {local:%H:%M} local time, in quiet hours"
        if str(local.weekday()) not in profile.nudge_days:
            yield entry.at, f"a nudge on a {local:%A}, which is no day of theirs"
        if not profile.reminders:
            yield entry.at, "a nudge while reminders are off"
        until = before.profile.snoozed_until if before else None
        if until is not None and until > entry.at:
            yield entry.at, f"a nudge while snoozed until {until:%d %b %H:%M} UTC"


def is_quiet(standing: Standing, at: datetime) -> bool:
    """By counting the quiet hours one by one; nobody knows those of a student whose zone is unknown."""
    profile = standing.profile
    if not profile.zone:
        return False
    hour, quiet = profile.quiet_from, set[int]()
    while hour != profile.quiet_to:
        quiet.add(hour)
        hour = (hour + 1) % 24
    return at.astimezone(ZoneInfo(standing.zone)).hour in quiet


def rhythm(reading: Reading) -> Iterator[Fault]:
    """Never more a day than wanted, and rarer the longer nobody answers: after 1, 2, 4, 7 days, then a goodbye."""
    kinds = {each.saw.id: each for each in reading.told if each.saw is not None}
    unanswered, count, last, asked_again, later = 0, 0, None, False, 0
    standing: Standing | None = None
    zone, moved = "", False
    for entry in reading.diary.entries:
        if isinstance(entry, Turned):
            standing = entry.standing
            moved, zone = moved or zone not in ("", standing.zone), standing.zone
        elif isinstance(entry, Did):
            unanswered = 0
            asked_again = asked_again or _snoozes(entry)
            later += _snoozes(entry)
        elif isinstance(entry, Saw) and entry.kind == "nudge" and not entry.unseen and entry.id in kinds:
            assert standing is not None
            told, profile = kinds[entry.id], standing.profile
            today = entry.at.astimezone(ZoneInfo(standing.zone)).date()
            count, later = (count + 1, later) if today == last else (1, 0)
            if count > profile.nudges_a_day + later:
                yield entry.at, f"nudge {count} on {today}, {profile.nudges_a_day} a day are wanted"
            if (told.kind == "farewell") != (unanswered == GOODBYE):
                yield entry.at, f"a nudge of kind {told.kind} after {unanswered} unanswered ones"
            if unanswered > GOODBYE:
                yield entry.at, "a nudge after the goodbye"
            if last is not None and told.kind != "commitment" and not asked_again and not moved:
                yield from _gap(entry.at, (today - last).days, unanswered, told, last, reading.term)
                if unanswered:
                    yield from _hour(entry.at, standing, reading.term)
            last, asked_again, moved = today, False, False
            unanswered += 1


def _snoozes(did: Did) -> bool:
    """Whether they ask for a nudge later, which may be the day's second: by button, in words, by the day it ends."""
    day = re.fullmatch(r"\d{1,2} [A-Z][a-z]+", did.text)
    return did.choice.startswith("snooze:") or did.text.startswith("snooze") or day is not None


def _hour(at: datetime, standing: Standing, term: Term) -> Iterator[Fault]:
    """To who was silent since the last one, it comes at their own hour, whatever their clocks did meanwhile."""
    profile, local = standing.profile, at.astimezone(ZoneInfo(standing.zone))
    if not profile.zone or profile.nudges_a_day > 1 or term.outage[0] - DAY <= at <= term.outage[1] + DAY:
        return
    if local.hour != profile.reminder_hour or local.minute:
        yield at, f"a nudge at {local:%H:%M} local time, their hour is {profile.reminder_hour}:00"


def _gap(at: datetime, days: int, unanswered: int, told: Told, last: date, term: Term) -> Iterator[Fault]:
    """`days` since the last nudge against those that `unanswered` ones ask for."""
    profile = told.turned.standing.profile
    gap = max(BACKOFF[min(unanswered, GOODBYE) - 1] if unanswered else 1, profile.nudge_every)
    several = profile.nudges_a_day > 1 and gap == 1
    if days < gap and not several:
        yield at, f"a nudge {days} days after the last, {gap} are to pass ({unanswered} unanswered)"
    day = last + timedelta(days=0 if several else gap)
    while str(day.weekday()) not in profile.nudge_days:
        day += DAY
    outage = term.outage[0].date() - DAY <= day <= term.outage[1].date() + DAY
    expected = unanswered and told.kind in ("stage", "quiz", "farewell") and not outage
    if expected and days > (day - last).days + several:
        yield at, f"a nudge {days} days after the last, it was due after {(day - last).days}"


def nothing_lost(reading: Reading) -> Iterator[Fault]:
    """Every row that was due led to one nudge, or was put off for a reason; every nudge decided on was shown once."""
    by_mark: dict[str, list[Turned]] = {}
    for turned in reading.turns:
        by_mark.setdefault(turned.mark, []).append(turned)
    world = World(reading)
    before: Standing | None = None
    waits: dict[str, Fell] = {}
    for entry in reading.diary.entries:
        if isinstance(entry, Fell):
            if len(by_mark.get(entry.mark, ())) != 1:
                turns = len(by_mark.get(entry.mark, ()))
                yield entry.at, f"a row was due and {turns} turns answered that"
            waits[entry.mark] = entry
        elif isinstance(entry, Turned):
            fell = waits.pop(entry.mark, None)
            if fell is not None and not entry.nudges and before is not None:
                yield from _put_off(entry, before, world)
            world.turn(entry)
            before = entry.standing
        elif isinstance(entry, Stored):
            world.store(entry)
    shown = Counter(each.id for each in reading.saws if each.kind == "nudge")
    for turned in reading.turns:
        for nudge in turned.nudges:
            if shown[nudge] != 1:
                yield turned.at, f"a nudge was decided on and shown {shown[nudge]} times"
    decided = {nudge for turned in reading.turns for nudge in turned.nudges}
    for saw in reading.saws:
        if saw.kind == "nudge" and saw.id not in decided:
            yield saw.at, "a nudge was shown that no turn decided on"


def _put_off(turned: Turned, before: Standing, world: "World") -> Iterator[Fault]:
    """A row was due, and no nudge came: why, and is its new time what that reason asks for?"""
    at, profile = turned.at, before.profile
    after = next((when for _, when in turned.standing.waiting), None)
    zone = ZoneInfo(before.zone)
    if not profile.reminders or before.unreachable or before.ignored > GOODBYE:
        if after is not None:
            yield at, "a nudge stays planned for somebody who wants or can have none"
    elif profile.snoozed_until is not None and profile.snoozed_until > at:
        if after != profile.snoozed_until:
            yield at, "a nudge was put off while snoozed, but not to the end of the snooze"
    elif str(at.astimezone(zone).weekday()) not in profile.nudge_days or (
        profile.nudged_on == at.astimezone(zone).date() and profile.nudged >= profile.nudges_a_day
    ):
        if after is None or after <= at:
            yield at, "a nudge was put off to another day, and has none"
    elif is_quiet(before, at):
        local = after.astimezone(zone) if after else None
        if local is None or local.hour != profile.quiet_to or not timedelta(0) < local - at <= DAY:
            yield at, f"a nudge was put off from quiet hours to {local}"
    elif world.cards_due(at) or world.open_step():
        yield at, "a row was due and no nudge came, without any reason"


def something_waits(reading: Reading) -> Iterator[Fault]:
    """Whoever has something to learn and may be nudged has one nudge waiting, in time; and the sweeps know of it."""
    world, silent = World(reading), False
    entries = reading.diary.entries
    for place, entry in enumerate(entries):
        if isinstance(entry, Stored):
            world.store(entry)
        if not isinstance(entry, Turned):
            continue
        world.turn(entry)
        for each in entries[place + 1 :]:  # the paths as this turn left them
            if not isinstance(each, Stored):
                break
            world.store(each)
        now, at = entry.standing, entry.at
        if sorted(now.waiting) != sorted(now.queued):
            yield (
                at,
                f"{len(now.waiting)} rows have a time and {len(now.queued)} are swept, or at other times",
            )
        if len(now.waiting) > 1:
            yield at, f"{len(now.waiting)} nudges wait at once"
        wanted = now.profile.reminders and not now.unreachable and now.ignored <= GOODBYE
        if not wanted or not (world.open_step() or world.cards()):
            silent = False
        elif not now.waiting:
            if not silent:
                yield at, "there is something to learn, and no nudge waits"
            silent = True
        elif world.open_step():
            latest = max(at, now.profile.snoozed_until or at) + timedelta(days=15)
            if now.waiting[0][1] > latest:
                yield at, f"the next nudge waits until {now.waiting[0][1]:%d %b}"


def one_catch_up(reading: Reading) -> Iterator[Fault]:
    """After the outage at most one nudge each at once, and in it none."""
    from_, until = reading.term.outage
    caught = [each for each in reading.diary.shown() if each.kind == "nudge" and from_ <= each.at]
    if any(each.at < until for each in caught):
        yield from_, "a nudge in the outage"
    soon = [each for each in caught if each.at < until + timedelta(minutes=30)]
    if len(soon) > 1:
        yield soon[1].at, f"{len(soon)} nudges to catch up with the outage"


def records(reading: Reading) -> Iterator[Fault]:
    """The log of nudges says what was sent and what followed."""
    final = {each["_id"]: each for each in reading.diary.final["nudges"]}
    if len(final) != len(reading.told):
        yield reading.term.end, f"{len(reading.told)} nudges were decided on, {len(final)} are logged"
    dids = [each for each in reading.diary.entries if isinstance(each, Did)]
    learnt = [at for at, _ in learning(reading)]
    for told, following in zip(reading.told, [*reading.told[1:], None], strict=False):
        at, logged = told.record.at, final.get(told.record.id)
        if logged is None:
            yield at, "a nudge is not in the log"
            continue
        if told.turned.at != at or not told.turned.nudges:
            yield at, "a nudge is logged that was not sent then"
        if logged["answer"] == "lost":  # no chat took it, so nothing follows from it
            continue
        until = min(at + DAY, following.record.at if following else reading.term.end)
        opened = next((each.at for each in dids if at < each.at <= until), None)
        completed = next((each for each in learnt if at < each <= until), None)
        for name, expected in (("opened_at", opened), ("completed_at", completed)):
            found = datetime.fromisoformat(logged[name]) if logged[name] else None
            if found != expected:
                yield at, f"the log has {name} {found} of a {told.kind} nudge, it was {expected}"


# Learning


class World:
    """The rows and paths of a student, as the turns wrote them."""

    def __init__(self, reading: Reading) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.paths: dict[str, dict[str, Any]] = {}
        self._reading = reading

    def turn(self, turned: Turned) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """What it changed: each row before and after."""
        changed: dict[str, dict[str, Any]] = {}
        for write in turned.writes:
            if write.collection != "learning_progress":
                continue
            if isinstance(write, Insert):
                row = write.document["_id"]
                changed.setdefault(row, self.rows.get(row, {}))
                self.rows.setdefault(row, dict(write.document))
            elif write.id in self.rows:
                changed.setdefault(write.id, self.rows[write.id])
                self.rows[write.id] = {**self.rows[write.id], **write.fields}
        return [(before, self.rows[row]) for row, before in changed.items()]

    def store(self, stored: Stored) -> None:
        document = stored.document()
        self.paths[document["_id"]] = document

    def cards(self) -> list[dict[str, Any]]:
        """The rows with a card, without those of a path that rests."""
        silent = {path["_id"] for path in self.paths.values() if path["state"] != "active"}
        return [row for row in self.rows.values() if row["card"] is not None and row["path_id"] not in silent]

    def cards_due(self, at: datetime) -> list[dict[str, Any]]:
        """Those that are due."""
        return [row for row in self.cards() if datetime.fromisoformat(row["card"]["due"]) <= at]

    def open_step(self) -> bool:
        """Whether an active path has something to do."""
        return any(
            path["state"] == "active" and any(stage["status"] != "completed" for stage in path["stages"])
            for path in self.paths.values()
        )


def learning(reading: Reading) -> list[tuple[datetime, Turned]]:
    """When something was learnt: a resource done, a quiz ended, a review answered, an interview answer graded."""
    found = []
    world = World(reading)
    for turned in reading.turns:
        learnt = any(
            write.collection == "interview_attempts"
            and not isinstance(write, Insert)
            and write.fields.get("status") == "graded"
            for write in turned.writes
        )
        for before, after in world.turn(turned):
            was, now = (_done(each) for each in (before, after))
            learnt = learnt or was != now
        if learnt:
            found.append((turned.at, turned))
    return found


def _done(row: dict[str, Any]) -> tuple[bool, int, int]:
    """What of a row counts as learnt."""
    if not row:
        return False, 0, 0
    ended = [each["number"] for each in row["attempts"] if each["ended_at"]]
    reviews = row["card"]["reviews"] if row["card"] else 0
    return row["status"] == "completed", max(ended, default=0), reviews


def streaks(reading: Reading) -> Iterator[Fault]:
    """Days in a row, counted again from the days on which something was learnt."""
    days: list[date] = []  # learnt on, in a row
    frozen: list[date] = []
    here: ZoneInfo | None = None
    for at, turned in learning(reading):
        zone = ZoneInfo(turned.standing.zone)
        day = _learning_day(at, zone, days[-1] if days else None)
        if not days or day > days[-1]:
            # A day is missed when it has passed on the clock they had, too: flying skips days and misses none.
            passed = min(day, (at - timedelta(hours=GRACE)).astimezone(here).date()) if here else day
            missed = [days[-1] + n * DAY for n in range(1, (passed - days[-1]).days)] if days else []
            taken = Counter((each.year, each.month) for each in (*frozen, *missed))
            if all(taken[each.year, each.month] <= FREEZES for each in missed):
                frozen += missed
                days.append(day)
            else:
                days = [day]
        here = zone
        streak = turned.standing.streak
        if streak is None or (streak.days, streak.last) != (len(days), days[-1]):
            told = f"{streak.days} days until {streak.last}" if streak else "none"
            yield at, f"the streak is {told}, counted again it is {len(days)} days until {days[-1]}"
            if streak is not None:  # tell each difference once
                days = [streak.last - n * DAY for n in range(streak.days)][::-1]


def _learning_day(at: datetime, zone: ZoneInfo, last: date | None) -> date:
    """The day this counts for: in the first hour after midnight yesterday, if that is still open."""
    today = at.astimezone(zone).date()
    yesterday = today - DAY
    early = (at - timedelta(hours=GRACE)).astimezone(zone).date() == yesterday
    return yesterday if early and last is not None and last < yesterday else today


def cards(reading: Reading) -> Iterator[Fault]:
    """Each card is due when FSRS says so, replayed from the answers; none is asked before, and due ones are."""
    scheduler = fsrs.Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    replayed: dict[str, fsrs.Card] = {}
    world = World(reading)
    did: Did | None = None
    words = ""
    for entry in reading.diary.entries:
        if isinstance(entry, Did):
            did, words = entry, entry.text or words
        elif isinstance(entry, Stored):
            world.store(entry)
        elif isinstance(entry, Saw):
            yield from _asked_in_time(entry, world)
        elif isinstance(entry, Turned):
            due = [row["_id"] for row in world.cards_due(entry.at)]
            kinds = [
                w.document["kind"] for w in entry.writes if isinstance(w, Insert) and w.collection == "nudges"
            ]
            if due and any(kind in ("stage", "quiz", "streak") for kind in kinds):
                yield entry.at, f"a {kinds[0]} nudge while {len(due)} reviews are due"
            for before, after in world.turn(entry):
                if after["card"] is None or after["card"] == before.get("card"):
                    continue
                card = msgspec.convert(after["card"], ReviewCard, strict=False)
                rating = _rating(before.get("card"), card, entry, did, words, reading)
                if rating is None:
                    yield entry.at, f"card {card.title} was rated {card.reviews} times, without an answer"
                    continue
                known = replayed.get(after["_id"]) or fsrs.Card(card_id=0, due=entry.at)
                replayed[after["_id"]], _ = scheduler.review_card(known, rating, entry.at)
                if replayed[after["_id"]].due != card.due:
                    due_at = replayed[after["_id"]].due
                    yield (
                        entry.at,
                        f"card {card.title} is due {card.due:%d %b %H:%M}, FSRS says {due_at:%d %b %H:%M}",
                    )
    for row in reading.diary.final["learning_progress"]:
        if row["card"] is not None and datetime.fromisoformat(row["card"]["due"]) != replayed[row["_id"]].due:
            yield reading.term.end, f"card {row['card']['title']} is due {row['card']['due']} at the end"


def _rating(
    before: dict[str, Any] | None,
    after: ReviewCard,
    turned: Turned,
    did: Did | None,
    words: str,
    reading: Reading,
) -> fsrs.Rating | None:
    """What an answer is worth; None when there was none."""
    if before is None or datetime.fromisoformat(before["missed_at"]) != after.missed_at:
        return fsrs.Rating.Again
    if did is not None and did.mark == turned.mark:
        if did.right is None and did.text.strip("/. ").lower() != "skip":
            return None
        return fsrs.Rating.Good if did.right else fsrs.Rating.Again
    grade = _graded(after, words, reading)
    if grade is None or grade.score is None:
        return None
    wanted = [each for each in grade.points if each.label in before["points"]] or list(grade.points)
    covered = [each for each in wanted if each.verdict == "covered"]
    if len(covered) == len(wanted):
        return fsrs.Rating.Easy if grade.score >= 85 else fsrs.Rating.Good
    touched = covered or [each for each in wanted if each.verdict == "partial"]
    return fsrs.Rating.Hard if touched else fsrs.Rating.Again


def _graded(card: ReviewCard, words: str, reading: Reading) -> Grade | None:
    if card.source == "recall":
        recall = reading.content.recall(card.item)
        question = recall.question if recall else ""
    else:
        found = reading.content.question(card.item)
        question = found.question if found else ""
    return reading.term.words.get((question, words))


def _asked_in_time(saw: Saw, world: World) -> Iterator[Fault]:
    for choice in saw.choices:
        verb, _, subject = choice.partition(":")
        row = world.rows.get(subject.partition(".")[0])
        if row is None or row["card"] is None or verb not in ("pick", "answer", "redo", "skip"):
            continue
        if datetime.fromisoformat(row["card"]["due"]) > saw.at:
            yield saw.at, f"card {row['card']['title']} is asked, and not due before {row['card']['due']}"
            return


def next_brings_reviews(reading: Reading) -> Iterator[Fault]:
    """`next` with nothing open brings a review that is due of a path that does not rest, up to five a day."""
    world = World(reading)
    floor, entries = "NoneType", reading.diary.entries
    asked: tuple[str, list[str]] | None = None
    for place, entry in enumerate(entries):
        if isinstance(entry, Did):
            wants = entry.choice == "next:" or entry.text.strip("/") == "next"
            asked = (entry.mark, []) if wants and floor == "NoneType" else None
        elif isinstance(entry, Stored):
            world.store(entry)
        elif isinstance(entry, Turned):
            due = world.cards_due(entry.at)
            zone = ZoneInfo(entry.standing.zone)
            today = sum(
                row["card"] is not None
                and row["card"]["reviews"] > 0
                and datetime.fromisoformat(row["card"]["last_review"]).astimezone(zone).date()
                == entry.at.astimezone(zone).date()
                for row in world.rows.values()
            )
            if asked is not None and asked[0] == entry.mark and due and today < A_DAY:
                shown = [
                    e for e in entries[place + 1 : place + 8] if isinstance(e, Saw) and e.at <= entry.at + DAY
                ]
                ids = {row["_id"] for row in due}
                brought = any(
                    choice.partition(":")[2].partition(".")[0] in ids
                    for saw in shown[:3]
                    for choice in saw.choices
                )
                if not brought:
                    yield entry.at, f"next brought no review, though {len(due)} are due"
            asked = None
            world.turn(entry)
            floor = entry.standing.floor


def quizzes(reading: Reading) -> Iterator[Fault]:
    """Nobody answers a question twice, a retry draws others, a score is what was answered."""
    world = World(reading)
    for turned in reading.turns:
        for before, after in world.turn(turned):
            was = before["attempts"] if before else []
            for attempt, earlier in _attempts(was, after["attempts"]):
                yield from ((turned.at, told) for told in _attempt_faults(attempt, earlier, reading.content))
            for first, second in pairwise(after["attempts"]):
                if set(first["questions"]) & set(second["questions"]):
                    yield turned.at, f"attempt {second['number']} of a quiz asks a question of the one before"
    for row in reading.diary.final["learning_progress"]:
        mine = world.rows.get(row["_id"])
        if mine is None or mine["attempts"] != row["attempts"]:
            yield reading.term.end, "the attempts of a quiz are not what the turns wrote"


def _attempts(
    was: list[dict[str, Any]], now: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Those that a turn changed, with what they were."""
    old = {each["number"]: each for each in was}
    return ((each, old.get(each["number"])) for each in now if each != old.get(each["number"]))


def _attempt_faults(
    attempt: dict[str, Any], earlier: dict[str, Any] | None, content: Content
) -> Iterator[str]:
    questions, answers = attempt["questions"], attempt["answers"]
    was = earlier["answers"] if earlier else []
    if len(set(questions)) < len(questions):
        yield "a quiz asks a question twice"
    if len(answers) > len(was) + 1 or answers[: len(was)] != was:
        yield "an answer of a quiz was given twice, or changed afterwards"
    if earlier is not None and earlier["score"] is not None:
        yield "a quiz that had ended was changed"
    if (attempt["score"] is not None) != (len(answers) == len(questions)):
        yield f"a quiz has {len(answers)} of {len(questions)} answers and the score {attempt['score']}"
    if attempt["score"] is None:
        return
    right = 0
    for key, given in zip(questions, answers, strict=True):
        asked = content.quiz_question(key)
        assert asked is not None
        if asked.kind == "fill":
            right += any(each.casefold() in [one.casefold() for one in asked.right] for each in given)
        else:
            right += sorted(given) == sorted(asked.right)
    if attempt["score"] != round(100 * right / len(questions)):
        yield f"a quiz has {right} of {len(questions)} right and the score {attempt['score']}"


# Paths


_STATUS = {"not_started", "in_progress", "completed"}
_WHEN = datetime
_SEED: dict[str, Any] = {  # what other services count on: names and types
    "_id": str,
    "student_id": str,
    "skill": str,
    "current_level": int,
    "target_level": int,
    "gap_priority": {"HIGH", "MEDIUM", "LOW"},
    "stages": [
        {
            "stage_number": int,
            "stage_name": str,
            "duration_weeks": int,
            "topics": [str],
            "resources": [
                {
                    "resource_id": str,
                    "type": {"video", "article", "documentation", "course", "exercise"},
                    "title": str,
                    "url": str,
                    "duration_minutes": int,
                    "source": str,
                    "completed": bool,
                    "completed_at": (None, _WHEN),
                }
            ],
            "assessment": {"type": {"quiz"}, "questions_count": int, "passing_score": int},
            "status": _STATUS,
            "completed_at": (None, _WHEN),
        }
    ],
    "progress": {
        "current_stage": int,
        "completion_percentage": int,
        "time_spent_minutes": int,
        "estimated_completion_date": date,
    },
    "created_at": _WHEN,
    "updated_at": _WHEN,
}


def paths(reading: Reading) -> Iterator[Fault]:
    """Every path document is true to the seed, to itself, to what it was, and to its rows, after every turn."""
    world = World(reading)
    for entry in reading.diary.entries:
        if isinstance(entry, Turned):
            world.turn(entry)
        elif isinstance(entry, Stored):
            document = entry.document()
            before = world.paths.get(document["_id"])
            world.store(entry)
            shape = list(_misshapen(document, _SEED, "$"))
            told = shape or [
                *_untrue(document),
                *_gone_back(document, before, entry.at),
                *_rows_differ(document, world),
            ]
            for each in told:
                yield entry.at, f"path {document.get('skill')}: {each}"
    for final in reading.diary.final["learning_paths"]:
        if final != world.paths.get(final["_id"]):
            yield reading.term.end, f"path {final['skill']} is not what the turns wrote"


def _misshapen(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Where a value is not of this shape."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        for name, inner in shape.items():
            if name not in value:
                yield f"{where}.{name} is missing"
            else:
                yield from _misshapen(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for place, each in enumerate(value):
            yield from _misshapen(each, shape[0], f"{where}[{place}]")
    elif isinstance(shape, set):
        if value not in shape:
            yield f"{where} is {value!r}"
    elif isinstance(shape, tuple):
        if value is not None:
            yield from _misshapen(value, shape[1], where)
    elif shape in (date, datetime):
        if not isinstance(value, str) or not _is_date(value, shape):
            yield f"{where} is {value!r}, no {shape.__name__}"
    elif type(value) is not shape:
        yield f"{where} is {value!r}, no {shape.__name__}"


def _is_date(value: str, shape: type) -> bool:
    try:
        found = shape.fromisoformat(value)  # type: ignore[attr-defined]  # date or datetime
    except ValueError:
        return False
    return shape is date or found.tzinfo is not None


def _untrue(path: dict[str, Any]) -> Iterator[str]:
    """What the document says of itself and is not so."""
    stages, progress = path["stages"], path["progress"]
    counted = [stage for stage in stages if not stage["passed_over"]]
    things = finished = 0
    for stage in counted:
        for each in stage["resources"]:
            if each["completed"] or not each["withdrawn"]:
                things, finished = things + 1, finished + each["completed"]
        things, finished = things + 1, finished + (stage["status"] == "completed")
    percentage = 100 * finished // things if things else 100
    if progress["completion_percentage"] != percentage:
        yield f"{progress['completion_percentage']} % by its own word, {percentage} % by its resources"
    if progress["current_stage"] not in _at_hand(stages):
        yield f"current_stage {progress['current_stage']}, at hand is {_at_hand(stages)}"
    if [stage["stage_number"] for stage in stages] != list(range(1, len(stages) + 1)):
        yield "its stages are not numbered one by one"
    if not 0 <= path["current_level"] <= path["target_level"] <= 100:
        yield f"level {path['current_level']} of {path['target_level']}"
    if progress["estimated_completion_date"] < path["created_at"][:10]:
        yield f"it is planned to end on {progress['estimated_completion_date']}, before it began"
    for stage in stages:
        yield from _untrue_stage(stage)


def _at_hand(stages: list[dict[str, Any]]) -> list[int]:
    """0 before the first is begun; then an open topic's own stage, else the first that is open, else the last."""
    if all(stage["status"] == "not_started" for stage in stages):
        return [0]
    done = {stage["stage_number"] for stage in stages if stage["status"] == "completed"}
    left = [stage for stage in stages if stage["stage_number"] not in done]
    topics = [each["stage_number"] for each in left if each["topic"] and done.issuperset(each["requires"])]
    usual = [each["stage_number"] for each in left if not each["topic"]]
    return topics[:1] or usual[:1] or [each["stage_number"] for each in left][:1] or [len(stages)]


def _untrue_stage(stage: dict[str, Any]) -> Iterator[str]:
    number, assessment = stage["stage_number"], stage["assessment"]
    if (stage["completed_at"] is not None) != (stage["status"] == "completed"):
        yield f"stage {number} is {stage['status']} with completed_at {stage['completed_at']}"
    for each in stage["resources"]:
        if (each["completed_at"] is not None) != each["completed"]:
            yield f"a resource of stage {number} is completed: {each['completed']}, at {each['completed_at']}"
        if each["duration_minutes"] <= 0 or not each["url"].startswith("http"):
            yield f"a resource of stage {number} has no address, or takes no time"
    still = [each for each in stage["resources"] if not each["completed"] and not each["withdrawn"]]
    if stage["status"] == "completed" and still and not stage["passed_over"]:
        yield f"stage {number} is completed with {len(still)} resources open"
    if stage["status"] == "not_started" and any(each["completed"] for each in stage["resources"]):
        yield f"stage {number} is not started and has resources done"
    if (
        stage["duration_weeks"] < 1
        or assessment["questions_count"] < 1
        or not 0 < assessment["passing_score"] <= 100
    ):
        yield f"stage {number} takes no weeks or has no quiz"


def _gone_back(path: dict[str, Any], before: dict[str, Any] | None, at: datetime) -> Iterator[str]:
    """What was done and is not any more, and times that run backwards."""
    if datetime.fromisoformat(path["updated_at"]) > at:
        yield "it was updated in the future"
    if before is None:
        return
    if path["created_at"] != before["created_at"] or path["updated_at"] < before["updated_at"]:
        yield "its times ran backwards"
    if path["progress"]["time_spent_minutes"] < before["progress"]["time_spent_minutes"]:
        yield "time spent on it was taken back"
    passed, now_passed = (sum(each["passed_over"] for each in one["stages"]) for one in (before, path))
    if path["current_level"] < before["current_level"] and now_passed >= passed:
        yield "its level fell, and no stage came back"
    if len(path["stages"]) < len(before["stages"]):
        yield "it lost a stage"
    for old, new in zip(before["stages"], path["stages"], strict=False):
        if old["stage_name"] != new["stage_name"]:
            yield f"stage {old['stage_number']} became another one"
        if old["status"] == "completed" and new["status"] != "completed" and not old["passed_over"]:
            yield f"stage {old['stage_number']} was completed and is not any more"
        done = {each["resource_id"]: each["completed_at"] for each in old["resources"] if each["completed"]}
        now = {each["resource_id"]: each["completed_at"] for each in new["resources"] if each["completed"]}
        if done.items() - now.items():
            yield f"a resource of stage {old['stage_number']} was completed and is not any more"


def _rows_differ(path: dict[str, Any], world: World) -> Iterator[str]:
    """A resource is done in the path when its row says so, and the time spent is that of the rows."""
    mine = [row for row in world.rows.values() if row["path_id"] == path["_id"]]
    rows = {row["resource_id"]: row for row in mine if row["kind"] == "resource"}
    for stage in path["stages"]:
        for each in stage["resources"]:
            row = rows.get(each["resource_id"])
            if row is None:
                yield f"a resource of stage {stage['stage_number']} has no row of its own"
            elif (row["status"] == "completed") != each["completed"]:
                yield f"a resource of stage {stage['stage_number']} is completed: {each['completed']}; its row is {row['status']}"
    spent = sum(row["time_spent_minutes"] for row in mine)
    if spent != path["progress"]["time_spent_minutes"]:
        yield f"{path['progress']['time_spent_minutes']} minutes spent, {spent} by its rows"


CHECKS: tuple[Check, ...] = (
    hours_and_days,
    rhythm,
    nothing_lost,
    something_waits,
    one_catch_up,
    records,
    streaks,
    cards,
    next_brings_reviews,
    quizzes,
    paths,
)
