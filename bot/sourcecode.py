"""Code as it comes from a phone: found in a message, mended where a keyboard bent it, its language recognised.

Decides only, and never compiles: text of strangers is looked at with patterns alone.
"""

import re
import textwrap

import msgspec

from bot.judging import Language

_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[ \t]*\n(.*?)(?:\n?```|\Z)", re.DOTALL)
_INLINE_FENCE = re.compile(r"```(.*?)```", re.DOTALL)

_NAMES: dict[str, Language] = {
    "py": "python", "py3": "python", "python": "python", "python3": "python", "python2": "python",
    "js": "javascript", "mjs": "javascript", "cjs": "javascript", "javascript": "javascript", "node": "javascript",
    "nodejs": "javascript", "jsx": "javascript",
}  # fmt: skip
OTHER_LANGUAGES = frozenset(
    "c cpp c++ cc cxx h hpp cs csharp c# java kt kotlin go golang rs rust rb ruby php swift scala ts typescript tsx sql r dart"
    " sh bash pl perl hs lua exs ex".split()
)  # their fences and file endings say plainly that it is neither of ours

# What phone keyboards and web pages put in the place of what was typed.
_MENDED = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′´", "'"),
        **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202c", None),
        **dict.fromkeys("\u2028\u2029\u0085", "\n"),
        "–": "-", "−": "-", "—": "--", "…": "...", "\x00": None,
    }
)  # fmt: skip

# A keyboard begins every line with a capital; none of these words means anything with one.
_CAPITAL_PYTHON = re.compile(
    r"^([ \t]*)(Def|Class|For|While|If|Elif|Return|Import|From|Try|With|Pass|Break|Continue|Raise|Global|Nonlocal|Yield|"
    r"Assert|Del|Except|Finally|Else|Print)(?=[ :(\n]|$)(?! *=)",
    re.MULTILINE,
)
_CAPITAL_JAVASCRIPT = re.compile(
    r"^([ \t]*)(Function|Const|Let|Var|Return|If|For|While|Class|Else|Switch|Case|Break|Continue|Throw|Try|Do|Async)"
    r"(?=[ ({;]|$)(?! *=)",
    re.MULTILINE,
)
_EXPORT = re.compile(
    r"^([ \t]*)export\s+(?:default\s+)?(?=(?:async\s+)?function\b|class\b|const\b|let\b|var\b)", re.MULTILINE
)
_FUNCTION = re.compile(r"^( *)(?:async )?def ", re.MULTILINE)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)

_PYTHON_SIGNS = (
    (r"^[ \t]*(?:async\s+)?def\s+\w+\s*\(.*", 3), (r"^[ \t]*class\s+\w+(?:\([\w, .]*\))?\s*:\s*(?:#.*)?$", 3),
    (r"^[ \t]*(?:from\s+[\w.]+\s+)?import\s+\w+(?:\s+as\s+\w+)?\s*$", 2), (r"^[ \t]*from\s+[\w.]+\s+import\b", 3),
    (r"^[ \t]*(?:if|for|while|elif|else|try|except|with|finally)\b[^{};\n]*:\s*(?:#.*)?$", 2), (r"\blambda\b[^;{}\n]*:", 2),
    (r"\b(?:elif|None|True|False)\b|\bself\.|\bnot in\b|\bis not\b", 1), (r"\brange\(|\blen\(|^\s*#\s", 1),
    (r"\bfor\s+\w+(?:\s*,\s*\w+)*\s+in\b", 1),
)  # fmt: skip
_JAVASCRIPT_SIGNS = (
    (r"\bfunction\b\s*\*?\s*\w*\s*\([^)]*\)\s*\{?", 3), (r"^[ \t]*(?:const|let|var)\s+[\w\[{]", 3), (r"=>", 2),
    (r"===|!==|&&|\|\|", 2), (r"\bconsole\.log\(|\bmodule\.exports\b|\bnew\s+(?:Map|Set|Array)\b", 3),
    (r"\}\s*else\b|\)\s*\{\s*$", 2), (r";\s*$", 1), (r"\bthis\.|\bnull\b|\bundefined\b|\.length\b", 1), (r"^[ \t]*//", 1),
    (r"\w\+\+|\w--(?!-)", 1), (r"^[ \t]*class\s+\w+(?:\s+extends\s+\w+)?\s*\{", 3),
)  # fmt: skip
_FOREIGN_SIGNS = (
    (r"^[ \t]*#include\s*[<\"]", 6), (r"\bstd::|\bcout\s*<<|\bcin\s*>>|\bvector<", 4), (r"^[ \t]*using\s+namespace\b", 6),
    (r"\bpublic\s+(?:static\s+|final\s+)*[\w<>\[\]]+\s+\w+\s*\(", 5), (r"\bSystem\.out\.print", 5), (r"^[ \t]*package\s+\w+;?\s*$", 4),
    (r"^[ \t]*func\s+(?:\([^)]*\)\s*)?\w+\s*\(", 5), (r"\bfn\s+\w+\s*\([^)]*\)\s*(?:->|\{)", 5), (r"\blet\s+mut\b|\bimpl\s+\w+", 4),
    (r"^[ \t]*(?:int|void|long|double|bool|char|float)\s+\w+\s*\([^)]*\)\s*\{?", 5), (r"<\?php", 6), (r"\w\s*:=\s*\S", 2),
    (r"^[ \t]*(?:int|long|double|char|String)(?:\[\])?\s+\w+\s*=", 3), (r":\s*(?:number|string|boolean)\b(?:\[\])?\s*[,)={;]", 4),
    (r"^[ \t]*def\s+\w+[^:\n]*$(?=[\s\S]*^[ \t]*end[ \t]*$)", 5), (r"\bfun\s+\w+\s*\(.*\)\s*(?::\s*\w+)?\s*\{", 5),
)  # fmt: skip
_COMPILED = [
    [(re.compile(pattern, re.MULTILINE), weight) for pattern, weight in signs]
    for signs in (_PYTHON_SIGNS, _JAVASCRIPT_SIGNS, _FOREIGN_SIGNS)
]
INDENT = 4  # spaces a Python block is deeper by, as everybody writes it
_READ = 8_000  # characters that decide on the language; more says nothing new
_COUNTED = 4  # times one sign counts: a long loop body is not more of a language


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Code in a message. `language`: None when it has to be asked for; `foreign`: it is plainly another language;
    `fenced`: it stood in a code block or a file."""

    source: str
    language: Language | None
    foreign: bool = False
    fenced: bool = False


def found(text: str, *, file_name: str = "", entity_language: str = "") -> Found:
    """The code of a message, a code block or a file. `entity_language`: what the platform says of its code block."""
    source, label, fenced = _unfenced(text)
    label = (
        label or entity_language or file_name.rpartition(".")[2] if file_name else label or entity_language
    ).lower()
    source = _tidy(source)
    if label in OTHER_LANGUAGES:
        return Found(source=source, language=None, foreign=True, fenced=True)
    language = _NAMES.get(label)
    foreign = False
    if language is None:
        language, foreign = recognised(source)
    return Found(
        source=mended(source, language),
        language=language,
        foreign=foreign,
        fenced=fenced or bool(file_name or entity_language),
    )


def continuing(before: str, text: str) -> str:
    """Python that goes on where `before` ends, with the indentation that its first line, or all of it, lost on the way."""
    source, *_ = _unfenced(text)
    lines = _lines(source).strip("\n").split("\n")
    if not lines[0] or lines[0][0] == " ":
        return "\n".join(lines) + "\n"
    rest = [_indent(line) for line in lines[1:] if line.strip()]
    last = before.rstrip().rpartition("\n")[2]
    inside = _indent(last) + INDENT if last.endswith(":") else 0
    if inside and min(rest, default=0) == 0:  # all of it was moved to the left
        return textwrap.indent("\n".join(lines), " " * inside) + "\n"
    if not rest and lines[0].startswith("return") and (opened := _FUNCTION.findall(before)):
        inside = inside or len(opened[-1]) + INDENT
    if rest and rest[0]:
        inside = inside or rest[0] - (INDENT if lines[0].endswith(":") else 0)
    return " " * max(0, inside) + "\n".join(lines) + "\n"


def is_middle(text: str) -> bool:
    """Whether Python begins in the middle of a block: indented, or followed by a deeper line that nothing opens."""
    source, *_ = _unfenced(text)
    lines = [line for line in _lines(source).split("\n") if line.strip()]
    if not lines or _indent(lines[0]):
        return bool(lines)
    opens = lines[0].endswith((":", "(", "[", "{", ",", "\\"))
    return len(lines) > 1 and (_indent(lines[1]) > (INDENT if opens else 0))


def recognised(source: str) -> tuple[Language | None, bool]:
    """The language, None when in doubt; and whether it is plainly neither of ours."""
    python, javascript, foreign = (_weight(signs, source[:_READ]) for signs in _COMPILED)
    if foreign >= 4 and foreign > max(python, javascript) / 2:
        return None, True
    if python >= 2 and python >= 2 * javascript:
        return "python", False
    if javascript >= 2 and javascript >= 2 * python:
        return "javascript", False
    return None, False


def looks_like_code(text: str) -> bool:
    """Whether a message without a code block is code and not talk about it."""
    if "```" in text:
        return True
    source = _tidy(text)
    lines = [line for line in source.splitlines() if line.strip()]
    prose = sum(
        1
        for line in lines
        if len(re.findall(r"[A-Za-z']+", line)) >= 6 and not re.search(r"[(){}\[\]=;]", line)
    )
    if prose > len(lines) / 3:  # most words in a coding round are talk, and this is quickly seen
        return False
    return max(_weight(signs, source[:_READ]) for signs in _COMPILED) >= 4


def mended(source: str, language: Language | None) -> str:
    """The source with what a keyboard did to it undone."""
    if language == "python":
        if len(_PROMPT.findall(source)) > source.count("\n") / 2:
            source = _PROMPT.sub("", source)
        return _CAPITAL_PYTHON.sub(_lowered, source)
    if language == "javascript":
        return _EXPORT.sub(r"\1", _CAPITAL_JAVASCRIPT.sub(_lowered, source))
    return source


def _unfenced(text: str) -> tuple[str, str, bool]:
    """What stands in the code blocks (all of them, in order), the first one's language, and whether there was one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks = _FENCE.findall(text)
    if blocks:
        return "\n".join(body for _, body in blocks), next((name for name, _ in blocks if name), ""), True
    inline = _INLINE_FENCE.findall(text)
    return ("\n".join(inline), "", True) if inline else (text, "", False)


def _tidy(source: str) -> str:
    return textwrap.dedent(_lines(source)).strip("\n") + "\n"


def _lines(source: str) -> str:
    """Mended character by character, the indentation as it came."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").translate(_MENDED).split("\n")
    return "\n".join(_spaced(line).rstrip() for line in lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaced(line: str) -> str:
    """Tabs of the indentation as four spaces, so that both may be mixed."""
    body = line.lstrip(" \t")
    return line[: len(line) - len(body)].expandtabs(4) + body


def _weight(signs: list[tuple[re.Pattern[str], int]], source: str) -> int:
    return sum(weight * min(_COUNTED, sum(1 for _ in pattern.finditer(source))) for pattern, weight in signs)


def _lowered(match: re.Match[str]) -> str:
    return match[1] + match[2].lower()
