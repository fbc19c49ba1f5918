"""What the key `evaluation` must also satisfy."""

from collections.abc import Mapping
from pathlib import Path

import metrics
from orchestrator.config.checks.refusals import check_name, located
from orchestrator.config.document import Document, Location
from orchestrator.config.evaluation import Evaluation


def check_evaluation(evaluation: Evaluation, ranked_by: Mapping[Location, str], document: Document) -> None:
    """Every metric and extractor has a name that is known, the objectives can rank, and the weights are there."""
    for index, family in enumerate(evaluation.metrics):
        check_name("metric", family, metrics.METRICS, document, ("evaluation", "metrics", index))
    for place, family in ranked_by.items():
        if family in metrics.METRICS:  # `seconds` are no score
            with located(document, place):
                metrics.METRICS[family].check_rank()
    if evaluation.extractor is not None:
        check_name("extractor", evaluation.extractor, metrics.EXTRACTORS, document, ("evaluation", "extractor"))
    if evaluation.weights is not None and not Path(evaluation.weights).is_file():
        message = f"there is no file {evaluation.weights}; relative paths begin at the experiment file"
        document.fail(("evaluation", "weights"), message)
