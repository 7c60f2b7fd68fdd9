"""A disk that really is full, for tests of storages: what a host then sees, and that it goes on when there is room again.

::

    folder = tempfile.mkdtemp()
    disk = SmallDisk(folder, mebibytes=4)  # in a process of its own: see there
    work_through(MyStorage(folder), disk)

Rules of this file: nothing is pretended. The operating system refuses to write, and a storage sees what it would see on
a machine; who cannot have a small disk (``SmallDisk`` needs namespaces, which some containers forbid) can have a limit to
the size of files (``SizeLimit``), which needs no right at all.
"""

import ctypes
import errno
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, final

from wa_connector.errors import StorageUnavailable
from wa_connector.model.customer import Customer
from wa_connector.model.ids import CustomerId
from wa_connector.ports.rows import CUSTOMER, MESSAGE, OUTBOX, Kind
from wa_connector.ports.storage import COMMITTED, Change, Put, Scan, Storage
from wa_connector.testing.host import ACME, ANA, GLOBEX, NOON, MemoryHost

_NEW_MOUNTS: Final = 0x00020000
_NEW_USERS: Final = 0x10000000
_PRIVATE: Final = 0x40000 | 0x4000
_BLOCKS: Final = (65536, 4096, 512, 1)
_MOST: Final = 5000
"""How many customers write, at most, before the last bit of room is used up."""
_PATIENCE: Final = 30.0


class Room(Protocol):
    """Where a storage keeps its files."""

    def fill(self) -> None: ...
    def free(self) -> None: ...


@final
class SmallDisk:
    """A file system of so many mebibytes in place of ``folder``, seen by this process and those that it starts.

    Everybody may write to it. It is gone when they have ended. Linux; raises ``OSError`` where the system lets this
    process have no mounts of its own. The process must have one thread yet.
    """

    def __init__(self, folder: str | Path, mebibytes: int) -> None:
        self._filler: Final = Path(folder) / "filler"
        _own_mounts()
        _call("mount", b"none", b"/", None, _PRIVATE, None)
        _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={mebibytes}m,mode=0777".encode())

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in _BLOCKS:
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give back what was filled."""
        self._filler.unlink()


@final
class SizeLimit:
    """No file of this process grows beyond ``most`` bytes from ``fill`` to ``free``; what is written behind is refused."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._before: Final = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        """Set the limit. (Python ignores the signal that comes with it, so the call that writes fails.)"""
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._most, self._before[1]))

    def free(self) -> None:
        """Lift it."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


def work_through(storage: Storage, room: Room) -> StorageUnavailable:
    """A host at work while its disk fills up and gets room again: customers write, each once, and each is answered by a
    dispatcher in a thread, which nobody starts again. Closes the storage.

    Returns what a commit raised meanwhile. Fails (``AssertionError``) where what was acknowledged is not there once, where
    a refused webhook left something, where an answer is lost or sent twice, where what is stored cannot be read
    meanwhile, and where work does not go on by itself.
    """
    host = MemoryHost(storage=storage, owner=ANA)
    stop = threading.Event()
    with host.connector() as connector:
        asked: list[str] = []

        def ask() -> bool:
            asked.append(f"+1650556{len(asked):04}")
            return is_taken(asked[-1])

        def is_taken(sender: str) -> bool:
            request = host.webhook(host.said("HELP", sender=[sender], id=sender))
            status = connector.handle_webhook(request).reply.status
            assert status in (200, 503), status
            return status == 200

        def answered() -> list[str]:
            return [envelope.to.value for envelope in host.transport.sent]

        worker = threading.Thread(target=connector.dispatcher.run_until, args=(stop,), kwargs={"poll": 0.02})
        worker.start()
        try:
            assert ask()
            _wait_for(lambda: answered() == asked)
            room.fill()
            while ask():
                assert len(asked) < _MOST, "there is always room"
            raised = _refusal(storage)
            # What was acknowledged is there, and nothing of what was refused.
            assert _written_by(storage) == asked[:-1]
            room.free()
            # The provider brings the same again, and others write.
            assert is_taken(asked[-1])
            assert ask()
            _wait_for(lambda: asked[-1] in answered())
            assert _written_by(storage) == asked
        finally:
            stop.set()
            worker.join(_PATIENCE)
        assert len(answered()) == len(set(answered())), "somebody was answered twice"
        # A lane whose lease could not be given back waits until it ends.
        assert {*answered(), *_queued_for(storage)} == set(asked), "an answer is lost"
        assert list(storage.commit([_change("after")])) == [COMMITTED]
    return raised


def _refusal(storage: Storage) -> StorageUnavailable:
    try:
        for number in range(_MOST):
            storage.commit([_change(str(number))])
    except StorageUnavailable as error:
        return error
    raise AssertionError("there is always room")


def _change(name: str) -> Change:
    key = CUSTOMER.of(GLOBEX, name)
    return Change(GLOBEX, NOON, puts=(Put(key, Customer(CustomerId(name), NOON, name="x" * 1000)),))


def _written_by(storage: Storage) -> list[str]:
    """Whose messages are stored, in the order of their numbers; somebody twice of whom there are two."""
    ids = (str(message.provider_id) for message in _rows(storage, MESSAGE))
    return sorted(each for each in ids if each.startswith("+"))


def _queued_for(storage: Storage) -> Iterator[str]:
    known = {customer.id: customer.addresses[0].value for customer in _rows(storage, CUSTOMER)}
    return (known[entry.customer] for entry in _rows(storage, OUTBOX))


def _rows(storage: Storage, kind: Kind) -> list[Any]:
    return [row.value for _, row in storage.scan(Scan(kind.name, "key", (ACME,), 4 * _MOST)).rows]


def _wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < until, "it does not go on by itself"
        time.sleep(0.02)


def _own_mounts() -> None:
    """As root by right; as anybody else as the master of a world of his own, in which he stays who he is."""
    user, group = os.geteuid(), os.getegid()
    try:
        _call("unshare", _NEW_MOUNTS)
    except PermissionError:
        _call("unshare", _NEW_MOUNTS | _NEW_USERS)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, name, None)
    if function is None:
        raise OSError(errno.ENOSYS, f"this system has no {name}")
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
