"""Ids that sort by the time they were made: 48 bits of milliseconds, 80 of chance, 32 hex digits.

The layout is that of UUID version 7 without its fixed bits. Source: RFC 9562, section 5.7.
"""

import os
import time


def new_id() -> str:
    """A fresh id; unique across processes, so nothing needs to be coordinated."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
