"""The key `generator`: what somebody's own loop draws its samples from."""

from typing import Any, Literal

from pydantic import Field

from orchestrator.config.values import Model, Positive
from orchestrator.errors import RequestError


class Generator(Model):
    """What the `sample` of somebody's own loop returns, for the protocol of its scores."""

    range: Literal["-1..1", "0..1", "uint8"] | None = Field(None, description="of images; points have none")
    weights: Literal["raw", "averaged"] = Field("raw", description="averaged: over the steps of training")
    batch_norm: Literal["running", "batch", "none"] = Field("running", description="batch: not in evaluation mode")
    truncation: Positive | None = Field(None, description="of the latents; none where they are not truncated")
    labels: Literal["training law"] | None = Field(None, description="training law: it is told classes as data have")

    @property
    def state(self) -> dict[str, Any]:
        """What a score of its samples depends on, beside the weights."""
        return self.model_dump(exclude={"range"})

    def check(self, kind: str) -> None:
        """Raise unless the range that samples of this kind need is declared."""
        if kind == "images" and self.range is None:
            raise RequestError("expected the range of the images that `sample` returns: -1..1, 0..1 or uint8")
        if kind == "points" and self.range is not None:
            raise RequestError(f"points have no range, found {self.range!r}; leave it out")
