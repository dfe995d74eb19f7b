"""The catalogue of lint rules, and the numbers and words that a workspace may change.

A rule has a code that never changes its meaning, a usual severity, and a page section in
``docs/drafting/lint.md`` with why and how to fix it; a test keeps catalogue and page together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from testkit.kernel.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RULES", "LintRules", "Rule", "remark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        severity: ``error`` stops a release, ``warning`` asks for thought, ``note`` informs.
        title: What is wrong, in a few words.
    """

    severity: Severity
    title: str


def _rule(severity: Severity, title: str) -> Rule:
    return Rule(severity=severity, title=title)


RULES: Final[Mapping[str, Rule]] = {
    "RS001": _rule("error", "a fact is missing"),
    "RS002": _rule("error", "a template cannot be read"),
    "RS003": _rule("error", "a template was stopped"),
    "RS004": _rule("error", "a template uses an undocumented name"),
    "RS005": _rule("error", "there is no template"),
    "RS006": _rule("note", "accents were left out of a headline"),
    "RS010": _rule("error", "a quotation without its source"),
    "RS011": _rule("error", "a quotation that is not in the story"),
    "RS012": _rule("error", "a number that is in neither the story nor the issue file"),
    "RS013": _rule("warning", "subject and body disagree"),
    "RS014": _rule("warning", "the news is old"),
    "RS015": _rule("warning", "the source is opinion or a live page"),
    "RS016": _rule("note", "the headline is in another language"),
    "RS017": _rule("note", "only one outlet so far"),
    "RS018": _rule("warning", "reports were left out of the draft"),
    "RS020": _rule("warning", "somebody died: care first, no ask"),
    "RS021": _rule("error", "the story speaks of death or violence and the text asks for an act"),
    "RS022": _rule("warning", "words that call for judgement"),
    "RS023": _rule("warning", "good or bad news is unclear"),
    "RS024": _rule("error", "it contradicts an earlier position"),
    "RS025": _rule("warning", "a name that is in neither the story nor the issue file"),
    "RS030": _rule("error", "an expired talking point is used"),
    "RS031": _rule("note", "an expired talking point was left out"),
    "RS032": _rule("error", "an ask whose day has passed"),
    "RS040": _rule("error", "the disclaimer is missing"),
    "RS041": _rule("error", "the opt-out is missing"),
    "RS042": _rule("warning", "the postal address is missing"),
    "RS050": _rule("error", "there is no way to act"),
    "RS051": _rule("warning", "a link is not https"),
    "RS052": _rule("warning", "a placeholder link"),
    "RS053": _rule("warning", "a public link shortener"),
    "RS054": _rule("error", "a slot was left unfilled"),
    "RS055": _rule("warning", "a weak ask"),
    "RS060": _rule("warning", "hard to read"),
    "RS061": _rule("note", "no reading grade"),
    "RS062": _rule("warning", "shouting"),
    "RS070": _rule("error", "too long for the channel"),
    "RS071": _rule("warning", "longer than is comfortable"),
    "RS072": _rule("warning", "a Unicode text message"),
    "RS073": _rule("warning", "too long for one of the networks"),
    "RS080": _rule("error", "the variants differ in more than one block"),
    "RS081": _rule("note", "there is only one variant"),
    "RS090": _rule("error", "a template file that no channel reads"),
    "RS092": _rule("warning", "the words could not be checked again"),
    "RS100": _rule("note", "words proposed by your hook"),
    "RS101": _rule("warning", "your hook gave nothing usable"),
}


def remark(
    code: str, message: str, *, hint: str = "", where: str = "", severity: Severity | None = None
) -> Finding:
    """A finding under one of the rules, with its usual severity unless told otherwise.

    Examples:
        >>> print(remark("RS051", "http://a.org is not https", where="email.a"))
        email.a: warning RS051: http://a.org is not https
    """
    return Finding(
        code=code,
        severity=severity or RULES[code].severity,
        message=message,
        hint=hint,
        where=where,
    )


# Whole words that speak of death or violence, by language. "kill" and "dead" have political
# meanings too ("kills the bill"), so what they are said of is looked at as well.
_TRAGEDY: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "killed", "kills", "dead", "death", "deaths", "dies", "died", "dying", "shooting",
        "shootings", "shot", "murder", "murdered", "massacre", "suicide", "stabbed", "stabbing",
        "body found", "bodies", "funeral", "victim", "victims", "explosion", "crash", "drowned",
        "missing child", "terror", "overdose", "miscarriage", "stillbirth", "lynching",
    ),
    "es": (
        "muere", "mueren", "murió", "murieron", "muerto", "muerta", "muertos", "muertas", "muerte",
        "muertes", "mata", "matan", "mató", "asesinato", "asesinada", "asesinado", "tiroteo",
        "masacre", "suicidio", "apuñalado", "apuñalada", "funeral", "víctima", "víctimas",
        "explosión", "choque", "ahogado", "ahogada", "sobredosis", "fallece", "falleció",
    ),
}  # fmt: skip
_NOT_TRAGEDY: Final = (
    "kill* ... bill", "kill* ... measure", "kill* ... proposal", "kill* ... amendment",
    "kill* ... plan", "kill* ... deal", "kill* ... jobs", "dead ... committee", "dead on arrival",
    "dead heat", "dead end", "bill ... dead", "bill dies", "bill died", "bill ... died",
    "bill ... dies", "dies in ... committee", "died in ... committee", "dies in committee",
    "died in committee", "death penalty", "death tax", "death threat*", "shot at",
    "shot down ... bill",
    "parking shot", "flu shot", "shot in the arm", "crash course", "victim blaming",
    "governing bodies", "public bodies",
)  # fmt: skip
_WEAK_ASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "learn more", "click here", "find out more", "read more", "stay tuned",
        "raise awareness", "spread awareness", "check out our",
    ),
    "es": (
        "más información", "haga clic aquí", "haz clic aquí", "lea más", "saber más",
        "crear conciencia",
    ),
}  # fmt: skip
_SHORTENERS: Final = frozenset(
    {"bit.ly", "tinyurl.com", "t.co", "ow.ly", "goo.gl", "is.gd", "buff.ly", "rebrand.ly",
     "tiny.cc", "cutt.ly", "shorturl.at"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRules:
    """What lint looks for; a workspace may change any of it.

    Attributes:
        off: Codes that are not reported. Errors cannot be switched off.
        stale_hours: Age of a story, hours, above which RS014 speaks.
        grade: Highest comfortable reading grade (US school years).
        networks: Networks that a post must fit.
        tragedy: Language to words of RS021.
        not_tragedy: Cues that make such a word harmless.
        weak_asks: Language to phrases of RS055.
        shorteners: Hosts of RS053.
    """

    off: frozenset[str] = frozenset()
    stale_hours: float = 36.0
    grade: float = 9.0
    networks: tuple[str, ...] = ("x", "bluesky", "mastodon")
    tragedy: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _TRAGEDY)
    not_tragedy: tuple[str, ...] = _NOT_TRAGEDY
    weak_asks: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _WEAK_ASKS)
    shorteners: frozenset[str] = _SHORTENERS
