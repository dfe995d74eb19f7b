"""The answer of a hook is read strictly: text and nothing else."""

from __future__ import annotations

import json

import pytest

from responders.drafting.proposal import read_answer


def answer(*texts):
    return json.dumps({"texts": list(texts)}).encode()


GOOD = {"channel": "sms", "body": "Stand with them tonight. Reply STOP to end"}
MAIL = {"channel": "email", "subject": "Tonight", "preheader": "At six", "body": "Friend,\n\nCome."}


def test_plain_texts_are_taken_as_they_are():
    texts, findings = read_answer(answer(GOOD, MAIL), channels=["email", "sms"])
    assert [(t.channel, t.body, t.subject) for t in texts] == [
        ("sms", GOOD["body"], ""),
        ("email", MAIL["body"], "Tonight"),
    ]
    assert findings == ()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Hi {{ org.secret }}", "template syntax"),
        ("Hi {% for i in x %}", "template syntax"),
        ("Hi <b>you</b>", "markup"),
        ("Hi <script>alert(1)</script>", "markup"),
        ("Hi &lt;b&gt; you", "markup"),
        ("Hi <!-- you", "markup"),
        ("Hi \x1b[31myou", "hidden character, U+001B"),
        ("Hi \u202eyou", "hidden character, U+202E"),
        ("Hi \u200byou", "hidden character, U+200B"),
        ("Hi \x00you", "hidden character, U+0000"),
        ("   \n ", "empty"),
        ("a" * 8001, "longer than 8,000"),
    ],
)
def test_a_text_with_anything_but_text_is_refused_and_the_others_stand(body, reason):
    texts, findings = read_answer(
        answer({"channel": "sms", "body": body}, MAIL), channels=["sms", "email"]
    )
    assert [t.channel for t in texts] == ["email"]
    assert [f.code for f in findings] == ["RS101"]
    assert reason in findings[0].message


@pytest.mark.parametrize(
    "item",
    [
        {**GOOD, "send": True},
        {"channel": "sms"},
        {**GOOD, "body": 7},
        {**GOOD, "body": None},
        {**GOOD, "channel": "pigeon"},
        {**GOOD, "subject": "An SMS has none"},
        {"channel": "email", "body": "No subject"},
        "sms",
        ["sms", "body"],
    ],
)
def test_a_text_in_another_form_is_refused(item):
    texts, findings = read_answer(answer(item), channels=["sms", "email"])
    assert texts == ()
    assert [f.code for f in findings] == ["RS101"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Sure! Here is your text:",
        b"[]",
        b'"texts"',
        b'{"texts": {}}',
        b'{"texts": [], "also": 1}',
        b'{"texts": [], "texts": []}',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"texts": [GOOD] * 100}).encode(),
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_an_answer_in_another_form_gives_no_text_and_one_finding(raw):
    texts, findings = read_answer(raw, channels=["sms"])
    assert texts == ()
    assert [f.code for f in findings] == ["RS101"]


def test_a_channel_gets_one_text_and_none_that_was_not_asked_for():
    texts, findings = read_answer(answer(GOOD, GOOD, MAIL), channels=["sms"])
    assert len(texts) == 1
    assert [f.code for f in findings] == ["RS101", "RS101"]
