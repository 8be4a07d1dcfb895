"""What a decision gives back: replies, writes, and what a stage may look at while it decides."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from bot.bank import Content
from bot.conversation import Conversation
from bot.documents import Insert, LearningPath, LearningProgress, Update
from bot.events import Event, Pressed, Said, Shared
from bot.messages import Choice, DeliveryKind, Message
from bot.ports import Known
from bot.sentences import label


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A message to the student. `edit`: it takes the place of the one whose button was pressed.
    `kind` "nudge" is what the student did not ask for."""

    message: Message
    kind: DeliveryKind = "reply"
    edit: bool = False


class Forget(msgspec.Struct, frozen=True, kw_only=True):
    """Erase everything of this student, the conversation too."""


Effect = Reply | Insert | Update | Forget
Outcome = tuple[Conversation, list[Effect]]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One event and what is known beside it. `at`: the event's time."""

    event: Event
    known: Known
    content: Content

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def event_is_students(self) -> bool:
        """Whether the student did something, and no time has merely come."""
        return isinstance(self.event, Said | Pressed | Shared)

    def path(self, path_id: str | None) -> LearningPath | None:
        """The student's path with this id."""
        return next((each for each in self.known.paths if each.id == path_id), None)

    def row(self, row_id: str) -> LearningProgress | None:
        """The row of `learning_progress` with this id."""
        return next((each for each in self.known.progress if each.id == row_id), None)

    def knowing(self, path: LearningPath, *rows: LearningProgress) -> "Turn":
        """The same turn with a path and rows as they are by now, in the place of what the store knew."""
        paths = {each.id: each for each in (*self.known.paths, path)}
        progress = {each.id: each for each in (*self.known.progress, *rows)}
        known = replace(self.known, paths=tuple(paths.values()), progress=tuple(progress.values()))
        return replace(self, known=known)


def reply(text: str, *choices: Choice, edit: bool = False) -> Reply:
    """A reply with its buttons."""
    return Reply(message=Message(text=text, choices=choices), edit=edit)


def button(verb: str, subject: str, name: str, /, **values: object) -> Choice:
    """A button: `name` is its label's key in the sentences."""
    return Choice(id=f"{verb}:{subject}", label=label(name, **values))
