"""What has to come with another version of a library, and what it does not go with."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.targets.needs import Installed, installed, lacking


def site(directory: Path, *distributions: str) -> Installed:
    """A directory of distributions, each `NAME VERSION` and what it requires after a colon, parted by semicolons."""
    for said in distributions:
        head, _, needs = said.partition(":")
        name, version = head.split()
        info = directory / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        required = "".join(f"Requires-Dist: {need.strip().replace('|', ';')}\n" for need in needs.split(";") if need)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}")
    return installed(directory)


@pytest.fixture
def base(tmp_path: Path) -> Installed:
    return site(
        tmp_path / "base",
        "bench 1.0: psycopg[binary]==3.3.9",
        "psycopg 3.3.9: typing-extensions>=4.6; psycopg-binary==3.3.9|extra == 'binary'",
        "psycopg-binary 3.3.9",
        "typing_extensions 4.16.0",
        "fastapi 0.165.0: starlette>=1.6",
        "starlette 1.10.0",
        "tool 1.0: psycopg<4,>=3.3",
    )


def test_what_is_met_already_is_not_installed(base: Installed, tmp_path: Path) -> None:
    own = site(tmp_path / "own", "psycopg 3.2.9: Typing_Extensions>=4.4")
    assert lacking(own, base, ["psycopg"]) == []


def test_what_it_requires_in_another_version_comes_with_it_by_the_extras_in_use(
    base: Installed, tmp_path: Path
) -> None:
    needs = (
        "psycopg-binary==3.2.9|extra == 'binary'; psycopg-c==3.2.9|extra == 'c'; backports.zoneinfo|python_version<'3'"
    )
    own = site(tmp_path / "own", f"psycopg 3.2.9: {needs}")
    assert lacking(own, base, ["psycopg"]) == ["psycopg-binary==3.2.9"]


def test_what_the_stack_does_not_go_with_is_refused(base: Installed, tmp_path: Path) -> None:
    own = site(tmp_path / "own", "starlette 0.30.0")
    with pytest.raises(UserError, match=r"^fastapi 0\.165\.0 requires starlette>=1\.6, not 0\.30\.0: name both in one"):
        lacking(own, base, ["fastapi", "starlette"])


def test_what_is_not_of_the_stack_may_disagree(base: Installed, tmp_path: Path) -> None:
    assert lacking(site(tmp_path / "own", "psycopg 3.2.9"), base, ["psycopg"]) == []
