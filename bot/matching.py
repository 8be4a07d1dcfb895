"""A wording in an answer: how much of it stands close together, where, and whether the words say the contrary.

Knows nothing of points or scores; `grader` decides what a match is worth. Pure.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Literal, NamedTuple

from bot import text

MAX_QUOTE = 120  # characters: two lines on a phone

_POOLED = 0.75  # trust in a wording put together from several, against one that an author wrote
_ENOUGH = 2.3  # telling words that show a point beyond doubt; fewer only as a whole authored wording
_DEMOTED = 0.4  # weight of a word the question gave away, and of a word that says little by itself
_SENTENCE_GAP = 4  # words: how much farther apart two words are for standing in two sentences


class Wording(NamedTuple):
    """One way to say something."""

    weights: dict[str, float]  # root -> its share; together 1
    evidence: dict[str, float]  # root -> how much it shows by itself: 1, or less for a word that says little
    telling: frozenset[str]  # roots that the question did not give away
    least: int  # how many of those show anything at all
    subjects: tuple[
        str, ...
    ]  # which of the compared things it speaks of, in its order, if the question compares
    negative: bool


class Reading(NamedTuple):
    """An answer with the rubric's words marked in it."""

    answer: str  # as written, but blank where something does not count
    folded: str  # the same through `text.fold`, and where each of its characters stands in `answer`
    at: Sequence[int]
    tokens: list[text.Token]
    places: list[int]  # of each token: its ordinal, with a gap after each sentence
    hits: dict[
        str, list[tuple[int, float]]
    ]  # root -> token indices, each with how well it stands for the root
    clauses: list[int]  # where clauses begin in `answer`, ascending, from 0 to its length


class Match(NamedTuple):
    """`share` of a wording's weight, 0-1; `words`: token index -> the weight it brought."""

    share: float
    words: dict[int, float]


Contrary = Literal["denied", "opposite", "other subject"]
NO_MATCH = Match(0.0, {})


def wording(
    tokens: Sequence[text.Token], asked: frozenset[str], compared: frozenset[str], spread: Counter[str]
) -> Wording:
    """`asked`: the question's roots. `spread`: in how many points a root occurs; a common one weighs less."""
    roots = list(dict.fromkeys(text.content_stems(tokens)))
    evidence = {
        root: (_DEMOTED if root in asked else 1) * (_DEMOTED if root in text.LIGHT else 1) for root in roots
    }
    raw = _weights(evidence, spread)
    total = sum(raw.values())
    telling = frozenset(roots) - asked - text.LIGHT
    return Wording(
        weights={root: weight / total for root, weight in raw.items()},
        evidence=evidence,
        telling=telling,
        least=min(1, len(telling)),
        subjects=tuple(root for root in roots if root in compared),
        negative=any(t.stem == "not" for t in tokens),
    )


def pooled(wordings: Sequence[Wording], spread: Counter[str]) -> Wording:
    """All the words of several wordings, for answers that mix them. As heavy as they are on average, so that a
    few of its words are enough, the more so those that several wordings have."""
    evidence = {root: shows for w in wordings for root, shows in w.evidence.items()}
    raw = _weights(evidence, spread)
    mass = sum(raw[root] for w in wordings for root in w.weights) / len(wordings)
    often = Counter(root for w in wordings for root in w.weights)
    subjects = {w.subjects for w in wordings if w.subjects}
    return Wording(
        weights={root: _POOLED * raw[root] / mass * (0.6 + 0.4 * min(3, often[root])) for root in raw},
        evidence=evidence,
        telling=frozenset(root for w in wordings for root in w.telling),
        least=2,
        subjects=subjects.pop() if len(subjects) == 1 else (),
        negative=sum(w.negative for w in wordings) * 2 > len(wordings),
    )


def _weights(evidence: dict[str, float], spread: Counter[str]) -> dict[str, float]:
    """An order of growth is what a wording that names one is about."""
    return {
        root: shows * (2 if root.startswith("big_") else 1) / sqrt(max(1, spread[root]))
        for root, shows in evidence.items()
    }


def read(answer: str, tokens: list[text.Token], vocabulary: text.Vocabulary) -> Reading:
    """`tokens`: those of the answer that count."""
    hits: dict[str, list[tuple[int, float]]] = {}
    for n, token in enumerate(tokens):
        for root, likeness in vocabulary.near(token.word, token.stem).items():
            hits.setdefault(root, []).append((n, likeness))
    folded, at = text.fold(answer)
    return Reading(
        answer=answer,
        folded=folded,
        at=at,
        tokens=tokens,
        places=[n + _SENTENCE_GAP * token.sentence for n, token in enumerate(tokens)],
        hits=hits,
        clauses=[0, *text.clause_starts(answer), len(answer)],
    )


def closest(wording: Wording, reading: Reading, compared: frozenset[str] = frozenset()) -> Match:
    """The stretch of the answer that shows most of a wording."""
    events = sorted(
        (n, likeness * weight, root)
        for root, weight in wording.weights.items()
        for n, likeness in reading.hits.get(root, ())
    )
    reach = 3 + 2 * min(8, len(wording.weights))  # words: room for as many others, and a little more
    best, words = 0.0, dict[int, float]()
    for first, (start, _, _) in enumerate(events):
        found: dict[str, tuple[float, int]] = {}
        for n, weight, root in events[first:]:
            if reading.places[n] - reading.places[start] > reach:
                break
            if weight > found.get(root, (0.0, 0))[0]:
                found[root] = (weight, n)
        if sum(weight for weight, _ in found.values()) <= best:
            continue
        # A word stands for one root, though it may be near to several.
        stands_for = {n: (weight, root) for root, (weight, n) in sorted(found.items(), key=lambda f: f[1])}
        share = min(1.0, sum(weight for weight, _ in stands_for.values()))
        share *= _evidence(wording, {root for _, root in stands_for.values()})
        if share > best:
            best, words = share, {n: weight for n, (weight, _) in stands_for.items()}
    match = Match(best, words)
    return match._replace(share=best * _borne_out(match, wording, reading, compared)) if words else NO_MATCH


def _evidence(wording: Wording, roots: set[str]) -> float:
    """What found roots prove, 0-1: nothing if the question gave them all, half without the order of growth."""
    if len(roots & wording.telling) < wording.least:
        return 0.0
    shows = sum(wording.evidence[root] for root in roots)
    whole = len(roots) == len(wording.weights) and shows >= 1
    grows = {root for root in wording.weights if root.startswith("big_")}
    return (1.0 if whole else min(1.0, shows / _ENOUGH)) * (0.5 if grows and not roots & grows else 1.0)


def _borne_out(match: Match, wording: Wording, reading: Reading, compared: frozenset[str]) -> float:
    """Less than 1 for what its quote does not show: part of it stands elsewhere, the "not" is missing, or the
    sentence is about the other of the things compared."""
    start, end = span(reading, match)
    quoted = sum(weight for n, weight in match.words.items() if start <= reading.tokens[n].start < end)
    share = 0.5 + 0.5 * quoted / sum(match.words.values())
    clause = [reading.tokens[n] for n in clause_words(reading, start, end)]
    if wording.negative and not any(t.stem in text.DENIALS for t in clause):
        share *= 0.5
    about = next((t.stem for t in clause if t.stem in compared), None)
    if wording.subjects and about and about != wording.subjects[0]:
        share *= 0.7
    return share


def contrary(match: Match, wording: Wording, reading: Reading, compared: frozenset[str]) -> Contrary | None:
    """Whether the words stand in a sentence that denies them, has an opposite in their place, or is about the
    other of the things compared. Right for about half of its hits, so one alone proves nothing."""
    inside = clause_words(reading, *span(reading, match))
    roots = {reading.tokens[n].stem for n in inside}
    last = max(match.words)
    denials = [n for n in inside if n < last and reading.tokens[n].stem == "not"]
    if not wording.negative and any(not _of_a_loss(n, reading) for n in denials):
        return "denied"
    for root in wording.weights:
        matched = any(n in match.words for n, _ in reading.hits.get(root, ()))
        if not matched and text.opposites(root) & roots - wording.weights.keys():
            return "opposite"
    about = next((reading.tokens[n].stem for n in inside if reading.tokens[n].stem in compared), None)
    return "other subject" if wording.subjects and about and about != wording.subjects[0] else None


def _of_a_loss(place: int, reading: Reading) -> bool:
    """ "Nothing is lost", "without missing a byte": the denial of something bad denies no point."""
    return any(token.stem in text.LOSSES for token in reading.tokens[place + 1 : place + 4])


_GROWTHS = frozenset(("big_1", "big_logn", "big_n", "big_nlogn", "big_n2", "big_2n"))


def other_growth(wordings: Iterable[Wording], reading: Reading) -> tuple[int, int] | None:
    """Where the answer names an order of growth for the same thing, but only ever another one than the wordings."""
    named = {root for w in wordings for root in w.weights if root.startswith("big_")}
    others = [token for token in reading.tokens if token.stem in _GROWTHS - named]
    if not others or not named or not named <= _GROWTHS or named & reading.hits.keys():
        return None
    things = {root for w in wordings if named & w.weights.keys() for root in w.weights} - named
    for other in others:
        clause = {reading.tokens[n].stem for n in clause_words(reading, other.start, other.end)}
        if clause & things:
            return other.start, other.end
    return None


def search(
    patterns: Iterable[re.Pattern[str]], reading: Reading, *, asserted: bool = False
) -> tuple[int, int] | None:
    """Where in the answer a pattern hits; if `asserted`, only where the words before do not take it back. A
    pattern sees 480 characters at a time, so that a careless `.*` costs milliseconds and not minutes."""
    for pattern in patterns:
        for piece in range(0, len(reading.folded), 320):
            hit = pattern.search(reading.folded, piece, piece + 480)
            if not hit or not hit.group().strip():
                continue
            if asserted and _TAKEN_BACK.search(reading.folded, max(0, hit.start() - 60), hit.start()):
                continue
            return reading.at[hit.start()], reading.at[hit.end() - 1] + 1
    return None


_TAKEN_BACK = re.compile(
    r"\b(?:not|never|wrong\w*|myth|mistak\w+|misconception|unlike|instead of|rather than|false|\w+n't"
    r"|(?:do|does|did|is|are|was|were|ca|wo|has|have|had|should|would|could)nt)\b[^.,;!?\n]*$"
)


def span(reading: Reading, match: Match) -> tuple[int, int]:
    """From the first to the last word of the match that fit one quote out of one sentence: the weightiest such."""
    words = sorted((reading.tokens[n], weight) for n, weight in match.words.items())
    best, borders = 0.0, (0, 0)
    for first, _ in words:
        inside = [
            (token, weight)
            for token, weight in words
            if token.sentence == first.sentence
            and first.start <= token.start
            and token.end <= first.start + MAX_QUOTE
        ]
        if (weight := sum(weight for _, weight in inside)) > best:
            best, borders = weight, (first.start, inside[-1][0].end)
    return borders


def clause_around(reading: Reading, start: int, end: int) -> tuple[int, int]:
    """From the clause that `start` stands in to the end of the one with `end`."""
    borders = reading.clauses
    return borders[bisect_right(borders, start) - 1], borders[bisect_left(borders, end)]


def clause_words(reading: Reading, start: int, end: int) -> list[int]:
    """The indices of the tokens in the clauses around a span."""
    start, end = clause_around(reading, start, end)
    return [n for n, token in enumerate(reading.tokens) if start <= token.start < end]


def quote(reading: Reading, start: int, end: int) -> str:
    """Verbatim, at most MAX_QUOTE characters: the clauses around a span, or as much as fits, cut between words."""
    first, last = clause_around(reading, start, end)
    if last - first > MAX_QUOTE:
        earliest = max(first, end - MAX_QUOTE)
        first = first if earliest == first else _word_start(reading.answer, earliest, max(start, earliest))
        last = first + len(text.cut(reading.answer[first:last], MAX_QUOTE))
    return reading.answer[first:last].strip(" \t\r\n,;:.-")


def _word_start(answer: str, earliest: int, latest: int) -> int:
    space = answer.find(" ", earliest, latest)
    return latest if space < 0 else space + 1
