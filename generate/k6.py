"""The lab's services as the scripts of k6 know them."""

from collections.abc import Iterable, Mapping

from services.stacks import Stack


def lab(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of k6/services.js: the usual stacks; others are asked for by BASE_URLS."""
    ports = ", ".join(f"{stack.name}: {stack.port}" for stack in stacks if not stack.more)
    return {"lab": f"const LAB = {{ {ports} }};"}
