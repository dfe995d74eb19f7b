"""A plain mapping becomes a chain, or all of its problems at once.

The caller reads the file; what arrives here is what YAML or JSON gave, and each finding names its
key path, which the caller can turn into file, line and column. Findings SO101 to SO105 are listed
in ``docs/signoff/chain.md``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_args

from testkit.errors import DefinitionError, InputError
from testkit.kernel.clock import parse_local
from testkit.kernel.digest import digest
from testkit.kernel.findings import Finding, by_severity
from testkit.kernel.hours import end_of
from testkit.signoff.conditions import (
    LEVELS,
    OPERATORS,
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Not,
)
from testkit.signoff.model import (
    Auth,
    ChainDef,
    FastLane,
    GroupDef,
    Options,
    OverrideRule,
    ReviewRule,
    Sla,
    StageDef,
    StopRule,
)
from testkit.signoff.spelling import chain_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

__all__ = ["Key", "Reader", "parse_chain", "parse_duration"]

Key = tuple[str | int, ...]
"""Path to a value: ``("stages", 1, "sla", "due")``."""

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9_.+-]{0,62}[a-z0-9])?")
_MISSING: Final = object()


def _plain_place(key: Key) -> str:
    return ".".join(str(part) for part in key)


def parse_duration(text: str) -> timedelta:
    """A length of time as people write it: ``20m``, ``2h``, ``1h30m``, ``3d``.

    Raises:
        InputError: The text is no such length, or it is zero.

    Examples:
        >>> parse_duration("1h30m")
        datetime.timedelta(seconds=5400)
    """
    match = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = map(int, match.groups("0")) if match else (0, 0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise InputError(
            f"{text!r} is not a length of time",
            field="duration",
            value=text,
            hint="write it like 20m, 2h, 1h30m or 3d",
        )
    return length


def parse_chain(
    value: object,
    *,
    version: str = "",
    zone_name: str = "UTC",
    path: str = "",
    place: Callable[[Key], str] = _plain_place,
) -> ChainDef:
    """The chain that a mapping defines.

    Args:
        value: Plain values, as read from the file.
        version: Version to pin; the digest of the chain's content if empty.
        zone_name: IANA zone of moments that name none.
        path: The file, as the user named it.
        place: Key path to the text of ``Finding.where``.

    Returns:
        The chain. Whether these people can complete it is :mod:`testkit.signoff.check`'s question.

    Raises:
        DefinitionError: With every problem of the file.
    """
    reader = Reader(zone_name, place)
    chain = reader.chain(value)
    if reader.findings or chain is None:
        raise DefinitionError(by_severity(reader.findings), path=path)
    return replace(chain, version=version or digest(chain_to_dict(chain)))


class Reader:
    """Reads plain values into ours, and collects problems instead of stopping at the first.

    Args:
        zone_name: IANA zone of moments that name none.
        place: Key path to the text of ``Finding.where``.
    """

    def __init__(self, zone_name: str, place: Callable[[Key], str]) -> None:
        self.zone_name = zone_name
        self.place = place
        self.findings: list[Finding] = []
        self.levels: Mapping[str, tuple[str, ...]] = LEVELS

    def bad(self, code: str, message: str, key: Key, hint: str = "") -> None:
        """Remember a problem at ``key``."""
        self.findings.append(
            Finding(code=code, severity="error", message=message, hint=hint, where=self.place(key))
        )

    # -- plain values ------------------------------------------------------------------------

    def mapping(self, value: object, key: Key, known: Collection[str]) -> Mapping[str, Any]:
        """The mapping at ``key``, with a finding for every key that nobody reads."""
        if not isinstance(value, Mapping):
            self.bad("SO103", f"keys and values are expected, not {value!r}", key)
            return {}
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self.bad("SO101", f"unknown key {name!r}", (*key, str(name)), hint)
        return value

    def needed(self, value: Mapping[str, Any], name: str, key: Key) -> Any:
        """The value under a key that must be there."""
        if value.get(name) is None:
            self.bad("SO102", f"{name!r} is missing", (*key, name))
            return _MISSING
        return value[name]

    def text(self, value: object, key: Key) -> str:
        """A text that is not empty."""
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is not _MISSING:
            self.bad("SO103", f"{value!r} is not accepted: it should be text", key)
        return ""

    def ident(self, value: object, key: Key) -> str:
        """A text that works as a name."""
        text = self.text(value, key)
        if text and not _ID.fullmatch(text):
            hint = "use a-z, 0-9, - and _, starting and ending with a letter or digit"
            self.bad("SO103", f"{text!r} does not work as a name", key, hint)
        return text

    def texts(self, value: object, key: Key) -> tuple[str, ...]:
        """One text or a list of them."""
        if value is None or value is _MISSING:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        found = []
        for index, item in enumerate(items):
            where = (*key, index) if isinstance(value, list | tuple) else key
            text = self.text(item, where)
            if text in found:
                self.bad("SO104", f"{text!r} stands twice", where)
            elif text:
                found.append(text)
        if isinstance(value, list | tuple) and not value:
            self.bad("SO103", "the list is empty", key)
        return tuple(found)

    def whole(self, value: object, key: Key, *, least: int) -> int:
        """A whole number from ``least`` on."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.bad("SO103", f"{value!r} is not accepted: a whole number from {least} on", key)
        return least

    def yes_no(self, value: object, key: Key) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.bad("SO103", f"{value!r} is not accepted: it should be true or false", key)
        return value is True

    def length(self, value: Mapping[str, Any], name: str, key: Key) -> timedelta | None:
        """A length of time, or None where none is given."""
        if value.get(name) is None:
            return None
        try:
            return parse_duration(str(value[name]))
        except InputError as cause:
            self.bad("SO103", cause.message, (*key, name), cause.hint)
            return None

    def choice(self, value: object, known: Sequence[str], key: Key) -> str:
        """One of the known texts."""
        if value in known:
            return str(value)
        near = difflib.get_close_matches(str(value), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        self.bad("SO103", f"{value!r} is not accepted: one of {', '.join(known)}", key, hint)
        return known[0]

    # -- the chain ---------------------------------------------------------------------------

    def chain(self, value: object) -> ChainDef | None:
        """The chain, or None when there is none to speak of."""
        known = (
            "chain",
            "about",
            "material",
            "options",
            "stages",
            "expire",
            "cleared_for",
            "fast_lane",
            "override",
            "post_review",
            "stop",
            "levels",
            "checklist",
        )
        top = self.mapping(value, (), known)
        if not top:
            self.bad("SO102", "the file holds no chain", (), "start with `chain: NAME`")
            return None
        if top.get("levels") is not None:
            self.levels = {**LEVELS, **self._levels(top["levels"])}
        chain = ChainDef(
            id=self.ident(self.needed(top, "chain", ()), ("chain",)),
            about=self.text(top["about"], ("about",)) if top.get("about") is not None else "",
            material=self.texts(self.needed(top, "material", ()), ("material",)),
            stages=self._stages(self.needed(top, "stages", ())),
            options=self._options(top.get("options") or {}),
            expire=self.length(top, "expire", ()),
            cleared_for=self.length(top, "cleared_for", ()),
            fast_lane=self._fast_lane(top.get("fast_lane")),
            override=self._override(top.get("override")),
            post_review=self._review(top.get("post_review"), ("post_review",)),
            stop=self._stop(top.get("stop")),
            levels=dict(self.levels),
            checklist=self.texts(top.get("checklist"), ("checklist",)),
        )
        if chain.options.author_may_approve and chain.post_review is None:
            self.bad(
                "SO105",
                "the author may approve, and nobody looks afterwards",
                ("options", "author_may_approve"),
                "add `post_review: {from: [...], within: 24h}`",
            )
        return chain

    def _levels(self, value: object) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, Mapping):
            self.bad("SO103", "facts with their ordered values are expected", ("levels",))
            return {}
        return {str(f): self.texts(v, ("levels", str(f))) for f, v in value.items()}

    def _options(self, value: object) -> Options:
        known = [item.name for item in fields(Options)]
        given = self.mapping(value, ("options",), known)
        found: dict[str, Any] = {}
        for name in known:
            if given.get(name) is not None:
                key = ("options", name)
                found[name] = (
                    self.whole(given[name], key, least=0)
                    if name == "lead_minutes"
                    else self.yes_no(given[name], key)
                )
        return Options(**found)

    def _stages(self, value: object) -> tuple[StageDef, ...]:
        if value is _MISSING:
            return ()
        if not isinstance(value, list | tuple) or not value:
            self.bad("SO103", "a list of at least one stage is expected", ("stages",))
            return ()
        stages: list[StageDef] = []
        for index, item in enumerate(value):
            stage = self._stage(item, ("stages", index))
            if any(stage.id and stage.id == other.id for other in stages):
                self.bad("SO104", f"two stages are called {stage.id!r}", ("stages", index, "id"))
            stages.append(stage)
        if stages and all(stage.auto for stage in stages):
            self.bad(
                "SO105",
                "only machines are asked, and nothing is ever approved by a machine alone",
                ("stages",),
                "add a stage with `from: [ROLE]`",
            )
        return tuple(stages)

    def _stage(self, value: object, key: Key) -> StageDef:
        known = (
            "id", "auto", "need", "from", "people", "all_of", "when", "sla", "min_auth", "distinct"
        )  # fmt: skip
        given = self.mapping(value, key, known)
        stage_id = self.ident(self.needed(given, "id", key), (*key, "id"))
        forms = [
            name
            for name, parts in (
                ("auto", ("auto",)),
                ("from", ("from", "people", "need")),
                ("all_of", ("all_of",)),
            )
            if any(given.get(part) is not None for part in parts)
        ]
        if len(forms) != 1 and given:
            what = "nobody and nothing is asked" if not forms else f"both {' and '.join(forms)}"
            self.bad(
                "SO105",
                f"stage {stage_id!r}: {what}",
                key,
                "give one of `from`, `all_of` or `auto`",
            )
        groups: tuple[GroupDef, ...] = ()
        if "all_of" in forms:
            groups = self._groups(given["all_of"], (*key, "all_of"))
        elif "from" in forms:
            alone = {k: given[k] for k in ("need", "from", "people") if given.get(k) is not None}
            groups = (self._group(alone, key),)
        auth = given.get("min_auth")
        return StageDef(
            id=stage_id,
            groups=groups,
            auto=self.texts(given.get("auto"), (*key, "auto")),
            when=self.when(given.get("when"), (*key, "when")),
            sla=self._sla(given.get("sla"), (*key, "sla")),
            min_auth=self.choice(auth, get_args(Auth), (*key, "min_auth"))  # type: ignore[arg-type]
            if auth is not None
            else "none",
            # Two seats of one stage are two people's, unless the file says otherwise.
            distinct=self.yes_no(given["distinct"], (*key, "distinct"))
            if given.get("distinct") is not None
            else len(groups) > 1,
        )

    def _groups(self, value: object, key: Key) -> tuple[GroupDef, ...]:
        if not isinstance(value, list | tuple) or not value:
            self.bad("SO103", "a list of at least one group is expected", key)
            return ()
        groups: list[GroupDef] = []
        for index, item in enumerate(value):
            group = self._group(item, (*key, index))
            if any(group.id and group.id == other.id for other in groups):
                self.bad(
                    "SO104",
                    f"two groups of the stage are called {group.id!r}",
                    (*key, index),
                    "give one of them an `id`",
                )
            groups.append(group)
        return tuple(groups)

    def _group(self, value: object, key: Key) -> GroupDef:
        given = self.mapping(value, key, ("id", "need", "from", "people", "when"))
        roles = self.texts(given.get("from"), (*key, "from"))
        people = self.texts(given.get("people"), (*key, "people"))
        need = self.whole(given["need"], (*key, "need"), least=1) if "need" in given else 1
        if not roles and not people and isinstance(value, Mapping):
            self.bad("SO102", "'from' is missing: who may sign?", (*key, "from"))
        elif not roles and need > len(people):
            self.bad("SO105", f"{need} are needed out of {len(people)} people", (*key, "need"))
        named = given.get("id")
        return GroupDef(
            id=self.ident(named, (*key, "id"))
            if named is not None
            else "+".join((*roles, *people)),
            need=need,
            roles=roles,
            people=people,
            when=self.when(given.get("when"), (*key, "when")),
        )

    def _sla(self, value: object, key: Key) -> Sla:
        if value is None:
            return Sla()
        known = ("remind", "due", "escalate", "escalate_after", "expire", "hours")
        given = self.mapping(value, key, known)
        hours = given.get("hours")
        sla = Sla(
            remind=self.length(given, "remind", key),
            due=self.length(given, "due", key),
            escalate_to=self.texts(given.get("escalate"), (*key, "escalate")),
            escalate_after=self.length(given, "escalate_after", key),
            expire=self.length(given, "expire", key),
            working=hours is not None
            and self.choice(hours, ("always", "working"), (*key, "hours")) == "working",
        )
        order = [("remind", sla.remind), ("due", sla.due), ("expire", sla.expire)]
        stated = [(name, length) for name, length in order if length is not None]
        for (early, first), (late, second) in pairwise(stated):
            if first >= second:
                self.bad("SO105", f"{early!r} is not before {late!r}", (*key, late))
        never = given.get("due") is None and given.get("escalate_after") is None
        if sla.escalate_to and never:
            self.bad("SO105", "it escalates, but never", (*key, "escalate"), "add `due: 2h`")
        if sla.escalate_after is not None and not sla.escalate_to:
            self.bad("SO105", "it escalates to nobody", (*key, "escalate_after"))
        return sla

    def _review(self, value: object, key: Key, *, needed: bool = False) -> ReviewRule | None:
        if value is None or value is _MISSING:
            if needed:
                self.bad(
                    "SO102",
                    "'post_review' is missing: who looks afterwards?",
                    key,
                    "add `post_review: {from: [...], within: 24h}`",
                )
            return None
        given = self.mapping(value, key, ("from", "within", "self_after"))
        return ReviewRule(
            roles=self.texts(self.needed(given, "from", key), (*key, "from")),
            within=self.length(given, "within", key) or timedelta(hours=24),
            self_after=self.length(given, "self_after", key),
        )

    def _override(self, value: object) -> OverrideRule | None:
        if value is None:
            return None
        key: Key = ("override",)
        given = self.mapping(value, key, ("from", "post_review", "min_auth"))
        auth = given.get("min_auth")
        roles = self.texts(self.needed(given, "from", key), (*key, "from"))
        review = self._review(given.get("post_review"), (*key, "post_review"), needed=True)
        proof: Any = (
            self.choice(auth, get_args(Auth), (*key, "min_auth")) if auth is not None else "none"
        )
        if review is None:
            return None
        return OverrideRule(roles=roles, review=review, min_auth=proof)

    def _fast_lane(self, value: object) -> FastLane | None:
        if value is None:
            return None
        key: Key = ("fast_lane",)
        known = (
            "templates", "cleared_by", "max_risk", "max_spend_cents", "valid_until", "post_review"
        )  # fmt: skip
        given = self.mapping(value, key, known)
        templates = self.texts(self.needed(given, "templates", key), (*key, "templates"))
        review = self._review(given.get("post_review"), (*key, "post_review"), needed=True)
        order = self.levels["risk"]
        risk, spend = given.get("max_risk"), given.get("max_spend_cents")
        lane_risk = order[0] if risk is None else self.choice(risk, order, (*key, "max_risk"))
        most = None if spend is None else self.whole(spend, (*key, "max_spend_cents"), least=0)
        until = self.end(given.get("valid_until"), (*key, "valid_until"))
        if review is None:
            return None
        return FastLane(
            templates=templates,
            cleared_by=self.texts(given.get("cleared_by"), (*key, "cleared_by")),
            max_risk=lane_risk,
            max_spend_cents=most,
            valid_until=until,
            review=review,
        )

    def moment(self, value: object, key: Key) -> datetime | None:
        """A moment in the organisation's zone, or None where none is given."""
        if value is None:
            return None
        try:
            return parse_local(self.text(value, key), zone_name=self.zone_name)
        except InputError as cause:
            self.bad("SO103", cause.message, key, cause.hint)
            return None

    def end(self, value: object, key: Key) -> datetime | None:
        """The end of a day, or a moment; None where none is given."""
        if value is None or self.moment(value, key) is None:
            return None
        return end_of(self.text(value, key), zone_name=self.zone_name)

    def _stop(self, value: object) -> StopRule:
        if value is None:
            return StopRule()
        given = self.mapping(value, ("stop",), ("from",))
        return StopRule(roles=self.texts(self.needed(given, "from", ("stop",)), ("stop", "from")))

    # -- conditions --------------------------------------------------------------------------

    def when(self, value: object, key: Key) -> Condition | None:
        """A condition over facts, or None where none is given."""
        if value is None:
            return None
        if not isinstance(value, Mapping) or not value:
            self.bad(
                "SO103",
                "a condition is a fact with a value",
                key,
                "write `{risk: high}`, or `{any: [{risk: high}, {spend_cents: {gt: 500000}}]}`",
            )
            return None
        parts: list[Condition] = []
        for name, inner in value.items():
            part = self._part(str(name), inner, (*key, str(name)))
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts)) if parts else None

    def _part(self, name: str, value: object, key: Key) -> Condition | None:
        if name in ("any", "all"):
            if not isinstance(value, list | tuple) or not value:
                self.bad("SO103", f"{name!r} takes a list of conditions", key)
                return None
            found = [self.when(item, (*key, i)) for i, item in enumerate(value)]
            parts = tuple(part for part in found if part is not None)
            return AnyOf(parts) if name == "any" else AllOf(parts)
        if name == "not":
            part = self.when(value if value is not None else {}, key)
            return None if part is None else Not(part)
        if isinstance(value, Mapping):
            ops: list[Condition] = []
            for op, constant in self.mapping(value, key, OPERATORS).items():
                if op in OPERATORS:
                    ops.append(self._compare(name, op, constant, (*key, op)))
            if not value:
                self.bad("SO103", f"{name!r} is compared with nothing", key)
            return ops[0] if len(ops) == 1 else AllOf(tuple(ops)) if ops else None
        op = "in" if isinstance(value, list | tuple) else "eq"
        return self._compare(name, op, value, key)

    def _compare(self, fact: str, op: str, value: Any, key: Key) -> Compare:
        plain = (str, int, float, bool)
        if op in ("in", "not_in"):
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
            if not value or not all(isinstance(item, plain) for item in value):
                self.bad("SO103", f"{op!r} takes a list of texts, numbers, true or false", key)
        elif op in ("gt", "ge", "lt", "le"):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number and value not in self.levels.get(fact, ()):
                order = self.levels.get(fact)
                hint = f"{fact} is one of {', '.join(order)}" if order else "give a number"
                self.bad("SO103", f"{value!r} has no order", key, hint)
        elif not isinstance(value, plain):
            self.bad("SO103", f"{value!r} is not text, a number, true or false", key)
        return Compare(fact=fact, op=op, value=value)  # type: ignore[arg-type]
