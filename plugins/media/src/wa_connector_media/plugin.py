"""What a connector is given: the hooks, and nothing that is opened or made before it is used."""

import os
from typing import TYPE_CHECKING, final

from wa_connector.ports.hooks import hookimpl
from wa_connector_media.objects import ObjectMediaStore
from wa_connector_media.pictures import PictureConverter, is_available
from wa_connector_media.store import DiskMediaStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class PicturePlugin:
    """Provides a ``PictureConverter`` where Pillow is installed (extra ``pictures``), for a host with a media store of its
    own; the plugins below do so as well."""

    @hookimpl
    def wa_media_converter(self) -> PictureConverter | None:
        """The converter; None without Pillow."""
        return PictureConverter() if is_available() else None


@final
class MediaPlugin(PicturePlugin):
    """Provides one ``DiskMediaStore``."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.store = DiskMediaStore(root)

    @hookimpl
    def wa_media_store(self) -> DiskMediaStore:
        """The store under this root."""
        return self.store


@final
class ObjectMediaPlugin(PicturePlugin):
    """Provides one ``ObjectMediaStore``, on a store that the host opened with ``obstore`` (extra ``objects``)."""

    def __init__(self, store: "ObjectStore", prefix: str = "media") -> None:
        self.store = ObjectMediaStore(store, prefix)

    @hookimpl
    def wa_media_store(self) -> ObjectMediaStore:
        """The store in this bucket."""
        return self.store
