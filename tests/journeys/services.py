"""Real services on loopback, for as long as a test needs them: PostgreSQL, an S3-compatible store, an MLflow server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

LOOPBACK = "127.0.0.1"
BUCKET = "arena"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "arena", "AWS_SECRET_ACCESS_KEY": "arena", "AWS_DEFAULT_REGION": "us-east-1"}


def program(name: str) -> str | None:
    """Return one of PostgreSQL's programs, which Debian keeps off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL of its own; yield the address of its database. It refuses to run as root, so nobody runs it."""
    initdb, postgres = program("initdb"), program("postgres")
    assert initdb
    assert postgres
    who = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="arena-postgresql-") as folder:
        if who:
            shutil.chown(folder, "nobody", "nogroup")
        data, port = Path(folder) / "data", free_port()
        made = [initdb, "-D", str(data), "-U", "arena", "--auth", "trust", "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
        options = ["-D", str(data), "-p", str(port), "-h", LOOPBACK, "-k", folder, "-c", "fsync=off"]
        with subprocess.Popen([postgres, *options], stderr=subprocess.DEVNULL, cwd=folder, **who) as server:
            try:
                wait(lambda: _listens(port))
                yield f"postgresql+psycopg2://arena@{LOOPBACK}:{port}/postgres"
            finally:
                server.send_signal(signal.SIGINT)


@contextmanager
def object_store() -> Iterator[str]:
    """Run an S3-compatible store with one bucket; yield its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        names = {key.lower(): value for key, value in CREDENTIALS.items() if key != "AWS_DEFAULT_REGION"}
        boto3.client("s3", endpoint_url=address, region_name="us-east-1", **names).create_bucket(Bucket=BUCKET)
        yield address
    finally:
        server.stop()


class Tracking:
    """An MLflow server that keeps its numbers in a database and its files in a bucket, and may be killed."""

    def __init__(self, database: str, store: str) -> None:
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self._command = [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(self.port)]
        self._command += [
            "--backend-store-uri",
            database,
            "--artifacts-destination",
            f"s3://{BUCKET}",
            "--workers",
            "2",
        ]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        self._environment: Mapping[str, str] = os.environ | CREDENTIALS | quiet | {"MLFLOW_S3_ENDPOINT_URL": store}
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers."""
        self._server = subprocess.Popen(
            self._command,
            env=dict(self._environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait(lambda: _answers(f"{self.address}/health"))

    def kill(self) -> None:
        """Kill -9 it with all of its workers."""
        if self._server:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()


def wait(ready: Callable[[], bool], timeout: float = 240) -> None:
    """Return once something is ready."""
    deadline = time.monotonic() + timeout
    while not ready():
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310  (our own loopback address)
            return True
    except (URLError, OSError):
        return False
