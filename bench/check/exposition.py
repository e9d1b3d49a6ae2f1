"""Reads what `/metrics` says, as Prometheus text or OpenMetrics."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? ([^\s#]+)(?: |$)")
_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a name, its labels and its value."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Exposition:
    """One answer of `/metrics`."""

    series: tuple[Series, ...]

    def of(self, name: str, **labels: str) -> list[Series]:
        """Every series of that name that carries these labels."""
        wanted = labels.items()
        return [one for one in self.series if one.name == name and wanted <= one.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """The sum over these series; 0 where there are none."""
        return sum(one.value for one in self.of(name, **labels))


def parse(text: str) -> Exposition:
    """Raises ValueError for a line that is neither comment nor sample."""
    series = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            raise ValueError(f"not a sample: {line[:80]}")
        series.append(Series(match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return Exposition(tuple(series))
