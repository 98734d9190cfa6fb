"""`postvak serve` and `postvak worker`: the program as it runs day and night."""

import signal
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from django.conf import settings

from postvak.cli import serving
from postvak.cli.prepare import prepare_apart
from postvak.configuration import ConfigurationError
from postvak.receive.listener.server import Ports
from postvak.receive.listener.sockets import open_ports
from postvak.worker.engine import JOBS, Engine


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run everything: web pages, fetching, processing and sending. Ctrl+C stops."""
    serving.serve(host, port)


def worker(
    only: Annotated[str, typer.Option(help=f"Some of: {','.join(JOBS)}.")] = ",".join(JOBS),
) -> None:
    """Run fetching, processing, sending and listening without the web pages; any number of workers may run."""
    jobs = [job.strip() for job in only.split(",")]
    unknown = sorted(set(jobs) - set(JOBS))
    if unknown:
        raise typer.BadParameter(f"unknown job {unknown[0]}; choose from {', '.join(JOBS)}")
    ports = ports_for(jobs)
    prepare_apart()
    engine = Engine(jobs, ports)

    def stop(number: int, frame: FrameType | None) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    engine.run()


def ports_for(jobs: Sequence[str]) -> Ports:
    """The open ports of the listener, if it is among the jobs. Raises ConfigurationError."""
    listening = settings.CONFIGURATION.listening
    if list(jobs) == ["listen"] and not listening.addresses:
        raise ConfigurationError("There is nothing to listen on: set POSTVAK_LISTEN_SMTP or POSTVAK_LISTEN_LMTP.")
    return open_ports(listening) if "listen" in jobs else ()
