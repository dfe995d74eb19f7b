"""Who is speaking and how long a text may be, from the workspace's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.drafting.lengths import Limit
    from responders.model.draft import Organisation
    from testkit.kernel.config import Config

__all__ = ["limits_of", "organisation"]


def organisation(config: Config) -> Organisation:
    """Who is speaking, for templates."""
    from responders.model.draft import Organisation

    own = config.organisation
    return Organisation(
        name=own.name,
        short_name=own.short_name,
        link=own.link.rstrip("/"),
        phone=own.phone,
        signer=own.signer,
        address=own.address,
        email_opt_out=own.email_opt_out,
        sms_opt_out=own.sms_opt_out,
        sms_opt_out_es=own.sms_opt_out_es,
        disclaimer=own.disclaimer,
    )


def limits_of(config: Config) -> Mapping[str, Limit]:
    """The length rules in force: the usual ones, with what the workspace changes or adds.

    Raises:
        InputError: A rule is unknown, or a number is none.
    """
    from responders.drafting.lengths import limits_from_mapping

    return limits_from_mapping(config.drafting.limits)
