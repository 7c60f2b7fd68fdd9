"""A media store on the local disk: each file once, under the hash of its content.

``DiskMediaStore(root)`` is the store; ``MediaPlugin(root)`` hands it to a connector.
"""

from wa_connector_media.plugin import MediaPlugin
from wa_connector_media.store import DiskMediaStore

__all__ = ["DiskMediaStore", "MediaPlugin"]
