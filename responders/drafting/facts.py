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

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from responders.model.draft import Quote, StoryFacts

__all__ = ["clean_headline", "clean_line", "first_sentence", "story_context"]

TITLE_CHARS: Final = 180
SHORT_TITLE_CHARS: Final = 80
LINE_CHARS: Final = 2000
QUOTE_CHARS: Final = 300

_SPACE: Final = regex.compile(r"\s+")
_BOILERPLATE: Final = regex.compile(
    r"read more|continue reading|appeared first on|click here|sign up|subscribe|newsletter|"
    r"leer más|seguir leyendo|suscr|https?://|www\.|\[|\.\.\.|…",
    regex.IGNORECASE,
)
# A full stop ends a sentence when a capital, a quotation mark or nothing follows, and the word
# before it is not an abbreviation.
_SENTENCE_END: Final = regex.compile(r"[.!?][”\"'’]?(?=\s+[\p{Lu}“\"'¿¡]|\s*$)")
_ABBREVIATION: Final = regex.compile(
    r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Gov|Sen|Rep|Lt|Gen|St|No|Inc|Co|Corp|vs|Jan|Feb|Aug|Sept|Oct|"
    r"Nov|Dec|Sr|Sra|Dra|Ud|\p{Lu}|\p{Lu}\.\p{Lu})$"
)
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
    """The first sentence of a teaser when it can be quoted whole, else an empty text.

    Left out: fragments, teasers that trail off, feed boilerplate, a mere repeat of the headline.

    Examples:
        >>> first_sentence("Gov. Lee signed the bill on Monday in Dover. Read more at our site.")
        'Gov. Lee signed the bill on Monday in Dover.'
        >>> first_sentence("Workers at the plant have...")
        ''
    """
    line = clean_line(summary)
    for match in _SENTENCE_END.finditer(line):
        head = line[: match.start()]
        if match[0][0] == "." and _ABBREVIATION.search(head):
            continue
        sentence = line[: match.end()].strip()
        break
    else:
        return ""
    if not 40 <= len(sentence) <= 260 or _BOILERPLATE.search(sentence):
        return ""
    if not (sentence[0].isupper() or sentence[0].isdigit()):
        return ""
    if sentence.count("“") != sentence.count("”") or sentence.count('"') % 2:
        return ""
    words = set(_words(sentence))
    known = set(_words(title))
    if words and len(words - known) < 4:
        return ""
    return single_quotes(sentence)


def story_context(
    story: StoryFacts,
    *,
    lang: str,
    zone: tzinfo,
    short_chars: int = SHORT_TITLE_CHARS,
    quote: Quote | None = None,
) -> StoryContext:
    """The story as templates see it.

    Args:
        story: Facts from the store.
        lang: Language of the text that will quote it (for the date).
        zone: Time zone of the readers; the day of publication depends on it.
        short_chars: Most characters of the short headline, > 10.
        quote: A quotation that the editor chose, with its speaker.
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
    return StoryContext(
        title=title,
        short_title=shorten(title, short_chars),
        url=story.url,
        outlet=outlet,
        others=others,
        others_word=_number_word(others, lang=lang),
        said=first_sentence(story.summary, title=story.title),
        date=_day(story.published_at, lang=lang, zone=zone),
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


def _words(text: str) -> list[str]:
    return [word.casefold() for word in regex.findall(r"[\p{L}\p{N}]+", text)]
