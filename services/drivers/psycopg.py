"""What every stack on psycopg has of it: the contract's statements, and the build that is compared."""

from typing import Final

import psycopg

from services.common.settings import SettingsError
from services.common.statements import statements

SQL: Final = {name: sql.encode() for name, sql in statements("%s").items()}


def refuse_pure_python() -> None:
    """Raises SettingsError for psycopg's pure Python build: it would be another driver than is compared."""
    if psycopg.pq.__impl__ == "python":
        raise SettingsError("psycopg runs on its pure Python build: install psycopg[binary]")
