"""What Prometheus scrapes, and which pools postgres-exporter counts the backends of."""

from collections.abc import Iterable, Mapping

from services.stacks import Stack


def targets(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of prometheus.yml."""
    lines = (f'- targets: ["{stack.name}:{stack.port}"]\n  labels: {{service: {stack.name}}}' for stack in stacks)
    return {"targets": "\n".join(lines)}


def queries(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated part of postgres-queries.yml, inside a query: every service, whether it is connected or not."""
    names = ", ".join(f"('{stack.name}')" for stack in stacks)
    return {"services": f"FROM (VALUES {names}) AS service (application_name)"}
