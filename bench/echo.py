"""The peer of bench/turn: a stateless echo by python-telegram-bot as its documentation begins, and nothing else.

Run in an environment of that library's own requirements alone: what else is installed beside Viva (sniffio, for one)
would change it.
"""

import resource
import sys
import threading

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """The text goes back."""
    if update.message and update.message.text:
        await update.message.reply_text(update.message.text)


def main(token: str, secret: str, api: str, port: str, path: str) -> None:
    """Serve the webhook until killed. A line on stdin is answered with the CPU seconds used so far."""
    threading.Thread(target=_tell_cpu, daemon=True).start()
    application = Application.builder().token(token).base_url(f"{api}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_webhook(
        listen="127.0.0.1",
        port=int(port),
        url_path=path,
        webhook_url=f"http://127.0.0.1:{port}/{path}",
        secret_token=secret,
    )


def _tell_cpu() -> None:
    for _ in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(used.ru_utime + used.ru_stime, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
