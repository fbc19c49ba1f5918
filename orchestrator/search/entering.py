"""Who enters next: what an attempt has left, then contenders that are born when there is room for them."""

from typing import Any

from ray.tune.search import Searcher

from orchestrator.config.models import SearchExperiment
from orchestrator.search.adaptive import Tpe
from orchestrator.search.driver import Driver


class Entrants(Searcher):  # type: ignore[misc]
    """What Ray asks for the next trial; how the earlier ones ended it learns from the driver's decisions."""

    def __init__(self, driver: Driver, left: list[str]) -> None:
        super().__init__()
        experiment = driver.plan.experiment
        assert isinstance(experiment, SearchExperiment)  # noqa: S101  (a study draws everything up front)
        self.driver = driver
        self.left = list(left)
        self.sampler = Tpe(experiment, tuple(driver.plan.aims.values()))
        self.taken = 0

    def __getstate__(self) -> dict[str, object]:
        """Ray pickles its searcher for a restore of its own; ours begins again from the journal."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next contender, recorded before Ray can start it."""
        if self.driver.deadline.passed or (not self.left and not self.driver.state.undrawn):
            return Searcher.FINISHED
        name = self.left.pop(0) if self.left else self._born()
        assert self.driver.state.attempt  # noqa: S101  (the first event of every journal)
        return {"contender": name, "configuration": self.driver.state.attempt["contenders"][name]}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Ray says less than the decisions do."""

    def _born(self) -> str:
        lines = self.driver.recorder.decisions.lines
        for line in lines[self.taken :]:
            self.sampler.take(line)
        self.taken = len(lines)
        contender, suggestion = self.sampler.suggest()
        self.driver.draw(contender, suggestion=suggestion, seen=self.sampler.seen)
        return contender.name
