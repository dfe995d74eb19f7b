"""The pages as a browser without JavaScript meets them, on a real server."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx2
import pytest
from itsdangerous import URLSafeSerializer

from tests.web_world import BROWSER, Office, Visitor, hidden, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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


def ledger(office: Office) -> list[str]:
    return [row["kind"] for row in office.json("ledger", "show", "-n", "100")]


def unsigned(path: str) -> list[str]:
    """What a link's token says, read without its signature."""
    payload: list[str] = URLSafeSerializer("").loads_unsafe(path.removeprefix("/link/"))[1]
    return payload


def everything(office: Office) -> str:
    """All that a request could have changed, as text."""
    tables = ("web_link", "web_session", "request_event", "ledger", "revision", "draft")
    db = office.workspace().db
    return json.dumps([db.rows(f"SELECT * FROM {name}") for name in tables], default=str)


def test_a_link_signs_in_and_the_inbox_leads_to_a_yes(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim = browser()
    inbox = kim.sign_in(office.link("kim"))
    assert inbox.url.path == "/inbox"
    assert "PRACTICE" in inbox.text
    path = re.search(r'href="(/requests/rev_[^"]+)"', inbox.text)
    assert path is not None
    page = kim.get(path[1]).text
    assert "Two outlets carry it" in page
    assert "Call &lt;today&gt;." in page
    assert "variant b" in page
    assert "They voted" in page
    assert "a placeholder address" in page
    assert "https://courier.example/1" in page
    assert "javascript:" not in page
    result = kim.send(path[1], page, decision="approve", note="fine <b>")
    assert result.status_code == 200
    assert "your decision is on record: <strong>approve</strong>" in result.text
    assert "fine &lt;b&gt;" in result.text
    (said,) = office.request()["signoffs"]
    assert (said["who"], said["decision"], said["stage"]) == ("kim", "approve", "comms")
    row = office.json("ledger", "show", "-n", "1")[0]
    assert (row["actor"], row["via"], row["auth"]) == ("kim", "web", "session")


def test_a_decision_link_decides_without_signing_in(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), office.decide_link("kim")
    result = kim.send(path, decision="approve_with_nits", note="a comma")
    assert "approve with nits" in result.text
    assert not kim.client.cookies
    row = office.json("ledger", "show", "-n", "1")[0]
    assert (row["actor"], row["via"], row["auth"]) == ("kim", "web", "link")
    assert kim.get("/inbox").status_code == 401


def test_a_mail_scanner_changes_nothing_and_burns_no_link(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    paths = [office.link("kim"), office.decide_link("kim")]
    before, scanner = everything(office), browser()
    for path in paths:
        for _ in range(3):
            assert scanner.get(path).status_code == 200
        assert scanner.client.head(path).status_code == 200
    assert everything(office) == before
    kim = browser()
    assert kim.sign_in(paths[0]).url.path == "/inbox"
    assert kim.send(paths[1], decision="approve").status_code == 200


@pytest.mark.parametrize("decision", ["approve", "return", "block"])
def test_a_replayed_form_of_a_link_decides_once(
    office: Office, browser: Callable[[], Visitor], decision: str
) -> None:
    kim, path = browser(), office.decide_link("kim")
    page = kim.get(path).text
    answers = [kim.send(path, page, decision=decision, note="because") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 200]
    assert ledger(office).count(f"signoff.{decision}") == 1
    other = kim.send(path, page, decision="withdraw")
    assert other.status_code == 409
    assert f"used before, to {decision}" in other.text


def test_an_old_form_of_a_link_does_not_revive_a_yes_that_was_taken_back(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), office.decide_link("kim")
    page = kim.get(path).text
    kim.send(path, page, decision="approve")
    office.run("signoff", "withdraw", office.revision, person="kim")
    assert kim.send(path, page, decision="approve").status_code == 200
    assert office.request()["stages"][1]["have"] == 0
    assert ledger(office).count("signoff.approve") == 1


def test_ten_tabs_that_send_at_once_give_one_decision(office: Office, site: str) -> None:
    path = office.decide_link("kim")
    with visitor(site) as kim:
        fields = {**hidden(kim.get(path).text), "decision": "approve"}

    def send(_: int) -> int:
        with httpx2.Client(base_url=site, timeout=30) as client:
            return client.post(path, data=fields, headers=BROWSER).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(10))) == {303}
    assert ledger(office).count("signoff.approve") == 1


@pytest.mark.parametrize("decision", ["approve", "withdraw"])
def test_a_form_sent_twice_in_a_session_is_taken_once(
    office: Office, browser: Callable[[], Visitor], decision: str
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    if decision == "withdraw":
        kim.send(path, decision="approve")
    page = kim.get(path).text
    for _ in range(2):
        assert kim.send(path, page, decision=decision).status_code == 200
    assert ledger(office).count(f"signoff.{decision}") == 1


def test_a_link_opened_after_the_decision_says_by_whom_and_when(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    alex, path = browser(), office.decide_link("alex")
    before = alex.get(path).text
    browser().send(office.decide_link("kim"), decision="approve")
    late = "already decided by Kim (comms lead) at 2 Nov 2026 09:00 EST"
    page = alex.get(path).text
    assert late in page
    assert 'value="approve"' not in page
    refused = alex.send(path, before, decision="approve")
    assert refused.status_code == 409
    assert late in refused.text
    assert f'href="{path}"' in refused.text
    assert alex.send(path, page, decision="block", note="we are in talks").status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_a_form_from_another_site_changes_nothing(
    office: Office, browser: Callable[[], Visitor], headers: dict[str, str], allowed: bool
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    fields = {**hidden(kim.get(path).text), "decision": "approve"}
    answer = kim.client.post(path, data=fields, headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert bool(office.request()["signoffs"]) is allowed


def test_a_form_needs_the_token_of_its_own_session(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, rosa, path = browser(), browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    rosa.sign_in(office.link("rosa"))
    of_rosa = hidden(rosa.get(path).text)["token"]
    assert kim.send(path, decision="approve", token=of_rosa).status_code == 403
    assert kim.send(path, decision="approve", token="").status_code == 403
    assert kim.send("/signout", kim.get("/inbox").text, token="x").status_code == 403
    assert office.request()["signoffs"] == []


def test_links_and_sessions_end(office: Office, browser: Callable[[], Visitor]) -> None:
    kim, sign_in, decide = browser(), office.link("kim"), office.decide_link("kim")
    kim.sign_in(office.link("kim"))
    page = kim.get(decide).text
    office.clock.move(minutes=59)
    assert kim.get(sign_in).status_code == 200
    office.clock.move(minutes=1)
    gone = kim.get(sign_in)
    assert gone.status_code == 410
    assert "This link expired 2 Nov 2026 10:00 EST" in gone.text
    office.clock.move(hours=24)
    assert kim.get(decide).status_code == 410
    assert kim.send(decide, page, decision="approve").status_code == 410
    assert kim.get("/inbox").status_code == 200
    office.clock.move(days=13)
    assert kim.get("/inbox").status_code == 401


def test_a_sign_in_link_works_once(office: Office, browser: Callable[[], Visitor]) -> None:
    kim, thief, path = browser(), browser(), office.link("kim")
    page = kim.get(path).text
    assert kim.send(path, page).url.path == "/inbox"
    assert kim.send(path, page).url.path == "/inbox"  # the same tap twice
    again = thief.send(path, page)
    assert again.status_code == 410
    assert "works once" in again.text
    assert thief.get("/inbox").status_code == 401


def test_revoking_signs_out_and_takes_links_back(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim = browser()
    kim.sign_in(office.link("kim"))
    unused = office.link("kim")
    page = kim.get(f"/requests/{office.revision}").text
    done = office.json("people", "revoke", "kim")
    assert (done["sessions"], done["links"]) == (1, 1)
    assert kim.get("/inbox").status_code == 401
    late = kim.send(f"/requests/{office.revision}", page, decision="approve")
    assert late.status_code == 401
    assert kim.get(unused).status_code == 410
    assert office.request()["signoffs"] == []
    assert office.json("people", "sessions") == []


def test_signing_out_ends_this_browser_alone(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    phone, laptop = browser(), browser()
    phone.sign_in(office.link("kim"))
    laptop.sign_in(office.link("kim"))
    cookie = dict(phone.client.cookies)
    inbox = phone.get("/inbox").text
    assert phone.send("/signout", inbox).url.path == "/signin"
    phone.client.cookies.update(cookie)  # a stolen copy of the cookie is worth nothing
    assert phone.get("/inbox").status_code == 401
    assert laptop.get("/inbox").status_code == 200


def test_a_person_who_left_can_do_nothing(office: Office, browser: Callable[[], Visitor]) -> None:
    kim, decide = browser(), office.decide_link("kim")
    kim.sign_in(office.link("kim"))
    page = kim.get(decide).text
    config = office.folder / "people.yaml"
    kept = [line for line in config.read_text().splitlines() if "id: kim" not in line]
    config.write_text("\n".join(kept) + "\n")
    office.run("adopt", "people")
    assert kim.get("/inbox").status_code == 401
    for answer in (kim.get(decide), kim.send(decide, page, decision="approve")):
        assert answer.status_code == 403
        assert "no longer in the list of people" in answer.text
    assert office.request()["signoffs"] == []


def test_words_that_changed_cannot_be_approved_by_an_old_link(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, decide = browser(), office.decide_link("kim")
    page = kim.get(decide).text
    old = office.revision
    edited = (
        "--channel",
        "sms",
        "--variant",
        "a",
        "--body",
        "Call 555 0100 now. Reply STOP to end",
    )
    office.revision = office.json("draft", "edit", office.draft, *edited, person="sam")["revision"]
    for answer in (kim.get(decide), kim.send(decide, page, decision="approve")):
        assert answer.status_code == 409
        assert "words were changed" in answer.text
    kim.sign_in(office.link("kim"))
    stale = kim.get(f"/requests/{old}")
    assert stale.status_code == 409
    assert f"/requests/{office.revision}" in stale.text
    assert office.request()["signoffs"] == []


def test_a_link_is_bound_to_person_stage_and_revision(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    path = office.decide_link("kim")
    token = path.removeprefix("/link/")
    nonce, *bound = unsigned(path)
    assert bound[:3] == ["kim", "comms", office.revision]
    forged = URLSafeSerializer("guess").dumps([nonce, "rosa", *bound[1:]])
    stranger = browser()
    for bad in (forged, token[:-1], token[:-40], "x", token.upper()):
        answer = stranger.get(f"/link/{bad}")
        assert answer.status_code == 404
        assert "No link" in answer.text


@pytest.mark.parametrize("column", ["person", "stage", "revision", "expires_at"])
def test_a_link_whose_row_was_rewritten_opens_nothing(
    office: Office, browser: Callable[[], Visitor], column: str
) -> None:
    path, kim = office.decide_link("kim"), browser()
    assert kim.get(path).status_code == 200
    with office.workspace().db.write() as conn:
        conn.execute(f"UPDATE web_link SET {column} = 'rosa' WHERE person = 'kim'")
    assert kim.get(path).status_code == 404


def test_what_is_stored_does_not_open_the_door(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), office.link("kim")
    kim.sign_in(path)
    (cookie,) = kim.client.cookies.values()
    raw = b"".join(p.read_bytes() for p in office.folder.glob("workspace.db*"))
    nonce = unsigned(path)[0]
    assert len(cookie) >= 40
    assert len(nonce) >= 40
    assert cookie.encode() not in raw
    assert nonce.encode() not in raw


def test_a_return_without_a_reason_comes_back_with_the_page(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    answer = kim.send(path, decision="return", note="  ")
    assert answer.status_code == 400
    assert "say what has to change" in answer.text
    assert 'value="return"' in answer.text
    assert kim.send(path, decision="maybe").status_code == 400
    assert office.request()["signoffs"] == []


def test_every_answer_carries_the_headers(office: Office, browser: Callable[[], Visitor]) -> None:
    kim = browser()
    kim.sign_in(office.link("kim"))
    for path in ("/inbox", "/nothing", "/link/x", "/static/style.css", "/static/nothing"):
        head = kim.get(path).headers
        assert head["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "frame-ancestors 'none'" in head["content-security-policy"]
        assert head["x-content-type-options"] == "nosniff"
        assert head["referrer-policy"] == "same-origin"
        assert "server" not in head
        assert head["cache-control"] == (
            "public, max-age=300" if path == "/static/style.css" else "no-store"
        )
    signed = kim.client.post(office.link("kim"), headers=BROWSER, follow_redirects=False)
    assert signed.status_code == 400  # no form at all
    path = office.link("rosa")
    answer = kim.client.post(
        path, data=hidden(kim.get(path).text), headers=BROWSER, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_form_that_is_too_large_is_refused_unread(office: Office, site: str) -> None:
    path = office.link("kim")
    with visitor(site) as kim:
        fields = hidden(kim.get(path).text)
        assert (
            kim.client.post(
                path, data={**fields, "note": "x" * 70_000}, headers=BROWSER
            ).status_code
            == 413
        )
        json_body = kim.client.post(path, json=fields, headers=BROWSER)
        assert json_body.status_code == 400
        assert kim.get(path).status_code == 200


def test_pages_of_experiments_show_what_is_recorded_and_take_no_look(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    run = office.run
    run("example", "play", "karlan-list-2007")
    run("experiment", "lock", "karlan-list-2007")
    folder = office.folder / "experiments" / "karlan-list-2007"
    run("experiment", "intake", "karlan-list-2007", str(folder / "batch-1.csv"),
        "--sent-at", "9 days ago")  # fmt: skip
    kim = browser()
    assert kim.get("/experiments").status_code == 401
    kim.sign_in(office.link("kim"))
    before = everything(office)
    assert "/experiments/karlan-list-2007" in kim.get("/experiments").text
    page = kim.get("/experiments/karlan-list-2007")
    assert "Nothing has been looked at yet." in page.text
    assert "style=" not in page.text
    assert kim.get("/static/report.css").headers["content-type"].startswith("text/css")
    assert kim.get("/experiments/none").status_code == 404
    asked = kim.get("/experiments/karlan-list-2007/brief")
    assert (asked.status_code, "What we ask you" in asked.text) == (200, True)
    assert everything(office) == before


def test_an_error_of_ours_is_a_plain_page_and_keeps_its_reason_for_the_log(
    office: Office,
    browser: Callable[[], Visitor],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    kim, path = browser(), office.link("kim")
    kim.sign_in(path)
    monkeypatch.setattr("testkit.web.desk.waiting.inbox", broken)
    answer = kim.get("/inbox")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "secret detail" in caplog.text
    assert path.removeprefix("/link/") not in caplog.text


def test_serve_refuses_a_synced_folder_and_a_taken_port(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = office.run("serve", "--port", str(taken.getsockname()[1]), code=2)
    assert "--port" in said
    synced = office.folder.parent / "Dropbox" / "team"
    synced.parent.mkdir()
    office.folder = office.folder.rename(synced)
    assert "synced" in office.run("serve", "--port", "0", code=3)


def test_a_workspace_that_cannot_be_read_is_our_trouble_not_the_visitors(
    office: Office, browser: Callable[[], Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    kim = browser()
    kim.sign_in(office.link("kim"))
    config = office.folder / "whistlestop.yaml"
    config.write_text(config.read_text().replace("organisation:", "organization:"))
    answer = kim.get("/inbox")
    assert answer.status_code == 500
    assert "organization" not in answer.text
    assert "organization" in caplog.text


def test_a_person_with_seats_in_two_stages_says_yes_to_each(
    office: Office, browser: Callable[[], Visitor]
) -> None:
    config = office.folder / "people.yaml"
    config.write_text(config.read_text().replace("roles: [comms_lead]", "roles: [comms_lead, ed]"))
    office.run("adopt", "people")
    office.draft = "draft_2"
    office.raise_draft(risk="high", story="story_2")
    office.submit()
    kim, path = browser(), f"/requests/{office.revision}"
    kim.sign_in(office.link("kim"))
    for stage in ("comms", "exec"):
        assert f'name="stage-approve" value="{stage}"' in kim.get(path).text
        kim.send(path, decision="approve")
    assert [s["stage"] for s in office.request()["signoffs"]] == ["comms", "exec"]
    assert office.request()["state"] == "cleared"
