"""Pictures of samples: a grid of images, or the density of points over where the data lie."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SMALLEST_SIDE = 256
COLUMNS = 8


def save(samples: Tensor, path: Path) -> None:
    """Write images [N, C, H, W] or points [N, D] as a PNG."""
    image = grid(samples) if samples.dim() == 4 else scatter(samples)
    image.save(path)


def grid(samples: Tensor) -> Image.Image:
    """Return images [N, C, H, W] in [-1, 1] side by side, enlarged by a whole factor until a person can see them."""
    count, channels, height, width = samples.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    pixels = ((samples.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    sheet = torch.zeros(channels, rows * (height + 1) - 1, columns * (width + 1) - 1, dtype=torch.uint8)
    for index, picture in enumerate(pixels):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[:, top : top + height, left : left + width] = picture
    array = sheet.permute(1, 2, 0).numpy()
    image = Image.fromarray(array[..., 0] if channels == 1 else array)
    factor = max(1, -(-SMALLEST_SIDE // max(height * columns // 2, 1)))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def scatter(samples: Tensor) -> Image.Image:
    """Return points [N, D] as dots on white: the first two coordinates, or a histogram of the only one."""
    points = samples.double().flatten(1).numpy()
    side = 2 * SMALLEST_SIDE
    reach = max(float(np.abs(points).max()), 1e-9) * 1.1
    canvas = np.full((side, side), 255, dtype=np.uint8)
    if points.shape[1] == 1:
        counts, _ = np.histogram(points[:, 0], bins=side // 8, range=(-reach, reach))
        for index, count in enumerate(counts):
            height = int(count / max(counts.max(), 1) * (side - 8))
            canvas[side - height :, index * 8 + 1 : index * 8 + 7] = 60
        return Image.fromarray(canvas)
    columns = ((points[:, 0] / reach + 1) / 2 * (side - 4)).astype(int)
    rows = ((1 - points[:, 1] / reach) / 2 * (side - 4)).astype(int)
    for row, column in zip(rows, columns, strict=True):
        canvas[row : row + 4, column : column + 4] = 40
    return Image.fromarray(canvas)
