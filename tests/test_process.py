"""Whole processes: the command line as an operator uses it, and what a SIGKILL leaves behind."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.events import Identity, Said
from bot.grading import EmbeddedGrader
from bot.messages import Address
from bot.shell import Shell
from storage.sqlite import SqliteStore
from tests.talk import Screen, content

ROOT = Path(__file__).parent.parent
NOW = "2026-03-02T09:00:00Z"


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    return Run(tmp_path)


class Run:
    """`python -m bot …` on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/viva.db",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, lines: str = "", **env: str) -> tuple[int, str, str]:
        self.env |= env
        with self.start(*words) as process:
            out, err = process.communicate(lines, timeout=60)
        return process.returncode, out, err

    def chat(self, *lines: dict[str, Any] | str) -> list[dict[str, Any]]:
        text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
        code, out, err = self("chat", "--jsonl", "--now", NOW, lines=text)
        assert code == 0, err
        assert "Traceback" not in err
        return [json.loads(each) for each in out.splitlines()]

    def export(self, collection: str) -> list[dict[str, Any]]:
        code, out, err = self("export", "--collection", collection)
        assert code == 0, err
        return [json.loads(each) for each in out.splitlines()]


def test_killed_at_any_instant_no_answer_is_lost_or_counted_twice(run: Run) -> None:
    """SIGKILL again and again while answers stream in; the same lines sent again: each answer is one graded attempt."""
    lines = []
    for n in range(12):
        lines.append({"user": "u1", "text": "/interview one", "id": f"i{n}"})
        lines.append({"user": "u1", "text": f"answer number {n}", "id": f"a{n}"})
    chance = random.Random(7)
    for _ in range(8):
        process = run.start("chat", "--jsonl", "--now", NOW)
        assert process.stdin is not None
        process.stdin.write("".join(json.dumps(each) + "\n" for each in lines))
        process.stdin.flush()
        time.sleep(chance.uniform(0.4, 1.6))
        process.kill()
        process.communicate()
    run.chat(*lines)
    attempts = run.export("interview_attempts")
    assert sorted(each["student_answer"] for each in attempts) == sorted(
        f"answer number {n}" for n in range(12)
    )
    assert {each["status"] for each in attempts} == {"graded"}
    assert {each["status"] for each in run.export("interview_sessions")} == {"completed"}


def test_grading_left_at_the_kill_is_done_at_the_next_start(run: Run) -> None:
    """An answer whose process died is graded and told when the next one opens, without another word."""
    run.chat({"user": "u1", "text": "/interview one"})
    code = (
        "import os, asyncio, sys; sys.argv = ['bot', 'chat', '--jsonl', '--now', '" + NOW + "']\n"
        "from bot import grading\n"
        "async def die(self, **_): os.kill(os.getpid(), 9)\n"
        "grading.EmbeddedGrader.grade = die\n"
        "import runpy; runpy.run_module('bot', run_name='__main__')"
    )
    line = json.dumps({"user": "u1", "text": "no idea", "id": "a1"})
    dead = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=run.env, input=line, text=True, timeout=60, check=False
    )
    assert dead.returncode == -9
    said = run.chat({"advance": "PT2M"})
    assert [each["text"].split("\n")[0] for each in said if "text" in each] == [
        "Weak · 0 of 3 points"
    ] or any("Automatic estimate" in each.get("text", "") for each in said)
    assert [each["status"] for each in run.export("interview_attempts")] == ["graded"]


def test_the_first_visit_in_json_lines(run: Run) -> None:
    """Two presses to a question, an answer that becomes an attempt, a nudge when its time comes."""
    said = run.chat(
        {"user": "u1", "text": "/start"},
        {"user": "u1", "press": "goal:backend"},
        {"user": "u1", "text": "no idea"},
        {"user": "u1", "text": "learn sql"},
        {"user": "u1", "press": "zone:UTC"},
        {"advance": "PT24H"},
    )
    done = {each["done"]: each["attempt"] for each in said if "done" in each}
    assert list(done) == [1, 2, 3, 4, 5, 6]
    assert [n for n, attempt in done.items() if attempt] == [3]
    assert run.export("interview_attempts")[0]["_id"]["$oid"] == done[3]
    nudges = [each for each in said if each.get("kind") == "nudge"]
    assert [each["at"] for each in nudges] == ["2026-03-02T19:00:00Z"]
    assert "https://" in nudges[0]["text"]


def test_two_students_do_not_see_each_other(run: Run) -> None:
    """Replies go to who wrote; a button of somebody else changes nothing."""
    said = run.chat({"user": "u1", "text": "/interview one"}, {"user": "u2", "text": "/start"})
    skip = next(each for each in said if each.get("to") == "u1")["choices"][1]["id"]
    said = run.chat({"user": "u2", "press": skip})
    assert [each["to"] for each in said if "to" in each] == ["u2", "u2"]
    assert "belongs to something that is over" in said[0]["text"]


def test_export_speaks_extended_json(run: Run) -> None:
    """ObjectIds and dates are what MongoDB's own tools read; seed fields have their types."""
    run.chat({"user": "u1", "text": "learn sql"})
    path = run.export("learning_paths")[0]
    assert set(path["_id"]) == {"$oid"}
    assert set(path["created_at"]) == {"$date"}
    assert isinstance(path["stages"][0]["resources"][0]["resource_id"], str)
    assert path["progress"]["estimated_completion_date"] == "2026-03-20"
    code, _, err = run("export", "--collection", "secrets")
    assert code == 1
    assert "There is no collection 'secrets'" in err


def test_nudge_sweeps_once_and_dry_run_changes_nothing(run: Run) -> None:
    """The JSON summary an operator's script reads."""
    run.chat({"user": "u1", "text": "learn sql"}, {"user": "u1", "press": "zone:UTC"})
    at = "2026-03-02T19:00:00Z"
    assert json.loads(run("nudge", "--now", at, "--dry-run")[1]) == {
        "due": 1,
        "claimed": 0,
        "sent": 0,
        "failed": 0,
    }
    assert json.loads(run("nudge", "--now", at)[1]) == {"due": 1, "claimed": 1, "sent": 1, "failed": 0}
    assert json.loads(run("nudge", "--now", at)[1]) == {"due": 0, "claimed": 0, "sent": 0, "failed": 0}
    said = run.chat({"advance": "PT11H"})
    assert [each["kind"] for each in said if "kind" in each] == ["nudge"]


def test_grade_reads_and_writes_json_lines(run: Run) -> None:
    """Key points as words; a bad line is told with its number and the next is graded."""
    good = {
        "id": "q1",
        "question": "What is a stack?",
        "reference_answer": "A stack is last in, first out. Push and pop work on its top.",
        "key_points": ["last in, first out", "push and pop work on the top"],
        "answer": "the last one in is the first one out, push and pop both happen at the top",
    }
    code, out, _ = run(
        "grade", lines=json.dumps(good) + "\nnot json\n" + json.dumps({**good, "id": 2, "answer": ""}) + "\n"
    )
    assert code == 0
    first, bad, empty = (json.loads(each) for each in out.splitlines())
    assert (first["id"], first["missed"]) == ("q1", [])
    assert first["score"] >= 65
    assert bad["line"] == 2
    assert (empty["id"], empty["score"], empty["covered"]) == (2, 0, [])


def test_doctor_tells_every_fault_with_its_mend(run: Run) -> None:
    """Exit code 0 when all is well, 1 with a line for each wrong setting; never a secret."""
    code, out, _ = run("doctor")
    assert code == 0
    assert "ok     database (sqlite)" in out
    wrong = {
        "DATABASE_URL": "ftp://x",
        "PORT": "99999",
        "ALLOWED_USERS": "me",
        "TELEGRAM_API_URL": "nowhere",
        "WEBHOOK_SECRET": "hunter two",
    }
    code, out, _ = run("doctor", **wrong)
    assert code == 1
    for name in wrong:
        assert f"settings: {name}:" in out
    assert "hunter" not in out


@pytest.mark.parametrize(
    ("words", "env", "told"),
    [
        (("telegram",), {}, "Not set: TELEGRAM_TOKEN"),
        (("telegram", "--webhook"), {"TELEGRAM_TOKEN": "1:x"}, "Not set: WEBHOOK_URL, WEBHOOK_SECRET"),
        (("discord",), {}, "Not set: DISCORD_TOKEN"),
        (("all",), {}, "Neither TELEGRAM_TOKEN nor DISCORD_TOKEN"),
        (
            ("chat", "--jsonl"),
            {"DATABASE_URL": "sqlite:////nowhere/at/all/viva.db"},
            "The database cannot be reached",
        ),
        (("scheduler",), {"DATABASE_URL": "mongodb://127.0.0.1:9/viva"}, "The database cannot be reached"),
        (("nudge", "--now", "yesterday"), {}, "is not a time such as"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_what_cannot_start_says_why(run: Run, words: tuple[str, ...], env: dict[str, str], told: str) -> None:
    """One sentence, no traceback, exit code 1."""
    code, _, err = run(*words, **env)
    assert code == 1
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    ["chat", "telegram", "discord", "scheduler", "all", "seed", "doctor", "nudge", "grade", "export"],
)
def test_each_command_explains_itself(run: Run, command: str) -> None:
    """`--help` on each."""
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"python -m bot {command}" in out


def test_seeding_again_changes_nothing(run: Run) -> None:
    """The content is put there once; every start looks and finds it there."""
    first = run("seed")[1]
    assert int(first.split()[0]) > 100
    assert run("seed")[1] == "0 entries written or retired.\n"


def test_disputes_lead_an_author_to_the_key_point(run: Run) -> None:
    """[I said that] ends up as a line with the file, the question and the point, and the student's words."""
    said = run.chat(
        {"user": "u1", "text": "/start"},
        {"user": "u1", "press": "goal:backend"},
        {"user": "u1", "text": "each insert must touch them all and so on and so forth"},
    )
    button = next(each for each in said[-2]["choices"] if each["label"] == "I said that")
    said = run.chat({"user": "u1", "press": button["id"]})
    run.chat(
        {"user": "u1", "press": said[0]["choices"][0]["id"]}
        if said[0]["choices"]
        else {"user": "u1", "text": "/help"}
    )
    for text in ("cancel", "learn sql", "skip", "done"):
        run.chat({"user": "u1", "text": text})
    said = run.chat({"user": "u1", "text": "each value comes once"})
    button = next(each for line in said for each in line.get("choices", ()) if each["label"] == "I said that")
    run.chat({"user": "u1", "press": button["id"]})
    code, out, err = run("disputes")
    assert code == 0, err
    point, recall = map(json.loads, out.splitlines())
    assert point["place"].startswith("technical/")
    assert point["answer"].startswith("each insert")
    assert point["disputed_at"]
    assert recall["place"] == "paths/sql.toml, resource 'Querying a table'"
    assert recall["answer"].startswith("each value")


def test_wanted_companies_are_listed_without_students(run: Run) -> None:
    """Most wanted first, by the folded name; known companies are not among them."""
    for user, names in (("u1", ("Acme Ltd", "Google")), ("u2", ("ACME LTD.", "Zyx"))):
        for name in names:
            run.chat({"user": user, "text": "/interview short"}, {"user": user, "text": name})
            run.chat({"user": user, "text": "/cancel"})
    code, out, err = run("stats", "companies")
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines == [{"company": "acme ltd", "students": 2}, {"company": "zyx", "students": 1}]


async def test_a_shared_database_keeps_its_clock(tmp_path: Path) -> None:
    """`advance` and `--now` do not let time fly for students of another platform."""
    store = SqliteStore.at(f"sqlite:///{tmp_path}/viva.db")
    await store.open()
    shell = Shell(store=store, content=content(), grader=EmbeddedGrader(), messengers=[Screen("telegram")])
    ann: dict[str, Any] = {
        "sender": Identity(platform="telegram", user="7"),
        "address": Address(platform="telegram", chat="7"),
    }
    await shell.receive(
        Said(id="t:1", at=datetime(2026, 3, 2, 9, tzinfo=UTC), text="/interview short", **ann)
    )
    await shell.settled()
    await store.close()
    run = Run(tmp_path)
    said = run.chat({"advance": "P30D"}, {"user": "u1", "text": "/start"})
    assert "students of other platforms" in said[0]["error"]
    assert [each["at"] for each in said if each.get("kind") == "reply"] == [NOW]
    assert [each for each in said if each.get("to") == "7"] == []


def test_port_in_use_is_said_in_a_sentence(run: Run) -> None:
    """No traceback for what an operator can mend."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        env = {
            "TELEGRAM_TOKEN": "1:x",
            "TELEGRAM_API_URL": "http://127.0.0.1:9",
            "PORT": str(taken.getsockname()[1]),
        }
        run.env |= env | {"WEBHOOK_URL": "https://example.org", "WEBHOOK_SECRET": "s"}
        process = run.start("telegram", "--webhook")
        try:
            _, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:  # it keeps asking an API that is away: that is fine, too
            process.terminate()
            _, err = process.communicate(timeout=20)
    assert "Traceback" not in err
