"""MLflow's own UI on a home, on loopback only."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home
from orchestrator.recording import guard
from orchestrator.recording.database import refuse_another

LOOPBACK = "127.0.0.1"
PAGE_OF_EXPERIMENTS = "/#/experiments?workflowType=machine_learning"
"""MLflow's start page is about language models; this one is about training runs."""
PAGE_OF_RUNS = "/#/experiments/{id}/runs?workflowType=machine_learning"
START_SECONDS = 120.0


def pages(home: Home, url: str) -> dict[str, str]:
    """Return where the runs of each experiment are shown; from MLflow's list a click leads to a page for chats."""
    from orchestrator.recording.client import client

    found = client(home).search_experiments(order_by=["last_update_time DESC"])
    return {each.name: url + PAGE_OF_RUNS.format(id=each.experiment_id) for each in found if each.name != "Default"}


def serve(home: Home, port: int, ready: Callable[[str], None]) -> None:
    """Run `mlflow server` until it is interrupted; call `ready` with its address once it answers."""
    if home.tracking_uri.startswith("http"):
        raise RequestError(f"MLFLOW_TRACKING_URI is a server that has the pages already: open {home.tracking_uri}")
    refuse_another(home)
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise RequestError(f"port {port} of {LOOPBACK} is taken; give another by --port")
    command = [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port)]
    command += [
        "--backend-store-uri",
        home.tracking_uri,
        "--default-artifact-root",
        home.artifacts.as_uri(),
        "--workers",
        "1",
    ]
    quiet = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be told to end is to be interrupted
    with tempfile.TemporaryFile() as said, _guarded(command, quiet, said) as server:
        try:
            url = f"http://{LOOPBACK}:{port}"
            _wait(server, f"{url}/health", said)
            ready(url)
            raise WorkError(f"mlflow server ended with status {server.wait()}")
        except KeyboardInterrupt:
            return


@contextmanager
def _guarded(command: list[str], environment: dict[str, str], said: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command that ends with us, however we end: its guard sees that the pipe from us is closed."""
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, guard.__file__, *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # Ctrl-C is ours to pass on
    )
    try:
        yield server
    finally:
        assert server.stdin  # noqa: S101  (a pipe was asked for)
        server.stdin.close()
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", url: str, said: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            said.seek(0)
            told = said.read().decode(errors="replace").strip().splitlines()
            raise WorkError(f"mlflow server ended at once: {told[-1] if told else 'it said nothing'}")
        try:
            with urlopen(url, timeout=1):  # noqa: S310  (our own loopback address)
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise WorkError(f"mlflow server did not answer within {START_SECONDS:.0f} seconds")
