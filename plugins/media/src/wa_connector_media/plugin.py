"""What a connector is given: the hook, and nothing that is opened or made before it is used."""

import os
from typing import final

from wa_connector.ports.hooks import hookimpl
from wa_connector_media.store import DiskMediaStore


@final
class MediaPlugin:
    """Provides one ``DiskMediaStore``."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.store = DiskMediaStore(root)

    @hookimpl
    def wa_media_store(self) -> DiskMediaStore:
        """The store under this root."""
        return self.store
