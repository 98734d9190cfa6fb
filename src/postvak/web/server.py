"""The web server: granian with Django on WSGI (sync views under ASGI cost 4–8 ms CPU more)."""

import os
from collections.abc import Callable
from typing import Any

from django.core.wsgi import get_wsgi_application
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from postvak.supervisor import die_with

THREADS = 4

application = get_wsgi_application()


def serve(host: str, port: int) -> None:
    """Answer requests until SIGTERM."""
    parent = os.getpid()

    def load(target: str) -> Callable[..., Any]:
        die_with(parent)
        return application

    Server(
        "postvak.web.server:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=600,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=3,
    ).serve(target_loader=load)
