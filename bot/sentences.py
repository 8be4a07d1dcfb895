"""Every sentence the bot says, from one file (`content/sentences.toml`), so that other languages can follow.

`say` fills a sentence; `label` gives a button's words. Values that are not ours are made safe by the caller (`plain`).
"""

import tomllib
from importlib.resources import files

_FILE = files("bot") / "content" / "sentences.toml"
SENTENCES: dict[str, dict[str, str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def say(key: str, /, **values: object) -> str:
    """The sentence `section.name` with its values filled in. A missing value is a KeyError: a mistake of ours."""
    return _find(key).format(**values)


def label(name: str, /, **values: object) -> str:
    """A button's words, at most 24 characters."""
    return _find(f"labels.{name}").format(**values)


def counted(number: int, one: str, many: str | None = None) -> str:
    """ "1 question", "3 questions"."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def _find(key: str) -> str:
    section, _, name = key.partition(".")
    return SENTENCES[section][name]
