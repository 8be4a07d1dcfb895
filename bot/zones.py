"""From a city's name to a time zone: the names of the tz database, and places it does not name.

Knows no student and no clock; whether the zone is right is for the student to say.
"""

import difflib
import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import available_timezones

_AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-]) ?0?(\d{1,2})(?:[:.]?([0-5]\d))?")
_AROUND = re.compile(
    r"^(?:(?:i|we) )?(?:am |im |are |live |study )?(?:in|from|near|at) | (?:time|time zone|timezone)$"
)


def exists(zone: str) -> bool:
    """Whether this is a zone of the tz database."""
    return zone in available_timezones()


def find(name: str) -> str | None:
    """The zone of a city, a country, a zone's name or an offset ("UTC+5:30"), whatever the case, the accents and the
    small words around it."""
    offset = _OFFSET.fullmatch(name.casefold().replace("\N{MINUS SIGN}", "-").strip())
    if offset is not None:
        sign, hours, minutes = offset.groups()
        return _table()["offsets"].get(f"{sign}{int(hours)}:{minutes or '00'}")
    whole, city = _folded(name), _folded(name.split(",", maxsplit=1)[0])
    spellings = (whole, _AROUND.sub("", whole), city, _AROUND.sub("", city))
    return next((zone for each in spellings if (zone := _names().get(each))), None)


def closest(name: str) -> list[tuple[str, str]]:
    """Up to three (name, zone) whose spelling is close: what a typo may have meant."""
    names = _names()
    close = difflib.get_close_matches(_AROUND.sub("", _folded(name)), names, n=6, cutoff=0.7)
    zones: dict[str, str] = {}
    for each in close:
        zones.setdefault(names[each], each.title())
    return [(shown, zone) for zone, shown in list(zones.items())[:3]]


def _folded(name: str) -> str:
    letters = (
        each for each in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(each)
    )
    return " ".join(re.sub(r"[^\w]|_", " ", re.sub(r"[.'’`]", "", "".join(letters))).split())


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("bot") / "content" / "cities.toml").read_text(encoding="utf-8"))


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for zone in sorted(available_timezones()):
        if zone.startswith(_AREAS):
            names[_folded(zone)] = zone
            names.setdefault(_folded(zone.rsplit("/", 1)[1]), zone)
    names |= {"utc": "UTC", "gmt": "UTC"}
    for zone, cities in _table()["zones"].items():
        names |= {_folded(city): zone for city in cities}
    return names
