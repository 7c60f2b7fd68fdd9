"""Media stores: each file once, under the hash of its content, on the local disk or in object storage.

``DiskMediaStore(root)`` is a store, ``MediaPlugin(root)`` hands it to a connector; ``ObjectMediaStore(store)`` and
``ObjectMediaPlugin(store)`` do the same with a store of ``obstore`` (extra ``objects``).
"""

from wa_connector_media.objects import ObjectMediaStore
from wa_connector_media.plugin import MediaPlugin, ObjectMediaPlugin
from wa_connector_media.store import DiskMediaStore

__all__ = ["DiskMediaStore", "MediaPlugin", "ObjectMediaPlugin", "ObjectMediaStore"]
