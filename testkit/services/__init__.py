"""One verb per module: read, decide purely, one transaction. Everything a command may call."""
