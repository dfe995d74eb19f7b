"""Feeds that mean harm or are broken, through the tick: each is told, the others never notice."""

from __future__ import annotations

import gzip
import time
from datetime import timedelta

import pytest

import cli
from responders.services.poll import add, poll
from responders.store import archive, drafts
from testkit.kernel.workspace import Workspace
from tests.feed_world import FeedWorld, send

pytestmark = pytest.mark.faults

RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title>%s</channel></rss>'


@pytest.fixture
def world():
    with FeedWorld() as opened:
        yield opened


@pytest.fixture
def newsroom(shell, world):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    world.outlet("Good Paper").publish("All is well in town", shell.clock())
    return shell


def rss(items: bytes, *, title: bytes = b"T") -> bytes:
    return RSS % (title, items)


def comment_bomb(handler):
    send(
        handler,
        rss(
            b"<item><title>x</title><description>" + b"&lt;!--" * 60_000 + b"</description></item>"
        ),
    )


def billion_laughs(handler):
    levels = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    send(
        handler,
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">' + levels
        + b"]><rss><channel><title>&l9;</title></channel></rss>",
    )  # fmt: skip


def gzip_bomb(handler):
    send(handler, gzip.compress(bytes(60_000_000)), Content_Encoding="gzip")


def many_items(handler):
    items = b"".join(b"<item><title>%d</title></item>" % n for n in range(200_000))
    send(handler, gzip.compress(rss(items)), Content_Encoding="gzip")


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Connection", "close")
    handler.end_headers()
    while True:
        handler.wfile.write(b"<item>" * 10_000)


def nested(handler):
    send(handler, rss(b"<item><description>" + b"<div>" * 100_000 + b"</description></item>"))


def inside(handler):
    send(handler, b"", status=302, Location="http://10.0.0.1/feed")


def metadata(handler):
    send(handler, b"", status=301, Location="http://169.254.169.254/latest/meta-data/")


def file_address(handler):
    send(handler, b"", status=302, Location="file:///etc/passwd")


HOSTILE = {
    comment_bomb: "",
    billion_laughs: "",
    gzip_bomb: "times its size",
    many_items: "200,000 items",
    endless: "more than 5 MB",
    nested: "",
    inside: "10.0.0.1 is not a public address",
    metadata: "169.254.169.254 is not a public address",
    file_address: "is not a web address",
}


def test_hostile_feeds_end_in_a_finding_in_time_and_the_others_never_notice(newsroom, world):
    for page in HOSTILE:
        world.pages[f"/{page.__name__}"] = page
    hostile = [world.url(path) for path in world.pages]
    newsroom.ok("feed", "add", "--no-ask", *hostile, *world.addresses())
    begun = time.monotonic()
    ticked = newsroom.json("tick")
    # Nine documents, two readers, five seconds each at most, on a machine that does other things.
    assert time.monotonic() - begun < 45
    assert ticked["asked"] == len(HOSTILE) + 1
    titles = [s["title"] for s in newsroom.json("story", "list", "-n", "5000")]
    assert "All is well in town" in titles
    for page, words in HOSTILE.items():
        told = newsroom.json("feed", "why", world.url(f"/{page.__name__}"))
        (fetch,) = told["fetches"]
        steps = " | ".join(fetch["steps"])
        assert fetch["problem"] or "read as" in steps, page
        assert words in f"{fetch['problem']} {steps}", (page, steps)
        assert fetch["steps"][-1].startswith("next: ")
    # Every one of them is asked again, or says that waiting will not mend it.
    later = newsroom.json("feed", "list")
    assert all(feed["due_at"] for feed in later)


def workspace_of(newsroom, **settings: str) -> Workspace:
    return Workspace(
        newsroom.folder, schemas=cli.schemas(), clock=newsroom.clock, overrides=settings
    )


def test_a_name_that_changes_its_address_is_asked_for_once_and_the_vetted_one_is_used(
    newsroom, world
):
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    asked = []

    def resolver(host, port):
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    workspace = workspace_of(newsroom, **{"polling.allow_hosts": "[127.0.0.1]"})
    url = world.url("/good-paper", host="rebind.example")
    add(workspace, [(url, "", ())])
    assert poll(workspace, resolver=resolver).entries_new == 1
    assert asked == ["rebind.example"]
    newsroom.clock.move(hours=13)
    before = len(world.asked)
    again = poll(workspace, resolver=resolver)
    assert "169.254.169.254" in again.problems[0][1]
    assert len(world.asked) == before


def test_what_is_odd_about_entries_is_told_and_they_are_kept(newsroom, world):
    world.pages["/odd"] = lambda handler: send(
        handler,
        rss(
            b"<item><title>Tomorrow's news</title><guid>1</guid>"
            b"<pubDate>Fri, 01 Jan 2099 00:00:00 GMT</pubDate></item>"
            b"<item><title>One of two</title><guid>2</guid>"
            b"<link>https://odd.example/a</link></item>"
            b"<item><title>Two of two, and another matter</title><guid>2</guid>"
            b"<link>https://odd.example/b</link></item>"
        ),
    )
    newsroom.ok("feed", "add", world.url("/odd"))
    assert newsroom.json("tick")["entries_new"] == 3
    (fetch,) = newsroom.json("feed", "why", world.url("/odd"))["fetches"]
    steps = " | ".join(fetch["steps"])
    assert "lies in the future" in steps
    assert "items share an identifier" in steps
    stories = [newsroom.json("story", "show", s["story"]) for s in newsroom.json("story", "list")]
    published = [entry["published"] for story in stories for entry in story["entries"]]
    assert published == [None, None, None]  # a date in the future is no date


def test_a_feed_that_changes_its_language_and_encoding_stays_the_same_feed(newsroom, world):
    page = {
        "now": rss(b"<language>en</language><item><title>Rents rise</title><guid>1</guid></item>")
    }
    world.pages["/both"] = lambda handler: send(handler, page["now"])
    newsroom.ok("feed", "add", world.url("/both"))
    assert newsroom.json("tick")["entries_new"] == 1
    page["now"] = (
        '<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><title>T</title>'
        "<language>es</language><item><title>Sube el alquiler en España</title><guid>2</guid>"
        "</item><item><title>Rents rise</title><guid>1</guid></item></channel></rss>"
    ).encode("latin-1")
    newsroom.clock.move(hours=13)
    again = newsroom.json("tick")
    assert (again["entries_new"], again["revised"]) == (1, 0)
    (fetch, *_) = newsroom.json("feed", "why", world.url("/both"))["fetches"]
    assert "its language was 'en' and is 'es' now" in fetch["steps"]
    assert "Sube el alquiler en España" in [s["title"] for s in newsroom.json("story", "list")]
    workspace = workspace_of(newsroom)
    with workspace.archive.read() as conn:
        assert archive.feed(conn, world.url("/both")).language == "es"


def test_a_document_that_breaks_off_is_ailing_and_its_rest_comes_with_the_next_poll(
    newsroom, world
):
    whole = rss(
        b"<item><title>First of the day</title><guid>1</guid></item>"
        b"<item><title>Second, which is longer</title><guid>2</guid></item>"
    )
    page = {"now": whole[: whole.index(b", which")]}
    world.pages["/short"] = lambda handler: send(handler, page["now"], ETag='"same"')
    newsroom.ok("feed", "add", world.url("/short"))
    first = newsroom.json("tick")
    assert first["entries_new"] == 1
    assert ["breaks off" in p["problem"] for p in first["problems"]] == [True]
    (listed,) = newsroom.json("feed", "list")
    assert (listed["health"], "breaks off" in listed["words"]) == ("ailing", True)
    page["now"] = whole
    newsroom.clock.move(hours=13)
    assert newsroom.json("tick")["entries_new"] == 1
    (listed,) = newsroom.json("feed", "list")
    assert listed["health"] == "well"


def test_a_permanent_redirect_rewrites_the_address_after_three_polls_over_a_day(newsroom, world):
    world.pages["/old"] = lambda handler: send(
        handler, b"", status=301, Location=world.url("/good-paper")
    )
    newsroom.ok("feed", "add", world.url("/old"))
    for _ in range(2):
        assert newsroom.json("tick")["moved"] == []
        newsroom.clock.move(hours=12, minutes=1)
    moved = newsroom.json("tick")["moved"]
    assert [m["url"] for m in moved] == [world.url("/good-paper")]
    told = newsroom.json("feed", "why", world.url("/good-paper"))
    assert [a["url"] for a in told["addresses_before"]] == [world.url("/old")]
    newsroom.clock.move(hours=13)
    world.asked.clear()
    assert newsroom.json("tick")["entries_new"] == 0  # its entries are known under its new address
    assert world.asked == ["/good-paper"]


def test_a_feed_that_moves_to_one_that_is_watched_is_retired(newsroom, world):
    world.pages["/old"] = lambda handler: send(
        handler, b"", status=308, Location=world.url("/good-paper")
    )
    newsroom.ok("feed", "add", world.url("/old"), world.url("/good-paper"))
    for _ in range(4):
        newsroom.json("tick")
        newsroom.clock.move(hours=12, minutes=1)
    health = {f["url"]: (f["health"], f["words"]) for f in newsroom.json("feed", "list")}
    assert health[world.url("/good-paper")][0] == "well"
    state, words = health[world.url("/old")]
    assert (state, "watched already" in words) == ("retired", True)


def test_a_feed_removed_while_it_is_asked_stays_removed(newsroom, world):
    workspace = workspace_of(newsroom, **{"polling.allow_hosts": "[127.0.0.1]"})
    url = world.url("/slow")
    add(workspace, [(url, "", ())])

    def page(handler):
        with workspace.archive.write() as conn:
            archive.remove_feed(conn, archive.feed(conn, url).id)
        send(handler, rss(b"<item><title>Late</title></item>"))

    world.pages["/slow"] = page
    assert poll(workspace).entries_new == 1
    with workspace.archive.read() as conn:
        assert archive.feed(conn, url).due_at is None


NAMES_TWO = (
    b'<!doctype html><html><head><link rel="alternate" type="application/rss+xml"'
    b' href="/comments"  title="Comments"><link rel="alternate" title="News"'
    b' type="application/rss+xml" href="/good-paper"></head><body>Hi</body></html>'
)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (NAMES_TWO, "/good-paper"),
        (b"<!doctype html><html><body>no feed is named here</body></html>", "/rss.xml"),
    ],
)
def test_a_site_is_asked_for_its_feed(newsroom, world, page, expected):
    world.pages["/"] = lambda handler: send(handler, page, Content_Type="text/html")
    world.pages["/rss.xml"] = lambda handler: send(handler, rss(b"<item><title>x</title></item>"))
    done = newsroom.json("feed", "add", world.url("/"))
    assert done["added"] == [world.url(expected)]
    assert done["notes"]


def test_an_address_that_does_not_answer_is_not_called_watched(newsroom, world):
    url = world.url("/nothing")
    done = newsroom.json("feed", "add", url)
    assert done["added"] == [url]
    assert "404" in done["unreadable"][url]
    newsroom.ok("feed", "remove", url)
    said = newsroom.ok("feed", "add", url).out
    assert f"watching {url}" not in said
    assert f"nothing could be read at {url}: " in said
    assert "404" in said
    assert "the next tick asks again" in said
    assert f"whistlestop feed remove {url}" in said


def test_old_entries_of_a_first_document_make_no_story_with_the_news(newsroom, world):
    title = "Nurses at Mercy Hospital vote to strike over staffing"
    words = ("The union says that talks have failed", "Management calls the vote regrettable")
    for name, days, summary in (("Now", 0, words[0]), ("Then", 30, words[1])):
        at = newsroom.clock() - timedelta(days=days)
        world.outlet(name).publish(title, at, summary=summary)
    newsroom.ok("feed", "add", *world.addresses())
    newsroom.json("tick")
    assert [len(s["outlets"]) for s in newsroom.json("story", "list") if s["title"] == title] == [
        1,
        1,
    ]


STRIKE = {
    "First Paper": "Nurses at Mercy Hospital vote to strike over staffing",
    "Second Paper": "Mercy Hospital nurses vote to strike over staffing levels",
}


def test_a_feed_that_keeps_silent_holds_no_draft_up(newsroom, world):
    """The silent feed answers once the others' draft lies there; had it to be waited for, never."""
    for name, title in STRIKE.items():
        world.outlet(name).publish(title, newsroom.clock())
    waited = []

    def silent(handler):
        workspace = workspace_of(newsroom)
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with workspace.db.read() as conn:
                if drafts.listed(conn):
                    waited.append("a draft was there")
                    break
            time.sleep(0.05)
        send(handler, rss(b""))

    world.pages["/silent"] = silent
    newsroom.ok("feed", "add", "--no-ask", world.url("/silent"), *world.addresses())
    newsroom.json("tick")
    assert newsroom.json("draft", "list")
    assert waited == ["a draft was there"]
