"""`python -m generate`: writes what follows from the code: parts of files, tables of the docs, and the dashboards.

Exit status: 0 as asked, 1 where `--check` finds a file that is not what would be written, 2 wrong use.
"""

import argparse
import sys
from pathlib import Path

from bench.errors import UserError
from generate.files import ROOT, elsewhere, generated, orphaned, stale
from services.stacks_from import StackError, load


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m generate", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    parser.add_argument("--stacks-from", type=Path, metavar="DIR", help="also for the stacks of DIR/stacks.py")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files with these stacks go")
    asked = parser.parse_args(arguments)
    if (asked.stacks_from is None) is not (asked.out is None):
        parser.error("--stacks-from DIR and --out DIR go together: this checkout's files are those of its own stacks")
    if asked.check and asked.out:
        parser.error("--check looks at this checkout's own files: leave it out, or --stacks-from and --out")
    try:
        if asked.out:
            load(asked.stacks_from)
            return _write_elsewhere(asked.stacks_from.resolve(), asked.out.resolve())
        return _check() if asked.check else _write_here()
    except (StackError, UserError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"generate: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _check() -> int:
    names = stale(ROOT)
    if names:
        print(f"not what would be generated: {', '.join(names)}; run `make generate`", file=sys.stderr)
    return 1 if names else 0


def _write_here() -> int:
    for path in orphaned(ROOT):
        (ROOT / path).unlink()
    return _write(ROOT, generated(ROOT))


def _write(folder: Path, files: dict[str, str]) -> int:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return 0


def _write_elsewhere(home: Path, out: Path) -> int:
    files = elsewhere(home, out)
    _write(out, files)
    print(
        f"wrote {len(files)} files to {out}; the Compose stack with these services:\n"
        f"    docker compose --project-directory {ROOT} -f {out / 'docker-compose.yml'} up --build -d --wait"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
