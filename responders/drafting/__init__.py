"""Drafting: from a story and an issue to words that somebody may send.

``lengths`` counts as each channel counts, ``render`` runs a template in a sandbox, ``contexts``
documents what a template may use, ``compose`` makes the variants, ``lint`` says what to check.
Everything here is pure: no store, no network, no clock.
"""
