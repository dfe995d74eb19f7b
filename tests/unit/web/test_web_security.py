"""Which requests may change something, and what every answer carries."""

from __future__ import annotations

import pytest

from testkit.web.security import CSP, derive, form_token, from_this_site, headers

HOST = {"host": "team.example"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_open_to_every_site(method: str) -> None:
    assert from_this_site(method, {**HOST, "sec-fetch-site": "cross-site"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("head", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"origin": "https://team.example"}, True),
        ({"origin": "https://team.example:444"}, False),
        ({"origin": "https://team.example.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, False),
        # A header that the browser sets outweighs one that agrees.
        ({"sec-fetch-site": "cross-site", "origin": "https://team.example"}, False),
    ],
)
def test_changing_needs_our_own_site(method: str, head: dict[str, str], allowed: bool) -> None:
    assert from_this_site(method, {**HOST, **head}) is allowed


def test_an_empty_host_matches_no_origin() -> None:
    assert not from_this_site("POST", {"origin": "null"})
    assert not from_this_site("POST", {"origin": "", "host": ""})


def test_keys_of_different_purposes_and_forms_of_different_sessions_differ() -> None:
    keys = {derive(b"secret", purpose) for purpose in ("web/link", "web/form", "identity")}
    assert len(keys) == 3
    assert derive(b"secret", "web/link") != derive(b"other", "web/link")
    key = derive(b"secret", "web/form")
    assert form_token(key, "session one") != form_token(key, "session two")


def test_scripts_and_styles_come_from_here_alone() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in CSP.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in CSP


def test_pages_are_never_kept_and_https_is_pinned_only_where_it_is_used() -> None:
    assert headers(https=False, cached=False)["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers(https=False, cached=False)
    assert "Strict-Transport-Security" in headers(https=True, cached=False)
