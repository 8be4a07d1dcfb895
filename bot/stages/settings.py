"""Settings, reminders, time zone, and being forgotten. Decides only."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot import times, zones
from bot.clock import is_quiet, knows_zone, reminder_hours
from bot.commands import shrugs
from bot.conversation import ASIDES, ConfirmingForget, Conversation, Goal, Profile, Setting
from bot.days import WEEKDAYS
from bot.documents import Student, update
from bot.effects import Effect, Forget, Outcome, Reply, Turn, button, reply
from bot.messages import Choice, plain
from bot.sentences import label, say
from bot.stages import nudging, setup

FIELDS = ("goal", "company", "role", "resume", "jd", "hour", "zone", "city", "hours")
_HOURS = (8, 13, 18, 20)  # offered as buttons
_NOON = 12


def show(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """`settings`: all of them with a button each; `settings hour`: asks for that one."""
    if argument in FIELDS:
        return ask(conversation, argument, turn)
    if argument == "texts":
        choices = (button("settings", name, f"setting_{name}") for name in ("resume", "jd"))
        return conversation, [reply(say("settings.texts"), *choices, button("cancel", "", "cancel"))]
    if argument == "times":
        choices = (button("settings", name, f"setting_{name}") for name in ("hour", "zone", "hours"))
        return conversation, [reply(say("settings.times"), *choices, button("cancel", "", "cancel"))]
    profile = conversation.profile
    none = say("settings.none")
    goal = turn.content.goals.get(profile.goal)
    text = say(
        "settings.show",
        goal=goal.label if goal else none,
        company=plain(profile.company) or none,
        role=plain(profile.role) or none,
        pace=say(f"settings.pace_{profile.pace}"),
        reminders=f"{profile.reminder_hour}:00" if profile.reminders else say("settings.off"),
        zone=profile.zone or say("settings.zone_unknown"),
        resume=say("settings.kept") if profile.resume_text else none,
        jd=say("settings.kept") if profile.jd_text else none,
    )
    names = ("goal", "company", "role", "texts", "times")
    other = "relaxed" if profile.pace == "timed" else "timed"
    choices = (button("settings", name, f"setting_{name}") for name in names)
    return conversation, [reply(text, *choices, button("pace", f".{other}", f"pace_{other}"))]


def ask(conversation: Conversation, field: str, turn: Turn, *, skill: str = "") -> Outcome:
    """Ask for one setting; what was open stays beneath. `skill`: the path that waits for the hour."""
    conversation = conversation.without(*ASIDES)
    stage = _zone_question(conversation) if field == "zone" else Setting(field=field, skill=skill)  # type: ignore[arg-type]  # FIELDS
    return conversation.pushed(stage), [again(stage, turn)]


def zone_needed(conversation: Conversation, turn: Turn) -> Outcome:
    """Ask for the zone once, when the first reminder is planned."""
    profile = conversation.profile
    if profile.zone or profile.zone_asked or not profile.reminders:
        return conversation, []
    stage = _zone_question(conversation)
    conversation = conversation.without(*ASIDES).with_profile(zone_asked=True).pushed(stage)
    return conversation, [again(stage, turn)]


def again(stage: Setting, turn: Turn) -> Reply:
    """The setting that is asked for, once more."""
    match stage.field:
        case "goal":
            return reply(say("settings.goal"), *setup.goal_buttons(turn))
        case "hour":
            hours = (button("hour", str(hour), "hour", hour=hour) for hour in _HOURS)
            return reply(say("settings.hour"), *hours, button("reminders", "off", "reminders_off"))
        case "zone":
            time = turn.at.astimezone(ZoneInfo(stage.guess)).strftime("%H:%M")
            choices = (
                button("zone", stage.guess, "yes"),
                button("zone", "no", "no"),
                button("zone", "skip", "skip"),
            )
            return reply(say("settings.zone", time=time), *choices)
        case "city":
            return reply(say("settings.city"), button("zone", "skip", "city_skip"))
        case "resume" | "jd":
            none = Choice(id=f"{'cv' if stage.field == 'resume' else 'jd'}:none", label=label("cv_none"))
            return reply(say(f"settings.{stage.field}"), none, button("cancel", "", "cancel"))
        case "hours" | "until" | "commitment":
            return reply(say(f"settings.{stage.field}"), button("cancel", "", "cancel"))
        case "company":
            real = (button("expect", "", "have_date"), button("debrief", "", "had_interview"))
            return reply(say("settings.company"), *real, button("cancel", "", "cancel"))
        case "role":
            return reply(say("settings.role"), button("cancel", "", "cancel"))


def said(conversation: Conversation, stage: Setting, text: str, turn: Turn) -> Outcome:
    """An answer in words to a setting that was asked for."""
    match stage.field:
        case "hour":
            return rhythm_given(conversation, text, turn)
        case "zone":
            if text.strip().lower() in ("yes", "y", "yep", "yeah"):
                return zone_chosen(conversation, stage.guess, turn)
            if text.strip().lower() in ("no", "n", "nope"):
                return zone_chosen(conversation, "no", turn)
            return city(conversation, text, turn)
        case "city":
            return city(conversation, text, turn)
        case "company":
            if shrugs(text):
                return _saved(conversation.with_profile(company=""), turn)
            known = turn.content.company(text)
            name = known.company if known else " ".join(text.split())[: setup.LONGEST_NAME]
            return _saved(conversation.with_profile(company=name), turn)
        case "role":
            text = "" if shrugs(text) else text
            return _saved(conversation.with_profile(role=" ".join(text.split())[: setup.LONGEST_NAME]), turn)
        case "resume" | "jd":
            return text_given(conversation, stage, text, turn)
        case "hours" | "until" | "commitment":  # of learning: the engine takes their answers there
            return conversation, [again(stage, turn)]
        case "goal":
            goal = next(
                (
                    g.slug
                    for g in turn.content.goals.values()
                    if text.strip().lower() in (g.slug, g.label.lower())
                ),
                None,
            )
            return goal_chosen(conversation, goal, turn) if goal else (conversation, [again(stage, turn)])


def text_given(conversation: Conversation, stage: Setting, text: str | None, turn: Turn) -> Outcome:
    """A new resume or job description; None removes it."""
    if text is not None and len(text) > setup.LONGEST_TEXT:
        return conversation, [reply(say("setup.too_long", length=len(text), limit=setup.LONGEST_TEXT))]
    changes = {"resume_text" if stage.field == "resume" else "jd_text": text}
    return _saved(conversation.with_profile(**changes), turn)


def goal_chosen(conversation: Conversation, goal: Goal, turn: Turn) -> Outcome:
    """A new goal, outside the first hello."""
    return _saved(conversation.with_profile(goal=goal), turn)


def reminders(conversation: Conversation, argument: str, turn: Turn) -> Outcome:
    """Show the reminders, switch them, or set when they come."""
    word = argument.lower()
    if word == "on":
        conversation = conversation.with_profile(reminders=True, snoozed_until=None)
    elif word == "off":
        return turned_off(conversation)
    elif argument:
        return rhythm_given(conversation, argument, turn)
    if not conversation.profile.reminders:
        return conversation, [are_off()]
    return conversation, [_reminders_on(conversation, turn)]


def turned_off(conversation: Conversation) -> Outcome:
    """No reminders until they are wanted again."""
    conversation = conversation.without(Setting).with_profile(reminders=False, snoozed_until=None)
    return conversation, [reply(say("reminders.turned_off"), button("reminders", "on", "reminders_on"))]


def rhythm_given(conversation: Conversation, words: str, turn: Turn) -> Outcome:
    """An hour, days, how often, in words or from a button: all of it is set, or nothing. Then the zone, when it is not
    known yet and an hour was named."""
    found = times.wanted(words)
    if found is None:
        return _not_understood(conversation, words)
    days = set(found.days or conversation.profile.nudge_days) - set(found.without)
    if found.off or not days:
        return turned_off(conversation)
    conversation = conversation.without(Setting).with_profile(
        nudge_days="".join(sorted(days)),
        nudges_a_day=found.a_day or conversation.profile.nudges_a_day,
        nudge_every=found.every or conversation.profile.nudge_every,
        reminders=True,
    )
    if not found.hours:
        return conversation, [_reminders_on(conversation, turn)]
    conversation, note = _at_hour(conversation, found)
    alone = found == times.Wanted(hours=found.hours, spoken=found.spoken, cut=found.cut)
    cut = say("reminders.on_the_hour", hours=_hours(conversation)) if found.cut and not note else ""
    if not knows_zone(conversation):
        return _city_needed(conversation, note or cut, turn, alone=alone)
    conversation, asked = zone_needed(conversation, turn)
    noted = [reply(note, button("settings", "hour", "other_time"))] if note else []
    if alone and (note or asked):
        told = [reply(cut)] if cut else []
    else:
        told = [_reminders_on(conversation, turn, first=cut)]
    return conversation, [*noted, *told, *asked]


def _not_understood(conversation: Conversation, words: str) -> Outcome:
    """Nothing is set; where nothing else is open, the next words are the answer."""
    odd = times.no_hour(words)
    text = say("reminders.bad_rhythm") if odd is None else say("reminders.bad_hour", hour=odd)
    told = reply(text, button("settings", "hour", "setting_hour"))
    return (conversation.pushed(Setting(field="hour")) if conversation.floor is None else conversation), [
        told
    ]


def _city_needed(conversation: Conversation, note: str, turn: Turn, *, alone: bool) -> Outcome:
    """What is set, as far as it can be told without a zone, and the city is asked for. `alone`: nothing but an hour."""
    lines = [note] if note else []
    if not alone:
        lines.append(say("reminders.often", often=how_often(conversation)))
        lines += [say("reminders.on_days", days=days)] if (days := _on_days(conversation)) else []
    stage = _zone_question(conversation)
    conversation = conversation.without(*ASIDES).with_profile(zone_asked=True).pushed(stage)
    lines.append(say("settings.city_for_hour", hour=conversation.profile.reminder_hour))
    return conversation, [reply(" ".join(lines), *again(stage, turn).message.choices)]


def _at_hour(conversation: Conversation, found: times.Wanted) -> tuple[Conversation, str]:
    """With the reminder hour, and word of it where it is not just what they named."""
    profile = conversation.profile
    hour = found.hours[-1]
    if found.spoken and hour < _NOON and _quiet(profile, hour) and not _quiet(profile, hour + _NOON):
        hour += _NOON  # "half past 7" to one who sleeps at that time of the morning
    if _quiet(profile, hour):
        quiet = {"quiet_from": profile.quiet_from, "quiet_to": profile.quiet_to}
        note = say("reminders.hour_quiet", hour=hour, **quiet)
        return conversation.with_profile(reminder_hour=profile.quiet_to), note
    conversation = conversation.with_profile(reminder_hour=hour)
    if len(found.hours) > 1 and reminder_hours(conversation.profile) != list(found.hours):
        return conversation, say("reminders.hours_spread", hours=_hours(conversation))
    return conversation, ""


def _quiet(profile: Profile, hour: int) -> bool:
    return is_quiet(profile, ZoneInfo("UTC"), datetime(2000, 1, 1, hour, tzinfo=UTC))


def how_often(conversation: Conversation) -> str:
    """ "at most once a day", "at most every 2 days"."""
    profile = conversation.profile
    if profile.nudge_every > 1:
        return say("reminders.every", days=profile.nudge_every)
    if profile.nudges_a_day > 1:
        return say("reminders.times", times=profile.nudges_a_day)
    return say("reminders.daily")


def when_i_write(conversation: Conversation) -> str:
    """How often, at what hours and on which days, as it is: without a zone nobody knows what hour it is there."""
    profile = conversation.profile
    quiet = {"quiet_from": profile.quiet_from, "quiet_to": profile.quiet_to}
    if knows_zone(conversation):
        words = say("nudge.why_often", often=how_often(conversation), hours=_hours(conversation), **quiet)
    else:
        words = say("nudge.why_often_unknown", often=how_often(conversation))
    days = _on_days(conversation)
    return f"{words} {say('reminders.on_days', days=days)}" if days else words


def are_off() -> Reply:
    """Nothing is sent anyway."""
    return reply(say("reminders.off"), button("reminders", "on", "reminders_on"))


def _hours(conversation: Conversation) -> str:
    return say("reminders.and").join(f"{hour}:00" for hour in reminder_hours(conversation.profile))


def _on_days(conversation: Conversation) -> str:
    days = conversation.profile.nudge_days
    return (
        ""
        if len(days) == len(WEEKDAYS)
        else ", ".join(say(f"weekdays.{WEEKDAYS[int(each)]}") for each in days)
    )


def zone_chosen(conversation: Conversation, choice: str, turn: Turn) -> Outcome:
    """The answer to "is it 23:52 for you?": a zone's name, no, or skip."""
    if choice == "no":
        stage = Setting(field="city")
        return conversation.without(Setting).pushed(stage), [again(stage, turn)]
    if choice == "skip" or not zones.exists(choice):
        return conversation.without(Setting), [reply(say("settings.zone_skipped"))]
    conversation = conversation.without(Setting).with_profile(zone=choice, zone_asked=True)
    return conversation, [reply(say("settings.zone_set", zone=choice)), _reminders_on(conversation, turn)]


def city(conversation: Conversation, text: str, turn: Turn) -> Outcome:
    """A city or zone in words: its clock is shown for a yes; a typo gets the nearest names."""
    zone = zones.find(text)
    if zone is not None:
        time = turn.at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        stage = Setting(field="zone", guess=zone)
        choices = (button("zone", zone, "yes"), button("zone", "no", "no"), button("zone", "skip", "skip"))
        return conversation.without(Setting).pushed(stage), [
            reply(say("settings.zone_short", time=time), *choices)
        ]
    named = plain(" ".join(text.split())[:40])
    close = zones.closest(text)
    choices_close = [Choice(id=f"zone:{each}", label=name[:24]) for name, each in close]
    key = "settings.city_close" if close else "settings.city_unknown"
    return conversation, [reply(say(key, city=named), *choices_close, button("zone", "skip", "city_skip"))]


def forget(conversation: Conversation, argument: str) -> Outcome:
    """Asked twice; the second time everything is erased."""
    if argument == "no":
        return conversation.without(ConfirmingForget), [reply(say("forget.kept"))]
    if not isinstance(conversation.floor, ConfirmingForget):
        choices = (button("forget", "yes", "forget_yes"), button("forget", "no", "forget_no"))
        return conversation.without(*ASIDES).pushed(ConfirmingForget()), [reply(say("forget.ask"), *choices)]
    return conversation, [Forget(), reply(say("forget.erased"))]


def mirrored(before: Conversation, after: Conversation, turn: Turn) -> list[Effect]:
    """What other services may read of the settings, written when it changed."""
    was, now = before.profile, after.profile
    if (was.goal, was.zone, was.reminder_hour) == (now.goal, now.zone, now.reminder_hour):
        return []
    changed = {"goal": now.goal, "zone": now.zone, "reminder_hour": now.reminder_hour, "updated_at": turn.at}
    return [update(Student, after.student, **changed)]


def _saved(conversation: Conversation, turn: Turn) -> Outcome:
    conversation = conversation.without(Setting)
    conversation, effects = show(conversation, "", turn)
    return conversation, effects


def _reminders_on(conversation: Conversation, turn: Turn, *, first: str = "") -> Reply:
    """How reminders come from now on. `first`: what is said before it."""
    profile = conversation.profile
    zone = profile.zone or say("settings.zone_unknown")
    common = {"hours": _hours(conversation), "zone": zone}
    following = nudging.coming_text(conversation, turn)
    choices = (button("settings", "hour", "other_time"), button("reminders", "off", "reminders_off"))
    days = _on_days(conversation)
    on_days = f" {say('reminders.on_days', days=days)}" if days else ""
    if not turn.known.paths and nudging.coming(conversation, turn) is None:
        on = say("reminders.on_none", often=how_often(conversation), **common)
        return reply(f"{first} {on}{on_days}".strip(), *choices)
    quiet = {"quiet_from": profile.quiet_from, "quiet_to": profile.quiet_to}
    if knows_zone(conversation):
        on = say("reminders.on", often=how_often(conversation), **common, **quiet)
    else:  # then they come at the time of day at which the student writes
        on = say("reminders.on_no_zone", often=how_often(conversation))
    return reply(f"{first} {on} {following}{on_days}".strip(), *choices)


def _zone_question(conversation: Conversation) -> Setting:
    """Is it 23:52 for you? Without a zone to guess, the city is asked for."""
    guess = conversation.profile.zone or conversation.zone_hint
    return Setting(field="zone", guess=guess) if guess else Setting(field="city")
