"""What your own program may propose: read strictly, as text and nothing else.

The answer of a hook is untrusted. It is one JSON object, ``{"texts": [{"channel": "sms", "body":
"..."}]}``, with no other keys, no markup, no template syntax, no hidden characters. What does not
fit is refused with the reason; nothing is repaired.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import regex

from responders.drafting.rules import remark
from responders.model.draft import ChannelText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.drafting.lengths import Limit
    from responders.model.draft import Draft
    from responders.model.issue import Issue
    from testkit.kernel.findings import Finding

__all__ = ["VERSION", "question", "read_answer"]

VERSION: Final = 1
MAX_BODY: Final = 8000
MAX_LINE: Final = 300
_KEYS: Final = frozenset({"channel", "body", "subject", "preheader"})
_HEADED: Final = frozenset({"email", "push", "ad"})
_TEMPLATE: Final = regex.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_MARKUP: Final = regex.compile(r"<\s*[/!?]?\s*[\p{L}!]|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")


@dataclass(frozen=True, slots=True)
class _Refusal(Exception):  # noqa: N818 - never leaves this module
    reason: str


def question(
    draft: Draft, issue: Issue, *, channels: Sequence[str], limits: Mapping[str, Limit]
) -> dict[str, Any]:
    """What a hook is told: the story, the issue, our own texts and their frames, the limits."""
    story = draft.story
    return {
        "version": VERSION,
        "story": {
            "title": story.title,
            "url": story.url,
            "source": story.source,
            "summary": story.summary,
            "published_at": story.published_at.isoformat() if story.published_at else None,
            "lang": story.lang,
            "entries": [
                {"title": e.title, "url": e.url, "source": e.source, "summary": e.summary}
                for e in story.entries
            ],
            "quotes": [{"text": q.text, "speaker": q.speaker} for q in story.quotes],
        },
        "issue": {"slug": issue.slug, "title": issue.title, "lang": draft.lang},
        "reading": draft.reading,
        "moment": draft.moment,
        "audience": draft.audience,
        "frames": [
            {"channel": v.channel, "block": b.name, "frame": b.alternative, "text": b.text}
            for v in draft.variants
            if v.key == "a"
            for b in v.blocks
        ],
        "texts": [
            {
                "channel": v.channel,
                "variant": v.key,
                "subject": v.text.subject,
                "preheader": v.text.preheader,
                "body": v.text.body,
            }
            for v in draft.variants
        ],
        "channels": list(channels),
        "limits": {
            name: {"rule": limit.rule, "limit": limit.limit, "soft": limit.soft}
            for name, limit in limits.items()
        },
    }


def read_answer(
    raw: bytes, *, channels: Sequence[str]
) -> tuple[tuple[ChannelText, ...], tuple[Finding, ...]]:
    """The texts of an answer that can be used, and why the others cannot.

    Args:
        raw: What the hook answered.
        channels: Channels that were asked for; at most one text each.

    Examples:
        >>> answer = b'{"texts": [{"channel": "sms", "body": "Call today. Reply STOP to end"}]}'
        >>> texts, findings = read_answer(answer, channels=["sms"])
        >>> texts[0].body, findings
        ('Call today. Reply STOP to end', ())
        >>> read_answer(b"Sure! Here is your text:", channels=["sms"])[1][0].message
        'the answer is not JSON'
    """
    try:
        items = _items(raw)
    except _Refusal as refusal:
        return (), (_refused(refusal.reason),)
    texts: dict[str, ChannelText] = {}
    findings: list[Finding] = []
    for number, item in enumerate(items, start=1):
        try:
            left = [channel for channel in channels if channel not in texts]
            text = _text(item, channels=left)
        except _Refusal as refusal:
            findings.append(_refused(f"text {number}: {refusal.reason}"))
        else:
            texts[text.channel] = text
    return tuple(texts.values()), tuple(findings)


def _items(raw: bytes) -> list[Any]:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as cause:
        raise _Refusal("the answer is not UTF-8") from cause
    except (ValueError, RecursionError) as cause:
        raise _Refusal("the answer is not JSON") from cause
    if not isinstance(value, dict) or set(value) != {"texts"}:
        raise _Refusal('the answer is not {"texts": [...]}')
    if not isinstance(value["texts"], list) or len(value["texts"]) > len(_KEYS) * 4:
        raise _Refusal("`texts` is not a short list")
    return value["texts"]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refusal("a key stands twice")
    return found


def _text(item: Any, *, channels: Sequence[str]) -> ChannelText:
    if not isinstance(item, dict) or not {"channel", "body"} <= set(item) <= _KEYS:
        raise _Refusal("it has other keys than channel, body, subject and preheader")
    if not all(isinstance(value, str) for value in item.values()):
        raise _Refusal("a value is not text")
    if item["channel"] not in channels:
        raise _Refusal("it is for a channel that was not asked for, or has a text already")
    headed = item["channel"] in _HEADED
    if not headed and ("subject" in item or "preheader" in item):
        raise _Refusal("only an e-mail, a push message and an ad have a subject")
    if headed and not item.get("subject", "").strip():
        raise _Refusal("it has no subject")
    return ChannelText(
        channel=item["channel"],
        body=_plain(item["body"], "body", limit=MAX_BODY, lines=True),
        subject=_plain(item.get("subject", ""), "subject", limit=MAX_LINE),
        preheader=_plain(item.get("preheader", ""), "preheader", limit=MAX_LINE),
    )


def _plain(text: str, name: str, *, limit: int, lines: bool = False) -> str:
    if name == "body" and not text.strip():
        raise _Refusal("the body is empty")
    if len(text) > limit:
        raise _Refusal(f"the {name} is longer than {limit:,} characters")
    for index, char in enumerate(text):
        if char == "\n" and lines:
            continue
        kind = unicodedata.category(char)
        joins = char == "\u200d" and index and ord(text[index - 1]) > 0x2000
        if kind in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and not joins:
            raise _Refusal(f"the {name} has a hidden character, U+{ord(char):04X}")
    if _TEMPLATE.search(text):
        raise _Refusal(f"the {name} has template syntax")
    if _MARKUP.search(text):
        raise _Refusal(f"the {name} has markup")
    return unicodedata.normalize("NFC", text).strip()


def _refused(reason: str) -> Finding:
    return remark(
        "RS101",
        reason,
        hint="the draft stands as it was made from your files",
        where="drafting.hook",
    )
