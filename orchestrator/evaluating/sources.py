"""Samples from anywhere: a word on the command line may be a dataset's name, a folder of images, or an array file."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import gans
from gans.data.files import class_numbers, opaque
from metrics import Mixture
from metrics.features import Range
from orchestrator.code import is_python
from orchestrator.errors import RequestError, did_you_mean

READABLE = (".npz", ".npy", ".pt")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
SPLITS = ("train", "select", "final")
ARRAYS = ("samples", "images", "points", "features", "arr_0")


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """One side of an evaluation: samples, their range and classes, and what the protocol says of them."""

    text: str
    samples: Tensor
    range: Range
    labels: Tensor | None = None
    about: Mapping[str, str]
    dataset: gans.data.Dataset | None = None

    @property
    def modes(self) -> Mixture | None:
        """Where the modes of the data are, if that is known."""
        return self.dataset.modes if self.dataset else None

    def take(self, count: int | None, seed: int) -> "Source":
        """Return `count` of the samples, drawn without replacement from `seed`; all of them where no count is given."""
        if count is None:
            return self
        there = len(self.samples)
        if count > there:
            raise RequestError(
                f"{self.text} holds {there} samples, but --samples asks for {count}; lower it or add data"
            )
        kept = torch.randperm(there, generator=torch.Generator().manual_seed(seed))[:count]
        labels = None if self.labels is None else self.labels[kept]
        return replace(self, samples=self.samples[kept], labels=labels)


def source(text: str, *, cache: Path | None = None, pixels: str | None = None, classes: bool = True) -> Source:
    """Return the samples that a word on the command line means; `pixels` is the range of floating-point images.

    A dataset's name means its `final` split, unless `name:split` says otherwise. An .npz file may also hold `labels`,
    which are looked at where somebody asks for `classes`.
    """
    name = dataset_of(text)
    split = text.removeprefix(name).removeprefix(":")
    if not text.strip():
        raise RequestError("expected a dataset's name, a folder or a file, found an empty word")
    if name in gans.data.DATASETS:
        return _dataset(text, name, split or "final", cache)
    path = Path(text)
    labels = None
    if path.is_dir():
        samples = _folder(path)
    elif path.suffix in READABLE:
        samples, labels = _array(path, classes=classes)
    else:
        hint = did_you_mean(name, gans.data.DATASETS)
        files = f"a folder of images, or a file {', '.join(READABLE)}"
        raise RequestError(f"{text}: expected a dataset's name{hint}, {files}")
    if len(samples) < 2:
        raise RequestError(f"{text}: expected at least 2 samples, found {len(samples)}")
    about = {"name": path.resolve().name, "digest": _digest(samples), "split": "all"}
    return Source(text=text, samples=samples, labels=labels, range=_range(samples, pixels, text), about=about)


def dataset_of(text: str) -> str:
    """Return the part of a word that may be a dataset's name, catalogued or Python's; a split may stand behind it."""
    parts = text.split(":")
    python = ":".join(parts[:2])
    return python if is_python(python) and parts[0] not in gans.data.DATASETS and parts[1] not in SPLITS else parts[0]


def _dataset(text: str, name: str, split: Any, cache: Path | None) -> Source:
    dataset = gans.data.load(name, cache=cache)
    chosen = dataset.split(split)  # which refuses a split that it does not have
    return Source(
        text=text,
        samples=chosen.samples,
        labels=chosen.labels,
        range="uint8" if dataset.kind == "images" else "features",
        about={"name": dataset.name, "digest": dataset.digest, "split": split},
        dataset=dataset,
    )


def _folder(path: Path) -> Tensor:
    """Read every image below a folder, in the order of their names, as [N, C, H, W]; all must have one size."""
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in IMAGES and file.is_file())
    if not files:
        raise RequestError(f"{path}: expected image files ({', '.join(IMAGES)}) in this folder, found none")
    read = [_image(file) for file in files]
    for file, image in zip(files, read, strict=True):
        if image.shape != read[0].shape:
            shapes = f"{tuple(read[0].shape)} in {files[0].name} and {tuple(image.shape)} in {file.name}"
            raise RequestError(f"{path}: expected images of one size and colour, found {shapes}; convert them first")
    return torch.stack(read)


def _image(file: Path) -> Tensor:
    """Read one image as bytes [C, H, W], grey or in colour."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise RequestError(f"{file}: expected 8 bits a channel, found the mode {image.mode}; convert it first")
            opaque(image, file)
            array = np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise RequestError(f"{file}: not an image that can be read; remove or mend it") from None
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1)


def _array(path: Path, *, classes: bool) -> tuple[Tensor, Tensor | None]:
    """Read one array of samples, [N, D] or [N, C, H, W], and their classes if they are there; nothing held is run."""
    if not path.is_file():
        raise RequestError(f"{path}: there is no such file")
    try:
        samples, labels = (_tensor(path), None) if path.suffix == ".pt" else _from_numpy(path, classes=classes)
    except (RequestError, gans.ConfigError):
        raise
    except pickle.UnpicklingError:
        raise RequestError(
            f"{path}: holds more than a tensor, and to read that could run code; save one plain tensor"
        ) from None
    except Exception as error:
        # The first sentence: what libraries go on with is how to read a file in spite of what it may run.
        reason = " ".join(str(error).split()).partition(". ")[0] or "it ends too early"
        raise RequestError(f"{path}: cannot be read as an array of samples ({reason}); save a plain array") from None
    if samples.dim() not in (2, 4):
        found = f"shape {tuple(samples.shape)}"
        raise RequestError(f"{path}: expected features [N, D] or images [N, C, H, W], found {found}")
    if samples.dim() == 4 and samples.shape[1] not in (1, 3) and samples.shape[3] in (1, 3):
        samples = samples.permute(0, 3, 1, 2)
    return samples, labels


def _tensor(path: Path) -> Tensor:
    loaded = torch.load(path, weights_only=True, map_location="cpu")
    if not isinstance(loaded, Tensor) or loaded.layout != torch.strided:
        found = loaded.layout if isinstance(loaded, Tensor) else type(loaded).__name__
        raise RequestError(f"{path}: expected one dense tensor, found {found}")
    return loaded.detach()


def _from_numpy(path: Path, *, classes: bool) -> tuple[Tensor, Tensor | None]:
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            array, labels = loaded, None
        else:
            name = next((each for each in ARRAYS if each in loaded), None)
            if name is None:
                found = ", ".join(loaded) or "none"
                raise RequestError(f"{path}: expected an array called samples, found {found}; rename the array")
            array = loaded[name]
            known = classes and "labels" in loaded
            labels = class_numbers(loaded["labels"], len(array), path) if known else None
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False)), labels


def _range(samples: Tensor, pixels: str | None, text: str) -> Range:
    if samples.dim() == 2 and not samples.is_floating_point():
        kind = str(samples.dtype).removeprefix("torch.")
        raise RequestError(f"{text}: expected features as floating-point numbers, found {kind}; convert them")
    if samples.dim() == 2:
        return "features"
    if samples.dtype == torch.uint8:
        return "uint8"
    if not samples.is_floating_point():
        kind = str(samples.dtype).removeprefix("torch.")
        raise RequestError(f"{text}: expected images as uint8 or as floating-point numbers, found {kind}; convert them")
    if pixels is None:
        raise RequestError(f"{text}: images that are not uint8 need their range; give --range 0..1 or --range -1..1")
    return "0..1" if pixels == "0..1" else "-1..1"


def _digest(samples: Tensor) -> str:
    content = sha256(f"{samples.dtype} {tuple(samples.shape)}".encode())
    content.update(samples.contiguous().view(torch.uint8).numpy().tobytes())
    return content.hexdigest()
