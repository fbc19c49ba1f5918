"""Pictures hang where MLflow's own pages look for them."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.home import Home
from orchestrator.recording.client import client
from orchestrator.recording.files import Local, files
from orchestrator.recording.gallery import Gallery
from orchestrator.recording.writing import Writer
from tests.benchmarks.synthetic_store import Synthetic

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def store(tmp_path, empty_store):
    home = Home(tmp_path / "home")
    home.path.mkdir()
    shutil.copy(empty_store, home.path / "mlflow.db")
    found = client(home)
    found.create_experiment("pictures", artifact_location=(home.path / "artifacts").as_uri())
    return found


@pytest.fixture
def run(store):
    """Make a run."""
    experiment = store.get_experiment_by_name("pictures").experiment_id
    return lambda: store.create_run(experiment).info.run_id


@pytest.fixture
def gallery(store, tmp_path):
    """Make the gallery of a run, as each writer does."""
    home = Home(tmp_path / "home")
    return lambda run_id: Gallery(run_id, files(home, store.get_run(run_id).info.artifact_uri))


def hung(store, run_id):
    """What a run shows, without what is drawn for each name, and with the size of every picture."""
    sizes = {}
    for part in store.list_artifacts(run_id, "images"):
        with Image.open(store.download_artifacts(run_id, part.path)) as image:
            image.load()  # which a torn one does not survive
            sizes[UUID.sub("*", part.path)] = image.size
    return sizes


def test_a_picture_is_named_and_sized_as_by_mlflow_itself(store, run, gallery, tmp_path):
    ours, theirs, picture = run(), run(), tmp_path / "samples_0.png"
    Image.new("L", (512, 256)).save(picture)
    gallery(ours).hang(picture, step=7, stamp=1_700_000_000_000)
    with Image.open(picture) as image:
        store.log_image(theirs, image, key="samples", step=7, timestamp=1_700_000_000_000)
    assert hung(store, ours) == hung(store, theirs)
    assert len(hung(store, ours)) == 2


@pytest.mark.parametrize(("size", "shown"), [((600, 300), (200, 100)), ((10, 257), (5, 129)), ((3, 2), (3, 2))])
def test_what_charts_show_has_at_most_256_pixels_a_side_and_keeps_its_shape(store, run, gallery, tmp_path, size, shown):
    ours, picture = run(), tmp_path / "samples_0.png"
    Image.new("RGB", size).save(picture)
    gallery(ours).hang(picture, step=7, stamp=1)
    assert sorted(hung(store, ours).values()) == sorted([size, shown])


def half(file):
    file.write_bytes(file.read_bytes()[:40])


def test_a_step_has_one_picture_however_often_it_is_told_and_whatever_was_left_half_done(store, run, gallery, tmp_path):
    ours, picture = run(), tmp_path / "samples_0.png"
    Image.new("L", (600, 300)).save(picture)
    gallery(ours).hang(picture, step=7, stamp=1)
    whole = hung(store, ours)
    assert len(whole) == 2
    for kind in ("png", "webp"):
        for left in (half, Path.unlink):
            (file,) = (tmp_path / "home" / "artifacts" / ours).glob(f"artifacts/images/*.{kind}")
            left(file)
            gallery(ours).hang(picture, step=7, stamp=1)  # by another writer, who finds what was left
            assert hung(store, ours) == whole


def test_the_picture_of_a_step_is_the_first_that_was_told(store, run, gallery, tmp_path):
    ours, first, second = run(), tmp_path / "first.png", tmp_path / "second.png"
    Image.new("L", (600, 300)).save(first)
    Image.new("L", (300, 600)).save(second)
    gallery_of_ours = gallery(ours)
    gallery_of_ours.hang(first, step=7, stamp=1)
    there = hung(store, ours)
    for each in (gallery_of_ours, gallery(ours)):
        each.hang(second, step=7, stamp=2)  # as with the final scores of a loop that ended after its tick
        assert hung(store, ours) == there


def test_until_a_second_step_hangs_a_run_is_told_again_that_it_has_pictures(run, gallery, tmp_path):
    """Whoever was to tell it may have died before."""
    ours, picture = run(), tmp_path / "samples_0.png"
    Image.new("L", (600, 300)).save(picture)
    one = gallery(ours)
    assert [one.hang(picture, step=step, stamp=step) for step in (7, 8)] == [True, False]
    assert [gallery(ours).hang(picture, step=step, stamp=step) for step in (7, 8, 9)] == [True, False, False]


def test_a_writer_looks_once_which_pictures_hang(home, tmp_path, monkeypatch):
    came, search = tmp_path / "came", Synthetic(contenders=1, replicas=1, ticks=3)
    came.mkdir()
    Image.new("L", (6, 6)).save(came / "samples_0.png")
    looked, listed = [], Local.listed
    monkeypatch.setattr(Local, "listed", lambda self, folder="": looked.append(folder) or listed(self, folder))
    story = list(search.events())
    Writer(home, story[0]).apply((event, came) for event in story)
    assert looked == ["images"]


def test_what_somebody_is_just_writing_is_not_listed(tmp_path):
    for name in ("samples_0.png", ".samples_0.new.png"):
        (tmp_path / name).touch()
    assert Local(tmp_path).listed() == ["samples_0.png"]
