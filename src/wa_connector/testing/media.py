"""A media store in memory, for tests."""

import hashlib
from collections.abc import Iterator

from wa_connector.errors import UsageError
from wa_connector.model.content import MediaRef
from wa_connector.model.ids import TenantId


class MemoryMediaStore:
    """Implements ``ports.media.MediaStore``; ``files`` maps (tenant, SHA-256 in hex) to the bytes, for a test to see."""

    def __init__(self) -> None:
        self.files: dict[tuple[TenantId, str], bytes] = {}

    def put(self, tenant: TenantId, chunks: Iterator[bytes], mime_type: str, max_bytes: int) -> MediaRef:
        """Keep the stream; ``UsageError`` for one that is empty or over ``max_bytes``."""
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > max_bytes:
                raise UsageError(f"the file is larger than the {max_bytes} bytes allowed for it")
        if not content:
            raise UsageError("the file is empty; there is nothing to store or to send")
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[tenant, sha256] = bytes(content)
        return MediaRef(mime_type, sha256=sha256, size=len(content))

    def read(self, tenant: TenantId, media: MediaRef) -> Iterator[bytes] | None:
        """What this tenant put under this hash, in one chunk."""
        content = self.files.get((tenant, media.sha256))
        return None if content is None else iter((content,))

    def delete(self, tenant: TenantId, media: MediaRef) -> None:
        """Forget what this tenant put under this hash."""
        self.files.pop((tenant, media.sha256), None)
