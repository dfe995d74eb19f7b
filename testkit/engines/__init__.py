"""Data in, moments out: DuckDB reads files, one narwhals expression sums them."""
