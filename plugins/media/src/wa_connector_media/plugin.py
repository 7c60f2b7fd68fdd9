"""What a connector is given: the hook, and nothing that is opened or made before it is used."""

import os
from typing import TYPE_CHECKING, final

from wa_connector.ports.hooks import hookimpl
from wa_connector_media.objects import ObjectMediaStore
from wa_connector_media.store import DiskMediaStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@final
class MediaPlugin:
    """Provides one ``DiskMediaStore``."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.store = DiskMediaStore(root)

    @hookimpl
    def wa_media_store(self) -> DiskMediaStore:
        """The store under this root."""
        return self.store


@final
class ObjectMediaPlugin:
    """Provides one ``ObjectMediaStore``, on a store that the host opened with ``obstore`` (extra ``objects``)."""

    def __init__(self, store: "ObjectStore", prefix: str = "media") -> None:
        self.store = ObjectMediaStore(store, prefix)

    @hookimpl
    def wa_media_store(self) -> ObjectMediaStore:
        """The store in this bucket."""
        return self.store
