"""Whether the libraries of a stack are installed here."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution

from bench.errors import UserError
from bench.record.schema import played_as
from services.stacks import STACKS


def require_libraries(services: Iterable[str]) -> None:
    """Raises UserError for the first of these stacks that cannot be started because a library is missing."""
    for name in services:
        stack = STACKS.get(played_as(name)[0])
        for needed in stack.distributions if stack else ():
            try:
                distribution(needed)
            except PackageNotFoundError:
                how = "install poolbench[more-stacks]" if stack and stack.more else f"install {needed}"
                raise UserError(f"{name} needs {needed}, which is not installed: {how}") from None
