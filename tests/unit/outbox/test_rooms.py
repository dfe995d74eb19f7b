"""Bodies for Slack, Discord and Teams, each held to what the service documents, on the wire."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.outbox.hook import Hook, HookSender
from testkit.outbox.letter import Message
from testkit.outbox.rooms import body_of
from tests.peers import WebPeer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
PAGE = "https://sign.example.org/requests/rev_01k_x"
PLAIN = Message(id="msg_1", kind="asked", to="", subject="Strike vote", body=PAGE, made_at=NOW)
HOSTILE = replace(
    PLAIN,
    subject="<!channel> @everyone *bold* [sign in](https://evil.example) <https://evil|x> & all",
    body=f"# Head\n- one\n**two** `x` ||y|| <@123>\n{PAGE}",
)
LONG = '💥é<&*_\\"日 https://a.example/x_y '
HUGE = replace(PLAIN, subject=LONG * 60, body=LONG * 4000)
TEXTS = st.text(max_size=300) | st.text(alphabet='<>&*_`|[]()\\"\n #-a💥日', max_size=300)


@pytest.fixture(scope="module")
def peer() -> Iterator[WebPeer]:
    with web_server() as found:
        yield found


def slack_takes(body: dict) -> None:
    """Text of 1 to 4,000 characters; & < > only as entities; no formatting."""
    assert set(body) == {"text", "mrkdwn", "unfurl_links"}
    assert 1 <= len(body["text"]) <= 4000
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", body["text"])
    assert body["mrkdwn"] is False


def discord_takes(body: dict) -> None:
    """Content of 1 to 2,000 characters however counted; nobody is mentioned."""
    assert set(body) == {"content", "allowed_mentions"}
    assert len(body["content"].encode("utf-16-le")) // 2 <= 2000
    assert body["content"]
    assert body["allowed_mentions"] == {"parse": []}
    plain = re.sub(r"https?://[^\s<>|\\`]+", "", body["content"])
    # Whatever is a mark stands behind a backslash of its own.
    assert not re.search(r"[*_~`|<>\[\]()#-]", re.sub(r"\\.", "", plain, flags=re.DOTALL))
    assert len(re.search(r"\\*$", plain.removesuffix("…"))[0]) % 2 == 0


def teams_takes(body: dict) -> None:
    """A message with one card of at most 28 KB, even in UTF-16; nothing in it reads Markdown."""
    assert len(json.dumps(body, ensure_ascii=False).encode("utf-16-le")) <= 28 * 1024
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"]
    for block in card["body"]:
        assert block["type"] == "RichTextBlock"
        assert [run["type"] for run in block["inlines"]] == ["TextRun"]
        assert all(run["text"] for run in block["inlines"])
    for action in card["actions"]:
        assert action["type"] == "Action.OpenUrl"
        assert re.fullmatch(r"https?://\S+", action["url"])


TAKES = {"slack": slack_takes, "discord": discord_takes, "teams": teams_takes}
ANSWERS = {"slack": 200, "discord": 204, "teams": 202}


@pytest.mark.parametrize("message", [PLAIN, HOSTILE, HUGE, replace(PLAIN, body="")])
@pytest.mark.parametrize("style", TAKES)
def test_a_real_peer_gets_a_body_that_its_service_takes(peer, style, message):
    peer.answers = [(ANSWERS[style], {})]
    sender = HookSender(Hook(url=peer.url, style=style), clock=lambda: NOW)
    assert sender.send(message, handing_over=lambda: None).sent
    sender.close()
    headers, raw = peer.got[-1]
    assert headers["content-type"] == "application/json; charset=utf-8"
    TAKES[style](json.loads(raw))


@pytest.mark.parametrize("style", TAKES)
@given(TEXTS, TEXTS)
@settings(max_examples=60)
def test_whatever_a_headline_holds_the_body_is_one_that_the_service_takes(style, subject, body):
    message = replace(PLAIN, subject=f"S{subject}", body=body)
    TAKES[style](json.loads(body_of(message, style)))


def test_the_words_arrive_whole_and_the_page_can_be_opened():
    slack = json.loads(body_of(PLAIN, "slack"))
    assert slack["text"] == f"Strike vote\n{PAGE}"
    discord = json.loads(body_of(PLAIN, "discord"))
    assert discord["content"] == f"Strike vote\n{PAGE}"  # no mark inside a link
    (attachment,) = json.loads(body_of(PLAIN, "teams"))["attachments"]
    runs = [block["inlines"][0]["text"] for block in attachment["content"]["body"]]
    assert runs == ["Strike vote", PAGE]
    assert [a["url"] for a in attachment["content"]["actions"]] == [PAGE]


def test_a_headline_mentions_nobody_and_hides_no_address():
    text = json.loads(body_of(HOSTILE, "slack"))["text"]
    assert text.startswith("&lt;!channel&gt; @everyone *bold*")
    content = json.loads(body_of(HOSTILE, "discord"))["content"]
    assert r"\[sign in\]\(https://evil.example)" in content
    assert r"\<@123\>" in content
    (attachment,) = json.loads(body_of(HOSTILE, "teams"))["attachments"]
    assert attachment["content"]["body"][0]["inlines"][0]["text"] == HOSTILE.subject
    assert [a["url"] for a in attachment["content"]["actions"]] == [PAGE]


def test_what_is_cut_says_so_and_cuts_no_entity_in_two():
    text = json.loads(body_of(replace(PLAIN, body="&" * 9000), "slack"))["text"]
    assert text.endswith("&amp;…")
    content = json.loads(body_of(replace(PLAIN, body="x" * 5000), "discord"))["content"]
    assert (len(content), content[-1]) == (2000, "…")


@pytest.mark.parametrize(
    ("asked", "seconds"), [("3", 3), ("0.65", 0.65), ("soon", None), ("", None), ("-1", None),
                           ("9" * 400, None)],
)  # fmt: skip
def test_a_peer_that_asks_for_patience_is_heard_in_whole_and_broken_seconds(peer, asked, seconds):
    peer.answers = [(429, {"Retry-After": asked})]
    sender = HookSender(Hook(url=peer.url, style="discord"), clock=lambda: NOW)
    done = sender.send(PLAIN, handing_over=lambda: None)
    sender.close()
    assert not done.sent
    assert not done.final
    assert done.wait == (None if seconds is None else timedelta(seconds=seconds))
