"""The page in a real browser: headless Chromium, in light and dark, on a desktop and on a phone.

Needs Debian's chromium (`apt-get install chromium`); playwright drives it, and downloads nothing.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from bench.record.stored import load
from bench.report.page.make import page_of
from generate.files import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the page of the published run."""
    file: Path = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page_of(load(ROOT / "results" / "standard")), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    one = browser.new_page(viewport={"width": 1280, "height": 900})
    yield one
    one.close()


def shown(page: Page, what: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        what, "all => all.filter(each => each.offsetParent !== null).map(each => each.id || each.dataset.stack)"
    )
    return found


@pytest.mark.parametrize(
    ("size", "scheme", "family"),
    [
        ("desktop", "light", ""),
        ("desktop", "dark", "exhaustion"),
        ("phone", "light", "leaks"),
        ("phone", "dark", "outage"),
    ],
)
def test_it_asks_for_nothing_fits_and_anyone_can_use_it(
    browser: Browser, address: str, size: str, scheme: Any, family: str
) -> None:
    """axe takes its time for each node: the whole page once, and in another size or scheme what all pages have and a
    family with each kind of chart."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    asked, said = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")

    assert asked == [address]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widths = page.eval_on_selector_all(".scenario tbody th", "all => all.map(each => each.offsetWidth)")
    assert min(each for each in widths if each) > 80  # words are not broken into letters
    assert page.locator(".scenario svg").count() > 20
    assert page.locator("svg:not([role=img][aria-label], [aria-hidden])").count() == 0
    page.goto(f"{address}#family={family}")
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in violations] == []
    page.close()


def test_filters_hide_what_is_not_asked_for_and_stand_in_the_address(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("nav [name=family]").select_option("leaks")
    assert shown(page, ".scenario") == ["leak-kept", "leak-dropped", "leak-exception"]
    page.locator("nav [name=verdict]").select_option("better")
    assert shown(page, ".scenario") == ["leak-dropped", "leak-exception"]
    page.get_by_role("checkbox", name="psycopg_pool + Flask").uncheck()
    assert "psycopg_flask" not in shown(page, ".panel[data-stack]")

    page.goto("about:blank")
    page.goto(f"{address}#family=leaks&verdict=better&hide=psycopg_flask&x=leak-dropped&theme=dark")
    assert shown(page, ".scenario") == ["leak-dropped", "leak-exception"]
    assert not page.get_by_role("checkbox", name="psycopg_pool + Flask").is_checked()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.activeElement.id") == "h-leak-dropped"


def test_a_finding_leads_to_its_evidence_also_where_it_was_filtered_out(page: Page, address: str) -> None:
    page.goto(f"{address}#family=leaks")
    page.locator(".findings a", has_text="leak-dropped").first.click()
    assert page.evaluate("document.activeElement.id") == "h-leak-dropped"

    page.goto("about:blank")
    page.goto(f"{address}#family=outage&x=leak-dropped")
    assert page.evaluate("document.activeElement.id") == "h-leak-dropped"
    assert "leak-dropped" in shown(page, ".scenario")
    assert page.url.endswith("#x=leak-dropped")


def test_a_table_is_sorted_by_its_head_and_the_order_stands_in_the_address(page: Page, address: str) -> None:
    page.goto(address)
    table = page.locator("table[data-sort=verdicts]")
    button = table.get_by_role("button", name="verdict")
    button.click()
    kinds = table.locator("tbody td:nth-child(2)").all_inner_texts()
    assert kinds == sorted(kinds)
    button.click()
    assert table.locator("tbody td:nth-child(2)").all_inner_texts() == sorted(kinds, reverse=True)
    assert "sort=verdicts:1:down" in page.url
    page.reload()
    assert table.locator("tbody td:nth-child(2)").first.inner_text() == max(kinds)


def test_values_are_shown_under_the_pointer_and_by_arrow_keys(page: Page, address: str) -> None:
    page.goto(f"{address}#x=leak-dropped")
    chart = page.locator("#leak-dropped .panel svg").first
    chart.hover()
    assert page.locator("#tip").inner_text().strip()
    page.mouse.move(0, 0)
    chart.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#live").inner_text().strip()


def test_tab_stops_once_in_a_scenario_and_arrows_reach_its_other_charts(page: Page, address: str) -> None:
    page.goto(f"{address}#x=leak-dropped")
    charts, stop = page.locator("#leak-dropped svg.chart[data-kind]"), "#leak-dropped svg.chart[tabindex='0']"
    assert charts.count() > 10
    assert page.locator(stop).count() == 1
    charts.first.focus()
    page.keyboard.press("ArrowDown")
    assert charts.nth(1).evaluate("each => each === document.activeElement")
    assert page.locator(stop).count() == 1

    page.get_by_role("checkbox", name="psycopg_pool + Flask").uncheck()  # hides the chart at which Tab stopped
    assert page.locator(stop).count() == 1
    assert page.locator(stop).is_visible()


def test_printed_it_has_no_filters_and_every_repetition(page: Page, address: str) -> None:
    page.goto(address)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("nav").is_hidden()
    assert page.locator("details:not([open])").count() == 0
