"""What each kind of room reads: a body within its limits, in which no headline formats anything.

A headline comes from outside. Slack, Discord and Teams each read a little language of their own in
it: mentions, bold, and links that show other words than where they lead. Here text stays text.

References:
    Slack: incoming webhooks, "Formatting text for app surfaces" (``&``, ``<``, ``>`` as entities;
    longer than 4,000 characters is split into several messages). Discord: Execute Webhook
    (``content`` of at most 2,000 characters; ``allowed_mentions``). Teams: incoming webhooks take
    28 KB; Adaptive Cards, "Text features" (a TextBlock reads Markdown, a RichTextBlock does not).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.kernel.clock import to_text
from testkit.outbox.letter import Message, cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Style", "body_of"]

Style = Literal["json", "slack", "teams", "discord"]

SLACK: Final = 4000
"""Characters, entities counted as written."""

DISCORD: Final = 2000
"""Characters; counted in UTF-16 units, so that no way of counting finds more."""

TEAMS: Final = 12_000
"""Bytes of text as JSON. With the card around it this stays below 28 KB even where the service
counts two bytes for each."""

LINES: Final = 40
LINKS: Final = 3
LONGEST_LINK: Final = 500

_PIECE: Final = re.compile(r"https?://[^\s<>|\\`]+|.", re.DOTALL)
_ENTITY: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS: Final = frozenset("\\*_~`|<>[]()#-")


def body_of(message: Message, style: Style) -> bytes:
    """The body that a peer reads; names in it cannot mention or format anything.

    Args:
        message: What to say.
        style: For whom.
    """
    subject, text = one_line(message.subject), cut(message.body).strip()
    value: dict[str, Any]
    match style:
        case "slack":
            whole = _fit(f"{subject}\n{text}", most=SLACK, write=_slack, size=len)
            value = {"text": whole, "mrkdwn": False, "unfurl_links": False}
        case "discord":
            whole = _fit(f"{subject}\n{text}", most=DISCORD, write=_discord, size=_utf16)
            value = {"content": whole, "allowed_mentions": {"parse": []}}
        case "teams":
            value = _card(subject, text)
        case "json":
            value = {
                "type": message.kind,
                "id": message.id,
                "timestamp": to_text(message.made_at),
                "data": {**message.data, "subject": subject, "text": text},
            }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _fit(text: str, *, most: int, write: Callable[[str], str], size: Callable[[str], int]) -> str:
    """As much of a text as fits when it is written for a peer; no link, no mark is cut in two."""
    out: list[str] = []
    left = most
    for found in _PIECE.finditer(text.strip()):
        piece = write(found[0])
        if size(piece) > left:
            while out and left < size("…"):
                left += size(out.pop())
            return f"{''.join(out)}…"
        out.append(piece)
        left -= size(piece)
    return "".join(out)


def _slack(piece: str) -> str:
    return "".join(_ENTITY.get(c, c) for c in piece)


def _discord(piece: str) -> str:
    return f"\\{piece}" if piece in _MARKS else piece


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _json(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _card(subject: str, text: str) -> dict[str, Any]:
    """One block a line, without Markdown; links that stand alone become buttons."""
    shown = _fit(text, most=TEAMS, write=str, size=_json).splitlines()
    lines = [line for line in shown if line.strip()]
    links = [
        line
        for line in dict.fromkeys(line.strip() for line in lines)
        if re.fullmatch(r"https?://[^\s<>]+", line) and len(line) <= LONGEST_LINK
    ][:LINKS]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], "…"]
    runs = [
        {"type": "TextRun", "text": subject or "…", "weight": "Bolder"},
        *({"type": "TextRun", "text": line} for line in lines),
    ]
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": [run]} for run in runs],
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": link} for link in links],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}
