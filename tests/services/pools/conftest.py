"""What the tests of both kinds of pool start from."""

import sys
from types import ModuleType

import pytest

from services.pools.adapters import adapter_of
from services.stacks import STACKS


@pytest.fixture
def module(name: str) -> ModuleType:
    """The adapter's module, whose times a test may set; several stacks may share it."""
    return sys.modules[adapter_of(STACKS[name].package).__module__]
