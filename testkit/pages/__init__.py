"""Pages of message tests: the list, and one experiment as it is recorded. Nothing here looks."""
