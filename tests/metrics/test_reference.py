"""The real side: computed once, read back without running code, and never mistaken for another."""

import multiprocessing
from pathlib import Path

import pytest
import torch
from fsspec.core import url_to_fs

from metrics import Extractor, Features, evaluate, reference
from metrics.errors import MetricsError, TooFewSamplesError, UnfitError, UnknownNameError
from metrics.features import load

FAMILIES = ["fd", "coverage"]


class Counting(Extractor):
    """Points as they are, and how often they were read."""

    def __init__(self, digest: str = "0" * 64, resize: str = "none") -> None:
        super().__init__(name="counting", digest=digest, resize=resize)
        self.calls = 0

    def check(self, _shape, _kind, /):
        return None

    def forward(self, batch: torch.Tensor) -> Features:
        self.calls += 1
        return Features(batch.double().flatten(1))


def points(count: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))


def built(extractor: Extractor, cache: Path | None, **changes) -> reference.Reference:
    request = {"range": "features", "digest": "data", "split": "select", "metrics": FAMILIES, "cache": cache}
    return reference.build(extractor, changes.pop("samples", points()), **(request | changes))


def same(one: reference.Reference, other: reference.Reference) -> bool:
    return one.parts.keys() == other.parts.keys() and all(
        torch.equal(tensor, other.parts[part][name]) for part in one.parts for name, tensor in one.parts[part].items()
    )


def test_a_reference_is_computed_once_and_read_back_bit_for_bit(tmp_path):
    extractor = Counting()
    first = built(extractor, tmp_path)
    calls = extractor.calls
    again = built(extractor, tmp_path)
    assert extractor.calls == calls > 0
    assert same(first, again)
    assert same(first, built(extractor, None))


@pytest.mark.parametrize("where", ["memory://home/cache", "file://{}/cache"])
def test_a_reference_is_read_back_from_another_file_system(tmp_path, where):
    url, extractor = where.format(tmp_path), Counting()
    first = built(extractor, url)
    calls = extractor.calls
    assert same(first, built(extractor, url))
    assert extractor.calls == calls > 0
    system, root = url_to_fs(url)
    assert sorted(Path(name).suffixes[-2] for name in system.find(root)) == [".gaussian", ".neighbourhoods", ".rows"]
    system.pipe_file(next(iter(system.find(root))), b"damaged")
    assert same(first, built(extractor, url))
    assert extractor.calls == 2 * calls


def test_a_file_system_that_nobody_knows_is_refused():
    with pytest.raises(UnfitError, match="there is no reading nowhere://x/references"):
        built(Counting(), "nowhere://x")


def test_a_file_system_that_cannot_be_reached_costs_only_the_work(tmp_path):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    assert same(built(Counting(), f"file://{tmp_path}/cache"), built(Counting(), None))


def test_a_further_metric_computes_only_what_is_missing(tmp_path):
    extractor = Counting()
    built(extractor, tmp_path, metrics=["fd"])
    assert len(list(tmp_path.glob("references/*.safetensors"))) == 1
    both = built(extractor, tmp_path)
    assert len(list(tmp_path.glob("references/*.safetensors"))) == 3
    assert set(both.parts) == {"gaussian", "rows", "neighbourhoods"}


@pytest.mark.parametrize(
    ("extractor", "changes"),
    [
        (Counting(), {"digest": "other"}),
        (Counting(), {"split": "final"}),
        (Counting(), {"samples": points(39)}),
        (Counting(digest="1" * 64), {}),
        (Counting(resize="bilinear"), {}),
        (Counting(), {"samples": points().reshape(-1, 3, 1, 1).sigmoid(), "range": "0..1"}),
    ],
    ids=["data", "split", "count", "weights", "resize", "range"],
)
def test_whatever_a_reference_depends_on_makes_another_one(tmp_path, extractor, changes):
    built(Counting(), tmp_path)
    extractor.calls = 0
    built(extractor, tmp_path, **changes)
    assert extractor.calls > 0


@pytest.mark.parametrize("damage", ["truncate", "garbage", "another"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    extractor = Counting()
    first = built(extractor, tmp_path, metrics=["fd"])
    (path,) = tmp_path.glob("references/*.safetensors")
    if damage == "another":  # a good file in the wrong place
        built(extractor, tmp_path / "other", metrics=["fd"], digest="other")
        (wrong,) = (tmp_path / "other").glob("references/*.safetensors")
        path.write_bytes(wrong.read_bytes())
    else:
        path.write_bytes(path.read_bytes()[:50] if damage == "truncate" else b"\x80\x04garbage")
    assert same(built(extractor, tmp_path, metrics=["fd"]), first)
    assert same(built(Counting(), tmp_path, metrics=["fd"]), first)


def test_nothing_half_written_is_left_behind(tmp_path):
    built(Counting(), tmp_path)
    assert {path.suffix for path in (tmp_path / "references").iterdir()} == {".safetensors", ".lock"}


def build_and_count(cache: str) -> int:
    torch.set_num_threads(1)
    extractor = Counting()
    built(extractor, Path(cache))
    return extractor.calls


def test_two_processes_that_want_the_same_reference_make_it_once(tmp_path):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        calls = pool.map(build_and_count, [str(tmp_path)] * 2, chunksize=1)
    assert sorted(calls) == [0, 1]


def test_a_request_that_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(TooFewSamplesError, match="at least 2 real samples, but select has 1"):
        built(Counting(), tmp_path, samples=points(1))
    with pytest.raises(MetricsError, match="40 real samples but 3 labels"):
        built(Counting(), tmp_path, labels=torch.arange(3))
    with pytest.raises(UnknownNameError, match="did you mean 'coverage'"):
        built(Counting(), tmp_path, metrics=["covrage"])
    assert not list(tmp_path.iterdir())


def test_a_metric_that_the_reference_was_not_built_for_is_refused():
    identity = load("identity")
    known = built(identity, None, metrics=["fd"])
    with pytest.raises(UnfitError, match="built without its rows; name all metrics"):
        evaluate(points(), known, identity, ["coverage"], range="features")


def test_a_reference_of_another_extractor_is_refused():
    with pytest.raises(UnfitError, match="build the reference with the same extractor"):
        evaluate(points(), built(Counting(), None), load("identity"), ["fd"], range="features")
