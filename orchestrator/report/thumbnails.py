"""Pictures of samples through training, small enough to travel inside the page."""

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 320
TICKS = 12
BYTES = 9_000_000
"""All pictures of a page together, as they stand in it."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The samples of one replica at one tick, ready for an `img`."""

    step: int
    source: str


def thinned(steps: Iterable[int], most: int = TICKS) -> list[int]:
    """Return at most so many of the steps, evenly, with the first and the last."""
    ordered = sorted(steps)
    if len(ordered) <= most:
        return ordered
    return [ordered[round(place * (len(ordered) - 1) / (most - 1))] for place in range(most)]


def packed(paths: Mapping[int, Path]) -> list[Picture]:
    """Return the pictures of one replica, by their step."""
    return [Picture(step=step, source=source(paths[step])) for step in thinned(paths)]


def source(path: Path) -> str:
    """Return a picture as the source of an `img`, shrunk as far as a reader does not miss it."""
    with Image.open(path) as opened:
        image = _shrunk(opened)
    grey = image.mode == "L"
    content = io.BytesIO()
    if grey:
        image.quantize(32).save(content, "PNG", optimize=True)
    else:
        image.convert("RGB").save(content, "WEBP", quality=80)
    return f"data:image/{'png' if grey else 'webp'};base64,{base64.b64encode(content.getvalue()).decode()}"


def _shrunk(image: Image.Image) -> Image.Image:
    """Undo a whole enlargement, then fit into the side of the page's pictures."""
    array = np.asarray(image)
    for factor in range(16, 1, -1):
        if image.width % factor == 0 and image.height % factor == 0:
            small = array[::factor, ::factor]
            if (small.repeat(factor, 0).repeat(factor, 1) == array).all():
                image = Image.fromarray(small)
                break
    if max(image.size) > SIDE:
        scale = SIDE / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image if image.mode in ("L", "RGB") else image.convert("RGB")
