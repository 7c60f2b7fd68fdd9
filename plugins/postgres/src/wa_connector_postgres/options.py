"""What a storage is constructed with."""

from attrs import field, frozen

from wa_connector.errors import StorageUnavailable, UsageError


@frozen
class Options:
    """``patience`` in seconds. Raises ``UsageError`` for what cannot be."""

    conninfo: str = field(repr=False)
    schema: str = field()
    connections: int = field()
    patience: float
    create: bool

    @schema.validator
    def _check_schema(self, _: object, name: str) -> None:
        if not name or '"' in name or "\0" in name or len(name.encode()) > 63 or name.startswith("pg_"):
            raise UsageError("a schema's name has 1 to 63 bytes, no quotes, and does not begin with pg_")

    @connections.validator
    def _check_connections(self, _: object, count: int) -> None:
        if count < 1:
            raise UsageError("a storage needs one connection at least")

    def exhausted(self) -> StorageUnavailable:
        """What to tell who waited too long for a connection."""
        return StorageUnavailable(
            f"all {self.connections} connections were in use for longer than `patience`; nothing was done. The server"
            " is slower than what is asked of it: ask less at once, or allow more `connections`."
        )
