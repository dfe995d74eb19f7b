"""Adapters of what e-mail services send to a web hook, saved as lines of JSON.

Events come late, twice and out of order; that is normal. Deeds are named as everywhere here,
whatever the service calls them.
"""

from __future__ import annotations

from typing import Final

from testkit.adapters.model import Adapter, Columns, Out, Verb

__all__ = ["WEBHOOKS"]

_OUT: Final = Out(
    columns=(("email", "{email}"), ("tk_arm", "{arm}"), ("tk_link", "{link}")),
    keys=("email",),
    verified="preset",
    note="send with tk_arm as a tag or custom argument, so that events come back with it",
)


def _verbs(
    column: str,
    words: dict[str, tuple[str, ...]],
    *,
    at: tuple[str, ...],
    event_id: tuple[str, ...],
) -> tuple[Verb, ...]:
    return tuple(
        Verb(kind=kind, when="is", column=(column,), values=said, at=at, event_id=event_id)
        for kind, said in words.items()
    )


SENDGRID: Final = Adapter(
    name="sendgrid",
    title="SendGrid, event webhook (JSON lines)",
    form="events",
    shape="jsonl",
    signs=(("event",), ("sg_event_id",)),
    columns=Columns(
        ids={"email": ("email",)},
        arm=("tk_arm", "marketing_campaign_split_id", "category[0]", "category"),
        message=("marketing_campaign_id", "sg_template_id"),
        url=("url",),
        machine=("sg_machine_open",),
        verbs=_verbs(
            "event",
            {
                "queued": ("processed",),
                "delivered": ("delivered",),
                "deferred": ("deferred",),
                "bounced": ("bounce", "dropped", "blocked"),
                "opened": ("open",),
                "clicked": ("click",),
                "complained": ("spamreport",),
                "unsubscribed": ("unsubscribe", "group_unsubscribe"),
            },
            at=("timestamp",),
            event_id=("sg_event_id",),
        ),
    ),
    out=_OUT,
    machine="sg_machine_open",
)

MAILGUN: Final = Adapter(
    name="mailgun",
    title="Mailgun, webhook (JSON lines)",
    form="events",
    shape="jsonl",
    signs=(("event-data.event",), ("event-data.recipient",)),
    columns=Columns(
        ids={"email": ("event-data.recipient",)},
        arm=("event-data.user-variables.tk_arm", "event-data.tags[0]"),
        message=("event-data.campaigns[0].id", "event-data.message.headers.subject"),
        url=("event-data.url",),
        machine=("event-data.client-info.bot",),
        bots=("apple", "gmail", "generic"),
        verbs=_verbs(
            "event-data.event",
            {
                "queued": ("accepted",),
                "rejected": ("rejected",),
                "delivered": ("delivered",),
                "bounced": ("failed",),
                "opened": ("opened",),
                "clicked": ("clicked",),
                "complained": ("complained",),
                "unsubscribed": ("unsubscribed",),
            },
            at=("event-data.timestamp",),
            event_id=("event-data.id",),
        ),
    ),
    out=_OUT,
    machine="client-info.bot is apple, gmail or generic",
)

POSTMARK: Final = Adapter(
    name="postmark",
    title="Postmark, webhook (JSON lines)",
    form="events",
    shape="jsonl",
    signs=(("RecordType",), ("MessageID",)),
    columns=Columns(
        ids={"email": ("Recipient", "Email")},
        arm=("Metadata.tk_arm", "Tag"),
        message=("Tag",),
        url=("OriginalLink",),
        verbs=(
            Verb(kind="delivered", when="is", column=("RecordType",), values=("delivery",),
                 at=("DeliveredAt",)),
            Verb(kind="opened", when="is", column=("RecordType",), values=("open",),
                 at=("ReceivedAt",)),
            Verb(kind="clicked", when="is", column=("RecordType",), values=("click",),
                 at=("ReceivedAt",)),
            Verb(kind="bounced", when="is", column=("RecordType",), values=("bounce",),
                 at=("BouncedAt",)),
            Verb(kind="complained", when="is", column=("RecordType",), values=("spamcomplaint",),
                 at=("BouncedAt",)),
            Verb(kind="unsubscribed", when="is", column=("RecordType",),
                 values=("subscriptionchange",), at=("ChangedAt",)),
        ),
    ),
    out=_OUT,
    machine="not said: opens may be machines'",
)  # fmt: skip

BREVO: Final = Adapter(
    name="brevo",
    title="Brevo, webhook (JSON lines)",
    form="events",
    shape="jsonl",
    signs=(("event",), ("message-id", "camp_id"), ("email",)),
    columns=Columns(
        ids={"email": ("email",)},
        arm=("tag", "tags[0]"),
        message=("camp_id", "subject"),
        url=("link", "URL"),
        verbs=(
            *_verbs(
                "event",
                {
                    "queued": ("request",),
                    "delivered": ("delivered",),
                    "deferred": ("deferred",),
                    "bounced": ("hard_bounce", "soft_bounce", "blocked", "invalid_email", "error"),
                    "clicked": ("click",),
                    "complained": ("spam", "complaint"),
                    "unsubscribed": ("unsubscribed", "unsubscribe"),
                },
                at=("ts_event", "ts", "date"),
                event_id=(),
            ),
            Verb(kind="opened", when="is", column=("event",), values=("opened", "unique_opened"),
                 at=("ts_event", "ts", "date"), machine=False),
            Verb(kind="opened", when="is", column=("event",), machine=True,
                 values=("proxy_open", "unique_proxy_open"), at=("ts_event", "ts", "date")),
        ),
    ),
    out=_OUT,
    machine="proxy_open and unique_proxy_open",
)  # fmt: skip

WEBHOOKS: Final = (SENDGRID, MAILGUN, POSTMARK, BREVO)
