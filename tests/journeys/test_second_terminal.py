"""From a second terminal, while a search runs: its leaderboard, its runs as they change, and MLflow's pages."""

import json
import signal
import subprocess
from urllib.request import urlopen

import psutil
import pytest
from arena import command, document, ganarena, kill, start, wait_for
from services import free_port, wait


@pytest.mark.slow
def test_a_second_terminal_sees_a_search_while_it_runs_and_leaves_without_a_trace(ring_file, tmp_path):
    home = tmp_path / "home"
    searching = start("search", ring_file, "--set", "budget.steps=2000000", "--set", "budget.tick=200", home=home)
    pages = watching = None
    try:
        wait_for(searching, home, ticks=3)
        serving = command("ui", "--port", free_port(), "--json", home=home)
        pages = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
        watching = subprocess.Popen(command("runs", "--watch", home=home), stdout=subprocess.PIPE, text=True)
        told = [watching.stdout.readline() for _ in range(3)]
        assert all(" tick " in line for line in told)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=30) == 0

        wait(lambda: document(ganarena("runs", "--json", home=home)) != [], timeout=60)
        assert {run["status"] for run in document(ganarena("runs", "--json", home=home))} == {"running"}
        (group,) = document(ganarena("leaderboard", "--json", home=home))["groups"]
        assert {row["status"] for row in group["rows"]} == {"running"}
        assert [row["rank"] for row in group["rows"]] == [None] * len(group["rows"])

        url = json.loads("".join(iter(pages.stdout.readline, "}\n")) + "}")["url"]
        with urlopen(f"{url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=ring") as answer:  # noqa: S310
            assert json.load(answer)["experiment"]["name"] == "ring"
        servers = psutil.Process(pages.pid).children(recursive=True)
        kill(pages)
        assert not psutil.wait_procs(servers, timeout=20)[1]  # nobody is left behind, not even by kill -9
        assert searching.poll() is None
    finally:
        for process in (pages, watching):
            if process and process.poll() is None:
                process.kill()
            if process:
                process.stdout.close()
                process.wait()
        searching.send_signal(signal.SIGINT)  # unless it has ended
        searching.wait(timeout=60)
