"""The collector's configuration, as far as it can be read without a collector."""

from typing import Any

import yaml

from bench.targets.process import ROOT
from tests.observability.processes import OBSERVABILITY

KINDS = ("receivers", "processors", "exporters")


def collector() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((OBSERVABILITY / "collector.yml").read_text())
    return config


def test_every_part_is_used_and_every_part_used_is_there() -> None:
    config = collector()
    for kind in KINDS:
        used = {name for pipeline in config["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == config[kind].keys()
    assert config["service"]["extensions"] == list(config["extensions"])


def test_it_refuses_before_it_buffers() -> None:
    for pipeline in collector()["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"


def test_its_container_has_the_limit_that_it_takes_a_part_of() -> None:
    """Without one, the percentages would be of the whole machine's memory."""
    limiter = collector()["processors"]["memory_limiter"]
    assert {key for key in limiter if key.startswith(("limit", "spike"))} == {
        "limit_percentage",
        "spike_limit_percentage",
    }
    container = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["otel-collector"]
    assert container["deploy"]["resources"]["limits"]["memory"] == "256M"


def test_it_listens_where_the_services_send_and_where_prometheus_looks() -> None:
    config = collector()
    protocols = config["receivers"]["otlp"]["protocols"]
    assert {name: options["endpoint"] for name, options in protocols.items()} == {
        "grpc": "0.0.0.0:4317",
        "http": "0.0.0.0:4318",
    }
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    own = reader["pull"]["exporter"]["prometheus"]
    assert (own["host"], own["port"]) == ("0.0.0.0", 8888)
    jobs = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert f"otel-collector:{own['port']}" in targets
