"""docs/contract.md says what the code says."""

import re

from generate.files import ROOT, generated
from services.common import contract
from services.common.metrics import Metrics
from services.common.openapi import MODELS
from services.common.settings import Settings

TEXT = generated(ROOT)["docs/contract.md"]


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
