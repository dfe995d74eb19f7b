"""Feeds: which to poll when, how to fetch them safely, and what they say.

- :mod:`responders.feeds.schedule` decides when a feed is due (pure).
- :mod:`responders.feeds.guard` decides which addresses may be asked (pure, but for the look-up).
- :mod:`responders.feeds.fetch` asks them, within limits.
- :mod:`responders.feeds.parse` turns bytes into entries, in a worker that can be killed.
- :mod:`responders.feeds.identity` says which entries are the same (pure).
- :mod:`responders.feeds.opml` and :mod:`responders.feeds.discover` find feeds to begin with.

Nothing here knows the database: the services read, call this, and write.
"""
