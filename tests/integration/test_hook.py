"""The organisation's own program proposes: real processes, a real server, friendly and hostile."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from responders.demo import serve
from responders.model.draft import Organisation
from responders.services.hook import propose
from responders.services.rehearse import rehearse, starter_set
from testkit.kernel.config import DraftingHook

pytestmark = pytest.mark.faults

NOW = datetime(2026, 10, 13, 16, tzinfo=UTC)
ORG = Organisation(name="Harbor Workers United", link="https://harbor.org/go")
WORDS = "Stand with them: https://harbor.org/go Reply STOP to end"
ANSWER = json.dumps({"texts": [{"channel": "sms", "body": WORDS}]})


@pytest.fixture(scope="module")
def labor():
    issues = {"labor": starter_set(today=NOW)["labor"]}
    draft = next(r.draft for r in rehearse(ORG, issues=issues) if r.story.kind == "strike")
    return draft, issues["labor"][0]


def ask(labor, folder, **hook):
    draft, issue = labor
    return propose(DraftingHook(**hook), draft, issue, ORG, folder=folder, as_of=NOW, zone=UTC)


def program(folder, code):
    path = folder / "hook.py"
    path.write_text(code, encoding="utf-8")
    return [sys.executable, str(path)]


@contextlib.contextmanager
def server(reply):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            with contextlib.suppress(OSError):
                reply(self)

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{web.server_address[1]}/propose", asked
    finally:
        web.shutdown()
        web.server_close()


def say(handler, body, *, status=200, headers=()):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def test_without_a_hook_nothing_is_asked(labor, tmp_path):
    assert ask(labor, tmp_path) == ((), ())


def test_a_command_gets_the_story_and_its_text_is_linted_and_labelled(labor, tmp_path):
    code = f"""
import json, sys
asked = json.load(sys.stdin)
assert asked["story"]["title"] and asked["limits"]["sms"] and asked["frames"], asked
body = {WORDS!r} + " 4,711"
print(json.dumps({{"texts": [{{"channel": "sms", "body": body}}]}}))
"""
    (made,), findings = ask(labor, tmp_path, command=program(tmp_path, code))
    assert findings == ()
    assert made.key == "proposed"
    found = [f.code for f in made.findings]
    assert "RS100" in found[:1]  # the label comes first
    assert "RS100" not in {f.code for v in labor[0].variants for f in v.findings}
    assert "RS012" in found  # 4,711 is in neither the story nor the issue file


def test_an_address_is_asked_by_post(labor, tmp_path):
    with server(lambda h: say(h, ANSWER.encode())) as (url, asked):
        (made,), findings = ask(labor, tmp_path, url=url)
    assert (made.text.body, findings) == (WORDS, ())
    assert json.loads(asked[0])["version"] == 1


def test_a_draft_that_holds_is_shown_to_no_hook(labor, tmp_path):
    draft, issue = labor
    with server(lambda h: say(h, ANSWER.encode())) as (url, asked):
        done = propose(
            DraftingHook(url=url), replace(draft, hold=True), issue, ORG, folder=tmp_path,
            as_of=NOW, zone=UTC,
        )  # fmt: skip
    assert done == ((), ())
    assert asked == []


HOSTILE = {
    "endless": ("while True: print('x' * 60000, flush=True)", "more than 64 KB"),
    "huge": ("print('x' * 10_000_000)", "more than 64 KB"),
    "slow": ("import time; time.sleep(60)", "longer than"),
    "silent and closed": ("import os, time; os.close(1); time.sleep(60)", "longer than"),
    "drip": (
        "import time\nfor i in range(600): print('[', end='', flush=True); time.sleep(.1)",
        "longer than",
    ),
    "failing": (f"print({ANSWER!r}); raise SystemExit(3)", "code 3"),
    "talk": ("print('Sure! Here is your text')", "not JSON"),
    "template": (
        'print(\'{"texts": [{"channel": "sms", "body": "{{ org.link }}"}]}\')',
        "template syntax",
    ),
    "bytes": ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", "not UTF-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_command_leaves_a_finding_in_time(labor, tmp_path, name):
    code, reason = HOSTILE[name]
    begun = time.monotonic()
    texts, findings = ask(labor, tmp_path, command=program(tmp_path, code), timeout_seconds=1.5)
    assert time.monotonic() - begun < 6
    assert texts == ()
    assert [f.code for f in findings] == ["RS101"]
    assert reason in findings[0].message


def test_a_command_that_is_not_there_leaves_a_finding(labor, tmp_path):
    texts, findings = ask(labor, tmp_path, command=[str(tmp_path / "nothing")])
    assert texts == ()
    assert "cannot be started" in findings[0].message


def test_a_command_does_not_see_our_environment(labor, tmp_path, monkeypatch):
    monkeypatch.setenv("WHISTLESTOP_TOKEN", "secret")
    code = f"""
import json, os
body = "set" if "WHISTLESTOP_TOKEN" in os.environ else {WORDS!r}
print(json.dumps({{"texts": [{{"channel": "sms", "body": body}}]}}))
"""
    (made,), _ = ask(labor, tmp_path, command=program(tmp_path, code))
    assert made.text.body == WORDS


def drip(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"[")
        handler.wfile.flush()
        time.sleep(0.1)


def flood(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


ANSWERS = {
    "error": (lambda h: say(h, b"{}", status=500), "status 500"),
    "redirect": (
        lambda h: say(h, b"", status=302, headers=[("Location", "http://127.0.0.1:9/")]),
        "status 302",
    ),
    "drip": (drip, "longer than"),
    "flood": (flood, "more than 64 KB"),
    "nothing": (lambda h: None, "cannot be asked"),
    "html": (lambda h: say(h, b"<html>"), "not JSON"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_server_leaves_a_finding_in_time(labor, tmp_path, name):
    reply, reason = ANSWERS[name]
    begun = time.monotonic()
    with server(reply) as (url, _):
        texts, findings = ask(labor, tmp_path, url=url, timeout_seconds=1.5)
    assert time.monotonic() - begun < 6
    assert texts == ()
    assert reason in findings[0].message


def test_a_proposal_stands_beside_the_draft_until_a_person_takes_it(shell, tmp_path):
    command = program(tmp_path, f"print({ANSWER!r})")
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    shell.settings["drafting.hook.command"] = json.dumps(command)
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", *addresses)
        draft = shell.json("tick")["drafts"][0]["draft"]
    shown = shell.json("draft", "show", draft)
    assert all(WORDS not in words["body"] for words in shown["content"]["arms"]["sms"].values())
    assert shown["facts"]["proposed"]["sms"]["words"]["body"] == WORDS
    assert "proposed by your hook (not part of the draft)" in shell.ok("draft", "show", draft).out
    shell.json("draft", "submit", draft, "--no-candidate", person="sam")
    taken = shell.json("draft", "take", draft, "--channel", "sms", "--variant", "b", person="sam")
    assert taken["content"]["arms"]["sms"]["b"]["body"] == WORDS
    signer = shell.json("signoff", "show", taken["revision"])
    assert any("sms.b: note RS100: proposed by your hook" in r for r in signer["fields"]["remarks"])
    assert shell("draft", "take", draft, "--channel", "post", "--variant", "a").code == 4


def raised(shell, command):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    shell.settings["drafting.hook.command"] = json.dumps(command)
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", *addresses)
        return shell.json("tick")["drafts"][0]["draft"]


def test_that_the_hook_gave_nothing_usable_is_shown_to_whoever_reads_and_signs(shell, tmp_path):
    draft = raised(shell, program(tmp_path, "print('Sure! Here is your text')"))
    assert "RS101" in [f["code"] for f in shell.json("draft", "show", draft)["facts"]["findings"]]
    assert "RS101" in shell.ok("draft", "show", draft).out
    made = shell.json("draft", "submit", draft, "--no-candidate", person="sam")
    shown = shell.json("signoff", "show", made["revision"])
    assert any("RS101" in remark for remark in shown["fields"]["remarks"])


def test_a_name_that_only_the_hook_knows_is_marked_before_anybody_takes_its_words(shell, tmp_path):
    words = "Tell Walter Grimsby to stand with them: https://harbor.org/go Reply STOP to end"
    answer = json.dumps({"texts": [{"channel": "sms", "body": words}]})
    draft = raised(shell, program(tmp_path, f"print({answer!r})"))
    proposed = shell.json("draft", "show", draft)["facts"]["proposed"]["sms"]
    assert "RS025" in [f["code"] for f in proposed["findings"]]
