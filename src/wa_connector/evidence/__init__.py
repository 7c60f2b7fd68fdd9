"""Evidence: append-only, chained by hash per customer, and the fold that makes consent of it.

Rules of this package: pure. ``ledger`` writes and verifies the chain, ``fold`` reads it; what a signal means is
``policy.consent``'s.
"""
