"""What installed distributions require of one another, as their metadata say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.errors import UserError

Installed = Mapping[str, Distribution]
"""By canonical name."""
Needs = Mapping[str, Sequence[Requirement]]
"""What each requires of others here, with the extras that are asked of it."""


def installed(directory: Path | None = None) -> dict[str, Distribution]:
    """What is in a directory, or what this interpreter finds."""
    found = distributions(path=[str(directory)]) if directory else distributions()
    every: dict[str, Distribution] = {}
    for one in found:
        every.setdefault(canonicalize_name(one.metadata["Name"]), one)
    return every


def lacking(own: Installed, base: Installed, roots: Iterable[str]) -> list[str]:
    """What has to be installed beside `own`, so that all that it requires is there in a version that it goes with.

    `own` goes before `base`, and `roots` are the distributions that a service is made with. Raises UserError where
    something that is there goes with none but another version of what `own` has.
    """
    together = {**base, **own}
    needs = _needs(together)
    found: list[str] = []
    for name in _reached([*map(canonicalize_name, roots), *own], needs):
        for need in needs[name]:
            wanted = canonicalize_name(need.name)
            has = together.get(wanted)
            if has and need.specifier.contains(has.version, prereleases=True):
                continue
            if wanted in own and has:
                other = f"{name} {together[name].version} requires {need.name}{need.specifier}"
                raise UserError(f"{other}, not {has.version}: name both in one --with, joined by a comma")
            if name in own:
                found.append(f"{need.name}{need.specifier}")
    return found


def _needs(together: Installed) -> Needs:
    every = {name: [*map(Requirement, one.requires or ())] for name, one in together.items()}
    extras: dict[str, set[str]] = {name: {""} for name in every}
    for need in (need for needs in every.values() for need in needs):
        extras.setdefault(canonicalize_name(need.name), set()).update(need.extras)
    return {
        name: [
            need
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras[name])
        ]
        for name, needs in every.items()
    }


def _reached(roots: Iterable[str], needs: Needs) -> Iterator[str]:
    """The distributions that these are made with, themselves among them."""
    seen, left = set[str](), list(roots)
    while left:
        name = left.pop()
        if name in needs and name not in seen:
            seen.add(name)
            yield name
            left += [canonicalize_name(need.name) for need in needs[name]]
