"""How long a text is on each channel, counted as the channel counts it.

Counting rules are code (here, in :mod:`responders.drafting.sms` and
:mod:`responders.drafting.urls`); the numbers that change from year to year are values
(:data:`LIMITS`), which a workspace may override or extend with its own ad formats.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import regex

from responders.drafting.sms import SmsLength, plain_punctuation, sms_length
from responders.drafting.urls import find_urls
from testkit.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.model.draft import ChannelText

__all__ = [
    "LIMITS",
    "Limit",
    "Measure",
    "SmsLength",
    "WeightedLength",
    "bluesky_length",
    "limits_from_mapping",
    "mastodon_length",
    "measure",
    "parts_of",
    "plain_punctuation",
    "sms_length",
    "weighted_length",
]

Rule = Literal["sms", "x", "bluesky", "mastodon", "characters", "words"]
RULES: Final[tuple[Rule, ...]] = ("sms", "x", "bluesky", "mastodon", "characters", "words")

X_LIMIT: Final = 280
URL_WEIGHT: Final = 23
# twitter-text configuration v3: these code points weigh 1, all others 2.
_LIGHT: Final = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_INVALID: Final = frozenset("\ufffe\ufeff\uffff")
# An emoji as a reader sees it: keycap, flag, tag sequence, or joined pictographs. A text-style
# pictograph weighs 2 with or without this pattern, except (c) and (r), which need U+FE0F.
_EMOJI: Final = regex.compile(
    r"[#*0-9]\uFE0F?\u20E3"
    r"|[\U0001F1E6-\U0001F1FF]{2}"
    r"|\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"
    r"|(?:[©®]\uFE0F|(?![©®#*0-9])\p{Emoji}(?!\uFE0E))(?:\p{Emoji_Modifier}|\uFE0F)?"
    r"(?:\u200D\p{Emoji}(?:\p{Emoji_Modifier}|\uFE0F)?)*+"
)
_BLUESKY_GRAPHEMES: Final = 300
_BLUESKY_BYTES: Final = 3000
_REMOTE_MENTION: Final = regex.compile(r"(?<![\w/])@(\w[\w.\-]*)@[\w.\-]+\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedLength:
    """Length of a post on X.

    Attributes:
        weight: Weighted characters, in whole units (an address is 23, an emoji 2).
        limit: What the platform accepts.
        valid: True when the post has content, fits, and holds no forbidden character.
        fits: Index in the text before which everything fits.
    """

    weight: int
    limit: int
    valid: bool
    fits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One channel's rule and numbers.

    Attributes:
        rule: How to count.
        limit: The most the channel accepts, in the rule's unit (parts for ``sms``).
        soft: Above this a reader loses something (a subject cut on a phone, a second SMS
            part); None where there is no such point.
        url_weight: What an address counts (``mastodon`` only).
        label: The channel in words.
    """

    rule: Rule
    limit: int
    soft: int | None = None
    url_weight: int = URL_WEIGHT
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A text against a limit.

    Attributes:
        used: Length in the rule's unit.
        limit: The most that is accepted.
        soft: The point of comfort, or None.
        unit: What is counted, in the plural.
        detail: A second fact worth knowing: encoding, bytes, the reason; may be empty.
        fits: Whether the channel accepts the text.
    """

    used: int
    limit: int
    soft: int | None
    unit: str
    detail: str
    fits: bool

    @property
    def comfortable(self) -> bool:
        """Whether it also stays under the soft limit."""
        return self.fits and (self.soft is None or self.used <= self.soft)

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.used} of {self.limit} {self.unit}{detail}"


# Where a number is not a platform's hard rule but practice, only `soft` carries it.
LIMITS: Final[Mapping[str, Limit]] = {
    "sms": Limit(rule="sms", limit=10, soft=2, label="text message"),
    "post": Limit(rule="x", limit=X_LIMIT, label="post"),
    "x": Limit(rule="x", limit=X_LIMIT, label="X"),
    "bluesky": Limit(rule="bluesky", limit=_BLUESKY_GRAPHEMES, label="Bluesky"),
    "mastodon": Limit(rule="mastodon", limit=500, label="Mastodon"),
    "email.subject": Limit(rule="characters", limit=150, soft=60, label="e-mail subject"),
    "email.preheader": Limit(rule="characters", limit=150, soft=100, label="e-mail preheader"),
    "push.title": Limit(rule="characters", limit=65, soft=40, label="push title"),
    "push.body": Limit(rule="characters", limit=240, soft=120, label="push text"),
    "ad.headline": Limit(rule="characters", limit=255, soft=40, label="ad headline"),
    "ad.text": Limit(rule="characters", limit=2200, soft=125, label="ad text"),
    "call": Limit(rule="words", limit=400, soft=300, label="call script"),
}


def parts_of(text: ChannelText, limits: Mapping[str, Limit]) -> list[tuple[str, str]]:
    """The parts of a push message or an ad with the limits that they are held against.

    Examples:
        >>> from responders.model.draft import ChannelText
        >>> text = ChannelText(channel="push", subject="Tonight", body="Come at six.")
        >>> parts_of(text, LIMITS)
        [('push.title', 'Tonight'), ('push.body', 'Come at six.')]
    """
    keys = {"push": ("push.title", "push.body"), "ad": ("ad.headline", "ad.text")}
    words = text.body.partition("\nLink: ")[0].rstrip()
    found = zip(keys.get(text.channel, ()), (text.subject, words), strict=False)
    return [(key, part) for key, part in found if key in limits]


def weighted_length(text: str, *, limit: int = X_LIMIT, emoji: bool = True) -> WeightedLength:
    """Length of a post on X.

    Args:
        text: The post.
        limit: Weighted characters accepted, > 0.
        emoji: True for today's rule (an emoji weighs 2 however many code points it has);
            False for the rule before it.

    Returns:
        The weight, and how much of the text fits.

    References:
        X Corp., twitter-text 3: configuration v3 and its conformance vectors.

    Examples:
        >>> weighted_length("Hi http://test.co").weight
        26
    """
    weight = 0
    fits = 0
    valid = True
    for start, end, piece in _pieces(text, emoji=emoji):
        weight += piece
        if valid and any(char in _INVALID for char in text[start:end]):
            valid = False
        if valid and weight <= limit:
            fits = end
    return WeightedLength(
        weight=weight, limit=limit, valid=valid and 0 < weight <= limit, fits=fits
    )


def _pieces(text: str, *, emoji: bool) -> list[tuple[int, int, int]]:
    """(start, end, weight) of each address, emoji or visible character of the original text."""
    pieces: list[tuple[int, int, int]] = []
    urls = {span.start: span.end for span in find_urls(text)}
    position = 0
    while position < len(text):
        end = urls.get(position)
        if end is not None:
            pieces.append((position, end, URL_WEIGHT))
            position = end
            continue
        if emoji and (match := _EMOJI.match(text, position)):
            pieces.append((position, match.end(), 2))
            position = match.end()
            continue
        end = position + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        composed = unicodedata.normalize("NFC", text[position:end])
        pieces.append((position, end, sum(_weight(char) for char in composed)))
        position = end
    return pieces


def _weight(char: str) -> int:
    code = ord(char)
    return 1 if any(low <= code <= high for low, high in _LIGHT) else 2


def bluesky_length(text: str) -> tuple[int, int]:
    """Visible characters (grapheme clusters) and UTF-8 bytes; the limits are 300 and 3000.

    Addresses and line breaks count in full: the platform does not shorten them.

    References:
        AT Protocol lexicon ``app.bsky.feed.post``: ``maxGraphemes`` 300, ``maxLength`` 3000.

    Examples:
        >>> bluesky_length("👨‍👩‍👧‍👦!")
        (2, 26)
    """
    return _graphemes(text), len(text.encode("utf-8", errors="surrogatepass"))


def mastodon_length(text: str, *, url_weight: int = URL_WEIGHT) -> int:
    """Characters as Mastodon counts them: an address is 23, a remote account only its name.

    Args:
        text: The post, content warning included.
        url_weight: What an address counts on this server, >= 0.

    References:
        Mastodon documentation, "Posting to your profile": links count 23 characters,
        ``@user@server`` counts as ``@user``.

    Examples:
        >>> mastodon_length("Hi @ana@example.social https://example.org/a/very/long/path")
        31
    """
    total = 0
    position = 0
    for span in find_urls(text, bare=False):
        total += _graphemes(_REMOTE_MENTION.sub(r"@\1", text[position : span.start])) + url_weight
        position = span.end
    return total + _graphemes(_REMOTE_MENTION.sub(r"@\1", text[position:]))


def measure(text: str, channel: str, *, limits: Mapping[str, Limit] = LIMITS) -> Measure:
    """The text against the channel's limit.

    Args:
        text: The text as it will be sent.
        channel: A key of ``limits``: ``sms``, ``x``, ``email.subject`` ...
        limits: Rules and numbers per channel.

    Raises:
        NotFoundError: No rule for that channel.

    Examples:
        >>> print(measure("Rally at 5 pm, City Hall", "sms"))
        1 of 10 parts (24 of 160 GSM-7 septets)
        >>> print(measure("Strike vote today", "email.subject"))
        17 of 150 characters
    """
    found = limits.get(channel)
    if found is None:
        raise NotFoundError("channel", channel, hint="one of " + ", ".join(sorted(limits)))
    used, unit, detail, fits = _count(text, found)
    return Measure(
        used=used, limit=found.limit, soft=found.soft, unit=unit, detail=detail, fits=fits
    )


def _count(text: str, limit: Limit) -> tuple[int, str, str, bool]:
    match limit.rule:
        case "sms":
            sms = sms_length(text)
            unit = "septets" if sms.encoding == "GSM-7" else "units"
            detail = f"{sms.units} of {sms.capacity} {sms.encoding} {unit}"
            if sms.offenders:
                detail += f"; {sms.reason}"
            return sms.segments, "parts", detail, sms.segments <= limit.limit
        case "x":
            weighted = weighted_length(text, limit=limit.limit)
            return weighted.weight, "weighted characters", "", weighted.valid
        case "bluesky":
            graphemes, size = bluesky_length(text)
            fits = graphemes <= limit.limit and size <= _BLUESKY_BYTES
            return graphemes, "characters", f"{size} of {_BLUESKY_BYTES} bytes", fits
        case "mastodon":
            used = mastodon_length(text, url_weight=limit.url_weight)
            return used, "characters", "", used <= limit.limit
        case "words":
            used = len(text.split())
            # Conversational reading runs at about 150 words a minute.
            return used, "words", f"about {round(used / 2.5)} seconds aloud", used <= limit.limit
        case "characters":
            used = _graphemes(text)
            return used, "characters", "", used <= limit.limit


def limits_from_mapping(
    overrides: Mapping[str, Mapping[str, object]], *, base: Mapping[str, Limit] = LIMITS
) -> dict[str, Limit]:
    """Limits of a workspace: the bundled ones, changed and extended by its configuration.

    Args:
        overrides: Channel to ``{rule, limit, soft, url_weight, label}``; a channel that exists
            already may give only what it changes.
        base: What to start from.

    Raises:
        InputError: An unknown key, an unknown rule, or a number that is not a whole number > 0.

    Examples:
        >>> limits_from_mapping({"mastodon": {"limit": 1000}})["mastodon"].limit
        1000
    """
    merged = dict(base)
    for channel, values in overrides.items():
        old = merged.get(channel)
        known = {"rule", "limit", "soft", "url_weight", "label"}
        unknown = set(values) - known
        if unknown:
            raise InputError(
                f"limits.{channel}: unknown key {min(unknown)!r}",
                field=f"limits.{channel}",
                value=min(unknown),
                hint="known keys: " + ", ".join(sorted(known)),
            )
        rule = values.get("rule", old.rule if old else "characters")
        if rule not in RULES:
            raise InputError(
                f"limits.{channel}.rule: no rule {rule!r}",
                field=f"limits.{channel}.rule",
                value=rule,
                hint="one of " + ", ".join(RULES),
            )
        limit = _whole(values.get("limit", old.limit if old else None), f"limits.{channel}.limit")
        soft = values.get("soft", old.soft if old else None)
        weight = values.get("url_weight", old.url_weight if old else URL_WEIGHT)
        merged[channel] = Limit(
            rule=rule,
            limit=limit,
            soft=None if soft is None else _whole(soft, f"limits.{channel}.soft"),
            url_weight=_whole(weight, f"limits.{channel}.url_weight"),
            label=str(values.get("label", old.label if old else channel)),
        )
    return merged


def _whole(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise InputError(
            f"{field}: {value!r} is not a whole number above 0",
            field=field,
            value=value,
            hint="give it as 1, 2, 3 ...",
        )
    return value


def _graphemes(text: str) -> int:
    return sum(1 for _ in regex.finditer(r"\X", text))
