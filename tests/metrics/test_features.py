"""Samples to features: what is read, what is refused, and that nothing depends on how the samples were cut."""

import pytest
import torch
from torch import Tensor, nn

from metrics import EXTRACTORS, Extractor, Features, reference
from metrics.errors import (
    MetricsError,
    NonFiniteError,
    RangeError,
    TooFewSamplesError,
    UnfitError,
    UnknownNameError,
    WeightsError,
)
from metrics.features import extract, lenet, load
from metrics.features.ranges import conform


def digits(count: int = 12, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=random)


@pytest.mark.parametrize(
    ("declared", "value", "level"),
    [
        ("0..1", 0.0, 0),
        ("0..1", 1.0, 255),
        ("0..1", 0.9999, 255),  # truncation says 254
        ("0..1", 100.4 / 255, 100),
        ("0..1", 100.6 / 255, 101),
        ("-1..1", -1.0, 0),  # a byte cast wraps it to 1
        ("-1..1", 1.0, 255),
        ("-1..1", 1 / 255, 128),
        ("-1..1", 1.0005, 255),  # float32's slack is cut, not wrapped to 0
    ],
)
def test_grey_levels_are_rounded_never_truncated_or_wrapped(declared, value, level):
    assert conform(torch.full((1, 1, 2, 2), value), range=declared).unique().tolist() == [level]


def test_a_round_trip_through_either_float_range_returns_the_same_grey_levels():
    images = digits()
    assert torch.equal(conform(images.float() / 255, range="0..1"), images)
    assert torch.equal(conform(images.float() / 127.5 - 1, range="-1..1"), images)


@pytest.mark.parametrize(
    ("samples", "declared", "says"),
    [
        (torch.rand(2, 1, 28, 28), "uint8", "should be uint8, but are float32"),
        (
            2 * torch.rand(2, 1, 28, 28) - 1,
            "uint8",
            "should be uint8, but are float32",
        ),  # tanh's: a cast would wrap them
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), "0..1", "should be floating point, but are uint8"),
        (torch.full((2, 1, 28, 28), -0.5), "0..1", "reach from -0.5 to -0.5"),
        (torch.full((2, 1, 28, 28), 255.0), "-1..1", "reach from 255 to 255"),
        (torch.rand(2, 1, 28, 28), "0-1", "a range is one of uint8, 0..1, -1..1, features"),
    ],
)
def test_samples_outside_the_range_they_declare_are_refused(samples, declared, says):
    with pytest.raises(RangeError, match=says):
        extract(load("lenet"), samples, range=declared)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_sample_that_is_not_finite_is_named_with_its_batch_and_row(bad):
    samples = torch.rand(10, 1, 28, 28)
    samples[7, 0, 3, 3] = bad
    with pytest.raises(NonFiniteError, match=r"1 of 5 rows of batch 2 of the samples, first in row 2 \(row 7 of all"):
        extract(load("lenet"), samples, range="0..1", batch=5)


@pytest.mark.parametrize(("name", "width", "classes"), [("identity", 784, None), ("lenet", 84, 10)])
def test_batches_streams_and_one_tensor_give_the_same_features(name, width, classes):
    images, extractor = digits(), load(name)
    whole = extract(extractor, images, range="uint8")
    assert whole.pooled.shape == (12, width)
    assert (None if whole.logits is None else whole.logits.shape) == (classes and (12, classes))
    for other in (
        extract(extractor, images, range="uint8", batch=5),
        extract(extractor, iter(images.split(7)), range="uint8"),
    ):
        torch.testing.assert_close(other.pooled, whole.pooled)


def test_every_batch_is_told_and_nothing_is_when_nothing_is_read(tmp_path):
    told, points = [], torch.zeros(10, 3)
    extract(load("identity"), points, range="features", batch=4, on_batch=told.append)
    assert told == [4, 4, 2]
    for _ in range(2):  # the second time it is read back
        reference.build(
            load("identity"), points, range="features", digest="d", split="select",
            metrics=["fd"], cache=tmp_path, on_batch=told.append,
        )  # fmt: skip
    assert told == [4, 4, 2, 10]


def test_points_are_their_own_features_in_float64():
    points = torch.tensor([[1e6 + 1e-3, 2.0], [-3.0, 4.0]], dtype=torch.float64)
    assert torch.equal(extract(load("identity"), points, range="features").pooled, points)


def test_images_are_their_own_pixels_between_0_and_1():
    features = extract(load("identity"), digits(), range="uint8").pooled
    assert features.dtype == torch.float64
    assert 0 <= features.min() < 0.1 < 0.9 < features.max() <= 1


@pytest.mark.parametrize(
    ("name", "samples", "declared", "says"),
    [
        ("lenet", torch.rand(2, 1, 8, 8), "0..1", r"28 x 28 pixels.*images of shape \(1, 8, 8\)"),
        ("lenet", torch.rand(2, 3, 28, 28), "0..1", r"grey images.*\(3, 28, 28\)"),
        ("lenet", torch.rand(2, 784), "features", r"but these are points"),
        ("identity", torch.rand(5), "features", r"points have 2 dimensions, \[N, D\], not 1"),
        ("identity", torch.rand(5, 28, 28), "0..1", r"images have 4 dimensions, \[N, C, H, W\], not 3"),
    ],
)
def test_an_extractor_says_why_it_cannot_read_such_data(name, samples, declared, says):
    with pytest.raises(UnfitError, match=says):
        extract(load(name), samples, range=declared)


def test_no_samples_are_too_few():
    with pytest.raises(TooFewSamplesError):
        extract(load("identity"), [], range="features")


def test_what_is_not_a_tensor_is_refused_in_one_sentence():
    with pytest.raises(RangeError, match="samples are tensors, not list"):
        extract(load("identity"), [[1.0, 2.0]], range="features")


def test_an_unknown_extractor_names_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'inception'"):
        load("incepton")


def test_every_error_is_a_value_error():
    assert issubclass(MetricsError, ValueError)


@pytest.mark.parametrize("name", ["identity", "lenet"])
def test_extractors_describe_themselves_as_the_catalogue_does(name):
    extractor, entry = load(name), EXTRACTORS[name]
    features = extract(extractor, digits(2), range="uint8")
    assert extractor.name == entry.name == name
    assert (features.logits is not None) == entry.logits
    assert len(extractor.digest) == 64
    assert entry.summary
    assert entry.paper


class Normed(Extractor):
    """An extractor of somebody else's, with a layer that misbehaves in training mode."""

    def __init__(self) -> None:
        super().__init__(name="normed", digest="0" * 64)
        self.norm = nn.BatchNorm1d(2)
        self.settle()

    def check(self, _shape, _kind, /):
        return None

    def forward(self, batch: Tensor) -> Features:
        return Features(self.norm(batch.float()))


def test_a_custom_extractor_cannot_be_put_into_training_mode():
    extractor = Normed().train()
    points = torch.randn(8, 2, generator=torch.Generator().manual_seed(0)) + 5
    assert not any(module.training for module in extractor.modules())
    together = extract(extractor, points, range="features").pooled
    torch.testing.assert_close(together, extract(extractor, points, range="features", batch=1).pooled)


def test_the_committed_digit_classifier_is_the_one_that_was_measured():
    told = lenet.record()
    assert told["sha256"] == load("lenet").digest
    assert float(told["held_out_accuracy"]) >= 0.985
    assert lenet.WEIGHTS.stat().st_size < 2_000_000


def test_training_the_digit_classifier_repeats_bit_for_bit_and_moves_no_global_stream(tmp_path):
    images, labels = digits(64), torch.arange(64) % 10
    before = torch.get_rng_state()
    one, two = (lenet.fit(images, labels, epochs=1, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    lenet.save(one, tmp_path, held_out_accuracy=lenet.accuracy(one, images, labels))
    again = lenet.LeNet(tmp_path / "lenet.safetensors")
    torch.testing.assert_close(again(images).logits, one(images.float() / 255)[1])


def test_the_digit_classifier_learns(tmp_path):
    # Two classes that a glance tells apart: ink above, ink below.
    images = torch.zeros(256, 1, 28, 28, dtype=torch.uint8)
    labels = torch.arange(256) % 2
    images[labels == 0, :, 5:12, 5:23] = 255
    images[labels == 1, :, 16:23, 5:23] = 255
    assert lenet.accuracy(lenet.fit(images, labels, epochs=3), images, labels) > 0.95


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_damaged_weights_are_refused(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="does not hold the weights of lenet"):
        load("lenet", weights=path)


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(WeightsError):
        load("lenet", weights=tmp_path / "absent.safetensors")
