"""Schemathesis reads `/openapi.json` and asks what it may: no answer may be another than the document says.

In `make test` it makes few examples on a stack of each front. `SCHEMATHESIS_EXAMPLES=N` in the environment makes all of
its phases on every stack, with N examples for each operation. They are derandomised: the same in each run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from services.stacks import STACKS
from tests.conftest import StartService

FUZZ: Final = Path(__file__).parent / "fuzz"
ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = os.environ.get("SCHEMATHESIS_EXAMPLES")
ALL: Final = ("--phases=examples,coverage,fuzzing,stateful", f"--max-examples={EXAMPLES}")
FEW: Final = ("--phases=fuzzing,stateful", "--max-examples=3")
ONE_OF_EACH_FRONT: Final = tuple({stack.front: name for name, stack in STACKS.items()}.values())


@pytest.mark.parametrize("name", tuple(STACKS) if EXAMPLES else ONE_OF_EACH_FRONT)
def test_every_answer_is_as_the_document_says(start: StartService, tmp_path: Path) -> None:
    service = start(pool_acquire_timeout=0.2, work_time_ms=5, pool_min_size=1, pool_max_size=4)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={FUZZ / 'schemathesis.toml'}",
            "--no-color",
            "run",
            f"{service.base_url}/openapi.json",
            "--request-timeout=20",
            *(ALL if EXAMPLES else FEW),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.contract.fuzz.hooks"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    if done.returncode:
        pytest.fail(f"{done.stdout}{done.stderr}", pytrace=False)
    links = re.search(r"API Links: +(\d) covered / 5 selected", done.stdout)
    assert links is not None, done.stdout
    assert int(links[1]) >= 3
    assert "Traceback" not in service.log_tail()
