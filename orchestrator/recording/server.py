"""MLflow's own UI on a home, on loopback only."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import urlopen

from orchestrator.errors import RequestError, WorkError
from orchestrator.home import Home

LOOPBACK = "127.0.0.1"
PAGE_OF_EXPERIMENTS = "/#/experiments?workflowType=machine_learning"
"""MLflow's start page is about language models; this one is about training runs."""
START_SECONDS = 120.0


def serve(home: Home, port: int, ready: Callable[[str], None]) -> None:
    """Run `mlflow server` until it is interrupted; call `ready` with its address once it answers."""
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
    server = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603
    try:
        url = f"http://{LOOPBACK}:{port}"
        _wait(server, f"{url}/health")
        ready(url)
        server.communicate()
        raise WorkError(f"mlflow server ended with status {server.returncode}")
    except KeyboardInterrupt:
        return
    finally:
        server.terminate()
        try:
            server.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(server: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            told = (server.stderr.read() if server.stderr else b"").decode(errors="replace").strip().splitlines()
            raise WorkError(f"mlflow server ended at once: {told[-1] if told else 'it said nothing'}")
        try:
            with urlopen(url, timeout=1):  # noqa: S310  (our own loopback address)
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise WorkError(f"mlflow server did not answer within {START_SECONDS:.0f} seconds")
