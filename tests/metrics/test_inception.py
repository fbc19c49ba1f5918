"""Inception-v3 with weights drawn in the test: loaded safely, and the same network as torch-fidelity's."""

import os

import pytest
import torch
from torch import nn

from metrics import METRICS, features
from metrics.errors import UnfitError, UnknownNameError, WeightsError
from metrics.features import extract
from metrics.features.extractor import sha256
from metrics.features.inception import FILE, Inception, Network
from metrics.names import LITERATURE


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / FILE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(settled(Network()).state_dict(), path)
    return path


@torch.no_grad()
def settled(network: Network) -> Network:
    """With normalisations that do something: of what they see in noise, scaled and moved."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(std=0.3)
    network(torch.rand(4, 3, 107, 107) * 2 - 1)
    return network


@pytest.fixture(scope="module")
def inception(weights):
    return Inception(weights, expected=sha256(weights))


@pytest.fixture(scope="module")
def images():
    return torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_features_and_logits_are_those_of_torch_fidelity(weights, inception, images):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3("theirs", ["2048", "logits_unbiased"], str(weights))
    with torch.no_grad():
        pooled, logits = theirs(images)
    ours = extract(inception, images, range="uint8")
    assert ours.logits is not None
    assert pooled.std() > 0.01
    assert (ours.pooled - pooled).norm() < 1e-6 * pooled.norm()
    assert (ours.logits - logits).norm() < 1e-6 * logits.norm()


def test_grey_images_are_read_as_colour_ones_without_colour(inception, images):
    grey = images[:2, :1]
    one, other = (extract(inception, part, range="uint8").pooled for part in (grey, grey.expand(-1, 3, -1, -1)))
    assert torch.equal(one, other)


def test_features_do_not_depend_on_the_batch(inception, images):
    one, other = (extract(inception, images, range="uint8", batch=size).pooled for size in (1, 3))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_points_are_not_images(inception):
    with pytest.raises(UnfitError, match="inception reads grey or colour images"):
        extract(inception, torch.rand(3, 2), range="features")


def test_weights_with_another_hash_are_refused_before_they_are_opened(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(b"\x80\x04anything")
    with pytest.raises(WeightsError, match="its SHA-256 is"):
        features.load("inception", weights=path)


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("it-ran-code",)


def test_a_pickle_that_would_run_code_is_refused_even_with_the_right_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Dangerous()}, "bad.pth")
    with pytest.raises(WeightsError, match="does not hold the weights of inception"):
        Inception(tmp_path / "bad.pth", expected=sha256(tmp_path / "bad.pth"))
    assert not (tmp_path / "it-ran-code").exists()


def test_a_truncated_file_is_refused(tmp_path, weights):
    path = tmp_path / FILE
    path.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="does not hold the weights"):
        Inception(path, expected=sha256(path))


@pytest.mark.parametrize("where", ["nowhere", "cache", "weights"])
def test_missing_weights_are_explained_and_never_fetched_unasked(tmp_path, where, monkeypatch):
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("it went to the network"))
    options = {"nowhere": {}, "cache": {"cache": tmp_path}, "weights": {"weights": tmp_path / "absent.pth"}}[where]
    with pytest.raises(WeightsError, match=f"{FILE}.*name it by --weights or evaluation.weights"):
        features.load("inception", **options)


def test_a_download_that_fails_leaves_the_remedy(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsError, match=r"no route to host.*fetch it, then name it by --weights"):
        features.load("inception", cache=tmp_path, download=True)


def test_only_inception_earns_the_names_of_the_literature():
    for family in METRICS.values():
        if family.needs != "modes":
            assert family.keys("inception")[0] == LITERATURE.get(family.name, family.name)
            assert family.keys("lenet")[0].endswith("_lenet")
    assert {"fid", "kid", "inception_score", "mifid"} <= set(LITERATURE.values())


def test_the_antialiased_protocol_says_so_and_gives_other_features(weights, inception, images):
    other = Inception(weights, protocol="antialias", expected=sha256(weights))
    assert (inception.resize, other.resize) == ("bilinear-tf1-299", "bilinear-antialias-299")
    assert METRICS["fd"].keys(other.name) == ("fd_inception-antialias",)
    large = images.repeat(1, 1, 20, 20)[..., :600, :600]  # only what shrinks is aliased
    one, two = (extract(extractor, large[:1], range="uint8").pooled for extractor in (inception, other))
    assert (one - two).abs().max() > 1e-3 * one.abs().max()


def test_an_unknown_protocol_names_the_nearest_one(weights):
    with pytest.raises(UnknownNameError, match="did you mean 'antialias'"):
        Inception(weights, protocol="antialiased", expected=sha256(weights))
