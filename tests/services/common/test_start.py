"""A process that cannot start says why in one line, and ends with a status of its own."""

import logging

import pytest

from services.common.contract import Refused
from services.common.settings import SettingsError
from services.common.start import starting


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (SettingsError("PORT: too large"), 2, "cannot start: PORT: too large\n"),
        (Refused("database_unavailable", "no answer", 30.0), 3, "giving up: no answer\n"),
    ],
)
def test_what_ends_a_start_is_one_line_on_stderr(
    capsys: pytest.CaptureFixture[str], error: Exception, status: int, line: str
) -> None:
    with pytest.raises(SystemExit) as ended, starting():
        raise error

    assert ended.value.code == status
    assert capsys.readouterr().err == line


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), starting():
        raise ZeroDivisionError


def test_a_library_that_tells_of_every_acquire_is_silent_in_every_process() -> None:
    logging.getLogger("psycopg.pool").setLevel(logging.NOTSET)
    with starting():
        assert not logging.getLogger("psycopg.pool").isEnabledFor(logging.INFO)
