"""Black-box conformance: does a service keep the HTTP contract?"""

from bench.check.conformance import check
from bench.check.verdicts import Report, Result, Verdict

__all__ = ["Report", "Result", "Verdict", "check"]
