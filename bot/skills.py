"""Skills in a resume or a job description, with the words they rest on. Recognises only; what follows from them is
decided in `bot/stages/planning.py`. The taxonomy is `content/skills.toml`, read and checked by `bot/bank.py`."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import msgspec

MOST_READ = 20_000  # characters: as many as are kept of a text

_TOKEN = re.compile(r"[^\W_]+(?:\+\+|#)?")
_JOINT = re.compile(
    r"[ \t\n]?[-/._&]?[ \t\n]?\Z"
)  # between two words of one name: "Node.js", "CI / CD"; not ". "
_WORD = re.compile(r"\S+")
_ADDRESS = re.compile(
    r"@|://|\.(?:com|org|in|dev)/"
)  # a word with one of these names no skill: github.com/ann
_SEPARATOR = re.compile(r"[,;:|/()\[\]\n\t•·▪&]")
_SENTENCE_START = re.compile(r"[.!?:\n•·▪*]")
_AND = ("and", "or")
_NOUNS = frozenset(  # "Go developer", "R programming": what stands before it is the skill and not the word
    """developer developers engineer engineers programming programmer language code scripts framework app apps application
    applications components backend frontend services service api apis projects""".split()
)
_HEADS = frozenset(
    "languages language skills programming technologies tools stack tech frameworks in using with".split()
)
_NOT_BEFORE = re.compile(r"(?:19|20)\d\d\Z|semester\Z|term\Z")  # "Spring 2025"


class Skill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of the taxonomy. `listed`: words that count only in a list of skills, or written just so within a
    sentence. `area`: a field of work, not a thing one has or lacks. `topics`: question topics it leads to; `path`: the learning path that serves it, empty when there is none."""

    slug: str
    title: str
    aliases: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    parent: str = ""
    area: bool = False
    topics: tuple[str, ...] = ()
    path: str = ""


class Found(NamedTuple):
    """A skill and the words of the text that show it, as they stand there."""

    skill: str
    words: str


_Token = tuple[str, int, int]  # folded, start, end; a plain tuple, for a text has thousands


class _Name(NamedTuple):
    tokens: tuple[str, ...]
    skill: str
    listed: str  # as it is written; empty for a name that counts anywhere
    opening: str = ""  # punctuation before its first word: the dot of ".NET"


class Taxonomy:
    """Skills by their slug, and a recogniser over all their names; made once, when the content is loaded."""

    def __init__(self, skills: Iterable[Skill] = ()) -> None:
        self.skills = {skill.slug: skill for skill in skills}
        self._names: dict[tuple[str, ...], list[_Name]] = {}
        self._sizes: dict[str, list[int]] = {}  # of the names that begin with a word, longest first
        for skill in self.skills.values():
            for name in (skill.title, *skill.aliases):
                for tokens in _spellings(name):
                    self._add(_Name(tokens, skill.slug, "", _opening(name)))
            for name in skill.listed:
                self._add(_Name(tokens_of(name), skill.slug, name, _opening(name)))

    def find(self, text: str) -> tuple[Found, ...]:
        """The skills a text names, in the order in which they first stand there."""
        text = _WORD.sub(_but_addresses, text[:MOST_READ])
        tokens = [(match[0].casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
        sure, doubtful = self._hits(text, tokens)
        taken = {place for place, name in sure for place in range(place, place + len(name.tokens))}
        for _ in range(2):  # twice: "C, R, Python" is known from its end
            left: list[tuple[int, _Name]] = []
            for place, name in doubtful:
                if _is_meant(text, tokens, place, name, taken):
                    sure.append((place, name))
                    taken.update(range(place, place + len(name.tokens)))
                else:
                    left.append((place, name))
            doubtful = left
        found: dict[str, str] = {}
        for place, name in sorted(sure):
            if name.skill not in found:
                start, end = tokens[place][1], tokens[place + len(name.tokens) - 1][2]
                if text.endswith(name.opening, 0, start):
                    start -= len(name.opening)
                found[name.skill] = " ".join(text[start:end].split())
        return tuple(Found(skill, words) for skill, words in found.items())

    def topics(self, slug: str) -> tuple[str, ...]:
        """The question topics a skill leads to, its own or its parent's."""
        skill = self.skills[slug]
        return skill.topics or (self.topics(skill.parent) if skill.parent else ())

    def path(self, slug: str) -> str:
        """The learning path for a skill, its own or its parent's; empty when there is none."""
        skill = self.skills[slug]
        return skill.path or (self.path(skill.parent) if skill.parent else "")

    def shown(self, slugs: Iterable[str]) -> frozenset[str]:
        """With what they include: who knows Django knows Python."""
        known: set[str] = set()
        for each in slugs:
            slug = each
            while slug and slug not in known:
                known.add(slug)
                slug = self.skills[slug].parent
        return frozenset(known)

    def _add(self, name: _Name) -> None:
        self._names.setdefault(name.tokens, []).append(name)
        sizes = self._sizes.setdefault(name.tokens[0], [])
        if len(name.tokens) not in sizes:
            sizes.append(len(name.tokens))
            sizes.sort(reverse=True)

    def _hits(
        self, text: str, tokens: list[_Token]
    ) -> tuple[list[tuple[int, _Name]], list[tuple[int, _Name]]]:
        """Where names stand: those that count anywhere, and those that depend on what is around them."""
        sure: list[tuple[int, _Name]] = []
        doubtful: list[tuple[int, _Name]] = []
        words = [token[0] for token in tokens]
        free = 0
        for place, word in enumerate(words):
            if place < free or word not in self._sizes:
                continue
            for size in self._sizes[word]:
                named = self._names.get(tuple(words[place : place + size]), ())
                name = next((each for each in named if _stands(text, tokens, place, each)), None)
                if name is not None:
                    (doubtful if name.listed else sure).append((place, name))
                    free = place + size
                    break
        return sure, doubtful


def tokens_of(name: str) -> tuple[str, ...]:
    """The words of a name, folded: "Node.js" is node, js."""
    return tuple(match[0].casefold() for match in _TOKEN.finditer(name))


def _but_addresses(word: re.Match[str]) -> str:
    text = word[0]
    return " " * len(text) if ("@" in text or "/" in text) and _ADDRESS.search(text) else text


def _opening(name: str) -> str:
    first = _TOKEN.search(name)
    return name[: first.start()] if first else ""


def _spellings(name: str) -> set[tuple[str, ...]]:
    """With and without a gap between two words: "type script", "typescript"."""
    tokens = tokens_of(name)
    joined = "".join(tokens)
    return {tokens, (joined,)} if len(tokens) == 2 and len(joined) >= 6 else {tokens}


def _stands(text: str, tokens: list[_Token], place: int, name: _Name) -> bool:
    """Whether what stands between its words, and before a listed one, is as it should be."""
    if name.listed and not text.endswith(name.opening, 0, tokens[place][1]):
        return False
    there = tokens[place : place + len(name.tokens)]
    return all(
        _JOINT.match(text[one[2] : two[1]]) and not _ends(text, one, two) for one, two in pairwise(there)
    )


def _ends(text: str, one: _Token, two: _Token) -> bool:
    """A sentence ends between them: "I know React. Native speaker"."""
    return text[one[2] : two[1]].startswith((". ", ".\n"))


def _is_meant(text: str, tokens: list[_Token], place: int, name: _Name, taken: set[int]) -> bool:
    """Whether a word that also means something else is the skill here."""
    last = place + len(name.tokens) - 1
    before = text[tokens[place - 1][2] if place else 0 : tokens[place][1] - len(name.opening)]
    after = text[tokens[last][2] : tokens[last + 1][1] if last + 1 < len(tokens) else len(text)]
    earlier = tokens[place - 1][0] if place else ""
    later = tokens[last + 1][0] if last + 1 < len(tokens) else ""
    opens = not earlier or bool(_SEPARATOR.search(before)) or earlier in _AND
    closes = not later or bool(_SEPARATOR.search(after)) or later in _AND or after.startswith(".")
    if opens and closes:
        back = place - (2 if earlier in _AND else 1)
        forth = last + (2 if later in _AND else 1)
        if back in taken or forth in taken:
            return True
    if text[tokens[place][1] - len(name.opening) : tokens[last][2]] != name.listed:
        return False
    if later in _NOUNS and not _SEPARATOR.search(after):
        return True
    if len(name.listed) == 1:
        return closes and earlier in _HEADS and not before.strip(" :\n")
    if opens and closes:
        return not (earlier in _AND and later in _AND)
    starts = not earlier or bool(_SENTENCE_START.search(before))
    return not starts and not _NOT_BEFORE.match(later)
