"""Seven in the morning, one hand, a phone: what stands in the first screen, and what a tap reaches.

The draft is the one that the bundled morning raises: e-mail, post and text message, two variants
each, which printed whole are five screens of words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from responders.demo import serve
from tests.legibility import CONTRAST, light
from tests.web_world import Office, moved_in, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.faults]

WIDTH, HEIGHT = 390, 844
LINK = "main a[href], main summary"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("morning") / "ws")
    office.run("init", str(office.folder), "--zone", "America/New_York")
    office.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with serve("first-light", now=office.clock()) as addresses:
        office.run("feed", "add", *addresses)
        office.draft = office.json("tick")["drafts"][0]["draft"]
    office.submit()
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


@pytest.fixture
def phone(office: Office, chromium: Browser) -> Iterator[Page]:
    """Kim's phone, signed in, without JavaScript."""
    context = chromium.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, java_script_enabled=False, has_touch=True
    )
    page = context.new_page()
    with serving(office) as site:
        page.goto(site + office.link("kim"))
        page.get_by_role("button", name="Sign in as Kim").tap()
        yield page
    context.close()


def bottom(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    return box["y"] + box["height"]


def open_request(phone: Page) -> None:
    phone.get_by_role("link", name="Warehouse workers at Northgate").tap()
    expect(phone.get_by_role("heading", name="The words")).to_be_attached()


def test_the_first_screen_says_what_whose_turn_until_when_how_risky_and_why(phone: Page) -> None:
    open_request(phone)
    bar = phone.locator(".jump").bounding_box()
    assert bar is not None
    for text in ("Your turn", "until today 09:45 EST, in 45 min", "medium risk", "Read as a vote",
                 "Raised for", "Louder than usual"):  # fmt: skip
        assert bottom(phone.get_by_text(text).first) <= bar["y"], text
    assert bottom(phone.get_by_role("heading", level=1)) <= bar["y"]
    assert bar["y"] + bar["height"] <= HEIGHT


def test_one_tap_from_the_first_screen_brings_every_decision_under_the_thumb(phone: Page) -> None:
    open_request(phone)
    decide = phone.get_by_role("link", name="Decide", exact=True)
    assert bottom(decide) <= HEIGHT
    decide.tap()
    buttons = phone.locator("form.decide button")
    expect(buttons.first).to_be_in_viewport(ratio=1)
    assert buttons.count() == 4
    assert all(bottom(button) <= HEIGHT for button in buttons.all())


def test_words_that_the_variants_share_are_printed_once(phone: Page) -> None:
    open_request(phone)
    shared = phone.get_by_text("Most of us want the same things from a job").all()
    assert [text.is_visible() for text in shared] == [True, False]
    own = phone.get_by_text("Nobody wants to lose a paycheck.").all()
    assert [text.is_visible() for text in own] == [True, False]
    phone.get_by_text("Variant b whole").first.tap()
    assert all(text.is_visible() for text in shared)


def test_who_moves_by_keyboard_sees_where_they_are_and_the_bar_hides_it_never(
    office: Office, chromium: Browser
) -> None:
    context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    with serving(office) as site:
        page.goto(site + office.link("kim"))
        page.get_by_role("button", name="Sign in as Kim").click()
        page.goto(f"{site}/requests/{office.revision}")
        # A screen that ends just below something to open: the bar lies over it.
        height = int(bottom(page.locator("main summary").first)) + 5
        page.set_viewport_size({"width": WIDTH, "height": height})
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the decision"
        seen = 0
        for _ in range(page.locator(LINK).count() + 5):
            page.keyboard.press("Tab")
            found = page.evaluate(
                """() => {
                  const e = document.activeElement, r = e.getBoundingClientRect();
                  const bar = document.querySelector('.jump').getBoundingClientRect();
                  const s = getComputedStyle(e);
                  return {inside: e.matches('main *:not(.jump *)'), low: r.bottom, bar: bar.top,
                          after: r.top >= bar.bottom, ring: parseFloat(s.outlineWidth) || 0,
                          style: s.outlineStyle, tag: e.tagName + ' ' + e.textContent.trim()};
                }"""
            )
            if not found["inside"]:
                continue
            seen += 1
            assert found["ring"] >= 2, found
            assert found["style"] == "solid", found
            assert found["after"] or found["low"] <= found["bar"], found
        assert seen >= 5
    context.close()


def test_in_the_dark_the_pages_are_dark_and_as_legible(office: Office, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
    page = context.new_page()
    office.clock.move(minutes=50)  # late: the red must be legible too
    with serving(office) as site:
        page.goto(site + office.link("kim"))
        page.get_by_role("button", name="Sign in as Kim").click()
        for path in ("/inbox", f"/requests/{office.revision}", "/experiments"):
            page.goto(site + path)
            assert light(page, "getComputedStyle(document.body).backgroundColor") < 0.05
            assert page.evaluate(CONTRAST) == []
        page.goto(f"{site}/signoff")  # holds a chart that knows one light
        assert light(page, "getComputedStyle(document.body).backgroundColor") > 0.9
        assert page.evaluate(CONTRAST) == []
    context.close()


def test_on_paper_there_are_words_and_no_buttons(office: Office, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
    page = context.new_page()
    with serving(office) as site:
        page.goto(site + office.link("kim"))
        page.get_by_role("button", name="Sign in as Kim").click()
        page.goto(f"{site}/requests/{office.revision}")
        page.emulate_media(media="print")
        assert page.locator("button:visible, nav:visible, .jump:visible").count() == 0
        assert light(page, "getComputedStyle(document.body).color") < 0.05
        words = page.get_by_text("Most of us want the same things from a job").all()
        assert [text.is_visible() for text in words] == [True, True]  # paper cannot be opened
    context.close()
