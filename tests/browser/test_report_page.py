"""The report as a file: opened from a folder, on a phone, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web_world import Office

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

NAME = "karlan-list-2007"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report after three looks at a published experiment."""
    office = Office(folder=tmp_path_factory.mktemp("report") / "ws")
    office.run("init", str(office.folder))
    office.run("example", "play", NAME)
    office.run("experiment", "lock", NAME)
    for number, ago in ((1, "25 days ago"), (2, "20 days ago"), (3, "15 days ago")):
        batch = office.folder / "experiments" / NAME / f"batch-{number}.csv"
        office.run("experiment", "intake", NAME, str(batch), "--sent-at", ago)
        office.run("experiment", "look", NAME)
    office.run("experiment", "report", NAME)
    return office.folder / "reports" / f"{NAME}.html"


@pytest.mark.parametrize("width", [380, 1280])
def test_the_report_opens_from_a_file_fits_and_is_silent(
    report: Path, chromium: Browser, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if r.url.startswith("http") else None)
    page.goto(report.as_uri())
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_text("Go on: no bound was crossed")).to_be_visible()
    context.close()


def test_the_chart_can_be_read_without_being_seen(report: Path, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(report.as_uri())
    chart = page.get_by_role("img", name="Effect and bounds over the looks")
    assert chart.locator("circle").count() == 3
    assert "valid at every look" in str(chart.locator("desc").text_content())
    names = chart.evaluate("c => c.getAttribute('aria-labelledby').split(' ')")
    assert [page.locator(f"#{name}").count() for name in names] == [1, 1]
    page.close()


def test_on_a_phone_each_figure_of_a_look_keeps_its_name(report: Path, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 380, "height": 800})
    page.goto(report.as_uri())
    cell = page.locator("td[data-label=Interval]").first
    label = cell.evaluate("c => getComputedStyle(c, '::before').content")
    assert label == '"Interval"'
    box = cell.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 380
    page.close()
