"""Pictures of samples: a sheet of images, a scatter of points in the plane, or a histogram of numbers."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SIDE = 512
COLUMNS = 8
INK, SHADE, PAPER = 40, 205, 255
DOT = 4
BAR = 8

Points = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Canvas = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


def save(samples: Tensor, path: Path) -> None:
    """Write images [N, C, H, W] or points [N, D] as a PNG."""
    image = grid(samples) if samples.dim() == 4 else scatter(samples)
    image.save(path)


def grid(samples: Tensor) -> Image.Image:
    """Return images [N, C, H, W] in [-1, 1] side by side, enlarged by a whole factor until a person can see them."""
    count, channels, height, width = samples.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    pixels = ((samples.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    sheet = torch.zeros(channels, rows * (height + 1) - 1, columns * (width + 1) - 1, dtype=torch.uint8)
    for index, picture in enumerate(pixels):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[:, top : top + height, left : left + width] = picture
    array = sheet.permute(1, 2, 0).numpy()
    image = Image.fromarray(array[..., 0] if channels == 1 else array)
    factor = -(-SIDE // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def scatter(samples: Tensor, *, reals: Tensor | None = None) -> Image.Image:
    """Return points [N, D] around the origin: the first two coordinates of each, or a histogram of the only one.

    With `reals` the frame is theirs, and they lie behind in grey; samples that left it stand at its edge.
    """
    points = _finite(samples)
    behind = points[:0] if reals is None else _finite(reals)
    reach = 1.1 * float(np.abs(points if reals is None else behind).max(initial=0)) or 1.0
    if points.shape[1] == 1:
        return _histogram(points[:, 0].clip(-reach, reach), reach)
    canvas = _canvas()
    _dot(canvas, behind, reach, SHADE)
    _dot(canvas, points.clip(-reach, reach), reach, INK)
    return Image.fromarray(canvas)


def _finite(samples: Tensor) -> Points:
    points: Points = samples.detach().cpu().double().flatten(1).numpy()
    return points[np.isfinite(points).all(axis=1)]


def _dot(canvas: Canvas, points: Points, reach: float, shade: int) -> None:
    room = SIDE - DOT
    columns = ((1 + points[:, 0] / reach) / 2 * room).astype(int)
    rows = ((1 - points[:, 1] / reach) / 2 * room).astype(int)
    for row, column in zip(rows, columns, strict=True):
        canvas[row : row + DOT, column : column + DOT] = shade


def _histogram(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", reach: float) -> Image.Image:
    canvas = _canvas()
    counts, _ = np.histogram(values, bins=SIDE // BAR, range=(-reach, reach))
    for index, count in enumerate(counts):
        height = round(count / max(counts.max(), 1) * (SIDE - BAR))
        canvas[SIDE - height :, index * BAR + 1 : (index + 1) * BAR - 1] = INK
    return Image.fromarray(canvas)


def _canvas() -> Canvas:
    return np.full((SIDE, SIDE), PAPER, dtype=np.uint8)
