"""Bodies as bytes: compact, UTF-8, and never what JSON has not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.encoding import encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXT, PLAIN, max_size=3)


def test_bodies_are_compact() -> None:
    assert encode({"a": [1, None], "é": "ü"}) == '{"a":[1,null],"é":"ü"}'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_not_is_null(number: float) -> None:
    assert encode({"a": number}) == b'{"a":null}'


@settings(max_examples=40)
@given(st.dictionaries(TEXT, VALUES, max_size=3))
def test_bodies_read_back_the_same(body: dict[str, object]) -> None:
    assert json.loads(encode(body)) == body
