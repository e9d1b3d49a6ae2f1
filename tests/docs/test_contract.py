"""docs/contract.md says what the code says."""

import re

import pytest

from docs import contract as page
from services.common import contract
from services.common.metrics import Metrics
from services.common.openapi import MODELS
from services.common.settings import Settings

TEXT = page.FILE.read_text(encoding="utf-8")
MARKERS = re.findall(r"<!-- (\w+):begin -->", TEXT)


def test_what_is_committed_is_what_the_code_makes() -> None:
    assert page.render(TEXT) == TEXT, "run `make contract`"


@pytest.mark.parametrize("name", MARKERS)
def test_a_table_that_was_changed_by_hand_is_made_again(name: str) -> None:
    begin = f"<!-- {name}:begin -->"

    assert page.render(TEXT.replace(begin, f"{begin}\n\nby hand")) == TEXT


@pytest.mark.parametrize("name", MARKERS)
@pytest.mark.parametrize("end", ["begin", "end"])
def test_a_marker_must_stand_there_once(name: str, end: str) -> None:
    marker = f"<!-- {name}:{end} -->"

    for text in (TEXT.replace(marker, ""), TEXT + marker):
        with pytest.raises(ValueError, match=f"a line <!-- {name}:begin -->"):
            page.render(text)


def test_a_marker_that_closes_before_it_opens_is_refused() -> None:
    begin, end = "<!-- metrics:begin -->", "<!-- metrics:end -->"

    with pytest.raises(ValueError, match=f"a line {begin}"):
        page.render(TEXT.replace(begin, "?").replace(end, begin).replace("?", end))


def test_everything_has_its_row() -> None:
    rows = set(re.findall(r"^\| `([^`]+)`", TEXT, flags=re.MULTILINE))
    shown = re.findall(r"^# HELP (\S+) (.+)$", Metrics("svc").text(None)[0].decode(), flags=re.MULTILINE)
    ours = {name: text for name, text in shown if name.startswith(("db_pool_", "db_query_", "http_"))}

    assert rows >= {f"{method} {path}" for path, methods in contract.METHODS.items() for method in methods}
    assert rows >= {name for names in contract.PARAMETERS.values() for name in names}
    assert rows >= {name.upper() for name in Settings.model_fields}
    assert rows >= ours.keys()
    assert all(f"| {text} |" in TEXT for text in ours.values())
    assert rows >= {name for model in MODELS for name in model.model_fields if name != "draining"}


def test_every_link_within_the_page_leads_somewhere() -> None:
    places = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXT, flags=re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))

    assert links
    assert links <= places


def test_the_errors_are_named_as_the_services_name_them() -> None:
    refused = (
        contract.not_found("/x"),
        contract.wrong_method("PUT", contract.QUERY),
        contract.several_workers(2),
        contract.too_large(),
        contract.BadRequest(422, "invalid", ""),
    )

    for error in refused:
        assert f"`{error.error}` ({error.status})" in " ".join(TEXT.split())
