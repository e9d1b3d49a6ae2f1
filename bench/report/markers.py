"""A generated part of a text that people read, between two markers."""

from bench.errors import UserError


def fill(text: str, markdown: str, part: str = "results") -> str:
    """Put `markdown` in the place of what stands between the markers of this part.

    Raises UserError unless each marker stands there once, in order.
    """
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or begin in rest or end in before or end in after:
        raise UserError(f"the file needs a line {begin} and below it a line {end}, each once: add them")
    return f"{before}{begin}\n\n{markdown.strip()}\n\n{end}{after}"
