"""`python -m perf.attacks [STACK …] [--only TEXT]`: what each stack does with requests that no honest client sends.

Each attack is played on a fresh set of connections, while another client asks for `/health`; afterwards the
configuration must be what it was, and the pool whole. Exit status 1 where a connection hung, an error was not the
contract's, `/health` was late, or something was left behind.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tabulate import tabulate

from bench.postgres.database import load_schema
from bench.postgres.embedded import embedded_postgres
from bench.targets.process import SCHEMA_SQL, LocalService
from perf.attacks.kinds import Attack, attacks
from perf.attacks.play import Outcome, play
from services.stacks import STACKS

SETTINGS: Final[dict[str, Any]] = {
    "pool_min_size": 5,
    "pool_max_size": 5,
    "work_time_ms": 100,
    "pool_acquire_timeout": 1,
    "threads": 32,
}
WORDS: Final = ("2xx", "4xx", "5xx", "other", "closed", "left", "kept", "hung")
LATE_MS: Final = 2000.0
"""500 clients that connect at once keep a machine of two cores for a second."""


def row(stack: str, attack: Attack, outcome: Outcome) -> tuple[str, ...]:
    counts = (str(outcome.seen[word] or "") for word in WORDS)
    return (attack.name, stack, *counts, f"{outcome.health_ms:.0f}", outcome.whole or "yes")


def wrong(outcome: Outcome) -> bool:
    """Whether the service did not stand it."""
    return bool(outcome.whole or outcome.seen["hung"] or outcome.seen["other"] or outcome.health_ms > LATE_MS)


def rows(stacks: Sequence[str], chosen: Sequence[Attack]) -> Iterator[tuple[tuple[str, ...], bool]]:
    with embedded_postgres() as database:
        load_schema(database, SCHEMA_SQL)
        for stack in stacks:
            with LocalService(stack, database, SETTINGS) as service:
                for attack in chosen:
                    outcome = asyncio.run(play(service.base_url, attack))
                    print(f"{stack}: {attack.name}", file=sys.stderr, flush=True)
                    yield row(stack, attack, outcome), wrong(outcome)
                if lines := [line for line in service.log_tail().splitlines() if "Traceback" in line]:
                    print(f"{stack}: {len(lines)} tracebacks among its last lines", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m perf.attacks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stacks", nargs="*", metavar="STACK", default=list(STACKS))
    parser.add_argument("--only", default="", metavar="TEXT", help="the attacks whose name has this in it")
    asked = parser.parse_intermixed_args(arguments)
    if unknown := set(asked.stacks) - set(STACKS):
        parser.error(f"unknown stack {', '.join(sorted(unknown))}: there are {', '.join(STACKS)}")
    chosen = [attack for attack in attacks() if asked.only in attack.name]
    if not chosen:
        parser.error(f"no attack has {asked.only!r} in its name")
    found = sorted(rows(asked.stacks, chosen), key=lambda one: [attack.name for attack in chosen].index(one[0][0]))
    head = ("attack", "stack", *WORDS, "/health ms", "whole afterwards")
    print(tabulate([each for each, _ in found], head, disable_numparse=True))
    failed = sum(bad for _, bad in found)
    print(f"{len(found)} plays, {failed} not stood")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
