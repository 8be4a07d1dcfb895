"""What is needed from outside (store, messenger, grader, reader, transcriber, renderer), and the errors by who can act.

Shapes and promises only. storage/ and adapters/ implement them; one contract suite holds every store to them.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from bot.conversation import Conversation
from bot.documents import Document, InterviewReport, LearningPath, LearningProgress, Update, Write
from bot.events import Identity
from bot.files import Unheard, Unread
from bot.messages import Delivery, Drawing
from bot.questions import Grade, KeyPoint

ASKED_WITHIN = timedelta(days=90)  # a question comes again after that
REPORTS_KNOWN = 20  # newest ones a turn may look at; a student's documents grow without end


class StaleConversation(Exception):
    """Another process committed first: load again and decide again."""


class StoreUnavailable(Exception):
    """The database does not answer. Nothing was lost; the same call can be made again later."""


class ChatUnreachable(Exception):
    """The platform will not take messages for this address any more (blocked, closed, gone)."""


class Refused(Exception):
    """The platform will never take this message: a mistake of ours. It is dropped and logged."""


class NotTaken(Exception):
    """The platform certainly did not take the message. `retry_after`: seconds it asks us to wait, 0 when it names none."""

    def __init__(self, reason: str, *, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class MaybeTaken(Exception):
    """It is unknown whether the platform took the message (the connection broke after it was written)."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as loaded: `version` is what the next commit must find unchanged; 0 before the first."""

    conversation: Conversation
    version: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knew when a turn began; empty where the turn did not ask. Paths and rows oldest first, reports
    newest first and at most `REPORTS_KNOWN`."""

    paths: tuple[LearningPath, ...] = ()
    progress: tuple[LearningProgress, ...] = ()
    reports: tuple[InterviewReport, ...] = ()
    asked: frozenset[str] = frozenset()
    """Ids of the questions the student has answered, or that an interview had planned, within `ASKED_WITHIN`."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """Work leased to this process: a due row of `learning_progress` (`row`, `due`), or a conversation whose
    `wake_at` has come (`row` empty)."""

    student: str
    due: datetime
    row: str = ""


class Store(Protocol):
    """One database. A conversation is `student:<id>`; here it is named by the student's id (24 hex digits).

    Every method raises StoreUnavailable when the database does not answer. Datetimes are aware UTC, whole milliseconds.
    """

    async def open(self) -> list[str]:
        """Create what is missing (collections, validators, indexes), leave what exists as it is; say what differs,
        a sentence each. May be called again."""

    async def close(self) -> None:
        """Finish what was acknowledged and let go of the database."""

    async def student(self, identity: Identity, *, new: str, at: datetime) -> str:
        """The student this identity leads to; `new` becomes the id of one never seen. Two processes agree."""

    async def load(self, student: str) -> Record | None:
        """The conversation, with everything of earlier turns applied; None when there is none (yet, or any more)."""

    async def known(self, student: str, needs: frozenset[str], *, at: datetime) -> Known:
        """What a turn needs to know: any of "paths" (with their progress rows), "reports", "asked"."""

    async def commit(
        self,
        student: str,
        conversation: Conversation,
        *,
        expected: int,
        writes: Sequence[Write] = (),
        deliveries: Sequence[Delivery] = (),
        wake_at: datetime | None = None,
        work: bool = False,
        lease_until: datetime | None = None,
    ) -> int:
        """One turn, all or nothing and durable; gives the new version. Raises StaleConversation unless the stored
        version is `expected` (0: there is none). `deliveries` join the outbox as they are; one whose sending the caller
        begins at once has `tries` 1 already. `work`: something is to be computed (grading). Until `lease_until` the
        sweeps leave the outbox and the work to the caller; None changes no lease. A row that gets a `next_nudge_at`
        takes it from the student's other rows. A StoreUnavailable leaves open whether the turn was stored."""

    async def settle(
        self,
        student: str,
        *,
        sent: Iterable[str] = (),
        untaken: Iterable[str] = (),
        lease_until: datetime | None = None,
    ) -> None:
        """Take delivered (or dropped) deliveries out of the outbox; `untaken` ones go back to `tries` 0, for certain
        not taken. `lease_until` None ends the lease; a time holds the rest back until then."""

    async def pending(
        self,
        platforms: Sequence[str],
        *,
        work: bool,
        nudges: bool = True,
        at: datetime,
        lease: timedelta,
        limit: int,
    ) -> list[tuple[str, list[Delivery]]]:
        """Lease conversations with replies to one of `platforms`, or (with `work`) something to compute; after them, with
        `nudges`, those where only nudges wait. Gives each one's deliveries to these platforms, oldest first, `tries` as
        it was before this claim; the claim itself counts one more on each."""

    async def due(self, *, at: datetime, lease: timedelta, limit: int, claim: bool = True) -> list[Claimed]:
        """Rows whose `next_nudge_at` and conversations whose `wake_at` is not after `at`, leased to the caller: first the
        conversations, which somebody may be in the middle of, each kind earliest first. With `claim` False nothing is
        leased or changed, and all are earliest first."""

    async def set_aside(self, document: Document) -> None:
        """Keep the record of an event that failed three times."""

    async def erase(self, student: str) -> None:
        """Remove every document of a student, identities last; may be called again."""

    async def seed(self, collection: str, documents: Sequence[Document]) -> int:
        """Put content there: new entries inserted, changed ones (`content_version`) updated by field, entries whose id
        is not among `documents` retired. Gives the number of documents changed."""

    async def revise(self, updates: Sequence[Update]) -> None:
        """Set fields of content documents, outside any turn; one that is not there stays away."""

    async def get(self, key: str) -> str | None:
        """A bookmark: where an adapter has read to, that it did something once, or what it will be answered to. None
        when there is none."""

    async def set(self, key: str, value: str | None) -> None:
        """Put a bookmark there, in the place of what was; None takes it away."""

    async def all(self, prefix: str) -> dict[str, str]:
        """The bookmarks whose key begins with `prefix`, under whole keys."""

    def export(self, collection: str, *, since: datetime | None = None) -> AsyncIterator[dict[str, Any]]:
        """Every document of a collection as BSON values (ObjectId, datetime), in the order of their ids; with `since` those
        whose ids, which open with a time, were made from then on."""


class Messenger(Protocol):
    """One platform's way out."""

    platform: str

    async def send(self, delivery: Delivery) -> None:
        """Hand a message to the platform. Raises NotTaken, MaybeTaken, Refused or ChatUnreachable."""


class Grader(Protocol):
    """Grades one answer. Never raises for a bad answer: what cannot be graded is a Grade without a score."""

    async def grade(
        self, *, question: str, reference_answer: str, key_points: Sequence[KeyPoint], answer: str
    ) -> Grade:
        """The grade, with evidence."""


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A file as text. `kind`: what it is by its content, empty when it is none of these; `text`: at most
    `LONGEST_READ` characters of a PDF or Word file; `unread`: why there is none, empty when there is."""

    kind: Literal["pdf", "docx", "text", ""] = ""
    text: str = ""
    unread: Unread | Literal[""] = ""


class Reader(Protocol):
    """Reads documents. Never raises for a bad file, whatever is in it."""

    async def read(self, file: bytes) -> Paper:
        """Its text, or why there is none. Its name is of no matter."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as text. `unheard`: why there is none; empty when there is."""

    text: str = ""
    unheard: Unheard | Literal[""] = ""


class Transcriber(Protocol):
    """Turns a spoken answer into text. Never raises for a recording."""

    async def transcribe(self, recording: bytes, *, name: str) -> Transcript:
        """`name`: the file's own; only its ending counts ("voice.oga")."""


class NotRendered(Exception):
    """A drawing could not be made; the message it belongs to goes without."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing as a file; `name` with its ending."""

    name: str
    media_type: Literal["image/png", "application/pdf"]
    content: bytes


class Renderer(Protocol):
    """Makes drawings out of their data, away from the event loop."""

    async def render(self, drawing: Drawing) -> Rendered:
        """The picture or document. Raises NotRendered."""
