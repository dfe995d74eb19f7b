"""Who is speaking, from the workspace's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from responders.model.draft import Organisation
    from testkit.kernel.config import Config

__all__ = ["organisation"]


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
