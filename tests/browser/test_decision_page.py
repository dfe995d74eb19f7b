"""What an approver does on a phone without JavaScript, and on a laptop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.legibility import CONTRAST
from tests.web_world import Office, moved_in, prepared, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PHONE = {"width": 380, "height": 800}
LAPTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


@pytest.fixture
def site(office: Office) -> Iterator[str]:
    with serving(office) as address:
        yield address


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def laptop(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=LAPTOP)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def sizes(page: Page) -> list[tuple[str, float, float]]:
    """Everything that a finger aims at, with its width and height."""
    found = []
    for target in page.locator(
        "main button, main .button, main summary, main .cards a, nav a, header button"
    ).all():
        box = target.bounding_box()
        assert box is not None
        found.append((target.inner_text(), box["width"], box["height"]))
    return found


def test_on_a_phone_without_javascript_an_approver_comes_in_and_says_yes(
    office: Office, site: str, phone: Page
) -> None:
    phone.goto(site + office.link("kim"))
    phone.get_by_role("button", name="Sign in as Kim").tap()
    phone.get_by_role("link", name="Workers at Northgate").tap()
    expect(phone.get_by_text("Two outlets carry it")).to_be_visible()
    expect(phone.get_by_text("They voted")).to_be_visible()
    phone.get_by_role("button", name="Return for changes").tap()
    expect(phone.get_by_role("alert")).to_contain_text("A note is needed")
    expect(phone.get_by_label("Note")).to_be_focused()
    phone.get_by_label("Note").fill("Go, but name the bill next time.")
    phone.get_by_role("button", name="Approve with nits").tap()
    expect(phone.get_by_role("status")).to_contain_text("Kim (comms lead), your decision")
    (said,) = office.request()["signoffs"]
    assert (said["who"], said["decision"]) == ("kim", "approve_with_nits")
    assert said["note"] == "Go, but name the bill next time."


def test_a_decision_link_needs_one_tap_on_a_phone(office: Office, site: str, phone: Page) -> None:
    phone.goto(site + office.decide_link("kim"))
    phone.get_by_role("button", name="Approve", exact=True).tap()
    expect(phone.get_by_role("status")).to_contain_text("your decision is on record: approve")
    phone.reload()
    expect(phone.get_by_role("status")).to_contain_text("your decision is on record: approve")
    assert len(office.request()["signoffs"]) == 1


def test_every_page_fits_a_phone_and_a_finger(office: Office, site: str, chromium: Browser) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    sign_in = office.link("kim")
    for path in (sign_in, office.decide_link("alex")):
        page.goto(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert all(w >= 44 and h >= 44 for _, w, h in sizes(page)), sizes(page)
    page.goto(site + sign_in)
    page.get_by_role("button", name="Sign in as").click()
    for path in ("/inbox", f"/requests/{office.revision}", "/experiments", "/nothing"):
        page.goto(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert all(w >= 44 and h >= 44 for _, w, h in sizes(page)), sizes(page)
    context.close()


def test_on_a_laptop_the_pages_are_legible_labelled_and_silent(
    office: Office, site: str, laptop: Page
) -> None:
    laptop.goto(site + office.link("kim"))
    laptop.get_by_role("button", name="Sign in as Kim").click()
    for path in ("/inbox", f"/requests/{office.revision}", "/experiments"):
        laptop.goto(site + path)
        assert laptop.evaluate(CONTRAST) == []
        assert laptop.locator("h1").count() == 1
    laptop.goto(f"{site}/requests/{office.revision}")
    for field in laptop.locator("textarea, input:not([type=hidden])").all():
        assert field.evaluate("f => f.labels.length") == 1
    laptop.keyboard.press("Tab")
    assert laptop.evaluate("document.activeElement.textContent") == "To the content"
    laptop.get_by_role("button", name="Approve", exact=True).focus()
    laptop.keyboard.press("Enter")
    laptop.get_by_role("link", name="Back to the inbox").click()
    expect(laptop.get_by_text("Nothing waits for you.")).to_be_visible()
