"""The dashboards' files, as Grafana reads them; `make generate` writes them to grafana/dashboards/."""

import json
from typing import Any

from grafana import any_service, one_service, side_by_side
from grafana.sdk import JSONEncoder
from grafana.sdk import dashboard as model


def files() -> dict[str, str]:
    """Name → text of every dashboard's file."""
    boards = (side_by_side.build(), one_service.build(), any_service.build())
    return {f"{board.uid}.json": json.dumps(as_json(board), indent=2, ensure_ascii=False) + "\n" for board in boards}


def as_json(board: model.Dashboard) -> dict[str, Any]:
    """As Grafana stores it. The SDK puts every link and mark into a menu; without a placement they are in sight."""
    made: dict[str, Any] = json.loads(JSONEncoder().encode(board))
    for item in (*made["links"], *made["annotations"]["list"]):
        del item["placement"]
    return made
