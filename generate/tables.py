"""The stacks as readers of the README and the runbook meet them."""

from collections.abc import Iterable, Mapping

from services.stacks import Stack


def readme(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated block of README.md."""
    rows = [
        f"| [{stack.label}](services/{stack.name}/) | `{stack.pool_class}` | {stack.driver} | {stack.front} "
        f"| {stack.server}, {stack.concurrency} | {stack.port} |"
        for stack in stacks
    ]
    return {
        "stacks": "\n".join(
            ["| stack | pool | driver | framework | server | port in the lab |", "|---|---|---|---|---|---|", *rows]
        )
    }


def runbook(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated block of RUNBOOK.md."""
    rows = [f"| {stack.port} | `{stack.name}` | {stack.text} |" for stack in stacks]
    return {"ports": "\n".join(["| port | service | what it is made of |", "|---|---|---|", *rows])}
