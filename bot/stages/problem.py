"""A coding problem on the screen: its statement, verdicts, what is asked about the code, how the score came about."""

import json
from collections.abc import Sequence
from contextlib import suppress

from bot.conversation import Coding, CodingStage, Defending
from bot.effects import Reply, button, reply
from bot.growth import Growth
from bot.judging import CaseResult, CaseVerdict, Judgement, Language
from bot.messages import Choice, code_block, plain
from bot.questions import Question, band
from bot.sentences import say
from bot.submissions import HINT_COSTS, ScorePart, Submission

LONGEST_VALUE = 160  # characters of an input or a result: a phone's four lines
LONGEST_PRINTED = 200  # characters of what the code printed


def statement(question: Question) -> str:
    """Title, text and examples; sizes and odd cases are told when they are asked for."""
    parts = [f"**{plain(question.title)}**", question.question, say("interview.examples")]
    lines = []
    for example in question.examples:
        line = say("interview.example", input=f"`{example.input}`", output=f"`{example.output}`")
        lines.append(f"- {line}" + (f" ({plain(example.why)})" if example.why else ""))
    parts.append("\n".join(lines))
    if not question.clarifications:
        parts += [say("interview.constraints"), constraints(question)]
    parts.append(say("coding.ask" if question.problem else "interview.explain_code"))
    return "\n\n".join(parts)


def constraints(question: Question) -> str:
    """All of them, a line each."""
    return "\n".join(f"- {plain(each)}" for each in question.constraints)


def again(stage: CodingStage, place: str, choices: Sequence[Choice]) -> Reply:
    """What the stage waits for, said once more. `place`: "2 of 6 · Graphs"."""
    match stage:
        case Coding(draft=draft) if draft:
            return which_language(stage)
        case Coding(best=best):
            so_far = [best_so_far(best)] if best else []
            return reply("\n\n".join([place, statement(stage.question), *so_far]), *choices)
        case Defending():
            return asked(stage)
        case _:
            return reply(say("coding.running"))


def asked(stage: Defending) -> Reply:
    """The question about the code that is open."""
    skip = button("skip", stage.question.id, "skip_follow_up")
    if stage.step == "complexity":
        return reply(say("coding.complexity"), skip)
    return reply(say("coding.follow_up", question=stage.question.follow_up), skip)


def which_language(stage: Coding) -> Reply:
    """Asked when the code could be either."""
    names: tuple[Language, ...] = ("python", "javascript")
    return reply(
        say("coding.which_language"), *(button("lang", f"{each}.{stage.question.id}", each) for each in names)
    )


def hint_button(stage: Coding) -> list[Choice]:
    """With its price; none when all were given."""
    if stage.hints >= len(stage.question.hints):
        return []
    return [button("hint", stage.question.id, "hint_cost", cost=HINT_COSTS[stage.hints])]


def buttons(stage: Coding, *, pausable: bool) -> tuple[Choice, ...]:
    """What can be done beside sending code."""
    question = stage.question.id
    leave = [button("finish", question, "finish")] if stage.best else [button("skip", question, "skip")]
    pause = [button("pause", stage.session.id, "pause")] if pausable and not stage.best else []
    return (*hint_button(stage), *leave, *pause)


def best_so_far(best: Submission) -> str:
    """What would count now."""
    return say("coding.best", verdict=verdict_word(best.verdict), passed=best.accepted, total=best.cases)


def verdict_word(verdict: CaseVerdict) -> str:
    """In the field's words."""
    return say(f"verdicts.{verdict}")


def verdict(judgement: Judgement, question: Question, reactions: dict[str, str]) -> str:
    """What came of a submission. Of a hidden case that failed only its class is told."""
    head = say(
        "coding.verdict",
        verdict=verdict_word(judgement.verdict),
        passed=judgement.passed,
        total=len(judgement.cases),
    )
    if judgement.verdict == "compile_error":
        return say("coding.compile_error", message=plain(judgement.message[:LONGEST_VALUE]))
    if judgement.verdict == "accepted":
        return f"{head}  \n{_measures(judgement.cases)}".rstrip()
    place, failed = next(
        (n, each) for n, each in enumerate(judgement.cases) if each.verdict not in ("accepted", None)
    )
    if failed.hidden:
        reaction = reactions.get(failed.category, "")
        return f"{head}\n\n" + say("coding.hidden", category=failed.category, reaction=reaction)
    return "\n\n".join([head, _public(place, failed, question)])


def measured(stated: str, growth: Growth | None, agreed: str) -> str:
    """The stated complexity beside what was measured."""
    if agreed == "right":
        return say("coding.measured_right", stated=plain(stated[:60]))
    if agreed == "wrong" and growth is not None:
        found = " or ".join(say(f"growths.{each}") for each in growth.allowed)
        return say("coding.measured_wrong", stated=plain(stated[:60]), growth=found)
    return say("coding.measured_unknown")


def composition(parts: Sequence[ScorePart], score: int, best: Submission) -> str:
    """How the score came about."""
    lines = [say("coding.score", band=say(f"bands.{band(score)}"), score=score)]
    for part in parts:
        if part.points is None:
            lines.append(say("coding.part_unknown", name=say(f"parts.{part.name}")))
        elif part.name == "hints":
            lines.append(say("coding.part_hints", points=-part.points))
        else:
            note = _note(part, best)
            name = say(f"parts.{part.name}")
            lines.append(say("coding.part", name=name, points=part.points, most=part.most, note=note))
    return "  \n".join(lines)


def _note(part: ScorePart, best: Submission) -> str:
    match part.name:
        case "correctness":
            return say("coding.of_cases", passed=best.passed, total=best.total)
        case "efficiency":
            return say("coding.of_large", passed=best.fast, total=best.large)
    return ""


def _public(place: int, failed: CaseResult, question: Question) -> str:
    """An example that failed: what went in, what was wanted, what came."""
    lines = [say("coding.example", number=place + 1)]
    if place < len(question.examples):
        example = question.examples[place]
        lines.append(say("coding.expected", input=f"`{example.input}`", output=f"`{example.output}`"))
    if failed.error:
        kind, message, line = failed.error
        at = say("coding.at_line", line=line) if line else ""
        lines.append(say("coding.raised", error=plain(f"{kind}: {message}"[:LONGEST_VALUE]), at=at))
    elif failed.verdict == "runtime_error":
        lines.append(say("coding.died"))
    elif failed.verdict == "wrong_answer":
        with suppress(ValueError):  # an integer of more than 4,300 digits has no decimal form
            value = json.dumps(failed.value, ensure_ascii=False)[:LONGEST_VALUE].replace("`", "'")
            lines.append(say("coding.gave", value=f"`{value}`"))
    shown = "  \n".join(lines)
    return f"{shown}\n\n{code_block(failed.printed[:LONGEST_PRINTED])}" if failed.printed.strip() else shown


def _measures(cases: Sequence[CaseResult]) -> str:
    slowest = max((each.time_ms for each in cases if each.time_ms is not None), default=None)
    most = max((each.memory_mb for each in cases if each.memory_mb is not None), default=None)
    told = [
        *([] if slowest is None else [say("coding.slowest", ms=round(slowest))]),
        *([] if most is None else [say("coding.memory", mb=round(most))]),
    ]
    return ", ".join(told)
