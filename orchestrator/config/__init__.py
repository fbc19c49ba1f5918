"""The experiment file: a module for each of its keys, the whole of them in `models`, its reading, its checks."""

from orchestrator.config.budget import Budget
from orchestrator.config.data import Data
from orchestrator.config.evaluation import Evaluation
from orchestrator.config.models import Experiment, SearchExperiment, StudyExperiment
from orchestrator.config.reading import asked, load, prepared, schema, validate
from orchestrator.config.resources import Resources
from orchestrator.config.search import Confirm, Search
from orchestrator.config.space import Dimension
from orchestrator.config.study import StudyAxes

__all__ = [
    "Budget",
    "Confirm",
    "Data",
    "Dimension",
    "Evaluation",
    "Experiment",
    "Resources",
    "Search",
    "SearchExperiment",
    "StudyAxes",
    "StudyExperiment",
    "asked",
    "load",
    "prepared",
    "schema",
    "validate",
]
