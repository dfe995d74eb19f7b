"""The people, chain and charter that a new workspace begins with, by model of ownership."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

__all__ = ["CHAIN_NAME", "MODELS", "starter_rules"]

MODELS: Final = {
    "communications": "comms",
    "field": "field",
    "embedded": "embedded",
    "solo": "solo",
}
"""Model of ownership to the chain that goes with it."""

CHAIN_NAME: Final = "rapid-response"
"""Name of the chain that the shipped issues ask for."""


def starter_rules(model: str = "") -> dict[str, str]:
    """Files for a new workspace: ``path -> text``.

    Args:
        model: A key of :data:`MODELS`; a plain chain of two stages without a charter if empty.

    Examples:
        >>> sorted(starter_rules("solo"))
        ['chains/rapid-response.yaml', 'charter.yaml', 'people.yaml']
    """
    room = files("testkit.signoff")
    chain = MODELS.get(model, CHAIN_NAME)
    text = room.joinpath("templates", f"{chain}.yaml").read_text(encoding="utf-8")
    name = model or CHAIN_NAME
    found = {
        # Under the name that issues ask for, whatever the model.
        f"chains/{CHAIN_NAME}.yaml": text.replace(f"chain: {chain}\n", f"chain: {CHAIN_NAME}\n"),
        "people.yaml": room.joinpath("org", f"{name}.people.yaml").read_text(encoding="utf-8"),
    }
    if model:
        charter = room.joinpath("org", f"{model}.charter.yaml").read_text(encoding="utf-8")
        found["charter.yaml"] = charter
        for path in sorted(room.joinpath("org").iterdir(), key=lambda p: p.name):
            owner, _, rest = path.name.partition(".")
            if owner == model and rest.endswith(".lane.yaml"):
                lane = rest.removesuffix(".lane.yaml")
                found[f"lanes/{lane}.yaml"] = path.read_text(encoding="utf-8")
    return found
