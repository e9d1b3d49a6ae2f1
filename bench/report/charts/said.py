"""What a chart says of its stacks in words; every figure is one of the run's summary."""

from collections.abc import Callable, Sequence

from bench.report.charts.played import Played
from bench.report.numbers import decimals_of, missing, number
from bench.report.view import View


def by_stack(played: Sequence[Played], say: Callable[[Played], str]) -> str:
    """`every stack: …`, or `one, another: …; a third: …`, without a full stop."""
    said = dict[str, list[str]]()
    for each in played:
        said.setdefault(say(each), []).append(each.stack)
    if len(said) == 1 and len(played) > 1:
        return f"every stack: {next(iter(said))}"
    return "; ".join(f"{', '.join(stacks)}: {text}" for text, stacks in said.items())


def figure(view: View, scenario: str, service: str, name: str) -> str:
    """A metric's median, as its table has it."""
    value = view.value(scenario, service, name)
    return missing(name) if value is None else number(value, decimals_of(name, [value]))


def counts(view: View, scenario: str, stack: Played) -> str:
    """`39 of 150 served, 111 rejected`."""
    ok, sent, rejected, failed = (
        figure(view, scenario, stack.service, name) for name in ("ok", "sent", "timed_out", "failed")
    )
    served = f"all {sent} served" if ok == sent else f"{ok} of {sent} served"
    others = ((rejected, "rejected (503)"), (failed, "failed"))
    return ", ".join([served, *(f"{count} {word}" for count, word in others if count != "0")])


def milliseconds(written: str) -> str:
    """`over 453 ms`, or `under 1 ms`: nothing finer is worth saying."""
    return "under 1 ms" if written.startswith("0") else f"over {written} ms"


def sentence(text: str) -> str:
    """With a capital and a full stop; a name keeps its own letters."""
    return f"{'E' + text[1:] if text.startswith('every') else text}."
