"""`python -m perf.giving_back [--only TEXT]`: each library's ways of giving a connection back, without a service.

Users in a closed loop without think time share a pool: each acquires, holds, gives back and asks again at once. Each
way is played on a fresh pool of the bare library, its defaults but for size and timeout, and the order of the ways is
rotated over the repetitions. Counted is what is handed out or rejected within the time; "overtook" is a connection that
is handed out while a request that asked earlier waits. psycopg_pool is played by threads, and there that is also the
order in which threads wake; the others are played by tasks on one event loop of asyncio.

Expected, written before the first run, from reading the libraries:
- SQLAlchemy by hand: five users keep the connections, 45 are never served, Jain's index 0.10. `close()` puts the
  connection into the queue and returns in the same turn of the event loop, and `AsyncAdaptedQueue.get` takes it again.
- SQLAlchemy by its context manager: all are served, Jain's index above 0.9. The exit closes in a task of its own, so
  that the woken waiter runs before the releasing task does.
- SQLAlchemy by hand, then one turn of the event loop: as by its context manager.
- SQLAlchemy by `aclosing`, a context manager whose exit awaits `close()` without a task: as by hand.
- SQLAlchemy by hand, with `close()` in a task: as by its context manager.
- SQLAlchemy with `pool_use_lifo`: the same, since it is the order of idle connections, not of waiters.
- asyncpg by hand and by its context manager: alike, Jain's index above 0.9, as `release` is shielded in a task both
  times; some are overtaken, by a task that takes what another has just put back.
- asyncpg by hand, then one turn: no difference.
- asyncpg by hand, with `release` outside a task: as SQLAlchemy by hand, 45 are never served.
- psycopg_pool: alike, none waits much longer than ten holds, since a connection is handed to the first waiter directly.

Added before the first whole run, after one of 0.6 s in which one turn and a plain task left 15 of 50 users unserved:
- SQLAlchemy by hand, then two turns: as by its context manager, nobody is overtaken. Connections that come back in one
  turn wake waiters in the next, where the first releasing task after one turn runs between them.
- asyncpg without its reset query: none is overtaken, as connections then come back in one turn, and not one after the
  other as PostgreSQL answers.
- SQLAlchemy with a statement in the hold, and so a rollback in the release: by hand as without, as the connection is
  put back after PostgreSQL's answer and taken again in the same turn; by the context manager more are overtaken.

Wrong were three (Python 3.11.7, SQLAlchemy 2.1.9, asyncpg 0.32.0; figures stand in docs/method.md). One turn, or a task
that is not shielded, serves all users as the context manager does, but twice as many requests overtake. With two turns
some overtake nevertheless, as holds drift apart and connections come back in neighbouring turns. So they do, in two
repetitions of three, in asyncpg without its reset query.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from platform import python_version
from statistics import median
from typing import Final

from tabulate import tabulate

from bench.analysis.discipline import jain
from bench.targets.postgres import postgres
from perf.ways import WAYS, Crowd, Load

LIBRARIES: Final = ("sqlalchemy", "asyncpg", "psycopg", "psycopg-pool")
HEAD: Final = ("pool", "way", "served", "rejected", "users < ½ mean", "Jain's index", "longest wait ms", "overtook")


def row(crowds: Sequence[Crowd]) -> list[str]:
    """A way's figures: the median over its repetitions, and the least and the most where they differ."""
    figures = zip(*(_figures(crowd) for crowd in crowds), strict=True)
    return [_spread(values, decimals) for values, decimals in zip(figures, (0, 0, 0, 2, 0, 0), strict=True)]


def _figures(crowd: Crowd) -> Iterator[float]:
    served = [user.served for user in crowd.users]
    yield sum(served)
    yield sum(user.rejected for user in crowd.users)
    yield sum(2 * one * len(served) < sum(served) for one in served)
    yield jain(served) or 0
    yield 1000 * max(user.longest_s for user in crowd.users)
    yield crowd.overtook


def _spread(values: Sequence[float], decimals: int) -> str:
    middle, least, most = (f"{value:.{decimals}f}" for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least}–{most})"


def table(played: Mapping[tuple[str, str], Sequence[Crowd]]) -> str:
    """A row for each pool and way, and the versions that were played."""
    rows = [(*names, *row(crowds)) for names, crowds in played.items()]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{tabulate(rows, HEAD, disable_numparse=True)}\n\nPython {python_version()}, {versions}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m perf.giving_back", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=50, metavar="N")
    parser.add_argument("--size", type=int, default=5, metavar="N", help="connections of the pool")
    parser.add_argument("--hold", type=float, default=50, metavar="MS")
    parser.add_argument("--timeout", type=float, default=2025, metavar="MS", help="of an acquire")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="that a play takes")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="the pools whose name has this in it")
    asked = parser.parse_args(arguments)
    chosen = [names for names in WAYS if asked.only.lower() in names[0].lower()]
    if not chosen:
        parser.error(f"no pool has {asked.only!r} in its name")
    load = Load(
        users=asked.users,
        size=asked.size,
        hold_s=asked.hold / 1000,
        timeout_s=asked.timeout / 1000,
        seconds=asked.seconds,
    )
    played: dict[tuple[str, str], list[Crowd]] = {names: [] for names in chosen}
    with postgres(None, None) as (database, _):
        for repetition in range(asked.repeat):
            first = repetition * len(chosen) // asked.repeat
            for names in chosen[first:] + chosen[:first]:
                print(f"{repetition + 1}: {', '.join(names)}", file=sys.stderr, flush=True)
                played[names].append(WAYS[names](database.dsn, load))
    print(table(played))


if __name__ == "__main__":
    main()
