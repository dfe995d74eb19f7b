"""An edit is read by lint again; findings and graver facts go with the revision to the signers."""

from __future__ import annotations

import pytest

from responders.demo import serve
from responders.services import relint

pytestmark = pytest.mark.faults


@pytest.fixture
def draft(shell):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", *addresses)
        yield shell.json("tick")["drafts"][0]["draft"]


@pytest.fixture
def review(shell, draft):
    return shell.json("draft", "submit", draft, "--no-candidate", "--known-position", person="sam")


def edit(shell, draft, body, *, channel="sms", variant="a"):
    return shell.json(
        "draft", "edit", draft, "--channel", channel, "--variant", variant, "--body", body,
        person="sam",
    )  # fmt: skip


def codes(shown, where):
    return {f["code"] for f in shown["facts"]["findings"] if f["where"] == where}


def test_an_edit_is_linted_again_and_its_findings_replace_the_old_ones(shell, draft):
    before = shell.json("draft", "show", draft)
    assert "RS012" not in codes(before, "sms.a")
    after = edit(shell, draft, "All 731 of them need you tonight: https://harbor.org/go Reply STOP")
    assert "RS012" in codes(after, "sms.a")
    assert after["facts"]["lengths"]["sms/a"].startswith("1 of")
    mended = edit(shell, draft, "They need you tonight: https://harbor.org/go Reply STOP to end")
    assert "RS012" not in codes(mended, "sms.a")


def test_words_changed_outside_the_varied_block_are_found_by_the_edit(shell, draft):
    after = edit(shell, draft, "Quite another text. https://harbor.org/go Reply STOP to end")
    assert "RS080" in codes(after, "sms")


def test_the_signer_sees_the_findings_of_the_revision_before_them(shell, draft, review):
    edited = edit(shell, draft, "All 731 of them need you: https://harbor.org/go Reply STOP")
    shown = shell.json("signoff", "show", edited["revision"])
    assert any("RS012" in remark for remark in shown["fields"]["remarks"])


def test_a_name_that_an_edit_brings_in_takes_back_that_no_candidate_is_named(shell, draft, review):
    body = "Tell Walter Grimsby to stand with them: https://harbor.org/go Reply STOP to end"
    edited = edit(shell, draft, body)
    assert "RS025" in codes(edited, "sms.a")
    now = shell.json("signoff", "show", edited["revision"])
    assert now["facts"]["names_candidate"] is True


def test_a_name_that_an_edit_brought_in_is_shown_as_long_as_it_stands_there(shell, draft):
    edit(shell, draft, "Tell Walter Grimsby to stand with them: https://harbor.org/go Reply STOP")
    assert "RS025" in codes(shell.json("draft", "show", draft), "sms.a")
    edit(shell, draft, "Walter Grimsby has to hear us: https://harbor.org/go Reply STOP to end")
    made = shell.json("draft", "submit", draft, "--no-candidate", person="sam")
    shown = shell.json("signoff", "show", made["revision"])
    assert any("sms.a: warning RS025" in remark for remark in shown["fields"]["remarks"])
    edit(shell, draft, "They need you tonight: https://harbor.org/go Reply STOP to end")
    assert "RS025" not in codes(shell.json("draft", "show", draft), "sms.a")


def test_an_edit_that_names_nobody_leaves_the_facts_as_they_were(shell, draft, review):
    edited = edit(shell, draft, "Stand with them tonight: https://harbor.org/go Reply STOP to end")
    assert "RS025" not in codes(edited, "sms.a")
    now = shell.json("signoff", "show", edited["revision"])
    assert now["facts"]["names_candidate"] is False


def test_words_against_an_earlier_position_raise_the_risk(shell, draft, review):
    body = "Tell them to reject the offer: https://harbor.org/go Reply STOP to end"
    edited = edit(shell, draft, body)
    assert "RS024" in codes(edited, "sms.a")
    assert edited["risk"] == "high"
    assert shell.json("signoff", "show", edited["revision"])["facts"]["risk"] == "high"


def test_the_record_of_an_edit_still_verifies(shell, draft, review):
    edit(shell, draft, "Stand with them tonight: https://harbor.org/go Reply STOP to end")
    shell.ok("ledger", "verify")


def test_the_length_rules_of_the_workspace_hold_for_an_edit(shell, draft):
    body = "Stand with them tonight at six at the gate of the warehouse on Pier Road. " * 3
    assert "RS070" not in codes(edit(shell, draft, body), "sms.a")
    shell.settings["drafting.limits"] = "{sms: {limit: 1, soft: 1}}"
    assert "RS070" in codes(edit(shell, draft, body + "Reply STOP"), "sms.a")


def test_words_of_an_issue_that_is_gone_are_said_to_be_unchecked(shell, draft, monkeypatch):
    body = "Stand with them tonight: https://harbor.org/go Reply STOP to end"
    assert "RS092" not in codes(edit(shell, draft, body), "")
    monkeypatch.setattr(relint, "adopted_issues", lambda _: {})
    assert "RS092" in codes(edit(shell, draft, body + " now"), "")


def test_raising_what_is_raised_already_shows_the_draft_that_there_is(shell, draft):
    story = shell.json("draft", "show", draft)["story"]
    again = shell.json("draft", "raise", story)
    assert (again["new"], again["draft"]) == (False, draft)
