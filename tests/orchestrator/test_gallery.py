"""Pictures hang where MLflow's own pages look for them."""

import re
import shutil

import pytest
from PIL import Image

from orchestrator.home import Home
from orchestrator.recording.client import client
from orchestrator.recording.gallery import Gallery

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


def hung(store, run_id):
    """What a run shows, without what is drawn for each name, and with the size of every picture."""
    sizes = {}
    for part in store.list_artifacts(run_id, "images"):
        with Image.open(store.download_artifacts(run_id, part.path)) as image:
            sizes[UUID.sub("*", part.path)] = image.size
    return sizes, store.get_run(run_id).data.tags.get("mlflow.loggedImages")


def test_a_picture_is_named_sized_and_tagged_as_by_mlflow_itself(store, run, tmp_path):
    ours, theirs, picture = run(), run(), tmp_path / "samples_0.png"
    Image.new("L", (600, 300)).save(picture)
    Gallery(store).hang(ours, picture, step=7, stamp=1_700_000_000_000)
    with Image.open(picture) as image:
        store.log_image(theirs, image, key="samples", step=7, timestamp=1_700_000_000_000)
    assert hung(store, ours) == hung(store, theirs)
    assert len(hung(store, ours)[0]) == 2


def test_a_step_has_one_picture_however_often_it_is_told_and_whatever_was_left_half_done(store, run, tmp_path):
    ours, picture = run(), tmp_path / "samples_0.png"
    Image.new("L", (600, 300)).save(picture)
    for _ in range(2):  # by two writers, of which the second finds what the first has left
        Gallery(store).hang(ours, picture, step=7, stamp=1)
    whole = hung(store, ours)
    (picture_there,) = (tmp_path / "home" / "artifacts" / ours).glob("artifacts/images/*.png")
    picture_there.unlink()
    Gallery(store).hang(ours, picture, step=7, stamp=1)
    assert hung(store, ours) == whole
    assert len(whole[0]) == 2
