"""Settings from the environment and `.env`. A wrong one names itself; all faults are told at once."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PLATFORMS = ("telegram", "discord")


class SettingsError(Exception):
    """Settings that cannot be used: "PORT: must be a number from 1 to 65535", one a line."""


def _users(value: object) -> object:
    """ "telegram:81, discord:42" as a list."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    return value


class Settings(BaseSettings):
    """What an operator may set; .env.example says what each is for. An empty value counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        enable_decoding=False,
        validate_default=False,
        frozen=True,
    )

    database_url: SecretStr = SecretStr("sqlite:///viva.db")
    telegram_token: SecretStr | None = None
    discord_token: SecretStr | None = None
    telegram_api_url: str = ""
    discord_api_url: str = ""
    discord_gateway_url: str = ""
    webhook_url: str = ""
    webhook_secret: SecretStr | None = None
    port: int = Field(default=8080, ge=1, le=65535)
    allowed_users: Annotated[tuple[str, ...], BeforeValidator(_users)] = ()
    judge_url: SecretStr = SecretStr("")  # may carry a token
    model_base_url: str = "https://api.openai.com/v1"
    model_api_key: SecretStr | None = None
    model_name: str = ""
    model_daily_requests: int = Field(default=2000, ge=1)
    model_daily_tokens: int = Field(default=5_000_000, ge=1)  # 2000 requests of a long answer each
    transcription_model: str = ""

    @field_validator("database_url")
    @classmethod
    def _known_store(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("sqlite:///", "mongodb://", "mongodb+srv://")):
            raise ValueError("must begin with sqlite:///, mongodb:// or mongodb+srv://")
        return value

    @field_validator("telegram_api_url", "discord_api_url", "model_base_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        if not urlsplit(value).hostname:
            raise ValueError("names no host")
        return value.rstrip("/")

    @field_validator("model_api_key")
    @classmethod
    def _header(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise ValueError("must be one word of plain characters")
        return value

    @field_validator("discord_gateway_url")
    @classmethod
    def _websocket(cls, value: str) -> str:
        if not value.startswith(("ws://", "wss://")):
            raise ValueError("must begin with ws:// or wss://")
        return value.rstrip("/")

    @field_validator("judge_url")
    @classmethod
    def _known_judge(cls, value: SecretStr) -> SecretStr:
        kinds = tuple(f"{kind}+{scheme}://" for kind in ("gojudge", "piston") for scheme in ("http", "https"))
        if not value.get_secret_value().startswith(kinds):
            raise ValueError(f"must begin with {', '.join(kinds[:-1])} or {kinds[-1]}")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _secret_token(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()  # Telegram Bot API, setWebhook.secret_token
        if not (1 <= len(secret) <= 256 and all(c.isascii() and (c.isalnum() or c in "_-") for c in secret)):
            raise ValueError("must have 1-256 characters of A-Z a-z 0-9 _ -")
        return value

    @field_validator("allowed_users")
    @classmethod
    def _platform_and_id(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            platform, _, user = each.partition(":")
            if platform not in PLATFORMS or not user:
                raise ValueError(f"{each!r} is not platform:id (telegram:81, discord:42)")
        return value

    def allowed(self, platform: str) -> frozenset[str]:
        """The ids allowed on a platform; nobody is named: everybody."""
        pairs = (each.split(":", 1) for each in self.allowed_users)
        named = {user for name, user in pairs if name == platform}
        # Somebody is named, but nobody here: an id no platform gives keeps everybody out.
        return frozenset(named or ({"-"} if self.allowed_users else ()))


def load(**overrides: Any) -> Settings:
    """The settings in force. Raises SettingsError with every fault, a line each."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = [
            f"{_name(each['loc'])}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()
        ]
        raise SettingsError(
            "\n".join(faults)
        ) from None  # the cause would print the values, secrets among them


def _name(place: tuple[int | str, ...]) -> str:
    return str(place[0]).upper() if place else "settings"
