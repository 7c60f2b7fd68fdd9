"""The one thin shell: ask, load, decide, commit, notify.

Rules of this package: plain ``async def`` that awaits nothing but ports. It is written once and driven by both faces:
the asynchronous one awaits it, the synchronous one steps through it (``direct.drive``), since a port that never suspends
is done at once. It imports no asyncio, starts no thread and sets no time-out.
"""
