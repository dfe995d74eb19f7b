"""How far a matter has come: who decides next, on which day, and what is not in force yet.

An ask that goes to the wrong office is worse than none. What stands here is read from the outlets'
own words, and is empty when they do not say it: then a frame names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Stage", "is_decisive", "read_stage"]

_DAY: Final = (
    r"(?:\p{L}+day, )?(?P<day>(?:January|February|March|April|May|June|July|August|"
    r"September|October|November|December)\s\d{1,2}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?:\sat\smidnight)?)"
)
_DATE: Final = _DAY.partition("|(?:Mon")[0] + ")"
_DAY_ES: Final = (
    r"(?P<day>\d{1,2} de (?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|"
    r"noviembre|diciembre)|(?:lunes|martes|miércoles|jueves|viernes|sábado|domingo))"
)
_SIGNED: Final = regex.compile(
    r"\bsigns\b|\bsigned\b|\bvetoe[sd]\b|\bbec(?:a|o)mes? law\b|\bnew law\b",
    regex.IGNORECASE,
)
_TO_GOVERNOR: Final = regex.compile(
    r"\b(?:to|on) (?:the )?gov(?:ernor\b|\.)|\bgovernor's desk\b|"
    r"\b(?:whether|that) s?he will sign\b|\bone signature away\b",
    regex.IGNORECASE,
)
_GOVERNOR: Final = regex.compile(
    r"\bGov\.\s+(?:\p{Lu}[\p{L}'’-]+\s+){0,2}?(?P<name>\p{Lu}[\p{L}'’-]+)(?=[\s.,’'](?!\p{Lu}))"
)
_TO_CHAMBER: Final = regex.compile(
    r"\b(?:to|in) (?:the )?(?:state )?(?P<to>Senate|House)\b|"
    r"\bthe (?:state )?(?P<by>Senate|House) (?:takes|will take|votes|will vote|is to vote)\b"
)
_PASSED_ONE: Final = regex.compile(
    r"\b(?P<one>Senate|House) (?:pass(?:es|ed)|approv(?:es|ed)|vot(?:es|ed)|clear(?:s|ed))\b"
)
_COMMITTEE: Final = regex.compile(
    r"\bcommittee (?:hears|votes|will|is to|takes)\b", regex.IGNORECASE
)
_COUNCIL: Final = regex.compile(
    r"\b(?P<who>city council|council|school board|county board|board|commission|commissioners) "
    r"(?:votes on|will vote|is to vote|decides on|takes it up)",
    regex.IGNORECASE,
)
_AHEAD: Final = regex.compile(
    r"(?:\bhears? it|\btakes? it up|\bvotes(?: on it)?|\bleave by|\belection is|\bis set for|"
    r"\bhearings? begins?|"
    r"\bcomments? (?:until|due|close)|\buntil(?: \d+ [ap]\.m\.)?|\bmust decide|\bdecide|"
    r"\bsignatures|\bdeadline(?: [\w ]{0,30}?)? is|\bcontract ends(?: at midnight)?|\bopen|"
    r"\bends?|\bexpires?|\bgone|\bfrom 9 a\.m\.)"
    rf"(?: next)?(?: on| by| before)? {_DAY}|\b{_DAY} is the (?:last day|deadline)",
    regex.IGNORECASE,
)
_STARTS: Final = regex.compile(
    rf"\b(?:takes? effect|(?<!hearings )begins?|starts?|in force|register)(?: from| on)? {_DATE}|"
    rf"\bentra en vigor el {_DAY_ES}",
    regex.IGNORECASE,
)
_LIMIT_ES: Final = regex.compile(
    rf"\b(?:antes del|hasta el|desde el(?= \p{{Ll}})) {_DAY_ES}", regex.IGNORECASE
)
_BODY: Final = regex.compile(
    r"\b(?P<who>(?:utility|election) commission|city council|(?:school|election|county) board|"
    r"commissioners|commission|council|regulators)\b",
    regex.IGNORECASE,
)
_HURT: Final = regex.compile(
    r"\b(?:was|were) (?:hurt|injured|treated|burned)\b|"
    r"\bloses? (?:two |three |an? )?(?:fingers?|hand|arm|leg|eye)\b|"
    r"\blost (?:two|three|an?|his|her) (?:fingers|hand|arm|leg)\b|\btaken to (?:the )?hospital\b",
    regex.IGNORECASE,
)
_DEAD: Final = regex.compile(r"\b(?:died|dead|killed|kills)\b", regex.IGNORECASE)
_FORWARD: Final = regex.compile(
    r"\bappeal(?:s|ed)?\b(?! court)|\bden(?:y|ies|ied)\b|\bdisput(?:e|es|ed)\b|"
    r"\bmisread\b|\btakes? effect\b|(?<!to )\b(?:begins?|starts?) (?:on|in|from) |"
    r"\bwhether s?he will sign\b|\bmiles away\b|\bminutes to\b|"
    r"\bin (?:two|three|five|seven|ten|\d+) days\b|\bhas (?:\w+ ){1,2}days to\b|"
    r"\bwithin a (?:week|month)\b|\bwithin \d+ days\b|\buntil \d+ [ap]\.m\.|\bstays? in force\b|"
    r"\bcan keep (?:\p{L}+)\b|\bwhile the case goes on\b|\bnew permit\b|\bgo to court\b|"
    r"\bwould sue\b|"
    r"\bwill sue\b|\bentra en vigor\b|\bapelar",
    regex.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the outlets say about the next step.

    Attributes:
        decider: Whom to call, in words: ``Gov. Porter``, ``your senator``; else empty.
        step: ``sign`` before a governor, ``vote`` before a chamber or council; else empty.
        day: The next vote, hearing or deadline: ``November 12``, ``Monday``; else empty.
        starts: The day from which it holds: ``January 1``; else empty.
        body: Who decided: ``the commissioners``, ``the council``; else empty.
        hurt: True when people were hurt and nobody is reported dead.
    """

    decider: str = ""
    step: str = ""
    day: str = ""
    starts: str = ""
    body: str = ""
    hurt: bool = False


def is_decisive(sentence: str) -> bool:
    """True when a sentence tells of an appeal, a denial, a deadline or a day of effect.

    Examples:
        >>> is_decisive("The company said it would appeal."), is_decisive("Rain fell for hours.")
        (True, False)
    """
    return bool(
        _FORWARD.search(sentence)
        or _AHEAD.search(sentence)
        or _STARTS.search(sentence)
        or _LIMIT_ES.search(sentence)
    )


def read_stage(texts: Iterable[str]) -> Stage:
    """Who decides next and when, from headlines and teasers.

    Args:
        texts: Plain text; the outlet that is quoted first.

    Examples:
        >>> bill = read_stage(["House passes voter ID bill", "The Senate votes on Monday."])
        >>> bill.decider, bill.step, bill.day
        ('your senator', 'vote', 'Monday')
        >>> read_stage(["Governor signs shield law", "It takes effect on May 1."]).starts
        'May 1'
    """
    lines = [text for text in texts if text]
    whole = "\n".join(lines)
    decider, step = _decider(whole)
    ahead = _AHEAD.search(whole) or _LIMIT_ES.search(whole)
    starts = _STARTS.search(whole)
    return Stage(
        decider=decider,
        step=step,
        day=_day(ahead),
        starts=_day(starts),
        body=_body(whole),
        hurt=bool(_HURT.search(whole)) and not _DEAD.search(whole),
    )


def _day(match: regex.Match[str] | None) -> str:
    if match is None:
        return ""
    return next((found for found in match.captures("day") if found), "")


def _decider(whole: str) -> tuple[str, str]:
    if _SIGNED.search(whole):
        return "", ""
    if _TO_GOVERNOR.search(whole):
        named = _GOVERNOR.search(whole)
        return (f"Gov. {named['name']}" if named else "the governor"), "sign"
    moved = _TO_CHAMBER.search(whole)
    passed = _PASSED_ONE.search(whole)
    if passed:
        other = {"Senate": "House", "House": "Senate"}[passed["one"]]
        if moved is None or other in {moved["to"], moved["by"]}:
            return _member(other), "vote"
    elif moved is not None and regex.search(r"\bbill\b", whole, regex.IGNORECASE) and moved["by"]:
        return _member(moved["by"]), "vote"
    if _COMMITTEE.search(whole):
        return "your lawmaker", "vote"
    council = _COUNCIL.search(whole)
    if council:
        return f"the {council['who'].lower()}", "vote"
    return "", ""


def _body(whole: str) -> str:
    found = _BODY.search(whole)
    return f"the {found['who'].lower()}" if found else ""


def _member(chamber: str) -> str:
    return "your senator" if chamber == "Senate" else "your House member"
