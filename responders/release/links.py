"""Links that say which arm they were in: the only thing that is added to signed words.

Without it nothing that a person does after the click can be counted for an arm. The address keeps
its place, its host and its own parameters; only the query grows. Links to the outlets of the story
stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from responders.drafting.sms import sms_length
from responders.drafting.urls import written_links

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MEDIUM", "Tag", "Tagged", "campaign_of", "tag_link", "tag_text"]

MEDIUM: Final = {"email": "email", "sms": "sms", "post": "social", "call": "phone"}
"""``utm_medium`` of each kind of channel."""

_OWN: Final = {
    # What these tools give back with each action, beside or instead of UTM.
    "actblue.com": "refcode",
    "actionnetwork.org": "source",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a link is to carry.

    Attributes:
        source: ``utm_source``: the channel by its name.
        medium: ``utm_medium``.
        campaign: ``utm_campaign``: the experiment that the release becomes.
        arm: ``utm_content``.
    """

    source: str
    medium: str
    campaign: str
    arm: str

    def parameters(self, host: str) -> tuple[tuple[str, str], ...]:
        """The parameters for one host, in order."""
        own = next((key for h, key in _OWN.items() if host == h or host.endswith(f".{h}")), "")
        return (
            ("utm_source", self.source),
            ("utm_medium", self.medium),
            ("utm_campaign", self.campaign),
            ("utm_content", self.arm),
            *(((own, f"{self.campaign}-{self.arm}"),) if own else ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """A text with its links tagged.

    Attributes:
        text: As it goes out.
        links: Each address as signed, as tagged, and whether the text carries the tagged one.
    """

    text: str
    links: tuple[tuple[str, str, bool], ...]


def campaign_of(issue: str, release: str) -> str:
    """One name for the release wherever it is counted; the bridge gives it to the experiment.

    Examples:
        >>> campaign_of("labor", "rel_01k9z3q8xw4f7m2abc")
        'labor-7m2abc'
    """
    plain = unicodedata.normalize("NFKD", issue).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-") or "release"
    return f"{slug}-{release.removeprefix('rel_')[-6:]}"


def tag_link(url: str, tag: Tag) -> str:
    """The address with the parameters of a tag; what it has already stays as it is.

    Examples:
        >>> tag = Tag(source="email", medium="email", campaign="labor-1", arm="b")
        >>> tag_link("https://a.org/sign?utm_source=x#form", tag)
        'https://a.org/sign?utm_source=x&utm_medium=email&utm_campaign=labor-1&utm_content=b#form'
    """
    parts = urlsplit(url)
    known = {key for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = [
        f"{key}={quote(value, safe='')}"
        for key, value in tag.parameters((parts.hostname or "").lower())
        if key not in known
    ]
    query = "&".join([*([parts.query] if parts.query else []), *added])
    return urlunsplit(parts._replace(query=query))


def tag_text(text: str, tag: Tag, *, foreign: Collection[str] = ()) -> Tagged:
    """Tag the web addresses of a text.

    A text message keeps its bare links where the longer ones would cost a further part; the tagged
    ones are in the pack's list of links then, for a link shortener.

    Args:
        text: As signed.
        tag: What its links are to carry.
        foreign: Hosts that are not ours: the outlets of the story.
    """
    found = []
    for span in written_links(text):
        if not span.has_protocol:
            continue
        try:
            host = (urlsplit(span.text).hostname or "").lower()
            after = tag_link(span.text, tag)
        except ValueError:
            continue
        if host and host not in foreign:
            found.append((span, after))
    out = text
    for span, after in reversed(found):
        out = f"{out[: span.start]}{after}{out[span.end :]}"
    dearer = tag.medium == "sms" and sms_length(out).segments > sms_length(text).segments
    return Tagged(
        text=text if dearer else out,
        links=tuple((span.text, after, not dearer) for span, after in found),
    )
