"""The plan of an interview: reproducible, with reasons, about the student, and never the same question twice."""

import random
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

import adapters.markup
from bot import elo
from bot.bank import PROJECT, Content
from bot.conversation import Length, Planned
from bot.documents import slug_id
from bot.elo import Rating
from bot.ports import ASKED_WITHIN
from bot.questions import Question
from bot.stages import planning
from bot.stages.planning import COUNTS, LONGEST_WHAT, Aim, Plan
from bot.stages.setup import LONGEST_MESSAGE
from tests.talk import Talk, content, texts

CONTENT = content()
RESUME = """
Skills: Python, Django, Git
PROJECTS
Food_Delivery *App* | Django | 2024
- Built a REST API with 12 endpoints
"""
JD = "Requirements: HTTP, Kubernetes, PostgreSQL, C++, leadership and good communication skills."


def plan_of(seed: str = "s", length: Length = "full", company: str = "google", **aim: Any) -> Plan:
    of = CONTENT.companies.get(company, CONTENT.default_company)
    return planning.plan(seed=seed, length=length, aim=Aim(company=of, **aim), content=CONTENT)


def questions(plan: Plan, content: Content = CONTENT) -> list[Question]:
    found = [planning.as_asked(each, content) for each in plan.questions]
    assert all(found)
    return [each for each in found if each is not None]


def _together(plan: Plan) -> list[tuple[Planned, Question]]:
    return list(zip(plan.questions, questions(plan), strict=True))


def why(plan: Plan, topic: str) -> Planned:
    return next(each for each, asked in _together(plan) if asked.topic == topic)


@settings(max_examples=30)
@given(
    st.text(max_size=6),
    st.sampled_from(["short", "full", "one"]),
    st.sampled_from([*CONTENT.companies, ""]),
    st.sampled_from(["", *CONTENT.goals]),
    st.sampled_from(["", RESUME, "Built a chess engine", "x" * 500]),
    st.sampled_from(["", JD, "Go, R, C"]),
    st.sets(st.sampled_from(sorted(CONTENT.questions))),
)
def test_a_plan_is_whole_and_the_same_again(
    seed: str, length: Length, company: str, goal: str, resume: str, jd: str, asked: set[str]
) -> None:
    """The same seed and aim give the same plan; each round has its number of questions, each question once; what was
    asked before comes only when a round has nothing else."""
    aim: dict[str, Any] = {"goal": goal, "resume": resume, "jd": jd, "asked": frozenset(asked)}
    plan = plan_of(seed, length, company, **aim)
    assert plan == plan_of(seed, length, company, **aim)
    ids = [each.question for each in plan.questions]
    assert len(set(ids)) == len(ids)
    for name, count in COUNTS[length].items():
        assert sum(each.round == name for each in plan.questions) == count
    assert plan.repeated == len(asked & set(ids))
    _repeats_only_when_it_must(plan, frozenset(asked), CONTENT)


def _repeats_only_when_it_must(plan: Plan, asked: frozenset[str], content: Content) -> None:
    for each in plan.questions:
        if each.question in asked:
            left = {q.id for q in content.questions.values() if q.round == each.round}
            assert left <= asked | {other.question for other in plan.questions}


def test_another_seed_is_another_plan() -> None:
    """Twenty interviews at one company are not one interview twenty times."""
    plans = {tuple(each.question for each in plan_of(str(n)).questions) for n in range(20)}
    assert len(plans) == 20


def test_topics_come_from_whoever_names_them() -> None:
    """What the job asks for comes first, then the company's own, the resume's, the goal's; each with its words."""
    plans = [plan_of(str(n), company="", goal="backend", resume=RESUME, jd=JD) for n in range(10)]
    shown = {(asked.topic, each.why, each.what) for plan in plans for each, asked in _together(plan)}
    assert {
        ("networks", "jd", "HTTP"),
        ("containers", "jd", "Kubernetes"),
        ("sql", "jd", "PostgreSQL"),
    } <= shown
    plan = plans[0]
    theme = next(each for each in plan.questions if each.round == "behavioral" and each.why != "project")
    assert theme.why == "jd"
    assert theme.what in ("leadership", "communication skills")

    plan = plan_of(company="google")
    assert {each.why for each in plan.questions} == {"company"}
    assert {each.what for each in plan.questions} == {"Google"}
    assert {each.why for each in plan_of(company="").questions} == {"usual"}
    reasons = {
        each.why
        for n in range(5)
        for each in plan_of(str(n), company="", goal="data", resume=RESUME).questions
    }
    assert {"resume", "goal", "usual"} <= reasons


def test_the_role_says_more_than_the_goal() -> None:
    """A front-end role asked for by somebody who once said backend."""
    topics = {
        each.topic
        for n in range(5)
        for each in questions(plan_of(str(n), company="", goal="backend", role="Front-end Intern"))
    }
    assert "javascript" in topics
    assert why(plan_of(company="", role="Java Developer"), "java").why == "role"


def test_gaps_are_what_is_asked_for_and_not_shown() -> None:
    """In the job description's words; usual skills where there is none; nothing without a resume; no manners."""
    plan = plan_of(resume=RESUME, jd=JD)
    assert (plan.gaps_in, plan.gaps) == ("jd", ("HTTP", "Kubernetes", "PostgreSQL", "C++"))
    plan = plan_of(goal="backend", resume=RESUME)
    assert plan.gaps_in == "goal"
    assert "SQL" in plan.gaps
    assert "Git" not in plan.gaps
    assert plan_of(goal="backend", jd=JD).gaps == ()
    assert plan_of(resume="Django", jd="Python").gaps == ()  # who knows Django knows Python


@pytest.mark.parametrize("length", ["short", "full"])
def test_one_question_is_about_the_students_own_project(length: Length) -> None:
    """In its words, quoted and safe; under the form's id, graded by its points."""
    plan = plan_of(length=length, resume=RESUME)
    (own,) = [each for each in plan.questions if each.why == "project"]
    asked = planning.as_asked(own, CONTENT)
    form = CONTENT.forms[own.question]
    assert asked is not None
    assert own.what == "Food_Delivery *App"
    assert '"Food_Delivery *App"' in adapters.markup.plain(asked.question)
    assert (asked.id, asked.key_points, asked.round) == (form.id, form.key_points, "behavioral")
    assert not [each for each in plan_of(length=length).questions if each.why == "project"]
    assert not [each for each in plan_of(length="one", resume=RESUME).questions if each.why == "project"]


def test_project_questions_are_of_many_kinds() -> None:
    """Twelve forms at least, each with the project once, points and signals, and never asked as they stand."""
    assert len(CONTENT.forms) >= 12
    for form in CONTENT.forms.values():
        assert form.question.count(PROJECT) == 1
        assert all(point.signals for point in form.key_points)
        assert len(form.question) + planning.LONGEST_WHAT < LONGEST_MESSAGE
        assert form.id not in CONTENT.questions
    chosen = {
        each.question
        for n in range(60)
        for each in plan_of(str(n), resume=RESUME).questions
        if each.why == "project"
    }
    assert len(chosen) >= 10


def test_forms_asked_lately_make_room_for_other_questions() -> None:
    """With every form asked, the round has its usual questions and repeats nothing."""
    plan = plan_of(resume=RESUME, asked=frozenset(CONTENT.forms))
    assert plan.repeated == 0
    assert "project" not in {each.why for each in plan.questions}


def test_difficulty_follows_the_student_and_the_company() -> None:
    """Better answers bring harder questions, a harder company too; what is asked is expected to bring about 60 points."""

    def asked_of(ratings: dict[str, Rating], company: str = "google") -> float:
        plans = [plan_of(str(n), company=company, ratings=ratings) for n in range(20)]
        asked = [each for plan in plans for each in questions(plan) if each.round == "technical_qa"]
        return sum(CONTENT.rating(each) for each in asked) / len(asked)

    topics = {each.topic for each in CONTENT.questions.values()}
    weak, strong = ({topic: Rating(value, 8) for topic in topics} for value in (950, 1550))
    assert asked_of(weak) + 100 < asked_of({}) < asked_of(strong) - 100
    easy = next(each.slug for each in CONTENT.companies.values() if each.difficulty == "easy")
    assert asked_of({}, easy) < asked_of({}, "google")
    assert abs(elo.expected(elo.START, asked_of({}, "")) - elo.TARGET) < 0.1


def _evenings(strength: int) -> tuple[list[int], list[int]]:
    """Scores and question ratings of the technical rounds of twelve full interviews."""
    rng = random.Random(strength)
    ratings: dict[str, Rating] = {}
    asked: set[str] = set()
    told: tuple[list[int], list[int]] = ([], [])
    for n in range(12):
        for each in questions(plan_of(str(n), company="", ratings=ratings, asked=frozenset(asked))):
            rating = CONTENT.rating(each)
            score = round(min(100, max(0, 100 * elo.expected(strength, rating) + rng.gauss(0, 15))))
            was = elo.rating(ratings, each.topic, CONTENT.topics(each.round))
            ratings = elo.learnt(ratings, each.topic, was, elo.moved(was, rating, score))
            asked.add(each.id)
            if each.round == "technical_qa":
                told[0].append(score)
                told[1].append(rating)
    return told


def test_questions_come_to_fit_the_student() -> None:
    """After four interviews the weak get easier questions than the strong, and what they score lies nearer together."""
    weak, strong = _evenings(1000), _evenings(1400)
    early, late = slice(0, 8), slice(16, None)
    gap_early = mean(strong[0][early]) - mean(weak[0][early])
    gap_late = mean(strong[0][late]) - mean(weak[0][late])
    assert gap_late < gap_early - 10
    assert (
        mean(strong[1][late]) - mean(weak[1][late]) > 150
    )  # points: most of the way from one difficulty to the next


def test_the_first_question_is_a_new_one() -> None:
    """Another goal's opener, when all of this goal's were asked."""
    backend = CONTENT.openers["backend"]
    every = {each for ids in CONTENT.openers.values() for each in ids}
    others = planning.opener(goal="backend", seed="s", asked=frozenset(backend), content=CONTENT)
    assert others in every - set(backend)
    assert planning.opener(goal="backend", seed="s", asked=frozenset(every), content=CONTENT) in backend
    assert planning.opener(goal="backend", seed="s", asked=frozenset(), content=CONTENT) in backend


def test_what_answers_have_shown_counts_more_than_the_label() -> None:
    """A question called easy that nobody gets right is no longer given to beginners."""
    beginner = {topic: Rating(1000, 8) for topic in ("sql", "databases")}
    easy = [
        each.id for each in CONTENT.questions.values() if each.topic == "sql" and each.difficulty == "easy"
    ]
    turned = replace(CONTENT, ratings=dict.fromkeys(easy, 1500))
    aim = Aim(company=CONTENT.default_company, jd="SQL", ratings=beginner)
    for n in range(10):
        before = planning.plan(seed=str(n), length="one", aim=aim, content=CONTENT)
        after = planning.plan(seed=str(n), length="one", aim=aim, content=turned)
        assert before.questions[0].question in easy
        assert after.questions[0].question not in easy


def test_half_a_year_of_interviews_repeats_nothing_within_90_days() -> None:
    """A full interview every third day: a question comes again only when its round has no other left, and then it is
    counted; technical questions, of which there are plenty, never do."""
    last: dict[str, int] = {}
    repeated = 0
    for day in range(0, 180, 3):
        asked = frozenset(each for each, at in last.items() if day - at < ASKED_WITHIN.days)
        plan = plan_of(
            str(day), company=("google", "amazon", "")[day % 9 // 3], resume=RESUME, jd=JD, asked=asked
        )
        _repeats_only_when_it_must(plan, asked, CONTENT)
        assert not [each for each in plan.questions if each.round != "dsa" and each.question in asked]
        assert plan.repeated == sum(each.question in asked for each in plan.questions)
        repeated += plan.repeated
        last |= {each.question: day for each in plan.questions}
    coding = sum(each.round == "dsa" for each in CONTENT.questions.values())
    assert (repeated > 0) == (coding < 30 * COUNTS["full"]["dsa"])


async def interview(talk: Talk, length: str = "short", *answers: str) -> list[str]:
    """Set one up; what was said when it began."""
    await talk.say("/interview")
    await talk.say(length)
    for answer in (*answers, "skip", "skip", "skip", "skip")[:4]:
        talk.new()
        await talk.say(answer)
    return texts(talk.new())


async def sessions(talk: Talk) -> list[dict[str, Any]]:
    return [each async for each in talk.store.export("interview_sessions")]


async def test_plan_is_shown_with_its_reasons_and_gaps(tmp_path: Path) -> None:
    """Before the first question, on one screen: what the resume lacks, and why each topic is asked."""
    talk = await Talk.open(tmp_path)
    opening, first = await interview(talk, "short", "Google", "Backend Engineer", RESUME, JD)
    assert "In the job description and not on your resume: HTTP, Kubernetes, PostgreSQL, C++." in opening
    assert "asked at Google" in opening
    assert "in the job description: " in opening
    assert 'Your project: "Food_Delivery *App"' in opening
    assert first.startswith("1 of 3 · ")
    assert len(opening) <= LONGEST_MESSAGE
    await talk.store.close()


async def test_a_long_plan_is_a_press_away(tmp_path: Path) -> None:
    """Where it would not fit one screen, a button shows the reasons, and leads back to the question."""
    talk = await Talk.open(tmp_path)
    jd = "HTTP, Kubernetes, PostgreSQL, Kafka, Elasticsearch, " + JD
    opening, _ = await interview(talk, "full", "W" * 60, "Backend Engineer " + "W" * 40, RESUME, jd)
    assert "in the job description: " not in opening
    (shown,) = [
        each.message
        for each in talk.screen.shown
        if "Why these topics?" in [c.label for c in each.message.choices]
    ]
    await talk.press(shown.choices[0].id)
    (reasons,) = talk.new()
    assert 'in the job description: "' in reasons.message.text
    assert len(reasons.message.text) <= LONGEST_MESSAGE
    assert [choice.label for choice in reasons.message.choices] == ["Back to question 1"]
    await talk.press("plan:" + "0" * 24)
    assert "belongs to something that is over" in texts(talk.new())[0]
    await talk.store.close()


async def test_a_project_question_is_asked_stored_and_graded(tmp_path: Path) -> None:
    """It carries the student's words into the attempt, under an id of the bank, and finds the points of the form."""
    talk = await Talk.open(tmp_path)
    await interview(talk, "short", "Google", "Backend Engineer", RESUME, "skip")
    await talk.say("skip")
    await talk.say("skip")
    assert '"Food_Delivery *App"' in texts(talk.new())[-1]
    (session,) = await sessions(talk)
    form = CONTENT.forms[str(session["plan"][-1])]
    await talk.say(form.reference_answer)
    (attempt,) = [each async for each in talk.store.export("interview_attempts")]
    assert attempt["question_id"] == session["plan"][-1]
    assert "Food" in attempt["asked"]["question"]
    assert PROJECT not in attempt["asked"]["question"]
    assert attempt["score"] >= 90
    await talk.store.close()


async def test_the_session_is_the_seed_of_its_plan(tmp_path: Path) -> None:
    """From its id, its texts and what had been asked before, the same round can be drawn again."""
    talk = await Talk.open(tmp_path)
    await interview(talk, "full", "Google", "Backend Engineer", RESUME, JD)
    (session,) = await sessions(talk)
    company = CONTENT.company(session["company"])
    assert company is not None
    aim = Aim(company=company, role=session["role"], resume=session["resume_text"], jd=session["jd_text"])
    again = planning.plan(seed=str(session["_id"]), length=session["length"], aim=aim, content=CONTENT)
    assert [each.question for each in again.questions] == [str(each) for each in session["plan"]]
    await talk.store.close()


async def test_skipped_questions_are_not_asked_again_either(tmp_path: Path) -> None:
    """Ten short interviews, every question skipped: thirty different questions, bar the coding ones there are too few of."""
    talk = await Talk.open(tmp_path)
    for _ in range(10):
        await interview(talk)
        for _ in range(3):
            await talk.say("/skip")
        await talk.wait(timedelta(days=1))
    planned = [str(each) for session in await sessions(talk) for each in session["plan"]]
    assert len(planned) == len(set(planned)) == 30
    await talk.store.close()


def few() -> Content:
    """One question a round."""
    last = {each.round: each for each in CONTENT.questions.values()}
    return replace(CONTENT, questions={each.id: each for each in last.values()})


async def test_a_round_that_repeats_says_so(tmp_path: Path) -> None:
    """With a bank of three, the second interview has nothing new; after 90 days the questions are new again."""
    talk = await Talk.open(tmp_path)
    talk.content = few()
    said = "Within 90 days I have asked you all there is for this, so 3 questions will come again."
    for repeats, wait in ((False, 30), (True, 91), (False, 0)):
        opening, *_ = await interview(talk)
        assert (said in opening) is repeats
        await talk.say("/stop")
        await talk.wait(timedelta(days=wait))
    await talk.say("/interview one")
    assert "so 1 question will come again" in texts(talk.new())[-2]
    await talk.store.close()


async def test_ratings_follow_the_answers_and_their_withdrawal(tmp_path: Path) -> None:
    """A graded answer moves the topic's rating once, follow-ups included; `undo` takes that back."""
    talk = await Talk.open(tmp_path)
    await interview(talk)
    await talk.say("/skip")

    async def ratings() -> dict[str, Rating]:
        record = await talk.store.load(await talk.store.student(talk.who, new="0" * 24, at=talk.now))
        assert record is not None
        return record.conversation.ratings

    assert await ratings() == {}
    (session,) = await sessions(talk)
    question = CONTENT.questions[str(session["plan"][1])]
    await talk.say(question.reference_answer)
    known = await ratings()
    assert known[question.topic].answers == 1
    assert known[question.topic].value > elo.START
    await talk.say("/undo")
    assert await ratings() == {}
    points = question.key_points[0].point
    await talk.say(points)
    once = await ratings()
    await talk.say(question.reference_answer)  # to the follow-up
    twice = await ratings()
    assert twice[question.topic].answers == once[question.topic].answers == 1
    assert twice[question.topic].value > once[question.topic].value
    await talk.store.close()


def test_a_reason_is_short() -> None:
    """Whatever words it rests on."""
    plan = plan_of(jd="Natural language processing and data structures and algorithms, large language models")
    assert all(len(each.what) <= LONGEST_WHAT for each in plan.questions)
    assert slug_id("question", "behavioral", "projects", "own-part") in CONTENT.forms
