"""What a person is told of how long a run still takes."""

from io import StringIO

import pytest

from bench.run.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (80, "1 min 20 s"), (3599, "59 min 59 s"), (3720, "1 h 02 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_learns_how_wrong_the_estimates_are(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bench.run.progress.monotonic", lambda: now[0])
    said = StringIO()
    progress = Progress([1.0, 1.0, 2.0], said)

    now[0] = 2.0
    progress.done("a", estimate_s=1.0)
    now[0] = 4.0
    progress.done("b", estimate_s=1.0)
    now[0] = 8.0
    progress.done("c", estimate_s=2.0)

    assert said.getvalue().splitlines() == ["[1/3] a · 6 s left", "[2/3] b · 4 s left", "[3/3] c"]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_that_is_overwritten_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    said = Terminal()

    Progress([1.0], said).doing("burst-timeout · sqlalchemy_fastapi")

    assert said.getvalue() == "\r\033[K[1/1] burst-timeout · sqlalch"
