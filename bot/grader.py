"""Embedded grading: an answer against its key points and its reference, by the words they share.

Pure and offline: no model, no network, no clock; the same answer always gets the same grade. It does not
understand: it finds wordings, near-equal words and authored patterns. How a score comes about and what it
cannot do is told in docs/grading.md.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from bot import matching, rubric as sides, text
from bot.matching import Reading, Wording
from bot.questions import Grade, KeyPoint, PointGrade, Verdict

NAME = "embedded-2"
MAX_ANSWER = 8_000  # characters: ten minutes of speech. More is cut and flagged, so that time is bounded

_COVERED, _PARTIAL = 0.6, 0.35  # share of a wording that is shown
# What a share brings to the score: next to nothing for stray words, nearly all once the point counts as covered.
_VALUES = ((0.0, 0.0), (0.2, 0.02), (_PARTIAL, 0.3), (_COVERED, 0.9), (0.8, 1.0), (1.01, 1.0))
_DOUBTFUL = 0.5  # share of a wording found beside a "not" or an opposite that it does not have
_STORY_WORDS = 30  # a story told in fewer has no room for what happened; its score is cut in proportion
_DONT_KNOW_WORDS = 15  # a longer answer has said something besides


def grade(
    *,
    question: str,
    reference_answer: str,
    key_points: Sequence[KeyPoint],
    answer: str,
    wrong_if: Sequence[str] = (),
) -> Grade:
    """Without `key_points` each sentence of the reference is one. `wrong_if`: regular expressions for what is wrong
    wherever it stands; a hit turns the points resting on its clause and costs a quarter besides. Raises re.error for an
    author's faulty pattern, nothing for an answer.
    """
    rubric = _rubric(question, reference_answer, tuple(key_points), tuple(wrong_if))
    if reason := _not_evaluable(rubric, answer[:MAX_ANSWER]):
        return Grade(score=None, points=rubric.missed, grader=NAME, reason=reason)
    reading, flags = _read(rubric, answer)
    loose = _loose(rubric, reading)
    wrong = [
        span for pattern in rubric.wrong_if if (span := matching.search([pattern], reading, asserted=True))
    ]
    found = [_resting_on(wrong, _find(point, rubric, reading), reading) for point in rubric.points]
    found = found if loose else _turned_round(found)
    if nothing := _nothing_said(reading, found):
        nil = sides.judged(rubric.missed, key_points, story=rubric.story, silent=True)
        return Grade(score=0, points=rubric.missed, grader=NAME, flags=(*flags, nothing), dimensions=nil)
    caps = [*loose, *_caps(rubric, reading, found)]
    share = _share(rubric, reading, found) * 0.75 ** len(wrong)
    flags += [flag for flag, cap in caps if cap < share] + ["misconception"] * bool(wrong)
    flags += ["contradictions"] * any(f.verdict == "contradicted" for f in found)
    points = tuple(
        _point_grade(p, f, reading, loose=bool(loose)) for p, f in zip(rubric.points, found, strict=True)
    )
    score = round(100 * min([share, *(cap for _, cap in caps)]))
    dimensions = sides.judged(points, key_points, story=rubric.story)
    return Grade(score=score, points=points, grader=NAME, flags=tuple(flags), dimensions=dimensions)


# The rubric: what a question asks for, worked out once a question.


class _Point(NamedTuple):
    slug: str
    label: str
    wordings: tuple[Wording, ...]
    signals: tuple[re.Pattern[str], ...]
    wrong_if: tuple[re.Pattern[str], ...]


class _Rubric(NamedTuple):
    points: tuple[_Point, ...]
    missed: tuple[PointGrade, ...]
    wrong_if: tuple[re.Pattern[str], ...]
    vocabulary: text.Vocabulary
    asked: frozenset[str]  # roots of the question
    compared: frozenset[str]  # the things it compares, if it does
    expected: frozenset[str]  # roots of the reference
    unseen: frozenset[str]  # those that the question did not give away
    known: frozenset[str]  # roots of the reference and of every wording
    said: frozenset[str]  # roots of the reference and of the points themselves
    pairs: frozenset[tuple[str, str]]  # neighbouring words in any of them
    trigrams: Counter[str]
    trust: float  # how much of the score rests on the key points: 0-1
    story: bool  # told from one's own life: nothing to compare it with


@lru_cache(maxsize=256)
def _rubric(question: str, reference: str, given: tuple[KeyPoint, ...], wrong_if: tuple[str, ...]) -> _Rubric:
    key_points = given or tuple(sentences_as_points(reference))
    questioned, model = text.tokens(question), text.tokens(reference)
    asked = frozenset(text.content_stems(questioned))
    ways = [[text.tokens(w) for w in (p.point, *p.alternatives)] for p in key_points]
    if given:
        ways = [[*own, *_in_reference(own[0], reference, model, asked)] for own in ways]
    written = [model, *(way for own in ways for way in own)]
    spread = Counter(root for own in ways for root in {r for way in own for r in text.content_stems(way)})
    compared = _compared(question, asked & spread.keys())
    points = tuple(
        _Point(
            slug=point.slug,
            label=point.label,
            wordings=_wordings(own, asked, compared, spread),
            signals=_compiled(point.signals),
            wrong_if=_compiled(point.wrong_if),
        )
        for point, own in zip(key_points, ways, strict=True)
    )
    expected = frozenset(text.content_stems(model))
    return _Rubric(
        points=points,
        missed=tuple(PointGrade(slug=p.slug, label=p.label, verdict="missed") for p in points),
        wrong_if=_compiled(wrong_if),
        vocabulary=text.Vocabulary(token for tokens in (questioned, *written) for token in tokens),
        asked=asked,
        compared=compared,
        expected=expected,
        unseen=expected - asked or expected,
        known=expected | spread.keys(),
        said=expected | {root for own in ways for root in text.content_stems(own[0])},
        pairs=frozenset(pair for tokens in written for pair in _pairs(tokens)),
        trigrams=_trigrams(model),
        trust=_trust(given),
        story=is_story(given),
    )


def sentences_as_points(reference: str) -> Iterator[KeyPoint]:
    """The key points of a question that has none of its own."""
    for n, (start, end) in enumerate(text.sentences(reference), 1):
        sentence = reference[start:end].strip()
        if text.content_stems(text.tokens(sentence)):
            yield KeyPoint(slug=f"sentence-{n}", label=text.cut(sentence, 32), point=sentence)


def is_story(given: Sequence[KeyPoint]) -> bool:
    """Whether these key points ask for something from one's own life: every one shows itself, some in no set words."""
    return bool(given) and all(p.signals for p in given) and not all(p.alternatives for p in given)


def _trust(given: Sequence[KeyPoint]) -> float:
    """A point known in several wordings is rarely overlooked, so its verdict may weigh more."""
    if not given:
        return 0.2
    if all(point.signals for point in given):
        return 1.0
    return 0.3 + 0.55 * min(1.0, sum(len(p.alternatives) for p in given) / len(given) / 3)


def _wordings(
    ways: Sequence[Sequence[text.Token]],
    asked: frozenset[str],
    compared: frozenset[str],
    spread: Counter[str],
) -> tuple[Wording, ...]:
    wordings = [matching.wording(way, asked, compared, spread) for way in ways if text.content_stems(way)]
    return (*wordings, matching.pooled(wordings, spread)) if len(wordings) > 2 else tuple(wordings)


def _in_reference(
    way: Sequence[text.Token], reference: str, model: list[text.Token], asked: frozenset[str]
) -> Iterator[list[text.Token]]:
    """The reference's own wording of a point, if it can be found there: the clauses that hold a good part of it."""
    reading = matching.read(reference, model, text.Vocabulary(way))
    match = matching.closest(matching.wording(way, asked, frozenset(), Counter()), reading)
    if match.share < _PARTIAL:
        return
    start, end = matching.clause_around(reading, *matching.span(reading, match))
    wording: list[text.Token] = []
    for left, right in pairwise(reading.clauses):
        inside = [n for n, token in enumerate(model) if max(start, left) <= token.start < min(end, right)]
        if sum(match.words.get(n, 0.0) for n in inside) >= 0.2:
            wording += [model[n] for n in inside]
    yield wording


def _compared(question: str, shared: frozenset[str]) -> frozenset[str]:
    """Two or more of the question's words that the key points speak of, if it asks for a comparison."""
    asks = re.search(
        r"\b(?:differ\w*|compar\w*|versus|vs|distinguish\w*|contrast|between)\b", question, re.IGNORECASE
    )
    things = shared - text.LIGHT
    return frozenset(things) if asks and len(things) > 1 else frozenset()


def _compiled(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _pairs(tokens: Iterable[text.Token]) -> Iterator[tuple[str, str]]:
    return ((a.stem, b.stem) for a, b in pairwise(tokens))


def _trigrams(tokens: Iterable[text.Token]) -> Counter[str]:
    line = f" {' '.join(t.word for t in tokens)} "
    return Counter(line[i : i + 3] for i in range(len(line) - 2))


# What of an answer counts.


_INJECTION = re.compile(
    r"""(?:^|[.!?;,:("'>\n]|\b(?:please|now|and|just|so))\s*(?:ignore|disregard|forget|override)\b.{0,20}
        \b(?:all|any|previous|prior|above|earlier|your|these|the)\b.{0,20}\b(?:instructions?|prompts?|rubric|guidelines|rules)\b
    |\b(?:your\ system\ prompt|system\ prompt\s*:)
    |\b(?:give|award|assign|grant|mark|grade|score|rate)\b.{0,20}\b(?:me|my|this|answer|student|score)\b.{0,30}
        (?:\bfull\b|\bmax\w*\ (?:score|mark|point)|\bperfect\b|\bhighest\b|\b100\b|\b10\ ?/\ ?10\b|\b5\ ?/\ ?5\b
        |\bas\ (?:correct|covered|right))
    |\b(?:full|perfect|maximum)\ (?:marks|credit|score)\b
    |\bmark\b.{0,40}\b(?:points?|everything)\b.{0,20}\b(?:covered|correct)\b
    |</?\s*(?:system|student_?answer|instructions?|grader|assistant)\s*>
    |"score"\s*:\s*\d
    |\byou\ are\ (?:now\ )?(?:the|a|an)\ (?:grader|assistant|evaluator|examiner|ai|llm|language\ model)\b""",
    re.VERBOSE,
)


def says_dont_know(answer: str) -> bool:
    """Whether that is all a short answer says."""
    return (
        _DONT_KNOW.search(text.fold(answer)[0].strip()) is not None
        and len(text.tokens(answer)) <= _DONT_KNOW_WORDS
    )


_DONT_KNOW = re.compile(
    r"""(?:^|\b(?:i|we|sorry|honestly|really|just)\b[ ,]*)(?:really\ |honestly\ |just\ )?
        (?:do\ not|don'?t|can'?t|cannot)\ (?:really\ |even\ |actually\ )?(?:know|remember|recall)\b
    |\bno\ (?:idea|clue|answer|submission)\b|\b(?:idk|dunno)\b|\bnot\ (?:really\ )?sure\b
    |\b(?:haven'?t|have\ not|never)\ (?:learn|stud|heard|used)
    |^\W*(?:n/?a|skip|pass|nothing|none|nope|no|(?:i\ )?give\ up)\W*$
    |^\W*(?:please\ )?(?:show|tell|give)\ me\ the\ (?:answer|solution)\W*$""",
    re.VERBOSE,
)
_FOREIGN = frozenset(
    """der das und ist nicht ein eine mit auf fur wird sind wenn dass den dem el los las una por con para que como
    pero del le les des une est dans pour avec qui sur pas sont il che di sono non della os uma nao sao het een
    van niet zijn""".split()
)


def _not_evaluable(rubric: _Rubric, answer: str) -> str:
    """Why the answer can be given no score at all; empty when it can."""
    if not rubric.points:
        return "no_rubric"
    if sum(c.isalpha() for c in answer) >= 10 and text.other_script(answer):
        return "other_script"
    words = re.findall(r"[^\W\d_]+", text.fold(answer)[0])
    foreign = sum(word in _FOREIGN for word in words)
    if len(words) >= 8 and foreign * 5 >= len(words) and foreign > sum(word in text.STOP for word in words):
        return "not_english"
    return ""


def _read(rubric: _Rubric, answer: str) -> tuple[Reading, list[str]]:
    flags = ["too_long"] if len(answer) > MAX_ANSWER else []
    kept = without_instructions(answer[:MAX_ANSWER])
    if kept != answer[:MAX_ANSWER]:
        flags.append("instructions_removed")
    tokens = text.tokens(kept)
    once = _without_repeats(tokens)
    if len(once) < len(tokens):
        flags.append("repeated")
    return matching.read(kept, once, rubric.vocabulary), flags


def without_instructions(answer: str) -> str:
    """What is said to the grader is no part of the answer: line feeds in its place, up to the end of its sentence."""
    folded, at = text.fold(answer)
    ends = [end for _, end in text.sentences(answer)]
    for match in _INJECTION.finditer(folded):
        start, last = at[match.start()], at[match.end() - 1]
        end = next((end for end in ends if end > last), len(answer))
        answer = answer[:start] + "\n" * (end - start) + answer[end:]
    return answer


def _without_repeats(tokens: Iterable[text.Token]) -> list[text.Token]:
    by_sentence: dict[int, list[text.Token]] = {}
    for token in tokens:
        by_sentence.setdefault(token.sentence, []).append(token)
    seen: set[tuple[str, ...]] = set()
    once: list[text.Token] = []
    for said in by_sentence.values():
        key = tuple(t.stem for t in said)
        if key not in seen or len(key) < 3:  # "1.", "Yes." may come twice
            once += said
        seen.add(key)
    return once


def _nothing_said(reading: Reading, found: Iterable["_Found"]) -> str:
    """The flag of an answer that is none; empty for any other."""
    if not reading.tokens:
        return "empty"
    if len(reading.tokens) > _DONT_KNOW_WORDS or any(f.verdict in ("covered", "contradicted") for f in found):
        return ""
    return "dont_know" if _DONT_KNOW.search(reading.folded.strip()) else ""


# A key point in the answer.


class _Found(NamedTuple):
    verdict: Verdict
    value: float = 0.0  # what the point brings to the score, 0-1
    start: int = 0  # what the verdict rests on, in characters of the answer
    end: int = 0
    contrary: bool = False  # it reads as the contrary; held against the answer only when that is its habit


def _find(point: _Point, rubric: _Rubric, reading: Reading) -> _Found:
    if span := matching.search(point.wrong_if, reading, asserted=True):
        return _Found("contradicted", 0.0, *span)
    if span := matching.search(point.signals, reading):
        return _Found("covered", 1.0, *span)
    found = [(matching.closest(wording, reading, rubric.compared), wording) for wording in point.wordings]
    best = max((match for match, _ in found), key=lambda match: match.share, default=matching.NO_MATCH)
    if best.share < _COVERED and (span := matching.other_growth(point.wordings, reading)):
        return _Found("contradicted", 0.0, *span)
    if best.share < _PARTIAL:
        return _Found("missed", _on_line(best.share, _VALUES))
    turned = [
        (m, matching.contrary(m, w, reading, rubric.compared))
        for m, w in found
        if m.share >= min(_COVERED, best.share - 0.1)
    ]
    straight = [m for m, contrary in turned if not contrary]
    best, contrary = max(turned, key=lambda t: (not t[1], t[0].share))
    share = min(best.share, _DOUBTFUL) if contrary in ("denied", "opposite") else best.share
    verdict: Verdict = "covered" if share >= _COVERED else "partial"
    return _Found(verdict, _on_line(share, _VALUES), *matching.span(reading, best), not straight)


def _resting_on(wrong: Iterable[tuple[int, int]], found: _Found, reading: Reading) -> _Found:
    """A point is turned round by what is wrong in the very clause that shows it."""
    for start, end in wrong:
        first, last = matching.clause_around(reading, start, end)
        if found.verdict in ("covered", "partial") and found.start < last and first < found.end:
            return _Found("contradicted", 0.0, start, end)
    return found


def _turned_round(found: list[_Found]) -> list[_Found]:
    """Two contraries or more, and half of what was reached: the answer has it the wrong way round."""
    reached = [f for f in found if f.verdict in ("covered", "partial")]
    contrary = sum(f.contrary for f in reached)
    if contrary < 2 or contrary * 2 < len(reached):
        return found
    return [f._replace(verdict="contradicted", value=0.0) if f.contrary else f for f in found]


def _point_grade(point: _Point, found: _Found, reading: Reading, *, loose: bool) -> PointGrade:
    """`loose`: the words do not hang together, so they cover nothing."""
    if found.verdict == "missed":
        return PointGrade(slug=point.slug, label=point.label, verdict="missed")
    verdict: Verdict = "partial" if loose and found.verdict == "covered" else found.verdict
    words = matching.quote(reading, found.start, found.end)
    return PointGrade(slug=point.slug, label=point.label, verdict=verdict, quote=words)


# The score.


def _share(rubric: _Rubric, reading: Reading, found: Sequence[_Found]) -> float:
    shown = float((sum(f.value for f in found) / len(found)) ** 0.9)
    if rubric.trust == 1:
        return shown
    right = 1 - sum(f.verdict == "contradicted" for f in found) / len(found)
    said = _new(rubric, reading) - rubric.known
    opposite = sum(bool(text.opposites(root) & said) for root in rubric.expected - reading.hits.keys())
    if opposite > 1:  # it describes the counterpart: a queue for a stack
        right *= 0.4
    # Both curves are a product choice: the first half of an answer is worth a little more than the second.
    alike = float(1 - (1 - _likeness(rubric, reading)) ** 2.2)
    return rubric.trust * shown + (1 - rubric.trust) * alike * right


def _likeness(rubric: _Rubric, reading: Reading) -> float:
    """How like the reference the answer as a whole is, 0-1. The weights are rounded from a fit over several sets of
    graded answers; on what they were measured is told in docs/grading.md."""
    best = {root: max(likeness for _, likeness in hits) for root, hits in reading.hits.items()}
    ease = _between(0.04, _recall(rubric.unseen, best), 0.22)  # fluent words on another subject earn nothing
    added = _new(rubric, reading)
    new = {t.stem: n for n, t in enumerate(reading.tokens) if t.stem in added}
    known = {n for root in rubric.known for n, _ in reading.hits.get(root, ())}
    precision = sum(n in known for n in new.values()) / (len(new) or 1)
    fullness = min(1.0, len(new) / len(rubric.unseen))
    spelling = _between(
        0.3, _cosine(rubric.trigrams, _trigrams(reading.tokens)), 1.0
    )  # any two texts have 0.3
    return (
        0.26 * _recall(rubric.expected, best) + 0.2 * spelling + ease * (0.21 * precision + 0.33 * fullness)
    )


def _caps(rubric: _Rubric, reading: Reading, found: Sequence[_Found]) -> Iterator[tuple[str, float]]:
    """A flag for what is too little, with the most that such an answer can get (0-1)."""
    if rubric.story:
        if len(reading.tokens) < _STORY_WORDS:
            yield "too_short", len(reading.tokens) / _STORY_WORDS
        return
    if len(rubric.unseen) < 3 or any(f.verdict == "covered" for f in found):
        return
    new = _new(rubric, reading)
    shown = sum(
        any(likeness > text.KIN for _, likeness in reading.hits.get(root, ())) for root in rubric.unseen
    )
    if not new:
        yield "question_copied", 0.05
    elif shown < (1 if len(rubric.unseen) < 8 else 2):
        yield "off_topic", 0.1 + 0.1 * shown
    elif len(new) < 3 and len(rubric.unseen) >= 6:
        yield "too_short", 0.34


_RELATIONS = re.compile(r"->|=>|→|<-|\s[=+:&/]\s|\w:\s")


def _loose(rubric: _Rubric, reading: Reading) -> list[tuple[str, float]]:
    """The same for words without sentences: a list of terms, or the rubric's words in a heap."""
    if rubric.story:
        return []
    words, pairs = reading.tokens, set(_pairs(reading.tokens))
    content = text.content_stems(words)
    # "root -> tld", "covering = no table read": what shorthand writes for "is" and "leads to".
    joined = len(words) + len(_RELATIONS.findall(reading.answer))
    listed = len(words) >= 10 and len(content) > 0.88 * joined
    copied = len(words) >= 12 and len(set(content) - rubric.said) < 0.25 * len(set(content))
    heaped = copied and len(pairs & rubric.pairs) < 0.2 * len(pairs)
    return [("keyword_list", 0.4)] * listed + [("shuffled_words", 0.4)] * heaped


def _new(rubric: _Rubric, reading: Reading) -> set[str]:
    """The roots that the answer adds to the question."""
    return set(text.content_stems(reading.tokens)) - rubric.asked


def _recall(expected: Iterable[str], best: dict[str, float]) -> float:
    weights = {root: 0.4 if root in text.LIGHT else 1.0 for root in expected}
    return sum(weight * best.get(root, 0.0) for root, weight in weights.items()) / (
        sum(weights.values()) or 1
    )


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    size = sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return sum(n * b[key] for key, n in a.items()) / size if size else 0.0


def _between(low: float, x: float, high: float) -> float:
    return max(0.0, min(1.0, (x - low) / (high - low)))


def _on_line(x: float, knots: Sequence[tuple[float, float]]) -> float:
    for (x0, y0), (x1, y1) in pairwise(knots):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return knots[-1][1]
