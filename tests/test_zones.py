"""Cities to time zones: what students type is understood, and a typo gets a good guess."""

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from bot import zones

TABLE = tomllib.loads((files("bot") / "content" / "cities.toml").read_text(encoding="utf-8"))
NAMES = [(name, zone) for zone, names in TABLE["zones"].items() for name in names]


@pytest.mark.parametrize("zone", [*TABLE["zones"], *TABLE["offsets"].values()])
def test_every_zone_of_the_table_exists(zone: str) -> None:
    """On this machine's tz database, or the one that comes with us."""
    assert zones.exists(zone)
    assert ZoneInfo(zone).utcoffset(datetime(2026, 1, 1, tzinfo=UTC)) is not None


def test_no_name_stands_twice() -> None:
    """Not even under another zone: the later one would win in silence."""
    names = [name for name, _ in NAMES]
    assert sorted(names) == sorted(set(names))


def test_every_name_is_found_and_written_as_it_is_compared() -> None:
    """A name with a capital, an accent or a hyphen would read well and never match."""
    assert [name for name, _ in NAMES if name != zones._folded(name)] == []
    assert [name for name, zone in NAMES if zones.find(name) != zone] == []


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("new york", "America/New_York"),
        ("New York, USA", "America/New_York"),
        ("NYC", "America/New_York"),
        ("America/New_York", "America/New_York"),
        ("asia/kolkata", "Asia/Kolkata"),
        ("Kolkata.", "Asia/Kolkata"),
        ("Calcutta", "Asia/Kolkata"),
        ("  Bengaluru ", "Asia/Kolkata"),
        ("I live in Pune", "Asia/Kolkata"),
        ("near Hyderabad, India", "Asia/Kolkata"),
        ("IST", "Asia/Kolkata"),
        ("india time", "Asia/Kolkata"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("KÖLN", "Europe/Berlin"),
        ("Port-au-Prince", "America/Port-au-Prince"),
        ("St. Louis", "America/Chicago"),
        ("Washington, D.C.", "America/New_York"),
        ("Mexico City", "America/Mexico_City"),
        ("Xi'an", "Asia/Shanghai"),
        ("GMT", "UTC"),
        ("utc", "UTC"),
    ],
)
def test_a_place_is_found_however_it_is_typed(name: str, zone: str) -> None:
    """Case, accents, dots, hyphens, a country behind a comma and small words before it do not matter."""
    assert zones.find(name) == zone


@pytest.mark.parametrize(
    "name", ["", " ", "?", "in", "atlantis", "5:30", "+91", "utc+5:17", "+", "\u202e🙂", "x" * 20_000]
)
def test_what_is_no_place_is_not_found(name: str) -> None:
    """A guess here would make reminders come at night."""
    assert zones.find(name) is None


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("UTC+5:30", timedelta(hours=5, minutes=30)),
        ("+05:30", timedelta(hours=5, minutes=30)),
        ("utc +0530", timedelta(hours=5, minutes=30)),
        ("GMT+2", timedelta(hours=2)),
        ("gmt + 02", timedelta(hours=2)),
        ("UTC-8", timedelta(hours=-8)),
        ("UTC\N{MINUS SIGN}8", timedelta(hours=-8)),
        ("-03:00", timedelta(hours=-3)),
        ("UTC+0", timedelta(0)),
        ("+5.45", timedelta(hours=5, minutes=45)),
    ],
)
def test_an_offset_is_understood(name: str, offset: timedelta) -> None:
    """As the phone's settings show it."""
    zone = zones.find(name)
    assert zone is not None
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() == offset


@pytest.mark.parametrize(("offset", "zone"), TABLE["offsets"].items())
def test_an_offsets_zone_keeps_it_all_year(offset: str, zone: str) -> None:
    """Who says UTC+2 means that, in summer too."""
    sign, (hours, minutes) = offset[0], map(int, offset[1:].split(":"))
    expected = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    for month in range(1, 13):
        assert datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() == expected


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("Bangalroe", ("Bangalore", "Asia/Kolkata")),
        ("Hydrabad", ("Hyderabad", "Asia/Kolkata")),
        ("Berln", ("Berlin", "Europe/Berlin")),
        ("Chenai", ("Chennai", "Asia/Kolkata")),
        ("New Yrok", ("New York", "America/New_York")),
        ("San Fransisco", ("San Francisco", "America/Los_Angeles")),
        ("Lahor", ("Lahore", "Asia/Karachi")),
        ("Singapur", ("Singapore", "Asia/Singapore")),
        ("in Warszaw", ("Warsaw", "Europe/Warsaw")),
    ],
)
def test_a_typo_gets_the_place_that_was_meant_first(typo: str, meant: tuple[str, str]) -> None:
    """Each zone is offered once, three at most."""
    offered = zones.closest(typo)
    assert offered[0] == meant
    assert len(offered) <= 3
    assert len({zone for _, zone in offered}) == len(offered)


def test_nothing_close_is_offered_for_nonsense() -> None:
    """Three wild guesses would be worse than none."""
    assert zones.closest("qqqqqq") == []
    assert zones.closest("") == []
