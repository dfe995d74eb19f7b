"""Tables of the newsroom: feeds and entries in ``archive.db``, drafts in ``workspace.db``."""
