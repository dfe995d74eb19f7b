"""What leaves is safe to put into a header, and the same in every attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.outbox.hook import Hook, HookSender, signing_key
from testkit.outbox.letter import LINK, Message, address, cut, one_line
from testkit.outbox.mail import FolderSender, compose
from testkit.outbox.retry import DELAYS, next_try, peer_pause
from testkit.outbox.words import RequestWords, write

NOW = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
PLAIN = Message(id="msg_1", kind="asked", to="kim@example.org", subject="S", body="B", made_at=NOW)
SENDER = "Desk <desk@example.org>"


def parsed(message: Message, sender: str = SENDER):
    return message_from_bytes(compose(message, sender=sender).as_bytes(), policy=policy.default)


@given(st.text(max_size=400), st.text(max_size=2000))
def test_whatever_a_headline_holds_a_mail_has_the_same_headers_and_one_recipient(subject, body):
    mail = parsed(replace(PLAIN, subject=subject, body=body))
    assert sorted(mail.keys()) == sorted(parsed(PLAIN).keys())
    assert [a.addr_spec for a in mail["To"].addresses] == ["kim@example.org"]
    assert "\n" not in mail["Subject"]


def test_a_line_break_in_a_headline_makes_no_header():
    mail = parsed(replace(PLAIN, subject="Vote\r\nBcc: all@example.org\r\n\r\nHello"))
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Vote Bcc: all@example.org Hello"


def test_a_hostile_name_of_the_sender_makes_no_header():
    mail = parsed(PLAIN, sender="Desk\r\nBcc: all <desk@example.org>")
    assert mail["Bcc"] is None
    assert mail["From"].addresses[0].addr_spec == "desk@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "", "kim", "kim@", "@example.org", "a@b c", "a@example.org,b@example.org",
        "a@example.org\r\nBcc: c@example.org", "Kim <kim@example.org>", "a@-example.org",
        f"{'a' * 65}@example.org", "a@" + ".".join(["b" * 60] * 5),
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(text):
    with pytest.raises(InputError):
        address(text)


def test_an_address_with_an_international_domain_goes_out_in_ascii():
    assert address("kim@bücher.example") == "kim@xn--bcher-kva.example"


def test_a_huge_body_is_cut_and_says_so():
    text = cut("x" * 300_000)
    assert len(text) < 201_000
    assert "100,000 more characters" in text


def test_marks_that_turn_the_reading_direction_and_the_place_of_the_link_are_taken_out():
    assert one_line(f"a\u202eb{LINK}c") == "abc"


def test_each_attempt_carries_the_same_message_id_and_date():
    first, second = (compose(PLAIN, sender=SENDER) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"] == "<msg_1@example.org>"
    assert first["Date"] == second["Date"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_folder_gets_one_file_however_often_it_is_tried(tmp_path):
    sender = FolderSender(tmp_path / "out", sender=SENDER)
    for _ in range(3):
        assert sender.send(PLAIN, handing_over=lambda: None).sent
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["msg_1.eml"]


def test_attempts_wait_longer_and_longer_and_end_within_a_day():
    moment, waits = NOW, []
    for attempts in range(1, len(DELAYS) + 1):
        following = next_try("msg_1", attempts=attempts, now=moment)
        waits.append(following - moment)
        moment = following
    assert waits == sorted(waits)
    assert timedelta(hours=17) < moment - NOW < timedelta(days=1)
    assert next_try("msg_1", attempts=len(DELAYS) + 1, now=moment) is None


def test_a_peer_may_ask_for_more_patience_but_not_for_ever():
    def wait(**asked):
        return next_try("m", attempts=1, now=NOW, asked=timedelta(**asked)) - NOW

    assert wait(hours=3) == timedelta(hours=3)
    assert wait(seconds=1) >= DELAYS[0]
    assert wait(days=400) == timedelta(days=1)


def test_a_silent_peer_is_asked_at_least_every_quarter_of_an_hour():
    pauses = [peer_pause(n) for n in range(1, 30)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=15)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "not base64!", "whsec_" + "A" * 120])
def test_a_weak_or_broken_signing_key_is_refused(text):
    with pytest.raises(InputError):
        signing_key(text)


def sent(handler, url="https://peer.example/hook"):
    sender = HookSender(Hook(url=url), clock=lambda: NOW, transport=httpx2.MockTransport(handler))
    try:
        return sender.send(PLAIN, handing_over=lambda: None)
    finally:
        sender.close()


def test_words_do_not_travel_over_an_open_line_to_another_machine():
    outcome = sent(lambda _: httpx2.Response(200), url="http://peer.example/hook")
    assert not outcome.sent
    assert "https" in outcome.problem


def test_a_peer_that_breaks_off_is_asked_again_and_its_channel_goes_on():
    def broken(request):
        raise httpx2.ReadTimeout("too slow", request=request)

    outcome = sent(broken)
    assert (outcome.sent, outcome.down, outcome.final) == (False, False, False)


def test_an_endless_answer_is_not_read_to_its_end():
    read = []

    def endless(request):
        def pieces():
            while True:
                read.append(1)
                yield b"x" * 4096

        return httpx2.Response(200, content=pieces())

    assert sent(endless).sent
    assert len(read) < 100


KINDS = (
    "alarm",
    "asked",
    "copied",
    "decided",
    "ended",
    "expired",
    "held",
    "look",
    "reminded",
    "review",
    "spoken_for",
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_is_filled_without_a_gap_and_on_one_subject_line(kind):
    words = RequestWords(
        name="Kim", title="Strike\nvote", author="Sam", actor="Jo", stage="comms",
        decision="approve", note="fine", reason="why", next="next", due="noon",
    )  # fmt: skip
    subject, body = write(kind, words)
    assert subject.startswith("Strike vote")
    assert body.startswith("Hello Kim,\n\n")
    assert body.rstrip().endswith(LINK)
    assert "\n\n\n" not in body
    bare = write(kind, RequestWords(name="Kim", title="Strike vote"))
    assert "None" not in "".join(bare)


def test_there_is_a_test_for_every_template():
    from importlib.resources import files

    names = {
        p.name.removesuffix(".txt.jinja")
        for p in files("testkit.outbox").joinpath("templates").iterdir()
    }
    assert names == {*KINDS, "digest"}
