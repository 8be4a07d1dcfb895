"""Words out of chat text: folding, tokens with their place in the original, near-equal words, clauses.

Knows English and the notation of computing, nothing of questions or scores. Pure: no state but caches.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

_QUOTES = dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'") | dict.fromkeys(
    "\u2010\u2011\u2012\u2013\u2014\u2212", "-"
)
# Letters of other scripts that look Latin. A text that is mostly in another script is not to be folded: `other_script`.
_LOOKALIKES = dict(zip("аеорсухіјѕԁһкмтвнαοορν", "aeopcyxijsdhkmtbhaoopv", strict=True))

# One token for each notion with several spellings; tried in this order, before plain words.
_NOTIONS: tuple[tuple[str, str], ...] = (
    (
        "lifo",
        r"last (?:one |thing |item |element )?(?:put |pushed |that went |to go )?in(?: is)?(?: the)?,?[ -]first(?: one| thing| item| element)?(?: to (?:come|go|get))?[ -]out|last[ -]in,?[ -]first[ -]out|first[ -]in,?[ -]last[ -]out|\blifo\b|\bfilo\b",
    ),
    ("fifo", r"first[ -]in,?[ -]first[ -]out|last[ -]in,?[ -]last[ -]out|\bfifo\b"),
    ("big_nlogn", r"\bn ?\*? ?log(?:2|_2)? ?\(? ?n\b\)?|\blinearithmic(?: time)?\b|\bloglinear\b"),
    ("big_logn", r"\blog(?:2|_2)? ?\(? ?n\b\)?|\blogarithmic(?:ally)?(?: time)?\b|\blog time\b"),
    ("big_n2", r"\bn ?(?:\^|\*\*) ?2\b|\bn ?\* ?n\b|\bn2\b|\bn squared\b|\bquadratic(?:ally)?(?: time)?\b"),
    ("big_2n", r"\b2 ?(?:\^|\*\*) ?n\b|\bexponential(?:ly)?(?: time)?\b"),
    ("big_n", r"\blinear(?:ly)? (?:time|complexity|space|in)\b|\blinearly\b"),
    ("big_1", r"\bconstant[ -](?:time|complexity|space|extra|memory)\b"),
    ("dns", r"\bdomain name (?:system|service|server|resolution|lookup)s?\b"),
    ("tls", r"\btransport layer security\b|\bsecure sockets? layer\b|\bssl\b"),
    ("tcp", r"\btransmission control protocol\b"),
    ("udp", r"\buser datagram protocol\b"),
    ("bst", r"\bbinary search tree"),
    ("dfs", r"\bdepth[ -]first(?: search| traversal)?\b"),
    ("bfs", r"\bbreadth[ -]first(?: search| traversal)?\b"),
    ("oop", r"\bobject[ -]orient(?:ed|ation)(?: programming)?\b"),
    ("gc", r"\bgarbage[ -]collect(?:ion|or|ed|ing|s)?\b"),
    ("gil", r"\bglobal interpreter lock\b"),
    ("os", r"\boperating systems?\b"),
    ("db", r"\bdatabases?\b|\bdbs?\b"),
    ("lru", r"\bleast recently used\b"),
    ("ttl", r"\btime[ -]to[ -]live\b"),
    ("cdn", r"\bcontent delivery networks?\b"),
    ("rtt", r"\bround[ -]trip(?:s|[ -]times?)?\b"),
    ("orm", r"\bobject[ -]relational mapp(?:er|ing)s?\b"),
    ("csrf", r"\bcross[ -]site request forger(?:y|ies)\b|\bxsrf\b"),
    ("xss", r"\bcross[ -]site scripting\b"),
    ("purpose", r"\bin order to\b"),
    ("inplace", r"\bin[ -]?place\b"),
    ("realtime", r"\breal[ -]?time\b"),
    ("dp", r"\bdynamic programming\b"),
    ("mvcc", r"\bmulti[ -]?version concurrency control\b"),
    ("cpu", r"\bprocessors?\b(?= time| core|s? cores?)|\bcpus?\b"),
)
_BIG_O = r"\b(?:o|theta|order of) ?\(\s*(?P<big>[^()\n]{1,20}(?:\([^()\n]{1,8}\)[^()\n]{0,8})?)\)"
_TOKEN = re.compile(
    _BIG_O
    + "".join(f"|(?P<{name}>{pattern})" for name, pattern in _NOTIONS)
    + r"|(?P<word>[^\W\d_]+(?:\+\+|\#|'[^\W\d_]+)?|\d+(?:\.\d+)?)"
)
_BIG_NAMES = {
    "n": "big_n", "1": "big_1", "logn": "big_logn", "nlogn": "big_nlogn", "n2": "big_n2", "nn": "big_n2", "2n": "big_2n",
    "log2n": "big_logn", "nlog2n": "big_nlogn",
}  # fmt: skip

NEGATIVE = frozenset(
    """not no never without cannot nor neither none nothing hardly cant can't dont don't doesnt doesn't isnt isn't arent
    aren't wont won't didnt didn't wasnt wasn't werent weren't shouldnt shouldn't wouldnt wouldn't couldnt couldn't hasnt
    hasn't havent haven't unable""".split()
)
_NUMBERS = {
    word: str(n)
    for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
STOP = frozenset(
    """a an the of to in on at by for from with as is are was were be been being am do does did doing have has had
    having i you he she it we they me him her us them my your his its our their this that these those there here and or
    but if then than so such which who whom what when where why how can could may might must shall should will would
    about into over under again further just also very too s t re ve ll d m some both other out off through because
    until between etc like eg ie im id youd its thats theres lets oh ok okay well really basically actually simply um
    whether while whereas though although however therefore thus hence""".split()
) | {"in order to"}
# Words that say little by themselves, yet turn a sentence when they differ ("own", "same").
_LIGHT = """
use get make take need give go come work mean thing way kind many different much lot one two first second last same own only
each every all any most more less few before after once up down back still yet already always even during against certain
possible various several know call want put let say see look show keep stay hold try ask happen become leave turn start
stop end begin change set add run return read write count move check time example case type form part side place point step
number value data result answer problem reason important good better best bad well wrong right instead again later next
old new long short small big whole full single extra other another else rest everything something nothing nobody anything
itself together alone away around enough far easy hard per like least fine exist depend follow contain name current
previous possibly usually often sometimes never actually simply normally generally therefore"""

_SYNONYMS = """
fast quick rapid speedy swift|slow sluggish|remove delete erase discard|add insert append|big large huge|small tiny little
store save keep persist|find search lookup locate|start begin|end finish terminate|error mistake fault bug
function method procedure routine|item element entry|fetch retrieve obtain|change modify alter mutate update
need require|allow permit enable|show display|build create construct|send transmit deliver|wait block|crash fail break
expensive costly|whole entire complete|piece portion chunk|split divide partition|repeat iterate loop
duplicate copy replicate replica|happen occur|prevent avoid|check verify validate|reply response answer
parallel concurrent simultaneous|lock mutex|visit traverse|pointer reference|child subclass derived|parent superclass base
hide encapsulate conceal|pick choose select|connect link attach|separate distinct isolate independent|guarantee ensure
combine merge|ordered sorted|resolve resolution|identical equal same|memory ram|disk storage|program application app
developer programmer|execute execution|goal aim purpose|exact precise|decrease reduce lower shrink|increase grow raise
reuse reusable|middle mid centre center|half halve|network internet|column field attribute|row record tuple"""

# Opposites: an answer that says the one where the point says the other has it the wrong way round.
_OPPOSITES = """
increase decrease|fast slow|more less|always never|mutable immutable|static dynamic|before after|top bottom|front rear
maximum minimum|best worst|true false|same different|public private|synchronous asynchronous|sorted unsorted
ordered unordered|allow prevent|possible impossible|lifo fifo|stack queue|push enqueue|pop dequeue|encrypt decrypt
reliable unreliable|directed undirected|bfs dfs|ascending descending|cheap expensive|connected disconnected
share separate|share own"""


class Token(NamedTuple):
    """A word as written and its root; `start`, `end`: its place in the original; `sentence`: counted from 0."""

    start: int
    end: int
    word: str
    stem: str
    sentence: int


_local = threading.local()  # a stemmer keeps the word it works on, so each thread has its own


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The root that forms of one word share; number words become digits."""
    if word in _NUMBERS:
        return _NUMBERS[word]
    if word in NEGATIVE:
        return "not"
    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    bare = word.removesuffix("'s").replace("'", "")
    return str(_local.stemmer.stemWord(bare))


@lru_cache(maxsize=4_096)
def _fold(char: str) -> str:
    if char in _QUOTES:
        return _QUOTES[char]
    kept = (c for c in unicodedata.normalize("NFKD", char) if unicodedata.category(c) not in ("Mn", "Cf"))
    return "".join(kept).lower()


# What denies without a "not".
_DENIALS = "not separate isolate own avoid prevent lack lose lost miss fail instead only ignore drop wrong"
DENIALS = frozenset(stem(word) for word in _DENIALS.split())
LIGHT = frozenset(stem(word) for word in _LIGHT.split()) - {"not"}


def other_script(text: str) -> bool:
    """Whether most letters of `text` are not Latin."""
    letters = [c for c in text if c.isalpha()]
    latin = sum(1 for c in letters if c.isascii() or _fold(c)[:1].isascii() or c < "\u0250")
    return bool(letters) and latin * 2 < len(letters)


def fold(text: str) -> tuple[str, Sequence[int]]:
    """`text` in lower case without accents, invisible characters and look-alikes, and for each of its
    characters the place in the original."""
    if text.isascii():
        return text.lower(), range(len(text))
    folded = [(_LOOKALIKES.get(c, c), at) for at, char in enumerate(text) for c in _fold(char)]
    return "".join(c for c, _ in folded), [at for _, at in folded]


_SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n|(?:^|(?<=\s))(?:\d+[.)]|[-*•])(?=\s)")


def tokens(text: str) -> list[Token]:
    """Every word of `text` in its order, stop words included."""
    folded, at = fold(text)
    found: list[Token] = []
    ends = [m.end() for m in _SENTENCE_END.finditer(folded)] + [len(folded) + 1]
    sentence = 0
    for match in _TOKEN.finditer(folded):
        while match.start() >= ends[sentence]:
            sentence += 1
        name = match.lastgroup or "word"
        word = match.group()
        if name == "word":
            root = stem(word)
        elif name == "big":
            root = _big_o(match.group("big"))
        else:
            root = name
        start, end = at[match.start()], at[match.end() - 1] + 1
        found.append(Token(start, end, word, root, sentence))
    return found


def _big_o(inside: str) -> str:
    bare = re.sub(r"[\s^*·()]", "", inside).replace("log_2", "log2")
    return _BIG_NAMES.get(bare, "big_" + bare)


_CLAUSE = re.compile(
    r"[.!?;,:](?=\s|$)|\n|\s[-(]\s?|\s(?=(?:and|but|because|so|while|whereas|then|or|which)\s)", re.IGNORECASE
)


def clause_starts(text: str) -> list[int]:
    """Where the second and every further clause of `text` starts."""
    return [match.end() for match in _CLAUSE.finditer(text)]


def cut(line: str, most: int) -> str:
    """At most `most` characters of `line`, cut after a word."""
    return line if len(line) <= most else line[: most + 1].rsplit(None, 1)[0][:most]


def content_stems(found: Iterable[Token]) -> list[str]:
    """The roots of the words that carry meaning, in order, repetitions included."""
    return [t.stem for t in found if t.word not in STOP and t.stem != "not"]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence or list item of `text` starts and ends."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if text[start : match.end()].strip():
            yield start, match.end()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


def _groups(table: str) -> list[list[str]]:
    return [
        [stem(w) for w in group.split()] for line in table.split("\n") for group in line.split("|") if group
    ]


_SYNONYM_OF: dict[str, int] = {root: n for n, group in enumerate(_groups(_SYNONYMS)) for root in group}
_OPPOSITE_OF: dict[str, set[str]] = {}
for _a, _b in _groups(_OPPOSITES):
    _OPPOSITE_OF.setdefault(_a, set()).add(_b)
    _OPPOSITE_OF.setdefault(_b, set()).add(_a)


LOSSES = frozenset(
    stem(word) for word in "lose lost loss miss missing drop fail failure corrupt broken late leak".split()
)


def opposites(root: str) -> frozenset[str]:
    """The roots that say the contrary of `root`."""
    return frozenset(_OPPOSITE_OF.get(root, ()))


# How much a word that is nearly a rubric's word counts for it.
SYNONYM, TYPO, KIN = 0.85, 0.9, 0.6


class Vocabulary:
    """A rubric's words, found again by an answer's words: the same, another form, a synonym, a slip of the keys."""

    def __init__(self, found: Iterable[Token]) -> None:
        self.roots: set[str] = set()
        self._synonyms: dict[int, set[str]] = {}
        self._slips: dict[str, set[str]] = {}
        self._kin: dict[str, set[str]] = {}
        for token in found:
            if token.word in STOP or token.stem in ("not", *self.roots):
                continue
            root = token.stem
            self.roots.add(root)
            if root in _SYNONYM_OF:
                self._synonyms.setdefault(_SYNONYM_OF[root], set()).add(root)
            for key in _slip_keys(token.word) | _slip_keys(root):
                self._slips.setdefault(key, set()).add(root)
            if len(root) >= KIN_LETTERS:
                self._kin.setdefault(root[:KIN_LETTERS], set()).add(root)

    def near(self, word: str, root: str) -> dict[str, float]:
        """The rubric's roots that `word` (with its `root`) stands for, each with how well (0-1)."""
        if word in STOP or root == "not":
            return {}
        near: dict[str, float] = {}
        if len(root) >= KIN_LETTERS:
            near |= dict.fromkeys(self._kin.get(root[:KIN_LETTERS], ()), KIN)
        if root not in self.roots:
            for key in _slip_keys(word) | _slip_keys(root):
                near |= {
                    meant: TYPO
                    for meant in self._slips.get(key, ())
                    if meant[0] == root[0] or key in (word, root)
                }
        near |= dict.fromkeys(self._synonyms.get(_SYNONYM_OF.get(root, -1), ()), SYNONYM)
        if root in self.roots:
            near[root] = 1.0
        return near


KIN_LETTERS = (
    6  # "synchron-ous", "synchron-isation": fewer letters join strangers ("inter-net", "inter-face")
)


LONGEST_WORD = 24  # letters a slip is looked for in; the keys grow with their square


@lru_cache(maxsize=20_000)
def _slip_keys(word: str) -> frozenset[str]:
    """What is left of `word` with a letter missing (two for long words): two words sharing a key differ by a slip."""
    if not 5 <= len(word) <= LONGEST_WORD or not word.isalpha():
        return frozenset()
    once = {word[:i] + word[i + 1 :] for i in range(len(word))}
    if len(word) >= 9:
        once |= {key[:i] + key[i + 1 :] for key in once for i in range(len(key))}
    return frozenset(once | {word})
