"""What a process is told from outside: environment variables OTKLIK_*, or files for secrets."""

import base64
import binascii
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LEAST_MASTER_BYTES = 32


class Settings(BaseSettings):
    """
    Settings of one process. Names in the environment carry the prefix OTKLIK_.

    `database_url` names a server and a database, without a user: every service signs in with
    logins of its own whose passwords are derived from the master key.
    """

    # A wrong setting is named, never shown: secrets stand beside it.
    model_config = SettingsConfigDict(
        env_prefix="OTKLIK_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: str = Field(description="postgresql://host:port/name, or …/name?host=/socket/dir")
    admin_database_url: str | None = Field(
        default=None,
        repr=False,
        description="as database_url with a user that may create roles; migrate only",
    )
    database_urls: dict[str, str] = Field(
        default_factory=dict, description="JSON: another database_url by schema name"
    )
    pool_size: int = Field(default=8, ge=1, le=100, description="connections per login")
    master_key: str | None = Field(
        default=None, repr=False, description="base64 of at least 32 random bytes"
    )
    master_key_file: Path | None = Field(default=None, description="a file that holds the same")
    pseudonym_version: int = Field(default=1, ge=1, le=255)
    log: Literal["table", "kafka"] = "table"
    kafka_bootstrap: str = "localhost:9092"
    kafka_replication: int = Field(default=1, ge=1, le=9)
    partitions: int = Field(default=12, ge=1, le=200)
    instance: str = Field(default="0", description="name of this replica among its equals")
    run_folder: Path | None = Field(
        default=None,
        description="outlives a process: where it leaves word that it ended itself",
    )
    environment: Literal["production", "trial", "test"] = "production"
    public_url: str = "http://127.0.0.1:8080"
    api_urls: dict[str, str] = Field(
        default_factory=dict, description="JSON: where pages find a service's API, by its name"
    )
    otlp_endpoint: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trusted_proxies: int = Field(
        default=0, ge=0, le=10, description="proxies of ours that append to X-Forwarded-For"
    )
    recording_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="JSON: networks that recordings may be fetched from although they are not public",
    )
    recording_http: bool = Field(
        default=False, description="whether recordings may be fetched without TLS"
    )
    operations_token: str | None = Field(
        default=None,
        repr=False,
        description="Bearer that may read /metrics besides keys with operations:read",
    )

    @field_validator("database_url", "admin_database_url")
    @classmethod
    def _names_postgresql(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return value

    @cached_property
    def master(self) -> bytes:
        """The master key. Raises ValueError when it is absent, malformed or too short."""
        text = self.master_key
        if text is None and self.master_key_file is not None:
            text = self.master_key_file.read_text().strip()
        if not text:
            raise ValueError("set OTKLIK_MASTER_KEY or OTKLIK_MASTER_KEY_FILE: 32 bytes in base64")
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("OTKLIK_MASTER_KEY is not base64") from None
        if len(key) < LEAST_MASTER_BYTES:
            raise ValueError(
                f"OTKLIK_MASTER_KEY has {len(key)} bytes; at least {LEAST_MASTER_BYTES} are needed"
            )
        return key

    def database_url_of(self, schema: str) -> str:
        """Where the tables of `schema` are: its own database, or the common one."""
        return self.database_urls.get(schema, self.database_url)


def load_settings() -> Settings:
    """Settings from the environment. Raises pydantic.ValidationError naming what is missing."""
    return Settings()


def explain(wrong: ValidationError) -> str:
    """Which variables are missing or wrong and why, without what they hold."""
    errors = wrong.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"OTKLIK_{str(error['loc'][0]).upper()}: {error['msg']}" for error in errors)
