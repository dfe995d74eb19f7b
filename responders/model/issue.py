"""A tracked policy topic: what to watch for, what to say, who says yes.

An issue is a file that a comms person edits. Here it is a frozen value; reading the file into it
(:mod:`responders.model.issue_file`) reports every problem of the file at once.

A message is made of *blocks*: ``subject``, ``value`` (what we share), ``problem`` (who is hurt and
by whose choice), ``solution`` (what would put it right) and ``action`` (what the reader does now).
Each block is written in several *frames*: named alternatives, one of which may be swapped to make
the arms of a test. A frame may belong to a *moment*: what kind of news this is (a strike vote, a
court loss, a win), recognised by cue words, so that a win is not answered with outrage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = [
    "BLOCKS",
    "CHANNELS",
    "OUTCOMES",
    "RISKS",
    "STANCES",
    "VERBS",
    "Ask",
    "Audience",
    "BlockName",
    "Channel",
    "Frame",
    "Issue",
    "Moment",
    "Outcome",
    "Position",
    "Risk",
    "Sensitivity",
    "Stance",
    "TalkingPoint",
    "Thing",
    "Verb",
]

BlockName = Literal["subject", "value", "problem", "solution", "action"]
Channel = Literal["email", "sms", "post", "call", "push", "ad"]
Risk = Literal["low", "medium", "high"]
Stance = Literal["setback", "progress", "neutral"]
Outcome = Literal[
    "won",
    "won-in-court",
    "won-by-voters",
    "lost",
    "lost-in-court",
    "lost-by-voters",
    "refused",
    "hoped",
    "feared",
]
Verb = Literal["call", "sign", "come", "write", "vote", "share", "volunteer", "report"]

BLOCKS: Final[tuple[BlockName, ...]] = ("subject", "value", "problem", "solution", "action")
CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms", "post", "call", "push", "ad")
RISKS: Final[tuple[Risk, ...]] = ("low", "medium", "high")
STANCES: Final[tuple[Stance, ...]] = ("setback", "progress", "neutral")
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "won", "won-in-court", "won-by-voters", "lost", "lost-in-court", "lost-by-voters", "refused",
    "hoped", "feared",
)  # fmt: skip
VERBS: Final[tuple[Verb, ...]] = (
    "call", "sign", "come", "write", "vote", "share", "volunteer", "report",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is spoken to.

    Attributes:
        name: Key used by frames: ``supporters``, ``members``.
        greeting: How an e-mail to them begins, without the comma.
    """

    name: str
    greeting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Words that call for a person's judgement before anything goes out.

    Attributes:
        words: Words or phrases, ``word*`` for any ending.
        reason: What to think about, in one sentence.
        blocks: True when nothing may go out until somebody has changed the draft.
    """

    words: tuple[str, ...]
    reason: str
    blocks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A kind of news on this issue.

    Attributes:
        name: Key used by frames: ``strike``, ``court-loss``.
        label: In words, after "read as": ``a strike or a strike vote``.
        stance: Whether it is a setback for the issue, progress, or neither.
        cues: What gives it away in a headline (see :mod:`responders.drafting.moments`).
        risk: Risk of answering it, if higher than the issue's.
        hold: True when the right first answer is care, not an ask (somebody died).
    """

    name: str
    label: str
    stance: Stance
    cues: tuple[str, ...]
    risk: Risk | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that news happens to: a rent cap, an abortion ban, a coal plant.

    Attributes:
        name: Key; unique in the issue.
        wanted: Whether the issue wants it.
        words: What it is called in headlines (see :mod:`responders.drafting.spans`).
        moments: Outcome to the name of the moment that says it; one that is missing has none, and
            such news is drafted in general words. Outcomes are from the issue's side: an unwanted
            thing that is stopped is ``won``.
    """

    name: str
    wanted: bool
    words: tuple[str, ...]
    moments: Mapping[Outcome, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One named alternative of one block.

    Attributes:
        block: Which block it can fill.
        name: Name of the alternative; unique within its block.
        text: Full form, for e-mail. May use ``{{ org.name }}``, ``{{ ask.label }}`` and the other
            names that ``responders.drafting.contexts`` documents.
        short: Form for SMS and posts; empty when the block is left out there.
        spoken: Form to be read aloud; empty means ``text``.
        moments: Moments it is written for; empty means any.
        channels: Channels it may be used on; empty means all.
        audiences: Audiences it is written for; empty means all.
        expires_on: Last day on which it may be used; None means no end.
    """

    block: BlockName
    name: str
    text: str
    short: str = ""
    spoken: str = ""
    moments: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    audiences: tuple[str, ...] = ()
    expires_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkingPoint:
    """A fact that the organisation stands behind.

    Attributes:
        name: Key.
        text: One sentence, as it would be sent.
        source: Who says so, as it would be written: ``National Labor Relations Board``.
        source_url: Where to check it; empty when the source is a law or a book.
        expires_on: Last day on which it may be used without checking it again.
        moments: Moments it serves; empty means any.
    """

    name: str
    text: str
    source: str
    source_url: str = ""
    expires_on: date | None = None
    moments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the reader is asked to do.

    Attributes:
        name: Key.
        verb: The kind of act; what outcomes are counted as.
        label: The ask as an imperative without a full stop: ``Sign the pledge``.
        url: Where to do it; may use ``{{ org.link }}``; empty when it is done by telephone.
        phone: Number to call; may use ``{{ org.phone }}``.
        moments: Moments it fits; empty means any.
        expires_on: Last day on which it makes sense.
    """

    name: str
    verb: Verb
    label: str
    url: str = ""
    phone: str = ""
    moments: tuple[str, ...] = ()
    expires_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What the organisation has said before.

    Attributes:
        statement: The position, one sentence.
        since: Day on which it was taken.
        source_url: Where it was said; empty when it was not published.
        opposed: Words or phrases that would contradict it in a draft.
    """

    statement: str
    since: date | None = None
    source_url: str = ""
    opposed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A tracked policy topic.

    Attributes:
        slug: Key of the issue; lower case, digits and hyphens.
        title: Its name for people, as it reads in a sentence: ``safe work and fair pay``.
        query: What to watch for, in the query language of :mod:`responders.match`.
        owner: Role or person who answers for it.
        lang: BCP 47 tag of the texts.
        translates: Slug of the issue that this one is a translation of; empty when it is none.
        chain: Sign-off chain that its drafts go through.
        risk: Risk of a draft unless a moment or a sensitivity raises it.
        aliases: Entity name to the terms that mean it, for ``@name`` in the query.
        audiences: Who may be spoken to; the first is the default.
        channels: Channels to draft for, in order.
        vary: Block in which the variants differ.
        moments: Kinds of news, the more specific first.
        things: What news happens to, so that a headline can be read that no cue foresaw.
        frames: Blocks in named alternatives.
        talking_points: Facts with source and expiry.
        asks: What readers can be asked to do, the preferred one first.
        positions: What was said before.
        sensitivities: Words that call for judgement.
        disclaimer: Line that law or policy asks for under e-mails (``Paid for by ...``).
        alarms_per_week: False alarms that it may ring in a week without news; 0 never rings.
    """

    slug: str
    title: str
    query: str
    owner: str
    lang: str = "en"
    translates: str = ""
    chain: str = "rapid-response"
    risk: Risk = "medium"
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    audiences: tuple[Audience, ...] = (Audience(name="supporters", greeting="Friend"),)
    channels: tuple[Channel, ...] = CHANNELS
    vary: BlockName = "problem"
    moments: tuple[Moment, ...] = ()
    things: tuple[Thing, ...] = ()
    frames: tuple[Frame, ...] = ()
    talking_points: tuple[TalkingPoint, ...] = ()
    asks: tuple[Ask, ...] = ()
    positions: tuple[Position, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    disclaimer: str = ""
    alarms_per_week: float = 1.0

    def moment(self, name: str) -> Moment | None:
        """The moment with that name, or None."""
        return next((moment for moment in self.moments if moment.name == name), None)
