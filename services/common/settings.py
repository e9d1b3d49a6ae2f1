"""The settings of a service, from its environment and from `POST /admin/config`: validated, frozen."""

import os
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common import contract

MAX_POOL_SIZE: Final = 1000
TcpPort = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0.001, le=3600, allow_inf_nan=False)]

WorkTime = Annotated[
    int,
    Field(
        ge=0,
        le=contract.MAX_HOLD_MS,
        description="Hold in ms: how long a request keeps its connection, reading included.",
    ),
]
WorkKind = Annotated[
    contract.WorkKind,
    Field(
        description="What happens during the hold: sleep (the connection is idle), query (`pg_sleep`), "
        "cpu (`work_units` iterations in PostgreSQL), lock (waits for a row that a fault has locked)."
    ),
]
WorkUnits = Annotated[
    int,
    Field(
        ge=0,
        le=10**12,
        description="Iterations of `burn` in PostgreSQL for a hold of `work_time_ms`; read only if `work_kind` is cpu.",
    ),
]
AcquireTimeout = Annotated[
    Seconds,
    Field(description="Acquire timeout in s: how long a request waits for a connection, a connect included."),
]
PoolMinSize = Annotated[
    int, Field(ge=0, le=MAX_POOL_SIZE, description="Connections that the pool makes when it opens, and keeps.")
]
PoolMaxSize = Annotated[
    int, Field(ge=1, le=MAX_POOL_SIZE, description="Connections that the pool may have, in each worker process.")
]
Tuning = Annotated[
    contract.Tuning,
    Field(
        description="How the library is set up: equalised (exact size, autocommit, no session reset, no liveness "
        "check) or as_shipped (the library's own defaults; only size and timeout are set)."
    ),
]
Workers = Annotated[int, Field(ge=1, description="Worker processes behind this address; each has a pool of its own.")]
Threads = Annotated[
    int,
    Field(ge=1, description="Threads of each worker process of a threaded server: its most requests at once."),
]


class SettingsError(Exception):
    """A setting that cannot be used; one line that says what to change."""


class Config(BaseModel):
    """What `/admin/config` shows, and changes at runtime (`tuning` excepted)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    work_time_ms: WorkTime = 1000
    work_kind: WorkKind = "sleep"
    work_units: WorkUnits = 0
    pool_acquire_timeout: AcquireTimeout = 10.0
    pool_min_size: PoolMinSize = 2
    pool_max_size: PoolMaxSize = 5
    tuning: Tuning = "equalised"

    @model_validator(mode="after")
    def _min_below_max(self) -> Self:
        if self.pool_min_size > self.pool_max_size:
            raise ValueError(
                f"pool_min_size ({self.pool_min_size}) is above pool_max_size ({self.pool_max_size}): "
                "lower the one or raise the other"
            )
        return self

    def units(self, hold_ms: int) -> int:
        """Iterations of `burn` for a hold of this length; `work_units` are those of `work_time_ms`."""
        if hold_ms == self.work_time_ms:
            return self.work_units
        return round(self.work_units * hold_ms / max(1, self.work_time_ms))

    def changed(self, patch: dict[str, Any]) -> "Config":
        """This configuration with `patch` applied; raises SettingsError and changes nothing otherwise.

        Where only `pool_max_size` is given, `pool_min_size` follows: equal to it where both were equal,
        and never above it.
        """
        if "tuning" in patch:
            raise SettingsError("tuning is fixed while the service runs: set TUNING and start it again")
        if not patch:
            raise SettingsError(f"nothing to change: give one of {', '.join(sorted(Config.model_fields))}")
        values = self.model_dump()
        size = patch.get("pool_max_size")
        # Where the size itself is out of range, it is what must be named, not the other one that follows.
        if type(size) is int and 1 <= size <= MAX_POOL_SIZE and "pool_min_size" not in patch:
            fixed = self.pool_min_size == self.pool_max_size
            values["pool_min_size"] = size if fixed else min(self.pool_min_size, size)
        try:
            return Config.model_validate(values | patch)
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where PostgreSQL is, and as what a service connects to it."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    application_name: str
    """The stack's: what tells its backends from others'."""

    @property
    def dsn(self) -> str:
        """The URL that asyncpg and libpq read, a directory of a Unix socket as host too; it holds the password."""
        parts = (self.user, self.password, self.host, self.database, self.application_name)
        user, password, host, database, name = (quote(part, safe="") for part in parts)
        host = f"[{self.host}]" if ":" in self.host else host
        return f"postgresql://{user}:{password}@{host}:{self.port}/{database}?application_name={name}"

    def __str__(self) -> str:
        return f"PostgreSQL at {self.host}:{self.port}/{self.database}"


class Settings(BaseSettings):
    """What the environment says when the process starts."""

    model_config = SettingsConfigDict(frozen=True)

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 - Compose publishes it on loopback
    port: TcpPort = Field(
        default=8000, description="TCP port to listen on; by default the port of the stack in the lab."
    )
    db_host: str = Field(default="postgres", description="Host of PostgreSQL.")
    db_port: TcpPort = Field(default=5432, description="TCP port of PostgreSQL.")
    db_name: str = Field(default="labdb", description="Database.")
    db_user: str = Field(default="labuser", description="User.")
    db_password: str = Field(default="labpassword", repr=False, description="Password.")
    db_wait_seconds: Seconds = Field(
        default=30.0, description="How long the start waits for a PostgreSQL that does not answer yet, in s."
    )
    pool_min_size: PoolMinSize = 2
    pool_max_size: PoolMaxSize = 5
    pool_acquire_timeout: AcquireTimeout = 10.0
    work_time_ms: WorkTime = 1000
    work_kind: WorkKind = "sleep"
    work_units: WorkUnits = 0
    tuning: Tuning = "equalised"
    workers: Workers = Field(default=1, le=64)
    threads: Threads = Field(default=64, le=4096)

    def config(self) -> Config:
        """The part that can be read back, and most of it changed, at runtime."""
        return Config.model_validate({name: getattr(self, name) for name in Config.model_fields})

    def address(self, service: str) -> Address:
        """The database, for the service of this name."""
        return Address(
            host=self.db_host,
            port=self.db_port,
            database=self.db_name,
            user=self.db_user,
            password=self.db_password,
            application_name=service,
        )


def from_environment(**defaults: Any) -> Settings:
    """The environment's settings; raises SettingsError with one line for the first that cannot be used."""
    try:
        settings = Settings(**{name: value for name, value in defaults.items() if not _in_environment(name)})
        settings.config()
    except ValidationError as error:
        raise SettingsError(_one_line(error, environment=True)) from None
    return settings


def _in_environment(name: str) -> bool:
    return name.upper() in os.environ


def _one_line(error: ValidationError, *, environment: bool = False) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown setting {name!r}: known are {', '.join(sorted(Config.model_fields))}"
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    given = f", not {str(first['input'])[:40]!r}"
    return f"{name.upper() if environment else name}: {message[0].lower()}{message[1:]}{given}"
