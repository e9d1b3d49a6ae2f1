"""`python -m perf.bare STACK`: the floor of a stack, on its own server."""

import sys
from importlib import import_module

from services.common import settings
from services.pools.adapters import adapter_of
from services.stacks import STACKS

stack = STACKS[sys.argv[1]]
library = adapter_of(stack.package)
front = import_module(f"perf.bare.{stack.front.lower().replace(' ', '_')}")
front.serve(stack.name, library, settings.from_environment(port=stack.port))
