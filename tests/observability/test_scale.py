"""“Highest of the three”, by promtool: one scale for a row means that no line of any column is above it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from grafana import queries
from grafana.queries import Queries
from tests.observability.test_rules import promtool


def highest(tmp_path: Path, asked: Callable[[str], Queries], series: dict[str, str], expected: float) -> None:
    """Fails unless the query has this value for these series, and no other beside it."""
    case = {
        "interval": "5s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": queries.highest(asked).expr.replace("$__rate_interval", "20s"),
                "eval_time": "50s",
                "exp_samples": [{"labels": "{}", "value": expected}],
            }
        ],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "5s", "tests": [case]}))
    promtool("test", "rules", path)


@pytest.mark.parametrize(
    ("used", "most", "expected"),
    [
        ((0, 0, 0), (5, 5, 5), 5),
        ((5, 2, 5), (5, 20, 5), 20),
        ((5, 5, 10), (5, 5, 5), 10),  # five were dropped, replaced, and counted as used for good
    ],
)
def test_a_pool_may_have_more_in_use_than_its_maximum(
    tmp_path: Path, used: tuple[int, ...], most: tuple[int, ...], expected: float
) -> None:
    metrics = {"db_pool_used_size": used, "db_pool_free_size": (3, 3, 0), "db_pool_max_size": most}
    series = {
        f'{metric}{{service="{service}"}}': f"{value}+0x12"
        for metric, values in metrics.items()
        for service, value in zip("abc", values, strict=True)
    }
    highest(tmp_path, queries.connections, series, expected)


@pytest.mark.parametrize(("short", "seconds", "expected"), [(199, 50, 0.25), (0, 200, 60.390625)])
def test_a_mean_may_be_above_the_p99_and_below(tmp_path: Path, short: int, seconds: int, expected: float) -> None:
    """200 waits between two scrapes: one of 50 s lifts the mean; if each is of 1 s, the wide bucket lifts the p99."""
    series = {
        'db_pool_acquire_seconds_bucket{service="a", le="0.0625"}': f"0+{short}x12",
        'db_pool_acquire_seconds_bucket{service="a", le="61"}': "0+200x12",
        'db_pool_acquire_seconds_bucket{service="a", le="+Inf"}': "0+200x12",
        'db_pool_acquire_seconds_count{service="a"}': "0+200x12",
        'db_pool_acquire_seconds_sum{service="a"}': f"0+{seconds}x12",
    }
    highest(tmp_path, queries.acquire, series, expected)
