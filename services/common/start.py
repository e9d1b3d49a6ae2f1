"""How every process of a service starts: its log, and the exit status where it cannot go on."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from services.common.contract import Refused
from services.common.settings import SettingsError

WRONG_USE: Final = 2
NO_DATABASE: Final = 3


@contextmanager
def starting() -> Iterator[None]:
    """Sets up the log, and ends the process with one line where the block raises SettingsError or Refused."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it tells of every acquire
    try:
        yield
    except SettingsError as error:
        _end(f"cannot start: {error}", WRONG_USE)
    except Refused as refused:
        _end(f"giving up: {refused}", NO_DATABASE)


def _end(line: str, status: int) -> None:
    print(line, file=sys.stderr)
    sys.exit(status)
