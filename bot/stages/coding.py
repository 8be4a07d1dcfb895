"""The coding problem: clarify, talk it through, send code, read the verdict, defend its complexity, one follow-up.

Decides only: running code and grading are work for the shell. What is shown is in `problem`.
"""

import re

from msgspec.structs import replace

from bot import grader, sourcecode
from bot.clock import local_day
from bot.conversation import (
    Coding,
    CodingStage,
    Conversation,
    Defending,
    Judging,
    Weighing,
    coding_of,
)
from bot.documents import InterviewAttempt, insert, new_id, update
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded, Judged
from bot.growth import class_of
from bot.judging import LANGUAGES, SOURCE_LIMIT, Language
from bot.messages import plain
from bot.questions import Grade
from bot.sentences import say
from bot.stages import feedback, interview, problem, scoring
from bot.submissions import (
    EXPLANATION_MOST,
    Agreed,
    composed,
    is_better,
    score_of,
    submission,
)

MOST_RUNS = 60  # of a student's code a day: three long interviews and some play
LONGEST_SOURCE = 20_000  # characters; the longest reference solution has 2,000
LONGEST_STATED = 400  # characters of an answer to "what is its complexity, and why?"
LEAST_EXPLAINED = 10  # words of a second message that make it an explanation; "ok, give me a minute" is none
MOST_CLARIFIED = 3  # answers at once
_QUESTION = re.compile(
    r"\A\s*(?:can|could|may|might|is|are|do|does|will|would|should|what|which|how|when|where|why|any|has|have)\b"
    r"|\?\s*\Z",
    re.IGNORECASE,
)
_DEFINES = re.compile(
    r"^[ \t]*(?:(?:async\s+)?(?:def|class|function)\s+(?=\w+\s*[({:])|(?:const|let|var)\s+(?=\w+\s*=))(\w+)",
    re.MULTILINE,
)
_CODE_SIGNS = re.compile(
    r"[(){}\[\]=;]|\A\s*(?:return\b|break$|continue$|pass$|else:)"
)  # in what follows a piece of code that did not compile
_ALL = re.compile(r"\b(?:constraints?|limits|assumptions)\b", re.IGNORECASE)


def said(conversation: Conversation, stage: Coding, text: str, turn: Turn, *, file_name: str = "") -> Outcome:
    """Code, a question about the problem, or talk."""
    if len(text) > LONGEST_SOURCE:
        return conversation, [reply(say("interview.too_long", length=len(text), limit=LONGEST_SOURCE))]
    if file_name or is_code(text) or _goes_on(stage, text):
        return _code(conversation, stage, text, turn, file_name=file_name)
    if _QUESTION.search(text) and not grader.says_dont_know(text):
        return _clarified(conversation, stage, text)
    return _talked(conversation, stage, text, turn)


def pressed(conversation: Conversation, stage: Coding, verb: str, subject: str, turn: Turn) -> Outcome | None:
    """A button of this stage alone; None for any other."""
    if not subject.endswith(stage.question.id):
        return None
    if verb == "lang" and stage.draft:
        return _language_chosen(conversation, stage, subject.partition(".")[0], turn)
    if verb == "explain" and stage.explained and not stage.best:
        return explained(conversation, stage, turn)
    if verb == "finish" and stage.best:
        return finished(conversation, stage, turn)
    return None


def _language_chosen(conversation: Conversation, stage: Coding, name: str, turn: Turn) -> Outcome:
    """The answer to "Python or JavaScript?"."""
    language: Language = next((each for each in LANGUAGES if each == name), "python")
    source = sourcecode.mended(stage.draft, language)
    return _submitted(conversation, replace(stage, draft=""), source, language, turn, instead=stage)


def explained(conversation: Conversation, stage: Coding, turn: Turn) -> Outcome:
    """What was told in words is taken as the answer."""
    return interview.answered(conversation, stage, stage.explained, turn, most=_most(stage))


def joined(conversation: Conversation, stage: Judging, text: str, turn: Turn) -> Outcome:
    """Code that comes while a submission runs: the rest of it, or another one in its place. Talk is for later."""
    if not is_code(text):
        return conversation, [reply(say("coding.running"))]
    found = sourcecode.found(text)
    whole = _together(stage.source, found.source, text, stage.language)
    if len(whole) > LONGEST_SOURCE:
        return conversation, [reply(say("interview.too_long", length=len(whole), limit=LONGEST_SOURCE))]
    return _submitted(
        conversation, stage.coding, whole, found.language or stage.language, turn, instead=stage
    )


def judged(conversation: Conversation, event: Judged, turn: Turn) -> Outcome:
    """The verdict on the submission that waits for it, or the growth that was asked for; any other changes nothing."""
    stage = conversation.interview
    match stage:
        case Judging() if (stage.coding.attempt, stage.coding.count) == (event.attempt, event.number):
            return _verdict(conversation, stage, event, turn)
        case Weighing() if stage.coding.attempt == event.attempt and stage.defending.step == "complexity":
            return _compared(conversation, stage, event, turn)
    return conversation, []


def defended(conversation: Conversation, stage: Defending, text: str, turn: Turn) -> Outcome:
    """The complexity in words, or the answer to the follow-up; new code is judged instead."""
    if is_code(text) and ("```" in text or "\n" in text.strip()):
        return said(conversation.swapped(stage, stage.coding), stage.coding, text, turn)
    if stage.step == "complexity" and grader.says_dont_know(text):
        return skipped(conversation, stage, turn)
    if stage.step == "complexity" and text.rstrip().endswith("?") and class_of(text) is None:
        return conversation, [problem.asked(stage)]
    if stage.step == "complexity":
        stated = replace(stage, stated=" ".join(text.split())[:LONGEST_STATED])
        kept = update(InterviewAttempt, stage.coding.attempt, complexity_answer=stated.stated)
        return conversation.swapped(stage, Weighing(defending=stated, parts=(), since=turn.at)), [kept]
    waiting = Weighing(defending=stage, parts=(text,), since=turn.at)
    kept = update(InterviewAttempt, stage.coding.attempt, follow_up_answer=text)
    return conversation.swapped(stage, waiting), [kept]


def more(conversation: Conversation, stage: Weighing, text: str) -> Outcome:
    """What is said while it is weighed belongs to it; a complexity is measured already."""
    parts = (*stage.parts, text)
    if stage.defending.step == "complexity" or sum(map(len, parts)) > LONGEST_SOURCE:
        return conversation, [reply(say("coding.running"))]
    kept = update(InterviewAttempt, stage.coding.attempt, follow_up_answer="\n".join(parts))
    return conversation.swapped(stage, replace(stage, parts=parts)), [kept]


def skipped(conversation: Conversation, stage: Defending, turn: Turn) -> Outcome:
    """Not this question; it brings no points."""
    if stage.step == "complexity":
        return _on_to_follow_up(conversation, stage, replace(stage, agreed="skipped"), turn)
    return _finished(conversation, stage, turn, agreed=stage.agreed, grade=None)


def follow_up_graded(conversation: Conversation, event: Graded, turn: Turn) -> Outcome:
    """The last of a problem: its score."""
    stage = conversation.interview
    if not isinstance(stage, Weighing) or stage.defending.step != "follow_up":
        return conversation, []
    if (stage.coding.attempt, len(stage.parts)) != (event.attempt, event.parts):
        return conversation, []
    return _finished(conversation, stage, turn, agreed=stage.defending.agreed, grade=event.grade)


def finished(conversation: Conversation, stage: CodingStage, turn: Turn) -> Outcome:
    """The best submission is the answer, as it stands."""
    return _finished(conversation, stage, turn, agreed=scoring.agreed_in(stage), grade=None)


# Before the code


def _clarified(conversation: Conversation, stage: Coding, text: str) -> Outcome:
    """What the statement left open, told because it was asked for."""
    known = stage.question.clarifications
    if _ALL.search(text):
        told: tuple[int, ...] = tuple(range(len(known)))
        answer = say("interview.constraints") + "\n" + problem.constraints(stage.question)
    else:
        words = " ".join(text.lower().split())
        told = tuple(
            place
            for place, each in enumerate(known)
            if any(re.search(rf"\b{re.escape(keyword.lower())}", words) for keyword in each.keywords)
        )[:MOST_CLARIFIED]
        answer = "\n".join(f"- {plain(known[place].answer)}" for place in told)
    if not told:
        return conversation, [reply(say("coding.not_told"))]
    asked = replace(stage, told=tuple(dict.fromkeys((*stage.told, *told))))
    return conversation.swapped(stage, asked), [reply(answer)]


def _talked(conversation: Conversation, stage: Coding, text: str, turn: Turn) -> Outcome:
    """Words where code is asked for: talked about once, then taken as the answer."""
    whole = f"{stage.explained}\n{text}".strip()
    heard = replace(stage, explained=whole[:LONGEST_SOURCE])
    conversation = conversation.swapped(stage, heard)
    if stage.best is not None:
        return conversation, [reply(say("coding.noted"), *problem.buttons(heard, pausable=False))]
    more = bool(stage.explained) and len(text.split()) >= LEAST_EXPLAINED
    if more or not stage.runs or grader.says_dont_know(text):
        return interview.answered(conversation, heard, whole, turn, most=_most(heard))
    take = button("explain", stage.question.id, "take_words")
    return conversation, [
        reply(say("coding.talked", most=EXPLANATION_MOST), take, *problem.hint_button(heard))
    ]


def _most(stage: Coding) -> int:
    return EXPLANATION_MOST if stage.runs else 100


# Code


def _code(conversation: Conversation, stage: Coding, text: str, turn: Turn, *, file_name: str) -> Outcome:
    found = sourcecode.found(text, file_name=file_name)
    if not stage.runs:
        return interview.answered(conversation, stage, text, turn, most=_most(stage))
    if found.foreign:
        return conversation, [reply(say("coding.foreign"), *problem.buttons(stage, pausable=False))]
    language = found.language or stage.language
    before = stage.broken or (
        stage.source if sourcecode.is_middle(text) and stage.language == "python" else ""
    )
    source = _together(before, found.source, text, stage.language if before else language)
    if language is None:
        asked = replace(stage, draft=source)
        return conversation.swapped(stage, asked), [problem.which_language(asked)]
    return _submitted(conversation, stage, source, language, turn, instead=stage)


def is_code(text: str) -> bool:
    """Also where it is broken, as long as it defines something."""
    return sourcecode.looks_like_code(text) or _DEFINES.search(text) is not None


def _goes_on(stage: Coding, text: str) -> bool:
    """Whether that is more of the code sent before, though it defines nothing itself."""
    if stage.broken:
        return _CODE_SIGNS.search(text) is not None
    python = stage.language == "python" and sourcecode.recognised(text)[0] == "python"
    return bool(stage.source) and python and sourcecode.is_middle(text)


def _together(before: str, source: str, text: str, language: Language | None) -> str:
    """A long paste comes in pieces. What defines a function that is there already is another version, and stands alone.
    `source`: the code of `text`, as it would stand alone; `language`: of what was before."""
    defined = set(_DEFINES.findall(before))
    if not before or defined & set(_DEFINES.findall(source)):
        return source
    if language == "python":
        source = sourcecode.mended(sourcecode.continuing(before, text), language)
    return f"{before.rstrip()}\n{source}"


def _submitted(
    conversation: Conversation,
    stage: Coding,
    source: str,
    language: Language,
    turn: Turn,
    *,
    instead: Coding | Judging,
) -> Outcome:
    """Have it run. `instead`: the stage whose place the running takes. One attempt a question, made by the first."""
    if len(source.encode()) > SOURCE_LIMIT or not source.strip():
        return conversation, [reply(say("coding.no_source"))]
    today = local_day(conversation, turn.at)
    runs = conversation.profile.runs if conversation.profile.ran_on == today else 0
    if runs >= MOST_RUNS:
        return conversation, [
            reply(say("coding.enough_today", limit=MOST_RUNS), *problem.buttons(stage, pausable=False))
        ]
    spent = interview.seconds_at(stage, turn.at)
    effects: list[Effect] = []
    attempt = stage.attempt
    if not attempt:
        attempt = new_id(turn.at, conversation.student, turn.event.id, "attempt")
        made = interview.first_answer(conversation, stage, attempt, _answer(stage, source), turn)
        effects.append(insert(made))
    else:
        answer = {} if stage.best else {"student_answer": _answer(stage, source), "time_taken_seconds": spent}
        effects.append(update(InterviewAttempt, attempt, hints_used=stage.hints, **answer))
    coding = replace(stage, attempt=attempt, count=stage.count + 1, draft="", broken="", language=language)
    running = Judging(coding=coding, source=source, language=language, since=turn.at)
    conversation = conversation.with_profile(ran_on=today, runs=runs + 1)
    return conversation.swapped(instead, running), effects


def _answer(stage: Coding, source: str) -> str:
    return f"{stage.explained}\n\n{source}" if stage.explained else source


def _verdict(conversation: Conversation, stage: Judging, event: Judged, turn: Turn) -> Outcome:
    coding = stage.coding
    if event.judgement is None:
        return _not_run(conversation, stage, event)
    judgement = event.judgement
    text = problem.verdict(judgement, coding.question, turn.content.reactions)
    entry = submission(judgement, number=coding.ran + 1, language=stage.language, at=turn.at)
    effects: list[Effect] = [
        update(InterviewAttempt, coding.attempt, **{f"submissions__{coding.ran}": entry})
    ]
    coding = replace(coding, ran=coding.ran + 1)
    if judgement.verdict == "compile_error":
        coding = replace(coding, broken=stage.source)
    elif is_better(entry, coding.best):
        coding = replace(coding, best=entry, source=stage.source)
        spent = interview.seconds_at(coding, stage.since)
        answer = _answer(coding, stage.source)
        effects.append(
            update(InterviewAttempt, coding.attempt, student_answer=answer, time_taken_seconds=spent)
        )
    best = coding.best
    if judgement.verdict != "accepted" or best is None:
        return conversation.swapped(stage, coding), [
            *effects,
            reply(text, *problem.buttons(coding, pausable=False)),
        ]
    defending = Defending(coding=coding, step="complexity", asked_at=turn.at)
    question = problem.asked(defending).message
    told = Reply(message=replace(question, text=f"{text}\n\n{question.text}"))
    return conversation.swapped(stage, defending), [*effects, told]


def _not_run(conversation: Conversation, stage: Judging, event: Judged) -> Outcome:
    """It did not come to a verdict; the code is kept in the stage and can be run once more."""
    coding = replace(stage.coding, draft=stage.source if event.refused != "cannot_run" else "")
    if event.refused == "cannot_run":
        coding = replace(coding, runs=False)
        text = say("coding.cannot_run")
        return conversation.swapped(stage, coding), [reply(text, *problem.buttons(coding, pausable=False))]
    once_more = button("lang", f"{stage.language}.{stage.question.id}", "run_again")
    why = event.refused if event.refused in ("busy", "timeout") else "failed"
    return conversation.swapped(stage, coding), [
        reply(say(f"coding.not_run_{why}"), once_more, *problem.buttons(coding, pausable=False)[-1:])
    ]


# What is asked about it


def _compared(conversation: Conversation, stage: Weighing, event: Judged, turn: Turn) -> Outcome:
    stated, growth = stage.defending.stated, event.growth
    right = growth.agrees_with(stated) if growth is not None else None
    agreed: Agreed = "unknown" if right is None else "right" if right else "wrong"
    text = problem.measured(stated, growth, agreed)
    defending = replace(stage.defending, agreed=agreed)
    return _on_to_follow_up(conversation, stage, defending, turn, before=text)


def _on_to_follow_up(
    conversation: Conversation,
    stage: Defending | Weighing,
    defending: Defending,
    turn: Turn,
    *,
    before: str = "",
) -> Outcome:
    following = replace(defending, step="follow_up", asked_at=turn.at)
    question = problem.asked(following).message
    text = f"{before}\n\n{question.text}".strip()
    return conversation.swapped(stage, following), [Reply(message=replace(question, text=text))]


# The end


def _finished(
    conversation: Conversation, stage: CodingStage, turn: Turn, *, agreed: Agreed, grade: Grade | None
) -> Outcome:
    """The score of the best submission, and how it came about."""
    coding = coding_of(stage)
    assert coding.best is not None
    follow_up = grade.score if grade is not None else None
    parts = composed(
        coding.best, agreed=agreed, follow_up=follow_up, talked=scoring.has_talked(coding), hints=coding.hints
    )
    result, stored = scoring.result(coding, parts, grade)
    conversation, result = interview.rated(conversation, coding.question, result, turn)
    session = replace(coding.session, results=(*coding.session.results, result))
    text = problem.composition(parts, score_of(parts), coding.best)
    if grade is not None:
        text = f"{feedback.evidence(grade)}\n\n{text}".strip()
    if session.earlier is not None:
        change = feedback.difference(result, session.earlier).replace("\n", "  \n")
        text = f"{text}\n\n{change}".strip()
    conversation = replace(conversation, review=None)
    return interview.reviewed(conversation, stage, session, coding.attempt, [stored], text, turn)
