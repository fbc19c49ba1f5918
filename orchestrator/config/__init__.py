"""The experiment file: its models, its reading, its checks."""

from orchestrator.config.models import (
    Budget,
    Confirm,
    Data,
    Dimension,
    Evaluation,
    Experiment,
    Resources,
    Search,
    SearchExperiment,
    StudyAxes,
    StudyExperiment,
)
from orchestrator.config.reading import load, prepared, schema, validate

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
    "load",
    "prepared",
    "schema",
    "validate",
]
