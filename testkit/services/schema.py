"""The JSON Schema of ``experiment.yaml``; every key with its meaning from the docstrings."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["schema_text"]


def schema_text() -> str:
    """The schema, JSON Schema draft 2020-12, as indented text."""
    from testkit.model import definition

    schema = definition.Definition.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "whistlestop experiment"
    models = {name: getattr(definition, name) for name in schema.get("$defs", {})}
    for name, model in models.items():
        _describe(schema["$defs"][name], model)
    _describe(schema, definition.Definition)
    return json.dumps(schema, indent=2, ensure_ascii=False)


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Put what the docstring says about an attribute next to its key."""
    text = (model.__doc__ or "").replace("``", "")
    about, _, listed = text.partition("Attributes:")
    schema["description"] = " ".join(about.split())
    meanings = {
        match[1]: " ".join(match[2].split())
        for match in re.finditer(
            r"^ {8}(\w+): (.*?)(?=^ {8}\w+: |\Z)", listed, re.MULTILINE | re.DOTALL
        )
    }
    for field, info in model.model_fields.items():
        if field in meanings:
            schema["properties"][info.alias or field]["description"] = meanings[field]
