"""What an adapter is, and the common forms that every export is turned into.

Three forms, and nothing else reaches an analysis: *events* (what one person did, once), *snapshots*
(counts of one message at one time, cumulative), *spend* (what a platform charged).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.kernel.findings import Finding

__all__ = [
    "COUNTS",
    "EVENT_COLUMNS",
    "ID_KINDS",
    "Adapter",
    "Columns",
    "Dropped",
    "Form",
    "Gap",
    "Options",
    "Out",
    "Reading",
    "Snapshot",
    "Spend",
    "Verb",
]

Form = Literal["events", "snapshots", "spend"]

ID_KINDS: Final = (
    "unit", "email", "phone", "vanid", "external_id", "action_network", "actionkit", "akid",
    "subscriber", "contact", "member",
)  # fmt: skip
"""Kinds of ids that an export can name a person by; ``unit`` is the id of the list itself."""

COUNTS: Final = (
    "assigned", "sent", "delivered", "opened_all", "opened_human", "opened_machine", "clicked",
    "actions", "donors", "unsubscribed", "bounced", "complaints",
)  # fmt: skip
"""Names of the counts in a snapshot; people wherever the tool counts people."""

EVENT_COLUMNS: Final = {
    "n": "BIGINT",
    "event_id": "VARCHAR",
    "id_kind": "VARCHAR",
    "id": "VARCHAR",
    "kind": "VARCHAR",
    "value": "DOUBLE",
    "amount_cents": "BIGINT",
    "currency": "VARCHAR",
    "done_at": "TIMESTAMPTZ",
    "message": "VARCHAR",
    "label": "VARCHAR",
    "arm": "VARCHAR",
    "wave": "INTEGER",
    "url": "VARCHAR",
    "machine": "BOOLEAN",
    "machine_why": "VARCHAR",
    "ids": "STRUCT(kind VARCHAR, id VARCHAR)[]",
}
"""Columns of the table of events. ``n`` is the row in the source, from 1 below the header; ``id``
is normalised by its kind; ``machine`` is null where the tool does not say; ``ids`` holds every id
of the row, ``id`` among them, where the source has several kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One deed that a row of an export can tell of.

    Attributes:
        kind: What it becomes: ``opened``, ``clicked``, ``donated``, ``attended`` ...
        when: How the row says so: ``always``; ``yes`` the column holds a yes; ``filled`` it holds
            anything; ``more`` it holds a number above 0 (or above ``values[0]``); ``is`` it holds
            one of ``values``; ``value`` it holds yes, no or a number, and the row counts anyway.
        column: The column that says so; several names are synonyms, the first that exists counts.
            ``question[*]`` stands for every column of that form.
        values: What it must hold, in small letters, for ``is``; empty takes the caller's
            ``success``.
        at: Columns of the time of the deed, best first.
        amount: Columns of the money.
        machine: Whether a machine did it, where the export keeps those apart; None where it is
            not said.
        event_id: Columns that name the deed; together they are unique.
    """

    kind: str
    when: Literal["always", "yes", "filled", "more", "is", "value"] = "always"
    column: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()
    machine: bool | None = None
    event_id: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How the columns of a table become a common form. Names in a tuple are synonyms, best first.

    Attributes:
        ids: ``kind of id -> columns``, the kind that joins best first.
        arm: Columns that hold an arm, or a code that stands for one.
        message: Columns that name the message.
        label: Columns of the words that tell messages apart for a person (subject, name).
        together: Columns that name the message of which the rows are variants; ``..key`` is a key
            of the document around the list of records.
        title: Columns of the name of that message.
        wave: Columns of the wave.
        verbs: Deeds of a row, for events.
        counts: ``name in COUNTS -> columns``, for snapshots.
        amount: Columns of money, for snapshots and spend.
        currency: Columns of the currency.
        sent_at: Columns of the time of the send.
        as_of: Columns of the time of the count.
        cost: Columns of what it cost.
        spend: ``group, ad, from, to, impressions, clicks, results -> columns``.
        tags: Columns with a list of tags, one of which may stand for an arm.
        url: Columns of the address that was opened.
        machine: Columns in which the tool says whether a machine did it.
        bots: What such a column holds for a machine, in small letters; empty means a yes.
    """

    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arm: tuple[str, ...] = ()
    message: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    wave: tuple[str, ...] = ()
    verbs: tuple[Verb, ...] = ()
    counts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    amount: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    sent_at: tuple[str, ...] = ()
    as_of: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    spend: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    url: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Every source name that is spoken of, each once."""
        several = [
            *self.ids.values(), self.arm, self.message, self.label, self.wave,
            *(v.column for v in self.verbs), *(v.at for v in self.verbs),
            *(v.amount for v in self.verbs), *(v.event_id for v in self.verbs),
            *self.counts.values(), self.amount, self.currency, self.sent_at, self.as_of,
            self.cost, *self.spend.values(), self.tags, self.url, self.machine,
        ]  # fmt: skip
        return tuple(dict.fromkeys(name for names in several for name in names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """What a tool imports.

    Attributes:
        columns: ``(header, template)``. A template is text with ``{email}``, ``{phone}`` and so on
            for ids, ``{first_name}`` and other columns of the list, ``{arm}``, ``{wave}``,
            ``{experiment}``, ``{tag}``, ``{link}``, ``{coded_link}``, ``{refcode}``,
            ``{arm_text}``.
        keys: Kinds of ids of which a row needs at least one.
        asks: Names that the caller must give in ``values``, with what they are; each as ``name``,
            or as ``name.ARM`` for every arm.
        may: Names that the caller may give; a column whose header needs one is left out without it.
        own: A name of ``asks`` that must differ between arms, for nothing else tells them apart.
        one_id: Write only the one kind of id that most people have: the others are nobody's
            business, or would be blank for some.
        parameter: What carries the arm's code in ``{coded_link}``: ``refcode``, ``utm_content``.
        other: Another form of the same tool, taken where all that it asks for is given.
        per_person: Whether a file lists people; otherwise it is one row per arm.
        verified: ``seen`` in the tool's source or documentation, or ``preset``.
        note: What to do with the file.
    """

    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...] = ()
    asks: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[str, str] = field(default_factory=dict)
    own: str = ""
    one_id: bool = False
    parameter: str = ""
    other: Out | None = None
    per_person: bool = True
    verified: str = "seen"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One form in which one tool gives or takes data.

    Attributes:
        name: What commands call it.
        title: What people call it.
        form: What it is read as; None where it is only written.
        shape: How the file is built: ``csv``, ``blocks`` (labelled lines), ``json``, ``jsonl``.
        signs: Columns (or dotted keys) that such a file has; all of them. Each entry is one name
            or synonyms.
        records: For JSON: dotted paths of the list of records; the first that exists counts, and
            empty is the document itself.
        each: For JSON: a list inside a record, every entry of which makes a row.
        columns: How they are read.
        verified: ``seen`` in the tool's source, documentation or exports; ``preset``: not seen in
            a real export yet.
        out: What the tool imports; None where nothing is handed back.
        machine: What the tool says about opens and clicks by machines.
        notes: What a user has to know, a sentence each.
    """

    name: str
    title: str
    form: Form | None
    shape: Literal["csv", "blocks", "json", "jsonl"] = "csv"
    signs: tuple[tuple[str, ...], ...] = ()
    records: tuple[str, ...] = ()
    each: str = ""
    columns: Columns = field(default_factory=Columns)
    verified: Literal["seen", "preset"] = "seen"
    out: Out | None = None
    machine: str = ""
    notes: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """``in``, ``out`` or ``both``."""
        if self.form and self.out:
            return "both"
        return "in" if self.form else "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the reader cannot know from the file.

    Attributes:
        encoding: Encoding of the text; None takes UTF-8 or a byte-order mark's.
        decimal: What separates decimals in this file: ``.`` or ``,``.
        day_first: Whether 03/11/2026 is the third of November; None refuses such dates.
        zone: IANA zone of times without an offset.
        arms: ``code, message id or label -> arm``.
        wave: The wave that the file belongs to, where its rows name none.
        as_of: When the counts were taken, where the file does not say; ISO-8601 with offset.
        success: Answers that count as the deed, in small letters, for survey questions.
        decoys: Addresses that no person is shown: whoever opens one is a scanner.
    """

    encoding: str | None = None
    decimal: Literal[".", ","] = "."
    day_first: bool | None = None
    zone: str = "UTC"
    arms: Mapping[str, str] = field(default_factory=dict)
    wave: int | None = None
    as_of: str = ""
    success: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Counts of one message at one time; a newer one supersedes.

    Attributes:
        message: The tool's id of the message; its label where the tool gives none.
        label: What tells it apart for a person.
        arm: The arm; the label where no arm is known.
        wave: The wave; None where neither file nor caller says.
        as_of: When it was counted, ISO-8601; empty where nobody said.
        sent_at: When it went out; empty where the file does not say.
        counts: ``name in COUNTS, or a metric's -> number``; what the tool does not say is absent.
        amount_cents: Money raised; None where the tool does not say.
        cost_cents: What it cost; None where the tool does not say.
        currency: ISO code; empty where the file does not say.
        variant_of: The message of which it is a variant; empty where the file does not say.
        title: The name of that message.
    """

    message: str
    label: str
    arm: str
    wave: int | None
    as_of: str
    sent_at: str
    counts: Mapping[str, int]
    amount_cents: int | None = None
    cost_cents: int | None = None
    currency: str = ""
    variant_of: str = ""
    title: str = ""

    @property
    def key(self) -> tuple[str, int | None, str]:
        """What a newer snapshot of the same thing shares: message, wave, arm."""
        return (self.message, self.wave, self.arm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What one ad (or ad set, or campaign) cost over some days. Observational, never an outcome.

    Attributes:
        source: Name of the adapter.
        campaign: Name of the campaign.
        group: Ad set or ad group.
        ad: Name of the ad.
        arm: The arm that the names stand for; empty where none is known.
        first_day: First day, ISO-8601; empty where the file does not say.
        last_day: Last day.
        amount_cents: What it cost.
        currency: ISO code; empty where the file does not say.
        impressions: Times shown; None where the file does not say.
        clicks: Clicks; None where the file does not say.
        results: What the platform counts as results; None where the file does not say.
    """

    source: str
    campaign: str
    group: str
    ad: str
    arm: str
    first_day: str
    last_day: str
    amount_cents: int
    currency: str
    impressions: int | None
    clicks: int | None
    results: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Rows that were left out on purpose.

    Attributes:
        why: The reason, in words.
        count: How many.
        examples: Up to 20 of them.
    """

    why: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What machines add to opens or clicks of one arm.

    Attributes:
        arm: The arm; empty where none is known.
        kind: ``opened`` or ``clicked``.
        all: Everything that the tool counted.
        human: What is left without machines; None where the tool does not tell them apart.
        machine: What only machines did; None where the tool does not tell them apart.
        why: Whose word it is: ``reason -> people of whom it was said``.
    """

    arm: str
    kind: str
    all: int
    human: int | None
    machine: int | None
    why: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file held, in the common forms.

    Attributes:
        adapter: Name of the adapter.
        file: Name of the file.
        sha256: Digest of its bytes.
        form: Which of the three forms.
        events: Name of the table of events in the caller's session; empty for other forms.
        rows: Events, snapshots or spend rows.
        snapshots: The snapshots.
        spend: The spend.
        gaps: What machines add, by arm.
        dropped: What was left out on purpose.
        findings: Remarks for the user.
    """

    adapter: str
    file: str
    sha256: str
    form: Form
    events: str = ""
    rows: int = 0
    snapshots: tuple[Snapshot, ...] = ()
    spend: tuple[Spend, ...] = ()
    gaps: tuple[Gap, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The reading as plain values, for JSON; events are counted only."""
        from dataclasses import asdict

        out = asdict(self)
        del out["events"]
        return out
