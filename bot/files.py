"""Files that students send: how large they may be, and the reasons why there are no words in one.

Facts only. Downloading and reading is the adapters' business, what to answer the engine's.
"""

from typing import Literal

LARGEST_DOCUMENT = (
    5_000_000  # bytes, before it is opened; a resume with a photo has 1 MB, Telegram gives bots 20 MB
)
LARGEST_TEXT_FILE = 100_000  # bytes; a resume or a solution has 10,000
LARGEST_RECORDING = 20_000_000  # bytes: what Telegram gives bots; an hour of speech
MOST_PAGES = 50  # of a PDF; a resume has 2, a job description 5
LONGEST_READ = 100_000  # characters at which reading stops: nothing that is asked for is that long

Unread = Literal[
    "encrypted",
    "too_large",
    "swells",  # small as it is, what it unpacks to is not
    "not_a_document",
    "no_text",
    "too_many_pages",
    "too_slow",
    "failed",
]
Unheard = Literal["empty", "too_large", "not_a_recording", "no_speech", "budget", "unavailable"]
NotFetched = Literal["not_fetched"]  # it did not come, though it was asked for again
