"""Templates: whatever one is made of, it comes back in time with a text or a finding."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.drafting.compose import bundled_templates
from responders.drafting.contexts import (
    CONTEXTS,
    FrameContext,
    check_names,
    documented_names,
)
from responders.drafting.render import DEFAULT_LIMITS, RenderLimits, attribute_paths, render

FIFTY = tuple(range(50))
NESTED = "{% for a in l %}" * 5 + "{% endfor %}" * 5


def code(source: str, **values: object) -> str:
    result = render(source, {"l": FIFTY, "x": 1, "big": "z" * 15_000, **values})
    assert (result.text is None) == bool(result.findings)
    return result.findings[0].code if result.findings else "text"


@pytest.mark.parametrize(
    "source",
    [
        NESTED,
        "{% for a in l %}{{ big }}{% endfor %}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ 10 ** 14 * 10 ** 14 * 10 ** 14 }}",
        "{{ l | join(big) }}",
        "{{ " + "(" * 9000,
        "{{ " + "not " * 4000 + "1 }}",
        "x" * (DEFAULT_LIMITS.source_chars + 1),
    ],
    ids=lambda s: s[:24],
)
def test_a_template_that_grows_or_loops_is_stopped_with_a_finding(source: str) -> None:
    started = time.perf_counter()
    assert code(source) == "RS003"
    assert time.perf_counter() - started < 1.0  # far below the 5 s that a worker may be held


def test_a_stopped_template_stops_at_the_same_step_each_time() -> None:
    # 50 + 50*50 + 50*50*50 rounds: above the budget. Two loops stay below it.
    assert code("{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}") == "text"
    assert code("{% for a in l %}{% for b in l %}{% for c in l %}" + "{% endfor %}" * 3) == "RS003"


def test_the_budget_is_per_rendering() -> None:
    source = "{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}ok"
    for _ in range(10):
        assert render(source, {"l": FIFTY}).text == "ok"


def test_limits_can_be_tighter() -> None:
    limits = RenderLimits(output_chars=5)
    assert render("123456", {}, limits=limits).findings[0].code == "RS003"
    assert render("12345", {}, limits=limits).text == "12345"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ (1).__add__ }}",
        "{{ x.__init__ }}",
        "{{ x() }}",
        "{{ range(10) }}",
        "{{ 'a' * 10**8 }}",
        "{{ '%1000000000s' % 3 }}",
        "{{ 1 / 0 }}",
        "{{ l | map('upper') }}",
        "{{ 'a' | attr('upper') }}",
        "{{ x is callable }}",
        "{{ _budget }}",
        "{{ big[:3] }}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% for a in l recursive %}{% endfor %}",
        "{% set ns.x = 1 %}",
        "{{ x }",
        "{% if x %}",
        "{{ 'x' | shorten('a') }}",
    ],
)
def test_what_templates_may_not_do_is_refused_with_a_finding(source: str) -> None:
    assert code(source) == "RS002"


def test_a_missing_fact_is_named_with_its_line() -> None:
    result = render("one\n{{ org.fax }}", {"org": {}}, name="sms/response")
    (finding,) = result.findings
    assert finding.code == "RS001"
    assert "fax" in finding.message
    assert finding.where == "sms/response:2"


def test_feed_text_is_never_run() -> None:
    hostile = "{{ org.secret }}{% for a in l %}"
    assert render("“{{ t }}”", {"t": hostile}).text == f"“{hostile}”"


@given(st.text(alphabet="{}%| ().abcxl'~*+-1#\n", max_size=80))
def test_no_template_escapes_as_an_exception(source: str) -> None:
    result = render(source, {"l": FIFTY, "a": 1, "b": "b", "c": None, "x": {"a": 1}})
    assert (result.text is None) == bool(result.findings)


def test_arithmetic_on_numbers_works() -> None:
    assert render("{{ 7 // 2 + 2 ** 3 - 9 % 4 * 2 }}", {}).text == "9"


def test_paths_leave_out_what_the_template_sets_itself() -> None:
    source = (
        "{% set a = org.name %}{{ a }}"
        "{% for e in story.entries %}{{ e.url }}{{ loop.index }}{% endfor %}"
    )
    assert set(attribute_paths(source)) == {"org.name", "story.entries"}


@pytest.mark.parametrize("key", sorted(bundled_templates()), ids="/".join)
def test_bundled_templates_use_documented_names_only(key: tuple[str, str, str]) -> None:
    assert check_names(bundled_templates()[key], CONTEXTS[key[0]]) == ()


def test_every_channel_has_a_template_in_both_languages() -> None:
    keys = set(bundled_templates())
    for channel in ("email", "sms", "post", "call"):
        for lang in ("en", "es"):
            assert (channel, "response", lang) in keys


def test_an_undocumented_name_is_reported_with_what_there_is() -> None:
    (finding,) = check_names("{{ story.headline }}", FrameContext, where="frames.value.x")
    assert finding.code == "RS004"
    assert "story.title" in finding.hint


@pytest.mark.parametrize("context", [*CONTEXTS.values()], ids=lambda c: c.__name__)
def test_every_documented_name_is_described(context: type) -> None:
    # The docstring is what a comms person reads, so each field must be in it.
    described = context.__doc__ or ""
    top = {name for name in documented_names(context) if "." not in name}
    for name in top:
        assert f"{name}:" in described
