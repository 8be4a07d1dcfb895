"""The bank: what is in it is whole, and what is wrong with a file is said with its place."""

import itertools
import shutil
from collections import Counter
from pathlib import Path

import pytest

from bot import bank, text
from bot.bank import Content, ContentError
from bot.questions import ROUNDS


@pytest.fixture(scope="module")
def content() -> Content:
    return bank.load()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bank.FOLDER, tmp_path / "content"))


def test_there_is_enough_to_ask(content: Content) -> None:
    """12 coding, 30 technical over 8 topics, 12 behavioral, 3 paths, 30 companies, an opener for every goal."""
    counts = Counter(question.round for question in content.questions.values())
    assert counts["dsa"] >= 12
    assert counts["technical_qa"] >= 30
    assert len({q.topic for q in content.questions.values() if q.round == "technical_qa"}) >= 8
    assert counts["behavioral"] >= 12
    assert len(content.paths) >= 3
    assert len(content.companies) >= 30
    assert set(content.goals) <= set(content.openers)
    assert len({each for ids in content.openers.values() for each in ids}) >= 5


def test_company_is_known_by_its_aliases(content: Content) -> None:
    """Names are matched whatever the case; unknown ones are not guessed."""
    for name in ("Google", "google", " ALPHABET "):
        company = content.company(name)
        assert company is not None
        assert company.slug == "google"
        assert {pattern.round for pattern in company.rounds} == set(ROUNDS)
    assert content.company("Zyxcorp") is None


def test_ids_derive_from_slugs(content: Content) -> None:
    """Loading twice, on any machine, gives the same ids."""
    assert set(bank.load().questions) == set(content.questions)
    first = content.paths["sql"].stages[0].resources[0]
    assert first.resource_id == bank.load().paths["sql"].stages[0].resources[0].resource_id


FAULTS = [
    ("technical/python.toml", 'round = "technical_qa"', 'round = "quiz"', "technical/python.toml: round 'quiz'"),
    ("technical/python.toml", 'topic = "python"', 'topic = "pyton"', "is not the file's name"),
    ("technical/git.toml", 'difficulty = "easy"', 'difficulty = "trivial"', "technical/git.toml, question "),
    ("technical/git.toml", "minutes = ", "minutes = -", "minutes must be above 0"),
    ("paths/sql.toml", "https://", "http://", "does not begin with https://"),
    ("companies/bigtech.toml", 'round = "dsa"', 'round = "behavioral"', "must hold each of the three rounds once"),
    ("companies/bigtech.toml", 'difficulty = "hard"', "difficulty = 3", "companies/bigtech.toml, company "),
    ("companies/bigtech.toml", 'roles = "official"', 'roles = "hearsay"', "company 'google': no source for roles"),
    ("companies/finance.toml", 'tips = "intern"\n', "", "company 'goldman-sachs': no source for tips"),
    ("companies/bigtech.toml", 'url = "https://', 'url = "http://', "source 'official' does not begin with https://"),
    ("companies/bigtech.toml", "confidence = 0.65 }", "confidence = 1.5 }", "confidence of roles lies between 0.2"),
    ("companies/startups.toml", "[companies.sources]", '[companies.sources]\nx = { url = "https://a.b", date = 2026-11-23, confidence = 0.5 }', "sources not used: ['x']"),
    ("companies/finance.toml", 'themes = ["teamwork"', 'themes = ["arrays"', "unknown behavioral topics ['arrays']"),
    ("companies/services.toml", '  "The online qualifier', '  "%s The online' % ("x" * 160), "is over 160 characters"),
    ("behavioral/ownership.toml", 'signals_from = "', 'signals_from = "x', "is not in behavioral/rubric.toml"),
    ("goals.toml", '"databases"', '"astrology"', "unknown topics"),
    ("technical/sql.toml", "[[questions]]", "[[questions", "technical/sql.toml: "),
    ("skills.toml", 'topics = ["python"]', 'topics = ["pyton"]', "skills.toml, 'python': unknown topics ['pyton']"),
    ("skills.toml", 'parent = "javascript"', 'parent = "typescript"', "skills.toml, 'typescript': parent 'typescript' is no skill, or its own"),
    ("skills.toml", 'aliases = ["python3"', 'aliases = ["Core-Java", "python3"', "the name 'core java' belongs to 'python', too"),
    ("skills.toml", 'path = "sql"', 'path = "sequel"', "unknown path 'sequel'"),
    ("skills.toml", 'topics = ["git"]', "topics = []", "neither topics nor a parent with topics"),
    ("goals.toml", '"rest"', '"rset"', "goals.toml, 'backend': unknown skills"),
    ("technical/git.toml", 'question = "', 'question = "In {project}: ', "only behavioral questions are about a project"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "right", "wrong", "told"), FAULTS, ids=lambda part: str(part)[:24])
def test_fault_is_told_with_file_and_entry(copy: Path, file: str, right: str, wrong: str, told: str) -> None:
    """An author reads what to mend and where."""
    at = copy / file
    text = at.read_text()
    assert right in text
    at.write_text(text.replace(right, wrong, 1))
    with pytest.raises(ContentError) as error:
        bank.load(copy)
    assert any(told in fault for fault in error.value.faults), error.value.faults


def test_all_faults_are_told_at_once(copy: Path) -> None:
    """Three broken files, three faults or more, in one go."""
    for name in ("python", "git", "sql"):
        at = copy / "technical" / f"{name}.toml"
        at.write_text(at.read_text().replace("minutes = ", "minutes = -"))
    with pytest.raises(ContentError) as error:
        bank.load(copy)
    assert {fault.split(",")[0] for fault in error.value.faults} >= {
        f"technical/{n}.toml" for n in ("python", "git", "sql")
    }


def test_retired_entry_is_kept_but_not_asked(copy: Path) -> None:
    """Retiring takes a question out of the choice and leaves it among the documents."""
    at = copy / "technical" / "git.toml"
    at.write_text(at.read_text().replace("[[questions]]", "[[questions]]\nretired = true", 1))
    content = bank.load(copy)
    git = [each for each in content.documents["interview_questions"] if each.topic == "git"]  # type: ignore[attr-defined]
    assert [each.retired for each in git].count(True) == 1  # type: ignore[attr-defined]
    asked = [question for question in content.questions.values() if question.topic == "git"]
    assert len(asked) == len(git) - 1


def test_an_edited_entry_has_another_version(copy: Path) -> None:
    """The version of an entry changes with its words, and only with its own."""
    before = {each.id: each.content_version for each in bank.load(copy).documents["interview_questions"]}  # type: ignore[attr-defined]
    at = copy / "technical" / "git.toml"
    at.write_text(at.read_text().replace("minutes = ", "minutes = 1", 1))
    after = {each.id: each.content_version for each in bank.load(copy).documents["interview_questions"]}  # type: ignore[attr-defined]
    assert sum(before[each] != after[each] for each in before) == 1


def test_no_two_questions_are_nearly_the_same(content: Content) -> None:
    """Of the words that carry meaning, no two questions of a round share more than half."""
    alike = []
    for name in ROUNDS:
        asked = [each for each in content.questions.values() if each.round == name]
        words = [set(text.content_stems(text.tokens(f"{each.title} {each.question}"))) for each in asked]
        for (one, mine), (other, theirs) in itertools.combinations(zip(asked, words, strict=True), 2):
            if len(mine & theirs) > 0.5 * len(mine | theirs):
                alike.append((one.question[:60], other.question[:60]))
    assert alike == []
