"""Pictures of a series, as MLflow's own pages show them: each step once, without being drawn anew."""

import math
from io import BytesIO
from pathlib import Path, PurePosixPath
from uuid import UUID, uuid5

from PIL import Image, WebPImagePlugin  # Pillow would load all that it can read to find this one

from orchestrator.recording.files import Files
from orchestrator.recording.layout import PICTURE

FOLDER = "images"
THUMBNAIL = 256
"""At most so many pixels has the longer side of what MLflow's charts show."""


class Gallery:
    """Hangs a run's pictures that exist already; `MlflowClient.log_image` would encode and tag them once more."""

    def __init__(self, run_id: str, files: Files) -> None:
        self.run_id = run_id
        self.files = files
        self.hung = _hung(files)
        """Under which name each step hangs."""

    def hang(self, picture: Path, step: int, stamp: int) -> bool:
        """Add a picture under the names that `log_image` gives, unless its step has another one.

        Say whether it is the first, of which the run must be told: told twice, it still is.
        """
        # Told twice, it gets the same name twice, and is written again: whoever wrote it may have died before its end.
        name = f"samples+step+{step}+timestamp+{stamp}+{uuid5(UUID(self.run_id), str(step))}"
        if self.hung.setdefault(step, name) == name:
            self.files.write(_thumbnail(picture), f"{FOLDER}/{name}+compressed.webp")
            self.files.keep(picture, f"{FOLDER}/{name}.png")
        return min(self.hung) == step


def _hung(files: Files) -> dict[int, str]:
    found = (PICTURE.match(path) for path in files.listed(FOLDER) if path.endswith(".png"))
    return {int(each[1]): PurePosixPath(each.string).stem for each in found if each}


def _thumbnail(picture: Path) -> bytes:
    with Image.open(picture) as image:
        # By a whole factor, so that the cells of a grid stay alike; what it is saved with decides what a search pays.
        factor = math.ceil(max(image.size) / THUMBNAIL)
        image.reduce(factor).save(content := BytesIO(), WebPImagePlugin.WebPImageFile.format, method=0, quality=50)
    return content.getvalue()
