"""What Grafana is told of a cell, and that it may be away."""

import base64
import json

import pytest

from bench.errors import UserError
from bench.record.schema import Cell
from bench.run.annotations import Grafana, annotations
from bench.run.cell import Played
from bench.targets.process import free_port
from tests.bench import made
from tests.bench.check.fake_http import Handler, Reply, Request, serving

BEGAN_S = 1_763_971_200.25


def played(cell: Cell | None = None) -> Played:
    """Five leak, what was kept is given back, and three of four are served."""
    cell = cell or made.cell(
        "leak-kept", repetition=1, began_s=BEGAN_S, load_s=6.5, settings={"service": "asyncpg_fastapi"}
    )
    requests = made.requests(cell, [{}, {}, {"status": 503}, {}])
    leaks = [made.event(cell, 1.5 + n / 100, "leak", f"kept, {n} of 5: 200") for n in range(1, 6)]
    return Played(cell, requests, made.samples(cell), [*leaks, made.event(cell, 4.0, "release_leaks", "5 given back")])


class Stub:
    """A Grafana that answers `statuses` one after another, and then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked: list[Request] = []

    async def start(self) -> Handler:
        async def answer(request: Request) -> Reply:
            self.asked.append(request)
            return self.statuses.pop(0) if self.statuses else 200, {}, b'{"message": "Annotation\nadded"}'

        return answer


def test_a_cell_is_marked_from_its_start_to_its_end_and_at_its_faults() -> None:
    name, tags = "leak-kept · asyncpg_fastapi · repetition 2", ["poolbench", "leak-kept", "asyncpg_fastapi"]
    start = 1_763_971_200_250
    assert list(annotations(played())) == [
        {
            "time": start,
            "timeEnd": start + 6500,
            "tags": [*tags, "cell"],
            "text": f"{name}: 3 of 4 served in 6.50 s (hold 100 ms, pool 5, acquire timeout 0.55 s)",
        },
        {
            "time": start + 1510,
            "timeEnd": start + 1550,
            "tags": [*tags, "leak"],
            "text": f"{name}: leak: kept, 1 of 5: 200 … kept, 5 of 5: 200",
        },
        {
            "time": start + 4000,
            "timeEnd": start + 4000,
            "tags": [*tags, "release_leaks"],
            "text": f"{name}: release_leaks: 5 given back",
        },
    ]


def test_a_service_is_found_by_its_own_name_and_by_that_of_the_run() -> None:
    cell = made.cell("one", "mine", began_s=BEGAN_S, settings={"service": "psycopg_flask"})
    (first, *_) = annotations(played(cell))
    assert first["tags"] == ["poolbench", "one", "mine", "psycopg_flask", "cell"]


def test_a_cell_that_was_not_played_is_not_marked() -> None:
    cell = made.cell(status="skipped", why="needs --database-url")
    assert list(annotations(Played(cell))) == []


def test_a_cell_that_failed_is_marked_with_why() -> None:
    cell = made.cell("one", status="failed", why="it died", began_s=BEGAN_S, took_s=2.5)
    (mark,) = annotations(Played(cell))
    assert (mark["timeEnd"] - mark["time"], mark["tags"][-1]) == (2500, "failed")
    assert mark["text"] == "one · asyncpg_fastapi · repetition 1: failed: it died"


@pytest.mark.parametrize(
    ("environment", "authorization"),
    [
        ({}, f"Basic {base64.b64encode(b'admin:admin').decode()}"),
        (
            {"GRAFANA_USER": "me", "GRAFANA_PASSWORD": "it's"},
            f"Basic {base64.b64encode(b'me:it' + bytes([39]) + b's').decode()}",
        ),
        ({"GRAFANA_USER": ""}, None),
    ],
)
def test_grafana_is_told_as_who_the_environment_says(environment: dict[str, str], authorization: str | None) -> None:
    stub, said = Stub(), list[str]()
    with serving(stub.start) as url:
        Grafana(url, environment, said.append).mark(played())

    assert [(request.method, request.path) for request in stub.asked] == [("POST", "/api/annotations")] * 3
    assert [json.loads(request.body) for request in stub.asked] == list(annotations(played()))
    assert {request.headers.get("authorization") for request in stub.asked} == {authorization}
    assert {request.headers["content-type"] for request in stub.asked} == {"application/json"}
    assert said == []


@pytest.mark.parametrize("status", [401, 500])
def test_a_grafana_that_refuses_is_told_of_once_and_asked_no_more(status: int) -> None:
    stub, said = Stub(200, status), list[str]()
    with serving(stub.start) as url:
        grafana = Grafana(url, {}, said.append)
        grafana.mark(played())
        grafana.mark(played())

    assert len(stub.asked) == 2
    told = f'{status}: {{"message": "Annotation added"}}'
    assert said == [f"no annotations: Grafana at {url} takes none ({told}); the run goes on"]


def test_a_grafana_that_is_away_is_told_of_once() -> None:
    said = list[str]()
    url = f"http://127.0.0.1:{free_port()}"
    grafana = Grafana(url, {}, said.append)
    grafana.mark(played())
    grafana.mark(played())

    assert len(said) == 1
    assert said[0].startswith(f"no annotations: Grafana at {url} takes none (")
    assert "\n" not in said[0]


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(UserError, match="write it as http://host:port"):
        Grafana("localhost:3001", {}, print)
