"""Writes the dashboards to grafana/dashboards/, as Grafana reads them.

With `--check` nothing is written, and the exit status is 1 if a file is not what the code makes.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from grafana import any_service, one_service, side_by_side
from grafana.sdk import JSONEncoder
from grafana.sdk import dashboard as model

FOLDER: Final = Path(__file__).parent / "dashboards"


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


def stale() -> list[str]:
    """The names of files that differ from what the code makes, are missing, or belong to no dashboard."""
    made = files()
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in made.keys() | stored.keys() if made.get(name) != stored.get(name))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grafana", description="Write the dashboards' JSON.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    if parser.parse_args().check:
        names = stale()
        if names:
            print(f"not what the code makes: {', '.join(names)}; run `python -m grafana`", file=sys.stderr)
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    made = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
