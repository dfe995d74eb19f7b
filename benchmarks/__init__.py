"""Benchmarks: ``python -m benchmarks NAME --json`` prints one JSON object per figure.

A benchmark ``some-name`` is a module ``bench_some_name`` with ``run(*, small: bool)`` that yields
:class:`~benchmarks.figure.Figure` values. Figures are ratios against a named peer measured in the
same run, or counts; times are medians. ``--small`` keeps each one alive in CI.
"""
