"""How much the measuring itself costs, and whether other clients see the same. Not tests: every figure is a ratio
taken in one run."""
