"""`python -m perf.kills [--count N] [--seed N] [--at-once N]`: kills processes of the bench at random moments.

Each trial plays a short command, `bench run` over HTTP or on the pool alone with a database that is frozen or cut off,
or `bench check`, and kills one of its processes, or the bench and the keeper together, by SIGKILL: at any moment, or
while the database stands still. Counted is whether the bench then ended in time and said what had died, and what was
left: processes, stopped ones, ports, directories. First every command is played once with no kill. The draws follow
from the seed; the moments are shares of the time that a command takes on this machine. Exit status 0 where every trial
is clean, else 1.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from tabulate import tabulate

from bench import temporary
from perf.victims import POLL_S, Command, Left, kill, started
from services.stacks import STACKS

DIRECTORY: Final = "poolbench-kills-"
END_S: Final = 15.0
"""In this time after a kill the bench has ended where it cannot go on, and everything that it had started, always."""
PLAY_S: Final = 180.0
"""The most that a command may take where it goes on."""
FREEZE_S: Final = 1.5
"""`outage-frozen` stops the database for so long."""
FATAL: Final = ("postmaster", "backend", "keeper")
SURVIVED: Final = ("guard", "generator", "service", "worker")
"""Without these a run goes on: a guard is replaced, and the others cost one result."""
VICTIMS: Final = ("bench", "bench and keeper", *FATAL, *SURVIVED)
DIED: Final = re.compile(r"^bench: (PostgreSQL|the keeper of PostgreSQL) has died: ", re.MULTILINE)
ACCUSES: Final = re.compile(r"\b(failed|refused)\b")
RUN: Final = ("run", "--profile", "smoke")
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "frozen": (*RUN, "-x", "outage-frozen"),
    "frozen, pool alone": (*RUN, "-x", "outage-frozen", "--layer", "pool"),
    "cut off": (*RUN, "-x", "outage-killed"),
    "check": ("check",),
}
LACKS: Final = {
    "frozen, pool alone": ("generator", "worker"),
    "cut off": ("guard",),
    "check": ("guard", "generator"),
}


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One trial; `at` is a share of what the command takes, or of the freeze where it is to happen in it."""

    command: str
    stack: str
    victim: str
    at: float
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of it. `after_s` is how long the bench lived after the kill; None where it had to be ended."""

    after_s: float | None
    status: int
    said: str
    left: Left


def draws(count: int, seed: int) -> list[Draw]:
    """Every victim equally often, in random order, each in a command that has it."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    found = []
    for nth in range(count):
        victim = VICTIMS[nth % len(VICTIMS)]
        command = chance.choice([name for name in COMMANDS if victim not in LACKS.get(name, ())])
        stack = "psycopg_flask" if victim == "worker" else chance.choice(tuple(STACKS))
        frozen = victim == "guard" or ("frozen" in command and chance.random() < 0.5)
        found.append(Draw(command=command, stack=stack, victim=victim, at=chance.random(), frozen=frozen))
    chance.shuffle(found)
    return found


def problems(draw: Draw, seen: Seen) -> list[str]:
    """What is wrong with a trial; nothing where it is clean."""
    return [*_wrong_end(draw, seen), *_left_over(seen.left)]


def _wrong_end(draw: Draw, seen: Seen) -> Iterator[str]:
    if seen.after_s is None:
        yield "the bench hangs"
    elif draw.victim in FATAL and seen.after_s > END_S:
        yield f"the bench lived on for {seen.after_s:.0f} s"
    if "Traceback" in seen.said:
        yield "a traceback"
    if draw.victim in FATAL and seen.status:  # without it, all had been played
        if not (DIED.search(seen.said) and seen.status == 1):
            yield "does not say what died"
        if ACCUSES.search(seen.said):
            yield "accuses a service"
    elif not draw.victim.startswith("bench") and seen.status not in (0, 1):
        yield f"exit status {seen.status}"


def _left_over(left: Left) -> Iterator[str]:
    for what, amount in (("processes", len(left.processes)), ("stopped", left.stopped), ("ports", left.listeners)):
        if amount:
            yield f"{amount} {what} left"
    if left.directories:
        yield f"not swept: {', '.join(left.directories)}"


def trial(draw: Draw, takes_s: float, place: Path) -> tuple[Draw, Seen] | None:
    """Plays one; None where the command had ended before its victim was there."""
    arguments = (*COMMANDS[draw.command], *_of_stack(draw, place))
    with started(Command(arguments, place, mark=place.name)) as command:
        if draw.victim and not _struck(draw, takes_s, command):
            return None
        killed = monotonic()
        while command.bench.poll() is None and monotonic() - killed < PLAY_S:
            sleep(POLL_S)
        after_s = None if command.bench.poll() is None else monotonic() - killed
        if after_s is None:
            command.bench.kill()
        status = command.bench.wait()
        return draw, Seen(after_s=after_s, status=status, left=command.left(END_S), said=command.said())


def _of_stack(draw: Draw, place: Path) -> tuple[str, ...]:
    return (draw.stack,) if draw.command == "check" else ("-s", draw.stack, "--out", str(place / "results"))


def _struck(draw: Draw, takes_s: float, command: Command) -> bool:
    """Waits for the moment and the victim, and kills it; False where the command ends before."""
    if draw.frozen:
        while not command.victims("guard"):
            if command.bench.poll() is not None:
                return False
        sleep(draw.at * FREEZE_S)
    else:
        sleep(draw.at * takes_s)
    while command.bench.poll() is None:
        victims = command.victims(draw.victim)
        if victims and kill(victims if draw.victim == "bench and keeper" else victims[:1]):
            return True
        sleep(POLL_S)
    return False


def table(trials: Sequence[tuple[Draw, Seen]]) -> str:
    """A row for each victim, and one for those commands in which nothing was killed."""
    rows = []
    for victim in ("", *VICTIMS):
        of = [(draw, seen) for draw, seen in trials if draw.victim == victim]
        if not of:
            continue
        lived = [seen.after_s for _, seen in of if seen.after_s is not None]
        left = [seen.left for _, seen in of]
        rows.append(
            (
                victim or "none",
                len(of),
                sum(not problems(*one) for one in of),
                sum(draw.frozen for draw, _ in of),
                f"{max(lived, default=0):.1f} s" if victim in FATAL else "",
                sum(len(one.processes) for one in left),
                sum(one.stopped for one in left),
                sum(one.listeners for one in left),
                sum(one.swept for one in left),
                sum(len(one.directories) for one in left),
            )
        )
    head = (
        "killed", "trials", "clean", "while frozen", "bench ended within", "processes left", "stopped", "listening",
        "directories swept", "not swept",
    )  # fmt: skip
    return tabulate(rows, head)


def words(trials: Sequence[tuple[Draw, Seen]]) -> str:
    """What the bench said, by victim; numbers are left out."""
    said = Counter((draw.victim, _sentence(seen)) for draw, seen in trials if draw.victim)
    rows = [(victim, count, text) for (victim, text), count in sorted(said.items())]
    return tabulate(rows, ("killed", "times", "said"))


def _sentence(seen: Seen) -> str:
    pattern = r"^bench: .*|(?<= · )(?:failed|refused|rejected): .*|^\w+: refused: .*|^failed (?!otherwise).*"
    found = re.search(pattern, seen.said, re.MULTILINE)
    text = found[0] if found else ("finished" if seen.status in (0, 1) else "")
    return re.sub(r"/\S+", "…", re.sub(r"\d+(\.\d+)?", "N", text))[:110]


def play(count: int, seed: int, at_once: int, place: Path) -> list[tuple[Draw, Seen]]:
    """All trials, and before them each command with no kill, which tells how long it takes."""
    chosen = draws(count, seed)
    plain = [Draw(command=name, stack=next(iter(STACKS)), victim="", at=0) for name in COMMANDS]
    takes_s: dict[str, float] = {}
    numbers = iter(range(sys.maxsize))

    def one(draw: Draw) -> tuple[Draw, Seen]:
        while True:
            done = trial(draw, takes_s.get(draw.command, 0), place / f"trial-{next(numbers)}")
            if done:
                break
            draw = replace(draw, at=draw.at / 2)  # it was over before: earlier then
        wrong = "; ".join(problems(*done)) or "clean"
        print(f"{draw.victim or 'none'} · {draw.command} · {draw.stack} · {wrong}", file=sys.stderr, flush=True)
        return done

    with ThreadPoolExecutor(at_once) as lanes:
        undisturbed = list(lanes.map(one, plain))
        takes_s |= {draw.command: seen.after_s or PLAY_S for draw, seen in undisturbed}
        return undisturbed + list(lanes.map(one, chosen))


def main(arguments: Sequence[str]) -> int:
    """Plays, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="perf.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--at-once", type=int, default=2, metavar="N")
    chosen = parser.parse_args(arguments)
    began = monotonic()
    temporary.sweep(DIRECTORY)
    with temporary.directory(DIRECTORY) as place:
        place.chmod(0o711)
        trials = play(chosen.count, chosen.seed, chosen.at_once, place)
        print(table(trials), words(trials), sep="\n\n")
        wrong = [(draw, seen) for draw, seen in trials if problems(draw, seen)]
        for draw, seen in wrong:
            print(f"\n{draw}: {'; '.join(problems(draw, seen))}; {seen.left}\n{seen.said}")
    print(f"\n{len(trials) - len(wrong)} of {len(trials)} clean ({monotonic() - began:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
