"""Voice answers through a provider's transcription: a recording in, its words out, or why there are none."""

import logging

from adapters.model.client import Client, ModelError
from bot.files import Unheard
from bot.ports import Transcript

LARGEST = (
    24 * 1024 * 1024
)  # bytes: providers take requests up to 25 MiB, and the rest of the request counts too

# By a file's ending, the one that providers know it by. Telegram's .oga and .opus are Ogg containers.
_ENDINGS = {name: name for name in "flac m4a mp3 mp4 mpeg mpga ogg wav webm".split()} | {
    "oga": "ogg",
    "opus": "ogg",
}

log = logging.getLogger("viva.model")


class ModelTranscriber:
    """Asks one model for the words."""

    def __init__(self, client: Client, *, model: str) -> None:
        self._client = client
        self._model = model

    async def transcribe(self, recording: bytes, *, name: str) -> Transcript:
        """See `bot.ports.Transcriber`. The provider learns the ending of `name`, not the name."""
        ending = _ENDINGS.get(name.rpartition(".")[2].lower())
        if ending is None:
            return Transcript(unheard="not_a_recording")
        if not recording:
            return Transcript(unheard="empty")
        if len(recording) > LARGEST:
            return Transcript(unheard="too_large")
        try:
            words = await self._client.transcribe(
                model=self._model, recording=recording, name=f"answer.{ending}"
            )
        except ModelError as error:
            log.warning("transcription failed cause=%s bytes=%s", error.kind, len(recording))
            return Transcript(unheard=_unheard(error.kind))
        text = words.strip()
        return Transcript(text=text) if text else Transcript(unheard="no_speech")


def _unheard(kind: str) -> Unheard:
    match kind:
        case "budget":
            return "budget"
        case "http 413":
            return "too_large"
        case "http 400" | "http 415" | "http 422":  # it could not be read as sound
            return "not_a_recording"
        case _:
            return "unavailable"
