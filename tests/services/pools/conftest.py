"""What the tests of both kinds of pool start from."""

from importlib import import_module
from types import ModuleType

import pytest

from services.stacks import STACKS


@pytest.fixture
def module(name: str) -> ModuleType:
    """The adapter's module, whose times a test may set."""
    return import_module(f"{STACKS[name].package}.pool")
