"""What the SDK needs from outside, as Protocols and as the data that passes through them.

Each port comes twice, plain and asynchronous (``Storage`` and ``AsyncStorage``); a plugin offers either or both through
the hooks in ``ports.hooks``, and a face takes the one that it can drive. Rules of this package: signatures, data and
the codec of stored payloads; no decisions.
"""
