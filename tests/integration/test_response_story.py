"""A response from feeds on loopback to its release and its experiment, through the command line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from responders.demo import serve
from testkit.errors import StateError
from testkit.kernel.sqlite import Database
from testkit.signoff.model import Decision


@pytest.fixture
def newsroom(shell):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", *addresses)
        yield shell


@pytest.fixture
def draft(newsroom):
    raised = newsroom.json("tick")["drafts"]
    assert len(raised) == 1
    return raised[0]["draft"]


@pytest.fixture
def review(newsroom, draft):
    return newsroom.json("draft", "submit", draft, "--no-candidate", person="sam")


def test_three_outlets_make_one_story_and_one_draft_with_its_reason(newsroom, draft):
    stories = newsroom.json("story", "list", "--matched")
    assert len(stories) == 1
    assert sorted(stories[0]["outlets"]) == [
        "Millbrook Daily", "Radio Four Rivers", "The Harbor Courier",
    ]  # fmt: skip
    shown = newsroom.json("draft", "show", draft)
    assert shown["issue"] == "labor"
    assert "strike" in shown["reason"]
    assert "3 outlets" in shown["reason"]
    assert set(shown["content"]["arms"]) == {"email", "post", "sms"}
    for variants in shown["content"]["arms"].values():
        assert set(variants) == {"a", "b"}
        assert variants["a"] != variants["b"]


def test_a_sports_headline_with_the_same_word_is_not_matched(newsroom, draft):
    titles = {s["title"]: s["issues"] for s in newsroom.json("story", "list")}
    mudhens = [t for t in titles if "Mudhens" in t]
    assert mudhens
    assert titles[mudhens[0]] == []


def test_ticking_again_asks_nobody_too_soon_and_doubles_nothing(newsroom, draft):
    again = newsroom.json("tick")
    assert (again["asked"], again["drafts"]) == (0, [])
    newsroom.clock.move(hours=13)
    later = newsroom.json("tick")
    assert later["asked"] == 4
    assert (later["entries_new"], later["drafts"]) == (0, [])
    fetches = newsroom.json("feed", "list")
    assert {f["health"] for f in fetches} == {"well"}
    why = newsroom.json("feed", "why", fetches[0]["url"])
    assert why["fetches"][0]["outcome"] == "unchanged"
    assert why["fetches"][0]["status"] == 304


def test_two_stages_sign_the_words_go_out_once_and_become_an_experiment(newsroom, draft, review):
    revision = review["revision"]
    assert review["waiting"] == "comms"
    assert len(newsroom.json("signoff", "inbox", person="kim")) == 1
    assert newsroom.json("signoff", "inbox", person="rosa") == []
    early = newsroom("release", draft, person="sam")
    assert (early.code, "comms" in early.err) == (3, True)
    newsroom.ok("signoff", "approve", revision, person="kim")
    done = newsroom.json("signoff", "approve", revision, person="rosa")
    assert done["state"] == "cleared"
    first = newsroom.json("release", draft, person="sam")
    again = newsroom.json("release", draft, person="sam")
    assert (first["new"], again["new"]) == (True, False)
    assert first["release"] == again["release"]
    pack = json.loads((newsroom.folder / first["files"][-1]).read_text(encoding="utf-8"))
    assert pack["fields"]["arms"] == review["fields"]["arms"]
    assert pack["material_digest"] == review["material_digest"]
    text = (newsroom.folder / first["files"][0]).read_text(encoding="utf-8")
    assert text.startswith("PRACTICE")
    bridged = newsroom.json(
        "bridge", first["release"], "--list-size", "40000", "--base-rate", "0.03"
    )
    locked = newsroom.json("experiment", "lock", bridged["experiment"])
    assert [a["name"] for a in locked["plan"]["arms"]] == ["a", "b"]
    assert (
        review["fields"]["arms"]["email"]["b"]["body"].rstrip() in locked["plan"]["arms"][1]["text"]
    )


def test_a_release_heals_a_folder_that_was_lost(newsroom, draft, review):
    for person in ("kim", "rosa"):
        newsroom.ok("signoff", "approve", review["revision"], person=person)
    first = newsroom.json("release", draft, person="sam")
    paths = [newsroom.folder / name for name in first["files"]]
    before = [p.read_bytes() for p in paths]
    for path in paths:
        path.unlink()
    newsroom.ok("release", draft, person="sam")
    assert [p.read_bytes() for p in paths] == before


def test_an_edit_voids_the_sign_offs_and_the_old_revision_is_refused(newsroom, draft, review):
    newsroom.ok("signoff", "approve", review["revision"], person="kim")
    edited = newsroom.json(
        "draft", "edit", draft, "--channel", "sms", "--variant", "a",
        "--body", "Stand with them tonight at six. Reply STOP to end", person="sam",
    )  # fmt: skip
    stale = newsroom("signoff", "approve", review["revision"], person="rosa")
    assert stale.code == 3
    now = newsroom.json("signoff", "show", edited["revision"])
    assert now["waiting"] == "comms"
    assert [s["standing"] for s in now["signoffs"]] == ["outdated"]
    for person in ("kim", "rosa"):
        newsroom.ok("signoff", "approve", edited["revision"], person=person)
    released = newsroom.json("release", draft, person="sam")
    sms = next(f for f in released["files"] if f.endswith("sms-a.txt"))
    assert "tonight at six" in (newsroom.folder / sms).read_text(encoding="utf-8")


def test_whoever_may_not_sign_is_told_with_exit_code_5(newsroom, review):
    for person in ("sam", "rosa"):  # the author; the executive before her turn
        result = newsroom("signoff", "approve", review["revision"], person=person)
        assert result.code in {3, 5}
    assert newsroom("signoff", "approve", review["revision"], person="sam").code == 5
    nobody = newsroom("signoff", "approve", review["revision"], person="kimm")
    assert (nobody.code, "did you mean kim" in nobody.err) == (4, True)


def test_a_return_comes_back_after_an_edit_and_a_block_stays(newsroom, draft, review):
    newsroom.ok("signoff", "return", review["revision"], "-m", "name the street", person="kim")
    assert newsroom("release", draft, person="sam").code == 3
    edited = newsroom.json(
        "draft", "edit", draft, "--channel", "post", "--variant", "b",
        "--body", "Workers at Northgate voted to strike. Stand with them at 12 Pier Road.",
        person="sam",
    )  # fmt: skip
    back = newsroom.json("signoff", "show", edited["revision"])
    assert back["state"] == "in_review"
    newsroom.ok("signoff", "approve", edited["revision"], person="kim")
    blocked = newsroom.json("signoff", "block", edited["revision"], "-m", "talks", person="rosa")
    assert blocked["state"] == "blocked"
    assert newsroom("release", draft, person="sam").code == 3
    lifted = newsroom.json("signoff", "withdraw", edited["revision"], person="rosa")
    assert lifted["state"] == "in_review"


def test_saying_the_same_twice_changes_nothing(newsroom, review):
    newsroom.ok("signoff", "approve", review["revision"], person="kim")
    head = newsroom.json("ledger", "verify")["head"]
    again = newsroom.json("signoff", "approve", review["revision"], person="kim")
    assert again["changed"] is False
    assert newsroom.json("ledger", "verify")["head"] == head


def test_of_two_who_decide_at_once_one_is_first_and_the_other_is_told(newsroom, review):
    """kim and alex both hold the one seat of the comms stage; twelve threads, one row."""
    import cli
    from testkit.kernel.ledger import Actor
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import sign

    told, barrier = [], threading.Barrier(12)

    def decide(person):
        workspace = Workspace(
            newsroom.folder, schemas=cli.schemas(), clock=newsroom.clock,
            actor=Actor(name=person, auth="none"),
        )  # fmt: skip
        barrier.wait()
        try:
            _, changed = sign(
                workspace, review["revision"], Decision.APPROVE, person=person, stage="comms"
            )
            told.append("first" if changed else "same")
        except StateError as cause:
            told.append(cause.message)

    threads = [threading.Thread(target=decide, args=(person,)) for person in ("kim", "alex") * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count("first") == 1
    others = [t for t in told if t not in {"first", "same"}]
    assert others
    assert all("already decided by" in t for t in others)
    rows = Database(newsroom.folder / "workspace.db").rows(
        "SELECT count(*) AS n FROM request_event WHERE kind = 'signed'"
    )
    assert rows == [{"n": 1}]


def test_a_request_expires_by_the_clock_and_cannot_go_out(newsroom, draft, review):
    newsroom.clock.move(hours=7)
    ticked = newsroom.json("tick")
    assert [c["kind"] for c in ticked["clocks"]] == ["expire"]
    assert newsroom.json("tick")["clocks"] == []
    late = newsroom("signoff", "approve", review["revision"], person="kim")
    assert (late.code, "expired" in late.err) == (3, True)
    again = newsroom.json("draft", "submit", draft, "--no-candidate", person="sam")
    assert again["new"] is True


def test_an_entry_whose_title_changes_is_revised_and_raises_no_second_draft(shell, tmp_path):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    title = {"now": "Nurses at Hill Hospital vote to strike"}
    feed = (
        '<rss version="2.0"><channel><title>One</title><item><title>{}</title>'
        "<guid>1</guid><link>https://one.example/1</link></item></channel></rss>"
    )
    with hosting(lambda: (200, "application/rss+xml", feed.format(title["now"]))) as address:
        shell.ok("feed", "add", address)
        assert shell.json("--set", "drafting.min_outlets=1", "tick")["drafts"]
        title["now"] = "Nurses at Hill Hospital vote to strike over staffing"
        shell.clock.move(hours=13)
        again = shell.json("--set", "drafting.min_outlets=1", "tick")
    assert (again["revised"], again["entries_new"], again["drafts"]) == (1, 0, [])


class hosting:  # noqa: N801 - reads as a verb
    """One page on loopback whose answer is computed at each request."""

    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, kind, body = answer()
                data = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/feed"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "body", "words"),
    [
        (200, "text/html", "<!doctype html><html><body><h1>Hi</h1></body></html>", "page"),
        (404, "text/plain", "no", "404"),
        (500, "text/plain", "no", "500"),
        (200, "application/xml", "<rss><channel><item>", ""),
    ],
)
def test_a_feed_that_is_none_is_told_and_the_others_never_notice(shell, status, kind, body, words):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with (
        hosting(lambda: (status, kind, body)) as bad,
        serve("first-light", now=shell.clock()) as good,
    ):
        shell.ok("feed", "add", bad, *good)
        ticked = shell.json("tick")
    assert ticked["entries_new"] == 7
    if words:
        assert [words in p["problem"] for p in ticked["problems"]] == [True], ticked["problems"]


def test_a_private_address_is_refused_unless_it_is_allowed(shell):
    with serve("first-light") as addresses:
        shell.ok("feed", "add", addresses[0])
        ticked = shell.json("tick")
    assert ticked["entries_new"] == 0
    assert "127.0.0.1" in ticked["problems"][0]["problem"]


def test_addresses_that_are_none_and_lists_that_are_none_are_refused(shell, tmp_path):
    assert shell("feed", "add", "ftp://example.org/feed").code == 2
    assert shell("feed", "add", "nowhere.opml").code == 2
    opml = tmp_path / "list.opml"
    opml.write_text(
        '<opml version="2.0"><body><outline text="News"><outline text="One"'
        ' xmlUrl="https://one.example/feed"/></outline></body></opml>'
    )
    assert shell.json("feed", "add", str(opml))["added"] == ["https://one.example/feed"]
    assert shell.json("feed", "add", str(opml))["known"] == ["https://one.example/feed"]
    shell.ok("feed", "export", str(tmp_path / "out.opml"))
    assert b"https://one.example/feed" in (tmp_path / "out.opml").read_bytes()


def test_only_adopted_text_counts(newsroom):
    path = newsroom.folder / "issues" / "labor.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("AND NOT (baseball", "AND NOT (northgate OR baseball"), "utf-8")
    status = {(s["kind"], s["name"]): s["state"] for s in newsroom.json("status")}
    assert status["issue", "labor"] == "changed"
    assert len(newsroom.json("tick")["drafts"]) == 1  # the adopted query still runs
    adopted = newsroom.json("adopt", "issues/labor.yaml")
    assert (adopted["version"], adopted["changed"]) == (2, True)
    assert newsroom.json("adopt", "labor")["changed"] is False


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("risk: medium", "risk: enormous", "IS"),
        ("query: >-", "qery: >-", "IS"),
        ('OR "walked out" OR', 'OR "walked out OR', "IS020"),
    ],
)  # fmt: skip
def test_an_issue_file_with_problems_is_not_adopted(shell, before, after, code):
    path = shell.folder / "issues" / "labor.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    head = shell.json("ledger", "verify")["head"]
    refused = shell("adopt", "issues/labor.yaml")
    assert (refused.code, code in refused.err) == (2, True), refused.err
    assert "issues/labor.yaml:" in refused.err
    assert shell.json("ledger", "verify")["head"] == head
