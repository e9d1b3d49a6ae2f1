"""The models of the contract hold what the services build, and nothing else."""

import json

import pytest
from pydantic import BaseModel, ValidationError

from services.common import contract, models
from services.common.encoding import encode
from services.common.ledger import Totals
from services.common.models import Body
from services.common.openapi import MODELS
from services.common.settings import Config, Settings
from tests.services.common.bodies import EXAMPLES, Example, rejected, served

OK: dict[str, type[Body]] = {
    contract.HEALTH: models.Health,
    contract.STATS: models.Stats,
    contract.CONFIG: models.Configuration,
    contract.RELEASE_LEAKS: models.Released,
    **models.SERVED,
}


def model_of(example: Example) -> type[Body]:
    if example.status == 200:
        return OK[example.path]
    return models.REJECTED.get(example.path, models.Rejected) if example.status == 503 else models.Error


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_the_services_build_fits_its_model_as_it_arrives(example: Example) -> None:
    model_of(example).model_validate(json.loads(encode(example.body)))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_key_must_be_there_and_no_other(example: Example) -> None:
    model = model_of(example)
    for name in example.body.keys() - {"draining"}:
        with pytest.raises(ValidationError, match="Field required"):
            model.model_validate({key: value for key, value in example.body.items() if key != name})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate(example.body | {"more": 1})


def test_every_model_has_an_example() -> None:
    assert {model_of(example) for example in EXAMPLES} == set(MODELS)


def test_a_body_of_one_path_is_not_that_of_another() -> None:
    for path, model in models.SERVED.items():
        fits = model is models.Served
        assert _fits(model, served()) == fits, path
    assert not _fits(models.Rejected, rejected(stage="acquire"))
    assert not _fits(models.RejectedNested, rejected(stage="checkout 1"))
    assert not _fits(models.RejectedSeveral, rejected(stage=f"checkout {contract.MAX_TIMES + 1}"))


def test_every_field_and_every_model_says_what_it_is() -> None:
    seen: list[type[BaseModel]] = [Config, Settings, *MODELS]
    for model in seen:
        assert model.__doc__, model
        for name, field in model.model_fields.items():
            nested = [arg for arg in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_body(arg)]
            seen += [body for body in nested if body not in seen]
            described = field.description or nested
            assert described, f"{model.__name__}.{name}"


def test_the_configuration_shows_all_that_can_be_set() -> None:
    fixed = ["service", "workers", "threads", "tracing"]
    assert list(models.Configuration.model_fields) == fixed + list(Config.model_fields)
    for name, field in Config.model_fields.items():
        shown = models.Configuration.model_fields[name]
        assert (shown.annotation, shown.metadata, shown.description) == (
            field.annotation,
            field.metadata,
            field.description,
        )


def test_the_stats_show_all_that_is_counted() -> None:
    assert models.Stats.model_fields.keys() > set(Totals.__slots__)


def _fits(model: type[Body], body: object) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


def _is_body(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Body)
