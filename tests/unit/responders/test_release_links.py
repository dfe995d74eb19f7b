"""Tagging changes the query of our links, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.release.links import Tag, campaign_of, tag_link, tag_text
from responders.release.pack import csv_text
from responders.release.texting import rows
from testkit.errors import InputError

TAG = Tag(source="email", medium="email", campaign="labor-1", arm="b")
SMS = Tag(source="sms", medium="sms", campaign="labor-1", arm="b")


@pytest.mark.parametrize(
    "url",
    [
        "https://act.example.org",
        "https://act.example.org/a?x=1&x=2&y",
        "https://act.example.org/?utm_source=old&utm_content=z#f",
        "https://act.example.org:8443/pfad/%C3%BC?q=%26#a=b",
    ],
)
def test_a_tagged_link_keeps_host_path_fragment_and_its_own_parameters(url):
    before, after = urlsplit(url), urlsplit(tag_link(url, TAG))
    assert (before.scheme, before.netloc, before.path, before.fragment) == (
        after.scheme, after.netloc, after.path, after.fragment,
    )  # fmt: skip
    assert after.query.startswith(before.query)
    names = [name for name, _ in parse_qsl(after.query, keep_blank_values=True)]
    assert len([n for n in names if n.startswith("utm_")]) == 4


def test_tagging_twice_is_tagging_once():
    once = tag_link("https://act.example.org/?a=1", TAG)
    assert tag_link(once, TAG) == once


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://secure.actblue.com/donate/x", "refcode"),
        ("https://actionnetwork.org/petitions/x", "source"),
    ],
)
def test_tools_that_give_back_their_own_code_get_it(url, name):
    assert dict(parse_qsl(urlsplit(tag_link(url, TAG)).query))[name] == "labor-1-b"
    other = tag_link(f"https://not{urlsplit(url).hostname.removeprefix('secure.')}/x", TAG)
    assert name not in dict(parse_qsl(urlsplit(other).query))


@given(st.text(max_size=200))
def test_text_without_links_is_never_changed(text):
    if "." not in text:
        assert tag_text(text, TAG).text == text


def test_outlets_bare_domains_and_everything_around_stay_as_they_are():
    text = "See https://news.example.com/x, act.example.org (https://act.example.org/y)."
    done = tag_text(text, TAG, foreign={"news.example.com"})
    ((before, after, inside),) = done.links
    assert (before, inside) == ("https://act.example.org/y", True)
    assert done.text == text.replace(before, after)


def test_a_text_message_keeps_short_links_where_long_ones_would_cost_a_part():
    short = tag_text("Sign: https://a.example.org/x", SMS)
    assert "utm_content=b" in short.text
    text = f"{'Stand with them tonight at six. ' * 3}Sign: https://a.example.org/x"
    dear = tag_text(text, SMS)
    assert dear.text == text
    assert [(b, inside) for b, _, inside in dear.links] == [("https://a.example.org/x", False)]


def test_a_campaign_is_safe_in_a_query_and_as_the_name_of_an_experiment():
    assert campaign_of("Órgão & Co", "rel_01k9z3q8xw4f7m2abc") == "orgao-co-7m2abc"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1"])
def test_no_cell_starts_a_formula(cell):
    assert csv_text([[cell]]).lstrip('"').startswith("'")


def test_phone_numbers_keep_their_sign():
    assert csv_text([["+1 (555) 010-0001"]]) == "+1 (555) 010-0001\r\n"


def test_a_list_without_phone_or_arm_says_which_columns_it_has():
    for columns in (["id", "arm"], ["cell", "id"]):
        with pytest.raises(InputError) as caught:
            list(rows([], columns, {"a": "x"}, dialect="spoke"))
        assert caught.value.hint
    with pytest.raises(InputError, match="names no column"):
        list(rows([], ["cell", "arm"], {"a": "x"}, dialect="spoke", given={"cell": "Mobile"}))


def test_both_dialects_carry_the_same_people():
    people = [{"cell": "5550100001", "arm": "a", "zip": "1"}]
    plain, rewired = (
        list(rows(people, ["cell", "arm", "zip"], {"a": "Hi"}, dialect=d))
        for d in ("spoke", "spoke-rewired")
    )
    assert plain[1:] == rewired[1:]
    assert plain[0] != rewired[0]
