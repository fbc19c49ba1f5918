"""What the key `evaluation` must also satisfy."""

from pathlib import Path

import metrics
from orchestrator.config.checks.refusals import check_name
from orchestrator.config.document import Document
from orchestrator.config.evaluation import Evaluation


def check_evaluation(evaluation: Evaluation, document: Document) -> None:
    """Every metric and extractor has a name that is known, and the weights are there."""
    for index, family in enumerate(evaluation.metrics):
        check_name("metric", family, metrics.METRICS, document, ("evaluation", "metrics", index))
    if evaluation.extractor is not None:
        check_name("extractor", evaluation.extractor, metrics.EXTRACTORS, document, ("evaluation", "extractor"))
    if evaluation.weights is not None and not Path(evaluation.weights).is_file():
        message = f"there is no file {evaluation.weights}; relative paths begin at the experiment file"
        document.fail(("evaluation", "weights"), message)
