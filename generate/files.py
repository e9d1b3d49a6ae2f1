"""Every generated file: what it should say, and which of those stored say something else."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from bench.errors import UserError
from bench.report.markers import RESULTS, fill, parts_of
from generate import columns, compose, contract, dependencies, k6, metrics, observability, scenarios, tables
from grafana.files import files as dashboards
from services.stacks import STACKS, Stack

ROOT: Final = Path(__file__).resolve().parents[1]
DASHBOARDS: Final = "grafana/dashboards"
COMPOSE: Final = "docker-compose.yml"
Parts = Mapping[str, str]
"""The name of a part of a file → its text."""

USED: Final[Mapping[str, Callable[[Iterable[Stack]], Parts]]] = {
    COMPOSE: compose.parts,
    "observability/prometheus.yml": observability.targets,
    "observability/postgres-queries.yml": observability.queries,
    "k6/services.js": k6.lab,
}
"""Files that programs read, with the parts that are generated in them."""
READ: Final[Mapping[str, Callable[[Iterable[Stack]], Parts]]] = {
    "docs/commands.md": tables.commands,
    "RUNBOOK.md": tables.runbook,
}
"""Files that people read."""
PAGES: Final[Mapping[str, Callable[[], Parts]]] = {
    "docs/contract.md": contract.tables,
    "docs/metrics.md": metrics.tables,
    "docs/scenarios.md": scenarios.tables,
    "pyproject.toml": dependencies.parts,
    "results/README.md": columns.tables,
}
"""What is made from code, or from another part of the file, and is no matter of stacks that lie elsewhere."""


def generated(root: Path) -> dict[str, str]:
    """Path → text of every file of the checkout at `root` that is generated, in whole or in part.

    Raises UserError where markers are missing, or stand around a part that no code makes.
    """
    parts = {path: of(STACKS.values()) for path, of in {**USED, **READ}.items()}
    parts |= {path: of() for path, of in PAGES.items()}
    return {path: _filled(root, path, of) for path, of in parts.items()} | _dashboards()


def stale(root: Path) -> list[str]:
    """The paths of files that are not what `generated` says."""
    made = generated(root)
    return sorted([*orphaned(root), *(path for path, text in made.items() if _stored(root, path) != text)])


def orphaned(root: Path) -> list[str]:
    """The paths of dashboards that no code makes any more."""
    made = _dashboards()
    stored = (f"{DASHBOARDS}/{path.name}" for path in (root / DASHBOARDS).glob("*.json"))
    return [path for path in stored if path not in made]


def elsewhere(home: Path, out: Path) -> dict[str, str]:
    """Path → text of what programs read, for the stacks of this checkout and of `home`, to stand in `out`.

    Beside what is generated stands what its folder needs: the scripts that read k6/services.js.
    """
    scripts = {f"k6/{path.name}": path.read_text(encoding="utf-8") for path in (ROOT / "k6").glob("*.js")}
    parts = {path: _filled(ROOT, path, of(STACKS.values())) for path, of in USED.items()}
    made = scripts | parts | _dashboards()
    return made | {COMPOSE: compose.elsewhere(made[COMPOSE], made.keys() - {COMPOSE}, home, out)}


def _filled(root: Path, path: str, parts: Parts) -> str:
    text = _stored(root, path)
    unknown = [name for name in parts_of(text) if name not in parts and name != RESULTS]
    if unknown:
        raise UserError(f"{path}: no code makes {', '.join(unknown)}: take the markers away")
    try:
        return fill(text, parts)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _dashboards() -> dict[str, str]:
    return {f"{DASHBOARDS}/{name}": text for name, text in dashboards().items()}


def _stored(root: Path, path: str) -> str:
    file = root / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""
