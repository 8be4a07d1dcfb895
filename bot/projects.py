"""A student's own projects, in their own words, from the text of a resume. Recognises only."""

import re
from collections.abc import Iterator

LONGEST_NAME = 60  # characters of a project's words in a question
MOST = 5  # projects: a resume shows its best first
MOST_READ = 20_000  # characters: as many as are kept of a text

_SECTION = re.compile(
    r"\W*(?:(?:academic|personal|key|side|selected|notable|major|course|college|open[- ]source|own)\W+)*"
    r"projects?(?:\W+(?:work|experience|undertaken|done|completed))?\W*\Z",
    re.IGNORECASE,
)
_OTHER_SECTION = re.compile(
    r"\W*(?:(?:work|professional|technical|relevant|core|key|soft|extra[- ]?curricular|academic|my)\W+)*"
    r"(?:education|experience|employment|internships?|skills?|achievements?|awards?|honou?rs|certifications?|certificates|"
    r"courses?(?:work)?|publications?|languages?|interests|hobbies|summary|objective|profile|activities|references|"
    r"positions?\b.*|responsibilit\w+|volunteer\w*|leadership|contact|about(?: me)?)"
    r"(?:\W+(?:and|&)\W+\w+|\W+\w+)?\W*\Z",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\A\s*[-*•·▪◦‣>–]\s+")
_NUMBER = re.compile(r"\A\s*\d{1,2}[.)]\s+")
_TITLE_END = re.compile(r"\s+[|–—-]\s+|\s*[:|(\[\t]|,\s|\s{3,}|https?://|\s+(?:19|20)\d\d\b")
_MADE = re.compile(
    r"\b(?:built|developed|designed|created|implemented|programmed|engineered|launched|made|wrote)\s+"
    r"(?:and\s+(?:\w+ed|built|made|wrote)\s+|up\s+)?(?!by\b)(?:(?:an?|the|our|my|own|full|new)\s+)*(?P<what>[^.,;:()\n]{4,120})",
    re.IGNORECASE,
)
_WHAT_ENDS = re.compile(
    r"\s+(?:using|with|in|for|that|which|to|where|so|and|by|from|on|based\s+on|at|via|as|during|when|while|who|of\s+my)\b",
    re.IGNORECASE,
)
_NO_PROJECT = re.compile(
    r"\b(?:skills?|knowledge|understanding|relationships?|teams?|culture|rapport|habits?|career|interest|strateg\w+|"
    r"confidence|friends|reports?|documentation|tests?|code|sure|progress|love)\Z",
    re.IGNORECASE,
)


def projects(resume: str) -> tuple[str, ...]:
    """What the student calls their projects, the first ones first, each at most `LONGEST_NAME` characters."""
    lines = resume[:MOST_READ].splitlines()
    names = list(_headed(lines)) or list(_told(lines))
    distinct = {name.casefold(): name for name in reversed(names)}
    ordered = dict.fromkeys(distinct[name.casefold()] for name in names)
    return tuple(ordered)[:MOST]


def _headed(lines: list[str]) -> Iterator[str]:
    """The titles in a section of that name: its lines that are no bullets, or where all are bullets, what opens each."""
    within = _section(lines)
    titles = [line for line in within if not _BULLET.match(line)]
    for line in titles or within:
        text = _NUMBER.sub("", _BULLET.sub("", line, count=1), count=1).strip(" *_#•\t")
        if told := _MADE.match(text):
            name = _what(told["what"])
        elif text.endswith(".") or not (titles or _TITLE_END.search(text)):
            continue  # a sentence, or a bullet that opens with no title
        else:
            name = _cut(_TITLE_END.split(text, maxsplit=1)[0])
        if _is_name(name):
            yield name


def _section(lines: list[str]) -> list[str]:
    within: list[str] = []
    inside = False
    for line in lines:
        if _SECTION.match(line):
            inside = True
        elif inside and _OTHER_SECTION.match(line):
            inside = False
        elif inside and line.strip():
            within.append(line)
    return within


def _told(lines: list[str]) -> Iterator[str]:
    """What a sentence says was built, developed or designed."""
    for line in lines:
        for match in _MADE.finditer(line):
            name = _what(match["what"])
            if _is_name(name) and (" " in name or name[:1].isupper()):
                yield name


def _what(words: str) -> str:
    return _cut(_WHAT_ENDS.split(words, maxsplit=1)[0])


def _cut(name: str) -> str:
    name = " ".join(name.split()).strip(" -–—.,\"'*_")
    if len(name) <= LONGEST_NAME:
        return name
    return name[:LONGEST_NAME].rsplit(" ", 1)[0]


def _is_name(name: str) -> bool:
    letters = sum(char.isalpha() for char in name)
    return letters >= 3 and len(name.split()) <= 9 and "@" not in name and not _NO_PROJECT.search(name)
