"""A response in progress: the story's facts, why it was raised, and the texts of its variants.

Facts come from feeds and are untrusted: they are quoted, attributed and capped, never run. Every
text remembers the blocks that it was built from, so that the two arms of a test can be shown to
differ in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from responders.model.issue import BlockName, Channel, Risk
    from testkit.kernel.findings import Finding

__all__ = [
    "Block",
    "ChannelText",
    "Draft",
    "MatchReason",
    "MatchedWord",
    "Organisation",
    "Quote",
    "StoryEntry",
    "StoryFacts",
    "Variant",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words that a source puts in somebody's mouth.

    Attributes:
        text: The words, without quotation marks.
        speaker: Who said them; empty when the source does not say.
        source: Outlet that quotes them.
        url: Where.
    """

    text: str
    speaker: str = ""
    source: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEntry:
    """One outlet's item about the story.

    Attributes:
        title: Headline as published.
        url: Address of the article.
        source: Name of the outlet.
        published_at: When the outlet says that it was published, UTC; None when it does not say.
        summary: Plain text of its teaser.
        first_seen_at: When we first saw it, UTC.
        copy_of: Address of the item that this is a syndicated copy of; empty when it is its own.
    """

    title: str
    url: str
    source: str
    published_at: datetime | None = None
    summary: str = ""
    first_seen_at: datetime | None = None
    copy_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFacts:
    """What is known about one event, as drafts may use it.

    Attributes:
        id: Id of the story.
        title: Headline of the leading item.
        url: Its address.
        source: Name of its outlet.
        published_at: When it was published, UTC; None when the outlet does not say.
        first_seen_at: When we first saw any item of it, UTC.
        summary: Plain text of the leading item's teaser.
        quotes: What people said in it.
        entries: All items, the leading one first.
        lang: BCP 47 tag; empty when unknown.
        lang_declared: False when no feed says it and the words were asked.
    """

    id: str
    title: str
    url: str
    source: str
    published_at: datetime | None = None
    first_seen_at: datetime | None = None
    summary: str = ""
    quotes: tuple[Quote, ...] = ()
    entries: tuple[StoryEntry, ...] = ()
    lang: str = "en"
    lang_declared: bool = True

    @property
    def outlets(self) -> tuple[str, ...]:
        """Distinct outlets in order; a syndicated copy is reach, not another voice."""
        names = [self.source, *(entry.source for entry in self.entries if not entry.copy_of)]
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedWord:
    """A stretch of text that made the issue match.

    Attributes:
        text: The words as they stand there.
        where: ``title``, ``summary`` or ``source``.
    """

    text: str
    where: str = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReason:
    """Why a draft was raised.

    Attributes:
        issue: Slug of the issue.
        issue_title: Its name for people.
        owner: Who answers for it.
        matched: What was matched, most telling first.
        outlets: Distinct outlets so far.
        first_seen_at: When we first saw the story, UTC.
        volume: Sentence on the volume of news against the usual; empty when it is ordinary.
        lesson: Sentence on what an earlier response to the issue taught; empty without one.
    """

    issue: str
    issue_title: str
    owner: str = ""
    matched: tuple[MatchedWord, ...] = ()
    outlets: tuple[str, ...] = ()
    first_seen_at: datetime | None = None
    volume: str = ""
    lesson: str = ""

    def in_words(self) -> str:
        """The reason as a person would say it.

        Examples:
            >>> reason = MatchReason(
            ...     issue="labor", issue_title="safe work and fair pay", owner="Dana",
            ...     matched=(MatchedWord(text="strike vote"), MatchedWord(text="warehouse")),
            ...     outlets=("The Harbor Courier", "Radio Four Rivers"),
            ... )
            >>> print(reason.in_words())
            Raised for “safe work and fair pay” (Dana): the title has “strike vote” and “warehouse”. 2 outlets: The Harbor Courier, Radio Four Rivers.
        """  # noqa: E501 - a doctest line cannot be wrapped
        who = f" ({self.owner})" if self.owner else ""
        places: dict[str, list[str]] = {}
        for word in self.matched:
            places.setdefault(word.where, []).append(f"“{word.text}”")
        found = "; ".join(
            f"the {where} has {_listing(list(dict.fromkeys(words)))}"
            for where, words in places.items()
        )
        sentence = f"Raised for “{self.issue_title}”{who}"
        sentence += f": {found}." if found else "."
        if self.outlets:
            count = len(self.outlets)
            names = ", ".join(self.outlets[:4]) + (" ..." if count > 4 else "")
            sentence += f" {count} outlet{'' if count == 1 else 's'}: {names}."
        if self.first_seen_at is not None:
            sentence += f" First seen {self.first_seen_at:%Y-%m-%d %H:%M} UTC."
        return " ".join(part for part in (sentence, self.volume, self.lesson) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who is speaking, from the workspace's configuration.

    Attributes:
        name: Full name.
        short_name: Name in a text message; empty means ``name``.
        link: Short link without a trailing slash: ``https://example.org/go``.
        phone: Number that supporters may call.
        signer: Who signs an e-mail: ``Maya Ortiz, Organizing Director``.
        address: Postal address; commercial e-mail law in several countries asks for it.
        email_opt_out: The line that lets a reader leave the list, with its merge field.
        sms_opt_out: The words that let a reader leave: ``Reply STOP to end``.
        sms_opt_out_es: The same in Spanish.
        disclaimer: Line for every e-mail unless the issue has its own.
    """

    name: str
    short_name: str = ""
    link: str = ""
    phone: str = ""
    signer: str = ""
    address: str = ""
    email_opt_out: str = ""
    sms_opt_out: str = "Reply STOP to end"
    sms_opt_out_es: str = "Responda STOP para salir"
    disclaimer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block as it stands in a text.

    Attributes:
        name: Which block.
        alternative: Name of the frame that fills it.
        text: Its words after rendering; empty when the channel has no room for it.
    """

    name: BlockName
    alternative: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelText:
    """Words ready for one channel.

    Attributes:
        channel: Where they go.
        body: The text; for ``call`` the script. A push message and an ad end in a line
            ``Link: ...``, which their tools have a field for and which is not counted.
        subject: Subject of an e-mail, title of a push message, headline of an ad.
        preheader: E-mail only: the line that mail programs show after the subject.
    """

    channel: Channel
    body: str
    subject: str = ""
    preheader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One text of a draft; over the bridge it becomes an arm.

    Attributes:
        key: ``a``, ``b`` ...
        channel: Where it goes.
        varied: The one block in which the channel's variants differ; None when there is only one.
        alternative: Name of the frame that fills the varied block.
        blocks: All blocks of the text.
        text: The words.
        length: Length in the channel's own terms, in words.
        findings: What lint says about this text.
    """

    key: str
    channel: Channel
    varied: BlockName | None
    alternative: str
    blocks: tuple[Block, ...]
    text: ChannelText
    length: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A response in progress.

    Attributes:
        story: The facts it answers.
        issue: Slug of the issue.
        reason: Why it was raised.
        reading: How the news was read ("read as a strike or a strike vote: “walk out”").
        moment: Name of that moment; empty when none was recognised.
        audience: Whom it speaks to.
        lang: BCP 47 tag of the texts.
        risk: Highest of the issue's, the moment's and the sensitivities' risk.
        hold: True when nothing should be asked of anybody yet.
        variants: The texts, channel by channel.
        quotes: What people said, for the editor to use with its attribution.
        findings: Findings about the draft as a whole.
        drafted_at: When it was made, UTC.
    """

    story: StoryFacts
    issue: str
    reason: MatchReason
    reading: str
    moment: str
    audience: str
    lang: str
    risk: Risk
    hold: bool
    variants: tuple[Variant, ...]
    quotes: tuple[Quote, ...] = ()
    findings: tuple[Finding, ...] = ()
    drafted_at: datetime

    def on(self, channel: Channel) -> tuple[Variant, ...]:
        """The variants for one channel."""
        return tuple(variant for variant in self.variants if variant.channel == channel)


def _listing(words: list[str]) -> str:
    if len(words) < 3:
        return " and ".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
