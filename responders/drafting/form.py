"""Lint of how a text is made: law, links, asks, slots, length, ease of reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import regex

from responders.drafting.claims import without_links
from responders.drafting.lengths import measure, parts_of, plain_punctuation, sms_length
from responders.drafting.moments import find_phrase
from responders.drafting.readability import reading_grade
from responders.drafting.rules import remark
from responders.drafting.urls import written_links

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.drafting.lengths import Limit
    from responders.drafting.rules import LintRules
    from responders.model.draft import ChannelText, Organisation, Variant
    from responders.model.issue import Issue
    from testkit.kernel.findings import Finding

__all__ = ["text_form"]

_PLACEHOLDER_HOST: Final = regex.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost)$|(?:^|\.)example\.(?:com|org|net)$"
)
_SLOT: Final = regex.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\[[^\]\n]{1,60}\]|<<.*?>>|\bXX+\b|\bTK\b|\bTKTK\b|_{3,}"
)
_CAPITALS: Final = regex.compile(r"(?<!\p{L})\p{Lu}{3,}(?:\s+\p{Lu}{2,})+(?!\p{L})")
_SIGNS: Final = regex.compile(r"!{2,}|\?{2,}|[!?]{3,}")
_STOP: Final = regex.compile(r"\bSTOP\b")


def text_form(
    variant: Variant,
    issue: Issue,
    org: Organisation,
    *,
    hold: bool,
    story_url: str,
    lang: str,
    rules: LintRules,
    limits: Mapping[str, Limit],
    where: str,
) -> list[Finding]:
    """RS040-RS073 on one text."""
    text = variant.text
    found = _law(text, issue, org, lang=lang, where=where)
    found += _links(text, hold=hold, story_url=story_url, rules=rules, where=where)
    found += _slots(text, org, where=where)
    found += _wording(text, lang=lang, rules=rules, where=where)
    found += _reading(text, issue, org, lang=lang, rules=rules, where=where)
    found += _lengths(text, limits=limits, rules=rules, where=where)
    return found


def _law(
    text: ChannelText, issue: Issue, org: Organisation, *, lang: str, where: str
) -> list[Finding]:
    found: list[Finding] = []
    if text.channel == "email":
        disclaimer = issue.disclaimer or org.disclaimer
        if disclaimer and disclaimer not in text.body:
            found.append(
                remark(
                    "RS040", f"“{disclaimer}” is not in the text",
                    hint="put {{ org.disclaimer }} into the template", where=where,
                )
            )  # fmt: skip
        if not org.email_opt_out:
            found.append(
                remark(
                    "RS041", "no opt-out line is configured for e-mail",
                    hint="set organisation.email_opt_out in whistlestop.yaml", where=where,
                )
            )  # fmt: skip
        elif org.email_opt_out not in text.body:
            found.append(
                remark(
                    "RS041", "the opt-out line is not in the text",
                    hint="put {{ org.email_opt_out }} into the template", where=where,
                )
            )  # fmt: skip
        if not org.address or org.address not in text.body:
            found.append(
                remark(
                    "RS042", "no postal address in the text",
                    hint="set organisation.address in whistlestop.yaml", where=where,
                )
            )  # fmt: skip
    if text.channel == "sms":
        line = plain_punctuation(org.sms_opt_out_es if lang.startswith("es") else org.sms_opt_out)
        if not (line and line in text.body) and not _STOP.search(text.body):
            found.append(
                remark(
                    "RS041", "the message does not say how to stop it",
                    hint="end it with “Reply STOP to end”", where=where,
                )
            )  # fmt: skip
    return found


def _links(
    text: ChannelText, *, hold: bool, story_url: str, rules: LintRules, where: str
) -> list[Finding]:
    found: list[Finding] = []
    spans = written_links(text.body)
    can_call = regex.search(r"\d{3}[-.\s)]{1,2}\d{3,4}", without_links(text.body))
    if not hold and text.channel != "call" and not spans and not can_call:
        found.append(
            remark(
                "RS050", "neither a link nor a telephone number",
                hint="give the issue an ask with a url or a phone", where=where,
            )
        )  # fmt: skip
    for span in spans:
        if span.text == story_url:
            continue  # the source is where it is
        url = span.text if span.has_protocol else f"https://{span.text}"
        host = (urlsplit(url).hostname or "").lower()
        if url.lower().startswith("http://"):
            found.append(
                remark("RS051", f"{span.text} is not https", hint="write https://", where=where)
            )
        if _PLACEHOLDER_HOST.search(host):
            found.append(
                remark(
                    "RS052", f"{span.text} is a placeholder",
                    hint="set organisation.link in whistlestop.yaml", where=where,
                )
            )  # fmt: skip
        if text.channel == "sms" and host.removeprefix("www.") in rules.shorteners:
            found.append(
                remark(
                    "RS053", f"{host} is a shared shortener; carriers filter it",
                    hint="use your own domain for short links", where=where,
                )
            )  # fmt: skip
    return list(dict.fromkeys(found))


def _slots(text: ChannelText, org: Organisation, *, where: str) -> list[Finding]:
    if text.channel == "call":
        return []  # the caller fills [their name]
    body = text.body.replace(org.email_opt_out, "") if org.email_opt_out else text.body
    whole = f"{text.subject}\n{text.preheader}\n{body}"
    return [
        remark("RS054", f"“{match[0]}” was left unfilled", hint="fill it or cut it", where=where)
        for match in _SLOT.finditer(whole)
    ]


def _wording(text: ChannelText, *, lang: str, rules: LintRules, where: str) -> list[Finding]:
    found: list[Finding] = []
    whole = f"{text.subject}\n{text.preheader}\n{text.body}"
    for phrase in rules.weak_asks.get(lang.split("-", maxsplit=1)[0], ()):
        for start, end in find_phrase(phrase, whole)[:1]:
            found.append(
                remark(
                    "RS055", f"“{whole[start:end]}” asks for nothing",
                    hint="ask for one act: call, sign, come", where=where,
                )
            )  # fmt: skip
    if text.channel != "call":  # a script has headings in capitals
        shouted = _CAPITALS.search(without_links(whole)) or _SIGNS.search(whole)
        if shouted:
            found.append(
                remark(
                    "RS062", f"“{shouted[0]}” shouts",
                    hint="filters and readers both mind", where=where,
                )
            )  # fmt: skip
    return found


def _reading(
    text: ChannelText,
    issue: Issue,
    org: Organisation,
    *,
    lang: str,
    rules: LintRules,
    where: str,
) -> list[Finding]:
    if text.channel not in {"email", "call"}:
        return []
    own = text.body
    small_print = (org.email_opt_out, org.address, issue.disclaimer, org.disclaimer, org.signer)
    for line in small_print:
        if line:
            own = own.replace(line, "")
    own = regex.sub(r"“[^”]*”|\[[^\]]*\]|^\p{Lu}[\p{Lu} ]+$", " ", own, flags=regex.MULTILINE)
    result = reading_grade(without_links(own), lang=lang)
    if result.grade is None:
        return [remark("RS061", result.reason, where=where)]
    if result.grade > rules.grade:
        return [
            remark(
                "RS060", f"reading grade {result.grade:g}, above {rules.grade:g}",
                hint="shorter sentences, shorter words", where=where,
            )
        ]  # fmt: skip
    return []


def _lengths(
    text: ChannelText, *, limits: Mapping[str, Limit], rules: LintRules, where: str
) -> list[Finding]:
    if text.channel == "email":
        found = []
        for key, part in (("email.subject", text.subject), ("email.preheader", text.preheader)):
            found += _against(part, key, limits, f"{where}.{key.partition('.')[2]}")
        return found
    parts = parts_of(text, limits)
    if parts:
        return [
            finding
            for key, part in parts
            for finding in _against(part, key, limits, f"{where}.{key.partition('.')[2]}")
        ]
    found = _against(text.body, text.channel, limits, where)
    if text.channel == "sms":
        sms = sms_length(text.body)
        if sms.encoding == "UCS-2":
            saves = sms.segments - sms.parts_if_plain
            lossy = [o for o in sms.offenders if o.lossy]
            hint = "write the plain characters"
            if saves:
                hint = f"plain characters make {sms.segments} parts into {sms.parts_if_plain}"
            elif lossy:
                hint = "reword, or accept the cost: without the accent it reads wrong"
            found.append(remark("RS072", sms.reason, hint=hint, where=where))
    if text.channel == "post":
        for network in rules.networks:
            if network not in limits:
                continue
            result = measure(text.body, network, limits=limits)
            if not result.fits:
                label = limits[network].label or network
                found.append(
                    remark(
                        "RS073", f"{label}: {result}",
                        hint="cut it, or leave that network out", where=where,
                    )
                )  # fmt: skip
    return found


def _against(text: str, channel: str, limits: Mapping[str, Limit], where: str) -> list[Finding]:
    if channel not in limits:
        return []
    result = measure(text, channel, limits=limits)
    if not result.fits:
        return [remark("RS070", str(result), hint="cut it", where=where)]
    if not result.comfortable:
        hint = f"{result.soft} {result.unit} is the point of comfort"
        return [remark("RS071", str(result), hint=hint, where=where)]
    return []
