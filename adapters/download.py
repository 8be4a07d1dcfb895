"""A file over HTTP, with bounds. Apart from adapters/files.py, so that the terminal starts without an HTTP library."""

import aiohttp

from adapters.files import FetchFailed

FETCH_WITHIN = 20.0  # s for one try
CHUNK = 65_536  # bytes read at once


async def downloaded(session: aiohttp.ClientSession, url: str, *, most: int) -> bytes:
    """A `Fetch` over HTTP, from exactly this address: redirects are not followed. Raises FetchFailed."""
    # aiohttp's words can hold the address, and so a token: only the kind of its error is told, and no cause.
    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_WITHIN)
        async with session.get(url, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                lasting = 400 <= response.status < 500 and response.status not in (408, 429)
                raise FetchFailed(f"status {response.status}", again=not lasting)
            kept = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                kept += chunk
                if len(kept) > most:
                    break
            return bytes(kept)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # OSError: TimeoutError is one
        raise FetchFailed(type(error).__name__) from None
