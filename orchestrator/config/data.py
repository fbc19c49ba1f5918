"""The key `data`: where the reals come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from orchestrator.config.values import AtKeyError, Model

SOURCES = {"name": ("download", "radius", "spacing", "std"), "images": ("size", "labels"), "npz": ()}
"""Where data may come from, and what may be said beside it."""
Extent = Annotated[float, Field(gt=0, le=1e6)]
"""Far below what single precision takes, squared as it is by every judge."""


class Data(Model):
    """Where the reals come from: exactly one of `name`, `images` and `npz`."""

    name: str | None = Field(None, description="a name from `ganarena list datasets`")
    download: bool = Field(False, description="may this dataset be downloaded?")
    images: str | None = Field(None, description="a folder of pictures")
    size: Annotated[int, Field(ge=8, le=4096)] | None = Field(
        None, description="side of the square that pictures are cropped and resized to"
    )
    labels: Literal["folders"] | None = Field(None, description="`folders`: each subfolder is a class")
    npz: str | None = Field(None, description="an .npz file with an array `samples`, and perhaps `labels`")
    radius: Extent | None = Field(None, description="of ring8")
    spacing: Extent | None = Field(None, description="of grid25")
    std: Extent | None = Field(None, description="of each mode of ring8, grid25 and gaussian1d")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of name, images and npz, found {' and '.join(given) or 'none'}")
        for source, keys in SOURCES.items():
            stray = [key for key in keys if getattr(self, key)] if source != given[0] else []
            if stray:
                raise AtKeyError(stray[0], f"goes with {source}, not with {given[0]}")
        if self.images is not None and self.size is None:
            raise AtKeyError("images", "expected a size beside it, for example size: 64")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bare name is read as well."""
        described = handler(core)
        return {"anyOf": [described, {"type": "string", "description": "a name from `ganarena list datasets`"}]}

    def __str__(self) -> str:
        return self.label

    @property
    def spec(self) -> dict[str, Any]:
        """What `gans.data.load` takes."""
        return self.model_dump(exclude_none=True, exclude={"download"})

    @property
    def label(self) -> str:
        """A short name for tables."""
        return label(self.spec)

    def relative_to(self, folder: Path) -> "Data":
        """Return the same with paths made absolute from `folder`."""
        changes = {key: str((folder / path).resolve()) for key in ("images", "npz") if (path := getattr(self, key))}
        return self.model_copy(update=changes)


def label(spec: Mapping[str, Any]) -> str:
    """Return a short name for data: theirs, or that of their file or folder."""
    return next(Path(spec[source]).name for source in SOURCES if source in spec)
