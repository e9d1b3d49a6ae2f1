"""How much the measuring itself costs. Not tests: every figure is a ratio taken in one run."""
