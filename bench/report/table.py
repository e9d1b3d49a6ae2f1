"""A table before anything says how it looks."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Table:
    """A title, what was asked, how it was run, the table, and what has to be said below it."""

    title: str
    question: str = ""
    about: str = ""
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    labels: int | None = None
    """How many columns from the left are labels, on the left of their room; the others are figures of a stack each,
    behind the forecast where there is one. None: those before the forecast, and without a forecast all."""

    @property
    def texts(self) -> int:
        """How many columns are labels."""
        if self.labels is not None:
            return self.labels
        return self.headers.index("forecast") if "forecast" in self.headers else len(self.headers)

    @property
    def alignment(self) -> list[str]:
        """`left` or `right`, a word for each column."""
        return ["left"] * self.texts + ["right"] * (len(self.headers) - self.texts)
