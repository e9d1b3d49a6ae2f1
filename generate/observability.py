"""What Prometheus scrapes, and which pools postgres-exporter counts the backends of."""

from collections.abc import Iterable, Mapping

from services.stacks import Stack


def targets(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated parts of prometheus.yml: the usual stacks have to be there, others are where they have a name."""
    stacks = tuple(stacks)
    usual = (
        f'- targets: ["{stack.name}:{stack.port}"]\n  labels: {{service: {stack.name}}}'
        for stack in stacks
        if not stack.more
    )
    more = (f"- {{names: [{stack.name}], type: A, port: {stack.port}}}" for stack in stacks if stack.more)
    return {"targets": "\n".join(usual), "more-targets": "\n".join(more)}


def queries(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of postgres-queries.yml, inside a query: every service, whether it is connected or not."""
    names = ", ".join(f"('{stack.name}')" for stack in stacks)
    return {"services": f"FROM (VALUES {names}) AS service (application_name)"}
