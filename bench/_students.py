"""Simulated students for `bench/term.py`: habits, and what one does about what stands on the screen.

They know nothing of the engine: they read messages, press buttons that are there and type words. What is right they look
up in the content, and get wrong as often as their skill says.
"""

import random
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bot.bank import Content
from bot.messages import Address, Delivery, plain
from bot.quizzes import LETTERS, QuizQuestion

PLATFORMS = ("telegram", "discord")
ZONES = {  # zone: a name of it that a person would type
    "Europe/Berlin": "Berlin",
    "Europe/London": "London",
    "America/New_York": "New York",
    "America/Los_Angeles": "Los Angeles",
    "America/Sao_Paulo": "Sao Paulo",
    "Asia/Kolkata": "Mumbai",
    "Asia/Kathmandu": "Kathmandu",
    "Australia/Sydney": "Sydney",
}
SKILLS = ("git", "sql", "python", "javascript", "networks", "databases", "java", "containers", "aws")
HOURS = (6, 7, 8, 12, 13, 17, 18, 19, 19, 20, 20, 21, 21, 22, 23, 23)  # at which they sit down, local
RHYTHMS = (
    "off",
    "on",
    "on",
    "twice",
    "weekdays",
    "every day",
    "every 2 days",
    "mon wed fri",
    "8:00",
    "20:00",
    "23:00",
)
SMALL_TALK = (
    "thanks",
    "hm",
    "what is an index, again?",
    "later maybe",
    "learn",
    "progress",
    "path",
    "quiz",
)
NONSENSE = "I do not remember, something with memory perhaps"
_LETTERED = re.compile(r"^\*\*([A-E])\*\* (.*?)(?:  )?$", re.MULTILINE)


class Screen(msgspec.Struct, frozen=True):
    """A message as it stands there. `choices`: ids of its buttons."""

    at: datetime
    id: str
    kind: str
    text: str
    choices: tuple[str, ...]

    @classmethod
    def of(cls, delivery: Delivery, at: datetime) -> "Screen":
        """As delivered."""
        choices = tuple(each.id for each in delivery.message.choices)
        return cls(at, delivery.id, delivery.kind, delivery.message.text, choices)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What a student does: words, or a press. `right`: whether what it answers a quiz question with is right, None of
    anything else. `after`: how long they took over it. `leaves`: they put the phone away afterwards."""

    text: str = ""
    choice: str = ""
    right: bool | None = None
    after: timedelta = timedelta(seconds=30)
    leaves: bool = False


class Answers:
    """What is right, by how a question reads."""

    def __init__(self, content: Content) -> None:
        self._quiz: dict[str, list[QuizQuestion]] = {}
        for each in (one for bank in content.quizzes.values() for one in bank):
            self._quiz.setdefault(plain(each.question), []).append(each)
        recalls = [r.recall for path in content.paths.values() for s in path.stages for r in s.resources]
        self._words = {each.question: each.reference_answer for each in recalls}
        self._words |= {each.question: each.reference_answer for each in content.questions.values()}
        self._found: dict[str, str | None] = {}

    def quiz(self, text: str) -> QuizQuestion | None:
        """The question with options, or to be filled in, that a message asks."""
        found = [one for part in text.split("\n\n") for one in self._quiz.get(part, ())]
        fitting = [each for each in found if each.code in text and self._fits(each, text)]
        return fitting[0] if fitting else None

    @staticmethod
    def _fits(question: QuizQuestion, text: str) -> bool:
        options = set(lettered(text).values())
        own = {plain(each) for each in (*question.right, *(one.option for one in question.wrong))}
        return options <= own

    def words(self, text: str) -> tuple[str, str] | None:
        """The question that a message asks to be answered in words, and its reference answer."""
        if text not in self._found:
            asked = (each for each in self._words if each in text)
            self._found[text] = max(asked, key=len, default=None)
        question = self._found[text]
        return (question, self._words[question]) if question is not None else None

    def is_right(self, text: str, choice: str) -> bool | None:
        """Whether this button of a quiz question answers it rightly; None when it answers nothing."""
        verb, _, subject = choice.partition(":")
        question = self.quiz(text)
        if verb == "skip":
            return False
        if verb != "pick" or question is None:
            return None
        *_, mask, place = subject.split(".")
        options = list(lettered(text).values())
        if place == "no":
            return False
        if place == "ok":
            marked = {each for n, each in enumerate(options) if int(mask) >> n & 1}
            return marked == {plain(each) for each in question.right}
        if question.kind == "multiple" or int(place) >= len(options):
            return None
        return options[int(place)] == plain(question.right[0])


def lettered(text: str) -> dict[str, str]:
    """The options as they stand beside their letters."""
    return dict(_LETTERED.findall(text))


class Student:
    """One of them. `zone`: where they are. `answers`: how often a nudge brings them, `comes`: how often a day does;
    `diligence`: how long they stay; `skill`: how often they are right."""

    def __init__(self, number: int, seed: int, *, begin: datetime, weeks: int, answers: Answers) -> None:
        self.number = number
        self.chance = random.Random(f"{seed}/{number}")
        chance = self.chance
        self.known = answers
        self.zone = chance.choice(tuple(ZONES))
        self.diligence = chance.random()
        self.skill = 0.35 + 0.6 * chance.random()
        self.answers = 0.15 + 0.7 * self.diligence
        self.comes = 0.03 + 0.3 * self.diligence
        self.hour = chance.choice(HOURS)
        self.restless = chance.random() < 0.3  # changes settings, snoozes, promises
        self.blocks = chance.random() < 0.08
        self.travels = chance.random() < 0.12
        self.aims = list(chance.sample(SKILLS, 1 + (chance.random() < 0.4) + (chance.random() < 0.2)))
        first = chance.choice(PLATFORMS)
        linked = chance.random() < 0.3
        self.platforms = (
            PLATFORMS if linked and first == PLATFORMS[0] else PLATFORMS[::-1] if linked else (first,)
        )
        self.blocked: set[str] = set()
        self.days = 7 * weeks
        late = chance.random() < 0.2
        self.arrives = begin + timedelta(hours=chance.uniform(0, self.days * 12 if late else 40))
        self.away = self._absences(begin)
        self.screens: dict[str, list[Screen]] = {each: [] for each in self.platforms}
        self.here = self.platforms[0]
        self.left = 0  # moves of this sitting
        self.sitting = 0
        self._asked = ""  # the setting that waits for words
        self._wants: list[Move] = []
        self._rated: set[str] = set()

    @property
    def name(self) -> str:
        return f"student {self.number}"

    def address(self, platform: str) -> Address:
        """Their chat there."""
        return Address(platform=platform, chat=f"{platform[0]}{self.number}")

    def _absences(self, begin: datetime) -> list[tuple[datetime, datetime]]:
        spans = []
        for _ in range((self.chance.random() < 0.4) + (self.chance.random() < 0.15)):
            start = begin + timedelta(days=self.chance.uniform(3, self.days))
            spans.append((start, start + timedelta(days=self.chance.uniform(4, 40))))
        return spans

    def is_away(self, at: datetime) -> bool:
        """On a journey without the phone, or in exams."""
        return any(start <= at < end for start, end in self.away)

    def own_sittings(self) -> Iterator[datetime]:
        """When they come without being asked."""
        yield self.arrives
        for day in range(1, self.days):
            if self.chance.random() < self.comes:
                local = (self.arrives + timedelta(days=day)).astimezone(ZoneInfo(self.zone))
                wall = datetime.combine(local.date(), time(self.hour, self.chance.randrange(60)))
                at = wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(self.arrives.tzinfo)
                if at > self.arrives:
                    yield at

    def noticed(self, screen: Screen, platform: str) -> timedelta | None:
        """A message came. How long until they answer a nudge; None when they do not, or when it is none."""
        self.screens[platform].append(screen)
        del self.screens[platform][:-30]
        if screen.kind != "nudge" or self.is_away(screen.at) or self.chance.random() >= self.answers:
            return None
        if self.chance.random() < 0.6:
            return timedelta(minutes=self.chance.uniform(1, 50))
        return timedelta(hours=self.chance.uniform(1, 30))

    def sits_down(self, *, nudged_on: str = "") -> None:
        """A sitting begins, where a nudge came or wherever they like."""
        self.here = nudged_on or (
            self.platforms[0] if self.chance.random() < 0.7 else self.chance.choice(self.platforms)
        )
        self.blocked.discard(self.here)
        self.sitting += 1
        self.left = 2 + int(self.chance.expovariate(1 / (2 + 9 * self.diligence)))
        self._asked, self._wants = "", []
        if self.restless or self.chance.random() < 0.05:
            self._wants = self._whims()

    def move(self, at: datetime) -> Move | None:
        """The next thing they do; None when they have had enough."""
        if self.left <= 0:
            if self.blocks and self.chance.random() < 0.1:
                self.blocked.add(self.here)
            return None
        self.left -= 1
        screens = self.screens[self.here]
        if not screens:
            return Move(text=self.chance.choice(("/start", f"learn {self.aims[0]}")))
        if self._wants and self.chance.random() < 0.4:
            return self._wants.pop()
        if len(screens) > 5 and self.chance.random() < 0.01:
            return self._pressed(self.chance.choice(screens))  # an old button
        if self.chance.random() < 0.01:
            return Move(text=self.chance.choice(SMALL_TALK))
        shown = next((each for each in reversed(screens[-3:]) if each.choices), screens[-1])
        return self._reaction(shown, at)

    # Whims

    def _whims(self) -> list[Move]:
        chance = self.chance
        day = chance.choice(("Friday", "Sunday", "tomorrow", "in 2 weeks"))
        skill = chance.choice(self.aims)
        possible = (
            Move(text=f"/reminders {chance.choice(RHYTHMS)}"),
            Move(choice="snooze:"),
            Move(text=f"snooze {chance.choice(('1h', 'tonight', '1d', '1w'))}", leaves=True),
            Move(choice="fewer:"),
            Move(text=f"stage {chance.randint(1, 4)} by {day}"),
            Move(text=f"/learn {skill}"),
            Move(text=f"/learn {skill}"),
            Move(text=f"/path {skill}"),
            Move(text=f"path {skill} to {chance.choice((40, 60, 100))}"),
            Move(text="/interview one"),
            Move(text=f"{chance.randint(1, 12)} hours a week"),
            Move(text="/review"),
            Move(text="/progress"),
            Move(text="/done"),
            Move(choice="why:"),
        )
        wants = [chance.choice(possible) for _ in range(chance.randint(0, 2))]
        if self.travels and chance.random() < 0.1:
            self.zone = chance.choice(tuple(ZONES))
            wants.append(Move(text="/settings zone"))
        return wants

    # Reading the screen

    def _reaction(self, shown: Screen, at: datetime) -> Move:
        by: dict[str, str] = {}
        for each in shown.choices:
            by.setdefault(each.partition(":")[0], each)
        if "zone" in by:
            return self._zoned(shown, at)
        if "cancel" in by and self._asked:
            return self._told(at)
        if "pick" in by or ("skip" in by and self.known.quiz(shown.text)):
            return self._answered(shown, by)
        if "answer" in by:
            self._asked = ""
            return Move(choice=by["answer"] if self.chance.random() < 0.8 else by.get("skip", by["answer"]))
        if "skip" in by or "hint" in by:
            return self._in_words(shown, by)
        return self._onward(shown, by)

    def _onward(self, shown: Screen, by: dict[str, str]) -> Move:
        """Nothing is asked: on with whatever the buttons lead to."""
        chance = self.chance
        path = self._unrated()
        if path is not None:
            return Move(choice=f"level:{path}")
        if "goal" in by:
            return Move(choice=chance.choice(shown.choices))
        if "level" in by and "." in by["level"]:
            return Move(choice=chance.choice([each for each in shown.choices if each.startswith("level:")]))
        if "snooze" in by and by["snooze"] != "snooze:":
            choice = chance.choice([each for each in shown.choices if each.startswith("snooze:")])
            self._asked = "until" if choice == "snooze:date" else ""
            return Move(choice=choice, leaves=not self._asked)
        if "path" in by and "." in by["path"] and chance.random() < 0.4:
            return Move(choice=chance.choice([each for each in shown.choices if each.startswith("path:")]))
        if "commit" in by and chance.random() < 0.3:
            self._asked = "commitment" if by["commit"].endswith(".ask") else ""
            return Move(choice=by["commit"])
        if "done" in by:
            took = timedelta(minutes=chance.uniform(2, 40))
            return (
                Move(choice=by["done"], after=took)
                if chance.random() < 0.7
                else Move(text="done 25", after=took)
            )
        for verb in ("quiz", "retest", "redo", "begin", "resume"):
            if verb in by:
                return Move(choice=by[verb])
        if "next" in by:
            return Move(choice=by["next"])
        if chance.random() < 0.1:
            return Move(text="/next", leaves=True)
        return Move(text=f"learn {self.aims[0]}" if chance.random() < 0.1 else "/next")

    def _unrated(self) -> str | None:
        """A path that has just been begun, whose level they want to say."""
        for screen in self.screens[self.here][-4:]:
            for each in screen.choices:
                verb, _, path = each.partition(":")
                if verb == "level" and "." not in path and path not in self._rated:
                    self._rated.add(path)
                    return path if self.chance.random() < 0.5 else None
        return None

    def _zoned(self, shown: Screen, at: datetime) -> Move:
        guess = next((each for each in shown.choices if "/" in each), "")
        if not guess:
            return Move(text=ZONES[self.zone]) if self.chance.random() < 0.9 else Move(choice="zone:skip")
        theirs, real = (at.astimezone(ZoneInfo(each)).utcoffset() for each in (guess[5:], self.zone))
        return Move(choice=guess if theirs == real else "zone:no")

    def _told(self, at: datetime) -> Move:
        asked, self._asked = self._asked, ""
        if asked == "until":
            day = at + timedelta(days=self.chance.randint(2, 15))
            return Move(text=f"{day.day} {day:%B}", leaves=True)
        return Move(text=f"stage {self.chance.randint(1, 3)} by Saturday")

    def _answered(self, shown: Screen, by: dict[str, str]) -> Move:
        """A quiz question: right as often as their skill says, and no other wish until it is answered."""
        question = self.known.quiz(shown.text)
        if question is None:
            return Move(choice=by.get("skip") or by["pick"], right=False)
        chance = random.Random(f"{self.number}/{shown.text[:80]}/{question.key}/{by.get('pick', '')[:40]}")
        knows = chance.random() < self.skill
        no_idea = next((each for each in shown.choices if each.endswith(".no")), "")
        if no_idea and not knows and chance.random() < 0.2:
            return Move(choice=no_idea, right=False)
        if not lettered(shown.text):
            return Move(text=question.right[0] if knows else "no such thing", right=knows)
        options = lettered(shown.text).values()
        rights = {n for n, each in enumerate(options) if each in {plain(one) for one in question.right}}
        wanted = rights if knows else set(range(len(options))) - rights or rights
        return self._laid(shown, question, wanted if question.kind == "multiple" else {min(wanted)})

    def _laid(self, shown: Screen, question: QuizQuestion, wanted: set[int]) -> Move:
        """The press, or the letters, that lead to these options."""
        picks = [each for each in shown.choices if each.startswith("pick:")]
        row, turn, mask, _ = picks[0].removeprefix("pick:").split(".")
        if turn[0] in "qr" and self.chance.random() < 0.1:
            rights = {
                n
                for n, each in enumerate(lettered(shown.text).values())
                if each in map(plain, question.right)
            }
            return Move(text=", ".join(LETTERS[n] for n in sorted(wanted)), right=wanted == rights)
        missing = [n for n in sorted(wanted) if not int(mask) >> n & 1]
        place = str(missing[0]) if missing else "ok"
        choice = f"pick:{row}.{turn}.{mask}.{place}"
        if place != "ok" and question.kind == "multiple":
            self.left += 1  # marking is no move of its own
        return Move(choice=choice, right=self.known.is_right(shown.text, choice), after=timedelta(seconds=15))

    def _in_words(self, shown: Screen, by: dict[str, str]) -> Move:
        found = self.known.words(shown.text)
        if found is None or self.chance.random() < 0.15:
            skip = by.get("skip")
            return Move(choice=skip, right=False) if skip else Move(text="skip", right=False)
        answer = found[1]
        if self.chance.random() > self.skill:
            answer = answer.split(". ")[0] if self.chance.random() < 0.6 else NONSENSE
        return Move(text=answer[:1500], after=timedelta(minutes=2))

    def _pressed(self, screen: Screen) -> Move:
        if not screen.choices:
            return Move(text="/next")
        choice = self.chance.choice(screen.choices)
        return Move(choice=choice, right=self.known.is_right(screen.text, choice))
