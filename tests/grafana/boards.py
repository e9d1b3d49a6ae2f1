"""The dashboards as they are stored, and what stands on them."""

import json
from typing import Any, Final

from generate.files import DASHBOARDS, ROOT
from grafana.expressions import Expression, expressions, panels

BOARDS: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / DASHBOARDS).glob("*.json"))
}
VALUES: Final = {
    "__rate_interval": "20s",
    "service": "asyncpg_fastapi",
    "more": "asyncpg_fastapi",
    "job": "services",
    "pool": "asyncpg_fastapi",
}
"""What the variables stand for when a query is looked at."""

EXPRESSIONS: Final[list[Expression]] = [found for board in BOARDS.values() for found in expressions(board, VALUES)]
PANELS: Final[list[tuple[str, dict[str, Any]]]] = [
    (uid, dict(panel)) for uid, board in BOARDS.items() for panel in panels(board) if panel["type"] != "row"
]
