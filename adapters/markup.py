"""Our markup for each platform: Telegram HTML, Discord Markdown, plain words, the terminal.

A message is CommonMark. It is read once into runs (words and the marks on them); each platform writes the runs in its
own way and splits them at its own limit. Off in our CommonMark is what would make words vanish in surprise: raw HTML,
entities, link definitions and underlined headings. Sending, buttons and pictures are the adapters' own affair.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

if TYPE_CHECKING:
    from rich.console import Group  # only the terminal needs rich, and it is slow to import

TELEGRAM_LIMIT = 4096  # UTF-16 units of visible text: Telegram Bot API, sendMessage
DISCORD_LIMIT = 2000  # UTF-16 units, marks included: Discord API, message content (it counts characters)
LONGEST_DISCORD_LINK = 500  # characters: a longer address would crowd out the message; its words stand alone
REMEMBERED = 512  # texts of about 1 kB: questions and hints go out again and again
NO_WIDTH = "\u200b"  # zero width space: takes the meaning from what no backslash can disarm


class Mark(NamedTuple):
    """`value`: a link's address, a code block's language."""

    kind: Literal["bold", "italic", "code", "pre", "link", "quote"]
    value: str = ""


class Run(NamedTuple):
    """Words under the same marks, outermost first. Line ends and list markers are words too."""

    text: str
    marks: tuple[Mark, ...] = ()


BOLD, ITALIC, CODE, QUOTE = Mark("bold"), Mark("italic"), Mark("code"), Mark("quote")


def telegram(text: str, limit: int = TELEGRAM_LIMIT) -> list[str]:
    """Parts in Telegram's HTML, each complete in itself. A text with nothing to see has no parts."""
    runs = _runs(text)
    if _visible_units(runs) > limit:
        return [_html(part) for part in _split(runs, limit, _visible_units)]
    return [_html(runs)] if _visible(runs) else []


def discord(text: str) -> list[str]:
    """Parts in Discord's Markdown, each complete in itself. A text with nothing to see has no parts."""
    runs = _runs(text)
    written = _discord(runs)
    if _units(written) > DISCORD_LIMIT:
        return [_discord(part) for part in _split(runs, DISCORD_LIMIT, lambda part: _units(_discord(part)))]
    return [written] if _visible(runs) else []


def plain(text: str) -> str:
    """The words alone; a link is "title: address"."""
    pairs = pairwise((*_runs(text), Run("")))
    return "".join(run.text + _address_after(run, following, ": {}") for run, following in pairs)


def terminal(text: str) -> "Group":
    """For rich to print. Words are words, whatever brackets they hold."""
    from rich.console import Group, RenderableType
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    shown: list[RenderableType] = []
    words = Text()
    for run, following in pairwise((*_runs(text), Run(""))):
        block = _mark("pre", run)
        if block is None:  # every renderable of a group begins a line of its own
            words.append(
                run.text if words or not shown else run.text.removeprefix("\n"), _terminal_style(run)
            )
            words.append(_address_after(run, following, " ({})"), "dim")
        else:
            if words:
                words.right_crop(1)
                shown.append(words)
            language = block.value or "text"
            code = Syntax(run.text, language, theme="ansi_dark", background_color="default", word_wrap=True)
            shown.append(Padding(code, (0, 0, 0, 2)))
            words = Text()
    return Group(*shown, *([words] if words else []))


def _address_after(run: Run, following: Run, shape: str) -> str:
    """The address of a link that ends with this run, unless it has been read already."""
    link = _mark("link", run)
    if link is None or link == _mark("link", following) or run.text == link.value:
        return ""
    return shape.format(link.value)


def _terminal_style(run: Run) -> str:
    styles = {"bold": "bold", "italic": "italic", "code": "cyan", "link": "underline", "quote": "dim italic"}
    return " ".join(styles[mark.kind] for mark in run.marks)


# Reading: from text to runs.


def _parser() -> MarkdownIt:
    off = ["reference", "lheading", "html_block", "html_inline", "entity"]
    return MarkdownIt("commonmark", {"html": False}).disable(off)


_PARSER = _parser()
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # control characters: no platform shows them
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}", re.ASCII)

# What most messages are made of: sentences with escapes, **bold** words and `code`. Anything else in a text, or
# anything that might begin a block other than a paragraph, and the whole text goes to the parser.
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_ODD_SPACE = re.compile(r"[^\S \n]|[ \n]\Z")
_PARAGRAPH_LINE = re.compile(r"[^\W\d_]|[✓◐✗○\"('\\/]|\*\*(?=[^\W_])|\d+(?![\d.)])|`(?!``)")
_SIMPLE = re.compile(
    rf"(?P<words>(?:[^\\*_`\[\]<!]++|!(?!\[)|\\{_PUNCTUATION})++)"
    r"|(?<!\*)\*\*(?P<bold>(?=[^\W_])[^\\*_`\[\]<!\n]*(?<=[^\W_]))\*\*(?!\*)"
    r"|(?<!`)`(?P<code>[^`\s](?:[^`\n]*[^`\s])?)`(?!`)"
)
_ESCAPE_OR_BREAK = re.compile(rf"\\({_PUNCTUATION})| +(?=\n)")


@lru_cache(maxsize=REMEMBERED)
def _runs(text: str) -> tuple[Run, ...]:
    text = _cleaned(text)
    return _simple_runs(text) or tuple(_Reader().read(_PARSER.parse(text)))


def _cleaned(text: str) -> str:
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _simple_runs(text: str) -> tuple[Run, ...] | None:
    """The runs of a simple text without the parser, which takes ten times as long; None for any other text."""
    if _ODD_SPACE.search(text) or not all(
        _PARAGRAPH_LINE.match(line) for paragraph in text.split("\n\n") for line in paragraph.split("\n")
    ):
        return None
    runs: list[Run] = []
    at = 0
    while at < len(text):
        match = _SIMPLE.match(text, at)
        if match is None:
            return None
        at = match.end()
        words, bold, code = match.groups()
        if words:
            runs.append(Run(_ESCAPE_OR_BREAK.sub(r"\1", words)))
        else:
            runs.append(Run(bold or code, (BOLD if bold else CODE,)))
    return tuple(runs)


class _Reader:
    """Walks the parser's tokens. `gap` is what stands between the last block and the next, if one comes."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.marks: list[Mark] = []
        self.lists: list[int | None] = []  # the next number of each open list; None: bullets
        self.gap = ""

    def read(self, tokens: list[Token]) -> list[Run]:
        for token in tokens:
            self._block(token)
        return self.runs

    def _block(self, token: Token) -> None:
        match token.type:
            case "inline":
                for child in token.children or ():
                    self._inline(child)
            case "paragraph_open" | "heading_open":
                self._begin()
                self.marks += [BOLD] if token.type == "heading_open" else []
            case "paragraph_close":
                self.gap = "\n" if token.hidden else "\n\n"
            case "heading_close":
                self._end(BOLD)
            case "fence" | "code_block":
                self._begin(own_line=True)
                language = _LANGUAGE.match(token.info)
                self._say(token.content.removesuffix("\n"), Mark("pre", language[0] if language else ""))
                self.gap = "\n\n"
            case "hr":
                self._begin(own_line=True)
                self._say("———")
                self.gap = "\n\n"
            case "blockquote_open":
                self._begin(own_line=True)
                self.marks.append(QUOTE)
            case "blockquote_close":
                self._end(QUOTE)
            case "bullet_list_open" | "ordered_list_open":
                self.lists.append(
                    int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
                )
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
                self.gap = self.gap if self.lists else "\n\n"
            case "list_item_open":
                self._item()
            case "list_item_close":
                self.gap = self.gap or "\n"
            case unknown:
                raise AssertionError(f"the parser gave a {unknown}")

    def _inline(self, token: Token) -> None:
        match token.type:
            case "text":
                self._say(token.content)
            case "softbreak" | "hardbreak":
                self._say("\n")
            case "code_inline":
                self._say(token.content, CODE)
            case "strong_open" | "em_open":
                self.marks.append(BOLD if token.type == "strong_open" else ITALIC)
            case "link_open":
                self.marks.append(Mark("link", str(token.attrs["href"])))
            case "strong_close" | "em_close" | "link_close":
                self.marks.pop()
            case "image":  # we send no pictures this way: its title leads to it
                source = str(token.attrs["src"])
                self.marks.append(Mark("link", source))
                for child in token.children or [Token("text", "", 0, content=source)]:
                    self._inline(child)
                self.marks.pop()
            case unknown:
                raise AssertionError(f"the parser gave a {unknown}")

    def _item(self) -> None:
        self._begin(own_line=True)
        number = self.lists[-1]
        indent = "  " * (len(self.lists) - 1)
        self._say(indent + ("• " if number is None else f"{number}. "))
        if number is not None:
            self.lists[-1] = number + 1

    def _begin(self, *, own_line: bool = False) -> None:
        if self.runs:
            at_line_start = (self.gap or self.runs[-1].text).endswith("\n")
            self._say(self.gap + ("\n" if own_line and not at_line_start else ""))
        self.gap = ""

    def _end(self, mark: Mark) -> None:
        self.marks.remove(mark)
        self.gap = "\n\n"

    def _say(self, text: str, *more: Mark) -> None:
        if text:
            marks = {
                mark.kind: mark for mark in reversed((*self.marks, *more))
            }  # of a kind the outermost holds
            self.runs.append(Run(text, tuple(reversed(marks.values()))))


# Writing: from runs to a platform's own text.

_HTML_TAGS = {"bold": "b", "italic": "i", "code": "code", "quote": "blockquote"}


def _html(runs: Sequence[Run]) -> str:
    written: list[str] = []
    before: tuple[Mark, ...] = ()
    for run in (*runs, Run("")):
        marks = _telegram_marks(run.marks)
        kept = _shared(before, marks)
        written += [_html_end(mark) for mark in reversed(before[kept:])]
        written += [_html_start(mark) for mark in marks[kept:]]
        written.append(escape(run.text, quote=False))
        before = marks
    return "".join(written)


def _telegram_marks(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Telegram lets nothing but a quote stand round code; of a linked piece of code the link is the better half."""
    if CODE not in marks:
        return marks
    if any(mark.kind == "link" for mark in marks):
        return tuple(mark for mark in marks if mark != CODE)
    return tuple(mark for mark in marks if mark in (CODE, QUOTE))


def _html_start(mark: Mark) -> str:
    if mark.kind == "link":
        return f'<a href="{escape(mark.value)}">'
    if mark.kind == "pre":
        return f'<pre><code class="language-{escape(mark.value)}">' if mark.value else "<pre>"
    return f"<{_HTML_TAGS[mark.kind]}>"


def _html_end(mark: Mark) -> str:
    if mark.kind == "link":
        return "</a>"
    if mark.kind == "pre":
        return "</code></pre>" if mark.value else "</pre>"
    return f"</{_HTML_TAGS[mark.kind]}>"


# Where Discord would see formatting, an emoji or an address; a heading, a quote or a list. A backslash too many does
# no harm: before punctuation Discord always drops it.
_DISCORD_SPECIAL = re.compile(r"[\\*_~`|<\[\]]|:(?=\S)")
_DISCORD_BLOCK = re.compile(r"^([ \t]*)(?:([0-9]+)(?=[.)])|(?=[#>+-]))", re.MULTILINE)
_DISCORD_PING = re.compile(r"@(?=everyone|here)|(?<=<)@(?=[!&]?[0-9])")


def _discord(runs: Sequence[Run]) -> str:
    written: list[str] = []
    before: tuple[Mark, ...] = ()
    for run in (*runs, Run("")):
        marks = tuple(
            mark for mark in run.marks if mark.kind not in ("code", "pre") and not _unlinkable(mark, run)
        )
        kept = _shared(before, marks)
        written += [_discord_end(mark) for mark in reversed(before[kept:])]
        written += [_discord_start(mark) for mark in marks[kept:]]
        words = _discord_words(run)
        written.append(words.replace("\n", "\n> ") if QUOTE in marks else words)
        before = marks
    return "".join(written)


def _unlinkable(mark: Mark, run: Run) -> bool:
    """What Discord shows without our help, or does not open."""
    url = mark.value
    return mark.kind == "link" and (
        url == run.text or len(url) > LONGEST_DISCORD_LINK or not url.startswith(("https://", "http://"))
    )


def _discord_start(mark: Mark) -> str:
    return {"bold": "**", "italic": "*", "link": "[", "quote": "> "}[mark.kind]


def _discord_end(mark: Mark) -> str:
    if mark.kind == "link":
        return f"](<{mark.value}>)"  # in angle brackets an address brings no preview
    return {"bold": "**", "italic": "*", "quote": ""}[mark.kind]


def _discord_words(run: Run) -> str:
    words = _DISCORD_PING.sub(f"@{NO_WIDTH}", run.text)
    block, link = _mark("pre", run), _mark("link", run)
    if block is not None:
        return f"```{block.value}\n{words.replace('```', f'`{NO_WIDTH}``')}\n```"
    if CODE in run.marks:
        longest = {len(ticks) for ticks in re.findall("`+", words)}
        fence = next((fence for fence in ("`", "``") if len(fence) not in longest), None)
        if fence is not None:
            return f"{fence} {words} {fence}" if "`" in words else f"`{words}`"
    if (
        link is not None
        and link.value == run.text
        and _unlinkable(link, run)
        and len(words) <= LONGEST_DISCORD_LINK
    ):
        return f"<{words}>"
    return _DISCORD_BLOCK.sub(r"\1\2\\", _DISCORD_SPECIAL.sub(r"\\\g<0>", words))


def _mark(kind: str, run: Run) -> Mark | None:
    for mark in run.marks:
        if mark.kind == kind:
            return mark
    return None


def _shared(one: tuple[Mark, ...], other: tuple[Mark, ...]) -> int:
    """How many outer marks two runs have in common."""
    kept = 0
    while kept < min(len(one), len(other)) and one[kept] == other[kept]:
        kept += 1
    return kept


# Splitting: runs that are too long for one message.


_SPACES = (re.compile("\n\n"), re.compile("\n"), re.compile(r"\s"))  # between paragraphs, lines, words


def _units(text: str) -> int:
    """UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _visible_units(runs: Sequence[Run]) -> int:
    return sum(_units(run.text) for run in runs)


def _visible(runs: Sequence[Run]) -> bool:
    return any(not run.text.isspace() for run in runs)


def _split(runs: Sequence[Run], limit: int, measure: Callable[[Sequence[Run]], int]) -> list[list[Run]]:
    """Parts that each measure at most `limit`. Only white space at the cuts is lost."""
    rest, parts = list(runs), []
    while measure(rest) > limit:
        cut = _cut(rest, limit, measure)
        parts.append(_slice(rest, 0, cut))
        rest = _stripped(_slice(rest, cut))
    trimmed = [_stripped(part, end=True) for part in (*parts, rest)]
    return [part for part in trimmed if _visible(part)]


def _cut(runs: list[Run], limit: int, measure: Callable[[Sequence[Run]], int]) -> int:
    """The best place for a cut: the last one of the best kind at which the part before it still fits."""
    low, high = 1, min(limit, sum(len(run.text) for run in runs) - 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(_slice(runs, 0, middle)) <= limit else (low, middle - 1)
    fitting = (cut for cut in _cuts(runs, low) if measure(_slice(runs, 0, cut)) <= limit)
    return next(fitting, low)


def _cuts(runs: list[Run], room: int) -> Iterator[int]:
    """Cuts up to `room`, best kind first: between paragraphs, lines, words; then inside a code block, a link or a
    piece of code, which can only be wanted when it is longer than a message; always between whole characters."""
    text = "".join(run.text for run in runs)
    whole = _whole_pieces(runs)
    for kept_whole in (whole, []):
        for space in _SPACES:
            starts = [match.start() for match in space.finditer(text, 1, room + 2)]
            yield from (at for at in reversed(starts) if at <= room and _outside(kept_whole, at))
        for at in range(room, 0, -1):
            if _outside(kept_whole, at) and not _one_character(text, at):
                yield at


def _whole_pieces(runs: list[Run]) -> list[tuple[int, int]]:
    """Where code blocks, links and pieces of code begin and end."""
    pieces: list[tuple[int, int]] = []
    last: Mark | None = None
    at = 0
    for run in runs:
        mark = _mark("pre", run) or _mark("link", run) or _mark("code", run)
        end = at + len(run.text)
        if mark is not None and mark == last:
            pieces[-1] = (pieces[-1][0], end)
        elif mark is not None:
            pieces.append((at, end))
        at, last = end, mark
    return pieces


def _outside(pieces: list[tuple[int, int]], at: int) -> bool:
    return not any(start < at < end for start, end in pieces)


def _one_character(text: str, at: int) -> bool:
    """Whether the code points before and after `at` are seen as one: accents, vowel signs, joined emoji, flags."""
    before, after = text[at - 1], text[at]
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # a flag is two letters: is there an odd number of them before?
        letters = sum(
            1 for _ in takewhile(lambda each: "\U0001f1e6" <= each <= "\U0001f1ff", reversed(text[:at]))
        )
        return letters % 2 == 1
    return (
        before == "\u200d"
        or after == "\u200d"
        or unicodedata.category(after).startswith("M")
        or unicodedata.combining(before) == 9  # viramas: the next consonant leans on this one
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # tags, as in the flag of Wales
        or "\u1160" <= after <= "\u11ff"  # Hangul vowels and finals
    )


def _slice(runs: list[Run], start: int, end: int | None = None) -> list[Run]:
    """The runs from one character to another."""
    found: list[Run] = []
    at = 0
    for run in runs:
        piece = run.text[max(0, start - at) : None if end is None else max(0, end - at)]
        if piece:
            found.append(Run(piece, run.marks))
        at += len(run.text)
    return found


def _stripped(runs: list[Run], *, end: bool = False) -> list[Run]:
    """Without the white space at its beginning, or end. Code keeps its own, but for the line end of the cut."""
    if runs and _mark("pre", runs[0]) is not None and not end:
        return [Run(runs[0].text.removeprefix("\n"), runs[0].marks), *runs[1:]]
    rest = list(reversed(runs)) if end else runs
    while rest and _mark("pre", rest[0]) is None:
        left = rest[0].text.rstrip() if end else rest[0].text.lstrip()
        if left:
            rest = [Run(left, rest[0].marks), *rest[1:]]
            break
        rest = rest[1:]
    return list(reversed(rest)) if end else rest
