"""A provider that takes everything at once: the least that HTTP needs, so that a client beside it is what is measured.

python loopback_server.py      prints its port, and serves until its standard input ends
"""

import asyncio
import itertools
import sys

_NUMBERS = itertools.count(1)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "


class Answering(asyncio.Protocol):
    """One connection: requests with a content-length, answered in their order."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, _, rest = head.partition(b"\r\ncontent-length:")
            whole = end + 4 + int(rest.partition(b"\r\n")[0] or 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            body = b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.%d"}]}' % next(_NUMBERS)
            self._transport.write(b"%b%d\r\n\r\n%b" % (_HEAD, len(body), body))


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
