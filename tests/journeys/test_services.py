"""Records on a team's services: an MLflow server on PostgreSQL and an object store, eight searches at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from services import Tracking, object_store, postgresql, program

from orchestrator.home import Home
from tests.benchmarks.synthetic_store import Synthetic

REPORTING = 8
STORIES = [Synthetic(name=f"search-{number}", contenders=1, replicas=2, ticks=4) for number in range(REPORTING)]


@pytest.mark.services
def test_a_killed_server_on_postgresql_and_an_object_store_loses_and_doubles_nothing(tmp_path, monkeypatch):
    pytest.importorskip("moto")
    pytest.importorskip("psycopg2")
    if program("postgres") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql() as database, object_store() as store:
        tracking = Tracking(database, store)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.address)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        halfway = Barrier(REPORTING + 1)
        try:
            tracking.start()
            with ThreadPoolExecutor(REPORTING) as pool:
                told = [pool.submit(tell, story, tmp_path / story.name, halfway) for story in STORIES]
                halfway.wait(timeout=240)  # everybody has sent something and has more to send
                tracking.kill()
                tracking.start()
                assert all(each.result(timeout=240) for each in told)
            for story in STORIES:
                check(story, Home(tmp_path / story.name))
        finally:
            tracking.kill()


def tell(story: Synthetic, folder: Path, halfway: Barrier) -> bool:
    """Report a whole search, as its driver would; say whether everything was sent."""
    from orchestrator.recording.recorder import Outbox, Recorder

    home = Home(folder)
    attempt = home.experiment(story.name) / "attempt-001"
    recorder = Recorder(home, attempt)
    for number, event in enumerate(story.events()):
        if number == story.ticks // 2 + 1:
            while Outbox(home, attempt).offset == 0:
                time.sleep(0.1)
            halfway.wait(timeout=240)
        recorder.append(event, files(folder / f"files-{number}", story, event))
    return recorder.close(timeout=240)


def files(folder: Path, story: Synthetic, event: dict) -> Path | None:
    """Return what travels with a tick: a picture of each replica, and at the end its generator."""
    import torch

    from orchestrator import pictures

    if event["kind"] != "tick":
        return None
    folder.mkdir(parents=True)
    for replica in event["replicas"]:
        pictures.save(torch.zeros(4, 2), folder / f"samples_{replica['seed']}.png")
        if replica["final"]:
            (folder / f"generator_{replica['seed']}").mkdir()
            (folder / f"generator_{replica['seed']}" / "generator.json").write_text(story.name)
    return folder


def check(story: Synthetic, home: Home) -> None:
    """Hold that one search is recorded once and whole."""
    from orchestrator.recording.artifacts import generator
    from orchestrator.recording.client import client
    from orchestrator.recording.reading import read
    from orchestrator.recording.recorder import Outbox

    store = client(home)
    (record,) = read(home, [story.name])
    assert record.status == "finished"
    assert [replica.seed for replica in record.replicas] == list(range(story.replicas))
    for replica in record.replicas:
        history = store.get_metric_history(replica.run_id, "fd_lenet")
        assert sorted(point.step for point in history) == [16, 32, 48, 64]
        pictured = [part.path for part in store.list_artifacts(replica.run_id, "images") if part.path.endswith(".png")]
        assert len(pictured) == story.ticks
        assert (generator(home, replica.run_id) / "generator.json").read_text() == story.name
    assert not Outbox.waiting(home)
