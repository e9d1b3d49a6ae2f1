"""The lab's services as the scripts of k6 know them."""

from collections.abc import Iterable, Mapping

from services.stacks import Stack


def lab(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of k6/services.js: names and ports, and which are loaded only where BASE_URLS says so."""
    stacks = tuple(stacks)
    ports = "\n".join(f"  {stack.name}: {stack.port}," for stack in stacks)
    more = "\n".join(f"  '{stack.name}'," for stack in stacks if stack.more)
    return {"lab": f"const LAB = {{\n{ports}\n}};\nconst MORE = [\n{more}\n];"}
