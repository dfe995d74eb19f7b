"""The values of the newsroom: feeds, entries, stories, issues, drafts, releases."""
