"""A language model and its transcription behind the ports of the bot; imported only where one is configured."""

from adapters.model.client import Client
from adapters.model.grader import ModelGrader
from adapters.model.transcriber import ModelTranscriber

__all__ = ["Client", "ModelGrader", "ModelTranscriber"]
