"""An issue file, read into an :class:`~responders.model.issue.Issue` with all its problems at once.

The caller has turned the file into plain values (and knows on which line each key stands); this
module knows what the keys mean. Nothing here reads a file.
"""

from __future__ import annotations

import difflib
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import regex

from responders.model.budget import alarms_per_week
from responders.model.issue import (
    BLOCKS,
    CHANNELS,
    OUTCOMES,
    RISKS,
    STANCES,
    VERBS,
    Ask,
    Audience,
    Frame,
    Issue,
    Moment,
    Position,
    Sensitivity,
    TalkingPoint,
    Thing,
)
from testkit.errors import DefinitionError, InputError
from testkit.kernel.findings import Finding, Severity, by_severity, has_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from responders.model.issue import BlockName, Outcome

__all__ = ["KEYS", "check_issue", "issue_from_mapping"]

Path: TypeAlias = "tuple[str | int, ...]"
T = TypeVar("T")

KEYS: Final[dict[str, str]] = {
    "issue": "key of the issue: lower case, digits, hyphens",
    "title": "its name as it reads in a sentence",
    "query": "what to watch for",
    "owner": "role or person who answers for it",
    "lang": "language of the texts (en, es ...)",
    "translates": "key of the issue that this one translates",
    "chain": "sign-off chain of its drafts",
    "risk": "low, medium or high",
    "alarms": "false alarms that it may ring: about one a week, two a month, never",
    "aliases": "name: [terms], for @name in the query",
    "audiences": "list of {name, greeting}",
    "channels": "list of email, sms, post, call",
    "vary": "block in which the variants differ",
    "moments": "list of {name, label, stance, cues, risk, hold}",
    "things": "list of {name, wanted, words, moments}",
    "frames": "block: list of {name, text, short, spoken, moments, channels, audiences, expires}",
    "talking_points": "list of {name, text, source, url, expires, moments}",
    "asks": "list of {name, verb, label, url, phone, moments, expires}",
    "positions": "list of {statement, since, url, opposed}",
    "sensitivities": "list of {words, reason, blocks}",
    "disclaimer": "line under every e-mail on this issue",
}
_SLUG: Final = regex.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANG: Final = regex.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def issue_from_mapping(
    mapping: Mapping[str, Any],
    *,
    path: str = "",
    locate: Callable[[Path], str] | None = None,
) -> Issue:
    """The issue that a file describes.

    Args:
        mapping: The file as plain values (text, numbers, dates, lists, mappings).
        path: Name of the file, for messages.
        locate: Gives ``file:line:column: key.path`` for a key path such as
            ``("frames", "problem", 0, "text")``; the caller has it from its YAML reader.

    Returns:
        The issue. Judgements that do not make it unusable come from :func:`check_issue`.

    Raises:
        DefinitionError: With every problem of the file, each with its place (IS001-IS008).

    Examples:
        >>> issue_from_mapping({"issue": "Rent!", "titel": "rent", "owner": "Ana", "frames": {}})
        Traceback (most recent call last):
        ...
        testkit.errors.DefinitionError: definition: 4 errors
          issue: error IS003: 'Rent!' is not a key (lower case letters, digits and hyphens)
          titel: error IS002: unknown key 'titel' (did you mean 'title'?)
          title: error IS001: 'title' is missing (its name as it reads in a sentence)
          query: error IS001: 'query' is missing (what to watch for)
    """
    reader = _Reader(path=path, locate=locate)
    issue = _issue(reader, mapping)
    if has_errors(reader.findings) or issue is None:
        raise DefinitionError(by_severity(reader.findings), path=path)
    return issue


class _Reader:
    """Takes values out of a mapping and remembers what was wrong with them."""

    def __init__(self, *, path: str, locate: Callable[[Path], str] | None) -> None:
        self.findings: list[Finding] = []
        self._path = path
        self._locate = locate

    def where(self, at: Path) -> str:
        if self._locate is not None:
            return self._locate(at)
        key = ".".join(str(part) for part in at)
        return f"{self._path}: {key}" if self._path else key

    def add(self, code: str, at: Path, message: str, hint: str = "") -> None:
        severity: Severity = "error"
        self.findings.append(
            Finding(code=code, severity=severity, message=message, hint=hint, where=self.where(at))
        )

    def known(self, mapping: Mapping[str, Any], keys: Iterable[str], at: Path) -> None:
        keys = tuple(keys)
        for key in mapping:
            if key in keys:
                continue
            near = difflib.get_close_matches(str(key), keys, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(keys)
            self.add("IS002", (*at, str(key)), f"unknown key {str(key)!r}", hint)

    def mapping(self, value: Any, at: Path) -> Mapping[str, Any] | None:
        if isinstance(value, dict):
            return value
        self.add("IS003", at, f"{_shown(value)} is not a set of keys", "write key: value lines")
        return None

    def text(
        self, mapping: Mapping[str, Any], key: str, at: Path, *, need: bool = False, hint: str = ""
    ) -> str:
        value = mapping.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            if need:
                self.add("IS001", (*at, key), f"{key!r} is missing", hint)
            return ""
        if isinstance(value, str):
            return " ".join(value.split())
        self.add("IS003", (*at, key), f"{_shown(value)} is not text", "put it in quotation marks")
        return ""

    def texts(self, mapping: Mapping[str, Any], key: str, at: Path) -> tuple[str, ...]:
        value = mapping.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.add("IS003", (*at, key), f"{_shown(value)} is not a list of texts", "use [a, b]")
            return ()
        return tuple(" ".join(item.split()) for item in value)

    def choice(
        self,
        mapping: Mapping[str, Any],
        key: str,
        at: Path,
        options: tuple[T, ...],
        default: T | None,
    ) -> T | None:
        value = mapping.get(key, default)
        if value in options:
            return next(option for option in options if option == value)
        shown = ", ".join(str(option) for option in options)
        if value is None:
            self.add("IS001", (*at, key), f"{key!r} is missing", f"one of {shown}")
        else:
            self.add("IS004", (*at, key), f"{_shown(value)} is not a {key}", f"one of {shown}")
        return default

    def choices(
        self, mapping: Mapping[str, Any], key: str, at: Path, options: tuple[T, ...]
    ) -> tuple[T, ...]:
        found: list[T] = []
        for index, item in enumerate(self.texts(mapping, key, at)):
            if item in options:
                found.extend(option for option in options if option == item)
            else:
                shown = ", ".join(str(option) for option in options)
                self.add("IS004", (*at, key, index), f"no {item!r} here", f"one of {shown}")
        return tuple(found)

    def day(self, mapping: Mapping[str, Any], key: str, at: Path) -> date | None:
        value = mapping.get(key)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.add("IS006", (*at, key), f"{_shown(value)} is not a day", "write 2027-01-31")
            return None

    def flag(self, mapping: Mapping[str, Any], key: str, at: Path) -> bool:
        value = mapping.get(key, False)
        if isinstance(value, bool):
            return value
        self.add("IS003", (*at, key), f"{_shown(value)} is neither true nor false", "true or false")
        return False

    def items(
        self, mapping: Mapping[str, Any], key: str, at: Path, known: Sequence[str]
    ) -> list[tuple[Path, Mapping[str, Any]]]:
        value = mapping.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.add("IS003", (*at, key), f"{_shown(value)} is not a list", "begin items with '-'")
            return []
        found = []
        for index, raw in enumerate(value):
            place = (*at, key, index)
            item = self.mapping(raw, place)
            if item is not None:
                self.known(item, known, place)
                found.append((place, item))
        return found


def _issue(reader: _Reader, mapping: Mapping[str, Any]) -> Issue | None:
    top: Path = ()
    if reader.mapping(mapping, top) is None:
        return None
    slug = reader.text(mapping, "issue", top, need=True, hint=KEYS["issue"])
    if slug and not _SLUG.fullmatch(slug):
        reader.add(
            "IS003", ("issue",), f"{slug!r} is not a key", "lower case letters, digits and hyphens"
        )
    reader.known(mapping, KEYS, top)
    title = reader.text(mapping, "title", top, need=True, hint=KEYS["title"])
    query = reader.text(mapping, "query", top, need=True, hint=KEYS["query"])
    owner = reader.text(mapping, "owner", top, need=True, hint=KEYS["owner"])
    lang = reader.text(mapping, "lang", top) or "en"
    if not _LANG.fullmatch(lang):
        reader.add("IS003", ("lang",), f"{lang!r} is not a language tag", "en, es, es-MX ...")
    moments = _moments(reader, mapping)
    audiences = _audiences(reader, mapping)
    names = tuple(moment.name for moment in moments)
    people = tuple(audience.name for audience in audiences)
    return Issue(
        slug=slug,
        title=title,
        query=query,
        owner=owner,
        lang=lang,
        translates=reader.text(mapping, "translates", top),
        chain=reader.text(mapping, "chain", top) or "rapid-response",
        risk=reader.choice(mapping, "risk", top, RISKS, "medium") or "medium",
        aliases=_aliases(reader, mapping),
        audiences=audiences,
        channels=reader.choices(mapping, "channels", top, CHANNELS) or CHANNELS,
        vary=reader.choice(mapping, "vary", top, BLOCKS, "problem") or "problem",
        moments=moments,
        things=_things(reader, mapping, moments=names),
        frames=_frames(reader, mapping, moments=names, audiences=people),
        talking_points=_points(reader, mapping, moments=names),
        asks=_asks(reader, mapping, moments=names),
        positions=_positions(reader, mapping),
        sensitivities=_sensitivities(reader, mapping),
        disclaimer=reader.text(mapping, "disclaimer", top),
        alarms_per_week=_alarms(reader, mapping),
    )


def _alarms(reader: _Reader, mapping: Mapping[str, Any]) -> float:
    words = reader.text(mapping, "alarms", ())
    try:
        return alarms_per_week(words) if words else 1.0
    except InputError as problem:
        reader.add("IS003", ("alarms",), problem.message, problem.hint)
        return 1.0


def _aliases(reader: _Reader, mapping: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    value = mapping.get("aliases")
    if value is None:
        return {}
    names = reader.mapping(value, ("aliases",))
    if names is None:
        return {}
    return {str(name): reader.texts(names, name, ("aliases",)) for name in names}


def _audiences(reader: _Reader, mapping: Mapping[str, Any]) -> tuple[Audience, ...]:
    found = tuple(
        Audience(
            name=reader.text(item, "name", at, need=True),
            greeting=reader.text(item, "greeting", at, need=True, hint="how an e-mail begins"),
        )
        for at, item in reader.items(mapping, "audiences", (), ("name", "greeting"))
    )
    _unique(reader, "audiences", [audience.name for audience in found])
    return found or (Audience(name="supporters", greeting="Friend"),)


def _moments(reader: _Reader, mapping: Mapping[str, Any]) -> tuple[Moment, ...]:
    keys = ("name", "label", "stance", "cues", "risk", "hold")
    found = []
    for at, item in reader.items(mapping, "moments", (), keys):
        cues = reader.texts(item, "cues", at)
        if not cues:
            reader.add("IS001", (*at, "cues"), "'cues' is missing", "words that give it away")
        found.append(
            Moment(
                name=reader.text(item, "name", at, need=True),
                label=reader.text(item, "label", at, need=True, hint="as in: read as ..."),
                stance=reader.choice(item, "stance", at, STANCES, "neutral") or "neutral",
                cues=cues,
                risk=reader.choice(item, "risk", at, RISKS, None) if "risk" in item else None,
                hold=reader.flag(item, "hold", at),
            )
        )
    _unique(reader, "moments", [moment.name for moment in found])
    return tuple(found)


def _things(
    reader: _Reader, mapping: Mapping[str, Any], *, moments: tuple[str, ...]
) -> tuple[Thing, ...]:
    found = []
    for at, item in reader.items(mapping, "things", (), ("name", "wanted", "words", "moments")):
        words = reader.texts(item, "words", at)
        if not words:
            reader.add("IS001", (*at, "words"), "'words' is missing", "what it is called")
        if "wanted" not in item:
            reader.add("IS001", (*at, "wanted"), "'wanted' is missing", "true or false")
        told = reader.mapping(item.get("moments", {}), (*at, "moments")) or {}
        reader.known(told, OUTCOMES, (*at, "moments"))
        named: dict[Outcome, str] = {}
        for outcome in OUTCOMES:
            for name in _references(reader, told, outcome, (*at, "moments"), moments):
                named[outcome] = name
        found.append(
            Thing(
                name=reader.text(item, "name", at, need=True),
                wanted=reader.flag(item, "wanted", at),
                words=words,
                moments=named,
            )
        )
    _unique(reader, "things", [thing.name for thing in found])
    return tuple(found)


def _frames(
    reader: _Reader,
    mapping: Mapping[str, Any],
    *,
    moments: tuple[str, ...],
    audiences: tuple[str, ...],
) -> tuple[Frame, ...]:
    value = mapping.get("frames")
    if value is None:
        reader.add("IS001", ("frames",), "'frames' is missing", KEYS["frames"])
        return ()
    blocks = reader.mapping(value, ("frames",))
    if blocks is None:
        return ()
    reader.known(blocks, BLOCKS, ("frames",))
    keys = ["name", "text", "short", "spoken", "moments", "channels", "audiences", "expires"]
    found: list[Frame] = []
    for block in BLOCKS:
        for at, item in reader.items(blocks, block, ("frames",), keys):
            found.append(_frame(reader, item, at, block, moments=moments, audiences=audiences))
        _unique(reader, f"frames.{block}", [f.name for f in found if f.block == block])
    return tuple(found)


def _frame(
    reader: _Reader,
    item: Mapping[str, Any],
    at: Path,
    block: BlockName,
    *,
    moments: tuple[str, ...],
    audiences: tuple[str, ...],
) -> Frame:
    return Frame(
        block=block,
        name=reader.text(item, "name", at, need=True),
        text=reader.text(item, "text", at, need=True),
        short=reader.text(item, "short", at),
        spoken=reader.text(item, "spoken", at),
        moments=_references(reader, item, "moments", at, moments),
        channels=reader.choices(item, "channels", at, CHANNELS),
        audiences=_references(reader, item, "audiences", at, audiences),
        expires_on=reader.day(item, "expires", at),
    )


def _points(
    reader: _Reader, mapping: Mapping[str, Any], *, moments: tuple[str, ...]
) -> tuple[TalkingPoint, ...]:
    keys = ("name", "text", "source", "url", "expires", "moments")
    found = tuple(
        TalkingPoint(
            name=reader.text(item, "name", at, need=True),
            text=reader.text(item, "text", at, need=True),
            source=reader.text(item, "source", at, need=True, hint="who says so"),
            source_url=reader.text(item, "url", at),
            expires_on=reader.day(item, "expires", at),
            moments=_references(reader, item, "moments", at, moments),
        )
        for at, item in reader.items(mapping, "talking_points", (), keys)
    )
    _unique(reader, "talking_points", [point.name for point in found])
    return found


def _asks(
    reader: _Reader, mapping: Mapping[str, Any], *, moments: tuple[str, ...]
) -> tuple[Ask, ...]:
    keys = ("name", "verb", "label", "url", "phone", "moments", "expires")
    found = []
    for at, item in reader.items(mapping, "asks", (), keys):
        ask = Ask(
            name=reader.text(item, "name", at, need=True),
            verb=reader.choice(item, "verb", at, VERBS, None) or "sign",
            label=reader.text(item, "label", at, need=True, hint="an imperative"),
            url=reader.text(item, "url", at),
            phone=reader.text(item, "phone", at),
            moments=_references(reader, item, "moments", at, moments),
            expires_on=reader.day(item, "expires", at),
        )
        if not ask.url and not ask.phone:
            reader.add("IS007", at, "an ask needs a url or a phone", "where is it done?")
        found.append(ask)
    _unique(reader, "asks", [ask.name for ask in found])
    return tuple(found)


def _positions(reader: _Reader, mapping: Mapping[str, Any]) -> tuple[Position, ...]:
    keys = ("statement", "since", "url", "opposed")
    return tuple(
        Position(
            statement=reader.text(item, "statement", at, need=True),
            since=reader.day(item, "since", at),
            source_url=reader.text(item, "url", at),
            opposed=reader.texts(item, "opposed", at),
        )
        for at, item in reader.items(mapping, "positions", (), keys)
    )


def _sensitivities(reader: _Reader, mapping: Mapping[str, Any]) -> tuple[Sensitivity, ...]:
    return tuple(
        Sensitivity(
            words=reader.texts(item, "words", at),
            reason=reader.text(item, "reason", at, need=True),
            blocks=reader.flag(item, "blocks", at),
        )
        for at, item in reader.items(mapping, "sensitivities", (), ("words", "reason", "blocks"))
    )


def _references(
    reader: _Reader, item: Mapping[str, Any], key: str, at: Path, known: tuple[str, ...]
) -> tuple[str, ...]:
    names = reader.texts(item, key, at)
    for index, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "defined: " + ", ".join(known)
            reader.add("IS005", (*at, key, index), f"no {name!r} under {key}", hint)
    return names


def _unique(reader: _Reader, key: str, names: list[str]) -> None:
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            reader.add("IS008", tuple(key.split(".")), f"{name!r} occurs twice", "rename one")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_issue(issue: Issue, *, as_of: date | None = None, path: str = "") -> tuple[Finding, ...]:
    """What is allowed in an issue and will be missed when a story breaks.

    Args:
        issue: The issue.
        as_of: Today; None leaves out what has expired.
        path: Name of the file, for messages.

    Returns:
        Findings IS010-IS016, worst first.
    """
    found: list[Finding] = []

    def add(code: str, severity: Severity, message: str, hint: str, key: str) -> None:
        where = f"{path}: {key}" if path else key
        found.append(Finding(code=code, severity=severity, message=message, hint=hint, where=where))

    general = [frame for frame in issue.frames if not frame.moments]
    for block in BLOCKS:
        if not any(frame.block == block for frame in general):
            add(
                "IS010", "error", f"no {block} frame for ordinary news",
                "write one without 'moments': it is used when no moment is recognised",
                f"frames.{block}",
            )  # fmt: skip
    for block in ("problem", "action"):
        if not any(frame.block == block and frame.short for frame in general):
            add(
                "IS011", "error", f"no short {block} for ordinary news",
                "SMS and posts need a 'short' form", f"frames.{block}",
            )  # fmt: skip
    if sum(frame.block == issue.vary for frame in general) < 2:
        add(
            "IS012", "warning", f"only one {issue.vary} to vary",
            "write a second alternative, or vary another block", f"frames.{issue.vary}",
        )  # fmt: skip
    if not any(not ask.moments for ask in issue.asks):
        add("IS013", "error", "no ask for ordinary news", "what should a reader do?", "asks")
    for moment in issue.moments:
        blocks = {frame.block for frame in issue.frames if moment.name in frame.moments}
        if moment.hold and not {"subject", "value", "action"} <= blocks:
            add(
                "IS014", "error", f"moment {moment.name!r} holds but has no words of its own",
                "write subject, value and action for it", "moments",
            )  # fmt: skip
        if not blocks:
            add(
                "IS015", "note", f"no frame is written for moment {moment.name!r}",
                "general wording will be used", "moments",
            )  # fmt: skip
    for point in issue.talking_points:
        if point.expires_on is None:
            add(
                "IS016", "warning", f"talking point {point.name!r} never expires",
                "give a day on which somebody checks it again", f"talking_points.{point.name}",
            )  # fmt: skip
        elif as_of is not None and point.expires_on < as_of:
            add(
                "IS016", "warning",
                f"talking point {point.name!r} expired on {point.expires_on}",
                "check it and move the day, or remove it", f"talking_points.{point.name}",
            )  # fmt: skip
    return by_severity(found)
