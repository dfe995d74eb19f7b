"""draft: raise drafts for matches, edit their words, put them before a chain."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from responders.kinds import adopted_issues, templates_of
from responders.services.alarm import urgency
from responders.services.hook import propose
from responders.services.lane import with_cleared
from responders.services.lessons import latest
from responders.services.parting import take_apart
from responders.services.relint import check_again, checks_of, unknown_names, unused
from responders.services.sources import (
    left_out,
    match_reason,
    other_events,
    story_facts,
)
from responders.services.speaker import limits_of, organisation
from responders.store import archive, audit, drafts, hands
from testkit.errors import InputError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text, zone
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.signoff import cleared
from testkit.signoff import service as signoff
from testkit.signoff import store as requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.model.draft import Draft, Organisation, Variant
    from responders.model.issue import Issue
    from responders.store.archive import MatchRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = [
    "Raised",
    "edit",
    "fields_of",
    "lint_now",
    "put_aside",
    "raise_due",
    "raise_one",
    "submit",
    "take",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A draft that was raised.

    Attributes:
        row: As kept.
        findings: What lint says, as text.
        new: False when the story and issue had a draft.
    """

    row: drafts.DraftRow
    findings: tuple[str, ...]
    new: bool = True


def raise_due(workspace: Workspace) -> list[Raised]:
    """Raise a draft for every match that has enough outlets and none yet.

    A story that swallowed another one is taken apart first, so that each gets its own draft.
    """
    least = workspace.config.drafting.min_outlets
    take_apart(workspace, least=least)
    with workspace.archive.read() as conn:
        waiting = [m for m in archive.matches(conn) if m.outlets >= least]
    with workspace.db.read() as conn:
        waiting = [m for m in waiting if not drafts.exists(conn, story=m.story, issue=m.issue)]
    # A story that went into another brought its draft along.
    with workspace.archive.read() as conn:
        names = {m.story: hands.known_as(conn, m.story) for m in waiting}
    with workspace.db.read() as conn:
        waiting = [
            m
            for m in waiting
            if not any(drafts.exists(conn, story=s, issue=m.issue) for s in names[m.story])
        ]
    if not waiting or not any(c.on for c in workspace.config.channels.values()):
        return []
    with workspace.db.read() as conn:
        issues = adopted_issues(conn)
    # A translation drafts only for stories in its own language, so that one story does not raise
    # the same draft twice.
    return [
        raised
        for match in sorted(waiting, key=lambda m: (m.first_at, m.story, m.issue))
        if match.issue in issues and (raised := _raise(workspace, match)).new
    ]


def raise_one(workspace: Workspace, story_id: str, issue_slug: str | None = None) -> Raised:
    """Raise a draft by hand, whatever the number of outlets.

    Raises:
        NotFoundError: The story is unknown, or no issue asks for it.
    """
    with workspace.archive.read() as conn:
        story = archive.story(conn, story_id)
        found = archive.matches(conn, story_id=story.id)
    chosen = [m for m in found if issue_slug in (None, m.issue)]
    if not chosen:
        known = ", ".join(m.issue for m in found) or "none"
        raise NotFoundError(
            "match", f"{story_id} for {issue_slug or 'any issue'}", hint=f"it matches: {known}"
        )
    return _raise(workspace, chosen[0])


def _raise(workspace: Workspace, match: MatchRow) -> Raised:
    from responders.drafting.compose import compose

    with workspace.archive.read() as conn:
        story = archive.story(conn, match.story)
        urgent = urgency(conn, story=match.story, issue=match.issue, now=workspace.clock())
    with workspace.db.read() as conn:
        issues = adopted_issues(conn)
        templates = templates_of(conn)
        lesson = latest(conn, match.issue)
    issue, query, _ = issues[match.issue]
    reason = match_reason(match, issue, story, volume=urgent.in_words(), lesson=lesson)
    facts = story_facts(story, query=query, issue=issue)
    unsure = left_out(story, facts)
    other = other_events(story, facts, issues)
    on = {c.kind for c in workspace.config.channels.values() if c.on}
    channels = tuple(c for c in issue.channels if c in on)
    if not channels:
        raise StateError(
            f"no channel of {issue.slug} is on",
            current="off",
            hint="switch one on under `channels:` in whistlestop.yaml",
        )
    now = workspace.clock()
    limits = limits_of(workspace.config)
    org = organisation(workspace.config)
    draft = compose(
        facts,
        issue,
        reason,
        org,
        as_of=now,
        templates=templates,
        channels=channels,
        zone=zone(workspace.config.organisation.zone),
        limits=limits,
    )
    proposed, problems = propose(
        workspace.config.drafting.hook,
        draft,
        issue,
        org,
        folder=workspace.root,
        as_of=now,
        zone=zone(workspace.config.organisation.zone),
        limits=limits,
    )
    proposed = tuple(_with_names(one, draft, issue, org) for one in proposed)
    draft = replace(draft, findings=(*draft.findings, *unused(unsure, other), *problems))
    row = _row(
        draft,
        match,
        now_text=to_text(now),
        draft_id=new_id("draft", now=now),
        proposed=proposed,
        unsure=unsure,
        other=other,
    )
    with workspace.db.write() as conn:
        new = drafts.add(conn, row)
        if new:
            ledger.append(
                conn,
                kind="draft.raised",
                subject=f"draft/{row.id}",
                actor=ledger.Actor(name="system", via="system", auth="none"),
                payload={
                    "story": row.story,
                    "issue": row.issue,
                    "issue_version": row.issue_version,
                    "content_digest": digest(row.content),
                    "row_digest": audit.DRAFT.row_digest(conn, row.id),
                },
                now=now,
            )
        else:
            row = drafts.of_match(conn, story=row.story, issue=row.issue)
    return Raised(row=row, findings=tuple(str(f) for f in _findings(draft)), new=new)


def _with_names(proposed: Variant, draft: Draft, issue: Issue, org: Organisation) -> Variant:
    """A stranger's words may name people whom neither the story nor your files name."""
    named = (finding for _, finding in unknown_names(draft, [proposed], issue, org))
    return replace(proposed, findings=(*proposed.findings, *named))


def _findings(draft: Draft) -> list[Any]:
    return [*draft.findings, *(f for v in draft.variants for f in v.findings)]


def _row(
    draft: Draft,
    match: MatchRow,
    *,
    now_text: str,
    draft_id: str,
    proposed: tuple[Variant, ...] = (),
    unsure: tuple[str, ...] = (),
    other: tuple[str, ...] = (),
) -> drafts.DraftRow:
    arms: dict[str, dict[str, dict[str, str]]] = {}
    lengths: dict[str, str] = {}
    for variant in draft.variants:
        arms.setdefault(variant.channel, {})[variant.key] = _words_of(variant)
        lengths[f"{variant.channel}/{variant.key}"] = variant.length
    varied = {v.channel: v.varied or "" for v in draft.variants}
    blocks = {
        f"{v.channel}/{v.key}": [[b.name, b.alternative, b.text] for b in v.blocks]
        for v in draft.variants
    }
    return drafts.DraftRow(
        id=draft_id,
        story=match.story,
        issue=match.issue,
        issue_version=match.issue_version,
        title=draft.story.title,
        reason=draft.reason.in_words(),
        risk=draft.risk,
        hold=draft.hold,
        content={
            "arms": arms,
            "audience": draft.audience,
            "channel": sorted(arms),
            "varied": varied,
            "lang": draft.lang,
        },
        facts={
            "story": _plain(asdict(draft.story)),
            "why": match.why,
            "left_out": list(unsure),
            "other_events": list(other),
            "reading": draft.reading,
            "moment": draft.moment,
            "blocks": blocks,
            "lengths": lengths,
            "findings": [f.as_dict() for f in _findings(draft)],
            "proposed": {v.channel: _proposal(v) for v in proposed},
        },
        raised_at=now_text,
    )


def _proposal(variant: Variant) -> dict[str, Any]:
    return {
        "words": _words_of(variant),
        "length": variant.length,
        "findings": [finding.as_dict() for finding in variant.findings],
    }


def _words_of(variant: Variant) -> dict[str, str]:
    text = variant.text
    words = {"body": text.body}
    if text.subject or text.preheader:
        words |= {"subject": text.subject, "preheader": text.preheader}
    return words


def _plain(value: Any) -> Any:
    from datetime import datetime

    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def lint_now(
    conn: Connection, workspace: Workspace, row: drafts.DraftRow, content: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What lint says of a draft's words as they are now."""
    return list(check_again(conn, workspace, row, content).row.findings)


def fields_of(
    row: drafts.DraftRow,
    content: Mapping[str, Any],
    *,
    spend_cents: int,
    findings: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The fields of a revision: the words, and what whoever signs them ought to see beside them.

    ``findings`` is what lint says of these words; what it said when they were raised if None.
    """
    if findings is None:
        findings = row.facts.get("findings", [])
    return {
        **content,
        "spend_cents": spend_cents,
        "reason": row.reason,
        "remarks": [
            f"{f.get('where', '')}: {f['severity']} {f['code']}: {f['message']}".removeprefix(": ")
            for f in findings
        ],
    }


def edit(
    workspace: Workspace,
    draft_id: str,
    *,
    channel: str,
    variant: str,
    changes: Mapping[str, str],
    from_hook: bool = False,
    suggested_by: tuple[str, ...] = (),
    instead_of: Mapping[str, str] | None = None,
) -> tuple[drafts.DraftRow, bool, str]:
    """Change words of one variant; under review this makes a new revision.

    The new words are read by lint again, and the findings go with the revision. Where they make a
    fact of the chain true (a name that was not there, a higher risk), the chain is asked again.

    Args:
        workspace: The workspace.
        draft_id: The draft.
        channel: ``email``, ``sms``, ``post`` or ``call``.
        variant: ``a``, ``b`` ...
        changes: ``subject``, ``preheader`` or ``body`` to their new words.
        from_hook: The words are those that the hook proposed; the draft keeps saying so.
        suggested_by: People whose suggestions are taken over.
        instead_of: What the changed parts must say now; anything if None.

    Returns:
        The draft, whether anything changed, and the revision (empty before it was submitted).

    Raises:
        InputError: No such channel, variant or part, or a text without words.
        StateError: The words were released.
    """
    with workspace.db.write() as conn:
        row = drafts.get(conn, draft_id)
        words = row.content["arms"].get(channel, {}).get(variant)
        if words is None:
            known = ", ".join(f"{c}/{v}" for c, vs in row.content["arms"].items() for v in vs)
            raise InputError(
                f"{draft_id} has no {channel}/{variant}",
                field="variant",
                value=f"{channel}/{variant}",
                hint=f"it has: {known}",
            )
        unknown = sorted(set(changes) - set(words))
        if unknown:
            raise InputError(
                f"{channel} has no {unknown[0]}",
                field=unknown[0],
                hint=f"it has {', '.join(words)}",
            )
        if any(words[name] != text for name, text in (instead_of or {}).items()):
            raise StateError(
                f"the words of {channel}/{variant} changed at this moment",
                current="changed",
                hint="read them again, then decide",
            )
        if any(not text.strip() for text in changes.values()):
            raise InputError("a text without words", field="body", hint="drop the draft instead")
        if all(words[name] == text for name, text in changes.items()):
            return row, False, ""
        arms = {c: {v: dict(w) for v, w in vs.items()} for c, vs in row.content["arms"].items()}
        arms[channel][variant].update(changes)
        content = {**row.content, "arms": arms}
        if from_hook:
            taken = {*content.get("from_hook", ()), f"{channel}/{variant}"}
            content["from_hook"] = sorted(taken)
        check = check_again(conn, workspace, row, content)
        row = replace(
            row,
            risk=check.row.risk,
            facts={
                **row.facts, "findings": list(check.row.findings), "lengths": check.row.lengths
            },
        )  # fmt: skip
        revision = ""
        request = requests.of_subject(conn, f"draft/{draft_id}")
        if request is not None:
            current = signoff.load(conn, request.id)
            if current.state.state in signoff.ENDED:
                raise StateError(
                    f"the request about {draft_id} is {current.state.state.value}",
                    current=current.state.state.value,
                    hint="released words are corrected, not edited",
                )
            spend = int(current.revision.fields.get("spend_cents", 0))
            revised, _ = signoff.revise(
                conn,
                workspace,
                request.id,
                fields=fields_of(row, content, spend_cents=spend),
                facts=check.facts_after(current.state.facts),
                checks=checks_of(check.row.findings, content),
                suggested_by=suggested_by,
            )
            revision = revised.revision.id
        kept = _keep(conn, workspace, row, content, check=check.row, revision=revision)
        return kept, True, revision


def take(
    workspace: Workspace, draft_id: str, *, channel: str, variant: str
) -> tuple[drafts.DraftRow, bool, str]:
    """Put what the hook proposed into the place of a variant: an edit like any other.

    Returns:
        As :func:`edit`.

    Raises:
        NotFoundError: Nothing was proposed for that channel.
        InputError: There is no such variant.
        StateError: The words were released.
    """
    with workspace.db.read() as conn:
        row = drafts.get(conn, draft_id)
    proposed = row.facts.get("proposed", {})
    if channel not in proposed:
        known = ", ".join(proposed) or "nothing"
        raise NotFoundError("proposal", channel, hint=f"your hook proposed {known}")
    changes = dict(proposed[channel]["words"])
    return edit(
        workspace, draft_id, channel=channel, variant=variant, changes=changes, from_hook=True
    )


def submit(
    workspace: Workspace,
    draft_id: str,
    *,
    author: str,
    spend_cents: int = 0,
    facts: Mapping[str, Any] | None = None,
    lane: str = "",
    slots: Mapping[str, str] | None = None,
) -> tuple[signoff.Request, bool]:
    """Put a draft before the chain of its issue, or send pre-cleared words through its fast lane.

    Args:
        workspace: The workspace.
        draft_id: The draft.
        author: Person id of whose words they are.
        spend_cents: Money behind it, cents.
        facts: What else the chain asks about; a fact that is not stated counts as one that
            matters, so that silence never skips a stage.
        lane: Name of pre-cleared words that take the place of the draft's; all of it or nothing.
        slots: What stands in their slots.

    Returns:
        The request, and whether this call made it.

    Raises:
        NotFoundError: The draft, the author, the chain or the cleared words are unknown.
        StateError: The draft was put aside, or is before the chain already and asks for the lane.
        DefinitionError: A slot is missing, or holds what it may not.
    """
    workspace.roster.person(author)
    with workspace.db.write() as conn:
        row = drafts.get(conn, draft_id)
        if row.dropped_at:
            raise StateError(f"{draft_id} was put aside", current="dropped", hint="draft keep ID")
        before = requests.of_subject(conn, f"draft/{draft_id}")
        if before is not None:
            current = signoff.settled(conn, workspace, before.id)
            if current.state.state not in signoff.ENDED and lane:
                raise StateError(
                    f"{draft_id} is before the chain already, as {before.id}",
                    current=current.state.state.value,
                    hint=f"whistlestop signoff lane {before.id}, where its words are cleared ones",
                )
            if current.state.state not in signoff.ENDED:
                waiting = current.state.chain.stage(current.state.waiting)
                if waiting is None or not waiting.auto:
                    return current, False
                found = lint_now(conn, workspace, row, row.content)
                checks = checks_of(found, row.content)
                return signoff.checked(conn, workspace, before.id, checks), False
        issue = adopted_issues(conn)[row.issue][0]
        if lane:
            content = with_cleared(conn, workspace, row, chain=issue.chain, lane=lane, slots=slots)
            check = check_again(conn, workspace, row, content)
            row = _keep(conn, workspace, row, content, check=check.row, revision="")
        found = lint_now(conn, workspace, row, row.content)
        made = signoff.open_request(
            conn,
            workspace,
            subject=f"draft/{draft_id}",
            title=row.title,
            chain_name=issue.chain,
            fields=fields_of(row, row.content, spend_cents=spend_cents, findings=found),
            checks=checks_of(found, row.content),
            facts={
                "risk": row.risk,
                "topic": row.issue,
                "channel": row.content["channel"],
                "spend_cents": spend_cents,
                **(facts or {}),
            },
            author=author,
        )
        if lane:
            made = cleared.enter_in(conn, workspace, made, words=lane, slots=slots)
    return made, True


def _keep(
    conn: Connection,
    workspace: Workspace,
    row: drafts.DraftRow,
    content: dict[str, Any],
    *,
    check: drafts.CheckRow,
    revision: str,
) -> drafts.DraftRow:
    """Keep a draft's new words, with what lint says of them, and say so in the ledger."""
    now = workspace.clock()
    number = drafts.edit(conn, row.id, content, check=check, by=workspace.actor.name, now=now)
    ledger.append(
        conn,
        kind="draft.edited",
        subject=f"draft/{row.id}",
        actor=workspace.actor,
        payload={
            "number": number,
            "content_digest": digest(content),
            "checked_digest": digest(list(check.findings)),
            "risk": check.risk,
            "revision": revision,
            "row_digest": audit.EDIT.row_digest(conn, row.id, number),
        },
        now=now,
    )
    return drafts.get(conn, row.id)


def put_aside(workspace: Workspace, draft_id: str, *, aside: bool) -> drafts.DraftRow:
    """Put a draft aside, or take it up again.

    Raises:
        StateError: It is before the chain: withdraw the request first.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        row = drafts.get(conn, draft_id)
        request = requests.of_subject(conn, f"draft/{draft_id}")
        if aside and request is not None:
            state = signoff.load(conn, request.id).state.state
            if state not in signoff.ENDED:
                raise StateError(
                    f"{draft_id} is before the chain",
                    current=state.value,
                    hint="withdraw the request first",
                )
        if bool(row.dropped_at) != aside:
            drafts.drop(conn, draft_id, now=now if aside else None)
            ledger.append(
                conn,
                kind="draft.dropped" if aside else "draft.kept",
                subject=f"draft/{draft_id}",
                actor=workspace.actor,
                payload={"story": row.story, "issue": row.issue},
                now=now,
            )
        return drafts.get(conn, draft_id)
