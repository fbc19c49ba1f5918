"""Runs a command for as long as somebody holds the other end of standard input, even if they die without a word.

Started by path and not by name, so that it imports nothing of ours.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

PATIENCE_SECONDS = 5.0


def main(command: list[str]) -> int:
    """Run `command`, with all that it starts, until it ends or standard input does."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def _end_with_input(child: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    for number, patience in ((signal.SIGTERM, PATIENCE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(child.pid, number)  # its workers as well
            child.wait(patience)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
