"""MLflow's own pages on a home, in a real browser: the experiment, its runs, their charts and their images."""

import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from arena import command
from playwright.sync_api import Page, expect, sync_playwright
from services import free_port

from orchestrator import pictures
from orchestrator.home import Home
from orchestrator.recording.recorder import Recorder
from orchestrator.recording.server import PAGE_OF_EXPERIMENTS, pages
from orchestrator.review.store import records
from tests.benchmarks.synthetic_store import Synthetic

pytestmark = pytest.mark.slow

PATIENCE = 30_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one search, recorded as searches are, with a picture at every tick."""
    home = Home(tmp_path_factory.mktemp("ui") / "home")
    story = Synthetic(contenders=3, replicas=2, ticks=3)
    recorder = Recorder(home, home.experiment(story.name) / "attempt-001")
    for event in story.events():
        with tempfile.TemporaryDirectory() as folder:
            for replica in event["replicas"] if event["kind"] == "tick" else ():
                shade = torch.full((4, 1, 8, 8), event["step"] / 100)
                pictures.save(shade, Path(folder) / f"samples_{replica['seed']}.png")
            recorder.append(event, Path(folder))
    assert recorder.close(timeout=120)
    return home


@pytest.fixture(scope="module")
def url(home: Home) -> Iterator[str]:
    """The address that `ganarena ui` prints."""
    serving = command("ui", "--port", free_port(), "--json", home=home.path)
    with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as server:
        yield json.loads("".join(iter(server.stdout.readline, "}\n")) + "}")["url"]
        server.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium: on Debian and Ubuntu, apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


def test_the_experiment_stands_in_the_list_and_its_page_shows_every_run(page, url, home):
    ((name, runs),) = pages(home, url).items()
    page.goto(url + PAGE_OF_EXPERIMENTS)
    expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()
    page.goto(runs)
    for record in records(home):
        expect(page.get_by_role("link", name=f"{record.variant} {record.contender}").first).to_be_visible()


def test_a_replica_shows_its_series_as_charts_and_its_samples_as_images(page, url, home):
    replica = records(home)[0].replicas[0].run_id
    (runs,) = pages(home, url).values()
    run = f"{runs.partition('?')[0]}/{replica}"
    page.goto(f"{run}/model-metrics")
    expect(page.get_by_text("fd_lenet", exact=True).first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    with page.expect_response(lambda answer: ".png" in answer.url and answer.ok):
        page.goto(f"{run}/artifacts")
        page.get_by_text("images", exact=True).first.click()
        page.get_by_text(".png").first.click()
