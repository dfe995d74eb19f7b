"""One verb per module: read, decide purely, one transaction per unit of work."""
