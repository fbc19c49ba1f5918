"""Exported generators draw what the recorded ones draw, for any number of samples."""

from pathlib import Path

import pytest
import torch

import gans
from orchestrator import exporting
from orchestrator.errors import RequestError, WorkError


def trained(name: str, folder: Path) -> gans.sampling.Generator:
    """A tiny generator of this variant after one step, on digits where it learns images only."""
    variant = gans.variant(name, {"width": 4, "latent": 3, "batch": 4})
    ring, digits = gans.data.load("ring8"), gans.data.load("digits")
    dataset = digits if variant.supports(ring) else ring
    (progress,) = gans.train(variant, dataset, gans.Budget(steps=1, tick=1), seeds=[0])
    progress.replicas[0].save_generator(folder)
    return gans.load_generator(folder)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", exporting.WRITERS)
@pytest.mark.parametrize("name", gans.VARIANTS)
def test_every_variant_exports_to_what_draws_the_same(name, suffix, tmp_path):
    pytest.importorskip("onnxruntime")
    generator = trained(name, tmp_path / "generator")
    file = tmp_path / f"generator{suffix}"
    assert exporting.exported(generator, file) < 1e-5
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [file.name]


@pytest.mark.slow
def test_an_exported_file_stands_alone_and_takes_any_number_of_samples(tmp_path):
    generator = trained("cgan", tmp_path / "generator")
    exporting.exported(generator, tmp_path / "generator.pt2")
    program = torch.export.load(tmp_path / "generator.pt2").module()
    for count in (2, 7, 100):
        drawn = program(latents=torch.randn(count, 3), labels=torch.randint(8, (count,)))
        assert drawn.shape == (count, 2)


def test_a_file_that_draws_something_else_is_not_kept(tmp_path):
    generator = trained("gan", tmp_path / "generator")

    def wrong(module: torch.nn.Module, example: exporting.Inputs, path: Path) -> exporting.Program:
        path.write_text("something else")
        return lambda given: module(**given) + 0.01

    with pytest.raises(WorkError, match=r"differs by 0\.01; nothing is kept of it"):
        exporting.exported(generator, tmp_path / "generator.pt2", wrong)
    assert not list(tmp_path.glob("*.pt2"))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("gan", {"latents": (4, 3)}),
        ("acgan", {"latents": (4, 3), "labels": (4,)}),
        ("infogan", {"latents": (4, 3), "codes": (4, 12)}),
    ],
)
def test_what_it_takes_is_latents_and_what_its_variant_is_told(name, shapes, tmp_path):
    given = exporting.inputs(trained(name, tmp_path), 4)
    assert {key: tuple(value.shape) for key, value in given.items()} == shapes


def test_a_missing_library_and_a_wrong_suffix_are_told_with_the_way_out(tmp_path, monkeypatch, ganarena):
    answer = ganarena("export", "run", "-o", tmp_path / "generator.pth")
    assert (answer.status, "expected a file that ends in .pt2 or .onnx" in answer.err) == (2, True)
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"onnx is not installed; pip install 'ganarena\[onnx\]', or write a \.pt2"):
        exporting.writer(tmp_path / "generator.onnx")
