"""How fast each platform takes what nobody is waiting for. No platform's library is needed to know it."""

NUDGES_A_SECOND = {
    # Of Telegram's 30 messages a second over all chats (core.telegram.org/bots/faq): ten are left for a second in which
    # many are answered at once.
    "telegram": 20.0,
    # Of Discord's 50 requests a second (Discord API, rate limits); answers to interactions do not count there.
    "discord": 25.0,
}
