"""Numbers without plumbing: numpy and scipy in, frozen results out.

No input or output, no clock, no randomness that is not an argument. Errors come from
:mod:`testkit.errors`; nothing else of ours is imported here.
"""
