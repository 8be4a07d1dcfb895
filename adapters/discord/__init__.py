"""Discord: a dictionary between its messages and interactions and ours. It knows nothing of interviews."""

from adapters.discord.adapter import DiscordAdapter

__all__ = ["DiscordAdapter"]
