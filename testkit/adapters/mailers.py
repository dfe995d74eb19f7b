"""Adapters of mailing tools: Mailchimp, Action Network, ActionKit, EveryAction and others.

Column names are the tools' own; where nobody has seen a real export, the adapter is a preset.
"""

from __future__ import annotations

from typing import Final

from testkit.adapters.model import Adapter, Columns, Out, Verb

__all__ = ["MAILERS"]

_LINK: Final = ("tk_link", "{link}")

MAILCHIMP_OUT: Final = Out(
    columns=(("Email Address", "{email}"), ("TAGS", "{tag}"), ("TKLINK", "{link}")),
    keys=("email",),
    note="import as contacts of the audience, updating those who exist; then send to the tag",
)

MAILCHIMP_REPORT: Final = Adapter(
    name="mailchimp-report-csv",
    title="Mailchimp, report of one campaign or test (CSV)",
    form="snapshots",
    shape="blocks",
    signs=(("Total Recipients:",), ("Recipients Who Opened:",)),
    columns=Columns(
        arm=("Arm:",),
        message=("Message:",),
        label=("Subject Line:", "Title:"),
        sent_at=("Delivery Date/Time:",),
        counts={
            "sent": ("Total Recipients:",),
            "delivered": ("Successful Deliveries:",),
            "bounced": ("Bounces:",),
            "opened_all": ("Recipients Who Opened:",),
            "clicked": ("Recipients Who Clicked:",),
            "unsubscribed": ("Total Unsubs:",),
            "complaints": ("Total Abuse Complaints:",),
        },
    ),
    out=MAILCHIMP_OUT,
    machine="not said in this file; the API's report says it",
    notes=("`Combination 1` becomes the arm `combination-1`: name arms with --arm.",),
)

MAILCHIMP_CAMPAIGNS: Final = Adapter(
    name="mailchimp-campaigns-csv",
    title="Mailchimp, list of campaigns (CSV)",
    form="snapshots",
    signs=(("Total Recipients",), ("Unique Opens",), ("Unique Id", "Unique ID"), ("Title",)),
    columns=Columns(
        message=("Unique Id", "Unique ID"),
        label=("Title", "Subject"),
        sent_at=("Send Date",),
        counts={
            "sent": ("Total Recipients",),
            "delivered": ("Successful Deliveries",),
            "bounced": ("Hard Bounces + Soft Bounces",),
            "opened_all": ("Unique Opens",),
            "clicked": ("Unique Clicks",),
            "unsubscribed": ("Unsubscribes",),
            "complaints": ("Abuse Complaints",),
            "donors": ("Total Orders",),
        },
        amount=("Total Revenue",),
    ),
    out=MAILCHIMP_OUT,
    machine="not said in this file; the API's report says it",
    notes=("One row is one campaign, and so one arm.", "Orders may exceed the people who ordered."),
)

MAILCHIMP_API: Final = Adapter(
    name="mailchimp-api",
    title="Mailchimp, reports of the API (JSON)",
    form="snapshots",
    shape="json",
    signs=(("emails_sent",), ("opens.unique_opens",)),
    records=("reports", ""),
    columns=Columns(
        message=("id",),
        label=("campaign_title", "subject_line"),
        sent_at=("send_time",),
        counts={
            "sent": ("emails_sent",),
            "opened_all": ("opens.unique_opens",),
            "opened_human": ("opens.proxy_excluded_unique_opens",),
            "clicked": ("clicks.unique_subscriber_clicks",),
            "unsubscribed": ("unsubscribed",),
            "bounced": ("bounces.hard_bounces + bounces.soft_bounces",),
            "complaints": ("abuse_reports",),
            "donors": ("ecommerce.total_orders",),
        },
        amount=("ecommerce.total_revenue",),
        currency=("ecommerce.currency_code",),
    ),
    out=MAILCHIMP_OUT,
    machine="proxy_excluded_unique_opens is what people opened",
)

MAILCHIMP_ACTIVITY: Final = Adapter(
    name="mailchimp-activity",
    title="Mailchimp, e-mail activity of the API (JSON)",
    form="events",
    shape="json",
    signs=(("email_address",), ("activity",)),
    records=("emails",),
    each="activity",
    columns=Columns(
        ids={"email": ("email_address",), "member": ("email_id",)},
        message=("campaign_id",),
        url=("activity.url",),
        verbs=(
            Verb(kind="opened", when="is", column=("activity.action",), values=("open",),
                 at=("activity.timestamp",)),
            Verb(kind="clicked", when="is", column=("activity.action",), values=("click",),
                 at=("activity.timestamp",)),
            Verb(kind="bounced", when="is", column=("activity.action",), values=("bounce",),
                 at=("activity.timestamp",)),
        ),
    ),
    out=MAILCHIMP_OUT,
    machine="not said per event",
)  # fmt: skip

ACTION_NETWORK_OUT: Final = Out(
    columns=(("uuid", "{action_network}"), ("email", "{email}"), ("tk_link", "{link}")),
    keys=("action_network", "email"),
    one_id=True,
    note=(
        "upload, and give the tag tk-EXPERIMENT-ARM while uploading; a tag cannot be renamed or"
        " deleted later. With unique ids no address leaves this machine"
    ),
)

ACTION_NETWORK: Final = Adapter(
    name="action-network-messages",
    title="Action Network, messages of the API (JSON)",
    form="snapshots",
    shape="json",
    signs=(("identifiers[0]",), ("statistics.sent",)),
    records=("_embedded.osdi:messages", ""),
    columns=Columns(
        message=("identifiers[0]",),
        label=("name", "subject"),
        sent_at=("sent_start_date", "scheduled_start_date"),
        counts={
            "assigned": ("total_targeted",),
            "sent": ("statistics.sent",),
            "opened_all": ("statistics.opened",),
            "clicked": ("statistics.clicked",),
            "actions": ("statistics.actions",),
            "donors": ("statistics.action_network:donated",),
            "unsubscribed": ("statistics.unsubscribed",),
            "bounced": ("statistics.bounced",),
            "complaints": ("statistics.spam_reports",),
        },
        amount=("statistics.action_network:total_amount",),
        currency=("statistics.action_network:currency",),
    ),
    out=ACTION_NETWORK_OUT,
    machine="not said: opens may be machines'",
    notes=(
        "Clicks over opens, actions over clicks: not used, both denominators follow treatment.",
    ),
)

ACTION_NETWORK_REPORT: Final = Adapter(
    name="action-network-report",
    title="Action Network, report of people (CSV)",
    form="events",
    signs=(("uuid",), ("can2_user_tags", "can2_subscription_status")),
    columns=Columns(
        ids={"action_network": ("uuid",), "email": ("email",), "phone": ("can2_phone",)},
        arm=("source_code", "source"),
        tags=("can2_user_tags",),
        verbs=(
            Verb(kind="unsubscribed", when="is", column=("can2_subscription_status",),
                 values=("unsubscribed",)),
            Verb(kind="complained", when="is", column=("can2_subscription_status",),
                 values=("spam complaint",)),
            Verb(kind="bounced", when="is", column=("can2_subscription_status",),
                 values=("bouncing", "bounced")),
            Verb(kind="opted_out", when="is", column=("can2_sms_status",),
                 values=("unsubscribed",)),
            Verb(kind="action", when="filled", column=("action_date", "created_date"),
                 at=("action_date", "created_date")),
        ),
    ),
    out=ACTION_NETWORK_OUT,
    machine="a report of people holds no opens",
)  # fmt: skip

ACTION_NETWORK_OUTREACHES: Final = Adapter(
    name="action-network-outreaches",
    title="Action Network, outreaches or submissions of the API (JSON)",
    form="events",
    shape="json",
    signs=(("action_network:person_id",), ("created_date",)),
    records=(
        "_embedded.osdi:outreaches", "_embedded.osdi:submissions", "_embedded.osdi:signatures",
        "_embedded.osdi:attendances", "_embedded.osdi:donations", "",
    ),
    columns=Columns(
        ids={"action_network": ("action_network:person_id",)},
        message=("identifiers[0]",),
        arm=("action_network:referrer_data.source", "referrer_data.source"),
        currency=("currency",),
        verbs=(
            Verb(kind="donated", when="filled", column=("amount",), at=("created_date",),
                 amount=("amount",), event_id=("identifiers[0]",)),
            Verb(kind="called", when="is", column=("type",), values=("phone", "call"),
                 at=("created_date",), event_id=("identifiers[0]",)),
            Verb(kind="action", when="filled", column=("created_date",), at=("created_date",),
                 event_id=("identifiers[0]",)),
        ),
    ),
    out=ACTION_NETWORK_OUT,
)  # fmt: skip

ACTIONKIT: Final = Adapter(
    name="actionkit-sql",
    title="ActionKit, answer of the query that `adapters show actionkit-sql` prints (CSV)",
    form="events",
    signs=(("user_id",), ("mailing_id",), ("letter",)),
    columns=Columns(
        ids={"actionkit": ("user_id",), "akid": ("akid",), "email": ("email",)},
        arm=("letter",),
        message=("mailing_id",),
        currency=("currency",),
        verbs=(
            Verb(kind="sent"),
            Verb(kind="opened", when="more", column=("opened",), at=("opened_at",), machine=False),
            # Raw opens hold people's too; whoever has both kinds is counted as a person.
            Verb(kind="opened", when="more", column=("opened_raw",), machine=True),
            Verb(kind="clicked", when="more", column=("clicked",), at=("clicked_at",)),
            Verb(kind="action", when="more", column=("acted",), at=("acted_at",)),
            Verb(kind="donated", when="more", column=("donated",), at=("donated_at",),
                 amount=("amount",)),
            Verb(kind="unsubscribed", when="more", column=("unsubscribed",)),
            Verb(kind="bounced", when="more", column=("bounced",)),
        ),
    ),
    out=Out(
        columns=(("user_id", "{actionkit}"), ("akid", "{akid}"), ("email", "{email}"),
                 ("user_tk_{experiment_}", "{arm}"), ("user_tk_{experiment_}_link", "{link}")),
        keys=("actionkit", "akid", "email"),
        one_id=True,
        note="upload as users; only the id and user_ columns, so ActionKit takes its fast path",
    ),
    machine="core_open holds people's opens only; core_open_raw keeps machines' for 90 days",
)  # fmt: skip

EVERYACTION_OUT: Final = Out(
    columns=(
        ("vanid", "{vanid}"), ("CF{custom_field}", "{arm}"), ("CF{link_field}", "{link}"),
        ("CF{code_field}", "{refcode}"),
    ),
    keys=("vanid",),
    asks={"custom_field": "the id of the custom field that takes the arm, as 1234567"},
    may={
        "link_field": "the id of a custom field that takes the arm's link",
        "code_field": "the id of a custom field that takes the arm's refcode",
    },
    other=Out(
        columns=(
            ("vanid", "{vanid}"), ("activistcodeid", "{activist_code}"),
            ("datecanvassed", "{date}"), ("contacttypeid", "{contact_type}"),
        ),
        keys=("vanid",),
        asks={
            "activist_code": "the id of an activist code, one for each arm",
            "date": "the day that the code is given on, as 2026-11-03",
            "contact_type": "the id of the contact type",
        },
        own="activist_code",
        note="bulk import of activist codes; vanid is the first column",
    ),
    note="bulk import; vanid is the first column",
)  # fmt: skip

EVERYACTION_EMAIL: Final = Adapter(
    name="everyaction-email",
    title="EveryAction, e-mail messages of the API (JSON)",
    form="snapshots",
    shape="json",
    signs=(("emailMessageContentDistributions.recipientCount",),),
    records=("emailMessageContent", "items.emailMessageContent", "emailMessageContent", ""),
    each="emailMessageContentDistributions",
    columns=Columns(
        message=("emailMessageContentId", "name"),
        label=("name", "subject"),
        together=("..emailMessageId", "..foreignMessageId", "..name"),
        title=("..name",),
        arm=("name",),
        sent_at=("emailMessageContentDistributions.dateSent",),
        counts={
            "sent": ("emailMessageContentDistributions.recipientCount",),
            "opened_all": ("emailMessageContentDistributions.openCount",),
            "opened_machine": ("emailMessageContentDistributions.machineOpenCount",),
            "clicked": ("emailMessageContentDistributions.linksClickedCount",),
            "actions": ("emailMessageContentDistributions.formSubmissionCount",),
            "donors": ("emailMessageContentDistributions.contributionCount",),
            "unsubscribed": ("emailMessageContentDistributions.unsubscribeCount",),
            "bounced": ("emailMessageContentDistributions.bounceCount",),
        },
        amount=("emailMessageContentDistributions.contributionTotal",),
    ),
    out=EVERYACTION_OUT,
    verified="preset",
    machine="machineOpenCount stands beside openCount; whether openCount holds it is not known",
    notes=("contributionCount counts gifts, which may be more than donors.",),
)

EVERYACTION_PEOPLE: Final = Adapter(
    name="everyaction-survey",
    title="EveryAction or VAN, survey responses (CSV)",
    form="events",
    signs=(
        ("VANID", "Voter File VANID", "VoterFileVANID"),
        ("Survey Response", "SurveyResponseName"),
        ("Survey Question Name", "SurveyQuestionName"),
    ),
    columns=Columns(
        ids={"vanid": ("VANID", "Voter File VANID", "VoterFileVANID")},
        label=("Survey Question Name", "SurveyQuestionName"),
        verbs=(
            Verb(kind="action", when="is", column=("Survey Response", "SurveyResponseName"),
                 at=("Date Canvassed", "DateCanvassed")),
            Verb(kind="replied", when="filled", column=("Survey Response", "SurveyResponseName"),
                 at=("Date Canvassed", "DateCanvassed")),
        ),
    ),
    out=EVERYACTION_OUT,
    notes=("Name the answers that count as the deed: --success yes --success 'strong yes'.",),
)  # fmt: skip

EVERYACTION_LIST: Final = Adapter(
    name="everyaction-people",
    title="EveryAction or VAN, contact history of people (CSV)",
    form="events",
    signs=(
        ("VANID", "Voter File VANID", "VoterFileVANID"),
        ("Contact Result", "ContactResult", "ResultShortName", "Result"),
    ),
    columns=Columns(
        ids={"vanid": ("VANID", "Voter File VANID", "VoterFileVANID")},
        label=("Contact Type", "ContactTypeName"),
        verbs=(
            Verb(kind="called", when="is", at=("Date Canvassed", "DateCanvassed"),
                 column=("Contact Result", "ContactResult", "ResultShortName", "Result"),
                 values=("canvassed",)),
            Verb(kind="attempted", when="filled", at=("Date Canvassed", "DateCanvassed"),
                 column=("Contact Result", "ContactResult", "ResultShortName", "Result")),
        ),
    ),
    out=EVERYACTION_OUT,
)  # fmt: skip

LISTMONK_OUT: Final = Out(
    columns=(("email", "{email}"), ("name", "{name}"), ("attributes", "json:experiment,arm,link")),
    keys=("email",),
    note="import subscribers; `overwrite` keeps attributes current",
)


def _listmonk(name: str, title: str, kind: str, extra: tuple[tuple[str, ...], ...]) -> Adapter:
    return Adapter(
        name=name,
        title=title,
        form="events",
        signs=(("campaign_uuid",), ("subscriber_uuid",), ("created_at",), *extra),
        columns=Columns(
            ids={"email": ("email",), "subscriber": ("subscriber_uuid",)},
            message=("campaign_uuid",),
            label=("campaign_name",),
            arm=("campaign_name",),
            url=("url",),
            verbs=(Verb(kind=kind, at=("created_at",)),),
        ),
        out=LISTMONK_OUT,
        verified="preset",
        machine="not said",
        notes=(
            "With individual tracking off (the default) rows name no person: bring counts by arm.",
        ),
    )


LISTMONK_VIEWS: Final = _listmonk(
    "listmonk-views", "listmonk, campaign_views.csv", "opened", (("subscriber_name",),)
)
LISTMONK_CLICKS: Final = _listmonk(
    "listmonk-clicks",
    "listmonk, campaign clicks (CSV)",
    "clicked",
    (("subscriber_name",), ("url",)),
)

MAUTIC: Final = Adapter(
    name="mautic",
    title="Mautic, email_stats (CSV)",
    form="events",
    signs=(("email_id",), ("lead_id",), ("is_read",), ("date_sent",)),
    columns=Columns(
        ids={"email": ("email_address",), "contact": ("lead_id",)},
        message=("email_id",),
        arm=("email_id",),
        verbs=(
            Verb(kind="sent", when="filled", column=("date_sent",), at=("date_sent",)),
            Verb(kind="opened", when="yes", column=("is_read",), at=("date_read",)),
            Verb(kind="bounced", when="yes", column=("is_failed",)),
        ),
    ),
    out=Out(
        columns=(("email", "{email}"), ("tk_arm", "{arm}"), _LINK),
        keys=("email",),
        verified="preset",
        note="import contacts and map tk_arm to a custom field; make a segment on it",
    ),
    verified="preset",
    machine="not said; Mautic leaves out the clients that its settings list",
    notes=("Mautic sends the winner to the rest under the same id: stop the test before it does.",),
)

CIVICRM: Final = Adapter(
    name="civicrm",
    title="CiviCRM, mailing report of contacts (CSV)",
    form="events",
    signs=(("Contact ID", "contact_id"), ("Mailing Name", "mailing_name"), ("Email", "email")),
    columns=Columns(
        ids={"contact": ("Contact ID", "contact_id"), "email": ("Email", "email")},
        message=("Mailing Name", "mailing_name"),
        label=("Mailing Name", "mailing_name"),
        arm=("Mailing Name", "mailing_name"),
        url=("URL", "url"),
        verbs=(
            Verb(kind="delivered", when="filled", column=("Delivery Date", "Delivered"),
                 at=("Delivery Date",)),
            Verb(kind="opened", when="filled", column=("Open Date", "Opened"), at=("Open Date",)),
            Verb(kind="clicked", when="filled", column=("Click Date", "Clicked"),
                 at=("Click Date",)),
            Verb(kind="bounced", when="filled", column=("Bounce Date", "Bounced"),
                 at=("Bounce Date",)),
            Verb(kind="unsubscribed", when="filled", column=("Unsubscribe Date",),
                 at=("Unsubscribe Date",)),
        ),
    ),
    out=Out(
        columns=(("contact_id", "{contact}"), ("email", "{email}"), ("group", "{tag}"), _LINK),
        keys=("contact", "email"),
        verified="preset",
        note="import contacts into the group that the file names",
    ),
    verified="preset",
    notes=("The mailing that goes to the rest (mailing c) is in no arm: leave it out.",),
)  # fmt: skip

MAILERS: Final = (
    MAILCHIMP_REPORT, MAILCHIMP_CAMPAIGNS, MAILCHIMP_API, MAILCHIMP_ACTIVITY, ACTION_NETWORK,
    ACTION_NETWORK_REPORT, ACTION_NETWORK_OUTREACHES, ACTIONKIT, EVERYACTION_EMAIL,
    EVERYACTION_PEOPLE, EVERYACTION_LIST, LISTMONK_VIEWS, LISTMONK_CLICKS, MAUTIC, CIVICRM,
)  # fmt: skip
