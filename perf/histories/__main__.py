"""`python -m perf.histories`: each pool under a model of it, for as many steps as are wanted.

A history is what users do to a pool: ask, give back, wait too long, fail, are cancelled, lose their backend, find
another size. The shortest one that breaks a law is printed, and the exit status is 1.
"""

import argparse
import logging
import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, process_time
from typing import Final, get_args

from tabulate import tabulate

from bench.postgres.database import load_schema
from bench.postgres.embedded import embedded_postgres
from bench.targets.process import SCHEMA_SQL
from perf.histories.machine import play
from perf.histories.played import Broken, Subject, Tally
from perf.histories.session import telling
from services.common.contract import Tuning
from services.pools.adapters import adapter_of
from services.stacks import STACKS
from services.stacks_from import StackError, load

STEPS: Final = 2000
HEAD: Final = (
    "stack",
    "tuning",
    "histories",
    "steps",
    "users",
    "served",
    "rejected",
    "lost",
    "cancelled",
    "s",
    "CPU s",
)
SHOWN: Final = {
    "served": ("has given back", "has failed and given back"),
    "rejected": ("is rejected: pool_exhausted", "is rejected: pool_growing"),
    "lost": ("gets an error of the database",),
    "cancelled": ("has ended",),
}


def row(name: str, tuning: str, tally: Tally, took_s: float, cpu_s: float) -> tuple[str | int, ...]:
    """What was played on one pool, and what became of its users."""
    users = tally.outcomes
    outcomes = (sum(users[outcome] for outcome in each) for each in SHOWN.values())
    return (name, tuning, tally.histories, tally.steps.total(), users.total(), *outcomes, round(took_s), round(cpu_s))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m perf.histories", description=__doc__)
    parser.add_argument("stacks", nargs="*", metavar="STACK", help="these only")
    parser.add_argument("--stacks-from", type=Path, metavar="DIR", help="also the stacks of DIR/stacks.py")
    parser.add_argument("--tuning", choices=get_args(Tuning), action="append", help="only this one")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each pool in each tuning (%(default)s)")
    parser.add_argument("--seed", type=int, help="plays the same histories again")
    asked = parser.parse_args(arguments)
    if asked.stacks_from:
        try:
            load(asked.stacks_from)
        except StackError as error:
            parser.error(str(error))
    if unknown := set(asked.stacks) - set(STACKS):
        parser.error(f"unknown stack {', '.join(sorted(unknown))}: there are {', '.join(STACKS)}")
    if asked.steps < 1:
        parser.error("--steps must be 1 or more")
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    logging.disable(logging.CRITICAL)  # libraries tell of each connection that is cut off
    rows, steps = [], Counter[str]()
    with embedded_postgres() as database:
        load_schema(database, SCHEMA_SQL)
        with telling(database) as connection:
            for name in asked.stacks or STACKS:
                for tuning in asked.tuning or get_args(Tuning):
                    began, cpu = monotonic(), process_time()
                    subject = Subject(STACKS[name], adapter_of(STACKS[name].package), tuning, database, connection)
                    try:
                        tally = play(subject, asked.steps, with_seed=seed)
                    except Broken as broken:
                        print(f"\n{broken}\n\n(--seed {seed})")
                        return 1
                    rows.append(row(name, tuning, tally, monotonic() - began, process_time() - cpu))
                    steps += tally.steps
                    print(f"{name}, {tuning}: {tally.steps.total()} steps", file=sys.stderr, flush=True)
    print(tabulate(rows, HEAD))
    print("\nsteps: " + ", ".join(f"{verb} {times}" for verb, times in steps.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
