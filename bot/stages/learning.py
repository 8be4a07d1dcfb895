"""Learning paths: begin one at one's own level, the one thing to do next, done with a recall question, pause and take up
again. Decides only; quizzes, reviews and nudges have modules of their own beside this one."""

import difflib
import re
from datetime import date
from math import floor
from typing import Literal

from msgspec.structs import replace

from bot import companies, paths, streaks
from bot.clock import local_day, shown, zone_of
from bot.commands import bare_minutes
from bot.conversation import (
    ASIDES,
    AwaitingRecallGrade,
    Conversation,
    Placing,
    Quizzing,
    Recalling,
    Setting,
)
from bot.documents import (
    LearningPath,
    LearningProgress,
    PathTemplate,
    Resource,
    insert,
    new_id,
    update,
)
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.events import Graded
from bot.messages import Choice, Message, plain
from bot.sentences import counted, label, say
from bot.stages import committing, feedback, lessons, nudging, quizzing, reviewing, settings
from bot.stages.choosing import MOST_BUTTONS
from bot.stages.interview import LONGEST_ANSWER
from bot.stages.reviewing import WEAK_BELOW, Miss
from bot.times import hours_a_week

PathState = Literal["active", "paused", "abandoned"]

LONGEST_SITTING = 600  # minutes of `done 25`: ten hours is a typing error
MOST_LINES = 5  # of paths in one message: more do not fit a phone's screen
_LISTED = re.compile(r"[,;]|/|\s[+&]\s|(?<=\w)[+&](?=\w)|\b(?:and|plus|then|as well as)\b", re.IGNORECASE)
_EACH = re.compile(r"(?:both|all|everything)(?: of them)?(?: (?:my |the )?paths)?|paths", re.IGNORECASE)
_UNTIL = re.compile(r"(?: path)? (?:for|until|till|til)\b", re.IGNORECASE)
_LEFT_FROM: dict[PathState, tuple[PathState, ...]] = {
    "active": ("paused",),
    "paused": ("active",),
    "abandoned": ("active", "paused"),
}
"""What "both" means: the states from which paths come into one."""
REQUIRED_LEVEL = 20  # of a path that another one builds on: its foundation, the first stage of four


# Beginning


def learn(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`learn`: the skills there are; `learn sql`: that path, from where it was left or new."""
    if not argument:
        return conversation, [choose("choose", conversation, turn)]
    mine = lessons.named(argument, turn)
    if mine is not None:
        return _taken_up(conversation, mine, turn, whole=True)
    template = turn.content.path(argument)
    if template is None:
        if known := [each.skill for part in _parts(argument) if (each := turn.content.path(part))]:
            return _one_of(conversation, argument, list(dict.fromkeys(known)), turn)
        return conversation, unknown_skill(conversation, argument, turn)
    missing = _missing(template, turn)
    if missing is not None:
        return conversation, [_prerequisite(template, missing)]
    return _begun(conversation, template, turn)


def is_list(words: str, turn: Turn) -> bool:
    """Whether it is several skills and nothing else: "SQL, Git and Python"."""
    parts = _parts(words)
    return len(parts) > 1 and all(turn.content.path(part) is not None for part in parts)


def _parts(words: str) -> list[str]:
    return [part for each in _LISTED.split(words) if (part := each.strip(" .!?"))] or [words]


def _one_of(conversation: Conversation, asked: str, known: list[str], turn: Turn) -> Outcome:
    """Several skills at once: the first of them now, the others by a press; each we have not got is a wish of its own."""
    first, *others = (turn.content.paths[skill].title for skill in known)
    missing = [part for part in _parts(asked) if turn.content.path(part) is None]
    lines = [say("learn.one_first", skill=first, others=", ".join(others))] if others else []
    if missing:
        lines.append(say("learn.unknown_too", skill=plain(", ".join(missing)[:40])))
    wishes = [companies.skill_wish(conversation.student, each, turn.at) for each in missing]
    conversation, effects = learn(conversation, known[0], turn)
    told = reply(" ".join(lines), *_skills(known[1:], turn))
    return conversation, [*wishes, *([told] if lines else ()), *effects]


def choose(key: str, conversation: Conversation, turn: Turn, **values: object) -> Reply:
    """All skills there are: their own and those they aim at as buttons, the others by name."""
    paths_ = turn.content.paths
    ordered = sorted(paths_, key=lambda skill: -lessons.wanted(conversation, paths_[skill], turn))
    choices = _skills(ordered, turn)[: MOST_BUTTONS - 1]  # one more leads back to an open question
    shown_ = {each.id for each in choices}
    others = ", ".join(paths_[skill].title for skill in sorted(paths_) if f"learn:{skill}" not in shown_)
    return reply(say(f"learn.{key}", others=others, **values), *choices)


def begin(conversation: Conversation, skill: str, turn: Turn) -> Outcome:
    """[Begin all the same]: without what the path builds on."""
    template = turn.content.path(skill)
    if template is None or lessons.named(skill, turn) is not None:
        return learn(conversation, skill, turn)
    return _begun(conversation, template, turn)


def resumed(conversation: Conversation, skill: str, turn: Turn) -> Outcome:
    """A path there is, as it is; else a new one."""
    mine = lessons.named(skill, turn)
    return learn(conversation, skill, turn) if mine is None else _taken_up(conversation, mine, turn)


def _taken_up(conversation: Conversation, mine: LearningPath, turn: Turn, *, whole: bool = False) -> Outcome:
    """A path there is: active again. `whole`: with the catalogue's stages, where an interview alone had made it."""
    template, plan = turn.content.path(mine.skill), lessons.plan_of(mine, conversation, turn)
    after = replace(mine, state="active")
    rows: list[Effect] = []
    if mine.state != "active":  # the weeks it rested are not held against it
        after = paths.planned(after, plan=plan, at=turn.at)
    if whole and template is not None and lessons.only_topics(mine, turn):
        after = paths.with_catalogue(after, template, plan=plan, at=turn.at)
        made = _rows(conversation, after, len(mine.stages), turn)
        rows = [insert(row) for row in made]
        turn = turn.knowing(after, *made)
    conversation = replace(conversation, chosen_path=mine.id)
    turn = turn.knowing(after)
    told: list[str] = []
    if mine.state != "active" and paths.step(after) is not None:
        end = lessons.day_text(after.progress.estimated_completion_date)
        told = [say("learn.again", skill=lessons.title_of(mine.skill, turn), end=end), lessons.if_alone(turn)]
    if len(after.stages) > len(mine.stages):
        percent = after.progress.completion_percentage
        told.append(say("learn.whole", stages=counted(len(after.stages), "stage"), percent=percent))
    words = " ".join(filter(None, told))
    conversation, effects = show_next(conversation, after, turn, before=mine)
    conversation, asked = settings.zone_needed(conversation, turn)
    return conversation, [*rows, *([reply(words)] if words else []), *effects, *asked]


def _begun(conversation: Conversation, template: PathTemplate, turn: Turn) -> Outcome:
    """The student's own path: the document, a row for each resource, the first resource shown."""
    hours = conversation.profile.hours_a_week
    plan = paths.Plan(hours=hours, today=local_day(conversation, turn.at))
    path = paths.made(
        template,
        path_id=new_id(turn.at, conversation.student, turn.event.id, "path"),
        student=conversation.student,
        level=0,
        target=paths.TARGET,
        plan=plan,
        priority=lessons.priority_of(conversation, template, paths.TARGET, turn),
        at=turn.at,
    )
    rows = _rows(conversation, path, 0, turn)
    turn = turn.knowing(path, *rows)
    conversation = replace(conversation, chosen_path=path.id)
    head = say(
        "learn.new",
        skill=template.title,
        stages=counted(len(path.stages), "stage"),
        resources=counted(len(rows), "resource"),
        hours=hours,
        end=lessons.day_text(path.progress.estimated_completion_date),
    )
    head = " ".join(filter(None, [head, lessons.if_alone(turn), say("learn.new_level")]))
    choices = button("level", path.id, "level"), button("settings", "hours", "hours")
    conversation, effects = show_next(conversation, path, turn, inserted=True)
    conversation, asked = settings.zone_needed(conversation, turn)
    writes: list[Effect] = [insert(path), *(insert(row) for row in rows)]
    due = nudging.coming(conversation, turn)
    if due is not None and not asked:
        asked = [reply(say("learn.will_remind", when=shown(zone_of(conversation), due, turn.at)))]
    return conversation, [*writes, reply(head, *choices), *effects, *asked]


def _rows(
    conversation: Conversation, path: LearningPath, after: int, turn: Turn
) -> tuple[LearningProgress, ...]:
    """A row for each resource of the stages beyond number `after`."""
    return tuple(
        lessons.new_row(conversation, each.resource_id, "resource", path.id, turn, stage=stage.stage_number)
        for stage in path.stages
        if stage.stage_number > after
        for each in stage.resources
    )


def _missing(template: PathTemplate, turn: Turn) -> PathTemplate | None:
    """The path this one builds on, as long as the student has not got its foundation."""
    for skill in template.requires:
        mine = lessons.named(skill, turn)
        level = mine.current_level if mine else 0
        if level < REQUIRED_LEVEL and skill in turn.content.paths:
            return turn.content.paths[skill]
    return None


def _prerequisite(template: PathTemplate, missing: PathTemplate) -> Reply:
    text = say("learn.requires", skill=template.title, required=missing.title)
    first = Choice(id=f"learn:{missing.skill}", label=label("learn_skill", skill=missing.title))
    return reply(text, first, button("begin", template.skill, "begin_anyway"))


def quiz_wanted(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`quiz`, `quiz sql`: of the stage at hand; a quiz that was begun goes on."""
    path, template = lessons.at_hand(conversation, turn, argument), turn.content.path(argument)
    if path is None and argument and template is None:
        return conversation, unknown_skill(conversation, argument, turn)
    if path is None and template is not None:
        first = Choice(id=f"learn:{template.skill}", label=label("learn_skill", skill=template.title))
        return conversation, [reply(say("quiz.no_path_in", skill=template.title), first)]
    if path is None:
        return conversation, [choose("no_quiz", conversation, turn)]
    stage = paths.current(path)
    if stage is None:
        return show_next(conversation, path, turn)
    left = (each for each in path.stages if each.status != "completed")
    with_quiz = next((each for each in left if lessons.questions_of(path, each, turn)), stage)
    return quizzing.start(conversation, path, with_quiz, turn)


# The step at hand


def following(conversation: Conversation, turn: Turn) -> Outcome:
    """`next`: the one thing to do now. A review that is due, else the step of the path at hand."""
    due = reviewing.next_one(conversation, turn)
    if due is not None:
        return reviewing.ask(conversation, due)
    path = lessons.at_hand(conversation, turn)
    if path is None:
        resting = [each for each in turn.known.paths if each.state == "paused"]
        return conversation, [choose("all_rest" if resting else "choose", conversation, turn)]
    return show_next(conversation, path, turn)


def show_next(
    conversation: Conversation,
    path: LearningPath,
    turn: Turn,
    *,
    before: LearningPath | None = None,
    inserted: bool = False,
) -> Outcome:
    """The step with its buttons; its stage is in progress from here on. `before`: the path as it is stored, if `path` is
    changed already; `inserted`: it is written whole in this turn."""
    unchanged, before = before is None and not inserted, before or path
    path, notes = lessons.as_it_is_now(conversation, path, turn)
    conversation, promise = committing.kept(conversation, path, turn)
    notes += [promise] if promise else []
    step = paths.step(path)
    if step is None:
        writes: list[Effect] = [] if inserted or path == before else [paths.changes(before, path)]
        writes += nudging.waiting(conversation, turn.knowing(path))
        notes.append(lessons.finished(path, turn))
        return conversation, [*writes, reply("\n\n".join(notes), button("learn", "", "learn"))]
    after = paths.with_begun(path, step.stage.stage_number, turn.at)
    after = paths.with_end_ahead(after, lessons.plan_of(after, conversation, turn))
    turn = turn.knowing(after)
    effects: list[Effect] = [paths.changes(before, after)]
    turn, begun = _begun_row(conversation, after, step, turn)
    effects += [*begun, *nudging.waiting(conversation, turn)]
    if unchanged and (slip := lessons.slipped(before, after, turn)):
        notes.append(slip)
    text, choices = lessons.step_text(after, step, turn)
    return conversation, [
        *effects,
        reply("\n\n".join([*notes, text]), *choices, button("snooze", "", "snooze")),
    ]


def _begun_row(
    conversation: Conversation, path: LearningPath, step: paths.Step, turn: Turn
) -> tuple[Turn, list[Effect]]:
    """The resource at hand is in progress; in a path of another service it has no row until now, nor has a bare stage."""
    row = lessons.row_of(path, step, turn)
    if row is not None:
        fields = {"status": "in_progress", "updated_at": turn.at}
        return turn, [update(LearningProgress, row.id, **fields)] if row.status == "not_started" else []
    if step.resource is None and not lessons.is_bare(path, step, turn):
        return turn, []
    uuid, number = lessons.step_id(path, step), step.stage.stage_number
    made = lessons.new_row(conversation, uuid, step.kind, path.id, turn, stage=number)
    made = replace(made, status="in_progress")
    return turn.knowing(path, made), [insert(made)]


def done(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`done` and `done 25`: the open resource is complete; one recall question about it."""
    minutes = bare_minutes(argument) if argument else None
    if argument and (minutes is None or not 1 <= minutes <= LONGEST_SITTING):
        return conversation, [reply(say("learn.bad_minutes"))]
    path = lessons.at_hand(conversation, turn)
    step = paths.step(path) if path else None
    floor = conversation.floor
    if isinstance(floor, Recalling | AwaitingRecallGrade) and _is_asked(floor, path, step, turn):
        return conversation, [again(floor)]
    if path is not None and step is not None and lessons.is_bare(path, step, turn):
        return _bare_done(conversation, path, step.stage.stage_number, turn)
    if path is None or step is None or step.resource is None:
        return following(conversation, turn)
    row = lessons.row_of(path, step, turn)
    if row is not None and row.status == "not_started":  # it was never shown: that comes first
        return show_next(conversation, path, turn)
    return _complete(conversation, path, step.resource, minutes, turn)


def _is_asked(
    floor: Recalling | AwaitingRecallGrade, path: LearningPath | None, step: paths.Step | None, turn: Turn
) -> bool:
    """Whether a recall question is what `done` comes after; not when it is an old one, or the next thing to do has been
    shown since."""
    asked = floor.recalling if isinstance(floor, AwaitingRecallGrade) else floor
    if asked.is_review or not reviewing.is_open(asked, turn.at):
        return False
    row = lessons.row_of(path, step, turn) if path and step else None
    if path is None or step is None or (row is not None and row.status == "not_started"):
        return True
    shown_at = max(path.updated_at, row.updated_at) if row is not None else path.updated_at
    return shown_at <= asked.asked_at or (step.resource is None and not lessons.is_bare(path, step, turn))


def done_pressed(conversation: Conversation, row_id: str, turn: Turn) -> Outcome:
    """The button under a resource; an old one is recognised by its row. `<path>.<stage>`: of a stage without any."""
    path, stage = lessons.addressed(row_id, turn)
    if "." in row_id:
        return _bare_done(conversation, path, stage.stage_number if stage else 0, turn)
    row = turn.row(row_id)
    path = turn.path(row.path_id) if row else None
    if row is None or path is None:
        return done(conversation, "", turn)
    resource = next(
        (each for stage in path.stages for each in stage.resources if each.resource_id == row.resource_id),
        None,
    )
    if resource is None or resource.completed:
        return conversation, [reply(say("learn.done_already"), button("next", "", "next_path"))]
    return _complete(conversation, path, resource, None, turn)


def _bare_done(conversation: Conversation, path: LearningPath | None, number: int, turn: Turn) -> Outcome:
    """A stage of another service that has no resources: their word closes it."""
    step = paths.step(path) if path else None
    open_ = path is not None and step is not None and step.stage.stage_number == number
    if path is None or step is None or not open_ or not lessons.is_bare(path, step, turn):
        return conversation, [reply(say("learn.done_already"), button("next", "", "next_path"))]
    plan = lessons.plan_of(path, conversation, turn)
    after = paths.with_assessed(path, number, plan=plan, at=turn.at)
    row = lessons.row_of(path, step, turn)
    closed = {"status": "completed", "completed_at": turn.at, "updated_at": turn.at}
    effects: list[Effect] = [paths.changes(path, after)]
    effects += [update(LearningProgress, row.id, **closed)] if row is not None else []
    turn, skill = turn.knowing(after), lessons.title_of(path.skill, turn)
    conversation, promise = committing.kept(conversation, after, turn)
    lines = [say("learn.stage_done", number=number, skill=skill), *([promise] if promise else [])]
    lines += [lessons.finished(after, turn)] if paths.step(after) is None else []
    effects += nudging.waiting(conversation, turn)
    return conversation, [*effects, reply(" ".join(lines), button("next", "", "next_path"))]


def _complete(
    conversation: Conversation, path: LearningPath, resource: Resource, minutes: int | None, turn: Turn
) -> Outcome:
    """Mark a resource done, keep stage and progress true, ask its recall question."""
    spent = minutes or resource.duration_minutes
    stage = next(each for each in path.stages if resource in each.resources)
    row = lessons.row_of(path, paths.Step(kind="resource", stage=stage, resource=resource), turn)
    passed = _quiz_passed(path, stage.stage_number, turn)
    after = paths.with_done(
        path,
        resource.resource_id,
        spent,
        assessed=lessons.assessed(path, stage, turn) and not passed,
        plan=lessons.plan_of(path, conversation, turn),
        at=turn.at,
    )
    effects: list[Effect] = [paths.changes(path, after)]
    if row is not None:
        changes = {
            "status": "completed",
            "completed_at": turn.at,
            "time_spent_minutes": spent,
            "updated_at": turn.at,
        }
        effects.append(update(LearningProgress, row.id, **changes))
    turn = turn.knowing(after)
    conversation, promise = committing.kept(conversation, after, turn)
    effects += nudging.waiting(conversation, turn)
    text = [*_done_lines(path, after, stage.stage_number, resource, turn), promise]
    text = [each for each in (*text, lessons.slipped(path, after, turn)) if each]
    recalling = _recalling(path, resource, row, turn)
    if recalling is None:
        return conversation, [*effects, reply(" ".join(text), lessons.onward(after, turn))]
    conversation = conversation.without(Recalling, *ASIDES).pushed(recalling)
    asked = again(recalling)
    whole = replace(asked.message, text=" ".join(text) + "\n\n" + asked.message.text)
    return conversation, [*effects, Reply(message=whole)]


def _done_lines(
    path: LearningPath, after: LearningPath, number: int, resource: Resource, turn: Turn
) -> list[str]:
    skill = lessons.title_of(path.skill, turn)
    lines = [
        say(
            "learn.done",
            title=plain(resource.title),
            percent=after.progress.completion_percentage,
            skill=skill,
        )
    ]
    stage = paths.stage_of(after, number)
    if stage.status == "completed":
        lines.append(say("learn.stage_done", number=number, skill=skill))
    elif all(each.completed or each.withdrawn for each in stage.resources):
        lines.append(say("learn.retest_next" if stage.topic else "learn.quiz_next"))
    if paths.step(after) is None:
        lines.append(lessons.finished(after, turn))
    return lines


def _quiz_passed(path: LearningPath, number: int, turn: Turn) -> bool:
    """Whether the stage's quiz was passed before its resources were done."""
    rows = (each for each in turn.known.progress if each.path_id == path.id and each.kind == "quiz")
    return any(each.stage_number == number and each.status == "completed" for each in rows)


# The recall question


def again(stage: Recalling | AwaitingRecallGrade) -> Reply:
    """The question, asked once more."""
    if isinstance(stage, AwaitingRecallGrade):
        return reply(say("interview.grading"))
    if stage.is_review:
        return reply(stage.recall.question, button("skip", stage.row, "no_idea"))
    return reply(say("learn.recall", question=stage.recall.question), button("skip", stage.row, "skip"))


def recalled(conversation: Conversation, stage: Recalling, text: str, turn: Turn) -> Outcome:
    """Keep the answer; its grading is work for the shell."""
    if len(text) > LONGEST_ANSWER:
        return conversation, [reply(say("interview.too_long", length=len(text), limit=LONGEST_ANSWER))]
    attempt = new_id(turn.at, conversation.student, turn.event.id, "recall")
    waiting = AwaitingRecallGrade(recalling=stage, attempt=attempt, parts=(text,))
    kept = update(LearningProgress, stage.row, recall_answer=text, updated_at=turn.at)
    return conversation.swapped(stage, waiting), [kept]


def joined(conversation: Conversation, stage: AwaitingRecallGrade, text: str, turn: Turn) -> Outcome:
    """What is said while the answer is being graded belongs to it."""
    parts = (*stage.parts, text)
    kept = update(
        LearningProgress,
        stage.recalling.row,
        recall_answer="\n".join(parts)[:LONGEST_ANSWER],
        updated_at=turn.at,
    )
    return conversation.swapped(stage, replace(stage, parts=parts)), [kept]


def skipped(conversation: Conversation, stage: Recalling, turn: Turn) -> Outcome:
    """No recall this time; the resource stays done. Of a review, "don't know" is an answer."""
    if stage.is_review:
        return reviewing.skipped(conversation, stage, turn)
    return conversation.swapped(stage, None), [reply(say("learn.recall_skipped"), _onward(stage, turn))]


def _onward(stage: Recalling, turn: Turn) -> Choice:
    """After a recall question: what was announced before it."""
    path = next((each for each in turn.known.paths if each.id == stage.path), None)
    return lessons.onward(path, turn) if path is not None else button("next", "", "next_path")


def graded(conversation: Conversation, event: Graded, turn: Turn) -> Outcome:
    """Feedback for the answer that waits for it; anything else changes nothing. A weak one comes back as a review."""
    waiting = (each for each in conversation.stages if isinstance(each, AwaitingRecallGrade))
    stage = next((each for each in waiting if each.attempt == event.attempt), None)
    if stage is None or len(stage.parts) != event.parts:
        return conversation, []
    conversation = conversation.swapped(stage, None)
    open_ = stage.recalling
    if open_.is_review:
        return reviewing.graded(conversation, open_, event, turn)
    score = event.grade.score
    kept = update(LearningProgress, open_.row, recall_score=score, updated_at=turn.at)
    lines = [feedback.message(replace(event.grade, dimensions=()))]
    if isinstance(conversation.floor, Recalling):  # another question was asked meanwhile
        lines.insert(0, say("learn.about", title=plain(open_.title)))
    cards: list[Effect] = []
    row = turn.row(open_.row)
    if score is not None and score < WEAK_BELOW and row is not None:
        lost = tuple(each.label for each in event.grade.points if each.verdict != "covered")
        miss = Miss(source="recall", item=row.resource_id, title=open_.title, points=lost, path=row.path_id)
        cards = reviewing.missed(conversation, [miss], turn)
        lines.append(say("interview.model", answer=open_.recall.reference_answer))
        lines.append(say("review.comes_back"))
    buttons = (_onward(open_, turn), *reviewing.objection(open_, event.grade))
    return conversation, [kept, *cards, reply("\n\n".join(lines), *buttons)]


def _recalling(
    path: LearningPath, resource: Resource, row: LearningProgress | None, turn: Turn
) -> Recalling | None:
    """The recall question of a resource of ours; a resource another service chose has none."""
    recall = turn.content.recall(resource.resource_id)
    if recall is None or row is None:
        return None
    return Recalling(path=path.id, row=row.id, title=resource.title, recall=recall, asked_at=turn.at)


# Standing, and what becomes of a path


def progress(conversation: Conversation, turn: Turn) -> Outcome:
    """Where the student stands on every path, and the last interview; the picture shows what words cannot."""
    wanted = [path for path in turn.known.paths if not paths.is_left_out(path)]
    ordered = sorted(wanted, key=lambda path: (path.state != "active", paths.by_priority(path)))
    today = local_day(conversation, turn.at)
    lines = [_progress_line(path, today, turn) for path in ordered[:MOST_LINES]]
    if more := ", ".join(lessons.title_of(path.skill, turn) for path in ordered[MOST_LINES:]):
        lines.append(say("learn.progress_more", skills=more))
    if promised := committing.line(conversation, turn):
        lines.append(promised)
    if alone := lessons.if_alone(turn):
        lines.append(alone)
    zone = zone_of(conversation)
    if (days := streaks.running(conversation.streak, turn.at, zone)) > 1:
        left = streaks.freezes_left(conversation.streak, turn.at, zone)
        key = "learn.progress_streak" if left else "learn.progress_streak_bare"
        lines.append(say(key, days=days, left=left, freezes=streaks.FREEZES))
    if turn.known.reports:
        last = turn.known.reports[0]
        day = local_day(conversation, last.created_at).isoformat()
        key = "learn.progress_report" if last.score is not None else "learn.progress_report_none"
        lines.append(say(key, company=plain(last.company), score=last.score, date=lessons.day_text(day)))
    if not lines:
        lines = [say("learn.progress_none")]
    rows = reviewing.there(lessons.not_resting(turn), turn)
    cards = [row.card for row in rows if row.card is not None]
    if cards:
        due = sum(card.due <= turn.at for card in cards)
        lines.append(say("review.count", due=due, total=counted(len(cards), "question")))
    choices = [button("next", "", "next_path"), button("interview", "", "interview")]
    choices += [
        Choice(id=f"path:{path.id}", label=label("path_of", skill=lessons.name_of(path.skill, turn)))
        for path in ordered[:3]
    ]
    picture = lessons.picture(conversation, turn)
    message = Message(text="\n\n".join(lines), choices=tuple(choices), picture=picture)
    return conversation, [Reply(message=message)]


def _progress_line(path: LearningPath, today: date, turn: Turn) -> str:
    progress_ = path.progress
    stage = paths.current(path)
    if path.state != "active" or stage is None:
        complete = "topics" if lessons.only_topics(path, turn) else "complete"
        key = f"learn.progress_{path.state if path.state != 'active' else complete}"
        return say(key, skill=lessons.title_of(path.skill, turn), percent=progress_.completion_percentage)
    late = lessons.is_over(progress_.estimated_completion_date, today)
    return say(
        "learn.progress_late" if late else "learn.progress",
        skill=lessons.title_of(path.skill, turn),
        percent=progress_.completion_percentage,
        stage=stage.stage_number,
        stages=len(path.stages),
        minutes=lessons.minutes(progress_.time_spent_minutes),
        date=lessons.day_text(progress_.estimated_completion_date),
    )


def path_wanted(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`path`, `path sql`: one path with what can be done to it; `path sql to 60` sets its target."""
    parts = re.fullmatch(r"(.*?)\s*\bto\s+(\S.*)", argument, re.DOTALL)
    named, target = parts.groups() if parts else (argument, "")
    path = lessons.at_hand(conversation, turn, named) if named else lessons.at_hand(conversation, turn)
    if path is None:
        return learn(conversation, named, turn)
    if target:
        return _targeted(conversation, path, target, turn)
    return _path_shown(conversation, path, turn)


def path_pressed(conversation: Conversation, subject: str, turn: Turn) -> Outcome:
    """`<path>`: shown; `<path>.paused`, `.abandoned`, `.active`: that is its state now."""
    path_id, _, state = subject.partition(".")
    path = turn.path(path_id)
    if path is None:
        return conversation, [reply(say("general.old_button"))]
    if state == "active":
        return _taken_up(conversation, path, turn)
    if state not in ("paused", "abandoned"):
        return _path_shown(conversation, path, turn)
    after = replace(path, state=state, updated_at=turn.at)
    turn = turn.knowing(after)
    skill = lessons.title_of(path.skill, turn)
    back = Choice(id=f"path:{path.id}.active", label=label("take_up"))
    told = reply(say(f"learn.{state}", skill=skill), back, button("next", "", "next_path"))
    if conversation.commitment is not None and conversation.commitment.path == path.id:
        conversation = replace(conversation, commitment=None)
    conversation = lessons.not_asked(conversation, path, Quizzing, Placing, Recalling)
    return conversation, [paths.changes(path, after), *nudging.waiting(conversation, turn), told]


def put_in(conversation: Conversation, skill: str, state: PathState, turn: Turn) -> Outcome | None:
    """`pause sql`, `give up sql`, `resume`: without a skill the path at hand, or the one that rests. None: there is none."""
    until = _UNTIL.search(skill) if state == "paused" else None
    if until is not None and (mine := lessons.named(skill[: until.start()], turn)) is not None:
        conversation, effects = path_pressed(conversation, f"{mine.id}.paused", turn)
        return conversation, [*effects, reply(say("learn.paused_until"))]
    several = _all_named(skill, state, turn)
    if len(several) > 1:
        return _all_put(conversation, several, state, turn)
    if _EACH.fullmatch(skill):  # of one, or of none
        skill = ""
    if skill and lessons.named(skill, turn) is None:
        return conversation, [
            reply(say("learn.not_yours", skill=plain(skill[:40])), button("progress", "", "progress"))
        ]
    if state == "active" and not skill:
        resting = [each for each in turn.known.paths if each.state == "paused"]
        if len(resting) > 1:
            choices = (
                Choice(
                    id=f"path:{each.id}.active",
                    label=label("path_of", skill=lessons.name_of(each.skill, turn)),
                )
                for each in resting[:MOST_BUTTONS]
            )
            return conversation, [reply(say("learn.which_rests"), *choices)]
        path = next(iter(resting), None)
    else:
        path = lessons.at_hand(conversation, turn, skill)
    return path_pressed(conversation, f"{path.id}.{state}", turn) if path is not None else None


def _all_named(skill: str, state: PathState, turn: Turn) -> list[LearningPath]:
    """The paths of "sql and python", of "both"; none where a name of them is not theirs."""
    if _EACH.fullmatch(skill):
        return [each for each in turn.known.paths if each.state in _LEFT_FROM[state]]
    found = [lessons.named(part, turn) for part in _parts(skill)]
    return list({each.id: each for each in found if each is not None}.values()) if all(found) else []


def _all_put(
    conversation: Conversation, several: list[LearningPath], state: PathState, turn: Turn
) -> Outcome:
    """Several paths at once, told in one message; taken up, the first of them is shown."""
    if state == "active":
        first, *others = several
        effects: list[Effect] = []
        for each in others:
            after = paths.planned(
                replace(each, state="active"), plan=lessons.plan_of(each, conversation, turn), at=turn.at
            )
            effects.append(paths.changes(each, after))
            turn = turn.knowing(after)
        conversation, shown_ = path_pressed(conversation, f"{first.id}.active", turn)
        others_ = say("learn.others_again", skills=_titles(others, turn))
        return conversation, [*effects, reply(others_), *shown_]
    effects = []
    for each in several:
        conversation, told = path_pressed(conversation, f"{each.id}.{state}", turn)
        effects += [effect for effect in told if not isinstance(effect, Reply)]
        turn = turn.knowing(replace(each, state=state, updated_at=turn.at))
    text = say(f"learn.{state}_all", skills=_titles(several, turn))
    return conversation, [
        *effects,
        reply(text, button("progress", "", "progress"), button("next", "", "next_path")),
    ]


def _titles(several: list[LearningPath], turn: Turn) -> str:
    return ", ".join(lessons.title_of(each.skill, turn) for each in several)


def _path_shown(conversation: Conversation, path: LearningPath, turn: Turn) -> Outcome:
    line = _progress_line(path, local_day(conversation, turn.at), turn)
    if path.state == "active" and paths.step(path) is None:
        return conversation, [reply(line, button("next", "", "next_path"), button("learn", "", "learn"))]
    levels = say(
        "learn.levels",
        level=path.current_level,
        target=path.target_level,
        priority=say(f"learn.priority_{path.gap_priority.lower()}"),
        hours=lessons.hours_of(path, conversation),
    )
    choices, onward = [], button("next", "", "next_path")
    if path.state == "active":
        onward = lessons.to_step(path)
        levels = " ".join(filter(None, [levels, lessons.if_alone(turn)]))
        if turn.content.path(path.skill) is not None:
            choices.append(button("level", path.id, "level_change" if path.current_level else "level"))
        choices.append(button("settings", "hours", "hours"))
        choices.append(Choice(id=f"path:{path.id}.paused", label=label("pause_path")))
    else:
        choices.append(Choice(id=f"path:{path.id}.active", label=label("take_up")))
    if path.state != "abandoned":
        choices.append(Choice(id=f"path:{path.id}.abandoned", label=label("abandon")))
    told = "\n\n".join(filter(None, [line, levels, committing.line(conversation, turn, path)]))
    return conversation, [reply(told, *choices, onward)]


def _targeted(conversation: Conversation, path: LearningPath, words: str, turn: Turn) -> Outcome:
    """Another level to reach: above where they are, at most as far as the path goes. Stages join or are left out by it."""
    template = turn.content.path(path.skill)
    number = re.fullmatch(r"\s*(\d{1,3})\s*(?:%|/100)?\s*", words)
    target = int(number[1]) if number else -1
    skill = lessons.title_of(path.skill, turn)
    most = max(paths.TARGET, path.target_level)  # of another service's path: what it set itself
    if not path.current_level < target <= most:
        key = "learn.bad_target" if path.current_level < most else "learn.no_target"
        words = say(key, skill=skill, level=path.current_level, most=most, example=f"{path.skill} to {most}")
        return conversation, [reply(words, button("next", "", "next_path"))]
    plan = lessons.plan_of(path, conversation, turn)
    after = replace(path, target_level=target, updated_at=turn.at)
    if template is not None:
        after = paths.with_target(path, template, target, plan=plan, at=turn.at)
    made = _rows(conversation, after, len(path.stages), turn)
    conversation, _ = committing.kept(conversation, after, turn)
    waits = nudging.waiting(conversation, turn.knowing(after, *made))
    end = lessons.day_text(after.progress.estimated_completion_date)
    told = reply(say("learn.targeted", skill=skill, target=target, end=end), lessons.to_step(path))
    return conversation, [paths.changes(path, after), *map(insert, made), *waits, told]


def hours_given(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """Hours a week in words: every open path is planned anew by them."""
    asked = hours_a_week(text) or 0
    if not paths.FEWEST_HOURS <= asked <= paths.MOST_HOURS:
        limits = {"fewest": paths.FEWEST_HOURS, "most": paths.MOST_HOURS}
        conversation = conversation.without(*ASIDES).pushed(Setting(field="hours"))
        return conversation, [reply(say("learn.bad_hours", **limits), button("cancel", "", "cancel"))]
    hours = floor(asked)
    conversation = conversation.without(Setting).with_profile(hours_a_week=hours)
    effects: list[Effect] = []
    lines = [say("learn.hours_set" if hours == asked else "learn.hours_whole", hours=hours)]
    plan = paths.Plan(hours=hours, today=local_day(conversation, turn.at))
    for path in turn.known.paths:
        after = replace(path, pace=0)  # of one that rests, too: it is taken up again by these hours
        if path.state != "active" or paths.step(path) is None:
            effects += [paths.changes(path, after)] if path.pace else []
        else:
            after = paths.planned(after, plan=plan, at=turn.at)
            effects.append(paths.changes(path, after))
            was, now = (each.progress.estimated_completion_date for each in (path, after))
            if was != now:
                lines.append(
                    say(
                        "learn.end_moved",
                        skill=lessons.title_of(path.skill, turn),
                        was=lessons.day_text(was),
                        now=lessons.day_text(now),
                    )
                )
    if len(lines) > 1 and (alone := lessons.if_alone(turn)):
        lines = [*lines[:4], alone]
    return conversation, [*effects, reply("\n\n".join(lines[:5]), button("next", "", "next_path"))]


def unknown_skill(conversation: Conversation, asked: str, turn: Turn) -> list[Effect]:
    """The nearest ones; what was asked for is counted for the operator."""
    names = turn.content.skill_names()
    close = dict.fromkeys(
        names[name] for name in difflib.get_close_matches(asked.casefold(), names, n=6, cutoff=0.6)
    )
    shown_ = plain(asked[:40])
    wishes = [companies.skill_wish(conversation.student, each, turn.at) for each in _parts(asked)]
    if close:
        return [*wishes, reply(say("learn.unknown", skill=shown_), *_skills(list(close), turn))]
    return [*wishes, choose("unknown_plain", conversation, turn, skill=shown_)]


def _skills(skills: list[str], turn: Turn) -> tuple[Choice, ...]:
    """The student's own paths first, also those that rest."""
    templates = (turn.content.path(path.skill) for path in sorted(turn.known.paths, key=paths.by_priority))
    mine = [each.skill for each in templates if each is not None and each.skill in skills]
    ordered = list(dict.fromkeys([*mine, *skills]))[:MOST_BUTTONS]
    return tuple(
        Choice(id=f"learn:{skill}", label=label("learn_skill", skill=turn.content.paths[skill].title))
        for skill in ordered
    )
