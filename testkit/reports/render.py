"""Render a report context: HTML escapes everything, Markdown escapes what would be markup."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "render"]

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|])")


def environment(form: Literal["html", "md"]) -> Environment:
    """The Jinja environment for a form: strict about names; templates come with the package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("testkit.reports"),
        undefined=StrictUndefined,
        autoescape=form == "html",  # noqa: S701 - the other form is Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["md"] = _plain_markdown
    return made


def render(name: str, context: Any, *, form: Literal["html", "md"]) -> str:
    """Fill the template ``name.form.jinja`` with a context dataclass."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    return environment(form).get_template(f"{name}.{form}.jinja").render(values)


def _plain_markdown(value: object) -> str:
    text = " ".join(str(value).split())
    return _MARKUP.sub(r"\\\1", text)
