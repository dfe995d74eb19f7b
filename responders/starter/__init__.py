"""Issue files to start from: written by us, for five common causes, to be changed by you.

``labor``, ``housing``, ``reproductive-rights``, ``climate`` and ``voting`` in English, and
``vivienda``, which is ``housing`` in Spanish. They are text: copy one into the workspace's
``issues/`` folder, change every word, adopt it.
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["starter_files", "starter_issues"]


def starter_issues() -> dict[str, str]:
    """The bundled issue files: name to YAML text, in alphabetical order.

    Examples:
        >>> list(starter_issues())
        ['climate', 'housing', 'labor', 'reproductive-rights', 'vivienda', 'voting']
    """
    found = {
        file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8")
        for file in files("responders.starter").iterdir()
        if file.name.endswith(".yaml")
    }
    return dict(sorted(found.items()))


def starter_files() -> dict[str, str]:
    """The bundled issue files as files of a workspace: path to text.

    Examples:
        >>> list(starter_files())[0]
        'issues/climate.yaml'
    """
    return {f"issues/{name}.yaml": text for name, text in starter_issues().items()}
