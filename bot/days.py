"""The day a person means: "on Friday", "tomorrow", "5 December", "in 3 days". Recognises only; `today` is given."""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY = (
    r"mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:r?s(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NEAR = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2}
_MONTH = (
    r"\b(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_LEAP_YEAR = 2028  # without a year, 29 February may be
_LATELY = timedelta(days=60)  # a day without a year that is so little past is meant as past

_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NAMED = re.compile(rf"\b(?P<near>{'|'.join(sorted(_NEAR, key=len, reverse=True))})\b")
_IN = re.compile(r"\b(?:in|within) (?P<number>\d{1,3}|an?) (?P<unit>day|week|month)s?\b")
_WEEKDAY = re.compile(rf"\b(?P<last>last )?(?P<day>{WEEKDAY})\b")
_DATES = (
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<year>\d{{4}}))?(?!\w)"),
    re.compile(rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?!\w)"),
    re.compile(r"(?<![\d/.])(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\.(?: ?(?P<year>20\d{2}))?(?!\d)"),  # 5.12.
)
_SLASHED = re.compile(r"(?<![\d/.])(?P<first>\d{1,2})/(?P<second>\d{1,2})(?:/(?P<year>20\d{2}))?(?![\d/])")
_FEASTS = {"christmas": (12, 25), "xmas": (12, 25), "new year's eve": (12, 31), "new year": (1, 1)}
_FEAST = re.compile(rf"\b(?P<name>{'|'.join(_FEASTS)})")
_END = re.compile(r"\bend of (?:the |this )?(?P<unit>week|month|year)\b")
_NEXT = re.compile(r"\bnext (?P<unit>week|month|year)\b")
_WEEKEND = re.compile(r"\bweekend\b")
_OF_MONTH = re.compile(r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)\b")
_FIGURES = {
    name: str(number)
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
}
_NUMBER = re.compile(rf"\b(?:{'|'.join(_FIGURES)})\b", re.IGNORECASE)


def in_figures(text: str) -> str:
    """With the numbers from one to twelve in figures."""
    return _NUMBER.sub(lambda found: _FIGURES[found[0].lower()], text)


def day_in(text: str, today: date) -> date | None:
    """The day named in a text; None when there is none, no such day, or when it may be two ("5/12"). A weekday is the
    next one, never today."""
    words = in_figures(text.lower())
    try:
        if found := _ISO.search(words):
            return date(*map(int, found.groups()))
        for pattern in _DATES:
            if found := pattern.search(words):
                return _dated(found["year"], _month(found["month"]), int(found["day"]), today)
        if found := _SLASHED.search(words):
            return _slashed(found, today)
    except ValueError:  # 31 November
        return None
    if found := _NAMED.search(words):
        return today + timedelta(days=_NEAR[found["near"]])
    if found := _IN.search(words):
        number = int(found["number"]) if found["number"].isdecimal() else 1
        return ahead(today, number, found["unit"])
    if found := _WEEKDAY.search(words):
        days = (WEEKDAYS.index(found["day"][:3]) - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=(days - 7 or -7) if found["last"] else days)
    return None


def end_in(text: str, today: date) -> date | None:
    """The same where a span ends, also as said loosely: "Christmas", "the end of the month", "next week", "the 5th"."""
    if (day := day_in(text, today)) is not None:
        return day
    words = in_figures(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if fault(words) is not None:
        return None
    if found := _FEAST.search(words):
        feast = date(today.year, *_FEASTS[found["name"]])
        return feast if feast > today else feast.replace(year=today.year + 1)
    if found := _END.search(words):
        return _last_of(found["unit"], today)
    if found := _NEXT.search(words):
        return _last_of(found["unit"], today) + timedelta(days=1)
    if _WEEKEND.search(words):
        return today + timedelta(days=(5 - today.weekday() - 1) % 7 + 1)
    if found := _OF_MONTH.search(words):
        return _next_of_month(int(found["day"]), today)
    return None


def fault(text: str) -> Literal["no_such_day", "two_days"] | None:
    """What is wrong with a date in a text: the calendar has no 31 November, and 5/12 is 5 December or 12 May."""
    words = text.lower()
    for pattern in _DATES:
        if found := pattern.search(words):
            return _impossible(int(found["year"] or _LEAP_YEAR), _month(found["month"]), int(found["day"]))
    if found := _SLASHED.search(words):
        first, second = int(found["first"]), int(found["second"])
        if first != second and max(first, second) <= 12:
            return "two_days"
        month, day = sorted((first, second))
        return _impossible(_LEAP_YEAR, month, day)
    return None


def _impossible(year: int, month: int, day: int) -> Literal["no_such_day"] | None:
    return None if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1] else "no_such_day"


def _month(name: str) -> int:
    return int(name) if name.isdecimal() else _MONTHS.index(name[:3]) + 1


def ahead(today: date, number: int, unit: str) -> date:
    """So many days, weeks or months ("31 January" and one: the last day of February) from today."""
    if unit != "month":
        return today + timedelta(days=number * (7 if unit == "week" else 1))
    year, month = divmod(today.year * 12 + today.month - 1 + number, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _last_of(unit: str, today: date) -> date:
    if unit == "week":
        return today + timedelta(days=6 - today.weekday())
    month = today.month if unit == "month" else 12
    return date(today.year, month, monthrange(today.year, month)[1])


def _next_of_month(day: int, today: date) -> date | None:
    for months in range(4):
        first = ahead(today.replace(day=1), months, "month")
        if 1 <= day <= monthrange(first.year, first.month)[1] and first.replace(day=day) > today:
            return first.replace(day=day)
    return None


def _slashed(found: re.Match[str], today: date) -> date | None:
    """ "25/12" and "12/25" are the same day whoever writes them."""
    if fault(found[0]) is not None:
        return None
    month, day = sorted((int(found["first"]), int(found["second"])))
    return _dated(found["year"], month, day, today)


def _dated(year: str | None, month: int, day: int, today: date) -> date:
    if year:
        return date(int(year), month, day)
    meant = date(today.year, month, day)
    if meant < today - _LATELY:
        return meant.replace(year=today.year + 1)
    return meant.replace(year=today.year - 1) if meant > today + timedelta(days=366) - _LATELY else meant
