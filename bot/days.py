"""The day a person means: "on Friday", "tomorrow", "5 December", "in 3 days". Recognises only; `today` is given."""

import re
from datetime import date, timedelta

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NEAR = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2}
_MONTH = (
    r"\b(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_LATELY = timedelta(days=60)  # a day without a year that is so little past is meant as past

_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NAMED = re.compile(rf"\b(?P<near>{'|'.join(sorted(_NEAR, key=len, reverse=True))})\b")
_IN = re.compile(r"\bin (?P<number>\d{1,3}|a|an|one|two|three) (?P<unit>day|week)s?\b")
_WEEKDAY = re.compile(
    r"\b(?P<last>last )?(?P<day>mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:r?s(?:day)?)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)\b"
)
_DATES = (
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<year>\d{{4}}))?(?!\w)"),
    re.compile(rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?!\w)"),
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}


def day_in(text: str, today: date) -> date | None:
    """The day named in a text; None when there is none, or no such day. A weekday is the next one, never today."""
    words = text.lower()
    try:
        if found := _ISO.search(words):
            return date(*map(int, found.groups()))
        for pattern in _DATES:
            if found := pattern.search(words):
                return _dated(found, today)
    except ValueError:  # 31 November
        return None
    if found := _NAMED.search(words):
        return today + timedelta(days=_NEAR[found["near"]])
    if found := _IN.search(words):
        number = int(_NUMBERS.get(found["number"]) or found["number"])
        return today + timedelta(days=number * (7 if found["unit"] == "week" else 1))
    if found := _WEEKDAY.search(words):
        ahead = (_WEEKDAYS.index(found["day"][:3]) - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=(ahead - 7 or -7) if found["last"] else ahead)
    return None


def _dated(found: re.Match[str], today: date) -> date:
    month, day = _MONTHS.index(found["month"][:3]) + 1, int(found["day"])
    if found["year"]:
        return date(int(found["year"]), month, day)
    meant = date(today.year, month, day)
    if meant < today - _LATELY:
        return meant.replace(year=today.year + 1)
    return meant.replace(year=today.year - 1) if meant > today + timedelta(days=366) - _LATELY else meant
