r"""How many parts a text message takes, and why.

A part carries 140 octets. In the GSM 7-bit alphabet that is 160 septets, or 153 in a message of
several parts (the header that joins them takes the rest); the characters of the extension table
(``^ { } [ ] ~ | \``, the euro sign, form feed) take two septets. One character outside that
alphabet puts the *whole* message into UCS-2: 70 code units, or 67. Pairs (an escape and its
character, the two halves of a surrogate pair) and, in UCS-2, whole visible characters never
straddle two parts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

import regex

__all__ = [
    "Encoding",
    "Offender",
    "SmsLength",
    "plain_punctuation",
    "sms_length",
]

Encoding = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038, section 6.2.1 (default alphabet, the escape itself left out) and 6.2.1.1.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
_CAPACITY: Final[dict[Encoding, tuple[int, int]]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# Typographic characters and the plain ones that say the same.
_PLAIN: Final[dict[str, str]] = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'", "´": "'", "`": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "…": "...", "•": "-", "·": "-", "‣": "-", "\t": " ",
    "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2007": " ", "\u2009": " ", "\u200a": " ",
    "\u202f": " ", "\u2028": "\n", "\u2029": "\n", "\u200b": "", "\u00ad": "", "\ufeff": "",
    "\u200e": "", "\u200f": "", "\u2060": "", "½": "1/2", "¼": "1/4", "¾": "3/4", "№": "No.",
    "™": "(TM)", "©": "(c)", "®": "(R)", "→": "->", "×": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """A character that costs the message its short encoding.

    Attributes:
        char: The visible character.
        index: Where it first stands in the text.
        word: The word that it stands in; the character itself where it stands alone.
        count: How often it occurs.
        replacement: Plain characters in its place, or None where there are none.
        lossy: True where the replacement drops an accent, which a writer should decide.
    """

    char: str
    index: int
    word: str
    count: int
    replacement: str | None
    lossy: bool = False

    @property
    def name(self) -> str:
        """Code point and Unicode name: ``U+2019 RIGHT SINGLE QUOTATION MARK``."""
        first = self.char[0]
        return f"U+{ord(first):04X} {unicodedata.name(first, 'unnamed')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsLength:
    """What a text costs as SMS.

    Attributes:
        encoding: ``GSM-7``, or ``UCS-2`` as soon as one character needs it.
        units: Septets (GSM-7) or 16-bit code units (UCS-2) of the whole text.
        characters: Visible characters.
        parts: The text of each part, in order; an empty message is one empty part.
        capacity: Units that a message with this many parts could hold.
        offenders: The characters that force UCS-2, in order of appearance; empty in GSM-7.
        parts_if_plain: Number of parts after :func:`plain_punctuation`; equal to ``segments``
            when nothing would change.
    """

    encoding: Encoding
    units: int
    characters: int
    parts: tuple[str, ...]
    capacity: int
    offenders: tuple[Offender, ...] = ()
    parts_if_plain: int

    @property
    def segments(self) -> int:
        """Number of parts, each billed as one message."""
        return len(self.parts)

    @property
    def reason(self) -> str:
        """One sentence on the encoding, for the person who pays for the parts.

        Examples:
            >>> sms_length("It’s time").reason
            "’ (U+2019) in “It’s” makes this a Unicode message: write ' instead"
        """
        if not self.offenders:
            return "every character is in the GSM alphabet"
        shown = []
        for offender in self.offenders[:3]:
            inside = f" in “{offender.word}”" if offender.word != offender.char else ""
            shown.append(f"{offender.char} (U+{ord(offender.char[0]):04X}){inside}")
        more = len(self.offenders) - len(shown)
        what = ", ".join(shown) + (f" and {more} more" if more else "")
        verb = "makes" if len(self.offenders) == 1 else "make"
        sentence = f"{what} {verb} this a Unicode message"
        if len(self.offenders) == 1:
            only = self.offenders[0]
            if only.replacement is not None and not only.lossy:
                return f"{sentence}: write {only.replacement or 'nothing'} instead"
        return sentence


def plain_punctuation(text: str) -> str:
    r"""The same words with typographic characters made plain; accents and emoji stay.

    Only characters that would cost the short encoding are touched.

    Examples:
        >>> plain_punctuation("“We’re here” – café…")
        '"We\'re here" - café...'
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        char if char in _BASIC or char in _EXTENSION else _PLAIN.get(char, char)
        for char in composed
    )


def sms_length(text: str) -> SmsLength:
    """Encoding, parts and the reason for them.

    Args:
        text: The message as it will be sent, opt-out line included.

    Returns:
        The cost, with the offending characters and the cost without them.

    References:
        3GPP TS 23.038 (alphabets) and TS 23.040 section 9.2.3.24.1 (joined messages).

    Examples:
        >>> length = sms_length("a" * 161)
        >>> length.encoding, length.segments, [len(p) for p in length.parts]
        ('GSM-7', 2, [153, 8])
    """
    length = _measure(text)
    plain = plain_punctuation(text)
    if plain == text:
        return length
    return SmsLength(
        encoding=length.encoding,
        units=length.units,
        characters=length.characters,
        parts=length.parts,
        capacity=length.capacity,
        offenders=length.offenders,
        parts_if_plain=_measure(plain).segments,
    )


def _measure(text: str) -> SmsLength:
    offenders = _offenders(text)
    encoding: Encoding = "UCS-2" if offenders else "GSM-7"
    atoms = _atoms(text, encoding)
    single, joined = _CAPACITY[encoding]
    units = sum(size for _, size in atoms)
    parts = (text,) if units <= single else _pack(atoms, joined)
    return SmsLength(
        encoding=encoding,
        units=units,
        characters=sum(1 for _ in regex.finditer(r"\X", text)),
        parts=parts,
        capacity=single if len(parts) == 1 else joined * len(parts),
        offenders=offenders,
        parts_if_plain=len(parts),
    )


def _offenders(text: str) -> tuple[Offender, ...]:
    found: dict[str, Offender] = {}
    for match in regex.finditer(r"\X", text):
        cluster = match[0]
        if all(char in _BASIC or char in _EXTENSION for char in cluster):
            continue
        earlier = found.get(cluster)
        if earlier is not None:
            found[cluster] = Offender(
                char=cluster,
                index=earlier.index,
                word=earlier.word,
                count=earlier.count + 1,
                replacement=earlier.replacement,
                lossy=earlier.lossy,
            )
            continue
        replacement, lossy = _replacement(cluster)
        found[cluster] = Offender(
            char=cluster,
            index=match.start(),
            word=_word_at(text, match.start()) or cluster,
            count=1,
            replacement=replacement,
            lossy=lossy,
        )
    return tuple(found.values())


def _word_at(text: str, index: int) -> str:
    """The word around a place; empty when the place is not in a word."""
    for match in regex.finditer(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}'’]*", text):
        if match.start() <= index < match.end():
            return match[0]
    return ""


def _replacement(cluster: str) -> tuple[str | None, bool]:
    plain = plain_punctuation(cluster)
    if all(char in _BASIC or char in _EXTENSION for char in plain):
        return plain, False
    bare = "".join(
        char for char in unicodedata.normalize("NFD", cluster) if not unicodedata.combining(char)
    )
    if bare and bare != cluster and all(char in _BASIC for char in bare):
        return bare, True
    return None, False


def _utf16_units(text: str) -> int:
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def _atoms(text: str, encoding: Encoding) -> list[tuple[str, int]]:
    """Pieces that stay in one part, each with its size in units."""
    if encoding == "GSM-7":
        return [(char, 2 if char in _EXTENSION else 1) for char in text]
    atoms: list[tuple[str, int]] = []
    for match in regex.finditer(r"\X", text):
        cluster = match[0]
        size = _utf16_units(cluster)
        if cluster == "\r\n" or size > _CAPACITY["UCS-2"][1]:
            atoms.extend((char, _utf16_units(char)) for char in cluster)
        else:
            atoms.append((cluster, size))
    return atoms


def _pack(atoms: list[tuple[str, int]], capacity: int) -> tuple[str, ...]:
    parts: list[str] = []
    current: list[str] = []
    used = 0
    for piece, size in atoms:
        if used + size > capacity:
            parts.append("".join(current))
            current, used = [], 0
        current.append(piece)
        used += size
    parts.append("".join(current))
    return tuple(parts)
