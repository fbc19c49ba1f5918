"""Somebody's own data: a folder of images, or the arrays of an `.npz` file."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..configuration import ConfigError, as_path, whole
from .dataset import Finite, shuffled

if TYPE_CHECKING:
    from PIL.Image import Image

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_MODES = {1: "L", 3: "RGB"}


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of images: every one is cut to a centred square and resized to `size` pixels a side.

    With `labels: folders` the folder that holds an image is its class; without, folders are only searched.
    """

    images: str | Path
    size: int = 64
    channels: int = 3
    labels: str | None = None

    def __post_init__(self) -> None:
        whole("size", self.size, least=8)
        if self.channels not in _MODES:
            raise ConfigError(f"channels must be 1 (grey) or 3 (colour), but {self.channels!r} came")
        if self.labels not in (None, "folders"):
            raise ConfigError(f"labels must be 'folders' or left out, but {self.labels!r} came")


def images(parameters: dict[str, Any], cache: Path | None, download: bool) -> Finite:  # noqa: ARG001
    """The images of a `Folder`."""
    chosen = Folder(**parameters)
    folder = as_path("images", chosen.images)
    if not folder.is_dir():
        raise ConfigError(f"images were expected in the folder {folder}, but there is no such folder")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if len(files) < 10:
        raise ConfigError(
            f"{folder} should hold at least 10 images ({', '.join(_SUFFIXES)}), but {len(files)} were found; add images"
        )
    samples = torch.stack([_decoded(file, chosen.size, chosen.channels) for file in files])
    classes: tuple[str, ...] | None = None
    labels = None
    if chosen.labels:
        if loose := [file for file in files if file.parent == folder]:
            raise ConfigError(f"with labels: folders every image lies in its class's folder, but {loose[0]} does not")
        names = [file.relative_to(folder).parts[0] for file in files]
        classes = tuple(sorted(set(names)))
        labels = torch.tensor([classes.index(name) for name in names])
    splits = shuffled(samples, labels, _sizes(len(samples)))
    return Finite(name=_name(folder), splits=splits, classes=classes)


def npz(parameters: dict[str, Any], cache: Path | None, download: bool) -> Finite:  # noqa: ARG001
    """`{npz: file}`: an array `samples` (or `images`, `arr_0`) and perhaps `labels`; nothing in it is executed.

    Images are uint8, `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` with 1 or 3 channels; points are floats, `[N, D]`.
    """
    file = as_path("npz", parameters["npz"])
    if not file.is_file():
        raise ConfigError(f"data were expected in the file {file}, but there is no such file")
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            if not hasattr(arrays, "files"):
                raise ConfigError(f"{file} should be an .npz file of named arrays, but it holds a single array")
            name = next((name for name in ("samples", "images", "arr_0") if name in arrays.files), None)
            if name is None:
                has = ", ".join(arrays.files) or "nothing"
                raise ConfigError(f"{file} should hold an array `samples`, but it holds {has}; rename the array")
            samples = _array(arrays[name], file)
            labels = class_numbers(arrays["labels"], len(samples), file) if "labels" in arrays.files else None
    except ConfigError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{file} cannot be read as an .npz file of plain arrays ({error}); write it again") from None
    if len(samples) < 10:
        raise ConfigError(f"{file} should hold at least 10 samples, but it holds {len(samples)}; add data")
    classes = None if labels is None else tuple(str(label) for label in range(int(labels.max()) + 1))
    return Finite(name=_name(file), splits=shuffled(samples, labels, _sizes(len(samples))), classes=classes)


def _name(path: Path) -> str:
    """What the data are called in a record: the last part of the path, without the machine's own folders."""
    return path.resolve().name


def _sizes(count: int) -> dict[str, int]:
    """60 / 20 / 20 %."""
    held = count // 5
    return {"train": count - 2 * held, "select": held, "final": held}


def _decoded(file: Path, size: int, channels: int) -> Tensor:
    """The largest centred square of an image at `size` pixels a side: uint8 `[C, size, size]`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            opaque(opened, file)
            image = opened.convert(_MODES[channels])
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.resize((size, size), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
            pixels = np.asarray(square, np.uint8)
    except (OSError, UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise ConfigError(f"{file} is not an image that can be read ({error}); repair it or take it away") from None
    return torch.from_numpy(pixels.copy()).view(size, size, channels).permute(2, 0, 1).contiguous()


def opaque(image: "Image", file: Path) -> None:
    """Refuse an image that one can see through: what stands behind it is not known."""
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        raise ConfigError(f"{file} has transparent pixels, which have no colour of their own; put it on a background")


def class_numbers(array: "np.ndarray[Any, Any]", count: int, file: Path) -> Tensor:
    """The classes of so many samples, or what is wrong with them."""
    if array.dtype.kind not in "iu" or array.ndim != 1 or (array < 0).any():
        raise ConfigError(f"{file} should hold labels 0, 1, 2, ..., but {array.dtype} {list(array.shape)} came")
    if len(array) != count:
        raise ConfigError(f"{file} should hold a label for each of {count} samples, but {array.shape} came")
    return torch.from_numpy(array.astype(np.int64))


def _array(array: "np.ndarray[Any, Any]", file: Path) -> Tensor:
    """The samples of an array, or what is wrong with it."""
    if array.ndim == 2 and array.dtype.kind == "f":
        points = torch.from_numpy(array.astype(np.float32))
        if not bool(points.isfinite().all()):
            raise ConfigError(f"{file} should hold finite numbers, but some are not; clean it first")
        return points
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        images = torch.from_numpy(array)
        images = images.unsqueeze(1) if images.ndim == 3 else images
        if images.shape[1] not in _MODES and images.shape[-1] in _MODES:
            images = images.permute(0, 3, 1, 2)
        if images.shape[1] in _MODES:
            return images.contiguous()
    raise ConfigError(
        f"{file} should hold float points [N, D] or uint8 images with 1 or 3 channels, but an array of {array.dtype}"
        f" {list(array.shape)} came; convert it"
    )
