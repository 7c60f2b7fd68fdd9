"""Events as lines of JSON, appended to a file.

Theory: one commit's events are one write to a file that was opened for appending. On a local disk such writes do not
mix, whichever threads and processes make them, so there is no lock to inherit and no file to carry over a fork.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Final, final

from attrs import asdict

from wa_connector import Happening, TenantId


@final
class AuditFile:
    """A file that grows. It is made with the first event, readable by the process's own user alone."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path: Final = os.fspath(path)

    def append(self, tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> None:
        """Append one line an event. Raises ``OSError``, which the SDK reports as a failed hook."""
        lines = "".join(_line(tenant, at, happening) for happening in happenings)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, lines.encode())
        finally:
            os.close(file)


def _line(tenant: TenantId, at: datetime, happening: Happening) -> str:
    # The class's name and its fields, whatever they are: an event that a later version of the SDK
    # brings is in the audit from its first day.
    facts = asdict(happening, value_serializer=_plain)
    return json.dumps({"at": at.isoformat(), "tenant": tenant, "type": type(happening).__name__, **facts}) + "\n"


def _plain(_: object, __: object, value: object) -> object:
    return value.value if isinstance(value, Enum) else value
