"""What a page costs: its size, the seconds it takes to make, and how soon it shows something in headless Chromium.

Beside the page of the published run stands that of a larger one: the same results under the names of more stacks and
more scenarios.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final

import polars as pl
from playwright.sync_api import sync_playwright
from tabulate import tabulate

from bench.record.stored import Stored, load
from bench.report.page.make import page_of
from bench.targets.process import ROOT
from perf.lab import Lab
from services.stacks import STACKS

PUBLISHED: Final = ROOT / "results" / "standard"
SCENARIOS: Final = 40
SERVICES: Final = 7
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")


def page(here: Lab) -> str:
    """Of the published run, and of `SCENARIOS` × `SERVICES` as large as its own."""
    published = load(PUBLISHED)
    runs = {
        "results/standard": (published, "≤ 1 MB, ≤ 5 s, < 0.5 s"),
        f"{SCENARIOS} scenarios × {SERVICES} stacks × 10": (larger(published), "≤ 3 MB"),
    }
    rows = []
    for name, (run, aims) in runs.items():
        file, began = here.directory / "page.html", perf_counter()
        file.write_text(page_of(run), encoding="utf-8")
        took = perf_counter() - began
        rows.append((name, f"{file.stat().st_size / 1e6:.2f} MB", f"{took:.1f} s", _first_paint(file), aims))
    return tabulate(rows, ("page of", "size", "making", "first paint", "aims"), disable_numparse=True)


def larger(stored: Stored) -> Stored:
    """The same results under more names."""
    plan, known = stored.run.plan, list(dict.fromkeys((*stored.run.plan.services, *STACKS)))
    services = dict(_names(plan.services, known, SERVICES))
    scenarios = dict(_names(plan.scenarios, list(plan.scenarios), SCENARIOS))
    pairs = pl.DataFrame(
        [(scenarios[a], services[b], a, b) for a in scenarios for b in services],
        schema=("scenario", "service", "as_scenario", "as_service"),
        orient="row",
    )

    def named(frame: pl.DataFrame) -> pl.DataFrame:
        many = frame.join(pairs, on=("scenario", "service"), maintain_order="left")
        as_played = many.with_columns(scenario="as_scenario", service="as_service").select(frame.columns)
        return as_played.sort("scenario", "service", "repetition", maintain_order=True)

    names: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for scenario, service, a, b in pairs.rows():
        names.setdefault((scenario, service), []).append((a, b))
    return Stored.of(
        replace(
            stored.run,
            plan=replace(plan, scenarios=tuple(scenarios), services=tuple(services)),
            cells=tuple(
                replace(cell, scenario=a, service=b) for cell in stored.run.cells for a, b in names[cell.key[:2]]
            ),
        ),
        named(stored.requests),
        named(stored.samples),
        (replace(each, scenario=a, service=b) for each in stored.events for a, b in names[each.key[:2]]),
    )


def _names(played: tuple[str, ...], known: list[str], count: int) -> Iterator[tuple[str, str]]:
    """(name, whose results it has)."""
    for nth in range(count):
        yield (known[nth] if nth < len(known) else f"more-{nth}"), played[nth % len(played)]


def _first_paint(file: Path) -> str:
    if CHROMIUM is None:
        return "no chromium"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(file.as_uri())
        shown.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        painted: float = shown.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        browser.close()
    return f"{painted / 1000:.2f} s"
