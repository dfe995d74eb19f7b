"""Messages that leave: rows with a status, a policy for trying again, and one module per channel.

``store`` keeps the rows, ``retry`` is pure, ``words`` writes, ``letter`` makes text safe to send,
``mail``, ``hook`` and ``apprise`` hand it to a peer, ``delivery`` is the loop over all of them.
What is said to whom is decided above, in :mod:`testkit.services.notify` and in the products.
"""
