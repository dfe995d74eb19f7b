"""Outside tools, both directions: read what they export, write what they import.

``registry`` knows every adapter by name and recognises files, ``reading`` turns a file into one of
three common forms (events, snapshots of counts, spend), ``handback`` writes the list of an arm in
the form that a tool imports. Nothing here knows an experiment, a workspace or a database.
"""
