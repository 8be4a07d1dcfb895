"""What a message asks for: a command, a bare command word, or plain words that mean one. Recognises only."""

import re
from datetime import date
from functools import lru_cache

import msgspec

from bot.days import WEEKDAY, end_in, fault, in_figures

COMMANDS: tuple[str, ...] = (
    "start",
    "interview",
    "learn",
    "next",
    "done",
    "quiz",
    "review",
    "progress",
    "path",
    "report",
    "reminders",
    "snooze",
    "settings",
    "how_scored",
    "hint",
    "skip",
    "pause",
    "resume",
    "stop",
    "undo",
    "cancel",
    "forget",
    "help",
)

_SLASH = re.compile(r"/(?P<verb>[a-z_]+)(?:@\w+)?(?:\s+(?P<argument>.*))?\Z", re.IGNORECASE | re.DOTALL)

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_STAGE = (
    r"\b(?:stage\s*(?:number |no\.? |#)?(?:\d{1,9}|one|two|three|four|five|six|seven|eight|nine|ten)"
    rf"|(?:\d{{1,2}}(?:st|nd|rd|th)|{'|'.join(_ORDINALS)}|last) stage)\b"
)
STAGE = re.compile(_STAGE, re.IGNORECASE)
_THIS_STAGE = r"\b(?:(?:this|my|the (?:current|whole|entire))(?: (?:current|whole|entire))? stage)\b"
THIS_STAGE = re.compile(rf"{_THIS_STAGE}|\bthe stage\b", re.IGNORECASE)
BY = re.compile(r"\b(?:by|until|till|before)\b", re.IGNORECASE)
_SOON = re.compile(
    rf"\b(?:today|tonight|tomorrow|(?:on|this|next) (?:{WEEKDAY}|week|month)|(?:in|within) \w+ (?:day|week|month)s?)\b",
    re.IGNORECASE,
)
_AMOUNT = r"(?:\d[\d.,]*|an?|half an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_ANY_DAY = date(2028, 1, 1)  # of a leap year: whether a day is named does not hang on today
LAST_STAGE = -1  # however many there are

_MEANINGS = (  # plain words where nothing is being answered, first match wins
    ("report", re.compile(r"\Areports?\s+(?P<argument>\d+|all)\Z", re.IGNORECASE)),
    (
        "let_go",
        re.compile(
            r"\A(?:please )?(?:cancel|drop|delete|remove|undo|forget|let go of) (?:my |the |that |this )?(?:promise|commitment|deadline)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "promised",
        re.compile(
            r"\A(?:what (?:did|have) i promised?|what(?: is|['\u2019]?s) my (?:promise|commitment|deadline)"
            r"|(?:show )?(?:me )?my (?:promise|commitment|deadline)s?)[\s.!?]*\Z",
            re.IGNORECASE,
        ),
    ),
    ("commit", re.compile(rf"{_STAGE}|{_THIS_STAGE}", re.IGNORECASE)),
    (
        "commit",
        re.compile(
            r"\A(?:i(?: will|['\u2019]?ll| want to| wanna| plan to|['\u2019]m going to| am going to)? )?"
            r"(?P<argument>(?:finish|complete|be done with|get through|be through with) .+)",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    ("quiz", re.compile(r"\Aquiz(?: me)?(?:\s+(?:on |about )?(?P<argument>.+))?\Z", re.IGNORECASE)),
    ("path", re.compile(r"\A(?:my )?path\s+(?:in |of |for )?(?P<argument>.+)\Z", re.IGNORECASE)),
    (
        "hours",
        re.compile(
            rf"\A(?:i have )?(?P<argument>-?{_AMOUNT}\s*(?:h|hrs?|hours?)\s*(?:a|per|/)\s*week\b.*)\Z|\Ahours\s+(?P<number>-?{_AMOUNT}.*)\Z",
            re.IGNORECASE,
        ),
    ),
    (
        "hours_a_day",
        re.compile(
            rf"\A(?:i (?:have|can do|can spend|can study) )?(?P<argument>{_AMOUNT}\s*(?:h|hrs?|hours?|m|mins?|minutes?)"
            r"\s*(?:(?:a|per|every|each|/)\s*(?:week|work)?days?|daily)"
            r"(?:,? (?:only )?(?:on |from )?(?:(?:week|work)(?:ing)? ?days|week ?ends?|mon(?:day)? ?(?:-|to|till|through) ?fri(?:day)?))?)(?: for learning)?[\s.!]*\Z",
            re.IGNORECASE,
        ),
    ),
    ("pause", re.compile(r"\A(?:please )?pause (?:my |the )?(?P<argument>.+?)(?: path)?\Z", re.IGNORECASE)),
    (
        "resume",
        re.compile(
            r"\A(?:please )?(?:resume|unpause|take up) (?:my |the )?(?P<argument>.+?)(?: path)?(?: again)?\Z",
            re.IGNORECASE,
        ),
    ),
    (
        "resume",
        re.compile(
            r"\A(?:please )?take (?:my |the )?(?P<argument>.+?)(?: path)? up again\Z",
            re.IGNORECASE,
        ),
    ),
    (  # of reminders, before `silence` takes the word "stop"
        "written_again",
        re.compile(
            r"\A(?:please |you can |can you )?(?:(?:write(?: to)?|message|text|nudge|remind) me again|start (?:reminding|nudging) me again"
            r"|(?:stop|end|cancel|undo) (?:the |my )?(?:snoozing|snooze|silence)|unsnooze|un-snooze)(?: please)?[\s.!]*\Z",
            re.IGNORECASE,
        ),
    ),
    (
        "back",
        re.compile(
            r"\A(?:hi,? |hey,? |hello,? )?i(?: am|['\u2019]?m) back(?: now| again)?[\s.!]*\Z", re.IGNORECASE
        ),
    ),
    (  # as an answer to "for how long?"
        "reminders",
        re.compile(
            rf"\A(?P<argument>for (?:the next )?(?:{_AMOUNT}|a (?:couple of|few))\s*(?:hours?|days?|weeks?|months?))[\s.!]*\Z",
            re.IGNORECASE,
        ),
    ),
    (
        "give_up",
        re.compile(
            r"\A(?:please )?(?:give up|abandon) (?:on )?(?:my |the )?(?P<argument>.+?)(?: path)?\Z",
            re.IGNORECASE,
        ),
    ),
    ("done", re.compile(r"\Adone\s+(?:in\s+)?(?P<argument>-?\d+\s*\w*)\Z", re.IGNORECASE)),
    (  # a day alone, as an answer to "for how long?"
        "snooze",
        re.compile(
            r"\A(?P<argument>until (?:tomorrow|(?:next )?(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
            r"|\d{1,2}(?:st|nd|rd|th)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*))\Z",
            re.IGNORECASE,
        ),
    ),
    ("snooze", re.compile(r"\Asnooze\s+(?:for\s+)?(?P<argument>.+)\Z", re.IGNORECASE)),
    (  # told of, with the day it ends
        "away",
        re.compile(
            r"\A(?:(?:(?:i(?:['\u2019]?m| am| have| got|['\u2019]?ve| will be|['\u2019]?ll be)|we have|there are|have|got|on)\b.{0,30})?"
            r"\b(?:exams?|tests?|finals|midterms|semesters?|vacations?|holidays?|busy|away|travel\w*|trip|sick|ill|off|out|leave|unavailable)\b.{0,20})?"
            r"\b(?P<argument>(?:until|till|til)\s+.+)\Z",
            re.IGNORECASE,
        ),
    ),
    (
        "stop",
        re.compile(r"\A(?:please )?(?:stop|end|quit|leave) (?:the |this |my )?interview\b", re.IGNORECASE),
    ),
    (  # and did not go well
        "failed",
        re.compile(
            r"\A(?!.*\b(?:mock|practi[cs]e)\b)\W*(?:so )?i(?: have|['\u2019]?ve)? (?:just |really |totally |completely )?"
            r"(?:failed|bombed|flunked|blew|messed up|screwed up|did(?:n['\u2019]?t| not) (?:pass|clear|get through)|got rejected (?:in|after|from))"
            r" (?P<argument>(?:\w+ ){0,4}interview\b.*)",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    (  # a real one that is over
        "debrief",
        re.compile(
            r"\A(?!.*\b(?:mock|practi[cs]e)\b).*\bI(?: have|'ve)? (?:just )?(?:interviewed (?:at|with)\b"
            r"|(?:had|gave|given|attended|took|finished|did|done) (?:\w+ ){0,3}interview\b)",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    (  # one to come, with a word that may name its day
        "expect",
        re.compile(
            r"\A(?!.*\b(?:mock|practi[cs]e)\b).*\b(?:my|(?:have|got|'ve)(?: got)? an?) (?:[\w.&]+ ){0,3}"
            r"interview\b.*(?:\b(?:today|tonight|tomorrow|yesterday|next|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri"
            r"|sat(?:ur)?|sun)(?:day)?)\b|\d|\bin (?:a|an|one|two|three) (?:day|week))",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    (
        "interview",
        re.compile(
            r"\b(?:mock |practi[cs]e )?interview\b(?:.*?\b(?:at|with)\s+(?P<argument>.+)|.*?\bfor\s+(?P<role>.+))?",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    (
        "silence",
        re.compile(
            r"\b(?:stop|no(?: more)?|turn off|switch off|don'?t|do not|never|quit)\b.{0,20}\b(?:remind\w*|nudg\w+|writing to me|messaging me|messages)\b"
            r"|\A\W*(?:unsubscribe|leave me alone|stop (?:writing|messaging|texting))\b"
            r"|\b(?:reminders?|nudges?) off\b",
            re.IGNORECASE,
        ),
    ),
    ("reminders", re.compile(r"\Areminders?\s+(?P<argument>.+)\Z", re.IGNORECASE | re.DOTALL)),
    (
        "reminders",
        re.compile(
            rf"\A(?P<argument>(?:not|never|only) on (?:(?:{WEEKDAY}|week ?ends?|week ?days?)s?(?:,? (?:and|or) |, |\Z))+)\Z",
            re.IGNORECASE,
        ),
    ),
    (  # asked about, not for
        "reminders",
        re.compile(
            r"\A(?:what|when|how|why|which|do|are|is)\b.*\bremind(?:er|ers)?\b", re.IGNORECASE | re.DOTALL
        ),
    ),
    ("reminders", re.compile(r"\A(?P<argument>.*\bremind(?:er|ers)?\b.*)\Z", re.IGNORECASE | re.DOTALL)),
    (
        "progress",
        re.compile(
            r"\b(?:my progress|how am i doing|how far am i|what (?:did|have) i (?:\w+ )?(?:learn\w*|do|done|stud\w+)|how was my week)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "next",
        re.compile(r"\bwhat(?:'s| is)? next\b|\bcontinue\b|\bnext (?:one|question|step)\b", re.IGNORECASE),
    ),
    (
        "learn",
        re.compile(
            r"\b(?:learn|study|teach me|path for|course on)\b(?:\s+(?:about |some |more )*(?P<argument>.+))?",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    ("how_scored", re.compile(r"\bhow (?:is|are|was|do you) .{0,30}(?:scored?|graded?)\b", re.IGNORECASE)),
    ("report", re.compile(r"\b(?:my|last|the) report\b", re.IGNORECASE)),
    (
        "start",
        re.compile(
            r"\A(?:hi|hello|hey|hallo|hola|namaste|good (?:morning|afternoon|evening))\b.{0,20}\Z",
            re.IGNORECASE,
        ),
    ),
    ("help", re.compile(r"\bwhat can you do\b|\bhow does (?:this|it) work\b", re.IGNORECASE)),
)

_OF_INTERVIEWS = (
    "failed",
    "debrief",
    "expect",
    "interview",
)  # their patterns hold the word, and take long to miss it
_WHOLE = (
    "debrief",
    "expect",
    "commit",
    "failed",
)  # their argument is the whole text: a company and a day stand anywhere in it

_NEVER_MIND = re.compile(
    r"(?:oh )?(?:never ?mind|nvm|nothing|forget (?:it|that)|leave it|let it be|not now|later|no|no thanks?(?: you)?|none)[\s.!]*",
    re.IGNORECASE,
)
_WHAT_RUNS = ("it", "this", "that", "path", "learning", "interview", "session", "question")
_SILENT = re.compile(  # "pause everything for two weeks" is about being written to
    r"(?:(?:it |them )?(?:all|everything|both|learning|reminders|it)\s+)?(?P<argument>(?:for|until|till|til)\s+.+)",
    re.IGNORECASE,
)
_WHEN_ALONE = re.compile(
    r"(?:this|next) (?:week|month|year)|today|tonight|tomorrow|now|next|first", re.IGNORECASE
)
_SHRUG = re.compile(
    r"(?:i (?:have |['\u2019]?ve )?)?(?:idk|dunno|no idea|no clue|not sure|(?:do not|don['\u2019]?t) (?:know|care|mind|have (?:one|any|it))|none|no|nope|nah|n/?a"
    r"|nothing|any(?:thing|one| company| role)?|whatever|no (?:company|role|preference|resume|cv|jd)|(?:it )?does(?:n['\u2019]?t| not) matter)"
    r"(?:,? (?:yet|man|bro|sorry|really|tbh|at all|in particular|specific))*[\s.!?]*",
    re.IGNORECASE,
)
_FINISHED = re.compile(
    r"(?:ok(?:ay)?,? )?(?:i(?:['\u2019]?m| am|['\u2019]?ve| have)? )?(?:just )?(?:(?:finished|completed|done|read|watched)"
    r"(?: (?:it|this|that|reading|watching|(?:with |reading |watching )(?:it|this|that)|(?:with )?(?:the|this) (?:article|video|page|chapter|resource|one)))?)(?: now)?[\s.!]*",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    r"(?:\W|\b(?:off|to|me|please|now|any ?more|at all|thanks|thank you|for good|today)\b)*", re.IGNORECASE
)
LONGEST_SILENCE = (
    40  # characters of "please stop reminding me": a longer text may be an answer that speaks of it
)
_SOME_OF_THEM = re.compile(  # "no reminders on Sundays" is not "no reminders"
    rf"\b(?:on|at|in|until|till|before|after|between|unless|except|if|when|today|tonight|tomorrow|this|next|{WEEKDAY}|week ?(?:days?|ends?))s?\b|\d",
    re.IGNORECASE,
)
_NO_MORE_THAN_THAT = re.compile(
    r"(?:(?:please|can you|could you|set|change|show|my|a|the|me)\s+)*remind(?:ers?)?(?:[,\s]+(?:me|please))*",
    re.IGNORECASE,
)
LONGEST_WISH = 120  # characters; longer texts are told stories, not wishes
_COURTESY = re.compile(r"(?:[\s,.!?]+(?:please|pls|thanks|thank you))+[\s.!?]*\Z", re.IGNORECASE)
_POLITE = re.compile(
    r"(?:[\s,.!?]+(?:please|pls|thanks|thank you|today|tomorrow|now|then))+[\s.!?]*\Z", re.IGNORECASE
)


SMALL_TALK = {  # whole messages that are neither an answer nor a wish
    **dict.fromkeys(("thanks", "thank you", "thx", "ty", "cool", "nice", "great"), "welcome"),
    **dict.fromkeys(("bye", "goodbye", "exit", "quit", "good night", "see you"), "bye"),
}
_ASKS_BACK = re.compile(
    r"\A\s*(?:can|could|would|will) you\b.*\?|\A\s*(?:what|which) (?:does|do|is|are) (?:\w+ ){0,4}(?:mean|meant)\b.*\?"
    r"|\A\s*(?:what|how) do you mean\b|\A\s*(?:please )?(?:explain|repeat|clarify|rephrase) (?:the |this |that )?question\b"
    r"|\A\s*(?:hi|hello|hey)\s*[.!]*\s*\Z"
    r"|\A\W*\Z|\A\s*(?:what|who|why|when|where|which|how)\b(?:\W+\w+){0,4}\W*\?\W*\Z"
    r"|\A\s*(?:what|why|when|where|which|how|can|could|should|may|do|does|am|are|is)\b[^.;:]*\b(?:you|i|me|(?:this|the) question)\b[^.;:]*\?\W*\Z"
    r"|\A\W*(?:never ?mind|nvm)\W*\Z"
    r"|\A\W*(?:(?:ok(?:ay)?|k|yes|yeah|yep|sure|alright|h+m+|uh+|lol|haha|oh|wait|what|huh|why|later|not now|maybe|busy|right"
    r"|now|tomorrow|tonight|thanks|thank you|thx|please|sorry|hints?|help)\b\W*){1,4}\Z"
    r"|\A\W*(?:give me )?a hint\W*\Z|\A\W*remind me\b|\A\W*i(?:'?m| am) (?:\w+ )?(?:busy|tired|on (?:vacation|holiday)|driving|at work)\b"
    r"|\bi (?:do not|don'?t) (?:understand|get) (?:(?:the|this|that|your|what) ?(?:question|you mean|is asked)?|it)\W*\Z",
    re.IGNORECASE,
)


_SURE = ("report", "done", "snooze", "quiz", "path", "hours", "progress", "next", "how_scored")


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`verb` is one of COMMANDS, or a word nobody knows when it came with a slash. `sure`: the whole message says no more
    than that, so it can be no answer to a question."""

    verb: str
    argument: str = ""
    sure: bool = False


def command(text: str) -> Command | None:
    """The command in `text`: "/interview google", or a bare command word that is the whole message."""
    stripped = text.strip()
    if match := _SLASH.match(stripped):
        return Command(verb=match["verb"].lower(), argument=(match["argument"] or "").strip())
    word = stripped.rstrip(".!?").lower().replace(" ", "_")  # "how scored"
    return Command(verb=word) if word in COMMANDS else None


@lru_cache(maxsize=256)  # a turn asks twice: what it needs to know, and what to do
def meaning(text: str) -> Command | None:
    """The command a person means with plain words: "mock interview at Google", "learn sql". Long texts mean none."""
    if len(text) > LONGEST_WISH:
        return None
    of_interviews = "interview" in text.lower()
    for verb, pattern in _MEANINGS:
        if verb in _OF_INTERVIEWS and not of_interviews:
            continue
        found = pattern.search(text)
        if found is not None and (command_ := _command(verb, pattern, found, text)) is not None:
            return command_
    return None


_FIXED = {
    "let_go": Command(verb="commit", argument="off"),
    "promised": Command(verb="commit", argument="shown"),
    "written_again": Command(verb="reminders", argument="on", sure=True),
    "back": Command(verb="reminders", argument="back", sure=True),
}


_DOT_OF_A_DATE = re.compile(r"\d\. ?\d{1,2}\.\Z")  # 12.12.


def _command(verb: str, pattern: re.Pattern[str], found: re.Match[str], text: str) -> Command | None:
    """What a pattern that was found comes to; None when it only looked like it."""
    groups = found.groupdict()
    named = next((groups[each] for each in ("argument", "role", "number") if groups.get(each)), "")
    match verb:
        case "let_go" | "promised" | "written_again" | "back":
            return _FIXED[verb]
        case "silence":
            argument = text.strip() if _SOME_OF_THEM.search(text) else "off"
            sure = len(text) <= LONGEST_SILENCE and _NO_MORE.fullmatch(text[found.end() :]) is not None
            return Command(verb="reminders", argument=argument, sure=sure)
        case "reminders":
            argument = named.strip(" .!?\n")
            return Command(verb=verb, argument="" if _NO_MORE_THAN_THAT.fullmatch(argument) else argument)
        case "pause" if silent := _SILENT.fullmatch(_COURTESY.sub("", named).strip(" .!?")):
            return Command(verb="snooze", argument=silent["argument"])
        case "pause" | "resume" | "give_up" if named.lower() in _WHAT_RUNS:
            return Command(verb=verb)
        case "hours_a_day":  # unsure: it may answer how long something takes
            return Command(verb="hours", argument=named)
        case "away":
            ends = end_in(named, _ANY_DAY) is not None or fault(named) is not None
            return Command(verb="snooze", argument=named.strip()) if ends else None
        case "commit" if not _names_a_day(text):
            return None
        case "learn" if _WHEN_ALONE.fullmatch(named.strip(" .!?")):
            named = ""
        case _ if verb in _WHOLE:
            return Command(verb=verb, argument=text.strip())
    polite = _COURTESY if verb == "snooze" else _POLITE  # until when is no courtesy
    sure = verb in _SURE and pattern.fullmatch(polite.sub("", text).strip(" .!?\n")) is not None
    argument = polite.sub("", named).strip(" !?\n")
    date = verb == "snooze" and _DOT_OF_A_DATE.search(argument) is not None
    return Command(verb=verb, argument=argument if date else argument.strip(" .!?\n"), sure=sure)


def _names_a_day(text: str) -> bool:
    """Whether a promise in it names its day, or is a promise without one: an answer, too, may speak of stage 2."""
    starts = re.match(rf"(?:\S+\s+)?{_STAGE}\s+(?:by|until|before|till)\b", text.strip(), re.IGNORECASE)
    rest = STAGE.sub(" ", text)
    by = BY.search(rest)
    ends = rest[by.end() :] if by is not None else " ".join(found[0] for found in _SOON.finditer(rest))
    return bool(starts) or end_in(ends, _ANY_DAY) is not None or fault(ends) is not None


def stage_in(text: str) -> int | None:
    """The stage named: "stage 2", "stage two", "the second stage"; LAST_STAGE for "the last stage"; None without one."""
    found = STAGE.search(text)
    if found is None:
        return None
    words = in_figures(found[0].lower())
    if "last" in words:
        return LAST_STAGE
    number = re.search(r"\d+", words)
    return int(number[0]) if number else _ORDINALS.index(words.split()[0]) + 1


def lets_be(text: str) -> bool:
    """Whether a question of ours is waved off: "never mind"."""
    return _NEVER_MIND.fullmatch(text.strip()) is not None


def shrugs(text: str) -> bool:
    """Whether a question of ours about them has no answer: "no idea", "none"."""
    return _SHRUG.fullmatch(text.strip()) is not None


def is_finished(text: str) -> bool:
    """Whether somebody says that they are through with what is at hand: "i finished it"."""
    return _FINISHED.fullmatch(text.strip()) is not None


def asks_back(text: str) -> bool:
    """Whether a short text is said to us (a question, a greeting, "later") rather than an answer."""
    return len(text) <= LONGEST_WISH and _ASKS_BACK.search(text) is not None


def bare_minutes(argument: str) -> int | None:
    """Minutes in "25", "25 min", "1 h"; None for anything else."""
    match = re.fullmatch(r"(\d{1,4})\s*(m|min|minutes?|h|hours?)?", argument.strip().lower())
    if match is None:
        return None
    return int(match[1]) * (60 if (match[2] or "").startswith("h") else 1)
