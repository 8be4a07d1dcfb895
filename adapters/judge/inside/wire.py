"""The private line between the bot and its worker: JSON with its length before it, over what were stdin and stdout.

Both are moved to descriptors of their own before anything else happens, and 0, 1 and 2 lead nowhere afterwards: what
a guest writes to "stdout" can never be taken for an answer.
"""

import json
import os
import struct
from typing import Any, BinaryIO

HEADER = struct.Struct(">I")


class Wire:
    """The worker's end. Made once, first thing."""

    def __init__(self) -> None:
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)

    def read(self) -> dict[str, Any] | None:
        """The next job; None when the bot has gone."""
        header = self._in.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        (size,) = HEADER.unpack(header)
        job: dict[str, Any] = json.loads(self._in.read(size))
        return job

    def write(self, message: dict[str, Any]) -> None:
        """Answer."""
        body = json.dumps(message).encode()
        self._out.write(HEADER.pack(len(body)) + body)
        self._out.flush()
