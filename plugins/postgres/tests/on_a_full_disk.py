"""A host on a server whose disk fills up: a process of its own, since what is done to it stays with it.

python on_a_full_disk.py FOLDER      prints what the storage said; ends with 77 where there can be no small disk

The tables lie on the small disk and the log elsewhere, as they do where somebody who runs a database put them. (A log
without room ends the server: another trouble, shown where servers are killed.)
"""

import os
import sys
from contextlib import closing

import psycopg
from wa_connector_postgres import PostgresStorage
from wa_connector_postgres.testing import Server

from wa_connector.testing.full_disk import SmallDisk, work_through

FORBIDDEN = 77


def main(folder: str) -> None:
    try:
        room = SmallDisk(folder, mebibytes=8)
    except OSError as error:
        sys.stdout.write(str(error))
        raise SystemExit(FORBIDDEN) from None
    server = Server()
    try:
        owner = (server.folder / "data").stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        with psycopg.connect(server.conninfo, autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{folder}'".encode())
            admin.execute("ALTER ROLE CURRENT_USER SET default_tablespace = small")
        with closing(PostgresStorage(server.conninfo)) as storage:
            sys.stdout.write(str(work_through(storage, room)))
    finally:
        server.remove()


if __name__ == "__main__":
    main(sys.argv[1])
