"""PgBouncer in transaction mode in front of a PostgreSQL server, on loopback."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers import answers, binary, die_with_parent, free_port, short_folder, wait_until
from tests.servers.cluster import ACCOUNT, Server

CONFIG = """
[databases]
* = host={host} port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
logfile =
"""


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """With four connections to the server for all who ask, so that transactions of one client really change between them."""

    port: int

    def url(self, database: str = "postvak") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    @classmethod
    @contextmanager
    def running(cls, server: Server) -> Iterator["PgBouncer"]:
        program = binary("pgbouncer", package="pgbouncer")
        with short_folder(None, "pvb-") as folder:
            bouncer = cls(free_port())
            config = folder / "pgbouncer.ini"
            text = CONFIG.format(host=server.machine.address, server=server.port, port=bouncer.port)
            config.write_text(text.replace("* = ", "* = user=postgres "))
            account = ACCOUNT if os.getuid() == 0 else None  # it refuses to run as root
            command = die_with_parent([program, "-q", str(config)])
            process = subprocess.Popen(
                command, user=account, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                wait_until(lambda: answers(bouncer.port), seconds=20, what="start of pgbouncer")
                yield bouncer
            finally:
                process.terminate()
                process.wait(10)
