"""Make a stranger's text fit to be quoted: one line, no hidden characters, its length capped.

A headline arrives with its outlet's name behind it, curly and straight quotation marks mixed,
zero-width characters, sometimes a direction mark that would turn the rest of an e-mail around.
What leaves here is data that can stand between quotation marks in any of our texts.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import regex

from responders.drafting.contexts import QuoteContext, StoryContext
from responders.drafting.phrases import shorten, single_quotes
from responders.drafting.stage import read_stage
from responders.drafting.told import (
    deciding_sentence,
    goes_against,
    place_of,
    telling_passage,
    telling_sentence,
)

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from responders.model.draft import Quote, StoryFacts

__all__ = ["clean_headline", "clean_line", "first_sentence", "story_context"]

TITLE_CHARS: Final = 180
SHORT_TITLE_CHARS: Final = 80
LINE_CHARS: Final = 2000
QUOTE_CHARS: Final = 300

_SPACE: Final = regex.compile(r"\s+")
_MONTHS: Final = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
}
_NUMBERS: Final = {
    "en": ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"],
    "es": ["Ningún", "Un", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete", "Ocho", "Nueve"],
}


def clean_line(text: str, *, limit: int = LINE_CHARS) -> str:
    r"""One line of visible text: controls, direction marks and zero-width characters are gone.

    The joiner between two emoji stays, so that a family remains one.

    Examples:
        >>> clean_line("Vote\u202e  now\n\u200bplease")
        'Vote now please'
    """
    kept = []
    for index, char in enumerate(text[: 4 * limit]):
        kind = unicodedata.category(char)
        if char == "\u200d" and index and ord(text[index - 1]) > 0x2000:
            kept.append(char)
        elif kind in {"Cc", "Zl", "Zp"}:
            kept.append(" ")
        elif kind not in {"Cf", "Cs", "Co", "Cn"}:
            kept.append(char)
    line = _SPACE.sub(" ", unicodedata.normalize("NFC", "".join(kept))).strip()
    return line if len(line) <= limit else shorten(line, limit)


def clean_headline(title: str, *, outlet: str = "") -> str:
    """The headline without the outlet's name, without a final full stop, quotes made single.

    Examples:
        >>> clean_headline('Nurses: "We are done" | Valley Post.', outlet="Valley Post")
        "Nurses: 'We are done'"
    """
    line = clean_line(title, limit=LINE_CHARS)
    line = line.rstrip(".") if not line.endswith("...") else line
    if outlet:
        name = regex.escape(clean_line(outlet))
        line = regex.sub(rf"\s+[-–—|·•:]\s+{name}$", "", line, flags=regex.IGNORECASE)
    line = single_quotes(line).strip()
    line = line.rstrip(".") if not line.endswith("...") else line
    return line if len(line) <= TITLE_CHARS else shorten(line, TITLE_CHARS)


def first_sentence(summary: str, *, title: str = "") -> str:
    """The first sentence of a teaser that can be quoted whole, else an empty text.

    Left out: fragments, teasers that trail off, feed boilerplate, a mere repeat of the headline,
    and sentences in which somebody is quoted.

    Examples:
        >>> first_sentence("Gov. Lee signed the bill on Monday in Dover. Read more at our site.")
        'Gov. Lee signed the bill on Monday in Dover.'
        >>> first_sentence("Workers at the plant have...")
        ''
    """
    return telling_sentence([clean_line(summary)], known=[title])


def _second_voice(story: StoryFacts, *, said: str) -> tuple[str, str]:
    """A sentence that another outlet adds, and its name; empty when none does.

    One that tells of an appeal, a denial or a day comes before one that does not.
    """
    known = [story.title, said]
    around = " ".join([story.title, story.summary, *(e.title for e in story.entries)])
    others = [
        (clean_line(e.summary), clean_line(e.source, limit=60))
        for e in story.entries
        if not e.copy_of and e.source != story.source and e.summary
    ]
    sentence, outlet = deciding_sentence(others, known=known, around=around)
    if sentence and (said or not regex.match(r"(?:It|They|He|She|Este|Esta)\b", sentence)):
        return sentence, outlet
    for teaser, outlet in others:
        sentence = telling_sentence([teaser], known=known, least=24, alone=not said)
        if sentence and not goes_against(sentence):
            return sentence, outlet
    return "", ""


def _key(story: StoryFacts) -> tuple[str, str]:
    """The short sentence that a reader of a text message must not miss, and its outlet."""
    around = " ".join([story.title, story.summary, *(e.title for e in story.entries)])
    entries = [(clean_line(story.summary), clean_line(story.source, limit=60))]
    entries += [
        (clean_line(e.summary), clean_line(e.source, limit=60))
        for e in story.entries
        if not e.copy_of and e.source != story.source and e.summary
    ]
    return deciding_sentence(entries, known=[story.title], around=around)


def _place(story: StoryFacts) -> str:
    voices: dict[str, list[str]] = {story.source: [story.title, story.summary]}
    for entry in story.entries:
        if not entry.copy_of:
            voices.setdefault(entry.source, []).extend([entry.title, entry.summary])
    return clean_line(place_of([list(texts) for texts in voices.values()]), limit=60)


def story_context(
    story: StoryFacts,
    *,
    lang: str,
    zone: tzinfo,
    short_chars: int = SHORT_TITLE_CHARS,
    quote: Quote | None = None,
    hold: bool = False,
) -> StoryContext:
    """The story as templates see it.

    Args:
        story: Facts from the store.
        lang: Language of the text that will quote it (for the date).
        zone: Time zone of the readers; the day of publication depends on it.
        short_chars: Most characters of the short headline, > 10.
        quote: A quotation that the editor chose, with its speaker.
        hold: Somebody died: one sentence is quoted and nothing that lays blame.
    """
    outlet = clean_line(story.source, limit=60) or _host(story.url)
    title = clean_headline(story.title, outlet=story.source)
    others = max(0, len(story.outlets) - 1)
    spoken = None
    if quote is not None and quote.speaker:
        spoken = QuoteContext(
            text=single_quotes(clean_line(quote.text, limit=QUOTE_CHARS)),
            speaker=clean_line(quote.speaker, limit=120),
            outlet=clean_line(quote.source, limit=60) or outlet,
        )
    if hold:
        said = first_sentence(story.summary, title=story.title)
        more = more_outlet = key = key_outlet = ""
    else:
        said = telling_passage(clean_line(story.summary), title=story.title)
        more, more_outlet = _second_voice(story, said=said)
        key, key_outlet = _key(story)
    texts = [story.title, story.summary]
    for entry in story.entries:
        if not entry.copy_of:
            texts.extend([entry.title, entry.summary])
    stage = read_stage(clean_line(text) for text in texts)
    return StoryContext(
        title=title,
        short_title=shorten(title, short_chars),
        url=story.url,
        outlet=outlet,
        others=others,
        others_word=_number_word(others, lang=lang),
        said=said,
        more=more,
        more_outlet=more_outlet,
        place=_place(story),
        date=_day(story.published_at, lang=lang, zone=zone),
        key=key,
        key_outlet=key_outlet,
        decider=stage.decider,
        step=stage.step,
        day=stage.day,
        starts=stage.starts,
        body=stage.body,
        hurt=stage.hurt,
        quote=spoken,
    )


def _day(when: datetime | None, *, lang: str, zone: tzinfo) -> str:
    if when is None:
        return ""
    local = when.astimezone(zone)
    base = lang.split("-", maxsplit=1)[0]
    if base == "es":
        return f"{local.day} de {_MONTHS['es'][local.month - 1]}"
    if base == "en":
        return f"{_MONTHS['en'][local.month - 1]} {local.day}"
    return f"{local:%Y-%m-%d}"


def _number_word(count: int, *, lang: str) -> str:
    words = _NUMBERS.get(lang.split("-", maxsplit=1)[0], ())
    return words[count] if count < len(words) else str(count)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
