"""``whistlestop.yaml``: the organisation, its zone and channels; its people, in older workspaces.

Three layers, the later wins: the file, the environment (``WHISTLESTOP__ORGANISATION__ZONE``), the
flag (``--set organisation.zone=Europe/Paris``). Imported only when a workspace is opened: pydantic
is heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from testkit.errors import InputError
from testkit.kernel import yamlfile
from testkit.kernel.clock import zone
from testkit.kernel.peoplefile import PersonBase, slug
from testkit.kernel.peoplefile import Strict as _Strict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Alarms",
    "ChannelConfig",
    "Config",
    "Contact",
    "Delivery",
    "Digest",
    "Drafting",
    "DraftingHook",
    "Hook",
    "Mail",
    "Organisation",
    "Polling",
    "Web",
    "load",
    "slug",
]

ENVIRONMENT: Final = "WHISTLESTOP__"


class Organisation(_Strict):
    """Who we are.

    Attributes:
        name: As it signs its messages.
        zone: IANA time zone in which deadlines and pages are read.
        lang: Language of messages, an ISO 639-1 code.
        link: Address that asks lead to when an issue names none.
        currency: Of amounts in plans, an ISO 4217 code such as USD; empty shows none.
        phone: Number for callers and call scripts.
        short_name: Name in a text message; empty means ``name``.
        signer: Who signs an e-mail.
        address: Postal address; commercial e-mail law in several countries asks for it.
        email_opt_out: Line that lets a reader leave the list, with the tool's merge field.
        sms_opt_out: Words that let a reader leave.
        sms_opt_out_es: The same in Spanish.
        disclaimer: Line for every e-mail unless the issue has its own.
    """

    name: str = Field(min_length=1, max_length=200)
    zone: str = "UTC"
    lang: str = Field(default="en", pattern=r"^[a-z]{2}$", examples=["en"])
    link: str = "https://example.org/act"
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    phone: str = ""
    short_name: str = ""
    signer: str = ""
    address: str = ""
    email_opt_out: str = ""
    sms_opt_out: str = "Reply STOP to end"
    sms_opt_out_es: str = "Responda STOP para salir"
    disclaimer: str = ""

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            zone(value)
        except InputError as cause:
            raise ValueError(str(cause)) from cause
        return value


class ChannelConfig(_Strict):
    """One way out.

    Attributes:
        kind: ``email``, ``sms``, ``post``, ``call``, ``push`` or ``ad``: decides the length rules.
        on: Whether drafts are made for it.
        out: Where released words go, beside the folder of files: ``files`` (nowhere else),
            ``mail`` or ``webhook``.
        to: For ``mail``: the address; ``{arm}`` stands for the variant.
        url: For ``webhook``: the address; empty takes ``channel_NAME_url`` of the secrets.
    """

    kind: Literal["email", "sms", "post", "call", "push", "ad"]
    on: bool = True
    out: Literal["files", "mail", "webhook"] = "files"
    to: str = ""
    url: str = ""

    @model_validator(mode="after")
    def _reachable(self) -> ChannelConfig:
        if self.out == "mail" and not self.to:
            raise ValueError("`out: mail` needs `to`: the address that the words are sent to")
        return self


class Contact(_Strict):
    """How often people may hear from us; ``experiment check`` compares the send calendar with it.

    Attributes:
        most: Messages to one person; None: no limit.
        days: In how many days in a row.
    """

    most: Annotated[int, Field(ge=1)] | None = None
    days: Annotated[int, Field(ge=1, le=366)] = 7


class Polling(_Strict):
    """How feeds are asked.

    Attributes:
        requests_per_day: Budget over all feeds.
        floor_minutes: The shortest time between two requests to one feed.
        ceiling_hours: The longest.
        allow_hosts: Hosts that may be asked although their address is private (intranet).
    """

    requests_per_day: int = Field(default=5000, ge=24)
    floor_minutes: int = Field(default=10, ge=1)
    ceiling_hours: int = Field(default=12, ge=1)
    allow_hosts: list[str] = Field(default_factory=list)


class DraftingHook(_Strict):
    """The organisation's own program that may propose texts; off while it names none.

    Attributes:
        command: Program and arguments; run without a shell in the workspace folder.
        url: Address that is asked by POST; used when there is no command.
        timeout_seconds: The most that it may take.
        max_kilobytes: The most that is read of its answer.
    """

    command: list[str] = Field(default_factory=list)
    url: str = Field(
        default="", pattern=r"^(?:https?://[^\s]+)?$", examples=["https://example.org/hook"]
    )
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    max_kilobytes: int = Field(default=64, ge=1, le=1024)


class Alarms(_Strict):
    """When people are told at once.

    Attributes:
        quiet: Hours in which nobody is told, in the organisation's zone: ``22:00-07:00``. Empty
            means none.
    """

    quiet: str = Field(
        default="",
        pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
        examples=["22:00-07:00"],
    )


class Drafting(_Strict):
    """When a draft is raised, and who else may propose words for it.

    Attributes:
        min_outlets: Distinct outlets that must carry a matched story; 1 raises for single reports.
        hook: The organisation's own program that may propose texts.
        limits: Channel or network to its length rule, where it differs from the usual one.
    """

    min_outlets: int = Field(default=2, ge=1, le=20)
    hook: DraftingHook = DraftingHook()
    limits: dict[str, dict[str, int | str]] = Field(default_factory=dict)


class Web(_Strict):
    """Pages in the browser.

    Attributes:
        base_url: Address under which people open the pages; links start with it. With ``https``,
            sign-in works over an encrypted connection only.
    """

    base_url: str = Field(
        default="http://127.0.0.1:8765",
        pattern=r"^https?://[^/\s?#@]+/?$",
        examples=["https://desk.example.org"],
    )


class Mail(_Strict):
    """The mail server that takes our messages.

    Attributes:
        host: Its name; empty sends no mail.
        port: TCP port.
        security: ``starttls``, ``tls`` (from the first byte) or ``none``.
        user: Account there; its password is the secret ``mail_password``.
        sender: Whom messages come from: ``Name <address>``.
        folder: Write messages into this folder instead of sending them.
    """

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = ""
    folder: str = ""

    @model_validator(mode="after")
    def _from_somebody(self) -> Mail:
        if (self.host or self.folder) and "@" not in self.sender:
            raise ValueError("mail needs `sender`: Name <address>")
        return self


class Hook(_Strict):
    """A chat room or a program that is told.

    Attributes:
        style: What it reads: ``json``, ``slack``, ``teams``, ``discord`` or ``apprise``.
        url: Its address; empty takes ``hook_NAME_url`` of the secrets.
        about: Kinds of messages; empty for all.
    """

    style: Literal["json", "slack", "teams", "discord", "apprise"] = "json"
    url: str = ""
    about: list[str] = Field(default_factory=list)


class Digest(_Strict):
    """The daily summary.

    Attributes:
        people: Who gets it.
        hour: From this hour of the day on, in the organisation's zone.
    """

    people: list[str] = Field(default_factory=list)
    hour: int = Field(default=8, ge=0, le=23)


class Delivery(_Strict):
    """How people are told that something waits for them."""

    mail: Mail = Mail()
    hooks: dict[str, Hook] = Field(default_factory=dict)
    digest: Digest = Digest()


class Config(_Strict):
    """The whole file."""

    organisation: Organisation
    people: list[PersonBase] = Field(default_factory=list)
    channels: dict[str, ChannelConfig] = Field(default_factory=dict)
    contact: Contact = Contact()
    polling: Polling = Polling()
    drafting: Drafting = Drafting()
    alarms: Alarms = Alarms()
    web: Web = Web()
    delivery: Delivery = Delivery()

    @model_validator(mode="after")
    def _unique(self) -> Config:
        ids = [person.id for person in self.people]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"the id {twice[0]!r} stands for two people")
        return self

    def people_text(self) -> str:
        """The people as the canonical text that ``adopt people`` stores."""
        import yaml

        listed = [person.model_dump() for person in self.people]
        return str(yaml.safe_dump({"people": listed}, sort_keys=True, allow_unicode=True))


def load(
    text: str,
    *,
    name: str,
    environment: Mapping[str, str],
    overrides: Mapping[str, str] | None = None,
) -> Config:
    """Read the configuration through its three layers.

    Args:
        text: Content of ``whistlestop.yaml``.
        name: How to call the file in findings.
        environment: The process's environment.
        overrides: ``organisation.zone -> value`` from the command line.

    Raises:
        DefinitionError: With every problem of the file.
        InputError: An override names no key.
    """
    document = yamlfile.parse(text, name=name)
    if isinstance(document.value, dict):
        for variable, value in sorted(environment.items()):
            if variable.startswith(ENVIRONMENT):
                path = variable.removeprefix(ENVIRONMENT).lower().split("__")
                _set(document.value, path, value, named=variable)
        for dotted, value in (overrides or {}).items():
            _set(document.value, dotted.split("."), value, named=f"--set {dotted}")
    return yamlfile.validated(document, Config)


def _set(target: dict[str, Any], path: list[str], text: str, *, named: str) -> None:
    place = target
    for part in path[:-1]:
        following = place.setdefault(part, {})
        if not isinstance(following, dict):
            raise InputError(f"{named} names a key inside a value", field=named, value=text)
        place = following
    place[path[-1]] = yamlfile.parse(text, name=named).value if text else text
