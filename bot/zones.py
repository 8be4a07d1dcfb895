"""From a city's name to a time zone: the names of the tz database, and cities it does not name."""

import difflib
import tomllib
from functools import cache
from importlib.resources import files
from zoneinfo import available_timezones

_AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def exists(zone: str) -> bool:
    """Whether this is a zone of the tz database."""
    return zone in available_timezones()


def find(name: str) -> str | None:
    """The zone of a city, country or zone name, whatever the case and the small words around it."""
    return _names().get(_folded(name))


def closest(name: str) -> list[tuple[str, str]]:
    """Up to three (name, zone) whose spelling is close: what a typo may have meant."""
    names = _names()
    close = difflib.get_close_matches(_folded(name), names, n=6, cutoff=0.7)
    zones: dict[str, str] = {}
    for each in close:
        zones.setdefault(names[each], each.title())
    return [(shown, zone) for zone, shown in list(zones.items())[:3]]


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("/", " ").casefold().strip(" .!?,").split())


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for zone in sorted(available_timezones()):
        if zone.startswith(_AREAS):
            names[_folded(zone)] = zone
            names.setdefault(_folded(zone.rsplit("/", 1)[1]), zone)
    names |= {"utc": "UTC", "gmt": "UTC"}
    table = tomllib.loads((files("bot") / "content" / "cities.toml").read_text(encoding="utf-8"))
    for zone, cities in table["zones"].items():
        names |= {_folded(city): zone for city in cities}
    return names
