"""Released words on their way out: links that carry the arm, packs of files, lists, effects. Pure.

What is released, and when, is decided in :mod:`responders.services.release`.
"""
