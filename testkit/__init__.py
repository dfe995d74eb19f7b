"""testkit: honest A/B tests of messages on lists that end.

``testkit.stats`` holds the numbers, ``testkit.kernel`` the plumbing, ``testkit.services`` one
verb each. Nothing here imports ``responders`` or ``experiments``.
"""
