"""The rules: pure functions of folded state and an instant.

Rules of this package: no I/O, no clock, no storage; state machines are tables; a verdict costs the same whatever the
length of the history.
"""
