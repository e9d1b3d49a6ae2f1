"""The results in a README, between two markers.

In: the text of the README and the Markdown. Out: the text with the Markdown in it.
"""

from typing import Final

from bench.errors import UserError

BEGIN: Final = "<!-- results:begin -->"
END: Final = "<!-- results:end -->"


def fill(readme_text: str, markdown: str) -> str:
    """Put `markdown` in the place of what stands between the markers.

    Raises UserError unless each marker stands there once, in order.
    """
    before, begin, rest = readme_text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before or END in after:
        raise UserError(f"the README needs a line {BEGIN} and below it a line {END}, each once: add them")
    return f"{before}{BEGIN}\n\n{markdown.strip()}\n\n{END}{after}"
