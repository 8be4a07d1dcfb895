"""Telegram: a dictionary between its Bot API and our events and messages. It knows nothing of interviews."""

from adapters.telegram.adapter import TelegramAdapter

__all__ = ["TelegramAdapter"]
