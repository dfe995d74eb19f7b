"""Sign-off: who must say yes to which words, and whether they have.

A request is a list of events; everything here is a pure function of those, a chain, a roster and
a moment. Read in this order: :mod:`~testkit.signoff.model` (what a chain is),
:mod:`~testkit.signoff.events` (what can happen), :mod:`~testkit.signoff.table` (what may follow
what), :mod:`~testkit.signoff.chain` (``fold``: where a request stands),
:mod:`~testkit.signoff.admission` (``admissible``, ``decide``: may this be added),
:mod:`~testkit.signoff.sla` (clocks), :mod:`~testkit.signoff.check` and
:mod:`~testkit.signoff.simulate` (questions to a chain before it is used).
"""
