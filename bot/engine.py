"""One decision: an event comes in, the new conversation and its effects come out.

No await, no clock, no randomness, no file. `needs` says beforehand what the store must be asked for; `handle` decides;
`wake_at` and `work` say what a conversation waits for. What each stage answers is in `bot/stages/`.
"""

import re
import textwrap
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot import commands, times, zones
from bot.bank import Content
from bot.commands import Command
from bot.conversation import (
    ASIDES,
    CODING_STAGES,
    Answering,
    AwaitingGrade,
    AwaitingRecallGrade,
    Coding,
    ConfirmingForget,
    Conversation,
    Debriefing,
    Defending,
    Expecting,
    FollowingUp,
    InterviewStage,
    Judging,
    Paused,
    Placing,
    Quizzing,
    Recalling,
    Reviewed,
    Setting,
    SettingUp,
    Stage,
    Weighing,
    Welcome,
    session_of,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Event, Graded, Judged, NudgeDue, Pressed, Said, SetAside, Shared, Unreachable, Woke
from bot.files import LARGEST_DOCUMENT, LARGEST_RECORDING, LARGEST_TEXT_FILE, MOST_PAGES
from bot.judging import Language
from bot.messages import LOST_CHOICE, plain
from bot.ports import Known
from bot.questions import KeyPoint
from bot.sentences import say
from bot.stages import (
    choosing,
    coding,
    committing,
    debrief,
    how_scored,
    interview,
    learning,
    lessons,
    nudging,
    pace,
    placing,
    quizzing,
    reporting,
    reviewing,
    rhythm,
    settings,
    setup,
    weak_topics,
)

LONGEST_PLAIN_WISH = 8  # words
_NO_ANSWER = (
    "start",
    "help",
    "progress",
    "how_scored",
    "snooze",
    "commit",
)  # meant, whatever question is open
_WISHES = ("learn", "hours", "reminders", "interview", "expect", "failed", "report", "help", "start")
QUOTED = 200  # characters of what was heard; enough to see whether it was heard well

_ANSWERING = (
    Answering,
    AwaitingGrade,
    FollowingUp,
    AwaitingRecallGrade,
    *CODING_STAGES,
    Quizzing,
    Placing,
)  # words there need nothing more known than their question, but for a wish in plain words
_ALL = frozenset({"paths", "reports", "asked"})
_NEEDS: dict[str, frozenset[str]] = {  # by command word or verb; what is not named needs nothing
    **dict.fromkeys(
        (
            "learn",
            "begin",
            "next",
            "done",
            "path",
            "level",
            "hours",
            "quiz",
            "pick",
            "review",
            "answer",
            "commit",
            "object",
            "snooze",
            "fewer",
            "reminders",
            "hour",
            "zone",
            "why",
            "pause",
            "resume",
            "give_up",
        ),
        frozenset({"paths"}),
    ),
    "retest": frozenset({"paths", "asked"}),
    "redo": frozenset({"paths", "asked"}),
    "unstage": frozenset({"paths", "reports"}),
    "progress": frozenset({"paths", "reports"}),
    "report": frozenset({"reports"}),
    "retry": frozenset({"reports"}),
    "pdf": frozenset({"reports"}),
    "stop": frozenset({"paths", "reports"}),
    "goal": frozenset({"asked"}),
    "interview": frozenset({"asked"}),
    "jd": frozenset({"asked"}),
    "model": frozenset({"asked"}),
    "skip": frozenset({"asked", "paths"}),
}


class JudgeJob(msgspec.Struct, frozen=True, kw_only=True):
    """Code to be run, or (`measure`) its growth to be measured. `attempt` and `number` come back with what it came to;
    `problem`: its slug."""

    attempt: str
    number: int
    problem: str
    language: Language
    source: str
    measure: bool = False

    @property
    def key(self) -> str:
        return f"{self.attempt}:{'growth' if self.measure else 'run'}"


class GradeJob(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to be graded. `attempt` and `parts` come back with the grade."""

    attempt: str
    parts: int
    question: str
    reference_answer: str
    key_points: tuple[KeyPoint, ...]
    answer: str

    @property
    def key(self) -> str:
        return self.attempt

    @property
    def number(self) -> int:
        return self.parts


Job = GradeJob | JudgeJob


def needs(conversation: Conversation, event: Event) -> frozenset[str]:
    """What `handle` will want to know: any of "paths", "reports", "asked". An ending interview is compared with others,
    and what was missed in it joins a path; so does a weak answer to a recall question."""
    needed = _needed(conversation, event)
    ends = isinstance(event, Woke) or interview.may_close(conversation.interview)
    if ends and conversation.interview is not None:
        needed |= {"paths", "reports"}
    if any(isinstance(each, Quizzing | Placing) for each in conversation.stages):
        needed |= {"paths"}  # its question may have to be said again, whatever came
    if isinstance(event, Graded) and any(isinstance(e, AwaitingRecallGrade) for e in conversation.stages):
        needed |= {"paths"}
    if conversation.ignored or conversation.unreachable:
        needed |= {"paths"}  # who is back is written to again, if there is something to bring
    return needed


def _needed(conversation: Conversation, event: Event) -> frozenset[str]:
    match event:
        case Said():
            answering = isinstance(conversation.floor, _ANSWERING)
            if command := commands.command(event.text) or (answering and commands.meaning(event.text)):
                return _NEEDS.get(command.verb, frozenset())
            return frozenset() if answering else _ALL
        case Pressed():
            return _NEEDS.get(event.choice.partition(":")[0], frozenset())
        case Shared():
            return _ALL if event.text is not None or event.read is not None else frozenset({"asked"})
        case NudgeDue():
            return frozenset({"paths"})
        case Graded() | Judged() | Woke() | Unreachable() | SetAside():
            return frozenset()
        case _:
            assert_never(event)


def handle(conversation: Conversation, event: Event, known: Known, content: Content) -> Outcome:
    """Decide. An event heard before changes nothing."""
    if conversation.has_heard(event.id):
        return conversation, []
    turn = Turn(event=event, known=known, content=content)
    known_as = conversation
    before = conversation = _heard(conversation, event)
    match event:
        case Said(edited=True):
            conversation, effects = _edited(conversation, event.text, turn)
        case Said():
            conversation, effects = _said(conversation, event.text, turn)
        case Pressed():
            conversation, effects = _pressed(conversation, event.choice, turn)
        case Shared():
            conversation, effects = _shared(conversation, event, turn)
        case Graded():
            conversation, effects = _graded(conversation, event, turn)
        case Judged():
            conversation, effects = coding.judged(conversation, event, turn)
        case Woke():
            effects = []
            for woke in (pace.woke, interview.woke, debrief.woke):
                conversation, more = woke(conversation, turn)
                effects += more
        case NudgeDue():
            conversation, effects = nudging.nudge(conversation, event, turn)
        case Unreachable():
            conversation, effects = nudging.lost(conversation, event)
        case SetAside():
            effects = [reply(say("general.aside"))]
        case _:
            assert_never(event)
    if known_as.interview is None and conversation.interview is not None:
        conversation, effects = _quiz_put_aside(conversation, effects)
    if (
        not isinstance(event, Pressed) or event.choice.partition(":")[0] != "why"
    ):  # after that it is still the question
        conversation = reviewing.noted(quizzing.noted(conversation, effects, turn.at), effects)
    conversation, effects = nudging.followed(known_as, conversation, effects, turn)
    return conversation, [*effects, *settings.mirrored(before, conversation, turn)]


def wake_at(conversation: Conversation) -> datetime | None:
    """When the conversation wants to be woken."""
    times = (each.wake_at(conversation) for each in (pace, interview, debrief))
    return min((each for each in times if each is not None), default=None)


def work(conversation: Conversation, content: Content) -> Job | None:
    """What is to be computed for it; the same until its result has been heard."""
    for stage in conversation.stages:
        if isinstance(stage, AwaitingGrade):
            asked = stage.question
            points = content.rubric(asked)
            return _job(stage.attempt, stage.parts, asked.question, asked.reference_answer, points)
        if isinstance(stage, Judging):
            return _judge_job(stage.coding, stage.source, stage.language)
        if isinstance(stage, Weighing):
            return _weighing_job(stage, content)
        if isinstance(stage, AwaitingRecallGrade):
            recall = stage.recalling.recall
            return _job(
                stage.attempt, stage.parts, recall.question, recall.reference_answer, recall.key_points
            )
    return None


def _judge_job(coding: Coding, source: str, language: Language, *, measure: bool = False) -> JudgeJob:
    return JudgeJob(
        attempt=coding.attempt,
        number=coding.count,
        problem=coding.question.problem,
        language=language,
        source=source,
        measure=measure,
    )


def _weighing_job(stage: Weighing, content: Content) -> Job:
    coding, asked = stage.coding, stage.question
    if stage.defending.step == "complexity":
        assert coding.best is not None
        return _judge_job(coding, coding.source, coding.best.language, measure=True)
    points = content.follow_up_rubric(asked)
    return _job(coding.attempt, stage.parts, asked.follow_up, asked.follow_up_answer, points)


def _job(
    attempt: str, parts: tuple[str, ...], question: str, reference: str, points: tuple[KeyPoint, ...]
) -> GradeJob:
    return GradeJob(
        attempt=attempt,
        parts=len(parts),
        question=question,
        reference_answer=reference,
        key_points=points,
        answer="\n".join(parts),
    )


def _heard(conversation: Conversation, event: Event) -> Conversation:
    """Note that the event was heard, and from the student's own ones where they are."""
    recent = conversation.hearing(event.id)
    if not isinstance(event, Said | Pressed | Shared):
        return replace(conversation, recent=recent)
    last, here = conversation.address, event.address
    elsewhere = conversation.elsewhere
    if last is not None and last.platform != here.platform:
        elsewhere = (
            last,
            *(each for each in elsewhere if each.platform not in (last.platform, here.platform)),
        )
    return replace(
        conversation,
        recent=recent,
        address=here,
        elsewhere=elsewhere,
        card_asked=conversation.card_asked if last == here else "",
        unreachable=False,
        zone_hint=event.zone_hint or conversation.zone_hint,
        seen_at=event.at,
        ignored=0,
    )


def _said(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """Words: a command first, then what the stage on the floor waits for."""
    if not text.strip():
        return _with_question(conversation, [reply(say("general.empty"))], turn)
    if command := commands.command(text) or _plain_wish(text, conversation.floor, turn):
        return _obeyed(conversation, command, turn)
    if key := commands.SMALL_TALK.get(text.strip().rstrip(".!").lower()):
        return _with_question(conversation, [reply(say(f"small_talk.{key}"))], turn)
    floor = conversation.floor
    if isinstance(floor, Answering | Coding) and pace.is_over(conversation, turn.at):
        return pace.over(conversation, turn, late=True)
    if isinstance(floor, Recalling) and not reviewing.is_open(floor, turn.at):
        conversation = conversation.swapped(floor, None)
        floor = conversation.floor
    match floor:
        case None:
            return _idle(conversation, text, turn)
        case Welcome():
            return _welcome_said(conversation, text, turn)
        case SettingUp():
            return setup.said(conversation, floor, text, turn)
        case Answering():
            if floor.doubted != text and _is_hardly_an_answer(text, turn):
                return interview.doubted(conversation, floor, text)
            return interview.answered(conversation, floor, text, turn)
        case AwaitingGrade():
            return interview.joined(conversation, floor, text)
        case FollowingUp():
            return interview.followed_up(conversation, floor, text, turn)
        case Coding():
            return coding.said(conversation, floor, text, turn)
        case Judging():
            return coding.joined(conversation, floor, text, turn)
        case Defending():
            return coding.defended(conversation, floor, text, turn)
        case Weighing():
            return coding.more(conversation, floor, text)
        case Reviewed():
            return _reviewed_said(conversation, floor, text, turn)
        case Paused():
            meant = commands.meaning(text)
            return _obeyed(conversation, meant, turn) if meant else (conversation, [interview.again(floor)])
        case Recalling():
            meant = Command(verb="snooze", argument=text) if rhythm.is_span(text) else _meant(text, turn)
            silence = meant is None or meant.verb != "snooze" or rhythm.is_silence(meant.argument, turn.at)
            if meant is not None and meant.verb in _NO_ANSWER and silence:
                return _obeyed(conversation, meant, turn)
            if floor.doubted != text and _is_hardly_an_answer(text, turn):
                return reviewing.doubted(conversation, floor, text)
            return learning.recalled(conversation, floor, text, turn)
        case AwaitingRecallGrade():
            return learning.joined(conversation, floor, text, turn)
        case Quizzing() | Placing():
            if answered := reviewing.lettered(conversation, text, turn):
                return _way_back(*answered)
            meant = _meant(text, turn)
            no_wish = ("quiz", *_PATH_STATES)  # "resume it" may be what a blank stands for
            if meant is not None and meant.verb not in no_wish and len(text.split()) > 1:
                return _obeyed(conversation, meant, turn)
            return _quizzed(conversation, floor, text, turn)
        case Setting(field="hours" | "until" | "commitment") as asked:
            return _taken_for(conversation, asked, text, turn)
        case Setting():
            if floor.field == "hour" and commands.lets_be(text) and times.wanted(text) is None:
                return _cancelled(conversation, turn)
            if _is_other_wish(floor, text, turn):
                return _idle(conversation.without(*ASIDES), text, turn)
            if floor.field == "hour":
                return _hour_given(conversation, text, turn)
            conversation, effects = settings.said(conversation, floor, text, turn)
            return _planned_anew(conversation, effects, floor, turn)
        case Expecting() | Debriefing():
            meant = commands.meaning(text)
            if meant and isinstance(floor, Debriefing) and floor.left:  # nobody has to answer
                return _obeyed(conversation.swapped(floor, None), meant, turn)
            return _debriefed(debrief.said(conversation, floor, text, turn), turn)
        case ConfirmingForget():
            return _said(conversation.without(ConfirmingForget), text, turn)
        case _:
            assert_never(floor)


def _edited(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """A message written anew: code is run again; what was an answer stands as it was read first."""
    match stage := conversation.interview:
        case None:
            if isinstance(conversation.floor, Recalling | AwaitingRecallGrade | Quizzing | Placing):
                return _with_question(conversation, [reply(say("interview.edited"))], turn)
            return conversation, []
        case Coding() if coding.is_code(text):
            return coding.said(conversation, stage, text, turn)
        case Judging() if coding.is_code(text):
            return coding.joined(conversation, stage, text, turn)
        case Defending() if coding.is_code(text):
            return coding.defended(conversation, stage, text, turn)
    return conversation, [reply(say("interview.edited"))]


def _plain_wish(text: str, floor: Stage | None, turn: Turn) -> Command | None:
    """A wish that cannot be an answer: a skill we have ("learn SQL"), a company we know ("mock interview at Google")."""
    meant = commands.meaning(text)
    if meant is None or len(text.split()) > LONGEST_PLAIN_WISH:
        return None
    if meant.verb == "learn" and turn.content.path(meant.argument):
        return meant
    if meant.verb in ("debrief", "expect") and debrief.named(meant.argument, turn):
        return meant
    if meant.verb == "interview" and turn.content.company_in(meant.argument):
        return meant
    if isinstance(floor, Debriefing):  # whose questions nobody has to answer: any wish ends them
        return meant if meant.verb == "stop" else None
    if meant.verb == "reminders" and not meant.sure:
        starts = text.strip().lower().startswith("remind")
        return meant if starts and times.wanted(meant.argument) is not None else None
    if meant.verb in ("path", "quiz"):  # "path compression" is none of ours
        named = turn.content.path(re.split(r"\s+to\s", meant.argument)[0])
        return meant if meant.sure and (named is not None or not meant.argument) else None
    if meant.verb == "snooze":
        is_silence = rhythm.is_silence(meant.argument, turn.at)
        return meant if meant.sure and is_silence else None
    return meant if meant.sure or meant.verb == "stop" else None


def _is_hardly_an_answer(text: str, turn: Turn) -> bool:
    """Whether words under a question are rather said to us: talk, or a wish that is understood elsewhere."""
    if commands.asks_back(text) or commands.is_finished(text) or rhythm.is_span(text):
        return True
    meant = commands.meaning(text)
    if meant is None or len(text.split()) > LONGEST_PLAIN_WISH:
        return False
    if meant.verb in ("pause", "resume", "give_up"):
        return turn.content.path(meant.argument) is not None
    return meant.verb in _WISHES


def _meant(text: str, turn: Turn) -> Command | None:
    """What plain words mean; what is to be finished by a day is a promise only if it is a stage or a path."""
    meant = commands.meaning(text)
    no_promise = (
        meant is not None and meant.verb == "commit" and not committing.is_promise(meant.argument, turn)
    )
    return None if no_promise else meant


def _idle(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """Nothing is open: plain words that mean a command, a skill's name, a first hello, or a shrug."""
    if answered := reviewing.lettered(conversation, text, turn):
        return answered
    if turn.content.path(text):
        return _obeyed(conversation, Command(verb="learn", argument=text), turn)
    if rhythm.is_span(text):  # "1h", after we asked for how long
        return _obeyed(conversation, Command(verb="snooze", argument=text), turn)
    if commands.is_finished(text) and lessons.at_step(conversation, turn) is not None:
        return _obeyed(conversation, Command(verb="done"), turn)
    if meant := _meant(text, turn):
        return _obeyed(conversation, meant, turn)
    if learning.is_list(text, turn):
        return _obeyed(conversation, Command(verb="learn", argument=text), turn)
    if not conversation.profile.goal and not turn.known.paths:
        return setup.start(conversation, turn)
    if again := reviewing.not_answered(conversation, turn):
        return again
    on = any(path.state == "active" for path in turn.known.paths)
    first = button("next", "", "next_path") if on else button("learn", "", "learn")
    offers = (first, button("interview", "", "interview"), button("help", "", "help"))
    return conversation, [reply(say("general.shrug"), *offers)]


def _welcome_said(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    word = text.strip().lower()
    goal = next((g.slug for g in turn.content.goals.values() if word in (g.slug, g.label.lower())), None)
    if goal:
        return setup.welcomed(conversation, goal, turn)
    if meant := commands.meaning(text):
        return _obeyed(conversation, meant, turn)
    return conversation, [reply(say("welcome.choose"), *setup.goal_buttons(turn))]


def _reviewed_said(conversation: Conversation, floor: Reviewed, text: str, turn: Turn) -> Outcome:
    meant = commands.meaning(text)
    if meant and meant.verb == "next":
        return interview.go_on(conversation, floor, turn)
    return conversation, [reply(say("interview.graded_already"), *interview.after_feedback(floor))]


def _obeyed(conversation: Conversation, command: Command, turn: Turn) -> Outcome:
    """A command, wherever the student is. What was open stays open, and is said again or offered back."""
    verb, argument = command.verb, command.argument
    if verb != "forget":
        conversation = conversation.without(ConfirmingForget)  # asked twice in a row, or not at all
    if state := _PATH_STATES.get(verb):
        nothing_open = conversation.floor is None and conversation.interview is None
        if (argument or nothing_open) and (told := learning.put_in(conversation, argument, state, turn)):
            return _way_back(*told)
    if verb in _CONTROLS:
        return _CONTROLS[verb](conversation, turn)
    if verb in _ERRANDS:
        after, effects = _ERRANDS[verb](conversation, argument, turn)
        if after.floor is conversation.floor and isinstance(after.floor, ASIDES):
            return _with_question(after, effects, turn)
        return _way_back(after, effects)
    if verb == "start":
        return _start(conversation, turn)
    if verb == "interview":
        return setup.interview_wanted(conversation, argument, turn)
    if verb == "quiz":
        return _way_back(*learning.quiz_wanted(conversation, argument, turn))
    if verb == "review":
        return reviewing.wanted(conversation, argument, turn)
    if verb == "forget":
        return settings.forget(conversation, argument)
    return _with_question(conversation, [reply(say("general.unknown_command"))], turn)


def _pressed(conversation: Conversation, choice: str, turn: Turn) -> Outcome:
    """A button: its id says what it acts on, so an old one is recognised and answered kindly."""
    verb, _, subject = choice.partition(":")
    if verb in ("hint", "skip", "next", "undo") and subject and _is_about(conversation.interview, subject):
        conversation = conversation.lifted()
    floor = conversation.floor
    match verb, floor:
        case "goal", _ if subject in turn.content.goals:
            if isinstance(floor, Setting) and floor.field == "goal":
                return settings.goal_chosen(conversation, turn.content.goals[subject].slug, turn)
            if conversation.interview is None and not conversation.profile.goal:
                return setup.welcomed(conversation, turn.content.goals[subject].slug, turn)
        case "interview", SettingUp(step="length") if subject in ("short", "full", "one"):
            return setup.length_chosen(conversation, floor, setup.length_of(subject), turn)
        case "company", SettingUp(step="company"):
            company = turn.content.companies.get(subject)
            return setup.company_chosen(conversation, floor, company.company if company else "", turn)
        case "role", SettingUp(step="role"):
            offered = {str(place): role for place, role in enumerate(setup.roles(conversation, floor, turn))}
            if subject in offered:
                return setup.role_chosen(conversation, floor, offered[subject], turn)
        case ("cv", SettingUp(step="resume") as asked) | ("jd", SettingUp(step="jd") as asked):
            return _text_button(conversation, asked, subject, turn)
        case "cv" | "jd", Setting(field="resume" | "jd"):
            return settings.text_given(conversation, floor, None, turn)
        case _, Coding() if outcome := coding.pressed(conversation, floor, verb, subject, turn):
            return outcome
        case "skip", Defending() if subject == floor.question.id:
            return coding.skipped(conversation, floor, turn)
        case "hint" | "skip", Answering() | Coding() if subject == floor.question.id:
            return interview.hint(conversation, floor) if verb == "hint" else _skip(conversation, turn)
        case "skip", Recalling() if subject == floor.row:
            return _skip(conversation, turn)
        case "answer", Recalling() if subject == floor.row and floor.doubted:
            return learning.recalled(conversation, floor, floor.doubted, turn)
        case "pick", _ if pick := choosing.read(subject):
            return _picked(conversation, pick, turn)
        case "skip" | "answer", _ if opened := _review_pressed(conversation, verb, subject, turn):
            return opened
        case (("retest" | "redo"), _):
            return setup.question_of(conversation, verb, subject, turn)
        case "skip" | "next", FollowingUp() if subject == floor.attempt:
            return interview.go_on(conversation, floor, turn)
        case "said", _ if conversation.review and subject.partition(".")[0] == conversation.review.attempt:
            return _way_back(*interview.objected(conversation, subject.partition(".")[2], turn))
        case "next", Reviewed() if subject == floor.attempt:
            return interview.go_on(conversation, floor, turn)
        case "undo", FollowingUp() | Reviewed() if subject == floor.attempt:
            return interview.undo(conversation, floor, turn)
        case (("pause" | "resume" | "stop"), _) if _is_running(conversation, subject):
            return _CONTROLS[verb](conversation, turn)
        case "retry", _ if retried := setup.retry(conversation, subject, turn):
            return retried
        case "pdf", _ if shared := reporting.share(conversation, subject, turn):
            return _way_back(*shared)
        case "how_scored", _:
            return _way_back(*how_scored.show(conversation, subject, turn))
        case "model", _:
            return _model_answer(conversation, subject, turn)
        case "seen", Debriefing() if debrief.is_about(floor, subject):
            verdict = subject.rpartition("/")[2]
            return _debriefed(debrief.answered(conversation, floor, verdict, turn), turn)
        case "zone", Setting(field="zone" | "city"):
            conversation, effects = settings.zone_chosen(conversation, subject, turn)
            return _planned_anew(conversation, effects, floor, turn)
        case "hour", _:
            return _hour_given(conversation, subject, turn)
        case "plan", _ if conversation.interview and _is_running(conversation, subject):
            return _way_back(conversation, [setup.reasons(session_of(conversation.interview), turn)])
        case _ if verb in _SIDE_BUTTONS and (subject or verb in _BARE):
            return _way_back(*_SIDE_BUTTONS[verb](conversation, subject, turn))
        case "next", _ if subject == "":
            return _way_back(*learning.following(conversation, turn))
        case (
            (
                "interview"
                | "learn"
                | "snooze"
                | "reminders"
                | "settings"
                | "report"
                | "debrief"
                | "expect"
                | "progress"
                | "review"
                | "path"
                | "help"
                | "start"
            ),
            _,
        ):
            return _obeyed(conversation, Command(verb=verb, argument=subject), turn)
        case "answer", Answering() if subject == floor.question.id and floor.doubted:
            return interview.answered(conversation, floor, floor.doubted, turn)
        case "no", _:
            return _with_question(conversation, [reply(say("general.declined"))], turn)
        case "later", _ if subject in turn.content.paths:
            return settings.ask(conversation, "hour", turn, skill=subject)
        case "forget", ConfirmingForget():
            return settings.forget(conversation, subject)
        case "cancel", _:
            return _cancelled(conversation, turn)
        case _:
            pass
    return _with_question(
        conversation,
        [reply(say("general.lost_question" if choice == LOST_CHOICE else "general.old_button"))],
        turn,
    )


_SIDE_BUTTONS: dict[str, Callable[[Conversation, str, Turn], Outcome]] = {
    "done": learning.done_pressed,
    "path": learning.path_pressed,
    "level": placing.pressed,
    "quiz": quizzing.pressed,
    "begin": learning.begin,
    "unstage": weak_topics.declined,
    "commit": committing.commit_pressed,
    "object": reviewing.objected,
    "fewer": rhythm.fewer,
    "why": rhythm.why,
    "pace": pace.chosen,
}
_BARE = ("fewer", "why")  # buttons that act on nothing in particular


def _picked(conversation: Conversation, pick: choosing.Pick, turn: Turn) -> Outcome:
    """A button under a question with options: of a placement, a review or a quiz."""
    if pick.turn.startswith("r"):
        return _way_back(*reviewing.picked(conversation, pick, turn))
    stage = placing if pick.turn.startswith("p") else quizzing
    return _way_back(*stage.picked(conversation, pick, turn))


def _quizzed(conversation: Conversation, stage: Quizzing | Placing, text: str | None, turn: Turn) -> Outcome:
    """An answer in words to a question with options; None skips it."""
    if isinstance(stage, Placing):
        return _way_back(*placing.said(conversation, stage, text, turn))
    return _way_back(*quizzing.said(conversation, stage, text, turn))


def _quiz_left(conversation: Conversation, stage: Quizzing | Placing) -> Outcome:
    if isinstance(stage, Placing):
        return placing.left(conversation, stage)
    return quizzing.left(conversation, stage)


def _quiz_put_aside(conversation: Conversation, effects: list[Effect]) -> Outcome:
    """An interview begins: a quiz waits until it is asked for again, which is said first."""
    told: list[Effect] = []
    for stage in conversation.stages:
        if isinstance(stage, Quizzing | Placing):
            conversation, words = _quiz_left(conversation, stage)
            told += words
    return conversation, [*told, *effects]


def _review_pressed(conversation: Conversation, verb: str, row: str, turn: Turn) -> Outcome | None:
    """[Answer] or [Don't know] under a review question that has not got the floor."""
    opened = reviewing.opened(conversation, row, turn)
    if opened is None or verb == "answer":
        return opened
    conversation, effects = opened
    floor = conversation.floor
    if not isinstance(floor, Recalling) or floor.row != row:
        return reviewing.given_up(conversation, row, turn) or (conversation, effects)
    return _way_back(*learning.skipped(conversation, floor, turn))


def _taken_for(conversation: Conversation, asked: Setting, text: str, turn: Turn) -> Outcome:
    """The answer to a setting of learning."""
    if commands.lets_be(text):
        return _cancelled(conversation, turn)
    meant = commands.meaning(text)
    if (
        meant is not None
        and (meant.verb == "commit" or not re.search(r"\d", text))
        and asked.field == "hours"
    ):
        return _obeyed(conversation.without(Setting), meant, turn)  # "stage 9 by Friday" is not nine hours
    if asked.field == "hours":
        return learning.hours_given(conversation, text, turn)
    if asked.field == "until":
        return rhythm.snooze(conversation, text, turn)
    return committing.commit(conversation, text, turn)


def _is_other_wish(asked: Setting, text: str, turn: Turn) -> bool:
    """Whether words under the question for an hour, a zone or a city are no answer to it."""
    meant = _meant(text, turn)
    if asked.field == "hour":
        other = turn.content.path(text) is not None or (meant is not None and meant.verb != "reminders")
        return other and times.wanted(text) is None
    return asked.field in ("zone", "city") and meant is not None and not zones.find(text)


def _debriefed(outcome: Outcome, turn: Turn) -> Outcome:
    """After the last question about a real interview, what lay beneath is said again."""
    conversation, effects = outcome
    if isinstance(conversation.floor, Expecting | Debriefing):
        return outcome
    return _with_question(conversation, effects, turn)


def _hour_given(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """The reminder hour; then the path it was asked for, or the waiting nudge gets its new time."""
    floor = conversation.floor
    conversation, effects = settings.rhythm_given(conversation, text, turn)
    if isinstance(floor, Setting) and floor.skill and floor not in conversation.stages:
        conversation = conversation.without(Setting).with_profile(
            zone_asked=False
        )  # the path asks for the zone itself
        return _way_back(*learning.resumed(conversation, floor.skill, turn))
    return _planned_anew(conversation, effects, floor, turn)


def _text_button(conversation: Conversation, floor: SettingUp, subject: str, turn: Turn) -> Outcome:
    if subject == "keep":
        return setup.text_kept(conversation, floor, turn)
    return setup.text_given(conversation, floor, None, turn)


def _shared(conversation: Conversation, event: Shared, turn: Turn) -> Outcome:
    """Something that is not text. A small text file, what stands beside a file and what was heard are taken as if they
    were typed; a PDF or Word file where one is asked for, and nowhere else."""
    floor = conversation.floor
    asked = isinstance(floor, SettingUp) and floor.step in ("resume", "jd")
    asked = asked or (isinstance(floor, Setting) and floor.field in ("resume", "jd"))
    if event.read is not None and event.kind == "voice":
        return _heard_words(conversation, "\n".join(filter(None, [event.text, event.read])), event.read, turn)
    if event.read is not None and asked:
        told = reply(say("general.file_read", file=_named(event), length=len(event.read)))
        after, effects = _taken(conversation, event.read, turn)
        return after, [told, *effects]
    note = _not_used(event)
    if event.text is None or (note and asked):
        return _with_question(
            conversation, [note or reply(say(f"general.{_NO.get(event.kind, 'no_file')}"))], turn
        )
    if not event.text.strip():
        return _with_question(conversation, [reply(say("general.empty"))], turn)
    if isinstance(floor, Coding) and event.name and not pace.is_over(conversation, turn.at):
        after, effects = coding.said(conversation, floor, event.text, turn, file_name=event.name)
        return after, [*([note] if note else []), *effects]
    taking = isinstance(floor, (*_ANSWERING, Recalling, SettingUp, Setting))
    after, effects = (_said if taking else _idle)(conversation, event.text, turn)
    return after, [*([note] if note else []), *effects]


_NO = {"photo": "no_photo", "voice": "no_voice", "sticker": "no_sticker"}


def _taken(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """A resume or a job description, whatever its words would mean if they were typed."""
    floor = conversation.floor
    if isinstance(floor, SettingUp):
        return setup.text_given(conversation, floor, text, turn)
    assert isinstance(floor, Setting)
    conversation, effects = settings.text_given(conversation, floor, text, turn)
    return _planned_anew(conversation, effects, floor, turn)


def _heard_words(conversation: Conversation, text: str, heard: str, turn: Turn) -> Outcome:
    """What was heard counts as typed; the student sees it first, and how to take it back. The last answer of a session,
    which could not be taken back, waits for a press."""
    quote = plain(textwrap.shorten(heard, QUOTED, placeholder=" …"))
    before = conversation.floor
    after, effects = _said(conversation, text, turn)
    if not isinstance(after.floor, AwaitingGrade):
        return after, [reply(say("general.heard", heard=quote)), *effects]
    session = after.floor.session
    if isinstance(before, Answering) and session.position + 1 == len(session.plan):
        return interview.held(conversation, before, text, say("general.heard_last", heard=quote))
    key = "heard" if isinstance(before, FollowingUp) else "heard_answer"
    return after, [reply(say(f"general.{key}", heard=quote)), *effects]


def _not_used(event: Shared) -> Reply | None:
    """Why a file is not used; None where there is none, or nobody tried to read it."""
    if event.read is not None:
        choices = (button("settings", name, f"setting_{name}") for name in ("resume", "jd"))
        return reply(say("general.file_unasked", file=_named(event)), *choices)
    if not event.unread:
        return None
    if event.kind == "voice":
        return reply(say(f"unheard.{event.unread}", limit=LARGEST_RECORDING // 1_000_000))
    limits = {"limit": LARGEST_DOCUMENT // 1_000_000, "text_limit": LARGEST_TEXT_FILE // 1000}
    return reply(say(f"unread.{event.unread}", **limits, pages=MOST_PAGES))


def _named(event: Shared) -> str:
    return plain(event.name[: setup.LONGEST_NAME]) or say("general.your_file")


def _graded(conversation: Conversation, event: Graded, turn: Turn) -> Outcome:
    if any(
        isinstance(stage, AwaitingRecallGrade) and stage.attempt == event.attempt
        for stage in conversation.stages
    ):
        return _way_back(*learning.graded(conversation, event, turn))
    if isinstance(conversation.interview, Weighing):
        return coding.follow_up_graded(conversation, event, turn)
    return interview.graded(conversation, event, turn)


def _model_answer(conversation: Conversation, question_id: str, turn: Turn) -> Outcome:
    """The reference answer of a question the student has answered."""
    stage = conversation.interview
    open_ = isinstance(stage, (Answering, AwaitingGrade, *CODING_STAGES)) and stage.question.id == question_id
    if open_ or (stage is not None and question_id in _ahead(stage)):
        return conversation, [reply(say("interview.model_later"))]
    if isinstance(stage, Reviewed) and stage.question.id == question_id:
        answer = reply(
            say("interview.model", answer=stage.question.reference_answer), *interview.after_feedback(stage)
        )
        return conversation, [answer]
    question = turn.content.question(question_id)
    if question is None or question_id not in turn.known.asked:
        return _with_question(conversation, [reply(say("interview.model_unknown"))], turn)
    return _way_back(conversation, [reply(say("interview.model", answer=question.reference_answer))])


def _cancelled(conversation: Conversation, turn: Turn) -> Outcome:
    """Leave a question of ours on the side; an interview is not left by accident."""
    if isinstance(conversation.floor, ASIDES):
        return _with_question(conversation.without(*ASIDES), [reply(say("general.cancelled"))], turn)
    if isinstance(conversation.floor, Quizzing | Placing):
        return _way_back(*_quiz_left(conversation, conversation.floor))
    return _with_question(conversation, [reply(say("general.nothing_to_cancel"))], turn)


def _start(conversation: Conversation, turn: Turn) -> Outcome:
    """Afresh, but an open interview or recall question stays and is said again."""
    conversation = conversation.without(Welcome, ConfirmingForget)
    open_ = _again(conversation.floor, conversation, turn)
    return (conversation, [open_]) if open_ is not None else setup.start(conversation, turn)


def _nothing_open(conversation: Conversation, turn: Turn) -> Outcome:
    """There is nothing this control acts on; what is open is said again, or that an answer is being graded."""
    grading = (AwaitingGrade, AwaitingRecallGrade, Judging, Weighing)
    open_ = (*grading, Recalling, Quizzing, Placing, FollowingUp, Defending, Paused)
    if isinstance(conversation.floor, open_):
        return _with_question(conversation, [], turn)
    return _with_question(conversation, [reply(say("interview.no_question"))], turn)


def _hint(conversation: Conversation, turn: Turn) -> Outcome:
    if isinstance(conversation.interview, Answering | Coding) and not isinstance(
        conversation.floor, Recalling
    ):
        conversation = conversation.lifted()
    if isinstance(conversation.floor, Answering | Coding):
        return interview.hint(conversation, conversation.floor)
    return _nothing_open(conversation, turn)


def _skip(conversation: Conversation, turn: Turn) -> Outcome:
    match conversation.floor:
        case Coding(best=best) as floor if best:
            return coding.finished(conversation, floor, turn)
        case Answering() | Coding() as floor:
            return interview.skip(conversation, floor, turn)
        case Defending() as floor:
            return coding.skipped(conversation, floor, turn)
        case FollowingUp() | Reviewed() as floor:
            return interview.go_on(conversation, floor, turn)
        case Recalling() as floor:
            return _way_back(*learning.skipped(conversation, floor, turn))
        case Quizzing() | Placing() as floor:
            return _quizzed(conversation, floor, None, turn)
        case SettingUp() as floor:
            return setup.skipped(conversation, floor, turn)
        case Setting(field="zone" | "city"):
            return settings.zone_chosen(conversation, "skip", turn)
        case Welcome():
            return setup.welcomed(conversation, "any", turn)
        case Debriefing() as floor if floor.left:
            return _debriefed(debrief.answered(conversation, floor, "skip", turn), turn)
        case Setting() | Expecting() | Debriefing():
            return _cancelled(conversation, turn)
        case None if given_up := reviewing.given_up(conversation, "", turn):
            return given_up
    return _nothing_open(conversation, turn)


def _next(conversation: Conversation, turn: Turn) -> Outcome:
    if isinstance(conversation.floor, FollowingUp | Reviewed):
        return interview.go_on(conversation, conversation.floor, turn)
    if isinstance(conversation.floor, AwaitingGrade | AwaitingRecallGrade | Judging | Weighing):
        return _nothing_open(conversation, turn)
    if isinstance(conversation.floor, Quizzing | Placing):
        return _with_question(conversation, [], turn)
    return _way_back(*learning.following(conversation, turn))


def _pause(conversation: Conversation, turn: Turn) -> Outcome:
    stage = conversation.interview
    if isinstance(stage, Answering | FollowingUp | Reviewed | Coding | Defending):
        return interview.pause(conversation, stage, turn)
    if stage is not None:
        return conversation, [interview.again(stage)]
    return conversation, [reply(say("interview.no_question"))]


def _resume(conversation: Conversation, turn: Turn) -> Outcome:
    """Back to a paused interview, or to the open question from a side errand."""
    stage = conversation.interview
    if stage is None:
        return _with_question(conversation, [reply(say("interview.not_paused"))], turn)
    conversation = conversation.without(*ASIDES)
    if isinstance(stage, Paused):
        return interview.resume(conversation, stage, turn)
    return conversation.lifted(), [interview.again(stage)]


def _undo(conversation: Conversation, turn: Turn) -> Outcome:
    if conversation.interview is not None:
        return interview.undo(conversation, conversation.interview, turn)
    return _with_question(conversation, [reply(say("interview.nothing_to_undo"))], turn)


def _stop(conversation: Conversation, turn: Turn) -> Outcome:
    if isinstance(conversation.floor, Quizzing | Placing):
        return _way_back(*_quiz_left(conversation, conversation.floor))
    if conversation.interview is not None:
        return interview.stop(conversation.without(*ASIDES), conversation.interview, turn)
    if (
        conversation.nudge is not None and conversation.profile.reminders
    ):  # nothing else is there to be stopped
        conversation = conversation.without(Recalling, *ASIDES)
        return rhythm.reminders(conversation, "off", turn)
    return _with_question(conversation, [reply(say("interview.no_question"))], turn)


def _help(conversation: Conversation, _argument: str, _turn: Turn) -> Outcome:
    address = conversation.address
    extra = (
        "\n\n" + say("general.help_terminal")
        if address is not None and address.platform == "terminal"
        else ""
    )
    return conversation, [reply(say("general.help") + extra, button("interview", "", "interview"))]


def _progress(conversation: Conversation, _argument: str, turn: Turn) -> Outcome:
    return learning.progress(conversation, turn)


def _done(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    return learning.done(conversation, argument, turn)


_PATH_STATES: dict[str, learning.PathState] = {"pause": "paused", "resume": "active", "give_up": "abandoned"}
_CONTROLS: dict[str, Callable[[Conversation, Turn], Outcome]] = {
    "hint": _hint,
    "skip": _skip,
    "next": _next,
    "pause": _pause,
    "resume": _resume,
    "undo": _undo,
    "stop": _stop,
    "cancel": _cancelled,
}
_ERRANDS: dict[str, Callable[[Conversation, str, Turn], Outcome]] = {
    "learn": learning.learn,
    "done": _done,
    "progress": _progress,
    "report": reporting.show,
    "debrief": debrief.begin,
    "expect": debrief.expect,
    "failed": debrief.failed,
    "path": learning.path_wanted,
    "hours": learning.hours_given,
    "commit": committing.commit,
    "reminders": rhythm.reminders,
    "snooze": rhythm.snooze,
    "settings": settings.show,
    "how_scored": how_scored.show,
    "help": _help,
}


def _way_back(conversation: Conversation, effects: list[Effect]) -> Outcome:
    """After an errand in the middle of a quiz or an interview, a button leads back to the question."""
    stage, floor = conversation.interview, conversation.floor
    replies = [place for place, effect in enumerate(effects) if isinstance(effect, Reply)]
    if not replies or isinstance(floor, ASIDES):
        return conversation, effects
    last = effects[replies[-1]]
    assert isinstance(last, Reply)
    verbs = {each.id.partition(":")[0] for each in last.message.choices}
    if "pick" in verbs:  # its options need their room; the way back stands under what follows
        return conversation, effects
    if isinstance(floor, Quizzing) and "quiz" not in verbs:
        back = quizzing.back_to(floor)
    elif stage is not None:
        back = interview.back_to(stage)
    else:
        return conversation, effects
    choices = (*last.message.choices[: choosing.MOST_BUTTONS - 1], back)
    effects[replies[-1]] = replace(last, message=replace(last.message, choices=choices))
    return conversation, effects


def _with_question(conversation: Conversation, effects: list[Effect], turn: Turn) -> Outcome:
    """After a word about something that led nowhere, what is open is said again."""
    open_ = _again(conversation.floor, conversation, turn)
    return conversation, [*effects, open_] if open_ is not None else _with_offers(effects)


def _with_offers(effects: list[Effect]) -> list[Effect]:
    """Nothing is open: the last word offers what can be done next."""
    last = effects[-1] if effects else None
    if not isinstance(last, Reply) or last.message.choices:
        return effects
    offers = (button("interview", "", "interview"), button("learn", "", "learn"))
    return [*effects[:-1], replace(last, message=replace(last.message, choices=offers))]


def _again(floor: Stage | None, conversation: Conversation, turn: Turn) -> Reply | None:
    match floor:
        case None | ConfirmingForget():
            return None
        case Welcome():
            return reply(say("welcome.choose"), *setup.goal_buttons(turn))
        case SettingUp():
            return setup.again(floor, conversation, turn)
        case Setting():
            return settings.again(floor, turn)
        case Expecting() | Debriefing():
            return debrief.again(floor, turn)
        case Recalling() | AwaitingRecallGrade():
            return learning.again(floor)
        case Quizzing():
            return quizzing.again(floor, turn)
        case Placing():
            return placing.again(floor, turn)
        case _:
            return interview.again(floor)


def _planned_anew(
    conversation: Conversation, effects: list[Effect], was: Stage | None, turn: Turn
) -> Outcome:
    """A new hour or zone moves the waiting nudge; and what lay beneath the setting comes back."""
    moved = nudging.waiting(conversation, turn)
    if (
        conversation.floor is not None
        and conversation.floor is not was
        and not isinstance(conversation.floor, Setting)
    ):
        conversation, effects = _way_back(conversation, effects)
    return conversation, [*moved, *effects]


def _is_about(stage: InterviewStage | None, subject: str) -> bool:
    """Whether a button's subject is the question or the answer an interview is at."""
    match stage:
        case Answering() | Coding() | Defending():
            return subject == stage.question.id
        case FollowingUp() | Reviewed():
            return subject == stage.attempt
        case _:
            return False


def _ahead(stage: InterviewStage) -> set[str]:
    """The questions of the plan that are still to come."""
    session = session_of(stage)
    return {planned.question for planned in session.plan[session.position + 1 :]}


def _is_running(conversation: Conversation, session: str) -> bool:
    stage = conversation.interview
    return stage is not None and session_of(stage).id == session
