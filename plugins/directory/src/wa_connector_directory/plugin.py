"""What a connector is given: the hook, and nothing that is opened or read before it is used."""

import os
from typing import final

from wa_connector.ports.hooks import hookimpl
from wa_connector_directory.directory import TomlDirectory


@final
class DirectoryPlugin:
    """Provides one ``TomlDirectory``, which stays reachable as ``directory`` for a ``reload``."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.directory = TomlDirectory(path)

    @hookimpl
    def wa_directory(self) -> TomlDirectory:
        """The directory of this file."""
        return self.directory
