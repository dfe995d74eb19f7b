"""Values of the newsroom: feeds, entries, stories, issues, drafts, releases. No I/O."""
