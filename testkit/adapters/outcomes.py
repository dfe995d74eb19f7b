"""Adapters of the tools where organising happens: texts, gifts, events; and what ads cost."""

from __future__ import annotations

from typing import Final

from testkit.adapters.model import Adapter, Columns, Out, Verb

__all__ = ["OUTCOMES"]

_BOUNCES: Final = ("error", "undelivered", "failed", "delivery_failed")

SPOKE_OUT: Final = Out(
    columns=(
        ("firstName", "{first_name}"), ("lastName", "{last_name}"), ("cell", "{phone}"),
        ("zip", "{zip}"), ("external_id", "{external_id}"), ("arm", "{arm}"),
        ("arm_text", "{arm_text}"), ("arm_link", "{link}"),
    ),
    keys=("phone",),
    note="upload as contacts; the script says {arm_text} {arm_link}, so one campaign carries all",
)  # fmt: skip

SPOKE_REWIRED_OUT: Final = Out(
    columns=(
        ("First Name", "{first_name}"), ("Last Name", "{last_name}"), ("Cell Phone", "{phone}"),
        ("External ID", "{external_id}"), ("Zip", "{zip}"), ("arm", "{arm}"),
        ("arm_text", "{arm_text}"), ("arm_link", "{link}"),
    ),
    keys=("phone",),
    note="upload as contacts; the script says {arm_text} {arm_link}",
)  # fmt: skip

SPOKE_CONTACTS: Final = Adapter(
    name="spoke-contacts",
    title="Spoke (MoveOn), contacts of a campaign (CSV)",
    form="events",
    signs=(("campaign_id",), ("cell",), ("external_id",), ("message_status",)),
    columns=Columns(
        ids={"external_id": ("external_id",), "phone": ("cell",)},
        arm=("arm",),
        message=("campaign_id",),
        verbs=(
            Verb(kind="sent", when="is", column=("message_status",),
                 values=("messaged", "convo", "closed", "needsresponse")),
            Verb(kind="replied", when="is", column=("message_status",),
                 values=("convo", "needsresponse")),
            Verb(kind="opted_out", when="yes", column=("optedOut", "optOutCampaign")),
            Verb(kind="bounced", when="filled", column=("error_code",)),
            Verb(kind="action", when="is", column=("question[*]",)),
        ),
    ),
    out=SPOKE_OUT,
    notes=("Name the answers that count: --success yes.",),
)  # fmt: skip

SPOKE_MESSAGES: Final = Adapter(
    name="spoke-messages",
    title="Spoke (MoveOn), messages of a campaign (CSV)",
    form="events",
    signs=(("campaign_contact_id",), ("is_from_contact",), ("contact_number",)),
    columns=Columns(
        ids={"phone": ("contact_number",)},
        message=("campaign_id",),
        verbs=(
            Verb(kind="sent", when="is", column=("is_from_contact",), values=("false", "f", "0"),
                 at=("attempted_at",)),
            Verb(kind="replied", when="is", column=("is_from_contact",), values=("true", "t", "1"),
                 at=("attempted_at",)),
            Verb(kind="bounced", when="is", column=("send_status",), values=_BOUNCES,
                 at=("attempted_at",)),
        ),
    ),
    out=SPOKE_OUT,
)  # fmt: skip

REWIRED_CONTACTS: Final = Adapter(
    name="spoke-rewired-contacts",
    title="Spoke (Rewired), contacts of a campaign (CSV)",
    form="events",
    signs=(("campaignId",), ("contact[cell]",), ("contact[messageStatus]",)),
    columns=Columns(
        ids={"external_id": ("contact[external_id]",), "phone": ("contact[cell]",)},
        arm=("contact[arm]",),
        message=("campaignId",),
        verbs=(
            Verb(kind="sent", when="is", column=("contact[messageStatus]",),
                 values=("messaged", "convo", "closed", "needsresponse")),
            Verb(kind="replied", when="is", column=("contact[messageStatus]",),
                 values=("convo", "needsresponse")),
            Verb(kind="opted_out", when="yes", column=("contact[optOut]",)),
            Verb(kind="opted_out", when="is", column=("contact[messageStatus]",),
                 values=("opted_out", "optedout")),
            Verb(kind="action", when="is", column=("question[*]",)),
        ),
    ),
    out=SPOKE_REWIRED_OUT,
    notes=("Name the answers that count: --success yes.",
           "Which of several scripts was sent is not exported: the arm is our own column."),
)  # fmt: skip

REWIRED_MESSAGES: Final = Adapter(
    name="spoke-rewired-messages",
    title="Spoke (Rewired), messages of a campaign (CSV)",
    form="events",
    signs=(("assignmentId",), ("isFromContact",), ("contactNumber",)),
    columns=Columns(
        ids={"phone": ("contactNumber",)},
        message=("campaignId",),
        arm=("campaignVariable[arm]",),
        verbs=(
            Verb(kind="sent", when="is", column=("isFromContact",), values=("false", "f", "0"),
                 at=("attemptedAt",)),
            Verb(kind="replied", when="is", column=("isFromContact",), values=("true", "t", "1"),
                 at=("attemptedAt",)),
            Verb(kind="bounced", when="is", column=("sendStatus",), values=_BOUNCES,
                 at=("attemptedAt",)),
        ),
    ),
    out=SPOKE_REWIRED_OUT,
)  # fmt: skip

ACTBLUE: Final = Adapter(
    name="actblue-csv",
    title="ActBlue, contributions (CSV)",
    form="events",
    signs=(("Receipt ID",), ("Lineitem ID",), ("Amount",), ("Reference Code",)),
    columns=Columns(
        ids={"email": ("Donor Email",), "phone": ("Donor Phone",)},
        arm=("Reference Code", "Reference Code 2", "AB Variation"),
        message=("Fundraising Page",),
        label=("AB Test Name",),
        verbs=(
            # Only the first of monthly gifts answers the message; the others follow by themselves.
            Verb(kind="donated", when="is", column=("Recurrence Number",), values=("", "0", "1"),
                 at=("Date",), amount=("Amount",), event_id=("Receipt ID", "Lineitem ID")),
            Verb(kind="recurred", when="more", column=("Recurrence Number",), values=("1",),
                 at=("Date",),
                 amount=("Amount",), event_id=("Receipt ID", "Lineitem ID")),
            Verb(kind="refunded", when="filled", column=("Refund ID",), at=("Refund Date",),
                 amount=("Amount",), event_id=("Refund ID", "Lineitem ID")),
        ),
    ),
    out=Out(
        columns=(("arm", "{arm}"), ("refcode", "{refcode}"), ("link", "{coded_link}")),
        per_person=False,
        parameter="refcode",
        note="put this link into the arm's message: its refcode leads a gift to the arm",
    ),
    machine="money is human",
)  # fmt: skip

MOBILIZE: Final = Adapter(
    name="mobilize",
    title="Mobilize, participations (CSV)",
    form="events",
    signs=(("timeslot_id",), ("attended",), ("status",), ("event_id",)),
    columns=Columns(
        ids={"email": ("user__email_address", "email_at_signup"), "phone": ("user__phone_number",)},
        arm=("referrer__utm_content", "utm_content"),
        message=("event_id",),
        label=("event_type_name",),
        verbs=(
            Verb(kind="signup", when="is", column=("status",), values=("registered", "confirmed"),
                 at=("created_date",), event_id=("id",)),
            Verb(kind="attended", when="yes", column=("attended",), at=("start_date",),
                 event_id=("id",)),
        ),
    ),
    out=Out(
        columns=(("arm", "{arm}"), ("utm_content", "{refcode}"), ("link", "{coded_link}")),
        per_person=False,
        parameter="utm_content",
        note="put this link into the arm's message: its utm_content leads a sign-up to the arm",
    ),
    notes=("A sign-up is not attendance: `attended` is the goal.",),
)  # fmt: skip

HUSTLE: Final = Adapter(
    name="hustle",
    title="Hustle, leads (CSV to upload)",
    form=None,
    verified="preset",
    out=Out(
        columns=(
            ("firstName", "{first_name}"), ("lastName", "{last_name}"), ("email", "{email}"),
            ("phoneNumber", "{phone}"), ("arm", "{arm}"), ("arm_text", "{arm_text}"),
            ("arm_link", "{link}"),
        ),
        keys=("phone",),
        verified="preset",
        note="upload as leads: columns that Hustle does not know become custom fields",
    ),
    notes=("Its results come by a mapping: `adapters map FILE`.",),
)  # fmt: skip

META_ADS: Final = Adapter(
    name="meta-ads",
    title="Meta Ads, report (CSV)",
    form="spend",
    signs=(
        ("Campaign name", "Nom de la campagne", "Kampagnenname", "Nombre de la campaña"),
        ("Amount spent", "Montant dépensé", "Ausgegebener Betrag", "Importe gastado"),
    ),
    columns=Columns(
        message=("Campaign name", "Nom de la campagne", "Kampagnenname", "Nombre de la campaña"),
        cost=("Amount spent", "Montant dépensé", "Ausgegebener Betrag", "Importe gastado"),
        currency=("Currency",),
        spend={
            "group": ("Ad set name", "Nom de l’ensemble de publicités", "Name der Anzeigengruppe"),
            "ad": ("Ad name", "Nom de la publicité", "Name der Werbeanzeige"),
            "from": ("Reporting starts", "Début des rapports", "Berichtsbeginn", "Day"),
            "to": ("Reporting ends", "Fin des rapports", "Berichtsende", "Day"),
            "impressions": ("Impressions", "Impressionen", "Impresiones"),
            "clicks": ("Link clicks", "Clics sur un lien", "Link-Klicks", "Clicks (all)"),
            "results": ("Results", "Résultats", "Ergebnisse", "Resultados"),
        },
    ),
    machine="delivery is optimised by the platform",
    notes=("Observational: the platform chooses who sees which ad, so arms are not comparable.",),
)

GOOGLE_ADS: Final = Adapter(
    name="google-ads",
    title="Google Ads, report (CSV)",
    form="spend",
    signs=(("Campaign", "Campagne", "Kampagne", "Campaña"), ("Cost", "Coût", "Kosten", "Coste"),
           ("Impressions", "Impr.", "Impressionen", "Impresiones")),
    columns=Columns(
        message=("Campaign", "Campagne", "Kampagne", "Campaña"),
        cost=("Cost", "Coût", "Kosten", "Coste"),
        currency=("Currency code", "Currency", "Währung", "Devise"),
        spend={
            "group": ("Ad group", "Anzeigengruppe", "Groupe d'annonces"),
            "ad": ("Ad ID", "Headline 1"),
            "from": ("Day", "Date", "Tag"),
            "to": ("Day", "Date", "Tag"),
            "impressions": ("Impressions", "Impr.", "Impressionen", "Impresiones"),
            "clicks": ("Clicks", "Klicks", "Clics"),
            "results": ("Conversions", "Conv.", "Conversiones"),
        },
    ),
    machine="delivery is optimised by the platform",
    notes=("Observational: the platform chooses who sees which ad, so arms are not comparable.",),
)  # fmt: skip

OUTCOMES: Final = (
    SPOKE_CONTACTS, SPOKE_MESSAGES, REWIRED_CONTACTS, REWIRED_MESSAGES, ACTBLUE, MOBILIZE,
    HUSTLE,
    META_ADS, GOOGLE_ADS,
)  # fmt: skip
