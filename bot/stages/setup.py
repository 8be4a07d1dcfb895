"""From the first hello to the first question, and the set-up of an interview: length, company, role, texts."""

from msgspec.structs import replace

from bot import companies
from bot.bank import Content
from bot.commands import shrugs
from bot.conversation import (
    ASIDES,
    Conversation,
    Earlier,
    Goal,
    InterviewStage,
    Length,
    Planned,
    Session,
    SettingUp,
    Welcome,
)
from bot.documents import CompanyKnowledge, LearningProgress, slug_id
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.paths import Step
from bot.questions import Question
from bot.sentences import counted, say
from bot.stages import interview, lessons, planning, reporting, reviewing
from bot.stages.planning import Aim, Plan

SHORTEST_TEXT = 20  # characters: less is a word to us, not a resume
LONGEST_TEXT = 20_000  # characters of a resume or a job description; a long one has 10,000
LONGEST_NAME = 60  # characters of a company or a role
LONGEST_MESSAGE = 600  # characters: what a phone shows without scrolling
MOST_GAPS = 6  # skills named in one sentence
NO_COMPANY = "General practice"  # stored when the student aims at none: `company` is never null


def start(conversation: Conversation, turn: Turn) -> Outcome:
    """`start` with nothing open: the first time asks the goal, later offers what there is."""
    if conversation.profile.goal:
        on = (button("next", "", "next_path"),) if conversation.chosen_path else ()
        offers = (*on, interview.short_interview(turn), button("learn", "", "learn"))
        return conversation, [
            reply(say("welcome.again"), *offers, button("settings", "goal", "setting_goal"))
        ]
    return conversation.without(*ASIDES).pushed(Welcome()), [reply(say("welcome.hello"), *goal_buttons(turn))]


def goal_buttons(turn: Turn) -> tuple[Choice, ...]:
    """One press says what the student aims for."""
    return tuple(Choice(id=f"goal:{goal.slug}", label=goal.label) for goal in turn.content.goals.values())


def welcomed(conversation: Conversation, goal: Goal, turn: Turn) -> Outcome:
    """The goal is known: the first question at once, in the place of the buttons."""
    conversation = conversation.without(*ASIDES).with_profile(goal=goal)
    return one_question(conversation, turn, greeting=say("welcome.first"))


def one_question(conversation: Conversation, turn: Turn, *, greeting: str = "") -> Outcome:
    """A session of a single question, no set-up."""
    goal = conversation.profile.goal or "any"
    seed, repeated = interview.session_id(conversation, turn), 0
    role = conversation.profile.role or turn.content.goals[goal].role
    if greeting:
        question = planning.opener(goal=goal, seed=seed, asked=turn.known.asked, content=turn.content)
        plan: tuple[Planned, ...] = (
            Planned(question=question, round=turn.content.questions[question].round),
        )
    else:
        aim = _aim(conversation, turn.content.default_company, role, turn)
        drawn = planning.plan(seed=seed, length="one", aim=aim, content=turn.content)
        plan, repeated = drawn.questions, drawn.repeated
    conversation = conversation.without(*ASIDES)
    conversation, effects = interview.begin(
        conversation, turn, length="one", company=NO_COMPANY, role=role, plan=plan
    )
    if repeated:
        effects = [reply(_repeated(repeated)), *effects]
    if not greeting:
        return conversation, effects
    *writes, asked = effects
    assert isinstance(asked, Reply)
    text = f"{greeting}\n\n{asked.message.text}"
    return conversation, [*writes, Reply(message=replace(asked.message, text=text), edit=True)]


def retry(conversation: Conversation, question_id: str, turn: Turn) -> Outcome | None:
    """A question of a report once more, to be compared with the answer given then. None when it cannot be had."""
    if conversation.interview is not None:
        return _one_at_a_time(conversation, conversation.interview)
    answer = reporting.answer_in(turn.known.reports, question_id)
    question = turn.content.question(question_id)
    if answer is None or question is None:
        return None
    return _asked(conversation, question, turn, earlier=Earlier(score=answer.score, found=answer.found))


def question_of(conversation: Conversation, verb: str, subject: str, turn: Turn) -> Outcome:
    """The one question of a retest (`<path>.<stage>`: another one on the topic) or of a coding review (`redo`: a row)."""
    if conversation.interview is not None:
        return _one_at_a_time(conversation, conversation.interview)
    found = _retest(subject, turn) if verb == "retest" else _redo(subject, turn)
    if found is None:
        return conversation, [reply(say("general.old_button"), button("next", "", "next_path"))]
    row, question = found
    if row.card is not None and row.card.due > turn.at:
        return conversation, [reviewing.answered_already(conversation, row.card, turn)]
    return _asked(conversation, question, turn, row=row.id)


def _one_at_a_time(conversation: Conversation, running: InterviewStage) -> Outcome:
    """Another interview is wanted: the one that is open comes first."""
    return conversation.lifted(), [reply(say("interview.one_at_a_time")), interview.again(running)]


def _asked(
    conversation: Conversation,
    question: Question,
    turn: Turn,
    *,
    earlier: Earlier | None = None,
    row: str = "",
) -> Outcome:
    """An interview of this one question."""
    role = conversation.profile.role or turn.content.goals[conversation.profile.goal or "any"].role
    return interview.begin(
        conversation.without(*ASIDES),
        turn,
        length="one",
        company=NO_COMPANY,
        role=role,
        plan=(Planned(question=question.id, round=question.round),),
        earlier=earlier,
        row=row,
    )


def _retest(subject: str, turn: Turn) -> tuple[LearningProgress, Question] | None:
    """Another question on the topic of a stage, not asked of late if there is one."""
    path, stage = lessons.addressed(subject, turn)
    if path is None or stage is None or not stage.topic or stage.status == "completed":
        return None
    row = lessons.row_of(path, Step(kind="retest", stage=stage), turn)
    others = [
        e for e in turn.content.questions.values() if e.topic == stage.topic and e.id != stage.question_id
    ]
    if row is None or not others:
        return None
    drawn = min(others, key=lambda each: (each.id in turn.known.asked, slug_id(turn.event.id, each.id)))
    return row, drawn


def _redo(row_id: str, turn: Turn) -> tuple[LearningProgress, Question] | None:
    row = turn.row(row_id)
    question = turn.content.question(row.card.item) if row is not None and row.card is not None else None
    return (row, question) if row is not None and question is not None else None


def interview_wanted(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`interview`, "mock interview at Google", or a length's button."""
    running = conversation.interview
    if running is not None:
        return _one_at_a_time(conversation, running)
    setting_up = next((stage for stage in conversation.stages if isinstance(stage, SettingUp)), None)
    conversation = conversation.without(*ASIDES)
    if (
        setting_up is not None
        and setting_up.step in ("company", "role")
        and turn.content.company_in(argument)
    ):
        return company_chosen(conversation.pushed(setting_up), setting_up, argument, turn)
    match argument.lower():
        case "one":
            return one_question(conversation, turn)
        case "short":
            return _ask_company(conversation, SettingUp(step="length", length="short"), turn)
        case "full":
            return _ask_company(conversation, SettingUp(step="length", length="full"), turn)
    stage = SettingUp(step="length", company=argument[:LONGEST_NAME])
    return conversation.pushed(stage), [reply(_length_text(turn), *_length_buttons(turn))]


def again(stage: SettingUp, conversation: Conversation, turn: Turn) -> Reply:
    """The set-up question that is open, asked once more."""
    match stage.step:
        case "length":
            return reply(_length_text(turn), *_length_buttons(turn))
        case "company":
            return reply(say("setup.company"), *_company_buttons(conversation, turn))
        case "role":
            return reply(say("setup.role"), *_role_buttons(conversation, stage, turn))
        case "resume":
            return reply(say("setup.resume"), *_text_buttons("cv", conversation.profile.resume_text))
        case "jd":
            return reply(say("setup.jd"), *_text_buttons("jd", conversation.profile.jd_text))


def said(conversation: Conversation, stage: SettingUp, text: str, turn: Turn) -> Outcome:
    """An answer in words to the open set-up question."""
    if stage.step != "length" and shrugs(text):
        return skipped(conversation, stage, turn)
    match stage.step:
        case "length":
            word = next((each for each in ("short", "full", "one") if each in text.lower().split()), None)
            if word is None:
                text = say("setup.one_of_these") + "\n\n" + _length_text(turn)
                return conversation, [reply(text, *_length_buttons(turn))]
            return length_chosen(conversation, stage, length_of(word), turn)
        case "company":
            return company_chosen(conversation, stage, text, turn)
        case "role":
            return role_chosen(conversation, stage, text, turn)
        case "resume" | "jd":
            return text_given(conversation, stage, text, turn)


def skipped(conversation: Conversation, stage: SettingUp, turn: Turn) -> Outcome:
    """`skip` takes the first button of the step."""
    match stage.step:
        case "length":
            return length_chosen(conversation, stage, "short", turn)
        case "company":
            return company_chosen(conversation, stage, "", turn)
        case "role":
            return role_chosen(conversation, stage, _default_role(conversation, turn), turn)
        case "resume" | "jd":
            return text_given(conversation, stage, None, turn)


def length_chosen(conversation: Conversation, stage: SettingUp, length: Length, turn: Turn) -> Outcome:
    """Short and full go on to the company; one question starts at once."""
    if length == "one":
        return one_question(conversation, turn)
    chosen = replace(stage, length=length)
    conversation = conversation.without(SettingUp)
    if chosen.company:  # "mock interview at Google" named it already
        return company_chosen(conversation.pushed(chosen), chosen, chosen.company, turn)
    return _ask_company(conversation, chosen, turn)


def company_chosen(conversation: Conversation, stage: SettingUp, name: str, turn: Turn) -> Outcome:
    """A known company by any alias, an unknown one with the usual pattern, or none; then the role."""
    name = " ".join(name.split())[:LONGEST_NAME]
    known = turn.content.company_in(name)
    company = known.company if known else name
    chosen = replace(stage, step="role", company=company)
    conversation = conversation.swapped(stage, chosen).with_profile(company=company)
    notes, writes = [], list[Effect]()
    if known:
        notes.append(companies.about(known, turn.content.default_company, turn.at.date()))
    elif name:
        notes.append(say("setup.unknown_company", company=plain(name)))
        writes.append(companies.wish(conversation.student, name, turn.at))
    text = "\n\n".join([*notes, say("setup.role")])
    return conversation, [*writes, reply(text, *_role_buttons(conversation, chosen, turn))]


def role_chosen(conversation: Conversation, stage: SettingUp, role: str, turn: Turn) -> Outcome:
    """Then the resume."""
    role = " ".join(role.split())[:LONGEST_NAME]
    chosen = replace(stage, step="resume", role=role)
    conversation = conversation.swapped(stage, chosen).with_profile(role=role)
    return conversation, [again(chosen, conversation, turn)]


def text_given(conversation: Conversation, stage: SettingUp, text: str | None, turn: Turn) -> Outcome:
    """A resume or job description (None: go without). After the second the interview begins."""
    if text is not None and len(text) < SHORTEST_TEXT:
        return conversation, [reply(say("setup.too_short")), again(stage, conversation, turn)]
    if text is not None and len(text) > LONGEST_TEXT:
        return conversation, [reply(say("setup.too_long", length=len(text), limit=LONGEST_TEXT))]
    if stage.step == "resume":
        following = replace(stage, step="jd")
        conversation = conversation.swapped(stage, following).with_profile(resume_text=text)
        return conversation, [again(following, conversation, turn)]
    return _begin(conversation.with_profile(jd_text=text), stage, turn)


def text_kept(conversation: Conversation, stage: SettingUp, turn: Turn) -> Outcome:
    """The text sent for an earlier interview is used again."""
    kept = conversation.profile.resume_text if stage.step == "resume" else conversation.profile.jd_text
    return text_given(conversation, stage, kept, turn)


def pattern_of(name: str, turn: Turn) -> CompanyKnowledge:
    """How this company interviews, as far as it can be gone by; the usual pattern where nobody knows."""
    return companies.believed(turn.content.company(name), turn.content.default_company, turn.at.date())


def _begin(conversation: Conversation, stage: SettingUp, turn: Turn) -> Outcome:
    seed = interview.session_id(conversation, turn)
    aim = _aim(conversation, pattern_of(stage.company, turn), stage.role, turn)
    plan = planning.plan(seed=seed, length=stage.length, aim=aim, content=turn.content)
    company = stage.company or NO_COMPANY
    asked = [turn.content.question(each.question) for each in plan.questions]
    opening = say(
        "setup.begin",
        company=plain(company),
        role=plain(stage.role),
        questions=counted(len(asked), "question"),
        minutes=sum(question.minutes for question in asked if question),
    )
    conversation, effects = interview.begin(
        conversation.without(SettingUp),
        turn,
        length=stage.length,
        company=company,
        role=stage.role,
        plan=plan.questions,
    )
    other = "relaxed" if conversation.profile.pace == "timed" else "timed"
    return conversation, [_opening(opening, plan, aim, seed, turn, other=other), *effects]


def _aim(conversation: Conversation, company: CompanyKnowledge, role: str, turn: Turn) -> Aim:
    profile = conversation.profile
    return Aim(
        company=company,
        goal=profile.goal,
        role=role,
        resume=profile.resume_text or "",
        jd=profile.jd_text or "",
        asked=turn.known.asked,
        ratings=conversation.ratings,
    )


def _opening(begin: str, plan: Plan, aim: Aim, session: str, turn: Turn, *, other: str) -> Reply:
    """What comes, what the resume lacks, and why each topic is asked; under a button where it would not fit. `other`:
    the pace it does not go by."""
    parts = [begin]
    if plan.repeated:
        parts.append(_repeated(plan.repeated))
    if plan.gaps:
        parts.append(_gaps(plan, aim))
    whole = "\n\n".join([*parts, _reasons(plan.questions, turn.content)])
    clock = button("pace", f"{session}.{other}", f"pace_{other}")
    if len(whole) <= LONGEST_MESSAGE:
        return reply(whole, clock)
    return reply("\n\n".join(parts), button("plan", session, "plan"), clock)


def reasons(session: Session, turn: Turn) -> Reply:
    """Why each topic is in the plan, once more."""
    return reply(_reasons(session.plan, turn.content))


def _repeated(number: int) -> str:
    return say("plan.repeated", questions=counted(number, "question"))


def _gaps(plan: Plan, aim: Aim) -> str:
    named = ", ".join(plain(title) for title in plan.gaps[:MOST_GAPS])
    if len(plan.gaps) > MOST_GAPS:
        named += say("plan.more", number=len(plan.gaps) - MOST_GAPS)
    return say(f"plan.gaps_{plan.gaps_in}", skills=named, role=plain(aim.role))


def _reasons(plan: tuple[Planned, ...], content: Content) -> str:
    """A line a topic."""
    lines: dict[str, str] = {}
    for planned in plan:
        question = content.question(planned.question)
        if question is not None:
            why = say(f"plan.why_{planned.why or 'chance'}", what=plain(planned.what))
            lines.setdefault(question.topic, say("plan.line", topic=question.topic_title, why=why))
    return "\n".join(f"- {line}" for line in lines.values())


def _ask_company(conversation: Conversation, stage: SettingUp, turn: Turn) -> Outcome:
    asked = replace(stage, step="company")
    return conversation.without(SettingUp).pushed(asked), [again(asked, conversation, turn)]


def _length_text(turn: Turn) -> str:
    return say(
        "setup.length",
        short_questions=counted(planning.questions_in("short"), "question"),
        short_minutes=planning.minutes_in("short", turn.content),
        full_questions=counted(planning.questions_in("full"), "question"),
        full_minutes=planning.minutes_in("full", turn.content),
        one_minutes=planning.minutes_in("one", turn.content),
    )


def _length_buttons(turn: Turn) -> tuple[Choice, ...]:
    return (
        button("interview", "short", "short", minutes=planning.minutes_in("short", turn.content)),
        button("interview", "full", "full", minutes=planning.minutes_in("full", turn.content)),
        button("interview", "one", "one"),
        button("cancel", "", "cancel"),
    )


def _company_buttons(conversation: Conversation, turn: Turn) -> tuple[Choice, ...]:
    """No company first; then the one aimed at last time, and well-known ones."""
    last = turn.content.company(conversation.profile.company)
    names = dict.fromkeys([*([last.slug] if last else []), *turn.content.companies])
    shown = [turn.content.companies[slug] for slug in list(names)[:4]]
    return (
        button("company", "", "company_none"),
        *(button("company", each.slug, "company_keep", company=each.company[:24]) for each in shown),
    )


def _default_role(conversation: Conversation, turn: Turn) -> str:
    return conversation.profile.role or turn.content.goals[conversation.profile.goal or "any"].role


def roles(conversation: Conversation, stage: SettingUp, turn: Turn) -> tuple[str, ...]:
    """The roles offered as buttons; a button's id is the place in this list."""
    names = [_default_role(conversation, turn), *pattern_of(stage.company, turn).roles]
    return tuple(dict.fromkeys(names))[:4]


def _role_buttons(conversation: Conversation, stage: SettingUp, turn: Turn) -> tuple[Choice, ...]:
    offered = roles(conversation, stage, turn)
    return tuple(button("role", str(place), "role", role=role[:24]) for place, role in enumerate(offered))


def _text_buttons(verb: str, kept: str | None) -> tuple[Choice, ...]:
    none = button(verb, "none", "cv_none")
    return (button(verb, "keep", "cv_keep"), none) if kept else (none,)


def length_of(word: str) -> Length:
    """The length a button or a word names; anything unknown is one question."""
    return "short" if word == "short" else "full" if word == "full" else "one"
