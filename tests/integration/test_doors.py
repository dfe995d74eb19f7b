"""Who may come through a door, and what a stale page may still do."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.routing import Route

from testkit.kernel.ledger import Actor
from testkit.signoff import service
from testkit.signoff.model import Decision
from testkit.web import deciding, links
from testkit.web.app import create_app
from tests.web_world import BROWSER, Office, Visitor, hidden, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from testkit.kernel.workspace import Workspace
    from testkit.web.links import Link

pytestmark = pytest.mark.faults


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
def browser(site: str) -> Iterator[Callable[[], Visitor]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(visitor(site))


@pytest.fixture
def desk(office: Office) -> Workspace:
    return office.workspace(Actor(name="kim", via="web", auth="link"))


def fresh(workspace: Workspace, link: Link) -> Link:
    with workspace.db.read() as conn:
        return links.by_id(conn, link.id)


def said(office: Office) -> list[str]:
    return [s["decision"] for s in office.request()["signoffs"]]


# --- a link that a crash left used but not settled


@pytest.fixture
def interrupted(office: Office, desk: Workspace, monkeypatch: pytest.MonkeyPatch) -> Link:
    """A link whose form was sent, and a crash came before its decision was on record."""
    link, _ = links.issue(desk, person="kim", revision=office.revision, stage="comms")
    with monkeypatch.context() as broken:
        broken.setattr(service, "sign", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert fresh(desk, link).used_at
    return fresh(desk, link)


def test_an_interrupted_link_that_expired_decides_nothing(
    office: Office, desk: Workspace, interrupted: Link
) -> None:
    office.clock.move(hours=25)
    with pytest.raises(links.GoneError, match="expired"):
        deciding.through_link(desk, interrupted, Decision.APPROVE, note="")
    assert said(office) == []


def test_an_interrupted_link_that_was_taken_back_decides_nothing(
    office: Office, desk: Workspace, interrupted: Link
) -> None:
    assert office.json("people", "revoke", "kim")["links"] == 1
    for known in (interrupted, fresh(desk, interrupted)):
        with pytest.raises(links.GoneError, match="taken back"):
            deciding.through_link(desk, known, Decision.APPROVE, note="")
    assert said(office) == []


def test_a_settled_link_stays_idempotent_when_it_has_expired_or_the_person_is_signed_out(
    office: Office, desk: Workspace
) -> None:
    link, _ = links.issue(desk, person="kim", revision=office.revision, stage="comms")
    deciding.through_link(desk, link, Decision.APPROVE, note="")
    assert office.json("people", "revoke", "kim")["links"] == 0
    office.clock.move(hours=25)
    for known in (link, fresh(desk, link)):
        deciding.through_link(desk, known, Decision.APPROVE, note="")
    assert said(office) == ["approve"]


# --- who is not here


def staying(office: Office, person: str, dates: str) -> None:
    """Write into a person's line when they left or join, and adopt it."""
    path = office.folder / "people.yaml"
    text, count = re.subn(rf"(\{{id: {person},)", rf"\1 {dates},", path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    office.run("adopt", "people")


def addresses(office: Office) -> list[tuple[str, str]]:
    """Every method and address of the whole app, with values for what varies."""
    app = office.app()
    request = office.request()
    parts = {"revision": office.revision, "request": request["request"], "token": "x",
             "draft": office.draft, "name": "none", "question": "0" * 32}  # fmt: skip
    found = []
    for route in create_app(app.workspace, app.pages()).routes:
        if isinstance(route, Route) and not route.path.startswith("/static/"):
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: parts.get(m[1], "none"), route.path)
            found += [(method, path) for method in route.methods or ()]
    return sorted(found)


OPEN = ("/signin", "/link/", "/health/", "/signout")
"""Addresses that ask for no sign-in; what they show is about nobody, or bound to a link."""


@pytest.mark.parametrize("dates", ["left: 2026-11-01", "joined: 2026-12-01"])
def test_nobody_who_is_not_here_reads_any_page_behind_the_sign_in(
    office: Office, site: str, browser: Callable[[], Visitor], dates: str
) -> None:
    kim = browser()
    kim.sign_in(office.link("kim"))
    form = hidden(kim.get(f"/requests/{office.revision}").text)
    behind = [(m, p) for m, p in addresses(office) if not p.startswith(OPEN)]
    assert {"/inbox", "/signoff", "/experiments", f"/requests/{office.revision}"} <= {
        path for _, path in behind
    }
    assert {kim.get(p).status_code for m, p in behind if m == "GET"} <= {200, 404}
    cookie = dict(kim.client.cookies)
    staying(office, "kim", dates)
    db = office.workspace().db
    for method, path in behind:
        with db.write() as conn:  # as if this were the first visit since
            conn.execute("UPDATE web_session SET revoked_at = NULL")
        with httpx2.Client(base_url=site, cookies=cookie, timeout=20) as client:
            answer = client.request(method, path, data=form if method == "POST" else None,
                                    headers=BROWSER)  # fmt: skip
            assert answer.status_code == 403, (method, path)
            assert client.request(method, path, headers=BROWSER).status_code in {401, 400, 403}
            if method == "GET":
                assert "Northgate" not in answer.text
                assert client.get(path).status_code == 401  # and the session is over
    assert office.json("people", "sessions") == []
    assert said(office) == []


def test_nobody_reads_a_page_behind_the_sign_in_without_one(office: Office, site: str) -> None:
    with httpx2.Client(base_url=site, timeout=20) as client:
        for method, path in addresses(office):
            if not path.startswith(OPEN) and method == "GET":
                assert client.get(path).status_code == 401, path


def test_adopting_that_somebody_left_ends_their_sessions_and_links_at_once(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, rosa = browser(), browser()
    kim.sign_in(office.link("kim"))
    rosa.sign_in(office.link("rosa"))
    staying(office, "kim", "left: 2026-11-01")
    assert [s["person"] for s in office.json("people", "sessions")] == ["rosa"]
    assert kim.get("/inbox").status_code == 401
    assert rosa.get("/inbox").status_code == 200


def test_who_leaves_on_a_later_day_reads_until_then(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim = browser()
    kim.sign_in(office.link("kim"))
    staying(office, "kim", "left: 2026-11-06")
    assert kim.get("/inbox").status_code == 200
    office.clock.move(days=5)
    answer = kim.get("/inbox")
    assert answer.status_code == 403
    assert "no longer in the list of people" in answer.text
    assert kim.get("/inbox").status_code == 401


# --- redirects


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/inbox/", "/inbox"),
        ("/inbox//", "/inbox"),
        ("//inbox/", "/inbox"),
        ("/signoff/?a=1", "/signoff?a=1"),
        ("/requests/a%2F%5Cb/", ""),
        ("//evil.example/", ""),
        ("/%5Cevil.example/", ""),
        ("/nothing/", ""),
    ],
)
def test_no_redirect_names_the_host_that_the_visitor_sent(site: str, path: str, to: str) -> None:
    with httpx2.Client(timeout=20) as client:
        answer = client.get(f"{site}{path}", headers={"Host": "evil.example"})
        assert answer.headers.get("location", "") == to
        assert answer.status_code == (307 if to else 404)
        assert "evil" not in json.dumps(dict(answer.headers))


# --- two windows


def test_a_stale_window_does_not_lift_a_block_in_silence(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    stale = kim.get(path).text
    office.clock.move(minutes=5)
    kim.send(path, decision="block", note="we are in talks")
    office.clock.move(minutes=5)
    asked = kim.send(path, stale, decision="approve", note="go")
    assert asked.status_code == 409
    assert "You blocked this in another window (2 Nov 2026 09:05 EST)" in asked.text
    assert "To approve lifts your block: choose again if you mean it." in asked.text
    assert "It lifts your block." in asked.text  # beside the button as well
    assert ">go</textarea>" in asked.text
    assert office.request()["state"] == "blocked"
    assert said(office) == ["block"]
    done = kim.send(path, asked.text, decision="approve")
    assert done.status_code == 200
    assert said(office) == ["block", "approve"]
    assert office.request()["state"] == "cleared"


def test_a_link_that_was_opened_before_a_block_asks_again_and_can_still_be_used(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), office.decide_link("kim")
    stale = kim.get(path).text
    office.run("signoff", "block", office.revision, "-m", "we are in talks", person="kim")
    asked = kim.send(path, stale, decision="approve")
    assert asked.status_code == 409
    assert "You blocked this elsewhere" in asked.text
    assert said(office) == ["block"]
    assert kim.send(path, asked.text, decision="approve").status_code == 200
    assert said(office) == ["block", "approve"]


@pytest.mark.parametrize("heard", ["", "x", "-1", "9" * 5000, "²"])
def test_a_form_that_does_not_say_what_it_showed_counts_as_the_oldest(
    office: Office, browser: Callable[[], Visitor], heard: str
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    kim.send(path, decision="block", note="no")
    assert kim.send(path, decision="approve", heard=heard).status_code == 409
    assert said(office) == ["block"]


def test_what_others_said_meanwhile_asks_nobody_again(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    page = kim.get(path).text
    office.run("signoff", "comment", office.draft, "-m", "nice", person="jo")
    assert kim.send(path, page, decision="approve").status_code == 200


def test_the_command_line_says_that_a_block_is_lifted(office: Office) -> None:
    office.run("signoff", "block", office.revision, "-m", "we are in talks", person="kim")
    told = office.run("signoff", "approve", office.revision, person="kim")
    assert told.startswith("recorded; it lifts your block of 2 Nov 2026 09:00 EST")
    assert office.json("signoff", "approve", office.revision, person="kim")["lifted"] is None
    office.run("signoff", "return", office.revision, "-m", "name the bill", person="kim")
    told = office.run("signoff", "block", office.revision, "-m", "no", person="kim")
    assert "it lifts your return" in told
