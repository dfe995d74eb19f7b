"""From a story and an issue to texts that differ in one block.

Pure: everything that the result depends on is an argument. The steps are: read the moment, choose
the ask and a talking point that hold today, choose one frame per block (two or more for the block
that varies), fill frames and templates in the sandbox, make each text fit its channel, lint.

A text that does not fit is shortened in a fixed order (headline, then blocks other than the one
that varies), and by the same steps for all variants of a channel: otherwise the arms of the test
would differ in more than the named block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

from responders.drafting.choose import (
    choose_ask,
    choose_audience,
    choose_frames,
    choose_point,
    choose_reading,
    wording,
)
from responders.drafting.contexts import (
    CONTEXTS,
    AskContext,
    BlocksContext,
    OrgContext,
    PointContext,
    check_names,
)
from responders.drafting.facts import story_context
from responders.drafting.lengths import LIMITS, measure, parts_of, plain_punctuation
from responders.drafting.lint import LintRules, lint_draft
from responders.drafting.phrases import gsm_accents, tidy
from responders.drafting.render import render
from responders.model.draft import Block, ChannelText, Draft, Variant
from responders.model.issue import BLOCKS, RISKS
from testkit.errors import InputError
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

    from responders.drafting.lengths import Limit
    from responders.model.draft import MatchReason, Organisation, Quote, StoryFacts
    from responders.model.issue import BlockName, Channel, Frame, Issue, Moment, Risk

__all__ = ["TEMPLATE_NAME", "Templates", "bundled_templates", "compose", "length_of"]

Templates = Mapping[tuple[str, str, str], str]
"""(channel, name, language) to template text."""

TEMPLATE_NAME: Final = "response"
# What a text says when all is well; the block that varies is added if it is not among them.
_USUAL_BLOCKS: Final[dict[str, tuple[BlockName, ...]]] = {
    "email": BLOCKS,
    "call": ("value", "problem", "solution", "action"),
    "sms": ("problem", "action"),
    "post": ("problem", "action"),
    "push": ("problem",),
    "ad": ("problem", "action"),
}
_FITTED: Final = frozenset({"sms", "post", "push", "ad"})
_HEADED: Final = frozenset({"email", "push", "ad"})
_SHORT_TITLES: Final = (80, 64, 48)
_PUSH_TITLES: Final = (38,)
_DROP_ORDER: Final[tuple[BlockName, ...]] = ("solution", "value", "problem")
_VARY_ORDER: Final[tuple[BlockName, ...]] = ("problem", "action", "value", "solution", "subject")
_CARE_CHANNELS: Final = frozenset({"email", "post"})
MAX_VARIANTS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What all texts of one draft share."""

    story: StoryFacts
    issue: Issue
    org: OrgContext
    moment: Moment | None
    ask: AskContext
    point: PointContext | None
    greeting: str
    audience: str
    today: date
    zone: tzinfo
    quote: Quote | None
    hold: bool


def bundled_templates() -> dict[tuple[str, str, str], str]:
    """The templates that come with the package, keyed by channel, name and language."""
    from importlib.resources import files

    found: dict[tuple[str, str, str], str] = {}
    for folder in files("responders.drafting").joinpath("templates").iterdir():
        if not folder.is_dir():
            continue
        for file in folder.iterdir():
            if file.name.endswith(".jinja"):
                name, lang, _ = file.name.split(".")
                found[folder.name, name, lang] = file.read_text(encoding="utf-8")
    return found


def compose(
    story: StoryFacts,
    issue: Issue,
    reason: MatchReason,
    org: Organisation,
    *,
    as_of: datetime,
    templates: Templates | None = None,
    audience: str = "",
    channels: tuple[Channel, ...] = (),
    vary: BlockName | None = None,
    variants: int = 2,
    moment: str | None = None,
    quote: Quote | None = None,
    limits: Mapping[str, Limit] = LIMITS,
    rules: LintRules | None = None,
    zone: tzinfo = UTC,
) -> Draft:
    """The texts that answer a story, with why it was raised and what to check.

    Args:
        story: What is known about the event.
        issue: The tracked issue that it matched.
        reason: Why it matched.
        org: Who is speaking.
        as_of: Now, aware; decides what has expired.
        templates: Template texts; the bundled ones by default.
        audience: Name of one of the issue's audiences; its first by default.
        channels: Channels to draft for; the issue's by default.
        vary: Block in which the variants differ; the issue's choice by default.
        variants: Texts per channel, 1 to 4; fewer where the issue has fewer alternatives.
        moment: Name of a moment, to overrule the reading; an empty text for none.
        quote: A quotation to put into the e-mail; it needs a speaker.
        limits: Length rules per channel.
        rules: What lint looks for; the defaults of the issue's language when None.
        zone: Time zone of the readers.

    Returns:
        A draft; texts that could not be made are missing from it and named in its findings.

    Raises:
        InputError: ``variants`` is outside 1-4, ``as_of`` is naive, or ``quote`` has no speaker.
        NotFoundError: No such audience or moment in the issue.
    """
    _check_arguments(as_of=as_of, variants=variants, quote=quote)
    reading = choose_reading(issue, story, moment)
    person = choose_audience(issue, audience)
    hold = reading.moment is not None and reading.moment.hold
    today = as_of.astimezone(zone).date()
    name = reading.moment.name if reading.moment else ""
    voice = _org(org, lang=issue.lang, disclaimer=issue.disclaimer)
    plain_story = story_context(story, lang=issue.lang, zone=zone, hold=hold)
    findings: list[Finding] = []
    ask, ask_findings = choose_ask(issue, name, today, voice, plain_story)
    findings.extend(ask_findings)
    facts = _Facts(
        story=story,
        issue=issue,
        org=voice,
        moment=reading.moment,
        ask=ask,
        point=choose_point(issue, name, today),
        greeting=person.greeting,
        audience=person.name,
        today=today,
        zone=zone,
        quote=quote,
        hold=hold,
    )
    chosen = templates if templates is not None else bundled_templates()
    texts: list[Variant] = []
    for channel in channels or issue.channels:
        if hold and channel not in _CARE_CHANNELS:
            continue
        made, problems = _channel(
            channel, facts, chosen, vary=vary or issue.vary, count=variants, limits=limits
        )
        texts.extend(made)
        findings.extend(problems)
    draft = Draft(
        story=story,
        issue=issue.slug,
        reason=reason,
        reading=reading.in_words(),
        moment=name,
        audience=person.name,
        lang=issue.lang,
        risk=_highest(issue.risk, reading.moment.risk if reading.moment else None),
        hold=hold,
        variants=tuple(texts),
        quotes=story.quotes,
        findings=tuple(findings),
        drafted_at=as_of,
    )
    return lint_draft(draft, issue, org, as_of=as_of, rules=rules, limits=limits, zone=zone)


def _check_arguments(*, as_of: datetime, variants: int, quote: Quote | None) -> None:
    if as_of.tzinfo is None:
        raise InputError(
            "as_of has no time zone", field="as_of", value=as_of, hint="use an aware UTC time"
        )
    if not 1 <= variants <= MAX_VARIANTS:
        raise InputError(
            f"variants is {variants}",
            field="variants",
            value=variants,
            hint=f"1 to {MAX_VARIANTS}; more arms need more people than most lists have",
        )
    if quote is not None and not quote.speaker.strip():
        raise InputError(
            "the quotation has no speaker",
            field="quote",
            value=quote.text,
            hint="name who said it, or leave it out: unattributed words are not sent",
        )


def _org(org: Organisation, *, lang: str, disclaimer: str) -> OrgContext:
    spanish = lang.split("-", maxsplit=1)[0] == "es"
    return OrgContext(
        name=org.name,
        short_name=org.short_name or org.name,
        link=org.link.rstrip("/"),
        phone=org.phone,
        signer=org.signer,
        address=org.address,
        email_opt_out=org.email_opt_out,
        sms_opt_out=org.sms_opt_out_es if spanish else org.sms_opt_out,
        disclaimer=disclaimer or org.disclaimer,
    )


def _channel(
    channel: Channel,
    facts: _Facts,
    templates: Templates,
    *,
    vary: BlockName,
    count: int,
    limits: Mapping[str, Limit],
) -> tuple[list[Variant], list[Finding]]:
    source = _template(templates, channel, facts.issue.lang)
    if source is None:
        return [], [_missing_template(channel, facts.issue.lang)]
    problems = list(check_names(source, CONTEXTS[channel], where=f"{channel}/{TEMPLATE_NAME}"))
    if problems:
        return [], problems
    frames = {
        block: choose_frames(
            facts.issue,
            block,
            channel,
            moment=facts.moment,
            audience=facts.audience,
            today=facts.today,
        )
        for block in BLOCKS
    }
    usual = list(_USUAL_BLOCKS[channel])
    varied = _varied(frames, vary, channel) if count > 1 and not facts.hold else None
    if varied is not None and varied not in usual:
        usual.append(varied)
    if facts.hold:
        usual = ["subject", "value", "action"]
    arms = [
        {
            block: frames[block][index if block == varied else 0]
            for block in BLOCKS
            if block in usual and frames[block]
        }
        for index in range(min(count, len(frames[varied])) if varied else 1)
    ]
    attempts = [(_SHORT_TITLES[0], tuple(usual))]
    if channel in _FITTED:
        attempts = _attempts(
            usual, varied, titles=_PUSH_TITLES if channel == "push" else _SHORT_TITLES
        )
    tries = [(chars, blocks, False, False) for chars, blocks in attempts]
    if channel == "sms" and gsm_accents(facts.story.title) != facts.story.title:
        tries += [(chars, blocks, True, False) for chars, blocks in attempts]
    # The deciding fact comes along where it fits beside all blocks; it pushes none out.
    full = tuple(usual)
    tries = [
        (chars, full, plain, True)
        for chars, blocks, plain, _ in tries
        if blocks == full and chars == attempts[0][0]
    ] + tries
    made: list[Variant] = []
    findings: list[Finding] = []
    for short_chars, blocks, plain, keyed in tries:
        made, findings = [], [_accents_left_out()] if plain else []
        for index, arm in enumerate(arms):
            kept = {block: frame for block, frame in arm.items() if block in blocks}
            variant, problems = _text(
                channel,
                facts,
                source,
                kept,
                key="abcd"[index],
                varied=varied,
                short=short_chars,
                plain=plain,
                keyed=keyed,
            )
            findings.extend(problems)
            if variant is not None:
                made.append(variant)
        if all(_comfortable(variant, limits) for variant in made):
            break
    return [replace(v, length=length_of(v, limits)) for v in made], findings


def _template(templates: Templates, channel: str, lang: str) -> str | None:
    for tag in (lang, lang.split("-", maxsplit=1)[0]):
        if (channel, TEMPLATE_NAME, tag) in templates:
            return templates[channel, TEMPLATE_NAME, tag]
    return None


def _missing_template(channel: str, lang: str) -> Finding:
    return Finding(
        code="RS005",
        severity="error",
        message=f"there is no {channel} template in {lang!r}",
        hint=f"add templates/{channel}/{TEMPLATE_NAME}.{lang}.jinja, or drop the channel",
        where=f"{channel}/{TEMPLATE_NAME}",
    )


def _accents_left_out() -> Finding:
    return Finding(
        code="RS006",
        severity="note",
        message="accents were left out of the headline: with them the message costs more parts",
        hint="put them back if the cost does not matter",
        where="sms",
    )


def _varied(
    frames: Mapping[BlockName, list[Frame]], wanted: BlockName, channel: Channel
) -> BlockName | None:
    """The block to vary: the one asked for, else the first that has two alternatives here."""
    for block in (wanted, *_VARY_ORDER):
        if block == "subject" and channel != "email":
            continue
        if len(frames[block]) > 1:
            return block
    return None


def _attempts(
    usual: list[BlockName], varied: BlockName | None, *, titles: tuple[int, ...]
) -> list[tuple[int, tuple[BlockName, ...]]]:
    """From the full text to the shortest one worth sending."""
    steps = [(chars, tuple(usual)) for chars in titles]
    kept = list(usual)
    for block in _DROP_ORDER:
        if block in kept and block != varied:
            kept.remove(block)
            steps.extend((chars, tuple(kept)) for chars in titles[1:] or titles)
    return steps


def _text(
    channel: Channel,
    facts: _Facts,
    source: str,
    frames: Mapping[BlockName, Frame],
    *,
    key: str,
    varied: BlockName | None,
    short: int,
    plain: bool = False,
    keyed: bool = False,
) -> tuple[Variant | None, list[Finding]]:
    story = story_context(
        facts.story,
        lang=facts.issue.lang,
        zone=facts.zone,
        short_chars=short,
        quote=facts.quote,
        hold=facts.hold,
    )
    if plain:
        story = replace(
            story, short_title=gsm_accents(story.short_title), key=gsm_accents(story.key)
        )
    if not keyed:
        story = replace(story, key="", key_outlet="")
    findings: list[Finding] = []
    words: dict[str, str] = dict.fromkeys(BLOCKS, "")
    for block, frame in frames.items():
        where = f"frames.{block}.{frame.name}"
        text = wording(frame, channel)
        findings.extend(check_names(text, CONTEXTS["frame"], where=where))
        done = render(text, {"org": facts.org, "ask": facts.ask, "story": story}, name=where)
        findings.extend(done.findings)
        words[block] = tidy(done.text or "")
    values = {
        "story": story,
        "org": facts.org,
        "ask": facts.ask,
        "blocks": BlocksContext(**words),
        "point": facts.point,
        "greeting": facts.greeting,
        "hold": facts.hold,
    }
    done = render(source, values, name=f"{channel}/{TEMPLATE_NAME}")
    findings.extend(done.findings)
    if done.text is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    variant = Variant(
        key=key,
        channel=channel,
        varied=varied,
        alternative=frames[varied].name if varied else "",
        blocks=tuple(
            Block(name=block, alternative=frame.name, text=words[block])
            for block, frame in frames.items()
        ),
        text=_channel_text(channel, done.text),
    )
    return variant, findings


def _channel_text(channel: Channel, rendered: str) -> ChannelText:
    if channel in _HEADED:
        head, _, body = rendered.strip().partition("\n\n")
        fields: dict[str, str] = {}
        for line in head.splitlines():
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        return ChannelText(
            channel=channel,
            body=tidy(body),
            subject=tidy(fields.get("subject", fields.get("title", ""))),
            preheader=tidy(fields.get("preheader", "")),
        )
    text = tidy(rendered)
    if channel == "sms":
        text = plain_punctuation(text)
    return ChannelText(channel=channel, body=text)


def _comfortable(variant: Variant, limits: Mapping[str, Limit]) -> bool:
    if variant.channel == "email":
        return True
    parts = parts_of(variant.text, limits)
    if parts:
        return all(measure(text, key, limits=limits).comfortable for key, text in parts)
    if variant.channel not in limits:
        return True
    return measure(variant.text.body, variant.channel, limits=limits).comfortable


def length_of(variant: Variant, limits: Mapping[str, Limit] = LIMITS) -> str:
    """Length of a text in its channel's own terms, in words."""
    if variant.channel == "email":
        subject = measure(variant.text.subject, "email.subject", limits=limits)
        return f"subject {subject.used} characters, body {len(variant.text.body.split())} words"
    parts = parts_of(variant.text, limits)
    if parts:
        return ", ".join(
            f"{key.partition('.')[2]} {measure(text, key, limits=limits)}" for key, text in parts
        )
    if variant.channel not in limits:
        return ""
    return str(measure(variant.text.body, variant.channel, limits=limits))


def _highest(first: Risk, second: Risk | None) -> Risk:
    return first if second is None else max(first, second, key=RISKS.index)
