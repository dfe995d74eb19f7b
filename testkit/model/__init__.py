"""Experiment logic as values: definition, plan, checks, looks, decision. No I/O, no clock."""
