"""What share of a trial of `dcgan` on `mnist5k` goes into scoring: `python -m tests.benchmarks.metrics_share`.

The design's budget and evaluation, a tick of 12,800 images and 1,000 samples on `lenet`; CPU seconds, one thread. What
counts as scoring is what a tick adds: drawing the samples and judging them.
"""

import time
from pathlib import Path

import torch

import gans
from orchestrator.config.evaluation import Evaluation
from orchestrator.judging import Judge

RESULTS = Path(__file__).parent / "results" / "metrics_share.md"
TICK, TICKS = 12_800, 3
SETS = (("fd",), ("fd", "is", "kd", "coverage"), ("fd", "is", "kd", "precision", "recall", "density", "coverage"))


def share(metrics: tuple[str, ...]) -> tuple[float, float]:
    """CPU seconds a tick of training and of scoring."""
    evaluation = Evaluation(extractor="lenet", samples=1000, metrics=metrics)
    judge = Judge(gans.data.load("mnist5k"), evaluation, cache=None)
    judge.prepare()
    training = scoring = 0.0
    mark = time.process_time()
    for progress in gans.train(gans.variant("dcgan"), judge.dataset, gans.Budget(images=TICK * TICKS, tick=TICK)):
        training += time.process_time() - mark
        mark = time.process_time()
        judge.score(progress.replicas[0].sample(judge.count("select")), "select")
        scoring += time.process_time() - mark
        mark = time.process_time()
    return training / TICKS, scoring / TICKS


def main() -> None:
    torch.set_num_threads(1)
    text = f"# Scoring's share of a trial\n\n`python -m tests.benchmarks.metrics_share`: torch {torch.__version__},"
    text += (
        f" `dcgan` on `mnist5k`, a tick of {TICK} images, 1,000 samples on `lenet`, CPU seconds a tick, one thread.\n\n"
    )
    text += "| metrics | training | scoring | share |\n| --- | --- | --- | --- |\n"
    for metrics in SETS:
        training, scoring = share(metrics)
        text += f"| {', '.join(metrics)} | {training:.2f} | {scoring:.2f} | {scoring / (training + scoring):.1%} |\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
