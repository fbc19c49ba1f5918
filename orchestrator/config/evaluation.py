"""The key `evaluation`: how samples are judged."""

from typing import Annotated

from pydantic import Field

from orchestrator.config.values import Model, Strings

Samples = Annotated[int, Field(ge=2, le=10_000_000)]


class Evaluation(Model):
    """How samples are judged, at every tick and finally."""

    extractor: str | None = Field(None, description="feature space; default identity for points, inception for images")
    weights: str | None = Field(None, description="file with the extractor's weights")
    samples: Samples = Field(1000, description="samples scored at a tick")
    final_samples: Samples | None = Field(None, description="samples scored at the end")
    metrics: Strings = Field(("fd",), description="families from `ganarena list metrics`; the first is the objective")

    @property
    def at_end(self) -> int:
        """Samples of the final score."""
        return self.final_samples or self.samples
