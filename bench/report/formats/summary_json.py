"""A run as `summary.json`."""

from bench.record.summary import as_json
from bench.report.view import View


def report(view: View) -> str:
    """Every metric of every cell, and the comparisons."""
    return as_json(view.summary)
