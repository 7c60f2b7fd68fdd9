"""Media stores: each file once, under the hash of its content, on the local disk or in object storage; and pictures made
fit to be sent.

``DiskMediaStore(root)`` is a store, ``MediaPlugin(root)`` hands it to a connector; ``ObjectMediaStore(store)`` and
``ObjectMediaPlugin(store)`` do the same with a store of ``obstore`` (extra ``objects``). With the extra ``pictures`` both
plugins bring a ``PictureConverter``, too.
"""

from wa_connector_media.objects import ObjectMediaStore
from wa_connector_media.pictures import PictureConverter
from wa_connector_media.plugin import MediaPlugin, ObjectMediaPlugin, PicturePlugin
from wa_connector_media.store import DiskMediaStore

__all__ = [
    "DiskMediaStore",
    "MediaPlugin",
    "ObjectMediaPlugin",
    "ObjectMediaStore",
    "PictureConverter",
    "PicturePlugin",
]
