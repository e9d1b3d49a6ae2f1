"""Where the stack is, and who to be there: as its own files say, and over them the environment."""

from pathlib import Path

import pytest
import yaml

from bench.errors import UserError
from bench.postgres.database import Database
from bench.targets import compose
from bench.targets.process import ROOT
from bench.targets.where import where


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in compose.ComposeSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_are_those_of_the_stack() -> None:
    settings = compose.settings()

    assert settings.database == Database("127.0.0.1", 5432, "labdb", "labuser", "labpassword")
    assert settings.grafana == {"GRAFANA_USER": "admin", "GRAFANA_PASSWORD": "admin"}
    stack = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert stack["grafana"]["ports"] == [f"{compose.GRAFANA.removeprefix('http://')}:3000"]
    assert stack["postgres"]["ports"] == [f"{compose.HOST}:${{POSTGRES_PORT}}:5432"]


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PORT", "5433")
    monkeypatch.setenv("GRAFANA_USER", "")

    assert compose.settings().database.port == 5433
    assert compose.settings().grafana["GRAFANA_USER"] == ""


def test_a_port_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PORT", "many")

    with pytest.raises(UserError, match=r"POSTGRES_PORT in \.env or the environment: input should be a valid integer"):
        compose.settings()


NEEDED = {"postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]}
"""Rights that an image's entry point takes, and gives up."""


def test_without_a_checkout_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert where("compose", ()).kind == "compose"
    monkeypatch.setattr(compose, "ROOT", tmp_path)

    with pytest.raises(
        UserError, match=r"^--target compose needs a checkout of poolbench, which has docker-compose\.yml"
    ):
        where("compose", ())


def test_every_container_has_limits_and_no_right_that_it_does_not_need() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    assert len(services) > len(NEEDED)
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert (service["cap_drop"], service.get("cap_add", [])) == (["ALL"], NEEDED.get(name, [])), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
