"""Samples from anywhere and to anywhere: recorded generators, dataset names, folders, and array files."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import gans
from metrics.features import Range
from orchestrator import pictures
from orchestrator.errors import RequestError, did_you_mean
from orchestrator.home import Home

WRITABLE = (".png", ".npz", ".npy")
READABLE = (".npz", ".npy", ".pt")


def sample(home: Home, run_id: str, count: int, output: Path, seed: int) -> Path:
    """Draw `count` samples from a recorded generator into a picture or an array file."""
    from orchestrator.review import generator_of

    if output.suffix not in WRITABLE:
        raise RequestError(f"{output}: expected a file that ends in {', '.join(WRITABLE)}")
    if not output.absolute().parent.is_dir():
        raise RequestError(f"{output}: there is no folder {output.absolute().parent}; make it first")
    generator = gans.load_generator(generator_of(home, run_id))
    samples = generator.sample(count, seed)
    if output.suffix == ".npz":
        np.savez_compressed(output, samples=samples.numpy())
    elif output.suffix == ".npy":
        np.save(output, samples.numpy())
    else:
        pictures.save(samples, output)
    return output


def source(text: str, *, cache: Path | None, pixels: str | None) -> tuple[Tensor, Range, dict[str, Any]]:
    """Return the samples that a word on the command line means, their range, and what the protocol says of them.

    A dataset's name means its `final` split, unless `name:split` says otherwise.
    """
    name, _, split = text.partition(":")
    if name in gans.data.DATASETS:
        dataset = gans.data.load(name, cache=cache)
        chosen = split or "final"
        samples = dataset.split(chosen).samples  # type: ignore[arg-type]  # a wrong name is refused by the dataset
        about = {"name": dataset.name, "digest": dataset.digest, "split": chosen}
        return samples, "uint8" if dataset.kind == "images" else "features", about
    path = Path(text)
    if path.is_dir():
        samples = _folder(path)
    elif path.suffix in READABLE:
        samples = _array(path)
    else:
        hint = did_you_mean(name, gans.data.DATASETS)
        raise RequestError(
            f"{text}: expected a dataset's name{hint}, a folder of images, or a file {', '.join(READABLE)}"
        )
    return samples, _range(samples, pixels, text), {"name": path.name, "digest": _digest(samples), "split": "all"}


def _folder(path: Path) -> Tensor:
    """Read every image below a folder, in the order of their names; all must have one size."""
    from PIL import Image, UnidentifiedImageError

    files = sorted(
        file for file in path.rglob("*") if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".webp")
    )
    if not files:
        raise RequestError(f"{path}: expected image files (.png, .jpg, .bmp, .webp) in this folder, found none")
    pictures_ = []
    for file in files:
        try:
            with Image.open(file) as image:
                array = np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))
        except (OSError, UnidentifiedImageError):
            raise RequestError(f"{file}: not an image that can be read; remove or mend it") from None
        pictures_.append(torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1))
        if pictures_[-1].shape != pictures_[0].shape:
            shapes = f"{tuple(pictures_[0].shape)} in {files[0].name} and {tuple(pictures_[-1].shape)} in {file.name}"
            raise RequestError(f"{path}: expected images of one size, found {shapes}; resize them first")
    return torch.stack(pictures_)


def _array(path: Path) -> Tensor:
    """Read one array of samples; nothing that a file holds is run."""
    try:
        if path.suffix == ".pt":
            loaded = torch.load(path, weights_only=True, map_location="cpu")
        else:
            loaded = np.load(path, allow_pickle=False)
            if path.suffix == ".npz":
                names = list(loaded)
                name = next(
                    (each for each in ("samples", "images", "points", "features", "arr_0") if each in names), None
                )
                if name is None:
                    raise RequestError(f"{path}: expected an array called samples, found {', '.join(names) or 'none'}")
                loaded = loaded[name]
    except RequestError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise RequestError(f"{path}: cannot be read as an array of samples ({reason}); save plain arrays") from None
    samples = torch.from_numpy(loaded) if isinstance(loaded, np.ndarray) else loaded
    if not isinstance(samples, Tensor) or samples.dim() not in (2, 4):
        found = f"shape {tuple(samples.shape)}" if isinstance(samples, Tensor) else type(samples).__name__
        raise RequestError(f"{path}: expected features [N, D] or images [N, C, H, W], found {found}")
    if samples.dim() == 4 and samples.shape[1] not in (1, 3) and samples.shape[3] in (1, 3):
        samples = samples.permute(0, 3, 1, 2)
    return samples


def _range(samples: Tensor, pixels: str | None, text: str) -> Range:
    if samples.dim() == 2:
        return "features"
    if samples.dtype == torch.uint8:
        return "uint8"
    if pixels is None:
        raise RequestError(f"{text}: floating-point images need their range: give --range 0..1 or --range -1..1")
    return "0..1" if pixels == "0..1" else "-1..1"


def _digest(samples: Tensor) -> str:
    from hashlib import sha256

    content = sha256(f"{samples.dtype} {tuple(samples.shape)}".encode())
    content.update(samples.contiguous().numpy().tobytes())
    return content.hexdigest()
