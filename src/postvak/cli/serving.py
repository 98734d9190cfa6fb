"""`postvak serve`: everything in one process tree."""

import signal
import socket
from collections.abc import Callable
from importlib.util import find_spec
from types import FrameType

from django.conf import settings
from django.db import connection
from django.urls import reverse

from postvak.cli.demo import mail_server
from postvak.cli.prepare import prepare_apart
from postvak.configuration import ConfigurationError
from postvak.models import Agent
from postvak.receive.listener.server import Ports
from postvak.receive.listener.sockets import open_ports
from postvak.supervisor import Supervisor
from postvak.web.server import serve as serve_web
from postvak.web.setup import setup_token
from postvak.worker.engine import Engine


def serve(host: str, port: int) -> None:
    """Prepare, say where we are, run until told to stop. Raises ConfigurationError."""
    check_pool()
    check_port(host, port)
    ports = open_ports(settings.CONFIGURATION.listening)
    prepare_apart()
    say_where(host, port)
    connection.close()
    parts = {"web": lambda: run_web(host, port, ports), "worker": lambda: run_worker(ports)}
    Supervisor(parts | parts_of_demonstration()).run()
    print("Postvak has stopped.", flush=True)


def parts_of_demonstration() -> dict[str, Callable[[], None]]:
    """Its mail server, so that nothing leaves this machine."""
    folder = settings.CONFIGURATION.demo
    if not folder.is_dir():
        return {}
    port = mail_server.open_port()
    return {"customers": lambda: mail_server.run(port, folder)}


def check_pool() -> None:
    """Without the package every page would fail, and only then. Workers and commands need none."""
    if settings.CONFIGURATION.database.engine == "postgresql" and find_spec("psycopg_pool") is None:
        raise ConfigurationError(
            "The web server needs the Python package psycopg-pool for PostgreSQL. "
            "Install it with: pip install 'postvak[postgresql]'"
        )


def check_port(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"Port {port} on {host} can't be used ({getattr(error, 'strerror', error)}). "
            "Stop the program that has it, or choose another with --port."
        ) from error


def say_where(host: str, port: int) -> None:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    address = settings.CONFIGURATION.url or f"http://{shown}:{port}"
    print(f"Postvak runs at {address}/", flush=True)
    print(f"Its data is in {settings.CONFIGURATION.data}", flush=True)
    for taken in settings.CONFIGURATION.listening.addresses:
        print(f"It takes mail by {taken.protocol.upper()} at {taken}", flush=True)
    if not Agent.objects.exists():
        link = address + reverse("setup", args=[setup_token()])
        print(f"Set it up here (the link works until there is an administrator): {link}", flush=True)


def run_web(host: str, port: int, ports: Ports) -> None:
    """The ports for mail are the worker's: a web process that outlives it must not keep them."""
    for _address, opened in ports:
        opened.close()
    serve_web(host, port)


def run_worker(ports: Ports) -> None:
    """The ports were opened before the fork: while a worker is started again, callers wait instead of being refused."""
    engine = Engine(ports=ports)

    def stop(number: int, frame: FrameType | None) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    engine.run()
