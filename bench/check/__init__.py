"""Black-box conformance: does a service keep the HTTP contract?

In: the address of a process that is thrown away afterwards. Out: a `Report`.
"""

from bench.check.conformance import check
from bench.check.verdicts import Report, Result, Verdict

__all__ = ["Report", "Result", "Verdict", "check"]
