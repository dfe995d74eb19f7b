"""A plain mapping becomes a chain, or all of its problems at once.

The caller reads the file; what arrives here is what YAML or JSON gave. How single values are read
is the matter of :mod:`testkit.signoff.reader`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from testkit.errors import DefinitionError
from testkit.kernel.digest import digest
from testkit.kernel.findings import by_severity
from testkit.signoff.conditions import LEVELS
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
from testkit.signoff.reader import MISSING, Key, Reader
from testkit.signoff.spelling import chain_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_chain"]


def _plain_place(key: Key) -> str:
    return ".".join(str(part) for part in key)


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
    reader = _ChainReader(zone_name, place)
    chain = reader.chain(value)
    if reader.findings or chain is None:
        raise DefinitionError(by_severity(reader.findings), path=path)
    return replace(chain, version=version or digest(chain_to_dict(chain)))


class _ChainReader(Reader):
    """Reads a chain."""

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
        if value is MISSING:
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
        if value is None or value is MISSING:
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

    def _stop(self, value: object) -> StopRule:
        if value is None:
            return StopRule()
        given = self.mapping(value, ("stop",), ("from",))
        return StopRule(roles=self.texts(self.needed(given, "from", ("stop",)), ("stop", "from")))
