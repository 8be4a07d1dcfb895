"""Skills and projects in what students paste: found as people write them, and not in prose."""

import string

import pytest
from hypothesis import given, strategies as st

from bot.projects import LONGEST_NAME, MOST, projects
from bot.skills import MOST_READ
from tests.talk import content

TAXONOMY = content().taxonomy


def found(text: str) -> dict[str, str]:
    return dict(TAXONOMY.find(text))


def test_there_is_enough_to_recognise() -> None:
    """150 skills at least, each leading to questions, many to a learning path."""
    assert len(TAXONOMY.skills) >= 150
    topics = {each.topic for each in content().questions.values()}
    assert all(set(TAXONOMY.topics(slug)) <= topics and TAXONOMY.topics(slug) for slug in TAXONOMY.skills)
    assert sum(TAXONOMY.path(slug) in content().paths for slug in TAXONOMY.skills) >= 60


@pytest.mark.parametrize("slug", TAXONOMY.skills)
def test_every_name_of_a_skill_is_found(slug: str) -> None:
    """By title and by each alias, in either case, within a sentence, with the words as evidence."""
    skill = TAXONOMY.skills[slug]
    for name in (skill.title, *skill.aliases):
        for written in (name, name.upper(), name.lower()):
            hits = found(f"I have worked with {written} for two years")
            assert hits.get(slug) == written, (written, hits)
    for name in skill.listed:
        assert found(f"Python, {name.lower()}, SQL")[slug] == name.lower() or name.startswith(".")
        assert slug in found(f"Skills: Python, {name}, SQL")


@pytest.mark.parametrize(
    ("text", "slugs"),
    [
        ("node.js", {"nodejs"}),
        ("Node JS and NodeJS", {"nodejs"}),
        ("K8s, c++, C#", {"kubernetes", "cpp", "csharp"}),
        ("CI / CD with GitHub Actions", {"ci-cd"}),
        ("Languages: C, C++, Go, R, python", {"c", "cpp", "go", "r", "python"}),
        ("C/C++", {"c", "cpp"}),
        ("python and go", {"python", "go"}),
        ("Services written in Go and Rust.", {"go", "rust"}),
        ("Go developer", {"go"}),
        ("Proficient in R.", {"r"}),
        ("• React\n• Excel\n• .NET\n", {"react", "excel", "dotnet"}),
        ("ASP.NET Core", {"dotnet"}),
        ("We built the front end with React.", {"frontend", "react"}),
        ("TypeScript/JavaScript", {"typescript", "javascript"}),
        ("type script", {"typescript"}),
        ("Spring Boot in spring 2025", {"spring"}),
    ],
)
def test_names_as_people_write_them(text: str, slugs: set[str]) -> None:
    assert set(found(text)) == slugs


@pytest.mark.parametrize(
    "text",
    [
        "We go to the store, express thanks and react quickly. Rest well.",
        "Go ahead. React to feedback. Express yourself. Excel at work.",
        "ready, set, go. Let it rest.",
        "Vitamin C, plan C, R&D, C. Smith, grade: C",
        "Joined in Spring 2024, left after the Spring semester.",
        "My net income, the shell of the idea, a swift answer, less is more.",
        "I am the chef of a node in the unity movement.",
        "ann.python@example.org, github.com/ann, https://go.dev/react",
        "",
        "🙂",
    ],
)
def test_prose_names_no_skill(text: str) -> None:
    """Words that are also a skill's name are none in a sentence."""
    assert found(text) == {}


def test_two_sentences_make_no_name() -> None:
    assert set(found("I know React. Native speaker of Hindi")) == {"react"}


def test_who_knows_the_framework_knows_the_language() -> None:
    assert TAXONOMY.shown(["django"]) == {"django", "python"}
    assert TAXONOMY.topics("django") == ("python",)
    assert TAXONOMY.path("react-native") == "javascript"


WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["Go", "c", "C++", "node.js", ".NET", "and", ",", ". ", "\n", "React", "R", "(", "/", "AWS"]
        ),
        st.text(string.printable, max_size=8),
        st.text(max_size=4),
    ),
    max_size=60,
).map(" ".join)


@given(WORDS)
def test_evidence_stands_in_the_text(text: str) -> None:
    """Whatever is pasted: each skill once, and its words are the text's own."""
    hits = TAXONOMY.find(text)
    assert len({skill for skill, _ in hits}) == len(hits)
    assert all(words in " ".join(text.split()) for _, words in hits)


def test_no_more_is_read_than_is_kept() -> None:
    assert found("x " * (MOST_READ // 2) + "Python") == {}


HEADED = """
Ann Example
ann@example.org

EXPERIENCE
Intern, Acme
- Built a billing dashboard with React

ACADEMIC PROJECTS
Food Delivery App | Django, MySQL | 2024
- Built a REST API with 12 endpoints
Attendance System (Python, OpenCV)
• Developed a face recognition module

ACHIEVEMENTS
Won a hackathon
"""


@pytest.mark.parametrize(
    ("resume", "names"),
    [
        (HEADED, ("Food Delivery App", "Attendance System")),
        ("Projects:\n- Weather Station: an Arduino thing\n- Library manager – Java\nSkills\n- Python", ("Weather Station", "Library manager")),
        ("PROJECTS\n• Developed a hostel complaint portal using Flask.\n• Designed and built a chess engine in C++", ("hostel complaint portal", "chess engine")),
        ("I developed an attendance system for my college using Python. I also built a chat bot with NLP.", ("attendance system", "chat bot")),
        ("Projects\n1. Smart Attendance (Python, Flask)     Jan 2024\n   - Led three people\n2. Web Shop - MERN\n   - Implemented the cart", ("Smart Attendance", "Web Shop")),
        ("Built ShopEasy, an online store", ("ShopEasy",)),
        ("I built a team and developed strong communication skills. I made progress.", ()),
        ("The portal was developed by seniors. Python, SQL.", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_projects_are_called_what_the_student_calls_them(resume: str, names: tuple[str, ...]) -> None:
    """From a headed section, or from sentences that say what was built."""
    assert projects(resume) == names


@given(
    st.one_of(WORDS, WORDS.map(lambda text: "Projects\n" + text), WORDS.map(lambda text: f"I built a {text}"))
)
def test_a_projects_words_are_the_students(text: str) -> None:
    """Few, short, distinct, and standing in the resume, whatever that is."""
    names = projects(text)
    assert len(names) <= MOST
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert 3 <= len(name) <= LONGEST_NAME
        assert name in " ".join(text.split())
