"""How often, on which days and at what hour a person wants to be reminded: "weekdays at 7 pm", "twice a day but not on
Sundays". Recognises only; of a phrase that says more than it understands it takes nothing."""

import re

import msgspec
from msgspec.structs import replace

from bot.days import WEEKDAY, WEEKDAYS, in_figures

MOST_A_DAY = 3  # reminders: more are noise
RAREST = 7  # days from one to the next
_ALL_DAYS = "0123456"
_A_WEEK = {1: _ALL_DAYS, 2: "03", 3: "024", 4: "0134", 5: "01234", 6: "012345", 7: _ALL_DAYS}
"""The weekdays of so many reminders a week, spread; of a single one any."""
_PARTS_OF_DAY = {
    "midnight": 0,
    "morning": 8,
    "noon": 12,
    "midday": 12,
    "lunch": 13,
    "afternoon": 15,
    "evening": 19,
    "night": 21,
}

_COUNT = r"(?:(?P<once>once)|(?P<twice>twice)|(?P<number>\d{1,9}) ?(?:times|x))"
_A_WEEK_OF = re.compile(rf"\b(?:{_COUNT}|(?P<on>\d{{1,9}}) days?) (?:a|per|each|every|in a) week\b")
_A_DAY_OF = re.compile(
    rf"\b{_COUNT}(?: (?:a|per|each|every|in a) day\b| daily\b)?(?! (?:a|per|each|every)\b)"
)
_EVERY = re.compile(
    r"\b(?:once )?every (?:(?P<other>other|second)|(?P<third>third)|(?P<number>\d{1,3})(?:st|nd|rd|th)?) (?P<unit>day|week)s?\b"
)
_WEEKLY = re.compile(r"\b(?:weekly|(?:every|each) week)\b")
_EVERY_DAY = re.compile(r"\b(?:every ?day|each day|all days|all week)\b")
_DAILY = re.compile(r"\bdaily\b")
_MORE = re.compile(r"\b(?<!no )more(?: often)?\b")
_DAY = rf"(?:{WEEKDAY})s?"
_RANGE = re.compile(rf"\b(?P<first>{_DAY}) ?(?:-|–|to|till|until|through|thru) ?(?P<last>{_DAY})\b")
_NAMED = re.compile(
    rf"\b(?:(?P<weekdays>week ?days?|work(?:ing)? ?days?)|(?P<weekends>week ?ends?)|(?P<day>{_DAY}))\b"
)
_NOT = re.compile(
    r"\b(?:don'?t|do not|not?|none|never|stop|quit|except|without|(?:turn(?: them)? |switch(?: them)? )?off)\b(?: more\b)?"
    rf"|\bbut(?= (?:on )?(?:{WEEKDAY}|week ?ends?|week ?days?))"
)
_AT_MOST = re.compile(r"\b(?:at most|no more than|not more than|max(?:imum)?)\b")
_PART = r"(?:(?:in the |at |of the )?(?P<part>morning|noon|midday|afternoon|evening|night)s?)"
_HOUR = re.compile(
    r"(?<![\w.:,-])(?<!\bin )(?:(?P<near>half past|quarter past|quarter to) )?(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})|h)?"
    rf"(?: ?(?P<half>[ap]m)| (?P<clock>o'?clock)(?: (?P<after>[ap]m))?)?(?: {_PART})?(?![\w:]|[.,]\d)"
)
_PART_ALONE = re.compile(
    r"\b(?P<part>midnight|morning|noon|midday|lunch|afternoon|evening|night)s?(?:time)?\b"
)
_CLOCK = re.compile(
    rf"\b(?:(?:at |around )?(?:\d{{1,2}}(?:[:.]\d{{2}})? ?[ap]m|\d{{1,2}}:\d{{2}})|at \d{{1,2}})(?: {_PART})?(?![\w:])"
    r"|\b(?:in the |at )?(?:morning|noon|midday|afternoon|evening)\b"
)
_SMALL_WORDS = frozenset(
    "a about and approximately around at be but by can change could each every for from get i i'd in it just like make"
    " me my nudge nudges of often on only please pls want would you the them then time to set send remind reminded reminder"
    " reminders reminding again also day days hour ok okay so thanks".split()
)


_SOME_DAYS = (
    r"(?:(?:only )?(?:on|from|at) )?(?:the )?(?:(?P<only_weekdays>(?:week|work)(?:ing)? ?days|mon(?:day)?s? ?(?:-|to|till|through) ?fri(?:day)?s?)"
    r"|(?P<only_weekends>week ?ends?))"
)
_HOURS_SPENT = re.compile(
    r"(?<![\w.,])(?P<number>-?\d+(?:[.,]\d+)?)\s*(?P<unit>h|hrs?|hours?|m|mins?|minutes?)?(?![\w])"
    r"(?:\s*(?:(?:a|per|every|each|/|in a|on)\s*(?:(?P<daily>day)|(?P<weekdays>(?:week|work)days?))|(?P<also_daily>daily))"
    rf"(?:,?\s+{_SOME_DAYS})?)?"
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a phrase asks for; what it does not speak of is empty. `hours`: 0-23, in order; `cut`: minutes were
    dropped; `spoken`: of "half past 7", which of the two is open. `a_day`: reminders on a day; `every`: days from one to the next; `days`,
    `without`: weekdays, "0" Monday to "6", wanted and not. `off`: none at all."""

    off: bool = False
    hours: tuple[int, ...] = ()
    spoken: bool = False
    cut: bool = False
    a_day: int = 0
    every: int = 0
    days: str = ""
    without: str = ""


class _Phrase:
    """What is left of a phrase; what is understood is taken away."""

    def __init__(self, words: str) -> None:
        self.left = words

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self.left)
        if found is not None:
            self.left = f"{self.left[: found.start()]} , {self.left[found.end() :]}"
        return found

    def named_days(self, no: re.Match[str] | None) -> tuple[str, str]:
        """The weekdays wanted, and those not wanted: after a "not" (`no`), or before one that ends it ("Sundays off")."""
        if no is None:
            return self.days(), ""
        before, after = _Phrase(self.left[: no.start()]), _Phrase(self.left[no.end() :])
        days, without = before.days(), after.days()
        self.left = f"{before.left} , {after.left}"
        return (days, without) if without else ("", days)

    def days(self) -> str:
        """All weekdays named."""
        named: set[int] = set()
        while (found := self.take(_RANGE)) is not None:
            first, last = (_weekday(found[each]) for each in ("first", "last"))
            named |= {(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)}
        while (found := self.take(_NAMED)) is not None:
            if found["day"]:
                named.add(_weekday(found["day"]))
            else:
                named |= set(range(5)) if found["weekdays"] else {5, 6}
        return "".join(map(str, sorted(named)))


def wanted(words: str) -> Wanted | None:
    """All that a phrase asks for; None when a word of it is not understood, or it asks for nothing."""
    phrase = _Phrase(_plain(words))
    phrase.take(_AT_MOST)
    rhythm = _rhythm(phrase)
    if rhythm is None:
        return None
    no = _NOT.search(phrase.left)
    days, without = phrase.named_days(no)
    hours = _hours(phrase)
    if hours is None or set(re.findall(r"[^\s,;.!?]+", phrase.left)) - _SMALL_WORDS:
        return None
    if no is not None and not days and not without:
        return Wanted(off=True) if not hours.hours and rhythm == Wanted() else None
    if len(hours.hours) > 1 and not rhythm.a_day:
        rhythm = replace(rhythm, a_day=len(hours.hours), every=1)
    found = replace(hours, every=rhythm.every, a_day=rhythm.a_day, days=days or rhythm.days, without=without)
    return None if found == Wanted() or found.a_day > MOST_A_DAY else found


def no_hour(words: str) -> str | None:
    """What a phrase names as a time of day and no clock shows: "25:00", "13 pm", or 31 alone."""
    text = _plain(words)
    for found in _HOUR.finditer(text):
        alone = found["minute"] or found["half"] or found["after"] or re.fullmatch(r"(?:at )?\d+", text)
        if alone and _hour(found) is None:
            return found[0].strip()
    return None


def clock_in(words: str) -> tuple[int, str] | None:
    """The time of day beside a day ("tomorrow at 6 pm"), and what is left without it; None where none is named."""
    text = _plain(words)
    found = _CLOCK.search(text)
    said = wanted(found[0]) if found is not None else None
    if found is None or said is None or len(said.hours) != 1:
        return None
    return said.hours[0], f"{text[: found.start()]} {text[found.end() :]}".strip()


def _plain(words: str) -> str:
    """In small letters, numbers in figures, "p.m." as "pm"."""
    text = in_figures(" ".join(words.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()))
    return re.sub(r"(?<=[\dk]) ?([ap])\. ?m\b\.?|(?<=\d) ([ap]) m\b", r" \1\2m", text)


def _rhythm(phrase: _Phrase) -> Wanted | None:
    """How often; empty where nothing is said of it, None where it cannot be had."""
    if (found := phrase.take(_A_WEEK_OF)) is not None:
        count = int(found["on"] or 0) or _count(found)
        days = _A_WEEK.get(count)
        return Wanted(every=RAREST if count == 1 else 1, a_day=1, days=days) if days else None
    if phrase.take(_WEEKLY) is not None:
        return Wanted(every=RAREST, a_day=1)
    if (found := phrase.take(_EVERY)) is not None:
        number = 2 if found["other"] else 3 if found["third"] else int(found["number"])
        days_apart = number * (7 if found["unit"] == "week" else 1)
        return Wanted(every=max(1, min(RAREST, days_apart)), a_day=1)
    if (found := phrase.take(_A_DAY_OF)) is not None:
        return Wanted(every=1, a_day=_count(found)) if _count(found) else None
    if phrase.take(_EVERY_DAY) is not None:
        return Wanted(every=1, a_day=1, days=_ALL_DAYS)
    if phrase.take(_DAILY) is not None:
        return Wanted(every=1, a_day=1)
    return Wanted(every=1, a_day=2) if phrase.take(_MORE) is not None else Wanted()


def _count(found: re.Match[str]) -> int:
    return 1 if found["once"] else 2 if found["twice"] else int(found["number"])


def _hours(phrase: _Phrase) -> Wanted | None:
    """The hours named; None when one of them is no time of day."""
    named: list[int] = []
    open_: list[re.Match[str]] = []
    cut = False
    while (found := phrase.take(_HOUR)) is not None:
        hour = _hour(found)
        if hour is None:
            return None
        named.append(hour)
        cut = cut or found["near"] is not None or int(found["minute"] or 0) > 0
        if not (found["half"] or found["after"] or found["part"]):
            open_.append(found)
    parts = []
    while (found := phrase.take(_PART_ALONE)) is not None:
        parts.append(found["part"])
    if len(named) == 1 and len(parts) == 1 and open_:  # "in the evening at 9"
        return Wanted(hours=(_in_part(named[0], parts[0]),), cut=cut)
    if named and parts:
        return None
    spoken = len(named) == 1 and any(each["near"] or each["clock"] for each in open_)
    hours = tuple(sorted({*named, *(_PARTS_OF_DAY[each] for each in parts)}))
    return Wanted(hours=hours, spoken=spoken, cut=cut)


def _hour(found: re.Match[str]) -> int | None:
    hour, half = int(found["hour"]), found["half"] or found["after"]
    if found["minute"] and int(found["minute"]) > 59:
        return None
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif found["part"]:
        hour = _in_part(hour, found["part"])
    if found["near"] == "quarter to":
        hour = (hour - 1) % 24
    return hour if hour < 24 else None


def _in_part(hour: int, part: str) -> int:
    """ "9 in the evening" is 21; "12 at night" is 0."""
    if part == "night" and hour == 12:
        return 0
    if not 1 <= hour < 12 or part == "morning" or (part == "night" and hour < 6):
        return hour
    return hour if part in ("noon", "midday") and hour > 2 else hour + 12


def _weekday(name: str) -> int:
    return WEEKDAYS.index(name[:3])


def hours_a_week(words: str) -> float | None:
    """Hours a week in "5", "five hours a week", "30 min a day" (seven of them), "1,000"; None where no number stands by
    itself ("1e9")."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", in_figures(words.lower()))
    text = re.sub(r"\bhalf an hour\b", "30 min", re.sub(r"(?<!half )\ban? (?=hours?\b)", "1 ", text))
    found = _HOURS_SPENT.search(text)
    if found is None:
        return None
    count = float(found["number"].replace(",", "."))
    if (found["unit"] or "").startswith("m"):
        count /= 60
    if found["only_weekends"]:
        return count * 2
    if found["weekdays"] or found["only_weekdays"]:
        return count * 5
    return count * (7 if found["daily"] or found["also_daily"] else 1)
