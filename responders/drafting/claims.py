"""Lint of what a text says: quotations, numbers, age, positions, talking points.

What may be said comes from three places: the story, the issue file, the organisation's own
configuration. Everything else in a text was added by hand and is pointed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import regex

from responders.drafting.facts import clean_headline, clean_line
from responders.drafting.moments import find_phrase
from responders.drafting.phrases import gsm_accents
from responders.drafting.rules import remark
from responders.drafting.urls import written_links

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, tzinfo

    from responders.drafting.rules import LintRules
    from responders.model.draft import ChannelText, Draft, Organisation, StoryFacts
    from responders.model.issue import Issue, Stance
    from testkit.kernel.findings import Finding

__all__ = ["Material", "material_of", "story_findings", "text_claims", "without_links"]

_QUOTED: Final = regex.compile(r"“([^“”]{2,}?)”|«([^«»]{2,}?)»|(?<!\w)\"([^\"\n]{2,}?)\"(?!\w)")
_NUMBER: Final = regex.compile(r"(?<![\p{L}\d])\d[\d.,]*\d|(?<![\p{L}\d.])\d")
_MIN_QUOTED_WORDS: Final = 3
_LABELS: Final = regex.compile(
    r"^(?:opinion|op-ed|editorial|letter|letters|column|commentary|analysis|live|live updates|"
    r"live blog|watch|video|photos|podcast|sponsored|satire|opinión|editorial|columna|"
    r"en vivo|en directo|video|fotos)\s*[:|–—-]",
    regex.IGNORECASE,
)
_PROGRESS: Final = (
    "win", "wins", "won", "victory", "celebrate", "good news", "thank you", "saved", "victoria",
    "ganamos", "celebremos", "gracias", "buena noticia",
)  # fmt: skip
_SETBACK: Final = (
    "loss", "defeat", "outrage", "attack on", "bad news", "denied", "outrageous", "derrota",
    "perdimos", "mala noticia", "ataque a",
)  # fmt: skip
_ATTRIBUTES: Final = regex.compile(
    r"\b(?:said|says|told|according to|wrote|writes|reports|reported|quoted by|dijo|dice|según|"
    r"escribe|informa|informó|citad[oa] por)\b",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a text may draw on.

    Attributes:
        story: Normalised texts of the story: headlines, teasers, quotations.
        own: Normalised texts of the issue file and the configuration.
        numbers: Every number that occurs in either, normalised.
        outlets: Names of the outlets, lower case.
        speakers: Quotation (normalised) to the last name of who said it, lower case.
    """

    story: tuple[str, ...]
    own: tuple[str, ...]
    numbers: frozenset[str]
    outlets: tuple[str, ...]
    speakers: dict[str, str]


def material_of(story: StoryFacts, issue: Issue, org: Organisation, *, zone: tzinfo) -> Material:
    """Collect what may be said about this story."""
    quotes = {_norm(q.text): _last_word(q.speaker) for q in story.quotes}
    told = [story.title, clean_headline(story.title, outlet=story.source), story.summary]
    for entry in story.entries:
        told += [entry.title, entry.summary]
    told += [quote.text for quote in story.quotes]
    own = [frame.text for frame in issue.frames]
    own += [frame.short for frame in issue.frames] + [frame.spoken for frame in issue.frames]
    own += [point.text for point in issue.talking_points]
    own += [point.source for point in issue.talking_points]
    own += [ask.label for ask in issue.asks] + [ask.phone for ask in issue.asks]
    own += [position.statement for position in issue.positions]
    own += [issue.disclaimer, org.disclaimer, org.address, org.phone, org.name, org.short_name]
    own += [org.email_opt_out, org.sms_opt_out, org.sms_opt_out_es, org.signer]
    dates = []
    if story.published_at is not None:
        local = story.published_at.astimezone(zone)
        dates = [str(local.day), str(local.year)]
    outlets = [clean_line(name, limit=60) for name in (story.source, *story.outlets)]
    counts = [str(len(story.outlets)), str(max(0, len(story.outlets) - 1))]
    numbers = {n for text in (*told, *own, *outlets) for n in _numbers(text)}
    return Material(
        story=tuple(_norm(text) for text in told if text),
        own=tuple(_norm(text) for text in own if text),
        numbers=frozenset(numbers | set(dates) | set(counts)),
        outlets=tuple(name.casefold() for name in outlets if name),
        speakers=quotes,
    )


def text_claims(
    text: ChannelText,
    material: Material,
    issue: Issue,
    *,
    today: date,
    stance: Stance | None,
    where: str,
) -> list[Finding]:
    """RS010-RS013, RS024, RS030 and RS032 on one text."""
    whole = "\n\n".join(part for part in (text.subject, text.preheader, text.body) if part)
    found = _quotations(whole, material, where)
    found += _unknown_numbers(whole, material, where)
    if text.subject and text.channel == "email":
        found += _subject(text, stance, where)
    for position in issue.positions:
        for phrase in position.opposed:
            for start, end in find_phrase(phrase, whole):
                found.append(
                    remark(
                        "RS024",
                        f"“{whole[start:end]}” goes against: {position.statement}",
                        hint="change the words, or the position by its own sign-off",
                        where=where,
                    )
                )
    plain = _norm(whole)
    for point in issue.talking_points:
        if point.expires_on is not None and point.expires_on < today and _norm(point.text) in plain:
            found.append(
                remark(
                    "RS030",
                    f"the talking point {point.name!r} expired on {point.expires_on}",
                    hint="check it with its source, then move the day in the issue file",
                    where=where,
                )
            )
    for ask in issue.asks:
        if ask.expires_on is not None and ask.expires_on < today and _norm(ask.label) in plain:
            found.append(
                remark(
                    "RS032",
                    f"the ask {ask.label!r} ended on {ask.expires_on}",
                    hint="choose another ask",
                    where=where,
                )
            )
    return found


def story_findings(
    draft: Draft, issue: Issue, *, as_of: datetime, rules: LintRules
) -> list[Finding]:
    """RS014-RS017 and RS031: what holds for the whole draft."""
    story = draft.story
    found: list[Finding] = []
    when = story.published_at or story.first_seen_at
    if when is None:
        found.append(
            remark(
                "RS014",
                "the outlet gives no date",
                hint="open the article and check when it happened",
            )
        )
    else:
        hours = (as_of - when).total_seconds() / 3600
        if hours > rules.stale_hours:
            found.append(
                remark(
                    "RS014",
                    f"the story is {hours:.0f} hours old",
                    hint="look for a newer report, or say when it happened",
                )
            )
    label = _LABELS.match(story.title.strip())
    if label:
        found.append(
            remark(
                "RS015",
                f"the headline begins with “{label[0].rstrip(' :|–—-')}”",
                hint="find a news report and answer that one",
            )
        )
    if story.lang and story.lang.split("-")[0] != draft.lang.split("-")[0]:
        found.append(
            remark(
                "RS016",
                f"the story is in {story.lang!r}, the draft in {draft.lang!r}"
                if story.lang_declared
                else f"the story's language is undeclared and reads like {story.lang!r}, the draft"
                f" is in {draft.lang!r}",
                hint="say the headline in the reader's language and drop the quotation marks",
            )
        )
    if len(story.outlets) == 1:
        found.append(
            remark(
                "RS017",
                f"only {story.outlets[0]} has it so far",
                hint="a second source makes it safer to speak",
            )
        )
    today = as_of.date()
    found += [
        remark(
            "RS031",
            f"the talking point {point.name!r} expired on {point.expires_on}",
            hint="check it with its source, then move the day in the issue file",
        )
        for point in issue.talking_points
        if point.expires_on is not None and point.expires_on < today
    ]
    return found


def _quotations(whole: str, material: Material, where: str) -> list[Finding]:
    found: list[Finding] = []
    for paragraph in whole.split("\n\n"):
        lower = paragraph.casefold()
        for match in _QUOTED.finditer(paragraph):
            words = next(group for group in match.groups() if group)
            if len(words.split()) < _MIN_QUOTED_WORDS:
                continue
            shown = words if len(words) <= 60 else words[:57] + "..."
            core = _norm(words).removesuffix("...").rstrip(" .,!?…")
            if not any(core in text for text in material.story):
                if any(core in text for text in material.own):
                    continue
                found.append(
                    remark(
                        "RS011",
                        f"“{shown}” is not in the story",
                        hint="quote the exact words, or take the quotation marks away",
                        where=where,
                    )
                )
                continue
            speaker = next((s for q, s in material.speakers.items() if core in q and s), "")
            named = speaker in lower if speaker else _names_outlet(lower, material)
            if not named and not (not material.outlets and _ATTRIBUTES.search(paragraph)):
                who = speaker.title() if speaker else "the outlet"
                found.append(
                    remark(
                        "RS010",
                        f"nobody is named for “{shown}”",
                        hint=f"name {who} in the same paragraph",
                        where=where,
                    )
                )
    return found


def _names_outlet(paragraph: str, material: Material) -> bool:
    return any(name in paragraph for name in material.outlets)


def _unknown_numbers(whole: str, material: Material, where: str) -> list[Finding]:
    return [
        remark(
            "RS012",
            f"{number} is in neither the story nor the issue file",
            hint="check it, then add it to the issue file as a talking point with a source",
            where=where,
        )
        for number in dict.fromkeys(_numbers(without_links(whole)))
        if number not in material.numbers
    ]


def _subject(text: ChannelText, stance: Stance | None, where: str) -> list[Finding]:
    found: list[Finding] = []
    body = _norm(text.body)
    missing = [n for n in _numbers(text.subject) if n not in _numbers(text.body)]
    names = regex.findall(r"(?<=[\p{Ll}\d,] )\p{Lu}[\p{L}'’]+", text.subject)
    missing += [name for name in names if _norm(name) not in body]
    if missing:
        found.append(
            remark(
                "RS013",
                f"the subject has “{missing[0]}”, the body does not",
                hint="a reader opens for what the subject says",
                where=where,
            )
        )
    against = {"setback": _PROGRESS, "progress": _SETBACK}.get(stance or "", ())
    for phrase in against:
        if find_phrase(phrase, text.subject):
            found.append(
                remark(
                    "RS013",
                    f"the subject says “{phrase}”, but the story was read as a {stance}",
                    hint="change the subject, or the moment",
                    where=where,
                )
            )
            break
    return found


def without_links(text: str) -> str:
    """The text with its addresses taken out."""
    pieces: list[str] = []
    position = 0
    for span in written_links(text):
        pieces.append(text[position : span.start])
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces)


def _numbers(text: str) -> list[str]:
    return [_plain_number(match[0]) for match in _NUMBER.finditer(text)]


def _plain_number(raw: str) -> str:
    """``1,200`` and ``1.200`` are 1200; ``15.50`` stays."""
    if regex.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", raw):
        return regex.sub(r"[.,]", "", raw)
    return raw.replace(",", ".").strip(".")


def _norm(text: str) -> str:
    folded = text.casefold().translate({ord(c): "'" for c in '‘’“”"«»'})
    return gsm_accents(" ".join(folded.split()))


def _last_word(name: str) -> str:
    words: Iterable[str] = regex.findall(r"[\p{L}'’-]+", name.split(",", maxsplit=1)[0])
    return next(iter(reversed(list(words))), "").casefold()
