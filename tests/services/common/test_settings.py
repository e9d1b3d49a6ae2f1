"""What the environment and a POST may say, and what becomes of it."""

import inspect
import json
import os
from typing import Any

import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from services.common import contract, settings
from services.common.encoding import encode
from services.common.settings import Config, Settings, SettingsError

TIMES = st.floats(0.001, 3600, allow_nan=False)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    largest = draw(st.integers(1, 1000))
    return Config(
        work_time_ms=draw(st.integers(0, contract.MAX_HOLD_MS)),
        work_kind=draw(st.sampled_from(("sleep", "query", "cpu", "lock"))),
        work_units=draw(st.integers(0, 10**12)),
        pool_acquire_timeout=draw(TIMES),
        pool_min_size=draw(st.one_of(st.just(largest), st.integers(0, largest))),
        pool_max_size=largest,
        tuning=draw(st.sampled_from(("equalised", "as_shipped"))),
    )


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing is set."""
    monkeypatch.setattr(os, "environ", {})
    return monkeypatch


def test_where_nothing_is_said(environment: pytest.MonkeyPatch) -> None:
    given_ = settings.from_environment(port=8001)

    assert (given_.port, given_.db_host, given_.db_port) == (8001, "postgres", 5432)
    assert (given_.db_name, given_.db_user, given_.db_password) == ("labdb", "labuser", "labpassword")
    assert given_.config() == Config(
        work_time_ms=1000, pool_acquire_timeout=10.0, pool_min_size=2, pool_max_size=5, work_kind="sleep"
    )


def test_what_the_environment_says(environment: pytest.MonkeyPatch) -> None:
    said = {
        "PORT": "9000", "HOST": "127.0.0.1", "DB_HOST": "db", "DB_PORT": "6432", "DB_NAME": "n", "DB_USER": "u",
        "DB_PASSWORD": "p", "POOL_MIN_SIZE": "3", "POOL_MAX_SIZE": "7", "POOL_ACQUIRE_TIMEOUT": "2.5",
        "WORK_TIME_MS": "100", "WORK_KIND": "cpu", "WORK_UNITS": "12", "TUNING": "as_shipped", "WORKERS": "2",
        "THREADS": "16", "DB_WAIT_SECONDS": "4",
    }  # fmt: skip
    for name, value in said.items():
        environment.setitem(os.environ, name, value)
    given_ = settings.from_environment(port=8001)

    assert {name: str(getattr(given_, name.lower())) for name in said} == said | {"DB_WAIT_SECONDS": "4.0"}
    assert given_.config() == Config(
        work_time_ms=100, work_kind="cpu", work_units=12, pool_acquire_timeout=2.5, pool_min_size=3, pool_max_size=7,
        tuning="as_shipped",
    )  # fmt: skip
    assert "db_password" not in repr(given_)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POOL_MAX_SIZE", "0"), ("POOL_MAX_SIZE", "1001"), ("POOL_MAX_SIZE", "5.5"), ("POOL_MAX_SIZE", ""),
        ("POOL_MIN_SIZE", "-1"), ("POOL_MIN_SIZE", "9"), ("POOL_ACQUIRE_TIMEOUT", "0"), ("POOL_ACQUIRE_TIMEOUT", "nan"),
        ("POOL_ACQUIRE_TIMEOUT", "inf"), ("WORK_TIME_MS", "-1"), ("WORK_TIME_MS", "600001"), ("WORK_KIND", "nap"),
        ("TUNING", "fast"), ("DB_PORT", "0"), ("PORT", "70000"), ("WORKERS", "0"), ("THREADS", "many"),
        ("WORK_UNITS", "-1"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line_that_names_it(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setitem(os.environ, name, value)
    with pytest.raises(SettingsError) as refused:
        settings.from_environment(port=8001)

    line = str(refused.value)
    assert "\n" not in line
    assert name.lower() in line.lower()
    assert value in line


@given(config=configs())
def test_a_configuration_survives_its_own_json(config: Config) -> None:
    assert Config.model_validate(json.loads(encode(config.model_dump()))) == config


@given(config=configs())
def test_a_configuration_survives_the_environment(config: Config) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said = {name.upper(): str(value) for name, value in config.model_dump().items()}
        patch.setattr(os, "environ", said)
        assert settings.from_environment(port=8001).config() == config


@given(old=configs(), new=configs())
def test_what_is_shown_can_be_sent_back(old: Config, new: Config) -> None:
    patch = json.loads(encode(new.model_dump(exclude={"tuning"})))

    assert old.changed(patch) == new.model_copy(update={"tuning": old.tuning})


@given(old=configs(), names=st.sets(st.sampled_from(("work_time_ms", "work_kind", "work_units"))), new=configs())
def test_only_what_is_given_changes(old: Config, names: set[str], new: Config) -> None:
    patch = new.model_dump(include=names)
    if patch:
        assert old.changed(patch).model_dump() == old.model_dump() | patch


@given(old=configs(), size=st.integers(1, 1000))
def test_the_least_size_follows_the_largest(old: Config, size: int) -> None:
    new = old.changed({"pool_max_size": size})

    assert new.pool_max_size == size
    assert new.pool_min_size == (size if old.pool_min_size == old.pool_max_size else min(old.pool_min_size, size))


def test_the_least_size_that_is_given_does_not_follow() -> None:
    fixed = Config(pool_min_size=5, pool_max_size=5)

    assert fixed.changed({"pool_max_size": 8, "pool_min_size": 1}).pool_min_size == 1
    with pytest.raises(
        SettingsError, match=r"^pool_min_size \(9\) is above pool_max_size \(8\): lower the one or raise"
    ):
        fixed.changed({"pool_max_size": 8, "pool_min_size": 9})


@pytest.mark.parametrize(
    ("patch", "names"),
    [
        ({}, "nothing to change: give one of "),
        ({"tuning": "as_shipped"}, "tuning is fixed while the service runs"),
        ({"tuning": "equalised", "work_time_ms": 5}, "tuning is fixed while the service runs"),
        ({"pool_size": 5}, "unknown setting 'pool_size': known are "),
        ({"work_time_ms": "5"}, "work_time_ms: "),
        ({"work_time_ms": 5.0}, "work_time_ms: "),
        ({"work_time_ms": True}, "work_time_ms: "),
        ({"work_time_ms": None}, "work_time_ms: "),
        ({"work_time_ms": -1}, "work_time_ms: "),
        ({"work_kind": "nap"}, "work_kind: "),
        ({"work_units": 10**30}, "work_units: "),
        ({"pool_acquire_timeout": "1"}, "pool_acquire_timeout: "),
        ({"pool_acquire_timeout": True}, "pool_acquire_timeout: "),
        ({"pool_acquire_timeout": float("inf")}, "pool_acquire_timeout: "),
        ({"pool_acquire_timeout": 0}, "pool_acquire_timeout: "),
        ({"pool_max_size": True}, "pool_max_size: "),
        ({"pool_max_size": [5]}, "pool_max_size: "),
        ({"pool_max_size": 0}, "pool_max_size: "),
        ({"pool_min_size": 6}, "pool_min_size (6) is above pool_max_size (5)"),
    ],
)
def test_what_is_refused_changes_nothing_and_says_what_to_change(patch: dict[str, Any], names: str) -> None:
    config = Config()
    with pytest.raises(SettingsError) as refused:
        config.changed(patch)

    assert str(refused.value).startswith(names)
    assert "\n" not in str(refused.value)
    assert config == Config()


@pytest.mark.parametrize(("least", "size"), [(2, -1), (5, -1), (2, 1001), (5, 1001)])
def test_a_size_out_of_range_is_named_as_it_was_given(least: int, size: int) -> None:
    with pytest.raises(SettingsError, match=f"^pool_max_size: .*not '{size}'$"):
        Config(pool_min_size=least, pool_max_size=5).changed({"pool_max_size": size})


@pytest.mark.parametrize(("hold_ms", "units"), [(100, 1000), (200, 2000), (50, 500), (0, 0), (1, 10)])
def test_the_units_of_another_hold_are_in_proportion(hold_ms: int, units: int) -> None:
    assert Config(work_time_ms=100, work_units=1000).units(hold_ms) == units


def test_the_units_of_no_time_at_all() -> None:
    assert Config(work_time_ms=0, work_units=7).units(0) == 7


@pytest.mark.parametrize("host", ["10.0.0.1", "::1", "db.example", "/var/run/postgresql"])
@given(odd=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_libpq_and_asyncpg_read_an_address_as_it_was_meant(host: str, odd: str) -> None:
    settings = Settings(db_name=odd, db_user=odd, db_host=host, db_port=5433, db_password=odd)
    dsn = settings.address("mine").dsn

    assert conninfo_to_dict(dsn) == {
        "host": host,
        "port": "5433",
        "dbname": odd,
        "user": odd,
        "password": odd,
        "application_name": "mine",
    }
    where, read = asyncpg_reads(dsn)
    assert where in ([(host, 5433)], [f"{host}/.s.PGSQL.5433"])
    assert (read.database, read.user, read.password, read.server_settings) == (
        odd, odd, odd, {"application_name": "mine"}
    )  # fmt: skip


def asyncpg_reads(dsn: str) -> Any:
    """Addresses and parameters by asyncpg's own parser, to which nothing else is given."""
    parse = connect_utils._parse_connect_dsn_and_args
    nothing = dict.fromkeys(set(inspect.signature(parse).parameters) - {"dsn"})
    return parse(dsn=dsn, **nothing)
