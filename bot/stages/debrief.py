"""A real interview: its day is noted, and afterwards the student is asked, with buttons, what there was.

Decides only. What the answers of many come to is in `companies`; where a single one is kept, `company_observations`.
"""

import re
from datetime import datetime, time, timedelta

from msgspec.structs import replace

from bot import companies
from bot.clock import after_quiet, at_local, local_day, next_reminder, nudged_enough, shown, zone_of
from bot.conversation import ASIDES, ConfirmingForget, Conversation, Debriefing, Expected, Expecting, Paused
from bot.days import day_in
from bot.documents import CompanyKnowledge, CompanyObservation, CompanyRound, insert, slug_id, update
from bot.effects import Effect, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.sentences import say

ASK_AFTER = timedelta(hours=1)  # of silence: not in the middle of something else
LONGEST_NAME = 60  # characters of a company

_AT = re.compile(  # who it was with, up to what is said of the day
    r"\b(?:at|with)\s+(?!\d|(?:home|noon|night|campus|college|the|my|an?)\b)(.+?)(?=\s+(?:is|was|went|on|in|this|next|last|today|tomorrow|yesterday)\b|[.,;!?]|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ANSWERS = {
    **dict.fromkeys(("yes", "y", "yep", "yeah"), "yes"),
    **dict.fromkeys(("no", "n", "nope"), "no"),
    **dict.fromkeys(("don't know", "dont know", "i don't know", "not sure", "skip", "idk"), "skip"),
}


def named(text: str, turn: Turn) -> CompanyKnowledge | None:
    """The known company that a text names: after "at" or "with", else anywhere."""
    if (after := _AT.search(text)) and (found := turn.content.company_in(after[1])):
        return found
    words = text.split()
    return next(
        (found for at in range(len(words)) if (found := turn.content.company_in(" ".join(words[at:])))), None
    )


def begin(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """ "I had my interview at Google": the first question, or where it was."""
    company = named(argument, turn)
    conversation = conversation.without(*ASIDES)
    if company is not None:
        return _asked(conversation, company, turn)
    if name := _unknown_name(argument, turn):
        return conversation, _unknown(conversation, name, turn)
    return conversation.pushed(Debriefing()), [again(Debriefing(), turn)]


def expect(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """ "My interview at Google is on Friday": noted, and asked about the day after. What lacks is asked for."""
    today = local_day(conversation, turn.at)
    company, day = named(argument, turn), day_in(argument, today)
    conversation = conversation.without(*ASIDES)
    if company is None and (typed := _unknown_name(argument, turn)):
        return conversation, _unknown(conversation, typed, turn)
    if company is None or day is None:
        stage = Expecting(company=company.slug if company else "")
        return conversation.pushed(stage), [again(stage, turn)]
    if day < today:
        return _asked(conversation, company, turn)
    name, practise = plain(company.company), button("interview", company.slug, "practise")
    if not conversation.profile.reminders:
        return conversation, [reply(say("debrief.reminders_off", company=name), practise)]
    zone = zone_of(conversation)
    wall = datetime.combine(day + timedelta(days=1), time(conversation.profile.reminder_hour))
    due = after_quiet(conversation, at_local(zone, wall))
    when = shown(zone, due, turn.at)
    conversation = replace(conversation, expected=Expected(company=company.slug, due=due))
    return conversation, [reply(say("debrief.expected", company=name, when=when), practise)]


def failed(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """A real one that did not go well: a word of comfort, then what helps. Nothing is asked of them."""
    company = named(text, turn)
    offers = (
        button("interview", "", "interview"),
        button("debrief", company.slug if company else "", "had_interview"),
    )
    return conversation, [reply(say("debrief.failed"), *offers)]


def said(conversation: Conversation, stage: Expecting | Debriefing, text: str, turn: Turn) -> Outcome:
    """An answer in words."""
    if not stage.company and named(text, turn) is None:
        text = f"at {text}"
    if isinstance(stage, Expecting):
        return expect(conversation, f"{text} {_name(stage.company, turn)}".strip(), turn)
    if not stage.company:
        return begin(conversation, text, turn)
    verdict = _ANSWERS.get(text.strip().rstrip(".!").lower())
    if verdict is None:
        return conversation, [reply(say("debrief.one_of_these")), again(stage, turn)]
    return answered(conversation, stage, verdict, turn)


def answered(conversation: Conversation, stage: Debriefing, verdict: str, turn: Turn) -> Outcome:
    """Yes and no are kept; a round there was leads to a question about its topics."""
    company = turn.content.companies.get(stage.company)
    pattern = _pattern(stage, turn)
    if company is None or pattern is None:  # the company has left the content meanwhile
        return conversation.swapped(stage, None), [reply(say("debrief.thanks", students=companies.ENOUGH))]
    kind, left = stage.left[0].partition("/")[0], stage.left[1:]
    if kind == "round" and verdict == "yes":
        left = (*left, f"topics/{pattern.round}")
    fact = companies.round_fact(pattern) if kind == "round" else companies.topics_fact(pattern)
    writes = _kept(conversation.student, company.slug, fact, verdict, turn.at)
    if not left:
        thanks = reply(say("debrief.thanks", students=companies.ENOUGH), edit=True)
        return conversation.swapped(stage, None), [*writes, thanks]
    following = replace(stage, left=left)
    question = replace(again(following, turn), edit=True)
    return conversation.swapped(stage, following), [*writes, question]


def again(stage: Expecting | Debriefing, turn: Turn) -> Reply:
    """The open question."""
    cancel = button("cancel", "", "cancel")
    if isinstance(stage, Expecting):
        if stage.company:
            return reply(say("debrief.which_day", company=plain(_name(stage.company, turn))), cancel)
        return reply(say("debrief.when"), cancel)
    pattern = _pattern(stage, turn)
    if pattern is None:
        return reply(say("debrief.which"), cancel)
    name, round_ = plain(_name(stage.company, turn)), say(f"rounds.{pattern.round}").lower()
    if stage.left[0].startswith("round/"):
        text = say("debrief.round", company=name, round=round_)
    else:
        text = say("debrief.topics", round=round_, topics=_topics(pattern, turn))
    verdicts = (("yes", "yes"), ("no", "no"), ("skip", "no_idea"))
    choices = (
        Choice(id=f"seen:{stage.company}/{stage.left[0]}/{verdict}", label=say(f"labels.{label}"))
        for verdict, label in verdicts
    )
    return reply(text, *choices, cancel)


def is_about(stage: Debriefing, subject: str) -> bool:
    """Whether a button belongs to the open question."""
    return bool(stage.left) and subject.rpartition("/")[0] == f"{stage.company}/{stage.left[0]}"


def wake_at(conversation: Conversation) -> datetime | None:
    """When to ask about an interview that was told of: never in quiet hours, in a snooze or while one of ours runs."""
    waiting, profile = conversation.expected, conversation.profile
    running = conversation.interview is not None and not isinstance(conversation.interview, Paused)
    if waiting is None or running or not profile.reminders or conversation.unreachable:
        return None
    due = max(waiting.due, profile.snoozed_until or waiting.due)
    if conversation.seen_at is not None:
        due = max(due, conversation.seen_at + ASK_AFTER)
    return after_quiet(conversation, due)


def woke(conversation: Conversation, turn: Turn) -> Outcome:
    """The interview is over: ask once. In quiet hours (the sweep was late), or after today's nudge, later."""
    waiting, due = conversation.expected, wake_at(conversation)
    if waiting is None or due is None or turn.at < due:
        return conversation, []
    later = after_quiet(conversation, turn.at)
    if nudged_enough(conversation, turn.at):
        later = next_reminder(conversation, turn.at)
    if later > turn.at:
        return replace(conversation, expected=replace(waiting, due=later)), []
    company = turn.content.companies.get(waiting.company)
    conversation = replace(conversation, expected=None)
    if company is None:
        return conversation, []
    today = local_day(conversation, turn.at)
    resting = conversation.without(Expecting, Debriefing, ConfirmingForget).with_profile(nudged_on=today)
    conversation, effects = _asked(resting, company, turn)  # a set-up that was left open waits beneath
    return conversation, [
        replace(each, kind="nudge") if isinstance(each, Reply) else each for each in effects
    ]


def _asked(conversation: Conversation, company: CompanyKnowledge, turn: Turn) -> Outcome:
    """The first of at most six questions: three rounds, and the topics of those there were."""
    left = tuple(f"round/{pattern.round}" for pattern in company.rounds)
    stage = Debriefing(company=company.slug, left=left)
    question = again(stage, turn)
    text = say("debrief.hello", company=plain(company.company)) + "\n\n" + question.message.text
    told = replace(question, message=replace(question.message, text=text))
    if conversation.expected is not None and conversation.expected.company == company.slug:
        conversation = replace(conversation, expected=None)
    return conversation.pushed(stage), [told]


def _unknown_name(text: str, turn: Turn) -> str | None:
    """The name after "at" or "with"; a day is none."""
    found = _AT.search(text)
    return found[1] if found and day_in(found[1], turn.at.date()) is None else None


def _unknown(conversation: Conversation, name: str, turn: Turn) -> list[Effect]:
    name = " ".join(name.split())[:LONGEST_NAME]
    wish = companies.wish(conversation.student, name, turn.at)
    return [wish, reply(say("debrief.unknown", company=plain(name)))]


def _kept(student: str, company: str, fact: str, verdict: str, at: datetime) -> list[Effect]:
    """One document a student, company and fact: who answers again says it in the place of what they said."""
    if verdict not in ("yes", "no"):
        return []
    key, seen = slug_id("observation", student, company, fact), verdict == "yes"
    document = CompanyObservation(
        id=key, student_id=student, company=company, fact=fact, seen=seen, created_at=at
    )
    return [insert(document), update(CompanyObservation, key, seen=seen, created_at=at)]


def _pattern(stage: Debriefing, turn: Turn) -> CompanyRound | None:
    """The round the open question is about, as the company's own knowledge has it."""
    company = turn.content.companies.get(stage.company)
    if company is None or not stage.left:
        return None
    return next(each for each in company.rounds if each.round == stage.left[0].partition("/")[2])


def _topics(pattern: CompanyRound, turn: Turn) -> str:
    titles = {each.topic: each.topic_title for each in turn.content.questions.values()}
    *some, last = [titles.get(topic, topic) for topic in pattern.topics[: companies.NAMED_TOPICS]]
    return f"{', '.join(some)} or {last}" if some else last


def _name(slug: str, turn: Turn) -> str:
    company = turn.content.companies.get(slug)
    return company.company if company else slug
