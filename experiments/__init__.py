"""experiments: the classroom. Bundled example experiments with published numbers, and lessons."""
