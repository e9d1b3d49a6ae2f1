"""`python -m perf.attacks` tells a service that stands an attack from one that does not."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from perf.attacks.__main__ import main, wrong
from perf.attacks.kinds import PATCH, Attack, attacks, get, length, post
from perf.attacks.play import play
from services.common import contract
from tests.bench.check.fake_http import Handler, Reply, Request, serving
from tests.bench.check.fake_service import FakeService


async def obedient() -> Handler:
    return FakeService()


async def html() -> Handler:
    service = FakeService()

    async def answer(request: Request) -> Reply:
        status, headers, body = await service(request)
        return (status, headers, body) if status == 200 else (status, headers, b"<html>")

    return answer


async def silent() -> Handler:
    service = FakeService()

    async def answer(request: Request) -> Reply:
        if request.path == contract.NOOP:
            await asyncio.sleep(60)  # it is cancelled when the test is over
        return await service(request)

    return answer


def test_what_clients_see_is_counted() -> None:
    with serving(obedient) as url:
        fine = asyncio.run(play(url, Attack("fine", (get(), get(b"/nope")), times=3)))
        left = asyncio.run(play(url, Attack("left", (get(),), "reset", times=2)))

    assert (fine.seen, left.seen) == (Counter({"2xx": 3, "4xx": 3}), Counter({"left": 2}))
    assert not wrong(fine)
    assert not wrong(left)


def test_errors_that_are_not_the_contract_s_are_told() -> None:
    with serving(html) as url:
        outcome = asyncio.run(play(url, Attack("wrong path", (get(b"/nope"),), times=2)))

    assert outcome.seen == {"other": 2}
    assert wrong(outcome)


def test_what_is_applied_is_told() -> None:
    with serving(obedient) as url:
        outcome = asyncio.run(play(url, Attack("applied", (post(PATCH, length(len(PATCH))),), times=1)))

    assert outcome.whole == "the configuration changed"
    assert wrong(outcome)


def test_a_connection_that_hangs_and_a_late_health_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.attacks.play.HUNG_S", 0.3)
    with serving(silent) as url:
        outcome = asyncio.run(play(url, Attack("hangs", (get(contract.NOOP.encode()),), times=2)))

    assert outcome.seen == {"hung": 2}
    assert wrong(outcome)
    assert wrong(replace(outcome, seen=Counter(), health_ms=float("inf")))
    assert not wrong(replace(outcome, seen=Counter()))


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in attacks()]

    assert len(set(names)) == len(names)


def test_names_that_nobody_knows_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["nope"], ["--only", "nope"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    assert "no attack has 'nope' in its name" in capsys.readouterr().err
