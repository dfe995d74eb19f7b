"""Issues that are louder than usual, through the command line and feeds on loopback."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from datetime import timedelta

import pytest

import cli
from testkit.kernel.console import App
from tests.conftest import MovableClock, Shell
from tests.feed_world import FeedWorld, Outlet
from tests.web_world import Office, serving, visitor

pytestmark = pytest.mark.faults

REPORTS = (
    "Nurses at Mercy Hospital vote to strike over staffing",
    "Mercy Hospital nurses to walk out; strike begins Monday",
    "Strike vote: Mercy Hospital faces walkout by 900 nurses",
    "What the Mercy Hospital nurses' strike means for patients",
    "Union of nurses at Mercy Hospital says strike is last resort",
)
QUIET_DAYS = 10
OUTLETS = ("Harbor Post", "Valley Times", "City Wire", "North Star", "Daily Bee")


@pytest.fixture(scope="module")
def listened(tmp_path_factory):
    """Five outlets with one strike story a day between them, watched for ten days; made once."""
    folder = tmp_path_factory.mktemp("newsroom") / "ws"
    clock = MovableClock()

    def command(*words: str) -> None:
        app = App(schemas=cli.schemas, kinds=cli.kinds, starter=cli.starter, clock=clock)
        with contextlib.redirect_stdout(io.StringIO()):
            assert cli.run(words, obj=app) == 0

    with FeedWorld() as world:
        command("init", str(folder), "--zone", "America/New_York")
        for number, name in enumerate(OUTLETS):
            old = clock() - timedelta(days=20)
            world.outlet(name).publish(f"The fair opens in district {number}", old)
        inside = ("-C", str(folder), "--set", "polling.allow_hosts=[127.0.0.1]")
        command(*inside, "feed", "add", *world.addresses())
        for day in range(QUIET_DAYS):
            outlet = world.outlet(OUTLETS[day % len(OUTLETS)])
            outlet.publish(f"Drivers {day} reach a contract with depot {day}", clock())
            command(*inside, "tick")
            clock.move(hours=25)
        yield world, folder, clock.moment


@pytest.fixture
def world(listened):
    opened = listened[0]
    before = {path: list(outlet.items) for path, outlet in opened.outlets.items()}
    yield opened
    opened.outlets = {
        path: Outlet(opened.outlets[path].name, items) for path, items in before.items()
    }


@pytest.fixture
def newsroom(listened, world, tmp_path, capsys):
    folder = tmp_path / "ws"
    shutil.copytree(listened[1], folder)
    made = Shell(folder=folder, clock=MovableClock(listened[2]), capsys=capsys)
    made.settings["polling.allow_hosts"] = "[127.0.0.1]"
    return made


def burst(shell, world, *, entries: int = 5, outlets: int = 5) -> None:
    for number in range(entries):
        outlet = world.outlet(OUTLETS[number % outlets])
        at = shell.clock() - timedelta(minutes=50 - 5 * number)
        outlet.publish(f"{REPORTS[number % 5]}{' (more)' * (number // 5)}", at)


def alarms_of(ticked, issue="labor"):
    return [a for a in ticked["alarms"] if a["issue"] == issue]


def test_five_outlets_within_an_hour_ring_once_with_the_reason(newsroom, world):
    burst(newsroom, world)
    (alarm,) = alarms_of(newsroom.json("tick"))
    assert sorted(alarm["owners"]) == sorted(OUTLETS)
    assert alarm["count"] == 5
    assert alarm["usual"] < 1
    assert alarm["p"] <= alarm["alpha"]
    assert alarm["budget"] == "about 1 a week"
    assert "5 entries from 5 outlets in 2 hours" in alarm["why"]
    assert "within an hour" in alarm["why"]
    assert dict(alarm["stories"][0]["spread"])[60] == 5
    newsroom.clock.move(minutes=15)
    assert newsroom.json("tick")["alarms"] == []
    listed = newsroom.json("alarm", "list", "--on")["alarms"]
    assert [a["id"] for a in listed] == [alarm["id"]]


def test_one_outlet_rings_no_alarm_however_much_it_writes(newsroom, world):
    burst(newsroom, world, entries=12, outlets=1)
    assert newsroom.json("tick")["alarms"] == []


def test_an_alarm_ends_after_two_calm_hours_and_can_ring_again(newsroom, world):
    burst(newsroom, world)
    assert alarms_of(newsroom.json("tick"))
    for _ in range(16):
        newsroom.clock.move(minutes=30)
        newsroom.json("tick")
    assert newsroom.json("alarm", "list", "--on")["alarms"] == []
    (ended,) = newsroom.json("alarm", "list")["alarms"]
    assert ended["ended_at"] is not None
    for number in range(5):
        world.outlet(OUTLETS[number]).publish(
            f"Teachers walk out in town {number}", newsroom.clock()
        )
    newsroom.clock.move(minutes=20)
    assert alarms_of(newsroom.json("tick"))


def test_feeds_that_carry_a_loud_issue_are_asked_at_the_floor(newsroom, world):
    burst(newsroom, world)
    newsroom.json("tick")
    due = [f["due_at"] for f in newsroom.json("feed", "list")]
    soon = (newsroom.clock() + timedelta(minutes=11)).isoformat()[:16]
    assert [at[:16] <= soon for at in due] == [True] * len(OUTLETS)


def test_a_snoozed_alarm_is_recorded_and_told_to_nobody(newsroom, world):
    newsroom.ok("alarm", "snooze", "labor", "--for", "2h", person="sam")
    burst(newsroom, world)
    ticked = newsroom.json("tick")
    assert (len(alarms_of(ticked)), ticked["tell"]) == (1, [])
    assert ticked["matches"]  # it decides who is told, and drops nothing
    digest = newsroom.json("alarm", "digest")
    assert [a["held"] for a in digest["held"]] == ["snoozed by sam"]
    undone = newsroom.json("alarm", "snooze", "labor", "--undo")
    assert undone["undone"] is True
    assert newsroom.json("tick")["tell"] == [alarms_of(ticked)[0]["id"]]
    assert newsroom.json("alarm", "snooze", "labor", "--undo")["undone"] is False


def test_a_snooze_ends_by_itself(newsroom, world):
    newsroom.ok("alarm", "snooze", "labor", "--for", "30m")
    burst(newsroom, world)
    assert newsroom.json("tick")["tell"] == []
    newsroom.clock.move(minutes=31)
    assert len(newsroom.json("tick")["tell"]) == 1


def test_in_quiet_hours_nobody_is_told_and_the_digest_says_so(newsroom, world):
    # 10 days of 25 hours after 9:00 in New York is 19:00.
    newsroom.settings["alarms.quiet"] = "'18:30-07:00'"
    burst(newsroom, world)
    ticked = newsroom.json("tick")
    assert (len(ticked["alarms"]), ticked["tell"]) == (1, [])
    (held,) = newsroom.json("alarm", "digest")["held"]
    assert held["held"] == "quiet hours"


@pytest.mark.parametrize(("words", "alpha"), [("never", []), ("one a quarter", [2 / 168 / 13])])
def test_an_issue_rings_within_its_own_budget(newsroom, world, words, alpha):
    path = newsroom.folder / "issues" / "labor.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("risk: medium", f"risk: medium\nalarms: {words}", 1), "utf-8")
    newsroom.ok("adopt", "issues/labor.yaml")
    burst(newsroom, world)
    assert [a["alpha"] for a in alarms_of(newsroom.json("tick"))] == pytest.approx(alpha)


def test_old_news_of_a_new_feed_is_no_burst(newsroom, world):
    added = world.outlet("New Paper")
    for number in range(20):
        at = newsroom.clock() - timedelta(hours=10 + number)
        added.publish(f"Strike vote number {number} by nurses in county {number}", at)
        added.publish(f"Undated strike vote {number} by union drivers", None)
    newsroom.ok("feed", "add", world.url("/new-paper"))
    ticked = newsroom.json("tick")
    assert ticked["entries_new"] == 40
    assert ticked["matches"]
    assert ticked["alarms"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [(("nothing",), 4), (("labor", "--for", "soon"), 2), (("labor", "--for", "90d"), 2)],
)
def test_a_snooze_that_makes_no_sense_is_refused(shell, words, code):
    assert shell("alarm", "snooze", *words).code == code


def with_mail(shell):
    shell.settings |= {
        "delivery.mail.folder": "mail",
        "delivery.mail.sender": "Desk <desk@example.org>",
    }


def queued(shell, kind):
    return [m for m in shell.json("outbox", "list", "--all") if m["kind"] == kind]


def test_an_alarm_goes_to_the_owner_of_its_issue_once(newsroom, world):
    with_mail(newsroom)
    burst(newsroom, world)
    rang = alarms_of(newsroom.json("tick"))
    for _ in range(3):
        newsroom.clock.move(minutes=5)
        assert newsroom.json("tick")["tell"] == []
    (message,) = queued(newsroom, "alarm")
    assert (message["to"], message["about"]) == ("kim", f"alarm/{rang[0]['id']}")
    (listed,) = newsroom.json("alarm", "list")["alarms"]
    assert listed["told_at"] is not None
    assert newsroom.json("alarm", "digest")["held"] == []


def test_a_kill_between_message_and_mark_tells_nobody_twice(newsroom, world, monkeypatch):
    from responders.services import tell

    with_mail(newsroom)
    burst(newsroom, world)
    monkeypatch.setattr(tell.alarms, "told", lambda *_, **__: None)
    newsroom.json("tick")
    monkeypatch.undo()
    assert len(newsroom.json("tick")["tell"]) == 1
    assert len(queued(newsroom, "alarm")) == 1
    assert newsroom.json("tick")["tell"] == []


def test_where_nobody_can_be_reached_the_digest_says_so(newsroom, world):
    burst(newsroom, world)
    newsroom.json("tick")
    (held,) = newsroom.json("alarm", "digest")["held"]
    assert held["held"] == "nobody who answers for the issue can be reached"


def test_what_was_held_back_is_mailed_once_a_day_to_the_readers_of_the_digest(newsroom, world):
    with_mail(newsroom)
    newsroom.settings |= {
        "alarms.quiet": "'18:30-07:00'",
        "delivery.digest.people": "[sam]",
        "delivery.digest.hour": "8",
    }
    burst(newsroom, world)
    for _ in range(3):
        newsroom.json("tick")
        newsroom.clock.move(minutes=10)
    assert queued(newsroom, "alarm") == []
    (message,) = queued(newsroom, "held")
    assert message["to"] == "sam"
    body = newsroom.ok("outbox", "show", message["message"]).out
    assert "held: quiet hours" in body
    assert "5 entries from 5 outlets" in body


def test_a_loud_story_says_so_wherever_it_is_listed_and_stands_first(newsroom, world):
    burst(newsroom, world)
    newsroom.json("tick")
    newsroom.clock.move(minutes=30)
    world.outlet(OUTLETS[0]).publish("Wage theft: two diners owe back pay", newsroom.clock())
    world.outlet(OUTLETS[1]).publish("Wage theft at two diners: back pay", newsroom.clock())
    newsroom.clock.move(minutes=31)
    newsroom.json("tick")
    drafts = newsroom.json("draft", "list")
    assert [d["urgency"] for d in drafts] == ["now", *["soon"] * (len(drafts) - 1)]
    loud = "ouder than usual: 5 entries from 5 outlets in 2 h, usually 0."
    assert loud in drafts[0]["reason"]
    assert loud in newsroom.ok("draft", "show", drafts[0]["draft"]).out.splitlines()[0]
    first = newsroom.json("story", "list", "--matched")[0]
    assert (first["story"], first["urgency"]) == (drafts[0]["story"], "now")
    assert loud in newsroom.ok("story", "show", first["story"]).out
    newsroom.json("story", "down", first["story"], "labor")
    assert newsroom.json("story", "list", "--matched")[-1]["story"] == first["story"]
    assert newsroom.json("draft", "list")[-1]["story"] == first["story"]


def inbox_of(shell, person: str) -> list[str]:
    """The requests of somebody's inbox page, by draft, in the order of the page."""
    office = Office(folder=shell.folder, clock=shell.clock, settings=dict(shell.settings))
    with serving(office) as address, visitor(address) as browser:
        page = browser.sign_in(office.link(person)).text
    drafts = {office.json("signoff", "show", revision)["subject"]: page.index(revision)
              for revision in re.findall(r'href="/requests/(rev_[^"]+)"', page)}  # fmt: skip
    return [subject.removeprefix("draft/") for subject in sorted(drafts, key=drafts.__getitem__)]


def test_the_inbox_shows_the_loud_story_first_although_the_other_came_later(newsroom, world):
    burst(newsroom, world)
    (loud,) = (d["draft"] for d in newsroom.json("tick")["drafts"])
    newsroom.clock.move(minutes=30)
    world.outlet(OUTLETS[0]).publish("Wage theft: two diners owe back pay", newsroom.clock())
    world.outlet(OUTLETS[1]).publish("Wage theft at two diners: back pay", newsroom.clock())
    newsroom.clock.move(minutes=31)
    (calm,) = (d["draft"] for d in newsroom.json("tick")["drafts"])
    known = ("--no-candidate", "--known-position")
    for draft in (loud, calm):
        newsroom.ok("draft", "submit", draft, *known, person="sam")
        newsroom.clock.move(minutes=1)
    assert inbox_of(newsroom, "kim") == [loud, calm]
    newsroom.json("story", "down", newsroom.json("draft", "show", loud)["story"], "labor")
    assert inbox_of(newsroom, "kim") == [calm, loud]
