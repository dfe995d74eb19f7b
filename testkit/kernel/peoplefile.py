"""``people.yaml``: what a person may write of the people, and the roster that it means.

Imported only when a workspace is opened: pydantic is heavy. Dates are in the organisation's zone. A
date without a time counts whole: ``from`` begins with it, ``until`` and ``left`` end with it.
"""

from __future__ import annotations

import re
from datetime import date  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from testkit.errors import InputError
from testkit.kernel.clock import parse_local, zone
from testkit.kernel.hours import Quiet, clock_time, end_of, hours_of
from testkit.kernel.people import Absence, Delegation, Person, Roster

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["PeopleFile", "PersonBase", "PersonConfig", "Strict", "roster_of", "slug"]

_SLUG: Final = re.compile(r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$")


def slug(value: str) -> str:
    """A name that works as a file name, an address and an id.

    Raises:
        ValueError: The text is none.
    """
    if not _SLUG.match(value):
        raise ValueError(
            f"{value!r} must be 1 to 64 of a-z, 0-9, - and _, starting and ending with a letter"
            " or digit"
        )
    return value


def _zone(value: str) -> str:
    try:
        zone(value or "UTC")
    except InputError as cause:
        raise ValueError(str(cause)) from cause
    return value


def _moment(value: str) -> str:
    try:
        parse_local(value, zone_name="UTC")
    except InputError as cause:
        raise ValueError(f"{cause.message}; {cause.hint}") from cause
    return value


def _quoted(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f'{value} is read as a number; write it in quotes: "+{value}"')  # noqa: TRY004 - pydantic reports ValueError only
    return value


def _week(value: dict[str, str]) -> dict[str, str]:
    hours_of(value)
    return value


Slug = Annotated[str, AfterValidator(slug)]
Moment = Annotated[str, AfterValidator(_moment)]
Week = Annotated[dict[str, str], AfterValidator(_week)]


class Strict(BaseModel):
    """Nothing unknown, nothing changed, no blanks around."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, populate_by_name=True
    )


class QuietConfig(Strict):
    """Hours without messages, local time."""

    starts: str = Field(alias="from", pattern=r"^\d{1,2}:\d{2}$", examples=["09:00"])
    ends: str = Field(alias="until", pattern=r"^\d{1,2}:\d{2}$", examples=["09:00"])

    @field_validator("starts", "ends")
    @classmethod
    def _times(cls, value: str) -> str:
        clock_time(value)
        return value


class PersonBase(Strict):
    """One person as older workspaces have it in ``whistlestop.yaml``; its digest is kept."""

    id: Annotated[Slug, Field(min_length=1)]
    name: str = Field(min_length=1)
    roles: list[Slug] = Field(default_factory=list)
    email: str = ""


class PersonConfig(PersonBase):
    """One person of the roster."""

    channels: dict[Slug, Annotated[str, BeforeValidator(_quoted)]] = Field(default_factory=dict)
    quiet: QuietConfig | None = None
    zone: Annotated[str, AfterValidator(_zone)] = ""
    joined: Moment | None = None
    left: Moment | None = None


class DelegationConfig(Strict):
    """Who stands in for whom."""

    principal: Slug = Field(alias="from")
    delegate: Slug = Field(alias="to")
    starts: Moment
    until: Moment | None = None
    roles: list[Slug] = Field(default_factory=list)


class AwayConfig(Strict):
    """Who is away."""

    person: Slug
    starts: Moment = Field(alias="from")
    until: Moment | None = None


class PeopleFile(Strict):
    """The whole of ``people.yaml``."""

    people: list[PersonConfig] = Field(default_factory=list)
    delegations: list[DelegationConfig] = Field(default_factory=list)
    away: list[AwayConfig] = Field(default_factory=list)
    hours: Week | None = None
    holidays: list[date] = Field(default_factory=list)

    @model_validator(mode="after")
    def _whole(self) -> PeopleFile:
        ids = [person.id for person in self.people]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"the id {twice[0]!r} stands for two people")
        if self.holidays and self.hours is None:
            raise ValueError("there are holidays but no hours; add `hours: {mon-fri: 09:00-17:00}`")
        return self


def roster_of(file: PeopleFile, *, zone_name: str = "UTC", version: int = 0) -> Roster:
    """The people as a roster.

    Args:
        file: As read and found sound.
        zone_name: IANA zone of moments that name none.
        version: Of the adopted text; 0 when it is not adopted.
    """

    def starts(text: str | None) -> datetime | None:
        return None if text is None else parse_local(text, zone_name=zone_name)

    def ends(text: str | None) -> datetime | None:
        return None if text is None else end_of(text, zone_name=zone_name)

    return Roster(
        people=tuple(
            Person(
                id=p.id,
                name=p.name,
                roles=tuple(p.roles),
                email=p.email,
                channels=tuple(p.channels.items()),
                quiet=None
                if p.quiet is None
                else Quiet(starts=clock_time(p.quiet.starts), ends=clock_time(p.quiet.ends)),
                zone=p.zone,
                joined=starts(p.joined),
                left=ends(p.left),
            )
            for p in file.people
        ),
        delegations=tuple(
            Delegation(
                principal=d.principal,
                delegate=d.delegate,
                starts=parse_local(d.starts, zone_name=zone_name),
                ends=ends(d.until),
                roles=tuple(d.roles),
            )
            for d in file.delegations
        ),
        absences=tuple(
            Absence(
                person=a.person,
                starts=parse_local(a.starts, zone_name=zone_name),
                ends=ends(a.until),
            )
            for a in file.away
        ),
        hours=None if file.hours is None else hours_of(file.hours, tuple(file.holidays)),
        version=version,
    )
