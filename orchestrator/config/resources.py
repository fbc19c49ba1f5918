"""The key `resources`: what one trial occupies."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from orchestrator.config.values import AtKeyError, Model, Positive


def whole_or_share(gpus: float) -> float:
    """Return `gpus` if it is a share of one or a whole number."""
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(f"expected a share of one GPU or a whole number of them, found {gpus:g}")
    return gpus


class Resources(Model):
    """What one trial occupies."""

    cpus: Positive = Field(1, description="processors; as many threads, at least one")
    gpus: Annotated[float, Field(ge=0), AfterValidator(whole_or_share)] = Field(
        0, description="a share of one, which several trials then use, or whole ones"
    )
    processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="that share every batch of a trial, on one node: one for each of its GPUs"
    )

    @model_validator(mode="after")
    def _one_process_a_device(self) -> Self:
        if self.processes > 1 and self.gpus not in (0, self.processes):
            raise AtKeyError("processes", f"each has a GPU of its own; ask for gpus: {self.processes}, or for none")
        return self
