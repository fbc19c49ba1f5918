"""Pictures of a series, as MLflow's own pages show them: each step once, without being drawn anew."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid5

from mlflow import MlflowClient
from PIL import Image

from orchestrator.recording.layout import PICTURE, SHOWN

FOLDER = "images"
THUMBNAIL = 256
"""The longer side, in pixels, of what MLflow's charts show."""


class Gallery:
    """Hangs pictures that exist already; `MlflowClient.log_image` would encode and tag them once more."""

    def __init__(self, client: MlflowClient) -> None:
        self.client = client
        self.hung: dict[str, dict[int, str]] = {}

    def open(self, run_id: str) -> None:
        """Note that a run is new, so that nobody looks for pictures in it."""
        self.hung[run_id] = {}

    def hang(self, run_id: str, picture: Path, step: int, stamp: int) -> None:
        """Add a picture to a run, under the names that `log_image` gives, unless its step has another one."""
        hung = self._names(run_id)
        if not hung:
            self.client.set_tag(run_id, SHOWN, "True")
        # Told twice, it gets the same name twice, and is written again: whoever wrote it may have died before its end.
        name = f"samples+step+{step}+timestamp+{stamp}+{uuid5(UUID(run_id), str(step))}"
        if hung.setdefault(step, name) != name:
            return
        with TemporaryDirectory(prefix="ganarena-") as folder:
            small, whole = Path(folder, f"{name}+compressed.webp"), Path(folder, f"{name}.png")
            with Image.open(picture) as image:
                factor = THUMBNAIL / max(image.size)
                sides = [max(1, round(side * factor)) for side in image.size]
                image.resize(sides, Image.Resampling.BOX).save(small, method=0)
            whole.symlink_to(picture.absolute())
            self.client.log_artifact(run_id, str(small), FOLDER)
            self.client.log_artifact(run_id, str(whole), FOLDER)

    def _names(self, run_id: str) -> dict[int, str]:
        """Return under which name each step hangs."""
        if run_id not in self.hung:
            listed = (part.path for part in self.client.list_artifacts(run_id, FOLDER))
            found = (PICTURE.match(path) for path in listed if path.endswith(".png"))
            self.hung[run_id] = {int(each[1]): Path(each.string).stem for each in found if each}
        return self.hung[run_id]
