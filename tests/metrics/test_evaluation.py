"""Every metric through the one door, and the contract that each of them keeps."""

import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

import metrics
from metrics import (
    METRICS,
    Features,
    MetricsError,
    Modes,
    Score,
    Scores,
    check,
    evaluate,
    evaluate_features,
    family_of,
    key,
    reference,
)
from metrics.errors import NonFiniteError, TooFewSamplesError, UnfitError, UnknownNameError
from metrics.features import extract, load

MODES = Modes(torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]]), 0.3)
REALS = {"range": "features", "digest": "d", "split": "select", "metrics": ["fd"]}


def points(count: int = 200, seed: int = 0, *, held: int = 3) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    places = torch.randint(held, (count,), generator=random)
    return MODES.centres[places] + MODES.std * torch.randn(count, 2, generator=random)


def digits(count: int = 100, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=random)


def judged(family: str, samples: int = 200, *, seed: int = 1, held: int = 3) -> Scores:
    """Score one family on the smallest data that it can read."""
    if METRICS[family].needs == "logits":
        extractor, declared, real, generated = load("lenet"), "uint8", digits(), digits(min(samples, 100), seed)
    else:
        extractor, declared, real, generated = load("identity"), "features", points(), points(samples, seed, held=held)
    known = reference.build(extractor, real, range=declared, digest="d", split="select", metrics=[family])
    return evaluate(generated, known, extractor, [family], range=declared, modes=MODES)


@pytest.mark.parametrize("family", METRICS)
def test_a_family_yields_the_keys_and_the_direction_that_it_declares(family):
    entry = METRICS[family]
    found = judged(family)
    space = "lenet" if entry.needs == "logits" else "identity"
    assert tuple(found.scores) == entry.keys(space)
    assert {score.higher_is_better for score in found.scores.values()} == {entry.higher_is_better}
    assert entry.load().higher_is_better is entry.higher_is_better
    assert issubclass(entry.load(), Metric)
    assert entry.summary
    assert entry.paper


@pytest.mark.parametrize("family", METRICS)
def test_an_interval_lies_around_its_value_or_is_absent(family):
    for score in judged(family).scores.values():
        assert (score.low is None) == (score.high is None)
        assert score.low is None or score.low <= score.value <= score.high


@pytest.mark.parametrize("family", METRICS)
def test_scoring_twice_gives_the_same_bits_and_moves_no_global_stream(family):
    before = torch.get_rng_state()
    assert judged(family) == judged(family)
    assert torch.equal(torch.get_rng_state(), before)


# One round mode has as many directions as three: this one sees features die, not modes.
BLIND = {"spectrum_rank"}


@pytest.mark.parametrize("family", sorted({name for name, entry in METRICS.items() if entry.needs != "logits"} - BLIND))
def test_losing_modes_is_never_an_improvement(family):
    whole, lost = judged(family).scores, judged(family, held=1).scores
    for name, score in whole.items():
        sign = 1 if score.higher_is_better else -1
        assert sign * lost[name].value <= sign * score.value + 0.05


@pytest.mark.parametrize("family", METRICS)
def test_one_sample_gives_a_score_or_a_reason_but_never_a_nan(family):
    try:
        scores = judged(family, 1).scores
    except TooFewSamplesError:
        assert METRICS[family].needs != "modes"
    else:
        assert all(math.isfinite(score.value) for score in scores.values())


def test_scores_come_in_the_order_of_the_request():
    identity = load("identity")
    families = ["reverse_kl", "coverage", "modes", "fd", "high_quality"]
    known = reference.build(identity, points(), range="features", digest="d", split="select", metrics=families)
    found = evaluate(points(seed=1), known, identity, families, range="features", modes=MODES)
    assert list(found.scores) == [
        "reverse_kl",
        "coverage_identity",
        "modes",
        "modes_1pct",
        "fd_identity",
        "high_quality",
    ]
    assert list(found.floors) == ["reverse_kl", "modes", "modes_1pct", "high_quality"]
    assert found.histogram == pytest.approx([1 / 3] * 3, abs=0.15)


def test_features_are_extracted_once_for_all_metrics(monkeypatch):
    lenet = load("lenet")
    families = ["fd", "is", "coverage"]
    known = reference.build(lenet, digits(), range="uint8", digest="d", split="select", metrics=families)
    calls = []
    forward = lenet.network.forward
    monkeypatch.setattr(lenet.network, "forward", lambda images: calls.append(len(images)) or forward(images))
    evaluate(digits(seed=1), known, lenet, families, range="uint8")
    assert calls == [100]


def test_people_who_have_features_need_no_samples():
    identity = load("identity")
    known = reference.build(identity, points(), range="features", digest="d", split="select", metrics=["fd"])
    found = evaluate_features(Features(points(seed=1).double()), known, ["fd"])
    assert found == evaluate(points(seed=1), known, identity, ["fd"], range="features")


@pytest.mark.parametrize(
    ("family", "extractor", "name"),
    [
        ("fd", "inception", "fid"),
        ("is", "inception", "inception_score"),
        ("coverage", "inception", "coverage"),
        ("fd", "lenet", "fd_lenet"),
        ("is", "lenet", "is_lenet"),
        ("coverage", "identity", "coverage_identity"),
        ("modes", "identity", "modes"),
        ("high_quality", "identity", "high_quality"),
        ("reverse_kl", "identity", "reverse_kl"),
    ],
)
def test_a_key_names_its_feature_space(family, extractor, name):
    assert key(family, extractor) == name


@pytest.mark.parametrize("extractor", ["inception", "lenet", "package.module:spread"])
def test_from_a_key_its_family_is_known_in_whatever_feature_space(extractor):
    for each in METRICS.values():
        assert {family_of(name) for name in each.keys(extractor)} == {each}
    assert family_of("mine_lenet") is None


@pytest.mark.parametrize(
    ("families", "extractor", "modes", "error", "says"),
    [
        (["fd", "iss"], "lenet", None, UnknownNameError, "there is no metric 'iss'; did you mean 'is'"),
        (
            ["fid"],
            "lenet",
            None,
            UnknownNameError,
            "there is no metric 'fid'; it is 'fd' on the extractor inception, and recorded as fid",
        ),
        (
            ["fd", "is"],
            "identity",
            None,
            UnfitError,
            "'is' needs class logits, which identity does not give; use one of lenet",
        ),
        (["modes"], "identity", None, UnfitError, "'modes' needs data whose modes are known"),
        (["reverse_kl"], "lenet", MODES, UnfitError, "use the extractor identity, not lenet"),
        (["fd", "fd"], "lenet", None, MetricsError, "'fd' is named twice"),
        ([], "lenet", None, MetricsError, "name at least one metric"),
        ("fd", "lenet", None, MetricsError, r"expected a list of metrics, such as \['fd'\], but 'fd' came"),
        (None, "lenet", None, MetricsError, r"expected a list of metrics, such as \['fd'\], but None came"),
        ([["fd"]], "lenet", None, MetricsError, r"expected the name of a metric, such as 'fd', but \['fd'\] came"),
    ],
)
def test_a_request_that_cannot_be_scored_is_refused_in_one_sentence(families, extractor, modes, error, says):
    with pytest.raises(error, match=says):
        check(families, extractor, modes)


@pytest.mark.parametrize(
    ("samples", "declared", "says"),
    [
        (None, "features", "samples are a tensor or a stream of tensors, not NoneType"),
        ([[0.0, 1.0]], "features", "samples are tensors, not list; use torch.as_tensor"),
        (points().to("meta"), "features", "samples on the device meta hold no numbers; make them on another device"),
        (points().to_sparse(), "features", "samples are dense tensors, not sparse_coo; use to_dense"),
        (torch.tensor(1.0), "features", "points have 2 dimensions, [N, D], not 0"),
        (points(), "x", "a range is one of uint8, 0..1, -1..1, features, not 'x'"),
    ],
)
def test_what_is_no_samples_is_refused_before_any_network_sees_it(samples, declared, says):
    with pytest.raises(MetricsError) as error:
        extract(load("identity"), samples, range=declared)
    assert str(error.value) == says


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"reference": points()},
            "expected a reference of the reals, such as metrics.reference.build gives, but ten",
        ),
        (
            {"extractor": "identity"},
            "expected an extractor, such as metrics.features.load('lenet'), but 'identity' came",
        ),
    ],
)
def test_what_is_no_reference_and_what_is_no_extractor_is_told_how_one_is_made(given, says):
    asked = {"reference": reference.build(load("identity"), points(), **REALS), "extractor": load("identity"), **given}
    with pytest.raises(MetricsError) as error:
        evaluate(points(), **asked, metrics=["fd"], range="features")
    assert str(error.value).startswith(says)


@pytest.mark.parametrize(
    ("door", "says"),
    [
        (lambda: reference.build("lenet", points(), **REALS), "expected an extractor, such as metrics.features.load('"),
        (lambda: reference.build(load("identity"), None, **REALS), "expected the real samples as a tensor, but None"),
        (
            lambda: reference.build(load("identity"), points(), **REALS | {"metrics": "fd"}),
            "expected a list of metrics,",
        ),
        (
            lambda: evaluate_features(points(), None, ["fd"]),
            "expected features, such as metrics.features.extract gives",
        ),
        (
            lambda: evaluate_features(
                load("identity")(points()), reference.build(load("identity"), points(), **REALS), "fd"
            ),
            "expected a list of metrics,",
        ),
        (lambda: load(5), "expected the name of an extractor, such as 'lenet', but 5 came"),
    ],
)
def test_every_other_door_says_so_as_well(door, says):
    with pytest.raises(MetricsError) as error:
        door()
    assert str(error.value).startswith(says)


def test_a_request_that_can_be_scored_passes():
    check(["fd", "is", "coverage"], load("lenet"), None)
    check(["fd", "modes", "high_quality", "reverse_kl"], "identity", MODES)
    check(["fd", "is"], "inception", None)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_is_never_nan_or_infinite(bad):
    for numbers in ({"value": bad}, {"value": 1.0, "low": bad, "high": 2.0}, {"value": 1.0, "low": 0.0, "high": bad}):
        with pytest.raises(NonFiniteError, match="a score is finite"):
            Score(**numbers, higher_is_better=True)


def test_importing_metrics_is_light():
    heavy = {"torchmetrics", "torchvision", "torch_fidelity", "safetensors", "scipy", "sklearn", "matplotlib"}
    above = {"ray", "mlflow", "pandas", "gans", "orchestrator"}
    program = f"import sys, metrics; print({heavy | above} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_every_public_name_is_there():
    assert all(getattr(metrics, name) is not None for name in metrics.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Fid'"):
        metrics.Fid  # noqa: B018 - the access is the test
