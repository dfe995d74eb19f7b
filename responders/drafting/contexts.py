"""What a template may use: one documented context per template, and a check that it holds.

Field docstrings are the documentation that a comms person sees; ``whistlestop`` prints them and a
test keeps them complete. A template that uses another name is reported before it is ever run.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, Final, get_args, get_type_hints

from responders.drafting.render import attribute_paths
from testkit.kernel.findings import Finding

__all__ = [
    "CHANNEL_CONTEXTS",
    "CONTEXTS",
    "AskContext",
    "BlocksContext",
    "CallContext",
    "EmailContext",
    "FrameContext",
    "OrgContext",
    "PointContext",
    "PostContext",
    "QuoteContext",
    "SmsContext",
    "StoryContext",
    "check_names",
    "documented_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteContext:
    """Something that a person said, with who says so.

    Attributes:
        text: The words, without quotation marks.
        speaker: Who said them.
        outlet: Who reports it.
    """

    text: str
    speaker: str
    outlet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryContext:
    """The news, cleaned: one line each, inner quotation marks single, lengths capped.

    Attributes:
        title: Headline without the outlet's name, without a final full stop.
        short_title: The headline cut between words for short channels.
        url: Address of the article.
        outlet: Outlet that published it.
        others: How many other outlets report it.
        others_word: The same as it begins a sentence: ``Three``, ``12``.
        said: One or two sentences of the summary that can be quoted whole; else empty.
        more: A sentence that another outlet adds; empty when none does.
        more_outlet: That outlet; empty when there is none.
        place: Town or county that two outlets name; empty when they do not agree on one.
        date: Day of publication: ``May 12`` (``12 de mayo`` in Spanish); empty when unknown.
        key: A short sentence on an appeal, a denial, a deadline or a day of effect; else empty.
        key_outlet: The outlet that has it; empty when there is none.
        decider: Whom to call: ``Gov. Porter``, ``your senator``; empty when nobody decides next.
        step: ``sign`` before a governor, ``vote`` before a chamber or a council; else empty.
        day: The next vote, hearing or deadline: ``November 12``, ``Monday``; else empty.
        starts: The day from which it holds: ``January 1``; else empty.
        body: Who decided: ``the commissioners``, ``the council``; else empty.
        hurt: True when people were hurt and nobody is reported dead.
        quote: A quotation that the editor chose; None when there is none.
    """

    title: str
    short_title: str
    url: str
    outlet: str
    others: int
    others_word: str
    said: str
    more: str
    more_outlet: str
    place: str
    date: str
    key: str
    key_outlet: str
    decider: str
    step: str
    day: str
    starts: str
    body: str
    hurt: bool
    quote: QuoteContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgContext:
    """Who is speaking.

    Attributes:
        name: Full name.
        short_name: Name in a text message.
        link: Short link.
        phone: Telephone number.
        signer: Who signs e-mails.
        address: Postal address.
        email_opt_out: Line that lets a reader leave the list.
        sms_opt_out: Words that let a reader leave, in the language of the text.
        disclaimer: Line that law or policy asks for.
    """

    name: str
    short_name: str
    link: str
    phone: str
    signer: str
    address: str
    email_opt_out: str
    sms_opt_out: str
    disclaimer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskContext:
    """What the reader is asked to do.

    Attributes:
        label: The ask as an imperative: ``Sign the pledge``.
        verb: Kind of act: ``sign``, ``call``, ``come`` ...
        url: Where to do it; empty when by telephone.
        phone: Number to call; empty when none.
    """

    label: str
    verb: str
    url: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointContext:
    """A talking point.

    Attributes:
        text: One sentence.
        source: Who says so.
        source_url: Where to check it; may be empty.
    """

    text: str
    source: str
    source_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksContext:
    """The blocks chosen for this variant; empty where the channel has no room for one.

    Attributes:
        subject: Subject line (e-mail only).
        value: What we share.
        problem: Who is hurt, and by whose choice.
        solution: What would put it right.
        action: What the reader does now.
    """

    subject: str
    value: str
    problem: str
    solution: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameContext:
    """What the text of a frame may use.

    Attributes:
        org: Who is speaking.
        ask: What the reader is asked to do.
        story: The news.
    """

    org: OrgContext
    ask: AskContext
    story: StoryContext


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContext:
    """What an e-mail template may use.

    Attributes:
        story: The news.
        org: Who is speaking.
        ask: What the reader is asked to do.
        blocks: The message.
        point: A talking point; None when there is none that holds today.
        greeting: How the audience is addressed.
        hold: True when nothing should be asked yet.
    """

    story: StoryContext
    org: OrgContext
    ask: AskContext
    blocks: BlocksContext
    point: PointContext | None
    greeting: str
    hold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsContext:
    """What a text message template may use.

    Attributes:
        story: The news.
        org: Who is speaking.
        ask: What the reader is asked to do.
        blocks: The message in short form.
        hold: True when nothing should be asked yet.
    """

    story: StoryContext
    org: OrgContext
    ask: AskContext
    blocks: BlocksContext
    hold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostContext:
    """What the template of a post, a push message or an ad may use.

    Attributes:
        story: The news.
        org: Who is speaking.
        ask: What the reader is asked to do.
        blocks: The message in short form.
        hold: True when nothing should be asked yet.
    """

    story: StoryContext
    org: OrgContext
    ask: AskContext
    blocks: BlocksContext
    hold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What a call script template may use.

    Attributes:
        story: The news.
        org: Who is speaking.
        ask: What the listener is asked to do.
        blocks: The message in spoken form.
        point: A talking point; None when there is none that holds today.
        hold: True when nothing should be asked yet.
    """

    story: StoryContext
    org: OrgContext
    ask: AskContext
    blocks: BlocksContext
    point: PointContext | None
    hold: bool


CONTEXTS: Final[dict[str, type]] = {
    "frame": FrameContext,
    "email": EmailContext,
    "sms": SmsContext,
    "post": PostContext,
    "push": PostContext,
    "ad": PostContext,
    "call": CallContext,
}


CHANNEL_CONTEXTS: Final[dict[str, type]] = {
    channel: context for channel, context in CONTEXTS.items() if channel != "frame"
}


@lru_cache(maxsize=32)
def documented_names(context: type) -> frozenset[str]:
    """Every dotted name that a context offers.

    Examples:
        >>> "org.phone" in documented_names(FrameContext)
        True
    """
    found: set[str] = set()
    for name, kind in get_type_hints(context).items():
        found.add(name)
        inner = _dataclass_in(kind)
        if inner is not None:
            found |= {f"{name}.{rest}" for rest in documented_names(inner)}
    return frozenset(found)


def _dataclass_in(kind: Any) -> type | None:
    options = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    return next((item for item in options if isinstance(item, type) and is_dataclass(item)), None)


def check_names(source: str, context: type, *, where: str = "template") -> tuple[Finding, ...]:
    """Names that a template uses and its context does not offer.

    Args:
        source: Template text.
        context: One of :data:`CONTEXTS`.
        where: What to call the template.

    Returns:
        One RS004 per undocumented name; RS002 when the template cannot be read.

    Examples:
        >>> [f.message for f in check_names("{{ story.headline }}", SmsContext)]
        ["'story.headline' is not something this template can use"]
    """
    try:
        used = attribute_paths(source)
    except ValueError as error:
        return (Finding(code="RS002", severity="error", message=str(error), where=where),)
    known = documented_names(context)
    top = ", ".join(field.name for field in fields(context))
    findings = []
    for path in used:
        if path in known:
            continue
        parent = path.rpartition(".")[0]
        near = sorted(name for name in known if name.rpartition(".")[0] == parent)
        findings.append(
            Finding(
                code="RS004",
                severity="error",
                message=f"{path!r} is not something this template can use",
                hint="there is " + (", ".join(near) if near else top),
                where=where,
            )
        )
    return tuple(findings)
