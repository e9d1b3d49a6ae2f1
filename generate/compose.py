"""The services of the Compose stack, and where the load generators find them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from services.stacks import Stack

STACKS_IN_CONTAINER: Final = "/stacks"
"""Where a directory of stacks that lies elsewhere is mounted."""
MORE: Final = "more-stacks"
"""The profile of the stacks that have to be asked for."""


def parts(stacks: Iterable[Stack]) -> Mapping[str, str]:
    """The generated parts of docker-compose.yml."""
    stacks = tuple(stacks)
    house = [stack for stack in stacks if stack.home is None]
    addresses = {stack: f"http://{stack.name}:{stack.port}" for stack in stacks}
    elsewhere = [] if len(house) == len(stacks) else [f"STACKS_FROM: {STACKS_IN_CONTAINER}"]
    return {
        "services": "\n\n".join(_service(stack, house) for stack in stacks),
        "locust-urls": "\n".join(
            [*(f"{stack.name.upper()}_URL: {url}" for stack, url in addresses.items() if not stack.more), *elsewhere]
        ),
        "ready": "\n".join(f"{stack.name}: {{condition: service_healthy}}" for stack in stacks if not stack.more),
        "k6-urls": f"BASE_URLS: {','.join(url for stack, url in addresses.items() if not stack.more)}",
    }


def elsewhere(text: str, written: Iterable[str], home: Path, out: Path) -> str:
    """docker-compose.yml for the stacks of `home` too: what was `written` is mounted from `out`, all else from here."""
    for path in sorted({_mounted(path) for path in written}):
        text = text.replace(f"./{path}:", f"{out / path}:")
    mounted = "      - ./services:/lab/services:ro\n"
    return text.replace(mounted, f"{mounted}      - {home}:{STACKS_IN_CONTAINER}:ro\n")


def _service(stack: Stack, house: Iterable[Stack]) -> str:
    environment = ["<<: *service-environment", f"PORT: {stack.port}"]
    if stack.threads:
        environment.append('THREADS: "${THREADS}"')
    lines = [f"{stack.name}:", "  <<: *service"]
    if stack.more:
        lines.append(f"  profiles: [{MORE}]")
    if stack.home is None:
        image = stack.name
    else:
        image = _image_with(stack.distributions, house)
        environment.append(f"PYTHONPATH: {STACKS_IN_CONTAINER}")
        lines += [
            f"  command: [python, -m, {stack.package}]",
            f'  volumes: ["{stack.home}:{STACKS_IN_CONTAINER}:ro"]',
        ]
    lines += [
        f"  build: {{context: ., dockerfile: services/Dockerfile, args: {{SERVICE: {image}}}}}",
        f"  environment: {{{', '.join(environment)}}}",
        f'  ports: ["127.0.0.1:{stack.port}:{stack.port}"]',
    ]
    return "\n".join(lines)


def _image_with(distributions: Iterable[str], house: Iterable[Stack]) -> str:
    """The smallest set of locked libraries that has all of these."""
    needed = set(distributions)
    fitting = [stack for stack in house if needed <= set(stack.distributions)]
    return min(fitting, key=lambda stack: len(stack.distributions)).name if fitting else "all"


def _mounted(path: str) -> str:
    """What of a written file is mounted: scripts and dashboards with their folder, others by themselves."""
    folder = str(Path(path).parent)
    return folder if folder in ("k6", "grafana/dashboards") else path
