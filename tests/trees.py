"""A source tree of a library that is installed here, with a version of its own: it is built without any network."""

import shutil
from importlib.metadata import distribution
from pathlib import Path
from textwrap import dedent

VERSION = "9.0"
_BACKEND = """
    import zipfile
    from pathlib import Path

    def build_wheel(directory, config_settings=None, metadata_directory=None):
        info = f"{PACKAGE}-{VERSION}.dist-info"
        files = {str(path): path.read_bytes() for path in Path(PACKAGE).rglob("*.py")} | {
            f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"]).encode()
        wheel = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
        with zipfile.ZipFile(Path(directory) / wheel, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return wheel
"""


def psycopg_pool(directory: Path, added: str = "") -> Path:
    """The tree of psycopg-pool in a new `directory`, as installed and with `added` at the end of its package."""
    name, package = "psycopg-pool", "psycopg_pool"
    shutil.copytree(
        str(distribution(name).locate_file(package)), directory / package, ignore=shutil.ignore_patterns("__pycache__")
    )
    with (directory / package / "__init__.py").open("a") as source:
        source.write(f"\n{added}\n")
    (directory / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    constants = f"NAME, PACKAGE, VERSION = {name!r}, {package!r}, {VERSION!r}\n"
    (directory / "backend.py").write_text(constants + dedent(_BACKEND))
    return directory
