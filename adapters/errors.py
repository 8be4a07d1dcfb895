"""What an operator has to mend: a platform does not take a setting of ours. Errors of single messages are in `bot.ports`."""


class WrongSetting(Exception):
    """The platform refuses a setting for good. The text names the setting and the mend, and holds no secret."""


class WrongToken(WrongSetting):
    """The platform does not know the token."""
