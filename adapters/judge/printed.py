"""What a quiz's code prints, found by running it. For authors and tests: the code is ours, so nothing is walled off."""

import asyncio
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

from bot.quizzes import CodeLanguage, QuizQuestion

LONGEST_RUN = 30.0  # s; a Java compiler on a busy machine takes some

_JAVASCRIPT = """
(() => {
  const said = [], timers = [];
  let now = 0;
  const inside = (each) => typeof each === "string" ? `'${each}'` : shown(each);
  const shown = (each) => typeof each === "string" ? each
    : Object.is(each, -0) ? "-0"
    : Array.isArray(each) ? (each.length ? "[ " + each.map(inside).join(", ") + " ]" : "[]")
    : typeof each === "object" && each !== null ? JSON.stringify(each) : String(each);
  globalThis.console = { log: (...parts) => { said.push(parts.map(shown).join(" ")); } };
  globalThis.setTimeout = (run, ms = 0) => { timers.push([now + ms, run]); };
  globalThis.__said = () => said.join(" ");
  globalThis.__ring = () => {
    const [next] = timers.sort((a, b) => a[0] - b[0]).splice(0, 1);
    if (next) { now = next[0]; next[1](); }
    return next !== undefined;
  };
})();
"""


class CannotTry(Exception):
    """What it takes to run this language is not on this machine."""


async def faults(question: QuizQuestion) -> list[str]:
    """Nothing when the right option is what the code prints. Raises CannotTry."""
    printed = await prints(question.language, question.code)
    return [] if printed == question.right[0] else [f"{question.key}: it prints {printed!r}"]


async def prints(language: CodeLanguage, code: str) -> str:
    """Its lines joined by a space, the name of an uncaught error last. Raises CannotTry."""
    try:
        return await _prints(language, code)
    except TimeoutError:
        return f"nothing within {LONGEST_RUN:.0f} s"


async def _prints(language: CodeLanguage, code: str) -> str:
    match language:
        case "python":
            return await _python(code)
        case "javascript":
            return await asyncio.to_thread(_javascript, code)
        case "sql":
            return await asyncio.to_thread(_sql, code)
        case "java":
            return await _java(code)
        case "shell":
            return await _shell(code)
        case "text":
            raise CannotTry("text does not run")


async def _python(code: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out, error, failed = await _run([sys.executable, "-I", "-c", code], folder)
    last = error.strip().splitlines()[-1:] if failed else []  # a warning is no error
    return _line([out, *(each.partition(":")[0].rpartition(".")[2] for each in last)])


def _javascript(code: str) -> str:
    """In quickjs, whose `console` we are; what waits in promises and timers runs at the end, in their order."""
    import quickjs  # type: ignore[import-untyped]  # it brings no types

    context = quickjs.Context()
    context.set_time_limit(LONGEST_RUN)
    context.eval(_JAVASCRIPT)
    failed = ""
    try:
        context.eval(code)
        ringing = True
        while ringing:
            while context.execute_pending_job():
                pass
            ringing = context.eval("__ring()")
    except quickjs.JSException as error:
        failed = str(error).partition(":")[0]
    return _line([context.eval("__said()"), failed])


def _sql(code: str) -> str:
    """Every statement in SQLite; of the last one its rows: cells with a comma, rows with a semicolon, NULL for none."""
    connection = sqlite3.connect(":memory:", isolation_level=None)  # BEGIN and ROLLBACK are the code's own
    rows: list[tuple[object, ...]] = []
    statement = ""
    try:
        for part in code.split(";"):
            statement += part + ";"
            if part.strip() and sqlite3.complete_statement(statement):
                rows = connection.execute(statement).fetchall()
                statement = ""
    except sqlite3.Error as error:
        return type(error).__name__
    finally:
        connection.close()
    return "; ".join(", ".join("NULL" if cell is None else str(cell) for cell in row) for row in rows)


async def _java(code: str) -> str:
    """Statements of a main method, after the declarations they need."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        raise CannotTry("there is no Java compiler here")
    declared, _, body = code.rpartition("\n\n") if "class " in code else ("", "", code)
    source = f"import java.util.*;\n{declared}\npublic class Quiz {{ public static void main(String[] given) {{\n{body}\n}} }}"
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread((Path(folder) / "Quiz.java").write_text, source, "utf-8")
        _, _, failed = await _run(["javac", "-nowarn", "-encoding", "UTF-8", "Quiz.java"], folder)
        if failed:
            return "compile error"
        out, error, _ = await _run(["java", "-XX:TieredStopAtLevel=1", "-cp", folder, "Quiz"], folder)
    thrown = next((each for each in error.splitlines() if each.startswith("Exception in thread")), "")
    return _line([out, thrown.partition('"main" ')[2].partition(":")[0].rpartition(".")[2]])


async def _shell(code: str) -> str:
    """In an empty folder, with a git that knows nobody."""
    if shutil.which("git") is None or shutil.which("bash") is None:
        raise CannotTry("there is no bash or no git here")
    with tempfile.TemporaryDirectory() as folder:
        out, _, _ = await _run(["bash", "--norc", "-c", code], folder)
    return _line([out])


async def _run(command: list[str], folder: str) -> tuple[str, str, bool]:
    """Its output, its error output, whether it failed. Raises TimeoutError."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Ann",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "ann@example.com",
        "GIT_CONFIG_KEY_2": "init.defaultBranch",
        "GIT_CONFIG_VALUE_2": "main",
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST_RUN):
            out, error = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return out.decode(), error.decode(), process.returncode != 0


def _line(parts: list[str]) -> str:
    return " ".join(" ".join(part.split()) for part in parts if part.strip())
