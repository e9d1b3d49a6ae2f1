"""The Compose stack as it is published on this machine: `.env`, and over it the environment, as Compose reads them."""

from typing import Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bench.errors import UserError
from bench.postgres.database import Database
from bench.targets.process import ROOT

HOST: Final = "127.0.0.1"
"""Where docker-compose.yml publishes every port."""
FILE: Final = "docker-compose.yml"
GRAFANA: Final = f"http://{HOST}:3001"


class ComposeSettings(BaseSettings):
    """What the stack was told."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=ROOT / ".env")

    db_name: str = "labdb"
    db_user: str = "labuser"
    db_password: str = Field(default="labpassword", repr=False)
    postgres_port: int = 5432
    grafana_user: str = "admin"
    grafana_password: str = Field(default="admin", repr=False)

    @property
    def database(self) -> Database:
        """PostgreSQL as it is published, also where services reach it through pgbouncer."""
        return Database(HOST, self.postgres_port, self.db_name, self.db_user, self.db_password)

    @property
    def grafana(self) -> dict[str, str]:
        """Who may write annotations."""
        return {"GRAFANA_USER": self.grafana_user, "GRAFANA_PASSWORD": self.grafana_password}


def require_checkout() -> None:
    """Raises UserError where the bench was installed without one: the stack is built from it."""
    if not (ROOT / FILE).is_file():
        raise UserError(
            f"--target compose needs a checkout of poolbench, which has {FILE}: use the bench of one, or name the "
            "addresses of the services with -s NAME=URL"
        )


def settings() -> ComposeSettings:
    """The stack's settings. Raises UserError for one that Compose could not have used either."""
    try:
        return ComposeSettings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]).upper()
        raise UserError(f"{name} in .env or the environment: {first['msg'].lower()}") from None
