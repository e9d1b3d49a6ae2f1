"""`python -m perf.against`: one pair of this checkout against itself, and wrong uses."""

import re
from pathlib import Path
from unittest.mock import sentinel

import pytest

from bench.targets.process import LocalService
from perf import against
from services.stacks import STACKS

ROOT = Path(__file__).parents[2]


def test_a_pair_of_one_checkout_gives_each_ratio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Not that the ratios are near 1: a second says nothing of that on a machine that is busy."""
    for name in ("WARM_UP_S", "TURN_S"):
        monkeypatch.setattr(against, name, 0.5)
    monkeypatch.setattr(against, "EDGE_S", 0.1)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "services").symlink_to(ROOT / "services")
    stack = next(iter(STACKS))

    against.main([str(tmp_path), "--pairs", "1", "--figure", "rate", stack])

    told = capsys.readouterr()
    *_, heads, _, row = told.out.splitlines()
    assert re.split(r"  +", heads) == ["stack", "pairs", "rate without a hold", "requests a CPU second"]
    name, pairs, *ratios = row.split()
    assert (name, pairs) == (stack, "1")
    assert all(float(ratio) > 0 for ratio in ratios)
    assert len(ratios) == 2
    assert told.err == "pair 1 of 1\n"


def test_a_ratio_is_the_geometric_mean_of_both_orders() -> None:
    """A start that costs the first process a fifth cancels out."""

    def measure(pairs: against.Pairs, name: str, *, ours_first: bool) -> tuple[float, ...]:
        assert pairs.labs == (labs if ours_first else labs[::-1])
        return (0.8, 1.0) if ours_first else (1.25, 1.21)

    labs = (sentinel.one, sentinel.two)
    pairs = against.Pairs(labs, LocalService)
    assert against.in_either_order(pairs, "any", measure) == pytest.approx([1.0, 1.1])


def test_the_other_side_is_the_other_checkout_with_its_own_interpreter(tmp_path: Path) -> None:
    there = against.of_checkout(tmp_path)
    assert (there.root, there.python) == (tmp_path, tmp_path / ".venv" / "bin" / "python")


@pytest.mark.parametrize(
    ("ratios", "text"),
    [
        ([1.0], "1.0000"),
        ([0.9, 1.1, 1.0], "1.0000"),
        # Six pairs: the interval of Wilcoxon's test at 5 % is from the least to the greatest.
        ([0.98, 0.99, 1.0, 1.01, 1.02, 1.03], "1.0050 (0.9800–1.0300)"),
    ],
)
def test_an_interval_needs_six_pairs(ratios: list[float], text: str) -> None:
    assert against.interval(ratios) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["."], "has no .venv: run `make setup` there"),
        ([str(ROOT), "nobody"], f"unknown stack nobody: there are {', '.join(STACKS)}"),
        ([str(ROOT), "--pairs", "0"], "--pairs must be 1 or more"),
    ],
)
def test_wrong_use_is_told_and_measures_nothing(
    arguments: list[str],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        against.main(arguments)
    assert capsys.readouterr().err.endswith(f"{text}\n")
