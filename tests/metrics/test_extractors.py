"""Other people's networks as extractors: torchvision's, timm's, and yours."""

import os
import sys

import pytest
import torch
from torch import Tensor, nn

from metrics import Features, evaluate, reference
from metrics.errors import UnfitError, UnknownNameError, WeightsError
from metrics.features import extract, load, wrap
from metrics.features.dinov2 import DINOv2


def images(count: int = 4, channels: int = 3, side: int = 16) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, generator=random)


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_a_module_of_ones_own_is_an_extractor_in_evaluation_mode():
    extractor = wrap(network().train(), name="mine")
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in extractor.parameters())
    whole = extract(extractor, images(), range="uint8").pooled
    assert whole.shape == (4, 4)
    torch.testing.assert_close(whole, extract(extractor, images(), range="uint8", batch=1).pooled)
    torch.testing.assert_close(whole, network().eval()(images().float() / 255))


def test_features_and_logits_may_come_as_a_pair():
    class Pair(nn.Module):
        def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
            return batch.flatten(1), batch.flatten(1)[:, :2]

    found = extract(wrap(Pair(), name="pair"), images(), range="uint8")
    assert found.logits is not None
    assert found.pooled.shape == (4, 768)
    assert found.logits.shape == (4, 2)


def test_a_wrapped_network_is_told_from_another_by_its_weights():
    digests = {wrap(network(seed), name="mine").digest for seed in (0, 0, 1)}
    assert len(digests) == 2
    assert wrap(network(), name="mine", digest="mine-2").digest == "mine-2"
    assert wrap(network(), name="mine", resize="none").digest != wrap(network(), name="mine", resize="half").digest


def test_a_wrapped_network_scores_under_its_own_name():
    extractor = wrap(network(), name="mine")
    known = reference.build(extractor, images(20), range="uint8", digest="d", split="select", metrics=["fd", "kd"])
    assert set(evaluate(images(20), known, extractor, ["fd", "kd"], range="uint8").scores) == {"fd_mine", "kd_mine"}


def test_points_have_extractors_too():
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert extract(wrap(nn.Linear(3, 2), name="mine", kind="points"), points, range="features").pooled.shape == (5, 2)
    with pytest.raises(UnfitError, match="mine reads images, but these are points"):
        extract(wrap(network(), name="mine"), points, range="features")
    with pytest.raises(UnfitError, match=r"should answer features \[N, D\]"):
        extract(wrap(nn.Flatten(0), name="flat"), images(), range="uint8")


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    from torchvision import models

    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.resnet18(weights=None)
    torch.save(model.state_dict(), path)
    return path, model.eval()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_classifier_of_torchvision_shows_what_its_last_layer_reads(resnet, channels):
    path, model = resnet
    extractor = load("torchvision:resnet18", weights=path)
    found = extract(extractor, images(2, channels), range="uint8")
    assert extractor.name == "torchvision-resnet18"
    assert isinstance(found, Features)
    assert found.pooled.shape == (2, 512)
    torch.testing.assert_close(model.fc(found.pooled), found.logits)


def test_a_classifier_that_torchvision_lacks_names_the_nearest_one(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        load("torchvision:resnet_18", weights=tmp_path / "none")


def test_weights_that_nobody_would_read_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="identity reads no weights"):
        load("identity", weights=tmp_path / "some.pth")


def test_a_classifier_without_weights_says_how_to_give_them(tmp_path):
    with pytest.raises(WeightsError, match="needs a file of weights"):
        load("torchvision:resnet18")
    with pytest.raises(WeightsError, match="no weights to read"):
        load("torchvision:resnet18", weights=tmp_path / "none.pth")


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("it-ran-code",)


@pytest.mark.parametrize("name", ["bad.pth", "bad.safetensors", "list.pth"])
def test_a_file_that_holds_anything_else_is_refused_and_runs_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    torch.save([1, 2] if name.startswith("list") else {"weight": Dangerous()}, name)
    with pytest.raises(WeightsError, match="does not hold the weights of this network"):
        load("torchvision:resnet18", weights=tmp_path / name)
    assert not (tmp_path / "it-ran-code").exists()


def test_without_timm_there_is_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsError, match="pip install timm"):
        load("dinov2", weights=tmp_path / "vit.pth")


def test_a_vision_transformer_of_timm_gives_its_class_token(tmp_path):
    timm = pytest.importorskip("timm")
    name = "vit_tiny_patch16_224"
    with torch.random.fork_rng(devices=[]):
        model = timm.create_model(name, pretrained=False, num_classes=0).eval()
    torch.save(model.state_dict(), tmp_path / "vit.pth")
    with pytest.raises(WeightsError, match="needs a file of timm's weights"):
        DINOv2(None)
    extractor = DINOv2(tmp_path / "vit.pth", model=name)
    with torch.no_grad():
        expected = model(extractor.prepare(images(2)))
    torch.testing.assert_close(extract(extractor, images(2), range="uint8").pooled, expected)
