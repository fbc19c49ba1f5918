"""The guard of a child process: it leaves when we do, whichever way we leave."""

import subprocess
import sys
import time

import psutil
import pytest

from orchestrator.recording import guard

SLEEPING = "import subprocess; subprocess.run(['sleep', '60'])"


@pytest.fixture
def guarded():
    process = subprocess.Popen([sys.executable, guard.__file__, sys.executable, "-c", SLEEPING], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def family(process: "subprocess.Popen[bytes]", *, members: int) -> list[psutil.Process]:
    deadline = time.monotonic() + 10
    while len(found := psutil.Process(process.pid).children(recursive=True)) < members:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_command_and_all_that_it_started_end_when_the_pipe_to_their_guard_is_closed(guarded):
    started = family(guarded, members=2)
    guarded.stdin.close()  # what the system does for whoever is killed
    assert guarded.wait(timeout=10) != 0
    assert not psutil.wait_procs(started, timeout=10)[1]


def test_the_guard_ends_with_its_command_and_tells_its_status():
    command = [sys.executable, guard.__file__, sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(timeout=10) == 7
