"""A host on a file whose disk fills up: a process of its own, since what is done to it stays with it.

python on_a_full_disk.py disk|limit FOLDER      prints what the storage said; ends with 77 where there can be no small disk
"""

import sys
from contextlib import closing
from pathlib import Path

from wa_connector_sqlite import SqliteStorage

from wa_connector.testing.full_disk import Room, SizeLimit, SmallDisk, work_through

FORBIDDEN = 77


def room_in(folder: str, kind: str) -> Room:
    return SmallDisk(folder, mebibytes=4) if kind == "disk" else SizeLimit(1 << 20)


def main(kind: str, folder: str) -> None:
    try:
        room = room_in(folder, kind)
    except OSError as error:
        sys.stdout.write(str(error))
        raise SystemExit(FORBIDDEN) from None
    with closing(SqliteStorage(Path(folder) / "wa.db")) as storage:
        sys.stdout.write(str(work_through(storage, room)))


if __name__ == "__main__":
    main(*sys.argv[1:])
