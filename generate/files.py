"""Every generated file: what it should say, and which of the committed ones say something else."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from bench.errors import UserError
from bench.report import markers as parts
from generate import compose, contract, k6, metrics, observability, tables
from generate.markers import MarkersError, fill
from grafana.files import files as dashboards
from services.stacks import STACKS, Stack

ROOT: Final = Path(__file__).resolve().parents[1]
DASHBOARDS: Final = "grafana/dashboards"
COMPOSE: Final = "docker-compose.yml"
Blocks = Callable[[Iterable[Stack]], Mapping[str, str]]

USED: Final[Mapping[str, Blocks]] = {
    COMPOSE: compose.blocks,
    "observability/prometheus.yml": observability.targets,
    "observability/postgres-queries.yml": observability.queries,
    "k6/services.js": k6.lab,
}
"""Files that programs read, with the blocks that are generated in them."""
READ: Final[Mapping[str, Blocks]] = {"README.md": tables.readme, "RUNBOOK.md": tables.runbook}
"""Files that people read."""
PAGES: Final[Mapping[str, Callable[[], Mapping[str, str]]]] = {
    "docs/contract.md": contract.tables,
    "docs/metrics.md": metrics.tables,
}
"""Pages whose tables are made from code that is the same for every stack."""


def committed(root: Path = ROOT) -> dict[str, str]:
    """Path → text of every file of a checkout that is generated, in whole or in part.

    Raises MarkersError where markers are missing.
    """
    return _filled(root, {**USED, **READ}) | _pages(root) | _dashboards()


def stale(root: Path = ROOT) -> list[str]:
    """The paths of files that are not what `committed` says."""
    made = committed(root)
    return sorted([*nobodys(root), *(path for path, text in made.items() if _stored(root, path) != text)])


def nobodys(root: Path = ROOT) -> list[str]:
    """The paths of dashboards that no code makes any more."""
    made = _dashboards()
    stored = (f"{DASHBOARDS}/{path.name}" for path in (root / DASHBOARDS).glob("*.json"))
    return [path for path in stored if path not in made]


def elsewhere(out: Path) -> dict[str, str]:
    """Path → text of what programs read, for all stacks of the registry wherever they lie, to stand in `out`.

    Beside what is generated stands what its folder needs: the scripts that read k6/services.js.
    """
    scripts = {f"k6/{path.name}": path.read_text(encoding="utf-8") for path in (ROOT / "k6").glob("*.js")}
    made = scripts | _filled(ROOT, USED) | _dashboards()
    homes = dict.fromkeys(stack.home for stack in STACKS.values() if stack.home)
    return made | {COMPOSE: compose.elsewhere(made[COMPOSE], made.keys() - {COMPOSE}, homes, out)}


def _filled(root: Path, files: Mapping[str, Blocks]) -> dict[str, str]:
    made = {}
    for path, blocks in files.items():
        try:
            made[path] = fill(_stored(root, path), blocks(STACKS.values()))
        except MarkersError as error:
            raise MarkersError(f"{path}: {error}") from error
    return made


def _pages(root: Path) -> dict[str, str]:
    made = {}
    for path, parts_of in PAGES.items():
        text = _stored(root, path)
        for part, markdown in parts_of().items():
            try:
                text = parts.fill(text, markdown, part)
            except UserError as error:
                raise MarkersError(f"{path}: {error}") from error
        made[path] = text
    return made


def _dashboards() -> dict[str, str]:
    return {f"{DASHBOARDS}/{name}": text for name, text in dashboards().items()}


def _stored(root: Path, path: str) -> str:
    file = root / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""
