"""`make perf ARGS=…` as a person uses it."""

import sys

import pytest

from perf.__main__ import main


def test_a_section_that_nobody_knows_is_wrong_use_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["perf", "capacity"])

    with pytest.raises(SystemExit, match="2"):
        main()

    names = "efficiency, instruments, generator, crosscheck, harness, starts, page, kills"
    assert capsys.readouterr() == ("", f"perf: unknown section 'capacity': there are {names}\n")
