"""Marks on Grafana's time axis: a cell from its start to its end, and what went wrong meanwhile.

Annotations are tagged `poolbench`, the scenario, the service and the kind. Where Grafana is away one line says so, and
the run goes on. They are sent when the cell is over, with the times at which things happened, so that nothing disturbs
what is measured.
"""

import base64
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from bench.record.schema import Cell, Event
from bench.run.cell import Played
from bench.targets.http import Client, ServiceError, address

TAG: Final = "poolbench"
PATH: Final = "/api/annotations"
ANSWER_S: Final = 2.0

Annotation = dict[str, Any]


class Grafana:
    """Takes cells as they end. After the first refusal it says so once, and asks no more."""

    def __init__(self, url: str, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        """`environment` may hold GRAFANA_USER and GRAFANA_PASSWORD; an empty user means an anonymous one.

        Raises UserError where the address is none.
        """
        self._url = address(url)
        self._headers = {"Content-Type": "application/json"}
        user = environment.get("GRAFANA_USER", "admin")
        if user:
            pair = f"{user}:{environment.get('GRAFANA_PASSWORD', 'admin')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._say = say
        self._refused = False

    def mark(self, played: Played) -> None:
        """The annotations of a cell; raises nothing for what Grafana does."""
        if self._refused:
            return
        try:
            with Client(self._url, ANSWER_S) as client:
                for annotation in annotations(played):
                    status, text = client.exchange("POST", PATH, json.dumps(annotation), self._headers)
                    if status != http.client.OK:
                        raise ServiceError(f"{status}: {' '.join(text[:80].decode(errors='replace').split())}")
        except (OSError, http.client.HTTPException, ServiceError) as error:
            self._refused = True
            why = error or type(error).__name__
            self._say(f"no annotations: Grafana at {self._url} takes none ({why}); the run goes on")


def annotations(played: Played) -> Iterator[Annotation]:
    """One region from the load's start to its end, and one for each fault; none for a cell that was not played.

    One that failed is a region too: that is the moment that a reader looks for.
    """
    cell = played.cell
    if cell.began_s is None:
        return
    name = f"{cell.scenario} · {cell.service} · repetition {cell.repetition + 1}"
    if played.requests is None:
        yield _annotation(cell, "failed", 0.0, cell.took_s, f"{name}: {cell.status}: {cell.why}")
        return
    setting = f"hold {cell.hold_ms} ms, pool {cell.pool_size}, acquire timeout {cell.acquire_timeout_s:g} s"
    served = int((played.requests["status"] == 200).sum())
    ending = f"{served} of {played.requests.height} served in {cell.load_s:.2f} s"
    yield _annotation(cell, "cell", 0.0, cell.load_s, f"{name}: {ending} ({setting})")
    for kind, group in groupby(played.events, key=lambda event: event.kind):
        happened = list(group)
        yield _annotation(cell, kind, happened[0].t_s, happened[-1].t_s, f"{name}: {_told(kind, happened)}")


def _annotation(cell: Cell, kind: str, from_s: float, to_s: float, text: str) -> Annotation:
    assert cell.began_s is not None
    own = (cell.settings or {}).get("service", cell.service)
    return {
        "time": round((cell.began_s + from_s) * 1000),
        "timeEnd": round((cell.began_s + to_s) * 1000),
        # The name in the run, and the service's own where that is another: dashboards know that one.
        "tags": list(dict.fromkeys((TAG, cell.scenario, cell.service, str(own), kind))),
        "text": text,
    }


def _told(kind: str, happened: Sequence[Event]) -> str:
    """`leak: kept, 1 of 5: 200 … kept, 5 of 5: 200`."""
    texts = list(dict.fromkeys((happened[0].text, happened[-1].text)))
    return f"{kind}: {' … '.join(texts)}"
