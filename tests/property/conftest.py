"""Laws are about what comes out, not about how long a crowded machine takes for one example."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
