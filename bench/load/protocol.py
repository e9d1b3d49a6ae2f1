"""What the bench and its load generator say to each other: one JSON object a line, jobs one way, events back.

In: a `Drive` and the file for its samples. Out: the line, and from the line the same values again.

The child says `{"event": "ready"}` once, when it can play. Then, for each job, either
`{"event": "started", "t0": …}`, t0 lying up to `LEAD_S` ahead on CLOCK_MONOTONIC, and at the end
`{"event": "finished", …}` with the fields of `Result`; or `{"event": "failed", "error": …}` when the job
cannot be played (nobody answers at the address). It is ready for the next job after both.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.scenarios.loads import Burst, Closed, Drive, Load, Open, Sequential, Share, Stage

LEAD_S = 0.05
"""From the word that a load starts to its first request: time for the bench to start its clocks."""

_KINDS: dict[str, type[Sequential | Burst | Closed | Open]] = {
    kind.__name__: kind for kind in (Sequential, Burst, Closed, Open)
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a load was played, whatever became of its requests."""

    t0: float
    """CLOCK_MONOTONIC, seconds: where all times of the samples count from."""
    sent: int
    """Requests sent = rows written."""
    skew_ms: float | None
    """Burst: from the first send to the last."""
    lateness_p99_ms: float | None
    """Open: the 99th percentile (nearest rank) of the time from planned to sent."""
    cpu_s: float
    """CPU of the generator, user and system, from t0 to the last answer."""
    warmed: int
    """Connections that had carried a GET /health before t0."""
    opened: int
    """Connections opened in all, `warmed` and `reconnected` among them."""
    reconnected: int
    """Connections opened because the service had closed an idle one; no request was lost by it."""


def encode_job(drive: Drive, out: Path) -> str:
    """The job's line, without the line end."""
    return json.dumps({"kind": type(drive.load).__name__, "drive": asdict(drive), "out": str(out.absolute())})


def decode_job(line: str | bytes) -> tuple[Drive, Path]:
    """The drive and the file of its samples, as they were encoded."""
    job: dict[str, Any] = json.loads(line)
    fields: dict[str, Any] = job["drive"]
    load: dict[str, Any] = fields.pop("load")
    if "stages" in load:
        load["stages"] = tuple(Stage(**stage) for stage in load["stages"])
    decoded: Load = _KINDS[job["kind"]](**load)
    mix = tuple(Share(**share) for share in fields.pop("mix"))
    return Drive(load=decoded, mix=mix, **fields), Path(job["out"])
