"""Questions to a Prometheus server: PromQL at moments in Unix seconds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench.targets.http import Client


@dataclass(frozen=True)
class Series:
    """One series of an answer."""

    labels: dict[str, str]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Prometheus:
    """A server, by its address."""

    url: str

    def at(self, expr: str, moment: float) -> list[Series]:
        """The value of each series at a moment."""
        return _series(self._ask("query", query=expr, time=moment)["result"])

    def now(self, expr: str) -> list[Series]:
        return _series(self._ask("query", query=expr)["result"])

    def between(self, expr: str, begin: float, end: float) -> list[Series]:
        """The values of each series, one a second."""
        return _series(self._ask("query_range", query=expr, start=begin, end=end, step=1)["result"])

    def exemplars(self, expr: str, begin: float, end: float) -> list[dict[str, Any]]:
        """Each exemplar of the series that `expr` selects."""
        found: list[dict[str, Any]] = self._ask("query_exemplars", query=expr, start=begin, end=end)
        return [exemplar for series in found for exemplar in series["exemplars"]]

    def _ask(self, what: str, **arguments: str | float) -> Any:
        with Client(self.url) as client:
            return client.get(f"/api/v1/{what}?{urlencode(arguments)}")["data"]


def not_a_number(series: Sequence[Series]) -> list[Series]:
    """Those with a NaN or an infinity in them: a hole in a panel, or a scale that shows nothing else."""
    return [one for one in series if not all(math.isfinite(value) for value in one.values)]


def _series(result: list[dict[str, Any]]) -> list[Series]:
    return [
        Series(one["metric"], tuple(float(value) for _, value in one.get("values", [one.get("value")])))
        for one in result
    ]
