"""The command line and the composition root: the only module that may import everything.

`python -m bot` alone opens the chat in this terminal. Platforms, the driver and the grader are imported inside the
command that needs them, so that the others start quickly.
"""

import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import cyclopts
from msgspec.structs import replace

from bot import bank, calibration, companies, config, nudge_log
from bot.bank import Content
from bot.config import Settings, SettingsError
from bot.disputes import disputed_point, disputed_recall
from bot.observing import observed, renewed
from bot.ports import Grader, Messenger, Renderer, StaleConversation, Store, StoreUnavailable
from bot.quizzes import QuizQuestion
from bot.schedule import sweeping
from bot.shell import LEASE, STALE_TRIES, Shell, Swept

if TYPE_CHECKING:
    from adapters.discord import DiscordAdapter
    from adapters.files import Files
    from adapters.jsonl import JsonLines
    from adapters.judge.judge import CodeJudge
    from adapters.local import MovableClock
    from adapters.model import Client
    from adapters.telegram import TelegramAdapter
    from adapters.terminal import Terminal

_WIPED = (
    "DYNO",
    "RENDER",
    "RAILWAY_ENVIRONMENT",
    "FLY_APP_NAME",
    "K_SERVICE",
)  # set by hosts that wipe their disk

PATIENCE = 1.5  # seconds: people send an answer in two messages, and clients split a long one
MOST_COUNTED = 1_000_000  # rows a dry run counts

_KEPT = ("id", "v", "rev")  # of a report that is made anew

T = TypeVar("T")
log = logging.getLogger("viva")

app = cyclopts.App(
    name="python -m bot",
    help="Viva: an interview and learning coach in chat.",
    version="0.1.0",
    result_action="return_value",
)


@app.default
def chat(*, jsonl: bool = False, now: str = "") -> None:
    """Talk to Viva in this terminal.

    Parameters
    ----------
    jsonl
        JSON lines instead of a chat: for scripts, see docs/terminal.md.
    now
        Where the clock stands (2026-03-01T09:00:00Z); it then moves only with `advance`.
    """
    _run(_chat(_settings(), jsonl=jsonl, now=_instant(now) if now else None), quiet=True)


app.command(chat, name="chat")


@app.command
def telegram(*, webhook: bool = False) -> None:
    """Serve Telegram by polling; goes together with `scheduler`.

    Parameters
    ----------
    webhook
        Let Telegram call us at WEBHOOK_URL instead.
    """
    settings = _settings()
    _require(settings, "TELEGRAM_TOKEN", *(("WEBHOOK_URL", "WEBHOOK_SECRET") if webhook else ()))
    _run(_serve(settings, telegram=True, webhook=webhook))


@app.command
def discord() -> None:
    """Serve Discord; goes together with `scheduler`."""
    settings = _settings()
    _require(settings, "DISCORD_TOKEN")
    _run(_serve(settings, discord=True))


@app.command
def scheduler() -> None:
    """Decide what falls due (nudges, reminders); the platforms' own processes send it."""
    _run(_serve(_settings(), scheduler=True))


@app.command(name="all")
def everything() -> None:
    """Every platform that has a token, and the scheduler, in one process."""
    settings = _settings()
    if settings.telegram_token is None and settings.discord_token is None:
        _fail("Neither TELEGRAM_TOKEN nor DISCORD_TOKEN is set. Set one, or try `python -m bot chat`.")
    _run(
        _serve(
            settings,
            telegram=settings.telegram_token is not None,
            discord=settings.discord_token is not None,
            scheduler=True,
        )
    )


@app.command
def seed() -> None:
    """Put the questions, paths and companies into the database (every start does so, too)."""

    async def put() -> None:
        async with _store(_settings(), told=print):
            pass

    _run(put())


@app.command
def doctor(*, links: bool = False) -> None:
    """Check settings, tokens, database, content and clock: a line each, with the mend. Exit code 1 if one is needed.

    Parameters
    ----------
    links
        Ask for every address of the learning paths instead, and tell which no longer answer.
    """
    from bot.doctor import examine, follow
    from storage import store_for

    async def engines(url: str) -> list[tuple[bool, str]]:
        from adapters.judge.judge import CodeJudge
        from adapters.papers.reader import PaperReader

        judge, reader = CodeJudge(url=url), PaperReader()
        try:
            return [*await judge.lines(), await reader.line()]
        finally:
            await judge.close()
            await reader.close()

    _run(follow(print) if links else examine(print, store_for, engines), quiet=True)


@app.command
def nudge(*, now: str, dry_run: bool = False) -> None:
    """One sweep at a given time; prints JSON: due, claimed, sent, failed.

    Parameters
    ----------
    now
        The time to sweep for, such as 2026-03-01T19:00:00Z.
    dry_run
        Count what is due and change nothing.
    """
    _run(_nudge(_settings(), _instant(now), dry_run=dry_run))


@app.command
def judge(*, problem: Path, language: str = "python") -> None:
    """Judge a solution from stdin: one JSON object (docs/judge.md).

    Parameters
    ----------
    problem
        A JSON file with entry, cases and limits.
    language
        python or javascript.
    """
    source = sys.stdin.buffer.read().decode("utf-8", "replace")
    _run(_judge(_settings(), problem, language, source), quiet=True)


@app.command
def check(*slugs: str) -> None:
    """Try out the bank's coding problems (references, wrong solutions, growth) and what the code in quizzes prints. A
    line each; exit code 1 for a fault.

    Parameters
    ----------
    slugs
        These problems and the quizzes of these skills alone; all of them when none is named.
    """
    _run(_check(_settings(), slugs), quiet=True)


@app.command
def grade() -> None:
    """Grade answers with the embedded grader: JSON lines in, JSON lines out (docs/grading.md)."""
    from bot.grading import grade_lines

    for line in grade_lines(sys.stdin):
        print(line, flush=True)


@app.command
def export(*, collection: str) -> None:
    """Print a collection as MongoDB relaxed extended JSON, a document a line.

    Parameters
    ----------
    collection
        Its name, such as interview_attempts.
    """
    _run(_export(_settings(), collection))


stats = cyclopts.App(
    name="stats", help="What students want that is not there yet, and what becomes of nudges."
)
app.command(stats)


@stats.command(name="companies")
def wanted_companies() -> None:
    """Count the companies students named and nobody has looked at, as JSON lines, most wanted first."""
    _run(_wanted_companies(_settings()), quiet=True)


@stats.command(name="skills")
def wanted_skills() -> None:
    """Count the skills students asked to learn and the catalogue does not have, as JSON lines, most wanted first."""
    _run(_wanted_skills(_settings()), quiet=True)


@stats.command(name="nudges")
def told_nudges() -> None:
    """What became of the nudges, as JSON lines: sends, opens, completions within 24 hours, by kind and wording; and the
    lift of choosing the wording, with its 95 % interval."""
    _run(_told_nudges(_settings()), quiet=True)


@app.command
def report(*, session: str) -> None:
    """Make the report of an interview anew from its stored answers; prints it as JSON.

    Parameters
    ----------
    session
        The id of the session (`export --collection interview_sessions` lists them).
    """
    _run(_report(_settings(), session), quiet=True)


@app.command
def disputes() -> None:
    """List the points students say they made, as JSON lines: where the key point stands, and their whole answer."""
    _run(_disputes(_settings()), quiet=True)


# What the commands run


async def _chat(settings: Settings, *, jsonl: bool, now: datetime | None) -> None:
    from adapters.local import MovableClock

    clock = MovableClock(now)
    async with AsyncExitStack() as stack:
        store, content = await stack.enter_async_context(_store(settings))
        client = _client(settings, stack)
        files, drawer = _files(settings, stack, client), _drawer(stack)
        chat = _json_lines(clock, files, drawer) if jsonl else _terminal(clock, files, drawer)
        shell = Shell(
            store=store,
            content=content,
            grader=_grader(settings, client),
            judge=_code_judge(settings, stack),
            messengers=[chat],
            clock=clock,
        )
        stack.push_async_callback(shell.close)
        await chat.run(shell, store)


async def _serve(
    settings: Settings,
    *,
    telegram: bool = False,
    webhook: bool = False,
    discord: bool = False,
    scheduler: bool = False,
) -> None:
    """Run platforms and the scheduler until the process is told to stop."""
    from adapters.pace import NUDGES_A_SECOND
    from bot.lane import Lane
    from bot.stopping import until_stopped

    _warn_of_a_wiped_disk(settings)
    async with AsyncExitStack() as stack:
        store, content = await stack.enter_async_context(_store(settings))
        client = _client(settings, stack)
        files, drawer = _files(settings, stack, client), _drawer(stack)
        on_telegram = _telegram(settings, store, files, drawer) if telegram else None
        on_discord = _discord(settings, store, files, drawer) if discord else None
        messengers: list[Messenger] = [each for each in (on_telegram, on_discord) if each is not None]
        shell = Shell(
            store=store,
            content=content,
            grader=_grader(settings, client),
            judge=_code_judge(settings, stack),
            messengers=messengers,
            lanes={platform: Lane(pace) for platform, pace in NUDGES_A_SECOND.items()},
            patience=PATIENCE,
        )
        stack.push_async_callback(shell.close)
        gc.freeze()  # the content stays until the end: looked through at every collection, it took a tenth of a turn
        sweeps: list[Callable[[], Awaitable[object]]] = [shell.sweep_left, shell.sweep_nudges]
        if scheduler:
            sweeps.append(shell.sweep_due)
        runs: list[Awaitable[None]] = []
        if on_telegram and webhook and settings.webhook_secret:
            hook = on_telegram.run_webhook(
                shell.receive,
                url=settings.webhook_url,
                secret=settings.webhook_secret.get_secret_value(),
                port=settings.port,
                health=_health(store),
            )
            runs.append(hook)
        elif on_telegram:
            runs.append(on_telegram.run_polling(shell.receive))
        if on_discord:
            runs.append(on_discord.run(shell.receive))

        async def renew() -> None:
            shell.learn(await renewed(store, content, _today()))

        async def rate() -> None:
            if scheduler:
                await calibration.calibrate(store)
            shell.rate(await calibration.ratings(store))

        async def word() -> None:
            shell.word(await nudge_log.scores(store, datetime.now(UTC)))

        daily = [renew, rate, *([word] if scheduler else []), *([on_telegram.tidy] if on_telegram else [])]
        await stack.enter_async_context(sweeping(*sweeps, daily=daily))
        log.info(
            "started platforms=%s scheduler=%s", ",".join(each.platform for each in messengers), scheduler
        )
        await until_stopped(*runs)


async def _nudge(settings: Settings, at: datetime, *, dry_run: bool) -> None:
    async with _store(settings) as (store, content), AsyncExitStack() as stack:
        if dry_run:
            due = await store.due(at=at, lease=LEASE, limit=MOST_COUNTED, claim=False)
            swept = Swept(due=len(due))
        else:
            grader = _grader(settings, _client(settings, stack))
            shell = Shell(store=store, content=content, grader=grader, clock=lambda: at)
            swept = await shell.sweep_due(at)
            await shell.settled()
        summary = {"due": swept.due, "claimed": swept.claimed, "sent": swept.sent, "failed": swept.failed}
        print(json.dumps(summary))


async def _judge(settings: Settings, problem: Path, language: str, source: str) -> None:
    from adapters.judge.cli import judge_file
    from adapters.judge.judge import CodeJudge
    from bot.judging import CannotRun, ProblemError

    judge = CodeJudge(url=settings.judge_url.get_secret_value())
    try:
        result, message = await judge_file(problem, language, source, judge=judge)
    except (ProblemError, CannotRun) as error:
        _fail(str(error))
    finally:
        await judge.close()
    print(json.dumps(result))
    if message:
        print(message, file=sys.stderr)


async def _check(settings: Settings, slugs: tuple[str, ...]) -> None:
    from adapters.judge.checking import faults
    from adapters.judge.judge import CodeJudge
    from bot import problems
    from bot.judging import CannotRun

    try:
        content = bank.load()
    except bank.ContentError as error:
        _fail("\n".join(error.faults))
    judge = CodeJudge(url=settings.judge_url.get_secret_value(), workers=2)
    wrong = 0
    try:
        for slug in slugs or (*problems.slugs(), *content.quizzes):
            found = []
            try:
                if slug in content.quizzes:
                    found = await _quiz_faults(content.quizzes[slug])
                else:
                    file = problems.problem_file(slug)
                    found = await faults(file, content, judge) if file else ["no such problem"]
            except bank.ContentError as error:
                found = error.faults
            except CannotRun as error:
                _fail(str(error))
            wrong += bool(found)
            print(slug + (": ok" if not found else "".join(f"\n  {fault}" for fault in found)), flush=True)
    finally:
        await judge.close()
    if wrong:
        raise SystemExit(1)


async def _quiz_faults(questions: tuple[QuizQuestion, ...]) -> list[str]:
    """Of every question whose output is to be predicted; what cannot be tried here is said."""
    from adapters.judge.printed import CannotTry, faults

    found: list[str] = []
    for each in questions:
        if each.kind == "output":
            try:
                found += await faults(each)
            except CannotTry as error:
                print(f"{each.key}: not tried: {error}", file=sys.stderr)
    return found


async def _export(settings: Settings, collection: str) -> None:
    from bson import json_util

    from bot.documents import COLLECTIONS

    names = sorted([*COLLECTIONS, "conversations"])
    if collection not in names:
        _fail(f"There is no collection {collection!r}. There are: {', '.join(names)}.")
    async with _store(settings) as (store, _):
        async for document in store.export(collection):
            print(json_util.dumps(document, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False))


async def _disputes(settings: Settings) -> None:
    async with _store(settings) as (store, content):
        slugs = {each.id: each for each in content.documents["interview_questions"]}
        async for attempt in store.export("interview_attempts"):
            for point in attempt.get("points", ()):
                if point.get("disputed"):
                    asked = slugs.get(str(attempt["question_id"]))
                    print(json.dumps(disputed_point(attempt, point, asked), ensure_ascii=False))
        async for row in store.export("learning_progress"):
            if row.get("disputed"):
                print(json.dumps(disputed_recall(row, content), ensure_ascii=False))


async def _report(settings: Settings, session_id: str) -> None:
    import msgspec

    from bot import engine
    from bot.documents import InterviewAttempt, InterviewReport, InterviewSession, insert, update
    from bot.stages import reporting
    from storage.schema import from_bson

    async with _store(settings) as (store, content):

        async def kept(collection: str, kind: type[T], field: str, value: str) -> list[T]:
            found = [each async for each in store.export(collection) if str(each[field]) == value]
            return [msgspec.convert(from_bson(each), kind) for each in found]

        sessions = await kept("interview_sessions", InterviewSession, "_id", session_id)
        if not sessions:
            _fail(f"There is no session {session_id!r}.")
        session = sessions[0]
        if session.status == "in_progress":
            _fail("That interview is still going on; its report comes with its end.")
        attempts = await kept("interview_attempts", InterviewAttempt, "session_id", session.id)
        for _ in range(STALE_TRIES):  # its student may be talking meanwhile
            reports = await kept("interview_reports", InterviewReport, "student_id", session.student_id)
            report = reporting.remade(session, attempts, reports, content)
            record = await store.load(session.student_id)
            if report is None or record is None:
                _fail("Nothing was answered in that interview, so there is no report.")
            there = any(each.id == report.id for each in reports)
            fields = {
                name: value for name, value in msgspec.structs.asdict(report).items() if name not in _KEPT
            }
            write = update(InterviewReport, report.id, **fields) if there else insert(report)
            conversation = record.conversation
            with suppress(StaleConversation):
                await store.commit(
                    session.student_id,
                    conversation,
                    expected=record.version,
                    writes=[write],
                    wake_at=engine.wake_at(conversation),
                    work=engine.work(conversation, content) is not None,
                )
                print(msgspec.json.encode(report).decode())
                return
        _fail("The student is writing just now; try again in a moment.")


async def _wanted_companies(settings: Settings) -> None:
    async with _store(settings) as (store, content):
        wishes = [each async for each in store.export("company_wishes")]
        for company, students in companies.wanted(wishes):
            if content.company(company) is None:  # somebody has looked at it since
                print(json.dumps({"company": company, "students": students}, ensure_ascii=False))


async def _wanted_skills(settings: Settings) -> None:
    async with _store(settings) as (store, content):
        wishes = [each async for each in store.export("skill_wishes")]
        for skill, students in companies.wanted(wishes, "skill"):
            if content.path(skill) is None:
                print(json.dumps({"skill": skill, "students": students}, ensure_ascii=False))


async def _told_nudges(settings: Settings) -> None:
    async with _store(settings) as (store, _):
        for line in await nudge_log.stats(store, datetime.now(UTC)):
            print(json.dumps(line))


# Composition


@asynccontextmanager
async def _store(
    settings: Settings, *, told: Callable[[str], None] = log.info
) -> AsyncIterator[tuple[Store, Content]]:
    """The database, made ready (collections, indexes, content), and the content it was seeded with."""
    from storage import store_for

    content = bank.load(patterns=False)
    try:
        store = store_for(settings.database_url.get_secret_value())
    except ValueError as error:  # it names the setting, never the password in it
        raise SettingsError(str(error)) from None
    try:
        for difference in await store.open():
            log.warning("database: %s", difference)
        content = content.learnt(await observed(store, _today()))
        changed = [await store.seed(name, documents) for name, documents in content.documents.items()]
        told(f"{sum(changed)} entries written or retired.")
        yield store, replace(content, ratings=await calibration.ratings(store))
    finally:
        await store.close()


def _client(settings: Settings, stack: AsyncExitStack) -> "Client | None":
    """The provider of models where one is named: one budget for all. Its library takes long to import, so the others
    do without."""
    if not (settings.model_name or settings.transcription_model):
        return None
    from adapters.model import Client

    client = Client.of(settings)
    stack.push_async_callback(client.close)
    return client


def _grader(settings: Settings, client: "Client | None") -> Grader:
    """The model's where one is named."""
    from bot.grading import EmbeddedGrader

    if client is None or not settings.model_name:
        return EmbeddedGrader()
    from adapters.model import ModelGrader

    return ModelGrader(client, model=settings.model_name, embedded=EmbeddedGrader())


def _code_judge(settings: Settings, stack: AsyncExitStack) -> "CodeJudge":
    from adapters.judge.judge import CodeJudge

    judge = CodeJudge(url=settings.judge_url.get_secret_value())
    stack.push_async_callback(judge.close)
    return judge


def _files(settings: Settings, stack: AsyncExitStack, client: "Client | None") -> "Files":
    """Who reads and hears what students send."""
    from adapters.files import Files
    from adapters.papers.reader import PaperReader

    reader = PaperReader()
    stack.push_async_callback(reader.close)
    if client is None or not settings.transcription_model:
        return Files(reader)
    from adapters.model import ModelTranscriber

    return Files(reader, ModelTranscriber(client, model=settings.transcription_model))


def _drawer(stack: AsyncExitStack) -> Renderer:
    """Who makes the pictures and papers that students get."""
    from adapters.drawing import Drawer

    drawer = Drawer()
    stack.callback(drawer.close)
    return drawer


def _json_lines(clock: "MovableClock", files: "Files", drawer: Renderer) -> "JsonLines | Terminal":
    from adapters.jsonl import JsonLines

    return JsonLines(clock=clock, files=files, renderer=drawer)


def _terminal(clock: "MovableClock", files: "Files", drawer: Renderer) -> "JsonLines | Terminal":
    from adapters.terminal import Terminal

    return Terminal(clock=clock, files=files, renderer=drawer)


def _telegram(settings: Settings, store: Store, files: "Files", drawer: Renderer) -> "TelegramAdapter":
    from adapters.telegram import TelegramAdapter

    assert settings.telegram_token is not None
    return TelegramAdapter(
        settings.telegram_token.get_secret_value(),
        bookmarks=store,
        allowed=settings.allowed("telegram"),
        api_url=settings.telegram_api_url,
        files=files,
        renderer=drawer,
    )


def _discord(settings: Settings, store: Store, files: "Files", drawer: Renderer) -> "DiscordAdapter":
    from adapters.discord import DiscordAdapter

    assert settings.discord_token is not None
    return DiscordAdapter(
        settings.discord_token.get_secret_value(),
        bookmarks=store,
        allowed=settings.allowed("discord"),
        api_url=settings.discord_api_url,
        gateway_url=settings.discord_gateway_url,
        renderer=drawer,
        files=files,
    )


def _health(store: Store) -> Callable[[], Awaitable[bool]]:
    async def healthy() -> bool:
        with suppress(StoreUnavailable):
            await store.due(at=datetime.now(UTC), lease=LEASE, limit=1, claim=False)
            return True
        return False

    return healthy


# The edge


def _run(work: Any, *, quiet: bool = False) -> None:
    """Run to the end. What can be mended is said in a sentence, without a traceback."""
    from adapters.errors import WrongSetting

    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in (
        "httpx",
        "httpx2",
        "apscheduler",
        "discord",
        "telegram",
    ):  # they log every request, addresses and all
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with suppress(KeyboardInterrupt):
            _loop(work)
    except SettingsError as error:
        _fail(f"These settings cannot be used:\n{error}")
    except bank.ContentError as error:
        _fail(f"The content has faults:\n{error}")
    except StoreUnavailable as error:
        _fail(
            f"The database cannot be reached: {error}\nCheck DATABASE_URL, then start again; nothing was lost."
        )
    except WrongSetting as error:
        _fail(str(error))
    except BrokenPipeError:  # `| head`: whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a port that is taken, a file that cannot be written
        _fail(f"The system refuses: {error}")


def _loop(work: Any) -> None:
    try:
        import uvloop
    except ImportError:  # Windows
        asyncio.run(work)
    else:
        uvloop.run(work)


def _settings() -> Settings:
    try:
        return config.load()
    except SettingsError as error:
        _fail(f"These settings cannot be used:\n{error}")


def _require(settings: Settings, *names: str) -> None:
    missing = [name for name in names if not getattr(settings, name.lower())]
    if missing:
        _fail(f"Not set: {', '.join(missing)}. See .env.example.")


def _today() -> date:
    return datetime.now(UTC).date()


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        _fail(f"{text!r} is not a time such as 2026-03-01T09:00:00Z.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _warn_of_a_wiped_disk(settings: Settings) -> None:
    host = next((name for name in _WIPED if name in os.environ), None)
    if host and settings.database_url.get_secret_value().startswith("sqlite"):
        log.warning(
            "SQLITE ON A HOST THAT WIPES ITS DISK (%s is set): everything is lost at the next restart.", host
        )
        log.warning("Set DATABASE_URL to a MongoDB server.")


def _fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    app()
