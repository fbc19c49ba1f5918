"""What a well-formed experiment must also satisfy: every name is read by somebody, every value is possible."""

import gans
from orchestrator.config.checks.data import check_data
from orchestrator.config.checks.evaluation import check_evaluation
from orchestrator.config.checks.refusals import check_name, located
from orchestrator.config.checks.search import check_search
from orchestrator.config.checks.space import check_laws, check_space
from orchestrator.config.checks.stop import check_stop
from orchestrator.config.checks.variant import check_fixed, check_trainer, variants_of
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.space import contenders, up_front


def check(experiment: Experiment) -> None:
    """Raise the first thing that is wrong, with its file, line and key."""
    document = experiment.document
    for index, name in enumerate(experiment.baselines):
        check_name("baseline", name, gans.BASELINES, document, ("baselines", index))
    if isinstance(experiment, SearchExperiment):
        _check_search_file(experiment)
    if isinstance(experiment, StudyExperiment):
        _check_study_file(experiment)
    check_evaluation(experiment.evaluation, experiment.ranked_by, document)
    check_stop(experiment.stop, experiment.evaluation.metrics, experiment.objective, document)


def _check_search_file(experiment: SearchExperiment) -> None:
    document = experiment.document
    check_data(experiment.data, document, ("data",))
    if experiment.trainer is None:
        variants = variants_of(experiment, document)
        check_fixed(experiment, variants, document)
        check_space(experiment, document)
        check_laws(experiment, variants, document)
    else:
        check_trainer(experiment, document)
        check_space(experiment, document)
    check_search(experiment, document)
    with located(document, ("space",)):
        contenders(up_front(experiment))  # values that are possible one by one may not go together


def _check_study_file(experiment: StudyExperiment) -> None:
    document = experiment.document
    for index, data in enumerate(experiment.study.data):
        check_data(data, document, ("study", "data", index))
    for index, name in enumerate(experiment.study.variants):
        check_name("variant", name, gans.VARIANTS, document, ("study", "variants", index))
    check_fixed(experiment, experiment.study.variants, document)
