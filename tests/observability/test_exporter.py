"""The queries of postgres-exporter, on a database that no service uses."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.postgres.database import Database
from bench.targets.http import Client
from services.stacks import STACKS
from tests.observability.processes import postgres_exporter
from tests.waiting import until

STATES = ("active", "idle", "idle in transaction")


def scraped(address: str) -> dict[tuple[str, str | None, str | None], float]:
    """What the exporter says: by name, and where they are there by application and state."""
    with Client(f"http://{address}") as client:
        _, text = client.exchange("GET", "/metrics")
    return {
        (sample.name, sample.labels.get("application_name"), sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name in ("poolbench_backends_count", "poolbench_clients_count", "pg_settings_max_connections")
    }


def test_a_service_without_a_backend_has_0(database: Database, tmp_path: Path) -> None:
    zeros = {("poolbench_backends_count", service, state): 0.0 for service in STACKS for state in STATES}
    with postgres_exporter(database, tmp_path) as address:
        # The backends of a service that has ended just now are gone a moment later.
        seen = until(lambda: (found := scraped(address)).items() >= zeros.items() and found, "no backends")

    others = {key: value for key, value in seen.items() if key not in zeros}
    assert others.keys() == {("poolbench_clients_count", None, None), ("pg_settings_max_connections", None, None)}
    assert others["poolbench_clients_count", None, None] >= 1  # the exporter itself
    assert others["pg_settings_max_connections", None, None] == 200
