"""Commands of experiments: parse, one call, render."""
