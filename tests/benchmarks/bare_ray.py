"""Searches as Ray's own examples write them, for `search_overhead` to be held against: `first` and `trials`.

A fresh worker, all imports and the data for each trial, and MLflow's callback; prints when each trial began and ended.
"""

import json
import sys
import time
from pathlib import Path

import ray
from ray import tune

FOLDER = Path(sys.argv[2])
MARKS = FOLDER / "marks.jsonl"


def mark(**what: object) -> None:
    """Append a line that says when something happened."""
    with MARKS.open("a") as file:
        file.write(json.dumps(what | {"time": time.time()}) + "\n")


def one(config: dict[str, object]) -> None:
    """Train a small network for a moment, as the smallest example with torch does."""
    import torch

    network = torch.nn.Linear(16, 1)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.randn(64, 16)).square().mean().backward()
    optimiser.step()
    mark(kind="tick")
    tune.report({"loss": 0.0})


def contender(config: dict[str, object]) -> None:
    """Train and score one contender of the experiment file in `argv[3]`, reporting at every tick."""
    from orchestrator.config import load
    from orchestrator.space import contenders
    from orchestrator.trial import Brief, pursue

    asked = load(Path(str(config["file"])))
    brief = Brief(
        evaluation=asked.evaluation,
        budget=asked.budget,
        seeds=asked.seeds,
        stop=asked.stop,
        objective=asked.objective,
        cache=None,
    )

    def report(event: dict[str, object], folder: Path) -> None:
        mark(kind="tick", contender=event["contender"], began=event["began"], busy=event["busy"])
        tune.report({"objective": event["objective"]}, checkpoint=tune.Checkpoint.from_directory(str(folder)))

    pursue(contenders(asked)[config["index"]], brief, report)


def main() -> None:
    """Run what the command line asks for."""
    ray.init("local")  # its own, whatever cluster this machine may have known before
    if sys.argv[1] == "first":
        tune.Tuner(one, run_config=tune.RunConfig(storage_path=str(FOLDER), verbose=0)).fit()
        return
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    file, count = sys.argv[3], int(sys.argv[4])
    recording = MLflowLoggerCallback(tracking_uri=f"sqlite:///{FOLDER / 'mlflow.db'}", experiment_name="bare")
    tune.Tuner(
        tune.with_resources(contender, {"cpu": 1}),
        param_space={"file": file, "index": tune.grid_search(list(range(count)))},
        run_config=tune.RunConfig(storage_path=str(FOLDER), verbose=0, callbacks=[recording]),
    ).fit()


if __name__ == "__main__":
    main()
