"""What an interview turn costs: CPU of a durable one of ours against the stateless echo of python-telegram-bot's defaults.

    python -m bench.turn --json bench/results/turn.json

Ours: a student's answer comes by Telegram webhook, is committed to SQLite (WAL, synchronous=FULL, group commit), the
grade is committed as a turn of its own, and the feedback goes out. The grader is a stand-in here; grading has its own
row. Theirs (bench/echo.py): the text comes by the updater's webhook and goes out again, in the library's default set-up.
Both run in their own process, in turn within each round, and only their CPU time is counted: wall time on a shared
machine says little. The API server and the students are in this process.
"""

import argparse
import asyncio
import gc
import itertools
import json
import logging
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from packaging.requirements import Requirement

TOKEN, SECRET = "4242:bench", "bench-secret"
IN_FLIGHT = 64  # students waiting for their reply at the same moment
PATIENCE = 30.0  # s for one reply on a busy machine
LONGEST = 7  # rounds; a full interview has 8 questions, so that every measured answer lies inside it
FLOOR = 2.0  # of the echo's turns per CPU second; less and the bot is too slow
ANSWER = "Every insert and update has to change all of them as well, so writes get slower, and each one takes disk space."


S = TypeVar("S")


# The peers, each in a process of its own. A line on stdin is answered with the CPU seconds used so far.


def serve(api: str, port: int, database: str, loop: str) -> None:
    """Run ours until it is killed."""
    logging.disable(logging.WARNING)
    threading.Thread(target=_tell_cpu, daemon=True).start()
    if loop == "uvloop":
        import uvloop

        uvloop.run(_viva(api, port, database))
    else:
        asyncio.run(_viva(api, port, database))


def _tell_cpu() -> None:
    for _ in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(used.ru_utime + used.ru_stime, flush=True)


async def _viva(api: str, port: int, database: str) -> None:
    from adapters.telegram import TelegramAdapter
    from bot import bank
    from bot.questions import Grade, KeyPoint, PointGrade
    from bot.shell import Shell
    from storage import store_for

    class AtOnce:
        """A grade that costs nothing: the first point found, the others not."""

        async def grade(self, *, key_points: Sequence[KeyPoint], answer: str, **_: Any) -> Grade:
            first, *rest = key_points
            found = PointGrade(slug=first.slug, label=first.label, verdict="covered", quote=answer[:52])
            missed = (PointGrade(slug=each.slug, label=each.label, verdict="missed") for each in rest)
            return Grade(score=52, points=(found, *missed), grader="bench")

    async def health() -> bool:
        return True

    content = bank.load()
    store = store_for(f"sqlite:///{database}")
    await store.open()
    for name, documents in content.documents.items():
        await store.seed(name, documents)
    adapter = TelegramAdapter(TOKEN, api_url=api)
    shell = Shell(store=store, content=content, grader=AtOnce(), messengers=[adapter])
    gc.freeze()  # as bot/__main__ does
    await adapter.run_webhook(shell.receive, url=hook(port), secret=SECRET, port=port, health=health)


def alone(*distributions: str) -> Iterator[str]:
    """These distributions and what they require, by name: the library's default set-up."""
    left = [Requirement(each) for each in distributions]
    known: set[tuple[str, frozenset[str]]] = set()
    while left:
        wanted = left.pop()
        if (wanted.name, frozenset(wanted.extras)) in known:
            continue
        known.add((wanted.name, frozenset(wanted.extras)))
        yield wanted.name
        for text in metadata.requires(wanted.name) or ():
            needed = Requirement(text)
            asked = [{"extra": extra} for extra in wanted.extras or {""}]
            if needed.marker is None or any(needed.marker.evaluate(each) for each in asked):
                left.append(needed)


def environment(folder: str) -> str:
    """A folder with the echo and nothing it does not require, as links. Gives its path."""
    there = Path(folder) / "echo"
    there.mkdir()
    for name in dict.fromkeys(alone("python-telegram-bot[webhooks]")):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (there / top).exists():
                (there / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))).resolve())
    (there / "echo.py").symlink_to(Path(__file__).with_name("echo.py"))
    return str(there)


def hook(port: int) -> str:
    return f"http://127.0.0.1:{port}/hook"


# Telegram and its students


class Student:
    """Somebody in a private chat. `buttons`: callback data under the bot's newest message that has any."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.buttons: list[str] = []
        self.replied = asyncio.Event()
        self.info = {"id": number, "is_bot": False, "first_name": f"Student {number}", "language_code": "en"}
        self.chat = {"id": number, "type": "private", "first_name": f"Student {number}"}

    def message(self, text: str) -> dict[str, Any]:
        return {"message_id": 1, "from": self.info, "chat": self.chat, "date": int(time.time()), "text": text}

    def heard(self, markup: Any) -> None:
        markup = json.loads(markup) if isinstance(markup, str) else markup or {}
        rows = markup.get("inline_keyboard", [])
        self.buttons = [button["callback_data"] for row in rows for button in row] or self.buttons
        self.replied.set()


class Telegram:
    """A Bot API that answers at once."""

    def __init__(self) -> None:
        self.students: dict[int, Student] = {}
        self.numbers = 0
        self.ready = asyncio.Event()

    async def start(self) -> str:
        app = web.Application()
        app.router.add_post(f"/bot{TOKEN}/{{method}}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        is_json = request.content_type == "application/json"
        params: dict[str, Any] = await request.json() if is_json else dict(await request.post())
        result: Any = True
        if method == "getMe":
            result = {"id": 4242, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
        elif method == "setWebhook":
            self.ready.set()
        elif method in ("sendMessage", "editMessageText"):
            student = self.students[int(params["chat_id"])]
            student.heard(params.get("reply_markup"))
            result = student.message(str(params["text"])[:4000])
        return web.json_response({"ok": True, "result": result})

    def update(self, student: Student, *, text: str = "", press: str = "") -> dict[str, Any]:
        """What the bot is brought when somebody writes or presses."""
        self.numbers += 1
        if not press:
            return {"update_id": self.numbers, "message": student.message(text)}
        query = {"id": str(self.numbers), "from": student.info, "chat_instance": "1", "data": press}
        return {"update_id": self.numbers, "callback_query": query | {"message": student.message("...")}}


class Peer:
    """One of the two bots, from outside."""

    def __init__(self, name: str, telegram: Telegram, api: str, folder: str, loop: str) -> None:
        self.name, self.telegram, self.port = name, telegram, free_port()
        if name == "echo":
            started = ["-S", "-m", "echo", TOKEN, SECRET, api, str(self.port), "hook"]
            there = os.environ | {"PYTHONPATH": environment(folder)}
        else:
            database = str(Path(folder) / f"{name}.db")
            arguments = ["--api", api, "--port", str(self.port), "--database", database]
            started, there = ["-m", "bench.turn", "--serve", *arguments, "--loop", loop], dict(os.environ)
        self.process = subprocess.Popen(
            [sys.executable, *started],
            env=there,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def started(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.telegram.ready.wait()
        self.telegram.ready.clear()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        self.session = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        await self.session.close()
        self.process.kill()
        self.process.communicate()

    def cpu(self) -> float:
        """Seconds used so far, by all its threads."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    async def bring(self, student: Student, **act: str) -> None:
        """Bring what a student does, and wait for the reply."""
        student.replied.clear()
        update = self.telegram.update(student, **act)
        async with asyncio.timeout(PATIENCE):
            async with self.session.post(hook(self.port), json=update) as response:
                assert response.status == 200, f"the webhook answers {response.status}"
            await student.replied.wait()

    async def measured(self, students: Sequence[Student], text: Callable[[], str]) -> float:
        """CPU seconds for one turn of each."""
        before = self.cpu()
        await in_lanes(students, lambda student: self.bring(student, text=text()))
        return self.cpu() - before

    async def to_question(self, student: Student) -> None:
        """Press and write on until an interview question is open; not measured."""
        async with asyncio.timeout(PATIENCE):
            while not any(each.startswith("hint:") for each in student.buttons):
                verbs = {each.partition(":")[0]: each for each in student.buttons}
                full = "interview:full" if "interview:full" in student.buttons else ""
                onward = (
                    verbs.get(verb, "") for verb in ("next", "goal", "company", "role", "cv", "jd", "skip")
                )
                press, student.buttons = full or next(filter(None, onward), ""), []
                await self.bring(student, **({"press": press} if press else {"text": "/interview"}))
                while not student.buttons:  # the message with the buttons may not be the first
                    student.replied.clear()
                    await student.replied.wait()


async def in_lanes(students: Sequence[S], act: Callable[[S], Any]) -> None:
    lanes = asyncio.Semaphore(IN_FLIGHT)

    async def one(student: S) -> None:
        async with lanes:
            await act(student)

    await asyncio.gather(*(one(each) for each in students))


# Measuring


async def compared(turns: int, rounds: int, loop: str) -> dict[str, Any]:
    """Rounds of both peers in turn; the first of `rounds` + 1 warms them up and is not counted."""
    telegram = Telegram()
    api = await telegram.start()
    students = [Student(number) for number in range(1, turns + 1)]
    telegram.students = {each.number: each for each in students}
    spent: dict[str, list[float]] = {"echo": [], "viva": []}
    numbers = itertools.count()

    def answer() -> str:
        return (
            f"{ANSWER} {next(numbers)}"  # never the same words twice: what is remembered of a text is no help
        )

    with tempfile.TemporaryDirectory(prefix="viva-bench-") as folder:
        echo = Peer("echo", telegram, api, folder, loop)
        await echo.started()
        viva = Peer("viva", telegram, api, folder, loop)
        await viva.started()
        try:
            for number in range(rounds + 1):
                used = {"echo": await echo.measured(students, answer)}
                if number == 0:
                    await in_lanes(students, lambda student: viva.bring(student, text="/start"))
                await in_lanes(students, viva.to_question)
                used["viva"] = await viva.measured(students, answer)
                for name in used if number else ():
                    spent[name].append(1000 * used[name] / turns)
        finally:
            await echo.stop()
            await viva.stop()
            await telegram.stop()
    return {
        "turns": turns,
        "rounds": rounds,
        "loop": loop,
        "peer": "python-telegram-bot echo, webhook",
        "echo_ms": spent["echo"],
        "viva_ms": spent["viva"],
        "grading_ms": grading(),
    }


def grading() -> list[float]:
    """CPU ms for one answer by the embedded grader, a figure a question: half of each reference answer is graded."""
    from bot import bank
    from bot.grader import grade

    took = []
    for asked in bank.load().questions.values():
        answer = asked.reference_answer[: len(asked.reference_answer) // 2]
        fixed = {"question": asked.question, "reference_answer": asked.reference_answer}
        grade(
            **fixed, key_points=asked.key_points, answer=answer
        )  # the first time the rubric is made, which is kept
        began = time.process_time()
        grade(**fixed, key_points=asked.key_points, answer=answer)
        took.append(1000 * (time.process_time() - began))
    return took


def summed_up(found: dict[str, Any]) -> dict[str, Any]:
    """The median of the rounds' ratios decides: single rounds on a shared machine differ by a fifth."""
    ratios = [echo / viva for echo, viva in zip(found["echo_ms"], found["viva_ms"], strict=True)]
    rows = {name: spread(found[f"{name}_ms"]) for name in ("echo", "viva", "grading")}
    ratio = spread(ratios)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return found | {"rows": rows, "ratio": ratio, "floor": FLOOR, "met": ratio["median"] >= FLOOR, "at": at}


def spread(figures: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(figures), "least": min(figures), "most": max(figures)}


def table(found: dict[str, Any]) -> str:
    """The figures for the eye."""
    names = {
        "echo": found["peer"],
        "viva": f"interview turn, webhook, SQLite ({found['loop']})",
        "grading": "grading one answer, embedded",
    }
    lines = [
        f"{'CPU ms, ' + str(found['rounds']) + ' rounds of ' + str(found['turns']):<48} median    from      to"
    ]
    for name, row in found["rows"].items():
        lines.append(f"{names[name]:<48} {row['median']:6.3f}  {row['least']:6.3f}  {row['most']:6.3f}")
    ratio = found["ratio"]
    figures = f"{ratio['median']:6.2f}  {ratio['least']:6.2f}  {ratio['most']:6.2f}"
    lines.append(f"{'turns per CPU second, times the echo':<48} {figures}")
    lines.append(f"floor {found['floor']:g}: " + ("met" if found["met"] else "NOT met"))
    return "\n".join(lines)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. 1 when the floor is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.turn", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=300, help="a round, each of another student")
    parser.add_argument("--rounds", type=int, choices=range(5, LONGEST + 1), default=LONGEST)
    parser.add_argument(
        "--loop", choices=["uvloop", "asyncio"], default="uvloop" if find_spec("uvloop") else "asyncio"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    for inner in ("--api", "--database"):
        parser.add_argument(inner, default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        serve(given.api, given.port, given.database, given.loop)
        return 0
    found = summed_up(asyncio.run(compared(given.turns, given.rounds, given.loop)))
    print(table(found))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
