"""What leaked, as the events tell it."""

from bench.analysis.leaks import Leaks, Out, leaks_of
from tests.bench import made

CELL = made.cell()


def test_leaks_and_what_was_given_back() -> None:
    events = [
        made.event(CELL, 1.0, "leak", "kept, 1 of 2: 200"),
        made.event(CELL, 1.25, "leak", "exception, 1 of 1: 500"),
        made.event(CELL, 2.0, "leak", "kept, 2 of 2: 200"),
        made.event(CELL, 2.5, "leak", "dropped, 1 of 1: 503"),
        made.event(CELL, 3.5, "leak", "dropped, 1 of 1: no answer (timed out)"),
        made.event(CELL, 3.0, "release_leaks", "1 given back"),
        made.event(CELL, 3.0, "release_leaks", "failed: nobody answers"),
        made.event(CELL, 4.0, "killed", "5 backends"),
    ]

    found = leaks_of(events)

    assert found == Leaks(
        out=(
            Out(how="kept", from_s=1.0, until_s=3.0),
            Out(how="exception", from_s=1.25),
            Out(how="kept", from_s=2.0),
        ),
        refused=1,
        unknown=1,
        longest_waits_s=(1.0, 0.25, 0.75, 0.5, 0.5),
    )
    assert found.still_out == 2
