"""The report in a real browser: it sorts, filters, moves, changes its light, downloads, and asks for nothing else."""

import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from orchestrator import pictures
from orchestrator.home import Home
from orchestrator.recording.recorder import Recorder
from orchestrator.report import report
from tests.benchmarks.synthetic_store import Synthetic

pytestmark = pytest.mark.slow

CONTENDERS, TICKS = 9, 4
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
CONTROLS = "button, input, select, a[href], [tabindex='0'], svg[role='img'], img"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium: on Debian and Ubuntu, apt install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a search with pictures, modes, and a contender that was pruned."""
    home = Home(tmp_path_factory.mktemp("report") / "home")
    story = Synthetic(contenders=CONTENDERS, replicas=2, ticks=TICKS)
    recorder = Recorder(home, home.experiment(story.name) / "attempt-001")
    for event in story.events():
        if event["kind"] == "tick":
            with tempfile.TemporaryDirectory() as folder:
                for replica in event["replicas"]:
                    shade = torch.full((4, 1, 8, 8), event["step"] / 100)
                    pictures.save(shade, Path(folder) / f"samples_{replica['seed']}.png")
                    replica["histogram"] = [0.5, 0.25, 0.25, 0.0]
                recorder.append(event, Path(folder))
        else:
            recorder.append(event)
    assert recorder.close(timeout=120)
    report(home, story.name, output=home.path / "report.html")
    return home.path / "report.html"


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[SimpleNamespace]:
    """The page on a desk, with everything that it said or asked for."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    yield SimpleNamespace(page=page, said=said, asked=asked)
    context.close()


def column(page: Page, name: str) -> list[str]:
    """The values of a column of the leaderboard, as they stand below each other."""
    return page.eval_on_selector(
        "#leaderboard-1",
        """(sheet, name) => {
            const place = [...sheet.querySelectorAll("th")].findIndex((head) => head.dataset.name === name);
            const lines = [...sheet.querySelectorAll("tbody tr")].filter((line) => !line.hidden);
            return lines.map((line) => line.cells[place].dataset.value);
        }""",
        name,
    )


def downloaded(page: Page, button: Locator) -> list[dict[str, Any]]:
    with page.expect_download() as waiting:
        button.click()
    with Path(waiting.value.path()).open(newline="") as content:
        return list(csv.DictReader(content))


def test_it_says_nothing_on_the_console_and_asks_nobody_for_anything(opened, file):
    opened.page.mouse.wheel(0, 4000)
    opened.page.wait_for_timeout(200)
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [file.as_uri()]


def test_the_leaderboard_sorts_by_a_column_and_back(opened):
    board = opened.page.locator("#leaderboard-1")
    head = board.get_by_role("button", name="generator_lr", exact=True)
    head.click()
    rising = [float(value) for value in column(opened.page, "generator_lr")]
    assert rising == sorted(rising)
    assert len(set(rising)) == CONTENDERS
    head.press("Enter")
    assert [float(value) for value in column(opened.page, "generator_lr")] == rising[::-1]
    assert board.locator("th[aria-sort='descending']").inner_text().startswith("generator_lr")


def test_the_leaderboard_filters_by_a_word_and_says_how_many_are_left(opened):
    variants = column(opened.page, "variant")
    wanted = variants[0]
    opened.page.locator("#leaderboard-1 input[type=search]").fill(wanted)
    assert set(column(opened.page, "variant")) == {wanted}
    left = opened.page.locator("#leaderboard-1 output").inner_text()
    assert left == (f"{variants.count(wanted)} of {CONTENDERS}")


def test_the_slider_moves_every_sample_through_training(opened):
    slider = opened.page.get_by_label("Through training")
    shown = opened.page.locator("figure img:visible")
    last = shown.evaluate_all("images => images.map((image) => image.dataset.step)")
    assert set(last) == {str(TICKS * 16)}
    slider.focus()
    for _ in range(TICKS - 1):
        slider.press("ArrowLeft")
    assert set(shown.evaluate_all("images => images.map((image) => image.dataset.step)")) == {"16"}
    assert slider.get_attribute("aria-valuetext") == "1,000 images"
    assert opened.page.locator("figure .modes rect").count() == 4 * shown.count()


def test_the_light_follows_the_system_until_somebody_changes_it(opened):
    def paper() -> str:
        return opened.page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = paper()
    opened.page.emulate_media(color_scheme="dark")
    opened.page.locator("html[data-theme=dark]").wait_for(state="attached")
    assert paper() != light
    opened.page.get_by_role("button", name="Change between light and dark").click()
    assert paper() == light


def test_tables_and_curves_download_what_they_show(opened, file):
    rows = downloaded(opened.page, opened.page.locator("#leaderboard-1 [data-csv]"))
    assert [row["contender"] for row in rows] == column(opened.page, "contender")
    assert float(rows[0]["fd_lenet"]) <= float(rows[1]["fd_lenet"])
    assert {"run_id", "fd_lenet_low", "fd_lenet_high", "status", "generator_lr"} <= rows[0].keys()
    points = downloaded(opened.page, opened.page.locator("#curves-csv"))
    assert len(points) == CONTENDERS * 2 * TICKS * 3  # seeds, ticks, metrics
    every = opened.page.locator("[data-csv]")
    assert all(downloaded(opened.page, every.nth(index)) for index in range(every.count()))


def test_the_curves_change_with_the_score_and_the_axis(opened):
    first = opened.page.locator("#charts path.line").first.get_attribute("d")
    opened.page.locator("#metric").select_option("is_lenet")
    second = opened.page.locator("#charts path.line").first.get_attribute("d")
    assert second != first
    opened.page.locator("#axis").select_option("seconds")
    assert "seconds" in opened.page.locator("#charts svg").get_attribute("aria-label")
    opened.page.locator("#charts .legend button").first.click()
    assert opened.page.locator("#charts g.faded").count() == CONTENDERS - 1


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_every_control_has_a_name_and_nothing_is_wider_than_the_screen(opened, size, light):
    page = opened.page
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=light)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    nameless = page.eval_on_selector_all(
        CONTROLS,
        """controls => controls.filter((control) => !(control.getAttribute("aria-label") || control.alt
            || control.labels?.[0]?.innerText || control.innerText?.trim())).map((control) => control.outerHTML)""",
    )
    assert nameless == []


def test_every_control_is_reached_by_the_keyboard(opened):
    page = opened.page
    reachable = page.eval_on_selector_all(
        "button, input, select, a[href]",
        "controls => controls.filter((each) => each.offsetParent !== null && each.tabIndex < 0).length",
    )
    assert reachable == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
