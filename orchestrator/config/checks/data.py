"""What the key `data` must also satisfy."""

from pathlib import Path

import gans
from orchestrator.config.checks.refusals import check_name
from orchestrator.config.data import Data
from orchestrator.config.document import Document, Location


def check_data(data: Data, document: Document, location: Location) -> None:
    """The data have a name that is known, with parameters that they read, or lie where they are said to lie."""
    if data.name is not None:
        check_name("dataset", data.name, gans.data.DATASETS, document, (*location, "name"))
        read = [key for key in gans.data.DATASETS[data.name].parameters if key in Data.model_fields]
        if unread := [key for key in data.spec if key not in ("name", *read)]:
            message = f"{data.name} does not read it; it reads {', '.join(read) or 'nothing beside its name'}"
            document.fail((*location, unread[0]), message)
    for key, path, there in (("images", data.images, Path.is_dir), ("npz", data.npz, Path.is_file)):
        if path is not None and not there(Path(path)):
            what = "folder" if key == "images" else "file"
            document.fail((*location, key), f"there is no {what} {path}; relative paths begin at the experiment file")
