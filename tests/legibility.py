"""Whether texts can be read: contrast by WCAG 2.2's definition, asked of a page in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["CONTRAST", "light"]

_LIGHT: Final = """
c => {
  const v = c.map(x => x / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * v[0] + .7152 * v[1] + .0722 * v[2];
}
"""

CONTRAST: Final = f"""
() => {{
  const light = {_LIGHT};
  const parse = s => s.match(/[\\d.]+/g).map(Number);
  const ground = el => {{
    for (; el; el = el.parentElement) {{
      const c = parse(getComputedStyle(el).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }}
    return [255, 255, 255];
  }};
  const bad = [];
  for (const el of document.querySelectorAll('body *:not(svg *)')) {{
    const own = [...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !el.checkVisibility()) continue;
    const a = light(parse(getComputedStyle(el).color).slice(0, 3)), b = light(ground(el));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(el.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
  }}
  return bad;
}}
"""
"""Texts of a page below 4.5 to 1; those of charts are not looked at."""


def light(page: Page, colour: str) -> float:
    """Relative luminance, 0 to 1, of a colour that an expression gives on a page."""
    found: float = page.evaluate(
        f"() => ({_LIGHT})({colour}.match(/[\\d.]+/g).slice(0, 3).map(Number))"
    )
    return found
