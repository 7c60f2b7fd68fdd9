"""The verbs: one pure function each, from what was loaded and a command to a change.

Rules of this package: a decider reads and writes through a ``Draft`` and returns what the caller wants to know. It asks
``policy`` whether something may be done; it calls no port and no clock.
"""
