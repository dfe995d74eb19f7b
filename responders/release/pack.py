"""The pack: every file that a release is, worked out from the signed words."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from responders.release.links import MEDIUM, Tag, Tagged, tag_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["MARK", "Words", "csv_text", "files", "outlets_of", "words_of"]

MARK: Final = "PRACTICE: not for sending. This workspace has no signed charter.\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One variant as it goes out.

    Attributes:
        kind: ``email``, ``sms``, ``post`` or ``call``.
        arm: ``a``, ``b`` ...
        subject: Of an e-mail; else empty.
        preheader: Of an e-mail; else empty.
        body: With tagged links.
        links: See :class:`responders.release.links.Tagged`.
    """

    kind: str
    arm: str
    subject: str
    preheader: str
    body: str
    links: tuple[tuple[str, str, bool], ...]


def outlets_of(facts: Mapping[str, Any]) -> frozenset[str]:
    """Hosts of the story's entries: their links are not ours to tag."""
    hosts = set()
    for entry in facts.get("story", {}).get("entries", []):
        try:
            host = urlsplit(str(entry.get("url", ""))).hostname
        except ValueError:
            continue
        if host:
            hosts.add(host.lower())
    return frozenset(hosts)


def words_of(
    fields: Mapping[str, Any],
    *,
    campaign: str,
    foreign: frozenset[str],
    source: str | None = None,
) -> tuple[Words, ...]:
    """Every variant of a revision, in order of kind and arm.

    Args:
        fields: Fields of the signed revision.
        campaign: ``utm_campaign``.
        foreign: Hosts whose links stay as they are.
        source: ``utm_source``; the kind of channel if None.
    """
    found = []
    for kind, variants in sorted(fields["arms"].items()):
        for arm, words in sorted(variants.items()):
            tag = Tag(
                source=source or kind, medium=MEDIUM.get(kind, kind), campaign=campaign, arm=arm
            )
            body: Tagged = tag_text(words["body"].rstrip("\n") + "\n", tag, foreign=foreign)
            found.append(
                Words(
                    kind=kind,
                    arm=arm,
                    subject=words.get("subject", ""),
                    preheader=words.get("preheader", ""),
                    body=body.text,
                    links=body.links,
                )
            )
    return tuple(found)


def files(
    words: Sequence[Words], about: Mapping[str, Any], *, practice: bool
) -> tuple[tuple[str, str], ...]:
    """Names and contents of the pack's files; ``release.json`` with the words as signed is last.

    Args:
        words: As they go out.
        about: What ``release.json`` says.
        practice: Mark every file.
    """
    head = MARK if practice else ""
    out: list[tuple[str, str]] = []
    for one in words:
        lines = [head]
        if one.subject:
            lines += [f"Subject: {one.subject}\n", f"Preheader: {one.preheader}\n\n"]
        out.append((f"{one.kind}-{one.arm}.txt", "".join([*lines, one.body])))
    rows = [
        (one.kind, one.arm, before, after, "yes" if inside else "no")
        for one in words
        for before, after, inside in one.links
    ]
    header = ("channel", "arm", "link as signed", "link with the arm", "in the text")
    out.append(("links.csv", csv_text([header, *rows])))
    out.append(
        ("release.json", json.dumps(about, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    )
    return tuple(out)


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    r"""Rows as CSV that a spreadsheet opens without running anything.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front; a number with
    its sign is none.

    Examples:
        >>> csv_text([["name", "cell"], ["=cmd()", "+1 555 0100"]])
        "name,cell\r\n'=cmd(),+1 555 0100\r\n"
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_tame(cell) for cell in row])
    return out.getvalue()


def _tame(cell: str) -> str:
    if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        rest = cell[1:].replace(" ", "").replace("(", "").replace(")", "")
        number = rest.replace("-", "").replace(".", "").isdecimal()
        if not (cell[0] in {"+", "-"} and number):
            return f"'{cell}"
    return cell
