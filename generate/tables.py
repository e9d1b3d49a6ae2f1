"""The stacks as readers of the commands and the runbook meet them."""

from collections.abc import Iterable, Mapping

from generate.markdown import table
from services.stacks import Stack


def commands(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of docs/commands.md."""
    head = ("stack", "pool", "driver", "framework", "server", "port in the lab")
    rows = (
        (
            f"[{stack.label}](../services/{stack.name}/)",
            f"`{stack.pool_class}`",
            stack.driver,
            stack.front,
            f"{stack.server}, {stack.concurrency}",
            str(stack.port),
        )
        for stack in stacks
    )
    return {"stacks": table(head, rows)}


def runbook(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of RUNBOOK.md."""
    rows = ((str(stack.port), f"`{stack.name}`", stack.text) for stack in stacks)
    return {"ports": table(("port", "service", "what it is made of"), rows)}
