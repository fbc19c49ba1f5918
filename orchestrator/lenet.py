"""`python -m orchestrator.lenet`: train the digit classifier behind the `lenet` extractor, and write its weights."""

from pathlib import Path

import gans
from metrics.features import lenet

SEED = 0
HELD_OUT = ("select", "final")


def main() -> None:
    """Learn from `mnist5k`'s train split, measure on the other two, and write weights and record into the package."""
    data = gans.data.load("mnist5k")
    train = data.split("train")
    assert train.labels is not None  # noqa: S101  (mnist5k has them)
    network = lenet.fit(train.samples, train.labels, seed=SEED)
    correct = count = 0.0
    for name in HELD_OUT:
        split = data.split(name)  # type: ignore[arg-type]
        assert split.labels is not None  # noqa: S101
        correct += lenet.accuracy(network, split.samples, split.labels) * len(split)
        count += len(split)
    lenet.save(
        network,
        Path(lenet.__file__).parent,
        held_out_accuracy=correct / count,
        held_out=f"{' and '.join(HELD_OUT)} of mnist5k, {count:,.0f} digits",
        trained_on=f"train of mnist5k, {len(train):,} digits",
        seed=SEED,
        data=data.digest,
    )
    print(f"{correct / count:.2%} of {count:,.0f} held-out digits are read right; weights in {lenet.WEIGHTS}")  # noqa: T201


if __name__ == "__main__":
    main()
