"""Our markup on each platform: what is seen is what was meant, whole, within the limits, and harmless."""

import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given, strategies as st
from rich.console import Console

from adapters import markup
from bot import bank, messages
from bot.sentences import SENTENCES

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

FRAGMENTS = [
    *(
        "*",
        "**",
        "***",
        "_",
        "__",
        "`",
        "``",
        "```",
        "~~~",
        "[",
        "](",
        ")",
        "<",
        ">",
        "!",
        "#",
        "##",
        "-",
        "+",
        "1.",
        "2)",
    ),
    *(
        "\\",
        "&",
        "&amp;",
        "|",
        "||",
        "~~",
        ":",
        "@",
        "@everyone",
        "<@1>",
        "<b>",
        "[1]: x",
        "https://a.b/c_d",
        "===",
        "---",
    ),
    *(
        "\n",
        "\n\n",
        "  \n",
        " ",
        "    ",
        "\t",
        "> ",
        "- ",
        "1. ",
        "a",
        "B",
        "word",
        "3",
        "_x_",
        "**bold**",
        "`code`",
    ),
    *(
        "[t](https://a.b)",
        "שלום",
        "مرحبا",
        "नमस्ते",
        "e\u0301",
        "👩‍👩‍👧",
        "👍🏽",
        "🇮🇳",
        "\u202e",
        "\u00a0",
        "\u2028",
        "\0",
        "\x1b[31m",
    ),
]
anything = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(FRAGMENTS)).map(
    "".join
)
long_texts = st.builds(lambda text, times: text * times, anything, st.integers(1, 3000)).filter(
    lambda text: len(text) < 30_000
)


class Seen(HTMLParser):
    """What a Telegram client shows. Fails on a tag that Telegram does not know or that is not closed in its order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.open, self.codes = "", list[str](), list[str]()
        self.links: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "i", "code", "pre", "a", "blockquote"}
        assert tag not in self.open
        assert "code" not in self.open
        self.open.append(tag)
        if tag == "pre":
            self.codes.append("")
        if tag == "a":
            self.links.append((dict(attrs)["href"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "pre" in self.open:
            self.codes[-1] += data
        if "a" in self.open:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + data)


DISCORD = re.compile(
    r"```(?:[\w+.#-]+\n|\n)(?P<block>(?s:.*?))\n```"
    r"|\\(?P<escaped>[^0-9A-Za-z\s])"
    r"|(?P<fence>`+)(?P<code>(?s:.*?[^`]))(?P=fence)(?!`)"
    r"|(?P<heading>(?m:^) *(?:[-*+] |[0-9]+\. |-?#{1,3} ))"
    r"|(?P<quote>(?m:^)> )"
    r"|<(?P<bare>https?://[^>]+)>"
    r"|\[(?P<title>(?:\\.|[^\]\\])+)\]\(<(?P<url>https?://[^>]+)>\)"
    r"|(?P<mention><(?:@|#|:|t:|/|id:)[^>]*>|@everyone|@here)"
    r"|(?P<emoji>:\w+:)"
    r"|(?P<embed>https?://\S+)"
    r"|\*\*(?P<strong>(?s:(?:\\.|[^\\])+?))\*\*(?!\*)"
    r"|\*(?P<em>(?=\S)(?s:(?:\\.|[^\\*])+?))\*(?!\*)"
    r"|(?P<format>~~|\|\||__|_(?=\S))"
)


def seen_on_discord(markdown: str) -> tuple[str, set[str]]:
    """The words a Discord client shows, and the kinds of marks it found on the way."""
    marks: set[str] = set()

    def shown(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        marks.add(kind)
        if kind in ("title", "url"):
            return seen_on_discord(match["title"])[0]
        if kind in ("strong", "em"):
            inner, more = seen_on_discord(match[kind])
            marks.update(more)
            return inner
        if kind == "code":  # a space that keeps the fence and a backtick inside apart is not shown
            return re.sub(r"^ (?= *`)|(?<=`) $", "", match["code"])
        return "" if kind == "quote" else match[kind]

    words = DISCORD.sub(shown, markdown)
    return words.replace(markup.NO_WIDTH, ""), marks - {"escaped"}


def letters(text: str) -> str:
    """What counts as seen: everything but white space and control characters."""
    return "".join(CONTROLS.sub("", text).split())


def words_of(text: str) -> str:
    """The visible words of our markup; unlike `plain` without the addresses of links."""
    return "".join(run.text for run in markup._runs(text))


def units(text: str) -> int:
    return sum(2 if character > "\uffff" else 1 for character in text)


def on_terminal(text: str, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(markup.terminal(text))
    return out.getvalue()


# Any text


@given(anything | long_texts)
@example(">" * 50 + "x")
@example("[a](" * 100)
def test_any_text_becomes_telegram_parts_that_stand_alone_fit_and_lose_nothing(text: str) -> None:
    """Whatever the text: valid HTML, 1 to 4096 units each, joined the words of the whole."""
    parts = [Seen(html) for html in markup.telegram(text)]
    assert letters("".join(part.text for part in parts)) == letters(words_of(text))
    assert all(1 <= units(part.text) <= 4096 and part.text.strip() for part in parts)


@given(anything | long_texts)
def test_any_text_becomes_discord_parts_that_fit_and_ping_nobody(text: str) -> None:
    """Whatever the text: 1 to 2000 characters each, and no part mentions anybody."""
    parts = markup.discord(text)
    assert all(0 < units(part) <= 2000 and part.strip() for part in parts)
    assert not any(re.search(r"@everyone|@here|<@[!&]?\d", part) for part in parts)
    assert bool(parts) == bool(letters(words_of(text)))


@given(anything)
def test_any_text_can_be_read_in_the_terminal_and_as_plain_words(text: str) -> None:
    """Both show every visible word, and control characters reach neither."""
    assert letters(words_of(text)) in letters(markup.plain(text)) or "](" in text or "<" in text
    assert not CONTROLS.search(markup.plain(text).replace("\u0085", ""))
    assert "\x1b" not in on_terminal(text)


@given(
    anything
    | st.lists(
        st.sampled_from(
            ["**ab**", "`x`", "\\*", " ", "  \n", "\n", "a", ".", "\\", "!", "7", "é", "\n\n", "`", "**"]
        )
    ).map("".join)
)
@example("**a****b**")
@example("\\`x`")
@example("a **b\n** c")
@example("**1 of 2 · C\\+\\+**\n\nWhat is `x[i]`?")
def test_the_quick_reading_of_simple_texts_is_the_parsers(text: str) -> None:
    """Where the parser is spared, its result would have been the same."""
    text = markup._cleaned(text)
    quick = markup._simple_runs(text)
    assume(quick is not None)
    thorough = markup._Reader().read(markup._PARSER.parse(text))
    assert _merged(quick or ()) == _merged(thorough)


def _merged(runs: tuple[markup.Run, ...] | list[markup.Run]) -> list[markup.Run]:
    merged: list[markup.Run] = []
    for run in runs:
        if merged and merged[-1].marks == run.marks:
            merged[-1] = markup.Run(merged[-1].text + run.text, run.marks)
        else:
            merged.append(run)
    return merged


def test_the_messages_of_a_turn_are_read_the_quick_way() -> None:
    """Feedback and an ordinary question spare the parser, whatever the student wrote."""
    quote = messages.plain("1. it's *O(n)* -- see <T> [here](x_y) & @all #1")
    feedback = f'**Good** · 2½ of 3 points  \n✓ Slower writes: "{quote}"  \n○ Not detected: space; time'
    assert markup._simple_runs(feedback) is not None
    assert markup._simple_runs("**3 of 6 · Networks**\n\nWhat does `x[i]` do? Name two causes!") is not None


# What a student wrote


@given(anything)
def test_a_students_words_within_a_line_are_seen_as_typed_and_mean_nothing(text: str) -> None:
    """Through `messages.plain` no character of a student is formatting, on any platform."""
    said = f"You wrote: {messages.plain(text)}."
    expected = letters(f"You wrote: {text}.")
    assert letters(markup.plain(said)) == expected
    assert letters("".join(Seen(part).text for part in markup.telegram(said))) == expected
    assert all(not set(re.findall(r"<(\w+)", part)) for part in markup.telegram(said))
    shown, marks = seen_on_discord("".join(markup.discord(said)))
    assert letters(shown) == letters(expected.replace(markup.NO_WIDTH, ""))
    assert marks == set()
    if all(" " <= character <= "~" for character in text):
        assert letters(on_terminal(said)) == expected


@given(anything)
def test_a_students_words_at_the_start_of_a_line_begin_no_block(text: str) -> None:
    """A student's "# x", "- x", "1. x" or "> x" is no heading, list or quote."""
    said = messages.plain(text)
    assert letters(markup.plain(said)) == letters(text)
    shown, marks = seen_on_discord("\n".join(markup.discord(said)))
    assert letters(shown) == letters(text.replace(markup.NO_WIDTH, ""))
    assert marks == set()


@given(anything)
def test_code_is_shown_as_it_is(text: str) -> None:
    """Through `messages.code_block` every line and space of code arrives, fences inside it too."""
    code = CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    assume(
        code.strip() and len(code) < 500 and not text.endswith("\r")
    )  # with our line end that would be one
    said = f"Look:\n\n{messages.code_block(text, 'python')}\n\nDone."
    assert markup.plain(said) == f"Look:\n\n{code}\n\nDone."
    assert [Seen(part).codes for part in markup.telegram(said)] == [[code]]
    harmless = code.replace(markup.NO_WIDTH, "")
    assert seen_on_discord(markup.discord(said)[0])[0] == f"Look:\n\n{harmless}\n\nDone."


@pytest.mark.parametrize(
    "text", ["@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "`@everyone`", "```\n<@123>\n```"]
)
def test_nobody_is_mentioned_even_from_code(text: str) -> None:
    """A mention is broken by a character without width, as backslashes do not stop @everyone."""
    (part,) = markup.discord(text)
    assert re.search(f"@{markup.NO_WIDTH}", part)
    assert letters(seen_on_discord(part)[0].replace("`", "")) == letters(words_of(text))


def test_brackets_and_escape_sequences_of_a_student_do_nothing_in_the_terminal() -> None:
    """Rich's own markup and the terminal's control sequences stay words, or are left out."""
    said = messages.plain("[red]stop[/red] [link=https://a.b]x[/link] \x1b[2J:smile:")
    assert "[red]stop[/red] [link=https://a.b]x[/link] [2J:smile:" in on_terminal(said, width=200)


# What we write

DOCUMENT = """\
# Interview report

Google · **Backend**, *an estimate* of `x < y`
second line  \nthird line

1. First
2. Second
   - deeper

- one

- two

```python
def f(x):

    return [x]
```

> quoted
> more

Read [SQL: rows](https://a.b/c_d?x=1&y=2) or <https://a.b>.

---

End"""


def test_a_document_reads_well_on_telegram() -> None:
    """Headings are bold, lists have marks, soft line ends stay, links and code keep their kind."""
    (part,) = markup.telegram(DOCUMENT)
    assert part == (
        "<b>Interview report</b>\n\n"
        "Google · <b>Backend</b>, <i>an estimate</i> of <code>x &lt; y</code>\nsecond line\nthird line\n\n"
        "1. First\n2. Second\n  • deeper\n\n"
        "• one\n\n• two\n\n"
        '<pre><code class="language-python">def f(x):\n\n    return [x]</code></pre>\n\n'
        "<blockquote>quoted\nmore</blockquote>\n\n"
        'Read <a href="https://a.b/c_d?x=1&amp;y=2">SQL: rows</a> or <a href="https://a.b">https://a.b</a>.\n\n'
        "———\n\nEnd"
    )


def test_a_document_reads_well_on_discord() -> None:
    """The same; links bring no preview, and our own numbers are no list that Discord would count anew."""
    (part,) = markup.discord(DOCUMENT)
    assert part == (
        "**Interview report**\n\n"
        "Google · **Backend**, *an estimate* of `x < y`\nsecond line\nthird line\n\n"
        "1\\. First\n2\\. Second\n  • deeper\n\n"
        "• one\n\n• two\n\n"
        "```python\ndef f(x):\n\n    return [x]\n```\n\n"
        "> quoted\n> more\n\n"
        "Read [SQL: rows](<https://a.b/c_d?x=1&y=2>) or <https://a.b>.\n\n"
        "———\n\nEnd"
    )


def test_a_document_reads_well_as_plain_words() -> None:
    """No markup is left; a link is its title and its address."""
    assert markup.plain(DOCUMENT) == (
        "Interview report\n\nGoogle · Backend, an estimate of x < y\nsecond line\nthird line\n\n"
        "1. First\n2. Second\n  • deeper\n\n• one\n\n• two\n\ndef f(x):\n\n    return [x]\n\nquoted\nmore\n\n"
        "Read SQL: rows: https://a.b/c_d?x=1&y=2 or https://a.b.\n\n———\n\nEnd"
    )


def test_a_document_reads_well_in_the_terminal() -> None:
    """Code is set in, and the address of a link can be seen."""
    lines = [line.rstrip() for line in on_terminal(DOCUMENT).splitlines()]
    assert lines == [
        *("Interview report", "", "Google · Backend, an estimate of x < y", "second line", "third line", ""),
        *("1. First", "2. Second", "  • deeper", "", "• one", "", "• two", ""),
        *("  def f(x):", "", "      return [x]", "", "quoted", "more", ""),
        *("Read SQL: rows (https://a.b/c_d?x=1&y=2) or https://a.b.", "", "———", "", "End"),
    ]


def test_pieces_of_a_document_stand_apart_in_the_terminal() -> None:
    """Two code blocks have a line between them; a link of several words has its address once, behind them."""
    text = "```\na\n```\n\n```\nb\n```\n\n[one **two**](https://a.b)\n\n- ```\n  c\n  ```"
    assert [line.rstrip() for line in on_terminal(text).splitlines()] == [
        *("  a", "", "  b", "", "one two (https://a.b)", "", "•", "  c")
    ]


@pytest.mark.parametrize(
    ("text", "telegram", "discord", "plain"),
    [
        ("**a `b` c**", "<b>a </b><code>b</code><b> c</b>", "**a `b` c**", "a b c"),
        ("[`f`](https://a.b)", '<a href="https://a.b">f</a>', "[`f`](<https://a.b>)", "f: https://a.b"),
        ("![a *cat*](https://a.b)", '<a href="https://a.b">a <i>cat</i></a>', "[a *cat*](<https://a.b>)", "a cat: https://a.b"),
        ("![](https://a.b)", '<a href="https://a.b">https://a.b</a>', "<https://a.b>", "https://a.b"),
        ("`` a`b ``", "<code>a`b</code>", "`` a`b ``", "a`b"),
        ("[x](javascript:alert)", "[x](javascript:alert)", r"\[x\](javascript\:alert)", "[x](javascript:alert)"),
        ("<a@b.cd>", '<a href="mailto:a@b.cd">a@b.cd</a>', "a@b.cd", "a@b.cd: mailto:a@b.cd"),
        ("# **a** b", "<b>a b</b>", "**a b**", "a b"),
        ("> > a", "<blockquote>a</blockquote>", "> a", "a"),
        ("> ```\n> x\n> y\n> ```", "<blockquote><pre>x\ny</pre></blockquote>", "> ```\n> x\n> y\n> ```", "x\ny"),
        ("3. a\n4. b", "3. a\n4. b", "3\\. a\n4\\. b", "3. a\n4. b"),
        ("0. a", "0. a", "0\\. a", "0. a"),
        ("- ```\n  x\n  ```", "• \n<pre>x</pre>", "• \n```\nx\n```", "• \nx"),
        ("- a\n\n  b", "• a\n\nb", "• a\n\nb", "• a\n\nb"),
        ("-\n- a", "• \n• a", "• \n• a", "• \n• a"),
        ("[1]: x\n\nText\n===", "[1]: x\n\nText\n===", "\\[1\\]: x\n\nText\n===", "[1]: x\n\nText\n==="),
        ("a &amp; <b>b</b>", "a &amp;amp; &lt;b&gt;b&lt;/b&gt;", "a &amp; \\<b>b\\</b>", "a &amp; <b>b</b>"),
    ],
)  # fmt: skip
def test_each_piece_of_markup(text: str, telegram: str, discord: str, plain: str) -> None:
    """Pieces inside pieces, and what is no markup of ours and stays as it is."""
    assert markup.telegram(text) == [telegram]
    assert markup.discord(text) == [discord]
    assert markup.plain(text) == plain


def test_an_address_too_long_for_discord_gives_way_to_its_title() -> None:
    """The words remain; 2000 characters are for reading."""
    assert markup.discord(f"[title](https://a.b/{'x' * 3000})") == ["title"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "```\n\n```"])
def test_nothing_to_see_is_nothing_to_send(text: str) -> None:
    """Both platforms refuse an empty message."""
    assert markup.telegram(text) == []
    assert markup.discord(text) == []


# Splitting

Split = Callable[[str], list[str]]
both = pytest.mark.parametrize(("split", "limit"), [(markup.telegram, 4096), (markup.discord, 2000)])


def shown_code(part: str) -> str:
    """The code of a part that is nothing but code."""
    if part.startswith("```"):
        return part.removeprefix("```python\n").removesuffix("\n```")
    (code,) = Seen(part).codes
    assert Seen(part).text == code
    return code


@both
def test_a_long_text_is_cut_between_paragraphs(split: Split, limit: int) -> None:
    """Paragraphs that fit stay in one piece."""
    paragraph = ("word " * (limit // 15)).strip()
    text = "\n\n".join([f"{paragraph}\nline"] * 7)
    assert split(text) == ["\n\n".join([f"{paragraph}\nline"] * count) for count in (2, 2, 2, 1)]


@both
def test_a_long_paragraph_is_cut_between_lines(split: Split, limit: int) -> None:
    """Lines that fit stay in one piece, soft or hard their ends."""
    line = ("word " * (limit // 12)).strip()
    assert split(f"{line}\n{line}  \n{line}\n{line}") == [f"{line}\n{line}"] * 2


@both
def test_a_long_line_is_cut_between_words(split: Split, limit: int) -> None:
    """No word is torn."""
    parts = split("abcdefg " * limit)
    assert set(" ".join(parts).split()) == {"abcdefg"}
    assert len(parts) == 8


@both
@pytest.mark.parametrize(
    "whole", ["👩‍👩‍👧", "👍🏽", "🇮🇳", "e\u0301\u0323", "क्षि", "각", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_what_is_seen_as_one_character_is_never_cut(split: Split, limit: int, whole: str) -> None:
    """Joined emoji, flags, accents, conjuncts and jamo stay together even in a text without a single space."""
    for before in ("", "a", "ab"):
        parts = split(before + unicodedata.normalize("NFD", whole) * limit)
        assert len(parts) > 1
        assert all(
            len(part.removeprefix(before)) % len(unicodedata.normalize("NFD", whole)) == 0 for part in parts
        )


@both
def test_a_code_block_that_fits_in_a_message_is_not_cut(split: Split, limit: int) -> None:
    """It moves to the next message whole, blank lines and all."""
    code = "x = 1\n\n" * (limit // 10) + "end"
    text = f"{'word ' * (limit // 10)}\n\n{messages.code_block(code, 'python')}"
    first, second = split(text)
    assert first.split() == ["word"] * (limit // 10)
    assert shown_code(second) == code


@both
def test_a_code_block_longer_than_a_message_becomes_several_cut_at_line_ends(
    split: Split, limit: int
) -> None:
    """Each is a block of its own in the same language; put together they are the code, indentation too."""
    code = "\n".join(f"{' ' * (n % 9)}call({n})" for n in range(limit // 2)) + "\n\n\n  end"
    parts = split(messages.code_block(code, "python"))
    assert "\n".join(map(shown_code, parts)) == code
    assert len(parts) > 2
    assert all("python" in part for part in parts)


@both
def test_a_link_is_never_cut(split: Split, limit: int) -> None:
    """Its title may be many words: the cut comes before it."""
    link = "[ten words that lead somewhere and belong together, all ten](https://a.b/c)"
    for before in range(limit - 140, limit + 2):
        parts = split("a" * before + " " + link)
        assert [part.count("https://a.b/c") for part in parts] in ([1], [0, 1])


@given(st.integers(0, 70), st.sampled_from(["**", "*", ""]))
def test_marks_around_a_cut_are_closed_and_opened_again(extra: int, mark: str) -> None:
    """Bold goes on in the next message."""
    text = f"{mark}y{'y' * extra} {'word ' * 1000}end{mark}"
    tag = {"**": "b", "*": "i", "": ""}[mark]
    parts = markup.telegram(text)
    assert len(parts) == 2
    assert all(part.startswith(f"<{tag}>") and part.endswith(f"</{tag}>") for part in parts if tag)
    assert all(
        seen_on_discord(part)[1] == ({"strong"} if mark == "**" else {"em"} if mark else set())
        for part in markup.discord(text)
    )


def test_an_emoji_counts_twice() -> None:
    """Telegram counts in UTF-16 units."""
    assert [units(part) for part in markup.telegram("🙂" * 3000)] == [4096, 1904]


def test_escapes_count_on_discord() -> None:
    """Discord counts what is sent, backslashes included."""
    assert [len(part) for part in markup.discord(messages.plain("*" * 1500))] == [2000, 1000]


# The content


def shown_as_markup(content: bank.Content) -> Iterator[tuple[str, str]]:
    """(Where it is, text) of what stands in messages as its author wrote it."""
    for question in content.questions.values():
        where = f"{question.round}/{question.topic}.toml: "
        yield where, question.topic_title
        for text in (question.question, question.reference_answer, question.follow_up, *question.hints):
            yield where, text
    for path in content.paths.values():
        where = f"paths/{path.skill}.toml: "
        yield where, path.title
        for resource in (resource for stage in path.stages for resource in stage.resources):
            yield where, resource.recall.question
            yield where, resource.recall.reference_answer
    for company in (*content.companies.values(), content.default_company):
        yield from ((f"company {company.slug}: ", tip) for tip in company.tips)
    for goal in content.goals.values():
        yield "goals.toml: ", goal.role


def shown_as_words(content: bank.Content) -> Iterator[tuple[str, str]]:
    """(Where it is, text) of what goes through `messages.plain`."""
    for question in content.questions.values():
        where = f"{question.round}/{question.topic}.toml: "
        yield from ((where, each) for each in (question.title, *question.constraints))
        yield from ((where, example.why) for example in question.examples)
        yield from ((where, point.label) for point in question.key_points)
    for path in content.paths.values():
        where = f"paths/{path.skill}.toml: "
        for stage in path.stages:
            yield where, stage.stage_name
            for resource in stage.resources:
                yield from ((where, each) for each in (resource.title, resource.source))
                yield from ((where, point.label) for point in resource.recall.key_points)
    yield from (("companies: ", company.company) for company in content.companies.values())


@pytest.fixture(scope="module")
def content() -> bank.Content:
    return bank.load()


def test_what_authors_wrote_is_seen_to_the_last_character(content: bank.Content) -> None:
    """Nothing an author wrote turns into markup but backticks: names such as __init__ stand in them."""
    lost = [
        where + text
        for where, text in shown_as_markup(content)
        if letters(markup.plain(text)) != letters(text.replace("`", ""))
    ]
    assert lost == []


def test_no_author_wrote_markup_where_words_are_shown_as_they_are(content: bank.Content) -> None:
    """Titles, labels and constraints are not read as markup, so backticks in them would be seen."""
    assert [where + text for where, text in shown_as_words(content) if "`" in text or "**" in text] == []
    for _, text in shown_as_words(content):
        assert markup.plain(messages.plain(text)) == " ".join(text.split())


def test_examples_can_stand_in_backticks(content: bank.Content) -> None:
    """As the statement of a coding problem shows them."""
    for question in content.questions.values():
        for each in question.examples:
            for text in (each.input, each.output):
                assert markup.telegram(f"- `{text}`") == [f"• <code>{escape(text, quote=False)}</code>"]


def test_links_lead_where_the_author_said(content: bank.Content) -> None:
    """No address is changed on its way through the markup."""
    for path in content.paths.values():
        for resource in (resource for stage in path.stages for resource in stage.resources):
            link = f"[{messages.plain(resource.title)}]({resource.url})"
            (part,) = markup.telegram(link)
            assert Seen(part).links == [(resource.url, " ".join(resource.title.split()))]
            assert f"](<{resource.url}>)" in markup.discord(link)[0]


def test_every_sentence_is_seen_to_the_last_character() -> None:
    """Apart from bold marks, headings and links, which are meant."""
    for section, sentences in SENTENCES.items():
        if section == "labels":
            continue  # a button's words are no markup
        for template in sentences.values():
            sentence = template.replace("{url}", "https://a.b/c")
            meant = re.sub(
                r"\*\*|^#+ |`", "", re.sub(r"\[(.*?)\]\((.*?)\)", r"\1: \2", sentence), flags=re.MULTILINE
            )
            assert letters(markup.plain(sentence)) == letters(meant)
