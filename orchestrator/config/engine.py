"""The key `engine`: how a training is computed, as opposed to what is computed."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from orchestrator.config.values import Model

if TYPE_CHECKING:
    import gans


class Engine(Model):
    """How a training is computed; one way differs from another by rounding."""

    precision: Literal["float32", "bf16", "fp16"] = Field(
        "float32", description="of products; weights, losses and optimisers stay in float32"
    )
    channels_last: bool = Field(
        False, description="images lie in memory pixel by pixel, as GPUs' convolutions like them"
    )
    compiled: bool = Field(
        False, description="a step is one function, which takes half a minute to make; for variants without a penalty"
    )
    accumulate: Annotated[int, Field(ge=1)] = Field(1, description="parts of a batch that take turns, for less memory")

    def driving(self, processes: int) -> "gans.Engine":
        """Return what drives the training of a trial of so many processes."""
        import gans

        return gans.Engine(processes=processes, **self.model_dump())
