"""What a release does outside: the messages to live channels, each with its own lasting key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from responders.release.pack import words_of
from testkit.errors import InputError
from testkit.outbox.letter import address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.kernel.config import ChannelConfig

__all__ = ["Effect", "effects_of", "stop_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One message to one live channel.

    Attributes:
        key: What makes it this effect: release, channel and arm. There is one of each, for ever.
        channel: ``out:NAME``.
        kind: ``released`` or ``stopped``.
        address: Of a mail.
        subject: One line.
        body: Text.
        data: For programs.
        careful: The peer cannot drop a double (mail): when in doubt, a person decides.
    """

    key: str
    channel: str
    kind: str
    address: str = ""
    subject: str
    body: str
    data: Mapping[str, Any] = field(default_factory=dict)
    careful: bool = False


def effects_of(
    fields: Mapping[str, Any],
    *,
    release: str,
    campaign: str,
    foreign: frozenset[str],
    channels: Mapping[str, ChannelConfig],
    about: Mapping[str, Any],
) -> tuple[Effect, ...]:
    """The messages of a release, for every channel that is live.

    Args:
        fields: Fields of the signed revision.
        release: Id of the release.
        campaign: ``utm_campaign``.
        foreign: Hosts whose links stay as they are.
        channels: As configured.
        about: What a program is told of the release.

    Raises:
        InputError: Two variants have one address, or an address is none.
    """
    found: list[Effect] = []
    for name, channel in channels.items():
        if not channel.on or channel.out not in {"mail", "webhook"}:
            continue
        words = [
            w
            for w in words_of(fields, campaign=campaign, foreign=foreign, source=name)
            if w.kind == channel.kind
        ]
        if not words:
            continue
        key = f"release:{release}:{name}"
        if channel.out == "webhook":
            arms = {
                w.arm: {
                    **({"subject": w.subject, "preheader": w.preheader} if w.subject else {}),
                    "body": w.body,
                }
                for w in words
            }
            data = {**about, "channel": name, "kind": channel.kind, "arms": arms}
            found.append(
                Effect(
                    key=key,
                    channel=f"out:{name}",
                    kind="released",
                    subject=words[0].subject or f"release {release}",
                    body=words[0].body,
                    data=data,
                )
            )
            continue
        if len(words) > 1 and "{arm}" not in channel.to:
            raise InputError(
                f"the release has {len(words)} variants for {name}, and one address",
                field=f"channels.{name}.to",
                value=channel.to,
                hint="put {arm} into the address: supporters-{arm}@lists.example.org",
            )
        for one in words:
            found.append(
                Effect(
                    key=f"{key}:{one.arm}",
                    channel=f"out:{name}",
                    kind="released",
                    address=address(channel.to.replace("{arm}", one.arm)),
                    subject=one.subject or f"release {release}",
                    body=one.body,
                    data={**about, "channel": name, "arm": one.arm},
                    careful=True,
                )
            )
    return tuple(found)


def stop_of(
    release: str, how: str, *, reason: str, channels: Mapping[str, ChannelConfig]
) -> tuple[Effect, ...]:
    """Tell the programs that got a release that it was killed, recalled or corrected.

    Args:
        release: Id of the release.
        how: ``killed``, ``recalled`` or ``corrected``.
        reason: Why, or what it was corrected by.
        channels: As configured.
    """
    return tuple(
        Effect(
            key=f"{how}:{release}:{name}",
            channel=f"out:{name}",
            kind=how,
            subject=f"release {release} was {how}",
            body=reason,
            data={"release": release, "channel": name, "reason": reason},
        )
        for name, channel in channels.items()
        if channel.on and channel.out == "webhook"
    )
